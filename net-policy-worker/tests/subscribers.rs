//! Subscribers many at once, in and out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod world;

use http::Request;
use serde_json::{Value, json};
use world::{Card, FEEDER, K, OPC, Reply, TOKEN, World, request};

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
fn of_the_rows_of_one_subscriber_the_first_is_written() {
    let world = World::empty(Some(TOKEN));
    let row = |imsi: &str, class: &str| json!({"imsi": imsi, "k": K, "opc": OPC, "class": class});
    let rows = json!([
        row("001010000000011", "provisioning"),
        row("001010000000012", "provisioning"),
        row("001010000000011", "operational"),
    ]);
    let refused = import(&world, "", &rows);
    let because = refused.body["because"].as_str().unwrap();
    assert_eq!(refused.status, 400);
    assert!(because.contains("row 3: the IMSI of row 1 once more"), "{because}");
    assert!(listed(&world.operator("GET", "/network/subscribers", None)).is_empty());

    let reply = import(&world, "?mode=rows", &rows);
    assert_eq!(outcomes(&reply), ["created", "created", "refused"]);
    assert_eq!(reply.body[2]["because"], "the IMSI of row 1 once more");
    assert_eq!(world.operator("GET", "/network/subscribers", None).body[0]["class"], "provisioning");
    let table = format!(
        "imsi,k,opc,class\r\n001010000000013,{K},{OPC},provisioning\r\n001010000000013,{K},{OPC},provisioning\r\n"
    );
    assert_eq!(post(&world, "", "text/csv", &table).status, 400);
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
        // Of an open mark the rest of the file is one cell, and the last rows would be lost in it.
        format!("imsi,k,opc,class\n001010000000023,{K},{OPC},\"provisioning\n"),
        format!("imsi,k,opc,class\n001010000000023,{K},{OPC},\"provisioning\"\"\n"),
        format!("imsi,k,opc,class,\"\n001010000000023,{K},{OPC},provisioning,x\n"),
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
        let list = |world: &World| {
            let mut list = world.operator("GET", "/network/subscribers", None).body;
            for view in list.as_array_mut().unwrap().iter_mut().filter(|_| form == "open5gs") {
                // What a document of Open5GS always says, and a contract need not.
                let contract = view["contract"].as_object_mut().unwrap();
                for name in ["ambr", "slices", "accessRestriction", "periodicUpdateMinutes"] {
                    contract.remove(name);
                }
            }
            list
        };
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

/// A card that has gone back, or that another network has served meanwhile.
#[test]
fn the_operator_sets_a_sequence_number_and_it_is_on_record() {
    let world = World::empty(Some(TOKEN));
    let imsi = "001010000000011";
    world.provision(imsi, &json!({"k": K, "opc": OPC, "class": "provisioning", "sqn": "000000010000"}));
    let path = format!("/network/subscribers/{imsi}/sqn");
    let put = |seen: Option<&str>, body: Value| {
        let mut put = request("PUT", &path, Some(&body), Some(&format!("Bearer {TOKEN}")));
        if let Some(seen) = seen {
            put.headers_mut().insert("if-match", seen.parse().unwrap());
        }
        world.send(put)
    };
    let to = |sqn: &str| json!({ "sqn": sqn });
    let read = world.operator("GET", &path, None);
    assert_eq!((read.status, &read.body), (200, &to("000000010000")));
    assert_eq!(read.raw.headers()["etag"], "\"000000010000\"");
    assert_eq!(put(None, to("000000000400")).status, 428);
    assert_eq!(put(Some("\"000000010001\""), to("000000000400")).status, 412);
    assert_eq!(put(Some("000000010000"), to("000000000400")).status, 412);
    for wrong in
        [to("400"), to("0000000004000"), to("00000000040g"), json!({}), json!({ "sqn": 1024 }), json!([])]
    {
        assert_eq!(put(Some("*"), wrong.clone()).status, 400, "{wrong}");
    }
    assert_eq!(world.call("GET", &path, None).status, 401);
    assert_eq!(world.operator("GET", "/network/subscribers/001010000000099/sqn", None).status, 404);
    let set = put(Some("\"000000010000\""), to("000000000400"));
    assert_eq!((set.status, &set.body), (200, &to("000000000400")));
    assert_eq!(set.raw.headers()["etag"], "\"000000000400\"");
    assert_eq!(sequence_number(&world, imsi), 0x421);
    let record = world.operator("GET", &format!("/network/audit?imsi={imsi}"), None).body;
    assert_eq!(record["verdicts"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&record["verdicts"][0]["what"], &record["verdicts"][0]["because"]),
        (&json!("sequence number"), &json!("the operator set it from 000000010000 to 000000000400"))
    );
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
        json!({
            "apns": ["internet", "ims"], "defaultApn": "internet", "voice": true, "sms": true, "data": true,
            "ambr": {"uplink": "1 Gbps", "downlink": "1 Gbps"},
            "slices": [
                {"sst": 2, "default": false, "sessions": [{"apn": "ims", "type": "IPV4V6"}]},
                {"sst": 1, "default": true, "sessions": [
                    {"apn": "internet", "type": "IPV4V6",
                     "qos": {"qci": 9, "arp": {"priority": 8, "mayPreempt": false, "preemptable": false}}},
                ]},
            ],
            "accessRestriction": 32, "periodicUpdateMinutes": 12,
        }),
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
    broken(&|document| document["network_access_mode"] = json!(1));
    broken(&|document| document["msisdn"] = json!(["+49151"]));
    broken(&|document| document["ambr"]["uplink"]["unit"] = json!(5));
    broken(&|document| document["ambr"]["uplink"]["value"] = json!(0));
    broken(&|document| document["ambr"]["uplink"] = json!({"value": 10_000, "unit": 4}));
    let session = "/slice/1/session/0";
    let with = |path: &'static str, value: Value| {
        broken(&move |document| {
            *document.pointer_mut(&format!("{session}{path}")).unwrap() = value.clone();
        });
    };
    with("/type", json!(4));
    with("/ambr", json!({"uplink": {"value": 1, "unit": 3}}));
    with("/qos/index", json!(0));
    with("/qos/index", json!(256));
    with("/qos/arp/priority_level", json!(16));
    with("/qos/arp/pre_emption_capability", json!(0));
    with(
        "/qos",
        json!({"index": 9, "arp": {"priority_level": 8}, "mbr": {"uplink": {"value": 1, "unit": 3}}}),
    );
    with(
        "/pcc_rule",
        json!([{"flow": [{"direction": 1, "description": "permit out ip from any to assigned"}]}]),
    );
    with("/pcc_rule", json!([{"flow": [], "qos": {"index": 1, "arp": {"priority_level": 1}}}]));
    broken(&|document| document["slice"][1]["session"][0]["ue"] = json!({"ipv4": "10.45.0.300"}));
    broken(&|document| document["slice"][1]["session"][0]["unheard_of"] = json!(1));
    broken(&|document| document["slice"][1]["session"] = json!([]));
    broken(&|document| document["slice"][1]["sd"] = json!("1"));
    broken(&|document| {
        document["subscriber_status"] = json!(1);
        document["operator_determined_barring"] = json!(64);
    });
}

/// What of a document is the database's, and of no subscription.
fn without_ids(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for name in ["_id", "__v", "imeisv", "mme_host", "mm_realm", "mme_realm", "purge_flag"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(|field| *field = without_ids(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_ids(item.take())),
        _ => {}
    }
    value
}

/// Documents as Open5GS has them: one that its command line writes (`open5gs-dbctl add`, version
/// 0.10.3, for a subscriber with an address), and one with all that its schema has.
fn documents() -> [Value; 2] {
    let usual = json!({"downlink": {"value": 1_000_000_000, "unit": 0}, "uplink": {"value": 1_000_000_000, "unit": 0}});
    let id = json!({"$oid": "64b7f0c0e4b0a1a2b3c4d5e6"});
    let of_command_line = json!({
        "_id": id, "schema_version": 1, "imsi": "999700000000001", "msisdn": [], "imeisv": [], "mme_host": [],
        "mm_realm": [], "purge_flag": [],
        "slice": [{"sst": 1, "default_indicator": true, "_id": id, "session": [{
            "name": "internet", "type": 3, "_id": id, "pcc_rule": [], "ambr": usual, "ue": {"addr": "10.45.0.9"},
            "qos": {"index": 9, "arp": {"priority_level": 8, "pre_emption_capability": 1, "pre_emption_vulnerability": 2}},
        }]}],
        "security": {"k": K, "op": null, "opc": OPC, "amf": "8000"},
        "ambr": usual, "access_restriction_data": 32, "network_access_mode": 0, "subscribed_rau_tau_timer": 12, "__v": 0,
    });
    let rates = |uplink: u64, downlink: u64, unit: u8| json!({"uplink": {"value": uplink, "unit": unit}, "downlink": {"value": downlink, "unit": unit}});
    let arp = |level: u8, capability: u8, vulnerability: u8| json!({"priority_level": level, "pre_emption_capability": capability, "pre_emption_vulnerability": vulnerability});
    let with_everything = json!({
        "schema_version": 1, "imsi": "999700000000002", "msisdn": ["4915112345678", "4915112345679"],
        "security": {"k": K, "op": "cdc202d5123e20f62b6d676ac72cb318", "opc": null, "amf": "9001", "sqn": 513},
        "ambr": rates(50, 2000, 2),
        "slice": [
            {"sst": 1, "sd": "00000A", "default_indicator": true, "session": [
                {"name": "internet", "type": 1, "qos": {"index": 9, "arp": arp(8, 1, 2)}, "ambr": rates(10, 50, 2),
                 "ue": {"ipv4": "10.45.0.5", "ipv6": "2001:db8:cafe::5"}, "smf": {"ipv4": "127.0.0.3"}, "pcc_rule": []},
                {"name": "ims", "type": 2, "qos": {"index": 5, "arp": arp(1, 2, 1)}, "ambr": rates(1, 1, 3),
                 "pcc_rule": [
                    {"flow": [{"direction": 1, "description": "permit out 17 from any 5060 to assigned"},
                              {"direction": 2, "description": "permit out 17 from any to assigned 5060"}],
                     "qos": {"index": 1, "arp": arp(1, 2, 2), "mbr": rates(128, 128, 1), "gbr": rates(128, 64, 1)}},
                    {"flow": [{"direction": 2, "description": "permit out ip from any to assigned"}],
                     "qos": {"index": 2, "arp": arp(4, 1, 1)}},
                 ]},
            ]},
            {"sst": 2, "default_indicator": false, "session": [
                {"name": "internet", "type": 3, "qos": {"index": 8, "arp": arp(15, 1, 1)}, "ambr": rates(7, 8, 0),
                 "lbo_roaming_allowed": true, "pcc_rule": []},
                {"name": "*", "type": 3, "pcc_rule": []},
            ]},
        ],
        "access_restriction_data": 160, "network_access_mode": 0, "subscriber_status": 1,
        "operator_determined_barring": 8, "subscribed_rau_tau_timer": 54,
    });
    [of_command_line, with_everything]
}

#[test]
fn what_comes_of_open5gs_goes_back_as_it_was() {
    let world = World::empty(Some(TOKEN));
    assert_eq!(outcomes(&import(&world, "?form=open5gs", &json!(documents()))), ["created"; 2]);
    let exported = world.operator("GET", "/network/subscribers/export?keys=include&form=open5gs", None).body;
    let [mut of_command_line, with_everything] = documents();
    // Not said is as good as this, and an address is called otherwise today.
    for (name, usual) in [("subscriber_status", 0), ("operator_determined_barring", 0)] {
        of_command_line[name] = usual.into();
    }
    // The first number that is used here.
    of_command_line["security"]["sqn"] = 33.into();
    of_command_line["slice"][0]["session"][0]["ue"] = json!({"ipv4": "10.45.0.9"});
    assert_eq!(exported[0], without_ids(of_command_line));
    assert_eq!(exported[1], with_everything);
    // By way of this network's own form, too.
    let own = world.operator("GET", "/network/subscribers/export?keys=include", None).body;
    let other = World::empty(Some(TOKEN));
    assert_eq!(outcomes(&import(&other, "", &own)), ["created"; 2]);
    let again = other.operator("GET", "/network/subscribers/export?keys=include&form=open5gs", None).body;
    assert_eq!(again, exported);
}

/// A provisioning profile keeps its quality, and no session leads it anywhere else, there either.
#[test]
fn a_provisioning_profile_of_open5gs_has_the_sms_sessions_and_no_other() {
    let world = World::empty(Some(TOKEN));
    let [mut document, _] = documents();
    let mut sm = document["slice"][0]["session"][0].clone();
    sm["name"] = "sm.provisioning".into();
    document["slice"][0]["session"].as_array_mut().unwrap().push(sm.clone());
    assert_eq!(
        outcomes(&import(&world, "?form=open5gs&class=provisioning", &json!([document]))),
        ["created"]
    );
    let exported = world.operator("GET", "/network/subscribers/export?keys=include&form=open5gs", None).body;
    sm["ue"] = json!({"ipv4": "10.45.0.9"});
    assert_eq!(exported[0]["slice"][0]["session"], without_ids(json!([sm])));
    assert_eq!(exported[0]["slice"].as_array().unwrap().len(), 1);
    let view = world.operator("GET", "/network/subscribers", None).body;
    assert_eq!((&view[0]["class"], &view[0]["contract"]["apns"]), (&json!("provisioning"), &json!([])));
}

#[test]
fn a_contract_says_what_it_means_or_is_refused() {
    let world = World::empty(Some(TOKEN));
    let contract = json!({
        "apns": ["internet", "*"], "defaultApn": "internet", "data": true,
        "ambr": {"uplink": "50 Mbps", "downlink": "1 Gbps"},
        "slices": [{"sst": 1, "default": true, "sessions": [
            {"apn": "internet", "qos": {"qci": 6, "arp": {"priority": 4}}}, {"apn": "*"},
        ]}],
    });
    let put = |contract: &Value| {
        let record = json!({"k": K, "opc": OPC, "class": "operational", "contract": contract});
        world.operator("PUT", "/network/subscribers/001010000000061", Some(&record))
    };
    let broken = |path: &str, value: Value, says: &str| {
        let mut contract = contract.clone();
        *contract.pointer_mut(path).unwrap() = value;
        let reply = put(&contract);
        assert_eq!(reply.status, 400, "{path}");
        assert!(reply.body["because"].as_str().unwrap().contains(says), "{path}: {}", reply.body);
    };
    assert_eq!(put(&contract).status, 201);
    broken("/apns", json!(["internet"]), "the sessions of slices are those of apns");
    broken("/apns", json!(["internet", "*", "more"]), "the sessions of slices are those of apns");
    broken("/defaultApn", Value::Null, "defaultApn is the first APN of the default slice");
    broken("/ambr/uplink", json!("50 mbps"), "a bit rate is");
    broken("/ambr/uplink", json!("0 bps"), "a bit rate is");
    broken("/ambr/uplink", json!("9999999999999999999 Tbps"), "a bit rate is");
    broken("/slices/0/sessions", json!([]), "1 to 16 sessions");
    broken("/slices/0/sessions/0/qos/qci", json!(255), "QCI");
    let many: Vec<_> = (0..65).map(|n| format!("apn{n}")).collect();
    broken("/apns", json!(many), "50 APNs");
}

#[test]
fn who_feeds_subscribers_does_nothing_else() {
    let path = "/network/subscribers/001010000000031";
    let record = json!({"k": K, "opc": OPC, "class": "operational", "contract": {"apns": ["internet"]}});
    for operator in [Some(TOKEN), None] {
        let world = World::empty(operator);
        let ask = |token: &str, method: &str, path: &str, body: Option<&Value>| {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("authorization", format!("Bearer {token}"));
            world.send(
                request.body(body.map(|body| body.to_string().into_bytes()).unwrap_or_default()).unwrap(),
            )
        };
        let shut = if operator.is_some() { 401 } else { 403 };
        for token in ["", "the SM-DP", "the SM-DP+ ", "The SM-DP+"] {
            assert_eq!(ask(token, "PUT", path, Some(&record)).status, shut, "{token:?}");
        }
        assert_eq!(ask(FEEDER, "PUT", path, Some(&record)).status, 201);
        assert_eq!(ask(FEEDER, "PUT", path, Some(&record)).status, 200);
        for (method, path) in [
            ("GET", "/network/subscribers"),
            ("POST", "/network/subscribers"),
            ("GET", "/network/subscribers/export?keys=include"),
            ("GET", "/network/subscribers/001010000000031/usage"),
            ("GET", "/network/audit?imsi=001010000000031"),
            ("GET", "/network/policy"),
            ("PUT", "/network/policy"),
        ] {
            assert_eq!(ask(FEEDER, method, path, None).status, shut, "{method} {path}");
        }
        assert_eq!(ask(FEEDER, "DELETE", path, None).status, 204);
        assert_eq!(ask(FEEDER, "DELETE", path, None).status, 404);
    }
}
