//! Short messages and how they are sent (3GPP TS 31.102 §4.2.25 to §4.2.32, TS 23.040 §9.2).

use crate::content::{Out, Value, blank, number as integer};
use crate::numbers;

use super::files::alpha;
use super::records::{date, number_value};

/// A name of Y bytes, then 28: what is set, addresses, parameters.
pub(crate) fn smsp(o: &mut Out<'_>) {
    let len = o.rest().len().saturating_sub(28);
    alpha(o, ("Name", "名称"), len);
    // A bit that is 0 says that the parameter is there.
    let absent = o.rest().first().copied().unwrap_or(0xFF);
    let there = |bit: u8| absent >> bit & 1 == 0;
    o.field(("Parameters that are set", "設定済みの項目"), 1, |_| {
        let names = ["destination", "service centre", "PID", "DCS", "validity"];
        let set: Vec<&str> = (0..).zip(names).filter(|(bit, _)| there(*bit)).map(|(_, name)| name).collect();
        if set.is_empty() { Value::Empty } else { Value::Text(set.join(", ")) }
    });
    o.field(("Destination", "宛先"), 12, |bytes| address(bytes, true));
    o.field(("Service centre", "SMS センター"), 12, |bytes| address(bytes, false));
    o.field(("Protocol identifier", "プロトコル識別子"), 1, |bytes| {
        if there(2) { Value::Bytes(bytes.to_vec()) } else { Value::Empty }
    });
    o.field(("Data coding scheme", "データ符号化方式"), 1, |bytes| {
        if there(3) { Value::Bytes(bytes.to_vec()) } else { Value::Empty }
    });
    o.field(("Validity", "有効期間"), 1, |bytes| {
        if there(4) { validity(integer(bytes) as u32) } else { Value::Empty }
    });
}

/// Length, kind, digits. The length counts digits in a TP address, else bytes with the kind.
fn address(bytes: &[u8], in_digits: bool) -> Value {
    let [len, kind, digits @ ..] = bytes else { return Value::Empty };
    let wanted = match (*len, in_digits) {
        (0 | 0xFF, _) => return Value::Empty,
        (len, true) => usize::from(len).div_ceil(2),
        (len, false) => usize::from(len) - 1,
    };
    match digits.get(..wanted) {
        Some(digits) => number_value(*kind, digits),
        None => Value::Wrong(("its length is more than fits", "長さが領域を超えています").into()),
    }
}

/// The relative format (3GPP TS 23.040 §9.2.3.12.1).
fn validity(value: u32) -> Value {
    let minutes = match value {
        0..=143 => (value + 1) * 5,
        144..=167 => 12 * 60 + (value - 143) * 30,
        168..=196 => (value - 166) * 24 * 60,
        _ => (value - 192) * 7 * 24 * 60,
    };
    Value::Words(words::text!("{minutes} min", "{minutes} 分").into())
}

pub(crate) fn smss(o: &mut Out<'_>) {
    o.number(("Last message reference", "最後のメッセージ番号"), 1);
    // A bit that is 0 says that there was no room.
    o.field(("Store", "保存領域"), 1, |bytes| {
        if integer(bytes) & 1 == 0 {
            Value::Words(("was full: a message waits", "満杯 (メッセージ待機中)").into())
        } else {
            Value::Words(("has room", "空きあり").into())
        }
    });
}

pub(crate) fn smsr(o: &mut Out<'_>) {
    o.number(("Record of EF.SMS", "EF.SMS のレコード"), 1);
    let len = o.rest().len();
    o.raw(("Status report", "配信報告"), len);
}

/// Status, address of the service centre, message.
pub(crate) fn sms(o: &mut Out<'_>) {
    let status = o.rest().first().copied().unwrap_or(0);
    o.field(("Status", "状態"), 1, |_| match status & 0x07 {
        1 => Value::Words(("received, read", "受信・既読").into()),
        3 => Value::Words(("received, to be read", "受信・未読").into()),
        5 => Value::Words(("sent", "送信済み").into()),
        7 => Value::Words(("to be sent", "未送信").into()),
        _ if status & 1 == 0 => Value::Words(("free", "空き").into()),
        _ => Value::Words(("unknown", "不明").into()),
    });
    if status & 1 == 0 {
        let len = o.rest().len();
        if blank(o.rest()).is_none() && len > 0 {
            o.raw(("Left over", "残存データ"), len);
        }
        return;
    }
    let len = o.rest().first().copied().unwrap_or(0xFF);
    if len == 0xFF || usize::from(len) > 11 {
        o.wrong(
            ("Service centre", "SMS センター"),
            ("its length is more than fits", "長さが領域を超えています"),
        );
        return;
    }
    o.field(("Service centre", "SMS センター"), 1 + usize::from(len), |bytes| address(bytes, false));
    let submit = status & 0x04 != 0;
    message(o, submit);
}

/// SMS-DELIVER or SMS-SUBMIT (3GPP TS 23.040 §9.2.2.1, §9.2.2.2).
fn message(o: &mut Out<'_>, submit: bool) {
    let first = o.rest().first().copied().unwrap_or(0);
    o.field(("Message", "メッセージ"), 1, |_| {
        let name = if submit { "SMS-SUBMIT" } else { "SMS-DELIVER" };
        Value::Text(name.to_owned())
    });
    if submit {
        o.number(("Message reference", "メッセージ番号"), 1);
    }
    let digits = usize::from(o.rest().first().copied().unwrap_or(0));
    if digits > 20 {
        o.wrong(("Address", "アドレス"), ("its length is more than fits", "長さが領域を超えています"));
        return;
    }
    let name = if submit { ("To", "宛先") } else { ("From", "発信元") };
    o.field(name, 2 + digits.div_ceil(2), |bytes| {
        const ALPHANUMERIC: u8 = 5;
        match bytes {
            [_, kind, letters @ ..] if kind >> 4 & 7 == ALPHANUMERIC => {
                Value::Text(numbers::gsm_packed(letters, digits * 4 / 7, 0))
            }
            _ => address(bytes, true),
        }
    });
    o.raw(("Protocol identifier", "プロトコル識別子"), 1);
    let coding = o.rest().first().copied().unwrap_or(0);
    o.raw(("Data coding scheme", "データ符号化方式"), 1);
    if submit {
        match first >> 3 & 3 {
            0 => {}
            2 => o.field(("Validity", "有効期間"), 1, |bytes| validity(integer(bytes) as u32)),
            _ => o.raw(("Validity", "有効期間"), 7),
        }
    } else {
        o.field(("Time", "日時"), 7, date);
    }
    let count = usize::from(o.rest().first().copied().unwrap_or(0));
    o.number(("Length of the text", "本文の長さ"), 1);
    let letters = alphabet(coding);
    let len = if letters == Alphabet::Gsm { (count * 7).div_ceil(8) } else { count };
    let with_header = first & 0x40 != 0;
    o.group(("Text", "本文"), len, |o| {
        let all = o.rest();
        let header = if with_header { 1 + usize::from(all.first().copied().unwrap_or(0)) } else { 0 };
        if header > 0 {
            o.raw(("Header", "ヘッダー"), header);
        }
        let body = all.get(header..).unwrap_or_default();
        match letters {
            Alphabet::Gsm => {
                // Letters begin at a multiple of seven bits.
                let skip = (header * 8).div_ceil(7);
                Value::Text(numbers::gsm_packed(all, count, 0).chars().skip(skip).collect())
            }
            Alphabet::Ucs2 => Value::Text(numbers::ucs2(body)),
            Alphabet::Bytes => Value::Bytes(body.to_vec()),
        }
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Gsm,
    Bytes,
    Ucs2,
}

/// 3GPP TS 23.038 §4.
const fn alphabet(coding: u8) -> Alphabet {
    match coding {
        0x00..=0x7F if coding & 0x20 == 0 => match coding >> 2 & 3 {
            1 => Alphabet::Bytes,
            2 => Alphabet::Ucs2,
            _ => Alphabet::Gsm,
        },
        0xC0..=0xDF => Alphabet::Gsm,
        0xE0..=0xEF => Alphabet::Ucs2,
        0xF0..=0xFF if coding & 0x04 == 0 => Alphabet::Gsm,
        _ => Alphabet::Bytes,
    }
}
