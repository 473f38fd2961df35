//! The worker: requests of the runtime to [`SmDp::handle`] and back.

use core::cell::RefCell;
use core::time::Duration;
use std::rc::Rc;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStream, ReadableStreamDefaultReader, ResponseInit};
use worker::{
    Context, Date, Env, Fetch, Fetcher, Headers, Method as Verb, Request, RequestInit, RequestRedirect,
    Response, Result, ScheduleContext, ScheduledEvent, event,
};
use zeroize::Zeroizing;

use crate::access::OperatorProven;
use crate::admission::{Admission, AdmissionText, TlsClient};
use crate::config::{Configuration, Limits, Protection, Server};
use crate::crypto::{Entropy, WebCrypto};
use crate::log::{Identifiers, Line};
use crate::router::{MAX_OPERATOR_BODY, SmDp};
use crate::store::durable::{Durable, Here, Shard, within};
use crate::wire::problem::problem;
use crate::{Clock, Courier, Fault, Letter, NetworkCall};

/// The headers that the router looks at, beside those by which an LPA proves who
/// it is.
const HEADERS: [&str; 2] = ["authorization", "content-type"];
/// The protocol that a peer speaks, looked at where the request comes in. An LPA's signature may cover it.
const PROTOCOL: &str = "x-admin-protocol";
/// Another header of ES9+ that an LPA's signature may cover.
const USER_AGENT: &str = "user-agent";

thread_local! {
    /// The server of this isolate, once it is finished: keys are imported once.
    static SERVER: RefCell<Option<Rc<Server<WebCrypto>>>> = const { RefCell::new(None) };
}

/// The runtime's clock.
struct RuntimeClock;

impl Clock for RuntimeClock {
    fn now(&self) -> u64 {
        Date::now().as_millis() / 1000
    }
}

mod console;
mod door;

/// How long a message to the operator, an SM-DS or the network may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of an answer to a message is read, in bytes.
const MOST_OF_ANSWER: usize = 16 * 1024;

/// The platform's way out, and by a binding the one to the network.
struct Outgoing {
    network: Option<Fetcher>,
}

/// The name of that binding.
const NETWORK: &str = "NETWORK";

impl Outgoing {
    fn of(env: &Env) -> Self {
        Self { network: env.service(NETWORK).ok() }
    }
}

impl Courier for Outgoing {
    async fn post(&self, letter: &Letter<'_>) -> core::result::Result<(u16, Vec<u8>), String> {
        let send = async {
            let headers = Headers::new();
            headers.set("content-type", "application/json")?;
            headers.set("x-admin-protocol", rsp::es9::ADMIN_PROTOCOL)?;
            if let Some(token) = letter.token {
                headers.set("authorization", &format!("Bearer {token}"))?;
            }
            let mut init = RequestInit::new();
            init.with_method(Verb::Post).with_headers(headers).with_body(Some(letter.json.into()));
            // Nobody but the one that was configured is told.
            init.with_redirect(RequestRedirect::Manual);
            answer(Fetch::Request(Request::new_with_init(letter.url, &init)?).send().await?).await
        };
        let answer = within(PATIENCE, send).await.ok_or("no answer in time")?;
        answer.map_err(|error: worker::Error| error.to_string())
    }

    async fn ask_network(&self, call: &NetworkCall<'_>) -> core::result::Result<(u16, Vec<u8>), String> {
        let network = self.network.as_ref().ok_or("no network is bound to this server")?;
        let ask = async {
            let headers = Headers::new();
            headers.set("authorization", &format!("Bearer {}", call.token))?;
            let mut init = RequestInit::new();
            init.with_method(Verb::from(call.method.to_owned())).with_redirect(RequestRedirect::Manual);
            if let Some(json) = call.json {
                headers.set("content-type", "application/json")?;
                init.with_body(Some(json.into()));
            }
            init.with_headers(headers);
            // The binding decides who answers; the host is a name for nobody.
            let request = Request::new_with_init(&format!("https://network{}", call.path), &init)?;
            answer(network.fetch_request(request).await?).await
        };
        let answer = within(PATIENCE, ask).await.ok_or("no answer in time")?;
        answer.map_err(|error: worker::Error| error.to_string())
    }
}

/// Status and begin of the body of an answer. The rest of a long one is not waited for, and nowhere kept.
async fn answer(response: Response) -> Result<(u16, Vec<u8>)> {
    let status = response.status_code();
    let stream = web_sys::Response::from(response).body();
    let (mut body, _) = read_up_to(stream, MOST_OF_ANSWER).await.map_err(|fault| fault.to_string())?;
    body.truncate(MOST_OF_ANSWER);
    Ok((status, body))
}

/// From time to time every object is asked to do what is due, should its alarm have
/// been lost or the key for sealing have changed.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let Ok(objects) = env.durable_object("STORE") else { return };
    let store = Durable::new(objects);
    for shard in Shard::of_profiles() {
        if let Err(fault) = store.send(shard, "tend", None).await {
            log(&fault);
        }
    }
}

/// Does what is due in one object of the store; `false`: something kept it from that.
pub(crate) async fn tend(env: &Env, here: Here) -> bool {
    let tended = async {
        let objects = env.durable_object("STORE").map_err(|error| Fault::new(error.to_string()))?;
        let store = Durable::inside(objects, here);
        SmDp::new(server(env).await?, store, RuntimeClock, Entropy)
            .with_courier(Outgoing::of(env))
            .tend()
            .await
    };
    let tended = tended.await;
    if let Err(fault) = &tended {
        log(fault);
    }
    tended.is_ok()
}

/// Futures go on by promises and not by `queueMicrotask`, which here is a way through the
/// platform and back for every step. Looked for once, by the first future.
#[event(start)]
fn start() {
    drop(Reflect::set(&js_sys::global(), &"queueMicrotask".into(), &JsValue::UNDEFINED));
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, _context: Context) -> Result<web_sys::Response> {
    let url = request.url();
    if http::Uri::try_from(&url).is_ok_and(|uri| console::is_path(uri.path())) {
        // A server that is not configured soundly says so at its interfaces.
        let is_off = server(&env).await.is_ok_and(|server| !server.has_operator());
        let answer = if is_off { console::off() } else { console::serve(request.into(), &env).await };
        return answer.map(Into::into);
    }
    let response = async {
        if let Some(refused) = door::too_often(&request, &url, &env).await {
            return outgoing(refused);
        }
        let server = server(&env).await?;
        let is_let_in = door::is_let_in(&request, &server.access, RuntimeClock.now()).await?;
        let is_open = matches!(server.admission, Admission::Open);
        match incoming(&request, &url, if is_open { Proofs::Ignored } else { Proofs::Read }).await? {
            Some(mut request) => {
                if is_let_in {
                    request.extensions_mut().insert(OperatorProven);
                }
                outside(request, &env).await
            }
            None => outgoing(too_long()),
        }
    };
    answered(response.await)
}

/// A request at the worker's own door: answered in the object that owns what it is about,
/// if that can be told, else here.
async fn outside(
    request: http::Request<Vec<u8>>,
    env: &Env,
) -> core::result::Result<web_sys::Response, Fault> {
    let server = server(env).await?;
    let store = Durable::new(env.durable_object("STORE").map_err(failed)?);
    #[cfg(feature = "self-test")]
    if request.uri().path() == "/self-test" {
        let run = (Date::now().as_millis() % 100_000_000) as u32;
        crate::store::suite::run(&store, run).await?;
        crate::crypto::suite::run(&WebCrypto::new()?).await?;
        let fresh = Durable::new(env.durable_object("STORE").map_err(failed)?);
        let fresh = fresh.of_test(&format!("first layout {run}"));
        let shard = Shard::from_name("profile-0").ok_or_else(|| Fault::new("profile-0"))?;
        fresh.send(shard, "carries-over", None).await?;
        crate::store::durable::honours_older_entries(&fresh).await?;
        return outgoing(http::Response::new(b"every promise is kept".to_vec()));
    }
    #[cfg(feature = "self-test")]
    if let Some(test) = request.uri().path().strip_prefix("/self-test/store/") {
        let call = String::from_utf8_lossy(request.body());
        let answer = crate::store::remote::serve(&store.of_test(test), &call).await?;
        return outgoing(http::Response::new(answer.into_bytes()));
    }
    #[cfg(feature = "bench")]
    if let Some(asked) = request.uri().path().strip_prefix("/bench/") {
        crate::crypto::bare::run(asked).await?;
        return outgoing(http::Response::new(b"done".to_vec()));
    }
    let begun = Date::now().as_millis();
    let smdp = SmDp::new(server, store, RuntimeClock, Entropy).with_courier(Outgoing::of(env));
    if let Some(refused) = smdp.turned_away(&request).await {
        return sent(refused, env, begun);
    }
    if let Some(owner) = smdp.owner(&request)
        && let Some(shard) = smdp.store().place(&owner).await?
    {
        let passed_on = passed_on(&request)?;
        let response = smdp.store().answer_at(shard, request.uri().path(), &passed_on).await?;
        Durable::remember_place(&owner, shard);
        return Ok(response);
    }
    sent(smdp.handle_admitted(request).await, env, begun)
}

/// A request that was let in at the worker's door ([`outside`]), answered in an object.
/// Nobody else has a way to an object.
pub(crate) async fn inside(
    request: &web_sys::Request,
    path: &str,
    env: &Env,
    here: Here,
) -> Result<web_sys::Response> {
    let response = async {
        let Some(request) = incoming(request, path, Proofs::Seen).await? else {
            return outgoing(too_long());
        };
        let begun = Date::now().as_millis();
        let store = Durable::inside(env.durable_object("STORE").map_err(failed)?, here);
        let smdp =
            SmDp::new(server(env).await?, store, RuntimeClock, Entropy).with_courier(Outgoing::of(env));
        sent(smdp.handle_admitted(request).await, env, begun)
    };
    answered(response.await)
}

/// What a response leaves for the log, then the response. The platform's clock stands still while
/// the worker computes: what is written is the time that it has waited.
fn sent(
    response: http::Response<Vec<u8>>,
    env: &Env,
    begun: u64,
) -> core::result::Result<web_sys::Response, Fault> {
    if let Some(line) = response.extensions().get::<Line>() {
        let full = env.var("SMDP_LOG_IDENTIFIERS").is_ok_and(|var| var.to_string() == "full");
        let identifiers = if full { Identifiers::Full } else { Identifiers::Shortened };
        worker::console_log!(
            "{}",
            line.json(identifiers, Some(Date::now().as_millis().saturating_sub(begun)))
        );
    }
    if let Some(fault) = response.extensions().get::<Fault>() {
        log(fault);
    }
    outgoing(response)
}

/// Every request gets an answer.
fn answered(response: core::result::Result<web_sys::Response, Fault>) -> Result<web_sys::Response> {
    let response = response.or_else(|fault| {
        log(&fault);
        let detail = "The SM-DP+ is not ready; its log says why.";
        outgoing(problem(StatusCode::SERVICE_UNAVAILABLE, detail))
    });
    response.map_err(|fault| fault.to_string().into())
}

/// The server from variables and secrets. Two requests may make it at the same
/// time: waiting for what another request has begun is not allowed here.
async fn server(env: &Env) -> core::result::Result<Rc<Server<WebCrypto>>, Fault> {
    if let Some(server) = SERVER.with_borrow(Clone::clone) {
        return Ok(server);
    }
    let text = |name: &str| {
        let value = env.secret(name).map(|secret| secret.to_string());
        value.or_else(|_| env.var(name).map(|var| var.to_string())).ok()
    };
    // A value of the platform holds 5 kB: what may be longer goes on in NAME_2 and so on.
    let long = |name: &str| {
        let more = (2..=8).filter_map(|part| text(&format!("{name}_{part}")));
        let parts: Vec<String> = text(name).into_iter().chain(more).collect();
        (!parts.is_empty()).then(|| Zeroizing::new(parts.join("\n")))
    };
    let needed = |name: &str| text(name).ok_or_else(|| Fault::new(format!("{name} is not configured")));
    let credentials = long("SMDP_CREDENTIALS");
    let credentials = credentials.ok_or_else(|| Fault::new("SMDP_CREDENTIALS is not configured"))?;
    let secret = needed("SMDP_SECRET")?;
    let (addresses, token) = (needed("SMDP_ADDRESSES")?, text("OPERATOR_TOKEN"));
    let protection = match text("SMDP_PROTECTION").as_deref() {
        None | Some("" | "session-keys") => Protection::SessionKeys,
        Some("profile-protection-keys") => Protection::ProfileProtectionKeys,
        Some(_) => return Err(Fault::new("SMDP_PROTECTION: session-keys, profile-protection-keys")),
    };
    let names = ["LPA_ADMISSION", "LPA_MTLS_ISSUER", "LPA_MTLS_FINGERPRINTS"];
    let [mode, mtls_issuer, mtls_fingerprints] = names.map(|name| text(name).unwrap_or_default());
    let [ca, lists] = ["LPA_CA", "SMDP_CRLS"].map(|name| long(name).unwrap_or_default());
    let transport_keys = Zeroizing::new(text("SMDP_TRANSPORT_KEYS").unwrap_or_default());
    let limits = text("SMDP_LIMITS").filter(|text| !text.is_empty());
    let limits = limits.map_or_else(|| Ok(Limits::default()), |text| Limits::from_json(&text));
    let limits = limits.map_err(|error| Fault::new(error.to_string()))?;
    let (callback, callback_token) = (text("OPERATOR_CALLBACK"), text("OPERATOR_CALLBACK_TOKEN"));
    let access = text("OPERATOR_ACCESS");
    let feeder_token = text("FEEDER_TOKEN").map(Zeroizing::new);
    let (requesters, smds_root) = (text("OPERATOR_REQUESTERS"), text("SMDS_ROOT"));
    let configuration = Configuration {
        credentials: &credentials,
        secret: &secret,
        operator_token: token.as_deref(),
        addresses: &addresses,
        protection,
        admission: AdmissionText {
            mode: &mode,
            ca: &ca,
            mtls_issuer: &mtls_issuer,
            mtls_fingerprints: &mtls_fingerprints,
        },
        revocation_lists: &lists,
        transport_keys: &transport_keys,
        limits,
        operator_callback: callback.as_deref(),
        operator_callback_token: callback_token.as_deref(),
        operator_access: access.as_deref(),
        operator_requesters: requesters.as_deref(),
        smds_root: smds_root.as_deref(),
        network: env.service(NETWORK).is_ok(),
        feeder_token: feeder_token.as_deref().map(String::as_str),
    };
    let server = Server::new(WebCrypto::new()?, &configuration).await;
    let server = Rc::new(server.map_err(|error| Fault::new(error.to_string()))?);
    server.warnings().iter().for_each(log);
    SERVER.set(Some(Rc::clone(&server)));
    Ok(server)
}

/// Whether what proves who an LPA is, which is looked at once, comes along with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proofs {
    Read,
    /// Only the protocol that it speaks is looked at.
    Ignored,
    /// That was looked at before.
    Seen,
}

/// `None`: the body is longer than anything that is taken.
async fn incoming(
    request: &web_sys::Request,
    uri: &str,
    proofs: Proofs,
) -> core::result::Result<Option<http::Request<Vec<u8>>>, Fault> {
    let headers = request.headers();
    let header = |name: &str| headers.get(name).map_err(broken);
    let announced = header("content-length")?;
    let announced: Option<usize> = announced.and_then(|text| text.parse().ok());
    if announced.is_some_and(|length| length > MAX_OPERATOR_BODY) {
        return Ok(None);
    }
    let is_announced = announced.is_some();
    let method = Method::from_bytes(request.method().as_bytes());
    // With scheme and host: what an LPA signs names them.
    let uri = http::Uri::try_from(uri).map_err(|error| Fault::new(error.to_string()))?;
    let mut builder = http::Request::builder().method(method.unwrap_or(Method::TRACE)).uri(uri);
    let read = proofs == Proofs::Read;
    if let Some(client) = read.then(|| tls_client(request)).flatten() {
        builder = builder.extension(client);
    }
    // Each of them is a way into the platform and back.
    let protocol = (proofs != Proofs::Seen).then_some(PROTOCOL);
    let proofs = [USER_AGENT].into_iter().chain(httpsig::lpa::FIELDS).filter(|_| read);
    for name in HEADERS.into_iter().chain(protocol).chain(proofs) {
        if let Some(value) = header(name)?
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            builder = builder.header(HeaderName::from_static(name), value);
        }
    }
    let body = if is_announced {
        let body = JsFuture::from(request.array_buffer().map_err(broken)?).await.map_err(broken)?;
        Uint8Array::new(&body).to_vec()
    } else {
        let Some(body) = in_pieces(request).await? else { return Ok(None) };
        body
    };
    builder.body(body).map(Some).map_err(|error| Fault::new(error.to_string()))
}

/// A body whose length nobody has said, as long as it is not too long: `None` if it is.
async fn in_pieces(request: &web_sys::Request) -> core::result::Result<Option<Vec<u8>>, Fault> {
    let (body, is_whole) = read_up_to(request.body(), MAX_OPERATOR_BODY).await?;
    Ok(is_whole.then_some(body))
}

/// A body, and whether that is all of it: it is read no further once it is longer than `most`.
async fn read_up_to(
    stream: Option<ReadableStream>,
    most: usize,
) -> core::result::Result<(Vec<u8>, bool), Fault> {
    let Some(stream) = stream else { return Ok((Vec::new(), true)) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let piece = JsFuture::from(reader.read()).await.map_err(broken)?;
        let part = |name: &str| Reflect::get(&piece, &name.into()).map_err(broken);
        if part("done")?.is_truthy() {
            return Ok((body, true));
        }
        body.extend(Uint8Array::new(&part("value")?).to_vec());
        if body.len() > most {
            drop(reader.cancel());
            return Ok((body, false));
        }
    }
}

/// A request as the platform's `fetch` takes it.
fn passed_on(request: &http::Request<Vec<u8>>) -> core::result::Result<Object, Fault> {
    let headers = Object::new();
    for name in HEADERS {
        if let Some(value) = request.headers().get(name).and_then(|value| value.to_str().ok()) {
            Reflect::set(&headers, &name.into(), &value.into()).map_err(broken)?;
        }
    }
    let init = Object::new();
    let set = |name: &str, value: &JsValue| Reflect::set(&init, &name.into(), value).map_err(broken);
    set("method", &request.method().as_str().into())?;
    set("headers", &headers)?;
    set("body", &Uint8Array::from(&request.body()[..]))?;
    Ok(init)
}

/// What the platform saw of the client's certificate in TLS. It comes with the request
/// object and not as a header: nobody outside can write it, whatever headers they send.
fn tls_client(request: &web_sys::Request) -> Option<TlsClient> {
    let part = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).ok().filter(JsValue::is_object);
    let client = part(request, "cf").and_then(|cf| part(&cf, "tlsClientAuth"))?;
    let text = |name: &str| {
        let value = Reflect::get(&client, &name.into()).ok();
        value.and_then(|value| value.as_string()).unwrap_or_default()
    };
    (text("certPresented") == "1").then(|| TlsClient {
        verified: text("certVerified") == "SUCCESS",
        revoked: text("certRevoked") != "0",
        issuer: text("certIssuerDNRFC2253"),
        fingerprint: text("certFingerprintSHA256"),
    })
}

fn outgoing(response: http::Response<Vec<u8>>) -> core::result::Result<web_sys::Response, Fault> {
    let (parts, body) = response.into_parts();
    let headers = Object::new();
    for (name, value) in &parts.headers {
        let value = value.to_str().unwrap_or_default();
        Reflect::set(&headers, &name.as_str().into(), &value.into()).map_err(broken)?;
    }
    let init = ResponseInit::new();
    init.set_status(parts.status.as_u16());
    init.set_headers(&headers);
    // A 204 with a body is an error.
    let body = (!body.is_empty()).then(|| Uint8Array::from(&body[..]));
    web_sys::Response::new_with_opt_js_u8_array_and_init(body.as_ref(), &init).map_err(broken)
}

fn too_long() -> http::Response<Vec<u8>> {
    problem(StatusCode::PAYLOAD_TOO_LARGE, "")
}

fn failed(error: worker::Error) -> Fault {
    Fault::new(error.to_string())
}

fn broken(error: JsValue) -> Fault {
    Fault::new(format!("{error:?}"))
}

/// One line for the one who runs the server. Faults hold no secret and no
/// identifier of a person.
fn log(what: impl core::fmt::Display) {
    worker::console_error!("SM-DP+: {what}");
}
