//! The network's policy as its operator reads and writes it: JSON of `/network/policy`.

use serde::Deserialize;
use serde_json::{Value, json};
use words::{Text, text};

use crate::network::{Cause, reason};

/// The policy that is decided by.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Shown {
    /// Its version; 0 is the deployment's own.
    pub version: u64,
    /// The document.
    pub document: Value,
}

impl Shown {
    /// The document as it is edited.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&self.document).unwrap_or_default()
    }
}

/// A rule as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it says.
    pub words: Text<String>,
    /// `permit`, `connect` or `refuse`.
    pub then: String,
    /// Where it applies, and what goes with the decision: JSON, shortened to what is said.
    pub detail: String,
}

/// The rules of a document, in the order they are read. What is no rule is left out.
#[must_use]
pub fn rules(document: &Value) -> Vec<Rule> {
    let rules = document.get("rules").and_then(Value::as_array);
    let rule = |rule: &Value| {
        let text = |name: &str| rule.get(name).and_then(Value::as_str);
        let name = text("name")?;
        let (then, with) = rule.get("then")?.as_object()?.iter().next()?;
        let mut parts = vec![];
        if let Some(when) = rule.get("when").and_then(Value::as_object) {
            parts.extend(when.iter().map(|(name, value)| said(name, value)));
        }
        if let Some(with) = with.as_object() {
            parts.extend(with.iter().map(|(name, value)| format!("→ {}", said(name, value))));
        }
        Some(Rule {
            name: name.to_owned(),
            words: reason(name, text("words").unwrap_or_default()),
            then: then.clone(),
            detail: parts.join(" · "),
        })
    };
    rules.into_iter().flatten().filter_map(rule).collect()
}

/// `question voice, sms`, and what is nested as it is.
fn said(name: &str, value: &Value) -> String {
    let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Array(values) => format!("{name} {}", values.iter().map(one).collect::<Vec<_>>().join(", ")),
        value => format!("{name} {}", one(value)),
    }
}

/// What is wrong with a document, or could be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// `error` or `warning`.
    pub level: String,
    /// Where.
    pub path: String,
    /// What.
    pub says: String,
}

/// What the network thinks of a document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Checked {
    /// Whether it could become the policy.
    pub accepted: bool,
    /// What is wrong, or could be.
    pub findings: Vec<Finding>,
}

/// A version of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Its number.
    pub version: u64,
    /// Since when: milliseconds since 1970.
    pub at: u64,
    /// Who wrote it.
    #[serde(default)]
    pub author: String,
    /// What changed.
    #[serde(default)]
    pub note: String,
    /// How many rules it has.
    pub rules: usize,
    /// The version that it is again.
    #[serde(default)]
    pub rolled_back_to: Option<u64>,
}

/// A decision of a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Decided {
    /// `permitted`, `connected` or `refused`.
    pub verdict: String,
    /// The rule that decides.
    pub rule: String,
    /// Why.
    pub because: String,
    /// What a terminal would be told.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// To what it would be connected.
    #[serde(default)]
    pub apn: Option<String>,
}

impl Decided {
    /// In words: `connected to sm.provisioning`.
    #[must_use]
    pub fn words(&self) -> Text<String> {
        match (self.verdict.as_str(), &self.apn) {
            ("connected", Some(apn)) => text!("connected to {apn}", "{apn} に接続"),
            ("refused", _) => Text::new("refused", "拒否").owned(),
            _ => Text::new("permitted", "許可").owned(),
        }
    }
}

/// What a document would decide, and what is decided now where that differs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Outcome {
    /// By the document.
    pub decision: Decided,
    /// By the policy as it is.
    #[serde(default)]
    pub now: Option<Decided>,
}

/// The outcomes of a dry run, in the order of [`questions`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Outcomes {
    /// How many differ.
    pub differing: usize,
    /// Each of them.
    pub outcomes: Vec<Outcome>,
}

/// The questions of a dry run, in words and as JSON: every service of a profile without a contract
/// and of one with.
#[must_use]
pub fn questions() -> Vec<(Text<String>, Value)> {
    let classes = [
        ("provisioning", Text::new("without a contract", "契約なし"), json!({})),
        (
            "operational",
            Text::new("with a contract", "契約あり"),
            json!({"apns": ["internet"], "defaultApn": "internet", "voice": true, "sms": true, "data": true}),
        ),
    ];
    let asked = [
        (Text::new("no APN", "APN なし"), json!({"kind": "connectivity"})),
        (Text::new("APN internet", "APN internet"), json!({"kind": "connectivity", "apn": "internet"})),
        (Text::new("a wrong APN", "誤った APN"), json!({"kind": "connectivity", "apn": "wrong.apn"})),
        (Text::new("data to the SM", "SM へのデータ通信"), json!({"kind": "data", "destination": "sm"})),
        (
            Text::new("data elsewhere", "その他へのデータ通信"),
            json!({"kind": "data", "destination": "elsewhere"}),
        ),
        (Text::new("a call", "音声通話"), json!({"kind": "voice"})),
        (Text::new("an emergency call", "緊急通報"), json!({"kind": "voice", "emergency": true})),
        (Text::new("a message", "SMS"), json!({"kind": "sms"})),
    ];
    let all = classes.iter().flat_map(|(class, whose, contract)| {
        asked.iter().map(move |(what, question)| {
            let words = Text::new(format!("{}, {}", what.en, whose.en), format!("{}・{}", whose.ja, what.ja));
            let facts = json!({
                "imsi": "001010000000000", "class": class, "contract": contract, "question": question,
            });
            (words, facts)
        })
    });
    all.collect()
}

/// A dry run of an edited document: the body of the request.
///
/// # Errors
/// Where the text is no JSON.
pub fn dry_run(text: &str) -> Result<String, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let facts: Vec<Value> = questions().into_iter().map(|(_, facts)| facts).collect();
    Ok(json!({"document": document, "facts": facts}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn rules_are_read_and_nonsense_is_left_out() {
        let document = json!({"rules": [
            {"name": "emergency-call", "words": "emergency calls are never refused",
             "when": {"question": ["voice", "sms"], "emergency": true}, "then": {"permit": {}}},
            {"name": "own", "words": "our own", "then": {"connect": {"apn": "sm", "limits": {"seconds": 60}}}},
            7, {"name": "half"},
        ]});
        let rules = rules(&document);
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[0].words.ja, "緊急通報は拒否されません");
        assert_eq!(rules[0].detail, "emergency true · question voice, sms");
        assert_eq!((rules[1].then.as_str(), rules[1].words.ja.as_str()), ("connect", "our own"));
        assert_eq!(rules[1].detail, r#"→ apn sm · → limits {"seconds":60}"#);
        assert_eq!(super::rules(&json!([])), []);
    }

    #[test]
    fn a_dry_run_asks_every_question_once() {
        let body: Value = serde_json::from_str(&dry_run(r#"{"schema":"net-policy/1"}"#).unwrap()).unwrap();
        assert_eq!(body["facts"].as_array().map(Vec::len), Some(questions().len()));
        assert_eq!(body["document"]["schema"], "net-policy/1");
        assert!(dry_run("{").is_err());
    }

    #[test]
    fn outcomes_are_read() {
        let outcomes = r#"{"version":null,"current":3,"differing":1,"outcomes":[
            {"decision":{"verdict":"connected","rule":"r","because":"b","apn":"sm.provisioning"}},
            {"decision":{"verdict":"refused","rule":"r","because":"b","cause":{"protocol":"ESM","number":8,"name":"n"}},
             "now":{"verdict":"permitted","rule":"q","because":"c"}}]}"#;
        let outcomes: Outcomes = serde_json::from_str(outcomes).unwrap();
        assert_eq!(outcomes.outcomes[0].decision.words().en, "connected to sm.provisioning");
        assert_eq!(outcomes.outcomes[1].now.as_ref().map(|now| now.words().ja), Some("許可".to_owned()));
    }
}
