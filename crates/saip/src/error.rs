use core::fmt;

/// Why bytes are not the profile element they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not the data objects of the definition.
    Tlv(tlv::Error),
    /// The named ASN.1 type did not decode or encode.
    Asn1(&'static str),
    /// The named component has a value that the definition does not allow.
    Value(&'static str),
    /// More bytes than a profile element may have here.
    TooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tlv(error) => error.fmt(f),
            Self::Asn1(name) => write!(f, "{name} does not follow its definition"),
            Self::Value(name) => write!(f, "value of {name} is not allowed"),
            Self::TooLarge => f.write_str("profile element is too large"),
        }
    }
}

impl core::error::Error for Error {}

impl From<tlv::Error> for Error {
    fn from(error: tlv::Error) -> Self {
        Self::Tlv(error)
    }
}
