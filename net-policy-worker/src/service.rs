//! What the network does for one subscriber: attach, challenge, session, verdicts.
//!
//! [`perform`] is all of it: a function of the subscriber's state, a request, the time
//! and some chance. It reaches nothing else. A [`crate::store::Store`] calls it for one
//! request of a subscriber at a time and keeps the state before it lets the answer out.

mod line;
mod wire;

pub use line::{Line, Session};
pub use wire::{
    Answer, ApnView, Challenge, LogEntry, Proof, Record, Request, Route, ServiceKind, ServicesView,
    SessionView, VerdictView,
};

use std::net::Ipv6Addr;

use aka::{Plmn, Sqn, Vector, resynchronise, vector};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::apn::Apn;
use crate::gateway::{Attempt, Examined, SmAddresses, examine};
use crate::policy::{Class, Decision, Destination, Facts, Question, RequestedApn, Verdict, decide};
use crate::refusal::{Cause, Kind, Refusal};
use crate::subscriber::{Subscriber, Tag};
use line::{Ended, Pending};

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

/// How the network is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The APN for SM access.
    pub sm_apn: Apn,
    /// The SMs that may be reached.
    pub sm_addresses: SmAddresses,
}

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

/// Carries out one request on the subscriber in `slot`. Whether it answers or refuses,
/// `slot` afterwards is what is to be kept.
///
/// # Errors
/// The refusal that the peer is to see.
pub fn perform(
    slot: &mut Option<Owned>,
    request: Request,
    now: Timestamp,
    chance: Chance,
    network: &Network,
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
        (Request::Respond { id, proof }, Some(owned)) => respond(owned, &id, proof, now, chance, network),
        (Request::Respond { .. }, None) => Err(no_challenge()),
        (Request::Session { id }, Some(owned)) => {
            Ok(Answer::Session(Box::new(owned.line.session(&id, now)?.view.clone())))
        }
        (Request::Detach { id }, Some(owned)) => {
            owned.line.session(&id, now)?;
            owned.line.end("the terminal detached", now);
            Ok(Answer::Detached)
        }
        (Request::Service { id, kind, to }, Some(owned)) => service(owned, &id, kind, &to, now, network),
        (Request::Http { id, attempt }, Some(owned)) => http(owned, &id, &attempt, now, network),
        (Request::Log { id }, Some(owned)) => {
            let session = owned.line.session(&id, now)?;
            Ok(Answer::Log(session.log.iter().cloned().collect()))
        }
        (
            Request::Session { .. }
            | Request::Detach { .. }
            | Request::Service { .. }
            | Request::Http { .. }
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

fn attach(
    owned: &mut Owned,
    apn: Option<String>,
    visited_plmn: Option<String>,
    now: Timestamp,
    chance: Chance,
) -> Result<Answer, Refusal> {
    if visited_plmn.as_deref().is_some_and(|plmn| Plmn::parse(plmn).is_none()) {
        return Err(Refusal::new(
            Kind::Malformed,
            "visitedPlmn is a country and a network code: 5 or 6 digits",
        )
        .with_cause(Cause::InvalidMandatoryInformation));
    }
    let requested = apn.map(|apn| line::bounded(&apn));
    let challenge = challenge(owned, requested, visited_plmn, false, now, chance)?;
    Ok(Answer::Challenge(challenge))
}

/// Uses up a sequence number and asks the card.
fn challenge(
    owned: &mut Owned,
    requested: Option<String>,
    visited_plmn: Option<String>,
    resynchronised: bool,
    now: Timestamp,
    chance: Chance,
) -> Result<Challenge, Refusal> {
    let Some(sqn) = Sqn::try_from(owned.line.sqn).ok().and_then(Sqn::next) else {
        return Err(Refusal::new(Kind::Forbidden, "the sequence numbers of this subscriber are used up"));
    };
    owned.line.sqn = sqn.into();
    let id = Tag::of(&owned.subscriber.imsi).id(chance.id);
    let vector = vector(&owned.subscriber.parameters, sqn, owned.subscriber.amf, chance.rand);
    owned.line.expect(Pending {
        id: id.clone(),
        rand: hex::encode(chance.rand),
        sqn: sqn.into(),
        requested,
        visited_plmn,
        resynchronised,
        expires: now.saturating_add(CHALLENGE_LIFETIME),
    });
    Ok(Challenge { attach_id: id, rand: hex::encode(vector.rand), autn: hex::encode(vector.autn) })
}

/// Judges what the card answered. The challenge is over with it, whatever it is.
fn respond(
    owned: &mut Owned,
    id: &str,
    proof: Proof,
    now: Timestamp,
    chance: Chance,
    network: &Network,
) -> Result<Answer, Refusal> {
    let pending = owned.line.take(id, now).ok_or_else(no_challenge)?;
    let mut rand = [0; 16];
    let sqn = Sqn::try_from(pending.sqn);
    let (Ok(sqn), Ok(())) = (sqn, hex::decode_to_slice(&pending.rand, &mut rand)) else {
        return Err(no_challenge());
    };
    match proof {
        Proof::Res(res) => {
            let vector = vector(&owned.subscriber.parameters, sqn, owned.subscriber.amf, rand);
            if !vector.accepts(&res) {
                return Err(Refusal::new(
                    Kind::Forbidden,
                    "the card's answer is wrong: it is not the subscriber's",
                )
                .with_cause(Cause::IllegalUe));
            }
            connect(owned, &pending, &vector, now, chance, network)
        }
        Proof::Auts(_) if pending.resynchronised => {
            let because = "the card's sequence number was taken over once already, and it is not content";
            Err(Refusal::new(Kind::Forbidden, because).with_cause(Cause::SynchFailure))
        }
        Proof::Auts(auts) => {
            let card = resynchronise(&owned.subscriber.parameters, &rand, &auts).map_err(|_| {
                Refusal::new(Kind::Forbidden, "the resynchronisation is not of the subscriber's card")
                    .with_cause(Cause::IllegalUe)
            })?;
            owned.line.sqn = card.into();
            challenge(owned, pending.requested, pending.visited_plmn, true, now, chance)
                .map(Answer::Challenge)
        }
        Proof::MacFailure => {
            let because = "the card does not know this network: their K or OPc differ";
            Err(Refusal::new(Kind::Forbidden, because).with_cause(Cause::MacFailure))
        }
    }
}

/// The card is the subscriber's: the old session ends, and the policy decides on a new one.
fn connect(
    owned: &mut Owned,
    pending: &Pending,
    vector: &Vector,
    now: Timestamp,
    chance: Chance,
    network: &Network,
) -> Result<Answer, Refusal> {
    owned.line.end("the subscriber attached again", now);
    let requested = RequestedApn::parse(pending.requested.as_deref());
    let decision = decide(&facts(&owned.subscriber, network, Question::Connectivity(requested)));
    let Verdict::Connected(given) = &decision.verdict else { return Err(refused(&decision)) };
    let tag = Tag::of(&owned.subscriber.imsi);
    let session_id = tag.id(chance.id);
    // Without a visited network it is the home network, taken to have a code of two digits.
    let plmn =
        pending.visited_plmn.clone().or_else(|| owned.subscriber.imsi.as_str().get(..5).map(str::to_owned));
    let judge = |question| VerdictView::of(&decide(&facts(&owned.subscriber, network, question)));
    let lifetime = match owned.subscriber.class {
        Class::Provisioning => PROVISIONING_LIFETIME,
        Class::Operational => OPERATIONAL_LIFETIME,
    };
    let view = SessionView {
        imsi: owned.subscriber.imsi.to_string(),
        class: owned.subscriber.class,
        apn: ApnView {
            requested: pending.requested.clone(),
            given: given.to_string(),
            because: decision.because.words.to_owned(),
            rule: decision.because.rule.to_owned(),
        },
        address: address(tag),
        services: ServicesView {
            data: judge(Question::Data(Destination::Elsewhere)),
            voice: judge(Question::Voice { emergency: false }),
            sms: judge(Question::Sms),
        },
        kasme_proof: plmn.as_deref().and_then(|plmn| kasme_proof(plmn, vector, &session_id)),
        serving_plmn: plmn,
        since: now,
        expires: now.saturating_add(lifetime),
        session_id,
    };
    let mut session = Session::new(view.clone());
    session.note(now, "attach", "permitted", decision.because.words, decision.because.rule);
    owned.line.session = Some(session);
    Ok(Answer::Session(Box::new(view)))
}

fn service(
    owned: &mut Owned,
    id: &str,
    kind: ServiceKind,
    to: &str,
    now: Timestamp,
    network: &Network,
) -> Result<Answer, Refusal> {
    let Owned { subscriber, line } = owned;
    let session = line.session_mut(id, now)?;
    let question = match kind {
        ServiceKind::Voice => {
            let number = dialled(to)?;
            Question::Voice { emergency: EMERGENCY.contains(&number) }
        }
        ServiceKind::Sms => {
            dialled(to)?;
            Question::Sms
        }
        ServiceKind::Data => {
            let authority = to.strip_prefix("https://").unwrap_or(to).split('/').next().unwrap_or_default();
            Question::Data(network.sm_addresses.locate(authority))
        }
    };
    let verdict = VerdictView::of(&decide(&facts(subscriber, network, question)));
    session.note(now, &format!("{} {to}", kind.name()), &verdict.verdict, &verdict.because, &verdict.rule);
    Ok(Answer::Verdict(verdict))
}

/// A number as it is dialled: at most 20 digits, `+`, `*` or `#`.
fn dialled(to: &str) -> Result<&str, Refusal> {
    let plausible = (1..=20).contains(&to.len())
        && to
            .strip_prefix('+')
            .unwrap_or(to)
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'));
    if plausible { Ok(to) } else { Err(Refusal::new(Kind::Malformed, "to is a telephone number")) }
}

fn http(
    owned: &mut Owned,
    id: &str,
    attempt: &Attempt,
    now: Timestamp,
    network: &Network,
) -> Result<Answer, Refusal> {
    let Owned { subscriber, line } = owned;
    let session = line.session_mut(id, now)?;
    let what = format!("{} {}{}", attempt.method, attempt.authority, attempt.target);
    let examined = examine(attempt, &network.sm_addresses);
    let (question, route) = match examined {
        Examined::Es9(authority) => {
            let route = Route { authority, target: attempt.target.clone() };
            (Question::Data(Destination::Sm), Some(route))
        }
        Examined::Other => (Question::Data(Destination::Elsewhere), None),
        Examined::Refused(because) => {
            session.note(now, &what, "refused", because, "gateway");
            return Err(Refusal {
                rule: Some("gateway".to_owned()),
                ..Refusal::new(Kind::Forbidden, format!("the gateway refuses {because}"))
            });
        }
        Examined::TooLarge => {
            session.note(now, &what, "refused", "too many bytes", "gateway");
            return Err(Refusal::new(Kind::TooLarge, "the gateway takes at most 256 KiB"));
        }
    };
    let decision = decide(&facts(subscriber, network, question));
    let verdict = VerdictView::of(&decision);
    session.note(now, &what, &verdict.verdict, &verdict.because, &verdict.rule);
    match (decision.verdict.cause(), route) {
        (Some(_), _) => Err(refused(&decision)),
        (None, None) => Err(Refusal {
            rule: Some(verdict.rule),
            ..Refusal::new(
                Kind::NoRoute,
                "permitted, but there is no route from this laboratory: its gateway leads to the SM only",
            )
        }),
        (None, Some(route)) => Ok(Answer::Route(route)),
    }
}

/// The policy's no, for the terminal.
fn refused(decision: &Decision) -> Refusal {
    Refusal {
        kind: Kind::Forbidden,
        because: decision.because.words.to_owned(),
        rule: Some(decision.because.rule.to_owned()),
        cause: decision.verdict.cause(),
    }
}

fn facts<'a>(subscriber: &'a Subscriber, network: &'a Network, question: Question) -> Facts<'a> {
    Facts { class: subscriber.class, contract: &subscriber.contract, sm_apn: &network.sm_apn, question }
}

/// The subscriber's own /64 of the unique local addresses (RFC 4193), and 1 in it.
fn address(tag: Tag) -> String {
    let [a, b, c, d, e, f, g, _] = tag.bytes();
    Ipv6Addr::from([0xFD, a, b, c, d, e, f, g, 0, 0, 0, 0, 0, 0, 0, 1]).to_string()
}

/// Shows the terminal that the network has the same KASME, without showing it.
fn kasme_proof(plmn: &str, vector: &Vector, session_id: &str) -> Option<String> {
    let kasme = vector.kasme(Plmn::parse(plmn)?);
    let mut mac = Hmac::<Sha256>::new_from_slice(kasme.expose_bytes()).ok()?;
    mac.update(session_id.as_bytes());
    Some(hex::encode(mac.finalize().into_bytes()))
}

fn no_challenge() -> Refusal {
    Refusal::new(Kind::Ended, "no such attach is waiting: an attach id works once, and for one minute")
}

impl Ended {
    /// What is told about a session that was.
    fn refusal(&self) -> Refusal {
        Refusal::new(Kind::Ended, format!("this session has ended: {}", self.because))
    }
}
