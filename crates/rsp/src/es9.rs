//! ES9+ over HTTP: JSON bodies of the five functions (SGP.22 §6.5.2). Binary
//! values are base64 of the whole data object; the transaction id is hexadecimal.

use core::fmt;

use base64::alphabet;
use base64::display::Base64Display;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::status::ResponseHeader;

/// Path of ES9+ functions; the function's name follows.
pub const PATH: &str = "/gsma/rsp2/es9plus/";
/// `X-Admin-Protocol` of requests and responses.
pub const ADMIN_PROTOCOL: &str = "gsma/rsp/v2.2.2";

const LAX: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LAX);

/// Bytes that stand in JSON as base64: written with padding, read with or
/// without, in the standard or the URL-safe alphabet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &STANDARD).fmt(f)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let standard: String = text
            .chars()
            .filter(|c| !c.is_ascii_whitespace())
            .map(|c| match c {
                '-' => '+',
                '_' => '/',
                c => c,
            })
            .collect();
        STANDARD.decode(standard).map(Self).map_err(serde::de::Error::custom)
    }
}

impl From<Vec<u8>> for Base64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// The five functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Es9Function {
    /// `initiateAuthentication`.
    InitiateAuthentication,
    /// `authenticateClient`.
    AuthenticateClient,
    /// `getBoundProfilePackage`.
    GetBoundProfilePackage,
    /// `handleNotification`: answered with 204 and no body.
    HandleNotification,
    /// `cancelSession`.
    CancelSession,
}

impl Es9Function {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::InitiateAuthentication,
        Self::AuthenticateClient,
        Self::GetBoundProfilePackage,
        Self::HandleNotification,
        Self::CancelSession,
    ];

    /// Its name in the path.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InitiateAuthentication => "initiateAuthentication",
            Self::AuthenticateClient => "authenticateClient",
            Self::GetBoundProfilePackage => "getBoundProfilePackage",
            Self::HandleNotification => "handleNotification",
            Self::CancelSession => "cancelSession",
        }
    }

    /// The function with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}

/// Request of `initiateAuthentication`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitiateAuthenticationRequest {
    /// The address that the LPA called, as the user gave it.
    pub smdp_address: String,
    /// 16 bytes.
    pub euicc_challenge: Base64,
    /// `BF20`.
    pub euicc_info1: Base64,
}

/// Response of `initiateAuthentication`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitiateAuthenticationResponse {
    /// The status.
    pub header: ResponseHeader,
    /// The session.
    pub transaction_id: String,
    /// `30`.
    pub server_signed1: Base64,
    /// `5F37`.
    pub server_signature1: Base64,
    /// `04`.
    #[serde(rename = "euiccCiPKIdToBeUsed")]
    pub euicc_ci_pk_id_to_be_used: Base64,
    /// CERT.DPauth.
    pub server_certificate: Base64,
}

/// Request of `authenticateClient`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticateClientRequest {
    /// The session.
    pub transaction_id: String,
    /// `BF38`.
    pub authenticate_server_response: Base64,
}

/// Response of `authenticateClient`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticateClientResponse {
    /// The status.
    pub header: ResponseHeader,
    /// The session.
    pub transaction_id: String,
    /// `BF25`.
    pub profile_metadata: Base64,
    /// `30`.
    pub smdp_signed2: Base64,
    /// `5F37`.
    pub smdp_signature2: Base64,
    /// CERT.DPpb.
    pub smdp_certificate: Base64,
}

/// Request of `getBoundProfilePackage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetBoundProfilePackageRequest {
    /// The session.
    pub transaction_id: String,
    /// `BF21`.
    pub prepare_download_response: Base64,
}

/// Response of `getBoundProfilePackage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetBoundProfilePackageResponse {
    /// The status.
    pub header: ResponseHeader,
    /// The session.
    pub transaction_id: String,
    /// `BF36`.
    pub bound_profile_package: Base64,
}

/// Request of `handleNotification`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandleNotificationRequest {
    /// `BF37` or `30`.
    pub pending_notification: Base64,
}

/// Request of `cancelSession`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelSessionRequest {
    /// The session.
    pub transaction_id: String,
    /// `BF41`.
    pub cancel_session_response: Base64,
}

/// A response that has a header only: every failure, and success of `cancelSession`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderOnly {
    /// The status.
    pub header: ResponseHeader,
}
