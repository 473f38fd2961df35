use alloc::string::String;
use core::fmt;

/// Why a modem refuses a command: `+CME ERROR: …` (3GPP TS 27.007 §9.2), else nothing but `ERROR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cme {
    /// `ERROR`.
    Unsaid,
    /// A number.
    Number(u16),
    /// Words, as `AT+CMEE=2` or the modem's own mind has them; at most 64 characters.
    Words(String),
}

impl Cme {
    /// What stands after `+CME ERROR:`.
    pub(crate) fn read(text: &str) -> Self {
        let text = text.trim();
        match text.parse() {
            Ok(number) => Self::Number(number),
            Err(_) if text.is_empty() => Self::Unsaid,
            Err(_) => Self::Words(text.chars().take(64).collect::<String>()),
        }
    }

    /// Whether it says that there is no card in the modem.
    #[must_use]
    pub fn is_card_out(&self) -> bool {
        self.is(10)
    }

    /// Whether it is of the card itself, whatever was asked of it: there is none, it wants a PIN, it is
    /// busy, it has no channel left.
    pub(crate) fn is_of_card(&self) -> bool {
        [10, 11, 12, 14, 20].iter().any(|number| self.is(*number))
    }

    /// Whether it is that number, or its text in the standard.
    pub(crate) fn is(&self, number: u16) -> bool {
        match self {
            Self::Unsaid => false,
            Self::Number(said) => *said == number,
            Self::Words(words) => words.eq_ignore_ascii_case(Self::Number(number).meaning()),
        }
    }

    /// What the number means, for people.
    #[must_use]
    pub fn meaning(&self) -> &str {
        let Self::Number(number) = self else {
            return if let Self::Words(words) = self { words } else { "" };
        };
        // §9.2.1; the texts are those that the modem itself would send.
        match number {
            0 => "phone failure",
            1 => "no connection to phone",
            3 => "operation not allowed",
            4 => "operation not supported",
            5 => "PH-SIM PIN required",
            10 => "SIM not inserted",
            11 => "SIM PIN required",
            12 => "SIM PUK required",
            13 => "SIM failure",
            14 => "SIM busy",
            15 => "SIM wrong",
            16 => "incorrect password",
            20 => "memory full",
            21 => "invalid index",
            22 => "not found",
            24 => "text string too long",
            25 => "invalid characters in text string",
            26 => "dial string too long",
            50 => "incorrect parameters",
            100 => "unknown",
            _ => "",
        }
    }
}

impl fmt::Display for Cme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => f.write_str("ERROR"),
            Self::Number(number) if self.meaning().is_empty() => write!(f, "+CME ERROR: {number}"),
            Self::Number(number) => write!(f, "+CME ERROR: {number} ({})", self.meaning()),
            Self::Words(words) => write!(f, "+CME ERROR: {words}"),
        }
    }
}
