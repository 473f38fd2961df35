//! Whatever comes in: no panic, no end that is never reached, and what is built is what is read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod common;

use ccid::atr::{Atr, Protocol};
use ccid::descriptor::{ClassDescriptor, Identity, Level, Voltages, interfaces};
use ccid::message::{Message, Notice, Start};
use ccid::model::{Card, CardDesign, Design, Fault, Reader};
use ccid::t1::{Block, Edc, Supervisory};
use ccid::{Effect, Event, Options, Procedure, Step};
use common::{Echo, atr_of, connected, designs, pattern};
use proptest::prelude::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn some() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) }
}

fn block() -> impl Strategy<Value = Block> {
    let data = proptest::collection::vec(any::<u8>(), 0..=254);
    let supervisory = prop_oneof![
        any::<bool>().prop_map(|response| Block::S { kind: Supervisory::Resynch, response, value: None }),
        any::<bool>().prop_map(|response| Block::S { kind: Supervisory::Abort, response, value: None }),
        any::<(bool, u8)>().prop_map(|(response, v)| Block::S {
            kind: Supervisory::Ifs,
            response,
            value: Some(v)
        }),
        any::<(bool, u8)>().prop_map(|(response, v)| Block::S {
            kind: Supervisory::Wtx,
            response,
            value: Some(v)
        }),
    ];
    prop_oneof![
        (any::<bool>(), any::<bool>(), data).prop_map(|(number, more, data)| Block::I { number, more, data }),
        supervisory,
    ]
}

/// A reader that answers a driver with whatever there is: bytes in pieces, or messages that
/// look like answers.
fn perform(effect: &Effect, bytes: &mut &[u8], last: &mut Vec<u8>) -> Event {
    let Some((&what, rest)) = bytes.split_first() else { return Event::Unplugged };
    *bytes = rest;
    let mut take = |most: usize| {
        let (now, later) = bytes.split_at(most.min(bytes.len()));
        *bytes = later;
        now.to_vec()
    };
    match effect {
        Effect::BulkOut { data, .. } => {
            *last = data.clone();
            if what == 0 { Event::Stall } else { Event::Sent }
        }
        Effect::BulkIn { length: size, .. } => match what {
            0 => Event::Stall,
            1 => Event::Timeout,
            2..=15 => Event::Received(take(usize::from(what))),
            _ => {
                // The right slot and number, all else as it comes.
                let data = take(usize::from(what) % 40);
                let head = take(4);
                let at = |i: usize| head.get(i).copied().unwrap_or_default();
                let numbers = last.get(5..7).unwrap_or(&[0, 0]);
                let length = (data.len() as u32).to_le_bytes();
                let kind = 0x80 | at(0) & 7;
                let answer = [&[kind][..], &length, numbers, &[at(1) & 0xC3, at(2), at(3)], &data].concat();
                Event::Received(answer[..answer.len().min(*size)].to_vec())
            }
        },
        Effect::ControlIn { length, .. } => {
            Event::Received(take(usize::from(*length).min(usize::from(what))))
        }
        Effect::InterruptIn { .. } => Event::Received(take(8)),
        _ => Event::Continue,
    }
}

fn finish<T: 'static>(mut procedure: Procedure<T>, mut bytes: &[u8]) {
    let (mut event, mut last) = (Event::Begin, Vec::new());
    for _ in 0..100_000 {
        match procedure.resume(event) {
            Step::Do(effect) => event = perform(&effect, &mut bytes, &mut last),
            Step::Done(_) => return,
        }
    }
    unreachable!("no end");
}

proptest! {
    #![proptest_config(some())]

    #[test]
    fn bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(atr) = Atr::parse(&bytes) {
            prop_assert!(atr.bytes().len() <= 33 && bytes.starts_with(atr.bytes()));
            let _ = (atr.protocols(), atr.factors(), atr.historical(), atr.classes(), atr.ifsc());
        }
        for edc in [Edc::Lrc, Edc::Crc] {
            if let Ok(block) = Block::parse(&bytes, edc) {
                prop_assert_eq!(block.to_vec(edc), bytes.clone());
            }
        }
        let _ = (interfaces(&bytes), Identity::parse(&bytes), Notice::parse(&bytes));
        if let Ok(Start::Whole(message, length)) = Message::parse(&bytes, 300) {
            prop_assert_eq!(message.to_vec(), &bytes[..length]);
        }
        if let Ok(descriptor) = ClassDescriptor::parse(&bytes) {
            prop_assert_eq!(descriptor.to_vec(), &bytes[..54]);
        }
    }

    /// An answer to reset made of parts is read as those parts; with one bit changed, its check
    /// character tells.
    #[test]
    fn answers_to_reset_are_what_they_are_made_of(
        ta1 in any::<Option<u8>>(), tc1 in any::<Option<u8>>(), ta3 in any::<Option<u8>>(),
        historical in proptest::collection::vec(any::<u8>(), 0..=15), bit in 8_usize..64,
    ) {
        let y = |a: Option<u8>, c: Option<u8>| u8::from(a.is_some()) << 4 | u8::from(c.is_some()) << 6;
        let mut bytes = vec![0x3B, y(ta1, tc1) | 0x80 | historical.len() as u8];
        bytes.extend(ta1.into_iter().chain(tc1));
        bytes.extend([0x81, y(ta3, None) | 1]);
        bytes.extend(ta3);
        bytes.extend(&historical);
        bytes.push(bytes[1..].iter().fold(0, |sum, byte| sum ^ byte));
        let atr = Atr::parse(&bytes).unwrap();
        prop_assert_eq!((atr.ta1(), atr.tc1(), atr.protocols()), (ta1, tc1, vec![Protocol::T1]));
        prop_assert_eq!(atr.historical(), &historical[..]);
        let bit = bit % (bytes.len() * 8);
        if bit >= 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            // Unless the bit makes it one of T=0 alone, which has no check character.
            if let Ok(changed) = Atr::parse(&bytes) {
                prop_assert_eq!(changed.protocols(), [Protocol::T0]);
            }
        }
    }

    #[test]
    fn blocks_are_what_they_are_made_of(block in block(), bit in any::<u16>()) {
        for edc in [Edc::Lrc, Edc::Crc] {
            let mut bytes = block.to_vec(edc);
            prop_assert_eq!(Block::parse(&bytes, edc), Ok(block.clone()));
            let bit = usize::from(bit) % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Block::parse(&bytes, edc).is_err());
        }
    }

    /// A driver whose reader is mad.
    #[test]
    fn a_driver_comes_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..600), level in 0..3_usize) {
        let design = Design::new(Level::ALL[level]);
        let reader = interfaces(&design.configuration_descriptor()).unwrap().readers.remove(0);
        let driver = ccid::Driver::new(design.identity, reader, Options::default()).unwrap();
        finish(ccid::discover(), &bytes);
        finish(driver.connect(0), &bytes);
        let mut reader = Reader::with(design, Echo::new(common::OSEID), CardDesign::default());
        let options = Options { protocol: Some(if level % 2 == 0 { Protocol::T1 } else { Protocol::T0 }), ..Options::default() };
        let (driver, _) = connected(&mut reader, options);
        finish(driver.transmit(0, &[0x80, 0xE2, 0, 0, 2, 1, 2, 0]), &bytes);
        finish(driver.notice(), &bytes);
        finish(driver.connect(0), &bytes);
    }

    /// A reader whose host is mad: it answers, and can be used afterwards.
    #[test]
    fn a_reader_takes_anything(messages in proptest::collection::vec(
        (any::<u8>(), any::<[u8; 3]>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..20), level in 0..3_usize
    ) {
        let mut reader = Reader::with(Design::new(Level::ALL[level]), Echo::new(common::OSEID), CardDesign::default());
        let kinds = [0x61, 0x62, 0x63, 0x65, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x6F, 0x6F, 0x72];
        for (kind, specific, data) in messages {
            let kind = kinds.get(usize::from(kind) % 16).copied().unwrap_or(kind);
            let message = Message { kind, slot: 0, sequence: 0, specific, data };
            reader.perform(&Effect::BulkOut { endpoint: 1, data: message.to_vec() });
            let wait = std::time::Duration::from_secs(600);
            reader.perform(&Effect::BulkIn { endpoint: 0x82, length: 512, timeout: wait });
        }
        let (driver, _) = connected(&mut reader, Options::default());
        let answer = common::transmit(&mut reader, &driver, "80E2000002AABB00");
        prop_assert_eq!(answer.unwrap(), [0xBB, 0xAA, 0x90, 0x00]);
    }

    /// Commands of every length, through every kind of reader, with whatever goes wrong that can
    /// be overcome: the card's answer, and each command done once.
    #[test]
    fn what_can_be_overcome_is(
        design in 0..7_usize, t1 in any::<bool>(), ifsc in proptest::option::of(1_u8..=254),
        lengths in proptest::collection::vec(0..=255_usize, 1..5),
        faults in proptest::collection::vec((0..6_usize, 1..=2_u32), 0..5),
    ) {
        let (name, design) = designs().remove(design);
        let protocol = if t1 { Protocol::T1 } else { Protocol::T0 };
        let card_design = CardDesign { asks_ifsc: ifsc, one_by_one: ifsc.is_some(), voltages: Voltages(6), ..CardDesign::default() };
        let mut reader = Reader::with(design, Echo::new(atr_of(protocol)), card_design);
        let (driver, _) = connected(&mut reader, Options::default());
        let mut faults = faults.into_iter();
        for length in &lengths {
            reader.mend();
            match faults.next() {
                Some((0, count)) => reader.fail(Fault::Parity(count)),
                Some((1, count)) if t1 => reader.fail(Fault::Garbled(count)),
                Some((2, count)) if t1 => reader.fail(Fault::Mute(count)),
                Some((3, count)) => reader.fail(Fault::ShortReads(count as usize)),
                Some((4, count)) => reader.fail(Fault::ZeroLength(count)),
                Some((5, _)) => reader.fail(Fault::Stale),
                _ => {}
            }
            let data = pattern(*length);
            let mut command = vec![0x80, 0xE2, 0x00, 0x00];
            if *length > 0 {
                command.push(*length as u8);
                command.extend(&data);
            }
            command.push(0);
            let expected: Vec<u8> = data.iter().rev().copied().chain([0x90, 0x00]).collect();
            let result = reader.drive(driver.transmit(0, &command));
            prop_assert_eq!(result, Ok(expected), "{} {:?} {}", name, protocol, length);
        }
        let log: Vec<usize> = reader.card(0).unwrap().log.iter().map(Vec::len).collect();
        prop_assert_eq!(log.len(), lengths.len(), "{:?}", log);
    }
}

/// The model's own trait is enough to be a card.
#[test]
fn a_card_is_two_functions() {
    struct Silent;
    impl Card for Silent {
        fn reset(&mut self) -> Vec<u8> {
            vec![0x3B, 0x00]
        }
        fn transmit(&mut self, _: &[u8]) -> Vec<u8> {
            Vec::new()
        }
    }
    let mut reader = Reader::with(Design::new(Level::Tpdu), Silent, CardDesign::default());
    let (driver, _) = connected(&mut reader, Options::default());
    // A card that says nothing is made to say something.
    assert_eq!(common::transmit(&mut reader, &driver, "00200001").unwrap(), [0x6F, 0x00]);
}
