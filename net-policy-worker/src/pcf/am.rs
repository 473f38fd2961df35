//! Npcf_AMPolicyControl (TS 29.507): DNN replacement.

use rsp::Imsi;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::shapes::{
    AccessType, AllowedSnssais, Dnn, NetworkId, NotificationUri, Object, Pei, RfspIndex,
    ServiceAreaRestriction, Snssai, Supi, SupportedFeatures, Triggers, given, kept,
};
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
    _notification_uri: NotificationUri,
    supi: Supi,
    #[serde(default, deserialize_with = "given")]
    pei: Option<Pei>,
    #[serde(default, deserialize_with = "given")]
    serving_plmn: Option<NetworkId>,
    #[serde(rename = "suppFeat")]
    _supp_feat: SupportedFeatures,
    #[serde(default, rename = "accessType", deserialize_with = "given")]
    _access_type: Option<AccessType>,
    #[serde(default, rename = "allowedSnssais", deserialize_with = "given")]
    _allowed_snssais: Option<AllowedSnssais>,
    #[serde(default, rename = "servAreaRes", deserialize_with = "given")]
    _serv_area_res: Option<Object<ServiceAreaRestriction>>,
    #[serde(default, rename = "rfsp", deserialize_with = "given")]
    _rfsp: Option<RfspIndex>,
}

/// Reads PolicyAssociationRequest: whose it is, and what of it matters.
pub(crate) fn request(body: &[u8]) -> Result<(Imsi, Context), ProblemDetails> {
    let (Object(request), whole): (Object<PolicyAssociationRequest>, Value) = read(body, &MANDATORY)?;
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
    /// `null` is one of its values (TS 29.507 §5.6.2.9), and asks for nothing.
    #[serde(default)]
    smf_sel_info: Option<Object<SmfSelectionData>>,
    #[serde(default, rename = "triggers", deserialize_with = "given")]
    _triggers: Option<Triggers>,
}

#[derive(Deserialize)]
struct SmfSelectionData {
    #[serde(default, deserialize_with = "given")]
    dnn: Option<Dnn>,
    #[serde(default, deserialize_with = "given")]
    snssai: Option<Snssai>,
}

/// What the AMF asks a DNN for.
pub(crate) struct Selection {
    dnn: Option<String>,
    snssai: Option<Snssai>,
}

/// Reads PolicyAssociationUpdateRequest.
pub(crate) fn update(body: &[u8]) -> Result<(Change, Selection), ProblemDetails> {
    let (Object(update), _): (Object<PolicyAssociationUpdateRequest>, Value) = read(body, &[])?;
    let (dnn, snssai) = update.smf_sel_info.map_or((None, None), |Object(info)| (info.dnn, info.snssai));
    let dnn = dnn.map(|dnn| dnn.0);
    let change = Change {
        visited: update.serving_plmn.map(|network| network.0),
        dnn: dnn.clone(),
        ..Change::default()
    };
    Ok((change, Selection { dnn, snssai }))
}

/// The features that both sides have.
fn supported(request: &Value) -> u64 {
    kept(request, "suppFeat").map_or(0, |SupportedFeatures(features)| features & DNN_REPLACEMENT)
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
        let slices = kept(request, "allowedSnssais");
        let slices = slices.map_or_else(|| vec![Snssai::EMBB], |AllowedSnssais(slices)| slices);
        let candidate = |(at, snssai): (usize, Snssai)| {
            (at.to_string(), json!({ "snssai": snssai, "dnns": control.replaced }))
        };
        selection["candidates"] = Value::Object(slices.into_iter().enumerate().map(candidate).collect());
    }
    selection
}

/// PolicyUpdate as a notification: of no DNN that is asked for.
pub(crate) fn notification(uri: &str, told: Map<String, Value>) -> Value {
    policy_update(&Selection { dnn: None, snssai: None }, uri, "", told)
}

/// PolicyUpdate (TS 29.507 §5.6.2.5): what is other than it was, and the DNN that takes the
/// place of the one asked for.
pub(crate) fn policy_update(asked: &Selection, uri: &str, apn: &str, told: Map<String, Value>) -> Value {
    let mut answer = told;
    answer.insert("resourceUri".to_owned(), uri.into());
    // The same one needs no replacement.
    if asked.dnn.as_ref().is_some_and(|asked| !asked.eq_ignore_ascii_case(apn)) {
        let mut info = match answer.remove("smfSelInfo") {
            Some(Value::Object(selection)) => selection,
            // Taken back, and this DNN is replaced all the same: what takes its place has no candidates.
            Some(_) => Map::from_iter([("unsuppDnn".to_owned(), false.into())]),
            None => Map::new(),
        };
        info.insert("dnn".to_owned(), apn.into());
        if let Some(snssai) = &asked.snssai {
            info.insert("snssai".to_owned(), json!(snssai));
        }
        answer.insert("smfSelInfo".to_owned(), info.into());
    }
    Value::Object(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_that_is_taken_back_is_so_also_where_a_dnn_is_replaced() {
        let told = || Map::from_iter([("smfSelInfo".to_owned(), Value::Null)]);
        let asked = |dnn: &str| Selection { dnn: Some(dnn.to_owned()), snssai: None };
        let same = policy_update(&asked("internet"), "u", "internet", told());
        assert_eq!(same, json!({ "resourceUri": "u", "smfSelInfo": null }));
        let other = policy_update(&asked("other"), "u", "internet", told());
        assert_eq!(other["smfSelInfo"], json!({ "unsuppDnn": false, "dnn": "internet" }));
        assert_eq!(notification("u", told()), json!({ "resourceUri": "u", "smfSelInfo": null }));
    }
}
