//! The HTTP API, over [`http::Request`] and [`http::Response`], the same at the edge and
//! in a test.

use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use rsp::Imsi;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use suci::HomeNetworkKey;
use zeroize::Zeroizing;

use crate::gateway::packet::Packet;
use crate::gateway::{self, Way, dns};
use crate::policy::document;
use crate::refusal::{CauseView, Fault, Kind, Refusal};
use crate::service::{self, Answer, ServiceKind, VerdictView};
use crate::store::Store;
use crate::subscriber::Tag;

mod attach;
mod audit;
mod subscribers;

mod pcf;
mod policy;

/// Longest body of the API itself; the gateway has its own limit.
pub const MAX_BODY: usize = 64 * 1024;

/// The media type of a DNS message (RFC 8484 §6).
const DNS_MESSAGE: &str = "application/dns-message";

/// How much is read of a body, at most and one more, for it to be judged.
#[must_use]
pub fn longest(path: &str) -> usize {
    match path.strip_prefix("/network/") {
        Some(path) if path == "policy" || path.starts_with("policy/") => MAX_POLICY,
        _ => gateway::MAX_REQUEST,
    }
}

/// Longest body of the policy's interface: a document, and in a dry run facts beside it.
pub const MAX_POLICY: usize = document::MAX_BYTES + 1024 * 1024;

/// A request as [`Router::handle`] takes it, of what a runtime says it is. A header that is none
/// here (a control character in it) is left out: nothing here can mean it.
///
/// # Errors
/// The answer, where there is no such method or no such address.
pub fn request(
    method: &str,
    url: &str,
    headers: impl IntoIterator<Item = (String, String)>,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, Box<Response<Vec<u8>>>> {
    let unreadable =
        |what: &str| Box::new(problem(&Refusal::new(Kind::Malformed, format!("the request's {what}"))));
    let mut request = Request::new(body);
    *request.method_mut() =
        Method::from_bytes(method.as_bytes()).map_err(|_| unreadable("method is none"))?;
    *request.uri_mut() = url.parse().map_err(|_| unreadable("address is none, or too long"))?;
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
        {
            // There may be more than there is room for.
            if request.headers_mut().try_append(name, value).is_err() {
                return Err(unreadable("headers are too many"));
            }
        }
    }
    Ok(request)
}

/// The answer to a request whose body does not come to its end in time (RFC 9110 §15.5.9).
#[must_use]
pub fn too_slow() -> Response<Vec<u8>> {
    let body = br#"{"type":"about:blank","title":"Request timeout","status":408,"because":"the body takes too long"}"#;
    response(StatusCode::REQUEST_TIMEOUT, "application/problem+json", body.to_vec())
}

/// The answer to a request whose body ends before its end.
#[must_use]
pub fn cut_off() -> Response<Vec<u8>> {
    problem(&Refusal::new(Kind::Malformed, "the body is cut off"))
}

/// The way to the SMs.
#[expect(async_fn_in_trait, reason = "nothing here crosses threads")]
pub trait Link {
    /// Sends a request to the SM of its `Host` by `way`, follows no redirect, adds nothing by
    /// which the sender could be known, and gives up after [`gateway::PATIENCE`] or
    /// [`gateway::MAX_ANSWER`], counted once the answer is decompressed.
    ///
    /// # Errors
    /// The SM gave no answer that could be used.
    async fn send(&self, way: Way, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, LinkFailure>;
}

/// Why there is no answer of the SM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFailure {
    /// It cannot be reached.
    Unreachable,
    /// It takes too long.
    Late,
    /// Its answer is too long.
    TooLarge,
}

/// The network's door.
pub struct Router<S, L> {
    store: S,
    link: L,
    tokens: Tokens,
    home_network_keys: Rc<[HomeNetworkKey]>,
}

/// Who may do what. A door without a token is shut.
#[derive(Clone, Default)]
pub struct Tokens {
    /// The operator's.
    pub operator: Option<Zeroizing<String>>,
    /// That of the core networks that ask for policy control.
    pub pcf: Option<Zeroizing<String>>,
    /// That of the SM-DP+ that feeds it: to write and to withdraw one subscriber, and nothing
    /// else.
    pub feeder: Option<Zeroizing<String>>,
}

impl Tokens {
    /// The operator's token and no other.
    #[must_use]
    pub fn of_operator(token: Option<Zeroizing<String>>) -> Self {
        Self { operator: token, ..Self::default() }
    }
}

pub(crate) type Reply = Result<Response<Vec<u8>>, Failure>;

/// Why a request has no success.
pub(crate) enum Failure {
    Refused(Refusal),
    Broken(Fault),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

impl<S: Store, L: Link> Router<S, L> {
    /// A network over `store` that reaches its SMs by `link`. Without the operator's token
    /// nobody can write subscribers or policies.
    pub fn new(store: S, link: L, mut tokens: Tokens) -> Self {
        // An empty token would be one that everybody knows.
        for token in [&mut tokens.operator, &mut tokens.pcf, &mut tokens.feeder] {
            token.take_if(|token| token.is_empty());
        }
        Self { store, link, tokens, home_network_keys: Rc::new([]) }
    }

    /// The store that it is over.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The same, with the keys that reveal SUCIs. Without them only the null scheme is read.
    #[must_use]
    pub fn with_home_network_keys(self, home_network_keys: impl Into<Rc<[HomeNetworkKey]>>) -> Self {
        Self { home_network_keys: home_network_keys.into(), ..self }
    }

    /// Answers a request. What broke on our side is in the second place, for the log;
    /// the peer is not told.
    pub async fn handle(&self, request: Request<Vec<u8>>) -> (Response<Vec<u8>>, Option<Fault>) {
        finished(self.route(request).await)
    }

    async fn route(&self, request: Request<Vec<u8>>) -> Reply {
        let request = match Packet::read(request) {
            Ok(packet) => {
                let tag = Tag::of_id(&packet.id).ok_or_else(no_id)?;
                return carry(packet, |request| self.ask(tag, request), &self.link).await;
            }
            Err(request) => request,
        };
        let (parts, body) = request.into_parts();
        if let Some(reply) = self.pcf(&parts.method, &parts.uri, &parts.headers, &body).await {
            return reply;
        }
        let Some(path) = parts.uri.path().strip_prefix("/network/") else { return Err(no_path()) };
        if let Some(rest) = below(path, "policy") {
            if body.len() > MAX_POLICY {
                return Err(Refusal::new(Kind::TooLarge, "at most 5 MiB").into());
            }
            let segments: Vec<&str> = rest.collect();
            return self.policy(&parts.method, &segments, &parts.headers, &body).await;
        }
        let longest = match path {
            "subscribers" => subscribers::MAX_IMPORT,
            _ => MAX_BODY,
        };
        if body.len() > longest {
            let because = format!("at most {} KiB", longest / 1024);
            return Err(Refusal::new(Kind::TooLarge, because).into());
        }
        let query = parts.uri.query().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').collect();
        let method = &parts.method;
        match segments[..] {
            ["health"] => match *method {
                Method::GET => self.health().await,
                _ => Err(no_method("GET")),
            },
            ["openapi.json"] => match *method {
                Method::GET => {
                    let document = include_bytes!("../openapi.json").to_vec();
                    Ok(response(StatusCode::OK, "application/json", document))
                }
                _ => Err(no_method("GET")),
            },
            ["subscribers"] => {
                self.operator(&parts.headers)?;
                match *method {
                    Method::GET => self.list(query).await,
                    Method::POST => self.import(query, &parts.headers, body).await,
                    _ => Err(no_method("GET, POST")),
                }
            }
            ["subscribers", "export"] => {
                self.operator(&parts.headers)?;
                match *method {
                    Method::GET => self.export(query).await,
                    _ => Err(no_method("GET")),
                }
            }
            ["subscribers", imsi] => {
                self.operator_or_feeder(&parts.headers)?;
                let imsi: Imsi = imsi.parse().map_err(|_| malformed("an IMSI has 6 to 15 digits"))?;
                match *method {
                    Method::PUT => self.provision(imsi, body).await,
                    Method::DELETE => {
                        self.ask(Tag::of(&imsi), service::Request::Withdraw { imsi }).await?;
                        Ok(empty())
                    }
                    _ => Err(no_method("PUT, DELETE")),
                }
            }
            ["subscribers", imsi, "usage"] => match *method {
                Method::GET => {
                    self.operator(&parts.headers)?;
                    let imsi: Imsi = imsi.parse().map_err(|_| malformed("an IMSI has 6 to 15 digits"))?;
                    self.ask(Tag::of(&imsi), service::Request::Usage { imsi }).await.and_then(shown)
                }
                _ => Err(no_method("GET")),
            },
            ["subscribers", imsi, "sqn"] => {
                self.operator(&parts.headers)?;
                let imsi: Imsi = imsi.parse().map_err(|_| malformed("an IMSI has 6 to 15 digits"))?;
                match *method {
                    Method::GET => self.sqn(imsi, None).await,
                    Method::PUT => {
                        let change = subscribers::sqn_change(&parts.headers, &body)?;
                        self.sqn(imsi, Some(change)).await
                    }
                    _ => Err(no_method("GET, PUT")),
                }
            }
            ["attach"] => match *method {
                Method::POST => self.attach(&parts.headers, &body).await,
                _ => Err(no_method("POST")),
            },
            ["attach", id, "response"] => match *method {
                Method::POST => self.respond(id, &body).await,
                _ => Err(no_method("POST")),
            },
            ["sessions", id] => match *method {
                Method::GET => self.session(id, |id| service::Request::Session { id }).await,
                Method::DELETE => self.session(id, |id| service::Request::Detach { id }).await,
                _ => Err(no_method("GET, DELETE")),
            },
            ["sessions", id, "log"] => match *method {
                Method::GET => self.session(id, |id| service::Request::Log { id }).await,
                _ => Err(no_method("GET")),
            },
            ["sessions", id, "dns"] => match *method {
                Method::POST => self.resolve(id, &parts.headers, &body).await,
                _ => Err(no_method("POST")),
            },
            ["audit"] => match *method {
                Method::GET => {
                    self.operator(&parts.headers)?;
                    self.audit(parts.uri.query().unwrap_or_default()).await
                }
                _ => Err(no_method("GET")),
            },
            ["sessions", id, "service"] => match *method {
                Method::POST => self.service(id, &body).await,
                _ => Err(no_method("POST")),
            },
            _ => Err(no_path()),
        }
    }

    async fn health(&self) -> Reply {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Health {
            status: &'static str,
            sm_apn: String,
            sm_addresses: Vec<String>,
            outside: Vec<String>,
            policy_version: u64,
            operator: bool,
        }
        let policy = self.store.policy().await?;
        let addresses = |way: Way| {
            let entries = policy.sm_addresses().iter().filter(|entry| entry.way() == way);
            entries.map(|entry| entry.address().to_string()).collect()
        };
        Ok(json(
            StatusCode::OK,
            &Health {
                status: "ok",
                sm_apn: policy.sm_apn().to_string(),
                sm_addresses: addresses(Way::Binding),
                outside: addresses(Way::Outside),
                policy_version: policy.version(),
                operator: self.tokens.operator.is_some(),
            },
        ))
    }

    /// Lets the operator through and nobody else.
    fn operator(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let Some(token) = &self.tokens.operator else {
            let because = "no operator token is configured here, so nobody is the operator";
            return Err(Refusal::new(Kind::Forbidden, because).into());
        };
        if bearer(token, headers) {
            Ok(())
        } else {
            Err(Refusal::new(Kind::Unauthorised, "the operator's token is needed").into())
        }
    }

    /// Lets the operator through and whoever feeds subscribers.
    fn operator_or_feeder(&self, headers: &HeaderMap) -> Result<(), Failure> {
        match &self.tokens.feeder {
            Some(token) if bearer(token, headers) => Ok(()),
            _ => self.operator(headers),
        }
    }

    async fn session(&self, id: &str, request: impl FnOnce(String) -> service::Request) -> Reply {
        let tag = Tag::of_id(id).ok_or_else(no_id)?;
        self.ask(tag, request(id.to_owned())).await.and_then(shown)
    }

    async fn service(&self, id: &str, body: &[u8]) -> Reply {
        #[derive(Deserialize)]
        struct Wanted {
            kind: ServiceKind,
            to: String,
        }
        let Wanted { kind, to } = serde_json::from_slice(body)
            .map_err(|_| malformed("a service is JSON: kind (voice, sms or data) and to"))?;
        self.session(id, |id| service::Request::Service { id, kind, to }).await
    }

    /// A name, asked for as RFC 8484 has it or in JSON: `{"name":"smdp.example","type":"AAAA"}`.
    async fn resolve(&self, id: &str, headers: &HeaderMap, body: &[u8]) -> Reply {
        #[derive(Deserialize)]
        struct Wanted {
            name: String,
            #[serde(rename = "type")]
            kind: String,
        }
        let media_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let media_type = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let in_wire_form = media_type.eq_ignore_ascii_case(DNS_MESSAGE.as_bytes());
        let asked = if in_wire_form {
            dns::Asked::read(body).ok_or_else(|| malformed("not even the header of a DNS message"))?
        } else {
            let because = "a name is asked for in JSON, name and type, or as application/dns-message";
            let Wanted { name, kind } = serde_json::from_slice(body).map_err(|_| malformed(because))?;
            dns::Asked::parse(&name, &kind).ok_or_else(|| malformed(because))?
        };
        let tag = Tag::of_id(id).ok_or_else(no_id)?;
        let request = service::Request::Dns { id: id.to_owned(), asked: asked.clone() };
        let Answer::Names(names, verdict) = self.ask(tag, request).await? else { return Err(unexpected()) };
        if in_wire_form {
            let message = dns::answer(body, &names, &verdict.because)
                .ok_or_else(|| Fault("no answer to a query that was read".to_owned()))?;
            return Ok(response(StatusCode::OK, DNS_MESSAGE, message));
        }
        #[derive(Serialize)]
        struct Resolved {
            name: String,
            #[serde(rename = "type")]
            kind: String,
            code: dns::Code,
            addresses: Vec<std::net::IpAddr>,
            ttl: u32,
            #[serde(flatten)]
            verdict: VerdictView,
        }
        let kind = asked.kind_name();
        let dns::Names { code, addresses } = names;
        Ok(json(
            StatusCode::OK,
            &Resolved { name: asked.name, kind, code, addresses, ttl: dns::TTL, verdict },
        ))
    }

    async fn ask(&self, tag: Tag, request: service::Request) -> Result<Answer, Failure> {
        Ok(self.store.ask(tag, request).await??)
    }
}

/// Carries a packet to its SM and the answer back. `ask` asks where the session is: whether the packet may go,
/// and whether its answer may.
pub(crate) async fn carry<A: Future<Output = Result<Answer, Failure>>>(
    packet: Packet,
    ask: impl Fn(service::Request) -> A,
    link: &impl Link,
) -> Reply {
    let Packet { id, attempt, headers, body } = packet;
    let method = attempt.method.clone();
    let request = service::Request::Http { id: id.clone(), attempt };
    let Answer::Route(route) = ask(request).await? else { return Err(unexpected()) };
    let request = gateway::outgoing(&method, &route.authority, &route.target, &headers, body)
        .map_err(|error| Fault(format!("no request for the SM: {error}")))?;
    let answer = match link.send(route.way, request).await {
        Ok(answer) => gateway::incoming(answer).map_err(|unusable| Refusal::new(Kind::NoRoute, unusable.0)),
        Err(LinkFailure::Unreachable) => Err(Refusal::new(Kind::NoRoute, "the SM cannot be reached")),
        Err(LinkFailure::Late) => Err(Refusal::new(Kind::Late, "the SM does not answer in time")),
        Err(LinkFailure::TooLarge) => Err(Refusal::new(Kind::NoRoute, "the SM's answer is too long")),
    };
    // Also when none came: it is waited for no longer.
    let bytes = answer.as_ref().ok().map(|answer| answer.body().len() as u64);
    let charged = ask(service::Request::Charge { id, bytes }).await;
    let answer = answer?;
    charged?;
    Ok(answer)
}

/// What the peer sees of a reply; what broke on our side is in the second place.
pub(crate) fn finished(reply: Reply) -> (Response<Vec<u8>>, Option<Fault>) {
    match reply {
        Ok(response) => (response, None),
        Err(Failure::Refused(refusal)) => (problem(&refusal), None),
        Err(Failure::Broken(fault)) => (broken(), Some(fault)),
    }
}

/// Whether the request brings this token.
fn bearer(token: &str, headers: &HeaderMap) -> bool {
    // The scheme's name is of no case (RFC 9110 §11.1).
    let presented = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().split_at_checked(b"Bearer ".len()))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer "))
        .map_or(&[][..], |(_, presented)| presented);
    token.as_bytes().ct_eq(presented).into()
}

/// The segments of a path below a name.
fn below<'p>(path: &'p str, name: &str) -> Option<impl Iterator<Item = &'p str>> {
    let mut segments = path.split('/');
    (segments.next() == Some(name)).then_some(segments)
}

/// JSON as `T`, or where it is not.
fn read<'b, T: Deserialize<'b>>(body: &'b [u8], what: &str) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer);
    let value = value.map_err(|error| malformed(&format!("{what}: {error}")))?;
    deserializer.end().map_err(|error| malformed(&format!("{what}: {error}")))?;
    Ok(value)
}

/// An answer as the terminal sees it.
fn shown(answer: Answer) -> Reply {
    match answer {
        Answer::Challenge(challenge) => Ok(json(StatusCode::OK, &challenge)),
        Answer::Session(session) | Answer::Attached { session, .. } => Ok(json(StatusCode::OK, &session)),
        Answer::Verdict(verdict) => Ok(json(StatusCode::OK, &verdict)),
        Answer::Log(entries) => Ok(json(StatusCode::OK, &entries)),
        Answer::Detached => Ok(empty()),
        Answer::Usage(usage) => Ok(json(StatusCode::OK, &usage)),
        Answer::Provisioned { .. }
        | Answer::Withdrawn
        | Answer::Route(_)
        | Answer::Charged
        | Answer::Sqn(_)
        | Answer::Control(_)
        | Answer::Renewed { .. }
        | Answer::Names(..) => Err(unexpected()),
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Vec<u8>> {
    serde_json::to_vec(value).map_or_else(|_| broken(), |body| response(status, "application/json", body))
}

fn empty() -> Response<Vec<u8>> {
    let mut response = Response::new(vec![]);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal as RFC 9457 has it, with `because`, `rule`, `cause` and `backOff` beside.
fn problem(refusal: &Refusal) -> Response<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Problem<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        title: &'static str,
        status: u16,
        because: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<CauseView>,
        #[serde(skip_serializing_if = "Option::is_none")]
        back_off: Option<BackOff>,
    }
    /// TS 24.301 and TS 24.501 §10.2.
    #[derive(Serialize)]
    struct BackOff {
        timer: &'static str,
        seconds: u64,
    }
    let (status, title) = refusal.kind.status();
    let body = serde_json::to_vec(&Problem {
        kind: "about:blank",
        title,
        status,
        because: &refusal.because,
        rule: refusal.rule.as_deref(),
        cause: refusal.cause.map(|cause| CauseView::on(cause, refusal.access)),
        back_off: refusal.back_off.map(|seconds| BackOff { timer: "T3346", seconds }),
    });
    let Ok(body) = body else { return broken() };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = response(status, "application/problem+json", body);
    if let Some(seconds) = refusal.back_off {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    match refusal.kind {
        Kind::Unauthorised => {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Kind::MethodNotAllowed => {
            if let Ok(methods) = HeaderValue::from_str(refusal.because.trim_start_matches(TAKES)) {
                response.headers_mut().insert(header::ALLOW, methods);
            }
        }
        _ => {}
    }
    response
}

/// The answer when something of ours broke.
pub(crate) fn broken() -> Response<Vec<u8>> {
    let body = br#"{"type":"about:blank","title":"Internal server error","status":500,"because":"the network is out of order"}"#;
    response(StatusCode::INTERNAL_SERVER_ERROR, "application/problem+json", body.to_vec())
}

fn response(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn malformed(because: &str) -> Failure {
    Refusal::new(Kind::Malformed, because).into()
}

fn no_path() -> Failure {
    Refusal::new(Kind::Unknown, "the network has no such path").into()
}

pub(crate) fn no_id() -> Failure {
    Refusal::new(Kind::Unknown, "there is no attach or session of that id").into()
}

/// How a refused method is told which there are.
const TAKES: &str = "this path takes ";

/// The methods become the `Allow` header as well.
fn no_method(allowed: &str) -> Failure {
    Refusal::new(Kind::MethodNotAllowed, format!("{TAKES}{allowed}")).into()
}

fn unexpected() -> Failure {
    Fault("the store answered another question".to_owned()).into()
}
