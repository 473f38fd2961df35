//! The answer to reset (ISO 7816-3 §8.2) and the parameters that follow from it: transmission
//! factors (§8.3), waiting times (§10.2, §11.4), PPS (§9).

use alloc::vec::Vec;
use core::time::Duration;

use words::Text;

/// The most characters of an answer to reset (§8.2.1).
pub const LONGEST: usize = 33;

/// Why bytes are no answer to reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtrError {
    /// None came, or it ends before its interface or historical bytes do.
    Truncated,
    /// More than 33 characters.
    TooLong,
    /// TS is neither 3B nor 3F.
    Ts(u8),
    /// The check character is wrong.
    Tck,
    /// A transmission protocol after T=15, or a protocol that is reserved twice over: what is
    /// said is no list of protocols.
    Protocols,
}

impl AtrError {
    pub(crate) const fn words(self) -> Text {
        match self {
            Self::Truncated | Self::TooLong | Self::Tck => Text::new(
                "The card's answer to reset is garbled. Clean the contacts and put the card in again.",
                "カードのリセット応答が壊れています。端子を拭いて入れ直してください。",
            ),
            Self::Ts(_) => Text::new(
                "The card's answer to reset does not begin as it should. Is the card the right way up?",
                "カードのリセット応答の先頭が正しくありません。カードの向きを確認してください。",
            ),
            Self::Protocols => Text::new(
                "The card's answer to reset contradicts itself.",
                "カードのリセット応答の内容に矛盾があります。",
            ),
        }
    }
}

/// A transmission protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Characters, half duplex.
    T0,
    /// Blocks, half duplex.
    T1,
}

impl Protocol {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::T0 => 0,
            Self::T1 => 1,
        }
    }
}

/// An answer to reset that holds together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atr {
    bytes: Vec<u8>,
    groups: Vec<Group>,
    historical: core::ops::Range<usize>,
}

/// TAi, TBi, TCi, and the protocol that they are for: that of TD(i-1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Group {
    /// Of the TD before; the first group has none.
    protocol: Option<u8>,
    ta: Option<u8>,
    tb: Option<u8>,
    tc: Option<u8>,
}

impl Atr {
    /// Reads an answer to reset. Bytes after its last one are refused unless they are one:
    /// readers are known to add the check character where there must be none.
    ///
    /// # Errors
    /// [`AtrError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, AtrError> {
        if bytes.len() > LONGEST {
            return Err(AtrError::TooLong);
        }
        let (&ts, mut at) = (bytes.first().ok_or(AtrError::Truncated)?, 1);
        if ts != 0x3B && ts != 0x3F {
            return Err(AtrError::Ts(ts));
        }
        let mut next = || {
            let byte = bytes.get(at).copied().ok_or(AtrError::Truncated);
            at += 1;
            byte
        };
        let t0 = next()?;
        let (mut y, mut protocol) = (t0 >> 4, None);
        let mut groups = Vec::new();
        loop {
            let mut read = |bit: u8| if y & bit == 0 { Ok(None) } else { next().map(Some) };
            let group = Group { protocol, ta: read(1)?, tb: read(2)?, tc: read(4)? };
            let td = read(8)?;
            groups.push(group);
            let Some(td) = td else { break };
            (y, protocol) = (td >> 4, Some(td & 0x0F));
        }
        // §8.2.3: T=15 is no protocol and may only follow those that are; it comes in ascending
        // order after them.
        let named = groups.iter().filter_map(|group| group.protocol);
        let mut after_15 = false;
        for number in named {
            if after_15 && number != 15 {
                return Err(AtrError::Protocols);
            }
            after_15 |= number == 15;
        }
        if groups.get(1).is_some_and(|group| group.protocol == Some(15)) {
            return Err(AtrError::Protocols);
        }
        let historical = at..at + usize::from(t0 & 0x0F);
        let has_tck = groups.iter().any(|group| group.protocol.is_some_and(|number| number != 0));
        let end = historical.end + usize::from(has_tck);
        let whole = bytes.get(..end).ok_or(AtrError::Truncated)?;
        if bytes.len() > end + usize::from(!has_tck) {
            return Err(AtrError::TooLong);
        }
        if has_tck && whole[1..].iter().fold(0, |sum, byte| sum ^ byte) != 0 {
            return Err(AtrError::Tck);
        }
        Ok(Self { bytes: whole.to_vec(), groups, historical })
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The historical bytes.
    #[must_use]
    pub fn historical(&self) -> &[u8] {
        &self.bytes[self.historical.clone()]
    }

    /// Whether characters are coded by the inverse convention.
    #[must_use]
    pub fn is_inverse(&self) -> bool {
        self.bytes.first() == Some(&0x3F)
    }

    /// The protocols on offer among those that there are, the first being the one that the
    /// card begins with; without TD1 it is T=0 (§8.2.3).
    #[must_use]
    pub fn protocols(&self) -> Vec<Protocol> {
        let mut protocols = Vec::new();
        let numbers: Vec<u8> = self.groups.iter().filter_map(|group| group.protocol).collect();
        for number in if numbers.is_empty() { alloc::vec![0] } else { numbers } {
            let protocol = match number {
                0 => Protocol::T0,
                1 => Protocol::T1,
                _ => continue,
            };
            if !protocols.contains(&protocol) {
                protocols.push(protocol);
            }
        }
        protocols
    }

    /// The number of the protocol that the card begins with.
    #[must_use]
    pub fn first_protocol(&self) -> u8 {
        self.groups.iter().find_map(|group| group.protocol).unwrap_or(0)
    }

    /// TA1: the greatest F and D that the card can.
    #[must_use]
    pub fn ta1(&self) -> Option<u8> {
        self.groups.first().and_then(|group| group.ta)
    }

    /// TC1: extra guard time.
    #[must_use]
    pub fn tc1(&self) -> Option<u8> {
        self.groups.first().and_then(|group| group.tc)
    }

    /// TA2: the card is in specific mode, in which nothing is negotiated (§8.3).
    #[must_use]
    pub fn ta2(&self) -> Option<u8> {
        self.groups.get(1).and_then(|group| group.ta)
    }

    /// TC2: the waiting time integer of T=0; 10 where it is not said (§10.2).
    #[must_use]
    pub fn waiting_integer(&self) -> u8 {
        let tc2 = self.groups.get(1).and_then(|group| group.tc);
        tc2.filter(|integer| *integer != 0).unwrap_or(10)
    }

    /// The first group for T=1 after TD2's place (§11.4).
    fn t1(&self) -> Option<&Group> {
        self.groups.iter().skip(2).find(|group| group.protocol == Some(1))
    }

    /// The most bytes of information that the card takes in one block: 32 where it does not
    /// say (§11.4.2).
    #[must_use]
    pub fn ifsc(&self) -> u8 {
        let ta = self.t1().and_then(|group| group.ta);
        ta.filter(|size| (1..=254).contains(size)).unwrap_or(32)
    }

    /// BWI and CWI: 4 and 13 where they are not said (§11.4.3).
    #[must_use]
    pub fn bwi_cwi(&self) -> u8 {
        self.t1().and_then(|group| group.tb).filter(|byte| byte >> 4 <= 9).unwrap_or(0x4D)
    }

    /// Whether blocks end in a CRC instead of an LRC (§11.4.4).
    #[must_use]
    pub fn uses_crc(&self) -> bool {
        self.t1().and_then(|group| group.tc).is_some_and(|byte| byte & 1 != 0)
    }

    /// The first group for T=15.
    fn t15(&self) -> Option<&Group> {
        self.groups.iter().skip(1).find(|group| group.protocol == Some(15))
    }

    /// The classes of operating conditions: bit 0 for 5 V, bit 1 for 3 V, bit 2 for 1.8 V;
    /// `None` where the card does not say (§8.3).
    #[must_use]
    pub fn classes(&self) -> Option<u8> {
        self.t15().and_then(|group| group.ta).map(|ta| ta & 0x3F).filter(|classes| *classes != 0)
    }

    /// How the clock may be stopped: `bClockStop` of SetParameters.
    #[must_use]
    pub fn clock_stop(&self) -> u8 {
        self.t15().and_then(|group| group.ta).map_or(0, |ta| ta >> 6)
    }

    /// The first TB for T=15: what ETSI TS 102 221 §6.3.3 says of UICCs.
    #[must_use]
    pub fn uicc_byte(&self) -> Option<u8> {
        self.t15().and_then(|group| group.tb)
    }

    /// Whether the card says that it is an eUICC (ETSI TS 102 221 §6.3.3).
    #[must_use]
    pub fn is_euicc(&self) -> bool {
        self.uicc_byte().is_some_and(|byte| byte & 0x82 == 0x82)
    }

    /// WWT (ISO 7816-3 §10.2): WI × 960 × Fi / f, at a clock of so many kHz.
    pub(crate) fn work_waiting_time(&self, factors: Factors, khz: u32) -> Duration {
        factors.etu(khz, u64::from(self.waiting_integer()) * 960 * u64::from(factors.d))
    }

    /// BWT (ISO 7816-3 §11.4.3): 11 etu + 2^BWI × 960 × 372 / f, at a clock of so many kHz.
    pub(crate) fn block_waiting_time(&self, factors: Factors, khz: u32) -> Duration {
        factors.etu(khz, 11) + Factors::DEFAULT.etu(khz, 960 << (self.bwi_cwi() >> 4))
    }

    /// F and D of TA1; the default where there is none.
    #[must_use]
    pub fn factors(&self) -> Factors {
        self.ta1().and_then(Factors::from_ta1).unwrap_or(Factors::DEFAULT)
    }
}

/// The clock rate conversion and the baud rate adjustment (ISO 7816-3 §8.3, Tables 7 and 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Factors {
    /// Clock cycles of an elementary time unit at D = 1.
    pub f: u16,
    /// By how much faster.
    pub d: u8,
    /// TA1 that says so.
    pub ta1: u8,
}

impl Factors {
    /// 372 and 1.
    pub const DEFAULT: Self = Self { f: 372, d: 1, ta1: 0x11 };

    /// Of TA1; `None` where a value is reserved.
    #[must_use]
    pub const fn from_ta1(ta1: u8) -> Option<Self> {
        let f = match ta1 >> 4 {
            0 | 1 => 372,
            2 => 558,
            3 => 744,
            4 => 1116,
            5 => 1488,
            6 => 1860,
            9 => 512,
            10 => 768,
            11 => 1024,
            12 => 1536,
            13 => 2048,
            _ => return None,
        };
        let d = match ta1 & 0x0F {
            1 => 1,
            2 => 2,
            3 => 4,
            4 => 8,
            5 => 16,
            6 => 32,
            7 => 64,
            8 => 12,
            9 => 20,
            _ => return None,
        };
        Some(Self { f, d, ta1 })
    }

    /// Bits per second at a clock of so many kHz.
    #[must_use]
    pub const fn rate(self, khz: u32) -> u32 {
        (khz as u64 * 1000 * self.d as u64 / self.f as u64) as u32
    }

    /// An elementary time unit at a clock of so many kHz, times so many.
    #[must_use]
    pub fn etu(self, khz: u32, count: u64) -> Duration {
        let cycles = count.saturating_mul(u64::from(self.f)).saturating_mul(1_000_000);
        Duration::from_nanos(cycles / (u64::from(self.d) * u64::from(khz.max(1))))
    }

    /// These and slower ones of the same F, the fastest first. Of all that may be asked for
    /// (§9.2) only those whose D divides this one: others are what cards are not tested with.
    #[must_use]
    pub fn and_slower(self) -> Vec<Self> {
        let mut all: Vec<Self> = (1..=9).filter_map(|di| Self::from_ta1(self.ta1 & 0xF0 | di)).collect();
        all.retain(|other| self.d.is_multiple_of(other.d));
        all.sort_by_key(|other| core::cmp::Reverse(other.d));
        all
    }
}

/// A request for other parameters, and the card's answer to it (ISO 7816-3 §9).
pub mod pps {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::{Factors, Protocol};

    /// PPSS, PPS0, maybe PPS1, PCK.
    #[must_use]
    pub fn request(protocol: Protocol, factors: Factors) -> Vec<u8> {
        let mut bytes = vec![0xFF, protocol.number()];
        if factors != Factors::DEFAULT {
            bytes[1] |= 0x10;
            bytes.push(factors.ta1);
        }
        let check = bytes.iter().fold(0, |sum, byte| sum ^ byte);
        bytes.push(check);
        bytes
    }

    /// What the card agrees to; `None` when it does not answer as it must (§9.3).
    #[must_use]
    pub fn agreed(request: &[u8], answer: &[u8]) -> Option<Factors> {
        let [0xFF, asked, parameters @ .., _] = request else { return None };
        let [0xFF, pps0, rest @ .., _] = answer else { return None };
        let check = answer.iter().fold(0, |sum, byte| sum ^ byte);
        let same_protocol = pps0 & 0x0F == asked & 0x0F;
        // What was not asked for must not be agreed to.
        if check != 0 || !same_protocol || pps0 & 0x70 & !asked != 0 {
            return None;
        }
        match (pps0 & 0x10 != 0, rest) {
            (true, [ta1]) if Some(ta1) == parameters.first() => Factors::from_ta1(*ta1),
            (false, []) => Some(Factors::DEFAULT),
            _ => None,
        }
    }
}
