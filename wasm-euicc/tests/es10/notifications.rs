//! The life of notifications.

use rsp::metadata::ProfileClass;
use rsp::notification::PendingNotification;
use rsp_crypto::{signature, software};

use crate::card::{Card, factory, hex};
use crate::management::{delete, disable, enable};
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn every_event_is_told_to_whom_it_concerns() {
    let lab = Lab::new();
    let made = factory(&lab);
    let mut card = Card::new(&lab);
    install(&mut card, &lab, &metadata(1), &package(1));
    install(&mut card, &lab, &metadata(2), &package(2));
    assert_eq!((enable(&mut card, 1), enable(&mut card, 2)), (0, 0));
    assert_eq!((disable(&mut card, 2), delete(&mut card, 1)), (0, 0));
    let smdp = |number, event| (number, event, ADDRESS.to_owned());
    let other = |number, event| (number, event, OTHER.to_owned());
    let expected = [
        smdp(1, "install"),
        smdp(2, "install"),
        smdp(3, "enable"),
        other(4, "enable"),
        // Disable before enable.
        smdp(5, "disable"),
        other(6, "disable"),
        smdp(7, "enable"),
        other(8, "enable"),
        smdp(9, "disable"),
        other(10, "disable"),
        smdp(11, "delete"),
    ];
    assert_eq!(card.notifications(), expected);
    let mut card = card.power_cycle(&made);
    assert_eq!(card.notifications(), expected);

    // All are signed, and go out with the certificates.
    let answer = card.es10(&[0xBF, 0x2B, 0x00]);
    let list = rsp::notification::decode_retrieve_response(&answer).unwrap().unwrap();
    assert_eq!(list.len(), expected.len());
    let key = lab.pki.euicc.certificate().public_key().unwrap();
    for (number, notification) in (1..).zip(&list) {
        assert_eq!(notification.metadata().seq_number, number);
        if let PendingNotification::Other(other) = &**notification {
            let signed = signature::euicc_notification_signature(other.tbs.bytes());
            assert!(software::verify(key, &signed, &other.signature));
            assert_eq!(other.euicc_certificate.der(), lab.pki.euicc.certificate().der());
            assert_eq!(other.eum_certificate.der(), lab.pki.eum.certificate().der());
            let last = iccid(if [3, 4, 5, 6, 11].contains(&number) { 1 } else { 2 });
            assert_eq!(other.tbs.iccid, Some(last));
        }
    }

    // By event, by number; none.
    let count = |card: &mut Card<_>, request: &str| {
        let answer = card.es10(&vectors::bytes(request));
        rsp::notification::decode_retrieve_response(&answer).unwrap().map(|list| list.len())
    };
    assert_eq!(count(&mut card, "BF2B06A00481020640"), Ok(4));
    assert_eq!(count(&mut card, "BF2B06A00481020560"), Ok(8));
    assert_eq!(count(&mut card, "BF2B05A003800105"), Ok(1));
    assert_eq!(count(&mut card, "BF2B05A003800163"), Err(1));
    let listed = rsp::notification::decode_list_response(&card.es10(&vectors::bytes("BF280481020410")));
    assert_eq!(listed.unwrap().unwrap().len(), 1);

    // Removed once, and numbers are never used again.
    for (number, result) in [(5, "BF3003800100"), (5, "BF3003800101"), (99, "BF3003800101")] {
        assert_eq!(hex(&card.es10(&rsp::notification::encode_notification_sent(number))), result);
    }
    card.forget_notifications();
    assert_eq!(card.es10_hex("BF2800"), "BF2802A000");
    assert_eq!(card.es10_hex("BF2B00"), "BF2B02A000");
    assert_eq!(card.es10_hex("BF34048202 0580"), "BF3403800100");
    let mut card = card.power_cycle(&made);
    assert_eq!(card.notifications(), [smdp(12, "delete")]);
}

#[test]
fn test_profiles_tell_nobody_but_their_installation() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let mut metadata = metadata(1);
    metadata.profile_class = ProfileClass::Test;
    install(&mut card, &lab, &metadata, &package_with(1, [0; 16]));
    card.forget_notifications();
    assert_eq!((enable(&mut card, 1), disable(&mut card, 1), delete(&mut card, 1)), (0, 0, 0));
    assert!(card.notifications().is_empty());
}

#[test]
fn the_oldest_goes_for_a_new_one() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    install(&mut card, &lab, &metadata(1), &package(1));
    for _ in 0..40 {
        assert_eq!((enable(&mut card, 1), disable(&mut card, 1)), (0, 0));
    }
    let list = card.notifications();
    assert_eq!((list.len(), list[0].0, list[63].0), (64, 1 + 160 - 63, 161));
    let free = card.free();
    assert_eq!((enable(&mut card, 1), disable(&mut card, 1)), (0, 0));
    assert!(free.abs_diff(card.free()) < 64);
}

#[test]
fn on_a_full_chip_the_oldest_make_room() {
    let lab = Lab::new();
    let mut card = Card::new(&lab);
    let before = card.free();
    install(&mut card, &lab, &metadata(1), &package(1));
    let takes = before - card.free();
    let mut made = factory(&lab);
    made.memory = made.memory - before + takes + 700;
    let mut card = Card::made_by(&made);
    install(&mut card, &lab, &metadata(1), &package(1));
    for _ in 0..20 {
        assert_eq!((enable(&mut card, 1), disable(&mut card, 1)), (0, 0));
    }
    let list = card.notifications();
    assert!(list.len() < 10 && list.last().unwrap().0 == 81, "{list:?}");
    assert_eq!(delete(&mut card, 1), 0);
}
