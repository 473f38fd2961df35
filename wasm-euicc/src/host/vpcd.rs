//! The chip in a virtual PC/SC reader ([`vpcd`]): the card's side of the connection.

use vpcd::{Asked, Inbox, message};

use super::Card;

pub use vpcd::PORT;

/// The door: keeps the beginning of a message until the rest of it comes.
#[derive(Default)]
pub struct Vpcd {
    inbox: Inbox,
    /// What the chip answered to its last reset.
    atr: Vec<u8>,
}

impl Vpcd {
    /// A door for one connection. Whoever connects anew takes a new one.
    #[must_use]
    pub const fn new() -> Self {
        Self { inbox: Inbox::new(), atr: Vec::new() }
    }

    /// Takes what came in, in pieces of any length, and returns what is to go out.
    pub fn feed(&mut self, bytes: &[u8], card: &mut dyn Card) -> Vec<u8> {
        self.inbox.feed(bytes);
        let mut out = Vec::new();
        while let Some(asked) = self.inbox.take() {
            if let Some(answer) = self.answer(&asked, card) {
                out.extend(message(&answer));
            }
        }
        out
    }

    fn answer(&mut self, asked: &Asked, card: &mut dyn Card) -> Option<Vec<u8>> {
        match asked {
            // A chip that is switched off has lost what it would lose at the next reset.
            Asked::PowerOff | Asked::PowerOn | Asked::Reset => {
                self.atr = card.reset();
                None
            }
            Asked::Atr => {
                // The reader asks at intervals whether the card is still there: that must not
                // disturb a program's session.
                if self.atr.is_empty() {
                    self.atr = card.reset();
                }
                Some(self.atr.clone())
            }
            Asked::Command(command) => Some(card.transmit(command)),
        }
    }
}
