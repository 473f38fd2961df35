//! What a page may ask, and what becomes of its cards.

use serde_json::{Value, json};

use super::{Desktop, NOW, Page, Played, connect, rng, transmit};
use crate::card::wire;
use crate::protocol::{Hex, Protocol, Question, State, Tell, Why};
use crate::session::{Desk, MAX_FAILURES, Session};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn the_welcome_names_the_version() {
    let welcome: Value = serde_json::from_str(&Session::<Played>::welcome().to_json()).unwrap();
    assert_eq!((&welcome["tell"], &welcome["protocol"]), (&json!("welcome"), &json!(1)));
}

#[test]
fn nothing_is_answered_before_pairing() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let mut page = Page::new(&desk, &desktop);
    let questions = [
        json!({ "id": 1, "ask": "readers" }),
        connect("A"),
        transmit("00A40000"),
        json!({ "id": 2, "ask": "reset", "card": 1 }),
        json!({ "id": 3, "ask": "disconnect", "card": 1 }),
    ];
    for question in &questions {
        assert_eq!(page.why(question), "not-paired");
    }
    assert_eq!(page.look(), Vec::<Value>::new());
    assert_eq!(page.why(&json!({ "id": 4, "ask": "pair", "code": "12345678" })), "no-code");
    assert_eq!(page.why(&json!({ "id": 5, "ask": "resume", "token": "00" })), "unknown-token");
    assert!(!page.closed);
    page.says("nonsense");
    assert!(page.closed, "after {MAX_FAILURES} failures");
    assert_eq!(desktop.sent(), Vec::<String>::new());
}

#[test]
fn one_page_alone_does_not_use_a_code_up() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let pair = |code: &str| json!({ "id": 1, "ask": "pair", "code": code });
    let code = desk.show(&mut rng(), NOW);
    let mut first = Page::new(&desk, &desktop);
    for _ in 0..2 {
        assert_eq!(first.why(&pair("")), "wrong-code");
    }
    for code in ["", "", "", code.expose_text()] {
        assert_eq!(first.why(&pair(code)), "no-code");
    }
    assert!(desk.is_shown(NOW) && !first.closed);
    // Another one is right, and says more than it has to.
    let mut second = Page::new(&desk, &desktop);
    assert_eq!(second.why(&pair("")), "wrong-code");
    assert_eq!(second.asks(&pair(code.expose_text()))[0]["tell"], "paired");
    let code = desk.show(&mut rng(), NOW);
    for code in ["", "", "", "", "", code.expose_text()] {
        assert_eq!(second.why(&pair(code)), "malformed");
    }
    // With a new code the first one may try again.
    assert_eq!(first.why(&pair("")), "wrong-code");
    assert_eq!(first.asks(&pair(code.expose_text()))[0]["tell"], "paired");
}

#[test]
fn a_paired_page_comes_again_with_its_token() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let mut page = Page::new(&desk, &desktop);
    let code = desk.show(&mut rng(), NOW);
    let told = page.asks(&json!({ "id": 9, "ask": "pair", "code": code.expose_text() }));
    assert_eq!(told[0]["id"], 9);
    assert_eq!(told[1], json!({ "tell": "readers", "readers": [{ "name": "A", "state": "card" }] }));
    drop(page);
    let mut page = Page::new(&desk, &desktop);
    let again = page.asks(&json!({ "id": 1, "ask": "resume", "token": told[0]["token"] }));
    assert_eq!((&again[0]["tell"], &again[0]["token"]), (&json!("paired"), &told[0]["token"]));
    // The code is used up.
    let mut other = Page::new(&desk, &desktop);
    assert_eq!(other.why(&json!({ "id": 1, "ask": "pair", "code": code.expose_text() })), "no-code");
}

#[test]
fn a_card_is_connected_spoken_with_reset_and_given_back() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A", "B"]));
    let mut page = Page::paired(&desk, &desktop);
    let connected = page.ask(&connect("A"));
    assert_eq!(
        connected,
        json!({ "tell": "connected", "id": 1, "card": 1, "atr": "3B00", "protocol": "T=0" })
    );
    assert_eq!(
        page.ask(&transmit("80e2910001aa00")),
        json!({ "tell": "response", "id": 2, "apdu": "AB9000" })
    );
    assert_eq!(desktop.sent(), ["80E2910001AA"], "T=0: no Le after data");
    let list = page.ask(&json!({ "id": 3, "ask": "readers" }));
    assert_eq!(
        (&list["readers"][0]["state"], &list["readers"][1]["state"]),
        (&json!("yours"), &json!("card"))
    );
    assert_eq!(page.ask(&json!({ "id": 4, "ask": "reset", "card": 1 }))["atr"], "3B00");
    assert_eq!(desktop.0.borrow().released, 0);
    assert_eq!(page.ask(&json!({ "id": 5, "ask": "disconnect", "card": 1 }))["tell"], "disconnected");
    assert_eq!(desktop.0.borrow().released, 1);
    assert_eq!(page.why(&transmit("00A40000")), "unknown-card");
    // Its number does not come again.
    assert_eq!(page.ask(&connect("A"))["card"], 2);
}

#[test]
fn a_reader_is_one_pages_only_until_it_goes() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A", "B"]));
    let (mut first, mut second) = (Page::paired(&desk, &desktop), Page::paired(&desk, &desktop));
    let before = desk.changes();
    assert_eq!(first.ask(&connect("A"))["card"], 1);
    assert_ne!(desk.changes(), before);
    assert_eq!(second.why(&connect("A")), "taken");
    assert_eq!(first.why(&connect("A")), "taken");
    assert_eq!(second.look()[0]["readers"][0]["state"], "taken");
    assert_eq!(second.ask(&connect("B"))["card"], 1);
    // The number is of the second page's card, not of the first's.
    assert_eq!(second.ask(&json!({ "id": 5, "ask": "disconnect", "card": 1 }))["tell"], "disconnected");
    // Gone in the middle of it.
    drop(first);
    assert_eq!(desktop.0.borrow().released, 2);
    assert_eq!(second.look()[0]["readers"][0]["state"], "card");
    assert_eq!(second.ask(&connect("A"))["card"], 2);
}

#[test]
fn a_card_that_is_pulled_out_is_told_of_once() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let mut page = Page::paired(&desk, &desktop);
    page.ask(&connect("A"));
    // Between commands.
    desktop.set(0, State::Empty);
    assert_eq!(
        page.look(),
        [
            json!({ "tell": "removed", "card": 1 }),
            json!({ "tell": "readers", "readers": [{ "name": "A", "state": "empty" }] })
        ]
    );
    assert_eq!(page.look(), Vec::<Value>::new());
    assert_eq!(page.why(&transmit("00A40000")), "unknown-card");
    assert_eq!(page.why(&connect("A")), "no-card");
    // In the middle of one.
    desktop.set(0, State::Card);
    assert_eq!(page.ask(&connect("A"))["card"], 2);
    desktop.0.borrow_mut().next = Some(Why::Removed);
    let second = json!({ "id": 2, "ask": "transmit", "card": 2, "apdu": "00A40000" });
    assert_eq!(page.why(&second), "removed");
    assert_eq!(page.why(&second), "unknown-card");
    assert_eq!(desktop.0.borrow().released, 2);
    // A card that says nothing is still there.
    assert_eq!(page.ask(&connect("A"))["card"], 3);
    desktop.0.borrow_mut().next = Some(Why::Mute);
    let third = json!({ "id": 2, "ask": "transmit", "card": 3, "apdu": "00A40000" });
    assert_eq!(page.why(&third), "mute");
    assert_eq!(page.ask(&third)["apdu"], "AB9000");
    // PC/SC has trouble with a reader, whichever: that is nothing about this one.
    desktop.0.borrow_mut().out = Some(Why::Failed);
    assert_eq!(page.look(), Vec::<Value>::new());
    assert_eq!(page.ask(&third)["apdu"], "AB9000");
    desktop.0.borrow_mut().out = None;
    // The reader is unplugged.
    let readers = std::mem::take(&mut desktop.0.borrow_mut().readers);
    assert_eq!(page.look()[0], json!({ "tell": "removed", "card": 3 }));
    // PC/SC ends.
    desktop.0.borrow_mut().readers = readers;
    assert_eq!(page.ask(&connect("A"))["card"], 4);
    desktop.0.borrow_mut().out = Some(Why::NoService);
    assert_eq!(page.look()[0], json!({ "tell": "removed", "card": 4 }));
    assert_eq!(page.why(&json!({ "id": 1, "ask": "readers" })), "no-service");
    assert_eq!(page.why(&connect("A")), "no-service");
    // It has ended and begun again before anybody looks: whoever asks hears it, and that the cards
    // of before are gone.
    desktop.0.borrow_mut().out = None;
    assert_eq!(page.ask(&connect("A"))["card"], 5);
    desktop.0.borrow_mut().out = Some(Why::NoService);
    let told = page.asks(&json!({ "id": 1, "ask": "readers" }));
    assert_eq!(told[0]["why"], "no-service");
    assert!(told.contains(&json!({ "tell": "removed", "card": 5 })), "{told:?}");
    desktop.0.borrow_mut().out = None;
    assert_eq!(page.ask(&connect("A"))["card"], 6);
}

#[test]
fn only_so_many_cards_and_only_readers_that_are_there() {
    let names = ["A", "B", "C", "D", "E"];
    let (desk, desktop) = (Desk::default(), Desktop::with(&names));
    let mut page = Page::paired(&desk, &desktop);
    assert_eq!(page.why(&connect("F")), "no-reader");
    assert_eq!(page.why(&connect("\u{0}")), "no-reader");
    for (index, name) in names.iter().take(4).enumerate() {
        assert_eq!(page.ask(&connect(name))["card"], index + 1);
    }
    assert_eq!(page.why(&connect("E")), "too-many");
}

#[test]
fn what_is_no_command_for_the_card_is_not_sent() {
    let (desk, desktop) = (Desk::default(), Desktop::with(&["A"]));
    let mut page = Page::paired(&desk, &desktop);
    page.ask(&connect("A"));
    for command in [
        "",
        "00A400",
        "00A4040003A0",
        // To the reader: PC/SC's LOAD KEYS, ACR122U's direct transmit.
        "FF82000006FFFFFFFFFFFF",
        "FF00000002D402",
        // Extended lengths.
        "80E29100000001AA",
        "00B00000000000",
        &format!("80E2910000{}", "00".repeat(300)),
    ] {
        assert_eq!(page.why(&transmit(command)), "command", "{command}");
    }
    for frame in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"id":1}"#,
        r#"{"id":1,"ask":"escape","card":1,"data":"00"}"#,
        r#"{"id":1,"ask":"transmit","card":1}"#,
        r#"{"id":1,"ask":"transmit","card":1,"apdu":"0"}"#,
        r#"{"id":1,"ask":"transmit","card":1,"apdu":"zz"}"#,
        r#"{"id":1,"ask":"transmit","card":-1,"apdu":""}"#,
        r#"{"id":-1,"ask":"readers"}"#,
        r#"{"id":99999999999,"ask":"readers"}"#,
        r#"{"id":1,"ask":"readers"} {"id":2,"ask":"readers"}"#,
        &"[".repeat(2000),
        &format!(r#"{{"id":1,"ask":"connect","reader":"{}"}}"#, "A".repeat(2048)),
    ] {
        let told = page.says(frame);
        assert_eq!((told.len(), &told[0]["why"]), (1, &json!("malformed")), "{frame}");
        assert!(!page.closed);
    }
    // The number comes back where it can be read.
    assert_eq!(page.says(r#"{"id":7,"ask":"escape"}"#)[0]["id"], 7);
    assert_eq!(desktop.sent(), Vec::<String>::new());
}

#[test]
fn a_command_goes_over_t0_as_a_tpdu_and_over_t1_as_it_is() {
    for (command, t0) in [
        // ISO/IEC 7816-3 §12.2.2 to 12.2.5: cases 1, 2, 3, 4.
        ("00440000", "0044000000"),
        ("00B0000010", "00B0000010"),
        ("00B0000000", "00B0000000"),
        ("00A40004023F00", "00A40004023F00"),
        ("00A40004023F0000", "00A40004023F00"),
        ("80E2910001AA05", "80E2910001AA"),
    ] {
        let bytes = hex::decode(command).unwrap();
        let sent = |protocol| hex::encode_upper(wire(&bytes, protocol).unwrap());
        assert_eq!(sent(Protocol::T0), t0);
        assert_eq!(sent(Protocol::T1), command);
    }
    // The longest: 255 bytes of data and Le.
    let longest = [&[0x80, 0xE2, 0x91, 0, 255][..], &[7; 255], &[0]].concat();
    assert_eq!(wire(&longest, Protocol::T0).unwrap(), longest[..260]);
    assert_eq!(wire(&longest, Protocol::T1).unwrap(), longest);
}

#[test]
fn both_ends_read_what_the_other_writes() {
    for frame in [
        r#"{"tell":"welcome","protocol":1,"program":"card-bridge 0.1.0"}"#,
        r#"{"tell":"paired","id":1,"token":"00ff"}"#,
        r#"{"tell":"readers","readers":[{"name":"A","state":"card","atr":"3B00"},{"name":"B","state":"empty"}]}"#,
        r#"{"tell":"readers","id":3,"readers":[{"name":"A","state":"mute"},{"name":"B","state":"yours"}]}"#,
        r#"{"tell":"connected","id":2,"card":1,"atr":"3B00","protocol":"T=1"}"#,
        r#"{"tell":"response","id":3,"apdu":"9000"}"#,
        r#"{"tell":"reset","id":4,"atr":"3B00"}"#,
        r#"{"tell":"disconnected","id":5}"#,
        r#"{"tell":"removed","card":1}"#,
        r#"{"tell":"refused","why":"unknown-card","text":"x"}"#,
    ] {
        assert_eq!(Tell::parse(frame).ok().unwrap().to_json(), frame);
    }
    for frame in [
        r#"{"id":1,"ask":"pair","code":"1234 5678"}"#,
        r#"{"id":1,"ask":"resume","token":"00"}"#,
        r#"{"id":1,"ask":"readers"}"#,
        r#"{"id":1,"ask":"connect","reader":"A"}"#,
        r#"{"id":1,"ask":"transmit","card":1,"apdu":"00A4"}"#,
        r#"{"id":1,"ask":"reset","card":1}"#,
        r#"{"id":1,"ask":"disconnect","card":1}"#,
    ] {
        assert_eq!(Question::parse(frame).ok().unwrap().to_json(), frame);
    }
    assert_eq!(Hex(vec![0xAB]).to_string(), "AB");
    assert!(Tell::parse(&" ".repeat(20_000)).is_err());
}
