//! Published packets: pySim, `tests/unittests/test_ota.py` (osmocom/pysim), with
//! the keys of sysmocom's sample cards that are given there; checksums and
//! ciphers of the others by `openssl` on the command line.

use proptest::prelude::*;
use vectors::bytes;
use zeroize::Zeroizing;

use crate::packet::{CounterMode, Integrity, MOST_COUNTER, Por, check_counter};
use crate::script::{Fault, Format, Outcome, Script};
use crate::sms::{Deliver, Download, Reassembly, deliver, submit};
use crate::{Command, Header, Key, KeyKind, Keyset, Response, ResponseStatus, Spi, Tar, packet};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn keys(kind: KeyKind, kic: &str, kid: &str) -> Keyset {
    let key = |text| Some(Key::new(kind, &bytes(text), 8).unwrap());
    Keyset { kic: key(kic), kid: key(kid) }
}

fn triple_des() -> Keyset {
    keys(KeyKind::Des, "C21DD66ACAC13CB3BC8B331B24AFB57B", "12110C78E678C25408233076AA033615")
}

fn sample_des() -> Keyset {
    keys(KeyKind::Des, "300102030405060708090a0b0c0d0e0f", "301102030405060708090a0b0c0d0e0f")
}

fn sample_aes() -> Keyset {
    keys(KeyKind::Aes, "200102030405060708090a0b0c0d0e0f", "201102030405060708090a0b0c0d0e0f")
}

fn header(spi: [u8; 2], keys: u8, tar: [u8; 3]) -> Header {
    Header { spi: Spi::from_bytes(spi).unwrap(), kic: keys, kid: keys, tar: Tar(tar) }
}

#[track_caller]
fn both_ways(keys: &Keyset, header: Header, counter: u64, data: &str, packet: &str) {
    let command = Command { header, counter, data: Zeroizing::new(bytes(data)) };
    assert_eq!(command.seal(keys).unwrap(), bytes(packet));
    assert!(Command::open(&bytes(packet), keys).unwrap_or_else(|status| panic!("{status:?}")) == command);
}

const USIM_RFM: [u8; 3] = [0xB0, 0x00, 0x11];

#[test]
fn published_command_packets() {
    for (keys, spi, indication, packet) in [
        (
            sample_des(),
            [0x06, 0x19],
            0x35,
            "00201506193535b00011ae733256918d050b87c94fbfe12e4dc402f262c41cf67f2f",
        ),
        (
            sample_des(),
            [0x06, 0x09],
            0x35,
            "00201506093535b00011c49ac91ab8159ba5b83a54fb6385e0a5e31694f8b215fafc",
        ),
        (
            sample_des(),
            [0x06, 0x01],
            0x35,
            "00201506013535b000113190be334900f52b025f3f7eddfe868e96ebf310023b7769",
        ),
        (
            sample_aes(),
            [0x06, 0x19],
            0x22,
            "00281506192222b00011e87cceebb2d93083011ce294f93fc4d8de80da1abae8c37ca3e72ec4432e5058",
        ),
    ] {
        both_ways(&keys, header(spi, indication, USIM_RFM), 0, "00a40004023f00", packet);
    }
    let tar = [0xB0, 0, 0];
    // Ciphered without check.
    let packet = "00180d04193535b00000e3ec80a849b554421276af3883927c20";
    both_ways(&triple_des(), header([0x04, 0x19], 0x35, tar), 0, "00a40000023f00", packet);
    // Not ciphered: pySim prints these two without the CPL, which the CC covers.
    let packet = "001d 1502193535b00000000000000000072ea17bdb72060e00a40000023f00";
    both_ways(&triple_des(), header([0x02, 0x19], 0x35, tar), 0, "00a40000023f00", packet);
    let packet = "0015 0d00193535b0000000000000000000a40000023f00";
    both_ways(&triple_des(), header([0x00, 0x19], 0x35, tar), 0, "00a40000023f00", packet);
}

#[test]
fn published_response_packets() {
    let answer = |data: &str| bytes(data);
    for (keys, spi, indication, secured, packet, data) in [
        (
            sample_des(),
            0x19,
            0x35,
            true,
            "027100001c12b000118bb989492c632529326a2f4681feb37c825bc9021c9f6d0b",
            "016132",
        ),
        (sample_des(), 0x09, 0x35, true, "027100001612b0001100000000000000b5bcd6353a421fae016132", "016132"),
        (sample_des(), 0x01, 0x35, true, "027100000e0ab0001100000000000000016132", "016132"),
        (
            sample_aes(),
            0x19,
            0x22,
            true,
            "027100002412b00011ebc6b497e2cad7aedf36ace0e3a29b38853f0fe9ccde81913be5702b73abce1f",
            "016132",
        ),
        (
            triple_des(),
            0x19,
            0x35,
            true,
            "027100001c12b000119660ebdb81be189b5e4389e9e7ab2bc0954f963ad869ed7c",
            "01612f",
        ),
        (triple_des(), 0x09, 0x35, true, "027100001612b000110000000000000055f47118381175fb01612f", "01612f"),
        (triple_des(), 0x19, 0x35, false, "027100000e0ab000110000000000000001612f", "01612f"),
    ] {
        let header = header([0x06, spi], indication, USIM_RFM);
        let response =
            Response::open(&bytes(packet), &header, &keys, secured).unwrap_or_else(|_| panic!("{packet}"));
        assert_eq!(response.status, ResponseStatus::OK);
        assert_eq!(response.tar, Tar(USIM_RFM));
        assert_eq!(response.data, answer(data));
        if secured {
            assert_eq!(response.seal(&header, &keys).unwrap(), bytes(packet));
        }
    }
    let forged = bytes("027100001612b000110000000000000055f47118381175fb02612f");
    assert!(Response::open(&forged, &header([0x06, 0x09], 0x35, USIM_RFM), &triple_des(), true).is_err());
}

#[test]
fn security_parameters_read_and_write() {
    for first in 0..0x20 {
        for second in 0..0x40 {
            match Spi::from_bytes([first, second]) {
                Some(spi) => assert_eq!(spi.to_bytes(), [first, second]),
                None => assert_eq!(second & 0x03, 0x03),
            }
        }
    }
    let spi = Spi::from_bytes([0x16, 0x39]).unwrap();
    let expected = Spi {
        integrity: Integrity::Checksum,
        ciphered: true,
        counter: CounterMode::Higher,
        por: Por::Always,
        por_integrity: Integrity::Checksum,
        por_ciphered: true,
        por_by_submit: true,
    };
    assert_eq!(spi, expected);
    assert!(spi.reaches(0x02) && spi.reaches(0x16) && spi.reaches(0x0D));
    assert!(!spi.reaches(0x1E) && !spi.reaches(0x03));
    assert!(!Spi::from_bytes([0x12, 0]).unwrap().reaches(0x06));
    assert!(!Spi::from_bytes([0x01, 0]).unwrap().reaches(0x02));
}

/// ETSI TS 102 225 §5.1.4.
#[test]
fn counters_go_up() {
    use CounterMode::{Higher, Next, None as Absent, Unchecked};
    for (mode, received, last, expected) in [
        (Absent, 0, 9, Ok(None)),
        (Unchecked, 3, 9, Ok(None)),
        (Higher, 10, 9, Ok(Some(10))),
        (Higher, 99, 9, Ok(Some(99))),
        (Higher, 9, 9, Err(ResponseStatus::COUNTER_LOW)),
        (Higher, 0, 9, Err(ResponseStatus::COUNTER_LOW)),
        (Next, 10, 9, Ok(Some(10))),
        (Next, 11, 9, Err(ResponseStatus::COUNTER_HIGH)),
        (Next, 9, 9, Err(ResponseStatus::COUNTER_LOW)),
        (Higher, MOST_COUNTER, MOST_COUNTER, Err(ResponseStatus::COUNTER_BLOCKED)),
        (Next, 0, MOST_COUNTER, Err(ResponseStatus::COUNTER_BLOCKED)),
    ] {
        assert_eq!(check_counter(mode, received, last), expected, "{mode:?} {received} {last}");
    }
}

/// CRC 32: 470B99F4, CRC 16: 22EC over 01 to 05 (ETSI TS 102 225 §5.1.3.2).
#[test]
fn redundancy_checks() {
    assert_eq!(packet::crc16(&[1, 2, 3, 4, 5]), 0x22EC);
    assert_eq!(crc32fast::hash(&[1, 2, 3, 4, 5]), 0x470B_99F4);
    for (kid, len) in [(0x01, 2), (0x05, 4)] {
        let header = Header { spi: Spi::from_bytes([0x01, 0x05]).unwrap(), kic: 0, kid, tar: Tar([1, 2, 3]) };
        let command = Command { header, counter: 7, data: Zeroizing::new(vec![9; 4]) };
        let none = Keyset::default();
        let mut sealed = command.seal(&none).unwrap();
        assert_eq!(sealed.len(), 3 + 7 + 6 + len + 4);
        assert!(Command::open(&sealed, &none).is_ok_and(|opened| opened == command));
        sealed[20] ^= 1;
        assert_eq!(Command::open(&sealed, &none).err(), Some(ResponseStatus::INTEGRITY_FAILED));
    }
}

#[test]
fn every_key_length_opens_what_it_sealed_and_nothing_else() {
    for (kind, len, mac_len) in [
        (KeyKind::Des, 8, 8),
        (KeyKind::Des, 16, 8),
        (KeyKind::Des, 24, 8),
        (KeyKind::Aes, 16, 8),
        (KeyKind::Aes, 24, 4),
        (KeyKind::Aes, 32, 8),
    ] {
        let key = |seed: u8| Key::new(kind, &(seed..).take(len).collect::<Vec<u8>>(), mac_len).unwrap();
        let keys = Keyset { kic: Some(key(1)), kid: Some(key(60)) };
        let indication = 0x10 | key(1).algorithm();
        let header = header([0x1E, 0x39], indication, [1, 2, 3]);
        for data_len in 0..20 {
            let command =
                Command { header, counter: 5, data: Zeroizing::new(vec![data_len; data_len.into()]) };
            let sealed = command.seal(&keys).unwrap();
            assert!(Command::open(&sealed, &keys).is_ok_and(|opened| opened == command));
            for at in 10..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 0x80;
                assert!(Command::open(&changed, &keys).is_err());
            }
            for end in 0..sealed.len() {
                assert!(Command::open(&sealed[..end], &keys).is_err());
            }
        }
        assert!(Key::new(kind, &[0; 15], 8).is_none());
    }
    // A key is for one algorithm.
    let wrong = header([0x06, 0x00], 0x32, USIM_RFM);
    let command = Command { header: wrong, counter: 0, data: Zeroizing::default() };
    assert!(command.seal(&triple_des()).is_err());
}

/// openssl: `openssl enc -aes-256-cbc -K … -iv 0 -nopad`, `openssl mac -cipher
/// AES-256-CBC CMAC`, `openssl enc -des-ede3-cbc`.
#[test]
fn long_keys_by_another_implementation() {
    for (kind, len, indication, packet) in [
        (
            KeyKind::Aes,
            32,
            0x12,
            "00281516391212b00140b2bab0957c730d79f8ef433df9c42141fd773ce45d28dcde0a6ba211b8c3f1ba
             ",
        ),
        (
            KeyKind::Aes,
            24,
            0x12,
            "00281516391212b00140aca0c0883b55a6d4f6c71deaa3c0798c90dc95dd173adbb9495c748aa335abe8
             ",
        ),
        (
            KeyKind::Des,
            24,
            0x19,
            "00281516391919b00140108e4b207e2aa5c907467232bc48bddb3a76a88f166e4af1b66f2b1129b10ebc
             ",
        ),
    ] {
        let key = |seed: u8| Key::new(kind, &(seed..).take(len).collect::<Vec<u8>>(), 8);
        let keys = Keyset { kic: key(0x01), kid: key(0x41) };
        let header = header([0x16, 0x39], indication, [0xB0, 0x01, 0x40]);
        both_ways(&keys, header, 0x0102, "00a40004023f00 00a40004027f10", packet);
    }
}

/// TS 23.040 §9.2: a message to the card as a service centre makes it.
#[test]
fn a_message_of_one_part() {
    let tpdu = bytes(
        "4005812143f57ff6240512151730002502700000201506091515b00000c08f58c38860acb3a362fffe670ad13759a2a6b4c1a91116",
    );
    let message = Deliver::decode(&tpdu).unwrap();
    assert_eq!(message.originator, bytes("05812143f5"));
    assert_eq!(message.header, [0x70, 0x00]);
    let packet = Reassembly::default().take(message.clone()).unwrap().unwrap();
    assert_eq!(packet, bytes("00201506091515b00000c08f58c38860acb3a362fffe670ad13759a2a6b4c1a91116"));
    let mut again = message.encode(bytes("24051215173000").try_into().unwrap());
    // More messages to send, or none: the service centre's business.
    again[0] &= !0x04;
    assert_eq!(again, tpdu);
    let download = Download { service_centre: Some(&[0x91, 0x44]), tpdu: &tpdu };
    let envelope = download.encode();
    assert_eq!(Download::decode(&envelope), Ok(download));
    assert!(Download::decode(&envelope[..envelope.len() - 1]).is_err());
    // To the terminal, not to the card; without a message.
    assert!(Download::decode(&bytes("D106 82028381 8B00")).is_ok_and(|download| download.tpdu.is_empty()));
    assert!(Download::decode(&bytes("D106 82028382 8B00")).is_err());
    assert!(Download::decode(&bytes("D104 82028381")).is_err());
    // Twenty digits, and more than an address has.
    assert!(Download::decode(&bytes(&format!("D113 82028381 860B91{} 8B00", "21".repeat(10)))).is_ok());
    assert!(Download::decode(&bytes(&format!("D114 82028381 860C91{} 8B00", "21".repeat(11)))).is_err());
}

#[test]
fn a_message_of_several_parts_in_any_order() {
    let packet: Vec<u8> = (0..=255).chain(0..=200).collect();
    let mut parts = deliver(&packet, &bytes("05812143f5"), 7);
    assert_eq!(parts.len(), 4);
    assert!(parts.iter().all(|part| part.header.len() + part.data.len() < 140));
    let mut reassembly = Reassembly::default();
    parts.reverse();
    // A part twice; a part of another message in between.
    assert_eq!(reassembly.take(parts[0].clone()), Ok(None));
    assert_eq!(reassembly.take(parts[0].clone()), Ok(None));
    let other = deliver(&packet, &bytes("05812143f5"), 8);
    assert_eq!(reassembly.take(other[0].clone()), Ok(None));
    let last = parts.pop().unwrap();
    for part in &parts {
        assert_eq!(reassembly.take(part.clone()), Ok(None));
    }
    assert_eq!(reassembly.take(last), Ok(Some(packet.clone())));
    // Two senders at once; of five messages at once the first is forgotten.
    let messages: Vec<Vec<Deliver>> =
        (0..6).map(|number| deliver(&packet, &[2, 0x81, number % 2], number / 2)).collect();
    let mut reassembly = Reassembly::default();
    let mut take = |message: usize, part: usize| reassembly.take(messages[message][part].clone());
    for part in 0..4 {
        for message in [0, 1] {
            assert_eq!(take(message, part), Ok((part == 3).then(|| packet.clone())));
        }
    }
    for message in 0..5 {
        assert_eq!(take(message, 0), Ok(None));
    }
    for part in 1..4 {
        assert_eq!(take(1, part), Ok((part == 3).then(|| packet.clone())));
    }
    for part in 1..4 {
        assert_eq!(take(0, part), Ok(None));
    }
    // A part that came twice is not taken for one of the message that has its number next time.
    let long = |reference: u8, first: u8| {
        let packet: Vec<u8> = (0..200).map(|at| first ^ at).collect();
        (deliver(&packet, &[2, 0x81, 0], reference), packet)
    };
    let mut reassembly = Reassembly::default();
    for round in 0..3 {
        for reference in 0..=255 {
            let (parts, packet) = long(reference, round);
            assert_eq!(reassembly.take(parts[0].clone()), Ok(None), "{round} {reference}");
            assert_eq!(reassembly.take(parts[1].clone()), Ok(Some(packet)), "{round} {reference}");
            if reference % 100 == 7 {
                assert_eq!(reassembly.take(parts[1].clone()), Ok(None));
            }
        }
    }
    // Numbers that cannot be; sixteen bit references.
    for header in ["0003 07 0201 00", "0003070200", "0003070203", "000307FF01"] {
        let part = Deliver { originator: vec![0, 0x81], header: bytes(header), data: vec![1] };
        assert!(reassembly.take(part).is_err(), "{header}");
    }
    let part = Deliver { originator: vec![0, 0x81], header: bytes("0804 0007 01 01 7000"), data: vec![1] };
    assert_eq!(reassembly.take(part), Ok(Some(vec![1])));
}

#[test]
fn an_answer_goes_back_by_itself() {
    let tpdu = submit(&bytes("05812143f5"), &bytes("027100000b0ab0000000000000010002")).unwrap();
    assert_eq!(tpdu, bytes("4100 05812143f5 00f6 10 027100000b0ab0000000000000010002"));
    assert!(submit(&[0, 0x81], &[0; 141]).is_err());
}

/// pySim, `ExpandedCmdTestCase`, `ExpandedRespTestCase`, `ExpandedIndefiniteTestCase`.
#[test]
fn published_scripts() {
    let commands = [bytes("80f24002024f0000"), bytes("00a40004023f0000")];
    let encoded = Script::encode(Format::Definite, &commands);
    assert_eq!(encoded, bytes("aa14220880f24002024f0000220800a40004023f0000"));
    assert_eq!(Script::decode(&encoded).commands, commands);
    let commands = [bytes("00a4000c023f00"), bytes("00a4000c022fe2"), bytes("00b000000a")];
    let encoded = Script::encode(Format::Indefinite, &commands);
    assert_eq!(encoded, bytes("ae80220700a4000c023f00220700a4000c022fe2220500b000000a0000"));
    let script = Script::decode(&encoded);
    assert_eq!((script.format, script.fault), (Format::Indefinite, None));
    assert_eq!(script.commands, commands);
    let compact = Script::encode(Format::Compact, &commands);
    assert_eq!(Script::decode(&compact).commands, commands);

    for (format, text, answers) in [
        (Format::Definite, "ab0780010123026132", vec![("", 0x6132)]),
        (
            Format::Indefinite,
            "af802302900023029000230c988812010000408608149000 0000",
            vec![("", 0x9000), ("", 0x9000), ("98881201000040860814", 0x9000)],
        ),
        (Format::Compact, "01612f", vec![("", 0x612F)]),
    ] {
        let outcome = Outcome {
            executed: answers.len() as u32,
            answers: answers.iter().map(|(data, sw)| (bytes(data), *sw)).collect(),
            fault: None,
        };
        assert_eq!(outcome.encode(format), bytes(text));
        assert_eq!(Outcome::decode(format, &bytes(text)), Ok(outcome));
    }
    for (text, fault) in [("ab06800101900101", Fault::UnknownTag), ("ab06800101830102", Fault::Chaining)] {
        let outcome = Outcome { executed: 1, answers: Vec::new(), fault: Some(fault) };
        assert_eq!(outcome.encode(Format::Definite), bytes(text));
        assert_eq!(Outcome::decode(Format::Definite, &bytes(text)), Ok(outcome));
    }
    assert!(Outcome::decode(Format::Indefinite, &bytes("af8023029000")).is_err());
}

#[test]
fn scripts_that_break_off() {
    for (text, commands, fault) in [
        ("", 0, None),
        ("00a40004023f00 00", 1, Some(Fault::WrongLength)),
        ("00a40004033f00", 0, Some(Fault::WrongLength)),
        ("00b00000ff 00c0000010", 2, None),
        ("aa0522070000", 0, Some(Fault::WrongLength)),
        ("aa04 22021234 00", 0, Some(Fault::WrongLength)),
        ("aa07 22021234 810181", 1, Some(Fault::UnknownTag)),
        ("aa07 22021234 830100", 1, Some(Fault::Chaining)),
        ("ae80 22021234", 1, Some(Fault::LengthNotFound)),
        ("ae04 22021234", 0, Some(Fault::LengthNotFound)),
    ] {
        let data = bytes(text);
        let script = Script::decode(&data);
        assert_eq!((script.commands.len(), script.fault), (commands, fault), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(Script::decode(&data));
        drop(Command::open(&data, &triple_des()));
        drop(Command::open(&data, &sample_aes()));
        prop_assert!(Download::decode(&data).is_err() || data[0] == 0xD1);
        for format in [Format::Compact, Format::Definite, Format::Indefinite] {
            drop(Outcome::decode(format, &data));
        }
        let mut reassembly = Reassembly::default();
        if let Ok(message) = Deliver::decode(&data) {
            drop(reassembly.take(message));
        }
        let header = header([0x06, 0x19], 0x35, USIM_RFM);
        drop(Response::open(&[&[2, 0x71, 0][..], &data].concat(), &header, &triple_des(), true));
    }
}
