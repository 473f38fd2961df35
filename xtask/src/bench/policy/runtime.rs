//! The network under `workerd serve`, with the SM-DP+ behind its gateway in the same process, a
//! laboratory's variables and its objects on disk.
//!
//! Terminals and cards are `crates/testkit/examples/network.rs`; what the figures hold is said there.
//! CPU of the gateway is that of a call through the bearer less that of the same call straight to the
//! SM-DP+: as both workers are in one process, what the SM-DP+ takes is in both.
//!
//! Every subscriber has an object of its own, so with more of them only three things grow: the one
//! directory, the 256 objects with the temporary identities, and the folder of the objects' files. All three
//! are filled while workerd is stopped (`e2e/bench/subscribers.mjs`); those subscribers that attach
//! were written by the network itself.
//!
//! The bound from below is a worker in bare JavaScript (`e2e/bench/network`) that keeps as much by as many
//! statements and ways between objects, and for an attach two vectors besides.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Options;
use crate::bench::smdp;
use crate::build;
use crate::place::Place;
use crate::process;
use crate::setup::{self, Kit};
use crate::state::State;
use crate::workerd::Workerd;

const NETWORK: &str = "net-policy-worker";
const SMDP: &str = "edge-smdp";

/// Of a call through the gateway, in µs of CPU.
const GOAL_GATEWAY: f64 = 1_000.0;
/// The dearest attach by the cheapest, whatever the numbers of subscribers and rules: "near flat".
const GOAL_FLAT: f64 = 1.5;

/// Subscribers that the network itself writes, and that attach, for each round.
const SAMPLE: u64 = 350;

/// What was measured with so many subscribers and rules.
struct Row {
    subscribers: u64,
    rules: u64,
    figures: Value,
}

/// Measures, prints and judges.
pub(super) fn run(place: &Place, options: &Options) -> Result<()> {
    if options.subscribers.is_empty() || options.rules.is_empty() || options.subscribers.contains(&0) {
        bail!("--subscribers and --rules name at least one number, and there is at least one subscriber");
    }
    println!("\nin the runtime");
    let kit = setup::ensure(place, &smdp::NEEDS)?;
    let network = build::worker(place, &kit, NETWORK)?;
    let server = build::worker(place, &kit, SMDP)?;
    let mut cargo = kit.command("cargo");
    process::run(cargo.args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "testkit",
        "--example",
        "network",
    ]))?;
    let clients = place.target.join("release/examples/network");
    let bench = Bench { place, kit: &kit, network, server, clients, rounds: u64::from(options.rounds) };
    let bare = bench.bare()?;
    let mut rows = Vec::new();
    for &subscribers in &options.subscribers {
        rows.extend(bench.cost(subscribers, &options.rules)?);
    }
    report(&bare, &rows)
}

struct Bench<'a> {
    place: &'a Place,
    kit: &'a Kit,
    network: PathBuf,
    server: PathBuf,
    clients: PathBuf,
    rounds: u64,
}

/// What cannot be undercut.
struct Bare {
    /// µs natively: two vectors.
    aka: f64,
    /// The bare worker's.
    figures: Value,
}

impl Bench<'_> {
    fn state(&self, name: &str) -> Result<State> {
        let folder = self.place.scratch().join("bench-policy").join(name);
        if folder.is_dir() {
            fs::remove_dir_all(&folder)?;
        }
        State::open(&folder, None)
    }

    fn start(&self, state: &State, network: &Path, server: &Path) -> Result<Workerd> {
        let workers = [(NETWORK, network), (SMDP, server)];
        Workerd::together(self.place, self.kit, state, &workers, &state.folder.join("workerd"))
    }

    fn ask(&self, workerd: &Workerd, state: &State, what: &str) -> Result<Command> {
        let mut command = self.kit.command(&self.clients);
        command.arg(workerd.url()).arg(workerd.url_of(SMDP)?).arg(&state.folder);
        command.arg(workerd.id().to_string()).arg(what).arg(format!("rounds={}", self.rounds));
        Ok(command)
    }

    /// An answer in JSON; if there is none, what the workers have said last.
    fn answer(&self, workerd: &Workerd, command: &mut Command) -> Result<Value> {
        let said = process::output(command);
        let said = said.with_context(|| process::tail(workerd.log(), 20).join("\n"))?;
        Ok(if said.trim().is_empty() { Value::Null } else { serde_json::from_str(&said)? })
    }

    /// How many of so many subscribers are there with all they have.
    fn sample(&self, subscribers: u64) -> u64 {
        subscribers.min(SAMPLE * (self.rounds + 1))
    }

    /// The bare worker's part, with a thousand subscribers.
    fn bare(&self) -> Result<Bare> {
        const SUBSCRIBERS: u64 = 1_000;
        let state = self.state("bare")?;
        let (network, server) =
            (self.place.e2e().join("bench/network"), self.place.e2e().join("bench/control"));
        let mut workerd = self.start(&state, &network, &server)?;
        let sample = self.sample(SUBSCRIBERS);
        let mut write = self.ask(&workerd, &state, "subscribers")?;
        self.answer(&workerd, write.arg(format!("count={sample}")).arg("control=1"))?;
        workerd.stop()?;
        workerd = self.start(&state, &network, &server)?;
        let mut cost = self.ask(&workerd, &state, "cost")?;
        let figures = self.answer(&workerd, cost.arg(format!("sample={sample}")).arg("control=1"))?;
        let mut aka = self.ask(&workerd, &state, "aka")?;
        let aka = self.answer(&workerd, &mut aka)?.as_f64().context("no figure for the vectors")?;
        workerd.stop()?;
        Ok(Bare { aka, figures })
    }

    /// What calls cost with so many subscribers, and each of these numbers of rules.
    fn cost(&self, subscribers: u64, rules: &[u64]) -> Result<Vec<Row>> {
        let state = self.state("cost")?;
        let folder = state.folder.join("workerd");
        let mut workerd = self.start(&state, &self.network, &self.server)?;
        let begun = Instant::now();
        let sample = self.sample(subscribers);
        let mut write = self.ask(&workerd, &state, "subscribers")?;
        self.answer(&workerd, write.arg(format!("count={sample}")))?;
        if subscribers > sample {
            workerd.stop()?;
            let mut node = self.kit.command("node");
            node.arg(self.place.e2e().join("bench/subscribers.mjs")).arg(folder.join("objects"));
            process::run(node.arg(sample.to_string()).arg(subscribers.to_string()))?;
            workerd = self.start(&state, &self.network, &self.server)?;
        }
        println!("{subscribers} subscribers, {sample} of them attach ({})", process::since(begun));
        let mut rows = Vec::new();
        for &rules in rules {
            let mut put = self.ask(&workerd, &state, "rules")?;
            self.answer(&workerd, put.arg(format!("count={rules}")))?;
            // So that every object is at rest.
            workerd.stop()?;
            workerd = self.start(&state, &self.network, &self.server)?;
            let mut cost = self.ask(&workerd, &state, "cost")?;
            let begun = Instant::now();
            let figures = self.answer(&workerd, cost.arg(format!("sample={sample}")))?;
            // At once: who breaks it off has what was measured until then.
            let least = |name: &str| of(&figures, name, "min").map_or_else(|| "-".to_owned(), precise);
            println!(
                "  {rules} rules: attach {} µs, added to a call {} µs ({})",
                least("attach"),
                least("added"),
                process::since(begun),
            );
            rows.push(Row { subscribers, rules, figures });
        }
        workerd.stop()?;
        // Maybe a million files.
        fs::remove_dir_all(folder)?;
        Ok(rows)
    }
}

/// Prints it all; an error if a goal is missed.
fn report(bare: &Bare, rows: &[Row]) -> Result<()> {
    const NAMES: [(&str, &str); 6] = [
        ("attach, object at rest", "atRest"),
        ("attach", "attach"),
        ("subscriber written", "provision"),
        ("a page of the list", "page"),
        ("call, straight to SM-DP+", "direct"),
        ("call, through the bearer", "through"),
    ];
    println!("\nCPU of the runtime's process for each, in µs: min / median");
    let title = |row: &Row| format!("{} · {}", row.subscribers, row.rules);
    let titles: Vec<_> = rows.iter().map(|row| format!("{:>15}", title(row))).collect();
    println!("{:<26} {:>15} {}", "subscribers · rules", "bare worker", titles.join(" "));
    let cell = |figures: &Value, name: &str| match (of(figures, name, "min"), of(figures, name, "median")) {
        (Some(min), Some(median)) => format!("{:>15}", format!("{min:.0} / {median:.0}")),
        _ => format!("{:>15}", "-"),
    };
    for (title, name) in NAMES {
        let cells: Vec<_> = rows.iter().map(|row| cell(&row.figures, name)).collect();
        println!("{title:<26} {} {}", cell(&bare.figures, name), cells.join(" "));
    }
    for (title, name) in [("attaches a second", "perSecond"), ("µs later by the gateway", "later")] {
        let which = if name == "perSecond" { "max" } else { "median" };
        let one = |figures: &Value| {
            of(figures, name, which).map_or_else(|| "-".to_owned(), |one| format!("{one:.0}"))
        };
        let cells: Vec<_> = rows.iter().map(|row| format!("{:>15}", one(&row.figures))).collect();
        println!("{title:<26} {:>15} {}", one(&bare.figures), cells.join(" "));
    }

    let least = |row: &Row, name: &str| {
        of(&row.figures, name, "min").with_context(|| format!("no figure for {name}"))
    };
    let floor =
        |name: &str| of(&bare.figures, name, "min").with_context(|| format!("no bare figure for {name}"));
    let mut missed = Vec::new();
    println!(
        "\n{:<44} {:>10} {:>12} {:>10}  verdict",
        "CPU in µs, the best of all rounds", "measured", "lower bound", "goal"
    );
    let mut judge = |what: &str, measured: f64, bound: Option<f64>, goal: Option<f64>| {
        let verdict = match goal {
            None => "-",
            Some(goal) if measured <= goal => "reached",
            Some(_) => "MISSED",
        };
        let shown = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), precise);
        println!("{what:<44} {:>10} {:>12} {:>10}  {verdict}", precise(measured), shown(bound), shown(goal));
        if verdict == "MISSED" {
            missed.push(what.to_owned());
        }
    };
    for row in rows {
        let what = format!("gateway, added to a call: {}", title(row));
        judge(&what, least(row, "added")?, Some(floor("added")?), Some(GOAL_GATEWAY));
    }
    for row in rows {
        let what = format!("attach: {}", title(row));
        judge(&what, least(row, "attach")?, Some(floor("attach")? + bare.aka), None);
    }
    println!("{:<44} {:>10} {:>12}", "  of which two vectors alone, natively", "", precise(bare.aka));
    if rows.len() > 1 {
        let mut all = rows.iter().map(|row| least(row, "attach")).collect::<Result<Vec<_>>>()?;
        all.sort_by(f64::total_cmp);
        if let [cheapest, .., dearest] = all[..] {
            judge("attach, the dearest by the cheapest", dearest / cheapest, Some(1.0), Some(GOAL_FLAT));
        }
    }
    if missed.is_empty() {
        println!("\ngoals: all reached");
        return Ok(());
    }
    bail!("goals missed: {}", missed.join("; "))
}

fn of(figures: &Value, name: &str, which: &str) -> Option<f64> {
    figures[name][which].as_f64()
}

fn precise(number: f64) -> String {
    if number < 10.0 { format!("{number:.2}") } else { format!("{number:.0}") }
}
