//! Cards that come and go in the middle: what was begun with one is none of another's business.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use lpa::{CardLost, Cause};
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::super::phone::Phone;
use super::Page;
use super::samples::ICCID;
use crate::model::Slot;
use crate::transport::card::{CardChannel, Later, RealCard};
use crate::transport::once;

/// `DeleteProfileRequest`.
const DELETE: [u8; 2] = [0xBF, 0x33];

/// A card that opens channels, has an ISD-R, and refuses what that is asked.
#[derive(Default)]
struct Card {
    seen: RefCell<Vec<Vec<u8>>>,
    /// The answer to the next SELECT waits for this.
    waits: RefCell<Option<Later<'static, Option<()>>>>,
}

impl Card {
    fn instructions(&self) -> Vec<u8> {
        self.seen.borrow().iter().map(|command| command[1]).collect()
    }

    fn was_told_to_delete(&self) -> bool {
        self.seen.borrow().iter().any(|command| command.windows(2).any(|part| part == DELETE))
    }
}

/// The contact to a card.
struct Contact(Rc<Card>);

impl RealCard for Contact {
    fn transmit<'a>(&'a self, apdu: &'a [u8]) -> Later<'a, Result<Vec<u8>, CardLost>> {
        Box::pin(async move {
            self.0.seen.borrow_mut().push(apdu.to_vec());
            let waits = self.0.waits.borrow_mut().take_if(|_| apdu[1] == 0xA4);
            if let Some(waits) = waits {
                waits.await;
            }
            Ok(match (apdu[1], apdu[2]) {
                (0x70, 0x00) => vec![0x01, 0x90, 0x00],
                (0xE2, _) => vec![0x6A, 0x88],
                _ => vec![0x90, 0x00],
            })
        })
    }

    fn reset(&self) -> Later<'_, Result<Vec<u8>, CardLost>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}

fn put_in(page: &Page, card: &Rc<Card>) {
    page.context.phone.insert(CardChannel::Real(Rc::new(Contact(Rc::clone(card)))));
}

async fn idle(page: &Page) {
    page.until("rest", |page| page.context.model.task.with_untracked(Option::is_none)).await;
}

/// A phone with a card that is asked to delete a profile, and has not said yet that it has an ISD-R.
async fn deleting() -> (Page, Rc<Card>, once::Sender<()>) {
    let page = Page::show(|_| view! { <Phone/> }).await;
    let card = Rc::new(Card::default());
    put_in(&page, &card);
    idle(&page).await;
    assert!(card.instructions().contains(&0xE2), "it was read");
    card.seen.take();
    let (go_on, waits) = once::channel();
    *card.waits.borrow_mut() = Some(Box::pin(waits));
    page.context.phone.delete(Slot::Card, ICCID.parse().unwrap(), "Travel".to_owned());
    page.until("SELECT", |_| card.instructions().last() == Some(&0xA4)).await;
    (page, card, go_on)
}

#[test]
async fn a_card_that_stays_is_told_to_delete() {
    let (page, card, go_on) = deleting().await;
    go_on.send(());
    idle(&page).await;
    assert!(card.was_told_to_delete());
    page.close().await;
}

#[test]
async fn another_card_is_not_told_what_was_meant_for_the_first() {
    let (page, first, go_on) = deleting().await;
    let second = Rc::new(Card::default());
    page.context.phone.pull();
    put_in(&page, &second);
    page.settle().await;
    assert!(second.seen.borrow().is_empty(), "a task runs, and is not its own");
    let before = first.seen.borrow().len();
    go_on.send(());
    page.until("the second card is read", |_| second.instructions().contains(&0xE2)).await;
    idle(&page).await;
    assert_eq!(first.seen.borrow().len(), before, "the first is out");
    assert!(!first.was_told_to_delete() && !second.was_told_to_delete());
    // What it gets is begun with it: the terminal tells of itself, and a channel is opened.
    assert_eq!(second.instructions()[..3], [0xAA, 0x70, 0xA4]);
    page.close().await;
}

#[test]
async fn the_same_card_that_comes_back_is_begun_with_anew() {
    let (page, card, go_on) = deleting().await;
    page.context.phone.pull();
    let before = card.seen.borrow().len();
    put_in(&page, &card);
    go_on.send(());
    page.until("it is read", |_| card.instructions()[before..].contains(&0xE2)).await;
    idle(&page).await;
    assert!(!card.was_told_to_delete());
    assert_eq!(card.instructions()[before..][..3], [0xAA, 0x70, 0xA4]);
    page.close().await;
}

#[test]
async fn a_card_that_is_out_ends_what_was_begun_with_it() {
    let (page, card, go_on) = deleting().await;
    page.context.phone.pull();
    go_on.send(());
    idle(&page).await;
    assert!(!card.was_told_to_delete());
    let failure = page.context.model.failure.get_untracked().unwrap();
    let Cause::CardLost(why) = failure.cause else { panic!("{failure:?}") };
    assert_eq!(
        (why.en.as_str(), why.ja.as_str()),
        ("the card was taken out meanwhile", "途中でカードが抜かれました")
    );
    page.close().await;
}
