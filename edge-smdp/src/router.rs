//! The one door: requests in, answers out (SGP.22 §6; RFC 9457).

use core::cell::Cell;
use std::rc::Rc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode as Http};
use rsp::Iccid;
use rsp::es9::{ADMIN_PROTOCOL, Es9Function, HeaderOnly};
use rsp::status::ResponseHeader;
use rsp_crypto::Provider;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::admission::{self, Admission};
use crate::error::{Fault, Malformed, Trouble};
use crate::log::{Line, Refused};
use crate::seal::Cipher;
use crate::store::{Change, Store};
use crate::wire::problem::problem;
use crate::{Chance, Clock, Courier, Nowhere, Server};

mod es2;
mod es9;
mod operator;

/// The longest body of a request, in bytes: ES9+ and ES2+.
pub const MAX_BODY: usize = 64 * 1024;
/// The longest body of a request to the operator's interface, in bytes.
pub const MAX_OPERATOR_BODY: usize = 1536 * 1024;

/// How often a change is tried again because somebody else was faster.
const MAX_RACES: usize = 16;

const X_ADMIN_PROTOCOL: HeaderName = HeaderName::from_static("x-admin-protocol");

/// The SM-DP+: a server, its memory, a clock and a source of chance.
pub struct SmDp<P: Provider, S, C, R, O = Nowhere> {
    pub(crate) server: Rc<Server<P>>,
    pub(crate) store: S,
    pub(crate) clock: C,
    pub(crate) chance: R,
    pub(crate) courier: O,
    /// The profile of the call, for the log.
    about: Cell<Option<Iccid>>,
}

/// What a path leads to.
enum Route<'a> {
    Es9(Es9Function),
    Es2(&'a str),
    Operator(&'a str),
}

impl<P: Provider, S, C, R> SmDp<P, S, C, R> {
    /// Puts the parts together: a server that sends nothing by itself.
    pub const fn new(server: Rc<Server<P>>, store: S, clock: C, chance: R) -> Self {
        Self { server, store, clock, chance, courier: Nowhere, about: Cell::new(None) }
    }
}

impl<P: Provider, S, C, R, O> SmDp<P, S, C, R, O> {
    /// The same with another way out.
    pub fn with_courier<N>(self, courier: N) -> SmDp<P, S, C, R, N> {
        let Self { server, store, clock, chance, about, .. } = self;
        SmDp { server, store, clock, chance, courier, about }
    }
}

impl<P: Provider + Cipher, S: Store, C: Clock, R: Chance, O: Courier> SmDp<P, S, C, R, O> {
    /// The store, for tests that look behind the door.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The store alone, for another server over the same memory.
    pub fn into_store(self) -> S {
        self.store
    }

    /// The server.
    pub fn server(&self) -> &Server<P> {
        &self.server
    }

    /// Answers a request. Every request gets an answer: 200 with the standard's
    /// envelope (success or `Failed`), 204, or a problem document. What broke on our
    /// side is a [`crate::Fault`] among the response's extensions, beside a [`Line`] for
    /// every call: for the log, never for the peer.
    pub async fn handle(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let path = request.uri().path().to_owned();
        let Some(route) = route(&path) else {
            return problem(Http::NOT_FOUND, "");
        };
        self.about.set(None);
        let mut response = match &route {
            Route::Es9(_) if request.method() == Method::OPTIONS => preflight(&self.server.admission),
            Route::Es9(function) => self.es9(*function, &request).await,
            Route::Es2(function) => self.es2(function, &request).await,
            Route::Operator(rest) => self.operator(rest, &request).await,
        };
        let headers = response.headers_mut();
        if !matches!(route, Route::Operator(_)) {
            headers.insert(X_ADMIN_PROTOCOL, HeaderValue::from_static(ADMIN_PROTOCOL));
        }
        if matches!(route, Route::Es9(_)) {
            headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
            headers.insert("access-control-expose-headers", admission::EXPOSED);
        }
        let (interface, function) = match route {
            Route::Es9(function) => ("es9plus", function.name()),
            Route::Es2(function) => ("es2plus", function),
            Route::Operator(rest) => ("operator", rest.split('/').next().unwrap_or_default()),
        };
        let line = Line {
            interface,
            // What is no function is the peer's own text.
            function: function.chars().filter(char::is_ascii_graphic).take(32).collect(),
            status: response.status().as_u16(),
            refused: response.extensions().get::<Refused>().map(|refused| refused.0),
            profile: self.about.get(),
        };
        response.extensions_mut().insert(line);
        response
    }

    /// The answer to a request that does not come from the operator: 401 without a
    /// token, 403 with a wrong one.
    fn not_authorised(&self, request: &Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = header.and_then(|value| value.split_once(' '));
        let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
        let Some((_, token)) = given else {
            let mut response = problem(Http::UNAUTHORIZED, "The operator's token is expected.");
            response.headers_mut().insert("www-authenticate", HeaderValue::from_static("Bearer"));
            return Some(response);
        };
        // Hashed, so that the comparison takes the same time for every length.
        let hash = |text: &str| -> [u8; 32] { Sha256::digest(text.as_bytes()).into() };
        let own = self.server.operator_token.as_ref();
        let theirs = own.is_some_and(|own| bool::from(hash(own).ct_eq(&hash(token.trim()))));
        (!theirs).then(|| problem(Http::FORBIDDEN, "This is not the operator's token."))
    }

    /// Makes a change to a profile, again when somebody else was faster. What `make`
    /// did to the record is kept when it refuses, too (a counted failure), and
    /// forgotten on a fault or on malformed input. `None`: there is no such profile.
    pub(crate) async fn change<T>(
        &self,
        iccid: &Iccid,
        mut make: impl AsyncFnMut(&mut Change) -> Result<T, Trouble>,
    ) -> Result<Option<T>, Trouble> {
        self.about.set(Some(*iccid));
        for _ in 0..MAX_RACES {
            let Some(stored) = self.store.profile(iccid).await? else {
                return Ok(None);
            };
            let mut change = Change::of(stored.profile.clone());
            let result = make(&mut change).await;
            if matches!(result, Err(Trouble::Fault(_) | Trouble::Malformed(_))) {
                return result.map(Some);
            }
            let changed =
                change.bound.is_some() || change.packages.is_some() || change.profile != stored.profile;
            if !changed || self.store.replace(stored.version, &change).await? {
                return result.map(Some);
            }
        }
        Err(Fault::new("too many changes of one profile at once").into())
    }
}

fn route(path: &str) -> Option<Route<'_>> {
    if let Some(name) = path.strip_prefix(rsp::es9::PATH) {
        return Es9Function::from_name(name).map(Route::Es9);
    }
    if let Some(name) = path.strip_prefix(rsp::es2::PATH) {
        return Some(Route::Es2(name));
    }
    path.strip_prefix("/operator/").map(Route::Operator)
}

/// The answer to a request that is not JSON by this method, or too long.
fn not_posted(request: &Request<Vec<u8>>, most: usize, method: &str) -> Option<Response<Vec<u8>>> {
    if request.method().as_str() != method {
        return Some(not_allowed("POST"));
    }
    if request.body().len() > most {
        return Some(problem(Http::PAYLOAD_TOO_LARGE, &format!("At most {most} bytes are taken.")));
    }
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match content_type.map(|text| text.split(';').next().unwrap_or_default().trim()) {
        // Some LPAs leave it away.
        None => None,
        Some(essence) if essence.eq_ignore_ascii_case("application/json") => None,
        Some(_) => Some(problem(Http::UNSUPPORTED_MEDIA_TYPE, "application/json is expected.")),
    }
}

/// Reads a JSON body. The message of the parser is not passed on: it may quote.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "an element is missing, unknown or of a wrong type",
            _ => "not JSON",
        };
        let place = format_args!("{what} (line {}, column {})", error.line(), error.column()).to_string();
        Malformed::new("request", place).into()
    })
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Trouble> {
    serde_json::to_vec(value).map_err(|error| Fault::new(format!("JSON: {error}")).into())
}

fn respond(answer: Result<Vec<u8>, Trouble>) -> Response<Vec<u8>> {
    match answer {
        Ok(body) => {
            let mut response = Response::new(body);
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
            headers.insert("cache-control", HeaderValue::from_static("no-store"));
            response
        }
        Err(it) => trouble(it),
    }
}

fn trouble(trouble: Trouble) -> Response<Vec<u8>> {
    match trouble {
        Trouble::Refused(refusal) => {
            let header = ResponseHeader::failed(refusal.code, &refusal.because);
            let mut response = respond(json(&HeaderOnly { header }));
            response.extensions_mut().insert(Refused(refusal.code));
            response
        }
        Trouble::Malformed(malformed) => problem(Http::BAD_REQUEST, &malformed.because),
        Trouble::Fault(fault) => {
            let mut response = problem(Http::SERVICE_UNAVAILABLE, "");
            response.headers_mut().insert("retry-after", HeaderValue::from_static("5"));
            response.extensions_mut().insert(fault);
            response
        }
    }
}

fn empty(status: Http) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

fn not_allowed(allow: &'static str) -> Response<Vec<u8>> {
    let mut response = problem(Http::METHOD_NOT_ALLOWED, "");
    response.headers_mut().insert("allow", HeaderValue::from_static(allow));
    response
}

/// What a browser asks before it lets a page call ES9+.
fn preflight(admission: &Admission) -> Response<Vec<u8>> {
    let mut response = empty(Http::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert("access-control-allow-methods", HeaderValue::from_static("POST"));
    headers.insert("access-control-allow-headers", admission::allowed_fields(admission));
    headers.insert("access-control-max-age", HeaderValue::from_static("86400"));
    response
}
