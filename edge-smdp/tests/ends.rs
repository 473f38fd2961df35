//! How orders end, and that nothing of them leads anywhere afterwards.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use edge_smdp::{Configuration, Limits, Protection};
use rsp::codes::{CancelSessionReason, ErrorReason};
use rsp::metadata::NotificationEvents;
use serde_json::{Value, json};

const SECOND: &str = "8900101000000000024";

#[test]
fn nothing_leads_to_an_order_that_has_ended() {
    type End = fn(&World, &Euicc, Option<&str>);
    let ends: [(&str, &str, End); 9] = [
        ("Installed", "installed", |world, euicc, id| {
            let (open, _) = euicc.download(world, id, None).unwrap();
            assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
        }),
        ("Installed", "enabled, the result is lost", |world, euicc, id| {
            euicc.download(world, id, None).unwrap();
            assert_eq!(world.notify(&euicc.other_notification(NotificationEvents::ENABLE, ICCID)).0, 204);
        }),
        ("Deleted", "deleted, the result is lost", |world, euicc, id| {
            euicc.download(world, id, None).unwrap();
            assert_eq!(world.notify(&euicc.other_notification(NotificationEvents::DELETE, ICCID)).0, 204);
        }),
        ("Error", "not installed", |world, euicc, id| {
            let (open, _) = euicc.download(world, id, None).unwrap();
            let error = Some(ErrorReason::PE_PROCESSING_ERROR);
            assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), error)).0, 204);
        }),
        ("Error", "rejected", |world, euicc, id| {
            let open = euicc.authenticate(world, id).unwrap();
            let reason = CancelSessionReason::END_USER_REJECTION;
            assert_success(&euicc.cancel(world, &open, reason, "2.999.10"));
        }),
        ("Error", "tried too often", |world, euicc, id| while euicc.authenticate(world, id).is_ok() {}),
        ("Error", "expired, and somebody comes", |world, euicc, id| {
            world.wait(Limits::default().order + 1);
            assert_eq!(euicc.authenticate(world, id).err().unwrap(), "8.8.5/4.10");
        }),
        ("Error", "expired, and nobody comes", |world, _, _| {
            world.wait(Limits::default().order + 1);
            world.tend();
        }),
        ("Unavailable", "cancelled", |world, euicc, id| {
            euicc.download(world, id, None).unwrap();
            let body = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Unavailable" });
            assert_success(&world.es2("cancelOrder", body));
        }),
    ];
    for (state, name, end) in ends {
        for more in [json!({}), json!({ "eid": EID }), json!({ "eid": EID, "matchingId": "" })] {
            let world = World::new();
            world.add_profile(ICCID);
            let id = world.release(ICCID, more.clone());
            let euicc = world.euicc();
            assert_ne!(world.smdp.store().leads(), Some((0, 0)));
            end(&world, &euicc, Some(&id));
            assert_eq!(world.state(ICCID), state, "{name}");
            assert_eq!(world.smdp.store().leads().unwrap_or((0, 0)), (0, 0), "{name}, {more}");
            assert_eq!(euicc.authenticate(&world, Some(&id)).err().unwrap(), "8.2.6/3.8", "{name}");
            // Another order may have its matching id.
            world.add_profile(SECOND);
            world.release(SECOND, json!({ "eid": EID, "matchingId": id }));
            let (open, _) = euicc.download(&world, Some(&id), None).unwrap();
            let metadata: rsp::metadata::StoreMetadata = rsp::DataObject::decode(&open.metadata).unwrap();
            assert_eq!(metadata.iccid.to_string(), SECOND, "{name}");
        }
    }
}

#[test]
fn an_order_ends_by_itself_in_every_state() {
    type Stage = fn(&World);
    let stages: [(&str, Stage); 5] = [
        ("Allocated", |world| {
            assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
        }),
        ("Linked", |world| {
            assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID, "eid": EID })));
        }),
        ("Confirmed", |world| {
            assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID, "eid": EID })));
            let confirm = json!({ "iccid": ICCID, "matchingId": "M", "releaseFlag": false });
            assert_success(&world.es2("confirmOrder", confirm));
        }),
        ("Released", |world| {
            world.release(ICCID, json!({}));
        }),
        ("Downloaded", |world| {
            let id = world.release(ICCID, json!({ "matchingId": "M" }));
            world.euicc().download(world, Some(&id), None).unwrap();
            world.tend();
            world.post.take();
        }),
    ];
    for (state, stage) in stages {
        let limits = Limits { order: 1000, ..Limits::default() };
        let world = World::configured(&[], |c| Configuration {
            operator_callback: Some("https://operator.example"),
            limits,
            ..c
        });
        world.add_profile(ICCID);
        stage(&world);
        assert_eq!(world.state(ICCID), state);
        world.wait(1000);
        world.tend();
        assert_eq!(world.state(ICCID), state, "not yet");
        world.wait(1);
        world.tend();
        assert_eq!(world.state(ICCID), "Error", "{state}");
        assert_eq!(world.events(ICCID).pop().unwrap(), "expired");
        assert_eq!(world.smdp.store().leads().unwrap_or((0, 0)), (0, 0), "{state}");
        world.tend();
        let sent = world.post.take();
        assert_eq!(sent.len(), 1, "{state}: once");
        assert_eq!(sent[0].body["notificationPointId"], 1);
        let code = &sent[0].body["notificationPointStatus"]["statusCodeData"];
        assert_eq!((&code["subjectCode"], &code["reasonCode"]), (&json!("8.8.5"), &json!("4.10")));
        let known = ["Linked", "Confirmed", "Downloaded"].contains(&state);
        assert_eq!(sent[0].body.get("eid"), known.then_some(&json!(EID)), "{state}");
    }
}

/// The eUICC has installed what the server has given up: it counts.
#[test]
fn a_late_success_is_believed() {
    let world = World::with(Protection::SessionKeys, Limits::default(), &[]);
    world.add_profile(ICCID);
    let id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(&id), None).unwrap();
    world.wait(Limits::default().order + 1);
    world.tend();
    assert_eq!(world.state(ICCID), "Error");
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    assert_eq!(world.state(ICCID), "Installed");
    assert_eq!(world.smdp.store().leads().unwrap_or((0, 0)), (0, 0));
    let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
    assert_eq!(code_of(&world.es2("cancelOrder", cancel)), "8.2.1/3.5");
}

/// Orders come and go; what is kept of them does not grow.
#[test]
fn indexes_do_not_grow() {
    let world = World::new();
    world.add_profile(ICCID);
    for number in 0..50 {
        let eid = format!("890490320000000000000000000{number:05}");
        world.release(ICCID, json!({ "eid": eid, "matchingId": format!("MATCH-{number}") }));
        assert_eq!(world.smdp.store().leads().unwrap_or((1, 1)), (1, 1));
        let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
        assert_success(&world.es2("cancelOrder", cancel));
    }
    assert_eq!(world.smdp.store().leads().unwrap_or((0, 0)), (0, 0));
    let detail: Value = world.operator(&format!("orders/{ICCID}"));
    assert!(detail["events"].as_array().unwrap().len() <= 200);
}
