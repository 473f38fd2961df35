//! ES11 over HTTP: what an LPA asks an SM-DS (SGP.22 §5.8, §6.5.2). The functions have the
//! names, the path and the requests of ES9+; the answer to `authenticateClient` differs.

use serde::{Deserialize, Serialize};

use crate::status::ResponseHeader;

/// Path of ES11 functions, which is that of ES9+.
pub const PATH: &str = crate::es9::PATH;

/// Response of `authenticateClient` of an SM-DS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticateClientResponse {
    /// The status.
    pub header: ResponseHeader,
    /// The session.
    pub transaction_id: String,
    /// What waits for the eUICC; empty for nothing.
    pub event_entries: Vec<EventEntry>,
}

/// An event that waits for an eUICC (`EventEntries`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventEntry {
    /// Names the event at the server: the matching id of the download.
    pub event_id: String,
    /// The SM-DP+ that has the profile, or the next SM-DS.
    pub rsp_server_address: String,
}
