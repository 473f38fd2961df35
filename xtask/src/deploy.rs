//! `cargo xtask deploy`: the workers, optimised, to Cloudflare; or with `--dry-run` all of
//! that but the last step.

use anyhow::{Result, bail};

use crate::build::{self, Profile, WORKERS};
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

/// Runs `cargo xtask deploy`.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    if !options.dry_run && std::env::var_os("CLOUDFLARE_API_TOKEN").is_none() {
        bail!("deploying needs CLOUDFLARE_API_TOKEN in the environment; `--dry-run` does not");
    }
    let kit = setup::ensure(place, &build::NEEDS)?;
    build::everything(place, &kit, Profile::Release)?;
    // Those behind the site first: it is bound to them.
    for worker in WORKERS.iter().rev() {
        let mut wrangler = kit.command("wrangler");
        wrangler.args(["deploy", "--config"]).arg(place.root.join(worker).join("wrangler.jsonc"));
        if options.dry_run {
            wrangler.args(["--dry-run", "--outdir"]).arg(place.scratch().join("deploy").join(worker));
        }
        process::run(&mut wrangler)?;
    }
    Ok(())
}
