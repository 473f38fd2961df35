//! A reader with a card in it, made of nothing: the device's side of USB CCID, its firmware at
//! each level of exchange, the line to the card, and the card's machines of T=0 and T=1.
//!
//! [`Reader`] does what the effects of a driver ask for, in simulated time, and goes wrong in
//! the ways that it is told to ([`Fault`]). For tests, benchmarks and demonstrations without
//! hardware.

mod contacts;
mod design;
mod firmware;
mod line;
mod reader;

use alloc::vec::Vec;
use core::time::Duration;

pub use contacts::CardDesign;
pub use design::Design;
pub use reader::{Fault, Reader, Spent};

/// What is behind the contacts.
pub trait Card {
    /// Resets the card; returns its answer to reset.
    fn reset(&mut self) -> Vec<u8>;

    /// Executes a command APDU; returns the response APDU, data and status word.
    fn transmit(&mut self, command: &[u8]) -> Vec<u8>;

    /// Whether a command of this class, instruction and parameters is one whose data come from
    /// the card (case 2). T=0 does not say it on the line: P3 is the length of either, and the
    /// card must know its commands.
    fn sends(&self, header: [u8; 4]) -> bool {
        // ISO 7816-4, ETSI TS 102 221 §10.1.2, TS 102 223: READ BINARY, READ RECORD, GET
        // RESPONSE, GET DATA, STATUS, FETCH, GET CHALLENGE, and MANAGE CHANNEL that opens.
        match header {
            [_, 0x70, p1, _] => p1 == 0,
            [_, ins, ..] => matches!(ins, 0xB0 | 0xB2 | 0xC0 | 0xCA | 0xF2 | 0x12 | 0x84),
        }
    }

    /// How long the card works on a command before it answers.
    fn work(&self, command: &[u8]) -> Duration {
        let _ = command;
        Duration::ZERO
    }
}
