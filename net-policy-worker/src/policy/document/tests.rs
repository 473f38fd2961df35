use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::policy::history::{History, Proposal};

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

/// Targets, keywords among them in whatever case.
fn targets() -> impl Strategy<Value = String> {
    prop_oneof![
        "[sS][mM]",
        "[rR][eE][qQ]uest[eE][dD]",
        "[cC]ontract-[dD]efaul[tT]",
        "[a-zA-Z0-9-]{1,8}(\\.[a-zA-Z0-9]{1,4})?",
    ]
}

prop_compose! {
    fn rules()(
        target in targets(),
        patterns in prop::collection::vec(r"\*?[a-zA-Z0-9.-]{0,6}\*?", 0..3),
        imsi in prop_oneof![
            "[0-9]{1,15}".prop_map(|prefix| json!({ "prefix": prefix })),
            ("[0-4][0-9]{9}", "[5-9][0-9]{9}").prop_map(|(from, to)| json!({ "from": from, "to": to })),
        ],
        words in ".{0,12}",
        limits in prop::option::of(any::<u32>()),
        used in any::<bool>(),
        cause in prop_oneof![
            Just(json!("ESM 8")), Just(json!({})), Just(json!({"voice": "EMM 18", "data": "ESM 8"})),
        ],
        refuses in any::<bool>(),
    ) -> Value {
        let then = if refuses {
            json!({"refuse": {"cause": cause}})
        } else {
            json!({"connect": {"apn": target, "limits": {"bytes": limits}}})
        };
        let mut when = json!({"question": ["connectivity"], "apn": patterns, "imsi": [imsi]});
        if used {
            when["used"] = json!({"attaches": 3});
        }
        json!({"name": "one", "words": words, "when": when, "then": then})
    }
}

proptest! {
    /// What is kept says the same when it is read again.
    #[test]
    fn what_is_written_is_read_again(rule in rules(), apn in targets(), note in ".{0,12}") {
        let mut written = with_rules(vec![rule]);
        written["smAccess"]["apn"] = apn.into();
        written["note"] = note.into();
        if let Ok(document) = read(&written) {
            let text = document.kept().unwrap();
            prop_assert_eq!(Document::read_kept(text.as_bytes()), Ok(document));
        }
    }
}

#[test]
fn no_apn_is_called_as_a_target_is() {
    for (apn, good) in [
        ("sm", true),
        ("requested", true),
        ("contract-default", true),
        ("SM", false),
        ("Requested", false),
        ("Contract-Default", false),
        ("sm.provisioning", true),
        ("IoT", true),
    ] {
        let mut rule = rule("one");
        rule["then"]["connect"]["apn"] = json!(apn);
        assert_eq!(read(&with_rules(vec![rule])).is_ok(), good, "{apn}");
    }
}

/// A document that is as long as may be sent, and longer once it is written out.
#[test]
fn what_is_longer_once_it_is_written_out_is_not_taken() {
    let short = |at: usize| {
        format!(
            r#"{{"name":"r{at}","words":"{}","when":{{"question":["connectivity"],"used":{{"attaches":1}}}},"then":{{"refuse":{{"cause":"ESM 8"}}}}}}"#,
            "w".repeat(190)
        )
    };
    let all = |count: usize| {
        let rules = (0..count).map(short).collect::<Vec<_>>().join(",");
        format!(r#"{{"schema":"net-policy/1","smAccess":{{"apn":"sm","entries":[]}},"rules":[{rules}]}}"#)
    };
    let one = all(2).len() - all(1).len();
    let text = all((MAX_BYTES - 200_000) / one + 150_000 / one);
    assert!(text.len() <= MAX_BYTES && text.len() > MAX_BYTES - 200_000, "{}", text.len());
    let document = Document::read(text.as_bytes()).unwrap();
    assert!(document.kept().unwrap().len() > MAX_BYTES);
    let errors = |findings: Vec<Finding>| findings.into_iter().any(|one| one.level == Level::Error);
    assert!(errors(document.examine()));
    let mut history = History::default();
    let proposal = Proposal { document: document.clone(), expected: None, rolled_back_to: None };
    assert_eq!(history.add(&proposal, 0).unwrap_err().kind, crate::refusal::Kind::TooLarge);
    assert_eq!(history.current(), 0);
    // One that was kept before there was such a limit does not lock anybody out.
    let kept = document.kept().unwrap();
    assert!(Document::read(kept.as_bytes()).is_err());
    assert_eq!(Document::read_kept(kept.as_bytes()), Ok(document));
}

/// Each pair of these rules is more than a hundred thousand comparisons, and it is these that are
/// counted.
#[test]
fn long_lists_are_compared_for_a_while_and_no_longer() {
    let tac: Vec<Value> = (0..90)
        .map(|at| {
            let mut rule = rule(&format!("r{at}"));
            let tacs = |from: usize| (from..from + 500).map(|n| format!("{n:08}")).collect::<Vec<_>>();
            rule["when"]["tac"] = tacs(0).into();
            rule["when"]["visited"] = json!([format!("{:05}", 10_000 + at)]);
            rule["then"]["connect"]["apn"] = json!("sm");
            rule
        })
        .collect();
    let findings = read(&with_rules(tac)).unwrap().examine();
    let says = |findings: &[Finding], what: &str| findings.iter().any(|one| one.says.contains(what));
    assert!(says(&findings, "too many to look"), "{findings:?}");
    // All together list so much and no more.
    let listed = (0..101).map(|at| {
        let mut rule = rule(&format!("r{at}"));
        rule["when"]["imsi"] = (0..1000).map(|n| json!({"prefix": format!("1{at:03}{n:04}")})).collect();
        rule
    });
    let findings = read(&with_rules(listed.collect())).unwrap().examine();
    assert!(says(&findings, "all conditions together"), "{findings:?}");
}
