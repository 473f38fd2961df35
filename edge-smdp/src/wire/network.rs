//! What the network is to know of a subscriber beyond the keys, in the words of the network's
//! own interface (`PUT /network/subscribers/{imsi}`).

pub mod subscribed;

use serde::{Deserialize, Serialize};

use crate::error::Malformed;

/// How many access points a contract may name.
const MAX_APNS: usize = 50;
/// The longest access point name in characters (3GPP TS 23.003 §9.1: 100 bytes, less the length
/// of the first label).
const MAX_APN: usize = 99;

/// How many telephone numbers.
const MAX_NUMBERS: usize = 8;
/// The longest contract, in bytes of JSON: it is in the record of every profile that has one, and a page
/// of a list reads 200 records of each object.
const MAX_CONTRACT: usize = 4 * 1024;

/// A subscription: its class and its contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscription {
    /// Must be there; a row of a table may come without it, and is refused then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// What is agreed on.
    #[serde(default)]
    pub contract: Contract,
    /// The authentication management field (3GPP TS 33.102 Annex H), 4 hexadecimal digits;
    /// without it the network's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amf: Option<String>,
}

/// The class of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// For fetching a profile and nothing else.
    Provisioning,
    /// With a contract.
    Operational,
}

/// What a subscriber has agreed on with the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Contract {
    /// Access points; `*` stands for any.
    pub apns: Vec<String>,
    /// The one of a terminal that asks for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_apn: Option<String>,
    /// Calls.
    pub voice: bool,
    /// Short messages.
    pub sms: bool,
    /// Packets.
    pub data: bool,
    /// All that in other networks too; as long as nothing is said, it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roaming: Option<bool>,
    /// The most of all sessions of a terminal together (UE-AMBR, 3GPP TS 23.401 §4.7.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ambr: Option<subscribed::Rates>,
    /// The quality and rates of the access points, by slice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<subscribed::Slice>,
    /// Telephone numbers, without `+`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub msisdns: Vec<String>,
    /// Access-Restriction-Data (3GPP TS 29.272 §7.3.31).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_restriction: Option<u32>,
    /// Subscribed-Periodic-RAU-TAU-Timer (3GPP TS 29.272 §7.3.134), in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub periodic_update_minutes: Option<u32>,
}

impl Subscription {
    /// Whether it can be one. What exactly the network takes is the network's to say.
    ///
    /// # Errors
    /// [`Malformed`] names the part that cannot.
    pub fn check(&self) -> Result<(), Malformed> {
        let malformed =
            |what: &str, because: &str| Err(Malformed::new(&format!("subscription.{what}"), because));
        if self.class.is_none() {
            return malformed("class", "provisioning or operational");
        }
        let is_amf = |amf: &String| amf.len() == 4 && amf.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !self.amf.as_ref().is_none_or(is_amf) {
            return malformed("amf", "4 hexadecimal digits");
        }
        let Contract { apns, default_apn, .. } = &self.contract;
        if apns.len() > MAX_APNS {
            return malformed("contract.apns", "at most 50");
        }
        if !apns.iter().all(|apn| apn == "*" || is_apn(apn)) {
            return malformed("contract.apns", "labels of letters, digits and hyphens joined by dots, or *");
        }
        if !default_apn.as_deref().is_none_or(is_apn) {
            return malformed("contract.defaultApn", "labels of letters, digits and hyphens joined by dots");
        }
        self.check_quality()
    }

    /// What a contract says beyond access points and services.
    fn check_quality(&self) -> Result<(), Malformed> {
        let malformed = |what: &str, because: &str| {
            Err(Malformed::new(&format!("subscription.contract.{what}"), because))
        };
        let Contract { apns, default_apn, ambr, slices, msisdns, .. } = &self.contract;
        let is_number = |number: &String| {
            (1..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        if msisdns.len() > MAX_NUMBERS || !msisdns.iter().all(is_number) {
            return malformed("msisdns", "at most 8, of 1 to 15 digits");
        }
        if let Some(flaw) = ambr.as_ref().and_then(subscribed::Rates::flaw) {
            return malformed("ambr", flaw);
        }
        if let Some(flaw) = subscribed::flaw(slices) {
            return malformed("slices", flaw);
        }
        if self.class == Some(Class::Operational) && !slices.is_empty() {
            let of_slices = || subscribed::sessions(slices).map(|session| session.apn.as_str());
            let is_same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
            if !of_slices().all(|own| apns.iter().any(|apn| is_same(apn, own)))
                || !apns.iter().all(|apn| of_slices().any(|own| is_same(apn, own)))
            {
                return malformed("slices", "their sessions are those of apns");
            }
            let first = of_slices().find(|apn| *apn != "*");
            let agree = match (first, default_apn.as_deref()) {
                (Some(first), Some(default)) => is_same(first, default),
                (first, default) => first == default,
            };
            if !agree {
                return malformed("slices", "the first access point of the default slice is defaultApn");
            }
        }
        if serde_json::to_vec(&self.contract).map_or(0, |json| json.len()) > MAX_CONTRACT {
            return malformed("slices", "a contract has at most 4 KiB");
        }
        Ok(())
    }
}

fn is_apn(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= MAX_APN && text.split('.').all(is_label)
}
