//! Whatever comes in.

use proptest::prelude::*;
use serde_json::json;

use super::{Desktop, Page, connect};
use crate::line::Lines;
use crate::session::Desk;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_frame_has_an_answer(frames in proptest::collection::vec(any_frame(), 1..20)) {
        let (desk, desktop) = (Desk::default(), Desktop::with(&["A", "B"]));
        let mut page = Page::paired(&desk, &desktop);
        for frame in frames {
            let told = page.says(&frame);
            prop_assert!(!told.is_empty());
            page.look();
        }
        drop(page);
        // Nothing is held any more.
        let mut next = Page::paired(&desk, &desktop);
        prop_assert_eq!(&next.ask(&connect("A"))["tell"], "connected");
    }

    #[test]
    fn every_line_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut lines = Lines::new(Desktop::with(&["A"]), None);
        lines.feed(&bytes);
        lines.finish();
    }
}

fn any_frame() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,80}",
        (any::<u32>(), 0u32..4, proptest::collection::vec(any::<u8>(), 0..270)).prop_map(
            |(id, card, apdu)| {
                json!({ "id": id, "ask": "transmit", "card": card, "apdu": hex::encode(apdu) }).to_string()
            }
        ),
        (any::<u32>(), "[ABC]")
            .prop_map(|(id, reader)| { json!({ "id": id, "ask": "connect", "reader": reader }).to_string() }),
        (any::<u32>(), 0u32..4, "reset|disconnect|readers|escape|pair|resume").prop_map(|(id, card, ask)| {
            json!({ "id": id, "ask": ask, "card": card, "code": "1", "token": "1" }).to_string()
        }),
    ]
}
