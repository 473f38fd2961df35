//! USB smart card readers (CCID Rev 1.1) and the cards in them (ISO 7816-3), both sides,
//! without I/O.
//!
//! ```text
//!   APDU ─► Driver ─► Procedure ─Effect─► transport (WebUSB, a native USB library)   ─┐ USB
//!             connect, transmit …  ◄Event─                                            │
//!             PPS, T=0, T=1 as far as the reader leaves them to the host              ▼
//!                                        model::Reader ─► line, T=0, T=1 ─► model::Card
//! ```
//!
//! A [`Driver`] makes [`Procedure`]s. A procedure says what is to be done on the endpoints
//! ([`Effect`]) and is resumed with what became of it ([`Event`]), until it is done:
//!
//! ```
//! use ccid::descriptor::Level;
//! use ccid::model::{Card, CardDesign, Design, Reader};
//! use ccid::{Driver, Effect, Error, Event, Options, Procedure, Step, discover};
//!
//! /// Where there would be USB: for WebUSB each arm awaits one call of the device.
//! fn perform(reader: &mut Reader<Hello>, effect: &Effect) -> Event {
//!     match effect {
//!         // controlTransferIn: bytes, or a stall.
//!         Effect::ControlIn { .. } => reader.perform(effect),
//!         // controlTransferOut, transferOut.
//!         Effect::ControlOut { .. } | Effect::BulkOut { .. } => reader.perform(effect),
//!         // transferIn against a timer. What comes too late is kept for the next effect of
//!         // this kind: the driver knows by its number what it is.
//!         Effect::BulkIn { .. } => reader.perform(effect),
//!         // transferIn, for as long as it takes: `Driver::notice` runs beside all else.
//!         Effect::InterruptIn { .. } => reader.perform(effect),
//!         Effect::ClearHalt { .. } | Effect::Wait(_) => reader.perform(effect),
//!         Effect::Report(report) => {
//!             println!("{report:?}");
//!             Event::Continue
//!         }
//!     }
//! }
//!
//! fn run<T: 'static>(reader: &mut Reader<Hello>, mut procedure: Procedure<T>) -> Result<T, Error> {
//!     let mut event = Event::Begin;
//!     loop {
//!         match procedure.resume(event) {
//!             Step::Do(effect) => event = perform(reader, &effect),
//!             Step::Done(result) => return result,
//!         }
//!     }
//! }
//!
//! struct Hello;
//!
//! impl Card for Hello {
//!     fn reset(&mut self) -> Vec<u8> {
//!         vec![0x3B, 0x00]
//!     }
//!
//!     fn transmit(&mut self, _command: &[u8]) -> Vec<u8> {
//!         b"hello\x90\x00".to_vec()
//!     }
//! }
//!
//! let mut usb = Reader::with(Design::new(Level::Tpdu), Hello, CardDesign::default());
//! let device = run(&mut usb, discover())?;
//! let interface = device.readers[0].clone();
//! // Here a transport selects `interface.configuration` and claims `interface.number`. A page
//! // may not, where `is_open_to_pages` says no.
//! let driver = Driver::new(device.identity, interface, Options::default())?;
//! let connection = run(&mut usb, driver.connect(0))?;
//! assert_eq!(connection.atr.bytes(), [0x3B, 0x00]);
//! let response = run(&mut usb, driver.transmit(0, &[0x80, 0xE2, 0, 0, 1, 0xAA, 0]))?;
//! assert_eq!(response, b"hello\x90\x00");
//! # Ok::<(), Error>(())
//! ```
//!
//! What goes wrong has words ([`Error::words`]). A procedure may be dropped wherever it is; the
//! next one aborts the command that was under way.
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
