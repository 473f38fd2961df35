//! The doors with a chip behind them; the lines and messages are those that lpac 2 and
//! vpcd 3.3 send.

use super::Card;
use super::line::{Format, Lines};
use super::vpcd::Vpcd;
use crate::Options;
use crate::bench::{Bench, hex};
use crate::nvm::MemoryMedium;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn bench() -> Bench<MemoryMedium> {
    Bench::empty()
}

/// What a door answers to lines.
fn said(format: Format, lines: &str) -> Vec<String> {
    let (mut door, mut bench) = (Lines::new(format), bench());
    let mut out = door.feed(lines.as_bytes(), &mut bench.chip);
    out.extend(door.finish(&mut bench.chip));
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

const ISD_R: &str = "A0000005591010FFFFFFFF8900000100";

#[test]
fn a_line_in_a_line_out() {
    let atr = hex(&Options::ATR);
    let lines = format!(
        "reset\n0070000001\n01a40400 10 {ISD_R}\n\n# a remark\r\n  00 70 00 00 01\r\nRESET\n01F2000000"
    );
    let answers = said(Format::Any, &lines);
    assert_eq!(answers[..2], [&atr[..], "019000"]);
    assert!(answers[2].starts_with("61"), "{}", answers[2]);
    // The reset closed the channels; the last line has no end.
    assert_eq!(answers[3..], ["029000", &atr[..], "6881"]);
}

#[test]
fn what_is_no_command_gets_an_error_line_and_the_next_line_its_answer() {
    for garbage in ["zz", "0", "00A4040", "select", "\u{fffd}", "00;A4"] {
        let answers = said(Format::Any, &format!("{garbage}\nreset\n"));
        assert!(answers[0].starts_with("error: ") && answers.len() == 2, "{garbage}: {answers:?}");
    }
    // Hexadecimal, but no header: the chip itself says so.
    assert_eq!(said(Format::Any, "00\n"), ["6700"]);
    let (mut door, mut bench) = (Lines::new(Format::Any), bench());
    assert!(door.feed(b"\xFF\xFE\n", &mut bench.chip).starts_with(b"error: "));
}

#[test]
fn a_line_without_end_takes_no_more_than_its_room() {
    let (mut door, mut bench) = (Lines::new(Format::Any), bench());
    for _ in 0..1000 {
        assert!(door.feed(&[b'0'; 1000], &mut bench.chip).is_empty());
    }
    let answer = String::from_utf8(door.feed(b"\nreset\n", &mut bench.chip)).unwrap();
    let lines: Vec<&str> = answer.lines().collect();
    assert!(lines[0].starts_with("error: a line is at most"), "{answer}");
    assert_eq!(lines[1..], [hex(&Options::ATR)]);
    // The longest command there is fits.
    let longest = "80E29100".to_owned() + "00FFFF" + &"00".repeat(65_535) + "0000";
    assert_eq!(said(Format::Any, &longest).len(), 1);
    assert!(!said(Format::Any, &longest)[0].starts_with("error"));
}

#[test]
fn pieces_make_no_difference() {
    let lines = format!(
        "reset\n0070000001\n01A4040010{ISD_R}\n{{\"type\":\"apdu\",\"payload\":{{\"func\":\"connect\",\"param\":null}}}}\nx\n"
    );
    let whole = said(Format::Any, &lines);
    for size in 1..12 {
        let (mut door, mut bench) = (Lines::default(), bench());
        let out: Vec<u8> =
            lines.as_bytes().chunks(size).flat_map(|piece| door.feed(piece, &mut bench.chip)).collect();
        assert_eq!(String::from_utf8(out).unwrap().lines().collect::<Vec<_>>(), whole, "{size}");
    }
}

fn lpac(function: &str, parameter: &str) -> String {
    format!(r#"{{"type":"apdu","payload":{{"func":"{function}","param":{parameter}}}}}"#) + "\n"
}

#[test]
fn lpac_finds_its_chip() {
    let lines = [
        lpac("connect", "null"),
        lpac("logic_channel_open", &format!("\"{ISD_R}\"")),
        // GetEUICCChallenge, which a chip without an identity answers too.
        lpac("transmit", "\"81E2910003BF2E00\""),
        lpac("logic_channel_close", "\"01\""),
        lpac("logic_channel_close", "\"01\""),
        lpac("disconnect", "null"),
    ];
    let expected = r#"{"payload":{"ecode":0},"type":"apdu"}"#;
    for format in [Format::Any, Format::Lpac] {
        let answers = said(format, &lines.concat());
        assert_eq!(answers[0], expected);
        assert_eq!(answers[1], r#"{"payload":{"ecode":1},"type":"apdu"}"#);
        let answer: serde_json::Value = serde_json::from_str(&answers[2]).unwrap();
        let data = answer["payload"]["data"].as_str().unwrap();
        assert!(data.starts_with("61") || data.starts_with("BF2E"), "{data}");
        assert_eq!(answers[3], expected);
        assert!(answers[4].contains("-1") && answers[4].contains("6881"), "{}", answers[4]);
        assert_eq!(answers[5], expected);
    }
}

#[test]
fn a_channel_on_which_nothing_is_selected_is_closed_again() {
    // No such application; then channel 1 is free as before.
    let lines = lpac("logic_channel_open", "\"A000000000112233445566\"") + "0070000001\n";
    let answers = said(Format::Any, &lines);
    assert!(answers[0].contains(r#""ecode":-1"#) && answers[0].contains("6A82"), "{}", answers[0]);
    assert_eq!(answers[1], "019000");
}

#[test]
fn what_lpac_does_not_send_is_refused_in_its_own_terms() {
    let too_long = format!("\"{}\"", "00".repeat(256));
    for line in [
        "{\n".to_owned(),
        "{\"type\":7}\n".to_owned(),
        lpac("explode", "null"),
        lpac("transmit", "\"0\""),
        lpac("logic_channel_close", "\"\""),
        lpac("logic_channel_open", &too_long),
    ] {
        for format in [Format::Any, Format::Lpac] {
            let answers = said(format, &line);
            let answer: serde_json::Value = serde_json::from_str(&answers[0]).unwrap();
            assert_eq!((answers.len(), &answer["payload"]["ecode"]), (1, &serde_json::json!(-1)), "{line}");
        }
    }
    assert!(said(Format::Lpac, "0070000001\n")[0].starts_with('{'));
    // What it reports to its caller wants no answer; HTTP is another driver's.
    assert!(said(Format::Lpac, "{\"type\":\"lpa\",\"payload\":{\"code\":0}}\n").is_empty());
    let http = said(Format::Lpac, "{\"type\":\"http\",\"payload\":{\"url\":\"https://x\",\"tx\":\"\"}}\n");
    assert!(http[0].contains("501"), "{http:?}");
}

/// A message of the reader: length and bytes.
fn message(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

#[test]
fn the_reader_switches_on_asks_the_atr_and_sends_commands() {
    let mut bench = bench();
    let mut door = Vpcd::new();
    let session = [
        message(&[1]),
        message(&[4]),
        message(&[0, 0x70, 0, 0, 1]),
        message(&[4]),
        message(&[0, 0x70, 0, 0, 1]),
    ];
    let answers = [
        &message(&Options::ATR)[..],
        &message(&[1, 0x90, 0]),
        &message(&Options::ATR),
        &message(&[2, 0x90, 0]),
    ];
    // The second question for the ATR did not close the channel.
    assert_eq!(door.feed(&session.concat(), &mut bench.chip), answers.concat());
    for control in [0, 2, 1] {
        assert!(door.feed(&message(&[control]), &mut bench.chip).is_empty());
        let first = door.feed(&message(&[0, 0x70, 0, 0, 1]), &mut bench.chip);
        assert_eq!(first, message(&[1, 0x90, 0]), "{control}: power and reset close all channels");
    }
}

#[test]
fn a_message_may_come_byte_by_byte_or_be_nonsense() {
    let mut bench = bench();
    let mut door = Vpcd::new();
    let session =
        [message(&[4]), message(&[]), message(&[9]), message(&[0; 300]), message(&[0xFF; 65_535])].concat();
    let whole = Vpcd::new().feed(&session, &mut bench.chip);
    let mut out = Vec::new();
    for byte in &session {
        out.extend(door.feed(&[*byte], &mut bench.chip));
    }
    assert_eq!(out, whole);
    // Nothing and one byte are no commands.
    let after = &out[2 + Options::ATR.len()..];
    assert_eq!(after[..8], [0, 2, 0x67, 0, 0, 2, 0x67, 0]);
}

#[test]
fn an_answer_too_long_for_its_length_is_not_cut() {
    struct Long(usize);
    impl Card for Long {
        fn transmit(&mut self, _: &[u8]) -> Vec<u8> {
            vec![0x90; self.0]
        }
        fn reset(&mut self) -> Vec<u8> {
            Vec::new()
        }
    }
    let ask = |length| Vpcd::new().feed(&message(&[0; 4]), &mut Long(length));
    assert_eq!(ask(65_535).len(), 65_537);
    assert_eq!(ask(65_538), message(&[0x67, 0x00]));
}
