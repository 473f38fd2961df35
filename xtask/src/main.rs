//! The project's tasks: `cargo xtask setup | dev | euicc | test | lint | fuzz | bench | build |
//! deploy`.
//!
//! Every task first sets up what it needs and is missing, says so, and leaves alone what is
//! there. Nothing is fetched except through cargo, npm, rustup and the system's packages, so
//! a machine behind a mirror of those works like any other.

mod bench;
mod build;
mod conformance;
mod deploy;
mod dev;
mod euicc;
mod fuzz;
mod iwa;
mod lint;
mod metadata;
mod names;
mod pki;
mod place;
mod process;
mod seed;
mod setup;
mod stack;
mod state;
mod test;
mod tidy;
mod trouble;
mod workerd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::place::Place;

/// The project's tasks.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the other tasks need (they do it themselves; this does all of it at once)
    Setup(setup::Options),
    /// Make a test PKI: certificates and keys for a chip and its servers
    Pki(pki::Options),
    /// Build the page, the chip and the three workers
    Build(build::Options),
    /// Bring up everything on this machine and print where it is
    Dev(dev::Options),
    /// The chip on standard input and output, or in a virtual PC/SC reader
    Euicc(euicc::Options),
    /// Run every test
    Test(test::Options),
    /// Formatting, clippy, licences, documentation, and the rules of ARCHITECTURE.md
    Lint(lint::Options),
    /// Let a fuzzer think of bytes for the chip
    Fuzz(fuzz::Options),
    /// Run the benchmarks and print what things cost
    Bench(bench::Options),
    /// Hand the workers to Cloudflare
    Deploy(deploy::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Place::find().and_then(|place| match arguments.task {
        Task::Setup(options) => setup::run(&place, &options),
        Task::Pki(options) => pki::run(&place, &options),
        Task::Build(options) => build::run(&place, &options),
        Task::Dev(options) => dev::run(&place, &options),
        Task::Euicc(options) => euicc::run(&place, &options),
        Task::Test(options) => test::run(&place, &options),
        Task::Lint(options) => lint::run(&place, &options),
        Task::Fuzz(options) => fuzz::run(&place, &options),
        Task::Bench(options) => bench::run(&place, &options),
        Task::Deploy(options) => deploy::run(&place, &options),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
