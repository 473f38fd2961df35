//! Subscribers in memory, for tests and for other programs' tests: the clock and the
//! chance are the caller's.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use rsp::Imsi;

use super::Store;
use crate::gateway::audit;
use crate::identity::Guti;
use crate::pcf::outbox::{self, Cores, Departed};
use crate::policy::history::{Entry, Proposal, Versions};
use crate::policy::{Policy, Version};
use crate::refusal::{Fault, Refusal};
use crate::router::Link;
use crate::service::{Answer, Chance, Line, Owned, Record, Request, Timestamp, perform};
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
    gutis: RefCell<HashMap<[u8; 4], Option<Tag>>>,
    departed: RefCell<HashMap<Tag, Departed>>,
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
            gutis: RefCell::default(),
            departed: RefCell::default(),
        }
    }

    /// Sends the notices that are due, each subscriber's one after the other: what its alarm does to an object at
    /// the edge. How many there were.
    pub async fn deliver(&self, link: &impl Link, cores: &Cores) -> usize {
        let mut sent = 0;
        let mut tags: Vec<Tag> = self.owned.borrow().keys().copied().collect();
        tags.extend(self.departed.borrow().keys().copied());
        tags.sort_by_key(|tag| tag.bytes());
        tags.dedup();
        for tag in tags {
            while let Some(letter) =
                self.with_outbox(tag, |line, departed| outbox::due(line, departed, (self.clock)()))
            {
                sent += 1;
                let outcome = outbox::deliver(link, cores, &letter).await;
                let now = (self.clock)();
                let verdict = self
                    .with_outbox(tag, |line, departed| outbox::settle(line, departed, &letter, outcome, now));
                audit::keep(self.verdicts.borrow_mut().entry(tag).or_default(), verdict);
            }
        }
        sent
    }

    fn with_outbox<T>(&self, tag: Tag, work: impl FnOnce(Option<&mut Line>, &mut Departed) -> T) -> T {
        let mut owned = self.owned.borrow_mut();
        let mut departed = self.departed.borrow_mut();
        work(owned.get_mut(&tag).map(|owned| &mut owned.line), departed.entry(tag).or_default())
    }
}

impl Store for Memory {
    async fn ask(&self, tag: Tag, request: Request) -> Result<Result<Answer, Refusal>, Fault> {
        let policy = self.policy().await?;
        let mut bytes = [0; Chance::LEN];
        // A renewal leaves nothing to chance.
        if !matches!(request, Request::Renew) {
            (self.chance.borrow_mut())(&mut bytes);
        }
        let mut owned = self.owned.borrow_mut();
        let mut slot = owned.remove(&tag);
        let mut departed = self.departed.borrow_mut();
        let departed = departed.entry(tag).or_default();
        let answer = perform(&mut slot, departed, request, (self.clock)(), bytes.into(), &policy);
        if let Some(mut kept) = slot {
            audit::keep(self.verdicts.borrow_mut().entry(tag).or_default(), kept.line.take_verdicts());
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

    async fn audit(&self, tag: Tag, wanted: &audit::Wanted) -> Result<audit::Page, Fault> {
        let verdicts = self.verdicts.borrow();
        let newest_first = verdicts.get(&tag).into_iter().flatten().rev().cloned().map(Ok);
        audit::Page::of(newest_first, wanted)
    }

    async fn guti(&self, guti: Guti) -> Result<Option<Tag>, Fault> {
        Ok(self.gutis.borrow().get(&guti.tmsi()).copied().flatten())
    }

    async fn subscribers(&self, after: &str, most: usize) -> Result<Vec<SubscriberView>, Fault> {
        let owned = self.owned.borrow();
        let behind = owned.values().filter(|owned| owned.subscriber.imsi.as_str() > after);
        let mut views: Vec<_> = behind.map(|owned| owned.subscriber.view()).collect();
        views.sort_by(|a, b| a.imsi.cmp(&b.imsi));
        views.truncate(most);
        Ok(views)
    }

    async fn export(&self, imsi: Imsi) -> Result<Option<Record>, Fault> {
        let owned = self.owned.borrow();
        let found = owned.get(&Tag::of(&imsi)).filter(|owned| owned.subscriber.imsi == imsi);
        Ok(found.and_then(Owned::exported))
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
        let accepted = self.policies.borrow_mut().add(&proposal, (self.clock)());
        if accepted.is_ok() {
            let open: Vec<Tag> = {
                let owned = self.owned.borrow();
                let open = owned.iter().filter(|(_, owned)| !owned.line.associations.is_empty());
                open.map(|(tag, _)| *tag).collect()
            };
            for tag in open {
                let _ = self.ask(tag, Request::Renew).await?;
            }
        }
        Ok(accepted)
    }
}
