//! The one door: requests in, answers out (SGP.22 §6; RFC 9457).

use std::rc::Rc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode as Http};
use rsp::DataObject;
use rsp::cancel::CancelSessionResponse;
use rsp::download::PrepareDownloadResponse;
use rsp::es2::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest,
    DownloadOrderResponse, ReleaseProfileRequest,
};
use rsp::es9::{
    ADMIN_PROTOCOL, AuthenticateClientRequest, CancelSessionRequest, Es9Function,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, HandleNotificationRequest, HeaderOnly,
    InitiateAuthenticationRequest,
};
use rsp::notification::PendingNotification;
use rsp::status::{RequestHeader, ResponseHeader, StatusCode};
use rsp::{Eid, Iccid, MatchingId, es2, es9};
use rsp_crypto::Provider;
use rsp_crypto::confirmation::ConfirmationCodeHash;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::admission::{self, Admission};
use crate::environment::random;
use crate::error::{Fault, Malformed, Refusal, Trouble};
use crate::health;
use crate::profile::{FunctionCall, Profile, ProfileState};
use crate::service::authenticate::Authenticated;
use crate::service::bind::{self, Step};
use crate::service::es2::{Confirmation, FinalStatus};
use crate::service::{authenticate, cancel, es2 as orders, initiate, notify, operator, session};
use crate::store::{Added, Change, Store};
use crate::wire::operator::{NewProfile, NotificationLine, OrderDetail, ProfileLine};
use crate::wire::problem::problem;
use crate::{Chance, Clock, Server};

/// The longest body of a request, in bytes: ES9+ and ES2+.
pub const MAX_BODY: usize = 64 * 1024;
/// The longest body of a request to the operator's interface, in bytes.
pub const MAX_OPERATOR_BODY: usize = 1536 * 1024;

/// How often a change is tried again because somebody else was faster.
const MAX_RACES: usize = 16;
/// How many available profiles of a type are tried.
const MAX_CANDIDATES: usize = 16;
/// The longest function call identifier and requester identifier together, in bytes.
const MAX_CALL_ID: usize = 256;

const X_ADMIN_PROTOCOL: HeaderName = HeaderName::from_static("x-admin-protocol");

/// The SM-DP+: a server, its memory, a clock and a source of chance.
pub struct SmDp<P: Provider, S, C, R> {
    server: Rc<Server<P>>,
    store: S,
    clock: C,
    chance: R,
}

/// What a path leads to.
enum Route<'a> {
    Es9(Es9Function),
    Es2(&'a str),
    Operator(&'a str),
}

impl<P: Provider, S: Store, C: Clock, R: Chance> SmDp<P, S, C, R> {
    /// Puts the parts together.
    pub const fn new(server: Rc<Server<P>>, store: S, clock: C, chance: R) -> Self {
        Self { server, store, clock, chance }
    }

    /// The store, for tests that look behind the door.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The server.
    pub fn server(&self) -> &Server<P> {
        &self.server
    }

    /// Answers a request. Every request gets an answer: 200 with the standard's
    /// envelope (success or `Failed`), 204, or a problem document. What broke on our
    /// side is a [`crate::Fault`] among the response's extensions: for the log, never for
    /// the peer.
    pub async fn handle(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let path = request.uri().path().to_owned();
        let Some(route) = route(&path) else {
            return problem(Http::NOT_FOUND, "");
        };
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
        response
    }

    async fn es9(&self, function: Es9Function, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        if let Some(refused) = not_posted(request, MAX_BODY) {
            return refused;
        }
        let body = request.body();
        let now = self.clock.now();
        if let Some(refused) = admission::refuse(&self.server, request, now).await {
            return refused;
        }
        let answer = match function {
            Es9Function::InitiateAuthentication => self.initiate_authentication(body, now).await,
            Es9Function::AuthenticateClient => self.authenticate_client(body, now).await,
            Es9Function::GetBoundProfilePackage => self.get_bound_profile_package(body, now).await,
            Es9Function::CancelSession => self.cancel_session(body, now).await,
            Es9Function::HandleNotification => match self.handle_notification(body, now).await {
                Ok(()) => return empty(Http::NO_CONTENT),
                Err(trouble) => Err(trouble),
            },
        };
        respond(answer)
    }

    async fn initiate_authentication(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: InitiateAuthenticationRequest = read(body)?;
        let chance = || random(&self.chance);
        json(&initiate::initiate_authentication(&self.server, &request, now, chance).await?)
    }

    async fn authenticate_client(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: AuthenticateClientRequest = read(body)?;
        let response = &request.authenticate_server_response.0;
        let who = authenticate::verify(&self.server, &request.transaction_id, response, now).await?;
        let iccid = self.order_for(&who).await?;
        // The first write of a session. It decides between two of the same id.
        let expires = now + self.server.limits.memory;
        if !self.store.begin_session(&who.session.id, iccid.as_ref(), expires).await? {
            return Err(StatusCode::TRANSACTION_ID_UNKNOWN.into());
        }
        let iccid = iccid.ok_or(StatusCode::MATCHING_ID_REFUSED)?;
        let answer = self.change(&iccid, async |change| {
            if !is_meant(&change.profile, &who) {
                return Err(StatusCode::MATCHING_ID_REFUSED.into());
            }
            authenticate::offer(&self.server, &mut change.profile, &who, now).await
        });
        let answer = answer.await?.ok_or(StatusCode::MATCHING_ID_REFUSED)?;
        json(&answer)
    }

    /// The order that an eUICC came for: by the matching id, else by its EID.
    async fn order_for(&self, who: &Authenticated<'_, P::SigningKey>) -> Result<Option<Iccid>, Fault> {
        let matching_id = who.signed1.ctx_params1.matching_id.as_ref().filter(|id| !id.is_empty());
        if let Some(id) = matching_id {
            return self.store.matching_id(id).await;
        }
        let eid = who.euicc.eid();
        let mut waiting = None;
        loop {
            let mut finished = 0;
            for iccid in self.store.linked(eid).await? {
                let Some(stored) = self.store.profile(&iccid).await? else { continue };
                match stored.profile.state {
                    // For good: out of the way of the orders behind it.
                    ProfileState::Installed | ProfileState::Deleted | ProfileState::Unavailable => {
                        self.store.unlink(eid, &iccid).await?;
                        finished += 1;
                    }
                    _ if !is_meant(&stored.profile, who) => {}
                    ProfileState::Released | ProfileState::Downloaded => return Ok(Some(iccid)),
                    ProfileState::Confirmed => waiting = waiting.or(Some(iccid)),
                    _ => {}
                }
            }
            if finished == 0 || waiting.is_some() {
                return Ok(waiting);
            }
        }
    }

    async fn get_bound_profile_package(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: GetBoundProfilePackageRequest = read(body)?;
        let response = PrepareDownloadResponse::decode(&request.prepare_download_response.0)
            .map_err(|e| Malformed::new("prepareDownloadResponse", e))?;
        let (id, iccid) = self.session(&request.transaction_id, now).await?;
        let server = &*self.server;
        let bound = self.change(&iccid, async |change| {
            match bind::accept(server, &mut change.profile, &id, &response, now).await? {
                Step::Again => Ok(None),
                Step::Bind(binding) => {
                    let sealed = self.store.package(&iccid).await?;
                    let sealed = sealed.ok_or_else(|| Fault::new("a profile has lost its package"))?;
                    let package = server.secret.expose_sealed(&bind::package_context(&iccid), &sealed)?;
                    let ppk = bind::profile_protection_keys(server, || random(&self.chance))?;
                    let metadata = &change.profile.metadata.0;
                    let bound = bind::bind(server, &binding, metadata, &package, ppk.as_ref()).await?;
                    bind::hand_out(&mut change.profile, &binding, now);
                    change.bound = Some(bound.clone());
                    Ok(Some(bound))
                }
            }
        });
        let bound_profile_package = match bound.await?.ok_or(StatusCode::TRANSACTION_ID_UNKNOWN)? {
            Some(bound) => bound,
            None => {
                let kept = self.store.bound_profile_package(&iccid).await?;
                kept.ok_or_else(|| Fault::new("a bound profile package is lost"))?
            }
        };
        json(&GetBoundProfilePackageResponse {
            header: ResponseHeader::success(),
            transaction_id: id.to_string(),
            bound_profile_package: bound_profile_package.into(),
        })
    }

    async fn cancel_session(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: CancelSessionRequest = read(body)?;
        let response = CancelSessionResponse::decode(&request.cancel_session_response.0)
            .map_err(|e| Malformed::new("cancelSessionResponse", e))?;
        let (id, iccid) = self.session(&request.transaction_id, now).await?;
        let done = self.change(&iccid, async |change| {
            cancel::cancel_session(&self.server, &mut change.profile, &id, &response, now).await
        });
        done.await?.ok_or(StatusCode::TRANSACTION_ID_UNKNOWN)?;
        json(&HeaderOnly { header: ResponseHeader::success() })
    }

    /// A session by its name, and the profile it is for.
    async fn session(&self, id: &str, now: u64) -> Result<(rsp::TransactionId, Iccid), Trouble> {
        let unknown = StatusCode::TRANSACTION_ID_UNKNOWN;
        let server = &self.server;
        let given = session::recognise(&server.secret, id, now, server.limits.session).ok_or(unknown)?;
        let iccid = self.store.session(&given.id).await?.ok_or(unknown)?;
        Ok((given.id, iccid))
    }

    async fn handle_notification(&self, body: &[u8], now: u64) -> Result<(), Trouble> {
        let request: HandleNotificationRequest = read(body)?;
        let notification = PendingNotification::decode(&request.pending_notification.0)
            .map_err(|e| Malformed::new("pendingNotification", e))?;
        match notification {
            PendingNotification::ProfileInstallationResult(result) => {
                let named = result.data.notification.iccid;
                let iccid = match named {
                    Some(iccid) => Some(iccid),
                    None => self.store.session(&result.data.transaction_id).await?,
                };
                // Not one of ours: nothing is to be done, and the eUICC may forget it.
                let Some(iccid) = iccid else { return Ok(()) };
                self.change(&iccid, async |change| {
                    notify::installation_result(&self.server, &mut change.profile, &result, now).await
                })
                .await?;
            }
            PendingNotification::Other(other) => {
                let euicc = notify::verify_other(&self.server, &other, now).await?;
                let Some(iccid) = other.tbs.iccid else { return Ok(()) };
                self.change(&iccid, async |change| {
                    Ok(notify::other(&mut change.profile, &euicc, &other, now)?)
                })
                .await?;
            }
        }
        Ok(())
    }

    async fn es2(&self, function: &str, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        let refused = self.not_authorised(request).or_else(|| not_posted(request, MAX_BODY));
        if let Some(refused) = refused {
            return refused;
        }
        let body = request.body();
        let now = self.clock.now();
        respond(match function {
            "downloadOrder" => self.download_order(body, now).await,
            "confirmOrder" => self.confirm_order(body, now).await,
            "releaseProfile" => self.release_profile(body, now).await,
            "cancelOrder" => self.cancel_order(body, now).await,
            _ => return problem(Http::NOT_FOUND, ""),
        })
    }

    async fn download_order(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: DownloadOrderRequest = read(body)?;
        let call = Call::new("downloadOrder", &request.header, body)?;
        let eid = eid(request.eid.as_deref())?;
        let expires = now + self.server.limits.order;
        let order = async |iccid: &Iccid| {
            let profile_type = request.profile_type.as_deref();
            if let Some(eid) = eid {
                // Not for an order that is refused: nobody would take the entry away.
                let stored = self.store.profile(iccid).await?.ok_or(StatusCode::ICCID_UNKNOWN)?;
                let mut trial = stored.profile;
                if call.answered(&trial)?.is_none() {
                    orders::download_order(&mut trial, Some(eid), profile_type, expires, now)?;
                }
                self.store.link(&eid, iccid).await?;
            }
            let answer = self.change(iccid, async |change| {
                call.once(&mut change.profile, |profile| {
                    orders::download_order(profile, eid, profile_type, expires, now)?;
                    let header = ResponseHeader::success();
                    json(&DownloadOrderResponse { header, iccid: iccid.to_string() })
                })
            });
            answer.await?.ok_or_else(|| Trouble::from(StatusCode::ICCID_UNKNOWN))
        };
        let taken = |trouble: &Trouble| matches!(trouble, Trouble::Refused(refusal) if refusal.code == StatusCode::ICCID_IN_USE);

        if let Some(iccid) = &request.iccid {
            return order(&iccid_of(iccid)?).await;
        }
        let Some(profile_type) = &request.profile_type else {
            let because = "iccid or profileType is expected";
            return Err(Refusal::new(StatusCode::MANDATORY_ELEMENT_MISSING, because).into());
        };
        // A repeat of this call gets the profile that the first one chose.
        if let Some(iccid) = self.store.call(&call.id).await? {
            match order(&iccid).await {
                Err(trouble) if taken(&trouble) => {}
                answer => return answer,
            }
        }
        let until = now + self.server.limits.memory;
        for iccid in self.store.available(profile_type, MAX_CANDIDATES).await? {
            self.store.remember_call(&call.id, &iccid, until).await?;
            match order(&iccid).await {
                Err(trouble) if taken(&trouble) => {}
                answer => return answer,
            }
        }
        let known = self.store.profiles().await?;
        let known = known.iter().any(|p| p.profile_type.as_ref() == Some(profile_type));
        Err(if known { StatusCode::PROFILE_TYPE_UNAVAILABLE } else { StatusCode::PROFILE_TYPE_UNKNOWN }
            .into())
    }

    async fn confirm_order(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: ConfirmOrderRequest = read(body)?;
        let call = Call::new("confirmOrder", &request.header, body)?;
        let iccid = iccid_of(&request.iccid)?;
        let given_eid = eid(request.eid.as_deref())?;
        let stored = self.store.profile(&iccid).await?.ok_or(StatusCode::ICCID_UNKNOWN)?;
        if let Some(answer) = call.answered(&stored.profile)? {
            return Ok(answer);
        }
        let eid = orders::may_confirm(&stored.profile, given_eid)?;
        let asked = request.matching_id.as_deref();
        if eid.is_none() && (asked == Some("") || request.smds_address.is_some()) {
            let because = "an order that is found by EID needs one";
            return Err(Refusal::new(StatusCode::EID_MISSING, because).into());
        }
        if request.smds_address.is_some() {
            let because = "this SM-DP+ registers no events";
            return Err(Refusal::new(StatusCode::SMDS_INACCESSIBLE, because).into());
        }
        let matching_id = match asked {
            Some(text) => text.parse().map_err(|e: rsp::ids::InvalidId| {
                Refusal::new(StatusCode::MATCHING_ID_REFUSED, e.to_string())
            })?,
            None => orders::matching_id(random(&self.chance)?),
        };
        let confirmation_code = match request.confirmation_code.as_deref().filter(|code| !code.is_empty()) {
            Some(code) => {
                let hash = ConfirmationCodeHash::of(&self.server.provider, code).await?;
                let context = bind::confirmation_context(&iccid);
                Some(self.server.secret.seal(random(&self.chance)?, &context, hash.expose_hash())?)
            }
            None => None,
        };
        // The indexes first: an entry too many is harmless, one too few loses the order.
        if !matching_id.is_empty() {
            self.claim(&matching_id, &iccid).await?;
        }
        if let Some(eid) = eid {
            self.store.link(&eid, &iccid).await?;
        }
        let answer = self.change(&iccid, async |change| {
            call.once(&mut change.profile, |profile| {
                let confirmation = Confirmation {
                    eid: given_eid,
                    matching_id: matching_id.clone(),
                    confirmation_code: confirmation_code.clone(),
                    release: request.release_flag,
                };
                orders::confirm_order(profile, confirmation, now)?;
                json(&ConfirmOrderResponse {
                    header: ResponseHeader::success(),
                    eid: eid.map(|eid| eid.to_string()),
                    matching_id: matching_id.as_str().to_owned(),
                    smdp_address: Some(self.server.address().to_owned()),
                })
            })
        });
        answer.await?.ok_or_else(|| StatusCode::ICCID_UNKNOWN.into())
    }

    /// Takes a matching id, also from an order that does not have it any more.
    async fn claim(&self, id: &MatchingId, iccid: &Iccid) -> Result<(), Trouble> {
        for _ in 0..2 {
            let owner = self.store.claim_matching_id(id, iccid).await?;
            if owner == *iccid {
                return Ok(());
            }
            let stored = self.store.profile(&owner).await?;
            let order = stored.as_ref().and_then(|stored| stored.profile.order.as_ref());
            if order.is_some_and(|order| order.matching_id.as_ref() == Some(id)) {
                break;
            }
            self.store.release_matching_id(id, &owner).await?;
        }
        Err(StatusCode::MATCHING_ID_IN_USE.into())
    }

    async fn release_profile(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: ReleaseProfileRequest = read(body)?;
        let call = Call::new("releaseProfile", &request.header, body)?;
        let iccid = iccid_of(&request.iccid)?;
        let answer = self.change(&iccid, async |change| {
            call.once(&mut change.profile, |profile| {
                orders::release_profile(profile, now)?;
                json(&HeaderOnly { header: ResponseHeader::success() })
            })
        });
        answer.await?.ok_or_else(|| StatusCode::ICCID_UNKNOWN.into())
    }

    async fn cancel_order(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: CancelOrderRequest = read(body)?;
        let call = Call::new("cancelOrder", &request.header, body)?;
        let iccid = iccid_of(&request.iccid)?;
        let eid = eid(request.eid.as_deref())?;
        let matching_id = request.matching_id.as_deref().map(str::parse::<MatchingId>).transpose();
        let matching_id = matching_id.map_err(|_| StatusCode::MATCHING_ID_INVALID_ASSOCIATION)?;
        let status = match request.final_profile_status_indicator.as_str() {
            "Available" => FinalStatus::Available,
            "Unavailable" => FinalStatus::Unavailable,
            _ => return Err(Malformed::new("finalProfileStatusIndicator", "Available, Unavailable").into()),
        };
        let mut before = None;
        let answer = self.change(&iccid, async |change| {
            // A repeat cancels nothing: the order there may be the next one.
            before = None;
            call.once(&mut change.profile, |profile| {
                before.clone_from(&profile.order);
                orders::cancel_order(profile, eid, matching_id.as_ref(), status, now)?;
                json(&HeaderOnly { header: ResponseHeader::success() })
            })
        });
        let answer = answer.await?.ok_or(StatusCode::ICCID_UNKNOWN)?;
        if let Some(order) = before {
            if let Some(id) = &order.matching_id {
                self.store.release_matching_id(id, &iccid).await?;
            }
            if let Some(eid) = &order.eid {
                self.store.unlink(eid, &iccid).await?;
            }
        }
        Ok(answer)
    }

    async fn operator(&self, rest: &str, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        if rest == "health" {
            return match *request.method() {
                Method::GET | Method::HEAD => health::health(&self.server, self.clock.now()),
                _ => not_allowed("GET"),
            };
        }
        if let Some(refused) = self.not_authorised(request) {
            return refused;
        }
        let read_only = request.method() == Method::GET;
        match (rest, rest.strip_prefix("orders/")) {
            ("profiles", _) if request.method() == Method::POST => {
                if let Some(refused) = not_posted(request, MAX_OPERATOR_BODY) {
                    return refused;
                }
                self.add_profile(request.body()).await.unwrap_or_else(trouble)
            }
            ("profiles", _) if read_only => respond(self.list_profiles().await),
            ("profiles", _) => not_allowed("GET, POST"),
            ("notifications", _) if read_only => respond(self.list_notifications().await),
            (_, Some(iccid)) if read_only => match self.order_detail(iccid).await {
                Ok(Some(detail)) => respond(Ok(detail)),
                Ok(None) => problem(Http::NOT_FOUND, "No profile has this ICCID."),
                Err(trouble) => respond(Err(trouble)),
            },
            ("notifications", _) | (_, Some(_)) => not_allowed("GET"),
            _ => problem(Http::NOT_FOUND, ""),
        }
    }

    async fn add_profile(&self, body: &[u8]) -> Result<Response<Vec<u8>>, Trouble> {
        let new: NewProfile = read(body)?;
        let package = operator::package(&new)?;
        let metadata = new.metadata.encode(package.iccid, self.server.address())?;
        let context = bind::package_context(&package.iccid);
        let sealed = self.server.secret.seal(random(&self.chance)?, &context, &package.bytes)?;
        let now = self.clock.now();
        let profile = Profile::new(package.iccid, new.profile_type.clone(), metadata, package.facts, now);
        let status = match self.store.add_profile(&profile, &sealed).await? {
            Added::New => Http::CREATED,
            Added::Replaced => Http::OK,
            Added::InUse => {
                let detail = "The profile with this ICCID has been ordered; its package stays as it is.";
                return Ok(problem(Http::CONFLICT, detail));
            }
        };
        let mut response = respond(json(&ProfileLine::new(&profile, self.server.address())));
        *response.status_mut() = status;
        Ok(response)
    }

    async fn list_profiles(&self) -> Result<Vec<u8>, Trouble> {
        #[derive(Serialize)]
        struct Profiles {
            profiles: Vec<ProfileLine>,
        }
        let profiles = self.store.profiles().await?;
        let profiles = profiles.iter().map(|p| ProfileLine::new(p, self.server.address())).collect();
        json(&Profiles { profiles })
    }

    async fn order_detail(&self, iccid: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let Ok(iccid) = iccid.parse() else { return Ok(None) };
        let Some(stored) = self.store.profile(&iccid).await? else { return Ok(None) };
        let line = ProfileLine::new(&stored.profile, self.server.address());
        let Profile { events, notifications, .. } = &stored.profile;
        json(&OrderDetail { line, events, notifications }).map(Some)
    }

    async fn list_notifications(&self) -> Result<Vec<u8>, Trouble> {
        #[derive(Serialize)]
        struct Notifications<'a> {
            notifications: Vec<NotificationLine<'a>>,
        }
        let profiles = self.store.profiles().await?;
        let lines = profiles.iter().flat_map(|profile| {
            let line = |notification| NotificationLine { iccid: profile.iccid.to_string(), notification };
            profile.notifications.iter().map(line)
        });
        let mut notifications: Vec<_> = lines.collect();
        notifications.sort_by_key(|line| line.notification.at);
        json(&Notifications { notifications })
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
    async fn change<T>(
        &self,
        iccid: &Iccid,
        mut make: impl AsyncFnMut(&mut Change) -> Result<T, Trouble>,
    ) -> Result<Option<T>, Trouble> {
        for _ in 0..MAX_RACES {
            let Some(stored) = self.store.profile(iccid).await? else {
                return Ok(None);
            };
            let mut change = Change { profile: stored.profile.clone(), bound: None };
            let result = make(&mut change).await;
            if matches!(result, Err(Trouble::Fault(_) | Trouble::Malformed(_))) {
                return result.map(Some);
            }
            let changed = change.bound.is_some() || change.profile != stored.profile;
            if !changed || self.store.replace(stored.version, &change).await? {
                return result.map(Some);
            }
        }
        Err(Fault::new("too many changes of one profile at once").into())
    }
}

/// A call of ES2+, which is executed once however often it comes.
struct Call {
    id: String,
    digest: [u8; 32],
}

impl Call {
    fn new(function: &str, header: &RequestHeader, body: &[u8]) -> Result<Self, Trouble> {
        let (requester, call) = (&header.function_requester_identifier, &header.function_call_identifier);
        if requester.len() + call.len() > MAX_CALL_ID {
            return Err(Malformed::new("header", "identifiers of at most 256 bytes").into());
        }
        if call.is_empty() {
            let because = "functionCallIdentifier is empty";
            return Err(Refusal::new(StatusCode::MANDATORY_ELEMENT_MISSING, because).into());
        }
        let digest = Sha256::new().chain_update(function).chain_update([0]).chain_update(body).finalize();
        Ok(Self { id: format!("{requester}\n{call}"), digest: digest.into() })
    }

    /// The answer that the call got before.
    fn answered(&self, profile: &Profile) -> Result<Option<Vec<u8>>, Trouble> {
        match profile.call(&self.id) {
            None => Ok(None),
            Some(call) if call.digest.0 == self.digest => Ok(Some(call.answer.clone().into_bytes())),
            Some(_) => Err(StatusCode::FUNCTION_CALL_IN_USE.into()),
        }
    }

    /// Executes the call unless it was executed before.
    fn once(
        &self,
        profile: &mut Profile,
        execute: impl FnOnce(&mut Profile) -> Result<Vec<u8>, Trouble>,
    ) -> Result<Vec<u8>, Trouble> {
        if let Some(answer) = self.answered(profile)? {
            return Ok(answer);
        }
        let answer = execute(profile)?;
        let text = String::from_utf8(answer.clone()).map_err(|_| Fault::new("JSON is UTF-8"))?;
        let (id, digest) = (self.id.clone(), self.digest.to_vec().into());
        profile.remember_call(FunctionCall { id, digest, answer: text });
        Ok(answer)
    }
}

/// Whether an order is what the eUICC asked for, as far as ids go.
fn is_meant<K>(profile: &Profile, who: &Authenticated<'_, K>) -> bool {
    let Some(order) = &profile.order else { return false };
    let Some(own) = &order.matching_id else { return false };
    match who.signed1.ctx_params1.matching_id.as_ref().filter(|id| !id.is_empty()) {
        Some(asked) => own == asked,
        None => own.is_empty() && order.eid == Some(*who.euicc.eid()),
    }
}

fn iccid_of(text: &str) -> Result<Iccid, Refusal> {
    text.parse().map_err(|_| StatusCode::ICCID_UNKNOWN.into())
}

fn eid(text: Option<&str>) -> Result<Option<Eid>, Refusal> {
    text.map(str::parse).transpose().map_err(|_| StatusCode::EID_INVALID.into())
}

fn route(path: &str) -> Option<Route<'_>> {
    if let Some(name) = path.strip_prefix(es9::PATH) {
        return Es9Function::from_name(name).map(Route::Es9);
    }
    if let Some(name) = path.strip_prefix(es2::PATH) {
        return Some(Route::Es2(name));
    }
    path.strip_prefix("/operator/").map(Route::Operator)
}

/// The answer to a request that is not JSON by POST, or too long.
fn not_posted(request: &Request<Vec<u8>>, most: usize) -> Option<Response<Vec<u8>>> {
    if request.method() != Method::POST {
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
            respond(json(&HeaderOnly { header }))
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
