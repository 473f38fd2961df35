//! Which eUICCs and devices can take a profile.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use edge_smdp::profile::{PackageFacts, Profile, Requirements};
use edge_smdp::store::{Change, Store};
use rsp::Version;
use rsp_crypto::ready;
use serde_json::{Value, json};

/// A released order whose profile was changed; its matching id.
fn released(world: &World, change: impl FnOnce(&mut Profile)) -> String {
    world.add_profile(ICCID);
    let stored = ready(world.smdp.store().profile(&ICCID.parse().unwrap())).unwrap().unwrap();
    let mut profile = stored.profile;
    change(&mut profile);
    assert!(ready(world.smdp.store().replace(stored.version, &Change::of(profile))).unwrap());
    world.release(ICCID, json!({}))
}

/// The code, and the words of the time line.
fn code(world: &World, euicc: &Euicc, matching_id: &str) -> (String, String) {
    let code = euicc.authenticate(world, Some(matching_id)).err().unwrap_or_default();
    let detail = world.operator(&format!("orders/{ICCID}"));
    let last = detail["events"].as_array().unwrap().last().unwrap();
    let words = last["detail"].as_str().unwrap_or_default().to_owned();
    if !code.is_empty() {
        assert_eq!(last["event"], "refused");
        assert_eq!(detail["state"], "Released");
        assert_eq!(detail["downloadAttempts"], 0, "not an attempt");
    }
    (code, words)
}

fn with(requirements: &Value, device: impl Fn(&mut Euicc)) -> String {
    let requirements: Requirements = serde_json::from_value(requirements.clone()).unwrap();
    requirements.check().unwrap();
    let world = World::new();
    let matching_id = released(&world, |profile| profile.requirements = requirements);
    let mut euicc = world.euicc();
    device(&mut euicc);
    code(&world, &euicc, &matching_id).0
}

#[test]
fn the_device_must_be_of_a_type_that_is_listed() {
    let tac = |tacs: Value, tac: [u8; 4]| with(&json!({ "tacs": tacs }), |euicc| euicc.device.tac = tac);
    // As IMEI 356938035643809 stands in DeviceInfo since SGP.22 v2.1, and before.
    for coded in [[0x53, 0x96, 0x83, 0x30], [0x35, 0x69, 0x38, 0x03]] {
        assert_eq!(tac(json!([]), coded), "");
        assert_eq!(tac(json!(["35693803"]), coded), "");
        assert_eq!(tac(json!(["01", "3569"]), coded), "");
        assert_eq!(tac(json!(["35693804", "86"]), coded), "8.2.5/4.3");
    }
}

#[test]
fn the_device_must_be_capable_of_a_release() {
    let capability = |name: &str, release: u8, at: usize, has: Option<u8>| {
        with(&json!({ "deviceCapabilities": { name: release } }), |euicc| {
            euicc.device.capabilities[at] = has.map(|release| Version([release, 0, 0]));
        })
    };
    // In the order of DeviceCapabilities of SGP.22 §4.2.
    for (at, name) in Requirements::CAPABILITIES.iter().enumerate() {
        assert_eq!(capability(name, 8, at, Some(8)), "", "{name}");
        assert_eq!(capability(name, 8, at, Some(15)), "", "{name}");
        assert_eq!(capability(name, 8, at, Some(7)), "8.2.5/4.3", "{name}");
        assert_eq!(capability(name, 8, at, None), "8.2.5/4.3", "{name}");
        assert_eq!(capability(name, 8, (at + 1) % 11, Some(8)), "8.2.5/4.3", "{name}");
    }
}

#[test]
fn the_euicc_must_be_of_a_version() {
    // 2.2.2, format 2.3.1
    let wanted = |name: &str, version: &str| with(&json!({ name: version }), |_| {});
    for version in ["1.9.9", "2.2.2", "2.1.200", "2.2.1"] {
        assert_eq!(wanted("leastSvn", version), "", "{version}");
    }
    for version in ["2.2.3", "2.3.0", "3.0.0"] {
        assert_eq!(wanted("leastSvn", version), "8.2.5/4.3", "{version}");
    }
    assert_eq!(wanted("leastProfileVersion", "2.3.1"), "");
    assert_eq!(wanted("leastProfileVersion", "2.3.2"), "8.2.5/4.3");
}

#[test]
fn the_euicc_must_be_able_to_read_the_package() {
    for (major, minor, expected) in [(2, 3, ""), (2, 9, ""), (1, 0, ""), (3, 0, "8.2.5/4.3")] {
        let world = World::new();
        let matching_id = released(&world, |profile| {
            profile.package = PackageFacts { major, minor, ..profile.package };
        });
        assert_eq!(code(&world, &world.euicc(), &matching_id).0, expected, "{major}.{minor}");
    }
    let world = World::new();
    // usimSupport, akaTuak128.
    let needed = 1 << 30 | 1 << 25;
    let matching_id = released(&world, |profile| profile.package.capabilities = needed);
    let mut euicc = world.euicc();
    euicc.info2.uicc_capability = needed & !(1 << 25);
    let (code_there, words) = code(&world, &euicc, &matching_id);
    assert_eq!(code_there, "8.2.5/4.3");
    assert!(words.ends_with("the eUICC is not capable of tuak128"), "{words}");
    euicc.info2.uicc_capability = needed;
    assert_eq!(code(&world, &euicc, &matching_id).0, "");
}

#[test]
fn the_euicc_must_have_room() {
    for (memory, free, expected) in [
        (Some(20_000), 19_999, "8.1/4.8"),
        (Some(20_000), 20_000, ""),
        (None, 100, "8.1/4.8"),
        (None, 20_000, ""),
    ] {
        let world = World::new();
        let matching_id = released(&world, |profile| profile.package.memory = memory);
        let mut euicc = world.euicc();
        euicc.info2.ext_card_resource.free_non_volatile_memory = free;
        let (code, words) = code(&world, &euicc, &matching_id);
        assert_eq!(code, expected);
        assert_eq!(!code.is_empty(), words.contains(&format!("{free} are free")));
    }
}

#[test]
fn requirements_that_cannot_be_are_refused() {
    for wrong in [
        json!({ "tacs": ["1"] }),
        json!({ "tacs": ["123456789"] }),
        json!({ "tacs": ["3569380A"] }),
        json!({ "tacs": vec!["35"; 1001] }),
        json!({ "deviceCapabilities": { "lte": 8 } }),
    ] {
        let requirements: Requirements = serde_json::from_value(wrong.clone()).unwrap();
        assert!(requirements.check().is_err(), "{wrong}");
    }
    for wrong in [
        json!({ "deviceCapabilities": { "gsm": 256 } }),
        json!({ "leastSvn": "2.2" }),
        json!({ "leastSVN": "2.2.2" }),
    ] {
        assert!(serde_json::from_value::<Requirements>(wrong.clone()).is_err(), "{wrong}");
    }
    let all = json!({ "tacs": ["35"], "deviceCapabilities": { "eutran": 8 }, "leastSvn": "2.2.0",
        "leastProfileVersion": "2.3.1" });
    let requirements: Requirements = serde_json::from_value(all.clone()).unwrap();
    assert_eq!(serde_json::to_value(requirements).unwrap(), all);
    assert_eq!(serde_json::to_value(Requirements::default()).unwrap(), json!({}));
}
