//! The tree that a message is shown as.

use std::borrow::Cow;
use std::ops::Range;

/// Who is not meant to see a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secrecy {
    /// Nobody: it may be seen.
    #[default]
    Open,
    /// It is sealed: only who has the session keys can read it.
    Sealed,
    /// It tells who somebody is: EID, ICCID, IMSI, IMEI, telephone number.
    Identifier,
    /// Who has it may do something: activation code, token, PIN.
    Secret,
    /// A key. It is shown to nobody.
    Key,
}

/// A value, or what holds values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its name in the standard.
    pub name: Cow<'static, str>,
    /// What it says, short. Empty for what only holds others.
    pub value: String,
    /// Where it stands in the bytes that were decoded, tag and length included.
    pub range: Range<usize>,
    /// Where the standard defines it: `SGP.22 §5.7.13`.
    pub section: Option<&'static str>,
    /// Who is not meant to see it.
    pub secrecy: Secrecy,
    /// The bytes are not what they should be; the value says why.
    pub fault: bool,
    /// What is inside, in the order of the bytes.
    pub children: Vec<Self>,
}

impl Node {
    /// A value at a place.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, value: impl Into<String>, range: Range<usize>) -> Self {
        Self { name: name.into(), value: value.into(), range, ..Self::default() }
    }

    pub(crate) fn fault(why: impl Into<String>, range: Range<usize>) -> Self {
        Self { fault: true, ..Self::new("malformed", why, range) }
    }

    pub(crate) fn section(mut self, section: &'static str) -> Self {
        self.section = Some(section);
        self
    }

    pub(crate) fn secret(mut self, secrecy: Secrecy) -> Self {
        self.secrecy = secrecy;
        self
    }

    pub(crate) fn holding(mut self, children: Vec<Self>) -> Self {
        self.children = children;
        self
    }

    /// This node and all below it, from the top.
    pub fn walk(&self, visit: &mut impl FnMut(&Self)) {
        visit(self);
        for child in &self.children {
            child.walk(visit);
        }
    }

    /// The first node of this name, here or below.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }
}

/// One direction of a message: its bytes and what they mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// The bytes that the ranges of the nodes point into.
    pub bytes: Vec<u8>,
    /// What they mean.
    pub nodes: Vec<Node>,
}

impl Side {
    /// Whether the bytes are text (JSON) and not binary.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.bytes.first(), Some(b'{' | b'[' | b' ' | b'\n'))
            && std::str::from_utf8(&self.bytes).is_ok()
    }

    /// The first node of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find_map(|node| node.find(name))
    }
}

/// Both directions of a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// What was asked.
    pub request: Side,
    /// What was answered; `None` when nothing came.
    pub response: Option<Side>,
}

/// Bytes as pairs of hexadecimal digits: `00 A4 FF`.
#[must_use]
pub fn hex_spaced(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('?').to_ascii_uppercase());
        }
    }
    text
}

/// A number of bytes for people: `1023 B`, `2.0 KiB`.
#[must_use]
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        // Without a float: what writes those is larger than all the numbers that it would write here.
        _ => {
            let tenths = (bytes as u64).saturating_mul(10).saturating_add(512) / 1024;
            format!("{}.{} KiB", tenths / 10, tenths % 10)
        }
    }
}
