//! Policy control as a core network asks for it. Names and shapes are those of TS 29.507,
//! TS 29.512 and TS 29.212, as `openapi.json` has them.

use serde_json::{Value, json};

use super::world::{
    CORE, Card, K, OPC, OPERATIONAL, PROVISIONING, Reply, TOKEN, World, document, openapi, request,
};

const AM: &str = "/network/npcf-am-policy-control/v1/policies";
const SM: &str = "/network/npcf-smpolicycontrol/v1/sm-policies";
const GX: &str = "/network/gx/ccr";

fn call(world: &World, method: &str, path: &str, body: Option<&Value>) -> Reply {
    openapi().request(method, path, body).unwrap_or_else(|why| panic!("{why}"));
    send(world, method, path, body)
}

fn send(world: &World, method: &str, path: &str, body: Option<&Value>) -> Reply {
    world.send(request(method, path, body, Some(&format!("Bearer {CORE}"))))
}

/// A network whose SM has an address, and one that has none.
fn world() -> World {
    let world = World::new();
    let mut document = serde_json::to_value(document()).unwrap();
    // Two are enough here: one whose addresses are known, and one whose are not.
    document["smAccess"]["entries"].as_array_mut().unwrap().truncate(2);
    document["smAccess"]["entries"][0]["addresses"] = json!(["203.0.113.10", "2001:db8:1::/48"]);
    let mut put = request("PUT", "/network/policy", Some(&document), Some(&format!("Bearer {TOKEN}")));
    put.headers_mut().insert("if-match", "*".parse().unwrap());
    assert_eq!(world.send(put).status, 200);
    world
}

fn session(imsi: &str, id: u8, dnn: &str) -> Value {
    json!({
        "supi": format!("imsi-{imsi}"), "pduSessionId": id, "pduSessionType": "IPV4V6", "dnn": dnn,
        "notificationUri": "https://smf.example/notify", "sliceInfo": { "sst": 1 },
        "servingNetwork": { "mcc": "001", "mnc": "01" }, "pei": "imeisv-3500000012345601",
        "subsSessAmbr": { "uplink": "10 Mbps", "downlink": "50 Mbps" },
        "somethingNewer": { "is": "let be" },
    })
}

/// The resource that an answer names.
fn location(reply: &Reply) -> String {
    reply.raw.headers()["location"].to_str().unwrap().to_owned()
}

#[test]
fn a_provisioning_session_has_the_sm_and_a_shut_gate_for_the_rest() {
    let world = world();
    for (id, dnn) in [(1, "internet"), (2, "sm.provisioning"), (3, "*")] {
        let created = call(&world, "POST", SM, Some(&session(PROVISIONING, id, dnn)));
        assert_eq!(created.status, 201, "{created:?}");
        let decision = &created.body;
        let rules = decision["pccRules"].as_object().unwrap();
        assert_eq!(rules.len(), 3);
        let gate = |rule: &Value| {
            decision["traffContDecs"][rule["refTcData"][0].as_str().unwrap()]["flowStatus"].clone()
        };
        let rating = |rule: &Value| {
            decision["chgDecs"][rule["refChgData"][0].as_str().unwrap()]["ratingGroup"].clone()
        };
        let sm = &rules["sm-smdp.example-443"];
        let filters: Vec<_> = sm["flowInfos"]
            .as_array()
            .unwrap()
            .iter()
            .map(|info| info["flowDescription"].as_str().unwrap())
            .collect();
        assert_eq!(
            filters,
            [
                "permit out 6 from 203.0.113.10 443 to assigned",
                "permit out 6 from 2001:db8:1::/48 443 to assigned"
            ]
        );
        assert_eq!((gate(sm), rating(sm)), (json!("ENABLED"), json!(1)));
        // No address is known of it: the user plane is to know it by its name.
        assert_eq!(rules["sm-lab.example-8443"]["appId"], "sm-lab.example-8443");
        assert_eq!(rules["sm-lab.example-8443"].get("flowInfos"), None);
        let rest = &rules["everything-else"];
        assert_eq!((gate(rest), rating(rest)), (json!("DISABLED"), json!(2)));
        let last = rest["precedence"].as_u64().unwrap();
        assert!(rules.values().all(|rule| rule["precedence"].as_u64().unwrap() <= last));
        let rule = &decision["sessRules"]["session"];
        assert_eq!(rule["authSessAmbr"], json!({ "uplink": "1 Mbps", "downlink": "5 Mbps" }));
        assert_eq!(rule["authDefQos"]["5qi"], 9);
        assert_eq!(decision["umDecs"]["session"]["volumeThreshold"], 16 * 1024 * 1024);
    }
}

#[test]
fn an_operational_session_has_what_is_subscribed() {
    let world = world();
    let created = call(&world, "POST", SM, Some(&session(OPERATIONAL, 5, "internet")));
    assert_eq!(created.status, 201);
    let path = location(&created);
    assert_eq!(
        created.body["traffContDecs"],
        json!({ "gate-open": { "tcId": "gate-open", "flowStatus": "ENABLED" } })
    );
    assert_eq!(
        created.body["sessRules"]["session"]["authSessAmbr"],
        json!({ "uplink": "10 Mbps", "downlink": "50 Mbps" })
    );
    let read = call(&world, "GET", &path, None);
    assert_eq!((&read.body["policy"], &read.body["context"]["dnn"]), (&created.body, &json!("internet")));
    // A DNN that is not subscribed is denied.
    let denied = call(&world, "POST", SM, Some(&session(OPERATIONAL, 6, "other")));
    assert_eq!((denied.status, &denied.body["cause"]), (403, &json!("POLICY_CONTEXT_DENIED")));
    // Over and gone.
    assert_eq!(call(&world, "POST", &format!("{path}/delete"), Some(&json!({}))).status, 204);
    let gone = call(&world, "GET", &path, None);
    assert_eq!((gone.status, &gone.body["cause"]), (404, &json!("POLICY_ASSOCIATION_NOT_FOUND")));
}

/// A subscriber whose contract says how well it is served.
fn with_quality(world: &World, class: &str) {
    let contract = json!({
        "apns": ["internet", "*"], "defaultApn": "internet", "data": true,
        "slices": [{ "sst": 1, "default": true, "sessions": [
            { "apn": "internet", "qos": { "qci": 6, "arp": { "priority": 4, "mayPreempt": true } },
              "ambr": { "uplink": "500 Mbps", "downlink": "8 Gbps" } },
            { "apn": "*", "ambr": { "uplink": "1500 Kbps", "downlink": "3 Mbps" } },
        ]}],
    });
    world.provision(QUALITY, &json!({ "k": K, "opc": OPC, "class": class, "contract": contract }));
}

const QUALITY: &str = "001010000000006";

/// Provisioning profiles get what is subscribed, but no more than this.
fn cap(world: &World, qos: Option<Value>) {
    let mut document = world.operator("GET", "/network/policy", None).body["document"].clone();
    let connect = &mut document["rules"][2]["then"]["connect"];
    connect.as_object_mut().unwrap().remove("qos");
    connect["ambr"] = json!({ "uplink": 400_000, "downlink": 4_000_000 });
    if let Some(qos) = qos {
        connect["qos"] = qos;
    }
    let mut put = request("PUT", "/network/policy", Some(&document), Some(&format!("Bearer {TOKEN}")));
    put.headers_mut().insert("if-match", "*".parse().unwrap());
    let put = world.send(put);
    assert_eq!(put.status, 200, "{put:?}");
}

#[test]
fn what_the_contract_says_of_quality_is_authorised() {
    let world = world();
    with_quality(&world, "operational");
    let rule = |dnn: &str, id: u8| {
        let created = call(&world, "POST", SM, Some(&session(QUALITY, id, dnn)));
        created.body["sessRules"]["session"].clone()
    };
    let internet = rule("internet", 1);
    assert_eq!(internet["authSessAmbr"], json!({ "uplink": "500 Mbps", "downlink": "8 Gbps" }));
    assert_eq!(
        internet["authDefQos"],
        json!({ "5qi": 6, "arp": { "priorityLevel": 4, "preemptCap": "MAY_PREEMPT", "preemptVuln": "NOT_PREEMPTABLE" } })
    );
    // Of any other APN only the rates are subscribed.
    let other = rule("other", 2);
    assert_eq!(other["authSessAmbr"], json!({ "uplink": "1500 Kbps", "downlink": "3 Mbps" }));
    assert_eq!(other.get("authDefQos"), None);

    // 8 Gbit/s are more than an Unsigned32 holds (TS 29.212 §4.5.30).
    let mut ccr = ccr(QUALITY, 1, 0);
    let cca = call(&world, "POST", GX, Some(&ccr)).body;
    assert_eq!(
        cca["QoS-Information"],
        json!({ "APN-Aggregate-Max-Bitrate-UL": 500_000_000, "APN-Aggregate-Max-Bitrate-DL": 4_294_967_295_u32,
                "Extended-APN-AMBR-DL": 8_000_000 })
    );
    assert_eq!(cca["Default-EPS-Bearer-QoS"]["QoS-Class-Identifier"], 6);
    ccr["Called-Station-Id"] = "other".into();
    let cca = call(&world, "POST", GX, Some(&ccr)).body;
    assert_eq!(cca["QoS-Information"]["APN-Aggregate-Max-Bitrate-UL"], 1_500_000);
    assert_eq!(cca.get("Default-EPS-Bearer-QoS"), None);

    // And the terminal is told.
    let view = world.connect(&mut Card::new(), &json!({ "imsi": QUALITY })).body;
    assert_eq!(view["qos"]["ambr"], json!({ "uplink": 500_000_000, "downlink": 8_000_000_000_u64 }));
    let view = world.connect(&mut Card::new(), &json!({ "imsi": QUALITY, "apn": "other" }));
    assert_eq!(view.status, 200, "{view:?}");
    assert_eq!((view.body.get("qos"), &view.body["ambr"]["uplink"]), (None, &json!(1_500_000)));
}

#[test]
fn a_rule_caps_the_rates_whatever_is_subscribed() {
    let world = world();
    with_quality(&world, "provisioning");
    cap(&world, None);
    let rule = |imsi: &str, body: Value| {
        let created = call(&world, "POST", SM, Some(&body));
        assert_eq!(created.status, 201, "{imsi}");
        created.body["sessRules"]["session"].clone()
    };
    // The contract has `*` for the SM's APN: 1500 kbit/s up, 3 Mbit/s down.
    let subscribed = rule(QUALITY, session(QUALITY, 1, "internet"));
    assert_eq!(subscribed["authSessAmbr"], json!({ "uplink": "400 Kbps", "downlink": "3 Mbps" }));
    // Without a contract, what the SMF knows: 10 and 50 Mbit/s.
    let known = rule(PROVISIONING, session(PROVISIONING, 1, "internet"));
    assert_eq!(known["authSessAmbr"], json!({ "uplink": "400 Kbps", "downlink": "4 Mbps" }));
    let mut body = session(PROVISIONING, 1, "internet");
    body["subsSessAmbr"] = json!({ "uplink": "0.1 Mbps", "downlink": "0.1 Gbps" });
    assert_eq!(
        rule(PROVISIONING, body)["authSessAmbr"],
        json!({ "uplink": "100 Kbps", "downlink": "4 Mbps" })
    );
    let cca = call(&world, "POST", GX, Some(&ccr(PROVISIONING, 1, 0))).body;
    assert_eq!(
        cca["QoS-Information"],
        json!({ "APN-Aggregate-Max-Bitrate-UL": 400_000, "APN-Aggregate-Max-Bitrate-DL": 4_000_000 })
    );
    let mut slower = ccr(PROVISIONING, 1, 0);
    slower["QoS-Information"] = json!({ "APN-Aggregate-Max-Bitrate-UL": 1000, "APN-Aggregate-Max-Bitrate-DL": 4_294_967_295_u32, "Extended-APN-AMBR-DL": 5_000_000 });
    let cca = call(&world, "POST", GX, Some(&slower)).body;
    assert_eq!(cca["QoS-Information"]["APN-Aggregate-Max-Bitrate-UL"], 1000);
    assert_eq!(cca["QoS-Information"]["APN-Aggregate-Max-Bitrate-DL"], 4_000_000);
    // What the rule itself says is capped as well.
    cap(
        &world,
        Some(json!({ "qci": 9, "arp": { "priority": 15 }, "ambr": { "uplink": 1, "downlink": 9_000_000 } })),
    );
    let both = rule(PROVISIONING, session(PROVISIONING, 1, "internet"));
    assert_eq!(both["authSessAmbr"], json!({ "uplink": "1 bps", "downlink": "4 Mbps" }));
    let view = world.connect(&mut Card::new(), &json!({ "imsi": PROVISIONING })).body;
    assert_eq!(view["qos"]["ambr"], json!({ "uplink": 1, "downlink": 4_000_000 }));
    let facts =
        json!([{ "imsi": PROVISIONING, "class": "provisioning", "question": { "kind": "connectivity" } }]);
    let dry = request(
        "POST",
        "/network/policy/dry-run",
        Some(&json!({ "facts": facts })),
        Some(&format!("Bearer {TOKEN}")),
    );
    let decision = world.send(dry).body["outcomes"][0]["decision"].clone();
    assert_eq!(decision["qos"]["ambr"], json!({ "uplink": 1, "downlink": 4_000_000 }));
}

#[test]
fn a_cap_that_the_policy_drops_is_lifted_on_gx() {
    let drop_cap = |world: &World| {
        let mut document = world.operator("GET", "/network/policy", None).body["document"].clone();
        document["rules"][2]["then"]["connect"].as_object_mut().unwrap().remove("ambr");
        let mut put = request("PUT", "/network/policy", Some(&document), Some(&format!("Bearer {TOKEN}")));
        put.headers_mut().insert("if-match", "*".parse().unwrap());
        assert_eq!(world.send(put).status, 200);
    };
    let own = json!({ "APN-Aggregate-Max-Bitrate-UL": 50_000_000, "APN-Aggregate-Max-Bitrate-DL": 4_294_967_295_u32,
                      "Extended-APN-AMBR-DL": 5_000_000 });
    let most = json!({ "APN-Aggregate-Max-Bitrate-UL": 4_294_967_295_u32, "APN-Aggregate-Max-Bitrate-DL": 4_294_967_295_u32 });
    // The gateway's own rates, where it has said them; otherwise no rate that is a limit.
    for (said, lifted) in [(Some(own.clone()), own), (None, most)] {
        let world = world();
        cap(&world, None);
        let mut initial = ccr(PROVISIONING, 1, 0);
        if let Some(said) = said {
            initial["QoS-Information"] = said;
        }
        let capped = call(&world, "POST", GX, Some(&initial)).body;
        assert_eq!(capped["QoS-Information"]["APN-Aggregate-Max-Bitrate-UL"], 400_000);
        drop_cap(&world);
        let told = call(&world, "POST", GX, Some(&ccr(PROVISIONING, 2, 1))).body;
        assert_eq!(told["QoS-Information"], lifted);
        let told = call(&world, "POST", GX, Some(&ccr(PROVISIONING, 2, 2))).body;
        assert_eq!(told.get("QoS-Information"), None);
    }
}

#[test]
fn a_session_that_has_used_its_bytes_is_shut() {
    let world = world();
    let created = call(&world, "POST", SM, Some(&session(PROVISIONING, 1, "internet")));
    let path = format!("{}/update", location(&created));
    let report = |bytes: u64| {
        json!({ "repPolicyCtrlReqTriggers": ["US_RE"], "accuUsageReports": [
            { "refUmIds": "session", "volUsageUplink": 1, "volUsageDownlink": bytes - 1 }, { "refUmIds": "other", "volUsage": 7 },
        ]})
    };
    let left = call(&world, "POST", &path, Some(&report(16 * 1024 * 1024 - 10)));
    assert_eq!(left.body["umDecs"]["session"]["volumeThreshold"], 10);
    let shut = call(&world, "POST", &path, Some(&report(10)));
    // No rule has the open gate any more; of the usage the time is left to be watched.
    assert_eq!(shut.body["traffContDecs"], json!({ "gate-open": null }));
    // What was watched before would go on: an attribute that is left out stays as it was.
    assert_eq!(
        shut.body["umDecs"],
        json!({ "session": { "umId": "session", "volumeThreshold": null, "timeThreshold": 1800 } })
    );
    let rules = shut.body["pccRules"].as_object().unwrap();
    assert_eq!(rules.keys().collect::<Vec<_>>(), ["sm-lab.example-8443", "sm-smdp.example-443"]);
    assert!(rules.values().all(|rule| rule["refTcData"] == json!(["gate-shut"])));
    let usage = world.operator("GET", &format!("/network/subscribers/{PROVISIONING}/usage"), None).body;
    assert_eq!(usage["today"]["bytes"], 16 * 1024 * 1024);
}

/// Another list of SMs, by hosts; of the first the addresses are known.
fn put_sms(world: &World, hosts: &[&str]) {
    let mut document = world.operator("GET", "/network/policy", None).body["document"].clone();
    let entry = |host: &&str| json!({ "host": host, "addresses": ["198.51.100.1"] });
    document["smAccess"]["entries"] = hosts.iter().map(entry).collect();
    let mut put = request("PUT", "/network/policy", Some(&document), Some(&format!("Bearer {TOKEN}")));
    put.headers_mut().insert("if-match", "*".parse().unwrap());
    assert_eq!(world.send(put).status, 200);
}

#[test]
fn the_next_policy_is_what_an_update_is_told() {
    let world = world();
    let created = call(&world, "POST", SM, Some(&session(PROVISIONING, 1, "internet")));
    let path = location(&created);
    let update = || call(&world, "POST", &format!("{path}/update"), Some(&json!({}))).body;
    // Nothing is other than it was.
    assert_eq!(update(), json!({}));

    put_sms(&world, &["new.example"]);
    let told = update();
    let rules = told["pccRules"].as_object().unwrap();
    assert_eq!(
        rules["sm-new.example-443"]["flowInfos"][0]["flowDescription"],
        "permit out 6 from 198.51.100.1 443 to assigned"
    );
    // What is off the list is taken back by a null (TS 29.512 §4.2.6.2.1); what stays is not told again.
    assert_eq!((&rules["sm-smdp.example-443"], &rules["sm-lab.example-8443"]), (&Value::Null, &Value::Null));
    assert_eq!((rules.len(), told.as_object().unwrap().len()), (3, 1));
    assert_eq!(update(), json!({}));

    // Who reads sees what holds, and has been given nothing by it.
    put_sms(&world, &["new.example", "second.example"]);
    let whole = call(&world, "GET", &path, None).body["policy"]["pccRules"].clone();
    let names: Vec<_> = whole.as_object().unwrap().keys().collect();
    assert_eq!(names, ["everything-else", "sm-new.example-443", "sm-second.example-443"]);
    let told = update()["pccRules"].clone();
    assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), ["sm-second.example-443"]);
}

#[test]
fn a_pgw_is_told_what_is_other_and_what_is_gone() {
    let world = world();
    let mut number = 0;
    let mut ask = |kind: u32| {
        let cca = call(&world, "POST", GX, Some(&ccr(PROVISIONING, kind, number))).body;
        number += 1;
        cca
    };
    let names = |definitions: &Value| -> Vec<String> {
        let definitions = definitions[0]["Charging-Rule-Definition"].as_array().unwrap();
        definitions.iter().map(|rule| rule["Charging-Rule-Name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&ask(1)["Charging-Rule-Install"]).len(), 3);
    let nothing = ask(2);
    for avp in
        ["Charging-Rule-Install", "Charging-Rule-Remove", "QoS-Information", "Usage-Monitoring-Information"]
    {
        assert_eq!(nothing.get(avp), None, "{avp}");
    }
    put_sms(&world, &["new.example"]);
    let told = ask(2);
    assert_eq!(names(&told["Charging-Rule-Install"]), ["sm-new.example-443"]);
    assert_eq!(
        told["Charging-Rule-Remove"],
        json!([{ "Charging-Rule-Name": ["sm-lab.example-8443", "sm-smdp.example-443"] }])
    );
    assert_eq!(ask(2).get("Charging-Rule-Remove"), None);
    // The same session from its beginning has all of it again.
    let again = ask(1);
    assert_eq!(names(&again["Charging-Rule-Install"]), ["sm-new.example-443", "everything-else"]);
    assert_eq!(again.get("Charging-Rule-Remove"), None);
}

fn association(imsi: &str, features: &str) -> Value {
    json!({
        "notificationUri": "https://amf.example/notify", "supi": format!("imsi-{imsi}"), "suppFeat": features,
        "servingPlmn": { "mcc": "001", "mnc": "01" }, "allowedSnssais": [{ "sst": 1 }, { "sst": 1, "sd": "00000a" }],
        "rfsp": 3, "servAreaRes": { "restrictionType": "ALLOWED_AREAS" },
    })
}

#[test]
fn the_amf_is_told_which_dnns_to_have_replaced() {
    let world = world();
    world.provision(
        "001010000000004",
        &json!({ "k": K, "opc": OPC, "class": "provisioning", "contract": { "apns": ["internet", "sm.provisioning"] } }),
    );
    let created = call(&world, "POST", AM, Some(&association("001010000000004", "8")));
    assert_eq!((created.status, &created.body["suppFeat"]), (201, &json!("8")));
    assert_eq!(created.body["triggers"], json!(["SMF_SELECT_CH"]));
    assert_eq!(
        created.body["smfSelInfo"],
        json!({ "unsuppDnn": true, "candidates": {
            "0": { "snssai": { "sst": 1 }, "dnns": ["internet"] },
            "1": { "snssai": { "sst": 1, "sd": "00000a" }, "dnns": ["internet"] },
        }})
    );
    assert_eq!(
        (&created.body["rfsp"], &created.body["servAreaRes"]["restrictionType"]),
        (&json!(3), &json!("ALLOWED_AREAS"))
    );
    let path = location(&created);
    let ask = |dnn: &str| {
        let body =
            json!({ "triggers": ["SMF_SELECT_CH"], "smfSelInfo": { "snssai": { "sst": 1 }, "dnn": dnn } });
        call(&world, "POST", &format!("{path}/update"), Some(&body)).body
    };
    for dnn in ["internet", "anything", "no dnn!"] {
        let update = ask(dnn);
        assert_eq!(
            update["smfSelInfo"],
            json!({ "snssai": { "sst": 1 }, "dnn": "sm.provisioning" }),
            "{dnn}"
        );
        assert_eq!(update["resourceUri"], path.as_str());
    }
    assert_eq!(ask("sm.provisioning").get("smfSelInfo"), None);
    assert_eq!(call(&world, "GET", &path, None).body, created.body);
    assert_eq!(call(&world, "DELETE", &path, None).status, 204);
    assert_eq!(call(&world, "DELETE", &path, None).status, 404);

    // Neither where the AMF cannot, nor where there is nothing to replace.
    for (imsi, features) in [("001010000000004", "7"), (OPERATIONAL, "f")] {
        let created = call(&world, "POST", AM, Some(&association(imsi, features)));
        assert_eq!(
            (created.status, created.body.get("smfSelInfo"), created.body.get("triggers")),
            (201, None, None)
        );
    }
}

fn ccr(imsi: &str, kind: u32, number: u32) -> Value {
    json!({
        "Session-Id": "pgw.example;1;2", "CC-Request-Type": kind, "CC-Request-Number": number, "Called-Station-Id": "internet",
        "Subscription-Id": [{ "Subscription-Id-Type": 0, "Subscription-Id-Data": "4915" }, { "Subscription-Id-Type": 1, "Subscription-Id-Data": imsi }],
        "3GPP-SGSN-MCC-MNC": "00101", "User-Equipment-Info": { "User-Equipment-Info-Type": 0, "User-Equipment-Info-Value": "3500000012345601" },
    })
}

#[test]
fn a_pgw_is_told_the_same() {
    let world = world();
    let initial = call(&world, "POST", GX, Some(&ccr(PROVISIONING, 1, 0))).body;
    assert_eq!((&initial["Result-Code"], &initial["CC-Request-Number"]), (&json!(2001), &json!(0)));
    let definitions = initial["Charging-Rule-Install"][0]["Charging-Rule-Definition"].as_array().unwrap();
    assert_eq!(definitions.len(), 3);
    assert_eq!(
        definitions[0]["Flow-Information"][0],
        json!({ "Flow-Description": "permit out 6 from 203.0.113.10 443 to assigned", "Flow-Direction": 3 })
    );
    let gates: Vec<_> =
        definitions.iter().map(|rule| (rule["Flow-Status"].clone(), rule["Rating-Group"].clone())).collect();
    assert_eq!(gates, [(json!(2), json!(1)), (json!(2), json!(1)), (json!(3), json!(2))]);
    assert_eq!(
        initial["QoS-Information"],
        json!({ "APN-Aggregate-Max-Bitrate-UL": 1_000_000, "APN-Aggregate-Max-Bitrate-DL": 5_000_000 })
    );
    assert_eq!(
        initial["Default-EPS-Bearer-QoS"]["Allocation-Retention-Priority"]["Pre-emption-Vulnerability"],
        0
    );

    let mut update = ccr(PROVISIONING, 2, 1);
    update["Usage-Monitoring-Information"] = json!([{ "Monitoring-Key": "session", "Used-Service-Unit": { "CC-Total-Octets": 16 * 1024 * 1024 } }]);
    let shut = call(&world, "POST", GX, Some(&update)).body;
    let definitions = shut["Charging-Rule-Install"][0]["Charging-Rule-Definition"].as_array().unwrap();
    assert_eq!(definitions.len(), 2);
    assert!(definitions.iter().all(|rule| rule["Flow-Status"] == 3));
    // Nothing is left to be watched: USAGE_MONITORING_DISABLED, NO_EVENT_TRIGGERS.
    assert_eq!(shut["Usage-Monitoring-Information"][0]["Usage-Monitoring-Support"], 0);
    assert_eq!(shut["Event-Trigger"], json!([14]));

    assert_eq!(call(&world, "POST", GX, Some(&ccr(PROVISIONING, 3, 2))).body["Result-Code"], 2001);
    assert_eq!(call(&world, "POST", GX, Some(&ccr(PROVISIONING, 2, 3))).body["Result-Code"], 5002);
    assert_eq!(call(&world, "POST", GX, Some(&ccr("001010000000099", 1, 0))).body["Result-Code"], 5030);
    let mut other = ccr(OPERATIONAL, 1, 0);
    other["Called-Station-Id"] = "other".into();
    assert_eq!(call(&world, "POST", GX, Some(&other)).body["Result-Code"], 5003);
}

#[test]
fn what_is_wrong_is_named_as_the_standard_names_it() {
    let world = world();
    let without = |mut body: Value, field: &str| {
        body.as_object_mut().unwrap().remove(field);
        body
    };
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    let (sm, am) = (session(PROVISIONING, 1, "internet"), association(PROVISIONING, "8"));
    for (path, body, cause, param) in [
        (SM, without(sm.clone(), "dnn"), "MANDATORY_IE_MISSING", "dnn"),
        (SM, without(sm.clone(), "supi"), "MANDATORY_IE_MISSING", "supi"),
        (SM, with(sm.clone(), "pduSessionId", json!(256)), "MANDATORY_IE_INCORRECT", "pduSessionId"),
        (SM, with(sm.clone(), "supi", json!("nai-a@b")), "MANDATORY_IE_INCORRECT", "supi"),
        (
            SM,
            with(sm.clone(), "pduSessionType", json!("ETHERNET")),
            "MANDATORY_IE_INCORRECT",
            "pduSessionType",
        ),
        (SM, with(sm.clone(), "servingNetwork", json!(7)), "OPTIONAL_IE_INCORRECT", "servingNetwork"),
        (AM, without(am.clone(), "suppFeat"), "MANDATORY_IE_MISSING", "suppFeat"),
        (AM, with(am, "suppFeat", json!("x")), "MANDATORY_IE_INCORRECT", "suppFeat"),
        (
            GX,
            json!({ "CC-Request-Type": 1, "CC-Request-Number": 0, "Subscription-Id": [] }),
            "MANDATORY_IE_MISSING",
            "Session-Id",
        ),
        (
            GX,
            json!({ "Session-Id": "a", "CC-Request-Type": 1, "CC-Request-Number": 0, "Subscription-Id": [] }),
            "MANDATORY_IE_INCORRECT",
            "Subscription-Id",
        ),
    ] {
        let reply = send(&world, "POST", path, Some(&body));
        assert_eq!((reply.status, &reply.body["cause"]), (400, &json!(cause)), "{param}");
        assert_eq!(reply.body["invalidParams"][0]["param"], param);
    }
    let reply = send(&world, "POST", SM, Some(&json!([])));
    assert_eq!(reply.status, 400);
    let stranger = call(&world, "POST", SM, Some(&session("001010000000099", 1, "internet")));
    assert_eq!((stranger.status, &stranger.body["cause"]), (400, &json!("USER_UNKNOWN")));
    let large = with(sm, "somethingNewer", json!("x".repeat(20_000)));
    assert_eq!(send(&world, "POST", SM, Some(&large)).status, 413);
    for id in ["nobody".to_owned(), "0".repeat(48)] {
        assert_eq!(send(&world, "GET", &format!("{SM}/{id}"), None).status, 404);
    }
    // The operator's token is another.
    let wrong = world.send(request(
        "POST",
        SM,
        Some(&session(PROVISIONING, 1, "x")),
        Some(&format!("Bearer {TOKEN}")),
    ));
    assert_eq!(wrong.status, 401);
}

#[test]
fn associations_are_few_and_not_for_ever() {
    let world = world();
    let first = location(&call(&world, "POST", SM, Some(&session(PROVISIONING, 1, "internet"))));
    // The same session again takes the place of the first.
    let again = location(&call(&world, "POST", SM, Some(&session(PROVISIONING, 1, "internet"))));
    assert_eq!(send(&world, "GET", &first, None).status, 404);
    assert_eq!(send(&world, "GET", &again, None).status, 200);
    let paths: Vec<_> = (2..=9)
        .map(|id| location(&call(&world, "POST", SM, Some(&session(PROVISIONING, id, "x")))))
        .collect();
    assert_eq!(send(&world, "GET", &again, None).status, 404);
    for path in &paths {
        assert_eq!(send(&world, "GET", path, None).status, 200);
    }
    world.pass(24 * 60 * 60_000);
    for path in &paths {
        assert_eq!(send(&world, "GET", path, None).status, 404);
    }
}

#[test]
fn a_network_or_terminal_that_is_malformed_is_not_home() {
    let world = world();
    let (sm, am, gx) =
        (session(OPERATIONAL, 1, "internet"), association(OPERATIONAL, "8"), ccr(OPERATIONAL, 1, 0));
    let refused = |path: &str, body: &Value, param: &str, mandatory: bool| {
        let reply = send(&world, "POST", path, Some(body));
        let cause = if mandatory { "MANDATORY_IE_INCORRECT" } else { "OPTIONAL_IE_INCORRECT" };
        assert_eq!((reply.status, &reply.body["cause"]), (400, &json!(cause)), "{path} {body}");
        assert_eq!(reply.body["invalidParams"][0]["param"], param, "{body}");
    };
    let with = |body: &Value, field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    for (network, at) in [
        (json!({ "mcc": "310" }), ".mnc"),
        (json!({ "mnc": "410" }), ".mcc"),
        (json!({}), ".mcc"),
        (json!({ "mcc": "310", "mnc": "4" }), ".mnc"),
        (json!({ "mcc": "310", "mnc": "4100" }), ".mnc"),
        (json!({ "mcc": "31", "mnc": "410" }), ".mcc"),
        (json!({ "mcc": "٣١٠", "mnc": "410" }), ".mcc"),
        (json!({ "mcc": 310, "mnc": "410" }), ".mcc"),
        (json!({ "mcc": null, "mnc": "410" }), ".mcc"),
        (json!(["310", "410"]), ""),
        (json!("310410"), ""),
        (json!(null), ""),
    ] {
        refused(SM, &with(&sm, "servingNetwork", network.clone()), &format!("servingNetwork{at}"), false);
        refused(AM, &with(&am, "servingPlmn", network.clone()), &format!("servingPlmn{at}"), false);
        for (path, body, field) in [(SM, &sm, "servingNetwork"), (AM, &am, "servingPlmn")] {
            let mut home = body.clone();
            home.as_object_mut().unwrap().remove(field);
            let made = call(&world, "POST", path, Some(&home));
            let update = format!("{}/update", location(&made));
            refused(&update, &json!({ field: network }), &format!("{field}{at}"), false);
        }
    }
    for pei in
        ["", "imei-35000000123456", "imeisv-350000001234560x", "IMEISV-3500000012345601", "mac-xx", "eui-00"]
    {
        refused(SM, &with(&sm, "pei", json!(pei)), "pei", false);
        refused(AM, &with(&am, "pei", json!(pei)), "pei", false);
    }
    for pei in
        ["imei-350000001234562", "mac-00-00-5E-00-53-00-untrusted", "eui-00-00-5E-EF-10-00-00-00", "newer-1"]
    {
        assert_eq!(call(&world, "POST", SM, Some(&with(&sm, "pei", json!(pei)))).status, 201, "{pei}");
    }
    for supi in ["imsi-12345", "imsi-0010100000000012", "IMSI-001010000000002", "imsi-٠٠١٠١٠٠٠٠٠٠٠٠٠٢", ""]
    {
        refused(SM, &with(&sm, "supi", json!(supi)), "supi", true);
        refused(AM, &with(&am, "supi", json!(supi)), "supi", true);
    }
    for plmn in ["310", "31041x", "310-410", "", "3104100"] {
        refused(GX, &with(&gx, "3GPP-SGSN-MCC-MNC", json!(plmn)), "3GPP-SGSN-MCC-MNC", false);
    }
    for equipment in [
        json!({ "User-Equipment-Info-Type": 0, "User-Equipment-Info-Value": "35000000123456x1" }),
        json!({ "User-Equipment-Info-Type": 0, "User-Equipment-Info-Value": "" }),
        json!([0, "3500000012345601"]),
    ] {
        refused(GX, &with(&gx, "User-Equipment-Info", equipment), "User-Equipment-Info", false);
    }
    // Of two subscribers none is the one that is meant.
    let id = |imsi: &str| json!({ "Subscription-Id-Type": 1, "Subscription-Id-Data": imsi });
    refused(
        GX,
        &with(&gx, "Subscription-Id", json!([id(PROVISIONING), id(OPERATIONAL)])),
        "Subscription-Id",
        true,
    );
    refused(GX, &with(&gx, "Subscription-Id", json!([id("x"), id(OPERATIONAL)])), "Subscription-Id", true);
}

/// Every row is a value that TS 29.571, TS 29.512, TS 29.507 or TS 29.212 does not allow there.
#[test]
fn what_is_not_of_the_published_shape_is_refused_and_changes_nothing() {
    let world = world();
    let (sm, am, gx) =
        (session(PROVISIONING, 1, "internet"), association(PROVISIONING, "8"), ccr(PROVISIONING, 1, 0));
    let long = "a".repeat(101);
    let far = format!("https://x/{}", "a".repeat(2048));
    let ambr = |up: Value| json!({ "uplink": up, "downlink": "1 Mbps" });
    let arp = |level: u32, cap: &str| json!({ "priorityLevel": level, "preemptCap": cap, "preemptVuln": "PREEMPTABLE" });
    let slices = json!(vec![json!({ "sst": 1 }); 9]);
    let rows = [
        (SM, &sm, "dnn", json!("")),
        (SM, &sm, "dnn", json!(long)),
        (SM, &sm, "dnn", json!("a\u{0}b")),
        (SM, &sm, "dnn", json!(null)),
        (SM, &sm, "pduSessionId", json!(1.5)),
        (SM, &sm, "pduSessionType", json!("IPV5")),
        (SM, &sm, "notificationUri", json!("")),
        (SM, &sm, "notificationUri", json!("/relative")),
        (SM, &sm, "notificationUri", json!("smf.example")),
        (SM, &sm, "notificationUri", json!("ftp://smf.example/")),
        (SM, &sm, "notificationUri", json!("https://user:word@smf.example/")),
        (SM, &sm, "notificationUri", json!("https://smf.example/#part")),
        (SM, &sm, "notificationUri", json!(far)),
        (AM, &am, "notificationUri", json!("x")),
        (SM, &sm, "sliceInfo", json!([1])),
        (SM, &sm, "sliceInfo.sst", json!({ "sst": 256 })),
        (SM, &sm, "sliceInfo.sd", json!({ "sst": 1, "sd": "00000g" })),
        (SM, &sm, "sliceInfo.sd", json!({ "sst": 1, "sd": "0a" })),
        (SM, &sm, "accessType", json!("4GPP_ACCESS")),
        (SM, &sm, "subsSessAmbr", json!(7)),
        (SM, &sm, "subsSessAmbr", json!(null)),
        (SM, &sm, "subsSessAmbr", json!(["1 Mbps", "1 Mbps"])),
        (SM, &sm, "subsSessAmbr.uplink", ambr(json!("fast"))),
        (SM, &sm, "subsSessAmbr.uplink", ambr(json!("1 mbps"))),
        (SM, &sm, "subsSessAmbr.uplink", ambr(json!(1))),
        (SM, &sm, "subsDefQos", json!(["x"])),
        (SM, &sm, "subsDefQos.arp", json!({ "5qi": 9 })),
        (SM, &sm, "subsDefQos.5qi", json!({ "5qi": 256, "arp": arp(1, "MAY_PREEMPT") })),
        (SM, &sm, "subsDefQos.arp.priorityLevel", json!({ "5qi": 9, "arp": arp(16, "MAY_PREEMPT") })),
        (SM, &sm, "subsDefQos.arp.preemptCap", json!({ "5qi": 9, "arp": arp(1, "") })),
        (
            SM,
            &sm,
            "subsDefQos.priorityLevel",
            json!({ "5qi": 9, "priorityLevel": 128, "arp": arp(1, "MAY_PREEMPT") }),
        ),
        (AM, &am, "suppFeat", json!("é")),
        (AM, &am, "suppFeat", json!("+8")),
        (AM, &am, "allowedSnssais", json!([])),
        (AM, &am, "allowedSnssais", json!({ "a": 1 })),
        (AM, &am, "allowedSnssais[0]", json!([1])),
        (AM, &am, "allowedSnssais", slices),
        (AM, &am, "rfsp", json!(0)),
        (AM, &am, "rfsp", json!(257)),
        (AM, &am, "servAreaRes", json!("none")),
        (AM, &am, "servAreaRes.areas[0]", json!({ "areas": [[]] })),
        (GX, &gx, "Called-Station-Id", json!(long)),
        (GX, &gx, "QoS-Information", json!([1, 1])),
        (
            GX,
            &gx,
            "QoS-Information.APN-Aggregate-Max-Bitrate-UL",
            json!({ "APN-Aggregate-Max-Bitrate-UL": 4_294_967_296_u64 }),
        ),
        (GX, &gx, "Subscription-Id[0]", json!([[1, PROVISIONING]])),
        (GX, &gx, "Session-Id", json!("a\nb")),
        (GX, &gx, "CC-Request-Type", json!(4)),
        (GX, &gx, "Usage-Monitoring-Information[0]", json!([["session", [5]]])),
    ];
    for (path, body, param, value) in rows {
        let mut body = body.clone();
        body[param.split(['.', '[']).next().unwrap()] = value;
        let reply = send(&world, "POST", path, Some(&body));
        assert_eq!(reply.status, 400, "{body}");
        let cause = reply.body["cause"].as_str().unwrap();
        assert!(["MANDATORY_IE_INCORRECT", "OPTIONAL_IE_INCORRECT"].contains(&cause), "{cause}: {body}");
        assert_eq!(reply.body["invalidParams"][0]["param"], param, "{body}");
    }
    for (path, body) in
        [(SM, json!(["imsi-001010000000001", 1])), (AM, json!(["x"])), (GX, json!([])), (SM, json!(null))]
    {
        assert_eq!(send(&world, "POST", path, Some(&body)).status, 400, "{body}");
    }

    // What is reported as used is either counted whole or not at all.
    let update = format!("{}/update", location(&call(&world, "POST", SM, Some(&sm))));
    let report = |volume: Value| json!({ "accuUsageReports": [{ "refUmIds": "session", "volUsage": 5 }, { "refUmIds": "session", "volUsage": volume }] });
    for body in [
        report(json!(-1)),
        report(json!(u64::MAX)),
        report(json!(null)),
        json!({ "accuUsageReports": [["session", 5]] }),
        json!({ "accuUsageReports": [] }),
        json!({ "accuUsageReports": null }),
        json!({ "accuUsageReports": [{ "refUmIds": ["session"], "volUsage": 5 }] }),
        json!({ "repPolicyCtrlReqTriggers": [] }),
        json!([null, []]),
        json!(null),
    ] {
        assert_eq!(send(&world, "POST", &update, Some(&body)).status, 400, "{body}");
    }
    let update = format!("{}/update", location(&call(&world, "POST", AM, Some(&am))));
    for info in [json!({ "dnn": 7 }), json!([]), json!({ "dnn": long }), json!({ "snssai": [1] })] {
        assert_eq!(send(&world, "POST", &update, Some(&json!({ "smfSelInfo": info }))).status, 400, "{info}");
    }
    let usage = world.operator("GET", &format!("/network/subscribers/{PROVISIONING}/usage"), None).body;
    assert_eq!(usage["today"]["bytes"], 0);
}

#[test]
fn what_is_newer_than_the_standard_of_here_is_let_be() {
    let world = world();
    let mut sm = session(OPERATIONAL, 1, "internet");
    sm["sliceInfo"]["newer"] = json!(1);
    sm["servingNetwork"]["nid"] = json!("00000000001");
    sm["subsSessAmbr"]["newer"] = json!([]);
    sm["ratType"] = json!("NEWER");
    sm["subsDefQos"] = json!({
        "5qi": 8, "priorityLevel": 127, "newer": {},
        "arp": { "priorityLevel": 15, "preemptCap": "NOT_PREEMPT", "preemptVuln": "PREEMPTABLE", "newer": 1 },
    });
    let created = call(&world, "POST", SM, Some(&sm));
    assert_eq!(created.status, 201, "{created:?}");
    // What is authorised of it is what is known here.
    let rule = &created.body["sessRules"]["session"];
    assert_eq!(rule["authSessAmbr"], json!({ "uplink": "10 Mbps", "downlink": "50 Mbps" }));
    assert_eq!(
        rule["authDefQos"],
        json!({ "5qi": 8, "priorityLevel": 127, "arp": { "priorityLevel": 15, "preemptCap": "NOT_PREEMPT", "preemptVuln": "PREEMPTABLE" } })
    );
    assert_eq!(call(&world, "GET", &location(&created), None).body["context"], sm);

    let mut am = association(PROVISIONING, "00fF8");
    am["allowedSnssais"][0]["newer"] = json!(1);
    am["servAreaRes"]["newer"] = json!({});
    let created = call(&world, "POST", AM, Some(&am));
    assert_eq!((created.status, &created.body["suppFeat"]), (201, &json!("8")));
    let update = format!("{}/update", location(&created));
    let body = json!({ "triggers": ["SMF_SELECT_CH"], "newer": 1, "smfSelInfo": { "snssai": { "sst": 1, "newer": 1 }, "dnn": "internet", "newer": 1 } });
    let told = send(&world, "POST", &update, Some(&body)).body;
    assert_eq!(told["smfSelInfo"], json!({ "snssai": { "sst": 1 }, "dnn": "sm.provisioning" }));
}

#[test]
fn what_the_standard_leaves_open_is_passed_on() {
    let world = world();
    let mut sm = session(OPERATIONAL, 1, "internet");
    // ARP's words are open enumerations and its level is nullable (TS 29.571 §5.5.4.1, §5.5.2, §5.5.3).
    let arp = json!({ "priorityLevel": null, "preemptCap": "RATHER_NOT", "preemptVuln": "HARDLY" });
    sm["subsDefQos"] = json!({ "5qi": 8, "arp": arp });
    let created = call(&world, "POST", SM, Some(&sm));
    assert_eq!(created.body["sessRules"]["session"]["authDefQos"]["arp"], arp, "{created:?}");
    let mut am = association(PROVISIONING, "8");
    am["servAreaRes"]["maxNumOfTAs"] = json!(5_000_000_000_u64);
    let created = call(&world, "POST", AM, Some(&am));
    assert_eq!(created.status, 201, "{created:?}");
    // SmfSelectionData is nullable (TS 29.507 Annex A).
    let update = format!("{}/update", location(&created));
    assert_eq!(call(&world, "POST", &update, Some(&json!({ "smfSelInfo": null }))).status, 200);
}

#[test]
fn what_a_core_was_told_is_on_record_once() {
    let world = world();
    let sm = session(OPERATIONAL, 1, "internet");
    let created = call(&world, "POST", SM, Some(&sm));
    let update = format!("{}/update", location(&created));
    let report = json!({ "accuUsageReports": [{ "refUmIds": "session", "volUsage": 5 }] });
    for body in [json!({}), report] {
        assert_eq!(call(&world, "POST", &update, Some(&body)).status, 200);
    }
    // The policy says no now, however often it is asked; then yes again.
    let open = world.operator("GET", "/network/policy", None).body["document"].clone();
    let put = |document: &Value| {
        let mut put = request("PUT", "/network/policy", Some(document), Some(&format!("Bearer {TOKEN}")));
        put.headers_mut().insert("if-match", "*".parse().unwrap());
        assert_eq!(world.send(put).status, 200);
    };
    let mut shut = open.clone();
    let rule = json!({ "name": "nobody", "words": "nobody is connected today",
        "when": { "question": ["connectivity"] }, "then": { "refuse": { "cause": "ESM 8" } } });
    shut["rules"].as_array_mut().unwrap().insert(0, rule);
    put(&shut);
    for _ in 0..3 {
        assert_eq!(call(&world, "POST", &update, Some(&json!({}))).status, 403);
    }
    let mut other = ccr(OPERATIONAL, 1, 0);
    other["Called-Station-Id"] = "other".into();
    assert_eq!(call(&world, "POST", GX, Some(&other)).body["Result-Code"], 5003);
    put(&open);
    for _ in 0..2 {
        assert_eq!(call(&world, "POST", &update, Some(&json!({}))).status, 200);
    }
    let mut am = association(OPERATIONAL, "8");
    am["servingPlmn"] = json!({ "mcc": "001", "mnc": "01" });
    assert_eq!(call(&world, "POST", AM, Some(&am)).status, 201);

    let page = world.operator("GET", &format!("/network/audit?imsi={OPERATIONAL}"), None).body;
    let verdicts: Vec<_> = page["verdicts"].as_array().unwrap().iter().rev().collect();
    let told: Vec<_> = verdicts
        .iter()
        .map(|one| {
            (one["what"].as_str().unwrap(), one["verdict"].as_str().unwrap(), one["policy"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("policy control: session", "permitted", 1),
            ("policy control: session", "refused", 2),
            ("policy control: Gx", "refused", 2),
            ("policy control: session", "permitted", 3),
            ("policy control: access", "permitted", 3),
        ]
    );
    assert_eq!((&verdicts[1]["rule"], &verdicts[1]["cause"]["protocol"]), (&json!("nobody"), &json!("5GSM")));
    assert_eq!(
        (&verdicts[2]["cause"]["protocol"], &verdicts[2]["cause"]["number"]),
        (&json!("ESM"), &json!(8))
    );
    // The session's name is no right to it.
    let names: Vec<_> = verdicts.iter().map(|one| one["session"].as_str().unwrap()).collect();
    assert_eq!((names[0], names[0]), (names[1], names[3]));
    assert!(!update.contains(names[0]));
}
