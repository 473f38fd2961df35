//! ISO 7816-4 command and response APDUs, classes and logical channels, status
//! words, as ETSI TS 102 221 and SGP.22 use them. Both sides share them: the
//! chip parses what the LPA builds.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod class;
mod command;
mod response;
mod status;
mod store_data;

pub use class::{Channel, Class, ClassError};
pub use command::{Command, CommandError};
pub use response::Response;
pub use status::StatusWord;
pub use store_data::{MAX_BLOCK, store_data};

/// Instruction bytes (ETSI TS 102 221 §10.1.2, GlobalPlatform Card Specification §11).
pub mod ins {
    /// ACTIVATE FILE.
    pub const ACTIVATE_FILE: u8 = 0x44;
    /// AUTHENTICATE, even instruction.
    pub const AUTHENTICATE: u8 = 0x88;
    /// CHANGE PIN.
    pub const CHANGE_PIN: u8 = 0x24;
    /// DEACTIVATE FILE.
    pub const DEACTIVATE_FILE: u8 = 0x04;
    /// DISABLE PIN.
    pub const DISABLE_PIN: u8 = 0x26;
    /// ENABLE PIN.
    pub const ENABLE_PIN: u8 = 0x28;
    /// ENVELOPE.
    pub const ENVELOPE: u8 = 0xC2;
    /// FETCH.
    pub const FETCH: u8 = 0x12;
    /// GET CHALLENGE.
    pub const GET_CHALLENGE: u8 = 0x84;
    /// GET RESPONSE.
    pub const GET_RESPONSE: u8 = 0xC0;
    /// INCREASE.
    pub const INCREASE: u8 = 0x32;
    /// MANAGE CHANNEL.
    pub const MANAGE_CHANNEL: u8 = 0x70;
    /// READ BINARY.
    pub const READ_BINARY: u8 = 0xB0;
    /// READ RECORD.
    pub const READ_RECORD: u8 = 0xB2;
    /// SEARCH RECORD.
    pub const SEARCH_RECORD: u8 = 0xA2;
    /// SELECT.
    pub const SELECT: u8 = 0xA4;
    /// STATUS.
    pub const STATUS: u8 = 0xF2;
    /// STORE DATA.
    pub const STORE_DATA: u8 = 0xE2;
    /// TERMINAL CAPABILITY.
    pub const TERMINAL_CAPABILITY: u8 = 0xAA;
    /// TERMINAL PROFILE.
    pub const TERMINAL_PROFILE: u8 = 0x10;
    /// TERMINAL RESPONSE.
    pub const TERMINAL_RESPONSE: u8 = 0x14;
    /// UNBLOCK PIN.
    pub const UNBLOCK_PIN: u8 = 0x2C;
    /// UPDATE BINARY.
    pub const UPDATE_BINARY: u8 = 0xD6;
    /// UPDATE RECORD.
    pub const UPDATE_RECORD: u8 = 0xDC;
    /// VERIFY PIN.
    pub const VERIFY_PIN: u8 = 0x20;
}

#[cfg(test)]
mod tests;
