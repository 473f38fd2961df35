//! However many requests are under way, in whatever order their answers come, and whatever
//! becomes of their session meanwhile: no byte goes over a limit.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod world;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use net_policy_worker::gateway::Way;
use net_policy_worker::policy::{Document, Policy};
use net_policy_worker::refusal::Fault;
use net_policy_worker::router::{Link, LinkFailure, Router, Tokens};
use net_policy_worker::store::{Memory, Store};
use proptest::prelude::*;
use serde_json::{Value, json};
use world::{Card, K, OPC, PROVISIONING, Shelf, TOKEN, chance, document, now, request};

const SESSION: usize = 100;
const DAY: usize = 250;

/// The length of an answer, once somebody says it.
type Length = Rc<Cell<Option<usize>>>;

/// An SM that answers when it is told to. What has reached it is counted.
#[derive(Clone, Default)]
struct Slow {
    waiting: Rc<RefCell<Vec<Length>>>,
    received: Rc<Cell<usize>>,
}

impl Link for Slow {
    async fn send(&self, _: Way, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, LinkFailure> {
        self.received.set(self.received.get() + request.body().len());
        let answer = Length::default();
        self.waiting.borrow_mut().push(Rc::clone(&answer));
        let length = std::future::poll_fn(|_| answer.take().map_or(Poll::Pending, Poll::Ready)).await;
        Ok(Response::new(vec![b'x'; length]))
    }
}

/// A provisioning profile may have 100 bytes a session and 250 a day.
fn policy() -> Policy {
    let mut document = serde_json::to_value(document()).unwrap();
    document["rules"][2]["then"]["connect"]["limits"] = json!({ "bytes": SESSION, "bytesPerDay": DAY });
    Policy::compile(Document::read(document.to_string().as_bytes()).unwrap(), 0).unwrap()
}

fn tokens() -> Tokens {
    Tokens::of_operator(Some(TOKEN.to_owned().into()))
}

/// Both stores, each with an SM and a clock.
fn each(test: impl Fn(&dyn Network, &Slow, &Cell<u64>)) {
    let clock = Rc::new(Cell::new(1_000_000));
    let (ticking, sm) = (Rc::clone(&clock), Slow::default());
    let memory = Memory::new(policy(), move || ticking.get(), chance(42));
    test(&Router::new(memory, sm.clone(), tokens()), &sm, &clock);
    let clock = Rc::new(Cell::new(1_000_000));
    let sm = Slow::default();
    let shelf = Shelf::new(policy(), Rc::clone(&clock));
    test(&Router::new(shelf, sm.clone(), tokens()), &sm, &clock);
}

type Answering<'n> = Pin<Box<dyn Future<Output = (Response<Vec<u8>>, Option<Fault>)> + 'n>>;

/// A network over whatever store.
trait Network {
    fn handle(&self, request: Request<Vec<u8>>) -> Answering<'_>;
}

impl<S: Store> Network for Router<S, Slow> {
    fn handle(&self, request: Request<Vec<u8>>) -> Answering<'_> {
        Box::pin(Self::handle(self, request))
    }
}

fn call(network: &dyn Network, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let (answer, fault) = now(network.handle(request(method, path, body, Some(&format!("Bearer {TOKEN}")))));
    assert_eq!(fault, None);
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

fn provision(network: &dyn Network) {
    let record = json!({ "k": K, "opc": OPC, "class": "provisioning" });
    call(network, "PUT", &format!("/network/subscribers/{PROVISIONING}"), Some(&record));
}

fn attach(network: &dyn Network, card: &mut Card) -> Option<String> {
    let (_, challenge) = call(network, "POST", "/network/attach", Some(&json!({ "imsi": PROVISIONING })));
    let path = format!("/network/attach/{}/response", challenge["attachId"].as_str()?);
    let (_, session) = call(network, "POST", &path, Some(&card.answer(&challenge)));
    session["sessionId"].as_str().map(str::to_owned)
}

fn es9(session: &str, bytes: usize) -> Request<Vec<u8>> {
    let path = format!("/network/sessions/{session}/http/smdp.example/gsma/rsp2/es9plus/x");
    Request::post(path).body(vec![b'x'; bytes]).unwrap()
}

fn polled(answering: &mut Answering<'_>) -> Option<Response<Vec<u8>>> {
    match answering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready((answer, fault)) => {
            assert_eq!(fault, None);
            Some(answer)
        }
        Poll::Pending => None,
    }
}

#[test]
fn of_eight_answers_at_once_those_come_that_there_is_room_for() {
    each(|network, sm, _| {
        provision(network);
        let session = attach(network, &mut Card::new()).unwrap();
        let mut under_way: Vec<_> = (0..8).map(|_| network.handle(es9(&session, 2))).collect();
        assert!(under_way.iter_mut().all(|request| polled(request).is_none()), "all of them went out");
        let mut ninth = network.handle(es9(&session, 2));
        assert_eq!(polled(&mut ninth).unwrap().status(), 429);
        // 16 bytes up; each answer would have room alone.
        for answer in &*sm.waiting.borrow() {
            answer.set(Some(40));
        }
        let answers: Vec<_> = under_way.iter_mut().map(|request| polled(request).unwrap()).collect();
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status().as_u16()).collect();
        assert_eq!(statuses, [200, 200, 429, 429, 429, 429, 429, 429]);
        let (_, view) = call(network, "GET", &format!("/network/sessions/{session}"), None);
        assert_eq!((&view["usage"]["bytesUp"], &view["usage"]["bytesDown"]), (&json!(16), &json!(80)));
        assert_eq!(view["usage"]["refused"], 7);
        let (_, log) = call(network, "GET", &format!("/network/sessions/{session}/log"), None);
        let last = log.as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["what"], &last["verdict"], &last["rule"]),
            (&json!("an answer of 40 bytes"), &json!("refused"), &json!("provisioning-apn"))
        );
    });
}

#[test]
fn an_answer_does_not_outlive_its_session() {
    each(|network, sm, clock| {
        provision(network);
        let mut card = Card::new();
        type End<'e> = &'e dyn Fn(&str, &mut Card);
        let ends: [End<'_>; 4] = [
            &|_, card| assert!(attach(network, card).is_some()),
            &|session, _| {
                assert_eq!(call(network, "DELETE", &format!("/network/sessions/{session}"), None).0, 204)
            },
            &|_, _| provision(network),
            &|_, _| clock.set(clock.get() + 12 * 60 * 60_000),
        ];
        for end in ends {
            let session = attach(network, &mut card).unwrap();
            let mut asked = network.handle(es9(&session, 2));
            assert!(polled(&mut asked).is_none());
            end(&session, &mut card);
            sm.waiting.borrow().last().unwrap().set(Some(10));
            let answer = polled(&mut asked).unwrap();
            assert_eq!(answer.status(), 410);
            assert!(!answer.body().starts_with(b"x"));
        }
    });
}

#[derive(Clone, Debug)]
enum Step {
    Ask(usize),
    Answer(usize, usize),
    Attach,
    Detach,
    Change,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..40_usize).prop_map(Step::Ask),
        8 => (0..8_usize, 0..90_usize).prop_map(|(which, bytes)| Step::Answer(which, bytes)),
        2 => Just(Step::Attach),
        1 => Just(Step::Detach),
        1 => Just(Step::Change),
        1 => (1..9_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_order_of_events_goes_over_a_limit(steps in prop::collection::vec(step(), 1..80)) {
        each(|network, sm, clock| {
            provision(network);
            let mut card = Card::new();
            let mut session = attach(network, &mut card).unwrap();
            let mut under_way: Vec<(String, Length, Answering<'_>)> = vec![];
            let (mut of_session, mut of_day) = (BTreeMap::<String, usize>::new(), BTreeMap::<u64, usize>::new());
            let mut all = 0;
            for step in &steps {
                let day = clock.get() / (24 * 60 * 60_000);
                let mut count = |session: &String, bytes: usize| {
                    *of_session.entry(session.clone()).or_default() += bytes;
                    *of_day.entry(day).or_default() += bytes;
                    all += bytes;
                    assert!(of_session[session] <= SESSION && of_day[&day] <= DAY, "{of_session:?} {of_day:?}");
                };
                match step {
                    Step::Ask(bytes) => {
                        let received = sm.received.get();
                        let mut asked = network.handle(es9(&session, *bytes));
                        if polled(&mut asked).is_none() {
                            let answer = Rc::clone(sm.waiting.borrow().last().unwrap());
                            under_way.push((session.clone(), answer, asked));
                        }
                        count(&session, sm.received.get() - received);
                    }
                    Step::Answer(which, bytes) => {
                        if under_way.is_empty() {
                            continue;
                        }
                        let (session, answer, mut asked) = under_way.remove(which % under_way.len());
                        answer.set(Some(*bytes));
                        let answer = polled(&mut asked).unwrap();
                        if answer.status() == 200 {
                            assert_eq!(answer.body().len(), *bytes);
                            count(&session, *bytes);
                        }
                    }
                    Step::Attach => session = attach(network, &mut card).unwrap_or(session),
                    Step::Detach => {
                        call(network, "DELETE", &format!("/network/sessions/{session}"), None);
                    }
                    Step::Change => provision(network),
                    Step::Pass(hours) => clock.set(clock.get() + hours * 60 * 60_000),
                }
            }
            // What is said to have been used is what has passed.
            let (_, usage) = call(network, "GET", &format!("/network/subscribers/{PROVISIONING}/usage"), None);
            let total = &usage["total"];
            let said = total["bytesUp"].as_u64().unwrap() + total["bytesDown"].as_u64().unwrap();
            assert_eq!(said, all as u64);
        });
    }
}
