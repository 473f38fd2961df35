//! The one door: requests in, answers out (SGP.22 §6; RFC 9457).

use core::cell::RefCell;
use std::borrow::Cow;
use std::rc::Rc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode as Http};
use rsp::auth::AuthenticateServerResponse;
use rsp::es9::{
    ADMIN_PROTOCOL, AuthenticateClientRequest, Es9Function, HandleNotificationRequest, HeaderOnly,
};
use rsp::notification::PendingNotification;
use rsp::status::{ResponseHeader, StatusCode};
use rsp::{DataObject, Iccid, MatchingId, TransactionId, Version};
use rsp_crypto::Provider;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::OperatorProven;
use crate::admission::{self, Admission};
use crate::error::{Fault, Malformed, Refusal, Trouble};
use crate::log::{About, Line, Refused, Requester};
use crate::profile::{EventKind, Profile};
use crate::seal::Cipher;
use crate::service::end::{self, Ended};
use crate::service::feed;
use crate::service::session;
use crate::store::{Change, Store};
use crate::wire::problem::problem;
use crate::{Chance, Clock, Courier, Nowhere, Server};

mod es12;
mod es2;
mod es9;
mod operator;

/// The longest body of a request, in bytes: ES9+ and ES2+.
pub const MAX_BODY: usize = 64 * 1024;
/// The longest body of a request to the operator's interface, in bytes.
pub const MAX_OPERATOR_BODY: usize = 1536 * 1024;

/// How often a change is tried because somebody else was faster.
///
/// A race is lost only to a change that has happened, so whatever happens, the profile gets
/// on: there is nothing to back off from, and the tries follow each other at once. Who can
/// be faster so often is bounded for strangers, who change a record only as eUICCs of its
/// order: by [`crate::Limits::download_attempts`] and `confirmation_failures`, and a count of
/// refusals. Not bounded are the operator's own calls and the notifications of the one eUICC
/// that has the profile, one change for each. Whoever meets as many of them at one moment
/// gets an answer that says to come again ([`overtaken`]), instead of holding on for ever.
const MAX_RACES: usize = 16;
/// After how many seconds who lost so many races may come again.
const AFTER_RACES: HeaderValue = HeaderValue::from_static("1");

const X_ADMIN_PROTOCOL: HeaderName = HeaderName::from_static("x-admin-protocol");

/// The SM-DP+: a server, its memory, a clock and a source of chance.
pub struct SmDp<P: Provider, S, C, R, O = Nowhere> {
    pub(crate) server: Rc<Server<P>>,
    pub(crate) store: S,
    pub(crate) clock: C,
    pub(crate) chance: R,
    pub(crate) courier: O,
    /// What the call came to be about, for log and time line.
    about: RefCell<About>,
}

/// What of the store a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This profile.
    Profile(Iccid),
    /// The order with this matching id, in this session.
    MatchingId(MatchingId, TransactionId),
    /// The order in this session.
    Session(TransactionId),
}

/// What a call in a session says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InSession<'a> {
    #[serde(borrow)]
    transaction_id: Cow<'a, str>,
}

/// What a call of ES2+ says of itself.
#[derive(Deserialize)]
struct OfProfile<'a> {
    #[serde(borrow)]
    iccid: Option<Cow<'a, str>>,
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
        Self { server, store, clock, chance, courier: Nowhere, about: RefCell::new(About::NOTHING) }
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
        match self.turned_away(&request).await {
            Some(response) => response,
            None => self.handle_admitted(request).await,
        }
    }

    /// The answer to who speaks another protocol, and to an LPA that is not let in by what its
    /// request proves of it; `None` lets them in. [`SmDp::handle`] asks this itself.
    pub async fn turned_away(&self, request: &Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
        let route = route(request.uri().path())?;
        if matches!(route, Route::Operator(_)) || request.method() == Method::OPTIONS {
            return None;
        }
        let is_es9 = matches!(route, Route::Es9(_));
        let refused = not_posted(request, MAX_BODY, "POST").filter(|_| is_es9);
        let refused = match refused.or_else(|| not_spoken(request)) {
            None if is_es9 => admission::refuse(&self.server, request, self.clock.now()).await,
            refused => refused,
        };
        refused.map(|response| dressed(response, &route, About::default()))
    }

    /// The same for a request that [`SmDp::turned_away`] has let in elsewhere, where what
    /// proves it was still to be seen.
    pub async fn handle_admitted(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let path = request.uri().path().to_owned();
        let Some(route) = route(&path) else {
            return problem(Http::NOT_FOUND, "");
        };
        drop(self.about.take());
        let response = match &route {
            Route::Es9(_) if request.method() == Method::OPTIONS => preflight(&self.server.admission),
            Route::Es9(function) => self.es9(*function, &request).await,
            Route::Es2(function) => self.es2(function, &request).await,
            Route::Operator(rest) => self.operator(rest, &request).await,
        };
        dressed(response, &route, self.about.take())
    }

    /// What of the store a request is about, as far as the request tells. A request of
    /// nobody in particular, or one that will be refused as it stands, has no owner.
    ///
    /// For servers whose store is in several places: a request may be answered anywhere,
    /// and is answered fastest where its owner is.
    pub fn owner(&self, request: &Request<Vec<u8>>) -> Option<Owner> {
        let route = route(request.uri().path())?;
        let body = request.body();
        if request.method() != Method::POST || body.len() > MAX_BODY {
            return None;
        }
        let session = |id: &str| {
            let server = &self.server;
            session::recognise(&server.secret, id, self.clock.now(), server.limits.session)
        };
        match route {
            Route::Es9(Es9Function::AuthenticateClient) => {
                let request: AuthenticateClientRequest = serde_json::from_slice(body).ok()?;
                let id = session(&request.transaction_id)?.id;
                match AuthenticateServerResponse::decode(&request.authenticate_server_response.0).ok()? {
                    AuthenticateServerResponse::Ok(ok) => {
                        let asked = ok.euicc_signed1.ctx_params1.matching_id.clone();
                        asked.filter(|asked| !asked.is_empty()).map(|asked| Owner::MatchingId(asked, id))
                    }
                    AuthenticateServerResponse::Error { .. } => None,
                }
            }
            Route::Es9(Es9Function::GetBoundProfilePackage | Es9Function::CancelSession) => {
                let request: InSession<'_> = serde_json::from_slice(body).ok()?;
                session(&request.transaction_id).map(|given| Owner::Session(given.id))
            }
            Route::Es9(Es9Function::HandleNotification) => {
                let request: HandleNotificationRequest = serde_json::from_slice(body).ok()?;
                let iccid = match PendingNotification::decode(&request.pending_notification.0).ok()? {
                    PendingNotification::ProfileInstallationResult(result) => result.data.notification.iccid,
                    PendingNotification::Other(other) => other.tbs.iccid,
                };
                iccid.map(Owner::Profile)
            }
            // Whom a proxy has let in is known where it was seen.
            Route::Es2(_) if request.extensions().get::<OperatorProven>().is_some() => None,
            Route::Es2(_) if self.not_authorised(request).is_none() => {
                let request: OfProfile<'_> = serde_json::from_slice(body).ok()?;
                request.iccid?.parse().ok().map(Owner::Profile)
            }
            _ => None,
        }
    }

    /// The answer to a request that does not come from the operator: 401 without a
    /// token, 403 with a wrong one; 415 to one that a proxy has let in and that may be another
    /// site's.
    fn not_authorised(&self, request: &Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
        if request.extensions().get::<OperatorProven>().is_some() {
            let detail = "Behind an access proxy the media type must be said: application/json, text/csv.";
            return may_be_forged(request).then(|| problem(Http::UNSUPPORTED_MEDIA_TYPE, detail));
        }
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

    /// Notes who calls.
    fn called_by(&self, requester: Requester) {
        self.about.borrow_mut().requester = Some(requester);
    }

    /// Notes the session of a call.
    fn in_session(&self, id: &TransactionId) {
        self.about.borrow_mut().session = Some(id.clone());
    }

    /// Makes a change to a profile, again when somebody else was faster. What `make`
    /// did to the record is kept when it refuses, too (a counted failure), and
    /// forgotten on a fault or on malformed input. When it ends an order, what leads to
    /// the order is given up. `None`: there is no such profile.
    pub(crate) async fn change<T>(
        &self,
        iccid: &Iccid,
        mut make: impl AsyncFnMut(&mut Change) -> Result<T, Trouble>,
    ) -> Result<Option<T>, Trouble> {
        self.about.borrow_mut().profile = Some(*iccid);
        for _ in 0..MAX_RACES {
            let Some(stored) = self.store.profile(iccid).await? else {
                return Ok(None);
            };
            let mut change = Change::of(stored.profile.clone());
            let result = make(&mut change).await;
            if matches!(result, Err(Trouble::Fault(_) | Trouble::Malformed(_))) {
                return result.map(Some);
            }
            let ended = end::of(&stored.profile, &mut change.profile, self.clock.now());
            let has_network = self.server.feeder_token.is_some();
            feed::follow(&stored.profile, &mut change.profile, has_network, self.clock.now());
            change.profile.attribute(self.causer(&stored.profile).as_deref());
            if self.server.operator_callback.is_none() {
                change.profile.pending.messages.retain(|message| !message.is_for_operator());
            }
            let changed =
                change.bound.is_some() || change.packages.is_some() || change.profile != stored.profile;
            if !changed || self.store.replace(stored.version, &change).await? {
                if let Some(ended) = ended {
                    self.give_up(iccid, &ended).await?;
                    if change.profile.order.is_none() {
                        self.take_back(iccid, &ended).await?;
                    }
                }
                return result.map(Some);
            }
        }
        Err(overtaken().into())
    }

    /// Who causes what a call changes of a profile: in a session that is the eUICC of its order.
    /// `None`: the server itself.
    fn causer(&self, before: &Profile) -> Option<String> {
        let about = self.about.borrow();
        let euicc = before.order.as_ref().and_then(|order| order.eid).filter(|_| about.session.is_some());
        let requester = about.requester.as_ref().map(Requester::to_string);
        requester.or_else(|| euicc.map(|eid| eid.to_string()))
    }

    /// Gives up what leads to an order.
    async fn give_up(&self, iccid: &Iccid, ended: &Ended) -> Result<(), Fault> {
        if let Some(id) = ended.matching_id.as_ref().filter(|id| !id.is_empty()) {
            self.store.release_matching_id(id, iccid).await?;
        }
        for eid in &ended.eids {
            self.store.unlink(eid, iccid).await?;
        }
        Ok(())
    }

    /// Takes back what was given up of an order that was cancelled, when the profile has
    /// been ordered anew in between with the same. Who orders does the same afterwards
    /// ([`has_been_ordered`]): one of the two comes last.
    async fn take_back(&self, iccid: &Iccid, ended: &Ended) -> Result<(), Fault> {
        let stored = self.store.profile(iccid).await?;
        let Some(order) = stored.and_then(|stored| stored.profile.order) else { return Ok(()) };
        if let Some(id) =
            order.matching_id.filter(|id| !id.is_empty() && ended.matching_id.as_ref() == Some(id))
        {
            self.store.claim_matching_id(&id, iccid).await?;
        }
        match order.eid.filter(|eid| order.linked && ended.eids.contains(eid)) {
            Some(eid) => self.store.link(&eid, iccid).await,
            None => Ok(()),
        }
    }
}

/// The answer to who lost every race: nothing has changed by this call, and the next one may
/// succeed.
fn overtaken() -> Refusal {
    Refusal::new(StatusCode::EXECUTION_ERROR, "others are changing the profile at this moment; come again")
}

/// Whether a profile had an order before: what led to that may be being given up.
fn has_been_ordered(profile: &Profile) -> bool {
    profile.events.iter().any(|event| event.event == EventKind::OrderCancelled)
}

/// What every answer of an interface carries.
fn dressed(mut response: Response<Vec<u8>>, route: &Route<'_>, about: About) -> Response<Vec<u8>> {
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
        Route::Es2(function) => ("es2plus", *function),
        Route::Operator(rest) => ("operator", rest.split('/').next().unwrap_or_default()),
    };
    let line = Line {
        interface,
        // What is no function is the peer's own text.
        function: function.chars().filter(char::is_ascii_graphic).take(32).collect(),
        status: response.status().as_u16(),
        refused: response.extensions().get::<Refused>().map(|refused| refused.0),
        about,
    };
    response.extensions_mut().insert(line);
    response
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

/// The answer to who says to speak another protocol than this one: `gsma/rsp/v` and a version
/// (SGP.22 §6.2), of 2 or later, for what a later version adds can be left out by the
/// earlier one. Systems of operators and some LPAs say nothing.
fn not_spoken(request: &Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
    let mut said = request.headers().get_all(X_ADMIN_PROTOCOL).iter();
    let first = said.next()?;
    let version = || {
        let version = first.to_str().ok()?.trim().strip_prefix("gsma/rsp/v")?;
        let is_plain = version.bytes().all(|letter| letter.is_ascii_digit() || letter == b'.');
        version.parse::<Version>().ok().filter(|Version([major, ..])| is_plain && *major >= 2)
    };
    if said.next().is_none() && version().is_some() {
        return None;
    }
    let detail = "X-Admin-Protocol: gsma/rsp/v2.x.y or later is expected.";
    Some(problem(Http::BAD_REQUEST, detail))
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
            if refusal == overtaken() {
                response.headers_mut().insert(RETRY_AFTER, AFTER_RACES);
            }
            response.extensions_mut().insert(Refused(refusal.code));
            response
        }
        Trouble::Malformed(malformed) => problem(Http::BAD_REQUEST, &malformed.because),
        Trouble::Fault(fault) => {
            let mut response = problem(Http::SERVICE_UNAVAILABLE, "");
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
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

/// Whether a page of another site may have had the request sent in the operator's name: a browser
/// adds by itself what an access proxy knows the operator by, and asks first ([`preflight`]) before
/// it sends what no form could. A form has three media types, and a page may leave it away.
fn may_be_forged(request: &Request<Vec<u8>>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    let no_form_has =
        |essence: &str| ["application/json", "text/csv"].iter().any(|own| essence.eq_ignore_ascii_case(own));
    request.method() == Method::POST && !essence.is_some_and(no_form_has)
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
