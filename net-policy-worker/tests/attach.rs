//! Attach by every identity and access, and what a stranger can and cannot do with one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod world;

use aka::{Output, Parameters, SqnArray, SqnRules, TuakSizes, kamf, kausf, kseaf, res_star};
use hmac::{Hmac, KeyInit, Mac};
use net_policy_worker::service::{ALL_FAILURES, FAILURE_WINDOW, LANE_FAILURES};
use serde_json::{Value, json};
use sha2::Sha256;
use suci::{Scheme, Suci};
use world::{Card, OPERATIONAL, PROVISIONING, Reply, World, bytes, home_network_keys, request};

const HOME: &str = "5G:mnc001.mcc001.3gppnetwork.org";

fn cause(reply: &Reply) -> (u16, &str, u64) {
    let cause = &reply.body["cause"];
    (
        reply.status,
        cause["protocol"].as_str().unwrap_or_default(),
        cause["number"].as_u64().unwrap_or_default(),
    )
}

/// A 5G terminal's answer, by TS 33.501 §6.1.3.2: RES* in place of RES, and KAMF.
fn answer_5g(card: &mut Card, challenge: &Value, supi: &str) -> (Value, Option<Output>) {
    let answer = card.answer(challenge);
    let Some(res) = answer["res"].as_str() else { return (answer, None) };
    let name = challenge["servingNetwork"].as_str().unwrap();
    let rand = bytes(challenge["rand"].as_str().unwrap());
    let autn: [u8; 16] = bytes(challenge["autn"].as_str().unwrap());
    let (ck, ik) = (card.parameters.f3(&rand), card.parameters.f4(&rand));
    let res_star = res_star(&ck, &ik, name, &rand, &Output::new(&hex::decode(res).unwrap()));
    let kausf = kausf(&ck, &ik, name, autn[..6].try_into().unwrap());
    let abba = bytes(challenge["abba"].as_str().unwrap());
    (json!({"resStar": hex::encode(res_star)}), Some(kamf(&kseaf(&kausf, name), supi, abba)))
}

fn attach_from(world: &World, address: &str, body: &Value) -> Reply {
    let mut request = request("POST", "/network/attach", Some(body), None);
    request.headers_mut().insert("cf-connecting-ip", address.parse().unwrap());
    world.send(request)
}

/// A guess from an address; the answer's status.
fn guess(world: &World, address: &str, imsi: &str) -> u16 {
    let challenge = attach_from(world, address, &json!({"imsi": imsi}));
    if challenge.status != 200 {
        return challenge.status;
    }
    world.respond(&challenge.body, &json!({"res": "0011223344556677"})).status
}

#[test]
fn five_g_aka() {
    let world = World::new();
    let mut card = Card::new();
    let challenge = world.attach(&json!({"imsi": PROVISIONING, "access": "5g", "dnn": "internet"}));
    assert_eq!((&challenge["servingNetwork"], &challenge["abba"]), (&json!(HOME), &json!("0000")));
    let (answer, kamf) = answer_5g(&mut card, &challenge, PROVISIONING);
    let session = world.respond(&challenge, &answer).body;
    assert_eq!((&session["access"], &session["apn"]["requested"]), (&json!("5g"), &json!("internet")));
    let mut mac = Hmac::<Sha256>::new_from_slice(kamf.unwrap().expose_bytes()).unwrap();
    mac.update(session["sessionId"].as_str().unwrap().as_bytes());
    assert_eq!(session["kamfProof"], hex::encode(mac.finalize().into_bytes()));
    assert!(session.get("kasmeProof").is_none());
    // Refusals are in 5G's words.
    let data = &session["services"]["data"]["cause"];
    assert_eq!((&data["protocol"], &data["number"]), (&json!("5GSM"), &json!(8)));

    let visited = json!({"imsi": PROVISIONING, "access": "5g", "visitedPlmn": "310410"});
    let challenge = world.attach(&visited);
    assert_eq!(challenge["servingNetwork"], "5G:mnc410.mcc310.3gppnetwork.org");
    let (answer, _) = answer_5g(&mut card, &challenge, PROVISIONING);
    assert_eq!(world.respond(&challenge, &answer).status, 200);
}

#[test]
fn each_access_has_its_own_answer_and_causes() {
    let world = World::new();
    let mut card = Card::new();
    let five_g = world.attach(&json!({"imsi": PROVISIONING, "access": "5g"}));
    let res = card.answer(&five_g);
    assert_eq!(world.respond(&five_g, &res).status, 400, "RES is no RES*");
    assert_eq!(cause(&world.respond(&five_g, &json!({"failure": "mac"}))), (403, "5GMM", 20));
    let wrong = json!({"resStar": "00".repeat(16)});
    assert_eq!(cause(&world.respond(&five_g, &wrong)), (403, "5GMM", 3));
    assert_eq!(world.respond(&five_g, &wrong).status, 410);
    let eps = world.attach(&json!({"imsi": PROVISIONING}));
    assert_eq!(world.respond(&eps, &wrong).status, 400, "RES* is no RES");
    assert_eq!(eps.get("abba"), None);
    let unknown = |access| {
        let body = json!({"imsi": "001010000000009", "access": access});
        world.call("POST", "/network/attach", Some(&body))
    };
    assert_eq!(cause(&unknown("eps")), (403, "EMM", 2));
    assert_eq!(cause(&unknown("5g")), (403, "5GMM", 7));
    assert_eq!(unknown("3g").status, 400);
    let both = json!({"imsi": PROVISIONING, "apn": "a", "dnn": "b"});
    assert_eq!(world.call("POST", "/network/attach", Some(&both)).status, 400);
}

#[test]
fn a_5g_card_ahead_of_the_network_resynchronises_it() {
    let world = World::new();
    let mut ahead = [0; 32];
    ahead[3] = 99_000;
    let rules = SqnRules { delta: None, age_limit: Some(10) };
    let mut card = Card { array: SqnArray::from_values(ahead, rules).unwrap(), ..Card::new() };
    let challenge = world.attach(&json!({"imsi": PROVISIONING, "access": "5g"}));
    let again = world.respond(&challenge, &card.answer(&challenge));
    assert_eq!((again.status, &again.body["servingNetwork"]), (200, &json!(HOME)));
    let (answer, _) = answer_5g(&mut card, &again.body, PROVISIONING);
    assert_eq!(world.respond(&again.body, &answer).status, 200);
}

#[test]
fn concealed_identities() {
    let world = World::new();
    let mut card = Card::new();
    for key in home_network_keys() {
        let made = |imsi| Suci::of_imsi(imsi, 2, "0", key.scheme(), key.id(), key.public(), [9; 32]).unwrap();
        let suci = made(PROVISIONING).to_string();
        let challenge = world.attach(&json!({"suci": suci, "access": "5g"}));
        let (answer, _) = answer_5g(&mut card, &challenge, PROVISIONING);
        assert_eq!(world.respond(&challenge, &answer).body["imsi"], PROVISIONING);

        let refused =
            |suci: &str| world.call("POST", "/network/attach", Some(&json!({"suci": suci, "access": "5g"})));
        let mut forged = suci.clone();
        forged.replace_range(suci.len() - 1.., if suci.ends_with('0') { "1" } else { "0" });
        assert_eq!(cause(&refused(&forged)), (403, "5GMM", 3));
        let other = suci.replace(&format!("-{}-{}-", key.id(), key.id()), &format!("-{}-9-", key.id()));
        assert_eq!(cause(&refused(&other)), (403, "5GMM", 3), "no such key");
        assert_eq!(cause(&refused(&made("001010000000009").to_string())), (403, "5GMM", 7));
        assert_eq!(refused("suci-0-001-01-0-1-1").status, 400);
        let over_eps = world.call("POST", "/network/attach", Some(&json!({"suci": suci})));
        assert_eq!(over_eps.status, 400);
    }
    let open = Suci::of_imsi(PROVISIONING, 2, "0", Scheme::Null, 0, &[], [0; 32]).unwrap().to_string();
    let challenge = world.attach(&json!({"suci": open, "access": "5g"}));
    assert_eq!(challenge["servingNetwork"], HOME);
}

/// TS 35.231 knows RES of 4 to 32 bytes, CK and IK of 16 and 32.
#[test]
fn tuak_subscribers_attach_too() {
    let world = World::new();
    for (sizes, access) in
        [((8, 16, 16), "eps"), ((4, 16, 32), "eps"), ((8, 16, 16), "5g"), ((32, 32, 32), "5g")]
    {
        let (res, ck, ik) = sizes;
        let (k, topc) = ("ab".repeat(16), "cd".repeat(32));
        let record = json!({"algorithm": "tuak", "k": k, "topc": topc, "class": "provisioning",
            "resBytes": res, "ckBytes": ck, "ikBytes": ik, "sqn": "000000000000"});
        world.provision(PROVISIONING, &record);
        let parameters = Parameters::tuak(&[0xAB; 16], [0xCD; 32], TuakSizes { res, ck, ik }, 1).unwrap();
        let mut card = Card { parameters, ..Card::new() };
        let challenge = world.attach(&json!({"imsi": PROVISIONING, "access": access}));
        let answer = if access == "5g" {
            answer_5g(&mut card, &challenge, PROVISIONING).0
        } else {
            card.answer(&challenge)
        };
        assert_eq!(world.respond(&challenge, &answer).status, 200, "{sizes:?} {access}");
    }
}

/// TS 33.401 §6.1.2: the authentication centre sets the separation bit.
#[test]
fn the_separation_bit_is_set_whatever_the_record_says() {
    let world = World::new();
    let record = json!({"k": world::K, "opc": world::OPC, "amf": "01b9", "class": "provisioning"});
    world.provision(PROVISIONING, &record);
    let mut card = Card::new();
    for access in ["eps", "5g"] {
        let challenge = world.attach(&json!({"imsi": PROVISIONING, "access": access}));
        let autn: [u8; 16] = bytes(challenge["autn"].as_str().unwrap());
        assert_eq!(autn[6..8], [0x81, 0xB9], "{access}");
        assert!(card.answer(&challenge).get("res").is_some(), "and the MAC is over it");
    }
}

#[test]
fn a_temporary_identity_is_good_for_one_attach() {
    let world = World::new();
    let mut card = Card::new();
    let first = world.connect(&mut card, &json!({"imsi": PROVISIONING})).body;
    let guti = first["guti"].as_str().unwrap().to_owned();
    assert!(guti.starts_with("00f110") && guti.len() == 20, "{guti}");
    let by_guti = json!({"guti": guti, "apn": "internet"});
    // Asking, and failing, uses nothing up.
    let challenge = world.attach(&by_guti);
    assert_eq!(world.respond(&challenge, &json!({"res": "00".repeat(8)})).status, 403);
    let second = world.connect(&mut card, &by_guti).body;
    assert_eq!((&second["imsi"], &second["apn"]["requested"]), (&json!(PROVISIONING), &json!("internet")));
    assert_ne!(second["guti"], json!(guti));
    // The old one leads nowhere, and neither does one that was never given out.
    for guti in [guti.as_str(), "00f110800101c0ffee01"] {
        for (access, protocol) in [("eps", "EMM"), ("5g", "5GMM")] {
            let body = json!({"guti": guti, "access": access});
            let reply = world.call("POST", "/network/attach", Some(&body));
            assert_eq!(cause(&reply), (403, protocol, 9), "{guti}");
        }
    }
    // The same TMSI in another network is another identity.
    let elsewhere = second["guti"].as_str().unwrap().replace("00f110", "130014");
    let reply = world.call("POST", "/network/attach", Some(&json!({"guti": elsewhere})));
    assert_eq!(cause(&reply), (403, "EMM", 9));
    // Another subscriber's card at this GUTI takes the network for a false one: it has to say who it is.
    let challenge = world.attach(&json!({"guti": second["guti"]}));
    let reply = world.respond(&challenge, &Card::with(&"00".repeat(16)).answer(&challenge));
    assert_eq!(cause(&reply), (403, "EMM", 9));
    for broken in ["", "00", "zz", "00f110800101c0ffee0100"] {
        let body = json!({"guti": broken});
        assert_eq!(world.call("POST", "/network/attach", Some(&body)).status, 400, "{broken}");
    }
    // With the subscriber its identity goes.
    world.operator("DELETE", &format!("/network/subscribers/{PROVISIONING}"), None);
    let reply = world.call("POST", "/network/attach", Some(&json!({"guti": second["guti"]})));
    assert_eq!(cause(&reply), (403, "EMM", 9));
}

#[test]
fn every_session_before_says_why_it_is_over() {
    let world = World::new();
    let mut card = Card::new();
    let ids: Vec<String> = (0..4).map(|_| world.session(&mut card, PROVISIONING)).collect();
    for id in &ids[..3] {
        let gone = world.call("GET", &format!("/network/sessions/{id}"), None);
        let because = "this session has ended: the subscriber attached again";
        assert_eq!((gone.status, &gone.body["because"]), (410, &json!(because)));
    }
    assert_eq!(world.call("GET", &format!("/network/sessions/{}", ids[3]), None).status, 200);
}

#[test]
fn a_stranger_pushes_no_challenge_out() {
    let world = World::new();
    let mut card = Card::new();
    let mine = world.attach(&json!({"imsi": PROVISIONING}));
    for _ in 0..500 {
        world.attach(&json!({"imsi": PROVISIONING}));
    }
    assert_eq!(world.respond(&mine, &card.answer(&mine)).status, 200);
    assert_eq!(world.respond(&mine, &json!({"res": "00".repeat(8)})).status, 410, "and it is over");
}

/// The attach id of a challenge, its MAC written otherwise: each letter alone, and all of them.
fn written_otherwise(challenge: &Value) -> Vec<Value> {
    let id = challenge["attachId"].as_str().unwrap();
    let start = id.rfind('.').unwrap() + 1;
    let letters = (start..id.len()).filter(|at| id.as_bytes()[*at].is_ascii_lowercase());
    let mut ids: Vec<String> =
        letters.map(|at| format!("{}{}{}", &id[..at], id[at..=at].to_uppercase(), &id[at + 1..])).collect();
    ids.push(format!("{}{}", &id[..start], id[start..].to_uppercase()));
    ids.retain(|other| other != id);
    ids.into_iter().map(|id| json!({ "attachId": id })).collect()
}

#[test]
fn an_answer_counts_once_however_the_attach_id_is_written() {
    let world = World::new();
    let mut card = Card::new();
    let mut tried = 0;
    for _ in 0..4 {
        let challenge = world.attach(&json!({"imsi": PROVISIONING}));
        let answer = card.answer(&challenge);
        let session = world.respond(&challenge, &answer);
        assert_eq!(session.status, 200);
        for other in written_otherwise(&challenge) {
            assert_eq!(world.respond(&other, &answer).status, 410, "{other}");
            tried += 1;
        }
        assert_eq!(world.respond(&challenge, &answer).status, 410);
        let path = format!("/network/sessions/{}", session.body["sessionId"].as_str().unwrap());
        assert_eq!(world.call("GET", &path, None).status, 200, "the session that it opened goes on");
    }
    assert!(tried > 4, "sixteen bytes without a letter, four times");
}

/// TS 33.102 §6.3.3: a challenge is answered once, and a wrong answer is one.
#[test]
fn a_wrong_answer_uses_the_challenge_up() {
    let world = World::new();
    let mut card = Card::new();
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    let right = card.answer(&challenge);
    assert_eq!(world.respond(&challenge, &json!({"res": "00".repeat(8)})).status, 403);
    for id in written_otherwise(&challenge).iter().chain([&challenge]) {
        assert_eq!(world.respond(id, &right).status, 410, "{id}");
    }
    assert_eq!(world.connect(&mut card, &json!({"imsi": PROVISIONING})).status, 200, "the next one is good");
}

#[test]
fn guesses_are_counted_and_get_in_nobody_elses_way() {
    let world = World::new();
    let mut card = Card::new();
    for _ in 0..LANE_FAILURES {
        assert_eq!(guess(&world, "192.0.2.1", PROVISIONING), 403);
    }
    let reply = attach_from(&world, "192.0.2.1", &json!({"imsi": PROVISIONING}));
    assert_eq!(cause(&reply), (429, "EMM", 22));
    assert_eq!(reply.body["backOff"], json!({"timer": "T3346", "seconds": FAILURE_WINDOW / 1000}));
    assert_eq!(reply.raw.headers()["retry-after"], (FAILURE_WINDOW / 1000).to_string().as_str());
    let in_5g = attach_from(&world, "192.0.2.1", &json!({"imsi": PROVISIONING, "access": "5g"}));
    assert_eq!(cause(&in_5g), (429, "5GMM", 22));
    // Another subscriber, another address: nothing of it.
    assert_eq!(attach_from(&world, "192.0.2.1", &json!({"imsi": OPERATIONAL})).status, 200);
    let challenge = attach_from(&world, "192.0.2.2", &json!({"imsi": PROVISIONING}));
    assert_eq!(world.respond(&challenge.body, &card.answer(&challenge.body)).status, 200);
    // In time it is forgotten.
    world.pass(FAILURE_WINDOW);
    assert_eq!(guess(&world, "192.0.2.1", PROVISIONING), 403);
}

#[test]
fn a_challenge_from_before_is_not_judged_while_the_time_runs() {
    let world = World::new();
    let waiting: Vec<Reply> = (0..=LANE_FAILURES)
        .map(|_| attach_from(&world, "192.0.2.1", &json!({"imsi": PROVISIONING})))
        .collect();
    let statuses: Vec<u16> = waiting
        .iter()
        .map(|reply| world.respond(&reply.body, &json!({"res": "00".repeat(8)})).status)
        .collect();
    assert_eq!(statuses[LANE_FAILURES as usize..], [429]);
    assert!(statuses[..LANE_FAILURES as usize].iter().all(|status| *status == 403));
}

#[test]
fn many_strangers_lock_nobody_out_who_was_there_before() {
    let world = World::new();
    let mut card = Card::new();
    let mine = attach_from(&world, "2001:db8:1:1::1", &json!({"imsi": PROVISIONING}));
    let session = world.respond(&mine.body, &card.answer(&mine.body)).body;
    for stranger in 0..ALL_FAILURES / LANE_FAILURES {
        for _ in 0..LANE_FAILURES {
            assert_eq!(guess(&world, &format!("192.0.2.{stranger}"), PROVISIONING), 403);
        }
    }
    assert_eq!(guess(&world, "198.51.100.1", PROVISIONING), 429, "a stranger who comes late");
    // From its address of before (another of the same /64), and from anywhere by its GUTI.
    let known = attach_from(&world, "2001:db8:1:1::2", &json!({"imsi": PROVISIONING}));
    assert_eq!(known.status, 200);
    let by_guti = attach_from(&world, "198.51.100.2", &json!({"guti": session["guti"]}));
    assert_eq!(world.respond(&by_guti.body, &card.answer(&by_guti.body)).status, 200);
    // What a stranger has of the attach id, it cannot change.
    let id = known.body["attachId"].as_str().unwrap();
    let [tag, context, mac] = id.split('.').collect::<Vec<_>>()[..] else { panic!("{id}") };
    for forged in [
        format!("{tag}.{context}.{}", "0".repeat(32)),
        format!("{tag}.e30.{mac}"),
        format!("{tag}.{context}.{mac}.{mac}"),
        format!("{tag}.{context}"),
        "0".repeat(5000),
    ] {
        let reply = world.respond(&json!({"attachId": forged}), &json!({"res": "00".repeat(8)}));
        assert!(matches!(reply.status, 404 | 410), "{forged}: {}", reply.status);
    }
}

#[test]
fn a_record_that_is_written_again_knows_nothing_of_older_challenges() {
    let world = World::new();
    let mut card = Card::new();
    let challenge = world.attach(&json!({"imsi": PROVISIONING}));
    let answer = card.answer(&challenge);
    world.provision(PROVISIONING, &json!({"k": world::K, "opc": world::OPC, "class": "provisioning"}));
    assert_eq!(world.respond(&challenge, &answer).status, 410);
}
