//! For tests: the World, in which chip, LPA, SM-DP+ and network run in one process.
//!
//! ```text
//!   Terminal (radio side, LPA host) ──APDU──► chip
//!        │
//!        └──HTTP──► network ──gateway──► SM-DP+, SM-DS (a model)
//! ```
//!
//! One seed gives all chance, one hand sets the clock: the same calls with the same
//! seed leave the same bytes on every wire. A [`World`] can lose, change and repeat
//! what passes.

mod desk;
mod smds;
mod stopwatch;
mod terminal;
mod world;

pub use desk::{Desk, T1_ATR};
pub use smds::{OTHER_SMDS_ADDRESS, SMDS_ADDRESS, Smds};
pub use terminal::{AttachError, Attached};
pub use world::{
    CallFault, CardFault, Exchange, Order, Party, SMDP_ADDRESS, START, Settings, TOKEN, Watched, World,
    device,
};
