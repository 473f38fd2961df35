//! The person's own chip, while the bench has put another one into the phone.

use leptos::prelude::*;
use rsp::metadata::ProfileClass;
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::Language;

use super::super::OwnChipBanner;
use super::Page;
use super::chip::{Answers, insert};
use super::samples::{ICCID, profile};
use crate::model::Slot;
use crate::transport::keep;

const PLACE: &str = "own chip";

/// The phone with a chip that has a memory of its own.
async fn page() -> Page {
    let page = Page::show_again(|_| view! { <OwnChipBanner/> }).await;
    // A test before may have left another language.
    page.speak(Language::English).await;
    insert(&page, &Answers::new(&[profile(ICCID, "Travel", ProfileClass::Operational)], &[])).await;
    page
}

/// Another chip in its place, as the bench has it.
async fn put_in(page: &Page, memory: u8) {
    page.context.phone.keep_own_chip().await.unwrap();
    page.context.phone.restore(Slot::Phone, vec![memory]);
    idle(page).await;
}

async fn idle(page: &Page) {
    let model = page.context.model;
    page.until("the end of the task", |_| model.task.with_untracked(Option::is_none)).await;
}

#[test]
async fn it_is_never_written_over_and_outlives_the_page() {
    keep::remove(PLACE).await.unwrap();
    let first = page().await;
    assert!(first.all("[data-testid=own-chip]").is_empty());
    put_in(&first, 7).await;
    put_in(&first, 8).await;
    assert_eq!(first.context.phone.snapshot(Slot::Phone).await.unwrap(), [8]);
    assert_eq!(keep::get(PLACE).await.unwrap().unwrap(), [1], "it is the first that is the person's");
    drop(first);

    let again = page().await;
    again.until("the offer", |page| !page.all("[data-testid=own-chip]").is_empty()).await;
    put_in(&again, 9).await;
    again.press("Put my chip back").await;
    again.until("the end of the offer", |page| page.all("[data-testid=own-chip]").is_empty()).await;
    idle(&again).await;
    assert_eq!(again.context.phone.snapshot(Slot::Phone).await.unwrap(), [1]);
    assert_eq!(keep::get(PLACE).await.unwrap(), None);
}

#[test]
async fn it_is_given_up_only_after_a_question() {
    keep::remove(PLACE).await.unwrap();
    let page = page().await;
    put_in(&page, 7).await;
    page.press("Give my chip up").await;
    assert!(keep::get(PLACE).await.unwrap().is_some());
    page.press("Give it up").await;
    page.until("the end of the offer", |page| page.all("[data-testid=own-chip]").is_empty()).await;
    assert_eq!(page.context.phone.snapshot(Slot::Phone).await.unwrap(), [7]);
}
