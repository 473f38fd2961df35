//! Two at once: every step of one call may fall between any two steps of another.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::turns::{both, responses, several};
use common::*;
use serde_json::{Value, json};

fn released() -> (World, String, Vec<u8>) {
    let world = World::new();
    let package = world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    (world, matching_id, package)
}

#[test]
fn two_euiccs_never_get_the_same_profile() {
    for head_start in 0..8 {
        let (world, matching_id, package) = released();
        let euiccs = [world.euicc(), Euicc::new(&world.pki, OTHER_EID)];
        let [one, two] = euiccs.each_ref().map(|euicc| {
            let (id, server) = euicc.initiate(&world);
            euicc.authenticate_request(&id, euicc.signed1(&server, Some(&matching_id))).0
        });
        let codes = both(&world, "es9plus/authenticateClient", [&one, &two], head_start).map(|a| code_of(&a));
        let winner = codes.iter().position(String::is_empty).unwrap();
        assert_eq!(codes[1 - winner], "8.1.1/3.8", "{head_start}: {codes:?}");
        let (_, elements) = euiccs[winner].download(&world, Some(&matching_id), None).unwrap();
        assert_eq!(elements, package);
    }
}

#[test]
fn one_of_two_equal_messages_begins_the_session() {
    for head_start in 0..8 {
        let (world, matching_id, _) = released();
        let euicc = world.euicc();
        let (id, server) = euicc.initiate(&world);
        let request = euicc.authenticate_request(&id, euicc.signed1(&server, Some(&matching_id))).0;
        let mut codes =
            both(&world, "es9plus/authenticateClient", [&request, &request], head_start).map(|a| code_of(&a));
        codes.sort();
        assert_eq!(codes, ["", "8.10.1/3.9"], "{head_start}");
        assert_eq!(world.operator(&format!("orders/{ICCID}"))["downloadAttempts"], 1);
    }
}

#[test]
fn two_equal_requests_get_the_same_package_and_are_counted_once() {
    for head_start in 0..8 {
        let (world, matching_id, package) = released();
        let euicc = world.euicc();
        let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
        let own = euicc.one_time_key();
        let prepared = euicc.prepare_download(&open, own.public(), None);
        let request =
            json!({ "transactionId": open.transaction_id, "prepareDownloadResponse": b64(&prepared) });
        let [one, two] = both(&world, "es9plus/getBoundProfilePackage", [&request, &request], head_start);
        assert_eq!(one["boundProfilePackage"], two["boundProfilePackage"], "{head_start}");
        assert_eq!(euicc.open(&open, &own, &unb64(&one["boundProfilePackage"])).1, package);
        assert_eq!(world.events(ICCID).iter().filter(|event| *event == "downloaded").count(), 1);
    }
}

#[test]
fn wrong_confirmation_codes_at_once_are_all_counted() {
    for head_start in 0..8 {
        let world = World::new();
        world.add_profile(ICCID);
        let matching_id = world.release(ICCID, json!({ "confirmationCode": "4711" }));
        let euicc = world.euicc();
        let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
        let own = euicc.one_time_key();
        let wrong = ["0000", "1111"].map(|code| {
            let prepared = euicc.prepare_download(&open, own.public(), Some(code));
            json!({ "transactionId": open.transaction_id, "prepareDownloadResponse": b64(&prepared) })
        });
        both(&world, "es9plus/getBoundProfilePackage", [&wrong[0], &wrong[1]], head_start);
        let failures = world.events(ICCID).iter().filter(|e| *e == "confirmationFailed").count();
        assert_eq!(failures, 2, "{head_start}");
    }
}

/// More eUICCs at once than a call tries again for: who loses all of its races is told to come
/// again, in the words of the standard, and what was changed is what was answered.
#[test]
fn who_loses_every_race_is_told_to_come_again() {
    let (world, matching_id, _) = released();
    let mut euicc = world.euicc();
    euicc.info2.ext_card_resource.free_non_volatile_memory = 1;
    let requests: Vec<Value> = (0..20)
        .map(|_| {
            let (id, server) = euicc.initiate(&world);
            euicc.authenticate_request(&id, euicc.signed1(&server, Some(&matching_id))).0
        })
        .collect();
    let calls: Vec<_> = requests.iter().map(|request| ("es9plus/authenticateClient", request, 0)).collect();
    let answers = responses(&world, &calls);
    let mut lost = 0;
    for response in &answers {
        assert_eq!(response.status(), 200);
        let code = code_of(&serde_json::from_slice(response.body()).unwrap());
        assert_eq!(response.headers().contains_key("retry-after"), code == "8.8/4.2");
        match code.as_str() {
            "8.8/4.2" => lost += 1,
            code => assert_eq!(code, "8.1/4.8"),
        }
    }
    assert!(lost > 0, "so many at once that one of them loses");
    assert_eq!(world.events(ICCID).iter().filter(|event| *event == "refused").count(), 20 - lost);
}

/// An LPA takes every 2xx for the acknowledgement and forgets the notification: who loses
/// every race with one gets none.
#[test]
fn a_notification_that_loses_every_race_is_not_acknowledged() {
    let (world, matching_id, _) = released();
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    let notifications: Vec<Value> = (0..20)
        .map(|_| euicc.other_notification(rsp::metadata::NotificationEvents::ENABLE, ICCID))
        .map(|notification| json!({ "pendingNotification": b64(&notification) }))
        .collect();
    let calls: Vec<_> = notifications.iter().map(|one| ("es9plus/handleNotification", one, 0)).collect();
    let answers = responses(&world, &calls);
    let kept = answers.iter().filter(|response| response.status() == 204).count();
    let lost = answers.iter().filter(|response| response.status() == 503).collect::<Vec<_>>();
    assert_eq!(kept + lost.len(), 20);
    assert!(!lost.is_empty());
    for response in lost {
        assert!(response.headers().contains_key("retry-after"));
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    }
    assert_eq!(world.events(ICCID).iter().filter(|event| *event == "enabled").count(), kept);
}

/// Whoever gives an order up does not take away what leads to the next one.
#[test]
fn a_cancelled_order_leaves_the_next_one_its_euicc() {
    for (begin, gap) in (0..12).flat_map(|begin| (1..6).map(move |gap| (begin, gap))) {
        let world = World::new();
        world.add_profile(ICCID);
        world.release(ICCID, json!({ "eid": EID, "matchingId": "" }));
        let header =
            |id: &str| json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": id });
        let cancel = json!({
            "header": header("cancel"), "iccid": ICCID, "finalProfileStatusIndicator": "Available",
        });
        let order = json!({ "header": header("again"), "iccid": ICCID, "eid": EID });
        let confirm = json!({
            "header": header("confirm"), "iccid": ICCID, "matchingId": "", "releaseFlag": true,
        });
        let calls = [
            ("es2plus/downloadOrder", &order, begin),
            ("es2plus/confirmOrder", &confirm, begin + gap),
            ("es2plus/cancelOrder", &cancel, 0),
        ];
        let answers = several(&world, &calls);
        assert_success(&answers[2]);
        let confirmed = code_of(&answers[1]).is_empty();
        assert_eq!(world.state(ICCID) == "Released", confirmed, "{begin} {gap}");
        let leads = (0, usize::from(confirmed));
        assert_eq!(world.smdp.store().leads(), leads, "{begin} {gap}");
        assert_eq!(world.euicc().authenticate(&world, None).is_ok(), confirmed, "{begin} {gap}");
    }
}
