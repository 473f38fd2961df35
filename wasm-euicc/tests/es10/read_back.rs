//! The published profiles of TS.48, file by file: what the package says, decoded here by the
//! rules of the TCA Interoperable Profile Package (§8.3: template, then file control
//! parameters, then content) from the bytes and the published tables of templates, against
//! what the card answers to SELECT and READ. Nothing of the interpreter, nor of the crate
//! that it reads packages with, has a part in what is expected.

use std::collections::BTreeMap;

use serde_json::Value;
use tlv::{Reader, Tag, Tlv};

use crate::card::{Card, factory, hex, preloaded};
use crate::server::*;
use wasm_euicc::nvm::MemoryMedium;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What a file is expected to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// `41`, `42`, `46`, `79`, `78`.
    pub(crate) kind: u8,
    record: usize,
    size: usize,
    access: Vec<u8>,
    /// The byte of FCP tag 88; none: the object is empty.
    pub(crate) sfi: Option<u8>,
    state: u8,
    special: Option<u8>,
    pub(crate) body: Vec<u8>,
    /// Its body is another file's.
    pub(crate) link: bool,
}

/// By the AID of its application (none: the MF) and its path below that.
pub(crate) type Files = BTreeMap<At, Option<Expected>>;

/// The AID and the path.
pub(crate) type At = (Option<String>, Vec<u16>);

fn objects(bytes: &[u8]) -> Vec<Tlv<'_>> {
    let mut reader = Reader::new(bytes);
    let mut list = Vec::new();
    while let Some(object) = reader.next().unwrap() {
        list.push(object);
    }
    list
}

fn inside<'a>(list: &[Tlv<'a>], tag: u32) -> Option<&'a [u8]> {
    list.iter().find(|object| object.tag == Tag(tag)).map(|object| object.value)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

fn fid(bytes: &[u8]) -> u16 {
    number(bytes) as u16
}

fn hexadecimal(value: &Value) -> Option<u16> {
    u16::from_str_radix(value.as_str()?, 16).ok()
}

/// A default of the tables, spread over a file or a record: `X...X` repeats the byte before.
fn spread(pattern: Option<&str>, len: usize) -> Vec<u8> {
    let Some(pattern) = pattern else { return vec![0xFF; len] };
    match pattern.split_once("...") {
        None => {
            let mut bytes = vectors::bytes(pattern);
            bytes.resize(len, 0xFF);
            bytes
        }
        Some((before, after)) => {
            let (before, after) = (vectors::bytes(before), vectors::bytes(after));
            // The byte behind the dots is the one that is repeated, once more.
            let after = &after[1..];
            let mut bytes = before.clone();
            bytes.resize(len - after.len(), before[before.len() - 1]);
            [&bytes[..], after].concat()
        }
    }
}

/// One member of an element, or one file of generic file management.
struct Given<'a> {
    parameters: Vec<Tlv<'a>>,
    /// Offset and content, in the order of the package.
    content: Vec<(bool, &'a [u8])>,
}

fn expected(row: Option<&Value>, given: &Given<'_>, implied_arr: u16) -> Expected {
    let fcp = &given.parameters;
    let row_number = |name: &str| row.and_then(|row| row[name].as_u64()).map(|value| value as usize);
    let descriptor = inside(fcp, 0x82).unwrap_or_default();
    let kind = descriptor.first().copied().unwrap_or_else(|| match row.unwrap()["type"].as_str().unwrap() {
        "TR" => 0x41,
        "LF" => 0x42,
        "CY" => 0x46,
        "BT" => 0x79,
        _ => 0x78,
    });
    // Without the bit that says shareable it is the same structure.
    let kind = kind | 0x40;
    let record = descriptor.get(2..4).map_or_else(|| row_number("reclen").unwrap_or(0), number);
    let size = inside(fcp, 0x80).map(number).or_else(|| row_number("size"));
    let size = size.or_else(|| Some(row_number("nrec")? * record)).unwrap_or(0);
    let access = match inside(fcp, 0x8B) {
        Some([record]) => [&implied_arr.to_be_bytes()[..], &[*record]].concat(),
        Some(whole) => whole.to_vec(),
        None => [&implied_arr.to_be_bytes()[..], &[row_number("arr").unwrap() as u8]].concat(),
    };
    let sfi = match (inside(fcp, 0x88), row) {
        (Some([]), _) => None,
        (Some(given), _) => Some(given[0]),
        (None, Some(row)) => row["sfi"].as_u64().map(|sfi| (sfi as u8) << 3),
        // Generic file management: the low five bits of the identifier.
        (None, None) => Some((fid(inside(fcp, 0x83).unwrap()) as u8 & 0x1F) << 3),
    };
    let proprietary = inside(fcp, 0xA5).map(objects).unwrap_or_default();
    let special = inside(&proprietary, 0xC0).map(|value| value[0]);
    let unit = if record == 0 { size } else { record };
    let fill = |pattern: &[u8], repeat: bool| -> Vec<u8> {
        (0..unit)
            .map(|at| if repeat { pattern[at % pattern.len()] } else { pattern[at.min(pattern.len() - 1)] })
            .collect()
    };
    let one = match (inside(&proprietary, 0xC1), inside(&proprietary, 0xC2)) {
        (Some(pattern), _) => fill(pattern, false),
        (None, Some(pattern)) => fill(pattern, true),
        _ => match row.map(|row| (&row["default"], row["repeat"].as_bool())) {
            Some((Value::String(pattern), Some(true))) => fill(&vectors::bytes(pattern), true),
            Some((pattern, _)) if unit > 0 => spread(pattern.as_str(), unit),
            _ => vec![0xFF; unit],
        },
    };
    let mut body = one.repeat(size.checked_div(unit).unwrap_or(0));
    let mut at = 0;
    for (offset, bytes) in &given.content {
        if *offset {
            at += number(bytes);
        } else {
            body[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        }
    }
    Expected {
        kind,
        record,
        size,
        access,
        sfi,
        state: inside(fcp, 0x8A).map_or(5, |state| state[0]),
        special,
        body,
        link: inside(fcp, 0xC7).is_some_and(|path| !path.is_empty()),
    }
}

/// All files that a package asks for; `None`: one that it says is not to be.
pub(crate) fn files(package: &[u8], templates: &Value) -> Files {
    let mut files = Files::new();
    // AID by the temporary identifier of the ADF.
    let mut applications: Vec<(u16, String)> = Vec::new();
    let mut current = None;
    for element in objects(package) {
        let parts = objects(element.value);
        if element.tag == Tag(0xA1) {
            generic(&parts, &applications, &mut files);
            continue;
        }
        let Some(oid) = inside(&parts, 0x81).filter(|_| element.tag.0 & 0xE0 == 0xA0 || element.tag.0 > 0xFF)
        else {
            continue;
        };
        let Ok(oid) = rsp::Oid::from_der_contents(oid) else { continue };
        let oid = oid.to_string();
        let list = templates["templates"].as_array().unwrap();
        let Some(template) = list.iter().find(|template| template["oid"] == *oid) else { continue };
        let of_mf = ["mf", "cd", "telecom"].contains(&template["pe"].as_str().unwrap());
        let mut base: Vec<u16> = Vec::new();
        for row in template["files"].as_array().unwrap() {
            let context = row["ctx"].as_u64().unwrap() as u32;
            // Context tags above 30 take a second byte.
            let tag = if context < 31 { 0xA0 | context } else { 0xBF00 | context };
            let kind = row["type"].as_str().unwrap();
            let member = inside(&parts, tag).map(objects);
            if member.is_none() && template["created_by_default"] != true {
                continue;
            }
            let not_wanted = member.iter().flatten().any(|object| object.tag == Tag(0x80));
            let mut instances: Vec<Given<'_>> = Vec::new();
            for object in member.iter().flatten() {
                match object.tag.0 {
                    0xA1 => instances.push(Given { parameters: objects(object.value), content: Vec::new() }),
                    0x82 | 0x83 => {
                        if instances.is_empty() {
                            instances.push(Given { parameters: Vec::new(), content: Vec::new() });
                        }
                        let content = (object.tag.0 == 0x82, object.value);
                        instances.last_mut().unwrap().content.push(content);
                    }
                    _ => {}
                }
            }
            if instances.is_empty() {
                instances.push(Given { parameters: Vec::new(), content: Vec::new() });
            }
            for given in &instances {
                if matches!(kind, "MF" | "ADF") {
                    if let Some(aid) = inside(&given.parameters, 0x84) {
                        current = Some(hex(aid));
                        applications.push((fid(inside(&given.parameters, 0x83).unwrap()), hex(aid)));
                    }
                    continue;
                }
                let given_fid = inside(&given.parameters, 0x83).map(fid);
                let Some(own) = given_fid.or_else(|| hexadecimal(&row["fid"])) else { continue };
                let below: Vec<u16> = hexadecimal(&row["path"]).into_iter().collect();
                let path = [&base[..], &below, &[own]].concat();
                if kind == "DF" && below.is_empty() && base.is_empty() {
                    base = vec![own];
                }
                // DFs inside DF.TELECOM stand in it.
                let aid = if of_mf { None } else { current.clone() };
                let implied = if of_mf && path.len() == 1 { 0x2F06 } else { 0x6F06 };
                let implied = if kind == "DF" && !of_mf { 0x6F06 } else { implied };
                let file = (!not_wanted).then(|| expected(Some(row), given, implied));
                files.insert((aid, path), file);
            }
        }
    }
    files
}

fn generic(parts: &[Tlv<'_>], applications: &[(u16, String)], files: &mut Files) {
    for sequence in objects(inside(parts, 0xA1).unwrap()) {
        let mut place: At = (None, Vec::new());
        let mut open: Option<(At, Given<'_>)> = None;
        let mut close = |open: &mut Option<(At, Given<'_>)>| {
            if let Some((at, given)) = open.take() {
                let file =
                    expected(None, &given, if at.1.len() == 1 && at.0.is_none() { 0x2F06 } else { 0x6F06 });
                files.insert(at, Some(file));
            }
        };
        for command in objects(sequence.value) {
            match command.tag.0 {
                0x80 => {
                    close(&mut open);
                    let mut path: Vec<u16> = command.value.chunks(2).map(fid).collect();
                    let adf =
                        path.first().and_then(|first| applications.iter().find(|(own, _)| own == first));
                    if adf.is_some() {
                        path.remove(0);
                    }
                    place = (adf.map(|(_, aid)| aid.clone()), path);
                }
                0x62 => {
                    close(&mut open);
                    let parameters = objects(command.value);
                    let mut at = place.clone();
                    at.1.push(fid(inside(&parameters, 0x83).unwrap()));
                    open = Some((at, Given { parameters, content: Vec::new() }));
                }
                tag @ (0x02 | 0x81) => {
                    open.as_mut().unwrap().1.content.push((tag == 0x02, command.value));
                }
                other => panic!("{other:X}"),
            }
        }
        close(&mut open);
    }
}

type Chip = Card<MemoryMedium>;

fn send(card: &mut Chip, command: &[u8]) -> (Vec<u8>, u16) {
    let mut answer = card.chip.transmit(command);
    let mut data = Vec::new();
    loop {
        let (part, sw) = answer.split_at(answer.len() - 2);
        data.extend_from_slice(part);
        match *sw {
            [0x61, len] => answer = card.chip.transmit(&[0x00, 0xC0, 0x00, 0x00, len]),
            [a, b] => return (data, u16::from_be_bytes([a, b])),
            _ => unreachable!(),
        }
    }
}

/// How many files were compared, and how many of them byte by byte.
fn compare(package: &[u8], name: &str, templates: &Value) -> (usize, usize) {
    let expected = files(package, templates);
    let iccid = expected.iter().find(|((aid, path), _)| aid.is_none() && path[..] == [0x2FE2]);
    let iccid = iccid.and_then(|(_, file)| file.as_ref()).unwrap().body.clone();
    let lab = Lab::new();
    let mut metadata = metadata(1);
    metadata.iccid = rsp::Iccid::from_bytes(iccid.try_into().unwrap());
    let mut made = factory(&lab);
    made.preloaded.push(preloaded(&metadata, package, true));
    let mut card = Card::made_by(&made);
    let (mut seen, mut read) = (0, 0);
    for ((aid, path), file) in &expected {
        let what = format!("{name}: {aid:?} {path:04X?}");
        send(&mut card, &[0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00]);
        let mut bytes: Vec<u8> = path.iter().flat_map(|fid| fid.to_be_bytes()).collect();
        if let Some(aid) = aid {
            let aid = vectors::bytes(aid);
            assert_eq!(
                send(&mut card, &[&[0x00, 0xA4, 0x04, 0x0C, aid.len() as u8][..], &aid].concat()).1,
                0x9000
            );
            bytes.splice(0..0, [0x7F, 0xFF]);
        }
        for (reference, value) in
            [(0x0A, "3535353535353535"), (0x0B, "3636363636363636"), (0x81, "39393939FFFFFFFF")]
        {
            send(&mut card, &[&[0x00, 0x20, 0x00, reference, 0x08][..], &vectors::bytes(value)].concat());
        }
        let (fcp, sw) = send(&mut card, &[&[0x00, 0xA4, 0x08, 0x04, bytes.len() as u8][..], &bytes].concat());
        let Some(file) = file else {
            // Another element may have made it; what is not wanted is not there.
            assert_eq!(sw, 0x6A82, "{what}: not to be created");
            continue;
        };
        let outer = Tlv::single(&fcp).unwrap_or_else(|_| panic!("{what}: {sw:04X}"));
        let fcp = objects(outer.value);
        assert_eq!(sw, if file.state == 4 { 0x6283 } else { 0x9000 }, "{what}");
        let descriptor = inside(&fcp, 0x82).unwrap();
        assert_eq!(descriptor[0], file.kind, "{what}: structure");
        assert_eq!(inside(&fcp, 0x83), Some(&bytes[bytes.len() - 2..]), "{what}: identifier");
        assert_eq!(inside(&fcp, 0x8A), Some(&[file.state][..]), "{what}: life cycle");
        assert_eq!(inside(&fcp, 0x8B), Some(&file.access[..]), "{what}: access rules");
        seen += 1;
        // A link has the size and the content of the file that it leads to.
        if file.kind == 0x78 || file.link {
            continue;
        }
        assert_eq!(inside(&fcp, 0x80).map(number), Some(file.size), "{what}: size");
        let sfi = inside(&fcp, 0x88).unwrap();
        assert_eq!(sfi, file.sfi.as_slice(), "{what}: short identifier");
        if let Some(special) = file.special {
            let proprietary = inside(&fcp, 0xA5).map(objects).unwrap_or_default();
            let own = inside(&proprietary, 0xC0).map_or(0, |value| value[0]);
            assert_eq!(own, special, "{what}: special file information");
        }
        if let Some(count) = file.size.checked_div(file.record) {
            let count = count as u8;
            let record = (file.record as u16).to_be_bytes();
            assert_eq!(descriptor[2..], [record[0], record[1], count], "{what}: records");
        }
        if file.kind == 0x79 {
            continue;
        }
        let mut body = Vec::new();
        let mut denied = false;
        while body.len() < file.size && !denied {
            let command = if let Some(before) = body.len().checked_div(file.record) {
                [0x00, 0xB2, (before + 1) as u8, 0x04, file.record as u8]
            } else {
                let at = (body.len() as u16).to_be_bytes();
                [0x00, 0xB0, at[0], at[1], (file.size - body.len()).min(255) as u8]
            };
            let (data, sw) = send(&mut card, &command);
            // A rule that no PIN of this profile can meet.
            denied = sw == 0x6982;
            assert!(denied || sw == 0x9000, "{what}: {sw:04X}");
            body.extend(data);
        }
        if denied {
            continue;
        }
        read += 1;
        let service_table =
            aid.is_some() && (path[..] == [0x6F38] || (path[..] == [0x6F07] && file.size > 9));
        if service_table {
            // Services that the chip does not give are taken out, none is put in.
            assert!(body.iter().zip(&file.body).all(|(own, given)| own & !given == 0), "{what}");
        } else {
            assert_eq!(hex(&body), hex(&file.body), "{what}: content");
        }
    }
    (seen, read)
}

/// The published profiles.
pub(crate) const PROFILES: [&str; 5] = [
    "ts48/TS48v3_SAIP2.1_NoBERTLV",
    "ts48/TS48v5_SAIP2.1A_NoBERTLV",
    "ts48/TS48v5_SAIP2.3_BERTLV_SUCI",
    "ts48/TS48v5_SAIP2.3_NoBERTLV",
    "ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV",
];

#[test]
fn every_published_profile_reads_back_exactly() {
    let Some(templates) = vectors::read("saip-templates.json") else { return };
    let templates: Value = serde_json::from_slice(&templates).unwrap();
    for name in PROFILES {
        let Some(package) = vectors::read(&format!("data/{name}.der")) else { return };
        let (seen, read) = compare(&package, name, &templates);
        println!("{name}: {seen} files, {read} with their content");
        assert!(seen > 160 && read > 130, "{name}: {seen} {read}");
    }
}
