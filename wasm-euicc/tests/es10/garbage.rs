//! Whatever comes in: a status word, and a chip that goes on.

use proptest::prelude::*;
use rsp::DataObject as _;
use rsp::bpp::segments;

use crate::card::{Card, factory};
use crate::server::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let tags: Vec<u8> = vec![
        0x20, 0x21, 0x22, 0x28, 0x29, 0x2B, 0x2D, 0x2E, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3C,
        0x3E, 0x3F, 0x41, 0x43, 0x56,
    ];
    let inside = proptest::collection::vec(
        (
            prop_oneof![
                Just(0x80u32),
                Just(0x81),
                Just(0x82),
                Just(0x90),
                Just(0x95),
                Just(0x5A),
                Just(0x4F),
                Just(0x5C),
                Just(0xA0),
                Just(0xA1),
                Just(0x30),
                Just(0x5F37),
                Just(0x5F49),
                Just(0x04),
                Just(0xBF23),
                Just(0x86),
                Just(0x87),
                Just(0x88),
                Just(0x02)
            ],
            proptest::collection::vec(any::<u8>(), 0..80),
        ),
        0..6,
    );
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..200),
        (proptest::sample::select(tags), inside).prop_map(|(tag, parts)| {
            let value: Vec<u8> =
                parts.iter().flat_map(|(tag, value)| tlv::encode(tlv::Tag(*tag), value)).collect();
            tlv::encode(tlv::Tag(0xBF00 | u32::from(tag)), &value)
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_is_answered(requests in proptest::collection::vec(payload(), 1..12)) {
        let lab = Lab::new();
        let mut card = Card::new(&lab);
        for request in requests {
            let (_, sw) = card.store_data(&request);
            prop_assert!([0x9000, 0x6A80, 0x6A84, 0x6A88, 0x6985].contains(&sw), "{:04X}", sw);
        }
        prop_assert!(card.profiles().is_empty());
    }

    #[test]
    fn a_download_survives_any_change(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        cut in 1usize..2000,
    ) {
        let lab = Lab::new();
        let mut card = Card::new(&lab);
        let dialogue = session(&mut card, &lab, 1);
        let mut bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue).encode();
        let at = at.index(bound.len());
        let changed = bound[at] != value;
        bound[at] = value;
        for chain in bound.chunks(cut) {
            let (data, sw) = card.store_data(chain);
            if sw != 0x9000 || !data.is_empty() {
                break;
            }
        }
        card.reset();
        prop_assert_eq!(card.profiles().len(), usize::from(!changed));
        if changed {
            card.forget_notifications();
            install(&mut card, &lab, &metadata(1), &package(1));
        }
    }
}

#[test]
fn no_answer_holds_a_private_key() {
    let lab = Lab::new();
    let mut card = Card::made_by(&factory(&lab));
    let secret = lab.pki.euicc.expose_key().expose_scalar();
    let dialogue = session(&mut card, &lab, 1);
    let bound = Order::new(&dialogue, &metadata(1), &package(1)).bind(&lab, &dialogue).encode();
    let mut answers = Vec::new();
    for segment in segments(&bound).unwrap() {
        answers.push(card.es10(&bound[segment.bytes]));
    }
    for tag in 0x20..0x60 {
        for inside in [&[][..], &[0x80, 0x01, 0x00], &[0x5C, 0x01, 0x5A], &[0x81, 0x01, 0x00]] {
            answers.push(card.store_data(&tlv::encode(tlv::Tag(0xBF00 | tag), inside)).0);
        }
    }
    for answer in answers {
        assert!(!answer.windows(32).any(|window| window == &secret[..]));
    }
}
