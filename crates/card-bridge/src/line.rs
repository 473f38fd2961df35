//! The readers for other LPAs: the lines of JSON in which the open LPA lpac asks for a card on
//! its standard output, one question and one answer a line.
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

use apdu::{Channel, Command, StatusWord, ins};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::card::{Card, Readers, Trouble, wire};
use crate::protocol::{State, Why};

/// The longest line that is looked at, in bytes.
pub const MAX_LINE: usize = 4096;

/// The door: keeps the beginning of a line until the rest of it comes.
pub struct Lines<R: Readers> {
    readers: R,
    wanted: Option<String>,
    card: Option<R::Card>,
    line: Vec<u8>,
    /// The line is too long; what is left of it is thrown away.
    too_long: bool,
}

#[derive(Deserialize)]
struct Message {
    r#type: String,
    #[serde(default)]
    payload: Value,
}

impl<R: Readers> Lines<R> {
    /// A door to the reader of that name, else to the first one with a card.
    pub const fn new(readers: R, wanted: Option<String>) -> Self {
        Self { readers, wanted, card: None, line: Vec::new(), too_long: false }
    }

    /// Takes what came in, in pieces of any length, and returns what is to go out.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (piece, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |piece| (piece, true));
            let room = MAX_LINE - self.line.len();
            self.too_long |= piece.len() > room;
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if ends {
                out.extend(self.end_line());
            }
        }
        out
    }

    /// There is nothing more to come: a last line may lack its end. The card is let go of.
    pub fn finish(&mut self) -> Vec<u8> {
        let out = self.end_line();
        self.card = None;
        out
    }

    fn end_line(&mut self) -> Vec<u8> {
        let line = core::mem::take(&mut self.line);
        let answer = if core::mem::take(&mut self.too_long) {
            Some(failure(&format!("a line is at most {MAX_LINE} bytes long")))
        } else {
            match str::from_utf8(&line).map(str::trim) {
                Ok("") => None,
                Ok(text) => self.answer(text),
                Err(_) => Some(failure("the line is not text")),
            }
        };
        answer.map_or_else(Vec::new, |answer| format!("{answer}\n").into_bytes())
    }

    /// lpac also reports on the same line what it has done; reports want no answer.
    fn answer(&mut self, line: &str) -> Option<Value> {
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            return Some(failure("the line is not one of lpac's JSON messages"));
        };
        match message.r#type.as_str() {
            "apdu" => {
                let function = message.payload["func"].as_str().unwrap_or_default();
                let parameter = message.payload["param"].as_str().unwrap_or_default();
                let Ok(parameter) = hex::decode(parameter) else {
                    return Some(failure("param is not hexadecimal"));
                };
                Some(self.call(function, &parameter).unwrap_or_else(|trouble| failure(&trouble.text)))
            }
            // No reader has a way to a server.
            "http" => {
                let because = "this is a card only: give lpac another HTTP driver, such as LPAC_HTTP=curl";
                Some(json!({ "type": "http", "payload": { "rcode": 501, "rx": hex::encode(because) } }))
            }
            _ => None,
        }
    }

    fn call(&mut self, function: &str, parameter: &[u8]) -> Result<Value, Trouble> {
        match (function, parameter) {
            ("connect", _) => {
                // One that is there already is let go of first, or it would be in the way.
                self.card = None;
                let name = self.reader()?;
                self.card = Some(self.readers.connect(&name)?);
                Ok(ecode(0))
            }
            ("disconnect", _) => {
                self.card = None;
                Ok(ecode(0))
            }
            ("transmit", command) => {
                let data = hex::encode_upper(self.transmit(command)?);
                Ok(json!({ "type": "apdu", "payload": { "ecode": 0, "data": data } }))
            }
            ("logic_channel_open", aid) => self.open(aid).map(|channel| ecode(i32::from(channel.number()))),
            ("logic_channel_close", &[channel]) => {
                let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, channel).to_vec();
                match status(&self.transmit(&close)?) {
                    StatusWord::OK => Ok(ecode(0)),
                    refused => Err(refusal(refused)),
                }
            }
            ("logic_channel_close", _) => {
                Err(Trouble::new(Why::Malformed, "param is not the number of a channel"))
            }
            _ => Err(Trouble::new(
                Why::Malformed,
                "func is none of connect, disconnect, transmit, logic_channel_open, logic_channel_close",
            )),
        }
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

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Trouble> {
        let card = self.card.as_mut().ok_or_else(|| Trouble::new(Why::UnknownCard, "connect first"))?;
        let answer = card.transmit(&wire(command, card.protocol())?);
        if answer.as_ref().is_err_and(Trouble::ends_card) {
            self.card = None;
        }
        answer
    }

    /// Opens a channel and selects an application on it; leaves no channel open that nothing was
    /// selected on.
    fn open(&mut self, aid: &[u8]) -> Result<Channel, Trouble> {
        if !(5..=16).contains(&aid.len()) {
            return Err(Trouble::new(Why::Malformed, "param is not an AID of 5 to 16 bytes"));
        }
        let opened = self.transmit(&Command::new(0x00, ins::MANAGE_CHANNEL, 0x00, 0x00).le(1).to_vec())?;
        let channel = match (opened.first().copied().and_then(Channel::new), status(&opened)) {
            (Some(channel), StatusWord::OK) => channel,
            (_, refused) => return Err(refusal(refused)),
        };
        let select = Command::new(channel.interindustry(), ins::SELECT, 0x04, 0x00).data(aid).to_vec();
        let because = match self.transmit(&select) {
            Ok(selected) if status(&selected).is_success() => return Ok(channel),
            Ok(refused) => refusal(status(&refused)),
            Err(trouble) => trouble,
        };
        // Why it was not selected says more than what becomes of the channel.
        let close = Command::new(0x00, ins::MANAGE_CHANNEL, 0x80, channel.number()).to_vec();
        let _ = self.transmit(&close);
        Err(because)
    }
}

fn status(response: &[u8]) -> StatusWord {
    StatusWord(response.last_chunk().map_or(0, |status| u16::from_be_bytes(*status)))
}

fn refusal(status: StatusWord) -> Trouble {
    Trouble::new(Why::Failed, format!("the card answers {status}"))
}

fn ecode(code: i32) -> Value {
    json!({ "type": "apdu", "payload": { "ecode": code } })
}

fn failure(because: &str) -> Value {
    json!({ "type": "apdu", "payload": { "ecode": -1, "because": because } })
}
