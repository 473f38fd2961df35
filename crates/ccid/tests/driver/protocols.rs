//! Protocols, rates and parameters.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

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
