//! The chip of a page in a virtual reader, so that the programs of the desktop can use it: what the
//! reader asks for becomes questions to the page, one at a time, and its answers go back in their order.

use std::collections::VecDeque;

use apdu::StatusWord;
use vpcd::{Asked, Inbox, message};

use crate::protocol::{Hex, MAX_COMMAND, Tell};

/// How many bytes may wait that the reader has sent. It has one question at a time; one that goes on
/// without an answer is not a reader.
const MAX_WAITING: usize = 128 * 1024;

/// A chip that is offered, from the moment that the reader has it.
pub struct Offer {
    inbox: Inbox,
    /// What the chip said at its last reset.
    atr: Vec<u8>,
    /// What the page is asked, if it is.
    asked: Option<(u32, Kind)>,
    last: u32,
    out: VecDeque<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reset,
    Command,
}

/// What sends more than a reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoReader;

/// An answer to something that was not asked, or was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAsked;

impl Offer {
    /// A chip with this answer to reset.
    #[must_use]
    pub const fn new(atr: Vec<u8>) -> Self {
        Self { inbox: Inbox::new(), atr, asked: None, last: 0, out: VecDeque::new() }
    }

    /// Takes what came from the reader. What is to be told to the page.
    ///
    /// # Errors
    /// When it is no reader that is at the other end.
    pub fn heard(&mut self, bytes: &[u8]) -> Result<Option<Tell>, NoReader> {
        self.inbox.feed(bytes);
        if self.inbox.len() > MAX_WAITING {
            return Err(NoReader);
        }
        Ok(self.go_on())
    }

    /// Takes the page's answer to question `number`: the response APDU, or the answer to reset. What is
    /// to be told to the page next.
    ///
    /// # Errors
    /// When that was not asked.
    pub fn answered(&mut self, number: u32, answer: Vec<u8>) -> Result<Option<Tell>, NotAsked> {
        let (_, kind) = self.asked.take_if(|(asked, _)| *asked == number).ok_or(NotAsked)?;
        match kind {
            Kind::Reset => self.atr = answer,
            // Whatever a page says: without a status word no program of the desktop could go on.
            Kind::Command if answer.len() < 2 => self.say(&StatusWord::TECHNICAL_PROBLEM.0.to_be_bytes()),
            Kind::Command => self.say(&answer),
        }
        Ok(self.go_on())
    }

    /// What is to go to the reader, in this order.
    pub fn out(&mut self) -> Option<Vec<u8>> {
        self.out.pop_front()
    }

    /// Whether the page is asked something.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Answers what the bridge can answer; the next question to the page, if there is one.
    fn go_on(&mut self) -> Option<Tell> {
        while self.asked.is_none() {
            match self.inbox.take()? {
                // A chip that is switched off has lost what it would lose at the next reset, and is
                // reset when it is switched on.
                Asked::PowerOff => {}
                Asked::PowerOn | Asked::Reset => {
                    let number = self.ask(Kind::Reset);
                    return Some(Tell::Power { number });
                }
                Asked::Atr => {
                    let atr = self.atr.clone();
                    self.say(&atr);
                }
                Asked::Command(command) if command.len() > MAX_COMMAND => {
                    self.say(&StatusWord::WRONG_LENGTH.0.to_be_bytes());
                }
                Asked::Command(command) => {
                    let number = self.ask(Kind::Command);
                    return Some(Tell::Command { number, apdu: Hex(command) });
                }
            }
        }
        None
    }

    fn ask(&mut self, kind: Kind) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.asked = Some((self.last, kind));
        self.last
    }

    fn say(&mut self, answer: &[u8]) {
        self.out.push_back(message(answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const ATR: [u8; 3] = [0x3B, 0x80, 0x01];

    fn sent(asked: &[u8]) -> Vec<u8> {
        message(asked)
    }

    fn command(number: u32, apdu: &[u8]) -> Tell {
        Tell::Command { number, apdu: Hex(apdu.to_vec()) }
    }

    fn is(tell: Option<Tell>, expected: &Tell) {
        assert_eq!(tell.map(|tell| tell.to_json()), Some(expected.to_json()));
    }

    /// What pcscd asks when a card is there: power, the answer to reset, a command.
    #[test]
    fn a_reader_powers_the_chip_and_speaks_with_it() {
        let mut offer = Offer::new(ATR.to_vec());
        // Whether the card is there is asked at intervals, before it has power too.
        assert!(offer.heard(&sent(&[4])).unwrap().is_none());
        assert_eq!(offer.out(), Some(vec![0, 3, 0x3B, 0x80, 0x01]));
        is(offer.heard(&sent(&[1])).unwrap(), &Tell::Power { number: 1 });
        // It is answered with what the chip says at this reset.
        assert!(offer.heard(&sent(&[4])).unwrap().is_none());
        assert_eq!(offer.out(), None);
        assert!(offer.answered(1, vec![0x3B, 0x00]).unwrap().is_none());
        assert_eq!(offer.out(), Some(vec![0, 2, 0x3B, 0x00]));
        is(offer.heard(&sent(&[0, 0xF2, 0, 0])).unwrap(), &command(2, &[0, 0xF2, 0, 0]));
        assert!(offer.is_asked());
        assert!(offer.answered(2, vec![0x90, 0]).unwrap().is_none());
        assert_eq!(offer.out(), Some(vec![0, 2, 0x90, 0]));
        assert!(!offer.is_asked());
    }

    #[test]
    fn one_thing_is_asked_at_a_time_and_in_order() {
        let mut offer = Offer::new(ATR.to_vec());
        let all = [sent(&[0, 1, 0, 0]), sent(&[0]), sent(&[2]), sent(&[0, 2, 0, 0])].concat();
        is(offer.heard(&all).unwrap(), &command(1, &[0, 1, 0, 0]));
        is(offer.answered(1, vec![0x90, 0]).unwrap(), &Tell::Power { number: 2 });
        is(offer.answered(2, ATR.to_vec()).unwrap(), &command(3, &[0, 2, 0, 0]));
        assert_eq!(offer.answered(2, ATR.to_vec()).err(), Some(NotAsked));
        assert!(offer.answered(3, vec![0x6A, 0x82]).unwrap().is_none());
        assert_eq!(offer.answered(3, vec![0x90, 0]).err(), Some(NotAsked));
        assert_eq!(offer.out(), Some(vec![0, 2, 0x90, 0]));
        assert_eq!(offer.out(), Some(vec![0, 2, 0x6A, 0x82]));
        assert_eq!(offer.out(), None);
    }

    #[test]
    fn what_cannot_be_asked_or_answered_is_a_status_word() {
        let mut offer = Offer::new(ATR.to_vec());
        // An extended length.
        assert!(offer.heard(&sent(&vec![0; MAX_COMMAND + 1])).unwrap().is_none());
        assert_eq!(offer.out(), Some(vec![0, 2, 0x67, 0x00]));
        is(offer.heard(&sent(&[0, 1, 0, 0])).unwrap(), &command(1, &[0, 1, 0, 0]));
        assert!(offer.answered(1, vec![0x90]).unwrap().is_none());
        assert_eq!(offer.out(), Some(vec![0, 2, 0x6F, 0x00]));
    }

    #[test]
    fn who_sends_without_an_end_is_no_reader() {
        let mut offer = Offer::new(ATR.to_vec());
        is(offer.heard(&sent(&[0, 1, 0, 0])).unwrap(), &command(1, &[0, 1, 0, 0]));
        let flood = sent(&[0; 4]).repeat(1000);
        let went_on = (0..100).take_while(|_| offer.heard(&flood).is_ok()).count();
        assert!(went_on * flood.len() <= MAX_WAITING);
    }
}
