//! Before a request is looked at: who asks too often, and whom an access proxy in front has let
//! in.

use core::cell::RefCell;
use std::rc::Rc;

use http::{HeaderValue, StatusCode};
use web_sys::Request;
use worker::{Env, Fetch, RequestInit, RequestRedirect};

use super::PATIENCE;
use crate::Fault;
use crate::access::{self, Access, KeySet};
use crate::crypto::WebCrypto;
use crate::origin::origin;
use crate::store::durable::within;
use crate::wire::problem::problem;

/// How long an access proxy's keys are used, in seconds.
const KEYS_LAST: u64 = 3600;
/// How long after that they are not asked for again, whatever key is named.
const KEYS_PAUSE: u64 = 60;

thread_local! {
    /// An access proxy's keys, and since when.
    static KEYS: RefCell<Option<(u64, Rc<KeySet>)>> = const { RefCell::new(None) };
}

/// Whether an access proxy has let the sender in, where one is configured.
pub(super) async fn is_let_in(request: &Request, access: &Access, now: u64) -> Result<bool, Fault> {
    let Some(policy) = access.policy() else { return Ok(false) };
    let Some(token) = request.headers().get(access::HEADER).ok().flatten() else { return Ok(false) };
    let Some(assertion) = policy.read(&token, now) else { return Ok(false) };
    let kept = KEYS.with_borrow(Clone::clone).filter(|(since, _)| now < since + KEYS_LAST);
    let known = |keys: &KeySet| keys.keys.iter().any(|key| key.kid == assertion.kid);
    let keys = match kept {
        // Another key than those known is worth asking for, but not each time.
        Some((since, keys)) if known(&keys) || now < since + KEYS_PAUSE => keys,
        _ => match fetch_keys(&policy.keys_url()).await {
            Ok(fetched) => {
                KEYS.set(Some((now, Rc::clone(&fetched))));
                fetched
            }
            // Who is not let in by the proxy may still have the operator's token.
            Err(fault) => {
                super::log(&fault);
                return Ok(false);
            }
        },
    };
    let crypto = WebCrypto::new()?;
    for key in keys.keys.iter().filter(|key| key.kty == "RSA" && key.kid == assertion.kid) {
        if crypto.rs256(&key.n, &key.e, &assertion.signed, &assertion.signature).await {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn fetch_keys(url: &str) -> Result<Rc<KeySet>, Fault> {
    let fetched = async {
        let mut init = RequestInit::new();
        init.with_redirect(RequestRedirect::Manual);
        let mut response = Fetch::Request(worker::Request::new_with_init(url, &init)?).send().await?;
        response.json::<KeySet>().await
    };
    let keys =
        within(PATIENCE, fetched).await.ok_or_else(|| Fault::new("the access proxy's keys: no answer"))?;
    keys.map(Rc::new).map_err(|error| Fault::new(format!("the access proxy's keys: {error}")))
}

/// The answer to somebody who asks too often: by the address that the platform saw ([`origin`]).
/// Other workers, which have doors of their own, come without one.
pub(super) async fn too_often(request: &Request, url: &str, env: &Env) -> Option<http::Response<Vec<u8>>> {
    let address = request.headers().get("cf-connecting-ip").ok()??;
    let is_es9 = http::Uri::try_from(url).is_ok_and(|uri| uri.path().starts_with(rsp::es9::PATH));
    let binding = if is_es9 { "ES9_LIMIT" } else { "OPERATOR_LIMIT" };
    let allowed = env.rate_limiter(binding).ok()?.limit(origin(&address)).await;
    // A limiter that fails keeps nobody out.
    if allowed.is_ok_and(|outcome| !outcome.success) {
        let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "Wait a minute, then ask again.");
        response.headers_mut().insert("retry-after", HeaderValue::from_static("60"));
        return Some(response);
    }
    None
}
