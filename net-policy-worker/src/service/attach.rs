//! Attach: who it is, that the card is the subscriber's, and what it is connected to
//! (EPS: TS 23.401 §5.3.2.1, TS 33.401 §6.1; 5G: TS 23.502 §4.2.2.2, TS 33.501 §6.1).

use std::net::Ipv6Addr;

use aka::{Amf, Output, Plmn, Sqn, SqnRules, Vector, hres_star, kamf, kseaf, resynchronised, vector};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::challenge::{self, Context};
use super::failures::BY_GUTI;
use super::line::{self, Session};
use super::wire::{Answer, ApnView, AttachRequest, Challenge, Proof, ServicesView, SessionView, VerdictView};
use super::{CHALLENGE_LIFETIME, Chance, OPERATIONAL_LIFETIME, Owned, Timestamp, facts, refused};
use crate::identity::{Guti, Identity};
use crate::policy::{Access, Destination, PlmnId, Policy, Question, RequestedApn, Verdict};
use crate::refusal::{Cause, Kind, Refusal};
use crate::subscriber::{Subscriber, Tag};

/// ABBA as the releases that there are have it (TS 33.501 §A.7.1).
const ABBA: [u8; 2] = [0, 0];

/// Asks the card of who wants to attach.
pub(super) fn attach(
    owned: &mut Owned,
    request: AttachRequest,
    now: Timestamp,
    chance: Chance,
) -> Result<Answer, Refusal> {
    let AttachRequest { identity, situation, apn, source } = request;
    let lane = match identity {
        Identity::Imsi(imsi) if imsi == owned.subscriber.imsi => source.unwrap_or_default(),
        Identity::Guti(guti) if owned.line.guti == Some(guti) => BY_GUTI.to_owned(),
        Identity::Imsi(_) => return Err(unknown_subscriber()),
        Identity::Guti(_) => return Err(unknown_guti()),
    };
    owned.line.admit(&lane, now)?;
    let context = Context {
        rand: String::new(),
        concealed: String::new(),
        epoch: owned.line.epoch,
        expires: 0,
        situation,
        requested: apn.map(|apn| line::bounded(&apn)),
        lane,
        resynchronised: false,
    };
    challenge(owned, context, now, chance).map(Answer::Challenge)
}

/// Uses up a sequence number and asks the card.
fn challenge(
    owned: &mut Owned,
    context: Context,
    now: Timestamp,
    chance: Chance,
) -> Result<Challenge, Refusal> {
    let Some(sqn) = Sqn::try_from(owned.line.sqn).ok().and_then(Sqn::next) else {
        return Err(Refusal::new(Kind::Forbidden, "the sequence numbers of this subscriber are used up"));
    };
    owned.line.sqn = sqn.into();
    let subscriber = &owned.subscriber;
    let vector = vector(&subscriber.parameters, sqn, separated(subscriber), chance.rand);
    let context = Context {
        rand: hex::encode(vector.rand),
        concealed: hex::encode(vector.concealed_sqn()),
        expires: now.saturating_add(CHALLENGE_LIFETIME),
        ..context
    };
    let (abba, serving_network) = match context.situation.access {
        Access::Eps => (None, None),
        Access::FiveG => (Some(hex::encode(ABBA)), Some(serving_network(subscriber, &context)?)),
    };
    Ok(Challenge {
        attach_id: challenge::seal(subscriber, &context).ok_or_else(no_challenge)?,
        rand: context.rand,
        autn: hex::encode(vector.autn),
        abba,
        serving_network,
    })
}

/// The AMF of a vector: whatever the record says, the authentication centre sets the separation
/// bit where the access is EPS or 5G (TS 33.401 §6.1.2, TS 33.501 §6.1.3.2).
fn separated(subscriber: &Subscriber) -> Amf {
    let [first, second] = subscriber.amf;
    [first | 0x80, second]
}

/// The serving network: the visited one, or the home network, taken to have a code of two digits.
fn serving_plmn(subscriber: &Subscriber, context: &Context) -> Option<String> {
    let home = || subscriber.imsi.as_str().get(..5).map(str::to_owned);
    context.situation.visited.as_ref().map(PlmnId::as_str).map(str::to_owned).or_else(home)
}

fn serving_network(subscriber: &Subscriber, context: &Context) -> Result<String, Refusal> {
    let plmn = serving_plmn(subscriber, context).and_then(|plmn| Plmn::parse(&plmn));
    plmn.map(Plmn::serving_network_name).ok_or_else(no_challenge)
}

/// Judges what the card answered. Whether RES or RES* is right is judged once for a challenge.
pub(super) fn respond(
    owned: &mut Owned,
    id: &str,
    proof: Proof,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    let Owned { subscriber, line } = owned;
    let (context, mark) = challenge::open(subscriber, id).ok_or_else(no_challenge)?;
    let access = context.situation.access;
    let (mut rand, mut concealed) = ([0; 16], [0; 6]);
    let read = hex::decode_to_slice(&context.rand, &mut rand)
        .and_then(|()| hex::decode_to_slice(&context.concealed, &mut concealed));
    if read.is_err() || context.epoch != line.epoch || now >= context.expires || line.is_answered(&mark) {
        return Err(no_challenge());
    }
    match (&proof, access) {
        (Proof::Res(_), Access::FiveG) => {
            return Err(Refusal::new(Kind::Malformed, "5G AKA is answered with resStar"));
        }
        (Proof::ResStar(_), Access::Eps) => {
            return Err(Refusal::new(Kind::Malformed, "EPS AKA is answered with res"));
        }
        _ => {}
    }
    line.admit(&context.lane, now)?;
    let ak = subscriber.parameters.f5(&rand);
    concealed.iter_mut().zip(ak).for_each(|(byte, ak)| *byte ^= ak);
    let sqn = Sqn::from_bytes(concealed);
    let vector = vector(&subscriber.parameters, sqn, separated(subscriber), rand);
    match proof {
        Proof::Res(_) | Proof::ResStar(_) => {
            // Also when it is wrong: each RAND is answered once (TS 33.102 §6.3.3), and who has
            // no attach id, which nobody can guess, uses up nobody's challenge.
            line.answered(mark, context.expires, now)?;
            if let Err(because) = accepts(&vector, &proof, subscriber, &context)? {
                line.failures.count(&context.lane, now);
                return Err(Refusal::new(Kind::Forbidden, because).with_cause(Cause::IllegalUe));
            }
            line.failures.forgive(&context.lane);
            connect(owned, context, &vector, now, chance, policy)
        }
        Proof::Auts(_) if context.resynchronised => {
            let because = "the card's sequence number was taken over once already, and it is not content";
            Err(Refusal::new(Kind::Forbidden, because).with_cause(Cause::SynchFailure))
        }
        Proof::Auts(auts) => {
            let own = Sqn::try_from(line.sqn).map_err(|_| no_challenge())?;
            match resynchronised(&subscriber.parameters, &rand, &auts, own, SqnRules::default()) {
                Ok(sqn) => line.sqn = sqn.into(),
                Err(_) => {
                    line.failures.count(&context.lane, now);
                    let because = "the resynchronisation is not of the subscriber's card";
                    return Err(Refusal::new(Kind::Forbidden, because).with_cause(Cause::IllegalUe));
                }
            }
            challenge(owned, Context { resynchronised: true, ..context }, now, chance).map(Answer::Challenge)
        }
        // Another subscriber's card may have had this GUTI: who it is has to be asked anew
        // (TS 24.301 §5.4.2.7 c).
        Proof::MacFailure if context.lane == BY_GUTI => Err(unknown_guti()),
        Proof::MacFailure => {
            let because = "the card does not know this network: their K or OPc differ";
            Err(Refusal::new(Kind::Forbidden, because).with_cause(Cause::MacFailure))
        }
    }
}

/// Whether the answer is the one expected, and if not, who says so.
fn accepts(
    vector: &Vector,
    proof: &Proof,
    subscriber: &Subscriber,
    context: &Context,
) -> Result<Result<(), &'static str>, Refusal> {
    let wrong = "the card's answer is wrong: it is not the subscriber's";
    match proof {
        Proof::Res(res) => Ok(if vector.accepts(res) { Ok(()) } else { Err(wrong) }),
        Proof::ResStar(res_star) => {
            let xres_star = vector.xres_star(&serving_network(subscriber, context)?);
            // The serving network's SEAF knows the hash alone (TS 33.501 §6.1.3.2 step 9) …
            let hxres_star = hres_star(&vector.rand, &xres_star);
            if !bool::from(hres_star(&vector.rand, res_star).ct_eq(&hxres_star)) {
                return Ok(Err(wrong));
            }
            // … and the home network's AUSF the answer (step 11).
            let right = bool::from(res_star.ct_eq(&xres_star));
            Ok(if right { Ok(()) } else { Err("the home network expects another answer of the card") })
        }
        Proof::Auts(_) | Proof::MacFailure => Ok(Err(wrong)),
    }
}

/// The card is the subscriber's: the old session ends, and the policy decides on a new one.
fn connect(
    owned: &mut Owned,
    context: Context,
    vector: &Vector,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    owned.line.end("the subscriber attached again", now);
    let used = owned.line.tally.today(now);
    let judge = |question| policy.decide(&facts(&owned.subscriber, &context.situation, used, question));
    let decision = judge(Question::Connectivity(RequestedApn::parse(context.requested.as_deref())));
    let Verdict::Connected(connection) = &decision.verdict else { return Err(refused(&decision)) };
    let subscriber = &owned.subscriber;
    let access = context.situation.access;
    let tag = Tag::of(&subscriber.imsi);
    let session_id = tag.id(chance.id);
    let serving_plmn = serving_plmn(subscriber, &context);
    let plmn = serving_plmn.as_deref().and_then(Plmn::parse);
    let (mut kasme_proof, mut kamf_proof) = (None, None);
    if let Some(plmn) = plmn {
        match access {
            Access::Eps => kasme_proof = proof_of(&vector.kasme(plmn), &session_id),
            Access::FiveG => {
                let name = plmn.serving_network_name();
                let kseaf = kseaf(&vector.kausf(&name), &name);
                kamf_proof = proof_of(&kamf(&kseaf, subscriber.imsi.as_str(), ABBA), &session_id);
            }
        }
    }
    let guti = plmn.map(|plmn| Guti::new(plmn, chance.tmsi));
    let judge = |question| {
        let decision = judge(question);
        VerdictView::of(&decision).on(access, decision.verdict.cause())
    };
    let lifetime =
        connection.limits.seconds.map_or(OPERATIONAL_LIFETIME, |seconds| seconds.saturating_mul(1000));
    let (qos, ambr) = connection.shown();
    let view = SessionView {
        imsi: subscriber.imsi.to_string(),
        class: policy.class(subscriber.class, subscriber.imsi.as_str()),
        access,
        guti,
        apn: ApnView {
            requested: context.requested.clone(),
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
        qos,
        ambr,
        usage: None,
        serving_plmn,
        kasme_proof,
        kamf_proof,
        since: now,
        expires: now.saturating_add(lifetime),
        session_id,
    };
    let mut session = Session::new(view, context.situation, connection);
    let because = &decision.because;
    session.note(now, "attach", "permitted", &because.words, &because.rule, decision.version);
    let shown = session.shown();
    owned.line.tally.attached(now);
    owned.line.session = Some(session);
    if context.lane != BY_GUTI {
        owned.line.source = Some(context.lane);
    }
    let replaced = std::mem::replace(&mut owned.line.guti, guti);
    Ok(Answer::Attached { session: Box::new(shown), replaced })
}

/// The subscriber's own /64 of the unique local addresses (RFC 4193), and 1 in it.
fn address(tag: Tag) -> String {
    let [a, b, c, d, e, f, g, _] = tag.bytes();
    Ipv6Addr::from([0xFD, a, b, c, d, e, f, g, 0, 0, 0, 0, 0, 0, 0, 1]).to_string()
}

/// Shows the terminal that the network has the same key, without showing it.
fn proof_of(key: &Output, session_id: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_bytes()).ok()?;
    mac.update(session_id.as_bytes());
    Some(hex::encode(mac.finalize().into_bytes()))
}

pub(super) fn no_challenge() -> Refusal {
    Refusal::new(Kind::Ended, "no such attach is waiting: an attach id works once, and for one minute")
}

pub(super) fn unknown_subscriber() -> Refusal {
    Refusal::new(Kind::Forbidden, "this network has no subscriber of that IMSI")
        .with_cause(Cause::ImsiUnknownInHss)
}

/// A GUTI that is nobody's, or nobody's any more.
pub(crate) fn unknown_guti() -> Refusal {
    Refusal::new(Kind::Forbidden, "this network knows nobody by that GUTI: come again with IMSI or SUCI")
        .with_cause(Cause::UeIdentityCannotBeDerived)
}
