//! `cargo xtask pki`: a test PKI of one's own, as files.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lab::{Curve, Eid, PkiWish, Validity};

use crate::place::Place;
use crate::state::{self, SMDP_ADDRESS};

const DAY: u64 = 24 * 60 * 60;

/// Options of `cargo xtask pki`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder the certificates (DER) and keys (PKCS#8, PEM) are written to, laid out as those
    /// of SGP.26
    #[arg(long, value_name = "DIR", default_value = "pki")]
    out: PathBuf,
    /// The host name of the SM-DP+ in its TLS certificate
    #[arg(long, value_name = "HOST", default_value = SMDP_ADDRESS)]
    smdp_address: String,
    /// A Certificate Issuer with everything under it on this curve (may be given twice); both
    /// curves without it
    #[arg(long, value_name = "CURVE", value_parser = curve)]
    curve: Vec<Curve>,
    /// The EID of the eUICC, 32 digits; its first eight bind the manufacturer
    #[arg(long, value_name = "EID", value_parser = eid, default_value = lab::EID)]
    eid: Eid,
    /// How many days the certificates are good for
    #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u64).range(1..=365_000))]
    days: u64,
}

fn curve(text: &str) -> Result<Curve, String> {
    match text {
        "p256" => Ok(Curve::P256),
        "brainpool" => Ok(Curve::BrainpoolP256r1),
        _ => Err("p256, brainpool".into()),
    }
}

fn eid(text: &str) -> Result<Eid, String> {
    let eid: Eid = text.parse().map_err(|error| format!("{error}"))?;
    if eid.has_valid_check_digits() { Ok(eid) } else { Err("its check digits are wrong (SGP.29)".into()) }
}

/// Runs `cargo xtask pki`.
pub(crate) fn run(_place: &Place, options: &Options) -> Result<()> {
    let Options { out, smdp_address, curve, eid, days } = options;
    if out.join("CertificateIssuer").exists() {
        bail!("{} holds a PKI already; name another folder with --out", out.display());
    }
    let curves = if curve.is_empty() { Curve::ALL.to_vec() } else { curve.clone() };
    // A day early, for clocks that are late.
    let not_before = state::now()? - DAY;
    let wish = PkiWish {
        curves,
        eid: Some(*eid),
        smdp_address: smdp_address.split(':').next().unwrap_or_default().to_owned(),
        validity: Validity { not_before, not_after: not_before + (days + 1) * DAY },
    };
    let files = lab::pki_files(state::random()?, &wish)?;
    for file in &files {
        let path = out.join(&file.name);
        if file.is_secret {
            state::private(&path, &file.contents)?;
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::write(&path, &file.contents).with_context(|| format!("writing {}", path.display()))?;
    }
    println!("{} files are in {}; for tests only: nobody answers for these keys", files.len(), out.display());
    println!("\n  cargo xtask dev --pki {}  brings everything up with them;", out.display());
    println!("  docs/deploying.md says how a server is configured with them");
    Ok(())
}
