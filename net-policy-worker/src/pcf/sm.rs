//! Npcf_SMPolicyControl (TS 29.512): session and PCC rules.

use rsp::Imsi;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::shapes::{
    AccessType, Dnn, NetworkId, NotificationUri, Object, Pei, Snssai, SubscribedDefaultQos, Supi, Triggers,
    Volume, WrittenAmbr, given, kept,
};
use super::{Change, Context, Control, Flow, ProblemDetails, read};
use crate::policy::subscribed::BitRate;
use crate::policy::{Access, Ambr, Situation, authorised};

/// What a request must have (TS 29.512 §5.6.2.3).
const MANDATORY: [&str; 6] =
    ["supi", "pduSessionId", "pduSessionType", "dnn", "notificationUri", "sliceInfo"];

/// The only usage that is watched.
const USAGE: &str = "session";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SmPolicyContextData {
    supi: Supi,
    pdu_session_id: u8,
    pdu_session_type: PduSessionType,
    dnn: Dnn,
    #[serde(rename = "notificationUri")]
    _notification_uri: NotificationUri,
    #[serde(rename = "sliceInfo")]
    _slice_info: Snssai,
    #[serde(default, deserialize_with = "given")]
    serving_network: Option<NetworkId>,
    #[serde(default, deserialize_with = "given")]
    pei: Option<Pei>,
    #[serde(default, rename = "accessType", deserialize_with = "given")]
    _access_type: Option<AccessType>,
    #[serde(default, rename = "ratType", deserialize_with = "given")]
    _rat_type: Option<String>,
    #[serde(default, rename = "subsSessAmbr", deserialize_with = "given")]
    _subs_sess_ambr: Option<Object<WrittenAmbr>>,
    #[serde(default, rename = "subsDefQos", deserialize_with = "given")]
    _subs_def_qos: Option<Object<SubscribedDefaultQos>>,
}

#[derive(Deserialize)]
enum PduSessionType {
    #[serde(rename = "IPV4", alias = "IPV6", alias = "IPV4V6")]
    Ip,
    #[serde(rename = "UNSTRUCTURED", alias = "ETHERNET")]
    Other,
}

/// Reads SmPolicyContextData: whose it is, and what of it matters.
pub(crate) fn request(body: &[u8]) -> Result<(Imsi, Context), ProblemDetails> {
    let (Object(data), whole): (Object<SmPolicyContextData>, Value) = read(body, &MANDATORY)?;
    if matches!(data.pdu_session_type, PduSessionType::Other) {
        return Err(ProblemDetails::invalid("pduSessionType", "IPV4, IPV6 or IPV4V6", &MANDATORY));
    }
    let situation = Situation {
        access: Access::FiveG,
        visited: data.serving_network.map(|network| network.0),
        tac: data.pei.and_then(|pei| pei.0),
    };
    // A terminal has one session of a number, so a repeat takes the place of the first.
    let theirs = Some(format!("pdu-session-{}", data.pdu_session_id));
    Ok((data.supi.0, Context { theirs, situation, dnn: Some(data.dnn.0), request: whole }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SmPolicyUpdateContextData {
    #[serde(default, deserialize_with = "given")]
    serving_network: Option<NetworkId>,
    #[serde(default)]
    accu_usage_reports: Reports,
    #[serde(default, rename = "repPolicyCtrlReqTriggers", deserialize_with = "given")]
    _triggers: Option<Triggers>,
}

/// Reports of usage: one at least, where there are any.
#[derive(Default, Deserialize)]
#[serde(try_from = "Vec<Object<AccuUsageReport>>")]
struct Reports(Vec<AccuUsageReport>);

impl TryFrom<Vec<Object<AccuUsageReport>>> for Reports {
    type Error = &'static str;

    fn try_from(reports: Vec<Object<AccuUsageReport>>) -> Result<Self, Self::Error> {
        let reports: Vec<_> = reports.into_iter().map(|report| report.0).collect();
        (!reports.is_empty()).then_some(Self(reports)).ok_or("one at least")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccuUsageReport {
    ref_um_ids: String,
    #[serde(default, deserialize_with = "given")]
    vol_usage: Option<Volume>,
    #[serde(default, deserialize_with = "given")]
    vol_usage_uplink: Option<Volume>,
    #[serde(default, deserialize_with = "given")]
    vol_usage_downlink: Option<Volume>,
}

/// What was used; `None` where nothing of it is reported.
fn used(Reports(reports): &Reports) -> Option<u64> {
    let volume = |report: &AccuUsageReport| {
        let parts = [report.vol_usage_uplink, report.vol_usage_downlink];
        let sum = parts.into_iter().flatten().map(Volume::get).fold(0, u64::saturating_add);
        report.vol_usage.map_or(sum, Volume::get)
    };
    let ours = reports.iter().filter(|report| report.ref_um_ids == USAGE);
    ours.map(volume).reduce(u64::saturating_add)
}

/// Reads SmPolicyUpdateContextData.
pub(crate) fn update(body: &[u8]) -> Result<Change, ProblemDetails> {
    let (Object(update), _): (Object<SmPolicyUpdateContextData>, Value) = read(body, &[])?;
    let used = used(&update.accu_usage_reports);
    Ok(Change {
        visited: update.serving_network.map(|network| network.0),
        used: used.unwrap_or_default(),
        reported: used.is_some(),
        ..Change::default()
    })
}

/// Reads SmPolicyDeleteData: what was used since the last report.
pub(crate) fn deletion(body: &[u8]) -> Result<u64, ProblemDetails> {
    let (Object(deletion), _): (Object<SmPolicyUpdateContextData>, Value) = read(body, &[])?;
    Ok(used(&deletion.accu_usage_reports).unwrap_or_default())
}

/// SmPolicyDecision (TS 29.512 §5.6.2.4).
pub(crate) fn decision(request: &Value, control: &Control) -> Map<String, Value> {
    let mut rule = json!({ "sessRuleId": "session" });
    // Where neither rule nor contract says anything, what the SMF knows as subscribed is authorised.
    let qos = control.qos.map(|qos| json!({ "5qi": qos.qci, "arp": arp(&qos.arp) }));
    let subscribed = || kept::<Object<SubscribedDefaultQos>>(request, "subsDefQos").map(|qos| json!(qos));
    if let Some(qos) = qos.or_else(subscribed) {
        rule["authDefQos"] = qos;
    }
    let subscribed: Option<Object<WrittenAmbr>> = kept(request, "subsSessAmbr");
    let known = subscribed.as_ref().map(|rates| rates.0.ambr());
    let rates = authorised(control.ambr.or(known), control.cap);
    let written = |rates: Ambr| {
        let [uplink, downlink] =
            [rates.uplink, rates.downlink].map(|bits| BitRate::of_bits(bits).to_string());
        json!({ "uplink": uplink, "downlink": downlink })
    };
    let unchanged = subscribed.filter(|_| control.ambr.is_none() && control.cap.is_none());
    if let Some(rates) = unchanged.map(|rates| json!(rates)).or_else(|| rates.map(written)) {
        rule["authSessAmbr"] = rates;
    }
    let mut decision = json!({ "policyCtrlReqTriggers": ["PLMN_CH"], "suppFeat": "0" });
    let mut usage = json!({ "umId": USAGE });
    // A threshold that is reached is no threshold: the gates are shut then.
    let volume = control.bytes.filter(|bytes| *bytes > 0);
    if let Some(bytes) = volume {
        usage["volumeThreshold"] = bytes.into();
    }
    if let Some(seconds) = control.seconds {
        usage["timeThreshold"] = seconds.into();
    }
    if volume.is_some() || control.seconds.is_some() {
        rule["refUmData"] = USAGE.into();
        decision["umDecs"] = json!({ USAGE: usage });
        decision["policyCtrlReqTriggers"] = json!(["PLMN_CH", "US_RE"]);
    }
    decision["sessRules"] = json!({ "session": rule });
    let named = |make: &dyn Fn(&Flow) -> (String, Value)| {
        Value::Object(control.flows.iter().map(make).collect::<Map<_, _>>())
    };
    decision["pccRules"] = named(&|flow| (flow.name.clone(), pcc_rule(flow)));
    decision["traffContDecs"] = named(&|flow| {
        let id = gate(flow);
        (id.to_owned(), json!({ "tcId": id, "flowStatus": if flow.open { "ENABLED" } else { "DISABLED" } }))
    });
    decision["chgDecs"] = named(&|flow| {
        let id = charging(flow);
        let data = json!({ "chgId": id, "ratingGroup": flow.rating_group, "meteringMethod": "VOLUME" });
        (id, data)
    });
    match decision {
        Value::Object(decision) => decision,
        _ => Map::new(),
    }
}

/// What an update changes (TS 29.512 §4.2.4).
pub(crate) fn update_of(mut told: Map<String, Value>) -> Value {
    // An attribute that is left out of a rule stays; what is not watched any more is not referred to.
    let is_over = told.get("umDecs").and_then(|usage| usage.get(USAGE)).is_some_and(Value::is_null);
    if let (true, Some(Value::Object(rule))) =
        (is_over, told.get_mut("sessRules").and_then(|rules| rules.get_mut("session")))
    {
        rule.insert("refUmData".to_owned(), Value::Null);
    }
    // So does a threshold, unless it is taken back (UsageMonitoringData, TS 29.512 §5.6.2.12).
    if let Some(Value::Object(usage)) = told.get_mut("umDecs").and_then(|usage| usage.get_mut(USAGE)) {
        for threshold in ["volumeThreshold", "timeThreshold"] {
            usage.entry(threshold).or_insert(Value::Null);
        }
    }
    Value::Object(told)
}

fn pcc_rule(flow: &Flow) -> Value {
    let mut rule = json!({
        "pccRuleId": flow.name, "precedence": flow.precedence,
        "refTcData": [gate(flow)], "refChgData": [charging(flow)],
    });
    if flow.filters.is_empty() {
        rule["appId"] = flow.name.as_str().into();
    } else {
        let filters = flow.filters.iter();
        let info = |filter| json!({ "flowDescription": filter, "flowDirection": "BIDIRECTIONAL" });
        rule["flowInfos"] = filters.map(info).collect();
    }
    rule
}

const fn gate(flow: &Flow) -> &'static str {
    if flow.open { "gate-open" } else { "gate-shut" }
}

fn charging(flow: &Flow) -> String {
    format!("rating-{}", flow.rating_group)
}

/// Arp (TS 29.571 §5.5.4.1).
fn arp(arp: &crate::policy::document::Arp) -> Value {
    json!({
        "priorityLevel": arp.priority,
        "preemptCap": if arp.may_preempt { "MAY_PREEMPT" } else { "NOT_PREEMPT" },
        "preemptVuln": if arp.preemptable { "PREEMPTABLE" } else { "NOT_PREEMPTABLE" },
    })
}
