//! The policy as an operator, a core network and a session meet it.
//!
//! Every request is held against `openapi.json`, but for those that are meant to be wrong; every
//! answer is, as in all tests here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

#[path = "policy/decisions.rs"]
mod decisions;
#[path = "policy/interface.rs"]
mod interface;
#[path = "policy/notices.rs"]
mod notices;
#[path = "policy/standard.rs"]
mod standard;
mod world;
