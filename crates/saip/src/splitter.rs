use zeroize::Zeroizing;

use crate::Error;

/// Cuts a profile package into its profile elements while it arrives. The pieces
/// it is fed end anywhere (a bound profile package is cut without regard to the
/// elements inside, SGP.22 §2.5.3).
///
/// ```
/// let mut splitter = saip::Splitter::new();
/// splitter.push(&[0xAA, 0x07, 0xA0, 0x05, 0x80, 0x00]).unwrap();
/// assert!(splitter.next_element().unwrap().is_none());
/// splitter.push(&[0x81, 0x01, 0x1F]).unwrap();
/// let end = splitter.next_element().unwrap().unwrap();
/// assert_eq!(end[..], [0xAA, 0x07, 0xA0, 0x05, 0x80, 0x00, 0x81, 0x01, 0x1F]);
/// splitter.finish().unwrap();
/// ```
pub struct Splitter {
    buffer: Zeroizing<Vec<u8>>,
    /// Where in the buffer the next element begins: what lies before has been taken.
    start: usize,
    limit: usize,
}

impl Splitter {
    /// The largest profile element taken unless told otherwise: room for a
    /// load block of Java Card code.
    pub const LIMIT: usize = 256 * 1024;

    /// A splitter for elements of at most [`Splitter::LIMIT`] bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Self::LIMIT)
    }

    /// A splitter for elements of at most `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { buffer: Zeroizing::new(Vec::new()), start: 0, limit }
    }

    /// Adds what has arrived. The elements that it completes are then to be
    /// taken with [`Splitter::next_element`].
    ///
    /// # Errors
    /// [`Error::TooLarge`] when more than two elements' worth of bytes would wait.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.drain(..self.start);
        self.start = 0;
        if bytes.len() > self.limit.saturating_mul(2).saturating_sub(self.buffer.len()) {
            return Err(Error::TooLarge);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next complete profile element, tag and length included; `None` until
    /// more has arrived.
    ///
    /// # Errors
    /// For a head that can start no profile element: nothing after it can be
    /// understood, and the error repeats.
    pub fn next_element(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let Some(&first) = rest.first() else {
            return Ok(None);
        };
        // Every alternative of ProfileElement is a context-specific SEQUENCE.
        if first & 0xE0 != 0xA0 {
            return Err(Error::Value("ProfileElement"));
        }
        let Some(head) = tlv::head(rest)? else {
            return Ok(None);
        };
        if head.total_len() > self.limit {
            return Err(Error::TooLarge);
        }
        let Some(element) = rest.get(..head.total_len()) else {
            return Ok(None);
        };
        let element = Zeroizing::new(element.to_vec());
        self.start += element.len();
        Ok(Some(element))
    }

    /// Asserts that no element is left half arrived.
    ///
    /// # Errors
    /// [`tlv::Error::Truncated`] when one is.
    pub fn finish(&self) -> Result<(), Error> {
        if self.start == self.buffer.len() { Ok(()) } else { Err(Error::Tlv(tlv::Error::Truncated)) }
    }

    /// Cuts a package that is there as a whole.
    ///
    /// # Errors
    /// As [`Splitter::next_element`] and [`Splitter::finish`].
    pub fn split(package: &[u8]) -> Result<Vec<&[u8]>, Error> {
        let mut reader = tlv::Reader::new(package);
        let mut elements = Vec::new();
        while let Some(element) = reader.next()? {
            if element.raw.first().is_none_or(|first| first & 0xE0 != 0xA0) {
                return Err(Error::Value("ProfileElement"));
            }
            elements.push(element.raw);
        }
        Ok(elements)
    }
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}
