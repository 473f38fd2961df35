//! ES2+ over HTTP: JSON bodies of the ordering functions (SGP.22 §5.3, §6.5.2).

use serde::{Deserialize, Serialize};

use crate::es9::Base64;
use crate::status::{FunctionExecutionStatus, RequestHeader, ResponseHeader};

/// Path of ES2+ functions; the function's name follows.
pub const PATH: &str = "/gsma/rsp2/es2plus/";

/// Request of `downloadOrder`: by ICCID or by profile type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownloadOrderRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// 32 digits: the order is for this eUICC only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// 18 to 20 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// Any available profile of this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_type: Option<String>,
}

/// Response of `downloadOrder`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadOrderResponse {
    /// The status.
    pub header: ResponseHeader,
    /// The profile that is reserved.
    pub iccid: String,
}

/// Request of `confirmOrder`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmOrderRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The profile.
    pub iccid: String,
    /// Binds the order to an eUICC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// The token of the activation code; generated when absent; may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching_id: Option<String>,
    /// Demanded from the end user; only its hash is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_code: Option<String>,
    /// Where to register a discovery event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smds_address: Option<String>,
    /// Release at once.
    pub release_flag: bool,
}

/// Response of `confirmOrder`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmOrderResponse {
    /// The status.
    pub header: ResponseHeader,
    /// The eUICC, when the order is bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// The token for the activation code.
    pub matching_id: String,
    /// The address for the activation code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smdp_address: Option<String>,
}

/// Request of `releaseProfile`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseProfileRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The profile.
    pub iccid: String,
}

/// Request of `cancelOrder`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelOrderRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The profile.
    pub iccid: String,
    /// Must be the order's, when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// Must be the order's, when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching_id: Option<String>,
    /// `Available` or `Unavailable`.
    pub final_profile_status_indicator: String,
}

/// How far a download came: the steps that the operator is told of.
pub mod notification_point {
    /// The eUICC may have the profile, and the retry limit is not reached.
    pub const ELIGIBILITY: u32 = 1;
    /// The end user did not confirm, or with a wrong code.
    pub const CONFIRMATION: u32 = 2;
    /// The bound profile package was handed out.
    pub const DOWNLOAD: u32 = 3;
    /// The eUICC installed it.
    pub const INSTALLATION: u32 = 4;
}

/// Request of `handleDownloadProgressInfo`, from the SM-DP+ to the operator (§5.3.5):
/// answered with 204 and no body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandleDownloadProgressInfoRequest {
    /// The SM-DP+; the call's name is the same in every repeat.
    pub header: RequestHeader,
    /// The eUICC, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// The profile.
    pub iccid: String,
    /// Its type; empty when it has none.
    pub profile_type: String,
    /// When it happened: `YYYY-MM-DDThh:mm:ssTZD` (ISO 8601).
    pub timestamp: String,
    /// One of [`notification_point`].
    pub notification_point_id: u32,
    /// How the step ended.
    pub notification_point_status: FunctionExecutionStatus,
    /// `ProfileInstallationResultData`, `BF27`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_data: Option<Base64>,
}

/// Request of `handleNotification`, from the SM-DP+ to the operator: what became of a
/// profile on the eUICC. Answered with 204 and no body.
///
/// SGP.22 v2 has the function for the end of a download only; the element names here
/// follow [`HandleDownloadProgressInfoRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandleNotificationRequest {
    /// The SM-DP+; the call's name is the same in every repeat.
    pub header: RequestHeader,
    /// The eUICC that reported it.
    pub eid: String,
    /// The profile.
    pub iccid: String,
    /// Its type; empty when it has none.
    pub profile_type: String,
    /// When the report arrived: `YYYY-MM-DDThh:mm:ssTZD` (ISO 8601).
    pub timestamp: String,
    /// `enable`, `disable` or `delete`.
    pub notification_event: String,
    /// How it ended.
    pub notification_event_status: FunctionExecutionStatus,
}
