//! The doors by which programs outside reach the chip: what stands on the wire, without
//! the wire. Bytes go in, bytes come out; who reads and writes them is the caller's affair,
//! so that the native command line and the one of the npm package behave the same.

pub mod line;
pub mod vpcd;

use crate::{Env, Euicc};

/// The chip, as a door sees it.
pub trait Card {
    /// Executes a command APDU; returns response data and status word.
    fn transmit(&mut self, command: &[u8]) -> Vec<u8>;

    /// Resets the chip; returns the answer to reset.
    fn reset(&mut self) -> Vec<u8>;
}

impl<E: Env> Card for Euicc<E> {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        Self::transmit(self, command)
    }

    fn reset(&mut self) -> Vec<u8> {
        Self::reset(self)
    }
}

#[cfg(test)]
mod tests;
