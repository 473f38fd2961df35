//! The chip on standard input and output: one line in, one line out.
//!
//! | line | answer |
//! | --- | --- |
//! | a command APDU in hexadecimal | the response APDU in hexadecimal |
//! | `reset` | the answer to reset in hexadecimal |
//! | `{"type":"apdu",…}` | the same in JSON, as the open LPA lpac asks for it (crate `lpac`); `connect` resets the chip |
//! | nothing, or `# …` | none |
//! | anything else | `error: …`, which is no hexadecimal number |

use super::Card;

/// The longest line that is looked at, in bytes: an extended APDU of 65,545 bytes in
/// hexadecimal and what JSON puts around it.
const MAX_LINE: usize = 140_000;

/// Which lines are understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Hexadecimal, `reset`, and lpac's JSON for lines that begin with `{`.
    #[default]
    Any,
    /// lpac's JSON only: every error is an answer in JSON too.
    Lpac,
}

/// The door.
pub struct Lines {
    format: Format,
    lines: lpac::Lines,
}

impl Lines {
    /// A door that understands lines of this format.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format, lines: lpac::Lines::new(MAX_LINE) }
    }

    /// Takes what came in, in pieces of any length, and returns what is to go out.
    pub fn feed(&mut self, bytes: &[u8], card: &mut dyn Card) -> Vec<u8> {
        let lines = self.lines.feed(bytes);
        lines.into_iter().flat_map(|line| self.end_line(line, card)).collect()
    }

    /// There is nothing more to come: a last line may lack its end.
    pub fn finish(&mut self, card: &mut dyn Card) -> Vec<u8> {
        let line = self.lines.finish();
        self.end_line(line, card)
    }

    fn end_line(&self, line: lpac::Line, card: &mut dyn Card) -> Vec<u8> {
        let answer = match line {
            Ok(text) => self.answer(text.trim(), card),
            Err(unreadable) => Some(self.error(&unreadable.to_string())),
        };
        answer.map_or_else(Vec::new, |answer| (answer + "\n").into_bytes())
    }

    /// The answer to a line, where it has one.
    fn answer(&self, line: &str, card: &mut dyn Card) -> Option<String> {
        if line.is_empty() {
            return None;
        }
        if self.format == Format::Lpac || line.starts_with('{') {
            return lpac::answer(line, &mut Chip(card)).map(|answer| answer.to_string());
        }
        if line.starts_with('#') {
            return None;
        }
        if line.eq_ignore_ascii_case("reset") {
            return Some(hex::encode_upper(card.reset()));
        }
        Some(match lpac::bytes(line) {
            Some(command) => hex::encode_upper(card.transmit(&command)),
            None => self.error("give a command APDU in hexadecimal digits, or the word reset"),
        })
    }

    fn error(&self, because: &str) -> String {
        match self.format {
            Format::Any => format!("error: {because}"),
            Format::Lpac => lpac::failure(because).to_string(),
        }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new(Format::default())
    }
}

/// The chip, which is always there.
struct Chip<'a>(&'a mut dyn Card);

impl lpac::Card for Chip<'_> {
    const NAME: &'static str = "chip";

    fn connect(&mut self) -> Result<(), String> {
        self.0.reset();
        Ok(())
    }

    fn disconnect(&mut self) {}

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.0.transmit(command))
    }
}
