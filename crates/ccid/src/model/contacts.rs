//! The card's side of the line, character by character: answer to reset, PPS, T=0, T=1.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::Card;
use crate::atr::{Atr, Factors, Protocol, pps};
use crate::descriptor::{Voltage, Voltages};
use crate::t1::{Block, BlockError, Edc, Fault, Supervisory};

/// How a card differs from the simplest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardDesign {
    /// At which voltages it starts.
    pub voltages: Voltages,
    /// Whether it agrees to PPS.
    pub agrees: bool,
    /// Whether it takes data of T=0 one by one.
    pub one_by_one: bool,
    /// The size that it announces by S(IFS request) before its first answer of T=1.
    pub asks_ifsc: Option<u8>,
    /// What it answers to reset instead of what the card behind it says.
    pub atr: Option<Vec<u8>>,
}

impl Default for CardDesign {
    fn default() -> Self {
        Self { voltages: Voltages::ALL, agrees: true, one_by_one: false, asks_ifsc: None, atr: None }
    }
}

/// The longest command that chained blocks may bring: an extended APDU.
const LONGEST: usize = 65_544;
/// The most waiting times that the card asks for at once.
const EXTENSION: u128 = 5;

/// A character, and how long the card waits before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Character {
    pub(super) byte: u8,
    pub(super) after: Duration,
}

/// A card with contacts.
#[derive(Debug)]
pub(super) struct Contacts<C> {
    pub(super) card: C,
    pub(super) design: CardDesign,
    /// What the next command takes in addition.
    pub(super) extra_work: Duration,
    /// Whether the next chain is broken off.
    pub(super) abort: bool,
    speaks: Speaks,
    out: VecDeque<Character>,
    /// F and D in force.
    pub(super) factors: Factors,
    /// Clock in kHz.
    clock: u32,
    atr: Option<Atr>,
}

#[derive(Debug)]
enum Speaks {
    /// No power.
    Nothing,
    /// After the answer to reset: what came of PPS, if it is one.
    Negotiable(Vec<u8>),
    T0(T0),
    T1(T1),
}

#[derive(Debug, Default)]
struct T0 {
    header: Vec<u8>,
    data: Vec<u8>,
    /// Data that wait for GET RESPONSE, or for the command once more with the right length.
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    header: [u8; 4],
    data: Vec<u8>,
    sw: [u8; 2],
    /// Whether GET RESPONSE fetches it.
    waits: bool,
}

#[derive(Debug)]
struct T1 {
    edc: Edc,
    incoming: Vec<u8>,
    /// N(S) of the card's next block.
    send: bool,
    /// N(S) of the reader's next.
    expect: bool,
    ifsd: u8,
    command: Vec<u8>,
    response: VecDeque<Vec<u8>>,
    /// The I-block that is not acknowledged.
    sent: Option<Block>,
    last: Option<Block>,
    /// What is still to be worked, and granted waiting times.
    pending: Option<(Vec<u8>, Duration)>,
    asked_ifs: bool,
}

impl<C: Card> Contacts<C> {
    pub(super) fn new(card: C, design: CardDesign) -> Self {
        Self {
            card,
            design,
            extra_work: Duration::ZERO,
            abort: false,
            speaks: Speaks::Nothing,
            out: VecDeque::new(),
            factors: Factors::DEFAULT,
            clock: 1,
            atr: None,
        }
    }

    /// Cold reset at a voltage and a clock of so many kHz.
    pub(super) fn power_on(&mut self, voltage: Voltage, clock: u32) {
        self.power_off();
        if !self.design.voltages.has(voltage) {
            return;
        }
        self.clock = clock;
        let own = self.card.reset();
        let bytes = self.design.atr.clone().unwrap_or(own);
        self.atr = Atr::parse(&bytes).ok();
        self.speaks = Speaks::Negotiable(Vec::new());
        if let Some(atr) = &self.atr
            && let Some(ta2) = atr.ta2()
        {
            // Specific mode: no PPS.
            self.factors = if ta2 & 0x10 == 0 { atr.factors() } else { Factors::DEFAULT };
            self.begin(if ta2 & 0x0F == 1 { Protocol::T1 } else { Protocol::T0 });
        }
        self.say(&bytes, Duration::ZERO);
    }

    pub(super) fn power_off(&mut self) {
        self.speaks = Speaks::Nothing;
        self.out.clear();
        self.factors = Factors::DEFAULT;
        self.atr = None;
    }

    /// What the card sends next.
    pub(super) fn next(&mut self) -> Option<Character> {
        self.out.pop_front()
    }

    /// What the card would still send is lost.
    pub(super) fn silence(&mut self) {
        self.out.clear();
    }

    /// Takes a character from the reader.
    pub(super) fn receive(&mut self, byte: u8) {
        match &mut self.speaks {
            Speaks::Nothing => {}
            Speaks::Negotiable(begun) => {
                if begun.is_empty() && byte != 0xFF {
                    let first = self.atr.as_ref().and_then(|atr| atr.protocols().first().copied());
                    self.begin(first.unwrap_or(Protocol::T0));
                    return self.receive(byte);
                }
                begun.push(byte);
                if let [_, pps0, ..] = begun[..]
                    && begun.len() == 3 + (pps0 >> 4 & 7).count_ones() as usize
                {
                    let request = core::mem::take(begun);
                    self.pps(&request);
                }
            }
            Speaks::T0(_) => self.t0(byte),
            Speaks::T1(t1) => {
                t1.incoming.push(byte);
                let length = t1.incoming.get(2).map(|length| 3 + usize::from(*length) + t1.edc.len());
                if length == Some(t1.incoming.len()) {
                    let bytes = core::mem::take(&mut t1.incoming);
                    self.block(&bytes);
                }
            }
        }
    }

    /// The reader has stopped sending: a block that is not whole is garbled.
    pub(super) fn pause(&mut self) {
        if let Speaks::T1(t1) = &mut self.speaks
            && !t1.incoming.is_empty()
        {
            let bytes = core::mem::take(&mut t1.incoming);
            self.block(&bytes);
        }
    }

    fn say(&mut self, bytes: &[u8], after: Duration) {
        let mut after = Some(after);
        let characters =
            bytes.iter().map(|&byte| Character { byte, after: after.take().unwrap_or_default() });
        self.out.extend(characters);
    }

    fn begin(&mut self, protocol: Protocol) {
        let crc = self.atr.as_ref().is_some_and(Atr::uses_crc);
        self.speaks = match protocol {
            Protocol::T0 => Speaks::T0(T0::default()),
            Protocol::T1 => Speaks::T1(T1 {
                edc: if crc { Edc::Crc } else { Edc::Lrc },
                incoming: Vec::new(),
                send: false,
                expect: false,
                ifsd: 32,
                command: Vec::new(),
                response: VecDeque::new(),
                sent: None,
                last: None,
                pending: None,
                asked_ifs: false,
            }),
        };
    }

    /// Agrees to what it offers itself, and to nothing else.
    fn pps(&mut self, request: &[u8]) {
        let whole = request.iter().fold(0, |sum, byte| sum ^ byte) == 0;
        let Some(atr) = self.atr.as_ref().filter(|_| whole && self.design.agrees) else { return };
        let Some(protocol) = atr
            .protocols()
            .into_iter()
            .find(|p| request.get(1).is_some_and(|pps0| pps0 & 0x0F == p.number()))
        else {
            return;
        };
        let most = atr.factors();
        let Some(factors) = pps::agreed(request, request) else { return };
        if factors != Factors::DEFAULT && (factors.f != most.f || factors.d > most.d) {
            // Without PPS1 the default stays (ISO 7816-3 §9.3).
            let mut answer = vec![0xFF, protocol.number()];
            answer.push(0xFF ^ protocol.number());
            self.say(&answer, Duration::ZERO);
            return self.begin(protocol);
        }
        self.say(request, Duration::ZERO);
        self.begin(protocol);
        self.factors = factors;
    }

    /// What a command takes.
    fn work(&mut self, command: &[u8]) -> Duration {
        self.card.work(command) + core::mem::take(&mut self.extra_work)
    }

    /// WWT (ISO 7816-3 §10.2): WI × 960 × Fi / f.
    fn work_waiting_time(&self) -> Duration {
        let wi = self.atr.as_ref().map_or(10, Atr::waiting_integer);
        self.factors.etu(self.clock, u64::from(wi) * 960 * u64::from(self.factors.d))
    }

    /// BWT (ISO 7816-3 §11.4.3): 11 etu + 2^BWI × 960 × 372 / f.
    fn block_waiting_time(&self) -> Duration {
        super::line::block_waiting_time(self.atr.as_ref(), self.factors, self.clock)
    }

    // T=0.

    fn t0(&mut self, byte: u8) {
        let Speaks::T0(t0) = &mut self.speaks else { return };
        if t0.header.len() < 5 {
            t0.header.push(byte);
            if let [cla, ins, p1, p2, p3] = t0.header[..] {
                self.t0_header([cla, ins, p1, p2], p3);
            }
            return;
        }
        t0.data.push(byte);
        let (ins, wanted) = (t0.header[1], usize::from(t0.header[4]));
        if t0.data.len() < wanted {
            if self.design.one_by_one {
                self.say(&[!ins], Duration::ZERO);
            }
            return;
        }
        let mut command = core::mem::take(&mut t0.header);
        command.append(&mut t0.data);
        self.t0_execute(command, None);
    }

    fn t0_header(&mut self, header: [u8; 4], p3: u8) {
        let sends = self.card.sends(header);
        let Speaks::T0(t0) = &mut self.speaks else { return };
        let wanted = if p3 == 0 { 256 } else { usize::from(p3) };
        // What was kept is delivered, or lost by any other command.
        let kept = t0.kept.take_if(|kept| {
            if kept.waits {
                header[1] == 0xC0 && (header[0] ^ kept.header[0]) & 0x03 == 0
            } else {
                kept.header == header
            }
        });
        if let Some(kept) = kept {
            t0.header.clear();
            return self.t0_deliver(kept, wanted, Duration::ZERO);
        }
        t0.kept = None;
        if sends {
            t0.header.clear();
            let command = [&header[..], &[p3]].concat();
            self.t0_execute(command, Some(wanted));
        } else if p3 == 0 {
            t0.header.clear();
            self.t0_execute(header.to_vec(), None);
        } else {
            let ins = if self.design.one_by_one { !header[1] } else { header[1] };
            self.say(&[ins], Duration::ZERO);
        }
    }

    /// Executes a command; `wanted` of those whose data come from the card.
    fn t0_execute(&mut self, command: Vec<u8>, wanted: Option<usize>) {
        let mut work = self.work(&command);
        let response = self.card.transmit(&command);
        // NULL: the card is still there (ISO 7816-3 §10.3.3).
        let beat = self.work_waiting_time() / 2;
        while work > beat && beat > Duration::ZERO {
            self.say(&[0x60], beat);
            work -= beat;
        }
        let Some((data, sw)) = response.split_last_chunk::<2>() else {
            return self.say(&[0x6F, 0x00], work);
        };
        let header = command.first_chunk().copied().unwrap_or_default();
        let kept = Kept { header, data: data.to_vec(), sw: *sw, waits: wanted.is_none() };
        match wanted {
            _ if data.is_empty() => self.say(sw, work),
            Some(wanted) => self.t0_deliver(kept, wanted, work),
            None => {
                // A card that does not know of T=0: what it answers waits.
                self.say(&[0x61, data.len().min(256) as u8], work);
                self.t0_keep(kept);
            }
        }
    }

    fn t0_keep(&mut self, kept: Kept) {
        if let Speaks::T0(t0) = &mut self.speaks {
            t0.kept = Some(kept);
        }
    }

    fn t0_deliver(&mut self, mut kept: Kept, wanted: usize, work: Duration) {
        if wanted > kept.data.len() {
            self.say(&[0x6C, kept.data.len() as u8], work);
            return self.t0_keep(kept);
        }
        let rest = kept.data.split_off(wanted);
        let ins = if kept.waits { 0xC0 } else { kept.header[1] };
        self.say(&[ins], work);
        self.say(&kept.data, Duration::ZERO);
        if rest.is_empty() {
            self.say(&kept.sw, Duration::ZERO);
        } else {
            self.say(&[0x61, rest.len().min(256) as u8], Duration::ZERO);
            self.t0_keep(Kept { data: rest, waits: true, ..kept });
        }
    }

    // T=1 (ISO 7816-3 §11.6).

    fn answer(&mut self, block: Block, after: Duration) {
        let Speaks::T1(t1) = &mut self.speaks else { return };
        let bytes = block.to_vec(t1.edc);
        t1.last = Some(block);
        self.say(&bytes, after);
    }

    fn refuse(&mut self, error: Fault) {
        let Speaks::T1(t1) = &self.speaks else { return };
        let number = t1.expect;
        self.answer(Block::R { number, error }, Duration::ZERO);
    }

    fn block(&mut self, bytes: &[u8]) {
        let Speaks::T1(t1) = &mut self.speaks else { return };
        let block = match Block::parse(bytes, t1.edc) {
            Ok(block) => block,
            Err(BlockError::Garbled) => return self.refuse(Fault::Check),
            Err(BlockError::Invalid) => return self.refuse(Fault::Other),
        };
        match block {
            Block::I { number, more, data } => {
                if number != t1.expect {
                    return self.refuse(Fault::Other);
                }
                if t1.sent.take().is_some() {
                    // It has all of the answer before.
                    t1.send = !t1.send;
                    t1.response.clear();
                }
                t1.expect = !t1.expect;
                t1.command.extend(data);
                if t1.command.len() > LONGEST || core::mem::take(&mut self.abort) {
                    t1.command.clear();
                    return self.answer(supervisory(Supervisory::Abort, false, None), Duration::ZERO);
                }
                if more {
                    return self.refuse(Fault::None);
                }
                self.t1_execute();
            }
            Block::R { number, .. } => match t1.sent.clone() {
                Some(sent) if number == t1.send => self.answer(sent, Duration::ZERO),
                Some(_) if !t1.response.is_empty() => {
                    t1.send = !t1.send;
                    t1.sent = None;
                    self.t1_next(Duration::ZERO);
                }
                // Nothing of the card's is wanted that there is: its last block again.
                _ => match t1.last.clone() {
                    Some(last) => self.answer(last, Duration::ZERO),
                    None => self.refuse(Fault::None),
                },
            },
            Block::S { kind: Supervisory::Ifs, response: false, value } => {
                if let Some(size @ 1..=254) = value {
                    t1.ifsd = size;
                }
                self.answer(supervisory(Supervisory::Ifs, true, value), Duration::ZERO);
            }
            Block::S { kind: Supervisory::Resynch, response: false, .. } => {
                (t1.send, t1.expect) = (false, false);
                t1.command.clear();
                t1.response.clear();
                (t1.sent, t1.pending) = (None, None);
                self.answer(supervisory(Supervisory::Resynch, true, None), Duration::ZERO);
            }
            Block::S { kind: Supervisory::Abort, response: false, .. } => {
                t1.command.clear();
                t1.response.clear();
                self.answer(supervisory(Supervisory::Abort, true, None), Duration::ZERO);
            }
            Block::S { kind: Supervisory::Abort, response: true, .. } => self.refuse(Fault::None),
            Block::S { kind: Supervisory::Wtx, response: true, value } => {
                self.t1_wait(u128::from(value.unwrap_or(1)));
            }
            Block::S { kind: Supervisory::Ifs, response: true, .. } => self.t1_wait(1),
            Block::S { .. } => self.refuse(Fault::Other),
        }
    }

    fn t1_execute(&mut self) {
        let Speaks::T1(t1) = &mut self.speaks else { return };
        let command = core::mem::take(&mut t1.command);
        let work = self.work(&command);
        let response = self.card.transmit(&command);
        let Speaks::T1(t1) = &mut self.speaks else { return };
        t1.pending = Some((response, work));
        match self.design.asks_ifsc {
            Some(size) if !t1.asked_ifs => {
                t1.asked_ifs = true;
                self.answer(supervisory(Supervisory::Ifs, false, Some(size)), Duration::ZERO);
            }
            _ => self.t1_wait(1),
        }
    }

    /// So many waiting times are granted: the answer within them, or a request for more.
    fn t1_wait(&mut self, granted: u128) {
        // On the safe side of it.
        let one = self.block_waiting_time() * 4 / 5;
        let granted = one * u32::try_from(granted).unwrap_or(255);
        let Speaks::T1(t1) = &mut self.speaks else { return };
        let Some((response, work)) = t1.pending.take() else { return self.refuse(Fault::Other) };
        if work <= granted {
            let size = usize::from(t1.ifsd);
            t1.response = response.chunks(size).map(<[u8]>::to_vec).collect();
            self.t1_next(work);
            return;
        }
        let rest = work - granted;
        t1.pending = Some((response, rest));
        let times = rest.as_nanos().div_ceil(one.as_nanos().max(1)).min(EXTENSION) as u8;
        self.answer(supervisory(Supervisory::Wtx, false, Some(times)), granted);
    }

    fn t1_next(&mut self, after: Duration) {
        let Speaks::T1(t1) = &mut self.speaks else { return };
        let data = t1.response.pop_front().unwrap_or_default();
        let block = Block::I { number: t1.send, more: !t1.response.is_empty(), data };
        t1.sent = Some(block.clone());
        self.answer(block, after);
    }
}

const fn supervisory(kind: Supervisory, response: bool, value: Option<u8>) -> Block {
    Block::S { kind, response, value }
}
