//! Command packet and response packet (ETSI TS 102 225 §5, 3GPP TS 31.115 §4).
//!
//! ```text
//!   command   CPL 2 | CHL 1 | SPI 2 | KIc 1 | KID 1 | TAR 3 ‖ CNTR 5 | PCNTR 1 | RC/CC | data
//!   response  RPL 2 | RHL 1 | TAR 3 ‖ CNTR 5 | PCNTR 1 | status 1 | RC/CC | data
//! ```
//!
//! What follows `‖` is ciphered. RC or CC of a command are over everything else in
//! the packet, from CPL on; those of a response also over the user data header in
//! front of it, with the status.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{Key, Keyset, Malformed, sms};

/// Toolkit application reference: whom a packet is for (ETSI TS 101 220).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tar(pub [u8; 3]);

/// How a packet proves that it is whole and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Integrity {
    /// Not at all.
    None,
    /// By a redundancy check.
    Redundancy,
    /// By a cryptographic checksum.
    Checksum,
    /// By a digital signature.
    Signature,
}

impl Integrity {
    const fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::None,
            1 => Self::Redundancy,
            2 => Self::Checksum,
            _ => Self::Signature,
        }
    }
}

/// What the counter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CounterMode {
    /// There is none.
    None,
    /// It is not checked.
    Unchecked,
    /// It must be higher than the last one.
    Higher,
    /// It must be higher by one.
    Next,
}

/// When the receiver proves the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Por {
    /// Never.
    Never,
    /// Always.
    Always,
    /// When something was wrong.
    OnError,
}

/// Security parameter indication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spi {
    /// Check of the command.
    pub integrity: Integrity,
    /// Whether the command is ciphered.
    pub ciphered: bool,
    /// What its counter is for.
    pub counter: CounterMode,
    /// When it is answered.
    pub por: Por,
    /// Check of the answer.
    pub por_integrity: Integrity,
    /// Whether the answer is ciphered.
    pub por_ciphered: bool,
    /// Whether the answer is a short message of its own, SMS-SUBMIT, and not the
    /// report of the delivery.
    pub por_by_submit: bool,
}

impl Spi {
    /// From the two bytes; `None` for a reserved value of the proof of receipt.
    #[must_use]
    pub const fn from_bytes([first, second]: [u8; 2]) -> Option<Self> {
        let por = match second & 0x03 {
            0 => Por::Never,
            1 => Por::Always,
            2 => Por::OnError,
            _ => return None,
        };
        Some(Self {
            integrity: Integrity::from_bits(first),
            ciphered: first & 0x04 != 0,
            counter: Self::counter(first),
            por,
            por_integrity: Integrity::from_bits(second >> 2),
            por_ciphered: second & 0x10 != 0,
            por_by_submit: second & 0x20 != 0,
        })
    }

    const fn counter(first: u8) -> CounterMode {
        match first >> 3 & 0x03 {
            0 => CounterMode::None,
            1 => CounterMode::Unchecked,
            2 => CounterMode::Higher,
            _ => CounterMode::Next,
        }
    }

    /// As two bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        let por = match self.por {
            Por::Never => 0,
            Por::Always => 1,
            Por::OnError => 2,
        };
        [
            self.integrity as u8 | (self.ciphered as u8) << 2 | (self.counter as u8) << 3,
            por | (self.por_integrity as u8) << 2
                | (self.por_ciphered as u8) << 4
                | (self.por_by_submit as u8) << 5,
        ]
    }

    /// Whether the command is as secure as a minimum security level, coded as the
    /// first byte of an SPI, asks for (ETSI TS 102 226 §8.2.1.3.2.4).
    #[must_use]
    pub fn reaches(self, level: u8) -> bool {
        self.integrity >= Integrity::from_bits(level)
            && (self.ciphered || level & 0x04 == 0)
            && self.counter >= Self::counter(level)
    }
}

/// What stands unciphered at the beginning of a command packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How it is secured.
    pub spi: Spi,
    /// Which key ciphers: version in the high half, algorithm in the low one.
    pub kic: u8,
    /// Which key makes the checksum, or which redundancy check it is (low half 1:
    /// CRC 16, 5: CRC 32).
    pub kid: u8,
    /// Whom it is for.
    pub tar: Tar,
}

impl Header {
    const LEN: usize = 7;

    /// Reads the header of a packet without opening it.
    ///
    /// # Errors
    /// When the lengths do not agree with the bytes or SPI is reserved.
    pub fn peek(packet: &[u8]) -> Result<Self, Malformed> {
        Ok(Packet::split(packet)?.header)
    }

    /// Key version that ciphering uses, 0 to 15.
    #[must_use]
    pub const fn kic_version(&self) -> u8 {
        self.kic >> 4
    }

    /// Key version that the checksum uses, 0 to 15.
    #[must_use]
    pub const fn kid_version(&self) -> u8 {
        self.kid >> 4
    }

    fn bytes(&self) -> [u8; Self::LEN] {
        let [spi1, spi2] = self.spi.to_bytes();
        let Tar([a, b, c]) = self.tar;
        [spi1, spi2, self.kic, self.kid, a, b, c]
    }
}

/// What a packet carries once it is open.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Its header.
    pub header: Header,
    /// Its counter, 40 bits.
    pub counter: u64,
    /// The application's data.
    pub data: Zeroizing<Vec<u8>>,
}

/// Response status codes (ETSI TS 102 225 table 5, 3GPP TS 31.115).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseStatus(pub u8);

impl ResponseStatus {
    /// PoR OK.
    pub const OK: Self = Self(0x00);
    /// RC, CC or DS failed.
    pub const INTEGRITY_FAILED: Self = Self(0x01);
    /// CNTR low.
    pub const COUNTER_LOW: Self = Self(0x02);
    /// CNTR high.
    pub const COUNTER_HIGH: Self = Self(0x03);
    /// CNTR blocked.
    pub const COUNTER_BLOCKED: Self = Self(0x04);
    /// Ciphering error.
    pub const CIPHERING: Self = Self(0x05);
    /// Unidentified security error.
    pub const UNIDENTIFIED: Self = Self(0x06);
    /// Insufficient memory to process the incoming message.
    pub const MEMORY: Self = Self(0x07);
    /// More time is needed.
    pub const MORE_TIME: Self = Self(0x08);
    /// TAR unknown.
    pub const TAR_UNKNOWN: Self = Self(0x09);
    /// Insufficient security level.
    pub const SECURITY_LEVEL: Self = Self(0x0A);
    /// The actual response data follows in an SMS-SUBMIT.
    pub const BY_SUBMIT: Self = Self(0x0B);
    /// The actual response data follows by USSD.
    pub const BY_USSD: Self = Self(0x0C);
}

/// Why a packet could not be sealed: a key is missing or is for another
/// algorithm, or it gets too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable;

impl core::fmt::Display for Unusable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the packet cannot be secured as it should be")
    }
}

impl core::error::Error for Unusable {}

/// The largest counter.
pub const MOST_COUNTER: u64 = 0xFF_FFFF_FFFF;

impl Command {
    /// Deciphers a packet and checks that it is whole and whose. The counter is
    /// the caller's to check: [`check_counter`].
    ///
    /// # Errors
    /// The status to answer with.
    pub fn open(packet: &[u8], keys: &Keyset) -> Result<Self, ResponseStatus> {
        let Packet { header, head, tail, check_len } =
            Packet::split(packet).map_err(|_| ResponseStatus::UNIDENTIFIED)?;
        let mut tail = Zeroizing::new(tail.to_vec());
        if header.spi.ciphered {
            let key = named(keys.kic.as_ref(), header.kic).ok_or(ResponseStatus::CIPHERING)?;
            key.decrypt(&mut tail).ok_or(ResponseStatus::CIPHERING)?;
        }
        let ([a, b, c, d, e, padding], rest) =
            tail.split_first_chunk::<6>().ok_or(ResponseStatus::UNIDENTIFIED)?;
        let (check, data) = rest.split_at_checked(check_len).ok_or(ResponseStatus::UNIDENTIFIED)?;
        let expected = [head, &[*a, *b, *c, *d, *e, *padding], data].concat();
        let expected = Zeroizing::new(expected);
        let expected = check_value(header.spi.integrity, header.kid, keys, &expected)
            .ok_or(ResponseStatus::UNIDENTIFIED)?;
        if !bool::from(expected.ct_eq(check)) {
            return Err(ResponseStatus::INTEGRITY_FAILED);
        }
        let padding = usize::from(*padding);
        let len = data.len().checked_sub(padding).ok_or(ResponseStatus::CIPHERING)?;
        let data = data.get(..len).unwrap_or_default();
        Ok(Self {
            header,
            counter: u64::from_be_bytes([0, 0, 0, *a, *b, *c, *d, *e]),
            data: Zeroizing::new(data.to_vec()),
        })
    }

    /// As a packet.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn seal(&self, keys: &Keyset) -> Result<Vec<u8>, Unusable> {
        let header = &self.header;
        let check_len = check_len(header.spi.integrity, header.kid, keys.kid.as_ref()).ok_or(Unusable)?;
        let cipher = match header.spi.ciphered {
            true => Some(named(keys.kic.as_ref(), header.kic).ok_or(Unusable)?),
            false => None,
        };
        let (padding, data) = padded(6 + check_len, &self.data, cipher);
        let counter = counter_bytes(self.counter)?;
        let header_len = Header::LEN + 6 + check_len;
        let packet_len = u16::try_from(1 + header_len + data.len()).map_err(|_| Unusable)?;
        let mut packet = packet_len.to_be_bytes().to_vec();
        packet.push(u8::try_from(header_len).map_err(|_| Unusable)?);
        packet.extend_from_slice(&header.bytes());
        let checked = Zeroizing::new([&packet[..], &counter, &[padding], &data].concat());
        let check = check_value(header.spi.integrity, header.kid, keys, &checked).ok_or(Unusable)?;
        let mut tail = Zeroizing::new([&counter[..], &[padding], &check, &data].concat());
        if let Some(cipher) = cipher {
            cipher.encrypt(&mut tail).ok_or(Unusable)?;
        }
        packet.extend_from_slice(&tail);
        Ok(packet)
    }
}

/// Whether a counter may be taken after the last one that was, and with it the
/// value to keep (ETSI TS 102 225 §5.1.4).
///
/// # Errors
/// The status to answer with.
pub const fn check_counter(
    mode: CounterMode,
    received: u64,
    last: u64,
) -> Result<Option<u64>, ResponseStatus> {
    match mode {
        CounterMode::None | CounterMode::Unchecked => Ok(None),
        _ if last >= MOST_COUNTER => Err(ResponseStatus::COUNTER_BLOCKED),
        _ if received <= last => Err(ResponseStatus::COUNTER_LOW),
        CounterMode::Next if received != last + 1 => Err(ResponseStatus::COUNTER_HIGH),
        CounterMode::Higher | CounterMode::Next => Ok(Some(received)),
    }
}

/// A proof of receipt.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// Who answers.
    pub tar: Tar,
    /// The counter of the command.
    pub counter: u64,
    /// What came of it.
    pub status: ResponseStatus,
    /// The application's answer.
    pub data: Vec<u8>,
}

impl Response {
    /// The user data of the short message, header included, secured as the
    /// command's SPI asks for.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn seal(&self, to: &Header, keys: &Keyset) -> Result<Vec<u8>, Unusable> {
        let spi = to.spi;
        let check_len = check_len(spi.por_integrity, to.kid, keys.kid.as_ref()).ok_or(Unusable)?;
        let cipher = match spi.por_ciphered {
            true => Some(named(keys.kic.as_ref(), to.kic).ok_or(Unusable)?),
            false => None,
        };
        let (padding, data) = padded(7 + check_len, &self.data, cipher);
        let header_len = 10 + check_len;
        let packet_len = u16::try_from(1 + header_len + data.len()).map_err(|_| Unusable)?;
        let [high, low] = packet_len.to_be_bytes();
        let Tar([a, b, c]) = self.tar;
        let head = [high, low, u8::try_from(header_len).map_err(|_| Unusable)?, a, b, c];
        let counter = counter_bytes(self.counter)?;
        let begin = [&counter[..], &[padding, self.status.0]].concat();
        let checked = [&sms::RESPONSE_HEADER[..], &head, &begin, &data].concat();
        let check = check_value(spi.por_integrity, to.kid, keys, &checked).ok_or(Unusable)?;
        let mut tail = [&begin[..], &check, &data].concat();
        if let Some(cipher) = cipher {
            cipher.encrypt(&mut tail).ok_or(Unusable)?;
        }
        Ok([&sms::RESPONSE_HEADER[..], &head, &tail].concat())
    }

    /// Opens the answer to a command that had this header. Answers to what could
    /// not be trusted come unsecured whatever SPI asked for; `secured` tells which
    /// is expected.
    ///
    /// # Errors
    /// When it is not one, or its checksum is not right.
    pub fn open(user_data: &[u8], to: &Header, keys: &Keyset, secured: bool) -> Result<Self, Malformed> {
        let packet = user_data.strip_prefix(&sms::RESPONSE_HEADER[..]).ok_or(Malformed)?;
        let ([high, low, header_len, a, b, c], tail) = packet.split_first_chunk::<6>().ok_or(Malformed)?;
        if usize::from(u16::from_be_bytes([*high, *low])) != packet.len() - 2 {
            return Err(Malformed);
        }
        let check_len = usize::from(*header_len).checked_sub(10).ok_or(Malformed)?;
        let mut tail = tail.to_vec();
        if secured && to.spi.por_ciphered {
            named(keys.kic.as_ref(), to.kic).and_then(|key| key.decrypt(&mut tail)).ok_or(Malformed)?;
        }
        let (begin, rest) = tail.split_first_chunk::<7>().ok_or(Malformed)?;
        let (check, data) = rest.split_at_checked(check_len).ok_or(Malformed)?;
        let integrity = if secured { to.spi.por_integrity } else { Integrity::None };
        let head = [*high, *low, *header_len, *a, *b, *c];
        let checked = [&sms::RESPONSE_HEADER[..], &head, begin, data].concat();
        let expected = check_value(integrity, to.kid, keys, &checked).ok_or(Malformed)?;
        if !bool::from(expected.ct_eq(check)) {
            return Err(Malformed);
        }
        let [v, w, x, y, z, padding, status] = *begin;
        let len = data.len().checked_sub(usize::from(padding)).ok_or(Malformed)?;
        Ok(Self {
            tar: Tar([*a, *b, *c]),
            counter: u64::from_be_bytes([0, 0, 0, v, w, x, y, z]),
            status: ResponseStatus(status),
            data: data.get(..len).unwrap_or_default().to_vec(),
        })
    }
}

/// A command packet taken apart, still ciphered.
struct Packet<'a> {
    header: Header,
    /// From CPL to TAR.
    head: &'a [u8],
    /// From CNTR on.
    tail: &'a [u8],
    check_len: usize,
}

impl<'a> Packet<'a> {
    fn split(packet: &'a [u8]) -> Result<Self, Malformed> {
        let (len, rest) = packet.split_first_chunk::<2>().ok_or(Malformed)?;
        if usize::from(u16::from_be_bytes(*len)) != rest.len() {
            return Err(Malformed);
        }
        let [header_len, spi1, spi2, kic, kid, a, b, c, ..] = *rest else { return Err(Malformed) };
        let check_len = usize::from(header_len).checked_sub(Header::LEN + 6).ok_or(Malformed)?;
        let (head, tail) = packet.split_at_checked(3 + Header::LEN).ok_or(Malformed)?;
        if tail.len() < 6 + check_len {
            return Err(Malformed);
        }
        let spi = Spi::from_bytes([spi1, spi2]).ok_or(Malformed)?;
        let header = Header { spi, kic, kid, tar: Tar([a, b, c]) };
        Ok(Self { header, head, tail, check_len })
    }
}

fn named(key: Option<&Key>, indication: u8) -> Option<&Key> {
    key.filter(|key| key.is_named_by(indication))
}

fn counter_bytes(counter: u64) -> Result<[u8; 5], Unusable> {
    match counter.to_be_bytes() {
        [0, 0, 0, counter @ ..] => Ok(counter),
        _ => Err(Unusable),
    }
}

/// The data with what fills its last block, and how much that is.
fn padded(before: usize, data: &[u8], cipher: Option<&Key>) -> (u8, Zeroizing<Vec<u8>>) {
    let block = cipher.map_or(1, Key::block_len);
    let padding = (before + data.len()).next_multiple_of(block) - before - data.len();
    let mut padded = Zeroizing::new(Vec::with_capacity(data.len() + padding));
    padded.extend_from_slice(data);
    padded.resize(data.len() + padding, 0);
    (padding as u8, padded)
}

const CRC_16: u8 = 0x1;
const CRC_32: u8 = 0x5;

fn check_len(integrity: Integrity, kid: u8, key: Option<&Key>) -> Option<usize> {
    match (integrity, kid & 0x0F) {
        (Integrity::None, _) => Some(0),
        (Integrity::Redundancy, CRC_16) => Some(2),
        (Integrity::Redundancy, CRC_32) => Some(4),
        (Integrity::Checksum, _) => named(key, kid).map(Key::mac_len),
        (Integrity::Redundancy | Integrity::Signature, _) => None,
    }
}

fn check_value(integrity: Integrity, kid: u8, keys: &Keyset, data: &[u8]) -> Option<Vec<u8>> {
    match (integrity, kid & 0x0F) {
        (Integrity::None, _) => Some(Vec::new()),
        (Integrity::Redundancy, CRC_16) => Some(crc16(data).to_be_bytes().to_vec()),
        (Integrity::Redundancy, CRC_32) => Some(crc32fast::hash(data).to_be_bytes().to_vec()),
        (Integrity::Checksum, _) => named(keys.kid.as_ref(), kid)?.mac(data),
        (Integrity::Redundancy | Integrity::Signature, _) => None,
    }
}

/// The CRC 16 of ISO/IEC 13239.
pub(crate) fn crc16(data: &[u8]) -> u16 {
    const REVERSED_POLYNOMIAL: u16 = 0x8408;
    !data.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ REVERSED_POLYNOMIAL } else { crc >> 1 }
        })
    })
}
