//! The form that is JSON: [`crate::to_json`]'s object, of which one member or one message is in
//! memory at a time. Where a value ends is found here; what it says is read by serde.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{ImportError, LIMITS, MAX_MESSAGE, Place};
use crate::file::json::{self, FORMAT, VERSION, WireMessage};
use crate::record::Trace;

/// Deepest nesting: what serde_json reads.
const DEPTH: usize = 127;

/// What may come next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    /// `{`.
    #[default]
    Object,
    /// The first name, or `}`.
    FirstName,
    /// A name.
    Name,
    /// `:`.
    Colon,
    /// The value of the member.
    Value,
    /// The first message, or `]`.
    FirstMessage,
    /// A message.
    Message,
    /// `,` or `]`.
    AfterMessage,
    /// `,` or `}`.
    AfterValue,
    /// Only white space.
    Nothing,
}

/// A value whose end has not come.
#[derive(Debug)]
struct Open {
    what: What,
    /// Its bytes so far.
    bytes: Vec<u8>,
    /// Where it begins.
    place: Place,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Name,
    Value,
    Message,
}

/// How the end of a value is told.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// By the brackets that close; inside of a text or not, behind a backslash or not.
    Nested { depth: usize, text: bool, escape: bool },
    /// By what is no part of a number or a word.
    Plain,
}

/// The object that is being read.
#[derive(Debug)]
pub(super) struct Members {
    trace: Trace,
    expect: Expect,
    open: Option<Open>,
    /// The name of the member whose value comes.
    name: String,
    format: Option<bool>,
    version: Option<u32>,
    redacted: bool,
    dropped: Option<u64>,
    /// Whether the messages have come.
    messages: bool,
    /// Messages that were read.
    count: usize,
}

impl Default for Members {
    fn default() -> Self {
        Self {
            trace: Trace::new(LIMITS()),
            expect: Expect::Object,
            open: None,
            name: String::new(),
            format: None,
            version: None,
            redacted: false,
            dropped: None,
            messages: false,
            count: 0,
        }
    }
}

impl Members {
    /// What was read.
    pub(super) const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes more of the text; `place` is where it stands.
    pub(super) fn take(&mut self, mut bytes: &[u8], place: &mut Place) -> Result<(), ImportError> {
        while !bytes.is_empty() {
            let is_trace = self.is_trace();
            if let Some(open) = &mut self.open {
                let (end, closed) = open.shape.end(bytes).map_err(|deep| {
                    place.pass(bytes.get(..deep).unwrap_or_default());
                    damaged(*place, "recursion limit exceeded")
                })?;
                let (of_it, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
                if open.bytes.len() + of_it.len() > MAX_MESSAGE {
                    return Err(if is_trace {
                        ImportError::Long { line: open.place.line }
                    } else {
                        ImportError::OtherFormat
                    });
                }
                open.bytes.extend_from_slice(of_it);
                place.pass(of_it);
                bytes = rest;
                if closed && let Some(open) = self.open.take() {
                    self.close(open)?;
                }
                continue;
            }
            let from = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
            let (space, rest) = bytes.split_at_checked(from).unwrap_or((bytes, &[]));
            place.pass(space);
            bytes = rest;
            let Some(first) = bytes.first() else { break };
            // What opens a value is a part of it.
            if self.next(*first, *place)? {
                place.pass(&[*first]);
                bytes = bytes.get(1..).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// There is no more.
    pub(super) fn finish(mut self, place: Place) -> Result<Trace, ImportError> {
        if let Some(open) = self.open.take() {
            // A number may end with the file; of all else serde says what is missing.
            self.close(open)?;
        }
        match self.expect {
            Expect::Nothing => {}
            Expect::FirstMessage | Expect::Message | Expect::AfterMessage => {
                return Err(ended(place, "EOF while parsing a list"));
            }
            Expect::Value => return Err(ended(place, "EOF while parsing a value")),
            _ => return Err(ended(place, "EOF while parsing an object")),
        }
        if !self.is_trace() {
            return Err(ImportError::OtherFormat);
        }
        if !self.messages {
            return Err(ended(place, "missing field `messages`"));
        }
        self.trace.forget(self.dropped.unwrap_or_default());
        Ok(self.trace)
    }

    /// Whether it is said to be a trace, of this version. Else what is wrong with a member says
    /// only that it is something else.
    fn is_trace(&self) -> bool {
        self.format == Some(true) && self.version == Some(VERSION)
    }

    /// What begins with this byte. Says whether that is all of it.
    fn next(&mut self, byte: u8, place: Place) -> Result<bool, ImportError> {
        let wrong = |why| Err(damaged(place, why));
        match (self.expect, byte) {
            (Expect::Object, b'{') => self.expect = Expect::FirstName,
            // A list is JSON, and no trace.
            (Expect::Object, _) => return Err(ImportError::OtherFormat),
            (Expect::FirstName, b'}') | (Expect::AfterValue, b'}') => self.expect = Expect::Nothing,
            (Expect::Name, b'}') | (Expect::Message, b']') => return wrong("trailing comma"),
            (Expect::FirstName | Expect::Name, b'"') => return Ok(self.begin(What::Name, byte, place)),
            (Expect::FirstName | Expect::Name, _) => return wrong("key must be a string"),
            (Expect::Colon, b':') => self.expect = Expect::Value,
            (Expect::Colon, _) => return wrong("expected `:`"),
            (Expect::Value, b'[') if self.name == "messages" => {
                if std::mem::replace(&mut self.messages, true) {
                    return wrong("duplicate field `messages`");
                }
                self.expect = Expect::FirstMessage;
            }
            (Expect::FirstMessage | Expect::AfterMessage, b']') => self.expect = Expect::AfterValue,
            (Expect::AfterMessage, b',') => self.expect = Expect::Message,
            (Expect::AfterValue, b',') => self.expect = Expect::Name,
            (Expect::AfterMessage, _) => return wrong("expected `,` or `]`"),
            (Expect::AfterValue, _) => return wrong("expected `,` or `}`"),
            (Expect::Nothing, _) => return wrong("trailing characters"),
            (Expect::Value | Expect::FirstMessage | Expect::Message, b'}' | b']' | b',' | b':') => {
                return wrong("expected value");
            }
            (Expect::Value, _) => return Ok(self.begin(What::Value, byte, place)),
            (Expect::FirstMessage | Expect::Message, _) => return Ok(self.begin(What::Message, byte, place)),
        }
        Ok(true)
    }

    /// A value begins, whose first byte is still to be taken.
    fn begin(&mut self, what: What, byte: u8, place: Place) -> bool {
        let shape = match byte {
            b'{' | b'[' | b'"' => Shape::Nested { depth: 0, text: false, escape: false },
            _ => Shape::Plain,
        };
        self.open = Some(Open { what, bytes: Vec::new(), place, shape });
        false
    }

    /// A value is complete.
    fn close(&mut self, open: Open) -> Result<(), ImportError> {
        match open.what {
            What::Name => {
                self.name = self.read(&open)?;
                self.expect = Expect::Colon;
            }
            What::Message => {
                let wire: WireMessage = self.read(&open)?;
                self.count += 1;
                let message = json::read(wire).map_err(|what| {
                    let (number, line) = (self.count, open.place.line);
                    if self.is_trace() {
                        ImportError::Message { number, line, what }
                    } else {
                        ImportError::OtherFormat
                    }
                })?;
                self.trace.append(message);
                self.expect = Expect::AfterMessage;
            }
            What::Value => {
                self.member(&open)?;
                self.expect = Expect::AfterValue;
            }
        }
        Ok(())
    }

    fn member(&mut self, open: &Open) -> Result<(), ImportError> {
        let twice = |name| damaged(open.place, &format!("duplicate field `{name}`"));
        match self.name.as_str() {
            "format" if self.format.is_some() => return Err(twice("format")),
            "version" if self.version.is_some() => return Err(twice("version")),
            "dropped" if self.dropped.is_some() => return Err(twice("dropped")),
            "redacted" if self.redacted => return Err(twice("redacted")),
            "format" => {
                let format: String = self.read(open)?;
                self.format = Some(format == FORMAT);
            }
            "version" => self.version = Some(self.read(open)?),
            "dropped" => self.dropped = Some(self.read(open)?),
            "redacted" => {
                let _: bool = self.read(open)?;
                self.redacted = true;
            }
            // Something else than a list.
            "messages" => drop(self.read::<Vec<IgnoredAny>>(open)?),
            _ => drop(self.read::<IgnoredAny>(open)?),
        }
        match (self.format, self.version) {
            (Some(false), _) => Err(ImportError::OtherFormat),
            (Some(true), Some(version)) if version != VERSION => Err(ImportError::Version(version)),
            _ => Ok(()),
        }
    }

    fn read<'a, T: Deserialize<'a>>(&self, open: &'a Open) -> Result<T, ImportError> {
        serde_json::from_slice(&open.bytes).map_err(|error| {
            if error.is_data() && !self.is_trace() {
                return ImportError::OtherFormat;
            }
            let before = if error.line() <= 1 { open.place.before } else { 0 };
            ImportError::Json {
                line: open.place.line + error.line().saturating_sub(1),
                column: before + error.column(),
                // Without its own ending " at line 1 column 2".
                why: error.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
            }
        })
    }
}

impl Shape {
    /// Where the value ends in these bytes, and whether it does.
    ///
    /// # Errors
    /// Where it is nested too deeply.
    fn end(&mut self, bytes: &[u8]) -> Result<(usize, bool), usize> {
        let (depth, text, escape) = match self {
            Self::Nested { depth, text, escape } => (depth, text, escape),
            Self::Plain => {
                let is_end = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b'}' | b']' | b':');
                let end = bytes.iter().position(is_end);
                return Ok((end.unwrap_or(bytes.len()), end.is_some()));
            }
        };
        for (index, byte) in bytes.iter().enumerate() {
            if *text {
                match byte {
                    _ if *escape => *escape = false,
                    b'\\' => *escape = true,
                    b'"' => *text = false,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => *text = true,
                    b'{' | b'[' if *depth >= DEPTH => return Err(index),
                    b'{' | b'[' => *depth += 1,
                    b'}' | b']' => *depth = depth.saturating_sub(1),
                    _ => continue,
                }
            }
            if *depth == 0 && !*text {
                return Ok((index + 1, true));
            }
        }
        Ok((bytes.len(), false))
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Wrong is the byte that stands here.
fn damaged(place: Place, why: &str) -> ImportError {
    ImportError::Json { line: place.line, column: place.before + 1, why: why.to_owned() }
}

/// The file ends here.
fn ended(place: Place, why: &str) -> ImportError {
    ImportError::Json { line: place.line, column: place.before, why: why.to_owned() }
}
