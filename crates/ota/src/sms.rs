//! The short messages that packets travel in (3GPP TS 23.040, TS 31.111 §7.1,
//! TS 31.115 §4): ENVELOPE with SMS-PP download, SMS-DELIVER, the parts of a long
//! message, and SMS-SUBMIT for the answer.

use std::collections::VecDeque;

use tlv::{Tag, Writer};

use crate::Malformed;

/// User data header of a command packet: one element, identifier 70, empty.
pub const COMMAND_HEADER: [u8; 3] = [0x02, 0x70, 0x00];
/// User data header of a response packet: identifier 71.
pub const RESPONSE_HEADER: [u8; 3] = [0x02, 0x71, 0x00];
/// The most user data that one short message carries, header included.
pub const MOST_USER_DATA: usize = 140;

const HEADER_PRESENT: u8 = 0x40;
/// Eight bit data, class 2: for the card.
const DATA_FOR_CARD: u8 = 0xF6;
/// (U)SIM data download.
const DATA_DOWNLOAD: u8 = 0x7F;

/// ENVELOPE (SMS-PP download), TS 31.111 §7.1.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Download<'a> {
    /// The service centre, coded as TS 31.111 §8.1 has it: TON and NPI, digits.
    pub service_centre: Option<&'a [u8]>,
    /// The SMS-DELIVER.
    pub tpdu: &'a [u8],
}

impl<'a> Download<'a> {
    /// Its tag.
    pub const TAG: Tag = Tag(0xD1);

    /// Reads the data of an ENVELOPE.
    ///
    /// # Errors
    /// When it is not a data download from the network.
    pub fn decode(envelope: &'a [u8]) -> Result<Self, Malformed> {
        const DEVICES: Tag = Tag(0x02);
        const ADDRESS: Tag = Tag(0x06);
        const TPDU: Tag = Tag(0x0B);
        /// From the network to the card.
        const TO_CARD: [u8; 2] = [0x83, 0x81];
        /// TON and NPI, and twenty digits (TS 24.011 §8.2.5).
        const LONGEST_ADDRESS: usize = 11;
        let (mut devices, mut service_centre, mut tpdu) = (None, None, None);
        let mut reader = tlv::Tlv::single_of(envelope, Self::TAG)?.reader();
        while let Some(object) = reader.next()? {
            // Bit 8 tells only that the object must be understood.
            match Tag(object.tag.0 & 0x7F) {
                DEVICES => devices = Some(object.value),
                ADDRESS => service_centre = Some(object.value),
                TPDU => tpdu = Some(object.value),
                _ => {}
            }
        }
        if service_centre.is_some_and(|address| address.len() > LONGEST_ADDRESS) {
            return Err(Malformed);
        }
        match (devices, tpdu) {
            (Some(devices), Some(tpdu)) if devices == TO_CARD => Ok(Self { service_centre, tpdu }),
            _ => Err(Malformed),
        }
    }

    /// The data of the ENVELOPE, as a terminal makes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new()
            .nested(Self::TAG, |download| {
                download.tlv(Tag(0x82), &[0x83, 0x81]);
                download.optional(Tag(0x86), self.service_centre);
                download.tlv(Tag(0x8B), self.tpdu);
            })
            .finish()
    }
}

/// SMS-DELIVER with eight bit data (TS 23.040 §9.2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// Originating address as on the wire: number of digits, TON and NPI, digits.
    pub originator: Vec<u8>,
    /// Its user data header, without the length in front.
    pub header: Vec<u8>,
    /// What follows the header.
    pub data: Vec<u8>,
}

impl Deliver {
    /// Reads a TPDU.
    ///
    /// # Errors
    /// When it is no SMS-DELIVER of eight bit data, or lengths disagree.
    pub fn decode(tpdu: &[u8]) -> Result<Self, Malformed> {
        let [first, digits, rest @ ..] = tpdu else { return Err(Malformed) };
        if first & 0x03 != 0 || *digits > 20 {
            return Err(Malformed);
        }
        let (address, rest) = rest.split_at_checked(1 + usize::from(*digits).div_ceil(2)).ok_or(Malformed)?;
        let [_, coding, _, _, _, _, _, _, _, len, rest @ ..] = rest else { return Err(Malformed) };
        if !is_eight_bit(*coding) {
            return Err(Malformed);
        }
        let user_data = rest.get(..usize::from(*len)).ok_or(Malformed)?;
        let (header, data) = if first & HEADER_PRESENT == 0 {
            (&[][..], user_data)
        } else {
            let (len, rest) = user_data.split_first().ok_or(Malformed)?;
            rest.split_at_checked(usize::from(*len)).ok_or(Malformed)?
        };
        Ok(Self { originator: [&[*digits], address].concat(), header: header.to_vec(), data: data.to_vec() })
    }

    /// As a TPDU, with the time stamp of the service centre in seven swapped bytes.
    #[must_use]
    pub fn encode(&self, time: [u8; 7]) -> Vec<u8> {
        let mut tpdu = vec![if self.header.is_empty() { 0x04 } else { 0x04 | HEADER_PRESENT }];
        tpdu.extend_from_slice(&self.originator);
        tpdu.extend_from_slice(&[DATA_DOWNLOAD, DATA_FOR_CARD]);
        tpdu.extend_from_slice(&time);
        let head = usize::from(!self.header.is_empty());
        tpdu.push((head + self.header.len() + self.data.len()) as u8);
        if head == 1 {
            tpdu.push(self.header.len() as u8);
        }
        tpdu.extend_from_slice(&self.header);
        tpdu.extend_from_slice(&self.data);
        tpdu
    }

    /// The information elements of the header that matter here.
    fn elements(&self) -> Result<Elements, Malformed> {
        let mut elements = Elements::default();
        let mut rest = &self.header[..];
        while let [identifier, len, more @ ..] = rest {
            let (value, more) = more.split_at_checked(usize::from(*len)).ok_or(Malformed)?;
            match (*identifier, value) {
                (0x70, _) => elements.is_command = true,
                (0x00, &[reference, of, number]) => {
                    elements.part = Some(Part { reference: u16::from(reference), of, number });
                }
                (0x08, &[high, low, of, number]) => {
                    elements.part = Some(Part { reference: u16::from_be_bytes([high, low]), of, number });
                }
                _ => {}
            }
            rest = more;
        }
        if rest.is_empty() { Ok(elements) } else { Err(Malformed) }
    }
}

/// Whether a data coding scheme says eight bit data (TS 23.038 §4).
const fn is_eight_bit(coding: u8) -> bool {
    match coding >> 4 {
        0xF => coding & 0x04 != 0,
        0..=7 => coding & 0x0C == 0x04,
        _ => false,
    }
}

#[derive(Default)]
struct Elements {
    is_command: bool,
    part: Option<Part>,
}

#[derive(Clone, Copy)]
struct Part {
    reference: u16,
    of: u8,
    number: u8,
}

/// The SMS-DELIVERs that carry a command packet: one, or as many parts as it
/// takes. `reference` tells long messages apart.
#[must_use]
pub fn deliver(packet: &[u8], originator: &[u8], reference: u8) -> Vec<Deliver> {
    let part = |header: &[u8], data: &[u8]| Deliver {
        originator: originator.to_vec(),
        header: header.to_vec(),
        data: data.to_vec(),
    };
    let element = COMMAND_HEADER.get(1..).unwrap_or_default();
    if packet.len() + COMMAND_HEADER.len() <= MOST_USER_DATA {
        return vec![part(element, packet)];
    }
    /// Length, concatenation (5) and, for simplicity in every part, room for the
    /// command packet element (2).
    const HEAD: usize = 8;
    let pieces: Vec<&[u8]> = packet.chunks(MOST_USER_DATA - HEAD).collect();
    let of = pieces.len() as u8;
    (1..=of)
        .zip(pieces)
        .map(|(number, piece)| {
            let mut header = vec![0x00, 0x03, reference, of, number];
            if number == 1 {
                header.extend_from_slice(element);
            }
            part(&header, piece)
        })
        .collect()
}

/// Joins the parts of long messages.
#[derive(Clone, Debug, Default)]
pub struct Reassembly {
    /// Oldest first.
    begun: VecDeque<Begun>,
    /// Parts taken so far.
    taken: u64,
}

#[derive(Clone, Debug)]
struct Begun {
    originator: Vec<u8>,
    reference: u16,
    is_command: bool,
    parts: Vec<Option<Vec<u8>>>,
    /// When the last part came, counted in parts.
    at: u64,
}

impl Reassembly {
    /// The most parts of a message that are waited for.
    pub const MOST_PARTS: u8 = 32;
    /// The most messages that parts are waited for; one more, and the oldest is forgotten.
    pub const MOST_MESSAGES: usize = 4;
    /// A message of which none of the last so many parts was one is forgotten: its reference
    /// number may come round.
    pub const PATIENCE: u64 = 128;

    /// Takes a message. Returns a command packet when it is whole; `None` when
    /// parts are missing, or when the message is of another kind.
    ///
    /// # Errors
    /// When its header is malformed, or announces more parts than can be kept.
    pub fn take(&mut self, message: Deliver) -> Result<Option<Vec<u8>>, Malformed> {
        let Elements { is_command, part } = message.elements()?;
        let Some(part) = part else {
            return Ok(is_command.then_some(message.data));
        };
        let index = usize::from(part.number.checked_sub(1).ok_or(Malformed)?);
        if part.number > part.of || part.of > Self::MOST_PARTS {
            return Err(Malformed);
        }
        let of = usize::from(part.of);
        let same = |begun: &Begun| {
            begun.originator == message.originator
                && begun.reference == part.reference
                && begun.parts.len() == of
        };
        self.taken += 1;
        let now = self.taken;
        self.begun.retain(|begun| now - begun.at <= Self::PATIENCE);
        let known = self.begun.iter().position(same);
        let mut begun = match known.and_then(|at| self.begun.remove(at)) {
            Some(begun) => begun,
            None => Begun {
                originator: message.originator,
                reference: part.reference,
                is_command: false,
                parts: vec![None; of],
                at: now,
            },
        };
        begun.at = now;
        begun.is_command |= is_command;
        if let Some(place) = begun.parts.get_mut(index) {
            *place = Some(message.data);
        }
        if begun.parts.iter().any(Option::is_none) {
            if self.begun.len() == Self::MOST_MESSAGES {
                self.begun.pop_front();
            }
            self.begun.push_back(begun);
            return Ok(None);
        }
        let whole: Vec<u8> = begun.parts.into_iter().flatten().flatten().collect();
        Ok(begun.is_command.then_some(whole))
    }
}

/// The SMS-SUBMIT that brings a response packet back to whom the command came
/// from (TS 23.040 §9.2.2.2). `user_data` begins with its header.
///
/// # Errors
/// When it is more than one message carries.
pub fn submit(destination: &[u8], user_data: &[u8]) -> Result<Vec<u8>, Malformed> {
    if user_data.len() > MOST_USER_DATA {
        return Err(Malformed);
    }
    // SMS-SUBMIT without validity period; the terminal sets the reference.
    let mut tpdu = vec![0x01 | HEADER_PRESENT, 0x00];
    tpdu.extend_from_slice(destination);
    tpdu.extend_from_slice(&[0x00, DATA_FOR_CARD, user_data.len() as u8]);
    tpdu.extend_from_slice(user_data);
    Ok(tpdu)
}
