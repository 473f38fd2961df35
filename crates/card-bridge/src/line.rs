//! The readers for other LPAs: the lines of JSON of crate `lpac`, one question and one answer a line.
//! The card is powered by `connect`.

use serde_json::Value;

use crate::card::{Card, Readers, Trouble, wire};
use crate::protocol::{State, Why};

/// The longest line that is looked at, in bytes.
pub const MAX_LINE: usize = 4096;

/// The door.
pub struct Lines<R: Readers> {
    lines: lpac::Lines,
    desk: Desk<R>,
}

/// The readers, and the card that the LPA has.
struct Desk<R: Readers> {
    readers: R,
    wanted: Option<String>,
    card: Option<R::Card>,
}

impl<R: Readers> Lines<R> {
    /// A door to the reader of that name, else to the first one with a card.
    pub const fn new(readers: R, wanted: Option<String>) -> Self {
        Self { lines: lpac::Lines::new(MAX_LINE), desk: Desk { readers, wanted, card: None } }
    }

    /// Takes what came in, in pieces of any length, and returns what is to go out.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let lines = self.lines.feed(bytes);
        lines.into_iter().flat_map(|line| self.desk.answer(line)).collect()
    }

    /// There is nothing more to come: a last line may lack its end. The card is let go of.
    pub fn finish(&mut self) -> Vec<u8> {
        let out = self.desk.answer(self.lines.finish());
        self.desk.card = None;
        out
    }
}

impl<R: Readers> Desk<R> {
    fn answer(&mut self, line: lpac::Line) -> Vec<u8> {
        let answer: Option<Value> = match line.as_deref().map(str::trim) {
            Ok("") => None,
            Ok(text) => lpac::answer(text, self),
            Err(unreadable) => Some(lpac::failure(&unreadable.to_string())),
        };
        answer.map_or_else(Vec::new, |answer| format!("{answer}\n").into_bytes())
    }

    /// The name of the reader that is wanted.
    fn reader(&mut self) -> Result<String, Trouble> {
        if let Some(wanted) = &self.wanted {
            return Ok(wanted.clone());
        }
        let seen = self.readers.list()?;
        let found = seen.iter().find(|reader| reader.state == State::Card).or_else(|| seen.first());
        found
            .map(|reader| reader.name.clone())
            .ok_or_else(|| Trouble::new(Why::NoReader, "there is no card reader"))
    }

    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, Trouble> {
        let card = self.card.as_mut().ok_or_else(|| Trouble::new(Why::UnknownCard, "connect first"))?;
        let answer = card.transmit(&wire(command, card.protocol())?);
        if answer.as_ref().is_err_and(Trouble::ends_card) {
            self.card = None;
        }
        answer
    }
}

impl<R: Readers> lpac::Card for Desk<R> {
    const NAME: &'static str = "card";

    fn connect(&mut self) -> Result<(), String> {
        // One that is there already is let go of first, or it would be in the way.
        self.card = None;
        let card = self.reader().and_then(|name| self.readers.connect(&name));
        self.card = Some(card.map_err(|trouble| trouble.text)?);
        Ok(())
    }

    fn disconnect(&mut self) {
        self.card = None;
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        self.exchange(command).map_err(|trouble| trouble.text)
    }
}
