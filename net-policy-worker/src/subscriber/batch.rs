//! Many subscribers at once: as JSON, as CSV (RFC 4180) and in the form of Open5GS.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Subscriber, open5gs};
use crate::policy::Class;
use crate::refusal::{Kind, Refusal};
use crate::service::Record;

/// Most subscribers of one import: each is one request to its own object.
pub const MAX_ROWS: usize = 400;

/// In which form they come or go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The records of this network, each with its `imsi`.
    Own,
    /// A table with the names of a record's fields in its first line; a contract's are
    /// `apns` (with spaces between them), `defaultApn`, `voice`, `sms`, `data`, `roaming`.
    Csv,
    /// Documents of Open5GS.
    Open5gs,
}

/// What a row says, or what is wrong with it.
pub type Row = Result<Record, String>;

/// Reads an import. Those that do not say it get the class `class`. Of the rows of one subscriber
/// the first is read; which of them is meant, nobody knows.
///
/// # Errors
/// There are no rows to be found, or too many.
pub fn read(form: Form, bytes: &[u8], class: Class) -> Result<Vec<Row>, Refusal> {
    let objects = match form {
        Form::Csv => table(bytes)?,
        Form::Own | Form::Open5gs => serde_json::from_slice::<Vec<Map<String, Value>>>(bytes)
            .map_err(|_| Refusal::new(Kind::Malformed, "an import is a JSON array of objects, or CSV"))?
            .into_iter()
            .map(Ok)
            .collect(),
    };
    if objects.len() > MAX_ROWS {
        return Err(Refusal::new(Kind::TooLarge, format!("at most {MAX_ROWS} subscribers at once")));
    }
    let record = |object: Cells| {
        let mut object = object?;
        let (imsi, text) = match form {
            Form::Open5gs => open5gs::read(object, class)?,
            Form::Own | Form::Csv => {
                let imsi = object.remove("imsi").and_then(|imsi| imsi.as_str().map(str::to_owned));
                if !object.contains_key("class") {
                    object.insert("class".to_owned(), json!(class));
                }
                let text = Zeroizing::new(Value::Object(object).to_string());
                (imsi.unwrap_or_default(), text)
            }
        };
        let imsi: rsp::Imsi = imsi.parse().map_err(|_| "imsi is 6 to 15 digits".to_owned())?;
        Subscriber::from_record(imsi.clone(), &text).map_err(|refusal| refusal.because)?;
        Ok(Record::new(imsi, text))
    };
    let mut known = HashMap::new();
    let once = |(row, read): (usize, Row)| {
        let record = read?;
        match known.entry(record.imsi.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(row);
                Ok(record)
            }
            Entry::Occupied(entry) => Err(format!("the IMSI of row {} once more", entry.get())),
        }
    };
    Ok((1..).zip(objects.into_iter().map(record)).map(once).collect())
}

/// A row of a table by its columns, or what is wrong with it.
type Cells = Result<Map<String, Value>, String>;

/// Whether each quoted cell of a table ends: the reader takes an open one for all that follows. A mark
/// opens a cell only at its beginning, as the reader has it.
fn quotes_close(bytes: &[u8]) -> bool {
    let (mut is_open, mut begins) = (false, true);
    let mut rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).iter().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            // Two are one that belongs to the cell.
            b'"' if is_open => is_open = rest.next_if(|next| **next == b'"').is_some(),
            b'"' => is_open = begins,
            _ => {}
        }
        begins = !is_open && matches!(byte, b',' | b'\r' | b'\n');
    }
    !is_open
}

/// The rows of a table as objects. Empty cells are absent.
fn table(bytes: &[u8]) -> Result<Vec<Cells>, Refusal> {
    let malformed = |because: &str| Refusal::new(Kind::Malformed, because);
    if !quotes_close(bytes) {
        return Err(malformed("a quotation mark is not closed (RFC 4180 §2)"));
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns = reader.headers().map_err(|_| malformed("the table is not UTF-8"))?.clone();
    let mut known = HashSet::new();
    if !columns.iter().all(|column| known.insert(column)) {
        return Err(malformed("a column is there twice"));
    }
    if !columns.iter().any(|column| column == "imsi") {
        return Err(malformed("there is no column imsi"));
    }
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|_| "not a row of this table in UTF-8".to_owned())?;
        let (mut object, mut contract) = (Map::new(), Map::new());
        for (column, cell) in columns.iter().zip(&record).filter(|(_, cell)| !cell.is_empty()) {
            let yes = || match cell {
                "true" | "yes" | "1" => Ok(Value::Bool(true)),
                "false" | "no" | "0" => Ok(Value::Bool(false)),
                _ => Err(format!("{column} is true or false")),
            };
            match column {
                "apns" => {
                    contract.insert(column.to_owned(), cell.split_whitespace().collect());
                }
                "defaultApn" => {
                    contract.insert(column.to_owned(), cell.into());
                }
                "voice" | "sms" | "data" | "roaming" => {
                    contract.insert(column.to_owned(), yes()?);
                }
                "iterations" | "resBytes" | "ckBytes" | "ikBytes" => {
                    let number: u8 = cell.parse().map_err(|_| format!("{column} is a number"))?;
                    object.insert(column.to_owned(), number.into());
                }
                _ => {
                    object.insert(column.to_owned(), cell.into());
                }
            }
        }
        if !contract.is_empty() {
            object.insert("contract".to_owned(), Value::Object(contract));
        }
        Ok(object)
    };
    Ok(reader.records().take(MAX_ROWS + 1).map(row).collect())
}

/// Subscribers as they go out, keys included, and the IMSIs of those that the form has no room
/// for. `sm_apn` is what one without a contract is connected to.
#[must_use]
pub fn expose(form: Form, records: &[Record], sm_apn: &str) -> (Value, Vec<String>) {
    let (mut out, mut left_out) = (vec![], vec![]);
    for record in records {
        let imsi = record.imsi.to_string();
        let written = match form {
            Form::Open5gs => Subscriber::from_record(record.imsi.clone(), record.expose_text())
                .ok()
                .and_then(|subscriber| {
                    let sqn = subscriber.sqn.map_or(0, u64::from);
                    open5gs::write(&subscriber, sqn, sm_apn)
                }),
            Form::Own | Form::Csv => {
                serde_json::from_str::<Map<String, Value>>(record.expose_text()).ok().map(|mut object| {
                    object.insert("imsi".to_owned(), imsi.as_str().into());
                    Value::Object(object)
                })
            }
        };
        match written {
            Some(written) => out.push(written),
            None => left_out.push(imsi),
        }
    }
    (Value::Array(out), left_out)
}
