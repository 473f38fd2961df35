//! What the server remembers, in the standard's words.
//!
//! A profile's record is replaced as a whole, and only when it still is the one
//! that the new one was made from. Whoever loses that race looks again. That is
//! the one rule by which a profile is handed out once and a retry counted once.

use rsp::{Eid, Iccid, MatchingId, TransactionId};

use crate::Fault;
use crate::profile::Profile;

#[cfg(target_arch = "wasm32")]
pub(crate) mod durable;
pub mod memory;
pub mod suite;

/// How many profiles a listing names at most.
pub const MAX_LISTED: usize = 1000;

/// A record and the number of its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Counts the replacements.
    pub version: u64,
    /// The record.
    pub profile: Profile,
}

/// A record that is to replace another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The next state.
    pub profile: Profile,
    /// A bound profile package that is to be kept with it from now on.
    pub bound: Option<Vec<u8>>,
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

/// The server's memory.
///
/// Every method either happens as a whole or returns a [`Fault`]; after a fault
/// it may or may not have happened.
#[expect(async_fn_in_trait, reason = "single-threaded platforms; no caller needs `Send` futures")]
pub trait Store {
    /// Keeps a profile and its sealed package. A repeat replaces both while the
    /// profile is `Available`, and is [`Added::InUse`] afterwards.
    async fn add_profile(&self, profile: &Profile, package: &[u8]) -> Result<Added, Fault>;

    /// The record of a profile.
    async fn profile(&self, iccid: &Iccid) -> Result<Option<Stored>, Fault>;

    /// The sealed package of a profile.
    async fn package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault>;

    /// The bound profile package kept last.
    async fn bound_profile_package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault>;

    /// Replaces a record that still has `version`. `false`: it has another one or
    /// is absent, and nothing changed. So a repeat is `false`.
    async fn replace(&self, version: u64, change: &Change) -> Result<bool, Fault>;

    /// Up to `most` profiles of a type that are `Available`.
    async fn available(&self, profile_type: &str, most: usize) -> Result<Vec<Iccid>, Fault>;

    /// Up to [`MAX_LISTED`] profiles, by ICCID.
    async fn profiles(&self) -> Result<Vec<Profile>, Fault>;

    /// Takes a matching id for a profile unless another one has it; returns the
    /// profile that has it now. A repeat returns the same.
    async fn claim_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<Iccid, Fault>;

    /// Gives a matching id up, when this profile has it. A repeat changes nothing.
    async fn release_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<(), Fault>;

    /// The profile that has a matching id.
    async fn matching_id(&self, id: &MatchingId) -> Result<Option<Iccid>, Fault>;

    /// Notes that a profile is meant for an eUICC. A repeat changes nothing.
    async fn link(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault>;

    /// Forgets [`Store::link`]. A repeat changes nothing.
    async fn unlink(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault>;

    /// The profiles linked to an eUICC, at most 64, the first linked first.
    async fn linked(&self, eid: &Eid) -> Result<Vec<Iccid>, Fault>;

    /// Notes which profile a call of ES2+ chose; kept until `expires`. A repeat
    /// replaces it.
    async fn remember_call(&self, id: &str, iccid: &Iccid, expires: u64) -> Result<(), Fault>;

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
