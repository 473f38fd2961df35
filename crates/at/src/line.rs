//! What a modem says: lines, and what they are while a command waits for its answer.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Cme;

/// The longest response that is taken, in bytes: modems that fetch the whole of an answer
/// themselves return more than 256.
pub const MAX_RESPONSE: usize = 0x1_0002;

/// The longest line that is looked at, in bytes: the longest response in hexadecimal, and what
/// stands around it.
pub const MAX_LINE: usize = 2 * MAX_RESPONSE + 64;

/// Cuts what comes in into lines: CR, LF or both end one. What no terminal shows (NUL, XON, XOFF)
/// and the prompt that some modems write before a line are left out.
#[derive(Default)]
pub(crate) struct Lines {
    line: Vec<u8>,
    too_long: bool,
}

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Text(String),
    TooLong,
}

impl Lines {
    /// Takes a byte; the line that it ends, unless that is empty.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Line> {
        match byte {
            b'\r' | b'\n' => {
                let line = core::mem::take(&mut self.line);
                if core::mem::take(&mut self.too_long) {
                    return Some(Line::TooLong);
                }
                let text: String = line.iter().map(|&byte| char::from(byte)).collect();
                let text = text.trim_start_matches(['>', ' ']).trim_end();
                (!text.is_empty()).then(|| Line::Text(text.into()))
            }
            b'\t' => self.push_plain(b' '),
            0..0x20 | 0x7F => None,
            _ => self.push_plain(byte),
        }
    }

    fn push_plain(&mut self, byte: u8) -> Option<Line> {
        if self.line.len() < MAX_LINE {
            self.line.push(byte);
        } else {
            self.too_long = true;
        }
        None
    }

    /// Forgets what has begun.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A final result code (ITU-T V.250 §5.7.1, 3GPP TS 27.007 §9): nothing more comes to the command.
pub(crate) fn last(line: &str) -> Option<Result<(), Cme>> {
    if line == "OK" {
        return Some(Ok(()));
    }
    // The last is Huawei's.
    if line == "ERROR" || line == "COMMAND NOT SUPPORT" {
        return Some(Err(Cme::Unsaid));
    }
    let said = strip(line, "+CME ERROR:").or_else(|| strip(line, "+CMS ERROR:"))?;
    Some(Err(Cme::read(said)))
}

/// What stands after a prefix, in whatever case.
pub(crate) fn strip<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = line.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| rest.trim_start())
}

/// Hexadecimal digits as bytes.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()));
        }
    }
}

/// `length,"hex"`, which may come on several lines, as far as it has come: of `+CGLA` and `+CSIM`.
#[derive(Default)]
pub(crate) struct Data {
    text: String,
}

/// How far it has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// All of it.
    Whole(Vec<u8>),
    /// There may be another line.
    Part,
    /// What there is is no response.
    Garbled,
}

impl Data {
    /// A line of it; without quotes and spaces. False: it is too long.
    pub(crate) fn push(&mut self, line: &str) -> bool {
        self.text.extend(line.chars().filter(|c| !matches!(c, '"' | ' ')));
        self.text.len() <= MAX_LINE
    }

    /// Whether a line can be the rest of it. Whether there is one is not known before the end of
    /// the answer: of a length in bytes, half of the digits are as many as of one in characters.
    pub(crate) fn goes_on(&self, line: &str) -> bool {
        !self.text.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'"')
    }

    /// The length stands in characters (§8.17, §8.45); some modems say it in bytes, and some
    /// leave it out.
    pub(crate) fn arrived(&self) -> Arrived {
        let (length, digits) = match self.text.split_once(',') {
            Some((length, digits)) => match length.parse::<usize>() {
                Ok(length) => (Some(length), digits),
                Err(_) => return Arrived::Garbled,
            },
            None => (None, &self.text[..]),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Arrived::Garbled;
        }
        match (length, bytes(digits)) {
            (None, Some(bytes)) if bytes.len() >= 2 => Arrived::Whole(bytes),
            (None, _) => Arrived::Garbled,
            // A status word is two bytes or four characters.
            (Some(0..=1), _) => Arrived::Garbled,
            (Some(length), Some(bytes))
                if digits.len() >= 4 && (digits.len() == length || bytes.len() == length) =>
            {
                Arrived::Whole(bytes)
            }
            (Some(length), _) if digits.len() < length.saturating_mul(2) => Arrived::Part,
            _ => Arrived::Garbled,
        }
    }
}
