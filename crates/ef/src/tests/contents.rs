//! Contents from the examples of the standards, and what is wrong in wrong ones.

use apdu::StatusWord;
use vectors::bytes;
use words::Language::{English, Japanese};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{entry, find, is_on, read, say};
use crate::Application::{Isim, Uicc, Usim};
use crate::{
    AkaAnswer, Hints, Node, Value, aka_answer, decode, expose_decoded, service_provider_name, usim_in,
};

#[test]
fn the_name_of_the_operator_is_read() {
    let mut content = vec![0x01];
    content.extend(b"Telco \x5E");
    content.extend([0xFF; 9]);
    assert_eq!(service_provider_name(&content).as_deref(), Some("Telco Ü"));
    assert_eq!(service_provider_name(&bytes("00 80 65E5 672C FFFF")).as_deref(), Some("日本"));
    // Annex A of ETSI TS 102 221: half pages of UCS-2, by an eighth of its base or by all of it.
    assert_eq!(service_provider_name(&bytes("00 81 03 08 90 91 41")).as_deref(), Some("\u{410}\u{411}A"));
    assert_eq!(service_provider_name(&bytes("00 82 03 0530 82 D3 2D")).as_deref(), Some("\u{532}\u{583}-"));
    assert_eq!(service_provider_name(&bytes("00 81 09 08 90")), None);
    assert_eq!(service_provider_name(&bytes("00 1B65 31")).as_deref(), Some("€1"));
    assert_eq!(service_provider_name(&bytes("00FFFF")), None);
    assert_eq!(service_provider_name(&[]), None);
}

#[test]
fn a_usim_is_found_in_the_directory() {
    // EF.DIR of the GSMA TS.48 test profile.
    let record = bytes("61184F10A0000000871002FF49FF0589FFFFFFFF50045553494DFFFF");
    assert_eq!(usim_in(&record), Some(bytes("A0000000871002FF49FF0589FFFFFFFF")));
    assert_eq!(usim_in(&[0xFF; 10]), None);
    assert_eq!(usim_in(&bytes("610E4F0CA0000000871004FF49FF0589")), None);
}

#[test]
fn an_answer_to_authenticate_is_one_of_four() {
    let answer = [&[0xDB, 4, 1, 2, 3, 4, 16][..], &[0x11; 16], &[16], &[0x22; 16], &[8], &[0x33; 8]].concat();
    let AkaAnswer::Success { res, keys: Some(keys) } = aka_answer(&answer, StatusWord::OK) else { panic!() };
    assert_eq!(res, [1, 2, 3, 4]);
    assert_eq!((keys.expose_ck(), keys.expose_ik()), (&[0x11; 16][..], &[0x22; 16][..]));
    assert_eq!(keys.expose_kc(), Some(&[0x33; 8][..]));
    let shown = format!("{:?}", aka_answer(&answer, StatusWord::OK));
    assert!(!shown.contains("17") && !shown.contains("34"), "{shown}");
    let auts = [&[0xDC, 14][..], &[7; 14]].concat();
    assert_eq!(aka_answer(&auts, StatusWord::OK), AkaAnswer::Synchronisation(vec![7; 14]));
    assert_eq!(aka_answer(&[], StatusWord::INCORRECT_MAC), AkaAnswer::MacFailure);
    assert_eq!(aka_answer(&[0xDB, 9, 1], StatusWord::OK), AkaAnswer::Failed(StatusWord::OK));
    assert_eq!(aka_answer(&[], StatusWord(0x6982)), AkaAnswer::Failed(StatusWord(0x6982)));
}

#[test]
fn services_are_on_or_off_by_number() {
    // EF.UST of TS.48.
    let nodes = read(entry(Usim, "EF.UST"), "9EFFBF1DFF3E0083410310010400003E11");
    assert!(!is_on(find(&nodes, "1: Local Phone Book")));
    assert!(is_on(find(&nodes, "19: Service Provider Name")));
    assert!(is_on(find(&nodes, "85: EPS Mobility Management Information")));
    assert!(is_on(find(&nodes, "124: Subscription identifier privacy support")));
    assert!(is_on(find(&nodes, "129: 5GS Operator PLMN List")));
    let nodes = read(entry(Isim, "EF.IST"), "21");
    assert!(is_on(find(&nodes, "6: Short Message Storage (SMS)")));
}

#[test]
fn an_imsi_has_its_parts_when_the_length_of_the_mnc_is_known() {
    let imsi = entry(Usim, "EF.IMSI");
    let content = bytes("08 09 10 10 10 32 54 76 98");
    let nodes = decode(Some(imsi), &content, &Hints { mnc_len: Some(2) });
    assert_eq!(say(&nodes, "IMSI"), "001010123456789");
    assert_eq!(
        (&*say(&nodes, "MCC"), &*say(&nodes, "MNC"), &*say(&nodes, "MSIN")),
        ("001", "01", "0123456789")
    );
    assert_eq!(find(&nodes, "MCC").range, 1..3);
    assert_eq!(find(&nodes, "MSIN").range, 4..9);
    for wrong in [
        "00 09 10 10 10 32 54 76 98",
        "09 09 10 10 10 32 54 76 98",
        "08 0A 10 10 10 32 54 76 98",
        "08 09 1A 10 10 32 54 76 98",
    ] {
        assert!(read(imsi, wrong).iter().any(Node::is_wrong), "{wrong}");
    }
    let short = read(imsi, "08 09 10");
    assert_eq!(find(&short, "IMSI").range, 0..3);
    assert_eq!(say(&short, "IMSI"), "ends after 3 of 9 bytes");
    assert_eq!(find(&short, "IMSI").value.say(Japanese), "9 バイトのうち 3 バイトで終わっています");
}

#[test]
fn keys_are_masked_unless_they_are_asked_for() {
    let key = "0102030405060708090A0B0C0D0E0F10";
    let keys = [&bytes("01")[..], &bytes(key), &[0x77; 16]].concat();
    let context = bytes(&format!("A0348001008120{key}{key}8204000000058304000000068401 21 FFFF"));
    for (name, content, path) in [("EF.Keys", keys, "CK"), ("EF.EPSNSC", context, "Key (K_ASME, K_AMF)")] {
        let file = entry(Usim, name);
        let nodes = decode(Some(file), &content, &Hints::default());
        assert!(matches!(find(&nodes, path).value, Value::Secret(_)), "{nodes:?}");
        assert!(!format!("{nodes:?}").contains("2, 3, 4"), "{nodes:?}");
        let open = expose_decoded(Some(file), &content, &Hints::default());
        assert!(find(&open, path).value.say(English).starts_with(key));
    }
    // What is not understood is not shown either.
    let nodes = read(entry(Usim, "EF.EPSNSC"), &format!("A00081 20{key}{key}"));
    assert!(!format!("{nodes:?}").contains("2, 3, 4"), "{nodes:?}");
}

#[test]
fn messages_and_lists_are_read() {
    // 3GPP TS 23.040: "hellohello" in seven bits, from +27838890001 (a much published message).
    let message = "01 07 917238010010F5 04 0B C8 7238880900F1 00 00 99309251619580 0A E8329BFD4697D9EC37";
    let nodes = read(entry(Usim, "EF.SMS"), message);
    assert_eq!(say(&nodes, "Status"), "received, read");
    assert_eq!(say(&nodes, "Service centre"), "+27831000015");
    assert_eq!(say(&nodes, "From"), "27838890001");
    assert_eq!(say(&nodes, "Text"), "hellohello");
    assert_eq!(say(&nodes, "Time"), "2099-03-29 15:16:59 +02:00");
    let nodes = read(entry(Usim, "EF.ACL"), "01 DD 09 08 696E7465726E6574 FFFF");
    assert_eq!(say(&nodes, "APN"), "internet");
    let nodes =
        read(entry(Usim, "EF.EPSLOCI"), "0BF600F1100001020304050600F11000010 0".replace(' ', "").as_str());
    assert_eq!(say(&nodes, "Status"), "updated");
    assert_eq!(say(&nodes, "MME group"), "0001");
    let nodes = read(entry(Usim, "EF.Routing_Indicator"), "F0FFFFFF");
    assert_eq!(say(&nodes, "Routing indicator"), "0");
    let nodes = read(entry(Uicc, "EF.ICCID"), "98001032547698103214");
    assert_eq!(say(&nodes, "ICCID"), "89000123456789012341");
}
