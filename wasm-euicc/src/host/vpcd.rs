//! The chip in a virtual PC/SC reader: the protocol of vpcd (vsmartcard), with which pcscd
//! has a reader whose card is at the other end of a TCP connection. The reader listens, the
//! card connects; every message is a length (2 bytes, big-endian) and as many bytes.
//!
//! | from the reader | answer |
//! | --- | --- |
//! | `00` power off, `01` power on, `02` reset | none |
//! | `04` | the answer to reset |
//! | a command APDU | the response APDU |

use apdu::StatusWord;

use super::Card;

/// The port on which the reader waits for the card of its first slot.
pub const PORT: u16 = 35_963;

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const ATR: u8 = 0x04;

/// The door: keeps the beginning of a message until the rest of it comes.
#[derive(Default)]
pub struct Vpcd {
    /// At most a length and one message less a byte, between two pieces.
    begun: Vec<u8>,
    /// What the chip answered to its last reset.
    atr: Vec<u8>,
}

impl Vpcd {
    /// A door for one connection. Whoever connects anew takes a new one.
    #[must_use]
    pub const fn new() -> Self {
        Self { begun: Vec::new(), atr: Vec::new() }
    }

    /// Takes what came in, in pieces of any length, and returns what is to go out.
    pub fn feed(&mut self, bytes: &[u8], card: &mut dyn Card) -> Vec<u8> {
        self.begun.extend_from_slice(bytes);
        let begun = core::mem::take(&mut self.begun);
        let (mut rest, mut out) = (&begun[..], Vec::new());
        while let Some((message, after)) = message(rest) {
            if let Some(answer) = self.answer(message, card) {
                let answer = sized(&answer);
                out.extend_from_slice(&(answer.len() as u16).to_be_bytes());
                out.extend_from_slice(answer);
            }
            rest = after;
        }
        self.begun = rest.to_vec();
        out
    }

    fn answer(&mut self, message: &[u8], card: &mut dyn Card) -> Option<Vec<u8>> {
        match *message {
            // A chip that is switched off has lost what it would lose at the next reset.
            [POWER_OFF | POWER_ON | RESET] => {
                self.atr = card.reset();
                None
            }
            [ATR] => {
                // The reader asks at intervals whether the card is still there: that must not
                // disturb a program's session.
                if self.atr.is_empty() {
                    self.atr = card.reset();
                }
                Some(self.atr.clone())
            }
            _ => Some(card.transmit(message)),
        }
    }
}

/// The message at the start of `bytes`, and what comes after it; none if it is not whole.
fn message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// An answer that the length can tell: a response to an extended Le of 65,536 may be longer.
fn sized(answer: &[u8]) -> &[u8] {
    const WRONG_LENGTH: [u8; 2] = StatusWord(0x6700).0.to_be_bytes();
    if answer.len() > usize::from(u16::MAX) { &WRONG_LENGTH } else { answer }
}
