//! `cargo xtask fuzz`: libFuzzer against the chip's doors, with the compiler that is there.
//!
//! What a fuzzer needs of the compiler, a count of every edge of the program, LLVM adds by a
//! pass that stable rustc can be told to run; libFuzzer comes with the crate `libfuzzer-sys`
//! and is compiled by the C++ compiler of the machine. Neither nightly nor cargo-fuzz is used.
//!
//! New inputs go to the folder `target/xtask/fuzz/TARGET`. At the end what of them reaches new
//! code is added to the corpus in git, and an input that broke the chip is made as small as
//! can be and kept there as `crash-…`: the ordinary tests replay both.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::metadata::Metadata;
use crate::place::Place;
use crate::process;
use crate::setup;

/// Options of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this target
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

const MEMBER: &str = "fuzz";

/// What libFuzzer reads: a counter for every edge, a table of them, and what is compared.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Inputs longer than this tell nothing that shorter ones do not; a package of ours fits.
const LONGEST: u32 = 6000;

/// Runs `cargo xtask fuzz`: every target in turn, and tells at the end which were broken.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    let kit = setup::ensure(place, &[])?;
    let metadata = Metadata::read(place, None)?;
    let member = metadata.member(MEMBER)?;
    let all: Vec<&str> = member
        .targets
        .iter()
        .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
        .map(|target| target.name.as_str())
        .collect();
    let chosen: Vec<&str> = match options.target.as_deref() {
        None => all.clone(),
        Some(wanted) => all.iter().copied().filter(|name| *name == wanted).collect(),
    };
    if chosen.is_empty() {
        bail!("there is no such target; there are: {}", all.join(", "));
    }

    // A triple of its own keeps the flags away from build scripts and macros.
    let triple = host(&kit)?;
    let folder = place.target.join("fuzz");
    let mut cargo = kit.command("cargo");
    cargo.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    cargo.args(["build", "--package", MEMBER, "--bins", "--features", "libfuzzer", "--profile", "fuzz"]);
    cargo.args(["--target", &triple, "--target-dir"]).arg(&folder);
    process::run(&mut cargo)?;

    let programs = folder.join(&triple).join("fuzz");
    let mut broken = Vec::new();
    for target in chosen {
        println!("\n== fuzz: {target}");
        let scratch = place.scratch().join("fuzz").join(target);
        let corpus = member.folder().join("corpus").join(target);
        fs::create_dir_all(&scratch)?;
        fs::create_dir_all(&corpus)?;
        let campaign = Campaign { program: &programs.join(target), scratch: &scratch, corpus: &corpus };
        if let Err(error) = campaign.run(options.seconds) {
            println!("{error:#}");
            broken.push(target);
        }
    }
    if !broken.is_empty() {
        bail!("the fuzzer broke: {}", broken.join(", "));
    }
    Ok(())
}

/// The triple of this machine.
fn host(kit: &setup::Kit) -> Result<String> {
    let version = process::output(kit.command("rustc").arg("-vV"))?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc does not say what it runs on")?.to_owned())
}

/// One target's run.
struct Campaign<'a> {
    program: &'a Path,
    scratch: &'a Path,
    corpus: &'a Path,
}

impl Campaign<'_> {
    fn run(&self, seconds: u32) -> Result<()> {
        let found = self.scratch.join("found");
        let inputs = self.scratch.join("inputs");
        for folder in [&found, &inputs] {
            fs::create_dir_all(folder)?;
        }
        let mut fuzzer = Command::new(self.program);
        fuzzer.arg(&inputs).arg(self.corpus);
        fuzzer.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={LONGEST}"));
        // A command that takes seconds is one that does not end.
        fuzzer.args(["-timeout=10", "-rss_limit_mb=1024", "-verbosity=1", "-print_final_stats=1"]);
        fuzzer.arg(format!("-artifact_prefix={}/", found.display()));
        let outcome = process::run(&mut fuzzer);
        for input in crate::build::files(&found)?.into_values() {
            self.keep(&input)?;
            fs::remove_file(&input)?;
        }
        outcome?;
        // Only what reaches code that the corpus did not.
        let mut merge = Command::new(self.program);
        process::run(merge.args(["-merge=1", "-use_counters=0"]).arg(self.corpus).arg(&inputs))
    }

    /// Makes an input that broke the chip small, and keeps it for the ordinary tests.
    fn keep(&self, input: &Path) -> Result<()> {
        let name = input.file_name().context("an input without a name")?;
        let small = self.corpus.join(name);
        let mut minimise = Command::new(self.program);
        minimise.args(["-minimize_crash=1", "-max_total_time=30"]);
        minimise.arg(format!("-exact_artifact_path={}", small.display())).arg(input);
        // It ends with an error whether or not it found a smaller one.
        if let Err(error) = process::run(&mut minimise) {
            println!("{error:#}");
        }
        if !small.is_file() {
            fs::copy(input, &small)?;
        }
        println!("kept: {}", small.display());
        Ok(())
    }
}
