//! Attach: who it is, that the card is the subscriber's, and what it is connected to
//! (TS 23.401 §5.3.2.1, TS 33.401 §6.1).

use std::net::Ipv6Addr;

use aka::{Plmn, Sqn, Vector, resynchronise, vector};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::line::{self, Pending, Session};
use super::wire::{Answer, ApnView, Challenge, Proof, ServicesView, SessionView, VerdictView};
use super::{CHALLENGE_LIFETIME, Chance, OPERATIONAL_LIFETIME, Owned, Timestamp, facts, refused};
use crate::policy::{Access, Destination, PlmnId, Policy, Question, RequestedApn, Situation, Verdict};
use crate::refusal::{Cause, Kind, Refusal};
use crate::subscriber::Tag;

pub(super) fn attach(
    owned: &mut Owned,
    apn: Option<String>,
    visited_plmn: Option<String>,
    now: Timestamp,
    chance: Chance,
) -> Result<Answer, Refusal> {
    let visited = visited_plmn.map(PlmnId::try_from).transpose().map_err(|_| {
        Refusal::new(Kind::Malformed, "visitedPlmn is a country and a network code: 5 or 6 digits")
            .with_cause(Cause::InvalidMandatoryInformation)
    })?;
    let situation = Situation { access: Access::Eps, visited, tac: None };
    let requested = apn.map(|apn| line::bounded(&apn));
    let challenge = challenge(owned, requested, situation, false, now, chance)?;
    Ok(Answer::Challenge(challenge))
}

/// Uses up a sequence number and asks the card.
fn challenge(
    owned: &mut Owned,
    requested: Option<String>,
    situation: Situation,
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
        situation,
        resynchronised,
        expires: now.saturating_add(CHALLENGE_LIFETIME),
    });
    Ok(Challenge { attach_id: id, rand: hex::encode(vector.rand), autn: hex::encode(vector.autn) })
}

/// Judges what the card answered. The challenge is over with it, whatever it is.
pub(super) fn respond(
    owned: &mut Owned,
    id: &str,
    proof: Proof,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
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
            connect(owned, pending, &vector, now, chance, policy)
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
            challenge(owned, pending.requested, pending.situation, true, now, chance).map(Answer::Challenge)
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
    pending: Pending,
    vector: &Vector,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    owned.line.end("the subscriber attached again", now);
    let Pending { requested, situation, .. } = pending;
    let used = owned.line.tally.today(now);
    let judge = |question| policy.decide(&facts(&owned.subscriber, &situation, used, question));
    let decision = judge(Question::Connectivity(RequestedApn::parse(requested.as_deref())));
    let Verdict::Connected(connection) = &decision.verdict else { return Err(refused(&decision)) };
    let tag = Tag::of(&owned.subscriber.imsi);
    let session_id = tag.id(chance.id);
    // Without a visited network it is the home network, taken to have a code of two digits.
    let visited = situation.visited.as_ref().map(PlmnId::as_str);
    let plmn = visited.or_else(|| owned.subscriber.imsi.as_str().get(..5)).map(str::to_owned);
    let judge = |question| VerdictView::of(&judge(question));
    let lifetime =
        connection.limits.seconds.map_or(OPERATIONAL_LIFETIME, |seconds| seconds.saturating_mul(1000));
    let view = SessionView {
        imsi: owned.subscriber.imsi.to_string(),
        class: policy.class(owned.subscriber.class, owned.subscriber.imsi.as_str()),
        apn: ApnView {
            requested,
            given: connection.apn.to_string(),
            because: decision.because.words.to_string(),
            rule: decision.because.rule.to_string(),
            version: decision.version,
        },
        address: address(tag),
        services: ServicesView {
            data: judge(Question::Data(Destination::Elsewhere)),
            voice: judge(Question::Voice { emergency: false }),
            sms: judge(Question::Sms),
        },
        qos: connection.qos,
        usage: None,
        kasme_proof: plmn.as_deref().and_then(|plmn| kasme_proof(plmn, vector, &session_id)),
        serving_plmn: plmn,
        since: now,
        expires: now.saturating_add(lifetime),
        session_id,
    };
    let mut session = Session::new(view, situation, connection);
    let because = &decision.because;
    session.note(now, "attach", "permitted", &because.words, &because.rule, decision.version);
    let shown = session.shown();
    owned.line.tally.attached(now);
    owned.line.session = Some(session);
    Ok(Answer::Session(Box::new(shown)))
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

pub(super) fn no_challenge() -> Refusal {
    Refusal::new(Kind::Ended, "no such attach is waiting: an attach id works once, and for one minute")
}
