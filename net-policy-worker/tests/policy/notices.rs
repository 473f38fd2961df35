//! What a core network is told unasked, as TS 29.507 §4.2.4 and TS 29.512 §4.2.3 have it.

use http::Response;
use net_policy_worker::pcf::outbox::{Cores, MAX_ATTEMPTS};
use net_policy_worker::router::LinkFailure;
use serde_json::{Value, json};

use super::world::{
    CORE, K, OPC, OPERATIONAL, PROVISIONING, Reply, Sm, TOKEN, World, document, openapi, request,
};

const AM: &str = "/network/npcf-am-policy-control/v1/policies";
const SM: &str = "/network/npcf-smpolicycontrol/v1/sm-policies";

/// A core network, and what it has been told.
struct Core {
    world: World,
    ear: Sm,
    cores: Cores,
}

impl Core {
    fn new() -> Self {
        let cores = Cores::parse("https://smf.example, http://amf.example:7777", false).unwrap();
        Self { world: World::new(), ear: Sm::default(), cores }
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.world.send(request(method, path, body, Some(&format!("Bearer {CORE}"))))
    }

    /// A new association, by its URI.
    fn session(&self, imsi: &str, notification: &str) -> String {
        let asked = json!({
            "supi": format!("imsi-{imsi}"), "pduSessionId": 1, "pduSessionType": "IPV4", "dnn": "internet",
            "notificationUri": notification, "sliceInfo": { "sst": 1 },
        });
        let created = self.call("POST", SM, Some(&asked));
        assert_eq!(created.status, 201, "{created:?}");
        created.raw.headers()["location"].to_str().unwrap().to_owned()
    }

    fn access(&self, imsi: &str) -> String {
        let asked = json!({
            "supi": format!("imsi-{imsi}"), "notificationUri": "http://amf.example:7777/n", "suppFeat": "8",
        });
        let created = self.call("POST", AM, Some(&asked));
        assert_eq!(created.status, 201, "{created:?}");
        created.raw.headers()["location"].to_str().unwrap().to_owned()
    }

    fn decide_by(&self, change: impl FnOnce(&mut Value)) {
        let mut document = serde_json::to_value(document()).unwrap();
        change(&mut document);
        let mut put = request("PUT", "/network/policy", Some(&document), Some(&format!("Bearer {TOKEN}")));
        put.headers_mut().insert("if-match", "*".parse().unwrap());
        let written = self.world.send(put);
        assert_eq!(written.status, 200, "{written:?}");
    }

    /// Answers the next notice so.
    fn answers(&self, status: u16, headers: &[(&str, &str)], body: &Value) {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
        *self.ear.next.borrow_mut() = Some(Ok(answer.body(body).unwrap()));
    }

    /// What is told now; each is what is described.
    fn told(&self) -> Vec<(String, Value)> {
        self.ear.seen.borrow_mut().clear();
        let sent = self.world.deliver(&self.ear, &self.cores);
        let seen = self.ear.seen.borrow();
        assert!(seen.len() <= sent);
        let read = |request: &http::Request<Vec<u8>>| {
            assert_eq!(request.method(), "POST");
            assert_eq!(request.headers()["content-type"], "application/json");
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let (uri, end) = (request.uri().to_string(), request.uri().path().rsplit('/').next().unwrap());
            let interface = if body["resourceUri"].as_str().unwrap().starts_with(AM) { AM } else { SM };
            openapi().callback(interface, end, &body).unwrap_or_else(|why| panic!("{why}"));
            (uri, body)
        };
        seen.iter().map(read).collect()
    }

    fn verdicts(&self, imsi: &str) -> Vec<Value> {
        let page = self.world.operator("GET", &format!("/network/audit?imsi={imsi}"), None);
        let notices = |verdict: &&Value| verdict["what"] == "policy control: notification";
        page.body["verdicts"].as_array().unwrap().iter().filter(notices).cloned().collect()
    }
}

const NOTIFY: &str = "https://smf.example/notify/7";

fn no_data(document: &mut Value) {
    document["rules"].as_array_mut().unwrap().insert(
        0,
        json!({ "name": "no-data", "words": "no packets today",
            "when": { "question": ["data"], "class": "operational" },
            "then": { "refuse": { "cause": "ESM 26" } } }),
    );
}

fn nobody(document: &mut Value) {
    document["rules"].as_array_mut().unwrap().insert(
        0,
        json!({ "name": "nobody", "words": "shut", "when": { "question": ["connectivity"] },
            "then": { "refuse": { "cause": "ESM 33" } } }),
    );
}

#[test]
fn another_policy_is_told_once_to_whom_it_changes_anything() {
    let core = Core::new();
    let resource = core.session(OPERATIONAL, NOTIFY);
    core.session(PROVISIONING, "https://smf.example/other");
    core.decide_by(|_| {});
    assert_eq!(core.told(), []);
    core.decide_by(no_data);
    let told = core.told();
    let [(uri, notice)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((uri, &notice["resourceUri"]), (&format!("{NOTIFY}/update"), &json!(resource)));
    let decision = &notice["smPolicyDecision"];
    assert_eq!(decision["traffContDecs"]["gate-shut"]["flowStatus"], "DISABLED");
    assert_eq!(decision["pccRules"]["everything-else"]["refTcData"], json!(["gate-shut"]));
    assert_eq!(core.told(), []);
    // What has been told is not told in an answer again.
    let update = core.call("POST", &format!("{resource}/update"), Some(&json!({})));
    assert_eq!(update.body, json!({}));
    // And back: what was taken is given again.
    let mut back = request(
        "POST",
        "/network/policy/rollback",
        Some(&json!({ "to": 0 })),
        Some(&format!("Bearer {TOKEN}")),
    );
    back.headers_mut().insert("if-match", "*".parse().unwrap());
    assert_eq!(core.world.send(back).status, 200);
    let told = core.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1["smPolicyDecision"]["traffContDecs"]["gate-shut"], Value::Null);
    assert_eq!(told[0].1["smPolicyDecision"]["traffContDecs"]["gate-open"]["flowStatus"], "ENABLED");
    assert_eq!(core.verdicts(OPERATIONAL), [] as [Value; 0]);
}

#[test]
fn what_waits_to_be_told_is_told_in_an_answer_and_not_again() {
    let core = Core::new();
    let resource = core.session(OPERATIONAL, NOTIFY);
    core.decide_by(no_data);
    let update = core.call("POST", &format!("{resource}/update"), Some(&json!({})));
    assert_eq!(update.body["pccRules"]["everything-else"]["refTcData"], json!(["gate-shut"]));
    assert_eq!(core.told(), []);
}

#[test]
fn another_contract_is_told_and_its_end_and_the_core_deletes() {
    let core = Core::new();
    let (session, access) = (core.session(OPERATIONAL, NOTIFY), core.access(OPERATIONAL));
    let record = |apns: Value, data| {
        let contract = json!({ "apns": apns, "defaultApn": "internet", "data": data });
        json!({ "k": K, "opc": OPC, "class": "operational", "contract": contract })
    };
    core.world.provision(OPERATIONAL, &record(json!(["internet"]), false));
    let told = core.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1["smPolicyDecision"]["traffContDecs"]["gate-shut"]["flowStatus"], "DISABLED");
    let path = format!("/network/subscribers/{OPERATIONAL}");
    assert_eq!(core.world.operator("DELETE", &path, None).status, 204);
    let told = core.told();
    let end = |uri: &str, resource: &String| {
        (uri.to_owned(), json!({ "resourceUri": resource, "cause": "UE_SUBSCRIPTION" }))
    };
    assert_eq!(
        told,
        [
            end("https://smf.example/notify/7/terminate", &session),
            end("http://amf.example:7777/n/terminate", &access)
        ]
    );
    assert_eq!(core.told(), []);
    // It deletes what it was told is over, once (TS 29.512 §4.2.3.3, TS 29.507 §4.2.4.3).
    for expected in [204, 404] {
        assert_eq!(core.call("POST", &format!("{session}/delete"), Some(&json!({}))).status, expected);
        assert_eq!(core.call("DELETE", &access, None).status, expected);
    }
}

#[test]
fn a_policy_that_says_no_ends_it_and_one_that_says_yes_in_time_does_not() {
    let core = Core::new();
    let resource = core.session(OPERATIONAL, NOTIFY);
    core.decide_by(nobody);
    core.decide_by(|_| {});
    assert_eq!(core.told(), []);
    core.decide_by(nobody);
    let end = json!({ "resourceUri": resource, "cause": "UNSPECIFIED" });
    assert_eq!(core.told(), [(format!("{NOTIFY}/terminate"), end)]);
    // What the core was told cannot be taken back.
    core.decide_by(|_| {});
    core.decide_by(nobody);
    assert_eq!(core.told(), []);
    assert_eq!(core.call("POST", &format!("{resource}/delete"), Some(&json!({}))).status, 204);
}

#[test]
fn it_is_sent_until_it_is_acknowledged_or_given_up() {
    let core = Core::new();
    core.session(OPERATIONAL, NOTIFY);
    core.decide_by(no_data);
    core.answers(503, &[("retry-after", "2")], &Value::Null);
    let first = core.told();
    assert_eq!((first.len(), core.told().len()), (1, 0));
    core.world.pass(2_500);
    *core.ear.next.borrow_mut() = Some(Err(LinkFailure::Late));
    assert_eq!(core.told(), first);
    core.world.pass(5_000);
    assert_eq!(core.told(), first);
    core.world.pass(10_000_000);
    assert_eq!((core.told().len(), core.verdicts(OPERATIONAL).len()), (0, 0));

    core.decide_by(|_| {});
    let mut attempts = 0;
    for _ in 0..100 {
        core.answers(500, &[], &Value::Null);
        attempts += core.told().len();
        core.world.pass(400_000);
    }
    assert_eq!(attempts, MAX_ATTEMPTS as usize);
    let verdicts = core.verdicts(OPERATIONAL);
    assert_eq!(verdicts.len(), 1);
    assert_eq!(
        (&verdicts[0]["verdict"], &verdicts[0]["because"]),
        (&json!("refused"), &json!("the core answers 500"))
    );
}

#[test]
fn a_core_without_the_association_is_told_nothing_more() {
    let core = Core::new();
    let resource = core.session(OPERATIONAL, NOTIFY);
    core.decide_by(no_data);
    core.answers(404, &[], &Value::Null);
    assert_eq!(core.told().len(), 1);
    assert_eq!(core.call("GET", &resource, None).status, 404);
    core.decide_by(|_| {});
    assert_eq!(core.told(), []);
}

#[test]
fn what_the_core_could_not_enforce_is_on_record_and_told_with_the_next_change() {
    for (status, report) in [
        (
            200,
            json!([{ "failureCause": "PCC_RULE_EVENT", "ruleReports": [{
            "pccRuleIds": ["everything-else"], "ruleStatus": "INACTIVE", "failureCode": "RES_ALLO_FAIL" }] }]),
        ),
        (
            400,
            json!({ "error": { "status": 400 }, "ruleReports": [{
            "pccRuleIds": ["everything-else"], "ruleStatus": "INACTIVE", "failureCode": "RES_ALLO_FAIL" }] }),
        ),
    ] {
        let core = Core::new();
        let resource = core.session(OPERATIONAL, NOTIFY);
        core.decide_by(no_data);
        core.answers(status, &[], &report);
        assert_eq!(core.told().len(), 1);
        core.world.pass(10_000_000);
        assert_eq!(core.told(), []);
        let verdicts = core.verdicts(OPERATIONAL);
        assert!(verdicts[0]["because"].as_str().unwrap().contains("RES_ALLO_FAIL"), "{verdicts:?}");
        let update = core.call("POST", &format!("{resource}/update"), Some(&json!({})));
        assert!(update.body["pccRules"]["everything-else"].is_object(), "{}", update.body);
    }
}

#[test]
fn redirections_are_followed_within_the_list_only() {
    let core = Core::new();
    core.session(OPERATIONAL, NOTIFY);
    core.decide_by(no_data);
    core.answers(307, &[("location", "http://amf.example:7777/elsewhere/update")], &Value::Null);
    let uris: Vec<_> = core.told().into_iter().map(|(uri, _)| uri).collect();
    assert_eq!(uris, ["https://smf.example/notify/7/update", "http://amf.example:7777/elsewhere/update"]);
    core.decide_by(|_| {});
    for location in ["http://169.254.169.254/latest/update", "https://evil.example/update", "/update"] {
        core.answers(308, &[("location", location)], &Value::Null);
        assert_eq!(core.told().len(), 1, "{location}");
        core.decide_by(no_data);
        core.answers(204, &[], &Value::Null);
        let told = core.told();
        assert_eq!(told[0].0, "https://smf.example/notify/7/update");
        core.decide_by(|_| {});
    }
    assert_eq!(core.verdicts(OPERATIONAL).len(), 3);
}

#[test]
fn who_is_not_listed_is_told_nothing() {
    for notification in ["http://169.254.169.254/latest", "https://smf.example:8443/n", "http://localhost/n"]
    {
        let core = Core::new();
        core.session(OPERATIONAL, notification);
        core.decide_by(no_data);
        assert_eq!(core.told(), [], "{notification}");
        assert_eq!(core.verdicts(OPERATIONAL).len(), 1);
    }
    let core = Core { cores: Cores::default(), ..Core::new() };
    core.session(OPERATIONAL, NOTIFY);
    core.decide_by(no_data);
    assert_eq!(core.told(), []);
}
