//! The person's own chip, while the bench has put another one into the phone.

use leptos::prelude::*;
use rsp::metadata::ProfileClass;
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::Language;

use super::super::OwnChipBanner;
use super::super::phone::Phone;
use super::Page;
use super::chip::{Answers, insert};
use super::samples::{ICCID, profile};
use crate::bench::fault::{Act, Fault, Way};
use crate::keepsake::Keepsake;
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

/// A session file's with this memory of the phone's chip.
fn session(page: &Page, memory: u8, faults: Vec<Fault>) -> Keepsake {
    let model = page.context.model;
    Keepsake {
        phone: vec![memory],
        watch: None,
        trace: trace::Trace::default(),
        options: model.options.get_untracked(),
        device: model.device.get_untracked(),
        apn: String::new(),
        faults,
    }
}

#[test]
async fn a_session_file_does_not_cost_it() {
    keep::remove(PLACE).await.unwrap();
    let page = page().await;
    for memory in [7, 8] {
        page.context.phone.load(session(&page, memory, Vec::new()));
        idle(&page).await;
        assert_eq!(page.context.phone.snapshot(Slot::Phone).await.unwrap(), [memory]);
        assert_eq!(keep::get(PLACE).await.unwrap().unwrap(), [1], "it is the first that is the person's");
    }
    page.until("the offer", |page| !page.all("[data-testid=own-chip]").is_empty()).await;
    page.press("Put my chip back").await;
    page.until("the end of the offer", |page| page.all("[data-testid=own-chip]").is_empty()).await;
    idle(&page).await;
    assert_eq!(page.context.phone.snapshot(Slot::Phone).await.unwrap(), [1]);
}

#[test]
async fn a_session_that_is_not_opened_leaves_no_chip_behind() {
    keep::remove(PLACE).await.unwrap();
    let page = page().await;
    // Stopped before anything was put in.
    page.context.phone.load(session(&page, 7, Vec::new()));
    page.context.phone.stop();
    idle(&page).await;
    assert_eq!(page.context.phone.snapshot(Slot::Phone).await.unwrap(), [1]);
    assert_eq!(keep::get(PLACE).await.unwrap(), None);
    assert!(page.all("[data-testid=own-chip]").is_empty());
    let notice = page.context.model.notice.get_untracked().unwrap();
    assert!(notice.what.en.contains("was not opened"), "{notice:?}");
}

#[test]
async fn who_stops_a_session_does_not_wait_for_its_delays() {
    keep::remove(PLACE).await.unwrap();
    let page = Page::show_again(|context| {
        context.bench.observe(context.model);
        view! { <Phone/> }
    })
    .await;
    page.speak(Language::English).await;
    insert(&page, &Answers::new(&[profile(ICCID, "Travel", ProfileClass::Operational)], &[])).await;
    let late = Fault {
        function: String::new(),
        way: Way::Request,
        nth: 1,
        always: true,
        per_segment: false,
        act: Act::Delay { milliseconds: 60_000 },
    };
    page.context.phone.load(session(&page, 7, vec![late]));
    let struck =
        |page: &Page| page.context.bench.armed.with_untracked(|all| all.iter().any(|one| one.struck > 0));
    page.until("a message that comes late", struck).await;
    page.press("Stop").await;
    // Every message of it would be a minute late.
    idle(&page).await;
    assert_eq!(page.context.phone.snapshot(Slot::Phone).await.unwrap(), [7]);
    let notice = page.context.model.notice.get_untracked().unwrap();
    assert!(notice.good && notice.what.en == "The session is open.", "{notice:?}");
    page.context.bench.clear();
}
