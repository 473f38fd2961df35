//! What a core has been given, so that it can be told what is other and what is gone.
//!
//! A decision is an object of sections. Some of them ([`EACH`]) hold entries by name, of which
//! each is given, changed and taken back by itself: a `null` takes it back (TS 29.512 §4.2.6.2).
//! Kept are the names and a digest of each: a policy has few hundred SMs, so it is bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Sections of which each entry stands for itself.
const EACH: [&str; 6] = ["sessRules", "pccRules", "traffContDecs", "chgDecs", "umDecs", super::gx::RULES];

/// What was given, by section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Given(BTreeMap<String, Section>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Section {
    One(Digest64),
    Each(BTreeMap<String, Digest64>),
}

/// What a value was; `None` where it is not known what the core has: it is told in any case.
type Digest64 = Option<u64>;

impl Given {
    /// What is given with a whole decision.
    pub(crate) fn of(whole: &Map<String, Value>) -> Self {
        let section = |(name, value): (&String, &Value)| (name.clone(), Section::of(name, value));
        Self(whole.iter().map(section).collect())
    }

    /// What of `whole` is other than was given, and a `null` for what is gone. Entries of the
    /// section `again` are told whether they are other or not.
    pub(crate) fn told(&self, whole: &Map<String, Value>, again: Option<&str>) -> Map<String, Value> {
        let nothing = Value::Null;
        let gone = self.0.keys().filter(|name| !whole.contains_key(*name)).map(|name| (name, &nothing));
        let mut told = Map::new();
        for (name, value) in whole.iter().chain(gone) {
            let before = self.0.get(name);
            let again = again == Some(name.as_str());
            let what = match before {
                Some(Section::Each(before)) => {
                    let empty = Map::new();
                    let entries = value.as_object().unwrap_or(&empty);
                    let other = |(entry, value): &(&String, &Value)| {
                        again || before.get(*entry) != Some(&digest(value))
                    };
                    let gone = before.keys().filter(|entry| !entries.contains_key(*entry));
                    let gone = gone.map(|entry| (entry, &nothing));
                    let other = entries.iter().filter(other).chain(gone);
                    let other: Map<_, _> = other.map(|(name, value)| (name.clone(), value.clone())).collect();
                    (!other.is_empty()).then_some(Value::Object(other))
                }
                Some(Section::One(before)) => (again || *before != digest(value)).then(|| value.clone()),
                None => Some(value.clone()),
            };
            if let Some(what) = what {
                told.insert(name.clone(), what);
            }
        }
        told
    }

    /// Of what was `told` it is not known whether the core has it: it is told again with what is told next.
    pub(crate) fn doubt(&mut self, told: &Map<String, Value>) {
        self.doubt_where(told, |_, _| true);
    }

    /// The same of what was told otherwise than it has been given by now: whether there is any.
    pub(crate) fn doubt_other(&mut self, told: &Map<String, Value>) -> bool {
        self.doubt_where(told, |before, value| match before {
            Some(before) => *before != digest(value),
            None => !value.is_null(),
        })
    }

    /// The same of some entries of a section.
    pub(crate) fn doubt_entries(&mut self, section: &str, entries: &[String]) {
        if let Some(Section::Each(kept)) = self.0.get_mut(section) {
            for entry in entries {
                kept.get_mut(entry).map(Option::take);
            }
        }
    }

    fn doubt_where(
        &mut self,
        told: &Map<String, Value>,
        doubtful: impl Fn(Option<&Digest64>, &Value) -> bool,
    ) -> bool {
        let mut any = false;
        for (name, value) in told {
            match (self.0.get_mut(name), value) {
                (Some(Section::Each(kept)), Value::Object(entries)) => {
                    for (entry, value) in entries {
                        if doubtful(kept.get(entry), value) {
                            kept.insert(entry.clone(), None);
                            any = true;
                        }
                    }
                }
                // Taken back as a whole, and there again.
                (Some(Section::Each(kept)), _) => {
                    any |= !kept.is_empty();
                    kept.values_mut().for_each(|digest| *digest = None);
                }
                (Some(Section::One(kept)), value) => {
                    if doubtful(Some(kept), value) {
                        *kept = None;
                        any = true;
                    }
                }
                (None, Value::Object(entries)) if EACH.contains(&name.as_str()) => {
                    if !entries.is_empty() {
                        let unknown = entries.keys().map(|entry| (entry.clone(), None));
                        self.0.insert(name.clone(), Section::Each(unknown.collect()));
                        any = true;
                    }
                }
                (None, value) => {
                    if doubtful(None, value) {
                        self.0.insert(name.clone(), Section::One(None));
                        any = true;
                    }
                }
            }
        }
        any
    }
}

impl Section {
    fn of(name: &str, value: &Value) -> Self {
        match value {
            Value::Object(entries) if EACH.contains(&name) => {
                Self::Each(entries.iter().map(|(name, value)| (name.clone(), digest(value))).collect())
            }
            value => Self::One(digest(value)),
        }
    }
}

/// Tells two values apart.
#[expect(clippy::unnecessary_wraps, reason = "it is compared with what is kept, which may be unknown")]
fn digest(value: &Value) -> Digest64 {
    let digest = Sha256::digest(value.to_string());
    Some(digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
