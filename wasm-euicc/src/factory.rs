//! The factory: everything that a chip is made with, and the making of it.
//!
//! ```text
//!   Factory ──manufacture──► empty medium: identity, rules, preloaded profiles,
//!                            in one transaction
//!                            other medium: the chip that lives there
//! ```

use core::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsp::metadata::{OperatorId, PprIds, StoreMetadata};
use rsp::rat::{ProfilePolicyAuthorisationRule, RulesAuthorisationTable};
use rsp::{Aid, DataObject as _, Eid, Raw, Version};
use rsp_crypto::software::SigningKey;
use rsp_crypto::{Certificate, CiKey, Curve};
use serde::Deserialize;
use tlv::{Tag, Tlv};
use zeroize::Zeroizing;

use crate::ecasd::{self, Credential};
use crate::isdp::{self, Isdp};
use crate::isdr::configuration::Configuration;
use crate::isdr::{check_against_metadata, keys, notification};
use crate::nvm::{Error, Store, Transaction};
use crate::profile::{self, Installer};
use crate::{Env, Euicc, Options};

/// Everything that a chip is made with.
pub struct Factory {
    /// The EID.
    pub eid: Eid,
    /// Certificates of the eUICC, in the order of preference: one for each CI, on
    /// that CI's curve.
    pub identities: Vec<Identity>,
    /// CERT.CI whose keys the chip trusts, as DER, in the order of preference.
    pub ci_certificates: Vec<Vec<u8>>,
    /// Non-volatile memory for everything, in bytes.
    pub memory: u32,
    /// AID of the ISD-R; cards on the market differ.
    pub isdr_aid: Aid,
    /// Default SM-DP+ address; a memory reset goes back to it.
    pub default_dp_address: Option<String>,
    /// Root SM-DS; may be empty.
    pub root_ds_address: String,
    /// The SGP.22 version announced.
    pub svn: Version,
    /// The version of the profile package format announced.
    pub profile_version: Version,
    /// The firmware version announced.
    pub firmware_version: Version,
    /// Which operators may bring which profile policy rules.
    pub rules: RulesAuthorisationTable,
    /// Profile policy rules that nobody may bring.
    pub forbidden_rules: PprIds,
    /// What EUICCInfo2 says beside what the chip measures.
    pub announced: Announced,
    /// Whether the provisioning profile is enabled as soon as no other profile is: after an
    /// operational or test profile was disabled, or taken by a memory reset. The standard
    /// leaves the chip without one then; so does a chip that is not told otherwise.
    pub fallback: bool,
    /// Profiles that the chip leaves the factory with.
    pub preloaded: Vec<Preloaded>,
}

/// What EUICCInfo2 says beside what the chip measures (SGP.22 §4.3). Whatever is announced,
/// the chip does what it can do: an LPA or a server is tried against other chips so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// `uiccCapability`, bit 0 most significant; none: what the chip can do.
    pub uicc_capability: Option<u32>,
    /// `rspCapability`, bit 0 most significant; none: what the chip can do.
    pub rsp_capability: Option<u32>,
    /// Java Card API version.
    pub ts102241_version: Option<Version>,
    /// GlobalPlatform version.
    pub globalplatform_version: Option<Version>,
    /// 0 other, 1 basic, 2 medium, 3 contactless.
    pub category: Option<u32>,
    /// Protection profile version.
    pub pp_version: Version,
    /// Accreditation number of the production site, 64 bytes of UTF-8 at most.
    pub sas_accreditation_number: String,
}

impl Default for Announced {
    fn default() -> Self {
        Self {
            uicc_capability: None,
            rsp_capability: None,
            ts102241_version: None,
            globalplatform_version: None,
            category: None,
            pp_version: Version([1, 0, 0]),
            // No site is accredited to make a chip of software.
            sas_accreditation_number: "NOT-ACCREDITED".into(),
        }
    }
}

/// A certificate of the eUICC and what belongs to it.
pub struct Identity {
    /// SK.EUICC.
    pub key: SigningKey,
    /// CERT.EUICC, DER.
    pub euicc_certificate: Vec<u8>,
    /// CERT.EUM, DER.
    pub eum_certificate: Vec<u8>,
}

/// A profile that a chip leaves the factory with.
pub struct Preloaded {
    /// `StoreMetadataRequest` (`BF25`).
    pub metadata: Vec<u8>,
    /// The unprotected profile package: profile elements, one after another.
    pub package: Zeroizing<Vec<u8>>,
    /// Whether it is the Enabled Profile; at most one is.
    pub enabled: bool,
}

/// Why a chip could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactoryError {
    /// The JSON is not the one of a factory.
    Json(String),
    /// A part is not what it should be.
    Part {
        /// Which, by its name in the JSON.
        part: &'static str,
        /// What is wrong with it.
        because: String,
    },
    /// A preloaded profile does not install.
    Profile {
        /// Which, from 0.
        number: usize,
        /// The profile element, by its name in the module.
        element: &'static str,
        /// What is wrong with it.
        because: &'static str,
    },
    /// The memory.
    Memory(Error),
}

impl fmt::Display for FactoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(because) => f.write_str(because),
            Self::Part { part, because } => write!(f, "{part}: {because}"),
            Self::Profile { number, element, because } => {
                write!(f, "preloaded[{number}]: {element}: {because}")
            }
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for FactoryError {}

impl From<Error> for FactoryError {
    fn from(error: Error) -> Self {
        Self::Memory(error)
    }
}

fn part(part: &'static str, because: impl Into<String>) -> FactoryError {
    FactoryError::Part { part, because: because.into() }
}

impl Factory {
    /// Memory of a chip that is not said to have more or less, in bytes.
    pub const MEMORY: u32 = 512 * 1024;

    /// A chip of this identity with the usual of everything else: any operator
    /// may bring policy rules when the user consents, no address is configured,
    /// nothing is preloaded.
    #[must_use]
    pub fn new(eid: Eid, identity: Identity, ci_certificates: Vec<Vec<u8>>) -> Self {
        Self::with_identities(eid, vec![identity], ci_certificates)
    }

    /// As [`Factory::new`], with several identities.
    #[must_use]
    pub fn with_identities(eid: Eid, identities: Vec<Identity>, ci_certificates: Vec<Vec<u8>>) -> Self {
        let any_group = || Some(Vec::new());
        let anybody = OperatorId { mcc_mnc: [0xEE; 3], gid1: any_group(), gid2: any_group() };
        Self {
            eid,
            identities,
            ci_certificates,
            memory: Self::MEMORY,
            isdr_aid: standard_isdr_aid(),
            default_dp_address: None,
            root_ds_address: String::new(),
            svn: Version(Options::SVN),
            profile_version: Version([2, 3, 1]),
            firmware_version: Version([1, 0, 0]),
            rules: RulesAuthorisationTable(vec![ProfilePolicyAuthorisationRule {
                ppr_ids: PprIds(PprIds::PPR1.0 | PprIds::PPR2.0),
                allowed_operators: vec![anybody],
                consent_required: true,
            }]),
            forbidden_rules: PprIds::default(),
            announced: Announced::default(),
            fallback: false,
            preloaded: Vec::new(),
        }
    }

    /// Reads a factory from JSON; binary values are base64, optional ones may be
    /// left out:
    ///
    /// ```json
    /// {"eid": "8904…", "ciCertificates": ["…"],
    ///  "identities": [{"euiccPrivateKey": "PKCS#8, SEC1 or the scalar",
    ///                  "euiccCertificate": "…", "eumCertificate": "…"}],
    ///  "memory": 524288, "isdRAid": "hexadecimal", "defaultDpAddress": "…",
    ///  "rootDsAddress": "…", "sgp22Version": "2.2.2", "profileVersion": "2.3.1",
    ///  "firmwareVersion": "1.0.0", "fallback": false,
    ///  "rulesAuthorisationTable": "BF43…", "forbiddenProfilePolicyRules": ["ppr1"],
    ///  "announced": {"uiccCapability": "hexadecimal, 4 bytes", "rspCapability": "98000000",
    ///                "ts102241Version": "9.2.0", "globalplatformVersion": "2.3.0",
    ///                "category": "basicEuicc", "ppVersion": "1.0.0",
    ///                "sasAcreditationNumber": "…"},
    ///  "preloaded": [{"metadata": "BF25…", "package": "…", "enabled": true}]}
    /// ```
    ///
    /// The names of what is announced are those of EUICCInfo2 in the standard's module.
    ///
    /// A chip of one identity may have its three values beside `eid` instead;
    /// where both are given, that identity is the first.
    ///
    /// # Errors
    /// [`FactoryError::Json`] and [`FactoryError::Part`].
    pub fn from_json(json: &[u8]) -> Result<Self, FactoryError> {
        let json: Json =
            serde_json::from_slice(json).map_err(|error| FactoryError::Json(error.to_string()))?;
        let alone = match (&json.euicc_private_key, &json.euicc_certificate, &json.eum_certificate) {
            (Some(key), Some(euicc), Some(eum)) => Some(Identity::read(key, euicc, eum)?),
            (None, None, None) => None,
            _ => return Err(part("euiccPrivateKey", "it, euiccCertificate and eumCertificate, or none")),
        };
        let mut identities = Vec::from_iter(alone);
        for identity in &json.identities {
            identities.push(Identity::read(
                &identity.euicc_private_key,
                &identity.euicc_certificate,
                &identity.eum_certificate,
            )?);
        }
        let eid = json.eid.parse().map_err(|error: rsp::ids::InvalidId| part("eid", error.to_string()))?;
        let mut certificates = Vec::with_capacity(json.ci_certificates.len());
        for certificate in &json.ci_certificates {
            certificates.push(binary("ciCertificates", certificate)?);
        }
        let mut factory = Self::with_identities(eid, identities, certificates);
        factory.memory = json.memory.unwrap_or(Self::MEMORY);
        factory.default_dp_address = json.default_dp_address.filter(|address| !address.is_empty());
        factory.root_ds_address = json.root_ds_address.unwrap_or_default();
        if let Some(version) = json.sgp22_version {
            factory.svn = parsed_version("sgp22Version", &version)?;
        }
        if let Some(version) = json.profile_version {
            factory.profile_version = parsed_version("profileVersion", &version)?;
        }
        if let Some(version) = json.firmware_version {
            factory.firmware_version = parsed_version("firmwareVersion", &version)?;
        }
        if let Some(table) = json.rules_authorisation_table {
            let table = binary("rulesAuthorisationTable", &table)?;
            factory.rules = RulesAuthorisationTable::decode(&table)
                .map_err(|error| part("rulesAuthorisationTable", error.to_string()))?;
        }
        for rule in &json.forbidden_profile_policy_rules {
            factory.forbidden_rules.0 |= match rule.as_str() {
                "ppr1" => PprIds::PPR1.0,
                "ppr2" => PprIds::PPR2.0,
                _ => return Err(part("forbiddenProfilePolicyRules", "neither ppr1 nor ppr2")),
            };
        }
        factory.fallback = json.fallback;
        factory.announced = json.announced.read()?;
        if let Some(aid) = json.isd_r_aid {
            let aid = hex::decode(aid).map_err(|error| part("isdRAid", error.to_string()))?;
            factory.isdr_aid = Aid::from_bytes(&aid).map_err(|error| part("isdRAid", error.to_string()))?;
        }
        for profile in &json.preloaded {
            factory.preloaded.push(Preloaded {
                metadata: binary("preloaded.metadata", &profile.metadata)?,
                package: Zeroizing::new(binary("preloaded.package", &profile.package)?),
                enabled: profile.enabled,
            });
        }
        Ok(factory)
    }

    /// A chip of GSMA's published test PKI, SGP.26. `read` finds its files by their
    /// place in the folder, such as `eUICC/CERT_EUICC_ECDSA_NIST.der`.
    ///
    /// NIST P-256 first, then brainpoolP256r1 (`…_BRP…`) where all of its files are
    /// there: CERT.CI, CERT.EUM, CERT.EUICC and SK.EUICC.
    ///
    /// # Errors
    /// [`FactoryError::Part`] when no such set of files is whole, or when one holds
    /// something else than its name says.
    pub fn sgp26(mut read: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Self, FactoryError> {
        let (mut identities, mut ci_certificates) = (Vec::new(), Vec::new());
        for curve in ["NIST", "BRP"] {
            let ci = read(&format!("CertificateIssuer/CERT_CI_ECDSA_{curve}.der"));
            let eum = read(&format!("EUM/CERT_EUM_ECDSA_{curve}.der"));
            let euicc = read(&format!("eUICC/CERT_EUICC_ECDSA_{curve}.der"));
            let key = read(&format!("eUICC/SK_EUICC_ECDSA_{curve}.pem")).map(Zeroizing::new);
            let (Some(ci), Some(eum), Some(euicc), Some(key)) = (ci, eum, euicc, key) else { continue };
            let key = core::str::from_utf8(&key).ok().and_then(SigningKey::from_pem);
            let key = key.ok_or_else(|| part("euiccPrivateKey", format!("no private key of {curve}")))?;
            identities.push(Identity { key, euicc_certificate: euicc, eum_certificate: eum });
            ci_certificates.push(ci);
        }
        let first = identities.first().ok_or_else(|| part("identities", "no files of SGP.26"))?;
        let certificate = Certificate::from_der(&first.euicc_certificate)
            .map_err(|error| part("euiccCertificate", error.to_string()))?;
        let eid = certificate.eid().ok_or_else(|| part("euiccCertificate", "without an EID"))?;
        Ok(Self::with_identities(eid, identities, ci_certificates))
    }

    /// Makes the chip on an empty medium; where a chip lives already it is
    /// powered up, whatever this factory would have made.
    ///
    /// # Errors
    /// [`FactoryError`] when a part is not what it should be; nothing is written
    /// then.
    pub fn manufacture<E: Env>(&self, mut env: E) -> Result<Euicc<E>, FactoryError> {
        let stored = Configuration::load(&Store::open(env.medium(), usize::MAX)?);
        let made = match stored {
            Some(made) => made,
            None => self.make(&mut env)?,
        };
        let options = Options {
            memory: made.memory as usize,
            isdr_aid: made.isdr_aid.as_bytes().to_vec(),
            svn: made.svn.0,
            ..Options::default()
        };
        Ok(Euicc::new(env, options)?)
    }

    fn make(&self, env: &mut dyn Env) -> Result<Configuration, FactoryError> {
        let configuration = self.configuration();
        let mut store = Store::open(env.medium(), self.memory as usize)?;
        let mut tx = store.begin();
        self.put_identity(&mut tx)?;
        configuration.store(&mut tx)?;
        notification::put_first_number(&mut tx)?;
        if let Some(address) = &self.default_dp_address {
            tx.put(keys::DEFAULT_DP_ADDRESS, address.as_bytes().to_vec())?;
        }
        for (number, profile) in self.preloaded.iter().enumerate() {
            preload(&mut tx, number, profile)?;
        }
        tx.commit(env.medium())?;
        Ok(configuration)
    }

    fn put_identity(&self, tx: &mut Transaction<'_>) -> Result<(), FactoryError> {
        tx.put(keys::EID, self.eid.as_bytes().to_vec())?;
        for (number, certificate) in (0..).zip(&self.ci_certificates) {
            let certificate = Certificate::from_der(certificate)
                .map_err(|error| part("ciCertificates", error.to_string()))?;
            let ci = CiKey::from_certificate(&certificate).ok_or_else(|| {
                part("ciCertificates", "not a certificate issuer with a key of a supported curve")
            })?;
            ecasd::store_ci_key(tx, number, &ci)?;
        }
        if self.identities.is_empty() {
            return Err(part("identities", "there is none"));
        }
        let cis = ecasd::ci_keys(tx);
        let mut seen = Vec::new();
        for (number, identity) in (0..).zip(&self.identities) {
            let credential = self.credential(identity)?;
            let ci = cis.iter().find(|ci| *ci.id() == credential.ci);
            if ci.is_some_and(|ci| ci.public_key().curve() != identity.key.curve()) {
                return Err(part("identities", "on another curve than their CI"));
            }
            if seen.contains(&credential.ci) {
                return Err(part("identities", "two of one CI"));
            }
            credential.store(tx, number)?;
            seen.push(credential.ci);
        }
        Ok(())
    }

    fn credential(&self, identity: &Identity) -> Result<Credential, FactoryError> {
        let euicc = Certificate::from_der(&identity.euicc_certificate)
            .map_err(|error| part("euiccCertificate", error.to_string()))?;
        if euicc.public_key() != Some(&identity.key.public_key()) {
            return Err(part("euiccPrivateKey", "not the key of euiccCertificate"));
        }
        if euicc.eid().is_some_and(|eid| eid != self.eid) {
            return Err(part("euiccCertificate", "of another EID"));
        }
        let eum = Certificate::from_der(&identity.eum_certificate)
            .map_err(|error| part("eumCertificate", error.to_string()))?;
        let ci = ecasd::issuer_of(&eum).ok_or_else(|| part("eumCertificate", "names no issuer"))?;
        let kept = |certificate: &Certificate| rsp::auth::Certificate::from_der(certificate.der());
        let kept = kept(&euicc).and_then(|euicc| Ok((euicc, kept(&eum)?)));
        let (euicc, eum) = kept.map_err(|error| part("euiccCertificate", error.to_string()))?;
        Ok(Credential::new(ci, identity.key.clone(), euicc, eum))
    }

    fn configuration(&self) -> Configuration {
        Configuration {
            memory: self.memory,
            isdr_aid: self.isdr_aid.clone(),
            svn: self.svn,
            profile_version: self.profile_version,
            firmware_version: self.firmware_version,
            default_dp_address: self.default_dp_address.clone(),
            root_ds_address: self.root_ds_address.clone(),
            rules: self.rules.clone(),
            forbidden_rules: self.forbidden_rules,
            pp_version: self.announced.pp_version,
            sas_accreditation_number: self.announced.sas_accreditation_number.clone(),
            ts102241_version: self.announced.ts102241_version,
            globalplatform_version: self.announced.globalplatform_version,
            category: self.announced.category,
            uicc_capability: self.announced.uicc_capability,
            rsp_capability: self.announced.rsp_capability,
            fallback: self.fallback,
        }
    }
}

fn preload(tx: &mut Transaction<'_>, number: usize, profile: &Preloaded) -> Result<(), FactoryError> {
    let refused = |element, because| FactoryError::Profile { number, element, because };
    let metadata: Raw<StoreMetadata> =
        Raw::decode(&profile.metadata).map_err(|_| refused("metadata", "not a StoreMetadataRequest"))?;
    if isdp::all(tx).iter().any(|isdp| isdp.metadata.iccid == metadata.iccid) {
        return Err(refused("metadata", "the ICCID is there already"));
    }
    let slot = profile::free_slot(tx).ok_or(Error::Full)?;
    let mut installer = Installer::new(slot);
    let failed = |failure: profile::Failure| refused(failure.element, failure.because);
    installer.feed(tx, &profile.package).map_err(failed)?;
    let installed = installer.finish(tx).map_err(failed)?;
    check_against_metadata(&installed, &metadata).map_err(|(_, because)| refused("metadata", because))?;
    let isdp = Isdp {
        slot,
        number: isdp::free_number(tx).ok_or(Error::Full)?,
        metadata,
        nickname: None,
        dp_proprietary_data: None,
        field_loaded: false,
        ci: None,
    };
    isdp.store(tx)?;
    if profile.enabled {
        if profile::enabled(tx).is_some() {
            return Err(refused("enabled", "another profile is enabled"));
        }
        profile::set_enabled(tx, Some(slot))?;
    }
    Ok(())
}

fn parsed_version(name: &'static str, text: &str) -> Result<Version, FactoryError> {
    text.parse().map_err(|_| part(name, "three numbers and two points"))
}

fn standard_isdr_aid() -> Aid {
    // The number 1 in the place of an ISD-P's is the ISD-R.
    Aid::isd_p(1)
}

impl Identity {
    /// From base64.
    fn read(key: &str, euicc_certificate: &str, eum_certificate: &str) -> Result<Self, FactoryError> {
        let key = Zeroizing::new(binary("euiccPrivateKey", key)?);
        let euicc_certificate = binary("euiccCertificate", euicc_certificate)?;
        let certificate = Certificate::from_der(&euicc_certificate)
            .map_err(|error| part("euiccCertificate", error.to_string()))?;
        // Only PKCS#8 always names the curve.
        let public = certificate.public_key();
        let curve = public.ok_or_else(|| part("euiccCertificate", "its curve is not supported"))?.curve();
        let key = signing_key(curve, &key);
        Ok(Self {
            key: key.ok_or_else(|| part("euiccPrivateKey", format!("not a private key of {curve}")))?,
            euicc_certificate,
            eum_certificate: binary("eumCertificate", eum_certificate)?,
        })
    }
}

/// PKCS#8, SEC1 (RFC 5915) or the bare scalar.
fn signing_key(curve: Curve, bytes: &[u8]) -> Option<SigningKey> {
    if let Ok(scalar) = bytes.try_into() {
        return SigningKey::from_scalar(curve, scalar);
    }
    SigningKey::from_pkcs8_der(bytes).or_else(|| {
        let mut fields = Tlv::single_of(bytes, Tag::SEQUENCE).ok()?.fields();
        let scalar: Zeroizing<[u8; 32]> =
            Zeroizing::new(fields.required(Tag::OCTET_STRING).ok()?.array().ok()?);
        SigningKey::from_scalar(curve, &scalar)
    })
}

fn binary(name: &'static str, text: &str) -> Result<Vec<u8>, FactoryError> {
    BASE64_STANDARD.decode(text.trim()).map_err(|error| part(name, error.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    eid: String,
    euicc_private_key: Option<Zeroizing<String>>,
    euicc_certificate: Option<String>,
    eum_certificate: Option<String>,
    #[serde(default)]
    identities: Vec<JsonIdentity>,
    ci_certificates: Vec<String>,
    memory: Option<u32>,
    isd_r_aid: Option<String>,
    default_dp_address: Option<String>,
    root_ds_address: Option<String>,
    sgp22_version: Option<String>,
    profile_version: Option<String>,
    firmware_version: Option<String>,
    rules_authorisation_table: Option<String>,
    #[serde(default)]
    forbidden_profile_policy_rules: Vec<String>,
    #[serde(default)]
    fallback: bool,
    #[serde(default)]
    announced: JsonAnnounced,
    #[serde(default)]
    preloaded: Vec<JsonProfile>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonAnnounced {
    uicc_capability: Option<String>,
    rsp_capability: Option<String>,
    ts102241_version: Option<String>,
    globalplatform_version: Option<String>,
    category: Option<String>,
    pp_version: Option<String>,
    sas_acreditation_number: Option<String>,
}

impl JsonAnnounced {
    fn read(self) -> Result<Announced, FactoryError> {
        let bits = |name, text: Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
            bytes.map(u32::from_be_bytes).map(Some).ok_or_else(|| part(name, "not 4 bytes in hexadecimal"))
        };
        let version = |name, text: Option<String>| text.map(|text| parsed_version(name, &text)).transpose();
        let category = match self.category.as_deref() {
            None => None,
            Some("other") => Some(0),
            Some("basicEuicc") => Some(1),
            Some("mediumEuicc") => Some(2),
            Some("contactlessEuicc") => Some(3),
            Some(_) => return Err(part("category", "other, basicEuicc, mediumEuicc or contactlessEuicc")),
        };
        let usual = Announced::default();
        let number = self.sas_acreditation_number.unwrap_or(usual.sas_accreditation_number);
        if number.len() > 64 {
            return Err(part("sasAcreditationNumber", "longer than 64 bytes"));
        }
        Ok(Announced {
            uicc_capability: bits("uiccCapability", self.uicc_capability)?,
            rsp_capability: bits("rspCapability", self.rsp_capability)?,
            ts102241_version: version("ts102241Version", self.ts102241_version)?,
            globalplatform_version: version("globalplatformVersion", self.globalplatform_version)?,
            category,
            pp_version: version("ppVersion", self.pp_version)?.unwrap_or(usual.pp_version),
            sas_accreditation_number: number,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonIdentity {
    euicc_private_key: Zeroizing<String>,
    euicc_certificate: String,
    eum_certificate: String,
}

#[derive(Deserialize)]
struct JsonProfile {
    metadata: String,
    package: Zeroizing<String>,
    #[serde(default)]
    enabled: bool,
}
