//! The messages on the bulk endpoints (CCID Rev 1.1 §6.1, §6.2) and on the interrupt endpoint
//! (§6.3).

use alloc::vec::Vec;

use crate::error::{MessageError, SlotError};

/// `bMessageType`.
pub mod kind {
    /// `PC_to_RDR_SetParameters`.
    pub const SET_PARAMETERS: u8 = 0x61;
    /// `PC_to_RDR_IccPowerOn`.
    pub const ICC_POWER_ON: u8 = 0x62;
    /// `PC_to_RDR_IccPowerOff`.
    pub const ICC_POWER_OFF: u8 = 0x63;
    /// `PC_to_RDR_GetSlotStatus`.
    pub const GET_SLOT_STATUS: u8 = 0x65;
    /// `PC_to_RDR_Secure`.
    pub const SECURE: u8 = 0x69;
    /// `PC_to_RDR_T0APDU`.
    pub const T0_APDU: u8 = 0x6A;
    /// `PC_to_RDR_Escape`.
    pub const ESCAPE: u8 = 0x6B;
    /// `PC_to_RDR_GetParameters`.
    pub const GET_PARAMETERS: u8 = 0x6C;
    /// `PC_to_RDR_ResetParameters`.
    pub const RESET_PARAMETERS: u8 = 0x6D;
    /// `PC_to_RDR_IccClock`.
    pub const ICC_CLOCK: u8 = 0x6E;
    /// `PC_to_RDR_XfrBlock`.
    pub const XFR_BLOCK: u8 = 0x6F;
    /// `PC_to_RDR_Mechanical`.
    pub const MECHANICAL: u8 = 0x71;
    /// `PC_to_RDR_Abort`.
    pub const ABORT: u8 = 0x72;
    /// `PC_to_RDR_SetDataRateAndClockFrequency`.
    pub const SET_DATA_RATE: u8 = 0x73;
    /// `RDR_to_PC_DataBlock`.
    pub const DATA_BLOCK: u8 = 0x80;
    /// `RDR_to_PC_SlotStatus`.
    pub const SLOT_STATUS: u8 = 0x81;
    /// `RDR_to_PC_Parameters`.
    pub const PARAMETERS: u8 = 0x82;
    /// `RDR_to_PC_Escape`.
    pub const ESCAPE_ANSWER: u8 = 0x83;
    /// `RDR_to_PC_DataRateAndClockFrequency`.
    pub const DATA_RATE: u8 = 0x84;
    /// `RDR_to_PC_NotifySlotChange`, on the interrupt endpoint.
    pub const NOTIFY_SLOT_CHANGE: u8 = 0x50;
    /// `RDR_to_PC_HardwareError`, on the interrupt endpoint.
    pub const HARDWARE_ERROR: u8 = 0x51;

    /// The standard's name of a message to the reader, without its prefix.
    #[must_use]
    pub const fn name(kind: u8) -> &'static str {
        match kind {
            SET_PARAMETERS => "SetParameters",
            ICC_POWER_ON => "IccPowerOn",
            ICC_POWER_OFF => "IccPowerOff",
            GET_SLOT_STATUS => "GetSlotStatus",
            SECURE => "Secure",
            T0_APDU => "T0APDU",
            ESCAPE => "Escape",
            GET_PARAMETERS => "GetParameters",
            RESET_PARAMETERS => "ResetParameters",
            ICC_CLOCK => "IccClock",
            XFR_BLOCK => "XfrBlock",
            MECHANICAL => "Mechanical",
            ABORT => "Abort",
            SET_DATA_RATE => "SetDataRateAndClockFrequency",
            _ => "?",
        }
    }
}

/// Class requests on the control endpoint (CCID Rev 1.1 §5.3).
pub mod request {
    /// `ABORT`.
    pub const ABORT: u8 = 0x01;
    /// `GET_CLOCK_FREQUENCIES`.
    pub const GET_CLOCK_FREQUENCIES: u8 = 0x02;
    /// `GET_DATA_RATES`.
    pub const GET_DATA_RATES: u8 = 0x03;
    /// `GET_DESCRIPTOR`, a standard request.
    pub const GET_DESCRIPTOR: u8 = 0x06;
}

/// Bytes before the data of a message.
pub const HEADER: usize = 10;

/// The longest message that is taken, whatever the reader promises: an extended APDU with
/// 65,535 bytes of data, or an answer with 65,536, and the header.
pub const LONGEST: usize = HEADER + 65_544;

/// A message of either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `bMessageType`.
    pub kind: u8,
    /// `bSlot`.
    pub slot: u8,
    /// `bSeq`.
    pub sequence: u8,
    /// Bytes 7 to 9, whose meaning is the kind's.
    pub specific: [u8; 3],
    /// `abData`.
    pub data: Vec<u8>,
}

/// What is at the start of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A whole message, and how many bytes it has.
    Whole(Message, usize),
    /// A message that this many bytes are missing of.
    Part(usize),
}

impl Message {
    /// Reads the message at the start of some bytes.
    ///
    /// # Errors
    /// When it says that it is longer than `longest`.
    pub fn parse(bytes: &[u8], longest: usize) -> Result<Start, MessageError> {
        let Some((head, rest)) = bytes.split_first_chunk::<HEADER>() else {
            return Ok(Start::Part(HEADER - bytes.len()));
        };
        let [kind, l0, l1, l2, l3, slot, sequence, a, b, c] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if length > longest.min(LONGEST).saturating_sub(HEADER) {
            return Err(MessageError::TooLong);
        }
        Ok(match rest.get(..length) {
            None => Start::Part(length - rest.len()),
            Some(data) => {
                let message = Self { kind, slot, sequence, specific: [a, b, c], data: data.to_vec() };
                Start::Whole(message, HEADER + length)
            }
        })
    }

    /// The bytes of the message.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.data.len());
        bytes.push(self.kind);
        bytes.extend((self.data.len() as u32).to_le_bytes());
        bytes.extend([self.slot, self.sequence]);
        bytes.extend(self.specific);
        bytes.extend(&self.data);
        bytes
    }

    /// `bmICCStatus` of an answer.
    #[must_use]
    pub const fn icc(&self) -> Icc {
        match self.specific[0] & 3 {
            0 => Icc::Active,
            1 => Icc::Inactive,
            _ => Icc::Absent,
        }
    }

    /// `bmCommandStatus` of an answer, and its `bError`.
    #[must_use]
    pub const fn outcome(&self) -> CommandOutcome {
        match self.specific[0] >> 6 {
            0 => CommandOutcome::Done,
            2 => CommandOutcome::TimeExtension(self.specific[1]),
            // 3 is reserved: what is not done has failed.
            _ => CommandOutcome::Failed(SlotError(self.specific[1])),
        }
    }
}

/// Whether there is a card, and whether it has power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icc {
    /// A card with power.
    Active,
    /// A card without.
    Inactive,
    /// No card.
    Absent,
}

impl Icc {
    /// `bmICCStatus`.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Inactive => 1,
            Self::Absent => 2,
        }
    }
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// It is done.
    Done,
    /// It failed.
    Failed(SlotError),
    /// The card needs more time, this many times the usual.
    TimeExtension(u8),
}

/// How the clock of a card stands: `bClockStatus`, and what IccClock asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It runs.
    Running,
    /// It stands at low.
    StoppedLow,
    /// It stands at high.
    StoppedHigh,
    /// It stands, nobody knows where.
    Stopped,
}

impl Clock {
    /// Of `bClockStatus`.
    #[must_use]
    pub const fn from_status(status: u8) -> Self {
        match status {
            0 => Self::Running,
            1 => Self::StoppedLow,
            2 => Self::StoppedHigh,
            _ => Self::Stopped,
        }
    }
}

/// A notice from the interrupt endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A card was put into a slot or taken out.
    SlotChange {
        /// The slot.
        slot: u8,
        /// Whether there is a card now.
        present: bool,
    },
    /// The hardware is at fault.
    HardwareError {
        /// The slot.
        slot: u8,
        /// `bHardwareErrorCode`; 1 is overcurrent.
        code: u8,
    },
}

impl Notice {
    /// Reads what the interrupt endpoint brought; slots that are not told of have not changed.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Vec<Self> {
        match bytes {
            [kind::NOTIFY_SLOT_CHANGE, bitmap @ ..] => {
                let slots = bitmap.iter().take(64).flat_map(|byte| [0, 2, 4, 6].map(|at| byte >> at & 3));
                let changed = slots.enumerate().filter(|(_, bits)| bits & 2 != 0);
                changed
                    .map(|(slot, bits)| Self::SlotChange { slot: slot as u8, present: bits & 1 != 0 })
                    .collect()
            }
            [kind::HARDWARE_ERROR, slot, _, code, ..] => {
                alloc::vec![Self::HardwareError { slot: *slot, code: *code }]
            }
            _ => Vec::new(),
        }
    }
}
