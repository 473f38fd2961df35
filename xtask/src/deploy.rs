//! `cargo xtask deploy`: the workers, optimised, to Cloudflare; or with `--dry-run` all of
//! that but the last step.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::build::{self, Profile};
use crate::place::Place;
use crate::process;
use crate::setup::{self, Kit};
use crate::stack;
use crate::state::private;

/// Options of `cargo xtask deploy`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build and bundle everything, upload nothing
    #[arg(long)]
    dry_run: bool,
}

/// What is bound to another comes after it: where that does not exist yet, the upload fails.
/// The first two are bound to each other ([`without_network`]).
const ORDER: [&str; 3] = ["edge-smdp", "net-policy-worker", "www"];

/// Runs `cargo xtask deploy`.
pub(crate) fn run(place: &Place, options: &Options) -> Result<()> {
    if !options.dry_run && std::env::var_os("CLOUDFLARE_API_TOKEN").is_none() {
        bail!("deploying needs CLOUDFLARE_API_TOKEN in the environment; `--dry-run` does not");
    }
    let kit = setup::ensure(place, &build::NEEDS)?;
    build::everything(place, &kit, Profile::Release)?;
    if !options.dry_run && is_missing(&kit, NETWORK)? {
        println!("{NETWORK} is not there yet: {SMDP} is uploaded without it first, and with it afterwards");
        let first = without_network(stack::configuration(place, SMDP)?)?;
        // Beside the member's own: its paths are relative to it.
        let path = place.root.join(SMDP).join("wrangler.first.json");
        private(&path, serde_json::to_string_pretty(&first)?.as_bytes())?;
        let uploaded = process::run(kit.command("wrangler").args(["deploy", "--config"]).arg(&path));
        std::fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        uploaded?;
        process::run(&mut upload(place, &kit, NETWORK))?;
    }
    for worker in ORDER {
        let mut wrangler = upload(place, &kit, worker);
        if options.dry_run {
            wrangler.args(["--dry-run", "--outdir"]).arg(place.scratch().join("deploy").join(worker));
        }
        process::run(&mut wrangler)?;
    }
    Ok(())
}

const SMDP: &str = "edge-smdp";
const NETWORK: &str = "net-policy-worker";

fn upload(place: &Place, kit: &Kit, worker: &str) -> std::process::Command {
    let mut wrangler = kit.command("wrangler");
    wrangler.args(["deploy", "--config"]).arg(place.root.join(worker).join("wrangler.jsonc"));
    wrangler
}

/// What the platform's API answers of a worker that it does not know.
const NO_SUCH_WORKER: &str = "10007";

/// Whether the platform says that there is no such worker. Where it says something else, the
/// uploads fail as it has it: without the network nothing is uploaded over one that is bound.
fn is_missing(kit: &Kit, worker: &str) -> Result<bool> {
    let mut wrangler = kit.command("wrangler");
    wrangler.args(["deployments", "list", "--name", worker]);
    let output = wrangler.output().context("cannot start wrangler")?;
    let said = [output.stdout, output.stderr].concat();
    Ok(!output.status.success() && String::from_utf8_lossy(&said).contains(NO_SUCH_WORKER))
}

/// The SM-DP+'s configuration without the network, which can't be bound before it exists; and it
/// can't exist before the SM-DP+, which it binds.
fn without_network(mut configuration: Value) -> Result<Value> {
    let services = configuration["services"].as_array_mut().context("edge-smdp binds no services")?;
    services.retain(|service| service["service"] != NETWORK);
    Ok(configuration)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_upload_binds_nothing_that_is_not_there() {
        let place = Place::find().unwrap();
        let bound = |configuration: &Value| -> Vec<String> {
            let services = configuration["services"].as_array().cloned().unwrap_or_default();
            services.iter().filter_map(|service| service["service"].as_str().map(str::to_owned)).collect()
        };
        let whole = stack::configuration(&place, SMDP).unwrap();
        let first = without_network(whole.clone()).unwrap();
        assert_eq!((bound(&whole), bound(&first)), (vec![NETWORK.to_owned()], vec![]));
        assert_eq!(bound(&stack::configuration(&place, NETWORK).unwrap()), [SMDP]);
        let bare = |mut configuration: Value| {
            configuration["services"] = json!([]);
            configuration
        };
        assert_eq!(bare(whole), first, "and is the same otherwise");
    }
}
