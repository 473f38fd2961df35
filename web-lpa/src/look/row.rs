//! What a message's row says.

use trace::{Ending, Interface, Message, Party, Step};

use crate::units::size;

/// How a message ended, for the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is under way.
    Open,
    /// Well.
    Good,
    /// Badly.
    Bad,
}

/// A row of the list, or an arrow of the diagram.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The message.
    pub id: u32,
    /// Its step.
    pub step: Option<Step>,
    /// Who calls.
    pub from: Party,
    /// Who answers.
    pub to: Party,
    /// The interface.
    pub interface: Interface,
    /// The function without its interface.
    pub name: String,
    /// Bytes sent and received.
    pub bytes: [usize; 2],
    /// Exchanges on the wire.
    pub exchanges: usize,
    /// When it began, in milliseconds.
    pub at: f64,
    /// How long it took, in milliseconds.
    pub took: f64,
    /// How it ended.
    pub mark: Mark,
    /// What was said.
    pub result: String,
    /// What the bench did to it.
    pub note: Option<String>,
}

impl Row {
    /// The row of a message; `text` masks what is shown of it.
    pub fn of(message: &Message, text: impl Fn(&str) -> String) -> Self {
        Self {
            id: message.id,
            step: message.step,
            from: message.from,
            to: message.to,
            interface: message.interface,
            name: text(function(message)),
            bytes: [message.sent(), message.received()],
            exchanges: message.parts.len() + message.lost as usize,
            at: message.at,
            took: message.took,
            mark: match message.ending {
                Ending::Open => Mark::Open,
                Ending::Good(_) => Mark::Good,
                Ending::Bad(_) => Mark::Bad,
            },
            result: text(message.ending.text()),
            note: message.note.as_deref().map(text),
        }
    }

    /// Its bytes for people, both ways: `3 B ↑ 21 B ↓`.
    #[must_use]
    pub fn sizes(&self) -> String {
        size(self.bytes[0] + self.bytes[1])
    }
}

/// The function without its interface: `ES10b.GetEUICCChallenge` is `GetEUICCChallenge`.
#[must_use]
pub fn function(message: &Message) -> &str {
    let prefix = message.interface.name();
    message.name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&message.name)
}

/// A length of time for people.
#[must_use]
pub fn duration(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 1.0 => "< 1 ms".to_owned(),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms if ms < 60_000.0 => format!("{:.2} s", ms / 1_000.0),
        ms => format!("{:.0} min", ms / 60_000.0),
    }
}

/// A point in time: seconds of the recorder's clock.
#[must_use]
pub fn moment(milliseconds: f64) -> String {
    format!("{:.3} s", milliseconds / 1_000.0)
}

/// The beginning of a text that has room for so many characters.
#[must_use]
pub fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(room.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace::Trace;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_row_says_what_happened() {
        let mut trace = Trace::default();
        let ticket = trace.command(Party::Chip, &[0x80, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x2E, 0x00], 1.0);
        let open = Row::of(trace.message(ticket.message).unwrap(), str::to_owned);
        assert_eq!((open.mark, open.name.as_str()), (Mark::Open, "GetEUICCChallenge"));
        trace.answer(ticket, &[0x6A, 0x88], 3.0);
        let row = Row::of(trace.message(ticket.message).unwrap(), |text| text.replace("Challenge", "XX"));
        assert_eq!((row.mark, row.bytes, row.took), (Mark::Bad, [8, 2], 2.0));
        assert_eq!(row.name, "GetEUICCXX", "masked");
        assert!(row.result.contains("6A88"), "{}", row.result);
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        assert_eq!(
            [0.2, 3.4, 999.0, 1_500.0, 90_000.0].map(duration),
            ["< 1 ms", "3 ms", "999 ms", "1.50 s", "2 min"]
        );
        assert_eq!(moment(12_345.0), "12.345 s");
        assert_eq!((shortened("abcdef", 4), shortened("abc", 4)), ("abc…".into(), "abc".into()));
    }
}
