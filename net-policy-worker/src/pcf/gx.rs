//! Gx (TS 29.212) as JSON: the AVPs by their names, grouped ones as objects, enumerations as
//! their numbers.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::shapes::{Dnn, Object, given};
use super::{Ask, Change, Context, Control, Denied, Door, Flow, Name, ProblemDetails, Told, read};
use crate::policy::{Access, Ambr, PlmnId, Situation, Tac, authorised};

/// What a CCR must have here; Subscription-Id in each, for it leads to the subscriber.
const MANDATORY: [&str; 4] = ["Session-Id", "CC-Request-Type", "CC-Request-Number", "Subscription-Id"];

/// DIAMETER_SUCCESS, DIAMETER_UNKNOWN_SESSION_ID (RFC 6733), DIAMETER_AUTHORIZATION_REJECTED
/// (RFC 6733), DIAMETER_USER_UNKNOWN (RFC 8506).
const SUCCESS: u32 = 2001;
const UNKNOWN_SESSION: u32 = 5002;
const REJECTED: u32 = 5003;
const USER_UNKNOWN: u32 = 5030;

/// The usage that is watched.
const USAGE: &str = "session";

#[derive(Deserialize)]
struct CreditControlRequest {
    #[serde(rename = "Session-Id")]
    session_id: String,
    #[serde(rename = "CC-Request-Type")]
    kind: u32,
    #[serde(rename = "CC-Request-Number")]
    number: u32,
    #[serde(rename = "Subscription-Id")]
    subscription: Vec<Object<SubscriptionId>>,
    #[serde(rename = "Called-Station-Id", default, deserialize_with = "given")]
    apn: Option<Dnn>,
    #[serde(rename = "QoS-Information", default, deserialize_with = "given")]
    _qos: Option<Object<QosInformation>>,
    #[serde(rename = "3GPP-SGSN-MCC-MNC", default, deserialize_with = "given")]
    plmn: Option<PlmnId>,
    #[serde(rename = "User-Equipment-Info", default, deserialize_with = "given")]
    equipment: Option<UserEquipmentInfo>,
    #[serde(rename = "Usage-Monitoring-Information", default)]
    usage: Vec<Object<UsageMonitoring>>,
}

#[derive(Deserialize)]
struct SubscriptionId {
    #[serde(rename = "Subscription-Id-Type")]
    kind: u32,
    #[serde(rename = "Subscription-Id-Data")]
    data: String,
}

/// User-Equipment-Info (RFC 8506 §8.49), of which the type of terminal is what matters here.
#[derive(Deserialize)]
#[serde(try_from = "Object<WrittenEquipment>")]
struct UserEquipmentInfo(Option<Tac>);

#[derive(Deserialize)]
struct WrittenEquipment {
    #[serde(rename = "User-Equipment-Info-Type")]
    kind: u32,
    #[serde(rename = "User-Equipment-Info-Value")]
    value: String,
}

impl TryFrom<Object<WrittenEquipment>> for UserEquipmentInfo {
    type Error = &'static str;

    fn try_from(Object(written): Object<WrittenEquipment>) -> Result<Self, Self::Error> {
        /// IMEISV (RFC 8506 §8.50).
        const IMEISV: u32 = 0;
        if written.kind != IMEISV {
            return Ok(Self(None));
        }
        let tac = Tac::of_imei(&written.value);
        tac.map(|tac| Self(Some(tac))).ok_or("an IMEISV is 14 to 16 digits")
    }
}

#[derive(Deserialize)]
struct UsageMonitoring {
    #[serde(rename = "Monitoring-Key", default, deserialize_with = "given")]
    key: Option<String>,
    #[serde(rename = "Used-Service-Unit", default, deserialize_with = "given")]
    used: Option<Object<ServiceUnit>>,
}

#[derive(Deserialize)]
struct ServiceUnit {
    #[serde(rename = "CC-Total-Octets", default, deserialize_with = "given")]
    octets: Option<u64>,
}

/// The APN-AMBR that the gateway knows: Unsigned32 each.
#[derive(Deserialize)]
struct QosInformation {
    #[serde(rename = "APN-Aggregate-Max-Bitrate-UL", default, deserialize_with = "given")]
    _uplink: Option<u32>,
    #[serde(rename = "APN-Aggregate-Max-Bitrate-DL", default, deserialize_with = "given")]
    _downlink: Option<u32>,
    #[serde(rename = "Extended-APN-AMBR-UL", default, deserialize_with = "given")]
    _extended_uplink: Option<u32>,
    #[serde(rename = "Extended-APN-AMBR-DL", default, deserialize_with = "given")]
    _extended_downlink: Option<u32>,
}

/// A CCR that was read.
pub(crate) struct Read {
    /// What is asked.
    pub(crate) ask: Ask,
    /// Whose.
    pub(crate) imsi: rsp::Imsi,
    session_id: String,
    kind: u32,
    number: u32,
}

/// Reads a CCR: INITIAL (1), UPDATE (2) or TERMINATION (3).
pub(crate) fn request(body: &[u8]) -> Result<Read, ProblemDetails> {
    /// END_USER_IMSI (RFC 8506 §8.47).
    const IMSI: u32 = 1;
    let (Object(ccr), whole): (Object<CreditControlRequest>, Value) = read(body, &MANDATORY)?;
    let mut imsis = ccr.subscription.iter().map(|id| &id.0).filter(|id| id.kind == IMSI);
    let (Some(Ok(imsi)), None) = (imsis.next().map(|id| id.data.parse::<rsp::Imsi>()), imsis.next()) else {
        return Err(ProblemDetails::invalid(
            "Subscription-Id",
            "just one is END_USER_IMSI (1), with 6 to 15 digits",
            &MANDATORY,
        ));
    };
    if ccr.session_id.is_empty() || ccr.session_id.len() > 255 || ccr.session_id.chars().any(char::is_control)
    {
        return Err(ProblemDetails::invalid(
            "Session-Id",
            "1 to 255 bytes without control characters",
            &MANDATORY,
        ));
    }
    let visited = ccr.plmn;
    let used = ccr
        .usage
        .iter()
        .map(|usage| &usage.0)
        .filter(|usage| usage.key.as_deref().is_none_or(|key| key == USAGE));
    let used = used.filter_map(|usage| usage.used.as_ref()?.0.octets).reduce(u64::saturating_add);
    let (reported, used) = (used.is_some(), used.unwrap_or_default());
    let name = Name::Theirs(ccr.session_id.clone());
    let ask = match ccr.kind {
        1 => {
            let tac = ccr.equipment.and_then(|equipment| equipment.0);
            let situation = Situation { access: Access::Eps, visited, tac };
            let theirs = Some(ccr.session_id.clone());
            let context = Context { theirs, situation, dnn: ccr.apn.map(|apn| apn.0), request: whole };
            Ask::Create { door: Door::Gx, imsi: imsi.to_string(), context, resource: String::new() }
        }
        2 => {
            let change = Change { visited, used, reported, ..Change::default() };
            Ask::Update { door: Door::Gx, name, change }
        }
        3 => Ask::Delete { door: Door::Gx, name, used },
        _ => {
            let reason = "1 (INITIAL), 2 (UPDATE) or 3 (TERMINATION)";
            return Err(ProblemDetails::invalid("CC-Request-Type", reason, &MANDATORY));
        }
    };
    Ok(Read { ask, imsi, session_id: ccr.session_id, kind: ccr.kind, number: ccr.number })
}

/// The CCA.
pub(crate) fn answer(read: &Read, told: &Told) -> Value {
    let mut cca = json!({
        "Session-Id": read.session_id, "CC-Request-Type": read.kind, "CC-Request-Number": read.number,
        "Auth-Application-Id": 16_777_238, "Result-Code": SUCCESS,
    });
    match told {
        Told::Deleted => {}
        Told::Association { told, request, .. } => install(&mut cca, told, request),
        Told::Denied(denied) => {
            let (code, because) = match denied {
                Denied::UserUnknown => (USER_UNKNOWN, "this network has no such subscriber".to_owned()),
                Denied::NotFound => (UNKNOWN_SESSION, "there is no such session".to_owned()),
                Denied::Refused { rule, because } => (REJECTED, format!("{because} (rule {rule})")),
            };
            cca["Result-Code"] = code.into();
            cca["Error-Message"] = because.into();
        }
    }
    cca
}

/// The section of rules by their names, which become Charging-Rule-Install and -Remove.
pub(crate) const RULES: &str = "rules";

/// The section of what is watched.
pub(crate) const MONITORING: &str = "Usage-Monitoring-Information";

/// The decision in the AVPs of a CCA.
pub(crate) fn decision(request: &Value, control: &Control) -> Map<String, Value> {
    let mut decision = Map::new();
    if let Some(qos) = &control.qos {
        // 0 is enabled, 1 is disabled (TS 29.212 §5.3.46, §5.3.47).
        let disabled = |on: bool| u8::from(!on);
        let qos = json!({
            "QoS-Class-Identifier": qos.qci,
            "Allocation-Retention-Priority": {
                "Priority-Level": qos.arp.priority,
                "Pre-emption-Capability": disabled(qos.arp.may_preempt),
                "Pre-emption-Vulnerability": disabled(qos.arp.preemptable),
            },
        });
        decision.insert("Default-EPS-Bearer-QoS".to_owned(), qos);
    }
    // Where neither rule nor contract says anything, the gateway's own stays as it is.
    let known = control.ambr.or_else(|| control.cap.and_then(|_| apn_ambr(&request["QoS-Information"])));
    if let Some(ambr) = authorised(known, control.cap) {
        decision.insert("QoS-Information".to_owned(), qos_information(ambr));
    }
    let rules = control.flows.iter().map(|flow| (flow.name.clone(), definition(flow)));
    decision.insert(RULES.to_owned(), Value::Object(rules.collect()));
    if let Some(bytes) = control.bytes.filter(|bytes| *bytes > 0) {
        let granted = json!([{
            "Monitoring-Key": USAGE, "Usage-Monitoring-Level": 0,
            "Granted-Service-Unit": { "CC-Total-Octets": bytes },
        }]);
        decision.insert(MONITORING.to_owned(), granted);
        decision.insert("Event-Trigger".to_owned(), json!([USAGE_REPORT]));
    }
    decision
}

/// USAGE_REPORT and NO_EVENT_TRIGGERS (TS 29.212 §5.3.7).
const USAGE_REPORT: u32 = 33;
const NO_EVENT_TRIGGERS: u32 = 14;

/// Puts into a CCA what is told: all that is decided, or what an update changes. `request` is the CCR that the
/// session began with.
fn install(cca: &mut Value, told: &Map<String, Value>, request: &Value) {
    for (name, value) in told {
        match (name.as_str(), value) {
            (RULES, rules) => {
                let rules = rules.as_object().into_iter().flatten();
                let (gone, installed): (Vec<_>, Vec<_>) = rules.partition(|(_, rule)| rule.is_null());
                if !installed.is_empty() {
                    // The first to be looked at first.
                    let mut installed: Vec<&Value> = installed.into_iter().map(|(_, rule)| rule).collect();
                    installed.sort_by_key(|rule| rule["Precedence"].as_u64());
                    cca["Charging-Rule-Install"] = json!([{ "Charging-Rule-Definition": installed }]);
                }
                if !gone.is_empty() {
                    let gone: Vec<&String> = gone.into_iter().map(|(name, _)| name).collect();
                    cca["Charging-Rule-Remove"] = json!([{ "Charging-Rule-Name": gone }]);
                }
            }
            // USAGE_MONITORING_DISABLED (TS 29.212 §5.3.63).
            (MONITORING, Value::Null) => {
                cca[MONITORING] = json!([{
                    "Monitoring-Key": USAGE, "Usage-Monitoring-Level": 0, "Usage-Monitoring-Support": 0,
                }]);
            }
            ("Event-Trigger", Value::Null) => cca["Event-Trigger"] = json!([NO_EVENT_TRIGGERS]),
            // A cap that is lifted: the gateway's own rates are authorised again, and where none is
            // known, the most that there is a number for.
            ("QoS-Information", Value::Null) => {
                const MOST: Ambr = Ambr { uplink: u32::MAX as u64, downlink: u32::MAX as u64 };
                let own = apn_ambr(&request["QoS-Information"]).unwrap_or(MOST);
                cca["QoS-Information"] = qos_information(own);
            }
            // What was authorised stays until something else is.
            (_, Value::Null) => {}
            (name, value) => cca[name] = value.clone(),
        }
    }
}

/// What is more than an Unsigned32 holds is in kbit/s beside it (TS 29.212 §4.5.30).
const EXTENDED: [(&str, &str); 2] = [
    ("APN-Aggregate-Max-Bitrate-UL", "Extended-APN-AMBR-UL"),
    ("APN-Aggregate-Max-Bitrate-DL", "Extended-APN-AMBR-DL"),
];

/// The APN-AMBR of QoS-Information (TS 29.212 §5.3.16).
fn apn_ambr(information: &Value) -> Option<Ambr> {
    let [uplink, downlink] = EXTENDED.map(|(name, extended)| {
        let extended = information.get(extended).and_then(Value::as_u64);
        let extended = extended.map(|kilobits| kilobits.saturating_mul(1000));
        extended.or_else(|| information.get(name).and_then(Value::as_u64))
    });
    Some(Ambr { uplink: uplink?, downlink: downlink? })
}

fn qos_information(ambr: Ambr) -> Value {
    let mut information = Map::new();
    for ((name, extended), bits) in EXTENDED.into_iter().zip([ambr.uplink, ambr.downlink]) {
        information.insert(name.to_owned(), u32::try_from(bits).unwrap_or(u32::MAX).into());
        if u32::try_from(bits).is_err() {
            information.insert(extended.to_owned(), (bits / 1000).into());
        }
    }
    Value::Object(information)
}

/// Charging-Rule-Definition (TS 29.212 §5.3.4).
fn definition(flow: &Flow) -> Value {
    /// BIDIRECTIONAL (TS 29.212 §5.3.65); ENABLED and DISABLED (TS 29.214 §5.3.11).
    const BOTH: u8 = 3;
    const ENABLED: u8 = 2;
    const DISABLED: u8 = 3;
    let mut definition = Map::new();
    definition.insert("Charging-Rule-Name".to_owned(), flow.name.as_str().into());
    definition.insert("Rating-Group".to_owned(), flow.rating_group.into());
    if flow.filters.is_empty() {
        definition.insert("TDF-Application-Identifier".to_owned(), flow.name.as_str().into());
    } else {
        let info = |filter| json!({ "Flow-Description": filter, "Flow-Direction": BOTH });
        definition.insert("Flow-Information".to_owned(), flow.filters.iter().map(info).collect());
    }
    definition.insert("Flow-Status".to_owned(), (if flow.open { ENABLED } else { DISABLED }).into());
    definition.insert("Precedence".to_owned(), flow.precedence.into());
    Value::Object(definition)
}
