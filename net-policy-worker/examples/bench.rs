//! What decisions and attaches cost, natively in one process: the policy with few rules and
//! with many, a network with one subscriber and with a million, the gateway's part of a call.
//! Beside an attach stands what its AKA alone takes in the same run, and beside a call through
//! the gateway the same call without it.
//!
//! `cargo xtask bench policy`

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so by panicking")]

use std::cell::Cell;
use std::hint::black_box;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use aka::{Outcome, Parameters, Sqn, SqnArray, SqnRules, authenticate, vector};
use http::{Request, Response};
use net_policy_worker::gateway::Way;
use net_policy_worker::policy::document::{Document, UsedToday};
use net_policy_worker::policy::{Class, Contract, Facts, Policy, Question, RequestedApn, Situation};
use net_policy_worker::router::{Link, LinkFailure, Router, Tokens};
use net_policy_worker::service::{Record, Request as Ask};
use net_policy_worker::store::{Memory, Store};
use net_policy_worker::subscriber::Tag;
use serde_json::{Value, json};

/// How often each figure is taken; the best one counts.
const ROUNDS: usize = 7;
const RULES: [usize; 3] = [10, 1_000, 10_000];
const SUBSCRIBERS: [u64; 3] = [1, 1_000, 1_000_000];

const K: [u8; 16] = [7; 16];
const OPC: [u8; 16] = [9; 16];

fn main() {
    // `--few` for a quick look: without a million subscribers.
    let few = std::env::args().any(|argument| argument == "--few");
    decisions();
    let subscribers = if few { &SUBSCRIBERS[..2] } else { &SUBSCRIBERS[..] };
    attaches(subscribers);
}

/// Microseconds of one of `count` calls, the best of all rounds.
fn each(count: u32, mut work: impl FnMut(u32)) -> f64 {
    let round = |work: &mut dyn FnMut(u32)| {
        let begun = Instant::now();
        (0..count).for_each(work);
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(count)
    };
    (0..ROUNDS).map(|_| round(&mut work)).fold(f64::INFINITY, f64::min)
}

/// The deployment's document with more rules before its own: for IMSIs, terminals, networks
/// and APNs, in turn.
fn document(rules: usize) -> Document {
    let first = Document::of_deployment("sm.provisioning", "smdp.example").unwrap();
    let mut document = serde_json::to_value(first).unwrap();
    let own = document["rules"].as_array().unwrap().clone();
    let more = (0..rules.saturating_sub(own.len())).map(|at| {
        let mut when = match at % 4 {
            0 => json!({ "imsi": [{ "prefix": format!("99{:06}", at) }] }),
            1 => json!({ "tac": [format!("{:08}", at)] }),
            2 => json!({ "visited": [format!("{:06}", 900_000 + at)], "class": "operational" }),
            _ => json!({ "apn": [format!("apn-{at}.example")] }),
        };
        when["question"] = json!(["connectivity"]);
        json!({ "name": format!("more-{at}"), "words": "more", "when": when, "then": { "refuse": { "cause": "ESM 8" } } })
    });
    document["rules"] = more.chain(own).collect();
    serde_json::from_value(document).unwrap()
}

fn decisions() {
    println!("decisions, natively: µs each, decisions a second");
    println!(
        "{:>8} {:>14} {:>14} {:>14} {:>14} {:>10}",
        "rules", "connectivity", "last IMSI", "no rule", "a second", "compile"
    );
    let contract: Contract =
        serde_json::from_value(json!({ "apns": ["internet"], "defaultApn": "internet", "data": true }))
            .unwrap();
    let situation: Situation =
        serde_json::from_value(json!({ "access": "5g", "visited": "001001", "tac": "35000000" })).unwrap();
    for rules in RULES {
        let written = document(rules);
        let begun = Instant::now();
        let policy = Policy::compile(written, 1).unwrap_or_else(|findings| panic!("{findings:?}"));
        let compiled = begun.elapsed().as_secs_f64() * 1e3;
        let facts = |imsi: &'static str, apn: &str| Facts {
            class: Class::Operational,
            contract: &contract,
            imsi,
            situation: &situation,
            used: UsedToday::default(),
            question: Question::Connectivity(RequestedApn::parse(Some(apn))),
        };
        let ask = |facts: &Facts<'_>| each(100_000, |_| drop(black_box(policy.decide(black_box(facts)))));
        let usual = ask(&facts("001010000000001", "internet"));
        let last = (rules.saturating_sub(12) / 4) * 4;
        let imsi: &'static str = format!("99{last:06}0000001").leak();
        let listed = ask(&facts(imsi, "internet"));
        let refused = ask(&facts("001010000000001", "other"));
        println!(
            "{rules:>8} {usual:>14.3} {listed:>14.3} {refused:>14.3} {:>14.0} {compiled:>7.1} ms",
            1e6 / usual
        );
    }
}

/// An SM that answers at once.
struct Sm;

impl Link for Sm {
    async fn send(&self, _: Way, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, LinkFailure> {
        Ok(Response::new(request.into_body()))
    }
}

/// Runs what never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory does not wait"),
    }
}

fn imsi(at: u64) -> String {
    format!("00101{at:010}")
}

fn attaches(counts: &[u64]) {
    println!("\nattaches and calls over a store in memory, natively: µs each");
    println!(
        "{:>11} {:>10} {:>12} {:>14} {:>12} {:>14}",
        "subscribers", "attach", "AKA alone", "attaches/s", "call", "without"
    );
    for &count in counts {
        let policy = Policy::compile(document(10), 0).unwrap_or_else(|findings| panic!("{findings:?}"));
        // A minute passes with each reading, so that no limit of a minute is ever reached.
        let clock = Rc::new(Cell::new(1_000_000_u64));
        let ticking = Rc::clone(&clock);
        let tick = move || {
            ticking.set(ticking.get() + 1);
            ticking.get()
        };
        let mut state = 1_u64;
        let chance = move |bytes: &mut [u8]| {
            for byte in bytes {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (state >> 56) as u8;
            }
        };
        let store = Memory::new(policy, tick, chance);
        let record = json!({
            "k": hex::encode(K), "opc": hex::encode(OPC), "class": "operational",
            "contract": { "apns": ["internet"], "defaultApn": "internet" },
        })
        .to_string();
        for at in 0..count {
            let imsi: rsp::Imsi = imsi(at).parse().unwrap();
            let record = Record::new(imsi.clone(), record.clone().into());
            now(store.ask(Tag::of(&imsi), Ask::Provision(record))).unwrap().unwrap();
        }
        let router = Router::new(store, Sm, Tokens::default());
        let post = |path: &str, body: &Value| {
            let request = Request::post(path).body(serde_json::to_vec(body).unwrap()).unwrap();
            let (response, fault) = now(router.handle(request));
            assert_eq!((response.status().as_u16(), fault), (200, None), "{path}");
            response.into_body()
        };
        let parameters = Parameters::milenage(K, OPC);
        let attach = |at: u32| {
            let imsi = imsi(u64::from(at).wrapping_mul(7_919) % count);
            let challenge: Value =
                serde_json::from_slice(&post("/network/attach", &json!({ "imsi": imsi }))).unwrap();
            let hex16 = |name: &str| {
                <[u8; 16]>::try_from(hex::decode(challenge[name].as_str().unwrap()).unwrap()).unwrap()
            };
            let mut fresh = SqnArray::new(SqnRules { delta: None, age_limit: None });
            let Outcome::Success { res, .. } =
                authenticate(&parameters, &mut fresh, &hex16("rand"), &hex16("autn"))
            else {
                panic!("the card is content");
            };
            let path = format!("/network/attach/{}/response", challenge["attachId"].as_str().unwrap());
            post(&path, &json!({ "res": hex::encode(res.expose_bytes()) }))
        };
        let attached = each(2_000, |at| drop(black_box(attach(at))));
        // The network's vector twice (challenge and judgement), the card's answer once.
        let alone = each(2_000, |at| {
            let sqn = Sqn::try_from(u64::from(at + 1) << 5).unwrap();
            let made = vector(&parameters, sqn, [0x80, 0], [at as u8; 16]);
            black_box(vector(&parameters, sqn, [0x80, 0], [at as u8; 16]));
            let mut fresh = SqnArray::new(SqnRules { delta: None, age_limit: None });
            black_box(authenticate(&parameters, &mut fresh, &made.rand, &made.autn));
        });
        let session: Value = serde_json::from_slice(&attach(0)).unwrap();
        let path = format!(
            "/network/sessions/{}/http/smdp.example/gsma/rsp2/es9plus/initiateAuthentication",
            session["sessionId"].as_str().unwrap()
        );
        let body = json!({ "euiccInfo1": "x".repeat(2_000) });
        let call = each(2_000, |_| drop(black_box(post(&path, &body))));
        let bare = each(2_000, |_| {
            let request =
                Request::post("https://smdp.example/").body(serde_json::to_vec(&body).unwrap()).unwrap();
            drop(black_box(now(Sm.send(Way::Binding, request)).unwrap()));
        });
        println!(
            "{count:>11} {attached:>10.1} {alone:>12.1} {:>14.0} {call:>12.1} {bare:>14.1}",
            1e6 / attached
        );
    }
}
