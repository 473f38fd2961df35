//! What the server remembers, in the standard's words (docs/data-model.md).
//!
//! A profile's record is replaced as a whole, and only when it still is the one
//! that the new one was made from. Whoever loses that race looks again. That is
//! the one rule by which a profile is handed out once and a retry counted once.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use rsp::{Eid, Iccid, MatchingId, TransactionId};
use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::outbox::{Outgoing, Settled};
use crate::profile::{Event, EventKind, Profile, ProfileState};
use crate::wire::text;

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub(crate) mod durable;
pub mod memory;
#[cfg(feature = "self-test")]
pub mod remote;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod shard;
pub mod suite;

/// How many profiles or events a page holds at most.
pub const MAX_PAGE: usize = 200;
/// How many links a page holds at most.
pub const MAX_LINKS: usize = 256;
/// How many messages that wait are kept in one place; the oldest go first.
pub const MAX_WAITING: usize = 10_000;
/// How many messages to the operator may wait of one profile; its oldest go first. An eUICC that
/// reports without end pushes out none but its own.
pub const MAX_WAITING_OF_ONE: usize = 256;
/// How many events the journal keeps in one place; the oldest go first.
pub const MAX_JOURNAL: usize = 4096;
/// How many profile types there can be.
pub const MAX_PROFILE_TYPES: usize = 200;

/// A record and the number of its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Counts the replacements. No two records of an ICCID ever have the same, also when
    /// one was removed in between.
    pub version: u64,
    /// The record.
    pub profile: Profile,
}

/// A profile package as it is kept: sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packages {
    /// The unprotected profile package, sealed.
    pub package: Vec<u8>,
    /// The protected profile package with its keys sealed, where there is one.
    pub protected: Option<Vec<u8>>,
    /// The key that all of it is sealed under.
    pub key_id: String,
}

/// A record that is to replace another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The next state, and in [`Profile::pending`] what goes with it.
    pub profile: Profile,
    /// A bound profile package that is to be kept with it from now on.
    pub bound: Option<Vec<u8>>,
    /// Packages that take the place of those there.
    pub packages: Option<Packages>,
}

impl Change {
    /// A change of the record alone.
    #[must_use]
    pub const fn of(profile: Profile) -> Self {
        Self { profile, bound: None, packages: None }
    }
}

/// What became of a new package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    New,
    /// It took the place of one that nobody had ordered.
    Replaced,
    /// Its ICCID has been ordered: nothing changed.
    InUse,
}

/// Which profiles a listing names: the latest change first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Only in this state.
    pub state: Option<ProfileState>,
    /// Only of this type.
    pub profile_type: Option<String>,
    /// Only for this eUICC.
    #[serde(with = "text::option", default)]
    pub eid: Option<Eid>,
    /// Only ICCIDs that begin like this.
    pub iccid_prefix: Option<String>,
    /// Only behind this one.
    pub after: Option<Place>,
    /// At most so many, and no more than [`MAX_PAGE`].
    pub most: usize,
}

impl Query {
    /// Whether a profile is one of those that are asked for.
    #[must_use]
    pub fn takes(&self, profile: &Profile) -> bool {
        let eid = profile.order.as_ref().and_then(|order| order.eid);
        self.state.is_none_or(|state| state == profile.state)
            && self.profile_type.as_ref().is_none_or(|wanted| profile.profile_type.as_ref() == Some(wanted))
            && self.eid.is_none_or(|wanted| eid == Some(wanted))
            && self.iccid_prefix.as_ref().is_none_or(|begin| profile.iccid.to_string().starts_with(begin))
            && self.after.as_ref().is_none_or(|after| Place::of(profile) < *after)
    }
}

/// The place of a profile in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// When it changed last, in seconds since 1970.
    pub changed: u64,
    /// Its ICCID.
    #[serde(with = "text")]
    pub iccid: Iccid,
}

impl Place {
    /// Where a profile stands.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        Self { changed: profile.changed(), iccid: profile.iccid }
    }
}

/// As a cursor of pages.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.changed, self.iccid)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (changed, iccid) = text.split_once('.').ok_or(())?;
        Ok(Self { changed: changed.parse().map_err(drop)?, iccid: iccid.parse().map_err(drop)? })
    }
}

/// Which events of the journal are wanted: the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalQuery {
    /// Only of these kinds; of all if empty.
    pub kinds: Vec<EventKind>,
    /// Only of this profile.
    #[serde(with = "text::option", default)]
    pub iccid: Option<Iccid>,
    /// Only behind this one.
    pub after: Option<JournalPlace>,
    /// At most so many, and no more than [`MAX_PAGE`].
    pub most: usize,
}

/// The place of an event in the journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JournalPlace {
    /// Seconds since 1970.
    pub at: u64,
    /// The profile.
    #[serde(with = "text")]
    pub iccid: Iccid,
    /// Its number where it is kept.
    pub number: u64,
}

/// As a cursor of pages.
impl fmt::Display for JournalPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.at, self.iccid, self.number)
    }
}

impl FromStr for JournalPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(());
        let (at, iccid, number) = (next()?, next()?, next()?);
        Ok(Self {
            at: at.parse().map_err(drop)?,
            iccid: iccid.parse().map_err(drop)?,
            number: number.parse().map_err(drop)?,
        })
    }
}

/// An event of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// Where it stands.
    pub place: JournalPlace,
    /// What happened.
    pub event: Event,
}

/// A profile that is found by the EID of its eUICC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Later links have a larger one.
    pub number: u64,
    /// The profile.
    #[serde(with = "text")]
    pub iccid: Iccid,
}

/// How an order stands that an EID leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The profile.
    #[serde(with = "text")]
    pub iccid: Iccid,
    /// Its state.
    pub state: ProfileState,
    /// Whether it has an order for this eUICC that is found by the EID: with an empty
    /// matching id.
    pub is_led_to: bool,
}

/// How much there is of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Profiles by state.
    pub states: BTreeMap<ProfileState, u64>,
    /// Events since the beginning, by kind.
    pub events: BTreeMap<EventKind, u64>,
    /// Messages that wait.
    pub waiting: u64,
    /// Profiles whose packages are sealed under another key than the present one.
    pub sealed_otherwise: u64,
    /// Profile types whose templates are.
    #[serde(default)]
    pub templates_sealed_otherwise: u64,
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        for (state, count) in &other.states {
            *self.states.entry(*state).or_default() += count;
        }
        for (kind, count) in &other.events {
            *self.events.entry(*kind).or_default() += count;
        }
        self.waiting += other.waiting;
        self.sealed_otherwise += other.sealed_otherwise;
        self.templates_sealed_otherwise += other.templates_sealed_otherwise;
    }
}

/// A profile type as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredProfileType {
    /// 1 to 64 bytes.
    pub name: String,
    /// What it says of itself, in JSON.
    pub record: String,
    /// The template, sealed.
    pub package: Option<rsp::es9::Base64>,
    /// The key that it is sealed under; empty where there is none, or it is not known.
    #[serde(default)]
    pub key_id: String,
}

/// The server's memory.
///
/// Every method either happens as a whole or returns a [`Fault`]; after a fault
/// it may or may not have happened.
#[expect(async_fn_in_trait, reason = "single-threaded platforms; no caller needs `Send` futures")]
pub trait Store {
    /// Keeps a profile and its sealed package. A repeat replaces both while the
    /// profile is `Available`, and is [`Added::InUse`] afterwards.
    async fn add_profile(&self, profile: &Profile, packages: &Packages) -> Result<Added, Fault>;

    /// The record of a profile.
    async fn profile(&self, iccid: &Iccid) -> Result<Option<Stored>, Fault>;

    /// The sealed packages of a profile, until it is `Deleted` or `Unavailable`.
    async fn packages(&self, iccid: &Iccid) -> Result<Option<Packages>, Fault>;

    /// The bound profile package kept last, as long as it can be of use.
    async fn bound_profile_package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault>;

    /// Replaces a record that still has `version`, and takes over what is
    /// [`Profile::pending`] with it; a message to the operator is not due before those of
    /// the same profile that wait. `false`: it has another version or is absent, and
    /// nothing changed. So a repeat is `false`.
    async fn replace(&self, version: u64, change: &Change) -> Result<bool, Fault>;

    /// Forgets a profile that still has `version`. `false` as in [`Store::replace`].
    async fn remove(&self, version: u64, iccid: &Iccid) -> Result<bool, Fault>;

    /// Up to `most` profiles of a type that are `Available`; `from`, any number, says
    /// where to begin to look, so that not everybody finds the same one.
    async fn available(&self, profile_type: &str, from: u8, most: usize) -> Result<Vec<Iccid>, Fault>;

    /// Whether there is a profile of this type, in any state.
    async fn has_type(&self, profile_type: &str) -> Result<bool, Fault>;

    /// A page of profiles.
    async fn list(&self, query: &Query) -> Result<Vec<Profile>, Fault>;

    /// A page of the journal.
    async fn journal(&self, query: &JournalQuery) -> Result<Vec<Logged>, Fault>;

    /// How much there is; `key_id` is the present key for sealing.
    async fn tally(&self, key_id: &str) -> Result<Tally, Fault>;

    /// Up to `most` profiles whose order has ended by itself at `now`.
    async fn expired(&self, now: u64, most: usize) -> Result<Vec<Iccid>, Fault>;

    /// Up to `most` profiles whose packages are sealed under another key.
    async fn sealed_otherwise(&self, key_id: &str, most: usize) -> Result<Vec<Iccid>, Fault>;

    /// Up to `most` profile types whose templates are sealed under another key, by name.
    async fn templates_sealed_otherwise(&self, key_id: &str, most: usize) -> Result<Vec<String>, Fault>;

    /// Up to `most` messages that are due at `now`, the most overdue first; with
    /// `now` the largest number: that wait.
    async fn due(&self, now: u64, most: usize) -> Result<Vec<Outgoing>, Fault>;

    /// What became of a message. When one to the operator is to be sent again, those
    /// of the same profile behind it wait as long. Of one that is gone: nothing changes.
    async fn settle(&self, message: &Outgoing, settled: &Settled) -> Result<(), Fault>;

    /// Keeps a profile type; `true`: it is new. `None`: there are too many.
    async fn put_profile_type(&self, profile_type: &StoredProfileType) -> Result<Option<bool>, Fault>;

    /// A profile type.
    async fn profile_type(&self, name: &str) -> Result<Option<StoredProfileType>, Fault>;

    /// Puts `after` in the place of a template that still is `before`, sealed under the key
    /// `key_id`. `false`: it is another one or absent, and nothing changed.
    async fn replace_template(
        &self,
        name: &str,
        before: &[u8],
        after: &[u8],
        key_id: &str,
    ) -> Result<bool, Fault>;

    /// All profile types by name, without their templates.
    async fn profile_types(&self) -> Result<Vec<StoredProfileType>, Fault>;

    /// Forgets a profile type; `false`: there is none.
    async fn remove_profile_type(&self, name: &str) -> Result<bool, Fault>;

    /// Takes a matching id for a profile unless another one has it; returns the
    /// profile that has it now. A repeat returns the same.
    async fn claim_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<Iccid, Fault>;

    /// Gives a matching id up, when this profile has it. A repeat changes nothing.
    async fn release_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<(), Fault>;

    /// The profile that has a matching id.
    async fn matching_id(&self, id: &MatchingId) -> Result<Option<Iccid>, Fault>;

    /// Whether a matching id that the server draws is a good one for this profile, where the
    /// store keeps things apart: then an order is found by its matching id at once. About one
    /// of sixteen must be.
    fn suits(&self, _id: &MatchingId, _iccid: &Iccid) -> bool {
        true
    }

    /// Notes that a profile is found by the EID of its eUICC. A repeat changes nothing.
    async fn link(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault>;

    /// Forgets [`Store::link`]. A repeat changes nothing.
    async fn unlink(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault>;

    /// A page of the profiles linked to an eUICC, at most [`MAX_LINKS`], the first linked
    /// first: those behind the link `after`, 0 for the first page.
    async fn linked(&self, eid: &Eid, after: u64) -> Result<Vec<Link>, Fault>;

    /// How those of the profiles stand that there are, in any order: of a page of links, in
    /// one go.
    async fn standing(&self, eid: &Eid, iccids: &[Iccid]) -> Result<Vec<Standing>, Fault>;

    /// Notes which profile a call of ES2+ chose, in the place of `instead_of` or of
    /// nothing; kept until `expires`. Returns the one that it has chosen now: another
    /// one when something else was noted.
    async fn remember_call(
        &self,
        id: &str,
        iccid: &Iccid,
        instead_of: Option<&Iccid>,
        expires: u64,
    ) -> Result<Iccid, Fault>;

    /// The profile that a call chose.
    async fn call(&self, id: &str) -> Result<Option<Iccid>, Fault>;

    /// Marks a transaction id as used, by a session for this profile or for none.
    /// `false`: it was used before, and nothing changed. May be forgotten after
    /// `expires`.
    async fn begin_session(
        &self,
        id: &TransactionId,
        iccid: Option<&Iccid>,
        expires: u64,
    ) -> Result<bool, Fault>;

    /// The profile that a session is for.
    async fn session(&self, id: &TransactionId) -> Result<Option<Iccid>, Fault>;
}
