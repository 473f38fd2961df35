//! Every file of every template of the profile package format is created, told of by SELECT
//! and read back as the transcription of the format's Annex A beside the repository says
//! (`saip-templates.json`), not as the interpreter's own table says.

use saip::build::{Authentication, Codes, Subscriber};
use saip::{ProfileElement, Secret};
use serde_json::Value;
use tlv::{Tag, Writer};

use crate::bench::{Bench, hex};
use crate::nvm::MemoryMedium;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const USIM: &str = "A0000000871002FF49FF0589";
const ISIM: &str = "A0000000871004FF49FF0589";

/// Sizes that a template leaves to the profile: of a transparent or BER-TLV file; records and
/// their length.
const SIZE: u32 = 20;
const RECORDS: u8 = 3;
const RECORD_LEN: u8 = 14;

/// One file as the transcription describes it.
struct File<'j> {
    json: &'j Value,
    /// Identifiers from the MF (or, with the application's `7FFF`, from the ADF) to it.
    path: Vec<u16>,
}

impl<'j> File<'j> {
    fn kind(&self) -> &'j str {
        self.json["type"].as_str().unwrap()
    }

    fn is(&self, name: &str) -> bool {
        self.json["name"] == name
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.json[key].as_u64()
    }

    fn is_directory(&self) -> bool {
        matches!(self.kind(), "MF" | "DF" | "ADF")
    }

    fn fid(&self) -> u16 {
        *self.path.last().unwrap()
    }

    /// The short identifier that the profile gives because the template says it must.
    fn given_sfi(&self) -> Option<u8> {
        let must = self.json["must_give"].as_array().unwrap().iter().any(|key| key == "sfi");
        // Sixteen files of one directory follow each other.
        must.then(|| (self.number("ctx").unwrap() as u8 - 1) % 16 + 1)
    }

    /// Number of records and record length.
    fn records(&self) -> (u8, u8) {
        if self.is("EF.ARR") {
            return (14, 42);
        }
        let value = |key, other| self.number(key).map_or(other, |number| u8::try_from(number).unwrap());
        (value("nrec", RECORDS), value("reclen", RECORD_LEN))
    }

    fn size(&self) -> u32 {
        match self.kind() {
            "LF" | "CY" => {
                let (records, len) = self.records();
                u32::from(records) * u32::from(len)
            }
            _ => self.number("size").map_or(SIZE, |size| u32::try_from(size).unwrap()),
        }
    }

    /// What the profile gives where the template has nothing.
    fn given(&self) -> Option<Vec<u8>> {
        let named = match self.json["name"].as_str().unwrap() {
            "EF.ICCID" => Some("98001032547698103214".to_owned()),
            "EF.IMSI" => Some("080910101032547698".to_owned()),
            // Nothing that the chip would take out again.
            "EF.UST" | "EF.IST" => Some("00".repeat(self.size() as usize)),
            "EF.ARR" => Some(rules()),
            _ => None,
        };
        let required = self.json["content_required"].as_bool().unwrap();
        if let Some(named) = named {
            return Some(vectors::bytes(&named));
        }
        match self.kind() {
            _ if !required => None,
            // A data object.
            "BT" => Some(vectors::bytes("80040102 0304")),
            _ => Some((0..self.size()).map(|index| (index as u8) ^ self.fid() as u8).collect()),
        }
    }

    /// What stands in the file, of a BER-TLV file nothing.
    fn content(&self) -> Vec<u8> {
        let piece = match self.kind() {
            "LF" | "CY" => usize::from(self.records().1),
            _ => self.size() as usize,
        };
        let default = self.json["default"].as_str();
        let body = filled(default, self.json["repeat"].as_bool().unwrap(), piece);
        let mut body = body.repeat(self.size() as usize / piece);
        if let Some(given) = self.given() {
            body[..given.len()].copy_from_slice(&given);
        }
        body
    }
}

/// A default value as Annex A writes it, `XX...XX` being as many `XX` as there is room for.
fn filled(default: Option<&str>, repeat: bool, len: usize) -> Vec<u8> {
    let Some(default) = default else { return vec![0xFF; len] };
    if repeat {
        return vectors::bytes(default).into_iter().cycle().take(len).collect();
    }
    let Some((head, tail)) = default.split_once("...") else { return vectors::bytes(default) };
    let (head, tail) = (vectors::bytes(head), vectors::bytes(tail));
    let between = vec![tail[0]; len - head.len() - tail.len()];
    [head, between, tail].concat()
}

/// The default access rules (TCA profile package §9.9, records 1 to 14), each in 42 bytes.
fn rules() -> String {
    [
        "8001019000800102A406830101950108800158A40683010A950108",
        "800101A40683010195010880015AA40683010A950108",
        "80015BA40683010A950108",
        "800101900080011A9700800140A40683010A950108",
        "800103A406830101950108800158A40683010A950108",
        "800111A40683010195010880014AA40683010A950108",
        "800103A406830101950108800158A40683010A950108840132A406830101950108",
        "800101A406830101950108800102A406830181950108800158A40683010A950108",
        "800101900080011AA406830101950108800140A40683010A950108",
        "800101900080015AA40683010A950108",
        "8001019000800118A40683010A9501088001429700",
        "800101A40683010195010880015A9700",
        "800113A406830101950108800148A40683010A950108",
        "80015EA40683010A950108",
    ]
    .map(|rule| format!("{rule:F<84}"))
    .concat()
}

/// Elements of a built profile; those named are in front of the template's own.
fn around(pe: &str) -> (Vec<Vec<u8>>, Vec<u8>) {
    let authentication = Authentication::Milenage { k: Secret::new([1; 16]), opc: Secret::new([2; 16]) };
    let iccid = "89000123456789012341".parse().unwrap();
    let imsi = "001010123456789".parse().unwrap();
    let mut subscriber = Subscriber::new(iccid, imsi, 2, authentication);
    subscriber.codes = Codes { adm1: Some(Secret::new(*b"99999999")), ..Codes::default() };
    subscriber.ims = saip::build::Ims::of_imsi(&subscriber.imsi, 2);
    let elements = saip::build::elements(&subscriber).unwrap();
    let raw: Vec<Vec<u8>> = elements.iter().map(|element| element.encode().unwrap().to_vec()).collect();
    let of = |wanted: &str| {
        let named = |raw: &&Vec<u8>| saip::element_name(tlv::tag(raw).unwrap().unwrap()) == wanted;
        raw.iter().find(named).unwrap_or_else(|| panic!("{wanted}")).clone()
    };
    let before: &[&str] = match pe {
        "mf" => &["header"],
        "cd" | "telecom" | "usim" | "isim" => &["header", "mf", "pukCodes", "pinCodes"],
        "opt-isim" => &["header", "mf", "pukCodes", "pinCodes", "isim"],
        _ => &["header", "mf", "pukCodes", "pinCodes", "usim"],
    };
    // The builder has PUKs only where there are PINs with one.
    let there = |name: &&&str| {
        **name != "pukCodes" || elements.iter().any(|e| matches!(e, ProfileElement::PukCodes(_)))
    };
    let first: Vec<Vec<u8>> = before.iter().filter(there).map(|name| of(name)).collect();
    let mut end = of("end");
    if pe == "mf" {
        // The codes follow the MF that they belong to.
        end = [of("pinCodes"), end].concat();
    }
    (first, end)
}

/// The element with every file of the template.
fn element(template: &Value, files: &[File<'_>]) -> Vec<u8> {
    let pe = template["pe"].as_str().unwrap();
    let number: u32 = match pe {
        "mf" => 0,
        "cd" => 1,
        "telecom" => 2,
        "usim" => 3,
        "opt-usim" => 4,
        "isim" => 5,
        "opt-isim" => 6,
        "phonebook" => 7,
        "gsm-access" => 8,
        "eap" => 11,
        "df-5gs" => 12,
        "df-saip" => 13,
        "df-snpn" => 14,
        // From 31 on a tag of two bytes.
        "df-5gprose" => 0xBF1F - 0xB0,
        other => panic!("{other}"),
    };
    let oid: rsp::Oid = template["oid"].as_str().unwrap().parse().unwrap();
    Writer::new()
        .nested(Tag(0xB0 + number), |w| {
            w.nested(Tag(0xA0), |w| {
                w.tlv(Tag(0x80), &[]).tlv(Tag(0x81), &[0x7F]);
            });
            w.tlv(Tag(0x81), oid.der_contents());
            // The members of the element come in the order of their numbers.
            let mut files: Vec<&File<'_>> = files.iter().collect();
            files.sort_by_key(|file| file.number("ctx"));
            for file in files {
                let number = file.number("ctx").unwrap() as u32;
                let tag = if number < 31 { Tag(0xA0 + number) } else { Tag(0xBF00 + number) };
                w.nested(tag, |w| member(w, pe, file));
            }
        })
        .finish()
}

/// What the profile gives of one file: no more than the template leaves to it.
fn member(w: &mut Writer, pe: &str, file: &File<'_>) {
    let must_give = file.json["must_give"].as_array().unwrap();
    let gives = |key: &str| must_give.iter().any(|given| given == key);
    let has_records = matches!(file.kind(), "LF" | "CY");
    let open = match has_records {
        true => file.number("nrec").is_none() || file.number("reclen").is_none(),
        false => !file.is_directory() && file.number("size").is_none(),
    };
    w.nested(Tag(0xA1), |w| {
        if open && has_records {
            let kind = if file.kind() == "LF" { 0x42 } else { 0x46 };
            w.tlv(Tag(0x82), &[kind, 0x21, 0, file.records().1]);
        }
        if file.json["fid"].is_null() || !file.json["fid_last"].is_null() {
            let fid = if file.kind() == "ADF" { 0x7FD0 } else { file.fid() };
            w.tlv(Tag(0x83), &fid.to_be_bytes());
        }
        if gives("aid") {
            w.tlv(Tag(0x84), &vectors::bytes(if pe == "usim" { USIM } else { ISIM }));
        }
        // Near DF.CD is no EF.ARR: the one of the MF, by name.
        if pe == "cd" && !file.is_directory() {
            w.tlv(Tag(0x8B), &[0x2F, 0x06, file.number("arr").unwrap() as u8]);
        }
        if open {
            w.tlv(Tag(0x80), &(file.size() as u16).to_be_bytes());
        }
        if gives("pinStatusTemplateDO") {
            w.tlv(Tag(0xC6), &[0x01, 0x0A]);
        }
        if let Some(sfi) = file.given_sfi() {
            w.tlv(Tag(0x88), &[sfi << 3]);
        }
    });
    if let Some(given) = file.given() {
        w.tlv(Tag(0x83), &given);
    }
}

/// The files of a template with their paths. The transcription leaves the template's own
/// directory out of most of them.
fn files(template: &Value) -> Vec<File<'_>> {
    /// For DF.EAP, whose identifier the profile chooses.
    const CHOSEN: u16 = 0x5F60;
    let number = |text: &str| u16::from_str_radix(text, 16).unwrap();
    let list = template["files"].as_array().unwrap();
    let base = (list[0]["type"] == "DF").then(|| list[0]["fid"].as_str().map_or(CHOSEN, number));
    let file = |(index, json): (usize, &'_ Value)| {
        let mut path: Vec<u16> =
            json["path"].as_str().unwrap().split('/').filter(|df| !df.is_empty()).map(number).collect();
        if let Some(base) = base
            && index > 0
            && path.first() != Some(&base)
        {
            path.insert(0, base);
        }
        path.push(json["fid"].as_str().map_or_else(|| if base.is_some() { CHOSEN } else { 0x7FFF }, number));
        path
    };
    list.iter().enumerate().map(|(index, json)| File { json, path: file((index, json)) }).collect()
}

/// FCP as SELECT has to tell it (ETSI TS 102 221 §11.1.1.3).
fn control_parameters(pe: &str, in_mf: bool, file: &File<'_>) -> String {
    let arr = match file.kind() {
        "MF" | "ADF" => 0x2F06,
        _ if pe == "cd" || in_mf && file.path.len() == 1 => 0x2F06,
        _ => 0x6F06,
    };
    let access = format!("8B03{arr:04X}{:02X}", file.number("arr").unwrap());
    let body = if file.is_directory() {
        let name = match file.kind() {
            "ADF" => format!("840C{}", if pe == "usim" { USIM } else { ISIM }),
            _ => format!("8302{:04X}", file.fid()),
        };
        let characteristics = if file.kind() == "MF" { "A503800171" } else { "" };
        // PIN1 is switched off, ADM1 is not.
        format!("82027821{name}{characteristics}8A0105{access}C609900140830101 83010A")
    } else {
        let (records, len) = file.records();
        let descriptor = match file.kind() {
            "TR" => "82024121".to_owned(),
            "BT" => "82027921".to_owned(),
            "LF" => format!("8205422100{len:02X}{records:02X}"),
            _ => format!("8205462100{len:02X}{records:02X}"),
        };
        let special = if file.json["high_update"].as_bool().unwrap() { "A503C00180" } else { "" };
        let sfi = file.number("sfi").map(|sfi| sfi as u8).or_else(|| file.given_sfi());
        let sfi = sfi.map_or_else(|| "8800".to_owned(), |sfi| format!("8801{:02X}", sfi << 3));
        format!("{descriptor}8302{:04X}{special}8A0105{access}8002{:04X}{sfi}", file.fid(), file.size())
    };
    let body = body.replace(' ', "");
    format!("62{:02X}{body}", body.len() / 2)
}

#[test]
fn every_file_of_every_template_reads_back() {
    let Some(text) = vectors::read("saip-templates.json") else { return };
    let json: Value = serde_json::from_slice(&text).unwrap();
    let mut count = 0;
    for template in json["templates"].as_array().unwrap() {
        let pe = template["pe"].as_str().unwrap();
        let what = format!("{pe} {}", template["oid"]);
        let files = files(template);
        let (before, after) = around(pe);
        let package = [before.concat(), element(template, &files), after].concat();
        let mut bench = Bench::with_profile(&package);
        bench.ok("0020000A 08 3939393939393939");
        let in_mf = matches!(pe, "mf" | "cd" | "telecom");
        match pe {
            _ if in_mf => {}
            "isim" | "opt-isim" => drop(bench.ok(&format!("00A4040C {}", isim_of(pe)))),
            _ => drop(bench.ok(&format!("00A4040C {}", usim_of(pe)))),
        }
        for file in &files {
            let what = format!("{what} {}", file.json["name"]);
            read_back(&mut bench, &what, pe, in_mf, file);
            count += 1;
        }
    }
    assert_eq!(count, 515, "files");
}

/// Length and AID: of the element itself, else of the builder's.
fn usim_of(pe: &str) -> String {
    if pe == "usim" { format!("0C {USIM}") } else { format!("10 {}", hex(&saip::build::USIM_AID)) }
}

fn isim_of(pe: &str) -> String {
    if pe == "isim" { format!("0C {ISIM}") } else { format!("10 {}", hex(&saip::build::ISIM_AID)) }
}

fn read_back(bench: &mut Bench<MemoryMedium>, what: &str, pe: &str, in_mf: bool, file: &File<'_>) {
    let mut path: Vec<u16> =
        file.path.iter().copied().filter(|&fid| !matches!(fid, 0x3F00 | 0x7FFF)).collect();
    if !in_mf {
        path.insert(0, 0x7FFF);
    }
    let path: String = path.iter().map(|fid| format!("{fid:04X}")).collect();
    let select = match path.is_empty() {
        true => "00A40004 02 3F00".to_owned(),
        false => format!("00A40804{:02X}{path}", path.len() / 2),
    };
    assert_eq!(bench.ok(&select), control_parameters(pe, in_mf, file), "{what}");
    let content = hex(&file.content());
    match file.kind() {
        "TR" => assert_eq!(bench.ok("00B0000000"), content, "{what}"),
        "LF" | "CY" => {
            let (records, len) = file.records();
            let read = (1..=records).map(|number| bench.ok(&format!("00B2{number:02X}04{len:02X}")));
            assert_eq!(read.collect::<String>(), content, "{what}");
        }
        "BT" if file.given().is_some() => {
            assert_eq!(bench.ok("80CB0080 01 80"), "800401020304", "{what}");
        }
        "BT" => assert_eq!(bench.sw("80CB0080 01 80"), "6A88", "{what}"),
        _ => {}
    }
}
