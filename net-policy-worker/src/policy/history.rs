//! Versions of the policy: which there are, who wrote them and when.
//!
//! A version's number is never used again and what it names never changes; the last one is what
//! is decided by. Going back makes a new version of an old one's text.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::MAX_BYTES;
use super::{Document, Policy, Version};
use crate::refusal::{Kind, Refusal};
use crate::service::Timestamp;

/// Most versions that are kept; the oldest go first.
pub const MAX_VERSIONS: usize = 100;

/// A version as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number.
    pub version: Version,
    /// Since when it is.
    pub at: Timestamp,
    /// Who wrote it, as the document says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What changed, as the document says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// How many rules it has.
    pub rules: usize,
    /// How long its text is.
    pub bytes: usize,
    /// SHA-256 of its text, in hex.
    pub sha256: String,
    /// The version that it is again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_to: Option<Version>,
}

/// A document that is to become the next version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// The document; it has been examined.
    pub document: Document,
    /// The version that its author saw; any, if there is none.
    pub expected: Option<Version>,
    /// The version that it is again.
    pub rolled_back_to: Option<Version>,
}

/// The versions that are kept, oldest first. Empty as long as the operator has written none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(pub Vec<Entry>);

/// What a proposal comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The new version.
    pub entry: Entry,
    /// Its text.
    pub text: String,
    /// What the text says, read again.
    pub document: Document,
    /// The versions that are no longer kept.
    pub pruned: Vec<Version>,
}

impl History {
    /// What is decided by; 0 as long as the operator has written nothing.
    #[must_use]
    pub fn current(&self) -> Version {
        self.0.last().map_or(0, |entry| entry.version)
    }

    /// Adds a version.
    ///
    /// # Errors
    /// [`Kind::Changed`] when the author saw another version than the current one,
    /// [`Kind::TooLarge`] and [`Kind::Malformed`] for a document whose text is too long to be
    /// kept, or would say something else when it is read again.
    pub fn add(&mut self, proposal: &Proposal, now: Timestamp) -> Result<Accepted, Refusal> {
        let current = self.current();
        if proposal.expected.is_some_and(|expected| expected != current) {
            let because = format!("the policy is version {current} by now");
            return Err(Refusal::new(Kind::Changed, because));
        }
        let no_text = || Refusal::new(Kind::Malformed, "the document cannot be written down");
        let text = proposal.document.kept().ok_or_else(no_text)?;
        if text.len() > MAX_BYTES {
            let because = format!("the document has more than {MAX_BYTES} bytes once it is written out");
            return Err(Refusal::new(Kind::TooLarge, because));
        }
        let document = Document::read_kept(text.as_bytes()).ok();
        let Some(document) = document.filter(|document| *document == proposal.document) else {
            let because = "the document would say something else when it is read again";
            return Err(Refusal::new(Kind::Malformed, because));
        };
        let entry = Entry {
            version: current + 1,
            at: now,
            author: proposal.document.author.clone(),
            note: proposal.document.note.clone(),
            rules: proposal.document.rules.len(),
            bytes: text.len(),
            sha256: hex::encode(Sha256::digest(&text)),
            rolled_back_to: proposal.rolled_back_to,
        };
        self.0.push(entry.clone());
        let surplus = self.0.len().saturating_sub(MAX_VERSIONS);
        let pruned = self.0.drain(..surplus).map(|entry| entry.version).collect();
        Ok(Accepted { entry, text, document, pruned })
    }
}

/// Versions in memory.
pub struct Versions {
    history: History,
    kept: BTreeMap<Version, Rc<Policy>>,
}

impl Versions {
    /// Of a network whose operator has written none: it decides by `first`, whose version is 0.
    #[must_use]
    pub fn new(first: Policy) -> Self {
        Self { history: History::default(), kept: BTreeMap::from([(0, Rc::new(first))]) }
    }

    /// What is decided by.
    #[must_use]
    pub fn current(&self) -> Option<Rc<Policy>> {
        self.of(self.history.current())
    }

    /// A version.
    #[must_use]
    pub fn of(&self, version: Version) -> Option<Rc<Policy>> {
        self.kept.get(&version).cloned()
    }

    /// Which there are, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.history.0.clone()
    }

    /// Adds a version.
    ///
    /// # Errors
    /// As [`History::add`].
    pub fn add(&mut self, proposal: &Proposal, now: Timestamp) -> Result<Entry, Refusal> {
        let Accepted { entry, document, pruned, .. } = self.history.add(proposal, now)?;
        for version in pruned {
            self.kept.remove(&version);
        }
        // What the text says, as a program that starts later knows nothing else.
        let policy = Policy::of_examined(document, entry.version);
        self.kept.insert(entry.version, Rc::new(policy));
        Ok(entry)
    }
}
