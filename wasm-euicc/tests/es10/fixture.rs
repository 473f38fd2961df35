//! A chip of the past: `fixtures/store-v1.bin` is what stood on the medium of a chip
//! of format 1, and must load for ever.
//!
//! It was made by [`make`]: run it with
//! `cargo test -p wasm-euicc --test es10 -- --ignored fixture::make`, and only to make
//! the fixture of a *new* format: change [`FORMAT`] in the same commit that changes the
//! format, run it, commit `store-vN.bin` and `store-vN.txt` beside the old ones, and add
//! a line to [`MEDIA`]. The old files are never made again: what they hold is what
//! people's browsers and files hold.

use rsp::profiles::StateChange;
use wasm_euicc::Factory;
use wasm_euicc::nvm::MemoryMedium;

use crate::card::{Card, factory, hex};
use crate::management::{change, delete, disable, enable, enabled};
use crate::observe::{Observation, observe, places};
use crate::server::*;
use crate::subject::{rich_package, set1};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The format that [`make`] makes.
#[cfg(not(target_arch = "wasm32"))]
const FORMAT: u16 = 1;

/// Every medium that must load: its format, the bytes, and what was seen of the chip
/// when they were made.
const MEDIA: [(u16, &[u8], &str); 1] =
    [(1, include_bytes!("../fixtures/store-v1.bin"), include_str!("../fixtures/store-v1.txt"))];

const USIM: &str = "A0000000871002FFFFFFFF8900000100";

fn made(lab: &Lab) -> Factory {
    let mut made = factory(lab);
    made.default_dp_address = Some("default.example.com".into());
    made.root_ds_address = "ds.example.com".into();
    made
}

/// Two profiles, the first enabled, with a nickname; notifications waiting, one
/// removed; PIN 1 changed and a try of PIN 2 used up; a sequence number accepted; files
/// written; the one-time key of a postponed download kept.
#[cfg(not(target_arch = "wasm32"))]
#[test]
#[ignore = "makes the fixture of a new format"]
fn make() {
    let lab = Lab::new();
    let mut card = Card::made_by(&made(&lab));
    install(&mut card, &lab, &metadata(1), &rich_package(1, true));
    install(&mut card, &lab, &metadata(2), &rich_package(2, false));
    assert_eq!(enable(&mut card, 2), 0);
    assert_eq!(enable(&mut card, 1), 0);
    assert_eq!(card.es10_hex("BF3003800101"), "BF3003800100");
    let iccid1 = hex(iccid(1).as_bytes());
    assert_eq!(card.es10_hex(&format!("BF29145A0A{iccid1}9006C39C62657221")), "BF2903800100");
    assert_eq!(card.es10_hex("BF3F0A8008736D64702E6F7267"), "BF3F03800100");
    let dialogue = session(&mut card, &lab, 9);
    let otpk = hex(&dialogue.otpk);
    let later = rsp::cancel::CancelSessionRequest {
        transaction_id: dialogue.transaction_id,
        reason: rsp::codes::CancelSessionReason::POSTPONED,
    };
    card.es10(&rsp::DataObject::encode(&later));
    for (command, sw) in [
        (format!("00A4040C10{USIM}"), "9000"),
        // PIN 1 becomes 1111; PIN 2 has two tries left.
        ("00240001 10 31323334FFFFFFFF31313131FFFFFFFF".into(), "9000"),
        ("00200081 08 39393939FFFFFFFF".into(), "63C2"),
        // EF.LOCI; the counter; an object; a file deactivated.
        ("00D68B00 0B 47D1264A62F21037211E00".into(), "9000"),
        ("0020000A 08 3939393939393939".into(), "9000"),
        ("00A4000C 02 3F00".into(), "9000"),
        ("00A4000C 02 2FF4".into(), "9000"),
        ("80320000 03 000005 00".into(), "0000050000059000"),
        ("00A4000C 02 2FE6".into(), "9000"),
        ("80DB0080 04 80021122".into(), "9000"),
        ("00040000 02 2FE7".into(), "9000"),
        (format!("00A4040C10{USIM}"), "9000"),
        (format!("00880081 22 10{}10{} 2C", set1::RAND, set1::AUTN), "*"),
    ] {
        let answer = hex(&card.chip.transmit(&vectors::bytes(&command)));
        assert!(answer == sw || (sw == "*" && answer.starts_with("DB08")), "{command}: {answer}");
    }
    let medium = card.chip.into_env().medium;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("store-v{FORMAT}.bin")), medium.expose_bytes()).unwrap();
    let seen = seen(&made(&lab), &medium);
    let seen: String = seen.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let lines = format!("{otpk}\n{seen}");
    std::fs::write(folder.join(format!("store-v{FORMAT}.txt")), lines).unwrap();
}

/// The first line is the public half of the one-time key that was kept; what was seen
/// follows.
fn one_time_key(written: &str) -> (&str, &str) {
    written.split_once('\n').unwrap()
}

/// All but what a later version of the chip may do otherwise with the same memory.
fn seen(made: &Factory, medium: &MemoryMedium) -> Observation {
    let mut seen = observe(made, medium, &places(made, medium));
    seen.remove("memory free");
    seen.remove("es10 info1");
    seen
}

#[test]
fn a_chip_of_every_format_loads_with_all_it_had() {
    let lab = Lab::new();
    for (format, bytes, written) in MEDIA {
        let medium = MemoryMedium::holding(bytes.to_vec());
        let seen = seen(&made(&lab), &medium);
        let mut lines = one_time_key(written).1.lines();
        for (name, value) in &seen {
            assert_eq!(Some(format!("{name}: {value}").as_str()), lines.next(), "format {format}");
        }
        assert_eq!(lines.next(), None, "format {format}");
    }
}

/// The same in the words of the standards, by hand: that the list of above is no list of
/// nothing.
#[test]
fn a_chip_of_every_format_works_on() {
    let lab = Lab::new();
    for (format, bytes, written) in MEDIA {
        let mut card = Card::on(&made(&lab), MemoryMedium::holding(bytes.to_vec()));
        assert_eq!(enabled(&mut card), Some(1), "format {format}");
        let profiles = card.profiles();
        assert_eq!(profiles.len(), 2);
        assert_eq!(profiles[0].nickname.as_deref(), Some("Über!"));
        assert_eq!(profiles[1].nickname, None);
        assert_eq!(
            card.es10_hex("BF3C00"),
            "BF3C1A 8008736D64702E6F7267 810E64732E6578616D706C652E636F6D".replace(' ', "")
        );
        let events: Vec<_> = card.notifications().into_iter().map(|(seq, event, _)| (seq, event)).collect();
        assert_eq!(
            events,
            [
                (2, "install"),
                (3, "enable"),
                (4, "enable"),
                (5, "disable"),
                (6, "disable"),
                (7, "enable"),
                (8, "enable"),
            ]
        );
        let mut raw = |command: &str| hex(&card.chip.transmit(&vectors::bytes(command)));
        assert_eq!(raw(&format!("00A4040C10{USIM}")), "9000");
        assert_eq!(raw("00200081"), "63C2");
        assert_eq!(raw("00200001 08 31323334FFFFFFFF"), "63C2");
        assert_eq!(raw("00200001 08 31313131FFFFFFFF"), "9000");
        assert_eq!(raw("00B08B000B"), "47D1264A62F21037211E009000");
        assert_eq!(raw("00B0870009"), "0809101000000000109000");
        // The number of before is used up: AUTS (computed by 3GPP TS 35.206 §4.1).
        let again = format!("00880081 22 10{}10{} 10", set1::RAND, set1::AUTN);
        assert_eq!(raw(&again), "DC0EBA853F3C123CCF44E93596E355C69000");
        assert_eq!(raw("00A4000C023F00"), "9000");
        assert_eq!(raw("00A4000C022FF4"), "9000");
        assert_eq!(raw("80320000030000FF00"), "0001040000FF9000");
        assert_eq!(raw("00A4000C022FE6"), "9000");
        assert_eq!(raw("80CB0080018000"), "800211229000");
        assert_eq!(raw("00A4000C022FE7"), "6283");
        // The key of the postponed download is still there, and a package for it installs.
        let mut dialogue = authenticate(&mut card, &lab, &tid(10));
        let kept = vectors::bytes(one_time_key(written).0).try_into().unwrap();
        prepare(&mut card, &lab, &mut dialogue, Some(kept));
        assert_eq!(dialogue.otpk, kept);
        let bound = Order::new(&dialogue, &metadata(3), &package(3)).bind(&lab, &dialogue);
        let answer = load(&mut card, &rsp::DataObject::encode(&bound));
        let result = crate::card::result(&answer, lab.pki.euicc.certificate());
        assert_eq!(result.notification.seq_number, 9);
        // All the rest of a life.
        assert_eq!(enable(&mut card, 3), 0);
        assert_eq!(delete(&mut card, 1), 0);
        assert_eq!(change(&mut card, StateChange::Enable, 2, true), 0);
        card.reset();
        assert_eq!(enabled(&mut card), Some(2));
        assert_eq!(disable(&mut card, 2), 0);
        let mut card = card.power_cycle(&made(&lab));
        assert_eq!((card.profiles().len(), enabled(&mut card)), (2, None));
    }
}
