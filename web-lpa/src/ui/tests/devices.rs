//! Two devices: what is shown is the one's that is chosen.

use leptos::prelude::*;
use rsp::metadata::{NotificationEvents, ProfileClass};
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::super::phone::Phone;
use super::Page;
use super::samples::{ICCID, notification, profile};
use crate::model::Slot;
use crate::transport::chip::ChipState;

async fn page() -> Page {
    let page = Page::show(|_| view! { <Phone/> }).await;
    for slot in Slot::ALL {
        page.context.model.chip(slot).state.set(ChipState::Durable("in files (OPFS)".into()));
    }
    page.settle().await;
    page
}

async fn manage(page: &Page, device: &str) {
    let choice = page.one(&format!("input[name=device][value={device}]"));
    choice.click();
    page.settle().await;
}

#[test]
async fn profiles_and_notifications_are_those_of_the_device() {
    let page = page().await;
    let model = page.context.model;
    let phones = profile(ICCID, "Travel", ProfileClass::Operational);
    let watchs = profile("8900000000000902325", "Sport", ProfileClass::Operational);
    model.chip(Slot::Phone).profiles.set(Some(vec![phones]));
    model.chip(Slot::Watch).profiles.set(Some(vec![watchs]));
    model.chip(Slot::Watch).waiting.set(vec![notification(4, NotificationEvents::INSTALL)]);
    page.settle().await;
    assert_eq!(page.say("li.profile .who strong"), ["Travel"]);
    assert!(page.all("section.notifications li").is_empty());
    manage(&page, "watch").await;
    assert_eq!(page.say("li.profile .who strong"), ["Sport"]);
    assert_eq!(page.all("section.notifications li").len(), 1);
    manage(&page, "phone").await;
    assert_eq!(page.say("li.profile .who strong"), ["Travel"]);
}

#[test]
async fn what_waits_at_an_sm_ds_waits_for_one_chip() {
    let page = page().await;
    let event = lpa::Event { event_id: "EVENT-1".parse().unwrap(), address: "smdp.example.com".into() };
    page.context.model.chip(Slot::Phone).events.set(Some(vec![event]));
    page.settle().await;
    assert!(!page.all("ul.events li, [data-testid=events] li").is_empty());
    manage(&page, "watch").await;
    assert!(page.all("ul.events li, [data-testid=events] li").is_empty(), "nothing was asked for the watch");
    page.context.model.chip(Slot::Watch).events.set(Some(Vec::new()));
    page.settle().await;
    assert!(page.text().contains("Nothing waits for this chip."));
    manage(&page, "phone").await;
    assert!(!page.text().contains("Nothing waits for this chip."));
    assert!(!page.all("ul.events li, [data-testid=events] li").is_empty(), "it is not forgotten");
    page.context.model.chip(Slot::Phone).forget();
    page.settle().await;
    assert!(page.all("ul.events li, [data-testid=events] li").is_empty(), "another chip");
}
