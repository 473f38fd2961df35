//! What the network does for one subscriber: attach, challenge, session, verdicts.
//!
//! [`perform`] is all of it: a function of the subscriber's state, a request, the time
//! and some chance. It reaches nothing else. A [`crate::store::Store`] calls it for one
//! request of a subscriber at a time and keeps the state before it lets the answer out.

mod attach;
mod challenge;
mod failures;
mod line;
mod record;
mod traffic;
mod usage;
mod wire;

pub use failures::{ALL_FAILURES, FAILURE_WINDOW, LANE_FAILURES};
pub use line::{Line, Log, MAX_LOG, Session};
pub use record::MAX_QUESTIONS;
pub use usage::{MAX_UNDER_WAY, SubscriberUsage, Total, UsageView};
pub use wire::{
    Answer, ApnView, AttachRequest, Challenge, LogEntry, Proof, Record, Request, Route, ServiceKind,
    ServicesView, SessionView, SqnChange, VerdictView,
};

pub(crate) use attach::unknown_guti;
pub(crate) use challenge::tag as tag_of_attach;

use attach::{attach, no_challenge, respond, unknown_subscriber};
use traffic::{answered, dns, http, service};

use crate::identity::Identity;
use crate::pcf;
use crate::pcf::outbox::{Departed, ReleaseCause};
use crate::policy::document::UsedToday;
use crate::policy::{Access, Decision, Facts, Policy, Question, Situation};
use crate::refusal::{Kind, Refusal};
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
    /// For a temporary identity.
    pub tmsi: [u8; 4],
}

impl Chance {
    /// Length of what it is made of.
    pub const LEN: usize = 36;
}

impl From<[u8; Self::LEN]> for Chance {
    fn from(bytes: [u8; Self::LEN]) -> Self {
        let (mut id, mut rand, mut tmsi) = ([0; 16], [0; 16], [0; 4]);
        let own = id.iter_mut().chain(&mut rand).chain(&mut tmsi);
        own.zip(bytes).for_each(|(own, byte)| *own = byte);
        // All ones say that a card has none (TS 23.003 §2.4).
        if tmsi == [0xFF; 4] {
            tmsi = [0xFF, 0xFF, 0xFF, 0xFE];
        }
        Self { id, rand, tmsi }
    }
}

/// A subscriber and where it stands.
pub struct Owned {
    /// Who it is and what it may do.
    pub subscriber: Subscriber,
    /// Where it stands.
    pub line: Line,
}

impl Owned {
    /// The record as another network needs it: with the sequence number to go on from.
    #[must_use]
    pub fn exported(&self) -> Option<Record> {
        let mut record: serde_json::Value = serde_json::from_str(self.subscriber.expose_record()).ok()?;
        record.as_object_mut()?.insert("sqn".to_owned(), format!("{:012x}", self.line.sqn).into());
        Some(Record::new(self.subscriber.imsi.clone(), record.to_string().into()))
    }
}

/// Carries out one request on the subscriber in `slot`, by what `policy` says. Whether it answers or refuses,
/// `slot` and `departed` afterwards are what is to be kept. `departed` are the associations of this
/// subscriber that are over; only [`Request::Control`] and [`Request::Withdraw`] look at them.
///
/// # Errors
/// The refusal that the peer is to see.
pub fn perform(
    slot: &mut Option<Owned>,
    departed: &mut Departed,
    request: Request,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    let access = access(slot.as_ref(), &request);
    let attaches = matches!(request, Request::Attach { .. } | Request::Respond { .. });
    let answer =
        carry_out(slot, departed, request, now, chance, policy).map_err(|refusal| refusal.on(access));
    if let (true, Some(owned)) = (attaches, slot) {
        record::attach(owned, &answer, now, policy);
    }
    answer
}

/// The access that a request comes by: it decides whose causes a terminal is sent.
fn access(slot: Option<&Owned>, request: &Request) -> Access {
    let Some(owned) = slot else {
        return if let Request::Attach(request) = request { request.situation.access } else { Access::Eps };
    };
    match request {
        Request::Attach(request) => request.situation.access,
        Request::Respond { id, .. } => challenge::open(&owned.subscriber, id)
            .map_or(Access::Eps, |(context, _)| context.situation.access),
        _ => owned.line.session.as_ref().map_or(Access::Eps, |session| session.situation.access),
    }
}

fn carry_out(
    slot: &mut Option<Owned>,
    departed: &mut Departed,
    request: Request,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    match (request, slot.as_mut()) {
        (Request::Provision(record), _) => {
            let answer = provision(slot, record, now, chance)?;
            if let Some(owned) = slot {
                renewed(owned, ReleaseCause::UeSubscription, now, policy);
            }
            Ok(answer)
        }
        (Request::Withdraw { imsi }, Some(owned)) if owned.subscriber.imsi == imsi => {
            pcf::depart(owned, departed, now, policy.version());
            *slot = None;
            Ok(Answer::Withdrawn)
        }
        (Request::Withdraw { .. }, _) => Err(Refusal::new(Kind::Unknown, "there is no such subscriber")),
        (Request::Attach(request), Some(owned)) => attach(owned, request, now, chance),
        (Request::Attach(request), None) => Err(match request.identity {
            Identity::Imsi(_) => unknown_subscriber(),
            Identity::Guti(_) => unknown_guti(),
        }),
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
        (Request::Charge { id, bytes }, Some(owned)) => answered(owned, &id, bytes, now, policy),
        (Request::Usage { imsi }, Some(owned)) if owned.subscriber.imsi == imsi => {
            let Line { tally, session, .. } = &owned.line;
            let session = session.as_ref().filter(|session| now < session.view.expires);
            Ok(Answer::Usage(SubscriberUsage::of(imsi.to_string(), tally, session, now)))
        }
        (Request::Usage { .. }, _) => Err(Refusal::new(Kind::Unknown, "there is no such subscriber")),
        (Request::Sqn { imsi, set }, Some(owned)) if owned.subscriber.imsi == imsi => {
            if let Some(change) = set {
                record::sqn(owned, change, now, policy)?;
            }
            Ok(Answer::Sqn(owned.line.sqn))
        }
        (Request::Sqn { .. }, _) => Err(Refusal::new(Kind::Unknown, "there is no such subscriber")),
        (Request::Control(ask), mut owned) => {
            if let Some(owned) = &mut owned {
                owned.line.decided_by(policy.version());
            }
            Ok(Answer::Control(pcf::control(owned, departed, ask, now, chance, policy)))
        }
        (Request::Renew, Some(owned)) => {
            Ok(Answer::Renewed { open: renewed(owned, ReleaseCause::Unspecified, now, policy) })
        }
        (Request::Renew, None) => Ok(Answer::Renewed { open: false }),
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

/// Has the cores told what is other by this policy; whether there is an association.
fn renewed(owned: &mut Owned, cause: ReleaseCause, now: Timestamp, policy: &Policy) -> bool {
    owned.line.decided_by(policy.version());
    pcf::renew(owned, cause, now, policy)
}

/// Writes a subscriber. The sequence number goes on where it was unless the record says
/// where to start: further on, or anywhere for another card. A session ends, since its rights
/// may be others now.
fn provision(
    slot: &mut Option<Owned>,
    record: Record,
    now: Timestamp,
    chance: Chance,
) -> Result<Answer, Refusal> {
    let subscriber = Subscriber::from_record(record.imsi.clone(), record.expose_text())?;
    let view = subscriber.view();
    let created = slot.is_none();
    let before = slot.take();
    let same_card = before.as_ref().is_some_and(|owned| owned.subscriber.has_the_card_of(&subscriber));
    let mut line = before.map(|owned| owned.line).unwrap_or_default();
    line.end("the operator changed the subscription", now);
    // What is asked of the card from here on has nothing to do with what was asked before.
    let [a, b, c, d, e, f, g, h, ..] = chance.id;
    // 53 bits: more than JSON's numbers are good for everywhere.
    line.epoch = u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 11;
    if let Some(sqn) = subscriber.sqn.map(u64::from) {
        // The same record once more must not have numbers used again that the card has seen.
        line.sqn = if same_card { sqn.max(line.sqn) } else { sqn };
    }
    *slot = Some(Owned { subscriber, line });
    Ok(Answer::Provisioned { created, view })
}

/// The policy's no, for the terminal.
fn refused(decision: &Decision) -> Refusal {
    Refusal {
        rule: Some(decision.because.rule.to_string()),
        cause: decision.verdict.cause(),
        ..Refusal::new(Kind::Forbidden, decision.because.words.to_string())
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
