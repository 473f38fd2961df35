//! Networks: lists of them, where the phone was, and security contexts.

use crate::content::{Label, Out, Value, blank, number as integer};
use crate::numbers::{self, bcd};

use super::files::{alpha, tlvs};
use super::text_or_wrong;

/// A network, `262-01`.
pub(super) fn plmn(o: &mut Out<'_>, name: impl Into<Label>) {
    o.field(name, 3, plmn_value);
}

fn plmn_value(bytes: &[u8]) -> Value {
    match numbers::plmn(bytes) {
        Some(plmn) => Value::Text(plmn),
        None if bytes.iter().all(|byte| *byte == 0xFF) => Value::Empty,
        None => Value::Bytes(bytes.to_vec()),
    }
}

pub(crate) fn plmns(o: &mut Out<'_>) {
    o.items("PLMN", 3, |o| plmn_value(o.rest()));
}

/// Access technologies of a preferred network (3GPP TS 31.102 §4.2.5).
fn technologies(act: u16) -> Vec<&'static str> {
    let mut list = Vec::new();
    if act & 0x8000 != 0 {
        list.push("UTRAN");
    }
    if act & 0x4000 != 0 {
        // Bits 6 and 5: which mode; neither is both.
        if act & 0x3000 != 0x1000 {
            list.push("E-UTRAN WB-S1");
        }
        if act & 0x3000 != 0x2000 {
            list.push("E-UTRAN NB-S1");
        }
    }
    if act & 0x0800 != 0 {
        list.push("NG-RAN");
    }
    if act & 0x0400 != 0 {
        list.push("satellite NG-RAN");
    }
    if act & 0x0080 != 0 {
        // Bits 4 and 3: which of the two; neither is both.
        if act & 0x000C != 0x0008 {
            list.push("GSM");
        }
        if act & 0x000C != 0x0004 {
            list.push("EC-GSM-IoT");
        }
    }
    if act & 0x0040 != 0 {
        list.push("GSM COMPACT");
    }
    if act & 0x0020 != 0 {
        list.push("cdma2000 HRPD");
    }
    if act & 0x0010 != 0 {
        list.push("cdma2000 1xRTT");
    }
    list
}

pub(crate) fn plmn_act(o: &mut Out<'_>) {
    o.items("PLMN", 5, |o| {
        let (network, _) = o.rest().split_at(3);
        let shown = plmn_value(network);
        if shown == Value::Empty {
            return Value::Empty;
        }
        plmn(o, "PLMN");
        o.field(("Access technologies", "無線方式"), 2, |bytes| {
            let list = technologies(integer(bytes) as u16);
            if list.is_empty() {
                Value::Words(("none given", "指定なし").into())
            } else {
                Value::Text(list.join(", "))
            }
        });
        shown
    });
}

const UPDATED: [(u8, &str, &str); 4] = [
    (0, "updated", "登録済み"),
    (1, "not updated", "未登録"),
    (2, "network not allowed", "使用禁止ネットワーク"),
    (3, "area not allowed", "使用禁止エリア"),
];

const ROAMING: [(u8, &str, &str); 3] =
    [(0, "updated", "登録済み"), (1, "not updated", "未登録"), (2, "roaming not allowed", "ローミング不可")];

fn lai(o: &mut Out<'_>) {
    o.group(("Location area", "位置登録エリア"), 5, |o| {
        plmn(o, "PLMN");
        o.raw("LAC", 2);
        Value::Group
    });
}

pub(crate) fn loci(o: &mut Out<'_>) {
    o.raw("TMSI", 4);
    lai(o);
    o.raw("RFU", 1);
    o.choice(("Status", "状態"), &UPDATED);
}

pub(crate) fn gsm_loci(o: &mut Out<'_>) {
    o.raw("TMSI", 4);
    lai(o);
    o.raw(("TMSI time", "TMSI 時間"), 1);
    o.choice(("Status", "状態"), &UPDATED);
}

pub(crate) fn psloci(o: &mut Out<'_>) {
    o.raw("P-TMSI", 4);
    o.raw(("P-TMSI signature", "P-TMSI 署名"), 3);
    o.group(("Routing area", "ルーティングエリア"), 6, |o| {
        plmn(o, "PLMN");
        o.raw("LAC", 2);
        o.raw("RAC", 1);
        Value::Group
    });
    o.choice(("Status", "状態"), &UPDATED);
}

pub(crate) fn epsloci(o: &mut Out<'_>) {
    o.group("GUTI", 12, |o| {
        if let Some(empty) = blank(o.rest()) {
            return empty;
        }
        o.raw(("Length and type", "長さと種別"), 2);
        plmn(o, "PLMN");
        o.raw(("MME group", "MME グループ"), 2);
        o.raw(("MME code", "MME コード"), 1);
        o.raw("M-TMSI", 4);
        Value::Group
    });
    o.group(("Tracking area", "トラッキングエリア"), 5, |o| {
        plmn(o, "PLMN");
        o.raw("TAC", 2);
        Value::Group
    });
    o.choice(("Status", "状態"), &ROAMING);
}

pub(crate) fn loci_5gs(o: &mut Out<'_>) {
    o.group("5G-GUTI", 13, |o| {
        if let Some(empty) = blank(o.rest()) {
            return empty;
        }
        o.raw(("Length and type", "長さと種別"), 3);
        plmn(o, "PLMN");
        o.raw(("AMF region", "AMF リージョン"), 1);
        o.raw(("AMF set and pointer", "AMF セットとポインター"), 2);
        o.raw("5G-TMSI", 4);
        Value::Group
    });
    o.group(("Tracking area", "トラッキングエリア"), 6, |o| {
        plmn(o, "PLMN");
        o.raw("TAC", 3);
        Value::Group
    });
    o.choice(("Status", "状態"), &ROAMING);
}

/// The NAS security context of EPS and of 5GS: `A0 { … }`.
pub(crate) fn nsc(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0xA0 => o.group(("Security context", "セキュリティコンテキスト"), len, |o| {
            o.objects(|o, tag, len| match tag {
                0x80 => o.number(("Key set identifier", "鍵セット識別子"), len),
                0x81 => o.secret(("Key (K_ASME, K_AMF)", "鍵 (K_ASME, K_AMF)"), len),
                0x82 => o.number(("Uplink NAS count", "上り NAS カウント"), len),
                0x83 => o.number(("Downlink NAS count", "下り NAS カウント"), len),
                0x84 => algorithms(o, ("NAS algorithms", "NAS アルゴリズム"), len),
                0x85 => algorithms(o, ("EPS algorithms", "EPS アルゴリズム"), len),
                _ => o.unknown(tag, len),
            });
            Value::Group
        }),
        _ => o.unknown(tag, len),
    });
}

/// Ciphering in the high half byte, integrity in the low one.
fn algorithms(o: &mut Out<'_>, name: (&'static str, &'static str), len: usize) {
    o.field(name, len, |bytes| match bytes {
        [byte] => {
            let (ciphering, integrity) = (byte >> 4 & 7, byte & 7);
            Value::Words(
                words::text!(
                    "ciphering {ciphering}, integrity {integrity}",
                    "暗号化 {ciphering}、完全性 {integrity}"
                )
                .into(),
            )
        }
        _ => Value::Wrong(("must be one byte", "1 バイトでなければなりません").into()),
    });
}

pub(crate) fn auth_keys(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x80 => o.secret("K_AUSF", len),
        0x81 => o.secret("K_SEAF", len),
        0x82 => o.number(("SOR counter", "SOR カウンター"), len),
        0x83 => o.number(("UE parameters update counter", "UPU カウンター"), len),
        _ => o.unknown(tag, len),
    });
}

/// `A0 { scheme, key index … } A1 { 80 identifier, 81 public key … }` (§4.4.11.8).
pub(crate) fn suci(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0xA0 => o.group(("Protection schemes, best first", "保護方式 (優先順)"), len, |o| {
            o.items("Scheme", 2, |o| {
                o.choice(
                    ("Scheme", "方式"),
                    &[
                        (0, "null: the identity is not hidden", "null: 秘匿なし"),
                        (1, "profile A (X25519)", "プロファイル A (X25519)"),
                        (2, "profile B (P-256)", "プロファイル B (P-256)"),
                    ],
                );
                o.number(("Key in the list, 0 for none", "鍵の順番 (0 はなし)"), 1);
                Value::Group
            });
            Value::Group
        }),
        0xA1 => o.group(("Home network public keys", "ホーム網の公開鍵"), len, |o| {
            o.objects(|o, tag, len| match tag {
                0x80 => o.number(("Key identifier", "鍵識別子"), len),
                0x81 => o.raw(("Public key", "公開鍵"), len),
                _ => o.unknown(tag, len),
            });
            Value::Group
        }),
        _ => o.unknown(tag, len),
    });
}

pub(crate) fn supi_nai(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x80 => utf8(o, "NSI", len),
        0x81 => utf8(o, "GLI", len),
        0x82 => utf8(o, "GCI", len),
        _ => o.unknown(tag, len),
    });
}

fn utf8(o: &mut Out<'_>, name: impl Into<Label>, len: usize) {
    o.field(name, len, |bytes| match core::str::from_utf8(bytes) {
        Ok("") => Value::Empty,
        Ok(text) => Value::Text(text.to_owned()),
        Err(_) => Value::Wrong(("not UTF-8", "UTF-8 ではありません").into()),
    });
}

/// `80 LL` and a text: identities, addresses.
pub(crate) fn uri(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x80 => utf8(o, ("Address", "アドレス"), len),
        _ => o.unknown(tag, len),
    });
}

fn host(bytes: &[u8]) -> Value {
    let text = match bytes {
        [0, name @ ..] => match core::str::from_utf8(name) {
            Ok(name) => name.to_owned(),
            Err(_) => return Value::Wrong(("not UTF-8", "UTF-8 ではありません").into()),
        },
        [1, address @ ..] if address.len() == 4 => {
            address.iter().map(u8::to_string).collect::<Vec<_>>().join(".")
        }
        [2, address @ ..] => match <[u8; 16]>::try_from(address) {
            Ok(address) => core::net::Ipv6Addr::from(address).to_string(),
            Err(_) => return Value::Wrong(("must be 16 bytes", "16 バイトでなければなりません").into()),
        },
        _ => return Value::Wrong(("no kind of address", "アドレスの種別が不明です").into()),
    };
    Value::Text(text)
}

/// `80 LL`, kind (name, IPv4, IPv6), address.
pub(crate) fn address(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x80 => o.field(("Address", "アドレス"), len, host),
        _ => o.unknown(tag, len),
    });
}

pub(crate) fn epdg_id(o: &mut Out<'_>) {
    address(o);
}

pub(crate) fn epdg_selection(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x80 => o.group(("Selection", "選択情報"), len, |o| {
            o.items("Network", 6, |o| {
                plmn(o, "PLMN");
                o.number(("Priority", "優先度"), 2);
                o.choice(
                    ("Name", "名前の形式"),
                    &[(0, "by the operator", "事業者による"), (1, "by the location", "位置による")],
                );
                Value::Group
            });
            Value::Group
        }),
        _ => o.unknown(tag, len),
    });
}

pub(crate) fn earfcn(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0xA0 => o.group("EARFCN", len, |o| {
            o.objects(|o, tag, len| match tag {
                0x80 => o.number("EARFCN", len),
                0x81 => o.group(("Geographical area", "地理的エリア"), len, |o| {
                    o.items("Point", 6, |o| {
                        o.number(("Latitude", "緯度"), 3);
                        o.number(("Longitude", "経度"), 3);
                        Value::Group
                    });
                    Value::Group
                }),
                _ => o.unknown(tag, len),
            });
            Value::Group
        }),
        _ => o.unknown(tag, len),
    });
}

pub(crate) fn csg_list(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0xA0 => o.group(("CSG list", "CSG 一覧"), len, |o| {
            o.objects(|o, tag, len| match (tag, len) {
                (0x80, 3) => plmn(o, "PLMN"),
                (0x81, 6) => o.group(("CSG information", "CSG 情報"), len, |o| {
                    o.choice(("CSG type", "CSG 種別"), &[(0, "from other sources", "他の情報による")]);
                    o.choice(("HNB name", "HNB 名"), &[(0, "from other sources", "他の情報による")]);
                    // 27 bits, then 5 that are not used.
                    o.field("CSG ID", 4, |bytes| Value::Number(integer(bytes) >> 5));
                    Value::Group
                }),
                (0x82, 1) => o.choice(
                    ("Display", "表示"),
                    &[(0, "all CSGs", "すべての CSG"), (1, "only those of this list", "この一覧の CSG のみ")],
                ),
                _ => o.unknown(tag, len),
            });
            Value::Group
        }),
        _ => o.unknown(tag, len),
    });
}

pub(crate) fn csg_type(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x89 => alpha(o, ("Text", "文字列"), len),
        0x80 => utf8(o, ("Graphics (URI)", "画像 (URI)"), len),
        0x81 => o.number(("Graphics (record of EF.IMG)", "画像 (EF.IMG のレコード)"), len),
        _ => o.unknown(tag, len),
    });
}

pub(crate) fn hnb_name(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x80 => alpha(o, ("Name", "名前"), len),
        _ => o.unknown(tag, len),
    });
}

pub(crate) fn spdi(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0xA3 => o.group(("Display information", "表示情報"), len, |o| {
            o.objects(|o, tag, len| match tag {
                0x80 => o.group(("Networks", "ネットワーク"), len, |o| {
                    plmns(o);
                    Value::Group
                }),
                _ => o.unknown(tag, len),
            });
            Value::Group
        }),
        _ => o.unknown(tag, len),
    });
}

/// `43` full name, `45` short name, as network names of 3GPP TS 24.008 §10.5.3.5a.
pub(crate) fn pnn(o: &mut Out<'_>) {
    o.objects(|o, tag, len| match tag {
        0x43 => o.field(("Full name", "正式名"), len, network_name),
        0x45 => o.field(("Short name", "略称"), len, network_name),
        0x80 => o.raw(("Additional information", "追加情報"), len),
        _ => o.unknown(tag, len),
    });
}

fn network_name(bytes: &[u8]) -> Value {
    match bytes.split_first() {
        Some((coding, name)) => match coding >> 4 & 7 {
            0 => {
                let spare = usize::from(coding & 7);
                let count = (name.len() * 8).saturating_sub(spare) / 7;
                text_or_wrong(Some(numbers::gsm_packed(name, count, 0)))
            }
            1 => text_or_wrong(Some(numbers::ucs2(name))),
            _ => Value::Bytes(bytes.to_vec()),
        },
        None => Value::Empty,
    }
}

/// A network with wild digits (`D`), areas from and to, a name of EF.PNN.
pub(crate) fn opl(o: &mut Out<'_>) {
    wild_plmn(o);
    o.raw(("First area", "最初のエリア"), 2);
    o.raw(("Last area", "最後のエリア"), 2);
    pnn_record(o);
}

pub(crate) fn opl_5g(o: &mut Out<'_>) {
    wild_plmn(o);
    o.raw(("First area", "最初のエリア"), 3);
    o.raw(("Last area", "最後のエリア"), 3);
    pnn_record(o);
}

fn pnn_record(o: &mut Out<'_>) {
    o.field(("Record of EF.PNN", "EF.PNN のレコード"), 1, |bytes| match bytes {
        [0] => Value::Words(("name from elsewhere", "他の情報による").into()),
        _ => Value::Number(integer(bytes)),
    });
}

fn wild_plmn(o: &mut Out<'_>) {
    o.field("PLMN", 3, |bytes| {
        let wild = |half: u8| match half {
            0..=9 => (b'0' + half) as char,
            0xD => '?',
            _ => ' ',
        };
        match (numbers::plmn(bytes), bytes) {
            (Some(plmn), _) => Value::Text(plmn),
            (None, [a, b, c]) if bytes != [0xFF; 3] => {
                let mcc = [a & 0x0F, a >> 4, b & 0x0F].map(wild);
                let mnc = [c & 0x0F, c >> 4, b >> 4].map(wild);
                let text: String = mcc.into_iter().chain(['-']).chain(mnc).collect();
                Value::Text(text.trim().to_owned())
            }
            _ => Value::Empty,
        }
    });
}

/// Access points: a count, then `DD LL` labels (§4.2.48).
pub(crate) fn acl(o: &mut Out<'_>) {
    o.number(("Number of access points", "APN の数"), 1);
    o.objects(|o, tag, len| match tag {
        0xDD => o.field("APN", len, |bytes| match bytes {
            [] => Value::Words(("the network's choice", "ネットワークに任せる").into()),
            _ => text_or_wrong(numbers::labels(bytes)),
        }),
        _ => o.unknown(tag, len),
    });
}

/// Cell broadcasts by number.
pub(crate) fn cbmi(o: &mut Out<'_>) {
    o.items("Message", 2, |o| {
        let bytes = o.rest();
        blank(bytes).unwrap_or_else(|| Value::Number(integer(bytes)))
    });
}

pub(crate) fn cbmir(o: &mut Out<'_>) {
    o.items("Range", 4, |o| {
        let (from, to) = o.rest().split_at(2);
        match blank(from) {
            Some(empty) => empty,
            None => Value::Text(format!("{}–{}", integer(from), integer(to))),
        }
    });
}

pub(crate) fn nasconfig(o: &mut Out<'_>) {
    o.objects(|o, tag, len| {
        let name = match tag {
            0x80 => ("NAS signalling priority", "NAS シグナリング優先度"),
            0x81 => ("Network mode of operation I behaviour", "NMO I 動作"),
            0x82 => ("Attach with IMSI", "IMSI による接続"),
            0x83 => ("Minimum periodic search timer", "最小探索周期"),
            0x84 => ("Extended access barring", "拡張アクセス規制"),
            0x85 => ("Timer T3245 behaviour", "T3245 動作"),
            0x86 => ("Override NAS signalling low priority", "低優先度の上書き"),
            0x87 => ("Override extended access barring", "拡張アクセス規制の上書き"),
            0x88 => ("Fast first higher priority PLMN search", "高速な優先網探索"),
            0x89 => ("E-UTRA disabling for EMM cause 15", "EMM 原因 15 での E-UTRA 無効化"),
            0x8A => ("SM retry wait time", "SM 再試行待ち時間"),
            0x8B => ("SM retry at RAT change", "RAT 変更時の SM 再試行"),
            0x8C => ("Default DCN ID", "既定 DCN ID"),
            0x8D => ("Exception data reporting", "例外データ報告"),
            _ => return o.unknown(tag, len),
        };
        if len <= 8 { o.number(name, len) } else { o.raw(name, len) }
    });
}

/// Cells by radio technology; the objects inside are shown as they are.
pub(crate) fn netpar(o: &mut Out<'_>) {
    tlvs(o);
}

pub(crate) fn ecc(o: &mut Out<'_>) {
    o.field(("Number", "番号"), 3, digits);
    let len = o.rest().len().saturating_sub(1);
    alpha(o, ("Name", "名称"), len);
    o.flags(
        ("Service", "種別"),
        1,
        &[
            (0, "police", "警察"),
            (1, "ambulance", "救急"),
            (2, "fire brigade", "消防"),
            (3, "marine guard", "海上保安"),
            (4, "mountain rescue", "山岳救助"),
            (5, "manual eCall", "手動 eCall"),
            (6, "automatic eCall", "自動 eCall"),
        ],
    );
}

pub(crate) fn gsm_ecc(o: &mut Out<'_>) {
    o.items("Number", 3, |o| digits(o.rest()));
}

fn digits(bytes: &[u8]) -> Value {
    let digits = bcd(bytes);
    if digits.is_empty() { Value::Empty } else { Value::Text(digits) }
}
