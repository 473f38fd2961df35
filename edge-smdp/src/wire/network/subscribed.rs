//! What a contract says of quality and rates, slice by slice, in the words of the network's interface
//! (`Contract` of its `openapi.json`): read strictly here, so that an order is refused and not, later, its
//! subscriber.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Most slices, sessions of a slice, rules of a session, flows of a rule.
const MAX_SLICES: usize = 8;
const MAX_SESSIONS: usize = 16;
const MAX_RULES: usize = 8;
const MAX_FLOWS: usize = 16;
/// The longest description of a flow, in characters.
const MAX_DESCRIPTION: usize = 256;
/// Most bits a second.
const MAX_BITS: u64 = 1 << 53;
/// The units of bit rates (3GPP TS 29.571 §5.5.2), each a thousand of the one before.
const UNITS: [&str; 5] = ["bps", "Kbps", "Mbps", "Gbps", "Tbps"];

/// Bit rates of both directions: a whole number and a unit, such as `50 Mbps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// From the terminal.
    pub uplink: String,
    /// To the terminal.
    pub downlink: String,
}

/// A slice, and what is subscribed of it (3GPP TS 23.501 §5.15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// Slice/service type.
    pub sst: u8,
    /// Slice differentiator: 6 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<String>,
    /// Whether it is taken where none is asked for.
    #[serde(default)]
    pub default: bool,
    /// What is subscribed of its access points.
    pub sessions: Vec<Session>,
}

/// What is subscribed of an access point (3GPP TS 29.272 §7.3.35, TS 29.503 §6.1.6.2.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Session {
    /// Which; `*` is any that has none of its own.
    pub apn: String,
    /// Which kind of addresses; without it both.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PdnType>,
    /// How well it is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<Qos>,
    /// The most of all that a session does but for what has rates of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambr: Option<Rates>,
    /// The terminal's own addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Addresses>,
    /// The gateway that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Addresses>,
    /// Whether a visited network may lead the packets out itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_breakout: Option<bool>,
    /// Flows that are served otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// PDU session type (3GPP TS 29.571 §5.4.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PdnType {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Both.
    Ipv4v6,
}

/// Quality (3GPP TS 29.272 §7.3.37).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qos {
    /// QCI, and as 5QI the same: 1 to 254.
    pub qci: u8,
    /// Allocation and retention priority.
    pub arp: Arp,
}

/// Allocation and retention priority (3GPP TS 29.212 §5.3.32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arp {
    /// 1 (first) to 15 (last).
    pub priority: u8,
    /// May take what others of a lower priority have.
    #[serde(default)]
    pub may_preempt: bool,
    /// May be taken what it has.
    #[serde(default)]
    pub preemptable: bool,
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
pub struct Rule {
    /// Which.
    pub flows: Vec<Flow>,
    /// How well.
    pub qos: Qos,
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
pub struct Flow {
    /// Where to.
    pub direction: Direction,
    /// IPFilterRule (RFC 6733 §4.3.1).
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

const RATES: &str = "a bit rate is a whole number and bps, Kbps, Mbps, Gbps or Tbps: 1 to 2^53 bits a second";

impl Rates {
    /// What is wrong with them, if something is.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        let is_sound = [&self.uplink, &self.downlink].iter().all(|rate| is_rate(rate));
        (!is_sound).then_some(RATES)
    }
}

fn is_rate(text: &str) -> bool {
    let bits = || {
        let (number, unit) = text.split_once(' ')?;
        let unit = u32::try_from(UNITS.iter().position(|own| *own == unit)?).ok()?;
        let number: u64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
        number.checked_mul(1000_u64.checked_pow(unit)?)
    };
    bits().is_some_and(|bits| (1..=MAX_BITS).contains(&bits))
}

/// What is wrong with slices, if something is.
pub(super) fn flaw(slices: &[Slice]) -> Option<&'static str> {
    if slices.len() > MAX_SLICES {
        return Some("at most 8 slices");
    }
    slices.iter().find_map(|slice| {
        let is_sd = |sd: &String| sd.len() == 6 && sd.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !slice.sd.as_ref().is_none_or(is_sd) {
            return Some("sd is 6 hexadecimal digits");
        }
        if !(1..=MAX_SESSIONS).contains(&slice.sessions.len()) {
            return Some("a slice has 1 to 16 sessions");
        }
        slice.sessions.iter().find_map(Session::flaw)
    })
}

/// The sessions of slices, those of default ones first.
pub(super) fn sessions(slices: &[Slice]) -> impl Iterator<Item = &Session> {
    let of = move |default: bool| slices.iter().filter(move |slice| slice.default == default);
    of(true).chain(of(false)).flat_map(|slice| &slice.sessions)
}

impl Session {
    fn flaw(&self) -> Option<&'static str> {
        if self.apn != "*" && !super::is_apn(&self.apn) {
            return Some("apn is labels of letters, digits and hyphens joined by dots, or *");
        }
        if self.rules.len() > MAX_RULES {
            return Some("a session has at most 8 rules");
        }
        let rates = self.rules.iter().flat_map(|rule| [&rule.mbr, &rule.gbr]).chain([&self.ambr]);
        if let Some(flaw) = rates.flatten().find_map(Rates::flaw) {
            return Some(flaw);
        }
        let mut qos = self.rules.iter().map(|rule| rule.qos).chain(self.qos);
        if qos.any(|Qos { qci, arp }| matches!(qci, 0 | 255) || !(1..=15).contains(&arp.priority)) {
            return Some("a QCI is 1 to 254, a priority 1 to 15");
        }
        let is_plain = |flow: &Flow| {
            (1..=MAX_DESCRIPTION).contains(&flow.description.len())
                && flow.description.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        let is_sound =
            |rule: &Rule| (1..=MAX_FLOWS).contains(&rule.flows.len()) && rule.flows.iter().all(is_plain);
        let are_sound = self.rules.iter().all(is_sound);
        (!are_sound).then_some("a rule has 1 to 16 flows, each described in 1 to 256 characters of ASCII")
    }
}
