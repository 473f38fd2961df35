//! Published templates become subscribers' profiles and are downloaded; and what the
//! SM-DP+ can know before: the memory they take, the services they need.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lpa::{Options, Outcome, Reply};
use saip::build::{Authentication, Codes, Ims, OtaKeys, Subscriber};
use saip::personalise::{Field, personalise, places};
use saip::{Package, Secret, Service, issue, missing_capabilities};
use serde_json::json;
use testkit::World;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Those that our chip can install: the first generation insists on Java Card.
const PROFILES: [&str; 5] = [
    "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der",
    "data/ts48/TS48v5_SAIP2.3_BERTLV_SUCI.der",
    "data/ts48/TS48v5_SAIP2.3_NoBERTLV.der",
    "data/ts48/TS48v5_SAIP2.1A_NoBERTLV.der",
    "data/ts48/TS48v3_SAIP2.1_NoBERTLV.der",
];

/// K and OPc of TS 35.208 §4.3, test set 1.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

fn subscriber() -> Subscriber {
    let imsi = "001010987654321".parse().unwrap();
    let code = |digits: &str| Some(Secret::new(digits.as_bytes()));
    let key = |byte| Secret::new([byte; 16]);
    Subscriber {
        ims: Ims::of_imsi(&imsi, 2),
        codes: Codes {
            pin1: code("2468"),
            puk1: code("13572468"),
            pin2: code("1357"),
            puk2: code("24681357"),
            adm1: code("77777777"),
        },
        msisdn: Some("+491711234567".to_owned()),
        spn: "Fresh Mobile".to_owned(),
        service_centre: Some("+49171076000".to_owned()),
        ota: Some(OtaKeys { version: 2, kic: key(1), kid: key(2), kik: key(3) }),
        ..Subscriber::new(
            "8901410000000000012".parse().unwrap(),
            imsi,
            2,
            Authentication::Milenage {
                k: Secret::new(vectors::bytes(K)),
                opc: Secret::new(vectors::bytes(OPC)),
            },
        )
    }
}

fn upload(world: &World, package: &[u8]) {
    world.upload(&json!({
        "metadata": { "serviceProviderName": "Fresh Mobile", "profileName": "Fresh", "profileClass": "operational" },
        "package": STANDARD.encode(package),
    }));
}

#[test]
fn a_personalised_test_profile_installs_and_authenticates() {
    for name in PROFILES {
        let Some(template) = vectors::read(name) else { return };
        let subscriber = subscriber();
        let fields: BTreeSet<Field> =
            places(&template).unwrap().into_iter().filter(|field| field.is_given(&subscriber)).collect();
        let package = personalise(&template, &fields, &subscriber).unwrap();
        assert!(issue::validate(&package).is_valid(), "{name}");
        let mut world = World::new(31);
        upload(&world, &package);
        let contract = json!({ "apns": ["internet"], "defaultApn": "internet", "voice": true, "sms": true, "data": true });
        let record = json!({ "algorithm": "milenage", "k": K, "opc": OPC, "class": "operational", "contract": contract });
        world.subscribe(subscriber.imsi.as_str(), &record);
        world.attach(None).unwrap();
        let order = world.order("8901410000000000012", None);
        world.download(&order.code).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let iccid = order.iccid.parse().unwrap();
        world.run(lpa::enable(iccid, Options::default()), |_| Reply::Accept).unwrap();
        world.refresh();
        assert_eq!(world.imsi().unwrap(), "001010987654321", "{name}");
        // The network's own AKA, then once more with the bare functions.
        let attached = world.attach(None).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(attached.decision["services"]["data"]["verdict"], "permitted");
        let array = |text: &str| vectors::bytes(text).try_into().unwrap();
        let parameters = aka::Parameters::milenage(array(K), array(OPC));
        let sqn = aka::Sqn::from_bytes([0, 0, 0, 0, 0xFF, 0xE0]);
        let vector = aka::vector(&parameters, sqn, [0x80, 0x00], [0x23; 16]);
        let challenge = json!({ "rand": hex::encode(vector.rand), "autn": hex::encode(vector.autn) });
        let answer = world.authenticate(&challenge);
        assert!(vector.accepts(&vectors::bytes(answer["res"].as_str().unwrap())), "{name}: {answer}");
        // SPN and ICCID as the terminal reads them.
        let spn = world.read_file(&[0x7F, 0xFF, 0x6F, 0x46]).unwrap();
        assert!(spn[1..].starts_with(b"Fresh Mobile\xFF"), "{name}");
        assert_eq!(world.read_file(&[0x2F, 0xE2]).unwrap(), subscriber.iccid.as_bytes(), "{name}");
    }
}

/// The estimate is not less than our chip takes, and not much more.
#[test]
fn memory_is_estimated() {
    let subscriber = subscriber();
    let mut packages: Vec<(&str, Vec<u8>)> =
        PROFILES.iter().filter_map(|name| Some((*name, vectors::read(name)?))).collect();
    packages.push(("built", saip::build::package(&subscriber).unwrap().to_vec()));
    let plain = Subscriber { ims: None, ota: None, codes: Codes::default(), ..subscriber };
    packages.push(("plain", saip::build::package(&plain).unwrap().to_vec()));
    for (name, package) in packages {
        let read = Package::decode(&package).unwrap();
        let mut world = World::new(32);
        upload(&world, &package);
        world.attach(None).unwrap();
        let order = world.order(&read.iccid().unwrap().to_string(), None);
        let before = world.free_memory();
        world.download(&order.code).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let taken = before - world.free_memory();
        let required = issue::required_memory(&read) as usize;
        println!("{name}: {} bytes, {taken} taken, {required} estimated", package.len());
        assert!((taken..=taken + taken / 4).contains(&required), "{name}: {required} for {taken}");
    }
}

/// What the chip says of itself tells beforehand what it will refuse.
#[test]
fn services_that_the_chip_has_not_are_known_before() {
    let mut world = World::new(33);
    let outcome = world.run(lpa::chip_info(Options::default()), |_| Reply::Accept).unwrap();
    let Outcome::Chip(chip) = outcome else { panic!("{outcome:?}") };
    let capability = chip.info.unwrap().uicc_capability;
    let missing = |name: &str| {
        let package = Package::decode(&vectors::read(name)?).unwrap();
        Some(missing_capabilities(package.header().unwrap().services, capability))
    };
    for name in PROFILES {
        assert!(missing(name).is_none_or(|missing| missing.is_empty()), "{name}");
    }
    // The first generation names Java Card among its mandatory services.
    let Some(missing) = missing("data/ts48/TS48v1_A.der") else { return };
    assert!(missing.contains(&Service::JavaCard), "{missing:?}");
}
