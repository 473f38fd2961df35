//! A session with the chip, recorded and measured natively, for `cargo xtask bench euicc`,
//! which plays the same bytes to the same chip in Node and in a browser.
//!
//! The chip's chance and its seed are fixed, so everything it answers is: every replay is
//! compared byte by byte. Printed is JSON: the commands and answers of each step, how many
//! P-256 operations it did, and what it took here.
//!
//! ```text
//! {"package": "…", "bytes": 0, "seed": "…", "chance": "…",
//!  "steps": [{"name": "install", "apdus": [["0070000001", "019000"], …],
//!             "operations": {"sign": 3, "verify": 5, "generate": 1, "agree": 1}, "native": 1.0}, …],
//!  "bare": {"sign": 0.02, "verify": 0.07, "generate": 0.02, "agree": 0.07}}
//! ```
//!
//! Times are in milliseconds: the sum of each command's median, the median of an operation;
//! the operations are timed in turn with the replays.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so by panicking")]

use std::hint::black_box;
use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rsp::auth::{
    AuthenticateServerRequest, AuthenticateServerResponse, CtxParams1, DeviceInfo, ServerSigned1,
    decode_euicc_challenge,
};
use rsp::bpp::{BoundProfilePackage, ConfigureIsdp, ControlRefTemplate, InitialiseSecureChannel, segments};
use rsp::download::{PrepareDownloadRequest, PrepareDownloadResponse, SmdpSigned2};
use rsp::metadata::{NotificationConfiguration, NotificationEvents, PprIds, ProfileClass, StoreMetadata};
use rsp::notification::{FinalResult, ProfileInstallationResult};
use rsp::profiles::{ProfileIdentifier, StateChange, StateChangeRequest};
use rsp::{DataObject as _, Iccid, Raw, TransactionId};
use rsp_crypto::bsp::SegmentTag;
use rsp_crypto::issue::Pki;
use rsp_crypto::software::{OneTimeKey, SigningKey, sha256, verify};
use rsp_crypto::{Bsp, Curve, Provider as _, PublicKey, SessionKeys, Software, ready, signature};
use serde_json::{Value, json};
use wasm_euicc::nvm::{Medium, MemoryMedium};
use wasm_euicc::{Env, Euicc, Factory};

const SEED: &str = "bench";
const CHANCE: &str = "chance";
const ADDRESS: &str = "smdp.example";
const ROUNDS: usize = 25;
/// How often each bare operation is timed in a round.
const REPEATS: usize = 4;
const OPERATIONS: [&str; 4] = ["sign", "verify", "generate", "agree"];

/// What is installed, and how its subscriber authenticates.
struct Subject {
    name: &'static str,
    package: Vec<u8>,
    key: aka::Parameters,
}

/// GSMA's generic test profile where it is at hand, else one of our own making.
fn subject() -> Subject {
    const TS48: &str = "data/ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der";
    match vectors::read(TS48) {
        // TS.48: the test algorithm with K 00..0F.
        Some(package) => Subject {
            name: "GSMA TS.48 v7 generic test profile",
            package,
            key: aka::Parameters::xor(core::array::from_fn(|index| index as u8), 16).unwrap(),
        },
        None => {
            let (k, opc) = ([0x46; 16], [0x4F; 16]);
            let authentication = saip::build::Authentication::Milenage {
                k: saip::Secret::new(k),
                opc: saip::Secret::new(opc),
            };
            let (iccid, imsi) = ("89000000000000001002".parse().unwrap(), "001010000001000".parse().unwrap());
            let subscriber = saip::build::Subscriber::new(iccid, imsi, 2, authentication);
            Subject {
                name: "a profile of our own (TS.48 v7 is not present)",
                package: saip::build::package(&subscriber).unwrap().to_vec(),
                key: aka::Parameters::milenage(k, opc),
            }
        }
    }
}

struct World {
    rng: ChaCha20Rng,
    medium: MemoryMedium,
}

impl Env for World {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        self.rng.fill_bytes(bytes);
    }

    fn medium(&mut self) -> &mut dyn Medium {
        &mut self.medium
    }
}

fn pki() -> Pki {
    lab::chip::pki(sha256(SEED.as_bytes()), None, ADDRESS).unwrap()
}

fn factory() -> Factory {
    let mut json = lab::chip::chip(sha256(SEED.as_bytes()), None).unwrap();
    json.as_object_mut().unwrap().remove("preloaded");
    Factory::from_json(json.to_string().as_bytes()).unwrap()
}

fn fresh(factory: &Factory) -> Euicc<World> {
    let rng = ChaCha20Rng::from_seed(sha256(CHANCE.as_bytes()));
    factory.manufacture(World { rng, medium: MemoryMedium::new() }).unwrap()
}

/// One step of the session.
struct Step {
    name: &'static str,
    apdus: Vec<(Vec<u8>, Vec<u8>)>,
    operations: [u32; 4],
}

/// The terminal, which writes everything down.
struct Recorder {
    chip: Euicc<World>,
    apdus: Vec<(Vec<u8>, Vec<u8>)>,
    steps: Vec<Step>,
}

impl Recorder {
    fn send(&mut self, command: &[u8]) -> Vec<u8> {
        let response = self.chip.transmit(command);
        self.apdus.push((command.to_vec(), response.clone()));
        response
    }

    fn end(&mut self, name: &'static str) {
        let apdus = std::mem::take(&mut self.apdus);
        self.steps.push(Step { name, apdus, operations: [0; 4] });
    }

    /// An ES10 request on channel 1, in blocks of 255; its answer.
    fn es10(&mut self, request: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        for (number, block) in request.chunks(255).enumerate() {
            let last = (number + 1) * 255 >= request.len();
            let head = [0x81, 0xE2, if last { 0x91 } else { 0x11 }, number as u8, block.len() as u8];
            answer = self.send(&[&head, block].concat());
        }
        let mut data = Vec::new();
        loop {
            let (part, status) = answer.split_at(answer.len() - 2);
            data.extend_from_slice(part);
            match *status {
                [0x61, length] => answer = self.send(&[0x81, 0xC0, 0x00, 0x00, length]),
                [0x90 | 0x91, _] => return data,
                _ => panic!("{status:02X?} to {request:02X?}"),
            }
        }
    }
}

fn record(factory: &Factory, subject: &Subject) -> Vec<Step> {
    let pki = pki();
    let mut terminal = Recorder { chip: fresh(factory), apdus: Vec::new(), steps: Vec::new() };
    terminal.send(&[0x00, 0x70, 0x00, 0x00, 0x01]);
    terminal.send(&[&[0x01, 0xA4, 0x04, 0x00, 0x10], &rsp::ids::ISD_R[..]].concat());
    terminal.end("open");

    let package = saip::Package::decode(&subject.package).unwrap();
    let header = package.header().unwrap();
    let metadata = metadata(header.iccid);
    install(&mut terminal, &pki, &metadata, &subject.package);
    terminal.end("install");

    let profile = ProfileIdentifier::Iccid(header.iccid);
    let enable = StateChangeRequest { change: StateChange::Enable, profile, refresh: false };
    assert_eq!(terminal.es10(&enable.encode()), [0xBF, 0x31, 0x03, 0x80, 0x01, 0x00]);
    terminal.end("enable");

    // The USIM by the beginning of its AID (ETSI TS 101 220), 3G context (TS 31.102 §7.1.2).
    terminal.send(&[0x00, 0xA4, 0x04, 0x0C, 0x07, 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02]);
    let sqn = aka::Sqn::from_bytes([0, 0, 0, 0, 0, 0x21]);
    let vector = aka::vector(&subject.key, sqn, [0x80, 0x00], [0x5A; 16]);
    let challenge = [&[0x00, 0x88, 0x00, 0x81, 0x22, 0x10], &vector.rand[..], &[0x10], &vector.autn].concat();
    let [0x61, length] = terminal.send(&challenge)[..] else { panic!("the USIM does not authenticate") };
    let answer = terminal.send(&[0x00, 0xC0, 0x00, 0x00, length]);
    assert_eq!(answer[0], 0xDB);
    assert!(vector.accepts(&answer[2..2 + usize::from(answer[1])]));
    terminal.end("authenticate");
    terminal.steps
}

fn metadata(iccid: Iccid) -> StoreMetadata {
    StoreMetadata {
        iccid,
        service_provider_name: "Operator".into(),
        profile_name: "Profile".into(),
        icon: None,
        profile_class: ProfileClass::Operational,
        notification_configuration: vec![NotificationConfiguration {
            events: NotificationEvents::ALL,
            address: ADDRESS.into(),
        }],
        profile_owner: None,
        profile_policy_rules: PprIds::default(),
    }
}

/// A whole download, by SGP.22 §3.1.3, the SM-DP+'s part done here.
fn install(terminal: &mut Recorder, pki: &Pki, metadata: &StoreMetadata, package: &[u8]) {
    let transaction_id = TransactionId::from_bytes(&[7; 16]).unwrap();
    terminal.es10(&[0xBF, 0x20, 0x00]);
    let euicc_challenge = decode_euicc_challenge(&terminal.es10(&[0xBF, 0x2E, 0x00])).unwrap();
    let server_signed1 = Raw::new(ServerSigned1 {
        transaction_id: transaction_id.clone(),
        euicc_challenge,
        server_address: ADDRESS.into(),
        server_challenge: [0x5C; 16],
    });
    let request = AuthenticateServerRequest {
        server_signature1: pki
            .dp_auth
            .expose_key()
            .sign(&signature::server_signature1(server_signed1.bytes())),
        server_signed1,
        ci_pk_id_to_be_used: pki.ci_key().unwrap().id().clone(),
        server_certificate: rsp::auth::Certificate::from_der(pki.dp_auth.certificate().der()).unwrap(),
        ctx_params1: Raw::new(CtxParams1 {
            matching_id: Some("AB-12".parse().unwrap()),
            device_info: DeviceInfo {
                tac: [0x35, 0x29, 0x06, 0x11],
                capabilities: Default::default(),
                imei: None,
            },
        }),
    };
    let answer = AuthenticateServerResponse::decode(&terminal.es10(&request.encode())).unwrap();
    let AuthenticateServerResponse::Ok(euicc) = answer else { panic!("AuthenticateServer") };

    let smdp_signed2 =
        SmdpSigned2 { transaction_id: transaction_id.clone(), cc_required: false, bpp_euicc_otpk: None };
    let smdp_signed2 = Raw::new(smdp_signed2);
    let signed = signature::smdp_signature2(smdp_signed2.bytes(), &euicc.euicc_signature1);
    let request = PrepareDownloadRequest {
        smdp_signature2: pki.dp_pb.expose_key().sign(&signed),
        smdp_signed2,
        hash_cc: None,
        smdp_certificate: rsp::auth::Certificate::from_der(pki.dp_pb.certificate().der()).unwrap(),
    };
    let answer = PrepareDownloadResponse::decode(&terminal.es10(&request.encode())).unwrap();
    let PrepareDownloadResponse::Ok { euicc_signed2, .. } = answer else { panic!("PrepareDownload") };

    let bound = bind(pki, &transaction_id, &euicc_signed2.euicc_otpk, metadata, package).encode();
    let parts = segments(&bound).unwrap();
    let result = parts.into_iter().find_map(|segment| {
        let answer = terminal.es10(&bound[segment.bytes]);
        (!answer.is_empty()).then_some(answer)
    });
    let result = ProfileInstallationResult::decode(&result.unwrap()).unwrap();
    let result = result.data.into_value().final_result;
    assert!(matches!(result, FinalResult::Success { .. }), "{result:?}");
}

fn bind(
    pki: &Pki,
    transaction_id: &TransactionId,
    euicc_otpk: &[u8; 65],
    metadata: &StoreMetadata,
    package: &[u8],
) -> BoundProfilePackage {
    let provider = Software::new(ChaCha20Rng::from_seed([3; 32]));
    let key = OneTimeKey::from_scalar(Curve::P256, &[0x22; 32]).unwrap();
    let peer = PublicKey::from_sec1(Curve::P256, euicc_otpk).unwrap();
    let crt = ControlRefTemplate { key_type: 0x88, key_len: 0x10, host_id: vec![0x80; 8] };
    let unsigned = InitialiseSecureChannel::unsigned(transaction_id, &crt, key.public_key().as_bytes());
    let signed = pki.dp_pb.expose_key().sign(&signature::smdp_sign(&unsigned, &peer));
    let secret = ready(provider.agree(&key, &peer)).unwrap().unwrap();
    let eid = pki.euicc.certificate().eid().unwrap();
    let mut bsp = Bsp::new(ready(SessionKeys::derive(&provider, &secret, &crt.host_id, &eid)).unwrap());
    let mut seal = |tag, bytes: &[u8]| ready(bsp.seal_all(&provider, tag, bytes)).unwrap();
    BoundProfilePackage {
        initialise_secure_channel: InitialiseSecureChannel::assemble(&unsigned, &signed),
        configure_isdp: seal(SegmentTag::Command, &ConfigureIsdp::default().encode()),
        store_metadata: seal(SegmentTag::Metadata, &metadata.encode()),
        replace_session_keys: Vec::new(),
        profile_elements: seal(SegmentTag::ProfileElements, package),
    }
}

/// Plays the session to a fresh chip; milliseconds of each command.
fn replay(factory: &Factory, steps: &[Step]) -> Vec<f64> {
    let mut chip = fresh(factory);
    let mut play = |name, command: &[u8], expected: &[u8]| {
        let start = Instant::now();
        let response = chip.transmit(command);
        let taken = start.elapsed().as_secs_f64() * 1e3;
        assert_eq!(response, expected, "{name}");
        taken
    };
    let all = steps.iter().flat_map(|step| step.apdus.iter().map(|apdu| (step.name, apdu)));
    all.map(|(name, (command, expected))| play(name, command, expected)).collect()
}

/// How many operations each step does.
fn count(factory: &Factory, steps: &mut [Step]) {
    let mut chip = fresh(factory);
    rsp_crypto::count::take();
    for step in steps {
        for (command, _) in &step.apdus {
            chip.transmit(command);
        }
        step.operations = rsp_crypto::count::take();
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let subject = subject();
    let factory = factory();
    let mut steps = record(&factory, &subject);
    count(&factory, &mut steps);

    let key = SigningKey::generate(Curve::P256, &mut ChaCha20Rng::from_seed([1; 32]));
    let provider = Software::new(ChaCha20Rng::from_seed([1; 32]));
    let (one_time, _) = ready(provider.one_time_key(Curve::P256)).unwrap();
    let message = [0x5A; 300];
    let (public, signature) = (key.public_key(), key.sign(&message));
    let bare: [&dyn Fn(); 4] = [
        &|| {
            black_box(key.sign(&message));
        },
        &|| assert!(verify(&public, &message, &signature)),
        &|| drop(black_box(ready(provider.one_time_key(Curve::P256)))),
        &|| drop(black_box(ready(provider.agree(&one_time, &public)))),
    ];
    let mut apdu_times = vec![Vec::new(); steps.iter().map(|step| step.apdus.len()).sum()];
    let mut bare_times: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (times, taken) in apdu_times.iter_mut().zip(replay(&factory, &steps)) {
            times.push(taken);
        }
        for (times, operation) in bare_times.iter_mut().zip(bare) {
            for _ in 0..REPEATS {
                let start = Instant::now();
                operation();
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    let named = |values: [Value; 4]| Value::from_iter(OPERATIONS.into_iter().map(str::to_owned).zip(values));
    // As many medians on both sides: a machine that is busy with something else disturbs the
    // one command that it falls on, not the sum.
    let mut medians = apdu_times.iter_mut().map(|times| median(times));
    let told = |step: &Step| {
        let hex = |(command, response): &(Vec<u8>, Vec<u8>)| [hex::encode(command), hex::encode(response)];
        json!({
            "name": step.name,
            "apdus": step.apdus.iter().map(hex).collect::<Vec<_>>(),
            "operations": named(step.operations.map(Value::from)),
            "native": medians.by_ref().take(step.apdus.len()).sum::<f64>(),
        })
    };
    let session = json!({
        "package": subject.name,
        "bytes": subject.package.len(),
        "seed": SEED,
        "chance": CHANCE,
        "rounds": ROUNDS,
        "repeats": REPEATS,
        "steps": steps.iter().map(told).collect::<Vec<_>>(),
        "bare": named(bare_times.each_mut().map(|times| Value::from(median(times)))),
    });
    println!("{session}");
}
