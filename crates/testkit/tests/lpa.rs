//! The LPA's procedures against everything that a server may refuse, every message that
//! may be lost and every moment at which the program may end. Each test says what the
//! person is told, and what chip and server are afterwards.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use lpa::{
    Answer, Cause, Effect, Failure, Options, Outcome, Procedure, Question, Refresh, Reply, Retry, Stage, Step,
};
use rsp::codes::CancelSessionReason;
use rsp::ids::Iccid;
use rsp::profiles::{MemoryResetRequest, ProfileInfo, ProfileState};
use rsp::status::StatusCode;
use serde_json::{Value, json};
use testkit::{CardFault, OTHER_SMDS_ADDRESS, Party, SMDP_ADDRESS, SMDS_ADDRESS, World, device};

mod common;

use common::phone::{
    CANCEL, CLIENT, INITIATE, NOTIFY, PACKAGE, WAYS, all_is_well, attached, cancelled, discover, download,
    eid, is_told, order_for, profiles, recover, register, state, waiting, yes,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// The codes of ES9+ by function (SGP.22 §5.6.1 to §5.6.5), and what can be done about each.
fn refusals() -> Vec<(&'static str, Stage, StatusCode, Retry)> {
    use Retry::{AfterChange, Again, Never};
    use StatusCode as S;
    let initiate = [
        (S::SMDP_ADDRESS_REFUSED, AfterChange),
        (S::CI_KEYS_UNSUPPORTED, Never),
        (S::SVN_UNSUPPORTED, Never),
        (S::NO_CERTIFICATE_FOR_CI, Never),
    ];
    let client = [
        (S::EUM_CERTIFICATE_INVALID, Never),
        (S::EUM_CERTIFICATE_EXPIRED, Never),
        (S::EUICC_CERTIFICATE_INVALID, Never),
        (S::EUICC_CERTIFICATE_EXPIRED, Never),
        (S::EUICC_SIGNATURE_INVALID, Again),
        (S::EUICC_INSUFFICIENT_MEMORY, AfterChange),
        (S::CI_PK_UNKNOWN, Never),
        (S::TRANSACTION_ID_UNKNOWN, Again),
        (S::PROFILE_NOT_RELEASED, AfterChange),
        (S::NO_ELIGIBLE_PROFILE, Never),
        (S::MATCHING_ID_REFUSED, Never),
        (S::EID_MISMATCH, Never),
        (S::ORDER_EXPIRED, Never),
        (S::DOWNLOAD_TRIES_EXCEEDED, Never),
    ];
    let package = [
        (S::EUICC_SIGNATURE_INVALID, Again),
        (S::TRANSACTION_ID_UNKNOWN, Again),
        (S::BPP_REBINDING_REFUSED, Never),
        (S::CONFIRMATION_CODE_MISSING, AfterChange),
        (S::CONFIRMATION_CODE_TRIES_EXCEEDED, Never),
    ];
    let rows = |function, stage, codes: &[(StatusCode, Retry)]| {
        codes.iter().map(|(code, retry)| (function, stage, *code, *retry)).collect::<Vec<_>>()
    };
    [
        rows(INITIATE, Stage::InitiateAuthentication, &initiate),
        rows(CLIENT, Stage::AuthenticateClient, &client),
        rows(PACKAGE, Stage::FetchPackage, &package),
    ]
    .concat()
}

#[test]
fn every_refusal_of_a_download_is_told_and_loses_nothing() {
    for (way, start) in WAYS {
        for (function, stage, code, retry) in refusals() {
            let context = format!("{way}: {function} {}/{}", code.subject, code.reason);
            let (mut world, order) = start(200);
            world.refuse(function, code);
            let failure = world.run(download(&order), yes).unwrap_err();
            assert_eq!(failure.stage, stage, "{context}");
            let told = match &failure.cause {
                Cause::ServerRefused(data) => data,
                Cause::NoCommonCi { refused: Some(data), server: None, chip } if !chip.is_empty() => {
                    data.as_ref()
                }
                _ => panic!("{context}: {failure}"),
            };
            assert_eq!((&*told.subject_code, &*told.reason_code), (code.subject, code.reason));
            assert_eq!(failure.retry(), retry, "{context}");
            assert!(failure.codes().contains(&format!("subject {} / reason {}", code.subject, code.reason)));
            // The chip holds no session any more, the server has ended its own.
            let told_chip = cancelled(&world);
            let expected = (function != INITIATE).then_some(CancelSessionReason::UNDEFINED_REASON);
            assert_eq!(told_chip, expected, "{context}");
            assert_eq!(world.calls_of(CANCEL), 0, "{context}");
            assert_eq!(world.kept, None, "{context}");
            assert_eq!(profiles(&mut world).len(), 1, "{context}");
            world.mend();
            world.run(download(&order), yes).unwrap_or_else(|failure| panic!("{context}: {failure}"));
            all_is_well(&mut world, &order, &context);
        }
    }
}

#[test]
fn a_wrong_confirmation_code_asks_again_until_the_user_has_enough() {
    let (mut world, order) = attached(201);
    let with_code = world.order(world.operational[1].iccid, Some("4711"));
    world.refuse(PACKAGE, StatusCode::CONFIRMATION_CODE_REFUSED);
    let mut asked = 0;
    let failure = world.run(download(&with_code), |question| match question {
        Question::ConfirmationCode { wrong_before, .. } => {
            asked += 1;
            assert_eq!(*wrong_before, asked > 1);
            if asked < 4 { Reply::Code("0815".into()) } else { Reply::Postpone }
        }
        _ => Reply::Accept,
    });
    assert_eq!(failure.unwrap_err().cause, Cause::Postponed);
    assert_eq!((asked, cancelled(&world)), (4, Some(CancelSessionReason::POSTPONED)));
    assert_eq!(world.kept, None);
    world.mend();
    let outcome = world.run(download(&with_code), |question| match question {
        Question::ConfirmationCode { .. } => Reply::Code("4711".into()),
        _ => Reply::Accept,
    });
    outcome.unwrap();
    assert_eq!(state(&world, &with_code.iccid), "Installed");
    assert_eq!(state(&world, &order.iccid), "Released");
}

#[test]
fn a_refused_notification_waits_and_the_profile_is_there() {
    for code in [
        StatusCode::EUICC_SIGNATURE_INVALID,
        StatusCode::TRANSACTION_ID_UNKNOWN,
        StatusCode::EUM_CERTIFICATE_INVALID,
        StatusCode::EXECUTION_ERROR,
    ] {
        let (mut world, order) = attached(202);
        world.refuse(NOTIFY, code);
        let Ok(Outcome::Installed { notifications, .. }) = world.download(&order.code) else { panic!() };
        assert!(matches!(
            &notifications[0].result,
            Err(Failure { stage: Stage::Notify, cause: Cause::ServerRefused(data) }) if data.reason_code == code.reason
        ));
        let before = waiting(&mut world);
        assert!(before > 0);
        let number = notifications[0].metadata.seq_number;
        let sent = world.run(lpa::send_notification(number, Options::default()), yes);
        let Ok(Outcome::Notifications(sent)) = sent else { panic!("{sent:?}") };
        assert!(matches!(
            &sent[0].result,
            Err(Failure { stage: Stage::Notify, cause: Cause::ServerRefused(data) }) if data.reason_code == code.reason
        ));
        assert_eq!(waiting(&mut world), before);
        world.mend();
        all_is_well(&mut world, &order, code.subject);
    }
}

#[test]
fn a_notification_is_removed_only_when_the_person_says_so() {
    let (mut world, order) = attached(220);
    world.refuse(NOTIFY, StatusCode::EXECUTION_ERROR);
    let Ok(Outcome::Installed { notifications, .. }) = world.download(&order.code) else { panic!() };
    let heads: Vec<_> = notifications.iter().map(|report| report.metadata.clone()).collect();
    let number = heads[0].seq_number;
    for (reply, cause) in [
        (Reply::Reject, Cause::Rejected),
        (Reply::Postpone, Cause::Rejected),
        (Reply::Timeout, Cause::TimedOut),
    ] {
        let failure = world.run(lpa::remove_notification(number, Options::default()), |question| {
            assert_eq!(*question, Question::RemoveNotification(Box::new(heads[0].clone())));
            reply.clone()
        });
        let failure = failure.unwrap_err();
        assert_eq!((failure.stage, &failure.cause), (Stage::Manage, &cause), "{reply:?}");
        is_told(&failure, "remove");
        assert_eq!(waiting(&mut world), heads.len(), "{reply:?}");
    }
    let calls = world.calls();
    let left = world.run(lpa::remove_notification(number, Options::default()), yes);
    assert_eq!(left, Ok(Outcome::Waiting(heads[1..].to_vec())));
    assert_eq!(world.calls(), calls, "no server hears of it");
    for gone in [number, u32::MAX] {
        let failure = world.run(lpa::remove_notification(gone, Options::default()), yes).unwrap_err();
        assert_eq!(failure.cause, Cause::NoSuchNotification);
    }
}

#[test]
fn a_refused_cancellation_does_not_hide_why() {
    for code in [StatusCode::SMDP_OID_INVALID_ASSOCIATION, StatusCode::TRANSACTION_ID_UNKNOWN] {
        let (mut world, order) = attached(203);
        world.refuse(CANCEL, code);
        let failure = world.run(download(&order), |_| Reply::Postpone).unwrap_err();
        assert_eq!(failure.cause, Cause::Postponed);
        world.mend();
        world.download(&order.code).unwrap();
        all_is_well(&mut world, &order, code.subject);
    }
}

#[test]
fn a_download_can_be_stopped_at_every_step_and_begun_again() {
    let steps = {
        let (mut world, order) = attached(204);
        let mut can_stop = 0;
        stop_at(&mut world, download(&order), usize::MAX, &mut can_stop).unwrap();
        can_stop
    };
    assert!(steps >= 8, "{steps}");
    for nth in 1..=steps {
        let (mut world, order) = attached(204);
        let mut seen = 0;
        let failure = stop_at(&mut world, download(&order), nth, &mut seen).unwrap_err();
        assert_eq!(failure.cause, Cause::Postponed, "{nth}");
        // Where the chip has a session the server is told in its words.
        let told =
            world.log().iter().any(|e| e.party == Party::Chip && e.request.get(5..7) == Some(&[0xBF, 0x38]));
        assert_eq!(world.calls_of(CANCEL) > 0, told, "{nth} {:?}", failure.stage);
        if told {
            assert_eq!(cancelled(&world), Some(CancelSessionReason::POSTPONED), "{nth}");
        }
        assert_eq!(state(&world, &order.iccid), "Released", "{nth}");
        assert_eq!(world.kept, None, "{nth}");
        world.download(&order.code).unwrap();
        all_is_well(&mut world, &order, &nth.to_string());
    }
}

fn stop_at(
    world: &mut World,
    mut procedure: Procedure,
    nth: usize,
    seen: &mut usize,
) -> Result<Outcome, Failure> {
    let mut answer = Answer::Begin;
    loop {
        let effect = procedure.resume(answer);
        if let Effect::Progress(progress) = &effect
            && progress.can_stop
        {
            *seen += 1;
            if *seen == nth {
                answer = Answer::Stop;
                continue;
            }
        }
        answer = match world.perform(effect, yes) {
            Ok(answer) => answer,
            Err(result) => return *result,
        };
    }
}

#[test]
fn the_user_s_no_closes_the_order_and_a_time_out_does_not() {
    for (reply, reason, after) in [
        (Reply::Reject, CancelSessionReason::END_USER_REJECTION, "Error"),
        (Reply::Postpone, CancelSessionReason::POSTPONED, "Released"),
        (Reply::Timeout, CancelSessionReason::TIMEOUT, "Released"),
    ] {
        let (mut world, order) = attached(205);
        world.run(download(&order), |_| reply.clone()).unwrap_err();
        assert_eq!(cancelled(&world), Some(reason));
        assert_eq!(state(&world, &order.iccid), after);
        assert_eq!(profiles(&mut world).len(), 1);
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", ignore = "a browser that is busy for so long is taken for dead")]
fn no_fault_between_terminal_and_chip_loses_the_profile_or_uses_another_order() {
    for (way, start) in WAYS {
        let commands = {
            let (mut world, order) = start(206);
            let before = world.commands();
            world.run(download(&order), yes).unwrap();
            world.commands() - before
        };
        assert!(commands > 40, "{commands}");
        for fault in CardFault::ALL {
            for nth in 1..=commands {
                let context = format!("{way}: {fault:?} at {nth}");
                let (mut world, order) = start(206);
                world.fail_at(nth, fault);
                // Some are harmless: the announcement of the terminal, the closing of the channel.
                let first = world.run(download(&order), yes);
                if let Err(failure) = &first {
                    assert!(matches!(failure.cause, Cause::CardLost(_)), "{context}: {failure}");
                    assert_eq!(failure.retry(), Retry::Again, "{context}");
                }
                if first.is_err() || world.kept.is_some() {
                    recover(&mut world, &order, &context);
                }
                all_is_well(&mut world, &order, &context);
            }
        }
    }
}

#[test]
fn no_lost_call_loses_the_profile_or_uses_another_order() {
    for (way, start) in WAYS {
        for function in [INITIATE, CLIENT, PACKAGE, NOTIFY] {
            for answer in [false, true] {
                let context = format!("{way}: {function} {}", if answer { "answer" } else { "request" });
                let (mut world, order) = start(207);
                match answer {
                    true => world.lose_answer_of(function),
                    false => world.lose_request_of(function),
                }
                let first = world.run(download(&order), yes);
                if function == NOTIFY {
                    assert!(first.is_ok(), "{context}");
                } else {
                    let failure = first.unwrap_err();
                    assert!(matches!(failure.cause, Cause::ServerLost(_)), "{context}: {failure}");
                    assert_eq!(failure.retry(), Retry::Again, "{context}");
                    // From the request of the package on there is something to go on with.
                    assert_eq!(world.kept.is_some(), function == PACKAGE, "{context}");
                    recover(&mut world, &order, &context);
                }
                all_is_well(&mut world, &order, &context);
            }
        }
    }
}

/// When the program ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Before it has done what the procedure wants.
    Before,
    /// When it has done it, and before the procedure hears of it.
    After,
    /// The same, and the chip loses its power with it.
    WithTheChip,
}

/// Drives a procedure and ends there: `None`.
fn end_at(world: &mut World, mut procedure: Procedure, nth: usize, end: End) -> Option<Outcome> {
    let mut answer = Answer::Begin;
    let mut effects = 0;
    loop {
        let effect = procedure.resume(answer);
        effects += 1;
        if effects == nth && matches!(end, End::Before) {
            return None;
        }
        answer = match world.perform(effect, yes) {
            Ok(answer) => answer,
            Err(result) => return Some(result.unwrap()),
        };
        if effects == nth {
            if matches!(end, End::WithTheChip) {
                world.power_cycle();
            }
            return None;
        }
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", ignore = "a browser that is busy for so long is taken for dead")]
fn the_program_may_end_at_any_moment_of_a_download() {
    for end in [End::Before, End::After, End::WithTheChip] {
        for nth in 1.. {
            let context = format!("{end:?} {nth}");
            let (mut world, order) = attached(208);
            if end_at(&mut world, download(&order), nth, end).is_some() {
                assert!(nth > 60, "{context}");
                break;
            }
            recover(&mut world, &order, &context);
            all_is_well(&mut world, &order, &context);
        }
    }
}

#[test]
fn going_on_may_be_interrupted_as_well() {
    for (first, nth) in [(30, 5), (60, 12), (60, 25), (45, 40)] {
        let context = format!("{first} then {nth}");
        let (mut world, order) = attached(209);
        end_at(&mut world, download(&order), first, End::WithTheChip);
        if let Some(checkpoint) = world.checkpoint() {
            let resume = lpa::resume(checkpoint, device(), Options::default());
            end_at(&mut world, resume, nth, End::WithTheChip);
        }
        recover(&mut world, &order, &context);
        all_is_well(&mut world, &order, &context);
    }
}

#[test]
fn a_chip_that_holds_the_session_is_fed_again_without_the_server() {
    let (mut world, order) = attached(210);
    let mut procedure = download(&order);
    let mut answer = Answer::Begin;
    // The page ends when the package is kept; the chip stays powered.
    loop {
        let effect = procedure.resume(answer);
        let last = matches!(&effect, Effect::Keep(checkpoint) if checkpoint.has_package());
        answer = world.perform(effect, yes).unwrap();
        if last {
            break;
        }
    }
    drop(procedure);
    let mut asked = 0;
    let checkpoint = world.checkpoint().unwrap();
    assert_eq!(checkpoint.metadata().unwrap().iccid.to_string(), order.iccid);
    let outcome = world.run(lpa::resume(checkpoint, device(), Options::default()), |_| {
        asked += 1;
        Reply::Accept
    });
    let Ok(Outcome::Installed { metadata, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((metadata.iccid.to_string(), asked), (order.iccid.clone(), 0));
    assert_eq!([INITIATE, CLIENT, PACKAGE].map(|function| world.calls_of(function)), [1, 1, 1]);
    all_is_well(&mut world, &order, "fed again");
}

#[test]
fn a_checkpoint_of_a_profile_that_was_deleted_since_says_so() {
    let (mut world, order) = attached(211);
    let mut kept = None;
    let mut procedure = download(&order);
    let mut answer = Answer::Begin;
    loop {
        let effect = procedure.resume(answer);
        if let Effect::Keep(checkpoint) = &effect {
            kept = Some(checkpoint.as_ref().clone());
        }
        answer = match world.perform(effect, yes) {
            Ok(answer) => answer,
            Err(_) => break,
        };
    }
    let iccid = order.iccid.parse().unwrap();
    world.run(lpa::delete(iccid, Options::default()), yes).unwrap();
    assert_eq!(state(&world, &order.iccid), "Deleted");
    // Its result was delivered: only the server can say that nothing is to be had any more.
    let failure = world.run(lpa::resume(kept.unwrap(), device(), Options::default()), yes).unwrap_err();
    assert_eq!(failure.stage, Stage::AuthenticateClient);
    assert!(matches!(failure.cause, Cause::ServerRefused(_)), "{failure}");
    assert_eq!((world.kept.clone(), profiles(&mut world).len()), (None, 1));
}

#[test]
fn the_default_smdp_finds_the_order_by_the_eid() {
    let mut world = World::new(212);
    world.attach(None).unwrap();
    let none = world.run(lpa::download_default(None, device(), Options::default()), yes).unwrap_err();
    assert_eq!(none.cause, Cause::NoDefaultSmdp);

    let iccid = world.operational[0].iccid;
    order_for(&mut world, iccid);

    // The device's is used only where the chip has none.
    let set = world.run(lpa::set_default_smdp(SMDP_ADDRESS, Options::default()), yes).unwrap();
    assert!(matches!(set, Outcome::Addresses(it) if it.default_dp_address.as_deref() == Some(SMDP_ADDRESS)));
    let other = Some("elsewhere.example.com".to_owned());
    let outcome = world.run(lpa::download_default(other, device(), Options::default()), yes);
    assert!(matches!(outcome, Ok(Outcome::Installed { .. })), "{outcome:?}");
    assert_eq!(state(&world, iccid), "Installed");
    let removed = world.run(lpa::set_default_smdp("", Options::default()), yes).unwrap();
    assert!(matches!(removed, Outcome::Addresses(it) if it.default_dp_address.is_none()));
}

#[test]
fn discovery_finds_none_one_or_several() {
    let (mut world, first) = attached(213);
    let second = world.order(world.operational[1].iccid, None);
    assert_eq!(discover(&mut world).unwrap(), []);
    register(&mut world, SMDS_ADDRESS, &first);
    register(&mut world, SMDS_ADDRESS, &second);
    // An event of another chip is never shown.
    let other = "89049032123451234512345678901235".parse().unwrap();
    world.smds.register(SMDS_ADDRESS, other, "NOT-FOR-US", SMDP_ADDRESS);
    let events = discover(&mut world).unwrap();
    assert_eq!(events.len(), 2);
    for (event, order) in events.into_iter().zip([first, second]) {
        assert_eq!(event.event_id, order.code.matching_id);
        let outcome = world.run(lpa::download_event(event, device(), Options::default()), yes);
        let Ok(Outcome::Installed { metadata, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(metadata.iccid.to_string(), order.iccid);
        assert_eq!(state(&world, &order.iccid), "Installed");
    }
    // The interface of ES11 was called under the path of ES9+, each order with four calls.
    let at_smds = |e: &&testkit::Exchange| e.party == Party::Network && e.target.contains(SMDS_ADDRESS);
    assert_eq!(world.log().iter().filter(at_smds).count(), 4);
    assert_eq!(world.calls_of(PACKAGE), 2);
}

#[test]
fn an_event_may_lead_to_another_smds_and_no_further_than_to_a_few() {
    let (mut world, order) = attached(214);
    let eid = eid(&mut world);
    let event = order.code.matching_id.as_str().to_owned();
    world.smds.register(SMDS_ADDRESS, eid, &event, OTHER_SMDS_ADDRESS);
    world.smds.register(OTHER_SMDS_ADDRESS, eid, &event, SMDP_ADDRESS);
    let [found] = &discover(&mut world).unwrap()[..] else { panic!() };
    assert_eq!(found.address, OTHER_SMDS_ADDRESS);
    let outcome = world.run(lpa::download_event(found.clone(), device(), Options::default()), yes);
    assert!(matches!(outcome, Ok(Outcome::Installed { .. })), "{outcome:?}");

    // In a circle.
    world.smds.delete(OTHER_SMDS_ADDRESS, eid, &event);
    world.smds.register(OTHER_SMDS_ADDRESS, eid, &event, SMDS_ADDRESS);
    let round = lpa::download_event(found.clone(), device(), Options::default());
    assert_eq!(world.run(round, yes).unwrap_err().cause, Cause::TooManySmds);

    // Gone meanwhile.
    world.smds.delete(OTHER_SMDS_ADDRESS, eid, &event);
    let gone = world.run(lpa::download_event(found.clone(), device(), Options::default()), yes).unwrap_err();
    let Cause::ServerRefused(data) = &gone.cause else { panic!("{gone}") };
    assert_eq!((&*data.subject_code, &*data.reason_code), ("8.9.5", "3.9"));
    assert_eq!((gone.stage, gone.retry()), (Stage::Discover, Retry::AfterChange));
}

#[test]
fn every_refusal_of_an_smds_is_told() {
    use StatusCode as S;
    for (function, code, retry) in [
        (INITIATE, S::SMDS_ADDRESS_REFUSED, Retry::AfterChange),
        (INITIATE, S::SMDS_CI_KEYS_UNSUPPORTED, Retry::Never),
        (INITIATE, S::SMDS_SVN_UNSUPPORTED, Retry::Never),
        (INITIATE, S::SMDS_NO_CERTIFICATE_FOR_CI, Retry::Never),
        (CLIENT, S::SMDS_EVENT_UNKNOWN, Retry::AfterChange),
        (CLIENT, S::SMDS_INACCESSIBLE, Retry::Again),
        (CLIENT, S::SMDS_EXECUTION_ERROR, Retry::Again),
        (CLIENT, S::EUICC_CERTIFICATE_INVALID, Retry::Never),
        (CLIENT, S::EUICC_CERTIFICATE_EXPIRED, Retry::Never),
        (CLIENT, S::EUM_CERTIFICATE_INVALID, Retry::Never),
        (CLIENT, S::EUM_CERTIFICATE_EXPIRED, Retry::Never),
        (CLIENT, S::EUICC_SIGNATURE_INVALID, Retry::Again),
        (CLIENT, S::CI_PK_UNKNOWN, Retry::Never),
        (CLIENT, S::TRANSACTION_ID_UNKNOWN, Retry::Again),
    ] {
        let (mut world, order) = attached(215);
        register(&mut world, SMDS_ADDRESS, &order);
        world.refuse(function, code);
        let failure = discover(&mut world).unwrap_err();
        assert_eq!((failure.stage, failure.retry()), (Stage::Discover, retry), "{failure}");
        assert!(failure.codes().contains(code.subject), "{failure}");
        world.mend();
        assert_eq!(discover(&mut world).unwrap().len(), 1);
    }
}

#[test]
fn a_server_of_the_wrong_kind_is_named() {
    let (mut world, order) = attached(216);
    let at_smdp = lpa::discover(Some(SMDP_ADDRESS.into()), device(), Options::default());
    assert_eq!(world.run(at_smdp, yes).unwrap_err().cause, Cause::WrongRole);
    let code = format!("1${SMDS_ADDRESS}${}", order.code.matching_id).parse().unwrap();
    assert_eq!(world.download(&code).unwrap_err().cause, Cause::WrongRole);
    let check = lpa::check_server(SMDS_ADDRESS.into(), device(), Options::default());
    let Ok(Outcome::Server(check)) = world.run(check, yes) else { panic!() };
    assert!(check.is_smds && check.chip.contains(&check.server));
    assert_eq!(state(&world, &order.iccid), "Released");
}

#[test]
fn a_switch_is_refreshed_read_back_and_told() {
    let (mut world, order) = attached(217);
    world.terminal_profile();
    world.download(&order.code).unwrap();
    let iccid: Iccid = order.iccid.parse().unwrap();
    let outcome = world.run(lpa::enable(iccid, Options::default()), yes).unwrap();
    let Outcome::Switched { refresh, profiles, notifications, waiting } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(refresh, Some(Refresh::Proactive));
    let of = |info: &&ProfileInfo| info.iccid == Some(iccid);
    assert_eq!(profiles.iter().find(of).unwrap().state, Some(ProfileState::Enabled));
    assert!(notifications.iter().any(|report| report.metadata.event.name() == Some("enable")));
    assert!(notifications.iter().all(|report| report.result.is_ok()), "{notifications:?}");
    assert!(waiting.is_empty());
    assert_eq!(world.imsi().unwrap(), world.operational[0].imsi);
    // Once more: it is in that state, and nothing is refreshed.
    let again = world.run(lpa::enable(iccid, Options::default()), yes).unwrap();
    assert!(matches!(again, Outcome::Switched { refresh: None, .. }), "{again:?}");
    // Off, and deleted.
    let off = world.run(lpa::disable(iccid, Options::default()), yes).unwrap();
    assert!(matches!(off, Outcome::Switched { refresh: Some(_), .. }), "{off:?}");
    let provisioning = world.provisioning.iccid.parse().unwrap();
    world.run(lpa::enable(provisioning, Options::default()), yes).unwrap();
    world.attach(None).unwrap();
    let named = world.run(lpa::set_nickname(iccid, "Work", Options::default()), yes).unwrap();
    let Outcome::Profiles(list) = named else { panic!() };
    assert_eq!(list.iter().find(of).unwrap().nickname.as_deref(), Some("Work"));
    let Ok(Outcome::Deleted { profiles, memory: Some(memory), notifications, .. }) =
        world.run(lpa::delete(iccid, Options::default()), yes)
    else {
        panic!()
    };
    assert_eq!(profiles.len(), 1);
    assert!(memory.after > memory.before);
    assert!(notifications.iter().any(|report| report.metadata.event.name() == Some("delete")));
    world.run(lpa::notifications(Options::default()), yes).unwrap();
    assert_eq!(state(&world, &order.iccid), "Deleted");
}

#[test]
fn a_memory_reset_says_what_is_lost_first() {
    let (mut world, order) = attached(218);
    world.terminal_profile();
    world.refuse(NOTIFY, StatusCode::EXECUTION_ERROR);
    world.download(&order.code).unwrap();
    world.mend();
    world.run(lpa::set_default_smdp(SMDP_ADDRESS, Options::default()), yes).unwrap();
    let iccid: Iccid = order.iccid.parse().unwrap();
    let what = MemoryResetRequest::OPERATIONAL_PROFILES | MemoryResetRequest::DEFAULT_SMDP_ADDRESS;
    for reply in [Reply::Reject, Reply::Accept] {
        let mut lost = None;
        let result = world.run(lpa::memory_reset(what, Options::default()), |question| {
            let Question::MemoryReset(it) = question else { panic!("{question:?}") };
            lost = Some(it.as_ref().clone());
            reply.clone()
        });
        let lost = lost.unwrap();
        assert_eq!(lost.profiles.iter().map(|info| info.iccid).collect::<Vec<_>>(), [Some(iccid)]);
        assert_eq!(lost.default_smdp_address.as_deref(), Some(SMDP_ADDRESS));
        assert!(!lost.waiting.is_empty());
        if reply == Reply::Reject {
            assert_eq!(result.unwrap_err().cause, Cause::Rejected);
            assert_eq!(profiles(&mut world).len(), 2);
            continue;
        }
        let Ok(Outcome::Reset { profiles, default_smdp_address, notifications, waiting, memory }) = result
        else {
            panic!("{result:?}")
        };
        assert_eq!((profiles.len(), default_smdp_address), (1, None));
        assert!(notifications.iter().all(|report| report.metadata.event.name() == Some("delete")));
        assert_eq!(waiting.len(), lost.waiting.len(), "what waited before still waits");
        assert!(memory.is_some_and(|memory| memory.after > memory.before));
    }
    let nothing = MemoryResetRequest::FIELD_LOADED_TEST_PROFILES;
    let failure = world.run(lpa::memory_reset(nothing, Options::default()), yes).unwrap_err();
    assert!(matches!(failure.cause, Cause::Refused { code: 1, .. }), "{failure}");
}

#[test]
fn the_generic_test_profile_takes_no_more_commands_than_it_must() {
    use base64::Engine;
    let name = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
    let Some(package) = vectors::read(name) else { return };
    let iccid = saip::Package::decode(&package).unwrap().iccid().unwrap().to_string();
    let mut world = World::new(219);
    world.upload(&json!({
        "metadata": { "serviceProviderName": "GSMA", "profileName": "Generic test", "profileClass": "operational" },
        "package": base64::engine::general_purpose::STANDARD.encode(&package),
    }));
    world.attach(None).unwrap();
    let order = world.order(&iccid, None);
    let before = world.log().len();
    world.download(&order.code).unwrap();
    let log = world.log().split_off(before);

    let calls: Vec<&str> =
        log.iter().filter(|e| e.party == Party::Smdp).map(|e| e.target.rsplit('/').next().unwrap()).collect();
    assert_eq!(calls, [INITIATE, CLIENT, PACKAGE, NOTIFY]);

    let answer = log.iter().find(|e| e.target.ends_with(PACKAGE)).and_then(|e| e.answer.as_ref()).unwrap();
    let answer: Value = serde_json::from_slice(answer).unwrap();
    let bound: rsp::es9::Base64 = serde_json::from_value(answer["boundProfilePackage"].clone()).unwrap();
    let segments = rsp::bpp::segments(&bound.0).unwrap();
    let least: usize = segments.iter().map(|segment| segment.bytes.len().div_ceil(255)).sum();

    // The chains of STORE DATA, each by the tag of its request and its number of blocks.
    let mut chains: Vec<(Vec<u8>, usize)> = Vec::new();
    for e in log.iter().filter(|e| e.party == Party::Chip && e.request[1] == 0xE2 && e.request[0] & 0x80 != 0)
    {
        match e.request[3] {
            0 => chains.push((e.request[5..7].to_vec(), 1)),
            _ => chains.last_mut().unwrap().1 += 1,
        }
    }
    let begin = chains.iter().position(|(tag, _)| tag == &[0xBF, 0x36]).unwrap();
    let fed: usize = chains[begin..begin + segments.len()].iter().map(|(_, blocks)| blocks).sum();
    assert_eq!(fed, least);
    let others: Vec<u16> = chains[..begin]
        .iter()
        .chain(&chains[begin + segments.len()..])
        .map(|(tag, _)| u16::from_be_bytes([tag[0], tag[1]]))
        .collect();
    let fixed = [
        0xBF22, // EUICCInfo2: free memory, forbidden rules
        0xBF3E, // EID, for the checkpoint
        0xBF28, // ListNotification: what waited before
        0xBF20, // EUICCInfo1
        0xBF2E, // challenge
        0xBF38, // AuthenticateServer
        0xBF2D, // GetProfilesInfo: is it there already
        0xBF21, // PrepareDownload
        0xBF2D, // GetProfilesInfo: read back
        0xBF22, // EUICCInfo2: free memory
        0xBF28, // ListNotification
        0xBF2B, // RetrieveNotificationsList
        0xBF30, // RemoveNotificationFromList
    ];
    assert_eq!(others, fixed);
    let bytes: usize = segments.iter().map(|segment| segment.bytes.len()).sum();
    println!(
        "{} bytes in {} segments: {least} STORE DATA, {} others, {} commands in all",
        bytes,
        segments.len(),
        chains.iter().map(|(_, blocks)| blocks).sum::<usize>() - least,
        log.iter().filter(|e| e.party == Party::Chip).count(),
    );
    let told = |step: &Step| matches!(step, Step::Install { .. });
    assert_eq!(world.steps.iter().filter(|step| told(step)).count(), segments.len());
}
