//! `cargo xtask deploy`: the workers, optimised, to Cloudflare; or with `--dry-run` all of
//! that but the last step.

use anyhow::{Result, bail};

use crate::build::{self, Profile};
use crate::place::Place;
use crate::process;
use crate::setup;

/// Options of `cargo xtask deploy`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build and bundle everything, upload nothing
    #[arg(long)]
    dry_run: bool,
}

/// What is bound to another comes after it: where that does not exist yet, the upload fails.
const ORDER: [&str; 3] = ["edge-smdp", "net-policy-worker", "www"];

/// Runs `cargo xtask deploy`.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    if !options.dry_run && std::env::var_os("CLOUDFLARE_API_TOKEN").is_none() {
        bail!("deploying needs CLOUDFLARE_API_TOKEN in the environment; `--dry-run` does not");
    }
    let kit = setup::ensure(place, &build::NEEDS)?;
    build::everything(place, &kit, Profile::Release)?;
    for worker in ORDER {
        let mut wrangler = kit.command("wrangler");
        wrangler.args(["deploy", "--config"]).arg(place.root.join(worker).join("wrangler.jsonc"));
        if options.dry_run {
            wrangler.args(["--dry-run", "--outdir"]).arg(place.scratch().join("deploy").join(worker));
        }
        process::run(&mut wrangler)?;
    }
    Ok(())
}
