//! ES9+: what LPAs ask for (SGP.22 §5.6, §6.5.2).

use std::collections::BTreeMap;

use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode as Http};
use rsp::cancel::CancelSessionResponse;
use rsp::download::PrepareDownloadResponse;
use rsp::es9::{
    AuthenticateClientRequest, CancelSessionRequest, Es9Function, GetBoundProfilePackageRequest,
    GetBoundProfilePackageResponse, HandleNotificationRequest, HeaderOnly, InitiateAuthenticationRequest,
};
use rsp::notification::PendingNotification;
use rsp::status::{ResponseHeader, StatusCode};
use rsp::{DataObject, Iccid};
use rsp_crypto::Provider;

use super::{AFTER_RACES, MAX_BODY, SmDp, empty, json, not_posted, overtaken, read, respond};
use crate::environment::random;
use crate::error::{Fault, Malformed, Trouble};
use crate::log::Requester;
use crate::profile::{Profile, ProfileState};
use crate::seal::Cipher;
use crate::service::authenticate::Authenticated;
use crate::service::bind::{self, Binding, Step};
use crate::service::{authenticate, cancel, initiate, notify, session};
use crate::store::{Standing, Store};
use crate::wire::problem::problem;
use crate::{Chance, Clock, Courier};

impl<P: Provider + Cipher, S: Store, C: Clock, R: Chance, O: Courier> SmDp<P, S, C, R, O> {
    pub(super) async fn es9(&self, function: Es9Function, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        if let Some(refused) = not_posted(request, MAX_BODY, "POST") {
            return refused;
        }
        let body = request.body();
        let now = self.clock.now();
        let answer = match function {
            Es9Function::InitiateAuthentication => self.initiate_authentication(body, now).await,
            Es9Function::AuthenticateClient => self.authenticate_client(body, now).await,
            Es9Function::GetBoundProfilePackage => self.get_bound_profile_package(body, now).await,
            Es9Function::CancelSession => self.cancel_session(body, now).await,
            Es9Function::HandleNotification => match self.handle_notification(body, now).await {
                Ok(()) => return empty(Http::NO_CONTENT),
                // No answer of this function has a status, and LPAs take every 2xx for the
                // acknowledgement: the notification must be sent again.
                Err(Trouble::Refused(refusal)) if refusal == overtaken() => {
                    let mut response = problem(Http::SERVICE_UNAVAILABLE, &refusal.because);
                    response.headers_mut().insert(RETRY_AFTER, AFTER_RACES);
                    return response;
                }
                Err(trouble) => Err(trouble),
            },
        };
        respond(answer)
    }

    async fn initiate_authentication(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: InitiateAuthenticationRequest = read(body)?;
        let chance = || random(&self.chance);
        let answer = initiate::initiate_authentication(&self.server, &request, now, chance).await?;
        if let Ok(id) = answer.transaction_id.parse() {
            self.in_session(&id);
        }
        json(&answer)
    }

    async fn authenticate_client(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
        let request: AuthenticateClientRequest = read(body)?;
        let response = &request.authenticate_server_response.0;
        let who = authenticate::verify(&self.server, &request.transaction_id, response, now).await?;
        self.in_session(&who.session.id);
        self.called_by(Requester::Euicc(*who.euicc.eid()));
        let answers = who.answers(&self.server.secret);
        let iccid = if answers.is_ok() { self.order_for(&who).await? } else { None };
        // The first write of a session, also of one that is refused from here on: it has ended
        // then. It decides between two of the same id.
        let expires = now + self.server.limits.memory;
        if !self.store.begin_session(&who.session.id, iccid.as_ref(), expires).await? {
            return Err(StatusCode::TRANSACTION_ID_UNKNOWN.into());
        }
        answers?;
        let iccid = iccid.ok_or(StatusCode::MATCHING_ID_REFUSED)?;
        let mut is_over = false;
        let answer = self.change(&iccid, async |change| {
            is_over = change.profile.expires().is_none();
            if !is_meant(&change.profile, &who) {
                return Err(StatusCode::MATCHING_ID_REFUSED.into());
            }
            authenticate::offer(&self.server, &mut change.profile, &who, now).await
        });
        let answer = answer.await;
        // It leads to an order that has ended: something has kept it from being given up.
        if let (true, Some(id)) = (is_over, &who.signed1.ctx_params1.matching_id) {
            self.store.release_matching_id(id, &iccid).await?;
        }
        json(&answer?.ok_or(StatusCode::MATCHING_ID_REFUSED)?)
    }

    /// The order that an eUICC came for: by the matching id, else by its EID.
    async fn order_for(&self, who: &Authenticated<'_, P::SigningKey>) -> Result<Option<Iccid>, Fault> {
        let matching_id = who.signed1.ctx_params1.matching_id.as_ref().filter(|id| !id.is_empty());
        if let Some(id) = matching_id {
            return self.store.matching_id(id).await;
        }
        let eid = who.euicc.eid();
        let (mut waiting, mut after) = (None, 0);
        // Page by page to the end: how many there are is the operator's to decide.
        loop {
            let page = self.store.linked(eid, after).await?;
            let Some(last) = page.last() else { return Ok(waiting) };
            after = last.number;
            let iccids: Vec<Iccid> = page.into_iter().map(|link| link.iccid).collect();
            let standing = self.store.standing(eid, &iccids).await?;
            let standing: BTreeMap<Iccid, Standing> =
                standing.into_iter().map(|standing| (standing.iccid, standing)).collect();
            for iccid in iccids {
                let Some(standing) = standing.get(&iccid) else { continue };
                match standing.state {
                    // For good: out of the way of the orders behind it.
                    ProfileState::Installed
                    | ProfileState::Deleted
                    | ProfileState::Error
                    | ProfileState::Unavailable => self.store.unlink(eid, &iccid).await?,
                    // Of an order that has a code: earlier versions of this server linked those, too.
                    _ if !standing.is_led_to => {}
                    ProfileState::Released | ProfileState::Downloaded => return Ok(Some(iccid)),
                    ProfileState::Confirmed => waiting = waiting.or(Some(iccid)),
                    _ => {}
                }
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
                    let bound = self.bind(&iccid, &binding, &change.profile.metadata.0).await?;
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

    /// A package for a session: the one bound before, when the eUICC still has the
    /// key, else one that is bound now.
    async fn bind(&self, iccid: &Iccid, binding: &Binding, metadata: &[u8]) -> Result<Vec<u8>, Trouble> {
        let server = &*self.server;
        if binding.is_bound_already
            && let Some(before) = self.store.bound_profile_package(iccid).await?
            && let Some(bound) = bind::bind_again(server, binding, &before).await?
        {
            return Ok(bound);
        }
        let packages = self.store.packages(iccid).await?;
        let packages = packages.ok_or_else(|| Fault::new("a profile has lost its package"))?;
        let elements = bind::open(server, iccid, &packages).await?;
        bind::bind(server, binding, metadata, &elements).await
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
        self.in_session(&given.id);
        let iccid = self.store.session(&given.id).await?.ok_or(unknown)?;
        Ok((given.id, iccid))
    }

    async fn handle_notification(&self, body: &[u8], now: u64) -> Result<(), Trouble> {
        let request: HandleNotificationRequest = read(body)?;
        let notification = PendingNotification::decode(&request.pending_notification.0)
            .map_err(|e| Malformed::new("pendingNotification", e))?;
        match notification {
            PendingNotification::ProfileInstallationResult(result) => {
                self.in_session(&result.data.transaction_id);
                let named = result.data.notification.iccid;
                let iccid = match named {
                    Some(iccid) => Some(iccid),
                    None => self.store.session(&result.data.transaction_id).await?,
                };
                // Not one of ours: nothing is to be done, and the eUICC may forget it.
                let Some(iccid) = iccid else { return Ok(()) };
                let id = &result.data.transaction_id;
                self.change(&iccid, async |change| {
                    // Its session decides what it is of, not what it says.
                    if !change.profile.was_handed_out_in(id)
                        && self.store.session(id).await?.is_some_and(|of| of != iccid)
                    {
                        let because = "the session was for another profile than the result names";
                        return Err(Malformed::new("pendingNotification", because).into());
                    }
                    notify::installation_result(&self.server, &mut change.profile, &result, now).await
                })
                .await?;
            }
            PendingNotification::Other(other) => {
                let euicc = notify::verify_other(&self.server, &other, now).await?;
                self.called_by(Requester::Euicc(*euicc.eid()));
                let Some(iccid) = other.tbs.iccid else { return Ok(()) };
                self.change(&iccid, async |change| {
                    Ok(notify::other(&mut change.profile, &euicc, &other, now)?)
                })
                .await?;
            }
        }
        Ok(())
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
