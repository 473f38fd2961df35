//! What is done to messages on their way: faults, and edits by hand.
//!
//! Every message between the phone and the others passes here, so a fault needs nobody's
//! help: the parties see what a bad line, a pulled card or a forger would make them see.

use trace::Party;

/// A message at a point of its way.
pub(crate) enum Passing<'a> {
    /// A command APDU on its way to a card.
    Command { card: Party, apdu: &'a mut Vec<u8> },
    /// Its response on the way back.
    Response { card: Party, apdu: &'a mut Vec<u8> },
    /// An HTTP request on its way to a server or the network.
    Request { to: Party, url: &'a str, body: &'a mut Vec<u8> },
    /// Its answer on the way back.
    Reply { from: Party, url: &'a str, status: &'a mut u16, body: &'a mut Vec<u8> },
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on; if it was changed, with what was done to it.
    GoesOn(Option<String>),
    /// It is lost, and why.
    Lost(String),
}

/// The bench. A handle: copies are the same bench.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bench;

impl Bench {
    /// A message passes.
    pub(crate) async fn pass(&self, _message: Passing<'_>) -> Fate {
        Fate::GoesOn(None)
    }
}
