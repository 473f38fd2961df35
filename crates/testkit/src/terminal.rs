//! The phone's radio side: reads the USIM, attaches, answers the network's
//! challenge with the chip, and refreshes the chip after a switch.

use apdu::{Command, Response, StatusWord, ins};
use http::Method;
use serde_json::{Value, json};

use crate::World;

/// A session in the network.
#[derive(Clone, Debug)]
pub struct Attached {
    /// Its id.
    pub id: String,
    /// What the network decided.
    pub decision: Value,
}

/// Why there is none.
#[derive(Clone, Debug)]
pub enum AttachError {
    /// No profile is enabled, or it has no USIM.
    NoUsim(StatusWord),
    /// The network refused: HTTP status and problem document.
    Refused(u16, Value),
}

impl World {
    /// Selects, reads, gets the response: one command as a terminal sends it.
    pub fn apdu(&mut self, command: Command<'_>) -> Response {
        let mut response = self.raw(&command);
        if let Some(le) = response.sw.exact_le() {
            response = self.raw(&command.le(le as u32));
        }
        while let Some(le) = response.sw.response_available() {
            let part = self.raw(&Command::new(command.cla & 0x03, ins::GET_RESPONSE, 0, 0).le(le as u32));
            response.data.extend(part.data);
            response.sw = part.sw;
        }
        response
    }

    fn raw(&mut self, command: &Command<'_>) -> Response {
        let lost = Response::from(StatusWord::TECHNICAL_PROBLEM);
        self.transmit(&command.to_vec()).ok().and_then(|bytes| Response::parse(&bytes)).unwrap_or(lost)
    }

    /// The content of a transparent EF, by the path from the MF (without it).
    ///
    /// # Errors
    /// The status word of what failed.
    pub fn read_file(&mut self, path: &[u8]) -> Result<Vec<u8>, StatusWord> {
        let select = self.apdu(Command::new(0, ins::SELECT, 0x08, 0x04).data(path).le(256));
        if !select.sw.is_success() {
            return Err(select.sw);
        }
        let read = self.apdu(Command::new(0, ins::READ_BINARY, 0, 0).le(256));
        if read.sw.is_success() { Ok(read.data) } else { Err(read.sw) }
    }

    /// The IMSI of the enabled profile's USIM, which stays selected.
    ///
    /// # Errors
    /// The status word of what failed.
    pub fn imsi(&mut self) -> Result<String, StatusWord> {
        let usim = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
        let select = self.apdu(Command::new(0, ins::SELECT, 0x04, 0x04).data(&usim).le(256));
        if !select.sw.is_success() {
            return Err(select.sw);
        }
        let imsi = self.read_file(&[0x7F, 0xFF, 0x6F, 0x07])?;
        rsp::Imsi::from_ef(&imsi).map(|imsi| imsi.to_string()).map_err(|_| StatusWord::WRONG_DATA)
    }

    /// Attaches with the enabled profile, asking for an APN or for none.
    ///
    /// # Errors
    /// [`AttachError`].
    pub fn attach(&mut self, apn: Option<&str>) -> Result<Attached, AttachError> {
        self.attached = None;
        let imsi = self.imsi().map_err(AttachError::NoUsim)?;
        let mut request = json!({ "imsi": imsi });
        if let Some(apn) = apn {
            request["apn"] = json!(apn);
        }
        let (status, mut challenge) = self.ask_network(Method::POST, "/network/attach", Some(&request));
        if status >= 300 {
            return Err(AttachError::Refused(status, challenge));
        }
        // A card that is behind is brought up once (TS 33.102 §6.3.5).
        for _ in 0..2 {
            let answer = self.authenticate(&challenge);
            let id = challenge["attachId"].as_str().unwrap_or_default().to_owned();
            let path = format!("/network/attach/{id}/response");
            let (status, decision) = self.ask_network(Method::POST, &path, Some(&answer));
            if status >= 300 {
                return Err(AttachError::Refused(status, decision));
            }
            if let Some(id) = decision["sessionId"].as_str() {
                let attached = Attached { id: id.to_owned(), decision };
                self.attached = Some(attached.clone());
                return Ok(attached);
            }
            challenge = decision;
        }
        Err(AttachError::Refused(0, challenge))
    }

    /// Loses the network.
    pub fn detach(&mut self) {
        self.attached = None;
    }

    /// AUTHENTICATE in 3G context (TS 31.102 §7.1), as the network's API wants it.
    pub fn authenticate(&mut self, challenge: &Value) -> Value {
        let bytes =
            |name: &str| hex::decode(challenge[name].as_str().unwrap_or_default()).unwrap_or_default();
        let data = [&[16][..], &bytes("rand"), &[16], &bytes("autn")].concat();
        let answer = self.apdu(Command::new(0, ins::AUTHENTICATE, 0, 0x81).data(&data).le(256));
        let first = |skip: usize| {
            let length = usize::from(answer.data.get(skip).copied().unwrap_or_default());
            hex::encode(answer.data.get(skip + 1..skip + 1 + length).unwrap_or_default())
        };
        match answer.data.first() {
            Some(0xDB) => json!({ "res": first(1) }),
            Some(0xDC) => json!({ "auts": first(1) }),
            _ => json!({ "failure": "mac" }),
        }
    }

    /// Fetches and answers the proactive command that waits, and resets the chip as a
    /// REFRESH of mode UICC reset demands (TS 102 223 §6.4.7). Returns the command.
    pub fn refresh(&mut self) -> Vec<u8> {
        let status = self.apdu(Command::new(0x80, ins::STATUS, 0, 0x0C));
        let mut command = Vec::new();
        if let Some(length) = status.sw.proactive_len() {
            command = self.apdu(Command::new(0x80, ins::FETCH, 0, 0).le(length as u32)).data;
            let details = command.get(2..7).unwrap_or_default();
            let done = [details, &[0x82, 0x02, 0x82, 0x81, 0x83, 0x01, 0x00]].concat();
            self.apdu(Command::new(0x80, ins::TERMINAL_RESPONSE, 0, 0).data(&done));
        }
        self.reset();
        command
    }

    /// Tells the chip what the terminal can do; a chip that was not told has no
    /// proactive session.
    pub fn terminal_profile(&mut self) -> StatusWord {
        self.toolkit = true;
        self.apdu(Command::new(0x80, ins::TERMINAL_PROFILE, 0, 0).data(&[0xFF; 20])).sw
    }
}
