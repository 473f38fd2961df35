//! What the tasks need on a machine, and getting it.
//!
//! Each step first looks whether its thing is there and then costs nothing. Programs that
//! cargo builds, and Node where the machine's own is too old, go into folders named by
//! version under [`Place::tools`], shared by all checkouts and found again next time.

mod browser;
mod firefox;
mod npm;
mod pcsc;
mod rust;
mod tools;
mod tshark;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;
use std::{env, fs, thread};

use anyhow::{Result, anyhow, bail};
use sha2::{Digest, Sha256};

use crate::place::Place;
use crate::process;
pub(crate) use crate::setup::browser::Browser;
pub(crate) use crate::setup::pcsc::has_library as has_pcsc_library;
pub(crate) use crate::setup::rust::WASM;

/// Options of `cargo xtask setup`.
#[derive(clap::Args)]
pub(crate) struct Options {}

/// Something a task cannot do without.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The `wasm32-unknown-unknown` target.
    Wasm,
    /// wasm-bindgen, its test runner, wasm-pack.
    WasmTools,
    /// wasm-split-cli.
    WasmSplit,
    /// worker-build.
    WorkerBuild,
    /// wrangler, esbuild, wasm-opt, Playwright; and a Node they run on.
    Npm,
    /// Chromium or Chrome, with its driver.
    Browser,
    /// cargo-deny.
    Deny,
    /// pcscd, vpcd, a client and the library, where they can be installed; nothing fails without.
    PcSc,
    /// Firefox, where it can be installed; nothing fails without.
    Firefox,
    /// Wireshark's tshark, where it can be installed; nothing fails without.
    Tshark,
}

/// Everything, in the order it is told.
const ALL: [Need; 10] = [
    Need::Wasm,
    Need::WasmTools,
    Need::WasmSplit,
    Need::WorkerBuild,
    Need::Deny,
    Need::Npm,
    Need::Browser,
    Need::PcSc,
    Need::Firefox,
    Need::Tshark,
];

/// The tools that were asked for, ready to be run.
pub(crate) struct Kit {
    place: Place,
    /// Variables for cargo when it builds WebAssembly.
    wasm: Vec<(&'static str, String)>,
    /// Folders put before the PATH.
    path: Vec<PathBuf>,
    /// Variables for everything.
    variables: Vec<(&'static str, OsString)>,
    /// The browser, if it was asked for.
    browser: Option<Browser>,
    /// A second engine, if it was asked for and is there.
    firefox: Option<PathBuf>,
}

/// Runs `cargo xtask setup`.
pub(crate) fn run(place: &Place, _options: &Options) -> Result<()> {
    let start = Instant::now();
    println!("tools are kept in {}", place.tools.display());
    ensure(place, &ALL)?;
    println!("setup: everything is there ({})", process::since(start));
    Ok(())
}

/// Sees to it that what a task needs is there.
///
/// What cargo compiles goes one after the other; npm, the system's packages and rustup work
/// beside it.
pub(crate) fn ensure(place: &Place, needs: &[Need]) -> Result<Kit> {
    let wanted = |need| needs.contains(&need);
    let report = Report::default();
    let kit = Mutex::new(Kit {
        place: place.clone(),
        wasm: Vec::new(),
        path: Vec::new(),
        variables: Vec::new(),
        browser: None,
        firefox: None,
    });
    let change = |change: &dyn Fn(&mut Kit)| {
        // Only poisoned if another lane panicked, which its join reports.
        if let Ok(mut kit) = kit.lock() {
            change(&mut kit);
        }
    };

    let compiled = || -> Result<()> {
        if wanted(Need::WasmTools) {
            let bin = tools::wasm_tools(place, &report)?;
            change(&|kit| {
                kit.variables.push(("WASM_BINDGEN_BIN", bin.join("wasm-bindgen").into()));
                kit.path.push(bin.clone());
            });
        }
        if wanted(Need::WasmSplit) {
            let bin = tools::wasm_split(place, &report)?;
            change(&|kit| kit.path.push(bin.clone()));
        }
        if wanted(Need::WorkerBuild) {
            let bin = tools::worker_build(place, &report)?;
            change(&|kit| kit.path.push(bin.clone()));
        }
        if wanted(Need::Deny) {
            let bin = tools::cargo_deny(place, &report)?;
            change(&|kit| kit.path.push(bin.clone()));
        }
        Ok(())
    };
    let target = || -> Result<()> {
        if wanted(Need::Wasm) {
            let variables = rust::wasm_target(place, &report)?;
            change(&|kit| kit.wasm.clone_from(&variables));
        }
        Ok(())
    };
    let packages = || -> Result<()> {
        if wanted(Need::Npm) {
            let node = npm::node(place, &report)?;
            npm::packages(place, &report)?;
            change(&|kit| {
                kit.path.extend(node.clone());
                kit.path.push(place.e2e().join("node_modules/.bin"));
                kit.variables.push(("WASM_OPT_BIN", place.npm_bin("wasm-opt").into()));
                kit.variables.push(("ESBUILD_BIN", place.npm_bin("esbuild").into()));
            });
        }
        Ok(())
    };
    let browser = || -> Result<()> {
        if wanted(Need::Browser) {
            let found = browser::ensure(place, &report)?;
            change(&|kit| kit.browser = Some(found.clone()));
        }
        if wanted(Need::PcSc) {
            pcsc::ensure(place, &report);
        }
        if wanted(Need::Tshark) {
            tshark::ensure(place, &report);
        }
        if wanted(Need::Firefox) {
            let found = firefox::ensure(place, &report);
            change(&|kit| kit.firefox.clone_from(&found));
        }
        Ok(())
    };

    // The target first: without it nothing else is of use. apt and npm may both want the
    // system's packages (npm itself), so they share a lane.
    let lanes: [&(dyn Fn() -> Result<()> + Sync); 3] =
        [&compiled, &target, &|| packages().and_then(|()| browser())];
    let failures: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = lanes.into_iter().map(|lane| scope.spawn(lane)).collect();
        running
            .into_iter()
            .filter_map(|lane| match lane.join() {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{error:#}")),
                Err(_) => Some("a step of the set-up panicked".to_owned()),
            })
            .collect()
    });
    if !failures.is_empty() {
        bail!("set-up is not complete.\n{}", failures.join("\n\n"));
    }
    kit.into_inner().map_err(|_| anyhow!("a step of the set-up panicked"))
}

impl Kit {
    /// A command that finds the tools and asks the network for nothing on its own.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let program = Path::new(program.as_ref());
        let path = self.path();
        // Looked up here: the child's PATH does not count for finding the child itself.
        let found = env::split_paths(&path)
            .map(|folder| folder.join(program))
            .find(|candidate| program.components().count() == 1 && candidate.is_file());
        let mut command = Command::new(found.as_deref().unwrap_or(program));
        command.current_dir(&self.place.root).env("PATH", path);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_SEND_ERROR_REPORTS", "false")
            .env("WRANGLER_HIDE_BANNER", "true")
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
        command
    }

    /// Like [`Self::command`], for whatever builds WebAssembly with cargo.
    pub(crate) fn wasm_command(&self, program: &str) -> Command {
        let mut command = self.command(program);
        command.envs(self.wasm.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Whether WebAssembly is built with another compiler than the rest.
    pub(crate) fn wasm_is_apart(&self) -> bool {
        !self.wasm.is_empty()
    }

    /// Firefox, where it is.
    pub(crate) fn firefox(&self) -> Option<&Path> {
        self.firefox.as_deref()
    }

    /// The browser and its driver.
    pub(crate) fn browser(&self) -> Result<&Browser> {
        self.browser.as_ref().ok_or_else(|| anyhow!("the browser was not asked for"))
    }

    fn path(&self) -> OsString {
        let before = env::var_os("PATH").unwrap_or_default();
        let all = self.path.iter().cloned().chain(env::split_paths(&before));
        env::join_paths(all).unwrap_or(before)
    }
}

/// Tells what the set-up does, one line a step.
#[derive(Default)]
struct Report {
    line: Mutex<()>,
}

impl Report {
    /// Tells what is about to be done and does it.
    fn step<T>(&self, name: &str, what: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
        self.say(&format!("setup: {name}: {what}"));
        let start = Instant::now();
        let made = act();
        let outcome = if made.is_ok() { "done" } else { "FAILED" };
        self.say(&format!("setup: {name}: {outcome} ({})", process::since(start)));
        made
    }

    fn say(&self, line: &str) {
        let _one_at_a_time = self.line.lock();
        println!("{line}");
    }
}

/// A log file for a step.
fn log(place: &Place, step: &str) -> PathBuf {
    place.scratch().join("log").join(format!("setup-{step}.log"))
}

/// A name for a content.
fn digest(files: &[&Path]) -> Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(fs::read(file)?);
    }
    Ok(hex::encode(hash.finalize()).chars().take(12).collect())
}

/// Fills a folder so that it is there completely or not at all.
fn folder(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    fs::create_dir_all(&partial)?;
    let filled = fill(&partial).and_then(|()| match fs::rename(&partial, path) {
        Ok(()) => Ok(()),
        // Another task was faster.
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error.into()),
    });
    if partial.is_dir() {
        fs::remove_dir_all(&partial)?;
    }
    filled
}
