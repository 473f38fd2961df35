//! Lines of text from another program, and the lines of JSON in which the open LPA lpac asks for a
//! card on its standard output (`LPAC_APDU=stdio`): one question and one answer a line.
//!
//! | `func` | `param` | `ecode` of the answer |
//! | --- | --- | --- |
//! | `connect` | – | 0; the card is powered |
//! | `logic_channel_open` | AID, hexadecimal | the channel on which it is selected |
//! | `transmit` | command APDU, hexadecimal | 0, with `data`: the response APDU, hexadecimal |
//! | `logic_channel_close` | channel, hexadecimal | 0 |
//! | `disconnect` | – | 0 |
//!
//! A negative `ecode` is a failure, and `because` says why.

use core::fmt;

use apdu::{Channel, Command, StatusWord, ins};
use serde::Deserialize;
use serde_json::{Value, json};

/// Keeps the beginning of a line until the rest of it comes.
#[derive(Clone, Debug)]
pub struct Lines {
    longest: usize,
    line: Vec<u8>,
    /// The line is too long; what is left of it is thrown away.
    too_long: bool,
}

/// A line without its end, or why it can't be one.
pub type Line = Result<String, Unreadable>;

/// What is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is longer than so many bytes.
    TooLong(usize),
    /// It is not UTF-8.
    NotText,
}

impl Lines {
    /// Lines of at most so many bytes.
    #[must_use]
    pub const fn new(longest: usize) -> Self {
        Self { longest, line: Vec::new(), too_long: false }
    }

    /// Takes what came in, in pieces of any length; returns the lines that have come to their end.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (piece, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |piece| (piece, true));
            let room = self.longest - self.line.len();
            self.too_long |= piece.len() > room;
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if ends {
                lines.push(self.finish());
            }
        }
        lines
    }

    /// There is nothing more to come: a last line may lack its end.
    pub fn finish(&mut self) -> Line {
        let line = core::mem::take(&mut self.line);
        if core::mem::take(&mut self.too_long) {
            return Err(Unreadable::TooLong(self.longest));
        }
        String::from_utf8(line).map_err(|_| Unreadable::NotText)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(longest) => write!(f, "a line is at most {longest} bytes long"),
            Self::NotText => f.write_str("the line is not text"),
        }
    }
}

impl core::error::Error for Unreadable {}

/// The card that is asked for. Whatever fails is told in words.
pub trait Card {
    /// What it is: `card`, `chip`.
    const NAME: &'static str;

    /// Powers it, or resets it.
    ///
    /// # Errors
    /// There is none.
    fn connect(&mut self) -> Result<(), String>;

    /// It is not needed any more.
    fn disconnect(&mut self);

    /// Sends a command APDU; returns the response APDU.
    ///
    /// # Errors
    /// It does not answer, or takes no such command.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String>;
}

#[derive(Deserialize)]
struct Message {
    r#type: String,
    #[serde(default)]
    payload: Value,
}

/// The answer to a line. lpac also reports on the same line what it has done and what became of it;
/// reports want no answer.
pub fn answer<C: Card>(line: &str, card: &mut C) -> Option<Value> {
    let Ok(message) = serde_json::from_str::<Message>(line) else {
        return Some(failure("the line is not one of lpac's JSON messages"));
    };
    match message.r#type.as_str() {
        "apdu" => {
            let function = message.payload["func"].as_str().unwrap_or_default();
            let Some(parameter) = bytes(message.payload["param"].as_str().unwrap_or_default()) else {
                return Some(failure("param is not hexadecimal"));
            };
            Some(call(function, &parameter, card).unwrap_or_else(|because| failure(&because)))
        }
        // No card has a way to a server.
        "http" => {
            let because =
                format!("this is a {} only: give lpac another HTTP driver, such as LPAC_HTTP=curl", C::NAME);
            Some(json!({ "type": "http", "payload": { "rcode": 501, "rx": hex::encode(because) } }))
        }
        _ => None,
    }
}

/// The answer that says that something failed, and why.
#[must_use]
pub fn failure(because: &str) -> Value {
    json!({ "type": "apdu", "payload": { "ecode": -1, "because": because } })
}

/// Hexadecimal digits, between which there may be white space.
#[must_use]
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.split_whitespace().collect::<String>()).ok()
}

fn call<C: Card>(function: &str, parameter: &[u8], card: &mut C) -> Result<Value, String> {
    match (function, parameter) {
        ("connect", _) => card.connect().map(|()| ecode(0)),
        ("disconnect", _) => {
            card.disconnect();
            Ok(ecode(0))
        }
        ("transmit", command) => {
            let data = hex::encode_upper(card.transmit(command)?);
            Ok(json!({ "type": "apdu", "payload": { "ecode": 0, "data": data } }))
        }
        ("logic_channel_open", aid) => open(aid, card).map(|channel| ecode(i32::from(channel.number()))),
        ("logic_channel_close", &[channel]) => {
            let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, channel).to_vec();
            match status(&card.transmit(&close)?) {
                StatusWord::OK => Ok(ecode(0)),
                refused => Err(refusal::<C>(refused)),
            }
        }
        ("logic_channel_close", _) => Err("param is not the number of a channel".to_owned()),
        _ => Err("func is none of connect, disconnect, transmit, logic_channel_open, logic_channel_close"
            .to_owned()),
    }
}

/// Opens a channel and selects an application on it; leaves no channel open that nothing was
/// selected on.
fn open<C: Card>(aid: &[u8], card: &mut C) -> Result<Channel, String> {
    if !(5..=16).contains(&aid.len()) {
        return Err("param is not an AID of 5 to 16 bytes".to_owned());
    }
    let opened = card.transmit(&Command::new(0x00, ins::MANAGE_CHANNEL, 0x00, 0x00).le(1).to_vec())?;
    let channel = match (opened.first().copied().and_then(Channel::new), status(&opened)) {
        (Some(channel), StatusWord::OK) => channel,
        (_, refused) => return Err(refusal::<C>(refused)),
    };
    let select = Command::new(channel.interindustry(), ins::SELECT, 0x04, 0x00).data(aid).to_vec();
    let because = match card.transmit(&select) {
        Ok(selected) if status(&selected).is_success() => return Ok(channel),
        Ok(refused) => refusal::<C>(status(&refused)),
        Err(because) => because,
    };
    // Why it was not selected says more than what becomes of the channel.
    let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, channel.number()).to_vec();
    let _ = card.transmit(&close);
    Err(because)
}

fn status(response: &[u8]) -> StatusWord {
    StatusWord(response.last_chunk().map_or(0, |status| u16::from_be_bytes(*status)))
}

fn refusal<C: Card>(status: StatusWord) -> String {
    format!("the {} answers {status}", C::NAME)
}

fn ecode(code: i32) -> Value {
    json!({ "type": "apdu", "payload": { "ecode": code } })
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn lines_come_in_pieces_and_long_ones_end_where_they_end() {
        let mut lines = Lines::new(4);
        assert_eq!(lines.feed(b"a"), []);
        assert_eq!(lines.feed(b"b\n\ncd"), [Ok("ab".to_owned()), Ok(String::new())]);
        assert_eq!(
            lines.feed(b"efg\nabcd\n\xFF\n"),
            [Err(Unreadable::TooLong(4)), Ok("abcd".to_owned()), Err(Unreadable::NotText)]
        );
        lines.feed(b"z");
        assert_eq!(lines.finish(), Ok("z".to_owned()));
        assert_eq!(lines.finish(), Ok(String::new()));
    }

    /// A card with channel 1, on which nothing can be selected, and what it was told.
    #[derive(Default)]
    struct Deaf(Vec<String>);

    impl Card for Deaf {
        const NAME: &'static str = "card";

        fn connect(&mut self) -> Result<(), String> {
            Err("no card".to_owned())
        }

        fn disconnect(&mut self) {}

        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
            self.0.push(hex::encode_upper(command));
            Ok(match command[1] {
                0x70 if command[2] == 0 => vec![1, 0x90, 0x00],
                0x70 => vec![0x90, 0x00],
                _ => vec![0x6A, 0x82],
            })
        }
    }

    #[test]
    fn a_channel_that_nothing_is_selected_on_is_closed_and_the_reason_told() {
        let mut card = Deaf::default();
        let mut ask = |function: &str, parameter: &str| {
            let line = json!({ "type": "apdu", "payload": { "func": function, "param": parameter } });
            answer(&line.to_string(), &mut card).unwrap()["payload"].clone()
        };
        assert_eq!(ask("connect", "")["because"], "no card");
        let opened = ask("logic_channel_open", "A000000559 1010");
        assert_eq!((&opened["ecode"], &opened["because"]), (&json!(-1), &json!("the card answers 6A82")));
        assert_eq!(ask("logic_channel_close", "01")["ecode"], 0);
        for (function, parameter) in
            [("logic_channel_open", "A0"), ("logic_channel_close", ""), ("x", ""), ("transmit", "0")]
        {
            assert_eq!(ask(function, parameter)["ecode"], -1, "{function}");
        }
        assert_eq!(card.0, ["0070000001", "01A4040007A0000005591010", "00708001", "00708001"]);
    }
}
