//! Every part of the page in another language, without being opened anew.

use leptos::prelude::*;
use lpa::{Cause, Failure, Stage};
use rsp::metadata::{NotificationEvents, ProfileClass};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::{Element, HtmlSelectElement};
use words::{Language, Text};

use super::super::Everything;
use super::super::shell::View;
use super::Page;
use super::samples::{ICCID, notification, profile};
use crate::model::{Notice, Radio, Slot};
use crate::network::NetworkError;
use crate::transport::chip::ChipState;

/// All texts with the words of which a person is spoken to, and where they stand.
fn texts(page: &Page) -> Vec<String> {
    fn within(element: &Element, texts: &mut Vec<String>) {
        for name in ["aria-label", "title", "placeholder", "alt"] {
            texts.extend(element.get_attribute(name));
        }
        let nodes = element.child_nodes();
        for at in 0..nodes.length() {
            let Some(node) = nodes.get(at) else { continue };
            match node.dyn_ref::<Element>() {
                Some(element) => within(element, texts),
                None if node.node_type() == web_sys::Node::TEXT_NODE => texts.extend(node.text_content()),
                None => {}
            }
        }
    }
    let mut list = Vec::new();
    within(&page.place, &mut list);
    list.retain(|text| !text.trim().is_empty());
    list
}

/// Whether it is English: two words beside each other that no name and no standard has.
fn is_english(text: &str) -> bool {
    let is_word = |word: &str| {
        let word = word.trim_matches(|letter: char| !letter.is_ascii_alphabetic());
        word.len() > 1 && word.bytes().all(|letter| letter.is_ascii_lowercase())
    };
    let words: Vec<_> = text.split_whitespace().collect();
    words.windows(2).any(|pair| is_word(pair[0]) && is_word(pair[1]))
}

async fn page(view: View) -> Page {
    let page = Page::show(move |context| {
        let model = context.model;
        context.view.set(view);
        let chip = model.chip(Slot::Phone);
        // What programs below the page say is known in both languages.
        chip.state.set(ChipState::Volatile("this browser keeps no files here: NotAllowed".into()));
        chip.profiles.set(Some(vec![
            profile(ICCID, "Travel", ProfileClass::Operational),
            profile("8900000000000902333", "Bootstrap", ProfileClass::Provisioning),
        ]));
        chip.waiting.set(vec![notification(7, NotificationEvents::INSTALL)]);
        let failure = Failure { stage: Stage::Notify, cause: Cause::NoIsdR };
        model.notice.set(Some(Notice::of(&failure)));
        model.failure.set(Some(failure));
        let lost = NetworkError::Lost("Failed to fetch".into());
        model.note(false, Text::new("attach", "アタッチ"), lost.words(), Text::<String>::default());
        model.radio.set(Radio::NoService(lost));
        let record = model.record;
        let ticket = record.command(trace::Party::Chip, &[0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00]);
        record.note(ticket, "the bench held it for 500 ms; edited by hand");
        record.fail(ticket, "the card is pulled");
        view! { <Everything/> }
    })
    .await;
    page.until("the page", |page| !page.all("section.phone").is_empty()).await;
    page
}

#[test]
async fn no_text_stays_in_the_other_language() {
    for view in View::ALL {
        let page = page(view).await;
        let english = texts(&page);
        assert!(english.iter().any(|text| is_english(text)), "the oracle sees English where there is some");
        page.speak(Language::Japanese).await;
        let japanese = texts(&page);
        let left: Vec<_> = japanese.iter().filter(|text| is_english(text)).collect();
        assert!(left.is_empty(), "{view:?}: {left:#?}");
        page.speak(Language::English).await;
        // More may have come meanwhile: the frame of the operator's console.
        let back = texts(&page);
        let gone: Vec<_> = english.iter().filter(|text| !back.contains(text)).collect();
        assert!(gone.is_empty(), "{view:?}: and back: {gone:#?}");
    }
}

#[test]
async fn the_language_is_chosen_at_the_top_and_kept() {
    let page = page(View::Phone).await;
    let html = document().document_element().unwrap();
    assert_eq!(html.get_attribute("lang").as_deref(), Some("en"));
    page.choose("select[aria-label=Language]", "ja").await;
    assert_eq!(html.get_attribute("lang").as_deref(), Some("ja"));
    assert_eq!(document().title(), "eSIM ラボラトリー");
    assert!(page.says("section.phone h2").contains("電話"));
    drop(page);
    let again = Page::show_again(|_| view! { <Everything/> }).await;
    assert_eq!(again.context.say.language(), Language::Japanese);
    assert_eq!(again.one("select[aria-label=言語]").unchecked_ref::<HtmlSelectElement>().value(), "ja");
    again.speak(Language::English).await;
}
