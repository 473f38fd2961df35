//! Subscribers in memory, for tests and for other programs' tests: the clock and the
//! chance are the caller's.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::Store;
use crate::gateway::audit;
use crate::policy::history::{Entry, Proposal, Versions};
use crate::policy::{Policy, Version};
use crate::refusal::{Fault, Refusal};
use crate::service::{Answer, Chance, Owned, Request, Timestamp, perform};
use crate::subscriber::{SubscriberView, Tag};

/// Fills bytes at random.
type Fill = Box<dyn FnMut(&mut [u8])>;

/// A store that forgets.
pub struct Memory {
    policies: RefCell<Versions>,
    clock: Box<dyn Fn() -> Timestamp>,
    chance: RefCell<Fill>,
    owned: RefCell<HashMap<Tag, Owned>>,
    verdicts: RefCell<HashMap<Tag, VecDeque<audit::Verdict>>>,
}

impl Memory {
    /// An empty store that decides by `first` until it is told otherwise. `clock` says the time, `chance` fills bytes at random.
    #[must_use]
    pub fn new(
        first: Policy,
        clock: impl Fn() -> Timestamp + 'static,
        chance: impl FnMut(&mut [u8]) + 'static,
    ) -> Self {
        Self {
            policies: RefCell::new(Versions::new(first)),
            clock: Box::new(clock),
            chance: RefCell::new(Box::new(chance)),
            owned: RefCell::default(),
            verdicts: RefCell::default(),
        }
    }
}

impl Store for Memory {
    async fn ask(&self, tag: Tag, request: Request) -> Result<Result<Answer, Refusal>, Fault> {
        let policy = self.policy().await?;
        let mut bytes = [0; Chance::LEN];
        (self.chance.borrow_mut())(&mut bytes);
        let mut owned = self.owned.borrow_mut();
        let mut slot = owned.remove(&tag);
        let answer = perform(&mut slot, request, (self.clock)(), bytes.into(), &policy);
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

    async fn policy(&self) -> Result<Rc<Policy>, Fault> {
        let none = || Fault("the current policy is not kept".to_owned());
        self.policies.borrow().current().ok_or_else(none)
    }

    async fn policy_of(&self, version: Version) -> Result<Option<Rc<Policy>>, Fault> {
        Ok(self.policies.borrow().of(version))
    }

    async fn policies(&self) -> Result<Vec<Entry>, Fault> {
        Ok(self.policies.borrow().entries())
    }

    async fn propose(&self, proposal: Proposal) -> Result<Result<Entry, Refusal>, Fault> {
        Ok(self.policies.borrow_mut().add(proposal, (self.clock)()))
    }
}
