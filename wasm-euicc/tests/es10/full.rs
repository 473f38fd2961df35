//! What is said when the memory is full, and what metadata may bring besides.

use rsp::DataObject as _;
use tlv::Tag;

use crate::card::{Card, factory, hex};
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// SGP.22 has one code for it: undefinedError(127).
#[test]
fn a_full_chip_takes_no_nickname_and_no_address() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    install(&mut card, &lab, &metadata(1), &package(1));
    card.forget_notifications();
    let free = card.free();
    let mut made = factory(&lab);
    // So much less that there is room for a few bytes only.
    made.memory -= free - 20;
    // A download needs more than what it leaves behind: on the larger chip, then moved.
    let medium = card.chip.into_env().medium;
    let options = wasm_euicc::Options { memory: made.memory as usize, ..wasm_euicc::Options::default() };
    let chip = wasm_euicc::Euicc::new(crate::card::env(medium), options).unwrap();
    let mut card = Card { chip, block: 255, log: Vec::new() };
    card.open();
    assert_eq!(card.free(), 20);
    let nickname = format!("BF2920 5A0A{} 9012{}", hex(iccid(1).as_bytes()), "41".repeat(18));
    assert_eq!(card.es10_hex(&nickname), "BF290380017F");
    let address = format!("BF3F20 801E{}", "61".repeat(30));
    assert_eq!(card.es10_hex(&address), "BF3F0380017F");
    assert_eq!(card.free(), 20);
    // What fits is taken.
    let nickname = format!("BF290F 5A0A{} 900141", hex(iccid(1).as_bytes()));
    assert_eq!(card.es10_hex(&nickname), "BF2903800100");
}

/// Data objects that a later version adds, and those of others, do no harm (SGP.22 §2.6.7.2).
#[test]
fn metadata_with_unknown_objects_installs() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let dialogue = session(&mut card, &lab, 1);
    let mut order = Order::new(&dialogue, &metadata(1), &package(1));
    let bytes = metadata(1).encode();
    let inside = tlv::Tlv::single(&bytes).unwrap().value;
    // Android's access rules, and a tag that nobody has given away.
    let more = vectors::bytes("BF7600 BF7D03800101");
    order.metadata = tlv::encode(Tag(0xBF25), &[inside, &more].concat());
    let answer = load(&mut card, &order.bind(&lab, &dialogue).encode());
    let data = crate::card::result(&answer, lab.pki.euicc.certificate());
    assert!(matches!(data.final_result, rsp::notification::FinalResult::Success { .. }));
    assert_eq!(card.profiles()[0].iccid, Some(iccid(1)));
}

/// Every reset makes chance anew: no challenge is heard twice in a long life.
#[test]
fn no_challenge_comes_twice() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let mut heard: Vec<[u8; 16]> = (0..500).map(|_| challenge(&mut card)).collect();
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard.len(), 500);
}
