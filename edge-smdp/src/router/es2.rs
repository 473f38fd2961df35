//! ES2+: what the operator's systems ask for (SGP.22 §5.3, §6.5.2).

use std::collections::BTreeMap;

use http::{Request, Response, StatusCode as Http};
use rsp::es2::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest,
    DownloadOrderResponse, ReleaseProfileRequest,
};
use rsp::es9::HeaderOnly;
use rsp::status::{RequestHeader, ResponseHeader, StatusCode};
use rsp::{Eid, Iccid, MatchingId, Oid};
use rsp_crypto::Provider;
use rsp_crypto::confirmation::ConfirmationCodeHash;
use serde::Serialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::es12::SmdsEvent;
use super::{MAX_BODY, SmDp, has_been_ordered, json, not_posted, read, respond};
use crate::environment::random;
use crate::error::{Fault, Malformed, Refusal, Trouble};
use crate::log::Requester;
use crate::profile::{FunctionCall, Profile, ProfileState};
use crate::seal::Cipher;
use crate::service::es2::{Confirmation, FinalStatus};
use crate::service::{bind, es2 as orders};
use crate::store::{Store, Stored};
use crate::wire::operator::activation_code;
use crate::wire::problem::problem;
use crate::{Chance, Clock, Courier, Server};

/// The longest profile type, in bytes.
const MAX_PROFILE_TYPE: usize = 64;
/// How many available profiles of a type are tried before it is asked again which there
/// are: others have ordered all of these in between.
const MAX_CANDIDATES: usize = 16;
/// The same of the console, which orders many in one request: so that it asks few objects.
const FEW_CANDIDATES: usize = 2;
/// How often that is asked.
const MAX_ROUNDS: u8 = 8;
/// How many matching ids are drawn at most until one suits the store.
const MAX_DRAWS: usize = 200;
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
            "downloadOrder" => self.download_order(body, Caller::Systems, now).await,
            "confirmOrder" => self.confirm_order(body, Caller::Systems, now).await,
            "releaseProfile" => self.release_profile(body, Caller::Systems, now).await,
            "cancelOrder" => self.cancel_order(body, Caller::Systems, now).await,
            _ => return problem(Http::NOT_FOUND, ""),
        })
    }

    pub(super) async fn download_order(
        &self,
        body: &[u8],
        caller: Caller,
        now: u64,
    ) -> Result<Vec<u8>, Trouble> {
        let request: DownloadOrderRequest = read(body)?;
        let call = self.call("downloadOrder", &request.header, &request, body, caller)?;
        let eid = eid(request.eid.as_deref())?;
        let expires = now + self.server.limits.order;
        let order = async |iccid: &Iccid| {
            let profile_type = request.profile_type.as_deref();
            let answer = self.execute(&call, iccid, now, |profile| {
                call.may_touch(&self.server, profile)?;
                orders::download_order(profile, eid, profile_type, expires, now)?;
                let header = ResponseHeader::success();
                json(&DownloadOrderResponse { header, iccid: iccid.to_string() })
            });
            answer.await.map(Executed::answer)
        };
        let taken = |trouble: &Trouble| matches!(trouble, Trouble::Refused(refusal) if refusal.code == StatusCode::ICCID_IN_USE);

        if let Some(iccid) = &request.iccid {
            return order(&iccid_of(iccid)?).await;
        }
        let Some(profile_type) = &request.profile_type else {
            let because = "iccid or profileType is expected";
            return Err(Refusal::new(StatusCode::MANDATORY_ELEMENT_MISSING, because).into());
        };
        if profile_type.is_empty() || profile_type.len() > MAX_PROFILE_TYPE {
            return Err(Refusal::new(StatusCode::PROFILE_TYPE_REFUSED, "1 to 64 bytes").into());
        }
        if !call.may_use(&self.server, Some(profile_type)) {
            return Err(StatusCode::PROFILE_TYPE_NOT_ALLOWED.into());
        }
        // A repeat of this call gets the profile that the first one chose.
        let mut chosen = match caller {
            Caller::Systems => self.store.call(&call.id).await?,
            Caller::Console => None,
        };
        if let Some(iccid) = &chosen {
            match order(iccid).await {
                Err(trouble) if taken(&trouble) => {}
                answer => return answer,
            }
        }
        let until = now + self.server.limits.memory;
        // Where to begin is told by the call: not everybody tries the same ones.
        let [from, turn, ..] = call.digest;
        for round in 0..MAX_ROUNDS {
            let from = from.wrapping_add(round);
            let most = if caller == Caller::Systems { MAX_CANDIDATES } else { FEW_CANDIDATES };
            let mut candidates = self.store.available(profile_type, from, most).await?;
            if candidates.is_empty() {
                break;
            }
            let begin = usize::from(turn) % candidates.len();
            candidates.rotate_left(begin);
            for iccid in candidates {
                // Whatever a repeat of this call, at the same time, chose first.
                let iccid = match caller {
                    Caller::Systems => {
                        self.store.remember_call(&call.id, &iccid, chosen.as_ref(), until).await?
                    }
                    Caller::Console => iccid,
                };
                match order(&iccid).await {
                    Err(trouble) if taken(&trouble) => chosen = Some(iccid),
                    answer => return answer,
                }
            }
        }
        let known = self.store.has_type(profile_type).await?;
        Err(if known { StatusCode::PROFILE_TYPE_UNAVAILABLE } else { StatusCode::PROFILE_TYPE_UNKNOWN }
            .into())
    }

    pub(super) async fn confirm_order(
        &self,
        body: &[u8],
        caller: Caller,
        now: u64,
    ) -> Result<Vec<u8>, Trouble> {
        let request: ConfirmOrderRequest = read(body)?;
        let call = self.call("confirmOrder", &request.header, &request, body, caller)?;
        let iccid = iccid_of(&request.iccid)?;
        let given_eid = eid(request.eid.as_deref())?;
        let stored = self.store.profile(&iccid).await?.ok_or(StatusCode::ICCID_UNKNOWN)?;
        if let Some(answer) = call.answered(&stored.profile)? {
            return Ok(answer);
        }
        // Asked early: behind this the SM-DS is told of the order.
        if request.smds_address.is_some()
            && caller == Caller::Systems
            && self.store.call(&call.id).await?.is_some_and(|owner| owner != iccid)
        {
            return Err(StatusCode::FUNCTION_CALL_IN_USE.into());
        }
        call.may_touch(&self.server, &stored.profile)?;
        let eid = orders::may_confirm(&stored.profile, given_eid)?;
        let asked = request.matching_id.as_deref();
        if eid.is_none() && (asked == Some("") || request.smds_address.is_some()) {
            let because = "an order that is found by EID needs one";
            return Err(Refusal::new(StatusCode::EID_MISSING, because).into());
        }
        let smds_address = self.smds_address(request.smds_address.as_deref())?;
        let matching_id: MatchingId = match asked {
            // Of the operator's own making (SGP.22 §5.3.2); eUICCs may bring any letters.
            Some(text) if text.bytes().any(|letter| letter.is_ascii_lowercase()) => {
                let because = "capital letters, digits and hyphens";
                return Err(Refusal::new(StatusCode::MATCHING_ID_REFUSED, because).into());
            }
            Some(text) => text.parse().map_err(|e: rsp::ids::InvalidId| {
                Refusal::new(StatusCode::MATCHING_ID_REFUSED, e.to_string())
            })?,
            None => self.draw_matching_id(&iccid)?,
        };
        let code = activation_code(self.server.address(), &matching_id, true).to_string();
        if code.len() > rsp::activation_code::MAX_LEN {
            let because = "its activation code would be longer than 255 characters";
            return Err(Refusal::new(StatusCode::MATCHING_ID_REFUSED, because).into());
        }
        if smds_address.is_some() && matching_id.is_empty() {
            let because = "it is the name of the event, and an event needs one";
            return Err(Refusal::new(StatusCode::MATCHING_ID_REFUSED, because).into());
        }
        let confirmation_code = match request.confirmation_code.as_deref().filter(|code| !code.is_empty()) {
            Some(code) => {
                let hash = ConfirmationCodeHash::of(&self.server.provider, code).await?;
                let context = bind::confirmation_context(&iccid);
                let (secret, cipher) = (&self.server.secret, &self.server.provider);
                Some(secret.seal(cipher, random(&self.chance)?, &context, hash.expose_hash()).await?)
            }
            None => None,
        };
        // The index first: an entry too many is harmless, one too few loses the order. An order
        // is found by its matching id, or by its EID when that is empty.
        let found_by_eid = eid.filter(|_| matching_id.is_empty());
        if !matching_id.is_empty() {
            self.claim(&matching_id, &iccid).await?;
        }
        if let Some(eid) = found_by_eid {
            self.store.link(&eid, &iccid).await?;
        }
        let event = smds_address.as_deref().zip(eid).map(|(smds_address, eid)| SmdsEvent {
            smds_address,
            eid,
            event_id: &matching_id,
        });
        if let Some(event) = &event
            && let Err(refused) = self.register(&iccid, event, now).await
        {
            self.give_up_unless_ordered(&iccid, &matching_id, found_by_eid).await?;
            return Err(refused);
        }
        // A repeat of the same call may have been faster, with another matching id.
        let answer = self
            .execute(&call, &iccid, now, |profile| {
                let confirmation = Confirmation {
                    eid: given_eid,
                    matching_id: matching_id.clone(),
                    confirmation_code: confirmation_code.clone(),
                    smds_address: smds_address.clone(),
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
            .await;
        if !matches!(answer, Ok(Executed::Now(_))) {
            if let Some(event) = &event {
                self.delete_later(&iccid, event, now, now).await?;
            }
            self.give_up_unless_ordered(&iccid, &matching_id, found_by_eid).await?;
        } else if has_been_ordered(&stored.profile) {
            if !matching_id.is_empty() {
                self.store.claim_matching_id(&matching_id, &iccid).await?;
            }
            if let Some(eid) = found_by_eid {
                self.store.link(&eid, &iccid).await?;
            }
        }
        answer.map(Executed::answer)
    }

    /// A call as it names itself; who makes it is noted.
    fn call(
        &self,
        function: &str,
        header: &RequestHeader,
        request: &impl Serialize,
        body: &[u8],
        caller: Caller,
    ) -> Result<Call, Trouble> {
        let named = &header.function_requester_identifier;
        if caller == Caller::Systems && named.len() <= MAX_CALL_ID {
            // The token or the proxy has let it in already: who it says to be counts.
            let named = named.parse().ok().map(Requester::System);
            self.about.borrow_mut().requester = named;
        }
        Call::new(&self.server, function, header, request, body, caller)
    }

    /// Executes a call of a profile, once however often it comes, and not when its name is that
    /// of a call of another profile.
    async fn execute(
        &self,
        call: &Call,
        iccid: &Iccid,
        now: u64,
        mut execute: impl FnMut(&mut Profile) -> Result<Vec<u8>, Trouble>,
    ) -> Result<Executed, Trouble> {
        let until = now + self.server.limits.memory;
        let answer = self.change(iccid, async |change| {
            if let Some(answer) = call.answered(&change.profile)? {
                return Ok(Executed::Before(answer));
            }
            let mut next = change.profile.clone();
            let answer = call.execute(&mut next, &mut execute)?;
            // Kept last: what is refused leaves nothing.
            if call.caller == Caller::Systems {
                let owner = self.store.remember_call(&call.id, iccid, None, until).await?;
                if owner != *iccid {
                    return Err(StatusCode::FUNCTION_CALL_IN_USE.into());
                }
            }
            change.profile = next;
            Ok(Executed::Now(answer))
        });
        answer.await?.ok_or_else(|| StatusCode::ICCID_UNKNOWN.into())
    }

    /// Takes back what was prepared for a confirmation that did not come about, unless
    /// another call has confirmed the order with it.
    async fn give_up_unless_ordered(
        &self,
        iccid: &Iccid,
        matching_id: &MatchingId,
        found_by_eid: Option<Eid>,
    ) -> Result<(), Fault> {
        let stored = self.store.profile(iccid).await?;
        let order = stored.as_ref().and_then(|stored| stored.profile.order.as_ref());
        if order.is_none_or(|order| order.matching_id.as_ref() != Some(matching_id)) {
            self.store.release_matching_id(matching_id, iccid).await?;
        }
        match found_by_eid.filter(|eid| order.is_none_or(|order| !order.linked || order.eid != Some(*eid))) {
            Some(eid) => self.store.unlink(&eid, iccid).await,
            None => Ok(()),
        }
    }

    fn draw_matching_id(&self, iccid: &Iccid) -> Result<MatchingId, Fault> {
        let mut drawn = orders::matching_id(random(&self.chance)?);
        for _ in 0..MAX_DRAWS {
            if self.store.suits(&drawn, iccid) {
                break;
            }
            drawn = orders::matching_id(random(&self.chance)?);
        }
        Ok(drawn)
    }

    /// Takes a matching id, also from an order that does not have it any more.
    async fn claim(&self, id: &MatchingId, iccid: &Iccid) -> Result<(), Trouble> {
        for _ in 0..2 {
            let owner = self.store.claim_matching_id(id, iccid).await?;
            if owner == *iccid {
                return Ok(());
            }
            let stored = self.store.profile(&owner).await?;
            // Its order has it, or is about to be confirmed with it.
            if stored.is_some_and(|Stored { profile, .. }| match profile.state {
                ProfileState::Allocated | ProfileState::Linked => true,
                state => state.is_open() && profile.has_matching_id(id),
            }) {
                break;
            }
            // Of one that has ended it is not told any more how.
            let untold = self.change(&owner, async |change| {
                if let Some(order) = change.profile.order.as_mut().filter(|order| order.over.is_some()) {
                    order.over = None;
                }
                Ok(())
            });
            untold.await?;
            self.store.release_matching_id(id, &owner).await?;
        }
        Err(StatusCode::MATCHING_ID_IN_USE.into())
    }

    pub(super) async fn release_profile(
        &self,
        body: &[u8],
        caller: Caller,
        now: u64,
    ) -> Result<Vec<u8>, Trouble> {
        let request: ReleaseProfileRequest = read(body)?;
        let call = self.call("releaseProfile", &request.header, &request, body, caller)?;
        let iccid = iccid_of(&request.iccid)?;
        let execute = |profile: &mut Profile| {
            call.may_touch(&self.server, profile)?;
            orders::release_profile(profile, now)?;
            json(&HeaderOnly { header: ResponseHeader::success() })
        };
        self.execute(&call, &iccid, now, execute).await.map(Executed::answer)
    }

    pub(super) async fn cancel_order(
        &self,
        body: &[u8],
        caller: Caller,
        now: u64,
    ) -> Result<Vec<u8>, Trouble> {
        let request: CancelOrderRequest = read(body)?;
        let call = self.call("cancelOrder", &request.header, &request, body, caller)?;
        let iccid = iccid_of(&request.iccid)?;
        let eid = eid(request.eid.as_deref())?;
        let matching_id = request.matching_id.as_deref().map(str::parse::<MatchingId>).transpose();
        let matching_id = matching_id.map_err(|_| StatusCode::MATCHING_ID_INVALID_ASSOCIATION)?;
        let status = match request.final_profile_status_indicator.as_str() {
            "Available" => FinalStatus::Available,
            "Unavailable" => FinalStatus::Unavailable,
            _ => return Err(Malformed::new("finalProfileStatusIndicator", "Available, Unavailable").into()),
        };
        // A repeat cancels nothing: the order there may be the next one.
        let execute = |profile: &mut Profile| {
            call.may_touch(&self.server, profile)?;
            orders::cancel_order(profile, eid, matching_id.as_ref(), status, now)?;
            json(&HeaderOnly { header: ResponseHeader::success() })
        };
        self.execute(&call, &iccid, now, execute).await.map(Executed::answer)
    }
}

/// Who calls a function of ES2+.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The operator's systems: they name their calls.
    Systems,
    /// The interface beside ES2+: every call has a name of its own.
    Console,
}

/// What became of a call that was not refused: its answer, from now or from before.
enum Executed {
    Now(Vec<u8>),
    Before(Vec<u8>),
}

impl Executed {
    fn answer(self) -> Vec<u8> {
        let (Self::Now(answer) | Self::Before(answer)) = self;
        answer
    }
}

/// A call of ES2+, which is executed once however often it comes.
struct Call {
    id: String,
    caller: Caller,
    /// Over function and request, under the present secret.
    digest: [u8; 32],
    /// What the record of the same call may have instead: under an older secret, or none.
    others: Vec<[u8; 32]>,
    requester: String,
}

impl Call {
    fn new<P: Provider>(
        server: &Server<P>,
        function: &str,
        header: &RequestHeader,
        request: &impl Serialize,
        body: &[u8],
        caller: Caller,
    ) -> Result<Self, Trouble> {
        let (requester, call) = (&header.function_requester_identifier, &header.function_call_identifier);
        if requester.len() + call.len() > MAX_CALL_ID {
            return Err(Malformed::new("header", "identifiers of at most 256 bytes").into());
        }
        let known = |known: &BTreeMap<String, _>| known.contains_key(requester);
        if caller == Caller::Systems && requester.parse::<Oid>().is_err() {
            let because = "functionRequesterIdentifier: an object identifier";
            return Err(Refusal::new(StatusCode::FUNCTION_REQUESTER_NOT_ALLOWED, because).into());
        }
        if !server.requesters.as_ref().is_none_or(known) && *requester != server.console() {
            return Err(StatusCode::FUNCTION_REQUESTER_NOT_ALLOWED.into());
        }
        if call.is_empty() {
            let because = "functionCallIdentifier is empty";
            return Err(Refusal::new(StatusCode::MANDATORY_ELEMENT_MISSING, because).into());
        }
        // Under a secret: by a plain hash, whoever reads the record could try confirmation
        // codes until one fits.
        // Over what was read: a repeat may be written otherwise.
        let read = Zeroizing::new(json(request)?);
        let mac = |generation, body: &[u8]| {
            server.secret.session_mac(generation, &[b"call of ES2+", function.as_bytes(), body])
        };
        let digest = mac(0, &read);
        // Earlier versions took what was written.
        let plain = Sha256::new().chain_update(function).chain_update([0]).chain_update(body).finalize();
        let older = (1..server.secret.generations()).map(|generation| mac(generation, &read));
        let written = (0..server.secret.generations()).map(|generation| mac(generation, body));
        let others = older.chain(written).chain([plain.into()]).collect();
        let requester = requester.clone();
        // With a length: what one of them ends with is not what the other begins with.
        let id = format!("{}:{requester}:{call}", requester.len());
        Ok(Self { id, caller, digest, others, requester })
    }

    /// Whether the one who calls may use profiles of this type.
    fn may_use<P: Provider>(&self, server: &Server<P>, profile_type: Option<&str>) -> bool {
        let types = server.requesters.as_ref().and_then(|known| known.get(&self.requester)?.as_ref());
        types.is_none_or(|types| profile_type.is_some_and(|name| types.iter().any(|own| own == name)))
    }

    /// The same for a profile that is there.
    fn may_touch<P: Provider>(&self, server: &Server<P>, profile: &Profile) -> Result<(), Refusal> {
        if self.may_use(server, profile.profile_type.as_deref()) {
            return Ok(());
        }
        let because = "the profile is of a type that the requester may not use";
        Err(Refusal::new(StatusCode::ICCID_NOT_ALLOWED, because))
    }

    fn is_digest(&self, digest: &[u8]) -> bool {
        digest == self.digest || self.others.iter().any(|other| digest == other)
    }

    /// The answer that the call got before.
    fn answered(&self, profile: &Profile) -> Result<Option<Vec<u8>>, Trouble> {
        match profile.call(&self.id) {
            None if profile.is_old_call(&self.id) => {
                let because = "the call was executed long ago: its answer is not kept any more";
                Err(Refusal::new(StatusCode::FUNCTION_CALL_IN_USE, because).into())
            }
            None => Ok(None),
            Some(call) if self.is_digest(&call.digest.0) => Ok(Some(call.answer.clone().into_bytes())),
            Some(_) => Err(StatusCode::FUNCTION_CALL_IN_USE.into()),
        }
    }

    /// Executes the call, and notes that.
    fn execute(
        &self,
        profile: &mut Profile,
        execute: impl FnOnce(&mut Profile) -> Result<Vec<u8>, Trouble>,
    ) -> Result<Vec<u8>, Trouble> {
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
