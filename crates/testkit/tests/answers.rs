//! What a server, or something that stands before it, may answer beside an answer: HTTP errors,
//! other statuses of the header (SGP.22 §5.2.6), and what is no answer at all. For each call of
//! ES9+ and ES11: what the person is told, and that nothing is lost by it.

#![cfg(not(target_arch = "wasm32"))] // Each is busy for so long that a browser is taken for dead.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod common;

use common::phone::{
    CANCEL, CLIENT, INITIATE, NOTIFY, PACKAGE, WAYS, all_is_well, attached, cancelled, discover, download,
    is_told, profiles, recover, register, state, waiting, yes,
};
use lpa::{Cause, Failure, NotificationReport, Options, Outcome, Reply, Retry, Stage};
use rsp::codes::CancelSessionReason;
use rsp::status::{FunctionExecutionStatus, StatusCode, StatusCodeData};
use serde_json::{Value, json};
use testkit::{Order, SMDS_ADDRESS, World};

/// The calls of a download, with the stage that each belongs to.
const CALLS: [(&str, Stage); 3] = [
    (INITIATE, Stage::InitiateAuthentication),
    (CLIENT, Stage::AuthenticateClient),
    (PACKAGE, Stage::FetchPackage),
];

/// Whether the server has done what it was asked for.
const HEARD: [bool; 2] = [false, true];

/// What is to be done about an HTTP status.
fn after_http(status: u16) -> Retry {
    match status {
        408 | 429 | 500.. => Retry::Again,
        _ => Retry::Never,
    }
}

/// HTTP statuses; with a redirect, 502 and 504 the network says that there is no answer.
const STATUSES: [u16; 18] =
    [300, 301, 302, 307, 400, 401, 403, 404, 405, 408, 413, 415, 429, 500, 501, 502, 503, 504];

/// Bodies under HTTP 200 that are no answer.
fn garbage() -> Vec<(&'static str, Vec<u8>)> {
    let ok = json!({ "functionExecutionStatus": { "status": "Executed-Success" } });
    let fields = |value: &Value| {
        let names = [
            "transactionId",
            "serverSigned1",
            "serverSignature1",
            "euiccCiPKIdToBeUsed",
            "serverCertificate",
            "profileMetadata",
            "smdpSigned2",
            "smdpSignature2",
            "smdpCertificate",
            "boundProfilePackage",
            "eventEntries",
        ];
        let mut answer = json!({ "header": ok });
        for name in names {
            answer[name] = value.clone();
        }
        answer.to_string().into_bytes()
    };
    vec![
        ("nothing", Vec::new()),
        ("a page", b"<!doctype html><title>Sign in</title>".to_vec()),
        ("not UTF-8", vec![0xFF, 0xFE, 0x80]),
        ("null", b"null".to_vec()),
        ("a list", b"[]".to_vec()),
        ("no header", b"{}".to_vec()),
        ("an empty header", br#"{"header":{}}"#.to_vec()),
        ("a number for a status", br#"{"header":{"functionExecutionStatus":{"status":7}}}"#.to_vec()),
        ("cut off", br#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"},"#.to_vec()),
        ("deep", b"[".repeat(100_000)),
        ("a header alone", json!({ "header": ok }).to_string().into_bytes()),
        ("empty fields", fields(&json!(""))),
        ("fields that are no base64", fields(&json!("***"))),
        ("fields that are no data objects", fields(&json!("AAAA"))),
        ("fields that never end", fields(&json!("v0H/////"))),
        ("fields of another kind", fields(&json!({ "a": [1, 2] }))),
    ]
}

/// Whatever came: no profile is there, the chip is as it was, and the same code brings it.
fn nothing_is_lost(world: &mut World, order: &Order, context: &str) {
    assert_eq!(profiles(world).len(), 1, "{context}");
    world.mend();
    recover(world, order, context);
    all_is_well(world, order, context);
    assert_eq!(world.untold, None, "{context}");
}

#[test]
fn every_http_status_to_a_call_of_a_download_is_told_and_loses_nothing() {
    for (way, start) in WAYS {
        for (function, stage) in CALLS {
            for status in STATUSES {
                for heard in HEARD {
                    let context = format!("{way}: {function} {status} heard: {heard}");
                    let (mut world, order) = start(401);
                    let body = json!({ "title": "out of order" }).to_string().into_bytes();
                    match heard {
                        true => world.answer_heard(function, status, body),
                        false => world.answer_unheard(function, status, body),
                    }
                    let failure = world.run(download(&order), yes).unwrap_err();
                    assert_eq!(failure.stage, stage, "{context}");
                    is_told(&failure, &context);
                    match &failure.cause {
                        Cause::ServerLost(_) => {
                            assert!(status < 400 || [502, 504].contains(&status), "{context}")
                        }
                        Cause::Http { status: told, because } => {
                            assert_eq!(
                                (*told, because.as_deref()),
                                (status, Some("out of order")),
                                "{context}"
                            );
                            assert_eq!(failure.retry(), after_http(status), "{context}");
                            assert!(failure.codes().contains(&format!("HTTP {status}")), "{context}");
                        }
                        _ => panic!("{context}: {failure}"),
                    }
                    // Without an answer of the server's own the package may be on its way.
                    let unanswered = stage == Stage::FetchPackage && failure.retry() == Retry::Again;
                    assert_eq!(world.kept.is_some(), unanswered, "{context}");
                    let expected = (stage != Stage::InitiateAuthentication && !unanswered)
                        .then_some(CancelSessionReason::UNDEFINED_REASON);
                    assert_eq!(cancelled(&world), expected, "{context}");
                    nothing_is_lost(&mut world, &order, &context);
                }
            }
        }
    }
}

#[test]
fn what_is_no_answer_is_told_and_loses_nothing() {
    for (way, start) in WAYS {
        for (function, stage) in CALLS {
            for (name, body) in garbage() {
                for heard in HEARD {
                    let context = format!("{way}: {function}: {name}, heard: {heard}");
                    let (mut world, order) = start(402);
                    match heard {
                        true => world.answer_heard(function, 200, body.clone()),
                        false => world.answer_unheard(function, 200, body.clone()),
                    }
                    let failure = world.run(download(&order), yes).unwrap_err();
                    assert_eq!(failure.stage, stage, "{context}");
                    assert!(matches!(failure.cause, Cause::ServerData(_)), "{context}: {failure}");
                    is_told(&failure, &context);
                    assert!(failure.codes().len() < 600, "{context}: {}", failure.codes());
                    let expected = (stage != Stage::InitiateAuthentication)
                        .then_some(CancelSessionReason::UNDEFINED_REASON);
                    assert_eq!(cancelled(&world), expected, "{context}");
                    assert_eq!(state(&world, &order.iccid), "Released", "{context}");
                    nothing_is_lost(&mut world, &order, &context);
                }
            }
        }
    }
}

/// A status of the header with or without a code.
fn status_of(status: &str, code: Option<StatusCode>) -> FunctionExecutionStatus {
    let status_code_data = code.map(|code| StatusCodeData {
        subject_code: code.subject.into(),
        reason_code: code.reason.into(),
        subject_identifier: Some("the order".into()),
        message: Some(code.meaning().into()),
    });
    FunctionExecutionStatus { status: status.into(), status_code_data }
}

fn header(status: &FunctionExecutionStatus) -> Vec<u8> {
    json!({ "header": { "functionExecutionStatus": status } }).to_string().into_bytes()
}

/// Statuses by which it is not known what became of the call.
fn unfinished() -> Vec<FunctionExecutionStatus> {
    vec![
        status_of("Expired", None),
        status_of("Expired", Some(StatusCode::ORDER_EXPIRED)),
        status_of("Failed", None),
        status_of("Postponed", None),
    ]
}

fn is_unfinished(failure: &Failure, status: &FunctionExecutionStatus, context: &str) {
    let Cause::Unfinished { status: told, code } = &failure.cause else { panic!("{context}: {failure}") };
    assert_eq!((told, code.as_deref()), (&status.status, status.status_code_data.as_ref()), "{context}");
    assert_eq!(failure.retry(), Retry::Again, "{context}");
    assert!(failure.codes().contains(&status.status), "{context}: {}", failure.codes());
    if let Some(code) = code {
        let code = format!("subject {} / reason {}", code.subject_code, code.reason_code);
        assert!(failure.codes().contains(&code), "{context}: {}", failure.codes());
    }
    is_told(failure, context);
}

#[test]
fn a_server_that_did_not_finish_is_asked_again() {
    for (way, start) in WAYS {
        for (function, stage) in CALLS {
            for status in unfinished() {
                for heard in HEARD {
                    let context = format!("{way}: {function} {status:?} heard: {heard}");
                    let (mut world, order) = start(403);
                    match heard {
                        true => world.answer_heard(function, 200, header(&status)),
                        false => world.answer_unheard(function, 200, header(&status)),
                    }
                    let failure = world.run(download(&order), yes).unwrap_err();
                    assert_eq!(failure.stage, stage, "{context}");
                    is_unfinished(&failure, &status, &context);
                    // The package may have been handed out.
                    assert_eq!(world.kept.is_some(), stage == Stage::FetchPackage, "{context}");
                    assert_eq!(world.calls_of(CANCEL), 0, "{context}");
                    nothing_is_lost(&mut world, &order, &context);
                }
            }
        }
    }
}

#[test]
fn a_warning_is_a_success() {
    let warnings = [
        status_of("Executed-WithWarning", None),
        status_of("Executed-WithWarning", Some(StatusCode::EXECUTION_ERROR)),
    ];
    for (function, _) in CALLS {
        for warning in &warnings {
            let context = format!("{function} {warning:?}");
            let (mut world, order) = attached(404);
            world.change_status_of(function, warning.clone());
            world.download(&order.code).unwrap_or_else(|failure| panic!("{context}: {failure}"));
            world.mend();
            all_is_well(&mut world, &order, &context);
        }
    }
    for warning in &warnings {
        let (mut world, order) = attached(404);
        world.change_status_of(CANCEL, warning.clone());
        world.run(download(&order), |_| Reply::Reject).unwrap_err();
        assert_eq!((state(&world, &order.iccid), world.untold.clone()), ("Error".into(), None));
        for function in [INITIATE, CLIENT] {
            let (mut world, order) = attached(404);
            register(&mut world, SMDS_ADDRESS, &order);
            world.change_status_of(function, warning.clone());
            assert_eq!(discover(&mut world).unwrap().len(), 1, "{function}");
        }
    }
}

#[test]
fn a_notification_that_is_not_answered_as_it_must_be_waits() {
    let mut answers: Vec<(u16, Vec<u8>)> =
        STATUSES.iter().map(|status| (*status, b"<html>".to_vec())).collect();
    answers.extend(garbage().into_iter().map(|(_, body)| (200, body)));
    answers.extend(unfinished().iter().map(|status| (200, header(status))));
    answers.push((200, header(&status_of("Executed-WithWarning", None))));
    answers.push((202, Vec::new()));
    for (status, body) in answers {
        for heard in HEARD {
            let context =
                format!("{status} {} heard: {heard}", String::from_utf8_lossy(&body[..body.len().min(60)]));
            let (mut world, order) = attached(405);
            match heard {
                true => world.answer_heard(NOTIFY, status, body.clone()),
                false => world.answer_unheard(NOTIFY, status, body.clone()),
            }
            let Ok(Outcome::Installed { notifications, .. }) = world.download(&order.code) else {
                panic!("{context}")
            };
            let failure = notifications[0].result.as_ref().unwrap_err();
            assert_eq!(failure.stage, Stage::Notify, "{context}");
            is_told(failure, &context);
            // The result and the notification that it is installed.
            assert_eq!(waiting(&mut world), notifications.len(), "{context}");
            // Sent alone it fares the same, and none that waits goes before it or with it.
            let last = notifications.last().unwrap().metadata.seq_number;
            let sent = world.run(lpa::send_notification(last, Options::default()), yes);
            let Ok(Outcome::Notifications(sent)) = sent else { panic!("{context}: {sent:?}") };
            let [NotificationReport { metadata, result: Err(failure) }] = &sent[..] else {
                panic!("{context}: {sent:?}")
            };
            assert_eq!((metadata.seq_number, failure.stage), (last, Stage::Notify), "{context}");
            is_told(failure, &context);
            assert_eq!(waiting(&mut world), notifications.len(), "{context}");
            world.mend();
            let sent = world.run(lpa::send_notification(last, Options::default()), yes);
            assert!(matches!(sent, Ok(Outcome::Notifications(sent)) if sent[0].result.is_ok()), "{context}");
            assert_eq!(waiting(&mut world), notifications.len() - 1, "{context}");
            all_is_well(&mut world, &order, &context);
        }
    }
}

#[test]
fn what_an_smds_answers_instead_is_told_and_discovery_begins_again() {
    let mut answers: Vec<(u16, Vec<u8>)> =
        STATUSES.iter().map(|status| (*status, b"<html>".to_vec())).collect();
    answers.extend(garbage().into_iter().map(|(_, body)| (200, body)));
    for function in [INITIATE, CLIENT] {
        for (status, body) in &answers {
            let context =
                format!("{function} {status} {}", String::from_utf8_lossy(&body[..body.len().min(60)]));
            let (mut world, order) = attached(406);
            register(&mut world, SMDS_ADDRESS, &order);
            world.answer_heard(function, *status, body.clone());
            let failure = discover(&mut world).unwrap_err();
            assert_eq!(failure.stage, Stage::Discover, "{context}");
            is_told(&failure, &context);
            match &failure.cause {
                Cause::ServerLost(_) => assert_eq!(failure.retry(), Retry::Again, "{context}"),
                Cause::ServerData(_) => assert_eq!(*status, 200, "{context}"),
                Cause::Http { status: told, .. } => {
                    assert_eq!((told, failure.retry()), (status, after_http(*status)), "{context}");
                }
                _ => panic!("{context}: {failure}"),
            }
            world.mend();
            assert_eq!(discover(&mut world).unwrap().len(), 1, "{context}");
        }
        for status in unfinished() {
            let context = format!("{function} {status:?}");
            let (mut world, order) = attached(406);
            register(&mut world, SMDS_ADDRESS, &order);
            world.answer_heard(function, 200, header(&status));
            let failure = discover(&mut world).unwrap_err();
            assert_eq!(failure.stage, Stage::Discover, "{context}");
            is_unfinished(&failure, &status, &context);
            world.mend();
            assert_eq!(discover(&mut world).unwrap().len(), 1, "{context}");
        }
    }
}
