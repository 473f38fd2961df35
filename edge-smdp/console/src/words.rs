//! What went wrong, and what to do next.

use crate::api::{Problem, StatusCodeData};

/// Something that went wrong, for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// What the person can do.
    pub next: String,
    /// Codes, for who looks for the cause.
    pub codes: Option<String>,
    /// Whether the same request may well pass in a while.
    pub passing: bool,
}

impl Trouble {
    /// One that has no codes and does not pass by itself.
    #[must_use]
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into(), codes: None, passing: false }
    }

    /// The browser got no answer at all.
    #[must_use]
    pub fn no_answer(because: &str) -> Self {
        Self {
            what: "The server could not be reached.".to_owned(),
            next:
                "Check the connection and try again. Behind a sign-in page, reload this page to sign in anew."
                    .to_owned(),
            codes: Some(because.to_owned()).filter(|text| !text.is_empty()),
            passing: true,
        }
    }

    /// The answer can't be read.
    #[must_use]
    pub fn not_understood(because: &str) -> Self {
        Self {
            what: "The server’s answer can’t be read.".to_owned(),
            next:
                "Reload the page: the server may be newer than this console. If that does not help, its log \
                   says more."
                    .to_owned(),
            codes: Some(because.to_owned()),
            passing: false,
        }
    }

    /// An answer that is no success: its status, and the problem document if there was one.
    #[must_use]
    pub fn of_status(status: u16, problem: &Problem) -> Self {
        let (what, next) = match status {
            401 | 403 => ("The server asks for the operator’s token.", "Enter it and try again."),
            404 => (
                "The server has no such thing.",
                "It may have been deleted. Go back to the list and refresh.",
            ),
            409 => (
                "As things stand the server can’t do this.",
                "Refresh to see what has changed in the meantime.",
            ),
            408 | 504 => ("The server took too long.", "Try again; if it stays so, ask for less at a time."),
            413 => (
                "This is more than the server takes at once.",
                "Send less: fewer rows, or a smaller package.",
            ),
            429 => ("The server was asked too often.", "Wait a minute and try again."),
            400..=499 => ("The server does not accept this.", "Correct what is named and send it again."),
            503 => (
                "The server is not ready.",
                "Try again in a few seconds; if it stays so, the server’s log says why.",
            ),
            _ => ("The server failed.", "Try again; if it stays so, the server’s log says why."),
        };
        let said = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
        let what = if said.is_empty() { what.to_owned() } else { format!("{what} It says: {said}") };
        Self {
            what,
            next: next.to_owned(),
            codes: Some(format!("HTTP {status}")),
            passing: matches!(status, 408 | 429 | 500..=599),
        }
    }

    /// A refusal of the standard (SGP.22 §5.2.6).
    #[must_use]
    pub fn refused(code: &StatusCodeData) -> Self {
        let (what, next) = match (code.subject_code.as_str(), code.reason_code.as_str()) {
            ("8.2.1", "3.9") => (
                "There is no profile with this ICCID.",
                "Check the digits, or add the profile first (view Batch).",
            ),
            ("8.2.1", "3.3") => (
                "This profile has an order already.",
                "Look at that order, and revoke it there if it is no longer wanted.",
            ),
            ("8.2.5", "3.9") => {
                ("There is no such profile type.", "Choose one that is in the list of types.")
            }
            ("8.2.5", "3.7") => (
                "No profile of this type is left.",
                "Add subscribers for this type (view Batch), or choose another type.",
            ),
            ("8.2.6", "3.3") => (
                "This matching id belongs to another order.",
                "Choose another one, or leave the field empty to have one made.",
            ),
            ("8.2.6", "3.10") => ("The matching id is not this order’s.", "Refresh the order and try again."),
            ("8.1.1", "3.10") => {
                ("The order is for another EID.", "Check the EID, or revoke the order first.")
            }
            ("8.1.1", "2.2") => ("An EID is needed for this.", "Enter the EID of the device."),
            ("8.1.1", _) => ("The EID is not accepted.", "Check its 32 digits."),
            ("8.9" | "8.9.1" | "8.9.2" | "8.9.5", _) => (
                "The SM-DS did not take the event.",
                "Check the SM-DS address and whether that server is up, then try again.",
            ),
            (_, "3.5" | "1.2") => {
                ("The state of the profile does not allow this.", "Refresh to see how it stands now.")
            }
            (_, "4.2") => {
                ("The server could not carry it out.", "Try again; if it stays so, its log says why.")
            }
            (_, "2.1" | "2.2" | "2.3") => {
                ("A value is missing or not allowed.", "Check the fields and send it again.")
            }
            _ => ("The server refused.", "The codes say why (SGP.22 §5.2.6)."),
        };
        let what = if code.message.is_empty() {
            what.to_owned()
        } else {
            format!("{what} It says: {}", code.message)
        };
        Self {
            what,
            next: next.to_owned(),
            codes: Some(format!("subject {} / reason {}", code.subject_code, code.reason_code)),
            passing: false,
        }
    }
}

/// A number with its noun: `1 row`, `2 rows`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", digits(number as u64), if number == 1 { "" } else { "s" })
}

/// A number with its thousands apart.
#[must_use]
pub fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut out = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A length in bytes, for people.
#[must_use]
pub fn bytes(length: u64) -> String {
    match length {
        0..1024 => format!("{length} bytes"),
        1024..1_048_576 => format!("{}.{} KiB", length / 1024, length % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", length / 1_048_576, length % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_trouble_says_what_to_do_next() {
        for status in 300..=599 {
            let trouble = Trouble::of_status(status, &Problem::default());
            assert!(trouble.what.ends_with('.') && trouble.next.ends_with('.'), "{status}");
        }
        let told = Problem { title: "Conflict".into(), detail: "The profile is in use.".into() };
        assert!(Trouble::of_status(409, &told).what.ends_with("It says: The profile is in use."));
        assert!(Trouble::of_status(503, &Problem::default()).passing);
        assert!(!Trouble::of_status(400, &Problem::default()).passing);
    }

    #[test]
    fn the_standards_codes_are_said_beside_the_words() {
        let code = |subject: &str, reason: &str| StatusCodeData {
            subject_code: subject.into(),
            reason_code: reason.into(),
            message: String::new(),
        };
        let trouble = Trouble::refused(&code("8.2.6", "3.3"));
        assert!(trouble.what.contains("matching id"));
        assert_eq!(trouble.codes.as_deref(), Some("subject 8.2.6 / reason 3.3"));
        assert!(Trouble::refused(&code("9", "9")).next.contains("SGP.22"));
    }

    #[test]
    fn numbers_can_be_read() {
        assert_eq!((count(1, "row").as_str(), count(1200, "row").as_str()), ("1 row", "1,200 rows"));
        assert_eq!((digits(12), digits(1_234_567)), ("12".into(), "1,234,567".into()));
        assert_eq!(
            (bytes(999), bytes(1536), bytes(3 << 20)),
            ("999 bytes".into(), "1.5 KiB".into(), "3.0 MiB".into())
        );
    }
}
