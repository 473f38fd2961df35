//! `cargo xtask lint`: formatting, clippy, licences, documentation, the rules of the house.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::metadata::Metadata;
use crate::place::Place;
use crate::process;
use crate::setup::{self, Kit, Need, WASM};
use crate::tidy;

/// Options of `cargo xtask lint`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Repair what can be repaired (formatting) before looking
    #[arg(long)]
    fix: bool,
}

type Part = fn(&Place, &Kit, &Metadata) -> Result<()>;

/// Runs `cargo xtask lint`: every part, and tells at the end which of them failed.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    let kit = setup::ensure(place, &[Need::Wasm, Need::Deny])?;
    if options.fix {
        process::run(kit.command("cargo").args(["fmt", "--all"]))?;
    }
    let metadata = Metadata::read(place, None)?;
    let parts: [(&str, Part); 6] = [
        ("format", format),
        ("tidy", |place, _, metadata| tidy::check(place, metadata)),
        ("clippy", clippy),
        ("clippy for WebAssembly", clippy_wasm),
        ("licences and sources", deny),
        ("documentation", documentation),
    ];
    let mut failed = Vec::new();
    for (name, part) in parts {
        println!("\n== lint: {name}");
        let start = Instant::now();
        match part(place, &kit, &metadata) {
            Ok(()) => println!("== lint: {name}: fine ({})", process::since(start)),
            Err(error) => {
                println!("{error:#}\n== lint: {name}: FAILED ({})", process::since(start));
                failed.push(name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("lint found something: {}", failed.join(", "));
    }
    Ok(())
}

fn format(_place: &Place, kit: &Kit, _metadata: &Metadata) -> Result<()> {
    process::run(kit.command("cargo").args(["fmt", "--all", "--check"]))
}

fn clippy(_place: &Place, kit: &Kit, metadata: &Metadata) -> Result<()> {
    let mut cargo = kit.command("cargo");
    cargo.args(["clippy", "--quiet", "--keep-going", "--all-targets"]);
    cargo.args(metadata.natively());
    process::run(cargo.args(["--", "--deny", "warnings"]))
}

/// Members with a module of their own, which for the most part exists only on this target.
fn clippy_wasm(_place: &Place, kit: &Kit, metadata: &Metadata) -> Result<()> {
    if kit.wasm_is_apart() {
        println!("skipped: the compiler that has the target here comes without clippy");
        return Ok(());
    }
    let mut cargo = kit.wasm_command("cargo");
    cargo.env("WASM_BINDGEN_USE_JS_SYS", "1");
    cargo.args(["clippy", "--quiet", "--keep-going", "--target", WASM]);
    cargo.args(["--features", "wasm-euicc/bench"]);
    for member in metadata.members().filter(|member| member.makes_module()) {
        cargo.args(["--package", &member.name]);
    }
    process::run(cargo.args(["--", "--deny", "warnings"]))
}

fn deny(_place: &Place, kit: &Kit, _metadata: &Metadata) -> Result<()> {
    process::run(kit.command("cargo").args([
        "deny",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))?;
    // The list of known vulnerabilities lies elsewhere; a machine behind a mirror may not
    // reach it. Whether it can is found out apart from what it says.
    match process::output(kit.command("cargo").args(["deny", "fetch", "db"])) {
        Err(_) => {
            println!("advisories: skipped, the database cannot be reached from here");
            Ok(())
        }
        Ok(_) => process::run(kit.command("cargo").args(["deny", "--offline", "check", "advisories"])),
    }
}

fn documentation(_place: &Place, kit: &Kit, metadata: &Metadata) -> Result<()> {
    let mut cargo = kit.command("cargo");
    cargo.env("RUSTDOCFLAGS", "--deny warnings");
    cargo.args(["doc", "--quiet", "--no-deps", "--document-private-items"]);
    cargo.args(metadata.natively());
    process::run(&mut cargo)
}
