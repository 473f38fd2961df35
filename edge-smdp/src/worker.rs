//! The worker: requests of the runtime to [`SmDp::handle`] and back.

use core::cell::RefCell;
use std::rc::Rc;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use worker::{Context, Date, Env, Headers, Request, Response, Result, event};

use crate::config::{Configuration, Limits, Protection, Server};
use crate::crypto::{Entropy, WebCrypto};
use crate::router::{MAX_OPERATOR_BODY, SmDp};
use crate::store::durable::Durable;
use crate::wire::problem::problem;
use crate::{Clock, Fault};

/// The headers that the router looks at.
const HEADERS: [&str; 3] = ["authorization", "content-type", "x-admin-protocol"];

mod console;

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

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    if console::is_path(&request.path()) {
        return console::serve(request, &env).await;
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
    let Some(request) = incoming(request).await? else {
        return Ok(problem(StatusCode::PAYLOAD_TOO_LARGE, ""));
    };
    let server = server(env).await?;
    let store = Durable::new(env.durable_object("STORE").map_err(failed)?);
    #[cfg(feature = "self-test")]
    if request.uri().path() == "/self-test" {
        let run = (Date::now().as_millis() % 100_000_000) as u32;
        crate::store::suite::run(&store, run).await?;
        crate::crypto::suite::run(&WebCrypto::new()?).await?;
        return Ok(http::Response::new(b"every promise is kept".to_vec()));
    }
    let response = SmDp::new(server, store, RuntimeClock, Entropy).handle(request).await;
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
    let needed = |name: &str| text(name).ok_or_else(|| Fault::new(format!("{name} is not configured")));
    let (credentials, secret) = (needed("SMDP_CREDENTIALS")?, needed("SMDP_SECRET")?);
    let (addresses, token) = (needed("SMDP_ADDRESSES")?, text("OPERATOR_TOKEN"));
    let protection = match text("SMDP_PROTECTION").as_deref() {
        None | Some("" | "session-keys") => Protection::SessionKeys,
        Some("profile-protection-keys") => Protection::ProfileProtectionKeys,
        Some(_) => return Err(Fault::new("SMDP_PROTECTION: session-keys, profile-protection-keys")),
    };
    let configuration = Configuration {
        credentials: &credentials,
        secret: &secret,
        operator_token: token.as_deref(),
        addresses: &addresses,
        protection,
        limits: Limits::default(),
    };
    let server = Server::new(WebCrypto::new()?, &configuration).await;
    let server = Rc::new(server.map_err(|error| Fault::new(error.to_string()))?);
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
    let mut builder = http::Request::builder().method(method.unwrap_or(Method::TRACE)).uri(url.path());
    for name in HEADERS {
        if let Some(value) = request.headers().get(name).map_err(failed)?
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            builder = builder.header(HeaderName::from_static(name), value);
        }
    }
    let body = request.bytes().await.map_err(failed)?;
    builder.body(body).map(Some).map_err(|error| Fault::new(error.to_string()))
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
