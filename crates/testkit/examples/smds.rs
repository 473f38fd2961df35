//! An SM-DS of a running laboratory, for tests of LPAs in other processes: its model, one call in JSON
//! a line in, its answer a line out. It has the laboratory's Certificate Issuer above it, so that the
//! laboratory's chips trust it.
//!
//! ```text
//! smds STATE        the laboratory's folder: seed and birth
//!
//! {"id":1,"do":"register","at":"smds.example.com","eid":"8900…","eventId":"E-1","rspServerAddress":"smdp.example"}
//! {"id":2,"do":"delete","at":"smds.example.com","eid":"8900…","eventId":"E-1"}
//! {"id":3,"do":"call","host":"smds.example.com","path":"/gsma/rsp2/es9plus/initiateAuthentication","body":"{…}"}
//!
//! {"id":1,"done":true}     or {"id":3,"status":200,"type":"application/json","body":"{…}"}
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program for tests that cannot go on says so by panicking"
)]

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::path::Path;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::Request;
use lab::Trust;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use rsp_crypto::CiKey;
use serde_json::{Value, json};
use testkit::Smds;

/// As `cargo xtask dev` has it: the certificates depend on it.
const SMDP_ADDRESS: &str = "smdp.example";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [state] = &arguments[..] else { panic!("smds STATE") };
    let clock = Rc::new(Cell::new(now()));
    let smds = of_laboratory(Path::new(state), Rc::clone(&clock));
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        clock.set(now());
        let mut answer = answer(&smds, &asked);
        answer["id"] = asked["id"].clone();
        writeln!(output, "{answer}").unwrap();
        output.flush().unwrap();
    }
}

fn of_laboratory(state: &Path, clock: Rc<Cell<u64>>) -> Smds {
    let text = |name: &str| fs::read_to_string(state.join(name)).unwrap().trim().to_owned();
    let mut seed = [0; 32];
    hex::decode_to_slice(text("seed"), &mut seed).unwrap();
    let pki = Trust::pki(seed, SMDP_ADDRESS, text("made").parse().unwrap()).unwrap();
    let ci = CiKey::from_certificate(pki.ci.certificate()).unwrap();
    Smds::new(pki.ds_auth, ci, clock, chance(), chance())
}

fn answer(smds: &Smds, asked: &Value) -> Value {
    let text = |name: &str| asked[name].as_str().unwrap_or_else(|| panic!("{name}: {asked}"));
    let eid = || text("eid").parse().unwrap();
    match text("do") {
        "register" => smds.register(text("at"), eid(), text("eventId"), text("rspServerAddress")),
        "delete" => smds.delete(text("at"), eid(), text("eventId")),
        "call" => {
            let request = Request::post(text("path")).body(text("body").as_bytes().to_vec()).unwrap();
            let answer = smds.handle(text("host"), &request);
            let media_type = answer.headers()["content-type"].to_str().unwrap();
            let body = String::from_utf8(answer.body().clone()).unwrap();
            return json!({ "status": answer.status().as_u16(), "type": media_type, "body": body });
        }
        other => panic!("not done here: {other}"),
    }
    json!({ "done": true })
}

fn chance() -> ChaCha20Rng {
    let mut seed = [0; 32];
    File::open("/dev/urandom").unwrap().read_exact(&mut seed).unwrap();
    ChaCha20Rng::from_seed(seed)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
