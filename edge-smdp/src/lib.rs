//! The SM-DP+: from a profile package and an order to an installed and
//! acknowledged profile (SGP.22 §3, §5.3, §5.6).
//!
//! ```text
//!  http::Request ─► router ─► wire ─► service ─► wire ─► http::Response
//!                                       │
//!              Server (keys, limits) ───┤   time and chance are handed in
//!              Store  (profiles, index, sessions)
//! ```
//!
//! - [`SmDp::handle`] is the one door: ES9+ for LPAs, ES2+ and the operator's
//!   interface behind a token.
//! - A [`profile::Profile`] is one ICCID with its order. Everything that happens
//!   to it is a function from its present state to its next one; the
//!   [`store::Store`] takes the next state only when nobody else was faster, so a
//!   profile is handed out once and a retry is counted once.
//! - An RSP session begins without a write: the transaction id and the server
//!   challenge prove themselves ([`service::session`]).
//!
//! In one process, for tests: [`SmDp`] over [`store::memory::Memory`] with
//! `rsp_crypto::Software`, a [`Clock`] and a [`Chance`] of the caller. In a
//! worker: the same over Durable Objects and Web Crypto.

pub mod access;
pub mod admission;
pub mod config;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod crypto;
mod encoded;
mod environment;
pub mod error;
mod health;
pub mod log;
mod metrics;
pub mod origin;
pub mod outbox;
pub mod profile;
pub mod profile_type;
mod revocation;
pub mod router;
pub mod seal;
pub mod service;
pub mod store;
mod tend;
pub mod transport_key;
pub mod wire;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod worker;

pub use config::{Configuration, Limits, Protection, Server};
pub use environment::{Chance, Clock, Courier, Letter, NetworkCall, Nowhere};
pub use error::{Fault, Refusal, Trouble};
pub use router::SmDp;
