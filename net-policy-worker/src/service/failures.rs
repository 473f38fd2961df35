//! How often a wrong answer is judged: so often that guessing leads nowhere, and in such a way
//! that who guesses gets in nobody's way but their own.
//!
//! Each wrong answer is counted against the lane that the attach came by: the address it came
//! from, or, where it named the subscriber by the present GUTI, one of its own, since nobody but
//! the subscriber has that. A lane that is used up is told to come again when its time is over
//! (EMM or 5GMM cause 22 with T3346). All lanes together are limited too, but for the two that
//! are known to be the subscriber's: the GUTI's, and the address of its last attach.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use crate::refusal::{Cause, Kind, Refusal};

/// For how long a failure counts, in milliseconds.
pub const FAILURE_WINDOW: u64 = 10 * 60_000;

/// Wrong answers by one lane in that time.
pub const LANE_FAILURES: u32 = 5;

/// Wrong answers by all lanes in that time.
pub const ALL_FAILURES: u32 = 60;

/// The lane of the subscriber that names itself by its GUTI.
pub(super) const BY_GUTI: &str = "guti";

/// The wrong answers of the last ten minutes, by lane. As a lane is here only with a failure,
/// there are never many more than [`ALL_FAILURES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Failures(Vec<Lane>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lane {
    lane: String,
    count: u32,
    since: Timestamp,
}

impl Lane {
    const fn ends(&self) -> Timestamp {
        self.since.saturating_add(FAILURE_WINDOW)
    }
}

impl Failures {
    /// Lets a lane through or says when to come again. `known` is the address of the
    /// subscriber's last attach.
    pub(super) fn admit(&mut self, lane: &str, known: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
        self.0.retain(|lane| now < lane.ends());
        let own = self.0.iter().find(|own| own.lane == lane);
        if let Some(own) = own.filter(|own| own.count >= LANE_FAILURES) {
            return Err(congestion(own.ends(), now, "too many wrong answers came from there"));
        }
        let all: u32 = self.0.iter().map(|lane| lane.count).sum();
        let is_known = lane == BY_GUTI || known == Some(lane);
        match self.0.iter().map(Lane::ends).min() {
            Some(first) if all >= ALL_FAILURES && !is_known => {
                Err(congestion(first, now, "too many wrong answers came for this subscriber"))
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong answer.
    pub(super) fn count(&mut self, lane: &str, now: Timestamp) {
        match self.0.iter_mut().find(|own| own.lane == lane) {
            Some(own) => own.count = own.count.saturating_add(1),
            None => self.0.push(Lane { lane: lane.to_owned(), count: 1, since: now }),
        }
    }

    /// The lane has proven itself.
    pub(super) fn forgive(&mut self, lane: &str) {
        self.0.retain(|own| own.lane != lane);
    }
}

fn congestion(until: Timestamp, now: Timestamp, because: &str) -> Refusal {
    let seconds = until.saturating_sub(now).div_ceil(1000).max(1);
    Refusal {
        back_off: Some(seconds),
        ..Refusal::new(Kind::TooMany, format!("{because}: come again later")).with_cause(Cause::Congestion)
    }
}
