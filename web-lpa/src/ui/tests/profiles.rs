//! The profiles on the chip.

use leptos::prelude::*;
use rsp::metadata::ProfileClass;
use rsp::profiles::{ProfileInfo, ProfileState};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::HtmlInputElement;
use words::{Language, Text};

use super::super::phone::Phone;
use super::chip::{Answers, asked, insert, program};
use super::samples::{self, ICCID, profile};
use super::{Page, focused, is_disabled};
use crate::model::{Notice, Slot};

const OTHER: &str = "8900000000000902325";
const FACTORY: &str = "8900000000000902333";

/// One profile that is on, one that is off, and the provisioning profile.
fn profiles() -> [ProfileInfo; 3] {
    let home = ProfileInfo {
        state: Some(ProfileState::Enabled),
        ..profile(OTHER, "Home", ProfileClass::Operational)
    };
    [
        home,
        profile(ICCID, "Travel", ProfileClass::Operational),
        profile(FACTORY, "Bootstrap", ProfileClass::Provisioning),
    ]
}

async fn page(profiles: &[ProfileInfo]) -> Page {
    let page = Page::show(|_| view! { <Phone/> }).await;
    insert(&page, &Answers::new(profiles, &[])).await;
    page.until("the list", |page| !page.all("li.profile").is_empty()).await;
    page
}

/// The ICCID as it is on the wire.
fn on_the_wire(iccid: &str) -> Vec<u8> {
    iccid.parse::<rsp::Iccid>().unwrap().as_bytes().to_vec()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
async fn each_profile_is_shown_with_what_it_is() {
    let page = page(&profiles()).await;
    assert_eq!(page.say("li.profile .who strong"), ["Home", "Travel", "Bootstrap"]);
    assert_eq!(page.say("li.profile .badge"), ["operational", "operational", "provisioning"]);
    let switches: Vec<_> = page
        .all("li.profile [role=switch]")
        .iter()
        .map(|one| one.get_attribute("aria-checked").unwrap())
        .collect();
    assert_eq!(switches, ["true", "false", "false"]);
    page.speak(Language::Japanese).await;
    assert_eq!(page.say("li.profile .badge"), ["運用", "運用", "プロビジョニング"]);
}

#[test]
async fn the_switch_asks_the_chip_for_this_profile() {
    let page = page(&profiles()).await;
    assert_eq!(asked(&page, "EnableProfile"), None);
    page.press("Travel").await;
    page.until("the end of it", |page| page.context.model.task.with_untracked(Option::is_none)).await;
    let request = asked(&page, "EnableProfile").expect("it was asked");
    assert!(holds(&request, &on_the_wire(ICCID)), "{request:02X?}");
    page.press("Home").await;
    page.until("the end of it", |page| page.context.model.task.with_untracked(Option::is_none)).await;
    let request = asked(&page, "DisableProfile").expect("the one that is on goes off");
    assert!(holds(&request, &on_the_wire(OTHER)), "{request:02X?}");
}

#[test]
async fn a_name_turns_no_sentence_around() {
    let mut profiles = profiles();
    let travel = profiles.iter_mut().find(|one| one.profile_name.as_deref() == Some("Travel")).unwrap();
    // Right to left, and an end of an isolate that is not its own.
    travel.profile_name = Some("\u{5E0}\u{5E1}\u{2069}\u{5D9}".into());
    travel.nickname = None;
    let page = page(&profiles).await;
    let label = page.all("li.profile button.danger")[1].get_attribute("aria-label").unwrap();
    assert_eq!(label, "Delete \u{2068}\u{5E0}\u{5E1}\u{5D9}\u{2069}");
    page.all("li.profile button.danger")[1].clone().unchecked_into::<web_sys::HtmlElement>().click();
    page.settle().await;
    let title = page.says("dialog[open] h2");
    assert_eq!(title, "Delete \u{2068}\u{5E0}\u{5E1}\u{5D9}\u{2069}?");
    page.press("Keep it").await;
    page.press("Rename \u{2068}\u{5E0}\u{5E1}\u{5D9}\u{2069}").await;
    let title = page.says("dialog[open] h2");
    assert_eq!(title, "Rename \u{2068}\u{5E0}\u{5E1}\u{5D9}\u{2069}");
}

#[test]
async fn a_profile_is_deleted_only_when_its_name_was_typed() {
    let page = page(&profiles()).await;
    assert!(is_disabled(&page.button("Delete Home")), "it is on");
    let buttons = page.all("li.profile button.danger").len();
    assert_eq!(buttons, 2, "the provisioning profile has no such button");
    page.press("Delete Travel").await;
    let dialog = page.says("dialog[open]");
    assert!(dialog.contains("Delete Travel?") && dialog.contains("cannot be undone"), "{dialog}");
    assert!(dialog.contains("…902317") && !dialog.contains(ICCID), "{dialog}");
    assert!(is_disabled(&page.one("dialog[open] button.danger")));
    for name in ["Home", "travel", "Trave"] {
        page.type_in("[data-testid=confirm-name]", name).await;
        assert!(is_disabled(&page.one("dialog[open] button.danger")), "{name}");
        page.submit("dialog[open] form").await;
    }
    assert_eq!(asked(&page, "DeleteProfile"), None, "nor by Enter");
    page.type_in("[data-testid=confirm-name]", " Travel ").await;
    page.click("dialog[open] button.danger").await;
    page.until("the end of it", |page| page.context.model.task.with_untracked(Option::is_none)).await;
    let request = asked(&page, "DeleteProfile").expect("it was asked");
    assert!(holds(&request, &on_the_wire(ICCID)), "{request:02X?}");
}

#[test]
async fn one_can_think_better_of_it() {
    let page = page(&profiles()).await;
    page.press("Delete Travel").await;
    page.press("Keep it").await;
    assert!(page.all("dialog[open]").is_empty());
    page.press("Delete Travel").await;
    page.fire(&page.one("dialog[open]"), "cancel").await;
    assert!(page.all("dialog[open]").is_empty());
    assert_eq!(asked(&page, "DeleteProfile"), None);
}

#[test]
async fn nothing_is_switched_while_something_is_under_way() {
    let page = page(&profiles()).await;
    let task = crate::model::Task::new(Text::new("Busy", "作業中"));
    page.context.model.task.set(Some(task));
    page.settle().await;
    assert!(page.all("li.profile [role=switch], li.profile .more button").iter().all(is_disabled));
}

#[test]
async fn names_that_are_meant_to_do_harm_are_text() {
    // What a chip can say: 64 bytes (SGP.22 §2.4a.1). Longer is refused before.
    let names = samples::hostile_names().map(|name| name.chars().take(60).collect::<String>());
    let list: Vec<_> = names.iter().map(|name| profile(ICCID, name, ProfileClass::Operational)).collect();
    let page = Page::show(|_| view! { <Phone/> }).await;
    page.context.model.chip(Slot::Phone).profiles.set(Some(list));
    page.settle().await;
    let shown: Vec<_> =
        page.all("li.profile .who strong").iter().map(|name| name.text_content().unwrap()).collect();
    assert_eq!(shown, samples::hostile_names_shown().map(|name| name.chars().take(60).collect::<String>()));
    assert!(page.all("li.profile :is(img, script, b)").is_empty());
}

#[test]
async fn an_empty_chip_says_so() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    insert(&page, &Answers::new(&[], &[])).await;
    assert!(page.says("section.profiles").contains("None yet: add an eSIM."));
}

#[test]
async fn a_name_that_cannot_be_typed_as_it_is_does_not_keep_a_profile() {
    // Two spaces, of which one is seen; characters that are not seen, or would turn the others around; nothing
    // that is seen, and so the operator's own name.
    let cases = [
        ("Travel  Data", "Travel Data"),
        ("Tra\u{200B}vel\u{202E}", "Travel"),
        ("\u{202E}abc-xyz", "abc-xyz"),
        ("\u{200B}\u{2060}", "Contoso"),
    ];
    for (name, typed) in cases {
        let page = page(&[profile(ICCID, name, ProfileClass::Operational)]).await;
        page.click("li.profile .more .danger").await;
        assert!(!page.text().contains('\u{202E}'), "{name:?}: it is read as it is typed");
        let delete = || page.one("dialog[open] button[type=submit]");
        assert!(is_disabled(&delete()), "{name:?}");
        page.type_in("[data-testid=confirm-name]", typed).await;
        assert!(!is_disabled(&delete()), "{name:?}: {}", page.says("dialog[open]"));
        page.type_in("[data-testid=confirm-name]", "Other").await;
        assert!(is_disabled(&delete()), "{name:?}");
    }
}

#[test]
async fn a_nickname_that_the_chip_cannot_hold_is_said_before_it_is_cut() {
    let page = page(&[profile(ICCID, "Travel", ProfileClass::Operational)]).await;
    page.press("Rename Travel").await;
    page.type_in("[name=nickname]", &"あ".repeat(22)).await;
    assert!(page.says("dialog[open] [role=alert]").contains("66 bytes"), "{}", page.says("dialog[open]"));
    assert!(is_disabled(&page.one("dialog[open] button[type=submit]")));
    page.type_in("[name=nickname]", &"あ".repeat(21)).await;
    assert!(!is_disabled(&page.one("dialog[open] button[type=submit]")));
    // What is given up is not there the next time.
    page.press("Cancel").await;
    page.press("Rename Travel").await;
    assert_eq!(page.one("[name=nickname]").unchecked_ref::<HtmlInputElement>().value(), "");
}

#[test]
async fn one_whose_row_is_gone_goes_on_at_what_came_of_it() {
    let page = page(&profiles()).await;
    let model = page.context.model;
    let notice = || Some(Notice::good(Text::new("It is done.", "できました。"), Text::<String>::default()));
    let switch = page.all("li.profile [role=switch]")[1].clone();
    switch.focus().unwrap();
    model.notice.set(notice());
    page.settle().await;
    assert_eq!(focused().as_ref(), Some(&switch), "who is somewhere stays there");
    model.notice.set(None);
    switch.blur().unwrap();
    model.notice.set(notice());
    page.settle().await;
    assert_eq!(focused(), Some(page.one("[data-testid=notice]")));
}

#[test]
async fn who_has_renamed_a_profile_goes_on_at_its_row() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    // The answer of SetNickname (SGP.22 §5.7.21); read back, the profile has the name.
    let mut profiles = profiles();
    profiles[1].nickname = Some("Holidays".into());
    let answers = Answers::new(&profiles, &[]).but("BF29", &[0xBF, 0x29, 0x03, 0x80, 0x01, 0x00]);
    insert(&page, &answers).await;
    page.button("Rename Holidays").focus().unwrap();
    page.press("Rename Holidays").await;
    page.type_in("[name=nickname]", "Holidays").await;
    page.one("dialog[open] button[type=submit]").click();
    page.until("the end of it", |page| asked(page, "SetNickname").is_some()).await;
    page.until("that the phone is idle", |page| page.context.model.task.with_untracked(Option::is_none))
        .await;
    page.until("the focus", |page| focused().as_ref().is_some_and(|one| page.place.contains(Some(one))))
        .await;
    let there = focused().unwrap();
    let row = there.closest("li.profile").unwrap().unwrap_or_else(|| panic!("{}", there.outer_html()));
    assert_eq!(row.get_attribute("data-iccid").as_deref(), Some(ICCID));
    page.close().await;
}

#[test]
async fn a_deletion_of_what_is_gone_is_one() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let home = profile(OTHER, "Home", ProfileClass::Operational);
    // The answer to the deletion before did not arrive: the chip finds nothing (SGP.22 §5.7.18).
    let answers = Answers::new(&[home], &[]).but("BF33", &[0xBF, 0x33, 0x03, 0x80, 0x01, 0x01]);
    insert(&page, &answers).await;
    page.context.phone.delete(Slot::Phone, ICCID.parse().unwrap(), "Travel".to_owned());
    page.until("the notice", |page| !page.all("[data-testid=notice]").is_empty()).await;
    assert!(page.says("[data-testid=notice]").contains("Travel is deleted."), "{}", page.text());
}

#[test]
async fn a_chip_that_cannot_be_read_says_why() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    // It selects nothing.
    let source = "
        postMessage({state: 'durable', because: 'in files (OPFS)'});
        onmessage = ({data: {id, reset}}) => postMessage({id, rsp: reset ? Uint8Array.of(0x3B, 0x00) : Uint8Array.of(0x6A, 0x82)});";
    page.context.phone.start(&program(source));
    page.until("the end of the start", |page| {
        let model = page.context.model;
        model.chip(Slot::Phone).unread.with_untracked(Option::is_some)
            && model.task.with_untracked(Option::is_none)
    })
    .await;
    assert!(!page.says(".profiles .empty").contains("Reading"), "{}", page.text());
    assert!(page.says(".profiles .empty").len() > 20, "{}", page.says(".profiles .empty"));
}
