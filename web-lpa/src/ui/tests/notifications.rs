//! Notifications: those that wait on the chip and those that were sent.

use leptos::prelude::*;
use lpa::{Cause, Failure, Stage};
use rsp::metadata::NotificationEvents;
use tlv::{Tag, Writer};
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

/// A refusal: which server, and whether the chip with this EID has signed it, as it is kept.
fn given(number: u8, signed: bool) -> lpa::Cancellations {
    let (address, since) = (b"smdp.example.com", 1_767_225_600_u64.to_be_bytes());
    let mut w = Writer::new();
    w.nested(Tag(0xE3), |w| {
        w.unsigned(Tag(0x80), 2);
        if !signed {
            w.nested(Tag(0xA2), |w| {
                w.tlv(Tag(0x80), address).tlv(Tag(0x84), b"ORDER").tlv(Tag(0x86), &[0x98; 10]);
                w.tlv(Tag(0x87), &[number; 32]).tlv(Tag(0x88), &[number; 16]);
                w.unsigned(Tag(0x89), 0).unsigned(Tag(0x82), 0).tlv(Tag(0x83), &since);
            });
            return;
        }
        w.nested(Tag(0xA1), |w| {
            w.tlv(Tag(0x80), address).tlv(Tag(0x81), &[number; 32]);
            w.unsigned(Tag(0x82), 1).tlv(Tag(0x83), &since);
            w.nested(Tag(0xBF41), |w| {
                w.nested(Tag(0xA0), |w| {
                    w.nested(Tag::SEQUENCE, |w| {
                        w.tlv(Tag(0x80), &[number; 16]).tlv(Tag(0x81), &[0x88, 0x37, 0x0A]);
                        w.unsigned(Tag(0x82), if number == 2 { 1 } else { 0 });
                    });
                    w.tlv(Tag(0x5F37), &[7; 64]);
                });
            });
        });
    });
    lpa::Cancellations::decode(&w.finish()).unwrap()
}

/// A page on which servers have not heard of these.
async fn page_with(kept: &[lpa::Cancellations]) -> Page {
    let page = Page::show(|_| view! { <Phone/><Questions/> }).await;
    let mut all = lpa::Cancellations::default();
    kept.iter().flat_map(|one| one.iter()).for_each(|one| all.keep(one.clone(), 0));
    page.context.model.untold.set(Some(all));
    page.until("the list", |page| page.all(".untold > li").len() == kept.len()).await;
    page
}

#[test]
async fn what_a_server_does_not_know_is_listed_with_the_server_the_reason_and_the_time() {
    let page = page_with(&[]).await;
    assert!(page.all(".untold").is_empty(), "nothing is said of nothing");
    page.close().await;
    let page = page_with(&[given(1, true), given(2, true), given(3, false)]).await;
    let lines = page.say(".untold > li");
    for (line, parts) in lines.iter().zip([
        ["you said no", "waits for the server"],
        ["put off", "waits for the server"],
        ["you said no", "waits for the card that has to sign it"],
    ]) {
        for part in parts.into_iter().chain(["smdp.example.com", "since", "202"]) {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert_eq!(lines.len(), 3);
    // The card is not here.
    let send = page.all(".untold > li:last-child button");
    assert!(super::is_disabled(&send[0]) && !super::is_disabled(&send[1]));
    page.speak(Language::Japanese).await;
    let lines = page.say(".untold > li");
    assert!(lines[0].contains("サーバーへの通知待ち") && lines[2].contains("カード"), "{lines:?}");
}

#[test]
async fn what_a_server_does_not_know_is_forgotten_only_after_a_warning() {
    let page = page_with(&[given(1, true), given(2, true)]).await;
    for (selector, warning) in [
        (".untold > li:first-child button.danger", "will never learn that this download was refused"),
        (".untold > li:last-child button.danger", "The order stays as it is"),
    ] {
        page.click(selector).await;
        page.until("the warning", |page| !page.all("dialog[open] button").is_empty()).await;
        assert!(page.says("dialog[open]").contains(warning), "{}", page.says("dialog[open]"));
        page.press("Keep it").await;
        assert_eq!(page.all(".untold > li").len(), 2);
    }
    page.click(".untold > li:first-child button.danger").await;
    page.until("the warning", |page| !page.all("dialog[open] button").is_empty()).await;
    page.press("Forget").await;
    page.until("the list", |page| page.all(".untold > li").len() == 1).await;
    assert!(page.says(".untold > li").contains("put off"));
    page.click(".untold > li button.danger").await;
    page.until("the warning", |page| !page.all("dialog[open] button").is_empty()).await;
    page.press("Forget").await;
    page.until("the end of the list", |page| page.all(".untold").is_empty()).await;
}

#[test]
async fn a_server_is_told_again_when_the_person_says_so() {
    let page = page_with(&[given(1, true)]).await;
    page.press("Tell smdp.example.com again").await;
    let title =
        page.context.model.task.with_untracked(|task| task.as_ref().map(|task| task.title.en.clone()));
    let task = title.as_deref().is_none_or(|title| title == "Telling the operator’s server");
    assert!(task, "{title:?}");
    end(&page).await;
    // Without a network: it stays, and the person is told why.
    assert_eq!(page.all(".untold > li").len(), 1);
    assert!(page.context.model.failure.with_untracked(Option::is_some));
}
