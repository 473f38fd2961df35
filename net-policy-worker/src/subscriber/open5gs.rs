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
//! | `network_access_mode` 2: packets only | neither `voice` nor `sms` |
//! | barred: all packet services (bit 0), roaming (1, 2), all outgoing calls (3) | no `data`, no `roaming`, no `voice` |
//!
//! Bars count where `subscriber_status` is 1 (TS 29.272 §7.3.29 and §7.3.30). There is no room
//! there for TUAK, own constants of MILENAGE, voice without short messages, and the class; here
//! there is none for quality of service and rates of a session, which the policy gives.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Subscriber, described};
use crate::policy::{Class, SubscribedApn};
use aka::{Algorithm, Sqn};

/// All packet services (TS 29.272 §7.3.30).
const NO_PACKETS: u64 = 1;
/// Roaming: access points of the home network, and of the visited one.
const NO_ROAMING: u64 = 1 << 1 | 1 << 2;
/// All outgoing calls.
const NO_CALLS: u64 = 1 << 3;

/// Fields of a document that say nothing here, whatever they say.
const PASSED_OVER: [&str; 12] = [
    "_id",
    "__v",
    "schema_version",
    "msisdn",
    "imeisv",
    "mme_host",
    "mme_realm",
    "mme_timestamp",
    "purge_flag",
    "ambr",
    "access_restriction_data",
    "subscribed_rau_tau_timer",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    imsi: String,
    security: Security,
    #[serde(default)]
    slice: Vec<Slice>,
    #[serde(default)]
    network_access_mode: u8,
    #[serde(default)]
    subscriber_status: u8,
    #[serde(default)]
    operator_determined_barring: u64,
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
        #[serde(rename = "$numberLong")]
        long: String,
    },
}

#[derive(Deserialize)]
struct Slice {
    #[serde(default)]
    default_indicator: bool,
    #[serde(default)]
    session: Vec<Session>,
}

#[derive(Deserialize)]
struct Session {
    name: String,
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
    let Document { imsi, security, mut slice, network_access_mode, subscriber_status, .. } = document;
    if network_access_mode > 2 || subscriber_status > 1 {
        return Err("network_access_mode is 0 to 2, subscriber_status 0 or 1".to_owned());
    }
    let bars = if subscriber_status == 1 { document.operator_determined_barring } else { 0 };
    if bars & !(NO_PACKETS | NO_ROAMING | NO_CALLS) != 0 || !matches!(bars & NO_ROAMING, 0 | NO_ROAMING) {
        return Err("operator_determined_barring has a bar that has no counterpart here".to_owned());
    }
    let sqn = match security.sqn {
        None => None,
        Some(Number::Plain(sqn)) => Some(sqn),
        Some(Number::Extended { long }) => Some(long.parse().map_err(|_| "sqn is a number".to_owned())?),
    };
    if sqn.is_some_and(|sqn| sqn >> 48 != 0) {
        return Err("sqn has 48 bits".to_owned());
    }
    let sqn = sqn.map(before);
    // As Open5GS's own pages write them: in groups.
    let compact = |text: &str| -> Zeroizing<String> {
        Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect())
    };
    slice.sort_by_key(|slice| !slice.default_indicator);
    let apns: Vec<String> =
        slice.into_iter().flat_map(|slice| slice.session).map(|session| session.name).collect();
    let circuit = network_access_mode != 2;
    let mut record = json!({
        "k": compact(&security.k).as_str(),
        "amf": compact(&security.amf).as_str(),
        "class": class,
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
        if class == Class::Operational {
            let contract = json!({
                "defaultApn": apns.iter().find(|apn| *apn != "*"),
                "apns": apns,
                "voice": circuit && bars & NO_CALLS == 0,
                "sms": circuit,
                "data": bars & NO_PACKETS == 0,
                "roaming": bars & NO_ROAMING == 0,
            });
            record.insert("contract".to_owned(), contract);
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
    let mut names: Vec<String> = match subscriber.class {
        Class::Provisioning => vec![sm_apn.to_owned()],
        Class::Operational => contract.apns.iter().cloned().map(String::from).collect(),
    };
    if let Some(default) = &contract.default_apn {
        // The first is the default; one that is no APN of the contract has no place.
        let default = String::from(SubscribedApn::One(default.clone()));
        names.retain(|name| *name != default);
        names.insert(0, default);
    }
    let (voice, sms) = (contract.voice, contract.sms);
    if voice && !sms {
        return None;
    }
    let is_operational = subscriber.class == Class::Operational;
    let bar = |is: bool, bars: u64| if is && is_operational { bars } else { 0 };
    let bars =
        bar(!contract.data, NO_PACKETS) | bar(!contract.roaming, NO_ROAMING) | bar(sms && !voice, NO_CALLS);
    let rate = json!({ "value": 1, "unit": 3 });
    let ambr = json!({ "uplink": rate, "downlink": rate });
    let session = |name: &String| {
        json!({
            "name": name,
            "type": 3,
            "qos": {
                "index": 9,
                "arp": { "priority_level": 8, "pre_emption_capability": 1, "pre_emption_vulnerability": 1 },
            },
            "ambr": ambr,
            "pcc_rule": [],
        })
    };
    Some(json!({
        "schema_version": 1,
        "imsi": subscriber.imsi.as_str(),
        "msisdn": [],
        "security": {
            "k": record.get("k"),
            "opc": record.get("opc"),
            "op": record.get("op"),
            "amf": hex::encode(subscriber.amf),
            "sqn": sqn,
        },
        "ambr": ambr,
        "slice": [{
            "sst": 1,
            "default_indicator": true,
            "session": names.iter().map(session).collect::<Vec<_>>(),
        }],
        "access_restriction_data": 32,
        "network_access_mode": if sms { 0 } else { 2 },
        "subscriber_status": u8::from(bars != 0),
        "operator_determined_barring": bars,
        "subscribed_rau_tau_timer": 12,
    }))
}
