//! Remote commands inside a packet (ETSI TS 102 226 §5): the compact format, APDUs
//! one after another, and the expanded one, data objects in a template.

use tlv::{Reader, Tag, Writer};

use crate::Malformed;

/// The form of a script, which is also that of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// APDUs one after another; answer: count, last status word, last data.
    Compact,
    /// `AA` with a length; answer `AB`.
    Definite,
    /// `AE 80` to `00 00`; answer `AF`.
    Indefinite,
}

/// Why a script cannot be executed (expanded format).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An object that is not known.
    UnknownTag,
    /// A wrong length.
    WrongLength,
    /// An object without its length.
    LengthNotFound,
    /// Script chaining, which is not supported.
    Chaining,
}

/// A script: its commands as APDUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script<'a> {
    /// Its form.
    pub format: Format,
    /// The commands, in order.
    pub commands: Vec<&'a [u8]>,
    /// What keeps the rest from being executed.
    pub fault: Option<Fault>,
}

/// What the tag byte of a template starts that no command can: `AA` and `AE` are
/// classes that ISO 7816-4 does not use for cards of telecommunication.
const DEFINITE: u8 = 0xAA;
const INDEFINITE: u8 = 0xAE;
const C_APDU: Tag = Tag(0x22);
const R_APDU: Tag = Tag(0x23);
const EXECUTED: Tag = Tag(0x80);
const CHAINING: Tag = Tag(0x83);
const BAD_FORMAT: Tag = Tag(0x90);

impl<'a> Script<'a> {
    /// Reads the data of a packet. Compact commands whose length field runs past
    /// the end are a fault after those before it.
    #[must_use]
    pub fn decode(data: &'a [u8]) -> Self {
        match data {
            [DEFINITE, ..] => Self::definite(data),
            [INDEFINITE, 0x80, objects @ ..] => Self::objects(objects, Format::Indefinite),
            [INDEFINITE, ..] => {
                Self { format: Format::Indefinite, commands: Vec::new(), fault: Some(Fault::LengthNotFound) }
            }
            _ => Self::compact(data),
        }
    }

    fn compact(mut data: &'a [u8]) -> Self {
        let mut script = Self { format: Format::Compact, commands: Vec::new(), fault: None };
        while !data.is_empty() {
            let len = match data {
                // P3 is Le: data only comes back.
                [_, ins, _, _, _, ..] if is_outgoing(*ins) => 5,
                [_, _, _, _, lc, ..] => 5 + usize::from(*lc),
                _ => data.len() + 1,
            };
            let Some((command, rest)) = data.split_at_checked(len) else {
                script.fault = Some(Fault::WrongLength);
                break;
            };
            script.commands.push(command);
            data = rest;
        }
        script
    }

    fn definite(data: &'a [u8]) -> Self {
        match tlv::Tlv::single_of(data, Tag(u32::from(DEFINITE))) {
            Ok(template) => Self::objects(template.value, Format::Definite),
            Err(_) => {
                Self { format: Format::Definite, commands: Vec::new(), fault: Some(Fault::WrongLength) }
            }
        }
    }

    fn objects(objects: &'a [u8], format: Format) -> Self {
        const END: Tag = Tag(0);
        let mut script = Self { format, commands: Vec::new(), fault: None };
        let mut reader = Reader::new(objects);
        loop {
            match reader.next() {
                Ok(Some(object)) if object.tag == C_APDU => script.commands.push(object.value),
                Ok(Some(object)) if object.tag == END && format == Format::Indefinite => break,
                Ok(Some(object)) => {
                    let chained = object.tag == CHAINING;
                    script.fault = Some(if chained { Fault::Chaining } else { Fault::UnknownTag });
                    break;
                }
                Ok(None) => {
                    if format == Format::Indefinite {
                        script.fault = Some(Fault::LengthNotFound);
                    }
                    break;
                }
                Err(_) => {
                    script.fault = Some(Fault::WrongLength);
                    break;
                }
            }
        }
        script
    }

    /// As the data of a packet.
    #[must_use]
    pub fn encode(format: Format, commands: &[impl AsRef<[u8]>]) -> Vec<u8> {
        if format == Format::Compact {
            return commands.iter().flat_map(|command| command.as_ref().to_vec()).collect();
        }
        let mut objects = Writer::new();
        for command in commands {
            objects.tlv(C_APDU, command.as_ref());
        }
        enclose(format, DEFINITE, INDEFINITE, &objects.finish())
    }
}

/// Whether P3 of a compact command is Le: READ BINARY and RECORD, GET RESPONSE,
/// GET DATA, STATUS, GET CHALLENGE, FETCH.
const fn is_outgoing(ins: u8) -> bool {
    matches!(ins, 0xB0 | 0xB2 | 0xC0 | 0xCA | 0xF2 | 0x84 | 0x12)
}

/// What came of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Number of commands executed, the one that failed included.
    pub executed: u32,
    /// Data and status word of each (expanded), or of the last one (compact).
    pub answers: Vec<(Vec<u8>, u16)>,
    /// What kept the rest from being executed (expanded).
    pub fault: Option<Fault>,
}

impl Outcome {
    /// As the data of a response packet.
    #[must_use]
    pub fn encode(&self, format: Format) -> Vec<u8> {
        if format == Format::Compact {
            let Some((data, sw)) = self.answers.last() else { return vec![0] };
            let mut bytes = vec![self.executed.min(255) as u8];
            bytes.extend_from_slice(&sw.to_be_bytes());
            bytes.extend_from_slice(data);
            return bytes;
        }
        let mut objects = Writer::new();
        if format == Format::Definite {
            objects.unsigned(EXECUTED, self.executed);
        }
        for (data, sw) in &self.answers {
            objects.tlv(R_APDU, &[data, &sw.to_be_bytes()[..]].concat());
        }
        let fault = self.fault.map(|fault| match fault {
            Fault::UnknownTag => (BAD_FORMAT, 0x01),
            Fault::WrongLength => (BAD_FORMAT, 0x02),
            Fault::LengthNotFound => (BAD_FORMAT, 0x03),
            Fault::Chaining => (CHAINING, 0x02),
        });
        if let Some((tag, value)) = fault {
            objects.tlv(tag, &[value]);
        }
        enclose(format, 0xAB, 0xAF, &objects.finish())
    }

    /// Reads the data of a response packet.
    ///
    /// # Errors
    /// When it does not have this form.
    pub fn decode(format: Format, data: &[u8]) -> Result<Self, Malformed> {
        let objects = match (format, data) {
            (Format::Compact, [executed, high, low, data @ ..]) => {
                let answers = vec![(data.to_vec(), u16::from_be_bytes([*high, *low]))];
                return Ok(Self { executed: u32::from(*executed), answers, fault: None });
            }
            (Format::Compact, [0]) => return Ok(Self { executed: 0, answers: Vec::new(), fault: None }),
            (Format::Definite, _) => tlv::Tlv::single_of(data, Tag(0xAB))?.value,
            (Format::Indefinite, [0xAF, 0x80, objects @ .., 0x00, 0x00]) => objects,
            _ => return Err(Malformed),
        };
        let mut outcome = Self { executed: 0, answers: Vec::new(), fault: None };
        let mut executed = None;
        let mut reader = Reader::new(objects);
        while let Some(object) = reader.next()? {
            match (object.tag, object.value) {
                (EXECUTED, _) => executed = Some(object.unsigned()?),
                (R_APDU, [data @ .., high, low]) => {
                    outcome.answers.push((data.to_vec(), u16::from_be_bytes([*high, *low])));
                }
                (BAD_FORMAT, [0x01]) => outcome.fault = Some(Fault::UnknownTag),
                (BAD_FORMAT, [0x02]) => outcome.fault = Some(Fault::WrongLength),
                (BAD_FORMAT, [0x03]) => outcome.fault = Some(Fault::LengthNotFound),
                (CHAINING, _) => outcome.fault = Some(Fault::Chaining),
                _ => return Err(Malformed),
            }
        }
        outcome.executed = executed.unwrap_or(outcome.answers.len() as u32);
        Ok(outcome)
    }
}

fn enclose(format: Format, definite: u8, indefinite: u8, objects: &[u8]) -> Vec<u8> {
    if format == Format::Definite {
        return tlv::encode(Tag(u32::from(definite)), objects);
    }
    [&[indefinite, 0x80], objects, &[0x00, 0x00]].concat()
}
