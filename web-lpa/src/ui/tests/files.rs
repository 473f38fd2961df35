//! The files of the profile that is on.

use std::sync::Arc;

use ef::{Options, Step, Walk};
use leptos::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::Language;

use super::super::chip::Chip;
use super::{Page, said};
use crate::model::{Files, Slot};

const IMSI: &str = "001010123456789";
/// Of a USIM (ETSI TS 101 220 annex E).
const USIM: &str = "A0000000871002FFFFFFFF8903050001";
/// CK and IK.
const KEYS: &str = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";

/// A card with an MF, EF.ICCID, EF.DIR, and a USIM with EF.IMSI and EF.Keys.
fn card(command: &[u8], selected: &mut u16) -> Vec<u8> {
    let bytes = |hex: &str| hex::decode(hex.replace(' ', "")).unwrap();
    let data = command.get(5..).unwrap_or_default();
    match (command[1], command[2]) {
        (0x70, 0) => bytes("01 9000"),
        (0x70, _) => bytes("9000"),
        (0xA4, 0x04) => {
            *selected = 0x7FFF;
            bytes(&format!("6219 82027821 8410{USIM} 8A0105 9000"))
        }
        (0xA4, _) => {
            let last = data.get(..usize::from(command[4])).and_then(|path| path.last_chunk::<2>());
            *selected = last.map_or(0, |fid| u16::from_be_bytes(*fid));
            match *selected {
                0x3F00 => bytes("620B 82027821 83023F00 8A0105 9000"),
                0x2FE2 => bytes("620F 82024121 83022FE2 8002000A 8A0105 9000"),
                0x2F00 => bytes("6212 82054221001401 83022F00 80020014 8A0105 9000"),
                0x6F07 => bytes("620F 82024121 83026F07 80020009 8A0105 9000"),
                0x6F08 => bytes("620F 82024121 83026F08 80020021 8A0105 9000"),
                _ => bytes("6A82"),
            }
        }
        (0xB0, _) => match *selected {
            0x2FE2 => bytes("98000000000000203271 9000"),
            0x6F07 => bytes("080910101032547698 9000"),
            0x6F08 => bytes(&format!("07{KEYS} 9000")),
            _ => bytes("6A82"),
        },
        (0xB2, 1) if *selected == 0x2F00 => bytes(&format!("6112 4F10{USIM} 9000")),
        (0xB2, _) => bytes("6A83"),
        _ => bytes("6D00"),
    }
}

fn read() -> Files {
    let mut walk = Walk::new(Options::default());
    let (mut files, mut response, mut selected) = (Files::default(), None, 0);
    loop {
        match walk.next(response.take().as_deref()) {
            Step::Send(command) => response = Some(card(&command, &mut selected)),
            Step::Pin(tries) => files.pins.push(tries),
            Step::Found(file) => files.found.push(Arc::new(*file)),
            Step::Done(ending) => {
                files.ending = Some(ending);
                return files;
            }
        }
    }
}

async fn page() -> Page {
    let page = Page::show(|context| {
        context.model.chip(Slot::Phone).files.set(read());
        view! { <Chip/> }
    })
    .await;
    page.until("the tree", |page| !page.all(".tree details").is_empty()).await;
    page
}

/// A file's `<details>`.
fn file(page: &Page, name: &str) -> web_sys::HtmlElement {
    let files = page.all(".tree details.file");
    let named = |file: &web_sys::HtmlElement| {
        let name_shown = file.query_selector("summary strong").unwrap().unwrap();
        name_shown.text_content().as_deref() == Some(name)
    };
    files.into_iter().find(named).unwrap_or_else(|| panic!("{name} in {}", page.says(".tree")))
}

async fn open(page: &Page, name: &str) {
    file(page, name).set_attribute("open", "").unwrap();
    page.until("what is in it", |page| file(page, name).query_selector(".content").unwrap().is_some()).await;
}

#[test]
async fn a_walk_that_was_ended_shows_what_it_read_and_says_that_it_is_not_all() {
    let page = Page::show(|context| {
        let files = Files { ending: Some(ef::Ending::Limit), ..read() };
        context.model.chip(Slot::Phone).files.set(files);
        view! { <Chip/> }
    })
    .await;
    page.until("the tree", |page| !page.all(".tree details").is_empty()).await;
    file(&page, "EF.ICCID");
    assert!(page.text().contains("there is more than is read here"), "{}", page.text());
    page.speak(Language::Japanese).await;
    assert!(page.text().contains("まだ続きがあります"), "{}", page.text());
}

#[test]
async fn directories_hold_their_files() {
    let page = page().await;
    let directories = page.all(".tree details.directory");
    let names: Vec<_> = directories
        .iter()
        .map(|directory| directory.query_selector("summary strong").unwrap().unwrap().text_content().unwrap())
        .collect();
    assert_eq!(names, ["MF", "ADF.USIM"]);
    assert!(said(&directories[0]).contains("EF.ICCID") && !said(&directories[0]).contains("EF.IMSI"));
    assert!(said(&directories[1]).contains("EF.IMSI") && said(&directories[1]).contains("EF.Keys"));
    assert!(directories.iter().all(|directory| directory.has_attribute("open")), "the roots are open");
    assert!(page.all(".tree .content").is_empty(), "nothing is decoded before it is opened");
}

#[test]
async fn what_is_in_a_file_is_decoded_and_its_number_hidden() {
    let page = page().await;
    open(&page, "EF.IMSI").await;
    let shown = said(&file(&page, "EF.IMSI"));
    assert!(shown.contains("…456789") && !shown.contains(IMSI), "{shown}");
    assert!(!shown.contains("08 09 10 10 10 32 54 76 98"), "nor in its bytes: {shown}");
    page.context.hidden.set(false);
    page.settle().await;
    let shown = said(&file(&page, "EF.IMSI"));
    assert!(shown.contains(IMSI) && shown.contains("08 09 10 10 10 32 54 76 98"), "{shown}");
}

#[test]
async fn keys_are_never_shown() {
    let page = page().await;
    page.context.hidden.set(false);
    open(&page, "EF.Keys").await;
    let shown = said(&file(&page, "EF.Keys"));
    let digits: String = shown.chars().filter(char::is_ascii_hexdigit).collect();
    assert!(shown.contains("··"), "{shown}");
    for key in [&KEYS[..32], &KEYS[32..]] {
        assert!(!digits.contains(key) && !shown.contains(key), "{shown}");
    }
}

#[test]
async fn a_file_is_found_by_its_name_and_by_its_identifier() {
    let page = page().await;
    page.type_in("input[name=file]", "imsi").await;
    assert_eq!(page.say(".tree details.file summary strong"), ["EF.IMSI"]);
    page.type_in("input[name=file]", "6f08").await;
    assert_eq!(page.say(".tree details.file summary strong"), ["EF.Keys"]);
    page.type_in("input[name=file]", "no such").await;
    assert!(page.says(".tree").contains("No such file was read."));
    page.speak(Language::Japanese).await;
    assert!(page.says(".tree").contains("そのようなファイルはありません。"));
    page.type_in("input[name=file]", "").await;
    assert_eq!(page.all(".tree details.file").len(), 4);
}

#[test]
async fn a_file_that_is_open_stays_so_while_the_list_changes() {
    let page = page().await;
    page.type_in("input[name=file]", "EF.").await;
    open(&page, "EF.Keys").await;
    page.type_in("input[name=file]", "EF.K").await;
    assert_eq!(page.say(".tree details.file summary strong"), ["EF.Keys"]);
    assert!(file(&page, "EF.Keys").has_attribute("open"));
    page.type_in("input[name=file]", "EF.").await;
    let open: Vec<_> = page.all(".tree details.file").iter().map(|file| file.has_attribute("open")).collect();
    assert_eq!(open.iter().filter(|open| **open).count(), 1, "{open:?}");
    page.type_in("input[name=file]", "EF.I").await;
    assert!(page.all(".tree details.file").iter().all(|file| !file.has_attribute("open")), "another one");
}

#[test]
async fn before_it_is_read_it_is_said_so() {
    let page = Page::show(|_| view! { <Chip/> }).await;
    assert!(page.says("section.files").contains("Not read yet."));
    assert!(page.all(".tree").is_empty());
}
