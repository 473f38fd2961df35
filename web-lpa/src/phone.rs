//! The phone: performs what the procedures ask for, one at a time, and keeps the page's
//! state in step with it.
//!
//! ```text
//!   procedures, files, hand, cards ──► a task ──► effects ──► way ──► bench ──► transport
//!   radio, session ──► terminal ────────────────────────┘
//! ```

mod cards;
mod devices;
mod effects;
mod files;
mod hand;
mod offer;
mod own;
mod procedures;
mod radio;
mod session;
mod untold;
mod way;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use apdu::StatusWord;
use leptos::prelude::*;
use lpa::{CardLost, Cause, Failure, Reply};
use rsp::auth::DeviceInfo;
use rsp::profiles::ProfileInfo;
use rsp::{Eid, Version};
use wasm_bindgen_futures::spawn_local;
use words::Text;

use self::offer::Offered;
use crate::bench::Bench;
use crate::code::scan::seen;
use crate::model::{Model, Notice, Slot, Task};
use crate::road::Road;
use crate::terminal::Terminal;
use crate::transport::bridge::Bridge;
use crate::transport::card::CardChannel;
use crate::transport::chip::{ChipLink, ChipState};
use crate::transport::later::Clock;
use crate::transport::once;
use crate::transport::signature::Signatures;

use cards::{Source, Unsettled};

pub(crate) use devices::Making;
pub(crate) use effects::PATIENCE_MINUTES;
pub(crate) use radio::Service;

/// The phone. A handle: copies are the same phone.
#[derive(Clone, Copy)]
pub(crate) struct Phone {
    model: Model,
    bench: Bench,
    signatures: Signatures,
    inside: StoredValue<Rc<Inside>, LocalStorage>,
}

#[derive(Default)]
struct Inside {
    /// Where the program of chips is.
    worker: RefCell<String>,
    links: [RefCell<Option<CardChannel>>; Slot::ALL.len()],
    /// The way to the readers of the desktop, once it is open.
    bridge: RefCell<Option<Rc<Bridge>>>,
    /// The chip that the programs of this computer have.
    offered: RefCell<Option<Offered>>,
    /// Where the card of [`Slot::Card`] is.
    source: RefCell<Option<Source>>,
    /// The road by which it was reached last.
    road: Cell<Option<Road>>,
    /// The card that was there last and is expected back.
    expected: Cell<Option<Eid>>,
    /// How often in a row a card came back by itself and could not be read to the end.
    comings: Cell<u8>,
    /// How often a card came or went: what began with one that has been out since is over.
    card_moves: Cell<u64>,
    /// How many modems were opened.
    modems: Cell<u32>,
    /// Whether the network is being asked after the session.
    is_looking: Cell<bool>,
    /// Whether this page listens to what is plugged in.
    follows_usb: Cell<bool>,
    /// Which USB reader was opened last ([`usb::identity`](crate::transport::usb::identity)).
    usb_reader: RefCell<Option<(u16, u16, Option<String>)>>,
    /// What is begun when no task runs.
    later: RefCell<VecDeque<Box<dyn FnOnce()>>>,
    /// What takes a card back that is in again; among the former when it waits.
    back: RefCell<Option<Box<dyn FnOnce()>>>,
    reply: RefCell<Option<once::Sender<Reply>>>,
    /// A switch that may have been done or not, until the card is back.
    unsettled: RefCell<Option<Unsettled>>,
    /// What was tried last, to be tried again.
    again: RefCell<Option<Again>>,
    stop: Cell<bool>,
    /// What passes time while the person is asked, and between two tries.
    clock: RefCell<Clock>,
    /// Whether this task has left a cancellation that its server has not heard of.
    is_untold: Cell<bool>,
    /// When servers are told again by themselves, and after what pause, in milliseconds.
    tells_again: Cell<Option<(f64, f64)>>,
    /// Whether servers are being told.
    is_telling: Cell<bool>,
    /// Whether chips are about to sign what they could not.
    catches_up: Cell<bool>,
}

/// What can be tried again, and on which chip.
#[derive(Clone)]
struct Again {
    slot: Slot,
    /// The chip's.
    eid: Option<Eid>,
    /// How often the card had come or gone.
    moves: u64,
    act: Rc<dyn Fn()>,
}

/// Where the browser keeps what is no checkpoint.
#[cfg(test)]
pub(crate) const KEPT: [&str; 2] = [own::PLACE, untold::PLACE];

impl Phone {
    pub(crate) fn new(model: Model, bench: Bench) -> Self {
        let signatures = Signatures::new();
        Self { model, bench, signatures, inside: StoredValue::new_local(Rc::new(Inside::default())) }
    }

    /// Starts the worker of a device's chip; `begins` is called once it answers.
    fn open(&self, slot: Slot, worker: &str, begins: impl Fn() + 'static) {
        let chip = self.model.chip(slot);
        let state = chip.state;
        state.set(ChipState::Starting);
        let changed = move |now: ChipState| {
            let was = state.get_untracked();
            let begin = now.answers() && !was.answers();
            state.set(now);
            if begin {
                begins();
            }
        };
        let opened = ChipLink::open(worker, changed, move |text| devices::told(chip, text));
        match opened {
            Ok(link) => {
                *self.inside().links[slot as usize].borrow_mut() = Some(CardChannel::Worker(Rc::new(link)));
            }
            Err(words) => state.set(ChipState::Broken(words)),
        }
    }

    /// Tries again what failed.
    pub(crate) fn try_again(&self) {
        let again = self.inside().again.borrow().clone();
        if let Some(again) = again.filter(|again| self.is_for_now(again)) {
            (again.act)();
        }
    }

    /// Whether there is something to try again on the chip that is there.
    pub(crate) fn can_try_again(&self) -> bool {
        self.inside().again.borrow().as_ref().is_some_and(|again| self.is_for_now(again))
    }

    fn set_again(&self, slot: Slot, act: impl Fn() + 'static) {
        let (eid, moves) = (self.eid(slot), self.card_moves(slot));
        *self.inside().again.borrow_mut() = Some(Again { slot, eid, moves, act: Rc::new(act) });
    }

    /// Whether the chip is there that it was tried on: cards come and go.
    fn is_for_now(&self, again: &Again) -> bool {
        let is_same = again.eid.is_some() && again.eid == self.eid(again.slot);
        again.slot != Slot::Card || is_same || again.moves == self.card_moves(again.slot)
    }

    /// The EID of a chip, where it is known.
    fn eid(&self, slot: Slot) -> Option<Eid> {
        self.model.chip(slot).info.with_untracked(|info| info.as_ref().map(|info| info.eid))
    }

    fn inside(&self) -> Rc<Inside> {
        self.inside.get_value()
    }

    /// Waits for some milliseconds.
    pub(crate) async fn wait(&self, milliseconds: u32) {
        let wait = self.inside().clock.borrow().wait(milliseconds);
        wait.await;
    }

    pub(crate) fn terminal(&self) -> Terminal<'_> {
        Terminal::new(self, self.model)
    }

    /// Runs a task if none runs, and shows how it ended.
    fn task(self, task: Task, body: impl Future<Output = Result<Option<Notice>, Failure>> + 'static) {
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        self.inside().is_untold.set(false);
        *self.inside().again.borrow_mut() = None;
        self.model.notice.set(None);
        self.model.failure.set(None);
        self.aside(task, async move {
            let result = body.await;
            self.model.question.set(None);
            self.model.failure.set(result.as_ref().err().cloned());
            move || {
                self.model.notice.set(match result {
                    Ok(notice) => notice,
                    Err(failure) => Some(self.say_untold(self.notice_of(&failure))),
                });
            }
        });
    }

    /// Runs a task if none runs, beside what is said of the one before, which stays; what it ends
    /// with is done when it runs no more.
    fn aside<End: FnOnce() + 'static>(self, task: Task, body: impl Future<Output = End> + 'static) {
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        self.inside().stop.set(false);
        self.model.task.set(Some(task));
        spawn_local(async move {
            let end = body.await;
            self.model.task.set(None);
            end();
            self.go_on();
        });
    }

    /// What is said of a failure. The memory of our own chips is the browser's: that it can't be
    /// written is no fault of a chip's.
    fn notice_of(&self, failure: &Failure) -> Notice {
        let notice = Notice::of(failure);
        let is_full = matches!(failure.cause, Cause::CardStatus(StatusWord::MEMORY_PROBLEM));
        if !is_full || self.model.slot.get_untracked() == Slot::Card {
            return notice;
        }
        Notice {
            what: Text::new(
                "The browser did not store what the chip wrote: it may have no space left for this site.",
                "チップの書き込みをブラウザーが保存できませんでした。このサイトの保存領域が足りない可能性があります。",
            )
            .owned(),
            advice: Text::new(
                "The chip is as it was before. Free some space on this computer, then try again.",
                "チップは元のままです。この端末の空き容量を増やしてから、もう一度試してください。",
            )
            .owned(),
            ..notice
        }
    }

    /// Runs a task on a chip that can be tried again when it fails.
    fn repeatable(
        self,
        slot: Slot,
        task: Task,
        again: impl Fn() + 'static,
        body: impl Future<Output = Result<Option<Notice>, Failure>> + 'static,
    ) {
        if self.model.task.with_untracked(Option::is_some) {
            return;
        }
        if slot == Slot::Card {
            // Who does something else with a card need not be told how an earlier switch ended.
            self.inside().unsettled.borrow_mut().take();
        }
        self.task(task, body);
        self.set_again(slot, again);
    }

    fn options(&self) -> lpa::Options {
        self.model.options.get_untracked()
    }

    fn device(&self) -> DeviceInfo {
        self.model.device.get_untracked()
    }
}

/// What this phone tells of itself: an LTE device with the type allocation code that the
/// GSMA keeps for tests.
pub(crate) fn this_device() -> DeviceInfo {
    let release = |number| Some(Version([number, 0, 0]));
    let mut capabilities = [None; 11];
    // GSM, UTRAN, E-UTRAN.
    (capabilities[0], capabilities[1], capabilities[5]) = (release(15), release(15), release(15));
    DeviceInfo { tac: [0x53, 0x02, 0x91, 0x00], capabilities, imei: None }
}

fn lost(lost: CardLost) -> Failure {
    Failure { stage: lpa::Stage::OpenChip, cause: Cause::CardLost(lost.0) }
}

/// A name inside a sentence whose letters it leaves where they are: in isolates of its own (Unicode
/// Standard Annex 9), which it can't end itself.
pub(crate) fn isolated(name: &str) -> String {
    if name.is_ascii() {
        return name.to_owned();
    }
    let inside: String = name.chars().filter(|letter| !('\u{2066}'..='\u{2069}').contains(letter)).collect();
    format!("\u{2068}{inside}\u{2069}")
}

/// The operator's name of a profile for people.
pub(crate) fn shown_name(provider: &str, profile: &str) -> String {
    let mut names = [seen(profile), seen(provider)].into_iter().filter(|name| !name.is_empty());
    // The same in every language.
    names.next().unwrap_or_else(|| "eSIM".to_owned())
}

/// The same of a profile on a chip.
pub(crate) fn own_name(info: &ProfileInfo) -> String {
    shown_name(
        info.service_provider_name.as_deref().unwrap_or_default(),
        info.profile_name.as_deref().unwrap_or_default(),
    )
}

/// What a profile is called: the person's name for it, or the operator's.
pub(crate) fn called(info: &ProfileInfo) -> String {
    let nickname = info.nickname.as_deref().map(seen).filter(|name| !name.is_empty());
    nickname.unwrap_or_else(|| own_name(info))
}
