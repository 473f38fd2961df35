//! The policy: facts in, a decision and its reason out.
//!
//! What it says is data ([`document`]): rules, read from the first to the last, of which the
//! first that holds decides. A [`Policy`] is a document made ready to be asked ([`compiled`]).
//! Where no rule holds the answer is no.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::apn::Apn;
use crate::refusal::Cause;

pub mod compiled;
pub mod document;
pub mod history;
pub mod subscribed;

pub use compiled::Policy;
pub use document::{Ambr, Document, Limits, PlmnId, Qos, Tac};

/// Names a policy document for ever; 0 is the one that the deployment's variables make.
pub type Version = u64;

/// What kind of profile a subscriber has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// No contract yet: for fetching a profile and nothing else.
    Provisioning,
    /// A subscriber with a contract.
    Operational,
}

/// What a subscriber has agreed on with the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Contract {
    /// The APNs; `*` stands for any (TS 29.272 §7.3.35).
    pub apns: Vec<SubscribedApn>,
    /// The APN of a terminal that asks for none.
    pub default_apn: Option<Apn>,
    /// Calls.
    pub voice: bool,
    /// Short messages.
    pub sms: bool,
    /// Packets.
    pub data: bool,
    /// All that in other networks too; as long as nothing is said, it is.
    #[serde(skip_serializing_if = "is_true")]
    pub roaming: bool,
    /// The most of all sessions of a terminal together, but for what has rates of its own
    /// (UE-AMBR, TS 23.401 §4.7.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ambr: Option<subscribed::Rates>,
    /// The quality and rates of the APNs, by slice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<subscribed::Slice>,
    /// Telephone numbers, without `+`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub msisdns: Vec<String>,
    /// Access-Restriction-Data: bits of accesses that may not be used (TS 29.272 §7.3.31). For
    /// another core network; here nothing comes by these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_restriction: Option<u32>,
    /// Subscribed-Periodic-RAU-TAU-Timer (TS 29.272 §7.3.134), in minutes. For another core
    /// network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub periodic_update_minutes: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            apns: vec![],
            default_apn: None,
            voice: false,
            sms: false,
            data: false,
            roaming: true,
            ambr: None,
            slices: vec![],
            msisdns: vec![],
            access_restriction: None,
            periodic_update_minutes: None,
        }
    }
}

/// An APN of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SubscribedApn {
    /// This one.
    One(Apn),
    /// Any: `*`.
    Any,
}

impl TryFrom<String> for SubscribedApn {
    type Error = crate::apn::InvalidApn;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "*" { Ok(Self::Any) } else { Apn::parse(&text).map(Self::One) }
    }
}

impl From<SubscribedApn> for String {
    fn from(subscribed: SubscribedApn) -> Self {
        match subscribed {
            SubscribedApn::One(apn) => apn.into(),
            SubscribedApn::Any => "*".to_owned(),
        }
    }
}

/// Which APN a terminal asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedApn {
    /// None.
    None,
    /// A well-formed one.
    Apn(Apn),
    /// Something that is no APN.
    Malformed,
}

impl RequestedApn {
    /// What the terminal sent; an empty text is none.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            None | Some("") => Self::None,
            Some(text) => Apn::parse(text).map_or(Self::Malformed, Self::Apn),
        }
    }
}

/// Where packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    /// To an SM of the allow-list.
    Sm,
    /// Anywhere else.
    Elsewhere,
}

/// What is to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A connection to a packet network.
    Connectivity(RequestedApn),
    /// A call.
    Voice {
        /// To an emergency number.
        emergency: bool,
    },
    /// A short message.
    Sms,
    /// Packets.
    Data(Destination),
}

impl Question {
    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Connectivity(_) => Kind::Connectivity,
            Self::Voice { .. } => Kind::Voice,
            Self::Sms => Kind::Sms,
            Self::Data(_) => Kind::Data,
        }
    }
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A connection to a packet network.
    Connectivity,
    /// A call.
    Voice,
    /// A short message.
    Sms,
    /// Packets.
    Data,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Connectivity, Self::Voice, Self::Sms, Self::Data];
}

/// By what a terminal is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Access {
    /// LTE and its core.
    #[default]
    #[serde(rename = "eps")]
    Eps,
    /// The 5G system.
    #[serde(rename = "5g")]
    FiveG,
}

/// Where and with what a subscriber is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Situation {
    /// By which access.
    pub access: Access,
    /// The network the terminal is in; not known means at home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visited: Option<PlmnId>,
    /// The type of terminal, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tac: Option<Tac>,
}

/// All that a decision is made of.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The class that the subscription says.
    pub class: Class,
    /// The subscriber's contract.
    pub contract: &'a Contract,
    /// Whose it is: 6 to 15 digits.
    pub imsi: &'a str,
    /// Where and with what.
    pub situation: &'a Situation,
    /// What the subscriber has used today.
    pub used: document::UsedToday,
    /// What is asked.
    pub question: Question,
}

/// Yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Permitted,
    /// Yes, by this connection.
    Connected(Connection),
    /// No, with the cause for the terminal.
    Refused(Cause),
}

/// What a subscriber is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The APN.
    pub apn: Apn,
    /// How much of it.
    pub limits: Limits,
    /// How well: as the rule says, or else as it is subscribed. Its rates are in `ambr`.
    pub qos: Option<Qos>,
    /// The most bits a second, as the rule says or else as it is subscribed.
    pub ambr: Option<Ambr>,
    /// More than this it is in no case.
    pub cap: Option<Ambr>,
}

impl Connection {
    /// The most bits a second. What is not known here may be known by who asks: `subscribed`.
    #[must_use]
    pub fn authorised(&self, subscribed: Option<Ambr>) -> Option<Ambr> {
        authorised(self.ambr.or(subscribed), self.cap)
    }

    /// The quality with the rates that come of it; and the rates alone, where there is no more.
    #[must_use]
    pub fn shown(&self) -> (Option<Qos>, Option<Ambr>) {
        let ambr = self.authorised(None);
        let qos = self.qos.map(|qos| Qos { ambr, ..qos });
        (qos, ambr.filter(|_| qos.is_none()))
    }
}

/// Rates that are no more than a cap.
pub(crate) fn authorised(ambr: Option<Ambr>, cap: Option<Ambr>) -> Option<Ambr> {
    match (ambr, cap) {
        (Some(ambr), Some(cap)) => {
            Some(Ambr { uplink: ambr.uplink.min(cap.uplink), downlink: ambr.downlink.min(cap.downlink) })
        }
        (ambr, cap) => ambr.or(cap),
    }
}

impl Verdict {
    /// The cause of a refusal.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        match self {
            Self::Permitted | Self::Connected(_) => None,
            Self::Refused(cause) => Some(*cause),
        }
    }
}

/// A verdict and the rule it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Yes or no.
    pub verdict: Verdict,
    /// The rule.
    pub because: Because,
    /// Of which document.
    pub version: Version,
}

/// A rule's name and its reason in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// The name, for logs and for whoever asks.
    pub rule: Arc<str>,
    /// The reason, for people.
    pub words: Arc<str>,
}

/// The name of the answer where no rule holds. No rule may have it.
pub const DEFAULT: &str = "default";

/// What is said there.
pub const DEFAULT_WORDS: &str = "no rule permits this";

#[cfg(test)]
mod tests;
