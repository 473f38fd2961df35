//! From the bytes of a file to what they say.

pub(crate) mod files;
mod lists;
mod messages;
mod records;

use tlv::{Reader, Tag};

use crate::content::{Label, Node, Out, Value, blank};
use crate::numbers;
use crate::table::{Application, Entry};

/// What other files of the same application tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Digits of the MNC in the IMSI, 2 or 3 (EF.AD, byte 4).
    pub mnc_len: Option<u8>,
}

/// What stands in a file (transparent), a record or a data object of it. Keys are masked.
/// Without an entry: the bytes, and their text where they have one.
#[must_use]
pub fn decode(entry: Option<&Entry>, bytes: &[u8], hints: &Hints) -> Vec<Node> {
    nodes(entry, bytes, hints, false)
}

/// As [`decode`], with the keys.
#[must_use]
pub fn expose_decoded(entry: Option<&Entry>, bytes: &[u8], hints: &Hints) -> Vec<Node> {
    nodes(entry, bytes, hints, true)
}

fn nodes(entry: Option<&Entry>, bytes: &[u8], hints: &Hints, expose: bool) -> Vec<Node> {
    if bytes.is_empty() {
        return Vec::new();
    }
    if let Some(value) = blank(bytes) {
        let name: Label = ("Content", "内容").into();
        return vec![Node { name, value, range: 0..bytes.len(), parts: Vec::new() }];
    }
    let secret = entry.is_some_and(|entry| entry.secret);
    let mnc = hints.mnc_len.filter(|len| (2..=3).contains(len));
    let mut out = Out::new(bytes, secret, expose, mnc);
    entry.map_or(files::raw as fn(&mut Out<'_>), |entry| entry.decode)(&mut out);
    out.end();
    out.finish()
}

/// The AID in a record of EF.DIR: `61 { 4F AID, … }` (ETSI TS 102 221 §13.1).
pub(crate) fn aid_in(record: &[u8]) -> Option<Vec<u8>> {
    let application = Reader::new(record).expect(Tag(0x61)).ok()?;
    let aid = application.fields().optional(Tag(0x4F)).ok()??;
    (5..=16).contains(&aid.value.len()).then(|| aid.value.to_vec())
}

/// The AID of a USIM in a record of EF.DIR.
#[must_use]
pub fn usim_in(record: &[u8]) -> Option<Vec<u8>> {
    aid_in(record).filter(|aid| Application::of(aid) == Application::Usim)
}

/// The operator's name in EF.SPN; `None` when it is empty. Written by whoever wrote the
/// card: hostile as any text from outside.
#[must_use]
pub fn service_provider_name(content: &[u8]) -> Option<String> {
    let name = numbers::alpha(content.get(1..)?)?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The files of a record of EF.PBR: tag of the kind and file identifier (3GPP TS 31.102 §4.4.2.1).
pub(crate) fn phonebook(record: &[u8]) -> Vec<(u32, u16)> {
    let mut files = Vec::new();
    let mut reader = Reader::new(record);
    while let Ok(Some(object)) = reader.next() {
        if !(0xA8..=0xAA).contains(&object.tag.0) {
            break;
        }
        let mut inner = object.reader();
        while let Ok(Some(file)) = inner.next() {
            if let [high, low, ..] = *file.value {
                files.push((file.tag.0, u16::from_be_bytes([high, low])));
            }
        }
    }
    files
}

/// What file a tag of EF.PBR means.
pub(crate) const fn phonebook_file(tag: u32) -> Option<&'static str> {
    Some(match tag {
        0xC0 => "EF.ADN",
        0xC1 => "EF.IAP",
        0xC2 => "EF.EXT1",
        0xC3 => "EF.SNE",
        0xC4 => "EF.ANR",
        0xC5 => "EF.PBC",
        0xC6 => "EF.GRP",
        0xC7 => "EF.AAS",
        0xC8 => "EF.GAS",
        0xC9 => "EF.UID",
        0xCA => "EF.EMAIL",
        0xCB => "EF.CCP1",
        0xCC => "EF.PURI",
        _ => return None,
    })
}

/// The files of the pictures in a record of EF.IMG (3GPP TS 31.102 §4.6.1.1).
pub(crate) fn images(record: &[u8]) -> Vec<u16> {
    let Some((count, instances)) = record.split_first() else { return Vec::new() };
    let fids = instances
        .chunks_exact(9)
        .take(usize::from(*count))
        .map(|instance| instance.iter().skip(3).take(2).fold(0, |sum, byte| sum << 8 | u16::from(*byte)));
    fids.filter(|fid| !matches!(fid, 0x0000 | 0xFFFF)).collect()
}

/// A text in a value, or what is wrong with it.
fn text_or_wrong(text: Option<String>) -> Value {
    match text {
        Some(text) if text.is_empty() => Value::Empty,
        Some(text) => Value::Text(text),
        None => Value::Wrong(("its lengths do not fit", "長さが一致しません").into()),
    }
}
