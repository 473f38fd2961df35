//! Function execution status of the HTTP interfaces (SGP.22 §5.2.6): subject and
//! reason codes, and the envelope that carries them.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A subject code and a reason code, such as 8.2.6 / 3.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusCode {
    /// What the trouble is with.
    pub subject: &'static str,
    /// What the trouble is.
    pub reason: &'static str,
}

macro_rules! status_codes {
    ($($(#[$doc:meta])* $name:ident = $subject:literal / $reason:literal, $meaning:literal;)*) => {
        impl StatusCode {
            $($(#[$doc])* #[doc = concat!($subject, "/", $reason, ": ", $meaning, ".")]
            pub const $name: Self = Self { subject: $subject, reason: $reason };)*

            /// Every code that this server or LPA knows, with its meaning.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $meaning),)*];
        }
    };
}

status_codes! {
    SMDP_ADDRESS_REFUSED = "8.8.1" / "3.8", "the SM-DP+ address is not this server's";
    CI_KEYS_UNSUPPORTED = "8.8.2" / "3.1", "none of the eUICC's CI keys for signing is supported";
    SVN_UNSUPPORTED = "8.8.3" / "3.1", "the eUICC's SGP.22 version is not supported";
    NO_CERTIFICATE_FOR_CI = "8.8.4" / "3.7", "no server certificate chains to a CI that the eUICC can verify";
    EUM_CERTIFICATE_INVALID = "8.1.2" / "6.1", "the EUM certificate is invalid";
    EUM_CERTIFICATE_EXPIRED = "8.1.2" / "6.3", "the EUM certificate has expired";
    EUICC_CERTIFICATE_INVALID = "8.1.3" / "6.1", "the eUICC certificate is invalid";
    EUICC_CERTIFICATE_EXPIRED = "8.1.3" / "6.3", "the eUICC certificate has expired";
    EUICC_SIGNATURE_INVALID = "8.1" / "6.1", "the eUICC's signature or the server challenge in it is invalid";
    EUICC_INSUFFICIENT_MEMORY = "8.1" / "4.8", "the eUICC has not enough memory for this profile";
    CI_PK_UNKNOWN = "8.11.1" / "3.9", "the CI public key is unknown";
    TRANSACTION_ID_UNKNOWN = "8.10.1" / "3.9", "the RSP session is unknown or over";
    PROFILE_NOT_RELEASED = "8.2" / "1.2", "the profile has not been released yet";
    BPP_REBINDING_REFUSED = "8.2" / "3.7", "the bound profile package can't be bound again";
    NO_ELIGIBLE_PROFILE = "8.2.5" / "4.3", "no eligible profile for this eUICC or device";
    PROFILE_TYPE_NOT_ALLOWED = "8.2.5" / "1.2", "the requester may not use this profile type";
    PROFILE_TYPE_UNAVAILABLE = "8.2.5" / "3.7", "no more profile of this type is available";
    PROFILE_TYPE_REFUSED = "8.2.5" / "3.8", "the profile type is refused";
    PROFILE_TYPE_UNKNOWN = "8.2.5" / "3.9", "the profile type is unknown";
    MATCHING_ID_REFUSED = "8.2.6" / "3.8", "the matching id is unknown or used up";
    MATCHING_ID_IN_USE = "8.2.6" / "3.3", "the matching id is already in use";
    MATCHING_ID_INVALID_ASSOCIATION = "8.2.6" / "3.10", "the matching id is not this order's";
    EID_MISMATCH = "8.1.1" / "3.8", "the order is for another eUICC";
    EID_MISSING = "8.1.1" / "2.2", "the EID is missing";
    EID_INVALID = "8.1.1" / "2.1", "the EID is invalid";
    EID_INVALID_ASSOCIATION = "8.1.1" / "3.10", "the EID is not the one of this order";
    CONFIRMATION_CODE_MISSING = "8.2.7" / "2.2", "the confirmation code is missing";
    CONFIRMATION_CODE_REFUSED = "8.2.7" / "3.8", "the confirmation code is wrong";
    CONFIRMATION_CODE_TRIES_EXCEEDED = "8.2.7" / "6.4", "too many wrong confirmation codes";
    ORDER_EXPIRED = "8.8.5" / "4.10", "the download order has expired";
    DOWNLOAD_TRIES_EXCEEDED = "8.8.5" / "6.4", "too many download attempts";
    SMDP_OID_INVALID_ASSOCIATION = "8.8" / "3.10", "the SM-DP+ OID is not this server's";
    ICCID_NOT_ALLOWED = "8.2.1" / "1.2", "the requester may not use this profile";
    ICCID_IN_USE = "8.2.1" / "3.3", "the profile is already in use";
    ICCID_INVALID_TRANSITION = "8.2.1" / "3.5", "the profile's state does not allow this";
    ICCID_UNKNOWN = "8.2.1" / "3.9", "the profile is unknown";
    ICCID_INVALID_ASSOCIATION = "8.2.1" / "3.10", "the profile does not match the request";
    FUNCTION_REQUESTER_NOT_ALLOWED = "1.1" / "1.2", "the function requester is not allowed";
    PROTOCOL_FORMAT_INVALID = "1.3.1" / "2.1", "the request is malformed";
    MANDATORY_ELEMENT_MISSING = "1.3.1" / "2.2", "a mandatory element is missing";
    EXECUTION_ERROR = "8.8" / "4.2", "the server could not do it";
    EUICC_REFUSED = "8.1" / "4.2", "the eUICC refused the command";
    SMDS_INACCESSIBLE = "8.9" / "5.1", "the SM-DS can't be reached";
    SMDS_EXECUTION_ERROR = "8.9" / "4.2", "the SM-DS could not do it";
    SMDS_ADDRESS_REFUSED = "8.9.1" / "3.8", "the SM-DS address is refused";
    SMDS_CI_KEYS_UNSUPPORTED = "8.9.2" / "3.1", "the SM-DS supports none of the eUICC's CI keys for signing";
    SMDS_SVN_UNSUPPORTED = "8.9.3" / "3.1", "the SM-DS does not support the eUICC's SGP.22 version";
    SMDS_NO_CERTIFICATE_FOR_CI = "8.9.4" / "3.7", "no SM-DS certificate chains to a CI that the eUICC can verify";
    SMDS_EVENT_IN_USE = "8.9.5" / "3.3", "the event is registered already";
    SMDS_EVENT_UNKNOWN = "8.9.5" / "3.9", "the event is unknown";
    FUNCTION_CALL_IN_USE = "1.6" / "3.3", "the function call identifier was used for another request";
}

impl StatusCode {
    /// What the code means, in plain words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        Self::ALL.iter().find(|(code, _)| *code == self).map_or("", |(_, meaning)| meaning)
    }

    /// The known code with this subject and reason.
    #[must_use]
    pub fn find(subject: &str, reason: &str) -> Option<Self> {
        let same = |code: &Self| code.subject == subject && code.reason == reason;
        Self::ALL.iter().map(|(code, _)| *code).find(same)
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}: {}", self.subject, self.reason, self.meaning())
    }
}

impl core::error::Error for StatusCode {}

/// The `header` of every response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseHeader {
    /// The status.
    pub function_execution_status: FunctionExecutionStatus,
}

/// How a function ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionExecutionStatus {
    /// `Executed-Success`, `Executed-WithWarning`, `Failed` or `Expired`.
    pub status: String,
    /// Why, unless it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code_data: Option<StatusCodeData>,
}

/// Subject and reason as received: unknown codes are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusCodeData {
    /// What the trouble is with.
    pub subject_code: String,
    /// What the trouble is.
    pub reason_code: String,
    /// Which one of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_identifier: Option<String>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl FunctionExecutionStatus {
    /// `Executed-Success`.
    #[must_use]
    pub fn success() -> Self {
        Self { status: "Executed-Success".into(), status_code_data: None }
    }

    /// `Failed`, with the code, its meaning and what was found.
    #[must_use]
    pub fn failed(code: StatusCode, because: &str) -> Self {
        let message = if because.is_empty() {
            code.meaning().to_owned()
        } else {
            format!("{}: {because}", code.meaning())
        };
        let data = StatusCodeData {
            subject_code: code.subject.into(),
            reason_code: code.reason.into(),
            subject_identifier: None,
            message: Some(message),
        };
        Self { status: "Failed".into(), status_code_data: Some(data) }
    }

    /// Whether the function was executed.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status.starts_with("Executed")
    }
}

impl ResponseHeader {
    /// `Executed-Success`.
    #[must_use]
    pub fn success() -> Self {
        Self { function_execution_status: FunctionExecutionStatus::success() }
    }

    /// `Failed`, with the code, its meaning and what was found.
    #[must_use]
    pub fn failed(code: StatusCode, because: &str) -> Self {
        Self { function_execution_status: FunctionExecutionStatus::failed(code, because) }
    }

    /// Whether the function was executed.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.function_execution_status.is_success()
    }
}

/// The `header` of ES2+ and ES12 requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestHeader {
    /// OID of the requester.
    pub function_requester_identifier: String,
    /// Names the call; a repeat with the same name is the same call.
    pub function_call_identifier: String,
}
