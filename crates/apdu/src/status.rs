use core::fmt;

/// The two status bytes that end every response (ISO 7816-4 §5.3.4,
/// ETSI TS 102 221 §10.2, 3GPP TS 31.102 §7.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// Normal ending of the command.
    pub const OK: Self = Self(0x9000);
    /// Toolkit is busy; the command can be repeated later.
    pub const BUSY: Self = Self(0x9300);
    /// No information given, state of non-volatile memory unchanged; on SEARCH
    /// RECORD: nothing found, end of file reached.
    pub const END_OF_FILE: Self = Self(0x6282);
    /// Selected file is deactivated.
    pub const FILE_DEACTIVATED: Self = Self(0x6283);
    /// Memory problem: the command was not carried out.
    pub const MEMORY_PROBLEM: Self = Self(0x6581);
    /// Wrong length.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// Logical channel not supported.
    pub const CHANNEL_NOT_SUPPORTED: Self = Self(0x6881);
    /// Secure messaging not supported.
    pub const SECURE_MESSAGING_NOT_SUPPORTED: Self = Self(0x6882);
    /// Command incompatible with the file structure.
    pub const FILE_STRUCTURE: Self = Self(0x6981);
    /// Security status not satisfied.
    pub const SECURITY_STATUS: Self = Self(0x6982);
    /// Authentication or PIN method blocked.
    pub const BLOCKED: Self = Self(0x6983);
    /// Referenced data invalidated.
    pub const DATA_INVALIDATED: Self = Self(0x6984);
    /// Conditions of use not satisfied.
    pub const CONDITIONS: Self = Self(0x6985);
    /// Command not allowed, no EF selected.
    pub const NO_EF_SELECTED: Self = Self(0x6986);
    /// Incorrect parameters in the data field.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// Function not supported.
    pub const FUNCTION_NOT_SUPPORTED: Self = Self(0x6A81);
    /// File or application not found.
    pub const FILE_NOT_FOUND: Self = Self(0x6A82);
    /// Record not found.
    pub const RECORD_NOT_FOUND: Self = Self(0x6A83);
    /// Not enough memory space.
    pub const NOT_ENOUGH_MEMORY: Self = Self(0x6A84);
    /// Incorrect parameters P1 P2.
    pub const WRONG_P1P2: Self = Self(0x6A86);
    /// Referenced data not found.
    pub const REFERENCE_NOT_FOUND: Self = Self(0x6A88);
    /// Wrong parameters P1 P2 (offset outside the file).
    pub const WRONG_PARAMETERS: Self = Self(0x6B00);
    /// Instruction not supported.
    pub const INS_NOT_SUPPORTED: Self = Self(0x6D00);
    /// Class not supported.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x6E00);
    /// Technical problem, no precise diagnosis.
    pub const TECHNICAL_PROBLEM: Self = Self(0x6F00);
    /// INCREASE cannot be performed, maximum value reached.
    pub const INCREASE_MAXIMUM: Self = Self(0x9850);
    /// Authentication error, incorrect MAC.
    pub const INCORRECT_MAC: Self = Self(0x9862);
    /// Authentication error, security context not supported.
    pub const CONTEXT_NOT_SUPPORTED: Self = Self(0x9864);

    /// `61 XX`: that many bytes of response data wait for GET RESPONSE (256 and
    /// more are announced as `61 00`).
    #[must_use]
    pub const fn available(bytes: usize) -> Self {
        Self(0x6100 | if bytes > 0xFF { 0 } else { bytes as u16 })
    }

    /// `6C XX`: repeat the command with this Le (256 as `6C 00`).
    #[must_use]
    pub const fn wrong_le(exact: usize) -> Self {
        Self(0x6C00 | (exact & 0xFF) as u16)
    }

    /// `63 CX`: verification failed, that many tries are left (15 at most are told).
    #[must_use]
    pub const fn tries_left(tries: u8) -> Self {
        Self(0x63C0 | if tries > 15 { 15 } else { tries as u16 })
    }

    /// `91 XX`: done, and a proactive command of that many bytes waits for FETCH.
    #[must_use]
    pub const fn proactive(bytes: u8) -> Self {
        Self(0x9100 | bytes as u16)
    }

    /// The bytes that wait for GET RESPONSE, when this is `61 XX`.
    #[must_use]
    pub const fn response_available(self) -> Option<usize> {
        self.tail(0x61)
    }

    /// The Le to repeat the command with, when this is `6C XX`.
    #[must_use]
    pub const fn exact_le(self) -> Option<usize> {
        self.tail(0x6C)
    }

    /// The length of the pending proactive command, when this is `91 XX`.
    #[must_use]
    pub const fn proactive_len(self) -> Option<usize> {
        self.tail(0x91)
    }

    const fn tail(self, sw1: u16) -> Option<usize> {
        let sw2 = (self.0 & 0xFF) as usize;
        if self.0 >> 8 != sw1 {
            None
        } else if sw2 == 0 {
            Some(256)
        } else {
            Some(sw2)
        }
    }

    /// Whether the command was carried out: `9000`, `91 XX`, `61 XX`.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self.0 >> 8, 0x61 | 0x91) || self.0 == 0x9000
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for StatusWord {}
