use alloc::vec::Vec;

use crate::StatusWord;

/// A response APDU: data and status word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Response data, possibly empty.
    pub data: Vec<u8>,
    /// Status word.
    pub sw: StatusWord,
}

impl Response {
    /// A response with data.
    #[must_use]
    pub const fn new(data: Vec<u8>, sw: StatusWord) -> Self {
        Self { data, sw }
    }

    /// Reads a response APDU; `None` for fewer than the two status bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (data, sw) = bytes.split_last_chunk::<2>()?;
        Some(Self { data: data.to_vec(), sw: StatusWord(u16::from_be_bytes(*sw)) })
    }

    /// The bytes of the response.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        [&self.data[..], &self.sw.0.to_be_bytes()].concat()
    }
}

impl From<StatusWord> for Response {
    fn from(sw: StatusWord) -> Self {
        Self { data: Vec::new(), sw }
    }
}
