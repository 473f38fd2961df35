//! A document made ready to be asked: of ten thousand rules only those are looked at that could
//! hold.
//!
//! A rule that names IMSIs, terminal types, visited networks or whole APNs holds for nobody
//! else, so it is kept under one of these: under that which fewest other rules are kept under.
//! The rest is kept under class and kind of question. What is found under all of a question's
//! own keys is gone through in the order of the document, so the first that holds is the same as
//! if all had been read.

use std::collections::HashMap;
use std::sync::Arc;

use super::document::{
    ApnPattern, Document, Finding, Imsis, Level, Requested, Rule, SmAccess, SmEntry, Target, Then, When,
};
use super::{
    Because, Class, Connection, DEFAULT, DEFAULT_WORDS, Decision, Facts, Kind, Question, RequestedApn,
    Situation, SubscribedApn, Verdict, Version,
};
use crate::apn::Apn;
use crate::gateway::SmAddresses;
use crate::refusal::Cause;

/// A policy ready to be asked. It never changes.
#[derive(Debug)]
pub struct Policy {
    version: Version,
    document: Document,
    sm_addresses: SmAddresses,
    provisioning: Prefixes,
    because: Vec<Because>,
    default: Because,
    index: Index,
}

impl Policy {
    /// Makes a document ready. `version` is what decisions are marked with.
    ///
    /// # Errors
    /// What is wrong with the document; warnings do not matter.
    pub fn compile(document: Document, version: Version) -> Result<Self, Vec<Finding>> {
        let findings = document.examine();
        if findings.iter().any(|finding| finding.level == Level::Error) {
            return Err(findings);
        }
        Ok(Self::of_examined(document, version))
    }

    /// The same for a document that has been examined before.
    #[must_use]
    pub fn of_examined(document: Document, version: Version) -> Self {
        let because =
            |rule: &Rule| Because { rule: rule.name.as_str().into(), words: rule.words.as_str().into() };
        let mut provisioning = Prefixes::default();
        for imsis in &document.classes.provisioning {
            provisioning.insert(imsis, 0);
        }
        Self {
            version,
            sm_addresses: document.sm_access.addresses(),
            provisioning,
            because: document.rules.iter().map(because).collect(),
            default: Because { rule: DEFAULT.into(), words: DEFAULT_WORDS.into() },
            index: Index::of(&document.rules),
            document,
        }
    }

    /// The same policy, in a deployment that may or may not reach SMs whose addresses are not
    /// public.
    #[must_use]
    pub fn permit_private(mut self, private: bool) -> Self {
        self.sm_addresses = self.sm_addresses.permit_private(private);
        self
    }

    /// Which document it is.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// What it was made of.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// The way to the SMs.
    #[must_use]
    pub const fn sm_access(&self) -> &SmAccess {
        &self.document.sm_access
    }

    /// The APN for SM access.
    #[must_use]
    pub const fn sm_apn(&self) -> &Apn {
        &self.document.sm_access.apn
    }

    /// The SMs' addresses.
    #[must_use]
    pub const fn sm_addresses(&self) -> &SmAddresses {
        &self.sm_addresses
    }

    /// The SM at `authority`, `host` or `host:port`.
    #[must_use]
    pub fn sm(&self, authority: &str) -> Option<&SmEntry> {
        self.document.sm_access.entry(authority)
    }

    /// The class that a subscriber is treated as: provisioning where the subscription or the
    /// document says so.
    #[must_use]
    pub fn class(&self, subscription: Class, imsi: &str) -> Class {
        let listed = || {
            self.provisioning.lists(imsi).next().is_some()
                && self.document.classes.provisioning.iter().any(|imsis| imsis.contains(imsi))
        };
        if subscription == Class::Provisioning || listed() { Class::Provisioning } else { subscription }
    }

    /// Decides. Total: there is an answer to every question, and without a rule it is no.
    #[must_use]
    pub fn decide(&self, facts: &Facts<'_>) -> Decision {
        let class = self.class(facts.class, facts.imsi);
        let sm_apn = self.sm_apn();
        let found = self.index.candidates(class, facts).find_map(|at| {
            let rule = self.document.rules.get(at)?;
            if !holds(&rule.when, class, facts, sm_apn) {
                return None;
            }
            let decided = verdict(&rule.then, facts, sm_apn)?;
            Some((self.because.get(at)?, decided))
        });
        match found {
            Some((because, Decided::By(verdict))) => {
                Decision { verdict, because: because.clone(), version: self.version }
            }
            Some((because, Decided::Exhausted(cause, limit))) => Decision {
                verdict: Verdict::Refused(cause),
                because: Because { rule: Arc::clone(&because.rule), words: limit.into() },
                version: self.version,
            },
            None => Decision {
                verdict: Verdict::Refused(Cause::OperatorDeterminedBarring),
                because: self.default.clone(),
                version: self.version,
            },
        }
    }
}

/// What comes of a rule that holds.
enum Decided {
    /// What it says.
    By(Verdict),
    /// No: of what it says there is no more today. The cause, and in words.
    Exhausted(Cause, String),
}

/// What a rule that holds decides; `None` where it connects to what is not there.
fn verdict(then: &Then, facts: &Facts<'_>, sm_apn: &Apn) -> Option<Decided> {
    let kind = facts.question.kind();
    let verdict = match then {
        Then::Connect(connect) => {
            let Question::Connectivity(requested) = &facts.question else { return None };
            let apn = match &connect.apn {
                Target::Sm => sm_apn.clone(),
                Target::Requested => asked(requested)?.clone(),
                Target::ContractDefault => facts.contract.default_apn.clone()?,
                Target::Named(apn) => apn.clone(),
            };
            let limits = connect.limits;
            if let Some(most) = limits.attaches_per_day.filter(|most| facts.used.attaches >= *most) {
                let words = format!("the limit of {most} attaches a day is reached");
                return Some(Decided::Exhausted(Cause::Congestion, words));
            }
            if let Some(most) = limits.bytes_per_day.filter(|most| facts.used.bytes >= *most) {
                let words = format!("the limit of {most} bytes a day is reached");
                return Some(Decided::Exhausted(Cause::InsufficientResources, words));
            }
            let contract = facts.contract;
            Verdict::Connected(Connection {
                limits,
                qos: connect.qos.or_else(|| contract.qos(&apn)),
                ambr: connect.qos.and_then(|qos| qos.ambr).or_else(|| contract.session_ambr(&apn)),
                cap: connect.ambr,
                apn,
            })
        }
        Then::Permit(_) if kind == Kind::Connectivity => return None,
        Then::Permit(_) => Verdict::Permitted,
        Then::Refuse(refuse) => Verdict::Refused(refuse.cause.of(kind)?),
    };
    Some(Decided::By(verdict))
}

const fn asked(requested: &RequestedApn) -> Option<&Apn> {
    match requested {
        RequestedApn::Apn(apn) => Some(apn),
        RequestedApn::None | RequestedApn::Malformed => None,
    }
}

/// Whether all holds that a rule says of where it applies.
fn holds(when: &When, class: Class, facts: &Facts<'_>, sm_apn: &Apn) -> bool {
    let Situation { access, visited, tac } = facts.situation;
    let kind = facts.question.kind();
    let connectivity = match &facts.question {
        Question::Connectivity(requested) => Some(requested),
        _ => None,
    };
    one_of(&when.question, |own| *own == kind)
        && when.class.is_none_or(|own| own == class)
        && when.emergency.is_none_or(|own| facts.question == Question::Voice { emergency: own })
        && when.destination.is_none_or(|own| facts.question == Question::Data(own))
        && when.included.is_none_or(|own| included(facts) == Some(own))
        && when.access.is_none_or(|own| own == *access)
        && when
            .roaming
            .is_none_or(|own| own == visited.as_ref().is_some_and(|visited| !visited.is_home_of(facts.imsi)))
        && when.roaming_agreed.is_none_or(|own| own == facts.contract.roaming)
        && when
            .used
            .is_none_or(|least| facts.used.attaches >= least.attaches && facts.used.bytes >= least.bytes)
        && when.requested.is_none_or(|own| {
            connectivity.is_some_and(|requested| is_requested(own, requested, facts, sm_apn))
        })
        && one_of(&when.apn, |own| connectivity.and_then(asked).is_some_and(|apn| own.matches(apn)))
        && one_of(&when.tac, |own| tac.as_ref() == Some(own))
        && one_of(&when.visited, |own| visited.as_ref() == Some(own))
        && one_of(&when.imsi, |own| own.contains(facts.imsi))
}

fn one_of<T>(list: &[T], holds: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(holds)
}

fn is_requested(own: Requested, requested: &RequestedApn, facts: &Facts<'_>, sm_apn: &Apn) -> bool {
    match (own, requested) {
        (Requested::None, RequestedApn::None) | (Requested::Malformed, RequestedApn::Malformed) => true,
        (Requested::WellFormed, RequestedApn::Apn(_)) => true,
        (Requested::Sm, RequestedApn::Apn(apn)) => apn == sm_apn,
        (Requested::InContract, RequestedApn::Apn(apn)) => {
            facts.contract.apns.iter().any(|own| matches!(own, SubscribedApn::One(own) if own == apn))
        }
        (Requested::AnyInContract, RequestedApn::Apn(_)) => facts.contract.apns.contains(&SubscribedApn::Any),
        _ => false,
    }
}

/// Whether a contract includes the call, the message or the packets.
const fn included(facts: &Facts<'_>) -> Option<bool> {
    match facts.question {
        Question::Connectivity(_) => None,
        Question::Voice { .. } => Some(facts.contract.voice),
        Question::Sms => Some(facts.contract.sms),
        Question::Data(_) => Some(facts.contract.data),
    }
}

/// A rule's place in the document.
pub(super) type At = usize;

/// What a rule can be kept under.
#[derive(Clone, Copy)]
enum Under {
    Imsi,
    Apn,
    Tac,
    Visited,
}

/// The rules by what they name.
#[derive(Debug, Default)]
struct Index {
    /// By class and kind: those that name nothing that is indexed.
    general: [[Vec<At>; Kind::ALL.len()]; 2],
    apn: HashMap<Apn, Vec<At>>,
    tac: HashMap<String, Vec<At>>,
    visited: HashMap<String, Vec<At>>,
    imsi: Prefixes,
}

/// How many lists [`Index::candidates`] can find: one of the general ones, one for each of APN,
/// terminal type and network, and one for each length of an IMSI's beginning.
const LISTS: usize = 4 + 15;

impl Index {
    fn of(rules: &[Rule]) -> Self {
        // Under everything, to see where is most room.
        let mut all = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            for under in keys(&rule.when) {
                all.insert(&rule.when, at, under);
            }
        }
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            match keys(&rule.when).min_by_key(|under| all.crowd(&rule.when, *under)) {
                Some(under) => index.insert(&rule.when, at, under),
                None => index.insert_general(&rule.when, at),
            }
        }
        index
    }

    fn insert(&mut self, when: &When, at: At, under: Under) {
        fn push<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Vec<At>>, key: K, at: At) {
            let list = map.entry(key).or_default();
            if list.last() != Some(&at) {
                list.push(at);
            }
        }
        match under {
            Under::Imsi => when.imsi.iter().for_each(|imsis| self.imsi.insert(imsis, at)),
            Under::Apn => exactly(when).for_each(|apn| push(&mut self.apn, apn.clone(), at)),
            Under::Tac => when.tac.iter().for_each(|tac| push(&mut self.tac, tac.as_str().to_owned(), at)),
            Under::Visited => {
                when.visited.iter().for_each(|plmn| push(&mut self.visited, plmn.as_str().to_owned(), at));
            }
        }
    }

    fn insert_general(&mut self, when: &When, at: At) {
        for class in [Class::Provisioning, Class::Operational] {
            for kind in Kind::ALL {
                if when.class.is_none_or(|own| own == class)
                    && one_of(&when.question, |own| *own == kind)
                    && let Some(list) =
                        self.general.get_mut(class as usize).and_then(|kinds| kinds.get_mut(kind as usize))
                {
                    list.push(at);
                }
            }
        }
    }

    /// How many rules there are where a rule would be.
    fn crowd(&self, when: &When, under: Under) -> usize {
        let length = |list: Option<&Vec<At>>| list.map_or(0, Vec::len);
        match under {
            Under::Imsi => when.imsi.iter().map(|imsis| self.imsi.crowd(imsis)).max().unwrap_or_default(),
            Under::Apn => exactly(when).map(|apn| length(self.apn.get(apn))).max().unwrap_or_default(),
            Under::Tac => {
                when.tac.iter().map(|tac| length(self.tac.get(tac.as_str()))).max().unwrap_or_default()
            }
            Under::Visited => when
                .visited
                .iter()
                .map(|plmn| length(self.visited.get(plmn.as_str())))
                .max()
                .unwrap_or_default(),
        }
    }

    /// The rules that could hold, in their order; one of several IMSIs can come twice.
    fn candidates<'i>(&'i self, class: Class, facts: &Facts<'_>) -> Merged<'i> {
        let mut merged = Merged { lists: [&[]; LISTS], count: 0 };
        let general = self.general.get(class as usize);
        merged.add(general.and_then(|kinds| kinds.get(facts.question.kind() as usize)));
        if let Question::Connectivity(RequestedApn::Apn(apn)) = &facts.question {
            merged.add(self.apn.get(apn));
        }
        if let Some(tac) = &facts.situation.tac {
            merged.add(self.tac.get(tac.as_str()));
        }
        if let Some(visited) = &facts.situation.visited {
            merged.add(self.visited.get(visited.as_str()));
        }
        for list in self.imsi.lists(facts.imsi) {
            merged.add(Some(list));
        }
        merged
    }
}

/// What a rule can be kept under: what it names of it is all that it holds for.
fn keys(when: &When) -> impl Iterator<Item = Under> {
    let whole_apns = !when.apn.is_empty() && exactly(when).count() == when.apn.len();
    [
        (!when.imsi.is_empty()).then_some(Under::Imsi),
        whole_apns.then_some(Under::Apn),
        (!when.tac.is_empty()).then_some(Under::Tac),
        (!when.visited.is_empty()).then_some(Under::Visited),
    ]
    .into_iter()
    .flatten()
}

fn exactly(when: &When) -> impl Iterator<Item = &Apn> {
    when.apn.iter().filter_map(|pattern| match pattern {
        ApnPattern::Exactly(apn) => Some(apn),
        ApnPattern::Begins(_) | ApnPattern::Ends(_) => None,
    })
}

/// Ascending lists, as one.
struct Merged<'i> {
    lists: [&'i [At]; LISTS],
    count: usize,
}

impl<'i> Merged<'i> {
    fn add(&mut self, list: Option<&'i Vec<At>>) {
        if let Some(list) = list.filter(|list| !list.is_empty())
            && let Some(place) = self.lists.get_mut(self.count)
        {
            *place = list;
            self.count += 1;
        }
    }
}

impl Iterator for Merged<'_> {
    type Item = At;

    fn next(&mut self) -> Option<At> {
        let lists = self.lists.iter_mut().take(self.count);
        let next = lists.filter(|list| !list.is_empty()).min_by_key(|list| list.first())?;
        let (first, rest) = next.split_first()?;
        *next = rest;
        Some(*first)
    }
}

/// What is kept under the beginnings of IMSIs.
#[derive(Debug, Default)]
struct Prefixes {
    /// Bit n: there is a beginning of n digits.
    lengths: u16,
    lists: HashMap<(u8, u64), Vec<At>>,
}

impl Prefixes {
    fn insert(&mut self, imsis: &Imsis, at: At) {
        for (length, digits) in prefixes(imsis) {
            self.lengths |= 1 << length;
            let list = self.lists.entry((length, digits)).or_default();
            if list.last() != Some(&at) {
                list.push(at);
            }
        }
    }

    /// How many there are in the longest of the lists for `imsis`.
    fn crowd(&self, imsis: &Imsis) -> usize {
        prefixes(imsis).filter_map(|key| self.lists.get(&key)).map(Vec::len).max().unwrap_or_default()
    }

    /// The lists for the beginnings of `imsi`, short ones first.
    fn lists<'p>(&'p self, imsi: &str) -> impl Iterator<Item = &'p Vec<At>> {
        let digits = imsi.bytes().take(15).map(|digit| u64::from(digit.wrapping_sub(b'0')));
        let beginnings = digits.scan(0_u64, |value, digit| {
            *value = value.wrapping_mul(10).wrapping_add(digit);
            Some(*value)
        });
        (1..)
            .zip(beginnings)
            .filter(|(length, _)| self.lengths & 1 << *length != 0)
            .filter_map(|key| self.lists.get(&key))
    }
}

/// Most beginnings of more than one digit that a range is kept under.
const MAX_BEGINNINGS: usize = 4;

/// Beginnings that IMSIs have in common, as their number of digits and their value. Those of a
/// range cover all of it, and where its ends are crooked somewhat more: what is found by them is
/// looked at once more ([`Imsis::contains`]), and they are few.
fn prefixes(imsis: &Imsis) -> impl Iterator<Item = (u8, u64)> {
    // Both are up to 15 digits.
    let number = |digits: &str| digits.parse::<u64>().unwrap_or_default();
    let (low, high, digits) = match imsis {
        Imsis::Prefix(prefix) => (number(prefix), number(prefix), prefix.len()),
        Imsis::Range(from, to) => (number(from), number(to), from.len()),
    };
    // Ends of ever fewer digits. Of one digit there are ten beginnings, which everybody shares.
    let ends = |cut: u32| {
        let grain = 10_u64.pow(cut);
        (low - low % grain, high - high % grain + (grain - 1))
    };
    let few = |(low, high): (u64, u64)| {
        stretches(low, high, digits).take(MAX_BEGINNINGS + 1).count() <= MAX_BEGINNINGS
    };
    let last = u32::try_from(digits.saturating_sub(1)).unwrap_or_default();
    let (low, high) = (0..last).map(ends).find(|ends| few(*ends)).unwrap_or_else(|| ends(last));
    stretches(low, high, digits)
}

/// The beginnings of exactly the numbers from `low` to `high`, of so many digits.
fn stretches(mut low: u64, high: u64, digits: usize) -> impl Iterator<Item = (u8, u64)> {
    std::iter::from_fn(move || {
        if low > high {
            return None;
        }
        // The longest stretch that begins here, is whole, and does not go too far.
        let (mut length, mut stretch) = (digits, 1_u64);
        while length > 1 && low.is_multiple_of(stretch * 10) && low + (stretch * 10 - 1) <= high {
            (length, stretch) = (length - 1, stretch * 10);
        }
        let prefix = low / stretch;
        low += stretch;
        Some((u8::try_from(length).unwrap_or(u8::MAX), prefix))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(from: &str, to: &str) -> Imsis {
        Imsis::Range(from.to_owned(), to.to_owned())
    }

    #[test]
    fn a_round_range_is_kept_under_what_it_is() {
        for (from, to, kept) in [
            ("001010000000000", "001010000000099", vec![(13, 10_100_000_000)]),
            (
                "001010000000100",
                "001010000000399",
                vec![(13, 10_100_000_001), (13, 10_100_000_002), (13, 10_100_000_003)],
            ),
            ("001010000000007", "001010000000007", vec![(15, 1_010_000_000_007)]),
        ] {
            assert_eq!(prefixes(&range(from, to)).collect::<Vec<_>>(), kept, "{from}");
        }
        assert_eq!(prefixes(&Imsis::Prefix("00101".to_owned())).collect::<Vec<_>>(), [(5, 101)]);
        assert_eq!(prefixes(&range("000000000000001", "999999999999998")).count(), 10);
    }

    proptest! {
        #[test]
        fn a_range_is_kept_under_few_beginnings_and_found_by_each_of_its_imsis(
            mut ends in prop::array::uniform2(0_u64..1_000_000_000_000_000),
            common in 0_u32..15,
            inner in any::<prop::sample::Index>(),
        ) {
            // With some digits in common, and none.
            ends = ends.map(|end| end % 10_u64.pow(15 - common) + 10_u64.pow(15 - common) * u64::from(common));
            ends = ends.map(|end| end % 1_000_000_000_000_000);
            ends.sort_unstable();
            let [from, to] = ends.map(|end| format!("{end:015}"));
            let imsis = range(&from, &to);
            let kept: Vec<_> = prefixes(&imsis).collect();
            prop_assert!(kept.len() <= MAX_BEGINNINGS || kept.iter().all(|(length, _)| *length == 1));
            let mut index = Prefixes::default();
            index.insert(&imsis, 7);
            let span = usize::try_from(ends[1] - ends[0]).unwrap();
            let between = ends[0] + u64::try_from(inner.index(span + 1)).unwrap();
            for imsi in [from, to, format!("{between:015}")] {
                prop_assert!(index.lists(&imsi).any(|list| list.contains(&7)), "{}", imsi);
            }
        }
    }
}
