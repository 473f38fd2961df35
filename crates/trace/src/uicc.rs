//! The commands of a UICC and its applications (ISO 7816-4, ETSI TS 102 221, TS 102 223,
//! 3GPP TS 31.102): names of files, templates, toolkit, AUTHENTICATE.

use crate::der::{Decoder, Field, Kind, f, fs};
use crate::node::{Node, Secrecy};
use crate::values;

/// Files by identifier, one after another: four hexadecimal digits and the name.
static FILES: &str = "3F00 MF|7FFF ADF|7F10 DF.TELECOM|7F20 DF.GSM|7F25 DF.CDMA|5F3A DF.PHONEBOOK|5F3B DF.GSM-ACCESS|5F3C DF.MexE|5F40 DF.WLAN|5F50 DF.GRAPHICS|5F70 DF.SoLSA|5F90 DF.ProSe|5FC0 DF.5GS|5FD0 DF.SAIP|\
2F00 EF.DIR|2F05 EF.PL|2F06 EF.ARR|2F08 EF.UMPC|2FE2 EF.ICCID|\
6F02 EF.IMPI|6F03 EF.DOMAIN|6F04 EF.IMPU|6F05 EF.LI|6F06 EF.ARR|6F07 EF.IMSI|6F08 EF.Keys|6F09 EF.KeysPS|6F2C EF.DCK|6F31 EF.HPPLMN|6F32 EF.CNL|6F37 EF.ACMmax|6F38 EF.UST|6F39 EF.ACM|6F3A EF.ADN|6F3B EF.FDN|6F3C EF.SMS|6F3E EF.GID1|6F3F EF.GID2|6F40 EF.MSISDN|6F41 EF.PUCT|6F42 EF.SMSP|6F43 EF.SMSS|6F44 EF.LND|6F45 EF.CBMI|6F46 EF.SPN|6F47 EF.SMSR|6F48 EF.CBMID|6F49 EF.SDN|6F4A EF.EXT1|6F4B EF.EXT2|6F4C EF.EXT3|6F4D EF.BDN|6F4E EF.EXT5|6F50 EF.CBMIR|6F54 EF.SUME|6F55 EF.EXT4|6F56 EF.EST|6F57 EF.ACL|6F58 EF.CMI|6F5B EF.START-HFN|6F5C EF.THRESHOLD|6F60 EF.PLMNwAcT|6F61 EF.OPLMNwAcT|6F62 EF.HPLMNwAcT|6F73 EF.PSLOCI|6F78 EF.ACC|6F7B EF.FPLMN|6F7E EF.LOCI|6F80 EF.ICI|6F81 EF.OCI|6F82 EF.ICT|6F83 EF.OCT|6FAD EF.AD|6FB5 EF.eMLPP|6FB6 EF.AAeM|6FB7 EF.ECC|6FC3 EF.Hiddenkey|6FC4 EF.NETPAR|6FC5 EF.PNN|6FC6 EF.OPL|6FC7 EF.MBDN|6FC8 EF.EXT6|6FC9 EF.MBI|6FCA EF.MWIS|6FCB EF.CFIS|6FCC EF.EXT7|6FCD EF.SPDI|6FCE EF.MMSN|6FCF EF.EXT8|6FD0 EF.MMSICP|6FD2 EF.MMSUCP|6FD5 EF.PCSCF|6FD9 EF.EHPLMN|6FDB EF.EHPLMNPI|6FDC EF.LRPLMNSI|6FDD EF.NAFKCA|6FDE EF.SPNI|6FDF EF.PNNI|6FE2 EF.NCP-IP|6FE3 EF.EPSLOCI|6FE4 EF.EPSNSC|6FE6 EF.UFC|6FE7 EF.UICCIARI|6FE8 EF.NASCONFIG|6FEC EF.PWS|6FEF EF.IALext|6FF3 EF.ePDGId|6FF4 EF.ePDGSelection|6FF7 EF.FromPreferred|\
4F01 EF.5GS3GPPLOCI|4F02 EF.5GSN3GPPLOCI|4F03 EF.5GS3GPPNSC|4F04 EF.5GSN3GPPNSC|4F05 EF.5GAUTHKEYS|4F06 EF.UAC_AIC|4F07 EF.SUCI_Calc_Info|4F08 EF.OPL5G|4F09 EF.SUPI_NAI|4F0A EF.Routing_Indicator|4F0B EF.URSP|4F0C EF.TN3GPPSNN|4F20 EF.Kc|4F30 EF.PBR|4F52 EF.KcGPRS|4F63 EF.CPBCCH|4F64 EF.InvScan";

/// Short identifiers in ADF.USIM (3GPP TS 31.102 Annex H), in the order of their numbers from 1.
static SHORT: [u16; 30] = [
    0x6FB7, 0x6F05, 0x6FAD, 0x6F38, 0x6F56, 0x6F78, 0x6F07, 0x6F08, 0x6F09, 0x6F60, 0x6F7E, 0x6F73, 0x6F7B,
    0x6F48, 0x6F5B, 0x6F5C, 0x6F61, 0x6F31, 0x6F62, 0x6F80, 0x6F81, 0x6F82, 0x6F06, 0x6FE4, 0x6FC5, 0x6FC6,
    0x6FC7, 0x6FCD, 0x6FD9, 0x6FE3,
];

/// The name of a file.
pub(crate) fn file_name(id: u16) -> Option<&'static str> {
    FILES
        .split('|')
        .filter_map(|entry| entry.split_once(' '))
        .find(|(known, _)| u16::from_str_radix(known, 16) == Ok(id))
        .map(|(_, name)| name)
}

/// The file of a short identifier.
pub(crate) fn short(id: u8) -> Option<u16> {
    SHORT.get(usize::from(id).checked_sub(1)?).copied()
}

/// A file for people: `6F07 EF.IMSI`.
pub(crate) fn file_text(id: u16) -> String {
    match file_name(id) {
        Some(name) => format!("{id:04X} {name}"),
        None => format!("{id:04X}"),
    }
}

/// File control parameters (ETSI TS 102 221 §11.1.1.3).
pub(crate) static FCP: [Field; 2] = [
    fs(0x62, "FCP template", Kind::Seq(&FCP_FIELDS), "TS 102 221 §11.1.1.3"),
    fs(0x6F, "FCI template", Kind::Seq(&crate::es10::FCI), "GP Card Specification §11.9"),
];
static FCP_FIELDS: [Field; 13] = [
    f(0x82, "file descriptor", Kind::By(descriptor)),
    f(0x83, "file identifier", Kind::By(file)),
    f(0x84, "DF name (AID)", Kind::Aid),
    f(0xA5, "proprietary information", Kind::Of(&PROPRIETARY)),
    f(
        0x8A,
        "life cycle status",
        Kind::Byte("01 creation|03 initialisation|04 deactivated|05 activated|0C terminated"),
    ),
    f(0x8B, "security attributes (EF.ARR, record)", Kind::Hex),
    f(0x8C, "security attributes (compact)", Kind::Hex),
    f(0xAB, "security attributes (expanded)", Kind::Of(&ARR)),
    f(0xC6, "PIN status template DO", Kind::Of(&PIN_STATUS)),
    f(0x80, "file size", Kind::Unsigned),
    f(0x81, "total file size", Kind::Unsigned),
    f(0x88, "short file identifier", Kind::By(short_identifier)),
    f(0xC7, "link path", Kind::Hex),
];
static PROPRIETARY: [Field; 6] = [
    f(0x80, "UICC characteristics", Kind::Hex),
    f(0x81, "application power consumption", Kind::Hex),
    f(0x82, "minimum application clock frequency", Kind::Hex),
    f(0x83, "available memory", Kind::Unsigned),
    f(0x87, "supported commands", Kind::Hex),
    f(0xC0, "special file information", Kind::Hex),
];
const PIN: &str = "01 PIN1|02 PIN1 (application 2)|03 PIN1 (application 3)|04 PIN1 (application 4)|0A ADM1|0B ADM2|0C ADM3|0D ADM4|0E ADM5|11 universal PIN|81 PIN2|82 PIN2 (application 2)|83 PIN2 (application 3)|8A ADM6|8B ADM7|8C ADM8|8D ADM9|8E ADM10";
static PIN_STATUS: [Field; 3] = [
    f(0x90, "PS_DO (enabled, first key highest)", Kind::Hex),
    f(0x95, "usage qualifier", Kind::Hex),
    f(0x83, "key reference", Kind::Byte(PIN)),
];
/// Access rules (ETSI TS 102 221 §9.2.7).
static ARR: [Field; 7] = [
    f(
        0x80,
        "access mode",
        Kind::Flags("read, search|update|write, append|deactivate|activate|terminate|delete"),
    ),
    f(0x84, "access mode (instruction)", Kind::Hex),
    f(0x90, "always", Kind::Hex),
    f(0x97, "never", Kind::Hex),
    f(0xA4, "key", Kind::Of(&PIN_STATUS)),
    f(0xA0, "OR", Kind::Of(&CONDITIONS)),
    f(0xAF, "AND", Kind::Of(&CONDITIONS)),
];
static CONDITIONS: [Field; 3] =
    [f(0x90, "always", Kind::Hex), f(0x97, "never", Kind::Hex), f(0xA4, "key", Kind::Of(&PIN_STATUS))];

fn descriptor(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    let Some(first) = value.first() else { return Vec::new() };
    let kind = match first & 0x3F {
        0x38 => "DF or ADF",
        0x39 => "BER-TLV",
        0x01 => "transparent",
        0x02 => "linear fixed",
        0x06 => "cyclic",
        _ => "other",
    };
    let text = format!("{kind}{}", if first & 0x40 != 0 { ", shareable" } else { "" });
    let mut nodes = vec![Node::new("structure", text, base..base + 1)];
    if let Some(length @ [_, _]) = value.get(2..4) {
        nodes.push(Node::new("record length", values::unsigned(length).to_string(), base + 2..base + 4));
    }
    if let Some(count) = value.get(4) {
        nodes.push(Node::new("records", count.to_string(), base + 4..base + 5));
    }
    nodes
}

fn file(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    path(value, base)
}

fn short_identifier(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    let text = value.first().map_or_else(|| "none".to_owned(), |byte| format!("{:02X}", byte >> 3));
    vec![Node::new("SFI", text, base..base + value.len())]
}

/// File identifiers one after another.
pub(crate) fn path(value: &[u8], base: usize) -> Vec<Node> {
    value
        .chunks(2)
        .take(16)
        .enumerate()
        .map(|(index, id)| {
            let at = base + 2 * index;
            match id {
                [high, low] => Node::new("file", file_text(u16::from_be_bytes([*high, *low])), at..at + 2),
                _ => Node::fault(format!("half an identifier: {}", values::hex(id)), at..at + id.len()),
            }
        })
        .collect()
}

/// TERMINAL CAPABILITY (ETSI TS 102 221 §11.1.19).
pub(crate) static CAPABILITY: [Field; 1] = [f(0xA9, "terminal capabilities", Kind::Of(&CAPABILITIES))];
static CAPABILITIES: [Field; 4] = [
    f(0x80, "terminal power supply", Kind::Hex),
    f(0x81, "extended logical channels", Kind::Hex),
    f(0x82, "additional interfaces", Kind::Flags("UICC-CLF")),
    fs(
        0x83,
        "eUICC-related capabilities",
        Kind::Flags("LUId|LPDd|LDSd|LUIe (SCWS)|metadata update alerting|enterprise|LUIe (E4)|LPR"),
        "SGP.22 §3.4",
    ),
];

const COMMANDS: &str = "01 REFRESH|02 MORE TIME|03 POLL INTERVAL|04 POLLING OFF|05 SET UP EVENT LIST|10 SET UP CALL|11 SEND SS|12 SEND USSD|13 SEND SHORT MESSAGE|14 SEND DTMF|15 LAUNCH BROWSER|20 PLAY TONE|21 DISPLAY TEXT|22 GET INKEY|23 GET INPUT|24 SELECT ITEM|25 SET UP MENU|26 PROVIDE LOCAL INFORMATION|27 TIMER MANAGEMENT|28 SET UP IDLE MODE TEXT|34 RUN AT COMMAND|35 LANGUAGE NOTIFICATION|40 OPEN CHANNEL|41 CLOSE CHANNEL|42 RECEIVE DATA|43 SEND DATA|44 GET CHANNEL STATUS";
const REFRESH: &str = "00 NAA initialisation and full file change|01 file change|02 NAA initialisation and file change|03 NAA initialisation|04 UICC reset|05 NAA application reset|06 NAA session reset|07 steering of roaming|08 steering of roaming for I-WLAN|09 eUICC profile state change|0A application update";
const DEVICES: &str =
    "01 keypad|02 display|03 earpiece|21 channel 1|22 channel 2|81 UICC|82 terminal|83 network";
const RESULT: &str = "00 performed|01 performed with partial comprehension|02 performed, with missing information|03 REFRESH performed with additional EFs read|04 performed, but icon could not be shown|07 performed with modification|10 session ended by the user|11 backward move by the user|12 no response from the user|20 terminal unable now|21 network unable now|22 user did not accept|30 beyond the terminal's capabilities|31 command type not understood|32 command data not understood|33 command number unknown|36 required values missing|3A bearer independent protocol error";
const EVENTS: &str = "00 MT call|01 call connected|02 call disconnected|03 location status|04 user activity|05 idle screen available|07 language selection|09 data available|0A channel status|0B access technology change|12 network rejection";

/// What a card tells the terminal to do (ETSI TS 102 223 §6.6).
pub(crate) static PROACTIVE: [Field; 1] =
    [fs(0xD0, "proactive command", Kind::Of(&TOOLKIT), "TS 102 223 §6.6")];

/// What a terminal tells a card (ETSI TS 102 223 §7).
pub(crate) static ENVELOPE: [Field; 7] = [
    fs(0xD1, "SMS-PP download", Kind::Of(&TOOLKIT), "TS 31.111 §7.1.1"),
    fs(0xD2, "cell broadcast download", Kind::Of(&TOOLKIT), "TS 31.111 §7.1.2"),
    fs(0xD3, "menu selection", Kind::Of(&TOOLKIT), "TS 102 223 §7.2"),
    fs(0xD4, "call control", Kind::Of(&TOOLKIT), "TS 31.111 §7.3"),
    fs(0xD5, "MO short message control", Kind::Of(&TOOLKIT), "TS 31.111 §7.3.2"),
    fs(0xD6, "event download", Kind::Of(&TOOLKIT), "TS 102 223 §7.5"),
    fs(0xD7, "timer expiration", Kind::Of(&TOOLKIT), "TS 102 223 §7.4"),
];

/// Simple data objects, with and without the comprehension flag (ETSI TS 102 223 §8).
pub(crate) static TOOLKIT: [Field; 24] = [
    f(0x81, "command details", Kind::By(details)),
    f(0x01, "command details", Kind::By(details)),
    f(0x82, "device identities", Kind::By(devices)),
    f(0x02, "device identities", Kind::By(devices)),
    f(0x83, "result", Kind::By(result)),
    f(0x03, "result", Kind::By(result)),
    f(0x84, "duration", Kind::Hex),
    f(0x85, "alpha identifier", Kind::By(alpha)),
    f(0x05, "alpha identifier", Kind::By(alpha)),
    f(0x86, "address", Kind::By(number)),
    f(0x06, "address", Kind::By(number)),
    f(0x8B, "SMS TPDU", Kind::Hex),
    f(0x0B, "SMS TPDU", Kind::Hex),
    f(0x8D, "text string", Kind::By(text)),
    f(0x0D, "text string", Kind::By(text)),
    f(0x8F, "item", Kind::Hex),
    f(0x90, "item identifier", Kind::Hex),
    f(0x92, "file list", Kind::By(file_list)),
    f(0x12, "file list", Kind::By(file_list)),
    f(0x93, "location information", Kind::Hex),
    f(0x99, "event list", Kind::By(events)),
    f(0x19, "event list", Kind::By(events)),
    f(0xAF, "AID", Kind::Aid),
    f(0x2F, "AID", Kind::Aid),
];

fn details(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    let [number, kind, qualifier] = value else {
        return vec![Node::fault(values::hex(value), base..base + value.len())];
    };
    let qualified = match kind {
        0x01 => values::byte(REFRESH, &[*qualifier]),
        _ => format!("{qualifier:02X}"),
    };
    vec![
        Node::new("command number", number.to_string(), base..base + 1),
        Node::new("type of command", values::byte(COMMANDS, &[*kind]), base + 1..base + 2),
        Node::new("command qualifier", qualified, base + 2..base + 3),
    ]
}

fn devices(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    ["source", "destination"]
        .into_iter()
        .zip(value)
        .enumerate()
        .map(|(index, (name, byte))| {
            Node::new(name, values::byte(DEVICES, &[*byte]), base + index..base + index + 1)
        })
        .collect()
}

fn result(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    if let Some((general, more)) = value.split_first() {
        nodes.push(Node::new("general result", values::byte(RESULT, &[*general]), base..base + 1));
        if !more.is_empty() {
            nodes.push(Node::new("additional information", values::hex(more), base + 1..base + value.len()));
        }
    }
    nodes
}

fn alpha(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    vec![Node::new("text", values::card_text(value), base..base + value.len())]
}

fn text(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    let Some((scheme, text)) = value.split_first() else { return Vec::new() };
    let shown = match scheme {
        0x08 => values::card_text(&[&[0x80], text].concat()),
        0x04 => values::card_text(text),
        _ => values::hex(text),
    };
    vec![
        Node::new("data coding scheme", format!("{scheme:02X}"), base..base + 1),
        Node::new("text", shown, base + 1..base + value.len()),
    ]
}

fn number(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    telephone(value, base)
}

/// Type of number and its digits, swapped.
fn telephone(value: &[u8], base: usize) -> Vec<Node> {
    let Some((kind, digits)) = value.split_first() else { return Vec::new() };
    let plus = if kind & 0x70 == 0x10 { "+" } else { "" };
    vec![
        Node::new("TON and NPI", format!("{kind:02X}"), base..base + 1),
        Node::new("number", format!("{plus}{}", values::digits(digits, true)), base + 1..base + value.len())
            .secret(Secrecy::Identifier),
    ]
}

fn file_list(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    let Some((count, paths)) = value.split_first() else { return Vec::new() };
    let mut nodes = vec![Node::new("files", count.to_string(), base..base + 1)];
    nodes.extend(path(paths, base + 1));
    nodes
}

fn events(_: &mut Decoder, value: &[u8], base: usize, _: usize) -> Vec<Node> {
    value
        .iter()
        .take(32)
        .enumerate()
        .map(|(index, byte)| {
            Node::new("event", values::byte(EVENTS, &[*byte]), base + index..base + index + 1)
        })
        .collect()
}

/// TERMINAL PROFILE: names of the first, third, fourth and twelfth byte (ETSI TS 102 223 §5.2).
pub(crate) fn terminal_profile(value: &[u8], base: usize) -> Vec<Node> {
    const NAMES: [(usize, &str); 4] = [
        (
            0,
            "profile download|SMS-PP data download|cell broadcast download|menu selection|SMS-PP result|timer expiration|USSD in call control|call control redial",
        ),
        (2, "DISPLAY TEXT|GET INKEY|GET INPUT|MORE TIME|PLAY TONE|POLL INTERVAL|POLLING OFF|REFRESH"),
        (
            3,
            "SELECT ITEM|SEND SHORT MESSAGE|SEND SS|SEND USSD|SET UP CALL|SET UP MENU|PROVIDE LOCAL INFORMATION|network measurement results",
        ),
        (
            11,
            "OPEN CHANNEL|CLOSE CHANNEL|RECEIVE DATA|SEND DATA|GET CHANNEL STATUS|SERVICE SEARCH|GET SERVICE INFORMATION|DECLARE SERVICE",
        ),
    ];
    value
        .iter()
        .take(64)
        .enumerate()
        .map(|(index, byte)| {
            let text = match NAMES.iter().find(|(place, _)| *place == index) {
                Some((_, names)) => values::flags(names, &[*byte]),
                None => format!("{byte:02X}"),
            };
            Node::new(format!("byte {}", index + 1), text, base + index..base + index + 1)
        })
        .collect()
}

/// Whether a file holds keys.
pub(crate) const fn has_keys(id: u16) -> bool {
    matches!(id, 0x6F08 | 0x6F09 | 0x6FE4 | 0x4F03 | 0x4F04 | 0x4F05 | 0x4F20 | 0x4F52)
}

/// What a file holds, or a record of it.
pub(crate) fn contents(decoder: &mut Decoder, id: u16, data: &[u8], base: usize) -> Vec<Node> {
    let range = base..base + data.len();
    let one = |name: &'static str, text: String| vec![Node::new(name, text, range.clone())];
    match id {
        _ if has_keys(id) => {
            vec![Node::new("keys", format!("{} bytes", data.len()), range).secret(Secrecy::Key)]
        }
        0x2FE2 => vec![
            Node::new("ICCID", values::digits(data, true), range)
                .secret(Secrecy::Identifier)
                .section("TS 102 221 §13.2"),
        ],
        0x6F07 => match data.split_first() {
            // The low nibble of the first byte is the type, the high one the first digit.
            Some((length, digits)) if usize::from(*length) <= digits.len() && *length > 0 => {
                let digits = digits.get(..usize::from(*length)).unwrap_or_default();
                let text = values::digits(digits, true).chars().skip(1).collect::<String>();
                vec![
                    Node::new("IMSI", text, base + 1..base + 1 + digits.len())
                        .secret(Secrecy::Identifier)
                        .section("TS 31.102 §4.2.2"),
                ]
            }
            _ => one("IMSI", values::hex(data)),
        },
        0x6F40 => dialling_number(data, base),
        0x6F46 => one("service provider name", values::card_text(data.get(1..).unwrap_or_default())),
        0x6F38 => {
            let services: Vec<String> = (0..data.len() * 8)
                .filter(|bit| data.get(bit / 8).is_some_and(|byte| byte & (1 << (bit % 8)) != 0))
                .map(|bit| (bit + 1).to_string())
                .collect();
            one("services", services.join(" "))
        }
        0x6FAD => one(
            "operation mode and MNC length",
            format!(
                "{}, MNC of {} digits",
                values::hex(data.get(..1).unwrap_or_default()),
                data.get(3).map_or(0, |byte| byte & 15)
            ),
        ),
        0x6F7B | 0x6FD9 => data
            .chunks(3)
            .take(128)
            .enumerate()
            .filter(|(_, plmn)| plmn.iter().any(|byte| *byte != 0xFF))
            .map(|(index, plmn)| {
                Node::new("PLMN", values::plmn(plmn), base + 3 * index..base + 3 * index + plmn.len())
            })
            .collect(),
        0x6F60..=0x6F62 => data
            .chunks(5)
            .take(128)
            .enumerate()
            .filter(|(_, entry)| entry.iter().take(3).any(|byte| *byte != 0xFF))
            .map(|(index, entry)| {
                let (plmn, technology) = entry.split_at(entry.len().min(3));
                let text = format!("{}, access technologies {}", values::plmn(plmn), values::hex(technology));
                Node::new("PLMN", text, base + 5 * index..base + 5 * index + entry.len())
            })
            .collect(),
        0x2F00 => {
            static DIR: [Field; 1] = [f(0x61, "application template", Kind::Of(&APPLICATION))];
            static APPLICATION: [Field; 2] = [f(0x4F, "AID", Kind::Aid), f(0x50, "label", Kind::Text)];
            decoder.objects(data, base, &DIR, false, 1)
        }
        0x2F06 | 0x6F06 => decoder.objects(data, base, &ARR, false, 1),
        0x6F02..=0x6F04 => {
            static TEXT: [Field; 1] = [f(0x80, "identity", Kind::Text)];
            let mut nodes = decoder.objects(data, base, &TEXT, false, 1);
            for node in nodes.iter_mut().filter(|node| node.name == "identity" && id != 0x6F03) {
                node.secrecy = Secrecy::Identifier;
            }
            nodes
        }
        _ => one("content", values::hex(data)),
    }
}

/// A record of EF.MSISDN, EF.ADN … (3GPP TS 31.102 §4.2.26): a name and 14 bytes.
fn dialling_number(data: &[u8], base: usize) -> Vec<Node> {
    let name = data.len().saturating_sub(14);
    let (alpha, rest) = data.split_at(name);
    let mut nodes = vec![Node::new("alpha identifier", values::card_text(alpha), base..base + name)];
    match rest.split_first() {
        Some((length, number)) if (1..=11).contains(length) => {
            let number = number.get(..usize::from(*length)).unwrap_or_default();
            nodes.extend(telephone(number, base + name + 1));
        }
        _ => nodes.push(Node::new("number", "none", base + name..base + data.len())),
    }
    nodes
}

/// RAND and AUTN of AUTHENTICATE (3GPP TS 31.102 §7.1.2).
pub(crate) fn authenticate(p2: u8, data: &[u8], base: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = 0;
    for name in ["RAND", "AUTN"] {
        let Some((length, rest)) = data.get(at..).and_then(<[u8]>::split_first) else { break };
        let value = rest.get(..usize::from(*length)).unwrap_or(rest);
        let start = base + at + 1;
        let mut node = Node::new(name, values::hex(value), start - 1..start + value.len());
        if let (true, "AUTN") = (value.len() == 16, name) {
            let inside = [("SQN ⊕ AK", 0, 6), ("AMF", 6, 8), ("MAC", 8, 16)];
            node.children = inside
                .into_iter()
                .map(|(name, from, to)| {
                    Node::new(
                        name,
                        values::hex(value.get(from..to).unwrap_or_default()),
                        start + from..start + to,
                    )
                })
                .collect();
        }
        nodes.push(node);
        at += 1 + value.len();
        if p2 & 0x07 == 0 {
            break;
        }
    }
    if at < data.len() {
        nodes.push(Node::new(
            "more",
            values::hex(data.get(at..).unwrap_or_default()),
            base + at..base + data.len(),
        ));
    }
    nodes
}

/// The answer to AUTHENTICATE: RES may be seen, what follows is keys.
pub(crate) fn authenticated(p2: u8, data: &[u8], base: usize) -> Vec<Node> {
    let (names, start): (&[(&'static str, Secrecy)], usize) = match (data.first(), p2 & 0x07) {
        (Some(0xDB), 1) => {
            (&[("RES", Secrecy::Open), ("CK", Secrecy::Key), ("IK", Secrecy::Key), ("Kc", Secrecy::Key)], 1)
        }
        (Some(0xDC), 1) => (&[("AUTS", Secrecy::Open)], 1),
        (_, 0) => (&[("SRES", Secrecy::Open), ("Kc", Secrecy::Key)], 0),
        // Of another context nothing is known: none of it is shown.
        _ => (&[], 0),
    };
    let mut nodes = Vec::new();
    let mut at = start;
    if start == 1 {
        let text = if data.first() == Some(&0xDB) {
            "successful 3G authentication"
        } else {
            "synchronisation failure"
        };
        nodes.push(Node::new("result", text, base..base + 1));
    }
    for (name, secrecy) in names {
        let Some((length, rest)) = data.get(at..).and_then(<[u8]>::split_first) else { break };
        let value = rest.get(..usize::from(*length)).unwrap_or(rest);
        let text = match secrecy {
            Secrecy::Key => String::new(),
            _ => values::hex(value),
        };
        let place = base + at..base + at + 1 + value.len();
        if *secrecy == Secrecy::Key {
            // The length may be seen, the key may not.
            let key = Node::new("key", format!("{} bytes", value.len()), place.start + 1..place.end);
            nodes.push(Node::new(*name, text, place).holding(vec![key.secret(Secrecy::Key)]));
            at += 1 + value.len();
            continue;
        }
        nodes.push(Node::new(*name, text, place));
        at += 1 + value.len();
    }
    if at < data.len() {
        let place = base + at..base + data.len();
        nodes.push(Node::new("more", format!("{} bytes", data.len() - at), place).secret(Secrecy::Key));
    }
    nodes
}

/// The name of a PIN reference.
pub(crate) fn pin(reference: u8) -> String {
    values::byte(PIN, &[reference])
}
