//! The store in memory, for tests and for one process.

use core::cell::RefCell;
use core::cmp::Reverse;
use std::collections::BTreeMap;

use rsp::es9::Base64;
use rsp::{Eid, Iccid, MatchingId, TransactionId};

use super::{
    Added, Change, JournalPlace, JournalQuery, Link, Logged, MAX_JOURNAL, MAX_LINKS, MAX_PAGE,
    MAX_PROFILE_TYPES, MAX_WAITING, MAX_WAITING_OF_ONE, Packages, Place, Query, Standing, Store, Stored,
    StoredProfileType, Tally,
};
use crate::Fault;
use crate::outbox::{Message, Outgoing, Settled};
use crate::profile::{Event, EventKind, Pending, Profile, ProfileState};

/// Everything in maps; gone when dropped. No method waits, so that none is ever
/// half done.
#[derive(Default)]
pub struct Memory {
    tables: RefCell<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    profiles: BTreeMap<Iccid, Row>,
    /// What versions begin with: above those of all records that were removed.
    versions: u64,
    journal: BTreeMap<u64, (Iccid, Event)>,
    events: BTreeMap<EventKind, u64>,
    outbox: BTreeMap<u64, Outgoing>,
    /// Numbers journal, outbox and links.
    number: u64,
    profile_types: BTreeMap<String, StoredProfileType>,
    matching_ids: BTreeMap<MatchingId, Iccid>,
    links: BTreeMap<Eid, Vec<Link>>,
    calls: BTreeMap<String, Iccid>,
    sessions: BTreeMap<TransactionId, Option<Iccid>>,
}

#[derive(Debug)]
struct Row {
    version: u64,
    profile: Profile,
    packages: Packages,
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

    /// All that there is but the transaction ids that have been used, as text: equal
    /// while nothing has changed.
    #[must_use]
    pub fn snapshot(&self) -> String {
        let Tables {
            profiles,
            versions,
            journal,
            events,
            outbox,
            number,
            profile_types,
            matching_ids,
            links,
            calls,
            sessions: _,
        } = &*self.tables.borrow();
        format!(
            "{profiles:?}\n{versions}\n{journal:?}\n{events:?}\n{outbox:?}\n{number}\n{profile_types:?}\n\
             {matching_ids:?}\n{links:?}\n{calls:?}"
        )
    }

    /// How many matching ids and EIDs lead to a profile.
    #[must_use]
    pub fn leads(&self) -> (usize, usize) {
        let tables = self.tables.borrow();
        (tables.matching_ids.len(), tables.links.len())
    }

    fn row<T>(&self, iccid: &Iccid, read: impl FnOnce(&Row) -> T) -> Option<T> {
        self.tables.borrow().profiles.get(iccid).map(read)
    }
}

impl Tables {
    /// Takes over what goes with a change.
    fn keep(&mut self, iccid: Iccid, pending: &Pending, now: u64) {
        for event in &pending.journal {
            self.number += 1;
            self.journal.insert(self.number, (iccid, event.clone()));
            *self.events.entry(event.event).or_default() += 1;
        }
        for message in &pending.messages {
            self.number += 1;
            // To the operator: behind those of the same profile that wait.
            let before = self.outbox.values().filter(|other| {
                message.is_for_operator() && other.message.is_for_operator() && other.iccid == iccid
            });
            let due = before.map(|other| other.due).max().unwrap_or(0).max(now).max(message.not_before());
            self.outbox.insert(self.number, outgoing(self.number, iccid, message, due));
        }
        while self.journal.len() > MAX_JOURNAL {
            self.journal.pop_first();
        }
        let of_one = self.outbox.iter().filter(|(_, m)| m.iccid == iccid && m.message.is_for_operator());
        let of_one: Vec<u64> = of_one.map(|(number, _)| *number).collect();
        for oldest in of_one.iter().rev().skip(MAX_WAITING_OF_ONE) {
            self.outbox.remove(oldest);
        }
        while self.outbox.len() > MAX_WAITING {
            self.outbox.pop_first();
        }
    }
}

fn outgoing(number: u64, iccid: Iccid, message: &Message, due: u64) -> Outgoing {
    Outgoing { id: number.to_string(), iccid, message: message.clone(), attempts: 0, due, last_error: None }
}

fn is_sealed_otherwise(profile_type: &StoredProfileType, key_id: &str) -> bool {
    profile_type.package.is_some() && profile_type.key_id != key_id
}

fn without_pending(profile: &Profile) -> Profile {
    Profile { pending: Pending::default(), ..profile.clone() }
}

impl Store for Memory {
    async fn add_profile(&self, profile: &Profile, packages: &Packages) -> Result<Added, Fault> {
        let mut tables = self.tables.borrow_mut();
        let there = tables.profiles.get(&profile.iccid);
        if there.is_some_and(|row| row.profile.state != ProfileState::Available) {
            return Ok(Added::InUse);
        }
        let version = there.map_or(tables.versions, |row| row.version + 1);
        let mut new = without_pending(profile);
        if let Some(row) = there {
            new.succeed(row.profile.clone());
        }
        let row = Row { version, profile: new, packages: packages.clone(), bound: None };
        let added =
            if tables.profiles.insert(profile.iccid, row).is_none() { Added::New } else { Added::Replaced };
        tables.keep(profile.iccid, &profile.pending, profile.changed());
        Ok(added)
    }

    async fn profile(&self, iccid: &Iccid) -> Result<Option<Stored>, Fault> {
        Ok(self.row(iccid, |row| Stored { version: row.version, profile: row.profile.clone() }))
    }

    async fn packages(&self, iccid: &Iccid) -> Result<Option<Packages>, Fault> {
        let kept = |row: &Row| row.profile.state.keeps_package().then(|| row.packages.clone());
        Ok(self.row(iccid, kept).flatten())
    }

    async fn bound_profile_package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.row(iccid, |row| row.bound.clone()).flatten())
    }

    async fn replace(&self, version: u64, change: &Change) -> Result<bool, Fault> {
        let mut tables = self.tables.borrow_mut();
        let iccid = change.profile.iccid;
        let Some(row) = tables.profiles.get_mut(&iccid).filter(|row| row.version == version) else {
            return Ok(false);
        };
        row.version += 1;
        row.profile = without_pending(&change.profile);
        if change.bound.is_some() {
            row.bound.clone_from(&change.bound);
        }
        if !row.profile.state.keeps_bound_package() {
            row.bound = None;
        }
        if let Some(packages) = &change.packages {
            row.packages = packages.clone();
        }
        if !row.profile.state.keeps_package() {
            row.packages = Packages { key_id: row.packages.key_id.clone(), ..Packages::default() };
        }
        tables.keep(iccid, &change.profile.pending, change.profile.changed());
        Ok(true)
    }

    async fn remove(&self, version: u64, iccid: &Iccid) -> Result<bool, Fault> {
        let mut tables = self.tables.borrow_mut();
        let there = tables.profiles.get(iccid).is_some_and(|row| row.version == version);
        if there {
            tables.profiles.remove(iccid);
            tables.versions = tables.versions.max(version + 1);
        }
        Ok(there)
    }

    async fn available(&self, profile_type: &str, from: u8, most: usize) -> Result<Vec<Iccid>, Fault> {
        let tables = self.tables.borrow();
        let wanted = tables.profiles.values().filter(|row| {
            row.profile.state == ProfileState::Available
                && row.profile.profile_type.as_deref() == Some(profile_type)
        });
        let mut found: Vec<Iccid> = wanted.map(|row| row.profile.iccid).collect();
        let begin = usize::from(from).checked_rem(found.len()).unwrap_or(0);
        found.rotate_left(begin);
        found.truncate(most);
        Ok(found)
    }

    async fn has_type(&self, profile_type: &str) -> Result<bool, Fault> {
        let of_type = |row: &Row| row.profile.profile_type.as_deref() == Some(profile_type);
        Ok(self.tables.borrow().profiles.values().any(of_type))
    }

    async fn list(&self, query: &Query) -> Result<Vec<Profile>, Fault> {
        let tables = self.tables.borrow();
        let all = tables.profiles.values().map(|row| &row.profile);
        let mut found: Vec<&Profile> = all.filter(|profile| query.takes(profile)).collect();
        found.sort_by_key(|profile| Reverse(Place::of(profile)));
        Ok(found.into_iter().take(query.most.min(MAX_PAGE)).cloned().collect())
    }

    async fn journal(&self, query: &JournalQuery) -> Result<Vec<Logged>, Fault> {
        let tables = self.tables.borrow();
        let wanted = |logged: &Logged| {
            (query.kinds.is_empty() || query.kinds.contains(&logged.event.event))
                && query.iccid.is_none_or(|iccid| iccid == logged.place.iccid)
                && query.after.as_ref().is_none_or(|after| logged.place < *after)
        };
        let logged = |(number, (iccid, event)): (&u64, &(Iccid, Event))| Logged {
            place: JournalPlace { at: event.at, iccid: *iccid, number: *number },
            event: event.clone(),
        };
        let mut found: Vec<Logged> = tables.journal.iter().map(logged).filter(wanted).collect();
        found.sort_by(|one, other| other.place.cmp(&one.place));
        found.truncate(query.most.min(MAX_PAGE));
        Ok(found)
    }

    async fn tally(&self, key_id: &str) -> Result<Tally, Fault> {
        let tables = self.tables.borrow();
        let mut tally = Tally { events: tables.events.clone(), ..Tally::default() };
        for row in tables.profiles.values() {
            *tally.states.entry(row.profile.state).or_default() += 1;
            tally.sealed_otherwise += u64::from(row.packages.key_id != key_id);
        }
        tally.waiting = tables.outbox.len() as u64;
        let templates = tables.profile_types.values().filter(|kept| is_sealed_otherwise(kept, key_id));
        tally.templates_sealed_otherwise = templates.count() as u64;
        Ok(tally)
    }

    async fn expired(&self, now: u64, most: usize) -> Result<Vec<Iccid>, Fault> {
        let tables = self.tables.borrow();
        let over = |row: &&Row| row.profile.expires().is_some_and(|expires| expires < now);
        Ok(tables.profiles.values().filter(over).take(most).map(|row| row.profile.iccid).collect())
    }

    async fn sealed_otherwise(&self, key_id: &str, most: usize) -> Result<Vec<Iccid>, Fault> {
        let tables = self.tables.borrow();
        let otherwise = |row: &&Row| row.packages.key_id != key_id;
        Ok(tables.profiles.values().filter(otherwise).take(most).map(|row| row.profile.iccid).collect())
    }

    async fn templates_sealed_otherwise(&self, key_id: &str, most: usize) -> Result<Vec<String>, Fault> {
        let tables = self.tables.borrow();
        let otherwise = tables.profile_types.values().filter(|kept| is_sealed_otherwise(kept, key_id));
        Ok(otherwise.take(most).map(|kept| kept.name.clone()).collect())
    }

    async fn due(&self, now: u64, most: usize) -> Result<Vec<Outgoing>, Fault> {
        let tables = self.tables.borrow();
        let mut due: Vec<&Outgoing> = tables.outbox.values().filter(|message| message.due <= now).collect();
        due.sort_by_key(|message| message.due);
        Ok(due.into_iter().take(most).cloned().collect())
    }

    async fn settle(&self, message: &Outgoing, settled: &Settled) -> Result<(), Fault> {
        let outbox = &mut self.tables.borrow_mut().outbox;
        let Ok(number) = message.id.parse::<u64>() else { return Ok(()) };
        match settled {
            Settled::Acknowledged => {
                outbox.remove(&number);
            }
            Settled::Again { due, because } => {
                if let Some(kept) = outbox.get_mut(&number) {
                    kept.attempts += 1;
                    kept.due = *due;
                    kept.last_error = Some(because.clone());
                }
                let behind = outbox.range_mut(number + 1..).map(|(_, other)| other);
                for other in behind.filter(|other| {
                    other.iccid == message.iccid
                        && message.message.is_for_operator()
                        && other.message.is_for_operator()
                }) {
                    other.due = other.due.max(*due);
                }
            }
        }
        Ok(())
    }

    async fn put_profile_type(&self, profile_type: &StoredProfileType) -> Result<Option<bool>, Fault> {
        let types = &mut self.tables.borrow_mut().profile_types;
        let new = !types.contains_key(&profile_type.name);
        if new && types.len() >= MAX_PROFILE_TYPES {
            return Ok(None);
        }
        types.insert(profile_type.name.clone(), profile_type.clone());
        Ok(Some(new))
    }

    async fn profile_type(&self, name: &str) -> Result<Option<StoredProfileType>, Fault> {
        Ok(self.tables.borrow().profile_types.get(name).cloned())
    }

    async fn replace_template(
        &self,
        name: &str,
        before: &[u8],
        after: &[u8],
        key_id: &str,
    ) -> Result<bool, Fault> {
        let types = &mut self.tables.borrow_mut().profile_types;
        let is_same =
            |kept: &&mut StoredProfileType| kept.package.as_ref().is_some_and(|package| package.0 == before);
        let Some(kept) = types.get_mut(name).filter(is_same) else { return Ok(false) };
        kept.package = Some(Base64(after.to_vec()));
        key_id.clone_into(&mut kept.key_id);
        Ok(true)
    }

    async fn profile_types(&self) -> Result<Vec<StoredProfileType>, Fault> {
        let tables = self.tables.borrow();
        let bare = |kept: &StoredProfileType| StoredProfileType { package: None, ..kept.clone() };
        Ok(tables.profile_types.values().map(bare).collect())
    }

    async fn remove_profile_type(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.tables.borrow_mut().profile_types.remove(name).is_some())
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
        let Tables { links, number, .. } = &mut *self.tables.borrow_mut();
        let linked = links.entry(*eid).or_default();
        if !linked.iter().any(|link| link.iccid == *iccid) {
            *number += 1;
            linked.push(Link { number: *number, iccid: *iccid });
        }
        Ok(())
    }

    async fn unlink(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault> {
        let links = &mut self.tables.borrow_mut().links;
        if let Some(linked) = links.get_mut(eid) {
            linked.retain(|other| other.iccid != *iccid);
            if linked.is_empty() {
                links.remove(eid);
            }
        }
        Ok(())
    }

    async fn linked(&self, eid: &Eid, after: u64) -> Result<Vec<Link>, Fault> {
        let tables = self.tables.borrow();
        let linked = tables.links.get(eid).into_iter().flatten();
        Ok(linked.filter(|link| link.number > after).take(MAX_LINKS).copied().collect())
    }

    async fn standing(&self, eid: &Eid, iccids: &[Iccid]) -> Result<Vec<Standing>, Fault> {
        let tables = self.tables.borrow();
        let standing = |iccid: &Iccid| {
            let profile = &tables.profiles.get(iccid)?.profile;
            let is_led_to = profile.order.as_ref().is_some_and(|order| {
                order.eid == Some(*eid) && order.matching_id.as_ref().is_some_and(MatchingId::is_empty)
            });
            Some(Standing { iccid: *iccid, state: profile.state, is_led_to })
        };
        Ok(iccids.iter().filter_map(standing).collect())
    }

    async fn remember_call(
        &self,
        id: &str,
        iccid: &Iccid,
        instead_of: Option<&Iccid>,
        _expires: u64,
    ) -> Result<Iccid, Fault> {
        let calls = &mut self.tables.borrow_mut().calls;
        let chosen = calls.entry(id.to_owned()).or_insert(*iccid);
        if Some(&*chosen) == instead_of {
            *chosen = *iccid;
        }
        Ok(*chosen)
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
