//! `cargo xtask bench smdp`: the SM-DP+ under `workerd serve`, with a laboratory's variables and
//! its objects on disk.
//!
//! eUICCs and LPAs are `crates/testkit/examples/smdp.rs`; what the figures hold is said there.
//!
//! Orders that are stored already are put into the files of the objects while workerd is
//! stopped: copies of a row that the server wrote, each with an ICCID of its own in the object
//! that owns it, and with a package of 64 bytes instead of 12 kB, for the disk's sake.

mod soak;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::Value;

use crate::build;
use crate::place::Place;
use crate::process;
use crate::setup::{self, Kit, Need};
use crate::state::State;
use crate::workerd::Workerd;

/// The part's name.
pub(super) const NAME: &str = "smdp";

const WORKER: &str = "edge-smdp";
/// What it needs.
pub(crate) const NEEDS: [Need; 4] = [Need::Wasm, Need::WasmTools, Need::WorkerBuild, Need::Npm];

/// P-256 and AES of one session at the server (SGP.22 §3.1.3, §2.5), by the name that the
/// benchmark's worker knows the operation by: CERT.EUM, CERT.EUICC, euiccSignature1,
/// euiccSignature2, euiccSignPIR; serverSignature1, smdpSignature2, smdpSign; otPK.DP; and over
/// 12 kB: the package out of its storage, into the channel.
const SESSION: [(&str, f64); 7] = [
    ("verify", 5.0),
    ("sign", 3.0),
    ("generate", 1.0),
    ("agree", 1.0),
    ("gcm", 1.0),
    ("cbc", 1.0),
    ("cmac", 1.0),
];

/// In milliseconds of CPU.
const GOAL_SESSION: f64 = 2.0;
const GOAL_INITIATE: f64 = 0.25;
const GOAL_CALL: f64 = 10.0;

#[derive(Parser)]
#[command(no_binary_name = true, name = "cargo xtask bench smdp --")]
struct Options {
    /// With how many orders stored already; several, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "10,10000,1000000")]
    orders: Vec<u64>,
    /// Nothing but downloads, in four rounds of equal length with rests between them, for so many minutes
    /// (3 at least) and 11,000 sessions, and what stays in memory: once all garbage is collected, JavaScript's
    /// heap and WebAssembly's memory may not have grown by more than 128 kB from the second round to the
    /// last, and the process not by more than 512 bytes a session or 4 MB in all, beyond what that of a bare
    /// worker grows by that keeps as much
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(3..))]
    soak: Option<u64>,
    /// How often each figure is taken
    #[arg(long, default_value_t = 7)]
    rounds: u32,
}

/// Runs `cargo xtask bench smdp`; the soak is in [`soak`].
pub(super) fn run(place: &Place, arguments: &[String]) -> Result<()> {
    println!("\n== bench: {NAME}");
    let options = Options::try_parse_from(arguments)?;
    let kit = setup::ensure(place, &NEEDS)?;
    let build = build::worker(place, &kit, WORKER)?;
    let clients = clients(place, &kit, true)?;
    let bench = Bench { place, kit: &kit, build, clients };
    if let Some(minutes) = options.soak {
        return soak::run(&bench, minutes);
    }
    bench.load()?;
    let bare = bench.bare(options.rounds)?;
    let floor = bench.floor()?;
    let mut rows = Vec::new();
    for stored in &options.orders {
        rows.push((*stored, bench.cost(*stored, options.rounds)?));
    }
    bench.starts()?;
    tables(&bare, floor, &rows)
}

/// The load test alone, as `cargo xtask test` runs it.
pub(crate) fn test(place: &Place, kit: &Kit) -> Result<usize> {
    let build = build::worker(place, kit, WORKER)?;
    let clients = clients(place, kit, false)?;
    Bench { place, kit, build, clients }.load()?;
    Ok(1)
}

/// Builds the eUICCs and LPAs; returns the program.
fn clients(place: &Place, kit: &Kit, release: bool) -> Result<PathBuf> {
    let mut cargo = kit.command("cargo");
    cargo.args(["build", "--quiet", "--package", "testkit", "--example", NAME]);
    if release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    let profile = if release { "release" } else { "debug" };
    Ok(place.target.join(profile).join("examples").join(NAME))
}

struct Bench<'a> {
    place: &'a Place,
    kit: &'a Kit,
    build: PathBuf,
    clients: PathBuf,
}

impl Bench<'_> {
    /// A server that remembers nothing.
    fn fresh(&self, name: &str) -> Result<(State, Workerd)> {
        let state = self.state(name)?;
        let workerd = self.start(&state, &self.build)?;
        Ok((state, workerd))
    }

    /// A new laboratory.
    fn state(&self, name: &str) -> Result<State> {
        let folder = self.place.scratch().join("bench-smdp").join(name);
        if folder.is_dir() {
            fs::remove_dir_all(&folder)?;
        }
        State::open(&folder, None)
    }

    fn start(&self, state: &State, build: &Path) -> Result<Workerd> {
        Workerd::start(self.place, self.kit, state, (WORKER, build), &state.folder.join("workerd"))
    }

    /// Remembers nothing, and can be looked into.
    fn inspected(&self, name: &str, build: &Path) -> Result<(State, Workerd)> {
        let state = self.state(name)?;
        let folder = state.folder.join("workerd");
        let workerd = Workerd::inspected(self.place, self.kit, &state, (WORKER, build), &folder)?;
        Ok((state, workerd))
    }

    fn ask(&self, workerd: &Workerd, state: &State, what: &str) -> Command {
        let mut command = self.kit.command(&self.clients);
        command.arg(workerd.url()).arg(&state.folder).arg(workerd.id().to_string()).arg(what);
        command
    }

    fn answer(&self, command: &mut Command) -> Result<Value> {
        Ok(serde_json::from_str(&process::output(command)?)?)
    }

    /// Many downloads at once.
    fn load(&self) -> Result<()> {
        let (state, mut workerd) = self.fresh("load")?;
        let done = process::run(&mut self.ask(&workerd, &state, "load"));
        if done.is_err() {
            println!("{}", process::tail(workerd.log(), 20).join("\n"));
        }
        done.and_then(|()| workerd.stop())
    }

    /// The operations alone.
    fn bare(&self, rounds: u32) -> Result<Value> {
        let build = build::worker_with(self.place, self.kit, WORKER, "bench")?;
        let folder = self.place.scratch().join("bench-smdp/bare");
        let state = State::open(&folder, None)?;
        let mut workerd = self.start(&state, &build)?;
        let figures = self.answer(self.ask(&workerd, &state, "bare").arg(format!("rounds={rounds}")))?;
        workerd.stop()?;
        Ok(figures)
    }

    /// CPU of a session in µs for a worker in bare JavaScript that keeps as much, and computes nothing.
    fn floor(&self) -> Result<f64> {
        let state = self.state("floor")?;
        let mut workerd = self.start(&state, &self.place.e2e().join("bench/control"))?;
        let mut asked = self.ask(&workerd, &state, "soak");
        let said = process::output(asked.arg("control=1").arg("sessions=1200"))?;
        workerd.stop()?;
        let summary: Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
        summary["cpu"].as_f64().context("no figure for the bare worker")
    }

    /// What calls cost with so many orders stored.
    fn cost(&self, stored: u64, rounds: u32) -> Result<Value> {
        // Sessions and orders enough that every object has its tables and a row to copy.
        const BEFORE: u64 = 800;
        let (state, mut workerd) = self.fresh("cost")?;
        let mut first = 0;
        if stored > BEFORE {
            let begun = Instant::now();
            let mut prepare = self.ask(&workerd, &state, "load");
            process::output(prepare.arg(format!("downloads={}", BEFORE / 2)).arg("rivals=0"))?;
            let mut prepare = self.ask(&workerd, &state, "orders");
            process::output(prepare.arg(format!("orders={}", BEFORE / 2)).arg("first=500000"))?;
            workerd.stop()?;
            let mut node = self.kit.command("node");
            node.arg(self.place.e2e().join("bench/orders.mjs")).arg(state.folder.join("workerd/objects"));
            process::output(node.arg((stored - BEFORE).to_string()))?;
            println!("{stored} orders stored ({})", process::since(begun));
            workerd = self.start(&state, &self.build)?;
            first = 1_000_000;
        }
        let first = format!("first={first}");
        let mut figures =
            self.answer(self.ask(&workerd, &state, "cost").arg(format!("rounds={rounds}")).arg(&first))?;
        // Numbers that the calls before did not use.
        let first = "first=2000000";
        figures["rate"] = self.answer(self.ask(&workerd, &state, "rate").arg(first))?;
        figures["startedAfter"] = workerd.started().as_secs_f64().into();
        workerd.stop()?;
        fs::remove_dir_all(state.folder.join("workerd"))?;
        Ok(figures)
    }

    /// How large the worker is, and how soon it answers.
    fn starts(&self) -> Result<()> {
        const STARTS: usize = 9;
        let [raw, gzip, brotli] = build::worker_sizes(self.kit, &self.build)?;
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let (_, mut workerd) = self.fresh("start")?;
            times.push(workerd.started().as_secs_f64() * 1e3);
            workerd.stop()?;
        }
        times.sort_by(f64::total_cmp);
        println!(
            "\nworker: {raw} bytes, gzip -9 {gzip}, brotli {brotli}; from the start of workerd to the first \
             answer {:.0} ms (min), {:.0} ms (median of {STARTS})",
            times[0],
            times[STARTS / 2]
        );
        Ok(())
    }
}

/// Prints it all.
fn tables(bare: &Value, floor: f64, rows: &[(u64, Value)]) -> Result<()> {
    let of = |figures: &Value, name: &str, which: &str| {
        figures[name][which].as_f64().with_context(|| format!("no figure for {name}"))
    };
    println!("\nCPU of the cryptography alone, in the same runtime, in µs");
    println!("{:<26} {:>8} {:>8} {:>8}", "", "times", "min", "median");
    let mut sums = BTreeMap::from([("min", 0.0), ("median", 0.0)]);
    for (name, times) in SESSION {
        for (which, sum) in &mut sums {
            *sum += times * of(bare, name, which)?;
        }
        let (min, median) = (of(bare, name, "min")?, of(bare, name, "median")?);
        println!("{name:<26} {times:>8} {min:>8.0} {median:>8.0}");
    }
    println!("{:<26} {:>8} {:>8.0} {:>8.0}", "session", "", sums["min"], sums["median"]);
    println!("\na bare worker in JavaScript that keeps as much, a session: {floor:.0} µs");

    println!("\nCPU of the runtime's process for each call, in µs: min / median");
    let stored: Vec<_> =
        rows.iter().map(|(stored, _)| format!("{:>17}", format!("{stored} stored"))).collect();
    println!("{:<26} {}", "", stored.join(" "));
    const CALLS: [&str; 8] = [
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "handleNotification",
        "session",
        "addProfile",
        "downloadOrder",
        "confirmOrder",
    ];
    for name in CALLS {
        let mut cells = Vec::new();
        for (_, figures) in rows {
            let cell = format!("{:.0} / {:.0}", of(figures, name, "min")?, of(figures, name, "median")?);
            cells.push(format!("{cell:>17}"));
        }
        println!("{name:<26} {}", cells.join(" "));
    }
    for (title, name, scale) in [("sessions a second", "perSecond", 1.0), ("CPU each then", "cpu", 1.0)] {
        let mut cells = Vec::new();
        for (_, figures) in rows {
            let figure = figures["rate"][name].as_f64().context("no rate")?;
            cells.push(format!("{:>17.0}", figure * scale));
        }
        println!("{title:<26} {}", cells.join(" "));
    }

    let mut missed = Vec::new();
    for (stored, figures) in rows {
        let ms = |name| Ok::<_, anyhow::Error>(of(figures, name, "min")? / 1e3);
        let mut goal = |name: &str, ms: f64, goal: f64| {
            if ms > goal {
                missed.push(format!("{name} with {stored} orders: {ms:.2} ms, the goal is {goal} ms"));
            }
        };
        goal("session", ms("session")?, GOAL_SESSION);
        goal("initiateAuthentication", ms("initiateAuthentication")?, GOAL_INITIATE);
        for name in CALLS.iter().filter(|name| **name != "session") {
            goal(name, ms(name)?, GOAL_CALL);
        }
    }
    println!("\ngoals: {}", if missed.is_empty() { "all reached".to_owned() } else { missed.join("; ") });
    if rows.is_empty() {
        bail!("--orders names no number");
    }
    Ok(())
}
