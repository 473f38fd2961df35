//! Power that fails after any command, and commands that get lost, come twice or come out of
//! order: the chip stands before or after what was asked, never between.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod common;

use common::{detail, download, enabled, installed, ordered, perform, profiles};
use lpa::{Answer, CardLost, Effect, Failure, Options, Outcome, Procedure, Reply};
use rsp::ActivationCode;
use rsp::ids::Iccid;
use testkit::World;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Drives a procedure; the power fails after the `nth` command: the chip has done it and
/// nobody heard.
fn cut_after(
    world: &mut World,
    session: &str,
    mut procedure: Procedure,
    nth: usize,
) -> (Result<Outcome, Failure>, usize) {
    let mut answer = Answer::Begin;
    let mut commands = 0;
    loop {
        let effect = procedure.resume(answer);
        let card = matches!(effect, Effect::Card(_));
        answer = match perform(world, session, effect) {
            Ok(answer) => answer,
            Err(result) => return (result, commands),
        };
        commands += usize::from(card);
        if card && commands == nth {
            world.power_cycle();
            answer = Answer::Card(Err(CardLost::said("pulled")));
        }
    }
}

#[test]
fn power_fails_after_any_command_of_a_change_and_one_profile_is_enabled() {
    let mut nth = 1;
    loop {
        let (mut world, order) = installed(101);
        let session = world.attach(None).unwrap().id;
        let iccid: Iccid = order.iccid.parse().unwrap();
        let (result, commands) = cut_after(&mut world, &session, lpa::enable(iccid, Options::default()), nth);
        if commands < nth {
            assert!(result.is_ok());
            assert!(nth > 3, "the power was never cut");
            break;
        }
        let on = enabled(&mut world);
        assert_eq!(on.len(), 1, "cut after {nth}");
        let operational = on[0] == order.iccid;
        let expected = if operational { world.operational[0].imsi } else { world.provisioning.imsi };
        assert_eq!(world.imsi().unwrap(), expected, "cut after {nth}");
        world.attach(None).unwrap();
        // Whatever was told of it is told once.
        world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
        let events = detail(&world, &order.iccid)["notifications"].as_array().unwrap().clone();
        let told = events.iter().filter(|event| event["event"] == "enabled").count();
        assert_eq!(told, usize::from(operational), "cut after {nth}: {events:?}");
        nth += 1;
    }
}

#[test]
fn a_chip_pulled_between_enable_and_refresh_comes_up_with_the_new_profile_and_no_old_command() {
    let (mut world, order) = installed(102);
    let iccid: Iccid = order.iccid.parse().unwrap();
    world.until_refresh(lpa::enable(iccid, Options::default())).unwrap();
    world.power_cycle();
    assert_eq!(world.terminal_profile(), apdu::StatusWord::OK, "no REFRESH waits any more");
    assert_eq!(enabled(&mut world), [order.iccid]);
    assert_eq!(world.imsi().unwrap(), world.operational[0].imsi);
    // The chip is not blocked: it switches back at once.
    let provisioning: Iccid = world.provisioning.iccid.parse().unwrap();
    let back = world.until_refresh(lpa::enable(provisioning, Options::default()));
    assert_eq!(back.unwrap(), lpa::Refresh::Proactive);
}

#[test]
fn power_fails_after_any_command_of_a_deletion_and_of_telling_it() {
    let mut nth = 1;
    loop {
        let (mut world, order) = installed(103);
        let session = world.attach(None).unwrap().id;
        let iccid: Iccid = order.iccid.parse().unwrap();
        let (result, commands) = cut_after(&mut world, &session, lpa::delete(iccid, Options::default()), nth);
        if commands < nth {
            assert!(result.is_ok());
            break;
        }
        let there = profiles(&mut world).len() == 2;
        if there {
            world.run(lpa::delete(iccid, Options::default()), |_| Reply::Accept).unwrap();
        }
        assert_eq!(profiles(&mut world).len(), 1);
        // Then it fails while the server is told, too.
        let (_, commands) = cut_after(&mut world, &session, lpa::notifications(Options::default()), nth + 3);
        assert!(commands > 0);
        world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
        let left = world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
        assert_eq!(left, Outcome::Notifications(vec![]), "cut after {nth}");
        let detail = detail(&world, &order.iccid);
        assert_eq!(detail["state"], "Deleted", "cut after {nth}");
        let events = detail["notifications"].as_array().unwrap();
        let told = events.iter().filter(|event| event["event"] == "deleted").count();
        assert_eq!(told, 1, "cut after {nth}: {events:?}");
        nth += 1;
    }
}

/// What is done to the segments of a package on their way to the chip.
#[derive(Clone, Copy, Debug)]
enum Disorder {
    Drop,
    Repeat,
    SwapWithNext,
}

#[test]
fn segments_dropped_repeated_or_swapped_install_nothing() {
    for disorder in [Disorder::Drop, Disorder::Repeat, Disorder::SwapWithNext] {
        // BF23, A0 with 87, A1, 88, A3, and the last 86 behind which nothing comes.
        for which in [0, 1, 2, 3, 4, 7] {
            if (which, disorder as u8) == (7, Disorder::SwapWithNext as u8) {
                continue;
            }
            let mut world = World::new(104);
            let session = world.attach(None).unwrap().id;
            let order = ordered(&world);
            let free = world.free_memory();
            let result = disordered(&mut world, &session, &order.code, disorder, which);
            if matches!((disorder, which), (Disorder::Repeat, 7)) {
                // The last one, repeated: the chip refuses it, but the profile is there, the person
                // is told so, and both sides know.
                assert!(matches!(result, Ok(Outcome::Installed { .. })), "{result:?}");
                assert_eq!(profiles(&mut world).len(), 2);
                assert_eq!(detail(&world, &order.iccid)["state"], "Installed");
                continue;
            }
            let Err(failure) = result else { panic!("{disorder:?} {which}: installed") };
            assert_eq!(failure.stage, lpa::Stage::Install, "{disorder:?} {which}: {failure}");
            assert_eq!(profiles(&mut world).len(), 1, "{disorder:?} {which}");
            world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
            assert!(free - world.free_memory() < 160, "{disorder:?} {which}");
            world.attach(None).unwrap();
        }
    }
}

fn disordered(
    world: &mut World,
    session: &str,
    code: &ActivationCode,
    disorder: Disorder,
    which: usize,
) -> Result<Outcome, Failure> {
    let mut procedure = download(code);
    let mut answer = Answer::Begin;
    let (mut loading, mut segment, mut blocks, mut held) = (false, 0, Vec::new(), Vec::new());
    loop {
        let effect = procedure.resume(answer);
        match &effect {
            Effect::Progress(progress) => {
                loading |= matches!(progress.step, lpa::Step::FetchPackage);
            }
            Effect::Card(command) if loading && command.get(1) == Some(&0xE2) && command[0] & 0x80 != 0 => {
                blocks.push(command.clone());
                let last = command[2] & 0x80 != 0;
                if segment == which || (segment == which + 1 && matches!(disorder, Disorder::SwapWithNext)) {
                    if !last {
                        answer = Answer::Card(Ok(vec![0x90, 0x00]));
                        continue;
                    }
                    let mine = std::mem::take(&mut blocks);
                    let now = segment == which;
                    segment += 1;
                    let send: Vec<Vec<u8>> = match disorder {
                        Disorder::Drop => vec![],
                        Disorder::Repeat => [mine.clone(), mine].concat(),
                        Disorder::SwapWithNext if now => {
                            held = mine;
                            vec![]
                        }
                        Disorder::SwapWithNext => [mine, std::mem::take(&mut held)].concat(),
                    };
                    let mut last = vec![0x90, 0x00];
                    for command in send {
                        last = world.transmit(&command).unwrap();
                        if last[last.len() - 2] != 0x90 {
                            break;
                        }
                    }
                    answer = Answer::Card(Ok(last));
                    continue;
                }
                if last {
                    segment += 1;
                    blocks.clear();
                }
            }
            _ => {}
        }
        answer = match perform(world, session, effect) {
            Ok(answer) => answer,
            Err(result) => return result,
        };
    }
}

#[test]
fn a_profile_whose_change_waits_can_be_deleted_and_the_reset_finds_the_old_one() {
    let (mut world, order) = installed(124);
    let iccid: Iccid = order.iccid.parse().unwrap();
    world.until_refresh(lpa::enable(iccid, Options::default())).unwrap();
    // Before the REFRESH it still is disabled.
    world.run(lpa::delete(iccid, Options::default()), |_| Reply::Accept).unwrap();
    world.refresh();
    assert_eq!(enabled(&mut world), [world.provisioning.iccid]);
    world.attach(None).unwrap();
    world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
    let events = detail(&world, &order.iccid);
    assert_eq!(events["state"], "Deleted");
    assert!(events["notifications"].as_array().unwrap().iter().all(|event| event["event"] != "enabled"));
}
