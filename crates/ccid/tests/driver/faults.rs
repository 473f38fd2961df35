//! What goes wrong between them.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

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
