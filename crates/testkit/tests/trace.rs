//! A whole story, recorded as the page records it: no identifier of it is in any export, in
//! any of its spellings; and every message of it is known by name and read without a fault.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use base64::Engine as _;
use lpa::{Options, Outcome, Reply};
use testkit::{Party, World};
use trace::{Answer, Format, Level, Node, Origin, Request, Trace};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// What a World has written down, as a trace.
fn recorded(world: &World) -> Trace {
    let mut trace = Trace::default();
    for (number, exchange) in world.log().into_iter().enumerate() {
        let at = number as f64;
        if exchange.party == Party::Chip {
            let ticket = trace.command(trace::Party::Chip, &exchange.request, at);
            match exchange.answer {
                Some(answer) => trace.answer(ticket, &answer, at + 0.5),
                None => trace.fail(ticket, "lost", at + 0.5),
            }
            continue;
        }
        let to = if exchange.party == Party::Smdp { trace::Party::Smdp } else { trace::Party::Network };
        let (method, url) = exchange.target.split_once(' ').unwrap_or(("POST", &exchange.target));
        let headers = [("authorization", "Bearer the laboratory's operator")];
        let request = Request { method, url, headers: &headers, body: &exchange.request };
        let ticket = trace.call(trace::Party::Phone, to, request, at);
        match exchange.answer {
            Some(body) => trace.reply(ticket, Answer { status: 200, headers: &[], body: &body }, at + 0.5),
            None => trace.fail(ticket, "lost", at + 0.5),
        }
    }
    trace
}

/// A download, a switch and all that belongs to it.
fn story() -> (World, Vec<String>, Vec<String>) {
    let mut world = World::new(11);
    let iccid = world.operational[0].iccid;
    let order = world.order(iccid, None);
    world.terminal_profile();
    let attached = world.attach(Some("internet")).unwrap();
    let Ok(Outcome::Installed { .. }) = world.download(&order.code) else { panic!() };
    let first = attached.id;
    world.run(lpa::enable(iccid.parse().unwrap(), Options::default()), |_| Reply::Accept).unwrap();
    world.refresh();
    let attached = world.attach(None).unwrap();
    world.run(lpa::list(Options::default()), |_| Reply::Accept).unwrap();
    let Ok(Outcome::Chip(chip)) = world.run(lpa::chip_info(Options::default()), |_| Reply::Accept) else {
        panic!()
    };
    let digits = vec![
        chip.eid.to_string(),
        order.iccid.clone(),
        world.provisioning.imsi.to_owned(),
        world.operational[0].imsi.to_owned(),
    ];
    let texts =
        vec![order.code.matching_id.to_string(), first, attached.id, "the laboratory's operator".to_owned()];
    (world, digits, texts)
}

/// Binary coded decimals with swapped digits, as hexadecimal text.
fn swapped(digits: &str) -> String {
    let even = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("{digits}F") };
    even.as_bytes().chunks(2).flat_map(|pair| [pair[1], pair[0]]).map(char::from).collect()
}

/// Every spelling of a value: as text, as hexadecimal text of what carries it.
fn spellings(digits: &str) -> Vec<Vec<u8>> {
    let odd = |shift: &str| swapped(&format!("{shift}{digits}"));
    let mut spellings = vec![digits.as_bytes().to_vec()];
    let binary = [
        digits.to_owned(),
        swapped(digits)[..digits.len() / 2 * 2].to_owned(),
        // Behind a nibble of type and parity, as in EF.IMSI.
        odd("9")[2..digits.len() / 2 * 2].to_owned(),
    ];
    for text in binary {
        let text = text[..text.len() / 2 * 2].to_owned();
        spellings.push(hex::decode(&text).unwrap());
        spellings.push(text.clone().into_bytes());
        spellings.push(text.to_lowercase().into_bytes());
    }
    // Hexadecimal text of the text.
    spellings.push(hex::encode(digits).into_bytes());
    spellings.push(hex::encode_upper(digits).into_bytes());
    spellings
}

/// The file, and all that is base64 or hexadecimal in it, decoded.
fn layers(bytes: &[u8], depth: usize) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    if depth == 0 {
        return all;
    }
    let is = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
    for run in bytes.split(|byte| !is(byte)).filter(|run| run.len() >= 16) {
        let text = String::from_utf8_lossy(run).into_owned();
        if let Ok(inner) = hex::decode(&text) {
            all.extend(layers(&inner, depth - 1));
        }
        for engine in [base64::engine::general_purpose::STANDARD, base64::engine::general_purpose::URL_SAFE] {
            if let Ok(inner) = engine.decode(&text) {
                all.extend(layers(&inner, depth - 1));
            }
        }
    }
    all
}

#[test]
fn no_identifier_of_a_session_is_in_any_export() {
    let (world, digits, texts) = story();
    let trace = recorded(&world);
    assert!(trace.len() > 60 && trace.dropped() == 0);
    let mut wanted: Vec<(String, Vec<u8>)> = Vec::new();
    for digits in &digits {
        wanted.extend(spellings(digits).into_iter().map(|spelling| (digits.clone(), spelling)));
    }
    for text in texts.iter().filter(|text| !text.is_empty()) {
        wanted.push((text.clone(), text.clone().into_bytes()));
        wanted.push((text.clone(), hex::encode(text).into_bytes()));
        wanted.push((text.clone(), hex::encode_upper(text).into_bytes()));
    }
    for format in Format::ALL {
        let found = |level| {
            let file = trace::export(&trace, format, level, &Origin::default());
            let layers = layers(&file, 3);
            wanted
                .iter()
                .filter(|(_, spelling)| {
                    layers.iter().any(|layer| layer.windows(spelling.len()).any(|window| window == spelling))
                })
                .map(|(value, spelling)| format!("{value} as {}", String::from_utf8_lossy(spelling)))
                .collect::<Vec<_>>()
        };
        assert_eq!(found(Level::Identifiers), Vec::<String>::new(), "{format:?}");
        // The test would see them.
        assert!(found(Level::KeysOnly).len() > 3, "{format:?}");
    }
    // Keys that an operator has sent are in none, whatever the level.
    let mut keys = Vec::new();
    for exchange in world.log() {
        if let Ok(serde_json::Value::Object(body)) = serde_json::from_slice(&exchange.request) {
            for holder in [Some(&body), body.get("subscriber").and_then(serde_json::Value::as_object)] {
                for name in ["k", "opc"] {
                    keys.extend(holder.and_then(|holder| Some(holder.get(name)?.as_str()?.to_owned())));
                }
            }
        }
    }
    assert!(keys.len() > 4);
    for format in Format::ALL {
        for level in [Level::Identifiers, Level::KeysOnly] {
            let file = trace::export(&trace, format, level, &Origin::default());
            let text = String::from_utf8_lossy(&file).to_lowercase();
            assert!(keys.iter().all(|key| !text.contains(key.as_str())), "{format:?}");
        }
    }
    // A masked trace is still one, and comes back.
    let file = trace::export(&trace, Format::Json, Level::Identifiers, &Origin::default());
    let back = trace::import(&file).unwrap();
    let masked = trace::redacted(&trace, Level::Identifiers);
    assert!(back.messages().eq(masked.messages()));
}

#[test]
fn every_message_of_a_session_is_known() {
    let (world, ..) = story();
    let trace = recorded(&world);
    for trace in [&trace, &trace::redacted(&trace, Level::Identifiers)] {
        for message in trace.messages() {
            assert!(trace::explain(message).is_some(), "{}", message.name);
            let decoded = trace::decode(message);
            for side in [Some(&decoded.request), decoded.response.as_ref()].into_iter().flatten() {
                let mut odd = Vec::new();
                for node in &side.nodes {
                    node.walk(&mut |node: &Node| {
                        if node.fault || node.name.starts_with('[') {
                            odd.push(format!("{} {}", node.name, node.value));
                        }
                    });
                }
                assert_eq!(odd, Vec::<String>::new(), "{} {}", message.name, trace::hex_spaced(&side.bytes));
            }
        }
    }
}

#[test]
fn wireshark_reads_the_pcap() {
    use std::process::Command;
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("skipped: there is no tshark");
        return;
    }
    let (world, ..) = story();
    let trace = recorded(&world);
    let exchanges: usize =
        trace.messages().filter(|message| message.http.is_none()).map(|m| m.parts.len()).sum();
    let file = std::env::temp_dir().join(format!("trace-{}.pcap", std::process::id()));
    std::fs::write(&file, trace::export(&trace, Format::Pcap, Level::Identifiers, &Origin::default()))
        .unwrap();
    let shown = Command::new("tshark")
        .args(["-r"])
        .arg(&file)
        .args(["-T", "fields", "-e", "frame.protocols"])
        .output();
    let errors = Command::new("tshark").args(["-r"]).arg(&file).args(["-Y", "_ws.malformed"]).output();
    std::fs::remove_file(&file).unwrap();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    assert_eq!(shown.lines().count(), exchanges);
    assert!(shown.lines().all(|line| line.contains("gsmtap:gsm_sim")), "{shown}");
    assert_eq!(String::from_utf8(errors.unwrap().stdout).unwrap(), "");
}
