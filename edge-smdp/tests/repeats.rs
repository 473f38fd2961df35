//! Calls of ES2+ that come more than once: executed once, answered alike, whether one
//! after the other or at the same time.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::turns::{all, both};
use common::*;
use edge_smdp::store::Store;
use rsp_crypto::ready;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const SECOND: &str = "8900101000000000024";
const THIRD: &str = "8900101000000000032";

/// How many steps later the second of two calls begins: before, among and after all of
/// the first.
const HEAD_STARTS: std::ops::Range<usize> = 0..16;

fn with_call(id: &str, mut body: Value) -> Value {
    body["header"] = json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": id });
    body
}

fn of_type(world: &World, iccids: &[&str]) {
    for iccid in iccids {
        let body = json!({ "metadata": metadata(), "package": b64(&package(iccid)), "profileType": "plan" });
        assert_eq!(world.add(&body).0, 201);
    }
}

fn states(world: &World) -> Vec<String> {
    [ICCID, SECOND, THIRD].map(|iccid| world.state(iccid)).to_vec()
}

#[test]
fn as_many_orders_by_type_at_once_as_there_are_profiles() {
    let world = World::new();
    let iccids: Vec<String> = (0..40).map(|number| format!("89001010000{number:08}")).collect();
    of_type(&world, &iccids.iter().map(String::as_str).collect::<Vec<_>>());
    let call = |number| with_call(&format!("call {number}"), json!({ "profileType": "plan" }));
    let calls: Vec<Value> = (0..40).map(call).collect();
    let answers = all(&world, "es2plus/downloadOrder", &calls.iter().collect::<Vec<_>>(), 0);
    let refused: Vec<String> = answers.iter().map(code_of).filter(|code| !code.is_empty()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let ordered: BTreeSet<&str> = answers.iter().map(|answer| answer["iccid"].as_str().unwrap()).collect();
    assert_eq!(ordered.len(), 40);
    let one_more = world.es2("downloadOrder", json!({ "profileType": "plan" }));
    assert_eq!(code_of(&one_more), "8.2.5/3.7");
}

#[test]
fn one_order_by_type_however_often_at_once() {
    for head_start in HEAD_STARTS {
        for eid in [None, Some(EID)] {
            let world = World::new();
            of_type(&world, &[ICCID, SECOND, THIRD]);
            let mut body = json!({ "profileType": "plan" });
            if let Some(eid) = eid {
                body["eid"] = json!(eid);
            }
            let call = with_call("one", body);
            let [one, two] = both(&world, "es2plus/downloadOrder", [&call, &call], head_start);
            assert_success(&one);
            assert_eq!(one, two, "{head_start}");
            assert_eq!(world.es2_as_it_is("downloadOrder", &call), one);
            let available = states(&world).iter().filter(|state| *state == "Available").count();
            assert_eq!(available, 2, "{head_start}: {:?}", states(&world));
            // An order that is not confirmed is found by nobody.
            assert_eq!(world.smdp.store().leads(), (0, 0), "{head_start}");
        }
    }
}

#[test]
fn two_orders_by_type_at_once_get_two_profiles() {
    for head_start in HEAD_STARTS {
        let world = World::new();
        of_type(&world, &[ICCID, SECOND, THIRD]);
        let calls = ["one", "two"].map(|id| with_call(id, json!({ "profileType": "plan", "eid": EID })));
        let answers = both(&world, "es2plus/downloadOrder", [&calls[0], &calls[1]], head_start);
        let mut iccids = BTreeSet::new();
        for (answer, call) in answers.iter().zip(&calls) {
            assert_success(answer);
            assert_eq!(world.es2_as_it_is("downloadOrder", call), *answer, "{head_start}");
            assert!(iccids.insert(answer["iccid"].to_string()), "{head_start}");
        }
        assert_eq!(world.smdp.store().leads(), (0, 0), "{head_start}");
    }
}

#[test]
fn one_profile_is_ordered_by_one_of_two() {
    for head_start in HEAD_STARTS {
        let world = World::new();
        world.add_profile(ICCID);
        let calls = [("one", EID), ("two", OTHER_EID)]
            .map(|(id, eid)| with_call(id, json!({ "iccid": ICCID, "eid": eid })));
        let answers = both(&world, "es2plus/downloadOrder", [&calls[0], &calls[1]], head_start);
        let mut codes = answers.map(|answer| code_of(&answer));
        let winner = [EID, OTHER_EID][codes.iter().position(String::is_empty).unwrap()];
        codes.sort();
        assert_eq!(codes, ["", "8.2.1/3.3"], "{head_start}");
        assert_eq!(world.operator(&format!("orders/{ICCID}"))["eid"], winner);
        assert_eq!(world.smdp.store().leads(), (0, 0), "{head_start}");
    }
}

#[test]
fn a_confirmation_at_once_is_one_with_one_matching_id() {
    for head_start in HEAD_STARTS {
        for smds in [None, Some("smds.example")] {
            let world = World::new();
            world.add_profile(ICCID);
            assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID, "eid": EID })));
            let mut body = json!({ "iccid": ICCID, "releaseFlag": true });
            if let Some(smds) = smds {
                body["smdsAddress"] = json!(smds);
            }
            let call = with_call("one", body);
            let [one, two] = both(&world, "es2plus/confirmOrder", [&call, &call], head_start);
            assert_success(&one);
            assert_eq!(one, two, "{head_start}");
            assert_eq!(world.smdp.store().leads(), (1, 0), "{head_start}");
            assert_eq!(world.events(ICCID), ["added", "ordered", "confirmed", "released"]);
            let id = one["matchingId"].as_str().unwrap();
            assert!(world.euicc().authenticate(&world, Some(id)).is_ok(), "{head_start}");
            // Whatever else was registered meanwhile is deleted, and that event is not.
            world.wait(3600);
            world.tend();
            let sent = world.post.take();
            let events = |function: &str| -> BTreeSet<String> {
                let of = sent.iter().filter(|sent| sent.function() == function);
                of.map(|sent| sent.body["eventId"].as_str().unwrap().to_owned()).collect()
            };
            let (mut registered, deleted) = (events("registerEvent"), events("deleteEvent"));
            assert_eq!(registered.remove(id), smds.is_some());
            assert_eq!(registered, deleted, "{head_start}");
        }
    }
}

/// Two confirmations with an eUICC each: the order is found by one of the two, and nothing is
/// left of the other.
#[test]
fn a_confirmation_at_once_is_found_by_one_euicc() {
    for head_start in HEAD_STARTS {
        let world = World::new();
        world.add_profile(ICCID);
        assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
        let calls = [EID, OTHER_EID].map(|eid| {
            with_call(eid, json!({ "iccid": ICCID, "eid": eid, "matchingId": "", "releaseFlag": true }))
        });
        let answers = both(&world, "es2plus/confirmOrder", [&calls[0], &calls[1]], head_start);
        let codes = answers.map(|answer| code_of(&answer));
        let winner = codes.iter().position(String::is_empty).unwrap();
        assert_eq!(codes[1 - winner], "8.2.1/3.5", "{head_start}");
        assert_eq!(world.smdp.store().leads(), (0, 1), "{head_start}");
        let euiccs = [EID, OTHER_EID].map(|eid| Euicc::new(&world.pki, eid));
        let found = euiccs.map(|euicc| euicc.authenticate(&world, None).is_ok());
        assert_eq!(found, [winner == 0, winner == 1], "{head_start}");
    }
}

#[test]
fn one_of_two_orders_gets_a_matching_id_that_both_want() {
    for head_start in HEAD_STARTS {
        let world = World::new();
        for iccid in [ICCID, SECOND] {
            world.add_profile(iccid);
            assert_success(&world.es2("downloadOrder", json!({ "iccid": iccid })));
        }
        let calls = [ICCID, SECOND].map(|iccid| {
            with_call(iccid, json!({ "iccid": iccid, "matchingId": "SAME", "releaseFlag": true }))
        });
        let answers = both(&world, "es2plus/confirmOrder", [&calls[0], &calls[1]], head_start);
        let mut codes = answers.map(|answer| code_of(&answer));
        let winner = [ICCID, SECOND][codes.iter().position(String::is_empty).unwrap()];
        codes.sort();
        assert_eq!(codes, ["", "8.2.6/3.3"], "{head_start}");
        let (open, _) = world.euicc().download(&world, Some("SAME"), None).unwrap();
        let metadata: rsp::metadata::StoreMetadata = rsp::DataObject::decode(&open.metadata).unwrap();
        assert_eq!(metadata.iccid.to_string(), winner, "{head_start}");
    }
}

#[test]
fn a_release_and_a_cancellation_are_executed_once() {
    for head_start in HEAD_STARTS {
        let world = World::new();
        world.add_profile(ICCID);
        assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
        assert_success(&world.es2("confirmOrder", json!({ "iccid": ICCID, "releaseFlag": false })));
        let release = with_call("release", json!({ "iccid": ICCID }));
        let [one, two] = both(&world, "es2plus/releaseProfile", [&release, &release], head_start);
        assert_success(&one);
        assert_eq!(one, two);
        let cancel =
            with_call("cancel", json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" }));
        let [one, two] = both(&world, "es2plus/cancelOrder", [&cancel, &cancel], head_start);
        assert_success(&one);
        assert_eq!(one, two);
        // A repeat that comes when there is another order cancels nothing.
        world.release(ICCID, json!({}));
        assert_success(&world.es2_as_it_is("cancelOrder", &cancel));
        assert_eq!(world.state(ICCID), "Released");
        let events = world.events(ICCID);
        assert_eq!(events.iter().filter(|event| *event == "orderCancelled").count(), 1);
    }
}

#[test]
fn a_call_with_another_body_is_another_call() {
    let world = World::new();
    of_type(&world, &[ICCID, SECOND, THIRD]);
    let first = world.es2_as_it_is("downloadOrder", &with_call("one", json!({ "profileType": "plan" })));
    assert_success(&first);
    let before = world.smdp.store().snapshot();
    let iccid = first["iccid"].clone();
    for (function, body) in [
        ("downloadOrder", json!({ "profileType": "plan", "eid": EID })),
        ("downloadOrder", json!({ "iccid": iccid })),
        ("confirmOrder", json!({ "iccid": iccid, "releaseFlag": true })),
        ("releaseProfile", json!({ "iccid": iccid })),
        ("cancelOrder", json!({ "iccid": iccid, "finalProfileStatusIndicator": "Available" })),
    ] {
        let answer = world.es2_as_it_is(function, &with_call("one", body.clone()));
        assert_eq!(code_of(&answer), "1.6/3.3", "{function} {body}");
        assert_eq!(world.smdp.store().snapshot(), before, "{function} {body}");
    }
    // The same name, but of another requester.
    let mut other = with_call("one", json!({ "profileType": "plan" }));
    other["header"]["functionRequesterIdentifier"] = json!("2.999.3");
    let second = world.es2_as_it_is("downloadOrder", &other);
    assert_success(&second);
    assert_ne!(first["iccid"], second["iccid"]);
}

/// The name of a call is one name, whatever profile it is for.
#[test]
fn a_call_of_another_profile_is_another_call() {
    let world = World::new();
    of_type(&world, &[ICCID, SECOND, THIRD]);
    let order = |iccid: &str| with_call("one", json!({ "iccid": iccid }));
    assert_success(&world.es2_as_it_is("downloadOrder", &order(ICCID)));
    world.release(THIRD, json!({}));
    let unchanged = |function: &str, body: Value| {
        let before = world.smdp.store().snapshot();
        assert_eq!(code_of(&world.es2_as_it_is(function, &with_call("one", body))), "1.6/3.3", "{function}");
        assert_eq!(world.smdp.store().snapshot(), before, "{function}");
    };
    unchanged("downloadOrder", json!({ "iccid": SECOND }));
    unchanged("cancelOrder", json!({ "iccid": THIRD, "finalProfileStatusIndicator": "Available" }));
    assert_success(&world.es2("downloadOrder", json!({ "iccid": SECOND })));
    unchanged("confirmOrder", json!({ "iccid": SECOND, "releaseFlag": true }));
    assert_success(&world.es2("confirmOrder", json!({ "iccid": SECOND, "releaseFlag": false })));
    unchanged("releaseProfile", json!({ "iccid": SECOND }));
    // Two at the same time: one of them.
    for head_start in HEAD_STARTS {
        let world = World::new();
        of_type(&world, &[ICCID, SECOND, THIRD]);
        let calls = [order(ICCID), order(SECOND)];
        let answers = both(&world, "es2plus/downloadOrder", [&calls[0], &calls[1]], head_start);
        let mut codes = answers.map(|answer| code_of(&answer));
        codes.sort();
        assert_eq!(codes, ["", "1.6/3.3"], "{head_start}");
        assert_eq!(states(&world).iter().filter(|state| *state == "Available").count(), 2);
    }
}

/// A client that writes its request anew writes it otherwise perhaps.
#[test]
fn a_repeat_may_be_written_otherwise() {
    let world = World::new();
    world.add_profile(ICCID);
    let send = |body: &str| {
        let path = "/gsma/rsp2/es2plus/downloadOrder";
        let response = world.request("POST", path, Some(TOKEN), body.as_bytes());
        serde_json::from_slice::<Value>(response.body()).unwrap()
    };
    let first = send(&format!(
        r#"{{"header":{{"functionRequesterIdentifier":"2.999.2","functionCallIdentifier":"one"}},"iccid":"{ICCID}"}}"#
    ));
    assert_success(&first);
    let again = send(&format!(
        r#"{{ "iccid": "{ICCID}", "eid": null,
             "header": {{ "functionCallIdentifier": "on\u0065", "functionRequesterIdentifier": "2.999.2" }} }}"#
    ));
    assert_eq!(again, first);
}

#[test]
fn names_of_calls_have_their_limits() {
    let world = World::new();
    world.add_profile(ICCID);
    let send = |requester: &str, id: &str| {
        let header = json!({ "functionRequesterIdentifier": requester, "functionCallIdentifier": id });
        let body = json!({ "header": header, "iccid": ICCID }).to_string();
        let response =
            world.request("POST", "/gsma/rsp2/es2plus/downloadOrder", Some(TOKEN), body.as_bytes());
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), answer)
    };
    let before = world.smdp.store().snapshot();
    assert_eq!(send("2.999.2", &"x".repeat(250)).0, 400, "257 bytes");
    assert_eq!(code_of(&send("2.999.2", "").1), "1.3.1/2.2");
    assert_eq!(world.smdp.store().snapshot(), before);
    // 256 bytes, of any letters.
    let longest = "ä".repeat(124) + "x";
    let (status, first) = send("2.999.2", &longest);
    assert_eq!(status, 200);
    assert_success(&first);
    assert_eq!(send("2.999.2", &longest).1, first);
    // What one of them ends with is not what the other begins with.
    let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
    for border in [":", ".", "\n", "\u{0}"] {
        assert_success(&world.es2("cancelOrder", cancel.clone()));
        assert_success(&send("2.999.2", &format!("{border}1:b")).1);
        assert_eq!(code_of(&send("2.999.2.1", &format!("{border}b")).1), "8.2.1/3.3");
        assert_eq!(code_of(&send("2.999.2", &format!("1{border}b")).1), "8.2.1/3.3");
    }
}

/// The request of a confirmation has the confirmation code in it, and little else that
/// nobody knows.
#[test]
fn what_is_kept_of_a_call_does_not_tell_the_confirmation_code() {
    let world = World::new();
    world.add_profile(ICCID);
    assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
    let body = json!({ "iccid": ICCID, "confirmationCode": "4711", "releaseFlag": true });
    let call = with_call("one", body);
    let first = world.es2_as_it_is("confirmOrder", &call);
    assert_success(&first);
    let iccid = ICCID.parse().unwrap();
    let stored = ready(world.smdp.store().profile(&iccid)).unwrap().unwrap();
    let kept: Vec<_> = stored.profile.calls.iter().map(|call| call.digest.0.clone()).collect();
    let request = call.to_string();
    let guessed =
        Sha256::new().chain_update("confirmOrder").chain_update([0]).chain_update(&request).finalize();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|digest| digest[..] != guessed[..]));
    assert_eq!(world.es2_as_it_is("confirmOrder", &call), first);
}

#[test]
fn a_repeat_of_an_order_that_is_over_leaves_nothing_that_leads_to_it() {
    let world = World::new();
    world.add_profile(ICCID);
    let order = with_call("one", json!({ "iccid": ICCID, "eid": EID }));
    let first = world.es2_as_it_is("downloadOrder", &order);
    assert_success(&first);
    let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
    assert_success(&world.es2("cancelOrder", cancel));
    assert_eq!(world.es2_as_it_is("downloadOrder", &order), first);
    assert_eq!(world.smdp.store().leads(), (0, 0));
}
