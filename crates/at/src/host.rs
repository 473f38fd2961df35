use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use apdu::{Class, Command, StatusWord, ins};

use crate::Cme;
use crate::line::{self, Arrived, Data, Line, Lines};

/// The longest APDU that is passed on: short lengths, as LPAs use them (SGP.22 §5.7.2).
const MAX_COMMAND: usize = 261;

/// Lines that are kept for [`Host::notice`]; the oldest makes room.
const MAX_NOTICES: usize = 32;

/// Characters of one that are kept.
const MAX_NOTICE: usize = 200;

/// Lines that may come between a command and its end.
const MAX_LINES: usize = 1000;

/// Bytes that may.
const MAX_BYTES: usize = 1 << 20;

/// Bytes that may come while the line is brought to rest: the longest late answer of a card's own.
const MAX_SETTLING: usize = 1 << 16;

/// Pieces that may come while it is to be quiet, for each is waited anew.
const MAX_PIECES: usize = 2000;

/// How often the modem is asked whether it is there.
const HELLOS: u8 = 3;

/// How often a command is repeated that the modem could not take for the card's sake.
const REPEATS: u8 = 3;

/// The logical channels that an LPA can have in sessions: those of the first class byte.
const CHANNELS: usize = 3;

/// How long a modem is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// For a command that goes to the card: an eUICC may think for long about a signature.
    pub card: Duration,
    /// For a command that the modem answers itself.
    pub modem: Duration,
    /// How long nothing must come for the line to count as quiet, after an answer came too late.
    pub quiet: Duration,
    /// The same before a card is asked for again that is not there: one that its own REFRESH resets is
    /// away for some seconds (ETSI TS 102 223 §6.4.7), and no modem tells when it is back.
    pub absent: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            card: Duration::from_secs(60),
            modem: Duration::from_secs(3),
            quiet: Duration::from_millis(300),
            absent: Duration::from_secs(2),
        }
    }
}

/// How the modem passes APDUs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `AT+CCHO`, `+CGLA`, `+CCHC`: the modem opens a channel and selects an application on it.
    Sessions,
    /// `AT+CSIM`: APDUs reach the card as they are.
    Plain,
}

/// The LPA's side of the line.
///
/// One thing at a time: [`Self::start`], then [`Self::transmit`] as often as wanted. After each,
/// [`Self::step`] says what to do until it says [`Step::Done`].
///
/// Over [`Way::Sessions`] the channels that an LPA sees are the host's: MANAGE CHANNEL opens none
/// in the card, SELECT by name on such a channel is `AT+CCHO` (answer `9000`, or `6A82` where the
/// modem refuses), and everything after it `AT+CGLA`.
pub struct Host {
    options: Options,
    lines: Lines,
    way: Option<Way>,
    /// Whether `AT+CSIM` answers.
    plain: bool,
    channels: [Channel; CHANNELS],
    class: ClassBits,
    doing: Doing,
    /// What the modem is waited for with.
    exchange: Option<Exchange>,
    /// An answer may still be on its way to a command that is waited for no more.
    late: bool,
    /// The name of a session may be among it, which nobody else would close.
    opening: bool,
    /// That name, until the session is closed.
    orphan: Option<String>,
    write: Option<Vec<u8>>,
    /// The command that is under way, and how often it may be repeated.
    again: Option<(Vec<u8>, u8)>,
    done: Option<Result<Vec<u8>, Failure>>,
    notices: VecDeque<String>,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// These bytes go to the modem.
    Write(Vec<u8>),
    /// What comes from the modem goes to [`Host::read`]. If this is still the step when the time
    /// is over: [`Host::time_out`].
    Read(Wait),
    /// What was asked for is done: a response APDU, nothing for [`Host::start`].
    Done(Result<Vec<u8>, Failure>),
    /// Nothing was asked for. What comes from the modem still goes to [`Host::read`].
    Rest,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// So long after the last [`Step::Write`], whatever comes.
    Answer(Duration),
    /// So long after the last byte that came.
    Quiet(Duration),
}

/// Why something can't be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing at the other end of the line speaks AT.
    NoModem,
    /// The modem passes no APDUs on: neither sessions nor `AT+CSIM`.
    NoWay,
    /// The modem refuses. Whether the card has executed the command is not known.
    Refused(Cme),
    /// No answer in time. Whether the card has executed the command is not known.
    Silent,
    /// An answer that is none.
    Garbled,
    /// Not a short command APDU.
    Command,
}

/// Something else is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotNow;

/// A logical channel as the LPA sees it.
#[derive(Clone, Default)]
enum Channel {
    #[default]
    Closed,
    Open,
    /// The modem's name for it, which need not be a number.
    Session(String),
}

/// Which channel the class byte of a command in a session names. The modem is to put the right
/// one in its place (§8.45), so that it is none at first; some leave that to the host, and then
/// the session is the channel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClassBits {
    Unknown,
    Basic,
    Session,
}

/// What was asked for, and how far it is.
enum Doing {
    Nothing,
    Start(Start),
    /// The line is brought to rest before this.
    Settle(Vec<u8>),
    /// `AT+CCHC` for a session that was opened too late, before this.
    Discard(Vec<u8>),
    /// `AT+CCHO` for this channel.
    Open(usize),
    /// `AT+CGLA` on this channel.
    Session(usize, Vec<u8>),
    /// `AT+CSIM`; on the basic channel beside sessions a refusal is a status word.
    Plain {
        beside: bool,
    },
    /// `AT+CCHC` for this channel.
    Close(usize),
}

#[derive(Clone, Copy)]
enum Start {
    Hello(u8),
    Echo,
    Errors,
    Sessions,
    Plain,
}

/// What a command is answered with besides its end.
enum Expected {
    Nothing,
    /// The name of a session: `+CCHO: 1`, or without the prefix.
    Name(Option<String>),
    /// A response APDU: `+CGLA: 4,"9000"`, or without the prefix.
    Data(&'static str, Data),
}

struct Exchange {
    expected: Expected,
    lines: usize,
    bytes: usize,
    pieces: usize,
    garbled: bool,
    wait: Wait,
    /// Its end counts only when the line has been quiet so long after it.
    settles: Option<Duration>,
}

impl Host {
    /// A host that knows nothing of its modem.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            lines: Lines::default(),
            way: None,
            plain: false,
            channels: Default::default(),
            class: ClassBits::Unknown,
            doing: Doing::Nothing,
            exchange: None,
            late: false,
            opening: false,
            orphan: None,
            write: None,
            again: None,
            done: None,
            notices: VecDeque::new(),
        }
    }

    /// Finds out whether there is a modem and how it passes APDUs on. The first thing to do;
    /// later, after a modem has been restarted. Sessions of before are forgotten, not closed.
    ///
    /// # Errors
    /// Something else is being done.
    pub fn start(&mut self) -> Result<(), NotNow> {
        self.free()?;
        self.way = None;
        self.channels = Default::default();
        self.class = ClassBits::Unknown;
        (self.opening, self.orphan) = (false, None);
        self.hello(HELLOS);
        Ok(())
    }

    /// Sends a command APDU to the card.
    ///
    /// # Errors
    /// Something else is being done.
    pub fn transmit(&mut self, command: &[u8]) -> Result<(), NotNow> {
        self.free()?;
        self.again = Some((command.to_vec(), REPEATS));
        if self.late {
            // What comes too late to the command before must not be taken for the answer to this.
            self.doing = Doing::Settle(command.to_vec());
            self.settle("AT", self.options.quiet);
        } else {
            self.pass_on(command);
        }
        Ok(())
    }

    /// How the modem passes APDUs on, once that is known.
    #[must_use]
    pub const fn way(&self) -> Option<Way> {
        self.way
    }

    /// The next line that the modem said by itself, or beside an answer.
    pub fn notice(&mut self) -> Option<String> {
        self.notices.pop_front()
    }

    /// The sessions that are open: to be closed by [`Self::transmit`] of MANAGE CHANNEL.
    pub fn open_channels(&self) -> impl Iterator<Item = u8> + '_ {
        let open = self.channels.iter().zip(1..).filter(|(channel, _)| !matches!(channel, Channel::Closed));
        open.map(|(_, number)| number)
    }

    /// What is to be done next.
    pub fn step(&mut self) -> Step {
        if let Some(bytes) = self.write.take() {
            Step::Write(bytes)
        } else if let Some(done) = self.done.take() {
            self.doing = Doing::Nothing;
            Step::Done(done)
        } else if let Some(exchange) = &self.exchange {
            Step::Read(exchange.wait)
        } else {
            Step::Rest
        }
    }

    /// What came from the modem, in pieces of any length.
    pub fn read(&mut self, bytes: &[u8]) {
        if let Some(exchange) = &mut self.exchange {
            exchange.pieces += usize::from(matches!(exchange.wait, Wait::Quiet(_)));
            if exchange.pieces > MAX_PIECES {
                return self.fail(Failure::Garbled);
            }
        }
        for &byte in bytes {
            if let Some(exchange) = &mut self.exchange {
                exchange.bytes += 1;
                if exchange.bytes > if exchange.settles.is_some() { MAX_SETTLING } else { MAX_BYTES } {
                    return self.fail(Failure::Garbled);
                }
            }
            if let Some(line) = self.lines.push(byte) {
                self.line(line);
            }
        }
    }

    /// The time of [`Step::Read`] is over.
    pub fn time_out(&mut self) {
        let Some(exchange) = self.exchange.take() else { return };
        let is_quiet = matches!(exchange.wait, Wait::Quiet(_));
        match core::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Start(Start::Hello(_)) if is_quiet => {
                self.late = false;
                // Whatever it says to this: an echo is understood.
                self.ask(Start::Echo, "ATE0");
            }
            Doing::Settle(command) if is_quiet => {
                self.late = false;
                self.opening = false;
                match self.orphan.take().filter(|name| !self.is_open(name)) {
                    Some(name) => {
                        self.doing = Doing::Discard(command);
                        self.close(&name);
                        self.orphan = Some(name);
                    }
                    None => self.pass_on(&command),
                }
            }
            Doing::Start(Start::Hello(left)) if left > 1 => self.hello(left - 1),
            Doing::Start(Start::Hello(_)) => self.fail(Failure::NoModem),
            Doing::Nothing => {}
            doing @ Doing::Open(_) => {
                self.doing = doing;
                self.fail(Failure::Silent);
            }
            _ => self.fail(Failure::Silent),
        }
    }

    /// The line takes or brings nothing any more: what was begun has failed. Where it works again,
    /// what is late is not taken for the answer to what comes next.
    pub fn give_up(&mut self) {
        self.write = None;
        if self.exchange.is_some() {
            self.late = true;
            self.opening |= matches!(self.doing, Doing::Open(_));
            self.lines.clear();
            self.finish(Err(Failure::NoModem));
        }
    }

    fn free(&self) -> Result<(), NotNow> {
        let free = matches!(self.doing, Doing::Nothing) && self.done.is_none() && self.exchange.is_none();
        if free { Ok(()) } else { Err(NotNow) }
    }

    // What goes out.

    fn hello(&mut self, left: u8) {
        self.doing = Doing::Start(Start::Hello(left));
        // Who answers nothing that can be read may have been set to answer in digits (V.250 §6.2.6).
        self.settle(if left == HELLOS { "AT" } else { "ATV1" }, self.options.quiet);
    }

    /// What is late, or was said before anybody listened, is not to be taken for an answer.
    fn settle(&mut self, hello: &str, quiet: Duration) {
        self.say(hello.into(), Expected::Nothing, self.options.modem);
        if let Some(exchange) = &mut self.exchange {
            exchange.settles = Some(quiet);
        }
    }

    /// Writes a command line. What has begun to come is none of its answer.
    fn say(&mut self, command: String, expected: Expected, wait: Duration) {
        let mut bytes = command.into_bytes();
        bytes.push(b'\r');
        self.write = Some(bytes);
        self.lines.clear();
        let wait = Wait::Answer(wait);
        self.exchange =
            Some(Exchange { expected, lines: 0, bytes: 0, pieces: 0, garbled: false, wait, settles: None });
    }

    /// `AT+CCHC`; what for is [`Self::doing`].
    fn close(&mut self, name: &str) {
        self.say(format!("AT+CCHC={name}"), Expected::Nothing, self.options.modem);
    }

    /// Whether the LPA has a session of that name.
    fn is_open(&self, name: &str) -> bool {
        self.channels.iter().any(|channel| matches!(channel, Channel::Session(known) if known == name))
    }

    fn ask(&mut self, doing: Start, command: &str) {
        self.doing = Doing::Start(doing);
        self.say(command.into(), Expected::Nothing, self.options.modem);
    }

    fn finish(&mut self, done: Result<Vec<u8>, Failure>) {
        self.exchange = None;
        self.again = None;
        self.done = Some(done);
    }

    fn fail(&mut self, failure: Failure) {
        self.late |= matches!(failure, Failure::Silent | Failure::Garbled);
        self.opening |= self.late && matches!(self.doing, Doing::Open(_));
        self.lines.clear();
        self.finish(Err(failure));
    }

    fn answer(&mut self, sw: StatusWord) {
        self.finish(Ok(sw.0.to_be_bytes().to_vec()));
    }

    /// An APDU, by the way that there is.
    fn pass_on(&mut self, bytes: &[u8]) {
        let Ok(command) = Command::parse(bytes) else { return self.finish(Err(Failure::Command)) };
        if bytes.len() > MAX_COMMAND || (bytes.len() > 5 && bytes[4] == 0) {
            return self.finish(Err(Failure::Command));
        }
        match self.way {
            None => self.finish(Err(Failure::NoWay)),
            Some(Way::Plain) => self.plainly(bytes, false),
            Some(Way::Sessions) => self.in_session(bytes, &command),
        }
    }

    /// What the host does itself, what opens and closes a session, and what goes through one.
    fn in_session(&mut self, bytes: &[u8], command: &Command<'_>) {
        let number = match Class::parse(command.cla) {
            Ok(class) => class.channel.number(),
            // Secure messaging: the channel is in the same place.
            Err(_) => command.cla & 3,
        };
        if number == 0 && command.ins == ins::MANAGE_CHANNEL && command.cla & 0xF0 == 0 {
            return self.manage(command);
        }
        if number == 0 {
            return if self.plain {
                self.plainly(bytes, true)
            } else {
                self.answer(StatusWord::CHANNEL_NOT_SUPPORTED)
            };
        }
        let index = usize::from(number) - 1;
        let by_name = command.ins == ins::SELECT && command.p1 == 0x04 && command.cla & 0x90 == 0;
        match self.channels.get(index) {
            None | Some(Channel::Closed) => self.answer(StatusWord::CHANNEL_NOT_SUPPORTED),
            Some(Channel::Open) if by_name => {
                let mut line = String::from("AT+CCHO=\"");
                line::hex(command.data, &mut line);
                line.push('"');
                self.doing = Doing::Open(index);
                self.say(line, Expected::Name(None), self.options.card);
            }
            // Nothing is selected on it.
            Some(Channel::Open) => self.answer(StatusWord::CONDITIONS),
            Some(Channel::Session(_)) if command.ins == ins::MANAGE_CHANNEL => self.manage(command),
            Some(Channel::Session(_)) => self.through(index, bytes.to_vec()),
        }
    }

    /// MANAGE CHANNEL (ETSI TS 102 221 §11.1.17).
    fn manage(&mut self, command: &Command<'_>) {
        let closed = |channel: &Channel| matches!(channel, Channel::Closed);
        match (command.p1, command.p2) {
            (0x00, 0x00) => match self.channels.iter().position(closed) {
                Some(index) => {
                    self.channels[index] = Channel::Open;
                    self.finish(Ok(vec![index as u8 + 1, 0x90, 0x00]));
                }
                None => self.answer(StatusWord::FUNCTION_NOT_SUPPORTED),
            },
            (0x00, number @ 1..=3) => {
                let channel = &mut self.channels[usize::from(number) - 1];
                if closed(channel) {
                    *channel = Channel::Open;
                    self.answer(StatusWord::OK);
                } else {
                    self.answer(StatusWord::WRONG_P1P2);
                }
            }
            (0x80, number @ 1..=3) => {
                let index = usize::from(number) - 1;
                match self.channels[index].clone() {
                    Channel::Closed => self.answer(StatusWord::CHANNEL_NOT_SUPPORTED),
                    Channel::Open => {
                        self.channels[index] = Channel::Closed;
                        self.answer(StatusWord::OK);
                    }
                    // Its name is kept until the modem has answered, to be closed again otherwise.
                    Channel::Session(name) => {
                        self.doing = Doing::Close(index);
                        self.close(&name);
                    }
                }
            }
            _ => self.answer(StatusWord::WRONG_P1P2),
        }
    }

    /// `AT+CGLA`.
    fn through(&mut self, index: usize, command: Vec<u8>) {
        let Some(Channel::Session(name)) = self.channels.get(index) else {
            return self.answer(StatusWord::CHANNEL_NOT_SUPPORTED);
        };
        let mut wire = command.clone();
        if let (Some(cla), Ok(class)) = (wire.first_mut(), Class::parse(command[0])) {
            let number = match self.class {
                ClassBits::Unknown | ClassBits::Basic => 0,
                ClassBits::Session => name.parse().unwrap_or(0),
            };
            let channel = apdu::Channel::new(number).unwrap_or(apdu::Channel::BASIC);
            let bare = if class.proprietary { channel.proprietary() } else { channel.interindustry() };
            *cla = bare | if class.chained { 0x10 } else { 0 };
        }
        let mut line = format!("AT+CGLA={name},{},\"", 2 * wire.len());
        line::hex(&wire, &mut line);
        line.push('"');
        self.doing = Doing::Session(index, command);
        self.say(line, Expected::Data("+CGLA:", Data::default()), self.options.card);
    }

    /// `AT+CSIM`.
    fn plainly(&mut self, command: &[u8], beside: bool) {
        let mut line = format!("AT+CSIM={},\"", 2 * command.len());
        line::hex(command, &mut line);
        line.push('"');
        self.doing = Doing::Plain { beside };
        self.say(line, Expected::Data("+CSIM:", Data::default()), self.options.card);
    }

    // What comes in.

    fn line(&mut self, line: Line) {
        let waits =
            self.write.is_none() && self.exchange.as_ref().is_some_and(|exchange| exchange.settles.is_none());
        if let Line::Text(text) = &line
            && let Some(name) = session_name(text).filter(|_| self.opening && !waits)
        {
            self.orphan.get_or_insert(name);
            return;
        }
        // Before the command is written, nothing is an answer to it.
        let Some(exchange) = self.exchange.as_mut().filter(|_| self.write.is_none()) else {
            if let Line::Text(text) = line {
                self.notify(&text);
            }
            return;
        };
        exchange.lines += 1;
        if exchange.lines > MAX_LINES {
            return self.fail(Failure::Garbled);
        }
        match line {
            Line::TooLong => exchange.garbled = true,
            // The echo; its first character may have been lost on the way.
            Line::Text(text) if line::strip(&text, "AT").or_else(|| line::strip(&text, "T+")).is_some() => {}
            Line::Text(text) => match line::last(&text) {
                Some(end) => self.end(end),
                None => {
                    if !exchange.take(&text) {
                        self.notify(&text);
                    }
                }
            },
        }
    }

    fn notify(&mut self, text: &str) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back(text.chars().take(MAX_NOTICE).collect());
    }

    /// The modem has ended its answer.
    fn end(&mut self, end: Result<(), Cme>) {
        let Some(exchange) = &mut self.exchange else { return };
        if let Some(quiet) = exchange.settles {
            // Perhaps of what is late, perhaps of `AT`: from now on quiet is what counts.
            exchange.wait = Wait::Quiet(quiet);
            return;
        }
        let Some(exchange) = self.exchange.take() else { return };
        if let Doing::Close(index) = self.doing
            && let Some(channel) = self.channels.get_mut(index)
        {
            *channel = Channel::Closed;
        }
        if exchange.garbled && end.is_ok() {
            return self.fail(Failure::Garbled);
        }
        if let Err(cme) = &end
            && let Some(command) = self.repeats(cme)
        {
            self.notify(&format!("again after {cme}"));
            self.doing = Doing::Settle(command);
            let quiet = if cme.is_card_out() { self.options.absent } else { self.options.quiet };
            return self.settle("AT", quiet);
        }
        match core::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Nothing | Doing::Settle(_) => {}
            // Whatever it says to this: it is not closed twice.
            Doing::Discard(command) => {
                self.orphan = None;
                self.pass_on(&command);
            }
            Doing::Start(step) => self.started(step, end.is_ok()),
            Doing::Open(index) => match (end, exchange.expected) {
                (Ok(()), Expected::Name(Some(name))) => {
                    if let Some(channel) = self.channels.get_mut(index) {
                        *channel = Channel::Session(name);
                    }
                    self.answer(StatusWord::OK);
                }
                (Ok(()), _) => self.fail(Failure::Garbled),
                (Err(cme), _) if cme.is_of_card() => self.fail(Failure::Refused(cme)),
                (Err(cme), _) => {
                    // No other word of a modem's says that the card has no such application.
                    self.notify(&format!("AT+CCHO: {cme}"));
                    self.answer(StatusWord::FILE_NOT_FOUND);
                }
            },
            Doing::Session(index, command) => match (end, exchange.response()) {
                (Ok(()), Some(response)) => self.passed(index, command, response),
                (Ok(()), None) => self.fail(Failure::Garbled),
                (Err(cme), _) => self.fail(Failure::Refused(cme)),
            },
            Doing::Plain { beside } => match (end, exchange.response()) {
                (Ok(()), Some(response)) => self.finish(Ok(response)),
                (Ok(()), None) => self.fail(Failure::Garbled),
                (Err(cme), _) if beside && !cme.is_card_out() => {
                    self.notify(&format!("AT+CSIM: {cme}"));
                    self.answer(StatusWord::TECHNICAL_PROBLEM);
                }
                (Err(cme), _) => self.fail(Failure::Refused(cme)),
            },
            Doing::Close(_) => match end {
                Ok(()) => self.answer(StatusWord::OK),
                // It knows no such session, or the command: either way there is none any more.
                Err(cme) => {
                    self.notify(&format!("AT+CCHC: {cme}"));
                    self.answer(StatusWord::CHANNEL_NOT_SUPPORTED);
                }
            },
        }
    }

    /// The command under way, where it is worth another try once the line has been quiet. "SIM busy"
    /// says that the card was not given it. "SIM failure" does not, and is also what some say of an
    /// application that the card has not; "SIM not inserted" is said while a card is reset as well. After
    /// these only what a card is begun with is given again, for one that has just been put in or is
    /// starting: what goes on with a channel that is not open any more has nothing to go on with.
    fn repeats(&mut self, cme: &Cme) -> Option<Vec<u8>> {
        let (command, left) = self.again.as_mut()?;
        let is_worth_it = match self.doing {
            Doing::Open(_) => cme.is(10) || cme.is(13) || cme.is(14),
            Doing::Plain { .. } if cme.is(10) => opens(command),
            Doing::Session(..) | Doing::Plain { .. } => cme.is(14),
            _ => false,
        };
        if !is_worth_it {
            return None;
        }
        *left = left.checked_sub(1)?;
        Some(command.clone())
    }

    fn started(&mut self, step: Start, ok: bool) {
        match step {
            // It ends when the line is quiet.
            Start::Hello(_) => {}
            // Whatever it says to this: without numbers there are words.
            Start::Echo => self.ask(Start::Errors, "AT+CMEE=1"),
            Start::Errors => self.ask(Start::Sessions, "AT+CCHO=?"),
            Start::Sessions => {
                self.way = ok.then_some(Way::Sessions);
                self.ask(Start::Plain, "AT+CSIM=?");
            }
            Start::Plain => {
                self.plain = ok;
                // Some know the commands and not the question whether they do: sessions then, for
                // what they refuse harms nothing.
                let otherwise = if ok { Way::Plain } else { Way::Sessions };
                self.way = Some(self.way.unwrap_or(otherwise));
                self.finish(Ok(Vec::new()));
            }
        }
    }

    /// A response of the card in a session; with it the modem shows whether it sees to the class
    /// byte. If it does not, the command has reached the basic channel, where the ISD-R is not.
    /// Only what was carried out shows that it does: what is wrong may be so on either channel.
    fn passed(&mut self, index: usize, command: Vec<u8>, response: Vec<u8>) {
        let sw = StatusWord(response.last_chunk().map_or(0, |sw| u16::from_be_bytes(*sw)));
        let refused = [StatusWord::CLASS_NOT_SUPPORTED, StatusWord::INS_NOT_SUPPORTED].contains(&sw);
        let is_number = matches!(
            self.channels.get(index),
            Some(Channel::Session(name)) if name.parse().is_ok_and(|number: u8| (1..20).contains(&number))
        );
        match self.class {
            ClassBits::Unknown if refused && is_number => {
                self.class = ClassBits::Session;
                self.through(index, command);
            }
            ClassBits::Unknown if sw.is_success() => {
                self.class = ClassBits::Basic;
                self.finish(Ok(response));
            }
            _ => self.finish(Ok(response)),
        }
    }
}

impl Exchange {
    /// Whether a line is of the answer.
    fn take(&mut self, text: &str) -> bool {
        match &mut self.expected {
            // What stands before the end of an answer without one, and what a command can take.
            Expected::Nothing => {
                ["+CCHC", "+CCHO", "+CSIM"].iter().any(|said| line::strip(text, said).is_some())
            }
            Expected::Name(name) => {
                let said = session_name(text);
                let takes = said.is_some() || line::strip(text, "+CCHO:").is_some();
                *name = name.take().or(said);
                takes
            }
            Expected::Data(prefix, data) => {
                let said = line::strip(text, prefix);
                let begins = said.is_some_and(|_| matches!(data.arrived(), Arrived::Garbled));
                if begins || data.goes_on(text) || is_bare(text, data) {
                    self.garbled |= !data.push(said.unwrap_or(text));
                    true
                } else {
                    said.is_some()
                }
            }
        }
    }

    fn response(&self) -> Option<Vec<u8>> {
        match &self.expected {
            Expected::Data(_, data) => match data.arrived() {
                Arrived::Whole(response) => Some(response),
                Arrived::Part | Arrived::Garbled => None,
            },
            _ => None,
        }
    }
}

/// Whether it is what a card is begun with: TERMINAL CAPABILITY, or MANAGE CHANNEL that opens a channel
/// (ETSI TS 102 221 §11.1.19, §11.1.17). Either may be given twice.
fn opens(command: &[u8]) -> bool {
    matches!(command, [_, ins::TERMINAL_CAPABILITY, ..] | [_, ins::MANAGE_CHANNEL, 0x00, ..])
}

/// What a modem calls a session: `+CCHO: 1`, or without the prefix.
fn session_name(text: &str) -> Option<String> {
    let name = line::strip(text, "+CCHO:").unwrap_or(text).trim_matches(['"', ' ']);
    let is_name = (1..=16).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name.then(|| name.into())
}

/// Whether a line is a whole response without its prefix.
fn is_bare(text: &str, before: &Data) -> bool {
    let mut data = Data::default();
    before.arrived() == Arrived::Garbled
        && text.contains('"')
        && !text.starts_with('+')
        && data.push(text)
        && matches!(data.arrived(), Arrived::Whole(_))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModem => f.write_str("nothing on this line speaks AT"),
            Self::NoWay => {
                f.write_str("the modem has not been started, or passes no commands on to its card")
            }
            Self::Refused(cme) => write!(f, "the modem refuses: {cme}"),
            Self::Silent => f.write_str("the modem does not answer in time"),
            Self::Garbled => f.write_str("the modem's answer is none"),
            Self::Command => f.write_str("not a short command APDU"),
        }
    }
}

impl core::error::Error for Failure {}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the modem is waited for already")
    }
}

impl core::error::Error for NotNow {}
