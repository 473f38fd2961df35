//! The test PKI: who is in it, and the files that it is kept in.

use core::fmt;

use rand_core::CryptoRng;
use rsp::{Eid, Oid};
use zeroize::Zeroizing;

use super::{Attribute, Identity, KeyMismatch, Shape, Template, Validity};
use crate::cert::InvalidCertificate;
use crate::software::SigningKey;
use crate::{Certificate, CiKey, Curve, Role};

/// What the test PKI is made for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The curve of all keys.
    pub curve: Curve,
    /// The EID of the first eUICC.
    pub eid: Eid,
    /// The SM-DP+ address: the host name of CERT.DP.TLS.
    pub smdp_address: String,
    /// The SM-DP+'s object identifier.
    pub smdp_oid: Oid,
    /// The SM-DS's object identifier.
    pub smds_oid: Oid,
    /// When the certificates may be used.
    pub validity: Validity,
}

/// The project's own test PKI.
#[derive(Clone)]
pub struct Pki {
    /// Certificate Issuer.
    pub ci: Identity,
    /// eUICC manufacturer.
    pub eum: Identity,
    /// The first eUICC.
    pub euicc: Identity,
    /// SM-DP+, authentication.
    pub dp_auth: Identity,
    /// SM-DP+, profile package binding.
    pub dp_pb: Identity,
    /// SM-DP+, TLS.
    pub dp_tls: Identity,
    /// SM-DS, authentication.
    pub ds_auth: Identity,
}

/// A file of the PKI.
pub struct File {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub contents: Zeroizing<Vec<u8>>,
    /// Whether it holds a private key.
    pub is_secret: bool,
}

/// Why a PKI could not be made or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PkiError {
    /// A file is not there.
    Missing(String),
    /// A certificate is malformed.
    Certificate(InvalidCertificate),
    /// A file does not hold a private key in PEM.
    Key(String),
    /// A private key is not that of the certificate.
    Mismatch(KeyMismatch),
}

impl fmt::Display for PkiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name} is absent"),
            Self::Certificate(error) => error.fmt(f),
            Self::Key(name) => write!(f, "{name} holds no private key in PEM"),
            Self::Mismatch(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for PkiError {}

impl From<InvalidCertificate> for PkiError {
    fn from(error: InvalidCertificate) -> Self {
        Self::Certificate(error)
    }
}

impl From<KeyMismatch> for PkiError {
    fn from(error: KeyMismatch) -> Self {
        Self::Mismatch(error)
    }
}

const EUM_ORGANIZATION: &str = "RSP Test EUM";
/// Digits of the EID that a manufacturer is bound to (the issuer identification
/// number).
const EID_PREFIX_LEN: usize = 8;

impl Pki {
    /// Makes keys and certificates. The same `rng` state makes the same PKI.
    ///
    /// # Errors
    /// When the settings make a certificate that is none.
    pub fn generate(rng: &mut impl CryptoRng, settings: &Settings) -> Result<Self, PkiError> {
        let oid = |text: &str| text.parse().ok();
        let server_organization = || Attribute::Organization("ACME".into());
        let common_name = |name: &str| Attribute::CommonName(name.into());
        let template = |rng: &mut _, role, shape, subject, registered_id, lists: &[u8]| Template {
            serial: serial(rng),
            subject,
            validity: settings.validity,
            role,
            shape,
            registered_id,
            revocation_lists: lists
                .iter()
                .map(|number| format!("http://ci.test.example.com/CRL-{number}.crl"))
                .collect(),
        };

        let key = SigningKey::generate(settings.curve, rng);
        let ci_subject = vec![
            common_name("Test CI"),
            Attribute::OrganizationalUnit("TESTCERT".into()),
            Attribute::Organization("RSPTEST".into()),
            Attribute::Country("IT".into()),
        ];
        let ci = template(rng, Role::Ci, Shape::Issuer, ci_subject, oid("2.999.1"), &[1, 2]);
        let ci = Identity::new(ci.self_sign(&key)?, key)?;

        let manufacturer = Shape::Manufacturer {
            organization: EUM_ORGANIZATION.into(),
            eid_prefix: settings.eid.to_string().chars().take(EID_PREFIX_LEN).collect(),
        };
        let eum_subject = vec![
            Attribute::Country("ES".into()),
            Attribute::Organization(EUM_ORGANIZATION.into()),
            common_name("EUM Test"),
        ];
        let eum = template(rng, Role::Eum, manufacturer, eum_subject, oid("2.999.5"), &[2]);
        let eum = ci.issue_with_new_key(rng, &eum)?;
        let euicc = eum.issue_euicc(rng, settings.eid, settings.validity)?;

        let mut server = |role, shape, name: &str, oid: &Oid| {
            let subject = vec![server_organization(), common_name(name)];
            let template = template(rng, role, shape, subject, Some(oid.clone()), &[1, 2]);
            ci.issue_with_new_key(rng, &template)
        };
        let smdp_oid = &settings.smdp_oid;
        let tls = Shape::Tls { host: settings.smdp_address.clone() };
        Ok(Self {
            dp_auth: server(Role::DpAuth, Shape::Server, "TEST SM-DP+", smdp_oid)?,
            dp_pb: server(Role::DpPb, Shape::Server, "TEST SM-DP+", smdp_oid)?,
            dp_tls: server(Role::DpTls, tls, &settings.smdp_address, smdp_oid)?,
            ds_auth: server(Role::DsAuth, Shape::Server, "TEST SM-DS", &settings.smds_oid)?,
            ci,
            eum,
            euicc,
        })
    }

    /// One more eUICC of the manufacturer. An EID that does not begin as the
    /// manufacturer's makes a certificate that no server believes.
    ///
    /// # Errors
    /// When `validity` cannot be written.
    pub fn issue_euicc(
        &self,
        rng: &mut impl CryptoRng,
        eid: Eid,
        validity: Validity,
    ) -> Result<Identity, PkiError> {
        self.eum.issue_euicc(rng, eid, validity)
    }

    /// The key that eUICCs and servers trust. `None` never happens for a PKI made
    /// here.
    #[must_use]
    pub fn ci_key(&self) -> Option<CiKey> {
        CiKey::from_certificate(self.ci.certificate())
    }

    /// The PKI as files: `CERT_name.der` and `SK_name.pem` (PKCS#8) for each of
    /// `CI`, `EUM`, `EUICC`, `DPauth`, `DPpb`, `DPtls`, `DSauth`.
    ///
    /// # Errors
    /// [`PkiError::Key`] never happens for a PKI made here.
    pub fn expose_files(&self) -> Result<Vec<File>, PkiError> {
        let mut files = Vec::new();
        for (name, identity) in NAMES.into_iter().zip(self.identities()) {
            files.extend(file_pair(name, identity)?);
        }
        Ok(files)
    }

    /// From the files of [`Pki::expose_files`], or others named so. `read` gives
    /// the contents of a file.
    ///
    /// # Errors
    /// When a file is missing or does not hold what it should.
    pub fn from_files(mut read: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Self, PkiError> {
        let mut identity = |name: &str| {
            let mut file = |name: String| match read(&name) {
                Some(contents) => Ok((name, Zeroizing::new(contents))),
                None => Err(PkiError::Missing(name)),
            };
            let (_, certificate) = file(format!("CERT_{name}.der"))?;
            let (key_name, key) = file(format!("SK_{name}.pem"))?;
            let key = core::str::from_utf8(&key).ok().and_then(SigningKey::from_pem);
            let key = key.ok_or(PkiError::Key(key_name))?;
            Ok::<_, PkiError>(Identity::new(Certificate::from_der(&certificate)?, key)?)
        };
        let [ci, eum, euicc, dp_auth, dp_pb, dp_tls, ds_auth] = NAMES;
        Ok(Self {
            ci: identity(ci)?,
            eum: identity(eum)?,
            euicc: identity(euicc)?,
            dp_auth: identity(dp_auth)?,
            dp_pb: identity(dp_pb)?,
            dp_tls: identity(dp_tls)?,
            ds_auth: identity(ds_auth)?,
        })
    }

    const fn identities(&self) -> [&Identity; 7] {
        [&self.ci, &self.eum, &self.euicc, &self.dp_auth, &self.dp_pb, &self.dp_tls, &self.ds_auth]
    }
}

/// `CERT_name.der` and `SK_name.pem`.
pub(super) fn file_pair(name: &str, identity: &Identity) -> Result<[File; 2], PkiError> {
    let key_name = format!("SK_{name}.pem");
    let pem = identity.key.expose_pkcs8_pem().ok_or_else(|| PkiError::Key(key_name.clone()))?;
    Ok([
        File {
            name: format!("CERT_{name}.der"),
            contents: Zeroizing::new(identity.certificate.der().to_vec()),
            is_secret: false,
        },
        File { name: key_name, contents: Zeroizing::new(pem.as_bytes().to_vec()), is_secret: true },
    ])
}

const NAMES: [&str; 7] = ["CI", "EUM", "EUICC", "DPauth", "DPpb", "DPtls", "DSauth"];

impl Identity {
    /// A certificate by this issuer, for a key made here on the issuer's curve.
    ///
    /// # Errors
    /// As [`Template::issue`].
    pub fn issue_with_new_key(
        &self,
        rng: &mut impl CryptoRng,
        template: &Template,
    ) -> Result<Self, PkiError> {
        let key = SigningKey::generate(self.key.curve(), rng);
        let certificate = template.issue(&key.public_key(), self)?;
        Ok(Self::new(certificate, key)?)
    }

    /// An eUICC by this manufacturer. An EID that does not begin as the manufacturer's makes a
    /// certificate that no server believes.
    ///
    /// # Errors
    /// When `validity` cannot be written.
    pub fn issue_euicc(
        &self,
        rng: &mut impl CryptoRng,
        eid: Eid,
        validity: Validity,
    ) -> Result<Self, PkiError> {
        let template = self.euicc(rng, eid, validity);
        self.issue_with_new_key(rng, &template)
    }

    /// Another certificate for the key of an eUICC by this manufacturer.
    ///
    /// # Errors
    /// When `validity` cannot be written.
    pub fn renew_euicc(
        &self,
        rng: &mut impl CryptoRng,
        euicc: &Self,
        eid: Eid,
        validity: Validity,
    ) -> Result<Self, PkiError> {
        let template = self.euicc(rng, eid, validity);
        let certificate = template.issue(&euicc.key.public_key(), self)?;
        Ok(Self::new(certificate, euicc.key.clone())?)
    }

    fn euicc(&self, rng: &mut impl CryptoRng, eid: Eid, validity: Validity) -> Template {
        let organization = self.certificate.organization().unwrap_or(EUM_ORGANIZATION);
        Template {
            serial: serial(rng),
            subject: vec![
                Attribute::Country("ES".into()),
                Attribute::Organization(organization.into()),
                Attribute::Eid(eid),
                Attribute::CommonName("Test eUICC".into()),
            ],
            validity,
            role: Role::Euicc,
            shape: Shape::Euicc,
            registered_id: None,
            revocation_lists: Vec::new(),
        }
    }
}

/// A serial number that nobody can guess: 16 bytes, positive.
pub(super) fn serial(rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut serial = [0; 16];
    rng.fill_bytes(&mut serial);
    serial[0] = serial[0] & 0x7F | 0x40;
    serial.to_vec()
}
