//! BER-TLV data objects (ITU-T X.690, ISO 7816-4 §5.2.2): a reader that is
//! tolerant where SGP.22 is extensible and keeps the bytes as received, and a
//! writer that emits DER (shortest lengths).
//!
//! ```text
//!   bytes ──► Reader ──► Tlv { tag, value, raw }     raw: exactly as received
//!   Writer ──► bytes                                 lengths: shortest form
//! ```
//!
//! Tolerant means: unknown data objects are skipped (SGP.22 modules are
//! `EXTENSIBILITY IMPLIED`), lengths need not be in the shortest form. Not
//! tolerated: an indefinite length, a value that runs past its container, a
//! tag of more than three bytes. The reader never recurses and never allocates.

mod read;
mod write;

pub use read::{Fields, Head, Reader, Tlv, head, tag};
pub use write::{Writer, encode};

use core::fmt;

/// A tag as it stands on the wire, its one to three bytes read big-endian:
/// `Tag(0x80)`, `Tag(0x9F70)`, `Tag(0xBF36)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

impl Tag {
    /// `BOOLEAN`.
    pub const BOOLEAN: Self = Self(0x01);
    /// `INTEGER`.
    pub const INTEGER: Self = Self(0x02);
    /// `BIT STRING`.
    pub const BIT_STRING: Self = Self(0x03);
    /// `OCTET STRING`.
    pub const OCTET_STRING: Self = Self(0x04);
    /// `OBJECT IDENTIFIER`.
    pub const OID: Self = Self(0x06);
    /// `UTF8String`.
    pub const UTF8_STRING: Self = Self(0x0C);
    /// `SEQUENCE` and `SEQUENCE OF`.
    pub const SEQUENCE: Self = Self(0x30);

    /// The context-specific primitive tag `[number]`.
    #[must_use]
    pub const fn context(number: u8) -> Self {
        Self::class(0x80, number)
    }

    /// The context-specific constructed tag `[number]`.
    #[must_use]
    pub const fn context_constructed(number: u8) -> Self {
        Self::class(0xA0, number)
    }

    const fn class(lead: u8, number: u8) -> Self {
        if number < 31 {
            Self((lead | number) as u32)
        } else if number < 128 {
            Self(((lead | 0x1F) as u32) << 8 | number as u32)
        } else {
            Self(((lead | 0x1F) as u32) << 16 | (0x80 | (number >> 7) as u32) << 8 | (number & 0x7F) as u32)
        }
    }

    /// Whether the value is itself made of data objects (bit 6 of the first byte).
    #[must_use]
    pub const fn is_constructed(self) -> bool {
        let first = if self.0 > 0xFFFF {
            self.0 >> 16
        } else if self.0 > 0xFF {
            self.0 >> 8
        } else {
            self.0
        };
        first & 0x20 != 0
    }

    /// How many bytes the tag takes on the wire, 1 to 3.
    #[must_use]
    pub const fn encoded_len(self) -> usize {
        if self.0 > 0xFFFF {
            3
        } else if self.0 > 0xFF {
            2
        } else {
            1
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$X}", self.0, width = self.encoded_len() * 2)
    }
}

/// Why bytes are not the data objects they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes end inside a tag, a length or a value.
    Truncated,
    /// A tag of more than three bytes.
    TagTooLong,
    /// The indefinite length form, or a length of more than four bytes.
    Length,
    /// A data object stands where another one must stand.
    Unexpected {
        /// What must stand there.
        expected: Tag,
        /// What stands there.
        found: Tag,
    },
    /// A mandatory data object is absent.
    Missing(Tag),
    /// Bytes follow the last data object that may be there.
    Trailing,
    /// The value has a length or content that its type does not allow.
    Value(Tag),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("data ends inside a data object"),
            Self::TagTooLong => f.write_str("tag of more than three bytes"),
            Self::Length => f.write_str("indefinite or oversized length"),
            Self::Unexpected { expected, found } => {
                write!(f, "data object {found} where {expected} must stand")
            }
            Self::Missing(tag) => write!(f, "mandatory data object {tag} is absent"),
            Self::Trailing => f.write_str("bytes after the last data object"),
            Self::Value(tag) => write!(f, "value of data object {tag} is not allowed"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests;
