//! Numbers for people.

pub use trace::size;

/// Bytes as pairs of hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    trace::hex_spaced(bytes)
}

/// How many digits of a hidden number are shown: its last.
const SHOWN: usize = 6;

/// A number that names a person or a chip, without its beginning: `…902317`.
#[must_use]
pub fn shortened(number: &str) -> String {
    match number.char_indices().rev().nth(SHOWN - 1) {
        Some((at, _)) if at > 0 => format!("…{}", &number[at..]),
        _ => number.to_owned(),
    }
}

/// Words with every long number in them shortened: those of a chip, a profile, a subscriber
/// have ten digits and more.
#[must_use]
pub fn numbers_shortened(words: &str) -> String {
    const LONG: usize = 10;
    let mut shown = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        shown.push_str(before);
        if number.len() < LONG {
            shown.push_str(number)
        } else {
            shown.push_str(&shortened(number))
        }
        rest = after;
    }
    shown + rest
}

/// A network as people write it, from its coding in three bytes (3GPP TS 24.008 §10.5.1.13):
/// `001-01`. A nibble `E` of the rules of a chip stands for any digit.
#[must_use]
pub fn plmn([first, second, third]: [u8; 3]) -> String {
    let digit = |nibble: u8| match nibble & 0xF {
        0xE => "*".to_owned(),
        nibble => format!("{nibble:X}"),
    };
    let mcc = [first, first >> 4, second].map(digit).concat();
    let mnc = [third, third >> 4].map(digit).concat();
    let last = if second >> 4 == 0xF { String::new() } else { digit(second >> 4) };
    format!("{mcc}-{mnc}{last}")
}

/// Digits in groups of four.
#[must_use]
pub fn grouped(digits: &str) -> String {
    let groups: Vec<String> =
        digits.chars().collect::<Vec<_>>().chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_network_is_written_as_its_code() {
        // 3GPP TS 31.102 §4.2.12: 246-81 is coded 42 F6 18.
        assert_eq!(plmn([0x42, 0xF6, 0x18]), "246-81");
        assert_eq!(plmn([0x13, 0x00, 0x14]), "310-410");
        assert_eq!(plmn([0xEE, 0xEE, 0xEE]), "***-***");
    }

    #[test]
    fn only_long_numbers_are_shortened() {
        assert_eq!(shortened("8900000000000902317"), "…902317");
        assert_eq!(shortened("902317"), "902317");
        assert_eq!(shortened("Ä02317"), "Ä02317");
        assert_eq!(
            numbers_shortened("attach as 001010123456789, EMM cause 18, APN internet"),
            "attach as …456789, EMM cause 18, APN internet"
        );
        assert_eq!(numbers_shortened("電話 001010123456789"), "電話 …456789");
        assert_eq!(grouped("89044045930000000000001495328899"), "8904 4045 9300 0000 0000 0014 9532 8899");
    }

    #[test]
    fn sizes_are_shown_as_people_write_them() {
        assert_eq!((size(1023), size(2048)), ("1023 B".into(), "2.0 KiB".into()));
    }
}
