//! The chip on standard input and output: one line in, one line out.
//!
//! | line | answer |
//! | --- | --- |
//! | a command APDU in hexadecimal | the response APDU in hexadecimal |
//! | `reset` | the answer to reset in hexadecimal |
//! | `{"type":"apdu",…}` | the same in JSON, as the open LPA lpac asks for it on its standard output |
//! | nothing, or `# …` | none |
//! | anything else | `error: …`, which is no hexadecimal number |
//!
//! The JSON, where `payload` of the answer is `{"ecode": …}` and negative is a failure:
//!
//! | `func` | `param` | `ecode` |
//! | --- | --- | --- |
//! | `connect` | – | 0; the chip is reset |
//! | `logic_channel_open` | AID, hexadecimal | the channel on which it is selected |
//! | `transmit` | command APDU, hexadecimal | 0, with `data`: the response APDU, hexadecimal |
//! | `logic_channel_close` | channel, hexadecimal | 0 |
//! | `disconnect` | – | 0 |

use apdu::{StatusWord, ins};
use serde::Deserialize;
use serde_json::{Value, json};

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

/// The door: keeps the beginning of a line until the rest of it comes.
#[derive(Default)]
pub struct Lines {
    format: Format,
    line: Vec<u8>,
    /// The line is too long; what is left of it is thrown away.
    too_long: bool,
}

impl Lines {
    /// A door that understands lines of this format.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format, line: Vec::new(), too_long: false }
    }

    /// Takes what came in, in pieces of any length, and returns what is to go out.
    pub fn feed(&mut self, bytes: &[u8], card: &mut dyn Card) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (piece, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |piece| (piece, true));
            let room = MAX_LINE - self.line.len();
            self.too_long |= piece.len() > room;
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if ends {
                out.extend(self.end_line(card));
            }
        }
        out
    }

    /// There is nothing more to come: a last line may lack its end.
    pub fn finish(&mut self, card: &mut dyn Card) -> Vec<u8> {
        self.end_line(card)
    }

    fn end_line(&mut self, card: &mut dyn Card) -> Vec<u8> {
        let line = core::mem::take(&mut self.line);
        let answer = if core::mem::take(&mut self.too_long) {
            Some(self.error(&format!("a line is at most {MAX_LINE} bytes long")))
        } else {
            match str::from_utf8(&line) {
                Ok(text) => self.answer(text.trim(), card),
                Err(_) => Some(self.error("the line is not text")),
            }
        };
        answer.map_or_else(Vec::new, |answer| (answer + "\n").into_bytes())
    }

    /// The answer to a line, where it has one.
    fn answer(&self, line: &str, card: &mut dyn Card) -> Option<String> {
        if line.is_empty() {
            return None;
        }
        if self.format == Format::Lpac || line.starts_with('{') {
            return lpac(line, card).map(|answer| answer.to_string());
        }
        if line.starts_with('#') {
            return None;
        }
        if line.eq_ignore_ascii_case("reset") {
            return Some(hex::encode_upper(card.reset()));
        }
        Some(match bytes(line) {
            Some(command) => hex::encode_upper(card.transmit(&command)),
            None => self.error("give a command APDU in hexadecimal digits, or the word reset"),
        })
    }

    fn error(&self, because: &str) -> String {
        match self.format {
            Format::Any => format!("error: {because}"),
            Format::Lpac => failure(because).to_string(),
        }
    }
}

/// Hexadecimal digits, between which there may be white space.
fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.split_whitespace().collect::<String>()).ok()
}

#[derive(Deserialize)]
struct Message {
    r#type: String,
    #[serde(default)]
    payload: Value,
}

/// The answer to a line of lpac. It also reports on the same line what it has done and what
/// became of it; reports want no answer.
fn lpac(line: &str, card: &mut dyn Card) -> Option<Value> {
    let Ok(message) = serde_json::from_str::<Message>(line) else {
        return Some(failure("the line is not one of lpac's JSON messages"));
    };
    match message.r#type.as_str() {
        "apdu" => {
            let function = message.payload["func"].as_str().unwrap_or_default();
            let parameter = message.payload["param"].as_str().unwrap_or_default();
            Some(call(function, parameter, card))
        }
        // No chip has a way to a server.
        "http" => {
            let because = "this is a chip only: give lpac another HTTP driver, such as LPAC_HTTP=curl";
            Some(json!({ "type": "http", "payload": { "rcode": 501, "rx": hex::encode(because) } }))
        }
        _ => None,
    }
}

fn call(function: &str, parameter: &str, card: &mut dyn Card) -> Value {
    let Some(parameter) = bytes(parameter) else {
        return failure("param is not hexadecimal");
    };
    match (function, &parameter[..]) {
        ("connect", _) => {
            card.reset();
            ecode(0)
        }
        ("disconnect", _) => ecode(0),
        ("transmit", command) => {
            let data = hex::encode_upper(card.transmit(command));
            json!({ "type": "apdu", "payload": { "ecode": 0, "data": data } })
        }
        ("logic_channel_open", aid) => match open(aid, card) {
            Ok(channel) => ecode(i32::from(channel)),
            Err(status) => failure(&format!("the chip answers {status:04X}")),
        },
        ("logic_channel_close", [channel]) => {
            match status(&card.transmit(&[0x00, ins::MANAGE_CHANNEL, 0x80, *channel])) {
                OK => ecode(0),
                status => failure(&format!("the chip answers {status:04X}")),
            }
        }
        ("logic_channel_close", _) => failure("param is not the number of a channel"),
        _ => {
            failure("func is none of connect, disconnect, transmit, logic_channel_open, logic_channel_close")
        }
    }
}

const OK: u16 = StatusWord::OK.0;

/// Opens a channel and selects an application on it; leaves no channel open that nothing
/// was selected on. An error: the status word.
fn open(aid: &[u8], card: &mut dyn Card) -> Result<u8, u16> {
    const WRONG_LENGTH: u16 = 0x6700;
    let length = u8::try_from(aid.len()).map_err(|_| WRONG_LENGTH)?;
    let opened = card.transmit(&[0x00, ins::MANAGE_CHANNEL, 0x00, 0x00, 0x01]);
    let (&[channel, ..], OK) = (&opened[..], status(&opened)) else { return Err(status(&opened)) };
    // First inter-industry class up to channel 3, further ones above (ISO 7816-4 §5.4.1).
    let class = if channel < 4 { channel } else { 0x40 | (channel - 4) };
    let select = [&[class, ins::SELECT, 0x04, 0x00, length], aid].concat();
    match status(&card.transmit(&select)) {
        OK | 0x6100..=0x61FF | 0x9100..=0x91FF => Ok(channel),
        refused => {
            card.transmit(&[0x00, ins::MANAGE_CHANNEL, 0x80, channel]);
            Err(refused)
        }
    }
}

fn status(response: &[u8]) -> u16 {
    response.last_chunk().map_or(0, |status| u16::from_be_bytes(*status))
}

fn ecode(code: i32) -> Value {
    json!({ "type": "apdu", "payload": { "ecode": code } })
}

fn failure(because: &str) -> Value {
    json!({ "type": "apdu", "payload": { "ecode": -1, "because": because } })
}
