//! When the phone says goodbye.

use leptos::prelude::*;
use trace::Party;
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::bench::Bench;
use crate::model::{Model, Radio};
use crate::phone::Phone;
use crate::transport::later::{self, Clock};

/// A phone that is attached, has no chip any more, and whose time passes as `clock` has it.
fn attached(clock: Clock) -> (Phone, Model) {
    let session = serde_json::json!({
        "sessionId": "5e55", "imsi": "001010123456789", "class": "provisioning", "address": "fd00::1",
        "apn": { "requested": null, "given": "sm.provisioning", "rule": "provisioning-apn", "because": "so" },
        "services": {
            "data": {"verdict": "permitted", "because": "so", "rule": "sm-access"},
            "voice": {"verdict": "refused", "because": "so", "rule": "no"},
            "sms": {"verdict": "refused", "because": "so", "rule": "no"},
        },
    });
    let model = Model::new();
    let phone = Phone::new(model, Bench::new());
    phone.set_clock(clock);
    model.radio.set(Radio::Attached(Box::new(serde_json::from_value(session).unwrap())));
    (phone, model)
}

/// What went out, in order: by which method to which path, or to whom else.
fn sent(model: Model) -> Vec<String> {
    model.record.with_untracked(|trace| {
        let one = |message: &trace::Message| match &message.http {
            Some(http) => format!("{} {}", http.method, http.url),
            None => format!("{:?}", message.to),
        };
        trace.messages().map(one).collect()
    })
}

const DETACH: &str = "DELETE /network/sessions/5e55";

#[test]
async fn the_old_subscriber_is_detached_before_the_card_is_reset() {
    let (phone, model) = attached(Clock::new(|_| std::future::pending()));
    phone.terminal().power_on().await;
    assert_eq!(sent(model), [DETACH.to_owned(), format!("{:?}", Party::Chip)]);
    assert!(matches!(model.radio.get_untracked(), Radio::NoCard(_)));
    // Nobody here is the network, so what it says is a failure; the list has it all the same.
    let noted = model.log.with_untracked(|log| log.iter().any(|one| one.what.en.starts_with("detach")));
    assert!(noted);
    // It is said once.
    phone.terminal().power_on().await;
    assert_eq!(sent(model).iter().filter(|one| *one == DETACH).count(), 1);
}

#[test]
async fn a_network_that_does_not_answer_keeps_no_card_from_its_reset() {
    let (phone, model) = attached(Clock::new(|_| std::future::ready(())));
    phone.terminal().power_on().await;
    assert!(matches!(model.radio.get_untracked(), Radio::NoCard(_)), "it went on");
    for _ in 0..300 {
        if sent(model).iter().any(|one| one == DETACH) {
            return;
        }
        later::after(10).await;
    }
    panic!("the network was told nothing: {:?}", sent(model));
}
