//! What a session is used for: calls, short messages, packets.

use super::line::no_session;
use super::wire::{Answer, Route, ServiceKind, VerdictView};
use super::{EMERGENCY, Line, Owned, Timestamp, facts, refused};
use crate::gateway::{Attempt, Examined, examine};
use crate::policy::{Destination, Policy, Question};
use crate::refusal::{Kind, Refusal};

pub(super) fn service(
    owned: &mut Owned,
    id: &str,
    kind: ServiceKind,
    to: &str,
    now: Timestamp,
    policy: &Policy,
) -> Result<Answer, Refusal> {
    let Owned { subscriber, line } = owned;
    let used = line.tally.today(now);
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
            Question::Data(policy.sm_addresses().locate(authority))
        }
    };
    let decision = policy.decide(&facts(subscriber, &session.situation, used, question));
    let verdict = VerdictView::of(&decision).on(session.situation.access, decision.verdict.cause());
    let VerdictView { verdict: word, because, rule, version, .. } = &verdict;
    session.note(now, &format!("{} {to}", kind.name()), word, because, rule, *version);
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
    let Owned { subscriber, line } = owned;
    // Ends it if its time is up.
    line.session_mut(id, now)?;
    let Line { session: Some(session), tally, .. } = line else { return Err(no_session()) };
    let what = format!("{} {}{}", attempt.method, attempt.authority, attempt.target);
    let examined = examine(attempt, policy.sm_addresses());
    let (question, route) = match examined {
        Examined::Es9(authority) => {
            let route = Route { authority, target: attempt.target.clone() };
            (Question::Data(Destination::Sm), Some(route))
        }
        Examined::Other => (Question::Data(Destination::Elsewhere), None),
        Examined::Refused(because) => {
            session.note(now, &what, "refused", because, "gateway", policy.version());
            return Err(Refusal {
                rule: Some("gateway".to_owned()),
                ..Refusal::new(Kind::Forbidden, format!("the gateway refuses {because}"))
            });
        }
        Examined::TooLarge => {
            session.note(now, &what, "refused", "too many bytes", "gateway", policy.version());
            return Err(Refusal::new(Kind::TooLarge, "the gateway takes at most 256 KiB"));
        }
    };
    let decision = policy.decide(&facts(subscriber, &session.situation, tally.today(now), question));
    let verdict = VerdictView::of(&decision);
    if decision.verdict.cause().is_none() && route.is_some() {
        session.admit(tally, attempt.length as u64, now).inspect_err(|refusal| {
            let rule = refusal.rule.as_deref().unwrap_or_default();
            session.note(now, &what, "refused", &refusal.because, rule, policy.version());
        })?;
    }
    session.note(now, &what, &verdict.verdict, &verdict.because, &verdict.rule, verdict.version);
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
