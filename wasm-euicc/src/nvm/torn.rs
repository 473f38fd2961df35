//! A medium that loses power.

use super::{Medium, MediumError, MemoryMedium};

/// How much of the write in which power fails is still done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// Its first bytes, this many.
    At(usize),
    /// The first half of its bytes.
    Half,
}

/// A medium under which power fails in a certain write; from then on nothing can be written
/// until it is mended. A `replace` is atomic: it happens whole when all of its bytes are
/// done, else not at all.
pub struct TornMedium<M = MemoryMedium> {
    /// The medium under it.
    pub inner: M,
    /// The write in which power fails, from 0; none: it does not.
    write: Option<usize>,
    tear: Tear,
    count: usize,
    dead: bool,
}

impl<M> TornMedium<M> {
    /// A medium whose power lasts.
    #[must_use]
    pub const fn lasting(inner: M) -> Self {
        Self { inner, write: None, tear: Tear::At(0), count: 0, dead: false }
    }

    /// Power fails in write number `write` from now, counted from 0.
    pub const fn cut(&mut self, write: usize, tear: Tear) {
        self.write = Some(self.count.saturating_add(write));
        self.tear = tear;
    }

    /// Power is back, and lasts.
    pub const fn mend(&mut self) {
        self.write = None;
        self.dead = false;
    }

    /// Whether power has failed.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// Whether the write survives whole, or how much of it does.
    fn strike(&mut self) -> Result<Option<Tear>, MediumError> {
        if self.dead {
            return Err(MediumError);
        }
        self.dead = self.write == Some(self.count);
        self.count = self.count.saturating_add(1);
        Ok(self.dead.then_some(self.tear))
    }
}

impl Tear {
    const fn of(self, length: usize) -> usize {
        match self {
            Self::At(at) if at < length => at,
            Self::At(_) => length,
            Self::Half => length / 2,
        }
    }
}

impl<M: Medium> Medium for TornMedium<M> {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        self.inner.load()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        match self.strike()? {
            None => self.inner.append(bytes),
            Some(tear) => {
                let done = bytes.get(..tear.of(bytes.len())).unwrap_or_default();
                if !done.is_empty() {
                    self.inner.append(done)?;
                }
                Err(MediumError)
            }
        }
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        match self.strike()? {
            None => self.inner.replace(bytes),
            Some(tear) => {
                if tear.of(bytes.len()) == bytes.len() {
                    self.inner.replace(bytes)?;
                }
                Err(MediumError)
            }
        }
    }
}

#[cfg(test)]
impl TornMedium {
    /// Power fails at byte `at` of write number `write`, both from 0.
    pub(crate) fn new(inner: MemoryMedium, write: usize, at: usize) -> Self {
        let mut medium = Self::lasting(inner);
        medium.cut(write, Tear::At(at));
        medium
    }

    /// Number of writes asked for.
    pub(crate) const fn writes(&self) -> usize {
        self.count
    }
}
