//! Common mutual authentication (SGP.22 §3.0.1), with an SM-DP+ or with an SM-DS.

use rsp::auth::{
    AuthenticateServerRequest, AuthenticateServerResponse, Certificate, CtxParams1, DeviceInfo,
    EUICC_CHALLENGE, Signature, decode_euicc_challenge,
};
use rsp::es9::{self, Base64, Es9Function};
use rsp::ids::{CiPkId, MatchingId, Oid, TransactionId};
use rsp::status::{StatusCode, StatusCodeData};
use rsp::{DataObject, Raw};

use crate::card::IsdR;
use crate::certificate::{is_smds, registered_id};
use crate::failure::{Cause, Failure, Stage};
use crate::machine::{Interface, Io, Step};
use crate::procedure::information::read_info1;
use crate::server::{self, Server};

/// A server that is to be spoken to, and about what.
pub(crate) struct Contact<'a> {
    pub(crate) io: &'a Io,
    pub(crate) server: Server<'a>,
    pub(crate) oid: Option<&'a Oid>,
    /// Absent: everything that waits for this chip.
    pub(crate) matching_id: Option<&'a MatchingId>,
    pub(crate) device: &'a DeviceInfo,
}

/// A server that has said who it is; the chip has not checked it yet.
pub(crate) struct Opened {
    pub(crate) id: TransactionId,
    pub(crate) request: AuthenticateServerRequest,
    /// The issuers that the chip trusts.
    pub(crate) chip_ci: Vec<CiPkId>,
}

impl Opened {
    /// Whether the certificate is an SM-DS's.
    pub(crate) fn is_smds(&self) -> bool {
        is_smds(&self.request.server_certificate)
    }
}

impl Contact<'_> {
    const fn stage(&self) -> Stage {
        match self.server.interface {
            Interface::Es9Plus => Stage::InitiateAuthentication,
            Interface::Es11 => Stage::Discover,
        }
    }

    /// Asks the server for its identity (ES9+ or ES11.InitiateAuthentication) and makes
    /// the LPA's own checks.
    pub(crate) async fn initiate(&self, isd_r: &IsdR<'_>) -> Result<Opened, Failure> {
        self.may_stop(Step::ReadChip).await?;
        let info1 = read_info1(isd_r).await?;
        let challenge = tlv::encode(EUICC_CHALLENGE, &[]);
        let challenge = isd_r.read_with(Stage::ReadChip, &challenge, decode_euicc_challenge).await?;

        let stage = self.stage();
        self.may_stop(match self.server.interface {
            Interface::Es9Plus => Step::InitiateAuthentication,
            Interface::Es11 => Step::Discover,
        })
        .await?;
        let request = es9::InitiateAuthenticationRequest {
            smdp_address: self.server.address.to_owned(),
            euicc_challenge: Base64(challenge.to_vec()),
            euicc_info1: Base64(info1.bytes().to_vec()),
        };
        let function = Es9Function::InitiateAuthentication;
        let chip_ci = info1.ci_pk_ids_for_verification.clone();
        let answer: es9::InitiateAuthenticationResponse =
            match server::call(self.io, stage, self.server, function, &request).await {
                Err(Failure { cause: Cause::ServerRefused(data), .. }) if is_about_ci(&data) => {
                    let cause =
                        Cause::NoCommonCi { chip: chip_ci, server: None, refused: Some(Box::new(data)) };
                    return Err(Failure::new(stage, cause));
                }
                answer => answer?,
            };
        let readable = |what: &str, error: &dyn core::fmt::Display| {
            Failure::new(stage, Cause::ServerData(format!("{what}: {error}")))
        };
        let id: TransactionId =
            answer.transaction_id.parse().map_err(|error| readable("transactionId", &error))?;
        let request = AuthenticateServerRequest {
            server_signed1: Raw::decode(&answer.server_signed1.0)
                .map_err(|error| readable("serverSigned1", &error))?,
            server_signature1: Signature::decode(&answer.server_signature1.0)
                .map_err(|error| readable("serverSignature1", &error))?,
            ci_pk_id_to_be_used: ci_pk_id(&answer.euicc_ci_pk_id_to_be_used.0)
                .ok_or_else(|| readable("euiccCiPKIdToBeUsed", &"not an octet string"))?,
            server_certificate: Certificate::from_der(&answer.server_certificate.0)
                .map_err(|error| readable("serverCertificate", &error))?,
            ctx_params1: Raw::new(CtxParams1 {
                matching_id: self.matching_id.cloned(),
                device_info: self.device.clone(),
            }),
        };
        let wanted = &request.ci_pk_id_to_be_used;
        // Whether it may sign under that key the chip knows best; that it can't is plain here.
        if !info1.ci_pk_ids_for_signing.contains(wanted) {
            let cause = Cause::NoCommonCi { chip: chip_ci, server: Some(wanted.clone()), refused: None };
            return Err(Failure::new(stage, cause));
        }
        self.check_server(&request, &id)?;
        Ok(Opened { id, request, chip_ci })
    }

    /// The LPA's own checks of the server (SGP.22 §3.0.1 step 6).
    fn check_server(&self, request: &AuthenticateServerRequest, id: &TransactionId) -> Result<(), Failure> {
        let fail = |cause| Err(Failure::new(self.stage(), cause));
        let signed = &request.server_signed1;
        if signed.transaction_id != *id {
            return fail(Cause::ServerData("serverSigned1 names another transaction".into()));
        }
        if !signed.server_address.eq_ignore_ascii_case(self.server.address) {
            return fail(Cause::AddressMismatch { signed: signed.server_address.clone() });
        }
        if let Some(expected) = self.oid {
            match registered_id(&request.server_certificate) {
                Ok(Some(oid)) if oid == *expected => {}
                _ => return fail(Cause::OidMismatch),
            }
        }
        Ok(())
    }

    /// Lets the chip check the server (ES10b.AuthenticateServer).
    pub(crate) async fn authenticate_server(
        &self,
        isd_r: &IsdR<'_>,
        opened: &Opened,
    ) -> Result<Raw<AuthenticateServerResponse>, Failure> {
        self.may_stop(Step::AuthenticateServer).await?;
        let stage = Stage::AuthenticateServer;
        let response: Raw<AuthenticateServerResponse> =
            isd_r.read_with(stage, &opened.request.encode(), Raw::decode).await?;
        match &*response {
            AuthenticateServerResponse::Error { code, .. } => {
                Err(Failure::new(stage, Cause::Authenticate(*code)))
            }
            AuthenticateServerResponse::Ok(_) => Ok(response),
        }
    }

    async fn may_stop(&self, step: Step) -> Result<(), Failure> {
        may_stop(self.io, step).await
    }
}

/// Tells the user; fails when the user wants to stop.
pub(crate) async fn may_stop(io: &Io, step: Step) -> Result<(), Failure> {
    let stage = match &step {
        Step::ReadChip => Stage::ReadChip,
        Step::Resume => Stage::Resume,
        Step::Discover => Stage::Discover,
        Step::InitiateAuthentication => Stage::InitiateAuthentication,
        Step::AuthenticateServer => Stage::AuthenticateServer,
        Step::AuthenticateClient => Stage::AuthenticateClient,
        Step::PrepareDownload => Stage::PrepareDownload,
        Step::FetchPackage => Stage::FetchPackage,
        Step::Install { .. } => Stage::Install,
        Step::Notify => Stage::Notify,
        Step::Cancel(_) => Stage::Cancel,
        Step::ChangeState => Stage::ChangeState,
        Step::Manage => Stage::Manage,
        Step::Refresh | Step::ReadBack => Stage::ReadBack,
    };
    if io.progress(step, true).await { Err(Failure::new(stage, Cause::Postponed)) } else { Ok(()) }
}

/// Whether a server refuses because of the certificate issuers.
fn is_about_ci(data: &StatusCodeData) -> bool {
    matches!(
        StatusCode::find(&data.subject_code, &data.reason_code),
        Some(
            StatusCode::CI_KEYS_UNSUPPORTED
                | StatusCode::NO_CERTIFICATE_FOR_CI
                | StatusCode::SMDS_CI_KEYS_UNSUPPORTED
                | StatusCode::SMDS_NO_CERTIFICATE_FOR_CI
        )
    )
}

fn ci_pk_id(bytes: &[u8]) -> Option<CiPkId> {
    let tlv = tlv::Tlv::single_of(bytes, tlv::Tag::OCTET_STRING).ok()?;
    CiPkId::from_bytes(tlv.value).ok()
}
