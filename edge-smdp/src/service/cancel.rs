//! ES9+.CancelSession (SGP.22 §5.6.5).

use rsp::TransactionId;
use rsp::cancel::CancelSessionResponse;
use rsp::codes::CancelSessionReason;
use rsp::es2::notification_point::{CONFIRMATION, DOWNLOAD, INSTALLATION};
use rsp::status::{FunctionExecutionStatus, StatusCode};
use rsp_crypto::{Provider, signature};

use crate::Server;
use crate::error::{Refusal, Trouble};
use crate::profile::{EuiccKey, EventKind, Profile, ProfileState};

/// Ends a session by the eUICC's signed word.
pub(crate) async fn cancel_session<P: Provider>(
    server: &Server<P>,
    profile: &mut Profile,
    id: &TransactionId,
    response: &CancelSessionResponse,
    now: u64,
) -> Result<(), Trouble> {
    let unknown = StatusCode::TRANSACTION_ID_UNKNOWN;
    let (order, _) = profile.order_in_session(id, now).ok_or(unknown)?;
    let EuiccKey(key) = order.euicc_key.ok_or(unknown)?;
    let (signed, signature) = match response {
        CancelSessionResponse::Ok { signed, signature } => (signed, signature),
        // Unsigned: nothing follows from it.
        CancelSessionResponse::Error(code) => {
            return Err(Refusal::new(StatusCode::EUICC_REFUSED, format!("cancelSession error {code}")).into());
        }
    };
    let covered = signature::euicc_cancel_session_signature(signed.bytes());
    if !server.provider.verify(&key, &covered, signature).await? {
        return Err(StatusCode::EUICC_SIGNATURE_INVALID.into());
    }
    if signed.transaction_id != *id {
        return Err(unknown.into());
    }
    if signed.smdp_oid != server.oid {
        return Err(StatusCode::SMDP_OID_INVALID_ASSOCIATION.into());
    }
    order.session = None;
    // The eUICC gives the package of this session up.
    order.delivered.give_back(id);
    profile.note(now, EventKind::SessionCancelled, Some(signed.reason.to_string()));
    match signed.reason {
        CancelSessionReason::END_USER_REJECTION
        | CancelSessionReason::PPR_NOT_ALLOWED
        | CancelSessionReason::METADATA_MISMATCH => profile.fail(now, signed.reason.to_string()),
        _ => profile.state = ProfileState::Released,
    }
    let point = match signed.reason {
        CancelSessionReason::METADATA_MISMATCH => DOWNLOAD,
        CancelSessionReason::LOAD_BPP_EXECUTION_ERROR => INSTALLATION,
        _ => CONFIRMATION,
    };
    let status = FunctionExecutionStatus::failed(StatusCode::EUICC_REFUSED, &signed.reason.to_string());
    profile.tell(now, point, status, None);
    Ok(())
}
