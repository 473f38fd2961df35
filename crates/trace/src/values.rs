//! Short texts of values.

use std::fmt::Write as _;

/// Most bytes of a value that are written out.
const SHOWN: usize = 64;

/// Hexadecimal digits; of a long value its beginning and its length.
pub(crate) fn hex(bytes: &[u8]) -> String {
    if bytes.len() <= SHOWN + 4 {
        return hex::encode_upper(bytes);
    }
    let start = bytes.get(..SHOWN).unwrap_or_default();
    format!("{}… ({} bytes)", hex::encode_upper(start), bytes.len())
}

/// Text from a peer: of one line and bounded.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut out = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count >= LONGEST {
            let _ = write!(out, "… ({} characters)", text.chars().count());
            break;
        }
        out.push(if letter.is_control() { '\u{FFFD}' } else { letter });
    }
    out
}

/// Two's complement, up to eight bytes.
pub(crate) fn integer(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() || bytes.len() > 8 {
        return None;
    }
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    Some(bytes.iter().fold(if negative { -1 } else { 0 }, |sum: i64, byte| sum << 8 | i64::from(*byte)))
}

/// Unsigned, up to eight bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// `0 ok|1 notFound`: the name of a number beside it.
pub(crate) fn named(names: &'static str, number: i64) -> String {
    match name_of(names, number) {
        Some(name) => format!("{number} {name}"),
        None => format!("{number} (unknown)"),
    }
}

/// The name alone.
pub(crate) fn name_of(names: &'static str, number: i64) -> Option<&'static str> {
    names
        .split('|')
        .filter_map(|entry| entry.split_once(' '))
        .find(|(known, _)| known.parse() == Ok(number))
        .map(|(_, name)| name)
}

/// Digits of binary coded decimals up to the filler `F`; what is no digit stands as it is.
pub(crate) fn digits(bytes: &[u8], swapped: bool) -> String {
    let mut text = String::new();
    for byte in bytes {
        let (high, low) = (byte >> 4, byte & 15);
        for nibble in if swapped { [low, high] } else { [high, low] } {
            match nibble {
                15 => {}
                // A mask of `redact` stands as E.
                14 => text.push('X'),
                _ => text.push(char::from_digit(nibble.into(), 16).unwrap_or('?').to_ascii_uppercase()),
            }
        }
    }
    text
}

/// MCC and MNC (3GPP TS 24.008 §10.5.1.3); `E` stands for any digit (SGP.22 §2.9.2.3).
pub(crate) fn plmn(bytes: &[u8]) -> String {
    let [first, second, third] = bytes else { return hex(bytes) };
    let digit = |nibble: u8| match nibble {
        0..=9 => char::from(b'0' + nibble),
        14 => '*',
        _ => '?',
    };
    let mcc: String = [first & 15, first >> 4, second & 15].map(digit).into_iter().collect();
    let mut mnc: String = [third & 15, third >> 4].map(digit).into_iter().collect();
    if second >> 4 != 15 {
        mnc.push(digit(second >> 4));
    }
    format!("{mcc}-{mnc}")
}

/// Dotted numbers.
pub(crate) fn oid(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.len() > 64 || bytes.last().is_some_and(|last| last & 0x80 != 0) {
        return None;
    }
    let mut text = String::new();
    let (mut arc, mut first) = (0_u64, true);
    for byte in bytes {
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7F))?;
        if byte & 0x80 == 0 {
            if first {
                let root = (arc / 40).min(2);
                let _ = write!(text, "{root}.{}", arc - root * 40);
            } else {
                let _ = write!(text, ".{arc}");
            }
            (arc, first) = (0, false);
        }
    }
    Some(text)
}

/// Object identifiers that have a name here.
static OIDS: [(&str, &str); 47] = [
    ("1.2.840.10045.2.1", "id-ecPublicKey"),
    ("1.2.840.10045.3.1.7", "NIST P-256"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.2.250.1.223.101.256.1", "FRP256v1"),
    ("1.3.132.0.34", "NIST P-384"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.20", "cRLNumber"),
    ("2.5.29.21", "reasonCode"),
    ("2.5.29.27", "deltaCRLIndicator"),
    ("2.5.29.28", "issuingDistributionPoint"),
    ("2.5.29.30", "nameConstraints"),
    ("2.5.29.31", "cRLDistributionPoints"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.37", "extKeyUsage"),
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("2.23.146.1", "id-rsp"),
    ("2.23.146.1.2.1.0", "id-rspRole-ci"),
    ("2.23.146.1.2.1.1", "id-rspRole-euicc"),
    ("2.23.146.1.2.1.2", "id-rspRole-eum"),
    ("2.23.146.1.2.1.3", "id-rspRole-dp-tls"),
    ("2.23.146.1.2.1.4", "id-rspRole-dp-auth"),
    ("2.23.146.1.2.1.5", "id-rspRole-dp-pb"),
    ("2.23.146.1.2.1.6", "id-rspRole-ds-tls"),
    ("2.23.146.1.2.1.7", "id-rspRole-ds-auth"),
    ("2.23.146.1.2.0.1", "id-rsp-expDate"),
    ("2.23.146.1.2.0.2", "id-rsp-totalPartialCrlNumber"),
    ("2.23.146.1.2.0.3", "id-rsp-partialCrlNumber"),
    ("2.23.146.1.2.2.0", "permittedEins"),
    ("2.23.146.1.2.1.0.0.0", "id-rspRole-euicc (v3)"),
    ("2.23.146.1.2.1.0.0.1.0", "id-rspRole-dp-tls (v3)"),
    ("2.23.146.1.2.1.0.0.1.1", "id-rspRole-dp-auth (v3)"),
    ("2.23.146.1.2.1.0.0.1.2", "id-rspRole-dp-pb (v3)"),
    ("2.23.146.1.2.1.0.0.2.1", "id-rspRole-ds-auth (v3)"),
];

/// The name of an object identifier, where it has one here.
pub(crate) fn oid_name(dotted: &str) -> Option<&'static str> {
    OIDS.iter().find(|(known, _)| *known == dotted).map(|(_, name)| *name)
}

pub(crate) fn named_oid(dotted: &str) -> String {
    match oid_name(dotted) {
        Some(name) => format!("{dotted} ({name})"),
        None => dotted.to_owned(),
    }
}

/// A list of tags: `5A 4F 9F70`.
pub(crate) fn tags(bytes: &[u8]) -> String {
    let mut rest = bytes;
    let mut names = Vec::new();
    while let Ok(Some(tag)) = tlv::tag(rest) {
        names.push(tag.to_string());
        rest = rest.get(tag.encoded_len()..).unwrap_or_default();
    }
    if rest.is_empty() { names.join(" ") } else { hex(bytes) }
}

/// UTCTime or GeneralizedTime as ISO 8601.
pub(crate) fn time(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return hex(bytes) };
    let digits = text.trim_end_matches('Z');
    let whole = match digits.len() {
        12 if digits.is_ascii() => format!("{}{digits}", if digits < "50" { "20" } else { "19" }),
        _ => digits.to_owned(),
    };
    match (whole.len(), whole.bytes().all(|byte| byte.is_ascii_digit())) {
        (14, true) => format!(
            "{}-{}-{} {}:{}:{} UTC",
            &whole[..4],
            &whole[4..6],
            &whole[6..8],
            &whole[8..10],
            &whole[10..12],
            &whole[12..]
        ),
        _ => shown(text),
    }
}

/// What a picture says of itself.
pub(crate) fn picture(bytes: &[u8]) -> String {
    let size = |bytes: Option<&[u8]>| bytes.map_or(0, unsigned);
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => {
            let (width, height) = (size(bytes.get(16..20)), size(bytes.get(20..24)));
            format!("PNG, {width} × {height}, {} bytes", bytes.len())
        }
        [0xFF, 0xD8, 0xFF, ..] => format!("JPEG, {} bytes", bytes.len()),
        _ => format!("{} bytes: {}", bytes.len(), hex(bytes)),
    }
}

/// Flags of one byte, the lowest bit first; further bytes as they are.
pub(crate) fn flags(names: &'static str, bytes: &[u8]) -> String {
    let Some((byte, more)) = bytes.split_first() else { return String::new() };
    let mut set: Vec<String> = (0..8)
        .zip(names.split('|').map(Some).chain(std::iter::repeat(None)))
        .filter(|(bit, _)| byte & (1 << bit) != 0)
        .map(|(bit, name)| name.map_or_else(|| format!("bit {}", bit + 1), str::to_owned))
        .collect();
    if set.is_empty() {
        set.push("none".to_owned());
    }
    let set = set.join(", ");
    if more.is_empty() { set } else { format!("{set}; {}", hex(more)) }
}

/// The name of a number that the tables have in hexadecimal.
pub(crate) fn coded(names: &'static str, number: u8) -> Option<&'static str> {
    names
        .split('|')
        .filter_map(|entry| entry.split_once(' '))
        .find(|(known, _)| u8::from_str_radix(known, 16) == Ok(number))
        .map(|(_, name)| name)
}

/// One byte with its name; of more bytes the digits.
pub(crate) fn byte(names: &'static str, bytes: &[u8]) -> String {
    match bytes {
        [byte] => match coded(names, *byte) {
            Some(name) => format!("{byte:02X} {name}"),
            None => format!("{byte:02X}"),
        },
        _ => hex(bytes),
    }
}

/// Characters of a card: GSM 7 bit in octets as far as that is ASCII, UCS2 after `80`.
pub(crate) fn card_text(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
    let bytes = bytes.get(..end).unwrap_or_default();
    if let [0x80, wide @ ..] = bytes {
        let units: Vec<u16> = wide.chunks_exact(2).map(|pair| unsigned(pair) as u16).collect();
        return shown(&String::from_utf16_lossy(&units));
    }
    let text: String = bytes
        .iter()
        .map(|byte| match byte {
            0x00 => '@',
            0x20..=0x7E => char::from(*byte),
            _ => '\u{FFFD}',
        })
        .collect();
    shown(&text)
}
