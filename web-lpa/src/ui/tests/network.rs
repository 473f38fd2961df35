//! The network's verdicts: in its own view, and on the phone.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use trace::Party;
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::{Language, Text};

use super::super::network::Network;
use super::super::phone::Phone;
use super::{Page, is_disabled};
use crate::bench::fault::{Act, Fault, Way};
use crate::bench::{Fate, Passing};
use crate::model::Radio;
use crate::network::Session;

/// As the network's interface has it: a session without a contract.
fn session() -> Session {
    let no = |protocol: &str, number: u8, name: &str| {
        serde_json::json!({
            "verdict": "refused", "because": "not yet under contract", "rule": "provisioning-no-contract",
            "cause": {"protocol": protocol, "number": number, "name": name},
        })
    };
    let session = serde_json::json!({
        "sessionId": "s", "imsi": "001010123456789", "class": "provisioning", "address": "fd00::1",
        "apn": {
            "requested": "internet", "given": "sm.provisioning", "rule": "provisioning-apn",
            "because": "no contract yet: the SM only, whatever APN was asked for",
        },
        "services": {
            "data": {"verdict": "permitted", "because": "every subscriber reaches the SM", "rule": "sm-access"},
            "voice": no("EMM", 18, "CS domain not available"),
            "sms": no("EMM", 16, "MSC temporarily not reachable"),
        },
    });
    serde_json::from_value(session).unwrap()
}

async fn page() -> Page {
    let page = Page::show(|context| {
        context.model.radio.set(Radio::Attached(Box::new(session())));
        view! { <Network/> }
    })
    .await;
    page.until("the session", |page| !page.all("dl").is_empty()).await;
    page
}

#[test]
async fn the_apn_that_was_asked_for_and_the_one_that_was_given() {
    let page = page().await;
    assert_eq!(page.says("[data-testid=apn-asked]"), "internet");
    assert_eq!(page.says("[data-testid=apn-given]"), "sm.provisioning");
    let facts = page.says("section.network > dl");
    assert!(
        facts.contains("whatever APN was asked for") && facts.contains("rule provisioning-apn"),
        "{facts}"
    );
    assert!(facts.contains("…456789") && !facts.contains("001010123456789"), "{facts}");
    page.context.hidden.set(false);
    page.settle().await;
    assert!(
        page.says("section.network > dl").contains("0010 1012 3456 789")
            || page.text().contains("001010123456789")
    );
}

#[test]
async fn each_service_has_a_verdict_with_its_cause_and_rule() {
    let page = page().await;
    let rows = page.say("table.verdicts tbody tr");
    let expected = [
        "Data permitted every subscriber reaches the SM rule sm-access",
        "Voice refused not yet under contract EMM cause 18 (CS domain not available) · rule provisioning-no-contract",
        "SMS refused not yet under contract EMM cause 16 (MSC temporarily not reachable) · rule provisioning-no-contract",
    ];
    for (row, expected) in rows.iter().zip(expected) {
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(letters(row), letters(expected));
    }
    assert_eq!(page.all("table.verdicts tbody tr.no").len(), 2);
    page.speak(Language::Japanese).await;
    let rows = page.say("table.verdicts tbody tr");
    assert!(
        rows[0].contains("許可") && rows[1].contains("拒否") && rows[1].contains("まだ契約がありません"),
        "{rows:?}"
    );
}

#[test]
async fn decisions_are_listed_with_the_newest_first() {
    let page = page().await;
    let model = page.context.model;
    model.note(
        true,
        Text::new("attach", "アタッチ"),
        Text::new("permitted", "許可"),
        Text::<String>::default(),
    );
    let what = Text::new("call to 15550100999", "15550100999 への発信");
    model.note(false, what, Text::new("refused", "拒否"), Text::same("EMM cause 18"));
    page.settle().await;
    let lines = page.say("ol.decisions li");
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("call to …100999") && lines[0].contains("EMM cause 18"), "{lines:?}");
    assert!(page.all("ol.decisions li")[0].class_list().contains("no"));
    assert!(lines[1].contains("attach"), "{lines:?}");
}

#[test]
async fn without_a_session_there_is_nothing_to_let_go() {
    let page = page().await;
    assert!(!is_disabled(&page.button("Detach")));
    page.context.model.radio.set(Radio::Detached);
    page.settle().await;
    assert!(page.text().contains("No session.") && page.all("table.verdicts").is_empty());
    assert!(is_disabled(&page.button("Detach")) && is_disabled(&page.button("Attach again")));
}

#[test]
async fn a_phone_that_is_switched_off_looks_for_no_network() {
    let stood = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&stood);
    let page = Page::show(move |context| {
        let radio = context.model.radio;
        radio.set(Radio::Attached(Box::new(session())));
        Effect::new(move || seen.borrow_mut().push(radio.get()));
        view! { <Phone/> }
    })
    .await;
    page.context.phone.switch_power(false);
    page.until("it is off", |_| matches!(stood.borrow().last(), Some(Radio::Off))).await;
    let stood = stood.take();
    assert!(matches!(stood[..], [Radio::Attached(_), Radio::Detached, Radio::Off]), "{stood:?}");
    page.close().await;
}

// A phone that leaves waits for the network only for a while: its answer may come amid what follows.
#[test]
async fn a_late_answer_is_struck_as_one_of_its_own_request() {
    const LATE: &str = "https://smdp.example.com/gsma/rsp2/es9plus/authenticateClient";
    const NEXT: &str = "https://smdp.example.com/gsma/rsp2/es9plus/getBoundProfilePackage";
    let page = page().await;
    let bench = page.context.bench;
    bench.arm(Fault {
        function: "ES9+.AuthenticateClient".into(),
        way: Way::Answer,
        nth: 1,
        always: true,
        per_segment: false,
        act: Act::Drop,
    });
    let (mut status, mut body) = (200, b"{}".to_vec());
    for url in [LATE, NEXT] {
        let fate = bench.pass(Passing::Request { to: Party::Smdp, url, body: &mut body }).await;
        assert_eq!(fate, Fate::GoesOn(None));
    }
    for (url, is_struck) in [(LATE, true), (NEXT, false)] {
        let reply = Passing::Reply { to: Party::Smdp, url, status: &mut status, body: &mut body };
        assert_eq!(matches!(bench.pass(reply).await, Fate::Lost(_)), is_struck, "{url}");
    }
    page.close().await;
}

#[test]
async fn the_phone_shows_what_works_and_why_not() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    page.context.model.radio.set(Radio::Attached(Box::new(session())));
    page.settle().await;
    assert_eq!(page.says("[data-testid=provisioning-mark]"), "provisioning");
    assert!(page.says("[data-service=data]").contains("works"));
    for service in ["voice", "sms"] {
        let line = page.says(&format!("[data-service={service}]"));
        assert!(line.contains("refused") && line.contains("not yet under contract"), "{line}");
    }
    page.context.model.radio.set(Radio::NoProfile);
    page.settle().await;
    assert_eq!(page.says("[data-testid=operator]"), "No profile is on");
    assert!(page.all("[data-service]").is_empty() && page.all("[data-testid=provisioning-mark]").is_empty());
}
