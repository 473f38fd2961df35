//! The reader: descriptors, endpoints, slots, firmware, simulated time.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::Card;
use super::contacts::{CardDesign, Contacts};
use super::line::{Line, LineFaults, Traffic, Turned};
use crate::atr::{Atr, Factors, Protocol, pps};
use crate::descriptor::{CLASS_VENDOR, ClassDescriptor, Features, Identity, Level, Voltage, Voltages};
use crate::driver::Parameters;
use crate::error::{Error, SlotError};
use crate::machine::{Effect, Event, Procedure, Recipient, RequestKind, Setup, Step, ready};
use crate::message::{HEADER, Icc, Message, Start, kind, request};
use crate::t1::{Edc, Host};

/// What kind of reader it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// Who made it.
    pub identity: Identity,
    /// `bInterfaceClass`.
    pub class: u8,
    /// `bInterfaceNumber`; interfaces of a keyboard come before it.
    pub interface: u8,
    /// Whether the class descriptor comes behind the endpoints.
    pub descriptor_last: bool,
    /// The class descriptor.
    pub reader: ClassDescriptor,
    /// `wMaxPacketSize` of the bulk endpoints.
    pub packet: u16,
    /// The rates that it lists, in bits per second.
    pub rates: Vec<u32>,
    /// Whether a message that ends with a full packet is followed by a zero-length one.
    pub sends_zero_length: bool,
    /// Whether it waits for one behind such a message.
    pub wants_zero_length: bool,
    /// Whether its firmware, at the levels of APDUs, does GET RESPONSE for T=0 by itself.
    pub collects: bool,
    /// Whether it knows the control request ABORT.
    pub knows_abort: bool,
    /// What a transfer takes besides its bytes: a frame.
    pub transfer: Duration,
    /// How often it sends a time extension while a card works.
    pub beat: Duration,
}

impl Design {
    /// A reader of one slot that exchanges at this level: at that of TPDUs it leaves everything
    /// to the host, at the others it does all by itself.
    #[must_use]
    pub fn new(level: Level) -> Self {
        let features = match level {
            Level::Character | Level::Tpdu => Features::AUTO_CLOCK.with(Features::AUTO_BAUD),
            Level::ShortApdu | Level::ExtendedApdu => Features::AUTO_PARAMETERS
                .with(Features::AUTO_CLOCK)
                .with(Features::AUTO_BAUD)
                .with(Features::AUTO_NEGOTIATION)
                .with(Features::AUTO_IFSD),
        };
        let reader = ClassDescriptor {
            release: 0x0110,
            max_slot_index: 0,
            voltages: Voltages::ALL,
            protocols: 3,
            default_clock: 4000,
            maximum_clock: 4000,
            clocks: 0,
            data_rate: 10_752,
            max_data_rate: 344_086,
            data_rates: 0,
            max_ifsd: 254,
            synch_protocols: 0,
            mechanical: 0,
            features: features.at(level),
            max_message: 271,
            class_get_response: 0xFF,
            class_envelope: 0xFF,
            lcd_layout: 0,
            pin_support: 0,
            max_busy_slots: 1,
        };
        Self {
            identity: Identity { vendor: 0x1209, product: 0x0001, version: 0x0100 },
            class: CLASS_VENDOR,
            interface: 0,
            descriptor_last: false,
            reader,
            packet: 64,
            rates: Vec::new(),
            sends_zero_length: false,
            wants_zero_length: false,
            collects: false,
            knows_abort: true,
            transfer: Duration::from_millis(1),
            beat: Duration::from_secs(1),
        }
    }

    fn bulk_out(&self) -> u8 {
        0x01
    }

    fn bulk_in(&self) -> u8 {
        0x82
    }

    fn interrupt(&self) -> u8 {
        0x83
    }

    /// The device descriptor.
    #[must_use]
    pub fn device_descriptor(&self) -> Vec<u8> {
        let mut d = vec![18, 1, 0x00, 0x02, 0, 0, 0, 64];
        for value in [self.identity.vendor, self.identity.product, self.identity.version] {
            d.extend(value.to_le_bytes());
        }
        d.extend([0, 0, 0, 1]);
        d
    }

    /// The configuration descriptor and all that belongs to it.
    #[must_use]
    pub fn configuration_descriptor(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for number in 0..self.interface {
            body.extend([9, 4, number, 0, 1, 3, 1, 1, 0]);
            body.extend([9, 0x21, 0x11, 0x01, 0, 1, 0x22, 63, 0]);
            body.extend([7, 5, 0x84, 3, 8, 0, 10]);
        }
        body.extend([9, 4, self.interface, 0, 3, self.class, 0, 0, 0]);
        let class = self.reader.to_vec();
        if !self.descriptor_last {
            body.extend(&class);
        }
        let [low, high] = self.packet.to_le_bytes();
        body.extend([7, 5, self.bulk_out(), 2, low, high, 0]);
        body.extend([7, 5, self.bulk_in(), 2, low, high, 0]);
        body.extend([7, 5, self.interrupt(), 3, 8, 0, 16]);
        if self.descriptor_last {
            body.extend(&class);
        }
        let total = (9 + body.len()) as u16;
        let mut bytes = vec![9, 2];
        bytes.extend(total.to_le_bytes());
        bytes.extend([self.interface + 1, 1, 0, 0x80, 50]);
        bytes.extend(body);
        bytes
    }
}

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
    design: Design,
    slots: Vec<Slot<C>>,
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
    traffic: Traffic,
    line_faults: LineFaults,
    faults: VecDeque<Fault>,
    short_reads: usize,
    zero_length: u32,
}

#[derive(Debug)]
struct Slot<C> {
    contacts: Option<Contacts<C>>,
    powered: bool,
    atr: Option<Atr>,
    protocol: Protocol,
    /// In force on the line.
    factors: Factors,
    parameters: Option<Parameters>,
    /// The firmware's side of T=1.
    host: Option<Host>,
    /// Whether anything but PPS was exchanged.
    talked: bool,
    /// Parts of a command, of an answer.
    command: Vec<u8>,
    answer: Vec<u8>,
    /// Whether the host waits for an answer that does not come.
    stuck: bool,
    /// ABORT came on the control endpoint, with this number.
    aborting: Option<u8>,
    clock_stopped: bool,
}

impl<C: Card> Slot<C> {
    const fn empty() -> Self {
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

    fn icc(&self) -> Icc {
        match (&self.contacts, self.powered) {
            (None, _) => Icc::Absent,
            (Some(_), false) => Icc::Inactive,
            (Some(_), true) => Icc::Active,
        }
    }

    fn power_off(&mut self) {
        if let Some(contacts) = &mut self.contacts {
            contacts.power_off();
        }
        let contacts = self.contacts.take();
        let (stuck, aborting) = (self.stuck, self.aborting);
        *self = Self { contacts, stuck, aborting, ..Self::empty() };
    }
}

/// An answer of the firmware: the kind, byte 9, data.
type Answer = (u8, u8, Vec<u8>);

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
            self.notify(slot);
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
            Effect::BulkOut { endpoint, data } if *endpoint == self.design.bulk_out() => {
                return self.bulk_out(data);
            }
            Effect::BulkIn { endpoint, length, timeout } if *endpoint == self.design.bulk_in() => {
                return self.bulk_in(*length, *timeout);
            }
            Effect::InterruptIn { endpoint, .. } if *endpoint == self.design.interrupt() => {
                self.transfer(8);
                return self.notices.pop_front().map_or(Event::Timeout, Event::Received);
            }
            Effect::BulkOut { .. } | Effect::BulkIn { .. } | Effect::InterruptIn { .. } => {
                return Event::Stall;
            }
        }
        if self.plugged { Event::Continue } else { Event::Unplugged }
    }

    fn due(&mut self, is: impl Fn(&Fault) -> bool) -> Option<Fault> {
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
            if let Some(message) = self.complete.take() {
                self.take(&message);
            }
            return Event::Sent;
        }
        self.complete = None;
        self.begun.extend_from_slice(data);
        let longest = self.design.reader.max_message as usize;
        match Message::parse(&self.begun, longest) {
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

    fn execute(
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

    fn power_on(
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
        match self
            .due(|f| matches!(f, Fault::Overrun | Fault::CardRemoved | Fault::Work(_) | Fault::AbortedChain))
        {
            Some(Fault::Overrun) => return Err(SlotError::OVERRUN),
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
