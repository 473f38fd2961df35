//! Who comes in at the door.

use std::time::Duration;

use super::PAGE;
use crate::door::{Door, Refusal, Refusals, is_loopback, is_origin};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn admitted(path: &str, headers: &[(&str, &str)]) -> Result<String, Refusal> {
    let door = Door::new(vec![PAGE.to_owned(), "https://lpa.example".to_owned()], 7816);
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|&(name, value)| (name, value.as_bytes())).collect();
    door.admit(path, &headers)
}

#[test]
fn a_page_that_may_comes_in_by_any_name_of_this_machine() {
    for host in ["127.0.0.1:7816", "localhost:7816", "LOCALHOST:7816", "[::1]:7816"] {
        for origin in [PAGE, "https://lpa.example"] {
            let headers =
                [("Host", host), ("origin", origin), ("Sec-WebSocket-Protocol", "chat, card-bridge.v1")];
            assert_eq!(admitted("/", &headers).as_deref(), Ok(origin));
        }
    }
}

#[test]
fn a_door_knows_the_address_that_it_is_at() {
    for (address, ours, others) in [
        ("127.0.0.2:9000", &["127.0.0.2:9000", "localhost:9000"][..], &["127.0.0.3:9000", "127.0.0.2"][..]),
        // As a browser writes it, and as people do.
        (
            "[::ffff:127.0.0.2]:9000",
            &["[::ffff:7f00:2]:9000", "[::ffff:127.0.0.2]:9000"],
            &["[::ffff:7f00:3]:9000", "::ffff:127.0.0.2:9000", "[::2]:9000"],
        ),
        (
            "127.0.0.1:80",
            &["127.0.0.1", "127.0.0.1:80", "localhost", "[::1]"],
            &["evil.example", "evil.example:80", "127.0.0.1:81", "::1", "[127.0.0.1]", "", ":80", "127.1"],
        ),
    ] {
        let door = Door::at(vec![PAGE.to_owned()], address.parse().unwrap());
        let admitted = |host: &str| {
            let headers = [("host", host), ("origin", PAGE), ("sec-websocket-protocol", "card-bridge.v1")];
            door.admit("/", &headers.map(|(name, value)| (name, value.as_bytes())))
        };
        for host in ours {
            assert_eq!(admitted(host).as_deref(), Ok(PAGE), "{host} at {address}");
        }
        for host in others {
            assert_eq!(admitted(host), Err(Refusal::Host), "{host} at {address}");
        }
    }
}

#[test]
fn other_origins_hosts_and_protocols_stay_out() {
    let good = [("host", "127.0.0.1:7816"), ("origin", PAGE), ("sec-websocket-protocol", "card-bridge.v1")];
    assert!(admitted("/", &good).is_ok());
    assert_eq!(admitted("/readers", &good), Err(Refusal::Path));
    let with = |name: &str, value: Option<&'static str>| {
        let mut headers: Vec<(&str, &str)> =
            good.iter().copied().filter(|(known, _)| *known != name).collect();
        headers.extend(value.map(|value| (good.iter().find(|(known, _)| *known == name).unwrap().0, value)));
        admitted("/", &headers)
    };
    // A name of somebody's that points here, another port, none, user information.
    for host in [
        "evil.example:7816",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil.example:7816",
        "a@127.0.0.1:7816",
        "",
    ] {
        assert_eq!(with("host", Some(host)), Err(Refusal::Host), "{host}");
    }
    assert_eq!(with("host", None), Err(Refusal::Host));
    for origin in [
        "http://127.0.0.1:8788",
        "https://127.0.0.1:8787",
        "http://127.0.0.1:8787/",
        "http://127.0.0.1:8787.evil.example",
        "https://lpa.example.evil.example",
        "https://evil.example#https://lpa.example",
        "HTTPS://lpa.example",
        "null",
        "",
    ] {
        assert_eq!(with("origin", Some(origin)), Err(Refusal::Origin), "{origin}");
    }
    assert_eq!(with("origin", None), Err(Refusal::Origin));
    assert_eq!(with("sec-websocket-protocol", None), Err(Refusal::Subprotocol));
    assert_eq!(with("sec-websocket-protocol", Some("card-bridge.v2")), Err(Refusal::Subprotocol));
    // Twice.
    for (name, refusal) in [("host", Refusal::Host), ("origin", Refusal::Origin)] {
        let mut twice = good.to_vec();
        twice.push(*good.iter().find(|(known, _)| *known == name).unwrap());
        assert_eq!(admitted("/", &twice), Err(refusal));
    }
}

#[test]
fn only_loopback_is_loopback_and_only_origins_are_origins() {
    for (address, loopback) in [
        ("127.0.0.1", true),
        ("127.8.9.10", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("0.0.0.0", false),
        ("::", false),
        ("192.168.1.1", false),
        ("fe80::1", false),
        ("::ffff:10.0.0.1", false),
    ] {
        assert_eq!(is_loopback(address.parse().unwrap()), loopback, "{address}");
    }
    for origin in [
        "https://lpa.example",
        "http://127.0.0.1:8787",
        "http://[::1]:8787",
        "isolated-app://aerugqztij5biqqu",
    ] {
        assert!(is_origin(origin), "{origin}");
    }
    for no in [
        "null",
        "*",
        "https://*",
        "lpa.example",
        "https://",
        "https://a/b",
        "https://a b",
        "https://A.example",
        "://a",
    ] {
        assert!(!is_origin(no), "{no}");
    }
}

#[test]
fn a_refusal_is_told_once_and_not_more_than_one_a_second() {
    let mut refusals = Refusals::default();
    let mut tell = |origin: &str, at: u64| refusals.tell(origin, Refusal::Origin, Duration::from_millis(at));
    let evil = tell("https://evil.example", 0).unwrap();
    assert!(evil.starts_with("https://evil.example (") && evil.ends_with("--origin)"), "{evil}");
    assert_eq!(tell("https://other.example", 999), None);
    assert_eq!(tell("https://evil.example", 5000), None);
    // What was not told for want of time is told when it comes again.
    assert!(tell("https://other.example", 5000).is_some());
    assert!(tell("", 6000).unwrap().starts_with("no origin ("));
    assert!(tell("\x1B[2J\n", 7000).unwrap().starts_with("\\u{1b}[2J\\n ("));
    assert!(tell(&"a".repeat(5000), 8000).unwrap().len() < 200);
    for origin in 0..1000 {
        assert!(tell(&origin.to_string(), 10_000 + 1000 * origin).is_some());
    }
    // It is not remembered for ever who was told of.
    assert!(tell("https://evil.example", 2_000_000).is_some());
}
