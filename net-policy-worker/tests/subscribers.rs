//! Subscribers many at once, in and out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod world;

use http::Request;
use serde_json::{Value, json};
use world::{Card, K, OPC, Reply, TOKEN, World};

fn post(world: &World, query: &str, content_type: &str, body: &str) -> Reply {
    let request = Request::post(format!("/network/subscribers{query}"))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", content_type)
        .body(body.as_bytes().to_vec());
    world.send(request.unwrap())
}

fn import(world: &World, query: &str, body: &Value) -> Reply {
    post(world, query, "application/json", &body.to_string())
}

fn outcomes(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body.as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

fn listed(reply: &Reply) -> Vec<&str> {
    reply.body.as_array().unwrap().iter().map(|view| view["imsi"].as_str().unwrap()).collect()
}

#[test]
fn an_import_is_all_or_row_by_row() {
    let world = World::empty(Some(TOKEN));
    let rows = json!([
        {"imsi": "001010000000011", "k": K, "opc": OPC, "class": "provisioning"},
        {"imsi": "001010000000012", "k": K, "opc": OPC,
         "contract": {"apns": ["internet"], "defaultApn": "internet", "data": true}},
        {"imsi": "00101", "k": K, "opc": OPC},
        {"imsi": "001010000000014", "k": "465b", "opc": OPC},
    ]);
    let refused = import(&world, "", &rows);
    let because = refused.body["because"].as_str().unwrap();
    assert_eq!(refused.status, 400);
    assert!(because.contains("nothing was written: row 3") && because.contains("1 more"), "{because}");
    assert!(listed(&world.operator("GET", "/network/subscribers", None)).is_empty());

    let reply = import(&world, "?mode=rows", &rows);
    assert_eq!(outcomes(&reply), ["created", "created", "refused", "refused"]);
    assert!(!reply.body.to_string().contains("465b"));
    assert_eq!(outcomes(&import(&world, "?mode=rows", &rows))[..2], ["replaced", "replaced"]);
    let all = world.operator("GET", "/network/subscribers", None);
    assert_eq!(listed(&all), ["001010000000011", "001010000000012"]);
    assert_eq!(all.body[1]["class"], "operational");
    let session = world.session(&mut Card::new(), "001010000000012");
    assert!(!session.is_empty());

    let row = |imsi: usize| json!({"imsi": format!("{imsi:015}"), "k": K, "opc": OPC});
    let many: Vec<Value> = (0..401).map(row).collect();
    assert_eq!(import(&world, "", &json!(many)).status, 413);
    for (query, body) in
        [("", "{}"), ("", "["), ("", "[1]"), ("?mode=some", "[]"), ("?form=xml", "[]"), ("?class=x", "[]")]
    {
        assert_eq!(post(&world, query, "application/json", body).status, 400, "{query} {body}");
    }
    assert_eq!(world.call("POST", "/network/subscribers", Some(&rows)).status, 401);
    let large = " ".repeat(256 * 1024 + 1);
    assert_eq!(post(&world, "", "application/json", &large).status, 413);
}

#[test]
fn a_table() {
    let world = World::empty(Some(TOKEN));
    let table = format!(
        "imsi,k,opc,class,apns,defaultApn,voice,sms,data,roaming\r\n\
         001010000000021,{K},{OPC},provisioning,,,,,,\r\n\
         001010000000022,{K},{OPC},operational,\"internet ims\",internet,true,yes,1,false\r\n"
    );
    assert_eq!(outcomes(&post(&world, "", "text/csv; charset=utf-8", &table)), ["created", "created"]);
    let view = world.operator("GET", "/network/subscribers", None).body;
    assert_eq!(
        view[1]["contract"],
        json!({"apns": ["internet", "ims"], "defaultApn": "internet", "voice": true, "sms": true,
               "data": true, "roaming": false})
    );
    for broken in [
        format!("k,opc\n{K},{OPC}\n"),
        format!("imsi,imsi,k\n1,2,{K}\n"),
        format!("imsi,k,opc,secret\n001010000000023,{K},{OPC},x\n"),
        format!("imsi,k,opc,voice\n001010000000023,{K},{OPC},perhaps\n"),
        format!("imsi,k,opc\n001010000000023,{K}\n"),
    ] {
        let reply = post(&world, "", "text/csv", &broken);
        assert_eq!(reply.status, 400, "{broken}");
        assert!(!reply.body.to_string().contains(K));
    }
}

#[test]
fn lists_come_by_page() {
    let world = World::empty(Some(TOKEN));
    let rows: Vec<Value> =
        (0..7).map(|n| json!({"imsi": format!("00101000000003{n}"), "k": K, "opc": OPC})).collect();
    import(&world, "", &json!(rows));
    let mut path = "/network/subscribers?limit=3".to_owned();
    let mut seen = vec![];
    loop {
        let page = world.operator("GET", &path, None);
        seen.extend(listed(&page).into_iter().map(str::to_owned));
        let Some(link) = page.raw.headers().get("link") else { break };
        let link = link.to_str().unwrap().strip_suffix("; rel=\"next\"").unwrap().to_owned();
        path = link.trim_matches(['<', '>']).to_owned();
    }
    let expected: Vec<String> = (0..7).map(|n| format!("00101000000003{n}")).collect();
    assert_eq!(seen, expected);
    for query in ["?limit=0", "?limit=1001", "?limit=x", "?after=x", "?after=0010100000000310"] {
        let reply = world.operator("GET", &format!("/network/subscribers{query}"), None);
        assert_eq!(reply.status, 400, "{query}");
    }
}

/// What one network exports, another imports, and both answer the same from then on.
#[test]
fn there_and_back() {
    let contracts = [
        json!({"apns": ["internet"], "defaultApn": "internet", "voice": true, "sms": true, "data": true}),
        json!({"apns": ["iot", "*"], "defaultApn": "iot", "voice": false, "sms": false, "data": true}),
        json!({"apns": ["a"], "defaultApn": "a", "voice": false, "sms": true, "data": false, "roaming": false}),
    ];
    for form in ["own", "open5gs"] {
        let world = World::empty(Some(TOKEN));
        let rows: Vec<Value> = (0..)
            .zip(&contracts)
            .map(|(n, contract)| {
                json!({"imsi": format!("00101000000004{n}"), "k": K, "opc": OPC, "contract": contract})
            })
            .collect();
        import(&world, "", &json!(rows));
        let mut card = Card::new();
        world.session(&mut card, "001010000000040");
        let path = format!("/network/subscribers/export?keys=include&form={form}");
        let exported = world.operator("GET", &path, None);
        assert_eq!(exported.status, 200, "{exported:?}");
        assert!(exported.raw.headers().get("x-left-out").is_none());
        let other = World::empty(Some(TOKEN));
        let reply = import(&other, &format!("?form={form}"), &exported.body);
        assert_eq!(outcomes(&reply), ["created"; 3], "{reply:?}");
        let list = |world: &World| world.operator("GET", "/network/subscribers", None).body;
        assert_eq!(list(&other), list(&world), "{form}");
        // The sequence numbers go on: the card needs no resynchronisation.
        let challenge = other.attach(&json!({"imsi": "001010000000040"}));
        assert!(card.answer(&challenge).get("res").is_some(), "{form}");
        assert_eq!(other.operator("GET", &path, None).body[1], exported.body[1]);
    }
}

#[test]
fn an_export_is_the_operators_explicit_act() {
    let world = World::new();
    let path = "/network/subscribers/export";
    assert_eq!(world.call("GET", &format!("{path}?keys=include"), None).status, 401);
    for query in ["", "?keys=yes", "?keys=include&form=xml", "?keys=include&limit=101"] {
        assert_eq!(world.operator("GET", &format!("{path}{query}"), None).status, 400, "{query}");
    }
    let tuak = json!({"algorithm": "tuak", "k": K, "topc": "00".repeat(32), "class": "provisioning"});
    world.provision("001010000000051", &tuak);
    let reply = world.operator("GET", &format!("{path}?keys=include&form=open5gs"), None);
    assert_eq!(reply.raw.headers()["x-left-out"], "001010000000051");
    assert_eq!(listed(&reply).len(), 2);
    // A profile without a contract gets into no network but the SM's, there too.
    assert_eq!(reply.body[0]["slice"][0]["session"][0]["name"], "sm.provisioning");
    let first = world.operator("GET", &format!("{path}?keys=include&limit=1"), None);
    assert_eq!(
        first.raw.headers()["link"],
        "</network/subscribers/export?after=001010000000001&limit=1&keys=include&form=own>; rel=\"next\""
    );
}

/// The number of the next challenge.
fn sequence_number(world: &World, imsi: &str) -> u64 {
    let challenge = world.attach(&json!({ "imsi": imsi }));
    let bytes = |field: &str| hex::decode(challenge[field].as_str().unwrap()).unwrap();
    let ak = Card::new().parameters.f5(&bytes("rand").try_into().unwrap());
    bytes("autn").iter().zip(ak).fold(0, |sqn, (byte, ak)| sqn << 8 | u64::from(byte ^ ak))
}

/// The same record once more does not have the card asked with numbers that it has seen.
#[test]
fn a_sequence_number_goes_back_for_another_card_only() {
    let world = World::empty(Some(TOKEN));
    let imsi = "001010000000011";
    let put = |record: Value| {
        let path = format!("/network/subscribers/{imsi}");
        assert!(matches!(world.operator("PUT", &path, Some(&record)).status, 200 | 201), "{record}");
    };
    let record = |sqn: &str| json!({"k": K, "opc": OPC, "class": "provisioning", "sqn": sqn});
    put(record("000000000400"));
    let first = sequence_number(&world, imsi);
    assert_eq!(first, 0x421);
    put(record("000000000400"));
    assert_eq!(sequence_number(&world, imsi), 0x442);
    put(record("000000010000"));
    assert_eq!(sequence_number(&world, imsi), 0x1_0021);
    let mut other = record("000000000400");
    other["opc"] = json!("00".repeat(16));
    put(other);
    put(record("000000000800"));
    assert_eq!(sequence_number(&world, imsi), 0x821);
}

#[test]
fn a_contract_has_fifty_apns_at_most() {
    let world = World::empty(Some(TOKEN));
    let with = |count: usize| {
        let apns: Vec<String> = (0..count).map(|at| format!("apn{at}")).collect();
        json!({"imsi": "001010000000011", "k": K, "opc": OPC, "class": "operational", "contract": {"apns": apns}})
    };
    assert_eq!(outcomes(&import(&world, "", &json!([with(50)]))), ["created"]);
    let refused = import(&world, "", &json!([with(51)]));
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body["because"].as_str().unwrap().contains("50 APNs"), "{refused:?}");
    let mut record = with(51);
    record.as_object_mut().unwrap().remove("imsi");
    assert_eq!(world.operator("PUT", "/network/subscribers/001010000000012", Some(&record)).status, 400);
}

/// A document as `mongoexport` gives it of what the WebUI of Open5GS has made.
#[test]
fn documents_of_open5gs() {
    let document = json!({
        "_id": {"$oid": "64b7f0c0e4b0a1a2b3c4d5e6"}, "schema_version": 1, "imsi": "999700000000001",
        "msisdn": [], "imeisv": "4370816125816151", "mme_host": [], "mme_realm": [], "purge_flag": [],
        "security": {"k": "465B5CE8 B199B49F AA5F0A2E E238A6BC", "op": null,
                     "opc": "CD63CB71 954A9F4E 48A5994E 37A02BAF", "amf": "8000", "sqn": {"$numberLong": "513"}},
        "ambr": {"downlink": {"value": 1, "unit": 3}, "uplink": {"value": 1, "unit": 3}},
        "slice": [
            {"sst": 2, "session": [{"name": "ims", "type": 3}]},
            {"sst": 1, "default_indicator": true, "_id": {"$oid": "64b7f0c0e4b0a1a2b3c4d5e7"},
             "session": [{"name": "internet", "type": 3, "pcc_rule": [], "ambr": {},
                          "qos": {"index": 9, "arp": {"priority_level": 8, "pre_emption_capability": 1}}}]},
        ],
        "access_restriction_data": 32, "subscriber_status": 0, "operator_determined_barring": 8,
        "network_access_mode": 0, "subscribed_rau_tau_timer": 12, "__v": 0,
    });
    let world = World::empty(Some(TOKEN));
    assert_eq!(outcomes(&import(&world, "?form=open5gs", &json!([document]))), ["created"]);
    let view = world.operator("GET", "/network/subscribers", None).body;
    assert_eq!(
        view[0]["contract"],
        json!({"apns": ["internet", "ims"], "defaultApn": "internet", "voice": true, "sms": true, "data": true}),
        "bars do not count without the status"
    );
    // The number there is the one that is used next, there and here.
    let next = || {
        let exported = world.operator("GET", "/network/subscribers/export?keys=include&form=open5gs", None);
        exported.body[0]["security"]["sqn"].as_u64().unwrap()
    };
    assert_eq!(next(), 513);
    assert_eq!(sequence_number(&world, "999700000000001"), 513);
    // SEQ + 1 and IND + 1 (TS 33.102 §C.3.2).
    let after = next();
    assert_eq!(after, (17 << 5) | 2);
    assert_eq!(sequence_number(&world, "999700000000001"), after);

    let broken = |change: &dyn Fn(&mut Value)| {
        let mut document = document.clone();
        change(&mut document);
        let reply = import(&world, "?form=open5gs", &json!([document]));
        assert_eq!(reply.status, 400, "{document}");
        assert!(!reply.body.to_string().to_lowercase().contains("465b"), "{}", reply.body);
    };
    broken(&|document| document["unheard_of"] = json!(1));
    broken(&|document| document["imsi"] = json!(999));
    broken(&|document| document["security"]["k"] = json!("465B5CE8"));
    broken(&|document| document["security"]["k"] = json!(["465B5CE8"]));
    broken(&|document| document["security"]["op"] = document["security"]["opc"].clone());
    broken(&|document| document["security"]["sqn"] = json!(1_u64 << 48));
    broken(&|document| document["slice"][0]["session"][0]["name"] = json!("no apn"));
    broken(&|document| document["network_access_mode"] = json!(3));
    broken(&|document| {
        document["subscriber_status"] = json!(1);
        document["operator_determined_barring"] = json!(64);
    });
}
