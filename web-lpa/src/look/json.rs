//! JSON for people, each piece with its place in the text that was sent.

use std::ops::Range;

use serde::de::IgnoredAny;

/// Most lines that are shown.
const LINES: usize = 2_000;
/// Longest text that is shown whole; of a longer one the beginning.
const TEXT: usize = 320;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The name of a member, with its quotes.
    Name,
    /// A text, with its quotes.
    Text,
    /// A number, `true`, `false`, `null`.
    Value,
    /// Brackets, commas, colons.
    Sign,
    /// Told in place of what is not shown.
    Cut(usize),
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the text that was sent. What is shown is these characters, but for
    /// [`Kind::Cut`], where it is how many there are.
    pub range: Range<usize>,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// How deep it stands.
    pub level: usize,
    /// What is on it.
    pub pieces: Vec<Piece>,
}

/// The lines of a text; `None` when it is no JSON.
#[must_use]
pub fn lines(text: &str) -> Option<Vec<Line>> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let bytes = text.as_bytes();
    let (mut lines, mut line) = (Vec::new(), Line::default());
    let (mut level, mut at) = (0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        if lines.len() >= LINES {
            let rest = at..bytes.len();
            lines.push(Line { level: 0, pieces: vec![Piece { kind: Kind::Cut(rest.len()), range: rest }] });
            return Some(lines);
        }
        let sign = |end: usize| Piece { kind: Kind::Sign, range: at..end };
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'{' | b'[' => {
                let next = past_space(bytes, at + 1);
                if matches!(bytes.get(next), Some(b'}' | b']')) {
                    line.pieces.push(sign(at + 1));
                    line.pieces.push(Piece { kind: Kind::Sign, range: next..next + 1 });
                    at = next + 1;
                } else {
                    line.pieces.push(sign(at + 1));
                    level += 1;
                    lines.push(std::mem::replace(&mut line, Line { level, ..Line::default() }));
                    at += 1;
                }
            }
            b'}' | b']' => {
                level = level.saturating_sub(1);
                lines.push(std::mem::replace(&mut line, Line { level, ..Line::default() }));
                line.pieces.push(sign(at + 1));
                at += 1;
            }
            b',' => {
                line.pieces.push(sign(at + 1));
                lines.push(std::mem::replace(&mut line, Line { level, ..Line::default() }));
                at += 1;
            }
            b':' => {
                line.pieces.push(sign(at + 1));
                at += 1;
            }
            b'"' => {
                let end = past_text(bytes, at + 1);
                let is_name = bytes.get(past_space(bytes, end)) == Some(&b':');
                let kind = if is_name { Kind::Name } else { Kind::Text };
                let shown = (end - at > TEXT).then(|| text.floor_char_boundary(at + TEXT / 2));
                line.pieces.push(Piece { kind, range: at..shown.unwrap_or(end) });
                if let Some(from) = shown {
                    line.pieces.push(Piece { kind: Kind::Cut(end - from), range: from..end });
                }
                at = end;
            }
            _ => {
                let end = bytes
                    .iter()
                    .skip(at)
                    .position(|byte| matches!(byte, b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\r' | b'\n'))
                    .map_or(bytes.len(), |length| at + length.max(1));
                line.pieces.push(Piece { kind: Kind::Value, range: at..end });
                at = end;
            }
        }
    }
    lines.push(line);
    Some(lines)
}

fn past_space(bytes: &[u8], from: usize) -> usize {
    let space = bytes.iter().skip(from).take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    from + space.count()
}

/// Behind the quotes that end a text which begins at `from`.
fn past_text(bytes: &[u8], from: usize) -> usize {
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    bytes.len()
}

/// The whole text for people, with nothing left out: for copying.
#[must_use]
pub fn pretty(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn shown(text: &str) -> String {
        let mut out = String::new();
        for line in lines(text).unwrap() {
            out.push_str(&"  ".repeat(line.level));
            for piece in line.pieces {
                match piece.kind {
                    Kind::Cut(length) => out.push_str(&format!("…{length}")),
                    _ => out.push_str(&text[piece.range]),
                }
            }
            out.push('\n');
        }
        out
    }

    #[test]
    fn members_stand_below_each_other() {
        let text = r#"{"header":{"a":"x, \"y\"","b":[1, -2.5e3,true],"c":{ },"d":[]},"e":null}"#;
        let expected = "{\n  \"header\":{\n    \"a\":\"x, \\\"y\\\"\",\n    \"b\":[\n      1,\n      -2.5e3,\n      true\n    ],\n    \"c\":{},\n    \"d\":[]\n  },\n  \"e\":null\n}\n";
        assert_eq!(shown(text), expected);
        assert_eq!(shown("\"alone\""), "\"alone\"\n");
    }

    #[test]
    fn a_text_that_is_long_is_shown_shortened() {
        let text = format!("{{\"boundProfilePackage\":\"{}\"}}", "é".repeat(5000));
        let shown = shown(&text);
        assert!(shown.len() < 400 && shown.contains('…'), "{shown}");
    }

    #[test]
    fn a_text_of_many_lines_ends_somewhere() {
        let text = format!("[{}1]", "1,".repeat(10_000));
        assert_eq!(lines(&text).unwrap().len(), LINES + 1);
    }

    #[test]
    fn what_is_no_json_has_no_lines() {
        for text in ["", "{", "hello", "{\"a\":}", "[1 2]"] {
            assert_eq!(lines(text), None, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(lines(&deep), None);
    }
}
