use core::ops::Deref;

use tlv::Error;

/// A data object of SGP.22 that reads from bytes and writes as DER.
pub trait DataObject: Sized {
    /// Reads a buffer that holds exactly this data object.
    ///
    /// # Errors
    /// When it holds another one, or a mandatory component is absent or has a
    /// value that its type does not allow.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;

    /// Its DER encoding.
    fn encode(&self) -> Vec<u8>;
}

/// A value and the bytes it came from. Signatures are verified over, stored
/// and forwarded as these bytes: decoding and encoding again would change what
/// a peer with unknown extensions or lax lengths has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw<T> {
    value: T,
    bytes: Vec<u8>,
}

impl<T: DataObject> Raw<T> {
    /// Reads the value and keeps the bytes.
    ///
    /// # Errors
    /// As [`DataObject::decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self { value: T::decode(bytes)?, bytes: bytes.to_vec() })
    }

    /// A value of our own making, encoded once.
    pub fn new(value: T) -> Self {
        let bytes = value.encode();
        Self { value, bytes }
    }
}

impl<T> Raw<T> {
    /// The bytes: tag, length and value as received.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The value without its bytes.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Raw<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
