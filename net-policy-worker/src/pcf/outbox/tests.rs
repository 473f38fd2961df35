use serde_json::json;

use super::*;
use crate::pcf::Context;
use crate::pcf::given::Given;
use crate::policy::Situation;

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn association(whole: &Value) -> Association {
    let request = json!({ "supi": "imsi-001010000000001", "notificationUri": "https://smf.example/notify/" });
    Association {
        id: "a".to_owned(),
        door: Door::Sm,
        context: Context { theirs: None, situation: Situation::default(), dnn: None, request },
        used: 0,
        expires: u64::MAX,
        given: Some(Given::of(&object(whole.clone()))),
        refused: false,
        resource: "https://pcf.example/a".to_owned(),
        notice: None,
        notices: 0,
        moved: None,
        over: false,
    }
}

/// What the core is told when `whole` is decided.
fn change(line: &mut Line, whole: &Value, now: Timestamp) {
    let association = &mut line.associations[0];
    association.recall();
    let whole = object(whole.clone());
    let given = association.given.replace(Given::of(&whole)).unwrap();
    association.update(given.told(&whole, None), now, 1);
}

fn line(whole: &Value) -> Line {
    let mut line = Line::default();
    line.associations.push(association(whole));
    line
}

fn send(line: &mut Line, now: Timestamp) -> Option<Letter> {
    due(Some(line), &mut Departed::default(), now)
}

fn came(line: &mut Line, letter: &Letter, outcome: Outcome, now: Timestamp) -> Option<audit::Verdict> {
    settle(Some(line), &mut Departed::default(), letter, outcome, now)
}

fn told(letter: &Letter) -> Value {
    serde_json::from_slice::<Value>(&letter.body).unwrap()["smPolicyDecision"].clone()
}

const DONE: Outcome = Outcome::Done { failed: None };

fn later() -> Outcome {
    Outcome::Later { after: None, because: "the core answers 503".to_owned() }
}

#[test]
fn what_is_other_is_told_once() {
    let mut line = line(&json!({ "pccRules": { "a": 1, "b": 1 } }));
    change(&mut line, &json!({ "pccRules": { "a": 1, "b": 1 } }), 0);
    assert_eq!(send(&mut line, 0), None);
    change(&mut line, &json!({ "pccRules": { "a": 2, "c": 1 } }), 0);
    let letter = send(&mut line, 0).unwrap();
    assert_eq!(letter.uri, "https://smf.example/notify/update");
    assert_eq!(told(&letter), json!({ "pccRules": { "a": 2, "b": null, "c": 1 } }));
    assert_eq!(came(&mut line, &letter, DONE, 5), None);
    assert_eq!(send(&mut line, u64::MAX), None);
    change(&mut line, &json!({ "pccRules": { "a": 2, "c": 1 } }), 9);
    assert_eq!(send(&mut line, u64::MAX), None);
}

#[test]
fn a_later_change_says_again_what_may_not_have_arrived() {
    let mut line = line(&json!({ "pccRules": { "a": 1, "b": 1, "d": 1 } }));
    change(&mut line, &json!({ "pccRules": { "a": 2, "c": 1, "d": 1 } }), 0);
    let first = send(&mut line, 0).unwrap();
    // Changed to and fro: who has the first is told that it is not so any more, whether it arrived or not.
    change(&mut line, &json!({ "pccRules": { "a": 1, "b": 1, "d": 1 } }), 1);
    // The first is acknowledged after its place was taken.
    assert_eq!(came(&mut line, &first, DONE, 2), None);
    let second = send(&mut line, 2).unwrap();
    assert_eq!(told(&second), json!({ "pccRules": { "a": 1, "b": 1, "c": null } }));
    assert_eq!(came(&mut line, &second, DONE, 3), None);
    assert_eq!(send(&mut line, u64::MAX), None);
}

#[test]
fn it_is_sent_again_with_longer_waits_and_given_up_and_then_told_with_the_next_change() {
    let mut line = line(&json!({ "pccRules": { "a": 1, "b": 1 } }));
    change(&mut line, &json!({ "pccRules": { "a": 2, "b": 1 } }), 0);
    let (mut now, mut waits, mut last) = (0, vec![], None);
    while let Some(letter) = send(&mut line, now) {
        last = came(&mut line, &letter, later(), now);
        let Some(next) = next(Some(&mut line), &mut Departed::default()) else { break };
        assert_eq!(send(&mut line, next - 1), None);
        waits.push(next - now);
        now = next;
    }
    assert_eq!(waits.len() + 1, MAX_ATTEMPTS as usize);
    assert!(waits.is_sorted() && (1_000..1_250).contains(&waits[0]), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= MAX_BACK_OFF + MAX_BACK_OFF / 4));
    let verdict = last.unwrap();
    assert_eq!((&*verdict.verdict, &*verdict.because), ("refused", "the core answers 503"));
    assert_eq!(verdict.subscriber, "00101*******001");
    change(&mut line, &json!({ "pccRules": { "a": 2, "b": 2 } }), now);
    assert_eq!(told(&send(&mut line, now).unwrap()), json!({ "pccRules": { "a": 2, "b": 2 } }));
}

#[test]
fn a_core_that_says_when_is_not_asked_before_and_not_waited_for_longer_than_usual() {
    for (after, waits) in [(Some(30), 30_000), (Some(u64::MAX), MAX_BACK_OFF)] {
        let mut line = line(&json!({}));
        change(&mut line, &json!({ "pccRules": { "a": 2 } }), 0);
        let letter = send(&mut line, 0).unwrap();
        came(&mut line, &letter, Outcome::Later { after, because: String::new() }, 0);
        assert_eq!(next(Some(&mut line), &mut Departed::default()), Some(waits));
    }
}

#[test]
fn what_could_not_be_enforced_is_on_record_and_not_sent_again_by_itself() {
    let report = json!([{ "failureCause": "PCC_RULE_EVENT", "ruleReports": [
        { "pccRuleIds": ["a"], "ruleStatus": "INACTIVE", "failureCode": "UNSUCC_QOS_VALI" }] }]);
    let body = serde_json::to_vec(&report).unwrap();
    let answer = http::Response::builder().status(200).body(body).unwrap();
    let mut line = line(&json!({}));
    change(&mut line, &json!({ "pccRules": { "a": 1, "b": 1 } }), 0);
    let letter = send(&mut line, 0).unwrap();
    let verdict = came(&mut line, &letter, outcome(Ok(answer)), 0).unwrap();
    assert!(verdict.because.contains("UNSUCC_QOS_VALI") && verdict.because.contains(" a "), "{verdict:?}");
    assert_eq!(send(&mut line, u64::MAX), None);
    // With the next change it is tried once more.
    change(&mut line, &json!({ "pccRules": { "a": 1, "b": 2 } }), 0);
    assert_eq!(told(&send(&mut line, 0).unwrap()), json!({ "pccRules": { "a": 1, "b": 2 } }));
}

#[test]
fn what_an_answer_means() {
    let answer = |status: u16, headers: &[(&str, &str)]| {
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        outcome(Ok(answer.body(vec![]).unwrap()))
    };
    assert_eq!(answer(200, &[]), DONE);
    assert_eq!(answer(204, &[]), DONE);
    assert_eq!(answer(404, &[]), Outcome::Gone);
    let to = "https://smf2.example/update".to_owned();
    let location = [("location", to.as_str())];
    assert_eq!(answer(307, &location), Outcome::Moved { to: to.clone(), for_good: false });
    assert_eq!(answer(308, &location), Outcome::Moved { to: to.clone(), for_good: true });
    for status in [301, 302, 303, 307, 308, 400, 401, 403, 405, 413] {
        assert!(matches!(answer(status, &[]), Outcome::Refused(_)), "{status}");
    }
    for status in [408, 429, 500, 502, 503, 504] {
        assert!(matches!(answer(status, &[]), Outcome::Later { after: None, .. }), "{status}");
    }
    assert!(matches!(answer(503, &[("retry-after", "7")]), Outcome::Later { after: Some(7), .. }));
    assert!(matches!(outcome(Err(LinkFailure::Late)), Outcome::Later { .. }));
    // Longer than anything that is reported: none of it is read.
    let report = format!(r#"[{{"failureCause":"{}"}}]"#, "x".repeat(MAX_ANSWER));
    assert_eq!(outcome(Ok(http::Response::new(report.into_bytes()))), DONE);
}

#[test]
fn a_core_that_moves_is_followed_for_this_time_or_for_good_and_not_for_ever() {
    let mut line = line(&json!({}));
    let moved = |to: &str, for_good| Outcome::Moved { to: to.to_owned(), for_good };
    change(&mut line, &json!({ "pccRules": { "a": 1 } }), 0);
    let letter = send(&mut line, 0).unwrap();
    assert_eq!(came(&mut line, &letter, moved("https://two.example/n/update", false), 0), None);
    let letter = send(&mut line, 0).unwrap();
    assert_eq!(letter.uri, "https://two.example/n/update");
    assert_eq!(came(&mut line, &letter, moved("https://three.example/n/update", true), 0), None);
    let letter = send(&mut line, 0).unwrap();
    assert_eq!(letter.uri, "https://three.example/n/update");
    came(&mut line, &letter, DONE, 0);
    change(&mut line, &json!({ "pccRules": { "a": 2 } }), 0);
    let mut last = None;
    for _ in 0..=MAX_REDIRECTIONS {
        let letter = send(&mut line, 0).unwrap();
        assert!(letter.uri.starts_with("https://three.example/n/update"));
        last = came(&mut line, &letter, moved("https://three.example/n/update?", false), 0);
    }
    assert!(last.is_some());
    assert_eq!(send(&mut line, u64::MAX), None);
}

#[test]
fn an_association_that_the_core_does_not_have_is_none() {
    let mut line = line(&json!({}));
    change(&mut line, &json!({ "pccRules": { "a": 1 } }), 0);
    let letter = send(&mut line, 0).unwrap();
    came(&mut line, &letter, Outcome::Gone, 0);
    assert_eq!(line.associations.len(), 0);
}

#[test]
fn the_end_is_told_once_and_nothing_after_it() {
    let mut line = line(&json!({}));
    let association = &mut line.associations[0];
    association.terminate(ReleaseCause::Unspecified, 0, 1);
    association.terminate(ReleaseCause::UeSubscription, 0, 2);
    // Nobody has seen it: another policy takes it back.
    association.recall();
    association.update(Map::new(), 0, 3);
    assert_eq!(send(&mut line, 0), None);
    line.associations[0].terminate(ReleaseCause::UeSubscription, 0, 4);
    let letter = send(&mut line, 0).unwrap();
    assert_eq!(letter.uri, "https://smf.example/notify/terminate");
    let body: Value = serde_json::from_slice(&letter.body).unwrap();
    assert_eq!(body, json!({ "resourceUri": "https://pcf.example/a", "cause": "UE_SUBSCRIPTION" }));
    // From here on it may be known.
    let association = &mut line.associations[0];
    association.recall();
    assert!(association.notice.is_some());
    came(&mut line, &letter, DONE, 7);
    let association = &mut line.associations[0];
    association.terminate(ReleaseCause::Unspecified, 8, 5);
    association.update(object(json!({ "pccRules": {} })), 8, 5);
    assert_eq!((association.expires, &association.notice), (7 + ENDING, &None));
}

#[test]
fn only_listed_addresses_are_told() {
    let cores = Cores::parse("https://smf.example, http://amf.example:7777", false).unwrap();
    for uri in [
        "https://smf.example/update",
        "https://SMF.example:443/a?b=c",
        "HTTPS://smf.example/",
        "http://amf.example:7777/x",
    ] {
        assert!(cores.permit(uri), "{uri}");
    }
    for uri in [
        "http://smf.example/update",
        "https://smf.example:8443/",
        "https://smf.example.other.example/",
        "https://smf.example@other.example/",
        "https://other.example/https://smf.example/",
        "https://other.example\\@smf.example/",
        "https://smf.example\\.other.example/",
        "https://smf.example?/",
        "https://smf.example/\r\nHost: other.example",
        "https://smf.example/#a",
        "http://amf.example/",
        "http://127.0.0.1/",
        "http://[::1]:7777/",
        "ftp://smf.example/",
        "//smf.example/",
        "/update",
        "",
    ] {
        assert!(!cores.permit(uri), "{uri}");
    }
    assert!(!Cores::default().permit("https://smf.example/update"));
    for private in
        ["http://127.0.0.1:80", "https://localhost", "http://smf", "https://10.0.0.1", "https://smf.internal"]
    {
        assert!(Cores::parse(private, false).is_err(), "{private}");
        assert!(Cores::parse(private, true).is_ok(), "{private}");
    }
    for none in
        ["smf.example", "https://smf.example/path", "https://", "https://a@smf.example", "https://[::1]"]
    {
        assert!(Cores::parse(none, true).is_err(), "{none}");
    }
}
