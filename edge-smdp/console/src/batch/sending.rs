//! From rows to requests, each of which is small enough to be waited for.

use serde_json::Value;
use zeroize::Zeroizing;

use super::reading::Records;
use super::results::quoted;
use super::{Batch, CHUNK_BYTES, CHUNK_ROWS, Format, MAX_ROW};

/// A piece that fits into one request. Not `Debug`: it holds keys.
pub struct Chunk {
    body: Zeroizing<Vec<u8>>,
    /// Of the body.
    pub media_type: &'static str,
    /// The rows in it, 1 for the first subscriber of the file.
    pub rows: Vec<usize>,
    /// Where the next piece begins.
    pub next: usize,
}

impl Chunk {
    /// What is sent; keys in it.
    #[must_use]
    pub fn expose_body(&self) -> &[u8] {
        &self.body
    }
}

impl Batch {
    /// The next piece from a row (0 is the first), without the rows that have a fault; `None`
    /// when nothing is left.
    #[must_use]
    pub fn chunk(&self, from: usize, profile_type: &str) -> Option<Chunk> {
        let mut body = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + 4 * MAX_ROW));
        match &self.format {
            Format::Csv(_, names) => body.extend_from_slice(names.join(",").as_bytes()),
            Format::Json => {
                body.extend_from_slice(b"{\"profileType\":");
                body.extend_from_slice(Value::from(profile_type).to_string().as_bytes());
                body.extend_from_slice(b",\"subscribers\":[");
            }
        }
        let mut taken = Vec::new();
        let mut next = from;
        while let Some(range) = self.rows.get(next) {
            if taken.len() == CHUNK_ROWS || body.len() > CHUNK_BYTES {
                break;
            }
            next += 1;
            if self.faulty.get(next - 1).copied().unwrap_or_default() {
                continue;
            }
            let piece = self.text.get(range.clone()).unwrap_or_default();
            match &self.format {
                Format::Csv(delimiter, _) => rewrite(piece, *delimiter, &mut body),
                Format::Json => {
                    if !taken.is_empty() {
                        body.push(b',');
                    }
                    body.extend_from_slice(piece);
                }
            }
            taken.push(next);
        }
        if self.format == Format::Json {
            body.extend_from_slice(b"]}");
        }
        let media_type = match self.format {
            Format::Csv(..) => "text/csv",
            Format::Json => "application/json",
        };
        (!taken.is_empty()).then_some(Chunk { body, media_type, rows: taken, next })
    }
}

/// A row with commas and quotation marks as RFC 4180 has them, on a new line.
fn rewrite(piece: &[u8], delimiter: u8, body: &mut Vec<u8>) {
    let mut records = Records::new(piece, delimiter);
    if !records.advance().unwrap_or_default() {
        return;
    }
    body.push(b'\n');
    for (index, field) in records.fields().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        quoted(field.trim(), body);
    }
}
