//! A network in memory, an SM that records what reaches it, and a terminal with a card.

#![allow(dead_code, reason = "each program of tests uses its part of it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use aka::{Outcome, Parameters, SqnArray, SqnRules, authenticate};
use http::{Request, Response};
use net_policy_worker::gateway::Way;
use net_policy_worker::gateway::audit;
use net_policy_worker::identity::Guti;
use net_policy_worker::pcf::outbox::{self, Cores, Departed};
use net_policy_worker::policy::history::{Entry, Proposal, Versions};
use net_policy_worker::policy::{Document, Policy, Version};
use net_policy_worker::refusal::{Fault, Refusal};
use net_policy_worker::router::{Link, LinkFailure, Router, Tokens};
use net_policy_worker::service::{self, Answer, Chance, Owned, Record};
use net_policy_worker::store::{Memory, Store};
use net_policy_worker::subscriber::{Subscriber, SubscriberView, Tag};
use rsp::Imsi;
use serde_json::{Value, json};
use suci::{HomeNetworkKey, Scheme};

pub(crate) const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
pub(crate) const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";
pub(crate) const PROVISIONING: &str = "001010000000001";
pub(crate) const OPERATIONAL: &str = "001010000000002";
pub(crate) const TOKEN: &str = "the operator";
pub(crate) const CORE: &str = "the core network";
pub(crate) const FEEDER: &str = "the SM-DP+";

/// What an SM answers.
type Answered = Result<Response<Vec<u8>>, LinkFailure>;

/// What the SM saw, and how it answers next.
#[derive(Clone, Default)]
pub(crate) struct Sm {
    pub(crate) seen: Rc<RefCell<Vec<Request<Vec<u8>>>>>,
    pub(crate) ways: Rc<RefCell<Vec<Way>>>,
    pub(crate) next: Rc<RefCell<Option<Answered>>>,
}

impl Link for Sm {
    async fn send(&self, way: Way, request: Request<Vec<u8>>) -> Answered {
        self.ways.borrow_mut().push(way);
        self.seen.borrow_mut().push(request);
        let usual = || {
            Ok(Response::builder().header("content-type", "application/json").body(b"{}".to_vec()).unwrap())
        };
        self.next.borrow_mut().take().unwrap_or_else(usual)
    }
}

type Fill = Box<dyn FnMut(&mut [u8])>;

/// Subscribers kept as a Durable Object keeps them: every request, answer and state
/// goes through the text it would be written as.
pub(crate) struct Shelf {
    clock: Rc<Cell<u64>>,
    chance: RefCell<Fill>,
    kept: RefCell<BTreeMap<String, [String; 3]>>,
    verdicts: RefCell<BTreeMap<String, VecDeque<audit::Verdict>>>,
    gutis: RefCell<BTreeMap<[u8; 4], String>>,
    policies: RefCell<Versions>,
    departed: RefCell<BTreeMap<String, String>>,
}

impl Shelf {
    pub(crate) fn new(policy: Policy, clock: Rc<Cell<u64>>) -> Self {
        Self {
            clock,
            chance: RefCell::new(Box::new(chance(42))),
            kept: RefCell::default(),
            verdicts: RefCell::default(),
            gutis: RefCell::default(),
            policies: RefCell::new(Versions::new(policy)),
            departed: RefCell::default(),
        }
    }

    fn departed(&self, tag: &str) -> Departed {
        self.departed
            .borrow()
            .get(tag)
            .map_or_else(Departed::default, |text| serde_json::from_str(text).unwrap())
    }

    /// Sends what is due, as [`Memory::deliver`] does.
    pub(crate) fn deliver(&self, link: &impl Link, cores: &Cores) -> usize {
        let mut sent = 0;
        let mut tags: Vec<String> = self.kept.borrow().keys().cloned().collect();
        tags.extend(self.departed.borrow().keys().cloned());
        tags.sort();
        tags.dedup();
        for tag in tags {
            let change = |work: &mut dyn FnMut(Option<&mut service::Line>, &mut Departed)| {
                let mut departed = self.departed(&tag);
                let mut kept = self.kept.borrow_mut();
                let mut line = kept.get(&tag).map(|[_, _, line]| serde_json::from_str(line).unwrap());
                work(line.as_mut(), &mut departed);
                if let (Some([_, _, kept]), Some(line)) = (kept.get_mut(&tag), line) {
                    *kept = serde_json::to_string(&line).unwrap();
                }
                self.departed.borrow_mut().insert(tag.clone(), serde_json::to_string(&departed).unwrap());
            };
            loop {
                let mut letter = None;
                change(&mut |line, departed| letter = outbox::due(line, departed, self.clock.get()));
                let Some(letter) = letter else { break };
                sent += 1;
                let mut outcome = Some(now(outbox::deliver(link, cores, &letter)));
                let mut verdict = None;
                change(&mut |line, departed| {
                    let outcome = outcome.take().unwrap();
                    verdict = outbox::settle(line, departed, &letter, outcome, self.clock.get());
                });
                audit::keep(self.verdicts.borrow_mut().entry(tag.clone()).or_default(), verdict);
            }
        }
        sent
    }
}

impl Store for Shelf {
    async fn ask(&self, tag: Tag, request: service::Request) -> Result<Result<Answer, Refusal>, Fault> {
        let request = match request {
            service::Request::Provision(record) => service::Request::Provision(record),
            request => serde_json::from_str(&serde_json::to_string(&request).unwrap()).unwrap(),
        };
        let mut bytes = [0; Chance::LEN];
        // A renewal leaves nothing to chance, and how many there are is not the same in both stores.
        if !matches!(request, service::Request::Renew) {
            (self.chance.borrow_mut())(&mut bytes);
        }
        let tag = tag.to_string();
        let tag_text = tag.clone();
        let mut slot = self.kept.borrow_mut().remove(&tag).map(|[imsi, record, line]| Owned {
            subscriber: Subscriber::from_record(imsi.parse().unwrap(), &record).unwrap(),
            line: serde_json::from_str(&line).unwrap(),
        });
        let policy = self.policy().await?;
        let mut departed = self.departed(&tag);
        let answer =
            service::perform(&mut slot, &mut departed, request, self.clock.get(), bytes.into(), &policy);
        self.departed.borrow_mut().insert(tag.clone(), serde_json::to_string(&departed).unwrap());
        if let Some(Owned { subscriber, mut line }) = slot {
            let mut verdicts = self.verdicts.borrow_mut();
            audit::keep(verdicts.entry(tag.clone()).or_default(), line.take_verdicts());
            let line = serde_json::to_string(&line).unwrap();
            let texts = [subscriber.imsi.to_string(), subscriber.expose_record().to_owned(), line];
            self.kept.borrow_mut().insert(tag, texts);
        }
        if let Ok(Answer::Attached { session, replaced }) = &answer {
            let mut gutis = self.gutis.borrow_mut();
            replaced.map(|guti| gutis.remove(&guti.tmsi()));
            gutis.insert(session.guti.unwrap().tmsi(), tag_text);
        }
        Ok(serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap())
    }

    async fn audit(&self, tag: Tag, wanted: &audit::Wanted) -> Result<audit::Page, Fault> {
        let verdicts = self.verdicts.borrow();
        let newest_first = verdicts.get(&tag.to_string()).into_iter().flatten().rev();
        audit::Page::of(newest_first.cloned().map(Ok), wanted)
    }

    async fn guti(&self, guti: Guti) -> Result<Option<Tag>, Fault> {
        Ok(self.gutis.borrow().get(&guti.tmsi()).and_then(|tag| Tag::parse(tag)))
    }

    async fn subscribers(&self, after: &str, most: usize) -> Result<Vec<SubscriberView>, Fault> {
        let kept = self.kept.borrow();
        let view = |[imsi, record, _]: &[String; 3]| {
            Subscriber::from_record(imsi.parse().unwrap(), record).unwrap().view()
        };
        let mut views: Vec<_> = kept.values().map(view).filter(|view| *view.imsi > *after).collect();
        views.sort_by(|a, b| a.imsi.cmp(&b.imsi));
        views.truncate(most);
        Ok(views)
    }

    async fn export(&self, imsi: Imsi) -> Result<Option<Record>, Fault> {
        let kept = self.kept.borrow();
        let Some([_, record, line]) = kept.get(&Tag::of(&imsi).to_string()) else { return Ok(None) };
        let subscriber = Subscriber::from_record(imsi, record).unwrap();
        Ok(Owned { subscriber, line: serde_json::from_str(line).unwrap() }.exported())
    }

    async fn policy(&self) -> Result<Rc<Policy>, Fault> {
        Ok(self.policies.borrow().current().unwrap())
    }

    async fn policy_of(&self, version: Version) -> Result<Option<Rc<Policy>>, Fault> {
        Ok(self.policies.borrow().of(version))
    }

    async fn policies(&self) -> Result<Vec<Entry>, Fault> {
        let entries = self.policies.borrow().entries();
        Ok(serde_json::from_str(&serde_json::to_string(&entries).unwrap()).unwrap())
    }

    async fn propose(&self, proposal: Proposal) -> Result<Result<Entry, Refusal>, Fault> {
        let proposal: Proposal = serde_json::from_str(&serde_json::to_string(&proposal).unwrap()).unwrap();
        let accepted = self.policies.borrow_mut().add(&proposal, self.clock.get());
        if accepted.is_ok() {
            let tags: Vec<String> = self.kept.borrow().keys().cloned().collect();
            for tag in tags {
                let _ = self.ask(Tag::parse(&tag).unwrap(), service::Request::Renew).await?;
            }
        }
        Ok(accepted)
    }
}

static OPENAPI: LazyLock<openapi_check::Document> =
    LazyLock::new(|| openapi_check::Document::parse(include_str!("../../openapi.json")).unwrap());

/// The description of the interfaces.
pub(crate) fn openapi() -> &'static openapi_check::Document {
    &OPENAPI
}

/// Holds an answer against the description; what is not described is refused.
fn described(method: &str, path: &str, answer: &Response<Vec<u8>>) {
    let status = answer.status().as_u16();
    if openapi().operation(method, path).is_none() {
        assert!(matches!(status, 403..=405), "{method} {path}: {status}, and nothing is described");
        return;
    }
    let content_type = answer.headers().get("content-type").map_or("", |value| value.to_str().unwrap());
    let held = openapi().answer(method, path, status, content_type, answer.body());
    held.unwrap_or_else(|why| panic!("{why}"));
}

pub(crate) struct World {
    pub(crate) router: Router<Memory, Sm>,
    /// The same network over a [`Shelf`]: it must answer the same.
    twin: Router<Shelf, Sm>,
    twin_sm: Sm,
    pub(crate) sm: Sm,
    pub(crate) now: Rc<Cell<u64>>,
}

/// An answer: status and JSON.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) raw: Response<Vec<u8>>,
}

pub(crate) fn document() -> Document {
    Document::of_deployment("sm.provisioning", "smdp.example,lab.example:8443")
        .unwrap()
        .with_outside("rsp.operator.example", false)
        .unwrap()
}

pub(crate) fn policy() -> Policy {
    Policy::compile(document(), 0).unwrap()
}

/// The keys of TS 33.501 §C.4.3 and §C.4.4.
pub(crate) fn home_network_keys() -> Vec<HomeNetworkKey> {
    let a = bytes("c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d");
    let b = bytes("f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda");
    vec![
        HomeNetworkKey::new(1, Scheme::ProfileA, a).unwrap(),
        HomeNetworkKey::new(2, Scheme::ProfileB, b).unwrap(),
    ]
}

/// splitmix64: chance that is the same in every run.
pub(crate) fn chance(mut state: u64) -> impl FnMut(&mut [u8]) {
    move |bytes| {
        for byte in bytes {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (z ^ z >> 31) as u8;
        }
    }
}

/// Runs what never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory does not wait"),
    }
}

impl World {
    /// A network without subscribers.
    pub(crate) fn empty(operator: Option<&str>) -> Self {
        let clock = Rc::new(Cell::new(1_000_000));
        let ticking = Rc::clone(&clock);
        let store = Memory::new(policy(), move || ticking.get(), chance(42));
        let sm = Sm::default();
        let token = |token: &str| token.to_owned().into();
        let tokens =
            Tokens { operator: operator.map(token), pcf: Some(token(CORE)), feeder: Some(token(FEEDER)) };
        let router =
            Router::new(store, sm.clone(), tokens.clone()).with_home_network_keys(home_network_keys());
        let shelf = Shelf::new(policy(), Rc::clone(&clock));
        let twin_sm = Sm::default();
        let twin = Router::new(shelf, twin_sm.clone(), tokens).with_home_network_keys(home_network_keys());
        Self { router, twin, twin_sm, sm, now: clock }
    }

    /// A network with one subscriber of each class.
    pub(crate) fn new() -> Self {
        let world = Self::empty(Some(TOKEN));
        let contract =
            json!({"apns": ["internet"], "defaultApn": "internet", "voice": true, "sms": true, "data": true});
        world.provision(PROVISIONING, &json!({"k": K, "opc": OPC, "class": "provisioning"}));
        world.provision(
            OPERATIONAL,
            &json!({"k": K, "opc": OPC, "class": "operational", "contract": contract}),
        );
        world
    }

    pub(crate) fn provision(&self, imsi: &str, record: &Value) {
        let reply = self.operator("PUT", &format!("/network/subscribers/{imsi}"), Some(record));
        assert!(matches!(reply.status, 200 | 201), "{reply:?}");
    }

    pub(crate) fn send(&self, request: Request<Vec<u8>>) -> Reply {
        *self.twin_sm.next.borrow_mut() = self.sm.next.borrow().clone();
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let (twin, _) = now(self.twin.handle(request.clone()));
        let (raw, fault) = now(self.router.handle(request));
        assert_eq!((raw.status(), raw.headers(), raw.body()), (twin.status(), twin.headers(), twin.body()));
        assert_eq!(fault, None);
        let body = serde_json::from_slice(raw.body()).unwrap_or(Value::Null);
        if raw.status().is_client_error() || raw.status().is_server_error() {
            assert_eq!(raw.headers()["content-type"], "application/problem+json");
            // The standard door has the standard's words.
            let why = body.get("because").or_else(|| body.get("detail"));
            assert!(why.and_then(Value::as_str).is_some_and(|why| !why.is_empty()), "{body}");
            assert_eq!(body["status"], raw.status().as_u16());
        }
        assert_eq!(raw.headers()["cache-control"], "no-store");
        described(&method, &path, &raw);
        Reply { status: raw.status().as_u16(), body, raw }
    }

    /// Sends what is to be told to core networks, over both stores: how many notices there were.
    pub(crate) fn deliver(&self, core: &Sm, cores: &Cores) -> usize {
        let twin = Sm { next: Rc::new(RefCell::new(core.next.borrow().clone())), ..Sm::default() };
        let from_shelf = self.twin.store().deliver(&twin, cores);
        let before = core.seen.borrow().len();
        let sent = now(self.router.store().deliver(core, cores));
        let seen = core.seen.borrow();
        let texts = |requests: &[Request<Vec<u8>>]| -> Vec<_> {
            requests.iter().map(|request| (request.uri().to_string(), request.body().clone())).collect()
        };
        assert_eq!(texts(&seen[before..]), texts(&twin.seen.borrow()));
        assert_eq!(sent, from_shelf);
        sent
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.send(request(method, path, body, None))
    }

    pub(crate) fn operator(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.send(request(method, path, body, Some(&format!("Bearer {TOKEN}"))))
    }

    pub(crate) fn respond(&self, challenge: &Value, proof: &Value) -> Reply {
        let id = challenge["attachId"].as_str().unwrap();
        self.call("POST", &format!("/network/attach/{id}/response"), Some(proof))
    }

    pub(crate) fn attach(&self, body: &Value) -> Value {
        let reply = self.call("POST", "/network/attach", Some(body));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    }

    /// Attaches as a terminal does, resynchronisation included.
    pub(crate) fn connect(&self, card: &mut Card, body: &Value) -> Reply {
        let challenge = self.attach(body);
        let reply = self.respond(&challenge, &card.answer(&challenge));
        if reply.body.get("autn").is_none() {
            return reply;
        }
        self.respond(&reply.body, &card.answer(&reply.body))
    }

    /// The id of a new session.
    pub(crate) fn session(&self, card: &mut Card, imsi: &str) -> String {
        let reply = self.connect(card, &json!({"imsi": imsi}));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body["sessionId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn gateway(&self, session: &str, rest: &str) -> Reply {
        self.call("POST", &format!("/network/sessions/{session}/http/{rest}"), Some(&json!({"a": 1})))
    }

    pub(crate) fn pass(&self, milliseconds: u64) {
        self.now.set(self.now.get() + milliseconds);
    }
}

pub(crate) fn request(
    method: &str,
    path: &str,
    body: Option<&Value>,
    authorization: Option<&str>,
) -> Request<Vec<u8>> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    request.body(body.map(|body| serde_json::to_vec(body).unwrap()).unwrap_or_default()).unwrap()
}

/// The card's side, as a chip would run it.
pub(crate) struct Card {
    pub(crate) parameters: Parameters,
    pub(crate) array: SqnArray,
}

impl Card {
    pub(crate) fn new() -> Self {
        Self::with(K)
    }

    pub(crate) fn with(k: &str) -> Self {
        let parameters = Parameters::milenage(bytes(k), bytes(OPC));
        Self { parameters, array: SqnArray::new(SqnRules::default()) }
    }

    /// The response to a challenge, as the API takes it.
    pub(crate) fn answer(&mut self, challenge: &Value) -> Value {
        let rand = bytes(challenge["rand"].as_str().unwrap());
        let autn = bytes(challenge["autn"].as_str().unwrap());
        match authenticate(&self.parameters, &mut self.array, &rand, &autn) {
            Outcome::Success { res, .. } => json!({"res": hex::encode(res.expose_bytes())}),
            Outcome::SyncFailure { auts } => json!({"auts": hex::encode(auts)}),
            Outcome::MacFailure => json!({"failure": "mac"}),
        }
    }
}

pub(crate) fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}
