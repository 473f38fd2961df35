//! The operator's interface: documents are read strictly, versions follow each other, and a
//! session goes on under the next one.

use net_policy_worker::policy::document::{Document, Level};
use serde_json::{Value, json};

use super::world::{Card, OPERATIONAL, PROVISIONING, Reply, TOKEN, World, document, openapi, request};

/// As the operator; what is sent and what comes is as described.
fn call(world: &World, method: &str, path: &str, body: Option<&Value>, seen: Option<&str>) -> Reply {
    openapi().request(method, path, body).unwrap_or_else(|why| panic!("{why}"));
    send(world, method, path, body, seen)
}

/// The same with a request that is wrong.
fn send(world: &World, method: &str, path: &str, body: Option<&Value>, seen: Option<&str>) -> Reply {
    let mut sent = request(method, path, body, Some(&format!("Bearer {TOKEN}")));
    if let Some(seen) = seen {
        sent.headers_mut().insert("if-match", seen.parse().unwrap());
    }
    world.send(sent)
}

fn written(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = serde_json::to_value(document()).unwrap();
    change(&mut document);
    document
}

const POLICY: &str = "/network/policy";

#[test]
fn versions_follow_each_other() {
    let world = World::new();
    let first = call(&world, "GET", POLICY, None, None);
    assert_eq!((first.status, &first.raw.headers()["etag"]), (200, &"\"0\"".parse().unwrap()));
    assert_eq!(first.body["document"], serde_json::to_value(document()).unwrap());
    assert_eq!(call(&world, "GET", "/network/policy/history", None, None).body, json!([]));

    let other = written(|document| {
        document["note"] = "no messages".into();
        document["author"] = "somebody".into();
    });
    assert_eq!(call(&world, "PUT", POLICY, Some(&other), None).status, 428);
    for stale in ["\"1\"", "\"\"", "0", "W/\"0\"", "\"0\", \"1\"", "\"-0\""] {
        assert_eq!(call(&world, "PUT", POLICY, Some(&other), Some(stale)).status, 412, "{stale}");
    }
    let put = call(&world, "PUT", POLICY, Some(&other), Some("\"0\""));
    assert_eq!((put.status, &put.body["version"], &put.body["author"]), (200, &json!(1), &json!("somebody")));
    assert_eq!(put.raw.headers()["etag"], "\"1\"");
    // Whoever saw the one before has not seen this one.
    assert_eq!(call(&world, "PUT", POLICY, Some(&other), Some("\"0\"")).status, 412);
    assert_eq!(call(&world, "PUT", POLICY, Some(&other), Some("*")).body["version"], 2);
    assert_eq!(call(&world, "GET", POLICY, None, None).body["document"], other);

    let back = call(&world, "POST", "/network/policy/rollback", Some(&json!({ "to": 0 })), Some("\"2\""));
    assert_eq!((back.status, &back.body["version"], &back.body["rolledBackTo"]), (200, &json!(3), &json!(0)));
    let now = call(&world, "GET", POLICY, None, None).body;
    assert_eq!(now["document"]["rules"], first.body["document"]["rules"]);
    for (to, seen, status) in [(9, Some("*"), 404), (1, Some("\"2\""), 412), (1, None, 428)] {
        let reply = call(&world, "POST", "/network/policy/rollback", Some(&json!({ "to": to })), seen);
        assert_eq!(reply.status, status);
    }
    let history = call(&world, "GET", "/network/policy/history", None, None).body;
    let versions: Vec<_> = history.as_array().unwrap().iter().map(|entry| entry["version"].clone()).collect();
    assert_eq!(versions, [json!(3), json!(2), json!(1)]);
    assert_eq!(call(&world, "GET", "/network/policy/history/1", None, None).body["document"], other);
    assert_eq!(call(&world, "GET", "/network/policy/history/7", None, None).status, 404);
}

#[test]
fn history_is_bounded_and_never_loses_the_current() {
    let world = World::new();
    let document = written(|_| {});
    for version in 1..=105 {
        assert_eq!(call(&world, "PUT", POLICY, Some(&document), Some("*")).body["version"], version);
    }
    let history = call(&world, "GET", "/network/policy/history", None, None).body;
    let history = history.as_array().unwrap();
    assert_eq!(
        (history.len(), &history[0]["version"], &history[99]["version"]),
        (100, &json!(105), &json!(6))
    );
    assert_eq!(call(&world, "GET", "/network/policy/history/5", None, None).status, 404);
    assert_eq!(call(&world, "GET", POLICY, None, None).body["version"], 105);
    // What the deployment says is there for ever.
    assert_eq!(call(&world, "GET", "/network/policy/history/0", None, None).status, 200);
}

/// What is wrong, and where that is said to be.
fn mistakes() -> Vec<(Value, &'static str)> {
    let rule = |at: usize, path: &'static str, value: Value| {
        written(|document| {
            *document["rules"][at].pointer_mut(path).unwrap() = value;
        })
    };
    let field = |at: usize, path: &'static str, name: &'static str, value: Value| {
        written(|document| {
            document["rules"][at].pointer_mut(path).unwrap()[name] = value;
        })
    };
    let limits = "/then/connect/limits";
    vec![
        (written(|document| document["more"] = json!(1)), "more"),
        (written(|document| document["schema"] = json!("net-policy/2")), "schema"),
        (written(|document| document["smAccess"]["apn"] = json!("rnc1")), "smAccess.apn"),
        (
            written(|document| document["smAccess"]["entries"][0]["host"] = json!("127.0.0.1")),
            "smAccess.entries[0].host",
        ),
        (
            written(|document| document["smAccess"]["entries"][0]["host"] = json!("a b")),
            "smAccess.entries[0].host",
        ),
        (
            written(|document| {
                document["smAccess"]["entries"][1] = document["smAccess"]["entries"][0].clone()
            }),
            "smAccess.entries[1].host",
        ),
        (
            written(|document| document["smAccess"]["entries"][0]["paths"] = json!(["/gsma/../x/"])),
            "smAccess.entries[0].paths[0]",
        ),
        (
            written(|document| document["smAccess"]["entries"][0]["paths"] = json!(["/gsma"])),
            "smAccess.entries[0].paths[0]",
        ),
        (
            written(|document| document["smAccess"]["entries"][0]["methods"] = json!(["CONNECT"])),
            "smAccess.entries[0].methods[0]",
        ),
        (
            written(|document| document["smAccess"]["entries"][0]["addresses"] = json!(["203.0.113.300"])),
            "smAccess.entries[0].addresses[0]",
        ),
        (
            written(|document| document["smAccess"]["entries"][0]["addresses"] = json!(["203.0.113.0/33"])),
            "smAccess.entries[0].addresses[0]",
        ),
        (
            written(|document| document["classes"]["provisioning"] = json!([{ "prefix": "x" }])),
            "classes.provisioning[0]",
        ),
        (
            written(|document| {
                document["classes"]["provisioning"] =
                    json!([{ "from": "001010000000009", "to": "001010000000001" }])
            }),
            "classes.provisioning[0]",
        ),
        (rule(1, "/name", json!("emergency-call")), "rules[1].name"),
        (rule(1, "/name", json!("SM")), "rules[1].name"),
        (rule(1, "/name", json!("default")), "rules[1].name"),
        (rule(1, "/words", json!(" ")), "rules[1].words"),
        (rule(1, "/then", json!({})), "rules[1].then"),
        (rule(1, "/then", json!({ "permit": {}, "refuse": { "cause": "ESM 8" } })), "rules[1].then"),
        (rule(1, "/then", json!({ "allow": {} })), "rules[1].then"),
        (field(1, "/when", "clas", json!("provisioning")), "rules[1].when.clas"),
        (field(1, "/when", "question", json!(["fax"])), "rules[1].when.question[0]"),
        (field(1, "/when", "emergency", json!(true)), "rules[1].when.emergency"),
        (field(0, "/when", "destination", json!("sm")), "rules[0].when.destination"),
        (field(0, "/when", "apn", json!(["internet"])), "rules[0].when.apn"),
        (field(2, "/when", "apn", json!(["a*b"])), "rules[2].when.apn[0]"),
        (field(2, "/when", "tac", json!(["1"])), "rules[2].when.tac[0]"),
        (field(2, "/when", "visited", json!(["1"])), "rules[2].when.visited[0]"),
        (rule(2, "/when/question", json!(["voice"])), "rules[2].then.connect.apn"),
        (rule(2, "/then/connect/apn", json!("internet")), "rules[2].then.connect.apn"),
        (rule(2, "/then/connect/apn", json!("requested")), "rules[2].then.connect.apn"),
        (field(2, limits, "second", json!(1)), "rules[2].then.connect.limits.second"),
        (field(2, limits, "seconds", json!(0)), "rules[2].then.connect.limits.seconds"),
        (field(2, limits, "seconds", json!(43_201)), "rules[2].then.connect.limits.seconds"),
        (field(2, limits, "bytes", json!(-1)), "rules[2].then.connect.limits.bytes"),
        (rule(2, "/then/connect/qos/qci", json!(0)), "rules[2].then.connect.qos.qci"),
        (rule(2, "/then/connect/qos/arp/priority", json!(16)), "rules[2].then.connect.qos.arp.priority"),
        (
            field(2, "/then/connect", "ambr", json!({ "uplink": 0, "downlink": 1 })),
            "rules[2].then.connect.ambr",
        ),
        (field(2, "/then/connect", "ambr", json!({ "uplink": 1 })), "rules[2].then.connect.ambr"),
        (rule(3, "/then", json!({ "permit": {} })), "rules[3].then.permit"),
        (rule(3, "/then/refuse/cause", json!("ESM 255")), "rules[3].then.refuse.cause"),
        (
            rule(3, "/then/refuse/cause", json!({ "voice": "EMM 18", "sms": "EMM 18" })),
            "rules[3].then.refuse.cause",
        ),
        (json!([]), "."),
    ]
}

#[test]
fn a_document_that_is_refused_leaves_the_current_and_says_where_it_is_wrong() {
    let world = World::new();
    for (wrong, path) in mistakes() {
        let reply = send(&world, "PUT", POLICY, Some(&wrong), Some("\"0\""));
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
        let because = reply.body["because"].as_str().unwrap();
        assert!(
            because.contains(&format!("{path}: ")) || because.contains(&format!("{path} ")),
            "{path}: {because}"
        );
        let checked = send(&world, "POST", "/network/policy/check", Some(&wrong), None);
        assert_eq!((checked.status, &checked.body["accepted"]), (200, &json!(false)), "{path}");
    }
    let mut broken = request("PUT", POLICY, None, Some(&format!("Bearer {TOKEN}")));
    broken.headers_mut().insert("if-match", "*".parse().unwrap());
    *broken.body_mut() = b"{\"schema\":".to_vec();
    assert_eq!(world.send(broken.clone()).status, 400);
    *broken.body_mut() = vec![b' '; 4 * 1024 * 1024 + 1];
    assert_eq!(world.send(broken.clone()).status, 400);
    *broken.body_mut() = vec![b' '; 5 * 1024 * 1024 + 1];
    assert_eq!(world.send(broken).status, 413);
    let now = call(&world, "GET", POLICY, None, None).body;
    assert_eq!((&now["version"], &now["document"]), (&json!(0), &serde_json::to_value(document()).unwrap()));
}

/// As long as a document may be, and as much to work on as it can hold: still no more memory and
/// time than an isolate has.
#[test]
fn documents_of_pathological_size_are_refused_or_cheap() {
    let with = |imsis: &Value, rules: usize| {
        let document = written(|document| {
            let own = document["rules"].as_array_mut().unwrap();
            for at in 0..rules {
                own.push(json!({ "name": format!("more-{at}"), "words": "more",
                    "when": { "imsi": imsis }, "then": { "refuse": { "cause": "EMM 15" } } }));
            }
        });
        Document::read(document.to_string().as_bytes()).unwrap().examine()
    };
    // Each range is 252 beginnings: more than 15 million of them.
    let odd = json!({ "from": "000000000000001", "to": "999999999999998" });
    let findings = with(&json!(vec![odd; 1000]), 60);
    assert!(findings.iter().all(|finding| finding.level == Level::Warning), "{findings:?}");
    let findings = with(&json!(vec![json!({ "prefix": "1" }); 1000]), 101);
    let told = findings.iter().find(|finding| finding.level == Level::Error).unwrap();
    assert!(told.path == "rules" && told.says.contains("list more than 100000"), "{findings:?}");
    // Each pair of rules is a million pairs of beginnings, the one that covers always the last.
    let mut imsis: Vec<Value> = (0..999).map(|at| json!({ "prefix": format!("1{at:05}") })).collect();
    imsis.push(json!({ "prefix": "2" }));
    let findings = with(&json!(imsis), 90);
    assert!(findings.iter().all(|finding| finding.level == Level::Warning), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.says.contains("never reached")), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.says.contains("too many to look")), "{findings:?}");
}

#[test]
fn strange_documents_are_taken_with_a_warning() {
    let strange = |change: &dyn Fn(&mut Value), says: &str| {
        let value = written(|document| change(document));
        let document = Document::read(&serde_json::to_vec(&value).unwrap()).unwrap();
        let findings = document.examine();
        let found =
            findings.iter().any(|finding| finding.level == Level::Warning && finding.says.contains(says));
        assert!(
            found && findings.iter().all(|finding| finding.level == Level::Warning),
            "{says}: {findings:?}"
        );
    };
    strange(&|document| document["rules"] = json!([]), "everything is refused");
    strange(&|document| document["smAccess"]["entries"] = json!([]), "nobody reaches an SM");
    strange(
        &|document| document["rules"][5]["then"]["connect"]["apn"] = json!("iot"),
        "whether the contract has it",
    );
    strange(
        &|document| document["rules"][2]["then"]["connect"]["limits"] = json!({}),
        "without a limit of bytes",
    );
    strange(
        &|document| {
            let mut again = document["rules"][2].clone();
            again["name"] = "again".into();
            document["rules"].as_array_mut().unwrap().push(again);
        },
        "never reached: provisioning-apn",
    );
}

#[test]
fn a_dry_run_decides_and_changes_nothing() {
    let world = World::new();
    let other = written(|document| {
        document["rules"][2]["then"]["connect"]["apn"] = "walled.garden".into();
        document["rules"][2]["then"]["connect"]["beyondSm"] = true.into();
    });
    let facts = json!([
        { "imsi": PROVISIONING, "class": "provisioning", "question": { "kind": "connectivity", "apn": "internet" } },
        { "imsi": PROVISIONING, "class": "provisioning", "question": { "kind": "sms" } },
        { "imsi": OPERATIONAL, "class": "operational", "contract": { "apns": ["*"] }, "situation": { "access": "5g", "visited": "310410" },
          "used": { "attaches": 3 }, "question": { "kind": "connectivity", "apn": "x" } },
        { "imsi": OPERATIONAL, "class": "operational", "question": { "kind": "data", "destination": "elsewhere" } },
    ]);
    let path = "/network/policy/dry-run";
    let reply = call(&world, "POST", path, Some(&json!({ "document": other, "facts": facts })), None);
    assert_eq!(
        (reply.status, &reply.body["differing"], &reply.body["current"]),
        (200, &json!(1), &json!(0)),
        "{reply:?}"
    );
    let outcomes = &reply.body["outcomes"];
    assert_eq!(
        (&outcomes[0]["decision"]["apn"], &outcomes[0]["now"]["apn"]),
        (&json!("walled.garden"), &json!("sm.provisioning"))
    );
    assert_eq!((&outcomes[1]["decision"]["cause"]["number"], outcomes[1].get("now")), (&json!(18), None));
    assert_eq!(outcomes[2]["decision"]["apn"], "x");
    assert_eq!(outcomes[3]["decision"]["rule"], "service-not-in-contract");
    // The current one and an old one are decided by as well.
    for wanted in [json!({ "facts": facts }), json!({ "version": 0, "facts": facts })] {
        assert_eq!(call(&world, "POST", path, Some(&wanted), None).body["differing"], 0);
    }
    let wrong = [
        json!({ "facts": [] }),
        json!({ "version": 0, "document": other, "facts": facts }),
        json!({ "facts": [{ "imsi": "1", "class": "operational", "question": { "kind": "sms" } }] }),
        json!({ "facts": [{ "imsi": PROVISIONING, "class": "operational", "question": { "kind": "sms", "apn": "x" } }] }),
        json!({ "facts": [{ "imsi": PROVISIONING, "class": "operational", "question": { "kind": "data" } }] }),
    ];
    for wanted in wrong {
        assert_eq!(send(&world, "POST", path, Some(&wanted), None).status, 400, "{wanted}");
    }
    assert_eq!(call(&world, "POST", path, Some(&json!({ "version": 9, "facts": facts })), None).status, 404);
    assert_eq!(call(&world, "GET", POLICY, None, None).body["version"], 0);
}

#[test]
fn a_session_goes_on_under_the_next_policy() {
    let world = World::new();
    let session = world.session(&mut Card::new(), PROVISIONING);
    let sms = || {
        let path = format!("/network/sessions/{session}/service");
        let verdict = world.call("POST", &path, Some(&json!({ "kind": "sms", "to": "12345" }))).body;
        (verdict["verdict"].clone(), verdict["rule"].clone(), verdict["version"].clone())
    };
    assert_eq!(sms(), (json!("refused"), json!("provisioning-no-contract"), json!(0)));
    let es9 = "smdp.example/gsma/rsp2/es9plus/initiateAuthentication";
    assert_eq!(world.gateway(&session, es9).status, 200);

    let open = written(|document| {
        let rule = json!({ "name": "messages-for-all", "words": "a day of messages for everybody",
            "when": { "question": ["sms"] }, "then": { "permit": {} } });
        document["rules"].as_array_mut().unwrap().insert(0, rule);
        // And the SM moves.
        document["smAccess"]["entries"][0]["host"] = "other.example".into();
    });
    assert_eq!(call(&world, "PUT", POLICY, Some(&open), Some("*")).status, 200);
    assert_eq!(sms(), (json!("permitted"), json!("messages-for-all"), json!(1)));
    assert_eq!(world.gateway(&session, es9).status, 403);
    assert_eq!(world.gateway(&session, &es9.replace("smdp", "other")).status, 200);

    call(&world, "POST", "/network/policy/rollback", Some(&json!({ "to": 0 })), Some("*"));
    assert_eq!(sms(), (json!("refused"), json!("provisioning-no-contract"), json!(2)));
    let log = world.call("GET", &format!("/network/sessions/{session}/log"), None).body;
    let versions: Vec<_> =
        log.as_array().unwrap().iter().map(|entry| entry["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, [0, 0, 0, 1, 1, 1, 2]);
}

/// A policy that limits provisioning profiles so.
fn limited(limits: &Value) -> World {
    let world = World::new();
    let document = written(|document| document["rules"][2]["then"]["connect"]["limits"] = limits.clone());
    assert_eq!(call(&world, "PUT", POLICY, Some(&document), Some("*")).status, 200);
    world
}

fn es9(world: &World, session: &str) -> Reply {
    world.gateway(session, "smdp.example/gsma/rsp2/es9plus/initiateAuthentication")
}

fn refused_by_limit(reply: &Reply, says: &str) {
    assert_eq!((reply.status, &reply.body["rule"]), (429, &json!("provisioning-apn")), "{reply:?}");
    assert_eq!(
        (&reply.body["cause"]["protocol"], &reply.body["cause"]["number"]),
        (&json!("ESM"), &json!(26))
    );
    assert!(reply.body["because"].as_str().unwrap().contains(says), "{reply:?}");
}

#[test]
fn requests_of_a_minute_are_limited() {
    let world = limited(&json!({ "requestsPerMinute": 3, "bytes": 1000 }));
    let session = world.session(&mut Card::new(), PROVISIONING);
    for _ in 0..3 {
        assert_eq!(es9(&world, &session).status, 200);
    }
    refused_by_limit(&es9(&world, &session), "3 requests a minute");
    world.pass(59_999);
    refused_by_limit(&es9(&world, &session), "3 requests a minute");
    world.pass(1);
    assert_eq!(es9(&world, &session).status, 200);
    // What goes elsewhere is refused by its rule, and costs nothing.
    for _ in 0..5 {
        assert_eq!(world.gateway(&session, "www.example/").status, 403);
    }
    let view = world.call("GET", &format!("/network/sessions/{session}"), None).body;
    assert_eq!((&view["usage"]["requests"], &view["usage"]["refused"]), (&json!(4), &json!(2)));
    assert_eq!(view["usage"]["of"], json!({ "requestsPerMinute": 3, "bytes": 1000 }));
}

#[test]
fn bytes_are_limited_both_ways_answers_included() {
    let world = limited(&json!({ "bytes": 100, "bytesPerDay": 150, "seconds": 60 }));
    let mut card = Card::new();
    let session = world.session(&mut card, PROVISIONING);
    let answer =
        |bytes: usize| *world.sm.next.borrow_mut() = Some(Ok(http::Response::new(vec![b'x'; bytes])));
    // {"a":1} up, and 94 bytes down: nothing of an answer comes that is one byte too long.
    answer(94);
    refused_by_limit(&es9(&world, &session), "100 bytes a session has not enough left");
    // Twice up, and what is left down, to the last byte.
    answer(86);
    assert_eq!(es9(&world, &session).status, 200);
    refused_by_limit(&es9(&world, &session), "100 bytes a session is reached");
    let usage = call(&world, "GET", &format!("/network/subscribers/{PROVISIONING}/usage"), None, None).body;
    assert_eq!(usage["today"], json!({ "attaches": 1, "bytes": 100 }));
    assert_eq!(
        usage["total"],
        json!({ "attaches": 1, "requests": 2, "refused": 2, "bytesUp": 14, "bytesDown": 86 })
    );
    assert_eq!(usage["session"]["of"], json!({ "seconds": 60, "bytes": 100, "bytesPerDay": 150 }));

    // Another session has bytes again, until the day has none.
    let session = world.session(&mut card, PROVISIONING);
    answer(40);
    assert_eq!(es9(&world, &session).status, 200);
    refused_by_limit(&es9(&world, &session), "150 bytes a day has not enough left");
    answer(3);
    let path = format!("/network/sessions/{session}/http/smdp.example/gsma/rsp2/es9plus/x");
    let mut last = request("POST", &path, None, None);
    *last.body_mut() = b"{}".to_vec();
    assert_eq!(world.send(last.clone()).status, 429, "two bytes up, and none for the answer");
    last.body_mut().push(b' ');
    refused_by_limit(&world.send(last.clone()), "150 bytes a day has not enough left");
    last.body_mut().truncate(1);
    answer(0);
    assert_eq!(world.send(last.clone()).status, 200);
    refused_by_limit(&world.send(last), "150 bytes a day is reached");
    let attach = world.connect(&mut card, &json!({ "imsi": PROVISIONING }));
    assert_eq!((attach.status, &attach.body["cause"]["number"]), (403, &json!(26)), "{attach:?}");
    // A session's seconds are the rule's too, and the next day is another.
    world.pass(60_000);
    assert_eq!(world.call("GET", &format!("/network/sessions/{session}"), None).status, 410);
    world.pass(24 * 60 * 60_000);
    let session = world.session(&mut card, PROVISIONING);
    assert_eq!(es9(&world, &session).status, 200);
    assert_eq!(call(&world, "GET", "/network/subscribers/001010000000099/usage", None, None).status, 404);
}

#[test]
fn attaches_of_a_day_are_limited() {
    let world = limited(&json!({ "attachesPerDay": 2, "bytes": 1000 }));
    let mut card = Card::new();
    for _ in 0..2 {
        world.session(&mut card, PROVISIONING);
    }
    let refused = world.connect(&mut card, &json!({ "imsi": PROVISIONING }));
    assert_eq!((refused.status, &refused.body["rule"]), (403, &json!("provisioning-apn")));
    assert_eq!(
        (&refused.body["cause"]["protocol"], &refused.body["cause"]["number"]),
        (&json!("EMM"), &json!(22))
    );
    assert_eq!(refused.body["because"], "the limit of 2 attaches a day is reached");
    world.pass(24 * 60 * 60_000);
    world.session(&mut card, PROVISIONING);
}

#[test]
fn only_the_operator_reads_or_writes_the_policy() {
    let world = World::new();
    let document = openapi().json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let called = path
            .replace("{version}", "0")
            .replace("{imsi}", PROVISIONING)
            .replace("attach/{id}", &format!("attach/{}.e30.{}", "0".repeat(16), "0".repeat(32)))
            .replace("{id}", &"0".repeat(48))
            .replace("{authority}/{path}", "smdp.example/gsma/rsp2/es9plus/x");
        let methods = item.as_object().unwrap().iter().filter(|(_, operation)| operation.is_object());
        for (method, operation) in methods {
            let open = operation["security"].as_array().unwrap().is_empty();
            for authorization in [None, Some("Bearer wrong"), Some("Bearer ")] {
                let sent = request(&method.to_uppercase(), &called, Some(&json!({})), authorization);
                let status = world.send(sent).status;
                assert_eq!(status == 401, !open, "{method} {path}: {status}");
            }
        }
        // Other methods are known to be none.
        let token = if path.contains("pcf") || path.contains("gx") { super::world::CORE } else { TOKEN };
        // Whatever the method, the gateway gives its verdict.
        let methods = ["GET", "POST", "PUT", "DELETE", "PATCH"];
        for method in methods.into_iter().filter(|_| !path.contains("/http/")) {
            let sent = request(method, &called, Some(&json!({})), Some(&format!("Bearer {token}")));
            let status = world.send(sent).status;
            assert_eq!(status != 405, item.get(method.to_lowercase()).is_some(), "{method} {path}: {status}");
        }
    }
}
