//! APDUs as GSMTAP (Osmocom) in UDP in IPv4, in a classic pcap file.

use apdu::Command;

use super::Origin;
use crate::decode;
use crate::record::{Message, Part, Trace};

/// LINKTYPE_IPV4.
const LINK_TYPE: u32 = 228;
/// Longest payload: what UDP can carry.
const LONGEST: usize = 65_507 - 16;

/// APDUs as a pcap file, which Wireshark opens: an exchange each, without Le as with T=0.
#[must_use]
pub fn to_pcap(trace: &Trace, origin: &Origin) -> Vec<u8> {
    let mut file = Vec::new();
    // Magic for microseconds, version 2.4, UTC, no accuracy, longest packet, link.
    file.extend_from_slice(&0xA1B2_C3D4_u32.to_le_bytes());
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&4_u16.to_le_bytes());
    file.extend_from_slice(&[0; 8]);
    file.extend_from_slice(&262_144_u32.to_le_bytes());
    file.extend_from_slice(&LINK_TYPE.to_le_bytes());
    for message in trace.messages().filter(|message| message.http.is_none()) {
        for part in &message.parts {
            packet(&mut file, message, part, origin);
        }
    }
    file
}

fn packet(file: &mut Vec<u8>, message: &Message, part: &Part, origin: &Origin) {
    let (kind, mut payload) = if decode::is_reset(message) {
        (1, part.response.clone().unwrap_or_default())
    } else {
        (0, [tpdu(&part.request), part.response.clone().unwrap_or_default()].concat())
    };
    payload.truncate(LONGEST);
    let ms = origin.epoch_ms + part.at;
    let ms = if ms.is_finite() { ms.clamp(0.0, f64::from(u32::MAX) * 1000.0) } else { 0.0 };
    let length = 20 + 8 + 16 + payload.len();
    for number in [(ms / 1000.0) as u32, ((ms % 1000.0) * 1000.0) as u32, length as u32, length as u32] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    // IPv4 between two of this host; each card has an address of its own.
    let card = match message.to {
        crate::Party::Watch => 3,
        crate::Party::Card => 4,
        _ => 2,
    };
    let mut ip = [0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, card];
    ip[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    let check = checksum(&ip);
    ip[10..12].copy_from_slice(&check.to_be_bytes());
    file.extend_from_slice(&ip);
    // UDP to the port of GSMTAP; a checksum of zero is none.
    for number in [4729, 4729, (length - 20) as u16, 0] {
        file.extend_from_slice(&number.to_be_bytes());
    }
    // GSMTAP: version 2, four words of header, SIM; frame number, then what of a SIM.
    file.extend_from_slice(&[2, 4, 4, 0, 0, 0, 0, 0]);
    file.extend_from_slice(&message.id.to_be_bytes());
    file.extend_from_slice(&[kind, 0, 0, 0]);
    file.extend_from_slice(&payload);
}

/// A command as it crosses T=0: five bytes, then the data; Le only where there is no data.
fn tpdu(command: &[u8]) -> Vec<u8> {
    match Command::parse(command) {
        Ok(parsed) if parsed.data.len() <= 255 => {
            let third = if parsed.data.is_empty() {
                parsed.le.map_or(0, |le| le as u8)
            } else {
                parsed.data.len() as u8
            };
            let mut bytes = vec![parsed.cla, parsed.ins, parsed.p1, parsed.p2, third];
            bytes.extend_from_slice(parsed.data);
            bytes
        }
        _ => command.to_vec(),
    }
}

/// The ones' complement of the ones' complement sum (RFC 791).
fn checksum(header: &[u8]) -> u16 {
    let mut sum: u32 =
        header.chunks(2).map(|pair| pair.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))).sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}
