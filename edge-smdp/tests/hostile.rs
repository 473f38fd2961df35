//! Messages as nobody should send them: cut off anywhere, and with any byte another one. They are
//! answered, never by a fault of the server's, and leave everything as it was.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use rsp::codes::CancelSessionReason;
use rsp::metadata::NotificationEvents;
use serde_json::{Value, json};

const SECOND: &str = "8900101000000000024";
const THIRD: &str = "8900101000000000032";

/// All that bytes are cut to, and each of them changed in two ways.
fn spoiled(good: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let cut = (0..good.len()).map(|length| good[..length].to_vec());
    let changed = (0..good.len()).flat_map(|at| [0x41, 0x80].map(|by| (at, by)));
    cut.chain(changed.map(|(at, by)| {
        let mut bytes = good.to_vec();
        bytes[at] ^= by;
        bytes
    }))
}

/// Sends a request of ES9+ with each spoiled form of a value in base64; each must be refused, or at most
/// acknowledged where nothing is to be done about it.
fn refused(world: &World, function: &str, good: &Value, name: &str, acknowledged: bool) {
    let before = world.smdp.store().snapshot();
    for bytes in spoiled(&unb64(&good[name])) {
        let mut body = good.clone();
        body[name] = json!(b64(&bytes));
        let (status, answer) = world.es9(function, &body);
        match status {
            200 => assert_eq!(status_of(&answer), "Failed", "{function}: {body}: {answer}"),
            204 => assert!(acknowledged, "{function}: {body}"),
            _ => assert_eq!(status, 400, "{function}: {body}: {answer}"),
        }
    }
    assert_eq!(world.smdp.store().snapshot(), before, "{function}");
}

/// The same with the text of a request; it may be one that is accepted.
fn answered(world: &World, path: &str, token: Option<&str>, good: &Value) {
    for body in spoiled(good.to_string().as_bytes()) {
        let status = world.request("POST", path, token, &body).status();
        assert!(status.is_success() || status.is_client_error(), "{path}: {status}");
    }
}

#[test]
fn spoiled_messages_of_a_session_are_refused() {
    let world = World::new();
    let euicc = world.euicc();
    world.add_profile(ICCID);
    let id = world.release(ICCID, json!({}));

    let (session, server) = euicc.initiate(&world);
    let (request, _) = euicc.authenticate_request(&session, euicc.signed1(&server, Some(&id)));
    refused(&world, "authenticateClient", &request, "authenticateServerResponse", false);

    let open = euicc.authenticate_in(&world, &session, &server, Some(&id)).unwrap();
    let cancelled = euicc.cancel_response(&session, CancelSessionReason::END_USER_REJECTION, "2.999.10");
    let request = json!({ "transactionId": session, "cancelSessionResponse": b64(&cancelled) });
    refused(&world, "cancelSession", &request, "cancelSessionResponse", false);

    let own = euicc.one_time_key();
    let prepared = euicc.prepare_download(&open, own.public(), None);
    euicc.package(&world, &open, &prepared).unwrap();
    assert_eq!(world.state(ICCID), "Downloaded");

    let result = euicc.installation_result(&open, Some(ICCID), None);
    let request = json!({ "pendingNotification": b64(&result) });
    // Of a profile or a session that is not ours: acknowledged, so that the eUICC forgets it.
    refused(&world, "handleNotification", &request, "pendingNotification", true);
    assert_eq!(world.state(ICCID), "Downloaded");
    assert_eq!(world.notify(&result).0, 204);
    assert_eq!(world.state(ICCID), "Installed");

    let deleted = euicc.other_notification(NotificationEvents::DELETE, ICCID);
    let request = json!({ "pendingNotification": b64(&deleted) });
    refused(&world, "handleNotification", &request, "pendingNotification", false);
    assert_eq!(world.state(ICCID), "Installed");
}

#[test]
fn spoiled_requests_are_answered() {
    let world = World::new();
    let before = world.smdp.store().snapshot();
    let initiate = "/gsma/rsp2/es9plus/initiateAuthentication";
    answered(&world, initiate, None, &world.euicc().initiate_request());
    assert_eq!(world.smdp.store().snapshot(), before);

    for iccid in [ICCID, SECOND, THIRD] {
        world.add_profile(iccid);
    }
    let header = json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": "call" });
    let order = json!({ "header": header, "iccid": ICCID, "eid": EID });
    answered(&world, "/gsma/rsp2/es2plus/downloadOrder", Some(TOKEN), &order);
    let confirmation = json!({ "header": header, "iccid": SECOND, "eid": EID, "matchingId": "AB-1",
                               "confirmationCode": "4711", "releaseFlag": true });
    answered(&world, "/gsma/rsp2/es2plus/confirmOrder", Some(TOKEN), &confirmation);
    let cancellation =
        json!({ "header": header, "iccid": THIRD, "finalProfileStatusIndicator": "Available" });
    answered(&world, "/gsma/rsp2/es2plus/cancelOrder", Some(TOKEN), &cancellation);

    let subscriber = json!({ "iccid": "8900101000000000040", "imsi": "001010000000004", "msisdn": "+4915112345",
                             "k": "465b5ce8b199b49faa5f0a2ee238a6bc", "opc": "cd63cb71954a9f4e48a5994e37a02baf" });
    let upload = json!({ "metadata": metadata(), "subscriber": subscriber });
    answered(&world, "/operator/profiles", Some(TOKEN), &upload);
}

/// A package that was spoiled on its way is refused or is a whole one: what can be ordered can be
/// downloaded.
#[test]
fn spoiled_packages_are_refused_or_whole() {
    let world = World::new();
    let good = package(ICCID);
    let mut taken = 0;
    for bytes in spoiled(&good).step_by(7) {
        let (status, answer) = world.add(&json!({ "metadata": metadata(), "package": b64(&bytes) }));
        assert!(matches!(status, 200 | 201 | 400), "{status} {answer}");
        if status == 400 {
            continue;
        }
        taken += 1;
        let iccid = answer["iccid"].as_str().unwrap();
        let read = saip::Package::decode(&bytes).unwrap();
        assert_eq!(read.header().unwrap().iccid.to_string(), iccid);
    }
    // Names and keys may be any; what holds them together may not.
    assert!(taken < good.len() / 7 * 2, "{taken} of {} bytes", good.len());
}

/// The operator's own interface, also where the operator's systems are broken: with bodies that were spoiled,
/// and with values in path and query that are none. Nothing changes by a refusal.
#[test]
fn spoiled_requests_of_the_operator_are_answered() {
    let world = World::new();
    for iccid in [ICCID, SECOND] {
        world.add_profile(iccid);
    }
    let kind = json!({ "metadata": metadata(), "template": "operational" });
    let row = json!({ "iccid": "8900101000000000040", "imsi": "001010000000004",
                      "k": "465b5ce8b199b49faa5f0a2ee238a6bc", "opc": "cd63cb71954a9f4e48a5994e37a02baf" });
    let cancel = json!({ "finalProfileStatusIndicator": "Available" });
    for (method, path, good) in [
        ("PUT", "/operator/profile-types/plan".to_owned(), kind),
        (
            "POST",
            "/operator/orders".to_owned(),
            json!({ "orders": [{ "iccid": ICCID, "eid": EID, "matchingId": "" }] }),
        ),
        ("POST", format!("/operator/orders/{ICCID}/cancel"), cancel.clone()),
        (
            "POST",
            "/operator/subscribers".to_owned(),
            json!({ "profileType": "operational", "subscribers": [row] }),
        ),
    ] {
        for body in spoiled(good.to_string().as_bytes()) {
            let before = world.smdp.store().snapshot();
            let status = world.request(method, &path, Some(TOKEN), &body).status();
            assert!(status.is_success() || status.is_client_error(), "{method} {path}: {status}");
            if status == 400 {
                assert_eq!(world.smdp.store().snapshot(), before, "{method} {path}");
            }
        }
    }

    let before = world.smdp.store().snapshot();
    let long = "9".repeat(5000);
    let values = [
        "",
        "-1",
        "0",
        "18446744073709551616",
        "%00",
        "%FF",
        "%",
        "%2e%2e%2f",
        "'%3b--",
        "%D9%A3",
        "NaN",
        &long,
    ];
    for value in values {
        for path in ["orders", "profiles", "profile-types"] {
            let status =
                world.request("GET", &format!("/operator/{path}/{value}"), Some(TOKEN), b"").status();
            assert!(status.is_success() || status.is_client_error(), "{path}/{value}: {status}");
            let status =
                world.request("DELETE", &format!("/operator/{path}/{value}"), Some(TOKEN), b"").status();
            assert!(status.is_client_error(), "{path}/{value}: {status}");
        }
        for (act, body) in [("release", String::new()), ("cancel", cancel.to_string())] {
            let path = format!("/operator/orders/{value}/{act}");
            let status = world.request("POST", &path, Some(TOKEN), body.as_bytes()).status();
            assert!(status.is_client_error(), "{path}: {status}");
        }
        for (path, names) in [
            ("profiles", &["state", "profileType", "eid", "search", "after", "limit", "unknown"][..]),
            ("events", &["event", "iccid", "after", "limit"]),
            ("notifications", &["iccid", "after", "limit"]),
            ("outbox", &["limit"]),
        ] {
            for name in names {
                let path = format!("/operator/{path}?{name}={value}&{name}={value}");
                let status = world.request("GET", &path, Some(TOKEN), b"").status();
                assert!(status == 200 || status.is_client_error(), "{path}: {status}");
            }
        }
    }
    assert_eq!(world.smdp.store().snapshot(), before);
}
