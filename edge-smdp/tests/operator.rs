//! ES2+, the operator's interface and the door itself: states, codes, repeats,
//! and what is not JSON, not signed for, or not meant for us.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::*;
use edge_smdp::{Configuration, Limits, Protection, Server, SmDp};
use rsp::DataObject as _;
use rsp::auth::ServerSigned1;
use rsp::codes::{CancelSessionReason, ErrorReason};
use rsp::metadata::NotificationEvents;
use rsp_crypto::issue::Pki;
use rsp_crypto::{Curve, Software, ready};
use serde_json::{Value, json};

const SECOND: &str = "8900101000000000024";

/// What an eUICC would refuse at the end of the installation is refused at the beginning.
#[test]
fn metadata_of_another_profile_is_refused() {
    let world = World::new();
    let owner = |mcc: &str, mnc: &str| json!({ "mcc": mcc, "mnc": mnc });
    let group = |name: &str, id: &str| {
        let mut owner = owner("001", "01");
        owner[name] = json!(id);
        owner
    };
    let cases = [
        (owner("001", "01"), json!([]), 201),
        (owner("001", "01"), json!(["ppr1", "ppr2"]), 201),
        // The IMSI is 001010000000001.
        (owner("001", "010"), json!([]), 201),
        (owner("001", "02"), json!([]), 400),
        (owner("262", "01"), json!(["ppr2"]), 400),
        (owner("001", "011"), json!([]), 400),
        // It has no EF.GID1 and no EF.GID2: nothing is in them.
        (group("gid1", ""), json!([]), 201),
        (group("gid1", "0A"), json!([]), 400),
        (group("gid2", "0A"), json!([]), 400),
        (Value::Null, json!(["ppr1"]), 400),
        (Value::Null, json!(["ppr2"]), 400),
        (Value::Null, json!([]), 201),
    ];
    let subscriber =
        json!({ "iccid": ICCID, "imsi": "001010000000001", "k": "46".repeat(16), "opc": "CD".repeat(16) });
    for (owner, rules, expected) in cases {
        let mut metadata = metadata();
        metadata["profilePolicyRules"] = rules.clone();
        if !owner.is_null() {
            metadata["profileOwner"] = owner.clone();
        }
        for what in [("package", b64(&package(ICCID))), ("subscriber", subscriber.clone())] {
            let before = world.smdp.store().snapshot();
            let (status, answer) = world.add(&json!({ "metadata": metadata, what.0: what.1 }));
            // The second time it takes the place of the first.
            let status = if status == 200 { 201 } else { status };
            assert_eq!(status, expected, "{owner} {rules}: {answer}");
            if status == 400 {
                assert_eq!(world.smdp.store().snapshot(), before);
            }
        }
        // The same of a type: the rules at once, the owner with its subscribers.
        let path = "/operator/profile-types/own";
        let new = json!({ "name": "own", "template": "operational", "metadata": metadata });
        let status = world.request("PUT", path, Some(TOKEN), new.to_string().as_bytes()).status();
        let wrong_rules = owner.is_null() && rules != json!([]);
        assert_eq!(status == 400, wrong_rules, "{owner} {rules}");
        if !wrong_rules {
            let batch = json!({ "profileType": "own", "subscribers": [subscriber] }).to_string();
            let answer = world.request("POST", "/operator/subscribers", Some(TOKEN), batch.as_bytes());
            let answer: Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(answer["failed"], json!(u8::from(expected == 400)), "{owner} {rules}: {answer}");
        }
    }
}

/// A published package with a group identifier in EF.GID1.
#[test]
fn a_group_is_that_of_the_package() {
    let name = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
    let Some(published) = vectors::read(name) else { return };
    let world = World::new();
    let read = saip::Package::decode(&published).unwrap();
    let group = read.file(saip::TemplateKind::OptUsim, 5).and_then(Result::ok).unwrap_or_default();
    let held = group.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
    for (gid1, expected) in
        [(hex::encode(&group[..held]), 201), (format!("{}5A", hex::encode(&group[..held])), 400)]
    {
        let mut metadata = metadata();
        metadata["profileOwner"] = json!({ "mcc": "001", "mnc": "01", "gid1": gid1 });
        let (status, answer) = world.add(&json!({ "metadata": metadata, "package": b64(&published) }));
        assert_eq!(if status == 200 { 201 } else { status }, expected, "{gid1}: {answer}");
    }
}

#[test]
fn the_state_machine_of_orders() {
    let world = World::new();
    world.add_profile(ICCID);
    let code = |function: &str, body: Value| code_of(&world.es2(function, body));
    let confirm = json!({ "iccid": ICCID, "releaseFlag": false });
    let release = json!({ "iccid": ICCID });
    let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });

    // Available: only an order.
    assert_eq!(code("confirmOrder", confirm.clone()), "8.2.1/3.5");
    assert_eq!(code("releaseProfile", release.clone()), "8.2.1/3.5");
    assert_eq!(code("cancelOrder", cancel.clone()), "8.2.1/3.5");
    assert_eq!(code("downloadOrder", json!({ "iccid": ICCID })), "");
    assert_eq!(world.state(ICCID), "Allocated");
    assert_eq!(code("downloadOrder", json!({ "iccid": ICCID })), "8.2.1/3.3");
    assert_eq!(code("releaseProfile", release.clone()), "8.2.1/3.5");
    assert_eq!(code("confirmOrder", confirm.clone()), "");
    assert_eq!(world.state(ICCID), "Confirmed");
    assert_eq!(code("confirmOrder", confirm), "8.2.1/3.5");
    assert_eq!(code("releaseProfile", release.clone()), "");
    assert_eq!(world.state(ICCID), "Released");
    assert_eq!(code("releaseProfile", release), "8.2.1/3.5");
    assert_eq!(code("cancelOrder", cancel.clone()), "");
    assert_eq!(world.state(ICCID), "Available");

    // With an EID: Linked.
    assert_eq!(code("downloadOrder", json!({ "iccid": ICCID, "eid": EID })), "");
    assert_eq!(world.state(ICCID), "Linked");
    let with = |more: Value| {
        let mut body = json!({ "iccid": ICCID, "releaseFlag": true });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(code("confirmOrder", with(json!({ "eid": OTHER_EID }))), "8.1.1/3.10");
    assert_eq!(code("confirmOrder", with(json!({ "smdsAddress": "" }))), "8.9/5.1");
    assert_eq!(code("confirmOrder", with(json!({ "matchingId": "not allowed" }))), "8.2.6/3.8");
    let answer = world.es2("confirmOrder", with(json!({ "matchingId": "MATCH-1" })));
    assert_success(&answer);
    assert_eq!((&answer["eid"], &answer["matchingId"]), (&json!(EID), &json!("MATCH-1")));
    assert_eq!(answer["smdpAddress"], "smdp.example");
    let with = |more: Value| {
        let mut body = cancel.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(code("cancelOrder", with(json!({ "eid": OTHER_EID }))), "8.1.1/3.10");
    assert_eq!(code("cancelOrder", with(json!({ "matchingId": "OTHER" }))), "8.2.6/3.10");
    let last = json!({ "matchingId": "MATCH-1", "finalProfileStatusIndicator": "Unavailable" });
    assert_eq!(code("cancelOrder", with(last)), "");
    assert_eq!(world.state(ICCID), "Unavailable");
    assert_eq!(code("downloadOrder", json!({ "iccid": ICCID })), "8.2.1/1.2");
}

#[test]
fn what_es2_refuses_of_identifiers() {
    let world = World::new();
    world.add_profile(ICCID);
    let code = |function: &str, body: Value| code_of(&world.es2(function, body));
    let unknown = "8900101000000009991";
    for iccid in [unknown, "12", "x"] {
        assert_eq!(code("downloadOrder", json!({ "iccid": iccid })), "8.2.1/3.9");
        assert_eq!(code("confirmOrder", json!({ "iccid": iccid, "releaseFlag": true })), "8.2.1/3.9");
        assert_eq!(code("releaseProfile", json!({ "iccid": iccid })), "8.2.1/3.9");
        let cancel = json!({ "iccid": iccid, "finalProfileStatusIndicator": "Available" });
        assert_eq!(code("cancelOrder", cancel), "8.2.1/3.9");
    }
    assert_eq!(code("downloadOrder", json!({ "iccid": ICCID, "eid": "12" })), "8.1.1/2.1");
    assert_eq!(code("downloadOrder", json!({})), "1.3.1/2.2");
    assert_eq!(code("downloadOrder", json!({ "iccid": ICCID, "profileType": "x" })), "8.2.1/3.10");
    assert_eq!(code("downloadOrder", json!({ "profileType": "none" })), "8.2.5/3.9");
    assert_eq!(code("downloadOrder", json!({ "iccid": ICCID })), "");
    let empty = json!({ "iccid": ICCID, "matchingId": "", "releaseFlag": true });
    assert_eq!(code("confirmOrder", empty), "8.1.1/2.2", "found by EID, but there is none");
}

#[test]
fn a_matching_id_belongs_to_one_order() {
    let world = World::new();
    world.add_profile(ICCID);
    world.add_profile(SECOND);
    world.release(ICCID, json!({ "matchingId": "SAME" }));
    assert_success(&world.es2("downloadOrder", json!({ "iccid": SECOND })));
    let confirm = json!({ "iccid": SECOND, "matchingId": "SAME", "releaseFlag": true });
    assert_eq!(code_of(&world.es2("confirmOrder", confirm.clone())), "8.2.6/3.3");
    let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
    assert_success(&world.es2("cancelOrder", cancel));
    assert_success(&world.es2("confirmOrder", confirm));
    let (open, _) = world.euicc().download(&world, Some("SAME"), None).unwrap();
    let metadata: rsp::metadata::StoreMetadata = rsp::DataObject::decode(&open.metadata).unwrap();
    assert_eq!(metadata.iccid.to_string(), SECOND);
}

#[test]
fn generated_matching_ids_differ() {
    let world = World::new();
    let mut seen = std::collections::BTreeSet::new();
    for number in 10..20 {
        let iccid = format!("89001010000000{number}0010");
        world.add_profile(&iccid);
        let id = world.release(&iccid, json!({}));
        assert_eq!(id.len(), 23, "{id}");
        assert!(seen.insert(id));
    }
}

#[test]
fn profiles_of_a_type_are_given_once_each() {
    let world = World::new();
    for iccid in [ICCID, SECOND] {
        let body = json!({ "metadata": metadata(), "package": b64(&package(iccid)), "profileType": "plan" });
        assert_eq!(world.add(&body).0, 201);
    }
    let call = |id: &str| {
        let header = json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": id });
        world.es2_as_it_is("downloadOrder", &json!({ "header": header, "profileType": "plan" }))
    };
    let first = call("a");
    assert_success(&first);
    assert_eq!(call("a"), first, "a repeat gets the same profile");
    let second = call("b");
    assert_success(&second);
    assert_ne!(first["iccid"], second["iccid"]);
    assert_eq!(code_of(&call("c")), "8.2.5/3.7");
    assert_eq!(call("b"), second);
}

#[test]
fn a_call_is_executed_once() {
    let world = World::new();
    world.add_profile(ICCID);
    let body = |id: &str, more: Value| {
        let header = json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": id });
        let mut body = json!({ "header": header, "iccid": ICCID });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let ordered = world.es2_as_it_is("downloadOrder", &body("1", json!({})));
    assert_success(&ordered);
    assert_eq!(world.es2_as_it_is("downloadOrder", &body("1", json!({}))), ordered);
    let confirm = body("2", json!({ "releaseFlag": true }));
    let confirmed = world.es2_as_it_is("confirmOrder", &confirm);
    assert_success(&confirmed);
    assert_eq!(world.es2_as_it_is("confirmOrder", &confirm), confirmed, "with the same generated id");
    // The same name for another request.
    let other = body("2", json!({ "releaseFlag": false }));
    assert_eq!(code_of(&world.es2_as_it_is("confirmOrder", &other)), "1.6/3.3");
    assert_eq!(code_of(&world.es2_as_it_is("releaseProfile", &body("2", json!({})))), "1.6/3.3");
    assert_eq!(code_of(&world.es2_as_it_is("releaseProfile", &body("", json!({})))), "1.3.1/2.2");
    assert_eq!(world.events(ICCID), ["added", "ordered", "confirmed", "released"]);
}

/// What can't be an activation code is no matching id of an order.
#[test]
fn a_matching_id_fits_its_activation_code() {
    let world = World::new();
    world.add_profile(ICCID);
    assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
    let confirm = |length: usize| {
        let body = json!({ "iccid": ICCID, "matchingId": "A".repeat(length), "releaseFlag": true });
        world.es2("confirmOrder", body)
    };
    // `1$` and the address, `$`, and behind it `$$1` where a confirmation code is asked for.
    let most = 255 - "1$".len() - "smdp.example".len() - "$".len() - "$$1".len();
    assert_eq!(code_of(&confirm(most + 1)), "8.2.6/3.8");
    assert_eq!(world.state(ICCID), "Allocated");
    assert_success(&confirm(most));
    let order = world.operator(&format!("orders/{ICCID}"));
    let code = order["activationCode"].as_str().unwrap();
    assert!(code.parse::<rsp::ActivationCode>().is_ok(), "{code}");
}

/// However late a call comes again: what it did is not done to the orders after it.
#[test]
fn an_old_call_is_not_executed_again() {
    let world = World::new();
    world.add_profile(ICCID);
    let call = |function: &str, id: &str, more: Value| {
        let header = json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": id });
        let mut body = json!({ "header": header, "iccid": ICCID });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.es2_as_it_is(function, &body)
    };
    let available = || json!({ "finalProfileStatusIndicator": "Available" });
    // The first order takes three calls, each of the others after it as many.
    for round in 0..5 {
        assert_success(&call("downloadOrder", &format!("order {round}"), json!({})));
        let flag = json!({ "releaseFlag": true });
        assert_success(&call("confirmOrder", &format!("confirm {round}"), flag));
        if round < 4 {
            assert_success(&call("cancelOrder", &format!("cancel {round}"), available()));
        }
    }
    let before = world.events(ICCID);
    for (function, id, more) in [
        ("cancelOrder", "cancel 0", available()),
        ("downloadOrder", "order 0", json!({})),
        ("confirmOrder", "confirm 0", json!({ "releaseFlag": true })),
    ] {
        assert_eq!(code_of(&call(function, id, more)), "1.6/3.3", "{id}");
    }
    assert_eq!(world.state(ICCID), "Released");
    assert_eq!(world.events(ICCID), before);
    // A new one is.
    assert_success(&call("cancelOrder", "cancel at last", available()));
}

/// A server that has handed one profile out, and the eUICC that it went to.
fn downloaded() -> (World, Euicc, Open) {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
    (world, euicc, open)
}

/// What an eUICC says after a download.
type Word = fn(&World, &Euicc, &Open);

/// An eUICC that gives a package back and installs it all the same is believed when it says so: its
/// profile is not given to another.
#[test]
fn a_profile_that_was_given_back_and_is_installed_is_not_given_to_another() {
    let available = |world: &World| {
        let body = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
        code_of(&world.es2("cancelOrder", body))
    };
    let given_back: [Word; 2] = [
        |world, euicc, open| {
            let cancelled = euicc.cancel(world, open, CancelSessionReason::POSTPONED, "2.999.10");
            assert_success(&cancelled);
        },
        |world, euicc, open| {
            let failed = euicc.installation_result(open, Some(ICCID), Some(ErrorReason::INTERRUPTION));
            assert_eq!(world.notify(&failed).0, 204);
        },
    ];
    let installed: [Word; 2] = [
        |world, euicc, open| {
            assert_eq!(world.notify(&euicc.installation_result(open, Some(ICCID), None)).0, 204)
        },
        |world, euicc, _| {
            let enabled = euicc.other_notification(NotificationEvents::ENABLE, ICCID);
            assert_eq!(world.notify(&enabled).0, 204);
        },
    ];
    for give_back in given_back {
        for install in installed {
            let (world, euicc, open) = downloaded();
            give_back(&world, &euicc, &open);
            assert_eq!(world.state(ICCID), "Released");
            install(&world, &euicc, &open);
            assert_eq!(world.state(ICCID), "Installed");
            assert_eq!(available(&world), "8.2.1/3.5");
        }
        // An order that was cancelled in between, either way: the profile is out of use then, and its
        // record stays, so that it can't be uploaded for another.
        for (indicator, install) in ["Available", "Unavailable"].into_iter().zip(installed) {
            let (world, euicc, open) = downloaded();
            give_back(&world, &euicc, &open);
            let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": indicator });
            assert_success(&world.es2("cancelOrder", cancel));
            install(&world, &euicc, &open);
            assert_eq!(world.state(ICCID), "Unavailable", "{indicator}");
            let path = format!("/operator/profiles/{ICCID}");
            assert_eq!(world.request("DELETE", &path, Some(TOKEN), b"").status(), 409, "{indicator}");
        }
        // Also where the profile was uploaded once more after it had become available again.
        for install in installed {
            let (world, euicc, open) = downloaded();
            give_back(&world, &euicc, &open);
            assert_eq!(available(&world), "");
            let anew = json!({ "metadata": metadata(), "package": b64(&package(ICCID)) });
            assert_eq!(world.add(&anew).0, 200);
            install(&world, &euicc, &open);
            assert_eq!(world.state(ICCID), "Unavailable");
        }
        // Where it says nothing more, the order goes on as it should.
        let (world, euicc, open) = downloaded();
        give_back(&world, &euicc, &open);
        assert_eq!(available(&world), "");
    }
}

/// What a result is of is told by its session: one profile can't be called installed by the
/// result of another.
#[test]
fn a_result_is_of_the_profile_of_its_session() {
    let world = World::new();
    world.add_profile(ICCID);
    world.add_profile(SECOND);
    let euicc = world.euicc();
    let first = world.release(ICCID, json!({}));
    let second = world.release(SECOND, json!({}));
    let (open, _) = euicc.download(&world, Some(&first), None).unwrap();
    // The second is bound to the same eUICC, and nothing of it was handed out.
    euicc.authenticate(&world, Some(&second)).unwrap();
    let before = world.events(SECOND);
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(SECOND), None)).0, 400);
    assert_eq!((world.state(ICCID).as_str(), world.state(SECOND).as_str()), ("Downloaded", "Released"));
    assert_eq!(world.events(SECOND), before);
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    assert_eq!(world.state(ICCID), "Installed");
}

#[test]
fn what_was_handed_out_cannot_become_available() {
    let (world, euicc, open) = downloaded();
    let cancel = |status: &str| {
        let body = json!({ "iccid": ICCID, "finalProfileStatusIndicator": status });
        code_of(&world.es2("cancelOrder", body))
    };
    assert_eq!(cancel("Available"), "8.2.1/3.5");
    // Until the eUICC says that it has not got it.
    let result = euicc.installation_result(&open, Some(ICCID), Some(ErrorReason::INTERRUPTION));
    assert_eq!(world.notify(&result).0, 204);
    assert_eq!(cancel("Available"), "");
    assert_eq!(world.state(ICCID), "Available");

    let matching_id = world.release(ICCID, json!({}));
    let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    assert_eq!(cancel("Unavailable"), "8.2.1/3.5", "installed");
}

#[test]
fn packages_are_checked_and_stay_once_ordered() {
    let world = World::new();
    let package = package(ICCID);
    let add = |metadata: Value, package: &[u8]| {
        let (status, answer) = world.add(&json!({ "metadata": metadata, "package": b64(package) }));
        if status >= 400 {
            assert_eq!(answer["status"], status, "a problem document");
        }
        status
    };
    assert_eq!(add(metadata(), &package), 201);
    assert_eq!(add(metadata(), &package), 200, "replaced while nobody has ordered it");
    let mut other = metadata();
    other["iccid"] = json!(SECOND);
    assert_eq!(add(other, &package), 400, "the ICCID of another package");
    let mut long = metadata();
    long["serviceProviderName"] = json!("x".repeat(33));
    assert_eq!(add(long, &package), 400);
    assert_eq!(add(metadata(), &package[..package.len() - 1]), 400);
    assert_eq!(add(metadata(), &package[10..]), 400);
    assert_eq!(add(metadata(), b""), 400);
    let nothing = json!({ "metadata": metadata() });
    assert_eq!(world.add(&nothing).0, 400);
    for (name, value) in [("k", json!("zz")), ("imsi", json!("1")), ("algorithm", json!("des"))] {
        let mut subscriber = json!({ "iccid": ICCID, "imsi": "001010000000001",
            "k": "465b5ce8b199b49faa5f0a2ee238a6bc", "opc": "cd63cb71954a9f4e48a5994e37a02baf" });
        subscriber[name] = value;
        assert_eq!(world.add(&json!({ "metadata": metadata(), "subscriber": subscriber })).0, 400, "{name}");
    }
    assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
    assert_eq!(add(metadata(), &package), 409);
}

#[test]
fn nobody_but_the_operator() {
    let world = World::new();
    for (method, path) in [
        ("POST", "/gsma/rsp2/es2plus/downloadOrder"),
        ("POST", "/operator/profiles"),
        ("GET", "/operator/profiles"),
        ("GET", "/operator/orders/8900101000000000016"),
        ("GET", "/operator/notifications"),
    ] {
        let status = |token| world.request(method, path, token, b"{}").status().as_u16();
        assert_eq!(status(None), 401, "{path}");
        assert_eq!(status(Some("wrong")), 403, "{path}");
        assert_eq!(status(Some("")), 403, "{path}");
        assert!(![401, 403].contains(&status(Some(TOKEN))), "{path}");
        let response = world.request(method, path, Some("operator-toke"), b"{}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
    let response = world.request("GET", "/operator/health", None, b"");
    assert_eq!(response.status(), 200);
    let unknown = world.request("GET", "/operator/orders/8900101000000009991", Some(TOKEN), b"");
    assert_eq!(unknown.status(), 404);
}

#[test]
fn browsers_are_let_in_to_es9_only() {
    let world = World::new();
    let response = world.request("OPTIONS", "/gsma/rsp2/es9plus/initiateAuthentication", None, b"");
    assert_eq!(response.status(), 204);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["access-control-allow-headers"], "content-type, x-admin-protocol");
    let response = world.request("POST", "/gsma/rsp2/es9plus/initiateAuthentication", None, b"{");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["x-admin-protocol"], "gsma/rsp/v2.2.2");
    for path in ["/gsma/rsp2/es2plus/downloadOrder", "/operator/profiles"] {
        let response = world.request("OPTIONS", path, None, b"");
        assert!(response.headers().get("access-control-allow-origin").is_none(), "{path}");
    }
}

#[test]
fn bad_input_is_answered_and_changes_nothing() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let before = world.operator(&format!("orders/{ICCID}"));
    let id = &open.transaction_id;
    let path = |function: &str| format!("/gsma/rsp2/es9plus/{function}");
    let functions = [
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "handleNotification",
        "cancelSession",
    ];
    let long = vec![b' '; edge_smdp::router::MAX_BODY + 1];
    for function in functions {
        for body in [&b""[..], b"{", b"[]", b"null", b"{}", b"\xFF\xFE", b"{\"transactionId\":7}"] {
            let response = world.request("POST", &path(function), None, body);
            assert_eq!(response.status(), 400, "{function}");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
        assert_eq!(world.request("GET", &path(function), None, b"").status(), 405);
        assert_eq!(world.request("POST", &path(function), None, &long).status(), 413);
    }
    // Every cut and many changes of a good message: answered, never accepted.
    let own = euicc.one_time_key();
    let good = euicc.prepare_download(&open, own.public(), None);
    let send = |bytes: &[u8]| {
        let body = json!({ "transactionId": id, "prepareDownloadResponse": b64(bytes) }).to_string();
        let response = world.request("POST", &path("getBoundProfilePackage"), None, body.as_bytes());
        let text = String::from_utf8(response.body().clone()).unwrap();
        assert!([200, 400].contains(&response.status().as_u16()), "{text}");
        assert!(!text.contains("boundProfilePackage"), "{text}");
    };
    for cut in 0..good.len() {
        send(&good[..cut]);
    }
    for at in 10..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 0x41;
        // The choice tag of a refusal would end the session by intent.
        if changed[3] == good[3] {
            send(&changed);
        }
    }
    assert_eq!(world.operator(&format!("orders/{ICCID}")), before);
    assert_eq!(world.request("POST", "/gsma/rsp2/es9plus/unknown", None, b"{}").status(), 404);
    assert_eq!(world.request("GET", "/", None, b"").status(), 404);
    assert_eq!(world.request("POST", "/gsma/rsp2/es2plus/unknown", Some(TOKEN), b"{}").status(), 404);
    assert_eq!(world.request("POST", "/gsma/rsp2/es2plus/downloadOrder", Some(TOKEN), b"{}").status(), 400);
}

#[test]
fn a_wrong_configuration_is_told_and_quotes_nothing() {
    let pki = pki(1);
    let good = json!({ "sets": [credential_set(&pki)] });
    let check = |credentials: &Value, secret: &str, addresses: &str| {
        let text = credentials.to_string();
        let configuration =
            Configuration { credentials: &text, secret, addresses, ..Configuration::default() };
        ready(Server::new(Software::new(rng(2)), &configuration)).err().map(|error| error.to_string())
    };
    let secret = "000102030405060708090a0b0c0d0e0f";
    assert_eq!(check(&good, secret, "smdp.example"), None);
    let wrong = |error: Option<String>, part: &str| {
        let error = error.unwrap();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains(secret), "{error}");
    };
    wrong(check(&good, "00", "smdp.example"), "SMDP_SECRET");
    wrong(check(&good, secret, ""), "SMDP_ADDRESSES");
    wrong(check(&good, secret, "https://smdp.example"), "SMDP_ADDRESSES");
    wrong(check(&json!({ "sets": [] }), secret, "smdp.example"), "no set");
    wrong(check(&json!({ "sets": "x" }), secret, "smdp.example"), "SMDP_CREDENTIALS");
    let mut other_oid = good.clone();
    other_oid["oid"] = json!("2.999.11");
    wrong(check(&other_oid, secret, "smdp.example"), "oid");
    let mut swapped = good.clone();
    swapped["sets"][0]["dpAuth"] = good["sets"][0]["dpPb"].clone();
    wrong(check(&swapped, secret, "smdp.example"), "dpAuth.certificate");
    let mut other_key = good.clone();
    other_key["sets"][0]["dpPb"]["privateKey"] = good["sets"][0]["dpAuth"]["privateKey"].clone();
    wrong(check(&other_key, secret, "smdp.example"), "dpPb.privateKey");
    let mut other_ci = good;
    other_ci["sets"][0]["ciCertificate"] = credential_set(&common::pki(9))["ciCertificate"].clone();
    wrong(check(&other_ci, secret, "smdp.example"), "dpAuth.certificate");
}

/// What says who is let in by a proxy but can't be understood lets nobody in, keeps LPAs from
/// nothing, and is told.
#[test]
fn an_access_proxy_that_is_not_understood_is_told() {
    let health = |operator_access, operator_token| {
        let world = World::configured(&[], |c| Configuration { operator_access, operator_token, ..c });
        let response = world.request("GET", "/operator/health", None, b"");
        assert_eq!(response.status(), 200);
        let health: Value = serde_json::from_slice(response.body()).unwrap();
        let told = health["warnings"].to_string();
        assert_eq!(world.smdp.server().warnings().is_empty(), !told.contains("OPERATOR_ACCESS"), "{told}");
        (health["operator"].as_bool().unwrap(), told.contains("OPERATOR_ACCESS"))
    };
    let sound = r#"{"issuer":"https://team.example","audience":"app-1"}"#;
    assert_eq!(health(None, None), (false, false));
    assert_eq!(health(Some(sound), None), (true, false));
    for bad in ["", " ", "{}", "team", r#"{"issuer":"http://team.example","audience":"app-1"}"#] {
        assert_eq!(health(Some(bad), None), (false, true), "{bad}");
        assert_eq!(health(Some(bad), Some(TOKEN)), (true, true), "{bad}");
    }
}

/// Whom an access proxy has let in is known by what a browser adds by itself, also to what a page of
/// another site has it send (Fetch §4.4, "CORS-preflight fetch"): without asking first only with the
/// media types of a form, or with none.
#[test]
fn a_page_of_another_site_does_not_act_for_who_a_proxy_lets_in() {
    use edge_smdp::access::OperatorProven;
    let world = World::new();
    world.add_profile(ICCID);
    let order = json!({ "orders": [{ "iccid": ICCID }] }).to_string();
    let release = format!("/operator/orders/{ICCID}/release");
    let call = json!({ "header": { "functionRequesterIdentifier": "2.999.2",
                                   "functionCallIdentifier": "forged" }, "iccid": ICCID })
    .to_string();
    let answer = |path: &str, media_type: Option<&str>, body: &str| {
        let mut request = http::Request::builder().method("POST").uri(path);
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        let mut request = request.body(body.as_bytes().to_vec()).unwrap();
        request.extensions_mut().insert(OperatorProven);
        let response = ready(world.smdp.handle(request));
        openapi::check("POST", path, &response);
        response.status().as_u16()
    };
    let calls = [
        ("/operator/orders", order.as_str()),
        ("/gsma/rsp2/es2plus/downloadOrder", &call),
        (&release, ""),
        ("/operator/subscribers?profileType=operational", "iccid,imsi,k\n"),
    ];
    for (path, body) in calls {
        for of_a_form in
            [None, Some("text/plain;charset=UTF-8"), Some("application/x-www-form-urlencoded"), Some("")]
        {
            assert_eq!(answer(path, of_a_form, body), 415, "{path} {of_a_form:?}");
        }
    }
    assert_eq!(world.state(ICCID), "Available");
    for (path, body) in &calls[..2] {
        assert_eq!(answer(path, Some("application/json; charset=utf-8"), body), 200, "{path}");
    }
    assert_eq!(answer(calls[3].0, Some("text/csv"), calls[3].1), 200);
    // A browser that asks first is told nothing that would let the page go on.
    let asked = world.request("OPTIONS", "/operator/orders", None, b"");
    assert!(!asked.status().is_success() && asked.headers().get("access-control-allow-origin").is_none());
}

/// A secret of the platform holds 5 kB: each CI may come in one of its own.
#[test]
fn credentials_in_several_documents_are_as_one() {
    let (first, second) = (pki(1), pki_on(Curve::BrainpoolP256r1, 9));
    let document = |pki: &Pki| json!({ "oid": "2.999.10", "sets": [credential_set(pki)] }).to_string();
    let text = format!("{}\n{}", document(&first), document(&second));
    let server = server(&text, Protection::default(), Limits::default());
    let mut world = World::new();
    world.smdp = SmDp::new(Rc::new(server), TestStore::new(), Rc::clone(&world.clock), RefCell::new(rng(3)))
        .with_courier(Rc::clone(&world.post));
    for pki in [&first, &second] {
        assert_eq!(Euicc::new(pki, EID).authenticate(&world, Some("UNKNOWN")).err().unwrap(), "8.2.6/3.8");
    }
}

/// The lines of one session are found by what they have in common; no line has what an eUICC, a
/// session or a profile is known by elsewhere.
#[test]
fn the_lines_of_a_session_belong_together() {
    use edge_smdp::log::{Identifiers, Line};
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let (euicc, mut lines) = (world.euicc(), Vec::new());
    let mut call = |function: &str, body: &Value| -> Value {
        let path = format!("/gsma/rsp2/es9plus/{function}");
        let response = world.request("POST", &path, None, body.to_string().as_bytes());
        let line = response.extensions().get::<Line>().unwrap();
        let short = line.json(Identifiers::Shortened, Some(0));
        for secret in [EID, ICCID, &matching_id] {
            assert!(!short.contains(secret), "{short}");
        }
        assert!(!short.contains(&line.about.session.as_ref().unwrap().to_string()), "{short}");
        lines.push(serde_json::from_str::<Value>(&short).unwrap());
        serde_json::from_slice(response.body()).unwrap_or_default()
    };
    let answer = call("initiateAuthentication", &euicc.initiate_request());
    let id = answer["transactionId"].as_str().unwrap();
    let server = ServerSigned1::decode(&unb64(&answer["serverSigned1"])).unwrap();
    let signed1 = euicc.signed1(&server, Some(&matching_id));
    let open = Open::read(&call("authenticateClient", &euicc.authenticate_request(id, signed1).0));
    let prepared = euicc.prepare_download(&open, euicc.one_time_key().public(), None);
    call(
        "getBoundProfilePackage",
        &json!({ "transactionId": id, "prepareDownloadResponse": b64(&prepared) }),
    );
    let result = euicc.installation_result(&open, Some(ICCID), None);
    call("handleNotification", &json!({ "pendingNotification": b64(&result) }));
    let session = lines[0]["session"].as_str().unwrap();
    assert_eq!(session.len(), 12);
    assert!(lines.iter().all(|line| line["session"] == session), "{lines:?}");
    assert_eq!(lines[1]["requester"], "890490…0017");
    assert!(lines[1..].iter().all(|line| line["profile"] == "890010…0016"), "{lines:?}");
}

/// The time line tells of every step who has caused it.
#[test]
fn the_time_line_tells_who_caused_what() {
    let world = World::with(Protection::default(), Limits { order: 1000, ..Limits::default() }, &[]);
    world.add_profile(ICCID);
    let causes = |world: &World, path: &str| -> Vec<(String, Option<String>)> {
        let listed = world.operator(path);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let events = listed["events"].as_array().unwrap();
        events.iter().map(|event| (text(&event["event"]).unwrap(), text(&event["by"]))).collect()
    };
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    euicc.download(&world, Some(&matching_id), None).unwrap();
    let (path, cancel) =
        (format!("/operator/orders/{ICCID}/cancel"), r#"{"finalProfileStatusIndicator":"Unavailable"}"#);
    assert_eq!(world.request("POST", &path, Some(TOKEN), cancel.as_bytes()).status(), 200);
    let (console, system) = (Some("operator-token"), Some("2.999.2"));
    let expected: Vec<(String, Option<String>)> = [
        ("added", console),
        ("ordered", system),
        ("confirmed", system),
        ("released", system),
        ("authenticated", Some(EID)),
        ("downloaded", Some(EID)),
        ("orderCancelled", console),
    ]
    .map(|(event, by)| (event.to_owned(), by.map(str::to_owned)))
    .into();
    assert_eq!(causes(&world, &format!("orders/{ICCID}")), expected);
    let mut journal = causes(&world, &format!("events?iccid={ICCID}"));
    journal.reverse();
    journal.sort_by_key(|(event, _)| expected.iter().position(|(other, _)| other == event));
    assert_eq!(journal, expected);
    // What comes about by itself nobody has caused.
    const OTHER: &str = "8900101000000000024";
    world.add_profile(OTHER);
    world.release(OTHER, json!({}));
    world.wait(1001);
    world.tend();
    let causes = causes(&world, &format!("orders/{OTHER}"));
    assert_eq!(causes.last().unwrap(), &("expired".to_owned(), None));
}

/// Check digits of ICCID (ITU-T E.118) and EID (SGP.29) are there for what people type: numbers that
/// break the rule are in use, so they are warned of and taken.
#[test]
fn what_looks_mistyped_is_warned_of_and_taken() {
    let world = World::new();
    // Luhn's digit behind 890010100000000001 is 9. The first EID is SGP.26's, of the other two digits are
    // the wrong way round.
    const GOOD: &str = "8900101000000000019";
    const WRONG: &str = "8900101000000000016";
    let eids = ["89049032123451234512345678901235", "89049032123451234512345678901325"];
    for (iccid, warned) in [(GOOD, json!(null)), (WRONG, json!(["iccidCheckDigit"]))] {
        let body = json!({ "metadata": metadata(), "package": b64(&package(iccid)), "profileType": iccid });
        let (status, answer) = world.add(&body);
        assert_eq!((status, &answer["warnings"]), (201, &warned), "{iccid}");
    }
    for (iccid, eid, warned) in [
        (GOOD, eids[0], json!(null)),
        (GOOD, eids[1], json!(["eidCheckDigits"])),
        (WRONG, eids[1], json!(["iccidCheckDigit", "eidCheckDigits"])),
    ] {
        let order = json!({ "orders": [{ "iccid": iccid, "eid": eid }] }).to_string();
        let response = world.request("POST", "/operator/orders", Some(TOKEN), order.as_bytes());
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(answer["results"][0]["state"], "Released", "{answer}");
        assert_eq!(answer["results"][0]["warnings"], warned, "{answer}");
        assert_eq!(world.operator(&format!("orders/{iccid}"))["warnings"], warned);
        let cancel = json!({ "iccid": iccid, "finalProfileStatusIndicator": "Available" });
        assert_success(&world.es2("cancelOrder", cancel));
    }
}

/// `X-Admin-Protocol` (SGP.22 §6.2): what a peer says that it speaks.
#[test]
fn who_speaks_another_protocol_is_told_so() {
    let world = World::new();
    world.add_profile(ICCID);
    let before = world.operator("profiles");
    let ask = |path: &str, said: &[&str]| {
        let mut request = http::Request::builder().method("POST").uri(path);
        request = request.header("authorization", format!("Bearer {TOKEN}"));
        for said in said {
            request = request.header("x-admin-protocol", *said);
        }
        let body = if path.contains("es9plus") {
            world.euicc().initiate_request()
        } else {
            let header = json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": "1" });
            json!({ "header": header, "iccid": "8900101000000000099" })
        };
        ready(world.smdp.handle(request.body(body.to_string().into_bytes()).unwrap()))
    };
    let es2 = "/gsma/rsp2/es2plus/downloadOrder";
    for path in ["/gsma/rsp2/es9plus/initiateAuthentication", es2] {
        for said in
            [&["gsma/rsp/v2.2.2"][..], &["gsma/rsp/v2.0.0"], &["gsma/rsp/v2.5.0"], &["gsma/rsp/v3.1.0"], &[]]
        {
            let response = ask(path, said);
            assert_eq!(response.status(), 200, "{said:?}");
            assert_eq!(response.headers()["x-admin-protocol"], "gsma/rsp/v2.2.2");
        }
        for said in [
            &[""][..],
            &["2.2.2"],
            &["gsma/rsp/v2.2"],
            &["gsma/rsp/v2.2.2.2"],
            &["gsma/rsp/v2.2.x"],
            &["gsma/rsp/v1.1.0"],
            &["gsma/rsp/v+2.2.2"],
            &["gsma/rsp/v2.999.0"],
            &["gsma/rsp/v2.2.2", "gsma/rsp/v2.2.2"],
            &["http/1.1"],
        ] {
            let response = ask(path, said);
            assert_eq!(response.status(), 400, "{said:?}");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
    }
    assert_eq!(world.operator("profiles"), before);
}

/// What the log gets: for every call a line, without identifiers in full.
#[test]
fn every_call_leaves_a_line_for_the_log() {
    use edge_smdp::log::{Identifiers, Line};
    let world = World::new();
    world.add_profile(ICCID);
    let line = |method: &str, path: &str, token: Option<&str>, body: &[u8]| {
        let response = world.request(method, path, token, body);
        response.extensions().get::<Line>().unwrap().json(Identifiers::Shortened, None)
    };
    let order = json!({ "header": { "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": "1" }, "iccid": ICCID });
    let order = order.to_string();
    let es2 = "/gsma/rsp2/es2plus/downloadOrder";
    let ordered = line("POST", es2, Some(TOKEN), order.as_bytes());
    assert!(
        ordered.contains(
            r#""function":"downloadOrder","status":200,"requester":"2.999.2","profile":"890010…0016""#
        ),
        "{ordered}"
    );
    let again = order.replace("\"1\"", "\"2\"");
    let refused = line("POST", es2, Some(TOKEN), again.as_bytes());
    assert!(refused.contains(r#""refused":"8.2.1/3.3""#), "{refused}");
    assert!(line("POST", es2, None, b"{}").contains("401"));
    // Who has not proven itself is nobody.
    assert!(!line("POST", es2, Some("wrong"), order.as_bytes()).contains("2.999.2"));
    let read = line("GET", "/operator/profiles", Some(TOKEN), b"");
    assert!(read.contains(r#""requester":"operator-token""#), "{read}");
    assert!(!line("GET", &format!("/operator/orders/{ICCID}"), Some(TOKEN), b"").contains(ICCID));
    let strange = line("POST", "/gsma/rsp2/es2plus/a\"b%22%0a", Some(TOKEN), b"{}");
    assert!(serde_json::from_str::<Value>(&strange).is_ok(), "{strange}");
}

/// What an eUICC has said of one package says nothing of a later one: installed, deleted and asked for
/// again, before any of it is reported.
#[test]
fn a_profile_that_is_installed_again_is_not_given_to_another() {
    let delete = |world: &World| {
        world.request("DELETE", &format!("/operator/profiles/{ICCID}"), Some(TOKEN), b"").status().as_u16()
    };
    for withdrawn in [false, true] {
        let world = World::new();
        world.add_profile(ICCID);
        let matching_id = world.release(ICCID, json!({}));
        let euicc = world.euicc();
        let (first, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
        let installed = euicc.installation_result(&first, Some(ICCID), None);
        let deleted = euicc.other_notification(NotificationEvents::DELETE, ICCID);
        let (second, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
        let again = euicc.installation_result(&second, Some(ICCID), None);
        if withdrawn {
            let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Unavailable" });
            assert_success(&world.es2("cancelOrder", cancel));
        }
        // In the order in which they were made.
        assert_eq!(world.notify(&installed).0, 204);
        assert_eq!(world.notify(&deleted).0, 204);
        assert_eq!(delete(&world), 409, "withdrawn: {withdrawn}");
        assert_eq!(world.notify(&again).0, 204);
        assert_eq!(world.state(ICCID), if withdrawn { "Unavailable" } else { "Installed" });
        assert_eq!(delete(&world), 409, "withdrawn: {withdrawn}");
        assert_eq!(world.notify(&euicc.other_notification(NotificationEvents::DELETE, ICCID)).0, 204);
        assert_eq!(world.state(ICCID), if withdrawn { "Unavailable" } else { "Deleted" });
        assert_eq!(delete(&world), 204, "withdrawn: {withdrawn}");
    }
}
