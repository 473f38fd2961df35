//! The form that is text: a line for a command, a line for its answer, comments.

use super::{ImportError, LIMITS, MAX_MESSAGE};
use crate::record::{Answer, Ending, Message, Party, Request, Step, Ticket, Trace};

/// What is known of a message before its lines come.
#[derive(Debug)]
struct Head {
    at: f64,
    from: Party,
    to: Party,
}

/// A request or an answer over HTTP that is being read.
#[derive(Debug)]
struct Call {
    first: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// The line it begins in.
    number: usize,
    /// What it costs to keep.
    size: usize,
}

impl Call {
    fn new(first: &str, number: usize) -> Self {
        Self { first: first.to_owned(), headers: Vec::new(), body: None, number, size: first.len() }
    }

    fn add(&mut self, line: &str) -> Result<(), ImportError> {
        // A header is two texts, however short they are.
        self.size += line.len() + if self.body.is_some() { 1 } else { 2 * size_of::<String>() };
        if self.size > MAX_MESSAGE {
            return Err(ImportError::Long { line: self.number });
        }
        match &mut self.body {
            Some(body) => {
                // Before each line, so that an empty first one is not lost.
                body.push('\n');
                body.push_str(line);
            }
            None if line.is_empty() => self.body = Some(String::new()),
            None => {
                if let Some((name, value)) = line.split_once(": ") {
                    self.headers.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        Ok(())
    }

    fn body(&self) -> Vec<u8> {
        let body = self.body.as_deref().and_then(|body| body.strip_prefix('\n')).unwrap_or_default();
        match body.strip_prefix("hex:").map(hex::decode) {
            Some(Ok(bytes)) => bytes,
            _ => body.as_bytes().to_vec(),
        }
    }

    fn borrowed(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// Text that is being read.
#[derive(Debug)]
pub(super) struct Lines {
    trace: Trace,
    head: Head,
    open: Option<Ticket>,
    request: Option<Call>,
    answer: Option<Call>,
    /// The line that is not complete, and its number.
    partial: String,
    number: usize,
}

impl Lines {
    /// Nothing was read; the first line has this number.
    pub(super) fn new(number: usize) -> Self {
        Self {
            trace: Trace::new(LIMITS()),
            head: Head { at: 0.0, from: Party::Phone, to: Party::Chip },
            open: None,
            request: None,
            answer: None,
            partial: String::new(),
            number,
        }
    }

    /// What was read.
    pub(super) const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes more of the text.
    pub(super) fn take(&mut self, text: &str) -> Result<(), ImportError> {
        for piece in text.split_inclusive('\n') {
            if self.partial.len() + piece.len() > MAX_MESSAGE {
                return Err(ImportError::Long { line: self.number });
            }
            let Some(end) = piece.strip_suffix('\n') else {
                self.partial.push_str(piece);
                continue;
            };
            if self.partial.is_empty() {
                self.line(end)?;
            } else {
                let mut line = std::mem::take(&mut self.partial);
                line.push_str(end);
                self.line(&line)?;
                // Its room is used again.
                line.clear();
                line.shrink_to(64 << 10);
                self.partial = line;
            }
            self.number += 1;
        }
        Ok(())
    }

    /// There is no more.
    pub(super) fn finish(mut self) -> Result<Trace, ImportError> {
        let last = std::mem::take(&mut self.partial);
        if !last.is_empty() {
            self.line(&last)?;
        }
        if let Some(call) = self.answer.take() {
            finish(&mut self.trace, self.open, &call, self.head.at);
        }
        if let Some(call) = self.request.take() {
            let _ = send(&mut self.trace, &self.head, &call);
        }
        Ok(self.trace)
    }

    fn line(&mut self, line: &str) -> Result<(), ImportError> {
        let wrong = ImportError::Line(self.number);
        let line = line.trim_end_matches('\r');
        let ends = !line.starts_with(['>', '<']);
        if ends && let Some(call) = self.answer.take() {
            finish(&mut self.trace, self.open, &call, self.head.at);
        }
        if let Some(comment) = line.strip_prefix(';') {
            if let (Some(call), None) = (self.request.take(), self.open) {
                self.open = Some(send(&mut self.trace, &self.head, &call));
            }
            self::comment(&mut self.trace, &mut self.head, &mut self.open, comment.trim());
            return Ok(());
        }
        let (sign, rest) = match line.split_at_checked(1) {
            Some((sign @ (">" | "<"), rest)) => (sign, rest.strip_prefix(' ').unwrap_or(rest)),
            _ if line.trim().is_empty() || line.starts_with('#') => return Ok(()),
            _ => return Err(wrong),
        };
        if sign == ">" {
            if let Some(call) = &mut self.request {
                return call.add(rest);
            }
            match bytes_of(rest) {
                Some((bytes, at)) => {
                    self.head.at = at.unwrap_or(self.head.at);
                    self.open = Some(if bytes.is_empty() {
                        self.trace.reset(self.head.to, self.head.at)
                    } else {
                        self.trace.command(self.head.to, &bytes, self.head.at)
                    });
                }
                None if rest.contains(' ') => {
                    self.request = Some(Call::new(rest, self.number));
                    self.open = None;
                }
                None => return Err(wrong),
            }
            Ok(())
        } else if let Some(call) = &mut self.answer {
            call.add(rest)
        } else if rest.starts_with("HTTP ") {
            let Some(call) = self.request.take() else { return Err(wrong) };
            self.open = Some(send(&mut self.trace, &self.head, &call));
            self.answer = Some(Call::new(rest, self.number));
            Ok(())
        } else {
            let (Some((bytes, at)), Some(ticket)) = (bytes_of(rest), self.open) else { return Err(wrong) };
            self.trace.answer(ticket, &bytes, at.unwrap_or(self.head.at));
            Ok(())
        }
    }
}

fn send(trace: &mut Trace, head: &Head, call: &Call) -> Ticket {
    let (method, url) = call.first.split_once(' ').unwrap_or(("", &call.first));
    let request = Request { method, url, headers: &call.borrowed(), body: &call.body() };
    trace.call(head.from, head.to, request, head.at)
}

fn finish(trace: &mut Trace, open: Option<Ticket>, call: &Call, at: f64) {
    if let Some(ticket) = open {
        let status = call.first.get(5..).and_then(|status| status.trim().parse().ok()).unwrap_or_default();
        trace.reply(ticket, Answer { status, headers: &call.borrowed(), body: &call.body() }, at);
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
