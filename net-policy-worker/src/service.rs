//! What the network does for one subscriber: attach, challenge, session, verdicts.
//!
//! [`perform`] is all of it: a function of the subscriber's state, a request, the time
//! and some chance. It reaches nothing else. A [`crate::store::Store`] calls it for one
//! request of a subscriber at a time and keeps the state before it lets the answer out.

mod attach;
mod line;
mod record;
mod traffic;
mod usage;
mod wire;

pub use line::{Line, Session};
pub use record::MAX_QUESTIONS;
pub use usage::{MAX_UNDER_WAY, SubscriberUsage, Total, UsageView};
pub use wire::{
    Answer, ApnView, Challenge, LogEntry, Proof, Record, Request, Route, ServiceKind, ServicesView,
    SessionView, VerdictView,
};

use attach::{attach, no_challenge, respond};
use traffic::{dns, http, service};

use crate::policy::document::UsedToday;
use crate::policy::{Decision, Facts, Policy, Question, Situation};
use crate::refusal::{Cause, Kind, Refusal};
use crate::subscriber::Subscriber;

/// Milliseconds since 1970.
pub type Timestamp = u64;

/// How long a terminal may take to answer a challenge.
pub const CHALLENGE_LIFETIME: u64 = 60_000;

/// How long a provisioning profile may stay connected: long enough for one download.
pub const PROVISIONING_LIFETIME: u64 = 30 * 60_000;

/// How long an operational profile stays connected without attaching again.
pub const OPERATIONAL_LIFETIME: u64 = 12 * 60 * 60_000;

/// Emergency numbers on every profile (TS 22.101 §10.1.1).
const EMERGENCY: [&str; 2] = ["112", "911"];

/// Fresh random bytes: all that one request can need.
#[derive(Clone, Copy)]
pub struct Chance {
    /// For an id.
    pub id: [u8; 16],
    /// For a RAND.
    pub rand: [u8; 16],
}

impl Chance {
    /// Length of what it is made of.
    pub const LEN: usize = 32;
}

impl From<[u8; Self::LEN]> for Chance {
    fn from(bytes: [u8; Self::LEN]) -> Self {
        let (mut id, mut rand) = ([0; 16], [0; 16]);
        id.iter_mut().chain(&mut rand).zip(bytes).for_each(|(own, byte)| *own = byte);
        Self { id, rand }
    }
}

/// A subscriber and where it stands.
pub struct Owned {
    /// Who it is and what it may do.
    pub subscriber: Subscriber,
    /// Where it stands.
    pub line: Line,
}

/// Carries out one request on the subscriber in `slot`, by what `policy` says. Whether it answers or refuses,
/// `slot` afterwards is what is to be kept.
///
/// # Errors
/// The refusal that the peer is to see.
pub fn perform(
    slot: &mut Option<Owned>,
    request: Request,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    let attaches = matches!(request, Request::Attach { .. } | Request::Respond { .. });
    let answer = carry_out(slot, request, now, chance, policy);
    if let (true, Some(owned)) = (attaches, slot) {
        record::attach(owned, &answer, now, policy);
    }
    answer
}

fn carry_out(
    slot: &mut Option<Owned>,
    request: Request,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    match (request, slot.as_mut()) {
        (Request::Provision(record), _) => provision(slot, record, now),
        (Request::Withdraw { imsi }, Some(owned)) if owned.subscriber.imsi == imsi => {
            *slot = None;
            Ok(Answer::Withdrawn)
        }
        (Request::Withdraw { .. }, _) => Err(Refusal::new(Kind::Unknown, "there is no such subscriber")),
        (Request::Attach { imsi, apn, visited_plmn }, Some(owned)) if owned.subscriber.imsi == imsi => {
            attach(owned, apn, visited_plmn, now, chance)
        }
        (Request::Attach { .. }, _) => {
            Err(Refusal::new(Kind::Forbidden, "this network has no subscriber of that IMSI")
                .with_cause(Cause::ImsiUnknownInHss))
        }
        (Request::Respond { id, proof }, Some(owned)) => respond(owned, &id, proof, now, chance, policy),
        (Request::Respond { .. }, None) => Err(no_challenge()),
        (Request::Session { id }, Some(owned)) => {
            Ok(Answer::Session(Box::new(owned.line.session(&id, now)?.shown())))
        }
        (Request::Detach { id }, Some(owned)) => {
            owned.line.session(&id, now)?;
            owned.line.end("the terminal detached", now);
            Ok(Answer::Detached)
        }
        (Request::Service { id, kind, to }, Some(owned)) => service(owned, &id, kind, &to, now, policy),
        (Request::Http { id, attempt }, Some(owned)) => http(owned, &id, &attempt, now, policy),
        (Request::Dns { id, asked }, Some(owned)) => dns(owned, &id, &asked, now, policy),
        (Request::Charge { id, bytes }, Some(owned)) => {
            charge(owned, &id, bytes, now);
            Ok(Answer::Charged)
        }
        (Request::Usage { imsi }, Some(owned)) if owned.subscriber.imsi == imsi => {
            let Line { tally, session, .. } = &owned.line;
            let session = session.as_ref().filter(|session| now < session.view.expires);
            Ok(Answer::Usage(SubscriberUsage::of(imsi.to_string(), tally, session, now)))
        }
        (Request::Usage { .. }, _) => Err(Refusal::new(Kind::Unknown, "there is no such subscriber")),
        (Request::Control(ask), owned) => {
            Ok(Answer::Control(crate::pcf::control(owned, ask, now, chance, policy)))
        }
        (Request::Log { id }, Some(owned)) => {
            let session = owned.line.session(&id, now)?;
            Ok(Answer::Log(session.log.iter().cloned().collect()))
        }
        (
            Request::Session { .. }
            | Request::Detach { .. }
            | Request::Service { .. }
            | Request::Http { .. }
            | Request::Dns { .. }
            | Request::Charge { .. }
            | Request::Log { .. },
            None,
        ) => Err(line::no_session()),
    }
}

/// Writes a subscriber. The sequence number goes on where it was unless the record says
/// where to start; a session ends, since its rights may be others now.
fn provision(slot: &mut Option<Owned>, record: Record, now: Timestamp) -> Result<Answer, Refusal> {
    let subscriber = Subscriber::from_record(record.imsi.clone(), record.expose_text())?;
    let view = subscriber.view();
    let created = slot.is_none();
    let mut line = slot.take().map(|owned| owned.line).unwrap_or_default();
    line.end("the operator changed the subscription", now);
    line.pending.clear();
    if let Some(sqn) = subscriber.sqn {
        line.sqn = sqn.into();
    }
    *slot = Some(Owned { subscriber, line });
    Ok(Answer::Provisioned { created, view })
}

/// Counts an answer; where the session has ended meanwhile, there is nothing left to limit.
fn charge(owned: &mut Owned, id: &str, bytes: u64, now: Timestamp) {
    let Line { session, tally, .. } = &mut owned.line;
    if let Some(session) = session.as_mut().filter(|session| session.view.session_id == id) {
        session.charge(tally, bytes, now);
    }
}

/// The policy's no, for the terminal.
fn refused(decision: &Decision) -> Refusal {
    Refusal {
        kind: Kind::Forbidden,
        because: decision.because.words.to_string(),
        rule: Some(decision.because.rule.to_string()),
        cause: decision.verdict.cause(),
    }
}

fn facts<'a>(
    subscriber: &'a Subscriber,
    situation: &'a Situation,
    used: UsedToday,
    question: Question,
) -> Facts<'a> {
    let Subscriber { class, contract, imsi, .. } = subscriber;
    Facts { class: *class, contract, imsi: imsi.as_str(), situation, used, question }
}
