//! How an activation code gets in, and what is said where it is none.

use leptos::prelude::*;
use rsp::activation_code::InvalidActivationCode as Invalid;
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::Language;

use super::super::phone::Phone;
use super::{Page, is_disabled};
use crate::code::Problem;
use crate::model::Slot;
use crate::transport::chip::ChipState;

const FIELD: &str = "input#code";
const HELP: &str = "#code-help";

/// The phone with a chip that answers.
async fn page() -> Page {
    let page = Page::show(|_| view! { <Phone/> }).await;
    page.context.model.chip(Slot::Phone).state.set(ChipState::Durable("here".into()));
    page.settle().await;
    page
}

/// Each way in which a code is wrong (SGP.22 §4.1).
fn wrong() -> Vec<(String, Invalid)> {
    let cases = [
        ("", Invalid::Empty),
        ("hello", Invalid::Format),
        ("https://example.com/", Invalid::Link),
        ("lpa:1%2", Invalid::PercentEncoding),
        ("LPA:2$smdp.example.com$A", Invalid::Version),
        ("LPA:1$$04386-AGYFT", Invalid::AddressMissing),
        ("LPA:1$https://smdp.example.com$A", Invalid::AddressIsLink),
        ("LPA:1$not a host!$X", Invalid::Address),
        ("LPA:1$smdp.example.com$a_b", Invalid::MatchingId),
        ("LPA:1$smdp.example.com$A$oid", Invalid::Oid),
        ("LPA:1$smdp.example.com$A$$2", Invalid::ConfirmationFlag),
        ("LPA:1$smdp.example.com$A$$1$xyz", Invalid::CiKeyIndicator),
        ("LPA:1$smdp.example.com$A$$1$$0", Invalid::DeleteNotificationFlag),
        ("LPA:1$smdp.example.com$A$$1$$1$x", Invalid::TooManyFields),
    ];
    let mut all: Vec<_> = cases.map(|(text, error)| (text.to_owned(), error)).into();
    all.push((format!("LPA:1$smdp.example.com${}", "A".repeat(300)), Invalid::TooLong));
    all
}

#[test]
async fn each_way_a_code_is_wrong_has_a_message_of_its_own() {
    let wrong = wrong();
    assert!(Invalid::ALL.iter().all(|error| wrong.iter().any(|(_, told)| told == error)), "all ways");
    let page = page().await;
    let mut told = Vec::new();
    for (text, error) in wrong {
        page.type_in(FIELD, &text).await;
        assert_ne!(page.one(FIELD).get_attribute("aria-invalid").as_deref(), Some("true"), "{text}: typing");
        page.submit("form.add").await;
        let words = Problem::Code(error).words();
        assert_eq!(page.says(HELP), words.en, "{text}");
        assert_eq!(page.one(FIELD).get_attribute("aria-invalid").as_deref(), Some("true"), "{text}");
        page.speak(Language::Japanese).await;
        assert_eq!(page.says(HELP), words.ja, "{text}");
        page.speak(Language::English).await;
        assert!(!told.contains(&words.en) && !told.contains(&words.ja), "{text}");
        told.extend([words.en, words.ja]);
        assert!(page.context.model.task.with_untracked(Option::is_none), "nothing is begun");
    }
    assert!(page.context.model.record.with_untracked(trace::Trace::is_empty), "nothing is sent");
}

#[test]
async fn what_a_code_says_is_shown_before_it_is_used() {
    let page = page().await;
    page.type_in(FIELD, "LPA:1$smdp.example.com$04386-AGYFT-A74Y8-3F815$1.3.6.1.4.1.31746$1").await;
    let says = page.says("[data-testid=code-says]");
    for words in ["smdp.example.com", "…3F815", "1.3.6.1.4.1.31746", "have it ready"] {
        assert!(says.contains(words), "{words}: {says}");
    }
    assert!(!says.contains("AGYFT"), "numbers are hidden: {says}");
    page.context.hidden.set(false);
    page.settle().await;
    assert!(page.says("[data-testid=code-says]").contains("04386-AGYFT-A74Y8-3F815"));
    assert!(page.context.model.record.with_untracked(trace::Trace::is_empty), "nothing is sent");
    assert!(!is_disabled(&page.button("Add eSIM")));
    page.press("Add eSIM").await;
    let title = page.context.model.notice.with_untracked(Option::is_some)
        || page.context.model.task.with_untracked(Option::is_some);
    assert!(title, "it is used now");
    page.until("its end", |page| page.context.model.task.with_untracked(Option::is_none)).await;
}

#[test]
async fn of_several_codes_the_person_takes_one() {
    let page = page().await;
    page.type_in(FIELD, "LPA:1$a.example.com$ONE or LPA:1$b.example.com$TWO").await;
    page.submit("form.add").await;
    assert_eq!(page.say("[data-testid=code-choice] .server"), ["a.example.com", "b.example.com"]);
    page.all("[data-testid=code-choice] button")[1].click();
    page.settle().await;
    assert!(page.all("[data-testid=code-choice]").is_empty());
    assert_eq!(page.says("[data-testid=code-server]"), "b.example.com");
}

#[test]
async fn a_code_in_parts_tells_which_part_is_wrong() {
    let page = page().await;
    page.press("In parts").await;
    let fields = "fieldset.parts input[type=text]";
    let invalid = |page: &Page| {
        page.all(fields)
            .iter()
            .map(|field| field.get_attribute("aria-invalid") == Some("true".into()))
            .collect::<Vec<_>>()
    };
    let type_at = async |page: &Page, at: usize, text: &str| {
        let field = page.all(fields)[at].clone();
        js_sys::Reflect::set(&field, &"value".into(), &text.into()).unwrap();
        page.fire(&field, "input").await;
    };
    page.submit("form.add").await;
    assert_eq!(invalid(&page), [true, false, false], "the server is missing");
    type_at(&page, 0, "smdp.example.com").await;
    type_at(&page, 1, "a_b").await;
    page.submit("form.add").await;
    assert_eq!(invalid(&page), [false, true, false]);
    assert_eq!(page.says(HELP), Problem::Code(Invalid::MatchingId).words().en);
    type_at(&page, 1, "AB").await;
    type_at(&page, 2, "x").await;
    page.submit("form.add").await;
    assert_eq!(invalid(&page), [false, false, true]);
    type_at(&page, 2, "2.999.10").await;
    assert_eq!(page.says("[data-testid=code-server]"), "smdp.example.com");
}

#[test]
async fn a_code_that_somebody_offers_waits_to_be_used() {
    let page = page().await;
    page.context.phone.offer_code("LPA:1$smdp.example.com$ONE".into());
    page.until("the code", |page| !page.all("[data-testid=code-server]").is_empty()).await;
    assert_eq!(page.says("[data-testid=code-server]"), "smdp.example.com");
    assert!(page.context.model.record.with_untracked(trace::Trace::is_empty), "nothing is sent");
}
