//! What a platform gives the chip to live in.

use core::fmt;

/// Bytes that outlive the power.
pub trait Medium {
    /// All bytes there are; none for a medium that was never written.
    ///
    /// # Errors
    /// When they cannot be read.
    fn load(&mut self) -> Result<Vec<u8>, MediumError>;

    /// Adds bytes at the end. They are durable when this returns.
    ///
    /// # Errors
    /// When it is not known whether they are there: none, some or all may be.
    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError>;

    /// Puts `bytes` in the place of everything, atomically: after a power
    /// failure either the old or the new bytes are there, whole.
    ///
    /// # Errors
    /// When it is not known which of the two are there.
    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError>;
}

/// The platform failed to read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumError;

impl fmt::Display for MediumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the medium failed")
    }
}

impl core::error::Error for MediumError {}

/// A medium in memory: for tests and for chips that need not last.
#[derive(Clone, Default)]
pub struct MemoryMedium {
    bytes: Vec<u8>,
}

impl MemoryMedium {
    /// A medium that was never written.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// A medium that holds what another one held.
    #[must_use]
    pub const fn holding(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// What stands on the medium. It contains the secrets of the chip.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Medium for MemoryMedium {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        Ok(self.bytes.clone())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.bytes = bytes.to_vec();
        Ok(())
    }
}

/// A medium in a file that only its owner may read.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug)]
pub struct FileMedium {
    path: std::path::PathBuf,
    file: Option<std::fs::File>,
    failure: Option<std::io::Error>,
}

#[cfg(not(target_arch = "wasm32"))]
impl FileMedium {
    /// A medium in the file at `path`, which need not exist yet.
    #[must_use]
    pub fn new(path: impl Into<std::path::PathBuf>) -> Self {
        Self { path: path.into(), file: None, failure: None }
    }

    /// What went wrong last, if anything did: [`MediumError`] cannot say it.
    pub const fn take_failure(&mut self) -> Option<std::io::Error> {
        self.failure.take()
    }

    fn told<T>(&mut self, result: std::io::Result<T>) -> Result<T, MediumError> {
        result.map_err(|error| {
            self.failure = Some(error);
            MediumError
        })
    }

    fn options() -> std::fs::OpenOptions {
        let mut options = std::fs::OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
    }

    fn write_durably(file: &mut std::fs::File, bytes: &[u8]) -> std::io::Result<()> {
        use std::io::Write as _;
        file.write_all(bytes)?;
        file.sync_data()
    }

    fn open(&mut self) -> std::io::Result<&mut std::fs::File> {
        if self.file.is_none() {
            self.file = Some(Self::options().create(true).append(true).open(&self.path)?);
        }
        self.file.as_mut().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn swap(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let mut new = Self::options().create(true).write(true).truncate(true).open(&name)?;
        Self::write_durably(&mut new, bytes)?;
        self.file = None;
        std::fs::rename(&name, &self.path)?;
        // The new name itself must last too.
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            let folder = if folder.as_os_str().is_empty() { std::path::Path::new(".") } else { folder };
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Medium for FileMedium {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => self.told(Err(error)),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        let done = self.open().and_then(|file| Self::write_durably(file, bytes));
        self.told(done)
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        let done = self.swap(bytes);
        self.told(done)
    }
}
