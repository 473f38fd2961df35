//! Every level, with every voltage, over every protocol, with every fault.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is answered as if nothing had been.
    Overcome,
    /// It fails; the card has to be connected again.
    Told,
    /// Either, as the level and the protocol have it; wrong bytes never.
    Either,
}

#[test]
fn every_level_voltage_and_protocol_with_every_fault() {
    let faults = [
        (Fault::Work(Duration::from_secs(20)), Fate::Overcome),
        (Fault::ShortReads(1), Fate::Overcome),
        (Fault::ZeroLength(3), Fate::Overcome),
        (Fault::Stale, Fate::Overcome),
        (Fault::Parity(2), Fate::Overcome),
        // T=1 asks for a block again; T=0 has none.
        (Fault::Garbled(1), Fate::Overcome),
        (Fault::AbortedChain, Fate::Either),
        (Fault::Overrun, Fate::Either),
        (Fault::Parity(100_000), Fate::Told),
        (Fault::Mute(100), Fate::Told),
        (Fault::StallIn, Fate::Told),
        (Fault::StallOut, Fate::Told),
        (Fault::LostAnswer, Fate::Told),
        (Fault::WrongSequence, Fate::Either),
        (Fault::CardRemoved, Fate::Told),
        (Fault::Unplugged, Fate::Told),
        (Fault::Refuse(SlotError::HARDWARE), Fate::Told),
    ];
    for (name, design) in designs() {
        for (bits, voltage) in [(1, Voltage::V5), (2, Voltage::V3), (4, Voltage::V1_8)] {
            for protocol in [Protocol::T0, Protocol::T1] {
                for (fault, fate) in &faults {
                    let context = format!("{name}, {voltage:?}, {protocol:?}, {fault:?}");
                    let mut design = design.clone();
                    design.reader.voltages = Voltages(7);
                    let card = CardDesign { voltages: Voltages(bits), ..CardDesign::default() };
                    let mut reader = Reader::with(design, Echo::new(atr_of(protocol)), card.clone());
                    let (driver, connection) = connected(&mut reader, Options::default());
                    assert_eq!(connection.protocol, protocol, "{context}");
                    if !driver.reader().features.has(Features::AUTO_VOLTAGE) {
                        assert_eq!(connection.voltage, voltage, "{context}");
                    }
                    reader.fail(*fault);
                    let answer = transmit(&mut reader, &driver, "80E2000002AABB00");
                    match (&answer, fate) {
                        (Ok(_), Fate::Told) => panic!("{context}: {answer:?}"),
                        (Err(error), Fate::Overcome) => panic!("{context}: {error:?}"),
                        (Ok(answer), _) => assert_eq!(answer[..], [0xBB, 0xAA, 0x90, 0x00], "{context}"),
                        (Err(error), _) => {
                            let words = error.words();
                            assert!(!words.en.is_empty() && !words.ja.is_empty(), "{context}");
                        }
                    }
                    // Mended, it is as it was; a reader that was unplugged is another one.
                    reader.mend();
                    reader.plug();
                    reader.insert(0, Echo::new(atr_of(protocol)), card);
                    let (driver, _) = connected(&mut reader, Options::default());
                    all_cases(&mut reader, &driver, &context);
                }
            }
        }
    }
}
