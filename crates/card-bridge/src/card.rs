//! What the bridge needs of PC/SC, as traits, so that it can be tried without; and what a
//! command looks like by the time it reaches a reader.

use core::fmt;

use apdu::Command;

use crate::protocol::{MAX_COMMAND, Protocol, Reader, Why};

/// The readers of a machine.
pub trait Readers {
    /// A card that is powered and nobody else's.
    type Card: Card;

    /// The readers and what is in them; nothing is [`State::Yours`](crate::protocol::State::Yours).
    ///
    /// # Errors
    /// [`Why::NoService`] where PC/SC does not run, [`Why::Failed`].
    fn list(&mut self) -> Result<Vec<Reader>, Trouble>;

    /// Powers the card in a reader, for this program alone.
    ///
    /// # Errors
    /// [`Why::NoReader`], [`Why::NoCard`], [`Why::Mute`], [`Why::Taken`], [`Why::NoService`],
    /// [`Why::Failed`].
    fn connect(&mut self, reader: &str) -> Result<Self::Card, Trouble>;
}

/// A card that is powered and nobody else's; dropped, it is reset and free.
pub trait Card {
    /// Its answer to reset.
    fn atr(&self) -> &[u8];

    /// What is spoken with it.
    fn protocol(&self) -> Protocol;

    /// Sends what [`wire`] made of a command and returns what came back, at least two bytes.
    ///
    /// # Errors
    /// [`Why::Removed`]; [`Why::Mute`], [`Why::NoService`] and [`Why::Failed`], after which it is
    /// not known whether the card has executed the command.
    fn transmit(&mut self, wire: &[u8]) -> Result<Vec<u8>, Trouble>;

    /// A warm reset.
    ///
    /// # Errors
    /// As [`Self::transmit`].
    fn reset(&mut self) -> Result<(), Trouble>;
}

/// Why PC/SC does not do what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// For programs.
    pub why: Why,
    /// For people.
    pub text: String,
}

impl Trouble {
    /// For this reason, in these words.
    pub fn new(why: Why, text: impl Into<String>) -> Self {
        Self { why, text: text.into() }
    }

    /// Whether the card can't be spoken with any more.
    #[must_use]
    pub const fn ends_card(&self) -> bool {
        matches!(self.why, Why::Removed | Why::NoReader | Why::NoService)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl core::error::Error for Trouble {}

/// What goes to the reader for a command APDU. Over T=0 that is the command TPDU of ISO/IEC
/// 7816-3 §12.2: a header alone gets P3 `00` (case 1), and a command with data goes without its
/// Le (case 4), as PC/SC part 5 leaves to the program. Readers differ in what they make of a Le
/// there. `61 XX` and `6C XX` go back as they are: who sent the command knows its channel and how
/// much it wants, and handles them for every kind of reader in one place.
///
/// # Errors
/// [`Why::Command`]: what is not a short command APDU, and class `FF`, which readers take for
/// commands to themselves (PC/SC part 3 §3.2.2).
pub fn wire(command: &[u8], protocol: Protocol) -> Result<Vec<u8>, Trouble> {
    let refuse = |text: &str| Err(Trouble::new(Why::Command, text));
    if command.len() > MAX_COMMAND {
        return refuse("a command is at most 261 bytes long: extended lengths are not for this bridge");
    }
    let Ok(parsed) = Command::parse(command) else {
        return refuse("not a command APDU: header, Lc and Le do not agree with its length");
    };
    if parsed.cla == 0xFF {
        return refuse("class FF is for the reader, not for the card");
    }
    if command.len() > 5 && command[4] == 0 {
        return refuse("extended lengths are not for this bridge");
    }
    let mut wire = command.to_vec();
    if protocol == Protocol::T0 {
        match (parsed.data, parsed.le) {
            ([], None) => wire.push(0),
            ([_, ..], Some(_)) => drop(wire.pop()),
            _ => {}
        }
    }
    Ok(wire)
}
