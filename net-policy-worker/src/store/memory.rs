//! Subscribers in memory, for tests and for other programs' tests: the clock and the
//! chance are the caller's.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use super::Store;
use crate::gateway::audit;
use crate::refusal::{Fault, Refusal};
use crate::service::{Answer, Chance, Network, Owned, Request, Timestamp, perform};
use crate::subscriber::{SubscriberView, Tag};

/// Fills bytes at random.
type Fill = Box<dyn FnMut(&mut [u8])>;

/// A store that forgets.
pub struct Memory {
    network: Network,
    clock: Box<dyn Fn() -> Timestamp>,
    chance: RefCell<Fill>,
    owned: RefCell<HashMap<Tag, Owned>>,
    verdicts: RefCell<HashMap<Tag, VecDeque<audit::Verdict>>>,
}

impl Memory {
    /// An empty store. `clock` says the time, `chance` fills bytes at random.
    #[must_use]
    pub fn new(
        network: Network,
        clock: impl Fn() -> Timestamp + 'static,
        chance: impl FnMut(&mut [u8]) + 'static,
    ) -> Self {
        Self {
            network,
            clock: Box::new(clock),
            chance: RefCell::new(Box::new(chance)),
            owned: RefCell::default(),
            verdicts: RefCell::default(),
        }
    }
}

impl Store for Memory {
    async fn ask(&self, tag: Tag, request: Request) -> Result<Result<Answer, Refusal>, Fault> {
        let mut bytes = [0; Chance::LEN];
        (self.chance.borrow_mut())(&mut bytes);
        let mut owned = self.owned.borrow_mut();
        let mut slot = owned.remove(&tag);
        let answer = perform(&mut slot, request, (self.clock)(), bytes.into(), &self.network);
        if let Some(mut kept) = slot {
            audit::keep(self.verdicts.borrow_mut().entry(tag).or_default(), kept.line.take_verdicts());
            owned.insert(tag, kept);
        }
        Ok(answer)
    }

    async fn audit(&self, tag: Tag, wanted: &audit::Wanted) -> Result<audit::Page, Fault> {
        let verdicts = self.verdicts.borrow();
        let newest_first = verdicts.get(&tag).into_iter().flatten().rev().cloned().map(Ok);
        audit::Page::of(newest_first, wanted)
    }

    async fn subscribers(&self) -> Result<Vec<SubscriberView>, Fault> {
        let owned = self.owned.borrow();
        let mut views: Vec<_> = owned.values().map(|owned| owned.subscriber.view()).collect();
        views.sort_by(|a, b| a.imsi.cmp(&b.imsi));
        Ok(views)
    }
}
