//! What a corpus begins with: one good input of every kind, put together by hand from our own
//! packages and requests.

use rsp::DataObject as _;

use crate::card::hex;
use crate::server::{iccid, metadata, package};
use crate::subject::{rich_package, set1};

/// Inputs for a target, by name.
#[must_use]
pub fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "apdu" => apdu(),
        "at" => at(),
        "bridge" => crate::bridge::seeds(),
        "store_data" => store_data(),
        "bound" => bound(),
        "segments" => segments(),
        "elements" => elements(),
        "httpsig" => crate::messages::requests(),
        "ota" => crate::messages::packets(),
        other => crate::readers::seeds(other),
    }
}

fn in_pieces(first: u8, commands: &[String]) -> Vec<u8> {
    let mut input = vec![first];
    for command in commands {
        let bytes = vectors::bytes(command);
        input.push(bytes.len() as u8);
        input.extend(bytes);
    }
    input
}

/// What modems say: by the book and by other habits.
fn at() -> Vec<(String, Vec<u8>)> {
    let said = |first: u8, lines: &[&str]| {
        let mut input = vec![first];
        for line in lines {
            input.extend((line.len() as u16).to_be_bytes());
            input.extend(line.as_bytes());
        }
        input
    };
    let ok = "\r\nOK\r\n";
    let none = "\r\nERROR\r\n";
    let mut written = vec![0x80];
    written.extend_from_slice(b"ATE0\rAT+CMEE=1\rAT+CCHO=\"A0000005591010FFFFFFFF8900000100\"\r");
    written.extend_from_slice(
        b"AT+CGLA=1,22,\"80E2910006BF3E035C015A\"\rAT+CSIM=10,\"81C0000015\"\rAT+CCHC=1\r",
    );
    [
        (
            "sessions",
            said(
                0,
                &[
                    ok,
                    ok,
                    ok,
                    ok,
                    ok,
                    "\r\n+CCHO: 1\r\n\r\nOK\r\n",
                    "\r\n+CGLA: 4,\"6115\"\r\n\r\nOK\r\n",
                    "\r\n+CGLA: 8,ABCD9000\r\nOK\r\n",
                    ok,
                ],
            ),
        ),
        (
            "plain",
            said(
                0,
                &[ok, ok, ok, none, ok, "\r\n+CSIM: 6,\"019000\"\r\n\r\nOK\r\n", "\r\n+CME ERROR: 22\r\n"],
            ),
        ),
        (
            "names",
            said(
                1,
                &[
                    "\r\n000000000385a7cf\r\n\r\nOK\r\n",
                    "\r\n4,\"6E00\"\r\n\r\nOK\r\n",
                    "\r\n+CME ERROR: SIM busy\r\n",
                ],
            ),
        ),
        (
            "late",
            said(
                2,
                &[
                    "",
                    "AT\r\r\n+CGLA: 8,\"AB\r\nCD9000\"\r\nOK\r\n\r\nOK\r\n",
                    "> RING\r\n> +CGLA: 2,9000\r\n> OK\r\n",
                ],
            ),
        ),
        ("class", said(2, &["\r\n+CGLA: 4,\"6E00\"\r\nOK\r\n", "\r\n+CGLA: 4,\"9000\"\r\nOK\r\n"])),
        ("modem", written),
    ]
    .map(|(name, input)| (name.to_owned(), input))
    .into()
}

fn apdu() -> Vec<(String, Vec<u8>)> {
    let text = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let isdr = hex(&rsp::ids::ISD_R);
    let enable = format!("81E2910014BF3111A00C5A0A{}8101FF", hex(iccid(2).as_bytes()));
    let lists: [(&str, u8, Vec<String>); 6] = [
        (
            "files",
            6,
            text(&[
                "00A4000C026F7E",
                "00D600000B0102030405060708090A0B",
                "00B000000B",
                "00A4000C026F3C",
                "00B20104B0",
                "00B2000200",
                "00A2010401FF",
                "00A4080C022FF4",
                "803200000300000500",
                "00DC000303010203",
                "00A4080C022FE6",
                "80DB00800480021122",
                "80CB00800180",
                "00A4080C022FE7",
                "00040000",
                "00440000",
                "80F2000000",
            ]),
        ),
        (
            "pins",
            2,
            text(&[
                "00200001",
                "00240001103132333431FFFFFF31313131FFFFFFFF",
                "00260001083132333431FFFFFF",
                "002600010831323334FFFFFFFF",
                "002800010831323334FFFFFFFF",
                "002C000110313233343536373831313131FFFFFFFF",
                "0020008108",
                "",
                "00200001",
            ]),
        ),
        (
            "aka",
            2,
            vec![
                format!("008800812210{}10{}00", set1::RAND, set1::AUTN),
                format!("008800801110{}00", set1::RAND),
            ],
        ),
        (
            "channels",
            8,
            vec![
                "0070000001".into(),
                format!("01A4040010{isdr}"),
                "01C0000021".into(),
                "0170000001".into(),
                "82E2910003BF2E00".into(),
                "91E2910001BF".into(),
                "81E29100022E00".into(),
                "00708001".into(),
                "80AA00000AA9088100820101830107".into(),
            ],
        ),
        (
            "refresh",
            1,
            vec![
                enable,
                "801200000B".into(),
                "801400000C810301010482028281830100".into(),
                "00A4000C022FE2".into(),
                "00B000000A".into(),
            ],
        ),
        ("blank", 16, text(&["00A40004023F00", "00C0000000", "00A4000C022F08", "00B0000000", "0084000008"])),
    ];
    lists.map(|(name, first, commands)| (name.to_owned(), in_pieces(first, &commands))).into()
}

fn store_data() -> Vec<(String, Vec<u8>)> {
    let one = hex(iccid(1).as_bytes());
    let two = hex(iccid(2).as_bytes());
    let list = |first: u8, requests: &[String]| {
        let mut input = vec![first];
        for request in requests {
            let bytes = vectors::bytes(request);
            input.extend((bytes.len() as u16).to_be_bytes());
            input.extend(bytes);
        }
        input
    };
    let told =
        ["BF2000", "BF2200", "BF2E00", "BF3C00", "BF4300", "BF2D00", "BF3E035C015A", "BF2800", "BF2B00"];
    vec![
        ("told".into(), list(0, &told.map(str::to_owned))),
        (
            "changes".into(),
            list(
                0,
                &[
                    format!("BF3111A00C5A0A{two}810100"),
                    format!("BF3211A00C5A0A{two}810100"),
                    format!("BF29105A0A{one}90024142"),
                    format!("BF330C5A0A{one}"),
                    "BF3F0580036E6577".into(),
                    "BF3003800101".into(),
                    "BF2B05A003800102".into(),
                    "BF280481020640".into(),
                    "BF34048202 05E0".replace(' ', ""),
                ],
            ),
        ),
        (
            "refresh".into(),
            list(0x80, &[format!("BF3111A00C5A0A{two}8101FF"), format!("BF2D13A00C5A0A{two}5C035A9F70")]),
        ),
        ("cancel".into(), list(3, &["BF4115801001010101010101010101010101010101810101".replace(' ', "")])),
        ("authenticated".into(), list(2, &["BF4115801001010101010101010101010101010101810100".into()])),
    ]
}

fn bound() -> Vec<(String, Vec<u8>)> {
    let part = |name: &str, part: u8, segment: u8, bytes: &[u8]| {
        (name.to_owned(), [&[part, segment][..], bytes].concat())
    };
    let mut whole = metadata(1);
    whole.profile_owner =
        Some(rsp::metadata::OperatorId { mcc_mnc: [0x00, 0xF1, 0x10], gid1: None, gid2: None });
    whole.profile_policy_rules = rsp::metadata::PprIds::PPR2;
    vec![
        part("configure", 0, 251, &vectors::bytes("BF2400")),
        part("configure_data", 0, 251, &vectors::bytes("BF240AB8080603883701800100")),
        part("metadata", 1, 251, &whole.encode()),
        part(
            "keys",
            2,
            251,
            &vectors::bytes(
                "BF2636801033333333333333333333333333333333811044444444444444444444444444444444821055555555555555555555555555555555",
            ),
        ),
        part("elements", 3, 251, &package(1)),
        part("edits", 4, 251, &[0x01, 0x00, 0xFF]),
        part("short_segments", 4, 3, &[0x00, 0x40, 0x01]),
    ]
}

fn segments() -> Vec<(String, Vec<u8>)> {
    let input = |name: &str, bytes: &str| (name.to_owned(), vectors::bytes(bytes));
    vec![
        input("raw", "0000 06BF3603A00187 02A000"),
        input("after_bf23", "0900 02A118 0488020000"),
        input("after_configure", "1100 02A100 03860100"),
        input("after_metadata", "2100 02A206 0487020000"),
        input("edited", "FD01 010055"),
        input("own_keys", "FF00 028600"),
    ]
}

fn elements() -> Vec<(String, Vec<u8>)> {
    vec![
        ("plain".into(), [&[0, 251][..], &package(1)].concat()),
        ("rich".into(), [&[0, 251][..], &rich_package(1, true)].concat()),
        ("rich_edited".into(), vec![1, 251, 0x01, 0x00, 0x55]),
        ("plain_edited".into(), vec![3, 9, 0x00, 0x80, 0x55]),
    ]
}
