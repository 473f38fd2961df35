//! One line of JSON for every call: what was asked for, by whom and how it ended. It holds no
//! secret, and no identifier of a profile or an eUICC in full unless that is asked for.

use core::fmt;

use rsp::status::StatusCode;
use rsp::{Eid, Iccid, Oid, TransactionId};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// How an identifier is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identifiers {
    /// Its beginning and its end: enough to find the line of a known one.
    #[default]
    Shortened,
    /// In full, by configuration (`SMDP_LOG_IDENTIFIERS` = `full`).
    Full,
}

/// Who calls, once that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requester {
    /// A system of the operator that names itself so, behind the operator's token or a proxy
    /// (`functionRequesterIdentifier` of ES2+).
    System(Oid),
    /// Whoever has the operator's token.
    Token,
    /// Whoever an access proxy lets in.
    Proxy,
    /// An eUICC, by its signature.
    Euicc(Eid),
}

/// In full, as a time line has it.
impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(oid) => oid.fmt(f),
            Self::Token => f.write_str("operator-token"),
            Self::Proxy => f.write_str("access-proxy"),
            Self::Euicc(eid) => eid.fmt(f),
        }
    }
}

/// What a call came to be about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Who called.
    pub requester: Option<Requester>,
    /// The RSP session.
    pub session: Option<TransactionId>,
    /// The profile.
    pub profile: Option<Iccid>,
}

impl About {
    pub(crate) const NOTHING: Self = Self { requester: None, session: None, profile: None };
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
    /// What it was about, as far as it came to that.
    pub about: About,
}

/// What a refusal leaves for the log.
#[derive(Clone, Copy)]
pub(crate) struct Refused(pub(crate) StatusCode);

impl Line {
    /// The line; with how long the call took in milliseconds, where somebody has looked.
    ///
    /// A transaction id is written as the begin of its SHA-256 unless identifiers are in full: who
    /// reads the log finds the lines of a session, and cannot speak in it.
    #[must_use]
    pub fn json(&self, identifiers: Identifiers, milliseconds: Option<u64>) -> String {
        #[derive(Serialize)]
        struct Json<'a> {
            interface: &'a str,
            function: &'a str,
            status: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            refused: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            requester: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            session: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            profile: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            milliseconds: Option<u64>,
        }
        let About { requester, session, profile } = &self.about;
        let json = Json {
            interface: self.interface,
            function: &self.function,
            status: self.status,
            refused: self.refused.map(|code| format!("{}/{}", code.subject, code.reason)),
            requester: requester.as_ref().map(|requester| match requester {
                Requester::Euicc(eid) => identifiers.write(&eid.to_string()),
                other => other.to_string(),
            }),
            session: session.as_ref().map(|id| match identifiers {
                Identifiers::Full => id.to_string(),
                Identifiers::Shortened => {
                    let [a, b, c, d, e, f, ..]: [u8; 32] = Sha256::digest(id.as_bytes()).into();
                    hex::encode([a, b, c, d, e, f])
                }
            }),
            profile: profile.map(|iccid| identifiers.write(&iccid.to_string())),
            milliseconds,
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
        let eid = "89049032123451234512345678901235";
        let line = Line {
            interface: "es9plus",
            function: "authenticateClient".into(),
            status: 200,
            refused: Some(StatusCode::MATCHING_ID_REFUSED),
            about: About {
                requester: Some(Requester::Euicc(eid.parse().unwrap())),
                session: Some("00112233445566778899AABBCCDDEEFF".parse().unwrap()),
                profile: Some("8900101000000000016".parse().unwrap()),
            },
        };
        // The session is what `printf 00112233445566778899AABBCCDDEEFF | xxd -r -p | sha256sum` begins with.
        let short = r#"{"interface":"es9plus","function":"authenticateClient","status":200,"refused":"8.2.6/3.8","requester":"890490…1235","session":"a8faed6abbf3","profile":"890010…0016","milliseconds":7}"#;
        assert_eq!(line.json(Identifiers::Shortened, Some(7)), short);
        let full = line.json(Identifiers::Full, None);
        for identifier in [eid, "8900101000000000016", "00112233445566778899AABBCCDDEEFF"] {
            assert!(full.contains(identifier), "{full}");
        }
        let bare = Line { refused: None, about: About::default(), ..line };
        assert_eq!(bare.json(Identifiers::Shortened, None).matches(':').count(), 3);
        let system =
            About { requester: Some(Requester::System("2.999.1".parse().unwrap())), ..About::default() };
        let system = Line { about: system, ..bare };
        assert!(system.json(Identifiers::Shortened, None).contains(r#""requester":"2.999.1""#));
    }
}
