//! ES9+.GetBoundProfilePackage (SGP.22 §5.6.2, §2.5): the package is bound to one
//! eUICC and handed out.

use rsp::bpp::{
    BoundProfilePackage, ConfigureIsdp, ControlRefTemplate, InitialiseSecureChannel, ReplaceSessionKeys,
};
use rsp::download::PrepareDownloadResponse;
use rsp::es2::notification_point::{CONFIRMATION, DOWNLOAD};
use rsp::es9::Base64;
use rsp::status::{FunctionExecutionStatus, StatusCode};
use rsp::{DataObject, Eid, TransactionId};
use rsp_crypto::bsp::{BspError, SegmentTag};
use rsp_crypto::confirmation::ConfirmationCodeHash;
use rsp_crypto::ecka::{KEY_LENGTH, KEY_TYPE};
use rsp_crypto::{Bsp, OneTimeKeyPair, Provider, PublicKey, SessionKeys, Signature, signature};
use tlv::Reader;
use zeroize::Zeroizing;

use crate::config::CredentialSet;
use crate::error::{Fault, Refusal, Trouble};
use crate::profile::{EuiccKey, EventKind, Profile, ProfileState, Session};
use crate::seal::{CHANCE, Cipher};
use crate::store::Packages;
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
    /// The package kept last is bound to this very key of the eUICC.
    pub(crate) is_bound_already: bool,
}

/// The context under which an order's confirmation code is sealed.
pub(crate) fn confirmation_context(iccid: &rsp::Iccid) -> Vec<u8> {
    [b"confirmation code ", &iccid.as_bytes()[..]].concat()
}

/// The context under which a package is sealed.
pub(crate) fn package_context(iccid: &rsp::Iccid) -> Vec<u8> {
    [b"profile package ", &iccid.as_bytes()[..]].concat()
}

/// The context under which the record of a profile's subscriber is sealed.
pub(crate) fn subscriber_context(iccid: &rsp::Iccid, imsi: &rsp::Imsi) -> Vec<u8> {
    [b"subscriber ", &iccid.as_bytes()[..], imsi.as_str().as_bytes()].concat()
}

/// The context under which the template of a profile type is sealed.
pub(crate) fn template_context(name: &str) -> Vec<u8> {
    [b"profile type ", name.as_bytes()].concat()
}

/// The context under which the keys of a protected profile package are sealed.
fn protection_context(iccid: &rsp::Iccid) -> Vec<u8> {
    [b"profile protection keys ", &iccid.as_bytes()[..]].concat()
}

/// Checks a request against the order; counts wrong confirmation codes.
pub(crate) async fn accept<P: Provider + Cipher>(
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
        PrepareDownloadResponse::Error { transaction_id, .. } if transaction_id != id => {
            return Err(unknown.into());
        }
        PrepareDownloadResponse::Error { code, .. } => {
            // Unsigned: it ends this session, and nothing else.
            order.session = None;
            let refusal = Refusal::new(StatusCode::EUICC_REFUSED, code.to_string());
            profile.note(now, EventKind::SessionFailed, Some(code.to_string()));
            profile.tell(now, DOWNLOAD, (&refusal).into(), None);
            return Err(refusal.into());
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
        let hash =
            server.secret.expose_sealed(&server.provider, &confirmation_context(&iccid), &sealed.0).await?;
        let hash: [u8; 32] =
            hash.as_slice().try_into().map_err(|_| Fault::new("stored confirmation code is broken"))?;
        let hash = ConfirmationCodeHash::from_bytes(hash);
        let given = signed2.hash_cc.ok_or(StatusCode::CONFIRMATION_CODE_MISSING)?;
        if !hash.confirms(&server.provider, id.as_bytes(), &given).await? {
            let request = server.secret.session_mac(0, &[b"refused euiccSigned2", signed2.bytes()]);
            let is_repeat = session.refused.as_ref().is_some_and(|refused| refused.0 == request);
            if is_repeat || session.bound_to.is_some() {
                return Err(StatusCode::CONFIRMATION_CODE_REFUSED.into());
            }
            if let Some(session) = &mut order.session {
                session.refused = Some(Base64(request.to_vec()));
            }
            order.confirmation_failures += 1;
            let failures = order.confirmation_failures;
            profile.note(now, EventKind::ConfirmationFailed, Some(failures.to_string()));
            let mut code = StatusCode::CONFIRMATION_CODE_REFUSED;
            if failures >= server.limits.confirmation_failures {
                profile.exhaust(now, "too many wrong confirmation codes");
                code = StatusCode::CONFIRMATION_CODE_TRIES_EXCEEDED;
            }
            profile.tell(now, CONFIRMATION, FunctionExecutionStatus::failed(code, ""), None);
            return Err(code.into());
        }
    }
    match &session.bound_to {
        None => {
            let transaction_id = id.clone();
            let is_bound_already = order.bound_otpk == Some(EuiccKey(euicc_otpk));
            let binding = Binding { transaction_id, session, eid, euicc_otpk, is_bound_already };
            Ok(Step::Bind(Box::new(binding)))
        }
        Some(bound) if bound.0 == euicc_otpk.as_bytes() => Ok(Step::Again),
        // The state stays as it is: this one session got its package.
        Some(_) => Err(StatusCode::BPP_REBINDING_REFUSED.into()),
    }
}

/// Notes that the package is handed out.
pub(crate) fn hand_out(profile: &mut Profile, binding: &Binding, now: u64) {
    if let Some(order) = &mut profile.order {
        if let Some(session) = &mut order.session {
            session.bound_to = Some(Base64(binding.euicc_otpk.as_bytes().to_vec()));
        }
        order.bound_otpk = Some(EuiccKey(binding.euicc_otpk));
        order.delivered.add(binding.transaction_id.clone(), order.euicc_key);
    }
    profile.state = ProfileState::Downloaded;
    profile.note(now, EventKind::Downloaded, None);
    profile.tell(now, DOWNLOAD, FunctionExecutionStatus::success(), None);
}

/// What goes into the last part of a bound package.
pub(crate) enum Elements {
    /// Profile elements that are protected under the session keys.
    Plain(Zeroizing<Vec<u8>>),
    /// Profile elements that were protected before, under keys of their own.
    Protected(ProtectedPackage),
}

/// A profile package protected once, for any eUICC (SGP.22 §2.5.3).
pub(crate) struct ProtectedPackage {
    keys: SessionKeys,
    /// `86` each.
    segments: Vec<Vec<u8>>,
}

/// Binds a package: a fresh one-time key, its agreement with the eUICC's, and the
/// package under the keys that follow from it.
pub(crate) async fn bind<P: Provider>(
    server: &Server<P>,
    binding: &Binding,
    metadata: &[u8],
    elements: &Elements,
) -> Result<Vec<u8>, Trouble> {
    let provider = &server.provider;
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
    let initialise = initialise(server, binding, &crt, one_time.public().as_bytes()).await?;

    let mut channel = Bsp::new(keys);
    let configure = ConfigureIsdp::default().encode();
    let configure_isdp =
        channel.seal_all(provider, SegmentTag::Command, &configure).await.map_err(sealing)?;
    let store_metadata = channel.seal_all(provider, SegmentTag::Metadata, metadata).await.map_err(sealing)?;
    let (replace_session_keys, profile_elements) = match elements {
        Elements::Plain(package) => {
            let sealed = channel.seal_all(provider, SegmentTag::ProfileElements, package).await;
            (Vec::new(), sealed.map_err(sealing)?)
        }
        Elements::Protected(ProtectedPackage { keys, segments }) => {
            let [mcv, enc, mac] = keys.expose();
            let command = ReplaceSessionKeys::new(*mcv, *enc, *mac).expose_encoded();
            let sealed = channel.seal_all(provider, SegmentTag::Command, &command).await;
            (sealed.map_err(sealing)?, segments.clone())
        }
    };
    Ok(BoundProfilePackage {
        initialise_secure_channel: initialise,
        configure_isdp,
        store_metadata,
        replace_session_keys,
        profile_elements,
    }
    .encode())
}

/// The bound package of an earlier session for this one, when it is bound to the same
/// one-time key of the eUICC: the same one-time key of the server, hence the same keys
/// and segments. Only what names the session is made anew (SGP.22 §5.6.2).
pub(crate) async fn bind_again<P: Provider>(
    server: &Server<P>,
    binding: &Binding,
    bound: &[u8],
) -> Result<Option<Vec<u8>>, Trouble> {
    let Ok(mut package) = BoundProfilePackage::decode(bound) else { return Ok(None) };
    let Ok(before) = InitialiseSecureChannel::decode(&package.initialise_secure_channel) else {
        return Ok(None);
    };
    let crt = &before.control_ref_template;
    package.initialise_secure_channel = initialise(server, binding, crt, &before.smdp_otpk).await?;
    Ok(Some(package.encode()))
}

/// ES8+.InitialiseSecureChannel under the server's signature.
async fn initialise<P: Provider>(
    server: &Server<P>,
    binding: &Binding,
    crt: &ControlRefTemplate,
    smdp_otpk: &[u8; 65],
) -> Result<Vec<u8>, Fault> {
    let set: &CredentialSet<_> = server
        .credentials_under(&binding.session.ci)
        .ok_or_else(|| Fault::new("the credentials of a session are no longer configured"))?;
    let unsigned = InitialiseSecureChannel::unsigned(&binding.transaction_id, crt, smdp_otpk);
    let covered = signature::smdp_sign(&unsigned, &binding.euicc_otpk);
    let smdp_sign = server.provider.sign(&set.dp_pb.key, &covered).await?;
    Ok(InitialiseSecureChannel::assemble(&unsigned, &smdp_sign))
}

fn sealing(error: BspError) -> Fault {
    Fault::new(format!("protecting the package: {error}"))
}

/// Random numbers for [`packages`]: two sealings and three keys.
pub(crate) const PACKAGES_CHANCE: usize = 2 * CHANCE + 48;

/// A package as it is kept: sealed, and protected once where the server does so.
///
/// ```text
///  protected = length of the sealed keys (2) ‖ sealed keys ‖ segments
/// ```
pub(crate) async fn packages<P: Provider + Cipher>(
    server: &Server<P>,
    chance: [u8; PACKAGES_CHANCE],
    iccid: &rsp::Iccid,
    package: &[u8],
) -> Result<Packages, Fault> {
    let chance = Zeroizing::new(chance);
    let (one, rest) = chance.split_first_chunk().unwrap_or_else(|| unreachable!("long enough"));
    let (two, keys) = rest.split_first_chunk().unwrap_or_else(|| unreachable!("long enough"));
    let (secret, cipher) = (&server.secret, &server.provider);
    let sealed = secret.seal(cipher, *one, &package_context(iccid), package).await?;
    let mut protected = None;
    if server.protection == Protection::ProfileProtectionKeys {
        let sealed_keys = secret.seal(cipher, *two, &protection_context(iccid), keys).await?;
        let mut channel = Bsp::new(session_keys(keys)?);
        let segments = channel.seal_all(cipher, SegmentTag::ProfileElements, package).await;
        let mut form = (sealed_keys.len() as u16).to_be_bytes().to_vec();
        form.extend(sealed_keys);
        form.extend(segments.map_err(sealing)?.concat());
        protected = Some(form);
    }
    Ok(Packages { package: sealed, protected, key_id: secret.key_id().to_owned() })
}

fn session_keys(keys: &[u8]) -> Result<SessionKeys, Fault> {
    match keys.as_chunks() {
        ([mcv, enc, mac], []) => Ok(SessionKeys::new(*mcv, *enc, *mac)),
        _ => Err(Fault::new("48 bytes are three keys")),
    }
}

/// The sealed keys of a protected package, and its segments.
fn split_protected(protected: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = protected.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// What is kept, opened for binding: the protected package where the server protects
/// once and there is one.
pub(crate) async fn open<P: Provider + Cipher>(
    server: &Server<P>,
    iccid: &rsp::Iccid,
    packages: &Packages,
) -> Result<Elements, Fault> {
    let (secret, cipher) = (&server.secret, &server.provider);
    let broken = || Fault::new("a protected package is broken");
    if server.protection == Protection::ProfileProtectionKeys
        && let Some(protected) = &packages.protected
    {
        let (keys, segments) = split_protected(protected).ok_or_else(broken)?;
        let keys = secret.expose_sealed(cipher, &protection_context(iccid), keys).await?;
        let mut reader = Reader::new(segments);
        let mut read = Vec::new();
        while let Some(segment) = reader.next().map_err(|_| broken())? {
            read.push(segment.raw.to_vec());
        }
        return Ok(Elements::Protected(ProtectedPackage { keys: session_keys(&keys)?, segments: read }));
    }
    let context = package_context(iccid);
    Ok(Elements::Plain(secret.expose_sealed(cipher, &context, &packages.package).await?))
}

/// Seals the keys of a protected package under the server's present key.
pub(crate) async fn reseal_protected<P: Provider + Cipher>(
    server: &Server<P>,
    chance: [u8; CHANCE],
    iccid: &rsp::Iccid,
    protected: &mut Vec<u8>,
) -> Result<(), Fault> {
    let Some((keys, segments)) = split_protected(protected) else { return Ok(()) };
    let context = protection_context(iccid);
    let resealed = server.secret.reseal(&server.provider, chance, &context, keys).await?;
    if let Some(keys) = resealed {
        let length = (keys.len() as u16).to_be_bytes();
        *protected = [&length[..], &keys, segments].concat();
    }
    Ok(())
}
