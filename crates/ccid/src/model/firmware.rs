//! What the reader does with its commands, and what it knows of cards.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::Card;
use super::contacts::Contacts;
use super::line::{Line, Turned};
use super::reader::{Fault, Reader};
use crate::atr::{Atr, Factors, Protocol, pps};
use crate::descriptor::{ClassDescriptor, Features, Level, Voltage};
use crate::driver::Parameters;
use crate::error::{Error, SlotError};
use crate::machine::ready;
use crate::message::{HEADER, Icc, Message, kind};
use crate::t1::{Edc, Host};

#[derive(Debug)]
pub(super) struct Slot<C> {
    pub(super) contacts: Option<Contacts<C>>,
    pub(super) powered: bool,
    pub(super) atr: Option<Atr>,
    pub(super) protocol: Protocol,
    /// In force on the line.
    pub(super) factors: Factors,
    pub(super) parameters: Option<Parameters>,
    /// The firmware's side of T=1.
    pub(super) host: Option<Host>,
    /// Whether anything but PPS was exchanged.
    pub(super) talked: bool,
    /// Parts of a command, of an answer.
    pub(super) command: Vec<u8>,
    pub(super) answer: Vec<u8>,
    /// Whether the host waits for an answer that does not come.
    pub(super) stuck: bool,
    /// ABORT came on the control endpoint, with this number.
    pub(super) aborting: Option<u8>,
    pub(super) clock_stopped: bool,
}

impl<C: Card> Slot<C> {
    pub(super) const fn empty() -> Self {
        Self {
            contacts: None,
            powered: false,
            atr: None,
            protocol: Protocol::T0,
            factors: Factors::DEFAULT,
            parameters: None,
            host: None,
            talked: false,
            command: Vec::new(),
            answer: Vec::new(),
            stuck: false,
            aborting: None,
            clock_stopped: false,
        }
    }

    pub(super) fn icc(&self) -> Icc {
        match (&self.contacts, self.powered) {
            (None, _) => Icc::Absent,
            (Some(_), false) => Icc::Inactive,
            (Some(_), true) => Icc::Active,
        }
    }

    pub(super) fn power_off(&mut self) {
        if let Some(contacts) = &mut self.contacts {
            contacts.power_off();
        }
        let contacts = self.contacts.take();
        let (stuck, aborting) = (self.stuck, self.aborting);
        *self = Self { contacts, stuck, aborting, ..Self::empty() };
    }
}

/// An answer of the firmware: the kind, byte 9, data.
pub(super) type Answer = (u8, u8, Vec<u8>);

impl<C: Card> Reader<C> {
    pub(super) fn execute(
        &mut self,
        number: usize,
        command: &Message,
        elapsed: &mut Duration,
    ) -> Result<Answer, SlotError> {
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        let [first, second, third] = command.specific;
        let status = (kind::SLOT_STATUS, 0, Vec::new());
        match command.kind {
            kind::GET_SLOT_STATUS => {
                let clock = if !slot.powered { 3 } else { u8::from(slot.clock_stopped) };
                Ok((kind::SLOT_STATUS, clock, Vec::new()))
            }
            kind::ICC_POWER_OFF => {
                slot.power_off();
                Ok(status)
            }
            kind::ICC_POWER_ON => {
                let voltage = Voltage::from_select(first).ok_or(SlotError::BAD_PARAMETER_7)?;
                self.power_on(number, voltage, elapsed)
            }
            kind::ESCAPE => Ok((kind::ESCAPE_ANSWER, 0, command.data.clone())),
            kind::ICC_CLOCK => {
                slot.clock_stopped = first != 0;
                Ok((kind::SLOT_STATUS, u8::from(slot.clock_stopped), Vec::new()))
            }
            kind::GET_PARAMETERS | kind::RESET_PARAMETERS | kind::SET_PARAMETERS => {
                let atr = slot.atr.clone().ok_or(SlotError::MUTE)?;
                match command.kind {
                    kind::RESET_PARAMETERS => {
                        slot.parameters = Some(Parameters::of(&atr, slot.protocol, Factors::DEFAULT));
                    }
                    kind::SET_PARAMETERS => {
                        let parameters =
                            Parameters::parse(first, &command.data).ok_or(SlotError::BAD_LENGTH)?;
                        self.set_parameters(number, &atr, parameters, elapsed)?;
                    }
                    _ => {}
                }
                let slot = self.slots.get(number).ok_or(SlotError::BAD_SLOT)?;
                let parameters = slot.parameters.ok_or(SlotError::NOT_SUPPORTED)?;
                Ok((kind::PARAMETERS, parameters.protocol(), parameters.to_vec()))
            }
            kind::XFR_BLOCK => {
                let level = u16::from_le_bytes([second, third]);
                self.xfr_block(number, &command.data, first, level, elapsed)
            }
            _ => Err(SlotError::NOT_SUPPORTED),
        }
    }

    fn line<R>(
        &mut self,
        number: usize,
        elapsed: &mut Duration,
        work: impl FnOnce(&mut Line<'_, C>, &mut Option<Host>) -> R,
    ) -> Result<R, SlotError> {
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        let contacts = slot.contacts.as_mut().ok_or(SlotError::MUTE)?;
        let mut line = Line {
            contacts,
            faults: &mut self.line_faults,
            traffic: &mut self.traffic,
            atr: slot.atr.clone(),
            protocol: slot.protocol,
            factors: slot.factors,
            clock: self.design.reader.default_clock,
            elapsed: *elapsed,
            turned: Turned::Reader,
        };
        let result = work(&mut line, &mut slot.host);
        *elapsed = line.elapsed;
        Ok(result)
    }

    pub(super) fn power_on(
        &mut self,
        number: usize,
        voltage: Voltage,
        elapsed: &mut Duration,
    ) -> Result<Answer, SlotError> {
        let reader = &self.design.reader;
        let auto = reader.features.has(Features::AUTO_VOLTAGE);
        if voltage == Voltage::Auto && !auto || !reader.voltages.has(voltage) {
            return Err(SlotError::BAD_PARAMETER_7);
        }
        let order: Vec<Voltage> = match voltage {
            Voltage::Auto => Voltage::LOWEST_FIRST.into_iter().filter(|v| reader.voltages.has(*v)).collect(),
            voltage => vec![voltage],
        };
        let clock = reader.default_clock;
        let mut last = SlotError::MUTE;
        for voltage in order {
            let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
            slot.power_off();
            let contacts = slot.contacts.as_mut().ok_or(SlotError::MUTE)?;
            contacts.power_on(voltage, clock);
            match self.line(number, elapsed, |line, _| line.answer_to_reset())? {
                Ok(bytes) => return self.powered(number, voltage, bytes, elapsed),
                Err(error) => last = error,
            }
        }
        if let Some(slot) = self.slots.get_mut(number) {
            slot.power_off();
        }
        Err(last)
    }

    /// The card has answered.
    fn powered(
        &mut self,
        number: usize,
        voltage: Voltage,
        bytes: Vec<u8>,
        elapsed: &mut Duration,
    ) -> Result<Answer, SlotError> {
        let by_itself = self.design.reader.features.has(Features::AUTO_NEGOTIATION);
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        slot.powered = true;
        if let Ok(atr) = Atr::parse(&bytes) {
            slot.protocol = atr.protocols().first().copied().unwrap_or(Protocol::T0);
            slot.parameters = Some(Parameters::of(&atr, slot.protocol, Factors::DEFAULT));
            slot.atr = Some(atr.clone());
            if let Some(ta2) = atr.ta2() {
                slot.protocol = if ta2 & 0x0F == 1 { Protocol::T1 } else { Protocol::T0 };
            }
            if by_itself {
                let protocol = slot.protocol;
                self.agree(number, &atr, protocol, voltage, elapsed)?;
            }
        }
        Ok((kind::DATA_BLOCK, 0, bytes))
    }

    /// What a reader that negotiates does after a reset: the fastest that both can.
    fn agree(
        &mut self,
        number: usize,
        atr: &Atr,
        protocol: Protocol,
        voltage: Voltage,
        elapsed: &mut Duration,
    ) -> Result<(), SlotError> {
        let reader = &self.design.reader;
        let (clock, most) = (reader.default_clock, reader.max_data_rate);
        let possible = atr.factors().and_slower().into_iter().find(|factors| factors.rate(clock) <= most);
        let mut factors = possible.unwrap_or(Factors::DEFAULT);
        if let Some(ta2) = atr.ta2() {
            factors = if ta2 & 0x10 == 0 { atr.factors() } else { Factors::DEFAULT };
        } else if factors != Factors::DEFAULT || protocol.number() != atr.first_protocol() {
            let request = pps::request(protocol, factors);
            let answer = self.line(number, elapsed, |line, _| line.pps(&request))?;
            match answer.ok().and_then(|answer| pps::agreed(&request, &answer)) {
                Some(agreed) => factors = agreed,
                None => {
                    // Reset, and no more of it.
                    let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
                    let contacts = slot.contacts.as_mut().ok_or(SlotError::MUTE)?;
                    let voltage = if voltage == Voltage::Auto { Voltage::V5 } else { voltage };
                    contacts.power_on(voltage, clock);
                    self.line(number, elapsed, |line, _| line.answer_to_reset())??;
                    if protocol.number() != atr.first_protocol() {
                        return Err(SlotError::PROTOCOL_NOT_SUPPORTED);
                    }
                    factors = Factors::DEFAULT;
                }
            }
        }
        let ifsd = u8::try_from(reader_ifsd(&self.design.reader)).unwrap_or(u8::MAX);
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        (slot.protocol, slot.factors) = (protocol, factors);
        slot.parameters = Some(Parameters::of(atr, protocol, factors));
        slot.host = None;
        if protocol == Protocol::T1 {
            let edc = if atr.uses_crc() { Edc::Crc } else { Edc::Lrc };
            let host = Host::new(edc, atr.ifsc());
            self.line(number, elapsed, |line, place| {
                let offered = ready(host.offer(line, ifsd));
                *place = Some(host);
                offered.map(drop)
            })?;
        }
        Ok(())
    }

    fn set_parameters(
        &mut self,
        number: usize,
        atr: &Atr,
        parameters: Parameters,
        elapsed: &mut Duration,
    ) -> Result<(), SlotError> {
        let features = self.design.reader.features;
        let protocol = if parameters.protocol() == 0 { Protocol::T0 } else { Protocol::T1 };
        let factors = Factors::from_ta1(parameters.factors()).ok_or(SlotError(10))?;
        let clock = self.design.reader.default_clock;
        if factors.rate(clock) > self.design.reader.max_data_rate.saturating_add(1) {
            return Err(SlotError(10));
        }
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        if features.has(Features::AUTO_NEGOTIATION) {
            if slot.protocol == protocol {
                return Ok(());
            }
            // Another protocol is another life of the card.
            let contacts = slot.contacts.as_mut().ok_or(SlotError::MUTE)?;
            let voltage = Voltage::LOWEST_FIRST.into_iter().find(|v| contacts.design.voltages.has(*v));
            contacts.power_on(voltage.unwrap_or(Voltage::V5), clock);
            slot.factors = Factors::DEFAULT;
            self.line(number, elapsed, |line, _| line.answer_to_reset())??;
            return self.agree(number, atr, protocol, voltage.unwrap_or(Voltage::V5), elapsed);
        }
        let changes = factors != slot.factors || protocol.number() != atr.first_protocol();
        if features.has(Features::AUTO_PPS) && atr.ta2().is_none() && changes && !slot.talked {
            let request = pps::request(protocol, factors);
            let answer = self.line(number, elapsed, |line, _| line.pps(&request))??;
            if pps::agreed(&request, &answer) != Some(factors) {
                return Err(SlotError::PROTOCOL_NOT_SUPPORTED);
            }
        }
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        slot.parameters = Some(parameters);
        (slot.protocol, slot.factors) = (protocol, factors);
        Ok(())
    }

    fn xfr_block(
        &mut self,
        number: usize,
        data: &[u8],
        multiplier: u8,
        level: u16,
        elapsed: &mut Duration,
    ) -> Result<Answer, SlotError> {
        let room = (self.design.reader.max_message as usize).saturating_sub(HEADER);
        let exchange = self.design.reader.features.level();
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        if slot.contacts.is_none() || !slot.powered {
            return Err(SlotError::MUTE);
        }
        if exchange != Level::ExtendedApdu && level != 0 {
            return Err(SlotError::BAD_PARAMETER_8);
        }
        if exchange == Level::ExtendedApdu {
            match level {
                0 => slot.command = data.to_vec(),
                1 => {
                    slot.command = data.to_vec();
                    return Ok((kind::DATA_BLOCK, 0x10, Vec::new()));
                }
                3 | 2 => {
                    slot.command.extend_from_slice(data);
                    if slot.command.len() > 65_544 {
                        slot.command.clear();
                        return Err(SlotError::BAD_LENGTH);
                    }
                    if level == 3 {
                        return Ok((kind::DATA_BLOCK, 0x10, Vec::new()));
                    }
                }
                0x10 => {
                    let rest = core::mem::take(&mut slot.answer);
                    if rest.is_empty() {
                        return Err(SlotError::BAD_PARAMETER_8);
                    }
                    return Ok(part(slot, rest, room, false));
                }
                _ => return Err(SlotError::BAD_PARAMETER_8),
            }
        }
        let command =
            if exchange == Level::ExtendedApdu { core::mem::take(&mut slot.command) } else { data.to_vec() };
        match self.due(|f| matches!(f, Fault::CardRemoved | Fault::Work(_) | Fault::AbortedChain)) {
            Some(Fault::CardRemoved) => {
                self.remove(number as u8);
                return Err(SlotError::MUTE);
            }
            Some(Fault::Work(time)) => {
                if let Some(contacts) = self.slots.get_mut(number).and_then(|slot| slot.contacts.as_mut()) {
                    contacts.extra_work = time;
                }
            }
            Some(Fault::AbortedChain) => {
                if let Some(contacts) = self.slots.get_mut(number).and_then(|slot| slot.contacts.as_mut()) {
                    contacts.abort = true;
                }
            }
            _ => {}
        }
        let response = match exchange {
            Level::Character => return Err(SlotError::NOT_SUPPORTED),
            Level::Tpdu => self.tpdu(number, &command, multiplier, elapsed)?,
            Level::ShortApdu | Level::ExtendedApdu => self.apdu(number, &command, elapsed)?,
        };
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        slot.talked = true;
        if self.due(|fault| *fault == Fault::Overrun).is_some() {
            return Err(SlotError::OVERRUN);
        }
        let slot = self.slots.get_mut(number).ok_or(SlotError::BAD_SLOT)?;
        if exchange == Level::ExtendedApdu {
            return Ok(part(slot, response, room, true));
        }
        if response.len() > room {
            return Err(SlotError::OVERRUN);
        }
        Ok((kind::DATA_BLOCK, 0, response))
    }

    fn tpdu(
        &mut self,
        number: usize,
        data: &[u8],
        multiplier: u8,
        elapsed: &mut Duration,
    ) -> Result<Vec<u8>, SlotError> {
        let slot = self.slots.get(number).ok_or(SlotError::BAD_SLOT)?;
        if data.first() == Some(&0xFF) && (3..=6).contains(&data.len()) && !slot.talked {
            return self.line(number, elapsed, |line, _| line.pps(data))?;
        }
        match slot.protocol {
            Protocol::T0 => self.line(number, elapsed, |line, _| line.t0(data))?,
            Protocol::T1 => {
                // A block is at least its frame.
                if data.len() < 4 {
                    return Err(SlotError::BAD_LENGTH);
                }
                self.line(number, elapsed, |line, _| line.t1(data, multiplier))?
            }
        }
    }

    /// An APDU, by what the firmware knows of the protocols.
    fn apdu(&mut self, number: usize, command: &[u8], elapsed: &mut Duration) -> Result<Vec<u8>, SlotError> {
        let collects = self.design.collects;
        let protocol = self.slots.get(number).ok_or(SlotError::BAD_SLOT)?.protocol;
        match protocol {
            Protocol::T1 => {
                let response = self.line(number, elapsed, |line, host| {
                    let host = host.as_mut()?;
                    ready(host.transmit(line, command))
                })?;
                match response {
                    Some(Ok(response)) => Ok(response),
                    Some(Err(Error::T1(crate::error::T1Error::Lost))) => Err(SlotError::MUTE),
                    _ => Err(SlotError::PARITY),
                }
            }
            Protocol::T0 => {
                // Case 4 is case 3 on the line; of long commands there are none.
                let (tpdu, expects) = match command {
                    [_, _, _, _] | [_, _, _, _, _] => (command, command.len() == 5),
                    [_, _, _, _, 0, ..] | [] => return Err(SlotError::BAD_LENGTH),
                    [_, _, _, _, lc, rest @ ..] => match rest.len().checked_sub(usize::from(*lc)) {
                        Some(0) => (command, false),
                        Some(1) => (&command[..command.len() - 1], true),
                        _ => return Err(SlotError::BAD_LENGTH),
                    },
                    _ => return Err(SlotError::BAD_LENGTH),
                };
                let mut response = self.line(number, elapsed, |line, _| line.t0(tpdu))??;
                let mut parts = 0;
                while collects && expects && parts < 300 {
                    let [.., sw1, sw2] = response[..] else { break };
                    let next = match sw1 {
                        0x61 => [command[0] & 0x03, 0xC0, 0, 0, sw2],
                        0x6C if parts == 0 && tpdu.len() == 5 => [tpdu[0], tpdu[1], tpdu[2], tpdu[3], sw2],
                        _ => break,
                    };
                    parts += 1;
                    response.truncate(response.len() - 2);
                    response.extend(self.line(number, elapsed, |line, _| line.t0(&next))??);
                }
                Ok(response)
            }
        }
    }
}

fn reader_ifsd(reader: &ClassDescriptor) -> u32 {
    reader.max_ifsd.clamp(1, 254)
}

/// The next part of an answer at the level of extended APDUs, the rest kept.
fn part<C: Card>(slot: &mut Slot<C>, mut answer: Vec<u8>, room: usize, first: bool) -> Answer {
    let rest = if answer.len() > room { answer.split_off(room) } else { Vec::new() };
    let chain = match (first, rest.is_empty()) {
        (true, true) => 0,
        (true, false) => 1,
        (false, true) => 2,
        (false, false) => 3,
    };
    slot.answer = rest;
    (kind::DATA_BLOCK, chain, answer)
}
