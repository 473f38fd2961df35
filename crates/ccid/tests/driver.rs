//! The driver against the reader model: every level, voltage and protocol, and everything that
//! goes wrong between them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod common;

use std::time::Duration;

use ccid::atr::{Factors, Protocol};
use ccid::descriptor::{Features, Identity, Level, Voltage, Voltages};
use ccid::message::{Clock, Icc, Notice};
use ccid::model::{Card, CardDesign, Design, Fault, Reader};
use ccid::{
    Driver, Effect, Error, Event, Options, Parameters, Pipe, Procedure, Report, SlotError, Step, T1Error,
    discover,
};
use common::{Echo, T0, T1, atr_of, connected, designs, driver, pattern, reader, transmit};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn ok(mut data: Vec<u8>) -> Vec<u8> {
    data.extend([0x90, 0x00]);
    data
}

/// The four cases, and answers that T=0 has in pieces.
fn all_cases(reader: &mut Reader<Echo>, driver: &Driver, context: &str) {
    let mut send = |command: &str| transmit(reader, driver, command);
    // Case 1.
    assert_eq!(send("00200001").unwrap(), [0x90, 0x00], "{context}");
    // Case 2: exactly so much; more than there is.
    assert_eq!(send("00B0000010").unwrap(), ok(pattern(16)), "{context}");
    assert_eq!(send("00B0000000").unwrap(), ok(pattern(200)), "{context}");
    // Case 3.
    assert_eq!(send("00D6000003010203").unwrap(), [0x90, 0x00], "{context}");
    // Case 4: the shortest, the longest.
    assert_eq!(send("80E2000002AABB00").unwrap(), ok(vec![0xBB, 0xAA]), "{context}");
    let most = format!("81E29100FF{}00", hex(&pattern(255)));
    let reversed: Vec<u8> = pattern(255).into_iter().rev().collect();
    assert_eq!(send(&most).unwrap(), ok(reversed), "{context}");
    // 256 bytes come back.
    assert_eq!(send("008801000101 00").unwrap(), ok(pattern(256)), "{context}");
    // Refused by the card.
    assert_eq!(send("00FF0000").unwrap(), [0x6D, 0x00], "{context}");
    assert_eq!(reader.card(0).unwrap().kept, [1, 2, 3], "{context}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn every_level_with_every_protocol() {
    for (name, design) in designs() {
        for protocol in [Protocol::T0, Protocol::T1] {
            let context = format!("{name}, {protocol:?}");
            let mut reader = reader(design.clone(), atr_of(protocol));
            let (driver, connection) = connected(&mut reader, Options::default());
            assert_eq!(connection.protocol, protocol, "{context}");
            all_cases(&mut reader, &driver, &context);
            assert_eq!(reader.drive(driver.status(0)), Ok(Icc::Active), "{context}");
            reader.drive(driver.disconnect(0)).unwrap();
            assert_eq!(reader.drive(driver.status(0)), Ok(Icc::Inactive), "{context}");
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::NotConnected), "{context}");
        }
    }
}

#[test]
fn a_card_may_take_its_data_one_by_one_and_announce_another_block_size() {
    for protocol in [Protocol::T0, Protocol::T1] {
        let design = CardDesign { one_by_one: true, asks_ifsc: Some(17), ..CardDesign::default() };
        let mut reader = Reader::with(Design::new(Level::Tpdu), Echo::new(atr_of(protocol)), design);
        let (driver, _) = connected(&mut reader, Options::default());
        all_cases(&mut reader, &driver, &format!("{protocol:?}"));
    }
}

#[test]
fn what_was_not_asked_for_stays_with_the_card() {
    // Case 3 with an answer: the caller fetches it.
    let mut reader = reader(Design::new(Level::Tpdu), T0);
    let (driver, _) = connected(&mut reader, Options::default());
    assert_eq!(transmit(&mut reader, &driver, "80E2000002AABB"), Ok(vec![0x61, 0x02]));
    assert_eq!(transmit(&mut reader, &driver, "00C0000002"), Ok(vec![0xBB, 0xAA, 0x90, 0x00]));
    // And with nothing collected, all of it shows.
    let options = Options { collect: false, ..Options::default() };
    let (driver, _) = connected(&mut reader, options);
    assert_eq!(transmit(&mut reader, &driver, "80E2000002AABB00"), Ok(vec![0x61, 0x02]));
    assert_eq!(transmit(&mut reader, &driver, "00C0000000"), Ok(vec![0x6C, 0x02]));
    assert_eq!(transmit(&mut reader, &driver, "00C0000002"), Ok(vec![0xBB, 0xAA, 0x90, 0x00]));
}

#[test]
fn get_response_stays_on_the_channel_of_its_command() {
    let mut reader = reader(Design::new(Level::Tpdu), T0);
    let (driver, _) = connected(&mut reader, Options::default());
    for (command, class) in [("81E2000001AA00", 0x01), ("C3E2000001AA00", 0x43), ("A0E2000001AA00", 0xA0)] {
        // The card that hears it instead of the model's own T=0 tells its class.
        let mut seen = None;
        let mut procedure = driver.transmit(0, &vectors::bytes(command));
        let mut event = Event::Begin;
        while let Step::Do(effect) = procedure.resume(event) {
            if let Effect::BulkOut { data, .. } = &effect
                && data.get(11) == Some(&0xC0)
            {
                seen = Some(data[10]);
            }
            event = reader.perform(&effect);
        }
        assert_eq!(seen, Some(class), "{command}");
    }
}

#[test]
fn extended_apdus_go_where_they_can() {
    let data = pattern(1000);
    let command = [&[0x80, 0xE2, 0, 0, 0, 0x03, 0xE8][..], &data, &[0, 0]].concat();
    let answer: Vec<u8> = data.iter().rev().copied().collect();
    for (name, design) in designs() {
        let level = design.reader.features.level();
        let mut reader = reader(design, T1);
        let (driver, _) = connected(&mut reader, Options::default());
        let result = reader.drive(driver.transmit(0, &command));
        match level {
            Level::ShortApdu => {
                assert_eq!(result, Err(Error::ApduTooLong { most: 255 }), "{name}");
                // The connection stands.
                assert_eq!(transmit(&mut reader, &driver, "00200001").unwrap(), [0x90, 0x00]);
            }
            _ => assert_eq!(result.unwrap(), ok(answer.clone()), "{name}"),
        }
    }
    let mut reader = reader(Design::new(Level::Tpdu), T0);
    let (driver, _) = connected(&mut reader, Options::default());
    assert_eq!(reader.drive(driver.transmit(0, &command)), Err(Error::ApduTooLong { most: 255 }));
    // What is only written long goes.
    let short = transmit(&mut reader, &driver, "80E20000 000002 AABB 0000");
    assert_eq!(short.unwrap(), [0xBB, 0xAA, 0x90, 0x00]);
}

#[test]
fn what_is_no_apdu_is_not_sent() {
    let mut reader = reader(Design::new(Level::Tpdu), T0);
    let (driver, _) = connected(&mut reader, Options::default());
    for wrong in ["", "00A404", "00A4040005AA", "00A4040001AABBCC", "00A404000000", "00A40400000005AA"] {
        assert_eq!(transmit(&mut reader, &driver, wrong), Err(Error::Apdu), "{wrong}");
    }
    assert_eq!(reader.card(0).unwrap().log.len(), 0);
}

// Power.

#[test]
fn the_lowest_voltage_at_which_a_card_starts() {
    let one = |bits: u8| CardDesign { voltages: Voltages(bits), ..CardDesign::default() };
    for level in Level::ALL {
        for (card, reader_bits, expected) in [
            (7, 7, Voltage::V1_8),
            (3, 7, Voltage::V3),
            (1, 7, Voltage::V5),
            (1, 1, Voltage::V5),
            (7, 2, Voltage::V3),
            (7, 3, Voltage::V3),
        ] {
            let mut design = Design::new(level);
            design.reader.voltages = Voltages(reader_bits);
            let mut reader = Reader::with(design, Echo::new(T0), one(card));
            let (driver, connection) = connected(&mut reader, Options::default());
            assert_eq!(connection.voltage, expected, "{level:?} {card} {reader_bits}");
            assert_eq!(transmit(&mut reader, &driver, "00200001").unwrap(), [0x90, 0x00]);
        }
        // None that both have.
        let mut design = Design::new(level);
        design.reader.voltages = Voltages(4);
        let mut reader = Reader::with(design, Echo::new(T0), one(1));
        let driver = driver(&mut reader, Options::default());
        assert_eq!(reader.drive(driver.connect(0)), Err(Error::Mute), "{level:?}");
    }
}

#[test]
fn a_reader_that_chooses_is_let_choose_and_one_that_cannot_is_told() {
    let mut design = Design::new(Level::ShortApdu);
    design.reader.features = design.reader.features.with(Features::AUTO_VOLTAGE);
    let mut reader = reader(design, T0);
    let (driver, connection) = connected(&mut reader, Options::default());
    assert_eq!(connection.voltage, Voltage::Auto);
    // The choice fails once with error 7: then each by name.
    reader.fail(Fault::Refuse(SlotError::BAD_PARAMETER_7));
    let mut procedure = driver.connect(0);
    let mut tried = Vec::new();
    let mut event = Event::Begin;
    let connection = loop {
        match procedure.resume(event) {
            Step::Do(Effect::Report(Report::PowerOn { voltage, .. })) => {
                tried.push(voltage);
                event = Event::Continue;
            }
            // The fault is for the command that gives power.
            Step::Do(effect) => {
                let powers = matches!(&effect, Effect::BulkOut { data, .. } if data.first() == Some(&0x62));
                if !powers && matches!(effect, Effect::BulkOut { .. }) {
                    reader.mend();
                    event = reader.perform(&effect);
                    if tried.is_empty() {
                        reader.fail(Fault::Refuse(SlotError::BAD_PARAMETER_7));
                    }
                } else {
                    event = reader.perform(&effect);
                }
            }
            Step::Done(result) => break result.unwrap(),
        }
    };
    assert_eq!(tried, [Voltage::Auto, Voltage::V1_8]);
    assert_eq!(connection.voltage, Voltage::V1_8);
}

#[test]
fn a_card_that_names_its_classes_gets_one_of_them() {
    // Starts at any voltage, and says that it is of class A only (TA of T=15 is 01).
    let atr = "3B929581B1FE451F01454394";
    let mut reader = reader(Design::new(Level::Tpdu), atr);
    let (_, connection) = connected(&mut reader, Options::default());
    assert_eq!(connection.voltage, Voltage::V5);
}

#[test]
fn no_card_and_a_mute_card() {
    for level in Level::ALL {
        let mut reader: Reader<Echo> = Reader::new(Design::new(level));
        let driver = driver(&mut reader, Options::default());
        assert_eq!(reader.drive(driver.status(0)), Ok(Icc::Absent));
        assert_eq!(reader.drive(driver.connect(0)), Err(Error::NoCard));
        assert_eq!(reader.drive(driver.connect(1)), Err(Error::NoSuchSlot));
        assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::NotConnected));
        reader.insert(0, Echo::new(T0), CardDesign::default());
        reader.fail(Fault::Mute(100));
        assert_eq!(reader.drive(driver.connect(0)), Err(Error::Mute), "{level:?}");
        // Once is overcome by the next voltage.
        reader.mend();
        reader.fail(Fault::Mute(1));
        let connection = reader.drive(driver.connect(0)).unwrap();
        assert_eq!(connection.voltage, Voltage::V3, "{level:?}");
    }
}

#[test]
fn an_answer_to_reset_that_is_none() {
    for (atr, error) in [
        ("3B9F96801FC78031A073BE21136743200718000001A6", ccid::atr::AtrError::Tck),
        ("3B9F9680", ccid::atr::AtrError::Truncated),
    ] {
        let mut reader = reader(Design::new(Level::Tpdu), atr);
        let driver = driver(&mut reader, Options::default());
        assert_eq!(reader.drive(driver.connect(0)), Err(Error::Atr(error)), "{atr}");
    }
    let mut reader = reader(Design::new(Level::Tpdu), "4100");
    let driver = driver(&mut reader, Options::default());
    let error = reader.drive(driver.connect(0)).unwrap_err();
    assert!(matches!(error, Error::Refused { code: SlotError::BAD_ATR_TS, .. }), "{error:?}");
}

// Protocols and rates.

#[test]
fn the_fastest_rate_that_both_can() {
    let rate = |ta1: u8| Factors::from_ta1(ta1).unwrap();
    for (most, rates, expected) in [
        // 4 MHz: F=512 D=32 is 250,000 bit/s.
        (344_086, vec![], 0x96),
        (249_000, vec![], 0x95),
        (100_000, vec![], 0x94),
        (10_752, vec![], 0x11),
        (344_086, vec![10_752, 125_000, 344_086], 0x95),
        (344_086, vec![10_752, 250_000], 0x96),
        (344_086, vec![10_752], 0x11),
    ] {
        let mut design = Design::new(Level::Tpdu);
        design.reader.max_data_rate = most;
        design.reader.data_rates = rates.len() as u8;
        design.rates = rates;
        let mut reader = reader(design, T0);
        let (driver, connection) = connected(&mut reader, Options::default());
        assert_eq!(connection.factors, rate(expected), "{most}");
        assert_eq!(transmit(&mut reader, &driver, "00B0000010").unwrap(), ok(pattern(16)));
    }
}

#[test]
fn a_card_that_does_not_agree_is_reset_and_spoken_to_slowly() {
    let design = CardDesign { agrees: false, ..CardDesign::default() };
    let mut reader = Reader::with(Design::new(Level::Tpdu), Echo::new(T0), design);
    let (driver, connection) = connected(&mut reader, Options::default());
    assert_eq!(connection.factors, Factors::DEFAULT);
    assert_eq!(transmit(&mut reader, &driver, "00B0000010").unwrap(), ok(pattern(16)));
}

#[test]
fn the_protocol_is_chosen_where_there_is_a_choice() {
    for (name, design) in designs() {
        for (wanted, expected) in
            [(None, Protocol::T0), (Some(Protocol::T0), Protocol::T0), (Some(Protocol::T1), Protocol::T1)]
        {
            let mut reader = reader(design.clone(), common::OSEID);
            let options = Options { protocol: wanted, ..Options::default() };
            let (driver, connection) = connected(&mut reader, options);
            let context = format!("{name}, {wanted:?}");
            assert_eq!(connection.protocol, expected, "{context}");
            all_cases(&mut reader, &driver, &context);
        }
    }
    // A reader that has one of them only.
    let mut design = Design::new(Level::Tpdu);
    design.reader.protocols = 2;
    let mut both = reader(design.clone(), common::OSEID);
    assert_eq!(connected(&mut both, Options::default()).1.protocol, Protocol::T1);
    let mut other = reader(design, T0);
    let driver = driver(&mut other, Options::default());
    assert_eq!(other.drive(driver.connect(0)), Err(Error::NoProtocol));
}

#[test]
fn parameters_can_be_read_set_and_reset() {
    let mut reader = reader(Design::new(Level::Tpdu), T0);
    let (driver, _) = connected(&mut reader, Options::default());
    let parameters = reader.drive(driver.parameters(0)).unwrap();
    assert_eq!(parameters.factors(), 0x96);
    let back = reader.drive(driver.reset_parameters(0)).unwrap();
    assert_eq!(back.factors(), 0x11);
    let other =
        Parameters::T0 { factors: 0x95, checks: 0, guard_time: 0, waiting_integer: 10, clock_stop: 0 };
    assert_eq!(reader.drive(driver.set_parameters(0, &other)), Ok(other));
    assert_eq!(reader.drive(driver.clock(0, false)), Ok(Clock::StoppedLow));
    assert_eq!(reader.drive(driver.clock(0, true)), Ok(Clock::Running));
    assert_eq!(reader.drive(driver.escape(0, &[1, 2, 3])), Ok(vec![1, 2, 3]));
    assert_eq!(reader.drive(driver.clock_frequencies()), Ok(vec![]));
}

#[test]
fn characters_are_refused_in_words() {
    let mut reader = reader(Design::new(Level::Character), T0);
    let device = reader.drive(discover()).unwrap();
    let error = Driver::new(device.identity, device.readers[0].clone(), Options::default()).unwrap_err();
    assert_eq!(error, Error::CharacterLevel);
    let words = error.words();
    assert!(words.en.contains("character level") && words.en.contains("bridge"), "{words}");
    assert!(words.ja.contains("キャラクターレベル"));
}

// Faults.

#[test]
fn a_card_may_work_for_twenty_seconds() {
    for (name, design) in designs() {
        for protocol in [Protocol::T0, Protocol::T1] {
            let mut reader = reader(design.clone(), atr_of(protocol));
            let options = Options { patience: Duration::from_secs(10), ..Options::default() };
            let (driver, _) = connected(&mut reader, options);
            let before = reader.now();
            reader.fail(Fault::Work(Duration::from_secs(20)));
            let answer = transmit(&mut reader, &driver, "80E2000002AABB00");
            assert_eq!(answer.unwrap(), [0xBB, 0xAA, 0x90, 0x00], "{name}, {protocol:?}");
            let took = reader.now() - before;
            assert!(took >= Duration::from_secs(20) && took < Duration::from_secs(25), "{name}: {took:?}");
            assert!(reader.is_sound());
        }
    }
}

/// Readers need not say anything as long as the card has time by its answer to reset and by S(WTX).
#[test]
fn a_card_has_the_time_that_it_asks_for() {
    // BWI 7: 11.4 s at 4 MHz, of which the card asks for five. WI 255: 31.3 s.
    for (atr, seconds) in [("3B929581B1FE751F074543A2", 50), ("3B929540FF4543", 33)] {
        let mut design = Design::new(Level::Tpdu);
        design.beat = Duration::MAX;
        let mut reader = reader(design, atr);
        let (driver, _) = connected(&mut reader, Options::default());
        reader.fail(Fault::Work(Duration::from_secs(seconds)));
        let answer = transmit(&mut reader, &driver, "80E2000002AABB00");
        assert_eq!(answer, Ok(vec![0xBB, 0xAA, 0x90, 0x00]), "{atr}");
        // No more than that.
        let before = reader.now();
        reader.fail(Fault::LostAnswer);
        assert_eq!(transmit(&mut reader, &driver, "80E2000002AABB00"), Err(Error::Timeout), "{atr}");
        assert!(reader.now() - before < Duration::from_secs(40), "{atr}");
    }
}

#[test]
fn parity_is_overcome_where_the_protocol_can() {
    for (name, design) in designs() {
        for protocol in [Protocol::T0, Protocol::T1] {
            let context = format!("{name}, {protocol:?}");
            let mut reader = reader(design.clone(), atr_of(protocol));
            let (driver, _) = connected(&mut reader, Options::default());
            reader.fail(Fault::Parity(2));
            let answer = transmit(&mut reader, &driver, "80E2000002AABB00");
            assert_eq!(answer.unwrap(), [0xBB, 0xAA, 0x90, 0x00], "{context}");
            assert!(reader.is_sound(), "{context}");
            // A broken line.
            reader.fail(Fault::Parity(100_000));
            let error = transmit(&mut reader, &driver, "80E2000002AABB00").unwrap_err();
            assert!(error.ends_connection(), "{context}: {error:?}");
            // Told again until the card is connected anew.
            reader.mend();
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(error), "{context}");
            reader.drive(driver.connect(0)).unwrap();
            all_cases(&mut reader, &driver, &context);
        }
    }
}

#[test]
fn blocks_are_asked_for_again_and_then_both_begin_anew() {
    let mut reader = reader(Design::new(Level::Tpdu), T1);
    let (driver, _) = connected(&mut reader, Options::default());
    for garbled in 1..=2 {
        reader.fail(Fault::Garbled(garbled));
        let answer = transmit(&mut reader, &driver, "80E2000002AABB00");
        assert_eq!(answer.unwrap(), [0xBB, 0xAA, 0x90, 0x00], "{garbled}");
    }
    for mute in 1..=2 {
        reader.fail(Fault::Mute(mute));
        let answer = transmit(&mut reader, &driver, "80E2000002AABB00");
        assert_eq!(answer.unwrap(), [0xBB, 0xAA, 0x90, 0x00], "{mute}");
    }
    // Each command was done once: what is asked for again is the answer.
    let log = &reader.card(0).unwrap().log;
    assert_eq!(log.len(), 4);
    // Three times is too often: RESYNCH, and nobody knows what became of the command.
    reader.fail(Fault::Garbled(3));
    let error = transmit(&mut reader, &driver, "80E2000002AABB00").unwrap_err();
    assert_eq!(error, Error::T1(T1Error::Resynchronised));
    all_cases(&mut reader, &driver, "after RESYNCH");
    // And six times that too.
    reader.fail(Fault::Garbled(6));
    let error = transmit(&mut reader, &driver, "80E2000002AABB00").unwrap_err();
    assert_eq!(error, Error::T1(T1Error::Lost));
    reader.drive(driver.connect(0)).unwrap();
    all_cases(&mut reader, &driver, "connected anew");
}

#[test]
fn a_chain_that_the_card_breaks_off() {
    let mut reader = Reader::with(
        Design::new(Level::Tpdu),
        Echo::new(T1),
        CardDesign { asks_ifsc: Some(20), ..CardDesign::default() },
    );
    let (driver, _) = connected(&mut reader, Options::default());
    all_cases(&mut reader, &driver, "before");
    reader.fail(Fault::AbortedChain);
    let long = format!("80E2000030{}00", "AB".repeat(0x30));
    assert_eq!(transmit(&mut reader, &driver, &long), Err(Error::T1(T1Error::Aborted)));
    all_cases(&mut reader, &driver, "after");
}

/// A card's IFSC may be more than a message of the reader carries.
#[test]
fn blocks_are_no_longer_than_the_reader_has_room_for() {
    for atr in [T1, common::OSEID] {
        for max_message in [50, 100, 261] {
            let mut design = Design::new(Level::Tpdu);
            design.reader.max_message = max_message;
            let mut reader = reader(design, atr);
            let options = Options { protocol: Some(Protocol::T1), ..Options::default() };
            let (driver, _) = connected(&mut reader, options);
            all_cases(&mut reader, &driver, &format!("{atr} {max_message}"));
            let data = pattern(1000);
            let command = [&[0x80, 0xE2, 0, 0, 0, 0x03, 0xE8][..], &data, &[0, 0]].concat();
            let reversed: Vec<u8> = data.into_iter().rev().collect();
            assert_eq!(reader.drive(driver.transmit(0, &command)), Ok(ok(reversed)), "{max_message}");
        }
    }
}

#[test]
fn short_reads_and_zero_length_packets_change_nothing() {
    for (name, design) in designs() {
        for protocol in [Protocol::T0, Protocol::T1] {
            for size in [1, 3, 10, 63] {
                let context = format!("{name}, {protocol:?}, {size}");
                let mut reader = reader(design.clone(), atr_of(protocol));
                reader.fail(Fault::ShortReads(size));
                let (driver, _) = connected(&mut reader, Options::default());
                reader.fail(Fault::ZeroLength(3));
                all_cases(&mut reader, &driver, &context);
            }
        }
    }
}

/// GemPC Twin with firmware 2.00 wants a zero-length packet behind full ones.
#[test]
fn a_reader_that_wants_a_zero_length_packet_gets_it() {
    let mut design = Design::new(Level::Tpdu);
    design.identity = Identity { vendor: 0x08E6, product: 0x3437, version: 0x0200 };
    design.wants_zero_length = true;
    let mut first = reader(design.clone(), T0);
    let (driver, _) = connected(&mut first, Options::default());
    // 10 + 5 + 49 = 64.
    let command = format!("00D6000031{}", "5A".repeat(0x31));
    assert_eq!(transmit(&mut first, &driver, &command).unwrap(), [0x90, 0x00]);
    // The same without the quirk: it waits, the driver gives up and says so.
    design.identity.version = 0x0201;
    let mut second = reader(design, T0);
    let (driver, _) = connected(&mut second, Options::default());
    assert_eq!(transmit(&mut second, &driver, &command), Err(Error::Timeout));
}

#[test]
fn stale_answers_are_dropped_and_lost_ones_end_in_an_abort() {
    for (name, design) in designs() {
        for knows_abort in [true, false] {
            let design = Design { knows_abort, ..design.clone() };
            let mut reader = reader(design, T0);
            let (driver, _) = connected(&mut reader, Options::default());
            reader.fail(Fault::Stale);
            assert_eq!(transmit(&mut reader, &driver, "00200001").unwrap(), [0x90, 0x00], "{name}");
            for fault in [Fault::LostAnswer, Fault::WrongSequence] {
                reader.fail(fault);
                let error = transmit(&mut reader, &driver, "00200001").unwrap_err();
                assert_eq!(error, Error::Timeout, "{name} {fault:?}");
                assert!(reader.is_sound(), "{name}");
                reader.drive(driver.connect(0)).unwrap();
                all_cases(&mut reader, &driver, &name);
            }
        }
    }
}

/// Of an abort the reader has had the half on the control endpoint, and refuses everything until it
/// has the other.
#[test]
fn half_an_abort_is_made_whole() {
    for (name, design) in designs() {
        for fault in [Fault::StallOut, Fault::StallIn] {
            let mut reader = reader(design.clone(), T0);
            let (driver, _) = connected(&mut reader, Options::default());
            reader.fail(Fault::LostAnswer);
            let mut procedure = driver.transmit(0, &[0, 0x20, 0, 1]);
            let mut event = Event::Begin;
            let error = loop {
                match procedure.resume(event) {
                    Step::Do(effect) => {
                        event = reader.perform(&effect);
                        if matches!(effect, Effect::ControlOut { .. }) {
                            reader.fail(fault);
                        }
                    }
                    Step::Done(result) => break result.unwrap_err(),
                }
            };
            assert!(error.ends_connection(), "{name} {fault:?}: {error:?}");
            assert!(reader.is_sound(), "{name} {fault:?}");
            reader.drive(driver.connect(0)).unwrap();
            all_cases(&mut reader, &driver, &format!("{name} {fault:?}"));
        }
        // Left so by a program before this one.
        let mut reader = reader(design.clone(), T0);
        let setup = ccid::Setup {
            kind: ccid::RequestKind::Class,
            recipient: ccid::Recipient::Interface,
            request: ccid::message::request::ABORT,
            value: 0x5500,
            index: u16::from(design.interface),
        };
        assert_eq!(reader.perform(&Effect::ControlOut { setup, data: Vec::new() }), Event::Sent);
        let (driver, _) = connected(&mut reader, Options::default());
        all_cases(&mut reader, &driver, &name);
    }
}

/// Garbage in the place of an answer, once and without end: the command is aborted.
#[test]
fn a_command_whose_answer_cannot_be_read_is_aborted() {
    for (endless, expected) in [(false, Error::Message(ccid::MessageError::TooLong)), (true, Error::Endless)]
    {
        let mut reader = reader(Design::new(Level::ShortApdu), T0);
        let (driver, _) = connected(&mut reader, Options::default());
        let mut procedure = driver.transmit(0, &[0, 0x20, 0, 1]);
        let (mut event, mut aborted) = (Event::Begin, false);
        let error = loop {
            match procedure.resume(event) {
                Step::Do(Effect::BulkIn { .. }) if !aborted && endless => event = Event::Received(Vec::new()),
                Step::Do(Effect::BulkIn { .. }) if !aborted => event = Event::Received(vec![0xFF; 10]),
                Step::Do(effect) => {
                    aborted |= matches!(&effect, Effect::BulkOut { data, .. } if data.first() == Some(&0x72));
                    event = reader.perform(&effect);
                }
                Step::Done(result) => break result.unwrap_err(),
            }
        };
        assert_eq!((error, aborted), (expected, true));
        reader.drive(driver.connect(0)).unwrap();
        all_cases(&mut reader, &driver, &format!("{expected:?}"));
    }
}

/// A procedure with a reader that answers commands (as far as they are no ABORT) with what
/// `answer` makes of them, at each transfer: its error, how many transfers were waited for, and
/// how long they might have taken together.
fn drip<T: std::fmt::Debug + 'static>(
    mut procedure: Procedure<T>,
    reader: &mut Reader<impl Card>,
    mut answer: impl FnMut(&[u8], usize) -> Vec<u8>,
) -> (Result<T, Error>, usize, Duration) {
    let (mut event, mut command) = (Event::Begin, Vec::new());
    let (mut count, mut time) = (0, Duration::ZERO);
    loop {
        match procedure.resume(event) {
            Step::Do(Effect::BulkIn { length, timeout, .. }) if command.first() != Some(&0x72) => {
                event = Event::Received(answer(&command, length));
                (count, time) = (count + 1, time + timeout);
            }
            Step::Do(effect) => {
                if let Effect::BulkOut { data, .. } = &effect {
                    command = data.clone();
                }
                event = reader.perform(&effect);
            }
            Step::Done(result) => return (result, count, time),
        }
    }
}

#[test]
fn a_reader_that_never_comes_to_an_end_is_given_up() {
    let mut design = Design::new(Level::ExtendedApdu);
    design.reader.max_message = 65_554;
    let mut reader = reader(design, T0);
    let (driver, _) = connected(&mut reader, Options::default());
    // Nothing but time extensions.
    let extension = |command: &[u8], _| vec![0x80, 0, 0, 0, 0, command[5], command[6], 0x80, 1, 0];
    let (result, count, _) = drip(driver.transmit(0, &[0, 0x20, 0, 1]), &mut reader, extension);
    assert_eq!(result, Err(Error::Endless));
    assert!(count < 1_100, "{count}");
    // In each part of a long answer a few of them.
    reader.drive(driver.connect(0)).unwrap();
    let mut turn = 0;
    let parts = |command: &[u8], _| {
        turn += 1;
        let (state, chain) = if turn % 10 == 0 { (0, if turn == 10 { 1 } else { 3 }) } else { (0x80, 0) };
        let data: &[u8] = if state == 0 { &[0xAA] } else { &[] };
        let head = [0x80, data.len() as u8, 0, 0, 0, command[5], command[6], state, 0, chain];
        [&head[..], data].concat()
    };
    let (result, count, _) = drip(driver.transmit(0, &[0, 0x20, 0, 1]), &mut reader, parts);
    assert_eq!(result, Err(Error::Endless));
    assert!(count < 1_300, "{count}");
    // One answer byte by byte has the patience once and not for each byte.
    reader.drive(driver.connect(0)).unwrap();
    let mut at = 0;
    let bytewise = |command: &[u8], _| {
        at += 1;
        let answer = [0x80, 2, 0, 0, 0, command[5], command[6], 0, 0, 0, 0x90, 0x00];
        vec![answer[at - 1]]
    };
    let (result, count, time) = drip(driver.transmit(0, &[0, 0x20, 0, 1]), &mut reader, bytewise);
    assert_eq!((result, count), (Ok(vec![0x90, 0x00]), 12));
    assert!(time < Options::default().patience * 2, "{time:?}");
    // And one of 64 kB not at all.
    let mut at = 0;
    let bytewise = |command: &[u8], _| {
        at += 1;
        let answer = [0x80, 0xFF, 0xFF, 0, 0, command[5], command[6], 0, 0, 0];
        vec![answer.get(at - 1).copied().unwrap_or_default()]
    };
    let (result, count, _) = drip(driver.transmit(0, &[0, 0x20, 0, 1]), &mut reader, bytewise);
    assert_eq!(result, Err(Error::Endless));
    assert!(count < 600, "{count}");
}

/// What is aborted ends the session: nothing is sent into it afterwards.
#[test]
fn a_command_of_the_session_is_not_sent_again_after_an_abort() {
    for (name, design) in designs() {
        for protocol in [Protocol::T0, Protocol::T1] {
            let context = format!("{name}, {protocol:?}");
            let mut reader = reader(design.clone(), atr_of(protocol));
            let (driver, _) = connected(&mut reader, Options::default());
            reader.fail(Fault::Refuse(SlotError::SLOT_BUSY));
            let error = transmit(&mut reader, &driver, "00200001").unwrap_err();
            assert!(
                matches!(error, Error::Refused { code: SlotError::SLOT_BUSY, .. }),
                "{context}: {error:?}"
            );
            assert!(reader.card(0).unwrap().log.is_empty(), "{context}");
            assert_eq!(driver.connection(0), None, "{context}");
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(error), "{context}");
            // What connects is.
            reader.fail(Fault::Refuse(SlotError::SLOT_BUSY));
            reader.drive(driver.connect(0)).unwrap();
            all_cases(&mut reader, &driver, &context);
            // Why it ended is told again.
            reader.fail(Fault::LostAnswer);
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::Timeout), "{context}");
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::Timeout), "{context}");
        }
    }
}

#[test]
fn stalls_are_cleared_and_told() {
    let mut reader = reader(Design::new(Level::ShortApdu), T0);
    let (driver, _) = connected(&mut reader, Options::default());
    for (fault, pipe) in [(Fault::StallIn, Pipe::BulkIn), (Fault::StallOut, Pipe::BulkOut)] {
        reader.fail(fault);
        let error = transmit(&mut reader, &driver, "00200001").unwrap_err();
        assert_eq!(error, Error::Stall(pipe));
        reader.drive(driver.connect(0)).unwrap();
        all_cases(&mut reader, &driver, &format!("{fault:?}"));
    }
}

#[test]
fn an_overrun_is_told_at_the_level_of_apdus_and_overcome_by_t1() {
    for (name, design) in designs() {
        let mut reader = reader(design.clone(), T1);
        let (driver, _) = connected(&mut reader, Options::default());
        reader.fail(Fault::Overrun);
        let answer = transmit(&mut reader, &driver, "00200001");
        if design.reader.features.level() == Level::Tpdu {
            assert_eq!(answer.unwrap(), [0x90, 0x00], "{name}");
        } else {
            let error = answer.unwrap_err();
            assert!(matches!(error, Error::Refused { code: SlotError::OVERRUN, .. }), "{name}: {error:?}");
        }
    }
}

#[test]
fn a_card_taken_out_and_a_reader_unplugged() {
    for (name, design) in designs() {
        for protocol in [Protocol::T0, Protocol::T1] {
            let context = format!("{name}, {protocol:?}");
            let mut reader = reader(design.clone(), atr_of(protocol));
            let (driver, _) = connected(&mut reader, Options::default());
            reader.fail(Fault::CardRemoved);
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::CardRemoved), "{context}");
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::CardRemoved), "{context}");
            assert_eq!(reader.drive(driver.connect(0)), Err(Error::NoCard), "{context}");
            reader.insert(0, Echo::new(atr_of(protocol)), CardDesign::default());
            reader.drive(driver.connect(0)).unwrap();
            all_cases(&mut reader, &driver, &context);
            // Pulled and put back between two commands.
            let card = reader.remove(0).unwrap();
            reader.insert(0, card, CardDesign::default());
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::CardReset), "{context}");
            reader.drive(driver.connect(0)).unwrap();
            // The reader goes, and comes back as another device.
            reader.fail(Fault::Unplugged);
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::Unplugged), "{context}");
            assert_eq!(reader.drive(driver.connect(0)), Err(Error::Unplugged), "{context}");
            reader.plug();
            let (driver, _) = connected(&mut reader, Options::default());
            all_cases(&mut reader, &driver, &context);
        }
    }
}

#[test]
fn notices_tell_of_cards_that_come_and_go() {
    let mut reader = reader(Design::new(Level::ShortApdu), T0);
    let driver = driver(&mut reader, Options::default());
    assert_eq!(reader.drive(driver.notice()), Ok(vec![Notice::SlotChange { slot: 0, present: true }]));
    assert_eq!(reader.drive(driver.notice()), Ok(vec![]));
    reader.drive(driver.connect(0)).unwrap();
    let card = reader.remove(0).unwrap();
    assert_eq!(reader.drive(driver.notice()), Ok(vec![Notice::SlotChange { slot: 0, present: false }]));
    assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::CardRemoved));
    assert_eq!(driver.connection(0), None);
    reader.insert(0, card, CardDesign::default());
    reader.drive(driver.connect(0)).unwrap();
    // What is told late does not harm a card that has been connected since.
    reader.drive(driver.notice()).unwrap();
    assert_eq!(transmit(&mut reader, &driver, "00200001").unwrap(), [0x90, 0x00]);
    assert!(driver.connection(0).is_some());
}

/// A reader that gives power by itself: that a card has it does not tell which card it is.
#[test]
fn another_card_is_not_taken_for_the_one_before() {
    for level in Level::ALL {
        let mut design = Design::new(level);
        design.reader.features = design.reader.features.with(Features::AUTO_ACTIVATION);
        // What the reader told of is had one by one; of a quick hand the last only; with a reader
        // that does not answer the question at first.
        for (missed, refused) in [(0, false), (1, false), (1, true)] {
            let context = format!("{level:?}, {missed} missed, {refused}");
            let mut reader = reader(design.clone(), T0);
            let (driver, _) = connected(&mut reader, Options::default());
            // Told late, of the card that is there.
            reader.drive(driver.notice()).unwrap();
            assert_eq!(transmit(&mut reader, &driver, "00200001").unwrap(), [0x90, 0x00], "{context}");
            reader.remove(0);
            reader.insert(0, Echo::new(T0), CardDesign::default());
            let notice = |reader: &mut Reader<Echo>| reader.drive(driver.notice()).unwrap();
            if missed == 0 {
                assert_eq!(notice(&mut reader), [Notice::SlotChange { slot: 0, present: false }]);
            } else {
                reader.perform(&Effect::InterruptIn { endpoint: Design::INTERRUPT, length: 8 });
            }
            assert_eq!(notice(&mut reader), [Notice::SlotChange { slot: 0, present: true }]);
            if refused {
                reader.fail(Fault::Refuse(SlotError::HARDWARE));
                transmit(&mut reader, &driver, "00200001").unwrap_err();
            }
            let expected = if missed == 0 { Error::CardRemoved } else { Error::CardReset };
            assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(expected), "{context}");
            assert!(reader.card(0).unwrap().log.is_empty(), "{context}");
            reader.drive(driver.connect(0)).unwrap();
            all_cases(&mut reader, &driver, &context);
        }
    }
}

#[test]
fn several_slots() {
    let mut design = Design::new(Level::Tpdu);
    design.reader.max_slot_index = 5;
    let mut reader = Reader::new(design);
    reader.insert(1, Echo::new(T0), CardDesign::default());
    reader.insert(5, Echo::new(T1), CardDesign::default());
    let driver = driver(&mut reader, Options::default());
    assert_eq!(driver.slots(), 6);
    assert_eq!(reader.drive(driver.connect(0)), Err(Error::NoCard));
    assert_eq!(reader.drive(driver.connect(1)).unwrap().protocol, Protocol::T0);
    assert_eq!(reader.drive(driver.connect(5)).unwrap().protocol, Protocol::T1);
    for slot in [1, 5, 1, 5] {
        let command = vectors::bytes("80E2000002AABB00");
        assert_eq!(reader.drive(driver.transmit(slot, &command)).unwrap(), [0xBB, 0xAA, 0x90, 0x00]);
    }
    reader.remove(5);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.extend(reader.drive(driver.notice()).unwrap());
    }
    assert!(told.contains(&Notice::SlotChange { slot: 5, present: false }), "{told:?}");
    // The other one has not noticed.
    assert_eq!(reader.drive(driver.transmit(1, &[0, 0x20, 0, 1])).unwrap(), [0x90, 0x00]);
}

/// Until the first transfer that waits for an answer.
fn until_answer<T: 'static>(reader: &mut Reader<impl Card>, procedure: &mut Procedure<T>) {
    let mut event = Event::Begin;
    while let Step::Do(effect) = procedure.resume(event) {
        if matches!(effect, Effect::BulkIn { .. }) {
            return;
        }
        event = reader.perform(&effect);
    }
}

#[test]
fn one_at_a_time_and_what_is_dropped_is_aborted() {
    let mut reader = reader(Design::new(Level::ShortApdu), T0);
    let (driver, _) = connected(&mut reader, Options::default());
    let mut first = driver.transmit(0, &[0, 0x20, 0, 1]);
    until_answer(&mut reader, &mut first);
    assert_eq!(reader.drive(driver.status(0)), Err(Error::Busy));
    drop(first);
    // Its answer is not taken for another's.
    assert_eq!(reader.drive(driver.status(0)), Ok(Icc::Active));
    assert_eq!(transmit(&mut reader, &driver, "00200001"), Err(Error::NotConnected));
    reader.drive(driver.connect(0)).unwrap();
    all_cases(&mut reader, &driver, "after");
}

#[test]
fn the_person_may_give_up() {
    let mut reader = reader(Design::new(Level::ShortApdu), T0);
    let (driver, _) = connected(&mut reader, Options::default());
    let mut procedure = driver.transmit(0, &[0, 0x20, 0, 1]);
    until_answer(&mut reader, &mut procedure);
    let mut event = Event::Cancel;
    let (mut aborts, result) = (
        0,
        loop {
            match procedure.resume(event) {
                Step::Do(effect) => event = reader.perform(&effect),
                Step::Done(result) => break result,
            }
        },
    );
    aborts += 1;
    assert_eq!((aborts, result), (1, Err(Error::Cancelled)));
    assert!(matches!(procedure.resume(Event::Begin), Step::Done(Err(Error::Misuse))));
    reader.drive(driver.connect(0)).unwrap();
    all_cases(&mut reader, &driver, "after");
}

#[test]
fn every_error_of_the_reader_has_words() {
    for code in 0..=255 {
        let error = Error::Refused { command: 0x6F, code: SlotError(code) };
        let words = error.words();
        assert!(words.en.len() > 20 && words.ja.len() > 20, "{code:02X}: {words}");
        assert!(!SlotError(code).name().is_empty());
    }
}

#[test]
fn known_readers_are_treated_as_they_need() {
    let of = |vendor, product, version| ccid::Quirks::of(Identity { vendor, product, version });
    assert!(of(0x08E6, 0x3437, 0x0200).zero_length_packet);
    assert!(!of(0x08E6, 0x3437, 0x0201).zero_length_packet);
    assert_eq!(of(0x058F, 0x9540, 0x0120).max_data_rate, Some(200_000));
    assert!(of(0x04E6, 0x5116, 0x0100).set_parameters_twice);
    assert!(of(0x04E6, 0x5111, 0x0500).is_contactless(1) && !of(0x04E6, 0x5111, 0x0500).is_contactless(0));
    assert_eq!(of(0x1209, 1, 1), ccid::Quirks::default());
    // Alcor's: the rate that it says is not the one that is used.
    let mut design = Design::new(Level::Tpdu);
    design.identity = Identity { vendor: 0x058F, product: 0x9540, version: 0x0120 };
    let mut alcor = reader(design, T0);
    let (_, connection) = connected(&mut alcor, Options::default());
    assert_eq!(connection.factors.ta1, 0x95);
    // GemPC: to APDUs and back.
    let mut design = Design::new(Level::Tpdu);
    design.identity = Identity { vendor: 0x08E6, product: 0x3437, version: 0x0300 };
    let mut reader = reader(design, T0);
    let (_, connection) = connected(&mut reader, Options { apdu_mode: true, ..Options::default() });
    assert_eq!(connection.level, Level::ShortApdu);
}
