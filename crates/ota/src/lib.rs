//! Over the air: the secured packets by which an operator reaches the card of a subscriber
//! (ETSI TS 102 225, in short messages 3GPP TS 31.115), and the remote commands in them
//! (ETSI TS 102 226). Both sides: what the card opens the sender seals, and the reverse.
//!
//! ```text
//!   sender  commands ─► CommandPacket::seal ─► fragments ─► SMS-DELIVER ─► ENVELOPE
//!   card    Delivery::parse ─► Assembly ─► CommandPacket::open ─► script ─► Receipt::seal
//! ```
//!
//! No function here touches the world: counters and keys are handed in, and what a packet
//! asks for is done by whoever called.

pub mod command;
pub mod receipt;
pub mod script;
pub mod security;
pub mod sms;

pub use command::{CommandPacket, Opened};
pub use receipt::{Receipt, Status};
pub use security::{Counter, Integrity, Key, Keys, Spi};

/// Bytes are not what they should be; nothing can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(
    /// What.
    pub &'static str,
);

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "malformed: {}", self.0)
    }
}

impl core::error::Error for Malformed {}
