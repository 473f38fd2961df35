//! The record of what was decided: every verdict of a subscriber, numbered, bounded, without
//! secrets, and without anything by which one could act as the subscriber.

use std::collections::VecDeque;

use rsp::Imsi;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::policy::Version;
use crate::refusal::{CauseView, Refusal};
use crate::service::Timestamp;

/// Most verdicts of one subscriber that are kept; the oldest go first.
pub const KEPT: usize = 512;

/// Most besides that nobody has proven anything for ([`Verdict::is_unproven`]): whoever knows an
/// IMSI can have them made, and they push out only their own kind.
pub const KEPT_UNPROVEN: usize = 64;

/// What decides where no rule of a policy does, because nobody has proven who it is.
pub(crate) const AUTHENTICATION: &str = "authentication";

/// Most verdicts on one page.
pub const PAGE: usize = 100;

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Its number, from the one who keeps it: those of a subscriber go up by one, and none is
    /// used again.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// Which session, by a name that is no right to use it ([`session_name`]).
    pub session: Option<String>,
    /// Whose, masked ([`masked`]).
    pub subscriber: String,
    /// What was asked.
    pub what: String,
    /// `permitted` or `refused`.
    pub verdict: String,
    /// Why, in plain words.
    pub because: String,
    /// The rule that decided.
    pub rule: String,
    /// The version of the policy it is a rule of.
    pub policy: Version,
    /// The 3GPP cause of a refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<CauseView>,
    /// How many bytes the terminal sent.
    #[serde(default)]
    pub bytes: u64,
}

impl Verdict {
    /// Whether it was given before anybody had proven to be the subscriber.
    #[must_use]
    pub fn is_unproven(&self) -> bool {
        self.what == "attach" && self.rule == AUTHENTICATION
    }
}

/// Which verdicts are wanted: the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Only those of the session of this name.
    pub session: Option<String>,
    /// Only those before this number.
    pub before: Option<u64>,
    /// Only those of then or later.
    pub since: Option<Timestamp>,
    /// Only those with this verdict.
    pub verdict: Option<String>,
    /// How many at most; at most [`PAGE`].
    pub limit: Option<usize>,
}

/// Some verdicts, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
    /// With which `before` the next page is asked for; none where there is no more.
    pub next: Option<u64>,
}

impl Page {
    /// The page that is wanted of `verdicts`, which come newest first.
    pub fn of<E>(verdicts: impl Iterator<Item = Result<Verdict, E>>, wanted: &Wanted) -> Result<Self, E> {
        let limit = wanted.limit.unwrap_or(PAGE).clamp(1, PAGE);
        let mut page = Self::default();
        for verdict in verdicts {
            let verdict = verdict?;
            let asked_for = wanted.before.is_none_or(|before| verdict.number < before)
                && wanted.since.is_none_or(|since| verdict.at >= since)
                && wanted.verdict.as_ref().is_none_or(|wanted| *wanted == verdict.verdict)
                && wanted.session.as_ref().is_none_or(|wanted| Some(wanted) == verdict.session.as_ref());
            if !asked_for {
                continue;
            }
            if page.verdicts.len() == limit {
                page.next = page.verdicts.last().map(|last| last.number);
                break;
            }
            page.verdicts.push(verdict);
        }
        Ok(page)
    }
}

/// Numbers verdicts and keeps the newest of a subscriber's, oldest first.
pub fn keep(kept: &mut VecDeque<Verdict>, fresh: impl IntoIterator<Item = Verdict>) {
    for verdict in fresh {
        // At the last number it stays: a record that goes on is worth more than one that counts.
        let number = kept.back().map_or(0, |last| last.number).saturating_add(1);
        kept.push_back(Verdict { number, ..verdict });
    }
    let unproven = kept.iter().filter(|verdict| verdict.is_unproven()).count();
    let mut too_many = [kept.len().saturating_sub(unproven + KEPT), unproven.saturating_sub(KEPT_UNPROVEN)];
    kept.retain(|verdict| {
        let [proven, unproven] = &mut too_many;
        let surplus = if verdict.is_unproven() { unproven } else { proven };
        *surplus == 0 || {
            *surplus -= 1;
            false
        }
    });
}

/// That somebody wanted to attach who is not known here. Nothing is kept of it.
#[must_use]
pub fn stranger(imsi: &Imsi, refusal: &Refusal, policy: Version, at: Timestamp) -> Verdict {
    Verdict {
        number: 0,
        at,
        session: None,
        subscriber: masked(imsi),
        what: "attach".to_owned(),
        verdict: "refused".to_owned(),
        because: refusal.because.clone(),
        rule: AUTHENTICATION.to_owned(),
        policy,
        cause: refusal.cause.map(CauseView::from),
        bytes: 0,
    }
}

/// An IMSI as it stands in a log: whose network, and the last three digits.
#[must_use]
pub fn masked(imsi: &Imsi) -> String {
    let digits = imsi.as_str();
    let hidden = digits.len().saturating_sub(8);
    let (start, end) = (digits.get(..5).unwrap_or_default(), digits.get(5 + hidden..).unwrap_or_default());
    format!("{start}{}{end}", "*".repeat(hidden))
}

/// Names a session in a log. Its id is the right to use it, and its beginning names the
/// subscriber: neither can be had from this.
#[must_use]
pub fn session_name(id: &str) -> String {
    let digest = Sha256::digest(format!("session {id}"));
    hex::encode(digest.get(..6).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(number: u64, session: &str) -> Verdict {
        Verdict {
            number,
            at: number,
            session: Some(session.to_owned()),
            subscriber: "00101".to_owned(),
            what: "sms".to_owned(),
            verdict: if number.is_multiple_of(2) { "permitted" } else { "refused" }.to_owned(),
            because: "because".to_owned(),
            rule: "rule".to_owned(),
            policy: 0,
            cause: None,
            bytes: 0,
        }
    }

    fn numbers(kept: &VecDeque<Verdict>, wanted: &Wanted) -> (Vec<u64>, Option<u64>) {
        let newest_first = kept.iter().rev().cloned().map(Ok::<_, ()>);
        let page = Page::of(newest_first, wanted).unwrap();
        (page.verdicts.iter().map(|verdict| verdict.number).collect(), page.next)
    }

    #[test]
    fn the_newest_are_kept_and_read_page_by_page() {
        let mut kept = VecDeque::new();
        keep(&mut kept, (1..=700).map(|number| verdict(number, "a")));
        assert_eq!(kept.len(), KEPT);
        let (mut wanted, mut all) = (Wanted::default(), vec![]);
        loop {
            let (page, next) = numbers(&kept, &wanted);
            assert!(page.len() <= PAGE);
            all.extend(page);
            match next {
                Some(before) => wanted.before = Some(before),
                None => break,
            }
        }
        assert_eq!(all, (189..=700).rev().collect::<Vec<_>>());
    }

    #[test]
    fn what_strangers_do_pushes_out_only_its_own_kind() {
        let mut kept = VecDeque::new();
        keep(&mut kept, (1..=600).map(|number| verdict(number, "a")));
        let stranger = Verdict {
            what: "attach".to_owned(),
            rule: AUTHENTICATION.to_owned(),
            session: None,
            ..verdict(0, "a")
        };
        for _ in 0..700 {
            keep(&mut kept, [stranger.clone()]);
        }
        let numbers: Vec<u64> = kept.iter().map(|verdict| verdict.number).collect();
        assert_eq!(numbers, (89..=600).chain(1237..=1300).collect::<Vec<_>>());
        // And the other way round.
        keep(&mut kept, (0..700).map(|number| verdict(number, "a")));
        let numbers: Vec<u64> = kept.iter().map(|verdict| verdict.number).collect();
        assert_eq!(numbers, (1237..=1300).chain(1489..=2000).collect::<Vec<_>>());
    }

    #[test]
    fn the_record_goes_on_at_its_last_number() {
        let mut kept = VecDeque::from([verdict(u64::MAX - 1, "a")]);
        keep(&mut kept, [verdict(0, "a"), verdict(0, "a")]);
        assert_eq!(
            kept.iter().map(|verdict| verdict.number).collect::<Vec<_>>(),
            [u64::MAX - 1, u64::MAX, u64::MAX]
        );
    }

    #[test]
    fn those_of_a_session_or_a_verdict() {
        let mut kept = VecDeque::new();
        keep(&mut kept, [verdict(1, "a"), verdict(2, "b"), verdict(3, "b"), verdict(4, "b")]);
        let of_b = Wanted { session: Some("b".to_owned()), limit: Some(2), ..Wanted::default() };
        assert_eq!(numbers(&kept, &of_b), (vec![4, 3], Some(3)));
        let refused = Wanted { verdict: Some("refused".to_owned()), ..Wanted::default() };
        assert_eq!(numbers(&kept, &refused), (vec![3, 1], None));
        assert_eq!(numbers(&kept, &Wanted { limit: Some(0), ..Wanted::default() }).0, [4]);
    }

    #[test]
    fn who_it_was_is_not_told() {
        assert_eq!(masked(&"001010000000321".parse().unwrap()), "00101*******321");
        assert_eq!(masked(&"001012".parse().unwrap()), "001012");
        let id = "0123456789abcdef00000000000000000000000000000000";
        assert_eq!(session_name(id).len(), 12);
        assert!(!id.contains(&session_name(id)));
        assert_ne!(session_name(id), session_name(&id.replace('0', "1")));
    }
}
