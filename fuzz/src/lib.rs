//! The chip, and card readers, under bytes that a fuzzer thinks of.
//!
//! A target is a plain function of bytes that panics when the chip does what it must not:
//! [`targets`]. `cargo xtask fuzz` drives them with libFuzzer; the test `corpus` runs what it
//! has found so far (`corpus/TARGET/`), and what once broke the chip, with every other test.
//!
//! Beyond "no panic" every target of the chip asks, whatever came in ([`oracle`]):
//!
//! - the answer has a status word, and no more data than was asked for;
//! - the ISD-R can still be selected;
//! - the list of profiles is as before unless a function that changes it was answered with ok;
//! - a chip that is opened from the medium is the one that was reset: the same profiles,
//!   notifications, files, PIN counters, free memory.
//!
//! Those of card readers ([`readers`]) ask that everything comes to an end, and that driver and
//! reader are of use afterwards. Those of packets and requests ([`messages`]) ask that what is read
//! is what would be written.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a program for tests")]

pub mod bridge;
pub mod messages;

// The chip on a bench, the test SM-DP+ and the profile with something of everything are
// those of the chip's own tests.
#[path = "../../wasm-euicc/tests/es10/card.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod card;
#[path = "../../wasm-euicc/tests/es10/observe.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod observe;
pub mod oracle;
pub mod readers;
pub mod seeds;
#[path = "../../wasm-euicc/tests/es10/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
#[path = "../../wasm-euicc/tests/es10/subject.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod subject;
pub mod targets;
