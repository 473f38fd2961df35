//! `cargo xtask bench`: what things cost.
//!
//! A member that has something to measure brings an example named `bench`; it times itself
//! and prints its own table. `euicc` is the chip in all the places it runs in: one session is
//! recorded natively and played to it in Node and in a browser. `smdp` is the SM-DP+ in its
//! runtime ([`smdp`]). `ccid` is the chip behind card readers, in simulated time. `page` is a first visit and an install in a browser ([`page`]).
//! `policy` is the network's decisions, attaches and gateway ([`policy`]).

mod page;
mod policy;
pub(crate) mod smdp;

use std::fs;

use anyhow::{Result, bail};

use crate::build;
use crate::metadata::Metadata;
use crate::place::Place;
use crate::process;
use crate::setup::{self, Need};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this member's; `euicc`: the chip natively, in Node and in a browser; `ccid`: an
    /// installation through card readers, in simulated time; `smdp`: the
    /// SM-DP+ under load in its runtime; `policy`: decisions, attaches and the gateway; `page`: the page in a browser
    part: Option<String>,
    /// Handed on to the benchmark
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs `cargo xtask bench`.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    if options.part.as_deref() == Some(EUICC) {
        return euicc(place);
    }
    if options.part.as_deref() == Some(CCID) {
        return ccid(place);
    }
    if options.part.as_deref() == Some(smdp::NAME) {
        return smdp::run(place, &options.arguments);
    }
    if options.part.as_deref() == Some(policy::NAME) {
        return policy::run(place, &options.arguments);
    }
    if options.part.as_deref() == Some(page::NAME) {
        return page::run(place);
    }
    let kit = setup::ensure(place, &[])?;
    let metadata = Metadata::read(place, None)?;
    let all: Vec<&str> = metadata
        .members()
        .filter(|member| member.has("example", "bench"))
        .map(|member| member.name.as_str())
        .collect();
    let chosen: Vec<&str> = match options.part.as_deref() {
        None => all.clone(),
        Some(part) => all.iter().copied().filter(|name| *name == part).collect(),
    };
    if chosen.is_empty() {
        bail!(
            "there is no such benchmark; there are: {EUICC}, {CCID}, {}, {}, {}, {}",
            smdp::NAME,
            policy::NAME,
            page::NAME,
            all.join(", ")
        );
    }
    for member in chosen {
        println!("\n== bench: {member}");
        let mut cargo = kit.command("cargo");
        cargo.args(["run", "--quiet", "--release", "--package", member, "--example", "bench", "--"]);
        process::run(cargo.args(&options.arguments))?;
    }
    if options.part.is_none() {
        euicc(place)?;
        ccid(place)?;
        smdp::run(place, &[])?;
        policy::in_runtime(place)?;
        page::run(place)?;
    }
    Ok(())
}

/// The readers' benchmark.
const CCID: &str = "ccid";

/// An installation through readers of every level: an example of the test kit, which has all
/// that is needed for one.
fn ccid(place: &Place) -> Result<()> {
    println!("\n== bench: {CCID}");
    let kit = setup::ensure(place, &[])?;
    let mut cargo = kit.command("cargo");
    process::run(cargo.args(["run", "--quiet", "--release", "--package", "testkit", "--example", CCID]))
}

/// The chip's benchmark.
const EUICC: &str = "euicc";

/// What the chip's module may be when it is compressed, in bytes.
const GOAL: u64 = 350_000;

fn euicc(place: &Place) -> Result<()> {
    println!("\n== bench: {EUICC}");
    let kit = setup::ensure(place, &[Need::Wasm, Need::WasmTools, Need::Npm, Need::Browser])?;
    build::npm(place, &kit)?;
    let package = build::npm_bench(place, &kit)?;
    let mut cargo = kit.command("cargo");
    cargo.args(["run", "--quiet", "--release", "--package", "testkit", "--features", "testkit/count"]);
    let session = process::output(cargo.args(["--example", "euicc"]))?;
    let recorded = place.scratch().join("bench-session.json");
    fs::write(&recorded, session)?;
    let mut node = kit.command("node");
    node.current_dir(place.e2e()).arg("bench/euicc.mjs");
    node.env("EUICC_SESSION", recorded)
        .env("EUICC_PACKAGE", package)
        .env("CHROMIUM", &kit.browser()?.program);
    process::run(&mut node)?;

    println!("\nmodule, in bytes     before opt  optimised    gzip -9     brotli");
    for (name, [raw, optimised, gzip, brotli]) in build::chip_sizes(place, &kit)? {
        println!("{name:20} {raw:>10} {optimised:>10} {gzip:>10} {brotli:>10}");
        if brotli > GOAL {
            println!("{name}: more than the {GOAL} bytes that are the goal");
        }
    }
    Ok(())
}
