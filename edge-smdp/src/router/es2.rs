//! ES2+: what the operator's systems ask for (SGP.22 §5.3, §6.5.2).

use http::{Request, Response, StatusCode as Http};
use rsp::es2::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest,
    DownloadOrderResponse, ReleaseProfileRequest,
};
use rsp::es9::HeaderOnly;
use rsp::status::{RequestHeader, ResponseHeader, StatusCode};
use rsp::{Eid, Iccid, MatchingId};
use rsp_crypto::Provider;
use rsp_crypto::confirmation::ConfirmationCodeHash;
use sha2::{Digest, Sha256};

use super::{MAX_BODY, SmDp, json, not_posted, read, respond};
use crate::environment::random;
use crate::error::{Fault, Malformed, Refusal, Trouble};
use crate::profile::{FunctionCall, Profile};
use crate::seal::Cipher;
use crate::service::es2::{Confirmation, FinalStatus};
use crate::service::{bind, es2 as orders};
use crate::store::Store;
use crate::wire::problem::problem;
use crate::{Chance, Clock, Courier};

/// How many available profiles of a type are tried.
const MAX_CANDIDATES: usize = 16;
/// The longest function call identifier and requester identifier together, in bytes.
const MAX_CALL_ID: usize = 256;

impl<P: Provider + Cipher, S: Store, C: Clock, R: Chance, O: Courier> SmDp<P, S, C, R, O> {
    pub(super) async fn es2(&self, function: &str, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        let refused = self.not_authorised(request).or_else(|| not_posted(request, MAX_BODY, "POST"));
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

    pub(super) async fn download_order(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
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
        let [from, ..] = call.digest;
        for iccid in self.store.available(profile_type, from, MAX_CANDIDATES).await? {
            self.store.remember_call(&call.id, &iccid, until).await?;
            match order(&iccid).await {
                Err(trouble) if taken(&trouble) => {}
                answer => return answer,
            }
        }
        let known = self.store.has_type(profile_type).await?;
        Err(if known { StatusCode::PROFILE_TYPE_UNAVAILABLE } else { StatusCode::PROFILE_TYPE_UNKNOWN }
            .into())
    }

    pub(super) async fn confirm_order(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
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
                let (secret, cipher) = (&self.server.secret, &self.server.provider);
                Some(secret.seal(cipher, random(&self.chance)?, &context, hash.expose_hash()).await?)
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

    pub(super) async fn release_profile(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
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

    pub(super) async fn cancel_order(&self, body: &[u8], now: u64) -> Result<Vec<u8>, Trouble> {
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

fn iccid_of(text: &str) -> Result<Iccid, Refusal> {
    text.parse().map_err(|_| StatusCode::ICCID_UNKNOWN.into())
}

fn eid(text: Option<&str>) -> Result<Option<Eid>, Refusal> {
    text.map(str::parse).transpose().map_err(|_| StatusCode::EID_INVALID.into())
}
