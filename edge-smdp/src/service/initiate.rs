//! ES9+.InitiateAuthentication (SGP.22 §5.6.1).

use rsp::auth::{EuiccInfo1, ServerSigned1};
use rsp::es9::{InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp::status::{ResponseHeader, StatusCode};
use rsp::{DataObject, Raw};
use rsp_crypto::{Provider, signature};
use tlv::Tag;

use super::session;
use crate::config::CredentialSet;
use crate::error::{Malformed, Refusal, Trouble};
use crate::{Fault, Server};

/// The one major version of SGP.22 that is spoken.
const MAJOR: u8 = 2;

/// Answers with the server's challenge under its signature.
pub(crate) async fn initiate_authentication<P: Provider>(
    server: &Server<P>,
    request: &InitiateAuthenticationRequest,
    now: u64,
    chance: impl FnOnce() -> Result<[u8; 6], Fault>,
) -> Result<InitiateAuthenticationResponse, Trouble> {
    let euicc_challenge: [u8; 16] = request
        .euicc_challenge
        .0
        .as_slice()
        .try_into()
        .map_err(|_| Malformed::new("euiccChallenge", "16 bytes are expected"))?;
    let info = EuiccInfo1::decode(&request.euicc_info1.0).map_err(|e| Malformed::new("euiccInfo1", e))?;
    if !server.is_addressed_as(&request.smdp_address) {
        return Err(StatusCode::SMDP_ADDRESS_REFUSED.into());
    }
    let set = choose(server, &info, now)?;

    let transaction_id = session::give(&server.secret, now, chance()?);
    let server_signed1 = Raw::new(ServerSigned1 {
        server_challenge: session::server_challenge(
            &server.secret,
            0,
            &transaction_id,
            set.ci.id(),
            &request.smdp_address,
        ),
        transaction_id: transaction_id.clone(),
        euicc_challenge,
        // As it was called: the LPA compares it with what it dialled.
        server_address: request.smdp_address.clone(),
    });
    let covered = signature::server_signature1(server_signed1.bytes());
    let signature1 = server.provider.sign(&set.dp_auth.key, &covered).await?;
    Ok(InitiateAuthenticationResponse {
        header: ResponseHeader::success(),
        transaction_id: transaction_id.to_string(),
        server_signed1: server_signed1.bytes().to_vec().into(),
        server_signature1: signature1.to_tlv().into(),
        euicc_ci_pk_id_to_be_used: tlv::encode(Tag::OCTET_STRING, set.ci.id().as_bytes()).into(),
        server_certificate: set.dp_auth.certificate.der().to_vec().into(),
    })
}

/// The credentials under the CI that the eUICC likes best of those that both
/// sides can use, for verifying and for signing.
fn choose<'s, P: Provider>(
    server: &'s Server<P>,
    info: &EuiccInfo1,
    now: u64,
) -> Result<&'s CredentialSet<P::SigningKey>, Refusal> {
    if info.svn.0[0] != MAJOR {
        return Err(Refusal::new(StatusCode::SVN_UNSUPPORTED, info.svn.to_string()));
    }
    let usable = |ci| server.credentials_under(ci).filter(|set| set.is_valid_at(now));
    if !info.ci_pk_ids_for_verification.iter().any(|ci| usable(ci).is_some()) {
        return Err(StatusCode::NO_CERTIFICATE_FOR_CI.into());
    }
    let both = info.ci_pk_ids_for_signing.iter().filter(|ci| info.ci_pk_ids_for_verification.contains(ci));
    both.filter_map(usable).next().ok_or_else(|| StatusCode::CI_KEYS_UNSUPPORTED.into())
}
