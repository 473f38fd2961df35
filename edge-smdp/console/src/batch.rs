//! Subscribers from a file, looked at before they are sent.
//!
//! The file is kept once, as it came, and wiped when it is let go; what is looked at are
//! pieces of it. Nothing that this module says repeats a key, a PIN or a column that it does
//! not know.

use core::ops::Range;
use std::collections::BTreeMap;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use rsp::{Iccid, Imsi};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

use crate::api::BatchResult;
use crate::words::{bytes, count};

/// The longest file, in bytes.
pub const MAX_FILE: u64 = 32 << 20;
/// The most subscribers of a file.
pub const MAX_ROWS: usize = 100_000;
/// The most subscribers of a request: the server takes more, and with fewer the person sees
/// that it goes on.
pub const CHUNK_ROWS: usize = 100;
/// The longest request, in bytes (the server takes half as much again).
pub const CHUNK_BYTES: usize = 1 << 20;
/// The longest row, in bytes.
const MAX_ROW: usize = 64 << 10;
/// The most columns.
const MAX_COLUMNS: usize = 128;
/// The most faults that are told apart.
const MAX_FAULTS: usize = 1000;

/// The columns that the server knows (`Subscriber` of its interface), and whether a value must
/// not be shown.
const COLUMNS: [(&str, bool); 22] = [
    ("iccid", false),
    ("imsi", false),
    ("mncLength", false),
    ("msisdn", false),
    ("algorithm", false),
    ("k", true),
    ("opc", true),
    ("op", true),
    ("iterations", false),
    ("transportKey", false),
    ("pin1", true),
    ("puk1", true),
    ("pin2", true),
    ("puk2", true),
    ("adm1", true),
    ("spn", false),
    ("serviceCentre", false),
    ("operatorPlmns", false),
    ("equivalentHomePlmns", false),
    ("forbiddenPlmns", false),
    ("accessPoints", false),
    ("ims", false),
];

/// What a value in a preview is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As it is.
    Text(String),
    /// There is one, and it is nobody's business.
    Hidden,
    /// There is none.
    Nothing,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// 1 for the first subscriber.
    pub row: usize,
    /// What, and what to do. Holds no secret.
    pub words: String,
}

/// How the rows are written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Format {
    /// With the delimiter; the names of the columns as the server knows them.
    Csv(u8, Vec<&'static str>),
    Json,
}

/// A file that was read. Not `Debug`: it holds keys.
pub struct Batch {
    text: Zeroizing<Vec<u8>>,
    format: Format,
    rows: Vec<Range<usize>>,
    columns: Vec<&'static str>,
    faults: Vec<Fault>,
    faulty: Vec<bool>,
}

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

/// Why a file is not taken as a whole, and what to do.
pub type Refusal = String;

/// Whether a file of this length is read at all.
///
/// # Errors
/// In words.
pub fn check_length(length: u64) -> Result<(), Refusal> {
    if length > MAX_FILE {
        return Err(format!(
            "The file has {}; at most {} are read. Split it into several files and send them one after another.",
            bytes(length),
            bytes(MAX_FILE)
        ));
    }
    Ok(())
}

impl Batch {
    /// Reads a file: JSON if it begins like it, else CSV.
    ///
    /// # Errors
    /// When it is no such file, in words.
    pub fn read(text: Vec<u8>) -> Result<Self, Refusal> {
        let text = Zeroizing::new(text);
        check_length(text.len() as u64)?;
        if text.starts_with(&[0xFF, 0xFE]) || text.starts_with(&[0xFE, 0xFF]) {
            return Err("The file is in UTF-16. Save it as “CSV UTF-8” and choose it again.".to_owned());
        }
        if text.starts_with(b"PK") {
            return Err("This is a spreadsheet or an archive. Save it as “CSV UTF-8” and choose that file."
                .to_owned());
        }
        let start = if text.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
        let Ok(plain) = core::str::from_utf8(text.get(start..).unwrap_or_default()) else {
            return Err("The file is not in UTF-8. Save it as “CSV UTF-8” and choose it again.".to_owned());
        };
        if plain.trim().is_empty() {
            return Err("There is nothing in it. Choose a file with a line of names and a line for each \
                        subscriber."
                .to_owned());
        }
        let mut batch = match plain.trim_start().as_bytes().first() {
            Some(b'[' | b'{') => json(&text, start)?,
            _ => csv(&text, start)?,
        };
        batch.text = text;
        Ok(batch)
    }

    /// How many subscribers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `CSV` or `JSON`.
    #[must_use]
    pub const fn format(&self) -> &'static str {
        match self.format {
            Format::Csv(..) => "CSV",
            Format::Json => "JSON",
        }
    }

    /// The columns that occur.
    #[must_use]
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// What is wrong, in the order of the file; the first thousand.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// How many rows have a fault.
    #[must_use]
    pub fn faulty(&self) -> usize {
        self.faulty.iter().filter(|faulty| **faulty).count()
    }

    /// The values of a row (0 is the first) under [`columns`](Self::columns).
    #[must_use]
    pub fn preview(&self, row: usize) -> Vec<Shown> {
        let piece = self.rows.get(row).and_then(|range| self.text.get(range.clone())).unwrap_or_default();
        let values = match &self.format {
            Format::Csv(delimiter, names) => of_csv(piece, *delimiter, names),
            Format::Json => of_json(piece),
        };
        let shown = |column: &&'static str| match values.get(column) {
            None | Some("") => Shown::Nothing,
            Some(_) if is_secret(column) => Shown::Hidden,
            Some(value) => Shown::Text(value.chars().take(80).collect()),
        };
        self.columns.iter().map(shown).collect()
    }

    /// The ICCID of a row (0 is the first), as it is written there.
    #[must_use]
    pub fn iccid(&self, row: usize) -> String {
        let piece = self.rows.get(row).and_then(|range| self.text.get(range.clone())).unwrap_or_default();
        let values = match &self.format {
            Format::Csv(delimiter, names) => of_csv(piece, *delimiter, names),
            Format::Json => of_json(piece),
        };
        values.get("iccid").unwrap_or_default().to_owned()
    }

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

    fn fault(&mut self, row: usize, words: impl Into<String>) {
        if let Some(faulty) = self.faulty.get_mut(row - 1) {
            *faulty = true;
        }
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { row, words: words.into() });
        }
    }
}

fn is_secret(column: &str) -> bool {
    COLUMNS.iter().find(|(name, _)| *name == column).is_none_or(|(_, secret)| *secret)
}

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
    COLUMNS.into_iter().map(|(known, _)| known).find(|known| plain(known) == given)
}

/// The values of a row by column; wiped when they are let go.
struct Values(BTreeMap<&'static str, Zeroizing<String>>);

impl Values {
    fn get(&self, column: &str) -> Option<&str> {
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

fn csv(text: &[u8], start: usize) -> Result<Batch, Refusal> {
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
struct Records<'a> {
    reader: Reader,
    input: &'a [u8],
    position: usize,
    out: Zeroizing<Vec<u8>>,
    ends: Vec<usize>,
    fields: usize,
}

impl<'a> Records<'a> {
    fn new(input: &'a [u8], delimiter: u8) -> Self {
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
    fn advance(&mut self) -> Result<bool, Refusal> {
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

    fn fields(&self) -> impl Iterator<Item = &str> {
        let ends = self.ends.get(..self.fields).unwrap_or_default();
        ends.iter().enumerate().map(|(index, end)| {
            let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
            let field = self.out.get(start..*end).unwrap_or_default();
            core::str::from_utf8(field).unwrap_or_default()
        })
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

fn quoted(field: &str, out: &mut Vec<u8>) {
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

fn of_csv(piece: &[u8], delimiter: u8, names: &[&'static str]) -> Values {
    let mut records = Records::new(piece, delimiter);
    if !records.advance().unwrap_or_default() {
        return Values(BTreeMap::new());
    }
    let fields = records.fields().map(|field| Zeroizing::new(field.trim().to_owned()));
    Values(names.iter().copied().zip(fields).collect())
}

fn json(text: &[u8], start: usize) -> Result<Batch, Refusal> {
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

fn of_json(piece: &[u8]) -> Values {
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
    let unknown = object.0.keys().filter(|name| !COLUMNS.iter().any(|(known, _)| known == name));
    Some(unknown.cloned().collect())
}

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

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
    const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

    fn row(number: usize) -> String {
        format!("89000000000000{number:05},00101{number:010},{K},{OPC}")
    }

    fn file(rows: usize) -> Vec<u8> {
        let rows: Vec<String> = (1..=rows).map(row).collect();
        format!("iccid,imsi,k,opc\n{}\n", rows.join("\n")).into_bytes()
    }

    fn read(text: &str) -> Batch {
        Batch::read(text.as_bytes().to_vec()).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    fn refusal(text: &[u8]) -> String {
        Batch::read(text.to_vec()).err().expect("a refusal")
    }

    /// Everything that a person gets to see of a batch.
    fn seen(batch: &Batch) -> String {
        let rows: Vec<String> = (0..batch.len()).map(|row| format!("{:?}", batch.preview(row))).collect();
        format!("{:?} {:?} {}", batch.columns(), batch.faults(), rows.join(" ")).to_lowercase()
    }

    #[test]
    fn a_preview_shows_no_key() {
        let csv = format!(
            "ICCID;IMSI;Ki;OPc;pin1;puk1;adm1;spn;msisdn\n8900000000000000001;001010000000001;{K};{OPC};4711;12345678;secret99;Telco;+49123\n"
        );
        let json = format!(
            r#" {{"subscribers":[{{"iccid":"8900000000000000001","imsi":"001010000000001","k":"{K}","opc":"{OPC}",
            "pin1":"4711","puk1":"12345678","adm1":"secret99","spn":"Telco","msisdn":"+49123","accessPoints":["a","b"]}}]}}"#
        );
        for text in [csv, json] {
            let batch = read(&text);
            assert_eq!((batch.len(), batch.faults()), (1, &[][..]), "{}", batch.format());
            let seen = seen(&batch);
            for secret in [K, OPC, "4711", "12345678", "secret99"] {
                assert!(!seen.contains(secret), "{seen}");
            }
            let at = |name: &str| {
                let index = batch.columns().iter().position(|column| *column == name).unwrap();
                batch.preview(0)[index].clone()
            };
            assert_eq!(at("k"), Shown::Hidden);
            assert_eq!(at("spn"), Shown::Text("Telco".into()));
            assert_eq!(at("iccid"), Shown::Text("8900000000000000001".into()));
        }
    }

    #[test]
    fn faults_and_refusals_repeat_no_value() {
        let bad_key = "not-hex-but-secret";
        let batch = read(&format!("iccid,imsi,k\n1,2,{bad_key}\n8.9E+18,001010000000001,{K},{OPC}\n"));
        assert_eq!(batch.faulty(), 2);
        assert!(!seen(&batch).contains(bad_key));
        // A file without a first line of names: its values would be taken for names.
        let headless = format!("{K},{OPC}\n");
        assert!(!refusal(headless.as_bytes()).contains(K));
        let broken = format!("[{{\"iccid\":\"1\",\"k\":\"{K}\" nonsense}}]");
        assert!(!refusal(broken.as_bytes()).contains(K));
    }

    #[test]
    fn each_fault_names_its_row() {
        let text = format!(
            "iccid,imsi,k,opc,algorithm,mncLength\n\
             8900000000000000001,001010000000001,{K},{OPC},,\n\
             89,001010000000001,{K},{OPC},milenage,2\n\
             8900000000000000003,1,{K},{OPC},tuak,3\n\
             8900000000000000004,001010000000001,,,testXor,2\n\
             8900000000000000005,001010000000001,{K},,milenage,4\n\
             8900000000000000001,001010000000001,{K},{OPC},comp128,2\n\
             8900000000000000007,001010000000001\n"
        );
        let batch = read(&text);
        let rows: Vec<usize> = batch.faults().iter().map(|fault| fault.row).collect();
        assert_eq!(rows, [2, 3, 4, 5, 5, 6, 6, 7]);
        assert_eq!((batch.len(), batch.faulty()), (7, 6));
        assert!(batch.faults()[6].words.contains("row 1"), "{:?}", batch.faults()[6]);
        // What is sent is the one good row.
        let chunk = batch.chunk(0, "t").unwrap();
        assert_eq!((chunk.rows.as_slice(), chunk.next), (&[1][..], 7));
        assert!(batch.chunk(chunk.next, "t").is_none());
    }

    #[test]
    fn a_long_file_is_cut_into_pieces_that_lose_nothing() {
        let batch = Batch::read(file(450)).unwrap_or_else(|refusal| panic!("{refusal}"));
        let (mut from, mut lines, mut pieces) = (0, Vec::new(), Vec::new());
        while let Some(chunk) = batch.chunk(from, "type") {
            let text = String::from_utf8(chunk.expose_body().to_vec()).unwrap();
            assert!(text.starts_with("iccid,imsi,k,opc\n"));
            lines.extend(text.lines().skip(1).map(str::to_owned));
            pieces.push(chunk.rows.len());
            from = chunk.next;
        }
        assert_eq!(pieces, [100, 100, 100, 100, 50]);
        assert_eq!(lines, (1..=450).map(row).collect::<Vec<_>>());
    }

    #[test]
    fn json_is_sent_as_it_came() {
        let subscriber = format!(
            r#"{{"iccid":"8900000000000000001","imsi":"001010000000001","k":"{K}","opc":"{OPC}","ims":true,"mncLength":3}}"#
        );
        let batch = read(&format!("[{subscriber}\n]"));
        let chunk = batch.chunk(0, "a \"type\"").unwrap();
        assert_eq!(chunk.media_type, "application/json");
        let body = String::from_utf8(chunk.expose_body().to_vec()).unwrap();
        assert_eq!(body, format!(r#"{{"profileType":"a \"type\"","subscribers":[{subscriber}]}}"#));
    }

    #[test]
    fn quoted_values_and_other_delimiters_are_rewritten() {
        let text = format!(
            "\u{FEFF}iccid\timsi\tk\topc\tspn\r\n\r\n8900000000000000001\t001010000000001\t{K}\t{OPC}\t\"Tel, \"\"co\"\"\nx\"\r\n"
        );
        let batch = read(&text);
        assert_eq!(batch.faults(), []);
        let body = String::from_utf8(batch.chunk(0, "t").unwrap().expose_body().to_vec()).unwrap();
        assert_eq!(
            body,
            format!(
                "iccid,imsi,k,opc,spn\n8900000000000000001,001010000000001,{K},{OPC},\"Tel, \"\"co\"\"\nx\""
            )
        );
    }

    #[test]
    fn what_is_no_such_file_is_refused_in_words() {
        for (file, words) in [
            (&b""[..], "nothing in it"),
            (b" \r\n ", "nothing in it"),
            (b"PK\x03\x04", "spreadsheet"),
            (b"\xFF\xFEi\0c\0", "UTF-16"),
            (b"iccid,imsi,k\n\xE4", "UTF-8"),
            (b"hello\nworld", "first line must name"),
            (b"iccid,imsi,k\n", "no line behind"),
            (b"iccid,imsi,colour,k\n1,2,3,4", "colour"),
            (b"iccid,imsi\n1,2", "no column k"),
            (b"iccid,imsi,k,Ki\n1,2,3,4", "two columns k"),
            (b"[]", "empty"),
            (b"{}", "subscribers"),
            (b"[1", "not the JSON"),
        ] {
            let said = refusal(file);
            assert!(said.contains(words), "{said}");
        }
        assert!(check_length(MAX_FILE + 1).unwrap_err().contains("Split it"));
        assert!(refusal(&file(MAX_ROWS + 1)).contains("Split it"));
        let unclosed = format!("iccid,imsi,k\n\"{}", "1".repeat(MAX_ROW + 1));
        assert!(refusal(unclosed.as_bytes()).contains("quotation mark"));
        let wide = format!("iccid,imsi,k\n{}", ",".repeat(MAX_COLUMNS + 1));
        assert!(refusal(wide.as_bytes()).contains("delimiter"));
        let batch = read("[1, {\"colour\":\"red\"}]");
        assert_eq!(batch.faulty(), 2);
        assert!(batch.faults()[1].words.contains("colour"));
    }

    #[test]
    fn answers_find_their_rows_again() {
        let result = |row: u64, status: &str| BatchResult {
            row,
            iccid: Some("8900000000000000001".into()),
            status: status.into(),
            detail: (status == "failed").then(|| "=cmd, \"x\"".into()),
        };
        let batch = Batch::read(file(204)).unwrap_or_else(|refusal| panic!("{refusal}"));
        let all = batch.outcomes(&[201, 203, 204], &[result(2, "failed"), result(1, "created")]);
        let brief: Vec<_> = all.iter().map(|outcome| (outcome.row, outcome.status.as_str())).collect();
        assert_eq!(brief, [(201, "created"), (203, "failed"), (204, "failed")]);
        assert_eq!(
            report(&all),
            "row,iccid,status,detail\r\n201,8900000000000000001,created,\r\n\
             203,8900000000000000001,failed,\"'=cmd, \"\"x\"\"\"\r\n\
             204,8900000000000000204,failed,The server said nothing about this row.\r\n"
        );
    }
}
