//! `cargo xtask euicc`: the chip for programs outside, on standard input and output or in a
//! virtual PC/SC reader. The program is wasm-euicc's own (`wasm-euicc/src/bin/euicc.rs`); it is
//! built when it is stale, and takes this process's place.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::process;
use crate::setup::Kit;

/// Options of `cargo xtask euicc`.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// `stdio`, `vpcd` or `modem` and what they take; `--help` tells more
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// What cargo is told to make of it.
const PROGRAM: [&str; 6] = ["--package", "wasm-euicc", "--features", "wasm-euicc/cli", "--bin", "euicc"];

/// Runs `cargo xtask euicc`; comes back only with an error.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    if !place.target.join("release/euicc").is_file() {
        // Standard output is the chip's.
        eprintln!("building the chip, once …");
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--manifest-path"]).arg(place.root.join("Cargo.toml"));
    cargo.args(PROGRAM).arg("--").args(&options.arguments);
    Err(cargo.exec()).context("cannot start cargo")
}

/// The program as tests run it, built if it is stale.
pub(crate) fn program(place: &Place, kit: &Kit) -> Result<PathBuf> {
    process::run(kit.command("cargo").args(["build", "--quiet"]).args(PROGRAM))?;
    Ok(place.target.join("debug/euicc"))
}
