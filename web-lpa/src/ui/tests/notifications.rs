//! Notifications: those that wait on the chip and those that were sent.

use leptos::prelude::*;
use lpa::{Cause, Failure, Stage};
use rsp::metadata::NotificationEvents;
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::{Language, Text};

use super::super::phone::Phone;
use super::super::phone::questions::Questions;
use super::Page;
use super::chip::{Answers, asked, insert};
use super::samples::{ICCID, notification};
use crate::model::{Notification, Slot};

const LIST: &str = "section.notifications";

async fn page() -> Page {
    let page = Page::show(|_| view! { <Phone/><Questions/> }).await;
    let waiting = [notification(7, NotificationEvents::INSTALL), notification(9, NotificationEvents::DELETE)];
    insert(&page, &Answers::new(&[], &waiting)).await;
    page.until("the list", |page| page.all("section.notifications li").len() == 2).await;
    page
}

async fn end(page: &Page) {
    page.until("the end of it", |page| page.context.model.task.with_untracked(Option::is_none)).await;
}

#[test]
async fn what_waits_on_the_chip_is_listed() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let waiting =
        vec![notification(7, NotificationEvents::INSTALL), notification(9, NotificationEvents::DELETE)];
    page.context.model.chip(Slot::Phone).waiting.set(waiting);
    page.settle().await;
    let lines = page.say("section.notifications li");
    for (line, parts) in lines.iter().zip([["#7", "install"], ["#9", "delete"]]) {
        for part in parts.into_iter().chain(["notify.example.com", "…902317"]) {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!line.contains(ICCID), "{line}");
    }
    page.speak(Language::Japanese).await;
    let lines = page.say("section.notifications li");
    assert!(lines[0].contains("インストール") && lines[1].contains("削除"), "{lines:?}");
}

#[test]
async fn one_is_sent_alone_and_all_together() {
    let page = page().await;
    page.press("Send notification 9").await;
    end(&page).await;
    // RetrieveNotificationsList by its number: searchCriteria, seqNumber 9 (SGP.22 §5.7.10).
    let request = asked(&page, "RetrieveNotificationsList").expect("it was asked for");
    assert!(request.windows(3).any(|part| part == [0x80, 0x01, 9]), "{request:02X?}");
    assert!(!request.windows(3).any(|part| part == [0x80, 0x01, 7]), "{request:02X?}");
    page.button("Send all").click();
    let title =
        page.context.model.task.with_untracked(|task| task.as_ref().map(|task| task.title.en.clone()));
    assert_eq!(title.as_deref(), Some("Sending notifications"));
    end(&page).await;
}

#[test]
async fn one_is_removed_only_after_a_warning() {
    let page = page().await;
    page.press("Remove notification 9").await;
    page.until("the warning", |page| !page.all("dialog[open] button").is_empty()).await;
    let warning = page.says("dialog[open]");
    assert!(
        warning.contains("notify.example.com will never learn that the profile was deleted"),
        "{warning}"
    );
    assert_eq!(asked(&page, "RemoveNotificationFromList"), None, "not yet");
    page.press("Keep it").await;
    end(&page).await;
    assert_eq!(asked(&page, "RemoveNotificationFromList"), None);
    page.press("Remove notification 7").await;
    page.until("the warning", |page| !page.all("dialog[open] button").is_empty()).await;
    assert!(page.says("dialog[open]").contains("never learn how the installation ended"));
    page.press("Remove").await;
    end(&page).await;
    let request = asked(&page, "RemoveNotificationFromList").expect("it was asked");
    assert!(request.windows(3).any(|part| part == [0x80, 0x01, 7]), "{request:02X?}");
    page.until("the list", |page| page.all("section.notifications li").len() == 1).await;
    assert!(page.says("section.notifications li").contains("#9"));
}

#[test]
async fn what_was_tried_tells_how_it_ended() {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let failure = Failure { stage: Stage::Notify, cause: Cause::ServerLost(Text::same("no route")) };
    let sent = Notification {
        number: 3,
        event: "enable",
        iccid: Some(ICCID.into()),
        address: "<b>notify</b>.example.com".into(),
        failure: None,
    };
    let kept = Notification { number: 4, event: "delete", failure: Some(failure.clone()), ..sent.clone() };
    let chip = page.context.model.chip(Slot::Phone);
    chip.notifications.set(vec![kept, sent]);
    page.settle().await;
    let lines = page.say("section.notifications li");
    assert!(lines[0].contains("kept on the chip") && lines[0].contains(&failure.what().en), "{lines:?}");
    assert!(lines[1].contains("delivered"), "{lines:?}");
    assert!(lines[1].contains("<b>notify</b>.example.com") && page.all(&format!("{LIST} b")).is_empty());
    assert_eq!(page.all(&format!("{LIST} .acts")).len(), 1, "what is delivered is done with");
    assert_eq!(page.all(&format!("{LIST} details.codes")).len(), 1);
}
