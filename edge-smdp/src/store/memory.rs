//! The store in memory, for tests and for one process.

use core::cell::RefCell;
use std::collections::BTreeMap;

use rsp::{Eid, Iccid, MatchingId, TransactionId};

use super::{Added, Change, MAX_LISTED, Store, Stored};
use crate::Fault;
use crate::profile::{Profile, ProfileState};

/// Everything in maps; gone when dropped. No method waits, so that none is ever
/// half done.
#[derive(Default)]
pub struct Memory {
    tables: RefCell<Tables>,
}

#[derive(Default)]
struct Tables {
    profiles: BTreeMap<Iccid, Row>,
    matching_ids: BTreeMap<MatchingId, Iccid>,
    links: BTreeMap<Eid, Vec<Iccid>>,
    calls: BTreeMap<String, Iccid>,
    sessions: BTreeMap<TransactionId, Option<Iccid>>,
}

struct Row {
    version: u64,
    profile: Profile,
    package: Vec<u8>,
    bound: Option<Vec<u8>>,
}

impl Memory {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many transaction ids have been used: what strangers could fill.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.tables.borrow().sessions.len()
    }

    fn row<T>(&self, iccid: &Iccid, read: impl FnOnce(&Row) -> T) -> Option<T> {
        self.tables.borrow().profiles.get(iccid).map(read)
    }
}

impl Store for Memory {
    async fn add_profile(&self, profile: &Profile, package: &[u8]) -> Result<Added, Fault> {
        let profiles = &mut self.tables.borrow_mut().profiles;
        let there = profiles.get(&profile.iccid);
        if there.is_some_and(|row| row.profile.state != ProfileState::Available) {
            return Ok(Added::InUse);
        }
        let version = there.map_or(0, |row| row.version + 1);
        let row = Row { version, profile: profile.clone(), package: package.to_vec(), bound: None };
        Ok(if profiles.insert(profile.iccid, row).is_none() { Added::New } else { Added::Replaced })
    }

    async fn profile(&self, iccid: &Iccid) -> Result<Option<Stored>, Fault> {
        Ok(self.row(iccid, |row| Stored { version: row.version, profile: row.profile.clone() }))
    }

    async fn package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.row(iccid, |row| row.package.clone()))
    }

    async fn bound_profile_package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.row(iccid, |row| row.bound.clone()).flatten())
    }

    async fn replace(&self, version: u64, change: &Change) -> Result<bool, Fault> {
        let profiles = &mut self.tables.borrow_mut().profiles;
        let Some(row) = profiles.get_mut(&change.profile.iccid).filter(|row| row.version == version) else {
            return Ok(false);
        };
        row.version += 1;
        row.profile = change.profile.clone();
        if change.bound.is_some() {
            row.bound.clone_from(&change.bound);
        }
        Ok(true)
    }

    async fn available(&self, profile_type: &str, most: usize) -> Result<Vec<Iccid>, Fault> {
        let tables = self.tables.borrow();
        let wanted = tables.profiles.values().filter(|row| {
            row.profile.state == ProfileState::Available
                && row.profile.profile_type.as_deref() == Some(profile_type)
        });
        Ok(wanted.take(most).map(|row| row.profile.iccid).collect())
    }

    async fn profiles(&self) -> Result<Vec<Profile>, Fault> {
        let tables = self.tables.borrow();
        Ok(tables.profiles.values().take(MAX_LISTED).map(|row| row.profile.clone()).collect())
    }

    async fn claim_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<Iccid, Fault> {
        Ok(*self.tables.borrow_mut().matching_ids.entry(id.clone()).or_insert(*iccid))
    }

    async fn release_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<(), Fault> {
        let ids = &mut self.tables.borrow_mut().matching_ids;
        if ids.get(id) == Some(iccid) {
            ids.remove(id);
        }
        Ok(())
    }

    async fn matching_id(&self, id: &MatchingId) -> Result<Option<Iccid>, Fault> {
        Ok(self.tables.borrow().matching_ids.get(id).copied())
    }

    async fn link(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault> {
        let mut tables = self.tables.borrow_mut();
        let linked = tables.links.entry(*eid).or_default();
        if !linked.contains(iccid) {
            linked.push(*iccid);
        }
        Ok(())
    }

    async fn unlink(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault> {
        if let Some(linked) = self.tables.borrow_mut().links.get_mut(eid) {
            linked.retain(|other| other != iccid);
        }
        Ok(())
    }

    async fn linked(&self, eid: &Eid) -> Result<Vec<Iccid>, Fault> {
        let tables = self.tables.borrow();
        Ok(tables.links.get(eid).map(|list| list.iter().take(64).copied().collect()).unwrap_or_default())
    }

    async fn remember_call(&self, id: &str, iccid: &Iccid, _expires: u64) -> Result<(), Fault> {
        self.tables.borrow_mut().calls.insert(id.to_owned(), *iccid);
        Ok(())
    }

    async fn call(&self, id: &str) -> Result<Option<Iccid>, Fault> {
        Ok(self.tables.borrow().calls.get(id).copied())
    }

    async fn begin_session(
        &self,
        id: &TransactionId,
        iccid: Option<&Iccid>,
        _expires: u64,
    ) -> Result<bool, Fault> {
        let sessions = &mut self.tables.borrow_mut().sessions;
        if sessions.contains_key(id) {
            return Ok(false);
        }
        sessions.insert(id.clone(), iccid.copied());
        Ok(true)
    }

    async fn session(&self, id: &TransactionId) -> Result<Option<Iccid>, Fault> {
        Ok(self.tables.borrow().sessions.get(id).copied().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_promises_of_a_store() {
        rsp_crypto::ready(crate::store::suite::run(&Memory::new(), 1)).unwrap();
    }
}
