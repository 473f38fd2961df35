//! Names, the record of verdicts, and what of either an operator and a stranger see.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use http::Request;
use net_policy_worker::gateway::audit::KEPT_UNPROVEN;
use net_policy_worker::service::{FAILURE_WINDOW, MAX_QUESTIONS};
use serde_json::{Value, json};

use super::world::{Card, OPERATIONAL, PROVISIONING, Reply, World};

fn asked(world: &World, session: &str, name: &str, kind: &str) -> Reply {
    let path = format!("/network/sessions/{session}/dns");
    world.call("POST", &path, Some(&json!({"name": name, "type": kind})))
}

fn wire(world: &World, session: &str, query: &[u8]) -> Reply {
    let request = Request::post(format!("/network/sessions/{session}/dns"))
        .header("content-type", "application/dns-message")
        .body(query.to_vec());
    world.send(request.unwrap())
}

/// A query as it is written by hand (RFC 1035 §4.1): id 0x1234, recursion desired.
fn query(name: &str, kind: u16) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.push(0);
    query.extend(kind.to_be_bytes());
    query.extend([0, 1]);
    query
}

#[test]
fn a_provisioning_profile_finds_the_sm_and_nobody_else() {
    let world = World::new();
    let session = world.session(&mut Card::new(), PROVISIONING);
    let own: Value = world.call("GET", &format!("/network/sessions/{session}"), None).body;
    let prefix = own["address"].as_str().unwrap().rsplit_once("::").unwrap().0.to_owned();

    let reply = asked(&world, &session, "smdp.example", "AAAA");
    assert_eq!(
        reply.body,
        json!({"name": "smdp.example", "type": "AAAA", "code": "NOERROR", "ttl": 30,
            "addresses": [format!("{prefix}::2")],
            "verdict": "permitted", "because": "every subscriber may reach the SM", "rule": "sm-access", "version": 0})
    );
    for (name, kind, addresses) in [
        ("SMDP.Example.", "A", json!(["192.0.0.1"])),
        ("lab.example", "aaaa", json!([format!("{prefix}::2")])),
        ("rsp.operator.example", "A", json!(["192.0.0.1"])),
        ("smdp.example", "HTTPS", json!([])),
        ("smdp.example", "MX", json!([])),
        ("smdp.example", "TXT", json!([])),
        ("smdp.example", "TYPE4711", json!([])),
    ] {
        let reply = asked(&world, &session, name, kind);
        assert_eq!(
            (&reply.body["code"], &reply.body["addresses"]),
            (&json!("NOERROR"), &addresses),
            "{name} {kind}"
        );
    }
    for (name, kind, rule) in [
        ("www.example", "A", "provisioning-no-contract"),
        ("example", "A", "provisioning-no-contract"),
        ("smdp.example.evil.example", "AAAA", "provisioning-no-contract"),
        ("x.smdp.example", "AAAA", "provisioning-no-contract"),
        ("smdp.example..", "AAAA", "provisioning-no-contract"),
        ("", "NS", "provisioning-no-contract"),
        ("c2VjcmV0.evil.example", "TXT", "provisioning-no-contract"),
        ("smdp.example", "ANY", "gateway"),
        ("smdp.example", "AXFR", "gateway"),
        ("smdp.example", "IXFR", "gateway"),
        ("smdp.example", "MAILB", "gateway"),
    ] {
        let reply = asked(&world, &session, name, kind);
        assert_eq!(
            (&reply.body["code"], &reply.body["rule"], &reply.body["addresses"]),
            (&json!("REFUSED"), &json!(rule), &json!([])),
            "{name} {kind}"
        );
    }
    for body in [json!({}), json!({"name": "a"}), json!({"name": "a", "type": "NONE"}), json!([]), json!("x")]
    {
        let path = format!("/network/sessions/{session}/dns");
        assert_eq!(world.call("POST", &path, Some(&body)).status, 400, "{body}");
    }
    assert_eq!(asked(&world, &session, &"a".repeat(300), "A").status, 400);
    assert_eq!(world.call("GET", &format!("/network/sessions/{session}/dns"), None).status, 405);
    assert_eq!(asked(&world, &"0".repeat(48), "smdp.example", "A").status, 404);
}

#[test]
fn with_a_contract_the_policy_says_yes_and_there_is_nobody_to_ask() {
    let world = World::new();
    let session = world.session(&mut Card::new(), OPERATIONAL);
    assert_eq!(asked(&world, &session, "smdp.example", "A").body["code"], "NOERROR");
    let reply = asked(&world, &session, "www.example", "A");
    assert_eq!((&reply.body["code"], &reply.body["verdict"]), (&json!("SERVFAIL"), &json!("permitted")));
}

#[test]
fn names_in_the_dns_own_form() {
    let world = World::new();
    let session = world.session(&mut Card::new(), PROVISIONING);
    let found = wire(&world, &session, &query("sMdP.example", 1));
    assert_eq!(found.raw.headers()["content-type"], "application/dns-message");
    // The question as it was asked, letter by letter, and one answer of 30 s.
    let mut expected = query("sMdP.example", 1);
    expected[2..4].copy_from_slice(&[0x81, 0x80]);
    expected[7] = 1;
    assert_eq!(found.raw.body()[..expected.len()], expected);
    let record = &found.raw.body()[expected.len()..];
    assert_eq!(record[record.len() - 14..], [0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 192, 0, 0, 1]);

    let refused = wire(&world, &session, &query("www.example", 28));
    assert_eq!(refused.raw.body()[..8], [0x12, 0x34, 0x81, 0x85, 0, 1, 0, 0]);
    for nothing in [&[][..], &[0x12], &query("smdp.example", 1)[..11]] {
        assert_eq!(wire(&world, &session, nothing).status, 400);
    }
    let log = world.call("GET", &format!("/network/sessions/{session}/log"), None).body;
    let lines: Vec<_> = log.as_array().unwrap()[1..].iter().map(|entry| entry["what"].clone()).collect();
    assert_eq!(lines, [json!("DNS A sMdP.example"), json!("DNS AAAA www.example")]);
}

#[test]
fn the_operator_reads_every_verdict_and_no_secret() {
    let world = World::new();
    let mut card = Card::new();
    let session = world.session(&mut card, PROVISIONING);
    world.pass(5);
    world.gateway(&session, "smdp.example/gsma/rsp2/es9plus/initiateAuthentication");
    world.gateway(&session, "127.0.0.1/");
    asked(&world, &session, "www.example", "A");
    let path = format!("/network/sessions/{session}/service");
    world.call("POST", &path, Some(&json!({"kind": "sms", "to": "12345"})));
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    world.respond(&challenge, &json!({"res": "0000000000000000"}));

    let all = format!("/network/audit?imsi={PROVISIONING}");
    assert_eq!(world.call("GET", &all, None).status, 401);
    let reply = world.operator("GET", &all, None);
    assert_eq!(reply.status, 200);
    let verdicts = reply.body["verdicts"].as_array().unwrap();
    let lines: Vec<_> = verdicts
        .iter()
        .map(|verdict| {
            let text = |name: &str| verdict[name].as_str().unwrap();
            (verdict["number"].as_u64().unwrap(), text("what"), text("verdict"), text("rule"))
        })
        .collect();
    assert_eq!(
        lines,
        [
            (6, "attach", "refused", "authentication"),
            (5, "sms 12345", "refused", "provisioning-no-contract"),
            (4, "DNS A www.example", "refused", "provisioning-no-contract"),
            (3, "POST 127.0.0.1/", "refused", "gateway"),
            (2, "POST smdp.example/gsma/rsp2/es9plus/initiateAuthentication", "permitted", "sm-access"),
            (1, "attach", "permitted", "provisioning-apn"),
        ]
    );
    assert_eq!(verdicts[4]["bytes"], 7);
    assert_eq!(verdicts[0]["cause"]["number"], 3);
    let text = reply.body.to_string();
    for secret in [PROVISIONING, &session, &session[..16], &session[16..]] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }

    // Of one session, page by page; also when the session is over and the subscriber gone.
    let name = verdicts[1]["session"].as_str().unwrap().to_owned();
    world.session(&mut card, PROVISIONING);
    world.operator("DELETE", &format!("/network/subscribers/{PROVISIONING}"), None);
    let (mut numbers, mut before) = (vec![], String::new());
    loop {
        let page = world.operator("GET", &format!("{all}&session={name}&limit=2{before}"), None).body;
        numbers.extend(page["verdicts"].as_array().unwrap().iter().map(|verdict| verdict["number"].clone()));
        match page["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1].map(|number| json!(number)));
    // Written again, the numbers go on.
    world.provision(
        PROVISIONING,
        &json!({"k": super::world::K, "opc": super::world::OPC, "class": "provisioning"}),
    );
    world.session(&mut Card::new(), PROVISIONING);
    let last = world.operator("GET", &format!("{all}&limit=1"), None).body;
    assert_eq!(last["verdicts"][0]["number"], 8);

    for (query, status) in [
        ("", 400),
        ("?imsi=1", 400),
        ("?imsi=001010000000001&before=x", 400),
        ("?imsi=001010000000001&other=1", 400),
        ("?imsi=001010000000099", 200),
        ("?imsi=001010000000001&verdict=refused&limit=999999", 200),
    ] {
        assert_eq!(world.operator("GET", &format!("/network/audit{query}"), None).status, status, "{query}");
    }
}

#[test]
fn who_asks_without_end_is_no_longer_heard_and_fills_no_record() {
    let world = World::new();
    let session = world.session(&mut Card::new(), PROVISIONING);
    for asked in 0..MAX_QUESTIONS {
        let reply = match asked % 3 {
            0 => asked_for(&world, &session),
            1 => world.gateway(&session, "10.0.0.1/"),
            _ => world.gateway(&session, "www.example/"),
        };
        assert!(matches!(reply.status, 200 | 403), "{reply:?}");
    }
    for _ in 0..100 {
        assert_eq!(asked_for(&world, &session).status, 429);
        let reply = world.gateway(&session, "smdp.example/gsma/rsp2/es9plus/initiateAuthentication");
        assert_eq!((reply.status, &reply.body["rule"]), (429, &json!("gateway")));
    }
    let path = format!("/network/audit?imsi={PROVISIONING}&limit=2");
    let last = world.operator("GET", &path, None).body;
    assert_eq!(last["verdicts"][0]["number"], MAX_QUESTIONS + 2, "attach, these, and one that says so");
    assert_eq!(last["verdicts"][0]["what"], "more questions");
    world.pass(60_000);
    assert_eq!(asked_for(&world, &session).status, 200);
}

fn asked_for(world: &World, session: &str) -> Reply {
    asked(world, session, "smdp.example", "AAAA")
}

/// Network-wide: every verdict once, whatever the pages are; newest first in each.
#[test]
fn the_operator_reads_the_record_of_all() {
    let world = World::new();
    let provisioning = world.session(&mut Card::new(), PROVISIONING);
    world.pass(10);
    let operational = world.session(&mut Card::new(), OPERATIONAL);
    let begun = world.now.get();
    for _ in 0..130 {
        world.pass(1);
        world.gateway(&provisioning, "www.example/");
        world.pass(1);
        world.gateway(&operational, "smdp.example/gsma/rsp2/es9plus/x");
    }
    let ask = |query: &str| world.operator("GET", &format!("/network/audit{query}"), None);
    let all = ask("?since=0");
    assert_eq!((all.status, &all.body["next"]), (200, &Value::Null));
    let all = all.body["verdicts"].as_array().unwrap();
    // Two attaches, and of each session 130.
    assert_eq!(all.len(), 262);
    let times: Vec<_> = all.iter().map(|verdict| verdict["at"].as_u64().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    for (imsi, masked) in [(PROVISIONING, "00101*******001"), (OPERATIONAL, "00101*******002")] {
        let own: Vec<_> = all.iter().filter(|verdict| verdict["imsi"] == imsi).collect();
        assert_eq!(own.len(), 131);
        assert!(own.iter().all(|verdict| verdict["subscriber"] == masked));
        let numbers: Vec<_> = own.iter().map(|verdict| verdict["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=131).rev().collect::<Vec<_>>());
    }
    // One subscriber at a time it is the same.
    let (mut path, mut some) = ("?since=0&limit=1".to_owned(), vec![]);
    loop {
        let page = ask(&path).body;
        some.extend(page["verdicts"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("?since=0&limit=1&after={next}");
    }
    some.sort_by_key(|verdict| std::cmp::Reverse(verdict["at"].as_u64()));
    assert_eq!(some, *all);
    // Since a time, and of one kind.
    let since = ask(&format!("?since={}", begun + 1)).body;
    assert_eq!(since["verdicts"].as_array().unwrap().len(), 260);
    let refused = ask(&format!("?since={begun}&verdict=refused")).body;
    let refused = refused["verdicts"].as_array().unwrap();
    assert_eq!(refused.len(), 130);
    assert!(refused.iter().all(|verdict| verdict["imsi"] == PROVISIONING));
    assert_eq!(ask(&format!("?since={}", u64::MAX)).body["verdicts"], json!([]));
    let own = ask(&format!("?imsi={PROVISIONING}&since={}&limit=100", begun + 150)).body;
    assert_eq!(own["verdicts"].as_array().unwrap().len(), 55);

    // Who was withdrawn is in no list of subscribers; by its name its record is there.
    world.operator("DELETE", &format!("/network/subscribers/{PROVISIONING}"), None);
    assert_eq!(ask("?since=0").body["verdicts"].as_array().unwrap().len(), 131);
    assert_eq!(ask(&format!("?imsi={PROVISIONING}")).body["verdicts"].as_array().unwrap().len(), 100);
    for query in [
        "",
        "?after=001010000000001",
        "?since=x",
        "?since=0&limit=0",
        "?since=0&limit=41",
        "?since=0&before=3",
        "?since=0&after=1",
        "?since=-1",
        "?imsi=001010000000001&after=001010000000001",
        "?since=0&more=1",
    ] {
        assert_eq!(ask(query).status, 400, "{query}");
    }
    assert_eq!(world.call("GET", "/network/audit?since=0", None).status, 401);
}

/// Whoever knows an IMSI can have attaches refused without end; what the subscriber itself did
/// stays on record.
#[test]
fn strangers_do_not_push_the_subscriber_out_of_its_record() {
    let world = World::new();
    world.session(&mut Card::new(), PROVISIONING);
    let read = || {
        let page = world.operator("GET", &format!("/network/audit?imsi={PROVISIONING}"), None).body;
        page["verdicts"].as_array().unwrap().clone()
    };
    for _ in 0..2000 {
        let challenge = world.attach(&json!({"imsi": PROVISIONING}));
        assert_eq!(world.respond(&challenge, &json!({"failure": "mac"})).status, 403);
    }
    let own = |verdicts: &[Value]| -> Vec<Value> {
        verdicts.iter().filter(|verdict| verdict["verdict"] == "permitted").cloned().collect()
    };
    let verdicts = read();
    assert_eq!(verdicts.len(), KEPT_UNPROVEN + 1);
    assert_eq!(own(&verdicts), verdicts[KEPT_UNPROVEN..]);
    assert!(
        verdicts[..KEPT_UNPROVEN]
            .iter()
            .all(|verdict| verdict["what"] == "attach" && verdict["verdict"] == "refused")
    );
    // The same of those that are not even challenged any more: the newest are on record.
    world.pass(FAILURE_WINDOW);
    let before = verdicts[0]["number"].as_u64().unwrap();
    for _ in 0..100 {
        let challenge = world.call("POST", "/network/attach", Some(&json!({"imsi": PROVISIONING})));
        if challenge.status == 200 {
            world.respond(&challenge.body, &json!({"res": "0000000000000000"}));
        }
    }
    let verdicts = read();
    assert_eq!(verdicts.len(), KEPT_UNPROVEN + 1);
    assert_eq!(own(&verdicts), verdicts[KEPT_UNPROVEN..]);
    assert_eq!(verdicts[0]["number"].as_u64().unwrap(), before + 100);
    // And who proves itself is on record all the same.
    world.pass(FAILURE_WINDOW);
    world.session(&mut Card::new(), PROVISIONING);
    assert_eq!((read()[0]["verdict"].as_str(), own(&read()).len()), (Some("permitted"), 2));
}
