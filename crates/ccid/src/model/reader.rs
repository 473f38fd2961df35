//! The reader: descriptors, endpoints, slots, firmware, simulated time.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::Card;
use super::contacts::{CardDesign, Contacts};
use super::design::Design;
use super::firmware::{Answer, Slot};
use super::line::{LineFaults, Traffic};
use crate::descriptor::{Features, Voltage};
use crate::error::{Error, SlotError};
use crate::machine::{Effect, Event, Procedure, Recipient, RequestKind, Setup, Step};
use crate::message::{Icc, Message, Start, kind, request};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// So many of the next characters from the card have wrong parity.
    Parity(u32),
    /// So many of the card's next answers do not come.
    Mute(u32),
    /// The checks of so many of the card's next blocks of T=1 are wrong.
    Garbled(u32),
    /// The card breaks off the next chain of T=1.
    AbortedChain,
    /// The card works so much longer on its next command.
    Work(Duration),
    /// From now on no transfer brings more than so many bytes; 0: as many as there are.
    ShortReads(usize),
    /// So many zero-length packets come before the next bytes.
    ZeroLength(u32),
    /// The next transfer from the bulk endpoint stalls.
    StallIn,
    /// The next transfer to the bulk endpoint stalls.
    StallOut,
    /// The card is taken out while it works on the next command.
    CardRemoved,
    /// The reader is unplugged at the next transfer.
    Unplugged,
    /// An answer with another number comes before the next one.
    Stale,
    /// The number of the next answer is wrong.
    WrongSequence,
    /// The card's next answer is more than the reader keeps up with.
    Overrun,
    /// The next answer does not come.
    LostAnswer,
    /// The next command is answered with this error.
    Refuse(SlotError),
}

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Characters on the line to the card.
    pub to_card: u64,
    /// Characters on the line from the card.
    pub from_card: u64,
    /// What the line took, waiting for the card included.
    pub line: Duration,
    /// Messages from the host.
    pub commands: u64,
    /// USB transfers, those of no bytes included.
    pub transfers: u64,
    /// Bytes in USB transfers.
    pub usb_bytes: u64,
    /// What USB took.
    pub usb: Duration,
}

/// The reader.
#[derive(Debug)]
pub struct Reader<C> {
    pub(super) design: Design,
    pub(super) slots: Vec<Slot<C>>,
    now: Duration,
    plugged: bool,
    /// A message of which not all has come.
    begun: Vec<u8>,
    /// A whole message that waits for a zero-length packet.
    complete: Option<Vec<u8>>,
    /// Answers, and when they are there.
    outbox: VecDeque<(Duration, Vec<u8>)>,
    /// The rest of an answer that has begun to be read.
    leaving: Vec<u8>,
    notices: VecDeque<Vec<u8>>,
    spent: Spent,
    pub(super) traffic: Traffic,
    pub(super) line_faults: LineFaults,
    faults: VecDeque<Fault>,
    short_reads: usize,
    zero_length: u32,
}

/// Messages that may be under way to the host; one per slot, and what is stale.
const MOST: usize = 64;

impl<C: Card> Reader<C> {
    /// A reader without cards.
    #[must_use]
    pub fn new(design: Design) -> Self {
        let slots = usize::from(design.reader.max_slot_index) + 1;
        Self {
            slots: (0..slots).map(|_| Slot::empty()).collect(),
            design,
            now: Duration::ZERO,
            plugged: true,
            begun: Vec::new(),
            complete: None,
            outbox: VecDeque::new(),
            leaving: Vec::new(),
            notices: VecDeque::new(),
            spent: Spent::default(),
            traffic: Traffic::default(),
            line_faults: LineFaults::default(),
            faults: VecDeque::new(),
            short_reads: 0,
            zero_length: 0,
        }
    }

    /// A reader with a card in its first slot.
    #[must_use]
    pub fn with(design: Design, card: C, card_design: CardDesign) -> Self {
        let mut reader = Self::new(design);
        reader.insert(0, card, card_design);
        reader
    }

    /// What kind of reader it is.
    #[must_use]
    pub const fn design(&self) -> &Design {
        &self.design
    }

    /// Puts a card into a slot; a slot that does not exist takes none.
    pub fn insert(&mut self, slot: u8, card: C, design: CardDesign) {
        if let Some(place) = self.slots.get_mut(usize::from(slot)) {
            place.contacts = Some(Contacts::new(card, design));
            if self.design.reader.features.has(Features::AUTO_ACTIVATION) {
                self.activate(slot);
            }
            self.notify(slot);
        }
    }

    /// Gives a card power unasked; one that does not start stays without.
    fn activate(&mut self, slot: u8) {
        for voltage in Voltage::LOWEST_FIRST {
            if self.power_on(usize::from(slot), voltage, &mut Duration::default()).is_ok() {
                return;
            }
        }
    }

    /// Takes the card out of a slot.
    pub fn remove(&mut self, slot: u8) -> Option<C> {
        let place = self.slots.get_mut(usize::from(slot))?;
        place.power_off();
        let contacts = place.contacts.take();
        self.notify(slot);
        contacts.map(|contacts| contacts.card)
    }

    /// The card in a slot.
    pub fn card(&mut self, slot: u8) -> Option<&mut C> {
        self.slots.get_mut(usize::from(slot))?.contacts.as_mut().map(|contacts| &mut contacts.card)
    }

    /// Unplugs it; the cards lose their power.
    pub fn unplug(&mut self) {
        self.plugged = false;
        self.slots.iter_mut().for_each(Slot::power_off);
        self.outbox.clear();
        self.leaving.clear();
        self.begun.clear();
        self.complete = None;
    }

    /// Plugs it in again.
    pub fn plug(&mut self) {
        self.unplug();
        self.plugged = true;
        self.slots.iter_mut().for_each(|slot| (slot.stuck, slot.aborting) = (false, None));
    }

    /// Whether it is plugged in.
    #[must_use]
    pub const fn is_plugged(&self) -> bool {
        self.plugged
    }

    /// Lets something go wrong the next time that it can; several wait for one another.
    pub fn fail(&mut self, fault: Fault) {
        match fault {
            Fault::Parity(count) => self.line_faults.parity += count,
            Fault::Mute(count) => self.line_faults.mute += count,
            Fault::Garbled(count) => self.line_faults.garbled += count,
            Fault::ShortReads(most) => self.short_reads = most,
            Fault::ZeroLength(count) => self.zero_length += count,
            fault => self.faults.push_back(fault),
        }
    }

    /// Whether all that was to go wrong has.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let LineFaults { parity, mute, garbled } = self.line_faults;
        self.faults.is_empty() && parity == 0 && mute == 0 && garbled == 0 && self.zero_length == 0
    }

    /// Nothing goes wrong any more.
    pub fn mend(&mut self) {
        self.line_faults = LineFaults::default();
        self.faults.clear();
        (self.short_reads, self.zero_length) = (0, 0);
    }

    /// The simulated time since it was made.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// What was spent since it was made.
    #[must_use]
    pub fn spent(&self) -> Spent {
        let Traffic { to_card, from_card, time } = self.traffic;
        Spent { to_card, from_card, line: time, ..self.spent }
    }

    /// Drives a procedure to its end.
    ///
    /// # Errors
    /// The procedure's.
    pub fn drive<T: 'static>(&mut self, mut procedure: Procedure<T>) -> Result<T, Error> {
        let mut event = Event::Begin;
        loop {
            match procedure.resume(event) {
                Step::Do(effect) => event = self.perform(&effect),
                Step::Done(result) => return result,
            }
        }
    }

    /// Does what an effect asks for.
    pub fn perform(&mut self, effect: &Effect) -> Event {
        if self.due(|fault| *fault == Fault::Unplugged).is_some() {
            self.unplug();
        }
        match effect {
            Effect::Wait(time) => self.now += *time,
            Effect::Report(_) | Effect::ClearHalt { .. } => {}
            _ if !self.plugged => return Event::Unplugged,
            Effect::ControlIn { setup, length } => return self.control_in(*setup, *length),
            Effect::ControlOut { setup, .. } => return self.control_out(*setup),
            Effect::BulkOut { endpoint, data } if *endpoint == Design::BULK_OUT => {
                return self.bulk_out(data);
            }
            Effect::BulkIn { endpoint, length, timeout } if *endpoint == Design::BULK_IN => {
                return self.bulk_in(*length, *timeout);
            }
            Effect::InterruptIn { endpoint, .. } if *endpoint == Design::INTERRUPT => {
                self.transfer(8);
                return self.notices.pop_front().map_or(Event::Timeout, Event::Received);
            }
            Effect::BulkOut { .. } | Effect::BulkIn { .. } | Effect::InterruptIn { .. } => {
                return Event::Stall;
            }
        }
        if self.plugged { Event::Continue } else { Event::Unplugged }
    }

    pub(super) fn due(&mut self, is: impl Fn(&Fault) -> bool) -> Option<Fault> {
        if self.faults.front().is_some_and(is) { self.faults.pop_front() } else { None }
    }

    fn notify(&mut self, slot: u8) {
        let mut bitmap = vec![0; self.slots.len().div_ceil(4)];
        for (number, slot) in self.slots.iter().enumerate() {
            bitmap[number / 4] |= u8::from(slot.contacts.is_some()) << (number % 4 * 2);
        }
        if let Some(byte) = bitmap.get_mut(usize::from(slot) / 4) {
            *byte |= 2 << (slot % 4 * 2);
        }
        if self.notices.len() < MOST {
            self.notices.push_back([&[kind::NOTIFY_SLOT_CHANGE][..], &bitmap].concat());
        }
    }

    /// A transfer: a frame's delay and the bytes at 12 Mbit/s.
    fn transfer(&mut self, bytes: usize) {
        let time = self.design.transfer + Duration::from_nanos(bytes as u64 * 8_000 / 12);
        self.now += time;
        self.spent.usb += time;
        self.spent.transfers += 1;
        self.spent.usb_bytes += bytes as u64;
    }

    fn control_in(&mut self, setup: Setup, length: u16) -> Event {
        let numbers = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let answer: Option<Vec<u8>> = match (setup.kind, setup.request, setup.value) {
            (RequestKind::Standard, request::GET_DESCRIPTOR, 0x0100) => Some(self.design.device_descriptor()),
            (RequestKind::Standard, request::GET_DESCRIPTOR, 0x0200) => {
                Some(self.design.configuration_descriptor())
            }
            (RequestKind::Class, request::GET_DATA_RATES, _) if !self.design.rates.is_empty() => {
                Some(numbers(&self.design.rates))
            }
            (RequestKind::Class, request::GET_CLOCK_FREQUENCIES, _) => {
                Some(numbers(&[self.design.reader.default_clock]))
            }
            _ => None,
        };
        self.transfer(answer.as_ref().map_or(0, Vec::len));
        match answer {
            Some(mut bytes) => {
                bytes.truncate(usize::from(length));
                Event::Received(bytes)
            }
            None => Event::Stall,
        }
    }

    fn control_out(&mut self, setup: Setup) -> Event {
        self.transfer(0);
        let ours = setup.recipient == Recipient::Interface && setup.index == u16::from(self.design.interface);
        if !(self.design.knows_abort && ours && setup.request == request::ABORT) {
            return Event::Stall;
        }
        let [sequence, slot] = setup.value.to_be_bytes();
        match self.slots.get_mut(usize::from(slot)) {
            Some(slot) => {
                slot.aborting = Some(sequence);
                Event::Sent
            }
            None => Event::Stall,
        }
    }

    fn bulk_out(&mut self, data: &[u8]) -> Event {
        if self.due(|fault| *fault == Fault::StallOut).is_some() {
            return Event::Stall;
        }
        self.transfer(data.len());
        if data.is_empty() {
            // The end of a message whose last packet was full.
            let begun = core::mem::take(&mut self.begun);
            match self.complete.take() {
                Some(message) => self.take(&message),
                None if begun.is_empty() => {}
                None => self.refuse(&begun, SlotError::BAD_LENGTH),
            }
            return Event::Sent;
        }
        self.complete = None;
        self.begun.extend_from_slice(data);
        let longest = self.design.reader.max_message as usize;
        match Message::parse(&self.begun, longest) {
            // A short packet is the end of a message, whatever it says.
            Ok(Start::Part(_)) if !data.len().is_multiple_of(usize::from(self.design.packet.max(1))) => {
                let message = core::mem::take(&mut self.begun);
                self.refuse(&message, SlotError::BAD_LENGTH);
            }
            Ok(Start::Part(_)) => {}
            Ok(Start::Whole(_, length)) => {
                let message = core::mem::take(&mut self.begun);
                let exact = message.len() == length;
                let full = message.len().is_multiple_of(usize::from(self.design.packet.max(1)));
                if !exact {
                    self.refuse(&message, SlotError::BAD_LENGTH);
                } else if full && self.design.wants_zero_length {
                    self.complete = Some(message);
                } else {
                    self.take(&message);
                }
            }
            Err(_) => {
                let message = core::mem::take(&mut self.begun);
                self.refuse(&message, SlotError::BAD_LENGTH);
            }
        }
        Event::Sent
    }

    fn bulk_in(&mut self, length: usize, timeout: Duration) -> Event {
        if self.due(|fault| *fault == Fault::StallIn).is_some() {
            return Event::Stall;
        }
        if self.zero_length > 0 {
            self.zero_length -= 1;
            self.transfer(0);
            return Event::Received(Vec::new());
        }
        if self.leaving.is_empty() {
            match self.outbox.front() {
                Some((ready, _)) if *ready <= self.now + timeout => {
                    self.now = self.now.max(*ready);
                    self.leaving = self.outbox.pop_front().map(|(_, bytes)| bytes).unwrap_or_default();
                    if self.leaving.is_empty() {
                        self.transfer(0);
                        return Event::Received(Vec::new());
                    }
                }
                _ => {
                    self.now += timeout;
                    return Event::Timeout;
                }
            }
        }
        let most = if self.short_reads == 0 { length } else { length.min(self.short_reads) };
        let bytes: Vec<u8> = self.leaving.drain(..most.min(self.leaving.len())).collect();
        self.transfer(bytes.len());
        Event::Received(bytes)
    }

    fn send(&mut self, message: &Message, after: Duration) {
        if self.outbox.len() >= MOST {
            return;
        }
        let ready = self.now + after;
        let bytes = message.to_vec();
        let full = bytes.len().is_multiple_of(usize::from(self.design.packet.max(1)));
        self.outbox.push_back((ready, bytes));
        if full && self.design.sends_zero_length {
            self.outbox.push_back((ready, Vec::new()));
        }
    }

    /// An answer to what is no message.
    fn refuse(&mut self, bytes: &[u8], error: SlotError) {
        let at = |index: usize| bytes.get(index).copied().unwrap_or_default();
        let icc = self.slots.get(usize::from(at(5))).map_or(Icc::Absent, Slot::icc);
        let message = Message {
            kind: kind::SLOT_STATUS,
            slot: at(5),
            sequence: at(6),
            specific: [0x40 | icc.bits(), error.0, 0],
            data: Vec::new(),
        };
        self.send(&message, Duration::ZERO);
    }

    fn take(&mut self, bytes: &[u8]) {
        let longest = self.design.reader.max_message as usize;
        let Ok(Start::Whole(command, _)) = Message::parse(bytes, longest) else { return };
        self.spent.commands += 1;
        let number = usize::from(command.slot);
        let Some(slot) = self.slots.get_mut(number) else {
            return self.refuse(bytes, SlotError::BAD_SLOT);
        };
        if command.kind == kind::ABORT {
            // Without its other half it aborts nothing; readers that do not know that one take
            // this alone.
            slot.aborting = None;
            slot.stuck = false;
            (slot.command, slot.answer) = (Vec::new(), Vec::new());
            self.outbox.clear();
            self.leaving.clear();
            return self.reply(&command, Ok((kind::SLOT_STATUS, 0, Vec::new())), Duration::ZERO);
        }
        if slot.aborting.is_some() {
            return self.reply(&command, Err(SlotError::ABORTED), Duration::ZERO);
        }
        if slot.stuck {
            return self.reply(&command, Err(SlotError::SLOT_BUSY), Duration::ZERO);
        }
        if let Some(Fault::Refuse(error)) = self.due(|fault| matches!(fault, Fault::Refuse(_))) {
            return self.reply(&command, Err(error), Duration::ZERO);
        }
        let mut elapsed = Duration::ZERO;
        let result = self.execute(number, &command, &mut elapsed);
        self.reply(&command, result, elapsed);
    }

    fn reply(&mut self, command: &Message, result: Result<Answer, SlotError>, after: Duration) {
        let Some(slot) = self.slots.get_mut(usize::from(command.slot)) else { return };
        let icc = slot.icc().bits();
        let (slot_number, mut sequence) = (command.slot, command.sequence);
        if self.faults.front() == Some(&Fault::LostAnswer) {
            self.faults.pop_front();
            slot.stuck = true;
            return;
        }
        let message = |kind: u8, sequence: u8, specific: [u8; 3], data: Vec<u8>| Message {
            kind,
            slot: slot_number,
            sequence,
            specific,
            data,
        };
        let kind_of_answer = answer_kind(command.kind);
        if self.due(|fault| *fault == Fault::Stale).is_some() {
            let stale = message(kind_of_answer, sequence.wrapping_sub(1), [icc, 0, 0], Vec::new());
            self.send(&stale, Duration::ZERO);
        }
        if self.due(|fault| *fault == Fault::WrongSequence).is_some() {
            sequence = sequence.wrapping_add(0x55);
        }
        // While the card works the reader says so.
        let mut beat = self.design.beat;
        let mut signs = 0;
        while beat < after && beat > Duration::ZERO && signs < MOST / 2 {
            self.send(&message(kind_of_answer, sequence, [0x80 | icc, 1, 0], Vec::new()), beat);
            beat += self.design.beat;
            signs += 1;
        }
        let answer = match result {
            Ok((kind, last, data)) => message(kind, sequence, [icc, 0, last], data),
            Err(error) => message(kind_of_answer, sequence, [0x40 | icc, error.0, 0], Vec::new()),
        };
        self.send(&answer, after);
    }
}

/// The kind of answer to a kind of command (CCID Rev 1.1 Table 6.1-1).
const fn answer_kind(command: u8) -> u8 {
    match command {
        kind::ICC_POWER_ON | kind::XFR_BLOCK | kind::SECURE => kind::DATA_BLOCK,
        kind::GET_PARAMETERS | kind::RESET_PARAMETERS | kind::SET_PARAMETERS => kind::PARAMETERS,
        kind::ESCAPE => kind::ESCAPE_ANSWER,
        kind::SET_DATA_RATE => kind::DATA_RATE,
        _ => kind::SLOT_STATUS,
    }
}
