//! One function for each kind of content; the table names them.

use tlv::Tag;

pub(crate) use super::lists::*;
pub(crate) use super::messages::*;
pub(crate) use super::records::*;
use crate::access::Rules;
use crate::content::{Label, Node, Out, Value, blank, choice, number as integer};
use crate::numbers::{self, bcd};
use crate::services;

use super::text_or_wrong;

/// Bytes, and their text where all of them are letters.
pub(crate) fn raw(o: &mut Out<'_>) {
    let bytes = o.rest();
    let end = bytes.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
    let printable = end >= 2 && bytes[..end].iter().all(|byte| (0x20..0x7F).contains(byte));
    if printable {
        o.field(("Text", "文字列"), end, |bytes| Value::Text(String::from_utf8_lossy(bytes).into_owned()));
    } else {
        o.raw(("Content", "内容"), bytes.len());
    }
}

/// One number.
pub(crate) fn number(o: &mut Out<'_>) {
    let len = o.rest().len();
    if len > 8 {
        return raw(o);
    }
    o.field(("Value", "値"), len, |bytes| blank(bytes).unwrap_or_else(|| Value::Number(integer(bytes))));
}

/// All of it a key.
pub(crate) fn secret(o: &mut Out<'_>) {
    o.secret(("Key", "鍵"), o.rest().len());
}

/// Services by number, without names.
pub(crate) fn bits(o: &mut Out<'_>) {
    table(o, &[]);
}

/// Data objects by tag, whatever they are.
pub(crate) fn tlvs(o: &mut Out<'_>) {
    o.objects(|o, tag, len| {
        if Tag(tag).is_constructed() {
            o.group(format!("{}", Tag(tag)), len, |o| {
                tlvs(o);
                Value::Group
            });
        } else {
            o.unknown(tag, len);
        }
    });
}

pub(crate) fn iccid(o: &mut Out<'_>) {
    o.group("ICCID", 10, |o| {
        let digits = bcd(o.rest());
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            o.wrong("ICCID", ("not digits", "数字ではありません"));
            return Value::Group;
        }
        let range = o.here()..o.here() + 10;
        let right = luhn(&digits);
        let check: Label =
            if right { ("right", "正しい").into() } else { ("does not fit", "一致しません").into() };
        let name = ("Check digit (Luhn)", "チェックディジット (Luhn)").into();
        o.push(Node { name, value: Value::Words(check), range, parts: Vec::new() });
        Value::Text(digits)
    });
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

pub(crate) fn imsi(o: &mut Out<'_>) {
    o.group("IMSI", 9, |o| {
        let Some((&len, identity)) = o.rest().split_first() else { return Value::Group };
        if !(1..=8).contains(&len) {
            o.wrong(("Length", "長さ"), ("must be 1 to 8", "1〜8 でなければなりません"));
            return Value::Group;
        }
        let identity = &identity[..usize::from(len)];
        let odd = identity[0] & 0x08 != 0;
        let halves: Vec<u8> = identity.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]).skip(1).collect();
        let count = halves.len() - usize::from(!odd);
        let digits = &halves[..count];
        if identity[0] & 0x07 != 1 || digits.iter().any(|digit| *digit > 9) || count < 6 {
            o.wrong("IMSI", ("not the digits of an IMSI", "IMSI の数字ではありません"));
            return Value::Group;
        }
        let text: String = digits.iter().map(|digit| (b'0' + digit) as char).collect();
        let base = o.here();
        let mut parts = vec![("MCC", 0, 3)];
        if let Some(mnc) = o.mnc {
            let end = 3 + usize::from(mnc);
            parts.extend([("MNC", 3, end), ("MSIN", end, count)]);
        }
        for (name, from, to) in parts {
            // Two digits in a byte, the first one behind the parity.
            let range = base + 1 + from.div_ceil(2)..base + 2 + to / 2;
            let value = Value::Text(text.get(from..to).unwrap_or_default().to_owned());
            o.push(Node { name: name.into(), value, range, parts: Vec::new() });
        }
        Value::Text(text)
    });
}

pub(crate) fn languages(o: &mut Out<'_>) {
    o.items("Language", 2, |o| {
        let bytes = o.rest();
        blank(bytes).unwrap_or_else(|| Value::Text(numbers::gsm(bytes)))
    });
}

/// Language by the coding scheme of cell broadcasts (3GPP TS 23.038 §5).
pub(crate) fn lp(o: &mut Out<'_>) {
    o.items("Language", 1, |o| {
        const NAMES: [(u8, &str, &str); 15] = [
            (0x00, "German", "ドイツ語"),
            (0x01, "English", "英語"),
            (0x02, "Italian", "イタリア語"),
            (0x03, "French", "フランス語"),
            (0x04, "Spanish", "スペイン語"),
            (0x05, "Dutch", "オランダ語"),
            (0x06, "Swedish", "スウェーデン語"),
            (0x07, "Danish", "デンマーク語"),
            (0x08, "Portuguese", "ポルトガル語"),
            (0x09, "Finnish", "フィンランド語"),
            (0x0A, "Norwegian", "ノルウェー語"),
            (0x0B, "Greek", "ギリシャ語"),
            (0x0C, "Turkish", "トルコ語"),
            (0x0F, "unspecified", "指定なし"),
            (0xFF, "not set", "未設定"),
        ];
        choice(o.rest().first().copied().unwrap_or(0xFF), &NAMES)
    });
}

pub(crate) fn dir(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x61 => o.group(("Application", "アプリケーション"), len, |o| {
            o.objects(|o, tag, len| match tag {
                0x4F => o.raw("AID", len),
                0x50 => o.field(("Label", "名称"), len, |bytes| {
                    Value::Text(String::from_utf8_lossy(bytes).into_owned())
                }),
                0x51 => o.raw(("Path", "パス"), len),
                0x73 => o.group(("Discretionary data", "任意データ"), len, |o| {
                    tlvs(o);
                    Value::Group
                }),
                _ => o.unknown(tag, len),
            });
            Value::Group
        }),
        _ => o.unknown(tag, len),
    });
}

/// A record of EF.ARR: what is said of files. (Of directories the same bits mean other things.)
pub(crate) fn arr(o: &mut Out<'_>) {
    let bytes = o.rest();
    let base = o.here();
    let Ok(rules) = Rules::expanded(bytes, false) else {
        o.wrong(("Access rules", "アクセス規則"), ("not data objects", "データオブジェクトではありません"));
        return;
    };
    let mut end = 0;
    for rule in rules.0 {
        let words: Vec<_> = rule.operations.iter().map(|operation| operation.words()).collect();
        let join =
            |pick: fn(&words::Text<String>) -> &str| words.iter().map(pick).collect::<Vec<_>>().join(", ");
        let name = words::Text { en: join(|text| &text.en), ja: join(|text| &text.ja) };
        end = rule.range.end;
        o.push(Node {
            name: name.into(),
            value: Value::Words(rule.condition.words().into()),
            range: base + rule.range.start..base + rule.range.end,
            parts: Vec::new(),
        });
    }
    o.skip(end);
}

pub(crate) fn umpc(o: &mut Out<'_>) {
    o.number(("Most current (mA)", "最大電流 (mA)"), 1);
    o.field(("Time for application start (s)", "起動時間 (s)"), 1, |bytes| {
        blank(bytes).unwrap_or_else(|| Value::Number(integer(bytes)))
    });
    o.flags(
        ("Additional information", "追加情報"),
        1,
        &[(0, "increased idle current", "アイドル電流の増加"), (1, "UICC suspension", "UICC サスペンド")],
    );
}

pub(crate) fn keys(o: &mut Out<'_>) {
    o.field("KSI", 1, |bytes| match bytes {
        [0x07] => Value::Words(("no key", "鍵なし").into()),
        _ => Value::Number(integer(bytes)),
    });
    o.secret("CK", 16);
    o.secret("IK", 16);
}

pub(crate) fn kc(o: &mut Out<'_>) {
    o.secret("Kc", 8);
    o.field("CKSN", 1, |bytes| match bytes {
        [0x07] => Value::Words(("no key", "鍵なし").into()),
        _ => Value::Number(integer(bytes)),
    });
}

pub(crate) fn hpplmn(o: &mut Out<'_>) {
    o.field(("Search period", "探索周期"), 1, |bytes| match bytes {
        [0] => Value::Words(("no search", "探索なし").into()),
        [n] => {
            // In steps of six minutes to 80 hours (3GPP TS 22.011).
            let minutes = u32::from(*n) * 6;
            Value::Words(words::text!("{n} × 6 min = {minutes} min", "{n} × 6 分 = {minutes} 分").into())
        }
        _ => Value::Empty,
    });
}

fn table(o: &mut Out<'_>, names: &[&'static str]) {
    let bytes = o.rest();
    let base = o.here();
    for (index, byte) in bytes.iter().enumerate() {
        for bit in 0..8 {
            let number = index * 8 + bit;
            let name = match names.get(number) {
                Some(name) => format!("{}: {name}", number + 1),
                None => (number + 1).to_string(),
            };
            // Beyond the names only what is on is worth a line.
            let on = byte >> bit & 1 == 1;
            if on || number < names.len() || names.is_empty() {
                o.push(Node {
                    name: name.into(),
                    value: Value::Flag(on),
                    range: base + index..base + index + 1,
                    parts: Vec::new(),
                });
            }
        }
    }
    o.skip(bytes.len());
}

pub(crate) fn ust(o: &mut Out<'_>) {
    table(o, &services::USIM);
}

pub(crate) fn ist(o: &mut Out<'_>) {
    table(o, &services::ISIM);
}

pub(crate) fn est(o: &mut Out<'_>) {
    o.flags(
        ("Enabled services", "有効化サービス"),
        1,
        &[
            (0, "Fixed Dialling Numbers (FDN)", "発信先固定 (FDN)"),
            (1, "Barred Dialling Numbers (BDN)", "発信禁止 (BDN)"),
            (2, "APN Control List (ACL)", "APN 制限 (ACL)"),
        ],
    );
}

const MODES: [(u8, &str, &str); 6] = [
    (0x00, "normal", "通常"),
    (0x80, "type approval", "型式認証"),
    (0x01, "normal and specific facilities", "通常+特定機能"),
    (0x81, "type approval and specific facilities", "型式認証+特定機能"),
    (0x02, "maintenance (off line)", "保守 (オフライン)"),
    (0x04, "cell test", "セル試験"),
];

pub(crate) fn ad(o: &mut Out<'_>) {
    o.choice(("Operation mode", "動作モード"), &MODES);
    o.flags(
        ("Additional information", "追加情報"),
        2,
        &[
            (0, "ciphering indicator", "暗号化表示"),
            (1, "CSG display control", "CSG 表示制御"),
            (2, "ProSe services", "近接サービス"),
            (3, "extended DRX", "拡張 DRX"),
        ],
    );
    mnc_len(o);
}

pub(crate) fn gsm_ad(o: &mut Out<'_>) {
    o.choice(("Operation mode", "動作モード"), &MODES);
    o.flags(("Additional information", "追加情報"), 2, &[(0, "ciphering indicator", "暗号化表示")]);
    mnc_len(o);
}

/// Not in an ISIM, and not in old SIMs.
fn mnc_len(o: &mut Out<'_>) {
    if !o.is_done() {
        o.field(("Length of MNC", "MNC の桁数"), 1, |bytes| {
            let len = integer(bytes) & 0x0F;
            if len == 2 || len == 3 {
                Value::Number(len)
            } else {
                Value::Wrong(("must be 2 or 3", "2 または 3 でなければなりません").into())
            }
        });
    }
}

pub(crate) fn spn(o: &mut Out<'_>) {
    o.flags(
        ("Display condition", "表示条件"),
        1,
        &[
            (0, "show the network in the home network", "ホーム網でネットワーク名を表示"),
            (1, "hide the operator's name elsewhere", "ホーム網以外で事業者名を隠す"),
        ],
    );
    alpha(o, ("Operator name", "事業者名"), o.rest().len());
}

/// An alpha identifier.
pub(super) fn alpha(o: &mut Out<'_>, name: impl Into<Label>, len: usize) {
    if len > 0 {
        o.field(name, len, |bytes| text_or_wrong(numbers::alpha(bytes)));
    }
}

/// A record that is a text.
pub(crate) fn alpha_record(o: &mut Out<'_>) {
    alpha(o, ("Text", "文字列"), o.rest().len());
}

pub(crate) fn acc(o: &mut Out<'_>) {
    o.group(("Access classes", "アクセスクラス"), 2, |o| {
        let bits = integer(o.rest());
        let base = o.here();
        for class in 0..16 {
            o.push(Node {
                name: words::text!("class {class}", "クラス {class}").into(),
                value: Value::Flag(bits >> class & 1 == 1),
                range: base + 1 - class / 8..base + 2 - class / 8,
                parts: Vec::new(),
            });
        }
        let on: Vec<String> =
            (0..16).filter(|class| bits >> class & 1 == 1).map(|class| class.to_string()).collect();
        if on.is_empty() { Value::Empty } else { Value::Text(on.join(", ")) }
    });
}

pub(crate) fn start_hfn(o: &mut Out<'_>) {
    o.number(("START, circuit switched", "START (回線交換)"), 3);
    o.number(("START, packet switched", "START (パケット)"), 3);
}

pub(crate) fn puct(o: &mut Out<'_>) {
    o.field(("Currency", "通貨"), 3, |bytes| {
        blank(bytes).unwrap_or_else(|| Value::Text(numbers::gsm(bytes)))
    });
    o.raw(("Price per unit", "単位あたりの価格"), 2);
}

pub(crate) fn emlpp(o: &mut Out<'_>) {
    levels(o, ("Priority levels", "優先度"));
    levels(o, ("Fast call set-up", "高速接続"));
}

pub(crate) fn aaem(o: &mut Out<'_>) {
    levels(o, ("Levels answered automatically", "自動応答する優先度"));
}

fn levels(o: &mut Out<'_>, name: (&'static str, &'static str)) {
    const LEVELS: [(usize, &str, &str); 7] = [
        (0, "level A", "レベル A"),
        (1, "level B", "レベル B"),
        (2, "level 0", "レベル 0"),
        (3, "level 1", "レベル 1"),
        (4, "level 2", "レベル 2"),
        (5, "level 3", "レベル 3"),
        (6, "level 4", "レベル 4"),
    ];
    o.flags(name, 1, &LEVELS);
}

pub(crate) fn vgcs(o: &mut Out<'_>) {
    o.items("Group", 4, |o| {
        let digits = bcd(o.rest());
        if digits.is_empty() { Value::Empty } else { Value::Text(digits) }
    });
}

pub(crate) fn vgcss(o: &mut Out<'_>) {
    table(o, &[]);
}

pub(crate) fn ehplmnpi(o: &mut Out<'_>) {
    o.choice(
        ("Presentation", "表示方法"),
        &[
            (0, "no preference", "指定なし"),
            (1, "only the one of highest priority", "最優先のものだけ表示"),
            (2, "all of them", "すべて表示"),
        ],
    );
}

pub(crate) fn lrplmnsi(o: &mut Out<'_>) {
    o.choice(
        ("First tried", "最初に選択"),
        &[
            (0, "the network used last", "最後に使ったネットワーク"),
            (1, "the home network", "ホームネットワーク"),
        ],
    );
}

pub(crate) fn invscan(o: &mut Out<'_>) {
    o.flags(
        ("Investigation scan", "探索"),
        1,
        &[(0, "in limited service", "制限サービス中"), (1, "after a successful search", "選択成功後")],
    );
}

pub(crate) fn from_preferred(o: &mut Out<'_>) {
    o.flags(("From header", "From ヘッダー"), 1, &[(0, "preferred", "優先")]);
}

pub(crate) fn eaka(o: &mut Out<'_>) {
    o.flags(("Enhanced AKA", "拡張 AKA"), 1, &[(0, "enhanced SQN calculation", "SQN 計算の拡張")]);
}

pub(crate) fn pws(o: &mut Out<'_>) {
    o.flags(
        ("Public warnings", "緊急警報"),
        1,
        &[
            (0, "ignore in the home network and equivalent ones", "ホーム網と同等網で無視"),
            (1, "ignore in visited networks", "訪問先網で無視"),
        ],
    );
}

pub(crate) fn uac(o: &mut Out<'_>) {
    o.flags(
        ("Access identities", "アクセス識別"),
        1,
        &[
            (0, "multimedia priority service (1)", "マルチメディア優先サービス (1)"),
            (1, "mission critical services (2)", "ミッションクリティカルサービス (2)"),
        ],
    );
}

pub(crate) fn routing(o: &mut Out<'_>) {
    o.field(("Routing indicator", "ルーティング表示子"), 2, |bytes| {
        let digits = bcd(bytes);
        if digits.is_empty() { Value::Empty } else { Value::Text(digits) }
    });
}

pub(crate) fn gbabp(o: &mut Out<'_>) {
    for name in [("RAND", "RAND"), ("B-TID", "B-TID"), ("Key lifetime", "鍵の有効期間")] {
        let Some(&len) = o.rest().first() else { return };
        if len == 0xFF {
            return;
        }
        o.skip(1);
        o.field(name, usize::from(len), |bytes| {
            let text = bytes.iter().all(|byte| (0x20..0x7F).contains(byte)) && !bytes.is_empty();
            if text {
                Value::Text(String::from_utf8_lossy(bytes).into_owned())
            } else {
                Value::Bytes(bytes.to_vec())
            }
        });
    }
}
