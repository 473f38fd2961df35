//! Messages to trees, when somebody looks.

use apdu::{Command, ins};

use crate::card;
use crate::der::Decoder;
use crate::es10;
use crate::json;
use crate::name;
use crate::node::{Decoded, Node, Side};
use crate::record::{Message, Part};

/// A whole function: the blocks of a command and the pieces of its answer joined, bodies of
/// HTTP as they are. The trees are bounded in depth and number of nodes and every range lies
/// within the bytes, whatever the bytes are.
#[must_use]
pub fn decode(message: &Message) -> Decoded {
    let Some(first) = message.parts.first() else { return Decoded::default() };
    if !message.interface.is_card() {
        return Decoded {
            request: body(&first.request),
            response: first.response.as_ref().map(|bytes| body(bytes)),
        };
    }
    if is_reset(message) {
        return reset(first);
    }
    if message.parts.len() == 1 {
        return decode_part(message, 0).unwrap_or_default();
    }
    let request = if is_store_data(&first.request) {
        let bytes = blocks(message);
        let mut decoder = Decoder::new();
        let nodes = if message.name == name::LOAD {
            // A package that was given up is a piece of one.
            decoder.piece = true;
            decoder.objects(&bytes, 0, &es10::SEGMENTS, false, 0)
        } else {
            card::request(&mut decoder, &bytes, 0)
        };
        Side { bytes, nodes }
    } else {
        command(first, message.file, true)
    };
    let (data, status) = answer(message);
    let response = status.map(|status| {
        let mut nodes = card::answer(&mut Decoder::new(), &first.request, &data, message.file, true);
        let bytes = [&data[..], &status].concat();
        nodes.push(card::status(&bytes));
        Side { bytes, nodes }
    });
    Decoded { request, response }
}

/// One exchange on the wire: header, data, status word. `None` when there is no such part.
#[must_use]
pub fn decode_part(message: &Message, part: usize) -> Option<Decoded> {
    let part = message.parts.get(part)?;
    if !message.interface.is_card() {
        return Some(Decoded {
            request: body(&part.request),
            response: part.response.as_ref().map(|bytes| body(bytes)),
        });
    }
    if is_reset(message) {
        return Some(reset(part));
    }
    // What was asked, which a GET RESPONSE does not say itself.
    let asked = message.parts.first().map_or(&part.request, |first| &first.request);
    let whole = Command::parse(&part.request).is_ok_and(|command| is_whole(&command));
    let request = command(part, message.file, whole);
    let response = part.response.as_ref().map(|bytes| {
        let data = bytes.get(..bytes.len().saturating_sub(2)).unwrap_or_default();
        let complete = !more_follows(bytes) && message.parts.len() == 1;
        let own = if part.request.get(1) == Some(&ins::GET_RESPONSE) { asked } else { &part.request };
        let mut nodes = card::answer(&mut Decoder::new(), own, data, message.file, complete);
        nodes.push(card::status(bytes));
        Side { bytes: bytes.clone(), nodes }
    });
    Some(Decoded { request, response })
}

pub(crate) fn is_reset(message: &Message) -> bool {
    message.name == "RESET" && message.parts.first().is_some_and(|part| part.request.is_empty())
}

fn reset(part: &Part) -> Decoded {
    let response = part.response.as_ref().map(|bytes| Side { bytes: bytes.clone(), nodes: card::atr(bytes) });
    Decoded { request: Side::default(), response }
}

fn body(bytes: &[u8]) -> Side {
    Side { bytes: bytes.to_vec(), nodes: json::nodes(bytes) }
}

fn command(part: &Part, file: Option<u16>, whole: bool) -> Side {
    let nodes: Vec<Node> = card::command(&mut Decoder::new(), &part.request, file, whole);
    Side { bytes: part.request.clone(), nodes }
}

fn is_store_data(command: &[u8]) -> bool {
    command.get(1) == Some(&ins::STORE_DATA)
}

/// Whether a STORE DATA block is the only one of its chain, so that its data can be read alone.
const fn is_whole(command: &Command<'_>) -> bool {
    command.ins != ins::STORE_DATA || (command.p1 & 0x80 != 0 && command.p2 == 0)
}

fn more_follows(response: &[u8]) -> bool {
    matches!(response.last_chunk::<2>(), Some([0x61, _]))
}

/// The data of all STORE DATA blocks, joined.
pub(crate) fn blocks(message: &Message) -> Vec<u8> {
    let mut data = Vec::new();
    for part in &message.parts {
        if let Ok(command) = Command::parse(&part.request)
            && command.ins == ins::STORE_DATA
        {
            data.extend_from_slice(command.data);
        }
    }
    data
}

/// The data of all answers, joined, and the last status word.
pub(crate) fn answer(message: &Message) -> (Vec<u8>, Option<[u8; 2]>) {
    let (mut data, mut status) = (Vec::new(), None);
    for response in message.parts.iter().filter_map(|part| part.response.as_ref()) {
        if let Some((piece, sw)) = response.split_last_chunk::<2>() {
            data.extend_from_slice(piece);
            status = Some(*sw);
        }
    }
    (data, status)
}

/// A result inside a card's answer that says no although the status word is `9000`.
#[must_use]
pub fn refusal(message: &Message) -> Option<String> {
    let (data, _) = answer(message);
    if data.first() != Some(&0xBF) {
        return None;
    }
    let nodes = Decoder::new().objects(&data, 0, &es10::RESPONSES, false, 0);
    // A list of notifications tells of old failures: only the function's own result counts.
    if message.name.ends_with("NotificationsList") || message.name.ends_with("ListNotification") {
        return error_of(&nodes, 2);
    }
    error_of(&nodes, usize::MAX)
}

fn error_of(nodes: &[Node], depth: usize) -> Option<String> {
    if depth == 0 {
        return None;
    }
    nodes.iter().find_map(|node| {
        let is_result = es10::RESULTS.iter().any(|name| node.name == *name);
        if is_result && node.value != "0 ok" {
            Some(format!("{} {}", node.name, node.value))
        } else {
            error_of(&node.children, depth - 1)
        }
    })
}
