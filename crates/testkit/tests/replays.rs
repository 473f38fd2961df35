//! What came before comes again, two come at once, or somebody comes with what is another's;
//! clocks jump. Each is done once, for the one it was meant for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod common;

use common::{detail, download, installed, ordered, perform, profiles};
use http::Method;
use lab::Trust;
use lpa::{Answer, Cause, Effect, Failure, Options, Outcome, Reply};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsp::ids::Iccid;
use rsp::status::StatusCode;
use rsp_crypto::issue::Validity;
use serde_json::{Value, json};
use testkit::{Exchange, Party, World};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn refused(failure: &Failure) -> Option<StatusCode> {
    let Cause::ServerRefused(data) = &failure.cause else { panic!("{failure}") };
    StatusCode::find(&data.subject_code, &data.reason_code)
}

#[test]
fn a_repeated_cancel_order_leaves_the_next_order_alone() {
    let mut world = World::new(100);
    let iccid = world.operational[0].iccid;
    world.order(iccid, None);
    let cancel = json!({
        "header": { "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": "cancel-1" },
        "iccid": iccid, "finalProfileStatusIndicator": "Available",
    });
    let first = world.es2("cancelOrder", &cancel);
    assert_eq!(first["header"]["functionExecutionStatus"]["status"], "Executed-Success", "{first}");
    let again = ordered(&world);
    // The operator's system has not heard the answer and sends the call once more.
    assert_eq!(world.es2("cancelOrder", &cancel), first);
    assert_eq!(detail(&world, iccid)["state"], "Released");
    world.attach(None).unwrap();
    world.download(&again.code).unwrap();
}

#[test]
fn refused_orders_for_an_eid_do_not_hide_the_order_that_it_has() {
    let mut world = World::new(126);
    let Ok(Outcome::Chip(chip)) = world.run(lpa::chip_info(Options::default()), |_| Reply::Accept) else {
        panic!()
    };
    let eid = chip.eid.to_string();
    let header =
        |call: &str| json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": call });
    for number in 0..70 {
        let iccid = format!("{}", 8_900_000_000_000_000_000_u64 + number);
        let order = json!({ "header": header(&iccid), "iccid": iccid, "eid": eid });
        let answer = world.es2("downloadOrder", &order);
        let code = &answer["header"]["functionExecutionStatus"]["statusCodeData"];
        assert_eq!((&code["subjectCode"], &code["reasonCode"]), (&json!("8.2.1"), &json!("3.9")), "{answer}");
    }
    // An order without a matching id is found by the EID alone.
    let iccid = world.operational[0].iccid;
    world.es2("downloadOrder", &json!({ "header": header("a"), "iccid": iccid, "eid": eid }));
    let confirm = json!({ "header": header("b"), "iccid": iccid, "matchingId": "", "releaseFlag": true });
    let confirmed = world.es2("confirmOrder", &confirm);
    assert_eq!(confirmed["header"]["functionExecutionStatus"]["status"], "Executed-Success", "{confirmed}");
    world.attach(None).unwrap();
    world.download(&"1$smdp.example.com$".parse().unwrap()).unwrap();
}

#[test]
fn two_sessions_at_once_end_with_one_profile() {
    let mut world = World::new(105);
    let session = world.attach(None).unwrap().id;
    let order = ordered(&world);
    // One LPA stops at the user's consent; another one downloads meanwhile.
    let mut first = download(&order.code);
    let mut answer = Answer::Begin;
    loop {
        let effect = first.resume(answer);
        if matches!(effect, Effect::Ask(_)) {
            break;
        }
        answer = perform(&mut world, &session, effect).unwrap_or_else(|result| panic!("{result:?}"));
    }
    world.download(&order.code).unwrap();
    let mut answer = Answer::Reply(Reply::Accept);
    let failure = loop {
        let effect = first.resume(answer);
        answer = match perform(&mut world, &session, effect) {
            Ok(answer) => answer,
            Err(result) => break result.unwrap_err(),
        };
    };
    assert!(matches!(failure.cause, Cause::Download(_)), "{failure}");
    assert_eq!(profiles(&mut world).len(), 2);
    assert_eq!(detail(&world, &order.iccid)["state"], "Installed");
}

/// The same issuers, another eUICC of the same manufacturer.
fn sister(world_seed: u64) -> Trust {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&world_seed.to_be_bytes());
    let begin = testkit::START - 86_400;
    let mut pki = Trust::pki(seed, testkit::SMDP_ADDRESS, begin).unwrap();
    let eid = pki.euicc.certificate().eid().unwrap().to_string();
    let serial = format!("{}{}", &eid[..29], if eid.as_bytes()[29] == b'7' { '8' } else { '7' });
    let eid = (0..100).find_map(|check| format!("{serial}{check:02}").parse().ok()).unwrap();
    let validity = Validity { not_before: begin, not_after: begin + 10 * 365 * 86_400 };
    pki.euicc = pki.issue_euicc(&mut ChaCha20Rng::from_seed([77; 32]), eid, validity).unwrap();
    Trust::from(pki)
}

#[test]
fn a_used_order_is_not_handed_out_to_another_chip() {
    let (mut world, order) = installed(121);
    let before = detail(&world, &order.iccid);
    world.exchange_chip(&sister(121));
    world.attach(None).unwrap();
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(refused(&failure), Some(StatusCode::MATCHING_ID_REFUSED));
    assert_eq!(detail(&world, &order.iccid), before);
    assert_eq!(profiles(&mut world).len(), 1);
}

#[test]
fn an_order_that_one_chip_has_begun_is_refused_to_another() {
    let mut world = World::new(122);
    world.attach(None).unwrap();
    let order = ordered(&world);
    let failure = world.run(download(&order.code), |_| Reply::Postpone).unwrap_err();
    assert_eq!(failure.cause, Cause::Postponed);
    let before = detail(&world, &order.iccid);
    assert_eq!(before["state"], "Released");
    world.exchange_chip(&sister(122));
    world.attach(None).unwrap();
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(refused(&failure), Some(StatusCode::EID_MISMATCH));
    assert_eq!(detail(&world, &order.iccid), before);
    // Another order is for whoever comes first.
    let other = world.order(world.operational[1].iccid, None);
    world.download(&other.code).unwrap();
}

#[test]
fn a_package_bound_to_one_chip_installs_on_no_other() {
    // One chip's whole conversation, its package taken over into another's.
    let (world, _) = installed(123);
    let taken = world.log().into_iter().find(|e| e.target.ends_with("getBoundProfilePackage")).unwrap();
    let taken: Value = serde_json::from_slice(taken.answer.as_ref().unwrap()).unwrap();
    let mut world = World::new(123);
    world.exchange_chip(&sister(123));
    world.attach(None).unwrap();
    let order = ordered(&world);
    world.change_answers(move |target, answer| {
        if target.ends_with("getBoundProfilePackage") {
            let mut json: Value = serde_json::from_slice(answer).unwrap();
            json["boundProfilePackage"] = taken["boundProfilePackage"].clone();
            *answer = json.to_string().into_bytes();
        }
    });
    let failure = world.download(&order.code).unwrap_err();
    assert!(matches!(failure.cause, Cause::Install { .. }), "{failure}");
    assert_eq!(profiles(&mut world).len(), 1);
}

#[test]
fn every_recorded_request_once_more_changes_nothing() {
    let (mut world, order) = installed(106);
    let iccid: Iccid = order.iccid.parse().unwrap();
    world.until_refresh(lpa::enable(iccid, Options::default())).unwrap();
    world.refresh();
    world.attach(None).unwrap();
    world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
    let session = world.attach(None).unwrap().id;
    let before = detail(&world, &order.iccid);
    let log = world.log();
    let mut replayed = 0;
    for exchange in log.iter().filter(|e| e.party == Party::Smdp && e.target.contains("es9plus")) {
        let path = exchange.target.trim_start_matches("POST ");
        let body: Value = serde_json::from_slice(&exchange.request).unwrap();
        let (status, answer) = world.ask_smdp(Method::POST, path, Some(&body));
        replayed += 1;
        match path.rsplit('/').next().unwrap() {
            "initiateAuthentication" => assert_eq!(status, 200),
            "handleNotification" => assert_eq!(status, 204, "{answer}"),
            _ => {
                let status = &answer["header"]["functionExecutionStatus"];
                assert_eq!(status["status"], "Failed", "{path} {answer}");
                assert_eq!(status["statusCodeData"]["subjectCode"], "8.10.1", "{path} {answer}");
            }
        }
        assert_eq!(detail(&world, &order.iccid), before, "{path}");
    }
    assert!(replayed >= 5);
    // The answers of the card, too: an attach id works once.
    for exchange in log.iter().filter(|e| e.party == Party::Network && e.target.ends_with("/response")) {
        let body: Value = serde_json::from_slice(&exchange.request).unwrap();
        assert_eq!(world.ask_network(Method::POST, &exchange.target, Some(&body)).0, 410);
    }
    assert_eq!(world.ask_network(Method::GET, &format!("/network/sessions/{session}"), None).0, 200);
}

#[test]
fn the_chip_refuses_recorded_commands_of_an_earlier_download() {
    let (mut world, order) = installed(107);
    let before = profiles(&mut world);
    let iccid: Iccid = order.iccid.parse().unwrap();
    world.run(lpa::delete(iccid, Options::default()), |_| Reply::Accept).unwrap();
    let recorded: Vec<Exchange> = world.log().into_iter().filter(|e| e.party == Party::Chip).collect();
    world.reset();
    for exchange in &recorded {
        let answer = world.transmit(&exchange.request).unwrap();
        assert!(answer.len() >= 2);
    }
    let after = profiles(&mut world);
    assert!(after.iter().all(|info| info.iccid != Some(iccid)), "installed again by a replay");
    assert_eq!(after.len() + 1, before.len());
}

#[test]
fn clocks_may_jump() {
    let limits = edge_smdp::Limits::default();
    // The session's time is up at any step between the first call and the last.
    for step in 0..3 {
        let mut world = World::new(112);
        let session = world.attach(None).unwrap().id;
        let order = ordered(&world);
        let mut procedure = download(&order.code);
        let mut answer = Answer::Begin;
        let mut calls = 0;
        let result = loop {
            let effect = procedure.resume(answer);
            if let Effect::Server(_) = &effect {
                if calls == step {
                    world.wait(limits.session + 1);
                }
                calls += 1;
            }
            answer = match perform(&mut world, &session, effect) {
                Ok(answer) => answer,
                Err(result) => break result,
            };
        };
        if step == 0 {
            result.unwrap();
        } else {
            assert_eq!(refused(&result.unwrap_err()), Some(StatusCode::TRANSACTION_ID_UNKNOWN), "{step}");
            assert_eq!(profiles(&mut world).len(), 1);
            world.attach(None).unwrap();
            world.download(&order.code).unwrap();
        }
    }
    // The order's time is up.
    let mut world = World::new(113);
    let order = ordered(&world);
    world.wait(limits.order + 1);
    world.attach(None).unwrap();
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(refused(&failure), Some(StatusCode::ORDER_EXPIRED));
    // The certificates' time is up: in 200 years nobody is served, and nothing breaks.
    let mut world = World::new(114);
    let order = ordered(&world);
    world.wait(200 * 365 * 86_400);
    world.attach(None).unwrap();
    assert!(world.download(&order.code).is_err());
    assert_eq!(profiles(&mut world).len(), 1);
}

#[test]
fn a_challenge_and_a_session_of_the_network_end_when_they_say() {
    let mut world = World::new(115);
    let imsi = world.imsi().unwrap();
    let attach =
        |world: &World| world.ask_network(Method::POST, "/network/attach", Some(&json!({ "imsi": imsi }))).1;
    let challenge = attach(&world);
    let answer = world.authenticate(&challenge);
    world.wait(61);
    let path = format!("/network/attach/{}/response", challenge["attachId"].as_str().unwrap());
    assert_eq!(world.ask_network(Method::POST, &path, Some(&answer)).0, 410, "a minute is over");
    let session = world.attach(None).unwrap().id;
    world.wait(30 * 60 + 1);
    let order = ordered(&world);
    assert!(world.download(&order.code).is_err(), "half an hour is over");
    assert_eq!(world.ask_network(Method::GET, &format!("/network/sessions/{session}"), None).0, 410);
}

#[test]
fn the_card_of_one_subscriber_does_not_attach_another() {
    let (mut world, _) = installed(116);
    let session = world.attach(None).unwrap().id;
    let other = json!({ "imsi": world.operational[0].imsi });
    let (status, theirs) = world.ask_network(Method::POST, "/network/attach", Some(&other));
    assert_eq!(status, 200);
    // Another subscriber's challenge: this card takes the network for a false one.
    let answer = world.authenticate(&theirs);
    assert_eq!(answer, json!({ "failure": "mac" }));
    let path = format!("/network/attach/{}/response", theirs["attachId"].as_str().unwrap());
    // The card's good answer to its own challenge, at the other's attach.
    let own = json!({ "imsi": world.provisioning.imsi });
    let (_, mine) = world.ask_network(Method::POST, "/network/attach", Some(&own));
    let good = world.authenticate(&mine);
    assert!(good["res"].is_string());
    assert_eq!(world.ask_network(Method::POST, &path, Some(&good)).0, 403);
    // The session of before is untouched, and the answer still is good at its own door.
    assert_eq!(world.ask_network(Method::GET, &format!("/network/sessions/{session}"), None).0, 200);
    let path = format!("/network/attach/{}/response", mine["attachId"].as_str().unwrap());
    assert_eq!(world.ask_network(Method::POST, &path, Some(&good)).0, 200);
}

#[test]
fn a_recorded_auts_moves_no_sequence_number() {
    let mut world = World::new(117);
    for _ in 0..5 {
        world.attach(None).unwrap();
    }
    // The network forgets where it was; the card answers with AUTS.
    let imsi = world.provisioning.imsi;
    let record = world.provisioning.network_record();
    world.ask_network(Method::DELETE, &format!("/network/subscribers/{imsi}"), None);
    world.subscribe(imsi, &record);
    world.attach(None).unwrap();
    let recorded = world.log().into_iter().find_map(|e| {
        let body: Value = serde_json::from_slice(&e.request).ok()?;
        body["auts"].is_string().then_some(body)
    });
    let auts = recorded.unwrap();
    let attach =
        |world: &World| world.ask_network(Method::POST, "/network/attach", Some(&json!({ "imsi": imsi }))).1;
    let challenge = attach(&world);
    let path = format!("/network/attach/{}/response", challenge["attachId"].as_str().unwrap());
    assert_eq!(world.ask_network(Method::POST, &path, Some(&auts)).0, 403);
    // The next challenge is still ahead of the card.
    let next = attach(&world);
    assert!(world.authenticate(&next)["res"].is_string());
}
