//! What stands in a file, as a tree; and the reader that makes it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use words::{Language, Text};

/// A name or a phrase in every language; a name of the standard is the same in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(Text<Cow<'static, str>>);

impl Label {
    /// In one language.
    #[must_use]
    pub fn say(&self, language: Language) -> &str {
        match language {
            Language::English => &self.0.en,
            Language::Japanese => &self.0.ja,
        }
    }
}

impl From<&'static str> for Label {
    fn from(name: &'static str) -> Self {
        Self(Text::new(Cow::Borrowed(name), Cow::Borrowed(name)))
    }
}

impl From<String> for Label {
    fn from(name: String) -> Self {
        Self(Text::new(Cow::Owned(name.clone()), Cow::Owned(name)))
    }
}

/// English, then Japanese.
impl From<(&'static str, &'static str)> for Label {
    fn from((en, ja): (&'static str, &'static str)) -> Self {
        Self(Text::new(Cow::Borrowed(en), Cow::Borrowed(ja)))
    }
}

impl From<Text> for Label {
    fn from(text: Text) -> Self {
        (text.en, text.ja).into()
    }
}

impl From<Text<String>> for Label {
    fn from(text: Text<String>) -> Self {
        Self(Text::new(Cow::Owned(text.en), Cow::Owned(text.ja)))
    }
}

/// A piece of a file or of a record, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub name: Label,
    /// What it says.
    pub value: Value,
    /// The bytes that it comes from, counted from the start of the file or the record;
    /// always inside it.
    pub range: Range<usize>,
    /// What it is made of: fields, list items, flag bits ([`Value::Flag`]).
    pub parts: Vec<Self>,
}

/// What a [`Node`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing of its own; its parts do.
    Group,
    /// Digits, an address, a name: the same in every language. Written by whoever wrote
    /// the card: hostile as any text from outside (may hold any character).
    Text(String),
    /// A number.
    Number(u64),
    /// A flag bit or a service: on or off.
    Flag(bool),
    /// A choice of the standard in words.
    Words(Label),
    /// Bytes without a form that is known here.
    Bytes(Vec<u8>),
    /// Not set: padding where a value could be.
    Empty,
    /// A key, masked: how many bytes it has.
    Secret(usize),
    /// The bytes are not what should stand here: what is wrong.
    Wrong(Label),
}

impl Value {
    /// As a line of text; empty for [`Value::Group`].
    #[must_use]
    pub fn say(&self, language: Language) -> String {
        match self {
            Self::Group => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(true) => Text::new("on", "有効").say(language).to_owned(),
            Self::Flag(false) => Text::new("off", "無効").say(language).to_owned(),
            Self::Words(label) | Self::Wrong(label) => label.say(language).to_owned(),
            Self::Bytes(bytes) => hex(bytes),
            Self::Empty => Text::new("not set", "未設定").say(language).to_owned(),
            Self::Secret(bytes) => "••".repeat((*bytes).min(32)),
        }
    }
}

impl Node {
    /// Whether it or a part of it is [`Value::Wrong`].
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        matches!(self.value, Value::Wrong(_)) || self.parts.iter().any(Self::is_wrong)
    }

    /// The first node with this English name, itself or below it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        if self.name.say(Language::English) == name {
            return Some(self);
        }
        self.parts.iter().find_map(|part| part.find(name))
    }

    /// The ranges of all values that are shown as they are: not masked, and understood.
    pub(crate) fn shown(&self, into: &mut Vec<Range<usize>>) {
        match self.value {
            Value::Secret(_) | Value::Wrong(_) | Value::Group => {}
            _ if self.parts.is_empty() => into.push(self.range.clone()),
            _ => {}
        }
        for part in &self.parts {
            part.shown(into);
        }
    }
}

/// Upper case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// Reads a file from its start to its end and keeps what it finds. Once something is
/// wrong the rest is shown raw and later fields are not there.
pub(crate) struct Out<'a> {
    bytes: &'a [u8],
    at: usize,
    base: usize,
    nodes: Vec<Node>,
    pub(crate) expose: bool,
    /// Keys stand in this file: what is not understood is not shown.
    secret: bool,
    /// Digits of the MNC in an IMSI, where that is known.
    pub(crate) mnc: Option<u8>,
    depth: u8,
}

/// Data objects that stand in each other deeper than this are shown raw.
const MAX_DEPTH: u8 = 6;
/// Parts of one node; the largest file of the standard has less than half of it.
const MAX_PARTS: usize = 1024;

impl<'a> Out<'a> {
    pub(crate) const fn new(bytes: &'a [u8], secret: bool, expose: bool, mnc: Option<u8>) -> Self {
        Self { bytes, at: 0, base: 0, nodes: Vec::new(), expose, secret, mnc, depth: 0 }
    }

    pub(crate) fn finish(self) -> Vec<Node> {
        self.nodes
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.bytes.len() || self.nodes.len() >= MAX_PARTS
    }

    /// The next bytes; fewer there: the node says so and everything ends.
    fn take(&mut self, name: &Label, len: usize) -> Option<(&'a [u8], Range<usize>)> {
        if self.nodes.len() >= MAX_PARTS || (len > 0 && self.at >= self.bytes.len() && self.ended_wrong()) {
            return None;
        }
        let start = self.base + self.at;
        if let Some(bytes) = self.rest().get(..len) {
            self.at += len;
            return Some((bytes, start..start + len));
        }
        let there = self.rest().len();
        self.at = self.bytes.len();
        let wrong = words::text!(
            "ends after {there} of {len} bytes",
            "{len} バイトのうち {there} バイトで終わっています"
        );
        self.nodes.push(Node {
            name: name.clone(),
            value: Value::Wrong(wrong.into()),
            range: start..start + there,
            parts: Vec::new(),
        });
        None
    }

    fn ended_wrong(&self) -> bool {
        self.nodes.last().is_some_and(|node| matches!(node.value, Value::Wrong(_)))
    }

    /// A field of so many bytes.
    pub(crate) fn field(&mut self, name: impl Into<Label>, len: usize, value: impl FnOnce(&[u8]) -> Value) {
        let name = name.into();
        if let Some((bytes, range)) = self.take(&name, len) {
            let value = value(bytes);
            self.nodes.push(Node { name, value, range, parts: Vec::new() });
        }
    }

    /// A field with parts, read from its own bytes.
    pub(crate) fn group(
        &mut self,
        name: impl Into<Label>,
        len: usize,
        read: impl FnOnce(&mut Out<'a>) -> Value,
    ) {
        let name = name.into();
        if let Some((bytes, range)) = self.take(&name, len) {
            let mut inner = Out {
                bytes,
                at: 0,
                base: range.start,
                nodes: Vec::new(),
                expose: self.expose,
                secret: self.secret,
                mnc: self.mnc,
                depth: self.depth + 1,
            };
            let value = read(&mut inner);
            self.nodes.push(Node { name, value, range, parts: inner.nodes });
        }
    }

    /// What is wrong with all that is left.
    pub(crate) fn wrong(&mut self, name: impl Into<Label>, what: impl Into<Label>) {
        let range = self.base + self.at..self.base + self.bytes.len();
        self.at = self.bytes.len();
        self.nodes.push(Node {
            name: name.into(),
            value: Value::Wrong(what.into()),
            range,
            parts: Vec::new(),
        });
    }

    /// Bytes without a form.
    pub(crate) fn raw(&mut self, name: impl Into<Label>, len: usize) {
        if self.secret {
            return self.secret(name, len);
        }
        self.field(name, len, |bytes| blank(bytes).unwrap_or_else(|| Value::Bytes(bytes.to_vec())));
    }

    /// An unsigned number, up to eight bytes.
    pub(crate) fn number(&mut self, name: impl Into<Label>, len: usize) {
        self.field(name, len, |bytes| Value::Number(number(bytes)));
    }

    /// A key.
    pub(crate) fn secret(&mut self, name: impl Into<Label>, len: usize) {
        let expose = self.expose;
        self.field(name, len, |bytes| {
            blank(bytes).unwrap_or_else(|| {
                if expose { Value::Bytes(bytes.to_vec()) } else { Value::Secret(bytes.len()) }
            })
        });
    }

    /// Flag bits; `names` in the order of the bits from the least of the last byte.
    pub(crate) fn flags(
        &mut self,
        name: impl Into<Label>,
        len: usize,
        names: &[(usize, &'static str, &'static str)],
    ) {
        self.group(name, len, |inner| {
            let bits = number(inner.bytes);
            let (base, count) = (inner.base, inner.bytes.len());
            for (bit, en, ja) in names {
                let byte = base + (count - 1).saturating_sub(bit / 8);
                inner.nodes.push(Node {
                    name: (*en, *ja).into(),
                    value: Value::Flag(bits >> bit & 1 == 1),
                    range: byte..byte + 1,
                    parts: Vec::new(),
                });
            }
            Value::Bytes(inner.bytes.to_vec())
        });
    }

    /// A choice of the standard by a byte.
    pub(crate) fn choice(&mut self, name: impl Into<Label>, choices: &[(u8, &'static str, &'static str)]) {
        self.field(name, 1, |bytes| choice(bytes.first().copied().unwrap_or_default(), choices));
    }

    /// A node without bytes of its own taken: about the `len` next ones.
    pub(crate) fn push(&mut self, node: Node) {
        if self.nodes.len() < MAX_PARTS {
            self.nodes.push(node);
        }
    }

    /// Leaves out bytes that nodes are about already.
    pub(crate) fn skip(&mut self, len: usize) {
        self.at = (self.at + len).min(self.bytes.len());
    }

    pub(crate) const fn here(&self) -> usize {
        self.base + self.at
    }

    /// Items of one size until the end; `read` returns the name and fills in the parts.
    pub(crate) fn items(&mut self, name: &'static str, len: usize, read: impl Fn(&mut Out<'a>) -> Value) {
        let mut number = 1;
        while !self.is_done() {
            if self.rest().len() < len {
                if self.rest().iter().any(|byte| *byte != 0xFF) {
                    let there = self.rest().len();
                    self.raw_wrong(there);
                }
                return;
            }
            self.group(format!("{name} {number}"), len, &read);
            number += 1;
        }
    }

    fn raw_wrong(&mut self, there: usize) {
        let what = words::text!("{there} bytes are left over", "{there} バイト余っています");
        self.wrong(("Rest", "残り"), what);
    }

    /// The end: what is left is padding, or more than is known here.
    pub(crate) fn end(&mut self) {
        if self.is_done() || self.ended_wrong() {
            return;
        }
        let len = self.rest().len();
        if self.rest().iter().all(|byte| *byte == 0xFF) || self.rest().iter().all(|byte| *byte == 0) {
            self.at = self.bytes.len();
            return;
        }
        self.raw(("Further bytes", "以降のバイト"), len);
    }

    /// Data objects until padding or the end; `read` is asked for each and says whether
    /// it knew it.
    pub(crate) fn objects(&mut self, read: impl Fn(&mut Out<'a>, u32, usize)) {
        while !self.is_done() {
            let rest = self.rest();
            // Padding of records and files.
            if matches!(rest.first(), Some(0xFF | 0x00)) {
                self.end();
                return;
            }
            if self.depth >= MAX_DEPTH {
                self.wrong(("Data objects", "データオブジェクト"), ("too deep", "入れ子が深すぎます"));
                return;
            }
            let head = match tlv::head(rest) {
                Ok(Some(head)) if head.total_len() <= rest.len() => head,
                Ok(_) => {
                    self.wrong(
                        ("Data object", "データオブジェクト"),
                        ("ends before its length", "長さの途中で終わっています"),
                    );
                    return;
                }
                Err(_) => {
                    self.wrong(
                        ("Data object", "データオブジェクト"),
                        ("tag or length is malformed", "タグまたは長さが不正です"),
                    );
                    return;
                }
            };
            self.at += head.header_len;
            read(self, head.tag.0, head.value_len);
        }
    }

    /// A data object that is not known here.
    pub(crate) fn unknown(&mut self, tag: u32, len: usize) {
        self.raw(format!("{}", tlv::Tag(tag)), len);
    }
}

/// Big-endian, of the last eight bytes.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Not set, when all bytes are FF.
pub(crate) fn blank(bytes: &[u8]) -> Option<Value> {
    bytes.iter().all(|byte| *byte == 0xFF).then_some(Value::Empty)
}

pub(crate) fn choice(value: u8, choices: &[(u8, &'static str, &'static str)]) -> Value {
    match choices.iter().find(|(own, ..)| *own == value) {
        Some((_, en, ja)) => Value::Words((*en, *ja).into()),
        None => Value::Words(words::text!("unknown ({value:02X})", "不明 ({value:02X})").into()),
    }
}
