//! The chip through its one door: every ES10 function and ES8+ command by APDUs,
//! against an SM-DP+ and a test PKI made on the spot from a seed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod card;
mod download;
mod garbage;
mod management;
mod negative;
mod notifications;
mod power;
mod server;
