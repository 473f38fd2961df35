//! What a whole download costs, part by part: chip, SM-DP+, network, LPA, natively in
//! one process. Beside each of the first two stands what its P-256 operations alone
//! take in the same run: the bound that no implementation of the protocol goes below.
//!
//! `cargo xtask bench testkit`

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on says so by panicking")]

use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsp_crypto::software::{SigningKey, verify};
use rsp_crypto::{Curve, OneTimeKeyPair, Software, ready};
use testkit::{Party, World};

/// Downloads that are counted.
const RUNS: usize = 20;

/// P-256 operations of one download, by SGP.22 §3.1.3.
struct Operations {
    sign: u32,
    verify: u32,
    /// Key generation and agreement.
    agree: u32,
}

/// The chip: euiccSignature1, euiccSignature2, euiccSignPIR; CERT.DPauth,
/// serverSignature1, CERT.DPpb, smdpSignature2, smdpSign; one key pair.
const CHIP: Operations = Operations { sign: 3, verify: 5, agree: 1 };
/// The SM-DP+: serverSignature1, smdpSignature2, smdpSign; CERT.EUM, CERT.EUICC,
/// euiccSignature1, euiccSignature2, euiccSignPIR; one key pair.
const SMDP: Operations = Operations { sign: 3, verify: 5, agree: 1 };

fn main() {
    let mut times = Vec::new();
    let mut counts = None;
    for run in 0..=RUNS {
        let mut world = World::new(run as u64);
        world.attach(None).unwrap();
        let order = world.order(world.operational[0].iccid, None);
        let before = world.log().len();
        world.watch();
        world.download(&order.code).unwrap();
        let watched = world.watched();
        if run > 0 {
            times.push(watched);
        }
        let log = world.log().split_off(before);
        let of = |party| log.iter().filter(move |exchange| exchange.party == party);
        let bytes = |party| {
            let count = |exchange: &testkit::Exchange| {
                (exchange.request.len(), exchange.answer.as_ref().map_or(0, Vec::len))
            };
            of(party).map(count).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        counts = Some((
            (of(Party::Chip).count(), bytes(Party::Chip)),
            (of(Party::Smdp).count(), bytes(Party::Smdp)),
            world.operational[0].package().len(),
        ));
    }
    let bound = bare();
    let median = |part: fn(&testkit::Watched) -> Duration| {
        let mut all: Vec<Duration> = times.iter().map(part).collect();
        all.sort();
        all[all.len() / 2]
    };
    println!("one download, median of {RUNS}, native, pure Rust cryptography\n");
    println!("{:<22} {:>10} {:>14} {:>7}", "part", "time", "its P-256 ops", "ratio");
    let row = |name: &str, time: Duration, operations: Option<&Operations>| {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        match operations.map(|operations| bound.of(operations)) {
            Some(bound) => {
                println!(
                    "{name:<22} {:>7.2} ms {:>11.2} ms {:>7.2}",
                    ms(time),
                    ms(bound),
                    ms(time) / ms(bound)
                );
            }
            None => println!("{name:<22} {:>7.2} ms", ms(time)),
        }
    };
    row("chip", median(|t| t.chip), Some(&CHIP));
    row("SM-DP+", median(|t| t.smdp), Some(&SMDP));
    row("network (gateway)", median(|t| t.network), None);
    row("LPA and all else", median(|t| t.rest()), None);
    row("together", median(|t| t.total), None);
    if let Some(((apdus, (to, from)), (calls, (up, down)), package)) = counts {
        println!("\nprofile package          {package} bytes");
        println!("to the chip              {apdus} APDUs, {to} bytes there, {from} back");
        println!("to the SM-DP+            {calls} calls, {up} bytes up, {down} down");
    }
}

/// What one operation takes.
struct Bare {
    sign: Duration,
    verify: Duration,
    agree: Duration,
}

impl Bare {
    fn of(&self, operations: &Operations) -> Duration {
        self.sign * operations.sign + self.verify * operations.verify + self.agree * operations.agree
    }
}

fn bare() -> Bare {
    let rng = || ChaCha20Rng::from_seed([1; 32]);
    let key = SigningKey::generate(Curve::P256, &mut rng());
    let message = [0x5A; 300];
    let signature = key.sign(&message);
    let public = key.public_key();
    let provider = Software::new(rng());
    Bare {
        sign: each(|| {
            std::hint::black_box(key.sign(&message));
        }),
        verify: each(|| assert!(verify(&public, &message, &signature))),
        agree: each(|| {
            let pair: OneTimeKeyPair<_> = ready(OneTimeKeyPair::generate(&provider, Curve::P256)).unwrap();
            std::hint::black_box(ready(pair.agree(&provider, &public)).is_ok());
        }),
    }
}

/// The median of many, as the parts above are medians.
fn each(mut operation: impl FnMut()) -> Duration {
    for _ in 0..20 {
        operation();
    }
    let mut times: Vec<Duration> = (0..201)
        .map(|_| {
            let start = Instant::now();
            operation();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}
