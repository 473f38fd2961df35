//! Decimal digits two to a byte, the first in the low half, `F` where there is none.

use alloc::string::String;
use alloc::vec::Vec;

/// What fills the half of a byte that has no digit.
const FILLER: u8 = 0x0F;

/// `text` of decimal digits, packed.
pub(crate) fn pack(text: &str) -> Vec<u8> {
    let half = |byte: &u8| byte.wrapping_sub(b'0') & 0x0F;
    text.as_bytes()
        .chunks(2)
        .map(|pair| pair.get(1).map_or(FILLER, half) << 4 | pair.first().map_or(FILLER, half))
        .collect()
}

/// The digits of `bytes`: a filler is the last half and nothing else.
pub(crate) fn unpack(bytes: &[u8]) -> Option<String> {
    let mut halves: Vec<u8> = bytes.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]).collect();
    if halves.last() == Some(&FILLER) {
        halves.pop();
    }
    halves.into_iter().map(|half| char::from_digit(half.into(), 10)).collect()
}

/// Whether it is from `least` to `most` decimal digits and nothing else.
pub(crate) fn are(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
