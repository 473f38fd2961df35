//! What went wrong, where, and whether it can be tried again. The words for it are in
//! `words`.

use core::fmt;

use ::words::Text;
use apdu::StatusWord;
use rsp::CiPkId;
use rsp::codes::{
    AuthenticateErrorCode, BppCommandId, CancelSessionReason, DeleteResult, DownloadErrorCode, ErrorReason,
    FunctionResult, ProfileStateResult,
};
use rsp::status::StatusCodeData;

use crate::words::refusal;

/// Where a procedure failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Opening a channel to the ISD-R.
    OpenChip,
    /// Reading what the chip says of itself.
    ReadChip,
    /// Finding out what became of an interrupted download.
    Resume,
    /// ES11, both functions.
    Discover,
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
    /// ES9+.CancelSession, sent again.
    Cancel,
    /// Delivery of notifications.
    Notify,
    /// ES10c.EnableProfile, ES10c.DisableProfile.
    ChangeState,
    /// ES10c.DeleteProfile, ES10c.SetNickname, ES10c.eUICCMemoryReset,
    /// ES10a.SetDefaultDpAddress, ES10b.RemoveNotificationFromList.
    Manage,
    /// Reading back what a change has come to.
    ReadBack,
}

/// The functions of ES10 that answer with a bare number when they refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// ES10a.SetDefaultDpAddress.
    SetDefaultDpAddress,
    /// ES10b.ListNotification.
    ListNotification,
    /// ES10b.RetrieveNotificationsList.
    RetrieveNotificationsList,
    /// ES10b.RemoveNotificationFromList.
    RemoveNotificationFromList,
    /// ES10c.GetProfilesInfo.
    GetProfilesInfo,
    /// ES10c.SetNickname.
    SetNickname,
    /// ES10c.eUICCMemoryReset.
    MemoryReset,
}

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The chip did not answer.
    CardLost(Text<String>),
    /// None of the ISD-R AIDs can be selected: not an eUICC for consumers.
    NoIsdR,
    /// The chip answered with an error status.
    CardStatus(StatusWord),
    /// The chip's answer can't be read.
    CardData(tlv::Error),
    /// The server did not answer.
    ServerLost(Text<String>),
    /// The server, or the network on the way to it, answered with an HTTP error.
    Http {
        /// The HTTP status.
        status: u16,
        /// What the answer says of it in words, where it does.
        because: Option<String>,
    },
    /// A notification was answered with an HTTP status that is a success, but not the 204
    /// by which a server says that it has it: it stays on the chip.
    Unconfirmed {
        /// The HTTP status.
        status: u16,
    },
    /// The server refused: subject and reason.
    ServerRefused(StatusCodeData),
    /// The server did not finish (`Expired`, SGP.22 §5.2.6), or does not say why it refused:
    /// what became of the call is not known.
    Unfinished {
        /// The status that it gave.
        status: String,
        /// Subject and reason, where it named them.
        code: Option<Box<StatusCodeData>>,
    },
    /// The server's answer can't be read.
    ServerData(String),
    /// Chip and server trust different certificate issuers.
    NoCommonCi {
        /// The keys of the issuers that the chip trusts.
        chip: Vec<CiPkId>,
        /// The key that the server wants the chip to use; `None` when it has none for this
        /// chip, and said so.
        server: Option<CiPkId>,
        /// The server's refusal, when it was the server that noticed.
        refused: Option<Box<StatusCodeData>>,
    },
    /// The server signed another address than the one that was called.
    AddressMismatch {
        /// What the server signed.
        signed: String,
    },
    /// The server's certificate does not carry the OID of the activation code.
    OidMismatch,
    /// A discovery server was expected, and something else answered; or the reverse.
    WrongRole,
    /// Neither chip nor device knows a default SM-DP+.
    NoDefaultSmdp,
    /// Neither chip nor device knows an SM-DS.
    NoSmds,
    /// One SM-DS sends to the next without end.
    TooManySmds,
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
    /// The user did not answer in time.
    TimedOut,
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
    /// The checkpoint is of another chip.
    OtherChip,
    /// The profile was installed, and has been deleted since.
    DeletedSince,
    /// Enable or disable was refused.
    StateChange(ProfileStateResult),
    /// Delete was refused.
    Delete(DeleteResult),
    /// Another function was refused with this code.
    Refused {
        /// Which.
        function: Function,
        /// Its code, as the standard numbers them for that function.
        code: u8,
    },
    /// The chip said that it was done, and what was read back says that it is not.
    NotChanged,
    /// There is no such notification on the chip.
    NoSuchNotification,
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

    pub(crate) const fn refused(stage: Stage, function: Function, code: u8) -> Self {
        Self::new(stage, Cause::Refused { function, code })
    }

    /// Whether the chip is gone, so that nothing more can be asked of it.
    #[must_use]
    pub const fn is_card_lost(&self) -> bool {
        matches!(self.cause, Cause::CardLost(_))
    }

    /// Whether it is the person's own decision, and nothing to be sorry for.
    #[must_use]
    pub const fn is_decision(&self) -> bool {
        matches!(self.cause, Cause::Rejected | Cause::Postponed)
    }

    /// What can be done about it.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match &self.cause {
            Cause::CardStatus(StatusWord::NOT_ENOUGH_MEMORY) => Retry::AfterChange,
            Cause::CardLost(_)
            | Cause::CardStatus(_)
            | Cause::CardData(_)
            | Cause::ServerLost(_)
            | Cause::Unconfirmed { .. }
            | Cause::Unfinished { .. }
            | Cause::Postponed
            | Cause::TimedOut
            | Cause::NoResult
            | Cause::NotChanged
            | Cause::StateChange(ProfileStateResult::CAT_BUSY) => Retry::Again,
            Cause::Http { status, .. } if *status >= 500 || matches!(*status, 408 | 429) => Retry::Again,
            Cause::Http { .. } => Retry::Never,
            Cause::Install { reason: ErrorReason::INTERRUPTION, .. } => Retry::Again,
            Cause::Install { reason: ErrorReason::INSUFFICIENT_MEMORY_FOR_PROFILE, .. } => Retry::AfterChange,
            Cause::Install { .. } => Retry::Never,
            Cause::ServerRefused(data) => refusal::find(&data.subject_code, &data.reason_code)
                .map_or(Retry::Never, |refusal| refusal.retry),
            Cause::Refused { code, .. } if FunctionResult(*code) == FunctionResult::CAT_BUSY => Retry::Again,
            Cause::StateChange(_)
            | Cause::Delete(_)
            | Cause::Refused { .. }
            | Cause::PprNotAllowed
            | Cause::NoDefaultSmdp
            | Cause::NoSmds
            | Cause::NoSuchNotification
            | Cause::OtherChip => Retry::AfterChange,
            // A session that the chip does not know any more is begun anew.
            Cause::Authenticate(
                AuthenticateErrorCode::NO_SESSION_CONTEXT | AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH,
            )
            | Cause::Download(
                DownloadErrorCode::NO_SESSION_CONTEXT | DownloadErrorCode::INVALID_TRANSACTION_ID,
            ) => Retry::Again,
            Cause::NoIsdR
            | Cause::ServerData(_)
            | Cause::NoCommonCi { .. }
            | Cause::AddressMismatch { .. }
            | Cause::OidMismatch
            | Cause::WrongRole
            | Cause::TooManySmds
            | Cause::Authenticate(_)
            | Cause::Download(_)
            | Cause::MetadataMismatch
            | Cause::AlreadyInstalled
            | Cause::Rejected
            | Cause::DeletedSince
            | Cause::Misuse => Retry::Never,
        }
    }

    /// The reason by which a session is given up over this (SGP.22 §5.7.14); `None`: the
    /// chip can't be told.
    pub(crate) fn cancel_reason(&self) -> Option<CancelSessionReason> {
        Some(match &self.cause {
            Cause::CardLost(_) | Cause::Misuse => return None,
            Cause::Rejected => CancelSessionReason::END_USER_REJECTION,
            Cause::Postponed => CancelSessionReason::POSTPONED,
            Cause::TimedOut => CancelSessionReason::TIMEOUT,
            Cause::PprNotAllowed => CancelSessionReason::PPR_NOT_ALLOWED,
            Cause::MetadataMismatch => CancelSessionReason::METADATA_MISMATCH,
            _ if self.stage == Stage::Install => CancelSessionReason::LOAD_BPP_EXECUTION_ERROR,
            _ => CancelSessionReason::UNDEFINED_REASON,
        })
    }

    /// Whether the server has ended its side of the session, or can't be reached: it is
    /// not told then.
    pub(crate) const fn server_is_out(&self) -> bool {
        matches!(self.cause, Cause::ServerRefused(_) | Cause::ServerLost(_) | Cause::Unfinished { .. })
    }

    /// The raw codes with the section that defines them, for people who know them.
    #[must_use]
    pub fn codes(&self) -> String {
        self.detail().en
    }

    /// The same for people: of the cause, what the road to chip or server says of it is in their
    /// language, the rest has none.
    #[must_use]
    pub fn detail(&self) -> Text<String> {
        let cause = match &self.cause {
            Cause::CardLost(text) | Cause::ServerLost(text) => text.clone(),
            _ => Text::same(self.cause_code()),
        };
        cause.map(|cause| format!("{:?} (SGP.22 §{}) · {cause}", self.stage, self.section()))
    }

    fn cause_code(&self) -> String {
        match &self.cause {
            Cause::CardLost(text) | Cause::ServerLost(text) => text.en.clone(),
            Cause::ServerData(text) => text.clone(),
            Cause::CardStatus(sw) => format!("SW {sw} (ISO 7816-4 §5.6)"),
            Cause::CardData(error) => error.to_string(),
            Cause::Http { status, because } => {
                format!("HTTP {status}{}", after(because.as_deref()))
            }
            Cause::Unconfirmed { status } => format!("HTTP {status} instead of 204 (SGP.22 §6.3)"),
            Cause::ServerRefused(data) => server_codes(data),
            Cause::Unfinished { status, code } => {
                let code = code.as_deref().map(server_codes);
                format!("status {}{}", printable(status), after(code.as_deref()))
            }
            Cause::NoCommonCi { chip, server, refused } => {
                let chip: Vec<String> = chip.iter().map(ToString::to_string).collect();
                let server = server.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
                let refused = refused.as_deref().map(server_codes);
                format!(
                    "chip's CI keys {} · server's {server}{}",
                    if chip.is_empty() { "none".to_owned() } else { chip.join(", ") },
                    after(refused.as_deref())
                )
            }
            Cause::AddressMismatch { signed } => {
                format!("serverSigned1.serverAddress “{}”", printable(signed))
            }
            Cause::Authenticate(code) => code.to_string(),
            Cause::Download(code) => code.to_string(),
            Cause::Install { command, reason, sima_response } => {
                let sima =
                    sima_response.iter().flatten().map(|byte| format!("{byte:02X}")).collect::<String>();
                format!("{command} · {reason}{}{sima}", if sima.is_empty() { "" } else { " · " })
            }
            Cause::StateChange(result) => result.to_string(),
            Cause::Delete(result) => result.to_string(),
            Cause::Refused { function, code } => format!("{function:?} result {code}"),
            Cause::NoIsdR
            | Cause::OidMismatch
            | Cause::WrongRole
            | Cause::NoDefaultSmdp
            | Cause::NoSmds
            | Cause::TooManySmds
            | Cause::MetadataMismatch
            | Cause::PprNotAllowed
            | Cause::AlreadyInstalled
            | Cause::Rejected
            | Cause::Postponed
            | Cause::TimedOut
            | Cause::NoResult
            | Cause::OtherChip
            | Cause::DeletedSince
            | Cause::NotChanged
            | Cause::NoSuchNotification
            | Cause::Misuse => format!("{:?}", self.cause),
        }
    }

    /// The section of SGP.22 that defines what failed.
    const fn section(&self) -> &'static str {
        match (&self.cause, self.stage) {
            (Cause::ServerRefused(_), Stage::Discover) => "5.8, §5.2.6",
            (Cause::Refused { function, .. }, _) => match function {
                Function::SetDefaultDpAddress => "5.7.4",
                Function::ListNotification => "5.7.9",
                Function::RetrieveNotificationsList => "5.7.10",
                Function::RemoveNotificationFromList => "5.7.11",
                Function::GetProfilesInfo => "5.7.15",
                Function::MemoryReset => "5.7.19",
                Function::SetNickname => "5.7.21",
            },
            (Cause::Delete(_), _) => "5.7.18",
            (_, Stage::OpenChip) => "5.7.1",
            (_, Stage::ReadChip | Stage::ReadBack) => "5.7",
            (_, Stage::Resume) => "3.1.3.3",
            (_, Stage::Discover) => "5.8",
            (_, Stage::InitiateAuthentication) => "5.6.1",
            (_, Stage::AuthenticateServer) => "5.7.13",
            (_, Stage::AuthenticateClient) => "5.6.3",
            (_, Stage::Consent) => "3.1.3",
            (_, Stage::PrepareDownload) => "5.7.5",
            (_, Stage::FetchPackage) => "5.6.2",
            (_, Stage::Install) => "5.7.6",
            (_, Stage::Cancel) => "5.6.5",
            (_, Stage::Notify) => "5.6.4",
            (_, Stage::ChangeState) => "5.7.16",
            (_, Stage::Manage) => "3.3",
        }
    }
}

/// English, for logs.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.what(), self.advice(), self.codes())
    }
}

impl core::error::Error for Failure {}

fn server_codes(data: &StatusCodeData) -> String {
    format!(
        "subject {} / reason {} (§5.2.6){}",
        printable(&data.subject_code),
        printable(&data.reason_code),
        after(data.message.as_deref())
    )
}

fn after(text: Option<&str>) -> String {
    text.map(|text| format!(" · {}", printable(text))).unwrap_or_default()
}

/// What a server says, cut to what a person would read: no control characters, none that
/// turn the direction of writing.
pub(crate) fn printable(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|&c| !c.is_control() && !turns(c)).take(300).collect()
}
