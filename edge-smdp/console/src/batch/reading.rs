//! From a file to rows, and what is wrong with them.

use core::ops::Range;
use std::collections::BTreeMap;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use rsp::{Iccid, Imsi};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

use super::{Batch, COLUMNS, Format, MAX_COLUMNS, MAX_ROW, MAX_ROWS, OF_TABLES, Refusal, SUBSCRIPTION};
use crate::words::{bytes, count};

/// The server's name of a column; capitals, blanks and underscores are forgiven, and `Ki` is
/// what most people call K.
fn column(name: &str) -> Option<&'static str> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
    };
    let given = match plain(name) {
        ki if ki == "ki" => "k".to_owned(),
        other => other,
    };
    let mut columns = COLUMNS.into_iter().map(|(known, _)| known).filter(|known| *known != SUBSCRIPTION);
    columns.find(|known| plain(known) == given)
}

/// The values of a row by column; wiped when they are let go.
pub(super) struct Values(BTreeMap<&'static str, Zeroizing<String>>);

impl Values {
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(|value| value.as_str())
    }

    /// What is wrong with it, in the words of the form.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut say = |words: &str| faults.push(words.to_owned());
        let given = |column: &str| self.get(column).filter(|value| !value.is_empty());
        match given("iccid") {
            None => say("The ICCID is missing."),
            Some(text) if is_rounded(text) => {
                say(
                    "A spreadsheet has rounded the ICCID: make the column a text column and export it again.",
                );
            }
            Some(text) if text.parse::<Iccid>().is_err() => say("The ICCID must have 18 to 20 digits."),
            Some(_) => {}
        }
        match given("imsi") {
            None => say("The IMSI is missing."),
            Some(text) if is_rounded(text) => {
                say("A spreadsheet has rounded the IMSI: make the column a text column and export it again.");
            }
            Some(text) if text.parse::<Imsi>().is_err() => say("The IMSI must have 6 to 15 digits."),
            Some(_) => {}
        }
        let hexadecimal =
            |text: &str| text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if given("k").is_none() {
            say("K is missing.");
        }
        for (name, words) in [
            ("k", "K must be hexadecimal, two digits for each byte."),
            ("opc", "OPc must be hexadecimal, two digits for each byte."),
            ("op", "OP must be hexadecimal, two digits for each byte."),
        ] {
            if given(name).is_some_and(|text| !hexadecimal(text)) {
                say(words);
            }
        }
        match given("algorithm") {
            None | Some("milenage" | "tuak") => match (given("opc"), given("op")) {
                (None, None) => say("OPc (or OP) is missing."),
                (Some(_), Some(_)) => say("There are both OPc and OP: leave one away."),
                _ => {}
            },
            Some("testXor") => {}
            Some(_) => say("The algorithm must be milenage, tuak or testXor."),
        }
        if given("mncLength").is_some_and(|text| !matches!(text, "2" | "3")) {
            say("mncLength must be 2 or 3.");
        }
        faults
    }
}

/// `8.9E+18`: what is left of a long number in a spreadsheet.
fn is_rounded(text: &str) -> bool {
    text.contains(['E', 'e'])
        && text.contains(['.', ',', '+'])
        && text.starts_with(|c: char| c.is_ascii_digit())
}

/// Checks the rows against what is known without the server.
fn check(batch: &mut Batch, row: usize, values: &Values, seen: &mut BTreeMap<Iccid, usize>) {
    for words in values.faults() {
        batch.fault(row, words);
    }
    if let Some(iccid) = values.get("iccid").and_then(|text| text.parse::<Iccid>().ok()) {
        match seen.get(&iccid) {
            Some(first) => batch.fault(row, format!("The ICCID is that of row {first}: remove one of them.")),
            None => drop(seen.insert(iccid, row)),
        }
    }
}

fn empty(format: Format, columns: Vec<&'static str>) -> Batch {
    Batch {
        text: Zeroizing::new(Vec::new()),
        format,
        rows: Vec::new(),
        columns,
        faults: Vec::new(),
        faulty: Vec::new(),
    }
}

fn too_many() -> Refusal {
    format!(
        "There are more than {} in it. Split it into several files and send them one after another.",
        count(MAX_ROWS, "subscriber")
    )
}

/// Names of columns that are not the server's, as a sentence.
fn unknown_columns(names: &[String]) -> Refusal {
    let known: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let shown: Vec<String> =
        names.iter().take(5).map(|name| format!("“{}”", name.chars().take(30).collect::<String>())).collect();
    format!(
        "The server knows no column {}. Rename or remove it; known are {}.",
        shown.join(", "),
        known.join(", ")
    )
}

pub(super) fn csv(text: &[u8], start: usize) -> Result<Batch, Refusal> {
    let body = text.get(start..).unwrap_or_default();
    let first = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let often = |delimiter: u8| first.iter().filter(|byte| **byte == delimiter).count();
    // A spreadsheet writes what its country separates lists with.
    let delimiter = [b',', b';', b'\t'].into_iter().rev().max_by_key(|d| often(*d)).unwrap_or(b',');
    let mut records = Records::new(body, delimiter);
    let mut names = Vec::new();
    let mut unknown = Vec::new();
    if records.advance()? {
        for name in records.fields() {
            match column(name) {
                Some(known) if names.contains(&known) => {
                    return Err(format!("There are two columns {known}: remove one."));
                }
                Some(known) => names.push(known),
                None => unknown.push(name.trim().to_owned()),
            }
        }
    }
    if names.is_empty() {
        return Err(
            "The first line must name the columns, as: iccid,imsi,k,opc. The first line of this file names \
                    none that the server knows."
                .to_owned(),
        );
    }
    if !unknown.is_empty() {
        return Err(unknown_columns(&unknown));
    }
    if let Some(missing) = ["iccid", "imsi", "k"].into_iter().find(|needed| !names.contains(needed)) {
        return Err(format!("There is no column {missing}: add it, with its name in the first line."));
    }
    let mut batch = empty(Format::Csv(delimiter, names.clone()), names.clone());
    let mut seen = BTreeMap::new();
    loop {
        let from = records.position;
        if !records.advance()? {
            break;
        }
        if batch.len() == MAX_ROWS {
            return Err(too_many());
        }
        let range = trimmed(text, start + from..start + records.position);
        batch.rows.push(range);
        batch.faulty.push(false);
        let row = batch.len();
        let fields = records.fields().count();
        if fields != names.len() {
            let words = format!(
                "It has {}, and the first line names {}: check for a missing or superfluous delimiter.",
                count(fields, "value"),
                names.len()
            );
            batch.fault(row, words);
            continue;
        }
        let values =
            names.iter().copied().zip(records.fields().map(|field| Zeroizing::new(field.trim().to_owned())));
        check(&mut batch, row, &Values(values.collect()), &mut seen);
    }
    if batch.is_empty() {
        return Err(
            "There is no line behind the names of the columns: add a line for each subscriber.".to_owned()
        );
    }
    Ok(batch)
}

/// A range without the ends of lines around it.
fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let piece = text.get(range.clone()).unwrap_or_default();
    let before = piece.iter().take_while(|byte| is_end(byte)).count();
    let after = piece.iter().skip(before).rev().take_while(|byte| is_end(byte)).count();
    range.start + before..range.end - after
}

/// The records of a CSV text (RFC 4180), one at a time in a place that is wiped.
pub(super) struct Records<'a> {
    reader: Reader,
    input: &'a [u8],
    position: usize,
    out: Zeroizing<Vec<u8>>,
    ends: Vec<usize>,
    fields: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(input: &'a [u8], delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            input,
            position: 0,
            out: Zeroizing::new(vec![0; MAX_ROW]),
            ends: vec![0; MAX_COLUMNS],
            fields: 0,
        }
    }

    /// Goes to the next record; whether there is one.
    pub(super) fn advance(&mut self) -> Result<bool, Refusal> {
        let (mut out, mut fields) = (0, 0);
        loop {
            let input = self.input.get(self.position..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(
                input,
                self.out.get_mut(out..).unwrap_or_default(),
                self.ends.get_mut(fields..).unwrap_or_default(),
            );
            self.position += read;
            out += written;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    return Err(format!(
                        "A line is longer than {}: a quotation mark may be missing at the end of a value.",
                        bytes(MAX_ROW as u64)
                    ));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(format!("A line has more than {MAX_COLUMNS} values: check the delimiter."));
                }
                ReadRecordResult::Record => {
                    self.fields = fields;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let ends = self.ends.get(..self.fields).unwrap_or_default();
        ends.iter().enumerate().map(|(index, end)| {
            let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
            let field = self.out.get(start..*end).unwrap_or_default();
            core::str::from_utf8(field).unwrap_or_default()
        })
    }
}

pub(super) fn of_csv(piece: &[u8], delimiter: u8, names: &[&'static str]) -> Values {
    let mut records = Records::new(piece, delimiter);
    if !records.advance().unwrap_or_default() {
        return Values(BTreeMap::new());
    }
    let fields = records.fields().map(|field| Zeroizing::new(field.trim().to_owned()));
    Values(names.iter().copied().zip(fields).collect())
}

pub(super) fn json(text: &[u8], start: usize) -> Result<Batch, Refusal> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        subscribers: Vec<&'a RawValue>,
    }
    let plain = text.get(start..).unwrap_or_default();
    let rows: Result<Vec<&RawValue>, _> = match plain.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice(plain),
        _ => serde_json::from_slice::<Wrapped<'_>>(plain).map(|wrapped| wrapped.subscribers),
    };
    let rows = rows.map_err(|error| {
        // Its place only: the words of the parser may repeat what stands there.
        format!(
            "This is not the JSON that is expected (line {}, column {}): a list of subscribers, or an object \
             with the list “subscribers”.",
            error.line(),
            error.column()
        )
    })?;
    if rows.is_empty() {
        return Err("The list is empty: add a subscriber.".to_owned());
    }
    if rows.len() > MAX_ROWS {
        return Err(too_many());
    }
    let mut batch = empty(Format::Json, Vec::new());
    let mut seen = BTreeMap::new();
    for raw in rows {
        let at = start + (raw.get().as_ptr() as usize).saturating_sub(plain.as_ptr() as usize);
        let range = at..at + raw.get().len();
        batch.faulty.push(false);
        let row = batch.faulty.len();
        if raw.get().len() > MAX_ROW {
            return Err(format!(
                "Row {row} is longer than {}: that is no subscriber.",
                bytes(MAX_ROW as u64)
            ));
        }
        batch.rows.push(range);
        let values = of_json(raw.get().as_bytes());
        for known in values.0.keys() {
            if !batch.columns.contains(known) {
                batch.columns.push(known);
            }
        }
        let unknown = unknown_in_json(raw.get().as_bytes());
        match unknown {
            None => batch.fault(row, "It is no object with a subscriber’s data."),
            Some(names) if names.is_empty() => check(&mut batch, row, &values, &mut seen),
            Some(names) => batch.fault(row, unknown_columns(&names)),
        }
    }
    // In the order of the server's documentation.
    batch.columns.sort_by_key(|name| COLUMNS.iter().position(|(known, _)| known == name));
    Ok(batch)
}

/// A JSON object whose texts are wiped when it is let go.
#[derive(Deserialize)]
#[serde(transparent)]
struct Wiped(BTreeMap<String, Value>);

impl Drop for Wiped {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

pub(super) fn of_json(piece: &[u8]) -> Values {
    let Ok(object) = serde_json::from_slice::<Wiped>(piece) else { return Values(BTreeMap::new()) };
    let known = |name: &str| COLUMNS.into_iter().map(|(known, _)| known).find(|known| *known == name);
    let values = object.0.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                items.join(" ")
            }
            other => other.to_string(),
        };
        Some((known(name)?, Zeroizing::new(text)))
    });
    Values(values.collect())
}

/// The names that the server does not know; `None` if it is no object.
fn unknown_in_json(piece: &[u8]) -> Option<Vec<String>> {
    let object = serde_json::from_slice::<Wiped>(piece).ok()?;
    let is_known = |name: &str| COLUMNS.iter().any(|(known, _)| *known == name) && !OF_TABLES.contains(&name);
    let unknown = object.0.keys().filter(|name| !is_known(name));
    Some(unknown.cloned().collect())
}
