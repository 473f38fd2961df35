//! Every verdict goes on record: in the session's log, for its terminal, and in the
//! subscriber's, for the operator.

use super::wire::{Answer, SqnChange, VerdictView};
use super::{Owned, Timestamp, line};
use crate::gateway::audit;
use crate::policy::Policy;
use crate::refusal::{Cause, Kind, Refusal};

/// A verdict as it is given.
pub(super) struct Given<'a> {
    /// What was asked.
    pub(super) what: &'a str,
    /// Yes or no.
    pub(super) verdict: &'a VerdictView,
    /// How many bytes the terminal sent.
    pub(super) bytes: usize,
}

/// Most questions in one minute, answered or refused, of a session whose requests the policy
/// limits to half as many or less; of others twice their limit. Each is written down.
pub const MAX_QUESTIONS: u64 = 600;

impl Owned {
    /// Takes a question of the session `id`. Of those that are too many the first goes on record.
    pub(super) fn heed(&mut self, id: &str, now: Timestamp, policy: &Policy) -> Result<(), Refusal> {
        let session = self.line.session_mut(id, now)?;
        let asked = session.pace.count(now);
        let Some(requests) = session.limits.requests_per_minute else { return Ok(()) };
        let most = requests.saturating_mul(2).max(MAX_QUESTIONS);
        if asked <= most {
            return Ok(());
        }
        let because = format!("the limit of {most} questions a minute is reached");
        let refusal = Refusal {
            rule: Some("gateway".to_owned()),
            ..Refusal::new(Kind::TooMany, because).with_cause(Cause::InsufficientResources)
        };
        if asked == most.saturating_add(1) {
            let verdict = VerdictView { version: policy.version(), ..VerdictView::of_refusal(&refusal) };
            self.record(now, &Given { what: "more questions", verdict: &verdict, bytes: 0 });
        }
        Err(refusal)
    }

    /// Puts a verdict on record.
    pub(super) fn record(&mut self, now: Timestamp, given: &Given<'_>) {
        let Given { what, verdict, bytes } = given;
        if let Some(session) = &mut self.line.session {
            let VerdictView { verdict: word, because, rule, version, .. } = verdict;
            session.note(now, what, word, because, rule, *version);
        }
        self.audit(now, given, *bytes);
    }

    fn audit(&mut self, now: Timestamp, given: &Given<'_>, bytes: usize) {
        let Given { what, verdict, .. } = given;
        let session = self.line.session.as_ref();
        let session = session.map(|session| audit::session_name(&session.view.session_id));
        let entry = audit::Verdict {
            number: 0,
            at: now,
            session,
            subscriber: audit::masked(&self.subscriber.imsi),
            what: line::bounded(what),
            verdict: verdict.verdict.clone(),
            because: verdict.because.clone(),
            rule: verdict.rule.clone(),
            policy: verdict.version,
            cause: verdict.cause.clone(),
            bytes: bytes as u64,
        };
        self.line.fresh.push(entry);
    }
}

/// Puts on record how an attach came out. A challenge is no verdict yet. Anybody can have one refused
/// who knows an IMSI: the record keeps those apart ([`audit::KEPT_UNPROVEN`]).
pub(super) fn attach(owned: &mut Owned, answer: &Result<Answer, Refusal>, now: Timestamp, policy: &Policy) {
    let verdict = match answer {
        Ok(Answer::Attached { session, .. }) => VerdictView {
            verdict: "permitted".to_owned(),
            because: session.apn.because.clone(),
            rule: session.apn.rule.clone(),
            version: session.apn.version,
            cause: None,
        },
        // Who is asked nothing has not been told anything either.
        Err(refusal) if refusal.cause.is_some() => {
            VerdictView { version: policy.version(), ..VerdictView::of_refusal(refusal) }
        }
        _ => return,
    };
    owned.audit(now, &Given { what: "attach", verdict: &verdict, bytes: 0 }, 0);
}

/// Sets the sequence number, and puts on record from where to where: a number that is used twice, or
/// one that is far ahead, shows later.
pub(super) fn sqn(
    owned: &mut Owned,
    change: SqnChange,
    now: Timestamp,
    policy: &Policy,
) -> Result<(), Refusal> {
    let before = owned.line.sqn;
    if change.expected.is_some_and(|expected| expected != before) {
        let because = format!("the sequence number is {before:012x} by now");
        return Err(Refusal::new(Kind::Changed, because));
    }
    owned.line.sqn = change.sqn;
    let verdict = VerdictView {
        verdict: "permitted".to_owned(),
        because: format!("the operator set it from {before:012x} to {:012x}", change.sqn),
        rule: "operator".to_owned(),
        version: policy.version(),
        cause: None,
    };
    owned.audit(now, &Given { what: "sequence number", verdict: &verdict, bytes: 0 }, 0);
    Ok(())
}
