//! What a session and its subscriber have used, and whether there is more.
//!
//! Bytes are those of bodies; what else is passed on is bounded for each request
//! ([`crate::gateway`]). A request leaves only if there is room for all of it, and is counted
//! before it does; its answer goes on only if there is room for all of that, and is counted
//! before it does ([`Session::charge`]). Both are decided where the subscriber is, one after the
//! other: however many requests are under way, no byte goes over a limit.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::line::Session;
use crate::gateway::PATIENCE;
use crate::policy::Limits;
use crate::policy::document::UsedToday;
use crate::refusal::{Cause, Kind, Refusal};

/// Most requests of a session that wait for their answers.
pub const MAX_UNDER_WAY: usize = 8;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// What a session has used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    requests: u64,
    refused: u64,
    bytes_up: u64,
    bytes_down: u64,
    /// When the minute of the last request began, and the requests in it.
    minute: Timestamp,
    in_minute: u64,
    /// Until when the answers of requests are waited for, oldest first.
    under_way: Vec<Timestamp>,
}

/// What a subscriber has used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tally {
    day: u64,
    today: UsedToday,
    total: Total,
}

/// What a subscriber has used since it is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Total {
    /// Sessions that began.
    pub attaches: u64,
    /// Requests that were let out.
    pub requests: u64,
    /// Requests and answers that a limit kept in.
    pub refused: u64,
    /// Bytes from the terminal.
    pub bytes_up: u64,
    /// Bytes to the terminal.
    pub bytes_down: u64,
}

impl Tally {
    /// What has been used on the day of `now`. A day that has begun is not over because a clock
    /// is behind the one before it.
    pub(super) fn today(&self, now: Timestamp) -> UsedToday {
        if now / DAY <= self.day { self.today } else { UsedToday::default() }
    }

    /// Counts a session.
    pub(super) fn attached(&mut self, now: Timestamp) {
        self.turn(now);
        self.today.attaches = self.today.attaches.saturating_add(1);
        self.total.attaches = self.total.attaches.saturating_add(1);
    }

    /// Counts bytes that another gateway let through, in which direction it does not say.
    pub(super) fn count(&mut self, bytes: u64, now: Timestamp) {
        self.turn(now);
        self.today.bytes = self.today.bytes.saturating_add(bytes);
        self.total.bytes_down = self.total.bytes_down.saturating_add(bytes);
    }

    fn turn(&mut self, now: Timestamp) {
        self.today = self.today(now);
        self.day = self.day.max(now / DAY);
    }
}

impl Session {
    /// Lets a request out that carries `bytes`, if there is enough left, and counts it.
    ///
    /// # Errors
    /// [`Kind::TooMany`], with the rule that set the limit.
    pub(super) fn admit(&mut self, tally: &mut Tally, bytes: u64, now: Timestamp) -> Result<(), Refusal> {
        tally.turn(now);
        self.usage.under_way.retain(|until| now < *until);
        if now.saturating_sub(self.usage.minute) >= MINUTE {
            (self.usage.minute, self.usage.in_minute) = (now, 0);
        }
        let Limits { requests_per_minute, .. } = self.limits;
        let Usage { bytes_up, in_minute, .. } = self.usage;
        let because = if let Some(most) = requests_per_minute.filter(|most| in_minute >= *most) {
            format!("the limit of {most} requests a minute is reached")
        } else if self.usage.under_way.len() >= MAX_UNDER_WAY {
            format!("{MAX_UNDER_WAY} requests wait for their answers already")
        } else if let Some(because) = self.no_room(tally, bytes.max(1)) {
            because
        } else {
            let until = now.saturating_add(u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX));
            self.usage.under_way.push(until);
            self.usage.in_minute += 1;
            self.usage.requests = self.usage.requests.saturating_add(1);
            tally.total.requests = tally.total.requests.saturating_add(1);
            self.usage.bytes_up = bytes_up.saturating_add(bytes);
            tally.total.bytes_up = tally.total.bytes_up.saturating_add(bytes);
            tally.today.bytes = tally.today.bytes.saturating_add(bytes);
            return Ok(());
        };
        Err(self.kept_in(tally, because))
    }

    /// Lets an answer of `bytes` go on, if there is enough left, and counts it; `None` where none
    /// has come that could.
    ///
    /// # Errors
    /// [`Kind::TooMany`], with the rule that set the limit: nothing of the answer may go on.
    pub(super) fn charge(
        &mut self,
        tally: &mut Tally,
        bytes: Option<u64>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        tally.turn(now);
        if !self.usage.under_way.is_empty() {
            self.usage.under_way.remove(0);
        }
        let Some(bytes) = bytes else { return Ok(()) };
        if let Some(because) = self.no_room(tally, bytes) {
            return Err(self.kept_in(tally, because));
        }
        self.usage.bytes_down = self.usage.bytes_down.saturating_add(bytes);
        tally.total.bytes_down = tally.total.bytes_down.saturating_add(bytes);
        tally.today.bytes = tally.today.bytes.saturating_add(bytes);
        Ok(())
    }

    /// Why there is no room for so many bytes more, if there is none.
    fn no_room(&self, tally: &Tally, bytes: u64) -> Option<String> {
        let Usage { bytes_up, bytes_down, .. } = self.usage;
        let over = |most: Option<u64>, used: u64| {
            let most = most.filter(|most| used.saturating_add(bytes) > *most)?;
            Some((most, used < most))
        };
        let words = |(most, some_left): (u64, bool), of: &str| {
            let is = if some_left { "has not enough left" } else { "is reached" };
            format!("the limit of {most} bytes a {of} {is}")
        };
        let of_session = over(self.limits.bytes, bytes_up.saturating_add(bytes_down));
        let of_day = over(self.limits.bytes_per_day, tally.today.bytes);
        of_session.map(|over| words(over, "session")).or_else(|| of_day.map(|over| words(over, "day")))
    }

    /// Counts what a limit keeps in.
    fn kept_in(&mut self, tally: &mut Tally, because: String) -> Refusal {
        self.usage.refused = self.usage.refused.saturating_add(1);
        tally.total.refused = tally.total.refused.saturating_add(1);
        Refusal {
            rule: Some(self.view.apn.rule.clone()),
            ..Refusal::new(Kind::TooMany, because).with_cause(Cause::InsufficientResources)
        }
    }

    /// What has been used, and of how much.
    pub(super) fn usage(&self) -> UsageView {
        let Usage { requests, refused, bytes_up, bytes_down, .. } = self.usage;
        UsageView { requests, refused, bytes_up, bytes_down, of: self.limits }
    }
}

/// What a session has used, and of how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageView {
    /// Requests that were let out.
    pub requests: u64,
    /// Requests and answers that a limit kept in.
    pub refused: u64,
    /// Bytes from the terminal.
    pub bytes_up: u64,
    /// Bytes to the terminal.
    pub bytes_down: u64,
    /// The limits that the policy set; what is not there is not limited.
    pub of: Limits,
}

/// What a subscriber has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriberUsage {
    /// Whose.
    pub imsi: String,
    /// On this day (UTC).
    pub today: UsedToday,
    /// Since it is a subscriber.
    pub total: Total,
    /// In its session, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session: Option<UsageView>,
}

impl SubscriberUsage {
    pub(super) fn of(imsi: String, tally: &Tally, session: Option<&Session>, now: Timestamp) -> Self {
        Self { imsi, today: tally.today(now), total: tally.total, session: session.map(Session::usage) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_gives_no_second_day() {
        let mut tally = Tally::default();
        tally.count(7, DAY);
        tally.count(8, DAY - 1);
        assert_eq!((tally.today(DAY).bytes, tally.today(DAY - 1).bytes), (15, 15));
        tally.count(1, 2 * DAY);
        assert_eq!(tally.today(2 * DAY).bytes, 1);
    }
}
