//! The JSON of the operator's interface (`edge-smdp/openapi.json`), read tolerantly: a
//! newer server may say more.

use serde::{Deserialize, Serialize};

use crate::state::ProfileState;

/// Path of the interface.
pub const ROOT: &str = "/operator/";

/// The most orders that are taken at once (`POST /operator/orders`).
pub const MAX_ORDERS: usize = 80;

/// RFC 9457.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What kind.
    pub title: String,
    /// What exactly.
    pub detail: String,
}

/// SGP.22 §5.2.6.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatusCodeData {
    /// Dotted numbers.
    pub subject_code: String,
    /// Dotted numbers.
    pub reason_code: String,
    /// For people.
    pub message: String,
}

/// A profile and its order, in lists. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct ProfileLine {
    pub iccid: String,
    pub state: ProfileState,
    #[serde(default)]
    pub profile_type: Option<String>,
    #[serde(default)]
    pub service_provider_name: String,
    #[serde(default)]
    pub profile_name: String,
    #[serde(default)]
    pub profile_class: String,
    #[serde(default)]
    pub eid: Option<String>,
    #[serde(default)]
    pub matching_id: Option<String>,
    #[serde(default)]
    pub activation_code: Option<String>,
    #[serde(default)]
    pub confirmation_code_required: bool,
    #[serde(default)]
    pub download_attempts: u64,
    #[serde(default)]
    pub package_length: u64,
    #[serde(default)]
    pub smds_address: Option<String>,
    #[serde(default)]
    pub expires: Option<u64>,
    /// Of the subscriber: `off`, `pending`, `fed`, `refused`.
    #[serde(default)]
    pub network: Option<String>,
    #[serde(default)]
    pub changed: u64,
    /// What looks mistyped.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// `GET /operator/profiles`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ProfilePage {
    /// The latest change first.
    pub profiles: Vec<ProfileLine>,
    /// Cursor of the next page.
    #[serde(default)]
    pub next: Option<String>,
}

/// What happened to a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct Event {
    pub at: u64,
    pub event: String,
    #[serde(default)]
    pub detail: Option<String>,
    #[serde(default)]
    pub eid: Option<String>,
    #[serde(default)]
    pub by: Option<String>,
    #[serde(default)]
    pub seq_number: Option<i64>,
    /// In the server's log.
    #[serde(default)]
    pub iccid: Option<String>,
}

/// `GET /operator/orders/{iccid}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OrderDetail {
    /// As in lists.
    #[serde(flatten)]
    pub line: ProfileLine,
    /// Oldest first.
    #[serde(default)]
    pub events: Vec<Event>,
    /// What eUICCs reported; of the shape of an event.
    #[serde(default)]
    pub notifications: Vec<Event>,
}

/// `GET /operator/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct EventPage {
    /// The latest first.
    pub events: Vec<Event>,
    /// Cursor of the next page.
    #[serde(default)]
    pub next: Option<String>,
}

/// `GET /operator/notifications`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NotificationPage {
    /// The latest first.
    pub notifications: Vec<Event>,
    /// Cursor of the next page.
    #[serde(default)]
    pub next: Option<String>,
}

/// `GET /operator/outbox`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Outbox {
    /// What waits.
    pub messages: Vec<OutgoingMessage>,
}

/// A message that was not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct OutgoingMessage {
    pub id: String,
    pub function: String,
    #[serde(default)]
    pub iccid: Option<String>,
    #[serde(default)]
    pub attempts: u64,
    pub due: u64,
    #[serde(default)]
    pub last_error: Option<String>,
}

/// An order to make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct NewOrder {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smds_address: Option<String>,
    pub release: bool,
}

/// `POST /operator/orders`.
#[derive(Clone, Debug, Serialize)]
pub struct NewOrders<'a> {
    /// At most [`MAX_ORDERS`].
    pub orders: &'a [NewOrder],
}

/// What became of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct OrderResult {
    pub iccid: Option<String>,
    pub state: Option<ProfileState>,
    pub matching_id: Option<String>,
    pub activation_code: Option<String>,
    pub refused: Option<StatusCodeData>,
}

/// The answer to [`NewOrders`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OrderResults {
    /// In the order of the request.
    pub results: Vec<OrderResult>,
}

/// `POST /operator/orders/{iccid}/cancel`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    /// `Available` or `Unavailable`.
    pub final_profile_status_indicator: ProfileState,
}

/// What the eUICC shows of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct Metadata {
    pub service_provider_name: String,
    pub profile_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_address: Option<String>,
}

/// What device and eUICC must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct Requirements {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tacs: Vec<String>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub device_capabilities: std::collections::BTreeMap<String, u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_svn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_profile_version: Option<String>,
}

impl Requirements {
    /// Whether nothing is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ProfileType {
    /// The class of its profiles, wherever the server says it.
    #[must_use]
    pub fn class(&self) -> Option<&str> {
        let of_metadata = self.metadata.as_ref().and_then(|metadata| metadata.profile_class.as_deref());
        self.profile_class.as_deref().or(of_metadata)
    }
}

/// A template and what is personalised in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct ProfileType {
    pub name: String,
    #[serde(skip_serializing)]
    pub built_in: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing)]
    pub profile_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Base64; only in requests.
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub package: Option<String>,
    #[serde(skip_serializing)]
    pub package_length: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub personalised: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirements: Option<Requirements>,
}

/// `GET /operator/profile-types`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileTypes {
    /// Built in and uploaded.
    pub profile_types: Vec<ProfileType>,
}

/// What became of a subscriber of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct BatchResult {
    pub row: u64,
    #[serde(default)]
    pub iccid: Option<String>,
    pub status: String,
    #[serde(default)]
    pub detail: Option<String>,
}

/// `POST /operator/subscribers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct BatchReport {
    /// One for each subscriber.
    pub results: Vec<BatchResult>,
}

/// Certificates of one CI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct Credential {
    pub ci_pk_id: String,
    pub curve: Option<String>,
    pub dp_auth_not_after: Option<u64>,
    pub dp_pb_not_after: Option<u64>,
    pub valid: Option<bool>,
}

/// `GET /operator/health`; says 503 with the same body when it can't serve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct Health {
    pub status: String,
    pub oid: String,
    pub addresses: Vec<String>,
    pub operator: Option<bool>,
    pub warnings: Vec<String>,
    pub credentials: Vec<Credential>,
    /// `open` or `certificate`.
    pub admission: Option<String>,
    /// All of the server's own; with these the dates of `credentials` are said twice.
    pub certificates: Vec<Certificate>,
    pub revocation_lists: Vec<RevocationList>,
}

/// A certificate of the server or above it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct Certificate {
    pub name: String,
    pub not_before: u64,
    pub not_after: u64,
}

/// A list of revoked certificates that the server has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "names of the interface, described there")]
pub struct RevocationList {
    pub issuer: String,
    pub this_update: u64,
    pub next_update: Option<u64>,
    pub revoked: u64,
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_a_newer_server_adds_is_no_error() {
        let line = r#"{"iccid":"8900000000000000001","state":"Hibernating","serviceProviderName":"a",
            "profileName":"b","profileClass":"operational","confirmationCodeRequired":false,
            "downloadAttempts":0,"packageLength":9,"changed":5,"colour":"red"}"#;
        let line: ProfileLine = serde_json::from_str(line).unwrap();
        assert_eq!(line.state, ProfileState::Other);
        assert_eq!(line.matching_id, None);
    }

    #[test]
    fn an_order_says_only_what_was_chosen() {
        let order = NewOrder { profile_type: Some("op".into()), release: true, ..NewOrder::default() };
        assert_eq!(serde_json::to_string(&order).unwrap(), r#"{"profileType":"op","release":true}"#);
        let cancel = Cancel { final_profile_status_indicator: ProfileState::Unavailable };
        let text = serde_json::to_string(&cancel).unwrap();
        assert_eq!(text, r#"{"finalProfileStatusIndicator":"Unavailable"}"#);
    }
}
