//! The policy: facts in, a decision and its reason out.
//!
//! [`RULES`] are read from the first to the last, and the first that applies decides.
//! Where none applies the answer is no.

use serde::{Deserialize, Serialize};

use crate::apn::Apn;
use crate::refusal::Cause;

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// All that a decision is made of.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The subscriber's class.
    pub class: Class,
    /// The subscriber's contract.
    pub contract: &'a Contract,
    /// The APN for SM access.
    pub sm_apn: &'a Apn,
    /// What is asked.
    pub question: Question,
}

/// Yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Permitted,
    /// Yes, on this APN.
    Connected(Apn),
    /// No, with the cause for the terminal.
    Refused(Cause),
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
}

/// A rule's name and its reason in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Because {
    /// The name, for logs and tests.
    pub rule: &'static str,
    /// The reason, for people.
    pub words: &'static str,
}

/// One rule.
pub struct Rule {
    /// Its name and reason.
    pub because: Because,
    /// What it decides; `None` where it does not apply.
    judge: fn(&Facts<'_>) -> Option<Verdict>,
}

const fn rule(name: &'static str, words: &'static str, judge: fn(&Facts<'_>) -> Option<Verdict>) -> Rule {
    Rule { because: Because { rule: name, words }, judge }
}

/// What is said where no rule applies.
pub const DEFAULT: Because = Because { rule: "default", words: "no rule permits this" };

/// The rules, in the order they are read.
pub const RULES: &[Rule] = &[
    rule("emergency-call", "emergency calls are never refused", |facts| {
        matches!(facts.question, Question::Voice { emergency: true }).then_some(Verdict::Permitted)
    }),
    rule("sm-access", "every subscriber may reach the SM", |facts| {
        matches!(facts.question, Question::Data(Destination::Sm)).then_some(Verdict::Permitted)
    }),
    rule(
        "provisioning-apn",
        "not yet under contract: connected to the SM, whatever APN was asked for",
        |facts| match (facts.class, &facts.question) {
            (Class::Provisioning, Question::Connectivity(_)) => {
                Some(Verdict::Connected(facts.sm_apn.clone()))
            }
            _ => None,
        },
    ),
    rule("provisioning-no-contract", "not yet under contract", |facts| {
        let cause = match (facts.class, &facts.question) {
            (Class::Provisioning, Question::Voice { .. } | Question::Sms) => Cause::CsDomainNotAvailable,
            (Class::Provisioning, Question::Data(_)) => Cause::OperatorDeterminedBarring,
            _ => return None,
        };
        Some(Verdict::Refused(cause))
    }),
    rule("contract-apn", "the contract names the APN asked for", |facts| {
        let apn = asked(facts)?;
        let named =
            facts.contract.apns.iter().any(|own| matches!(own, SubscribedApn::One(own) if own == apn));
        named.then(|| Verdict::Connected(apn.clone()))
    }),
    rule("contract-any-apn", "the contract allows any APN", |facts| {
        let apn = asked(facts)?;
        facts.contract.apns.contains(&SubscribedApn::Any).then(|| Verdict::Connected(apn.clone()))
    }),
    rule("contract-default-apn", "no APN was asked for: the contract's default", |facts| {
        match (facts.class, &facts.question) {
            (Class::Operational, Question::Connectivity(RequestedApn::None)) => {
                facts.contract.default_apn.clone().map(Verdict::Connected)
            }
            _ => None,
        }
    }),
    rule("apn-not-in-contract", "the contract has no such APN", |facts| {
        matches!((facts.class, &facts.question), (Class::Operational, Question::Connectivity(_)))
            .then_some(Verdict::Refused(Cause::MissingOrUnknownApn))
    }),
    rule("contract-service", "the contract includes it", |facts| {
        included(facts)?.then_some(Verdict::Permitted)
    }),
    rule("service-not-in-contract", "the contract does not include it", |facts| {
        let cause = match facts.question {
            Question::Voice { .. } | Question::Sms => Cause::CsDomainNotAvailable,
            Question::Data(_) | Question::Connectivity(_) => Cause::ServiceOptionNotSubscribed,
        };
        (!included(facts)?).then_some(Verdict::Refused(cause))
    }),
];

/// Decides. Total: there is an answer to every question, and without a rule it is no.
#[must_use]
pub fn decide(facts: &Facts<'_>) -> Decision {
    RULES
        .iter()
        .find_map(|rule| {
            let verdict = (rule.judge)(facts)?;
            Some(Decision { verdict, because: rule.because })
        })
        .unwrap_or(Decision { verdict: Verdict::Refused(Cause::OperatorDeterminedBarring), because: DEFAULT })
}

/// The APN an operational subscriber asks for.
fn asked<'f>(facts: &'f Facts<'_>) -> Option<&'f Apn> {
    match (facts.class, &facts.question) {
        (Class::Operational, Question::Connectivity(RequestedApn::Apn(apn))) => Some(apn),
        _ => None,
    }
}

/// Whether an operational subscriber's contract includes the service asked for.
fn included(facts: &Facts<'_>) -> Option<bool> {
    match (facts.class, &facts.question) {
        (Class::Provisioning, _) | (_, Question::Connectivity(_)) => None,
        (Class::Operational, Question::Voice { .. }) => Some(facts.contract.voice),
        (Class::Operational, Question::Sms) => Some(facts.contract.sms),
        (Class::Operational, Question::Data(_)) => Some(facts.contract.data),
    }
}

#[cfg(test)]
mod tests;
