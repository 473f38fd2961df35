//! The way from a page to the card readers of the desktop: a page may not claim a USB reader of
//! the smart-card class, but it may speak with a program on the same machine.
//!
//! ```text
//! page ── ws://127.0.0.1:7816 ──► door ─► session ─► Readers (PC/SC) ─► card
//!         Origin, Host, code       │        │
//!                                  └ pairing┘
//! ```
//!
//! [`protocol`] is what both ends say, for the page too. The rest is the bridge without sockets,
//! PC/SC, clock and chance, which are given to it: who may come in ([`door`]), who may ask
//! ([`pairing`]), what is answered ([`session`]), a chip of the page in a virtual reader ([`offer`]),
//! and the same readers for other LPAs on standard input and output ([`mod@line`]). The program (`bin/card-bridge`, feature `program`) only carries
//! bytes. How it is used, and what it protects from what: `docs/card-bridge.md`.

pub mod card;
pub mod door;
pub mod line;
pub mod offer;
pub mod pairing;
pub mod protocol;
pub mod session;

#[cfg(test)]
mod tests;
