//! Voltages, and cards that do not start.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

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
