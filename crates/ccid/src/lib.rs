//! USB smart card readers (CCID Rev 1.1) and the cards in them (ISO 7816-3), both sides,
//! without I/O.
#![no_std]

extern crate alloc;

pub mod atr;
pub mod descriptor;
mod driver;
mod error;
mod machine;
pub mod message;
pub mod model;
mod quirks;
pub mod t1;

pub use driver::{Connection, Device, Driver, Options, Parameters, Report, discover};
pub use error::{DescriptorError, Error, MessageError, Pipe, SlotError, T1Error};
pub use machine::{Effect, Event, Procedure, Recipient, RequestKind, Setup, Step};
pub use quirks::{Quirks, Unfit, VENDOR_CLASS_READERS};
