//! Profile download and installation (SGP.22 §3.1.3).

use ::words::Text;
use rsp::activation_code::ActivationCode;
use rsp::auth::{AuthenticateServerResponse, Certificate, DeviceInfo, Signature};
use rsp::bpp::{self, BoundProfilePackage, InitialiseSecureChannel};
use rsp::codes::ErrorReason;
use rsp::download::{PrepareDownloadRequest, PrepareDownloadResponse, SmdpSigned2};
use rsp::es9::{self, Base64, Es9Function};
use rsp::ids::TransactionId;
use rsp::metadata::{PprIds, StoreMetadata};
use rsp::notification::{FinalResult, ProfileInstallationResult};
use rsp::rat::RulesAuthorisationTable;
use rsp::status::{StatusCode, StatusCodeData};
use rsp::{DataObject, Iccid, Raw};
use sha2::{Digest, Sha256};

use crate::cancellation::{self, Cancellation, Refused};
use crate::card::{IsdR, Options};
use crate::certificate::registered_id;
use crate::checkpoint::{Checkpoint, Order};
use crate::failure::{Cause, Failure, Retry, Stage};
use crate::machine::{Io, Procedure, Question, Reply, Step};
use crate::policy::{self, Verdict};
use crate::procedure::authentication::{Contact, Opened, may_stop};
use crate::procedure::information::{
    free_memory, free_of, read_addresses, read_eid, read_info2, read_profiles, with_isd_r,
};
use crate::procedure::notification::{Told, deliver_new, numbers};
use crate::procedure::{MemoryChange, Outcome};
use crate::server::{self, Server};

/// Downloads and installs the profile that an activation code names.
#[must_use]
pub fn download(code: ActivationCode, device: DeviceInfo, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let ActivationCode { smdp_address: address, matching_id, smdp_oid: oid, .. } = code;
        let order = Order { address, matching_id: Some(matching_id), oid };
        let download = Download { io: &io, order: &order, device: &device };
        with_isd_r(&io, &options, async |isd_r| download.run(isd_r, None).await).await
    })
}

/// Downloads and installs the profile that a default SM-DP+ has for this chip (SGP.22
/// §3.1.3, without an activation code): the one that the chip is configured with, or else
/// `device_default`, the device's.
#[must_use]
pub fn download_default(device_default: Option<String>, device: DeviceInfo, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        with_isd_r(&io, &options, async |isd_r| {
            let chip_s = read_addresses(isd_r).await?.default_dp_address;
            let address = [chip_s, device_default].into_iter().flatten().find(|address| !address.is_empty());
            let address =
                address.ok_or_else(|| Failure::new(Stage::InitiateAuthentication, Cause::NoDefaultSmdp))?;
            let order = Order { address, matching_id: None, oid: None };
            Download { io: &io, order: &order, device: &device }.run(isd_r, None).await
        })
        .await
    })
}

/// One order that is to be downloaded.
pub(crate) struct Download<'a> {
    pub(crate) io: &'a Io,
    pub(crate) order: &'a Order,
    pub(crate) device: &'a DeviceInfo,
}

/// Both sides have authenticated each other; the order is found.
struct Session {
    id: TransactionId,
    metadata: Raw<StoreMetadata>,
    smdp_signed2: Raw<SmdpSigned2>,
    smdp_signature2: Signature,
    smdp_certificate: Certificate,
}

/// What the chip was before the download.
struct Before {
    chip: [u8; 32],
    /// Sequence numbers of the notifications that waited.
    notifications: Vec<u32>,
    free_memory: Option<u32>,
    forbidden_rules: PprIds,
}

/// A session that is given up.
struct End<'a> {
    isd_r: &'a IsdR<'a>,
    id: TransactionId,
    refused: Refused,
}

/// A confirmation code that the server did not take.
struct Wrong {
    tries_left: Option<u32>,
}

/// How a package failed on its way into the chip.
pub(crate) struct FeedFailure {
    /// Segments that the chip had taken.
    pub(crate) taken: usize,
    /// Whether it was sent to its end.
    was_whole: bool,
    pub(crate) failure: Failure,
}

impl Download<'_> {
    /// The whole of it, on an open ISD-R; `opened`: the server has said who it is already.
    pub(crate) async fn run(&self, isd_r: &IsdR<'_>, opened: Option<Opened>) -> Result<Outcome, Failure> {
        may_stop(self.io, Step::ReadChip).await?;
        let info2 = read_info2(isd_r).await?;
        let before = Before {
            chip: Checkpoint::chip_of(&read_eid(isd_r).await?),
            notifications: numbers(isd_r).await?,
            free_memory: info2.as_ref().map(free_of),
            forbidden_rules: info2.map(|info| info.forbidden_profile_policy_rules).unwrap_or_default(),
        };
        let (session, package) = self.obtain(isd_r, opened, &before).await?;
        let iccid = session.metadata.iccid;
        let installed = feed(self.io, isd_r, iccid, &package).await.map_err(|failed| failed.failure);
        self.conclude(isd_r, &session.id, session.metadata.into_value(), installed, &before).await
    }

    /// Everything before the first segment: who both are, what it is, whether the user
    /// wants it, and the package.
    async fn obtain(
        &self,
        isd_r: &IsdR<'_>,
        mut opened: Option<Opened>,
        before: &Before,
    ) -> Result<(Session, Vec<u8>), Failure> {
        let mut consented: Option<Raw<StoreMetadata>> = None;
        let mut wrong: Option<Wrong> = None;
        // The session of the checkpoint that is kept.
        let mut kept: Option<TransactionId> = None;
        let end = |session: &Session| End {
            isd_r,
            id: session.id.clone(),
            refused: Refused { chip: before.chip, order: self.order.clone(), iccid: session.metadata.iccid },
        };
        loop {
            let session = match self.authenticate(isd_r, opened.take()).await {
                Ok(session) => session,
                Err(failure) => return Err(self.give_up(failure, kept.as_ref(), None).await),
            };
            let prepared = self.decide_and_prepare(isd_r, &session, consented.as_ref(), wrong.take(), before);
            let prepared = match prepared.await {
                Ok(prepared) => prepared,
                Err(failure) => {
                    return Err(self.give_up(failure, kept.as_ref(), Some(end(&session))).await);
                }
            };
            if let Err(failure) = may_stop(self.io, Step::FetchPackage).await {
                return Err(self.give_up(failure, kept.as_ref(), Some(end(&session))).await);
            }
            // From this request on the server may count the profile as handed out.
            let checkpoint = Checkpoint {
                chip: before.chip,
                order: self.order.clone(),
                iccid: session.metadata.iccid,
                transaction_id: session.id.clone(),
                channel: isd_r.channel(),
                package: None,
            };
            self.io.keep(checkpoint.clone()).await;
            kept = Some(session.id.clone());
            let package = match self.fetch(&session, prepared).await {
                Ok(package) => package,
                // The server closes the session over a wrong confirmation code, so
                // the next try takes a new one; the consent still holds.
                // Only where one was asked for: else nobody would be asked, for ever.
                Err(Failure { cause: Cause::ServerRefused(data), .. })
                    if is_wrong_code(&data) && session.smdp_signed2.cc_required =>
                {
                    wrong = Some(Wrong { tries_left: tries_left(&data) });
                    consented = Some(session.metadata);
                    continue;
                }
                // No answer of the server's own: the order may be downloaded already.
                // Cancelling would risk it; the same code can fetch the same package again.
                Err(failure) if is_unanswered(&failure) => return Err(failure),
                Err(failure) => {
                    return Err(self.give_up(failure, kept.as_ref(), Some(end(&session))).await);
                }
            };
            let sound = check_package(&session, &package);
            if sound.is_ok() {
                self.io.keep(Checkpoint { package: Some(package.clone()), ..checkpoint }).await;
            }
            // The last moment: until the chip has the first segment the order can still be
            // given back.
            let go_on = match sound {
                Ok(()) => may_stop(self.io, Step::FetchPackage).await,
                unsound => unsound,
            };
            match go_on {
                Ok(()) => return Ok((session, package)),
                Err(failure) => {
                    return Err(self.give_up(failure, kept.as_ref(), Some(end(&session))).await);
                }
            }
        }
    }

    /// Cancels the session, if there is one, and lets the checkpoint go when nothing can
    /// come of it any more.
    async fn give_up(
        &self,
        failure: Failure,
        kept: Option<&TransactionId>,
        session: Option<End<'_>>,
    ) -> Failure {
        let (failure, over) = match session {
            // Chip and server know that this is the end of it.
            Some(End { isd_r, id, refused }) => {
                let lost = failure.is_card_lost();
                (self.cancel(isd_r, &id, failure, Some(refused)).await, !lost)
            }
            None => {
                let never = failure.retry() == Retry::Never;
                (failure, never)
            }
        };
        if let Some(id) = kept.filter(|_| over) {
            self.io.forget(id).await;
        }
        failure
    }

    /// Common mutual authentication (SGP.22 §3.0.1).
    async fn authenticate(&self, isd_r: &IsdR<'_>, opened: Option<Opened>) -> Result<Session, Failure> {
        let contact = Contact {
            io: self.io,
            server: Server::smdp(&self.order.address),
            oid: self.order.oid.as_ref(),
            matching_id: self.order.matching_id.as_ref(),
            device: self.device,
        };
        let opened = match opened {
            Some(opened) => opened,
            None => contact.initiate(isd_r).await?,
        };
        if opened.is_smds() {
            return Err(Failure::new(Stage::InitiateAuthentication, Cause::WrongRole));
        }
        let response = contact.authenticate_server(isd_r, &opened).await?;
        match self.authenticate_client(&opened.id, &response).await {
            Ok(session) => Ok(session),
            Err(failure) => Err(self.cancel(isd_r, &opened.id, failure, None).await),
        }
    }

    /// The session that the order has now, and the profile that is offered in it.
    pub(crate) async fn offered(&self, isd_r: &IsdR<'_>) -> Result<(TransactionId, Iccid), Failure> {
        let session = self.authenticate(isd_r, None).await?;
        Ok((session.id, session.metadata.iccid))
    }

    async fn authenticate_client(
        &self,
        id: &TransactionId,
        response: &Raw<AuthenticateServerResponse>,
    ) -> Result<Session, Failure> {
        let stage = Stage::AuthenticateClient;
        may_stop(self.io, Step::AuthenticateClient).await?;
        let request = es9::AuthenticateClientRequest {
            transaction_id: id.to_string(),
            authenticate_server_response: Base64(response.bytes().to_vec()),
        };
        let answer: es9::AuthenticateClientResponse =
            server::call(self.io, stage, self.smdp(), Es9Function::AuthenticateClient, &request).await?;
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
        if self.order.oid.is_some()
            && registered_id(&session.smdp_certificate).ok().flatten() != self.order.oid
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
        wrong: Option<Wrong>,
        before: &Before,
    ) -> Result<Vec<u8>, Failure> {
        let stage = Stage::Consent;
        let installed = read_profiles(isd_r).await?;
        if installed.iter().any(|info| info.iccid == Some(session.metadata.iccid)) {
            return Err(Failure::new(stage, Cause::AlreadyInstalled));
        }
        let strong_consent = if session.metadata.profile_policy_rules.has_no_rule() {
            false
        } else {
            let request = tlv::encode(RulesAuthorisationTable::TAG, &[]);
            let table: RulesAuthorisationTable = isd_r.read(Stage::ReadChip, &request).await?;
            match policy::check(&session.metadata, before.forbidden_rules, &table, &installed) {
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
                address: self.order.address.clone(),
                free_memory: before.free_memory,
            };
            self.ask(question).await?;
        }
        let hash_cc = if cc_required {
            let question = Question::ConfirmationCode {
                wrong_before: wrong.is_some(),
                tries_left: wrong.and_then(|wrong| wrong.tries_left),
            };
            match self.ask(question).await? {
                Reply::Code(code) => Some(hash_confirmation_code(&code, &session.id)),
                _ => return Err(Failure::misuse()),
            }
        } else {
            None
        };

        may_stop(self.io, Step::PrepareDownload).await?;
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
        let request = es9::GetBoundProfilePackageRequest {
            transaction_id: session.id.to_string(),
            prepare_download_response: Base64(prepared),
        };
        let function = Es9Function::GetBoundProfilePackage;
        let answer: es9::GetBoundProfilePackageResponse =
            server::call(self.io, Stage::FetchPackage, self.smdp(), function, &request).await?;
        Ok(answer.bound_profile_package.0)
    }

    /// What follows from the chip's result: the server is told, the chip is read back, the
    /// checkpoint goes.
    async fn conclude(
        &self,
        isd_r: &IsdR<'_>,
        id: &TransactionId,
        metadata: StoreMetadata,
        installed: Result<(), Failure>,
        before: &Before,
    ) -> Result<Outcome, Failure> {
        if let Err(failure) = installed {
            if failure.is_card_lost() {
                return Err(failure);
            }
            // A refusal in the chip's own words is a result, and ends the session there;
            // anything else does not.
            let failure = match &failure.cause {
                Cause::Install { .. } => failure,
                _ => self.cancel(isd_r, id, failure, None).await,
            };
            drop(deliver_new(self.io, isd_r, &before.notifications).await);
            if failure.retry() == Retry::Never {
                self.io.forget(id).await;
            }
            return Err(failure);
        }
        let after =
            After::of(self.io, isd_r, |metadata| !before.notifications.contains(&metadata.seq_number));
        match after.await {
            Ok(After { profiles, told: Told { reports: notifications, waiting }, free_memory }) => {
                self.io.forget(id).await;
                if !profiles.is_empty() && !profiles.iter().any(|info| info.iccid == Some(metadata.iccid)) {
                    return Err(Failure::new(Stage::ReadBack, Cause::NotChanged));
                }
                let memory = MemoryChange::of(before.free_memory, free_memory);
                let metadata = Box::new(metadata);
                Ok(Outcome::Installed { metadata, notifications, waiting, profiles, memory })
            }
            // It is installed, whatever became of the chip since; the checkpoint stays, so
            // that the server is told.
            Err(_) => Ok(Outcome::Installed {
                metadata: Box::new(metadata),
                notifications: Vec::new(),
                waiting: Vec::new(),
                profiles: Vec::new(),
                memory: None,
            }),
        }
    }

    /// Tells chip and server that the session is given up, and returns why. What
    /// goes wrong in telling does not hide the first failure. `refused`: what was offered in
    /// it, so that a chip that is gone can be asked when it is back.
    pub(crate) async fn cancel(
        &self,
        isd_r: &IsdR<'_>,
        id: &TransactionId,
        failure: Failure,
        refused: Option<Refused>,
    ) -> Failure {
        let Some(reason) = failure.cancel_reason() else { return failure };
        self.io.progress(Step::Cancel(reason), false).await;
        match cancellation::sign(isd_r, self.order, id, reason).await {
            // What does not arrive is kept.
            Ok(signed) if !failure.server_is_out() => {
                drop(cancellation::tell(self.io, signed).await);
            }
            Err(lost) if lost.is_card_lost() => {
                let wanted = refused.and_then(|refused| Cancellation::wanted(refused, id.clone(), reason));
                if let Some(wanted) = wanted {
                    self.io.keep_cancellation(wanted).await;
                }
            }
            // Only a signed word is worth telling the server.
            Ok(_) | Err(_) => {}
        }
        failure
    }

    async fn ask(&self, question: Question) -> Result<Reply, Failure> {
        let cause = match self.io.ask(question).await? {
            Reply::Reject => Cause::Rejected,
            Reply::Postpone => Cause::Postponed,
            Reply::Timeout => Cause::TimedOut,
            reply @ (Reply::Accept | Reply::Code(_)) => return Ok(reply),
        };
        Err(Failure::new(Stage::Consent, cause))
    }

    fn smdp(&self) -> Server<'_> {
        Server::smdp(&self.order.address)
    }
}

/// What the chip has after an installation.
pub(crate) struct After {
    pub(crate) profiles: Vec<rsp::profiles::ProfileInfo>,
    pub(crate) told: Told,
    pub(crate) free_memory: Option<u32>,
}

impl After {
    /// Reads back and delivers the `new` notifications. Fails only if the chip is lost.
    pub(crate) async fn of(
        io: &Io,
        isd_r: &IsdR<'_>,
        new: impl Fn(&rsp::notification::NotificationMetadata) -> bool,
    ) -> Result<Self, Failure> {
        io.progress(Step::ReadBack, false).await;
        let profiles = unless_lost(read_profiles(isd_r).await)?;
        let free_memory = free_memory(isd_r).await?;
        let told = unless_lost(super::notification::deliver(io, isd_r, new).await)?;
        if told.reports.iter().any(|report| report.result.as_ref().is_err_and(Failure::is_card_lost)) {
            return Err(Failure::new(Stage::Notify, Cause::CardLost(Text::default())));
        }
        Ok(Self { profiles, told, free_memory })
    }
}

fn unless_lost<T: Default>(result: Result<T, Failure>) -> Result<T, Failure> {
    match result {
        Err(failure) if failure.is_card_lost() => Err(failure),
        result => Ok(result.unwrap_or_default()),
    }
}

/// Feeds a package to the chip, segment by segment. From here on there is no way back
/// but the chip's own.
pub(crate) async fn feed(io: &Io, isd_r: &IsdR<'_>, iccid: Iccid, package: &[u8]) -> Result<(), FeedFailure> {
    let Err(failed) = feed_segments(io, isd_r, package).await else { return Ok(()) };
    // A chip that had the whole package may have installed it and kept back only the result.
    let may_have_it = failed.was_whole
        && !failed.failure.is_card_lost()
        && !matches!(failed.failure.cause, Cause::Install { .. });
    if !may_have_it {
        return Err(failed);
    }
    match read_profiles(isd_r).await {
        Ok(list) if list.iter().any(|info| info.iccid == Some(iccid)) => Ok(()),
        Err(failure) if failure.is_card_lost() => Err(FeedFailure { failure, ..failed }),
        _ => Err(failed),
    }
}

async fn feed_segments(io: &Io, isd_r: &IsdR<'_>, package: &[u8]) -> Result<(), FeedFailure> {
    let stage = Stage::Install;
    let segments = bpp::segments(package).map_err(|error| FeedFailure {
        taken: 0,
        was_whole: false,
        failure: Failure::new(Stage::FetchPackage, Cause::ServerData(error.to_string())),
    })?;
    let last = segments.len().saturating_sub(1);
    let failed = |taken, failure| FeedFailure { taken, was_whole: taken >= last, failure };
    for (index, segment) in segments.iter().enumerate() {
        let answer = isd_r.call(stage, &package[segment.bytes.clone()]).await;
        let answer = answer.map_err(|failure| failed(index, failure))?;
        let step = Step::Install {
            kind: segment.kind,
            segments_done: index + 1,
            segments: segments.len(),
            bytes_done: segment.bytes.end,
            bytes: package.len(),
        };
        io.progress(step, false).await;
        if !answer.data.is_empty() {
            return installation_result(&answer.data).map_err(|failure| failed(index, failure));
        }
    }
    Err(failed(segments.len(), Failure::new(stage, Cause::NoResult)))
}

/// The package must be of this session, and its metadata what the user said yes to
/// (SGP.22 §3.1.3 step 12).
fn check_package(session: &Session, package: &[u8]) -> Result<(), Failure> {
    let stage = Stage::FetchPackage;
    let unreadable = |error: tlv::Error| Failure::new(stage, Cause::ServerData(error.to_string()));
    let parts = BoundProfilePackage::decode(package).map_err(unreadable)?;
    bpp::segments(package).map_err(unreadable)?;
    let metadata = bpp::readable_metadata(&parts).map_err(unreadable)?;
    if metadata != session.metadata.bytes() {
        return Err(Failure::new(stage, Cause::MetadataMismatch));
    }
    let channel = InitialiseSecureChannel::decode(&parts.initialise_secure_channel).map_err(unreadable)?;
    if channel.transaction_id != session.id {
        let other = "the package names another transaction".into();
        return Err(Failure::new(stage, Cause::ServerData(other)));
    }
    Ok(())
}

fn installation_result(answer: &[u8]) -> Result<(), Failure> {
    let stage = Stage::Install;
    let result = ProfileInstallationResult::decode(answer)
        .map_err(|error| Failure::new(stage, Cause::CardData(error)))?;
    final_result(&result.data.final_result)
}

/// A result in the chip's words as a result of the procedure.
pub(crate) fn final_result(result: &FinalResult) -> Result<(), Failure> {
    match result {
        FinalResult::Success { .. } => Ok(()),
        FinalResult::Error { bpp_command_id, error_reason, sima_response } => Err(Failure::new(
            Stage::Install,
            Cause::Install {
                command: *bpp_command_id,
                reason: *error_reason,
                sima_response: sima_response.clone(),
            },
        )),
    }
}

/// Whether the server will hand the package out again after this result.
pub(crate) fn is_temporary(reason: ErrorReason) -> bool {
    [ErrorReason::INTERRUPTION, ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE].contains(&reason)
}

/// Whether nothing was heard of the server, or of what stands before it only.
const fn is_unanswered(failure: &Failure) -> bool {
    match &failure.cause {
        Cause::ServerLost(_) | Cause::Unfinished { .. } => true,
        Cause::Http { status, .. } => *status >= 500 || matches!(*status, 408 | 429),
        _ => false,
    }
}

fn is_wrong_code(data: &StatusCodeData) -> bool {
    StatusCode::find(&data.subject_code, &data.reason_code) == Some(StatusCode::CONFIRMATION_CODE_REFUSED)
}

/// How many tries are left, where the server says so. The standard has no field for it:
/// it is the one number in a message that speaks of what is left.
fn tries_left(data: &StatusCodeData) -> Option<u32> {
    let message = data.message.as_deref()?.to_ascii_lowercase();
    if !["left", "remain", "残り", "あと"].iter().any(|word| message.contains(word)) {
        return None;
    }
    let mut numbers = message.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let only = numbers.next().filter(|_| numbers.next().is_none())?;
    only.parse().ok().filter(|left| *left < 100)
}

/// `SHA-256(SHA-256(code) ‖ transactionId)` (SGP.22 §4.7).
pub(crate) fn hash_confirmation_code(code: &str, id: &TransactionId) -> [u8; 32] {
    let inner = Sha256::digest(code.as_bytes());
    Sha256::new().chain_update(inner).chain_update(id.as_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn tries_that_are_left_are_read_where_they_are_told() {
        for (message, expected) in [
            ("wrong code, 2 attempts remaining", Some(2)),
            ("Remaining tries: 1", Some(1)),
            ("確認コードが違います。残り3回", Some(3)),
            ("the confirmation code is wrong", None),
            ("error 4711", None),
            ("2 of 5 tries left", None),
            ("12345678901234567890 left", None),
        ] {
            let message = Some(message.to_owned());
            let data = StatusCodeData {
                subject_code: "8.2.7".into(),
                reason_code: "3.8".into(),
                subject_identifier: None,
                message,
            };
            assert_eq!(tries_left(&data), expected, "{data:?}");
        }
    }
}
