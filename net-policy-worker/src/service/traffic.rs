//! What a session is used for: calls, short messages, packets.

use super::line::no_session;
use super::record::Given;
use super::wire::{Answer, Route, ServiceKind, VerdictView};
use super::{EMERGENCY, Line, Owned, Timestamp, facts, refused};
use crate::gateway::dns::{Asked, Code, Names};
use crate::gateway::{Attempt, Examined, examine};
use crate::policy::{Destination, Policy, Question, Version};
use crate::refusal::{Kind, Refusal};

/// The rule of what is refused whoever asks.
const GATEWAY: &str = "gateway";

/// Why something that is permitted does not happen.
const NO_ROUTE: &str =
    "permitted, but there is no route from this laboratory: its gateway leads to the SM only";

pub(super) fn service(
    owned: &mut Owned,
    id: &str,
    kind: ServiceKind,
    to: &str,
    now: Timestamp,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    owned.heed(id, now, policy)?;
    let used = owned.line.tally.today(now);
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
            Question::Data(policy.sm_addresses().locate(authority))
        }
    };
    let Owned { subscriber, line } = &*owned;
    let situation = line.session.as_ref().map(|session| session.situation.clone()).unwrap_or_default();
    let decision = policy.decide(&facts(subscriber, &situation, used, question));
    let verdict = VerdictView::of(&decision).on(situation.access, decision.verdict.cause());
    owned.record(now, &Given { what: &format!("{} {to}", kind.name()), verdict: &verdict, bytes: 0 });
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

pub(super) fn http(
    owned: &mut Owned,
    id: &str,
    attempt: &Attempt,
    now: Timestamp,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    owned.heed(id, now, policy)?;
    let what = format!("{} {}{}", attempt.method, attempt.authority, attempt.target);
    let bytes = attempt.length;
    let (question, route) = match examine(attempt, policy.sm_addresses()) {
        Examined::Sm(authority, way) => {
            let route = Route { authority, target: attempt.target.clone(), way };
            (Question::Data(Destination::Sm), Some(route))
        }
        Examined::Other => (Question::Data(Destination::Elsewhere), None),
        Examined::Refused(because) => {
            let verdict = gateways_no(because, policy.version());
            owned.record(now, &Given { what: &what, verdict: &verdict, bytes });
            return Err(Refusal {
                rule: Some(GATEWAY.to_owned()),
                ..Refusal::new(Kind::Forbidden, format!("the gateway refuses {because}"))
            });
        }
        Examined::TooLarge => {
            let verdict = gateways_no("too many bytes", policy.version());
            owned.record(now, &Given { what: &what, verdict: &verdict, bytes });
            return Err(Refusal::new(Kind::TooLarge, "the gateway takes at most 256 KiB"));
        }
    };
    let Owned { subscriber, line } = &mut *owned;
    let Line { session: Some(session), tally, .. } = line else { return Err(no_session()) };
    let decision = policy.decide(&facts(subscriber, &session.situation, tally.today(now), question));
    let access = session.situation.access;
    let verdict = VerdictView::of(&decision).on(access, decision.verdict.cause());
    if decision.verdict.cause().is_none()
        && route.is_some()
        && let Err(refusal) = session.admit(tally, bytes as u64, now)
    {
        let verdict = VerdictView { version: policy.version(), ..VerdictView::of_refusal(&refusal) };
        owned.record(now, &Given { what: &what, verdict: &verdict, bytes });
        return Err(refusal);
    }
    owned.record(now, &Given { what: &what, verdict: &verdict, bytes });
    match (decision.verdict.cause(), route) {
        (Some(_), _) => Err(refused(&decision)),
        (None, None) => Err(Refusal { rule: Some(verdict.rule), ..Refusal::new(Kind::NoRoute, NO_ROUTE) }),
        (None, Some(route)) => Ok(Answer::Route(route)),
    }
}

/// Lets an answer of the SM go on, if the session is still there and has room for it: one that
/// ended meanwhile has no limits that could be kept, so nothing comes through it any more.
pub(super) fn answered(
    owned: &mut Owned,
    id: &str,
    bytes: Option<u64>,
    now: Timestamp,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    owned.line.session(id, now)?;
    let Line { session: Some(session), tally, .. } = &mut owned.line else { return Err(no_session()) };
    let charged = session.charge(tally, bytes, now);
    if let Err(refusal) = &charged {
        let verdict = VerdictView { version: policy.version(), ..VerdictView::of_refusal(refusal) };
        let what = format!("an answer of {} bytes", bytes.unwrap_or_default());
        owned.record(now, &Given { what: &what, verdict: &verdict, bytes: 0 });
    }
    charged.map(|()| Answer::Charged)
}

pub(super) fn dns(
    owned: &mut Owned,
    id: &str,
    asked: &Asked,
    now: Timestamp,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    owned.heed(id, now, policy)?;
    let Owned { subscriber, line } = &mut *owned;
    let Line { session: Some(session), tally, .. } = line else { return Err(no_session()) };
    let address = session.view.address.clone();
    let what = format!("DNS {} {}", asked.kind_name(), asked.name);
    let is_listed = policy.sm_addresses().names(&asked.name);
    let (code, verdict) = match asked.flaw {
        Some(flaw) => (flaw.code(), gateways_no(flaw.words(), policy.version())),
        None => {
            let destination = if is_listed { Destination::Sm } else { Destination::Elsewhere };
            let question = Question::Data(destination);
            let decision = policy.decide(&facts(subscriber, &session.situation, tally.today(now), question));
            let code = match decision.verdict.cause() {
                Some(_) => Code::Refused,
                None if is_listed => Code::NoError,
                // There is nobody to ask.
                None => Code::ServFail,
            };
            (code, VerdictView::of(&decision).on(session.situation.access, decision.verdict.cause()))
        }
    };
    owned.record(now, &Given { what: &what, verdict: &verdict, bytes: 0 });
    let addresses = if code == Code::NoError { asked.addresses(&address) } else { vec![] };
    let because = if code == Code::ServFail { NO_ROUTE.to_owned() } else { verdict.because };
    Ok(Answer::Names(Names { code, addresses }, VerdictView { because, ..verdict }))
}

/// A refusal that no policy can lift; of which version the policy is all the same.
fn gateways_no(because: &str, version: Version) -> VerdictView {
    VerdictView {
        verdict: "refused".to_owned(),
        because: because.to_owned(),
        rule: GATEWAY.to_owned(),
        version,
        cause: None,
    }
}
