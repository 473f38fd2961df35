//! The files of a UICC and its applications: where they are and what they are for
//! ([`Entry`]), what a card says of them ([`Fcp`], [`Rules`]), what stands in them
//! ([`decode()`]), and a machine that reads them all over APDUs ([`Walk`]).
//!
//! ```text
//!   Walk ──► Step::Send(command) ──► card        no I/O here: the host carries the bytes
//!    ▲  └──► Step::Found(File)   ──► File { place, entry, fcp, access, body }
//!    └────── response                 └► file.decoded(): Node { name, value, range, parts }
//! ```
//!
//! Nothing that a card answers makes this panic, hang or grow without bound. Keys that
//! stand in files are masked in all that is shown; they leave through functions named
//! `expose_…` only.

mod access;
mod aka;
mod content;
mod decode;
mod fcp;
mod numbers;
mod services;
mod table;
mod walk;

pub use access::{Condition, Operation, Rule, Rules, key_name};
pub use aka::{AkaAnswer, SessionKeys, aka_answer};
pub use content::{Label, Node, Value};
pub use decode::{Hints, decode, expose_decoded, service_provider_name, usim_in};
pub use fcp::{Fcp, FcpError, LifeCycle, PinState, Structure};
pub use services::{Service, isim_services, usim_services};
pub use table::{Application, Entry, Kind, entries};
pub use walk::{Body, Ending, File, Options, Pin, PinTries, Place, Step, Unread, Verification, Walk};

#[cfg(test)]
mod tests;
