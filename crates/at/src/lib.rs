//! A card behind a modem: APDUs by AT commands (3GPP TS 27.007), over a serial line that a page
//! can open too.
//!
//! ```text
//! LPA ─ APDU ─► Host ─ "AT+CGLA=1,10,\"…\"\r" ─► serial line ─► Modem ─ APDU ─► Card
//! ```
//!
//! [`Host`] is the side of the LPA. It takes APDUs as an LPA sends them to a card and finds out
//! how this modem wants them: a *session* of the modem's (`AT+CCHO`, `+CGLA`, `+CCHC`, §8.43 to
//! 8.46), or the card as it is (`AT+CSIM`, §8.17). [`Modem`] is the other side, for tests and
//! demonstrations: a modem with a card in it and with the habits that modems have.
//!
//! Neither does input or output, or has a clock: bytes are given and taken, and [`Step::Read`]
//! says how long to wait for them.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod cme;
mod host;
mod line;
mod modem;

pub use cme::Cme;
pub use host::{Failure, Host, NotNow, Options, Step, Wait, Way};
pub use line::{MAX_LINE, MAX_RESPONSE};
pub use modem::{Card, Habits, Ids, Modem};

#[cfg(test)]
mod tests;
