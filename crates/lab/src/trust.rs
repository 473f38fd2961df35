//! Who trusts whom: certificates and keys of the chip and of the SM-DP+.

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsp::Eid;
use rsp_crypto::issue::{Identity, Pki, PkiError, Settings, Validity};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Certificate, Curve};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{EID, SMDP_OID, Subscription};

pub(crate) const SMDS_OID: &str = "2.999.15";

/// The chance that a PKI on a curve is made from.
pub(crate) fn stream(seed: [u8; 32], curve: Curve) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(seed);
    rng.set_stream(match curve {
        Curve::P256 => 0,
        Curve::BrainpoolP256r1 => 1,
    });
    rng
}

/// Certificates and keys of the chip and of the SM-DP+, under one Certificate Issuer
/// or under several, the one that the chip prefers first.
#[derive(Clone)]
pub struct Trust {
    eid: Eid,
    oid: String,
    realms: Vec<Realm>,
}

/// What there is under one Certificate Issuer, all of it on that CI's curve.
#[derive(Clone)]
struct Realm {
    ci: Certificate,
    chip: Option<Chip>,
    server: Option<Server>,
}

#[derive(Clone)]
struct Chip {
    eum: Certificate,
    euicc: Identity,
    /// The manufacturer with its key, where that is known.
    maker: Option<Identity>,
}

#[derive(Clone)]
struct Server {
    dp_auth: Identity,
    dp_pb: Identity,
}

/// Why there is no such world.
#[derive(Debug)]
pub enum TrustError {
    /// The PKI could not be made.
    Pki(PkiError),
    /// A file is missing.
    Missing(String),
    /// A file does not hold what it should.
    File(String),
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pki(error) => write!(f, "the test PKI can't be made: {error}"),
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::File(name) => write!(f, "{name} does not hold what its name says"),
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

    /// The same with a Certificate Issuer on each of these curves, the chip's favourite
    /// first.
    ///
    /// # Errors
    /// As [`Trust::generate`], and when there is no curve.
    pub fn generate_on(
        curves: &[Curve],
        seed: [u8; 32],
        smdp_address: &str,
        not_before: u64,
    ) -> Result<Self, TrustError> {
        let mut made: Option<Self> = None;
        for curve in curves {
            let next = Self::from(Self::pki_on(*curve, seed, None, smdp_address, not_before)?);
            match &mut made {
                Some(made) => made.realms.extend(next.realms),
                None => made = Some(next),
            }
        }
        made.ok_or_else(|| TrustError::File("a curve".into()))
    }

    /// The same as a whole PKI, for `cargo xtask pki`.
    ///
    /// # Errors
    /// As [`Trust::generate`].
    pub fn pki(seed: [u8; 32], smdp_address: &str, not_before: u64) -> Result<Pki, TrustError> {
        Self::pki_on(Curve::P256, seed, None, smdp_address, not_before)
    }

    /// With an eUICC of this EID, [`EID`] for none.
    pub(crate) fn pki_on(
        curve: Curve,
        seed: [u8; 32],
        eid: Option<Eid>,
        smdp_address: &str,
        not_before: u64,
    ) -> Result<Pki, TrustError> {
        const YEAR: u64 = 31_556_952;
        let id = |text: &str| TrustError::File(text.to_owned());
        let settings = Settings {
            curve,
            eid: eid.map_or_else(|| EID.parse().map_err(|_| id(EID)), Ok)?,
            smdp_address: smdp_address.split(':').next().unwrap_or_default().to_owned(),
            smdp_oid: SMDP_OID.parse().map_err(|_| id(SMDP_OID))?,
            smds_oid: SMDS_OID.parse().map_err(|_| id(SMDS_OID))?,
            validity: Validity { not_before, not_after: not_before + 30 * YEAR },
        };
        Pki::generate(&mut stream(seed, curve), &settings).map_err(TrustError::Pki)
    }

    /// The published test PKI of GSMA SGP.26, whose files `read` finds by their place in
    /// the folder, such as `DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der`.
    ///
    /// All of NIST P-256 must be there, or where its CERT.CI is not, all of brainpoolP256r1
    /// (`…_BRP…`): CERT.CI, for the chip CERT.EUM, CERT.EUICC and SK.EUICC, for the SM-DP+
    /// CERT.DPauth and CERT.DPpb with their keys. Beside NIST P-256 the other may be there
    /// in part: for the chip only, or for the SM-DP+ only.
    ///
    /// # Errors
    /// Names the first file that is missing or wrong.
    pub fn sgp26(mut read: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Self, TrustError> {
        let mut files = Files(&mut read);
        let missing = match files.realm("NIST") {
            Err(TrustError::Missing(name)) if name == ci_name("NIST") => TrustError::Missing(name),
            first => return files.with_brainpool(first?),
        };
        match files.realm("BRP") {
            Err(TrustError::Missing(name)) if name == ci_name("BRP") => Err(missing),
            only => Self::of(vec![only?]),
        }
    }

    fn of(realms: Vec<Realm>) -> Result<Self, TrustError> {
        let chip = realms.first().and_then(|realm| realm.chip.as_ref());
        let eid = chip.and_then(|chip| chip.euicc.certificate().eid());
        let eid = eid.ok_or_else(|| TrustError::File("eUICC".into()))?;
        Ok(Self { eid, oid: SMDP_OID.into(), realms })
    }

    /// The chip's EID.
    #[must_use]
    pub const fn eid(&self) -> Eid {
        self.eid
    }

    /// The same world with another eUICC in it, by the same manufacturers; of those whose key is
    /// not known there is none. `name` makes its keys others than those of any other chip.
    ///
    /// # Errors
    /// When no manufacturer's key is known, and when the validity cannot be written.
    pub fn with_chip(
        &self,
        seed: &[u8; 32],
        name: &str,
        eid: Eid,
        validity: Validity,
    ) -> Result<Self, TrustError> {
        self.certified(seed, name, eid, |maker, _, rng| maker.issue_euicc(rng, eid, validity))
    }

    /// The same world in which the eUICC has other certificates for its keys; of manufacturers whose
    /// key is not known it has none.
    ///
    /// # Errors
    /// When no manufacturer's key is known, and when the validity cannot be written.
    pub fn with_validity(&self, seed: &[u8; 32], name: &str, validity: Validity) -> Result<Self, TrustError> {
        let eid = self.eid;
        self.certified(seed, name, eid, |maker, euicc, rng| maker.renew_euicc(rng, euicc, eid, validity))
    }

    fn certified(
        &self,
        seed: &[u8; 32],
        name: &str,
        eid: Eid,
        certify: impl Fn(&Identity, &Identity, &mut ChaCha20Rng) -> Result<Identity, PkiError>,
    ) -> Result<Self, TrustError> {
        let seed = Sha256::new().chain_update(seed).chain_update("chip").chain_update(name).finalize();
        let mut rng = ChaCha20Rng::from_seed(seed.into());
        let mut world = Self { eid, ..self.clone() };
        for realm in &mut world.realms {
            let Some(Chip { euicc, maker: Some(maker), .. }) = realm.chip.take() else { continue };
            let euicc = certify(&maker, &euicc, &mut rng).map_err(TrustError::Pki)?;
            realm.chip = Some(Chip { eum: maker.certificate().clone(), euicc, maker: Some(maker) });
        }
        if world.realms.iter().all(|realm| realm.chip.is_none()) {
            return Err(TrustError::Missing("the private key of an EUM".to_owned()));
        }
        Ok(world)
    }

    /// What the chip is made with, `provisioning` loaded and enabled: the JSON that
    /// `wasm_euicc::Factory` reads. A CI under which the chip has no certificate is not
    /// among those that it trusts.
    #[must_use]
    pub fn chip_identity(&self, provisioning: &Subscription) -> Value {
        let mine = self.realms.iter().filter_map(|realm| Some((&realm.ci, realm.chip.as_ref()?)));
        let mut identities = mine.clone().map(|(_, chip)| {
            json!({
                "euiccPrivateKey": private_key(&chip.euicc),
                "euiccCertificate": STANDARD.encode(chip.euicc.certificate().der()),
                "eumCertificate": STANDARD.encode(chip.eum.der()),
            })
        });
        let mut chip = identities.next().unwrap_or_else(|| json!({}));
        let others: Vec<Value> = identities.collect();
        if !others.is_empty() {
            chip["identities"] = others.into();
        }
        chip["eid"] = self.eid.to_string().into();
        chip["ciCertificates"] = mine.map(|(ci, _)| Value::from(STANDARD.encode(ci.der()))).collect();
        chip["preloaded"] = json!([{
            "metadata": STANDARD.encode(provisioning.metadata()),
            "package": STANDARD.encode(&*provisioning.package()),
            "enabled": true,
        }]);
        chip
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
        let sets = self.realms.iter().filter_map(|realm| {
            let server = realm.server.as_ref()?;
            Some(json!({
                "ciCertificate": STANDARD.encode(realm.ci.der()),
                "dpAuth": pair(&server.dp_auth),
                "dpPb": pair(&server.dp_pb),
            }))
        });
        json!({ "oid": self.oid, "sets": sets.collect::<Vec<Value>>() })
    }
}

impl From<Pki> for Trust {
    fn from(pki: Pki) -> Self {
        let eid = pki.euicc.certificate().eid();
        let realm = Realm {
            ci: pki.ci.certificate().clone(),
            chip: Some(Chip { eum: pki.eum.certificate().clone(), euicc: pki.euicc, maker: Some(pki.eum) }),
            server: Some(Server { dp_auth: pki.dp_auth, dp_pb: pki.dp_pb }),
        };
        Self {
            eid: eid.unwrap_or_else(|| unreachable!("a made eUICC has an EID")),
            oid: SMDP_OID.into(),
            realms: vec![realm],
        }
    }
}

/// The files of SGP.26, by the curve in their names.
struct Files<'r>(&'r mut dyn FnMut(&str) -> Option<Vec<u8>>);

fn ci_name(curve: &str) -> String {
    format!("CertificateIssuer/CERT_CI_ECDSA_{curve}.der")
}

impl Files<'_> {
    /// All of one curve.
    fn realm(&mut self, curve: &str) -> Result<Realm, TrustError> {
        let ci = self.ci(curve)?;
        Ok(Realm { ci, chip: Some(self.chip(curve)?), server: Some(self.server(curve)?) })
    }

    /// What there is of brainpool beside a whole realm.
    fn with_brainpool(&mut self, first: Realm) -> Result<Trust, TrustError> {
        let mut realms = vec![first];
        if let Some(ci) = unless_missing(self.ci("BRP"))? {
            let chip = unless_missing(self.chip("BRP"))?;
            let server = unless_missing(self.server("BRP"))?;
            realms.push(Realm { ci, chip, server });
        }
        Trust::of(realms)
    }

    fn ci(&mut self, curve: &str) -> Result<Certificate, TrustError> {
        self.certificate(&ci_name(curve))
    }

    fn chip(&mut self, curve: &str) -> Result<Chip, TrustError> {
        Ok(Chip {
            eum: self.certificate(&format!("EUM/CERT_EUM_ECDSA_{curve}.der"))?,
            euicc: self.identity("eUICC", &format!("EUICC_ECDSA_{curve}"))?,
            maker: unless_missing(self.identity("EUM", &format!("EUM_ECDSA_{curve}")))?,
        })
    }

    fn server(&mut self, curve: &str) -> Result<Server, TrustError> {
        Ok(Server {
            dp_auth: self.identity("DPauth", &format!("S_SM_DPauth_ECDSA_{curve}"))?,
            dp_pb: self.identity("DPpb", &format!("S_SM_DPpb_ECDSA_{curve}"))?,
        })
    }

    fn identity(&mut self, folder: &str, name: &str) -> Result<Identity, TrustError> {
        let certificate = self.certificate(&format!("{folder}/CERT_{name}.der"))?;
        let key_name = format!("{folder}/SK_{name}.pem");
        let pem = Zeroizing::new(self.file(&key_name)?);
        let key = core::str::from_utf8(&pem).ok().and_then(SigningKey::from_pem);
        let identity = key.and_then(|key| Identity::new(certificate, key).ok());
        identity.ok_or(TrustError::File(key_name))
    }

    fn certificate(&mut self, name: &str) -> Result<Certificate, TrustError> {
        Certificate::from_der(&self.file(name)?).map_err(|_| TrustError::File(name.to_owned()))
    }

    fn file(&mut self, name: &str) -> Result<Vec<u8>, TrustError> {
        (self.0)(name).ok_or_else(|| TrustError::Missing(name.to_owned()))
    }
}

/// A part that need not be there, but must be right where it is.
fn unless_missing<T>(part: Result<T, TrustError>) -> Result<Option<T>, TrustError> {
    match part {
        Err(TrustError::Missing(_)) => Ok(None),
        part => part.map(Some),
    }
}

/// PKCS#8, base64. Every key has that form.
fn private_key(identity: &Identity) -> String {
    identity.expose_key().expose_pkcs8_der().map_or_else(String::new, |der| STANDARD.encode(&*der))
}
