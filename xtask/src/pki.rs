//! `cargo xtask pki`: a test PKI of one's own, as files.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};

use crate::place::Place;
use crate::state::{self, SMDP_ADDRESS};

/// Options of `cargo xtask pki`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder the certificates (DER) and keys (PKCS#8, PEM) are written to
    #[arg(long, value_name = "DIR", default_value = "pki")]
    out: PathBuf,
    /// The host name of the SM-DP+ in its TLS certificate
    #[arg(long, value_name = "HOST", default_value = SMDP_ADDRESS)]
    smdp_address: String,
}

/// Runs `cargo xtask pki`.
pub(crate) fn run(_place: &Place, options: &Options) -> Result<()> {
    let Options { out, smdp_address } = options;
    if out.join("CERT_CI.der").exists() {
        bail!("{} holds a PKI already; name another folder with --out", out.display());
    }
    let pki = lab::Trust::pki(state::random()?, smdp_address, state::now()?)?;
    fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let files = pki.expose_files().map_err(|error| anyhow!("{error}"))?;
    for file in &files {
        let path = out.join(&file.name);
        if file.is_secret {
            state::private(&path, &file.contents)?;
        } else {
            fs::write(&path, &file.contents).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    println!("{} files are in {}; for tests only: nobody answers for these keys", files.len(), out.display());
    Ok(())
}
