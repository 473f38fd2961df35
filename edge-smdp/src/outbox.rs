//! Messages that leave the server after a change has happened, and are sent again
//! until they are acknowledged: callbacks to the operator (ES2+), events at SM-DSs
//! (ES12), and subscribers of whom the network is told.
//!
//! A change and its messages are kept in one step ([`crate::profile::Pending`]), so that
//! none is lost and none tells of what did not happen. The object that keeps them
//! sends them when they are due ([`crate::SmDp::tend`]): those of one profile one after
//! the other, in the order in which they came to be.
//!
//! | answer | and then |
//! | --- | --- |
//! | 2xx with a function execution status that is a success, or without a body | acknowledged |
//! | 2xx with anything else | from the operator: acknowledged, from an SM-DS: again |
//! | 200, `Failed` for now (reason 4.2 or 5.1) | again |
//! | 200, `Failed` otherwise | the peer has it and wants none of it: given up, noted in the journal |
//! | no answer, any other status | again |
//!
//! The network answers with a status alone:
//!
//! | status | and then |
//! | --- | --- |
//! | 2xx; 404 to a withdrawal | acknowledged |
//! | 401, 403, 408, 425, 429 | again: it is not the subscriber that it does not want |
//! | any other 4xx | given up, noted in the journal |
//! | no answer, any other status | again |
//!
//! Again: after 10 seconds, then twice as long each time up to six hours, each time
//! a little more or less. After [`PATIENCE`] the message is given up, and the journal
//! says so.

use rsp::es2::{HandleDownloadProgressInfoRequest, HandleNotificationRequest};
use rsp::es9::{Base64, HeaderOnly};
use rsp::es12::DeleteEventRequest;
use rsp::status::{FunctionExecutionStatus, RequestHeader, StatusCode};
use rsp::{Eid, Iccid, Imsi, MatchingId, Oid};
use serde::{Deserialize, Serialize};

use crate::profile::EventKind;
use crate::wire::text;

/// How long a message is kept trying, in seconds.
pub const PATIENCE: u64 = 30 * 24 * 3600;
/// The longest time between two attempts, in seconds.
const LONGEST_PAUSE: u64 = 6 * 3600;
/// The first pause, in seconds; every further one is twice as long.
const FIRST_PAUSE: u64 = 10;
/// How much of what a peer says is kept, in bytes.
const MOST_OF_WORDS: usize = 200;

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Message {
    /// ES2+.HandleDownloadProgressInfo (SGP.22 §5.3.5).
    DownloadProgress {
        /// When it happened, in seconds since 1970.
        at: u64,
        /// The step: [`rsp::es2::notification_point`].
        point: u32,
        /// How it ended.
        status: FunctionExecutionStatus,
        /// The eUICC, where it is known.
        #[serde(with = "text::option", default)]
        eid: Option<Eid>,
        /// The profile's type, where it has one.
        profile_type: Option<String>,
        /// `BF27`, where there is one.
        #[serde(default)]
        result_data: Option<Base64>,
    },
    /// ES2+.HandleNotification: enabled, disabled, deleted.
    ProfileEvent {
        /// When the report arrived, in seconds since 1970.
        at: u64,
        /// What it reports.
        event: EventKind,
        /// The eUICC that signed it.
        #[serde(with = "text")]
        eid: Eid,
        /// The profile's type, where it has one.
        profile_type: Option<String>,
    },
    /// ES12.DeleteEvent (SGP.22 §5.8.3).
    DeleteEvent {
        /// When it came to be, in seconds since 1970.
        at: u64,
        /// Not to be sent before that, in seconds since 1970.
        not_before: u64,
        /// Where the event is registered.
        smds_address: String,
        /// The eUICC that it is for.
        #[serde(with = "text")]
        eid: Eid,
        /// The event.
        #[serde(with = "text")]
        event_id: MatchingId,
    },
    /// The network is to serve the profile's subscriber. The keys are not here: they are taken
    /// from the profile's record when it is sent.
    FeedSubscriber {
        /// When it came to be, in seconds since 1970.
        at: u64,
        /// Whom.
        #[serde(with = "text")]
        imsi: Imsi,
        /// [`crate::profile::Subscription::word`].
        word: u64,
        /// Whether the network was not told of this subscriber before.
        is_first: bool,
    },
    /// The network is to serve the subscriber no longer.
    WithdrawSubscriber {
        /// When it came to be, in seconds since 1970.
        at: u64,
        /// Whom.
        #[serde(with = "text")]
        imsi: Imsi,
        /// [`crate::profile::Subscription::word`].
        word: u64,
    },
}

impl Message {
    /// Whether the operator is told.
    #[must_use]
    pub const fn is_for_operator(&self) -> bool {
        matches!(self, Self::DownloadProgress { .. } | Self::ProfileEvent { .. })
    }

    /// Whether the network is told.
    #[must_use]
    pub const fn is_for_network(&self) -> bool {
        matches!(self, Self::FeedSubscriber { .. } | Self::WithdrawSubscriber { .. })
    }

    /// The function that carries it.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        match self {
            Self::DownloadProgress { .. } => "handleDownloadProgressInfo",
            Self::ProfileEvent { .. } => "handleNotification",
            Self::DeleteEvent { .. } => "deleteEvent",
            Self::FeedSubscriber { .. } => "feedSubscriber",
            Self::WithdrawSubscriber { .. } => "withdrawSubscriber",
        }
    }

    /// When it came to be, in seconds since 1970.
    #[must_use]
    pub const fn since(&self) -> u64 {
        match self {
            Self::DownloadProgress { at, .. }
            | Self::ProfileEvent { at, .. }
            | Self::DeleteEvent { at, .. }
            | Self::FeedSubscriber { at, .. }
            | Self::WithdrawSubscriber { at, .. } => *at,
        }
    }

    /// Before when it is not to be sent, in seconds since 1970.
    #[must_use]
    pub const fn not_before(&self) -> u64 {
        match self {
            Self::DeleteEvent { not_before, .. } => *not_before,
            _ => self.since(),
        }
    }
}

/// A message that was not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its name in the store.
    pub id: String,
    /// The profile that it is about.
    pub iccid: Iccid,
    /// What it says.
    pub message: Message,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is to be sent, in seconds since 1970.
    pub due: u64,
    /// What became of the last attempt.
    pub last_error: Option<String>,
}

impl Outgoing {
    /// The request, from the server with this OID; empty for the network, whose requests have keys
    /// and are made elsewhere. The call has the same name in every attempt.
    ///
    /// # Errors
    /// None in practice: what the encoder says.
    pub(crate) fn json(&self, oid: &Oid) -> Result<String, serde_json::Error> {
        let header = RequestHeader {
            function_requester_identifier: oid.to_string(),
            function_call_identifier: format!("{}-{}", self.id, self.message.since()),
        };
        let iccid = self.iccid.to_string();
        match &self.message {
            Message::DownloadProgress { at, point, status, eid, profile_type, result_data } => {
                serde_json::to_string(&HandleDownloadProgressInfoRequest {
                    header,
                    eid: eid.map(|eid| eid.to_string()),
                    iccid,
                    profile_type: profile_type.clone().unwrap_or_default(),
                    timestamp: timestamp(*at),
                    notification_point_id: *point,
                    notification_point_status: status.clone(),
                    result_data: result_data.clone(),
                })
            }
            Message::ProfileEvent { at, event, eid, profile_type } => {
                let notification_event = match event {
                    EventKind::Enabled => "enable",
                    EventKind::Disabled => "disable",
                    EventKind::Deleted => "delete",
                    other => other.name(),
                };
                serde_json::to_string(&HandleNotificationRequest {
                    header,
                    eid: eid.to_string(),
                    iccid,
                    profile_type: profile_type.clone().unwrap_or_default(),
                    timestamp: timestamp(*at),
                    notification_event: notification_event.to_owned(),
                    notification_event_status: FunctionExecutionStatus::success(),
                })
            }
            Message::DeleteEvent { eid, event_id, .. } => serde_json::to_string(&DeleteEventRequest {
                header,
                eid: eid.to_string(),
                event_id: event_id.as_str().to_owned(),
            }),
            Message::FeedSubscriber { .. } | Message::WithdrawSubscriber { .. } => Ok(String::new()),
        }
    }
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was acknowledged, or is given up.
    Acknowledged,
    /// It is to be sent again, and those of the same profile behind it not before it.
    Again {
        /// When, in seconds since 1970.
        due: u64,
        /// Why.
        because: String,
    },
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It was done.
    Done,
    /// It may be done another time: why not now.
    Later(String),
    /// The same, and the peer has nothing to do with it: it was not asked.
    NotAsked(String),
    /// It will not be done: subject code, reason code, and why.
    Refused(String, String, String),
}

/// Reads an answer, or what kept it from coming. `needs_header`: what is no answer of
/// the standard's is none.
pub(crate) fn reply(answer: Result<(u16, Vec<u8>), String>, needs_header: bool) -> Reply {
    let (status, body) = match answer {
        Ok(answer) => answer,
        Err(error) => return Reply::Later(words(&error)),
    };
    if !(200..300).contains(&status) {
        return Reply::Later(format!("HTTP status {status}"));
    }
    let Ok(HeaderOnly { header }) = serde_json::from_slice(&body) else {
        let is_answer = body.is_empty() || !needs_header;
        return if is_answer { Reply::Done } else { Reply::Later("an answer without a header".into()) };
    };
    if header.is_success() {
        return Reply::Done;
    }
    let status = header.function_execution_status;
    let Some(data) = status.status_code_data else {
        return Reply::Later(words(&status.status));
    };
    let said = format!("{}/{} {}", data.subject_code, data.reason_code, data.message.unwrap_or_default());
    match data.reason_code.as_str() {
        "4.2" | "5.1" => Reply::Later(words(&said)),
        _ => Reply::Refused(data.subject_code, data.reason_code, words(&said)),
    }
}

/// Reads an answer of the network; `is_gone`: what is not there is withdrawn.
pub(crate) fn network_reply(answer: Result<(u16, Vec<u8>), String>, is_gone: bool) -> Reply {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Problem {
        because: String,
    }
    let (status, body) = match answer {
        Ok(answer) => answer,
        Err(error) => return Reply::Later(words(&error)),
    };
    let said = format!("HTTP status {status}");
    match status {
        200..=299 => Reply::Done,
        404 if is_gone => Reply::Done,
        401 | 403 | 408 | 425 | 429 => Reply::Later(said),
        400..=499 => {
            // Its refusals never quote what they refuse.
            let Problem { because } = serde_json::from_slice(&body).unwrap_or_default();
            Reply::Refused(String::new(), String::new(), words(&format!("{said} {because}")))
        }
        _ => Reply::Later(said),
    }
}

impl Reply {
    /// Whether it is a refusal with this code.
    pub(crate) fn is(&self, code: StatusCode) -> bool {
        matches!(self, Self::Refused(subject, reason, _) if subject == code.subject && reason == code.reason)
    }
}

/// What a peer said, short enough to be kept.
fn words(text: &str) -> String {
    let mut end = text.len().min(MOST_OF_WORDS);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().trim().to_owned()
}

/// Seconds to wait after this many attempts.
#[must_use]
pub const fn pause(attempts: u32) -> u64 {
    let doubled = if attempts > 16 { u64::MAX } else { FIRST_PAUSE << attempts };
    if doubled < LONGEST_PAUSE { doubled } else { LONGEST_PAUSE }
}

/// The same between three quarters and five quarters of it, so that what failed at once
/// does not come again at once.
#[must_use]
pub(crate) fn uneven_pause(attempts: u32, chance: u8) -> u64 {
    pause(attempts) * (384 + u64::from(chance)) / 512
}

/// Seconds since 1970 as `YYYY-MM-DDThh:mm:ssZ` (ISO 8601).
fn timestamp(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Eras of 400 years that begin in March: the day that is not always there is last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `date -u -d @seconds +%FT%TZ` says.
    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(seconds), text);
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let ok = |status: u16, body: &str| reply(Ok((status, body.as_bytes().to_vec())), false);
        let strict = |status: u16, body: &str| reply(Ok((status, body.as_bytes().to_vec())), true);
        let failed = |code: &str| {
            let (subject, reason) = code.split_once('/').unwrap();
            format!(
                r#"{{"header":{{"functionExecutionStatus":{{"status":"Failed","statusCodeData":
                {{"subjectCode":"{subject}","reasonCode":"{reason}","message":"no"}}}}}}}}"#
            )
        };
        let success = r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}}}"#;
        for (status, body) in [(204, ""), (200, ""), (200, success), (202, "<html>"), (200, "{}")] {
            assert_eq!(ok(status, body), Reply::Done, "{status} {body}");
        }
        for (status, body) in [(204, ""), (200, success)] {
            assert_eq!(strict(status, body), Reply::Done, "{status} {body}");
        }
        for body in ["<html>", "{}"] {
            assert!(matches!(strict(200, body), Reply::Later(_)), "{body}");
        }
        for status in [100, 301, 302, 400, 401, 404, 429, 500, 503] {
            assert!(matches!(ok(status, success), Reply::Later(_)), "{status}");
        }
        for code in ["8.9/4.2", "8.9/5.1"] {
            assert!(matches!(ok(200, &failed(code)), Reply::Later(_)), "{code}");
        }
        assert!(ok(200, &failed("8.9.5/3.9")).is(StatusCode::SMDS_EVENT_UNKNOWN));
        assert!(
            matches!(reply(Err("ä".repeat(500)), false), Reply::Later(words) if words.len() <= MOST_OF_WORDS)
        );
    }

    #[test]
    fn pauses_grow_to_their_limit() {
        assert_eq!([0, 1, 2, 10].map(pause), [10, 20, 40, 10_240]);
        for attempts in [12, 13, 17, 1000, u32::MAX] {
            assert_eq!(pause(attempts), LONGEST_PAUSE);
        }
        assert_eq!([0, 255].map(|chance| uneven_pause(0, chance)), [7, 12]);
    }
}
