//! All of a chip that can be seen through its door. It is looked at on a copy, so
//! that looking may present codes and use up tries.

use std::collections::BTreeMap;

use wasm_euicc::Factory;
use wasm_euicc::nvm::MemoryMedium;

use crate::card::{Card, hex};
use crate::subject::set1;

/// What was asked, and what was answered.
pub(crate) type Observation = BTreeMap<String, String>;

/// A file: the AID of the application that it is in, and its path below the ADF or
/// the MF.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) aid: Option<String>,
    pub(crate) path: Vec<u16>,
}

impl Place {
    fn name(&self) -> String {
        let path: Vec<String> = self.path.iter().map(|fid| format!("{fid:04X}")).collect();
        format!("{}/{}", self.aid.as_deref().map_or("3F00", |aid| &aid[..14]), path.join("/"))
    }

    /// `7FFF` stands for the ADF.
    fn bytes(&self) -> String {
        let adf = if self.aid.is_some() { "7FFF" } else { "" };
        adf.to_owned() + &self.path.iter().map(|fid| format!("{fid:04X}")).collect::<String>()
    }
}

type Chip = Card<MemoryMedium>;

fn raw(card: &mut Chip, command: &str) -> String {
    hex(&card.chip.transmit(&vectors::bytes(command)))
}

/// As a terminal on T=0 does.
fn send(card: &mut Chip, command: &str) -> String {
    let mut answer = raw(card, command);
    if let Some(le) = answer.strip_prefix("6C") {
        answer = raw(card, &format!("{}{le}", &command[..8]));
    }
    let mut data = String::new();
    loop {
        let at = answer.len() - 4;
        data.push_str(&answer[..at]);
        match answer[at..].strip_prefix("61") {
            Some(le) => answer = raw(card, &format!("00C00000{le}")),
            None => return data + &answer[at..],
        }
    }
}

fn select_application(card: &mut Chip, aid: &str) -> String {
    send(card, &format!("00A40404{:02X}{aid}", aid.len() / 2))
}

/// The applications of the enabled profile, as EF.DIR tells.
fn applications(card: &mut Chip) -> Vec<String> {
    let mut aids = Vec::new();
    for record in 1..=8 {
        send(card, "00A4000C023F00");
        send(card, "00A4000C022F00");
        let answer = send(card, &format!("00B2{record:02X}0400"));
        // 61 LL 4F LL AID
        if let Some(rest) = answer.strip_prefix("61").and_then(|rest| rest.get(2..)?.strip_prefix("4F")) {
            let len = usize::from_str_radix(&rest[..2], 16).unwrap();
            aids.push(rest[2..2 + 2 * len].to_owned());
        }
    }
    aids
}

/// Finds every file by trying every identifier that a file may have.
pub(crate) fn places(made: &Factory, medium: &MemoryMedium) -> Vec<Place> {
    let mut card = Card::on(made, medium.clone());
    let mut found = Vec::new();
    let mut roots = vec![None];
    roots.extend(applications(&mut card).into_iter().map(Some));
    for aid in roots {
        let mut directories = vec![Vec::new()];
        while let Some(directory) = directories.pop() {
            let at_top = aid.is_none() && directory.is_empty();
            let high: &[u16] = if at_top { &[0x2F00, 0x7F00] } else { &[0x4F00, 0x6F00, 0x5F00] };
            for fid in high.iter().flat_map(|high| (0..0x100).map(move |low| high | low)) {
                let path = [&directory[..], &[fid]].concat();
                // The identifiers of ADFs are not for commands.
                if at_top && fid == 0x7FFF {
                    continue;
                }
                let place = Place { aid: aid.clone(), path };
                if let Some(aid) = &place.aid {
                    select_application(&mut card, aid);
                }
                let bytes = place.bytes();
                let answer = send(&mut card, &format!("00A40804{:02X}{bytes}", bytes.len() / 2));
                if answer.ends_with("6A82") {
                    continue;
                }
                if answer.contains("82027821") {
                    directories.push(place.path.clone());
                }
                found.push(place);
            }
        }
    }
    found.sort();
    found
}

/// Codes that are tried: the reference, the value, padded.
const CODES: [(&str, &[&str]); 3] = [
    ("01", &["30303030FFFFFFFF", "31313131FFFFFFFF", "31323334FFFFFFFF"]),
    ("81", &["31313131FFFFFFFF", "35363738FFFFFFFF"]),
    ("0A", &["3939393939393939"]),
];

/// Looks at copies of the chip that lives on this medium.
pub(crate) fn observe(made: &Factory, medium: &MemoryMedium, places: &[Place]) -> Observation {
    let copy = || Card::on(made, medium.clone());
    let mut card = copy();
    let mut seen = Observation::new();
    for (name, request) in [
        ("es10 profiles", "BF2D12 5C10 5A4F9F70909192939495B6B7B899BF76"),
        ("es10 addresses", "BF3C00"),
        ("es10 eid", "BF3E035C015A"),
        ("es10 info1", "BF2000"),
        ("es10 notifications", "BF2800"),
        ("es10 notifications whole", "BF2B00"),
        ("es10 rat", "BF4300"),
    ] {
        let answer = card.es10(&vectors::bytes(request));
        seen.insert(name.into(), hex(&answer));
    }
    seen.insert("memory free".into(), card.chip.free_memory().to_string());

    let applications = applications(&mut card);
    // Counters first, before codes are presented.
    let mut inside = vec![String::new()];
    inside.extend(applications.iter().cloned());
    for aid in &inside {
        let fcp = if aid.is_empty() {
            send(&mut card, "00A40004023F00")
        } else {
            select_application(&mut card, aid)
        };
        seen.insert(format!("fcp {aid}"), fcp);
        for reference in ["01", "0A", "81", "11", "0B"] {
            seen.insert(format!("pin {aid} {reference}"), raw(&mut card, &format!("002000{reference}")));
            seen.insert(format!("puk {aid} {reference}"), raw(&mut card, &format!("002C00{reference}")));
        }
    }
    // Which value each has: a copy for each attempt.
    let mut right = Vec::new();
    for (reference, values) in CODES {
        for value in values {
            let mut card = copy();
            if let Some(aid) = applications.first() {
                select_application(&mut card, aid);
            }
            let present = format!("002000{reference}08{value}");
            let answer = raw(&mut card, &present);
            if answer == "9000" {
                right.push(present);
            }
            seen.insert(format!("pin {reference} is {value}"), answer);
        }
    }
    let mut open = None;
    for place in places {
        if open != Some(&place.aid) {
            open = Some(&place.aid);
            if let Some(aid) = &place.aid {
                select_application(&mut card, aid);
            }
            for present in &right {
                raw(&mut card, present);
            }
        }
        let bytes = place.bytes();
        let fcp = send(&mut card, &format!("00A40804{:02X}{bytes}", bytes.len() / 2));
        let content = content(&mut card, &fcp);
        seen.insert(format!("file {}", place.name()), format!("{fcp} {content}"));
    }
    // The highest sequence number, by way of a number that is too old: AUTS.
    for aid in &applications {
        select_application(&mut card, aid);
        let old = format!("008800812210{}10{}", set1::RAND, OLD_AUTN);
        seen.insert(format!("sqn {aid}"), send(&mut card, &old));
    }
    seen
}

/// SQN 0 under the AK of test set 1, AMF 0000, and the MAC-A that goes with them
/// (computed with OpenSSL's AES from 3GPP TS 35.206 §4.1).
const OLD_AUTN: &str = "AA689C64837000000EED35E2AE9E21C0";

/// All that the file's structure lets be read.
fn content(card: &mut Chip, fcp: &str) -> String {
    let Some(descriptor) = fcp.get(4..).filter(|_| fcp.starts_with("62")) else { return String::new() };
    if descriptor.starts_with("82027821") {
        return String::new();
    }
    if descriptor.starts_with("82027921") {
        return ["80", "81", "5F20"]
            .map(|tag| send(card, &format!("80CB0080{:02X}{tag}", tag.len() / 2)))
            .join(" ");
    }
    if descriptor.starts_with("8205") {
        let count = usize::from_str_radix(&descriptor[12..14], 16).unwrap();
        let records: Vec<String> =
            (1..=count).map(|record| send(card, &format!("00B2{record:02X}0400"))).collect();
        return records.join(" ");
    }
    let template = vectors::bytes(&fcp[..fcp.len() - 4]);
    let size = tlv::Tlv::single(&template).unwrap().fields().required(tlv::Tag(0x80)).unwrap().value;
    let size = size.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let mut whole = String::new();
    let mut offset = 0;
    while offset < size {
        let len = (size - offset).min(255);
        let answer = send(card, &format!("00B0{offset:04X}{len:02X}"));
        whole.push_str(&answer[..answer.len() - 4]);
        if !answer.ends_with("9000") {
            return whole + &answer;
        }
        offset += len;
    }
    whole + "9000"
}
