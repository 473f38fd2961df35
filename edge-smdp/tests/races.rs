//! Two at once: every step of one call may fall between any two steps of another.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use common::*;
use edge_smdp::outbox::{Outgoing, Settled};
use edge_smdp::profile::Profile;
use edge_smdp::store::memory::Memory;
use edge_smdp::store::{
    Added, Change, JournalQuery, Logged, Packages, Query, Store, Stored, StoredProfileType, Tally,
};
use edge_smdp::{Fault, Limits, Protection, SmDp};
use http::{Request, Response};
use rsp::{Eid, Iccid, MatchingId, TransactionId};
use serde_json::{Value, json};

/// A store that lets others go first, once before every step.
struct Yielding<'a>(&'a Memory);

async fn others_first() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

macro_rules! yielding {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Store for Yielding<'_> {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$result, Fault> {
                others_first().await;
                self.0.$name($($argument),*).await
            })*
        }
    };
}

yielding! {
    add_profile(profile: &Profile, packages: &Packages) -> Added;
    profile(iccid: &Iccid) -> Option<Stored>;
    packages(iccid: &Iccid) -> Option<Packages>;
    bound_profile_package(iccid: &Iccid) -> Option<Vec<u8>>;
    replace(version: u64, change: &Change) -> bool;
    remove(version: u64, iccid: &Iccid) -> bool;
    available(profile_type: &str, from: u8, most: usize) -> Vec<Iccid>;
    has_type(profile_type: &str) -> bool;
    list(query: &Query) -> Vec<Profile>;
    journal(query: &JournalQuery) -> Vec<Logged>;
    tally(key_id: &str) -> Tally;
    expired(now: u64, most: usize) -> Vec<Iccid>;
    sealed_otherwise(key_id: &str, most: usize) -> Vec<Iccid>;
    due(now: u64, most: usize) -> Vec<Outgoing>;
    settle(message: &Outgoing, settled: &Settled) -> ();
    put_profile_type(profile_type: &StoredProfileType) -> Option<bool>;
    profile_type(name: &str) -> Option<StoredProfileType>;
    profile_types() -> Vec<StoredProfileType>;
    remove_profile_type(name: &str) -> bool;
    claim_matching_id(id: &MatchingId, iccid: &Iccid) -> Iccid;
    release_matching_id(id: &MatchingId, iccid: &Iccid) -> ();
    matching_id(id: &MatchingId) -> Option<Iccid>;
    link(eid: &Eid, iccid: &Iccid) -> ();
    unlink(eid: &Eid, iccid: &Iccid) -> ();
    linked(eid: &Eid) -> Vec<Iccid>;
    remember_call(id: &str, iccid: &Iccid, instead_of: Option<&Iccid>, expires: u64) -> Iccid;
    call(id: &str) -> Option<Iccid>;
    begin_session(id: &TransactionId, iccid: Option<&Iccid>, expires: u64) -> bool;
    session(id: &TransactionId) -> Option<Iccid>;
}

/// Runs two calls step by step in turn, the second `head_start` steps later.
fn both(world: &World, function: &str, bodies: [&Value; 2], head_start: usize) -> [Value; 2] {
    let credentials = json!({ "sets": [credential_set(&world.pki)] }).to_string();
    let server = Rc::new(server(&credentials, Protection::SessionKeys, Limits::default()));
    let store = Yielding(world.smdp.store());
    let smdp = SmDp::new(server, store, Rc::clone(&world.clock), RefCell::new(rng(4)));
    let call = |body: &Value| {
        let path = format!("/gsma/rsp2/es9plus/{function}");
        smdp.handle(Request::post(path).body(body.to_string().into_bytes()).unwrap())
    };
    let (mut first, mut second) = (pin!(call(bodies[0])), pin!(call(bodies[1])));
    let mut context = Context::from_waker(Waker::noop());
    let mut answers: [Option<Response<Vec<u8>>>; 2] = [None, None];
    for step in 0..1000 {
        if answers[0].is_none()
            && let Poll::Ready(answer) = first.as_mut().poll(&mut context)
        {
            answers[0] = Some(answer);
        }
        if step >= head_start
            && answers[1].is_none()
            && let Poll::Ready(answer) = second.as_mut().poll(&mut context)
        {
            answers[1] = Some(answer);
        }
    }
    answers.map(|answer| serde_json::from_slice(answer.unwrap().body()).unwrap())
}

fn released() -> (World, String, Vec<u8>) {
    let world = World::new();
    let package = world.add_profile(ICCID);
    let matching_id = world.release(ICCID, json!({}));
    (world, matching_id, package)
}

#[test]
fn two_euiccs_never_get_the_same_profile() {
    for head_start in 0..8 {
        let (world, matching_id, package) = released();
        let euiccs = [world.euicc(), Euicc::new(&world.pki, OTHER_EID)];
        let [one, two] = euiccs.each_ref().map(|euicc| {
            let (id, server) = euicc.initiate(&world);
            euicc.authenticate_request(&id, euicc.signed1(&server, Some(&matching_id))).0
        });
        let codes = both(&world, "authenticateClient", [&one, &two], head_start).map(|a| code_of(&a));
        let winner = codes.iter().position(String::is_empty).unwrap();
        assert_eq!(codes[1 - winner], "8.1.1/3.8", "{head_start}: {codes:?}");
        let (_, elements) = euiccs[winner].download(&world, Some(&matching_id), None).unwrap();
        assert_eq!(elements, package);
    }
}

#[test]
fn one_of_two_equal_messages_begins_the_session() {
    for head_start in 0..8 {
        let (world, matching_id, _) = released();
        let euicc = world.euicc();
        let (id, server) = euicc.initiate(&world);
        let request = euicc.authenticate_request(&id, euicc.signed1(&server, Some(&matching_id))).0;
        let mut codes =
            both(&world, "authenticateClient", [&request, &request], head_start).map(|a| code_of(&a));
        codes.sort();
        assert_eq!(codes, ["", "8.10.1/3.9"], "{head_start}");
        assert_eq!(world.operator(&format!("orders/{ICCID}"))["downloadAttempts"], 1);
    }
}

#[test]
fn two_equal_requests_get_the_same_package_and_are_counted_once() {
    for head_start in 0..8 {
        let (world, matching_id, package) = released();
        let euicc = world.euicc();
        let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
        let own = euicc.one_time_key();
        let prepared = euicc.prepare_download(&open, own.public(), None);
        let request =
            json!({ "transactionId": open.transaction_id, "prepareDownloadResponse": b64(&prepared) });
        let [one, two] = both(&world, "getBoundProfilePackage", [&request, &request], head_start);
        assert_eq!(one["boundProfilePackage"], two["boundProfilePackage"], "{head_start}");
        assert_eq!(euicc.open(&open, &own, &unb64(&one["boundProfilePackage"])).1, package);
        assert_eq!(world.events(ICCID).iter().filter(|event| *event == "downloaded").count(), 1);
    }
}

#[test]
fn wrong_confirmation_codes_at_once_are_all_counted() {
    for head_start in 0..8 {
        let world = World::new();
        world.add_profile(ICCID);
        let matching_id = world.release(ICCID, json!({ "confirmationCode": "4711" }));
        let euicc = world.euicc();
        let open = euicc.authenticate(&world, Some(&matching_id)).unwrap();
        let own = euicc.one_time_key();
        let wrong = ["0000", "1111"].map(|code| {
            let prepared = euicc.prepare_download(&open, own.public(), Some(code));
            json!({ "transactionId": open.transaction_id, "prepareDownloadResponse": b64(&prepared) })
        });
        both(&world, "getBoundProfilePackage", [&wrong[0], &wrong[1]], head_start);
        let failures = world.events(ICCID).iter().filter(|e| *e == "confirmationFailed").count();
        assert_eq!(failures, 2, "{head_start}");
    }
}
