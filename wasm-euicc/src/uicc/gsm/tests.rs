//! 3GPP TS 51.011 against a profile whose DF.GSM is a link to the ADF of its USIM.

use saip::Secret;
use saip::build::{Authentication, Subscriber};

use crate::bench::Bench;
use crate::nvm::MemoryMedium;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Key and OPc of test set 1 of 3GPP TS 35.208.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

fn profile(with_gsm: bool) -> Vec<u8> {
    let secret = |text: &str| Secret::new(vectors::bytes(text));
    let authentication = Authentication::Milenage { k: secret(K), opc: secret(OPC) };
    let iccid = "89000123456789012341".parse().unwrap();
    let imsi = "001010123456789".parse().unwrap();
    let package = saip::build::package(&Subscriber::new(iccid, imsi, 2, authentication)).unwrap();
    if !with_gsm {
        return package.to_vec();
    }
    // genericFileManagement: in the MF, directory 7F20 with a link to the temporary 7FD0.
    let link = "A11C A006 8000 81027FFF A112 3010 8000 620C 82027821 83027F20 C7027FD0";
    let mut elements = Vec::new();
    let mut reader = tlv::Reader::new(&package);
    while let Some(element) = reader.next().unwrap() {
        if element.tag == tlv::Tag(0xAA) {
            elements.extend_from_slice(&vectors::bytes(link));
        }
        elements.extend_from_slice(element.raw);
    }
    elements
}

fn sim() -> Bench<MemoryMedium> {
    Bench::with_profile(&profile(true))
}

#[test]
fn a_phone_of_the_old_days_starts_up() {
    let mut bench = sim();
    let mf = bench.raw("A0A40000023F00");
    assert_eq!(mf, "9F16");
    // MF; CHV1 with its tries and unblocking tries follow from byte 19 on.
    let data = bench.raw("A0C0000016");
    assert!(data.starts_with("000000003F0001"), "{data}");
    assert_eq!((&data[24..26], &data[44..]), ("09", "9000"));
    // Another length than what waits is told; what is shorter is cut off.
    assert_eq!(bench.raw("A0A40000023F00"), "9F16");
    assert_eq!(bench.raw("A0C0000017"), "6716");
    assert_eq!(bench.raw("A0A40000023F00"), "9F16");
    assert_eq!(bench.raw("A0C0000007"), "000000003F00019000");
    assert_eq!(bench.raw("A0C0000001"), "6985");
    // EF.ICCID: ten bytes, read always, updated never.
    assert_eq!(bench.raw("A0A40000022FE2"), "9F0F");
    let data = bench.raw("A0C000000F");
    assert!(data.starts_with("0000000A2FE204000F"), "{data}");
    assert_eq!(&data[24..], "020000 9000".replace(' ', ""));
    assert_eq!(bench.raw("A0B000000A"), "980010325476981032149000");
    // DF.GSM, EF.IMSI below it; STATUS tells the directory.
    assert_eq!(bench.raw("A0A40000027F20"), "9F16");
    assert!(bench.raw("A0F2000016").starts_with("000000007F2002"));
    assert_eq!(bench.raw("A0F2000000"), "6716");
    assert_eq!(bench.raw("A0A40000026F07"), "9F0F");
    assert_eq!(bench.raw("A0B0000009"), "0809101010325476989000");
    // Beyond the end; no such file; wrong parameters; unknown instruction.
    assert_eq!(bench.raw("A0B0000909"), "9402");
    assert_eq!(bench.raw("A0B000000A"), "6709");
    assert_eq!(bench.raw("A0A40000026F99"), "9404");
    assert_eq!(bench.raw("A0A40004026F07"), "6B00");
    assert_eq!(bench.raw("A0A40000016F"), "6702");
    assert_eq!(bench.raw("A0EE000000"), "6D00");
    assert_eq!(bench.raw("A0FA0000"), "9000");
}

#[test]
fn the_gsm_algorithm_answers_by_the_published_set() {
    let mut bench = sim();
    assert_eq!(bench.raw("A0A40000027F20"), "9F16");
    // 3GPP TS 35.208 §4.3.1 with c2 and c3: SRES 46F8416A, Kc EAE4BE823AF9A08B.
    assert_eq!(bench.raw("A088000010 23553cbe9637a89d218ae64dae47bf35"), "9F0C");
    assert_eq!(bench.raw("A0C000000C"), "46F8416AEAE4BE823AF9A08B9000");
    assert_eq!(bench.raw("A08800000F 23553cbe9637a89d218ae64dae47bf"), "6710");
    assert_eq!(bench.raw("A088000110 23553cbe9637a89d218ae64dae47bf35"), "6B00");
}

#[test]
fn records_are_sought_by_their_beginning() {
    let mut bench = sim();
    assert_eq!(bench.raw("A0A40000022F00"), "9F0F");
    // EF.DIR: each application template begins with 61.
    assert_eq!(bench.raw("A0A2000001 61"), "9000");
    assert_eq!(bench.raw("A0A2001001 61"), "9F01");
    assert_eq!(bench.raw("A0C0000001"), "019000");
    // Not the beginning of any.
    assert_eq!(bench.raw("A0A2000001 4F"), "9404");
    assert_eq!(bench.raw("A0A2002001 61"), "6B00");
    assert!(bench.raw("A0B2010400").starts_with("67"));
    assert_eq!(bench.raw("A0B2FE0410"), "9402");
    // A transparent file has no records.
    assert_eq!(bench.raw("A0A40000022FE2"), "9F0F");
    assert_eq!(bench.raw("A0B2010410"), "9408");
}

#[test]
fn without_a_df_gsm_there_is_none() {
    let mut bench = Bench::with_profile(&profile(false));
    assert_eq!(bench.raw("A0A40000023F00"), "9F16");
    assert_eq!(bench.raw("A0A40000027F20"), "9404");
    // And without any profile only the default file system.
    let mut bench = Bench::empty();
    assert_eq!(bench.raw("A0A40000023F00"), "9F16");
    assert_eq!(bench.raw("A0A40000022FE2"), "9404");
    assert_eq!(bench.raw("A088000010 23553cbe9637a89d218ae64dae47bf35"), "9804");
    assert_eq!(bench.raw("A020000108 31323334FFFFFFFF"), "9802");
}

#[test]
fn the_old_class_and_the_new_one_share_the_card() {
    let mut bench = sim();
    // What waits for one is not given to the other's next command.
    assert_eq!(bench.raw("A0A40000023F00"), "9F16");
    assert_eq!(bench.raw("00A4000C023F00"), "9000");
    assert_eq!(bench.raw("A0C0000016"), "6985");
    // The basic channel turns from the ISD-R to the files.
    assert!(bench.raw("00A4040010 A0000005591010FFFFFFFF8900000100 00").ends_with("9000"));
    assert_eq!(bench.raw("80E2910003BF7F00"), "6A88");
    assert_eq!(bench.raw("A0A40000023F00"), "9F16");
    assert_eq!(bench.raw("80E2910003BF7F00"), "6D00");
}

#[test]
fn a_chv_lives_its_life() {
    let mut bench = sim();
    let pin = "30303030FFFFFFFF";
    let other = "31313131FFFFFFFF";
    for (command, sw) in [
        // It is switched off at first: there is nothing to verify.
        (format!("A020000108{pin}"), "9808"),
        (format!("A028000108{pin}"), "9000"),
        (format!("A028000108{pin}"), "9808"),
    ] {
        assert_eq!(bench.raw(&command), sw, "{command}");
    }
    bench.chip.reset();
    for (command, sw) in [
        ("A0A40000027F20".into(), "9F16"),
        ("A0A40000026F07".into(), "9F0F"),
        ("A0B0000009".into(), "9804"),
        ("A088000010 23553cbe9637a89d218ae64dae47bf35".into(), "9804"),
        (format!("A020000108{other}"), "9804"),
        (format!("A020000108{pin}"), "9000"),
        ("A0B0000009".into(), "0809101010325476989000"),
        (format!("A024000110{pin}{other}"), "9000"),
        (format!("A026000108{pin}"), "9804"),
        (format!("A026000108{other}"), "9000"),
        (format!("A026000108{other}"), "9808"),
        // Only CHV1 can be switched; P3 is checked; there are two of them.
        (format!("A026000208{other}"), "6B00"),
        (format!("A020000308{other}"), "6B00"),
        ("A020000100".into(), "6708"),
        (format!("A02C000110{other}{pin}"), "6B00"),
        // This profile has no unblocking code and no CHV2.
        (format!("A02C000010{other}{pin}"), "9802"),
        (format!("A020000208{other}"), "9802"),
    ] {
        assert_eq!(bench.raw(&command), sw, "{command}");
    }
    // Three wrong ones block it; the directory tells the tries.
    assert_eq!(bench.raw(&format!("A028000108{other}")), "9000");
    for sw in ["9804", "9804", "9840", "9840"] {
        assert_eq!(bench.raw(&format!("A020000108{pin}")), sw);
    }
    assert_eq!(bench.raw("A0A40000023F00"), "9F16");
    let data = bench.raw("A0C0000016");
    assert_eq!(&data[36..40], "8000", "{data}");
}
