//! The few files of a profile that a terminal reads for itself (3GPP TS 31.102 §4.2,
//! ETSI TS 102 221 §13), and the answer to AUTHENTICATE.

use apdu::StatusWord;
use tlv::{Reader, Tag};

/// First bytes of the AID of every USIM (ETSI TS 101 220).
const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];

/// What a card answers to a challenge (3GPP TS 31.102 §7.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AkaAnswer {
    /// RES.
    Res(Vec<u8>),
    /// AUTS: the network's sequence number is not acceptable.
    Synchronisation(Vec<u8>),
    /// The network does not know this card's key.
    MacFailure,
    /// The card could not do it.
    Failed(StatusWord),
}

/// Reads the response to AUTHENTICATE, 3G context.
#[must_use]
pub fn aka_answer(data: &[u8], sw: StatusWord) -> AkaAnswer {
    const SUCCESS: u8 = 0xDB;
    const SYNCHRONISATION: u8 = 0xDC;
    match data {
        _ if sw == StatusWord::INCORRECT_MAC => AkaAnswer::MacFailure,
        [tag @ (SUCCESS | SYNCHRONISATION), length, rest @ ..] if sw.is_success() => {
            match rest.get(..usize::from(*length)) {
                Some(value) if *tag == SUCCESS => AkaAnswer::Res(value.to_vec()),
                Some(value) => AkaAnswer::Synchronisation(value.to_vec()),
                None => AkaAnswer::Failed(sw),
            }
        }
        _ => AkaAnswer::Failed(sw),
    }
}

/// The AID of a USIM in a record of EF.DIR: `61 { 4F AID, … }`.
#[must_use]
pub fn usim_in(record: &[u8]) -> Option<Vec<u8>> {
    let application = Reader::new(record).expect(Tag(0x61)).ok()?;
    let aid = application.fields().optional(Tag(0x4F)).ok()??;
    aid.value.starts_with(&USIM).then(|| aid.value.to_vec())
}

/// The operator's name in EF.SPN; `None` when it is empty.
#[must_use]
pub fn service_provider_name(content: &[u8]) -> Option<String> {
    const UCS2: u8 = 0x80;
    let name = match content.get(1..)? {
        [UCS2, rest @ ..] => {
            let units = rest.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            let units: Vec<u16> = units.take_while(|unit| *unit != 0xFFFF).collect();
            String::from_utf16_lossy(&units)
        }
        rest => rest.iter().take_while(|byte| **byte != 0xFF).map(|byte| gsm(*byte)).collect(),
    };
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// A character of the GSM 7 bit default alphabet (3GPP TS 23.038 §6.2.1); Greek letters
/// and currency signs that no name has are shown as a replacement.
const fn gsm(byte: u8) -> char {
    match byte {
        0x00 => '@',
        0x02 => '$',
        0x04 => 'è',
        0x05 => 'é',
        0x06 => 'ù',
        0x0B => 'Ø',
        0x0C => 'ø',
        0x0E => 'Å',
        0x0F => 'å',
        0x11 => '_',
        0x1C => 'Æ',
        0x1D => 'æ',
        0x1E => 'ß',
        0x1F => 'É',
        0x5B => 'Ä',
        0x5C => 'Ö',
        0x5D => 'Ñ',
        0x5E => 'Ü',
        0x5F => '§',
        0x7B => 'ä',
        0x7C => 'ö',
        0x7D => 'ñ',
        0x7E => 'ü',
        0x7F => 'à',
        0x20..=0x23 | 0x25..=0x3F | 0x41..=0x5A | 0x61..=0x7A => byte as char,
        _ => '\u{FFFD}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_operator_is_read() {
        // EF.SPN of pySim's test data: display byte, name, padding.
        let mut content = vec![0x01];
        content.extend(b"Telco \x5E");
        content.extend([0xFF; 9]);
        assert_eq!(service_provider_name(&content).as_deref(), Some("Telco Ü"));
        assert_eq!(
            service_provider_name(&[0x00, 0x80, 0x65, 0xE5, 0x67, 0x2C, 0xFF, 0xFF]).as_deref(),
            Some("日本")
        );
        assert_eq!(service_provider_name(&[0x00, 0xFF, 0xFF]), None);
        assert_eq!(service_provider_name(&[]), None);
    }

    #[test]
    fn a_usim_is_found_in_the_directory() {
        // EF.DIR of the GSMA TS.48 test profile.
        let record = hex::decode("61184F10A0000000871002FF49FF0589FFFFFFFF50045553494DFFFF").unwrap();
        let aid = usim_in(&record).unwrap();
        assert_eq!(hex::encode_upper(aid), "A0000000871002FF49FF0589FFFFFFFF");
        assert_eq!(usim_in(&[0xFF; 10]), None);
        let isim = hex::decode("610E4F0CA0000000871004FF49FF0589").unwrap();
        assert_eq!(usim_in(&isim), None);
    }

    #[test]
    fn an_answer_to_authenticate_is_one_of_four() {
        let answer = [&[0xDB, 4, 1, 2, 3, 4][..], &[0x10; 17]].concat();
        assert_eq!(aka_answer(&answer, StatusWord::OK), AkaAnswer::Res(vec![1, 2, 3, 4]));
        let auts = [&[0xDC, 14][..], &[7; 14]].concat();
        assert_eq!(aka_answer(&auts, StatusWord::OK), AkaAnswer::Synchronisation(vec![7; 14]));
        assert_eq!(aka_answer(&[], StatusWord::INCORRECT_MAC), AkaAnswer::MacFailure);
        assert_eq!(aka_answer(&[0xDB, 9, 1], StatusWord::OK), AkaAnswer::Failed(StatusWord::OK));
        assert_eq!(aka_answer(&[], StatusWord(0x6982)), AkaAnswer::Failed(StatusWord(0x6982)));
    }
}
