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
    One(u64),
    Each(BTreeMap<String, u64>),
}

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
fn digest(value: &Value) -> u64 {
    let digest = Sha256::digest(value.to_string());
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
