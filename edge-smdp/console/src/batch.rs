//! Subscribers from a file, looked at before they are sent.
//!
//! The file is kept once, as it came, and wiped when it is let go; what is looked at are
//! pieces of it. Nothing that this module says repeats a key, a PIN or a column that it does
//! not know.

use core::ops::Range;

use zeroize::Zeroizing;

use self::reading::{csv, json, of_csv, of_json};
use crate::words::bytes;

mod reading;
mod results;
mod sending;

pub use self::results::{Outcome, report, table};
pub use self::sending::Chunk;

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
const COLUMNS: [(&str, bool); 34] = [
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
    ("homeNetworkKeys", false),
    ("suciCalculation", false),
    ("routingIndicator", false),
    ("class", false),
    ("apns", false),
    ("defaultApn", false),
    ("voice", false),
    ("sms", false),
    ("data", false),
    ("roaming", false),
    ("amf", false),
    (SUBSCRIPTION, false),
];

/// What the network is told of a subscriber: in JSON an object of its own, in a table columns.
const SUBSCRIPTION: &str = "subscription";
/// Those columns.
const OF_TABLES: [&str; 8] = ["class", "apns", "defaultApn", "voice", "sms", "data", "roaming", "amf"];

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

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::api::BatchResult;

    const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
    const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

    #[test]
    fn what_the_network_is_told_comes_in_columns_or_in_an_object() {
        let table = format!("iccid,imsi,k,opc,Class,APNs\n{},operational,internet ims\n", row(1));
        let batch = read(&table);
        assert!(batch.faults().is_empty(), "{:?}", batch.faults());
        assert_eq!(batch.columns().iter().rev().take(2).collect::<Vec<_>>(), [&"apns", &"class"]);
        assert!(refusal(table.replace("Class", "subscription").as_bytes()).contains("subscription"));
        let object = |more: &str| {
            format!(
                r#"[{{"iccid":"8900000000000000001","imsi":"001010000000001","k":"{K}","opc":"{OPC}",{more}}}]"#
            )
        };
        let batch = read(&object(r#""subscription":{"class":"operational"}"#));
        assert!(batch.faults().is_empty(), "{:?}", batch.faults());
        assert_eq!(read(&object(r#""class":"operational""#)).faulty(), 1);
    }

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
