//! What an object remembers between two requests, so that it need not read again what it has written itself.
//!
//! It is of one instance: another one of the same object, after the platform has ended the first or a write of
//! it was lost, begins with what is kept. All instances of an isolate share the module's memory, and the platform
//! does not say when one is gone; so only those that were asked last remember anything.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::service::Owned;

/// Most instances of an isolate that remember their subscribers.
const MOST: usize = 128;

/// The longest line, as JSON, that is remembered.
const LONGEST: usize = 32 * 1024;

thread_local! {
    static NEXT: Cell<u64> = const { Cell::new(0) };
    /// By instance; the last asked is the last.
    static RESIDENTS: RefCell<VecDeque<(u64, Resident)>> = const { RefCell::new(VecDeque::new()) };
}

/// A subscriber as it is kept.
#[derive(Default)]
pub(super) struct Resident {
    /// The subscriber, if there is one.
    pub(super) slot: Option<Owned>,
    /// Its record is to be sealed anew.
    pub(super) stale: bool,
    /// Its line, as it is kept.
    pub(super) text: String,
    /// The session whose verdicts are kept apart, and up to which number.
    pub(super) logged: Option<(String, u64)>,
    /// There is a table of verdicts.
    pub(super) is_recorded: bool,
}

/// One instance of an object.
pub(super) struct Instance(u64);

impl Instance {
    pub(super) fn new() -> Self {
        Self(NEXT.replace(NEXT.get().wrapping_add(1)))
    }

    /// What it remembers, which it then does no more.
    pub(super) fn take(&self) -> Option<Resident> {
        RESIDENTS.with_borrow_mut(|residents| {
            let at = residents.iter().rposition(|(instance, _)| *instance == self.0)?;
            residents.remove(at).map(|(_, resident)| resident)
        })
    }

    /// Remembers what has just been kept.
    pub(super) fn keep(&self, resident: Resident) {
        if resident.slot.is_none() || resident.text.len() > LONGEST {
            return;
        }
        RESIDENTS.with_borrow_mut(|residents| {
            while residents.len() >= MOST {
                residents.pop_front();
            }
            residents.push_back((self.0, resident));
        });
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.take();
    }
}
