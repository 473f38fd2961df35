//! The server over a store of the tests, and its eUICCs ([`euicc`]) as far as they call it.

#![allow(dead_code, reason = "every test file uses its part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

pub(crate) mod counted;
pub(crate) mod euicc;
pub(crate) mod openapi;
mod store;
pub(crate) mod turns;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use edge_smdp::{Configuration, Courier, Letter, Limits, NetworkCall, Protection, Server, SmDp};
use http::{Request, Response};
use rand_chacha::ChaCha8Rng;
use rsp::auth::ServerSigned1;
use rsp::codes::CancelSessionReason;
use rsp::{Eid, Raw};
use rsp_crypto::issue::{Identity, Pki, Settings, Validity};
use rsp_crypto::{Curve, Signature, Software, ready, signature};
use serde_json::{Value, json};

pub(crate) use euicc::{Euicc, Open, Soft, b64, rng, unb64};
pub(crate) use store::TestStore;

pub(crate) type TestSmDp = SmDp<Soft, TestStore, Rc<Cell<u64>>, RefCell<ChaCha8Rng>, Rc<Post>>;

/// What a peer of the server answers: status and body, or that it does not.
pub(crate) type Answer = Result<(u16, Vec<u8>), String>;

/// The operator's systems and the SM-DSs: they write down what they get.
pub(crate) struct Post {
    pub(crate) letters: RefCell<Vec<Sent>>,
    answer: RefCell<Peer>,
    pub(crate) asked: RefCell<Vec<Asked>>,
    network: RefCell<Network>,
}

type Peer = Box<dyn FnMut(&Sent) -> Answer>;
type Network = Box<dyn FnMut(&Asked) -> Answer>;

/// What the network was asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) body: Value,
}

/// A letter that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) body: Value,
}

impl Sent {
    /// The function that was called.
    pub(crate) fn function(&self) -> &str {
        self.url.rsplit('/').next().unwrap()
    }

    /// The name of the call.
    pub(crate) fn call(&self) -> &str {
        self.body["header"]["functionCallIdentifier"].as_str().unwrap()
    }
}

impl Post {
    pub(crate) fn new() -> Self {
        Self {
            letters: RefCell::default(),
            answer: RefCell::new(Box::new(|_| Ok((204, Vec::new())))),
            asked: RefCell::default(),
            network: RefCell::new(Box::new(|_| Err("no network is there".into()))),
        }
    }

    /// From now on letters are answered like this.
    pub(crate) fn answers(&self, answer: impl FnMut(&Sent) -> Answer + 'static) {
        *self.answer.borrow_mut() = Box::new(answer);
    }

    /// From now on the network answers like this.
    pub(crate) fn network(&self, answer: impl FnMut(&Asked) -> Answer + 'static) {
        *self.network.borrow_mut() = Box::new(answer);
    }

    /// What arrived since this was asked last.
    pub(crate) fn take(&self) -> Vec<Sent> {
        self.letters.take()
    }
}

impl Courier for Post {
    async fn post(&self, letter: &Letter<'_>) -> Answer {
        let sent = Sent {
            url: letter.url.to_owned(),
            token: letter.token.map(str::to_owned),
            body: serde_json::from_str(letter.json).unwrap(),
        };
        self.letters.borrow_mut().push(sent.clone());
        (self.answer.borrow_mut())(&sent)
    }

    async fn ask_network(&self, call: &NetworkCall<'_>) -> Answer {
        let asked = Asked {
            method: call.method,
            path: call.path.to_owned(),
            token: call.token.to_owned(),
            body: call.json.map_or(Value::Null, |json| serde_json::from_str(json).unwrap()),
        };
        self.asked.borrow_mut().push(asked.clone());
        (self.network.borrow_mut())(&asked)
    }
}

/// A header with this status code, as the peer's answer.
pub(crate) fn failed(code: &str) -> Answer {
    let (subject, reason) = code.split_once('/').unwrap();
    let data = json!({ "subjectCode": subject, "reasonCode": reason, "message": "no" });
    let status = json!({ "status": "Failed", "statusCodeData": data });
    Ok((200, json!({ "header": { "functionExecutionStatus": status } }).to_string().into_bytes()))
}

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const TOKEN: &str = "operator-token";
pub(crate) const EID: &str = "89049032000000000000000000000017";
pub(crate) const OTHER_EID: &str = "89049032000000000000000000000025";
pub(crate) const ICCID: &str = "8900101000000000016";

/// A server and its clock.
pub(crate) struct World {
    pub(crate) smdp: TestSmDp,
    pub(crate) clock: Rc<Cell<u64>>,
    pub(crate) pki: Pki,
    /// Who signs requests to ES9+, if anybody.
    pub(crate) lpa: Option<Identity>,
    pub(crate) post: Rc<Post>,
    pub(crate) calls: Cell<u32>,
    /// Operations of the operator's interface that were answered with something.
    pub(crate) answered: RefCell<BTreeSet<String>>,
}

pub(crate) fn validity() -> Validity {
    Validity { not_before: NOW - 1000, not_after: NOW + 100 * 24 * 3600 }
}

pub(crate) fn pki(seed: u64) -> Pki {
    pki_on(Curve::P256, seed)
}

pub(crate) fn pki_on(curve: Curve, seed: u64) -> Pki {
    let settings = Settings {
        curve,
        eid: EID.parse().unwrap(),
        smdp_address: "smdp.example".into(),
        smdp_oid: "2.999.10".parse().unwrap(),
        smds_oid: "2.999.15".parse().unwrap(),
        validity: validity(),
    };
    Pki::generate(&mut rng(seed), &settings).unwrap()
}

pub(crate) fn credential_set(pki: &Pki) -> Value {
    let credential = |identity: &Identity| {
        json!({ "certificate": b64(identity.certificate().der()),
                "privateKey": b64(&identity.expose_key().expose_pkcs8_der().unwrap()) })
    };
    json!({ "ciCertificate": b64(pki.ci.certificate().der()),
            "dpAuth": credential(&pki.dp_auth), "dpPb": credential(&pki.dp_pb) })
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Protection::SessionKeys, Limits::default(), &[])
    }

    pub(crate) fn with(protection: Protection, limits: Limits, more: &[&Pki]) -> Self {
        Self::configured(more, |c| Configuration { protection, limits, ..c })
    }

    /// A server whose operator wants to be told.
    pub(crate) fn telling() -> Self {
        Self::configured(&[], |c| Configuration {
            operator_callback: Some("https://operator.example/callbacks/"),
            operator_callback_token: Some("callback-token"),
            ..c
        })
    }

    pub(crate) fn configured(
        more: &[&Pki],
        configure: impl FnOnce(Configuration<'static>) -> Configuration<'static>,
    ) -> Self {
        Self::try_of(more, configure(base())).unwrap()
    }

    /// A server with this configuration, but for its credentials: those of the tests' PKI and
    /// of more. Or why there is none.
    pub(crate) fn try_of(more: &[&Pki], configuration: Configuration<'_>) -> Result<Self, String> {
        let pki = pki(1);
        let sets: Vec<Value> = [&pki].into_iter().chain(more.iter().copied()).map(credential_set).collect();
        let credentials = json!({ "oid": "2.999.10", "sets": sets }).to_string();
        let configuration = Configuration { credentials: &credentials, ..configuration };
        let smdp =
            ready(Server::new(Software::new(rng(2)), &configuration)).map_err(|error| error.to_string())?;
        let clock = Rc::new(Cell::new(NOW));
        let post = Rc::new(Post::new());
        let smdp = SmDp::new(Rc::new(smdp), TestStore::new(), Rc::clone(&clock), RefCell::new(rng(3)))
            .with_courier(Rc::clone(&post));
        Ok(Self { smdp, clock, pki, lpa: None, post, calls: Cell::new(0), answered: RefCell::default() })
    }

    /// What the alarm of the worker does.
    pub(crate) fn tend(&self) {
        ready(self.smdp.tend()).unwrap();
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.set(self.clock.get() + seconds);
    }

    pub(crate) fn euicc(&self) -> Euicc {
        Euicc::new(&self.pki, EID)
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> Response<Vec<u8>> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(lpa) = self.lpa.as_ref().filter(|_| path.contains("/es9plus/")) {
            let (certificate, now) = (lpa.certificate().der(), self.clock.get());
            let draft = httpsig::lpa::Request::new("smdp.example", path, body, certificate, now).unwrap();
            let signature = lpa.expose_key().sign(draft.base());
            for (name, value) in draft.finish(&signature.0) {
                request = request.header(name, value);
            }
            request = request.header("host", "smdp.example");
        }
        let answer = ready(self.smdp.handle(request.body(body.to_vec()).unwrap()));
        openapi::check(method, path, &answer);
        if let Some(operation) = openapi::operation(method, path) {
            let is_success = answer.status().is_success() && !answer.body().is_empty();
            self.answered.borrow_mut().extend(is_success.then_some(operation));
        }
        answer
    }

    fn post(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let response = self.request("POST", path, token, body.to_string().as_bytes());
        let value = if response.body().is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(response.body()).unwrap()
        };
        (response.status().as_u16(), value)
    }

    pub(crate) fn es9(&self, function: &str, body: &Value) -> (u16, Value) {
        self.post(&format!("/gsma/rsp2/es9plus/{function}"), None, body)
    }

    pub(crate) fn es2(&self, function: &str, mut body: Value) -> Value {
        self.calls.set(self.calls.get() + 1);
        body["header"] = json!({ "functionRequesterIdentifier": "2.999.2",
                                 "functionCallIdentifier": format!("call-{}", self.calls.get()) });
        self.es2_as_it_is(function, &body)
    }

    pub(crate) fn es2_as_it_is(&self, function: &str, body: &Value) -> Value {
        let (status, answer) = self.post(&format!("/gsma/rsp2/es2plus/{function}"), Some(TOKEN), body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) fn operator(&self, path: &str) -> Value {
        let response = self.request("GET", &format!("/operator/{path}"), Some(TOKEN), b"");
        assert_eq!(response.status(), 200);
        serde_json::from_slice(response.body()).unwrap()
    }

    pub(crate) fn add(&self, body: &Value) -> (u16, Value) {
        self.post("/operator/profiles", Some(TOKEN), body)
    }

    /// A profile with a package of the test's own; returns the package.
    pub(crate) fn add_profile(&self, iccid: &str) -> Vec<u8> {
        let package = package(iccid);
        let (status, answer) = self.add(&json!({ "metadata": metadata(), "package": b64(&package) }));
        assert_eq!(status, 201, "{answer}");
        package
    }

    /// An order that is released; returns its matching id.
    pub(crate) fn release(&self, iccid: &str, more: Value) -> String {
        let answer = self.es2("downloadOrder", json!({ "iccid": iccid }));
        assert_success(&answer);
        let mut body = json!({ "iccid": iccid, "releaseFlag": true });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.es2("confirmOrder", body);
        assert_success(&answer);
        answer["matchingId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn state(&self, iccid: &str) -> String {
        self.operator(&format!("orders/{iccid}"))["state"].as_str().unwrap().to_owned()
    }

    pub(crate) fn events(&self, iccid: &str) -> Vec<String> {
        let detail = self.operator(&format!("orders/{iccid}"));
        let events = detail["events"].as_array().unwrap();
        events.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn notify(&self, notification: &[u8]) -> (u16, Value) {
        self.es9("handleNotification", &json!({ "pendingNotification": b64(notification) }))
    }
}

pub(crate) fn server(credentials: &str, protection: Protection, limits: Limits) -> Server<Soft> {
    let configuration = Configuration { protection, limits, credentials, ..base() };
    ready(Server::new(Software::new(rng(2)), &configuration)).unwrap()
}

/// What the tests' servers are configured with, but for their credentials.
pub(crate) fn base() -> Configuration<'static> {
    Configuration {
        secret: "000102030405060708090a0b0c0d0e0f",
        operator_token: Some(TOKEN),
        addresses: "smdp.example, SMDP2.example:8443",
        ..Configuration::default()
    }
}

pub(crate) fn metadata() -> Value {
    json!({ "serviceProviderName": "Operator", "profileName": "Plan" })
}

pub(crate) fn package(iccid: &str) -> Vec<u8> {
    use saip::build::{Authentication, Subscriber, package};
    let subscriber = Subscriber::new(
        iccid.parse().unwrap(),
        "001010000000001".parse().unwrap(),
        2,
        Authentication::Milenage { k: saip::Secret::new([0x46; 16]), opc: saip::Secret::new([0xCD; 16]) },
    );
    package(&subscriber).unwrap().to_vec()
}

#[track_caller]
pub(crate) fn assert_success(answer: &Value) {
    assert_eq!(status_of(answer), "Executed-Success", "{answer}");
}

pub(crate) fn status_of(answer: &Value) -> &str {
    answer["header"]["functionExecutionStatus"]["status"].as_str().unwrap_or_default()
}

/// `8.2.6/3.8`; empty for success.
pub(crate) fn code_of(answer: &Value) -> String {
    let data = &answer["header"]["functionExecutionStatus"]["statusCodeData"];
    if data.is_null() {
        return String::new();
    }
    format!("{}/{}", data["subjectCode"].as_str().unwrap(), data["reasonCode"].as_str().unwrap())
}

impl Euicc {
    pub(crate) fn new(pki: &Pki, eid: &str) -> Self {
        let eid: Eid = eid.parse().unwrap();
        let identity =
            pki.issue_euicc(&mut rng(1000 + u64::from(eid.as_bytes()[15])), eid, validity()).unwrap();
        Self::of(pki, &identity, eid)
    }

    /// InitiateAuthentication, checked as an eUICC checks it.
    pub(crate) fn initiate(&self, world: &World) -> (String, Raw<ServerSigned1>) {
        let (status, answer) = world.es9("initiateAuthentication", &self.initiate_request());
        assert_eq!(status, 200);
        assert_success(&answer);
        let certificate = rsp_crypto::Certificate::from_der(&unb64(&answer["serverCertificate"])).unwrap();
        let signed1 = unb64(&answer["serverSigned1"]);
        let signature1 = Signature::decode(&unb64(&answer["serverSignature1"])).unwrap();
        let key = certificate.public_key().unwrap();
        assert!(rsp_crypto::software::verify(key, &signed1, &signature1));
        assert!(rsp_crypto::software::verify(
            &self.ci_key,
            certificate.tbs(),
            certificate.signature().unwrap()
        ));
        let signed1: Raw<ServerSigned1> = Raw::decode(&signed1).unwrap();
        assert_eq!(signed1.euicc_challenge, self.challenge);
        assert_eq!(signed1.server_address, self.address);
        let ci = unb64(&answer["euiccCiPKIdToBeUsed"]);
        assert_eq!(ci[2..], *self.ci[0].as_bytes());
        let id = answer["transactionId"].as_str().unwrap().to_owned();
        assert_eq!(signed1.transaction_id.to_string(), id);
        (id, signed1)
    }

    /// A new session up to AuthenticateClient; the code of the refusal if it is one.
    pub(crate) fn authenticate(&self, world: &World, matching_id: Option<&str>) -> Result<Open, String> {
        let (id, server) = self.initiate(world);
        self.authenticate_in(world, &id, &server, matching_id)
    }

    /// AuthenticateClient in a session that has begun.
    pub(crate) fn authenticate_in(
        &self,
        world: &World,
        id: &str,
        server: &ServerSigned1,
        matching_id: Option<&str>,
    ) -> Result<Open, String> {
        let (request, signature1) = self.authenticate_request(id, self.signed1(server, matching_id));
        let (status, answer) = world.es9("authenticateClient", &request);
        assert_eq!(status, 200, "{answer}");
        if status_of(&answer) != "Executed-Success" {
            return Err(code_of(&answer));
        }
        let open = Open::read(&answer);
        let covered = signature::smdp_signature2(&unb64(&answer["smdpSigned2"]), &signature1);
        let key = open.dp_pb.public_key().unwrap();
        assert!(rsp_crypto::software::verify(key, &covered, &open.smdp_signature2));
        assert_eq!(answer["transactionId"], id);
        assert_eq!(open.transaction_id, id);
        Ok(open)
    }

    /// GetBoundProfilePackage; the code of the refusal if it is one.
    pub(crate) fn package(&self, world: &World, open: &Open, prepared: &[u8]) -> Result<Vec<u8>, String> {
        let request =
            json!({ "transactionId": open.transaction_id, "prepareDownloadResponse": b64(prepared) });
        let (status, answer) = world.es9("getBoundProfilePackage", &request);
        assert_eq!(status, 200, "{answer}");
        if status_of(&answer) == "Executed-Success" {
            Ok(unb64(&answer["boundProfilePackage"]))
        } else {
            Err(code_of(&answer))
        }
    }

    /// A whole download; returns the session and what was in the package.
    pub(crate) fn download(
        &self,
        world: &World,
        matching_id: Option<&str>,
        code: Option<&str>,
    ) -> Result<(Open, Vec<u8>), String> {
        let open = self.authenticate(world, matching_id)?;
        let own = self.one_time_key();
        let bpp = self.package(world, &open, &self.prepare_download(&open, own.public(), code))?;
        let (metadata, elements) = self.open(&open, &own, &bpp);
        assert_eq!(metadata, open.metadata);
        Ok((open, elements))
    }

    pub(crate) fn cancel(&self, world: &World, open: &Open, reason: CancelSessionReason, oid: &str) -> Value {
        let response = self.cancel_response(&open.transaction_id, reason, oid);
        let request =
            json!({ "transactionId": open.transaction_id, "cancelSessionResponse": b64(&response) });
        let (status, answer) = world.es9("cancelSession", &request);
        assert_eq!(status, 200);
        answer
    }
}
