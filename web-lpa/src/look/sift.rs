//! Which messages are shown: a list that is kept up with a growing trace without looking at
//! all of it again.

use std::collections::VecDeque;

use trace::{Message, Party, Step, Trace};

/// How many of the newest messages are looked at again each time: answers, further blocks and
/// notes come to these.
const TAIL: u32 = 16;

/// A message that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: u32,
    /// Its step.
    pub step: Option<Step>,
    /// Whether it feeds a bound profile package to a chip.
    pub feeds: bool,
}

impl Shown {
    fn of(message: &Message) -> Self {
        Self { id: message.id, step: message.step, feeds: message.name == trace::LOAD }
    }
}

/// How far a list has kept up with a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing was new.
    Same,
    /// There is more to be looked at.
    InPart,
    /// All was looked at.
    Up,
}

/// The messages that pass a filter, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Sift {
    shown: VecDeque<Shown>,
    /// Older ones that were under way when they were looked at.
    open: Vec<u32>,
    /// The newest message that was looked at, and when it began.
    newest: Option<(u32, f64)>,
    revision: Option<u64>,
    parties: [bool; Party::ALL.len()],
}

impl Sift {
    /// Looks at everything again next time: the filter is another one.
    pub fn again(&mut self) {
        *self = Self::default();
    }

    /// Keeps up with the trace. Says whether anything may have changed.
    pub fn look(&mut self, trace: &Trace, passes: impl Fn(&Message) -> bool) -> bool {
        self.look_until(trace, passes, || false) != Kept::Same
    }

    /// The same, until it is `enough`: what a search looks for may take long to find. One message more
    /// than the last time is looked at in any case.
    pub fn look_until(
        &mut self,
        trace: &Trace,
        passes: impl Fn(&Message) -> bool,
        enough: impl Fn() -> bool,
    ) -> Kept {
        if self.revision == Some(trace.revision()) && !self.is_other(trace) {
            return Kept::Same;
        }
        if self.is_other(trace) {
            self.again();
        }
        self.revision = Some(trace.revision());
        let oldest = trace.messages().next().map_or(u32::MAX, |message| message.id);
        while self.shown.front().is_some_and(|shown| shown.id < oldest) {
            self.shown.pop_front();
        }
        // What was under way and is too old for the tail.
        let bound = self.newest.map_or(0, |(newest, _)| newest.saturating_sub(TAIL));
        for id in std::mem::take(&mut self.open) {
            if id >= bound {
                continue;
            }
            let Some(message) = trace.message(id) else { continue };
            self.place(message, passes(message));
            if message.ending == trace::Ending::Open {
                self.open.push(id);
            }
        }
        // The tail, and what is new.
        let before = self.newest.map(|(newest, _)| newest);
        while self.shown.back().is_some_and(|shown| shown.id >= bound) {
            self.shown.pop_back();
        }
        let newer = trace.messages().rev().take_while(|message| message.id >= bound).count();
        for message in trace.messages().skip(trace.len() - newer) {
            for party in [message.from, message.to] {
                if let Some(seen) = self.parties.get_mut(party as usize) {
                    *seen = true;
                }
            }
            if passes(message) {
                self.shown.push_back(Shown::of(message));
            }
            if message.ending == trace::Ending::Open {
                self.open.push(message.id);
            }
            self.newest = Some((message.id, message.at));
            let is_new = before.is_none_or(|before| message.id > before);
            if is_new && enough() && trace.messages().next_back().is_some_and(|last| last.id != message.id) {
                self.revision = None;
                return Kept::InPart;
            }
        }
        Kept::Up
    }

    /// Whether this is not the trace of before: the newest message of then is not in it.
    fn is_other(&self, trace: &Trace) -> bool {
        self.newest.is_some_and(|(id, at)| trace.message(id).is_none_or(|message| message.at != at))
    }

    fn place(&mut self, message: &Message, passes: bool) {
        match (self.shown.binary_search_by_key(&message.id, |shown| shown.id), passes) {
            (Ok(place), false) => {
                self.shown.remove(place);
            }
            (Err(place), true) => self.shown.insert(place, Shown::of(message)),
            _ => {}
        }
    }

    /// How many are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The one at a place in the list.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<Shown> {
        self.shown.get(place).copied()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Shown> + '_ {
        self.shown.iter().copied()
    }

    /// The place of a message in the list.
    #[must_use]
    pub fn place_of(&self, id: u32) -> Option<usize> {
        self.shown.binary_search_by_key(&id, |shown| shown.id).ok()
    }

    /// The neighbours of a message, which need not be shown itself: before and after.
    #[must_use]
    pub fn beside(&self, id: u32) -> (Option<u32>, Option<u32>) {
        let (before, after) = match self.shown.binary_search_by_key(&id, |shown| shown.id) {
            Ok(place) => (place.checked_sub(1), place + 1),
            Err(place) => (place.checked_sub(1), place),
        };
        let id_at = |place: usize| self.shown.get(place).map(|shown| shown.id);
        (before.and_then(id_at), id_at(after))
    }

    /// The parties that have spoken, whether what they said is shown or not.
    #[must_use]
    pub fn has(&self, party: Party) -> bool {
        self.parties.get(party as usize).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace::{Limits, Ticket};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn all(_: &Message) -> bool {
        true
    }

    fn select(trace: &mut Trace, at: f64) -> Ticket {
        trace.command(Party::Chip, &[0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00, 0x00], at)
    }

    fn ids(sift: &Sift) -> Vec<u32> {
        sift.iter().map(|shown| shown.id).collect()
    }

    /// What a list is that looks at everything: the oracle of the one that does not.
    fn whole(trace: &Trace, passes: impl Fn(&Message) -> bool) -> Vec<u32> {
        trace.messages().filter(|message| passes(message)).map(|message| message.id).collect()
    }

    #[test]
    fn the_list_grows_with_the_trace() {
        let (mut trace, mut sift) = (Trace::default(), Sift::default());
        for round in 0..40 {
            let ticket = select(&mut trace, f64::from(round));
            sift.look(&trace, all);
            assert_eq!(ids(&sift), whole(&trace, all));
            trace.answer(ticket, &[0x90, 0x00], f64::from(round) + 0.5);
            assert!(sift.look(&trace, all));
            assert!(!sift.look(&trace, all), "nothing new");
        }
        assert_eq!(sift.len(), 40);
        assert!(sift.has(Party::Chip) && sift.has(Party::Phone) && !sift.has(Party::Watch));
        assert_eq!(sift.beside(20), (Some(19), Some(21)));
        assert_eq!(sift.beside(0), (None, Some(1)));
        assert_eq!(sift.beside(99), (Some(39), None));
    }

    #[test]
    fn a_long_trace_is_looked_at_in_parts() {
        let mut trace = Trace::default();
        for round in 0..70 {
            let ticket = select(&mut trace, f64::from(round));
            if round % 20 != 5 {
                trace.answer(
                    ticket,
                    if round % 3 == 0 { &[0x6A, 0x82] } else { &[0x90, 0x00] },
                    f64::from(round),
                );
            }
        }
        let mut sift = Sift::default();
        let mut parts = 0;
        while sift.look_until(&trace, Message::failed, || true) == Kept::InPart {
            parts += 1;
            let seen =
                whole(&trace, Message::failed).into_iter().filter(|id| *id < parts).collect::<Vec<_>>();
            assert_eq!(ids(&sift), seen);
            assert!(parts < 100);
        }
        assert_eq!(parts, 69, "one at a time");
        assert_eq!(ids(&sift), whole(&trace, Message::failed));
        assert_eq!(sift.look_until(&trace, Message::failed, || true), Kept::Same);
    }

    #[test]
    fn an_answer_that_comes_late_is_seen() {
        let (mut trace, mut sift) = (Trace::default(), Sift::default());
        let slow = select(&mut trace, 0.0);
        for round in 1..60 {
            let ticket = select(&mut trace, f64::from(round));
            trace.answer(ticket, &[0x90, 0x00], f64::from(round));
            sift.look(&trace, Message::failed);
        }
        assert!(sift.is_empty());
        trace.answer(slow, &[0x6A, 0x82], 60.0);
        sift.look(&trace, Message::failed);
        assert_eq!(ids(&sift), [slow.message]);
        assert_eq!(ids(&sift), whole(&trace, Message::failed));
    }

    #[test]
    fn what_the_trace_forgets_is_not_shown() {
        let mut trace = Trace::new(Limits { messages: 5, ..Limits::default() });
        let mut sift = Sift::default();
        for round in 0..50 {
            let _ = select(&mut trace, f64::from(round));
            sift.look(&trace, all);
            assert_eq!(ids(&sift), whole(&trace, all));
        }
        trace.clear();
        sift.look(&trace, all);
        assert!(sift.is_empty());
        let _ = select(&mut trace, 99.0);
        sift.look(&trace, all);
        assert_eq!(ids(&sift), whole(&trace, all));
    }

    #[test]
    fn another_trace_is_looked_at_anew() {
        let mut sift = Sift::default();
        let mut one = Trace::default();
        for round in 0..30 {
            let _ = select(&mut one, f64::from(round));
        }
        sift.look(&one, all);
        let mut other = Trace::default();
        for round in 0..30 {
            let _ = select(&mut other, 1000.0 + f64::from(round));
        }
        let some = |message: &Message| message.id < 3;
        sift.look(&other, some);
        assert_eq!(ids(&sift), [0, 1, 2]);
    }
}
