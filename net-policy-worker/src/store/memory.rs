//! Subscribers in memory, for tests and for other programs' tests: the clock and the
//! chance are the caller's.

use std::cell::RefCell;
use std::collections::HashMap;

use super::Store;
use crate::identity::Guti;
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
    gutis: RefCell<HashMap<[u8; 4], Option<Tag>>>,
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
            gutis: RefCell::default(),
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
        if let Some(kept) = slot {
            owned.insert(tag, kept);
        }
        if let Ok(Answer::Attached { session, replaced }) = &answer {
            let mut gutis = self.gutis.borrow_mut();
            replaced.map(|guti| gutis.remove(&guti.tmsi()));
            if let Some(guti) = session.guti {
                gutis.entry(guti.tmsi()).and_modify(|taken| *taken = None).or_insert(Some(tag));
            }
        }
        Ok(answer)
    }

    async fn guti(&self, guti: Guti) -> Result<Option<Tag>, Fault> {
        Ok(self.gutis.borrow().get(&guti.tmsi()).copied().flatten())
    }

    async fn subscribers(&self) -> Result<Vec<SubscriberView>, Fault> {
        let owned = self.owned.borrow();
        let mut views: Vec<_> = owned.values().map(|owned| owned.subscriber.view()).collect();
        views.sort_by(|a, b| a.imsi.cmp(&b.imsi));
        Ok(views)
    }
}
