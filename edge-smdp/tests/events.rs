//! Orders that are found by way of an SM-DS: events are registered before the order is
//! confirmed, and deleted when it ends (ES12, SGP.22 §3.6).

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use common::*;
use edge_smdp::{Configuration, Limits};
use rsp::codes::{CancelSessionReason, ErrorReason};
use serde_json::{Value, json};

const SECOND: &str = "8900101000000000024";

/// An SM-DS: EID and event id of what is registered.
type Events = Rc<RefCell<BTreeSet<(String, String)>>>;

fn world() -> (World, Events) {
    let world = World::configured(&[], |c| Configuration { smds_root: Some("root.smds.example"), ..c });
    let events = Events::default();
    serve(&world, &events);
    (world, events)
}

/// Answers as SGP.22 §5.8 has it.
fn serve(world: &World, events: &Events) {
    let events = Rc::clone(events);
    world.post.answers(move |sent| {
        let text = |name: &str| sent.body[name].as_str().unwrap().to_owned();
        let event = (text("eid"), text("eventId"));
        let done = match sent.function() {
            "registerEvent" => events.borrow_mut().insert(event),
            "deleteEvent" => events.borrow_mut().remove(&event),
            other => panic!("{other}"),
        };
        match (sent.function(), done) {
            (_, true) => Ok((200, SUCCESS.into())),
            ("registerEvent", _) => failed("8.9.5/3.3"),
            _ => failed("8.9.5/3.9"),
        }
    });
}

const SUCCESS: &str = r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}}}"#;

fn confirm(world: &World, iccid: &str, more: Value) -> Value {
    let mut body = json!({ "iccid": iccid, "releaseFlag": true });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.es2("confirmOrder", body)
}

fn order(world: &World, iccid: &str, eid: Option<&str>) {
    world.add_profile(iccid);
    let mut body = json!({ "iccid": iccid });
    if let Some(eid) = eid {
        body["eid"] = json!(eid);
    }
    assert_success(&world.es2("downloadOrder", body));
}

#[test]
fn an_event_leads_the_euicc_to_its_order() {
    let (world, events) = world();
    // Two orders for the same eUICC; each is found by its own event.
    let mut ids = Vec::new();
    for (iccid, smds) in [(ICCID, ""), (SECOND, "smds.example:8443")] {
        order(&world, iccid, Some(EID));
        let answer = confirm(&world, iccid, json!({ "smdsAddress": smds }));
        assert_success(&answer);
        assert_eq!(answer["eid"], EID);
        ids.push(answer["matchingId"].as_str().unwrap().to_owned());
    }
    let sent = world.post.take();
    let urls: Vec<&str> = sent.iter().map(|sent| sent.url.as_str()).collect();
    assert_eq!(
        urls,
        [
            "https://root.smds.example/gsma/rsp2/es12/registerEvent",
            "https://smds.example:8443/gsma/rsp2/es12/registerEvent"
        ]
    );
    for (sent, id) in sent.iter().zip(&ids) {
        assert_eq!(sent.body["eventId"], *id);
        assert_eq!(
            (&sent.body["eid"], &sent.body["rspServerAddress"]),
            (&json!(EID), &json!("smdp.example"))
        );
        assert_eq!(sent.body["header"]["functionRequesterIdentifier"], "2.999.10");
        assert_eq!(sent.token, None);
    }
    let forwarded: Vec<&Value> = sent.iter().map(|sent| &sent.body["forwardingIndicator"]).collect();
    assert_eq!(forwarded, [false, true], "by an alternative SM-DS");

    for (iccid, id) in [ICCID, SECOND].into_iter().zip(&ids) {
        let euicc = world.euicc();
        let (open, _) = euicc.download(&world, Some(id), None).unwrap();
        let metadata: rsp::metadata::StoreMetadata = rsp::DataObject::decode(&open.metadata).unwrap();
        assert_eq!(metadata.iccid.to_string(), iccid);
        world.tend();
        assert!(events.borrow().contains(&(EID.to_owned(), id.clone())), "until it is installed");
        assert_eq!(world.notify(&euicc.installation_result(&open, Some(iccid), None)).0, 204);
        world.tend();
        assert!(!events.borrow().contains(&(EID.to_owned(), id.clone())));
    }
    // What was put aside, should something have gone wrong, does nothing any more.
    world.wait(3600);
    world.tend();
    assert!(events.borrow().is_empty());
}

#[test]
fn an_event_is_deleted_however_its_order_ends() {
    type End = fn(&World, &str);
    let ends: [(&str, End); 5] = [
        ("cancelled", |world, _| {
            let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
            assert_success(&world.es2("cancelOrder", cancel));
        }),
        ("expired", |world, _| world.wait(Limits::default().order + 1)),
        ("rejected", |world, id| {
            let euicc = world.euicc();
            let open = euicc.authenticate(world, Some(id)).unwrap();
            let reason = CancelSessionReason::END_USER_REJECTION;
            assert_success(&euicc.cancel(world, &open, reason, "2.999.10"));
        }),
        ("tried too often", |world, id| while world.euicc().authenticate(world, Some(id)).is_ok() {}),
        ("not installed", |world, id| {
            let euicc = world.euicc();
            let (open, _) = euicc.download(world, Some(id), None).unwrap();
            let error = Some(ErrorReason::PE_PROCESSING_ERROR);
            assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), error)).0, 204);
        }),
    ];
    for (name, end) in ends {
        let (world, events) = world();
        order(&world, ICCID, None);
        let answer = confirm(&world, ICCID, json!({ "eid": EID, "smdsAddress": "smds.example" }));
        assert_success(&answer);
        // Also when the SM-DS has been asked to delete what was put aside.
        world.wait(3600);
        world.tend();
        assert_eq!(events.borrow().len(), 1, "{name}");
        end(&world, answer["matchingId"].as_str().unwrap());
        world.tend();
        assert!(events.borrow().is_empty(), "{name}");
    }
}

#[test]
fn an_sm_ds_that_is_away_gets_the_deletion_later() {
    let (world, events) = world();
    order(&world, ICCID, Some(EID));
    assert_success(&confirm(&world, ICCID, json!({ "smdsAddress": "", "matchingId": "EVENT-1" })));
    world.post.answers(|_| Err("no answer in time".into()));
    let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
    assert_success(&world.es2("cancelOrder", cancel));
    world.tend();
    assert_eq!(events.borrow().len(), 1);

    // The same name again before it is gone: registered anew, and not deleted by the
    // message that still waits.
    serve(&world, &events);
    assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID, "eid": EID })));
    assert_success(&confirm(&world, ICCID, json!({ "smdsAddress": "", "matchingId": "EVENT-1" })));
    world.wait(3600);
    world.tend();
    world.wait(3600);
    world.tend();
    assert_eq!(events.borrow().len(), 1);
    assert!(world.euicc().authenticate(&world, Some("EVENT-1")).is_ok());
}

#[test]
fn without_its_event_an_order_is_not_confirmed() {
    for (answer, code) in [
        (Err("no answer in time".to_owned()), "8.9/5.1"),
        (Ok((500, Vec::new())), "8.9/5.1"),
        (Ok((404, Vec::new())), "8.9/5.1"),
        (failed("8.9/5.1"), "8.9/5.1"),
        (failed("8.9/4.2"), "8.9/4.2"),
        (failed("1.1/1.2"), "8.9/4.2"),
        (failed("8.9.1/3.8"), "8.9.1/3.8"),
        (failed("8.9.2/3.1"), "8.9.2/3.1"),
        (failed("8.9.3/3.1"), "8.9.3/3.1"),
        (failed("8.9.4/3.7"), "8.9.4/3.7"),
        (failed("8.9.5/3.3"), "8.9.5/3.3"),
    ] {
        let (world, events) = world();
        order(&world, ICCID, Some(EID));
        let before = world.operator(&format!("orders/{ICCID}"));
        world.post.answers(move |_| answer.clone());
        let refused = confirm(&world, ICCID, json!({ "smdsAddress": "", "matchingId": "EVENT-1" }));
        assert_eq!(code_of(&refused), code);
        assert_eq!(world.operator(&format!("orders/{ICCID}")), before, "{code}");
        assert_eq!(world.euicc().authenticate(&world, Some("EVENT-1")).err().unwrap(), "8.2.6/3.8");

        // Whether the SM-DS has registered it or not: some time later it has not.
        events.borrow_mut().insert((EID.into(), "EVENT-1".into()));
        serve(&world, &events);
        world.wait(600);
        world.tend();
        assert!(events.borrow().is_empty(), "{code}");
        // And another order may have the name.
        order(&world, SECOND, Some(EID));
        assert_success(&confirm(&world, SECOND, json!({ "smdsAddress": "", "matchingId": "EVENT-1" })));
        // The first one, without an SM-DS.
        assert_success(&confirm(&world, ICCID, json!({})));
    }
}

#[test]
fn an_event_that_was_left_over_is_replaced() {
    let (world, events) = world();
    events.borrow_mut().insert((EID.into(), "EVENT-1".into()));
    order(&world, ICCID, Some(EID));
    assert_success(&confirm(&world, ICCID, json!({ "smdsAddress": "", "matchingId": "EVENT-1" })));
    let functions: Vec<String> = world.post.take().iter().map(|sent| sent.function().to_owned()).collect();
    assert_eq!(functions, ["registerEvent", "deleteEvent", "registerEvent"]);
}

#[test]
fn what_an_event_needs() {
    let (world, _) = world();
    order(&world, ICCID, None);
    let code = |world: &World, more: Value| code_of(&confirm(world, ICCID, more));
    assert_eq!(code(&world, json!({ "smdsAddress": "" })), "8.1.1/2.2");
    for address in ["https://smds.example", "smds.example/x", "a b", "user@smds.example"] {
        assert_eq!(code(&world, json!({ "eid": EID, "smdsAddress": address })), "8.9.1/3.8", "{address}");
    }
    let empty = json!({ "eid": EID, "smdsAddress": "", "matchingId": "" });
    assert_eq!(code(&world, empty), "8.2.6/3.8");
    assert!(world.post.take().is_empty());
    let no_root = World::new();
    order(&no_root, ICCID, Some(EID));
    assert_eq!(code(&no_root, json!({ "smdsAddress": "" })), "8.9/5.1");
}

#[test]
fn a_repeated_confirmation_registers_once() {
    let (world, events) = world();
    order(&world, ICCID, Some(EID));
    let body = json!({ "iccid": ICCID, "smdsAddress": "", "releaseFlag": true,
        "header": { "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": "again" } });
    let first = world.es2_as_it_is("confirmOrder", &body);
    assert_success(&first);
    assert_eq!(world.es2_as_it_is("confirmOrder", &body), first);
    assert_eq!(world.post.take().len(), 1);
    assert_eq!(events.borrow().len(), 1);
}
