//! Data objects to trees, by tables: what a data object is called and how its value is read
//! stands in a [`Field`]; what no table knows is shown as tag, length and bytes.

use std::ops::Range;

use crate::node::{Node, Secrecy};
use crate::values;

/// A data object that may stand somewhere.
pub(crate) struct Field {
    pub(crate) tag: u32,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) section: Option<&'static str>,
}

/// One line of a table.
pub(crate) const fn f(tag: u32, name: &'static str, kind: Kind) -> Field {
    Field { tag, name, kind, section: None }
}

/// One line of a table, with the clause that defines it.
pub(crate) const fn fs(tag: u32, name: &'static str, kind: Kind, section: &'static str) -> Field {
    Field { tag, name, kind, section: Some(section) }
}

/// How the value of a data object is read.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Bytes.
    Hex,
    /// UTF-8.
    Text,
    /// INTEGER.
    Int,
    /// A number without a sign.
    Unsigned,
    /// One byte of flags, the lowest bit first.
    Flags(&'static str),
    /// One byte with names: `05 activated` (hexadecimal).
    Byte(&'static str),
    /// PIN or PUK.
    Pin,
    /// BOOLEAN.
    Bool,
    /// OBJECT IDENTIFIER.
    Oid,
    /// Three bytes: major, minor, revision.
    Version,
    /// 16 bytes of decimal digits.
    Eid,
    /// Ten bytes, digits swapped.
    Iccid,
    /// Eight bytes, digits swapped.
    Imei,
    /// The first half of an IMEI.
    Tac,
    /// MCC and MNC in three bytes.
    Plmn,
    /// Application identifier.
    Aid,
    /// A list of tags.
    Tags,
    /// INTEGER with names: `0 ok|1 …`.
    Enum(&'static str),
    /// BIT STRING with names by number.
    Bits(&'static str),
    /// Data objects in this order; unknown ones between them.
    Seq(&'static [Field]),
    /// Data objects in any order, any number of times.
    Of(&'static [Field]),
    /// Octets that hold data objects.
    Inside(&'static [Field]),
    /// Octets that hold data objects and may be cut anywhere; behind them a MAC of 8 bytes.
    Maced(&'static [Field]),
    /// ECDSA signature, r and s.
    Signature,
    /// Point on a curve, uncompressed.
    Point,
    /// Picture.
    Picture,
    /// Activation code token or event.
    Token,
    /// A hash of something secret.
    SecretHash,
    /// Ciphertext.
    Sealed,
    /// A distinguished name.
    Name,
    /// AlgorithmIdentifier.
    Algorithm,
    /// Two times.
    Validity,
    /// A time.
    Time,
    /// Extension of a certificate or revocation list.
    Extension,
    /// BIT STRING that holds a public key or signature.
    BitString,
    /// Read by a function.
    By(fn(&mut Decoder, &[u8], usize, usize) -> Vec<Node>),
}

/// Deepest nesting that is looked into.
pub(crate) const DEPTH: usize = 24;
/// Most nodes of one tree.
const NODES: usize = 8_000;

/// What is left of the bounds of one tree.
pub(crate) struct Decoder {
    left: usize,
    /// The bytes are a piece of something: what is missing at the end is no fault.
    pub(crate) piece: bool,
}

impl Decoder {
    pub(crate) const fn new() -> Self {
        Self { left: NODES, piece: false }
    }

    /// Whether one more node fits.
    pub(crate) fn room(&mut self) -> bool {
        let room = self.left > 0;
        self.left = self.left.saturating_sub(1);
        room
    }

    /// Data objects one after another. `base` is where `bytes` stand.
    pub(crate) fn objects(
        &mut self,
        bytes: &[u8],
        base: usize,
        fields: &'static [Field],
        ordered: bool,
        depth: usize,
    ) -> Vec<Node> {
        let mut nodes = Vec::new();
        let (mut at, mut expected) = (0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let place = base + at..base + bytes.len();
            if !self.room() || depth >= DEPTH {
                nodes.push(Node::new("…", format!("{} bytes not shown", rest.len()), place));
                break;
            }
            if rest.iter().all(|byte| *byte == 0xFF) {
                nodes.push(Node::new("filler", format!("{} bytes", rest.len()), place));
                break;
            }
            let head = match tlv::head(rest) {
                Ok(Some(head)) => head,
                Ok(None) => {
                    nodes.push(if self.piece {
                        Node::new("continued", values::hex(rest), place)
                    } else {
                        Node::fault(format!("data ends inside tag or length: {}", values::hex(rest)), place)
                    });
                    break;
                }
                Err(error) => {
                    nodes.push(Node::fault(format!("{error}: {}", values::hex(rest)), place));
                    break;
                }
            };
            let whole = head.total_len().min(rest.len());
            let value = rest.get(head.header_len..whole).unwrap_or_default();
            let field = if ordered {
                // Another one of the same tag further on, else one that was passed.
                let ahead = fields.iter().skip(expected).position(|field| field.tag == head.tag.0);
                match ahead {
                    Some(ahead) => {
                        expected += ahead + 1;
                        fields.get(expected - 1)
                    }
                    None => fields.iter().find(|field| field.tag == head.tag.0),
                }
            } else {
                fields.iter().find(|field| field.tag == head.tag.0)
            };
            let mut node = self.object(head.tag.0, value, base + at, head.header_len, field, depth);
            if head.total_len() > rest.len() && !self.piece {
                let why = format!("length says {} bytes, {} are there", head.value_len, value.len());
                node.children.push(Node::fault(why, base + at..base + bytes.len()));
            }
            nodes.push(node);
            at += whole;
        }
        nodes
    }

    fn object(
        &mut self,
        tag: u32,
        value: &[u8],
        at: usize,
        header: usize,
        field: Option<&'static Field>,
        depth: usize,
    ) -> Node {
        let range = at..at + header + value.len();
        let mut node = match field {
            Some(field) => {
                let mut node = self.value(field.kind, field.name, value, at + header, depth);
                node.section = field.section;
                node
            }
            None => self.unknown(tag, value, at + header, depth),
        };
        node.range = range;
        node
    }

    /// What no table knows: by its universal type, else tag, length and bytes.
    fn unknown(&mut self, tag: u32, value: &[u8], base: usize, depth: usize) -> Node {
        let (name, kind) = match tag {
            0x01 => ("BOOLEAN", Kind::Bool),
            0x02 => ("INTEGER", Kind::Int),
            0x03 => ("BIT STRING", Kind::BitString),
            0x04 => ("OCTET STRING", Kind::Hex),
            0x06 => ("OBJECT IDENTIFIER", Kind::Oid),
            0x0C | 0x13 | 0x16 => ("string", Kind::Text),
            0x17 | 0x18 => ("time", Kind::Time),
            0x30 => ("SEQUENCE", Kind::Of(&[])),
            0x31 => ("SET", Kind::Of(&[])),
            _ => {
                let name = format!("[{}]", tlv::Tag(tag));
                let mut node = Node::new(name, String::new(), 0..0);
                if tlv::Tag(tag).is_constructed() {
                    node.children = self.objects(value, base, &[], false, depth + 1);
                } else {
                    node.value = format!("{} bytes: {}", value.len(), values::hex(value));
                }
                return node;
            }
        };
        self.value(kind, name, value, base, depth)
    }

    /// A value of a known kind. The range is the value's own; data objects widen it.
    pub(crate) fn value(
        &mut self,
        kind: Kind,
        name: &'static str,
        value: &[u8],
        base: usize,
        depth: usize,
    ) -> Node {
        let range: Range<usize> = base..base + value.len();
        let node = |text: String| Node::new(name, text, range.clone());
        let bad = |why: &str| {
            let mut bad = node(format!("{why}: {}", values::hex(value)));
            bad.fault = true;
            bad
        };
        match kind {
            Kind::Hex => node(values::hex(value)),
            Kind::Text => match std::str::from_utf8(value) {
                Ok(text) => node(values::shown(text)),
                Err(_) => bad("not UTF-8"),
            },
            Kind::Int => match values::integer(value) {
                Some(number) => node(number.to_string()),
                None => node(values::hex(value)),
            },
            Kind::Unsigned => node(values::unsigned(value).to_string()),
            Kind::Flags(names) => node(values::flags(names, value)),
            Kind::Byte(names) => node(values::byte(names, value)),
            Kind::Pin => node(format!("{} bytes", value.len())).secret(Secrecy::Key),
            Kind::Bool => match value {
                [byte] => node((if *byte == 0 { "FALSE" } else { "TRUE" }).to_owned()),
                _ => bad("not one byte"),
            },
            Kind::Oid => match values::oid(value) {
                Some(oid) => node(values::named_oid(&oid)),
                None => bad("not an object identifier"),
            },
            Kind::Version => match value {
                [major, minor, revision] => node(format!("{major}.{minor}.{revision}")),
                _ => bad("not three bytes"),
            },
            Kind::Eid => node(values::digits(value, false)).secret(Secrecy::Identifier),
            Kind::Iccid | Kind::Imei => node(values::digits(value, true)).secret(Secrecy::Identifier),
            Kind::Tac => node(values::digits(value, true)),
            Kind::Plmn => node(values::plmn(value)),
            Kind::Aid => node(match crate::name::aid(value) {
                Some(known) => format!("{} ({known})", values::hex(value)),
                None => values::hex(value),
            }),
            Kind::Tags => node(values::tags(value)),
            Kind::Enum(names) => match values::integer(value) {
                Some(number) => node(values::named(names, number)),
                None => bad("not an INTEGER"),
            },
            Kind::Bits(names) => Self::bits(names, name, value, base),
            Kind::Seq(fields) => {
                let children = self.objects(value, base, fields, true, depth + 1);
                node(String::new()).holding(children)
            }
            Kind::Of(fields) => {
                let children = self.objects(value, base, fields, false, depth + 1);
                let count = children.len();
                node(if count == 0 { "empty".to_owned() } else { String::new() }).holding(children)
            }
            Kind::Inside(fields) => {
                let children = self.objects(value, base, fields, false, depth + 1);
                node(String::new()).holding(children)
            }
            Kind::Maced(fields) => {
                let (text, mac) = value.split_at(value.len().saturating_sub(8));
                let before = std::mem::replace(&mut self.piece, true);
                let mut children = self.objects(text, base, fields, true, depth + 1);
                self.piece = before;
                children.push(Node::new("MAC", values::hex(mac), base + text.len()..base + value.len()));
                node(format!("{} bytes, readable, with MAC", text.len())).holding(children)
            }
            Kind::Signature => {
                let text = match value.len() {
                    64 => format!("r ‖ s: {}", values::hex(value)),
                    other => format!("{other} bytes: {}", values::hex(value)),
                };
                node(text)
            }
            Kind::Point => node(match value {
                [4, _, ..] if value.len() == 65 => format!("uncompressed point: {}", values::hex(value)),
                _ => values::hex(value),
            }),
            Kind::Picture => node(values::picture(value)),
            Kind::Token => match std::str::from_utf8(value) {
                Ok("") => node("empty".to_owned()),
                Ok(text) => node(values::shown(text)).secret(Secrecy::Secret),
                Err(_) => bad("not UTF-8"),
            },
            Kind::SecretHash => node(values::hex(value)).secret(Secrecy::Secret),
            Kind::Sealed => {
                let cipher = value.len().saturating_sub(8);
                node(format!("{cipher} bytes of ciphertext, MAC of 8 bytes")).secret(Secrecy::Sealed)
            }
            Kind::Name => crate::x509::name(self, name, value, base, depth),
            Kind::Algorithm => crate::x509::algorithm(self, name, value, base, depth),
            Kind::Validity => crate::x509::validity(self, name, value, base, depth),
            Kind::Time => node(values::time(value)),
            Kind::Extension => crate::x509::extension(self, name, value, base, depth),
            Kind::BitString => node(values::hex(value.get(1..).unwrap_or_default())),
            Kind::By(read) => {
                let children = read(self, value, base, depth + 1);
                node(String::new()).holding(children)
            }
        }
    }

    /// Named bits, each a node of its own.
    fn bits(names: &'static str, name: &'static str, value: &[u8], base: usize) -> Node {
        let range = base..base + value.len();
        let Some((unused, octets)) = value.split_first().filter(|(unused, _)| **unused < 8) else {
            let mut bad = Node::new(name, format!("not a BIT STRING: {}", values::hex(value)), range);
            bad.fault = true;
            return bad;
        };
        let count = (octets.len() * 8).saturating_sub(usize::from(*unused)).min(64);
        let mut set = Vec::new();
        let mut names = names.split('|');
        for bit in 0..count {
            let known = names.next();
            let octet = octets.get(bit / 8).copied().unwrap_or(0);
            if octet & (0x80 >> (bit % 8)) != 0 {
                set.push(known.map_or_else(|| format!("bit {bit}"), str::to_owned));
            }
        }
        Node::new(name, if set.is_empty() { "none".to_owned() } else { set.join(", ") }, range)
    }
}
