//! What the operator is told without asking (ES2+.HandleDownloadProgressInfo and
//! HandleNotification): each step once it has happened, in order, until the operator
//! has it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::*;
use edge_smdp::outbox::{PATIENCE, pause};
use edge_smdp::store::Store;
use edge_smdp::{Configuration, Limits};
use rsp::DataObject;
use rsp::codes::{CancelSessionReason, DownloadErrorCode, ErrorReason};
use rsp::download::PrepareDownloadResponse;
use rsp::metadata::NotificationEvents;
use rsp_crypto::ready;
use serde_json::{Value, json};

const SECOND: &str = "8900101000000000024";

/// Point and status code of what arrived: `1`, `2:8.2.7/3.8`.
fn points(world: &World) -> Vec<String> {
    let point = |sent: &Sent| {
        assert_eq!(sent.function(), "handleDownloadProgressInfo", "{sent:?}");
        let status = &sent.body["notificationPointStatus"];
        let point = sent.body["notificationPointId"].as_u64().unwrap();
        match status["statusCodeData"].as_object() {
            None => {
                assert_eq!(status["status"], "Executed-Success");
                point.to_string()
            }
            Some(data) => {
                assert_eq!(status["status"], "Failed");
                let text = |name: &str| data[name].as_str().unwrap().to_owned();
                format!("{point}:{}/{}", text("subjectCode"), text("reasonCode"))
            }
        }
    };
    world.tend();
    world.post.take().iter().map(point).collect()
}

fn waiting(world: &World) -> usize {
    ready(world.smdp.store().due(u64::MAX, 1 << 20)).unwrap().len()
}

#[test]
fn every_step_of_a_download_is_told_in_order() {
    let world = World::telling();
    let body = json!({ "metadata": metadata(), "package": b64(&package(ICCID)), "profileType": "plan" });
    assert_eq!(world.add(&body).0, 201);
    let matching_id = world.release(ICCID, json!({}));
    world.tend();
    assert!(world.post.take().is_empty(), "the operator knows what it did itself");

    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
    assert_eq!(waiting(&world), 2, "kept before it is sent");
    world.wait(7);
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    for event in [NotificationEvents::ENABLE, NotificationEvents::DISABLE, NotificationEvents::DELETE] {
        let notification = euicc.other_notification(event, ICCID);
        for _ in 0..2 {
            assert_eq!(world.notify(&notification).0, 204);
        }
    }
    world.tend();
    let sent = world.post.take();
    assert_eq!(waiting(&world), 0);
    let base = "https://operator.example/callbacks/gsma/rsp2/es2plus/";
    let told: Vec<(&str, &Value)> = sent
        .iter()
        .map(|sent| (sent.url.strip_prefix(base).unwrap(), &sent.body))
        .map(|(function, body)| match function {
            "handleDownloadProgressInfo" => (function, &body["notificationPointId"]),
            _ => (function, &body["notificationEvent"]),
        })
        .collect();
    let (progress, notification) = ("handleDownloadProgressInfo", "handleNotification");
    let expected = [
        (progress, &json!(1)),
        (progress, &json!(3)),
        (progress, &json!(4)),
        (notification, &json!("enable")),
        (notification, &json!("disable")),
        (notification, &json!("delete")),
    ];
    assert_eq!(told, expected);
    for sent in &sent {
        assert_eq!(sent.token.as_deref(), Some("callback-token"));
        assert_eq!(sent.body["iccid"], ICCID);
        assert_eq!(sent.body["eid"], EID);
        assert_eq!(sent.body["profileType"], "plan");
        assert_eq!(sent.body["header"]["functionRequesterIdentifier"], "2.999.10");
    }
    assert_eq!(sent[0].body["timestamp"], "2027-01-15T08:00:00Z");
    assert_eq!(sent[2].body["timestamp"], "2027-01-15T08:00:07Z");
    assert_eq!(unb64(&sent[2].body["resultData"])[..2], [0xBF, 0x27]);
    let mut calls: Vec<&str> = sent.iter().map(Sent::call).collect();
    calls.sort_unstable();
    calls.dedup();
    assert_eq!(calls.len(), sent.len(), "every call has its own name");
}

#[test]
fn what_goes_wrong_is_told_with_its_code() {
    let limits = Limits { confirmation_failures: 2, download_attempts: 3, ..Limits::default() };
    let world = World::configured(&[], |c| Configuration {
        operator_callback: Some("http://127.0.0.1:8080"),
        limits,
        ..c
    });
    for iccid in [ICCID, SECOND] {
        world.add_profile(iccid);
    }
    let euicc = world.euicc();

    // Eligibility, once per eUICC or device up to a limit.
    let matching_id = world.release(ICCID, json!({ "confirmationCode": "4711" }));
    let mut full = world.euicc();
    full.info2.ext_card_resource.free_non_volatile_memory = 1;
    assert!(full.authenticate(&world, Some(&matching_id)).is_err());
    assert_eq!(points(&world), ["1:8.1/4.8"]);
    for _ in 0..100 {
        assert!(full.authenticate(&world, Some(&matching_id)).is_err());
    }
    assert_eq!(points(&world).len(), 19, "an eUICC cannot fill the outbox");

    // Another eUICC, or a matching id of nobody: not a step of this download.
    assert!(euicc.authenticate(&world, Some("NO-SUCH")).is_err());
    assert_eq!(points(&world), [""; 0]);

    // Confirmation codes.
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let own = euicc.one_time_key();
    for code in [None, Some("0"), Some("1")] {
        euicc.package(&world, &open, &euicc.prepare_download(&open, own.public(), code)).unwrap_err();
    }
    assert_eq!(points(&world), ["1", "2:8.2.7/3.8", "2:8.2.7/6.4"]);

    // The eUICC's refusals, cancelled sessions, the end of the attempts.
    let matching_id = world.release(SECOND, json!({}));
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let transaction_id = open.transaction_id.parse().unwrap();
    let refusal =
        PrepareDownloadResponse::Error { transaction_id, code: DownloadErrorCode::INVALID_SIGNATURE };
    assert_eq!(euicc.package(&world, &open, &refusal.encode()).unwrap_err(), "8.1/4.2");
    assert_eq!(points(&world), ["1", "3:8.1/4.2"]);
    for (reason, point) in [
        (CancelSessionReason::POSTPONED, "2:8.1/4.2"),
        (CancelSessionReason::LOAD_BPP_EXECUTION_ERROR, "4:8.1/4.2"),
    ] {
        let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
        assert_success(&euicc.cancel(&world, &open, reason, "2.999.10"));
        assert_eq!(points(&world), ["1", point]);
    }
    assert_eq!(euicc.authenticate(&world, Some(&matching_id)).err().unwrap(), "8.8.5/6.4");
    assert_eq!(points(&world), ["1:8.8.5/6.4"]);
}

#[test]
fn how_an_installation_ended_is_told() {
    for (reason, point) in [
        (ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE, "4:8.1/4.8"),
        (ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC, "4:8.2.1/3.3"),
        (ErrorReason::PE_PROCESSING_ERROR, "4:8.1/4.2"),
    ] {
        let world = World::telling();
        world.add_profile(ICCID);
        let matching_id = world.release(ICCID, json!({}));
        let euicc = world.euicc();
        let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
        let result = euicc.installation_result(&open, Some(ICCID), Some(reason));
        assert_eq!(world.notify(&result).0, 204);
        assert_eq!(world.notify(&result).0, 204);
        assert_eq!(points(&world), ["1", "3", point]);
    }
}

#[test]
fn without_a_callback_nobody_is_told() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    world.euicc().download(&world, Some(&matching_id), None).unwrap();
    assert_eq!(waiting(&world), 0);
    world.tend();
    assert!(world.post.take().is_empty());
}

#[test]
fn an_operator_that_is_away_is_told_later_and_in_order() {
    let world = World::telling();
    world.add_profile(ICCID);
    world.add_profile(SECOND);
    let [one, two] = [ICCID, SECOND].map(|iccid| world.release(iccid, json!({})));
    let euicc = world.euicc();
    euicc.download(&world, Some(&one), None).unwrap();
    let answers = [
        Err("no answer in time".to_owned()),
        Ok((503, Vec::new())),
        Ok((401, Vec::new())),
        Ok((302, Vec::new())),
        failed("8.8/4.2"),
    ];
    let mut calls = Vec::new();
    for (attempt, answer) in answers.into_iter().enumerate() {
        world.post.answers(move |_| answer.clone());
        world.tend();
        let sent = world.post.take();
        assert_eq!(sent.len(), 1, "the second waits for the first: {sent:?}");
        assert_eq!(sent[0].body["notificationPointId"], 1);
        calls.push(sent[0].call().to_owned());
        assert_eq!(waiting(&world), 2);
        // Not a second too early, and no later than a quarter too late.
        world.tend();
        world.wait(pause(attempt as u32) * 3 / 4 - 1);
        world.tend();
        assert!(world.post.take().is_empty());
        world.wait(pause(attempt as u32) / 2 + 2);
    }
    calls.dedup();
    assert_eq!(calls.len(), 1, "one call, however often");
    // Meanwhile another download has come; its first message is as old as it is.
    world.post.answers(|_| Ok((200, Vec::new())));
    euicc.download(&world, Some(&two), None).unwrap();
    assert_eq!(points(&world), ["1", "3", "1", "3"]);
    assert_eq!(waiting(&world), 0);
}

#[test]
fn an_operator_that_hangs_costs_a_bounded_time() {
    let world = World::telling();
    for number in 10..60 {
        let iccid = format!("89001010000000{number}0010");
        world.add_profile(&iccid);
        let matching_id = world.release(&iccid, json!({}));
        world.euicc().authenticate(&world, Some(&matching_id)).unwrap();
    }
    let begin = world.clock.get();
    let (clock, asked) = (Rc::clone(&world.clock), Rc::new(Cell::new(0)));
    let count = Rc::clone(&asked);
    world.post.answers(move |_| {
        clock.set(clock.get() + 20);
        count.set(count.get() + 1);
        Err("no answer in time".into())
    });
    world.tend();
    assert_eq!(asked.get(), 2, "then it is left alone for this time");
    assert_eq!(world.clock.get() - begin, 40);
    assert_eq!(waiting(&world), 50, "nothing is lost");

    // One that is slow: each go has its end, and the next one goes on.
    world.wait(100);
    let clock = Rc::clone(&world.clock);
    world.post.answers(move |_| {
        clock.set(clock.get() + 19);
        Ok((204, Vec::new()))
    });
    let begin = world.clock.get();
    world.tend();
    assert!(world.clock.get() - begin <= 60 + 19);
    let mut gos = 0;
    while waiting(&world) > 0 {
        world.tend();
        gos += 1;
    }
    assert!(gos < 20, "{gos}");
}

#[test]
fn what_the_operator_refuses_or_never_takes_is_in_the_journal() {
    let world = World::telling();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    // The operator's own word: it has the message and wants none of it.
    world.post.answers(|_| failed("8.2.1/3.9"));
    euicc.authenticate(&world, Some(&matching_id)).unwrap();
    world.tend();
    assert_eq!(waiting(&world), 0);
    let detail = world.operator(&format!("orders/{ICCID}"));
    let last = detail["events"].as_array().unwrap().last().unwrap();
    assert_eq!(last["event"], "undelivered");
    assert_eq!(last["detail"], "handleDownloadProgressInfo refused: 8.2.1/3.9 no");

    // Thirty days of silence.
    world.post.answers(|_| Err("no answer in time".into()));
    euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let begin = world.clock.get();
    let mut attempts = 0;
    while waiting(&world) > 0 {
        world.tend();
        attempts += world.post.take().len();
        world.wait(3600);
    }
    let lasted = world.clock.get() - begin;
    assert!((PATIENCE..PATIENCE + 2 * 6 * 3600).contains(&lasted), "{lasted}");
    assert!((100..200).contains(&attempts), "{attempts}");
    let last = world.events(ICCID).pop().unwrap();
    assert_eq!(last, "undelivered");
}

#[test]
fn where_messages_may_go() {
    let refused = |callback: &str| {
        World::try_of(&[], Configuration { operator_callback: Some(callback), ..base() }).err()
    };
    for base in [
        "https://operator.example",
        "https://operator.example:8443/x/",
        "http://localhost:1/",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "",
    ] {
        assert_eq!(refused(base), None, "{base}");
    }
    for base in [
        "http://operator.example",
        "operator.example",
        "/x",
        "https://",
        "https://a:b@operator.example",
        "ftp://operator.example",
        "http://localhost.evil.example",
        "https://operator.example/?x",
    ] {
        assert!(refused(base).unwrap().contains("OPERATOR_CALLBACK"), "{base}");
    }
}

#[test]
fn limits_have_bounds() {
    let limits = |text: &str| Limits::from_json(text).map_err(|error| error.to_string());
    assert_eq!(limits("{}"), Ok(Limits::default()));
    let all = r#"{"sessionSeconds":60,"orderSeconds":3600,"downloadAttempts":1,"confirmationFailures":100}"#;
    let expected = Limits {
        session: 60,
        order: 3600,
        download_attempts: 1,
        confirmation_failures: 100,
        ..Limits::default()
    };
    assert_eq!(limits(all), Ok(expected));
    for wrong in [
        r#"{"sessionSeconds":59}"#,
        r#"{"sessionSeconds":86401}"#,
        r#"{"orderSeconds":0}"#,
        r#"{"orderSeconds":400000000}"#,
        r#"{"downloadAttempts":0}"#,
        r#"{"downloadAttempts":-1}"#,
        r#"{"confirmationFailures":101}"#,
        r#"{"orderSecond":100}"#,
        "[]",
        "90",
    ] {
        assert!(limits(wrong).unwrap_err().contains("SMDP_LIMITS"), "{wrong}");
    }
}
