//! What passes between the four parties, one row for each function of the standard.
//!
//! A function may take many exchanges on the wire (STORE DATA blocks, GET RESPONSE,
//! the segments of a package): they are the parts of its row.

/// A party of the system, in the order in which messages pass through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The eUICC.
    Chip,
    /// The phone with its LPA and its modem.
    Phone,
    /// The network.
    Network,
    /// The SM-DP+.
    Smdp,
}

impl Party {
    /// All four, from the chip outwards.
    pub const ALL: [Self; 4] = [Self::Chip, Self::Phone, Self::Network, Self::Smdp];

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chip => "Chip",
            Self::Phone => "Phone",
            Self::Network => "Network",
            Self::Smdp => "SM-DP+",
        }
    }

    /// Its name in style sheets.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Chip => "chip",
            Self::Phone => "phone",
            Self::Network => "network",
            Self::Smdp => "smdp",
        }
    }
}

/// The four steps of getting and using a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The phone attaches with the profile that is on.
    Attach,
    /// The LPA reaches the SM-DP+.
    Contact,
    /// eUICC and SM-DP+ authenticate each other; the profile is installed.
    Install,
    /// Another profile is switched on, and the phone attaches with it.
    Switch,
}

impl Step {
    /// All four in order.
    pub const ALL: [Self; 4] = [Self::Attach, Self::Contact, Self::Install, Self::Switch];

    /// 1 to 4.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has not.
    Open,
    /// Well, with what the receiver said: `9000`, `HTTP 200`.
    Good(String),
    /// Badly, with what the receiver said.
    Bad(String),
}

/// One exchange on the wire, as text: hexadecimal for APDUs, JSON for HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What was sent.
    pub request: String,
    /// What came back.
    pub response: String,
}

/// One function, called by one party of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Counts up.
    pub id: u32,
    /// Who calls.
    pub from: Party,
    /// Who answers.
    pub to: Party,
    /// The function, in the standard's words.
    pub name: String,
    /// The step it belongs to.
    pub step: Option<Step>,
    /// When it began, in milliseconds since the page was opened.
    pub at: f64,
    /// How long it has taken, in milliseconds.
    pub took: f64,
    /// Bytes sent.
    pub sent: usize,
    /// Bytes received.
    pub received: usize,
    /// Exchanges on the wire.
    pub count: usize,
    /// The first [`MAX_PARTS`] of them.
    pub parts: Vec<Part>,
    /// How it ended.
    pub ending: Ending,
}

/// Most exchanges on the wire that are kept of one row; the others are only counted.
pub const MAX_PARTS: usize = 64;

/// Longest text kept of one message.
const MAX_TEXT: usize = 24 * 1024;

impl Exchange {
    /// An exchange that begins.
    #[must_use]
    pub fn begin(id: u32, from: Party, to: Party, name: String, step: Option<Step>, at: f64) -> Self {
        Self {
            id,
            from,
            to,
            name,
            step,
            at,
            took: 0.0,
            sent: 0,
            received: 0,
            count: 0,
            parts: Vec::new(),
            ending: Ending::Open,
        }
    }

    /// Adds what went over the wire: sizes in bytes, texts to show, and how it ended.
    pub fn add(&mut self, sizes: (usize, usize), part: Part, ending: Ending, now: f64) {
        self.sent = self.sent.saturating_add(sizes.0);
        self.received = self.received.saturating_add(sizes.1);
        self.count = self.count.saturating_add(1);
        if self.parts.len() < MAX_PARTS {
            self.parts.push(Part { request: shortened(part.request), response: shortened(part.response) });
        }
        self.took = now - self.at;
        self.ending = ending;
    }

    /// Whether it failed.
    #[must_use]
    pub const fn failed(&self) -> bool {
        matches!(self.ending, Ending::Bad(_))
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        None => text,
        Some((at, _)) => format!("{}… ({} characters in all)", &text[..at], text.chars().count()),
    }
}

/// Bytes as pairs of hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = hex::encode_upper(bytes);
    let mut at = 2;
    while at < text.len() {
        text.insert(at, ' ');
        at += 3;
    }
    text
}

/// A number of bytes for people.
#[must_use]
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        _ => format!("{:.1} KiB", bytes as f64 / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_counts_all_and_keeps_some() {
        let mut exchange = Exchange::begin(1, Party::Phone, Party::Chip, "x".into(), None, 10.0);
        for n in 0..100 {
            let part = Part { request: format!("{n}"), response: "90 00".into() };
            exchange.add((5, 2), part, Ending::Good("9000".into()), 10.0 + f64::from(n));
        }
        assert_eq!((exchange.sent, exchange.received, exchange.count), (500, 200, 100));
        assert_eq!(exchange.parts.len(), MAX_PARTS);
        assert!((exchange.took - 99.0).abs() < f64::EPSILON);
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "é".repeat(MAX_TEXT + 1);
        let cut = shortened(long);
        assert!(cut.starts_with('é') && cut.ends_with("(24577 characters in all)"));
        assert_eq!(shortened("short".into()), "short");
    }

    #[test]
    fn bytes_are_shown_as_people_write_them() {
        assert_eq!(hex(&[0x00, 0xA4, 0xFF]), "00 A4 FF");
        assert_eq!(hex(&[]), "");
        assert_eq!((size(1023), size(2048)), ("1023 B".into(), "2.0 KiB".into()));
    }
}
