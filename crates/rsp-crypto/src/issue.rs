//! Issues certificates and revocation lists: the project's own test PKI, shaped as
//! SGP.26 shapes its certificates of variant O, and single certificates with chosen
//! faults.
//!
//! ```text
//!   CI ─┬─► EUM ──► eUICC …           one more for every EID
//!       ├─► DPauth, DPpb, DPtls       one SM-DP+
//!       └─► DSauth                    one SM-DS
//! ```
//!
//! Everything is a function of its arguments: with the same seed the same keys
//! and the same bytes come out. The extensions stand in the order of SGP.26, so
//! that its own certificates can be made again byte for byte.

mod lpa;

pub use lpa::LpaPki;

use core::fmt;

use der::pem::LineEnding;
use rand_core::CryptoRng;
use rsp::{Eid, Oid};
use tlv::{Reader, Tag, Tlv, Writer};
use zeroize::Zeroizing;

use crate::cert::InvalidCertificate;
use crate::crl::{
    AUTHORITY_KEY_IDENTIFIER, CRL_NUMBER, DELTA_CRL_INDICATOR, EXPIRATION_DATE, ISSUING_DISTRIBUTION_POINT,
    PARTIAL_CRL_NUMBER, Part, REASON_CODE, TOTAL_PARTIAL_CRL_NUMBER,
};
use crate::software::SigningKey;
use crate::{Certificate, CiKey, Curve, KeyIdentifier, PublicKey, Role, signature};

const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const BRAINPOOL_P256R1: &[u8] = &[0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07];
const SERVER_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
const SET: Tag = Tag(0x31);
const PRINTABLE_STRING: Tag = Tag(0x13);
const UTC_TIME: Tag = Tag(0x17);
const GENERALIZED_TIME: Tag = Tag(0x18);
const ENUMERATED: Tag = Tag(0x0A);

/// A certificate and its private key.
#[derive(Clone)]
pub struct Identity {
    certificate: Certificate,
    key: SigningKey,
}

/// A certificate and a private key that do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyMismatch;

impl fmt::Display for KeyMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the private key is not the certificate's")
    }
}

impl core::error::Error for KeyMismatch {}

impl Identity {
    /// From parts.
    ///
    /// # Errors
    /// When they do not belong together.
    pub fn new(certificate: Certificate, key: SigningKey) -> Result<Self, KeyMismatch> {
        if certificate.public_key() == Some(&key.public_key()) {
            Ok(Self { certificate, key })
        } else {
            Err(KeyMismatch)
        }
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The private key.
    #[must_use]
    pub const fn expose_key(&self) -> &SigningKey {
        &self.key
    }

    /// The certificate as PEM.
    ///
    /// # Errors
    /// Never for a certificate that was parsed.
    pub fn certificate_pem(&self) -> Result<String, der::pem::Error> {
        der::pem::encode_string("CERTIFICATE", LineEnding::LF, self.certificate.der())
    }
}

/// What the extensions of a certificate allow, apart from its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A Certificate Issuer: signs certificates and revocation lists.
    Issuer,
    /// An EUM: signs certificates whose organisation and first digits of the
    /// EID are these.
    Manufacturer {
        /// `organizationName` of its eUICCs.
        organization: String,
        /// First digits of their EIDs.
        eid_prefix: String,
    },
    /// An eUICC: signs data.
    Euicc,
    /// A server: signs data.
    Server,
    /// A TLS end.
    Tls {
        /// The host name.
        host: String,
    },
    /// A CA of LPAs, which SGP.22 does not know: signs certificates and revocation lists.
    LpaIssuer,
    /// An LPA: signs data, authenticates a TLS client.
    Lpa,
}

/// One attribute of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `countryName`, two letters.
    Country(String),
    /// `organizationName`.
    Organization(String),
    /// `organizationalUnitName`.
    OrganizationalUnit(String),
    /// `commonName`.
    CommonName(String),
    /// `serialNumber`: the EID.
    Eid(Eid),
}

/// A time span in seconds since 1970, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: u64,
    /// The last second; at most the end of the year 9999.
    pub not_after: u64,
}

/// What a certificate says, but for its key and its issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The serial number, big-endian, without sign.
    pub serial: Vec<u8>,
    /// The subject, in this order.
    pub subject: Vec<Attribute>,
    /// When it may be used.
    pub validity: Validity,
    /// What its policy says; the shapes of LPAs have none.
    pub role: Role,
    /// What its other extensions say.
    pub shape: Shape,
    /// `registeredID` of subjectAltName.
    pub registered_id: Option<Oid>,
    /// Where the issuer's revocation lists are.
    pub revocation_lists: Vec<String>,
}

impl Template {
    /// A certificate for `key` by `issuer`.
    ///
    /// # Errors
    /// When what the template says is not a certificate, such as a time after the
    /// year 9999.
    pub fn issue(&self, key: &PublicKey, issuer: &Identity) -> Result<Certificate, InvalidCertificate> {
        let name = subject_of(&issuer.certificate).ok_or(InvalidCertificate { part: "issuer" })?;
        let id = issuer.certificate.subject_key_identifier();
        let tbs = self.tbs(key, name, id).ok_or(InvalidCertificate { part: "validity" })?;
        Certificate::from_der(&signed(&tbs, &issuer.key))
    }

    /// A certificate for `key` by itself.
    ///
    /// # Errors
    /// As [`Template::issue`].
    pub fn self_sign(&self, key: &SigningKey) -> Result<Certificate, InvalidCertificate> {
        let tbs = self.tbs(&key.public_key(), &self.subject_name(), None);
        Certificate::from_der(&signed(&tbs.ok_or(InvalidCertificate { part: "validity" })?, key))
    }

    fn subject_name(&self) -> Vec<u8> {
        let attributes = self.subject.iter();
        Writer::new().nested(Tag::SEQUENCE, |w| attributes.for_each(|attribute| attribute.write(w))).finish()
    }

    fn tbs(&self, key: &PublicKey, issuer: &[u8], issuer_id: Option<&KeyIdentifier>) -> Option<Vec<u8>> {
        let not_before = time(self.validity.not_before)?;
        let not_after = time(self.validity.not_after)?;
        let tbs = Writer::new()
            .nested(Tag::SEQUENCE, |w| {
                w.nested(Tag(0xA0), |w| {
                    w.unsigned(Tag::INTEGER, 2);
                });
                w.tlv(Tag::INTEGER, &integer(&self.serial));
                algorithm(w);
                w.raw(issuer);
                w.nested(Tag::SEQUENCE, |w| {
                    w.raw(&not_before).raw(&not_after);
                });
                w.raw(&self.subject_name());
                w.nested(Tag::SEQUENCE, |w| {
                    w.nested(Tag::SEQUENCE, |w| {
                        let curve = match key.curve() {
                            Curve::P256 => PRIME256V1,
                            Curve::BrainpoolP256r1 => BRAINPOOL_P256R1,
                        };
                        w.tlv(Tag::OID, EC_PUBLIC_KEY).tlv(Tag::OID, curve);
                    });
                    w.tlv(Tag::BIT_STRING, &[&[0], key.as_bytes().as_slice()].concat());
                });
                w.nested(Tag(0xA3), |w| {
                    w.nested(Tag::SEQUENCE, |w| {
                        for extension in self.shape.extensions() {
                            self.write_extension(w, *extension, key, issuer_id);
                        }
                    });
                });
            })
            .finish();
        Some(tbs)
    }

    fn write_extension(
        &self,
        w: &mut Writer,
        extension: Extension,
        key: &PublicKey,
        issuer_id: Option<&KeyIdentifier>,
    ) {
        let mut value = Writer::new();
        let is_tls = matches!(self.shape, Shape::Tls { .. });
        let (id, critical) = match extension {
            Extension::AuthorityKey => {
                let Some(issuer_id) = issuer_id else { return };
                value.nested(Tag::SEQUENCE, |w| {
                    w.tlv(Tag(0x80), issuer_id.as_bytes());
                });
                (35, false)
            }
            Extension::SubjectKey => {
                value.tlv(Tag::OCTET_STRING, KeyIdentifier::of(key).as_bytes());
                (14, false)
            }
            Extension::KeyUsage => {
                // Bits 0 digitalSignature, 5 keyCertSign, 6 cRLSign.
                value.bits(
                    Tag::BIT_STRING,
                    match self.shape {
                        Shape::Issuer | Shape::LpaIssuer => 0x0600_0000,
                        Shape::Manufacturer { .. } => 0x0400_0000,
                        Shape::Euicc | Shape::Server | Shape::Tls { .. } | Shape::Lpa => 0x8000_0000,
                    },
                );
                (15, true)
            }
            Extension::ExtendedKeyUsage => {
                value.nested(Tag::SEQUENCE, |w| {
                    if is_tls {
                        w.tlv(Tag::OID, SERVER_AUTH);
                    }
                    w.tlv(Tag::OID, CLIENT_AUTH);
                });
                (37, true)
            }
            Extension::Policies => {
                let Some(policy) = self.role.policy() else { return };
                value.nested(Tag::SEQUENCE, |w| {
                    w.nested(Tag::SEQUENCE, |w| {
                        w.tlv(Tag::OID, policy.der_contents());
                    });
                });
                (32, !is_tls)
            }
            Extension::AlternativeNames => {
                value.nested(Tag::SEQUENCE, |w| {
                    if let Shape::Tls { host } = &self.shape {
                        w.tlv(Tag(0x82), host.as_bytes());
                    }
                    w.optional(Tag(0x88), self.registered_id.as_ref().map(Oid::der_contents));
                });
                (17, false)
            }
            Extension::BasicConstraints => {
                value.nested(Tag::SEQUENCE, |w| {
                    w.boolean(Tag::BOOLEAN, true);
                    if matches!(self.shape, Shape::Manufacturer { .. } | Shape::LpaIssuer) {
                        w.unsigned(Tag::INTEGER, 0);
                    }
                });
                (19, true)
            }
            Extension::RevocationLists => {
                if self.revocation_lists.is_empty() {
                    return;
                }
                value.nested(Tag::SEQUENCE, |w| {
                    for list in &self.revocation_lists {
                        // DistributionPoint { [0] distributionPoint { [0] fullName { [6] URI } } }
                        w.nested(Tag::SEQUENCE, |w| {
                            w.nested(Tag(0xA0), |w| {
                                w.nested(Tag(0xA0), |w| {
                                    w.tlv(Tag(0x86), list.as_bytes());
                                });
                            });
                        });
                    }
                });
                (31, false)
            }
            Extension::NameConstraints => {
                let Shape::Manufacturer { organization, eid_prefix } = &self.shape else { return };
                // permittedSubtrees [0] { GeneralSubtree { base directoryName [4] } }
                value.nested(Tag::SEQUENCE, |w| {
                    w.nested(Tag(0xA0), |w| {
                        w.nested(Tag::SEQUENCE, |w| {
                            w.nested(Tag(0xA4), |w| {
                                w.nested(Tag::SEQUENCE, |w| {
                                    relative_name(w, 10, Tag::UTF8_STRING, organization);
                                    relative_name(w, 5, PRINTABLE_STRING, eid_prefix);
                                });
                            });
                        });
                    });
                });
                (30, true)
            }
        };
        w.nested(Tag::SEQUENCE, |w| {
            w.tlv(Tag::OID, &[0x55, 0x1D, id]);
            if critical {
                w.boolean(Tag::BOOLEAN, true);
            }
            w.tlv(Tag::OCTET_STRING, &value.finish());
        });
    }
}

#[derive(Clone, Copy)]
enum Extension {
    AuthorityKey,
    SubjectKey,
    KeyUsage,
    ExtendedKeyUsage,
    Policies,
    AlternativeNames,
    BasicConstraints,
    RevocationLists,
    NameConstraints,
}

impl Shape {
    /// The extensions in the order of the SGP.26 recipes.
    const fn extensions(&self) -> &'static [Extension] {
        use Extension as E;
        match self {
            Self::Issuer => &[
                E::SubjectKey,
                E::BasicConstraints,
                E::Policies,
                E::KeyUsage,
                E::AlternativeNames,
                E::RevocationLists,
            ],
            Self::Manufacturer { .. } => &[
                E::AuthorityKey,
                E::SubjectKey,
                E::KeyUsage,
                E::Policies,
                E::AlternativeNames,
                E::BasicConstraints,
                E::RevocationLists,
                E::NameConstraints,
            ],
            Self::Euicc => &[E::AuthorityKey, E::SubjectKey, E::KeyUsage, E::Policies],
            Self::Server => &[
                E::AuthorityKey,
                E::SubjectKey,
                E::AlternativeNames,
                E::KeyUsage,
                E::Policies,
                E::RevocationLists,
            ],
            Self::Tls { .. } => &[
                E::KeyUsage,
                E::ExtendedKeyUsage,
                E::Policies,
                E::SubjectKey,
                E::AuthorityKey,
                E::AlternativeNames,
                E::RevocationLists,
            ],
            Self::LpaIssuer => &[E::SubjectKey, E::BasicConstraints, E::KeyUsage, E::RevocationLists],
            Self::Lpa => {
                &[E::AuthorityKey, E::SubjectKey, E::KeyUsage, E::ExtendedKeyUsage, E::RevocationLists]
            }
        }
    }
}

impl Attribute {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Country(text) => relative_name(w, 6, PRINTABLE_STRING, text),
            Self::Organization(text) => relative_name(w, 10, Tag::UTF8_STRING, text),
            Self::OrganizationalUnit(text) => relative_name(w, 11, Tag::UTF8_STRING, text),
            Self::CommonName(text) => relative_name(w, 3, Tag::UTF8_STRING, text),
            Self::Eid(eid) => relative_name(w, 5, PRINTABLE_STRING, &eid.to_string()),
        }
    }
}

/// A relative distinguished name of one attribute, `2.5.4.number`.
fn relative_name(w: &mut Writer, number: u8, string: Tag, text: &str) {
    w.nested(SET, |w| {
        w.nested(Tag::SEQUENCE, |w| {
            w.tlv(Tag::OID, &[0x55, 0x04, number]).tlv(string, text.as_bytes());
        });
    });
}

fn algorithm(w: &mut Writer) {
    w.nested(Tag::SEQUENCE, |w| {
        w.tlv(Tag::OID, ECDSA_WITH_SHA256);
    });
}

fn signed(tbs: &[u8], key: &SigningKey) -> Vec<u8> {
    let signature = signature::to_sig_value(&key.sign(tbs));
    Writer::new()
        .nested(Tag::SEQUENCE, |w| {
            w.raw(tbs);
            algorithm(w);
            w.tlv(Tag::BIT_STRING, &[&[0], signature.as_slice()].concat());
        })
        .finish()
}

/// The contents of an `INTEGER` with this magnitude.
fn integer(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude.iter().position(|&byte| byte != 0).unwrap_or(magnitude.len());
    let digits = magnitude.get(start..).unwrap_or_default();
    match digits.first() {
        Some(first) if first & 0x80 == 0 => digits.to_vec(),
        _ => [&[0], digits].concat(),
    }
}

/// `Time` of RFC 5280 §4.1.2.5: two digits of the year up to 2049, then four.
/// `None` after the year 9999.
fn time(seconds: u64) -> Option<Vec<u8>> {
    let at = der::DateTime::from_unix_duration(core::time::Duration::from_secs(seconds)).ok()?;
    let rest =
        format!("{:02}{:02}{:02}{:02}{:02}Z", at.month(), at.day(), at.hour(), at.minutes(), at.seconds());
    Some(if at.year() < 2050 {
        tlv::encode(UTC_TIME, format!("{:02}{rest}", at.year() % 100).as_bytes())
    } else {
        tlv::encode(GENERALIZED_TIME, format!("{:04}{rest}", at.year()).as_bytes())
    })
}

/// The subject's name as it stands in the certificate.
fn subject_of(certificate: &Certificate) -> Option<&[u8]> {
    let mut fields: Reader<'_> = Tlv::single(certificate.tbs()).ok()?.reader();
    // version, serialNumber, signature, issuer, validity
    for _ in 0..5 {
        fields.next().ok()?;
    }
    Some(fields.expect(Tag::SEQUENCE).ok()?.raw)
}

/// A revocation list, but for its issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationList {
    /// `cRLNumber`.
    pub number: u32,
    /// When it is issued, in seconds since 1970.
    pub this_update: u64,
    /// When the next one is, in seconds since 1970.
    pub next_update: Option<u64>,
    /// What it lists.
    pub revoked: Vec<Revoked>,
    /// The number of the list that it tells the changes of.
    pub base: Option<u32>,
    /// Which part it is of a list that was cut.
    pub part: Option<Part>,
    /// Its scope: `IssuingDistributionPoint` in DER.
    pub scope: Option<Vec<u8>>,
}

/// An entry of a revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The certificate's serial number, as the contents of an `INTEGER`.
    pub serial_number: Vec<u8>,
    /// Since when, in seconds since 1970.
    pub at: u64,
    /// `CRLReason` (RFC 5280 §5.3.1).
    pub reason: Option<u8>,
    /// `id-rsp-expDate`: when the certificate ends, in seconds since 1970.
    pub expires: Option<u64>,
}

impl Revoked {
    /// A certificate, revoked for no said reason.
    #[must_use]
    pub fn of(certificate: &Certificate, at: u64) -> Self {
        Self { serial_number: certificate.serial_number().to_vec(), at, reason: None, expires: None }
    }

    fn write(&self, w: &mut Writer) -> Option<()> {
        let at = time(self.at)?;
        let expires = match self.expires {
            Some(seconds) => Some(time(seconds)?),
            None => None,
        };
        w.nested(Tag::SEQUENCE, |w| {
            w.tlv(Tag::INTEGER, &self.serial_number).raw(&at);
            if self.reason.is_none() && expires.is_none() {
                return;
            }
            w.nested(Tag::SEQUENCE, |w| {
                if let Some(reason) = self.reason {
                    list_extension(w, REASON_CODE, false, &tlv::encode(ENUMERATED, &[reason]));
                }
                if let Some(expires) = &expires {
                    list_extension(w, EXPIRATION_DATE, false, expires);
                }
            });
        });
        Some(())
    }
}

impl RevocationList {
    /// The list by `issuer`, as `CertificateList` in DER.
    ///
    /// # Errors
    /// When a time cannot be written, or the issuer's certificate has no subject or no
    /// key identifier.
    pub fn sign(&self, issuer: &Identity) -> Result<Vec<u8>, InvalidCertificate> {
        let name = subject_of(&issuer.certificate).ok_or(InvalidCertificate { part: "issuer" })?;
        let id = issuer.certificate.subject_key_identifier();
        let id = id.ok_or(InvalidCertificate { part: "subjectKeyIdentifier" })?;
        let tbs = self.tbs(name, id).ok_or(InvalidCertificate { part: "thisUpdate" })?;
        Ok(signed(&tbs, &issuer.key))
    }

    fn tbs(&self, issuer: &[u8], issuer_id: &KeyIdentifier) -> Option<Vec<u8>> {
        let this_update = time(self.this_update)?;
        let next_update = match self.next_update {
            Some(seconds) => time(seconds)?,
            None => Vec::new(),
        };
        let mut revoked = Writer::new();
        for entry in &self.revoked {
            entry.write(&mut revoked)?;
        }
        let revoked = revoked.finish();
        let number = |number| Writer::new().unsigned(Tag::INTEGER, number).finish();
        let mut w = Writer::new();
        w.nested(Tag::SEQUENCE, |w| {
            w.unsigned(Tag::INTEGER, 1);
            algorithm(w);
            w.raw(issuer).raw(&this_update).raw(&next_update);
            if !revoked.is_empty() {
                w.tlv(Tag::SEQUENCE, &revoked);
            }
            w.nested(Tag(0xA0), |w| {
                w.nested(Tag::SEQUENCE, |w| {
                    let key = tlv::encode(Tag::SEQUENCE, &tlv::encode(Tag(0x80), issuer_id.as_bytes()));
                    list_extension(w, AUTHORITY_KEY_IDENTIFIER, false, &key);
                    list_extension(w, CRL_NUMBER, false, &number(self.number));
                    if let Some(base) = self.base {
                        list_extension(w, DELTA_CRL_INDICATOR, true, &number(base));
                    }
                    if let Some(scope) = &self.scope {
                        list_extension(w, ISSUING_DISTRIBUTION_POINT, true, scope);
                    }
                    if let Some(Part { number: part, total }) = self.part {
                        list_extension(w, TOTAL_PARTIAL_CRL_NUMBER, true, &number(total));
                        list_extension(w, PARTIAL_CRL_NUMBER, true, &number(part));
                    }
                });
            });
        });
        Some(w.finish())
    }
}

fn list_extension(w: &mut Writer, id: &[u8], critical: bool, value: &[u8]) {
    w.nested(Tag::SEQUENCE, |w| {
        w.tlv(Tag::OID, id);
        if critical {
            w.boolean(Tag::BOOLEAN, true);
        }
        w.tlv(Tag::OCTET_STRING, value);
    });
}

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
fn file_pair(name: &str, identity: &Identity) -> Result<[File; 2], PkiError> {
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
fn serial(rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut serial = [0; 16];
    rng.fill_bytes(&mut serial);
    serial[0] = serial[0] & 0x7F | 0x40;
    serial.to_vec()
}
