//! Subscriber in, profile out: types, batches in JSON and CSV, what is refused row by
//! row, and what an eUICC then gets.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::*;
use edge_smdp::{Chance, Configuration, Fault, Limits, Protection, Server, SmDp};
use http::Request;
use rsp_crypto::{Software, ready};
use saip::{AlgoConfiguration, AlgorithmId, Package, TemplateKind};
use serde_json::{Value, json};

/// K of the test USIM (3GPP TS 34.108 §8.1.2).
const TEST_K: &str = "000102030405060708090a0b0c0d0e0f";
/// TS 35.208 §4.3.1, test set 1: K, OP, OPc.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OP: &str = "cdc202d5123e20f62b6d676ac72cb318";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

/// What the operator does beside what the other tests need.
trait Operator: Sized {
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value);
    fn detail(&self, iccid: &str) -> Value;
    /// The same memory under another `SMDP_SECRET`.
    fn restarted(self, secret: &str) -> Self {
        self.configured(secret, "")
    }
    /// The same with these transport keys.
    fn transporting(self, keys: &str) -> Self {
        self.configured("000102030405060708090a0b0c0d0e0f", keys)
    }
    fn configured(self, secret: &str, transport_keys: &str) -> Self;
    fn older_keys(&self) -> u64;
    fn metric(&self, name: &str) -> u64;
}

impl Operator for World {
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let response = self.request(method, path, Some(TOKEN), body.to_string().as_bytes());
        let answer = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), answer)
    }

    fn detail(&self, iccid: &str) -> Value {
        self.operator(&format!("orders/{iccid}"))
    }

    fn configured(self, secret: &str, transport_keys: &str) -> Self {
        let credentials = json!({ "sets": [credential_set(&self.pki)] }).to_string();
        let configuration = Configuration {
            credentials: &credentials,
            secret,
            transport_keys,
            operator_token: Some(TOKEN),
            addresses: "smdp.example",
            protection: Protection::ProfileProtectionKeys,
            ..Configuration::default()
        };
        let server = ready(Server::new(Software::new(rng(5)), &configuration)).unwrap();
        let clock = Rc::clone(&self.clock);
        let store = self.smdp.into_store();
        let smdp = SmDp::new(Rc::new(server), store, clock, RefCell::new(rng(6)))
            .with_courier(Rc::clone(&self.post));
        Self { smdp, ..self }
    }

    fn older_keys(&self) -> u64 {
        self.metric("smdp_packages_under_older_keys")
    }

    fn metric(&self, name: &str) -> u64 {
        let text = self.request("GET", "/operator/metrics", Some(TOKEN), b"").into_body();
        let text = String::from_utf8(text).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    }
}

fn subscriber(number: u32) -> Value {
    json!({
        "iccid": format!("8900101000{number:09}"), "imsi": format!("00101{number:010}"),
        "k": K, "opc": OPC, "spn": "Aurora", "msisdn": "+999100000001",
    })
}

fn with(mut value: Value, name: &str, to: Value) -> Value {
    value[name] = to;
    value
}

fn batch(world: &World, profile_type: &str, subscribers: &[Value]) -> Value {
    let body = json!({ "profileType": profile_type, "subscribers": subscribers });
    let (status, answer) = world.ask("POST", "/operator/subscribers", &body);
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The package that an eUICC gets of a profile.
fn delivered(world: &World, iccid: &str) -> Package {
    let matching_id = world.release(iccid, json!({}));
    let (_, elements) = world.euicc().download(world, Some(&matching_id), None).unwrap();
    Package::decode(&elements).unwrap()
}

fn milenage(package: &Package) -> (Vec<u8>, Vec<u8>) {
    let AlgoConfiguration::Algorithm(parameter) = &package.aka().next().unwrap().configuration else {
        panic!("an algorithm of its own");
    };
    assert_eq!(parameter.algorithm, AlgorithmId::Milenage);
    (parameter.key.expose_secret().to_vec(), parameter.opc.expose_secret().to_vec())
}

#[test]
fn a_batch_makes_a_profile_of_every_sound_row() {
    let world = World::new();
    let rows = [
        subscriber(1),
        with(subscriber(2), "k", json!("46")),
        with(subscriber(3), "imsi", json!("12345")),
        with(subscriber(4), "opc", json!(null)),
        json!({ "iccid": "8900101000000000005" }),
        with(subscriber(6), "shoeSize", json!(43)),
        with(with(subscriber(7), "opc", json!(null)), "op", json!(OP)),
        with(subscriber(8), "op", json!(OP)),
        with(subscriber(9), "operatorPlmns", json!(["00101", "1"])),
    ];
    let report = batch(&world, "operational", &rows);
    assert_eq!((&report["created"], &report["failed"]), (&json!(2), &json!(7)));
    let results = report["results"].as_array().unwrap();
    let failed = |row: usize| results[row - 1]["detail"].as_str().unwrap().to_owned();
    for (row, because) in
        [(2, "K"), (3, "imsi"), (4, "opc"), (5, "element"), (6, "element"), (8, "op"), (9, "operatorPlmns")]
    {
        assert!(failed(row).contains(because), "{row}: {}", failed(row));
        assert!(!failed(row).contains(K) && !failed(row).contains(OPC), "{row}");
    }
    // OP became OPc.
    assert_eq!(results[6]["status"], "created");
    let iccid = results[6]["iccid"].as_str().unwrap();
    let package = delivered(&world, iccid);
    assert_eq!(milenage(&package), (hex::decode(K).unwrap(), hex::decode(OPC).unwrap()));

    // Again: what nobody ordered is replaced, what was ordered stays.
    let again = batch(&world, "operational", &[subscriber(1), subscriber(7)]);
    assert_eq!((&again["replaced"], &again["failed"]), (&json!(1), &json!(1)));
    assert!(again["results"][1]["detail"].as_str().unwrap().contains("ordered"));
}

#[test]
fn a_csv_file_is_a_batch() {
    let world = World::new();
    let file = format!(
        "iccid,imsi,k,op,spn,pin1,puk1,forbiddenPlmns,algorithm\n\
         8900101000000000015,001010000000015,{K},{OP},\"Aurora, abroad\",1234,12345678,26201 310410,milenage\n\
         8900101000000000016,001010000000016,{K},,,,,,\n"
    );
    let send = |path: &str, body: &str| {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "text/csv; charset=utf-8");
        let response = ready(world.smdp.handle(request.body(body.as_bytes().to_vec()).unwrap()));
        (response.status().as_u16(), serde_json::from_slice::<Value>(response.body()).unwrap())
    };
    let (status, report) = send("/operator/subscribers?profileType=operational", &file);
    assert_eq!(status, 200, "{report}");
    assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(1)), "{report}");
    let package = delivered(&world, "8900101000000000015");
    assert_eq!(package.imsi().unwrap().as_str(), "001010000000015");
    let fplmn = package.file(TemplateKind::Usim, 19).unwrap().unwrap();
    assert_eq!(fplmn[..6], [0x62, 0xF2, 0x10, 0x13, 0x00, 0x14]);
    let listed = world.operator("profiles");
    assert_eq!(listed["profiles"][0]["serviceProviderName"], "Aurora, abroad");
    assert_eq!(listed["profiles"][0]["profileType"], "operational");

    assert_eq!(send("/operator/subscribers", &file).0, 400);
    assert_eq!(send("/operator/subscribers?profileType=none", &file).0, 400);
    assert_eq!(send("/operator/subscribers?profileType=operational", "a,b\n").0, 400);
    let many = format!("iccid,imsi,k\n{}", "1,2,3\n".repeat(501));
    assert_eq!(send("/operator/subscribers?profileType=operational", &many).0, 400);
}

#[test]
fn every_type_of_the_server_s_own_makes_its_class() {
    let world = World::new();
    for (number, name, class) in
        [(21, "operational", "operational"), (22, "provisioning", "provisioning"), (23, "test", "test")]
    {
        let one =
            if name == "test" { with(subscriber(number), "k", json!(TEST_K)) } else { subscriber(number) };
        let report = batch(&world, name, &[one]);
        assert_eq!(report["created"], 1, "{report}");
        let iccid = report["results"][0]["iccid"].as_str().unwrap();
        assert_eq!(world.detail(iccid)["profileClass"], class);
        assert_eq!(world.detail(iccid)["profileName"], name);
    }
}

/// SGP.22 §5.5.5: an eUICC installs no test profile whose key is anybody's own.
#[test]
fn a_test_profile_has_a_key_that_everybody_knows() {
    let world = World::new();
    let own = |number, k: &str| with(subscriber(number), "k", json!(k));
    let metadata = |class: &str| json!({ "serviceProviderName": "Aurora", "profileName": "Trial", "profileClass": class });
    let before = world.smdp.store().snapshot();

    // In each of the ways by which a package comes.
    let package = b64(&package("8900101000000000411"));
    let uploaded = |class: &str| world.add(&json!({ "metadata": metadata(class), "package": package }));
    let made = |k: &str| world.add(&json!({ "metadata": metadata("test"), "subscriber": own(42, k) }));
    let almost = "000102030405060708090a0b0c0d0e0e";
    for (status, answer) in [uploaded("test"), made(K), made(almost), made(&"01".repeat(16))] {
        assert_eq!(status, 400, "{answer}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains("metadata.profileClass") && detail.contains("a key of its own"), "{answer}");
    }
    let report = batch(&world, "test", &[own(43, K), own(44, almost)]);
    assert_eq!((&report["created"], &report["failed"]), (&json!(0), &json!(2)), "{report}");
    assert!(report["results"][0]["detail"].as_str().unwrap().contains("a key of its own"), "{report}");
    assert_eq!(world.smdp.store().snapshot(), before, "nothing of what was refused is kept");

    // The two that there are; and what is no test profile has what key it likes.
    for k in [TEST_K, &"00".repeat(16)] {
        let (status, answer) = made(k);
        assert!(matches!(status, 200 | 201), "{answer}");
        assert_eq!(answer["profileClass"], "test");
    }
    for class in ["provisioning", "operational"] {
        assert!(matches!(uploaded(class).0, 200 | 201), "{class}");
    }
}

#[test]
fn an_uploaded_template_is_personalised() {
    let name = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
    let Some(template) = vectors::read(name) else { return };
    let world = World::new();
    let profile_type = json!({
        "name": "TS.48 of ours", "description": "GSMA's generic test profile with other keys",
        "package": b64(&template), "personalised": ["iccid", "imsi", "authentication", "spn"],
        "metadata": { "serviceProviderName": "Aurora", "profileName": "Everyday", "profileClass": "operational" },
    });
    let path = "/operator/profile-types/TS.48%20of%20ours";
    let (status, answer) = world.ask("PUT", path, &profile_type);
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["packageLength"], template.len());
    assert!(answer.get("package").is_none());
    assert_eq!(world.ask("PUT", path, &profile_type).0, 200);
    let listed = world.operator("profile-types");
    let names: Vec<_> =
        listed["profileTypes"].as_array().unwrap().iter().map(|t| t["name"].clone()).collect();
    assert_eq!(names, ["operational", "provisioning", "test", "TS.48 of ours"]);

    let report = batch(&world, "TS.48 of ours", &[subscriber(31), with(subscriber(32), "spn", json!(null))]);
    assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(1)), "{report}");
    assert!(report["results"][1]["detail"].as_str().unwrap().contains("spn"));
    let package = delivered(&world, report["results"][0]["iccid"].as_str().unwrap());
    assert_eq!(package.imsi().unwrap().as_str(), "001010000000031");
    assert_eq!(milenage(&package), (hex::decode(K).unwrap(), hex::decode(OPC).unwrap()));
    let before = Package::decode(&template).unwrap();
    assert_eq!(package.elements.len(), before.elements.len());

    // What can't be a type.
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut body = profile_type.clone();
        change(&mut body);
        let (status, answer) = world.ask("PUT", path, &body);
        assert_eq!(status, 400, "{answer}");
        answer["detail"].as_str().unwrap().to_owned()
    };
    assert!(refused(&|t| t["personalised"] = json!(["iccid", "imsi"])).contains("authentication"));
    assert!(
        refused(&|t| t["personalised"].as_array_mut().unwrap().push(json!("shoeSize"))).contains("element")
    );
    let plain = common::package(ICCID);
    assert!(
        refused(&|t| {
            t["package"] = b64(&plain);
            t["personalised"].as_array_mut().unwrap().push(json!("imsIdentities"));
        })
        .contains("no place for imsIdentities")
    );
    assert!(refused(&|t| t["package"] = b64(&template[..1000])).contains("package"));
    assert!(refused(&|t| t["package"] = json!(null)).contains("package"));
    assert!(refused(&|t| t["name"] = json!("another")).contains("name"));
    assert_eq!(
        world
            .ask("PUT", "/operator/profile-types/test", &with(profile_type.clone(), "name", json!("test")))
            .0,
        409
    );
    assert_eq!(world.ask("DELETE", "/operator/profile-types/test", &json!(null)).0, 409);
    assert_eq!(world.ask("DELETE", path, &json!(null)).0, 204);
    assert_eq!(world.ask("DELETE", path, &json!(null)).0, 404);
    assert_eq!(batch_status(&world, "TS.48 of ours"), 400);

    // Without the secret that it is sealed under it is still shown, to be put again.
    assert_eq!(world.ask("PUT", path, &profile_type).0, 201);
    let world = world.restarted(&"44".repeat(32));
    assert_eq!(world.ask("GET", path, &json!(null)).0, 200);
    assert_eq!(world.ask("PUT", path, &profile_type).0, 200);
    assert_eq!(batch(&world, "TS.48 of ours", &[subscriber(33)])["created"], 1);
}

fn batch_status(world: &World, profile_type: &str) -> u16 {
    let body = json!({ "profileType": profile_type, "subscribers": [subscriber(40)] });
    world.ask("POST", "/operator/subscribers", &body).0
}

#[test]
fn orders_of_the_console_go_the_way_of_es2() {
    let world = World::new();
    batch(&world, "operational", &[subscriber(51), subscriber(52), subscriber(53)]);
    let order = |orders: Value| {
        let (status, answer) = world.ask("POST", "/operator/orders", &json!({ "orders": orders }));
        assert_eq!(status, 200, "{answer}");
        answer["results"].as_array().unwrap().clone()
    };
    let results = order(json!([
        { "profileType": "operational" },
        { "profileType": "operational", "eid": EID, "matchingId": "" },
        { "profileType": "operational", "confirmationCode": "1234", "release": false },
        { "profileType": "operational" },
        { "profileType": "none" },
        {},
    ]));
    assert_eq!((&results[0]["state"], &results[2]["state"]), (&json!("Released"), &json!("Confirmed")));
    assert!(results[0]["activationCode"].as_str().unwrap().starts_with("LPA:1$smdp.example$"));
    assert!(results[2]["activationCode"].as_str().unwrap().ends_with("$$1"));
    assert_eq!(results[1]["matchingId"], "");
    let refused = |at: usize| {
        let code = &results[at]["refused"];
        format!("{}/{}", code["subjectCode"].as_str().unwrap(), code["reasonCode"].as_str().unwrap())
    };
    assert_eq!(
        (refused(3), refused(4), refused(5)),
        ("8.2.5/3.7".into(), "8.2.5/3.9".into(), "1.3.1/2.2".into())
    );
    // The one for an eUICC is found without a code.
    world.euicc().download(&world, None, None).unwrap();

    // Released, then revoked.
    let iccid = results[2]["iccid"].as_str().unwrap();
    let (status, answer) = world.ask("POST", &format!("/operator/orders/{iccid}/release"), &json!({}));
    assert_eq!((status, &answer["state"]), (200, &json!("Released")));
    let cancel = json!({ "finalProfileStatusIndicator": "Available" });
    let (status, answer) = world.ask("POST", &format!("/operator/orders/{iccid}/cancel"), &cancel);
    assert_eq!((status, &answer["state"]), (200, &json!("Available")));
    let (status, answer) = world.ask("POST", &format!("/operator/orders/{iccid}/cancel"), &cancel);
    assert_eq!((status, &answer["refused"]["reasonCode"]), (409, &json!("3.5")));
    assert_eq!(world.ask("POST", "/operator/orders/8900101000000099999/cancel", &cancel).0, 404);

    // What can't be confirmed is not kept.
    let taken = results[0]["matchingId"].clone();
    let again = order(json!([{ "iccid": iccid, "matchingId": taken }]));
    assert_eq!(again[0]["refused"]["subjectCode"], "8.2.6");
    assert_eq!(world.state(iccid), "Available");

    // Forgotten, once nobody has it.
    let path = format!("/operator/profiles/{iccid}");
    assert_eq!(
        world
            .ask(
                "DELETE",
                &format!("/operator/profiles/{}", results[0]["iccid"].as_str().unwrap()),
                &json!(null)
            )
            .0,
        409
    );
    assert_eq!(world.ask("DELETE", &path, &json!(null)).0, 204);
    assert_eq!(world.ask("DELETE", &path, &json!(null)).0, 404);
}

/// All entries of a list, page by page.
fn walk(world: &World, list: &str) -> Vec<Value> {
    let (mut seen, mut path) = (Vec::new(), format!("{list}?limit=7"));
    loop {
        let page = world.operator(&path);
        let entries = page[list].as_array().unwrap();
        assert!(entries.len() <= 7);
        seen.extend(entries.iter().cloned());
        let Some(next) = page["next"].as_str() else { return seen };
        path = format!("{list}?limit=7&cursor={next}");
    }
}

/// A page ends and begins by what stands in the index, whatever the digits of its numbers: a batch has
/// changed in the same second.
#[test]
fn pages_lose_nothing_and_repeat_nothing() {
    let world = World::new();
    let all: Vec<Value> = (1..=60_u64).map(|i| subscriber((i * 987_654_321 % 999_999_937) as u32)).collect();
    batch(&world, "operational", &all);
    let mut wanted: Vec<&str> = all.iter().map(|one| one["iccid"].as_str().unwrap()).collect();
    wanted.sort_unstable();
    wanted.reverse();
    for list in ["profiles", "events"] {
        let seen = walk(&world, list);
        let iccids: Vec<&str> = seen.iter().map(|one| one["iccid"].as_str().unwrap()).collect();
        assert_eq!(iccids, wanted, "{list}");
    }
}

#[test]
fn lists_come_in_pages() {
    let world = World::new();
    let all: Vec<Value> = (100..150).map(subscriber).collect();
    batch(&world, "operational", &all[..25]);
    world.clock.set(NOW + 5);
    let rest: Vec<Value> = all[25..].iter().map(|one| with(one.clone(), "k", json!(TEST_K))).collect();
    batch(&world, "test", &rest);
    let mut seen = Vec::new();
    let mut path = "profiles?limit=7".to_owned();
    loop {
        let page = world.operator(&path);
        let lines = page["profiles"].as_array().unwrap();
        assert!(lines.len() <= 7);
        seen.extend(lines.iter().map(|line| line["iccid"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("profiles?limit=7&cursor={next}");
    }
    assert_eq!(seen.len(), 50);
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 50, "each once");
    assert!(seen[..25].iter().all(|iccid| iccid.as_str() >= "8900101000000000125"), "the latest first");

    let count = |path: &str| world.operator(path)["profiles"].as_array().unwrap().len();
    assert_eq!(count("profiles?profileType=test&limit=200"), 25);
    assert_eq!(count("profiles?state=Released"), 0);
    assert_eq!(count("profiles?search=890010100000000012"), 10);
    world.clock.set(NOW + 6);
    let matching_id = world.release(&seen[3], json!({}));
    assert_eq!(count(&format!("profiles?search={matching_id}")), 1);
    let found = world.operator(&format!("profiles?search={matching_id}&limit=1"));
    assert_eq!(found["profiles"].as_array().unwrap().len(), 1);
    assert!(found.get("next").is_none(), "{found}");
    assert_eq!(count("profiles?search=NOBODY-HAS-IT"), 0);
    for (more, found) in [
        ("state=Released", 1),
        ("state=Available", 0),
        ("profileType=test", 1),
        ("profileType=operational", 0),
        ("profileType=test&state=Released", 1),
        ("profileType=test&state=Error", 0),
        (&format!("eid={EID}"), 0),
        ("cursor=1.8900101000000000016", 0),
    ] {
        assert_eq!(count(&format!("profiles?search={matching_id}&{more}")), found, "{more}");
    }
    for bad in ["state=Nowhere", "cursor=x", "eid=1"] {
        let path = format!("/operator/profiles?search={matching_id}&{bad}");
        assert_eq!(world.request("GET", &path, Some(TOKEN), b"").status().as_u16(), 400, "{bad}");
    }
    assert_eq!(count("profiles?state=Released"), 1);
    for bad in ["limit=0", "limit=201", "limit=x", "state=Nowhere", "cursor=x", "cursor=1", "eid=1"] {
        let response = world.request("GET", &format!("/operator/profiles?{bad}"), Some(TOKEN), b"");
        assert_eq!(response.status().as_u16(), 400, "{bad}");
    }

    let events = world.operator("events?limit=200");
    assert_eq!(events["events"].as_array().unwrap().len(), 53);
    assert_eq!(events["events"][0]["event"], "released");
    let of_one = world.operator(&format!("events?iccid={}&event=added", seen[3]));
    assert_eq!(of_one["events"].as_array().unwrap().len(), 1);
    let next = world.operator("events?limit=50")["next"].as_str().unwrap().to_owned();
    assert_eq!(
        world.operator(&format!("events?limit=50&cursor={next}"))["events"].as_array().unwrap().len(),
        3
    );
}

/// RFC 3394 §4.1 gives the key and what AES key wrap makes of a known value of 16
/// bytes; RFC 5649 §6 likewise of 7 bytes.
#[test]
fn keys_come_wrapped() {
    let kek = "000102030405060708090A0B0C0D0E0F";
    let wrapped = "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5";
    let padded_kek = "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8";
    let padded = "afbeb0f07dfbf5419200f2ccb50bb24f";
    let world = World::new().transporting(&format!("hsm-1:{kek},hsm-2:{padded_kek}"));
    let mut one = with(with(subscriber(81), "k", json!(wrapped)), "opc", json!(wrapped));
    one["transportKey"] = json!("hsm-1");
    let unknown =
        with(with(one.clone(), "transportKey", json!("hsm-3")), "iccid", json!("8900101000000000082"));
    let other =
        with(with(one.clone(), "transportKey", json!("hsm-2")), "iccid", json!("8900101000000000083"));
    let pin = with(one.clone(), "adm1", json!(padded));
    let report = batch(&world, "operational", &[one, unknown, other, pin]);
    assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(3)), "{report}");
    let package = delivered(&world, "8900101000000000081");
    let value = hex::decode("00112233445566778899AABBCCDDEEFF").unwrap();
    assert_eq!(milenage(&package), (value.clone(), value));

    // The same words for whatever does not open.
    let failed = |row: usize| report["results"][row]["detail"].as_str().unwrap().to_owned();
    assert!(failed(1).contains("transport") && failed(2).contains("subscriber.k"));
    assert!(failed(3).contains("adm1"));
    // RFC 5649: seven bytes, 466f7250617369 ("ForPasi"), as an ADM.
    let keys = edge_smdp::transport_key::TransportKeys::parse(&format!("a:{padded_kek}")).unwrap();
    let opened = keys.unwrap("a", &hex::decode(padded).unwrap()).unwrap();
    assert_eq!(&opened[..], b"ForPasi");
}

#[test]
fn metrics_count_and_name_nobody() {
    let world = World::new();
    batch(&world, "operational", &[subscriber(61), subscriber(62)]);
    let matching_id = world.release("8900101000000000061", json!({}));
    world.euicc().download(&world, Some(&matching_id), None).unwrap();
    let response = world.request("GET", "/operator/metrics", Some(TOKEN), b"");
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(response.into_body()).unwrap();
    for line in [
        "smdp_profiles{state=\"Available\"} 1",
        "smdp_profiles{state=\"Downloaded\"} 1",
        "smdp_events_total{event=\"added\"} 2",
        "smdp_events_total{event=\"downloaded\"} 1",
        "smdp_packages_under_older_keys 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains(EID) && !text.contains("8900101"));
    assert_eq!(world.request("GET", "/operator/metrics", None, b"").status().as_u16(), 401);
}

/// Every path and method of the document is answered, and nothing else is.
#[test]
fn the_openapi_document_is_of_this_server() {
    let world = World::new();
    let document = world.request("GET", "/operator/openapi.json", None, b"");
    assert_eq!(document.status().as_u16(), 200);
    let document: Value = serde_json::from_slice(document.body()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let called = path.replace("{iccid}", ICCID).replace("{name}", "none");
        let methods: Vec<_> = item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let status = world.request(method, &called, Some(TOKEN), b"{}").status().as_u16();
            let known = methods.iter().any(|known| known == method);
            assert_eq!(status != 405, known, "{method} {path}: {status}");
            assert!(status < 500, "{method} {path}: {status}");
        }
        let anonymous =
            item.as_object().unwrap().values().all(|operation| operation.get("security").is_some());
        let method = &methods[0];
        let status = world.request(method, &called, None, b"{}").status().as_u16();
        assert_eq!(status != 401, anonymous, "{method} {path}: {status}");
    }
}

/// Every answer of these tests is held against the document ([`openapi`]); here every operation
/// answers something, of a profile with a whole life.
#[test]
fn every_operation_answers_as_the_document_says() {
    let world = World::telling();
    let get = |path: &str| world.operator(path);
    let ask = |method: &str, path: &str, body: &Value| {
        let body = body.to_string();
        let answer = world.request(method, &format!("/operator/{path}"), Some(TOKEN), body.as_bytes());
        assert!(answer.status().is_success(), "{method} {path}: {:?}", answer.status());
    };
    world.post.answers(|_| Err("nobody there".into()));
    let template = package("8900101000000000990");
    let own = json!({ "name": "own", "package": b64(&template), "personalised": ["iccid", "imsi", "authentication"],
                      "requirements": { "tacs": ["35"], "leastSvn": "2.2.0" } });
    ask("PUT", "profile-types/own", &own);
    ask("POST", "subscribers", &json!({ "profileType": "operational", "subscribers": [subscriber(1), {}] }));
    world.add_profile(ICCID);
    ask(
        "POST",
        "orders",
        &json!({ "orders": [
        { "iccid": ICCID, "eid": EID, "release": false }, { "profileType": "operational" }, { "iccid": "1" },
    ] }),
    );
    ask("POST", &format!("orders/{ICCID}/release"), &json!({}));
    let line = get(&format!("orders/{ICCID}"));
    let id = line["matchingId"].as_str().unwrap();
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(id), None).unwrap();
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    for event in [
        rsp::metadata::NotificationEvents::ENABLE,
        rsp::metadata::NotificationEvents::DISABLE,
        rsp::metadata::NotificationEvents::DELETE,
    ] {
        assert_eq!(world.notify(&euicc.other_notification(event, ICCID)).0, 204);
    }
    // The other one ends by itself; and the messages are given up.
    let other = get("profiles?state=Released")["profiles"][0]["iccid"].as_str().unwrap().to_owned();
    world.wait(Limits::default().order + 1);
    world.tend();
    assert_eq!(get(&format!("orders/{other}"))["state"], "Error");
    assert_ne!(get("outbox")["messages"], json!([]));
    ask("POST", &format!("orders/{other}/cancel"), &json!({ "finalProfileStatusIndicator": "Available" }));
    for path in [
        "health",
        "openapi.json",
        "profiles",
        "profile-types",
        "profile-types/own",
        "events?limit=200",
        "notifications",
        "outbox",
    ] {
        get(path);
    }
    let events = get("events?limit=200");
    assert!(events["events"].as_array().unwrap().iter().any(|event| event["seqNumber"] == 1), "{events}");
    assert_eq!(world.request("GET", "/operator/metrics", Some(TOKEN), b"").status(), 200);
    let answered = world.answered.borrow();
    // What is deleted leaves nothing to answer.
    let missing: Vec<_> = openapi::operations()
        .into_iter()
        .filter(|operation| !operation.starts_with("DELETE") && !answered.contains(operation))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The public keys of 3GPP TS 33.501 §C.4.3 (profile A) and §C.4.4 (profile B, in both forms).
const PROFILE_A: &str = "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650";
const PROFILE_B: &str = "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1";
const PROFILE_B_UNCOMPRESSED: &str = "0472da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1\
    5a7ded52fcbb097a4ed250e036c7b9c8c7004c4eedc4f068cd7bf8d3f900e3b4";

#[test]
fn a_subscriber_is_concealed_under_the_home_networks_keys() {
    let world = World::new();
    let key = |id: u32, profile: &str, key: &str| json!({ "id": id, "profile": profile, "key": key });
    let (a, b) = (key(27, "A", PROFILE_A), key(11, "B", PROFILE_B_UNCOMPRESSED));
    let concealed = with(subscriber(1), "homeNetworkKeys", json!([b, a]));
    let by_terminal = with(
        with(with(subscriber(2), "homeNetworkKeys", json!([a])), "suciCalculation", json!("terminal")),
        "routingIndicator",
        json!("12"),
    );
    let report = batch(&world, "operational", &[concealed, by_terminal]);
    assert_eq!(report["created"], 2, "{report}");
    // TS 31.102 §4.4.11.8: schemes in their order with the index of their key, then keys with identifiers.
    let package = delivered(&world, "8900101000000000001");
    let info = format!("A00402010102A14B80010B8121{PROFILE_B}80011B8120{PROFILE_A}");
    let in_saip = package.file(TemplateKind::DfSaip, 3).unwrap().unwrap();
    assert_eq!(hex::encode_upper(in_saip), info.to_uppercase());
    let package = delivered(&world, "8900101000000000002");
    let info = format!("A0020101A12580011B8120{PROFILE_A}");
    let in_5gs = package.file(TemplateKind::Df5gs, 9).unwrap().unwrap();
    assert_eq!(hex::encode_upper(in_5gs), info.to_uppercase());
    assert_eq!(package.file(TemplateKind::Df5gs, 12).unwrap().unwrap(), [0x21, 0xFF, 0xFF, 0xFF]);

    let zero = "00".repeat(32);
    let off_curve = format!("02{}", "ff".repeat(32));
    for (name, wrong) in [
        ("homeNetworkKeys", json!([a, a])),
        ("homeNetworkKeys", json!([key(1, "A", PROFILE_B)])),
        ("homeNetworkKeys", json!([key(1, "B", PROFILE_A)])),
        ("homeNetworkKeys", json!([key(1, "A", &zero)])),
        ("homeNetworkKeys", json!([key(1, "B", &off_curve)])),
        ("homeNetworkKeys", json!([key(1, "A", "not hexadecimal")])),
        ("homeNetworkKeys", json!([key(256, "A", PROFILE_A)])),
        ("homeNetworkKeys", json!([key(1, "C", PROFILE_A)])),
        ("homeNetworkKeys", Value::from_iter((0..17).map(|id| key(id, "A", PROFILE_A)))),
        ("suciCalculation", json!("network")),
        ("routingIndicator", json!("12345")),
        ("routingIndicator", json!("")),
        ("routingIndicator", json!("1a")),
    ] {
        let answer = batch(&world, "operational", &[with(subscriber(3), name, wrong.clone())]);
        assert_eq!(answer["failed"], 1, "{name} {wrong}: {answer}");
    }
    // An uploaded template has its own files for 5G: nothing is left out silently.
    let uploaded = json!({
        "name": "uploaded", "package": b64(&common::package(ICCID)),
        "personalised": ["iccid", "imsi", "authentication"],
    });
    assert_eq!(world.ask("PUT", "/operator/profile-types/uploaded", &uploaded).0, 201);
    let answer = batch(&world, "uploaded", &[with(subscriber(4), "homeNetworkKeys", json!([a]))]);
    assert!(answer["results"][0]["detail"].as_str().unwrap().contains("homeNetworkKeys"), "{answer}");
    assert_eq!(batch(&world, "uploaded", &[subscriber(4)])["created"], 1);
}

#[test]
fn what_is_no_datum_of_a_subscriber_is_refused() {
    let world = World::new();
    let sound = subscriber(1);
    for (name, wrong) in [
        ("spn", json!("a\u{7}b")),
        ("msisdn", json!("12a")),
        ("msisdn", json!("")),
        ("msisdn", json!("1".repeat(21))),
        ("msisdn", json!("+")),
        ("serviceCentre", json!("12 34")),
        ("iterations", json!(0)),
    ] {
        let answer = batch(&world, "operational", &[with(sound.clone(), name, wrong.clone())]);
        assert_eq!(answer["failed"], 1, "{name} {wrong}: {answer}");
    }
    for (name, right) in
        [("msisdn", json!("+491701234567")), ("serviceCentre", json!("4917")), ("spn", json!("é"))]
    {
        let answer = batch(&world, "operational", &[with(sound.clone(), name, right)]);
        assert_eq!(answer["failed"], 0, "{name}: {answer}");
    }
    let put = |name: &str, path: &str| {
        let new = json!({ "name": name, "template": "operational" }).to_string();
        world.request("PUT", &format!("/operator/profile-types/{path}"), Some(TOKEN), new.as_bytes()).status()
    };
    assert_eq!(put("\u{0}", "%00"), 400);
    assert_eq!(put("own", "own"), 201);
    // An empty filter is none.
    let all = world.operator("profiles?profileType=&state=&eid=&search=&cursor=&limit=");
    assert_eq!(all["profiles"].as_array().unwrap().len(), 1);
}

#[test]
fn a_new_secret_takes_over_without_a_gap() {
    let one = "11".repeat(32);
    let two = "22".repeat(32);
    let world = World::new().restarted(&one);
    batch(&world, "operational", &[subscriber(71), subscriber(72)]);
    let matching_id = world.release("8900101000000000071", json!({ "confirmationCode": "1234" }));
    // A session that began before.
    let euicc = world.euicc();
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();

    let world = world.restarted(&format!("{two},{one}"));
    assert_eq!(world.older_keys(), 2);
    ready(world.smdp.tend()).unwrap();
    assert_eq!(world.older_keys(), 0);
    let own = euicc.one_time_key();
    let prepared = euicc.prepare_download(&open, own.public(), Some("1234"));
    euicc.package(&world, &open, &prepared).unwrap();

    // The old one is no longer needed.
    let world = world.restarted(&two);
    let (_, elements) = euicc.download(&world, Some(&matching_id), Some("1234")).unwrap();
    assert_eq!(Package::decode(&elements).unwrap().imsi().unwrap().as_str(), "001010000000071");
}

#[test]
fn templates_move_under_a_new_secret_as_packages_do() {
    let [lost, one, two] = ["33", "11", "22"].map(|byte| byte.repeat(32));
    let put = |world: &World, name: &str| {
        let profile_type = json!({
            "name": name, "package": b64(&package(ICCID)),
            "personalised": ["iccid", "imsi", "authentication"],
        });
        let (status, answer) = world.ask("PUT", &format!("/operator/profile-types/{name}"), &profile_type);
        assert_eq!(status, 201, "{answer}");
    };
    let older = |world: &World| world.metric("smdp_templates_under_older_keys");
    let world = World::new().restarted(&one);
    put(&world, "one");
    put(&world, "two");
    let world = world.restarted(&format!("{two},{one}"));
    put(&world, "three");
    assert_eq!((older(&world), world.older_keys()), (2, 0));
    ready(world.smdp.tend()).unwrap();
    assert_eq!(older(&world), 0);
    // The old one is no longer needed.
    let world = world.restarted(&two);
    for (number, name) in [(71, "one"), (72, "two"), (73, "three")] {
        assert_eq!(batch(&world, name, &[subscriber(number)])["created"], 1, "{name}");
    }
    // One that does not open keeps none of the others.
    let world = world.restarted(&lost);
    put(&world, "four");
    let world = world.restarted(&format!("{one},{two}"));
    assert_eq!(older(&world), 4);
    assert!(ready(world.smdp.tend()).is_err());
    assert_eq!(older(&world), 1);
}

#[test]
fn what_does_not_open_keeps_nothing_else_under_the_old_key() {
    let [lost, one, two] = ["33", "11", "22"].map(|byte| byte.repeat(32));
    let world = World::new().restarted(&lost);
    batch(&world, "operational", &[subscriber(71)]);
    let world = world.restarted(&one);
    batch(&world, "operational", &[subscriber(72)]);

    let world = world.restarted(&format!("{two},{one}"));
    assert_eq!(world.older_keys(), 2);
    assert!(ready(world.smdp.tend()).is_err());
    assert_eq!(world.older_keys(), 1);
}

#[test]
fn too_many_rows_are_refused_whole() {
    let world = World::new();
    let body = json!({ "profileType": "operational", "subscribers": vec![Value::Null; 300_000] });
    let (status, answer) = world.ask("POST", "/operator/subscribers", &body);
    assert_eq!((status, answer["detail"].as_str()), (400, Some("subscribers: at most 500 at once")));
}

/// Chance that comes to its end.
struct Scarce(Cell<u32>);

impl Chance for Scarce {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        let left = self.0.get().checked_sub(1).ok_or_else(|| Fault::new("no chance left"))?;
        self.0.set(left);
        bytes.fill(left as u8);
        Ok(())
    }
}

/// The platform ends a request that asks objects of the store for the 1,001st time, in the middle
/// of what it does.
#[test]
fn a_batch_of_orders_ends_before_the_platform_ends_it() {
    const MOST: usize = 80;
    let iccid = |number: usize| format!("8900101000{number:09}");
    let world = World::new();
    let subscribers: Vec<Value> = (500..500 + MOST as u32 + 1).map(subscriber).collect();
    batch(&world, "operational", &subscribers);
    let by_iccid = |count: usize| {
        let order = |number: usize| {
            json!({ "iccid": iccid(500 + number), "eid": EID, "matchingId": format!("M-{number}"),
                    "confirmationCode": "4711" })
        };
        json!({ "orders": (0..count).map(order).collect::<Vec<_>>() })
    };
    let orders = |body: &Value| counted::operator(&world, "orders", body);

    // One more is refused as a whole.
    let before = world.smdp.store().snapshot();
    let (status, answer, asked) = orders(&by_iccid(MOST + 1));
    assert_eq!((status, asked), (400, 0), "{answer}");
    assert_eq!(world.smdp.store().snapshot(), before);

    // Orders that cannot be confirmed are given back, which is more to do than making them.
    let mut refused = by_iccid(MOST);
    for order in refused["orders"].as_array_mut().unwrap() {
        order["smdsAddress"] = json!("https://no address/");
    }
    for (body, made) in [(&refused, 0), (&by_iccid(MOST), MOST)] {
        let (status, answer, asked) = orders(body);
        assert_eq!(status, 200, "{answer}");
        let states =
            answer["results"].as_array().unwrap().iter().filter(|result| result["state"] == "Released");
        assert_eq!(states.count(), made, "{}", answer["results"][0]);
        assert!(asked < 1_000, "{asked} for {made}");
    }
    // One is left. What there is no more of is looked for once.
    let by_type = json!({ "orders": vec![json!({ "profileType": "operational" }); MOST] });
    let (status, answer, asked) = orders(&by_type);
    assert_eq!(status, 200);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.iter().filter(|result| result["state"] == "Released").count(), 1);
    assert_eq!(results[MOST - 1]["refused"]["subjectCode"], "8.2.5");
    assert!(asked < 200, "{asked}");
}

#[test]
fn what_was_ordered_before_a_fault_is_told() {
    let order = |number: u32| json!({ "iccid": format!("8900101000{number:09}"), "matchingId": format!("M-{number}") });
    let all = json!({ "orders": (71..75).map(order).collect::<Vec<_>>() }).to_string();
    for left in 0..8 {
        let world = World::new();
        batch(&world, "operational", &(71..75).map(subscriber).collect::<Vec<_>>());
        let credentials = json!({ "sets": [credential_set(&world.pki)] }).to_string();
        let server = server(&credentials, Protection::SessionKeys, Limits::default());
        let clock = Rc::clone(&world.clock);
        let smdp = SmDp::new(Rc::new(server), world.smdp.into_store(), clock, Scarce(Cell::new(left)));
        let request = Request::post("/operator/orders").header("authorization", format!("Bearer {TOKEN}"));
        let response = ready(smdp.handle(request.body(all.clone().into_bytes()).unwrap()));
        // Two names of calls for each order.
        let done = left as usize / 2;
        assert_eq!(response.extensions().get::<Fault>().is_some(), done < 4, "{left}");
        if done == 0 {
            assert_eq!(response.status().as_u16(), 503);
            continue;
        }
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results.len(), 4);
        for (at, result) in results.iter().enumerate() {
            let made = result["state"] == "Released";
            assert_eq!(
                (made, result["refused"]["subjectCode"] == "8.8"),
                (at < done, at >= done),
                "{result}"
            );
        }
    }
}
