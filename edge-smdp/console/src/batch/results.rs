//! What became of the rows, and tables to be saved.

use super::Batch;
use crate::api::BatchResult;

/// What became of a row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// 1 for the first subscriber.
    pub row: usize,
    /// If the server could read it.
    pub iccid: String,
    /// `created`, `replaced`, `failed`, `left out`.
    pub status: String,
    /// Why it failed.
    pub detail: String,
}

impl Batch {
    /// What became of the rows of a piece: the server's answers, with the rows of the file and,
    /// where the server did not say whose it was, the file's ICCID.
    #[must_use]
    pub fn outcomes(&self, rows: &[usize], results: &[BatchResult]) -> Vec<Outcome> {
        let mut outcomes = outcomes(rows, results);
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.iccid.is_empty()) {
            outcome.iccid = self.iccid(outcome.row.saturating_sub(1));
        }
        outcomes
    }
}

pub(super) fn quoted(field: &str, out: &mut Vec<u8>) {
    if !field.contains(['"', ',', '\n', '\r']) {
        out.extend_from_slice(field.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in field.bytes() {
        if byte == b'"' {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// The server's answers for a piece, with the rows of the file.
fn outcomes(rows: &[usize], results: &[BatchResult]) -> Vec<Outcome> {
    let of_row = |(index, row): (usize, &usize)| {
        let result = results.iter().find(|result| result.row == index as u64 + 1);
        match result {
            Some(result) => Outcome {
                row: *row,
                iccid: result.iccid.clone().unwrap_or_default(),
                status: result.status.clone(),
                detail: result.detail.clone().unwrap_or_default(),
            },
            None => Outcome {
                row: *row,
                iccid: String::new(),
                status: "failed".to_owned(),
                detail: "The server said nothing about this row.".to_owned(),
            },
        }
    };
    rows.iter().enumerate().map(of_row).collect()
}

/// The outcomes as CSV, to be saved.
#[must_use]
pub fn report(outcomes: &[Outcome]) -> String {
    table(
        &["row", "iccid", "status", "detail"],
        outcomes.iter().map(|outcome| {
            vec![
                outcome.row.to_string(),
                outcome.iccid.clone(),
                outcome.status.clone(),
                outcome.detail.clone(),
            ]
        }),
    )
}

/// A table as CSV. Text that a spreadsheet would take for a formula is kept from being one.
#[must_use]
pub fn table(names: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut out = names.join(",").into_bytes();
    for row in rows {
        out.extend_from_slice(b"\r\n");
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                quoted(&format!("'{cell}"), &mut out);
            } else {
                quoted(cell, &mut out);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    String::from_utf8(out).unwrap_or_default()
}
