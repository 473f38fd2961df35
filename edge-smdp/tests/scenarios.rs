//! Every refusal of ES9+ and ES2+ (`scenarios.txt`): its code, and what it leaves
//! behind.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::*;
use edge_smdp::profile::Profile;
use edge_smdp::store::{Change, Store};
use edge_smdp::{Configuration, Limits};
use rsp::auth::{AuthenticateServerResponse, CtxParams1, EuiccInfo1, EuiccSigned1};
use rsp::cancel::CancelSessionResponse;
use rsp::codes::{AuthenticateErrorCode, CancelSessionReason, DownloadErrorCode};
use rsp::download::PrepareDownloadResponse;
use rsp::es9::Es9Function;
use rsp::metadata::{NotificationEvents, PprIds};
use rsp::status::StatusCode;
use rsp::{CiPkId, DataObject, TransactionId, Version};
use rsp_crypto::issue::{Attribute, Shape, Template, Validity};
use rsp_crypto::{Curve, PublicKey, ready};
use serde_json::{Value, json};

const SECOND: &str = "8900101000000000024";
const UNKNOWN: &str = "8900101000000009991";
/// A transaction id that the server did not give out.
const STRANGE: &str = "00112233445566778899AABBCCDDEEFF";
const CODE: &str = "4711";

struct Row<'a> {
    function: &'a str,
    wrong: &'a str,
    code: &'a str,
    afterwards: &'a str,
    again: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let lines = include_str!("scenarios.txt").lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split('|').map(str::trim).collect::<Vec<_>>()[..] {
            [function, wrong, code, afterwards] => Row { function, wrong, code, afterwards, again: code },
            [function, wrong, code, afterwards, again] => Row { function, wrong, code, afterwards, again },
            _ => panic!("{line}"),
        })
        .collect()
}

/// The code that a call is answered with.
type Call = Box<dyn Fn(&World) -> String>;

fn call(call: impl Fn(&World) -> String + 'static) -> Call {
    Box::new(call)
}

#[test]
fn every_refusal_has_its_code_and_leaves_what_it_should() {
    for Row { function, wrong, code, afterwards, again } in rows() {
        let name = format!("{function}: {wrong}");
        let world = World::configured(&[], |c| Configuration {
            limits: Limits { confirmation_failures: 2, download_attempts: 3, ..Limits::default() },
            smds_root: (!wrong.contains("no root")).then_some("root.smds.example"),
            operator_requesters: Some(r#"{"2.999.2":null,"2.999.3":["own"]}"#),
            ..c
        });
        let refused = match function {
            "initiateAuthentication" => initiate(&world, wrong),
            "authenticateClient" => authenticate(&world, wrong),
            "getBoundProfilePackage" => package_of(&world, wrong),
            "cancelSession" => cancel(&world, wrong),
            "handleNotification" => notification(&world, wrong),
            _ => order(&world, function, wrong),
        };
        let before = world.smdp.store().snapshot();
        assert_eq!(refused(&world), code, "{name}");
        if afterwards == "unchanged" {
            assert_eq!(world.smdp.store().snapshot(), before, "{name}");
        } else {
            let last = world.events(ICCID).pop().unwrap();
            assert_eq!(format!("{}, {last}", world.state(ICCID)), afterwards, "{name}");
        }
        // On ES9+ the same call once more, and then again: no other answer, and nothing more is
        // written. (Each try of an order at an SM-DS leaves what takes it back.)
        let left = world.smdp.store().snapshot();
        for _ in 0..if Es9Function::from_name(function).is_some() { 2 } else { 0 } {
            assert_eq!(refused(&world), again, "{name}, again");
            assert_eq!(world.smdp.store().snapshot(), left, "{name}, again");
        }
    }
}

/// What anybody could have sent ends nobody's session: the eUICC goes on in it. What it has
/// signed itself ends it: nothing that was wrong is mended in it, and the order is still there
/// for the next one.
#[test]
fn a_session_is_ended_by_its_own_euicc_only() {
    let world = World::new();
    world.add_profile(ICCID);
    assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
    let answer = world.es2("confirmOrder", json!({ "iccid": ICCID, "releaseFlag": false }));
    let id = answer["matchingId"].as_str().unwrap();
    let euicc = world.euicc();
    let ask = |request: &Value| code_of(&world.es9("authenticateClient", request).1);
    let request = |euicc: &Euicc, session: &str, signed1| euicc.authenticate_request(session, signed1).0;

    // Not released: its own word, so that it has to begin anew.
    let (session, server) = euicc.initiate(&world);
    let early = request(&euicc, &session, euicc.signed1(&server, Some(id)));
    assert_eq!(ask(&early), "8.2/1.2");
    assert_success(&world.es2("releaseProfile", json!({ "iccid": ICCID })));
    assert_eq!(ask(&early), "8.10.1/3.9");

    // Wrong in what it has signed.
    type Wrong = fn(&mut EuiccSigned1);
    let wrongs: [(Wrong, &str); 3] = [
        (|signed1| signed1.server_challenge[15] ^= 1, "8.1/6.1"),
        (|signed1| signed1.server_address = "smdp2.example".into(), "8.1/6.1"),
        (
            |signed1| {
                signed1.ctx_params1 = rsp::Raw::new(CtxParams1 {
                    matching_id: Some("NO-SUCH".parse().unwrap()),
                    device_info: signed1.ctx_params1.device_info.clone(),
                })
            },
            "8.2.6/3.8",
        ),
    ];
    for (wrong, code) in wrongs {
        let (session, server) = euicc.initiate(&world);
        let right = euicc.signed1(&server, Some(id));
        let mut signed1 = right.clone();
        wrong(&mut signed1);
        assert_eq!(ask(&request(&euicc, &session, signed1)), code);
        assert_eq!(ask(&request(&euicc, &session, right)), "8.10.1/3.9", "after {code}");
    }

    // Anybody's.
    let (session, server) = euicc.initiate(&world);
    let signed1 = || euicc.signed1(&server, Some(id));
    let mut forged = Euicc::new(&world.pki, EID);
    forged.key = world.pki.eum.expose_key().clone();
    let mut uncertified = Euicc::new(&world.pki, EID);
    *uncertified.certificate.last_mut().unwrap() ^= 1;
    let (other_session, other) = euicc.initiate(&world);
    let (code, transaction_id) = (AuthenticateErrorCode::INVALID_SIGNATURE, session.parse().unwrap());
    let error = AuthenticateServerResponse::Error { transaction_id, code }.encode();
    let before = world.smdp.store().snapshot();
    for _ in 0..3 {
        for (request, code) in [
            (request(&forged, &session, signed1()), "8.1/6.1"),
            (request(&uncertified, &session, signed1()), "8.1.3/6.1"),
            (request(&Euicc::new(&pki(10), EID), &session, signed1()), "8.11.1/3.9"),
            (request(&euicc, &session, euicc.signed1(&other, Some(id))), "8.10.1/3.9"),
            (request(&euicc, &other_session, signed1()), "8.10.1/3.9"),
            (json!({ "transactionId": session, "authenticateServerResponse": b64(&error) }), "8.1/4.2"),
        ] {
            assert_eq!(ask(&request), code);
        }
    }
    assert_eq!(world.smdp.store().snapshot(), before);
    euicc.authenticate_in(&world, &session, &server, Some(id)).unwrap();
    euicc.authenticate_in(&world, &other_session, &other, Some(id)).unwrap();
}

/// No code is named that no call leads to.
#[test]
fn every_code_is_reached() {
    let reached: BTreeSet<&str> = rows().iter().map(|row| row.code).collect();
    // Malformed bodies get a problem document and 400, the server's own faults 503; an
    // event that is not there is deleted.
    let elsewhere =
        [StatusCode::PROTOCOL_FORMAT_INVALID, StatusCode::EXECUTION_ERROR, StatusCode::SMDS_EVENT_UNKNOWN];
    for (code, meaning) in StatusCode::ALL {
        let text = format!("{}/{}", code.subject, code.reason);
        assert_eq!(reached.contains(text.as_str()), !elsewhere.contains(code), "{text}: {meaning}");
    }
}

fn initiate(world: &World, wrong: &str) -> Call {
    let mut euicc = world.euicc();
    let strange = CiPkId::from_bytes(&[9; 20]).unwrap();
    let mut signing = euicc.ci.clone();
    match wrong {
        "the address is another server's" => euicc.address = "other.example".into(),
        "version 1 of SGP.22" => euicc.info2.svn = Version([1, 1, 0]),
        "version 3 of SGP.22" => euicc.info2.svn = Version([3, 0, 0]),
        "no common CI for verification" => euicc.ci = vec![strange],
        "the server's certificates are out of their time" => world.wait(101 * 24 * 3600),
        "no common CI for signing" => signing = vec![strange],
        other => panic!("{other}"),
    }
    let info1 = EuiccInfo1 {
        svn: euicc.info2.svn,
        ci_pk_ids_for_verification: euicc.ci.clone(),
        ci_pk_ids_for_signing: signing,
    };
    let mut request = euicc.initiate_request();
    request["euiccInfo1"] = b64(&info1.encode());
    call(move |world| code_of(&world.es9("initiateAuthentication", &request).1))
}

/// A profile is changed behind the server's back.
fn change(world: &World, change: impl FnOnce(&mut Profile)) {
    let stored = ready(world.smdp.store().profile(&ICCID.parse().unwrap())).unwrap().unwrap();
    let mut profile = stored.profile;
    change(&mut profile);
    assert!(ready(world.smdp.store().replace(stored.version, &Change::of(profile))).unwrap());
}

fn authenticate(world: &World, wrong: &str) -> Call {
    world.add_profile(ICCID);
    if wrong == "the device is of another type" {
        change(world, |profile| profile.requirements.tacs = vec!["86".into()]);
    }
    if wrong == "the eUICC is not capable of it" {
        change(world, |profile| profile.package.capabilities = 1 << 30);
    }
    let bound = wrong == "the order is for another eUICC";
    let more = match wrong {
        _ if bound => json!({ "eid": OTHER_EID }),
        "the order has ended after too many wrong confirmation codes" => json!({ "confirmationCode": CODE }),
        _ => json!({}),
    };
    let mut id = if wrong == "the profile is not released" {
        assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID })));
        let answer = world.es2("confirmOrder", json!({ "iccid": ICCID, "releaseFlag": false }));
        answer["matchingId"].as_str().unwrap().to_owned()
    } else {
        world.release(ICCID, more)
    };
    let mut euicc = world.euicc();
    let past = Validity { not_before: NOW - 1000, not_after: NOW - 1 };
    let issue = |eid: &str, validity| {
        let eid = eid.parse().unwrap();
        Euicc::of(&world.pki, &world.pki.issue_euicc(&mut rng(5), eid, validity).unwrap(), eid)
    };
    match wrong {
        "CERT.EUM is signed by nobody" => *euicc.eum.last_mut().unwrap() ^= 1,
        "CERT.EUM is a server's" => euicc.eum = world.pki.dp_auth.certificate().der().to_vec(),
        "CERT.EUM has expired" => {
            euicc.eum = other_eum(world, Validity { not_before: NOW - 1000, not_after: NOW - 1 });
        }
        "CERT.EUICC names another issuer" => euicc.eum = other_eum(world, validity()),
        "CERT.EUICC is signed by nobody" => *euicc.certificate.last_mut().unwrap() ^= 1,
        "the EID is not one of the EUM's" => {
            euicc = issue("88049032000000000000000000000017", validity());
        }
        "CERT.EUICC has expired" => euicc = issue(EID, past),
        "the signature is by another key" => euicc.key = world.pki.eum.expose_key().clone(),
        "the CI is unknown" => {
            let other = Euicc::new(&pki(10), EID);
            (euicc.certificate, euicc.eum, euicc.key) = (other.certificate, other.eum, other.key);
        }
        "the package is too new" => euicc.info2.profile_version = Version([1, 0, 0]),
        "the eUICC is not capable of it" => euicc.info2.uicc_capability = 0,
        "the eUICC has no room" => euicc.info2.ext_card_resource.free_non_volatile_memory = 100,
        "a policy rule is forbidden" => {
            change(world, |profile| {
                let mut metadata = rsp::metadata::StoreMetadata::decode(&profile.metadata.0).unwrap();
                metadata.profile_policy_rules = PprIds::PPR2;
                profile.metadata.0 = metadata.encode();
            });
            euicc.info2.forbidden_profile_policy_rules = PprIds::PPR2;
        }
        "the matching id is unknown" => id = "NO-SUCH".into(),
        "the order is installed" => {
            let (open, _) = euicc.download(world, Some(&id), None).unwrap();
            assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
        }
        "the order was cancelled" => {
            let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" });
            assert_success(&world.es2("cancelOrder", cancel));
        }
        "another eUICC has begun" => {
            Euicc::new(&world.pki, OTHER_EID).authenticate(world, Some(&id)).unwrap();
        }
        "tried too often" => {
            for _ in 0..3 {
                euicc.authenticate(world, Some(&id)).unwrap();
            }
        }
        "the order has expired" => world.wait(Limits::default().order + 1),
        "the order has ended because its time was over" | "the order has ended long ago" => {
            world.wait(Limits::default().order + 1);
            world.tend();
            assert_eq!(world.state(ICCID), "Error");
            if wrong.ends_with("long ago") {
                world.wait(7 * 24 * 3600 + 1);
                world.tend();
            }
        }
        "the order has ended because it was tried too often" => {
            while euicc.authenticate(world, Some(&id)).is_ok() {}
            world.tend();
        }
        "another eUICC's order has ended because it was tried too often" => {
            let other = Euicc::new(&world.pki, OTHER_EID);
            while other.authenticate(world, Some(&id)).is_ok() {}
        }
        "the order has ended after too many wrong confirmation codes" => {
            for wrong in ["0000", "0001"] {
                let open = euicc.authenticate(world, Some(&id)).unwrap();
                let request = euicc.prepare_download(&open, euicc.one_time_key().public(), Some(wrong));
                euicc.package(world, &open, &request).unwrap_err();
            }
            assert_eq!(world.state(ICCID), "Error");
        }
        _ => {}
    }
    let (session, server) = euicc.initiate(world);
    let matching_id = (wrong != "no matching id, and no order for the EID").then_some(id.as_str());
    let mut signed1 = euicc.signed1(&server, matching_id);
    let mut name = session.clone();
    match wrong {
        "the transaction id was not given out" => name = STRANGE.into(),
        "the transaction id is of another session" => name = euicc.initiate(world).0,
        "the server challenge is another one" => signed1.server_challenge[0] ^= 1,
        "the server address is another one" => signed1.server_address = "smdp2.example".into(),
        "the session is too old" => world.wait(Limits::default().session + 1),
        _ => {}
    }
    let (mut request, _) = euicc.authenticate_request(&name, signed1);
    let error = |id: &str| {
        let code = AuthenticateErrorCode::INVALID_SIGNATURE;
        b64(&AuthenticateServerResponse::Error { transaction_id: id.parse().unwrap(), code }.encode())
    };
    match wrong {
        "the eUICC answers with an error" => request["authenticateServerResponse"] = error(&session),
        "the eUICC's error is of another session" => request["authenticateServerResponse"] = error(STRANGE),
        "the transaction id has been used" => {
            assert_success(&world.es9("authenticateClient", &request).1);
        }
        _ => {}
    }
    call(move |world| code_of(&world.es9("authenticateClient", &request).1))
}

/// The EUM's key under another name.
fn other_eum(world: &World, validity: Validity) -> Vec<u8> {
    let template = Template {
        serial: vec![1],
        subject: vec![Attribute::Organization("RSP Test EUM".into())],
        validity,
        role: rsp_crypto::Role::Eum,
        shape: Shape::Manufacturer { organization: "RSP Test EUM".into(), eid_prefix: "89049032".into() },
        registered_id: Some("2.999.5".parse().unwrap()),
        revocation_lists: Vec::new(),
    };
    let key = world.pki.eum.expose_key().public_key();
    template.issue(&key, &world.pki.ci).unwrap().der().to_vec()
}

fn package_of(world: &World, wrong: &str) -> Call {
    world.add_profile(ICCID);
    let confirmed = wrong.starts_with("the confirmation code");
    let id = world.release(ICCID, if confirmed { json!({ "confirmationCode": CODE }) } else { json!({}) });
    let mut euicc = world.euicc();
    let mut open = euicc.authenticate(world, Some(&id)).unwrap();
    let own = euicc.one_time_key();
    let mut point = [7; 65];
    point[0] = 4;
    let mut key = *own.public();
    let mut code = confirmed.then_some(CODE);
    // What is signed is of the session `open`; what is asked for is of this one.
    let mut name = open.transaction_id.clone();
    match wrong {
        "the transaction id was not given out" => name = STRANGE.into(),
        "the session was not authenticated" => name = euicc.initiate(world).0,
        "the session is too old" => world.wait(Limits::default().session + 1),
        "a later session has begun" => {
            euicc.authenticate(world, Some(&id)).unwrap();
        }
        "the signed transaction id is another one" => open.transaction_id = STRANGE.into(),
        "the session was cancelled" => {
            let reason = CancelSessionReason::POSTPONED;
            assert_success(&euicc.cancel(world, &open, reason, "2.999.10"));
        }
        "the signature is by another key" => euicc.key = world.pki.eum.expose_key().clone(),
        "the one-time key is no point of the curve" => {
            key = PublicKey::from_sec1(Curve::P256, &point).unwrap();
        }
        "another one-time key in the same session" => {
            euicc.package(world, &open, &euicc.prepare_download(&open, own.public(), None)).unwrap();
            key = *euicc.one_time_key().public();
        }
        "the confirmation code is missing" => code = None,
        "the confirmation code is wrong" => code = Some("0000"),
        "the confirmation code is wrong too often" => {
            code = Some("0000");
            let other = euicc.prepare_download(&open, &key, Some("0001"));
            euicc.package(world, &open, &other).unwrap_err();
        }
        "the eUICC answers with an error" | "the eUICC's error is of another session" => {}
        other => panic!("{other}"),
    }
    let mut response = euicc.prepare_download(&open, &key, code);
    if wrong.starts_with("the eUICC") {
        let id = if wrong.ends_with("an error") { &open.transaction_id } else { STRANGE };
        let transaction_id: TransactionId = id.parse().unwrap();
        let code = DownloadErrorCode::INVALID_SIGNATURE;
        response = PrepareDownloadResponse::Error { transaction_id, code }.encode();
    }
    let request = json!({ "transactionId": name, "prepareDownloadResponse": b64(&response) });
    call(move |world| code_of(&world.es9("getBoundProfilePackage", &request).1))
}

fn cancel(world: &World, wrong: &str) -> Call {
    world.add_profile(ICCID);
    let id = world.release(ICCID, json!({}));
    let mut euicc = world.euicc();
    let open = euicc.authenticate(world, Some(&id)).unwrap();
    let reason = CancelSessionReason::END_USER_REJECTION;
    let (mut name, mut signed, mut oid) =
        (open.transaction_id.clone(), open.transaction_id.clone(), "2.999.10");
    match wrong {
        "the transaction id was not given out" => name = STRANGE.into(),
        "the session was not authenticated" => name = euicc.initiate(world).0,
        "the session was cancelled" => {
            assert_success(&euicc.cancel(world, &open, CancelSessionReason::POSTPONED, "2.999.10"));
        }
        "the signed transaction id is another one" => signed = STRANGE.into(),
        "the signature is by another key" => euicc.key = world.pki.eum.expose_key().clone(),
        "the SM-DP+ OID is another one" => oid = "2.999.99",
        "the eUICC answers with an error" => {}
        other => panic!("{other}"),
    }
    let mut response = euicc.cancel_response(&signed, reason, oid);
    if wrong == "the eUICC answers with an error" {
        response = CancelSessionResponse::Error(5).encode();
    }
    let request = json!({ "transactionId": name, "cancelSessionResponse": b64(&response) });
    call(move |world| code_of(&world.es9("cancelSession", &request).1))
}

fn notification(world: &World, wrong: &str) -> Call {
    world.add_profile(ICCID);
    let id = world.release(ICCID, json!({}));
    let mut euicc = world.euicc();
    let (open, _) = euicc.download(world, Some(&id), None).unwrap();
    let eid = EID.parse().unwrap();
    match wrong {
        "the result is signed by another key" | "a notification is signed by another key" => {
            euicc.key = world.pki.eum.expose_key().clone();
        }
        "the result is of another eUICC" => euicc = Euicc::new(&world.pki, OTHER_EID),
        "the result names another SM-DP+" => euicc.smdp_oid = "2.999.99".into(),
        "a notification under an unknown CI" => euicc = Euicc::new(&pki(10), EID),
        "a notification with an expired CERT.EUICC" => {
            let past = Validity { not_before: NOW - 1000, not_after: NOW - 1 };
            euicc = Euicc::of(&world.pki, &world.pki.issue_euicc(&mut rng(5), eid, past).unwrap(), eid);
        }
        other => panic!("{other}"),
    }
    let notification = if wrong.starts_with("the result") {
        euicc.installation_result(&open, Some(ICCID), None)
    } else {
        euicc.other_notification(NotificationEvents::DELETE, ICCID)
    };
    call(move |world| code_of(&world.notify(&notification).1))
}

/// ES2+: what was done before, the body, and how the SM-DS answers.
fn order(world: &World, function: &str, wrong: &str) -> Call {
    let plan = json!({ "metadata": metadata(), "package": b64(&package(ICCID)), "profileType": "plan" });
    assert_eq!(world.add(&plan).0, 201);
    let ordered = |more: Value| {
        let mut body = json!({ "iccid": ICCID });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_success(&world.es2("downloadOrder", body));
    };
    let cancelled = |status: &str| {
        let body = json!({ "iccid": ICCID, "finalProfileStatusIndicator": status });
        assert_success(&world.es2("cancelOrder", body));
    };
    let handed_out =
        || world.euicc().download(world, Some(&world.release(ICCID, json!({}))), None).unwrap().0;
    let mut header = json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": "the one" });
    let mut body = match function {
        "downloadOrder" => json!({ "iccid": ICCID }),
        "confirmOrder" => json!({ "iccid": ICCID, "releaseFlag": true }),
        "releaseProfile" => json!({ "iccid": ICCID }),
        "cancelOrder" => json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Available" }),
        other => panic!("{other}"),
    };
    let smds = |answer: Answer| {
        ordered(json!({ "eid": EID }));
        world.post.answers(move |_| answer.clone());
        json!("")
    };
    match (function, wrong) {
        (_, "the requester is unknown") => header["functionRequesterIdentifier"] = json!("2.999.4"),
        (_, "the requester is no object identifier") => {
            header["functionRequesterIdentifier"] = json!("2.999.2\n");
        }
        (_, "no function call identifier") => header["functionCallIdentifier"] = json!(""),
        (_, "the ICCID is unknown") => body["iccid"] = json!(UNKNOWN),
        ("cancelOrder", "the EID is none") | ("confirmOrder", "the EID is none") => {
            ordered(json!({}));
            body["eid"] = json!("12");
        }
        ("downloadOrder", "the EID is none") => body["eid"] = json!("8904903200000000000000000000001X"),
        (_, "neither ICCID nor profile type") => body = json!({}),
        (_, "the call was another one") => {
            let other = json!({ "iccid": ICCID, "eid": EID, "header": header });
            assert_success(&world.es2_as_it_is("downloadOrder", &other));
        }
        (_, "the call was one of another profile") => {
            world.add_profile(SECOND);
            let other = json!({ "iccid": SECOND, "header": header });
            assert_success(&world.es2_as_it_is("downloadOrder", &other));
        }
        (_, "the ICCID is ordered") => ordered(json!({})),
        (_, "the ICCID is out of use") => {
            ordered(json!({}));
            cancelled("Unavailable");
        }
        (_, "the ICCID is of a type of others") => {
            header["functionRequesterIdentifier"] = json!("2.999.3");
        }
        (_, "the ICCID is of another type") => body["profileType"] = json!("other"),
        (_, "the profile type is none") => body = json!({ "profileType": "x".repeat(65) }),
        (_, "the profile type is unknown") => body = json!({ "profileType": "other" }),
        (_, "no more of the profile type") => {
            ordered(json!({}));
            body = json!({ "profileType": "plan" });
        }
        (_, "the profile type is of others") => {
            header["functionRequesterIdentifier"] = json!("2.999.3");
            body = json!({ "profileType": "plan" });
        }
        ("confirmOrder" | "cancelOrder", "the ICCID is not ordered") => {}
        (_, "the order is confirmed" | "the order is released") => {
            world.release(ICCID, json!({}));
        }
        (_, "the order is not confirmed") => ordered(json!({})),
        (_, "the EID is missing for an empty matching id") => {
            ordered(json!({}));
            body["matchingId"] = json!("");
        }
        (_, "the EID is missing for an SM-DS") => {
            ordered(json!({}));
            body["smdsAddress"] = json!("");
        }
        (_, "the EID is another one") => {
            ordered(json!({ "eid": EID }));
            body["eid"] = json!(OTHER_EID);
        }
        (_, "the matching id is used") => {
            world.add_profile(SECOND);
            world.release(SECOND, json!({ "matchingId": "USED" }));
            ordered(json!({}));
            body["matchingId"] = json!("USED");
        }
        (_, "the matching id is none") => {
            ordered(json!({}));
            body["matchingId"] = json!("a b");
        }
        (_, "the matching id has small letters") => {
            ordered(json!({}));
            body["matchingId"] = json!("MATCH-x");
        }
        (_, "the SM-DS address is none") => {
            ordered(json!({ "eid": EID }));
            body["smdsAddress"] = json!("https://smds.example/");
        }
        (_, "there is no root SM-DS") => {
            ordered(json!({ "eid": EID }));
            body["smdsAddress"] = json!("");
        }
        (_, "the SM-DS does not answer") => body["smdsAddress"] = smds(Err("no answer".into())),
        (_, "the SM-DS cannot do it") => body["smdsAddress"] = smds(failed("8.9/4.2")),
        (_, "the SM-DS is not at this address") => body["smdsAddress"] = smds(failed("8.9.1/3.8")),
        (_, "the SM-DS does not support the CI keys") => body["smdsAddress"] = smds(failed("8.9.2/3.1")),
        (_, "the SM-DS does not support the version") => body["smdsAddress"] = smds(failed("8.9.3/3.1")),
        (_, "the SM-DS has no certificate") => body["smdsAddress"] = smds(failed("8.9.4/3.7")),
        (_, "the SM-DS has the event of another server") => {
            body["smdsAddress"] = smds(failed("8.9.5/3.3"));
        }
        (_, "the order is installed") => {
            let result = world.euicc().installation_result(&handed_out(), Some(ICCID), None);
            assert_eq!(world.notify(&result).0, 204);
        }
        (_, "the package was handed out") => {
            handed_out();
        }
        ("cancelOrder", "the matching id is another one") => {
            world.release(ICCID, json!({ "matchingId": "MATCH-1" }));
            body["matchingId"] = json!("MATCH-2");
        }
        (function, wrong) => panic!("{function}: {wrong}"),
    }
    body["header"] = header;
    let function = function.to_owned();
    call(move |world| code_of(&world.es2_as_it_is(&function, &body)))
}
