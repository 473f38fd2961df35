//! Identifiers: EID, ICCID, IMSI, AID, OID, transaction and matching ids.

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

/// Why text or bytes are not the identifier they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId {
    /// The identifier's name.
    pub what: &'static str,
    /// The rule that is broken.
    pub rule: &'static str,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}: {}", self.what, self.rule)
    }
}

impl core::error::Error for InvalidId {}

const fn invalid(what: &'static str, rule: &'static str) -> InvalidId {
    InvalidId { what, rule }
}

/// The eUICC identifier: 32 decimal digits as 16 bytes of BCD, high nibble first
/// (SGP.02 §2.2.2, SGP.29).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Eid([u8; 16]);

impl Eid {
    /// From its 16 bytes.
    ///
    /// # Errors
    /// When a nibble is not a decimal digit.
    pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, InvalidId> {
        if bytes.iter().all(|byte| byte >> 4 < 10 && byte & 0xF < 10) {
            Ok(Self(bytes))
        } else {
            Err(invalid("an EID", "all 32 nibbles are decimal digits"))
        }
    }

    /// Its 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether the last two digits check the rest: the number modulo 97 is 1
    /// (SGP.29 §4.2). Test EIDs do not always keep this rule.
    #[must_use]
    pub fn has_valid_check_digits(&self) -> bool {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
        digits.fold(0u32, |rest, digit| (rest * 10 + u32::from(digit)) % 97) == 1
    }
}

impl FromStr for Eid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let rule = invalid("an EID", "32 decimal digits");
        if text.len() != 32 || !text.bytes().all(|c| c.is_ascii_digit()) {
            return Err(rule);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = (pair[0] - b'0') << 4 | (pair[1] - b'0');
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Eid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for Eid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The profile's identifier as EF.ICCID codes it: 10 bytes of BCD, low nibble
/// first, filled with `F` (ETSI TS 102 221 §13.2). 18 to 20 digits.
///
/// Ordered as its digits are, which is the order of their text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Iccid([u8; 10]);

impl Iccid {
    /// From the 10 bytes of EF.ICCID. Real eUICCs carry ICCIDs that break the
    /// numbering rules, so only the length is demanded.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// The 10 bytes as in EF.ICCID.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 10] {
        &self.0
    }

    /// With the nibbles swapped: high nibble first, as in the header of a
    /// profile package (TCA interoperable format, `ProfileHeader.iccid`).
    #[must_use]
    pub fn unswapped(&self) -> [u8; 10] {
        self.0.map(|byte| byte.rotate_left(4))
    }

    /// From the header of a profile package, high nibble first.
    #[must_use]
    pub fn from_unswapped(bytes: [u8; 10]) -> Self {
        Self(bytes.map(|byte| byte.rotate_left(4)))
    }

    /// Whether it is 18 to 20 digits, then nothing but `F`: what a profile package
    /// must have, though not every ICCID met in the field has it.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let digits = self.nibbles().take_while(|&nibble| nibble < 10).count();
        digits >= 18 && self.nibbles().skip(digits).all(|nibble| nibble == 0xF)
    }

    /// Whether the last of 19 digits is not the one that checks the rest (ITU-T E.118, by the formula of
    /// Luhn: ISO/IEC 7812-1 Annex B). With 18 digits there is none, and what the last of 20 is every
    /// country has its own way with. Cards in the field, and test profiles, break the rule.
    #[must_use]
    pub fn has_wrong_check_digit(&self) -> bool {
        let digits: Vec<u8> = self.digits().collect();
        let doubled = |(place, &digit): (usize, &u8)| match (place % 2, 2 * u32::from(digit)) {
            (0, _) => u32::from(digit),
            (_, twice) => twice / 10 + twice % 10,
        };
        digits.len() == 19 && digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 != 0
    }

    fn nibbles(&self) -> impl DoubleEndedIterator<Item = u8> {
        self.0.iter().flat_map(|byte| [byte & 0xF, byte >> 4])
    }

    /// Without what fills it.
    fn digits(&self) -> impl Iterator<Item = u8> {
        let filled = self.nibbles().rev().take_while(|&nibble| nibble == 0xF).count();
        self.nibbles().take(2 * self.0.len() - filled)
    }
}

impl Ord for Iccid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.digits().cmp(other.digits())
    }
}

impl PartialOrd for Iccid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Iccid {
    type Err = InvalidId;

    /// Reads 18 to 20 digits; a trailing `F` of older interfaces is allowed.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.trim_end_matches(['F', 'f']);
        if !(18..=20).contains(&digits.len())
            || text.len() > 20
            || !digits.bytes().all(|c| c.is_ascii_digit())
        {
            return Err(invalid("an ICCID", "18 to 20 decimal digits"));
        }
        let mut nibbles = [0xF; 20];
        for (nibble, digit) in nibbles.iter_mut().zip(digits.bytes()) {
            *nibble = digit - b'0';
        }
        let mut bytes = [0; 10];
        for (byte, pair) in bytes.iter_mut().zip(nibbles.chunks_exact(2)) {
            *byte = pair[1] << 4 | pair[0];
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Iccid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digits().try_for_each(|nibble| write!(f, "{nibble:X}"))
    }
}

impl fmt::Debug for Iccid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The subscriber's identity in the network: 6 to 15 digits (3GPP TS 23.003 §2.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Imsi(String);

impl Imsi {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the content of EF.IMSI (3GPP TS 31.102 §4.2.2): a length of at most 8,
    /// then the digits low nibble first behind a nibble of type and parity. What the
    /// length covers must be digits, but for the one `F` that makes an even number
    /// of them fill its last byte; what follows is not looked at.
    ///
    /// # Errors
    /// When length, parity and digits do not agree.
    pub fn from_ef(content: &[u8]) -> Result<Self, InvalidId> {
        let rule = invalid("an IMSI", "length, parity and digits of EF.IMSI agree");
        let (&length, body) = content.split_first().ok_or(rule)?;
        let coded = body.get(..usize::from(length)).filter(|_| length <= 8).ok_or(rule)?;
        let mut nibbles = coded.iter().flat_map(|byte| [byte & 0xF, byte >> 4]);
        let odd = match nibbles.next() {
            Some(9) => true,
            Some(1) => false,
            _ => return Err(rule),
        };
        let mut digits: Vec<u8> = nibbles.collect();
        if !odd && digits.pop() != Some(0xF) {
            return Err(rule);
        }
        let digit = |nibble: u8| char::from_digit(nibble.into(), 10).ok_or(rule);
        digits.into_iter().map(digit).collect::<Result<String, _>>()?.parse()
    }

    /// The 9 bytes of EF.IMSI.
    #[must_use]
    pub fn to_ef(&self) -> [u8; 9] {
        let digits: Vec<u8> = self.0.bytes().map(|c| c - b'0').collect();
        // The parity nibble: 9 for an odd number of digits, 1 for an even one.
        let mut nibbles = vec![if digits.len() % 2 == 1 { 9 } else { 1 }];
        nibbles.extend(&digits);
        let length = nibbles.len().div_ceil(2);
        nibbles.resize(16, 0xF);
        let mut content = [0xFF; 9];
        content[0] = length as u8;
        for (byte, pair) in content[1..].iter_mut().zip(nibbles.chunks_exact(2)) {
            *byte = pair[1] << 4 | pair[0];
        }
        content
    }
}

impl FromStr for Imsi {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if (6..=15).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid("an IMSI", "6 to 15 decimal digits"))
        }
    }
}

impl fmt::Display for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Names one RSP session: 1 to 16 bytes chosen by the server. Compared as bytes;
/// in JSON hexadecimal digits, upper case on sending, any case on receiving.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(Vec<u8>);

impl TransactionId {
    /// From 1 to 16 bytes.
    ///
    /// # Errors
    /// For any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
        if (1..=16).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(invalid("a transaction id", "1 to 16 bytes"))
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for TransactionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::from_bytes(
            &hex::decode(text).map_err(|_| invalid("a transaction id", "2 to 32 hexadecimal digits"))?,
        )
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0))
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The token of an activation code, or an event id; may be empty (SGP.22 §4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchingId(String);

impl MatchingId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names nothing: the order is then found by EID.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for MatchingId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        if text.len() <= 255 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid("a matching id", "letters, digits and hyphens, at most 255"))
        }
    }
}

impl fmt::Display for MatchingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An application identifier: 5 to 16 bytes (ISO 7816-4 §8.2.1.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aid(Vec<u8>);

/// The AID of the ISD-R (SGP.02 Annex H).
pub const ISD_R: [u8; 16] = [0xA0, 0, 0, 5, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0, 0, 0x01, 0];
/// The AID of the ECASD (SGP.02 Annex H).
pub const ECASD: [u8; 16] = [0xA0, 0, 0, 5, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0, 0, 0x02, 0];

impl Aid {
    /// From 5 to 16 bytes.
    ///
    /// # Errors
    /// For any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
        if (5..=16).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(invalid("an AID", "5 to 16 bytes"))
        }
    }

    /// The AID of an ISD-P; `number` from `0x0010` on, given by the eUICC.
    #[must_use]
    pub fn isd_p(number: u16) -> Self {
        let mut bytes = ISD_R;
        bytes[13..15].copy_from_slice(&number.to_be_bytes());
        Self(bytes.to_vec())
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Aid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::from_bytes(&hex::decode(text).map_err(|_| invalid("an AID", "10 to 32 hexadecimal digits"))?)
    }
}

impl fmt::Display for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0))
    }
}

impl fmt::Debug for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An object identifier, kept as the contents of its DER encoding. Sub-identifiers
/// up to 2¹²⁸−1, so that those made from a UUID (`2.25.…`, X.667) can be read too;
/// first arcs above 2.47 (`2.999.10`) are coded as X.690 §8.19 says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Vec<u8>);

impl Oid {
    /// From the contents of a DER `OBJECT IDENTIFIER`.
    ///
    /// # Errors
    /// When empty, longer than 64 bytes, cut inside a sub-identifier, or with a
    /// sub-identifier above 2¹²⁸−1.
    pub fn from_der_contents(contents: &[u8]) -> Result<Self, InvalidId> {
        let oid = Self(contents.to_vec());
        if contents.len() <= 64 && oid.sub_identifiers().is_some_and(|subs| !subs.is_empty()) {
            Ok(oid)
        } else {
            Err(invalid("an object identifier", "whole sub-identifiers, at most 64 bytes"))
        }
    }

    /// From sub-identifiers as they are coded: `first` is forty times the first arc
    /// plus the second (X.690 §8.19.4). At most 12 in all.
    #[must_use]
    pub fn from_sub_identifiers<const N: usize>(first: u32, rest: [u32; N]) -> Self {
        const { assert!(N < 12, "five bytes each, 64 in all") };
        let mut contents = Vec::new();
        for sub in [first].into_iter().chain(rest) {
            push_sub_identifier(&mut contents, sub.into());
        }
        Self(contents)
    }

    /// The contents of its DER encoding.
    #[must_use]
    pub fn der_contents(&self) -> &[u8] {
        &self.0
    }

    fn sub_identifiers(&self) -> Option<Vec<u128>> {
        let mut subs = Vec::new();
        let mut sub: u128 = 0;
        let mut open = false;
        for byte in &self.0 {
            sub = sub.checked_mul(128)? | u128::from(byte & 0x7F);
            open = byte & 0x80 != 0;
            if !open {
                subs.push(sub);
                sub = 0;
            }
        }
        (!open).then_some(subs)
    }
}

impl FromStr for Oid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let rule = invalid("an object identifier", "decimal numbers joined by dots, from 0.0 to 2.x");
        let arcs: Vec<u128> = text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| rule)?;
        let [top, second, rest @ ..] = &arcs[..] else {
            return Err(rule);
        };
        if *top > 2 || (*top < 2 && *second > 39) {
            return Err(rule);
        }
        let first = second.checked_add(top * 40).ok_or(rule)?;
        let mut contents = Vec::new();
        for &sub in [first].iter().chain(rest) {
            push_sub_identifier(&mut contents, sub);
        }
        Self::from_der_contents(&contents)
    }
}

/// Seven bits to a byte, the top bit set in all but the last (X.690 §8.19.2).
fn push_sub_identifier(contents: &mut Vec<u8>, sub: u128) {
    let groups = (1..19).rev().filter(|&i| sub >> (7 * i) != 0);
    contents.extend(groups.map(|i| 0x80 | (sub >> (7 * i) & 0x7F) as u8));
    contents.push((sub & 0x7F) as u8);
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subs = self.sub_identifiers().unwrap_or_default();
        for (index, &sub) in subs.iter().enumerate() {
            if index == 0 {
                let top = (sub / 40).min(2);
                write!(f, "{top}.{}", sub - top * 40)?;
            } else {
                write!(f, ".{sub}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The identifier of a Certificate Issuer's public key: the subject key
/// identifier of its certificate, 20 bytes as a rule (1 to 32 are taken).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CiPkId(Vec<u8>);

impl CiPkId {
    /// From 1 to 32 bytes.
    ///
    /// # Errors
    /// For any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
        if (1..=32).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(invalid("a CI public key identifier", "1 to 32 bytes"))
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for CiPkId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::from_bytes(
            &hex::decode(text).map_err(|_| invalid("a CI public key identifier", "hexadecimal digits"))?,
        )
    }
}

impl fmt::Display for CiPkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0))
    }
}

impl fmt::Debug for CiPkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A version of three numbers, one byte each (`VersionType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub [u8; 3]);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, revision] = self.0;
        write!(f, "{major}.{minor}.{revision}")
    }
}

impl FromStr for Version {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let rule = invalid("a version", "three numbers of 0 to 255 joined by dots");
        let numbers: Vec<u8> = text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| rule)?;
        numbers.try_into().map(Self).map_err(|_| rule)
    }
}
