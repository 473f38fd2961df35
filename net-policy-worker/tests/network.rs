//! The network as a terminal, a card, an operator and a stranger meet it.

mod bypass;
mod names;
mod world;

use aka::{Plmn, Sqn, SqnArray, SqnRules, kasme};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use net_policy_worker::router::{self, LinkFailure};
use net_policy_worker::service::{CHALLENGE_LIFETIME, OPERATIONAL_LIFETIME, PROVISIONING_LIFETIME};
use serde_json::{Value, json};
use sha2::Sha256;
use world::{Card, K, OPC, OPERATIONAL, PROVISIONING, Reply, World, bytes, request};

const ES9: &str = "smdp.example/gsma/rsp2/es9plus/initiateAuthentication";

fn cause(reply: &Reply) -> (u16, &str, u64) {
    let cause = &reply.body["cause"];
    (
        reply.status,
        cause["protocol"].as_str().unwrap_or_default(),
        cause["number"].as_u64().unwrap_or_default(),
    )
}

#[test]
fn a_provisioning_profile_is_put_on_the_sm_apn_whatever_it_asks_for() {
    let long = "a".repeat(5000);
    let requests = [
        json!(null),
        json!(""),
        json!("internet"),
        json!("sm.provisioning"),
        json!("no such apn"),
        json!("*"),
        json!("\u{0}\u{7}'; DROP TABLE"),
        json!("ネット"),
        json!(long),
    ];
    for apn in requests {
        let world = World::new();
        let reply = world.connect(&mut Card::new(), &json!({"imsi": PROVISIONING, "apn": apn}));
        assert_eq!(reply.status, 200, "{reply:?}");
        let session = reply.body;
        assert_eq!(session["class"], "provisioning");
        assert_eq!(session["apn"]["given"], "sm.provisioning", "{apn}");
        assert_eq!(session["apn"]["rule"], "provisioning-apn");
        let shown: String = apn.as_str().unwrap_or_default().chars().take(120).collect();
        assert_eq!(session["apn"]["requested"].as_str().unwrap_or_default(), shown);
        for service in ["data", "voice", "sms"] {
            assert_eq!(session["services"][service]["verdict"], "refused", "{service}");
            assert_eq!(session["services"][service]["because"], "not yet under contract");
        }
    }
}

#[test]
fn an_operational_profile_gets_what_its_contract_says() {
    let world = World::new();
    let cases = [
        (json!(null), "contract-default-apn"),
        (json!("Internet"), "contract-apn"),
        (json!("internet.mnc001.mcc001.gprs"), "contract-apn"),
    ];
    let mut card = Card::new();
    for (apn, rule) in cases {
        let session = world.connect(&mut card, &json!({"imsi": OPERATIONAL, "apn": apn})).body;
        assert_eq!((&session["apn"]["given"], &session["apn"]["rule"]), (&json!("internet"), &json!(rule)));
        for service in ["data", "voice", "sms"] {
            assert_eq!(session["services"][service]["verdict"], "permitted", "{service}");
        }
    }
    for apn in ["other", "no apn!"] {
        let reply = world.connect(&mut card, &json!({"imsi": OPERATIONAL, "apn": apn}));
        assert_eq!(cause(&reply), (403, "ESM", 27), "{reply:?}");
    }
}

#[test]
fn both_sides_have_the_same_kasme() {
    let world = World::new();
    let mut card = Card::new();
    let challenge = world.attach(&json!({"imsi": PROVISIONING, "visitedPlmn": "310410"}));
    let session = world.respond(&challenge, &card.answer(&challenge)).body;
    let rand = bytes(challenge["rand"].as_str().unwrap());
    let autn: [u8; 16] = bytes(challenge["autn"].as_str().unwrap());
    let (ck, ik) = (card.parameters.f3(&rand), card.parameters.f4(&rand));
    let kasme = kasme(&ck, &ik, Plmn::parse("310410").unwrap(), autn[..6].try_into().unwrap());
    let mut mac = Hmac::<Sha256>::new_from_slice(kasme.expose_bytes()).unwrap();
    mac.update(session["sessionId"].as_str().unwrap().as_bytes());
    assert_eq!(session["kasmeProof"], hex::encode(mac.finalize().into_bytes()));
    assert_eq!(session["servingPlmn"], "310410");
    assert_eq!(autn[6..8], [0x80, 0], "EPS vectors have the separation bit");
}

#[test]
fn strangers_and_nonsense_are_refused() {
    let world = World::new();
    let unknown = world.call("POST", "/network/attach", Some(&json!({"imsi": "001010000000009"})));
    assert_eq!(cause(&unknown), (403, "EMM", 2));
    for body in [
        json!({}),
        json!({"imsi": 1}),
        json!({"imsi": "12345"}),
        json!({"imsi": "00101000000000x"}),
        json!({"imsi": "0010100000000011"}),
        json!({"imsi": PROVISIONING, "visitedPlmn": "1"}),
        json!([]),
    ] {
        assert_eq!(world.call("POST", "/network/attach", Some(&body)).status, 400, "{body}");
    }
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    for proof in [
        json!({}),
        json!({"res": "00", "auts": "00"}),
        json!({"res": "xyz"}),
        json!({"res": ""}),
        json!({"res": "00".repeat(33)}),
        json!({"auts": "00"}),
        json!({"failure": "other"}),
    ] {
        assert_eq!(world.respond(&challenge, &proof).status, 400, "{proof}");
    }
    // None of these used the challenge up.
    assert_eq!(world.respond(&challenge, &Card::new().answer(&challenge)).status, 200);
}

#[test]
fn an_answer_counts_once() {
    let world = World::new();
    let mut card = Card::new();
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    let answer = card.answer(&challenge);
    let session = world.respond(&challenge, &answer);
    assert_eq!(session.status, 200);
    // Replayed, with the right answer and with a wrong one.
    assert_eq!(world.respond(&challenge, &answer).status, 410);
    assert_eq!(world.respond(&challenge, &json!({"res": "0000000000000000"})).status, 410);
    let id = session.body["sessionId"].as_str().unwrap();
    assert_eq!(world.call("GET", &format!("/network/sessions/{id}"), None).body, session.body);
}

#[test]
fn a_wrong_answer_ends_the_attach_and_not_the_session() {
    let world = World::new();
    let mut card = Card::new();
    let session = world.session(&mut card, PROVISIONING);
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    let right = card.answer(&challenge);
    let mut wrong = hex::decode(right["res"].as_str().unwrap()).unwrap();
    wrong[7] ^= 1;
    let reply = world.respond(&challenge, &json!({"res": hex::encode(wrong)}));
    assert_eq!(cause(&reply), (403, "EMM", 3));
    assert_eq!(world.respond(&challenge, &right).status, 410, "no second guess");
    assert_eq!(world.call("GET", &format!("/network/sessions/{session}"), None).status, 200);
}

#[test]
fn a_card_of_another_key_knows_the_network_for_a_false_one() {
    let world = World::new();
    let mut card = Card::with("00000000000000000000000000000000");
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    let answer = card.answer(&challenge);
    assert_eq!(answer, json!({"failure": "mac"}));
    // Nothing was proven, so nothing is kept of it: said again, it is answered again.
    for _ in 0..2 {
        assert_eq!(cause(&world.respond(&challenge, &answer)), (403, "EMM", 20));
    }
}

#[test]
fn a_card_ahead_of_the_network_resynchronises_it() {
    let world = World::new();
    let mut ahead = [0; 32];
    ahead[17] = 123_456;
    let mut card = Card {
        array: SqnArray::from_values(ahead, SqnRules { delta: None, age_limit: Some(10) }).unwrap(),
        ..Card::new()
    };
    let challenge = world.attach(&json!({"imsi": PROVISIONING, "apn": "internet"}));
    let answer = card.answer(&challenge);
    assert!(answer.get("auts").is_some());
    let again = world.respond(&challenge, &answer);
    assert_eq!(again.status, 200, "{again:?}");
    assert_ne!(again.body["attachId"], challenge["attachId"]);
    assert_ne!(again.body["rand"], challenge["rand"]);
    let session = world.respond(&again.body, &card.answer(&again.body));
    assert_eq!((session.status, &session.body["apn"]["requested"]), (200, &json!("internet")));
    assert_eq!(card.array.highest(), Sqn::new(123_457, 18).unwrap());

    // The network goes on from there: the next attach needs no resynchronisation.
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    assert!(card.answer(&challenge).get("res").is_some());
}

#[test]
fn a_card_resynchronises_once_and_with_its_own_auts() {
    let world = World::new();
    let mut card = Card::new();
    let first = world.attach(&json!({"imsi": PROVISIONING}));
    card.answer(&first);
    let auts = card.answer(&first);
    let again = world.respond(&first, &auts);
    assert_eq!(again.status, 200);
    // A second AUTS for the same attach.
    card.answer(&again.body);
    let reply = world.respond(&again.body, &card.answer(&again.body));
    assert_eq!(cause(&reply), (403, "EMM", 21));

    // An AUTS of another challenge, and one changed on the way.
    let other = world.attach(&json!({"imsi": PROVISIONING}));
    assert_eq!(cause(&world.respond(&other, &auts)), (403, "EMM", 3));
    let other = world.attach(&json!({"imsi": PROVISIONING}));
    card.answer(&other);
    let mut changed: [u8; 14] = bytes(card.answer(&other)["auts"].as_str().unwrap());
    changed[0] ^= 0x40;
    assert_eq!(cause(&world.respond(&other, &json!({"auts": hex::encode(changed)}))), (403, "EMM", 3));
}

#[test]
fn a_new_attach_ends_the_old_session_once_it_is_proven() {
    let world = World::new();
    let mut card = Card::new();
    let old = world.session(&mut card, PROVISIONING);
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    assert_eq!(world.gateway(&old, ES9).status, 200, "a mere request ends nothing");
    assert_eq!(world.respond(&challenge, &card.answer(&challenge)).status, 200);
    let gone = world.call("GET", &format!("/network/sessions/{old}"), None);
    assert_eq!(
        (gone.status, &gone.body["because"]),
        (410, &json!("this session has ended: the subscriber attached again"))
    );
    assert_eq!(world.gateway(&old, ES9).status, 410);
    assert_eq!(world.sm.seen.borrow().len(), 1);
}

#[test]
fn everything_ends_in_time() {
    let world = World::new();
    let mut card = Card::new();
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    world.pass(CHALLENGE_LIFETIME);
    assert_eq!(world.respond(&challenge, &card.answer(&challenge)).status, 410);

    for (imsi, lifetime) in [(PROVISIONING, PROVISIONING_LIFETIME), (OPERATIONAL, OPERATIONAL_LIFETIME)] {
        let path = format!("/network/sessions/{}", world.session(&mut Card::new(), imsi));
        world.pass(lifetime - 1);
        assert_eq!(world.call("GET", &path, None).status, 200);
        world.pass(1);
        let gone = world.call("GET", &path, None);
        assert_eq!(
            (gone.status, &gone.body["because"]),
            (410, &json!("this session has ended: its time is up"))
        );
    }
}

#[test]
fn detaching() {
    let world = World::new();
    let path = format!("/network/sessions/{}", world.session(&mut Card::new(), OPERATIONAL));
    assert_eq!(world.call("DELETE", &path, None).status, 204);
    assert_eq!(world.call("DELETE", &path, None).status, 410);
    assert_eq!(world.call("GET", &path, None).status, 410);
    let other = path.replace(|c: char| c.is_ascii_digit(), "a");
    assert_eq!(world.call("GET", &other, None).status, 404);
}

#[test]
fn attaches_that_nobody_answers_are_bounded() {
    let world = World::new();
    let mut card = Card::new();
    let mine = world.attach(&json!({"imsi": PROVISIONING}));
    for _ in 0..7 {
        world.attach(&json!({"imsi": PROVISIONING}));
    }
    assert_eq!(world.respond(&mine, &card.answer(&mine)).status, 200);
    // A thousand more challenges: the oldest are given up, the numbers stay acceptable.
    for _ in 0..1000 {
        world.attach(&json!({"imsi": PROVISIONING}));
    }
    assert_eq!(world.connect(&mut card, &json!({"imsi": PROVISIONING})).status, 200);
}

#[test]
fn services_by_contract() {
    let world = World::new();
    let contract = json!({"apns": ["iot"], "defaultApn": "iot", "sms": true});
    world.provision(
        "001010000000003",
        &json!({"k": K, "opc": OPC, "class": "operational", "contract": contract}),
    );
    let cases = [
        (PROVISIONING, "voice", "+491701234567", "refused", "provisioning-no-contract"),
        (PROVISIONING, "voice", "112", "permitted", "emergency-call"),
        (PROVISIONING, "sms", "112", "refused", "provisioning-no-contract"),
        (PROVISIONING, "data", "www.example", "refused", "provisioning-no-contract"),
        (PROVISIONING, "data", "smdp.example", "permitted", "sm-access"),
        (PROVISIONING, "data", "https://lab.example:8443/gsma/rsp2/", "permitted", "sm-access"),
        (PROVISIONING, "data", "lab.example", "refused", "provisioning-no-contract"),
        (PROVISIONING, "data", "smdp.example@evil.example", "refused", "provisioning-no-contract"),
        (OPERATIONAL, "voice", "*100#", "permitted", "contract-service"),
        (OPERATIONAL, "sms", "12345", "permitted", "contract-service"),
        (OPERATIONAL, "data", "www.example", "permitted", "contract-service"),
        ("001010000000003", "voice", "12345", "refused", "service-not-in-contract"),
        ("001010000000003", "sms", "12345", "permitted", "contract-service"),
        ("001010000000003", "data", "www.example", "refused", "service-not-in-contract"),
        ("001010000000003", "data", "smdp.example", "permitted", "sm-access"),
    ];
    for (imsi, kind, to, verdict, rule) in cases {
        let session = world.session(&mut resynchronised(), imsi);
        let path = format!("/network/sessions/{session}/service");
        let reply = world.call("POST", &path, Some(&json!({"kind": kind, "to": to})));
        assert_eq!(reply.status, 200);
        assert_eq!(
            (&reply.body["verdict"], &reply.body["rule"]),
            (&json!(verdict), &json!(rule)),
            "{kind} {to}"
        );
        assert_eq!(reply.body.get("cause").is_some(), verdict == "refused");
    }
    let path = format!("/network/sessions/{}/service", world.session(&mut resynchronised(), OPERATIONAL));
    for body in [
        json!({"kind": "fax", "to": "1"}),
        json!({"kind": "voice"}),
        json!({"kind": "voice", "to": ""}),
        json!({"kind": "voice", "to": "mother"}),
        json!({"kind": "sms", "to": "1".repeat(21)}),
    ] {
        assert_eq!(world.call("POST", &path, Some(&body)).status, 400, "{body}");
    }
}

/// A card that takes any number the network may have come to.
fn resynchronised() -> Card {
    Card { array: SqnArray::new(SqnRules { delta: None, age_limit: None }), ..Card::new() }
}

#[test]
fn the_gateway_leads_to_the_sm_and_nowhere_else() {
    let world = World::new();
    let provisioning = world.session(&mut Card::new(), PROVISIONING);
    let operational = world.session(&mut Card::new(), OPERATIONAL);
    for session in [&provisioning, &operational] {
        let path = format!("/network/sessions/{session}/http/{ES9}");
        let mut sent =
            request("POST", &path, Some(&json!({"smdpAddress": "smdp.example"})), Some("Bearer x"));
        for (name, value) in [
            ("content-type", "application/json"),
            ("x-admin-protocol", "gsma/rsp/v2.2.0"),
            ("host", "evil.example"),
            ("cookie", "session=1"),
            ("x-forwarded-for", "::1"),
        ] {
            sent.headers_mut().insert(name, value.parse().unwrap());
        }
        let answer = Response::builder()
            .header("content-type", "application/json")
            .header("x-admin-protocol", "gsma/rsp/v2.2.0")
            .header("set-cookie", "a=b")
            .body(br#"{"transactionId":"01"}"#.to_vec());
        *world.sm.next.borrow_mut() = Some(Ok(answer.unwrap()));
        let reply = world.send(sent);
        assert_eq!((reply.status, &reply.body), (200, &json!({"transactionId": "01"})));
        assert_eq!(reply.raw.headers()["x-admin-protocol"], "gsma/rsp/v2.2.0");
        assert!(!reply.raw.headers().contains_key("set-cookie"));

        let seen = world.sm.seen.borrow_mut().pop().unwrap();
        assert_eq!(seen.uri(), "https://smdp.example/gsma/rsp2/es9plus/initiateAuthentication");
        assert_eq!(seen.headers()["host"], "smdp.example");
        assert_eq!(seen.headers()["user-agent"], "gsma-rsp-lpad");
        assert_eq!(seen.headers()["accept-encoding"], "identity");
        assert_eq!(seen.headers().len(), 5, "{:?}", seen.headers());
        assert_eq!(seen.body(), br#"{"smdpAddress":"smdp.example"}"#);
    }

    // Elsewhere: refused without a contract; with one permitted, and without a route.
    let reply = world.gateway(&provisioning, "www.example/index.html");
    assert_eq!(cause(&reply), (403, "ESM", 8));
    assert_eq!(reply.body["because"], "not yet under contract");
    let reply = world.gateway(&operational, "www.example/index.html");
    assert_eq!((reply.status, &reply.body["rule"]), (502, &json!("contract-service")));

    // Ways around the list, as they come over the wire.
    for rest in [
        "smdp.example@evil.example/gsma/rsp2/es9plus/x",
        "smdp.example:80/gsma/rsp2/es9plus/x",
        "127.0.0.1/gsma/rsp2/es9plus/x",
        "smdp.example%2fevil/gsma/rsp2/es9plus/x",
        "smdp.example/operator/orders",
        "smdp.example/gsma/rsp2/../../operator/orders",
        "smdp.example/gsma/rsp2/%2e%2e/%2e%2e/operator/orders",
        "smdp.example/gsma/rsp2/es9plus/x?to=evil.example",
        "smdp.example",
        "",
        "/",
    ] {
        for session in [&provisioning, &operational] {
            assert_eq!(world.gateway(session, rest).status, 403, "{rest}");
        }
    }
    let path = format!("/network/sessions/{provisioning}/http/{ES9}");
    assert_eq!(world.call("GET", &path, None).status, 403);
    assert_eq!(world.call("CONNECT", &path, None).status, 403);
    let mut large = request("POST", &path, None, None);
    *large.body_mut() = vec![b' '; 256 * 1024 + 1];
    assert_eq!(world.send(large).status, 413);
    let mut lying = request("POST", &path, Some(&json!({})), None);
    lying.headers_mut().insert("content-length", "1".parse().unwrap());
    assert_eq!(world.send(lying).status, 403);
    let stranger = format!("{}{}", &provisioning[..16], "0".repeat(32));
    assert_eq!(world.gateway(&stranger, ES9).status, 404);
    assert_eq!(world.gateway("x", ES9).status, 404);
    assert_eq!(world.sm.seen.borrow().len(), 0, "nothing of this reached the SM");
}

#[test]
fn what_the_sm_does_wrong_stays_there() {
    let world = World::new();
    let session = world.session(&mut Card::new(), PROVISIONING);
    let redirect =
        Response::builder().status(302).header("location", "https://evil.example/").body(vec![]).unwrap();
    let huge = Response::new(vec![0; 4 * 1024 * 1024 + 1]);
    let cases = [
        (Ok(redirect), 502),
        (Ok(huge), 502),
        (Err(LinkFailure::TooLarge), 502),
        (Err(LinkFailure::Unreachable), 502),
        (Err(LinkFailure::Late), 504),
        (
            Ok(Response::builder()
                .status(500)
                .header("content-type", "application/problem+json")
                .body(br#"{"because":"x","status":500}"#.to_vec())
                .unwrap()),
            500,
        ),
    ];
    for (answer, status) in cases {
        *world.sm.next.borrow_mut() = Some(answer);
        let reply = world.gateway(&session, ES9);
        assert_eq!(reply.status, status);
        assert!(!reply.raw.headers().contains_key("location"));
    }
}

#[test]
fn every_verdict_is_on_record_and_the_record_is_bounded() {
    let world = World::new();
    let session = world.session(&mut Card::new(), PROVISIONING);
    world.pass(5);
    world.gateway(&session, ES9);
    world.gateway(&session, "www.example/");
    world.gateway(&session, "10.0.0.1/");
    let path = format!("/network/sessions/{session}");
    world.call("POST", &format!("{path}/service"), Some(&json!({"kind": "voice", "to": "110"})));
    let log = world.call("GET", &format!("{path}/log"), None).body;
    let lines: Vec<(&str, &str, &str)> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap();
            (text("what"), text("verdict"), text("rule"))
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("attach", "permitted", "provisioning-apn"),
            ("POST smdp.example/gsma/rsp2/es9plus/initiateAuthentication", "permitted", "sm-access"),
            ("POST www.example/", "refused", "provisioning-no-contract"),
            ("POST 10.0.0.1/", "refused", "gateway"),
            ("voice 110", "refused", "provisioning-no-contract"),
        ]
    );
    assert_eq!((&log[0]["at"], &log[1]["at"]), (&json!(1_000_000), &json!(1_000_005)));
    for _ in 0..200 {
        world.gateway(&session, &format!("www.example/{}", "x".repeat(1000)));
    }
    let log = world.call("GET", &format!("{path}/log"), None);
    assert_eq!(log.body.as_array().unwrap().len(), 64);
    assert!(log.raw.body().len() < 32 * 1024);
}

#[test]
fn only_the_operator_writes_subscribers_and_nobody_reads_keys() {
    let path = "/network/subscribers/001010000000007";
    let record = json!({"k": K, "opc": OPC, "class": "provisioning"});
    let world = World::new();
    for authorization in
        [None, Some("Bearer wrong"), Some("the operator"), Some("Bearer "), Some("Basic dGhl")]
    {
        for method in ["PUT", "DELETE"] {
            assert_eq!(world.send(request(method, path, Some(&record), authorization)).status, 401);
        }
        let reply = world.send(request("GET", "/network/subscribers", None, authorization));
        assert_eq!(
            (reply.status, &reply.raw.headers()["www-authenticate"]),
            (401, &"Bearer".parse().unwrap())
        );
    }
    let created = world.operator("PUT", path, Some(&record));
    assert_eq!(created.status, 201);
    assert_eq!(world.operator("PUT", path, Some(&record)).status, 200);
    let list = world.operator("GET", "/network/subscribers", None);
    assert_eq!(list.body.as_array().unwrap().len(), 3);
    for reply in [&created, &list] {
        let text = String::from_utf8_lossy(reply.raw.body());
        assert!(!text.contains(&K[..8]) && !text.contains(&OPC[..8]), "{text}");
    }
    assert_eq!(world.operator("DELETE", path, None).status, 204);
    assert_eq!(world.operator("DELETE", path, None).status, 404);
    assert_eq!(
        cause(&world.call("POST", "/network/attach", Some(&json!({"imsi": "001010000000007"})))),
        (403, "EMM", 2)
    );

    for token in [None, Some("")] {
        let unconfigured = World::empty(token);
        for authorization in [None, Some("Bearer "), Some("Bearer x")] {
            assert_eq!(unconfigured.send(request("PUT", path, Some(&record), authorization)).status, 403);
            assert_eq!(
                unconfigured.send(request("GET", "/network/subscribers", None, authorization)).status,
                403
            );
        }
    }
}

#[test]
fn a_changed_subscription_ends_the_session_and_keeps_the_numbers() {
    let world = World::new();
    let mut card = Card::new();
    let session = world.session(&mut card, OPERATIONAL);
    world.provision(OPERATIONAL, &json!({"k": K, "opc": OPC, "class": "operational"}));
    assert_eq!(world.call("GET", &format!("/network/sessions/{session}"), None).status, 410);
    // No resynchronisation needed: the card takes the next number.
    let challenge = world.attach(&json!({"imsi": OPERATIONAL}));
    let answer = card.answer(&challenge);
    assert!(answer.get("res").is_some());
    // The contract now has no APN.
    assert_eq!(cause(&world.respond(&challenge, &answer)), (403, "ESM", 27));
}

#[test]
fn other_algorithms_attach_as_well() {
    let world = World::new();
    let k = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0";
    let topc = "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524";
    let cases = [
        (
            json!({"algorithm": "tuak", "k": k, "topc": topc, "class": "provisioning"}),
            aka::Parameters::tuak(&bytes::<32>(k), bytes(topc), aka::TuakSizes::default(), 1).unwrap(),
        ),
        (
            json!({"algorithm": "xor", "k": K, "class": "provisioning"}),
            aka::Parameters::xor(bytes(K), 16).unwrap(),
        ),
    ];
    for (record, parameters) in cases {
        world.provision("001010000000008", &record);
        let mut card = Card { parameters, ..Card::new() };
        let reply = world.connect(&mut card, &json!({"imsi": "001010000000008"}));
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

#[test]
fn paths_and_methods() {
    let world = World::new();
    let health = world.call("GET", "/network/health", None);
    assert_eq!(
        (health.status, health.body),
        (
            200,
            json!({"status": "ok", "smApn": "sm.provisioning", "smAddresses": ["smdp.example", "lab.example:8443"], "outside": ["rsp.operator.example"], "policyVersion": 0, "operator": true})
        )
    );
    for path in [
        "/",
        "/network",
        "/network/",
        "/network/other",
        "/networks/health",
        "/network/attach/",
        "/network/health/x",
    ] {
        assert_eq!(world.call("GET", path, None).status, 404, "{path}");
    }
    let id = "0".repeat(48);
    for (method, path, allow) in [
        ("POST", "/network/health".to_owned(), "GET"),
        ("GET", "/network/attach".to_owned(), "POST"),
        ("GET", format!("/network/attach/{id}/response"), "POST"),
        ("PUT", format!("/network/sessions/{id}"), "GET, DELETE"),
        ("POST", format!("/network/sessions/{id}/log"), "GET"),
        ("GET", format!("/network/sessions/{id}/service"), "POST"),
    ] {
        let reply = world.call(method, &path, None);
        assert_eq!((reply.status, &reply.raw.headers()["allow"]), (405, &allow.parse().unwrap()), "{path}");
    }
    for path in [
        format!("/network/sessions/{id}"),
        "/network/sessions/%00".to_owned(),
        "/network/sessions/é".replace('é', "%C3%A9"),
    ] {
        assert_eq!(world.call("GET", &path, None).status, 404);
    }
    let attach = format!("{}.e30.{}", &id[..16], &id[..32]);
    assert_eq!(world.respond(&json!({"attachId": attach}), &json!({"failure": "mac"})).status, 410);
    assert_eq!(world.respond(&json!({"attachId": id}), &json!({"failure": "mac"})).status, 404);
    let mut large = request("POST", "/network/attach", None, None);
    *large.body_mut() = vec![b' '; 64 * 1024 + 1];
    assert_eq!(world.send(large).status, 413);
}

#[test]
fn a_seed_makes_the_same_story() {
    let story = || -> Vec<Value> {
        let world = World::new();
        let mut card = Card::new();
        let challenge = world.attach(&json!({"imsi": PROVISIONING}));
        let session = world.respond(&challenge, &card.answer(&challenge)).body;
        vec![challenge, session]
    };
    assert_eq!(story(), story());
}

mod anything {
    use net_policy_worker::gateway::{Attempt, Examined, SmAddress, Way, examine};
    use proptest::prelude::*;

    use super::world::{Card, PROVISIONING, TOKEN, World, now, policy};

    /// Pieces that paths and addresses are made of, next to anything at all.
    fn piece() -> impl Strategy<Value = String> {
        const KNOWN: &[&str] = &[
            "smdp.example",
            "lab.example",
            ":443",
            ":8443",
            ":",
            "@",
            "/",
            "//",
            "..",
            ".",
            "%2e",
            "%2f",
            "gsma",
            "rsp2",
            "/gsma/rsp2/",
            "/gsma/rsp2/es9plus/",
            "es9plus",
            "x",
            "?",
            "#",
            "[::1]",
            "127.0.0.1",
            "evil.example",
            "rsp.operator.example",
            "SMDP.EXAMPLE",
        ];
        prop_oneof![9 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,3}"]
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(piece(), 0..5).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// Written a second time, as simply as can be: what leaves is what it seems to be.
        #[test]
        fn what_leaves_is_for_an_sm_of_the_list(authority in text(), target in text()) {
            let attempt = Attempt { method: "POST".to_owned(), authority: authority.clone(), target: target.clone(), declared: None, length: 0, suspicion: None };
            if let Examined::Sm(to, way) = examine(&attempt, policy().sm_addresses()) {
                let lower = authority.to_lowercase();
                let inside = ["smdp.example", "smdp.example:443", "lab.example:8443"];
                let outside = ["rsp.operator.example", "rsp.operator.example:443"];
                let listed: &[&str] = if way == Way::Outside { &outside } else { &inside };
                prop_assert!(listed.contains(&lower.as_str()), "{}", authority);
                // Two dots lead up only where they are all of a segment (RFC 3986 §5.2.4).
                let leads_up = target.split('/').any(|segment| segment == "..");
                prop_assert!(target.starts_with("/gsma/rsp2/es9plus/") && !leads_up && !target.contains('%'), "{}", target);
                prop_assert_eq!(SmAddress::parse(&to), SmAddress::parse(&lower));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Whatever comes, there is an answer, and never one that lets somebody in.
        #[test]
        fn whatever_comes_is_answered(
            method in prop::sample::select(&["GET", "POST", "PUT", "DELETE", "PATCH"][..]),
            segments in prop::collection::vec(prop_oneof![
                prop::sample::select(&["attach", "response", "sessions", "service", "log", "http", "subscribers", "ID", "SESSION", "health"][..]).prop_map(str::to_owned),
                "[ -~]{0,12}",
            ], 1..6),
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..64),
                prop::sample::select(&[
                    r#"{"imsi":"001010000000001","apn":7}"#, r#"{"res":"0000000000000000"}"#, r#"{"auts":"0000000000000000000000000000"}"#,
                    r#"{"failure":"mac"}"#, r#"{"kind":"voice","to":"1"}"#, r#"{"kind":"data","to":"http://[::1]"}"#, "[[[[", "{}",
                ][..]).prop_map(|body| body.as_bytes().to_vec()),
            ],
        ) {
            let world = World::new();
            let session = world.session(&mut Card::new(), PROVISIONING);
            let challenge = world.attach(&serde_json::json!({"imsi": PROVISIONING}));
            let path = format!("/network/{}", segments.join("/"))
                .replace("SESSION", &session)
                .replace("ID", challenge["attachId"].as_str().unwrap());
            let request = http::Request::builder()
                .method(method)
                .uri(path)
                .header("authorization", format!("Bearer {TOKEN}"))
                .body(body);
            if let Ok(request) = request {
                let (response, fault) = now(world.router.handle(request));
                prop_assert_eq!(fault, None);
                prop_assert!(!String::from_utf8_lossy(response.body()).contains("\"given\":\"internet\""));
                prop_assert!(world.sm.seen.borrow().is_empty() || segments.contains(&"http".to_owned()));
            }
        }
    }
}

/// What a runtime hands over that is no request gets an answer, and what is one gets its own.
#[test]
fn a_request_that_cannot_be_read_is_answered() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let url = "https://network.example/network/health";
    for (method, url) in
        [("GE T", url), ("GET", "http://a b/network/health"), ("GET", "http://[::/x"), ("", url)]
    {
        let answer = router::request(method, url, [], vec![]).unwrap_err();
        assert_eq!(answer.status(), 400, "{method} {url}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    // A header with a control character, or without a name, is none; the others are kept, each line.
    let odd = ["a\u{7f}b", "a\u{1}b", "\u{1b}", "\u{b}", "\r\n"].map(|value| header("authorization", value));
    let good = [header("x-a", "1"), header("x-a", "2"), header("", "3"), header("a b", "4")];
    let request = router::request("GET", url, odd.into_iter().chain(good), vec![1]).unwrap();
    let lines: Vec<_> = request.headers().get_all("x-a").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!((request.headers().len(), lines, request.body().len()), (2, vec!["1", "2"], 1));
    // A method that nobody here knows is none of those that are.
    let world = World::new();
    for method in ["PROPFIND", "SEARCH", "get"] {
        let request = router::request(method, url, [], vec![]).unwrap();
        let reply = world.send(request);
        assert_eq!((reply.status, &reply.raw.headers()["allow"]), (405, &"GET".parse().unwrap()), "{method}");
    }
    let many = (0..40_000).map(|at| header(&format!("x-{at}"), "1"));
    assert_eq!(router::request("GET", url, many, vec![]).unwrap_err().status(), 400);
    assert_eq!(router::too_slow().status(), 408);
}

/// RFC 9110 §11.1: the name of a scheme is of no case.
#[test]
fn the_scheme_of_a_token_is_of_no_case() {
    let world = World::new();
    for (authorization, status) in [
        (format!("bearer {}", world::TOKEN), 200),
        (format!("BEARER {}", world::TOKEN), 200),
        (format!("Bearer  {}", world::TOKEN), 401),
        (format!("Bearer {}", world::TOKEN.to_uppercase()), 401),
        (format!("Bearer{}", world::TOKEN), 401),
        (format!("Basic {}", world::TOKEN), 401),
        ("Bearer".to_owned(), 401),
        (String::new(), 401),
    ] {
        let request = Request::get("/network/policy").header("authorization", &authorization);
        assert_eq!(world.send(request.body(vec![]).unwrap()).status, status, "{authorization}");
    }
}
