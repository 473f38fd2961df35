//! What is kept when the page is closed, and what is not.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::{HtmlSelectElement, HtmlTextAreaElement};
use words::Language;

use super::super::Everything;
use super::super::later;
use super::super::phone::Phone;
use super::super::shell::Top;
use super::chip::{Answers, asked, insert};
use super::{Page, is_checked};

async fn settings(page: &Page) {
    page.click("nav.apps button[data-app=settings]").await;
}

#[test]
async fn language_and_colours_are_kept() {
    let page = Page::show(|_| view! { <Top/> }).await;
    page.choose("select[aria-label=Colours]", "dark").await;
    page.choose("select[aria-label=Language]", "ja").await;
    drop(page);
    let again = Page::show_again(|_| view! { <Top/> }).await;
    assert_eq!(again.context.say.language(), Language::Japanese);
    let root = document().document_element().unwrap();
    assert_eq!(root.get_attribute("data-colours").as_deref(), Some("dark"));
    let colours = again.one("select[aria-label=配色]");
    assert_eq!(colours.unchecked_ref::<HtmlSelectElement>().value(), "dark");
    again.speak(Language::English).await;
}

#[test]
async fn numbers_are_hidden_at_each_start() {
    let page = Page::show(|_| view! { <Everything/> }).await;
    let check = page.one("header .check input");
    assert!(is_checked(&check) && page.context.hidden.get_untracked());
    check.click();
    page.settle().await;
    assert!(!page.context.hidden.get_untracked());
    drop(page);
    let again = Page::show_again(|_| view! { <Top/> }).await;
    assert!(is_checked(&again.one("header .check input")) && again.context.hidden.get_untracked());
}

#[test]
async fn the_phones_settings_are_kept() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    settings(&page).await;
    page.type_in("input[name=device]", "490154203237518").await;
    page.type_in("textarea[name=aids]", "A0 00 00 05 59").await;
    page.type_in("input[name=block]", "100").await;
    page.type_in("input[name=smds]", " smds.example.com ").await;
    page.press("Save").await;
    assert!(page.says("section.settings [role=status]").contains("Saved in this browser."));
    drop(page);
    let again = Page::show_again(|_| view! { <Phone/> }).await;
    let options = again.context.model.options.get_untracked();
    assert_eq!((options.isd_r_aids, options.block), (vec![vec![0xA0, 0, 0, 0x05, 0x59]], 100));
    assert_eq!(lpa::device_digits(&again.context.model.device.get_untracked()), "490154203237518");
    assert_eq!(again.context.model.smds.get_untracked().as_deref(), Some("smds.example.com"));
    settings(&again).await;
    let smds = again.one("input[name=smds]");
    assert_eq!(smds.unchecked_ref::<web_sys::HtmlInputElement>().value(), "smds.example.com");
    let aids = again.one("textarea[name=aids]");
    assert_eq!(aids.unchecked_ref::<HtmlTextAreaElement>().value(), "A000000559");
}

#[test]
async fn what_makes_no_sense_is_told_and_not_kept() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let before = page.context.model.options.get_untracked();
    settings(&page).await;
    page.type_in("textarea[name=aids]", "A0").await;
    page.press("Save").await;
    let status = page.one("section.settings [role=status]");
    assert!(status.class_list().contains("wrong"));
    assert!(page.says("section.settings [role=status]").contains("A0 is no AID: 5 to 16 bytes in hex."));
    page.speak(Language::Japanese).await;
    assert!(page.says("section.settings [role=status]").contains("A0 は AID ではありません。"));
    page.speak(Language::English).await;
    drop(page);
    let again = Page::show_again(|_| view! { <Phone/> }).await;
    let after = again.context.model.options.get_untracked();
    assert_eq!((after.isd_r_aids, after.block), (before.isd_r_aids, before.block));
}

#[test]
async fn another_discovery_server_is_asked_what_waits() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    insert(&page, &Answers::new(&[], &[])).await;
    settings(&page).await;
    page.type_in("input[name=smds]", "https://smds.example.com/").await;
    page.press("Save").await;
    assert!(page.says("section.settings [role=status]").contains("is no address of an SM-DS"));
    page.speak(Language::Japanese).await;
    assert!(page.says("section.settings [role=status]").contains("SM-DS のアドレスではありません"));
    page.speak(Language::English).await;
    assert_eq!(page.context.model.smds.get_untracked(), None);
    page.type_in("input[name=smds]", "smds.example.com").await;
    page.press("Save").await;
    later::act(page.context, later::Act::Discover);
    let model = page.context.model;
    page.until("a failure", |_| model.failure.with_untracked(Option::is_some)).await;
    // The chip was not asked for its own: it has none, and that is not what it failed of.
    let cause = model.failure.get_untracked().unwrap().cause;
    assert!(!matches!(cause, lpa::Cause::NoSmds), "{cause:?}");
    assert_eq!(asked(&page, "GetEuiccConfiguredAddresses"), None);
    page.close().await;
}

#[test]
async fn a_default_server_that_can_be_none_is_refused_before_the_chip_is_asked() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    insert(&page, &Answers::new(&[], &[])).await;
    for typed in
        ["https://smdp.example", "smdp.example/../x", "smdp.example\u{202E}\u{200B}", &"x".repeat(3000)]
    {
        for act in [later::Act::SetDefault(typed.to_owned()), later::Act::CheckServer(typed.to_owned())] {
            page.context.model.notice.set(None);
            later::act(page.context, act);
            let model = page.context.model;
            page.until("a notice", |_| model.notice.with_untracked(Option::is_some)).await;
            let notice = model.notice.get_untracked().unwrap();
            assert!(
                !notice.good && notice.what.en.ends_with("is no address of a server."),
                "{}",
                notice.what.en
            );
            assert!(!notice.what.en.contains('\u{202E}') && notice.what.en.chars().count() < 300);
        }
    }
    assert_eq!(asked(&page, "SetDefaultDpAddress"), None);
    page.close().await;
}

#[test]
async fn a_number_is_typed_for_calls_and_for_messages() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    for (app, field) in [("dialer", "number"), ("messages", "to")] {
        page.click(&format!("nav.apps button[data-app={app}]")).await;
        let number = page.one(&format!("input[type=tel][name={field}]"));
        assert_eq!(number.get_attribute("placeholder").as_deref(), Some("+1 555 0100"));
        let label = number.closest("label").unwrap().unwrap();
        assert!(!label.text_content().unwrap().trim().is_empty(), "it has a name");
    }
    page.click("nav.apps button[data-app=dialer]").await;
    for digit in ["1", "+", "0"] {
        page.press(digit).await;
    }
    page.press("Delete digit").await;
    let number = page.one("input[name=number]");
    assert_eq!(number.unchecked_ref::<web_sys::HtmlInputElement>().value(), "1+");
}
