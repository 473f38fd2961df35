//! Who trusts whom: certificates and keys of the chip and of the SM-DP+.

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsp::Eid;
use rsp_crypto::Certificate;
use rsp_crypto::issue::{Identity, Pki, PkiError, Settings, Validity};
use rsp_crypto::software::SigningKey;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{EID, SMDP_OID, Subscription};

/// Certificates and keys of one Certificate Issuer's world.
pub struct Trust {
    eid: Eid,
    oid: String,
    ci: Certificate,
    eum: Certificate,
    euicc: Identity,
    dp_auth: Identity,
    dp_pb: Identity,
}

/// Why there is no such world.
#[derive(Debug)]
pub enum TrustError {
    /// The PKI could not be made.
    Pki(PkiError),
    /// A file is missing or does not hold what it should.
    File(String),
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pki(error) => write!(f, "the test PKI can't be made: {error}"),
            Self::File(name) => write!(f, "{name} is missing or does not hold what its name says"),
        }
    }
}

impl core::error::Error for TrustError {}

impl Trust {
    /// The laboratory's own PKI, made from a seed; valid for 30 years from
    /// `not_before` (seconds since 1970).
    ///
    /// # Errors
    /// When a certificate can't be written, such as for a time after the year 9999.
    pub fn generate(seed: [u8; 32], smdp_address: &str, not_before: u64) -> Result<Self, TrustError> {
        Self::pki(seed, smdp_address, not_before).map(Self::from)
    }

    /// The same as a whole PKI, for `cargo xtask pki`.
    ///
    /// # Errors
    /// As [`Trust::generate`].
    pub fn pki(seed: [u8; 32], smdp_address: &str, not_before: u64) -> Result<Pki, TrustError> {
        const YEAR: u64 = 31_556_952;
        let id = |text: &str| TrustError::File(text.to_owned());
        let settings = Settings {
            eid: EID.parse().map_err(|_| id(EID))?,
            smdp_address: smdp_address.split(':').next().unwrap_or_default().to_owned(),
            smdp_oid: SMDP_OID.parse().map_err(|_| id(SMDP_OID))?,
            smds_oid: "2.999.15".parse().map_err(|_| id("2.999.15"))?,
            validity: Validity { not_before, not_after: not_before + 30 * YEAR },
        };
        Pki::generate(&mut ChaCha20Rng::from_seed(seed), &settings).map_err(TrustError::Pki)
    }

    /// The published test PKI of GSMA SGP.26 (NIST P-256), whose files `read` finds
    /// by their place in the folder, such as `DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der`.
    ///
    /// # Errors
    /// Names the first file that is missing or wrong.
    pub fn sgp26(mut read: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Self, TrustError> {
        let mut file = |name: &str| read(name).ok_or_else(|| TrustError::File(name.to_owned()));
        let mut certificate =
            |name: &str| Certificate::from_der(&file(name)?).map_err(|_| TrustError::File(name.to_owned()));
        let ci = certificate("CertificateIssuer/CERT_CI_ECDSA_NIST.der")?;
        let eum = certificate("EUM/CERT_EUM_ECDSA_NIST.der")?;
        let mut identity = |certificate_name: &str, key_name: &str| {
            let certificate = certificate(certificate_name)?;
            Ok::<_, TrustError>((certificate, key_name.to_owned()))
        };
        let parts = [
            identity("eUICC/CERT_EUICC_ECDSA_NIST.der", "eUICC/SK_EUICC_ECDSA_NIST.pem")?,
            identity("DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der", "DPauth/SK_S_SM_DPauth_ECDSA_NIST.pem")?,
            identity("DPpb/CERT_S_SM_DPpb_ECDSA_NIST.der", "DPpb/SK_S_SM_DPpb_ECDSA_NIST.pem")?,
        ];
        let [euicc, dp_auth, dp_pb] = parts.map(|(certificate, name)| {
            let pem = Zeroizing::new(read(&name).ok_or_else(|| TrustError::File(name.clone()))?);
            let key = core::str::from_utf8(&pem).ok().and_then(SigningKey::from_pem);
            let key = key.ok_or_else(|| TrustError::File(name.clone()))?;
            Identity::new(certificate, key).map_err(|_| TrustError::File(name))
        });
        let euicc = euicc?;
        let eid = euicc.certificate().eid().ok_or_else(|| TrustError::File("eUICC".into()))?;
        Ok(Self { eid, oid: SMDP_OID.into(), ci, eum, euicc, dp_auth: dp_auth?, dp_pb: dp_pb? })
    }

    /// The chip's EID.
    #[must_use]
    pub const fn eid(&self) -> Eid {
        self.eid
    }

    /// What the chip is made with, `provisioning` loaded and enabled: the JSON that
    /// `wasm_euicc::Factory` reads.
    #[must_use]
    pub fn chip_identity(&self, provisioning: &Subscription) -> Value {
        json!({
            "eid": self.eid.to_string(),
            "euiccPrivateKey": private_key(&self.euicc),
            "euiccCertificate": STANDARD.encode(self.euicc.certificate().der()),
            "eumCertificate": STANDARD.encode(self.eum.der()),
            "ciCertificates": [STANDARD.encode(self.ci.der())],
            "preloaded": [{
                "metadata": STANDARD.encode(provisioning.metadata()),
                "package": STANDARD.encode(&*provisioning.package()),
                "enabled": true,
            }],
        })
    }

    /// What the SM-DP+ is configured with: the secret `SMDP_CREDENTIALS`.
    #[must_use]
    pub fn smdp_credentials(&self) -> Value {
        let pair = |identity: &Identity| {
            json!({
                "certificate": STANDARD.encode(identity.certificate().der()),
                "privateKey": private_key(identity),
            })
        };
        json!({
            "oid": self.oid,
            "sets": [{
                "ciCertificate": STANDARD.encode(self.ci.der()),
                "dpAuth": pair(&self.dp_auth),
                "dpPb": pair(&self.dp_pb),
            }],
        })
    }
}

impl From<Pki> for Trust {
    fn from(pki: Pki) -> Self {
        Self {
            eid: pki.euicc.certificate().eid().unwrap_or_else(|| unreachable!("a made eUICC has an EID")),
            oid: SMDP_OID.into(),
            ci: pki.ci.certificate().clone(),
            eum: pki.eum.certificate().clone(),
            euicc: pki.euicc,
            dp_auth: pki.dp_auth,
            dp_pb: pki.dp_pb,
        }
    }
}

/// PKCS#8, base64. A P-256 key always has that form.
fn private_key(identity: &Identity) -> String {
    identity.expose_key().expose_pkcs8_der().map_or_else(String::new, |der| STANDARD.encode(&*der))
}
