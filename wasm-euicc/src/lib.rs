//! The chip: an SGP.22 eUICC with a UICC for every profile on it.
//!
//! ```text
//!   APDU ─► Euicc::transmit ─► dispatch ─┬─► isdr     profiles: load, enable, delete
//!                                        └─► uicc     the enabled profile's files and keys
//!                     profile (interpreter) ─► nvm (transactions) ─► Env::medium
//! ```
//!
//! Bytes come in at one door, [`Euicc::transmit`], and leave there. Chance and
//! memory are handed in as [`Env`].

#[cfg(test)]
mod bench;
mod dispatch;
mod ecasd;
mod env;
pub mod factory;
mod isdp;
pub mod isdr;
pub mod nvm;
pub mod profile;
mod uicc;
#[cfg(target_arch = "wasm32")]
pub mod wasm;

pub use dispatch::{Answer, Cat, Euicc, RefreshMode, Terminal};
pub use env::Env;
pub use factory::{Factory, FactoryError};

/// How a chip is made and what it announces.
#[derive(Clone, Debug)]
pub struct Options {
    /// Non-volatile memory for profiles and all else, in bytes.
    pub memory: usize,
    /// AID of the ISD-R; cards on the market differ (SGP.22 §2.4.2 names one).
    pub isdr_aid: Vec<u8>,
    /// The answer to reset.
    pub atr: Vec<u8>,
    /// The SGP.22 version that SELECT of the ISD-R tells.
    pub svn: [u8; 3],
}

impl Options {
    /// SGP.22 v2.2.2: the version whose data objects the chip speaks.
    pub const SVN: [u8; 3] = [2, 2, 2];
    /// T=0 and T=15, F=512 D=32, clock stop, classes A to C, global interface
    /// byte with the eUICC bit (ETSI TS 102 221 §6.3), check byte.
    pub const ATR: [u8; 23] = [
        0x3B, 0x9F, 0x96, 0x80, 0x3F, 0x87, 0x82, 0x80, 0x31, 0xE0, 0x73, 0xFE, 0x21, 0x1F, 0x57, 0x45, 0x43,
        0x75, 0x31, 0x30, 0x13, 0x65, 0x02,
    ];
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory: 512 * 1024,
            isdr_aid: rsp::ids::ISD_R.to_vec(),
            atr: Self::ATR.to_vec(),
            svn: Self::SVN,
        }
    }
}
