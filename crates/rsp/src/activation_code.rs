//! The activation code (SGP.22 §4.1): what a person scans, pastes or types.

use core::fmt;
use core::str::FromStr;

use crate::ids::{MatchingId, Oid};

/// The longest code that is read, in characters after the prefix.
pub const MAX_LEN: usize = 255;

/// `1$SM-DP+ address$matching id[$SM-DP+ OID[$1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationCode {
    /// Host name of the SM-DP+, with `:port` in practice; as given.
    pub smdp_address: String,
    /// The token; may be empty.
    pub matching_id: MatchingId,
    /// When present it must equal the OID in the SM-DP+'s certificates.
    pub smdp_oid: Option<Oid>,
    /// Announces that a confirmation code will be asked for. Only the server's
    /// `ccRequiredFlag` decides.
    pub confirmation_code_required: bool,
}

/// Why text is not an activation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidActivationCode {
    /// Nothing was given.
    Empty,
    /// More than [`MAX_LEN`] characters.
    TooLong,
    /// The first field is not `1`: another format, or not an activation code.
    Format,
    /// The SM-DP+ address is empty or not a host name with an optional port.
    Address,
    /// The matching id has a character that is not allowed.
    MatchingId,
    /// The third field is not an object identifier.
    Oid,
    /// The fourth field is neither empty nor `1`.
    ConfirmationFlag,
    /// There are more than five fields.
    TooManyFields,
}

impl fmt::Display for InvalidActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the activation code is empty",
            Self::TooLong => "the activation code is longer than 255 characters",
            Self::Format => "an activation code starts with LPA:1$ or 1$",
            Self::Address => "the part after the first $ is not a server address",
            Self::MatchingId => "the part after the second $ may hold letters, digits and hyphens only",
            Self::Oid => "the part after the third $ is not an object identifier",
            Self::ConfirmationFlag => "the part after the fourth $ may only be 1",
            Self::TooManyFields => "the activation code has too many parts",
        })
    }
}

impl core::error::Error for InvalidActivationCode {}

impl FromStr for ActivationCode {
    type Err = InvalidActivationCode;

    /// Reads a code; `LPA:` in any case and white space around it or inside
    /// (line breaks of a mail) are dropped; empty fields at the end are allowed.
    fn from_str(text: &str) -> Result<Self, InvalidActivationCode> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let code = match text.get(..4) {
            Some(prefix) if prefix.eq_ignore_ascii_case("LPA:") => &text[4..],
            _ => &text,
        };
        if code.is_empty() {
            return Err(InvalidActivationCode::Empty);
        }
        if code.chars().count() > MAX_LEN {
            return Err(InvalidActivationCode::TooLong);
        }
        let mut fields = code.split('$');
        if fields.next() != Some("1") {
            return Err(InvalidActivationCode::Format);
        }
        let smdp_address =
            fields.next().filter(|host| is_address(host)).ok_or(InvalidActivationCode::Address)?.to_owned();
        let matching_id =
            fields.next().unwrap_or("").parse().map_err(|_| InvalidActivationCode::MatchingId)?;
        let smdp_oid = match fields.next().unwrap_or("") {
            "" => None,
            oid => Some(oid.parse().map_err(|_| InvalidActivationCode::Oid)?),
        };
        let confirmation_code_required = match fields.next().unwrap_or("") {
            "" => false,
            "1" => true,
            _ => return Err(InvalidActivationCode::ConfirmationFlag),
        };
        if fields.any(|field| !field.is_empty()) {
            return Err(InvalidActivationCode::TooManyFields);
        }
        Ok(Self { smdp_address, matching_id, smdp_oid, confirmation_code_required })
    }
}

impl fmt::Display for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1${}${}", self.smdp_address, self.matching_id)?;
        match (&self.smdp_oid, self.confirmation_code_required) {
            (None, false) => Ok(()),
            (None, true) => f.write_str("$$1"),
            (Some(oid), false) => write!(f, "${oid}"),
            (Some(oid), true) => write!(f, "${oid}$1"),
        }
    }
}

/// A host name of letters, digits, hyphens and dots (no user, no path), with an
/// optional port.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric =
        |port: &str| port.bytes().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0);
    host.len() <= 253 && host.split('.').all(label) && port.is_none_or(numeric)
}
