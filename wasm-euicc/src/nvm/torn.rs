//! A medium that loses power.

use super::{Medium, MediumError, MemoryMedium};

/// Power fails at byte `at` of write number `write` (both from 0); from then
/// on nothing works until the medium is opened again. A `replace` is atomic:
/// it happens whole when `at` is past its end, else not at all.
pub(crate) struct TornMedium {
    pub(crate) inner: MemoryMedium,
    write: usize,
    at: usize,
    count: usize,
    dead: bool,
}

impl TornMedium {
    pub(crate) fn new(inner: MemoryMedium, write: usize, at: usize) -> Self {
        Self { inner, write, at, count: 0, dead: false }
    }

    /// Whether power has failed.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Number of writes asked for.
    pub(crate) fn writes(&self) -> usize {
        self.count
    }

    /// Whether the write survives whole, or the number of its bytes that do.
    fn strike(&mut self) -> Result<Option<usize>, MediumError> {
        if self.dead {
            return Err(MediumError);
        }
        let now = self.count == self.write;
        self.count += 1;
        self.dead = now;
        Ok(now.then_some(self.at))
    }
}

impl Medium for TornMedium {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        self.inner.load()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        match self.strike()? {
            None => self.inner.append(bytes),
            Some(at) => {
                self.inner.append(&bytes[..at.min(bytes.len())])?;
                Err(MediumError)
            }
        }
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        match self.strike()? {
            None => self.inner.replace(bytes),
            Some(at) => {
                if at >= bytes.len() {
                    self.inner.replace(bytes)?;
                }
                Err(MediumError)
            }
        }
    }
}
