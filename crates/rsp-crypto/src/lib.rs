//! What SGP.22 does with keys: certificates and their chain rules, signatures,
//! key agreement and the secure channel of the bound profile package.
//!
//! ```text
//!   cert ──► chain ──► VerifiedServer / VerifiedEuicc     who speaks
//!                        │ verify(signed bytes)           signature
//!   OneTimeKeyPair ──► SharedSecret ──► SessionKeys       ecka
//!                                          └──► Bsp       seal and open segments
//! ```
//!
//! The arithmetic is done by a [`Provider`]: [`Software`] in pure Rust for the
//! chip, tools and tests, the platform's own on the servers. Everything here is
//! `async` over that trait; with [`Software`] every future is ready at once, and
//! [`ready`] turns it into a plain call.
//!
//! A check that succeeded is a value: [`VerifiedServer`] and [`VerifiedEuicc`]
//! cannot be made in any other way than by [`chain`].

pub mod bsp;
pub mod cert;
pub mod chain;
pub mod confirmation;
#[cfg(feature = "count")]
pub mod count;
pub mod ecka;
#[cfg(feature = "issue")]
pub mod issue;
mod provider;
pub mod signature;
pub mod software;

pub use bsp::{Bsp, BspError};
pub use cert::{Certificate, KeyIdentifier, Role};
pub use chain::{CiKey, VerifiedEuicc, VerifiedServer};
pub use ecka::{OneTimeKeyPair, SessionKeys};
pub use provider::{Curve, Fault, Provider, PublicKey, SharedSecret, ready};
pub use signature::Signature;
pub use software::Software;
