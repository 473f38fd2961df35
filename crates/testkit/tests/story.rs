//! The four steps of a download, and what happens when something is wrong: chip, LPA,
//! SM-DP+ and network in one process, each the same code that ships.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use apdu::StatusWord;
use edge_smdp::{Limits, Protection};
use http::Method;
use lab::Trust;
use lpa::{Cause, Options, Outcome, Refresh, Reply, Retry, Stage, Step};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsp::codes::{AuthenticateErrorCode, ErrorReason};
use rsp::ids::Iccid;
use rsp::metadata::ProfileClass;
use rsp::profiles::{ProfileInfo, ProfileState};
use rsp::status::StatusCode;
use rsp_crypto::issue::{LpaPki, Validity};
use rsp_crypto::{Certificate, Curve};
use serde_json::{Value, json};
use testkit::{AttachError, Order, Party, Settings, World};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// The first contract, ordered.
fn ordered(world: &World) -> Order {
    let iccid = world.operational[0].iccid;
    world.order(iccid, None)
}

fn profiles(world: &mut World) -> Vec<ProfileInfo> {
    let Ok(Outcome::Profiles(list)) = world.run(lpa::list(Options::default()), |_| Reply::Accept) else {
        panic!()
    };
    list
}

fn timeline(world: &World, iccid: &str) -> Value {
    world.ask_smdp(Method::GET, &format!("/operator/orders/{iccid}"), None).1
}

fn enable(world: &mut World, iccid: &str) -> Refresh {
    let iccid: Iccid = iccid.parse().unwrap();
    world.until_refresh(lpa::enable(iccid, Options::default())).unwrap()
}

fn refused(failure: &lpa::Failure) -> Option<StatusCode> {
    let Cause::ServerRefused(data) = &failure.cause else { panic!("{failure}") };
    StatusCode::find(&data.subject_code, &data.reason_code)
}

/// Steps 1 to 4 with a service each; returns the world after the switch.
fn story(seed: u64, settings: Settings) -> World {
    let mut world = World::with(seed, settings);
    let order = ordered(&world);
    world.terminal_profile();

    // 1. Attach on the provisioning profile: whatever is asked for, the SM's APN is given.
    let attached = world.attach(Some("internet")).unwrap();
    assert_eq!(attached.decision["class"], "provisioning");
    assert_eq!(attached.decision["apn"]["given"], "sm.provisioning");
    assert_ne!(attached.decision["services"]["voice"]["verdict"], "permitted");
    let path = format!("/network/sessions/{}/http/elsewhere.example.com/gsma/rsp2/es9plus/x", attached.id);
    assert_eq!(world.ask_network(Method::POST, &path, None).0, 403);

    // 2. and 3. The LPA reaches the SM-DP+; the chip takes the profile.
    let before = world.free_memory();
    let Ok(Outcome::Installed { metadata, notifications, .. }) = world.download(&order.code) else {
        panic!("{:?}", world.download(&order.code))
    };
    assert_eq!(metadata.iccid.to_string(), order.iccid);
    assert!(notifications.iter().all(|report| report.result.is_ok()), "{notifications:?}");
    assert!(!notifications.is_empty());
    assert!(world.free_memory() < before);
    let installed = profiles(&mut world);
    let of = |class| installed.iter().find(|info| info.profile_class == Some(class)).unwrap();
    assert_eq!(of(ProfileClass::Provisioning).state, Some(ProfileState::Enabled));
    assert_eq!(of(ProfileClass::Operational).state, Some(ProfileState::Disabled));

    // 4. Switch, refresh, attach again: the contract's services.
    assert_eq!(enable(&mut world, &order.iccid), Refresh::Proactive);
    assert_eq!(world.imsi().unwrap(), world.provisioning.imsi, "not before the REFRESH");
    let refresh = world.refresh();
    assert_eq!(refresh[..5], [0xD0, 0x09, 0x81, 0x03, 0x01]);
    assert_eq!(world.imsi().unwrap(), world.operational[0].imsi);
    let attached = world.attach(Some("internet")).unwrap();
    assert_eq!(attached.decision["class"], "operational");
    for service in ["data", "voice", "sms"] {
        assert_eq!(attached.decision["services"][service]["verdict"], "permitted", "{service}");
    }
    let sent = world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
    let Outcome::Notifications(reports) = sent else { panic!() };
    assert!(reports.iter().any(|report| report.metadata.event.name() == Some("enable")));
    assert!(reports.iter().all(|report| report.result.is_ok()), "{reports:?}");
    world
}

#[test]
fn the_four_steps() {
    for protection in [Protection::SessionKeys, Protection::ProfileProtectionKeys] {
        let mut world = story(1, Settings { protection, ..Settings::default() });
        let iccid = world.operational[0].iccid;
        assert_eq!(timeline(&world, iccid)["state"], "Installed");
        assert_eq!(world.read_file(&[0x2F, 0xE2]).unwrap(), iccid.parse::<Iccid>().unwrap().as_bytes());
        let calls = ["initiateAuthentication", "authenticateClient", "getBoundProfilePackage"];
        assert_eq!(calls.map(|call| world.calls_of(call)), [1, 1, 1]);
    }
}

#[test]
fn the_same_seed_leaves_the_same_bytes_on_every_wire() {
    let run = |seed| story(seed, Settings::default()).log();
    let first = run(7);
    assert!(first.len() > 60);
    assert_eq!(first, run(7));
    assert_ne!(first, run(8));
}

#[test]
fn nothing_of_the_profile_is_readable_on_the_way() {
    let world = story(2, Settings::default());
    let package = world.operational[0].package();
    let log = world.log();
    let downloaded = log.iter().find(|e| e.target.ends_with("getBoundProfilePackage")).unwrap();
    let answer: Value = serde_json::from_slice(downloaded.answer.as_ref().unwrap()).unwrap();
    let bound: rsp::es9::Base64 = serde_json::from_value(answer["boundProfilePackage"].clone()).unwrap();
    assert!(bound.0.len() > package.len());
    for window in package.chunks_exact(16).filter(|window| window.iter().any(|&b| b != 0xFF && b != 0)) {
        assert!(!bound.0.windows(16).any(|other| other == window));
    }
    let key = world.operational[0].network_record()["k"].as_str().unwrap().to_owned();
    let key = hex::decode(key).unwrap();
    for exchange in log.iter().filter(|e| e.party == Party::Chip) {
        assert!(!exchange.request.windows(16).any(|w| w == key));
        assert!(!exchange.answer.as_ref().unwrap().windows(16).any(|w| w == key));
    }
}

#[test]
fn switch_back_and_delete_tell_the_server_and_give_the_memory_back() {
    let mut world = World::new(3);
    world.terminal_profile();
    world.attach(None).unwrap();
    let free = world.free_memory();
    let order = ordered(&world);
    world.download(&order.code).unwrap();
    enable(&mut world, &order.iccid);
    world.refresh();
    world.terminal_profile();
    world.attach(None).unwrap();

    // An enabled profile can't be deleted.
    let iccid: Iccid = order.iccid.parse().unwrap();
    let failure = world.run(lpa::delete(iccid, Options::default()), |_| Reply::Accept).unwrap_err();
    assert!(matches!(failure.cause, Cause::Delete(rsp::codes::DeleteResult::PROFILE_NOT_IN_DISABLED_STATE)));

    let provisioning = world.provisioning.iccid;
    enable(&mut world, provisioning);
    world.refresh();
    world.attach(None).unwrap();
    world.run(lpa::delete(iccid, Options::default()), |_| Reply::Accept).unwrap();
    world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
    assert_eq!(profiles(&mut world).len(), 1);
    assert_eq!(timeline(&world, &order.iccid)["state"], "Deleted");
    // What remains is bookkeeping: the sequence number of notifications.
    assert!(free - world.free_memory() < 64, "{free} {}", world.free_memory());
}

#[test]
fn a_used_order_is_not_handed_out_again() {
    let mut world = World::new(4);
    world.attach(None).unwrap();
    let order = ordered(&world);
    world.download(&order.code).unwrap();
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(failure.stage, Stage::AuthenticateClient);
    assert_eq!(refused(&failure), Some(StatusCode::MATCHING_ID_REFUSED));
    assert_eq!(profiles(&mut world).len(), 2);

    // Nor to another chip.
    let mut other = World::new(4);
    other.attach(None).unwrap();
    let unknown = "1$smdp.example.com$NOT-AN-ORDER".parse().unwrap();
    assert_eq!(refused(&other.download(&unknown).unwrap_err()), Some(StatusCode::MATCHING_ID_REFUSED));
}

#[test]
fn another_issuer_s_server_is_refused_by_the_chip_before_anything_is_told() {
    let stranger = Trust::generate([0xEE; 32], testkit::SMDP_ADDRESS, testkit::START).unwrap();
    let mut world = World::with(5, Settings { chip_trust: Some(stranger), ..Settings::default() });
    world.attach(None).unwrap();
    let order = ordered(&world);
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(failure.stage, Stage::InitiateAuthentication);
    // The failure names both sides: what the chip trusts, and that the server has nothing of it.
    let Cause::NoCommonCi { chip, server: None, refused: Some(_) } = &failure.cause else {
        panic!("{failure}")
    };
    assert_eq!(chip.len(), 1);
    assert!(failure.codes().contains("8.8.4") && failure.codes().contains(&chip[0].to_string()), "{failure}");
    assert_eq!(timeline(&world, &order.iccid)["state"], "Released");
}

#[test]
fn a_server_that_only_pretends_is_refused_by_the_chip() {
    // The answer names the chip's issuer, but the certificate is another issuer's.
    let mut world = World::new(6);
    world.attach(None).unwrap();
    let order = ordered(&world);
    let stranger = Trust::generate([0xEE; 32], testkit::SMDP_ADDRESS, testkit::START).unwrap();
    let theirs = stranger.smdp_credentials()["sets"][0]["dpAuth"]["certificate"].clone();
    world.change_answers(move |target, answer| {
        if target.ends_with("initiateAuthentication") {
            let mut json: Value = serde_json::from_slice(answer).unwrap();
            json["serverCertificate"] = theirs.clone();
            *answer = json.to_string().into_bytes();
        }
    });
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(failure.cause, Cause::Authenticate(AuthenticateErrorCode::INVALID_CERTIFICATE));
    assert_eq!(world.calls_of("authenticateClient"), 0);
}

#[test]
fn an_expired_certificate_is_refused_by_the_server() {
    let before = testkit::START - 86_400;
    let mut pki = Trust::pki([7; 32], testkit::SMDP_ADDRESS, before).unwrap();
    let validity = Validity { not_before: before, not_after: before + 3600 };
    let eid = pki.euicc.certificate().eid().unwrap();
    pki.euicc = pki.issue_euicc(&mut ChaCha20Rng::from_seed([9; 32]), eid, validity).unwrap();
    let mut world = World::with(7, Settings { server_trust: Some(Trust::from(pki)), ..Settings::default() });
    let order = ordered(&world);
    world.attach(None).unwrap();
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(refused(&failure), Some(StatusCode::EUICC_CERTIFICATE_EXPIRED));
    assert_eq!(timeline(&world, &order.iccid)["state"], "Released");
}

#[test]
fn a_tampered_segment_leaves_the_chip_as_it_was() {
    use rsp::bpp::SegmentKind as Kind;
    for (kind, expected) in [
        (Kind::InitialiseSecureChannel, ErrorReason::INVALID_SIGNATURE),
        (Kind::ConfigureIsdp, ErrorReason::SCP03T_SECURITY_ERROR),
        (Kind::StoreMetadata, ErrorReason::SCP03T_SECURITY_ERROR),
        (Kind::ProfileElements, ErrorReason::SCP03T_SECURITY_ERROR),
    ] {
        let mut world = World::new(8);
        world.attach(None).unwrap();
        let order = ordered(&world);
        let free = world.free_memory();
        world.change_answers(move |target, answer| {
            if target.ends_with("getBoundProfilePackage") {
                let mut json: Value = serde_json::from_slice(answer).unwrap();
                let mut package: rsp::es9::Base64 =
                    serde_json::from_value(json["boundProfilePackage"].clone()).unwrap();
                let segments = rsp::bpp::segments(&package.0).unwrap();
                // Its last byte is part of the signature or of the MAC.
                let last = segments.iter().rfind(|segment| segment.kind == kind).unwrap();
                package.0[last.bytes.end - 1] ^= 1;
                json["boundProfilePackage"] = serde_json::to_value(package).unwrap();
                *answer = json.to_string().into_bytes();
            }
        });
        let failure = world.download(&order.code).unwrap_err();
        let Cause::Install { reason, .. } = failure.cause else { panic!("{failure}") };
        assert_eq!(reason, expected, "{kind}");
        world.mend();
        assert_eq!(profiles(&mut world).len(), 1);
        assert!(free - world.free_memory() < 64, "{kind}");
        // The server was told and has closed the order: the reason is permanent.
        assert_eq!(timeline(&world, &order.iccid)["state"], "Error");
    }
}

#[test]
fn a_full_chip_says_so_and_the_order_can_be_used_when_there_is_room() {
    // Room for the provisioning profile and little more.
    let used = {
        let world = World::new(9);
        wasm_euicc::Factory::MEMORY - u32::try_from(world.free_memory()).unwrap()
    };
    let mut world = World::with(9, Settings { memory: Some(used + 4096), ..Settings::default() });
    world.attach(None).unwrap();
    let order = ordered(&world);
    let free = world.free_memory();
    let failure = world.download(&order.code).unwrap_err();
    match &failure.cause {
        Cause::Install { reason, .. } => assert_eq!(*reason, ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE),
        _ => assert_eq!(refused(&failure), Some(StatusCode::EUICC_INSUFFICIENT_MEMORY)),
    }
    assert_eq!(failure.retry(), Retry::AfterChange);
    assert_eq!(profiles(&mut world).len(), 1);
    // The one-time key is kept for the next try of the same order.
    assert!(free - world.free_memory() < 128, "{free} {}", world.free_memory());
    assert_eq!(timeline(&world, &order.iccid)["state"], "Released");
}

#[test]
fn the_power_may_fail_at_any_command_of_a_download() {
    let (commands, metadata) = {
        let mut world = World::new(10);
        world.attach(None).unwrap();
        let order = ordered(&world);
        let before = world.commands();
        world.download(&order.code).unwrap();
        (world.commands() - before, profiles(&mut world))
    };
    assert!(commands > 30);
    for nth in (1..=commands).step_by(3) {
        let mut world = World::new(10);
        world.attach(None).unwrap();
        let order = ordered(&world);
        world.cut_power_at(nth);
        let result = world.download(&order.code);
        let list = profiles(&mut world);
        match list.len() {
            // Not installed: what the chip has to tell is told, and the same code works.
            1 => {
                assert!(result.is_err(), "{nth}");
                world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
                world.download(&order.code).unwrap_or_else(|failure| panic!("cut at {nth}: {failure}"));
                assert_eq!(profiles(&mut world).len(), 2);
            }
            _ => assert_eq!(list, metadata, "{nth}"),
        }
    }
}

#[test]
fn a_lost_answer_loses_no_profile() {
    for function in
        ["initiateAuthentication", "authenticateClient", "getBoundProfilePackage", "handleNotification"]
    {
        let mut world = World::new(11);
        world.attach(None).unwrap();
        let order = ordered(&world);
        world.lose_answer_of(function);
        let first = world.download(&order.code);
        if function == "handleNotification" {
            first.unwrap();
        } else {
            assert_eq!(first.unwrap_err().retry(), Retry::Again, "{function}");
            world.download(&order.code).unwrap_or_else(|failure| panic!("{function}: {failure}"));
        }
        world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
        assert_eq!(profiles(&mut world).len(), 2);
        assert_eq!(timeline(&world, &order.iccid)["state"], "Installed", "{function}");
    }
}

#[test]
fn a_confirmation_code_is_asked_for_and_limited() {
    let mut world = World::with(12, Settings::default());
    world.attach(None).unwrap();
    let iccid = world.operational[0].iccid;
    let order = world.order(iccid, Some("4711"));
    let device = || rsp::auth::DeviceInfo { tac: [0x35; 4], capabilities: [None; 11], imei: None };
    let mut codes = vec!["4712", "4711"].into_iter();
    let mut asked = Vec::new();
    let procedure = lpa::download(order.code, device(), Options::default());
    let outcome = world.run(procedure, |question| match question {
        lpa::Question::ConfirmationCode { wrong_before, .. } => {
            asked.push(*wrong_before);
            Reply::Code(codes.next().unwrap().into())
        }
        _ => Reply::Accept,
    });
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(asked, [false, true]);

    let limit = Limits::default().confirmation_failures;
    let order = world.order(world.operational[1].iccid, Some("4711"));
    let mut tries = 0;
    let procedure = lpa::download(order.code, device(), Options::default());
    let failure = world.run(procedure, |question| match question {
        lpa::Question::ConfirmationCode { .. } => {
            tries += 1;
            assert!(tries < 20, "never refused");
            Reply::Code("0000".into())
        }
        _ => Reply::Accept,
    });
    let failure = failure.unwrap_err();
    assert_eq!(refused(&failure), Some(StatusCode::CONFIRMATION_CODE_TRIES_EXCEEDED));
    // Each wrong code is asked for once; the one after the last is refused for good.
    assert!((limit..=limit + 1).contains(&tries), "{tries}");
    assert_eq!(profiles(&mut world).len(), 2);
}

#[test]
fn a_stranger_to_the_network_has_no_service_and_no_download() {
    let mut world = World::new(13);
    let order = ordered(&world);
    let failure = world.download(&order.code).unwrap_err();
    assert!(matches!(failure.cause, Cause::ServerLost(_)), "{failure}");
    let imsi = world.provisioning.imsi;
    world.ask_network(Method::DELETE, &format!("/network/subscribers/{imsi}"), None);
    let Err(AttachError::Refused(403, problem)) = world.attach(None) else { panic!() };
    assert!(problem["because"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
}

#[test]
fn a_card_that_is_ahead_is_resynchronised() {
    let mut world = World::new(14);
    for _ in 0..40 {
        world.attach(None).unwrap();
    }
    // The network forgets where it was: the card answers with AUTS.
    let imsi = world.provisioning.imsi;
    let record = world.provisioning.network_record();
    world.ask_network(Method::DELETE, &format!("/network/subscribers/{imsi}"), None);
    world.subscribe(imsi, &record);
    world.attach(None).unwrap();
    let responses = |world: &World, name: &str| {
        world.log().iter().filter(|e| String::from_utf8_lossy(&e.request).contains(name)).count()
    };
    assert_eq!(responses(&world, "\"auts\""), 1);
}

#[test]
fn the_published_generic_test_profile_installs_and_authenticates() {
    use base64::Engine;
    for name in [
        "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der",
        "data/ts48/TS48v5_SAIP2.3_BERTLV_SUCI.der",
        "data/ts48/TS48v5_SAIP2.3_NoBERTLV.der",
        "data/ts48/TS48v5_SAIP2.1A_NoBERTLV.der",
        "data/ts48/TS48v3_SAIP2.1_NoBERTLV.der",
    ] {
        let Some(package) = vectors::read(name) else { return };
        let decoded = saip::Package::decode(&package).unwrap();
        let iccid = saip_iccid(&decoded);
        let imsi = decoded.imsi().unwrap().to_string();
        let mut world = World::new(15);
        world.upload(&json!({
            "metadata": { "serviceProviderName": "GSMA", "profileName": "Generic test", "profileClass": "operational" },
            "package": base64::engine::general_purpose::STANDARD.encode(&package),
        }));
        // TS.48: the XOR algorithm, K = 00 01 … 0F, RES of 128 bits.
        let k: String = (0..16).map(|byte| format!("{byte:02x}")).collect();
        let contract = json!({ "apns": ["internet"], "defaultApn": "internet", "voice": true, "sms": true, "data": true });
        world.subscribe(&imsi, &json!({ "algorithm": "xor", "k": k, "resBytes": 16, "class": "operational", "contract": contract }));
        world.attach(None).unwrap();
        let order = world.order(&iccid, None);
        world.download(&order.code).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        enable(&mut world, &order.iccid);
        world.refresh();
        assert_eq!(world.imsi().unwrap(), imsi);
        let attached = world.attach(None).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(attached.decision["services"]["data"]["verdict"], "permitted");
    }
}

#[test]
fn a_profile_that_demands_what_the_chip_has_not_is_refused_by_name() {
    use base64::Engine;
    // TS.48 v1 names Java Card among its mandatory services.
    let Some(package) = vectors::read("data/ts48/TS48v1_A.der") else { return };
    let iccid = saip_iccid(&saip::Package::decode(&package).unwrap());
    let mut world = World::new(19);
    world.upload(&json!({
        "metadata": { "serviceProviderName": "GSMA", "profileName": "Generic test", "profileClass": "operational" },
        "package": base64::engine::general_purpose::STANDARD.encode(&package),
    }));
    world.attach(None).unwrap();
    let order = world.order(&iccid, None);
    let failure = world.download(&order.code).unwrap_err();
    // By the server, before anything is handed out (8.2.5/4.3); what the chip says to such a
    // header is a matter of its own tests.
    let Cause::ServerRefused(data) = &failure.cause else { panic!("{failure}") };
    assert_eq!((data.subject_code.as_str(), data.reason_code.as_str()), ("8.2.5", "4.3"));
    assert!(data.message.as_ref().is_some_and(|message| message.ends_with("not capable of javacard")));
    assert_eq!(world.calls_of("getBoundProfilePackage"), 0);
    assert_eq!(profiles(&mut world).len(), 1);
}

fn saip_iccid(package: &saip::Package) -> String {
    package.iccid().unwrap().to_string()
}

#[test]
fn the_published_test_pki_carries_a_whole_download() {
    let read = |name: &str| vectors::read(&format!("data/sgp26-certs/{name}"));
    if read("README.md").is_none() {
        return;
    }
    let trust = Trust::sgp26(read).unwrap();
    let world = story(16, Settings { server_trust: Some(trust), ..Settings::default() });
    assert_eq!(world.calls_of("getBoundProfilePackage"), 1);
}

/// A chip and an SM-DP+ of two issuers: the session is on the curve of the one that
/// the chip likes best.
#[test]
fn brainpool_carries_a_whole_download() {
    let mut keys = [0; 32];
    keys[..8].copy_from_slice(&19u64.to_be_bytes());
    let curves = [Curve::BrainpoolP256r1, Curve::P256];
    for (count, protection) in [(1, Protection::SessionKeys), (2, Protection::ProfileProtectionKeys)] {
        let trust =
            Trust::generate_on(&curves[..count], keys, testkit::SMDP_ADDRESS, testkit::START - 86_400)
                .unwrap();
        let world = story(19, Settings { server_trust: Some(trust), protection, ..Settings::default() });
        let log = world.log();
        let initiated = log.iter().find(|exchange| exchange.target.ends_with("initiateAuthentication"));
        let answer: Value = serde_json::from_slice(initiated.unwrap().answer.as_ref().unwrap()).unwrap();
        let certificate: rsp::es9::Base64 =
            serde_json::from_value(answer["serverCertificate"].clone()).unwrap();
        let key = *Certificate::from_der(&certificate.0).unwrap().public_key().unwrap();
        assert_eq!(key.curve(), Curve::BrainpoolP256r1);
    }
}

#[test]
fn without_an_enabled_profile_there_is_no_usim() {
    let mut world = World::new(17);
    let iccid: Iccid = world.provisioning.iccid.parse().unwrap();
    let outcome = world.run(lpa::disable(iccid, Options::default()), |_| Reply::Accept).unwrap();
    assert!(matches!(outcome, Outcome::Switched { refresh: Some(_), .. }));
    assert!(matches!(world.attach(None), Err(AttachError::NoUsim(StatusWord::FILE_NOT_FOUND))));
    assert_eq!(world.read_file(&[0x2F, 0xE2]), Err(StatusWord::FILE_NOT_FOUND));
}

#[test]
fn progress_tells_every_segment() {
    let world = story(18, Settings::default());
    let install = |step: &Step| match step {
        Step::Install { segments_done, segments, .. } => Some((*segments_done, *segments)),
        _ => None,
    };
    let told: Vec<_> = world.steps.iter().filter_map(install).collect();
    let (last, all) = told.last().copied().unwrap();
    assert_eq!((last, told.len()), (all, all));
}

/// The whole story with an SM-DP+ that serves certified LPAs only, through the network's gateway.
#[test]
fn a_certified_lpa_is_served_and_another_is_not() {
    let validity = Validity { not_before: testkit::START - 86_400, not_after: testkit::START + 86_400 };
    let lpas =
        |seed: u8| LpaPki::generate(&mut ChaCha20Rng::from_seed([seed; 32]), Curve::P256, validity).unwrap();
    story(21, Settings { lpas: Some(lpas(1)), ..Settings::default() });

    for stranger in [Some(lpas(2).lpa), None] {
        let mut world = World::with(21, Settings { lpas: Some(lpas(1)), ..Settings::default() });
        world.lpa = stranger;
        let order = ordered(&world);
        world.terminal_profile();
        world.attach(None).unwrap();
        let failure = world.download(&order.code).unwrap_err();
        assert!(failure.to_string().contains("401"), "{failure}");
        // Nothing of it reached the order.
        assert_eq!(timeline(&world, &order.iccid)["state"], "Released");
        assert_eq!(world.calls_of("authenticateClient"), 0);
    }
}
