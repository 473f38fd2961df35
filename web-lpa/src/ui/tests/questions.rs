//! What the person is asked before a profile is installed, and before something is lost.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use lpa::{Answer, Lost, Question, Reply};
use rsp::metadata::{Icon, IconType, NotificationEvents, PprIds, ProfileClass, StoreMetadata};
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::{Language, Text};

use super::super::phone::questions::Questions;
use super::samples::{self, metadata, notification, png, profile};
use super::{Page, is_disabled};
use crate::model::Slot;
use crate::transport::chip::ChipState;
use crate::transport::later::Clock;
use crate::transport::once;

/// What the person said, once something was said.
type Said = Rc<RefCell<Option<Answer>>>;

async fn asked(question: Question) -> (Page, Said) {
    let page = Page::show(|_| view! { <Questions/> }).await;
    ask(page, question).await
}

async fn ask(page: Page, question: Question) -> (Page, Said) {
    let said = Said::default();
    let (phone, answer) = (page.context.phone, Rc::clone(&said));
    spawn_local(async move {
        let given = phone.ask(question).await;
        *answer.borrow_mut() = Some(given);
    });
    page.until("the question", |page| !page.all("dialog button").is_empty()).await;
    (page, said)
}

fn consent(metadata: StoreMetadata, strong_consent: bool) -> Question {
    Question::Consent {
        metadata: Box::new(metadata),
        strong_consent,
        confirmation_code_required: false,
        address: "smdp.example.com".into(),
        free_memory: Some(300 * 1024),
    }
}

#[test]
async fn what_the_operator_says_of_the_profile_is_shown_before_it_is_installed() {
    let (page, said) = asked(consent(metadata(), false)).await;
    for words in
        ["Contoso", "Travel", "operational", "…902317", "smdp.example.com", "300.0 KiB", "notify.example.com"]
    {
        assert!(page.says("dialog").contains(words), "{words}: {}", page.says("dialog"));
    }
    page.context.hidden.set(false);
    page.settle().await;
    assert!(page.says("dialog").contains(samples::ICCID), "the whole number, when it is wanted");
    assert!(said.borrow().is_none(), "nothing is said before the person has");
}

#[test]
async fn a_long_list_of_who_is_told_has_an_end() {
    let mut long = metadata();
    let one = long.notification_configuration[0].clone();
    long.notification_configuration = (0..300)
        .map(|number| {
            let mut one = one.clone();
            one.address = format!("n{number:03}.example.com");
            one
        })
        .collect();
    let (page, _) = asked(consent(long, false)).await;
    let told = page.says("[data-testid=consent-told]");
    assert!(told.contains("n003.example.com and 296 more") && !told.contains("n004"), "{told}");
}

#[test]
async fn the_chip_that_it_goes_to_is_named_by_its_eid() {
    const EID: &str = "89049032123451234512345678901235";
    let page = Page::show(|_| view! { <Questions/> }).await;
    let model = page.context.model;
    let chip = model.chip(Slot::Card);
    chip.state.set(ChipState::Real(Text::same("Reader 1".to_owned())));
    chip.info.set(Some(lpa::ChipInfo {
        eid: EID.parse().unwrap(),
        info: None,
        addresses: Default::default(),
        isd_r_aid: Vec::new(),
    }));
    model.asked_of.set(Slot::Card);
    let (page, _) = ask(page, consent(metadata(), false)).await;
    assert_eq!(page.says("[data-testid=consent-device]"), "The real card in Reader 1");
    assert_eq!(page.says("[data-testid=asked-eid]"), "…7890 1235");
    page.context.hidden.set(false);
    page.settle().await;
    assert_eq!(page.says("[data-testid=asked-eid]"), "8904 9032 1234 5123 4512 3456 7890 1235");
}

#[test]
async fn install_refuse_and_later_are_three_answers() {
    for (button, reply) in
        [("Install", Reply::Accept), ("Refuse for good", Reply::Reject), ("Not now", Reply::Postpone)]
    {
        let (page, said) = asked(consent(metadata(), false)).await;
        assert!(!is_disabled(&page.button(button)));
        page.press(button).await;
        assert!(matches!(&*said.borrow(), Some(Answer::Reply(given)) if *given == reply), "{button}");
        assert!(page.all("dialog button").is_empty(), "it closes");
    }
    // Escape is no refusal for good.
    let (page, said) = asked(consent(metadata(), false)).await;
    page.fire(&page.one("dialog"), "cancel").await;
    assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Postpone))));
}

#[test]
async fn rules_of_the_operator_are_agreed_to_before_anything_is_installed() {
    let ruled = StoreMetadata { profile_policy_rules: PprIds(PprIds::PPR1.0 | PprIds::PPR2.0), ..metadata() };
    let (page, said) = asked(consent(ruled, true)).await;
    let rules = page.say("dialog .notice li");
    assert_eq!(rules.len(), 2, "{rules:?}");
    assert!(
        rules[0].contains("cannot be switched off") && rules[1].contains("cannot be deleted"),
        "{rules:?}"
    );
    assert!(is_disabled(&page.button("Install")));
    page.press("Install").await;
    assert!(said.borrow().is_none(), "a button that is off does nothing");
    page.click("input[name=agree]").await;
    assert!(!is_disabled(&page.button("Install")));
    page.click("input[name=agree]").await;
    assert!(is_disabled(&page.button("Install")), "the yes was taken back");
    page.click("input[name=agree]").await;
    page.press("Install").await;
    assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Accept))));
}

#[test]
async fn names_that_are_meant_to_do_harm_are_text() {
    for (name, shown) in samples::hostile_names().into_iter().zip(samples::hostile_names_shown()) {
        let hostile =
            StoreMetadata { service_provider_name: name.clone(), profile_name: name.clone(), ..metadata() };
        let question = match consent(hostile, false) {
            Question::Consent {
                metadata, strong_consent, confirmation_code_required, free_memory, ..
            } => {
                let address = name.clone();
                Question::Consent {
                    metadata,
                    strong_consent,
                    confirmation_code_required,
                    address,
                    free_memory,
                }
            }
            other => other,
        };
        let (page, _) = asked(question).await;
        let operator = page.one("[data-testid=consent-operator]");
        assert_eq!(operator.text_content(), Some(shown), "letter for letter");
        assert!(operator.children().length() == 0 && page.all("dialog :is(img, script, b)").is_empty());
        // What turns letters around ends with the field: the next one begins anew.
        assert_eq!(operator.tag_name(), "DD");
        assert!(!is_disabled(&page.button("Install")), "the way out is not pushed away");
    }
}

#[test]
async fn only_a_picture_of_the_type_that_it_says_is_shown() {
    let with = |icon| StoreMetadata { icon, ..metadata() };
    let (page, _) = asked(consent(with(Some(png())), false)).await;
    let source = page.one("dialog img").get_attribute("src").unwrap();
    assert!(source.starts_with("data:image/png;base64,iVBORw0KGgo"), "{source}");
    drop(page);
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;".to_vec();
    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    for (icon_type, data) in [
        (IconType::Png, drawing.clone()),
        (IconType::Jpg, drawing),
        (IconType::Png, gif),
        (IconType::Jpg, png().data),
        (IconType::Png, b"<html><script>alert(1)</script>".to_vec()),
        (IconType::Png, Vec::new()),
    ] {
        let (page, _) = asked(consent(with(Some(Icon { icon_type, data })), false)).await;
        assert!(page.all("dialog img").is_empty(), "{icon_type:?}");
        assert_eq!(page.says("dialog .profile-icon"), "T", "the letter of its name");
    }
}

#[test]
async fn a_confirmation_code_is_asked_for() {
    let question = Question::ConfirmationCode { wrong_before: false, tries_left: None };
    let (page, said) = asked(question).await;
    assert!(page.all("dialog [role=alert]").is_empty());
    assert!(is_disabled(&page.button("Continue")), "there is nothing to go on with");
    page.submit("dialog form").await;
    assert!(said.borrow().is_none());
    page.type_in("input[name=confirmation-code]", "2580").await;
    page.press("Continue").await;
    assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Code(code))) if code == "2580"));

    let question = Question::ConfirmationCode { wrong_before: true, tries_left: Some(2) };
    let (page, said) = asked(question).await;
    let alert = page.says("dialog [role=alert]");
    assert!(alert.contains("was wrong") && alert.contains("Tries left: 2."), "{alert}");
    page.press("Not now").await;
    assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Postpone))));
}

#[test]
async fn what_a_reset_takes_away_is_named_first() {
    let lost = Lost {
        profiles: vec![profile(samples::ICCID, "Travel", ProfileClass::Operational)],
        default_smdp_address: Some("smdp.example.com".into()),
        waiting: vec![notification(7, NotificationEvents::INSTALL)],
    };
    let (page, said) = asked(Question::MemoryReset(Box::new(lost))).await;
    let words = page.says("dialog");
    for part in ["Travel", "…902317", "smdp.example.com", "no server has yet: 1"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    page.fire(&page.one("dialog"), "cancel").await;
    assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Reject))), "nothing is lost by Escape");
    let (page, said) = asked(Question::MemoryReset(Box::default())).await;
    assert!(page.says("dialog").contains("Nothing on the chip is touched"));
    page.press("Reset").await;
    assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Accept))));
}

#[test]
async fn a_question_is_asked_in_the_language_of_the_page() {
    let (page, _) = asked(consent(metadata(), true)).await;
    page.speak(Language::Japanese).await;
    let words = page.says("dialog");
    assert!(words.contains("このプロファイルをインストールしますか？") && words.contains("運用"), "{words}");
    assert!(is_disabled(&page.button("インストール")), "the yes to the rules is still missing");
}

/// The waits that a page has begun: how many milliseconds each has, and how it is ended.
type Waits = Rc<RefCell<Vec<(u32, once::Sender<()>)>>>;

/// Asks in a page whose time passes by hand.
async fn asked_by_hand(question: Question) -> (Page, Said, Waits) {
    let page = Page::show(|_| view! { <Questions/> }).await;
    let waits = Waits::default();
    let begun = Rc::clone(&waits);
    page.context.phone.set_clock(Clock::new(move |milliseconds| {
        let (sender, receiver) = once::channel();
        begun.borrow_mut().push((milliseconds, sender));
        async move {
            receiver.await;
        }
    }));
    let (page, said) = ask(page, question).await;
    (page, said, waits)
}

#[test]
async fn a_question_of_a_download_that_nobody_answers_is_over_after_five_minutes() {
    let code = Question::ConfirmationCode { wrong_before: false, tries_left: None };
    for question in [consent(metadata(), true), code] {
        let (page, said, waits) = asked_by_hand(question).await;
        assert!(page.says("dialog").contains("Without an answer in 5 minutes"), "{}", page.says("dialog"));
        assert_eq!(waits.borrow().iter().map(|(time, _)| *time).collect::<Vec<_>>(), [5 * 60 * 1000]);
        assert!(said.borrow().is_none(), "the person still has time");
        let (_, strikes) = waits.borrow_mut().remove(0);
        strikes.send(());
        page.until("the end of the question", |page| page.all("dialog button").is_empty()).await;
        assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Timeout))));
        // What is said too late is said to nobody.
        page.context.phone.answer(Reply::Accept);
        page.settle().await;
        assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Timeout))));
    }
}

#[test]
async fn an_answer_in_time_counts_and_the_time_that_is_left_does_not() {
    let (page, said, waits) = asked_by_hand(consent(metadata(), false)).await;
    page.press("Install").await;
    assert!(matches!(&*said.borrow(), Some(Answer::Reply(Reply::Accept))));
    // The next question has a time of its own.
    let code = Question::ConfirmationCode { wrong_before: false, tries_left: None };
    let (page, said) = ask(page, code).await;
    let (_, strikes) = waits.borrow_mut().remove(0);
    strikes.send(());
    page.settle().await;
    assert!(said.borrow().is_none() && !page.all("dialog button").is_empty());
    assert_eq!(waits.borrow().len(), 1);
}

#[test]
async fn nothing_outside_waits_for_the_other_questions_and_they_have_no_end() {
    let one = notification(7, NotificationEvents::DELETE);
    for question in [Question::MemoryReset(Box::default()), Question::RemoveNotification(Box::new(one))] {
        let (page, said, waits) = asked_by_hand(question).await;
        assert!(waits.borrow().is_empty() && said.borrow().is_none());
        assert!(!page.says("dialog").contains("Without an answer"));
    }
}
