//! The lines of lpac.

use serde_json::{Value, json};

use super::Desktop;
use crate::line::Lines;
use crate::protocol::{State, Why};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn lpac_finds_a_card_on_lines_of_json() {
    let desktop = Desktop::with(&["A", "B"]);
    desktop.set(0, State::Empty);
    let mut lines = Lines::new(desktop.clone(), None);
    let mut call = |function: &str, parameter: Value| -> Value {
        let line = json!({ "type": "apdu", "payload": { "func": function, "param": parameter } });
        let out = lines.feed(format!("{line}\n").as_bytes());
        serde_json::from_slice::<Value>(&out).unwrap()["payload"].clone()
    };
    assert_eq!(call("transmit", json!("00A40000"))["ecode"], -1, "not connected");
    assert_eq!(call("connect", json!(null)), json!({ "ecode": 0 }));
    assert_eq!(call("logic_channel_open", json!("A0000005591010"))["ecode"], 1);
    assert_eq!(desktop.sent(), ["0070000001", "01A4040007A0000005591010"]);
    assert_eq!(call("logic_channel_open", json!("A00000055910EE"))["because"], "the card answers 6A82");
    assert_eq!(desktop.sent().pop().unwrap(), "0070800100", "no channel is left open");
    assert_eq!(call("logic_channel_open", json!("A0"))["ecode"], -1);
    assert_eq!(call("transmit", json!("81E2910003BF3E00")), json!({ "ecode": 0, "data": "AB9000" }));
    assert_eq!(call("transmit", json!("FF000000"))["ecode"], -1);
    assert_eq!(call("transmit", json!("0"))["ecode"], -1);
    assert_eq!(call("logic_channel_close", json!("01"))["ecode"], 0);
    assert_eq!(call("escape", json!("01"))["ecode"], -1);
    desktop.0.borrow_mut().next = Some(Why::Removed);
    assert_eq!(call("transmit", json!("00A40000"))["because"], "played");
    assert_eq!(call("transmit", json!("00A40000"))["because"], "connect first");
    assert_eq!(call("connect", json!(null))["ecode"], 0);
    assert_eq!(call("disconnect", json!(null))["ecode"], 0);
    assert_eq!(desktop.0.borrow().released, 2);
}

#[test]
fn a_channel_on_which_nothing_could_be_selected_is_closed_and_the_first_trouble_told() {
    let open = |aid: &str, troubles: &[([u8; 2], &'static str)]| {
        let desktop = Desktop::with(&["A"]);
        desktop.0.borrow_mut().troubles = troubles.to_vec();
        let mut lines = Lines::new(desktop.clone(), None);
        lines.feed(b"{\"type\":\"apdu\",\"payload\":{\"func\":\"connect\"}}\n");
        let open =
            json!({ "type": "apdu", "payload": { "func": "logic_channel_open", "param": aid } }).to_string();
        let out: Value = serde_json::from_slice(&lines.feed(format!("{open}\n").as_bytes())).unwrap();
        (desktop.sent().pop().unwrap(), out["payload"]["because"].clone())
    };
    let (select, close) = (([0xA4, 4], "no select"), ([0x70, 0x80], "no close"));
    let closed = "0070800100".to_owned();
    assert_eq!(open("A0000005591010", &[select]), (closed.clone(), json!("no select")));
    assert_eq!(open("A0000005591010", &[select, close]), (closed.clone(), json!("no select")));
    assert_eq!(open("A00000055910EE", &[close]), (closed, json!("the card answers 6A82")));
}

#[test]
fn other_lines_are_answered_or_passed_over() {
    let desktop = Desktop::with(&["A"]);
    let mut lines = Lines::new(desktop, Some("B".to_owned()));
    assert_eq!(lines.feed(b"\n  \n{\"type\":\"progress\",\"payload\":{}}\n"), b"");
    for (line, said) in [
        (&b"nonsense\n"[..], "JSON"),
        (b"\xFF\n", "text"),
        (&[b'x'; 10_000], ""),
        (b"\n", "4096"),
        (b"{\"type\":\"apdu\",\"payload\":{\"func\":\"connect\"}}\n", "no reader"),
    ] {
        let out = String::from_utf8(lines.feed(line)).unwrap();
        assert!(out.contains(said) && (said.is_empty() == out.is_empty()), "{out}");
    }
    let http = lines.feed(b"{\"type\":\"http\",\"payload\":{\"url\":\"https://a\"}}\n");
    assert_eq!(serde_json::from_slice::<Value>(&http).unwrap()["payload"]["rcode"], 501);
    assert_eq!(lines.feed(b"{\"type\":"), b"");
    assert!(!lines.finish().is_empty());
}
