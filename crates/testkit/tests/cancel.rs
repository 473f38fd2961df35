//! How a download is given up: every reason of SGP.22 §5.7.14 on its way from chip to server,
//! and what becomes of a cancellation that does not arrive.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod common;

use apdu::StatusWord;
use common::phone::{
    CANCEL, CLIENT, INITIATE, PACKAGE, all_is_well, attached, cancelled, download, eid, is_told, order_for,
    profiles, state, waiting_at_the_default, yes,
};
use lab::Trust;
use lpa::{Answer, Cancellation, Cause, Effect, Failure, Outcome, Procedure, Question, Reply, Retry, Stage};
use rsp::DataObject;
use rsp::codes::CancelSessionReason;
use rsp::metadata::{OperatorId, PprIds, StoreMetadata};
use rsp::rat::{ProfilePolicyAuthorisationRule, RulesAuthorisationTable};
use rsp::status::StatusCode;
use serde_json::{Value, json};
use testkit::{CallFault, CardFault, Order, Party, Settings, World};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// A profile of network 001/01 that may not be switched off or deleted.
const RULED: &str = "89000000000000003008";

/// A World in which an operator offers a profile with policy rules, and a chip allows what its
/// table says.
fn ruled(seed: u64, rules: Option<RulesAuthorisationTable>, of_profile: &[&str]) -> (World, Order) {
    let mut world = World::with(seed, Settings { rules, ..Settings::default() });
    let mut upload = world.operational[2].operator_upload();
    upload["subscriber"]["iccid"] = json!(RULED);
    upload["subscriber"]["imsi"] = json!("001010000003000");
    upload["metadata"]["profileOwner"] = json!({ "mcc": "001", "mnc": "01" });
    upload["metadata"]["profilePolicyRules"] = json!(of_profile);
    world.upload(&upload);
    world.attach(None).unwrap();
    let order = world.order(RULED, None);
    (world, order)
}

/// One line of a table: these rules, for operators of this MCC and MNC.
fn line(rules: u32, mcc_mnc: [u8; 3], consent_required: bool) -> ProfilePolicyAuthorisationRule {
    let any = || Some(Vec::new());
    let allowed_operators = vec![OperatorId { mcc_mnc, gid1: any(), gid2: any() }];
    ProfilePolicyAuthorisationRule { ppr_ids: PprIds(rules), allowed_operators, consent_required }
}

const HOME: [u8; 3] = [0x00, 0xF1, 0x10];
const OTHER: [u8; 3] = [0x62, 0xF2, 0x10];
const ANY: [u8; 3] = [0xEE; 3];
const BOTH: u32 = PprIds::PPR1.0 | PprIds::PPR2.0;

#[test]
fn rules_that_the_chip_does_not_allow_end_the_order_before_anybody_is_asked() {
    for (name, lines, of_profile) in [
        ("no line", vec![], &["ppr1"][..]),
        ("another operator", vec![line(BOTH, OTHER, true)], &["ppr2"]),
        ("another rule", vec![line(PprIds::PPR1.0, HOME, true)], &["ppr2"]),
        ("one of two", vec![line(PprIds::PPR2.0, ANY, false)], &["ppr1", "ppr2"]),
    ] {
        let (mut world, order) = ruled(301, Some(RulesAuthorisationTable(lines)), of_profile);
        let free = world.free_memory();
        let failure = world.run(download(&order), |question| panic!("{name}: {question:?}")).unwrap_err();
        assert_eq!((failure.stage, &failure.cause), (Stage::Consent, &Cause::PprNotAllowed), "{name}");
        assert_eq!(failure.retry(), Retry::AfterChange, "{name}");
        is_told(&failure, name);
        assert_eq!(cancelled(&world), Some(CancelSessionReason::PPR_NOT_ALLOWED), "{name}");
        assert_eq!((world.calls_of(CANCEL), world.calls_of(PACKAGE)), (1, 0), "{name}");
        assert_eq!(state(&world, RULED), "Error", "{name}");
        assert_eq!((world.kept.clone(), world.untold.clone()), (None, None), "{name}");
        assert_eq!((profiles(&mut world).len(), world.free_memory()), (1, free), "{name}");
    }
}

#[test]
fn a_profile_that_cannot_be_switched_off_is_not_taken_beside_another_one() {
    let (mut world, ruled) = ruled(302, None, &["ppr1"]);
    let first = world.order(world.operational[0].iccid, None);
    world.download(&first.code).unwrap();
    let failure = world.download(&ruled.code).unwrap_err();
    assert_eq!(failure.cause, Cause::PprNotAllowed);
    assert_eq!(cancelled(&world), Some(CancelSessionReason::PPR_NOT_ALLOWED));
    assert_eq!((state(&world, RULED), state(&world, &first.iccid)), ("Error".into(), "Installed".into()));
    assert_eq!(profiles(&mut world).len(), 2);
}

#[test]
fn rules_that_need_a_consent_are_asked_for_and_those_that_do_not_are_not() {
    for (lines, strong) in [
        (None, true),
        (Some(vec![line(BOTH, HOME, true)]), true),
        (Some(vec![line(BOTH, HOME, false)]), false),
        // The first line that fits decides, for each rule.
        (Some(vec![line(BOTH, OTHER, true), line(BOTH, HOME, false), line(BOTH, ANY, true)]), false),
        (Some(vec![line(PprIds::PPR1.0, ANY, false), line(PprIds::PPR2.0, ANY, true)]), true),
    ] {
        for (reply, reason, after) in [
            (Reply::Reject, Some(CancelSessionReason::END_USER_REJECTION), "Error"),
            (Reply::Postpone, Some(CancelSessionReason::POSTPONED), "Released"),
            (Reply::Timeout, Some(CancelSessionReason::TIMEOUT), "Released"),
            (Reply::Accept, None, "Installed"),
        ] {
            let table = lines.clone().map(RulesAuthorisationTable);
            let (mut world, order) = ruled(303, table, &["ppr1", "ppr2"]);
            let mut asked = Vec::new();
            let result = world.run(download(&order), |question| {
                let Question::Consent { strong_consent, metadata, .. } = question else {
                    panic!("{question:?}")
                };
                asked.push((*strong_consent, metadata.profile_policy_rules));
                reply.clone()
            });
            assert_eq!(asked, [(strong, PprIds(BOTH))]);
            assert_eq!(result.is_ok(), reason.is_none(), "{result:?}");
            assert_eq!((cancelled(&world), state(&world, RULED)), (reason, after.to_owned()));
            let there = profiles(&mut world).into_iter().find(|info| info.iccid == RULED.parse().ok());
            let rules = there.map(|info| info.profile_policy_rules);
            assert_eq!(rules, reason.is_none().then_some(PprIds(BOTH)));
        }
    }
}

/// From now on the server shows this of the profile, and binds another one.
fn show(world: &World, change: impl Fn(&mut StoreMetadata) + 'static) {
    world.change_answers(move |target, body| {
        if target.ends_with(CLIENT) {
            let mut answer: Value = serde_json::from_slice(body).unwrap();
            let shown: rsp::es9::Base64 = serde_json::from_value(answer["profileMetadata"].clone()).unwrap();
            let mut shown = StoreMetadata::decode(&shown.0).unwrap();
            change(&mut shown);
            answer["profileMetadata"] = json!(rsp::es9::Base64(shown.encode()));
            *body = answer.to_string().into_bytes();
        }
    });
}

#[test]
fn a_package_that_is_not_what_was_shown_is_given_back() {
    let other_name = |shown: &mut StoreMetadata| shown.profile_name = "Free for ever".into();
    let no_rules = |shown: &mut StoreMetadata| shown.profile_policy_rules = PprIds(0);
    let nobody_told = |shown: &mut StoreMetadata| shown.notification_configuration.clear();
    type Change = fn(&mut StoreMetadata);
    let changes: [(&str, Change); 3] =
        [("another name", other_name), ("rules that come unseen", no_rules), ("nobody told", nobody_told)];
    for (name, change) in changes {
        let (mut world, order) = ruled(304, None, &["ppr1"]);
        let free = world.free_memory();
        show(&world, change);
        let failure = world.download(&order.code).unwrap_err();
        assert_eq!(
            (failure.stage, &failure.cause),
            (Stage::FetchPackage, &Cause::MetadataMismatch),
            "{name}"
        );
        assert_eq!(failure.retry(), Retry::Never, "{name}");
        is_told(&failure, name);
        assert_eq!(cancelled(&world), Some(CancelSessionReason::METADATA_MISMATCH), "{name}");
        assert_eq!((world.calls_of(CANCEL), state(&world, RULED)), (1, "Error".to_owned()), "{name}");
        assert_eq!((world.kept.clone(), world.untold.clone()), (None, None), "{name}");
        assert_eq!(profiles(&mut world).len(), 1, "{name}");
        assert!(free - world.free_memory() < 160, "{name}: the chip keeps something of it");
    }
}

/// The commands of a download by which the package is fed, counted from its first one.
fn feeding(seed: u64) -> std::ops::RangeInclusive<usize> {
    let (mut world, order) = attached(seed);
    let before = world.log().len();
    world.download(&order.code).unwrap();
    let log = world.log().split_off(before);
    let chip: Vec<_> = log.iter().filter(|e| e.party == Party::Chip).collect();
    let begins = |e: &&testkit::Exchange| e.request.get(5..7) == Some(&[0xBF, 0x36]);
    let first = chip.iter().position(begins).unwrap();
    let result = |e: &&testkit::Exchange| e.answer.as_ref().is_some_and(|it| it.starts_with(&[0xBF, 0x37]));
    let last = first + chip[first..].iter().position(result).unwrap();
    first + 1..=last + 1
}

#[test]
fn an_error_of_the_chip_at_any_command_of_the_package_gives_the_order_back() {
    let range = feeding(305);
    assert!(range.clone().count() > 10, "{range:?}");
    for fault in [CardFault::Refused, CardFault::Misreported] {
        for nth in range.clone() {
            let sw = StatusWord::TECHNICAL_PROBLEM;
            let fault = fault(sw);
            let context = format!("{fault:?} at {nth} of {range:?}");
            let (mut world, order) = attached(305);
            world.fail_at(nth, fault);
            let first = world.download(&order.code);
            world.mend();
            if fault == CardFault::Misreported(sw) && nth == *range.end() {
                // The package was whole: only its result was kept back, and the chip has it.
                assert!(first.is_ok(), "{context}: {first:?}");
                all_is_well(&mut world, &order, &context);
                continue;
            }
            let failure = first.unwrap_err();
            assert_eq!(
                (failure.stage, &failure.cause),
                (Stage::Install, &Cause::CardStatus(sw)),
                "{context}"
            );
            is_told(&failure, &context);
            assert_eq!(cancelled(&world), Some(CancelSessionReason::LOAD_BPP_EXECUTION_ERROR), "{context}");
            assert_eq!(
                (world.calls_of(CANCEL), state(&world, &order.iccid)),
                (1, "Released".into()),
                "{context}"
            );
            assert_eq!((profiles(&mut world).len(), world.untold.clone()), (1, None), "{context}");
            // Nothing is left in the way of the next try.
            match world.go_on() {
                Some(result) => drop(result.unwrap_or_else(|failure| panic!("{context}: {failure}"))),
                None => drop(world.download(&order.code).unwrap()),
            }
            all_is_well(&mut world, &order, &context);
        }
    }
}

/// Lets a download come to a certain end.
type Ending = fn(&mut World, &Order) -> Failure;

/// Everything by which a session with an order can be given up, with what the server makes
/// of it.
fn endings() -> Vec<(&'static str, CancelSessionReason, &'static str, Ending)> {
    use CancelSessionReason as R;
    fn said(reply: Reply) -> impl Fn(&mut World, &Order) -> Failure {
        move |world, order| world.run(download(order), |_| reply.clone()).unwrap_err()
    }
    vec![
        ("no", R::END_USER_REJECTION, "Error", |world, order| said(Reply::Reject)(world, order)),
        ("later", R::POSTPONED, "Released", |world, order| said(Reply::Postpone)(world, order)),
        ("nobody", R::TIMEOUT, "Released", |world, order| said(Reply::Timeout)(world, order)),
        ("mismatch", R::METADATA_MISMATCH, "Error", |world, order| {
            show(world, |shown| shown.profile_name.push('!'));
            world.download(&order.code).unwrap_err()
        }),
        ("load", R::LOAD_BPP_EXECUTION_ERROR, "Released", |world, order| {
            world.fail_at(*feeding(306).start() + 3, CardFault::Refused(StatusWord::TECHNICAL_PROBLEM));
            world.download(&order.code).unwrap_err()
        }),
    ]
}

#[test]
fn a_cancellation_that_is_lost_is_kept_and_told_later() {
    for (name, reason, after, end) in endings() {
        for heard in [false, true] {
            let context = format!("{name}, {}", if heard { "answer lost" } else { "request lost" });
            let (mut world, order) = attached(306);
            match heard {
                true => world.lose_answer_of(CANCEL),
                false => world.lose_request_of(CANCEL),
            }
            let failure = end(&mut world, &order);
            // Why it ended is what the person is told, not that the server does not know.
            assert!(!matches!(failure.cause, Cause::ServerLost(_)), "{context}: {failure}");
            assert_eq!(cancelled(&world), Some(reason), "{context}");
            let kept = world.cancellations();
            let kept: Vec<_> = kept.iter().map(|one| (one.reason(), one.address().to_owned())).collect();
            assert_eq!(kept, [(reason, testkit::SMDP_ADDRESS.to_owned())], "{context}");
            assert_eq!(state(&world, &order.iccid) == after, heard || after == "Released", "{context}");
            world.mend();
            // The chip has nothing to do with it any more.
            world.power_cycle();
            let sent = world.send_cancellations();
            assert_eq!(sent, [Ok(Outcome::Cancelled(reason))], "{context}");
            assert_eq!(state(&world, &order.iccid), after, "{context}");
            assert!(world.untold.is_none() && world.send_cancellations().is_empty(), "{context}");
            // What is not closed can be had with the same code.
            if after == "Released" {
                world.kept = None;
                world.download(&order.code).unwrap_or_else(|failure| panic!("{context}: {failure}"));
                all_is_well(&mut world, &order, &context);
            } else {
                assert!(matches!(world.download(&order.code).unwrap_err().cause, Cause::ServerRefused(_)));
                assert_eq!(profiles(&mut world).len(), 1, "{context}");
            }
        }
    }
}

#[test]
fn without_service_a_refusal_waits_for_it() {
    let (mut world, order) = attached(307);
    // The phone loses its service while the person reads.
    let mut procedure = download(&order);
    let mut answer = Answer::Begin;
    let failure = loop {
        let effect = procedure.resume(answer);
        if matches!(effect, Effect::Ask(_)) {
            world.detach();
        }
        answer = match world.perform(effect, |_| Reply::Reject) {
            Ok(answer) => answer,
            Err(result) => break result.unwrap_err(),
        };
    };
    assert_eq!(failure.cause, Cause::Rejected);
    let failed = world.send_cancellations().remove(0).unwrap_err();
    assert_eq!((failed.stage, failed.retry()), (Stage::Cancel, Retry::Again));
    assert!(matches!(failed.cause, Cause::ServerLost(_)), "{failed}");
    is_told(&failed, "no service");
    assert_eq!(state(&world, &order.iccid), "Released");
    world.attach(None).unwrap();
    assert!(world.send_cancellations()[0].is_ok());
    assert_eq!(state(&world, &order.iccid), "Error");
}

#[test]
fn the_program_may_end_between_the_chip_s_word_and_the_server() {
    let (mut world, order) = attached(308);
    let mut procedure = download(&order);
    let mut answer = Answer::Begin;
    loop {
        let effect = procedure.resume(answer);
        let last = matches!(effect, Effect::KeepCancellation(_));
        answer = world.perform(effect, |_| Reply::Reject).unwrap();
        if last {
            break;
        }
    }
    drop(procedure);
    world.power_cycle();
    assert_eq!((state(&world, &order.iccid), world.calls_of(CANCEL)), ("Released".into(), 0));
    assert_eq!(world.send_cancellations(), [Ok(Outcome::Cancelled(CancelSessionReason::END_USER_REJECTION))]);
    assert_eq!((state(&world, &order.iccid), world.untold.clone()), ("Error".into(), None));
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let (mut world, order) = attached(309);
    world.answer_unheard(CANCEL, 503, Vec::new());
    world.run(download(&order), |_| Reply::Reject).unwrap_err();
    let mut sent = 1;
    while world.untold.is_some() {
        assert!(world.send_cancellations()[0].is_err());
        sent += 1;
        assert!(sent <= 100, "without end");
    }
    assert_eq!(sent, usize::from(Cancellation::MOST_TRIES));
    assert_eq!(world.calls_of(CANCEL), sent);
}

#[test]
fn a_session_that_the_server_has_forgotten_is_not_asked_for_again() {
    let (mut world, order) = attached(310);
    world.lose_request_of(CANCEL);
    world.run(download(&order), |_| Reply::Reject).unwrap_err();
    // Longer than a session lives at the server: the order stays as it was.
    world.wait(3600);
    world.attach(None).unwrap();
    assert!(world.send_cancellations()[0].is_ok());
    assert_eq!((state(&world, &order.iccid), world.untold.clone()), ("Released".into(), None));
}

#[test]
fn an_old_no_does_not_undo_a_later_yes() {
    for reply in [Reply::Reject, Reply::Postpone, Reply::Timeout] {
        let (mut world, order) = attached(311);
        world.lose_request_of(CANCEL);
        world.run(download(&order), |_| reply.clone()).unwrap_err();
        world.download(&order.code).unwrap();
        assert_eq!(state(&world, &order.iccid), "Installed");
        assert!(world.send_cancellations()[0].is_ok());
        assert!(world.untold.is_none());
        all_is_well(&mut world, &order, &format!("{reply:?}"));
    }
}

#[test]
fn only_the_server_s_own_word_ends_a_cancellation() {
    let failed = |code: StatusCode| {
        let header = rsp::status::ResponseHeader::failed(code, "");
        json!({ "header": header }).to_string()
    };
    let status =
        |status: &str| json!({ "header": { "functionExecutionStatus": { "status": status } } }).to_string();
    for (http, body, stays) in [
        (200, status("Executed-Success"), false),
        (200, status("Executed-WithWarning"), false),
        (200, failed(StatusCode::TRANSACTION_ID_UNKNOWN), false),
        (200, failed(StatusCode::SMDP_OID_INVALID_ASSOCIATION), false),
        (200, failed(StatusCode::EUICC_SIGNATURE_INVALID), false),
        (200, failed(StatusCode::EXECUTION_ERROR), true),
        (200, status("Failed"), true),
        (200, status("Expired"), true),
        (200, "<html>sign in to this network</html>".into(), true),
        (200, String::new(), true),
        (204, String::new(), true),
        (400, String::new(), true),
        (401, String::new(), true),
        (403, json!({ "because": "the policy" }).to_string(), true),
        (404, String::new(), true),
        (429, String::new(), true),
        (500, "<html>".into(), true),
        (503, status("Executed-Success"), true),
    ] {
        let context = format!("{http} {body}");
        let (mut world, order) = attached(312);
        world.answer_unheard(CANCEL, http, body.clone().into_bytes());
        let failure = world.run(download(&order), |_| Reply::Reject).unwrap_err();
        assert_eq!(failure.cause, Cause::Rejected, "{context}");
        assert_eq!(world.untold.is_some(), stays, "{context}");
        for failure in world.send_cancellations().into_iter().filter_map(Result::err) {
            assert_eq!(failure.stage, Stage::Cancel, "{context}");
            is_told(&failure, &context);
        }
        world.mend();
        if stays {
            assert!(world.send_cancellations()[0].is_ok(), "{context}");
            assert_eq!(state(&world, &order.iccid), "Error", "{context}");
        }
        assert_eq!(world.untold, None, "{context}");
    }
}

/// Runs a procedure; this goes wrong when the card is to cancel a session (ES10b.CancelSession).
fn lose_at_cancel(
    world: &mut World,
    mut procedure: Procedure,
    fault: CardFault,
    mut user: impl FnMut(&Question) -> Reply,
) -> Failure {
    let mut answer = Answer::Begin;
    loop {
        let effect = procedure.resume(answer);
        if matches!(&effect, Effect::Card(command) if command.get(5..7) == Some(&[0xBF, 0x41])) {
            world.fail_at(1, fault);
        }
        answer = match world.perform(effect, &mut user) {
            Ok(answer) => answer,
            Err(result) => return result.unwrap_err(),
        };
    }
}

/// A World with an order, and who is asked.
type Scene = (World, Order, fn(&Question) -> Reply);

/// What is refused, the reason that is told, and how it comes to that.
type Refusal = (&'static str, CancelSessionReason, fn() -> Scene);

/// The reasons for which a server closes an order, and how a person or a chip comes to them.
fn refusals() -> Vec<Refusal> {
    use CancelSessionReason as R;
    vec![
        ("no", R::END_USER_REJECTION, || {
            let (world, order) = attached(313);
            (world, order, |_| Reply::Reject)
        }),
        ("no, at the default", R::END_USER_REJECTION, || {
            let (world, order) = waiting_at_the_default(313);
            (world, order, |_| Reply::Reject)
        }),
        ("rules", R::PPR_NOT_ALLOWED, || {
            let (world, order) = ruled(313, Some(RulesAuthorisationTable(vec![])), &["ppr1"]);
            (world, order, |question| panic!("{question:?}"))
        }),
        ("mismatch", R::METADATA_MISMATCH, || {
            let (world, order) = attached(313);
            show(&world, |shown| shown.profile_name.push('!'));
            (world, order, yes)
        }),
    ]
}

#[test]
fn a_card_that_is_gone_when_it_is_to_cancel_signs_when_it_is_back() {
    for (name, reason, scene) in refusals() {
        for fault in CardFault::ALL {
            let context = format!("{name}, {fault:?}");
            let (mut world, order, user) = scene();
            let free = world.free_memory();
            let failure = lose_at_cancel(&mut world, download(&order), fault, user);
            // Why it ended is what the person is told.
            assert!(!matches!(failure.cause, Cause::CardLost(_)), "{context}: {failure}");
            world.mend();
            // The server would not believe it without the chip's signature.
            assert_eq!(world.calls_of(CANCEL), 0, "{context}");
            assert_ne!(state(&world, &order.iccid), "Error", "{context}");
            let kept = world.cancellations();
            let [one] = &kept.iter().collect::<Vec<_>>()[..] else { panic!("{context}: {kept:?}") };
            assert!(one.needs_chip() && one.needs(&eid(&mut world)), "{context}");
            assert_eq!((one.reason(), one.address()), (reason, testkit::SMDP_ADDRESS), "{context}");
            assert_eq!(one.since(), Some(testkit::START), "{context}");
            // What is left of the session at the server is no matter, nor is how long it took.
            world.wait(3600);
            world.attach(None).unwrap();
            let sent = world.send_cancellations();
            assert_eq!(sent, [Ok(Outcome::Cancelled(reason))], "{context}");
            assert_eq!(cancelled(&world), Some(reason), "{context}");
            assert_eq!(state(&world, &order.iccid), "Error", "{context}");
            assert_eq!((world.untold.clone(), world.kept.clone()), (None, None), "{context}");
            assert_eq!(profiles(&mut world).len(), 1, "{context}");
            // A chip that lost its power keeps the one-time key of a package for the next try.
            if reason != CancelSessionReason::METADATA_MISMATCH {
                assert_eq!(world.free_memory(), free, "{context}");
            }
            assert!(matches!(world.run(download(&order), yes).unwrap_err().cause, Cause::ServerRefused(_)));
        }
    }
}

#[test]
fn a_card_that_is_gone_when_the_person_says_later_leaves_nothing_to_tell() {
    for reply in [Reply::Postpone, Reply::Timeout] {
        for fault in CardFault::ALL {
            let (mut world, order) = attached(314);
            let failure = lose_at_cancel(&mut world, download(&order), fault, |_| reply.clone());
            assert!(failure.is_decision() || failure.cause == Cause::TimedOut, "{failure}");
            // The session runs out at the server, and the order is as if it had heard.
            assert_eq!((world.calls_of(CANCEL), world.untold.clone()), (0, None), "{fault:?}");
            assert_eq!(state(&world, &order.iccid), "Released", "{fault:?}");
            world.run(download(&order), yes).unwrap();
            all_is_well(&mut world, &order, &format!("{fault:?}"));
        }
    }
}

/// A World in which a chip has still to sign that the person has refused.
fn unsigned(seed: u64, fault: CardFault) -> (World, Order) {
    let (mut world, order) = attached(seed);
    lose_at_cancel(&mut world, download(&order), fault, |_| Reply::Reject);
    world.mend();
    assert_eq!(world.cancellations().iter().filter(|one| one.needs_chip()).count(), 1);
    (world, order)
}

#[test]
fn every_message_of_a_cancellation_that_is_caught_up_may_be_lost() {
    // The chip still has the session; it has lost it.
    for first in [CardFault::CommandLost, CardFault::PowerAfter] {
        let (commands, calls) = {
            let (mut world, _) = unsigned(315, first);
            let before = (world.commands(), world.calls());
            assert!(world.send_cancellations()[0].is_ok());
            (world.commands() - before.0, world.calls() - before.1)
        };
        // The session of before is cancelled with one call, a new one with two more.
        assert_eq!(calls, if first == CardFault::CommandLost { 1 } else { 3 });
        let faults =
            CardFault::ALL.into_iter().flat_map(|fault| (1..=commands).map(move |nth| (Ok(fault), nth)));
        let lost = CallFault::ALL.into_iter().flat_map(|fault| (1..=calls).map(move |nth| (Err(fault), nth)));
        for (fault, nth) in faults.chain(lost) {
            let context = format!("{first:?}, then {fault:?} at {nth}");
            let (mut world, order) = unsigned(315, first);
            match fault {
                Ok(fault) => world.fail_at(nth, fault),
                Err(fault) => world.fail_call_at(nth, fault),
            }
            let sent = world.send_cancellations();
            world.mend();
            if let Err(failure) = &sent[0] {
                is_told(failure, &context);
                assert_eq!(failure.retry(), Retry::Again, "{context}: {failure}");
                assert_eq!(world.cancellations().iter().count(), 1, "{context}");
                let again = world.send_cancellations();
                assert!(again[0].is_ok(), "{context}: {again:?}");
            }
            assert_eq!(
                (state(&world, &order.iccid), world.untold.clone()),
                ("Error".into(), None),
                "{context}"
            );
            assert_eq!((profiles(&mut world).len(), world.kept.clone()), (1, None), "{context}");
        }
    }
}

#[test]
fn a_no_that_the_chip_has_still_to_sign_does_not_undo_a_later_yes() {
    for fault in CardFault::ALL {
        let (mut world, order) = unsigned(316, fault);
        world.download(&order.code).unwrap();
        assert_eq!(world.untold, None, "{fault:?}");
        all_is_well(&mut world, &order, &format!("{fault:?}"));
        // Nor does one that was kept elsewhere: the server has no such order any more.
        let (other, _) = unsigned(316, fault);
        world.untold = other.untold;
        assert!(world.send_cancellations()[0].is_ok(), "{fault:?}");
        assert_eq!(world.untold, None, "{fault:?}");
        all_is_well(&mut world, &order, &format!("{fault:?}"));
    }
}

#[test]
fn what_one_chip_has_to_sign_no_other_is_asked_for() {
    let (mut world, order) = unsigned(317, CardFault::PowerBefore);
    let kept = world.untold.clone();
    let calls = world.calls();
    let another = lab::chip::WATCH_EID.parse().ok();
    let pki = lab::chip::pki([9; 32], another, testkit::SMDP_ADDRESS).unwrap();
    world.exchange_chip(&Trust::from(pki));
    let other = eid(&mut world);
    assert!(!world.cancellations().iter().any(|one| one.needs(&other)));
    for _ in 0..2 * usize::from(Cancellation::MOST_TRIES) {
        let failure = world.send_cancellations().remove(0).unwrap_err();
        assert_eq!((failure.stage, &failure.cause), (Stage::Cancel, &Cause::OtherChip));
    }
    // No try is spent, and it waits for its own.
    assert_eq!((world.untold.clone(), world.calls()), (kept, calls));
    assert_eq!(state(&world, &order.iccid), "Released");
}

#[test]
fn a_profile_that_nobody_has_refused_is_left_where_it_is() {
    let (mut world, refused) = waiting_at_the_default(318);
    lose_at_cancel(&mut world, download(&refused), CardFault::PowerAfter, |_| Reply::Reject);
    world.mend();
    // The operator takes the order back, and the same server has another one for the chip.
    let header = json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": "back" });
    let status =
        json!({ "header": header, "iccid": refused.iccid, "finalProfileStatusIndicator": "Available" });
    world.es2("cancelOrder", &status);
    let other = world.operational[1].iccid;
    let other = order_for(&mut world, other);
    assert!(world.send_cancellations()[0].is_ok());
    assert_eq!((cancelled(&world), world.untold.clone()), (Some(CancelSessionReason::POSTPONED), None));
    assert_eq!(state(&world, &other.iccid), "Released");
    world.run(download(&other), yes).unwrap();
    all_is_well(&mut world, &other, "the other");
}

#[test]
fn a_chip_that_never_signs_is_given_up() {
    let (mut world, _) = unsigned(319, CardFault::PowerAfter);
    world.answer_unheard(INITIATE, 503, Vec::new());
    for tries in 1..=usize::from(Cancellation::MOST_TRIES) {
        assert!(world.untold.is_some(), "{tries}");
        let failure = world.send_cancellations().remove(0).unwrap_err();
        assert_eq!(failure.retry(), Retry::Again);
    }
    assert_eq!(world.untold, None);
}
