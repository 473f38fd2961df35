//! Over-the-air management of a card: short messages that carry secured packets
//! that carry remote commands (ETSI TS 102 225 and 102 226, 3GPP TS 31.115).
//!
//! ```text
//!   sender   script ─► packet (seal) ─► sms ─► network ─► terminal ─► ENVELOPE
//!   card     ENVELOPE ─► sms (Reassembly) ─► packet (open) ─► script ─► commands
//!   card     script (answers) ─► packet::Response (seal) ─► proof of receipt
//! ```
//!
//! Both sides are here: what one seals the other opens. Keys, counters and the
//! files that commands change are the caller's.

mod key;
pub mod packet;
pub mod script;
pub mod sms;

pub use key::{Key, KeyKind, Keyset};
pub use packet::{Command, Header, Response, ResponseStatus, Spi, Tar};

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("malformed")
    }
}

impl core::error::Error for Malformed {}

impl From<tlv::Error> for Malformed {
    fn from(_: tlv::Error) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests;
