//! ES9+.HandleNotification (SGP.22 §5.6.4): what eUICCs report afterwards.

use rsp::codes::ErrorReason;
use rsp::es2::notification_point::INSTALLATION;
use rsp::es9::Base64;
use rsp::notification::{FinalResult, OtherSignedNotification, ProfileInstallationResult};
use rsp::status::{FunctionExecutionStatus, StatusCode};
use rsp_crypto::{Provider, VerifiedEuicc, signature};

use super::authenticate::verify_euicc;
use crate::Server;
use crate::error::{Malformed, Trouble};
use crate::outbox::Message;
use crate::profile::{Delivery, EventKind, Notification, Profile, ProfileState};

/// The longest result of an eUICC that the operator gets, in bytes: a response for every
/// profile element, and more.
const MAX_RESULT_DATA: usize = 4096;

/// How the download ended, by the word of the eUICC that it was bound to. A
/// repeat, and a result of a session in which nothing was handed out, changes
/// nothing. Of a profile that the operator has taken out of use in between it is kept
/// and told; it stays out of use.
pub(crate) async fn installation_result<P: Provider>(
    server: &Server<P>,
    profile: &mut Profile,
    result: &ProfileInstallationResult,
    now: u64,
) -> Result<(), Trouble> {
    let id = &result.data.transaction_id;
    let Some((eid, key)) = profile.bearer(id) else { return Ok(()) };
    let covered = signature::euicc_sign_pir(result.data.bytes());
    if !server.provider.verify(&key, &covered, &result.euicc_sign_pir).await? {
        return Err(StatusCode::EUICC_SIGNATURE_INVALID.into());
    }
    if result.data.smdp_oid != server.oid {
        return Err(StatusCode::SMDP_OID_INVALID_ASSOCIATION.into());
    }
    let (event, detail) = match &result.data.final_result {
        FinalResult::Success { .. } => (EventKind::Installed, None),
        FinalResult::Error { bpp_command_id, error_reason, .. } => {
            (EventKind::InstallationFailed, Some(format!("{bpp_command_id}, {error_reason}")))
        }
    };
    let seq_number = result.data.notification.seq_number;
    let failed = matches!(result.data.final_result, FinalResult::Error { .. });
    let of_this_session = |delivery: &Delivery| delivery.transaction_id == *id;
    let deliveries = profile.deliveries();
    let (here, latest) = deliveries.map_or((None, None), |all| (all.of(id), all.latest_out()));
    // That it has not got it, it may say twice; that it has, also after it said the contrary.
    let delivered = here.is_some_and(|delivery| delivery.is_out() || !failed);
    let latest = latest.is_some_and(of_this_session);
    if !profile.remember(Notification { at: now, eid, seq_number, event, detail: detail.clone() }) {
        return Ok(());
    }
    if !delivered {
        return Ok(());
    }
    let status = match &result.data.final_result {
        FinalResult::Success { .. } => FunctionExecutionStatus::success(),
        FinalResult::Error { error_reason, .. } => {
            let code = match *error_reason {
                ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE => StatusCode::EUICC_INSUFFICIENT_MEMORY,
                ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC => StatusCode::ICCID_IN_USE,
                _ => StatusCode::EUICC_REFUSED,
            };
            FunctionExecutionStatus::failed(code, detail.as_deref().unwrap_or_default())
        }
    };
    let result_data = Some(result.data.bytes()).filter(|data| data.len() <= MAX_RESULT_DATA);
    let result_data = result_data.map(|data| Base64(data.to_vec()));
    profile.tell_with(now, INSTALLATION, status, Some(eid), result_data);
    let waiting = matches!(profile.state, ProfileState::Downloaded | ProfileState::Released);
    if let Some(deliveries) = profile.deliveries() {
        if failed {
            deliveries.give_back(id);
        } else {
            deliveries.note_installed(id, seq_number);
        }
    }
    let deleted = profile.was_deleted_after(eid, seq_number);
    if !failed && !deleted {
        profile.is_had(Some(id));
    }
    let Some(order) = &mut profile.order else { return Ok(()) };
    match &result.data.final_result {
        // Whatever was thought in between: the profile is on the eUICC now.
        FinalResult::Success { .. } => {
            order.session = None;
            order.over = None;
            // Also once more, after it was deleted.
            if waiting || matches!(profile.state, ProfileState::Error | ProfileState::Deleted) {
                profile.state = if deleted { ProfileState::Deleted } else { ProfileState::Installed };
            }
        }
        FinalResult::Error { error_reason, .. } => {
            // A late word on an earlier try does not end the present one.
            if waiting && latest {
                order.session = None;
                match *error_reason {
                    ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE | ErrorReason::INTERRUPTION => {
                        profile.state = ProfileState::Released;
                    }
                    _ => profile.fail(now, detail.unwrap_or_default()),
                }
            }
        }
    }
    Ok(())
}

/// Verifies a notification that carries its certificates.
pub(crate) async fn verify_other<P: Provider>(
    server: &Server<P>,
    notification: &OtherSignedNotification,
    now: u64,
) -> Result<VerifiedEuicc, Trouble> {
    let (eum, euicc) = (notification.eum_certificate.der(), notification.euicc_certificate.der());
    let (euicc, _) = verify_euicc(server, eum, euicc, now).await?;
    let covered = signature::euicc_notification_signature(notification.tbs.bytes());
    if euicc.signed(&server.provider, &covered, &notification.signature).await? {
        Ok(euicc)
    } else {
        Err(StatusCode::EUICC_SIGNATURE_INVALID.into())
    }
}

/// Enabled, disabled or deleted, by the word of the eUICC that has the profile. A
/// repeat, and the word of another eUICC, changes nothing.
pub(crate) fn other(
    profile: &mut Profile,
    euicc: &VerifiedEuicc,
    notification: &OtherSignedNotification,
    now: u64,
) -> Result<(), Malformed> {
    let event = EventKind::of(notification.tbs.event)
        .ok_or_else(|| Malformed::new("pendingNotification", "exactly one event is expected"))?;
    let withdrawn = profile.withdrawn.as_ref().map(|withdrawn| withdrawn.eid);
    let bound = profile.order.as_ref().map_or(withdrawn, |order| order.eid);
    if bound != Some(*euicc.eid()) {
        return Ok(());
    }
    let seq_number = notification.tbs.seq_number;
    if !profile.remember(Notification { at: now, eid: *euicc.eid(), seq_number, event, detail: None }) {
        return Ok(());
    }
    let eid = *euicc.eid();
    if event == EventKind::Installed {
        profile.tell(now, INSTALLATION, FunctionExecutionStatus::success(), Some(eid));
    } else {
        let profile_type = profile.profile_type.clone();
        profile.pending.messages.push(Message::ProfileEvent { at: now, event, eid, profile_type });
    }
    if let Some(order) = profile.order.as_mut().filter(|order| !order.delivered.is_empty()) {
        order.over = None;
    }
    let is_deleted = event == EventKind::Deleted || profile.was_deleted_after(eid, seq_number);
    match profile.state {
        ProfileState::Installed if is_deleted => profile.state = ProfileState::Deleted,
        // Installed once more, and the result of that is still on the way.
        ProfileState::Deleted if !is_deleted => profile.state = ProfileState::Installed,
        // Its installation result is still on the way, or was lost.
        _ if profile.is_out() => {
            profile.state = if is_deleted { ProfileState::Deleted } else { ProfileState::Installed };
        }
        // It gave the package back, and has it all the same. That it has deleted one may be of an
        // earlier life of the profile, and endangers nobody.
        _ if !is_deleted && profile.was_handed_out() => profile.state = ProfileState::Installed,
        _ => {}
    }
    if !is_deleted {
        profile.is_had(None);
    }
    if let Some(order) = profile.order.as_mut().filter(|_| profile.state != ProfileState::Downloaded) {
        order.session = None;
    }
    Ok(())
}
