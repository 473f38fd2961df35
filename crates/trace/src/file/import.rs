//! Reading a file of a trace. It may come from anybody: it is bounded, and what is wrong with
//! it is said.

use std::fmt;

use words::{Text, text};

use super::json::{self, FORMAT, File, VERSION};
use crate::record::{Answer, Ending, Limits, Message, Party, Request, Step, Ticket, Trace};

/// Longest file that is read, in bytes.
pub const MAX_IMPORT: usize = 64 << 20;

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// Longer than [`MAX_IMPORT`].
    TooLarge(usize),
    /// Neither JSON nor text.
    NotText,
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
        /// What: `party`, `bytes` …
        what: &'static str,
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
            Self::NotText => text!(
                "This is no trace: it is not text.",
                "トレースではありません（テキストではないファイルです）。"
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
            Self::Message { number, what } => text!(
                "Message {number} of the file has an impossible value: {what}.",
                "{number} 番目のメッセージの値が正しくありません: {what}"
            ),
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
    let text = std::str::from_utf8(bytes).map_err(|_| ImportError::NotText)?;
    let text = text.trim_start_matches('\u{FEFF}');
    let trace = if text.trim_start().starts_with(['{', '[']) { from_json(text)? } else { from_text(text)? };
    if trace.is_empty() { Err(ImportError::Empty) } else { Ok(trace) }
}

/// What of a file is kept: as much as a trace that is recorded.
const LIMITS: fn() -> Limits = Limits::default;

fn from_json(text: &str) -> Result<Trace, ImportError> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: Option<String>,
        version: Option<u32>,
    }
    let broken = |error: serde_json::Error| ImportError::Json {
        line: error.line(),
        column: error.column(),
        // Without its own ending " at line 1 column 2".
        why: error.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
    };
    let head: Head = match serde_json::from_str(text) {
        Ok(head) => head,
        Err(error) if error.is_data() => return Err(ImportError::OtherFormat),
        Err(error) => return Err(broken(error)),
    };
    match (head.format.as_deref(), head.version) {
        (Some(FORMAT), Some(VERSION)) => {}
        (Some(FORMAT), Some(version)) => return Err(ImportError::Version(version)),
        _ => return Err(ImportError::OtherFormat),
    }
    let file: File = serde_json::from_str(text).map_err(broken)?;
    let mut messages = Vec::new();
    for (index, wire) in file.messages.into_iter().enumerate() {
        let wrong = |what| ImportError::Message { number: index + 1, what };
        messages.push(json::read(wire).map_err(wrong)?);
    }
    Ok(Trace::from_messages(LIMITS(), messages, file.dropped))
}

/// What is known of a message before its lines come.
struct Head {
    at: f64,
    from: Party,
    to: Party,
}

/// A request or an answer over HTTP that is being read.
#[derive(Default)]
struct Lines {
    first: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<String>>,
}

impl Lines {
    fn add(&mut self, line: &str) {
        if let Some(body) = &mut self.body {
            body.push(line.to_owned());
        } else if line.is_empty() {
            self.body = Some(Vec::new());
        } else if let Some((name, value)) = line.split_once(": ") {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    fn body(&self) -> Vec<u8> {
        let body = self.body.as_ref().map(|lines| lines.join("\n")).unwrap_or_default();
        match body.strip_prefix("hex:").map(hex::decode) {
            Some(Ok(bytes)) => bytes,
            _ => body.into_bytes(),
        }
    }

    fn borrowed(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

fn from_text(text: &str) -> Result<Trace, ImportError> {
    let mut trace = Trace::new(LIMITS());
    let mut head = Head { at: 0.0, from: Party::Phone, to: Party::Chip };
    let mut open: Option<Ticket> = None;
    let mut request: Option<Lines> = None;
    let mut answer: Option<Lines> = None;
    for (index, line) in text.lines().enumerate() {
        let wrong = ImportError::Line(index + 1);
        let line = line.trim_end_matches('\r');
        let ends = !line.starts_with(['>', '<']);
        if ends && let Some(lines) = answer.take() {
            finish(&mut trace, open, &lines, head.at);
        }
        if let Some(comment) = line.strip_prefix(';') {
            if let (Some(lines), None) = (request.take(), open) {
                open = Some(send(&mut trace, &head, &lines));
            }
            self::comment(&mut trace, &mut head, &mut open, comment.trim());
            continue;
        }
        let (sign, rest) = match line.split_at_checked(1) {
            Some((sign @ (">" | "<"), rest)) => (sign, rest.strip_prefix(' ').unwrap_or(rest)),
            _ if line.trim().is_empty() || line.starts_with('#') => continue,
            _ => return Err(wrong),
        };
        if sign == ">" {
            if let Some(lines) = &mut request {
                lines.add(rest);
                continue;
            }
            match bytes_of(rest) {
                Some((bytes, at)) => {
                    head.at = at.unwrap_or(head.at);
                    open = Some(if bytes.is_empty() {
                        trace.reset(head.to, head.at)
                    } else {
                        trace.command(head.to, &bytes, head.at)
                    });
                }
                None if rest.contains(' ') => {
                    request = Some(Lines { first: rest.to_owned(), ..Lines::default() });
                    open = None;
                }
                None => return Err(wrong),
            }
        } else if let Some(lines) = &mut answer {
            lines.add(rest);
        } else if rest.starts_with("HTTP ") {
            let Some(lines) = request.take() else { return Err(wrong) };
            open = Some(send(&mut trace, &head, &lines));
            answer = Some(Lines { first: rest.to_owned(), ..Lines::default() });
        } else {
            let (Some((bytes, at)), Some(ticket)) = (bytes_of(rest), open) else { return Err(wrong) };
            trace.answer(ticket, &bytes, at.unwrap_or(head.at));
        }
    }
    if let Some(lines) = answer.take() {
        finish(&mut trace, open, &lines, head.at);
    }
    if let Some(lines) = request.take() {
        let _ = send(&mut trace, &head, &lines);
    }
    Ok(trace)
}

fn send(trace: &mut Trace, head: &Head, lines: &Lines) -> Ticket {
    let (method, url) = lines.first.split_once(' ').unwrap_or(("", &lines.first));
    let request = Request { method, url, headers: &lines.borrowed(), body: &lines.body() };
    trace.call(head.from, head.to, request, head.at)
}

fn finish(trace: &mut Trace, open: Option<Ticket>, lines: &Lines, at: f64) {
    if let Some(ticket) = open {
        let status = lines.first.get(5..).and_then(|status| status.trim().parse().ok()).unwrap_or_default();
        trace.reply(ticket, Answer { status, headers: &lines.borrowed(), body: &lines.body() }, at);
    }
}

/// Digits, and the time behind them.
fn bytes_of(line: &str) -> Option<(Vec<u8>, Option<f64>)> {
    let (digits, rest) = line.split_once(';').unwrap_or((line, ""));
    let digits: String = digits.split_whitespace().collect();
    let at = rest.trim().parse().ok().filter(|at: &f64| at.is_finite());
    Some((hex::decode(digits).ok()?, at))
}

/// `7 12.500 phone > chip ES10b.GetEUICCChallenge`, or what is known besides.
fn comment(trace: &mut Trace, head: &mut Head, open: &mut Option<Ticket>, comment: &str) {
    let last = trace.messages().next_back().map(|message| message.id);
    if let Some(note) = comment.strip_prefix("note: ") {
        if let Some(last) = last {
            trace.note(last, note);
        }
    } else if let Some(number) = comment.strip_prefix("step ") {
        trace.set_step(number.parse().ok().and_then(Step::from_number));
    } else if let Some(rest) = comment.strip_prefix("failed after ").or_else(|| comment.strip_prefix("took "))
    {
        if let Some((took, why)) =
            rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|took| (took, "")))
            && let (Some(id), Ok(took)) = (last, took.parse::<f64>())
        {
            let failed = comment.starts_with("failed");
            trace.amend(id, |message: &mut Message| {
                message.took = if took.is_finite() { took.max(0.0) } else { 0.0 };
                if failed {
                    message.ending = Ending::Bad(why.to_owned());
                }
            });
        }
    } else {
        let words: Vec<&str> = comment.split_whitespace().take(5).collect();
        if let [number, at, from, ">", to] = words[..]
            && let (Ok(_), Ok(at)) = (number.parse::<u32>(), at.parse::<f64>())
            && let (Some(from), Some(to)) = (Party::from_word(from), Party::from_word(to))
            && at.is_finite()
        {
            *head = Head { at, from, to };
            *open = None;
            trace.set_step(None);
        }
    }
}
