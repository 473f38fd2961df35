//! ES10b: the eUICC's side of remote provisioning (SGP.22 §5.7.5 to §5.7.14,
//! §5.7.22). The package itself is [`super::load`]'s.

use apdu::StatusWord;
use rsp::DataObject as _;
use rsp::auth::{
    AuthenticateResponseOk, AuthenticateServerRequest, AuthenticateServerResponse, EuiccInfo1, EuiccInfo2,
    EuiccSigned1, ExtCardResource, encode_euicc_challenge,
};
use rsp::cancel::{CancelSessionRequest, CancelSessionResponse, EuiccCancelSessionSigned};
use rsp::codes::{AuthenticateErrorCode, CancelSessionReason, DownloadErrorCode, FunctionResult};
use rsp::download::{EuiccSigned2, PrepareDownloadRequest, PrepareDownloadResponse};
use rsp::metadata::NotificationEvents;
use rsp::notification::{
    NOTIFICATION_SENT, NotificationFilter, RETRIEVE_NOTIFICATIONS_LIST, encode_list_error,
    encode_list_response, encode_retrieve_response,
};
use rsp::profiles::encode_result;
use rsp::{CiPkId, Raw};
use rsp_crypto::chain::{verify_profile_binding, verify_server_chain};
use rsp_crypto::software::OneTimeKey;
use rsp_crypto::{Certificate, CiKey, Curve, PublicKey, Role, VerifiedServer, ready, signature, software};
use zeroize::Zeroizing;

use super::configuration::Configuration;
use super::session::{Authenticated, Prepared, State};
use super::{IsdrContext, crl, load, memory_problem, notification, one_time_keys};
use crate::ecasd::{self, Credential};
use crate::isdp;
use crate::nvm::{Error, View};
use crate::profile;

/// RAM for one STORE DATA chain, in bytes: what `freeVolatileMemory` tells.
const VOLATILE_MEMORY: u32 = 256 * 255;
/// `RspCapability`: additionalProfile(0), crlSupport(1), testProfileSupport(3),
/// deviceInfoExtensibilitySupport(4). RPM(2) is of v3.
const RSP_CAPABILITY: u32 = 0xD800_0000;

/// GetEUICCInfo1.
pub(super) fn euicc_info1(context: &IsdrContext<'_>) -> Result<Vec<u8>, StatusWord> {
    let configuration = Configuration::load(context.store).ok_or(StatusWord::CONDITIONS)?;
    let (verification, signing) = ci_lists(context.store);
    Ok(EuiccInfo1 {
        svn: configuration.svn,
        ci_pk_ids_for_verification: verification,
        ci_pk_ids_for_signing: signing,
    }
    .encode())
}

/// GetEUICCInfo2, as it is at this moment.
pub(super) fn euicc_info2(view: &impl View) -> Option<EuiccInfo2> {
    let configuration = Configuration::load(view)?;
    let (verification, signing) = ci_lists(view);
    Some(EuiccInfo2 {
        profile_version: configuration.profile_version,
        svn: configuration.svn,
        firmware_version: configuration.firmware_version,
        ext_card_resource: ExtCardResource {
            installed_applications: u32::try_from(isdp::all(view).len()).unwrap_or(u32::MAX),
            free_non_volatile_memory: u32::try_from(view.free()).unwrap_or(u32::MAX),
            free_volatile_memory: VOLATILE_MEMORY,
        },
        uicc_capability: configuration.uicc_capability.unwrap_or_else(uicc_capability),
        ts102241_version: configuration.ts102241_version,
        globalplatform_version: configuration.globalplatform_version,
        rsp_capability: configuration.rsp_capability.unwrap_or(RSP_CAPABILITY),
        ci_pk_ids_for_verification: verification,
        ci_pk_ids_for_signing: signing,
        category: configuration.category,
        forbidden_profile_policy_rules: configuration.forbidden_rules,
        pp_version: configuration.pp_version,
        sas_accreditation_number: configuration.sas_accreditation_number,
    })
}

fn ci_lists(view: &impl View) -> (Vec<CiPkId>, Vec<CiPkId>) {
    let verification = ecasd::ci_keys(view).iter().map(|ci| ci.id().clone()).collect();
    (verification, Credential::issuers(view))
}

/// `UICCCapability` (TCA profile package, annex): what the interpreter and the
/// UICC do, bit 0 most significant.
fn uicc_capability() -> u32 {
    profile::services().iter().fold(0, |bits, service| bits | 0x8000_0000 >> service.capability())
}

/// GetEUICCChallenge: whatever session there was is over.
pub(super) fn euicc_challenge(context: &mut IsdrContext<'_>) -> Result<Vec<u8>, StatusWord> {
    load::interrupt(context)?;
    let mut challenge = [0; 16];
    context.env.fill_random(&mut challenge);
    context.session.state = State::Challenged(challenge);
    Ok(encode_euicc_challenge(&challenge))
}

/// AuthenticateServer (SGP.22 §5.7.13).
pub(super) fn authenticate_server(
    context: &mut IsdrContext<'_>,
    request: &AuthenticateServerRequest,
) -> Result<Vec<u8>, StatusWord> {
    let State::Challenged(challenge) = context.session.state else {
        return Ok(authenticate_error(request, AuthenticateErrorCode::NO_SESSION_CONTEXT));
    };
    // A challenge is good for one answer, whatever comes of it.
    context.session.state = State::Idle;
    let (server, credential) = match verify_server(context, request, &challenge) {
        Ok(verified) => verified,
        Err(code) => {
            context.env.trace(format_args!("AuthenticateServer: {code}"));
            return Ok(authenticate_error(request, code));
        }
    };
    let info = euicc_info2(context.store).ok_or(StatusWord::CONDITIONS)?;
    let euicc_signed1 = Raw::new(EuiccSigned1 {
        transaction_id: request.server_signed1.transaction_id.clone(),
        server_address: request.server_signed1.server_address.clone(),
        server_challenge: request.server_signed1.server_challenge,
        euicc_info2: Raw::new(info),
        ctx_params1: request.ctx_params1.clone(),
    });
    let euicc_signature1 = credential.sign(&signature::euicc_signature1(euicc_signed1.bytes()));
    // With an SM-DS there is nothing more to do (SGP.22 §3.6.2).
    if *server.role() == Role::DpAuth {
        context.session.state = State::Authenticated(Box::new(Authenticated {
            transaction_id: request.server_signed1.transaction_id.clone(),
            server,
            server_address: request.server_signed1.server_address.clone(),
            euicc_signature1,
        }));
    }
    Ok(AuthenticateServerResponse::Ok(Box::new(AuthenticateResponseOk {
        euicc_signed1,
        euicc_signature1,
        euicc_certificate: credential.euicc_certificate,
        eum_certificate: credential.eum_certificate,
    }))
    .encode())
}

fn verify_server(
    context: &mut IsdrContext<'_>,
    request: &AuthenticateServerRequest,
    challenge: &[u8; 16],
) -> Result<(VerifiedServer, Credential), AuthenticateErrorCode> {
    let id = &request.ci_pk_id_to_be_used;
    let ci = ci_key(context.store, id).ok_or(AuthenticateErrorCode::CI_PK_UNKNOWN)?;
    let credential = Credential::load(context.store, id).ok_or(AuthenticateErrorCode::CI_PK_UNKNOWN)?;
    let certificate = Certificate::from_der(request.server_certificate.der()).map_err(|error| {
        context.env.trace(format_args!("serverCertificate: {error}"));
        AuthenticateErrorCode::INVALID_CERTIFICATE
    })?;
    // A chip has no clock: no certificate is too old for it.
    let roles = [Role::DpAuth, Role::DsAuth];
    let server = ready(verify_server_chain(&ecasd::provider(context.env), &ci, &certificate, &roles, None));
    let server = server.map_err(|error| {
        context.env.trace(format_args!("serverCertificate: {error}"));
        error.authenticate_error_code()
    })?;
    if crl::is_revoked(context.store, id, certificate.serial_number()) {
        context.env.trace(format_args!("serverCertificate: revoked by its CI"));
        return Err(AuthenticateErrorCode::INVALID_CERTIFICATE);
    }
    let signed = signature::server_signature1(request.server_signed1.bytes());
    if !software::verify(server.public_key(), &signed, &request.server_signature1) {
        return Err(AuthenticateErrorCode::INVALID_SIGNATURE);
    }
    if request.server_signed1.euicc_challenge != *challenge {
        return Err(AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH);
    }
    Ok((server, credential))
}

fn ci_key(view: &impl View, id: &CiPkId) -> Option<CiKey> {
    ecasd::ci_keys(view).into_iter().find(|ci| ci.id() == id)
}

fn authenticate_error(request: &AuthenticateServerRequest, code: AuthenticateErrorCode) -> Vec<u8> {
    let transaction_id = request.server_signed1.transaction_id.clone();
    AuthenticateServerResponse::Error { transaction_id, code }.encode()
}

/// PrepareDownload (SGP.22 §5.7.5). It may be repeated, with another
/// confirmation code; a refusal leaves the session as it was, so that it can
/// still be cancelled.
pub(super) fn prepare_download(
    context: &mut IsdrContext<'_>,
    request: &PrepareDownloadRequest,
) -> Result<Vec<u8>, StatusWord> {
    let prepared = match prepare(context, request) {
        Ok(prepared) => prepared,
        Err(code) => {
            context.env.trace(format_args!("PrepareDownload: {code}"));
            let transaction_id = request.smdp_signed2.transaction_id.clone();
            return Ok(PrepareDownloadResponse::Error { transaction_id, code }.encode());
        }
    };
    let credential = Credential::load(context.store, prepared.authenticated.server.ci());
    let credential = credential.ok_or(StatusWord::CONDITIONS)?;
    let mut tx = context.store.begin();
    let mut kept = Ok(());
    if let State::Prepared(before) = &context.session.state
        && before.one_time_public_key != prepared.one_time_public_key
    {
        kept = one_time_keys::forget(&mut tx, &before.one_time_key);
    }
    kept = kept
        .and_then(|()| one_time_keys::keep(&mut tx, prepared.binding.oid(), &prepared.one_time_key))
        .and_then(|()| tx.commit(context.env.medium()));
    match kept {
        // Without room for it the key lives as long as the session.
        Ok(()) | Err(Error::Full) => {}
        Err(error) => return Err(memory_problem(error)),
    }
    let euicc_signed2 = Raw::new(EuiccSigned2 {
        transaction_id: request.smdp_signed2.transaction_id.clone(),
        euicc_otpk: *prepared.one_time_public_key.as_bytes(),
        hash_cc: request.hash_cc,
    });
    let signed = signature::euicc_signature2(euicc_signed2.bytes(), &request.smdp_signature2);
    let euicc_signature2 = credential.sign(&signed);
    context.session.state = State::Prepared(Box::new(prepared));
    Ok(PrepareDownloadResponse::Ok { euicc_signed2, euicc_signature2 }.encode())
}

fn prepare(
    context: &mut IsdrContext<'_>,
    request: &PrepareDownloadRequest,
) -> Result<Prepared, DownloadErrorCode> {
    let authenticated = match &context.session.state {
        State::Authenticated(authenticated) => authenticated.as_ref().clone(),
        State::Prepared(prepared) => prepared.authenticated.clone(),
        _ => return Err(DownloadErrorCode::NO_SESSION_CONTEXT),
    };
    if request.smdp_signed2.transaction_id != authenticated.transaction_id {
        return Err(DownloadErrorCode::INVALID_TRANSACTION_ID);
    }
    let ci = ci_key(context.store, authenticated.server.ci()).ok_or(DownloadErrorCode::UNDEFINED_ERROR)?;
    let certificate = Certificate::from_der(request.smdp_certificate.der()).map_err(|error| {
        context.env.trace(format_args!("smdpCertificate: {error}"));
        DownloadErrorCode::INVALID_CERTIFICATE
    })?;
    let provider = ecasd::provider(context.env);
    let binding = ready(verify_profile_binding(&provider, &ci, &authenticated.server, &certificate, None));
    let binding = binding.map_err(|error| {
        context.env.trace(format_args!("smdpCertificate: {error}"));
        error.download_error_code()
    })?;
    if crl::is_revoked(context.store, ci.id(), certificate.serial_number()) {
        context.env.trace(format_args!("smdpCertificate: revoked by its CI"));
        return Err(DownloadErrorCode::INVALID_CERTIFICATE);
    }
    let signed = signature::smdp_signature2(request.smdp_signed2.bytes(), &authenticated.euicc_signature1);
    if !software::verify(binding.public_key(), &signed, &request.smdp_signature2) {
        return Err(DownloadErrorCode::INVALID_SIGNATURE);
    }
    if request.smdp_signed2.cc_required && request.hash_cc.is_none() {
        return Err(DownloadErrorCode::UNDEFINED_ERROR);
    }
    // The chain that led here is on one curve: the session's.
    let curve = binding.public_key().curve();
    let asked = request.smdp_signed2.bpp_euicc_otpk;
    let asked = asked.and_then(|point| PublicKey::from_sec1(curve, &point));
    let kept = asked.and_then(|public| one_time_keys::find(context.store, binding.oid(), &public));
    let one_time_key = match kept {
        Some(key) => key,
        None => fresh_one_time_key(context, curve).ok_or(DownloadErrorCode::UNDEFINED_ERROR)?,
    };
    let one_time_public_key = one_time_key.public_key();
    Ok(Prepared { authenticated, binding, one_time_key, one_time_public_key })
}

/// A random scalar. One in 2³² is out of range on P-256, one in three on
/// brainpoolP256r1, and drawn again.
fn fresh_one_time_key(context: &mut IsdrContext<'_>, curve: Curve) -> Option<OneTimeKey> {
    const DRAWS: usize = 128;
    (0..DRAWS).find_map(|_| {
        let mut scalar = Zeroizing::new([0; 32]);
        context.env.fill_random(&mut *scalar);
        OneTimeKey::from_scalar(curve, &scalar)
    })
}

/// CancelSession (SGP.22 §5.7.14).
pub(super) fn cancel_session(
    context: &mut IsdrContext<'_>,
    request: &CancelSessionRequest,
) -> Result<Vec<u8>, StatusWord> {
    let session = context.session.state.authenticated();
    let Some(session) = session.filter(|session| session.transaction_id == request.transaction_id) else {
        return Ok(CancelSessionResponse::Error(CancelSessionResponse::INVALID_TRANSACTION_ID).encode());
    };
    let credential = Credential::load(context.store, session.server.ci()).ok_or(StatusWord::CONDITIONS)?;
    let signed = Raw::new(EuiccCancelSessionSigned {
        transaction_id: request.transaction_id.clone(),
        smdp_oid: session.server.oid().clone(),
        reason: request.reason,
    });
    // Who says "later" may come back with the same package.
    let later = [CancelSessionReason::POSTPONED, CancelSessionReason::TIMEOUT].contains(&request.reason);
    if let Some(prepared) = context.session.state.prepared()
        && !later
    {
        let mut tx = context.store.begin();
        let done = one_time_keys::forget(&mut tx, &prepared.one_time_key);
        done.and_then(|()| tx.commit(context.env.medium())).map_err(memory_problem)?;
    }
    load::interrupt(context)?;
    context.session.state = State::Idle;
    let signature = credential.sign(&signature::euicc_cancel_session_signature(signed.bytes()));
    Ok(CancelSessionResponse::Ok { signed, signature }.encode())
}

/// ListNotification.
pub(super) fn list_notification(context: &IsdrContext<'_>, events: Option<NotificationEvents>) -> Vec<u8> {
    encode_list_response(&notification::list(context.store, events))
}

/// RetrieveNotificationsList.
pub(super) fn retrieve_notifications(
    context: &IsdrContext<'_>,
    filter: Option<NotificationFilter>,
) -> Vec<u8> {
    const NO_RESULT_AVAILABLE: u8 = 1;
    let list: Vec<Vec<u8>> = notification::retrieve(context.store, filter).collect();
    if list.is_empty() && filter.is_some() {
        return encode_list_error(RETRIEVE_NOTIFICATIONS_LIST, NO_RESULT_AVAILABLE);
    }
    encode_retrieve_response(list)
}

/// RemoveNotificationFromList.
pub(super) fn remove_notification(
    context: &mut IsdrContext<'_>,
    seq_number: u32,
) -> Result<Vec<u8>, StatusWord> {
    let mut tx = context.store.begin();
    let removed = notification::remove(&mut tx, seq_number).map_err(memory_problem)?;
    tx.commit(context.env.medium()).map_err(memory_problem)?;
    let result = if removed { FunctionResult::OK } else { FunctionResult::NOT_FOUND };
    Ok(encode_result(NOTIFICATION_SENT, result.0))
}

/// GetRAT.
pub(super) fn rules_authorisation_table(context: &IsdrContext<'_>) -> Result<Vec<u8>, StatusWord> {
    Configuration::load(context.store).map(|made| made.rules.encode()).ok_or(StatusWord::CONDITIONS)
}
