//! The subscriber document of Open5GS, so that a laboratory's core network and this one know
//! the same subscribers (the collection `subscribers` of its database).
//!
//! ```json
//! { "imsi": "001010000000001", "msisdn": [], "schema_version": 1,
//!   "security": { "k": "465B…", "opc": "CD63…", "op": null, "amf": "8000", "sqn": 64 },
//!   "ambr": { "uplink": { "value": 1, "unit": 3 }, "downlink": { "value": 1, "unit": 3 } },
//!   "slice": [ { "sst": 1, "default_indicator": true,
//!                "session": [ { "name": "internet", "type": 3,
//!                               "qos": { "index": 9, "arp": { "priority_level": 8 } } } ] } ],
//!   "network_access_mode": 0, "subscriber_status": 0, "operator_determined_barring": 0,
//!   "access_restriction_data": 32, "subscribed_rau_tau_timer": 12 }
//! ```
//!
//! | there | here |
//! | --- | --- |
//! | `sqn`: the number that is used next (its HSS makes a vector with what is there, then adds 32) | `sqn`: the number before it, which was used last |
//! | names of the sessions, those of the default slice first | `apns`, the first is `defaultApn` |
//! | the slices and sessions, `ambr` with its units | `slices`, `ambr` |
//! | `network_access_mode` 2: packets only | neither `voice` nor `sms` |
//! | barred: all packet services (bit 0), roaming (1, 2), all outgoing calls (3) | no `data`, no `roaming`, no `voice` |
//! | `msisdn`, `access_restriction_data`, `subscribed_rau_tau_timer` | `msisdns`, `accessRestriction`, `periodicUpdateMinutes` |
//!
//! So what comes from there goes back there as it was, but for what is the database's (`_id`) and
//! what its nodes have written down (`imeisv`, `mme_…`, `purge_flag`), which is passed over, and
//! for bars that do not count: those of a `subscriber_status` other than 1 (TS 29.272 §7.3.29 and
//! §7.3.30). There is no room there for TUAK, own constants of MILENAGE, voice without short
//! messages, and the class. A provisioning profile goes there with the sessions of the SM's APN
//! and no other.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Subscriber, described};
use crate::policy::subscribed::{
    self, Addresses, BitRate, Direction, PdnType, RateUnit, Rates, SubscribedFlow, SubscribedQos,
    SubscribedRule,
};
use crate::policy::{Class, Contract, SubscribedApn, document};
use aka::{Algorithm, Sqn};

/// All packet services (TS 29.272 §7.3.30).
const NO_PACKETS: u64 = 1;
/// Roaming: access points of the home network, and of the visited one.
const NO_ROAMING: u64 = 1 << 1 | 1 << 2;
/// All outgoing calls.
const NO_CALLS: u64 = 1 << 3;

/// Fields of a document that say nothing here, whatever they say.
const PASSED_OVER: [&str; 9] = [
    "_id",
    "__v",
    "schema_version",
    "imeisv",
    "mme_host",
    "mme_realm",
    // Open5GS's own command line writes it so.
    "mm_realm",
    "mme_timestamp",
    "purge_flag",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    imsi: String,
    security: Security,
    #[serde(default)]
    msisdn: Vec<String>,
    #[serde(default)]
    ambr: Ambr,
    #[serde(default)]
    slice: Vec<Slice>,
    #[serde(default)]
    network_access_mode: u8,
    #[serde(default)]
    subscriber_status: u8,
    #[serde(default)]
    operator_determined_barring: u64,
    access_restriction_data: Option<u32>,
    subscribed_rau_tau_timer: Option<u32>,
}

#[derive(Deserialize)]
struct Security {
    k: Zeroizing<String>,
    opc: Option<Zeroizing<String>>,
    op: Option<Zeroizing<String>>,
    amf: String,
    sqn: Option<Number>,
}

/// A number as JSON has it, or as the extended JSON of MongoDB.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u64),
    Extended {
        #[serde(rename = "$numberLong", alias = "$numberInt")]
        long: String,
    },
}

impl Number {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Plain(value) => Some(*value),
            Self::Extended { long } => long.parse().ok(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slice {
    #[serde(default, rename = "_id")]
    _id: IgnoredAny,
    sst: Option<u8>,
    sd: Option<String>,
    #[serde(default)]
    default_indicator: bool,
    #[serde(default)]
    session: Vec<Session>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    #[serde(default, rename = "_id")]
    _id: IgnoredAny,
    name: String,
    #[serde(rename = "type")]
    kind: Option<u8>,
    qos: Option<Qos>,
    #[serde(default)]
    ambr: Ambr,
    ue: Option<Address>,
    smf: Option<Address>,
    lbo_roaming_allowed: Option<bool>,
    #[serde(default)]
    pcc_rule: Vec<PccRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PccRule {
    #[serde(default, rename = "_id")]
    _id: IgnoredAny,
    #[serde(default)]
    flow: Vec<Flow>,
    qos: Option<Qos>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flow {
    #[serde(default, rename = "_id")]
    _id: IgnoredAny,
    direction: u8,
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Qos {
    index: u8,
    arp: Arp,
    #[serde(default)]
    mbr: Ambr,
    #[serde(default)]
    gbr: Ambr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arp {
    priority_level: u8,
    pre_emption_capability: Option<u8>,
    pre_emption_vulnerability: Option<u8>,
}

/// Rates, or `{}`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Ambr {
    uplink: Option<Rate>,
    downlink: Option<Rate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    value: Number,
    unit: u8,
}

/// Addresses, as they are called today or were before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    #[serde(alias = "addr")]
    ipv4: Option<String>,
    #[serde(alias = "addr6")]
    ipv6: Option<String>,
}

/// `type` of a session.
const TYPES: [(u8, PdnType); 3] = [(1, PdnType::Ipv4), (2, PdnType::Ipv6), (3, PdnType::Ipv4v6)];

/// Pre-emption: disabled and enabled.
const DISABLED: u8 = 1;
const ENABLED: u8 = 2;

/// `direction` of a flow.
const DIRECTIONS: [(u8, Direction); 2] = [(1, Direction::Downlink), (2, Direction::Uplink)];

impl Slice {
    fn read(self) -> Result<subscribed::Slice, String> {
        let sd = self.sd.map(|sd| sd.try_into().map_err(str::to_owned)).transpose()?;
        let sessions = self.session.into_iter().map(Session::read).collect::<Result<_, _>>()?;
        Ok(subscribed::Slice { sst: self.sst.unwrap_or(1), sd, default: self.default_indicator, sessions })
    }
}

impl Session {
    fn read(self) -> Result<subscribed::Session, String> {
        let apn = SubscribedApn::try_from(self.name).map_err(|_| "a session's name is no APN".to_owned())?;
        let kind = self.kind.unwrap_or(3);
        let kind = TYPES.into_iter().find(|(own, _)| *own == kind).map(|(_, kind)| kind);
        let rule = |rule: PccRule| {
            let qos = rule.qos.ok_or("a pcc_rule has qos")?;
            let flow = |Flow { direction, description, .. }| {
                let found = DIRECTIONS.into_iter().find(|(own, _)| *own == direction);
                let (_, direction) = found.ok_or("direction is 1 (downlink) or 2 (uplink)")?;
                Ok(SubscribedFlow { direction, description })
            };
            Ok(SubscribedRule {
                flows: rule.flow.into_iter().map(flow).collect::<Result<_, String>>()?,
                mbr: qos.mbr.read()?,
                gbr: qos.gbr.read()?,
                qos: qos.read()?,
            })
        };
        let qos = match &self.qos {
            // A session's quality has no rates of its own; as nothing is lost, they may be empty.
            Some(qos) if qos.mbr.is_said() || qos.gbr.is_said() => {
                return Err("the qos of a session has no mbr and no gbr".to_owned());
            }
            qos => qos.as_ref().map(Qos::read).transpose()?,
        };
        Ok(subscribed::Session {
            apn,
            kind: kind.ok_or("type is 1 (IPv4), 2 (IPv6) or 3 (both)")?,
            qos,
            ambr: self.ambr.read()?,
            addresses: self.ue.map(Address::read).transpose()?.flatten(),
            gateway: self.smf.map(Address::read).transpose()?.flatten(),
            local_breakout: self.lbo_roaming_allowed,
            rules: self.pcc_rule.into_iter().map(rule).collect::<Result<_, String>>()?,
        })
    }
}

impl Qos {
    fn read(&self) -> Result<SubscribedQos, String> {
        let is = |said: Option<u8>| match said {
            None | Some(DISABLED) => Ok(false),
            Some(ENABLED) => Ok(true),
            Some(_) => Err("pre_emption_capability and _vulnerability are 1 (disabled) or 2 (enabled)"),
        };
        let Arp { priority_level, pre_emption_capability, pre_emption_vulnerability } = self.arp;
        let arp = document::Arp {
            priority: priority_level,
            may_preempt: is(pre_emption_capability)?,
            preemptable: is(pre_emption_vulnerability)?,
        };
        Ok(SubscribedQos { qci: self.index, arp })
    }
}

impl Ambr {
    const fn is_said(&self) -> bool {
        self.uplink.is_some() || self.downlink.is_some()
    }

    fn read(&self) -> Result<Option<Rates>, String> {
        let rate = |rate: &Rate| {
            let unit = RateUnit::ALL.get(usize::from(rate.unit)).ok_or("unit is 0 (bps) to 4 (Tbps)")?;
            Ok::<_, String>(BitRate { value: rate.value.value().ok_or("value is a number")?, unit: *unit })
        };
        match (&self.uplink, &self.downlink) {
            (None, None) => Ok(None),
            (Some(uplink), Some(downlink)) => {
                Ok(Some(Rates { uplink: rate(uplink)?, downlink: rate(downlink)? }))
            }
            _ => Err("rates have uplink and downlink".to_owned()),
        }
    }
}

impl Address {
    fn read(self) -> Result<Option<Addresses>, String> {
        fn parsed<T: std::str::FromStr>(text: Option<String>) -> Result<Option<T>, String> {
            // The form of the database's pages leaves it empty.
            let text = text.filter(|text| !text.is_empty());
            text.map(|text| text.parse().map_err(|_| "that is no IP address".to_owned())).transpose()
        }
        let addresses = Addresses { ipv4: parsed(self.ipv4)?, ipv6: parsed(self.ipv6)? };
        Ok(Some(addresses).filter(|addresses| *addresses != Addresses::default()))
    }
}

/// IMSI and record, in the form of this network, of a document.
///
/// # Errors
/// What is wrong with it, never what was written there.
pub(super) fn read(
    mut document: Map<String, Value>,
    class: Class,
) -> Result<(String, Zeroizing<String>), String> {
    for name in PASSED_OVER {
        document.remove(name);
    }
    let document = Document::deserialize(Value::Object(document)).map_err(|error| described(&error))?;
    let Document { imsi, security, slice, network_access_mode, subscriber_status, .. } = document;
    if !matches!(network_access_mode, 0 | 2) || subscriber_status > 1 {
        return Err("network_access_mode is 0 or 2, subscriber_status 0 or 1".to_owned());
    }
    let bars = if subscriber_status == 1 { document.operator_determined_barring } else { 0 };
    if bars & !(NO_PACKETS | NO_ROAMING | NO_CALLS) != 0 || !matches!(bars & NO_ROAMING, 0 | NO_ROAMING) {
        return Err("operator_determined_barring has a bar that has no counterpart here".to_owned());
    }
    let sqn = security.sqn.map(|sqn| sqn.value().ok_or_else(|| "sqn is a number".to_owned())).transpose()?;
    if sqn.is_some_and(|sqn| sqn >> 48 != 0) {
        return Err("sqn has 48 bits".to_owned());
    }
    let sqn = sqn.map(before);
    // As Open5GS's own pages write them: in groups.
    let compact = |text: &str| -> Zeroizing<String> {
        Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect())
    };
    let slices = slice.into_iter().map(Slice::read).collect::<Result<Vec<_>, _>>()?;
    let mut contract = Contract {
        ambr: document.ambr.read()?,
        slices,
        msisdns: document.msisdn,
        access_restriction: document.access_restriction_data,
        periodic_update_minutes: document.subscribed_rau_tau_timer,
        ..Contract::default()
    };
    if class == Class::Operational {
        let circuit = network_access_mode != 2;
        // One APN may be in several slices.
        let mut apns: Vec<SubscribedApn> = vec![];
        for session in contract.sessions() {
            if !apns.contains(&session.apn) {
                apns.push(session.apn.clone());
            }
        }
        contract = Contract {
            default_apn: contract.default_of_slices().cloned(),
            apns,
            voice: circuit && bars & NO_CALLS == 0,
            sms: circuit,
            data: bars & NO_PACKETS == 0,
            roaming: bars & NO_ROAMING == 0,
            ..contract
        };
    }
    let mut record = json!({
        "k": compact(&security.k).as_str(),
        "amf": compact(&security.amf).as_str(),
        "class": class,
        "contract": contract,
    });
    if let Some(record) = record.as_object_mut() {
        if let Some(opc) = &security.opc {
            record.insert("opc".to_owned(), compact(opc).as_str().into());
        }
        if let Some(op) = &security.op {
            record.insert("op".to_owned(), compact(op).as_str().into());
        }
        if let Some(sqn) = sqn {
            record.insert("sqn".to_owned(), format!("{sqn:012x}").into());
        }
    }
    Ok((imsi, Zeroizing::new(record.to_string())))
}

/// The number whose [`Sqn::next`] is `sqn`; of the first ones there is none, and any will do.
const fn before(sqn: u64) -> u64 {
    match (sqn >> 5).checked_sub(1) {
        Some(seq) => seq << 5 | (sqn & 31).wrapping_sub(1) & 31,
        None => 0,
    }
}

/// The document of a subscriber whose last number was `sqn`; `sm_apn` is what one without a contract is connected to. `None`
/// where a document has no room for it.
pub(super) fn write(subscriber: &Subscriber, sqn: u64, sm_apn: &str) -> Option<Value> {
    let record: Map<String, Value> = serde_json::from_str(subscriber.expose_record()).ok()?;
    let own_constants = record.contains_key("rotations") || record.contains_key("xors");
    if subscriber.parameters.algorithm() != Algorithm::Milenage || own_constants {
        return None;
    }
    let sqn = u64::from(Sqn::try_from(sqn).ok()?.next()?);
    let contract = &subscriber.contract;
    let (voice, sms) = (contract.voice, contract.sms);
    if voice && !sms {
        return None;
    }
    let is_operational = subscriber.class == Class::Operational;
    let bar = |is: bool, bars: u64| if is && is_operational { bars } else { 0 };
    let bars =
        bar(!contract.data, NO_PACKETS) | bar(!contract.roaming, NO_ROAMING) | bar(sms && !voice, NO_CALLS);
    Some(json!({
        "schema_version": 1,
        "imsi": subscriber.imsi.as_str(),
        "msisdn": contract.msisdns,
        "security": {
            "k": record.get("k"),
            "opc": record.get("opc"),
            "op": record.get("op"),
            "amf": hex::encode(subscriber.amf),
            "sqn": sqn,
        },
        "ambr": rates(contract.ambr.unwrap_or(USUAL_RATES)),
        "slice": slices(subscriber, sm_apn).iter().map(slice).collect::<Vec<_>>(),
        "access_restriction_data": contract.access_restriction.unwrap_or(32),
        "network_access_mode": if sms { 0 } else { 2 },
        "subscriber_status": u8::from(bars != 0),
        "operator_determined_barring": bars,
        "subscribed_rau_tau_timer": contract.periodic_update_minutes.unwrap_or(12),
    }))
}

/// What Open5GS gives a session of which nothing else is said.
const USUAL_RATES: Rates = {
    let rate = BitRate { value: 1, unit: RateUnit::Gbps };
    Rates { uplink: rate, downlink: rate }
};
const USUAL_QOS: SubscribedQos =
    SubscribedQos { qci: 9, arp: document::Arp { priority: 8, may_preempt: false, preemptable: false } };

/// The slices of a subscriber: those of its contract, or one with all that the contract names. Of
/// a provisioning profile no session leads anywhere but to the SM.
fn slices(subscriber: &Subscriber, sm_apn: &str) -> Vec<subscribed::Slice> {
    let contract = &subscriber.contract;
    let is_operational = subscriber.class == Class::Operational;
    let to_sm = |apn: &SubscribedApn| matches!(apn, SubscribedApn::One(apn) if apn.as_str() == sm_apn);
    let mut slices = contract.slices.clone();
    if !is_operational {
        slices.iter_mut().for_each(|slice| slice.sessions.retain(|session| to_sm(&session.apn)));
        slices.retain(|slice| !slice.sessions.is_empty());
    }
    if !slices.is_empty() {
        return slices;
    }
    let mut apns = contract.apns.clone();
    if let Some(default) = &contract.default_apn {
        // The first is the default; one that is no APN of the contract has no place.
        let default = SubscribedApn::One(default.clone());
        apns.retain(|apn| *apn != default);
        apns.insert(0, default);
    }
    if !is_operational {
        apns = SubscribedApn::try_from(sm_apn.to_owned()).into_iter().collect();
    }
    let session = |apn| subscribed::Session {
        apn,
        kind: PdnType::Ipv4v6,
        qos: Some(USUAL_QOS),
        ambr: Some(USUAL_RATES),
        addresses: None,
        gateway: None,
        local_breakout: None,
        rules: vec![],
    };
    let sessions = apns.into_iter().map(session).collect();
    vec![subscribed::Slice { sst: 1, sd: None, default: true, sessions }]
}

fn slice(slice: &subscribed::Slice) -> Value {
    let mut written = json!({
        "sst": slice.sst,
        "default_indicator": slice.default,
        "session": slice.sessions.iter().map(session).collect::<Vec<_>>(),
    });
    if let Some(sd) = &slice.sd {
        written["sd"] = json!(sd);
    }
    written
}

fn session(session: &subscribed::Session) -> Value {
    let kind = TYPES.into_iter().find(|(_, kind)| *kind == session.kind).map(|(number, _)| number);
    let rule = |rule: &SubscribedRule| {
        let flow = |flow: &SubscribedFlow| {
            let direction = DIRECTIONS.into_iter().find(|(_, own)| *own == flow.direction);
            json!({ "direction": direction.map(|(number, _)| number), "description": flow.description })
        };
        let mut written = qos(rule.qos);
        for (name, own) in [("mbr", rule.mbr), ("gbr", rule.gbr)] {
            if let Some(own) = own {
                written[name] = rates(own);
            }
        }
        json!({ "flow": rule.flows.iter().map(flow).collect::<Vec<_>>(), "qos": written })
    };
    let mut written = json!({
        "name": session.apn,
        "type": kind,
        "pcc_rule": session.rules.iter().map(rule).collect::<Vec<_>>(),
    });
    let said = [
        ("qos", session.qos.map(qos)),
        ("ambr", session.ambr.map(rates)),
        ("ue", session.addresses.map(|addresses| json!(addresses))),
        ("smf", session.gateway.map(|addresses| json!(addresses))),
        ("lbo_roaming_allowed", session.local_breakout.map(Value::Bool)),
    ];
    for (name, said) in said {
        if let Some(said) = said {
            written[name] = said;
        }
    }
    written
}

fn qos(qos: SubscribedQos) -> Value {
    let SubscribedQos { qci, arp } = qos;
    let is = |on: bool| if on { ENABLED } else { DISABLED };
    json!({
        "index": qci,
        "arp": {
            "priority_level": arp.priority,
            "pre_emption_capability": is(arp.may_preempt),
            "pre_emption_vulnerability": is(arp.preemptable),
        },
    })
}

fn rates(rates: Rates) -> Value {
    let rate = |rate: BitRate| json!({ "value": rate.value, "unit": rate.unit as u8 });
    json!({ "uplink": rate(rates.uplink), "downlink": rate(rates.downlink) })
}
