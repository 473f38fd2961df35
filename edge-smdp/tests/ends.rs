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
            assert_ne!(world.smdp.store().leads(), (0, 0));
            end(&world, &euicc, Some(&id));
            assert_eq!(world.state(ICCID), state, "{name}");
            // What ended by itself says so for a while to whom comes with its matching id.
            let told = match name {
                "tried too often" => Some("8.8.5/6.4"),
                _ if name.starts_with("expired") => Some("8.8.5/4.10"),
                _ => None,
            };
            let told = told.filter(|_| !id.is_empty());
            let left = (usize::from(told.is_some()), 0);
            assert_eq!(world.smdp.store().leads(), left, "{name}, {more}");
            let code = euicc.authenticate(&world, Some(&id)).err().unwrap();
            assert_eq!(code, told.unwrap_or("8.2.6/3.8"), "{name}");
            assert_eq!(world.smdp.store().leads(), left, "{name}, {more}");
            // Another order may have its matching id.
            world.add_profile(SECOND);
            world.release(SECOND, json!({ "eid": EID, "matchingId": id }));
            let (open, _) = euicc.download(&world, Some(&id), None).unwrap();
            let metadata: rsp::metadata::StoreMetadata = rsp::DataObject::decode(&open.metadata).unwrap();
            assert_eq!(metadata.iccid.to_string(), SECOND, "{name}");
            // And when nobody is told any more of the first, the second still has it.
            world.wait(7 * 24 * 3600 + 1);
            world.tend();
            assert!(euicc.authenticate(&world, Some(&id)).is_ok(), "{name}");
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
        let has_matching_id = ["Confirmed", "Released", "Downloaded"].contains(&state);
        assert_eq!(world.smdp.store().leads(), (usize::from(has_matching_id), 0), "{state}");
        world.wait(7 * 24 * 3600 + 1);
        world.tend();
        assert_eq!(world.smdp.store().leads(), (0, 0), "{state}: and that comes to an end, too");
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
    assert_eq!(world.smdp.store().leads(), (0, 0));
    let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
    assert_eq!(code_of(&world.es2("cancelOrder", cancel)), "8.2.1/3.5");
}

/// The operator has taken the profile out of use while a package was out: whatever the eUICC
/// says of it is kept and told, and the profile stays out of use.
#[test]
fn what_an_euicc_reports_of_a_withdrawn_profile_is_kept() {
    for error in [None, Some(ErrorReason::INTERRUPTION)] {
        let world = World::telling();
        world.add_profile(ICCID);
        let id = world.release(ICCID, json!({}));
        let euicc = world.euicc();
        let (open, _) = euicc.download(&world, Some(&id), None).unwrap();
        let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Unavailable" });
        assert_success(&world.es2("cancelOrder", cancel));
        world.tend();
        world.post.take();
        // Uploaded again it could be handed out to another eUICC: not while one may have it.
        let delete = || world.request("DELETE", &format!("/operator/profiles/{ICCID}"), Some(TOKEN), b"");
        assert_eq!(delete().status(), 409);
        // Nobody else's word, and nothing of another session.
        let stranger = Euicc::new(&world.pki, OTHER_EID);
        let (status, refused) = world.notify(&stranger.installation_result(&open, Some(ICCID), None));
        assert_eq!((status, code_of(&refused).as_str()), (200, "8.1/6.1"));
        assert_eq!(world.notify(&stranger.other_notification(NotificationEvents::ENABLE, ICCID)).0, 204);
        let result = euicc.installation_result(&open, Some(ICCID), error);
        for _ in 0..2 {
            assert_eq!(world.notify(&result).0, 204);
        }
        let mut expected = vec![if error.is_none() { "installed" } else { "installationFailed" }];
        if error.is_none() {
            for (event, name) in
                [(NotificationEvents::ENABLE, "enabled"), (NotificationEvents::DELETE, "deleted")]
            {
                assert_eq!(world.notify(&euicc.other_notification(event, ICCID)).0, 204);
                expected.push(name);
            }
        }
        assert_eq!(world.state(ICCID), "Unavailable");
        let kept = world.events(ICCID);
        assert!(
            kept.ends_with(&expected.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()),
            "{kept:?}"
        );
        let reported = world.operator("notifications");
        let reported = reported["notifications"].as_array().unwrap();
        assert_eq!(reported.len(), expected.len(), "{reported:?}");
        assert!(reported.iter().all(|one| one["eid"] == EID), "{reported:?}");
        world.tend();
        let sent = world.post.take();
        assert_eq!(sent.len(), expected.len(), "{sent:?}");
        assert_eq!((&sent[0].body["notificationPointId"], &sent[0].body["eid"]), (&json!(4), &json!(EID)));
        assert_eq!(unb64(&sent[0].body["resultData"])[..2], [0xBF, 0x27]);
        assert_eq!(world.smdp.store().leads(), (0, 0));
        let order = json!({ "iccid": ICCID });
        assert_eq!(code_of(&world.es2("downloadOrder", order)), "8.2.1/1.2", "out of use all the same");
        assert_eq!(delete().status(), 204, "the eUICC does not have it");
    }
}

/// Orders come and go; what is kept of them does not grow.
#[test]
fn indexes_do_not_grow() {
    let world = World::new();
    world.add_profile(ICCID);
    for number in 0..50 {
        let eid = format!("890490320000000000000000000{number:05}");
        let (id, leads) =
            if number % 2 == 0 { (format!("MATCH-{number}"), (1, 0)) } else { (String::new(), (0, 1)) };
        world.release(ICCID, json!({ "eid": eid, "matchingId": id }));
        assert_eq!(world.smdp.store().leads(), leads);
        let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
        assert_success(&world.es2("cancelOrder", cancel));
    }
    assert_eq!(world.smdp.store().leads(), (0, 0));
    let detail: Value = world.operator(&format!("orders/{ICCID}"));
    assert!(detail["events"].as_array().unwrap().len() <= 200);
}
