//! Access point names (3GPP TS 23.003 §9.1).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest APN, in characters: 100 bytes on the wire less the length of the first label.
const MAX: usize = 99;

/// The network identifier of an APN in lower case, such as `internet`. What a terminal
/// appends of the operator identifier (`.mncNNN.mccNNN.gprs`) is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Apn(String);

/// A text that is no APN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidApn;

impl fmt::Display for InvalidApn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an APN is made of labels of letters, digits and hyphens, joined by dots")
    }
}

impl std::error::Error for InvalidApn {}

impl Apn {
    /// Reads an APN, with or without an operator identifier.
    ///
    /// # Errors
    /// Anything TS 23.003 §9.1.1 does not allow.
    pub fn parse(text: &str) -> Result<Self, InvalidApn> {
        if text.len() > MAX {
            return Err(InvalidApn);
        }
        let lower = text.to_ascii_lowercase();
        let identifier = without_operator(&lower);
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let reserved = ["rac", "lac", "sgsn", "rnc"];
        if !identifier.split('.').all(label)
            || reserved.iter().any(|prefix| identifier.starts_with(prefix))
            || identifier.ends_with(".gprs")
        {
            return Err(InvalidApn);
        }
        Ok(Self(identifier.to_owned()))
    }

    /// The network identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `apn` without `.mncNNN.mccNNN.gprs`.
fn without_operator(apn: &str) -> &str {
    let code = |label: &str, name: &str| {
        label
            .strip_prefix(name)
            .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut parts = apn.rsplitn(4, '.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("gprs"), Some(mcc), Some(mnc), Some(identifier)) if code(mcc, "mcc") && code(mnc, "mnc") => {
            identifier
        }
        _ => apn,
    }
}

impl TryFrom<String> for Apn {
    type Error = InvalidApn;

    fn try_from(text: String) -> Result<Self, InvalidApn> {
        Self::parse(&text)
    }
}

impl From<Apn> for String {
    fn from(apn: Apn) -> Self {
        apn.0
    }
}

impl fmt::Display for Apn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_terminals_send() {
        for (text, expected) in [
            ("internet", "internet"),
            ("Internet", "internet"),
            ("web.example-mno.test", "web.example-mno.test"),
            ("internet.mnc001.mcc001.gprs", "internet"),
            ("a.b.mnc01.mcc001", "a.b.mnc01.mcc001"),
        ] {
            assert_eq!(Apn::parse(text).map(String::from), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_apn() {
        let long_label = "a".repeat(64);
        let long = ["a"; 51].join(".");
        for text in [
            "",
            ".",
            "a..b",
            "a.",
            ".a",
            "a b",
            "a_b",
            "-a",
            "a-",
            "rac1",
            "LAC",
            "sgsn.x",
            "rnc.y",
            "internet.gprs",
            "internet.mnc1.mcc001.gprs",
            "*",
            "internet\0",
            "интернет",
            &long_label,
            &long,
        ] {
            assert_eq!(Apn::parse(text), Err(InvalidApn), "{text:?}");
        }
    }
}
