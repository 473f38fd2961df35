//! Where a subscriber stands: its sequence number, the challenges that were answered, its
//! session and its temporary identity. All of it bounded.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::challenge::Mark;
use super::failures::Failures;
use super::usage::{Tally, Usage};
use super::wire::{LogEntry, SessionView};
use crate::gateway::audit;
use crate::identity::Guti;
use crate::pcf::Association;
use crate::policy::document::UsedToday;
use crate::policy::{Connection, Limits, Situation, Version};
use crate::refusal::{Cause, Kind, Refusal};

/// Most answers to challenges that are remembered: as many proven attaches in a minute.
const MAX_ANSWERED: usize = 256;

/// Most sessions whose end is remembered.
const MAX_PAST: usize = 8;

/// Most verdicts of a session that are remembered.
pub const MAX_LOG: usize = 64;

const MINUTE: u64 = 60_000;

/// Longest text of a peer that is kept, in characters.
const MAX_TEXT: usize = 120;

/// What is kept of one subscriber besides its record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// SQN_HE: the last sequence number used.
    pub sqn: u64,
    /// Drawn when the record was written: challenges of an earlier one are void.
    pub(super) epoch: u64,
    pub(super) answered: VecDeque<Answered>,
    pub(super) failures: Failures,
    /// Where the last proven attach came from.
    pub(super) source: Option<String>,
    pub(super) guti: Option<Guti>,
    pub(super) session: Option<Session>,
    pub(super) tally: Tally,
    /// What core networks are told about it.
    pub(crate) associations: Vec<Association>,
    pub(super) past: VecDeque<Ended>,
    /// The newest version of the policy that was decided by for a core network.
    pub(super) policy: Version,
    /// The verdicts of the request that is carried out, for the record; see
    /// [`Line::take_verdicts`].
    #[serde(skip)]
    pub(super) fresh: Vec<audit::Verdict>,
}

/// A challenge that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    mark: Mark,
    expires: Timestamp,
}

/// A session and the verdicts given in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub(super) view: SessionView,
    pub(super) log: VecDeque<LogEntry>,
    /// How many verdicts have been given in it: the log ends with the one of this number.
    #[serde(default)]
    pub(super) noted: u64,
    #[serde(default)]
    pub(super) situation: Situation,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) usage: Usage,
    #[serde(default)]
    pub(super) pace: Pace,
}

/// The verdicts of a session.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a> {
    /// The session's id.
    pub session: &'a str,
    /// The last ones, oldest first; [`MAX_LOG`] at most.
    pub entries: &'a VecDeque<LogEntry>,
    /// The number of the last one; the first one of a session is 1.
    pub noted: u64,
}

impl<'a> Log<'a> {
    /// Those behind number `kept`, with their numbers.
    pub fn behind(self, kept: u64) -> impl Iterator<Item = (u64, &'a LogEntry)> {
        let first = self.noted.saturating_sub(self.entries.len() as u64).saturating_add(1);
        (first..).zip(self.entries).filter(move |(number, _)| *number > kept)
    }
}

/// How fast something is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pace {
    /// When the minute of the last question began, and the questions in it.
    minute: Timestamp,
    asked: u64,
}

impl Pace {
    /// Counts a question, whatever comes of it: how many there are in this minute.
    pub(super) fn count(&mut self, now: Timestamp) -> u64 {
        if now.saturating_sub(self.minute) >= MINUTE {
            *self = Self { minute: now, asked: 0 };
        }
        self.asked = self.asked.saturating_add(1);
        self.asked
    }
}

/// A session before, and why it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) id: String,
    pub(super) because: String,
    pub(super) at: Timestamp,
}

impl Line {
    /// The verdicts that were given since the last time, for the one who keeps the record.
    pub fn take_verdicts(&mut self) -> Vec<audit::Verdict> {
        std::mem::take(&mut self.fresh)
    }

    /// The session's verdicts, for who keeps them apart from the rest.
    #[must_use]
    pub fn log(&self) -> Option<Log<'_>> {
        let Session { view, log, noted, .. } = self.session.as_ref()?;
        // A former release did not count them.
        Some(Log { session: &view.session_id, entries: log, noted: (*noted).max(log.len() as u64) })
    }

    /// Without the session's verdicts, as JSON: what changes with every packet is small then.
    ///
    /// # Errors
    /// None in practice: what the JSON writer says.
    pub fn text_without_log(&mut self) -> serde_json::Result<String> {
        let log = self.session.as_mut().map(|session| std::mem::take(&mut session.log));
        let text = serde_json::to_string(self);
        if let (Some(session), Some(log)) = (&mut self.session, log) {
            session.log = log;
        }
        text
    }

    /// Gives back the verdicts of the session, oldest first, where it was kept without.
    pub fn restore_log(&mut self, entries: impl IntoIterator<Item = LogEntry>) {
        if let Some(session) = self.session.as_mut().filter(|session| session.log.is_empty()) {
            session.log = entries.into_iter().collect();
        }
    }

    /// The newest version of the policy that was decided by for a core network: by an older one it is not
    /// decided for one again, or an answer could undo what a notice has said.
    #[must_use]
    pub const fn decided_by_version(&self) -> Version {
        self.policy
    }

    /// Notes by which version it is decided for a core network.
    pub(super) fn decided_by(&mut self, version: Version) {
        self.policy = self.policy.max(version);
    }

    /// Puts a verdict on record that was given to somebody else than the terminal.
    pub(crate) fn record(&mut self, verdict: audit::Verdict) {
        self.fresh.push(verdict);
    }

    /// Whether the challenge `mark` was answered.
    pub(super) fn is_answered(&self, mark: &Mark) -> bool {
        self.answered.iter().any(|answered| answered.mark == *mark)
    }

    /// The challenge `mark`, which is good until `expires`, is answered.
    pub(super) fn answered(&mut self, mark: Mark, expires: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        self.answered.retain(|answered| now < answered.expires);
        if let Some(first) = self.answered.front().filter(|_| self.answered.len() >= MAX_ANSWERED) {
            let because = "the subscriber attaches too often: come again later";
            return Err(Refusal {
                back_off: Some(first.expires.saturating_sub(now).div_ceil(1000)),
                ..Refusal::new(Kind::TooMany, because).with_cause(Cause::Congestion)
            });
        }
        self.answered.push_back(Answered { mark, expires });
        Ok(())
    }

    /// Lets an attach by this lane go on, or says when to come again.
    pub(super) fn admit(&mut self, lane: &str, now: Timestamp) -> Result<(), Refusal> {
        self.failures.admit(lane, self.source.as_deref(), now)
    }

    /// The session `id`, if it is not over.
    pub(super) fn session(&mut self, id: &str, now: Timestamp) -> Result<&Session, Refusal> {
        self.session_mut(id, now).map(|session| &*session)
    }

    /// The session `id`, if it is not over.
    pub(super) fn session_mut(&mut self, id: &str, now: Timestamp) -> Result<&mut Session, Refusal> {
        if self.session.as_ref().is_some_and(|session| now >= session.view.expires) {
            self.end("its time is up", now);
        }
        match &mut self.session {
            Some(session) if session.view.session_id == id => Ok(session),
            _ => Err(self.past.iter().find(|ended| ended.id == id).map_or_else(no_session, Ended::refusal)),
        }
    }

    /// What has been used on the day of `now`.
    pub(crate) fn used_today(&self, now: Timestamp) -> UsedToday {
        self.tally.today(now)
    }

    /// Counts bytes that another gateway let through.
    pub(crate) fn tally_used(&mut self, bytes: u64, now: Timestamp) {
        self.tally.count(bytes, now);
    }

    /// Ends the session, if there is one.
    pub(super) fn end(&mut self, because: &str, now: Timestamp) {
        if let Some(session) = self.session.take() {
            if self.past.len() >= MAX_PAST {
                self.past.pop_front();
            }
            self.past.push_back(Ended { id: session.view.session_id, because: because.to_owned(), at: now });
        }
    }
}

impl Session {
    pub(super) fn new(view: SessionView, situation: Situation, connection: &Connection) -> Self {
        Self {
            view,
            log: VecDeque::new(),
            noted: 0,
            situation,
            limits: connection.limits,
            usage: Usage::default(),
            pace: Pace::default(),
        }
    }

    /// The session as the terminal sees it now.
    pub(super) fn shown(&self) -> SessionView {
        SessionView { usage: Some(self.usage()), ..self.view.clone() }
    }

    /// Remembers a verdict; the oldest of too many is forgotten.
    /// `version` is that of the policy.
    pub(super) fn note(
        &mut self,
        at: Timestamp,
        what: &str,
        verdict: &str,
        because: &str,
        rule: &str,
        version: Version,
    ) {
        self.noted = self.noted.max(self.log.len() as u64).saturating_add(1);
        if self.log.len() >= MAX_LOG {
            self.log.pop_front();
        }
        self.log.push_back(LogEntry {
            at,
            what: bounded(what),
            verdict: verdict.to_owned(),
            because: because.to_owned(),
            rule: rule.to_owned(),
            version,
        });
    }
}

impl Ended {
    /// What is told about a session that was.
    fn refusal(&self) -> Refusal {
        Refusal::new(Kind::Ended, format!("this session has ended: {}", self.because))
    }
}

pub(super) fn no_session() -> Refusal {
    Refusal::new(Kind::Unknown, "there is no such session")
}

/// A peer's text, cut where it is too long to keep.
pub(super) fn bounded(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}
