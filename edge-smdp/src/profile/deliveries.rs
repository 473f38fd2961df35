//! Bound packages that have left the server, and what is known of each: what the word of an eUICC
//! on it is verified by, and whether a profile may be on an eUICC.

use core::ops::Not;

use rsp::{Eid, TransactionId};
use serde::{Deserialize, Serialize};

use super::{EuiccKey, Order};
use crate::wire::text;

/// How many deliveries are remembered, to match installation results with.
pub(crate) const MAX_DELIVERED: usize = 32;

/// A bound package that left the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its session.
    #[serde(with = "text")]
    pub transaction_id: TransactionId,
    /// PK.EUICC of that session: what the eUICC signs the result with, also after another
    /// session under another CI. Older records do not say: it is the order's then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub euicc_key: Option<EuiccKey>,
    /// Whether the eUICC has said that it does not have the profile: it gave the session up, or
    /// the installation failed. What it signs afterwards may still say the contrary.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub is_given_back: bool,
    /// The eUICC's number of the report that it was installed. Earlier versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<u32>,
}

impl Delivery {
    /// Whether the eUICC may have it, as far as it has said.
    #[must_use]
    pub fn is_out(&self) -> bool {
        !self.is_given_back
    }
}

/// The sessions in which a package was handed out, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Deliveries(Vec<Delivery>);

impl Deliveries {
    /// Whether none was.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a package is out that the eUICC has not given back.
    #[must_use]
    pub fn are_out(&self) -> bool {
        self.0.iter().any(Delivery::is_out)
    }

    /// What was handed out in this session.
    #[must_use]
    pub fn of(&self, session: &TransactionId) -> Option<&Delivery> {
        self.0.iter().find(|delivery| delivery.transaction_id == *session)
    }

    /// The latest that the eUICC has not given back.
    #[must_use]
    pub fn latest_out(&self) -> Option<&Delivery> {
        self.0.iter().rfind(|delivery| delivery.is_out())
    }

    /// Notes that a package was handed out, to the eUICC with this key. Where there are too many,
    /// one that was given back is forgotten, else the oldest.
    pub fn add(&mut self, transaction_id: TransactionId, euicc_key: Option<EuiccKey>) {
        if self.0.len() >= MAX_DELIVERED {
            let least = self.0.iter().position(|delivery| delivery.is_given_back);
            self.0.remove(least.unwrap_or(0));
        }
        self.0.push(Delivery { transaction_id, euicc_key, is_given_back: false, installed: None });
    }

    /// The eUICC has reported, under this number, that it has installed what was handed out in this
    /// session.
    pub fn note_installed(&mut self, session: &TransactionId, seq_number: u32) {
        for delivery in self.0.iter_mut().filter(|delivery| delivery.transaction_id == *session) {
            delivery.installed = Some(seq_number);
        }
    }

    /// Whether the eUICC may have the profile, or come to have it, after it has reported under this
    /// number that it is deleted; `None`: it has not.
    ///
    /// A deletion is of one package. An eUICC has one session at a time, so whatever was handed out
    /// before that package is over with it; what was handed out afterwards may be installed and not
    /// reported yet.
    #[must_use]
    pub fn may_be_on(&self, deleted: Option<u32>) -> bool {
        let Some(deleted) = deleted else { return self.are_out() };
        let before = |delivery: &Delivery| delivery.installed.is_some_and(|installed| installed < deleted);
        // If its installation was not reported, the first that it can be of.
        let of = self.0.iter().rposition(before).or_else(|| self.0.iter().position(Delivery::is_out));
        let later = |delivery: &Delivery| delivery.installed.is_some_and(|installed| installed > deleted);
        let may_be_on = |(at, delivery): (usize, &Delivery)| {
            delivery.is_out() && !before(delivery) && (later(delivery) || of.is_none_or(|of| at > of))
        };
        self.0.iter().enumerate().any(may_be_on)
    }

    /// The eUICC has said that it does not have what was handed out in this session.
    pub fn give_back(&mut self, session: &TransactionId) {
        for delivery in self.0.iter_mut().filter(|delivery| delivery.transaction_id == *session) {
            delivery.is_given_back = true;
        }
    }

    /// The eUICC says that it has it all the same: of a session, or of none in particular.
    pub fn take_back(&mut self, session: Option<&TransactionId>) {
        let of_session = |delivery: &&mut Delivery| session.is_none_or(|id| delivery.transaction_id == *id);
        for delivery in self.0.iter_mut().filter(of_session) {
            delivery.is_given_back = false;
        }
    }
}

/// What is left of an order that was cancelled after a package was handed out: enough to know the
/// eUICC's word on it, which comes all the same and which the operator wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The eUICC that the package was bound to.
    #[serde(with = "text")]
    pub eid: Eid,
    /// Its key.
    pub euicc_key: EuiccKey,
    /// Sessions in which a package was handed out.
    pub delivered: Deliveries,
}

impl Withdrawn {
    /// Of an order; `None` when no package of it was handed out.
    #[must_use]
    pub fn of(order: &Order) -> Option<Self> {
        let (eid, euicc_key) = order.eid.zip(order.euicc_key)?;
        let delivered = order.delivered.clone();
        (!delivered.is_empty()).then_some(Self { eid, euicc_key, delivered })
    }
}
