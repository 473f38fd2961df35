//! What a subscription says of quality and rates, slice by slice, and what else a home
//! subscriber server has of it: as an operator writes it in a contract, and as Open5GS has it in
//! its documents ([`crate::subscriber`]).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::document::{Ambr, Arp, Qos};
use super::{Contract, SubscribedApn};
use crate::apn::Apn;

/// Most APNs of a contract, slices, sessions of a slice, rules of a session, flows of a rule,
/// telephone numbers.
const MAX_APNS: usize = 50;
const MAX_SLICES: usize = 8;
const MAX_SESSIONS: usize = 16;
const MAX_RULES: usize = 8;
const MAX_FLOWS: usize = 16;
const MAX_NUMBERS: usize = 8;

/// Longest description of a flow.
const MAX_DESCRIPTION: usize = 256;

/// Most bits a second: what JavaScript can count.
const MAX_BITS: u64 = 1 << 53;

/// A bit rate as it was written: a number and a unit (BitRate, TS 29.571 §5.5.2).
/// `1000 Mbps` and `1 Gbps` are as fast and not the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BitRate {
    /// How many of the unit.
    pub value: u64,
    /// The unit.
    pub unit: RateUnit,
}

/// A unit of bit rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateUnit {
    /// 1 bit/s.
    Bps,
    /// 1000 bit/s.
    Kbps,
    /// 1000 kbit/s.
    Mbps,
    /// 1000 Mbit/s.
    Gbps,
    /// 1000 Gbit/s.
    Tbps,
}

impl RateUnit {
    /// All of them, the smallest first: their places are Open5GS's numbers of them.
    pub const ALL: [Self; 5] = [Self::Bps, Self::Kbps, Self::Mbps, Self::Gbps, Self::Tbps];

    /// How it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bps => "bps",
            Self::Kbps => "Kbps",
            Self::Mbps => "Mbps",
            Self::Gbps => "Gbps",
            Self::Tbps => "Tbps",
        }
    }

    const fn bits(self) -> u64 {
        1000_u64.pow(self as u32)
    }
}

impl BitRate {
    /// In bits a second.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.value.saturating_mul(self.unit.bits())
    }

    /// So many bits a second, in the largest unit that holds them exactly.
    #[must_use]
    pub fn of_bits(bits: u64) -> Self {
        let exact = |unit: &RateUnit| bits >= unit.bits() && bits.is_multiple_of(unit.bits());
        let unit = RateUnit::ALL.into_iter().rev().find(exact).unwrap_or(RateUnit::Bps);
        Self { value: bits / unit.bits(), unit }
    }

    /// The bits a second of a text of the standard's form, which may have a fraction; what is
    /// less than a bit is left out.
    #[must_use]
    pub fn bits_of(text: &str) -> Option<u64> {
        let (number, unit) = text.split_once(' ')?;
        let unit = RateUnit::ALL.into_iter().find(|own| own.name() == unit)?;
        let (whole, fraction) = number.split_once('.').map_or((number, None), |(a, b)| (a, Some(b)));
        let digits =
            |text: &str| (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || fraction.is_some_and(|fraction| !digits(fraction)) {
            return None;
        }
        let whole = whole.parse::<u64>().ok()?.checked_mul(unit.bits())?;
        let part = fraction.map_or(Some(0), |fraction| {
            let part = fraction.parse::<u128>().ok()?.checked_mul(unit.bits().into())?;
            u64::try_from(part / 10_u128.pow(u32::try_from(fraction.len()).ok()?)).ok()
        })?;
        whole.checked_add(part)
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit.name())
    }
}

impl TryFrom<String> for BitRate {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let read = || {
            let (value, unit) = text.split_once(' ')?;
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            let value = value.parse().ok().filter(|_| digits)?;
            let unit = RateUnit::ALL.into_iter().find(|own| own.name() == unit)?;
            Some(Self { value, unit })
        };
        read().ok_or("a bit rate is a whole number and bps, Kbps, Mbps, Gbps or Tbps")
    }
}

impl From<BitRate> for String {
    fn from(rate: BitRate) -> Self {
        rate.to_string()
    }
}

/// Bit rates of both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// From the terminal.
    pub uplink: BitRate,
    /// To the terminal.
    pub downlink: BitRate,
}

impl Rates {
    /// In bits a second.
    #[must_use]
    pub const fn ambr(self) -> Ambr {
        Ambr { uplink: self.uplink.bits(), downlink: self.downlink.bits() }
    }
}

/// A slice that is subscribed, and what of it (TS 23.501 §5.15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slice {
    /// Slice/service type.
    pub sst: u8,
    /// Slice differentiator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<SliceDifferentiator>,
    /// Whether it is taken where none is asked for. In EPS the first of these has the default APN.
    #[serde(default)]
    pub default: bool,
    /// What is subscribed of its APNs.
    pub sessions: Vec<Session>,
}

/// Slice differentiator: 24 bits as six hexadecimal digits (TS 29.571 §5.4.4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SliceDifferentiator(String);

impl TryFrom<String> for SliceDifferentiator {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hex = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hex { Ok(Self(text)) } else { Err("a slice differentiator is 6 hexadecimal digits") }
    }
}

impl From<SliceDifferentiator> for String {
    fn from(sd: SliceDifferentiator) -> Self {
        sd.0
    }
}

/// What is subscribed of an APN: APN-Configuration (TS 29.272 §7.3.35), DnnConfiguration
/// (TS 29.503 §6.1.6.2.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Session {
    /// Which; `*` is any that has none of its own.
    pub apn: SubscribedApn,
    /// Which kind of addresses.
    #[serde(rename = "type", default)]
    pub kind: PdnType,
    /// How well it is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<SubscribedQos>,
    /// The most of all that a session does but for what has rates of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambr: Option<Rates>,
    /// The terminal's own addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Addresses>,
    /// The gateway that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Addresses>,
    /// Whether a visited network may lead the packets out itself; not said is not agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_breakout: Option<bool>,
    /// Flows that are served otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<SubscribedRule>,
}

/// PDU session type (TS 29.571 §5.4.3.3), PDN-Type (TS 29.272 §7.3.62).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PdnType {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Both.
    #[default]
    Ipv4v6,
}

/// EPS-Subscribed-QoS-Profile (TS 29.272 §7.3.37), SubscribedDefaultQos (TS 29.571 §5.5.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscribedQos {
    /// QCI, and as 5QI the same.
    pub qci: u8,
    /// Allocation and retention priority.
    pub arp: Arp,
}

/// Addresses, of either kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Addresses {
    /// IPv4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6Addr>,
}

/// Flows of a session that are served otherwise than the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscribedRule {
    /// Which.
    pub flows: Vec<SubscribedFlow>,
    /// How well.
    pub qos: SubscribedQos,
    /// The most of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mbr: Option<Rates>,
    /// What is kept free for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gbr: Option<Rates>,
}

/// A flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscribedFlow {
    /// Where to.
    pub direction: Direction,
    /// IPFilterRule (RFC 6733 §4.3.1, TS 29.212 §5.4.2).
    pub description: String,
}

/// A direction of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the terminal.
    Downlink,
    /// From the terminal.
    Uplink,
}

impl Contract {
    /// The sessions that are subscribed, those of default slices first.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Session> {
        let of = |default: bool| self.slices.iter().filter(move |slice| slice.default == default);
        of(true).chain(of(false)).flat_map(|slice| &slice.sessions)
    }

    /// What is subscribed of `apn`, or else of any.
    #[must_use]
    pub fn session(&self, apn: &Apn) -> Option<&Session> {
        let its_own = |session: &&Session| matches!(&session.apn, SubscribedApn::One(own) if own == apn);
        let any = |session: &&Session| session.apn == SubscribedApn::Any;
        self.sessions().find(its_own).or_else(|| self.sessions().find(any))
    }

    /// The quality that is subscribed of `apn`, without rates.
    pub(crate) fn qos(&self, apn: &Apn) -> Option<Qos> {
        let SubscribedQos { qci, arp } = self.session(apn)?.qos?;
        Some(Qos { qci, arp, ambr: None })
    }

    /// The rates that are subscribed of `apn`.
    pub(crate) fn session_ambr(&self, apn: &Apn) -> Option<Ambr> {
        self.session(apn)?.ambr.map(Rates::ambr)
    }

    /// The default APN as slices have it: the first that is one.
    pub(crate) fn default_of_slices(&self) -> Option<&Apn> {
        self.sessions().find_map(|session| match &session.apn {
            SubscribedApn::One(apn) => Some(apn),
            SubscribedApn::Any => None,
        })
    }

    /// What is wrong with it, if something is. A contract by which somebody is connected has the
    /// same APNs in its slices as without them, if it has slices.
    pub(crate) fn flaw(&self, connects: bool) -> Option<&'static str> {
        if self.apns.len() > MAX_APNS {
            return Some("a contract has 50 APNs at most");
        }
        let number = |number: &String| {
            (1..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        if self.msisdns.len() > MAX_NUMBERS || !self.msisdns.iter().all(number) {
            return Some("msisdns are at most 8, of 1 to 15 digits");
        }
        if self.ambr.is_some_and(|ambr| !sound(ambr)) {
            return Some(RATES);
        }
        if self.slices.len() > MAX_SLICES {
            return Some("a contract has at most 8 slices");
        }
        let mut sessions = self.slices.iter().flat_map(|slice| &slice.sessions);
        if self.slices.iter().any(|slice| !(1..=MAX_SESSIONS).contains(&slice.sessions.len())) {
            return Some("a slice has 1 to 16 sessions");
        }
        if let Some(flaw) = sessions.find_map(Session::flaw) {
            return Some(flaw);
        }
        if !connects || self.slices.is_empty() {
            return None;
        }
        let subscribed = |apn: &SubscribedApn| self.sessions().any(|session| session.apn == *apn);
        if !self.sessions().all(|session| self.apns.contains(&session.apn))
            || !self.apns.iter().all(subscribed)
        {
            return Some("the sessions of slices are those of apns");
        }
        (self.default_apn.as_ref() != self.default_of_slices())
            .then_some("defaultApn is the first APN of the default slice")
    }
}

const RATES: &str = "a bit rate is 1 to 2^53 bits a second";

fn sound(rates: Rates) -> bool {
    [rates.uplink, rates.downlink].iter().all(|rate| (1..=MAX_BITS).contains(&rate.bits()))
}

impl Session {
    fn flaw(&self) -> Option<&'static str> {
        if self.rules.len() > MAX_RULES {
            return Some("a session has at most 8 rules");
        }
        let rates = self.rules.iter().flat_map(|rule| [rule.mbr, rule.gbr]).chain([self.ambr]);
        if !rates.flatten().all(sound) {
            return Some(RATES);
        }
        let qos = self.rules.iter().map(|rule| rule.qos).chain(self.qos);
        for SubscribedQos { qci, arp } in qos {
            if matches!(qci, 0 | 255) || !(1..=15).contains(&arp.priority) {
                return Some("a QCI is 1 to 254, a priority 1 to 15");
            }
        }
        let plain = |flow: &SubscribedFlow| {
            (1..=MAX_DESCRIPTION).contains(&flow.description.len())
                && flow.description.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        let described = |rule: &SubscribedRule| {
            (1..=MAX_FLOWS).contains(&rule.flows.len()) && rule.flows.iter().all(plain)
        };
        let all = self.rules.iter().all(described);
        (!all).then_some("a rule has 1 to 16 flows, each described in 1 to 256 characters of ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written_as_the_standard_has_them() {
        // TS 29.571 §5.5.2: pattern '^\d+(\.\d+)? (bps|Kbps|Mbps|Gbps|Tbps)$'.
        for (text, bits) in [
            ("0 bps", Some(0)),
            ("125 Mbps", Some(125_000_000)),
            ("0.125 Gbps", Some(125_000_000)),
            ("1.5 bps", Some(1)),
            ("125000 Kbps", Some(125_000_000)),
            ("2 Tbps", Some(2_000_000_000_000)),
            ("1 mbps", None),
            ("1Mbps", None),
            ("1. Mbps", None),
            (".5 Mbps", None),
            ("-1 Mbps", None),
            ("+1 Mbps", None),
            ("1  Mbps", None),
            ("999999999999999 Tbps", None),
            ("9999999999999999999999 bps", None),
            ("", None),
        ] {
            assert_eq!(BitRate::bits_of(text), bits, "{text}");
        }
        for text in ["1000 Mbps", "1 Gbps", "7 bps"] {
            assert_eq!(BitRate::try_from(text.to_owned()).map(String::from).as_deref(), Ok(text));
        }
        for text in ["1.5 Mbps", "+1 Mbps", "1", " Mbps", "1 Pbps"] {
            assert!(BitRate::try_from(text.to_owned()).is_err(), "{text}");
        }
        for (bits, text) in
            [(0, "0 bps"), (1_000_000_000, "1 Gbps"), (1_500_000, "1500 Kbps"), (1001, "1001 bps")]
        {
            assert_eq!(BitRate::of_bits(bits).to_string(), text);
        }
        assert_eq!(BitRate { value: u64::MAX, unit: RateUnit::Tbps }.bits(), u64::MAX);
    }
}
