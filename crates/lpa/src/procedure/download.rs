//! Profile download and installation (SGP.22 §3.1.3).

use rsp::activation_code::ActivationCode;
use rsp::auth::{
    AuthenticateServerRequest, AuthenticateServerResponse, Certificate, CtxParams1, DeviceInfo,
    EUICC_CHALLENGE, EuiccInfo1, EuiccInfo2, Signature, decode_euicc_challenge,
};
use rsp::bpp::{self, BoundProfilePackage};
use rsp::cancel::CancelSessionRequest;
use rsp::codes::CancelSessionReason;
use rsp::download::{PrepareDownloadRequest, PrepareDownloadResponse, SmdpSigned2};
use rsp::es9::{self, Base64, Es9Function};
use rsp::ids::{CiPkId, TransactionId};
use rsp::metadata::StoreMetadata;
use rsp::notification::{FinalResult, ProfileInstallationResult};
use rsp::rat::RulesAuthorisationTable;
use rsp::status::StatusCode;
use rsp::{DataObject, Raw};
use sha2::{Digest, Sha256};

use crate::card::{IsdR, Options};
use crate::certificate::registered_id;
use crate::failure::{Cause, Failure, Stage};
use crate::machine::{Io, Procedure, Question, Reply, Step};
use crate::policy::{self, Verdict};
use crate::procedure::Outcome;
use crate::procedure::information::{read_profiles, with_isd_r};
use crate::procedure::notification::deliver;
use crate::server;

/// Downloads and installs the profile that an activation code names.
#[must_use]
pub fn download(code: ActivationCode, device: DeviceInfo, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let download = Download { io: &io, code: &code, device: &device };
        with_isd_r(&io, &options, async |isd_r| download.run(isd_r).await).await
    })
}

struct Download<'a> {
    io: &'a Io,
    code: &'a ActivationCode,
    device: &'a DeviceInfo,
}

/// Both sides have authenticated each other; the order is found.
struct Session {
    id: TransactionId,
    metadata: Raw<StoreMetadata>,
    smdp_signed2: Raw<SmdpSigned2>,
    smdp_signature2: Signature,
    smdp_certificate: Certificate,
}

impl Download<'_> {
    async fn run(&self, isd_r: &IsdR<'_>) -> Result<Outcome, Failure> {
        let mut consented: Option<Raw<StoreMetadata>> = None;
        let mut wrong_before = false;
        let (session, package) = loop {
            let session = self.authenticate(isd_r).await?;
            let prepared = self.decide_and_prepare(isd_r, &session, consented.as_ref(), wrong_before).await;
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err(failure) => return Err(self.cancel(isd_r, &session.id, failure).await),
            };
            match self.fetch(&session, prepared).await {
                Ok(package) => break (session, package),
                // The server closes the session over a wrong confirmation code, so
                // the next try takes a new one; the consent still holds.
                Err(failure) if confirmation_code_refused(&failure) => {
                    consented = Some(session.metadata);
                    wrong_before = true;
                }
                // No answer: the order may be downloaded already. Cancelling would
                // risk it; the same code can fetch the same package again.
                Err(failure) if matches!(failure.cause, Cause::ServerLost(_)) => return Err(failure),
                Err(failure) => return Err(self.cancel(isd_r, &session.id, failure).await),
            }
        };
        if let Err(failure) = check_metadata(&session.metadata, &package) {
            return Err(self.cancel(isd_r, &session.id, failure).await);
        }
        // The last moment: until the chip has the first segment the order can still be
        // given back.
        if let Err(failure) = self.may_stop(Step::FetchPackage).await {
            return Err(self.cancel(isd_r, &session.id, failure).await);
        }
        let installed = self.install(isd_r, &session.id, &package).await;
        if let Err(Failure { cause: Cause::CardLost(_), .. }) = &installed {
            return Err(installed.err().unwrap_or_else(Failure::misuse));
        }
        // Success or not, the server is to know; what can't be sent stays on the chip.
        let notifications = deliver(self.io, isd_r).await;
        installed?;
        let metadata = Box::new(session.metadata.into_value());
        Ok(Outcome::Installed { metadata, notifications: notifications.unwrap_or_default() })
    }

    /// Common mutual authentication (SGP.22 §3.0.1).
    async fn authenticate(&self, isd_r: &IsdR<'_>) -> Result<Session, Failure> {
        let address = &self.code.smdp_address;
        self.may_stop(Step::ReadChip).await?;
        let info1: Raw<EuiccInfo1> =
            isd_r.read_with(Stage::ReadChip, &tlv::encode(EuiccInfo1::TAG, &[]), Raw::decode).await?;
        let challenge = tlv::encode(EUICC_CHALLENGE, &[]);
        let challenge = isd_r.read_with(Stage::ReadChip, &challenge, decode_euicc_challenge).await?;

        let stage = Stage::InitiateAuthentication;
        self.may_stop(Step::InitiateAuthentication).await?;
        let request = es9::InitiateAuthenticationRequest {
            smdp_address: address.clone(),
            euicc_challenge: Base64(challenge.to_vec()),
            euicc_info1: Base64(info1.bytes().to_vec()),
        };
        let answer: es9::InitiateAuthenticationResponse =
            server::call(self.io, stage, address, Es9Function::InitiateAuthentication, &request).await?;
        let readable = |what: &str, error: &dyn core::fmt::Display| {
            Failure::new(stage, Cause::ServerData(format!("{what}: {error}")))
        };
        let id: TransactionId =
            answer.transaction_id.parse().map_err(|error| readable("transactionId", &error))?;
        let authenticate = AuthenticateServerRequest {
            server_signed1: Raw::decode(&answer.server_signed1.0)
                .map_err(|error| readable("serverSigned1", &error))?,
            server_signature1: Signature::decode(&answer.server_signature1.0)
                .map_err(|error| readable("serverSignature1", &error))?,
            ci_pk_id_to_be_used: ci_pk_id(&answer.euicc_ci_pk_id_to_be_used.0)
                .ok_or_else(|| readable("euiccCiPKIdToBeUsed", &"not an octet string"))?,
            server_certificate: Certificate::from_der(&answer.server_certificate.0)
                .map_err(|error| readable("serverCertificate", &error))?,
            ctx_params1: Raw::new(CtxParams1 {
                matching_id: Some(self.code.matching_id.clone()),
                device_info: self.device.clone(),
            }),
        };
        self.check_server(&authenticate, &id)?;

        self.may_stop(Step::AuthenticateServer).await?;
        let stage = Stage::AuthenticateServer;
        let response: Raw<AuthenticateServerResponse> =
            isd_r.read_with(stage, &authenticate.encode(), Raw::decode).await?;
        if let AuthenticateServerResponse::Error { code, .. } = &*response {
            return Err(Failure::new(stage, Cause::Authenticate(*code)));
        }

        match self.authenticate_client(&id, &response).await {
            Ok(session) => Ok(session),
            Err(failure) => Err(self.cancel(isd_r, &id, failure).await),
        }
    }

    /// The LPA's own checks of the server (SGP.22 §3.0.1 step 6).
    fn check_server(&self, request: &AuthenticateServerRequest, id: &TransactionId) -> Result<(), Failure> {
        let fail = |cause| Err(Failure::new(Stage::InitiateAuthentication, cause));
        let signed = &request.server_signed1;
        if signed.transaction_id != *id {
            return fail(Cause::ServerData("serverSigned1 names another transaction".into()));
        }
        if !signed.server_address.eq_ignore_ascii_case(&self.code.smdp_address) {
            return fail(Cause::AddressMismatch { signed: signed.server_address.clone() });
        }
        if let Some(expected) = &self.code.smdp_oid {
            match registered_id(&request.server_certificate) {
                Ok(Some(oid)) if oid == *expected => {}
                _ => return fail(Cause::OidMismatch),
            }
        }
        Ok(())
    }

    async fn authenticate_client(
        &self,
        id: &TransactionId,
        response: &Raw<AuthenticateServerResponse>,
    ) -> Result<Session, Failure> {
        let stage = Stage::AuthenticateClient;
        self.may_stop(Step::AuthenticateClient).await?;
        let request = es9::AuthenticateClientRequest {
            transaction_id: id.to_string(),
            authenticate_server_response: Base64(response.bytes().to_vec()),
        };
        let answer: es9::AuthenticateClientResponse =
            server::call(self.io, stage, &self.code.smdp_address, Es9Function::AuthenticateClient, &request)
                .await?;
        let readable = |what: &str, error: tlv::Error| {
            Failure::new(stage, Cause::ServerData(format!("{what}: {error}")))
        };
        let session = Session {
            id: id.clone(),
            metadata: Raw::decode(&answer.profile_metadata.0).map_err(|e| readable("profileMetadata", e))?,
            smdp_signed2: Raw::decode(&answer.smdp_signed2.0).map_err(|e| readable("smdpSigned2", e))?,
            smdp_signature2: Signature::decode(&answer.smdp_signature2.0)
                .map_err(|e| readable("smdpSignature2", e))?,
            smdp_certificate: Certificate::from_der(&answer.smdp_certificate.0)
                .map_err(|e| readable("smdpCertificate", e))?,
        };
        if session.smdp_signed2.transaction_id != *id {
            return Err(Failure::new(
                stage,
                Cause::ServerData("smdpSigned2 names another transaction".into()),
            ));
        }
        if self.code.smdp_oid.is_some()
            && registered_id(&session.smdp_certificate).ok().flatten() != self.code.smdp_oid
        {
            return Err(Failure::new(stage, Cause::OidMismatch));
        }
        Ok(session)
    }

    /// Rules, consent, confirmation code, then the chip's one-time key.
    async fn decide_and_prepare(
        &self,
        isd_r: &IsdR<'_>,
        session: &Session,
        consented: Option<&Raw<StoreMetadata>>,
        wrong_before: bool,
    ) -> Result<Vec<u8>, Failure> {
        let stage = Stage::Consent;
        let installed = read_profiles(isd_r).await?;
        if installed.iter().any(|info| info.iccid == Some(session.metadata.iccid)) {
            return Err(Failure::new(stage, Cause::AlreadyInstalled));
        }
        let strong_consent = if session.metadata.profile_policy_rules.has_no_rule() {
            false
        } else {
            let empty = |tag| tlv::encode(tag, &[]);
            let table: RulesAuthorisationTable =
                isd_r.read(Stage::ReadChip, &empty(RulesAuthorisationTable::TAG)).await?;
            let info2: EuiccInfo2 = isd_r.read(Stage::ReadChip, &empty(EuiccInfo2::TAG)).await?;
            let forbidden = info2.forbidden_profile_policy_rules;
            match policy::check(&session.metadata, forbidden, &table, &installed) {
                Verdict::Forbidden => return Err(Failure::new(stage, Cause::PprNotAllowed)),
                verdict => verdict == Verdict::ConsentRequired,
            }
        };
        let cc_required = session.smdp_signed2.cc_required;
        if consented.map(Raw::bytes) != Some(session.metadata.bytes()) {
            let question = Question::Consent {
                metadata: Box::new((*session.metadata).clone()),
                strong_consent,
                confirmation_code_required: cc_required,
            };
            self.ask(question).await?;
        }
        let hash_cc = if cc_required {
            match self.ask(Question::ConfirmationCode { wrong_before }).await? {
                Reply::Code(code) => Some(hash_confirmation_code(&code, &session.id)),
                _ => return Err(Failure::misuse()),
            }
        } else {
            None
        };

        self.may_stop(Step::PrepareDownload).await?;
        let stage = Stage::PrepareDownload;
        let request = PrepareDownloadRequest {
            smdp_signed2: session.smdp_signed2.clone(),
            smdp_signature2: session.smdp_signature2,
            hash_cc,
            smdp_certificate: session.smdp_certificate.clone(),
        };
        let response: Raw<PrepareDownloadResponse> =
            isd_r.read_with(stage, &request.encode(), Raw::decode).await?;
        match &*response {
            PrepareDownloadResponse::Ok { .. } => Ok(response.bytes().to_vec()),
            PrepareDownloadResponse::Error { code, .. } => Err(Failure::new(stage, Cause::Download(*code))),
        }
    }

    /// The whole package in one download, so that the network can be let go.
    async fn fetch(&self, session: &Session, prepared: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let stage = Stage::FetchPackage;
        self.may_stop(Step::FetchPackage).await?;
        let request = es9::GetBoundProfilePackageRequest {
            transaction_id: session.id.to_string(),
            prepare_download_response: Base64(prepared),
        };
        let address = &self.code.smdp_address;
        let answer: es9::GetBoundProfilePackageResponse =
            server::call(self.io, stage, address, Es9Function::GetBoundProfilePackage, &request).await?;
        Ok(answer.bound_profile_package.0)
    }

    /// Feeds the package to the chip, segment by segment. From here on there is
    /// no way back but the chip's own.
    async fn install(&self, isd_r: &IsdR<'_>, id: &TransactionId, package: &[u8]) -> Result<(), Failure> {
        let stage = Stage::Install;
        let segments = bpp::segments(package)
            .map_err(|error| Failure::new(Stage::FetchPackage, Cause::ServerData(error.to_string())))?;
        for (index, segment) in segments.iter().enumerate() {
            let answer = match isd_r.call(stage, &package[segment.bytes.clone()]).await {
                Ok(answer) => answer,
                Err(failure @ Failure { cause: Cause::CardLost(_), .. }) => return Err(failure),
                Err(failure) => return Err(self.cancel(isd_r, id, failure).await),
            };
            let step = Step::Install {
                kind: segment.kind,
                segments_done: index + 1,
                segments: segments.len(),
                bytes_done: segment.bytes.end,
                bytes: package.len(),
            };
            self.io.progress(step, false).await;
            if !answer.data.is_empty() {
                return installation_result(&answer.data);
            }
        }
        Err(Failure::new(stage, Cause::NoResult))
    }

    /// Tells chip and server that the session is given up, and returns why. What
    /// goes wrong in telling does not hide the first failure.
    async fn cancel(&self, isd_r: &IsdR<'_>, id: &TransactionId, failure: Failure) -> Failure {
        let reason = match &failure.cause {
            Cause::CardLost(_) | Cause::Misuse => return failure,
            // The server has ended the session itself, or there is nobody to tell.
            Cause::ServerRefused(_) | Cause::ServerLost(_) => CancelSessionReason::UNDEFINED_REASON,
            Cause::Rejected => CancelSessionReason::END_USER_REJECTION,
            Cause::Postponed => CancelSessionReason::POSTPONED,
            Cause::PprNotAllowed => CancelSessionReason::PPR_NOT_ALLOWED,
            Cause::MetadataMismatch => CancelSessionReason::METADATA_MISMATCH,
            _ if failure.stage == Stage::Install => CancelSessionReason::LOAD_BPP_EXECUTION_ERROR,
            _ => CancelSessionReason::UNDEFINED_REASON,
        };
        self.io.progress(Step::Cancel(reason), false).await;
        let request = CancelSessionRequest { transaction_id: id.clone(), reason }.encode();
        let Ok(answer) = isd_r.call(failure.stage, &request).await else {
            return failure;
        };
        if !matches!(failure.cause, Cause::ServerRefused(_) | Cause::ServerLost(_)) {
            let request = es9::CancelSessionRequest {
                transaction_id: id.to_string(),
                cancel_session_response: Base64(answer.data),
            };
            let address = &self.code.smdp_address;
            let told: Result<es9::HeaderOnly, Failure> =
                server::call(self.io, failure.stage, address, Es9Function::CancelSession, &request).await;
            drop(told);
        }
        failure
    }

    async fn ask(&self, question: Question) -> Result<Reply, Failure> {
        match self.io.ask(question).await? {
            Reply::Reject => Err(Failure::new(Stage::Consent, Cause::Rejected)),
            Reply::Postpone => Err(Failure::new(Stage::Consent, Cause::Postponed)),
            reply => Ok(reply),
        }
    }

    async fn may_stop(&self, step: Step) -> Result<(), Failure> {
        let stage = match &step {
            Step::ReadChip => Stage::ReadChip,
            Step::InitiateAuthentication => Stage::InitiateAuthentication,
            Step::AuthenticateServer => Stage::AuthenticateServer,
            Step::AuthenticateClient => Stage::AuthenticateClient,
            Step::PrepareDownload => Stage::PrepareDownload,
            _ => Stage::FetchPackage,
        };
        if self.io.progress(step, true).await { Err(Failure::new(stage, Cause::Postponed)) } else { Ok(()) }
    }
}

/// The package's metadata must be what the user said yes to (SGP.22 §3.1.3 step 12).
fn check_metadata(shown: &Raw<StoreMetadata>, package: &[u8]) -> Result<(), Failure> {
    let stage = Stage::FetchPackage;
    let unreadable = |error: tlv::Error| Failure::new(stage, Cause::ServerData(error.to_string()));
    let package = BoundProfilePackage::decode(package).map_err(unreadable)?;
    let metadata = bpp::readable_metadata(&package).map_err(unreadable)?;
    if metadata == shown.bytes() { Ok(()) } else { Err(Failure::new(stage, Cause::MetadataMismatch)) }
}

fn installation_result(answer: &[u8]) -> Result<(), Failure> {
    let stage = Stage::Install;
    let result = ProfileInstallationResult::decode(answer)
        .map_err(|error| Failure::new(stage, Cause::CardData(error)))?;
    match &result.data.final_result {
        FinalResult::Success { .. } => Ok(()),
        FinalResult::Error { bpp_command_id, error_reason, sima_response } => Err(Failure::new(
            stage,
            Cause::Install {
                command: *bpp_command_id,
                reason: *error_reason,
                sima_response: sima_response.clone(),
            },
        )),
    }
}

fn confirmation_code_refused(failure: &Failure) -> bool {
    let Cause::ServerRefused(data) = &failure.cause else {
        return false;
    };
    StatusCode::find(&data.subject_code, &data.reason_code) == Some(StatusCode::CONFIRMATION_CODE_REFUSED)
}

fn ci_pk_id(bytes: &[u8]) -> Option<CiPkId> {
    let tlv = tlv::Tlv::single_of(bytes, tlv::Tag::OCTET_STRING).ok()?;
    CiPkId::from_bytes(tlv.value).ok()
}

/// `SHA-256(SHA-256(code) ‖ transactionId)` (SGP.22 §4.7).
pub(crate) fn hash_confirmation_code(code: &str, id: &TransactionId) -> [u8; 32] {
    let inner = Sha256::digest(code.as_bytes());
    Sha256::new().chain_update(inner).chain_update(id.as_bytes()).finalize().into()
}
