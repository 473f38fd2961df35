//! The pure function: a table of everything, and documents at random against a reading of
//! their JSON from the first rule to the last.

use std::collections::BTreeSet;

use net_policy_worker::apn::Apn;
use net_policy_worker::policy::document::{Document, UsedToday};
use net_policy_worker::policy::{
    Access, Class, Contract, Destination, Facts, Policy, Question, RequestedApn, Situation, Verdict,
};
use net_policy_worker::refusal::Cause;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::policy;

const IMSI: &str = "001010000000001";

fn code(cause: Cause) -> String {
    let (protocol, number, _) = cause.coded();
    format!("{protocol} {number}")
}

/// A verdict in one word: `permitted`, `connected to X`, `refused with X`.
fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Permitted => "permitted".to_owned(),
        Verdict::Connected(connection) => format!("connected to {}", connection.apn),
        Verdict::Refused(cause) => format!("refused with {}", code(*cause)),
    }
}

/// What a terminal may ask for, and what an operational subscriber gets (TS 23.401 §4.3.8.1,
/// §5.3.2.1; TS 23.060 Annex A): by contracts without and with `*`, with the APN named. `-` is
/// ESM cause 27, unknown or missing.
const APNS: [(Option<&str>, [&str; 4]); 9] = [
    //                                    nothing, named,      any,            named and any
    (Some("internet"), ["-", "internet", "internet", "internet"]),
    (Some("INTERNET"), ["-", "internet", "internet", "internet"]),
    (Some("internet.mnc001.mcc001.gprs"), ["-", "internet", "internet", "internet"]),
    (Some("other"), ["-", "-", "other", "other"]),
    (Some("sm.provisioning"), ["-", "-", "sm.provisioning", "sm.provisioning"]),
    (Some("*"), ["-", "-", "-", "-"]),
    (Some("no apn!"), ["-", "-", "-", "-"]),
    (Some("rnc.x"), ["-", "-", "-", "-"]),
    (Some(".gprs"), ["-", "-", "-", "-"]),
];

/// The issue: for a provisioning profile, whatever was requested, the SM-access APN; nothing but
/// emergency calls and the SM. For an operational one what its contract says. Default deny.
#[test]
fn every_class_contract_apn_service_and_access() {
    let policy = policy();
    let sets: [&[&str]; 4] = [&[], &["internet"], &["*"], &["internet", "*"]];
    let (mut cases, mut rules) = (0, BTreeSet::new());
    for (column, apns) in sets.into_iter().enumerate() {
        for bits in 0..32_u8 {
            let bit = |at: u8| bits >> at & 1 == 1;
            let default = bit(0).then_some("internet");
            let contract: Contract = serde_json::from_value(json!({
                "apns": apns, "defaultApn": default, "voice": bit(1), "sms": bit(2), "data": bit(3), "roaming": bit(4),
            }))
            .unwrap();
            for (access, visited, class) in situations() {
                let situation = Situation { access, visited: visited.map(plmn), tac: None };
                let roams = visited.is_some_and(|plmn| plmn != "00101");
                let mut check = |question: Question, expected: String| {
                    let facts = Facts {
                        class,
                        contract: &contract,
                        imsi: IMSI,
                        situation: &situation,
                        used: UsedToday::default(),
                        question: question.clone(),
                    };
                    let decision = policy.decide(&facts);
                    assert_eq!(
                        said(&decision.verdict),
                        expected,
                        "{class:?} {contract:?} {situation:?} {question:?}"
                    );
                    assert_ne!(&*decision.because.rule, "default", "{question:?}");
                    rules.insert(decision.because.rule.to_string());
                    cases += 1;
                };
                let operational = class == Class::Operational;
                let connected = |apn: &str| match (operational, roams && !bit(4), apn) {
                    (false, _, _) => "connected to sm.provisioning".to_owned(),
                    (true, true, _) => "refused with EMM 13".to_owned(),
                    (true, false, "-") => "refused with ESM 27".to_owned(),
                    (true, false, apn) => format!("connected to {apn}"),
                };
                for (asked, given) in APNS {
                    check(Question::Connectivity(RequestedApn::parse(asked)), connected(given[column]));
                }
                for none in [None, Some("")] {
                    let given = connected(default.unwrap_or("-"));
                    check(Question::Connectivity(RequestedApn::parse(none)), given);
                }
                let service = |agreed: bool, operational_cause: &str, provisioning_cause: &str| match (
                    operational,
                    agreed,
                ) {
                    (true, true) => "permitted".to_owned(),
                    (true, false) => format!("refused with {operational_cause}"),
                    (false, _) => format!("refused with {provisioning_cause}"),
                };
                check(Question::Voice { emergency: true }, "permitted".to_owned());
                check(Question::Voice { emergency: false }, service(bit(1), "EMM 18", "EMM 18"));
                check(Question::Sms, service(bit(2), "EMM 18", "EMM 18"));
                check(Question::Data(Destination::Sm), "permitted".to_owned());
                check(Question::Data(Destination::Elsewhere), service(bit(3), "ESM 33", "ESM 8"));
            }
        }
    }
    assert_eq!(cases, 4 * 32 * (2 * 3 * 2) * (9 + 2 + 5));
    let all = policy.document().rules.iter().map(|rule| rule.name.clone()).collect();
    assert_eq!(rules, all, "no rule is dead");
}

fn situations() -> impl Iterator<Item = (Access, Option<&'static str>, Class)> {
    let of_class = |class| {
        [Access::Eps, Access::FiveG].into_iter().flat_map(move |access| {
            [None, Some("00101"), Some("310410")].into_iter().map(move |visited| (access, visited, class))
        })
    };
    of_class(Class::Provisioning).chain(of_class(Class::Operational))
}

fn plmn(digits: &str) -> net_policy_worker::policy::PlmnId {
    digits.to_owned().try_into().unwrap()
}

#[test]
fn a_class_is_recognised_by_its_imsi_too() {
    let mut document = super::world::document();
    document.classes = serde_json::from_value(json!({ "provisioning": [
        { "prefix": "99970" }, { "from": "001010000000195", "to": "001010000000205" },
    ]}))
    .unwrap();
    let policy = Policy::compile(document, 1).unwrap();
    for (imsi, listed) in [
        ("999700000000001", true),
        ("999710000000001", false),
        ("001010000000194", false),
        ("001010000000195", true),
        ("001010000000199", true),
        ("001010000000200", true),
        ("001010000000205", true),
        ("001010000000206", false),
        ("00101000000020", false),
    ] {
        let class = if listed { Class::Provisioning } else { Class::Operational };
        assert_eq!(policy.class(Class::Operational, imsi), class, "{imsi}");
        assert_eq!(policy.class(Class::Provisioning, imsi), Class::Provisioning, "{imsi}");
    }
}

// Documents at random.

const IMSIS: [&str; 5] =
    ["001010000000001", "001010000000015", "00101000000002", "310410123456789", "999990000000000"];
const NAMES: [&str; 5] = ["internet", "iot", "iot.example", "sm.provisioning", "x.example"];
const TACS: [&str; 2] = ["35000000", "35000001"];
const NETWORKS: [&str; 3] = ["00101", "310410", "999999"];

fn some<T: std::fmt::Debug + Clone + 'static>(from: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(from)
}

/// A condition, now and then.
fn field(
    name: &'static str,
    value: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<Option<(&'static str, Value)>> {
    prop_oneof![3 => Just(None), 1 => value.prop_map(move |value| Some((name, value)))].boxed()
}

fn list(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec(some(of), 1..3).prop_map(|values| json!(values))
}

fn imsis() -> impl Strategy<Value = Value> {
    const SOME: &[(&str, &str)] = &[
        ("0", ""),
        ("001", ""),
        ("0010100", ""),
        ("001010000000001", ""),
        ("31041", ""),
        ("999990000000000", ""),
        ("001010000000000", "001010000000012"),
        ("001010000000013", "001010000000999"),
        ("00101000000000", "00101000000009"),
        ("000000000000000", "999999999999999"),
    ];
    let one = some(SOME).prop_map(|(from, to)| {
        if to.is_empty() { json!({ "prefix": from }) } else { json!({ "from": from, "to": to }) }
    });
    prop::collection::vec(one, 1..3).prop_map(|values| json!(values))
}

fn rule() -> impl Strategy<Value = Value> {
    let kind = some(&["connectivity", "voice", "sms", "data"]);
    kind.prop_flat_map(|kind| {
        let own = match kind {
            "connectivity" => prop_oneof![
                field("apn", list(&["internet", "iot", "iot*", "*.example", "*", "SM.provisioning"])),
                field(
                    "requested",
                    some(&["none", "malformed", "well-formed", "in-contract", "any-in-contract", "sm"])
                        .prop_map(Value::from)
                ),
            ]
            .boxed(),
            "voice" => field("emergency", any::<bool>().prop_map(Value::from)),
            "data" => field("destination", some(&["sm", "elsewhere"]).prop_map(Value::from)),
            _ => Just(None).boxed(),
        };
        let included = if kind == "connectivity" {
            Just(None).boxed()
        } else {
            field("included", any::<bool>().prop_map(Value::from))
        };
        let fields = vec![
            own,
            included,
            field("class", some(&["provisioning", "operational"]).prop_map(Value::from)),
            field("imsi", imsis()),
            field("tac", list(&TACS)),
            field("visited", list(&NETWORKS)),
            field("access", some(&["eps", "5g"]).prop_map(Value::from)),
            field("roaming", any::<bool>().prop_map(Value::from)),
            field("roamingAgreed", any::<bool>().prop_map(Value::from)),
            field(
                "used",
                (0..3_u64, 0..3_u64)
                    .prop_map(|(attaches, bytes)| json!({ "attaches": attaches, "bytes": bytes })),
            ),
        ];
        let yes = if kind == "connectivity" {
            let limits = prop_oneof![
                Just(json!({})),
                (1..3_u64).prop_map(|n| json!({ "attachesPerDay": n })),
                (1..3_u64).prop_map(|n| json!({ "bytesPerDay": n }))
            ];
            (some(&["sm", "requested", "contract-default", "walled.garden"]), limits)
                .prop_map(
                    |(apn, limits)| json!({ "connect": { "apn": apn, "limits": limits, "beyondSm": true } }),
                )
                .boxed()
        } else {
            Just(json!({ "permit": { "beyondSm": true } })).boxed()
        };
        let no = some(&["ESM 8", "ESM 27", "EMM 18", "EMM 15"])
            .prop_map(|cause| json!({ "refuse": { "cause": cause } }));
        (fields, prop_oneof![2 => yes, 1 => no]).prop_map(move |(fields, then)| {
            let mut when = json!({ "question": [kind] });
            for (name, value) in fields.into_iter().flatten() {
                when[name] = value;
            }
            json!({ "words": "because", "when": when, "then": then })
        })
    })
}

fn random_document() -> impl Strategy<Value = Value> {
    (prop::collection::vec(rule(), 0..40), prop::option::of(imsis())).prop_map(|(mut rules, provisioning)| {
        for (at, rule) in rules.iter_mut().enumerate() {
            rule["name"] = format!("rule-{at}").into();
        }
        json!({
            "schema": "net-policy/1",
            "smAccess": { "apn": "sm.provisioning", "entries": [{ "host": "smdp.example" }] },
            "classes": { "provisioning": provisioning.unwrap_or_else(|| json!([])) },
            "rules": rules,
        })
    })
}

#[derive(Clone, Debug)]
struct Given {
    class: Class,
    contract: Contract,
    imsi: &'static str,
    situation: Situation,
    used: UsedToday,
    question: Question,
}

fn given() -> impl Strategy<Value = Given> {
    let contract = (prop::collection::vec(some(&["internet", "iot", "*"]), 0..3), prop::option::of(some(&NAMES)), any::<[bool; 4]>())
        .prop_map(|(apns, default, [voice, sms, data, roaming])| {
            json!({ "apns": apns, "defaultApn": default, "voice": voice, "sms": sms, "data": data, "roaming": roaming })
        });
    let situation = (some(&["eps", "5g"]), prop::option::of(some(&NETWORKS)), prop::option::of(some(&TACS)))
        .prop_map(|(access, visited, tac)| {
            let mut situation = json!({ "access": access });
            for (name, value) in [("visited", visited), ("tac", tac)] {
                if let Some(value) = value {
                    situation[name] = value.into();
                }
            }
            situation
        });
    let question = prop_oneof![
        4 => prop_oneof![
            Just(RequestedApn::None), Just(RequestedApn::Malformed),
            some(&NAMES).prop_map(|apn| RequestedApn::Apn(Apn::parse(apn).unwrap())),
        ].prop_map(Question::Connectivity),
        1 => any::<bool>().prop_map(|emergency| Question::Voice { emergency }),
        1 => Just(Question::Sms),
        1 => some(&[Destination::Sm, Destination::Elsewhere]).prop_map(Question::Data),
    ];
    let class = some(&[Class::Provisioning, Class::Operational]);
    (class, contract, some(&IMSIS), situation, (0..3_u64, 0..3_u64), question).prop_map(
        |(class, contract, imsi, situation, (attaches, bytes), question)| Given {
            class,
            contract: serde_json::from_value(contract).unwrap(),
            imsi,
            situation: serde_json::from_value(situation).unwrap(),
            used: UsedToday { attaches, bytes },
            question,
        },
    )
}

/// The document as it says that it is to be read, from its JSON, one rule after the other.
fn linear(document: &Value, given: &Given) -> (String, String) {
    let listed = |list: &Value| {
        list.as_array().unwrap().iter().any(|imsis| match imsis.get("prefix") {
            Some(prefix) => given.imsi.starts_with(prefix.as_str().unwrap()),
            None => {
                let number = |text: &str| text.parse::<u64>().unwrap();
                let end = |name: &str| imsis[name].as_str().unwrap();
                given.imsi.len() == end("from").len()
                    && (number(end("from"))..=number(end("to"))).contains(&number(given.imsi))
            }
        })
    };
    let provisioning = given.class == Class::Provisioning || listed(&document["classes"]["provisioning"]);
    let contract = serde_json::to_value(&given.contract).unwrap();
    let situation = serde_json::to_value(&given.situation).unwrap();
    let (kind, apn, requested) = match &given.question {
        Question::Connectivity(RequestedApn::None) => ("connectivity", None, vec!["none"]),
        Question::Connectivity(RequestedApn::Malformed) => ("connectivity", None, vec!["malformed"]),
        Question::Connectivity(RequestedApn::Apn(apn)) => {
            let mut ways = vec!["well-formed"];
            let apns = contract["apns"].as_array().unwrap();
            ways.extend(apns.contains(&apn.as_str().into()).then_some("in-contract"));
            ways.extend(apns.contains(&"*".into()).then_some("any-in-contract"));
            ways.extend((apn.as_str() == "sm.provisioning").then_some("sm"));
            ("connectivity", Some(apn.as_str()), ways)
        }
        Question::Voice { .. } => ("voice", None, vec![]),
        Question::Sms => ("sms", None, vec![]),
        Question::Data(_) => ("data", None, vec![]),
    };
    for rule in document["rules"].as_array().unwrap() {
        let holds = rule["when"].as_object().unwrap().iter().all(|(name, said)| match name.as_str() {
            "question" => said.as_array().unwrap().contains(&kind.into()),
            "class" => (said == "provisioning") == provisioning,
            "requested" => requested.contains(&said.as_str().unwrap()),
            "apn" => apn.is_some_and(|apn| {
                said.as_array().unwrap().iter().any(|pattern| {
                    let pattern = pattern.as_str().unwrap().to_lowercase();
                    match pattern.split_once('*') {
                        Some((start, "")) => apn.starts_with(start),
                        Some((_, end)) => apn.ends_with(end),
                        None => apn == pattern,
                    }
                })
            }),
            "emergency" => given.question == Question::Voice { emergency: *said == true },
            "destination" => {
                let to = if said == "sm" { Destination::Sm } else { Destination::Elsewhere };
                given.question == Question::Data(to)
            }
            "included" => contract[kind] == *said,
            "imsi" => listed(said),
            "tac" | "visited" => {
                situation.get(name).is_some_and(|own| said.as_array().unwrap().contains(own))
            }
            "access" => situation["access"] == *said,
            "roaming" => {
                let abroad = situation
                    .get("visited")
                    .is_some_and(|plmn| !given.imsi.starts_with(plmn.as_str().unwrap()));
                *said == abroad
            }
            "roamingAgreed" => *said == (contract.get("roaming") != Some(&Value::Bool(false))),
            "used" => {
                given.used.attaches >= said["attaches"].as_u64().unwrap()
                    && given.used.bytes >= said["bytes"].as_u64().unwrap()
            }
            other => panic!("{other}"),
        });
        let name = rule["name"].as_str().unwrap().to_owned();
        let connect = &rule["then"]["connect"];
        let verdict = if let Some(cause) = rule["then"]["refuse"]["cause"].as_str() {
            format!("refused with {cause}")
        } else if connect.is_null() {
            "permitted".to_owned()
        } else {
            let apn = match connect["apn"].as_str().unwrap() {
                "sm" => Some("sm.provisioning"),
                "requested" => apn,
                "contract-default" => contract["defaultApn"].as_str(),
                other => Some(other),
            };
            let Some(apn) = apn else { continue };
            let reached =
                |limit: &str, used: u64| connect["limits"][limit].as_u64().is_some_and(|most| used >= most);
            if reached("attachesPerDay", given.used.attaches) {
                "refused with EMM 22".to_owned()
            } else if reached("bytesPerDay", given.used.bytes) {
                "refused with ESM 26".to_owned()
            } else {
                format!("connected to {apn}")
            }
        };
        if holds {
            return (verdict, name);
        }
    }
    ("refused with ESM 8".to_owned(), "default".to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// However it is indexed, a document decides as it reads; and nothing is allowed but by a
    /// rule of the document.
    #[test]
    fn compiled_is_what_is_written(written in random_document(), given in prop::collection::vec(given(), 1..30)) {
        let document = Document::read(&serde_json::to_vec(&written).unwrap()).unwrap();
        let policy = Policy::compile(document, 3).unwrap_or_else(|findings| panic!("{findings:#?}\n{written:#}"));
        for given in given {
            let Given { class, contract, imsi, situation, used, question } = &given;
            let facts = Facts { class: *class, contract, imsi, situation, used: *used, question: question.clone() };
            let decision = policy.decide(&facts);
            let (verdict, rule) = linear(&written, &given);
            prop_assert_eq!((said(&decision.verdict), &*decision.because.rule), (verdict, rule.as_str()), "{:?}\n{:#}", given, written);
            if !matches!(decision.verdict, Verdict::Refused(_)) {
                let mut names = written["rules"].as_array().unwrap().iter().map(|rule| &rule["name"]);
                prop_assert!(names.any(|name| *name == *decision.because.rule));
            }
            prop_assert_eq!(decision.version, 3);
        }
    }

    /// A rule that is said to be never reached decides nothing.
    #[test]
    fn what_is_never_reached_is_not(written in random_document(), given in prop::collection::vec(given(), 1..30)) {
        let document = Document::read(&serde_json::to_vec(&written).unwrap()).unwrap();
        let dead: Vec<String> = document.examine().into_iter()
            .filter(|finding| finding.says.starts_with("never reached"))
            .map(|finding| finding.path.replace("rules[", "rule-").replace(']', ""))
            .collect();
        for given in given {
            let (_, rule) = linear(&written, &given);
            prop_assert!(!dead.contains(&rule), "{} {:?}\n{:#}", rule, given, written);
        }
    }
}
