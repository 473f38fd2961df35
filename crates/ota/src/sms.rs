//! Short messages that carry packets (3GPP TS 23.040 §9.2, TS 31.115 §4): SMS-DELIVER with a
//! user data header, in one message or in several; the envelope around it (3GPP TS 31.111
//! §7.1.1); SMS-SUBMIT for a receipt.

use tlv::{Tag, Writer};

use crate::Malformed;

/// User data of one short message, 8-bit.
pub const MAX_USER_DATA: usize = 140;

/// Information element identifiers of the user data header.
const CONCATENATED_8: u8 = 0x00;
const CONCATENATED_16: u8 = 0x08;
const COMMAND_PACKET: u8 = 0x70;

/// A short message as the card gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// TP-Originating-Address, with its length.
    pub originator: &'a [u8],
    /// Whether the user data header says that a command packet begins here.
    pub is_command_packet: bool,
    /// Which part of a longer message it is.
    pub part: Option<Part>,
    /// User data behind its header.
    pub data: &'a [u8],
}

/// A part of a concatenated short message (3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What the parts have in common.
    pub reference: u16,
    /// How many there are.
    pub count: u8,
    /// Which one this is, from 1.
    pub number: u8,
}

impl<'a> Delivery<'a> {
    /// Reads an SMS-DELIVER TPDU with a user data header.
    ///
    /// # Errors
    /// When it is another message, without such a header, or cut off.
    pub fn parse(tpdu: &'a [u8]) -> Result<Self, Malformed> {
        const MESSAGE_TYPE: u8 = 0x03;
        const HAS_HEADER: u8 = 0x40;
        /// TP-PID, TP-DCS, TP-SCTS.
        const FIXED: usize = 9;
        let short = Malformed("SMS-DELIVER is cut off");
        let (&first, rest) = tpdu.split_first().ok_or(short)?;
        if first & MESSAGE_TYPE != 0 || first & HAS_HEADER == 0 {
            return Err(Malformed("not an SMS-DELIVER with a user data header"));
        }
        // Digits, after them the type; two digits a byte.
        let digits = usize::from(*rest.first().ok_or(short)?);
        let (originator, rest) = rest.split_at_checked(2 + digits.div_ceil(2)).ok_or(short)?;
        let (_, rest) = rest.split_at_checked(FIXED).ok_or(short)?;
        let (&len, user_data) = rest.split_first().ok_or(short)?;
        if usize::from(len) != user_data.len() {
            return Err(Malformed("TP-UDL"));
        }
        let (&header_len, rest) = user_data.split_first().ok_or(short)?;
        let (mut header, data) =
            rest.split_at_checked(usize::from(header_len)).ok_or(Malformed("user data header"))?;
        let mut delivery = Self { originator, is_command_packet: false, part: None, data };
        while let [kind, len, rest @ ..] = header {
            let (value, rest) =
                rest.split_at_checked(usize::from(*len)).ok_or(Malformed("information element"))?;
            match (*kind, value) {
                (CONCATENATED_8, &[reference, count, number]) => {
                    delivery.part = Some(Part { reference: u16::from(reference), count, number });
                }
                (CONCATENATED_16, &[high, low, count, number]) => {
                    let reference = u16::from_be_bytes([high, low]);
                    delivery.part = Some(Part { reference, count, number });
                }
                (COMMAND_PACKET, _) => delivery.is_command_packet = true,
                _ => {}
            }
            header = rest;
        }
        Ok(delivery)
    }
}

/// Puts the parts of longer messages together; what never becomes whole makes room for what
/// comes after it.
#[derive(Default)]
pub struct Assembly {
    begun: Vec<Begun>,
}

struct Begun {
    originator: Vec<u8>,
    reference: u16,
    parts: Vec<Option<Vec<u8>>>,
    is_command_packet: bool,
}

impl Assembly {
    /// As many messages may be under way.
    const MOST: usize = 2;
    /// As many parts may one have: 255 are possible, no operator sends more than a few.
    const MOST_PARTS: u8 = 32;

    /// Takes a message. Returns the command packet once it is whole.
    pub fn add(&mut self, delivery: &Delivery<'_>) -> Option<Vec<u8>> {
        let Some(part) = delivery.part else {
            return delivery.is_command_packet.then(|| delivery.data.to_vec());
        };
        let index = usize::from(part.number).checked_sub(1)?;
        if part.count > Self::MOST_PARTS || index >= usize::from(part.count) {
            return None;
        }
        let same = |begun: &Begun| {
            begun.originator == delivery.originator
                && begun.reference == part.reference
                && begun.parts.len() == usize::from(part.count)
        };
        let at = match self.begun.iter().position(same) {
            Some(at) => at,
            None => {
                if self.begun.len() == Self::MOST {
                    self.begun.remove(0);
                }
                self.begun.push(Begun {
                    originator: delivery.originator.to_vec(),
                    reference: part.reference,
                    parts: vec![None; usize::from(part.count)],
                    is_command_packet: false,
                });
                self.begun.len() - 1
            }
        };
        let begun = &mut self.begun[at];
        begun.is_command_packet |= delivery.is_command_packet;
        begun.parts[index] = Some(delivery.data.to_vec());
        if begun.parts.iter().any(Option::is_none) {
            return None;
        }
        let whole = self.begun.remove(at);
        whole.is_command_packet.then(|| whole.parts.into_iter().flatten().flatten().collect())
    }
}

/// User data, header in front, of the messages that a command packet takes: one, or several
/// with this reference.
#[must_use]
pub fn fragments(packet: &[u8], reference: u8) -> Vec<Vec<u8>> {
    if packet.len() + 3 <= MAX_USER_DATA {
        return vec![[&[0x02, COMMAND_PACKET, 0x00], packet].concat()];
    }
    // The first one has the command packet's identifier too.
    let first = MAX_USER_DATA - 8;
    let (head, rest) = packet.split_at(first.min(packet.len()));
    let pieces: Vec<&[u8]> = core::iter::once(head).chain(rest.chunks(MAX_USER_DATA - 6)).collect();
    let count = pieces.len() as u8;
    (1..)
        .zip(pieces)
        .map(|(number, piece)| {
            let concatenated = [CONCATENATED_8, 0x03, reference, count, number];
            match number {
                1 => [&[0x07], &concatenated[..], &[COMMAND_PACKET, 0x00], piece].concat(),
                _ => [&[0x05], &concatenated[..], piece].concat(),
            }
        })
        .collect()
}

/// An SMS-DELIVER TPDU for the card (class 2, SIM data download): `originator` is
/// TP-Originating-Address with its length, `user_data` 140 bytes at most.
#[must_use]
pub fn deliver(originator: &[u8], user_data: &[u8]) -> Vec<u8> {
    const SIM_DATA_DOWNLOAD: u8 = 0x7F;
    const CLASS_2: u8 = 0xF6;
    const TIME: [u8; 7] = [0; 7];
    [&[0x40], originator, &[SIM_DATA_DOWNLOAD, CLASS_2], &TIME, &[user_data.len() as u8], user_data].concat()
}

/// ENVELOPE (SMS-PP DOWNLOAD) around an SMS-DELIVER TPDU, from `address`, the service centre
/// as TS 102 223 §8.1 codes it.
#[must_use]
pub fn envelope(address: &[u8], tpdu: &[u8]) -> Vec<u8> {
    Writer::new()
        .nested(Tag(0xD1), |download| {
            download.tlv(Tag(0x82), &[0x83, 0x81]).tlv(Tag(0x86), address).tlv(Tag(0x8B), tpdu);
        })
        .finish()
}

/// The TPDU in an ENVELOPE's value; tags with or without the bit that asks for comprehension.
///
/// # Errors
/// When there is none.
pub fn tpdu(download: &[u8]) -> Result<&[u8], Malformed> {
    const TPDU: Tag = Tag(0x0B);
    let mut reader = tlv::Reader::new(download);
    while let Some(object) = reader.next().map_err(|_| Malformed("SMS-PP download"))? {
        if Tag(object.tag.0 & 0x7F) == TPDU {
            return Ok(object.value);
        }
    }
    Err(Malformed("SMS-PP download without a TPDU"))
}

/// An SMS-SUBMIT TPDU that carries a receipt back to whom the packet came from.
#[must_use]
pub fn submit(destination: &[u8], user_data: &[u8]) -> Vec<u8> {
    const SIM_DATA_DOWNLOAD: u8 = 0x7F;
    const CLASS_2: u8 = 0xF6;
    let head = [&[0x41, 0x00], destination, &[SIM_DATA_DOWNLOAD, CLASS_2, user_data.len() as u8]].concat();
    [&head[..], user_data].concat()
}
