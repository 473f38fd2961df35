//! The bench in the page: the faults that are armed, and what passes.

use leptos::prelude::*;
use trace::Party;

use super::fault::{Armed, Fault, Faults, Wire};
use crate::transport::later;

/// A message at a point of its way.
pub(crate) enum Passing<'a> {
    /// A command APDU on its way to a card.
    Command { card: Party, apdu: &'a mut Vec<u8> },
    /// Its response on the way back.
    Response { apdu: &'a mut Vec<u8> },
    /// An HTTP request on its way to a server or the network.
    Request { to: Party, url: &'a str, body: &'a mut Vec<u8> },
    /// Its answer on the way back.
    Reply { status: &'a mut u16, body: &'a mut Vec<u8> },
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on; with what was done to it.
    GoesOn(Option<String>),
    /// It is lost, and why.
    Lost(String),
}

/// The bench. A handle: copies are the same bench.
#[derive(Clone, Copy)]
pub(crate) struct Bench {
    faults: StoredValue<Faults>,
    /// The faults as they are shown.
    pub(crate) armed: RwSignal<Vec<Armed>>,
    /// Whether the card is pulled.
    pub(crate) pulled: RwSignal<bool>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            faults: StoredValue::new(Faults::default()),
            armed: RwSignal::new(Vec::new()),
            pulled: RwSignal::new(false),
        }
    }

    /// Arms a fault; returns its number.
    pub(crate) fn arm(&self, fault: Fault) -> u32 {
        self.change(|faults| faults.arm(fault))
    }

    /// Takes a fault away.
    pub(crate) fn disarm(&self, id: u32) {
        self.change(|faults| faults.disarm(id));
    }

    /// Takes all away, and puts the card back.
    pub(crate) fn clear(&self) {
        self.change(Faults::clear);
    }

    /// Pulls the card, or puts it back.
    pub(crate) fn pull(&self, pulled: bool) {
        self.change(|faults| faults.pull(pulled));
    }

    /// A message passes.
    pub(crate) async fn pass(&self, passing: Passing<'_>) -> Fate {
        let verdict = self.change(|faults| match passing {
            Passing::Command { card, apdu } => {
                faults.name_command(card, apdu);
                faults.strike(Wire::Command(apdu))
            }
            Passing::Response { apdu } => faults.strike(Wire::Response(apdu)),
            Passing::Request { to, url, body } => {
                faults.name_request(to, url);
                faults.strike(Wire::Request(body))
            }
            Passing::Reply { status, body } => faults.strike(Wire::Reply(status, body)),
        });
        if verdict.late > 0 {
            later::after(verdict.late).await;
        }
        match verdict.lost {
            Some(because) => Fate::Lost(because.en),
            None => {
                let notes: Vec<String> = verdict.notes.into_iter().map(|note| note.en).collect();
                Fate::GoesOn((!notes.is_empty()).then(|| notes.join("; ")))
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        let mut faults = self.faults.write_value();
        let result = change(&mut faults);
        let (armed, pulled) = (faults.armed().to_vec(), faults.is_pulled());
        drop(faults);
        // Only what is seen to change is drawn again.
        if self.armed.with_untracked(|shown| *shown != armed) {
            self.armed.set(armed);
        }
        if self.pulled.get_untracked() != pulled {
            self.pulled.set(pulled);
        }
        result
    }
}
