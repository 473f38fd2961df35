//! The messages between the parties, as the page records and shows them.

use leptos::prelude::*;
use trace::{Answer, Judge, Limits, Party, Request, Step, Ticket, Trace};

use crate::model::now;

/// The trace. A handle: copies are the same trace.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    trace: StoredValue<Trace>,
    /// Counts every change of the trace.
    changes: RwSignal<u64>,
    on_air: RwSignal<Option<(Party, Party)>>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            trace: StoredValue::new(Trace::unjudged(Limits::default())),
            changes: RwSignal::new(0),
            on_air: RwSignal::new(None),
        }
    }

    /// Looks at the trace; tracked.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Trace) -> T) -> T {
        self.changes.track();
        self.trace.with_value(look)
    }

    /// Looks at the trace.
    pub(crate) fn with_untracked<T>(&self, look: impl FnOnce(&Trace) -> T) -> T {
        self.trace.with_value(look)
    }

    /// Between whom something is on its way.
    pub(crate) fn on_air(&self) -> Option<(Party, Party)> {
        self.on_air.get()
    }

    /// Has answers read for refusals, from the first time that somebody looks.
    pub(crate) fn judge(&self, judge: Judge) {
        if !self.trace.with_value(Trace::is_judged) {
            self.change(None, |trace| trace.judge(judge));
        }
    }

    /// Puts another trace in the place of this one.
    pub(crate) fn replace(&self, trace: Trace) {
        self.change(None, |old| *old = trace);
    }

    /// Forgets all messages.
    pub(crate) fn clear(&self) {
        self.change(None, Trace::clear);
    }

    /// The step that messages belong to from now on.
    pub(crate) fn set_step(&self, step: Option<Step>) {
        self.trace.update_value(|trace| trace.set_step(step));
    }

    /// A card is reset; [`Self::answer`] with its answer to reset.
    pub(crate) fn reset(&self, card: Party) -> Ticket {
        self.change(Some((Party::Phone, card)), |trace| trace.reset(card, now()))
    }

    /// A command goes to a card.
    pub(crate) fn command(&self, card: Party, command: &[u8]) -> Ticket {
        self.change(Some((Party::Phone, card)), |trace| trace.command(card, command, now()))
    }

    /// A card has answered.
    pub(crate) fn answer(&self, ticket: Ticket, response: &[u8]) {
        self.change(None, |trace| trace.answer(ticket, response, now()));
    }

    /// An HTTP request goes from the phone to somebody.
    pub(crate) fn call(&self, to: Party, request: Request<'_>) -> Ticket {
        self.change(Some((Party::Phone, to)), |trace| trace.call(Party::Phone, to, request, now()))
    }

    /// It was answered.
    pub(crate) fn reply(&self, ticket: Ticket, answer: Answer<'_>) {
        self.change(None, |trace| trace.reply(ticket, answer, now()));
    }

    /// There is no answer.
    pub(crate) fn fail(&self, ticket: Ticket, because: &str) {
        self.change(None, |trace| trace.fail(ticket, because, now()));
    }

    /// What somebody did to a message on its way.
    pub(crate) fn note(&self, ticket: Ticket, note: &str) {
        self.trace.update_value(|trace| trace.note(ticket.message, note));
        self.changes.update(|changes| *changes += 1);
    }

    fn change<T>(&self, on_air: Option<(Party, Party)>, change: impl FnOnce(&mut Trace) -> T) -> T {
        let mut trace = self.trace.write_value();
        let result = change(&mut trace);
        drop(trace);
        self.on_air.set(on_air);
        self.changes.update(|changes| *changes += 1);
        result
    }
}
