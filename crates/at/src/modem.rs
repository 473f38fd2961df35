use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use apdu::{Channel, Class, Command, StatusWord, ins};

use crate::line::{self, hex, strip};

/// A card as a modem speaks with it.
pub trait Card {
    /// Executes a command APDU; returns response data and status word.
    fn transmit(&mut self, command: &[u8]) -> Vec<u8>;
}

impl<F: FnMut(&[u8]) -> Vec<u8>> Card for F {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self(command)
    }
}

/// What modems differ in. By default one that follows 3GPP TS 27.007.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habits {
    /// It knows `AT+CCHO`, `+CGLA` and `+CCHC`.
    pub sessions: bool,
    /// It knows `AT+CSIM`.
    pub plain: bool,
    /// It answers `=?` for what it knows; some say `ERROR` and know it all the same.
    pub tells: bool,
    /// What it calls its sessions.
    pub ids: Ids,
    /// A prefix before an answer's data.
    pub prefix: bool,
    /// Quotes around hexadecimal digits.
    pub quotes: bool,
    /// The length of a response in bytes, not in characters.
    pub counts_bytes: bool,
    /// Hexadecimal digits in lines of so many.
    pub wraps: Option<usize>,
    /// It sees to the class byte of a command in a session, as it should.
    pub puts_channel: bool,
    /// It sends GET RESPONSE itself.
    pub fetches: bool,
    /// `> ` before its lines.
    pub prompts: bool,
    /// The longest command line that it takes; a longer one is an error.
    pub longest: usize,
    /// Lines that it says by itself before each answer.
    pub says: Vec<String>,
}

/// What a modem calls its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// The number of the channel.
    Channel,
    /// A number of sixteen hexadecimal digits.
    Long,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            sessions: true,
            plain: true,
            tells: true,
            ids: Ids::Channel,
            prefix: true,
            quotes: true,
            counts_bytes: false,
            wraps: None,
            puts_channel: true,
            fetches: false,
            prompts: false,
            longest: 2048,
            says: Vec::new(),
        }
    }
}

/// A modem with a card in it: what the host writes goes in, what it says comes out.
pub struct Modem<C> {
    card: C,
    habits: Habits,
    line: Vec<u8>,
    too_long: bool,
    echo: bool,
    errors: u8,
    sessions: Vec<(String, Channel)>,
}

/// `+CME ERROR` (§9.2.1), with its text.
type Refusal = (u16, &'static str);

const NOT_SUPPORTED: Refusal = (4, "operation not supported");
const SIM_FAILURE: Refusal = (13, "SIM failure");
const NOT_FOUND: Refusal = (22, "not found");
const INCORRECT: Refusal = (50, "incorrect parameters");

/// Data of an answer before `OK`.
enum Said {
    Nothing,
    Line(&'static str, String),
    Response(&'static str, Vec<u8>),
}

impl<C: Card> Modem<C> {
    /// A modem that was just switched on: it echoes.
    #[must_use]
    pub const fn new(card: C, habits: Habits) -> Self {
        Self { card, habits, line: Vec::new(), too_long: false, echo: true, errors: 0, sessions: Vec::new() }
    }

    /// The card in it.
    pub const fn card(&mut self) -> &mut C {
        &mut self.card
    }

    /// How many sessions are open.
    #[must_use]
    pub const fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The modem is restarted, or its card reset: sessions are gone, and it echoes again.
    pub fn restart(&mut self) {
        self.sessions.clear();
        self.line.clear();
        (self.too_long, self.echo, self.errors) = (false, true, 0);
    }

    /// Takes what the host wrote, in pieces of any length, and returns what the modem says.
    pub fn write(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for &byte in bytes {
            if self.echo {
                out.push(byte);
            }
            match byte {
                b'\r' => {
                    let line = core::mem::take(&mut self.line);
                    let too_long = core::mem::take(&mut self.too_long);
                    let text: String = line.iter().map(|&byte| char::from(byte)).collect();
                    self.command(text.trim(), too_long, &mut out);
                }
                // V.250 §5.2.1: what is no character of a command line does not count.
                b'\n' => {}
                _ if self.line.len() < self.habits.longest => self.line.push(byte),
                _ => self.too_long = true,
            }
        }
        out
    }

    fn command(&mut self, text: &str, too_long: bool, out: &mut Vec<u8>) {
        let Some(body) = strip(text, "AT") else { return };
        for said in self.habits.says.clone() {
            self.tell(&said, out);
        }
        let answer = if too_long { Err(INCORRECT) } else { self.answer(body) };
        match answer {
            Ok(said) => {
                match said {
                    Said::Nothing => {}
                    Said::Line(prefix, text) => {
                        let text = if self.habits.prefix { format!("{prefix} {text}") } else { text };
                        self.tell(&text, out);
                    }
                    Said::Response(prefix, response) => self.response(prefix, &response, out),
                }
                self.tell("OK", out);
            }
            Err((number, words)) => {
                let text = match self.errors {
                    0 => "ERROR".into(),
                    1 => format!("+CME ERROR: {number}"),
                    _ => format!("+CME ERROR: {words}"),
                };
                self.tell(&text, out);
            }
        }
    }

    fn tell(&self, text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        if self.habits.prompts {
            out.extend_from_slice(b"> ");
        }
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    fn response(&self, prefix: &str, response: &[u8], out: &mut Vec<u8>) {
        let mut digits = String::new();
        hex(response, &mut digits);
        let length = if self.habits.counts_bytes { response.len() } else { digits.len() };
        if self.habits.quotes {
            digits = format!("\"{digits}\"");
        }
        let text = if self.habits.prefix {
            format!("{prefix} {length},{digits}")
        } else {
            format!("{length},{digits}")
        };
        let Some(width) = self.habits.wraps.filter(|&width| width > 0) else {
            return self.tell(&text, out);
        };
        let mut rest = &text[..];
        while !rest.is_empty() {
            let (line, next) = rest.split_at(width.min(rest.len()));
            self.tell(line, out);
            rest = next;
        }
    }

    /// The answer to what stands after `AT`.
    fn answer(&mut self, body: &str) -> Result<Said, Refusal> {
        let upper = body.to_ascii_uppercase();
        match &upper[..] {
            "" | "V1" => Ok(Said::Nothing),
            "E0" | "E1" => {
                self.echo = upper == "E1";
                Ok(Said::Nothing)
            }
            "+CMEE=0" | "+CMEE=1" | "+CMEE=2" => {
                self.errors = upper.as_bytes().last().map_or(0, |digit| digit - b'0');
                Ok(Said::Nothing)
            }
            "+CCHO=?" | "+CGLA=?" | "+CCHC=?" if self.habits.sessions && self.habits.tells => {
                Ok(Said::Nothing)
            }
            "+CSIM=?" if self.habits.plain && self.habits.tells => Ok(Said::Nothing),
            _ => {
                let (name, value) = upper.split_once('=').ok_or(NOT_SUPPORTED)?;
                match name {
                    "+CCHO" if self.habits.sessions => self.open(value),
                    "+CCHC" if self.habits.sessions => self.close(value),
                    "+CGLA" if self.habits.sessions => {
                        let (name, command) = value.split_once(',').ok_or(INCORRECT)?;
                        let channel = self.session(name).ok_or(SIM_FAILURE)?;
                        let command = quoted(command).ok_or(INCORRECT)?;
                        Ok(Said::Response("+CGLA:", self.exchange(Some(channel), command)?))
                    }
                    "+CSIM" if self.habits.plain => {
                        let command = quoted(value).ok_or(INCORRECT)?;
                        Ok(Said::Response("+CSIM:", self.exchange(None, command)?))
                    }
                    _ => Err(NOT_SUPPORTED),
                }
            }
        }
    }

    fn session(&self, name: &str) -> Option<Channel> {
        let name = name.trim_matches('"');
        self.sessions.iter().find(|(known, _)| known == name).map(|&(_, channel)| channel)
    }

    /// `+CCHO`: MANAGE CHANNEL, and SELECT on it.
    fn open(&mut self, value: &str) -> Result<Said, Refusal> {
        let aid = line::bytes(value.trim_matches('"')).ok_or(INCORRECT)?;
        if !(1..=16).contains(&aid.len()) {
            return Err(INCORRECT);
        }
        let open = Command::new(0, ins::MANAGE_CHANNEL, 0, 0).le(1).to_vec();
        let opened = self.card.transmit(&open);
        let number = opened.first().copied().and_then(Channel::new);
        let (Some(channel), StatusWord::OK) = (number, status(&opened)) else { return Err(SIM_FAILURE) };
        let select = Command::new(channel.interindustry(), ins::SELECT, 0x04, 0x00).data(&aid).to_vec();
        if !status(&self.card.transmit(&select)).is_success() {
            self.let_go(channel);
            return Err(NOT_FOUND);
        }
        let name = match self.habits.ids {
            Ids::Channel => format!("{}", channel.number()),
            Ids::Long => format!("{:016X}", 0x0385_A7C0 + u32::from(channel.number())),
        };
        self.sessions.push((name.clone(), channel));
        Ok(Said::Line("+CCHO:", name))
    }

    fn close(&mut self, value: &str) -> Result<Said, Refusal> {
        let name = value.trim_matches('"');
        let index = self.sessions.iter().position(|(known, _)| known == name).ok_or(SIM_FAILURE)?;
        let (_, channel) = self.sessions.remove(index);
        self.let_go(channel);
        Ok(Said::Nothing)
    }

    fn let_go(&mut self, channel: Channel) {
        self.card.transmit(&Command::new(0, ins::MANAGE_CHANNEL, 0x80, channel.number()).to_vec());
    }

    fn exchange(&mut self, session: Option<Channel>, mut command: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let parsed = Command::parse(&command).map_err(|_| INCORRECT)?;
        let class = Class::parse(parsed.cla).ok();
        if let (Some(channel), Some(class), true) = (session, class, self.habits.puts_channel) {
            let bare = if class.proprietary { channel.proprietary() } else { channel.interindustry() };
            command[0] = bare | if class.chained { 0x10 } else { 0 };
        }
        let channel = Class::parse(command[0]).map_or(Channel::BASIC, |class| class.channel);
        let mut response = self.card.transmit(&command);
        // The most that a line can hold of it.
        while self.habits.fetches && response.len() < line::MAX_RESPONSE / 2 {
            let Some(le) = status(&response).response_available() else { break };
            response.truncate(response.len() - 2);
            let fetch = Command::new(channel.interindustry(), ins::GET_RESPONSE, 0, 0).le(le as u32);
            let more = self.card.transmit(&fetch.to_vec());
            let stuck = more.len() <= 2;
            response.extend(more);
            if stuck {
                break;
            }
        }
        if response.len() < 2 { Err(SIM_FAILURE) } else { Ok(response) }
    }
}

/// `length,"hex"`, the length in characters.
fn quoted(value: &str) -> Option<Vec<u8>> {
    let (length, digits) = value.split_once(',')?;
    let digits = digits.trim().trim_matches('"');
    (length.trim().parse() == Ok(digits.len())).then_some(())?;
    line::bytes(digits)
}

fn status(response: &[u8]) -> StatusWord {
    StatusWord(response.last_chunk().map_or(0, |status| u16::from_be_bytes(*status)))
}
