//! APDUs, at every level of exchange.

use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use super::{Reader, Session};
use crate::atr::Protocol;
use crate::descriptor::{Features, Level};
use crate::error::{Error, MessageError, SlotError};
use crate::message::{HEADER, Icc, LONGEST, kind};
use crate::t1::{Link, LinkError};

/// GET RESPONSE commands for one answer.
const PARTS: usize = 300;
/// The most bytes of data of a response APDU.
const MOST: usize = 65_536;
/// What the reader may take besides the card.
const MARGIN: Duration = Duration::from_secs(5);
/// A card may ask for hours.
const MOST_PATIENCE: Duration = Duration::from_secs(600);

impl Reader {
    pub(super) async fn transmit(&self, slot: u8, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let command = Command::parse(bytes)?;
        self.look(slot).await?;
        let (level, protocol, collect) = {
            let collect = self.state.borrow().options.collect;
            let slot = self.slot(slot)?;
            match (&slot.session, slot.ended) {
                (Some(session), _) => (session.connection.level, session.connection.protocol, collect),
                (None, ended) => return Err(ended.unwrap_or(Error::NotConnected)),
            }
        };
        let way = Way { reader: self, slot, level, protocol };
        let result = way.whole(&command, collect).await;
        if let Err(error) = &result
            && error.ends_connection()
        {
            let mut slot = self.slot(slot)?;
            if slot.session.take().is_some() {
                slot.ended = Some(*error);
            }
        }
        result
    }

    /// Whether the card that was connected is still there, with its power, where there is doubt.
    async fn look(&self, slot: u8) -> Result<(), Error> {
        let (told, seen) = {
            let slot = self.slot(slot)?;
            (slot.told, slot.seen)
        };
        if told == seen {
            return Ok(());
        }
        let answer = self.ask(slot, kind::GET_SLOT_STATUS, [0; 3], Vec::new()).await?;
        let gives_power = self.features(slot).has(Features::AUTO_ACTIVATION);
        let gone = match answer.icc() {
            // Where the reader gives power by itself any card has it. The first notice is as a
            // rule of the card that was there when the reader began.
            Icc::Active if gives_power && told > 1 => Some(Error::CardReset),
            Icc::Active => None,
            Icc::Inactive => Some(Error::CardReset),
            Icc::Absent => Some(Error::CardRemoved),
        };
        let mut slot = self.slot(slot)?;
        // Only now: a question without an answer leaves the doubt.
        slot.seen = told;
        if gone.is_some() && slot.session.take().is_some() {
            slot.ended = gone;
        }
        Ok(())
    }

    /// One XfrBlock at the level of TPDUs: of T=0, T=1 or PPS. `multiplier` is `bBWI`.
    pub(super) async fn block(&self, slot: u8, data: Vec<u8>, multiplier: u8) -> Result<Vec<u8>, Error> {
        let most = self.longest().saturating_sub(HEADER);
        if data.len() > most {
            return Err(Error::ApduTooLong { most: most.saturating_sub(5) });
        }
        let patience = self.patience().max(self.waiting(slot, multiplier)?);
        let answer = self.ask_for(slot, kind::XFR_BLOCK, [multiplier, 0, 0], data, patience).await?;
        self.expect(&answer, kind::DATA_BLOCK)?;
        Ok(answer.data)
    }

    /// The longest message of the reader.
    fn longest(&self) -> usize {
        let max = self.state.borrow().interface.reader.max_message;
        usize::try_from(max).unwrap_or(LONGEST).min(LONGEST)
    }

    /// How long the card that is connected may take, and the reader with it, before the reader
    /// must say so.
    fn waiting(&self, slot: u8, multiplier: u8) -> Result<Duration, Error> {
        let clock = self.state.borrow().interface.reader.default_clock;
        let slot = self.slot(slot)?;
        let Some(Session { connection, .. }) = &slot.session else { return Ok(Duration::ZERO) };
        let time = match connection.protocol {
            Protocol::T0 => connection.atr.work_waiting_time(connection.factors, clock),
            Protocol::T1 => {
                connection.atr.block_waiting_time(connection.factors, clock) * u32::from(multiplier.max(1))
            }
        };
        Ok(time.saturating_add(MARGIN).min(MOST_PATIENCE))
    }

    fn patience(&self) -> Duration {
        let state = self.state.borrow();
        state.options.patience.max(state.quirks.patience.unwrap_or_default())
    }

    /// XfrBlock at the level of extended APDUs: command and response in as many messages as
    /// they need (CCID Rev 1.1 §6.1.4, `wLevelParameter`).
    async fn chained(&self, slot: u8, command: &[u8]) -> Result<Vec<u8>, Error> {
        let room = self.longest() - HEADER;
        let patience = self.patience();
        let mut parts = command.chunks(room).peekable();
        let mut first = true;
        let mut response = Vec::new();
        let mut answer = loop {
            let part = parts.next().unwrap_or_default();
            let level = match (first, parts.peek().is_some()) {
                (true, false) => 0,
                (true, true) => 1,
                (false, true) => 3,
                (false, false) => 2,
            };
            first = false;
            let specific = [0, level, 0];
            let answer = self.ask_for(slot, kind::XFR_BLOCK, specific, part.to_vec(), patience).await?;
            self.expect(&answer, kind::DATA_BLOCK)?;
            if parts.peek().is_none() {
                break answer;
            }
            // An empty answer that asks for the rest of the command.
            if answer.specific[2] != 0x10 || !answer.data.is_empty() {
                return Err(MessageError::Chain(answer.specific[2]).into());
            }
        };
        loop {
            let chain = answer.specific[2];
            let begins = response.is_empty();
            response.append(&mut answer.data);
            if response.len() > MOST + 2 {
                return Err(MessageError::TooLong.into());
            }
            match chain {
                // Whole; the end.
                0 if begins => return Ok(response),
                2 if !begins => return Ok(response),
                // The beginning; the middle. Without a byte it would go on for ever.
                1 if begins && !response.is_empty() => {}
                3 if !begins => {}
                other => return Err(MessageError::Chain(other).into()),
            }
            answer = self.ask_for(slot, kind::XFR_BLOCK, [0, 0x10, 0], Vec::new(), patience).await?;
            self.expect(&answer, kind::DATA_BLOCK)?;
            if answer.data.is_empty() && answer.specific[2] == 3 {
                return Err(MessageError::Chain(3).into());
            }
        }
    }
}

/// Blocks of T=1 to the card in a slot.
pub(super) struct Blocks<'a> {
    pub(super) reader: &'a Reader,
    pub(super) slot: u8,
}

impl Link for Blocks<'_> {
    async fn exchange(&mut self, block: Vec<u8>, multiplier: u8) -> Result<Vec<u8>, LinkError> {
        match self.reader.block(self.slot, block, multiplier).await {
            Ok(bytes) => Ok(bytes),
            Err(Error::Refused { code: SlotError::MUTE, .. }) => Err(LinkError::Mute),
            Err(Error::Refused { code: SlotError::PARITY | SlotError::OVERRUN, .. }) => {
                Err(LinkError::Garbled)
            }
            Err(error) => Err(LinkError::Broken(error)),
        }
    }
}

/// How a command gets to the card.
struct Way<'a> {
    reader: &'a Reader,
    slot: u8,
    level: Level,
    protocol: Protocol,
}

impl Way<'_> {
    /// A command and all of its answer: the repetition with the right length, and what waits
    /// for GET RESPONSE (ISO 7816-3 §12.2). What the caller did not ask for stays where it is.
    async fn whole(&self, command: &Command<'_>, collect: bool) -> Result<Vec<u8>, Error> {
        let mut response = self.once(command).await?;
        if !collect || command.le.is_none() {
            return Ok(response);
        }
        if let [.., 0x6C, length] = response[..] {
            response = self.once(&Command { le: Some(short(length)), ..*command }).await?;
        }
        let (mut parts, mut again) = (0, false);
        while let [.., 0x61, length] = response[..] {
            parts += 1;
            if parts > PARTS || response.len() > MOST {
                return Err(Error::Endless);
            }
            response.truncate(response.len() - 2);
            let class = get_response_class(command.cla);
            let get = Command {
                cla: class,
                ins: 0xC0,
                p1: 0,
                p2: 0,
                data: &[],
                le: Some(short(length)),
                extended: false,
            };
            let mut part = self.once(&get).await?;
            if let ([.., 0x6C, length], false) = (&part[..], again) {
                again = true;
                part = self.once(&Command { le: Some(short(*length)), ..get }).await?;
            }
            response.extend(part);
        }
        Ok(response)
    }

    /// One command and what the card answers to it.
    async fn once(&self, command: &Command<'_>) -> Result<Vec<u8>, Error> {
        let Self { reader, slot, .. } = *self;
        let response = match (self.level, self.protocol) {
            (Level::ExtendedApdu, _) => reader.chained(slot, &command.to_vec()).await,
            (Level::Tpdu, Protocol::T0) => reader.block(slot, command.to_t0()?, 0).await,
            (Level::Tpdu, Protocol::T1) => self.blocks(&command.to_vec()).await,
            (Level::ShortApdu | Level::Character, _) => reader.block(slot, command.to_short()?, 0).await,
        };
        let response = response.map_err(mute)?;
        match response.len() {
            0 | 1 => Err(Error::NoStatusWord),
            _ => Ok(response),
        }
    }

    async fn blocks(&self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let take = self.reader.slot(self.slot)?.session.as_ref().and_then(|session| session.t1.clone());
        let mut host = take.ok_or(Error::NotConnected)?;
        let result = host.transmit(&mut Blocks { reader: self.reader, slot: self.slot }, command).await;
        // Numbers go on after an error too, if the card is still there.
        if let Some(session) = &mut self.reader.slot(self.slot)?.session {
            session.t1 = Some(host);
        }
        result
    }
}

const fn mute(error: Error) -> Error {
    match error {
        Error::Refused { code: SlotError::MUTE, .. } => Error::Mute,
        error => error,
    }
}

/// Le of one byte.
const fn short(length: u8) -> usize {
    if length == 0 { 256 } else { length as usize }
}

/// The class of GET RESPONSE: the logical channel of the command, nothing else of it; GSM's
/// class is one of its own (ISO 7816-4 §5.4.1, 3GPP TS 51.011 §9.2).
const fn get_response_class(class: u8) -> u8 {
    match class {
        0xA0 => 0xA0,
        _ if class & 0x40 != 0 => 0x40 | class & 0x0F,
        _ => class & 0x03,
    }
}

/// A command APDU (ISO 7816-3 §12.1).
#[derive(Clone, Copy)]
struct Command<'a> {
    cla: u8,
    ins: u8,
    p1: u8,
    p2: u8,
    data: &'a [u8],
    /// 1 to 65,536.
    le: Option<usize>,
    /// Whether its lengths were extended ones.
    extended: bool,
}

impl<'a> Command<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let [cla, ins, p1, p2, body @ ..] = bytes else { return Err(Error::Apdu) };
        let command = |data: Range<usize>, le: Option<usize>, extended| {
            let data = body.get(data).ok_or(Error::Apdu)?;
            Ok(Self { cla: *cla, ins: *ins, p1: *p1, p2: *p2, data, le, extended })
        };
        let long = |high: u8, low: u8| match u16::from_be_bytes([high, low]) {
            0 => MOST,
            length => usize::from(length),
        };
        match *body {
            [] => command(0..0, None, false),
            [le] => command(0..0, Some(short(le)), false),
            [0, high, low] => command(0..0, Some(long(high, low)), true),
            [0, high, low, ..] if (high, low) != (0, 0) => {
                let end = 3 + long(high, low);
                match body.get(end..) {
                    Some([]) => command(3..end, None, true),
                    Some(&[high, low]) => command(3..end, Some(long(high, low)), true),
                    _ => Err(Error::Apdu),
                }
            }
            [lc, ..] if lc != 0 => {
                let end = 1 + usize::from(lc);
                match body.get(end..) {
                    Some([]) => command(1..end, None, false),
                    Some(&[le]) => command(1..end, Some(short(le)), false),
                    _ => Err(Error::Apdu),
                }
            }
            _ => Err(Error::Apdu),
        }
    }

    fn head(&self) -> Vec<u8> {
        [self.cla, self.ins, self.p1, self.p2].into()
    }

    /// As it came; with the new Le where there is one.
    fn to_vec(self) -> Vec<u8> {
        if !self.extended {
            return self.to_short().unwrap_or_else(|_| self.head());
        }
        let mut bytes = self.head();
        bytes.push(0);
        if !self.data.is_empty() {
            bytes.extend((self.data.len() as u16).to_be_bytes());
            bytes.extend(self.data);
        }
        if let Some(le) = self.le {
            bytes.extend((le as u16).to_be_bytes());
        }
        bytes
    }

    /// With short lengths: of a longer answer the first 256 bytes, the rest waits.
    fn to_short(self) -> Result<Vec<u8>, Error> {
        let mut bytes = self.head();
        if !self.data.is_empty() {
            bytes.push(u8::try_from(self.data.len()).map_err(|_| Error::ApduTooLong { most: 255 })?);
            bytes.extend(self.data);
        }
        if let Some(le) = self.le {
            bytes.push(le.min(256) as u8);
        }
        Ok(bytes)
    }

    /// As T=0 has it: five bytes, and data in one direction (ISO 7816-3 §12.2).
    fn to_t0(self) -> Result<Vec<u8>, Error> {
        if self.data.is_empty() {
            let mut bytes = self.to_short()?;
            bytes.resize(5, 0);
            return Ok(bytes);
        }
        // Case 4 is case 3, and GET RESPONSE after it.
        Self { le: None, ..self }.to_short()
    }
}
