//! The activation code (SGP.22 §4.1): what a person scans, pastes or types.

use core::fmt;
use core::str::FromStr;

use crate::ids::{MatchingId, Oid};

/// The longest code that is read, in characters after the prefix.
pub const MAX_LEN: usize = 255;

/// The longest text that a code is looked for in: a link with percent-encoding.
const MAX_TEXT: usize = 4096;

/// `1$SM-DP+ address$matching id[$SM-DP+ OID[$1[$CI key indicator[$1]]]]`.
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
    /// Asks the device to send the notification of a deletion before the profile is issued
    /// for another device (SGP.22 version 3, §4.1): an announcement, which binds nobody.
    pub delete_notification_for_device_change: bool,
}

/// Why text is not an activation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidActivationCode {
    /// Nothing was given.
    Empty,
    /// More than [`MAX_LEN`] characters.
    TooLong,
    /// No part of it is an activation code: other text.
    Format,
    /// A link of the web that carries no activation code.
    Link,
    /// A `%` that two hexadecimal digits do not follow, or that does not stand for text.
    PercentEncoding,
    /// The format's number is not 1: a code of a later standard.
    Version,
    /// The SM-DP+ address is missing.
    AddressMissing,
    /// A link stands where the SM-DP+ address should be.
    AddressIsLink,
    /// The SM-DP+ address is not a host name with an optional port.
    Address,
    /// The matching id has a character that is not allowed.
    MatchingId,
    /// The SM-DP+ OID is not an object identifier.
    Oid,
    /// The confirmation code flag is neither empty nor `1`.
    ConfirmationFlag,
    /// The CI key indicator is not hexadecimal digits.
    CiKeyIndicator,
    /// The flag of the notification for a change of device is neither empty nor `1`.
    DeleteNotificationFlag,
    /// There are more than seven fields.
    TooManyFields,
}

impl InvalidActivationCode {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Empty,
        Self::TooLong,
        Self::Format,
        Self::Link,
        Self::PercentEncoding,
        Self::Version,
        Self::AddressMissing,
        Self::AddressIsLink,
        Self::Address,
        Self::MatchingId,
        Self::Oid,
        Self::ConfirmationFlag,
        Self::CiKeyIndicator,
        Self::DeleteNotificationFlag,
        Self::TooManyFields,
    ];
}

impl fmt::Display for InvalidActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the activation code is empty",
            Self::TooLong => "the activation code is longer than 255 characters",
            Self::Format => "an activation code starts with LPA:1$ or 1$",
            Self::Link => "this link carries no activation code",
            Self::PercentEncoding => "a % in the link is not followed by two hexadecimal digits",
            Self::Version => "this activation code is of a format that is not known",
            Self::AddressMissing => "the server address after the first $ is missing",
            Self::AddressIsLink => "the part after the first $ is a link, not a server address",
            Self::Address => "the part after the first $ is not a server address",
            Self::MatchingId => "the part after the second $ may hold letters, digits and hyphens only",
            Self::Oid => "the part after the third $ is not an object identifier",
            Self::ConfirmationFlag => "the part after the fourth $ may only be 1",
            Self::CiKeyIndicator => "the part after the fifth $ may hold hexadecimal digits only",
            Self::DeleteNotificationFlag => "the part after the sixth $ may only be 1",
            Self::TooManyFields => "the activation code has too many parts",
        })
    }
}

impl core::error::Error for InvalidActivationCode {}

impl FromStr for ActivationCode {
    type Err = InvalidActivationCode;

    /// Reads a code as people have it: with `LPA:` in any case or without; as a link
    /// (`lpa:`, `web+lpa:`, or one of the web with `carddata=`) with percent-encoding; with
    /// the white space, invisible characters, full-width letters and typographic hyphens
    /// that pasting brings. Empty fields at the end are allowed.
    fn from_str(text: &str) -> Result<Self, InvalidActivationCode> {
        use InvalidActivationCode as Invalid;
        if text.len() > MAX_TEXT {
            return Err(Invalid::TooLong);
        }
        let text = without_prefix(&plain(text))?;
        if text.is_empty() {
            return Err(Invalid::Empty);
        }
        if text.chars().count() > MAX_LEN {
            return Err(Invalid::TooLong);
        }
        let mut fields = text.split('$');
        match fields.next().unwrap_or_default() {
            "1" => {}
            format
                if text.contains('$') && !format.is_empty() && format.bytes().all(|c| c.is_ascii_digit()) =>
            {
                return Err(Invalid::Version);
            }
            _ => return Err(Invalid::Format),
        }
        let smdp_address = match fields.next().unwrap_or_default() {
            "" => return Err(Invalid::AddressMissing),
            link if link.contains("://") => return Err(Invalid::AddressIsLink),
            host if !is_address(host) => return Err(Invalid::Address),
            host => host.to_owned(),
        };
        let mut field = || fields.next().unwrap_or_default();
        let flag = |field: &str, invalid| match field {
            "" => Ok(false),
            "1" => Ok(true),
            _ => Err(invalid),
        };
        let matching_id = field().parse().map_err(|_| Invalid::MatchingId)?;
        let smdp_oid = match field() {
            "" => None,
            oid => Some(oid.parse().map_err(|_| Invalid::Oid)?),
        };
        let confirmation_code_required = flag(field(), Invalid::ConfirmationFlag)?;
        let (indicator, last) = (field(), field());
        // The indicator is whole bytes; a lone 1 is the flag behind it, the indicator left out.
        let (indicator, last) = if (indicator, last) == ("1", "") { ("", "1") } else { (indicator, last) };
        if !indicator.bytes().all(|c| c.is_ascii_hexdigit()) || indicator.len() % 2 != 0 {
            return Err(Invalid::CiKeyIndicator);
        }
        let delete_notification_for_device_change = flag(last, Invalid::DeleteNotificationFlag)?;
        if fields.any(|field| !field.is_empty()) {
            return Err(Invalid::TooManyFields);
        }
        Ok(Self {
            smdp_address,
            matching_id,
            smdp_oid,
            confirmation_code_required,
            delete_notification_for_device_change,
        })
    }
}

impl fmt::Display for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1${}${}", self.smdp_address, self.matching_id)?;
        let oid = self.smdp_oid.as_ref().map(ToString::to_string).unwrap_or_default();
        let confirmation = if self.confirmation_code_required { "1" } else { "" };
        if self.delete_notification_for_device_change {
            write!(f, "${oid}${confirmation}$$1")
        } else if self.confirmation_code_required {
            write!(f, "${oid}$1")
        } else if self.smdp_oid.is_some() {
            write!(f, "${oid}")
        } else {
            Ok(())
        }
    }
}

/// What pasting leaves: nothing that is not seen, and ASCII for what looks like it.
fn plain(text: &str) -> String {
    let visible = |c: &char| {
        let invisible = matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}');
        !c.is_whitespace() && !c.is_control() && !invisible
    };
    let ascii = |c: char| match c {
        // Full-width forms.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        // Hyphens, dashes, minus, and the prolonged sound mark of Japanese keyboards.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{30FC}' | '\u{FF70}' => '-',
        // The full stop and the dollar sign of other scripts.
        '\u{3002}' | '\u{FF61}' => '.',
        '\u{FE69}' => '$',
        c => c,
    };
    text.chars().filter(visible).map(ascii).collect()
}

/// The code in a link or behind `LPA:`, as far as there is one.
fn without_prefix(text: &str) -> Result<String, InvalidActivationCode> {
    let is_web = |text: &str| ["https://", "http://"].iter().any(|scheme| starts_with(text, scheme));
    let text = if is_web(text) {
        let (_, query) = text.split_once('?').ok_or(InvalidActivationCode::Link)?;
        let query = query.split('#').next().unwrap_or_default();
        let value = query.split('&').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.eq_ignore_ascii_case("carddata").then_some(value)
        });
        value.ok_or(InvalidActivationCode::Link)?
    } else {
        text
    };
    let mut text = percent_decoded(text)?;
    // `web+lpa:` carries the whole `lpa:` link in it on some systems.
    for prefix in ["web+lpa:", "//", "lpa:", "//"] {
        if starts_with(&text, prefix) {
            text.drain(..prefix.len());
        }
    }
    Ok(text)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
}

/// No field of a code holds a `%`: where there is one it stands for something else.
fn percent_decoded(text: &str) -> Result<String, InvalidActivationCode> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(InvalidActivationCode::PercentEncoding)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).map_err(|_| InvalidActivationCode::PercentEncoding)?;
        bytes.extend_from_slice(&byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    let text = String::from_utf8(bytes).map_err(|_| InvalidActivationCode::PercentEncoding)?;
    Ok(plain(&text))
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
