//! The chip: an SGP.22 eUICC with a UICC for every profile on it.
//!
//! ```text
//!   APDU ─► Euicc::transmit ─► dispatch ─┬─► isdr     profiles: load, enable, delete
//!                                        └─► uicc     the enabled profile's files and keys
//!                     profile (interpreter) ─► nvm (transactions) ─► Env::medium
//! ```
//!
//! Bytes come in at one door, [`Euicc::transmit`], and leave there. Chance and
//! memory are handed in as [`Env`]:
//!
//! ```
//! use wasm_euicc::nvm::{Medium, MemoryMedium};
//! use wasm_euicc::{Env, Euicc, Options};
//!
//! /// A world that forgets, for a program that ends.
//! #[derive(Default)]
//! struct World(MemoryMedium);
//!
//! impl Env for World {
//!     fn fill_random(&mut self, bytes: &mut [u8]) {
//!         use std::io::Read;
//!         let mut chance = std::fs::File::open("/dev/urandom").expect("a system with chance");
//!         chance.read_exact(bytes).expect("a system with chance");
//!     }
//!
//!     fn medium(&mut self) -> &mut dyn Medium {
//!         &mut self.0
//!     }
//! }
//!
//! let mut chip = Euicc::new(World::default(), Options::default())?;
//! assert_eq!(chip.reset(), Options::ATR);
//!
//! // SELECT the ISD-R by its AID; its FCI is fetched as over T=0.
//! let aid = Options::default().isdr_aid;
//! let select = [&[0x00, 0xA4, 0x04, 0x00, aid.len() as u8][..], &aid].concat();
//! let [.., 0x61, length] = chip.transmit(&select)[..] else { panic!("no ISD-R") };
//! let fci = chip.transmit(&[0x00, 0xC0, 0x00, 0x00, length]);
//! assert_eq!((fci[0], &fci[fci.len() - 2..]), (0x6F, &[0x90, 0x00][..]));
//! # Ok::<(), wasm_euicc::nvm::Error>(())
//! ```
//!
//! That chip has no EID and no certificates yet. [`Factory`] makes one that has; with the
//! feature `lab`, `wish::Wish` makes the factory from a seed, or from SGP.26's files.

#[cfg(test)]
mod bench;
mod dispatch;
mod ecasd;
mod env;
pub mod factory;
pub mod host;
mod isdp;
pub mod isdr;
pub mod nvm;
pub mod profile;
mod resident;
mod uicc;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
#[cfg(feature = "lab")]
pub mod wish;

pub use dispatch::{Answer, Cat, Euicc, RefreshMode, Terminal};
pub use env::Env;
pub use factory::{Factory, FactoryError};
pub use resident::{power_up, resident};

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
