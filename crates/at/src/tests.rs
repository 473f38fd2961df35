//! A host and what modems say to it. Transcripts are those of 3GPP TS 27.007 §8.17 and §8.43 to
//! 8.46 and of modems as their owners have shown them; with each of the model's habits the same
//! conversation with a card comes to the same end.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use std::println;

use proptest::prelude::*;

use crate::line::{Arrived, Data, Line, Lines};
use crate::{Cme, Failure, Habits, Host, Ids, MAX_LINE, Modem, NotNow, Options, Step, Wait, Way};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const ISD_R: &str = "A0000005591010FFFFFFFF8900000100";

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// Drives a host against somebody who is asked with each line and answers with bytes; an answer
/// of nothing is silence.
fn drive(host: &mut Host, mut other: impl FnMut(&str) -> Vec<u8>) -> Result<Vec<u8>, Failure> {
    for _ in 0..200 {
        match host.step() {
            Step::Write(line) => {
                let line = String::from_utf8(line).unwrap();
                let said = other(line.strip_suffix('\r').unwrap());
                // One byte at a time: where a read ends means nothing.
                for byte in said {
                    host.read(&[byte]);
                }
            }
            Step::Read(_) => host.time_out(),
            Step::Done(done) => return done,
            Step::Rest => panic!("nothing was asked"),
        }
    }
    panic!("no end");
}

/// A host whose modem has only these answers, the one after the other; it has been started as one
/// with this way.
fn scripted(way: Way) -> Host {
    let mut host = Host::new(Options::default());
    host.start().unwrap();
    let started = drive(&mut host, |line| match (line, way) {
        ("AT+CCHO=?", Way::Plain) | ("AT+CSIM=?", Way::Sessions) => b"\r\nERROR\r\n".to_vec(),
        _ => b"\r\nOK\r\n".to_vec(),
    });
    assert_eq!((started, host.way()), (Ok(vec![]), Some(way)));
    host
}

/// What one command comes to, when the modem says this to one line.
fn once(host: &mut Host, command: &str, line: &str, said: &str) -> Result<String, Failure> {
    host.transmit(&bytes(command)).unwrap();
    let mut wanted = Some(line);
    let done = drive(host, |asked| {
        assert_eq!(Some(asked), wanted.take());
        said.as_bytes().to_vec()
    });
    done.map(hex::encode_upper)
}

/// A host with the ISD-R selected on channel 1; the modem called the session so.
fn selected(name: &str) -> Host {
    let mut host = scripted(Way::Sessions);
    host.transmit(&bytes("0070000001")).unwrap();
    assert_eq!(drive(&mut host, |_| panic!("no channel is opened in the card")), Ok(bytes("019000")));
    let select = format!("01A4040010{ISD_R}");
    let open = format!("AT+CCHO=\"{ISD_R}\"");
    let said = format!("\r\n{name}\r\n\r\nOK\r\n");
    assert_eq!(once(&mut host, &select, &open, &said).as_deref(), Ok("9000"));
    host
}

#[test]
fn a_session_is_opened_used_and_closed() {
    let mut host = selected("+CCHO: 1");
    assert_eq!(host.open_channels().collect::<Vec<_>>(), [1]);
    // The class byte names no channel: that is the modem's (§8.45).
    let cgla = "AT+CGLA=1,22,\"80E2910006BF3E035C015A\"";
    let said = "\r\n+CGLA: 4,\"6115\"\r\n\r\nOK\r\n";
    assert_eq!(once(&mut host, "81E2910006BF3E035C015A", cgla, said).as_deref(), Ok("6115"));
    let said = "\r\n+CGLA: 46,\"BF3E125A10890490320000000000000000000001639000\"\r\n\r\nOK\r\n";
    assert_eq!(
        once(&mut host, "01C0000015", "AT+CGLA=1,10,\"00C0000015\"", said).as_deref(),
        Ok("BF3E125A10890490320000000000000000000001639000")
    );
    assert_eq!(once(&mut host, "0070800100", "AT+CCHC=1", "\r\n+CCHC\r\n\r\nOK\r\n").as_deref(), Ok("9000"));
    assert_eq!((host.open_channels().count(), host.notice()), (0, None));
    host.transmit(&bytes("0070800100")).unwrap();
    assert_eq!(drive(&mut host, |_| panic!()), Ok(bytes("6881")));
}

#[test]
fn without_sessions_the_card_is_spoken_with_as_it_is() {
    let mut host = scripted(Way::Plain);
    let said = "\r\n+CSIM: 6,\"019000\"\r\n\r\nOK\r\n";
    assert_eq!(once(&mut host, "0070000001", "AT+CSIM=10,\"0070000001\"", said).as_deref(), Ok("019000"));
    let said = "\r\n+CSIM: 4,\"6121\"\r\nOK\r\n";
    let select = format!("01A4040010{ISD_R}");
    let csim = format!("AT+CSIM=42,\"01A4040010{ISD_R}\"");
    assert_eq!(once(&mut host, &select, &csim, said).as_deref(), Ok("6121"));
    let refused = once(&mut host, "81F2000000", "AT+CSIM=10,\"81F2000000\"", "\r\n+CME ERROR: 13\r\n");
    assert_eq!(refused, Err(Failure::Refused(Cme::Number(13))));
    assert_eq!(refused.unwrap_err().to_string(), "the modem refuses: +CME ERROR: 13 (SIM failure)");
}

#[test]
fn the_same_answer_in_the_words_of_different_modems() {
    for said in [
        "\r\n+CGLA: 8,\"ABCD9000\"\r\n\r\nOK\r\n",
        // Without quotes, without a space, in small letters, with the length in bytes.
        "\r\n+CGLA: 8,ABCD9000\r\n\r\nOK\r\n",
        "\r\n+CGLA:8,\"abcd9000\"\r\nOK\r\n",
        "\r\n+CGLA: 4,\"ABCD9000\"\r\nOK\r\n",
        "+cgla: 8, \"ABCD9000\"\nOK\n",
        // Without the prefix.
        "\r\n8,\"ABCD9000\"\r\n\r\nOK\r\n",
        // An echo, also one that has lost its first character.
        "AT+CGLA=1,10,\"80CA005A00\"\r\r\n+CGLA: 8,\"ABCD9000\"\r\n\r\nOK\r\n",
        "T+CGLA=1,10,\"80CA005A00\"\r\r\n+CGLA: 8,\"ABCD9000\"\r\n\r\nOK\r\n",
        // On several lines.
        "\r\n+CGLA: 8,\"AB\r\nCD90\r\n00\"\r\n\r\nOK\r\n",
        // Beside what the modem says by itself, and noise.
        "\r\nRING\r\n\r\n+CREG: 1\r\n\r\n+CGLA: 8,\"ABCD9000\"\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
        "> \0\x11\r\n> +CGLA: 8,\"ABCD9000\"\x13\r\n> OK\r\n",
    ] {
        let mut host = selected("+CCHO: 1");
        let done = once(&mut host, "81CA005A00", "AT+CGLA=1,10,\"80CA005A00\"", said);
        assert_eq!(done.as_deref(), Ok("ABCD9000"), "{said:?}");
    }
    let mut host = selected("+CCHO: 1");
    let said = "\r\nRING\r\n\r\n+CGLA: 4,\"9000\"\r\n\r\n+CREG: 1\r\n\r\nOK\r\n";
    assert!(once(&mut host, "81CA005A00", "AT+CGLA=1,10,\"80CA005A00\"", said).is_ok());
    assert_eq!(
        [host.notice(), host.notice(), host.notice()],
        [Some("RING".into()), Some("+CREG: 1".into()), None]
    );
}

#[test]
fn a_length_in_bytes_that_is_as_many_digits_as_the_first_line_has() {
    let digits = format!("{}9000", "A1".repeat(32));
    let (first, second) = digits.split_at(34);
    for said in [
        format!("\r\n+CSIM: 34,\"{first}\r\n{second}\"\r\n\r\nOK\r\n"),
        format!("\r\n+CSIM: 34,{first}\r\n+CREG: 1\r\n{second}\r\nOK\r\n"),
        format!("\r\n+CSIM: 68,\"{first}\r\n{second}\"\r\nOK\r\n"),
    ] {
        let mut host = scripted(Way::Plain);
        let done = once(&mut host, "00C0000020", "AT+CSIM=10,\"00C0000020\"", &said);
        assert_eq!(done.as_deref(), Ok(&digits[..]), "{said:?}");
    }
    // More than either count.
    let mut host = scripted(Way::Plain);
    let said = format!("\r\n+CSIM: 34,\"{first}\r\n{second}\r\n00\"\r\nOK\r\n");
    let done = once(&mut host, "00C0000020", "AT+CSIM=10,\"00C0000020\"", &said);
    assert_eq!(done, Err(Failure::Garbled));
}

#[test]
fn sessions_have_the_names_that_the_modem_gives_them() {
    // Fibocom FM350; Sierra MC7455, whose name for it is no channel.
    for (said, name) in
        [("1", "1"), ("+CCHO: \"2\"", "2"), ("+CCHO:3", "3"), ("+CCHO: 000000000385a7cf", "000000000385a7cf")]
    {
        let mut host = selected(said);
        let line = format!("AT+CGLA={name},10,\"80CA005A00\"");
        let done = once(&mut host, "81CA005A00", &line, "\r\n+CGLA: 4,\"9000\"\r\nOK\r\n");
        assert_eq!(done.as_deref(), Ok("9000"));
    }
    // No name, or something that would be a command of its own.
    for said in ["", "+CCHO:", "+CCHO: 1;+CFUN=0", "+CCHO: 00000000000000001", "READY"] {
        let mut host = scripted(Way::Sessions);
        host.transmit(&bytes("0070000001")).unwrap();
        drive(&mut host, |_| vec![]).unwrap();
        let select = format!("01A4040010{ISD_R}");
        let open = format!("AT+CCHO=\"{ISD_R}\"");
        let said = format!("\r\n{said}\r\nOK\r\n");
        assert_eq!(once(&mut host, &select, &open, &said), Err(Failure::Garbled));
    }
}

#[test]
fn an_application_that_is_not_there_and_a_channel_without_one() {
    let mut host = scripted(Way::Sessions);
    host.transmit(&bytes("0070000001")).unwrap();
    drive(&mut host, |_| vec![]).unwrap();
    for refusal in ["ERROR", "+CME ERROR: 22", "+CME ERROR: Parameters error", "COMMAND NOT SUPPORT"] {
        let said = format!("\r\n{refusal}\r\n");
        let done = once(&mut host, "01A4040005A000000559", "AT+CCHO=\"A000000559\"", &said);
        assert_eq!(done.as_deref(), Ok("6A82"));
        assert!(host.notice().unwrap().starts_with("AT+CCHO: "));
    }
    for (command, sw) in [
        // Nothing is selected; no such channel; the basic one, which this modem keeps to itself.
        ("81E2910003BF2D00", "6985"),
        ("82E2910003BF2D00", "6881"),
        ("C0E2910003BF2D00", "6881"),
        ("80AA000003A9810000", "6881"),
        // MANAGE CHANNEL: one by number, one that is open, all that there are.
        ("0070000200", "9000"),
        ("0070000200", "6A86"),
        ("0070000001", "039000"),
        ("0070000001", "6A81"),
        ("0070800400", "6A86"),
    ] {
        host.transmit(&bytes(command)).unwrap();
        let done = drive(&mut host, |line| panic!("{line}"));
        assert_eq!(done.map(hex::encode_upper).as_deref(), Ok(sw), "{command}");
    }
    for command in
        ["", "00A404", "00A4040010A0", "80E29100000001AA", &format!("80E2910000012C{}", "00".repeat(300))]
    {
        host.transmit(&bytes(command)).unwrap();
        assert_eq!(drive(&mut host, |line| panic!("{line}")), Err(Failure::Command));
    }
}

// 3GPP TS 27.007 §9.2.1: what is said of the card says nothing of the application.
#[test]
fn a_card_that_is_out_or_locked_is_not_one_without_the_application() {
    for (said, cme) in [
        ("10", Cme::Number(10)),
        ("11", Cme::Number(11)),
        ("12", Cme::Number(12)),
        ("14", Cme::Number(14)),
        ("20", Cme::Number(20)),
        // `AT+CMEE=2`, and modems that have their own mind about capital letters.
        ("SIM not inserted", Cme::Words("SIM not inserted".into())),
        ("SIM PIN required", Cme::Words("SIM PIN required".into())),
        ("SIM PUK required", Cme::Words("SIM PUK required".into())),
        ("sim busy", Cme::Words("sim busy".into())),
        ("memory full", Cme::Words("memory full".into())),
    ] {
        let mut host = scripted(Way::Sessions);
        host.transmit(&bytes("0070000001")).unwrap();
        drive(&mut host, |_| vec![]).unwrap();
        host.transmit(&bytes("01A4040005A000000559")).unwrap();
        let done = drive(&mut host, |line| match line {
            "AT" => b"\r\nOK\r\n".to_vec(),
            line => {
                assert_eq!(line, "AT+CCHO=\"A000000559\"");
                format!("\r\n+CME ERROR: {said}\r\n").into_bytes()
            }
        });
        assert_eq!(done, Err(Failure::Refused(cme)));
    }
}

// ETSI TS 102 223 §6.4.7: REFRESH may reset the card, which the modem then has to begin with anew.
#[test]
fn a_card_that_is_being_reset_is_waited_for() {
    let options = Options::default();
    let select = "01A4040005A000000559";
    for (way, command, refused, taken) in [
        (Way::Sessions, select, "AT+CCHO=\"A000000559\"", ("+CCHO: 1\r\n", "9000")),
        (Way::Plain, "0070000001", "AT+CSIM=10,\"0070000001\"", ("+CSIM: 6,\"019000\"\r\n", "019000")),
        (Way::Plain, "80AA000000", "AT+CSIM=10,\"80AA000000\"", ("+CSIM: 4,\"9000\"\r\n", "9000")),
    ] {
        for (said, is_absent) in [("10", true), ("SIM not inserted", true), ("14", false)] {
            let mut host = scripted(way);
            if way == Way::Sessions {
                host.transmit(&bytes("0070000001")).unwrap();
                drive(&mut host, |_| vec![]).unwrap();
            }
            host.transmit(&bytes(command)).unwrap();
            assert_eq!(host.step(), Step::Write(format!("{refused}\r").into_bytes()));
            host.read(format!("\r\n+CME ERROR: {said}\r\n").as_bytes());
            assert_eq!(host.step(), Step::Write(b"AT\r".to_vec()), "{way:?} {said}");
            host.read(b"\r\nOK\r\n");
            // Longer than a busy one.
            let quiet = if is_absent { options.absent } else { options.quiet };
            assert_eq!(host.step(), Step::Read(Wait::Quiet(quiet)), "{way:?} {said}");
            host.time_out();
            let (answer, response) = taken;
            let done = drive(&mut host, |line| {
                assert_eq!(line, refused);
                format!("\r\n{answer}\r\nOK\r\n").into_bytes()
            });
            assert_eq!(done, Ok(bytes(response)), "{way:?} {said}");
        }
    }
    assert!(options.absent > options.quiet);
    // What goes on with a channel that the reset has closed is not asked again.
    let mut host = scripted(Way::Plain);
    let done =
        once(&mut host, "81E2910003BF2D00", "AT+CSIM=16,\"81E2910003BF2D00\"", "\r\n+CME ERROR: 10\r\n");
    assert_eq!(done, Err(Failure::Refused(Cme::Number(10))));
}

// 3GPP TS 27.007 §9.2.1: "SIM failure", "SIM busy". Which of them may pass, and which command has not
// reached the card.
#[test]
fn what_a_card_was_not_given_is_tried_again() {
    let select = "01A4040005A000000559";
    for (said, times, end) in [
        ("14", 2, Ok(bytes("9000"))),
        ("SIM busy", 1, Ok(bytes("9000"))),
        ("13", 3, Ok(bytes("9000"))),
        ("14", 9, Err(Failure::Refused(Cme::Number(14)))),
        ("13", 9, Ok(bytes("6A82"))),
        ("10", 2, Ok(bytes("9000"))),
        ("10", 9, Err(Failure::Refused(Cme::Number(10)))),
        ("11", 9, Err(Failure::Refused(Cme::Number(11)))),
    ] {
        let mut host = scripted(Way::Sessions);
        host.transmit(&bytes("0070000001")).unwrap();
        drive(&mut host, |_| vec![]).unwrap();
        host.transmit(&bytes(select)).unwrap();
        let mut asked = 0;
        let done = drive(&mut host, |line| match line {
            "AT" => b"\r\nOK\r\n".to_vec(),
            "AT+CCHO=\"A000000559\"" => {
                asked += 1;
                let answer =
                    if asked > times { "+CCHO: 1\r\n\r\nOK".into() } else { format!("+CME ERROR: {said}") };
                format!("\r\n{answer}\r\n").into_bytes()
            }
            line => panic!("{line}"),
        });
        assert_eq!(done, end, "{said}");
        assert_eq!(asked, if said == "11" { 1 } else { times.min(3) + 1 }, "{said}");
    }
    // Without a card there is nothing beside the sessions either.
    let mut host = Host::new(Options::default());
    host.start().unwrap();
    drive(&mut host, |_| b"\r\nOK\r\n".to_vec()).unwrap();
    let done = once(&mut host, "80F2000C00", "AT+CSIM=10,\"80F2000C00\"", "\r\n+CME ERROR: 10\r\n");
    assert_eq!(done, Err(Failure::Refused(Cme::Number(10))));
    // One that failed may have been carried out.
    let mut asked = 0;
    let mut host = selected("+CCHO: 1");
    host.transmit(&bytes("81E2910003BF2D00")).unwrap();
    let done = drive(&mut host, |_| {
        asked += 1;
        b"\r\n+CME ERROR: 13\r\n".to_vec()
    });
    assert_eq!((done, asked), (Err(Failure::Refused(Cme::Number(13))), 1));
}

#[test]
fn a_modem_without_a_card_says_so_in_numbers_or_words() {
    assert!(Cme::Number(10).is_card_out());
    assert!(Cme::Words("SIM not inserted".into()).is_card_out());
    for other in [Cme::Unsaid, Cme::Number(13), Cme::Words(String::new()), Cme::Words("SIM busy".into())] {
        assert!(!other.is_card_out(), "{other:?}");
    }
}

#[test]
fn a_line_that_takes_nothing_does_not_keep_the_host_busy() {
    let mut host = selected("+CCHO: 1");
    host.give_up();
    assert_eq!(host.step(), Step::Rest);
    host.transmit(&bytes("81CA005A00")).unwrap();
    assert!(matches!(host.step(), Step::Write(_)));
    host.give_up();
    assert_eq!(host.step(), Step::Done(Err(Failure::NoModem)));
    // Its answer may still come.
    host.transmit(&bytes("81CA00FE00")).unwrap();
    assert_eq!(host.step(), Step::Write(b"AT\r".to_vec()));
}

// ITU-T V.250 §6.2.6: `ATV0` makes result codes digits; `ATV1` is answered in words.
#[test]
fn a_modem_that_answers_in_digits_is_asked_for_words() {
    let mut host = Host::new(Options::default());
    host.start().unwrap();
    let mut words = false;
    let started = drive(&mut host, |line| {
        words |= line == "ATV1";
        if words { b"\r\nOK\r\n".to_vec() } else { b"0\r".to_vec() }
    });
    assert_eq!((started, host.way()), (Ok(vec![]), Some(Way::Sessions)));
}

#[test]
fn a_modem_that_leaves_the_class_byte_to_the_host_is_found_out() {
    let mut host = selected("+CCHO: 2");
    host.transmit(&bytes("81E2910003BF2D00")).unwrap();
    let mut asked = vec![];
    let done = drive(&mut host, |line| {
        asked.push(line.to_string());
        let sw = if line.contains("\"82E2") { "9000" } else { "6E00" };
        format!("\r\n+CGLA: 4,\"{sw}\"\r\n\r\nOK\r\n").into_bytes()
    });
    assert_eq!(done, Ok(bytes("9000")));
    assert_eq!(asked, ["AT+CGLA=2,16,\"80E2910003BF2D00\"", "AT+CGLA=2,16,\"82E2910003BF2D00\""]);
    // Known from now on.
    let said = "\r\n+CGLA: 4,\"6D00\"\r\n\r\nOK\r\n";
    assert_eq!(once(&mut host, "01C0000000", "AT+CGLA=2,10,\"02C0000000\"", said).as_deref(), Ok("6D00"));
    // Another error before that says nothing of the channel.
    for sw in ["6985", "6A88", "6C10"] {
        let mut host = selected("+CCHO: 2");
        let line = "AT+CGLA=2,16,\"80E2910003BF2D00\"";
        let said = format!("\r\n+CGLA: 4,\"{sw}\"\r\n\r\nOK\r\n");
        assert_eq!(once(&mut host, "81E2910003BF2D00", line, &said).as_deref(), Ok(sw));
        host.transmit(&bytes("81E2910003BF2D00")).unwrap();
        let done = drive(&mut host, |line| {
            let sw = if line.contains("\"82E2") { "9000" } else { "6E00" };
            format!("\r\n+CGLA: 4,\"{sw}\"\r\n\r\nOK\r\n").into_bytes()
        });
        assert_eq!(done, Ok(bytes("9000")), "{sw}");
    }
    // A name that is no channel can't be put there.
    let mut host = selected("+CCHO: 000000000385a7cf");
    let said = "\r\n+CGLA: 4,\"6E00\"\r\n\r\nOK\r\n";
    let line = "AT+CGLA=000000000385a7cf,16,\"80E2910003BF2D00\"";
    assert_eq!(once(&mut host, "81E2910003BF2D00", line, said).as_deref(), Ok("6E00"));
}

#[test]
fn what_is_no_answer_is_garbled() {
    for said in [
        "\r\nOK\r\n",
        "\r\n+CGLA: 4,\"90\"\r\nOK\r\n",
        "\r\n+CGLA: 8,\"9000\"\r\nOK\r\n",
        "\r\n+CGLA: 4,\"90 0G\"\r\nOK\r\n",
        "\r\n+CGLA: 2,\"90\"\r\nOK\r\n",
        "\r\n+CGLA: 0,\"\"\r\nOK\r\n",
        "\r\n+CGLA: -4,\"9000\"\r\nOK\r\n",
        "\r\n+CGLA: 99999999999999999999,\"9000\"\r\nOK\r\n",
        "\r\n+CGLA:\r\nOK\r\n",
        "\r\n+CGLA: 3,\"900\"\r\nOK\r\n",
        "\r\n+CSIM: 4,\"9000\"\r\nOK\r\n",
        "\r\n+CGLA: 8,\"ABCD\r\n+CREG: 1\r\nOK\r\n",
    ] {
        let mut host = selected("+CCHO: 1");
        let done = once(&mut host, "81CA005A00", "AT+CGLA=1,10,\"80CA005A00\"", said);
        assert_eq!(done, Err(Failure::Garbled), "{said:?}");
    }
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_one() {
    let mut host = selected("+CCHO: 1");
    host.transmit(&bytes("81CA005A00")).unwrap();
    assert_eq!(host.transmit(&bytes("81CA005A00")), Err(NotNow));
    assert_eq!(drive(&mut host, |_| vec![]), Err(Failure::Silent));
    assert_eq!(host.step(), Step::Rest);
    host.transmit(&bytes("81CA00FE00")).unwrap();
    // What was late comes as the answer to AT; then quiet, and then the command.
    let mut asked = vec![];
    let done = drive(&mut host, |line| {
        asked.push(line.to_string());
        match line {
            "AT" => b"\r\n+CGLA: 4,\"AAAA\"\r\n\r\nOK\r\n\r\nOK\r\n".to_vec(),
            _ => b"\r\n+CGLA: 4,\"9000\"\r\n\r\nOK\r\n".to_vec(),
        }
    });
    assert_eq!((done, asked.len()), (Ok(bytes("9000")), 2));
    // Quiet again: the next one goes at once.
    let said = "\r\n+CGLA: 4,\"9000\"\r\nOK\r\n";
    assert!(once(&mut host, "81CA005A00", "AT+CGLA=1,10,\"80CA005A00\"", said).is_ok());
    // Silent for ever.
    host.transmit(&bytes("81CA005A00")).unwrap();
    assert_eq!(drive(&mut host, |_| vec![]), Err(Failure::Silent));
    host.transmit(&bytes("81CA005A00")).unwrap();
    assert_eq!(drive(&mut host, |_| vec![]), Err(Failure::Silent));
}

#[test]
fn a_session_that_is_opened_too_late_is_closed() {
    let select = format!("01A4040010{ISD_R}");
    for (late, name) in [("+CCHO: 2", "2"), ("3", "3"), ("+CCHO: 000000000385a7cf", "000000000385a7cf")] {
        let mut host = scripted(Way::Sessions);
        host.transmit(&bytes("0070000001")).unwrap();
        drive(&mut host, |_| panic!()).unwrap();
        host.transmit(&bytes(&select)).unwrap();
        assert_eq!(drive(&mut host, |_| vec![]), Err(Failure::Silent));
        host.transmit(&bytes(&select)).unwrap();
        let mut asked = vec![];
        let done = drive(&mut host, |line| {
            asked.push(line.to_string());
            match line {
                "AT" => format!("\r\n{late}\r\n\r\nOK\r\n\r\nOK\r\n").into_bytes(),
                _ if line.starts_with("AT+CCHC") => b"\r\nOK\r\n".to_vec(),
                _ => b"\r\n+CCHO: 1\r\n\r\nOK\r\n".to_vec(),
            }
        });
        assert_eq!(done, Ok(bytes("9000")));
        assert_eq!(asked, ["AT", &format!("AT+CCHC={name}"), &format!("AT+CCHO=\"{ISD_R}\"")]);
    }
    // While nobody asks anything; and the close is not answered the first time.
    let mut host = scripted(Way::Sessions);
    host.transmit(&bytes("0070000001")).unwrap();
    drive(&mut host, |_| panic!()).unwrap();
    host.transmit(&bytes(&select)).unwrap();
    assert_eq!(drive(&mut host, |_| vec![]), Err(Failure::Silent));
    host.read(b"\r\n+CCHO: 2\r\n\r\nOK\r\n");
    let mut asked = vec![];
    for done in [Err(Failure::Silent), Ok(bytes("9000"))] {
        host.transmit(&bytes("0070800100")).unwrap();
        let said = drive(&mut host, |line| {
            asked.push(line.to_string());
            let is_answered = line == "AT" || done.is_ok();
            if is_answered { b"\r\nOK\r\n".to_vec() } else { vec![] }
        });
        assert_eq!(said, done);
    }
    assert_eq!(asked, ["AT", "AT+CCHC=2", "AT", "AT+CCHC=2"]);
    // A number that is late to something else is no session.
    let mut host = selected("+CCHO: 1");
    host.transmit(&bytes("81CA005A00")).unwrap();
    assert_eq!(drive(&mut host, |_| vec![]), Err(Failure::Silent));
    host.transmit(&bytes("81CA005A00")).unwrap();
    let done = drive(&mut host, |line| match line {
        "AT" => b"\r\n+CCHO: 2\r\n2\r\nOK\r\n".to_vec(),
        _ if line.starts_with("AT+CCHC") => panic!("{line}"),
        _ => b"\r\n+CGLA: 4,\"9000\"\r\nOK\r\n".to_vec(),
    });
    assert_eq!(done, Ok(bytes("9000")));
}

#[test]
fn a_session_whose_close_is_not_answered_can_be_closed_again() {
    let mut host = selected("+CCHO: 2");
    host.transmit(&bytes("0070800100")).unwrap();
    assert_eq!(drive(&mut host, |_| vec![]), Err(Failure::Silent));
    assert_eq!(host.open_channels().collect::<Vec<_>>(), [1]);
    host.transmit(&bytes("0070800100")).unwrap();
    let mut asked = vec![];
    let done = drive(&mut host, |line| {
        asked.push(line.to_string());
        b"\r\nOK\r\n".to_vec()
    });
    assert_eq!((done, host.open_channels().count()), (Ok(bytes("9000")), 0));
    assert_eq!(asked, ["AT", "AT+CCHC=2"]);
}

#[test]
fn a_line_that_is_never_quiet_is_given_up() {
    // In pieces of one byte, and in long ones: how often somebody waits is what counts.
    for (piece, most) in [(&b"A"[..], 3000), (&[b'A'; 1000], 100)] {
        let mut host = Host::new(Options::default());
        host.start().unwrap();
        assert_eq!(host.step(), Step::Write(b"AT\r".to_vec()));
        host.read(b"\r\nOK\r\n");
        let (mut reads, mut step) = (0, host.step());
        while matches!(step, Step::Read(Wait::Quiet(_))) && reads < most {
            host.read(piece);
            (reads, step) = (reads + 1, host.step());
        }
        assert_eq!(step, Step::Done(Err(Failure::Garbled)), "{reads}");
    }
}

#[test]
fn what_to_wait_for_is_said() {
    let options = Options::default();
    let mut host = Host::new(options.clone());
    assert_eq!(host.step(), Step::Rest);
    // Not started.
    host.transmit(&bytes("00A40000")).unwrap();
    assert_eq!(host.step(), Step::Done(Err(Failure::NoWay)));
    // Said before anybody asked; and an end before the question is out.
    host.read(b"\r\nRDY\r\n\r\n+CPIN: READY\r\n");
    host.start().unwrap();
    host.read(b"\r\nOK\r\n");
    assert_eq!(host.step(), Step::Write(b"AT\r".to_vec()));
    assert_eq!(host.step(), Step::Read(Wait::Answer(options.modem)));
    host.read(b"AT\r\r\nO");
    assert_eq!(host.step(), Step::Read(Wait::Answer(options.modem)));
    host.read(b"K\r\n");
    assert_eq!(host.step(), Step::Read(Wait::Quiet(options.quiet)));
    host.time_out();
    assert_eq!(host.step(), Step::Write(b"ATE0\r".to_vec()));
    let notices: Vec<String> = core::iter::from_fn(|| host.notice()).collect();
    assert_eq!(notices, ["RDY", "+CPIN: READY", "OK"]);
}

#[test]
fn a_line_without_a_modem_and_a_modem_without_a_card() {
    let mut host = Host::new(Options::default());
    host.start().unwrap();
    let mut hellos = 0;
    let done = drive(&mut host, |_| {
        hellos += 1;
        b"login: ".to_vec()
    });
    assert_eq!((done, hellos), (Err(Failure::NoModem), 3));
    // It hears the second time; knows neither question, which need not mean a thing.
    host.start().unwrap();
    let mut first = true;
    let done = drive(&mut host, |line| match line {
        "AT" if core::mem::take(&mut first) => vec![],
        "AT" | "ATE0" => b"OK\r\n".to_vec(),
        _ => b"ERROR\r\n".to_vec(),
    });
    assert_eq!((done, host.way()), (Ok(vec![]), Some(Way::Sessions)));
    // It dies in the middle.
    host.start().unwrap();
    assert_eq!(
        drive(&mut host, |line| if line == "AT" { b"OK\r".to_vec() } else { vec![] }),
        Err(Failure::Silent)
    );
    assert_eq!(host.way(), None);
}

#[test]
fn nothing_grows_without_bound() {
    // A line without end, lines without end, an answer without end.
    let endless: [(&[u8], usize); 4] = [
        (b"A", 3 << 19),
        (b"\r\nRING\r\n", 1100),
        (b"\r\n+CGLA: 99999,\"00\r\n", 200_000),
        (b"00\r\n", 600_000),
    ];
    for (piece, times) in endless {
        let mut host = selected("+CCHO: 1");
        host.transmit(&bytes("81CA005A00")).unwrap();
        let mut said = piece.repeat(times);
        said.extend_from_slice(b"\r\nOK\r\n");
        let done = drive(&mut host, |_| core::mem::take(&mut said));
        assert!(matches!(done, Err(Failure::Garbled | Failure::Silent)), "{done:?}");
        let notices: Vec<String> = core::iter::from_fn(|| host.notice()).collect();
        assert!(notices.len() <= 32 && notices.iter().all(|notice| notice.len() <= 200));
    }
    let mut lines = Lines::default();
    let long = vec![b'A'; MAX_LINE + 1];
    let mut ended: Vec<Line> = long.iter().chain(b"\rOK\n").filter_map(|&byte| lines.push(byte)).collect();
    assert_eq!(
        (ended.pop(), ended.pop(), ended.len()),
        (Some(Line::Text("OK".into())), Some(Line::TooLong), 0)
    );
}

#[test]
fn data_says_when_it_is_whole() {
    let arrived = |pieces: &[&str]| {
        let mut data = Data::default();
        assert!(pieces.iter().all(|piece| data.push(piece)));
        data.arrived()
    };
    assert_eq!(arrived(&["4,\"9000\""]), Arrived::Whole(vec![0x90, 0]));
    assert_eq!(arrived(&["2,9000"]), Arrived::Whole(vec![0x90, 0]));
    assert_eq!(arrived(&["\"9000\""]), Arrived::Whole(vec![0x90, 0]));
    assert_eq!(arrived(&["8,\"AB"]), Arrived::Part);
    assert_eq!(arrived(&["8,\"AB", "CD9000\""]), Arrived::Whole(vec![0xAB, 0xCD, 0x90, 0]));
    for no in ["", "4", "x,9000", "4,9000,1", "2,\"900000\""] {
        assert_eq!(arrived(&[no]), Arrived::Garbled, "{no}");
    }
}

#[test]
fn errors_say_what_they_mean() {
    for (text, shown) in [
        ("13", "+CME ERROR: 13 (SIM failure)"),
        (" 11 ", "+CME ERROR: 11 (SIM PIN required)"),
        ("999", "+CME ERROR: 999"),
        ("SIM busy", "+CME ERROR: SIM busy"),
        ("", "ERROR"),
    ] {
        assert_eq!(Cme::read(text).to_string(), shown);
    }
}

// The modem's side.

/// A card that knows one application, has answers of any length, and counts what is open.
#[derive(Default)]
struct Played {
    open: [bool; 4],
    selected: [bool; 4],
    waiting: Vec<u8>,
}

impl crate::Card for Played {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let channel = usize::from(command[0] & 3);
        let all: Vec<u8> = (0..=255).chain(0..=99).collect();
        match (command[1], command[2]) {
            (0x70, 0) => match self.open.iter().skip(1).position(|open| !open) {
                Some(free) => {
                    self.open[free + 1] = true;
                    vec![free as u8 + 1, 0x90, 0]
                }
                None => vec![0x6A, 0x81],
            },
            (0x70, _) => {
                let number = usize::from(command[3] & 3);
                (self.open[number], self.selected[number]) = (false, false);
                vec![0x90, 0]
            }
            (0xA4, _) if command[5..] == *bytes(ISD_R) => {
                self.selected[channel] = true;
                vec![0x61, 0x21]
            }
            (0xA4, _) => vec![0x6A, 0x82],
            (0xE2, _) if self.selected[channel] => {
                self.waiting = all;
                vec![0x61, 0x00]
            }
            (0xC0, _) if self.selected[channel] => {
                let part: Vec<u8> = self.waiting.drain(..self.waiting.len().min(256)).collect();
                let sw = if self.waiting.is_empty() { [0x90, 0] } else { [0x61, self.waiting.len() as u8] };
                [part, sw.to_vec()].concat()
            }
            _ => vec![0x6E, 0x00],
        }
    }
}

/// An LPA's conversation: what is not there, the ISD-R, an answer of 356 bytes, the end.
fn conversation(host: &mut Host, modem: &mut Modem<Played>) {
    let mut card = |host: &mut Host, command: &str| {
        host.transmit(&bytes(command)).unwrap();
        drive(host, |line| modem.write(format!("{line}\r").as_bytes())).unwrap()
    };
    card(host, "80AA000003A9810000");
    let opened = card(host, "0070000001");
    assert_eq!(opened, bytes("019000"));
    assert_eq!(card(host, "01A4040005A000000001"), bytes("6A82"));
    let selected = card(host, &format!("01A4040010{ISD_R}"));
    assert!(selected == bytes("9000") || selected == bytes("6121"), "{selected:02X?}");
    let mut answer = card(host, "81E2910003BF2D0000");
    while let [.., 0x61, le] = answer[..] {
        answer.truncate(answer.len() - 2);
        answer.extend(card(host, &format!("01C00000{le:02X}")));
    }
    let whole: Vec<u8> = (0..=255).chain(0..=99).chain([0x90, 0]).collect();
    assert_eq!(answer, whole);
    assert_eq!(card(host, "0070800100"), bytes("9000"));
}

#[test]
fn a_conversation_comes_to_the_same_end_with_every_habit() {
    let habits: Vec<(&str, Habits)> = vec![
        ("by the book", Habits::default()),
        ("no CSIM", Habits { plain: false, ..Habits::default() }),
        ("no sessions", Habits { sessions: false, ..Habits::default() }),
        ("does not tell", Habits { tells: false, ..Habits::default() }),
        ("long names", Habits { ids: Ids::Long, ..Habits::default() }),
        ("no prefix", Habits { prefix: false, ..Habits::default() }),
        ("no quotes", Habits { quotes: false, ..Habits::default() }),
        ("bytes", Habits { counts_bytes: true, ..Habits::default() }),
        ("wraps", Habits { wraps: Some(80), ..Habits::default() }),
        ("bytes, wraps", Habits { counts_bytes: true, wraps: Some(45), ..Habits::default() }),
        ("leaves the class", Habits { puts_channel: false, ..Habits::default() }),
        ("fetches", Habits { fetches: true, ..Habits::default() }),
        ("prompts", Habits { prompts: true, ..Habits::default() }),
        (
            "talks",
            Habits {
                says: vec!["RING".into(), "+CREG: 1,\"00AB\"".into(), "^RSSI:19".into()],
                ..Habits::default()
            },
        ),
    ];
    for (name, habits) in habits {
        println!("{name}");
        let way = if habits.sessions { Way::Sessions } else { Way::Plain };
        let mut modem = Modem::new(Played::default(), habits);
        let mut host = Host::new(Options::default());
        host.start().unwrap();
        drive(&mut host, |line| modem.write(format!("{line}\r").as_bytes())).unwrap();
        assert_eq!(host.way(), Some(way));
        conversation(&mut host, &mut modem);
        assert_eq!((modem.sessions(), modem.card().open), (0, [false; 4]));
        // Again: nothing is left of the first.
        conversation(&mut host, &mut modem);
    }
}

#[test]
fn a_restarted_modem_knows_its_sessions_no_more() {
    let mut modem = Modem::new(Played::default(), Habits::default());
    let mut host = Host::new(Options::default());
    host.start().unwrap();
    drive(&mut host, |line| modem.write(format!("{line}\r").as_bytes())).unwrap();
    let card = |host: &mut Host, modem: &mut Modem<Played>, command: &str| {
        host.transmit(&bytes(command)).unwrap();
        drive(host, |line| modem.write(format!("{line}\r").as_bytes()))
    };
    card(&mut host, &mut modem, "0070000001").unwrap();
    card(&mut host, &mut modem, &format!("01A4040010{ISD_R}")).unwrap();
    assert_eq!(modem.sessions(), 1);
    modem.restart();
    // It has also forgotten to say why.
    assert_eq!(card(&mut host, &mut modem, "81E2910003BF2D0000"), Err(Failure::Refused(Cme::Unsaid)));
    assert_eq!(card(&mut host, &mut modem, "0070800100"), Ok(bytes("6881")));
    *modem.card() = Played::default();
    conversation(&mut host, &mut modem);
}

#[test]
fn the_modem_answers_as_27_007_has_it() {
    let mut modem = Modem::new(Played::default(), Habits { longest: 40, ..Habits::default() });
    let mut says = |line: &str| String::from_utf8(modem.write(format!("{line}\r").as_bytes())).unwrap();
    assert_eq!(says("AT"), "AT\r\r\nOK\r\n");
    assert_eq!(says("ATE0"), "ATE0\r\r\nOK\r\n");
    for (line, said) in [
        ("", ""),
        ("hello", ""),
        ("at+cgla=1,8,\"00A40000\"", "\r\nERROR\r\n"),
        ("AT+CMEE=1", "\r\nOK\r\n"),
        ("AT+CGLA=1,8,\"00A40000\"", "\r\n+CME ERROR: 13\r\n"),
        ("AT+CCHO=\"A000000001\"", "\r\n+CME ERROR: 22\r\n"),
        ("AT+CCHO=\"\"", "\r\n+CME ERROR: 50\r\n"),
        ("AT+CSIM=8,\"0044\"", "\r\n+CME ERROR: 50\r\n"),
        ("AT+CSIM=8,\"0044000G\"", "\r\n+CME ERROR: 50\r\n"),
        ("AT+CSIM=4,\"0044\"", "\r\n+CME ERROR: 50\r\n"),
        ("AT+CSIM=8,\"00440000\"", "\r\n+CSIM: 4,\"6E00\"\r\n\r\nOK\r\n"),
        ("AT+CFUN=1", "\r\n+CME ERROR: 4\r\n"),
        ("AT+CSIM=40,\"0044000000440000004400000044000000440000\"", "\r\n+CME ERROR: 50\r\n"),
        ("AT+CMEE=2", "\r\nOK\r\n"),
        ("AT+CCHC=1", "\r\n+CME ERROR: SIM failure\r\n"),
    ] {
        assert_eq!(says(line), said, "{line}");
    }
}

// Whatever comes in.

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_host_ends_whatever_a_modem_says(said in proptest::collection::vec(proptest::collection::vec(noise(), 0..6), 1..12)) {
        let mut host = Host::new(Options::default());
        let mut said = said.into_iter().cycle();
        host.start().unwrap();
        let mut other = |_: &str| said.next().unwrap_or_default().concat();
        let _ = drive(&mut host, &mut other);
        for command in ["0070000001", "01A4040005A000000559", "81E2910003BF2D00", "01C0000000", "0070800100"] {
            host.transmit(&bytes(command)).unwrap();
            if let Ok(response) = drive(&mut host, &mut other) {
                prop_assert!(response.len() >= 2);
            }
        }
    }

    #[test]
    fn a_modem_survives_whatever_is_written(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut modem = Modem::new(Played::default(), Habits::default());
        modem.write(b"AT+CSIM=");
        modem.write(&bytes);
        modem.write(b"\rATE0\r");
        prop_assert!(modem.write(b"AT\r").ends_with(b"\r\nOK\r\n"));
    }
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"\r\nOK\r\n".to_vec()),
        Just(b"\r\nERROR\r\n".to_vec()),
        Just(b"\r\n+CME ERROR: 13\r\n".to_vec()),
        Just(b"\r\n+CCHO: 1\r\n".to_vec()),
        Just(b"\r\n+CGLA: 4,\"9000\"\r\n".to_vec()),
        Just(b"\r\n+CGLA: 600,\"90".to_vec()),
        Just(b"\r\n+CSIM: 4,9000\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ]
}
