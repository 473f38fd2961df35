//! Reading a file of a trace, piece by piece, so that who reads it can do other things between
//! two pieces and can stop. It may come from anybody: it is bounded, and what is wrong with it is
//! said, with the place.

mod lines;
mod members;

use std::fmt;

use words::{Text, text};

use self::lines::Lines;
use self::members::Members;
use crate::record::{Limits, Trace};

/// Longest file that is read, in bytes.
pub const MAX_IMPORT: usize = 64 << 20;

/// Longest message in a file, in bytes of the file: what one piece of work can be at most.
pub const MAX_MESSAGE: usize = 8 << 20;

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// Longer than [`MAX_IMPORT`].
    TooLarge(usize),
    /// Neither JSON nor text: bytes that are no UTF-8.
    NotText {
        /// Line from 1.
        line: usize,
    },
    /// JSON that is damaged, or other JSON: where and what.
    Json {
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
        /// What is wrong, in English.
        why: String,
    },
    /// JSON of something else.
    OtherFormat,
    /// A later version.
    Version(u32),
    /// A message with something impossible.
    Message {
        /// Which, from 1.
        number: usize,
        /// The line it begins in, from 1.
        line: usize,
        /// What: `party`, `bytes` …
        what: &'static str,
    },
    /// A message, or something else in the place of one, that is longer than [`MAX_MESSAGE`].
    Long {
        /// The line it begins in, from 1.
        line: usize,
    },
    /// A line that is neither command nor answer nor comment.
    Line(usize),
    /// There is nothing in it.
    Empty,
}

impl ImportError {
    /// In words.
    #[must_use]
    pub fn text(&self) -> Text<String> {
        match self {
            Self::TooLarge(bytes) => {
                let (bytes, most) = (bytes >> 20, MAX_IMPORT >> 20);
                text!(
                    "The file is too large: {bytes} MiB, at most {most} MiB are read.",
                    "ファイルが大きすぎます（{bytes} MiB）。読めるのは {most} MiB までです。"
                )
            }
            Self::NotText { line } => text!(
                "This is no trace: line {line} is not text.",
                "トレースではありません（{line} 行目がテキストではありません）。"
            ),
            Self::Json { line, column, why } => text!(
                "The file is damaged in line {line}, column {column}: {why}.",
                "ファイルの {line} 行 {column} 列に誤りがあります: {why}"
            ),
            Self::OtherFormat => {
                text!("This is JSON, but not that of a trace.", "JSON ですが、トレースの形式ではありません。")
            }
            Self::Version(version) => text!(
                "The file was made by a later version of this program (format {version}).",
                "より新しいバージョンで作られたファイルです（形式 {version}）。"
            ),
            Self::Message { number, line, what } => text!(
                "Message {number} of the file (line {line}) has an impossible value: {what}.",
                "{number} 番目のメッセージ（{line} 行目）の値が正しくありません: {what}"
            ),
            Self::Long { line } => {
                let most = MAX_MESSAGE >> 20;
                text!(
                    "What begins in line {line} is longer than {most} MiB: no message that was saved here is.",
                    "{line} 行目から始まる内容が {most} MiB を超えています。ここで保存したメッセージではありません。"
                )
            }
            Self::Line(line) => text!(
                "Line {line} is neither a command (>) nor an answer (<) nor a comment (;).",
                "{line} 行目はコマンド（>）でも応答（<）でもコメント（;）でもありません。"
            ),
            Self::Empty => text!("There is no message in the file.", "ファイルにメッセージがありません。"),
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl std::error::Error for ImportError {}

/// Reads JSON of [`crate::to_json`], or text of [`crate::to_text`] or of a card tool.
///
/// # Errors
/// [`ImportError`], with the first thing that is wrong.
pub fn import(bytes: &[u8]) -> Result<Trace, ImportError> {
    if bytes.len() > MAX_IMPORT {
        return Err(ImportError::TooLarge(bytes.len()));
    }
    let mut import = Import::new();
    for piece in bytes.chunks(Import::PIECE) {
        import.take(piece)?;
    }
    import.finish()
}

/// What of a file is kept: as much as a trace that is recorded.
const LIMITS: fn() -> Limits = Limits::default;

/// A file that is being read. It holds the trace so far and one message that is not complete.
///
/// ```
/// let file = b"> 80E2910003BF2E00\n< BF2E048002ABCD9000\n";
/// let mut import = trace::Import::new();
/// for piece in file.chunks(trace::Import::PIECE) {
///     import.take(piece)?;
///     // Here others may have their turn; who gives up drops it.
/// }
/// assert_eq!(import.finish()?.len(), 1);
/// # Ok::<(), trace::ImportError>(())
/// ```
#[derive(Debug, Default)]
pub struct Import {
    /// Bytes that were taken.
    taken: usize,
    /// The beginning of a character that the next piece goes on with.
    carry: Vec<u8>,
    /// Where the next byte stands.
    place: Place,
    form: Form,
}

/// What the file turned out to be.
#[derive(Debug, Default)]
enum Form {
    /// Only white space so far.
    #[default]
    Unknown,
    Json(Box<Members>),
    Text(Box<Lines>),
}

impl Import {
    /// How many bytes are best given at a time: they are read in a few milliseconds, but for those
    /// that complete a very long message.
    pub const PIECE: usize = 128 << 10;

    /// Nothing was read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes were taken.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// How many messages were read.
    #[must_use]
    pub fn messages(&self) -> u64 {
        match &self.form {
            Form::Unknown => 0,
            Form::Json(members) => count(members.trace()),
            Form::Text(lines) => count(lines.trace()),
        }
    }

    /// Takes the next bytes of the file, wherever they are cut.
    ///
    /// # Errors
    /// [`ImportError`], with the first thing that is wrong. Nothing more is to be given then.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), ImportError> {
        self.taken = self.taken.saturating_add(piece.len());
        if self.taken > MAX_IMPORT {
            return Err(ImportError::TooLarge(self.taken));
        }
        if self.carry.is_empty() {
            return self.characters(piece);
        }
        // A character has four bytes at most: three that were left, and one of these.
        let mut piece = piece;
        while let ([first, rest @ ..], false) = (piece, self.carry.is_empty()) {
            piece = rest;
            let mut whole = std::mem::take(&mut self.carry);
            whole.push(*first);
            self.characters(&whole)?;
        }
        if piece.is_empty() { Ok(()) } else { self.characters(piece) }
    }

    /// All was given.
    ///
    /// # Errors
    /// [`ImportError`]: the file ends too early, or there is nothing in it.
    pub fn finish(self) -> Result<Trace, ImportError> {
        if !self.carry.is_empty() {
            return Err(ImportError::NotText { line: self.place.line });
        }
        let trace = match self.form {
            Form::Unknown => return Err(ImportError::Empty),
            Form::Json(members) => members.finish(self.place)?,
            Form::Text(lines) => lines.finish()?,
        };
        if trace.is_empty() { Err(ImportError::Empty) } else { Ok(trace) }
    }

    fn characters(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text),
            Err(error) => {
                let (good, bad) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, &[]));
                self.text(std::str::from_utf8(good).unwrap_or_default())?;
                if error.error_len().is_some() {
                    return Err(ImportError::NotText { line: self.place.line });
                }
                self.carry = bad.to_vec();
                Ok(())
            }
        }
    }

    fn text(&mut self, mut text: &str) -> Result<(), ImportError> {
        if let Form::Unknown = self.form {
            let start = |letter: char| letter != '\u{FEFF}' && !letter.is_whitespace();
            let from = text.find(start).unwrap_or(text.len());
            let (space, rest) = text.split_at_checked(from).unwrap_or((text, ""));
            self.place.pass(space.as_bytes());
            text = rest;
            self.form = match text.bytes().next() {
                None => return Ok(()),
                Some(b'{' | b'[') => Form::Json(Box::default()),
                Some(_) => Form::Text(Box::new(Lines::new(self.place.line))),
            };
        }
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Json(members) => members.take(text.as_bytes(), &mut self.place),
            Form::Text(lines) => {
                self.place.pass(text.as_bytes());
                lines.take(text)
            }
        }
    }
}

fn count(trace: &Trace) -> u64 {
    trace.dropped().saturating_add(trace.len() as u64)
}

/// Where a byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Line from 1.
    line: usize,
    /// Bytes before it in its line.
    before: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self { line: 1, before: 0 }
    }
}

impl Place {
    /// Goes on behind these bytes.
    fn pass(&mut self, bytes: &[u8]) {
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => {
                self.line += bytes.iter().filter(|byte| **byte == b'\n').count();
                self.before = bytes.len() - last - 1;
            }
            None => self.before += bytes.len(),
        }
    }
}
