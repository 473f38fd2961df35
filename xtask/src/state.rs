//! What one laboratory remembers from one start to the next.
//!
//! ```text
//! STATE/seed             of all keys: PKI, subscribers (see crate lab), server secret
//! STATE/made             when, in seconds since 1970: certificates begin there
//! STATE/sgp26            where the certificates of SGP.26 lie, if they are used instead
//! STATE/operator-token   the operator's
//! STATE/LPA/             a CA of LPAs and an LPA, where only certified ones are served
//! STATE/workers/         the Durable Objects
//! STATE/wrangler/        the workers' configurations, with their secrets
//! STATE/wrangler.log     what they say
//! ```

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lab::chip::Other;
use lab::{HomeNetwork, Subscription, Trust, Validity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The address of the SM-DP+ in activation codes. Nothing resolves it: the page gets there
/// through the network's gateway. It does not name the port, so that chips and orders of an
/// earlier start stay good on another.
pub(crate) const SMDP_ADDRESS: &str = "smdp.example";

/// A laboratory's memory.
pub(crate) struct State {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Held while it is in use.
    _lock: File,
    seed: Zeroizing<[u8; 32]>,
    operator_token: String,
    trust: Trust,
    made: u64,
    /// The certificate of the LPA CA, where only certified LPAs are served.
    lpa_ca: Option<String>,
    /// What the page's LPA signs with there: the JSON of `/lab/lpa.json`.
    lpa: Option<Zeroizing<String>>,
    /// The SM-DP+s of others that the gateway leads to.
    outside: Vec<String>,
    /// Certificates by which the runtime may know them beside the public ones: a PEM file.
    pub(crate) trusted: Option<PathBuf>,
}

impl State {
    /// The memory in a folder, begun there the first time.
    ///
    /// `sgp26` names the folder of GSMA's published test certificates to use instead of a PKI
    /// of one's own; a memory stays with what it was begun with.
    pub(crate) fn open(folder: &Path, sgp26: Option<&Path>) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let lock = lock(&folder)?;
        let seed = seed(&folder)?;
        let made = made(&folder)?;
        let trust = match published(&folder, sgp26)? {
            Some(files) => Trust::sgp26(|name| fs::read(files.join(name)).ok())
                .with_context(|| format!("the certificates of SGP.26 in {}", files.display()))?,
            None => Trust::generate(*seed, SMDP_ADDRESS, made)?,
        };
        let operator_token = kept(&folder.join("operator-token"), || Ok(hex::encode(random::<16>()?)))?;
        Ok(Self {
            folder,
            _lock: lock,
            seed,
            operator_token,
            trust,
            made,
            lpa_ca: None,
            lpa: None,
            outside: Vec::new(),
            trusted: None,
        })
    }

    /// From now on the SM-DP+ serves only LPAs that this laboratory has certified; returns where
    /// the certificate and the key of one lie.
    pub(crate) fn certify_lpas(&mut self) -> Result<PathBuf> {
        const YEAR: u64 = 31_556_952;
        let validity = Validity { not_before: self.made, not_after: self.made + 30 * YEAR };
        let (mut certificate, mut key) = (Vec::new(), Zeroizing::new(String::new()));
        for file in lab::lpa_files(*self.seed, validity)? {
            private(&self.folder.join(&file.name), &file.contents)?;
            match file.name.as_str() {
                "LPA/CERT_LPA.der" => certificate = file.contents.to_vec(),
                "LPA/SK_LPA.pem" => *key = String::from_utf8(file.contents.to_vec())?,
                name if name.ends_with(".pem") && !file.is_secret => {
                    self.lpa_ca = Some(String::from_utf8(file.contents.to_vec())?);
                }
                _ => {}
            }
        }
        // Without its first and last line PEM is the base64 of PKCS#8.
        let key = Zeroizing::new(key.lines().filter(|line| !line.starts_with('-')).collect::<String>());
        let lpa = json!({ "certificate": STANDARD.encode(certificate), "privateKey": *key });
        self.lpa = Some(Zeroizing::new(lpa.to_string()));
        Ok(self.folder.join("LPA"))
    }

    /// From now on the network's gateway leads to these SM-DP+s over the Internet, too; in TLS they may be known
    /// by the certificates of a PEM file.
    pub(crate) fn lead_outside(&mut self, addresses: &[String], trusted: Option<&Path>) -> Result<()> {
        if let Some(file) = trusted {
            let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            if !text.contains("-----BEGIN CERTIFICATE-----") {
                bail!(
                    "there is no certificate in {}: make PEM of DER with `openssl x509 -inform der`",
                    file.display()
                );
            }
            self.trusted = Some(file.canonicalize()?);
        }
        // The network's worker looks closer; this is what is typed by habit.
        if let Some(address) = addresses.iter().find(|address| address.contains(['/', '@', ',', ' '])) {
            bail!("{address} is no host or host:port, such as smdp.example.com or 192.0.2.1:8443");
        }
        self.outside = addresses.to_vec();
        Ok(())
    }

    /// What the operator's surfaces ask for.
    pub(crate) fn operator_token(&self) -> &str {
        &self.operator_token
    }

    /// The subscription that the chip is made with.
    pub(crate) fn provisioning(&self) -> Subscription {
        Subscription::provisioning(&self.seed)
    }

    /// The contracts that can be ordered.
    pub(crate) fn operational(&self) -> Vec<Subscription> {
        Subscription::operational(&self.seed)
    }

    /// The variables of a worker in this laboratory, secrets among them.
    pub(crate) fn variables(&self, worker: &str) -> Value {
        match worker {
            "edge-smdp" => {
                let mut variables = json!({
                    "SMDP_ADDRESSES": SMDP_ADDRESS,
                    "SMDP_CREDENTIALS": self.trust.smdp_credentials().to_string(),
                    "SMDP_SECRET": self.smdp_secret(),
                    "OPERATOR_TOKEN": self.operator_token,
                    "FEEDER_TOKEN": self.derived("FEEDER_TOKEN"),
                });
                if let Some(ca) = &self.lpa_ca {
                    variables["LPA_ADMISSION"] = "certificate".into();
                    variables["LPA_CA"] = ca.as_str().into();
                }
                variables
            }
            "net-policy-worker" => {
                let mut variables = json!({
                    "SM_ADDRESSES": SMDP_ADDRESS,
                    "OPERATOR_TOKEN": self.operator_token,
                    "FEEDER_TOKEN": self.derived("FEEDER_TOKEN"),
                    "SUBSCRIBER_KEY": self.derived("SUBSCRIBER_KEY"),
                    "HOME_NETWORK_KEYS": HomeNetwork::new(&self.seed).variable().to_string(),
                });
                if !self.outside.is_empty() {
                    variables["OUTSIDE_SMS"] = self.outside.join(",").into();
                    // Whoever starts a laboratory on a machine may lead it into that machine's network.
                    variables["OUTSIDE_PRIVATE"] = "permitted".into();
                }
                variables
            }
            "www" => self.laboratory(),
            _ => json!({}),
        }
    }

    /// The public keys of the home network, as the SM-DP+ is told them with a subscriber.
    pub(crate) fn home_network_keys(&self) -> Value {
        HomeNetwork::new(&self.seed).public()
    }

    /// What the site gives the page of this laboratory under `/lab/`: keys of a test PKI, and
    /// the operator's token, for whoever is at this machine.
    fn laboratory(&self) -> Value {
        let mut variables = json!({
            "LAB_CHIP": self.trust.chip_identity(&self.provisioning()).to_string(),
            "LAB_OPERATOR": json!({ "token": self.operator_token }).to_string(),
        });
        for other in Other::ALL {
            // Of published certificates not every chip can be made.
            if let Ok(identity) = other.identity(&self.trust, &self.seed, self.made) {
                let name = other.word().to_ascii_uppercase().replace('-', "_");
                variables[format!("LAB_CHIP_{name}")] = identity.to_string().into();
            }
        }
        if let Some(lpa) = &self.lpa {
            variables["LAB_LPA"] = lpa.as_str().into();
        }
        variables
    }

    fn smdp_secret(&self) -> String {
        self.derived("SMDP_SECRET")
    }

    /// A secret of the seed: 32 bytes in hex.
    fn derived(&self, name: &str) -> String {
        hex::encode(Sha256::new().chain_update(*self.seed).chain_update(name).finalize())
    }
}

/// A seed for a PKI that is kept nowhere.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut chance| chance.read_exact(&mut bytes))
        .context("no randomness")?;
    Ok(bytes)
}

/// Seconds since 1970.
pub(crate) fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// Writes a file that only its owner may read.
pub(crate) fn private(path: &Path, contents: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(file.write_all(contents)?)
}

/// Only one stack at a time on one memory.
fn lock(folder: &Path) -> Result<File> {
    let lock = File::create(folder.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => bail!(
            "{} is in use by another `cargo xtask dev`: stop that one, or give this one a memory of its own \
             with `--state DIR`",
            folder.display()
        ),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// What a file says, written there the first time.
fn kept(path: &Path, make: impl FnOnce() -> Result<String>) -> Result<String> {
    if let Ok(text) = fs::read_to_string(path) {
        return Ok(text.trim().to_owned());
    }
    let text = make()?;
    private(path, text.as_bytes())?;
    Ok(text)
}

fn seed(folder: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let path = folder.join("seed");
    let text = Zeroizing::new(kept(&path, || Ok(hex::encode(random::<32>()?)))?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(&*text, seed.as_mut()).map_err(|_| {
        anyhow!("{} does not hold 64 hexadecimal digits; start with another --state", path.display())
    })?;
    Ok(seed)
}

fn made(folder: &Path) -> Result<u64> {
    // A day early, for clocks that are late.
    let text = kept(&folder.join("made"), || Ok((now()? - 24 * 60 * 60).to_string()))?;
    text.parse().with_context(|| format!("{}/made holds no time", folder.display()))
}

/// Where the published certificates lie, if this memory is of them.
fn published(folder: &Path, given: Option<&Path>) -> Result<Option<PathBuf>> {
    let path = folder.join("sgp26");
    let given = given
        .map(|given| given.canonicalize().with_context(|| format!("--sgp26 {}", given.display())))
        .transpose()?;
    let says = |path: Option<&Path>| path.map_or_else(String::new, |path| path.display().to_string());
    let before = kept(&path, || Ok(says(given.as_deref())))?;
    if given.is_some() && before != says(given.as_deref()) {
        bail!(
            "{} was begun with other certificates, and its chips trust only those: use another --state",
            folder.display()
        );
    }
    Ok((!before.is_empty()).then(|| PathBuf::from(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_memory_stays_what_it_was_begun_as() {
        let folder = folder("state");
        let (token, variables) = {
            let first = State::open(&folder, None).unwrap();
            let said = State::open(&folder, None).err().unwrap().to_string();
            assert!(said.contains("in use") && said.contains("--state"), "{said}");
            (first.operator_token().to_owned(), first.variables("edge-smdp"))
        };
        let again = State::open(&folder, None).unwrap();
        assert_eq!((again.operator_token(), again.variables("edge-smdp")), (token.as_str(), variables));
        drop(again);
        let other = State::open(&folder, Some(&std::env::temp_dir()));
        assert!(other.err().unwrap().to_string().contains("another --state"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn certified_lpas_are_the_same_each_time() {
        let folder = folder("lpas");
        let variables = || {
            let mut state = State::open(&folder, None).unwrap();
            assert!(state.variables("edge-smdp")["LPA_ADMISSION"].is_null());
            assert!(state.certify_lpas().unwrap().join("SK_LPA.pem").is_file());
            let page = state.variables("www");
            assert!(page["LPA_CA"].is_null() && page["LAB_LPA"].as_str().unwrap().contains("privateKey"));
            state.variables("edge-smdp")
        };
        let first = variables();
        assert_eq!(first["LPA_ADMISSION"], "certificate");
        assert!(first["LPA_CA"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(variables(), first);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_the_gateway_leads_to_outside_is_told_to_it_alone_and_certificates_are_looked_at() {
        let folder = folder("outside");
        let mut state = State::open(&folder, None).unwrap();
        assert!(state.variables("net-policy-worker")["OUTSIDE_SMS"].is_null());
        let (der, pem) = (folder.join("ci.der"), folder.join("ci.pem"));
        fs::write(&der, "0\u{82}").unwrap();
        let refused = state.lead_outside(&[], Some(&der)).err().unwrap().to_string();
        assert!(refused.contains("openssl x509 -inform der"), "{refused}");
        assert!(state.lead_outside(&[], Some(&pem)).is_err(), "there is no such file");
        fs::write(&pem, "-----BEGIN CERTIFICATE-----\n").unwrap();
        let refused =
            state.lead_outside(&["https://smdp.example.org/".to_owned()], None).err().unwrap().to_string();
        assert!(refused.contains("host:port"), "{refused}");
        let two = ["smdp.example.org".to_owned(), "other.example.org:8443".to_owned()];
        state.lead_outside(&two, Some(&pem)).unwrap();
        assert_eq!(state.trusted, Some(pem.canonicalize().unwrap()));
        let variables = state.variables("net-policy-worker");
        assert_eq!(variables["OUTSIDE_SMS"], "smdp.example.org,other.example.org:8443");
        for other in ["edge-smdp", "www"] {
            assert!(!state.variables(other).to_string().contains("example.org"), "{other}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn each_worker_is_told_only_its_own_secrets() {
        let folder = folder("secrets");
        let state = State::open(&folder, None).unwrap();
        let told = |worker: &str| state.variables(worker).to_string();
        assert!(told("edge-smdp").contains("SMDP_SECRET"));
        assert!(!told("net-policy-worker").contains("SMDP_"));
        let feeder = |worker: &str| state.variables(worker)["FEEDER_TOKEN"].clone();
        assert!(feeder("edge-smdp").is_string() && feeder("edge-smdp") == feeder("net-policy-worker"));
        assert_ne!(feeder("edge-smdp"), state.operator_token());
        let site = state.variables("www");
        assert!(site.as_object().unwrap().keys().all(|name| name.starts_with("LAB_")), "{site}");
        assert!(!site.to_string().contains(&state.smdp_secret()) && site["LAB_LPA"].is_null());
        fs::remove_dir_all(&folder).unwrap();
    }
}
