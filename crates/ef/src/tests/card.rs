//! The walk against a card made of answers: the ways in which cards hand out data.

use apdu::StatusWord;
use vectors::bytes;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{Ending, Options, Step, Unread, Walk};

/// A card with EF.ICCID and a file of data objects under the MF, over T=0: nothing comes
/// at once, all is fetched.
fn t0(command: &[u8], waiting: &mut Vec<u8>) -> Vec<u8> {
    let fetch = |data: &str, waiting: &mut Vec<u8>| {
        *waiting = bytes(data);
        vec![0x61, waiting.len() as u8]
    };
    match (command[1], &command[2..4], command.get(5..).unwrap_or_default()) {
        (0x70, [0x00, 0x00], _) => bytes("02 9000"),
        (0x70, [0x80, 0x02], _) => bytes("9000"),
        (0xC0, ..) if waiting.len() > 8 && command[4] > 8 => {
            // In two pieces.
            let rest = waiting.split_off(8);
            let piece = std::mem::replace(waiting, rest);
            [&piece[..], &[0x61, waiting.len() as u8]].concat()
        }
        (0xC0, ..) => [&std::mem::take(waiting)[..], &[0x90, 0x00]].concat(),
        (0xA4, [0x00, 0x04], data) if data.starts_with(&[0x3F, 0x00]) => {
            fetch("620A 82027821 83023F00 8A0105", waiting)
        }
        (0xA4, [0x08, 0x04], data) if data.starts_with(&[0x2F, 0xE2]) => {
            fetch("620E 82024121 83022FE2 8002000A 8800", waiting)
        }
        (0xA4, [0x08, 0x04], data) if data.starts_with(&[0x2F, 0x08]) => {
            fetch("620A 82027921 83022F08 8800", waiting)
        }
        (0xA4, ..) => bytes("6A82"),
        (0xB0, ..) if command[4] != 4 => bytes("6C04"),
        (0xB0, ..) => bytes("98001032 9000"),
        (0xCB, [_, 0x80], [0x5C, ..]) => bytes("5C0280819000"),
        (0xCB, [_, 0x80], [0x80, ..]) => bytes("8004 0102 62F1"),
        (0xCB, [_, 0x00], _) => bytes("0304 9000"),
        _ => bytes("6A88"),
    }
}

#[test]
fn data_is_fetched_however_the_card_hands_it_out() {
    let mut walk = Walk::new(Options::default());
    let (mut response, mut waiting) = (None, Vec::new());
    let (mut names, mut commands) = (Vec::new(), Vec::new());
    let ending = loop {
        match walk.next(response.take().as_deref()) {
            Step::Send(command) => {
                response = Some(t0(&command, &mut waiting));
                commands.push(command);
            }
            Step::Found(file) => {
                match (file.name().as_str(), &file.body) {
                    // Four bytes come at a time, then two are asked for: it sends four.
                    ("EF.ICCID", Some(Err(why))) => assert_eq!(*why, Unread::Malformed),
                    ("EF.UMPC", Some(Ok(body))) => {
                        assert_eq!(body.count(), 1);
                        assert_eq!(body.expose_bytes(0), Some(&bytes("800401020304")[..]));
                    }
                    ("MF", None) => {}
                    (name, _) => panic!("{name}"),
                }
                names.push(file.name());
            }
            Step::Pin(_) => panic!("there is none"),
            Step::Done(ending) => break ending,
        }
    };
    assert_eq!(ending, Ending::Complete);
    assert_eq!(names, ["MF", "EF.ICCID", "EF.UMPC"]);
    // All on the channel that it was given, which it closes on the basic one.
    assert_eq!(commands.first().map(Vec::as_slice), Some(&bytes("0070000001")[..]));
    assert_eq!(commands.last().map(Vec::as_slice), Some(&bytes("00708002")[..]));
    for command in &commands[1..commands.len() - 1] {
        assert!([0x02, 0x82].contains(&command[0]), "{command:02X?}");
    }
}

#[test]
fn a_walk_that_is_stopped_closes_its_channel() {
    let mut walk = Walk::new(Options::default());
    assert!(matches!(walk.next(None), Step::Send(_)));
    assert!(matches!(walk.next(Some(&bytes("019000"))), Step::Send(_)));
    walk.stop();
    let Step::Send(command) = walk.next(Some(&bytes("620A 82027821 83023F00 8A0105 9000"))) else { panic!() };
    assert_eq!(command, bytes("00708001"));
    assert!(matches!(walk.next(Some(&bytes("9000"))), Step::Done(Ending::Stopped)));
    let mut walk = Walk::new(Options::default());
    assert!(matches!(walk.next(None), Step::Send(_)));
    let full = walk.next(Some(&bytes("6A81")));
    assert!(matches!(full, Step::Done(Ending::NoChannel(StatusWord::FUNCTION_NOT_SUPPORTED))));
}
