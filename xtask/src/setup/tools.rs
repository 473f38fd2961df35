//! Programs that cargo builds from the registry.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::{Report, browser, digest, folder, log};
use crate::place::Place;
use crate::process;

/// Must be able to read what the `worker` crate of the lock file writes.
const WORKER_BUILD: &str = "0.8.7";
const CARGO_DENY: &str = "0.20.2";
/// Must understand the marks of the `wasm_split_helpers` that leptos takes.
const WASM_SPLIT: &str = "0.2.4";

/// The folder with wasm-bindgen, its test runner and wasm-pack, of the versions in
/// `xtask/tools/Cargo.lock`.
pub(super) fn wasm_tools(place: &Place, report: &Report) -> Result<PathBuf> {
    let source = place.root.join("xtask/tools");
    let (manifest, lock, main) =
        (source.join("Cargo.toml"), source.join("Cargo.lock"), source.join("src/main.rs"));
    let bin = place.tools.join(format!("wasm-tools-{}", digest(&[&manifest, &lock, &main])?));
    if bin.is_dir() {
        return Ok(bin);
    }
    report.step("wasm-tools", "compiling wasm-bindgen, its test runner and wasm-pack", || {
        folder(&bin, |partial| {
            let target = partial.join("target");
            let mut cargo = cargo(place);
            cargo.args(["build", "--locked", "--manifest-path"]).arg(&manifest);
            cargo.arg("--target-dir").arg(&target);
            process::logged("wasm-tools", &log(place, "wasm-tools"), &mut cargo)?;
            fs::rename(target.join("debug/tools"), partial.join("tools"))?;
            for name in ["wasm-bindgen", "wasm-bindgen-test-runner", "wasm-pack"] {
                symlink("tools", partial.join(name))?;
            }
            Ok(fs::remove_dir_all(target)?)
        })
    })?;
    Ok(bin)
}

/// The folder with worker-build.
pub(super) fn worker_build(place: &Place, report: &Report) -> Result<PathBuf> {
    // It links OpenSSL for the downloads that it is never asked to make.
    let has_openssl = || process::output(Command::new("pkg-config").args(["--exists", "openssl"])).is_ok();
    if !place.tools.join(format!("worker-build-{WORKER_BUILD}")).is_dir() && !has_openssl() {
        if !browser::may_install() {
            bail!("worker-build needs OpenSSL to compile (Debian: `apt-get install libssl-dev pkg-config`)");
        }
        report.step("openssl", "apt-get install libssl-dev pkg-config", || {
            browser::apt_install(place, &["libssl-dev", "pkg-config"])
        })?;
    }
    install(place, report, "worker-build", WORKER_BUILD, None)
}

/// The folder with wasm-split-cli, which takes a module apart.
pub(super) fn wasm_split(place: &Place, report: &Report) -> Result<PathBuf> {
    install(place, report, "wasm_split_cli_support", WASM_SPLIT, Some("build-binary"))
}

/// The folder with cargo-deny.
pub(super) fn cargo_deny(place: &Place, report: &Report) -> Result<PathBuf> {
    install(place, report, "cargo-deny", CARGO_DENY, None)
}

fn install(
    place: &Place,
    report: &Report,
    name: &str,
    version: &str,
    feature: Option<&str>,
) -> Result<PathBuf> {
    let root = place.tools.join(format!("{name}-{version}"));
    if !root.is_dir() {
        report.step(name, &format!("compiling {version}"), || {
            folder(&root, |partial| {
                let target = partial.join("target");
                let mut cargo = cargo(place);
                // They run for seconds: what counts is how fast they compile.
                cargo.args(["install", "--locked", "--debug", "--no-track", "--root"]).arg(partial);
                cargo.arg(format!("{name}@{version}"));
                cargo.args(feature.iter().flat_map(|feature| ["--features", feature]));
                cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_PROFILE_DEV_DEBUG", "0");
                process::logged(name, &log(place, name), &mut cargo)?;
                Ok(fs::remove_dir_all(target)?)
            })
        })?;
    }
    Ok(root.join("bin"))
}

/// Cargo, run in the checkout so that its tool chain is taken.
fn cargo(place: &Place) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&place.root).env_remove("RUSTFLAGS").env("CARGO_INCREMENTAL", "0");
    cargo
}
