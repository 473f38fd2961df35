use crate::StatusWord;

/// A logical channel, 0 (basic) to 19.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(u8);

impl Channel {
    /// The channel that is open after a reset.
    pub const BASIC: Self = Self(0);
    /// How many channels the class byte can name.
    pub const COUNT: usize = 20;

    /// Channel number 0 to 19.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < Self::COUNT as u8 { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The class byte of an interindustry command on this channel
    /// (ISO 7816-4 §5.4.1): `0X` up to channel 3, else `4X`.
    #[must_use]
    pub const fn interindustry(self) -> u8 {
        if self.0 < 4 { self.0 } else { 0x40 | (self.0 - 4) }
    }

    /// The class byte of a proprietary command on this channel (GlobalPlatform,
    /// ETSI): `8X` up to channel 3, else `CX`.
    #[must_use]
    pub const fn proprietary(self) -> u8 {
        self.interindustry() | 0x80
    }
}

/// What a class byte says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The logical channel.
    pub channel: Channel,
    /// Whether it is `8X`/`CX` (ETSI, GlobalPlatform) and not `0X`/`4X`.
    pub proprietary: bool,
    /// Command chaining: more command data follows (ISO 7816-4 §5.3.3).
    pub chained: bool,
}

/// Why a class byte is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassError {
    /// Not a class of ISO 7816-4, ETSI or GlobalPlatform.
    Unknown,
    /// Secure messaging is asked for.
    SecureMessaging,
}

impl Class {
    /// Reads a class byte.
    ///
    /// # Errors
    /// `A0` (the class of the old SIM) and other foreign ones; secure messaging.
    pub const fn parse(cla: u8) -> Result<Self, ClassError> {
        let proprietary = cla & 0x80 != 0;
        let low = cla & 0x7F;
        let chained = low & 0x10 != 0;
        let (channel, secure) = match low & 0x60 {
            0x00 => (low & 0x03, low & 0x0C != 0),
            0x40 => ((low & 0x0F) + 4, false),
            0x60 => ((low & 0x0F) + 4, true),
            _ => return Err(ClassError::Unknown),
        };
        if cla == 0xFF {
            Err(ClassError::Unknown)
        } else if secure {
            Err(ClassError::SecureMessaging)
        } else {
            Ok(Self { channel: Channel(channel), proprietary, chained })
        }
    }
}

impl From<ClassError> for StatusWord {
    fn from(error: ClassError) -> Self {
        match error {
            ClassError::Unknown => Self::CLASS_NOT_SUPPORTED,
            ClassError::SecureMessaging => Self::SECURE_MESSAGING_NOT_SUPPORTED,
        }
    }
}
