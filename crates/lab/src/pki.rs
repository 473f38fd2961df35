//! A test PKI of one's own as files, named and laid out as GSMA SGP.26's, so that what
//! loads the one loads the other.
//!
//! ```text
//! CertificateIssuer/  CERT_CI_ECDSA_NIST.der    SK_CI_ECDSA_NIST.pem       … _BRP
//! EUM/  eUICC/  DPauth/  DPpb/  DPtls/  DSauth/   likewise
//! LPA/                CERT_LPA_CA.der  CERT_LPA.der and their keys   (no part of SGP.26)
//! SMDP_CREDENTIALS.json, SMDP_CREDENTIALS_2.json, LPA_CA.pem
//!                     as the SM-DP+ is configured with them: a CI each, for a secret of the
//!                     platform holds 5 kB
//! ```

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsp::Eid;
use rsp_crypto::Curve;
use rsp_crypto::issue::{File, LpaPki, Pki, Settings, Validity};
use serde_json::json;
use zeroize::Zeroizing;

use crate::trust::{SMDS_OID, stream};
use crate::{EID, SMDP_OID, Trust, TrustError};

/// What a PKI is made for.
#[derive(Clone, Debug)]
pub struct PkiWish {
    /// One Certificate Issuer on each, with everything under it.
    pub curves: Vec<Curve>,
    /// The eUICC's; [`EID`] for none. Its first eight digits bind the manufacturer.
    pub eid: Option<Eid>,
    /// The host name in CERT.DP.TLS.
    pub smdp_address: String,
    /// When all certificates may be used.
    pub validity: Validity,
}

/// All files of a PKI, by their path in its folder. The same seed makes the same keys.
///
/// # Errors
/// When a certificate can't be written, such as for a time after the year 9999, and when
/// there is no curve.
pub fn pki_files(seed: [u8; 32], wish: &PkiWish) -> Result<Vec<File>, TrustError> {
    let mut files = Vec::new();
    for &curve in &wish.curves {
        let id = |text: &str| TrustError::File(text.to_owned());
        let settings = Settings {
            curve,
            eid: wish.eid.map_or_else(|| EID.parse().map_err(|_| id(EID)), Ok)?,
            smdp_address: wish.smdp_address.clone(),
            smdp_oid: SMDP_OID.parse().map_err(|_| id(SMDP_OID))?,
            smds_oid: SMDS_OID.parse().map_err(|_| id(SMDS_OID))?,
            validity: wish.validity,
        };
        let pki = Pki::generate(&mut stream(seed, curve), &settings).map_err(TrustError::Pki)?;
        for file in pki.expose_files().map_err(TrustError::Pki)? {
            let name = sgp26_name(&file.name, curve);
            files.push(File { name, ..file });
        }
    }
    files.extend(lpa_files(seed, wish.validity)?);
    let read = |name: &str| files.iter().find(|file| file.name == name).map(|file| file.contents.to_vec());
    let credentials = Trust::sgp26(read)?.smdp_credentials();
    for (index, set) in credentials["sets"].as_array().into_iter().flatten().enumerate() {
        let text = json!({ "oid": credentials["oid"], "sets": [set] }).to_string();
        let more = if index == 0 { String::new() } else { format!("_{}", index + 1) };
        files.push(File {
            name: format!("SMDP_CREDENTIALS{more}.json"),
            contents: Zeroizing::new(text.into_bytes()),
            is_secret: true,
        });
    }
    Ok(files)
}

/// The files of certified LPAs: `LPA/` with a CA and an LPA under it, and `LPA_CA.pem`, the
/// variable `LPA_CA` of the SM-DP+. The same seed makes the same keys.
///
/// # Errors
/// When a certificate can't be written, such as for a time after the year 9999.
pub fn lpa_files(seed: [u8; 32], validity: Validity) -> Result<Vec<File>, TrustError> {
    // Chance of its own: whatever curves there are, the LPA's keys stay what they are.
    let mut rng = ChaCha20Rng::from_seed(seed);
    rng.set_stream(2);
    let lpa = LpaPki::generate(&mut rng, Curve::P256, validity).map_err(TrustError::Pki)?;
    let mut files = Vec::new();
    for file in lpa.expose_files().map_err(TrustError::Pki)? {
        files.push(File { name: format!("LPA/{}", file.name), ..file });
    }
    let pem = lpa.ca.certificate_pem().map_err(|_| TrustError::File(LPA_CA.into()))?;
    let contents = Zeroizing::new(pem.into_bytes());
    files.push(File { name: LPA_CA.into(), contents, is_secret: false });
    Ok(files)
}

const LPA_CA: &str = "LPA_CA.pem";

/// `CERT_DPauth.der` as SGP.26 has it: `DPauth/CERT_S_SM_DPauth_ECDSA_NIST.der`.
fn sgp26_name(name: &str, curve: Curve) -> String {
    let curve = match curve {
        Curve::P256 => "NIST",
        Curve::BrainpoolP256r1 => "BRP",
    };
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let (kind, owner) = stem.split_once('_').unwrap_or(("", stem));
    let (folder, owner) = match owner {
        "CI" => ("CertificateIssuer", "CI_ECDSA"),
        "EUM" => ("EUM", "EUM_ECDSA"),
        "EUICC" => ("eUICC", "EUICC_ECDSA"),
        "DPauth" => ("DPauth", "S_SM_DPauth_ECDSA"),
        "DPpb" => ("DPpb", "S_SM_DPpb_ECDSA"),
        "DPtls" => ("DPtls", "S_SM_DP_TLS"),
        "DSauth" => ("DSauth", "S_SM_DSauth_ECDSA"),
        other => ("", other),
    };
    format!("{folder}/{kind}_{owner}_{curve}.{extension}")
}
