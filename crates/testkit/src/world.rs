//! The four parties and the wires between them.

mod faults;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_smdp::admission::AdmissionText;
use edge_smdp::store::memory::Memory as Profiles;
use edge_smdp::{Configuration, Limits, Protection, Server, SmDp};
use http::{Method, Request, Response};
use lab::{HomeNetwork, Subscription, Trust};
use lpa::{
    Answer, Cancellation, Cancellations, CardLost, Checkpoint, Effect, Failure, HttpAnswer, Outcome,
    Procedure, Question, Refresh, Reply, ServerLost, Step,
};
use net_policy_worker::gateway::Way;
use net_policy_worker::policy::{Document, Policy};
use net_policy_worker::router::{Link, LinkFailure, Router, Tokens};
use net_policy_worker::store::Memory as Subscribers;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rsp::ActivationCode;
use rsp::auth::DeviceInfo;
use rsp::rat::RulesAuthorisationTable;
use rsp_crypto::issue::{Identity, LpaPki};
use rsp_crypto::{CiKey, Software, ready};
use serde_json::{Value, json};
use suci::{HomeNetworkKey, Scheme};
use wasm_euicc::nvm::{Medium, MemoryMedium};
use wasm_euicc::{Env, Euicc, Factory};
use zeroize::Zeroizing;

pub use faults::{CallFault, CardFault};

use crate::smds::{OTHER_SMDS_ADDRESS, SMDS_ADDRESS, Smds};
use crate::stopwatch::Stopwatch;
use crate::terminal::Attached;
use faults::Faults;

/// Where the SM-DP+ is.
pub const SMDP_ADDRESS: &str = "smdp.example.com";
/// The operator's token at both servers.
pub const TOKEN: &str = "the laboratory's operator";
/// When the World begins: 2026-01-01T00:00:00Z, in seconds since 1970.
pub const START: u64 = 1_767_225_600;

/// Where the time of a World went since [`World::watch`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Watched {
    /// In the chip.
    pub chip: Duration,
    /// In the SM-DP+.
    pub smdp: Duration,
    /// In the network, without the SM-DP+ behind it.
    pub network: Duration,
    /// All of it.
    pub total: Duration,
}

impl Watched {
    /// In the LPA and in what holds the parties together.
    #[must_use]
    pub fn rest(&self) -> Duration {
        self.total.saturating_sub(self.chip + self.smdp + self.network)
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The chip, to the terminal.
    Chip,
    /// The SM-DP+, over HTTP.
    Smdp,
    /// The network, over HTTP.
    Network,
}

/// A request and its answer, as bytes on a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Who was asked.
    pub party: Party,
    /// What was called: empty for APDUs, method and path for HTTP.
    pub target: String,
    /// The request.
    pub request: Vec<u8>,
    /// The answer; `None` when it was lost.
    pub answer: Option<Vec<u8>>,
}

/// How a World differs from the usual one.
pub struct Settings {
    /// The chip's memory in bytes.
    pub memory: Option<u32>,
    /// Whom the chip trusts, when it is not the server's issuer.
    pub chip_trust: Option<Trust>,
    /// Whom the server trusts, when it is not the laboratory's issuer.
    pub server_trust: Option<Trust>,
    /// Which profile policy rules the chip allows to whom; usually any to anybody, with the
    /// user's consent.
    pub rules: Option<RulesAuthorisationTable>,
    /// How the SM-DP+ protects packages.
    pub protection: Protection,
    /// The SM-DP+'s limits.
    pub limits: Limits,
    /// The CA that LPAs must be certified by, and the certificate of this one; without it
    /// everybody is served.
    pub lpas: Option<LpaPki>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory: None,
            chip_trust: None,
            server_trust: None,
            rules: None,
            protection: Protection::SessionKeys,
            limits: Limits::default(),
            lpas: None,
        }
    }
}

/// What the chip lives in.
struct ChipEnv {
    rng: ChaCha20Rng,
    medium: MemoryMedium,
}

impl Env for ChipEnv {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        self.rng.fill_bytes(bytes);
    }

    fn medium(&mut self) -> &mut dyn Medium {
        &mut self.medium
    }
}

type Smdp = SmDp<Software<ChaCha20Rng>, Profiles, Rc<Cell<u64>>, RefCell<ChaCha20Rng>>;

/// The network's way to the SM-DP+; what passes is written down here.
struct SmLink {
    smdp: Rc<Smdp>,
    smds: Rc<Smds>,
    log: Rc<RefCell<Vec<Exchange>>>,
    faults: Rc<RefCell<Faults>>,
    watched: Rc<Cell<Watched>>,
    calls: Rc<Cell<usize>>,
}

impl Link for SmLink {
    async fn send(&self, _: Way, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, LinkFailure> {
        let target = format!("{} {}", request.method(), request.uri().path());
        let body = request.body().clone();
        self.calls.set(self.calls.get() + 1);
        let due = self.faults.borrow_mut().call.take_if(|(at, _)| *at == self.calls.get());
        let fault = due.map(|(_, fault)| fault);
        let is_named = |name: &mut String| target.ends_with(name.as_str());
        let lost = self.faults.borrow_mut().lose_request_of.take_if(is_named).is_some();
        if lost || fault == Some(CallFault::RequestLost) {
            return Err(LinkFailure::Late);
        }
        let unheard = match &self.faults.borrow().instead {
            Some(instead) if !instead.heard && target.ends_with(&instead.function) => {
                Some((instead.body.clone(), instead.answer()))
            }
            _ => None,
        };
        if let Some((body, answer)) = unheard {
            let answer_sent = Some(body);
            self.log.borrow_mut().push(Exchange {
                party: Party::Smdp,
                target,
                request: request.into_body(),
                answer: answer_sent,
            });
            return answer;
        }
        let start = Stopwatch::start();
        let host = request.uri().host().unwrap_or_default().to_owned();
        let mut response = match Smds::is_at(&host) {
            true => self.smds.handle(&host, &request),
            false => self.smdp.handle(request).await,
        };
        add(&self.watched, |watched| watched.smdp += start.elapsed());
        let mut faults = self.faults.borrow_mut();
        let lost = fault == Some(CallFault::AnswerLost) || faults.lose_answer_of.take_if(is_named).is_some();
        if let Some(instead) = faults.instead.as_ref().filter(|instead| target.ends_with(&instead.function)) {
            response = instead.answer()?;
        }
        if let Some(change) = &mut faults.change_answer {
            change(&target, response.body_mut());
        }
        let answer = (!lost).then(|| response.body().clone());
        self.log.borrow_mut().push(Exchange { party: Party::Smdp, target, request: body, answer });
        if lost { Err(LinkFailure::Late) } else { Ok(response) }
    }
}

fn add(watched: &Cell<Watched>, change: impl FnOnce(&mut Watched)) {
    let mut value = watched.get();
    change(&mut value);
    watched.set(value);
}

/// An order that was made at the SM-DP+.
#[derive(Clone, Debug)]
pub struct Order {
    /// 18 to 20 digits.
    pub iccid: String,
    /// What the user gets.
    pub code: ActivationCode,
}

/// Chip, LPA host, SM-DP+ and network in one process.
pub struct World {
    chip: Option<Euicc<ChipEnv>>,
    factory: Factory,
    smdp: Rc<Smdp>,
    network: Router<Subscribers, SmLink>,
    clock: Rc<Cell<u64>>,
    log: Rc<RefCell<Vec<Exchange>>>,
    faults: Rc<RefCell<Faults>>,
    commands: usize,
    calls: Rc<Cell<usize>>,
    /// Whether the chip was told what the terminal can do.
    pub(crate) toolkit: bool,
    /// The SM-DS of the root and another.
    pub smds: Rc<Smds>,
    /// The checkpoint that is kept, as bytes.
    pub kept: Option<Vec<u8>>,
    /// The cancellations that are kept, as bytes.
    pub untold: Option<Vec<u8>>,
    watched: Rc<Cell<Watched>>,
    since: Stopwatch,
    /// Who signs the LPA's requests, if anybody.
    pub lpa: Option<Identity>,
    pub(crate) attached: Option<Attached>,
    /// The bootstrap subscription on the chip.
    pub provisioning: Subscription,
    /// Contracts that the SM-DP+ has profiles of.
    pub operational: Vec<Subscription>,
    /// What the procedures went through.
    pub steps: Vec<Step>,
}

impl World {
    /// The usual World.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Settings::default())
    }

    /// A World that differs.
    ///
    /// # Panics
    /// When the laboratory cannot be set up: a mistake in it.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "a test that cannot be set up says so by panicking")]
    pub fn with(seed: u64, settings: Settings) -> Self {
        let mut keys = [0; 32];
        keys[..8].copy_from_slice(&seed.to_be_bytes());
        let chance = |stream: u8| {
            let mut seed = keys;
            seed[31] = stream;
            ChaCha20Rng::from_seed(seed)
        };
        let own = || Trust::generate(keys, SMDP_ADDRESS, START - 86_400).unwrap();
        let server_trust = settings.server_trust.unwrap_or_else(own);
        let pki = Trust::pki(keys, SMDP_ADDRESS, START - 86_400).unwrap();
        let provisioning = Subscription::provisioning(&keys);
        let operational = Subscription::operational(&keys);

        let chip_trust = settings.chip_trust.as_ref().unwrap_or(&server_trust);
        let identity = chip_trust.chip_identity(&provisioning).to_string();
        let mut factory = Factory::from_json(identity.as_bytes()).unwrap();
        if let Some(memory) = settings.memory {
            factory.memory = memory;
        }
        if let Some(rules) = settings.rules {
            factory.rules = rules;
        }
        factory.root_ds_address = SMDS_ADDRESS.to_owned();
        let env = ChipEnv { rng: chance(1), medium: MemoryMedium::new() };
        let chip = factory.manufacture(env).unwrap();

        let clock = Rc::new(Cell::new(START));
        let lpa_ca = settings.lpas.as_ref().map(|lpas| lpas.ca.certificate_pem().unwrap());
        let admission = AdmissionText {
            mode: if lpa_ca.is_some() { "certificate" } else { "open" },
            ca: lpa_ca.as_deref().unwrap_or_default(),
            ..AdmissionText::default()
        };
        let configuration = Configuration {
            admission,
            credentials: &server_trust.smdp_credentials().to_string(),
            secret: &"5e".repeat(32),
            operator_token: Some(TOKEN),
            addresses: SMDP_ADDRESS,
            protection: settings.protection,
            limits: settings.limits,
            ..Configuration::default()
        };
        let server = ready(Server::new(Software::new(chance(2)), &configuration)).unwrap();
        let server = SmDp::new(Rc::new(server), Profiles::new(), Rc::clone(&clock), RefCell::new(chance(3)));
        let smdp = Rc::new(server);

        let log = Rc::default();
        let faults = Rc::default();
        let addresses = [SMDP_ADDRESS, SMDS_ADDRESS, OTHER_SMDS_ADDRESS].join(",");
        let document = Document::of_deployment("sm.provisioning", &addresses).unwrap();
        let policy = Policy::compile(document, 0).unwrap();
        let time = Rc::clone(&clock);
        let mut rng = chance(4);
        // The network counts milliseconds.
        let now = move || time.get() * 1000;
        let subscribers = Subscribers::new(policy, now, move |bytes| rng.fill_bytes(bytes));
        let watched = Rc::default();
        let calls: Rc<Cell<usize>> = Rc::default();
        let ci = CiKey::from_certificate(pki.ci.certificate()).unwrap();
        let smds = Smds::new(pki.ds_auth, ci, Rc::clone(&clock), chance(5), chance(6));
        let smds = Rc::new(smds);
        let link = SmLink {
            smdp: Rc::clone(&smdp),
            smds: Rc::clone(&smds),
            log: Rc::clone(&log),
            faults: Rc::clone(&faults),
            watched: Rc::clone(&watched),
            calls: Rc::clone(&calls),
        };
        let token = Some(Zeroizing::new(TOKEN.to_owned()));
        let network = Router::new(subscribers, link, Tokens::of_operator(token))
            .with_home_network_keys(home_network_keys(&keys));

        let world = Self {
            chip: Some(chip),
            factory,
            smdp,
            network,
            clock,
            log,
            faults,
            commands: 0,
            calls,
            toolkit: false,
            smds,
            kept: None,
            untold: None,
            watched,
            since: Stopwatch::start(),
            lpa: settings.lpas.map(|lpas| lpas.lpa),
            attached: None,
            provisioning,
            operational,
            steps: Vec::new(),
        };
        world.provision();
        world
    }

    /// Tells the network of every subscriber, and the SM-DP+ of every contract.
    fn provision(&self) {
        let contracts = self.operational.clone();
        for subscription in contracts.iter().chain([&self.provisioning.clone()]) {
            self.subscribe(subscription.imsi, &subscription.network_record());
        }
        for subscription in &contracts {
            self.upload(&subscription.operator_upload());
        }
    }

    /// Writes a subscriber into the network.
    ///
    /// # Panics
    /// When the network refuses it.
    pub fn subscribe(&self, imsi: &str, record: &Value) {
        let path = format!("/network/subscribers/{imsi}");
        let (status, answer) = self.ask_network(Method::PUT, &path, Some(record));
        assert!(status < 300, "{status} {answer}");
    }

    /// Brings a profile to the SM-DP+; returns the answer.
    ///
    /// # Panics
    /// When the SM-DP+ refuses it.
    pub fn upload(&self, upload: &Value) -> Value {
        let (status, answer) = self.ask_smdp(Method::POST, "/operator/profiles", Some(upload));
        assert!(status < 300, "{status} {answer}");
        answer
    }

    /// Orders a profile by its ICCID and releases it.
    ///
    /// # Panics
    /// When the SM-DP+ refuses the order.
    #[expect(clippy::unwrap_used, reason = "a test that cannot be set up says so by panicking")]
    pub fn order(&self, iccid: &str, confirmation_code: Option<&str>) -> Order {
        let call = format!("{iccid}-{}", self.log.borrow().len());
        let header = |step: &str| json!({ "functionRequesterIdentifier": "2.999.2", "functionCallIdentifier": format!("{call}-{step}") });
        let ordered = self.es2("downloadOrder", &json!({ "header": header("order"), "iccid": iccid }));
        assert_eq!(ordered["iccid"], iccid, "{ordered}");
        let mut confirm = json!({ "header": header("confirm"), "iccid": iccid, "releaseFlag": false });
        if let Some(code) = confirmation_code {
            confirm["confirmationCode"] = json!(code);
        }
        let confirmed = self.es2("confirmOrder", &confirm);
        let matching_id = confirmed["matchingId"].as_str().unwrap_or_default();
        let address = confirmed["smdpAddress"].as_str().unwrap_or(SMDP_ADDRESS);
        let code = format!("LPA:1${address}${matching_id}");
        self.es2("releaseProfile", &json!({ "header": header("release"), "iccid": iccid }));
        Order { iccid: iccid.to_owned(), code: code.parse().unwrap() }
    }

    /// Calls a function of ES2+.
    pub fn es2(&self, function: &str, request: &Value) -> Value {
        self.ask_smdp(Method::POST, &format!("/gsma/rsp2/es2plus/{function}"), Some(request)).1
    }

    /// Asks the SM-DP+ as the operator does, not through the network.
    pub fn ask_smdp(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = operator_request(method, path, body);
        let sent = request.body().clone();
        let response = ready(self.smdp.handle(request));
        self.write_down(Party::Smdp, path, sent, response.body());
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or(Value::Null))
    }

    /// Asks the network as the terminal or the operator does.
    pub fn ask_network(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, answer) = self.network_bytes(operator_request(method, path, body));
        (status, serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    /// Sends any bytes to the SM-DP+, with the operator's token.
    pub fn send_smdp(&self, method: Method, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let response = ready(self.smdp.handle(operator_request(method, path, None).map(|_| body)));
        (response.status().as_u16(), response.into_body())
    }

    /// Sends any bytes to the network, with the operator's token.
    pub fn send_network(&self, method: Method, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        self.network_bytes(operator_request(method, path, None).map(|_| body))
    }

    fn network_bytes(&self, request: Request<Vec<u8>>) -> (u16, Vec<u8>) {
        let path = request.uri().path().to_owned();
        let sent = request.body().clone();
        let start = Stopwatch::start();
        let before = self.watched.get().smdp;
        let (response, fault) = ready(self.network.handle(request));
        add(&self.watched, |watched| {
            watched.network += start.elapsed().saturating_sub(watched.smdp - before)
        });
        assert!(fault.is_none(), "the network is out of order");
        self.write_down(Party::Network, &path, sent, response.body());
        (response.status().as_u16(), response.into_body())
    }

    fn write_down(&self, party: Party, target: &str, request: Vec<u8>, answer: &[u8]) {
        let answer = Some(answer.to_vec());
        self.log.borrow_mut().push(Exchange { party, target: target.to_owned(), request, answer });
    }

    /// Everything that passed, in order.
    #[must_use]
    pub fn log(&self) -> Vec<Exchange> {
        self.log.borrow().clone()
    }

    /// Begins to measure where the time goes.
    pub fn watch(&mut self) {
        self.watched.set(Watched::default());
        self.since = Stopwatch::start();
    }

    /// What was measured since.
    #[must_use]
    pub fn watched(&self) -> Watched {
        Watched { total: self.since.elapsed(), ..self.watched.get() }
    }

    /// How often the SM-DP+ was called with this function.
    #[must_use]
    pub fn calls_of(&self, function: &str) -> usize {
        self.log.borrow().iter().filter(|e| e.party == Party::Smdp && e.target.ends_with(function)).count()
    }

    /// Sends a command to the chip.
    ///
    /// # Errors
    /// When the power was cut.
    pub fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardLost> {
        let mut command = command.to_vec();
        if let Some(change) = &mut self.faults.borrow_mut().change_command {
            change(&mut command);
        }
        self.commands += 1;
        let due = self.faults.borrow_mut().card.take_if(|(at, _)| *at == self.commands);
        let fault = due.map(|(_, fault)| fault);
        match fault {
            Some(CardFault::CommandLost) => return Err(CardLost::said("the command was lost")),
            Some(CardFault::PowerBefore) => {
                self.power_cycle();
                return Err(CardLost::said("the power was cut"));
            }
            Some(CardFault::Refused(sw)) => return Ok(sw.0.to_be_bytes().to_vec()),
            Some(CardFault::AnswerLost | CardFault::PowerAfter | CardFault::Misreported(_)) | None => {}
        }
        let Some(chip) = &mut self.chip else { return Err(CardLost::said("there is no chip")) };
        let start = Stopwatch::start();
        let answer = chip.transmit(&command);
        add(&self.watched, |watched| watched.chip += start.elapsed());
        self.write_down(Party::Chip, "", command, &answer);
        match fault {
            Some(CardFault::AnswerLost) => Err(CardLost::said("the answer was lost")),
            Some(CardFault::Misreported(sw)) => Ok(sw.0.to_be_bytes().to_vec()),
            Some(CardFault::PowerAfter) => {
                self.power_cycle();
                Err(CardLost::said("the power was cut"))
            }
            _ => Ok(answer),
        }
    }

    /// Resets the chip.
    pub fn reset(&mut self) {
        if let Some(chip) = &mut self.chip {
            chip.reset();
        }
    }

    /// Takes the chip's power and gives it back: only its memory is kept.
    ///
    /// # Panics
    /// When the chip does not come up again.
    #[expect(clippy::unwrap_used, reason = "a chip that does not come up is what a test looks for")]
    pub fn power_cycle(&mut self) {
        if let Some(chip) = self.chip.take() {
            self.chip = Some(self.factory.manufacture(chip.into_env()).unwrap());
        }
    }

    /// Puts a new chip in the place of this one, with the same provisioning profile.
    ///
    /// # Panics
    /// When the laboratory cannot make it.
    #[expect(clippy::unwrap_used, reason = "a test that cannot be set up says so by panicking")]
    pub fn exchange_chip(&mut self, identity: &Trust) {
        let identity = identity.chip_identity(&self.provisioning).to_string();
        self.factory = Factory::from_json(identity.as_bytes()).unwrap();
        let rng = ChaCha20Rng::from_seed([5; 32]);
        self.chip = Some(self.factory.manufacture(ChipEnv { rng, medium: MemoryMedium::new() }).unwrap());
    }

    /// Bytes of the chip's memory that are free.
    #[must_use]
    pub fn free_memory(&self) -> usize {
        self.chip.as_ref().map_or(0, Euicc::free_memory)
    }

    /// How many commands the chip was sent.
    #[must_use]
    pub const fn commands(&self) -> usize {
        self.commands
    }

    /// How often the LPA has called a server.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.get()
    }

    /// Lets time pass.
    pub fn wait(&self, seconds: u64) {
        self.clock.set(self.clock.get() + seconds);
    }

    /// Drives a procedure to its end; `user` answers its questions. Servers are
    /// reached through the bearer of the attached session only.
    ///
    /// # Errors
    /// The procedure's failure.
    pub fn run(
        &mut self,
        mut procedure: Procedure,
        mut user: impl FnMut(&Question) -> Reply,
    ) -> Result<Outcome, Failure> {
        let mut answer = Answer::Begin;
        loop {
            match self.perform(procedure.resume(answer), &mut user) {
                Ok(next) => answer = next,
                Err(result) => return *result,
            }
        }
    }

    /// Performs one effect of a procedure.
    ///
    /// # Errors
    /// What the procedure ended with.
    pub fn perform(
        &mut self,
        effect: Effect,
        user: impl FnOnce(&Question) -> Reply,
    ) -> Result<Answer, Box<Result<Outcome, Failure>>> {
        Ok(match effect {
            Effect::Card(command) => Answer::Card(self.transmit(&command)),
            Effect::Server(call) => {
                Answer::Server(self.through_bearer(&format!("{}{}", call.address, call.path()), call.body))
            }
            Effect::Ask(question) => Answer::Reply(user(&question)),
            Effect::Progress(progress) => {
                self.steps.push(progress.step);
                Answer::Continue
            }
            Effect::Keep(checkpoint) => {
                self.kept = Some(checkpoint.encode());
                self.change_untold(|kept| kept.forget_profile(checkpoint.iccid()));
                Answer::Continue
            }
            Effect::Forget(_) => {
                self.kept = None;
                Answer::Continue
            }
            Effect::KeepCancellation(cancellation) => {
                let now = self.clock.get();
                self.change_untold(|kept| kept.keep(*cancellation, now));
                Answer::Continue
            }
            Effect::ForgetCancellation(id) => {
                self.change_untold(|kept| kept.forget(&id));
                Answer::Continue
            }
            Effect::Refresh(refresh) => {
                self.change_profile(refresh);
                Answer::Continue
            }
            Effect::Done(result) => return Err(Box::new(result)),
        })
    }

    /// Drives a change of the enabled profile until the chip is to be refreshed, and lets
    /// the procedure go there.
    ///
    /// # Errors
    /// The procedure's failure before that.
    ///
    /// # Panics
    /// When it ends well without a refresh.
    pub fn until_refresh(&mut self, mut procedure: Procedure) -> Result<Refresh, Failure> {
        let mut answer = Answer::Begin;
        loop {
            let effect = procedure.resume(answer);
            if let Effect::Refresh(refresh) = effect {
                return Ok(refresh);
            }
            match self.perform(effect, |_| Reply::Accept) {
                Ok(next) => answer = next,
                Err(result) => match *result {
                    Err(failure) => return Err(failure),
                    Ok(outcome) => unreachable!("no refresh: {outcome:?}"),
                },
            }
        }
    }

    /// What a phone does when its chip is to change its profile: the refresh, and the
    /// network anew where there was one.
    fn change_profile(&mut self, refresh: Refresh) {
        match refresh {
            Refresh::Proactive => drop(self.refresh()),
            Refresh::Reset => self.reset(),
        }
        if self.toolkit {
            self.terminal_profile();
        }
        if self.attached.is_some() {
            // Without service the notifications wait.
            drop(self.attach(None));
        }
    }

    /// The checkpoint that is kept, read as after a reload.
    ///
    /// # Panics
    /// When what was kept can't be read.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let read = |bytes: &Vec<u8>| {
            Checkpoint::decode(bytes).unwrap_or_else(|error| unreachable!("what was kept: {error}"))
        };
        self.kept.as_ref().map(read)
    }

    /// The cancellations that are kept, read as after a reload.
    ///
    /// # Panics
    /// When what was kept can't be read.
    #[must_use]
    pub fn cancellations(&self) -> Cancellations {
        let read = |bytes: &Vec<u8>| {
            Cancellations::decode(bytes).unwrap_or_else(|error| unreachable!("what was kept: {error}"))
        };
        self.untold.as_ref().map(read).unwrap_or_default()
    }

    fn change_untold(&mut self, change: impl FnOnce(&mut Cancellations)) {
        let mut kept = self.cancellations();
        change(&mut kept);
        self.untold = (!kept.is_empty()).then(|| kept.encode());
    }

    /// Sends every cancellation that is kept, as a phone does when it has service again, or
    /// its card. Nobody is asked anything by it.
    pub fn send_cancellations(&mut self) -> Vec<Result<Outcome, Failure>> {
        let kept = self.cancellations();
        let send = |one: &Cancellation| {
            let procedure = lpa::send_cancellation(one.clone(), device(), lpa::Options::default());
            self.run(procedure, |question| unreachable!("nobody is there to be asked: {question:?}"))
        };
        kept.iter().map(send).collect()
    }

    /// Goes on with the download that was interrupted, with a user who says yes; `None`
    /// when nothing was kept.
    ///
    /// # Errors
    /// The procedure's failure.
    pub fn go_on(&mut self) -> Option<Result<Outcome, Failure>> {
        let procedure = lpa::resume(self.checkpoint()?, device(), lpa::Options::default());
        Some(self.run(procedure, |_| Reply::Accept))
    }

    /// Downloads with a user who says yes.
    ///
    /// # Errors
    /// The procedure's failure.
    pub fn download(&mut self, code: &ActivationCode) -> Result<Outcome, Failure> {
        let procedure = lpa::download(code.clone(), device(), lpa::Options::default());
        self.run(procedure, |_| Reply::Accept)
    }

    /// The proof that the LPA holds a certified key, where it has one.
    fn signature(&self, path: &str, body: &[u8]) -> Result<Vec<(&'static str, String)>, ServerLost> {
        let (Some(lpa), Some(at)) = (&self.lpa, path.find('/')) else { return Ok(Vec::new()) };
        let (authority, path) = path.split_at(at);
        let certificate = lpa.certificate().der();
        let request = httpsig::lpa::Request::new(authority, path, body, certificate, self.clock.get());
        let request = request.map_err(|error| ServerLost::said(error.to_string()))?;
        let signature = lpa.expose_key().sign(request.base());
        Ok(request.finish(&signature.0).into())
    }

    fn through_bearer(&self, path: &str, body: Vec<u8>) -> Result<HttpAnswer, ServerLost> {
        let Some(session) = &self.attached else { return Err(ServerLost::said("no service")) };
        let uri = format!("/network/sessions/{}/http/{path}", session.id);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header("content-type", "application/json")
            .header("x-admin-protocol", rsp::es9::ADMIN_PROTOCOL);
        for (name, value) in self.signature(path, &body)? {
            request = request.header(name, value);
        }
        let request = request.body(body).map_err(|error| ServerLost::said(error.to_string()))?;
        let (status, body) = self.network_bytes(request);
        if status == 504 || status == 502 {
            Err(ServerLost::said(format!("HTTP {status}")))
        } else {
            Ok(HttpAnswer { status, body })
        }
    }
}

/// The laboratory's key, and as 27 and 28 the published ones of 3GPP TS 33.501 §C.4.3 (profile A) and
/// §C.4.4 (profile B).
fn home_network_keys(seed: &[u8; 32]) -> Vec<HomeNetworkKey> {
    const PUBLISHED: [(u8, Scheme, &str); 2] = [
        (27, Scheme::ProfileA, "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d"),
        (28, Scheme::ProfileB, "f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda"),
    ];
    let published = PUBLISHED.map(|(id, scheme, private)| {
        let mut key = [0; 32];
        let read = hex::decode_to_slice(private, &mut key).ok();
        read.and_then(|()| HomeNetworkKey::new(id, scheme, key).ok())
            .unwrap_or_else(|| unreachable!("the published key {id} is one"))
    });
    [HomeNetwork::new(seed).key()].into_iter().chain(published).collect()
}

fn operator_request(method: Method, path: &str, body: Option<&Value>) -> Request<Vec<u8>> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json");
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    request.body(body).unwrap_or_else(|error| unreachable!("a test's request is sound: {error}"))
}

/// The device that the LPA tells of: no IMEI, E-UTRAN of release 15.
#[must_use]
pub fn device() -> DeviceInfo {
    let mut capabilities = [None; 11];
    capabilities[5] = Some(rsp::Version([15, 0, 0]));
    DeviceInfo { tac: [0x35, 0x29, 0x06, 0x11], capabilities, imei: None }
}
