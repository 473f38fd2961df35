//! The subscription concealed identifier of 5G (3GPP TS 23.003 §2.2B, TS 33.501 §6.12 and
//! Annex C): what a phone sends in place of its IMSI, so that only its home network can
//! read it.
//!
//! A [`Suci`] is read from and written as text (TS 29.503 §6.1.6.2) or the mobile identity of
//! NAS (TS 24.501 §9.11.3.4); [`conceal`] makes its scheme output with a one-time key that the
//! caller brings, [`Suci::reveal`] reads it with the home network's [`HomeNetworkKey`]s.
//! No `std`, nothing random, nothing of the platform.
//!
//! ```
//! use suci::{HomeNetworkKey, Scheme, Suci};
//!
//! let home = HomeNetworkKey::new(1, Scheme::ProfileA, [0x21; 32]).unwrap();
//! let suci = Suci::of_imsi("274012001002086", 3, "0", Scheme::ProfileA, 1, home.public(), [7; 32]).unwrap();
//! let text = suci.to_string();
//! assert!(text.starts_with("suci-0-274-012-0-1-1-"));
//! let read: Suci = text.parse().unwrap();
//! assert_eq!(read.reveal(&[home]).unwrap().as_str(), "274012001002086");
//! ```

#![no_std]

extern crate alloc;

mod digits;
mod ecies;
mod identity;

pub use ecies::{HomeNetworkKey, InvalidKey, Scheme, conceal, home_network_public_key};
pub use identity::{Hidden, Imsi, InvalidSuci, Suci};
