use zeroize::Zeroizing;

use crate::Error;

/// Bytes that are wiped when dropped and that no formatter shows: a key, a PIN
/// or a PUK.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as an array; `None` for any other length.
    #[must_use]
    pub fn expose_array<const N: usize>(&self) -> Option<Zeroizing<[u8; N]>> {
        self.0.as_slice().try_into().ok().map(Zeroizing::new)
    }

    /// How many bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a secret is never empty on purpose")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn sized(bytes: &[u8], sizes: &[usize], name: &'static str) -> Result<Self, Error> {
        if sizes.contains(&bytes.len()) { Ok(Self::new(bytes)) } else { Err(Error::Value(name)) }
    }
}
