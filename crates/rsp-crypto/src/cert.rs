//! X.509 certificates as SGP.22 §4.5.2 and SGP.14 profile them.
//!
//! Parsing reads and keeps; whether a certificate may be believed is the
//! business of [`crate::chain`].

use core::fmt;
use core::ops::Range;

use der::asn1::ObjectIdentifier;
use der::{Decode, Tagged};
use rsp::{Eid, Oid};
use tlv::{Tag, Tlv};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage,
    NameConstraints, SubjectKeyIdentifier,
};
use x509_cert::name::Name;

use crate::{PublicKey, Signature, signature};

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const PRIME256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const BRAINPOOL_P256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7");
const FRP256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.250.1.223.101.256.1");
const ORGANIZATION_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// May be critical, but there is nothing to be checked in it.
const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// `GeneralName` (RFC 5280 §4.2.1.6).
const DNS_NAME: Tag = Tag(0x82);
const REGISTERED_ID: Tag = Tag(0x88);
/// `id-rspRole`, 2.23.146.1.2.1, as DER contents.
const ID_RSP_ROLE: &[u8] = &[0x67, 0x81, 0x12, 0x01, 0x02, 0x01];

/// What the owner of a certificate may be (SGP.22 §4.5.2.1.0.3, `id-rspRole`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Certificate Issuer.
    Ci,
    /// eUICC.
    Euicc,
    /// eUICC Manufacturer.
    Eum,
    /// SM-DP+, TLS.
    DpTls,
    /// SM-DP+, authentication.
    DpAuth,
    /// SM-DP+, profile package binding.
    DpPb,
    /// SM-DS, TLS.
    DsTls,
    /// SM-DS, authentication.
    DsAuth,
    /// Another policy, among them the roles of SGP.22 v3.
    Other(Oid),
}

impl Role {
    /// The policy that stands for the role.
    #[must_use]
    pub fn policy(&self) -> Option<Oid> {
        let last = match self {
            Self::Ci => 0,
            Self::Euicc => 1,
            Self::Eum => 2,
            Self::DpTls => 3,
            Self::DpAuth => 4,
            Self::DpPb => 5,
            Self::DsTls => 6,
            Self::DsAuth => 7,
            Self::Other(oid) => return Some(oid.clone()),
        };
        Oid::from_der_contents(&[ID_RSP_ROLE, &[last]].concat()).ok()
    }

    fn from_policy(policy: ObjectIdentifier) -> Option<Self> {
        Some(match policy.as_bytes().strip_prefix(ID_RSP_ROLE) {
            Some([0]) => Self::Ci,
            Some([1]) => Self::Euicc,
            Some([2]) => Self::Eum,
            Some([3]) => Self::DpTls,
            Some([4]) => Self::DpAuth,
            Some([5]) => Self::DpPb,
            Some([6]) => Self::DsTls,
            Some([7]) => Self::DsAuth,
            _ => Self::Other(Oid::from_der_contents(policy.as_bytes()).ok()?),
        })
    }
}

/// The identifier of a public key (RFC 5280 §4.2.1.2).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyIdentifier(Vec<u8>);

impl KeyIdentifier {
    /// SHA-1 of the public key's bits, method (1) of RFC 5280 §4.2.1.2.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        use sha1::Digest;
        Self(sha1::Sha1::digest(key.as_bytes()).to_vec())
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// The curve of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// brainpoolP256r1.
    BrainpoolP256r1,
    /// FRP256v1.
    Frp256v1,
    /// None of SGP.22.
    Other,
}

/// What a certificate allows below it or excludes: one directory name, by
/// attribute type and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameSubtree(Vec<(ObjectIdentifier, String)>);

impl NameSubtree {
    /// Whether `subject` is inside. SGP.22 §4.5.2.1.0.2 gives the start of the
    /// EID in the constraint and more attributes in the subject, so this is not
    /// the prefix rule of RFC 5280: every attribute of the constraint must be in
    /// the subject, the serial number by its first digits.
    fn contains(&self, subject: &Self) -> bool {
        self.0.iter().all(|(oid, text)| {
            subject.0.iter().any(|(subject_oid, subject_text)| {
                subject_oid == oid
                    && if *oid == SERIAL_NUMBER {
                        subject_text.starts_with(text)
                    } else {
                        subject_text == text
                    }
            })
        })
    }

    fn attribute(&self, oid: ObjectIdentifier) -> Option<&str> {
        self.0.iter().find(|(found, _)| *found == oid).map(|(_, text)| text.as_str())
    }
}

/// The permitted and excluded names below a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) permitted: Vec<NameSubtree>,
    pub(crate) excluded: Vec<NameSubtree>,
}

/// A parsed certificate and the bytes it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Range<usize>,
    signature: Option<Signature>,
    subject: NameSubtree,
    curve: Curve,
    public_key: Option<PublicKey>,
    validity: Range<u64>,
    role: Option<Role>,
    subject_key_identifier: Option<KeyIdentifier>,
    authority_key_identifier: Option<KeyIdentifier>,
    key_usage: Option<KeyUsage>,
    is_ca: bool,
    authenticates_tls_servers: bool,
    registered_id: Option<Oid>,
    dns_names: Vec<String>,
    names: Option<Names>,
    has_unknown_critical_extension: bool,
}

/// Why bytes are not a certificate that SGP.22 could mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCertificate {
    /// The part that is malformed.
    pub part: &'static str,
}

impl fmt::Display for InvalidCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a certificate: {}", self.part)
    }
}

impl core::error::Error for InvalidCertificate {}

const fn invalid<E>(part: &'static str) -> impl FnOnce(E) -> InvalidCertificate {
    move |_| InvalidCertificate { part }
}

impl Certificate {
    /// Reads a DER certificate.
    ///
    /// # Errors
    /// When it is malformed, not signed with ECDSA and SHA-256, or holds an
    /// extension twice. A key on an unsupported curve is no error here.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCertificate> {
        let parsed = x509_cert::Certificate::from_der(der).map_err(invalid("structure"))?;
        let tbs = parsed.tbs_certificate();
        let algorithms = [parsed.signature_algorithm(), tbs.signature()];
        if algorithms.iter().any(|algorithm| algorithm.oid != ECDSA_WITH_SHA256) {
            return Err(InvalidCertificate { part: "signature algorithm" });
        }
        let key = tbs.subject_public_key_info();
        let curve = match key.algorithm.parameters.as_ref().map(|any| any.decode_as::<ObjectIdentifier>()) {
            Some(Ok(curve)) if key.algorithm.oid == EC_PUBLIC_KEY => match curve {
                PRIME256V1 => Curve::P256,
                BRAINPOOL_P256R1 => Curve::BrainpoolP256r1,
                FRP256V1 => Curve::Frp256v1,
                _ => Curve::Other,
            },
            _ => Curve::Other,
        };
        let public_key = match curve {
            Curve::P256 => {
                let point = key.subject_public_key.as_bytes().and_then(PublicKey::from_sec1);
                Some(point.ok_or(InvalidCertificate { part: "public key" })?)
            }
            _ => None,
        };
        let mut certificate = Self {
            tbs: tbs_range(der).ok_or(InvalidCertificate { part: "structure" })?,
            der: der.to_vec(),
            signature: parsed.signature().as_bytes().and_then(signature::from_sig_value),
            subject: attributes(tbs.subject()),
            curve,
            public_key,
            validity: tbs.validity().not_before.to_unix_duration().as_secs()
                ..tbs.validity().not_after.to_unix_duration().as_secs(),
            role: None,
            subject_key_identifier: None,
            authority_key_identifier: None,
            key_usage: None,
            is_ca: false,
            authenticates_tls_servers: false,
            registered_id: None,
            dns_names: Vec::new(),
            names: None,
            has_unknown_critical_extension: false,
        };
        certificate.read_extensions(tbs)?;
        Ok(certificate)
    }

    fn read_extensions(&mut self, tbs: &x509_cert::TbsCertificate) -> Result<(), InvalidCertificate> {
        use x509_cert::der::oid::AssociatedOid;
        let extensions = tbs.extensions().map_or(&[][..], Vec::as_slice);
        for (index, extension) in extensions.iter().enumerate() {
            if extensions[..index].iter().any(|earlier| earlier.extn_id == extension.extn_id) {
                return Err(InvalidCertificate { part: "extension that stands twice" });
            }
            let value = extension.extn_value.as_bytes();
            match extension.extn_id {
                KeyUsage::OID => {
                    self.key_usage = Some(KeyUsage::from_der(value).map_err(invalid("keyUsage"))?);
                }
                BasicConstraints::OID => {
                    let constraints =
                        BasicConstraints::from_der(value).map_err(invalid("basicConstraints"))?;
                    self.is_ca = constraints.ca;
                }
                CertificatePolicies::OID => {
                    let policies =
                        CertificatePolicies::from_der(value).map_err(invalid("certificatePolicies"))?;
                    let mut roles =
                        policies.0.iter().filter_map(|policy| Role::from_policy(policy.policy_identifier));
                    let first = roles.next();
                    self.role = match first {
                        // Another policy may stand before the role.
                        Some(Role::Other(_)) => roles.find(|role| !matches!(role, Role::Other(_))).or(first),
                        first => first,
                    };
                }
                SubjectKeyIdentifier::OID => {
                    let identifier =
                        SubjectKeyIdentifier::from_der(value).map_err(invalid("subjectKeyIdentifier"))?;
                    self.subject_key_identifier = Some(KeyIdentifier(identifier.0.as_bytes().to_vec()));
                }
                AuthorityKeyIdentifier::OID => {
                    let identifier =
                        AuthorityKeyIdentifier::from_der(value).map_err(invalid("authorityKeyIdentifier"))?;
                    self.authority_key_identifier =
                        identifier.key_identifier.map(|octets| KeyIdentifier(octets.as_bytes().to_vec()));
                }
                SUBJECT_ALT_NAME => {
                    self.read_alternative_names(value).map_err(invalid("subjectAltName"))?;
                }
                NameConstraints::OID => {
                    let constraints = NameConstraints::from_der(value).map_err(invalid("nameConstraints"))?;
                    let subtrees = |list: Option<
                        Vec<x509_cert::ext::pkix::constraints::name::GeneralSubtree>,
                    >| {
                        let names =
                            list.unwrap_or_default().into_iter().filter_map(|subtree| match subtree.base {
                                GeneralName::DirectoryName(name) => Some(attributes(&name)),
                                _ => None,
                            });
                        names.collect()
                    };
                    self.names = Some(Names {
                        permitted: subtrees(constraints.permitted_subtrees),
                        excluded: subtrees(constraints.excluded_subtrees),
                    });
                }
                ExtendedKeyUsage::OID => {
                    let purposes = ExtendedKeyUsage::from_der(value).map_err(invalid("extendedKeyUsage"))?;
                    self.authenticates_tls_servers = purposes.0.contains(&SERVER_AUTH);
                }
                CRL_DISTRIBUTION_POINTS => {}
                _ => self.has_unknown_critical_extension |= extension.critical,
            }
        }
        Ok(())
    }

    /// By hand: the general parser refuses object identifiers whose first two
    /// arcs take more than one byte, and 2.999 is the arc of all test servers.
    fn read_alternative_names(&mut self, value: &[u8]) -> Result<(), tlv::Error> {
        let mut names = Tlv::single_of(value, Tag::SEQUENCE)?.reader();
        while let Some(name) = names.next()? {
            if name.tag == DNS_NAME {
                self.dns_names.push(name.text()?.to_owned());
            } else if name.tag == REGISTERED_ID && self.registered_id.is_none() {
                let oid = Oid::from_der_contents(name.value);
                self.registered_id = Some(oid.map_err(|_| tlv::Error::Value(name.tag))?);
            }
        }
        Ok(())
    }

    /// The certificate as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// `tbsCertificate` as received: what the issuer signed.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.der.get(self.tbs.clone()).unwrap_or_default()
    }

    /// The issuer's signature; `None` when it is not of P-256's size.
    #[must_use]
    pub const fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// The role by its policy; `None` without policies.
    #[must_use]
    pub const fn role(&self) -> Option<&Role> {
        self.role.as_ref()
    }

    /// The curve of the public key.
    #[must_use]
    pub const fn curve(&self) -> &Curve {
        &self.curve
    }

    /// The public key when it is on P-256.
    #[must_use]
    pub const fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// The identifier of the public key.
    #[must_use]
    pub const fn subject_key_identifier(&self) -> Option<&KeyIdentifier> {
        self.subject_key_identifier.as_ref()
    }

    /// The identifier of the issuer's public key.
    #[must_use]
    pub const fn authority_key_identifier(&self) -> Option<&KeyIdentifier> {
        self.authority_key_identifier.as_ref()
    }

    /// The object identifier of the owner, subjectAltName `registeredID`.
    #[must_use]
    pub const fn registered_id(&self) -> Option<&Oid> {
        self.registered_id.as_ref()
    }

    /// The host names of a TLS certificate.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// Seconds since 1970: first moment of validity and last one.
    #[must_use]
    pub const fn validity(&self) -> (u64, u64) {
        (self.validity.start, self.validity.end)
    }

    /// `organizationName` of the subject.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.subject.attribute(ORGANIZATION_NAME)
    }

    /// The EID of an eUICC certificate, `serialNumber` of the subject.
    #[must_use]
    pub fn eid(&self) -> Option<Eid> {
        self.subject.attribute(SERIAL_NUMBER)?.parse().ok()
    }

    /// Whether the key may sign data (`digitalSignature`).
    #[must_use]
    pub fn signs_data(&self) -> bool {
        self.key_usage.as_ref().is_some_and(KeyUsage::digital_signature)
    }

    /// Whether the key may sign certificates: `keyCertSign`, and CA in
    /// basicConstraints.
    #[must_use]
    pub fn signs_certificates(&self) -> bool {
        self.is_ca && self.key_usage.as_ref().is_some_and(KeyUsage::key_cert_sign)
    }

    /// Whether the key may authenticate a TLS server (`id-kp-serverAuth`).
    #[must_use]
    pub const fn authenticates_tls_servers(&self) -> bool {
        self.authenticates_tls_servers
    }

    /// Whether basicConstraints make it a CA.
    #[must_use]
    pub const fn is_ca(&self) -> bool {
        self.is_ca
    }

    /// Whether it holds a critical extension that nobody here understands
    /// (RFC 5280 §4.2: it must then be refused).
    #[must_use]
    pub const fn has_unknown_critical_extension(&self) -> bool {
        self.has_unknown_critical_extension
    }

    /// Whether nameConstraints are there and bind directory names.
    #[must_use]
    pub fn constrains_names(&self) -> bool {
        self.names.as_ref().is_some_and(|names| !names.permitted.is_empty())
    }

    /// Whether nameConstraints of this certificate permit the subject of
    /// `other` (SGP.22 §4.5.2.1.0.2: organisation and first digits of the EID).
    #[must_use]
    pub fn permits_subject_of(&self, other: &Self) -> bool {
        self.names.as_ref().is_none_or(|names| {
            (names.permitted.is_empty() || names.permitted.iter().any(|name| name.contains(&other.subject)))
                && !names.excluded.iter().any(|name| name.contains(&other.subject))
        })
    }
}

/// Where `tbsCertificate` stands in the certificate.
fn tbs_range(der: &[u8]) -> Option<Range<usize>> {
    let outer = Tlv::single_of(der, Tag::SEQUENCE).ok()?;
    let tbs = outer.reader().expect(Tag::SEQUENCE).ok()?;
    let start = outer.raw.len() - outer.value.len();
    Some(start..start + tbs.raw.len())
}

fn attributes(name: &Name) -> NameSubtree {
    let texts = name.iter().filter_map(|attribute| {
        use der::Tag as T;
        let value = &attribute.value;
        let is_text =
            matches!(value.tag(), T::Utf8String | T::PrintableString | T::Ia5String | T::TeletexString);
        let text = core::str::from_utf8(value.value()).ok().filter(|_| is_text)?;
        Some((attribute.oid, text.to_owned()))
    });
    NameSubtree(texts.collect())
}
