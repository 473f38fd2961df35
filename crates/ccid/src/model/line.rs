//! The line between reader and card: what is on it, how long that takes, what is garbled.

use alloc::vec::Vec;
use core::time::Duration;

use super::Card;
use super::contacts::Contacts;
use crate::atr::{Atr, Factors, Protocol};
use crate::error::SlotError;
use crate::t1::{Edc, Link, LinkError};

/// What goes wrong on it, and how often still.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineFaults {
    /// Characters from the card with wrong parity.
    pub(super) parity: u32,
    /// Answers that do not come.
    pub(super) mute: u32,
    /// Blocks of T=1 whose check is wrong.
    pub(super) garbled: u32,
}

/// What was on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    pub(super) to_card: u64,
    pub(super) from_card: u64,
    pub(super) time: Duration,
}

/// Repetitions of a character in T=0 before it is given up.
const REPETITIONS: u32 = 4;

/// The line as the reader's firmware has it for one command.
pub(super) struct Line<'a, C> {
    pub(super) contacts: &'a mut Contacts<C>,
    pub(super) faults: &'a mut LineFaults,
    pub(super) traffic: &'a mut Traffic,
    pub(super) atr: Option<Atr>,
    pub(super) protocol: Protocol,
    /// F and D that the reader believes in.
    pub(super) factors: Factors,
    /// In kHz.
    pub(super) clock: u32,
    /// How long this command has taken.
    pub(super) elapsed: Duration,
    pub(super) turned: Turned,
}

/// Whose character was the last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    Card,
    Reader,
}

/// BWT: 11 etu + 2^BWI × 960 × 372 / f (ISO 7816-3 §11.4.3).
pub(super) fn block_waiting_time(atr: Option<&Atr>, factors: Factors, clock: u32) -> Duration {
    let bwi = atr.map_or(4, |atr| atr.bwi_cwi() >> 4);
    factors.etu(clock, 11) + Factors::DEFAULT.etu(clock, 960 << bwi)
}

impl<C: Card> Line<'_, C> {
    fn spend(&mut self, time: Duration) {
        self.elapsed += time;
        self.traffic.time += time;
    }

    fn etu(&self, count: u64) -> Duration {
        self.factors.etu(self.clock, count)
    }

    /// Between the beginnings of two characters of the reader (ISO 7816-3 §8.3, TC1).
    fn guard(&self) -> u64 {
        match (self.atr.as_ref().and_then(Atr::tc1), self.protocol) {
            (Some(255), Protocol::T1) => 11,
            (Some(255) | None, _) => 12,
            (Some(extra), _) => 12 + u64::from(extra),
        }
    }

    /// When the direction changes: 16 etu between the beginnings in T=0 (§10.2), 22 in T=1
    /// (§11.4.3), one character's among them.
    fn turn(&mut self, to: Turned) {
        if self.turned != to {
            self.turned = to;
            let time = self.etu(if self.protocol == Protocol::T0 { 4 } else { 11 });
            self.spend(time);
        }
    }

    /// Whether the two sides understand each other.
    fn in_step(&self) -> bool {
        self.contacts.factors == self.factors
    }

    fn send(&mut self, bytes: &[u8]) {
        self.turn(Turned::Reader);
        let time = self.etu(self.guard());
        for byte in bytes {
            self.spend(time);
            self.traffic.to_card += 1;
            if self.in_step() {
                self.contacts.receive(*byte);
            }
        }
    }

    /// One character, within a time.
    fn receive(&mut self, limit: Duration) -> Result<u8, SlotError> {
        let answers = self.in_step() && self.faults.mute == 0;
        let next = if answers { self.contacts.next() } else { None };
        let Some(character) = next.filter(|next| next.after <= limit) else {
            self.faults.mute = self.faults.mute.saturating_sub(1);
            self.contacts.silence();
            self.spend(limit);
            return Err(SlotError::MUTE);
        };
        self.turn(Turned::Card);
        let guard = if self.protocol == Protocol::T1 && self.atr.as_ref().and_then(Atr::tc1) == Some(255) {
            11
        } else {
            12
        };
        let time = self.etu(guard);
        self.spend(character.after + time);
        self.traffic.from_card += 1;
        if self.faults.parity > 0 {
            self.faults.parity -= 1;
            if self.protocol == Protocol::T1 {
                return Err(SlotError::PARITY);
            }
            // The reader pulls the line, and the card says it again (ISO 7816-3 §7.3).
            let mut tries = 1;
            while self.faults.parity > 0 && tries < REPETITIONS {
                self.faults.parity -= 1;
                tries += 1;
            }
            let time = self.etu(13);
            self.spend(time * tries);
            if tries == REPETITIONS {
                self.contacts.silence();
                return Err(SlotError::PARITY);
            }
        }
        Ok(character.byte)
    }

    /// The answer to reset, which ends where it says.
    pub(super) fn answer_to_reset(&mut self) -> Result<Vec<u8>, SlotError> {
        // ISO 7816-3 §6.2.1: it begins within 40,000 clock cycles, and its characters within
        // 9,600 etu.
        let first = Duration::from_micros(40_000_000 / u64::from(self.clock.max(1)));
        self.turned = Turned::Card;
        let mut bytes = Vec::new();
        let mut limit = first;
        while bytes.len() < crate::atr::LONGEST {
            match self.receive(limit) {
                Ok(byte) => bytes.push(byte),
                // A reader that does not read it waits for what does not come.
                Err(SlotError::MUTE) if !bytes.is_empty() => break,
                Err(error) => return Err(error),
            }
            limit = self.etu(9600);
            if Atr::parse(&bytes).is_ok() {
                // One that may go on does so at once; T=0 alone has no check character.
                break;
            }
        }
        match bytes.first() {
            Some(0x3B | 0x3F) => Ok(bytes),
            _ => Err(SlotError::BAD_ATR_TS),
        }
    }

    /// PPS: sent and answered at the default rate.
    pub(super) fn pps(&mut self, request: &[u8]) -> Result<Vec<u8>, SlotError> {
        self.send(request);
        let limit = self.etu(9600);
        let mut answer = Vec::new();
        loop {
            // The card may switch its rate with its last character.
            let next = self.contacts.next().ok_or(SlotError::MUTE);
            let Ok(character) = next else {
                self.spend(limit);
                return Err(SlotError::MUTE);
            };
            self.turn(Turned::Card);
            let time = self.etu(12);
            self.spend(time);
            self.traffic.from_card += 1;
            answer.push(character.byte);
            if let [_, pps0, ..] = answer[..]
                && answer.len() == 3 + (pps0 >> 4 & 7).count_ones() as usize
            {
                return Ok(answer);
            }
        }
    }

    /// A TPDU of T=0 (ISO 7816-3 §10.3), five bytes and maybe data.
    pub(super) fn t0(&mut self, tpdu: &[u8]) -> Result<Vec<u8>, SlotError> {
        let (header, data) = match tpdu {
            [cla, ins, p1, p2] => ([*cla, *ins, *p1, *p2, 0], &[][..]),
            [cla, ins, p1, p2, p3, data @ ..] => ([*cla, *ins, *p1, *p2, *p3], data),
            _ => return Err(SlotError::BAD_LENGTH),
        };
        if !data.is_empty() && data.len() != usize::from(header[4]) {
            return Err(SlotError::BAD_LENGTH);
        }
        let wi = self.atr.as_ref().map_or(10, Atr::waiting_integer);
        let waiting = self.etu(u64::from(wi) * 960 * u64::from(self.factors.d));
        let ins = header[1];
        self.send(&header);
        let mut rest = data;
        let mut incoming =
            if data.is_empty() { if header[4] == 0 { 256 } else { usize::from(header[4]) } } else { 0 };
        let mut response = Vec::new();
        loop {
            let byte = self.receive(waiting)?;
            let count = match byte {
                0x60 => continue,
                _ if byte == ins => usize::MAX,
                _ if byte == !ins => 1,
                0x61..=0x6F | 0x90..=0x9F => {
                    let second = self.receive(waiting)?;
                    response.extend([byte, second]);
                    return Ok(response);
                }
                _ => return Err(SlotError::PROCEDURE_BYTE_CONFLICT),
            };
            if rest.is_empty() {
                for _ in 0..count.min(incoming) {
                    response.push(self.receive(waiting)?);
                    incoming -= 1;
                }
            } else {
                let (now, later) = rest.split_at(count.min(rest.len()));
                rest = later;
                self.send(now);
            }
        }
    }

    /// A block of T=1 and the card's (ISO 7816-3 §11).
    pub(super) fn t1(&mut self, block: &[u8], multiplier: u8) -> Result<Vec<u8>, SlotError> {
        self.send(block);
        self.contacts.pause();
        let one = block_waiting_time(self.atr.as_ref(), self.factors, self.clock);
        let cwi = self.atr.as_ref().map_or(13, |atr| atr.bwi_cwi() & 0x0F);
        let character = self.etu(11 + (1 << cwi));
        let crc = self.atr.as_ref().is_some_and(Atr::uses_crc);
        let edc = if crc { Edc::Crc } else { Edc::Lrc };
        let mut answer = Vec::new();
        let mut limit = one * u32::from(multiplier.max(1));
        let mut parity = false;
        loop {
            match self.receive(limit) {
                Ok(byte) => answer.push(byte),
                Err(SlotError::PARITY) => {
                    // To the end of the block, for what it is worth.
                    parity = true;
                    answer.push(0);
                }
                Err(error) => return Err(if parity { SlotError::PARITY } else { error }),
            }
            limit = character;
            let whole = answer.get(2).map(|length| 3 + usize::from(*length) + edc.len());
            if whole == Some(answer.len()) {
                break;
            }
        }
        if parity {
            self.contacts.silence();
            return Err(SlotError::PARITY);
        }
        if self.faults.garbled > 0 {
            self.faults.garbled -= 1;
            if let Some(last) = answer.last_mut() {
                *last ^= 0x55;
            }
        }
        Ok(answer)
    }
}

impl<C: Card> Link for Line<'_, C> {
    async fn exchange(&mut self, block: Vec<u8>, multiplier: u8) -> Result<Vec<u8>, LinkError> {
        match self.t1(&block, multiplier) {
            Ok(answer) => Ok(answer),
            Err(SlotError::MUTE) => Err(LinkError::Mute),
            Err(_) => Err(LinkError::Garbled),
        }
    }
}
