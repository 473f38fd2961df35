//! eUICCs and their LPAs against an SM-DP+ that runs: load, and what a session costs it.
//! For `cargo xtask bench smdp` and `cargo xtask test`, which start the server.
//!
//! ```text
//! smdp URL STATE PID load downloads=200 rivals=20   downloads at once, all of them checked
//! smdp URL STATE PID orders orders=400              orders that wait for their downloads
//! smdp URL STATE PID cost sessions=100 rounds=7     CPU of PID for each function, JSON
//! smdp URL STATE PID rate seconds=5 threads=16      whole sessions as fast as they go, JSON
//! smdp URL STATE PID soak seconds=300 sessions=900  the same for so long and so many at least, and how
//!                                                   many there have been
//! smdp URL STATE PID soak sessions=9000 control=1   as much of e2e/bench/control, which is no SM-DP+
//! smdp URL STATE PID bare rounds=7                  the cryptography alone (the server's
//!                                                   feature `bench`), JSON
//! ```
//!
//! `STATE` is the laboratory's folder: seed, birth, operator's token. Every eUICC has an EID, a
//! key and a certificate of its own, all by one EUM. `first=N` numbers profiles and eUICCs
//! from N, for a server that has some already. What the eUICC's side signs is signed here
//! natively; while something is measured nothing that the server answers is verified, and
//! afterwards everything is.
//!
//! CPU is what all threads of the process used (`/proc/PID/task/*/schedstat`), divided by the
//! number of calls: HTTP, JavaScript, WebAssembly, SQLite and the runtime's own threads (garbage
//! collection, compilation) among it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use euicc::{Euicc, Open, Soft, b64, unb64};
use lab::Trust;
use line::{Http, Process, parallel};
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use rand_core::SeedableRng;
use rsp::auth::ServerSigned1;
use rsp::metadata::StoreMetadata;
use rsp::{DataObject, Eid, Iccid, Raw};
use rsp_crypto::issue::{Pki, Validity};
use rsp_crypto::software::sha256;
use rsp_crypto::{OneTimeKeyPair, Software};
use serde_json::{Value, json};

#[path = "../../../edge-smdp/tests/common/euicc.rs"]
mod euicc;
mod line;

const ADDRESS: &str = "smdp.example";
const ES9: &str = "/gsma/rsp2/es9plus/";
const ES2: &str = "/gsma/rsp2/es2plus/";
/// LPAs that call at the same time while calls are counted.
const THREADS: usize = 8;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, state, process, what, numbers @ ..] = arguments.as_slice() else {
        panic!("smdp URL STATE PID load|orders|cost|rate|soak|bare [NAME=NUMBER]…");
    };
    let numbers: HashMap<&str, u64> = numbers
        .iter()
        .map(|given| given.split_once('=').unwrap_or_else(|| panic!("{given}: NAME=NUMBER")))
        .map(|(name, number)| (name, number.parse().unwrap_or_else(|_| panic!("{name}: a number"))))
        .collect();
    let number = |name: &str, default: u64| numbers.get(name).copied().unwrap_or(default);
    let lab = Laboratory::open(url, Path::new(state), number("first", 0));
    let process = Process(process.parse().unwrap());
    match what.as_str() {
        "load" => load(&lab, number("downloads", 200) as usize, number("rivals", 20) as usize),
        "orders" => {
            let numbers = lab.numbers(number("orders", 400) as usize);
            parallel(THREADS, numbers, |http, number| lab.order(http, number));
        }
        "cost" => cost(&lab, &process, number("sessions", 100) as usize, number("rounds", 7) as usize),
        "rate" => {
            let (seconds, threads) = (number("seconds", 5), number("threads", 16) as usize);
            let until = Until { time: Duration::from_secs(seconds), sessions: 0 };
            let ran = run_sessions(&lab, &process, until, threads, |_| {});
            println!("{}", json!({ "perSecond": ran.per_second(), "cpu": ran.cpu_each() }));
        }
        "soak" => {
            let time = Duration::from_secs(number("seconds", 0));
            let until = Until { time, sessions: number("sessions", 0) };
            soak(&lab, &process, until, number("threads", 16) as usize, number("control", 0) != 0);
        }
        "bare" => bare(&lab, &process, number("rounds", 7) as usize),
        _ => panic!("load, orders, cost, rate, soak, bare"),
    }
}

// What is asked.

/// Downloads at once: every one succeeds, every profile goes to one eUICC, every notification
/// is kept. For `rivals` of the orders a second eUICC comes with the same activation code at the
/// same time, and gets nothing.
fn load(lab: &Laboratory, downloads: usize, rivals: usize) {
    let begun = Instant::now();
    let orders = parallel(THREADS, lab.numbers(downloads), |http, number| lab.order(http, number));
    let mut comers = Vec::new();
    for (at, order) in orders.iter().enumerate() {
        comers.push((order.clone(), lab.chip()));
        if at < rivals {
            comers.push((order.clone(), lab.chip()));
        }
    }
    let prepared = begun.elapsed();
    let together = Barrier::new(comers.len());
    let begun = Instant::now();
    let results = parallel(comers.len(), comers, |http, (order, chip)| {
        together.wait();
        let result = lab.download(http, &order, &chip);
        (order, chip, result)
    });
    let took = begun.elapsed();

    let mut owners: BTreeMap<Iccid, Eid> = BTreeMap::new();
    let mut refused = BTreeMap::<String, usize>::new();
    let mut checked = 0;
    for (order, chip, result) in results {
        match result {
            Ok(delivered) => {
                let other = owners.insert(order.iccid, chip.eid);
                assert!(other.is_none(), "{} went to {other:?} and to {}", order.iccid, chip.eid);
                lab.check(&chip, &order, &delivered);
                checked += 1;
            }
            Err(why) => *refused.entry(why).or_default() += 1,
        }
    }
    assert_eq!(owners.len(), downloads, "downloads that succeeded; the others: {refused:?}");
    let turned_away: usize = refused.values().sum();
    assert_eq!(turned_away, rivals, "{refused:?}");
    // A rival is told that the order is another's, or, once that is finished, that there is none
    // (SGP.22 §5.6.3).
    let told = ["authenticateClient: 8.1.1/3.8", "authenticateClient: 8.2.6/3.8"];
    assert!(refused.keys().all(|why| told.contains(&why.as_str())), "{refused:?}");

    let kept = parallel(THREADS, owners.into_iter().collect(), |http, (iccid, eid)| {
        let order = lab.operator(http, "GET", &format!("/operator/orders/{iccid}"), None);
        assert_eq!(order["state"], "Installed", "{order}");
        let notifications = order["notifications"].as_array().unwrap();
        assert_eq!(notifications.len(), 1, "{order}");
        assert_eq!(notifications[0]["eid"], eid.to_string(), "{order}");
        assert_eq!(notifications[0]["event"], "installed", "{order}");
    });
    println!(
        "load: {downloads} downloads at once in {:.2} s ({:.0} a second; prepared in {:.1} s): none failed; \
         {checked} packages opened by the eUICC they are for and no other; {turned_away} rivals turned away; \
         {} orders installed with their notification",
        took.as_secs_f64(),
        downloads as f64 / took.as_secs_f64(),
        prepared.as_secs_f64(),
        kept.len()
    );
}

/// CPU for each function: many calls of one, then many of the next.
fn cost(lab: &Laboratory, process: &Process, sessions: usize, rounds: usize) {
    const NAMES: [&str; 8] = [
        "addProfile",
        "downloadOrder",
        "confirmOrder",
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "handleNotification",
        "session",
    ];
    let mut figures: Vec<[f64; 8]> = Vec::new();
    // The first round warms everything up.
    for round in 0..=rounds {
        let mut row = [0.0; 8];
        let mut at = 0;
        let mut count = |cpu: Duration| {
            row[at] = cpu.as_secs_f64() * 1e6 / sessions as f64;
            at += 1;
        };
        let numbers = lab.numbers(sessions);
        let (_, cpu) = process.during(|| {
            parallel(THREADS, numbers.clone(), |http, number| lab.add_profile(http, number));
        });
        count(cpu);
        let (_, cpu) = process.during(|| {
            parallel(THREADS, numbers.clone(), |http, number| lab.download_order(http, number));
        });
        count(cpu);
        let (orders, cpu) = process
            .during(|| parallel(THREADS, numbers.clone(), |http, number| lab.confirm_order(http, number)));
        count(cpu);
        let begin: Vec<_> = orders.into_iter().map(|order| (order, lab.chip())).collect();
        let (open, cpu) = process.during(|| {
            parallel(THREADS, begin, |http, (order, chip)| {
                let challenged = lab.initiate(http, &chip).unwrap();
                (order, chip, challenged)
            })
        });
        count(cpu);
        let (open, cpu) = process.during(|| {
            parallel(THREADS, open, |http, (order, chip, challenged)| {
                let offered = lab.authenticate(http, &chip, &challenged, &order.matching_id).unwrap();
                (order, chip, offered)
            })
        });
        count(cpu);
        let (open, cpu) = process.during(|| {
            parallel(THREADS, open, |http, (order, chip, offered)| {
                let delivered = lab.bound_profile_package(http, &chip, offered).unwrap();
                (order, chip, delivered)
            })
        });
        count(cpu);
        let (open, cpu) = process.during(|| {
            parallel(THREADS, open, |http, (order, chip, delivered)| {
                lab.notify(http, &chip, &order, &delivered).unwrap();
                (order, chip, delivered)
            })
        });
        count(cpu);
        for (order, chip, delivered) in &open {
            lab.check(chip, order, delivered);
        }
        row[7] = row[3..7].iter().sum();
        if round > 0 {
            figures.push(row);
        }
    }
    let figures = NAMES.iter().enumerate().map(|(at, name)| {
        let mut all: Vec<f64> = figures.iter().map(|row| row[at]).collect();
        all.sort_by(f64::total_cmp);
        ((*name).to_owned(), json!({ "min": all[0], "median": all[all.len() / 2] }))
    });
    println!("{}", Value::from_iter(figures));
}

/// Sessions for long and as many; after some of them, how many there have been, on a line of its
/// own, and at the end what they cost, JSON. Whoever started this looks at the process meanwhile.
fn soak(lab: &Laboratory, process: &Process, until: Until, threads: usize, control: bool) {
    let watch = |done| println!("{done}");
    let ran = if control {
        run(lab, process, until, threads, Laboratory::control_order, Laboratory::control_download, watch)
    } else {
        run_sessions(lab, process, until, threads, watch)
    };
    println!("{}", json!({ "sessions": ran.sessions, "perSecond": ran.per_second(), "cpu": ran.cpu_each() }));
}

/// What the same cryptography takes alone, operation by operation, in the server's runtime.
fn bare(lab: &Laboratory, process: &Process, rounds: usize) {
    const EACH: u64 = 200;
    let http = Http::new();
    let ask = |operation: &str, count: u64| {
        let url = format!("{}/bench/{operation}/{count}", lab.url);
        let answer = http.agent.get(&url).call().unwrap();
        assert_eq!(answer.status(), 200, "is this the build with the feature `bench`?");
    };
    let operations = ["verify", "sign", "generate", "agree", "cbc", "cmac", "gcm"];
    let figures = operations.map(|operation| {
        let mut all: Vec<f64> = (0..=rounds)
            .map(|_| {
                let ((), nothing) = process.during(|| ask(operation, 0));
                let ((), cpu) = process.during(|| ask(operation, EACH));
                cpu.saturating_sub(nothing).as_secs_f64() * 1e6 / EACH as f64
            })
            .skip(1)
            .collect();
        all.sort_by(f64::total_cmp);
        (operation.to_owned(), json!({ "min": all[0], "median": all[all.len() / 2] }))
    });
    println!("{}", Value::from_iter(figures));
}

/// What came of sessions one after the other.
struct Ran {
    sessions: u64,
    took: Duration,
    cpu: Duration,
}

impl Ran {
    fn per_second(&self) -> f64 {
        self.sessions as f64 / self.took.as_secs_f64()
    }

    /// In microseconds.
    fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.sessions as f64
    }
}

/// How long something goes on at least.
#[derive(Clone, Copy)]
struct Until {
    time: Duration,
    sessions: u64,
}

/// Whole sessions, the orders prepared in between and not counted; `watch` is told now and then
/// how many there have been.
fn run_sessions(
    lab: &Laboratory,
    process: &Process,
    until: Until,
    threads: usize,
    watch: impl FnMut(u64),
) -> Ran {
    let prepare = |lab: &Laboratory, http: &Http, number| (lab.order(http, number), lab.chip());
    let session = |lab: &Laboratory, http: &Http, (order, chip): (Order, Euicc)| {
        let done = lab.download(http, &order, &chip);
        done.map(drop).map_err(|why| format!("{}: {why}", order.iccid))
    };
    run(lab, process, until, threads, prepare, session, watch)
}

/// The same of anything that is prepared and then done.
fn run<T: Send>(
    lab: &Laboratory,
    process: &Process,
    until: Until,
    threads: usize,
    prepare: impl Fn(&Laboratory, &Http, u64) -> T + Sync,
    session: impl Fn(&Laboratory, &Http, T) -> Result<(), String> + Sync,
    mut watch: impl FnMut(u64),
) -> Ran {
    const BATCH: usize = 400;
    let begun = Instant::now();
    let mut ran = Ran { sessions: 0, took: Duration::ZERO, cpu: Duration::ZERO };
    while begun.elapsed() < until.time || ran.sessions < until.sessions {
        let comers = parallel(THREADS, lab.numbers(BATCH), |http, number| prepare(lab, http, number));
        let failed = AtomicBool::new(false);
        let start = Instant::now();
        let (done, cpu) = process.during(|| {
            parallel(threads, comers, |http, comer| {
                if let Err(why) = session(lab, http, comer) {
                    eprintln!("{why}");
                    failed.store(true, Ordering::Relaxed);
                }
            })
        });
        ran.took += start.elapsed();
        ran.cpu += cpu;
        ran.sessions += done.len() as u64;
        assert!(!failed.into_inner(), "a session failed");
        watch(ran.sessions);
    }
    ran
}

// The eUICC's side.

/// Whom the eUICCs trust, and who they are.
struct Laboratory {
    url: String,
    token: String,
    pki: Pki,
    validity: Validity,
    next: AtomicU64,
}

/// An order that is released.
#[derive(Clone)]
struct Order {
    iccid: Iccid,
    matching_id: String,
}

/// After GetBoundProfilePackage.
struct Delivered {
    open: Open,
    own: OneTimeKeyPair<Soft>,
    bound: Vec<u8>,
}

impl Laboratory {
    fn open(url: &str, state: &Path, first: u64) -> Self {
        let text = |name: &str| fs::read_to_string(state.join(name)).unwrap().trim().to_owned();
        let mut seed = [0; 32];
        hex::decode_to_slice(text("seed"), &mut seed).unwrap();
        let made: u64 = text("made").parse().unwrap();
        let pki = Trust::pki(seed, ADDRESS, made).unwrap();
        Self {
            url: url.to_owned(),
            token: text("operator-token"),
            pki,
            validity: Validity { not_before: made, not_after: made + 365 * 24 * 3600 },
            next: AtomicU64::new(first),
        }
    }

    /// Numbers for new profiles.
    fn numbers(&self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next.fetch_add(1, Ordering::Relaxed)).collect()
    }

    /// A new eUICC.
    fn chip(&self) -> Euicc {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let eid = eid(number);
        let seed = ready_hash(&format!("{eid} {number}"));
        let identity = self.pki.issue_euicc(&mut ChaCha20Rng::from_seed(seed), eid, self.validity).unwrap();
        Euicc {
            provider: Software::new(ChaCha8Rng::from_seed(seed)),
            address: ADDRESS.into(),
            smdp_oid: lab::SMDP_OID.into(),
            ..Euicc::of(&self.pki, &identity, eid)
        }
    }

    fn order(&self, http: &Http, number: u64) -> Order {
        self.add_profile(http, number);
        self.download_order(http, number);
        self.confirm_order(http, number)
    }

    fn add_profile(&self, http: &Http, number: u64) {
        let upload = json!({
            "metadata": { "serviceProviderName": "Example", "profileName": "Load",
                          "profileClass": "operational" },
            // TS 35.208 §4.3.1, test set 1.
            "subscriber": { "iccid": iccid(number).to_string(), "imsi": format!("00101{:010}", number),
                            "algorithm": "milenage", "spn": "Example",
                            "k": "465b5ce8b199b49faa5f0a2ee238a6bc",
                            "opc": "cd63cb71954a9f4e48a5994e37a02baf" },
        });
        self.operator(http, "POST", "/operator/profiles", Some(&upload));
    }

    fn download_order(&self, http: &Http, number: u64) {
        self.es2(http, number, "downloadOrder", json!({ "iccid": iccid(number).to_string() }));
    }

    fn confirm_order(&self, http: &Http, number: u64) -> Order {
        let iccid = iccid(number);
        let body = json!({ "iccid": iccid.to_string(), "releaseFlag": true });
        let answer = self.es2(http, number, "confirmOrder", body);
        Order { iccid, matching_id: answer["matchingId"].as_str().unwrap().to_owned() }
    }

    fn es2(&self, http: &Http, number: u64, function: &str, mut body: Value) -> Value {
        body["header"] = json!({ "functionRequesterIdentifier": "2.999.1",
                                 "functionCallIdentifier": format!("{function}-{number}") });
        let answer = self.operator(http, "POST", &format!("{ES2}{function}"), Some(&body));
        assert_eq!(answer["header"]["functionExecutionStatus"]["status"], "Executed-Success", "{answer}");
        answer
    }

    fn operator(&self, http: &Http, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = http.ask(method, &format!("{}{path}", self.url), Some(&self.token), body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// A function of ES9+; the codes of its refusal.
    fn es9(&self, http: &Http, function: &str, body: &Value) -> Result<Value, String> {
        let (status, answer) = http.ask("POST", &format!("{}{ES9}{function}", self.url), None, Some(body));
        let execution = &answer["header"]["functionExecutionStatus"];
        match (status, execution["status"].as_str()) {
            (200, Some("Executed-Success")) | (204, None) => Ok(answer),
            (200, Some(_)) => {
                let code = |name: &str| execution["statusCodeData"][name].as_str().unwrap_or("?").to_owned();
                Err(format!("{function}: {}/{}", code("subjectCode"), code("reasonCode")))
            }
            _ => Err(format!("{function}: {status} {answer}")),
        }
    }

    /// A whole download (SGP.22 §3.1.3), notification included.
    fn download(&self, http: &Http, order: &Order, chip: &Euicc) -> Result<Delivered, String> {
        let challenged = self.initiate(http, chip)?;
        let open = self.authenticate(http, chip, &challenged, &order.matching_id)?;
        let delivered = self.bound_profile_package(http, chip, open)?;
        self.notify(http, chip, order, &delivered)?;
        Ok(delivered)
    }

    fn initiate(&self, http: &Http, chip: &Euicc) -> Result<Raw<ServerSigned1>, String> {
        let answer = self.es9(http, "initiateAuthentication", &chip.initiate_request())?;
        Ok(Raw::decode(&unb64(&answer["serverSigned1"])).unwrap())
    }

    fn authenticate(
        &self,
        http: &Http,
        chip: &Euicc,
        challenged: &ServerSigned1,
        matching_id: &str,
    ) -> Result<Open, String> {
        let signed1 = chip.signed1(challenged, Some(matching_id));
        let (request, _) = chip.authenticate_request(&challenged.transaction_id.to_string(), signed1);
        Ok(Open::read(&self.es9(http, "authenticateClient", &request)?))
    }

    fn bound_profile_package(&self, http: &Http, chip: &Euicc, open: Open) -> Result<Delivered, String> {
        let own = chip.one_time_key();
        let prepared = chip.prepare_download(&open, own.public(), None);
        let request =
            json!({ "transactionId": open.transaction_id, "prepareDownloadResponse": b64(&prepared) });
        let answer = self.es9(http, "getBoundProfilePackage", &request)?;
        Ok(Delivered { bound: unb64(&answer["boundProfilePackage"]), open, own })
    }

    fn notify(&self, http: &Http, chip: &Euicc, order: &Order, delivered: &Delivered) -> Result<(), String> {
        let notification = chip.installation_result(&delivered.open, Some(&order.iccid.to_string()), None);
        self.es9(http, "handleNotification", &json!({ "pendingNotification": b64(&notification) })).map(drop)
    }

    /// As much as an order is for the control.
    fn control_order(&self, http: &Http, number: u64) -> u64 {
        for (step, length) in [("addProfile", 330), ("downloadOrder", 130), ("confirmOrder", 150)] {
            self.control(http, step, number, length).unwrap_or_else(|why| panic!("{why}"));
        }
        number
    }

    /// As much as a download is for the control.
    fn control_download(&self, http: &Http, number: u64) -> Result<(), String> {
        self.control(http, "initiateAuthentication", number, 200)?;
        self.control(http, "authenticateClient", number, 2300)?;
        self.control(http, "getBoundProfilePackage", number, 370)?;
        self.control(http, "handleNotification", number, 300)
    }

    fn control(&self, http: &Http, step: &str, number: u64, length: usize) -> Result<(), String> {
        let url = format!("{}/{step}/{number}", self.url);
        match http.ask("POST", &url, None, Some(&Value::String("x".repeat(length)))) {
            (200, _) => Ok(()),
            (status, said) => Err(format!("{step}: {status} {said}")),
        }
    }

    /// Opens a bound package as the eUICC that it is for does: the profile in it is the one that
    /// was ordered.
    fn check(&self, chip: &Euicc, order: &Order, delivered: &Delivered) {
        let Delivered { open, own, bound } = delivered;
        let announced = StoreMetadata::decode(&open.metadata).unwrap();
        assert_eq!(announced.iccid, order.iccid);
        let (metadata, elements) = chip.open(open, own, bound);
        assert_eq!(metadata, open.metadata);
        let package = saip::Package::decode(&elements).unwrap();
        assert_eq!(package.header().unwrap().iccid, order.iccid);
    }
}

/// An ICCID of 20 digits: 89, zeros, the number, the digit of Luhn (ITU-T E.118).
fn iccid(number: u64) -> Iccid {
    let digits = format!("890017{number:013}");
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (u32::from(digit - b'0'), at % 2) {
            (digit, 0) if digit > 4 => 2 * digit - 9,
            (digit, 0) => 2 * digit,
            (digit, _) => digit,
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10).parse().unwrap()
}

/// An EID of the laboratory's manufacturer, with its check digits (SGP.02 §2.2.2).
fn eid(number: u64) -> Eid {
    let digits = format!("{}{number:022}", &lab::EID[..8]);
    let remainder =
        format!("{digits}00").bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    let eid: Eid = format!("{digits}{:02}", 98 - remainder).parse().unwrap();
    assert!(eid.has_valid_check_digits());
    eid
}

fn ready_hash(text: &str) -> [u8; 32] {
    // With the time, so that a second run over the same numbers has other keys.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    sha256(format!("{text} {now}").as_bytes())
}
