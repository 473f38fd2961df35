//! LoadBoundProfilePackage (SGP.22 §2.5, §5.5, §5.7.6): the package comes in
//! any cut, is opened segment by segment and built into a slot; all of it
//! becomes visible in one transaction at the end.
//!
//! ```text
//!   chains ─► Package (where are we in BF36?) ─► Bsp ─► command, or bytes for the
//!                                                       profile interpreter
//!   Draft (waits between two chains) ─────────────────► one commit, or dropped
//! ```

use apdu::StatusWord;
use rsp::bpp::{
    BOUND_PROFILE_PACKAGE, ConfigureIsdp, ControlRefTemplate, FIRST_SEQUENCE_OF_87, InitialiseSecureChannel,
    ReplaceSessionKeys, SECOND_SEQUENCE_OF_87, SEQUENCE_OF_86, SEQUENCE_OF_88,
};
use rsp::codes::{BppCommandId, ErrorReason};
use rsp::metadata::{NotificationEvents, OperatorId, ProfileClass, StoreMetadata};
use rsp::notification::FinalResult;
use rsp::{CiPkId, DataObject as _, Iccid, Oid, Raw, TransactionId};
use rsp_crypto::bsp::{MAX_RECEIVED_SEGMENT, SegmentTag};
use rsp_crypto::{Bsp, BspError, Provider as _, PublicKey, SessionKeys, ready, signature, software};
use saip::response::PeStatus;
use tlv::{Fields, Tag, Writer};
use zeroize::Zeroizing;

use super::configuration::Configuration;
use super::notification::Download;
use super::session::{Authenticated, Prepared, State};
use super::{IsdrContext, keys, memory_problem, notification, one_time_keys};
use crate::ecasd;
use crate::isdp::{self, Isdp, policy};
use crate::nvm::{Draft, Error, Transaction, View as _};
use crate::profile::{self, Failure, Installed, Installer};

/// InitialiseSecureChannelRequest is some 180 bytes; unknown components are
/// allowed for.
const MAX_SECURE_CHANNEL: usize = 1024;
/// ConfigureISDP, StoreMetadata with a picture, ReplaceSessionKeys: what they
/// may be at most in plaintext.
const MAX_COMMAND: usize = 4096;

/// A package that is coming in.
pub(crate) struct Load {
    prepared: Prepared,
    package: Package,
    bsp: Option<Bsp>,
    /// Plaintext of the command whose segments are coming in.
    command: Zeroizing<Vec<u8>>,
    isdp: Option<NewIsdp>,
}

/// The ISD-P that is being made.
struct NewIsdp {
    installer: Installer,
    draft: Draft,
    dp_proprietary_data: Option<Vec<u8>>,
    metadata: Option<Raw<StoreMetadata>>,
}

/// Why a load ends before its end.
enum Stop {
    /// The package is to blame: a ProfileInstallationResult tells.
    Refused { reason: ErrorReason, sima_response: Option<Vec<u8>>, because: &'static str },
    /// The medium failed: nobody can be told.
    Fault(Error),
}

const fn refused(reason: ErrorReason, because: &'static str) -> Stop {
    Stop::Refused { reason, sima_response: None, because }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => refused(ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE, "memory is used up"),
            error => Self::Fault(error),
        }
    }
}

impl From<BspError> for Stop {
    fn from(error: BspError) -> Self {
        match error {
            BspError::Security => refused(ErrorReason::SCP03T_SECURITY_ERROR, "the MAC is wrong"),
            BspError::Structure | BspError::TooLong => {
                refused(ErrorReason::SCP03T_STRUCTURE_ERROR, "the segment or its padding is malformed")
            }
            BspError::Fault(_) => refused(ErrorReason::UNKNOWN_ERROR, "cryptography failed"),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        let full =
            failure.response.pe_status.iter().any(|status| status.status == PeStatus::NOT_ENOUGH_MEMORY);
        let reason = if full {
            ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE
        } else {
            ErrorReason::PE_PROCESSING_ERROR
        };
        Self::Refused { reason, sima_response: failure.response.encode().ok(), because: failure.because }
    }
}

/// Takes one STORE DATA chain of a bound profile package. No data while more is
/// expected, `ProfileInstallationResult` at the end, good or bad.
///
/// # Errors
/// `6985` without PrepareDownload before, `6581` when the medium failed.
pub(super) fn feed(context: &mut IsdrContext<'_>, payload: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let mut load = match core::mem::take(&mut context.session.state) {
        State::Loading(load) => load,
        State::Prepared(prepared) => Box::new(Load::new(*prepared)),
        other => {
            context.session.state = other;
            return Err(StatusWord::CONDITIONS);
        }
    };
    load.package.buffer.extend_from_slice(payload);
    match load.advance(context) {
        Ok(None) => {
            context.session.state = State::Loading(load);
            Ok(Vec::new())
        }
        Ok(Some(result)) => Ok(result),
        Err(stop) => load.fail(context, stop),
    }
}

/// Ends a load that is going on, as a reset would; makes up for one whose end
/// the medium did not take.
pub(super) fn interrupt(context: &mut IsdrContext<'_>) -> Result<(), StatusWord> {
    if matches!(context.session.state, State::Loading(_)) {
        context.session.state = State::Idle;
    }
    recover(context).map_err(memory_problem)
}

/// Tells the SM-DP+ of a load that was begun and did not end: by reset, by loss
/// of power, or by another session. Of the profile nothing was ever stored.
pub(super) fn recover(context: &mut IsdrContext<'_>) -> Result<(), Error> {
    let Some((download, command)) = context.store.get(keys::LOADING).and_then(decode_marker) else {
        return Ok(());
    };
    context.env.trace(format_args!("LoadBoundProfilePackage: interrupted in {command}"));
    let mut tx = context.store.begin();
    tx.delete(keys::LOADING);
    let result = FinalResult::Error {
        bpp_command_id: command,
        error_reason: ErrorReason::INTERRUPTION,
        sima_response: None,
    };
    match notification::of_installation(&mut tx, &download, result) {
        // Where there is no room at all the marker must go nevertheless.
        Ok(_) | Err(Error::Full) => tx.commit(context.env.medium()),
        Err(error) => Err(error),
    }
}

impl Load {
    fn new(prepared: Prepared) -> Self {
        Self {
            prepared,
            package: Package::default(),
            bsp: None,
            command: Zeroizing::new(Vec::new()),
            isdp: None,
        }
    }

    pub(super) const fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Whether what came in so far ends with a whole part of the package.
    pub(super) fn is_between_parts(&self) -> bool {
        self.package.buffer.is_empty()
    }

    /// Executes all that has come in whole; the result once it is there.
    fn advance(&mut self, context: &mut IsdrContext<'_>) -> Result<Option<Vec<u8>>, Stop> {
        while let Some(part) = self.package.next()? {
            match part {
                Part::SecureChannel(request) => {
                    self.initialise_secure_channel(context, &request)?;
                    self.package.step = self.package.step.next();
                }
                Part::Segment { segment, last } => {
                    let (_, plaintext) = self.open(context, &segment)?;
                    if self.package.step == Step::LoadProfileElements {
                        self.profile_elements(context, &plaintext)?;
                    } else if self.command.len() + plaintext.len() > MAX_COMMAND {
                        return Err(refused(ErrorReason::SCP03T_STRUCTURE_ERROR, "the command is too long"));
                    } else {
                        self.command.extend_from_slice(&plaintext);
                    }
                    if last {
                        if self.package.step == Step::LoadProfileElements {
                            return self.conclude(context).map(Some);
                        }
                        self.execute(context)?;
                        self.package.step = self.package.step.next();
                    }
                }
            }
        }
        Ok(None)
    }

    /// SGP.22 §5.5.1.
    fn initialise_secure_channel(
        &mut self,
        context: &mut IsdrContext<'_>,
        request: &[u8],
    ) -> Result<(), Stop> {
        let request = InitialiseSecureChannel::decode(request)
            .map_err(|_| refused(ErrorReason::INCORRECT_INPUT_VALUES, "InitialiseSecureChannelRequest"))?;
        let signed = signature::smdp_sign(request.signed_bytes(), &self.prepared.one_time_public_key);
        if !software::verify(self.prepared.binding.public_key(), &signed, &request.smdp_sign) {
            return Err(refused(ErrorReason::INVALID_SIGNATURE, "smdpSign"));
        }
        if request.transaction_id != self.prepared.authenticated.transaction_id {
            return Err(refused(ErrorReason::INVALID_TRANSACTION_ID, "transactionId"));
        }
        if request.remote_op_id != InitialiseSecureChannel::INSTALL_BOUND_PROFILE_PACKAGE {
            return Err(refused(ErrorReason::UNSUPPORTED_REMOTE_OPERATION_TYPE, "remoteOpId"));
        }
        let ControlRefTemplate { key_type, key_len, host_id } = &request.control_ref_template;
        if (*key_type, *key_len) != (ControlRefTemplate::AES, 16) {
            return Err(refused(ErrorReason::UNSUPPORTED_CRT_VALUES, "controlRefTemplate"));
        }
        let not_on_curve =
            || refused(ErrorReason::INCORRECT_INPUT_VALUES, "otPK.DP is no point of the session's curve");
        let curve = self.prepared.one_time_key.curve();
        let peer = PublicKey::from_sec1(curve, &request.smdp_otpk).ok_or_else(not_on_curve)?;
        let eid = ecasd::eid(context.store).ok_or(Stop::Fault(Error::Foreign))?;
        let provider = ecasd::provider(context.env);
        let failed = |_| refused(ErrorReason::UNKNOWN_ERROR, "key agreement failed");
        let secret = ready(provider.agree(&self.prepared.one_time_key, &peer)).map_err(failed)?;
        let secret = secret.ok_or_else(not_on_curve)?;
        let keys = ready(SessionKeys::derive(&provider, &secret, host_id, &eid)).map_err(failed)?;
        self.bsp = Some(Bsp::new(keys));
        Ok(())
    }

    fn open(
        &mut self,
        context: &mut IsdrContext<'_>,
        segment: &[u8],
    ) -> Result<(SegmentTag, Zeroizing<Vec<u8>>), Stop> {
        let bsp = self.bsp.as_mut().ok_or(Stop::Fault(Error::Foreign))?;
        Ok(ready(bsp.open(&ecasd::provider(context.env), segment))?)
    }

    /// Executes the command whose last segment has come.
    fn execute(&mut self, context: &mut IsdrContext<'_>) -> Result<(), Stop> {
        let command = core::mem::take(&mut self.command);
        match self.package.step {
            Step::ConfigureIsdp => self.configure_isdp(context, &command),
            Step::StoreMetadata => self.store_metadata(context, &command),
            Step::ReplaceSessionKeys => self.replace_session_keys(&command),
            Step::InitialiseSecureChannel | Step::LoadProfileElements => Ok(()),
        }
    }

    /// SGP.22 §5.5.2: from here on the SM-DP+ hears of it when the load ends
    /// before its end.
    fn configure_isdp(&mut self, context: &mut IsdrContext<'_>, command: &[u8]) -> Result<(), Stop> {
        let command = ConfigureIsdp::decode(command).map_err(|error| blame(error, "ConfigureISDPRequest"))?;
        let slot = profile::free_slot(context.store)
            .ok_or_else(|| refused(ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE, "no slot is free"))?;
        self.mark(context, BppCommandId::STORE_METADATA)?;
        self.isdp = Some(NewIsdp {
            installer: Installer::new(slot),
            draft: context.store.begin().suspend(),
            dp_proprietary_data: command.dp_proprietary_data,
            metadata: None,
        });
        Ok(())
    }

    /// SGP.22 §5.5.3.
    fn store_metadata(&mut self, context: &mut IsdrContext<'_>, command: &[u8]) -> Result<(), Stop> {
        const PROFILE_CLASS: Tag = Tag(0x95);
        let metadata: Raw<StoreMetadata> = Raw::decode(command).map_err(|error| match error {
            tlv::Error::Value(PROFILE_CLASS) => {
                refused(ErrorReason::UNSUPPORTED_PROFILE_CLASS, "profileClass")
            }
            error => blame(error, "StoreMetadataRequest"),
        })?;
        // From here on the ICCID is known, also to who is told of a refusal.
        let iccid = metadata.iccid;
        let isdp = self.isdp.as_mut().ok_or(Stop::Fault(Error::Foreign))?;
        let metadata = isdp.metadata.insert(metadata);
        let installed = isdp::all(context.store);
        if installed.iter().any(|isdp| isdp.metadata.iccid == iccid) {
            return Err(refused(ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC, "iccid"));
        }
        let made = Configuration::load(context.store).ok_or(Stop::Fault(Error::Foreign))?;
        if let Err(refusal) = policy::check(metadata, &made.rules, made.forbidden_rules, &installed) {
            context.env.trace(format_args!("profilePolicyRules: {refusal:?}"));
            return Err(refused(ErrorReason::PPR_NOT_ALLOWED, "profilePolicyRules"));
        }
        self.mark(context, BppCommandId::LOAD_PROFILE_ELEMENTS)
    }

    /// SGP.22 §5.5.4.
    fn replace_session_keys(&mut self, command: &[u8]) -> Result<(), Stop> {
        let keys =
            ReplaceSessionKeys::decode(command).map_err(|error| blame(error, "ReplaceSessionKeysRequest"))?;
        let (initial_mcv, ppk_enc, ppk_cmac) = keys.expose_keys();
        if let Some(bsp) = &mut self.bsp {
            bsp.replace_session_keys(SessionKeys::new(*initial_mcv, *ppk_enc, *ppk_cmac));
        }
        Ok(())
    }

    /// SGP.22 §5.5.5.
    fn profile_elements(&mut self, context: &mut IsdrContext<'_>, plaintext: &[u8]) -> Result<(), Stop> {
        let isdp = self.isdp.as_mut().ok_or(Stop::Fault(Error::Foreign))?;
        let mut tx = context.store.resume(core::mem::take(&mut isdp.draft));
        let fed = isdp.installer.feed(&mut tx, plaintext);
        isdp.draft = tx.suspend();
        fed.map_err(|failure| {
            context.env.trace(format_args!("{}: {}", failure.element, failure.because));
            failure.into()
        })
    }

    /// All is there: the one transaction in which the profile comes to be, the
    /// SM-DP+ is told, and what was kept for a repetition goes.
    fn conclude(&mut self, context: &mut IsdrContext<'_>) -> Result<Vec<u8>, Stop> {
        let new = self.isdp.take().ok_or(Stop::Fault(Error::Foreign))?;
        let metadata = new.metadata.ok_or(Stop::Fault(Error::Foreign))?;
        let slot = new.installer.slot();
        let download = self.download(Some(metadata.iccid));
        let mut tx = context.store.resume(new.draft);
        let installed = match new.installer.finish(&mut tx) {
            Ok(installed) => installed,
            Err(failure) => {
                drop(tx);
                context.env.trace(format_args!("{}: {}", failure.element, failure.because));
                return Err(failure.into());
            }
        };
        check_against_metadata(&installed, &metadata)
            .map_err(|(reason, because)| refused(reason, because))?;
        let number = isdp::free_number(&tx).ok_or_else(|| Stop::from(Error::Full))?;
        let isdp = Isdp {
            slot,
            number,
            metadata,
            nickname: None,
            dp_proprietary_data: new.dp_proprietary_data,
            field_loaded: true,
            ci: Some(download.ci.clone()),
        };
        let sima_response = installed
            .response
            .encode()
            .map_err(|_| refused(ErrorReason::UNKNOWN_ERROR, "the answer does not encode"))?;
        let result = self.register(&mut tx, &isdp, &download, sima_response)?;
        tx.commit(context.env.medium())?;
        Ok(result)
    }

    fn register(
        &self,
        tx: &mut Transaction<'_>,
        isdp: &Isdp,
        download: &Download,
        sima_response: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        tx.delete(keys::LOADING);
        one_time_keys::forget(tx, &self.prepared.one_time_key)?;
        isdp.store(tx)?;
        let success = FinalResult::Success { aid: isdp.aid(), sima_response };
        let result = notification::of_installation(tx, download, success)?;
        let except = Some(download.address.as_str());
        notification::of_event_except(tx, isdp, NotificationEvents::INSTALL, except)?;
        Ok(result)
    }

    /// Ends the load: of the profile nothing is left, and the SM-DP+ is told.
    fn fail(mut self, context: &mut IsdrContext<'_>, stop: Stop) -> Result<Vec<u8>, StatusWord> {
        let iccid = self.isdp.take().and_then(|isdp| isdp.metadata).map(|metadata| metadata.iccid);
        let iccid = iccid.or_else(|| decode_marker(context.store.get(keys::LOADING)?)?.0.iccid);
        let (reason, sima_response) = match stop {
            Stop::Refused { reason, sima_response, because } => {
                let command = self.package.step.command();
                context.env.trace(format_args!("{command}: {reason}: {because}"));
                (reason, sima_response)
            }
            Stop::Fault(error) => return Err(memory_problem(error)),
        };
        let mut tx = context.store.begin();
        tx.delete(keys::LOADING);
        // Only these two may be tried again, with the same package.
        let again = [ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE, ErrorReason::INTERRUPTION];
        if !again.contains(&reason) {
            one_time_keys::forget(&mut tx, &self.prepared.one_time_key).map_err(memory_problem)?;
        }
        let result = FinalResult::Error {
            bpp_command_id: self.package.step.command(),
            error_reason: reason,
            sima_response,
        };
        let result = notification::of_installation(&mut tx, &self.download(iccid), result);
        let result = result.map_err(memory_problem)?;
        tx.commit(context.env.medium()).map_err(memory_problem)?;
        Ok(result)
    }

    /// What a ProfileInstallationResult of this load is made of.
    fn download(&self, iccid: Option<Iccid>) -> Download {
        let Authenticated { transaction_id, server_address, server, .. } = &self.prepared.authenticated;
        Download {
            transaction_id: transaction_id.clone(),
            address: server_address.clone(),
            smdp_oid: self.prepared.binding.oid().clone(),
            ci: server.ci().clone(),
            iccid,
        }
    }

    /// Puts where power failure does not reach it that a load is going on.
    fn mark(&self, context: &mut IsdrContext<'_>, command: BppCommandId) -> Result<(), Stop> {
        let metadata = self.isdp.as_ref().and_then(|isdp| isdp.metadata.as_ref());
        let marker = encode_marker(&self.download(metadata.map(|metadata| metadata.iccid)), command);
        let mut tx = context.store.begin();
        tx.put(keys::LOADING, marker)?;
        Ok(tx.commit(context.env.medium())?)
    }
}

/// A command that is not what it should be: a value that its type does not
/// allow, or another structure.
const fn blame(error: tlv::Error, command: &'static str) -> Stop {
    match error {
        tlv::Error::Value(_) | tlv::Error::Missing(_) => {
            refused(ErrorReason::INCORRECT_INPUT_VALUES, command)
        }
        _ => refused(ErrorReason::SCP03T_STRUCTURE_ERROR, command),
    }
}

/// What the metadata promised and what the profile is (SGP.22 §5.5.5).
pub(crate) fn check_against_metadata(
    installed: &Installed,
    metadata: &StoreMetadata,
) -> Result<(), (ErrorReason, &'static str)> {
    if installed.iccid != metadata.iccid {
        return Err((ErrorReason::DATA_MISMATCH, "EF.ICCID is not the iccid of the metadata"));
    }
    let owner = metadata.profile_owner.as_ref();
    if let (Some(owner), Some(imsi)) = (owner, &installed.imsi)
        && !is_subscriber_of(imsi.as_str(), owner)
    {
        return Err((ErrorReason::DATA_MISMATCH, "EF.IMSI is not of the profileOwner"));
    }
    if let Some(owner) = owner {
        for (asked, own) in [&owner.gid1, &owner.gid2].into_iter().zip(&installed.group_identifiers) {
            if asked.as_ref().is_some_and(|asked| !is_group(asked, own.as_deref())) {
                return Err((ErrorReason::DATA_MISMATCH, "EF.GID1 or EF.GID2 is not of the profileOwner"));
            }
        }
    }
    if metadata.profile_class == ProfileClass::Test && !installed.only_test_keys {
        return Err((ErrorReason::TEST_PROFILE_INVALID_NAA_KEY, "a test profile with a secret key"));
    }
    Ok(())
}

/// Whether the IMSI begins with the operator's MCC and MNC (3GPP TS 24.008
/// §10.5.1.13: the halves swapped, an MNC of two digits filled up with `F`).
fn is_subscriber_of(imsi: &str, owner: &OperatorId) -> bool {
    let [a, b, c] = owner.mcc_mnc;
    let digits = [a & 15, a >> 4, b & 15, c & 15, c >> 4, b >> 4];
    let wanted = digits.iter().filter(|digit| **digit != 15);
    let own = imsi.bytes().map(|digit| digit.wrapping_sub(b'0'));
    // An `E` stands for any digit.
    wanted.clone().count() <= imsi.len()
        && wanted.zip(own).all(|(wanted, own)| *wanted == 14 || *wanted == own)
}

/// Whether a group identifier is the content of its file, which may be filled up.
fn is_group(asked: &[u8], own: Option<&[u8]>) -> bool {
    let rest = own.unwrap_or_default().strip_prefix(asked);
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0xFF))
}

fn encode_marker(download: &Download, command: BppCommandId) -> Vec<u8> {
    let mut w = Writer::new();
    w.tlv(Tag(0x80), download.transaction_id.as_bytes());
    w.tlv(Tag(0x81), download.address.as_bytes());
    w.tlv(Tag(0x82), download.smdp_oid.der_contents());
    w.tlv(Tag(0x83), download.ci.as_bytes());
    w.optional(Tag(0x84), download.iccid.as_ref().map(|iccid| &iccid.as_bytes()[..]));
    w.tlv(Tag(0x85), &[command.0]);
    w.finish()
}

fn decode_marker(bytes: &[u8]) -> Option<(Download, BppCommandId)> {
    let mut fields = Fields::new(bytes);
    let mut value = |tag| fields.required(tag).ok().map(|tlv| tlv.value);
    let transaction_id = TransactionId::from_bytes(value(Tag(0x80))?).ok()?;
    let address = core::str::from_utf8(value(Tag(0x81))?).ok()?.to_owned();
    let smdp_oid = Oid::from_der_contents(value(Tag(0x82))?).ok()?;
    let ci = CiPkId::from_bytes(value(Tag(0x83))?).ok()?;
    let iccid = value(Tag(0x84)).and_then(|bytes| bytes.try_into().ok()).map(Iccid::from_bytes);
    let [command] = value(Tag(0x85))?.try_into().ok()?;
    Some((Download { transaction_id, address, smdp_oid, ci, iccid }, BppCommandId(command)))
}

/// The ES8+ command that is coming in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    InitialiseSecureChannel,
    ConfigureIsdp,
    StoreMetadata,
    /// Optional.
    ReplaceSessionKeys,
    LoadProfileElements,
}

impl Step {
    const fn next(self) -> Self {
        match self {
            Self::InitialiseSecureChannel => Self::ConfigureIsdp,
            Self::ConfigureIsdp => Self::StoreMetadata,
            Self::StoreMetadata => Self::ReplaceSessionKeys,
            Self::ReplaceSessionKeys | Self::LoadProfileElements => Self::LoadProfileElements,
        }
    }

    const fn command(self) -> BppCommandId {
        match self {
            Self::InitialiseSecureChannel => BppCommandId::INITIALISE_SECURE_CHANNEL,
            Self::ConfigureIsdp => BppCommandId::CONFIGURE_ISDP,
            Self::StoreMetadata => BppCommandId::STORE_METADATA,
            Self::ReplaceSessionKeys => BppCommandId::REPLACE_SESSION_KEYS,
            Self::LoadProfileElements => BppCommandId::LOAD_PROFILE_ELEMENTS,
        }
    }

    /// The sequence that the command comes in and the segments inside.
    const fn tags(self) -> (Tag, Tag) {
        match self {
            Self::InitialiseSecureChannel => (InitialiseSecureChannel::TAG, InitialiseSecureChannel::TAG),
            Self::ConfigureIsdp => (FIRST_SEQUENCE_OF_87, SegmentTag::Command.tag()),
            Self::StoreMetadata => (SEQUENCE_OF_88, SegmentTag::Metadata.tag()),
            Self::ReplaceSessionKeys => (SECOND_SEQUENCE_OF_87, SegmentTag::Command.tag()),
            Self::LoadProfileElements => (SEQUENCE_OF_86, SegmentTag::ProfileElements.tag()),
        }
    }
}

/// Where in BF36 the bytes that come in stand. It holds no more than what makes
/// no whole part yet.
#[derive(Default)]
struct Package {
    buffer: Vec<u8>,
    step: Step,
    /// Bytes left of BF36, once its head has come.
    left: Option<usize>,
    /// Bytes left of the sequence whose head has come.
    inside: Option<usize>,
}

/// What is whole.
enum Part {
    /// BF23.
    SecureChannel(Vec<u8>),
    /// 87, 88 or 86.
    Segment {
        segment: Vec<u8>,
        /// The last one of its sequence.
        last: bool,
    },
}

impl Package {
    /// The next whole part; `None` when more bytes are needed.
    fn next(&mut self) -> Result<Option<Part>, Stop> {
        loop {
            let Some(head) = tlv::head(&self.buffer).map_err(|_| self.structure("no data object"))? else {
                return Ok(None);
            };
            let Some(left) = self.left else {
                if head.tag != BOUND_PROFILE_PACKAGE {
                    return Err(self.structure("not BF36"));
                }
                self.left = Some(head.value_len);
                self.consume(head.header_len);
                continue;
            };
            if let Some(inside) = self.inside {
                let fits = head.total_len() <= inside && head.total_len() <= MAX_RECEIVED_SEGMENT;
                if head.tag != self.step.tags().1 || !fits {
                    return Err(self.structure("another segment, or one that is too long"));
                }
                let Some(segment) = self.take(head.total_len()) else { return Ok(None) };
                let rest = inside - segment.len();
                let last = rest == 0;
                self.inside = (!last).then_some(rest);
                // Nothing may follow the profile elements, and they may not fail
                // to come.
                let ends_well = self.left == Some(0);
                if last && ends_well != (self.step == Step::LoadProfileElements) {
                    return Err(self.structure("the lengths of BF36 and its parts differ"));
                }
                return Ok(Some(Part::Segment { segment, last }));
            }
            if head.total_len() > left {
                return Err(self.structure("longer than BF36"));
            }
            if self.step == Step::InitialiseSecureChannel {
                if head.tag != InitialiseSecureChannel::TAG || head.total_len() > MAX_SECURE_CHANNEL {
                    return Err(self.structure("not BF23"));
                }
                let Some(request) = self.take(head.total_len()) else { return Ok(None) };
                self.left = Some(left - request.len());
                return Ok(Some(Part::SecureChannel(request)));
            }
            if self.step == Step::ReplaceSessionKeys && head.tag == SEQUENCE_OF_86 {
                self.step = Step::LoadProfileElements;
            }
            if head.tag != self.step.tags().0 || head.value_len == 0 {
                return Err(self.structure("another sequence, or an empty one"));
            }
            self.left = Some(left - head.total_len());
            self.inside = Some(head.value_len);
            self.consume(head.header_len);
        }
    }

    fn take(&mut self, len: usize) -> Option<Vec<u8>> {
        let taken = self.buffer.get(..len)?.to_vec();
        self.consume(len);
        Some(taken)
    }

    fn consume(&mut self, len: usize) {
        self.buffer.drain(..len.min(self.buffer.len()));
    }

    fn structure(&self, because: &'static str) -> Stop {
        // Before there is a channel its errors cannot be.
        let reason = match self.step {
            Step::InitialiseSecureChannel => ErrorReason::INCORRECT_INPUT_VALUES,
            _ => ErrorReason::SCP03T_STRUCTURE_ERROR,
        };
        refused(reason, because)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn metadata_and_files_belong_together() {
        let operator =
            |mcc_mnc, gid1: Option<&[u8]>| OperatorId { mcc_mnc, gid1: gid1.map(<[u8]>::to_vec), gid2: None };
        // 3GPP TS 24.008 §10.5.1.13: 001-01, 262-01, 310-410.
        for (imsi, mcc_mnc, expected) in [
            ("001010123456789", [0x00, 0xF1, 0x10], true),
            ("262011234567890", [0x62, 0xF2, 0x10], true),
            ("262021234567890", [0x62, 0xF2, 0x10], false),
            ("310410123456789", [0x13, 0x00, 0x14], true),
            ("310411123456789", [0x13, 0x00, 0x14], false),
            ("310411123456789", [0xEE, 0xEE, 0xEE], true),
            ("31041", [0x13, 0x00, 0x14], false),
        ] {
            assert_eq!(is_subscriber_of(imsi, &operator(mcc_mnc, None)), expected, "{imsi} {mcc_mnc:02X?}");
        }
        let two = &[1, 2][..];
        let own = [
            (two, Some(two), true),
            (two, Some(&[1, 2, 0xFF][..]), true),
            (two, Some(&[1, 2, 3]), false),
            (two, Some(&[1]), false),
            (two, None, false),
            (&[], None, true),
        ];
        for (asked, own, expected) in own {
            assert_eq!(is_group(asked, own), expected, "{asked:02X?} {own:02X?}");
        }
    }
}
