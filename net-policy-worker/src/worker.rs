//! The edge runtime: its requests, its variables, its way to the SM.

use std::cell::{Cell, OnceCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use body::Body;
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use suci::HomeNetworkKey;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wire::Peer;
use worker::{Context, Env, Headers, Response, event, web_sys};
use zeroize::Zeroizing;

use crate::gateway::packet::Packet;
use crate::gateway::{MAX_ANSWER, PATIENCE, Way};
use crate::home_network;
use crate::pcf::outbox::Cores;
use crate::policy::Document;
use crate::refusal::Fault;
use crate::router::{self, Link, LinkFailure, Router, Tokens, broken};
use crate::store::durable::{Durable, hand_on};
use crate::subscriber::Tag;

pub(crate) mod body;
pub(crate) mod wire;

/// The APN for SM access where the deployment names none.
const SM_APN: &str = "sm.provisioning";

/// How long the body of a request may take.
pub(crate) const BODY_PATIENCE: Duration = Duration::from_secs(60);

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, _context: Context) -> worker::Result<web_sys::Response> {
    let (response, fault) = match answer(request, &env).await {
        Ok(Answered::Handed(response)) => return Ok(response),
        Ok(Answered::Here(response, fault)) => (response, fault),
        Err(error) => (broken(), Some(Fault(error.to_string()))),
    };
    if let Some(fault) = fault {
        worker::console_error!("{fault}");
    }
    outward(response).map(Into::into)
}

/// An answer, and whose it is.
enum Answered {
    /// The router's, and what broke.
    Here(http::Response<Vec<u8>>, Option<Fault>),
    /// That of an object, as it is.
    Handed(web_sys::Response),
}

async fn answer(request: web_sys::Request, env: &Env) -> worker::Result<Answered> {
    let headers = wire::lines(&request.headers())?;
    let said = wire::length(&headers);
    let inward = match router::request(&request.method(), &request.url(), headers, vec![]) {
        Ok(inward) => inward,
        Err(refused) => return Ok(Answered::Here(*refused, None)),
    };
    let mut inward = match Packet::read(inward) {
        // A packet is answered where its subscriber is.
        Ok(packet) => match Tag::of_id(&packet.id) {
            Some(tag) => {
                let body = request.body().map(JsValue::from);
                let handed = hand_on(env, tag, &packet, body.as_ref()).await;
                return handed.map(Answered::Handed).map_err(|fault| worker::Error::from(fault.0));
            }
            None => {
                let (response, fault) = router::finished(Err(router::no_id()));
                return Ok(Answered::Here(response, fault));
            }
        },
        Err(inward) => inward,
    };
    *inward.body_mut() = match body::of(&request, said, router::longest(inward.uri().path())).await {
        Ok(body) => body,
        Err(refused) => return Ok(Answered::Here(refused, None)),
    };
    // A secret and a variable are the same to the runtime.
    let secret = |name| env.secret(name).ok().map(|token| Zeroizing::new(token.to_string()));
    let tokens = Tokens {
        operator: secret("OPERATOR_TOKEN"),
        pcf: secret("PCF_TOKEN"),
        feeder: secret("FEEDER_TOKEN"),
    };
    let router = Router::new(Durable::new(env)?, Ways::outside(), tokens)
        .with_home_network_keys(home_network_keys(env)?);
    let (response, fault) = router.handle(inward).await;
    Ok(Answered::Here(response, fault))
}

thread_local! {
    /// The deployment's: they stay as they are as long as an isolate does.
    static HOME_NETWORK_KEYS: OnceCell<Rc<[HomeNetworkKey]>> = const { OnceCell::new() };
}

/// The keys of `HOME_NETWORK_KEYS`, read once and not for each request: the public half of each is computed
/// when it is read, a multiplication on its curve.
fn home_network_keys(env: &Env) -> worker::Result<Rc<[HomeNetworkKey]>> {
    if let Some(keys) = HOME_NETWORK_KEYS.with(|keys| keys.get().cloned()) {
        return Ok(keys);
    }
    let json = env.secret("HOME_NETWORK_KEYS").map(|keys| Zeroizing::new(keys.to_string()));
    let keys = match json.as_deref().map(|json| json.as_str()) {
        Ok("") | Err(_) => vec![],
        Ok(json) => home_network::keys(json).map_err(|fault| worker::Error::from(fault.0))?,
    };
    Ok(HOME_NETWORK_KEYS.with(|kept| Rc::clone(kept.get_or_init(|| keys.into()))))
}

/// What this deployment decides by until its operator has written a policy: the variables
/// `SM_APN` and `SM_ADDRESSES`, and `OUTSIDE_SMS` for SMs that are reached over the Internet.
pub(crate) fn first_document(env: &Env) -> Result<Document, Fault> {
    let variable = |name| variable(env, name).unwrap_or_default();
    let sm_apn = Some(variable("SM_APN")).filter(|apn| !apn.is_empty()).unwrap_or_else(|| SM_APN.to_owned());
    Document::of_deployment(&sm_apn, &variable("SM_ADDRESSES"))
        .map_err(|because| Fault(format!("SM_APN, SM_ADDRESSES: {because}")))?
        .with_outside(&variable("OUTSIDE_SMS"), permits_private(env))
        .map_err(|because| Fault(format!("OUTSIDE_SMS: {because}")))
}

/// Whether an SM outside may have an address that is not public: `OUTSIDE_PRIVATE` is
/// `permitted`, in a laboratory.
pub(crate) fn permits_private(env: &Env) -> bool {
    variable(env, "OUTSIDE_PRIVATE").as_deref() == Some("permitted")
}

/// The core networks that are told anything unasked: those of `CORE_ADDRESSES`, none without it.
pub(crate) fn cores(env: &Env) -> Result<Cores, Fault> {
    let list = variable(env, "CORE_ADDRESSES").unwrap_or_default();
    Cores::parse(&list, permits_private(env)).map_err(|because| Fault(format!("CORE_ADDRESSES: {because}")))
}

fn variable(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string())
}

/// The router's response as the runtime takes it.
pub(crate) fn outward(response: http::Response<Vec<u8>>) -> worker::Result<Response> {
    let (parts, body) = response.into_parts();
    let headers = Headers::new();
    for (name, value) in &parts.headers {
        headers.set(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
    }
    let status = parts.status.as_u16();
    // These have no body, and the runtime takes an empty one for an error.
    let response =
        if matches!(status, 204 | 205 | 304) { Response::empty()? } else { Response::from_bytes(body)? };
    Ok(response.with_status(status).with_headers(headers))
}

/// The ways to the SMs: the service binding to the SM-DP+, if there is one, and the Internet.
pub(crate) struct Ways(Option<Peer>);

impl Ways {
    /// Those of a deployment.
    pub(crate) fn of(env: &Env) -> Self {
        Self(env.service("SMDP").ok().map(|sm| JsValue::from(sm).unchecked_into()))
    }

    /// To the Internet alone.
    pub(crate) const fn outside() -> Self {
        Self(None)
    }
}

impl Link for Ways {
    async fn send(
        &self,
        way: Way,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, LinkFailure> {
        let peer = match (way, &self.0) {
            (Way::Outside, _) => None,
            (Way::Binding, Some(peer)) => Some(peer),
            (Way::Binding, None) => return Err(LinkFailure::Unreachable),
        };
        match within(PATIENCE, exchange(peer, request)).await {
            Some(Ok(answer)) => answer.ok_or(LinkFailure::TooLarge),
            Some(Err(error)) => {
                worker::console_error!("{}: {error}", if peer.is_some() { "SM" } else { "outside" });
                Err(LinkFailure::Unreachable)
            }
            None => Err(LinkFailure::Late),
        }
    }
}

/// The headers of an answer that anything here looks at: each is asked for by itself.
const HEARD: [&str; 7] = [
    "accept-signature",
    "content-encoding",
    "content-type",
    "location",
    "retry-after",
    "www-authenticate",
    "x-admin-protocol",
];

/// Sends a request, to a peer or over the Internet; `None` for an answer that is too long.
async fn exchange(
    peer: Option<&Peer>,
    request: http::Request<Vec<u8>>,
) -> worker::Result<Option<http::Response<Vec<u8>>>> {
    let (parts, body) = request.into_parts();
    let headers =
        parts.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let has_body = !matches!(parts.method, http::Method::GET | http::Method::HEAD);
    let body = has_body.then(|| Uint8Array::from(body.as_slice()).into());
    let url = parts.uri.to_string();
    let answer =
        wire::send(peer, &url, parts.method.as_str(), &headers.collect::<Vec<_>>(), body.as_ref()).await?;
    let headers = answer.headers();
    // Of what the runtime decompresses it says how long it was before.
    let said = match headers.get("content-encoding")? {
        Some(_) => None,
        None => headers.get("content-length")?.and_then(|length| length.parse().ok()),
    };
    let mut passed = http::Response::builder().status(answer.status());
    for name in HEARD {
        if let Some(value) = headers.get(name)?
            // What the runtime has undone of it is no coding any more.
            && !(name == "content-encoding" && matches!(value.as_str(), "gzip" | "br"))
        {
            passed = passed.header(name, value);
        }
    }
    let body = match answer.body() {
        Some(stream) => match body::read(stream.unchecked_into(), said, MAX_ANSWER).await? {
            Body::Whole(bytes) => bytes,
            Body::Start(_) => return Ok(None),
        },
        None => vec![],
    };
    passed.body(body).map(Some).map_err(|error| worker::Error::from(error.to_string()))
}

/// What `work` comes to, or `None` when it takes longer than `limit`.
///
/// Not with `worker::Delay`: it takes what `setTimeout` returns for a number, which under
/// the runtime's Node.js compatibility it is not.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), Timer::start(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(call: &Closure<dyn FnMut()>, milliseconds: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// A timer of the runtime, stopped when it is dropped.
///
/// Without a promise: that of a timer which was stopped is never settled, and a `JsFuture`
/// over it would stay for ever, as it and its callbacks hold each other until then.
struct Timer {
    bell: Rc<Bell>,
    id: JsValue,
    /// What the runtime calls; it lives no longer than the timer.
    _ring: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct Bell {
    has_rung: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Timer {
    fn start(limit: Duration) -> Self {
        let bell = Rc::<Bell>::default();
        let rung = Rc::clone(&bell);
        let ring = Closure::wrap_assert_unwind_safe(Box::new(move || {
            rung.has_rung.set(true);
            if let Some(waker) = rung.waker.take() {
                waker.wake();
            }
        }) as Box<dyn FnMut()>);
        let id = set_timeout(&ring, limit.as_secs_f64() * 1000.0);
        Self { bell, id, _ring: ring }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<()> {
        if self.bell.has_rung.get() {
            return Poll::Ready(());
        }
        self.bell.waker.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // One that is over already is not an error.
        clear_timeout(&self.id);
    }
}
