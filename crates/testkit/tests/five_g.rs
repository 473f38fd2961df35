//! A subscriber whose identity is concealed, from end to end: fed to the SM-DP+, downloaded, concealed by
//! the chip, revealed by the network, authenticated by 5G AKA.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use aka::Output;
use apdu::Command;
use http::Method;
use lpa::{Options, Reply};
use serde_json::{Value, json};
use suci::Suci;
use testkit::World;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// K and OPc of TS 35.208 §4.3, test set 1.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";
const ICCID: &str = "8901410000000000012";
const IMSI: &str = "310410987654321";

/// The home network's public keys of 3GPP TS 33.501 §C.4.3 and §C.4.4.
const PROFILE_A: &str = "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650";
const PROFILE_B: &str = "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1";

/// A world in which the subscriber's profile is enabled.
fn switched(seed: u64, home_network_keys: &Value) -> World {
    let mut world = World::new(seed);
    world.upload(&json!({
        "metadata": { "serviceProviderName": "Hidden", "profileName": "Hidden", "profileClass": "operational" },
        "subscriber": {
            "iccid": ICCID, "imsi": IMSI, "mncLength": 3, "k": K, "opc": OPC,
            "homeNetworkKeys": home_network_keys, "routingIndicator": "678",
        },
    }));
    let contract =
        json!({ "apns": ["internet"], "defaultApn": "internet", "voice": true, "sms": true, "data": true });
    let record =
        json!({ "algorithm": "milenage", "k": K, "opc": OPC, "class": "operational", "contract": contract });
    world.subscribe(IMSI, &record);
    world.attach(None).unwrap();
    let order = world.order(ICCID, None);
    world.download(&order.code).unwrap();
    world.run(lpa::enable(ICCID.parse().unwrap(), Options::default()), |_| Reply::Accept).unwrap();
    world.refresh();
    assert_eq!(world.imsi().unwrap(), IMSI);
    world
}

/// GET IDENTITY (TS 31.102 §7.5): `A1 LL` and the mobile identity from its type on.
fn concealed(world: &mut World) -> Suci {
    let answer = world.apdu(Command::new(0x80, 0x78, 0x00, 0x01).le(256));
    assert!(answer.sw.is_success(), "{:?}", answer.sw);
    Suci::from_nas(&answer.data[2..]).unwrap()
}

/// RES* of the chip's answer to the network's challenge (TS 33.501 §6.1.3.2, §A.4).
fn answer(world: &mut World, challenge: &Value) -> Value {
    let field = |name: &str| vectors::bytes(challenge[name].as_str().unwrap());
    let rand: [u8; 16] = field("rand").try_into().unwrap();
    let data = [&[16][..], &rand, &[16], &field("autn")].concat();
    let answer = world.apdu(Command::new(0, 0x88, 0, 0x81).data(&data).le(256)).data;
    let mut rest = answer.strip_prefix(&[0xDB]).unwrap();
    let mut part = || {
        let (length, tail) = rest.split_first().unwrap();
        let (part, tail) = tail.split_at(usize::from(*length));
        rest = tail;
        Output::new(part)
    };
    let (res, ck, ik) = (part(), part(), part());
    let star = aka::res_star(&ck, &ik, challenge["servingNetwork"].as_str().unwrap(), &rand, &res);
    json!({ "resStar": hex::encode(star) })
}

fn attach(world: &mut World, suci: &str) -> (u16, Value) {
    let request = json!({ "suci": suci, "access": "5g" });
    let (status, challenge) = world.ask_network(Method::POST, "/network/attach", Some(&request));
    if status != 200 {
        return (status, challenge);
    }
    // TS 24.501 §9.12.1.
    assert_eq!(challenge["servingNetwork"], "5G:mnc410.mcc310.3gppnetwork.org");
    let proof = answer(world, &challenge);
    let path = format!("/network/attach/{}/response", challenge["attachId"].as_str().unwrap());
    world.ask_network(Method::POST, &path, Some(&proof))
}

#[test]
fn a_concealed_subscriber_attaches() {
    let key = |id: u8, profile: &str, key: &str| json!({ "id": id, "profile": profile, "key": key });
    let (a, b) = (key(27, "A", PROFILE_A), key(28, "B", PROFILE_B));
    for (keys, prefix) in [
        (json!([a]), "suci-0-310-410-678-1-27-"),
        (json!([b]), "suci-0-310-410-678-2-28-"),
        // The one that is most wanted is taken.
        (json!([b, a]), "suci-0-310-410-678-2-28-"),
    ] {
        let mut world = switched(61, &keys);
        let first = concealed(&mut world).to_string();
        let second = concealed(&mut world).to_string();
        assert!(first.starts_with(prefix), "{first}");
        assert!(!first.contains("987654321"), "{first}");
        assert_ne!(first, second, "every SUCI has a one-time key of its own");
        let (status, session) = attach(&mut world, &first);
        assert_eq!(status, 200, "{session}");
        assert_eq!(session["imsi"], IMSI);
        assert_eq!(session["services"]["data"]["verdict"], "permitted");
        // Whatever of it is changed, nobody is found by it (5GMM 3, illegal UE).
        let mut forged = second.into_bytes();
        let last = forged.last_mut().unwrap();
        *last = if *last == b'0' { b'1' } else { b'0' };
        let (status, problem) = attach(&mut world, core::str::from_utf8(&forged).unwrap());
        assert_eq!((status, &problem["cause"]["number"]), (403, &json!(3)), "{problem}");
    }
}

#[test]
fn a_key_that_the_network_has_not_reveals_nobody() {
    let keys = json!([{ "id": 29, "profile": "A", "key": PROFILE_A }]);
    let mut world = switched(62, &keys);
    let suci = concealed(&mut world).to_string();
    assert!(suci.starts_with("suci-0-310-410-678-1-29-"), "{suci}");
    let (status, problem) = attach(&mut world, &suci);
    assert_eq!((status, &problem["cause"]["number"]), (403, &json!(3)), "{problem}");
}

#[test]
fn without_keys_the_usim_computes_nothing() {
    let mut world = switched(63, &json!([]));
    // TS 31.102 §7.5.1: service 125 is not there, so the terminal conceals, here by the null scheme.
    assert_eq!(world.apdu(Command::new(0x80, 0x78, 0x00, 0x01).le(256)).sw.to_string(), "6985");
    let null = Suci::of_imsi(IMSI, 3, "678", suci::Scheme::Null, 0, &[], [0; 32]).unwrap();
    let (status, session) = attach(&mut world, &null.to_string());
    assert_eq!((status, &session["imsi"]), (200, &json!(IMSI)), "{session}");
}
