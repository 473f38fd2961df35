//! Sessions cut at every step: a request or its answer is lost, and the LPA goes on in
//! one of the ways that there are. No profile is handed out twice, none is lost.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use edge_smdp::{Limits, Protection};
use rsp::DataObject;
use rsp::bpp::{BoundProfilePackage, InitialiseSecureChannel};
use rsp::codes::{CancelSessionReason, ErrorReason};
use rsp_crypto::OneTimeKeyPair;
use serde_json::json;

/// The calls of a download.
const CALLS: [&str; 4] =
    ["initiateAuthentication", "authenticateClient", "getBoundProfilePackage", "handleNotification"];

/// What does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Request,
    Answer,
}

/// How the LPA goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The same request again; a new session where that is refused.
    Again,
    /// A new session, with the one-time key that the server offers.
    SameKey,
    /// A new session with a new key.
    NewKey,
    /// The session is cancelled, as far as there is one, before a new one.
    Cancel,
    /// A new session after an hour.
    Later,
    /// A new session; the result of an installation in the first arrives behind it: the
    /// eUICC was interrupted.
    LateFailure,
}

const THEN: [Then; 6] =
    [Then::Again, Then::SameKey, Then::NewKey, Then::Cancel, Then::Later, Then::LateFailure];

/// What the eUICC and its LPA know when the session is cut.
#[derive(Default)]
struct Known {
    open: Option<Open>,
    key: Option<OneTimeKeyPair<Soft>>,
    prepared: Option<Vec<u8>>,
    package: Option<Vec<u8>>,
    result: Option<Vec<u8>>,
}

/// A session up to the call that is cut.
fn cut(world: &World, euicc: &Euicc, id: &str, at: usize, lost: Lost, code: Option<&str>) -> Known {
    let mut known = Known::default();
    let sent = |call: usize| call < at || lost == Lost::Answer;
    if at == 0 {
        if sent(0) {
            euicc.initiate(world);
        }
        return known;
    }
    if at == 1 {
        let (session, server) = euicc.initiate(world);
        let (request, _) = euicc.authenticate_request(&session, euicc.signed1(&server, Some(id)));
        if sent(1) {
            assert_success(&world.es9("authenticateClient", &request).1);
        }
        return known;
    }
    let open = euicc.authenticate(world, Some(id)).unwrap();
    let key = euicc.one_time_key();
    let prepared = euicc.prepare_download(&open, key.public(), code);
    let package = sent(2).then(|| euicc.package(world, &open, &prepared).unwrap());
    if at == 3 {
        known.package = package;
        let result = euicc.installation_result(&open, Some(ICCID), None);
        if sent(3) {
            assert_eq!(world.notify(&result).0, 204);
        }
        known.result = Some(result);
    }
    known.open = Some(open);
    known.key = Some(key);
    known.prepared = Some(prepared);
    known
}

/// A session to its end with this one-time key; the opened package is the profile's.
fn finish(
    world: &World,
    euicc: &Euicc,
    open: &Open,
    key: &OneTimeKeyPair<Soft>,
    code: Option<&str>,
    package: &[u8],
) {
    let prepared = euicc.prepare_download(open, key.public(), code);
    let bound = euicc.package(world, open, &prepared).unwrap();
    assert_eq!(euicc.open(open, key, &bound).1, package);
    assert_eq!(world.notify(&euicc.installation_result(open, Some(ICCID), None)).0, 204);
}

#[test]
fn a_session_may_be_cut_anywhere() {
    for protection in [Protection::SessionKeys, Protection::ProfileProtectionKeys] {
        for (at, call) in CALLS.into_iter().enumerate() {
            for lost in [Lost::Request, Lost::Answer] {
                for then in THEN {
                    let codes = [None, Some("4711")];
                    let both = usize::from(protection == Protection::SessionKeys);
                    for code in codes.into_iter().take(1 + both) {
                        let name = format!("{protection:?}, {lost:?} of {call}, then {then:?}");
                        goes_on(protection, at, lost, then, code, &name);
                    }
                }
            }
        }
    }
}

fn goes_on(protection: Protection, at: usize, lost: Lost, then: Then, code: Option<&str>, name: &str) {
    let world = World::with(protection, Limits::default(), &[]);
    let package = world.add_profile(ICCID);
    let more = code.map_or_else(|| json!({}), |code| json!({ "confirmationCode": code }));
    let id = world.release(ICCID, more);
    let euicc = world.euicc();
    let stranger = Euicc::new(&world.pki, OTHER_EID);
    let known = cut(&world, &euicc, &id, at, lost, code);
    let handed_out = at > 2 || (at == 2 && lost == Lost::Answer);
    let installed = known.result.is_some();

    // Whoever else has the code: once an eUICC has begun, it is nobody else's.
    if at > 1 || (at == 1 && lost == Lost::Answer) {
        let refused = stranger.authenticate(&world, Some(&id)).err().unwrap();
        let over = installed && lost == Lost::Answer;
        assert_eq!(refused, if over { "8.2.6/3.8" } else { "8.1.1/3.8" }, "{name}");
    }
    if let Some(result) = &known.result {
        // Installed: the result is sent until it is acknowledged, in whatever order.
        if then == Then::Later {
            world.wait(3600);
        }
        assert_eq!(world.notify(result).0, 204, "{name}");
    } else {
        match (then, &known.open) {
            (Then::Again, Some(open)) => {
                let prepared = known.prepared.as_ref().unwrap();
                let bound = euicc.package(&world, open, prepared).unwrap();
                let key = known.key.as_ref().unwrap();
                assert_eq!(euicc.open(open, key, &bound).1, package, "{name}");
                assert_eq!(world.notify(&euicc.installation_result(open, Some(ICCID), None)).0, 204);
            }
            (Then::Cancel, Some(open)) => {
                let reason = CancelSessionReason::TIMEOUT;
                assert_success(&euicc.cancel(&world, open, reason, "2.999.10"));
                assert_eq!(world.state(ICCID), "Released", "{name}");
            }
            (Then::Later, _) => world.wait(3600),
            _ => {}
        }
        if world.state(ICCID) != "Installed" {
            let open = euicc.authenticate(&world, Some(&id)).unwrap();
            // After a cancellation the eUICC has forgotten its key, and the server knows.
            let is_offered = handed_out && then != Then::Cancel;
            let offered = open.smdp_signed2.bpp_euicc_otpk;
            let before = known.key.as_ref().map(|key| *key.public().as_bytes());
            assert_eq!(offered, before.filter(|_| is_offered), "{name}");
            let new = euicc.one_time_key();
            let key = match &known.key {
                Some(key) if is_offered && then != Then::NewKey => key,
                _ => &new,
            };
            if then == Then::LateFailure
                && let Some(first) = &known.open
            {
                let failure = Some(ErrorReason::INTERRUPTION);
                let late = euicc.installation_result(first, Some(ICCID), failure);
                let state = world.state(ICCID);
                assert_eq!(world.notify(&late).0, 204, "{name}");
                if handed_out {
                    // It was the latest package: the order is open for another try.
                    assert_eq!(world.state(ICCID), "Released", "{name}");
                    let open = euicc.authenticate(&world, Some(&id)).unwrap();
                    finish(&world, &euicc, &open, &new, code, &package);
                } else {
                    assert_eq!(world.state(ICCID), state, "{name}");
                    finish(&world, &euicc, &open, key, code, &package);
                }
            } else {
                finish(&world, &euicc, &open, key, code, &package);
            }
        }
    }
    assert_eq!(world.state(ICCID), "Installed", "{name}");
    let events = world.events(ICCID);
    assert_eq!(events.iter().filter(|event| *event == "installed").count(), 1, "{name}: {events:?}");
    for euicc in [&euicc, &stranger] {
        assert_eq!(euicc.authenticate(&world, Some(&id)).err().unwrap(), "8.2.6/3.8", "{name}");
    }
    assert_eq!(world.smdp.store().leads(), (0, 0), "{name}");
}

/// Two eUICCs with one code, call by call in every order: one of them gets the profile.
#[test]
fn two_euiccs_take_turns() {
    // Whose call is next, three each.
    for turns in 0u32..64 {
        if turns.count_ones() != 3 {
            continue;
        }
        let world = World::new();
        let package = world.add_profile(ICCID);
        let id = world.release(ICCID, json!({}));
        let euiccs = [world.euicc(), Euicc::new(&world.pki, OTHER_EID)];
        let mut stages = [0, 0];
        let mut sessions = [None, None];
        let mut opened: [Option<Open>; 2] = [None, None];
        let mut packages = 0;
        for turn in 0..6 {
            let who = usize::from(turns >> turn & 1 == 1);
            let euicc = &euiccs[who];
            match stages[who] {
                0 => sessions[who] = Some(euicc.initiate(&world)),
                1 => {
                    let (session, server) = sessions[who].take().unwrap();
                    opened[who] = euicc.authenticate_in(&world, &session, &server, Some(&id)).ok();
                }
                _ => {
                    if let Some(open) = &opened[who] {
                        let key = euicc.one_time_key();
                        let prepared = euicc.prepare_download(open, key.public(), None);
                        let bound = euicc.package(&world, open, &prepared).unwrap();
                        assert_eq!(euicc.open(open, &key, &bound).1, package);
                        packages += 1;
                    }
                }
            }
            stages[who] += 1;
        }
        assert_eq!(opened.iter().flatten().count(), 1, "{turns:06b}");
        assert_eq!(packages, 1, "{turns:06b}");
    }
}

/// The answer is lost, and the eUICC still has its key: the same package for another
/// session (SGP.22 §5.6.2).
#[test]
fn a_package_is_bound_again_to_the_same_keys() {
    for protection in [Protection::SessionKeys, Protection::ProfileProtectionKeys] {
        let world = World::with(protection, Limits::default(), &[]);
        let package = world.add_profile(ICCID);
        let id = world.release(ICCID, json!({}));
        let euicc = world.euicc();
        let key = euicc.one_time_key();
        let session = |key: &OneTimeKeyPair<Soft>| {
            let open = euicc.authenticate(&world, Some(&id)).unwrap();
            let bound = euicc.package(&world, &open, &euicc.prepare_download(&open, key.public(), None));
            let bound = bound.unwrap();
            // Verifies `smdpSign` over the new session's name, and every MAC.
            assert_eq!(euicc.open(&open, key, &bound).1, package);
            let parts = BoundProfilePackage::decode(&bound).unwrap();
            let channel = InitialiseSecureChannel::decode(&parts.initialise_secure_channel).unwrap();
            (parts, channel)
        };
        let (first, first_channel) = session(&key);
        let (second, second_channel) = session(&key);
        assert_ne!(first_channel.transaction_id, second_channel.transaction_id);
        assert_ne!(first_channel.smdp_sign, second_channel.smdp_sign);
        assert_eq!(first_channel.smdp_otpk, second_channel.smdp_otpk, "the server's key is used again");
        assert_eq!(first_channel.control_ref_template, second_channel.control_ref_template);
        for (one, other) in [
            (&first.configure_isdp, &second.configure_isdp),
            (&first.store_metadata, &second.store_metadata),
            (&first.replace_session_keys, &second.replace_session_keys),
            (&first.profile_elements, &second.profile_elements),
        ] {
            assert_eq!(one, other);
        }
        assert_eq!(first.replace_session_keys.is_empty(), protection == Protection::SessionKeys);

        // Another key of the eUICC: other keys, and the first key is not offered any more.
        let other = euicc.one_time_key();
        let (third, third_channel) = session(&other);
        assert_ne!(third_channel.smdp_otpk, first_channel.smdp_otpk);
        assert_ne!(third.configure_isdp, first.configure_isdp);
        let again = euicc.authenticate(&world, Some(&id)).unwrap();
        assert_eq!(again.smdp_signed2.bpp_euicc_otpk, Some(*other.public().as_bytes()));
        // The first key once more: bound anew, for the package of that key is gone.
        let (fourth, fourth_channel) = session(&key);
        assert_ne!(fourth_channel.smdp_otpk, first_channel.smdp_otpk);
        assert_ne!(fourth.configure_isdp, first.configure_isdp);
    }
}
