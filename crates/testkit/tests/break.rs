//! What somebody who wants to break the system would try: replays, wrong orders, pulled
//! power, hostile peers at every door. Each test says what must hold nevertheless.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use http::Method;
use lab::Trust;
use lpa::{Answer, CardLost, Cause, Effect, Failure, HttpAnswer, Options, Outcome, Procedure, Reply};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rsp::ActivationCode;
use rsp::ids::Iccid;
use rsp::profiles::{ProfileInfo, ProfileState};
use rsp::status::StatusCode;
use rsp_crypto::issue::Validity;
use serde_json::{Value, json};
use testkit::{Exchange, Order, Party, World};

fn ordered(world: &World) -> Order {
    world.order(world.operational[0].iccid, None)
}

fn profiles(world: &mut World) -> Vec<ProfileInfo> {
    let Ok(Outcome::Profiles(list)) = world.run(lpa::list(Options::default()), |_| Reply::Accept) else {
        panic!()
    };
    list
}

fn detail(world: &World, iccid: &str) -> Value {
    world.ask_smdp(Method::GET, &format!("/operator/orders/{iccid}"), None).1
}

fn refused(failure: &Failure) -> Option<StatusCode> {
    let Cause::ServerRefused(data) = &failure.cause else { panic!("{failure}") };
    StatusCode::find(&data.subject_code, &data.reason_code)
}

fn device() -> rsp::auth::DeviceInfo {
    rsp::auth::DeviceInfo { tac: [0x35; 4], capabilities: [None; 11], imei: None }
}

fn download(code: &ActivationCode) -> Procedure {
    lpa::download(code.clone(), device(), Options::default())
}

/// A World with a profile installed and not enabled, terminal ready, attached.
fn installed(seed: u64) -> (World, Order) {
    let mut world = World::new(seed);
    world.terminal_profile();
    world.attach(None).unwrap();
    let order = ordered(&world);
    world.download(&order.code).unwrap();
    (world, order)
}

/// Performs what a procedure wants in a session of the network.
fn perform(world: &mut World, session: &str, effect: Effect) -> Result<Answer, Result<Outcome, Failure>> {
    Ok(match effect {
        Effect::Card(command) => Answer::Card(world.transmit(&command)),
        Effect::Server(call) => {
            let function = call.function.name();
            let path =
                format!("/network/sessions/{session}/http/{}/gsma/rsp2/es9plus/{function}", call.address);
            let body = serde_json::from_slice(&call.body).unwrap();
            let (status, answer) = world.ask_network(Method::POST, &path, Some(&body));
            let body = if answer.is_null() { Vec::new() } else { answer.to_string().into_bytes() };
            Answer::Server(Ok(HttpAnswer { status, body }))
        }
        Effect::Ask(_) => Answer::Reply(Reply::Accept),
        Effect::Progress(_) | Effect::Keep(_) | Effect::Forget(_) => Answer::Continue,
        Effect::Refresh(_) => {
            world.refresh();
            Answer::Continue
        }
        Effect::Done(result) => return Err(result),
    })
}

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
            answer = Answer::Card(Err(CardLost("pulled".into())));
        }
    }
}

fn enabled(world: &mut World) -> Vec<String> {
    let list = profiles(world);
    let on = list.iter().filter(|info| info.state == Some(ProfileState::Enabled));
    on.map(|info| info.iccid.unwrap().to_string()).collect()
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
            let Err(failure) = result else { panic!("{disorder:?} {which}: installed") };
            assert_eq!(failure.stage, lpa::Stage::Install, "{disorder:?} {which}: {failure}");
            if detail(&world, &order.iccid)["state"] == "Installed" {
                // The last one, repeated: the profile is there, and both sides know.
                assert!(matches!((disorder, which), (Disorder::Repeat, 7)), "{disorder:?} {which}");
                assert_eq!(profiles(&mut world).len(), 2);
                continue;
            }
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

#[test]
fn metadata_that_changed_after_consent_is_cancelled_by_the_lpa() {
    let mut world = World::new(125);
    world.attach(None).unwrap();
    let order = ordered(&world);
    world.change_answers(move |target, answer| {
        if target.ends_with("authenticateClient") {
            let mut json: Value = serde_json::from_slice(answer).unwrap();
            let mut shown: rsp::es9::Base64 =
                serde_json::from_value(json["profileMetadata"].clone()).unwrap();
            // The first letter of the service provider's name.
            let at = shown.0.iter().position(|&byte| byte == 0x91).unwrap() + 2;
            shown.0[at] ^= 1;
            json["profileMetadata"] = serde_json::to_value(shown).unwrap();
            *answer = json.to_string().into_bytes();
        }
    });
    let failure = world.download(&order.code).unwrap_err();
    assert_eq!(failure.cause, Cause::MetadataMismatch);
    assert_eq!(profiles(&mut world).len(), 1);
    assert_eq!(detail(&world, &order.iccid)["state"], "Error");
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

/// What a card answers to a command.
type Card = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

/// Answers of a card to an LPA, without end.
fn cards() -> Vec<(&'static str, Card)> {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let mut noise = move |_: &[u8]| {
        let mut bytes = vec![0; (rng.next_u32() % 300) as usize];
        rng.fill_bytes(&mut bytes);
        bytes
    };
    let mut flip = false;
    vec![
        ("61 00 for ever, one byte each", Box::new(|_| vec![0x00, 0x61, 0x00])),
        ("61 FF for ever, nothing with it", Box::new(|_| vec![0x61, 0xFF])),
        ("6C for ever", Box::new(|_| vec![0x6C, 0x10])),
        ("nothing at all", Box::new(|_| vec![])),
        ("half a status word", Box::new(|_| vec![0x90])),
        ("always well", Box::new(|_| vec![0x90, 0x00])),
        ("always channel one", Box::new(|_| vec![0x01, 0x90, 0x00])),
        ("a length of 4 GiB", Box::new(|_| vec![0x01, 0xBF, 0x20, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00])),
        ("more than a short response", Box::new(|_| [vec![0x01; 70_000], vec![0x90, 0x00]].concat())),
        ("nested without end", Box::new(|_| [[0x30, 0x80].repeat(30_000), vec![0x90, 0x00]].concat())),
        ("a proactive command for ever", Box::new(|_| vec![0x91, 0x10])),
        ("a warning for ever", Box::new(|_| vec![0x62, 0x00])),
        (
            "channel, then 61 for ever",
            Box::new(move |_| {
                flip = !flip;
                if flip { vec![0x01, 0x90, 0x00] } else { vec![0xAA, 0x61, 0x01] }
            }),
        ),
        ("noise", Box::new(move |command| [noise(command), vec![0x90, 0x00]].concat())),
    ]
}

#[test]
fn a_hostile_card_ends_every_procedure_of_the_lpa() {
    let code: ActivationCode = "1$smdp.example.com$A".parse().unwrap();
    let iccid: Iccid = "89000123456789012341".parse().unwrap();
    for index in 0..cards().len() {
        let options = Options::default;
        let procedures = [
            download(&code),
            lpa::enable(iccid, options()),
            lpa::disable(iccid, options()),
            lpa::delete(iccid, options()),
            lpa::list(options()),
            lpa::chip_info(options()),
            lpa::notifications(options()),
            lpa::memory_reset(7, options()),
            lpa::set_nickname(iccid, "\u{202E}name\0", options()),
            lpa::set_default_smdp("smdp.example.com", options()),
            lpa::download_default(Some("smdp.example.com".into()), device(), options()),
            lpa::discover(None, device(), options()),
            lpa::check_server("smdp.example.com".into(), device(), options()),
            lpa::list_notifications(options()),
            lpa::send_notification(1, options()),
            lpa::remove_notification(1, options()),
        ];
        for (number, mut procedure) in procedures.into_iter().enumerate() {
            let (name, mut card) = cards().remove(index);
            let mut answer = Answer::Begin;
            let mut effects = 0;
            loop {
                answer = match procedure.resume(answer) {
                    Effect::Card(command) => Answer::Card(Ok(card(&command))),
                    Effect::Server(_) => Answer::Server(Ok(HttpAnswer { status: 200, body: b"{}".to_vec() })),
                    Effect::Ask(_) => Answer::Reply(Reply::Accept),
                    Effect::Progress(_) | Effect::Keep(_) | Effect::Forget(_) | Effect::Refresh(_) => {
                        Answer::Continue
                    }
                    Effect::Done(result) => {
                        assert!(result.is_err() || name == "noise", "{name} {number}: {result:?}");
                        break;
                    }
                };
                effects += 1;
                assert!(effects < 300_000, "{name}: procedure {number} does not end");
            }
        }
    }
}

#[test]
fn changed_answers_of_the_server_install_nothing_that_was_not_signed() {
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    for round in 0..60_u64 {
        let mut world = World::new(108);
        world.attach(None).unwrap();
        let order = ordered(&world);
        let function =
            ["initiateAuthentication", "authenticateClient", "getBoundProfilePackage"][(round % 3) as usize];
        let (kind, at, with) = (round / 3 % 4, rng.next_u32(), rng.next_u32() as u8);
        world.change_answers(move |target, answer| {
            if !target.ends_with(function) || answer.is_empty() {
                return;
            }
            let at = at as usize % answer.len();
            match kind {
                0 => answer[at] ^= with | 1,
                1 => answer.truncate(at),
                2 => answer[at] = 0,
                _ => *answer = ["[".repeat(50_000).into_bytes(), answer.clone()].concat(),
            }
        });
        let first = world.download(&order.code);
        world.mend();
        let list = profiles(&mut world);
        if first.is_err() {
            assert_eq!(list.len(), 1, "{round}");
        }
        world.attach(None).unwrap();
        // Not blocked: the chip takes the order, unless the server has closed it.
        let state = detail(&world, &order.iccid)["state"].as_str().unwrap().to_owned();
        if matches!(state.as_str(), "Released" | "Downloaded") {
            world.run(lpa::notifications(Options::default()), |_| Reply::Accept).unwrap();
            world.download(&order.code).unwrap_or_else(|failure| panic!("{round} {state}: {failure}"));
        }
    }
}

/// Bodies that no server likes.
fn bodies() -> Vec<Vec<u8>> {
    let deep = |open: &str| open.repeat(30_000).into_bytes();
    let long = "A".repeat(60_000);
    let mut all = vec![
        vec![],
        b"\0".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"\"\\ud800\"".to_vec(),
        b"\xFF\xFE{}".to_vec(),
        b"{\"a\":\"\xC3\x28\"}".to_vec(),
        b"1e999999".to_vec(),
        deep("["),
        deep("{\"header\":"),
        vec![b'{'; 2_000_000],
    ];
    let fields = [
        "transactionId",
        "smdpAddress",
        "euiccChallenge",
        "euiccInfo1",
        "authenticateServerResponse",
        "prepareDownloadResponse",
        "pendingNotification",
        "cancelSessionResponse",
        "iccid",
        "eid",
        "imsi",
        "matchingId",
        "profileType",
        "package",
        "metadata",
        "subscriber",
        "apn",
        "res",
        "auts",
        "kind",
        "to",
        "confirmationCode",
        "finalProfileStatusIndicator",
        "k",
        "opc",
        "class",
    ];
    let values = [
        json!(long),
        json!("\0"),
        json!("\u{202E}"),
        json!(-1),
        json!(1e308),
        json!([]),
        json!({}),
        Value::Null,
        json!("===="),
        json!("MIT/////"),
        json!("vyCE/////w=="),
        json!("MIAwgDCAMIAwgDCAMIAwgDCAMIAwgDCA"),
    ];
    for value in &values {
        let mut body = serde_json::Map::new();
        let header = json!({ "functionRequesterIdentifier": "r", "functionCallIdentifier": "c" });
        body.insert("header".into(), header);
        for field in fields {
            body.insert(field.into(), value.clone());
        }
        all.push(Value::Object(body).to_string().into_bytes());
    }
    all
}

#[test]
fn hostile_bodies_at_every_door_are_answered_and_change_nothing() {
    let (world, order) = installed(109);
    let everything = |world: &World| {
        (
            world.ask_smdp(Method::GET, "/operator/profiles", None),
            world.ask_smdp(Method::GET, "/operator/notifications", None),
            detail(world, &order.iccid),
            world.ask_network(Method::GET, "/network/subscribers", None),
        )
    };
    let before = everything(&world);
    let imsi = world.operational[0].imsi;
    let network = [
        "/network/attach".to_owned(),
        format!("/network/attach/{}/response", "0".repeat(48)),
        format!("/network/sessions/{}/service", "0".repeat(48)),
        format!("/network/sessions/{}/http/smdp.example.com/gsma/rsp2/es9plus/x", "0".repeat(48)),
        format!("/network/subscribers/{imsi}"),
    ];
    let mut smdp = vec!["/operator/profiles".to_owned()];
    for function in ["downloadOrder", "confirmOrder", "releaseProfile", "cancelOrder", "nonsense"] {
        smdp.push(format!("/gsma/rsp2/es2plus/{function}"));
    }
    for function in [
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "cancelSession",
        "handleNotification",
        "nonsense",
    ] {
        smdp.push(format!("/gsma/rsp2/es9plus/{function}"));
    }
    for body in bodies() {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        for path in &network {
            let method = if path.contains("subscribers") { Method::PUT } else { Method::POST };
            let (status, _) = world.send_network(method, path, body.clone());
            assert!((400..500).contains(&status), "{path} {shown}: {status}");
        }
        for path in &smdp {
            let (status, answer) = world.send_smdp(Method::POST, path, body.clone());
            let failed = serde_json::from_slice::<Value>(&answer)
                .is_ok_and(|answer| answer["header"]["functionExecutionStatus"]["status"] == "Failed");
            assert!((400..500).contains(&status) || status == 200 && failed, "{path} {shown}: {status}");
            assert!(answer.len() < 2_000, "{path} {shown}: quotes its input");
        }
    }
    assert_eq!(everything(&world), before);
}

#[test]
fn changed_requests_at_the_server_are_refused_and_change_nothing() {
    let (world, order) = installed(110);
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let before = detail(&world, &order.iccid);
    let log = world.log();
    let requests: Vec<&Exchange> = log
        .iter()
        .filter(|e| e.party == Party::Smdp && e.target.contains("es9plus"))
        .filter(|e| !e.target.ends_with("initiateAuthentication"))
        .collect();
    for _ in 0..600 {
        let exchange = requests[rng.next_u32() as usize % requests.len()];
        let mut body = exchange.request.clone();
        for _ in 0..=rng.next_u32() % 3 {
            let at = rng.next_u32() as usize % body.len();
            match rng.next_u32() % 3 {
                0 => body[at] = rng.next_u32() as u8,
                1 => drop(body.remove(at)),
                _ => body.insert(at, b'A'),
            }
        }
        let path = exchange.target.trim_start_matches("POST ");
        let (status, _) = world.send_smdp(Method::POST, path, body);
        assert!(matches!(status, 200 | 204 | 400), "{path} {status}");
        assert_eq!(detail(&world, &order.iccid), before, "{path}");
    }
}

#[test]
fn changed_commands_break_no_chip() {
    let (mut world, order) = installed(111);
    let log: Vec<Vec<u8>> =
        world.log().into_iter().filter(|e| e.party == Party::Chip).map(|e| e.request).collect();
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let mut world_b = World::new(111);
    world_b.terminal_profile();
    for round in 0..4000 {
        let mut command = log[rng.next_u32() as usize % log.len()].clone();
        match rng.next_u32() % 6 {
            0 => {
                let at = rng.next_u32() as usize % command.len();
                command[at] = rng.next_u32() as u8;
            }
            1 => command.truncate(rng.next_u32() as usize % command.len()),
            2 => command.extend(std::iter::repeat_n(0xFF, rng.next_u32() as usize % 300)),
            3 => {
                command = vec![0; rng.next_u32() as usize % 12];
                rng.fill_bytes(&mut command);
            }
            4 if command.len() > 7 => {
                // A length inside the data.
                let at = 5 + rng.next_u32() as usize % (command.len() - 5).min(8);
                command[at] = [0x80, 0x84, 0xFF, 0x7F, 0x00][rng.next_u32() as usize % 5];
            }
            _ => {}
        }
        let free = world_b.free_memory();
        let answer = world_b.transmit(&command).unwrap();
        assert!(answer.len() >= 2 && answer.len() <= 65_538, "{round}");
        assert!(matches!(answer[answer.len() - 2], 0x60..=0x6F | 0x90..=0x9F), "{round} {answer:02x?}");
        assert!(world_b.free_memory() + 70_000 > free);
        if round % 500 == 499 {
            world_b.power_cycle();
            assert!(!profiles(&mut world_b).is_empty());
        }
    }
    // The other chip still works, of course, and so does this one.
    assert_eq!(profiles(&mut world).len(), 2);
    drop(order);
    world_b.power_cycle();
    assert_eq!(world_b.imsi().unwrap(), world_b.provisioning.imsi);
    world_b.attach(None).unwrap();
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

#[test]
fn keys_are_in_no_answer_and_in_no_request_of_a_terminal() {
    let (mut world, order) = installed(118);
    let iccid: Iccid = order.iccid.parse().unwrap();
    world.until_refresh(lpa::enable(iccid, Options::default())).unwrap();
    world.refresh();
    world.attach(None).unwrap();
    world.ask_network(Method::GET, "/network/subscribers", None);
    world.ask_smdp(Method::GET, "/operator/profiles", None);
    detail(&world, &order.iccid);
    let mut secrets = Vec::new();
    for subscription in world.operational.iter().chain([&world.provisioning]) {
        let record = subscription.network_record();
        for name in ["k", "opc", "topc"] {
            secrets.extend(record[name].as_str().map(str::to_owned));
        }
    }
    assert!(secrets.len() >= 4);
    for exchange in world.log() {
        let mut seen = exchange.answer.unwrap_or_default();
        if !exchange.target.contains("subscribers") && !exchange.target.contains("operator/profiles") {
            seen.extend(exchange.request);
        }
        let text = String::from_utf8_lossy(&seen).to_lowercase();
        for secret in &secrets {
            assert!(!text.contains(secret), "{}", exchange.target);
            let raw = hex::decode(secret).unwrap();
            assert!(!seen.windows(raw.len()).any(|window| window == raw), "{}", exchange.target);
        }
    }
}

#[test]
fn hostile_activation_codes_are_refused_or_harmless() {
    let long = "1$a$".to_owned() + &"A".repeat(300);
    let huge = "LPA:1$".to_owned() + &"a.".repeat(1_000_000);
    for text in [
        "",
        "LPA:",
        "LPA:1",
        "LPA:1$",
        "1$$",
        "2$a$b",
        "LPA:1$evil@host$A",
        "LPA:1$host/path$A",
        "LPA:1$host:0$A",
        "LPA:1$host:99999$A",
        "LPA:1$host:443:443$A",
        "LPA:1$[::1]$A",
        "LPA:1$ho%73t$A",
        "LPA:1$host$A B?",
        "LPA:1$host$A$not-an-oid",
        "LPA:1$host$A$1.3.6.1$2",
        "LPA:1$host$A$$1$x",
        "LPA:1$ho\0st$A",
        "LPA:1$h\u{202E}ost$A",
        "LPA:1$hоst$A",
        "LPA:1$-host$A",
        "LPA:1$host-$A",
        "LPA:1$.host$A",
        "LPA:1$host..$A",
        "é\u{301}PA:1$host$A",
        &long,
        &huge,
    ] {
        let shown: String = text.chars().take(40).collect();
        assert!(text.parse::<ActivationCode>().is_err(), "{shown:?}");
    }
    // What is read is written so that it reads the same.
    for text in [
        "LPA:1$host$\u{FF21}",
        "LPA:1$host$",
        "1$host$A$1.3.6.1.4.1$1",
        "lpa:1$HOST:8443$a-b$$1",
        " LPA:1$h\nost$A ",
    ] {
        let code: ActivationCode = text.parse().unwrap();
        assert_eq!(code.to_string().parse::<ActivationCode>().unwrap(), code);
    }
    // A code of a server that the network does not let through.
    let mut world = World::new(119);
    world.attach(None).unwrap();
    for text in
        ["1$localhost$A", "1$127.0.0.1$A", "1$smdp.example.com:8443$A", "1$smdp.example.com.evil.example$A"]
    {
        let failure = world.download(&text.parse().unwrap()).unwrap_err();
        assert!(matches!(failure.cause, Cause::Http { status: 403, .. }), "{text}: {failure}");
    }
    assert_eq!(world.calls_of("initiateAuthentication"), 0);
}

#[test]
fn hostile_metadata_is_refused_or_shown_as_it_is() {
    use base64::Engine;
    let mut world = World::new(120);
    let package = world.operational[0].package();
    let package = base64::engine::general_purpose::STANDARD.encode(&*package);
    let upload = |world: &World, name: &str, provider: &str| {
        world.ask_smdp(Method::POST, "/operator/profiles", Some(&json!({
            "metadata": { "serviceProviderName": provider, "profileName": name, "profileClass": "operational" },
            "package": package,
        })))
    };
    let before = detail(&world, world.operational[0].iccid);
    assert_eq!(upload(&world, &"n".repeat(65), "p").0, 400);
    assert_eq!(upload(&world, "n", &"p".repeat(33)).0, 400);
    assert_eq!(upload(&world, &"\u{202E}".repeat(22), "p").0, 400, "66 bytes");
    assert_eq!(detail(&world, world.operational[0].iccid), before);
    let (name, provider) = ("\u{202E}\0\u{7}<script>\u{1F600}\r\n", "\u{200F}'\"&;--");
    assert!(upload(&world, name, provider).0 < 300);
    world.attach(None).unwrap();
    let order = ordered(&world);
    let Ok(Outcome::Installed { metadata, .. }) = world.download(&order.code) else { panic!() };
    assert_eq!((metadata.profile_name.as_str(), metadata.service_provider_name.as_str()), (name, provider));
    let list = profiles(&mut world);
    assert!(list.iter().any(|info| info.profile_name.as_deref() == Some(name)));
}
