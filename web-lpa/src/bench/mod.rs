//! What is done to messages on their way: faults, and edits by hand.
//!
//! Every message between the phone and the others passes here, so a fault needs nobody's
//! help: the parties see what a bad line, a pulled card or a forger would make them see.

pub mod expired;
pub mod fault;
pub mod hold;
pub mod line;
pub mod ready;

#[cfg(target_arch = "wasm32")]
mod desk;

#[cfg(target_arch = "wasm32")]
pub(crate) use desk::{Bench, Fate, Passing, Ran};
