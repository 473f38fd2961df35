//! The policy as an operator, a core network and a session meet it.
//!
//! Every request and every answer is held against `openapi.json`; a request that is meant to be
//! wrong is held against nothing, its answer is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

#[path = "policy/decisions.rs"]
mod decisions;
#[path = "policy/interface.rs"]
mod interface;
#[path = "policy/openapi.rs"]
mod openapi;
#[path = "policy/standard.rs"]
mod standard;
mod world;
