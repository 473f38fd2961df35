//! Remote commands, several in one packet, and what came of them (ETSI TS 102 226 §5.2).

use tlv::{Reader, Tag, Tlv, Writer};

use crate::Malformed;

/// Commands of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script<'a> {
    /// Command after command; only the last may have response data.
    Compact(Vec<&'a [u8]>),
    /// Command TLVs in a template of definite or indefinite length.
    Expanded {
        /// Each a whole command APDU.
        commands: Vec<&'a [u8]>,
        /// Whether the template had an indefinite length; so has the answer then.
        indefinite: bool,
    },
}

/// What came of one command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// Response data.
    pub data: Vec<u8>,
    /// Status word.
    pub sw: u16,
}

const COMMANDS: Tag = Tag(0xAA);
const COMMANDS_INDEFINITE: u8 = 0xAE;
const RESPONSES: Tag = Tag(0xAB);
const RESPONSES_INDEFINITE: u8 = 0xAF;
const COMMAND: Tag = Tag(0x22);
const RESPONSE: Tag = Tag(0x23);
const NUMBER_EXECUTED: Tag = Tag(0x80);
const BAD_FORMAT: Tag = Tag(0x90);

impl<'a> Script<'a> {
    /// As many commands may one packet have.
    const MOST: usize = 255;

    /// Reads the data of a packet.
    ///
    /// # Errors
    /// When it ends in the middle of a command, or has too many.
    pub fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let too_many = Malformed("too many commands");
        match data {
            [COMMANDS_INDEFINITE, 0x80, rest @ ..] => {
                let inner = rest.strip_suffix(&[0, 0]).ok_or(Malformed("end of contents"))?;
                Ok(Self::Expanded { commands: commands(inner)?, indefinite: true })
            }
            [0xAA, ..] => {
                let template = Tlv::single_of(data, COMMANDS).map_err(|_| Malformed("command script"))?;
                Ok(Self::Expanded { commands: commands(template.value)?, indefinite: false })
            }
            _ => {
                let (mut list, mut rest) = (Vec::new(), data);
                while !rest.is_empty() {
                    let &[_, ins, _, _, p3, ..] = rest else { return Err(Malformed("command header")) };
                    let sent = if asks_for_data(ins) { 0 } else { usize::from(p3) };
                    let (command, after) =
                        rest.split_at_checked(5 + sent).ok_or(Malformed("command data"))?;
                    list.push(command);
                    rest = after;
                }
                if list.len() > Self::MOST { Err(too_many) } else { Ok(Self::Compact(list)) }
            }
        }
    }

    /// The commands in their order. Of a compact script P3 is Lc or Le; see
    /// [`asks_for_data`].
    #[must_use]
    pub fn commands(&self) -> &[&'a [u8]] {
        match self {
            Self::Compact(commands) | Self::Expanded { commands, .. } => commands,
        }
    }

    /// The additional response data that tells what came of the commands.
    #[must_use]
    pub fn answer(&self, executed: &[Executed]) -> Vec<u8> {
        let number = executed.len().min(255) as u8;
        match self {
            Self::Compact(_) => {
                let Some(last) = executed.last() else { return vec![0, 0x90, 0x00] };
                [&[number][..], &last.sw.to_be_bytes(), &last.data].concat()
            }
            Self::Expanded { indefinite, .. } => {
                let mut inner = Writer::new();
                inner.tlv(NUMBER_EXECUTED, &[number]);
                for one in executed {
                    inner.tlv(RESPONSE, &[&one.data[..], &one.sw.to_be_bytes()].concat());
                }
                wrapped(*indefinite, &inner.finish())
            }
        }
    }
}

/// What is answered to data that is no script: in the expanded format it has a word for it.
#[must_use]
pub fn bad_format(data: &[u8]) -> Vec<u8> {
    match data.first() {
        Some(0xAA) => wrapped(false, &[NUMBER_EXECUTED.0 as u8, 1, 0, BAD_FORMAT.0 as u8, 1, 0x01]),
        Some(&COMMANDS_INDEFINITE) => wrapped(true, &[0x80, 1, 0, 0x90, 1, 0x01]),
        // No command executed, wrong length.
        _ => vec![0, 0x67, 0x00],
    }
}

fn wrapped(indefinite: bool, inner: &[u8]) -> Vec<u8> {
    match indefinite {
        true => [&[RESPONSES_INDEFINITE, 0x80], inner, &[0, 0]].concat(),
        false => tlv::encode(RESPONSES, inner),
    }
}

/// The command TLVs; the other objects of a script (immediate and error action, chaining) are
/// for who has a use for them and are left out.
fn commands(inner: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut reader = Reader::new(inner);
    let mut list = Vec::new();
    while let Some(object) = reader.next().map_err(|_| Malformed("command TLV"))? {
        if object.tag == COMMAND {
            list.push(object.value);
        }
        if list.len() > Script::MOST {
            return Err(Malformed("too many commands"));
        }
    }
    Ok(list)
}

/// Whether P3 of a compact command is the length of what it asks for: READ BINARY and READ
/// RECORD, GET RESPONSE, STATUS, GET CHALLENGE, GET DATA, FETCH.
#[must_use]
pub const fn asks_for_data(ins: u8) -> bool {
    matches!(ins, 0xB0 | 0xB2 | 0xC0 | 0xF2 | 0x84 | 0xCA | 0x12)
}
