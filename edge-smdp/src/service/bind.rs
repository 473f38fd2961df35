//! ES9+.GetBoundProfilePackage (SGP.22 §5.6.2, §2.5): the package is bound to one
//! eUICC and handed out.

use rsp::bpp::{
    BoundProfilePackage, ConfigureIsdp, ControlRefTemplate, InitialiseSecureChannel, ReplaceSessionKeys,
};
use rsp::download::PrepareDownloadResponse;
use rsp::es9::Base64;
use rsp::status::StatusCode;
use rsp::{DataObject, Eid, TransactionId};
use rsp_crypto::bsp::{BspError, SegmentTag};
use rsp_crypto::confirmation::ConfirmationCodeHash;
use rsp_crypto::ecka::{KEY_LENGTH, KEY_TYPE};
use rsp_crypto::{Bsp, OneTimeKeyPair, Provider, PublicKey, SessionKeys, Signature, signature};
use zeroize::Zeroizing;

use crate::config::CredentialSet;
use crate::error::{Fault, Refusal, Trouble};
use crate::profile::{EuiccKey, EventKind, Profile, ProfileState, Session};
use crate::{Protection, Server};

/// What a checked request leads to.
pub(crate) enum Step {
    /// The package of this session, once more.
    Again,
    /// Binding to this key of this eUICC.
    Bind(Box<Binding>),
}

/// What a package is bound to.
pub(crate) struct Binding {
    transaction_id: TransactionId,
    session: Session,
    eid: Eid,
    euicc_otpk: PublicKey,
}

/// The context under which an order's confirmation code is sealed.
pub(crate) fn confirmation_context(iccid: &rsp::Iccid) -> Vec<u8> {
    [b"confirmation code ", &iccid.as_bytes()[..]].concat()
}

/// The context under which a package is sealed.
pub(crate) fn package_context(iccid: &rsp::Iccid) -> Vec<u8> {
    [b"profile package ", &iccid.as_bytes()[..]].concat()
}

/// Checks a request against the order; counts wrong confirmation codes.
pub(crate) async fn accept<P: Provider>(
    server: &Server<P>,
    profile: &mut Profile,
    id: &TransactionId,
    response: &PrepareDownloadResponse,
    now: u64,
) -> Result<Step, Trouble> {
    let iccid = profile.iccid;
    let unknown = StatusCode::TRANSACTION_ID_UNKNOWN;
    let (order, session) = profile.order_in_session(id, now).ok_or(unknown)?;
    let (Some(eid), Some(EuiccKey(key))) = (order.eid, order.euicc_key) else {
        return Err(unknown.into());
    };
    let (signed2, signature2) = match response {
        PrepareDownloadResponse::Ok { euicc_signed2, euicc_signature2 } => (euicc_signed2, euicc_signature2),
        PrepareDownloadResponse::Error { code, .. } => {
            // Unsigned: it ends this session, and nothing else.
            order.session = None;
            profile.note(now, EventKind::SessionFailed, Some(code.to_string()));
            return Err(Refusal::new(StatusCode::EUICC_REFUSED, code.to_string()).into());
        }
    };
    let smdp_signature2: [u8; 64] = session
        .smdp_signature2
        .0
        .as_slice()
        .try_into()
        .map_err(|_| Fault::new("stored smdpSignature2 is broken"))?;
    let covered = signature::euicc_signature2(signed2.bytes(), &Signature(smdp_signature2));
    if !server.provider.verify(&key, &covered, signature2).await? {
        return Err(StatusCode::EUICC_SIGNATURE_INVALID.into());
    }
    if signed2.transaction_id != *id {
        return Err(unknown.into());
    }
    // The session is on the curve of its CI, and so is PK.EUICC.
    let euicc_otpk = PublicKey::from_sec1(key.curve(), &signed2.euicc_otpk);
    let euicc_otpk = euicc_otpk.ok_or(StatusCode::EUICC_SIGNATURE_INVALID)?;
    if session.cc_required {
        let sealed = order.confirmation_code.clone().unwrap_or_default();
        let hash = server.secret.expose_sealed(&confirmation_context(&iccid), &sealed.0)?;
        let hash: [u8; 32] =
            hash.as_slice().try_into().map_err(|_| Fault::new("stored confirmation code is broken"))?;
        let hash = ConfirmationCodeHash::from_bytes(hash);
        let given = signed2.hash_cc.ok_or(StatusCode::CONFIRMATION_CODE_MISSING)?;
        if !hash.confirms(&server.provider, id.as_bytes(), &given).await? {
            order.confirmation_failures += 1;
            let failures = order.confirmation_failures;
            profile.note(now, EventKind::ConfirmationFailed, Some(failures.to_string()));
            if failures >= server.limits.confirmation_failures {
                profile.fail(now, "too many wrong confirmation codes");
                return Err(StatusCode::CONFIRMATION_CODE_TRIES_EXCEEDED.into());
            }
            return Err(StatusCode::CONFIRMATION_CODE_REFUSED.into());
        }
    }
    match &session.bound_to {
        None => {
            let transaction_id = id.clone();
            Ok(Step::Bind(Box::new(Binding { transaction_id, session, eid, euicc_otpk })))
        }
        Some(bound) if bound.0 == euicc_otpk.as_bytes() => Ok(Step::Again),
        Some(_) => Err(StatusCode::BPP_REBINDING_REFUSED.into()),
    }
}

/// Notes that the package is handed out.
pub(crate) fn hand_out(profile: &mut Profile, binding: &Binding, now: u64) {
    let otpk = Base64(binding.euicc_otpk.as_bytes().to_vec());
    if let Some(order) = &mut profile.order {
        if let Some(session) = &mut order.session {
            session.bound_to = Some(otpk.clone());
        }
        order.bound_otpk = Some(otpk);
        order.deliver(binding.transaction_id.clone());
    }
    profile.state = ProfileState::Downloaded;
    profile.note(now, EventKind::Downloaded, None);
}

/// Binds a package: a fresh one-time key, its agreement with the eUICC's, and the
/// package under the keys that follow from it.
///
/// `ppk`: keys for the profile elements, where they are to have their own.
pub(crate) async fn bind<P: Provider>(
    server: &Server<P>,
    binding: &Binding,
    metadata: &[u8],
    package: &[u8],
    ppk: Option<&SessionKeys>,
) -> Result<Vec<u8>, Trouble> {
    let provider = &server.provider;
    let set: &CredentialSet<_> = server
        .credentials_under(&binding.session.ci)
        .ok_or_else(|| Fault::new("the credentials of a session are no longer configured"))?;
    let one_time = OneTimeKeyPair::generate(provider, binding.euicc_otpk.curve()).await?;
    let secret = one_time.agree(provider, &binding.euicc_otpk).await?;
    let secret = secret.ok_or_else(|| {
        Refusal::new(StatusCode::EUICC_SIGNATURE_INVALID, "the one-time key is not a point of the curve")
    })?;
    let oid = server.oid.der_contents();
    let crt = ControlRefTemplate {
        key_type: KEY_TYPE,
        key_len: KEY_LENGTH,
        host_id: oid.get(..16).unwrap_or(oid).to_vec(),
    };
    let keys = SessionKeys::derive(provider, &secret, &crt.host_id, &binding.eid).await?;

    let unsigned =
        InitialiseSecureChannel::unsigned(&binding.transaction_id, &crt, one_time.public().as_bytes());
    let covered = signature::smdp_sign(&unsigned, &binding.euicc_otpk);
    let smdp_sign = provider.sign(&set.dp_pb.key, &covered).await?;

    let mut channel = Bsp::new(keys);
    let configure = ConfigureIsdp::default().encode();
    let configure_isdp =
        channel.seal_all(provider, SegmentTag::Command, &configure).await.map_err(sealing)?;
    let store_metadata = channel.seal_all(provider, SegmentTag::Metadata, metadata).await.map_err(sealing)?;
    let mut replace_session_keys = Vec::new();
    if let Some(ppk) = ppk {
        let [mcv, enc, mac] = ppk.expose();
        let command = ReplaceSessionKeys::new(*mcv, *enc, *mac).expose_encoded();
        replace_session_keys =
            channel.seal_all(provider, SegmentTag::Command, &command).await.map_err(sealing)?;
        channel.replace_session_keys(ppk.clone());
    }
    let profile_elements =
        channel.seal_all(provider, SegmentTag::ProfileElements, package).await.map_err(sealing)?;
    Ok(BoundProfilePackage {
        initialise_secure_channel: InitialiseSecureChannel::assemble(&unsigned, &smdp_sign),
        configure_isdp,
        store_metadata,
        replace_session_keys,
        profile_elements,
    }
    .encode())
}

fn sealing(error: BspError) -> Fault {
    Fault::new(format!("protecting the package: {error}"))
}

/// Keys for the profile elements, when the server gives them their own.
pub(crate) fn profile_protection_keys<P: Provider>(
    server: &Server<P>,
    chance: impl FnOnce() -> Result<[u8; 48], Fault>,
) -> Result<Option<SessionKeys>, Fault> {
    if server.protection == Protection::SessionKeys {
        return Ok(None);
    }
    let random = Zeroizing::new(chance()?);
    match random.as_chunks() {
        ([mcv, enc, mac], []) => Ok(Some(SessionKeys::new(*mcv, *enc, *mac))),
        _ => Err(Fault::new("48 bytes are three keys")),
    }
}
