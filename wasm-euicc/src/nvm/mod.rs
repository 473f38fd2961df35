//! The chip's non-volatile memory: a map from [`Key`] to bytes that changes by
//! transactions only. Power may fail between any two writes; the map then
//! stands before or after the transaction, never between.
//!
//! ```text
//!   Store (RAM) ──begin──► Transaction ──commit──► one journal record ──► Medium
//!     ▲                      │  ▲
//!     └── replay at open     ▼  └ resume
//!                          Draft (waits between two commands)
//! ```
//!
//! What stands on the medium, all numbers big-endian:
//!
//! ```text
//!   head     "eUICC-NV" | format version u16
//!   record   magic 4A52 | payload length u32 | CRC-32 of all that follows u32
//!            | sequence number u64 | payload
//!   payload  { key length u8 | key | value length + 1 u32 (0: delete) | value }…
//! ```
//!
//! Replay applies records whose sequence numbers count on without a gap and
//! leaves out a last one that is not whole: it was never acknowledged. A medium
//! that is bad in another place was damaged by something else than loss of power;
//! it is refused and left alone.

mod journal;
mod key;
mod medium;
mod store;
mod torn;
mod twin;

pub use key::{IsdrKey, Key, SlotId, SlotKey};
#[cfg(not(target_arch = "wasm32"))]
pub use medium::FileMedium;
pub use medium::{Medium, MediumError, MemoryMedium};
pub use store::{Draft, Store, Transaction, View};
pub use torn::{Tear, TornMedium};
pub use twin::{RawFile, TwinMedium};

use core::fmt;

/// Why the memory could not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The memory budget of the chip does not allow it (SW 6A84).
    Full,
    /// The platform's memory failed; nothing has changed (SW 6581).
    Medium,
    /// The medium holds something else than a chip's memory.
    Foreign,
    /// The medium was written in a format that this version does not read.
    Version(u16),
    /// What stood on the medium was changed by something else than the chip.
    Damaged,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("not enough memory"),
            Self::Medium => f.write_str("the medium failed"),
            Self::Foreign => f.write_str("the medium does not hold the memory of a chip"),
            Self::Version(version) => write!(f, "memory format {version} is not supported"),
            Self::Damaged => f.write_str("the memory of the chip is damaged"),
        }
    }
}

impl core::error::Error for Error {}

impl From<MediumError> for Error {
    fn from(_: MediumError) -> Self {
        Self::Medium
    }
}

#[cfg(test)]
mod tests;
