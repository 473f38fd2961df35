//! One line of JSON for every call: what was asked for and how it ended. It holds no
//! secret, and no identifier of a profile in full unless that is asked for.

use rsp::Iccid;
use rsp::status::StatusCode;
use serde::Serialize;

/// How an identifier is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identifiers {
    /// Its beginning and its end: enough to find the line of a known one.
    #[default]
    Shortened,
    /// In full, by configuration (`SMDP_LOG_IDENTIFIERS` = `full`).
    Full,
}

/// A call and its outcome; among the extensions of the response to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `es9plus`, `es2plus` or `operator`.
    pub interface: &'static str,
    /// The function, or the first part of the operator's path.
    pub function: String,
    /// Of HTTP.
    pub status: u16,
    /// The standard's refusal.
    pub refused: Option<StatusCode>,
    /// The profile that it was about, as far as it came to one.
    pub profile: Option<Iccid>,
}

/// What a refusal leaves for the log.
#[derive(Clone, Copy)]
pub(crate) struct Refused(pub(crate) StatusCode);

impl Line {
    /// The line.
    #[must_use]
    pub fn json(&self, identifiers: Identifiers) -> String {
        #[derive(Serialize)]
        struct Json<'a> {
            interface: &'a str,
            function: &'a str,
            status: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            refused: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            profile: Option<String>,
        }
        let json = Json {
            interface: self.interface,
            function: &self.function,
            status: self.status,
            refused: self.refused.map(|code| format!("{}/{}", code.subject, code.reason)),
            profile: self.profile.map(|iccid| identifiers.write(&iccid.to_string())),
        };
        serde_json::to_string(&json).unwrap_or_default()
    }
}

impl Identifiers {
    fn write(self, digits: &str) -> String {
        match (self, digits.get(..6), digits.len().checked_sub(4).and_then(|at| digits.get(at..))) {
            (Self::Shortened, Some(begin), Some(end)) => format!("{begin}…{end}"),
            (Self::Shortened, ..) => "…".to_owned(),
            (Self::Full, ..) => digits.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_and_short_of_identifiers() {
        let line = Line {
            interface: "es9plus",
            function: "authenticateClient".into(),
            status: 200,
            refused: Some(StatusCode::MATCHING_ID_REFUSED),
            profile: Some("8900101000000000016".parse().unwrap()),
        };
        let short = r#"{"interface":"es9plus","function":"authenticateClient","status":200,"refused":"8.2.6/3.8","profile":"890010…0016"}"#;
        assert_eq!(line.json(Identifiers::Shortened), short);
        assert!(line.json(Identifiers::Full).contains("8900101000000000016"));
        let bare = Line { refused: None, profile: None, ..line };
        assert_eq!(bare.json(Identifiers::Shortened).matches(':').count(), 3);
    }
}
