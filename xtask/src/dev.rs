//! `cargo xtask dev`: everything on this machine, until Ctrl-C.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::build::{self, Profile};
use crate::place::Place;
use crate::stack::{self, Stack};
use crate::state::State;
use crate::{seed, setup};

/// Options of `cargo xtask dev`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The port of the page, on this machine only
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Where everything is remembered from one start to the next
    #[arg(long, value_name = "DIR", default_value = ".state")]
    state: PathBuf,
    /// Use the certificates in this folder instead of a PKI of its own: GSMA's published ones
    /// (SGP.26), or what `cargo xtask pki` wrote
    #[arg(long, visible_alias = "pki", value_name = "DIR")]
    sgp26: Option<PathBuf>,
    /// Which LPAs the SM-DP+ serves: `open`, all of them, or `certificate`, only those that prove
    /// possession of a key that this laboratory has certified (the page's own does)
    #[arg(long, value_name = "WHICH", default_value = "open", value_parser = ["open", "certificate"])]
    admission: String,
    /// An SM-DP+ of others that the page may reach through the network's gateway, for a real card: its
    /// `host[:port]`, as often as there are such
    #[arg(long, value_name = "HOST")]
    outside_sm: Vec<String>,
    /// Certificates that it may be known by beside the public ones, such as those of a GSMA CI: a PEM file
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    /// Build it as it is shipped (slower to build, faster to run)
    #[arg(long)]
    release: bool,
    /// Start what was built before, stale or not
    #[arg(long, conflicts_with = "release")]
    no_build: bool,
}

/// Runs `cargo xtask dev`.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    // What can be refused is refused before the long work.
    let mut state = State::open(&options.state, options.sgp26.as_deref())?;
    let lpa = if options.admission == "certificate" { Some(state.certify_lpas()?) } else { None };
    state.lead_outside(&options.outside_sm, options.trust.as_deref())?;
    stack::check_port(options.port)?;
    let kit = setup::ensure(place, &build::NEEDS)?;
    if !options.no_build {
        build::everything(place, &kit, if options.release { Profile::Release } else { Profile::Dev })?;
    }

    println!("starting the workers …");
    let mut stack = Stack::start(place, &kit, &state, options.port)?;
    let order = seed::seed(&stack, &state);
    println!("\n  page             {}", stack.url());
    match order {
        Ok(Some(order)) => println!("  activation code  {}    ({})", order.activation_code, order.name),
        Ok(None) => println!("  activation code  none is left: every profile here was ordered and used"),
        // The workers run, and there is a console to see why.
        Err(error) => {
            println!("  activation code  none could be made: {error:#}");
            stack.check()?;
        }
    }
    println!("  console          {}/operator/console/", stack.url());
    println!("  operator token   {}", state.operator_token());
    if let Some(lpa) = lpa {
        println!("  certified LPA    {}", lpa.display());
    }
    println!("  kept in          {}", options.state.display());
    println!("  log              {}", stack.log().display());
    println!("\nCtrl-C stops everything; what it knows is kept for the next start.");
    if options.open {
        open(&stack.url());
    }
    while !stack::is_stopping() {
        stack.check()?;
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("\nstopping …");
    stack.stop()
}

/// Opens the page with whatever this machine opens pages with.
fn open(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if Command::new(opener).arg(url).spawn().is_err() {
        println!("there is no {opener} here: open {url} yourself");
    }
}
