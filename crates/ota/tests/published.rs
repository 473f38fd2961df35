//! Packets that others made: the test values of Osmocom's pySim (tests/unittests/test_ota.py,
//! recorded from cards of sysmocom and their 3DES and AES-128 keysets), and values of the same
//! keys published with a tool on top of it.

use ota::script::{Executed, Script};
use ota::{CommandPacket, Key, Keys, Receipt, Spi, Status};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn keys(kind: u8, kic: &str, kid: &str) -> Keys {
    let key = |text: &str| Key::new(kind, &vectors::bytes(text), 8);
    Keys { kic: key(kic), kid: key(kid) }
}

fn aes() -> Keys {
    keys(Key::TYPE_AES, "200102030405060708090a0b0c0d0e0f", "201102030405060708090a0b0c0d0e0f")
}

/// sysmoISIM-SJA5 samples.
fn des() -> Keys {
    keys(Key::TYPE_DES, "300102030405060708090a0b0c0d0e0f", "301102030405060708090a0b0c0d0e0f")
}

/// sysmoISIM-SJA2.
fn older() -> Keys {
    keys(Key::TYPE_DES, "c21dd66acac13cb3bc8b331b24afb57b", "12110c78e678c25408233076aa033615")
}

fn plain() -> Keys {
    keys(Key::TYPE_DES, "00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff")
}

struct Case {
    keys: Keys,
    spi: [u8; 2],
    algorithms: [u8; 2],
    tar: [u8; 3],
    counter: u64,
    data: &'static str,
    packet: &'static str,
}

const CARD: [u8; 3] = [0xB0, 0x00, 0x11];
const OTHER: [u8; 3] = [0xB0, 0x00, 0x00];

fn cases() -> Vec<Case> {
    let case = |keys, spi, algorithms, tar, counter, data, packet| Case {
        keys,
        spi,
        algorithms,
        tar,
        counter,
        data,
        packet,
    };
    let select = "00a40004023f00";
    let old_select = "00a40000023f00";
    vec![
        case(
            des(),
            [0x06, 0x19],
            [0x35; 2],
            CARD,
            0,
            select,
            "00201506193535b00011ae733256918d050b87c94fbfe12e4dc402f262c41cf67f2f",
        ),
        case(
            des(),
            [0x06, 0x09],
            [0x35; 2],
            CARD,
            0,
            select,
            "00201506093535b00011c49ac91ab8159ba5b83a54fb6385e0a5e31694f8b215fafc",
        ),
        case(
            des(),
            [0x06, 0x01],
            [0x35; 2],
            CARD,
            0,
            select,
            "00201506013535b000113190be334900f52b025f3f7eddfe868e96ebf310023b7769",
        ),
        case(
            aes(),
            [0x06, 0x19],
            [0x22; 2],
            CARD,
            0,
            select,
            "00281506192222b00011e87cceebb2d93083011ce294f93fc4d8de80da1abae8c37ca3e72ec4432e5058",
        ),
        case(
            aes(),
            [0x16, 0x19],
            [0x22; 2],
            CARD,
            0x11,
            select,
            "00281516192222b000115a47655527e96e832f1a5c698655715d4331454a0d83952c0ed35245706976b1",
        ),
        case(
            aes(),
            [0x12, 0x09],
            [0x22; 2],
            CARD,
            0x11,
            select,
            "001d1512092222b0001100000000110029826122c7a0b79500a40004023f00",
        ),
        case(
            aes(),
            [0x1E, 0x19],
            [0x22; 2],
            CARD,
            0x11,
            select,
            "0028151e192222b0001118b202ee47a3203e7370861c383b4142e704157b36e5c0eb4bb33eb6036cbaf8",
        ),
        case(
            plain(),
            [0x06, 0x09],
            [0x15; 2],
            OTHER,
            1,
            old_select,
            "00201506091515b00000c08f58c38860acb3a362fffe670ad13759a2a6b4c1a91116",
        ),
        case(
            plain(),
            [0x16, 0x01],
            [0x15; 2],
            OTHER,
            1,
            old_select,
            "00201516011515b00000e42573469e68a8462a57a505b0e2b1c09c1928c7a182311f",
        ),
        case(
            plain(),
            [0x02, 0x09],
            [0x15; 2],
            OTHER,
            1,
            old_select,
            "001d1502091515b0000000000000010085a8ca1a9828b0bb00a40000023f00",
        ),
        // A redundancy check: CRC 32.
        case(
            plain(),
            [0x01, 0x09],
            [0x15; 2],
            OTHER,
            1,
            old_select,
            "00191101091515b0000000000000010050c942dc00a40000023f00",
        ),
        // Ciphered and nothing else.
        case(
            older(),
            [0x04, 0x19],
            [0x35; 2],
            OTHER,
            0,
            old_select,
            "00180D04193535B00000E3EC80A849B554421276AF3883927C20",
        ),
    ]
}

#[test]
fn packets_are_sealed_as_published() {
    for case in cases() {
        let data = vectors::bytes(case.data);
        let sealed =
            CommandPacket::seal(Spi(case.spi), case.algorithms, case.tar, &case.keys, case.counter, &data);
        assert_eq!(sealed.as_ref(), Ok(&vectors::bytes(case.packet)), "{}", case.packet);
    }
}

#[test]
fn published_packets_are_opened() {
    for case in cases() {
        let packet = CommandPacket::parse(&vectors::bytes(case.packet)).unwrap();
        assert_eq!((packet.spi, packet.tar), (Spi(case.spi), case.tar));
        let opened = packet.open(&case.keys).unwrap_or_else(|status| panic!("{}: {status:?}", case.packet));
        assert_eq!((opened.counter, &opened.data[..]), (case.counter, &vectors::bytes(case.data)[..]));
    }
}

#[test]
fn a_changed_packet_is_not_opened() {
    for case in cases().into_iter().filter(|case| case.spi[0] & 0x03 != 0) {
        let bytes = vectors::bytes(case.packet);
        for index in 2..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 0x10;
            let opened = CommandPacket::parse(&changed).map(|packet| packet.open(&case.keys).is_ok());
            assert_ne!(opened, Ok(true), "byte {index} of {}", case.packet);
        }
        for len in 0..bytes.len() {
            assert!(CommandPacket::parse(&bytes[..len]).is_err());
        }
    }
}

#[test]
fn the_status_tells_what_was_wrong() {
    let status =
        |packet: &str, keys: &Keys| CommandPacket::parse(&vectors::bytes(packet)).unwrap().open(keys).err();
    let packet = "00281506192222b00011e87cceebb2d93083011ce294f93fc4d8de80da1abae8c37ca3e72ec4432e5058";
    assert_eq!(status(packet, &aes()), None);
    // Keys of another algorithm, none, and other ones.
    assert_eq!(status(packet, &des()), Some(Status::UNIDENTIFIED_SECURITY_ERROR));
    assert_eq!(status(packet, &Keys::default()), Some(Status::UNIDENTIFIED_SECURITY_ERROR));
    let other = keys(Key::TYPE_AES, "200102030405060708090a0b0c0d0e0f", "201102030405060708090a0b0c0d0e00");
    assert_eq!(status(packet, &other), Some(Status::INTEGRITY_FAILED));
    // A partial block.
    let cut = "00271506192222b00011e87cceebb2d93083011ce294f93fc4d8de80da1abae8c37ca3e72ec4432e50";
    assert_eq!(status(cut, &aes()), Some(Status::CIPHERING_ERROR));
}

#[test]
fn published_receipts_are_opened_and_sealed() {
    let receipt =
        |data: &str| Receipt { tar: CARD, counter: 0, status: Status::OK, data: vectors::bytes(data) };
    for (keys, spi, algorithms, data, bytes) in [
        (
            older(),
            [0x06, 0x19],
            [0x35; 2],
            "01612f",
            "027100001c12b000119660ebdb81be189b5e4389e9e7ab2bc0954f963ad869ed7c",
        ),
        (
            older(),
            [0x06, 0x09],
            [0x35; 2],
            "01612f",
            "027100001612b000110000000000000055f47118381175fb01612f",
        ),
        (older(), [0x06, 0x01], [0x35; 2], "01612f", "027100000e0ab000110000000000000001612f"),
        (
            des(),
            [0x06, 0x19],
            [0x35; 2],
            "016132",
            "027100001c12b000118bb989492c632529326a2f4681feb37c825bc9021c9f6d0b",
        ),
        (des(), [0x06, 0x09], [0x35; 2], "016132", "027100001612b0001100000000000000b5bcd6353a421fae016132"),
        (
            aes(),
            [0x06, 0x19],
            [0x22; 2],
            "016132",
            "027100002412b00011ebc6b497e2cad7aedf36ace0e3a29b38853f0fe9ccde81913be5702b73abce1f",
        ),
    ] {
        let expected = receipt(data);
        let opened = Receipt::open(&vectors::bytes(bytes), Spi(spi), algorithms, &keys);
        assert_eq!(opened.as_ref(), Ok(&expected), "{bytes}");
        assert_eq!(expected.seal(Spi(spi), algorithms, &keys), vectors::bytes(bytes), "{bytes}");
    }
    // The last byte of the checksum changed.
    let wrong = vectors::bytes("027100001612b000110000000000000055f47118381175fb02612f");
    assert!(Receipt::open(&wrong, Spi([0x06, 0x09]), [0x35; 2], &older()).is_err());
}

/// The TPDU around the first packet, as pySim puts it into SMS-DELIVER.
#[test]
fn a_published_short_message_carries_the_packet() {
    let tpdu = vectors::bytes(
        "400881214365877ff6227052000000000302700000201506193535b00011ae733256918d050b87c94fbfe12e4dc402f262c41cf67f2f",
    );
    // That tool writes a TP-UDL of 3, whatever follows.
    assert!(ota::sms::Delivery::parse(&tpdu).is_err());
    let mut tpdu = tpdu;
    tpdu[16] = (tpdu.len() - 17) as u8;
    let delivery = ota::sms::Delivery::parse(&tpdu).unwrap();
    assert!(delivery.is_command_packet);
    assert_eq!(delivery.originator, vectors::bytes("088121436587"));
    let packet = ota::sms::Assembly::default().add(&delivery).unwrap();
    assert!(CommandPacket::parse(&packet).unwrap().open(&des()).is_ok());
}

#[test]
fn long_packets_go_in_parts_in_any_order() {
    let packet: Vec<u8> = (0..=255).cycle().take(500).collect();
    let fragments = ota::sms::fragments(&packet, 7);
    assert_eq!(fragments.len(), 4);
    assert!(fragments.iter().all(|fragment| fragment.len() <= ota::sms::MAX_USER_DATA));
    let tpdus: Vec<Vec<u8>> =
        fragments.iter().map(|data| ota::sms::deliver(&[0x04, 0x81, 0x21, 0x43], data)).collect();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let mut assembly = ota::sms::Assembly::default();
        let mut whole = None;
        for index in order {
            assert_eq!(whole, None);
            whole = assembly.add(&ota::sms::Delivery::parse(&tpdus[index]).unwrap());
        }
        assert_eq!(whole.as_ref(), Some(&packet));
    }
}

/// ETSI TS 102 226 §5.2.1: number executed, last status word, last data.
#[test]
fn scripts_are_read_in_every_format() {
    let select = vectors::bytes("00A40004023F00");
    let read = vectors::bytes("00B000000A");
    let data = [&select[..], &read].concat();
    let compact = Script::parse(&data).unwrap();
    assert_eq!(compact.commands(), [&select[..], &read]);
    let executed = [Executed { data: vec![], sw: 0x611F }, Executed { data: vec![1, 2], sw: 0x9000 }];
    assert_eq!(compact.answer(&executed), vectors::bytes("02 9000 0102"));
    for (data, answer) in [
        ("AA 10 22 07 00A40004023F00 22 05 00B000000A", "AB 0D 800102 2302611F 230401029000"),
        ("AE 80 22 07 00A40004023F00 22 05 00B000000A 0000", "AF 80 800102 2302611F 230401029000 0000"),
    ] {
        let data = vectors::bytes(data);
        let script = Script::parse(&data).unwrap();
        assert_eq!(script.commands(), [&select[..], &read]);
        assert_eq!(script.answer(&executed), vectors::bytes(answer));
    }
    for wrong in ["00A4", "00A40004023F", "AA0322", "AE80220100", "AA0622050000"] {
        assert!(Script::parse(&vectors::bytes(wrong)).is_err(), "{wrong}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_is_sealed_opens(
        spi in proptest::array::uniform2(0u8..0x20),
        counter in 0u64..=ota::Counter::LAST,
        data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        long in proptest::prelude::any::<bool>(),
    ) {
        let (keys, kid) = if long { (aes(), 0x12) } else { (des(), 0x15) };
        let kid = if spi[0] & 0x03 == 1 { 0x11 } else { kid };
        let sealed = CommandPacket::seal(Spi(spi), [0x10, kid], CARD, &keys, counter, &data);
        if spi[0] & 0x03 == 3 {
            proptest::prop_assert!(sealed.is_err());
        } else {
            let packet = CommandPacket::parse(&sealed.unwrap()).unwrap();
            let opened = packet.open(&keys).ok().unwrap();
            proptest::prop_assert_eq!((opened.counter, &opened.data[..]), (counter, &data[..]));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        if let Ok(packet) = CommandPacket::parse(&bytes) {
            let _ = packet.open(&aes()).is_ok();
        }
        if let Ok(delivery) = ota::sms::Delivery::parse(&bytes) {
            ota::sms::Assembly::default().add(&delivery);
        }
        let _ = Script::parse(&bytes);
        let _ = ota::sms::tpdu(&bytes);
        let _ = Receipt::open(&bytes, Spi([0x06, 0x19]), [0x22; 2], &aes());
    }
}
