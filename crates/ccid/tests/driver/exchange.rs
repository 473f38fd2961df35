//! Commands and answers, at every level and over both protocols.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

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
