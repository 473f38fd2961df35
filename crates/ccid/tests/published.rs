//! Against what others published: answers to reset, PPS, blocks, whole sessions.
//!
//! The OsEID session is the log of a Gemalto reader with an OsEID card on Linux, in Peter
//! Popovec's "T1 protocol with CRC" (popovec/oseid, doc/T1_CRC.txt, 2021).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod common;

use std::collections::VecDeque;

use ccid::atr::{Atr, AtrError, Factors, Protocol, pps};
use ccid::descriptor::Level;
use ccid::model::Design;
use ccid::t1::{Block, BlockError, Edc, Fault, Supervisory};
use ccid::{Driver, Effect, Error, Event, Options, Procedure, Step};
use common::OSEID;
use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// ETSI TS 102 221's example shape: a plain UICC and an eUICC, both as test cards answer.
#[test]
fn answers_to_reset_of_uiccs() {
    let uicc = Atr::parse(&bytes("3B9F96801FC78031A073BE21136743200718000001A5")).unwrap();
    assert_eq!(uicc.protocols(), [Protocol::T0]);
    assert_eq!(uicc.factors(), Factors { f: 512, d: 32, ta1: 0x96 });
    assert_eq!((uicc.classes(), uicc.clock_stop()), (Some(7), 3));
    assert_eq!(uicc.historical(), bytes("8031A073BE21136743200718000001"));
    assert!(!uicc.is_euicc() && !uicc.is_inverse());
    assert_eq!((uicc.waiting_integer(), uicc.ta2(), uicc.tc1()), (10, None, None));
    let euicc = Atr::parse(&bytes("3B9F96803F87828031E073FE211F57454375313013 6502")).unwrap();
    assert_eq!(euicc.uicc_byte(), Some(0x82));
    assert!(euicc.is_euicc());
    assert_eq!(euicc.protocols(), [Protocol::T0]);
}

#[test]
fn an_answer_to_reset_with_both_protocols() {
    let atr = Atr::parse(&bytes(OSEID)).unwrap();
    assert_eq!(atr.protocols(), [Protocol::T0, Protocol::T1]);
    assert_eq!((atr.ta1(), atr.tc1()), (Some(0x96), Some(2)));
    assert_eq!((atr.ifsc(), atr.bwi_cwi(), atr.uses_crc()), (254, 0x65, true));
    assert_eq!(atr.historical(), b"OsEID");
}

/// Without TD1 a card has T=0 and no check character (ISO 7816-3 §8.2.3, §8.2.5).
#[test]
fn the_shortest_answers_to_reset() {
    let atr = Atr::parse(&bytes("3B00")).unwrap();
    assert_eq!(atr.protocols(), [Protocol::T0]);
    assert_eq!(atr.factors(), Factors::DEFAULT);
    assert!(Atr::parse(&bytes("3F00")).unwrap().is_inverse());
    for (hex, error) in [
        ("", AtrError::Truncated),
        ("3B", AtrError::Truncated),
        ("3C00", AtrError::Ts(0x3C)),
        ("3B02AA", AtrError::Truncated),
        ("3B80", AtrError::Truncated),
        // T=1 and no check character.
        ("3B8001", AtrError::Truncated),
        ("3B800180", AtrError::Tck),
        ("3B0000AA", AtrError::TooLong),
        // T=15 first; T=0 after T=15.
        ("3B800F8F", AtrError::Protocols),
        ("3B80801F00008F", AtrError::TooLong),
    ] {
        assert_eq!(Atr::parse(&bytes(hex)), Err(error), "{hex}");
    }
    // TD without end.
    let endless = [&[0x3B, 0x80][..], &[0x81; 40]].concat();
    assert_eq!(Atr::parse(&endless), Err(AtrError::TooLong));
    assert_eq!(Atr::parse(&endless[..33]), Err(AtrError::Truncated));
}

#[test]
fn pps_as_it_was_on_the_wire() {
    let asked = pps::request(Protocol::T1, Factors::from_ta1(0x96).unwrap());
    assert_eq!(asked, bytes("FF119678"));
    assert_eq!(pps::agreed(&asked, &asked), Factors::from_ta1(0x96));
    // §9.3: without PPS1 the default is agreed on; another protocol, a wrong check, more than
    // was asked for: nothing is.
    assert_eq!(pps::agreed(&asked, &bytes("FF01FE")), Some(Factors::DEFAULT));
    for wrong in ["FF109679", "FF119679", "FF1195 7B", "FF3196 00 58", "FF", "", "FF1196"] {
        assert_eq!(pps::agreed(&asked, &bytes(wrong)), None, "{wrong}");
    }
    assert_eq!(pps::request(Protocol::T1, Factors::DEFAULT), bytes("FF01FE"));
}

#[test]
fn factors_and_rates() {
    let rate = |ta1, khz| Factors::from_ta1(ta1).map(|factors| factors.rate(khz));
    // 9,600 baud at 3.5712 MHz is what the default was made for; sixteen times that.
    assert_eq!(rate(0x11, 3571), Some(9599));
    assert_eq!(rate(0x95, 4915), Some(153_593));
    // The log: "Set speed to 300000 bauds" at 4.8 MHz, "231250 bauds" at 3.7 MHz.
    assert_eq!(rate(0x96, 4800), Some(300_000));
    assert_eq!(rate(0x96, 3700), Some(231_250));
    for reserved in [0x70, 0x80, 0xE1, 0xF1, 0x10, 0x1A] {
        assert_eq!(rate(reserved, 4000), None, "{reserved:02X}");
    }
}

/// S(IFS request) and its response with LRC, as everywhere; with CRC, from the log.
#[test]
fn blocks_as_they_were_on_the_wire() {
    let ifs = |response| Block::S { kind: Supervisory::Ifs, response, value: Some(0xFE) };
    let i = |number, more, data: &str| Block::I { number, more, data: bytes(data) };
    let r = |number| Block::R { number, error: Fault::None };
    for (edc, hex, block) in [
        (Edc::Lrc, "00C101FE3E", ifs(false)),
        (Edc::Lrc, "00E101FE1E", ifs(true)),
        (Edc::Crc, "00C101FE544E", ifs(false)),
        (Edc::Crc, "00E101FE5775", ifs(true)),
        (Edc::Crc, "00000500A4000000B8DA", i(false, false, "00A4000000")),
        (
            Edc::Crc,
            "0020146F1781027FFF82013883023F008603113FFF85021029",
            i(false, true, "6F1781027FFF82013883023F008603113FFF8502"),
        ),
        (Edc::Crc, "009000206E", r(true)),
        (Edc::Crc, "00600700028A01AA9000A633", i(true, true, "00028A01AA9000")),
        (Edc::Crc, "008000B5FF", r(false)),
        (Edc::Crc, "0000003933", i(false, false, "")),
    ] {
        assert_eq!(Block::parse(&bytes(hex), edc), Ok(block.clone()), "{hex}");
        assert_eq!(block.to_vec(edc), bytes(hex), "{hex}");
    }
    for (hex, error) in [
        ("", BlockError::Garbled),
        ("00C101FE3F", BlockError::Garbled),
        ("00C102FE3D", BlockError::Garbled),
        // A node address; a reserved bit of an I-block; of an R-block; S of no kind; a size of
        // two bytes; RESYNCH with a byte.
        ("11000011", BlockError::Invalid),
        ("00010001", BlockError::Invalid),
        ("00840084", BlockError::Invalid),
        ("00C400C4", BlockError::Invalid),
        ("00C102FEFEC3", BlockError::Invalid),
        ("00C001FF3E", BlockError::Invalid),
    ] {
        assert_eq!(Block::parse(&bytes(hex), Edc::Lrc), Err(error), "{hex}");
    }
}

/// The whole session of the log, message by message: what the driver sends is what was sent
/// (but for the numbers), and what it makes of the answers is what was made of them. The reader
/// left PPS, parameters and blocks to the host; its IccPowerOn had 0 (automatic) where this one
/// asks for the lowest voltage.
#[test]
fn a_whole_session_with_a_real_reader_and_card() {
    let mut design = Design::new(Level::Tpdu);
    design.reader.default_clock = 4800;
    let device = common::reader(design, OSEID).drive(ccid::discover()).unwrap();
    let options = Options { protocol: Some(Protocol::T1), ..Options::default() };
    let driver = Driver::new(device.identity, device.readers[0].clone(), options).unwrap();
    // Without the length and the numbers: kind, bytes 7 to 9, data.
    let script = [
        ("65 000000", "81 010000"),
        ("62 030000", "80 000000 3BD596028071FE65014F734549445E"),
        ("6F 000000 FF119678", "80 000000 FF119678"),
        ("61 010000 96110265 00FE00", "82 000001 96110265 00FE00"),
        ("6F 000000 00C101FE544E", "80 000000 00E101FE5775"),
        ("6F 000000 00000500A4000000B8DA", "80 000000 0020146F1781027FFF82013883023F008603113FFF85021029"),
        ("6F 000000 009000206E", "80 000000 00600700028A01AA9000A633"),
        ("6F 000000 008000B5FF", "80 000000 0000003933"),
    ];
    let mut reader = Recorded { script: script.into(), answer: Vec::new() };
    let connection = reader.drive(driver.connect(0)).unwrap();
    assert_eq!((connection.protocol, connection.factors.ta1), (Protocol::T1, 0x96));
    let response = reader.drive(driver.transmit(0, &bytes("00A4000000"))).unwrap();
    assert_eq!(response, bytes("6F1781027FFF82013883023F008603113FFF850200028A01AA9000"));
    assert_eq!(reader.script.len(), 0);
}

/// A reader that answers as it did once, and insists on the same questions.
struct Recorded {
    script: VecDeque<(&'static str, &'static str)>,
    answer: Vec<u8>,
}

impl Recorded {
    fn drive<T: 'static>(&mut self, mut procedure: Procedure<T>) -> Result<T, Error> {
        let mut event = Event::Begin;
        loop {
            match procedure.resume(event) {
                Step::Do(effect) => event = self.perform(effect),
                Step::Done(result) => return result,
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Event {
        match effect {
            Effect::BulkOut { data, .. } => {
                let (sent, reply) = self.script.pop_front().unwrap();
                let (sent, reply) = (bytes(sent), bytes(reply));
                assert_eq!((data[0], &data[7..10], &data[10..]), (sent[0], &sent[1..4], &sent[4..]));
                let length = ((reply.len() - 4) as u32).to_le_bytes();
                self.answer = [&reply[..1], &length, &data[5..7], &reply[1..]].concat();
                Event::Sent
            }
            Effect::BulkIn { length, .. } => {
                let now = length.min(self.answer.len());
                Event::Received(self.answer.drain(..now).collect())
            }
            Effect::ControlIn { .. } => Event::Stall,
            _ => Event::Continue,
        }
    }
}
