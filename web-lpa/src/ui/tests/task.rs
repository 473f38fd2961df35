//! What the phone is doing, and how it ended.

use leptos::prelude::*;
use lpa::{Cause, Failure, Stage, Step};
use rsp::bpp::SegmentKind;
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::{Language, Text};

use super::super::phone::Phone;
use super::{Page, is_disabled};
use crate::model::{Notice, Slot, Task};

const DOING: &str = "[data-testid=doing]";

async fn doing(change: impl FnOnce(&mut Task)) -> Page {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let mut task = Task::new(Text::new("Adding an eSIM", "eSIM を追加しています"));
    change(&mut task);
    page.context.model.task.set(Some(task));
    page.settle().await;
    page
}

fn installing() -> Step {
    Step::Install {
        kind: SegmentKind::ProfileElements,
        segments_done: 3,
        segments: 12,
        bytes_done: 2048,
        bytes: 10_240,
    }
}

#[test]
async fn progress_is_told_in_segments_and_bytes() {
    let page = doing(|task| {
        task.download = true;
        task.part = Some(installing());
        task.segments = Some([3, 12, 2048, 10_240]);
    })
    .await;
    assert!(page.says(DOING).contains("Segment 3 of 12 · 2.0 KiB of 10.0 KiB"), "{}", page.says(DOING));
    let bar = page.one("progress");
    assert_eq!(
        (bar.get_attribute("value").as_deref(), bar.get_attribute("max").as_deref()),
        (Some("2048"), Some("10240"))
    );
    assert_eq!(page.all(".phases .done").len(), 2);
    assert_eq!(page.one(".phases .now").get_attribute("aria-current").as_deref(), Some("step"));
    page.speak(Language::Japanese).await;
    assert!(page.says(DOING).contains("セグメント 3 / 12 · 2.0 KiB / 10.0 KiB"), "{}", page.says(DOING));
}

#[test]
async fn a_download_can_be_stopped_while_nothing_can_be_lost() {
    let page = doing(|task| {
        task.download = true;
        task.part = Some(Step::AuthenticateClient);
        task.can_stop = true;
    })
    .await;
    assert!(page.says(".stopping").contains("the code stays valid"));
    assert!(!is_disabled(&page.button("Stop")));
    page.press("Stop").await;
    assert!(page.context.model.task.with_untracked(|task| task.as_ref().is_some_and(|task| task.stopping)));
    assert!(page.says(DOING).contains("Stopping as soon as nothing can be lost"));
    assert!(is_disabled(&page.button("Stop")), "once is enough");
}

#[test]
async fn a_package_that_is_being_fed_can_not_be_stopped() {
    let page = doing(|task| {
        task.download = true;
        task.part = Some(installing());
        task.segments = Some([3, 12, 2048, 10_240]);
    })
    .await;
    assert!(is_disabled(&page.button("Stop")));
    assert!(page.says(".stopping").contains("can no longer be stopped"), "{}", page.says(".stopping"));
    page.press("Stop").await;
    assert!(page.context.model.task.with_untracked(|task| task.as_ref().is_some_and(|task| !task.stopping)));
}

#[test]
async fn what_is_short_has_no_button_to_stop_it() {
    let page = doing(|_| {}).await;
    assert!(page.says(DOING).contains("Adding an eSIM"));
    assert!(page.all(".stopping").is_empty() && page.all("progress").is_empty());
    page.context.model.task.set(None);
    page.settle().await;
    assert_eq!(page.says(DOING), "");
}

#[test]
async fn a_failure_says_what_happened_and_keeps_its_codes_one_click_away() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let failure = Failure {
        stage: Stage::FetchPackage,
        cause: Cause::ServerLost(Text::new("no route", "経路なし").owned()),
    };
    page.context.model.failure.set(Some(failure.clone()));
    page.context.model.notice.set(Some(Notice::of(&failure)));
    page.settle().await;
    let notice = page.one("[data-testid=notice]");
    assert_eq!(notice.get_attribute("role").as_deref(), Some("alert"));
    assert!(page.says("[data-testid=notice] strong").contains(&failure.what().en));
    assert!(!page.one("[data-testid=notice] details").has_attribute("open"));
    assert_eq!(page.says("[data-testid=notice] code"), failure.codes());
    page.speak(Language::Japanese).await;
    assert!(page.says("[data-testid=notice] strong").contains(&failure.what().ja));
    // What the road says of it, too.
    let codes = page.says("[data-testid=notice] code");
    assert!(
        codes == failure.detail().ja && codes.contains("経路なし") && !codes.contains("no route"),
        "{codes}"
    );
    page.press("閉じる").await;
    assert!(page.all("[data-testid=notice]").is_empty());
}

#[test]
async fn a_name_turns_no_sentence_around() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let mut notice = Notice::good(Text::new("Here it is.", "入りました。"), Text::<String>::default());
    let name = "\u{5E0}\u{5E1}\u{2069}\u{5D9}";
    notice.switch_to = Some((Slot::Phone, super::samples::ICCID.parse().unwrap(), name.into()));
    page.context.model.notice.set(Some(notice));
    page.settle().await;
    page.button("Switch to \u{2068}\u{5E0}\u{5E1}\u{5D9}\u{2069}").click();
    let title =
        page.context.model.task.with_untracked(|task| task.as_ref().map(|task| task.title.en.clone()));
    assert_eq!(title.as_deref(), Some("Switching to \u{2068}\u{5E0}\u{5E1}\u{5D9}\u{2069}"));
    page.until("its end", |page| page.context.model.task.with_untracked(Option::is_none)).await;
}

#[test]
async fn a_profile_that_is_there_can_be_switched_to_at_once() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let mut notice =
        Notice::good(Text::new("Travel is installed.", "入りました。"), Text::<String>::default());
    notice.switch_to = Some((Slot::Phone, super::samples::ICCID.parse().unwrap(), "Travel".into()));
    page.context.model.notice.set(Some(notice));
    page.settle().await;
    assert_eq!(page.one("[data-testid=notice]").get_attribute("role").as_deref(), Some("status"));
    page.button("Switch to Travel").click();
    let title =
        page.context.model.task.with_untracked(|task| task.as_ref().map(|task| task.title.en.clone()));
    assert_eq!(title.as_deref(), Some("Switching to Travel"));
    page.until("its end", |page| page.context.model.task.with_untracked(Option::is_none)).await;
}
