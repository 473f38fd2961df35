//! Terminals with their cards against a network that runs, and what they cost it. For
//! `cargo xtask bench policy`, which starts the network and the SM-DP+ in one process.
//!
//! ```text
//! network URL SMDP STATE PID subscribers count=2800     writes them, and attaches each once
//! network URL SMDP STATE PID rules count=10000          a policy of so many rules
//! network URL SMDP STATE PID cost sample=2800 rounds=7  CPU of PID for each function, JSON
//! network URL SMDP STATE PID aka                        the algorithms of an attach alone, here: JSON
//! ```
//!
//! `STATE` is the laboratory's folder: the operator's token. `sample` are the subscribers that were
//! written; there may be more that nobody calls on. If the network was started anew before, a subscriber's
//! first attach finds its object at rest: opened, read, and gone on with. `control=1` is for
//! `e2e/bench/network`, which is no network.
//!
//! The subscribers have a contract, so that no limit of a bootstrap profile is in the way. One alone
//! attaches only as often as a network lets one attach in a minute.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so by panicking")]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use aka::{Outcome, Parameters, Sqn, SqnArray, SqnRules, authenticate, vector};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use line::{Http, Process, parallel};
use serde_json::{Value, json};
use tlv::{Tag, encode};

mod line;

const SM: &str = "smdp.example";
const CALL: &str = "/gsma/rsp2/es9plus/initiateAuthentication";
/// TS 35.208 §4.3.1, test set 1.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

/// Terminals that attach at the same time.
const THREADS: usize = 8;
/// Most subscribers that the network takes at once.
const BATCH: usize = 400;
/// Attaches of a round where there is one subscriber: eight rounds and what else is done stay below the
/// 256 of a minute.
const ALONE: usize = 25;
/// Calls of a round.
const CALLS: usize = 200;
/// Most attaches of a round.
const MOST: u64 = 350;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, smdp, state, process, what, numbers @ ..] = arguments.as_slice() else {
        panic!("network URL SMDP STATE PID subscribers|rules|cost|aka [NAME=NUMBER]…");
    };
    let numbers: HashMap<&str, u64> = numbers
        .iter()
        .map(|given| given.split_once('=').unwrap_or_else(|| panic!("{given}: NAME=NUMBER")))
        .map(|(name, number)| (name, number.parse().unwrap_or_else(|_| panic!("{name}: a number"))))
        .collect();
    let number = |name: &str, default: u64| numbers.get(name).copied().unwrap_or(default);
    let network = Network {
        url: url.clone(),
        smdp: smdp.clone(),
        token: fs::read_to_string(Path::new(state).join("operator-token")).unwrap().trim().to_owned(),
        parameters: Parameters::milenage(key(K), key(OPC)),
        is_control: number("control", 0) != 0,
    };
    match what.as_str() {
        "subscribers" => network.write(number("count", 1)),
        "rules" => network.rules(number("count", 10) as usize),
        "cost" => {
            let process = Process(process.parse().unwrap());
            println!("{}", cost(&network, &process, number("sample", 1), number("rounds", 7)));
        }
        "aka" => println!("{}", network.aka(number("rounds", 7))),
        _ => panic!("subscribers, rules, cost, aka"),
    }
}

/// CPU in µs for each function: of all rounds but the first, which warms everything up.
fn cost(network: &Network, process: &Process, sample: u64, rounds: u64) -> Value {
    let mut figures: HashMap<&str, Vec<f64>> = HashMap::new();
    let mut rounds_of = |name: &'static str, round: u64, figure: f64| {
        if round > 0 {
            figures.entry(name).or_default().push(figure);
        }
    };
    let each = |cpu: Duration, count: usize| cpu.as_secs_f64() * 1e6 / count as f64;
    let chunk = (sample / (rounds + 1)).min(MOST);
    let http = Http::new();
    if chunk == 0 {
        network.begin_anew(&http, 0);
    }
    for round in 0..=rounds {
        let who: Vec<u64> = match chunk {
            0 => vec![0; ALONE],
            _ => (round * chunk..(round + 1) * chunk).collect(),
        };
        let count = who.len();
        let attach_all = || drop(parallel(THREADS, who.clone(), |http, at| network.attach(http, at)));
        if chunk > 0 {
            let ((), cpu) = process.during(attach_all);
            rounds_of("atRest", round, each(cpu, count));
        }
        let begun = Instant::now();
        let ((), cpu) = process.during(attach_all);
        rounds_of("attach", round, each(cpu, count));
        rounds_of("perSecond", round, count as f64 / begun.elapsed().as_secs_f64());

        let session = network.attach(&http, who[0]);
        let begun = Instant::now();
        let ((), direct) = process.during(|| (0..CALLS).for_each(|_| network.call(&http, None)));
        let alone = begun.elapsed();
        let begun = Instant::now();
        let ((), through) = process.during(|| (0..CALLS).for_each(|_| network.call(&http, Some(&session))));
        let longer = begun.elapsed().as_secs_f64() - alone.as_secs_f64();
        rounds_of("direct", round, each(direct, CALLS));
        rounds_of("through", round, each(through, CALLS));
        rounds_of("added", round, each(through, CALLS) - each(direct, CALLS));
        rounds_of("later", round, longer * 1e6 / CALLS as f64);

        if !network.is_control {
            let again: Vec<u64> = who.iter().copied().take(if chunk == 0 { 1 } else { 100 }).collect();
            let count = again.len();
            let ((), cpu) = process
                .during(|| drop(parallel(THREADS, again.clone(), |http, at| network.provision(http, at))));
            rounds_of("provision", round, each(cpu, count));
            let ((), cpu) = process.during(|| (0..20).for_each(|at| network.page(&http, at * sample / 20)));
            rounds_of("page", round, each(cpu, 20));
        }
    }
    figures
        .into_iter()
        .map(|(name, mut all)| {
            all.sort_by(f64::total_cmp);
            let (least, most) = (all[0], all[all.len() - 1]);
            (name.to_owned(), json!({ "min": least, "median": all[all.len() / 2], "max": most }))
        })
        .collect()
}

struct Network {
    url: String,
    smdp: String,
    token: String,
    parameters: Parameters,
    is_control: bool,
}

impl Network {
    fn record() -> Value {
        json!({
            "algorithm": "milenage", "k": K, "opc": OPC, "class": "operational",
            "contract": { "apns": ["internet"], "defaultApn": "internet", "data": true },
        })
    }

    /// Writes subscribers, and lets each attach.
    fn write(&self, count: u64) {
        let numbers: Vec<u64> = (0..count).collect();
        let batches: Vec<Vec<u64>> = numbers.chunks(BATCH).map(<[u64]>::to_vec).collect();
        parallel(2, batches, |http, batch| {
            let rows = batch.into_iter().map(|at| {
                let mut record = Self::record();
                record["imsi"] = imsi(at).into();
                record
            });
            let rows = Value::Array(rows.collect());
            let path = format!("{}/network/subscribers", self.url);
            let (status, said) = http.ask("POST", &path, Some(&self.token), Some(&rows));
            assert_eq!(status, 200, "{said}");
        });
        parallel(THREADS, numbers, |http, at| self.attach(http, at));
    }

    /// A subscriber that nothing is known of.
    fn begin_anew(&self, http: &Http, at: u64) {
        let path = format!("{}/network/subscribers/{}", self.url, imsi(at));
        let (status, said) = http.ask("DELETE", &path, Some(&self.token), None);
        assert!(matches!(status, 204 | 404), "{status} {said}");
        self.provision(http, at);
    }

    fn provision(&self, http: &Http, at: u64) {
        let path = format!("{}/network/subscribers/{}", self.url, imsi(at));
        let (status, said) = http.ask("PUT", &path, Some(&self.token), Some(&Self::record()));
        assert!(matches!(status, 200 | 201), "{status} {said}");
    }

    /// A page of the list of subscribers.
    fn page(&self, http: &Http, after: u64) {
        let path = format!("{}/network/subscribers?after={}&limit=100", self.url, imsi(after));
        let (status, said) = http.ask("GET", &path, Some(&self.token), None);
        assert_eq!(status, 200, "{said}");
    }

    /// The deployment's policy with more rules before its own: for IMSIs, terminals, networks
    /// and APNs, in turn, that nobody here has.
    fn rules(&self, count: usize) {
        let http = Http::new();
        let path = format!("{}/network/policy", self.url);
        let (status, current) = http.ask("GET", &path, Some(&self.token), None);
        assert_eq!(status, 200, "{current}");
        let mut document = current["document"].clone();
        let is_own = |rule: &&Value| !rule["name"].as_str().unwrap_or_default().starts_with("more-");
        let own: Vec<Value> = document["rules"].as_array().unwrap().iter().filter(is_own).cloned().collect();
        let more = (0..count.saturating_sub(own.len())).map(|at| {
            let mut when = match at % 4 {
                0 => json!({ "imsi": [{ "prefix": format!("99{at:06}") }] }),
                1 => json!({ "tac": [format!("{at:08}")] }),
                2 => json!({ "visited": [format!("{:06}", 900_000 + at)], "class": "operational" }),
                _ => json!({ "apn": [format!("apn-{at}.example")] }),
            };
            when["question"] = json!(["connectivity"]);
            let then = json!({ "refuse": { "cause": "ESM 8" } });
            json!({ "name": format!("more-{at}"), "words": "more", "when": when, "then": then })
        });
        document["rules"] = more.chain(own).collect();
        let request = http::Request::put(&path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("if-match", format!("\"{}\"", current["version"]))
            .body(document.to_string())
            .unwrap();
        let mut answer = http.agent.run(request).unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.body_mut().read_to_string().unwrap_or_default());
    }

    /// A whole attach (TS 23.401 §5.3.2.1, what of it is the network's); the session.
    fn attach(&self, http: &Http, at: u64) -> String {
        let path = format!("{}/network/attach", self.url);
        let (status, challenge) = http.ask("POST", &path, None, Some(&json!({ "imsi": imsi(at) })));
        assert_eq!(status, 200, "{challenge}");
        let of = |name: &str| key(challenge[name].as_str().unwrap());
        let res = if self.is_control {
            self.parameters.f2(&of("rand"))
        } else {
            let mut fresh = SqnArray::new(SqnRules { delta: None, age_limit: None });
            let answer = authenticate(&self.parameters, &mut fresh, &of("rand"), &of("autn"));
            let Outcome::Success { res, .. } = answer else { panic!("the card does not know the network") };
            res
        };
        let path = format!("{path}/{}/response", challenge["attachId"].as_str().unwrap());
        let body = json!({ "res": hex::encode(res.expose_bytes()) });
        let (status, session) = http.ask("POST", &path, None, Some(&body));
        assert_eq!(status, 200, "{session}");
        session["sessionId"].as_str().unwrap().to_owned()
    }

    /// InitiateAuthentication (SGP.22 §5.6.1), straight to the SM-DP+ or through a session's bearer.
    fn call(&self, http: &Http, session: Option<&str>) {
        let url = match session {
            None => format!("{}{CALL}", self.smdp),
            Some(session) => format!("{}/network/sessions/{session}/http/{SM}{CALL}", self.url),
        };
        let (status, answer) = http.ask("POST", &url, None, Some(&self.initiate()));
        assert_eq!(status, 200, "{answer}");
        assert!(self.is_control || answer["serverSigned1"].is_string(), "{answer}");
    }

    fn initiate(&self) -> Value {
        // EUICCInfo1 (SGP.22 §4.3): the version, and the laboratory's CI for both purposes.
        let ci = encode(Tag(0x04), &self.ci());
        let info = [encode(Tag(0x82), &[2, 2, 2]), encode(Tag(0xA9), &ci), encode(Tag(0xAA), &ci)].concat();
        json!({
            "smdpAddress": SM,
            "euiccChallenge": STANDARD.encode([0x5A; 16]),
            "euiccInfo1": STANDARD.encode(encode(Tag(0xBF20), &info)),
        })
    }

    fn ci(&self) -> Vec<u8> {
        static CI: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        CI.get_or_init(|| {
            let (_, health) = Http::new().ask("GET", &format!("{}/operator/health", self.smdp), None, None);
            let id = health["credentials"][0]["ciPkId"].as_str().unwrap_or_default();
            hex::decode(id).unwrap()
        })
        .clone()
    }

    /// The network's two vectors and the card's answer: µs of an attach, the best round.
    fn aka(&self, rounds: u64) -> Value {
        const EACH: u32 = 2_000;
        let round = || {
            let begun = Instant::now();
            for at in 0..EACH {
                let sqn = Sqn::try_from(u64::from(at + 1) << 5).unwrap();
                for _ in ["challenge", "judgement"] {
                    black_box(vector(&self.parameters, sqn, [0x80, 0], [at as u8; 16]));
                }
            }
            begun.elapsed().as_secs_f64() * 1e6 / f64::from(EACH)
        };
        json!((0..rounds).map(|_| round()).fold(f64::INFINITY, f64::min))
    }
}

fn imsi(at: u64) -> String {
    format!("00101{at:010}")
}

fn key(text: &str) -> [u8; 16] {
    hex::decode(text).unwrap().try_into().unwrap()
}
