//! `openapi.json`, and JSON Schema as far as it uses it.

use std::sync::LazyLock;

use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openapi.json")).unwrap());

pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

/// The operation of a method and a path, and whether there is one.
pub(crate) fn operation(method: &str, path: &str) -> &'static Value {
    let path = path.split('?').next().unwrap();
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(own, given)| own.starts_with('{') || own == given)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let found = paths.iter().find(|(template, _)| fits(template));
    let item = found.unwrap_or_else(|| panic!("{path} is not described")).1;
    item.get(method.to_lowercase()).unwrap_or_else(|| panic!("{method} {path} is not described"))
}

/// Holds a request against its description.
pub(crate) fn request(method: &str, path: &str, body: Option<&Value>) {
    let described = operation(method, path).get("requestBody");
    match (described, body) {
        (None, None) => {}
        (Some(described), Some(body)) => {
            let schema = &described["content"]["application/json"]["schema"];
            follows(body, schema).unwrap_or_else(|why| panic!("{method} {path}: {why}\n{body:#}"));
        }
        _ => panic!("{method} {path}: a body where none is described, or none where one is"),
    }
}

/// Holds an answer against its description.
pub(crate) fn answer(method: &str, path: &str, status: u16, content_type: &str, body: &Value) {
    let responses = &operation(method, path)["responses"];
    let described = responses.get(status.to_string());
    let described = described.unwrap_or_else(|| panic!("{method} {path}: {status} is not described: {body}"));
    match described.get("content") {
        None => assert_eq!(*body, Value::Null, "{method} {path}"),
        Some(content) => {
            let schema = &content[content_type]["schema"];
            assert!(schema.is_object(), "{method} {path} {status}: {content_type} is not described");
            follows(body, schema).unwrap_or_else(|why| panic!("{method} {path} {status}: {why}\n{body:#}"));
        }
    }
}

/// Whether a value is as its schema says, and where it is not. A keyword that is not known here
/// is a failed test.
fn follows(value: &Value, schema: &Value) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else { return Err(format!("no schema: {schema}")) };
    for (keyword, said) in keywords {
        let number = || said.as_u64().unwrap() as usize;
        let holds = match keyword.as_str() {
            "$ref" => {
                let name = said.as_str().unwrap().strip_prefix("#/components/schemas/").unwrap();
                follows(value, &DOCUMENT["components"]["schemas"][name])
                    .map_err(|why| format!("{name}: {why}"))?;
                true
            }
            "anyOf" => said.as_array().unwrap().iter().any(|one| follows(value, one).is_ok()),
            "allOf" => {
                said.as_array().unwrap().iter().try_for_each(|one| follows(value, one))?;
                true
            }
            "type" => {
                let types = said.as_array().map_or_else(|| vec![said], |types| types.iter().collect());
                types.iter().any(|name| match name.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                })
            }
            "enum" => said.as_array().unwrap().contains(value),
            "pattern" => {
                let pattern = said.as_str().unwrap();
                value.as_str().is_none_or(|text| matches(pattern, text))
            }
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() >= number()),
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() <= number()),
            "minimum" => value.as_i64().is_none_or(|value| value >= said.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|value| value <= said.as_i64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() >= number()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() <= number()),
            "minProperties" => value.as_object().is_none_or(|fields| fields.len() >= number()),
            "required" => value.as_object().is_none_or(|fields| {
                said.as_array().unwrap().iter().all(|name| fields.contains_key(name.as_str().unwrap()))
            }),
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    follows(item, said).map_err(|why| format!("[{at}]: {why}"))?;
                }
                true
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = said.get(name) {
                        follows(field, schema).map_err(|why| format!(".{name}: {why}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let known =
                    |name: &str| keywords.get("properties").is_some_and(|known| known.get(name).is_some());
                for (name, field) in value.as_object().into_iter().flatten().filter(|(name, _)| !known(name))
                {
                    if *said == false {
                        return Err(format!("{name} is not described"));
                    }
                    follows(field, said).map_err(|why| format!(".{name}: {why}"))?;
                }
                true
            }
            "description" | "default" => true,
            other => panic!("the schema says {other}"),
        };
        if !holds {
            return Err(format!("{keyword} {said} does not hold for {value:.200}"));
        }
    }
    Ok(())
}

/// The document's few patterns, each as what it means.
fn matches(pattern: &str, text: &str) -> bool {
    let digits = |text: &str, from: usize, to: usize| {
        (from..=to).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match pattern {
        "^(EMM|ESM) [0-9]+$" => {
            text.strip_prefix("EMM ").or_else(|| text.strip_prefix("ESM ")).is_some_and(|n| digits(n, 1, 3))
        }
        "^[0-9]{1,15}$" => digits(text, 1, 15),
        "^[0-9]{6,15}$" => digits(text, 6, 15),
        "^[0-9]{8}$" => digits(text, 8, 8),
        "^[0-9]{5,6}$" => digits(text, 5, 6),
        "^[0-9]{3}$" => digits(text, 3, 3),
        "^[0-9]{2,3}$" => digits(text, 2, 3),
        "^[a-z0-9-]{1,64}$" => (1..=64).contains(&text.len()),
        "^[0-9a-f]{64}$" => text.len() == 64 && hex(text),
        "^[A-Fa-f0-9]*$" => hex(text),
        "^[A-Fa-f0-9]{6}$" => text.len() == 6 && hex(text),
        "^(imsi-[0-9]{5,15}|nai-.+|gci-.+|gli-.+|.+)$" => !text.is_empty(),
        "^[0-9]+(\\.[0-9]+)? (bps|Kbps|Mbps|Gbps|Tbps)$" => {
            let (number, unit) = text.split_once(' ').unwrap_or_default();
            digits(number, 1, 20) && ["bps", "Kbps", "Mbps", "Gbps", "Tbps"].contains(&unit)
        }
        "^[0-9]+ (bps|Kbps|Mbps|Gbps|Tbps)$" => {
            let (number, unit) = text.split_once(' ').unwrap_or_default();
            digits(number, 1, 20) && ["bps", "Kbps", "Mbps", "Gbps", "Tbps"].contains(&unit)
        }
        "^permit out .+ to assigned$" => text.starts_with("permit out ") && text.ends_with(" to assigned"),
        "^permit out " => text.starts_with("permit out "),
        other => panic!("the schema has the pattern {other}"),
    }
}
