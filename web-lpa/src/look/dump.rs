//! Bytes in rows: offset, hexadecimal, ASCII.

use super::tree::Key;

/// How many rows bytes take.
#[must_use]
pub const fn rows(length: usize, width: usize) -> usize {
    if width == 0 { 0 } else { length.div_ceil(width) }
}

/// The bytes of a row and the offset of the first.
#[must_use]
pub fn row(bytes: &[u8], width: usize, row: usize) -> (usize, &[u8]) {
    let from = (row * width).min(bytes.len());
    let to = (from + width).min(bytes.len());
    (from, bytes.get(from..to).unwrap_or_default())
}

/// A byte as a character; a dot for what is none.
#[must_use]
pub const fn ascii(byte: u8) -> char {
    match byte {
        0x20..=0x7E => byte as char,
        _ => '·',
    }
}

/// Two digits.
#[must_use]
pub fn digits(byte: u8) -> String {
    format!("{byte:02X}")
}

/// Where a key leads from a byte.
#[must_use]
pub fn key(at: usize, length: usize, width: usize, key: Key) -> usize {
    let last = length.saturating_sub(1);
    match key {
        Key::Left => at.saturating_sub(1),
        Key::Right => (at + 1).min(last),
        Key::Up => at.checked_sub(width).unwrap_or(at),
        Key::Down if at + width <= last => at + width,
        Key::Down => at,
        Key::Home => 0,
        Key::End => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn rows_hold_all_bytes() {
        let bytes: Vec<u8> = (0..37).collect();
        assert_eq!(rows(bytes.len(), 16), 3);
        assert_eq!(row(&bytes, 16, 2), (32, &bytes[32..]));
        assert_eq!(row(&bytes, 16, 9), (37, &[][..]));
        assert_eq!((rows(0, 16), rows(16, 16), rows(5, 0)), (0, 1, 0));
    }

    #[test]
    fn keys_stay_within_the_bytes() {
        assert_eq!(key(0, 37, 16, Key::Up), 0);
        assert_eq!(key(0, 37, 16, Key::Left), 0);
        assert_eq!(key(20, 37, 16, Key::Down), 36);
        assert_eq!(key(21, 37, 16, Key::Down), 21);
        assert_eq!(key(36, 37, 16, Key::Right), 36);
        assert_eq!(key(3, 37, 16, Key::End), 36);
        assert_eq!(key(0, 0, 16, Key::Down), 0);
    }

    #[test]
    fn what_is_no_character_is_a_dot() {
        assert_eq!([0x41, 0x00, 0x7F, 0xE9].map(ascii), ['A', '·', '·', '·']);
        assert_eq!(digits(0x0A), "0A");
    }
}
