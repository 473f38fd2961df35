//! `cargo xtask bench policy`: the network natively, in one process: decisions, attaches, calls
//! through the gateway. What is measured is `net-policy-worker/examples/bench.rs`.

use anyhow::Result;

use crate::place::Place;
use crate::process;
use crate::setup;

/// The part's name.
pub(super) const NAME: &str = "policy";

/// Runs it; the arguments are the example's.
pub(super) fn run(place: &Place, arguments: &[String]) -> Result<()> {
    println!("\n== bench: {NAME}");
    let kit = setup::ensure(place, &[])?;
    let mut cargo = kit.command("cargo");
    cargo.args(["run", "--quiet", "--release", "--package", "net-policy-worker", "--example", "bench", "--"]);
    process::run(cargo.args(arguments))
}
