//! Codings of elementary files that identify and equip a subscriber (TS 31.102,
//! TS 31.103, TS 102 221), as far as profiles are built from them.

use core::fmt;

use rsp::Imsi;

/// EF.ACC: the access class of the IMSI's last digit (TS 31.102 §4.2.15).
#[must_use]
pub fn access_class(imsi: &Imsi) -> [u8; 2] {
    let last = imsi.as_str().bytes().last().map_or(0, |digit| digit - b'0');
    (1u16 << last).to_be_bytes()
}

/// A network: MCC of three, MNC of two or three digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Plmn(String);

impl Plmn {
    /// From 5 or 6 decimal digits, MCC first.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let valid = matches!(digits.len(), 5 | 6) && digits.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| Self(digits.to_owned()))
    }

    /// The network of an IMSI whose MNC has this many digits.
    #[must_use]
    pub fn of_imsi(imsi: &Imsi, mnc_length: u8) -> Option<Self> {
        Self::from_digits(imsi.as_str().get(..3 + usize::from(mnc_length))?)
    }

    /// The three bytes of TS 24.008 §10.5.1.13.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 3] {
        let digit = |at: usize| self.0.as_bytes().get(at).map_or(15, |digit| digit - b'0');
        [digit(1) << 4 | digit(0), digit(5) << 4 | digit(2), digit(4) << 4 | digit(3)]
    }
}

impl fmt::Debug for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Access technologies of PLMN selector files (TS 31.102 §4.2.5), as a bit field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessTechnologies(pub u16);

impl AccessTechnologies {
    /// UTRAN.
    pub const UTRAN: Self = Self(0x8000);
    /// E-UTRAN.
    pub const E_UTRAN: Self = Self(0x4000);
    /// NG-RAN.
    pub const NG_RAN: Self = Self(0x0800);
    /// GSM.
    pub const GSM: Self = Self(0x0080);
    /// All four.
    pub const ALL: Self = Self(0xC880);
}

/// Entries of EF.PLMNwAcT, EF.OPLMNwAcT and EF.HPLMNwAcT.
#[must_use]
pub fn plmn_selector(list: &[(Plmn, AccessTechnologies)]) -> Vec<u8> {
    list.iter()
        .flat_map(|(plmn, technologies)| {
            let [a, b, c] = plmn.to_bytes();
            let [high, low] = technologies.0.to_be_bytes();
            [a, b, c, high, low]
        })
        .collect()
}

/// A service table: the bits of these services in so many bytes.
#[must_use]
pub fn service_table(services: &[u8], size: usize) -> Vec<u8> {
    let mut table = vec![0; size];
    for &service in services.iter().filter(|&&service| service > 0) {
        let bit = usize::from(service) - 1;
        if let Some(byte) = table.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
        }
    }
    table
}

/// Whether a service table has a service.
#[must_use]
pub fn has_service(table: &[u8], service: u8) -> bool {
    let bit = usize::from(service).wrapping_sub(1);
    table.get(bit / 8).is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
}

/// A text of at most `size` bytes: the GSM alphabet where it is the same as ASCII,
/// otherwise UCS2 after `80` (TS 102 221 Annex A); `FF` behind. `None` when it does
/// not fit.
#[must_use]
pub fn alpha(text: &str, size: usize) -> Option<Vec<u8>> {
    let same = |c: char| matches!(c, ' '..='#' | '%'..='?' | 'A'..='Z' | 'a'..='z' | '\n' | '\r');
    let mut bytes: Vec<u8> = if text.chars().all(same) {
        text.bytes().collect()
    } else {
        let units = text.encode_utf16().flat_map(u16::to_be_bytes);
        core::iter::once(0x80).chain(units).collect()
    };
    if bytes.len() > size {
        return None;
    }
    bytes.resize(size, 0xFF);
    Some(bytes)
}

/// A number with its type in 12 bytes: length with or without the type, `91`
/// (international) or `81`, ten bytes of swapped digits.
#[must_use]
pub fn address(number: &str) -> Option<[u8; 12]> {
    let (kind, digits) = number.strip_prefix('+').map_or((0x81, number), |digits| (0x91, digits));
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    let nibbles: Option<Vec<u8>> = digits
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'*' => Some(10),
            b'#' => Some(11),
            _ => None,
        })
        .collect();
    let coded = swapped(nibbles?.into_iter());
    let mut bytes = [0xFF; 12];
    bytes[0] = coded.len() as u8 + 1;
    bytes[1] = kind;
    for (to, from) in bytes[2..].iter_mut().zip(coded) {
        *to = from;
    }
    Some(bytes)
}

/// A record of EF.MSISDN, EF.ADN or EF.FDN with `alpha_size` bytes of text
/// (TS 31.102 §4.4.2.3). `number` begins with `+` when international.
#[must_use]
pub fn dialling_number(text: &str, number: &str, alpha_size: usize) -> Option<Vec<u8>> {
    let mut record = alpha(text, alpha_size)?;
    record.extend(address(number)?);
    record.extend([0xFF, 0xFF]);
    Some(record)
}

/// A record of EF.SMSP that gives only the service centre, with `alpha_size` bytes
/// of text before (TS 31.102 §4.2.27).
#[must_use]
pub fn sms_parameters(service_centre: &str, alpha_size: usize) -> Option<Vec<u8>> {
    let mut record = vec![0xFF; alpha_size];
    // Indicators: a zero bit for what is present; bit 2 is the service centre.
    record.push(0xFD);
    record.extend([0xFF; 12]);
    record.extend(address(service_centre)?);
    record.extend([0xFF; 3]);
    Some(record)
}

/// A record of EF.DIR (TS 102 221 §13.1) without padding.
#[must_use]
pub fn directory_entry(aid: &[u8], label: &str) -> Vec<u8> {
    use tlv::{Tag, Writer};
    let mut writer = Writer::new();
    writer.nested(Tag(0x61), |entry| {
        entry.tlv(Tag(0x4F), aid).tlv(Tag(0x50), label.as_bytes());
    });
    writer.finish()
}

/// A record of EF.ECC without text (TS 31.102 §4.2.21): up to six digits and the
/// categories of emergency.
#[must_use]
pub fn emergency_code(code: &str, categories: u8) -> Option<[u8; 4]> {
    if code.is_empty() || code.len() > 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut record = [0xFF, 0xFF, 0xFF, categories];
    for (to, from) in record.iter_mut().zip(swapped(code.bytes().map(|digit| digit - b'0'))) {
        *to = from;
    }
    Some(record)
}

/// EF.ACL (TS 31.102 §4.2.48): a count, then each APN as labels under tag `DD`.
#[must_use]
pub fn access_point_names(names: &[String]) -> Option<Vec<u8>> {
    let mut bytes = vec![u8::try_from(names.len()).ok()?];
    for name in names {
        let mut labels = Vec::new();
        for label in name.split('.') {
            let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
            labels.push(length);
            labels.extend(label.bytes());
        }
        if labels.len() > 100 {
            return None;
        }
        bytes.extend(tlv::encode(tlv::Tag(0xDD), &labels));
    }
    Some(bytes)
}

/// `80 LL text`: EF.IMPI, EF.IMPU and EF.DOMAIN (TS 31.103 §4.2).
#[must_use]
pub fn uri(text: &str) -> Vec<u8> {
    tlv::encode(tlv::Tag(0x80), text.as_bytes())
}

/// Digits two to a byte, the first in the lower half, `F` behind an odd one.
fn swapped(nibbles: impl Iterator<Item = u8>) -> Vec<u8> {
    let nibbles: Vec<u8> = nibbles.collect();
    nibbles.chunks(2).map(|pair| pair.get(1).unwrap_or(&15) << 4 | pair.first().unwrap_or(&15)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vectors::bytes;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn access_classes() {
        let of = |imsi: &str| access_class(&imsi.parse().unwrap());
        assert_eq!(of("001010123456789"), [0x02, 0x00]);
        assert_eq!(of("001010123456063"), [0x00, 0x08]);
    }

    #[test]
    fn networks() {
        let plmn = |digits| Plmn::from_digits(digits).unwrap().to_bytes();
        // TS 24.008 §10.5.1.13
        assert_eq!(plmn("00101"), [0x00, 0xF1, 0x10]);
        assert_eq!(plmn("26201"), [0x62, 0xF2, 0x10]);
        assert_eq!(plmn("310410"), [0x13, 0x00, 0x14]);
        let imsi = "310410123456789".parse().unwrap();
        assert_eq!(Plmn::of_imsi(&imsi, 3).unwrap(), Plmn::from_digits("310410").unwrap());
        let home = [(Plmn::from_digits("00101").unwrap(), AccessTechnologies::ALL)];
        assert_eq!(plmn_selector(&home), [0x00, 0xF1, 0x10, 0xC8, 0x80]);
    }

    #[test]
    fn texts_and_numbers() {
        assert_eq!(alpha("Test", 6).unwrap(), [0x54, 0x65, 0x73, 0x74, 0xFF, 0xFF]);
        // `@` is 00 in the GSM alphabet, `é` 05: both go as UCS2 instead.
        assert_eq!(alpha("a@", 6).unwrap(), [0x80, 0x00, 0x61, 0x00, 0x40, 0xFF]);
        assert_eq!(alpha("é", 2), None);
        let record = dialling_number("", "+491711234567", 10).unwrap();
        assert_eq!(record, bytes("FFFFFFFFFFFFFFFFFFFF 07 91 94 71 11 32 54 76 FFFFFFFF FFFF"));
        let record = sms_parameters("+49171076000", 10).unwrap();
        assert_eq!(record.len(), 38);
        assert_eq!(record[23..], bytes("07 91 94 71 01 67 00 F0 FFFFFFFF FFFFFF"));
        assert_eq!(address("+123456789012345678901"), None);
        assert_eq!(address("12a"), None);
        assert_eq!(emergency_code("112", 0x10).unwrap(), [0x11, 0xF2, 0xFF, 0x10]);
        assert_eq!(
            access_point_names(&["sm.internet".to_owned()]).unwrap(),
            bytes("01 DD 0C 02 736D 08 696E7465726E6574")
        );
        assert_eq!(access_point_names(&["a..b".to_owned()]), None);
    }

    #[test]
    fn services() {
        let table = service_table(&[1, 8, 9, 122], 17);
        assert_eq!((table[0], table[1], table[15]), (0x81, 0x01, 0x02));
        assert!(has_service(&table, 122) && has_service(&table, 9) && !has_service(&table, 2));
        assert!(!has_service(&table, 0) && !has_service(&table, 255));
    }

    #[test]
    fn applications() {
        let aid = bytes("A0000000871002FF49FF0589");
        // The first record of EF.DIR in TS.48 v7 is the same but for its order.
        assert_eq!(directory_entry(&aid, "USIM"), bytes("61 14 4F0C A0000000871002FF49FF0589 5004 5553494D"));
    }
}
