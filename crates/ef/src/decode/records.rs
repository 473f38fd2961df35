//! Names and numbers: the phone book and its relatives.

use crate::content::{Label, Out, Value, blank, number as integer};
use crate::numbers::bcd;

use super::files::alpha;

/// Type of number and numbering plan (3GPP TS 24.008 §10.5.4.7); the number after it, `+`
/// when it is international.
pub(super) fn number_value(kind: u8, digits: &[u8]) -> Value {
    const INTERNATIONAL: u8 = 1;
    let digits = bcd(digits);
    match (digits.is_empty(), kind >> 4 & 7) {
        (true, _) => Value::Empty,
        (false, INTERNATIONAL) => Value::Text(format!("+{digits}")),
        (false, _) => Value::Text(digits),
    }
}

/// Length (of what follows, kind and digits), kind, and ten or more bytes of digits.
fn dialling(o: &mut Out<'_>, name: impl Into<Label>, digits: usize) {
    o.group(name, 2 + digits, |o| {
        let Some((&len, number)) = o.rest().split_first() else { return Value::Group };
        if len == 0xFF || len == 0 {
            return Value::Empty;
        }
        if usize::from(len) > 1 + digits {
            return Value::Wrong(("its length is more than fits", "長さが領域を超えています").into());
        }
        let (kind, rest) = (number.first().copied().unwrap_or(0xFF), number.get(1..).unwrap_or_default());
        let value = number_value(kind, rest.get(..usize::from(len) - 1).unwrap_or_default());
        o.number(("Length", "長さ"), 1);
        o.field(("Type of number", "番号種別"), 1, |_| kind_value(kind));
        o.raw(("Digits", "数字"), digits);
        value
    });
}

fn kind_value(kind: u8) -> Value {
    let (en, ja) = match kind >> 4 & 7 {
        0 => ("unknown", "不明"),
        1 => ("international", "国際番号"),
        2 => ("national", "国内番号"),
        3 => ("network specific", "網固有番号"),
        4 => ("dedicated, short code", "短縮番号"),
        5 => ("alphanumeric", "英数字"),
        6 => ("abbreviated", "省略番号"),
        _ => ("reserved", "予約"),
    };
    Value::Words((en, ja).into())
}

fn identifier(o: &mut Out<'_>, name: (&'static str, &'static str)) {
    o.field(name, 1, |bytes| blank(bytes).unwrap_or_else(|| Value::Number(integer(bytes))));
}

const NAME: (&str, &str) = ("Name", "名称");
const NUMBER: (&str, &str) = ("Number", "番号");
const CAPABILITY: (&str, &str) = ("Capability record", "通信能力レコード");
const EXTENSION: (&str, &str) = ("Extension record", "拡張レコード");

/// ADN, FDN, SDN, MSISDN, MBDN: a name of X bytes, then 14.
pub(crate) fn adn(o: &mut Out<'_>) {
    let len = o.rest().len().saturating_sub(14);
    alpha(o, NAME, len);
    dialling(o, NUMBER, 10);
    identifier(o, CAPABILITY);
    identifier(o, EXTENSION);
}

/// BDN: as ADN, then the comparison method.
pub(crate) fn bdn(o: &mut Out<'_>) {
    let len = o.rest().len().saturating_sub(15);
    alpha(o, NAME, len);
    dialling(o, NUMBER, 10);
    identifier(o, CAPABILITY);
    identifier(o, EXTENSION);
    identifier(o, ("Comparison method record", "比較方法レコード"));
}

/// Incoming calls: a name of X bytes, then 28.
pub(crate) fn ici(o: &mut Out<'_>) {
    let len = o.rest().len().saturating_sub(28);
    call(o, len);
    o.choice(
        ("Status", "状態"),
        &[(0, "answered", "応答"), (1, "not answered", "不応答"), (0xFF, "not set", "未設定")],
    );
    o.raw(("Link to the phone book", "電話帳へのリンク"), 3);
}

/// Outgoing calls: a name of X bytes, then 27.
pub(crate) fn oci(o: &mut Out<'_>) {
    let len = o.rest().len().saturating_sub(27);
    call(o, len);
    o.raw(("Link to the phone book", "電話帳へのリンク"), 3);
}

fn call(o: &mut Out<'_>, len: usize) {
    alpha(o, NAME, len);
    dialling(o, NUMBER, 10);
    identifier(o, CAPABILITY);
    identifier(o, EXTENSION);
    o.field(("Date and time", "日時"), 7, date);
    o.number(("Duration (s)", "通話時間 (秒)"), 3);
}

/// Year to second in swapped digits, then quarters of an hour from UTC (3GPP TS 23.040 §9.2.3.11).
pub(super) fn date(bytes: &[u8]) -> Value {
    let [year, month, day, hour, minute, second, zone] = *bytes else { return Value::Empty };
    if bytes.iter().all(|byte| matches!(byte, 0xFF)) {
        return Value::Empty;
    }
    let two = |byte: u8| (byte & 0x0F) * 10 + (byte >> 4);
    let fields = [year, month, day, hour, minute, second];
    if fields.iter().any(|byte| byte & 0x0F > 9 || byte >> 4 > 9) {
        return Value::Wrong(("not the digits of a date", "日時の数字ではありません").into());
    }
    let [year, month, day, hour, minute, second] = fields.map(two);
    // The sign is bit 4 of the first digit.
    let quarters = u16::from(zone & 0x07) * 10 + u16::from(zone >> 4);
    let sign = if zone & 0x08 == 0 { '+' } else { '-' };
    let (hours, minutes) = (quarters / 4, quarters % 4 * 15);
    Value::Text(format!(
        "20{year:02}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {sign}{hours:02}:{minutes:02}"
    ))
}

/// Extension: type, eleven bytes, the next record.
pub(crate) fn ext(o: &mut Out<'_>) {
    o.choice(
        ("Type", "種別"),
        &[
            (0, "free", "空き"),
            (1, "subaddress", "サブアドレス"),
            (2, "more digits", "番号の続き"),
            (0xFF, "not set", "未設定"),
        ],
    );
    o.raw(("Extension data", "拡張データ"), 11);
    identifier(o, ("Next record", "次のレコード"));
}

pub(crate) fn cmi(o: &mut Out<'_>) {
    let len = o.rest().len().saturating_sub(1);
    alpha(o, NAME, len);
    identifier(o, ("Comparison method", "比較方法"));
}

const MAILBOXES: [(&str, &str); 5] = [
    ("voice mail", "音声"),
    ("fax", "FAX"),
    ("e-mail", "電子メール"),
    ("other", "その他"),
    ("video mail", "ビデオ"),
];

/// Which record of EF.MBDN is for what; video mail came later.
pub(crate) fn mbi(o: &mut Out<'_>) {
    for name in MAILBOXES.into_iter().take(o.rest().len().max(4)) {
        o.number(name, 1);
    }
}

pub(crate) fn mwis(o: &mut Out<'_>) {
    let names = MAILBOXES;
    let flags: Vec<(usize, &'static str, &'static str)> =
        names.into_iter().enumerate().map(|(bit, (en, ja))| (bit, en, ja)).collect();
    o.flags(("Messages wait", "待機中"), 1, &flags);
    for name in names.into_iter().take(o.rest().len().max(4)) {
        o.number(name, 1);
    }
}

pub(crate) fn cfis(o: &mut Out<'_>) {
    o.number(("Subscriber profile", "加入者プロファイル"), 1);
    o.flags(
        ("Unconditional forwarding", "無条件転送"),
        1,
        &[(0, "voice", "音声"), (1, "fax", "FAX"), (2, "data", "データ")],
    );
    dialling(o, NUMBER, 10);
    identifier(o, CAPABILITY);
    identifier(o, EXTENSION);
}

/// The files of the phone book: `A8`, `A9`, `AA` { kind { FID, SFI } … }.
pub(crate) fn pbr(o: &mut Out<'_>) {
    o.objects(|o, tag, len| {
        let name = match tag {
            0xA8 => ("Files, record by record", "レコードごとに対応するファイル"),
            0xA9 => ("Files, by index", "索引で対応するファイル"),
            0xAA => ("Files, by pointer", "ポインターで対応するファイル"),
            _ => return o.unknown(tag, len),
        };
        o.group(name, len, |o| {
            o.objects(|o, tag, len| {
                let Some(name) = super::phonebook_file(tag) else { return o.unknown(tag, len) };
                o.raw(name, len);
            });
            Value::Group
        });
    });
}

/// A count, then pictures: width, height, coding, file, offset, length (§4.6.1.1).
pub(crate) fn img(o: &mut Out<'_>) {
    let count = o.rest().first().copied().unwrap_or(0);
    o.number(("Number of pictures", "画像の数"), 1);
    for index in 1..=count {
        if o.rest().len() < 9 {
            return;
        }
        let name = words::text!("Picture {index}", "画像 {index}");
        o.group(name, 9, |o| {
            o.number(("Width", "幅"), 1);
            o.number(("Height", "高さ"), 1);
            o.choice(
                ("Coding", "符号化"),
                &[
                    (0x11, "black and white", "白黒"),
                    (0x21, "colour", "カラー"),
                    (0x22, "colour, transparent", "カラー (透過)"),
                ],
            );
            o.raw(("File", "ファイル"), 2);
            o.number(("Offset", "位置"), 2);
            o.number(("Length", "長さ"), 2);
            Value::Group
        });
    }
}
