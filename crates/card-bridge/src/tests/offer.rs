//! A chip of the page for the programs of the desktop.

use serde_json::{Value, json};

use super::{Desktop, Page, values};
use crate::card::Trouble;
use crate::protocol::Why;
use crate::session::{Desk, ToReader};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn offer(id: u32) -> Value {
    json!({ "id": id, "ask": "offer", "atr": "3B8001" })
}

/// A page whose chip is in the virtual reader.
fn offering(desk: &Desk) -> Page {
    let mut page = Page::paired(desk, &Desktop::default());
    assert!(page.asks(&offer(1)).is_empty());
    assert_eq!(page.reader, [ToReader::Open]);
    assert_eq!(values(&page.session.opened(Ok(()))), [json!({ "tell": "offered", "id": 1 })]);
    page
}

#[test]
fn a_chip_of_the_page_is_used_by_the_desktop() {
    let mut page = offering(&Desk::default());
    assert!(page.session.waits_for_reader());
    assert_eq!(page.heard(&[0, 1, 1]), [json!({ "tell": "power", "number": 1 })]);
    assert!(!page.session.waits_for_reader());
    let answer = |id: u32, number: u32, bytes: &str| json!({ "id": id, "ask": "answer", "number": number, "bytes": bytes });
    assert_eq!(page.ask(&answer(2, 1, "3B00")), json!({ "tell": "passed", "id": 2 }));
    assert!(page.heard(&[0, 1, 4]).is_empty());
    assert_eq!(page.reader, [ToReader::Say(vec![0, 2, 0x3B, 0x00])]);
    assert_eq!(
        page.heard(&[0, 4, 0, 0xF2, 0, 0]),
        [json!({ "tell": "command", "number": 2, "apdu": "00F20000" })]
    );
    // Only what was asked, and once.
    assert_eq!(page.why(&answer(3, 1, "9000")), "not-asked");
    assert_eq!(page.why(&answer(4, 2, &"00".repeat(259))), "malformed");
    assert_eq!(page.ask(&answer(5, 2, "6A82")), json!({ "tell": "passed", "id": 5 }));
    assert_eq!(page.reader, [ToReader::Say(vec![0, 2, 0x6A, 0x82])]);
    assert_eq!(page.why(&answer(6, 2, "9000")), "not-asked");
    // Taken out.
    assert_eq!(page.ask(&json!({ "id": 7, "ask": "withdraw" })), json!({ "tell": "withdrawn", "id": 7 }));
    assert_eq!(page.reader, [ToReader::Close]);
    assert_eq!(page.why(&json!({ "id": 8, "ask": "withdraw" })), "not-asked");
    assert!(page.heard(&[0, 1, 4]).is_empty());
}

#[test]
fn a_virtual_reader_that_goes_gives_the_chip_back() {
    let desk = Desk::default();
    let mut page = offering(&desk);
    assert_eq!(page.heard(&[]), [json!({ "tell": "withdrawn" })]);
    assert_eq!(page.reader, [ToReader::Close]);
    // There is room again.
    assert!(page.asks(&offer(2)).is_empty());
    let no = Trouble::new(Why::NoVirtualReader, "none is there");
    let told = values(&page.session.opened(Err(no)));
    assert_eq!((&told[0]["why"], &told[0]["id"]), (&json!("no-virtual-reader"), &json!(2)));
    assert!(page.asks(&offer(3)).is_empty());
}

#[test]
fn one_chip_is_in_the_virtual_reader() {
    let desk = Desk::default();
    let mut first = offering(&desk);
    let mut second = Page::paired(&desk, &Desktop::default());
    assert_eq!(second.why(&offer(1)), "taken");
    assert_eq!(first.why(&offer(2)), "taken");
    // A page that goes takes it along.
    drop(first);
    assert!(second.asks(&offer(2)).is_empty());
    assert_eq!(second.reader, [ToReader::Open]);
}

#[test]
fn only_a_paired_page_offers_a_chip_and_only_one_with_an_answer_to_reset() {
    let desk = Desk::default();
    let mut stranger = Page::new(&desk, &Desktop::default());
    for question in [offer(1), json!({ "id": 1, "ask": "withdraw" })] {
        assert_eq!(stranger.why(&question), "not-paired");
    }
    let mut page = Page::paired(&desk, &Desktop::default());
    for atr in ["", "3B", &"3B".repeat(34), "3"] {
        let answer = page.asks(&json!({ "id": 2, "ask": "offer", "atr": atr }));
        assert_eq!(answer[0]["why"], "malformed", "{atr}");
        assert!(page.reader.is_empty());
    }
    assert_eq!(page.why(&json!({ "id": 3, "ask": "answer", "number": 1, "bytes": "9000" })), "not-asked");
}
