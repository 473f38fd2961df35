//! What an object is asked, and what it answers, on the way between them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::SqlStorageValue as Sql;

use super::SWEEP;
use super::tables::number;
use crate::Fault;
use crate::outbox::{Message, Outgoing};
use crate::profile::{Event, Profile, ProfileState};
use crate::store::durable::Shard;
use crate::store::{JournalQuery, Query, StoredProfileType};

/// What an object is asked to do. Packages go beside it ([`frame`]), in the order of
/// the fields.
#[derive(Serialize, Deserialize)]
pub(in crate::store) enum Statement {
    AddProfile {
        columns: Columns,
        key_id: String,
        protected: bool,
    },
    Profile {
        iccid: String,
    },
    Packages {
        iccid: String,
    },
    Bound {
        iccid: String,
    },
    Replace {
        version: u64,
        columns: Columns,
        keeps_bound: bool,
        keeps_package: bool,
        bound: bool,
        packages: Option<String>,
        protected: bool,
    },
    Remove {
        version: u64,
        iccid: String,
    },
    Available {
        profile_type: String,
        most: usize,
    },
    HasType {
        profile_type: String,
    },
    List(Query),
    Journal(JournalQuery),
    /// How many used transaction ids, matching ids and EIDs with links there are.
    #[cfg(feature = "self-test")]
    Counts,
    Tally {
        key_id: String,
    },
    Expired {
        now: u64,
        most: usize,
    },
    SealedOtherwise {
        key_id: String,
        most: usize,
    },
    TemplatesSealedOtherwise {
        key_id: String,
        most: usize,
    },
    ReplaceTemplate {
        name: String,
        key_id: String,
    },
    CountTemplatesSealedOtherwise {
        key_id: String,
    },
    Due {
        now: u64,
        most: usize,
    },
    Settle {
        number: u64,
        again: Option<(u64, String)>,
    },
    PutProfileType(StoredProfileType),
    ProfileType {
        name: String,
    },
    ProfileTypes,
    RemoveProfileType {
        name: String,
    },
    /// The profile in this object whose open order has this matching id.
    Ordered {
        matching_id: String,
    },
    /// The profile in this object whose order is in this session.
    InSession {
        id: String,
    },
    ClaimMatchingId {
        id: String,
        iccid: String,
    },
    ReleaseMatchingId {
        id: String,
        iccid: String,
    },
    MatchingId {
        id: String,
    },
    Link {
        eid: String,
        iccid: String,
    },
    Unlink {
        eid: String,
        iccid: String,
    },
    Linked {
        eid: String,
        after: u64,
    },
    /// How profiles in this object stand.
    Standing {
        eid: String,
        iccids: Vec<String>,
    },
    RememberCall {
        id: String,
        iccid: String,
        instead_of: Option<String>,
        expires: u64,
    },
    CallOf {
        id: String,
    },
    BeginSession {
        id: String,
        iccid: Option<String>,
        expires: u64,
    },
    Session {
        id: String,
    },
}

impl Statement {
    /// For when an alarm may be needed after it, in seconds since 1970.
    pub(in crate::store) fn sets_something_due(&self) -> Option<u64> {
        match self {
            Self::AddProfile { columns, .. } | Self::Replace { columns, .. } => {
                let message = (!columns.messages.is_empty()).then_some(0);
                message.or_else(|| columns.expires.map(|expires| expires + 1))
            }
            Self::Settle { .. } => Some(0),
            Self::RememberCall { expires, .. } | Self::BeginSession { expires, .. } => Some(expires + SWEEP),
            _ => None,
        }
    }
}

/// A profile's record, and what of it stands in columns of its own.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::store) struct Columns {
    pub(in crate::store) iccid: String,
    pub(super) record: String,
    pub(super) state: ProfileState,
    pub(super) profile_type: Option<String>,
    pub(super) changed: u64,
    pub(super) eid: Option<String>,
    pub(super) expires: Option<u64>,
    pub(super) journal: Vec<Event>,
    pub(super) messages: Vec<NewMessage>,
}

/// A message that a change leaves.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct NewMessage {
    pub(super) json: String,
    pub(super) for_operator: bool,
    pub(super) not_before: u64,
}

impl NewMessage {
    fn of(message: &Message) -> serde_json::Result<Self> {
        Ok(Self {
            json: serde_json::to_string(message)?,
            for_operator: message.is_for_operator(),
            not_before: message.not_before(),
        })
    }
}

impl Columns {
    pub(in crate::store) fn of(profile: &Profile) -> Result<Self, Fault> {
        let json = |error: serde_json::Error| Fault::new(format!("JSON: {error}"));
        let messages = profile.pending.messages.iter().map(NewMessage::of);
        Ok(Self {
            iccid: profile.iccid.to_string(),
            record: serde_json::to_string(profile).map_err(json)?,
            state: profile.state,
            profile_type: profile.profile_type.clone(),
            changed: profile.changed(),
            eid: profile.order.as_ref().and_then(|order| order.eid).map(|eid| eid.to_string()),
            expires: profile.expires(),
            journal: profile.pending.journal.clone(),
            messages: messages.collect::<Result<_, _>>().map_err(json)?,
        })
    }

    /// The same for a record that comes in place of another ([`Profile::succeed`]). What is read from
    /// the columns alone stays.
    pub(super) fn succeeding(&self, before: &str) -> serde_json::Result<Self> {
        let mut profile: Profile = serde_json::from_str(&self.record)?;
        profile.succeed(serde_json::from_str(before)?);
        Ok(Self { record: serde_json::to_string(&profile)?, ..self.clone() })
    }

    pub(super) fn bindings(&self) -> Vec<Sql> {
        vec![
            self.record.as_str().into(),
            self.state.name().into(),
            self.profile_type.clone().into(),
            number(self.changed),
            self.eid.clone().into(),
            self.expires.map_or(Sql::Null, number),
        ]
    }
}

/// A message of the outbox, on its way.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct OutboxRow {
    pub(super) number: u64,
    pub(super) iccid: String,
    pub(super) message: String,
    pub(super) attempts: u32,
    pub(super) due: u64,
    pub(super) last_error: Option<String>,
}

impl OutboxRow {
    pub(in crate::store) fn read(self, shard: Shard) -> Result<Outgoing, Fault> {
        let stored = |error: &dyn core::fmt::Display| Fault::new(format!("stored message: {error}"));
        Ok(Outgoing {
            id: format!("{}/{}", shard.name(), self.number),
            iccid: self.iccid.parse().map_err(|error| stored(&error))?,
            message: serde_json::from_str(&self.message).map_err(|error| stored(&error))?,
            attempts: self.attempts,
            due: self.due,
            last_error: self.last_error,
        })
    }
}

/// What came of a statement: JSON, and packages beside it.
pub(in crate::store) struct Answer {
    pub(in crate::store) json: String,
    pub(in crate::store) blobs: Vec<Vec<u8>>,
}

impl Answer {
    pub(super) fn of(value: &impl Serialize) -> worker::Result<Self> {
        Ok(Self { json: serde_json::to_string(value)?, blobs: Vec::new() })
    }

    pub(in crate::store) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_str(&self.json).map_err(|error| Fault::new(format!("answer of an object: {error}")))
    }
}

/// JSON and bytes in one body: each with its length in four bytes in front.
pub(in crate::store) fn frame(json: &str, blobs: &[&[u8]]) -> Vec<u8> {
    let length = json.len() + blobs.iter().map(|blob| blob.len() + 4).sum::<usize>() + 4;
    let mut body = Vec::with_capacity(length);
    for part in core::iter::once(json.as_bytes()).chain(blobs.iter().copied()) {
        body.extend_from_slice(&(part.len() as u32).to_be_bytes());
        body.extend_from_slice(part);
    }
    body
}

/// The parts of a [`frame`].
pub(in crate::store) fn unframe(body: &[u8]) -> Option<(String, Vec<Vec<u8>>)> {
    let mut parts = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (part, behind) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        parts.push(part.to_vec());
        rest = behind;
    }
    let mut parts = parts.into_iter();
    let json = String::from_utf8(parts.next()?).ok()?;
    Some((json, parts.collect()))
}
