//! What the document of the operator's interface (`openapi.json`) promises of answers, held
//! against answers. Stricter than JSON Schema: what is not named there is not to be there.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::Response;
use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openapi.json")).unwrap());

/// The operation that a request is for, by method and path of the document.
pub(crate) fn operation(method: &str, path: &str) -> Option<(String, &'static Value)> {
    let path = path.split('?').next().unwrap();
    let fits = |template: &str| {
        let (parts, own): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        parts.len() == own.len()
            && parts.iter().zip(&own).all(|(part, own)| part.starts_with('{') || part == own)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (template, item) = paths.iter().find(|(template, _)| fits(template))?;
    let operation = item.get(method.to_lowercase())?;
    Some((format!("{method} {template}"), operation))
}

/// All operations there are.
pub(crate) fn operations() -> Vec<String> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        methods.into_iter().map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// Panics when an answer is not as the document says.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, answer: &Response<Vec<u8>>) {
    let Some((name, operation)) = operation(method, path) else { return };
    let status = answer.status().as_u16().to_string();
    let responses = &operation["responses"];
    let promised = responses.get(&status).or_else(|| responses.get("default")).unwrap();
    let of = format!("{name}: {status}");
    let Some(content) = promised.get("content").and_then(Value::as_object) else {
        assert!(answer.body().is_empty(), "{of}: nothing is promised");
        return;
    };
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap();
    let media = content.get(essence).unwrap_or_else(|| panic!("{of}: {kind:?} is not promised"));
    if essence.ends_with("json") {
        let body = serde_json::from_slice(answer.body()).unwrap_or_else(|e| panic!("{of}: {e}"));
        if let Some(schema) = media.get("schema") {
            fits(schema, &body, &of);
        }
    }
}

fn resolved(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolved(DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

/// The properties of an object, of all its parts, and which of them are required.
fn properties(
    schema: &'static Value,
    all: &mut BTreeMap<&'static str, &'static Value>,
    required: &mut Vec<&'static str>,
) {
    let schema = resolved(schema);
    for part in schema["allOf"].as_array().map_or(&[][..], Vec::as_slice) {
        properties(part, all, required);
    }
    if let Some(own) = schema["properties"].as_object() {
        all.extend(own.iter().map(|(name, schema)| (name.as_str(), schema)));
    }
    let own = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    required.extend(own.iter().filter_map(Value::as_str));
}

#[track_caller]
fn fits(schema: &'static Value, value: &Value, at: &str) {
    let schema = resolved(schema);
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value} is none of {allowed:?}");
    }
    if let Some(least) = schema["minimum"].as_f64() {
        assert!(value.as_f64().is_none_or(|value| value >= least), "{at}: {value} is too small");
    }
    if let Some(most) = schema["maximum"].as_f64() {
        assert!(value.as_f64().is_none_or(|value| value <= most), "{at}: {value} is too large");
    }
    let kind = schema["type"].as_str().or_else(|| schema.get("allOf").map(|_| "object"));
    let is_it = match kind {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        None => true,
        Some(kind) => panic!("{at}: {kind} is not understood here"),
    };
    assert!(is_it, "{at}: {value} is no {kind:?}");
    if let Some(items) = schema.get("items") {
        for (index, item) in value.as_array().unwrap().iter().enumerate() {
            fits(items, item, &format!("{at}[{index}]"));
        }
    }
    let Some(object) = value.as_object() else { return };
    let (mut all, mut required) = (BTreeMap::new(), Vec::new());
    properties(schema, &mut all, &mut required);
    for name in required {
        assert!(object.contains_key(name), "{at}: {name} is missing in {value}");
    }
    for (name, value) in object {
        let at = format!("{at}.{name}");
        match (all.get(name.as_str()), schema.get("additionalProperties")) {
            (Some(schema), _) => fits(schema, value, &at),
            (None, Some(schema)) if schema.is_object() => fits(schema, value, &at),
            (None, Some(Value::Bool(true))) => {}
            // A document that names nothing promises nothing.
            (None, None) if all.is_empty() => {}
            (None, _) => panic!("{at} is not in the document"),
        }
    }
}
