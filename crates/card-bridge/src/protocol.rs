//! What passes between a page and the bridge: one JSON object in each text frame.
//!
//! ```text
//! page                                             bridge
//!                                                  {"tell":"welcome","protocol":1,"program":"card-bridge 0.1.0"}
//! {"id":1,"ask":"pair","code":"1234 5678"}         {"tell":"paired","id":1,"token":"…"}
//!                                                  {"tell":"readers","readers":[{"name":"…","state":"card","atr":"3B…"}]}
//! {"id":2,"ask":"connect","reader":"…"}            {"tell":"connected","id":2,"card":1,"atr":"3B…","protocol":"T=0"}
//! {"id":3,"ask":"transmit","card":1,"apdu":"00…"}  {"tell":"response","id":3,"apdu":"9000"}
//!                                                  {"tell":"removed","card":1}
//! ```
//!
//! The other way round, a chip of the page for the programs of the desktop, in a virtual reader:
//!
//! ```text
//! {"id":4,"ask":"offer","atr":"3B…"}               {"tell":"offered","id":4}
//!                                                  {"tell":"power","number":1}
//! {"id":5,"ask":"answer","number":1,"bytes":"3B…"} {"tell":"passed","id":5}
//!                                                  {"tell":"command","number":2,"apdu":"00A4…"}
//! {"id":6,"ask":"answer","number":2,"bytes":"9000"}{"tell":"passed","id":6}
//! {"id":7,"ask":"withdraw"}                        {"tell":"withdrawn","id":7}
//! ```
//!
//! Each question has a number of the page's choosing and gets exactly one answer with the
//! same number; questions are answered in their order. What has no number the bridge tells by
//! itself.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// The version that the welcome names.
pub const VERSION: u32 = 1;

/// What a page offers as `Sec-WebSocket-Protocol`, and the bridge takes.
pub const SUBPROTOCOL: &str = "card-bridge.v1";

/// The port where nothing else is said.
pub const PORT: u16 = 7816;

/// The longest text of a question, in bytes.
pub const MAX_QUESTION: usize = 2048;

/// The longest text that a bridge tells, in bytes: a list of [`MAX_READERS`].
pub const MAX_TOLD: usize = 16 * 1024;

/// The longest command: header, Lc, 255 bytes, Le. What LPAs send is short (SGP.22 §5.7.2).
pub const MAX_COMMAND: usize = 261;

/// The longest answer to reset (ISO/IEC 7816-3 §8.2).
pub const MAX_ATR: usize = 33;

/// The longest response of a chip that is offered: 256 bytes and the status word.
pub const MAX_RESPONSE: usize = 258;

/// How many readers are told of.
pub const MAX_READERS: usize = 16;

/// What a page asks, and the number of the question.
#[derive(Serialize, Deserialize)]
pub struct Question {
    /// Comes back with the answer.
    pub id: u32,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What can be asked.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// The first thing: the code that the bridge shows on its terminal. Answer: [`Tell::Paired`].
    Pair {
        /// Its digits; spaces and hyphens do not count.
        #[serde(serialize_with = "expose")]
        code: Secret,
    },
    /// The first thing of a page that has been paired in this run. Answer: [`Tell::Paired`]
    /// with the same token.
    Resume {
        /// What [`Tell::Paired`] gave.
        #[serde(serialize_with = "expose")]
        token: Secret,
    },
    /// What readers there are. Answer: [`Tell::Readers`].
    Readers,
    /// A card for this page alone, powered up. Answer: [`Tell::Connected`].
    Connect {
        /// The name of its reader.
        reader: String,
    },
    /// A command for the card. Answer: [`Tell::Response`], with `61 XX` and `6C XX` as they are.
    Transmit {
        /// The card's number.
        card: u32,
        /// The command APDU, at most [`MAX_COMMAND`] bytes.
        apdu: Hex,
    },
    /// A warm reset. Answer: [`Tell::Reset`].
    Reset {
        /// The card's number.
        card: u32,
    },
    /// The page is done with the card, which is reset. Answer: [`Tell::Disconnected`].
    Disconnect {
        /// The card's number.
        card: u32,
    },
    /// A chip of the page for the programs of the desktop, in the bridge's virtual reader. Answer:
    /// [`Tell::Offered`].
    Offer {
        /// Its answer to reset, at most [`MAX_ATR`] bytes.
        atr: Hex,
    },
    /// What the chip says to [`Tell::Power`] (its answer to reset) or [`Tell::Command`] (its response
    /// APDU). Answer: [`Tell::Passed`].
    Answer {
        /// The number that the bridge has given.
        number: u32,
        /// At most [`MAX_RESPONSE`] bytes.
        bytes: Hex,
    },
    /// The chip is taken out of the virtual reader. Answer: [`Tell::Withdrawn`].
    Withdraw,
}

/// What a bridge tells.
#[derive(Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "kebab-case")]
pub enum Tell {
    /// The first thing of all.
    Welcome {
        /// [`VERSION`].
        protocol: u32,
        /// Name and version of the program.
        program: String,
    },
    /// The page may ask everything from now on.
    Paired {
        /// The question's number.
        id: u32,
        /// For [`Ask::Resume`], as long as the bridge runs, from the same origin.
        #[serde(serialize_with = "expose")]
        token: Secret,
    },
    /// The readers and what is in them: asked for, or because it has changed.
    Readers {
        /// The question's number, if it was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
        /// At most [`MAX_READERS`], in the order of PC/SC.
        readers: Vec<Reader>,
    },
    /// The card is powered and nobody else's.
    Connected {
        /// The question's number.
        id: u32,
        /// The card's number from now on; it never comes again on this connection.
        card: u32,
        /// Its answer to reset.
        atr: Hex,
        /// What is spoken with it.
        protocol: Protocol,
    },
    /// What the card answers.
    Response {
        /// The question's number.
        id: u32,
        /// The response APDU: data and status word.
        apdu: Hex,
    },
    /// The card was reset: its channels are closed.
    Reset {
        /// The question's number.
        id: u32,
        /// Its answer to reset.
        atr: Hex,
    },
    /// The card is free for others.
    Disconnected {
        /// The question's number.
        id: u32,
    },
    /// The card is out of the reader, or the reader is gone: its number means nothing any more.
    Removed {
        /// The card's number.
        card: u32,
    },
    /// The chip of the page is in the virtual reader.
    Offered {
        /// The question's number.
        id: u32,
    },
    /// The chip of the page is to be reset. The page answers by [`Ask::Answer`].
    Power {
        /// Comes back with the answer.
        number: u32,
    },
    /// A command for the chip of the page. The page answers by [`Ask::Answer`]; nothing else is asked
    /// before that.
    Command {
        /// Comes back with the answer.
        number: u32,
        /// The command APDU, at most [`MAX_COMMAND`] bytes.
        apdu: Hex,
    },
    /// An answer of the chip has gone to the reader.
    Passed {
        /// The question's number.
        id: u32,
    },
    /// The chip of the page is out of the virtual reader: asked for, or because the reader is gone.
    Withdrawn {
        /// The question's number, if it was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
    },
    /// A question is not answered with what it asks for.
    Refused {
        /// The question's number, if it could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
        /// Why, for programs.
        why: Why,
        /// Why, for people, in English.
        text: String,
    },
}

/// A reader and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    /// PC/SC's name of it.
    pub name: String,
    /// What is in it.
    pub state: State,
    /// The card's answer to reset, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atr: Option<Hex>,
}

/// What is in a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No card.
    Empty,
    /// A card that can be connected to.
    Card,
    /// A card that does not answer a reset; it may be upside down.
    Mute,
    /// A card that another page or program has.
    Taken,
    /// A card that this page has.
    Yours,
}

/// The transmission protocol (ISO/IEC 7816-3) that the reader speaks with the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// Byte oriented: data of an answer is fetched by GET RESPONSE.
    #[serde(rename = "T=0")]
    T0,
    /// Block oriented.
    #[serde(rename = "T=1")]
    T1,
}

/// Why a question is not answered with what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The frame is not a question of this protocol.
    Malformed,
    /// Nothing but `pair` and `resume` before pairing.
    NotPaired,
    /// Not the code that is shown; it has tries left.
    WrongCode,
    /// No code is shown, or it is too old, or was tried too often: the person asks the bridge
    /// for another one.
    NoCode,
    /// Not a token of this run for this origin: the page has to be paired.
    UnknownToken,
    /// PC/SC is not running.
    NoService,
    /// There is no reader of that name.
    NoReader,
    /// There is no card in the reader.
    NoCard,
    /// The card does not answer.
    Mute,
    /// Another page or program has the card.
    Taken,
    /// The page has as many cards as it may.
    TooMany,
    /// The number is not of a card that the page has.
    UnknownCard,
    /// The card was taken out; its number means nothing any more.
    Removed,
    /// Not a command that may be sent: malformed, extended, or for the reader itself (class `FF`).
    Command,
    /// The bridge was not told of a virtual reader, or none is there.
    NoVirtualReader,
    /// The page offers no chip, or that was not asked of it.
    NotAsked,
    /// PC/SC refuses, for a reason that `text` tells.
    Failed,
}

/// Bytes, in hexadecimal on the wire.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hex(pub Vec<u8>);

/// A code or a token: it is shown to nobody.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Secret(#[serde(deserialize_with = "secret")] Zeroizing<String>);

impl Secret {
    /// Keeps it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// For the wire, the terminal of the bridge and a comparison; for nothing else.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        &self.0
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

fn expose<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_text())
}

/// A frame that is not of this protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The question's number, if that could be read.
    pub id: Option<u32>,
    /// What is wrong, in English.
    pub text: String,
}

impl Question {
    /// Reads a frame.
    ///
    /// # Errors
    /// Too long, not JSON, not a question of this protocol.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        #[derive(Deserialize)]
        struct Numbered {
            id: u32,
        }
        if text.len() > MAX_QUESTION {
            return Err(Malformed {
                id: None,
                text: format!("a question is at most {MAX_QUESTION} bytes long"),
            });
        }
        serde_json::from_str(text).map_err(|error| Malformed {
            id: serde_json::from_str(text).ok().map(|Numbered { id }| id),
            text: format!("not a question of this protocol: {error}"),
        })
    }

    /// The frame.
    #[must_use]
    pub fn to_json(&self) -> String {
        json(self)
    }
}

impl Tell {
    /// Reads a frame.
    ///
    /// # Errors
    /// Too long, not JSON, not of this protocol.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > MAX_TOLD {
            return Err(Malformed { id: None, text: format!("more than {MAX_TOLD} bytes") });
        }
        serde_json::from_str(text).map_err(|error| Malformed { id: None, text: error.to_string() })
    }

    /// The frame.
    #[must_use]
    pub fn to_json(&self) -> String {
        json(self)
    }

    /// The number of the question that this answers.
    #[must_use]
    pub const fn id(&self) -> Option<u32> {
        match self {
            Self::Welcome { .. } | Self::Removed { .. } | Self::Power { .. } | Self::Command { .. } => None,
            Self::Readers { id, .. } | Self::Withdrawn { id } | Self::Refused { id, .. } => *id,
            Self::Paired { id, .. }
            | Self::Connected { id, .. }
            | Self::Response { id, .. }
            | Self::Reset { id, .. }
            | Self::Offered { id }
            | Self::Passed { id }
            | Self::Disconnected { id } => Some(*id),
        }
    }
}

/// Nothing in these types can fail to be written: no map has keys that are not text.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0))
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl core::error::Error for Malformed {}
