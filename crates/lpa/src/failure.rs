//! What went wrong, where, and what a person can do about it.

use core::fmt;

use apdu::StatusWord;
use rsp::codes::{
    AuthenticateErrorCode, BppCommandId, DeleteResult, DownloadErrorCode, ErrorReason, ProfileStateResult,
};
use rsp::status::{StatusCode, StatusCodeData};

/// Where a procedure failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Opening a channel to the ISD-R.
    OpenChip,
    /// Reading what the chip says of itself.
    ReadChip,
    /// ES9+.InitiateAuthentication.
    InitiateAuthentication,
    /// ES10b.AuthenticateServer.
    AuthenticateServer,
    /// ES9+.AuthenticateClient.
    AuthenticateClient,
    /// The user's decision.
    Consent,
    /// ES10b.PrepareDownload.
    PrepareDownload,
    /// ES9+.GetBoundProfilePackage.
    FetchPackage,
    /// ES10b.LoadBoundProfilePackage.
    Install,
    /// Delivery of notifications.
    Notify,
    /// ES10c.EnableProfile, ES10c.DisableProfile.
    ChangeState,
    /// ES10c.DeleteProfile, ES10c.SetNickname, ES10c.eUICCMemoryReset.
    Manage,
}

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The chip did not answer.
    CardLost(String),
    /// None of the ISD-R AIDs can be selected: not an eUICC for consumers.
    NoIsdR,
    /// The chip answered with an error status.
    CardStatus(StatusWord),
    /// The chip's answer can't be read.
    CardData(tlv::Error),
    /// The server did not answer.
    ServerLost(String),
    /// The server, or the network on the way to it, answered with an HTTP error.
    Http {
        /// The HTTP status.
        status: u16,
        /// What the answer says of it in words, where it does.
        because: Option<String>,
    },
    /// The server refused: subject and reason.
    ServerRefused(StatusCodeData),
    /// The server's answer can't be read.
    ServerData(String),
    /// The server signed another address than the one that was called.
    AddressMismatch {
        /// What the server signed.
        signed: String,
    },
    /// The server's certificate does not carry the OID of the activation code.
    OidMismatch,
    /// The chip refused the server.
    Authenticate(AuthenticateErrorCode),
    /// The chip refused the download.
    Download(DownloadErrorCode),
    /// The package's metadata is not what was shown.
    MetadataMismatch,
    /// The chip's rules forbid the profile's policy rules.
    PprNotAllowed,
    /// This very profile is already on the chip.
    AlreadyInstalled,
    /// The user said no.
    Rejected,
    /// The user said later, or stopped.
    Postponed,
    /// The chip refused the package.
    Install {
        /// The command that failed.
        command: BppCommandId,
        /// Why.
        reason: ErrorReason,
        /// `EUICCResponse`s of the interpreter.
        sima_response: Option<Vec<u8>>,
    },
    /// The chip took the whole package and gave no result.
    NoResult,
    /// Enable or disable was refused.
    StateChange(ProfileStateResult),
    /// Delete was refused.
    Delete(DeleteResult),
    /// Another function was refused with this code.
    Refused(u8),
    /// The program that drives the procedure resumed it wrongly.
    Misuse,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same again, now or when the trouble has passed: nothing is lost.
    Again,
    /// After the person has changed something (freed memory, asked the operator).
    AfterChange,
    /// Not with this code.
    Never,
}

/// A procedure's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// Why.
    pub cause: Cause,
}

impl Failure {
    pub(crate) const fn new(stage: Stage, cause: Cause) -> Self {
        Self { stage, cause }
    }

    pub(crate) const fn misuse() -> Self {
        Self::new(Stage::OpenChip, Cause::Misuse)
    }

    /// What can be done about it.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match &self.cause {
            Cause::CardLost(_)
            | Cause::ServerLost(_)
            | Cause::Postponed
            | Cause::NoResult
            | Cause::StateChange(ProfileStateResult::CAT_BUSY) => Retry::Again,
            Cause::Http { status, .. } if *status >= 500 || *status == 429 => Retry::Again,
            Cause::Install { reason: ErrorReason::INTERRUPTION, .. } => Retry::Again,
            Cause::Install { reason: ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE, .. } => Retry::AfterChange,
            Cause::ServerRefused(data) => match StatusCode::find(&data.subject_code, &data.reason_code) {
                Some(StatusCode::TRANSACTION_ID_UNKNOWN) => Retry::Again,
                Some(
                    StatusCode::PROFILE_NOT_RELEASED
                    | StatusCode::EUICC_INSUFFICIENT_MEMORY
                    | StatusCode::CONFIRMATION_CODE_MISSING
                    | StatusCode::CONFIRMATION_CODE_REFUSED
                    | StatusCode::SMDP_ADDRESS_REFUSED,
                ) => Retry::AfterChange,
                _ => Retry::Never,
            },
            Cause::StateChange(_) | Cause::Delete(_) | Cause::Refused(_) | Cause::PprNotAllowed => {
                Retry::AfterChange
            }
            _ => Retry::Never,
        }
    }

    /// What happened, in plain words.
    #[must_use]
    pub fn what(&self) -> String {
        match &self.cause {
            Cause::CardLost(_) => "The chip does not answer.".into(),
            Cause::NoIsdR => "This chip is not an eSIM chip for consumer devices.".into(),
            Cause::CardStatus(_) | Cause::CardData(_) => "The chip gave an answer that can't be used.".into(),
            Cause::ServerLost(_) => "The operator's server can't be reached.".into(),
            Cause::Http { status: 403, .. } => "The network does not let this through.".into(),
            Cause::Http { status, .. } => {
                format!("The operator's server answered with HTTP status {status}.")
            }
            Cause::ServerRefused(data) => server_words(data),
            Cause::ServerData(_) => "The operator's server gave an answer that can't be read.".into(),
            Cause::AddressMismatch { signed } => {
                format!("The server that answered signs as “{signed}”, which is not the address of the code.")
            }
            Cause::OidMismatch => "The server is not the one that the activation code names.".into(),
            Cause::Authenticate(code) => match *code {
                AuthenticateErrorCode::CI_PK_UNKNOWN | AuthenticateErrorCode::INVALID_CERTIFICATE => {
                    "The chip does not trust this server's certificate.".into()
                }
                AuthenticateErrorCode::INVALID_SIGNATURE => "The server's signature is wrong.".into(),
                _ => "The chip refused the server.".into(),
            },
            Cause::Download(_) => "The chip refused to prepare the download.".into(),
            Cause::MetadataMismatch => "The profile that arrived is not the one that was shown.".into(),
            Cause::PprNotAllowed => "This chip does not allow the rules that the profile brings.".into(),
            Cause::AlreadyInstalled => "This profile is already on the chip.".into(),
            Cause::Rejected => "You refused the profile.".into(),
            Cause::Postponed => "The download was stopped.".into(),
            Cause::Install { reason, .. } => install_words(*reason).into(),
            Cause::NoResult => "The chip took the whole profile and gave no result.".into(),
            Cause::StateChange(result) => match *result {
                ProfileStateResult::ICCID_OR_AID_NOT_FOUND => "The profile is not on the chip any more.",
                ProfileStateResult::WRONG_STATE => "The profile is already in that state.",
                ProfileStateResult::DISALLOWED_BY_POLICY => {
                    "The operator does not allow to switch this profile off."
                }
                ProfileStateResult::WRONG_PROFILE_REENABLING => {
                    "While a test profile is on, only the profile before it can follow."
                }
                ProfileStateResult::CAT_BUSY => "The chip is busy with another task.",
                _ => "The chip could not switch.",
            }
            .into(),
            Cause::Delete(result) => match *result {
                DeleteResult::ICCID_OR_AID_NOT_FOUND => "The profile is not on the chip any more.",
                DeleteResult::PROFILE_NOT_IN_DISABLED_STATE => {
                    "A profile that is switched on can't be deleted."
                }
                DeleteResult::DISALLOWED_BY_POLICY => "The operator does not allow to delete this profile.",
                _ => "The chip could not delete the profile.",
            }
            .into(),
            Cause::Refused(1) => "There is nothing on the chip to do this with.".into(),
            Cause::Refused(_) => "The chip could not do it.".into(),
            Cause::Misuse => "The program made a mistake.".into(),
        }
    }

    /// What to do next, in plain words.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match &self.cause {
            Cause::CardLost(_) => "Check that the chip is connected, then try again.",
            Cause::ServerLost(_) => "Check that the phone has service, then try again. Nothing is lost.",
            Cause::ServerRefused(data) => match StatusCode::find(&data.subject_code, &data.reason_code) {
                Some(StatusCode::MATCHING_ID_REFUSED) => {
                    "Check the activation code for typing mistakes. A code that was used once can't be used again: ask the operator for a new one."
                }
                Some(StatusCode::EID_MISMATCH | StatusCode::NO_ELIGIBLE_PROFILE) => {
                    "Ask the operator to issue the profile for this chip: its EID is shown under Chip."
                }
                Some(StatusCode::PROFILE_NOT_RELEASED) => {
                    "Wait until the operator has released the profile, then try again."
                }
                Some(StatusCode::CONFIRMATION_CODE_REFUSED | StatusCode::CONFIRMATION_CODE_MISSING) => {
                    "Enter the confirmation code that the operator gave you."
                }
                Some(StatusCode::EUICC_INSUFFICIENT_MEMORY) => {
                    "Delete a profile that you do not need, then try again."
                }
                Some(StatusCode::TRANSACTION_ID_UNKNOWN) => {
                    "The session took too long. Start again with the same code."
                }
                Some(StatusCode::SMDP_ADDRESS_REFUSED) => "Check the server address in the activation code.",
                _ => "Show the codes below to the operator.",
            },
            Cause::Install { reason: ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE, .. } => {
                "Delete a profile that you do not need, then try again with the same code."
            }
            Cause::Install { reason: ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC, .. }
            | Cause::AlreadyInstalled => "Use the profile in the list, or delete it first.",
            Cause::Install { reason, .. } if *reason != ErrorReason::INTERRUPTION => {
                "The order is closed by this. Show the codes below to the operator and ask for a new code."
            }
            Cause::Http { status: 403, .. } => {
                "Check the server address in the activation code: with this profile the network may let only the operator's own server through."
            }
            Cause::Delete(DeleteResult::PROFILE_NOT_IN_DISABLED_STATE) => "Switch to another profile first.",
            Cause::StateChange(ProfileStateResult::CAT_BUSY) => "Wait a moment and try again.",
            Cause::Rejected => "Ask the operator for a new code if this was a mistake.",
            Cause::Authenticate(AuthenticateErrorCode::CI_PK_UNKNOWN) | Cause::NoIsdR => {
                "Use a server and a chip of the same certificate issuer: the chip's keys are shown under Chip."
            }
            Cause::Misuse => "Reload the page. If it happens again, report it with the codes below.",
            _ => match self.retry() {
                Retry::Again => "Try again. Nothing is lost.",
                Retry::AfterChange => "Look at the list of profiles, then try again.",
                Retry::Never => "Show the codes below to the operator.",
            },
        }
    }

    /// The raw codes, for people who know them.
    #[must_use]
    pub fn codes(&self) -> String {
        let cause = match &self.cause {
            Cause::CardLost(text) | Cause::ServerLost(text) | Cause::ServerData(text) => text.clone(),
            Cause::CardStatus(sw) => format!("SW {sw}"),
            Cause::CardData(error) => error.to_string(),
            Cause::Http { status, because } => {
                format!(
                    "HTTP {status}{}",
                    because.as_deref().map(|text| format!(" · {text}")).unwrap_or_default()
                )
            }
            Cause::ServerRefused(data) => format!(
                "subject {} / reason {}{}",
                data.subject_code,
                data.reason_code,
                data.message.as_deref().map(|text| format!(" · {text}")).unwrap_or_default()
            ),
            Cause::Authenticate(code) => code.to_string(),
            Cause::Download(code) => code.to_string(),
            Cause::Install { command, reason, sima_response } => {
                let sima =
                    sima_response.iter().flatten().map(|byte| format!("{byte:02X}")).collect::<String>();
                format!("{command} · {reason}{}{sima}", if sima.is_empty() { "" } else { " · " })
            }
            Cause::StateChange(result) => result.to_string(),
            Cause::Delete(result) => result.to_string(),
            Cause::Refused(code) => format!("result {code}"),
            cause => format!("{cause:?}"),
        };
        format!("{:?} · {cause}", self.stage)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.what(), self.advice(), self.codes())
    }
}

impl core::error::Error for Failure {}

fn server_words(data: &StatusCodeData) -> String {
    match StatusCode::find(&data.subject_code, &data.reason_code) {
        Some(StatusCode::MATCHING_ID_REFUSED) => {
            "The operator does not know this activation code, or it has been used up.".into()
        }
        Some(StatusCode::EID_MISMATCH) => "This profile is reserved for another chip.".into(),
        Some(StatusCode::PROFILE_NOT_RELEASED) => "The operator has not released this profile yet.".into(),
        Some(StatusCode::CONFIRMATION_CODE_REFUSED) => "The confirmation code is wrong.".into(),
        Some(StatusCode::CONFIRMATION_CODE_TRIES_EXCEEDED) => {
            "The confirmation code was wrong too often; the order is closed.".into()
        }
        Some(StatusCode::DOWNLOAD_TRIES_EXCEEDED) => {
            "This profile was tried too often; the order is closed.".into()
        }
        Some(StatusCode::ORDER_EXPIRED) => "The activation code has expired.".into(),
        Some(StatusCode::EUICC_INSUFFICIENT_MEMORY) => "There is not enough space on the chip.".into(),
        Some(StatusCode::NO_ELIGIBLE_PROFILE) => "The operator has no profile for this device.".into(),
        Some(code) => format!("The operator's server refused: {}.", code.meaning()),
        None => "The operator's server refused.".into(),
    }
}

const fn install_words(reason: ErrorReason) -> &'static str {
    match reason {
        ErrorReason::ICCID_ALREADY_EXISTS_ON_EUICC => "This profile is already on the chip.",
        ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE => "There is not enough space on the chip.",
        ErrorReason::INTERRUPTION => "The installation was interrupted; the chip is as it was before.",
        ErrorReason::SCP03T_SECURITY_ERROR | ErrorReason::SCP03T_STRUCTURE_ERROR => {
            "The profile was damaged on its way; the chip is as it was before."
        }
        ErrorReason::PE_PROCESSING_ERROR => "The chip can't use a part of this profile.",
        ErrorReason::DATA_MISMATCH => "The profile contradicts its own description.",
        ErrorReason::PPR_NOT_ALLOWED => "This chip does not allow the rules that the profile brings.",
        _ => "The chip refused the profile and is as it was before.",
    }
}
