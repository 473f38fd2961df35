//! What the chip needs from the world: chance and non-volatile memory.
//! It has no clock: time on a chip is what servers sign.

use core::fmt;

use crate::nvm::Medium;

/// The world outside the chip, handed in by whoever runs it.
pub trait Env {
    /// Fills `bytes` with random bytes good enough for keys and challenges.
    fn fill_random(&mut self, bytes: &mut [u8]);

    /// The non-volatile memory that the chip lives in.
    fn medium(&mut self) -> &mut dyn Medium;

    /// Hears which rule a request broke and which profile element failed: what
    /// no real chip tells. Never told a secret; by default nobody listens.
    fn trace(&mut self, _event: fmt::Arguments<'_>) {}
}
