//! What the tests of the LPA's procedures share: a phone with service, an order, and what must be
//! true at the end.

use http::Method;
use lpa::{Cause, Event, Failure, Options, Outcome, Procedure, Question, Reply, Retry};
use rsp::codes::CancelSessionReason;
use rsp::ids::Iccid;
use rsp::profiles::ProfileInfo;
use rsp::{DataObject, Eid};
use serde_json::json;
use testkit::{Order, Party, SMDP_ADDRESS, World, device};

pub(crate) const INITIATE: &str = "initiateAuthentication";
pub(crate) const CLIENT: &str = "authenticateClient";
pub(crate) const PACKAGE: &str = "getBoundProfilePackage";
pub(crate) const NOTIFY: &str = "handleNotification";
pub(crate) const CANCEL: &str = "cancelSession";

pub(crate) fn attached(seed: u64) -> (World, Order) {
    let mut world = World::new(seed);
    world.attach(None).unwrap();
    let order = world.order(world.operational[0].iccid, None);
    (world, order)
}

/// The same, with an order that the chip's default SM-DP+ has for its EID (SGP.22 §3.1.3, no
/// activation code).
pub(crate) fn waiting_at_the_default(seed: u64) -> (World, Order) {
    let mut world = World::new(seed);
    world.attach(None).unwrap();
    world.run(lpa::set_default_smdp(SMDP_ADDRESS, Options::default()), yes).unwrap();
    let iccid = world.operational[0].iccid;
    let order = order_for(&mut world, iccid);
    (world, order)
}

/// Orders a profile for the chip's EID; nobody gets a matching id.
pub(crate) fn order_for(world: &mut World, iccid: &str) -> Order {
    let eid = eid(world).to_string();
    let header = |step: &str| {
        let call = format!("{iccid}-{step}");
        json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": call })
    };
    world.es2("downloadOrder", &json!({ "header": header("order"), "iccid": iccid, "eid": eid }));
    let confirm =
        json!({ "header": header("confirm"), "iccid": iccid, "matchingId": "", "releaseFlag": true });
    world.es2("confirmOrder", &confirm);
    assert_eq!(state(world, iccid), "Released");
    Order { iccid: iccid.to_owned(), code: format!("LPA:1${SMDP_ADDRESS}$").parse().unwrap() }
}

/// A World of a seed in which an order is released.
type Start = fn(u64) -> (World, Order);

/// Both ways to an order.
pub(crate) const WAYS: [(&str, Start); 2] =
    [("by code", attached), ("at the default", waiting_at_the_default)];

pub(crate) fn yes(_: &Question) -> Reply {
    Reply::Accept
}

pub(crate) fn profiles(world: &mut World) -> Vec<ProfileInfo> {
    let Ok(Outcome::Profiles(list)) = world.run(lpa::list(Options::default()), yes) else { panic!() };
    list
}

pub(crate) fn eid(world: &mut World) -> Eid {
    let Ok(Outcome::Chip(chip)) = world.run(lpa::chip_info(Options::default()), yes) else { panic!() };
    chip.eid
}

pub(crate) fn waiting(world: &mut World) -> usize {
    let Ok(Outcome::Waiting(list)) = world.run(lpa::list_notifications(Options::default()), yes) else {
        panic!()
    };
    list.len()
}

pub(crate) fn state(world: &World, iccid: &str) -> String {
    let order = world.ask_smdp(Method::GET, &format!("/operator/orders/{iccid}"), None).1;
    order["state"].as_str().unwrap_or_default().to_owned()
}

/// By the activation code, or without one from the default SM-DP+.
pub(crate) fn download(order: &Order) -> Procedure {
    if order.code.matching_id.is_empty() {
        return lpa::download_default(None, device(), Options::default());
    }
    lpa::download(order.code.clone(), device(), Options::default())
}

/// One profile more than the provisioning profile, the server knows, nothing is kept.
pub(crate) fn all_is_well(world: &mut World, order: &Order, context: &str) {
    let list = profiles(world);
    let iccid: Iccid = order.iccid.parse().unwrap();
    assert_eq!(list.iter().filter(|info| info.iccid == Some(iccid)).count(), 1, "{context}: {list:?}");
    assert_eq!(list.len(), 2, "{context}");
    world.run(lpa::notifications(Options::default()), yes).unwrap();
    assert_eq!(waiting(world), 0, "{context}");
    assert_eq!(state(world, &order.iccid), "Installed", "{context}");
    assert_eq!(world.kept, None, "{context}: the checkpoint stays");
}

/// What the chip was asked to cancel with, the last time.
pub(crate) fn cancelled(world: &World) -> Option<CancelSessionReason> {
    let log = world.log();
    let request = log.iter().rfind(|e| {
        e.party == Party::Chip
            && e.request.get(1) == Some(&0xE2)
            && e.request.get(5..7) == Some(&[0xBF, 0x41])
    })?;
    let length = usize::from(request.request[4]);
    let request = rsp::cancel::CancelSessionRequest::decode(&request.request[5..5 + length]);
    Some(request.unwrap().reason)
}

/// What the person does after an interruption: what was kept is gone on with; without it
/// the same code is entered again.
pub(crate) fn recover(world: &mut World, order: &Order, context: &str) {
    for _ in 0..3 {
        if world.kept.is_some() {
            match world.go_on().unwrap() {
                Ok(Outcome::Installed { .. }) => {
                    // The server knows of both ends: of what was broken off, and of this.
                    assert_eq!(waiting(world), 0, "{context}");
                    return;
                }
                Ok(outcome) => panic!("{context}: {outcome:?}"),
                Err(failure) => assert_ne!(failure.retry(), Retry::Never, "{context}: {failure}"),
            }
        } else if state(world, &order.iccid) == "Installed" {
            return;
        } else {
            match world.run(download(order), yes) {
                Ok(_) => return,
                // What an earlier try has left is told first.
                Err(failure) if matches!(failure.cause, Cause::AlreadyInstalled) => return,
                Err(failure) => assert_ne!(failure.retry(), Retry::Never, "{context}: {failure}"),
            }
        }
    }
    panic!("{context}: not in three tries");
}

pub(crate) fn discover(world: &mut World) -> Result<Vec<Event>, Failure> {
    match world.run(lpa::discover(None, device(), Options::default()), yes)? {
        Outcome::Events(events) => Ok(events),
        outcome => panic!("{outcome:?}"),
    }
}

/// What is registered for the chip: the event of an order at the SM-DP+.
pub(crate) fn register(world: &mut World, at: &str, order: &Order) {
    let eid = eid(world);
    world.smds.register(at, eid, order.code.matching_id.as_str(), SMDP_ADDRESS);
}

/// What is said of a failure is there in every language, and names no part of the program.
pub(crate) fn is_told(failure: &Failure, context: &str) {
    for text in [failure.what(), failure.advice().owned()] {
        assert!(text.en.ends_with('.') && text.ja.ends_with('。'), "{context}: {text:?}");
        assert!(!text.en.contains("::") && !text.en.contains("Err("), "{context}: {text:?}");
    }
    assert!(failure.codes().contains("SGP.22 §"), "{context}: {}", failure.codes());
}
