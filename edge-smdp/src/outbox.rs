//! Messages that leave the server after a change has happened, and are sent again
//! until they are acknowledged: callbacks to the operator (ES2+) and events at SM-DSs
//! (ES12).
//!
//! A change and its messages are kept in one step ([`crate::profile::Pending`]), so that
//! none is lost and none tells of what did not happen. The object that keeps them
//! sends them when they are due ([`crate::SmDp::tend`]).

use rsp::Eid;
use serde::{Deserialize, Serialize};

use crate::profile::Event;
use crate::wire::text;

/// The longest time between two attempts, in seconds.
const LONGEST_PAUSE: u64 = 6 * 3600;
/// The first pause, in seconds; every further one is twice as long.
const FIRST_PAUSE: u64 = 10;

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Message {
    /// ES2+.HandleDownloadProgressInfo (SGP.22 §5.3.5).
    DownloadProgress {
        /// What was reached, and how it ended.
        event: Event,
        /// The eUICC, where it is known.
        #[serde(with = "text::option", default)]
        eid: Option<Eid>,
        /// The profile's type, where it has one.
        profile_type: Option<String>,
    },
}

impl Message {
    /// The function that it calls.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        match self {
            Self::DownloadProgress { .. } => "handleDownloadProgressInfo",
        }
    }
}

/// A message that was not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its name in the store.
    pub id: String,
    /// The profile that it is about.
    pub iccid: rsp::Iccid,
    /// What it says.
    pub message: Message,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is to be sent, in seconds since 1970.
    pub due: u64,
    /// What became of the last attempt.
    pub last_error: Option<String>,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was acknowledged.
    Acknowledged,
    /// It is to be sent again.
    Again {
        /// When, in seconds since 1970.
        due: u64,
        /// Why.
        because: String,
    },
}

/// Seconds to wait after this many attempts.
#[must_use]
pub const fn pause(attempts: u32) -> u64 {
    let doubled = if attempts > 16 { u64::MAX } else { FIRST_PAUSE << attempts };
    if doubled < LONGEST_PAUSE { doubled } else { LONGEST_PAUSE }
}
