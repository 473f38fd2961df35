//! `cargo xtask bench policy`: what the network's decisions, attaches and gateway cost.
//!
//! Natively, in one process: `net-policy-worker/examples/bench.rs`. In its runtime, with its objects on
//! disk: [`runtime`].

mod runtime;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::place::Place;
use crate::process;
use crate::setup;

/// The part's name.
pub(super) const NAME: &str = "policy";

#[derive(Parser)]
#[command(no_binary_name = true, name = "cargo xtask bench policy --")]
struct Options {
    /// A quick look: without a million subscribers, and three rounds
    #[arg(long)]
    few: bool,
    /// Only this half
    #[arg(long)]
    only: Option<Half>,
    /// In the runtime: with how many subscribers; several, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1,1000,1000000")]
    subscribers: Vec<u64>,
    /// In the runtime: with how many policy rules; several, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "10,10000")]
    rules: Vec<u64>,
    /// In the runtime: how often each figure is taken, 7 at most: one subscriber alone attaches only so
    /// often in a minute
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=7))]
    rounds: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Half {
    Native,
    Runtime,
}

/// Runs `cargo xtask bench policy`.
pub(super) fn run(place: &Place, arguments: &[String]) -> Result<()> {
    println!("\n== bench: {NAME}");
    let mut options = Options::try_parse_from(arguments)?;
    if options.few {
        options.subscribers.retain(|count| *count <= 1_000);
        options.rounds = options.rounds.min(3);
    }
    if options.only != Some(Half::Runtime) {
        let kit = setup::ensure(place, &[])?;
        let mut cargo = kit.command("cargo");
        cargo.args(["run", "--quiet", "--release", "--package", "net-policy-worker", "--example", "bench"]);
        if options.few {
            cargo.args(["--", "--few"]);
        }
        process::run(&mut cargo)?;
    }
    if options.only == Some(Half::Native) {
        return Ok(());
    }
    runtime::run(place, &options)
}

/// Its second half alone, for who runs all examples anyway.
pub(super) fn in_runtime(place: &Place) -> Result<()> {
    run(place, &["--only".to_owned(), "runtime".to_owned()])
}
