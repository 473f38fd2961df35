//! ES9+.AuthenticateClient (SGP.22 §5.6.3): the eUICC proves itself, then its
//! order is looked at.

use rsp::auth::{AuthenticateServerResponse, EuiccSigned1};
use rsp::download::SmdpSigned2;
use rsp::es2::notification_point::ELIGIBILITY;
use rsp::es9::{AuthenticateClientResponse, Base64};
use rsp::status::{FunctionExecutionStatus, ResponseHeader, StatusCode};
use rsp::{DataObject, Eid, Raw};
use rsp_crypto::chain::{EuiccChainError, verify_euicc_chain};
use rsp_crypto::{Certificate, Provider, Signature, VerifiedEuicc, signature};
use subtle::ConstantTimeEq;

use super::eligibility;
use super::session::{self, Given};
use crate::Server;
use crate::config::CredentialSet;
use crate::error::{Fault, Malformed, Refusal, Trouble};
use crate::profile::{EuiccKey, EventKind, Profile, ProfileState, Session};
use crate::seal::ServerSecret;

/// How many refusals of an eUICC or device are written down per order.
const MAX_INELIGIBLE: u32 = 20;

/// An eUICC that has proven itself in a session of this server.
pub(crate) struct Authenticated<'s, K> {
    pub(crate) session: Given,
    pub(crate) euicc: VerifiedEuicc,
    pub(crate) signed1: Raw<EuiccSigned1>,
    signature1: Signature,
    set: &'s CredentialSet<K>,
}

impl<K> Authenticated<'_, K> {
    /// Whether what it signed is the challenge of its session, for its CI and the address
    /// that it names.
    pub(crate) fn answers(&self, secret: &ServerSecret) -> Result<(), Refusal> {
        let expected = session::server_challenge(
            secret,
            self.session.generation,
            &self.session.id,
            self.set.ci.id(),
            &self.signed1.server_address,
        );
        if bool::from(expected.ct_eq(&self.signed1.server_challenge)) {
            return Ok(());
        }
        let because = "the server challenge is not the one of this session";
        Err(Refusal::new(StatusCode::EUICC_SIGNATURE_INVALID, because))
    }
}

/// Verifies that an eUICC signed an answer to this session. Touches no state: whoever is
/// refused here may be anybody, and ends nobody's session. Every later refusal ends it
/// (SGP.22 §5.6.3); that of [`Authenticated::answers`] is the first.
pub(crate) async fn verify<'s, P: Provider>(
    server: &'s Server<P>,
    transaction_id: &str,
    response: &[u8],
    now: u64,
) -> Result<Authenticated<'s, P::SigningKey>, Trouble> {
    let session = session::recognise(&server.secret, transaction_id, now, server.limits.session)
        .ok_or(StatusCode::TRANSACTION_ID_UNKNOWN)?;
    let response = AuthenticateServerResponse::decode(response)
        .map_err(|e| Malformed::new("authenticateServerResponse", e))?;
    let ok = match response {
        AuthenticateServerResponse::Ok(ok) => *ok,
        // Unsigned: anybody could have sent it, and would end the session by a write. There
        // is nothing to be ended: the eUICC has dropped its challenge and signs no other
        // answer, and the transaction id is over by itself.
        AuthenticateServerResponse::Error { transaction_id, .. } if transaction_id != session.id => {
            return Err(StatusCode::TRANSACTION_ID_UNKNOWN.into());
        }
        AuthenticateServerResponse::Error { code, .. } => {
            return Err(Refusal::new(StatusCode::EUICC_REFUSED, code.to_string()).into());
        }
    };
    let (euicc, set) =
        verify_euicc(server, ok.eum_certificate.der(), ok.euicc_certificate.der(), now).await?;
    let covered = signature::euicc_signature1(ok.euicc_signed1.bytes());
    if !euicc.signed(&server.provider, &covered, &ok.euicc_signature1).await? {
        return Err(StatusCode::EUICC_SIGNATURE_INVALID.into());
    }
    if ok.euicc_signed1.transaction_id != session.id {
        return Err(StatusCode::TRANSACTION_ID_UNKNOWN.into());
    }
    Ok(Authenticated { session, euicc, signed1: ok.euicc_signed1, signature1: ok.euicc_signature1, set })
}

/// Verifies the certificates of an eUICC under the CI that CERT.EUM names.
pub(crate) async fn verify_euicc<'s, P: Provider>(
    server: &'s Server<P>,
    eum: &[u8],
    euicc: &[u8],
    now: u64,
) -> Result<(VerifiedEuicc, &'s CredentialSet<P::SigningKey>), Trouble> {
    let eum = Certificate::from_der(eum)
        .map_err(|e| Refusal::new(StatusCode::EUM_CERTIFICATE_INVALID, e.to_string()))?;
    let euicc = Certificate::from_der(euicc)
        .map_err(|e| Refusal::new(StatusCode::EUICC_CERTIFICATE_INVALID, e.to_string()))?;
    let issuer = eum.authority_key_identifier();
    let under = |set: &&CredentialSet<_>| issuer.is_some_and(|id| id.as_bytes() == set.ci.id().as_bytes());
    let set = server.credentials.iter().find(under).ok_or(StatusCode::CI_PK_UNKNOWN)?;
    match verify_euicc_chain(&server.provider, &set.ci, &eum, &euicc, now).await {
        Ok(_) if server.revocation.is_revoked(&eum) => {
            Err(Refusal::new(StatusCode::EUM_CERTIFICATE_INVALID, "EUM certificate: revoked").into())
        }
        Ok(_) if server.revocation.is_revoked(&euicc) => {
            Err(Refusal::new(StatusCode::EUICC_CERTIFICATE_INVALID, "eUICC certificate: revoked").into())
        }
        Ok(verified) => Ok((verified, set)),
        Err(EuiccChainError::Fault(fault)) => Err(fault.into()),
        Err(error) => {
            let code = error.status_code().ok_or_else(|| Fault::new(format!("no status code: {error}")))?;
            Err(Refusal::new(code, error.to_string()).into())
        }
    }
}

/// Whether the eUICC may have the profile, and the signed offer if so.
pub(crate) async fn offer<P: Provider>(
    server: &Server<P>,
    profile: &mut Profile,
    who: &Authenticated<'_, P::SigningKey>,
    now: u64,
) -> Result<AuthenticateClientResponse, Trouble> {
    admit(server, profile, who, now)?;
    let downloaded = profile.state == ProfileState::Downloaded;
    let metadata = profile.metadata.clone();
    let Some(order) = &mut profile.order else {
        return Err(StatusCode::MATCHING_ID_REFUSED.into());
    };

    let cc_required = order.confirmation_code.is_some();
    // Of another curve it is of no use in this session.
    let curve = who.euicc.public_key().curve();
    let bpp_euicc_otpk = order.bound_otpk.filter(|otpk| downloaded && otpk.0.curve() == curve);
    let smdp_signed2 = Raw::new(SmdpSigned2 {
        transaction_id: who.session.id.clone(),
        cc_required,
        bpp_euicc_otpk: bpp_euicc_otpk.map(|otpk| *otpk.0.as_bytes()),
    });
    let covered = signature::smdp_signature2(smdp_signed2.bytes(), &who.signature1);
    let signature2 = server.provider.sign(&who.set.dp_pb.key, &covered).await?;

    order.eid = Some(*who.euicc.eid());
    order.euicc_key = Some(EuiccKey(*who.euicc.public_key()));
    order.download_attempts += 1;
    order.session = Some(Session {
        transaction_id: who.session.id.clone(),
        expires: who.session.at + server.limits.session,
        ci: who.set.ci.id().clone(),
        cc_required,
        smdp_signature2: Base64(signature2.0.to_vec()),
        bound_to: None,
        refused: None,
    });
    profile.note(now, EventKind::Authenticated, None);
    profile.tell(now, ELIGIBILITY, FunctionExecutionStatus::success(), None);
    Ok(AuthenticateClientResponse {
        header: ResponseHeader::success(),
        transaction_id: who.session.id.to_string(),
        profile_metadata: metadata,
        smdp_signed2: smdp_signed2.bytes().to_vec().into(),
        smdp_signature2: signature2.to_tlv().into(),
        smdp_certificate: who.set.dp_pb.certificate.der().to_vec().into(),
    })
}

/// The checks, in the order of SGP.22 §5.6.3.
fn admit<P: Provider>(
    server: &Server<P>,
    profile: &mut Profile,
    who: &Authenticated<'_, P::SigningKey>,
    now: u64,
) -> Result<(), Refusal> {
    let Some(order) = &profile.order else {
        return Err(StatusCode::MATCHING_ID_REFUSED.into());
    };
    // A finished order does not tell whose it was; to its own eUICC it tells how it ended.
    match profile.state {
        ProfileState::Released
        | ProfileState::Downloaded
        | ProfileState::Confirmed
        | ProfileState::Allocated
        | ProfileState::Linked => {}
        ProfileState::Error => {
            let own = order.eid.is_none_or(|eid| eid == *who.euicc.eid());
            let over = order.over.as_ref().filter(|over| own && now <= over.until);
            return Err(over.map_or(StatusCode::MATCHING_ID_REFUSED, |over| over.because.code()).into());
        }
        _ => return Err(StatusCode::MATCHING_ID_REFUSED.into()),
    }
    if order.eid.is_some_and(|eid| eid != *who.euicc.eid()) {
        return Err(StatusCode::EID_MISMATCH.into());
    }
    if !matches!(profile.state, ProfileState::Released | ProfileState::Downloaded) {
        return Err(StatusCode::PROFILE_NOT_RELEASED.into());
    }
    let eid = Some(*who.euicc.eid());
    if now > order.expires {
        expire(profile, eid, now);
        return Err(StatusCode::ORDER_EXPIRED.into());
    }
    if order.download_attempts >= server.limits.download_attempts {
        profile.exhaust(now, "too many download attempts");
        let refusal = Refusal::from(StatusCode::DOWNLOAD_TRIES_EXCEEDED);
        profile.tell(now, ELIGIBILITY, (&refusal).into(), eid);
        return Err(refusal);
    }
    if let Err(refusal) = eligibility::check(profile, &who.signed1) {
        note_ineligible(profile, &refusal, eid, now);
        return Err(refusal);
    }
    Ok(())
}

/// Ends an order whose time is over, and tells the operator.
pub(crate) fn expire(profile: &mut Profile, eid: Option<Eid>, now: u64) {
    profile.expire(now);
    let status = FunctionExecutionStatus::failed(StatusCode::ORDER_EXPIRED, "");
    profile.tell(now, ELIGIBILITY, status, eid);
}

/// Writes down who was not eligible, and tells the operator: the first times only, for
/// an eUICC can come again as often as it likes.
fn note_ineligible(profile: &mut Profile, refusal: &Refusal, eid: Option<Eid>, now: u64) {
    let Some(order) = profile.order.as_mut().filter(|order| order.ineligible < MAX_INELIGIBLE) else {
        return;
    };
    order.ineligible += 1;
    profile.note(now, EventKind::Refused, Some(refusal.to_string()));
    profile.tell(now, ELIGIBILITY, refusal.into(), eid);
}
