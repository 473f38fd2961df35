//! Whole downloads against the server in one process: what is handed out, what is
//! refused by which code, and what repeats and cuts lead to.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use edge_smdp::profile::{EventKind, Notification, Profile};
use edge_smdp::store::{Change, Store};
use edge_smdp::{Limits, Protection};
use rsp::codes::{CancelSessionReason, DownloadErrorCode, ErrorReason};
use rsp::download::PrepareDownloadResponse;
use rsp::metadata::{NotificationEvents, PprIds, StoreMetadata};
use rsp::{DataObject, Version};
use rsp_crypto::issue::Validity;
use rsp_crypto::{Curve, PublicKey, ready};
use serde_json::json;

#[test]
fn from_order_to_deletion() {
    for protection in [Protection::SessionKeys, Protection::ProfileProtectionKeys] {
        let world = World::with(protection, Limits::default(), &[]);
        let package = world.add_profile(ICCID);
        let matching_id = world.release(ICCID, json!({}));
        assert_eq!(world.state(ICCID), "Released");
        let euicc = world.euicc();
        let (open, elements) = euicc.download(&world, Some(&matching_id), None).unwrap();
        assert_eq!(elements, package);
        let metadata = StoreMetadata::decode(&open.metadata).unwrap();
        assert_eq!(metadata.iccid.to_string(), ICCID);
        assert_eq!(metadata.notification_configuration.len(), 1);
        assert_eq!(metadata.notification_configuration[0].events, NotificationEvents::ALL);
        assert_eq!(metadata.notification_configuration[0].address, "smdp.example");
        assert_eq!(world.state(ICCID), "Downloaded");

        let installed = euicc.installation_result(&open, Some(ICCID), None);
        let enabled = euicc.other_notification(NotificationEvents::ENABLE, ICCID);
        let disabled = euicc.other_notification(NotificationEvents::DISABLE, ICCID);
        let deleted = euicc.other_notification(NotificationEvents::DELETE, ICCID);
        for (notification, state) in [
            (&installed, "Installed"),
            (&enabled, "Installed"),
            (&disabled, "Installed"),
            (&deleted, "Deleted"),
        ] {
            // The second time is a repeat.
            for _ in 0..2 {
                assert_eq!(world.notify(notification).0, 204);
                assert_eq!(world.state(ICCID), state);
            }
        }
        // Late repeats change nothing.
        for notification in [&installed, &enabled, &disabled] {
            assert_eq!(world.notify(notification).0, 204);
            assert_eq!(world.state(ICCID), "Deleted");
        }
        let expected = [
            "added",
            "ordered",
            "confirmed",
            "released",
            "authenticated",
            "downloaded",
            "installed",
            "enabled",
            "disabled",
            "deleted",
        ];
        assert_eq!(world.events(ICCID), expected);
        let kept = world.operator("notifications");
        assert_eq!(kept["notifications"].as_array().unwrap().len(), 4);
        assert_eq!(kept["notifications"][0]["eid"], EID);
    }
}

#[test]
fn a_published_profile_with_an_icon_arrives_as_it_is() {
    let name = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
    let Some(package) = vectors::read(name) else { return };
    let world = World::new();
    let mut metadata = metadata();
    metadata["icon"] = json!({ "type": "png", "data": b64(&[0x5A; 1024]) });
    metadata["profileOwner"] = json!({ "mcc": "001", "mnc": "01", "gid1": "FF" });
    metadata["profileClass"] = json!("test");
    let (status, answer) = world.add(&json!({ "metadata": metadata, "package": b64(&package) }));
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["profileClass"], "test");
    let iccid = answer["iccid"].as_str().unwrap().to_owned();
    assert_eq!(iccid, "89000123456789012341");
    let matching_id = world.release(&iccid, json!({}));
    let (open, elements) = world.euicc().download(&world, Some(&matching_id), None).unwrap();
    assert_eq!(elements, package);
    assert_eq!(StoreMetadata::decode(&open.metadata).unwrap().icon.unwrap().data.len(), 1024);
}

#[test]
fn strangers_leave_nothing_behind() {
    let world = World::new();
    for _ in 0..50 {
        world.euicc().initiate(&world);
    }
    assert_eq!(world.smdp.store().sessions(), 0);
}

#[test]
fn what_initiate_authentication_refuses() {
    let world = World::new();
    let refused = |change: &dyn Fn(&mut Euicc)| {
        let mut euicc = world.euicc();
        change(&mut euicc);
        let (status, answer) = world.es9("initiateAuthentication", &euicc.initiate_request());
        assert_eq!(status, 200);
        code_of(&answer)
    };
    for address in [
        "other.example",
        "smdp.example.evil",
        "",
        "smdp2.example:8444",
        "smdp.example:8443",
        "smdp.example/",
        "smdp.example:",
        "smdp.example:evil\n",
    ] {
        assert_eq!(refused(&|e| e.address = address.into()), "8.8.1/3.8", "{address}");
    }
    for address in ["smdp.example", "SMDP.EXAMPLE", "smdp.example:443", "smdp2.example:8443", "smdp2.example"]
    {
        assert_eq!(refused(&|e| e.address = address.into()), "", "{address}");
    }
    assert_eq!(refused(&|e| e.info2.svn = Version([1, 1, 0])), "8.8.3/3.1");
    assert_eq!(refused(&|e| e.info2.svn = Version([3, 0, 0])), "8.8.3/3.1");
    let other = rsp::CiPkId::from_bytes(&[9; 20]).unwrap();
    assert_eq!(refused(&|e| e.ci = vec![other.clone()]), "8.8.4/3.7");

    // The server can be verified, but the eUICC has no certificate under that CI.
    let euicc = world.euicc();
    let info1 = rsp::auth::EuiccInfo1 {
        svn: Version([2, 2, 2]),
        ci_pk_ids_for_verification: euicc.ci.clone(),
        ci_pk_ids_for_signing: vec![other],
    };
    let mut request = euicc.initiate_request();
    request["euiccInfo1"] = b64(&info1.encode());
    assert_eq!(code_of(&world.es9("initiateAuthentication", &request).1), "8.8.2/3.1");

    // The server's own certificates are out of their time.
    world.clock.set(NOW + 101 * 24 * 3600);
    assert_eq!(refused(&|_| {}), "8.8.4/3.7");
    let response = world.request("GET", "/operator/health", None, b"");
    assert_eq!(response.status(), 503);
}

#[test]
fn the_euicc_chooses_among_the_ci_of_the_server() {
    let second = pki(9);
    let world = World::with(Protection::SessionKeys, Limits::default(), &[&second]);
    let package = world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let mut euicc = Euicc::new(&second, EID);
    // It likes its own best, and could verify the first as well.
    euicc.ci.push(world.euicc().ci[0].clone());
    let (_, elements) = euicc.download(&world, Some(&matching_id), None).unwrap();
    assert_eq!(elements, package);

    // The challenge was given for one CI; the certificates are under the other.
    let first = world.euicc();
    let (id, server) = euicc.initiate(&world);
    let (request, _) = first.authenticate_request(&id, first.signed1(&server, None));
    assert_eq!(code_of(&world.es9("authenticateClient", &request).1), "8.1/6.1");
    // A CI that the server does not know.
    let stranger = Euicc::new(&pki(10), EID);
    let (request, _) = stranger.authenticate_request(&id, stranger.signed1(&server, None));
    assert_eq!(code_of(&world.es9("authenticateClient", &request).1), "8.11.1/3.9");
}

/// The same server, an eUICC of either curve: to the last notification, whose
/// signature is under the key that was stored in between.
#[test]
fn a_session_is_on_the_curve_of_its_ci() {
    let brainpool = pki_on(Curve::BrainpoolP256r1, 9);
    for protection in [Protection::SessionKeys, Protection::ProfileProtectionKeys] {
        let world = World::with(protection, Limits::default(), &[&brainpool]);
        let package = world.add_profile(ICCID);
        let matching_id = world.release(ICCID, json!({}));
        let mut euicc = Euicc::new(&brainpool, EID);
        euicc.ci.push(world.euicc().ci[0].clone());

        // A one-time key of the other curve is none, well signed as it may be.
        let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
        let other = world.euicc().one_time_key();
        let prepared = euicc.prepare_download(&open, other.public(), None);
        assert_eq!(euicc.package(&world, &open, &prepared).unwrap_err(), "8.1/6.1");
        let cancelled = euicc.cancel(&world, &open, CancelSessionReason::POSTPONED, "2.999.10");
        assert_success(&cancelled);

        let (open, elements) = euicc.download(&world, Some(&matching_id), None).unwrap();
        assert_eq!(elements, package);
        let result = euicc.installation_result(&open, Some(ICCID), None);
        let mut forger = Euicc::new(&brainpool, EID);
        forger.key = world.euicc().key;
        let forged = forger.installation_result(&open, Some(ICCID), None);
        assert_ne!(world.notify(&forged).0, 204);
        assert_eq!(world.notify(&result).0, 204);
        assert_eq!(world.state(ICCID), "Installed");
        assert_eq!(world.notify(&euicc.other_notification(NotificationEvents::DELETE, ICCID)).0, 204);
        assert_eq!(world.state(ICCID), "Deleted");
    }
}

/// An eUICC with a certificate under each of two CIs: the word on what was handed out in a
/// session counts, whatever sessions came afterwards.
#[test]
fn the_result_of_a_session_counts_after_one_under_another_ci() {
    let brainpool = pki_on(Curve::BrainpoolP256r1, 9);
    for cancelled in [false, true] {
        let world = World::with(Protection::SessionKeys, Limits::default(), &[&brainpool]);
        world.add_profile(ICCID);
        let matching_id = world.release(ICCID, json!({}));
        let (first, second) = (world.euicc(), Euicc::new(&brainpool, EID));
        let (open, _) = first.download(&world, Some(&matching_id), None).unwrap();
        let later = second.authenticate(&world, Some(&matching_id)).unwrap();
        assert_eq!(later.smdp_signed2.bpp_euicc_otpk, None, "a key of the other curve is of no use");
        if cancelled {
            let cancel = json!({ "iccid": ICCID, "finalProfileStatusIndicator": "Unavailable" });
            assert_success(&world.es2("cancelOrder", cancel));
        }
        // What the second key signs of the first session is not that session's word.
        let forged = second.installation_result(&open, Some(ICCID), None);
        assert_eq!(code_of(&world.notify(&forged).1), "8.1/6.1");
        second.seq.set(0);
        assert_eq!(world.notify(&first.installation_result(&open, Some(ICCID), None)).0, 204);
        assert_eq!(world.events(ICCID).pop().unwrap(), "installed");
        assert_eq!(world.state(ICCID), if cancelled { "Unavailable" } else { "Installed" });
    }
    // On the same curve the key of the package that is out is offered, and the package is the same.
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let (open, own) = (euicc.authenticate(&world, Some(&matching_id)).unwrap(), euicc.one_time_key());
    euicc.package(&world, &open, &euicc.prepare_download(&open, own.public(), None)).unwrap();
    let again = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    assert_eq!(again.smdp_signed2.bpp_euicc_otpk.as_ref(), Some(own.public().as_bytes()));
}

/// A record as earlier versions of this server wrote it: the one-time key without its curve, a
/// delivery without its key, numbers of notifications under another name.
#[test]
fn an_older_record_is_read() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
    let iccid = ICCID.parse().unwrap();
    let stored = ready(world.smdp.store().profile(&iccid)).unwrap().unwrap();
    let mut record = serde_json::to_value(&stored.profile).unwrap();
    assert!(record["order"]["delivered"][0].as_object_mut().unwrap().remove("euicc_key").is_some());
    record["events"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "at": NOW, "event": "enabled", "eid": EID, "seq_number": 7 }));
    let older: Profile = serde_json::from_value(record).unwrap();
    assert_eq!(older.events.last().unwrap().seq_number, Some(7));
    assert!(ready(world.smdp.store().replace(stored.version, &Change::of(older))).unwrap());
    assert_eq!(world.notify(&euicc.installation_result(&open, Some(ICCID), None)).0, 204);
    assert_eq!(world.state(ICCID), "Installed");
    let detail = world.operator(&format!("orders/{ICCID}"));
    let numbers: Vec<_> = detail["events"].as_array().unwrap().iter().map(|e| &e["seqNumber"]).collect();
    assert_eq!(numbers[numbers.len() - 2..], [&json!(7), &json!(1)]);
}

#[test]
fn what_authenticate_client_refuses_of_certificates_and_signatures() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let code = |euicc: &Euicc| euicc.authenticate(&world, Some(&matching_id)).err().unwrap_or_default();
    let past = Validity { not_before: NOW - 1000, not_after: NOW - 1 };
    let eid = EID.parse().unwrap();

    let expired = world.pki.issue_euicc(&mut rng(5), eid, past).unwrap();
    assert_eq!(code(&Euicc::of(&world.pki, &expired, eid)), "8.1.3/6.3");

    let outside = "88049032000000000000000000000017".parse().unwrap();
    let outside_identity = world.pki.issue_euicc(&mut rng(5), outside, validity()).unwrap();
    assert_eq!(code(&Euicc::of(&world.pki, &outside_identity, outside)), "8.1.3/6.1");

    let mut euicc = world.euicc();
    *euicc.certificate.last_mut().unwrap() ^= 1;
    assert_eq!(code(&euicc), "8.1.3/6.1");

    let mut euicc = world.euicc();
    *euicc.eum.last_mut().unwrap() ^= 1;
    assert_eq!(code(&euicc), "8.1.2/6.1");

    // A certificate with another role in the place of CERT.EUM.
    let mut euicc = world.euicc();
    euicc.eum = world.pki.dp_auth.certificate().der().to_vec();
    assert_eq!(code(&euicc), "8.1.2/6.1");

    let mut euicc = world.euicc();
    euicc.key = world.pki.eum.expose_key().clone();
    assert_eq!(code(&euicc), "8.1/6.1");

    // Nobody of these has left a session.
    assert_eq!(world.smdp.store().sessions(), 0);

    // A challenge and an address that the server did not give: the eUICC's own word, which ends
    // its session.
    let euicc = world.euicc();
    let (id, server) = euicc.initiate(&world);
    let mut signed1 = euicc.signed1(&server, Some(&matching_id));
    signed1.server_challenge[0] ^= 1;
    let (request, _) = euicc.authenticate_request(&id, signed1);
    assert_eq!(code_of(&world.es9("authenticateClient", &request).1), "8.1/6.1");
    let (id, server) = euicc.initiate(&world);
    let mut signed1 = euicc.signed1(&server, Some(&matching_id));
    signed1.server_address = "smdp2.example".into();
    let (request, _) = euicc.authenticate_request(&id, signed1);
    assert_eq!(code_of(&world.es9("authenticateClient", &request).1), "8.1/6.1");
    assert_eq!(world.smdp.store().sessions(), 2);
    assert_eq!(world.events(ICCID).last().unwrap(), "released");
}

#[test]
fn an_expired_eum_certificate_is_refused() {
    // The SGP.26 EUM certificate of 2017 is out of its time in our year.
    use rsp_crypto::issue::{Attribute, Shape, Template};
    let world = World::new();
    let template = Template {
        serial: vec![1],
        subject: vec![Attribute::Organization("RSP Test EUM".into())],
        validity: Validity { not_before: NOW - 1000, not_after: NOW - 1 },
        role: rsp_crypto::Role::Eum,
        shape: Shape::Manufacturer { organization: "RSP Test EUM".into(), eid_prefix: "89049032".into() },
        registered_id: Some("2.999.5".parse().unwrap()),
        revocation_lists: Vec::new(),
    };
    let key = world.pki.eum.expose_key().public_key();
    let mut euicc = world.euicc();
    euicc.eum = template.issue(&key, &world.pki.ci).unwrap().der().to_vec();
    assert_eq!(euicc.authenticate(&world, None).err().unwrap(), "8.1.2/6.3");
}

#[test]
fn transaction_ids_are_used_once_and_not_for_ever() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let unknown = "8.10.1/3.9";
    let send = |request: &serde_json::Value| code_of(&world.es9("authenticateClient", request).1);

    let (id, server) = euicc.initiate(&world);
    let (request, _) = euicc.authenticate_request(&id, euicc.signed1(&server, Some(&matching_id)));
    assert_eq!(send(&request), "");
    assert_eq!(send(&request), unknown, "a replay");
    let mut lower = request;
    lower["transactionId"] = json!(id.to_lowercase());
    assert_eq!(send(&lower), unknown, "a replay under the same bytes");
    assert_eq!(world.events(ICCID).iter().filter(|event| *event == "authenticated").count(), 1);

    // A refused one is used up as well.
    let (id, server) = euicc.initiate(&world);
    let (request, _) = euicc.authenticate_request(&id, euicc.signed1(&server, Some("NO-SUCH")));
    assert_eq!(send(&request), "8.2.6/3.8");
    assert_eq!(send(&request), unknown);

    // Ids that were not given out, or for another session.
    let (id, server) = euicc.initiate(&world);
    let signed1 = || euicc.signed1(&server, Some(&matching_id));
    for wrong in ["", "zz", "00", "00112233445566778899AABBCCDDEEFF"] {
        assert_eq!(send(&euicc.authenticate_request(wrong, signed1()).0), unknown, "{wrong}");
    }
    let (other, _) = euicc.initiate(&world);
    assert_eq!(send(&euicc.authenticate_request(&other, signed1()).0), unknown);

    // Too late.
    let (request, _) = euicc.authenticate_request(&id, signed1());
    world.clock.set(NOW + Limits::default().session + 1);
    assert_eq!(send(&request), unknown);
    world.clock.set(NOW);
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let own = euicc.one_time_key();
    let prepared = euicc.prepare_download(&open, own.public(), None);
    world.clock.set(NOW + Limits::default().session + 1);
    assert_eq!(euicc.package(&world, &open, &prepared).unwrap_err(), unknown);
    assert_eq!(code_of(&euicc.cancel(&world, &open, CancelSessionReason::POSTPONED, "2.999.10")), unknown);
}

#[test]
fn what_authenticate_client_refuses_of_orders() {
    let world = World::new();
    world.add_profile(ICCID);
    let euicc = world.euicc();
    let code = |euicc: &Euicc, id: Option<&str>| euicc.authenticate(&world, id).err().unwrap_or_default();
    assert_eq!(code(&euicc, Some("NO-SUCH")), "8.2.6/3.8");
    assert_eq!(code(&euicc, None), "8.2.6/3.8");

    assert_success(&world.es2("downloadOrder", json!({ "iccid": ICCID, "eid": EID })));
    let confirm = json!({ "iccid": ICCID, "matchingId": "MATCH-1", "releaseFlag": false });
    assert_success(&world.es2("confirmOrder", confirm));
    assert_eq!(code(&euicc, Some("MATCH-1")), "8.2/1.2");
    assert_eq!(code(&euicc, Some("match-1")), "8.2.6/3.8", "matching ids are compared as bytes");
    assert_success(&world.es2("releaseProfile", json!({ "iccid": ICCID })));
    assert_eq!(code(&Euicc::new(&world.pki, OTHER_EID), Some("MATCH-1")), "8.1.1/3.8");
    assert_eq!(code(&euicc, None), "8.2.6/3.8", "the order is to be found by its matching id only");

    let mut full = world.euicc();
    full.info2.ext_card_resource.free_non_volatile_memory = 100;
    assert_eq!(code(&full, Some("MATCH-1")), "8.1/4.8");
    let mut old = world.euicc();
    old.info2.profile_version = Version([1, 0, 0]);
    assert_eq!(code(&old, Some("MATCH-1")), "8.2.5/4.3");

    world.clock.set(NOW + Limits::default().order + 1);
    assert_eq!(code(&euicc, Some("MATCH-1")), "8.8.5/4.10");
    assert_eq!(world.state(ICCID), "Error");
    assert_eq!(code(&euicc, Some("MATCH-1")), "8.8.5/4.10", "it is told again");
    world.wait(7 * 24 * 3600 + 1);
    assert_eq!(code(&euicc, Some("MATCH-1")), "8.2.6/3.8", "over for good");
}

#[test]
fn a_forbidden_policy_rule_makes_a_profile_ineligible() {
    let world = World::new();
    let mut metadata = metadata();
    metadata["profilePolicyRules"] = json!(["ppr2"]);
    metadata["profileOwner"] = json!({ "mcc": "001", "mnc": "01" });
    assert_eq!(world.add(&json!({ "metadata": metadata, "package": b64(&package(ICCID)) })).0, 201);
    let matching_id = world.release(ICCID, json!({}));
    let mut euicc = world.euicc();
    euicc.info2.forbidden_profile_policy_rules = PprIds::PPR2;
    assert_eq!(euicc.authenticate(&world, Some(&matching_id)).err().unwrap(), "8.2.5/4.3");
    assert_eq!(world.events(ICCID).last().unwrap(), "refused");
}

#[test]
fn download_attempts_are_counted_and_limited() {
    let limits = Limits { download_attempts: 3, ..Limits::default() };
    let world = World::with(Protection::SessionKeys, limits, &[]);
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    for _ in 0..3 {
        assert!(euicc.authenticate(&world, Some(&matching_id)).is_ok());
    }
    assert_eq!(euicc.authenticate(&world, Some(&matching_id)).err().unwrap(), "8.8.5/6.4");
    assert_eq!(world.state(ICCID), "Error");
}

#[test]
fn confirmation_codes() {
    let limits = Limits { confirmation_failures: 3, ..Limits::default() };
    let world = World::with(Protection::SessionKeys, limits, &[]);
    let package = world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({ "confirmationCode": "4711" }));
    let detail = world.operator(&format!("orders/{ICCID}"));
    assert!(detail["activationCode"].as_str().unwrap().ends_with("$$1"), "{detail}");
    let euicc = world.euicc();
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    assert!(open.smdp_signed2.cc_required);
    let own = euicc.one_time_key();
    let with = |code| euicc.package(&world, &open, &euicc.prepare_download(&open, own.public(), code));
    assert_eq!(with(None).unwrap_err(), "8.2.7/2.2");
    assert_eq!(with(Some("0000")).unwrap_err(), "8.2.7/3.8");
    let bpp = with(Some("4711")).unwrap();
    assert_eq!(euicc.open(&open, &own, &bpp).1, package);

    let second = "8900101000000000024";
    world.add_profile(second);
    let matching_id = world.release(second, json!({ "confirmationCode": "4711" }));
    let codes: Vec<String> =
        (0..4).map(|_| euicc.download(&world, Some(&matching_id), Some("0000")).err().unwrap()).collect();
    assert_eq!(codes, ["8.2.7/3.8", "8.2.7/3.8", "8.2.7/6.4", "8.8.5/6.4"]);
    assert_eq!(world.state(second), "Error");
}

/// Only what is new is counted: not the request that was refused before, and nothing of a session
/// whose package was handed out.
#[test]
fn a_wrong_confirmation_code_is_counted_once() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({ "confirmationCode": "4711" }));
    let euicc = world.euicc();
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let own = euicc.one_time_key();
    let wrong = euicc.prepare_download(&open, own.public(), Some("0000"));
    assert_eq!(euicc.package(&world, &open, &wrong).unwrap_err(), "8.2.7/3.8");
    let before = world.smdp.store().snapshot();
    for _ in 0..5 {
        assert_eq!(euicc.package(&world, &open, &wrong).unwrap_err(), "8.2.7/3.8");
        assert_eq!(world.smdp.store().snapshot(), before, "a repeat");
    }
    let right = euicc.prepare_download(&open, own.public(), Some("4711"));
    let bpp = euicc.package(&world, &open, &right).unwrap();
    let other = euicc.prepare_download(&open, own.public(), Some("0001"));
    let before = world.smdp.store().snapshot();
    for request in [&wrong, &other] {
        assert_eq!(euicc.package(&world, &open, request).unwrap_err(), "8.2.7/3.8");
        assert_eq!(world.smdp.store().snapshot(), before, "behind the right one");
    }
    assert_eq!(euicc.package(&world, &open, &right).unwrap(), bpp);
    // Another wrong one of another session counts.
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let wrong = euicc.prepare_download(&open, own.public(), Some("0000"));
    assert_eq!(euicc.package(&world, &open, &wrong).unwrap_err(), "8.2.7/3.8");
    let failures = world.events(ICCID).iter().filter(|event| *event == "confirmationFailed").count();
    assert_eq!(failures, 2);
}

#[test]
fn what_get_bound_profile_package_refuses() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let own = euicc.one_time_key();

    // Signed by another key; for another session; a key that is no point.
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let mut forger = world.euicc();
    forger.key = world.pki.eum.expose_key().clone();
    let forged = forger.prepare_download(&open, own.public(), None);
    assert_eq!(euicc.package(&world, &open, &forged).unwrap_err(), "8.1/6.1");
    let mut elsewhere = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    // The newer session is the one that counts.
    let prepared = euicc.prepare_download(&open, own.public(), None);
    assert_eq!(euicc.package(&world, &open, &prepared).unwrap_err(), "8.10.1/3.9");
    let current = elsewhere.transaction_id.clone();
    elsewhere.transaction_id = open.transaction_id;
    let mixed = euicc.prepare_download(&elsewhere, own.public(), None);
    elsewhere.transaction_id = current;
    assert_eq!(euicc.package(&world, &elsewhere, &mixed).unwrap_err(), "8.10.1/3.9");
    let mut point = [7; 65];
    point[0] = 4;
    let no_point = PublicKey::from_sec1(Curve::P256, &point).unwrap();
    let prepared = euicc.prepare_download(&elsewhere, &no_point, None);
    assert_eq!(euicc.package(&world, &elsewhere, &prepared).unwrap_err(), "8.1/6.1");
    assert_eq!(world.state(ICCID), "Released");

    // The eUICC refuses: the session is over, the order is not.
    let refusal = PrepareDownloadResponse::Error {
        transaction_id: elsewhere.transaction_id.parse().unwrap(),
        code: DownloadErrorCode::INVALID_SIGNATURE,
    };
    assert_eq!(euicc.package(&world, &elsewhere, &refusal.encode()).unwrap_err(), "8.1/4.2");
    let prepared = euicc.prepare_download(&elsewhere, own.public(), None);
    assert_eq!(euicc.package(&world, &elsewhere, &prepared).unwrap_err(), "8.10.1/3.9");
    assert_eq!(world.state(ICCID), "Released");
    assert!(euicc.download(&world, Some(&matching_id), None).is_ok());
}

#[test]
fn a_repeat_gets_the_same_bytes_and_another_key_gets_nothing() {
    let world = World::new();
    let package = world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    assert_eq!(open.smdp_signed2.bpp_euicc_otpk, None);
    let own = euicc.one_time_key();
    let prepared = euicc.prepare_download(&open, own.public(), None);
    let first = euicc.package(&world, &open, &prepared).unwrap();
    assert_eq!(euicc.package(&world, &open, &prepared).unwrap(), first);
    let other = euicc.one_time_key();
    let prepared_again = euicc.prepare_download(&open, other.public(), None);
    assert_eq!(euicc.package(&world, &open, &prepared_again).unwrap_err(), "8.2/3.7");
    assert_eq!(world.events(ICCID).iter().filter(|event| *event == "downloaded").count(), 1);

    // The response was lost and the LPA begins anew: the key is offered, and either
    // it or a new one gets the package.
    let again = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    assert_eq!(again.smdp_signed2.bpp_euicc_otpk, Some(*own.public().as_bytes()));
    let bpp = euicc.package(&world, &again, &euicc.prepare_download(&again, own.public(), None)).unwrap();
    assert_ne!(bpp, first);
    assert_eq!(euicc.open(&again, &own, &bpp).1, package);
    let third = euicc.authenticate(&world, Some(&matching_id)).unwrap();
    let bpp = euicc.package(&world, &third, &euicc.prepare_download(&third, other.public(), None)).unwrap();
    assert_eq!(euicc.open(&third, &other, &bpp).1, package);

    // Nobody else gets it, however often the first one tried.
    let stranger = Euicc::new(&world.pki, OTHER_EID);
    assert_eq!(stranger.authenticate(&world, Some(&matching_id)).err().unwrap(), "8.1.1/3.8");
    assert_eq!(world.notify(&euicc.installation_result(&third, Some(ICCID), None)).0, 204);
    for euicc in [&euicc, &stranger] {
        assert_eq!(euicc.authenticate(&world, Some(&matching_id)).err().unwrap(), "8.2.6/3.8");
    }
    assert_eq!(euicc.package(&world, &third, &prepared).unwrap_err(), "8.10.1/3.9");
}

#[test]
fn installation_errors_end_the_order_or_allow_another_try() {
    for (reason, state) in [
        (ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE, "Released"),
        (ErrorReason::INTERRUPTION, "Released"),
        (ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC, "Error"),
        (ErrorReason::PE_PROCESSING_ERROR, "Error"),
        (ErrorReason::DATA_MISMATCH, "Error"),
        (ErrorReason::TEST_PROFILE_INVALID_NAA_KEY, "Error"),
        (ErrorReason::PPR_NOT_ALLOWED, "Error"),
        (ErrorReason::UNKNOWN_ERROR, "Error"),
    ] {
        let world = World::new();
        world.add_profile(ICCID);
        let matching_id = world.release(ICCID, json!({}));
        let euicc = world.euicc();
        let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
        let result = euicc.installation_result(&open, Some(ICCID), Some(reason));
        // With and without a name of the profile, twice.
        assert_eq!(world.notify(&result).0, 204);
        assert_eq!(world.notify(&result).0, 204);
        assert_eq!(world.state(ICCID), state, "{reason}");
        let again = euicc.download(&world, Some(&matching_id), None);
        match state {
            "Released" => {
                let (open, _) = again.unwrap();
                // A late repeat of the first result does not end the second try.
                assert_eq!(world.notify(&result).0, 204);
                assert_eq!(world.state(ICCID), "Downloaded");
                assert_eq!(world.notify(&euicc.installation_result(&open, None, None)).0, 204);
                assert_eq!(world.state(ICCID), "Installed");
            }
            _ => assert_eq!(again.err().unwrap(), "8.2.6/3.8"),
        }
    }
}

#[test]
fn notifications_of_others_change_nothing() {
    let world = World::new();
    world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(&matching_id), None).unwrap();
    let stranger = Euicc::new(&world.pki, OTHER_EID);
    // Well signed, but not by the eUICC that the package was bound to.
    let (status, answer) = world.notify(&stranger.installation_result(&open, Some(ICCID), None));
    assert_eq!((status, code_of(&answer).as_str()), (200, "8.1/6.1"));
    assert_eq!(world.notify(&stranger.other_notification(NotificationEvents::DELETE, ICCID)).0, 204);
    assert_eq!(world.state(ICCID), "Downloaded");
    // Badly signed, under an unknown CI, of a profile that is not ours.
    let mut forged = euicc.other_notification(NotificationEvents::DELETE, ICCID);
    let at = forged.windows(3).position(|w| w == [0x5F, 0x37, 0x40]).unwrap() + 10;
    forged[at] ^= 1;
    assert_eq!(code_of(&world.notify(&forged).1), "8.1/6.1");
    let foreign = Euicc::new(&pki(10), EID).other_notification(NotificationEvents::DELETE, ICCID);
    assert_eq!(code_of(&world.notify(&foreign).1), "8.11.1/3.9");
    let elsewhere = euicc.other_notification(NotificationEvents::ENABLE, "8900101000000009991");
    assert_eq!(world.notify(&elsewhere).0, 204);
    assert_eq!(world.state(ICCID), "Downloaded");
    assert!(world.operator("notifications")["notifications"].as_array().unwrap().is_empty());
}

/// A package is out, and the server thinks otherwise of the order by now: what the eUICC says of
/// the profile counts all the same, in whatever order it comes.
#[test]
fn reports_count_while_a_package_is_out() {
    type Turn = fn(&World, &Euicc, &str);
    let turns: [(&str, &str, Turn); 3] = [
        ("Downloaded", "nothing in between", |_, _, _| {}),
        ("Released", "a later session is postponed", |world, euicc, id| {
            let open = euicc.authenticate(world, Some(id)).unwrap();
            assert_success(&euicc.cancel(world, &open, CancelSessionReason::POSTPONED, "2.999.10"));
        }),
        ("Error", "a later session is rejected", |world, euicc, id| {
            let open = euicc.authenticate(world, Some(id)).unwrap();
            let reason = CancelSessionReason::END_USER_REJECTION;
            assert_success(&euicc.cancel(world, &open, reason, "2.999.10"));
        }),
    ];
    for (state, name, turn) in turns {
        // How the reports come, by their numbers on the eUICC: 1 the result, 2 enabled, 3 deleted.
        for (arriving, states) in [
            (&[1, 2, 3][..], &["Installed", "Installed", "Deleted"][..]),
            (&[2, 1, 3], &["Installed", "Installed", "Deleted"]),
            (&[3, 1, 2], &["Deleted", "Deleted", "Deleted"]),
            (&[2, 3, 1], &["Installed", "Deleted", "Deleted"]),
            (&[3, 3], &["Deleted", "Deleted"]),
        ] {
            let world = World::new();
            world.add_profile(ICCID);
            let id = world.release(ICCID, json!({}));
            let euicc = world.euicc();
            let (open, _) = euicc.download(&world, Some(&id), None).unwrap();
            turn(&world, &euicc, &id);
            assert_eq!(world.state(ICCID), state, "{name}");
            let reports = [
                euicc.installation_result(&open, Some(ICCID), None),
                euicc.other_notification(NotificationEvents::ENABLE, ICCID),
                euicc.other_notification(NotificationEvents::DELETE, ICCID),
            ];
            for (number, after) in arriving.iter().zip(states) {
                assert_eq!(world.notify(&reports[number - 1]).0, 204);
                assert_eq!(world.state(ICCID), *after, "{name}, {arriving:?}: {number}");
            }
            assert_eq!(world.smdp.store().leads(), (0, 0), "{name}, {arriving:?}");
        }
        // As an earlier version left it: deleted by the eUICC's word, and not so by the state.
        let world = World::new();
        world.add_profile(ICCID);
        let id = world.release(ICCID, json!({}));
        let euicc = world.euicc();
        let (open, _) = euicc.download(&world, Some(&id), None).unwrap();
        turn(&world, &euicc, &id);
        let result = euicc.installation_result(&open, Some(ICCID), None);
        let iccid = ICCID.parse().unwrap();
        let stored = ready(world.smdp.store().profile(&iccid)).unwrap().unwrap();
        let mut profile = stored.profile;
        let (eid, event) = (EID.parse().unwrap(), EventKind::Deleted);
        assert!(profile.remember(Notification { at: NOW, eid, seq_number: 2, event, detail: None }));
        assert!(ready(world.smdp.store().replace(stored.version, &Change::of(profile))).unwrap());
        assert_eq!(world.notify(&result).0, 204);
        assert_eq!(world.state(ICCID), "Deleted", "{name}");
    }
    // Nothing is out: nothing follows.
    let world = World::new();
    world.add_profile(ICCID);
    let id = world.release(ICCID, json!({ "eid": EID }));
    let euicc = world.euicc();
    for event in [NotificationEvents::ENABLE, NotificationEvents::DELETE] {
        assert_eq!(world.notify(&euicc.other_notification(event, ICCID)).0, 204);
        assert_eq!(world.state(ICCID), "Released");
    }
    assert!(euicc.authenticate(&world, Some(&id)).is_ok());
}

/// Only so many notifications are kept; a repeat of one that is not kept any more is a repeat.
#[test]
fn a_repeat_behind_many_is_a_repeat() {
    let world = World::new();
    world.add_profile(ICCID);
    let id = world.release(ICCID, json!({}));
    let euicc = world.euicc();
    let (open, _) = euicc.download(&world, Some(&id), None).unwrap();
    let result = euicc.installation_result(&open, Some(ICCID), None);
    assert_eq!(world.notify(&result).0, 204);
    let mut all = vec![result];
    for number in 0..70 {
        let event = if number % 2 == 0 { NotificationEvents::ENABLE } else { NotificationEvents::DISABLE };
        all.push(euicc.other_notification(event, ICCID));
        assert_eq!(world.notify(&all[all.len() - 1]).0, 204);
    }
    let before = world.smdp.store().snapshot();
    for notification in &all {
        assert_eq!(world.notify(notification).0, 204);
    }
    assert_eq!(world.smdp.store().snapshot(), before);
}

#[test]
fn cancelled_sessions() {
    for (reason, state) in [
        (CancelSessionReason::END_USER_REJECTION, "Error"),
        (CancelSessionReason::PPR_NOT_ALLOWED, "Error"),
        (CancelSessionReason::METADATA_MISMATCH, "Error"),
        (CancelSessionReason::POSTPONED, "Released"),
        (CancelSessionReason::TIMEOUT, "Released"),
        (CancelSessionReason::LOAD_BPP_EXECUTION_ERROR, "Released"),
        (CancelSessionReason::UNDEFINED_REASON, "Released"),
    ] {
        for bound in [false, true] {
            let world = World::new();
            world.add_profile(ICCID);
            let matching_id = world.release(ICCID, json!({}));
            let euicc = world.euicc();
            let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
            if bound {
                let own = euicc.one_time_key();
                euicc.package(&world, &open, &euicc.prepare_download(&open, own.public(), None)).unwrap();
            }
            let mut forger = world.euicc();
            forger.key = world.pki.eum.expose_key().clone();
            assert_eq!(code_of(&forger.cancel(&world, &open, reason, "2.999.10")), "8.1/6.1");
            assert_eq!(code_of(&euicc.cancel(&world, &open, reason, "2.999.99")), "8.8/3.10");
            assert_success(&euicc.cancel(&world, &open, reason, "2.999.10"));
            assert_eq!(world.state(ICCID), state, "{reason}");
            assert_eq!(code_of(&euicc.cancel(&world, &open, reason, "2.999.10")), "8.10.1/3.9");
            let again = euicc.download(&world, Some(&matching_id), None);
            assert_eq!(again.is_ok(), state == "Released");
        }
    }
}

#[test]
fn an_order_without_matching_id_is_found_by_eid() {
    let world = World::new();
    let package = world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({ "eid": EID, "matchingId": "" }));
    assert_eq!(matching_id, "");
    assert_eq!(Euicc::new(&world.pki, OTHER_EID).authenticate(&world, None).err().unwrap(), "8.2.6/3.8");
    for id in [None, Some("")] {
        assert_eq!(world.euicc().download(&world, id, None).unwrap().1, package);
    }
}

/// However many other orders an eUICC has: with codes, or found by its EID but not released.
#[test]
fn an_order_found_by_eid_is_not_hidden_by_others() {
    for (release, others) in [(true, false), (false, true)] {
        let world = World::new();
        for number in 0..70 {
            let iccid = format!("89001010000000{number:02}007");
            world.add_profile(&iccid);
            assert_success(&world.es2("downloadOrder", json!({ "iccid": iccid, "eid": EID })));
            let mut confirm = json!({ "iccid": iccid, "releaseFlag": release });
            if others {
                confirm["matchingId"] = json!("");
            }
            assert_success(&world.es2("confirmOrder", confirm));
        }
        let none = world.euicc().authenticate(&world, None).err().unwrap();
        assert_eq!(none, if others { "8.2/1.2" } else { "8.2.6/3.8" });
        let package = world.add_profile(ICCID);
        assert_eq!(world.release(ICCID, json!({ "eid": EID, "matchingId": "" })), "");
        assert_eq!(world.euicc().download(&world, None, None).unwrap().1, package);
    }
}

#[test]
fn a_subscriber_becomes_a_profile() {
    let world = World::new();
    let subscriber = json!({ "iccid": ICCID, "imsi": "001010000000001", "msisdn": "+15550100",
        "algorithm": "milenage", "k": "465b5ce8b199b49faa5f0a2ee238a6bc",
        "opc": "cd63cb71954a9f4e48a5994e37a02baf", "spn": "Operator" });
    let (status, answer) =
        world.add(&json!({ "metadata": metadata(), "subscriber": subscriber, "profileType": "plan" }));
    assert_eq!(status, 201, "{answer}");
    let text = answer.to_string() + &world.operator("profiles").to_string();
    assert!(!text.contains("465b5ce8") && !text.contains("cd63cb71"), "no secret is shown: {text}");
    let matching_id = world.release(ICCID, json!({}));
    let (_, elements) = world.euicc().download(&world, Some(&matching_id), None).unwrap();
    let read = saip::Package::decode(&elements).unwrap();
    assert_eq!(read.imsi().unwrap().as_str(), "001010000000001");
}
