//! The protocol of vpcd (vsmartcard), with which pcscd has a reader whose card is at the other end of a
//! TCP connection. The reader listens, the card connects; every message is a length (2 bytes,
//! big-endian) and as many bytes. No I/O: [`Inbox`] takes what came in, [`message`] makes what goes out.
//!
//! | from the reader | answer |
//! | --- | --- |
//! | `00` power off, `01` power on, `02` reset | none |
//! | `04` | the answer to reset |
//! | a command APDU | the response APDU |
//!
//! ```
//! use vpcd::{Asked, Inbox, message};
//!
//! let mut inbox = Inbox::new();
//! inbox.feed(&[0, 1, 4, 0, 5, 0, 0xA4]);
//! assert_eq!(inbox.take(), Some(Asked::Atr));
//! assert_eq!(inbox.take(), None);
//! inbox.feed(&[0, 4, 0]);
//! assert_eq!(inbox.take(), Some(Asked::Command(vec![0, 0xA4, 0, 4, 0])));
//! assert_eq!(message(&[0x90, 0x00]), [0, 2, 0x90, 0x00]);
//! ```

#![no_std]

extern crate alloc;

use alloc::vec::Vec;

use apdu::StatusWord;

/// The port on which the reader waits for the card of its first slot.
pub const PORT: u16 = 35_963;

/// What the reader asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Contacts without power. No answer.
    PowerOff,
    /// A cold reset. No answer.
    PowerOn,
    /// A warm reset. No answer.
    Reset,
    /// The answer to the last reset: at intervals, to see whether the card is still there.
    Atr,
    /// A command APDU. The answer is the response APDU.
    Command(Vec<u8>),
}

/// What came in and was not looked at yet.
#[derive(Default)]
pub struct Inbox {
    /// A length and a message may be in pieces.
    bytes: Vec<u8>,
}

impl Inbox {
    /// For one connection. Whoever connects anew takes a new one.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Takes what came in, in pieces of any length.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes that wait, of whole messages too. A reader has one question at a time, so that who
    /// takes it out at once never has more than one message here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next message, if it is whole.
    pub fn take(&mut self) -> Option<Asked> {
        let (length, rest) = self.bytes.split_first_chunk()?;
        let (message, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let asked = match *message {
            [0x00] => Asked::PowerOff,
            [0x01] => Asked::PowerOn,
            [0x02] => Asked::Reset,
            [0x04] => Asked::Atr,
            _ => Asked::Command(message.to_vec()),
        };
        self.bytes = rest.to_vec();
        Some(asked)
    }
}

/// An answer as it goes out. One that the length can't tell (the response to an extended Le of 65,536
/// may be longer) becomes `6700`.
#[must_use]
pub fn message(answer: &[u8]) -> Vec<u8> {
    const WRONG_LENGTH: [u8; 2] = StatusWord(0x6700).0.to_be_bytes();
    let (answer, length) = match u16::try_from(answer.len()) {
        Ok(length) => (answer, length),
        Err(_) => (&WRONG_LENGTH[..], 2),
    };
    [&length.to_be_bytes()[..], answer].concat()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[cfg(target_arch = "wasm32")]
    wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

    #[test]
    fn controls_are_one_byte_long() {
        let mut inbox = Inbox::new();
        for byte in [0, 1, 2, 4, 3] {
            inbox.feed(&[0, 1, byte]);
        }
        let all: Vec<Asked> = core::iter::from_fn(|| inbox.take()).collect();
        assert_eq!(all, [Asked::PowerOff, Asked::PowerOn, Asked::Reset, Asked::Atr, Asked::Command(vec![3])]);
        assert!(inbox.is_empty());
    }

    #[test]
    fn what_the_length_cannot_tell_is_refused() {
        assert_eq!(message(&vec![0; 65_536]), [0, 2, 0x67, 0x00]);
        assert_eq!(message(&vec![7; 65_535])[..3], [0xFF, 0xFF, 7]);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest! {
        /// Cut wherever it may, the same messages come out.
        #[test]
        fn pieces_make_the_same_messages(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
            cuts in prop::collection::vec(1_usize..9, 0..200),
        ) {
            let whole: Vec<u8> = messages.iter().flat_map(|bytes| message(bytes)).collect();
            let mut inbox = Inbox::new();
            inbox.feed(&whole);
            let expected: Vec<Asked> = core::iter::from_fn(|| inbox.take()).collect();
            prop_assert_eq!(expected.len(), messages.len());
            let (mut inbox, mut rest, mut seen) = (Inbox::new(), &whole[..], Vec::new());
            for cut in cuts.into_iter().chain(core::iter::repeat(1)) {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                inbox.feed(piece);
                seen.extend(core::iter::from_fn(|| inbox.take()));
                rest = after;
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
