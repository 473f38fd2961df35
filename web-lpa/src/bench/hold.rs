//! Messages that are held until a person lets them go on, as they are or changed.

use trace::{Answer, Limits, Message, Party, Request, Trace};
use words::{Text, text};

use super::fault::Way;
use super::line;

/// Longest message that a person sends in another's place.
const MAX_EDITED: usize = 1 << 20;

/// Where messages are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Counts up.
    pub id: u32,
    /// As in [`super::fault::Fault::function`].
    pub function: String,
    /// On which way.
    pub way: Way,
}

/// What is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A command APDU to a card.
    Command {
        /// Whose card.
        card: Party,
    },
    /// A response APDU.
    Response {
        /// Whose card.
        card: Party,
        /// The command that it answers.
        command: Vec<u8>,
    },
    /// The body of an HTTP request.
    Request {
        /// To whom.
        to: Party,
        /// Where.
        url: String,
    },
    /// The body of an answer.
    Reply {
        /// From whom.
        to: Party,
        /// Where.
        url: String,
        /// HTTP status.
        status: u16,
    },
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Counts up.
    pub id: u32,
    /// The function, in the trace's words.
    pub name: String,
    /// What it is.
    pub what: What,
    /// The message: an APDU or a body.
    pub bytes: Vec<u8>,
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on as it is.
    AsItIs,
    /// This goes on in its place.
    Edited(Vec<u8>),
    /// It is lost.
    Drop,
}

impl Held {
    /// Whether it is an APDU, which is edited in hexadecimal; bodies are edited as text.
    #[must_use]
    pub const fn is_apdu(&self) -> bool {
        matches!(self.what, What::Command { .. } | What::Response { .. })
    }

    /// On which way it is.
    #[must_use]
    pub const fn way(&self) -> Way {
        match self.what {
            What::Command { .. } | What::Request { .. } => Way::Request,
            What::Response { .. } | What::Reply { .. } => Way::Answer,
        }
    }

    /// The text that is edited: JSON with a member in each line.
    #[must_use]
    pub fn text(&self) -> String {
        if self.is_apdu() {
            return trace::hex_spaced(&self.bytes);
        }
        match serde_json::from_slice::<serde_json::Value>(&self.bytes) {
            Ok(json) => serde_json::to_string_pretty(&json).unwrap_or_default(),
            Err(_) => String::from_utf8_lossy(&self.bytes).into_owned(),
        }
    }

    /// The message that an edited text is.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn edited(&self, text: &str) -> Result<Vec<u8>, Text<String>> {
        if text.len() > 3 * MAX_EDITED {
            return Err(Text::new("The message is too long.", "メッセージが長すぎます。").owned());
        }
        if !self.is_apdu() {
            // Compact again where it is JSON; a person may well send what is none.
            return Ok(match serde_json::from_str::<serde_json::Value>(text) {
                Ok(json) => json.to_string().into_bytes(),
                Err(_) => text.as_bytes().to_vec(),
            });
        }
        let bytes =
            line::bytes(text).map_err(|why| Text::new(format!("{}.", why.en), format!("{}。", why.ja)))?;
        let least = if matches!(self.what, What::Command { .. }) { 4 } else { 2 };
        if bytes.len() < least {
            return Err(text!("At least {least} bytes are needed.", "{least} バイト以上が必要です。"));
        }
        Ok(bytes)
    }

    /// As a message of a trace, to be decoded; with other bytes in its place where they are given.
    #[must_use]
    pub fn message(&self, bytes: &[u8]) -> Option<Message> {
        let mut trace = Trace::new(Limits { messages: 2, bytes: 4 << 20, parts: 4 });
        let ticket = match &self.what {
            What::Command { card } => trace.command(*card, bytes, 0.0),
            What::Response { card, command } => {
                let ticket = trace.command(*card, command, 0.0);
                trace.answer(ticket, bytes, 0.0);
                ticket
            }
            What::Request { to, url } => {
                trace.call(Party::Phone, *to, Request { method: "POST", url, headers: &[], body: bytes }, 0.0)
            }
            What::Reply { to, url, status } => {
                let request = Request { method: "POST", url, headers: &[], body: &[] };
                let ticket = trace.call(Party::Phone, *to, request, 0.0);
                trace.reply(ticket, Answer { status: *status, headers: &[], body: bytes }, 0.0);
                ticket
            }
        };
        trace.message(ticket.message).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn held(what: What, bytes: &[u8]) -> Held {
        Held { id: 1, name: String::new(), what, bytes: bytes.to_vec() }
    }

    #[test]
    fn an_apdu_is_edited_in_hexadecimal() {
        let held = held(What::Command { card: Party::Chip }, &[0, 0xA4, 0, 4, 2, 0x3F, 0]);
        assert_eq!(held.edited(&held.text()), Ok(held.bytes.clone()));
        assert_eq!(
            held.edited("00A4"),
            Err(text!("At least 4 bytes are needed.", "4 バイト以上が必要です。"))
        );
        assert!(held.edited("xyz").is_err());
        let message = held.message(&held.bytes).unwrap();
        assert_eq!(message.name, "SELECT MF");
    }

    #[test]
    fn a_body_is_edited_as_text() {
        let url = "https://a.example/gsma/rsp2/es9plus/initiateAuthentication".to_owned();
        let held = held(What::Reply { to: Party::Smdp, url, status: 200 }, br#"{"b":1,"a":[2]}"#);
        assert!(held.text().contains('\n'));
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&held.edited(&held.text()).unwrap()).unwrap(),
            serde_json::from_slice::<serde_json::Value>(&held.bytes).unwrap()
        );
        assert_eq!(held.edited("no JSON"), Ok(b"no JSON".to_vec()));
        assert_eq!(held.message(&held.bytes).unwrap().name, "ES9+.InitiateAuthentication");
    }
}
