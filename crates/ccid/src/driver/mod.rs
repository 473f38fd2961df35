//! The host's side: what a computer does with a reader and the card in it.

mod apdu;
mod card;
mod exchange;

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use crate::atr::{Atr, Factors, Protocol};
use crate::descriptor::{ClassDescriptor, Features, Identity, Interface, Level, Voltage, interfaces};
use crate::error::{DescriptorError, Error, MessageError, SlotError};
use crate::machine::{Io, Procedure, Recipient, RequestKind, Setup};
use crate::message::{Clock, Icc, Notice, kind, request};
use crate::quirks::Quirks;
use crate::t1::Host;

/// How readers and cards are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The protocol that is chosen where card and reader have both; else the card's first.
    pub protocol: Option<Protocol>,
    /// How long a command may take without a sign of life; more where the card has more, by its
    /// answer to reset and by S(WTX request), up to ten minutes. Every time extension begins it
    /// anew.
    pub patience: Duration,
    /// Whether GET RESPONSE and the repetition with the right length are done here for
    /// commands that expect data, so that `61 XX` and `6C XX` are seen for others only.
    pub collect: bool,
    /// Whether readers that can are switched from TPDUs to APDUs by an escape command.
    pub apdu_mode: bool,
}

impl Default for Options {
    fn default() -> Self {
        // A chip that installs a profile is busy for seconds.
        Self { protocol: None, patience: Duration::from_secs(30), collect: true, apdu_mode: false }
    }
}

/// Something worth knowing that is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The card is given power.
    PowerOn {
        /// The slot.
        slot: u8,
        /// At which voltage.
        voltage: Voltage,
    },
    /// The card did not start at that voltage.
    PowerFailed {
        /// The voltage.
        voltage: Voltage,
        /// Why.
        error: Error,
    },
    /// The card works and asks for more time.
    TimeExtension {
        /// The slot.
        slot: u8,
        /// This many times the waiting time.
        multiplier: u8,
    },
    /// An answer to something else was dropped.
    Stale {
        /// Its slot.
        slot: u8,
        /// Its number.
        sequence: u8,
    },
    /// Card and reader now exchange at this rate.
    Negotiated {
        /// The protocol.
        protocol: Protocol,
        /// F and D.
        factors: Factors,
        /// Bits per second.
        rate: u32,
    },
    /// The card did not agree to these, and slower ones are tried.
    NotNegotiated(Factors),
    /// A command is aborted.
    Aborting {
        /// The slot.
        slot: u8,
    },
}

/// A card that has power and a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its answer to reset.
    pub atr: Atr,
    /// The protocol.
    pub protocol: Protocol,
    /// F and D, as far as this driver had a say.
    pub factors: Factors,
    /// The voltage that it was given.
    pub voltage: Voltage,
    /// What is exchanged with the reader.
    pub level: Level,
}

/// A reader, seen from the computer: makes procedures that talk to it. Copies are the same
/// reader.
#[derive(Clone, Debug)]
pub struct Driver {
    state: Rc<RefCell<State>>,
}

#[derive(Debug)]
struct State {
    interface: Interface,
    quirks: Quirks,
    options: Options,
    /// `bSeq` of the next command.
    sequence: u8,
    /// Time extensions since the procedure began.
    extensions: u32,
    /// What came in and belongs to no message yet; less than a message.
    incoming: Vec<u8>,
    slots: Vec<Slot>,
    /// Whether a procedure is at work.
    running: bool,
    /// Whether the reader has had its time to start.
    started: bool,
    /// Whether the reader is gone.
    gone: bool,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    session: Option<Session>,
    /// A command whose answer nobody waited for.
    outstanding: bool,
    /// How often the reader told of a change, and how often it had when the card of the session
    /// was last seen: with more since, whether it is still there is asked before it is spoken to.
    /// What was told may be older than the session.
    told: u64,
    seen: u64,
    /// Why there is no session, when it ended by itself.
    ended: Option<Error>,
    /// The level after an escape command.
    level: Option<Level>,
}

#[derive(Clone, Debug)]
struct Session {
    connection: Connection,
    /// For T=1 at the level of TPDUs.
    t1: Option<Host>,
}

/// A device and the readers in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Who made it.
    pub identity: Identity,
    /// Its interfaces that are readers; at least one.
    pub readers: Vec<Interface>,
}

/// Reads the descriptors of a device and finds the readers in it. The device must be open; no
/// interface needs to be claimed.
#[must_use]
pub fn discover() -> Procedure<Device> {
    Procedure::new(async move |io: Io| {
        let descriptor = |kind: u16| Setup {
            kind: RequestKind::Standard,
            recipient: Recipient::Device,
            request: request::GET_DESCRIPTOR,
            value: kind << 8,
            index: 0,
        };
        let identity = Identity::parse(&io.control_in(descriptor(1), 18).await?)?;
        let head = io.control_in(descriptor(2), 9).await?;
        let total = match head[..] {
            [_, _, low, high, ..] => u16::from_le_bytes([low, high]),
            _ => return Err(DescriptorError::Truncated.into()),
        };
        let found = interfaces(&io.control_in(descriptor(2), total).await?)?;
        match (found.readers.is_empty(), found.refused.first()) {
            (false, _) => Ok(Device { identity, readers: found.readers }),
            (true, Some((_, error))) => Err((*error).into()),
            (true, None) => Err(DescriptorError::NoReader.into()),
        }
    })
}

impl Driver {
    /// The driver of an interface that the transport has claimed.
    ///
    /// # Errors
    /// [`Error::CharacterLevel`] for readers that pass single characters only.
    pub fn new(identity: Identity, interface: Interface, options: Options) -> Result<Self, Error> {
        let quirks = Quirks::of(identity);
        if interface.reader.features.level() == Level::Character {
            return Err(Error::CharacterLevel);
        }
        let slots = usize::from(interface.reader.max_slot_index) + 1;
        Ok(Self {
            state: Rc::new(RefCell::new(State {
                interface,
                quirks,
                options,
                sequence: 0,
                extensions: 0,
                incoming: Vec::new(),
                slots: vec![Slot::default(); slots],
                running: false,
                started: false,
                gone: false,
            })),
        })
    }

    /// How many slots the reader has.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.state.borrow().slots.len()
    }

    /// What the reader says of itself.
    #[must_use]
    pub fn reader(&self) -> ClassDescriptor {
        self.state.borrow().interface.reader.clone()
    }

    /// What is known of the reader besides.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.state.borrow().quirks
    }

    /// The card in a slot, when it is connected.
    #[must_use]
    pub fn connection(&self, slot: u8) -> Option<Connection> {
        let state = self.state.borrow();
        let slot = state.slots.get(usize::from(slot))?;
        slot.session.as_ref().map(|session| session.connection.clone())
    }

    /// Asks whether there is a card.
    #[must_use]
    pub fn status(&self, slot: u8) -> Procedure<Icc> {
        self.exclusive(async move |reader: Reader| {
            let answer = reader.ask(slot, kind::GET_SLOT_STATUS, [0; 3], Vec::new()).await?;
            reader.expect(&answer, kind::SLOT_STATUS)?;
            Ok(answer.icc())
        })
    }

    /// Gives the card power, reads its answer to reset and agrees with it on a protocol. A
    /// card that has been connected is reset.
    #[must_use]
    pub fn connect(&self, slot: u8) -> Procedure<Connection> {
        self.exclusive(async move |reader: Reader| reader.connect(slot).await)
    }

    /// Sends a command APDU, short or extended, and returns the response APDU: data and
    /// status word.
    #[must_use]
    pub fn transmit(&self, slot: u8, command: &[u8]) -> Procedure<Vec<u8>> {
        let command = command.to_vec();
        self.exclusive(async move |reader: Reader| reader.transmit(slot, &command).await)
    }

    /// Takes the card's power.
    #[must_use]
    pub fn disconnect(&self, slot: u8) -> Procedure<()> {
        self.exclusive(async move |reader: Reader| {
            reader.slot(slot)?.session = None;
            reader.ask(slot, kind::ICC_POWER_OFF, [0; 3], Vec::new()).await.map(drop)
        })
    }

    /// Sends a command of the reader's vendor.
    #[must_use]
    pub fn escape(&self, slot: u8, data: &[u8]) -> Procedure<Vec<u8>> {
        let data = data.to_vec();
        self.exclusive(async move |reader: Reader| reader.escape(slot, data).await)
    }

    /// Starts (`true`) or stops the card's clock; returns how it stands then.
    #[must_use]
    pub fn clock(&self, slot: u8, run: bool) -> Procedure<Clock> {
        self.exclusive(async move |reader: Reader| {
            let answer = reader.ask(slot, kind::ICC_CLOCK, [u8::from(!run), 0, 0], Vec::new()).await?;
            reader.expect(&answer, kind::SLOT_STATUS)?;
            Ok(Clock::from_status(answer.specific[2]))
        })
    }

    /// The parameters of a slot.
    #[must_use]
    pub fn parameters(&self, slot: u8) -> Procedure<Parameters> {
        self.exclusive(async move |reader: Reader| {
            reader.parameters(slot, kind::GET_PARAMETERS, 0, Vec::new()).await
        })
    }

    /// Sets the parameters of a slot; returns those that are in force then. For experiments:
    /// [`Driver::connect`] sets what the card needs.
    #[must_use]
    pub fn set_parameters(&self, slot: u8, parameters: &Parameters) -> Procedure<Parameters> {
        let (protocol, bytes) = (parameters.protocol(), parameters.to_vec());
        self.exclusive(async move |reader: Reader| {
            reader.parameters(slot, kind::SET_PARAMETERS, protocol, bytes).await
        })
    }

    /// Sets the parameters of a slot to the reader's default; returns them.
    #[must_use]
    pub fn reset_parameters(&self, slot: u8) -> Procedure<Parameters> {
        self.exclusive(async move |reader: Reader| {
            reader.parameters(slot, kind::RESET_PARAMETERS, 0, Vec::new()).await
        })
    }

    /// The data rates that the reader lists, in bits per second.
    #[must_use]
    pub fn data_rates(&self) -> Procedure<Vec<u32>> {
        self.exclusive(async move |reader: Reader| {
            let count = reader.state.borrow().interface.reader.data_rates;
            reader.list(request::GET_DATA_RATES, count).await
        })
    }

    /// The clock frequencies that the reader lists, in kHz.
    #[must_use]
    pub fn clock_frequencies(&self) -> Procedure<Vec<u32>> {
        self.exclusive(async move |reader: Reader| {
            let count = reader.state.borrow().interface.reader.clocks;
            reader.list(request::GET_CLOCK_FREQUENCIES, count).await
        })
    }

    /// Waits for the next notice of the reader; nothing where it has no interrupt endpoint.
    /// This one may run beside any other procedure.
    #[must_use]
    pub fn notice(&self) -> Procedure<Vec<Notice>> {
        let driver = self.clone();
        Procedure::new(async move |io: Io| {
            let Some(endpoint) = driver.state.borrow().interface.interrupt else { return Ok(Vec::new()) };
            let bytes = io.interrupt_in(endpoint.address, usize::from(endpoint.packet)).await;
            if bytes == Err(Error::Unplugged) {
                driver.state.borrow_mut().gone = true;
            }
            let notices = Notice::parse(&bytes?);
            for notice in &notices {
                if let Notice::SlotChange { slot, present } = notice
                    && let Some(slot) = driver.state.borrow_mut().slots.get_mut(usize::from(*slot))
                {
                    slot.told = slot.told.saturating_add(1);
                    // Another card may be there before anybody asks, and may have power.
                    if !present && slot.session.take().is_some() {
                        slot.ended = Some(Error::CardRemoved);
                    }
                }
            }
            Ok(notices)
        })
    }

    /// A procedure that has the reader for itself.
    fn exclusive<T: 'static, F>(&self, body: impl FnOnce(Reader) -> F + 'static) -> Procedure<T>
    where
        F: Future<Output = Result<T, Error>> + 'static,
    {
        let state = Rc::clone(&self.state);
        Procedure::new(async move |io: Io| {
            if state.borrow().gone {
                return Err(Error::Unplugged);
            }
            let _running = Running::begin(&state).ok_or(Error::Busy)?;
            state.borrow_mut().extensions = 0;
            let reader = Reader { state: Rc::clone(&state), io };
            let result = reader.begin().await;
            let result = match result {
                Ok(()) => body(reader).await,
                Err(error) => Err(error),
            };
            if matches!(result, Err(Error::Unplugged)) {
                let mut state = state.borrow_mut();
                state.gone = true;
                state.slots.iter_mut().for_each(|slot| slot.session = None);
            }
            result
        })
    }
}

/// That a procedure has the reader, until it ends or is dropped.
struct Running(Rc<RefCell<State>>);

impl Running {
    fn begin(state: &Rc<RefCell<State>>) -> Option<Self> {
        let was = core::mem::replace(&mut state.borrow_mut().running, true);
        (!was).then(|| Self(Rc::clone(state)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is borrowed where a procedure waits, which is where it is dropped.
        if let Ok(mut state) = self.0.try_borrow_mut() {
            state.running = false;
        }
    }
}

/// The reader inside a procedure.
#[derive(Clone)]
struct Reader {
    state: Rc<RefCell<State>>,
    io: Io,
}

impl Reader {
    async fn begin(&self) -> Result<(), Error> {
        let start = self.state.borrow().quirks.start;
        if !core::mem::replace(&mut self.state.borrow_mut().started, true) && start > Duration::ZERO {
            self.io.wait(start).await?;
        }
        Ok(())
    }

    fn slot(&self, slot: u8) -> Result<core::cell::RefMut<'_, Slot>, Error> {
        core::cell::RefMut::filter_map(self.state.borrow_mut(), |state| {
            state.slots.get_mut(usize::from(slot))
        })
        .map_err(|_| Error::NoSuchSlot)
    }

    fn features(&self, slot: u8) -> Features {
        let state = self.state.borrow();
        let features = state.interface.reader.features;
        if state.quirks.is_contactless(slot) {
            return features.at(Level::ShortApdu).with(Features::AUTO_IFSD).with(Features::AUTO_NEGOTIATION);
        }
        match state.slots.get(usize::from(slot)).and_then(|slot| slot.level) {
            Some(level) => features.at(level),
            None => features,
        }
    }

    async fn escape(&self, slot: u8, data: Vec<u8>) -> Result<Vec<u8>, Error> {
        let answer = self.ask(slot, kind::ESCAPE, [0; 3], data).await?;
        self.expect(&answer, kind::ESCAPE_ANSWER)?;
        Ok(answer.data)
    }

    async fn parameters(
        &self,
        slot: u8,
        kind: u8,
        protocol: u8,
        bytes: Vec<u8>,
    ) -> Result<Parameters, Error> {
        let answer = self.ask(slot, kind, [protocol, 0, 0], bytes).await?;
        self.expect(&answer, kind::PARAMETERS)?;
        Parameters::parse(answer.specific[2], &answer.data).ok_or(Error::Message(MessageError::Data))
    }

    /// A class request for a list of numbers; a reader that does not know it has none.
    async fn list(&self, request: u8, count: u8) -> Result<Vec<u32>, Error> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let number = self.state.borrow().interface.number;
        let setup = Setup {
            kind: RequestKind::Class,
            recipient: Recipient::Interface,
            request,
            value: 0,
            index: u16::from(number),
        };
        match self.io.control_in(setup, u16::from(count) * 4).await {
            Ok(bytes) => {
                Ok(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
            }
            Err(Error::Stall(_) | Error::Timeout) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// What SetParameters sets (CCID Rev 1.1 §6.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// `abProtocolDataStructure` of T=0.
    T0 {
        /// `bmFindexDindex`.
        factors: u8,
        /// `bmTCCKST0`: bit 1 for the inverse convention.
        checks: u8,
        /// `bGuardTimeT0`.
        guard_time: u8,
        /// `bWaitingIntegerT0`.
        waiting_integer: u8,
        /// `bClockStop`.
        clock_stop: u8,
    },
    /// `abProtocolDataStructure` of T=1.
    T1 {
        /// `bmFindexDindex`.
        factors: u8,
        /// `bmTCCKST1`: 10, bit 0 for the CRC, bit 1 for the inverse convention.
        checks: u8,
        /// `bGuardTimeT1`.
        guard_time: u8,
        /// `bmWaitingIntegersT1`: BWI and CWI.
        waiting_integers: u8,
        /// `bClockStop`.
        clock_stop: u8,
        /// `bIFSC`.
        ifsc: u8,
        /// `bNadValue`.
        nad: u8,
    },
}

impl Parameters {
    /// What a card needs.
    #[must_use]
    pub fn of(atr: &Atr, protocol: Protocol, factors: Factors) -> Self {
        let inverse = if atr.is_inverse() { 2 } else { 0 };
        let guard_time = atr.tc1().unwrap_or(0);
        let clock_stop = atr.clock_stop();
        match protocol {
            Protocol::T0 => Self::T0 {
                factors: factors.ta1,
                checks: inverse,
                guard_time,
                waiting_integer: atr.waiting_integer(),
                clock_stop,
            },
            Protocol::T1 => Self::T1 {
                factors: factors.ta1,
                checks: 0x10 | inverse | u8::from(atr.uses_crc()),
                guard_time,
                waiting_integers: atr.bwi_cwi(),
                clock_stop,
                ifsc: atr.ifsc(),
                nad: 0,
            },
        }
    }

    /// `bProtocolNum`.
    #[must_use]
    pub const fn protocol(&self) -> u8 {
        match self {
            Self::T0 { .. } => 0,
            Self::T1 { .. } => 1,
        }
    }

    /// `bmFindexDindex`: TA1 of the factors in force.
    #[must_use]
    pub const fn factors(&self) -> u8 {
        match self {
            Self::T0 { factors, .. } | Self::T1 { factors, .. } => *factors,
        }
    }

    /// Reads the data of a message, of the protocol that it names.
    #[must_use]
    pub fn parse(protocol: u8, bytes: &[u8]) -> Option<Self> {
        match (protocol, bytes) {
            (0, &[factors, checks, guard_time, waiting_integer, clock_stop]) => {
                Some(Self::T0 { factors, checks, guard_time, waiting_integer, clock_stop })
            }
            (1, &[factors, checks, guard_time, waiting_integers, clock_stop, ifsc, nad]) => {
                Some(Self::T1 { factors, checks, guard_time, waiting_integers, clock_stop, ifsc, nad })
            }
            _ => None,
        }
    }

    /// The data of a message.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        match *self {
            Self::T0 { factors, checks, guard_time, waiting_integer, clock_stop } => {
                vec![factors, checks, guard_time, waiting_integer, clock_stop]
            }
            Self::T1 { factors, checks, guard_time, waiting_integers, clock_stop, ifsc, nad } => {
                vec![factors, checks, guard_time, waiting_integers, clock_stop, ifsc, nad]
            }
        }
    }
}

/// Whether an error means that this very command may be sent again.
const fn is_busy(error: &Error) -> bool {
    matches!(error, Error::Refused { code: SlotError::BUSY_WITH_AUTO_SEQUENCE, .. })
}
