//! Every message of every procedure, lost: each command and each answer between terminal and
//! chip, each request and each answer between LPA and server. Whatever is lost: what the person
//! is told is what the chip has, nothing is lost, nothing is done or told twice, and the same
//! again succeeds.

#![cfg(not(target_arch = "wasm32"))] // Each is busy for so long that a browser is taken for dead.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod common;

use common::detail;
use common::phone::{
    NOTIFY, all_is_well, attached, is_told, profiles, recover, register, state, waiting, yes,
};
use lpa::{Cause, Failure, Options, Outcome, Procedure, Retry};
use rsp::ids::Iccid;
use rsp::profiles::{MemoryResetRequest, ProfileInfo, ProfileState};
use rsp::status::StatusCode;
use testkit::{CallFault, CardFault, OTHER_SMDS_ADDRESS, Order, SMDP_ADDRESS, SMDS_ADDRESS, World, device};

/// A message that is lost.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Card(CardFault),
    Call(CallFault),
}

/// A procedure, and what must be true however it went.
struct Act {
    name: &'static str,
    /// The World before it.
    world: fn() -> (World, Order),
    procedure: fn(&mut World, &Order) -> Procedure,
    /// Whether the chip is as it was wanted.
    is_done: fn(&mut World, &Order) -> bool,
    /// What follows from it: what else a person does, until the servers know.
    settle: fn(&mut World, &Order),
    /// How often the server has been told which event of the profile by then.
    events: &'static [(&'static str, usize)],
}

fn iccid(order: &Order) -> Iccid {
    order.iccid.parse().unwrap()
}

fn of(order: &Order, world: &mut World) -> Option<ProfileInfo> {
    profiles(world).into_iter().find(|info| info.iccid == Some(iccid(order)))
}

fn is_in_state(world: &mut World, order: &Order, wanted: ProfileState) -> bool {
    of(order, world).and_then(|info| info.state) == Some(wanted)
}

/// With a profile that is off.
fn installed() -> (World, Order) {
    let (mut world, order) = attached(501);
    world.terminal_profile();
    world.download(&order.code).unwrap();
    (world, order)
}

/// With a profile that is on.
fn enabled() -> (World, Order) {
    let (mut world, order) = installed();
    world.run(lpa::enable(iccid(&order), Options::default()), yes).unwrap();
    assert_eq!(waiting(&mut world), 0);
    (world, order)
}

/// The server knows of the profile, and not that it was enabled.
fn enabling_untold() -> (World, Order) {
    let (mut world, order) = installed();
    assert_eq!(waiting(&mut world), 0);
    world.refuse(NOTIFY, StatusCode::EXECUTION_ERROR);
    world.run(lpa::enable(iccid(&order), Options::default()), yes).unwrap();
    world.mend();
    (world, order)
}

/// The notification that a profile was enabled.
fn of_enabling(world: &mut World) -> Option<u32> {
    let list = world.run(lpa::list_notifications(Options::default()), yes);
    let Ok(Outcome::Waiting(list)) = list else { panic!("{list:?}") };
    list.iter().find(|one| one.event.name() == Some("enable")).map(|one| one.seq_number)
}

/// Everything that waits is told.
fn tell(world: &mut World) {
    if world.attach(None).is_err() {
        let provisioning = world.provisioning.iccid.parse().unwrap();
        world.run(lpa::enable(provisioning, Options::default()), yes).unwrap();
        world.attach(None).unwrap();
    }
    world.run(lpa::notifications(Options::default()), yes).unwrap();
    assert_eq!(waiting(world), 0);
}

const EVERYTHING: u32 = MemoryResetRequest::OPERATIONAL_PROFILES
    | MemoryResetRequest::FIELD_LOADED_TEST_PROFILES
    | MemoryResetRequest::DEFAULT_SMDP_ADDRESS;

fn default_smdp(world: &mut World) -> Option<String> {
    let Ok(Outcome::Chip(chip)) = world.run(lpa::chip_info(Options::default()), yes) else { panic!() };
    chip.addresses.default_dp_address
}

/// The procedures but for downloads, by a code or from a default SM-DP+: those have tests of their
/// own (`lpa.rs`), since they go on with what they have.
fn acts() -> Vec<Act> {
    vec![
        Act {
            name: "enable",
            world: installed,
            procedure: |_, order| lpa::enable(iccid(order), Options::default()),
            is_done: |world, order| is_in_state(world, order, ProfileState::Enabled),
            settle: |world, _| tell(world),
            events: &[("installed", 1), ("enabled", 1), ("disabled", 0), ("deleted", 0)],
        },
        Act {
            name: "disable",
            world: enabled,
            procedure: |_, order| lpa::disable(iccid(order), Options::default()),
            is_done: |world, order| is_in_state(world, order, ProfileState::Disabled),
            settle: |world, _| tell(world),
            events: &[("installed", 1), ("enabled", 1), ("disabled", 1), ("deleted", 0)],
        },
        Act {
            name: "delete",
            world: installed,
            procedure: |_, order| lpa::delete(iccid(order), Options::default()),
            is_done: |world, order| of(order, world).is_none(),
            settle: |world, _| tell(world),
            events: &[("installed", 1), ("enabled", 0), ("disabled", 0), ("deleted", 1)],
        },
        Act {
            name: "memory reset",
            world: || {
                let (mut world, order) = enabled();
                world.run(lpa::set_default_smdp(SMDP_ADDRESS, Options::default()), yes).unwrap();
                (world, order)
            },
            procedure: |_, _| lpa::memory_reset(EVERYTHING, Options::default()),
            is_done: |world, order| of(order, world).is_none() && default_smdp(world).is_none(),
            settle: |world, _| tell(world),
            events: &[("installed", 1), ("enabled", 1), ("deleted", 1)],
        },
        Act {
            name: "nickname",
            world: installed,
            procedure: |_, order| lpa::set_nickname(iccid(order), "Work ☂", Options::default()),
            is_done: |world, order| of(order, world).unwrap().nickname.as_deref() == Some("Work ☂"),
            settle: |world, _| tell(world),
            events: &[("installed", 1), ("enabled", 0)],
        },
        Act {
            name: "default address",
            world: installed,
            procedure: |_, _| lpa::set_default_smdp(SMDP_ADDRESS, Options::default()),
            is_done: |world, _| default_smdp(world).as_deref() == Some(SMDP_ADDRESS),
            settle: |world, _| tell(world),
            events: &[("installed", 1)],
        },
        Act {
            name: "notifications",
            world: || {
                let (mut world, order) = attached(501);
                world.refuse(NOTIFY, StatusCode::EXECUTION_ERROR);
                world.download(&order.code).unwrap();
                world.mend();
                assert!(waiting(&mut world) > 0);
                (world, order)
            },
            procedure: |_, _| lpa::notifications(Options::default()),
            is_done: |world, _| waiting(world) == 0,
            settle: |world, _| tell(world),
            events: &[("installed", 1)],
        },
        Act {
            name: "one notification",
            world: enabling_untold,
            procedure: |world, _| lpa::send_notification(of_enabling(world).unwrap(), Options::default()),
            is_done: |world, _| of_enabling(world).is_none(),
            settle: |world, _| tell(world),
            events: &[("installed", 1), ("enabled", 1)],
        },
        Act {
            name: "removing a notification",
            world: enabling_untold,
            procedure: |world, _| lpa::remove_notification(of_enabling(world).unwrap(), Options::default()),
            is_done: |world, _| of_enabling(world).is_none(),
            settle: |world, _| tell(world),
            // What the person has removed no server hears of, however often it was tried.
            events: &[("installed", 1), ("enabled", 0)],
        },
        Act {
            name: "discovery",
            world: || {
                let (mut world, order) = attached(501);
                register(&mut world, SMDS_ADDRESS, &order);
                (world, order)
            },
            procedure: |_, _| lpa::discover(None, device(), Options::default()),
            // Nothing is changed by it: it is done when it has answered.
            is_done: |_, _| false,
            settle: |world, order| {
                let Ok(Outcome::Events(events)) =
                    world.run(lpa::discover(None, device(), Options::default()), yes)
                else {
                    panic!()
                };
                assert_eq!(events.len(), 1);
                let event = events.into_iter().next().unwrap();
                assert_eq!(event.event_id, order.code.matching_id);
                world.run(lpa::download_event(event, device(), Options::default()), yes).unwrap();
                all_is_well(world, order, "discovered");
            },
            events: &[("installed", 1)],
        },
        Act {
            name: "asking a server",
            world: || attached(501),
            procedure: |_, _| lpa::check_server(SMDP_ADDRESS.into(), device(), Options::default()),
            is_done: |_, _| false,
            settle: |world, order| assert_eq!(state(world, &order.iccid), "Released"),
            events: &[],
        },
        Act {
            name: "looking at the chip",
            world: || attached(501),
            procedure: |_, _| lpa::chip_info(Options::default()),
            is_done: |_, _| false,
            settle: |world, order| assert_eq!(state(world, &order.iccid), "Released"),
            events: &[],
        },
    ]
}

/// What a procedure told of the chip is what the chip says of itself.
fn told_is_true(world: &mut World, told: &Outcome, context: &str) {
    let list = match told {
        Outcome::Switched { profiles, .. }
        | Outcome::Deleted { profiles, .. }
        | Outcome::Reset { profiles, .. }
        | Outcome::Profiles(profiles) => profiles,
        Outcome::Addresses(addresses) => {
            assert_eq!(default_smdp(world), addresses.default_dp_address, "{context}");
            return;
        }
        Outcome::Waiting(list) => {
            assert_eq!(list.len(), waiting(world), "{context}");
            return;
        }
        Outcome::Notifications(reports) => {
            let failures = reports.iter().filter_map(|report| report.result.as_ref().err());
            failures.for_each(|failure| is_told(failure, context));
            return;
        }
        _ => return,
    };
    assert_eq!(*list, profiles(world), "{context}");
}

fn fails_as_lost(failure: &Failure, fault: Fault, context: &str) {
    match fault {
        Fault::Card(_) => assert!(matches!(failure.cause, Cause::CardLost(_)), "{context}: {failure}"),
        Fault::Call(_) => assert!(matches!(failure.cause, Cause::ServerLost(_)), "{context}: {failure}"),
    }
    assert_eq!(failure.retry(), Retry::Again, "{context}");
    is_told(failure, context);
}

/// Loses the message and does what a person does then.
fn lose(act: &Act, fault: Fault, nth: usize) {
    let context = format!("{}: {fault:?} at {nth}", act.name);
    let (mut world, order) = (act.world)();
    let procedure = (act.procedure)(&mut world, &order);
    match fault {
        Fault::Card(fault) => world.fail_at(nth, fault),
        Fault::Call(fault) => world.fail_call_at(nth, fault),
    }
    let first = world.run(procedure, yes);
    world.mend();
    match &first {
        Ok(outcome) => told_is_true(&mut world, outcome, &context),
        Err(failure) => fails_as_lost(failure, fault, &context),
    }
    // Of notifications each has a report of its own.
    let all_went = match &first {
        Ok(Outcome::Notifications(reports)) => reports.iter().all(|report| report.result.is_ok()),
        first => first.is_ok(),
    };
    // The list shows what the chip has; what is not done is done again.
    if !all_went && !(act.is_done)(&mut world, &order) {
        let procedure = (act.procedure)(&mut world, &order);
        let again = world.run(procedure, yes);
        let again = again.unwrap_or_else(|failure| panic!("{context}, again: {failure}"));
        told_is_true(&mut world, &again, &context);
    }
    assert!(is_answer(act) || (act.is_done)(&mut world, &order), "{context}");
    (act.settle)(&mut world, &order);
    let detail = detail(&world, &order.iccid);
    let told = detail["notifications"].as_array().cloned().unwrap_or_default();
    for (event, times) in act.events {
        let found = told.iter().filter(|one| one["event"] == *event).count();
        assert_eq!(found, *times, "{context}: {event} in {told:?}");
    }
}

/// Whether it only answers, and changes nothing.
fn is_answer(act: &Act) -> bool {
    ["discovery", "asking a server", "looking at the chip"].contains(&act.name)
}

/// Loses every message of a procedure, one at a time.
fn lose_each(name: &str) {
    let act = acts().into_iter().find(|act| act.name == name).unwrap();
    let (commands, calls) = {
        let (mut world, order) = (act.world)();
        let procedure = (act.procedure)(&mut world, &order);
        let before = (world.commands(), world.calls());
        world.run(procedure, yes).unwrap();
        (world.commands() - before.0, world.calls() - before.1)
    };
    println!("{name}: {commands} commands, {calls} calls");
    assert!(commands > 3, "{name}");
    for fault in CardFault::ALL {
        (1..=commands).for_each(|nth| lose(&act, Fault::Card(fault), nth));
    }
    for fault in CallFault::ALL {
        (1..=calls).for_each(|nth| lose(&act, Fault::Call(fault), nth));
    }
}

#[test]
fn no_message_of_enabling_a_profile_can_be_lost_for_good() {
    lose_each("enable");
}

#[test]
fn no_message_of_disabling_a_profile_can_be_lost_for_good() {
    lose_each("disable");
}

#[test]
fn no_message_of_deleting_a_profile_can_be_lost_for_good() {
    lose_each("delete");
}

#[test]
fn no_message_of_a_memory_reset_can_be_lost_for_good() {
    lose_each("memory reset");
}

#[test]
fn no_message_of_renaming_a_profile_can_be_lost_for_good() {
    lose_each("nickname");
}

#[test]
fn no_message_of_setting_the_default_server_can_be_lost_for_good() {
    lose_each("default address");
}

#[test]
fn no_message_of_sending_notifications_can_be_lost_for_good() {
    lose_each("notifications");
}

#[test]
fn no_message_of_sending_one_notification_can_be_lost_for_good() {
    lose_each("one notification");
}

#[test]
fn no_message_of_removing_a_notification_can_be_lost_for_good() {
    lose_each("removing a notification");
}

#[test]
fn no_message_of_a_discovery_can_be_lost_for_good() {
    lose_each("discovery");
}

#[test]
fn no_message_to_a_server_that_is_asked_who_it_is_can_be_lost_for_good() {
    lose_each("asking a server");
}

#[test]
fn no_message_of_looking_at_the_chip_can_be_lost_for_good() {
    lose_each("looking at the chip");
}

/// An order to which two SM-DS lead, one after the other.
fn cascaded() -> (World, Order) {
    let (mut world, order) = attached(502);
    let eid = common::phone::eid(&mut world);
    world.smds.register(SMDS_ADDRESS, eid, order.code.matching_id.as_str(), OTHER_SMDS_ADDRESS);
    world.smds.register(OTHER_SMDS_ADDRESS, eid, order.code.matching_id.as_str(), SMDP_ADDRESS);
    (world, order)
}

fn download_event(order: &Order) -> Procedure {
    let event_id = order.code.matching_id.clone();
    let event = lpa::Event { event_id, address: OTHER_SMDS_ADDRESS.into() };
    lpa::download_event(event, device(), Options::default())
}

#[test]
fn every_lost_call_on_the_way_from_an_event_to_the_profile_can_be_made_again() {
    let calls = {
        let (mut world, order) = cascaded();
        let procedure = download_event(&order);
        world.run(procedure, yes).unwrap();
        world.calls()
    };
    // Two of ES11, four of ES9+; the other SM-DS is asked who it is as an SM-DP+ would be.
    assert_eq!(calls, 6);
    for fault in CallFault::ALL {
        for nth in 1..=calls {
            let context = format!("{fault:?} at {nth}");
            let (mut world, order) = cascaded();
            world.fail_call_at(nth, fault);
            let procedure = download_event(&order);
            match world.run(procedure, yes) {
                Ok(outcome) => {
                    assert_eq!(nth, calls, "{context}: only the notification may be lost");
                    assert!(matches!(outcome, Outcome::Installed { .. }), "{context}: {outcome:?}");
                }
                Err(failure) => {
                    fails_as_lost(&failure, Fault::Call(fault), &context);
                    world.mend();
                    if world.kept.is_some() {
                        recover(&mut world, &order, &context);
                    } else {
                        let again = download_event(&order);
                        world.run(again, yes).unwrap_or_else(|failure| panic!("{context}: {failure}"));
                    }
                }
            }
            all_is_well(&mut world, &order, &context);
        }
    }
}
