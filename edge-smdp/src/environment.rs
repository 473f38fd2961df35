use core::cell::{Cell, RefCell};

use rand_core::CryptoRng;

use crate::Fault;

/// What time it is.
pub trait Clock {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64;
}

/// A clock that is set by hand.
impl Clock for Cell<u64> {
    fn now(&self) -> u64 {
        self.get()
    }
}

impl<T: Clock + ?Sized> Clock for std::rc::Rc<T> {
    fn now(&self) -> u64 {
        (**self).now()
    }
}

impl<T: Clock + ?Sized> Clock for &T {
    fn now(&self) -> u64 {
        (**self).now()
    }
}

/// Randomness of cryptographic quality.
pub trait Chance {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`Fault`] when the platform has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault>;
}

impl<R: CryptoRng> Chance for RefCell<R> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.borrow_mut().fill_bytes(bytes);
        Ok(())
    }
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>(chance: &impl Chance) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    chance.fill(&mut bytes)?;
    Ok(bytes)
}
