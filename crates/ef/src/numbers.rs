//! Digits and letters as SIMs write them: swapped BCD, the GSM alphabet, alpha identifiers.

/// Digits with the low half byte first, up to the first `F` (3GPP TS 24.008 §10.5.4.7):
/// `A` to `E` are `*`, `#`, `a`, `b`, `c`, as telephones have them.
pub(crate) fn bcd(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]);
    halves.map_while(digit).collect()
}

const fn digit(half: u8) -> Option<char> {
    Some(match half {
        0..=9 => (b'0' + half) as char,
        0xA => '*',
        0xB => '#',
        // "Wild" and pause in diallers; digits of the standard all the same.
        0xC => 'a',
        0xD => 'b',
        0xE => 'c',
        _ => return None,
    })
}

/// MCC and MNC of three bytes, `262-01` (3GPP TS 24.008 §10.5.1.13); `None`: `FFFFFF`, or
/// no digits.
pub(crate) fn plmn(bytes: &[u8]) -> Option<String> {
    let [a, b, c] = *bytes else { return None };
    let digits = [a & 0x0F, a >> 4, b & 0x0F, c & 0x0F, c >> 4, b >> 4];
    if digits[..5].iter().any(|digit| *digit > 9) {
        return None;
    }
    let mut text = String::new();
    for (index, half) in digits.into_iter().enumerate() {
        if index == 3 {
            text.push('-');
        }
        match half {
            0..=9 => text.push((b'0' + half) as char),
            // A network code of two digits.
            0xF => {}
            _ => return None,
        }
    }
    Some(text)
}

/// Letters of the GSM 7 bit default alphabet from 00 (3GPP TS 23.038 §6.2.1).
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Its extension table (§6.2.1.1).
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

const ESCAPE: u8 = 0x1B;

/// One byte a letter; a byte that is none is `�`.
pub(crate) fn gsm(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == ESCAPE {
            let second = bytes.next();
            let letter = EXTENSION.iter().find(|(own, _)| Some(*own) == second).map(|(_, letter)| *letter);
            // A terminal without the letter shows a space (§6.2.1.1).
            text.push(letter.unwrap_or(' '));
        } else {
            text.push(letter(byte));
        }
    }
    text
}

fn letter(byte: u8) -> char {
    match byte {
        // Most of it is ASCII.
        b' '..=b'#' | b'%'..=b'?' | b'A'..=b'Z' | b'a'..=b'z' => byte as char,
        _ => ALPHABET.chars().nth(usize::from(byte)).unwrap_or('\u{FFFD}'),
    }
}

/// Seven bits a letter, packed (§6.1.2.1.1); `count` letters at most, `skip` bits first.
pub(crate) fn gsm_packed(bytes: &[u8], count: usize, skip: usize) -> String {
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    let there = (bytes.len() * 8).saturating_sub(skip) / 7;
    let letters: Vec<u8> = (0..count.min(there))
        .map(|index| (0..7).fold(0, |sum, at| sum | u8::from(bit(skip + index * 7 + at)) << at))
        .collect();
    gsm(&letters)
}

/// UCS-2, big-endian, to the first `FFFF`; a half of a pair alone is `�`.
pub(crate) fn ucs2(bytes: &[u8]) -> String {
    let units =
        bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte)));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0xFFFF).collect();
    String::from_utf16_lossy(&units)
}

/// An alpha identifier (ETSI TS 102 221 annex A): GSM letters, or `80` UCS-2, or `81`/`82`
/// with letters relative to a base; padded with `FF`. `None`: the count of letters is larger
/// than what is there.
pub(crate) fn alpha(bytes: &[u8]) -> Option<String> {
    Some(match bytes {
        [0x80, rest @ ..] => ucs2(rest),
        [0x81, count, base, rest @ ..] => {
            // Bits 15 to 8 of the base, bit 16 is zero.
            relative(rest.get(..usize::from(*count))?, u32::from(*base) << 7)
        }
        [0x82, count, high, low, rest @ ..] => {
            relative(rest.get(..usize::from(*count))?, u32::from(*high) << 8 | u32::from(*low))
        }
        _ => {
            let end = bytes.iter().position(|byte| *byte == 0xFF).unwrap_or(bytes.len());
            gsm(&bytes[..end])
        }
    })
}

fn relative(bytes: &[u8], base: u32) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte & 0x80 != 0 {
            text.push(char::from_u32(base + u32::from(byte & 0x7F)).unwrap_or('\u{FFFD}'));
            at += 1;
        } else {
            // A run of GSM letters, with their escapes.
            let run = bytes[at..].iter().position(|byte| byte & 0x80 != 0).unwrap_or(bytes.len() - at);
            text.push_str(&gsm(&bytes[at..at + run]));
            at += run;
        }
    }
    text
}

/// Labels of a domain name or APN, each behind its length (3GPP TS 23.003 §9.1).
pub(crate) fn labels(mut bytes: &[u8]) -> Option<String> {
    let mut name = String::new();
    while let Some((len, rest)) = bytes.split_first() {
        let (label, after) = rest.split_at_checked(usize::from(*len))?;
        if !label.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&String::from_utf8_lossy(label));
        bytes = after;
    }
    Some(name)
}
