//! Masks: what a trace may not tell when it is shared.
//!
//! Values are found where the standard says that they are (a node with a [`Secrecy`], a member
//! of JSON, a header) and are then masked wherever they stand, in every spelling: digits as
//! text, as binary coded decimals in either order, as hexadecimal text, inside base64. A mask
//! has the length of the value, so that lengths and structure stay; equal values have equal
//! masks. A mask is no value: its digits are X (text) or E (binary coded decimals).

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use apdu::{Command, ins};
use base64::Engine as _;

use crate::decode::{decode, is_reset};
use crate::json::{self, Place, Value};
use crate::node::{Node, Secrecy};
use crate::record::{Ending, Headers, Message, Part, Trace};

/// How much is masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Level {
    /// Who somebody is, what lets somebody in, and keys.
    #[default]
    Identifiers,
    /// Only keys and PINs, which nobody is shown.
    KeysOnly,
}

/// Fewest nibbles of a value that is looked for everywhere; a shorter one is only masked where
/// it is known to stand.
const LEAST: usize = 8;
/// How deep base64 is looked into that stands in base64.
const DEPTH: usize = 4;
/// Headers whose value lets somebody in.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];

/// A value as nibbles, and what stands for it.
#[derive(Clone, Debug)]
struct Needle {
    nibbles: Vec<u8>,
    mask: Vec<u8>,
    /// It is made of bytes: in bytes it begins with one.
    aligned: bool,
}

/// Needles of one spelling, and a table of how they begin.
#[derive(Clone, Debug, Default)]
struct Needles {
    list: Vec<Needle>,
    /// One bit for each beginning of four nibbles.
    starts: Vec<u64>,
}

impl Needles {
    fn add(&mut self, nibbles: Vec<u8>, mask: Vec<u8>, aligned: bool) {
        if nibbles.len() < LEAST
            || nibbles.len() != mask.len()
            || self.list.iter().any(|needle| needle.nibbles == nibbles)
        {
            return;
        }
        self.starts.resize(1024, 0);
        let start = start(&nibbles);
        if let Some(word) = self.starts.get_mut(start / 64) {
            *word |= 1 << (start % 64);
        }
        // The longest first: one value may begin with another.
        let place = self.list.partition_point(|needle| needle.nibbles.len() >= nibbles.len());
        self.list.insert(place, Needle { nibbles, mask, aligned });
    }

    /// Masks all of them in `cells`, which `order` puts into the order of the spelling.
    /// Cells above 15 are no nibbles; `bytes` when two of them are a byte.
    fn sweep(&self, cells: &mut [u8], bytes: bool, order: impl Fn(usize) -> usize) -> bool {
        if self.list.is_empty() {
            return false;
        }
        let cell = |cells: &[u8], at: usize| cells.get(order(at)).copied().unwrap_or(0xFF);
        let (mut changed, mut window, mut valid) = (false, 0_usize, 0);
        for end in 0..cells.len() {
            let nibble = cell(cells, end);
            if nibble > 15 {
                valid = 0;
                continue;
            }
            window = (window << 4 | usize::from(nibble)) & 0xFFFF;
            valid += 1;
            if valid < 4 || self.starts.get(window / 64).is_none_or(|word| word & 1 << (window % 64) == 0) {
                continue;
            }
            let from = end - 3;
            let found = self.list.iter().find(|needle| {
                !(bytes && needle.aligned && from % 2 == 1)
                    && needle
                        .nibbles
                        .iter()
                        .enumerate()
                        .all(|(index, nibble)| cell(cells, from + index) == *nibble)
            });
            if let Some(needle) = found {
                for (index, nibble) in needle.mask.iter().enumerate() {
                    if let Some(place) = cells.get_mut(order(from + index)) {
                        *place = *nibble;
                    }
                }
                changed = true;
                valid = 0;
            }
        }
        changed
    }
}

/// The first four nibbles as a number.
fn start(nibbles: &[u8]) -> usize {
    nibbles.iter().take(4).fold(0, |sum, nibble| sum << 4 | usize::from(*nibble & 15))
}

/// What is masked in a trace, and how.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    level: Level,
    /// Masks by value, which is as people write it.
    known: HashMap<String, usize>,
    /// Binary coded decimals and bytes, in the order of the bytes.
    straight: Needles,
    /// Binary coded decimals with swapped digits.
    swapped: Needles,
    /// ASCII, for text.
    ascii: Needles,
}

impl Masks {
    /// Masks that know no value yet.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self { level, ..Self::default() }
    }

    /// Masks for all values of a trace.
    #[must_use]
    pub fn of(trace: &Trace, level: Level) -> Self {
        let mut masks = Self::new(level);
        for message in trace.messages() {
            masks.learn(message);
        }
        masks
    }

    /// Learns the values of a message. Values that are known keep their masks.
    pub fn learn(&mut self, message: &Message) {
        let decoded = decode(message);
        for side in [Some(&decoded.request), decoded.response.as_ref()].into_iter().flatten() {
            for node in &side.nodes {
                self.learn_node(node, &side.bytes);
            }
        }
        if let Some(http) = &message.http {
            if self.level == Level::Identifiers {
                for id in ids_of_path(&http.url, &["/network/sessions/", "/network/attach/"]) {
                    self.learn_text(&http.url[id]);
                }
                for id in ids_of_path(&http.url, &["/network/subscribers/"]) {
                    self.learn_identifier("imsi", &http.url[id]);
                }
            }
            for (name, value) in http.request_headers.iter().chain(&http.response_headers) {
                if self.level == Level::Identifiers && is_secret_header(name) {
                    self.learn_text(value.split_once(' ').map_or(value.as_str(), |(_, token)| token));
                }
            }
        }
    }

    fn masks(&self, secrecy: Secrecy) -> bool {
        match secrecy {
            Secrecy::Open | Secrecy::Sealed => false,
            Secrecy::Identifier | Secrecy::Secret => self.level == Level::Identifiers,
            Secrecy::Key => true,
        }
    }

    fn learn_node(&mut self, node: &Node, bytes: &[u8]) {
        for child in &node.children {
            self.learn_node(child, bytes);
        }
        if !node.children.is_empty() || !self.masks(node.secrecy) {
            return;
        }
        match node.secrecy {
            Secrecy::Identifier => self.learn_identifier(&node.name, &node.value),
            Secrecy::Key => {
                if let Some(bytes) = bytes.get(node.range.clone()) {
                    match string_of(bytes) {
                        // A member of JSON: hexadecimal as a rule.
                        Some(text) => self.learn_text(&text),
                        None => self.learn_bytes(bytes),
                    }
                }
            }
            _ => self.learn_text(&node.value),
        }
    }

    /// Digits of an identifier, or a text that is one (a network access identifier).
    fn learn_identifier(&mut self, name: &str, value: &str) {
        // A SUCI of the null scheme says what the IMSI says (3GPP TS 29.503 §6.1.6.2), and that stands
        // elsewhere, too; what is concealed differs each time.
        let value = match value.strip_prefix("suci-0-").map(|suci| suci.split('-').collect::<Vec<_>>()) {
            Some(parts) => match parts[..] {
                [_, _, _, "0", _, msin] => msin,
                _ => return,
            },
            None => value,
        };
        let digits = value.trim_start_matches('+').trim_end_matches(['F', 'f']);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            if value.contains('@') {
                self.learn_text(value);
            }
            return;
        }
        // The check digit of an IMEI stands apart where it is binary.
        let digits =
            if name.eq_ignore_ascii_case("imei") { digits.get(..14).unwrap_or(digits) } else { digits };
        if digits.len() < LEAST {
            return;
        }
        let number = self.number(digits);
        let keep = kept(name, digits.len());
        let nibbles: Vec<u8> = digits.bytes().map(|byte| byte - b'0').collect();
        let mask = masked(digits, keep, number);
        let bcd: Vec<u8> = mask.bytes().map(|byte| if byte == b'X' { 14 } else { byte & 15 }).collect();
        self.straight.add(nibbles.clone(), bcd.clone(), false);
        self.swapped.add(nibbles, bcd, false);
        self.add_ascii(digits, &mask);
    }

    fn learn_text(&mut self, text: &str) {
        if text.is_empty() || text == "empty" || is_mask(text) {
            return;
        }
        let number = self.number(text);
        let mask = masked(text, 0, number);
        self.add_ascii(text, &mask);
        // Hexadecimal text may stand for bytes elsewhere.
        if text.len().is_multiple_of(2)
            && let Ok(bytes) = hex::decode(text)
        {
            self.learn_bytes(&bytes);
        }
    }

    fn add_ascii(&mut self, text: &str, mask: &str) {
        let (nibbles, mask) = (nibbles(text.as_bytes()), nibbles(mask.as_bytes()));
        self.straight.add(nibbles.clone(), mask.clone(), true);
        self.ascii.add(nibbles, mask, true);
    }

    fn learn_bytes(&mut self, bytes: &[u8]) {
        if bytes.iter().all(|byte| *byte == 0xFF || *byte == 0) || is_mask_of_bytes(bytes) {
            return;
        }
        let number = self.number(&hex::encode_upper(bytes));
        self.straight.add(nibbles(bytes), nibbles(&masked_bytes(bytes.len(), number)), true);
    }

    /// The number of a value, counted from 1 in the order in which they were met.
    fn number(&mut self, value: &str) -> usize {
        if let Some(number) = self.known.get(value) {
            return *number;
        }
        // An ICCID without its check digit is the same one.
        let near = |known: &str| {
            let (short, long) = if known.len() < value.len() { (known, value) } else { (value, known) };
            short.len() >= 17 && long.len() - short.len() <= 2 && long.starts_with(short)
        };
        let same = self.known.iter().find(|(known, _)| near(known)).map(|(_, number)| *number);
        let number = same.unwrap_or_else(|| self.known.values().copied().max().unwrap_or(0) + 1);
        self.known.insert(value.to_owned(), number);
        number
    }

    /// A message with masks. Its sizes and its structure are the same.
    #[must_use]
    pub fn message(&self, message: &Message) -> Message {
        let mut masked = message.clone();
        masked.name = self.text(&message.name).into_owned();
        masked.note = message.note.as_deref().map(|note| self.text(note).into_owned());
        masked.ending = match &message.ending {
            Ending::Open => Ending::Open,
            Ending::Good(text) => Ending::Good(self.text(text).into_owned()),
            Ending::Bad(text) => Ending::Bad(self.text(text).into_owned()),
        };
        if let Some(http) = &mut masked.http {
            http.url = self.url(&http.url);
            self.headers(&mut http.request_headers);
            self.headers(&mut http.response_headers);
        }
        if message.interface.is_card() {
            self.card(&mut masked);
        } else {
            for part in &mut masked.parts {
                part.request = self.body(&part.request);
                part.response = part.response.as_ref().map(|body| self.body(body));
            }
        }
        masked
    }

    /// APDUs: blocks and pieces are joined, because a value may stand across them.
    fn card(&self, message: &mut Message) {
        let decoded = decode(message);
        let joined = message.parts.len() > 1
            && message.parts.first().is_some_and(|part| part.request.get(1) == Some(&ins::STORE_DATA));
        // Where the joined bytes stand: part and place in it.
        let mut requests = Vec::new();
        for (index, part) in message.parts.iter().enumerate() {
            match Command::parse(&part.request) {
                Ok(command) if joined && command.ins == ins::STORE_DATA => {
                    let extended = part.request.get(4) == Some(&0) && part.request.len() > 7;
                    let from = if extended { 7 } else { 5 };
                    requests.push((index, from..from + command.data.len()));
                }
                _ if joined => {}
                _ => requests.push((index, 0..part.request.len())),
            }
        }
        let request: Direction = |part| Some(&mut part.request);
        let mut bytes = gather(&mut message.parts, &requests, request);
        // Without joining, ranges are those of the first command, which is first in `bytes` too.
        self.binary(&mut bytes, &decoded.request.nodes);
        scatter(&mut message.parts, &requests, &bytes, request);

        let whole = is_reset(message);
        let responses: Vec<(usize, Range<usize>)> = message
            .parts
            .iter()
            .enumerate()
            .filter_map(|(index, part)| {
                let length = part.response.as_ref()?.len();
                Some((index, 0..if whole { length } else { length.saturating_sub(2) }))
            })
            .collect();
        let response: Direction = |part| part.response.as_mut();
        let mut bytes = gather(&mut message.parts, &responses, response);
        let none = Vec::new();
        let nodes = decoded.response.as_ref().map_or(&none, |side| &side.nodes);
        self.binary(&mut bytes, nodes);
        scatter(&mut message.parts, &responses, &bytes, response);
    }

    /// Bytes that are no text, with what is known of them.
    fn binary(&self, bytes: &mut [u8], nodes: &[Node]) {
        // Before anything moves: values that are masked where they stand.
        for node in nodes {
            self.in_place(bytes, node);
        }
        self.bytes(bytes);
    }

    /// Short values, which are not looked for elsewhere.
    fn in_place(&self, bytes: &mut [u8], node: &Node) {
        for child in &node.children {
            self.in_place(bytes, child);
        }
        if !node.children.is_empty() || !self.masks(node.secrecy) {
            return;
        }
        let mask = match node.secrecy {
            Secrecy::Key => {
                let Some(value) = bytes.get(node.range.clone()).filter(|value| !is_mask_of_bytes(value))
                else {
                    return;
                };
                let number = self.known.get(&hex::encode_upper(value)).copied().unwrap_or(0);
                masked_bytes(value.len(), number)
            }
            Secrecy::Secret if node.value.len() < LEAST && node.value.is_ascii() => {
                let number = self.known.get(&node.value).copied().unwrap_or(0);
                masked(&node.value, 0, number).into_bytes()
            }
            _ => return,
        };
        let start = node.range.end.saturating_sub(mask.len());
        if let Some(place) = bytes.get_mut(start..node.range.end) {
            place.copy_from_slice(&mask);
        }
    }

    /// Masks known values in bytes; says whether there was one.
    fn bytes(&self, bytes: &mut [u8]) -> bool {
        let mut cells = nibbles(bytes);
        let straight = self.straight.sweep(&mut cells, true, |at| at);
        let swapped = self.swapped.sweep(&mut cells, true, |at| at ^ 1);
        if straight || swapped {
            for (byte, pair) in bytes.iter_mut().zip(cells.chunks_exact(2)) {
                *byte = pair.iter().fold(0, |sum, nibble| sum << 4 | (nibble & 15));
            }
        }
        straight || swapped
    }

    /// Masks known values in a text.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut bytes = text.as_bytes().to_vec();
        let mut cells = nibbles(&bytes);
        let mut changed = self.ascii.sweep(&mut cells, true, |at| at);
        if changed {
            for (byte, pair) in bytes.iter_mut().zip(cells.chunks_exact(2)) {
                *byte = pair.iter().fold(0, |sum, nibble| sum << 4 | nibble);
            }
        }
        // Hexadecimal digits, with white space between them or without.
        let places: Vec<usize> =
            (0..bytes.len()).filter(|at| bytes.get(*at).is_some_and(|byte| *byte != b' ')).collect();
        let mut digits: Vec<u8> = places
            .iter()
            .map(|at| {
                bytes
                    .get(*at)
                    .and_then(|byte| char::from(*byte).to_digit(16))
                    .map_or(0xFF, |digit| digit as u8)
            })
            .collect();
        let before = digits.clone();
        // A byte may begin at an even place or at an odd one.
        let hex = self.straight.sweep(&mut digits, false, |at| at)
            | self.swapped.sweep(&mut digits, false, |at| at ^ 1)
            | self.swapped.sweep(&mut digits, false, |at| ((at + 1) ^ 1).wrapping_sub(1));
        if hex {
            changed = true;
            for ((at, digit), old) in places.iter().zip(&digits).zip(&before) {
                if digit != old
                    && let Some(byte) = bytes.get_mut(*at)
                {
                    *byte = b"0123456789ABCDEF".get(usize::from(*digit)).copied().unwrap_or(b'E');
                }
            }
        }
        match (changed, String::from_utf8(bytes)) {
            (true, Ok(masked)) => Cow::Owned(masked),
            _ => Cow::Borrowed(text),
        }
    }

    fn url(&self, url: &str) -> String {
        let mut url = self.text(url).into_owned();
        if self.level == Level::Identifiers {
            for id in ids_of_path(&url, &["/network/sessions/", "/network/attach/"]) {
                if is_mask(&url[id.clone()]) {
                    continue;
                }
                let number = self.known.get(&url[id.clone()]).copied().unwrap_or(0);
                let mask = masked(&url[id.clone()], 0, number);
                url.replace_range(id, &mask);
            }
        }
        url
    }

    fn headers(&self, headers: &mut Headers) {
        for (name, value) in headers {
            if self.level == Level::Identifiers && is_secret_header(name) {
                let (scheme, token) =
                    value.split_once(' ').map_or(("", value.as_str()), |(scheme, token)| (scheme, token));
                if is_mask(token) {
                    continue;
                }
                let number = self.known.get(token).copied().unwrap_or(0);
                let space = if scheme.is_empty() { "" } else { " " };
                *value = format!("{scheme}{space}{}", masked(token, 0, number));
            } else {
                *value = self.text(value).into_owned();
            }
        }
    }

    /// A body of HTTP: JSON by its members, other text as text, other bytes as bytes.
    fn body(&self, body: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(body) else {
            let mut bytes = body.to_vec();
            self.bytes(&mut bytes);
            return bytes;
        };
        match Place::of(text) {
            Ok(place) => {
                let mut out = text[..place.at].to_owned();
                self.value(&mut out, "", place, 0);
                out.push_str(&text[place.at + place.text.len()..]);
                out.into_bytes()
            }
            Err(_) => self.text(text).into_owned().into_bytes(),
        }
    }

    fn value(&self, out: &mut String, name: &str, place: Place<'_>, depth: usize) {
        // What is between the values stays as it is written.
        let mut inside = |values: Vec<(String, Place<'_>)>| {
            let mut at = place.at;
            for (name, value) in values {
                out.push_str(&self.text(&place.text[at - place.at..value.at - place.at]));
                self.value(out, &name, value, depth + 1);
                at = value.at + value.text.len();
            }
            out.push_str(&self.text(&place.text[at - place.at..]));
        };
        // Too deep to be a message of anybody: as text.
        match if depth > 64 { None } else { place.open() } {
            Some(Value::Object(members)) => {
                inside(members.into_iter().map(|(name, value)| (name.into_owned(), value)).collect());
            }
            Some(Value::Array(elements)) => {
                inside(elements.into_iter().map(|value| (name.to_owned(), value)).collect());
            }
            Some(Value::Text(text)) if self.masks(json::secrecy(name, &text)) => {
                out.push_str(&quoted(&self.kept_back(name, json::secrecy(name, &text), &text)));
            }
            Some(Value::Text(text)) => match self.string(&text, 0) {
                Some(masked) => out.push_str(&quoted(&masked)),
                None => out.push_str(place.text),
            },
            Some(Value::Plain)
                if self.masks(json::secrecy(name, place.text))
                    && place.text.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                out.push_str(&quoted(&self.kept_back(name, json::secrecy(name, place.text), place.text)));
            }
            Some(Value::Plain) => match self.text(place.text) {
                Cow::Borrowed(plain) => out.push_str(plain),
                Cow::Owned(masked) => out.push_str(&quoted(&masked)),
            },
            None => out.push_str(&self.text(place.text)),
        }
    }

    /// The mask of a member that is known to be secret.
    fn kept_back(&self, name: &str, secrecy: Secrecy, text: &str) -> String {
        if is_mask(text) {
            return text.to_owned();
        }
        // As it is masked elsewhere, where it is.
        if secrecy == Secrecy::Identifier
            && let Cow::Owned(masked) = self.text(text)
        {
            return masked;
        }
        let keep = if secrecy == Secrecy::Identifier { kept(name, text.len()) } else { 0 };
        masked(text, keep, self.known.get(text).copied().unwrap_or(0))
    }

    /// A text, or the base64 of something; `None` when there is nothing to mask in it.
    fn string(&self, text: &str, depth: usize) -> Option<String> {
        if let Cow::Owned(masked) = self.text(text) {
            return Some(masked);
        }
        if depth >= DEPTH || text.len() < LEAST {
            return None;
        }
        let mut bytes = json::base64(text)?;
        let inner = std::str::from_utf8(&bytes).ok().and_then(|inner| match Place::of(inner) {
            Ok(place) if place.text.starts_with(['{', '[']) => {
                let mut out = String::new();
                self.value(&mut out, "", place, 0);
                (out != place.text).then_some(out)
            }
            _ => self.string(inner, depth + 1),
        });
        match inner {
            Some(inner) => bytes = inner.into_bytes(),
            None if self.bytes(&mut bytes) => {}
            None => return None,
        }
        let engine = match (text.contains(['-', '_']), text.ends_with('=') || text.len().is_multiple_of(4)) {
            (false, true) => base64::engine::general_purpose::STANDARD,
            (false, false) => base64::engine::general_purpose::STANDARD_NO_PAD,
            (true, true) => base64::engine::general_purpose::URL_SAFE,
            (true, false) => base64::engine::general_purpose::URL_SAFE_NO_PAD,
        };
        Some(engine.encode(bytes))
    }
}

/// A trace with masks.
#[must_use]
pub fn redacted(trace: &Trace, level: Level) -> Trace {
    let masks = Masks::of(trace, level);
    trace.changed(|message| masks.message(message))
}

fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The ids behind such a part of a path. Those of the network's sessions are the right to use
/// them.
fn ids_of_path(url: &str, prefixes: &[&str]) -> Vec<Range<usize>> {
    let mut ids = Vec::new();
    for before in prefixes {
        if let Some(at) = url.find(before) {
            let start = at + before.len();
            let rest = url.get(start..).unwrap_or_default();
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            if end > 0 {
                ids.push(start..start + end);
            }
        }
    }
    ids
}

/// How many digits of an identifier may be seen: those that tell who issued it.
fn kept(name: &str, length: usize) -> usize {
    match (name, length) {
        (_, 32) => 8,
        ("iccid" | "ICCID", _) => 6,
        ("imsi" | "IMSI" | "supi", _) => 5,
        ("imei", _) => 8,
        _ => 2,
    }
}

/// The mask of a text: as long, with its signs, at its end the number of the value.
fn masked(text: &str, keep: usize, number: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    let number = if number == 0 { String::new() } else { format!("{number:02}") };
    let tail = letters.len().saturating_sub(number.len());
    let keep = if keep + number.len() + 2 > letters.len() { 0 } else { keep };
    let mut numbers = number.chars();
    let mut out = String::new();
    for (index, letter) in letters.into_iter().enumerate() {
        let shown = match letter {
            _ if index < keep => letter,
            _ if index >= tail => numbers.next().unwrap_or('X'),
            letter if letter.is_ascii_punctuation() || letter == ' ' => letter,
            _ => 'X',
        };
        out.push(shown);
        // As many bytes as before.
        for _ in shown.len_utf8()..letter.len_utf8() {
            out.push('X');
        }
    }
    out
}

/// Whether a text is a mask already, of which some digits may be seen.
fn is_mask(text: &str) -> bool {
    let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
    text.len() > 4
        && text.contains("XX")
        && letters.clone().all(|byte| byte == b'X' || byte.is_ascii_digit())
        && letters.clone().filter(u8::is_ascii_digit).count() <= 12
}

/// The mask of bytes: `EE`, and the number of the value in the last ones.
fn masked_bytes(length: usize, number: usize) -> Vec<u8> {
    let mut mask = vec![0xEE; length];
    for (byte, value) in mask.iter_mut().rev().zip(number.to_be_bytes().into_iter().rev().take(1)) {
        *byte = value;
    }
    mask
}

fn is_mask_of_bytes(bytes: &[u8]) -> bool {
    bytes.split_last().is_some_and(|(_, first)| first.len() > 2 && first.iter().all(|byte| *byte == 0xEE))
}

fn nibbles(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

/// A string of JSON, if the bytes are one.
fn string_of(bytes: &[u8]) -> Option<String> {
    if bytes.first() == Some(&b'"') { serde_json::from_slice(bytes).ok() } else { None }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One of the two directions of a part.
type Direction = fn(&mut Part) -> Option<&mut Vec<u8>>;

fn gather(parts: &mut [Part], places: &[(usize, Range<usize>)], of: Direction) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, range) in places {
        let part = parts.get_mut(*index).and_then(of);
        bytes.extend_from_slice(part.and_then(|part| part.get(range.clone())).unwrap_or_default());
    }
    bytes
}

fn scatter(parts: &mut [Part], places: &[(usize, Range<usize>)], bytes: &[u8], of: Direction) {
    let mut rest = bytes;
    for (index, range) in places {
        let part = parts.get_mut(*index).and_then(of);
        let Some(place) = part.and_then(|part| part.get_mut(range.clone())) else { continue };
        let Some((piece, more)) = rest.split_at_checked(place.len()) else { return };
        place.copy_from_slice(piece);
        rest = more;
    }
}
