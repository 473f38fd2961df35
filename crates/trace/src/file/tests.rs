//! Files that are written and read back, and files that nobody wrote.

use serde_json::Value;
use vectors::bytes;

use super::json::{self, File};
use crate::{
    Answer, Format, Import, ImportError, Level, Limits, MAX_IMPORT, MAX_MESSAGE, Message, Origin, Party,
    Request, Step, Style, Trace, apdu_lines, curl, export, import, to_har, to_json, to_pcap, to_text,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn sample() -> Trace {
    let mut trace = Trace::default();
    let ticket = trace.reset(Party::Chip, 0.0);
    trace.answer(ticket, &bytes("3B 9F 96 80 1F C7 80 31 A0 73 BE 21 13 67 43 20 07 18 00 00 01 A5"), 0.5);
    trace.set_step(Some(Step::Contact));
    let ticket = trace.command(Party::Chip, &bytes("81 E2 91 00 03 BF 2E 00 00"), 1.25);
    trace.answer(ticket, &bytes("61 15"), 2.0);
    let ticket = trace.command(Party::Chip, &bytes("81 C0 00 00 15"), 2.5);
    trace.answer(ticket, &bytes("BF 2E 12 80 10 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 90 00"), 3.0);
    trace.set_step(None);
    let headers = [("content-type", "application/json"), ("x-admin-protocol", "gsma/rsp/v2.2.2")];
    let body = b"{\n  \"smdpAddress\": \"it's here\"\n}";
    let url = "https://smdp.example.com/gsma/rsp2/es9plus/initiateAuthentication?a=b&c";
    let request = Request { method: "POST", url, headers: &headers, body };
    let ticket = trace.call(Party::Phone, Party::Smdp, request, 4.0);
    trace.reply(ticket, Answer { status: 200, headers: &headers[..1], body: b"\xFF\x00binary" }, 5.0);
    let request = Request { method: "POST", url: "/network/attach", headers: &[], body: b"" };
    let ticket = trace.call(Party::Phone, Party::Network, request, 6.0);
    trace.fail(ticket, "the answer was lost", 7.0);
    trace.note(ticket.message, "dropped by the bench");
    let ticket = trace.command(Party::Watch, &bytes("00 A4 00 04 02 2F E2"), 8.0);
    trace.answer(ticket, &bytes("6A 82"), 9.0);
    trace
}

fn same(one: &Trace, other: &Trace) {
    for (one, other) in one.messages().zip(other.messages()) {
        assert_eq!(one, other);
    }
    assert_eq!(one.len(), other.len());
}

#[test]
fn json_comes_back_complete() {
    let trace = sample();
    let json = to_json(&trace, false);
    same(&import(json.as_bytes()).unwrap(), &trace);
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&value["format"], &value["version"]), (&"esim-trace".into(), &1.into()));
    // Fields that a later writer adds are no trouble.
    let more = json.replacen('{', r#"{"later":[1],"#, 1);
    assert!(import(more.as_bytes()).is_ok());
}

#[test]
fn text_comes_back_as_what_it_shows() {
    let trace = sample();
    let text = to_text(&trace);
    assert!(text.contains("\n> 81E2910003BF2E0000 ; 1.250\n< 6115 ; 2.000\n"), "{text}");
    let back = import(text.as_bytes()).unwrap();
    for (one, other) in trace.messages().zip(back.messages()) {
        let part = |message: &Message| {
            message.parts.iter().map(|part| (part.request.clone(), part.response.clone())).collect::<Vec<_>>()
        };
        assert_eq!(part(one), part(other), "{text}");
        assert_eq!(
            (&one.name, one.from, one.to, &one.http),
            (&other.name, other.from, other.to, &other.http)
        );
        assert_eq!((&one.ending, &one.note, one.step), (&other.ending, &other.note, other.step), "{text}");
        assert!((one.at - other.at).abs() < 0.001 && (one.took - other.took).abs() < 0.001);
    }
    assert_eq!(trace.len(), back.len());
    assert_eq!(to_text(&back), text);
}

#[test]
fn lines_of_card_tools_are_read() {
    let text = "# a card\n> 00 A4 04 00 10 A0000005591010FFFFFFFF8900000100\r\n< 61 23\n> 00C0000023\n< 6F00 9000\n\n> 80e2910003bf2000\n< bf20009000\n";
    let trace = import(text.as_bytes()).unwrap();
    let names: Vec<&str> = trace.messages().map(|message| message.name.as_str()).collect();
    assert_eq!(names, ["SELECT ISD-R", "ES10b.GetEUICCInfo1"]);
    assert_eq!(import(b"> 00A4\n< 9000\nhello\n"), Err(ImportError::Line(3)));
    assert_eq!(import(b"< 9000\n"), Err(ImportError::Line(1)));
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.messages().eq(other.messages())
    }
}

#[test]
fn files_of_others_are_refused_with_a_reason() {
    assert_eq!(import(&[0xFF, 0xFE, 0x00]), Err(ImportError::NotText { line: 1 }));
    assert_eq!(import(b""), Err(ImportError::Empty));
    assert_eq!(import(b"; nothing\n"), Err(ImportError::Empty));
    assert_eq!(import(b"{}"), Err(ImportError::OtherFormat));
    assert_eq!(import(b"[1]"), Err(ImportError::OtherFormat));
    assert_eq!(import(br#"{"format":"esim-trace","version":2,"messages":[]}"#), Err(ImportError::Version(2)));
    assert!(matches!(import(b"{\"format\":\n oops"), Err(ImportError::Json { line: 2, .. })));
    assert!(matches!(
        import(br#"{"format":"esim-trace","version":1,"messages":[{"id":1}]}"#),
        Err(ImportError::Json { .. })
    ));
    let deep = format!(r#"{{"format":"esim-trace","version":1,"messages":[{}"#, "[".repeat(100_000));
    assert!(matches!(import(deep.as_bytes()), Err(ImportError::Json { .. })));
    let json = to_json(&sample(), false);
    for (from, to, what) in [
        ("\"chip\"", "\"moon\"", "party"),
        ("\"ES10b\"", "\"ES99\"", "interface"),
        ("\"81C0000015\"", "\"81C000001\"", "bytes"),
        ("\"step\": 2", "\"step\": 9", "step"),
        ("\"2FE2\"", "\"no file\"", "file"),
    ] {
        let bad = json.replace(from, to);
        assert_ne!(bad, json, "{from}");
        let error = import(bad.as_bytes()).unwrap_err();
        assert!(matches!(&error, ImportError::Message { what: found, .. } if *found == what), "{error:?}");
        for language in words::Language::ALL {
            assert!(error.text().say(language).contains(what));
        }
    }
    // Ids that do not count up, times that are no times.
    let odd = json.replace("\"id\": 3", "\"id\": 0").replace("\"at\": 8.0", "\"at\": -1e300");
    let trace = import(odd.as_bytes()).unwrap();
    let ids: Vec<u32> = trace.messages().map(|message| message.id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    assert!(trace.messages().all(|message| message.at >= 0.0));
    let last = json.replace("\"id\": 0", "\"id\": 4294967295");
    assert!(import(last.as_bytes()).is_ok_and(|trace| !trace.is_empty()));
}

#[test]
fn damaged_files_are_read_or_refused() {
    let json = to_json(&sample(), false).into_bytes();
    let text = to_text(&sample()).into_bytes();
    for file in [json, text] {
        for place in (0..file.len()).step_by(if cfg!(target_arch = "wasm32") { 97 } else { 7 }) {
            for byte in [0, b'"', b'9', b'>', b';'] {
                let mut damaged = file.clone();
                damaged[place] = byte;
                let _ = import(&damaged).map(|trace| trace.messages().map(crate::decode).count());
                let _ = import(&damaged[..place]);
            }
        }
    }
}

/// What serde makes of the whole text at once: the oracle of what reads it in pieces. Of what is wrong the
/// place, and whether that is only what is missing.
fn whole(json: &str) -> Result<Trace, (usize, usize, bool)> {
    let place = |error: serde_json::Error| {
        (error.line(), error.column(), error.to_string().starts_with("missing field"))
    };
    let file: File = serde_json::from_str(json).map_err(place)?;
    let messages: Result<Vec<Message>, _> = file.messages.into_iter().map(json::read).collect();
    messages
        .map(|messages| Trace::from_messages(Limits::default(), messages, file.dropped))
        .map_err(|_| (0, 0, false))
}

fn in_pieces(file: &[u8], size: usize) -> Result<Trace, ImportError> {
    let mut import = Import::new();
    for piece in file.chunks(size) {
        import.take(piece)?;
    }
    assert_eq!(import.taken(), file.len());
    import.finish()
}

/// With letters of two, three and four bytes, and all that JSON escapes.
fn international() -> Trace {
    let mut trace = sample();
    trace.note(4, "näher, 端末が切断された, 🂡 \"quoted\" \\ {[\u{7}]}");
    trace
}

#[test]
fn a_file_is_the_same_wherever_it_is_cut() {
    let trace = international();
    let pretty = to_json(&trace, true).replacen("\"dropped\": 0", "\"dropped\": 12", 1);
    let value: Value = serde_json::from_str(&pretty).unwrap();
    // On one line; and with the members in the order of a tool that sorts them: version comes last.
    let sorted = format!(
        "{{\"dropped\":12,\"format\":\"esim-trace\",\"messages\":{},\"other\":[1,{{\"a\":\"]\"}}],\"version\":1}}\n\n",
        value["messages"]
    );
    for json in [pretty.clone(), value.to_string(), sorted, format!("\u{FEFF} \n{pretty}")] {
        let expected = whole(json.trim_start_matches('\u{FEFF}')).unwrap();
        same(&expected, &trace);
        for size in [1, 2, 3, 5, 64, 1_000, usize::MAX] {
            let read = in_pieces(json.as_bytes(), size).unwrap();
            same(&read, &expected);
            assert_eq!((read.dropped(), read.bytes()), (12, expected.bytes()), "in pieces of {size}");
        }
    }
    let text = to_text(&trace);
    for size in [1, 2, 3, 64, usize::MAX] {
        assert_eq!(to_text(&in_pieces(text.as_bytes(), size).unwrap()), text, "in pieces of {size}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let json = to_json(&sample(), false);
    assert!(json.is_ascii());
    let step = if cfg!(target_arch = "wasm32") { 41 } else { 3 };
    for place in (1..json.len()).step_by(step) {
        for byte in *b"\"9{}[],:x\\ " {
            let mut damaged = json.clone().into_bytes();
            damaged[place] = byte;
            let damaged = String::from_utf8(damaged).unwrap();
            let context = &damaged[place.saturating_sub(30)..(place + 30).min(damaged.len())];
            match (whole(&damaged), in_pieces(damaged.as_bytes(), 50)) {
                (Ok(expected), Ok(read)) => same(&read, &expected),
                // What ends too early is missed at its end, or something is too much behind it.
                (Err((line, _, true)), Err(ImportError::Json { line: told, .. })) => {
                    assert!((line..=line + 1).contains(&told), "{context}");
                }
                (Err(expected), Err(ImportError::Json { line, column, .. })) => {
                    // A word that breaks off is told at its last letter, or at the letter behind it.
                    assert_eq!((line, false), (expected.0, expected.2), "{context}");
                    assert!(column.abs_diff(expected.1) <= 1, "{column} {expected:?} {context}");
                }
                // Not a trace, by its first two members; or a message with what is impossible.
                (_, Err(ImportError::OtherFormat)) => assert!(place < 90, "{context}"),
                (_, Err(ImportError::Version(_))) => assert!(place < 50, "{context}"),
                (Err((0, ..)), Err(ImportError::Message { line, .. })) => {
                    let before = damaged[..place].lines().count();
                    assert!(line <= before && before < line + 60, "{line} {before}");
                }
                (expected, read) => panic!("{context}: {expected:?} and {read:?}"),
            }
        }
        // The file breaks off.
        let cut = &json[..place];
        match in_pieces(cut.as_bytes(), 50) {
            Err(ImportError::Json { line, .. }) => assert_eq!(line, cut.split('\n').count(), "{cut}"),
            other => panic!("{other:?}"),
        }
    }
    let mut bytes = json.clone().into_bytes();
    let fifth = json.match_indices('\n').nth(4).unwrap().0 + 3;
    bytes[fifth] = 0xC3;
    assert_eq!(in_pieces(&bytes, 7), Err(ImportError::NotText { line: 6 }));
    assert_eq!(in_pieces(b"> 00A4\n< 9000\n\xE7\xAB", 4), Err(ImportError::NotText { line: 3 }));
    for twice in ["\"format\": \"esim-trace\",", "\"version\": 1,", "\"dropped\": 0,", "\"messages\": [],"] {
        let json = json.replacen("\"messages\"", &format!("{twice} \"messages\""), 1);
        assert!(matches!(import(json.as_bytes()), Err(ImportError::Json { .. })), "{twice}");
    }
    for other in
        ["{\"log\":{\"version\":\"1.2\"}}", "{\"messages\":[{\"role\":\"user\"}]}", "{\"version\":\"1\"}"]
    {
        assert_eq!(import(other.as_bytes()), Err(ImportError::OtherFormat), "{other}");
    }
}

/// A file of some size, of messages as a phone has them.
fn large(size: usize) -> String {
    let mut trace = Trace::default();
    let body = format!("{{\"boundProfilePackage\":\"{}\"}}", "AbC+/9".repeat(900));
    while trace.messages().count() * body.len() < size {
        let request = Request { method: "POST", url: "/x", headers: &[("a", "b")], body: b"{}" };
        let ticket = trace.call(Party::Phone, Party::Smdp, request, 1.0);
        trace.reply(ticket, Answer { status: 200, headers: &[], body: body.as_bytes() }, 2.0);
    }
    to_json(&trace, false)
}

#[test]
fn a_piece_is_read_when_it_is_there_and_no_later() {
    let file = large(if cfg!(target_arch = "wasm32") { 2 << 20 } else { 12 << 20 });
    let mut import = Import::new();
    for piece in file.as_bytes().chunks(Import::PIECE) {
        import.take(piece).unwrap();
        // A message ends with a bracket of its own column.
        let ended = file[..import.taken()].matches("\n    }").count();
        assert_eq!(import.messages(), ended as u64);
    }
    let trace = import.finish().unwrap();
    same(&trace, &whole(&file).unwrap());
}

#[test]
fn a_hostile_file_takes_no_more_room_than_a_message() {
    let head = b"{\"format\":\"esim-trace\",\"version\":1,\"messages\":[\n\n".to_vec();
    // Each goes on for ever; what is kept of it ends.
    let endless: [(&[u8], &[u8], ImportError); 6] = [
        (b"{\"name\":\"", b"aaaaaaaaaaaaaaaa", ImportError::Long { line: 3 }),
        (b"{\"parts\":[", b"{\"at\":0},", ImportError::Long { line: 3 }),
        (b"123", b"4567890", ImportError::Long { line: 3 }),
        (b"", b"                ", ImportError::TooLarge(MAX_IMPORT + 1)),
        (
            b"",
            b"[[[[[[[[",
            ImportError::Json { line: 3, column: 128, why: "recursion limit exceeded".to_owned() },
        ),
        (b"{\"note\":null", b",\"x\":1", ImportError::Long { line: 3 }),
    ];
    for (begin, more, expected) in endless {
        let mut import = Import::new();
        import.take(&head).unwrap();
        import.take(begin).unwrap();
        let piece = more.repeat(Import::PIECE / more.len());
        let error = (0..=MAX_IMPORT / piece.len()).find_map(|_| import.take(&piece).err());
        match (error, expected) {
            (Some(ImportError::TooLarge(size)), ImportError::TooLarge(most)) => assert!(size >= most),
            (error, expected) => {
                assert_eq!(error, Some(expected.clone()));
                let deep = matches!(expected, ImportError::Json { .. });
                assert!(deep || import.taken() < MAX_MESSAGE + 2 * Import::PIECE);
            }
        }
    }
    // Text: a line, a body, and headers that cost more than they say.
    for (begin, more) in [("> 00", "00"), ("> GET /\n>\n", "> \n"), ("> GET /\n", "> a: b\n")] {
        let mut import = Import::new();
        import.take(begin.as_bytes()).unwrap();
        let piece = more.repeat(Import::PIECE / more.len());
        let error = (0..=MAX_IMPORT / piece.len()).find_map(|_| import.take(piece.as_bytes()).err());
        assert_eq!(error, Some(ImportError::Long { line: 1 }), "{more}");
    }
}

#[test]
fn headers_count_with_what_they_cost() {
    // Empty ones in thousands: some 50 bytes each in memory, 7 in the file.
    let header = "[\"\",\"\"],".repeat(100_000);
    let message = format!(
        r#"{{"id":1,"at":0,"from":"phone","to":"smdp","interface":"HTTP","name":"x","ending":"open",
            "http":{{"method":"GET","url":"/","requestHeaders":[{}]}}}},"#,
        header.trim_end_matches(',')
    );
    let mut import = Import::new();
    import.take(b"{\"format\":\"esim-trace\",\"version\":1,\"messages\":[").unwrap();
    for _ in 0..12 {
        import.take(message.as_bytes()).unwrap();
    }
    import.take(message.trim_end_matches(',').as_bytes()).unwrap();
    import.take(b"]}").unwrap();
    let trace = import.finish().unwrap();
    assert!(trace.bytes() <= Limits::default().bytes);
    // Name and value of each, where they are empty too.
    let each = 100_000 * 2 * size_of::<String>();
    let kept = 13 - usize::try_from(trace.dropped()).unwrap();
    assert!((1..=Limits::default().bytes / each).contains(&kept), "{kept}");
}

#[test]
fn har_has_the_fields_of_its_schema() {
    // HAR 1.2: the mandatory members of log, creator, entry, request, response, content, timings.
    let har: Value = serde_json::from_str(&to_har(
        &sample(),
        &Origin { epoch_ms: 951_782_400_000.0, ..Origin::default() },
    ))
    .unwrap();
    let has = |value: &Value, names: &[&str]| {
        for name in names {
            assert!(value.get(*name).is_some(), "{name} in {value}");
        }
    };
    has(&har["log"], &["version", "creator", "entries"]);
    assert_eq!(har["log"]["version"], "1.2");
    has(&har["log"]["creator"], &["name", "version"]);
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        has(entry, &["startedDateTime", "time", "request", "response", "cache", "timings"]);
        has(
            &entry["request"],
            &["method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"],
        );
        has(
            &entry["response"],
            &[
                "status",
                "statusText",
                "httpVersion",
                "cookies",
                "headers",
                "content",
                "redirectURL",
                "headersSize",
                "bodySize",
            ],
        );
        has(&entry["response"]["content"], &["size", "mimeType"]);
        has(&entry["timings"], &["send", "wait", "receive"]);
        assert!(entry["request"]["url"].as_str().unwrap().starts_with("https://"));
    }
    assert_eq!(entries[0]["startedDateTime"], "2000-02-29T00:00:00.004Z");
    assert_eq!(
        entries[0]["request"]["queryString"],
        serde_json::json!([{"name":"a","value":"b"},{"name":"c","value":""}])
    );
    has(&entries[0]["request"]["postData"], &["mimeType", "text"]);
    assert_eq!(entries[0]["response"]["content"]["encoding"], "base64");
    assert_eq!(entries[1]["response"]["status"], 0);
}

#[test]
fn pcap_has_a_packet_for_each_exchange() {
    let file = to_pcap(&sample(), &Origin { epoch_ms: 1_000_000.0, ..Origin::default() });
    // Magic, version, and LINKTYPE_IPV4 (the pcap format, tcpdump.org).
    assert_eq!(file[..8], [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0]);
    assert_eq!(file[20..24], 228_u32.to_le_bytes());
    let (mut at, mut payloads) = (24, Vec::new());
    while at < file.len() {
        let length = u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize;
        let packet = &file[at + 16..at + 16 + length];
        assert_eq!(
            (packet[0], packet[9], u16::from_be_bytes([packet[2], packet[3]])),
            (0x45, 17, length as u16)
        );
        // The header's words sum up to all ones (RFC 791).
        let sum: u32 =
            packet[..20].chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        assert_eq!((sum & 0xFFFF) + (sum >> 16), 0xFFFF);
        assert_eq!(packet[22..24], 4729_u16.to_be_bytes());
        // GSMTAP: version 2, four words, SIM.
        assert_eq!(packet[28..31], [2, 4, 4]);
        payloads.push((packet[28 + 12], packet[44..].to_vec()));
        at += 16 + length;
    }
    assert_eq!(payloads.len(), 4);
    assert_eq!(payloads[0].0, 1);
    // With T=0 the Le of a command with data does not cross the line.
    assert_eq!(payloads[1], (0, bytes("81 E2 91 00 03 BF 2E 00 61 15")));
    assert_eq!(payloads[2].1[..5], bytes("81 C0 00 00 15"));
}

#[test]
fn messages_become_commands_of_other_tools() {
    let trace = sample();
    let message = |number: usize| trace.messages().nth(number).unwrap();
    assert_eq!(apdu_lines(message(1), Style::PySim).unwrap(), "apdu 81E2910003BF2E0000\napdu 81C0000015\n");
    let line = apdu_lines(message(1), Style::Lpac).unwrap();
    let json: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(json["payload"]["param"], "81E2910003BF2E0000");
    let command = curl(message(2), "").unwrap();
    assert!(command.contains(r"it'\''s here"), "{command}");
    assert!(
        curl(message(3), "https://lab.example.com")
            .unwrap()
            .contains("https://lab.example.com/network/attach")
    );
    assert_eq!((curl(message(1), ""), apdu_lines(message(2), Style::Plain)), (None, None));
}

#[test]
fn every_format_masks() {
    let mut trace = sample();
    let ticket = trace.command(Party::Chip, &bytes("81 E2 91 00 06 BF 3E 03 5C 01 5A 00"), 0.0);
    trace.answer(ticket, &bytes("BF 3E 12 5A 10 89 04 90 32 12 34 51 23 45 12 34 56 78 90 12 35 90 00"), 1.0);
    let eid = "12345123451234567890";
    let shows = |file: &[u8]| {
        let digits = String::from_utf8_lossy(file).to_uppercase();
        digits.contains(eid) || hex::encode(file).contains(eid)
    };
    for format in Format::ALL {
        let origin = Origin::default();
        assert!(!shows(&export(&trace, format, Level::Identifiers, &origin)), "{format:?}");
        let open = export(&trace, format, Level::KeysOnly, &origin);
        assert_eq!(shows(&open), format != Format::Har, "{format:?}");
        assert!(!format.extension().is_empty() && !format.media_type().is_empty());
    }
}
