//! Command and response APDUs: headers in words, their data by command, status words, the ATR.

use apdu::{Command, StatusWord, ins};

use crate::der::{Decoder, Kind};
use crate::es10;
use crate::name;
use crate::node::{Node, Secrecy};
use crate::spoken;
use crate::uicc;
use crate::values;

/// The header of a command, its data and Le.
pub(crate) fn command(decoder: &mut Decoder, bytes: &[u8], file: Option<u16>, whole: bool) -> Vec<Node> {
    let Ok(parsed) = Command::parse(bytes) else {
        let why = "header, Lc and Le do not agree with the number of bytes";
        return vec![Node::fault(format!("{why}: {}", values::hex(bytes)), 0..bytes.len())];
    };
    let mut nodes =
        vec![Node::new("CLA", class(parsed.cla), 0..1), Node::new("INS", instruction(&parsed), 1..2)];
    let (p1, p2) = parameters(&parsed);
    nodes.push(Node::new("P1", p1, 2..3));
    nodes.push(Node::new("P2", p2, 3..4));
    // Lc of one byte, or of three where the first is zero.
    let start = if bytes.get(4) == Some(&0) && bytes.len() > 7 { 7 } else { 5 };
    let end = start + parsed.data.len();
    if !parsed.data.is_empty() {
        nodes.push(Node::new("Lc", parsed.data.len().to_string(), 4..start));
        let children = if whole { data(decoder, &parsed, file, start) } else { Vec::new() };
        let text = if children.is_empty() { values::hex(parsed.data) } else { String::new() };
        nodes.push(Node::new("data", text, start..end).holding(children));
    }
    if let Some(le) = parsed.le {
        let place = if parsed.data.is_empty() { 4 } else { end };
        let text = if le == 256 || le == 65_536 { format!("{le} (all there is)") } else { le.to_string() };
        nodes.push(Node::new("Le", text, place.min(bytes.len())..bytes.len()));
    }
    nodes
}

/// What the data of a command is.
pub(crate) fn data(
    decoder: &mut Decoder,
    command: &Command<'_>,
    file: Option<u16>,
    base: usize,
) -> Vec<Node> {
    let (data, range) = (command.data, base..base + command.data.len());
    match command.ins {
        ins::STORE_DATA => request(decoder, data, base),
        ins::SELECT if command.p1 == 4 => vec![decoder.value(Kind::Aid, "AID", data, base, 1)],
        ins::SELECT => uicc::path(data, base),
        ins::AUTHENTICATE => uicc::authenticate(command.p2, data, base),
        ins::VERIFY_PIN | ins::CHANGE_PIN | ins::DISABLE_PIN | ins::ENABLE_PIN | ins::UNBLOCK_PIN => {
            let names = match command.ins {
                ins::CHANGE_PIN => ["old PIN", "new PIN"],
                ins::UNBLOCK_PIN => ["PUK", "new PIN"],
                _ => ["PIN", "more"],
            };
            data.chunks(8)
                .zip(names)
                .enumerate()
                .map(|(index, (value, name))| decoder.value(Kind::Pin, name, value, base + 8 * index, 1))
                .collect()
        }
        ins::TERMINAL_CAPABILITY => decoder.objects(data, base, &uicc::CAPABILITY, false, 1),
        ins::TERMINAL_PROFILE => uicc::terminal_profile(data, base),
        ins::TERMINAL_RESPONSE => decoder.objects(data, base, &uicc::TOOLKIT, false, 1),
        ins::ENVELOPE => decoder.objects(data, base, &uicc::ENVELOPE, false, 1),
        ins::UPDATE_BINARY | ins::UPDATE_RECORD | 0xDB => match file {
            Some(file) if starts_at_zero(command) => vec![of_file(decoder, file, data, base)],
            Some(file) if uicc::has_keys(file) => vec![keys(range)],
            _ => Vec::new(),
        },
        // PUT KEY (GlobalPlatform §11.8).
        0xD8 => vec![keys(range)],
        _ => Vec::new(),
    }
}

/// A request of ES10, or a segment of a package.
pub(crate) fn request(decoder: &mut Decoder, data: &[u8], base: usize) -> Vec<Node> {
    let table: &'static [crate::der::Field] = match tlv::tag(data) {
        Ok(Some(tlv::Tag(0x86 | 0x87 | 0x88 | 0xA0 | 0xA1 | 0xA2 | 0xA3))) => {
            // The head of a sequence is a segment of its own: its values follow later.
            decoder.piece = true;
            &es10::SEGMENTS
        }
        _ => &es10::REQUESTS,
    };
    let nodes = decoder.objects(data, base, table, false, 0);
    decoder.piece = false;
    nodes
}

/// Whether a READ or UPDATE begins where the file or record begins.
const fn starts_at_zero(command: &Command<'_>) -> bool {
    match command.ins {
        ins::READ_BINARY | ins::UPDATE_BINARY => {
            command.p2 == 0 && (command.p1 == 0 || command.p1 & 0x80 != 0)
        }
        _ => true,
    }
}

fn of_file(decoder: &mut Decoder, file: u16, data: &[u8], base: usize) -> Node {
    let children = uicc::contents(decoder, file, data, base);
    let secrecy = if uicc::has_keys(file) { Secrecy::Key } else { Secrecy::Open };
    Node::new(uicc::file_text(file), String::new(), base..base + data.len()).secret(secrecy).holding(children)
}

fn keys(range: std::ops::Range<usize>) -> Node {
    Node::new("keys", format!("{} bytes", range.len()), range).secret(Secrecy::Key)
}

/// What the data of an answer is, by the command that asked for it. An answer that is only a
/// piece of one is not `whole`.
pub(crate) fn answer(
    decoder: &mut Decoder,
    asked: &[u8],
    data: &[u8],
    file: Option<u16>,
    whole: bool,
) -> Vec<Node> {
    if data.is_empty() {
        return Vec::new();
    }
    let range = 0..data.len();
    let plain = |name: &'static str| vec![Node::new(name, values::hex(data), range.clone())];
    let Ok(command) = Command::parse(asked) else { return plain("data") };
    match command.ins {
        _ if !whole => match (command.ins, file) {
            (ins::AUTHENTICATE, _) => vec![keys(range)],
            (_, Some(file)) if uicc::has_keys(file) => vec![keys(range)],
            _ => plain("piece of the answer"),
        },
        ins::STORE_DATA => decoder.objects(data, 0, &es10::RESPONSES, false, 0),
        ins::SELECT => decoder.objects(data, 0, &uicc::FCP, false, 0),
        ins::STATUS if command.p2 == 0 => decoder.objects(data, 0, &uicc::FCP, false, 0),
        ins::STATUS => decoder.objects(data, 0, &es10::FCI, false, 0),
        ins::MANAGE_CHANNEL => plain("logical channel"),
        ins::AUTHENTICATE | 0x89 => uicc::authenticated(command.p2, data, 0),
        ins::READ_BINARY | ins::READ_RECORD | 0xCB => match file {
            Some(file) if starts_at_zero(&command) => vec![of_file(decoder, file, data, 0)],
            Some(file) if uicc::has_keys(file) => vec![keys(range)],
            _ => plain("data"),
        },
        ins::FETCH => decoder.objects(data, 0, &uicc::PROACTIVE, false, 0),
        ins::GET_RESPONSE => plain("piece of the answer"),
        // GET IDENTITY: the concealed identity of the subscriber.
        0x78 => plain("SUCI"),
        _ => plain("data"),
    }
}

/// The status word at the end of an answer.
pub(crate) fn status(response: &[u8]) -> Node {
    let at = response.len().saturating_sub(2);
    let Some(sw) = response.last_chunk::<2>() else {
        return Node::fault("no status word", 0..response.len());
    };
    let sw = StatusWord(u16::from_be_bytes(*sw));
    Node::new("SW", format!("{sw} {}", spoken::meaning(sw).en), at..response.len())
        .section("TS 102 221 §10.2")
}

fn class(cla: u8) -> String {
    let kind = match cla >> 4 {
        0x8 | 0xC | 0x9 | 0xD | 0xE => "ETSI, GlobalPlatform",
        0xA => return format!("{cla:02X} (SIM of 3GPP TS 51.011)"),
        0x0 | 0x1 | 0x4..=0x7 => "ISO 7816-4",
        _ => return format!("{cla:02X} (foreign)"),
    };
    let chained = if cla & 0x10 != 0 { ", more commands follow" } else { "" };
    format!("{cla:02X} ({kind}, logical channel {}{chained})", name::channel(cla))
}

fn instruction(command: &Command<'_>) -> String {
    match name::instruction(command.ins) {
        Some(name) => format!("{:02X} {name}", command.ins),
        None => format!("{:02X} (unknown)", command.ins),
    }
}

/// P1 and P2 in words.
fn parameters(command: &Command<'_>) -> (String, String) {
    let (p1, p2) = (command.p1, command.p2);
    let (words1, words2): (String, String) = match command.ins {
        ins::SELECT => (
            values::coded("00 by file identifier|01 child DF|02 EF under the current DF|03 parent DF|04 by AID|08 by path from the MF|09 by path from the current DF", p1).unwrap_or_default().to_owned(),
            format!(
                "{}, {}",
                match p2 & 0x0C {
                    0x00 => "return FCI",
                    0x04 => "return FCP",
                    0x0C => "return nothing",
                    _ => "return FMD",
                },
                match p2 & 0x03 {
                    0 => "first or only",
                    1 => "last",
                    2 => "next",
                    _ => "previous",
                }
            ),
        ),
        ins::STATUS => (
            values::coded("00 no indication|01 application is initialised|02 application will be terminated", p1).unwrap_or_default().to_owned(),
            values::coded("00 return FCP of the current directory|01 return the AID|0C return nothing", p2).unwrap_or_default().to_owned(),
        ),
        ins::STORE_DATA => (
            (if p1 & 0x80 != 0 { "last block" } else { "more blocks follow" }).to_owned(),
            format!("block {p2}"),
        ),
        ins::MANAGE_CHANNEL => (
            (if p1 & 0x80 == 0 { "open" } else { "close" }).to_owned(),
            if p1 & 0x80 == 0 { "the card chooses".to_owned() } else { format!("channel {p2}") },
        ),
        ins::READ_BINARY | ins::UPDATE_BINARY if p1 & 0x80 != 0 => (
            uicc::short(p1 & 0x1F).map_or_else(
                || format!("SFI {:02X}", p1 & 0x1F),
                |file| format!("SFI {:02X}, {}", p1 & 0x1F, uicc::file_text(file)),
            ),
            format!("offset {p2}"),
        ),
        ins::READ_BINARY | ins::UPDATE_BINARY => {
            (format!("offset {}", u16::from_be_bytes([p1, p2])), "offset, low byte".to_owned())
        }
        ins::READ_RECORD | ins::UPDATE_RECORD | ins::SEARCH_RECORD => (
            if p1 == 0 { "current record".to_owned() } else { format!("record {p1}") },
            format!(
                "{}{}",
                match p2 & 7 {
                    2 => "next record",
                    3 => "previous record",
                    4 => "absolute or current",
                    5 => "search backward",
                    6 => "enhanced search",
                    _ => "mode",
                },
                if p2 >> 3 == 0 { String::new() } else { format!(", SFI {:02X}", p2 >> 3) }
            ),
        ),
        ins::VERIFY_PIN | ins::CHANGE_PIN | ins::DISABLE_PIN | ins::ENABLE_PIN | ins::UNBLOCK_PIN => {
            (String::new(), uicc::pin(p2).get(3..).unwrap_or_default().to_owned())
        }
        ins::AUTHENTICATE => (
            String::new(),
            match p2 & 7 {
                0 => "GSM context",
                1 => "3G, EPS or 5G context",
                2 => "VGCS or VBS context",
                4 => "GBA context",
                _ => "",
            }
            .to_owned(),
        ),
        _ => (String::new(), String::new()),
    };
    let beside = |byte: u8, words: String| {
        if words.is_empty() { format!("{byte:02X}") } else { format!("{byte:02X} ({words})") }
    };
    (beside(p1, words1), beside(p2, words2))
}

/// The answer to a reset (ISO 7816-3 §8, ETSI TS 102 221 §6.3).
pub(crate) fn atr(bytes: &[u8]) -> Vec<Node> {
    let mut nodes = Vec::new();
    let Some(ts) = bytes.first() else { return nodes };
    let convention = match ts {
        0x3B => "direct convention",
        0x3F => "inverse convention",
        _ => "unknown convention",
    };
    nodes.push(Node::new("TS", format!("{ts:02X} {convention}"), 0..1));
    let Some(t0) = bytes.get(1).copied() else { return nodes };
    nodes.push(Node::new("T0", format!("{t0:02X}, {} historical bytes", t0 & 15), 1..2));
    let (mut follow, mut at, mut level, mut protocol, mut check) = (t0 >> 4, 2, 1, 0, false);
    while follow != 0 && level < 9 {
        let announced = follow;
        follow = 0;
        for (bit, letter) in [(1, 'A'), (2, 'B'), (4, 'C'), (8, 'D')] {
            if announced & bit == 0 {
                continue;
            }
            let Some(byte) = bytes.get(at).copied() else {
                nodes.push(Node::fault("ends inside the interface bytes", 0..bytes.len()));
                return nodes;
            };
            let text = match letter {
                'D' => {
                    follow = byte >> 4;
                    check |= byte & 15 != 0;
                    format!("{byte:02X}, T={}", byte & 15)
                }
                'B' if protocol == 15 && level > 2 => {
                    let related = if byte & 0x82 == 0x82 { ", eUICC functions" } else { "" };
                    format!("{byte:02X}, UICC global interface byte{related}")
                }
                _ => format!("{byte:02X}"),
            };
            nodes.push(Node::new(format!("T{letter}{level}"), text, at..at + 1));
            if letter == 'D' {
                protocol = byte & 15;
            }
            at += 1;
        }
        level += 1;
    }
    let end = (at + usize::from(t0 & 15)).min(bytes.len());
    if end > at {
        let historical = bytes.get(at..end).unwrap_or_default();
        nodes.push(Node::new("historical bytes", values::hex(historical), at..end));
    }
    if let (true, Some(tck)) = (check, bytes.get(end)) {
        let right = bytes.iter().skip(1).fold(0, |sum, byte| sum ^ byte) == 0;
        let text = format!("{tck:02X}, {}", if right { "right" } else { "wrong" });
        nodes.push(Node { fault: !right, ..Node::new("TCK", text, end..end + 1) });
    }
    nodes
}
