//! The chip in card readers: installing, switching, and a reader unplugged in the middle, at
//! every level of exchange, over T=0 and T=1.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use std::time::Duration;

use ccid::atr::Protocol;
use ccid::descriptor::Level;
use ccid::model::{CardDesign, Design, Fault};
use lpa::{Cause, Options, Outcome, Question, Reply};
use rsp::ids::Iccid;
use rsp::profiles::{ProfileInfo, ProfileState};
use serde_json::json;
use testkit::{Desk, Order, T1_ATR, World, device};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn yes(_: &Question) -> Reply {
    Reply::Accept
}

fn design(level: Level, protocol: Protocol) -> (Design, CardDesign) {
    let atr = match protocol {
        Protocol::T0 => None,
        Protocol::T1 => Some(T1_ATR.to_vec()),
    };
    (Design::new(level), CardDesign { atr, ..CardDesign::default() })
}

fn combinations() -> impl Iterator<Item = (Level, Protocol)> {
    Level::ALL.into_iter().flat_map(|level| [(level, Protocol::T0), (level, Protocol::T1)])
}

/// A desk with the chip connected, the terminal attached, and an order.
fn desk(seed: u64, level: Level, protocol: Protocol, package: Option<&[u8]>) -> (Desk, Order) {
    use base64::Engine;
    let mut world = World::new(seed);
    let iccid = match package {
        Some(package) => {
            world.upload(&json!({
                "metadata": { "serviceProviderName": "GSMA", "profileName": "Generic test", "profileClass": "operational" },
                "package": base64::engine::general_purpose::STANDARD.encode(package),
            }));
            saip::Package::decode(package).unwrap().iccid().unwrap().to_string()
        }
        None => world.operational[0].iccid.to_owned(),
    };
    world.attach(None).unwrap();
    let order = world.order(&iccid, None);
    let (design, card) = design(level, protocol);
    let mut desk = Desk::new(world, design, card);
    let connection = desk.connect().unwrap();
    assert_eq!((connection.protocol, connection.level), (protocol, level));
    assert!(connection.atr.is_euicc());
    (desk, order)
}

fn profiles(desk: &mut Desk) -> Vec<ProfileInfo> {
    let Ok(Outcome::Profiles(list)) = desk.run(lpa::list(Options::default()), yes) else { panic!() };
    list
}

fn has(desk: &mut Desk, order: &Order) -> Option<ProfileState> {
    let iccid: Iccid = order.iccid.parse().unwrap();
    profiles(desk).into_iter().find(|info| info.iccid == Some(iccid)).and_then(|info| info.state)
}

#[test]
fn the_generic_test_profile_installs_through_every_kind_of_reader() {
    let name = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
    let Some(package) = vectors::read(name) else { return };
    for (level, protocol) in combinations() {
        let (mut desk, order) = desk(601, level, protocol, Some(&package));
        let download = lpa::download(order.code.clone(), device(), Options::default());
        desk.run(download, yes).unwrap_or_else(|failure| panic!("{level:?} {protocol:?}: {failure}"));
        assert_eq!(has(&mut desk, &order), Some(ProfileState::Disabled), "{level:?} {protocol:?}");
    }
}

/// What a reader passes on is what the chip says to a phone: the same commands, and the same
/// answers but for where they were fetched.
#[test]
fn installing_switching_and_deleting() {
    for (level, protocol) in combinations() {
        let (mut desk, order) = desk(602, level, protocol, None);
        let iccid: Iccid = order.iccid.parse().unwrap();
        let download = lpa::download(order.code.clone(), device(), Options::default());
        desk.run(download, yes).unwrap();
        desk.run(lpa::enable(iccid, Options::default()), yes).unwrap();
        assert_eq!(has(&mut desk, &order), Some(ProfileState::Enabled), "{level:?} {protocol:?}");
        desk.run(lpa::disable(iccid, Options::default()), yes).unwrap();
        desk.run(lpa::delete(iccid, Options::default()), yes).unwrap();
        assert_eq!(has(&mut desk, &order), None, "{level:?} {protocol:?}");
    }
}

/// In the middle of everything: the failure names the reader, and after it is plugged in again
/// the download goes on to its end.
#[test]
fn a_reader_unplugged_in_the_middle_loses_nothing() {
    for (level, protocol) in combinations() {
        for fault in [Fault::Unplugged, Fault::CardRemoved] {
            // The number of commands before it: in the chip's questions, the authentication,
            // the first and the last segments.
            for after in [3_usize, 14, 25, 40, 60] {
                let context = format!("{level:?} {protocol:?} {fault:?} {after}");
                let (mut desk, order) = desk(603, level, protocol, None);
                let download = lpa::download(order.code.clone(), device(), Options::default());
                let result = run_until(&mut desk, download, after, fault);
                desk.mend();
                let Err(failure) = result else {
                    // It was over before.
                    assert!(has(&mut desk, &order).is_some(), "{context}");
                    continue;
                };
                assert!(matches!(failure.cause, Cause::CardLost(_)), "{context}: {failure}");
                desk.reader.plug();
                if fault == Fault::CardRemoved {
                    // The same chip, put in again.
                    put_back(&mut desk, level, protocol);
                }
                desk.connect().unwrap();
                match desk.checkpoint() {
                    Some(checkpoint) => {
                        let resume = lpa::resume(checkpoint, device(), Options::default());
                        desk.run(resume, yes).unwrap_or_else(|failure| panic!("{context}: {failure}"));
                    }
                    None => {
                        let again = lpa::download(order.code.clone(), device(), Options::default());
                        desk.run(again, yes).unwrap_or_else(|failure| panic!("{context}: {failure}"));
                    }
                }
                let list = profiles(&mut desk);
                assert_eq!(list.len(), 2, "{context}: {list:?}");
            }
        }
    }
}

fn put_back(desk: &mut Desk, level: Level, protocol: Protocol) {
    let (_, card) = design(level, protocol);
    desk.put_back(card);
}

/// Runs a procedure; the fault comes with the command after so many.
fn run_until(
    desk: &mut Desk,
    procedure: lpa::Procedure,
    after: usize,
    fault: Fault,
) -> Result<Outcome, lpa::Failure> {
    desk.fail_after(after, fault);
    desk.run(procedure, yes)
}

/// A chip that thinks for long, a bad contact, a reader that is slow to read: it takes longer,
/// and that is all.
#[test]
fn what_can_be_overcome_only_takes_longer() {
    for (level, protocol) in combinations() {
        let (mut desk, order) = desk(604, level, protocol, None);
        desk.fail_after(20, Fault::Work(Duration::from_secs(20)));
        desk.reader.fail(Fault::ShortReads(7));
        let before = desk.reader.now();
        let download = lpa::download(order.code.clone(), device(), Options::default());
        desk.run(download, yes).unwrap();
        assert!(desk.reader.now() - before > Duration::from_secs(20), "{level:?} {protocol:?}");
        for fault in [Fault::Parity(2), Fault::ZeroLength(2), Fault::Stale] {
            desk.reader.fail(fault);
            assert_eq!(has(&mut desk, &order), Some(ProfileState::Disabled), "{level:?} {protocol:?}");
        }
    }
}
