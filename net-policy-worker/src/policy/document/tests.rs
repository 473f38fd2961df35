use serde_json::{Value, json};

use super::*;

#[test]
fn the_first_document_is_in_order() {
    let document = Document::of_deployment("sm.provisioning", "smdp.example,lab.example:8443").unwrap();
    assert_eq!(document.examine(), []);
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(Document::read(text.as_bytes()), Ok(document));
    assert!(Document::of_deployment("no apn!", "").is_err());
    assert!(Document::of_deployment("sm", "https://smdp.example").is_err());
}

fn read(document: &Value) -> Result<Document, Unreadable> {
    Document::read(&serde_json::to_vec(document).unwrap())
}

/// A document with these rules.
fn with_rules(rules: Vec<Value>) -> Value {
    let document = Document::of_deployment("sm.provisioning", "smdp.example").unwrap();
    let mut document = serde_json::to_value(document).unwrap();
    document["rules"] = rules.into();
    document
}

/// A rule that is in order.
fn rule(name: &str) -> Value {
    json!({"name": name, "words": "w", "when": {"question": ["connectivity"], "class": "operational"},
        "then": {"connect": {"apn": "requested"}}})
}

/// Three hundred rules with a warning each, and behind them one that is wrong in one way.
#[test]
fn no_number_of_warnings_hides_an_error() {
    let warned = (0..300).map(|at| {
        let mut rule = rule(&format!("w{at}"));
        rule["when"]["tac"] = json!([format!("{at:08}")]);
        rule["then"]["connect"]["apn"] = json!("iot");
        rule
    });
    let warned: Vec<Value> = warned.collect();
    let long = |at: usize| json!(vec![format!("{at:08}"); 1001]);
    type Change = Box<dyn Fn(&mut Value)>;
    let wrong: Vec<(&str, Change)> = vec![
        ("beyond the SM", Box::new(|rule| rule["when"]["class"] = json!("provisioning"))),
        (
            "permitted beyond the SM",
            Box::new(|rule| {
                rule["when"] = json!({"question": ["data"], "class": "provisioning"});
                rule["then"] = json!({"permit": {}});
            }),
        ),
        ("a name that is there", Box::new(|rule| rule["name"] = json!("w0"))),
        ("no name", Box::new(|rule| rule["name"] = json!(""))),
        ("a reserved name", Box::new(|rule| rule["name"] = json!("default"))),
        ("no words", Box::new(|rule| rule["words"] = json!(" "))),
        ("a list too long", Box::new(move |rule| rule["when"]["tac"] = long(7))),
        ("never holds", Box::new(|rule| rule["when"]["emergency"] = json!(true))),
        ("calls are not connected", Box::new(|rule| rule["when"]["question"] = json!(["voice"]))),
        ("a limit of nothing", Box::new(|rule| rule["then"]["connect"]["limits"] = json!({"bytes": 0}))),
        (
            "no such QCI",
            Box::new(|rule| {
                rule["then"]["connect"]["qos"] = json!({"qci": 0, "arp": {"priority": 8}});
            }),
        ),
        ("no cause", Box::new(|rule| rule["then"] = json!({"refuse": {"cause": {"voice": "EMM 18"}}}))),
    ];
    let warnings = |findings: &[Finding]| findings.iter().filter(|one| one.level == Level::Warning).count();
    for (what, change) in &wrong {
        let mut last = rule("last");
        change(&mut last);
        let rules = warned.iter().cloned().chain([last]).collect();
        let findings = read(&with_rules(rules)).unwrap().examine();
        assert_eq!(findings.first().map(|first| first.level), Some(Level::Error), "{what}");
        assert!(warnings(&findings) <= 200, "{what}");
    }
    // The SMs have theirs.
    let mut document = with_rules(vec![rule("one")]);
    let entry = |host: &str| json!({"host": host, "outside": true});
    let hosts = (0..210).map(|at| format!("h{at}.test")).chain(["127.0.0.1".to_owned()]);
    document["smAccess"]["entries"] = hosts.map(|host| entry(&host)).collect();
    let findings = read(&document).unwrap().examine();
    assert_eq!((findings[0].level, findings[0].path.as_str()), (Level::Error, "smAccess.entries[210].host"));
    // What is in order with three hundred warnings is taken, and errors come to an end as well.
    let findings = read(&with_rules(warned)).unwrap().examine();
    assert_eq!((findings.len(), warnings(&findings)), (200, 200));
    let findings = read(&with_rules(vec![
        json!({"name": "", "words": "",
        "then": {"permit": {}}});
        500
    ]))
    .unwrap()
    .examine();
    assert!(findings.len() <= 400, "{}", findings.len());
}
