//! Npcf_AMPolicyControl (TS 29.507): DNN replacement.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use rsp::Imsi;

use super::shapes::{NetworkId, Object, Pei, Supi, given};
use super::{Change, Context, Control, ProblemDetails, read};
use crate::policy::{Access, Situation};

/// What a request must have (TS 29.507 §5.6.2.3).
const MANDATORY: [&str; 3] = ["notificationUri", "suppFeat", "supi"];

/// DNNReplacementControl, feature 4 (TS 29.507 §5.8).
const DNN_REPLACEMENT: u64 = 1 << 3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyAssociationRequest {
    #[serde(rename = "notificationUri")]
    _notification_uri: String,
    supi: Supi,
    #[serde(default, deserialize_with = "given")]
    pei: Option<Pei>,
    #[serde(default, deserialize_with = "given")]
    serving_plmn: Option<NetworkId>,
    supp_feat: String,
}

/// Reads PolicyAssociationRequest: whose it is, and what of it matters.
pub(crate) fn request(body: &[u8]) -> Result<(Imsi, Context), ProblemDetails> {
    let (Object(request), whole): (Object<PolicyAssociationRequest>, Value) = read(body, &MANDATORY)?;
    features(&request.supp_feat)
        .ok_or_else(|| ProblemDetails::invalid("suppFeat", "hexadecimal digits", &MANDATORY))?;
    let situation = Situation {
        access: Access::FiveG,
        visited: request.serving_plmn.map(|network| network.0),
        tac: request.pei.and_then(|pei| pei.0),
    };
    Ok((request.supi.0, Context { theirs: None, situation, dnn: None, request: whole }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyAssociationUpdateRequest {
    #[serde(default, deserialize_with = "given")]
    serving_plmn: Option<NetworkId>,
    smf_sel_info: Option<SmfSelectionData>,
}

#[derive(Deserialize)]
struct SmfSelectionData {
    dnn: Option<String>,
}

/// Reads PolicyAssociationUpdateRequest.
pub(crate) fn update(body: &[u8]) -> Result<(Change, Value), ProblemDetails> {
    let (Object(update), whole): (Object<PolicyAssociationUpdateRequest>, Value) = read(body, &[])?;
    let change = Change {
        visited: update.serving_plmn.map(|network| network.0),
        dnn: update.smf_sel_info.and_then(|info| info.dnn),
        ..Change::default()
    };
    Ok((change, whole))
}

fn features(hex: &str) -> Option<u64> {
    let last = hex.get(hex.len().saturating_sub(15)..)?;
    hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    if last.is_empty() { Some(0) } else { u64::from_str_radix(last, 16).ok() }
}

/// The features that both sides have.
fn supported(request: &Value) -> u64 {
    request["suppFeat"].as_str().and_then(features).unwrap_or_default() & DNN_REPLACEMENT
}

/// PolicyAssociation (TS 29.507 §5.6.2.2).
pub(crate) fn association(request: &Value, mut decision: Map<String, Value>) -> Value {
    decision.insert("suppFeat".to_owned(), format!("{:x}", supported(request)).into());
    decision.insert("request".to_owned(), request.clone());
    Value::Object(decision)
}

/// What of a PolicyAssociation is decided.
pub(crate) fn decision(request: &Value, control: &Control) -> Map<String, Value> {
    let mut association = Map::new();
    // There is no rule of places or of radio here: what is subscribed stays.
    for field in ["servAreaRes", "rfsp"] {
        if let Some(subscribed) = request.get(field) {
            association.insert(field.to_owned(), subscribed.clone());
        }
    }
    if supported(request) != 0 && (control.replaces_unsupported || !control.replaced.is_empty()) {
        association.insert("triggers".to_owned(), json!(["SMF_SELECT_CH"]));
        association.insert("smfSelInfo".to_owned(), selection(request, control));
    }
    association
}

/// SmfSelectionData: for which DNNs the AMF is to ask (TS 29.507 §5.6.2.9).
fn selection(request: &Value, control: &Control) -> Value {
    let mut selection = json!({ "unsuppDnn": control.replaces_unsupported });
    if !control.replaced.is_empty() {
        let slices = request["allowedSnssais"].as_array().filter(|slices| !slices.is_empty());
        let slices = slices.map_or_else(|| vec![json!({ "sst": 1 })], Clone::clone);
        let candidate = |(at, snssai): (usize, Value)| {
            (at.to_string(), json!({ "snssai": snssai, "dnns": control.replaced }))
        };
        selection["candidates"] = Value::Object(slices.into_iter().enumerate().map(candidate).collect());
    }
    selection
}

/// PolicyUpdate (TS 29.507 §5.6.2.5): what is other than it was, and the DNN that takes the
/// place of the one asked for.
pub(crate) fn policy_update(update: &Value, uri: &str, apn: &str, told: Map<String, Value>) -> Value {
    let mut answer = told;
    answer.insert("resourceUri".to_owned(), uri.into());
    // The same one needs no replacement.
    let asked = update["smfSelInfo"]["dnn"].as_str().filter(|asked| !asked.eq_ignore_ascii_case(apn));
    if asked.is_some() {
        let mut info = Map::new();
        if let Some(Value::Object(selection)) = answer.remove("smfSelInfo") {
            info = selection;
        }
        info.insert("dnn".to_owned(), apn.into());
        if let Some(snssai) = update["smfSelInfo"].get("snssai") {
            info.insert("snssai".to_owned(), snssai.clone());
        }
        answer.insert("smfSelInfo".to_owned(), info.into());
    }
    Value::Object(answer)
}
