//! Cards and readers that come and go, several slots, people who give up.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

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
