//! ES12 over HTTP: events that an SM-DP+ registers at an SM-DS for an eUICC to find
//! (SGP.22 §5.8, §6.5.2).

use serde::{Deserialize, Serialize};

use crate::status::RequestHeader;

/// Path of ES12 functions; the function's name follows.
pub const PATH: &str = "/gsma/rsp2/es12/";

/// Request of `registerEvent`. The response has a header only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterEventRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The eUICC that the event is for: 32 digits.
    pub eid: String,
    /// The server that has something for it.
    pub rsp_server_address: String,
    /// Unique for the server; the matching id of the order.
    pub event_id: String,
    /// Whether an alternative SM-DS registers the event at the root SM-DS as well.
    pub forwarding_indicator: bool,
}

/// Request of `deleteEvent`. The response has a header only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteEventRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The eUICC that the event was for.
    pub eid: String,
    /// The event.
    pub event_id: String,
}
