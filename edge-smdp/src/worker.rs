//! The worker: requests of the runtime to [`SmDp::handle`] and back.

use core::cell::RefCell;
use core::time::Duration;
use std::rc::Rc;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use js_sys::Reflect;
use wasm_bindgen::JsValue;
use worker::{
    Context, Date, Env, Fetch, Headers, Method as Verb, Request, RequestInit, RequestRedirect, Response,
    Result, ScheduleContext, ScheduledEvent, event,
};
use zeroize::Zeroizing;

use crate::access::{self, AccessPolicy, KeySet, OperatorProven};
use crate::admission::{AdmissionText, TlsClient};
use crate::config::{Configuration, Limits, Protection, Server};
use crate::crypto::{Entropy, WebCrypto};
use crate::log::{Identifiers, Line};
use crate::router::{MAX_OPERATOR_BODY, SmDp};
use crate::store::durable::{Durable, Here, Shard, within};
use crate::wire::problem::problem;
use crate::{Clock, Courier, Fault, Letter};

/// The headers that the router looks at, beside those by which an LPA proves who
/// it is.
const HEADERS: [&str; 4] = ["authorization", "content-type", "user-agent", "x-admin-protocol"];

/// How long an access proxy's keys are used, in seconds.
const KEYS_LAST: u64 = 3600;
/// How long after that they are not asked for again, whatever key is named.
const KEYS_PAUSE: u64 = 60;

thread_local! {
    /// An access proxy's keys, and since when.
    static KEYS: RefCell<Option<(u64, Rc<KeySet>)>> = const { RefCell::new(None) };
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

/// How long a message to the operator or an SM-DS may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of an answer to a message is read, in bytes.
const MOST_OF_ANSWER: usize = 16 * 1024;

/// The platform's way out.
struct Outgoing;

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
            let mut response = Fetch::Request(Request::new_with_init(letter.url, &init)?).send().await?;
            let mut body = response.bytes().await?;
            body.truncate(MOST_OF_ANSWER);
            Ok((response.status_code(), body))
        };
        let answer = within(PATIENCE, send).await.ok_or("no answer in time")?;
        answer.map_err(|error: worker::Error| error.to_string())
    }
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
        SmDp::new(server(env).await?, store, RuntimeClock, Entropy).with_courier(Outgoing).tend().await
    };
    let tended = tended.await;
    if let Err(fault) = &tended {
        log(fault);
    }
    tended.is_ok()
}

/// Whether an access proxy has let the sender in, where one is configured.
async fn is_let_in(request: &Request, env: &Env) -> core::result::Result<bool, Fault> {
    let Ok(policy) = env.var("OPERATOR_ACCESS").map(|var| var.to_string()) else { return Ok(false) };
    let Some(token) = request.headers().get(access::HEADER).ok().flatten() else { return Ok(false) };
    let policy = AccessPolicy::parse(&policy).map_err(Fault::new)?;
    let now = RuntimeClock.now();
    let Some(assertion) = policy.read(&token, now) else { return Ok(false) };
    let kept = KEYS.with_borrow(Clone::clone).filter(|(since, _)| now < since + KEYS_LAST);
    let known = |keys: &KeySet| keys.keys.iter().any(|key| key.kid == assertion.kid);
    let keys = match kept {
        // Another key than those known is worth asking for, but not each time.
        Some((since, keys)) if known(&keys) || now < since + KEYS_PAUSE => keys,
        _ => {
            let fetched = fetch_keys(&policy.keys_url()).await?;
            KEYS.set(Some((now, Rc::clone(&fetched))));
            fetched
        }
    };
    let crypto = WebCrypto::new()?;
    for key in keys.keys.iter().filter(|key| key.kty == "RSA" && key.kid == assertion.kid) {
        if crypto.rs256(&key.n, &key.e, &assertion.signed, &assertion.signature).await {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn fetch_keys(url: &str) -> core::result::Result<Rc<KeySet>, Fault> {
    let fetched = async {
        let mut init = RequestInit::new();
        init.with_redirect(RequestRedirect::Manual);
        let mut response = Fetch::Request(Request::new_with_init(url, &init)?).send().await?;
        response.json::<KeySet>().await
    };
    let keys =
        within(PATIENCE, fetched).await.ok_or_else(|| Fault::new("the access proxy's keys: no answer"))?;
    keys.map(Rc::new).map_err(|error| Fault::new(format!("the access proxy's keys: {error}")))
}

/// The answer to somebody who asks too often: by the address that the platform saw.
/// Other workers, which have doors of their own, come without one.
async fn too_often(request: &Request, env: &Env) -> Option<http::Response<Vec<u8>>> {
    let address = request.headers().get("cf-connecting-ip").ok()??;
    let path = request.path();
    let binding = if path.starts_with(rsp::es9::PATH) { "ES9_LIMIT" } else { "OPERATOR_LIMIT" };
    let allowed = env.rate_limiter(binding).ok()?.limit(address).await;
    // A limiter that fails keeps nobody out.
    if allowed.is_ok_and(|outcome| !outcome.success) {
        let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "Wait a minute, then ask again.");
        response.headers_mut().insert("retry-after", HeaderValue::from_static("60"));
        return Some(response);
    }
    None
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    if let Some(refused) = too_often(&request, &env).await {
        return outgoing(refused);
    }
    let response = match answer(request, &env).await {
        Ok(response) => response,
        Err(fault) => {
            log(&fault);
            problem(StatusCode::SERVICE_UNAVAILABLE, "The SM-DP+ is not ready; its log says why.")
        }
    };
    outgoing(response)
}

async fn answer(request: Request, env: &Env) -> core::result::Result<http::Response<Vec<u8>>, Fault> {
    let failed = |error: worker::Error| Fault::new(error.to_string());
    let is_let_in = is_let_in(&request, env).await?;
    let Some(mut request) = incoming(request).await? else {
        return Ok(problem(StatusCode::PAYLOAD_TOO_LARGE, ""));
    };
    if is_let_in {
        request.extensions_mut().insert(OperatorProven);
    }
    let server = server(env).await?;
    let store = Durable::new(env.durable_object("STORE").map_err(failed)?);
    #[cfg(feature = "self-test")]
    if request.uri().path() == "/self-test" {
        let run = (Date::now().as_millis() % 100_000_000) as u32;
        crate::store::suite::run(&store, run).await?;
        crate::crypto::suite::run(&WebCrypto::new()?).await?;
        return Ok(http::Response::new(b"every promise is kept".to_vec()));
    }
    let response =
        SmDp::new(server, store, RuntimeClock, Entropy).with_courier(Outgoing).handle(request).await;
    if let Some(line) = response.extensions().get::<Line>() {
        let full = env.var("SMDP_LOG_IDENTIFIERS").is_ok_and(|var| var.to_string() == "full");
        let identifiers = if full { Identifiers::Full } else { Identifiers::Shortened };
        worker::console_log!("{}", line.json(identifiers));
    }
    if let Some(fault) = response.extensions().get::<Fault>() {
        log(fault);
    }
    Ok(response)
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
        operator_requesters: requesters.as_deref(),
        smds_root: smds_root.as_deref(),
    };
    let server = Server::new(WebCrypto::new()?, &configuration).await;
    let mut server = server.map_err(|error| Fault::new(error.to_string()))?;
    server.has_access = text("OPERATOR_ACCESS").is_some();
    let server = Rc::new(server);
    SERVER.set(Some(Rc::clone(&server)));
    Ok(server)
}

/// `None`: the body is longer than anything that is taken.
async fn incoming(mut request: Request) -> core::result::Result<Option<http::Request<Vec<u8>>>, Fault> {
    let failed = |error: worker::Error| Fault::new(error.to_string());
    let announced = request.headers().get("content-length").map_err(failed)?;
    if announced.and_then(|text| text.parse().ok()).is_some_and(|length: usize| length > MAX_OPERATOR_BODY) {
        return Ok(None);
    }
    let method = Method::from_bytes(request.method().as_ref().as_bytes());
    let url = request.url().map_err(failed)?;
    // With scheme and host: what an LPA signs names them.
    let uri = http::Uri::try_from(url.as_str());
    let uri = uri.or_else(|_| http::Uri::try_from(url.path()));
    let uri = uri.map_err(|error| Fault::new(error.to_string()))?;
    let mut builder = http::Request::builder().method(method.unwrap_or(Method::TRACE)).uri(uri);
    if let Some(client) = tls_client(&request) {
        builder = builder.extension(client);
    }
    for name in HEADERS.into_iter().chain(httpsig::lpa::FIELDS) {
        if let Some(value) = request.headers().get(name).map_err(failed)?
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            builder = builder.header(HeaderName::from_static(name), value);
        }
    }
    let body = request.bytes().await.map_err(failed)?;
    builder.body(body).map(Some).map_err(|error| Fault::new(error.to_string()))
}

/// What the platform saw of the client's certificate in TLS. It comes with the request
/// object and not as a header: nobody outside can write it, whatever headers they send.
fn tls_client(request: &Request) -> Option<TlsClient> {
    let part = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).ok().filter(JsValue::is_object);
    let client = part(request.inner(), "cf").and_then(|cf| part(&cf, "tlsClientAuth"))?;
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

fn outgoing(response: http::Response<Vec<u8>>) -> Result<Response> {
    let (parts, body) = response.into_parts();
    let headers = Headers::new();
    for (name, value) in &parts.headers {
        headers.set(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    // A 204 with a body is an error.
    let response = if body.is_empty() { Response::empty()? } else { Response::from_bytes(body)? };
    Ok(response.with_status(parts.status.as_u16()).with_headers(headers))
}

/// One line for the one who runs the server. Faults hold no secret and no
/// identifier of a person.
fn log(what: impl core::fmt::Display) {
    worker::console_error!("SM-DP+: {what}");
}
