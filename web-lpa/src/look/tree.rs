//! Decoded fields as a list of lines that open and close, and the way from a byte to its field.

use std::ops::Range;

use trace::{Node, Secrecy};

/// How many lines are open at first, at most.
const AT_FIRST: usize = 40;

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in the standard.
    pub name: String,
    /// What it says.
    pub value: String,
    /// Its bytes.
    pub range: Range<usize>,
    /// Where the standard defines it.
    pub section: Option<&'static str>,
    /// Who is not meant to see it.
    pub secrecy: Secrecy,
    /// It is malformed.
    pub fault: bool,
    /// 0 for the outermost.
    pub level: usize,
    /// The field that it is in.
    pub parent: Option<usize>,
    /// One behind the last field inside it.
    pub end: usize,
}

/// The fields of one side of a message, in the order of the standard; a field is named by
/// its place among all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    fields: Vec<Field>,
}

/// A key that moves in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// To the line above.
    Up,
    /// To the line below.
    Down,
    /// Closes, or goes out.
    Left,
    /// Opens, or goes in.
    Right,
    /// To the first line.
    Home,
    /// To the last line.
    End,
}

impl Key {
    /// The key of a keyboard event's name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "ArrowUp" => Self::Up,
            "ArrowDown" => Self::Down,
            "ArrowLeft" => Self::Left,
            "ArrowRight" => Self::Right,
            "Home" => Self::Home,
            "End" => Self::End,
            _ => return None,
        })
    }
}

impl Tree {
    /// The fields of these nodes.
    #[must_use]
    pub fn of(nodes: &[Node]) -> Self {
        fn add(fields: &mut Vec<Field>, node: &Node, level: usize, parent: Option<usize>) {
            let place = fields.len();
            fields.push(Field {
                name: node.name.to_string(),
                value: node.value.clone(),
                range: node.range.clone(),
                section: node.section,
                secrecy: node.secrecy,
                fault: node.fault,
                level,
                parent,
                end: place,
            });
            for child in &node.children {
                add(fields, child, level + 1, Some(place));
            }
            let end = fields.len();
            if let Some(field) = fields.get_mut(place) {
                field.end = end;
            }
        }
        let mut fields = Vec::new();
        for node in nodes {
            add(&mut fields, node, 0, None);
        }
        Self { fields }
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// A field.
    #[must_use]
    pub fn get(&self, field: usize) -> Option<&Field> {
        self.fields.get(field)
    }

    /// Whether there is something inside a field.
    #[must_use]
    pub fn holds(&self, field: usize) -> bool {
        self.get(field).is_some_and(|known| known.end > field + 1)
    }

    /// The innermost field that a byte belongs to.
    #[must_use]
    pub fn at(&self, byte: usize) -> Option<usize> {
        let holding = self.fields.iter().enumerate().filter(|(_, field)| field.range.contains(&byte));
        holding
            .max_by(|(_, one), (_, other)| {
                (one.level, other.range.len()).cmp(&(other.level, one.range.len()))
            })
            .map(|(place, _)| place)
    }

    /// The section of a field, or that of the nearest one around it which has one.
    #[must_use]
    pub fn section(&self, field: usize) -> Option<&'static str> {
        let mut at = Some(field);
        while let Some(known) = at.and_then(|place| self.get(place)) {
            if known.section.is_some() {
                return known.section;
            }
            at = known.parent;
        }
        None
    }

    /// Which fields are open at first: from the outside inwards, as long as it stays short;
    /// what is malformed is in sight.
    #[must_use]
    pub fn open_at_first(&self) -> Vec<bool> {
        let mut open = vec![false; self.len()];
        let deepest = self.fields.iter().map(|field| field.level).max().unwrap_or(0);
        let mut lines = self.fields.iter().filter(|field| field.level == 0).count();
        for level in 0..deepest {
            let next = self.fields.iter().filter(|field| field.level == level + 1).count();
            if lines + next > AT_FIRST && level > 0 {
                break;
            }
            lines += next;
            for (field, open) in self.fields.iter().zip(&mut open) {
                *open |= field.level == level;
            }
        }
        for (place, _) in self.fields.iter().enumerate().filter(|(_, field)| field.fault).take(AT_FIRST) {
            self.reveal(&mut open, place);
        }
        open
    }

    /// Opens what a field is in.
    pub fn reveal(&self, open: &mut [bool], field: usize) {
        let mut at = self.get(field).and_then(|known| known.parent);
        while let Some(place) = at {
            if let Some(open) = open.get_mut(place) {
                *open = true;
            }
            at = self.get(place).and_then(|known| known.parent);
        }
    }

    /// The fields that are in sight, in order.
    #[must_use]
    pub fn lines(&self, open: &[bool]) -> Vec<usize> {
        let (mut lines, mut at) = (Vec::new(), 0);
        while let Some(field) = self.get(at) {
            lines.push(at);
            at = if open.get(at).copied().unwrap_or(false) { at + 1 } else { field.end };
        }
        lines
    }

    /// Where a key leads from a field; it may open or close one.
    #[must_use]
    pub fn key(&self, open: &mut [bool], from: usize, key: Key) -> usize {
        let lines = self.lines(open);
        let line = lines.binary_search(&from).unwrap_or(0);
        let is_open = open.get(from).copied().unwrap_or(false) && self.holds(from);
        let to = match key {
            Key::Up => lines.get(line.saturating_sub(1)),
            Key::Down => lines.get(line + 1),
            Key::Home => lines.first(),
            Key::End => lines.last(),
            Key::Right if is_open => lines.get(line + 1),
            Key::Left if !is_open => return self.get(from).and_then(|field| field.parent).unwrap_or(from),
            Key::Left | Key::Right => {
                if let Some(open) = open.get_mut(from).filter(|_| self.holds(from)) {
                    *open = key == Key::Right;
                }
                None
            }
        };
        to.copied().unwrap_or(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace::{Party, Trace, decode};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// `BF2E { 80 02 AB CD }` of a real exchange.
    fn challenge() -> Tree {
        let mut trace = Trace::default();
        let ticket = trace.command(Party::Chip, &[0x80, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x2E, 0x00], 1.0);
        trace.answer(ticket, &[0xBF, 0x2E, 0x04, 0x80, 0x02, 0xAB, 0xCD, 0x90, 0x00], 3.0);
        let decoded = decode(trace.message(ticket.message).unwrap());
        Tree::of(&decoded.response.unwrap().nodes)
    }

    fn name(tree: &Tree, byte: usize) -> &str {
        tree.at(byte).and_then(|field| tree.get(field)).map_or("", |field| &field.name)
    }

    #[test]
    fn a_byte_leads_to_the_innermost_field() {
        let tree = challenge();
        assert_eq!(name(&tree, 0), "GetEuiccChallengeResponse");
        assert_eq!(name(&tree, 5), "euiccChallenge");
        assert_ne!(name(&tree, 7), "euiccChallenge", "the status word");
        assert_eq!(tree.at(99), None);
        let field = tree.at(5).unwrap();
        assert_eq!(tree.section(field), Some("SGP.22 §5.7.7"), "of the object around it");
    }

    fn nested() -> Tree {
        let leaf = |name: &'static str, at: usize| Node::new(name, "", at..at + 1);
        let mut inner = Node::new("inner", "", 1..3);
        inner.children = vec![leaf("a", 1), leaf("b", 2)];
        let mut outer = Node::new("outer", "", 0..4);
        outer.children = vec![inner, leaf("c", 3)];
        Tree::of(&[outer, leaf("last", 4)])
    }

    #[test]
    fn keys_go_through_the_lines_in_sight() {
        let tree = nested();
        let mut open = vec![false; tree.len()];
        assert_eq!(tree.lines(&open), [0, 5]);
        assert_eq!(tree.key(&mut open, 0, Key::Right), 0);
        assert_eq!(tree.lines(&open), [0, 1, 4, 5], "opened");
        assert_eq!(tree.key(&mut open, 0, Key::Right), 1, "goes in");
        assert_eq!(tree.key(&mut open, 1, Key::Down), 4, "over what is closed");
        assert_eq!(tree.key(&mut open, 4, Key::Left), 0, "goes out");
        assert_eq!(tree.key(&mut open, 0, Key::Left), 0);
        assert_eq!(tree.lines(&open), [0, 5], "closed");
        assert_eq!(tree.key(&mut open, 0, Key::End), 5);
        assert_eq!(tree.key(&mut open, 5, Key::Right), 5, "holds nothing");
        assert_eq!(tree.key(&mut open, 5, Key::Down), 5);
        assert_eq!(tree.key(&mut open, 5, Key::Home), 0);
    }

    #[test]
    fn a_field_in_the_deep_is_brought_into_sight() {
        let tree = nested();
        let mut open = vec![false; tree.len()];
        let field = tree.at(2).unwrap();
        tree.reveal(&mut open, field);
        assert!(tree.lines(&open).contains(&field));
    }

    #[test]
    fn many_fields_begin_closed() {
        let mut nodes = Vec::new();
        for index in 0..30 {
            let mut node = Node::new("segment", "", index * 10..index * 10 + 10);
            for byte in 0..10 {
                let mut child = Node::new("child", "", index * 10 + byte..index * 10 + byte + 1);
                child.children = vec![child.clone(), child.clone()];
                node.children.push(child);
            }
            nodes.push(node);
        }
        let mut package = Node::new("package", "", 0..300);
        package.children = nodes;
        let tree = Tree::of(&[package]);
        assert_eq!(tree.lines(&tree.open_at_first()).len(), 31);
        assert!(Tree::default().open_at_first().is_empty());
    }
}
