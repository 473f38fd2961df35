//! `cargo xtask bench`: what things cost.
//!
//! A member that has something to measure brings an example named `bench`; it times itself
//! and prints its own table.

use anyhow::{Result, bail};

use crate::metadata::Metadata;
use crate::place::Place;
use crate::process;
use crate::setup;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this member's
    part: Option<String>,
    /// Handed on to the benchmark
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs `cargo xtask bench`.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
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
        bail!("there is no such benchmark; members with one: {}", all.join(", "));
    }
    for member in chosen {
        println!("\n== bench: {member}");
        let mut cargo = kit.command("cargo");
        cargo.args(["run", "--quiet", "--release", "--package", member, "--example", "bench", "--"]);
        process::run(cargo.args(&options.arguments))?;
    }
    Ok(())
}
