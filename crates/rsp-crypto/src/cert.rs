//! X.509 certificates as SGP.22 §4.5.2 and SGP.14 profile them.
//!
//! Parsing reads and keeps; whether a certificate may be believed is the
//! business of [`crate::chain`].

use core::fmt;
use core::ops::Range;

use rsp::{Eid, Oid};
use tlv::{Reader, Tag, Tlv};

use crate::{PublicKey, Signature, signature};

/// Object identifiers as the contents of their DER encoding.
mod oid {
    pub(super) const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    pub(super) const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
    pub(super) const PRIME256V1: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
    /// 1.3.36.3.3.2.8.1.1.7
    pub(super) const BRAINPOOL_P256R1: &[u8] = &[0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07];
    /// 1.2.250.1.223.101.256.1
    pub(super) const FRP256V1: &[u8] = &[0x2A, 0x81, 0x7A, 0x01, 0x81, 0x5F, 0x65, 0x82, 0x00, 0x01];
    pub(super) const SERVER_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
    /// `id-rspRole`, 2.23.146.1.2.1.
    pub(super) const RSP_ROLE: &[u8] = &[0x67, 0x81, 0x12, 0x01, 0x02, 0x01];
    /// `id-at`, 2.5.4: attributes of names.
    pub(super) const ORGANIZATION_NAME: &[u8] = &[0x55, 0x04, 10];
    pub(super) const SERIAL_NUMBER: &[u8] = &[0x55, 0x04, 5];
    /// `id-ce`, 2.5.29: extensions.
    pub(super) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1D, 14];
    pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1D, 15];
    pub(super) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 17];
    pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 19];
    pub(super) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 30];
    pub(super) const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1D, 31];
    pub(super) const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1D, 32];
    pub(super) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1D, 35];
    pub(super) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1D, 37];
}

const SET: Tag = Tag(0x31);
const UTC_TIME: Tag = Tag(0x17);
const GENERALIZED_TIME: Tag = Tag(0x18);
/// `KeyUsage` bits 0 and 5, from the left.
const DIGITAL_SIGNATURE: u32 = 1 << 31;
const KEY_CERT_SIGN: u32 = 1 << 26;
/// `GeneralName` (RFC 5280 §4.2.1.6).
const DNS_NAME: Tag = Tag(0x82);
const DIRECTORY_NAME: Tag = Tag(0xA4);
const REGISTERED_ID: Tag = Tag(0x88);

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
        Oid::from_der_contents(&[oid::RSP_ROLE, &[last]].concat()).ok()
    }

    fn from_policy(policy: &[u8]) -> Option<Self> {
        Some(match policy.strip_prefix(oid::RSP_ROLE) {
            Some([0]) => Self::Ci,
            Some([1]) => Self::Euicc,
            Some([2]) => Self::Eum,
            Some([3]) => Self::DpTls,
            Some([4]) => Self::DpAuth,
            Some([5]) => Self::DpPb,
            Some([6]) => Self::DsTls,
            Some([7]) => Self::DsAuth,
            _ => Self::Other(Oid::from_der_contents(policy).ok()?),
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
struct NameSubtree(Vec<(Vec<u8>, String)>);

impl NameSubtree {
    /// Whether `subject` is inside. SGP.22 §4.5.2.1.0.2 gives the start of the
    /// EID in the constraint and more attributes in the subject, so this is not
    /// the prefix rule of RFC 5280: every attribute of the constraint must be in
    /// the subject, the serial number by its first digits.
    fn contains(&self, subject: &Self) -> bool {
        self.0.iter().all(|(kind, text)| {
            subject.0.iter().any(|(subject_kind, subject_text)| {
                subject_kind == kind
                    && if kind == oid::SERIAL_NUMBER {
                        subject_text.starts_with(text)
                    } else {
                        subject_text == text
                    }
            })
        })
    }

    fn attribute(&self, kind: &[u8]) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == kind).map(|(_, text)| text.as_str())
    }
}

/// The permitted and excluded names below a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    permitted: Vec<NameSubtree>,
    excluded: Vec<NameSubtree>,
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
    key_usage: Option<u32>,
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

/// For `map_err`: which part the bytes are wrong in.
const fn invalid(part: &'static str) -> impl FnOnce(tlv::Error) -> InvalidCertificate {
    move |_| InvalidCertificate { part }
}

impl Certificate {
    /// Reads a DER certificate (RFC 5280 §4.1).
    ///
    /// # Errors
    /// When it is malformed, not of version 3, not signed with ECDSA and SHA-256,
    /// or holds an extension twice. A key on an unsupported curve is no error
    /// here.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCertificate> {
        let outer = Tlv::single_of(der, Tag::SEQUENCE).map_err(invalid("structure"))?;
        let mut parts = outer.reader();
        let tbs = parts.expect(Tag::SEQUENCE).map_err(invalid("structure"))?;
        check_algorithm(&mut parts)?;
        let signature = parts.expect(Tag::BIT_STRING).and_then(|tlv| whole_octets(&tlv));
        let signature = signature.map_err(invalid("signature"))?;
        parts.end().map_err(invalid("structure"))?;

        let mut fields = tbs.reader();
        let version = fields.expect(Tag(0xA0)).and_then(|tlv| Tlv::single_of(tlv.value, Tag::INTEGER));
        if version.and_then(|tlv| tlv.unsigned()).map_err(invalid("version"))? != 2 {
            return Err(InvalidCertificate { part: "version" });
        }
        fields.expect(Tag::INTEGER).map_err(invalid("serial number"))?;
        check_algorithm(&mut fields)?;
        fields.expect(Tag::SEQUENCE).map_err(invalid("issuer"))?;
        let validity = fields.expect(Tag::SEQUENCE).ok().and_then(|tlv| times(&tlv));
        let subject = fields.expect(Tag::SEQUENCE).and_then(|tlv| attributes(&tlv));
        let key = fields.expect(Tag::SEQUENCE).and_then(|tlv| subject_key(&tlv));
        let (curve, point) = key.map_err(invalid("public key"))?;
        let public_key = match curve {
            Curve::P256 => {
                Some(PublicKey::from_sec1(point).ok_or(InvalidCertificate { part: "public key" })?)
            }
            _ => None,
        };
        let start = outer.raw.len() - outer.value.len();
        let mut certificate = Self {
            der: der.to_vec(),
            tbs: start..start + tbs.raw.len(),
            signature: signature::from_sig_value(signature),
            subject: subject.map_err(invalid("subject"))?,
            curve,
            public_key,
            validity: validity.ok_or(InvalidCertificate { part: "validity" })?,
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
        // issuerUniqueID and subjectUniqueID (RFC 5280 §4.1.2.8) say nothing here.
        let mut last = fields.next().map_err(invalid("structure"))?;
        for unique_id in [Tag(0x81), Tag(0x82)] {
            if last.is_some_and(|tlv| tlv.tag == unique_id) {
                last = fields.next().map_err(invalid("structure"))?;
            }
        }
        if let Some(tlv) = last {
            let wrapped = Some(tlv).filter(|tlv| tlv.tag == Tag(0xA3) && fields.is_empty());
            let wrapped = wrapped.ok_or(InvalidCertificate { part: "structure" })?;
            let list = Tlv::single_of(wrapped.value, Tag::SEQUENCE).map_err(invalid("extensions"))?;
            certificate.read_extensions(&list)?;
        }
        Ok(certificate)
    }

    fn read_extensions(&mut self, list: &Tlv<'_>) -> Result<(), InvalidCertificate> {
        let mut extensions = list.reader();
        let mut seen = Vec::new();
        while let Some(extension) = extensions.next().map_err(invalid("extensions"))? {
            let (id, critical, value) = extension_parts(&extension).map_err(invalid("extensions"))?;
            if seen.contains(&id) {
                return Err(InvalidCertificate { part: "extension that stands twice" });
            }
            seen.push(id);
            match id {
                oid::KEY_USAGE => {
                    let bits = Tlv::single_of(value, Tag::BIT_STRING).and_then(|tlv| tlv.bits());
                    self.key_usage = Some(bits.map_err(invalid("keyUsage"))?);
                }
                oid::BASIC_CONSTRAINTS => {
                    self.is_ca = is_ca(value).map_err(invalid("basicConstraints"))?;
                }
                oid::CERTIFICATE_POLICIES => {
                    self.role = role(value).map_err(invalid("certificatePolicies"))?;
                }
                oid::SUBJECT_KEY_IDENTIFIER => {
                    let identifier = Tlv::single_of(value, Tag::OCTET_STRING);
                    let identifier = identifier.map_err(invalid("subjectKeyIdentifier"))?;
                    self.subject_key_identifier = Some(KeyIdentifier(identifier.value.to_vec()));
                }
                oid::AUTHORITY_KEY_IDENTIFIER => {
                    // AuthorityKeyIdentifier { [0] keyIdentifier, … }
                    let identifier = Tlv::single_of(value, Tag::SEQUENCE)
                        .and_then(|sequence| sequence.fields().optional(Tag(0x80)))
                        .map_err(invalid("authorityKeyIdentifier"))?;
                    self.authority_key_identifier =
                        identifier.map(|identifier| KeyIdentifier(identifier.value.to_vec()));
                }
                oid::SUBJECT_ALT_NAME => {
                    self.read_alternative_names(value).map_err(invalid("subjectAltName"))?;
                }
                oid::NAME_CONSTRAINTS => {
                    self.names = Some(constraints(value).map_err(invalid("nameConstraints"))?);
                }
                oid::EXTENDED_KEY_USAGE => {
                    self.authenticates_tls_servers =
                        has_server_auth(value).map_err(invalid("extendedKeyUsage"))?;
                }
                // May be critical, but there is nothing to be checked in it.
                oid::CRL_DISTRIBUTION_POINTS => {}
                _ => self.has_unknown_critical_extension |= critical,
            }
        }
        Ok(())
    }

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
        self.subject.attribute(oid::ORGANIZATION_NAME)
    }

    /// The EID of an eUICC certificate, `serialNumber` of the subject.
    #[must_use]
    pub fn eid(&self) -> Option<Eid> {
        self.subject.attribute(oid::SERIAL_NUMBER)?.parse().ok()
    }

    /// Whether the key may sign data (`digitalSignature`).
    #[must_use]
    pub fn signs_data(&self) -> bool {
        self.key_usage.is_some_and(|bits| bits & DIGITAL_SIGNATURE != 0)
    }

    /// Whether the key may sign certificates: `keyCertSign`, and CA in
    /// basicConstraints.
    #[must_use]
    pub fn signs_certificates(&self) -> bool {
        self.is_ca && self.key_usage.is_some_and(|bits| bits & KEY_CERT_SIGN != 0)
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

/// `AlgorithmIdentifier`: ECDSA with SHA-256.
fn check_algorithm(reader: &mut Reader<'_>) -> Result<(), InvalidCertificate> {
    let algorithm = reader.expect(Tag::SEQUENCE).and_then(|tlv| tlv.reader().expect(Tag::OID));
    match algorithm {
        Ok(algorithm) if algorithm.value == oid::ECDSA_WITH_SHA256 => Ok(()),
        _ => Err(InvalidCertificate { part: "signature algorithm" }),
    }
}

/// A `BIT STRING` of whole octets.
fn whole_octets<'a>(tlv: &Tlv<'a>) -> Result<&'a [u8], tlv::Error> {
    match tlv.value {
        [0, octets @ ..] => Ok(octets),
        _ => Err(tlv::Error::Value(tlv.tag)),
    }
}

/// `SubjectPublicKeyInfo`: the curve and the point on it.
fn subject_key<'a>(info: &Tlv<'a>) -> Result<(Curve, &'a [u8]), tlv::Error> {
    let mut parts = info.reader();
    let mut algorithm = parts.expect(Tag::SEQUENCE)?.reader();
    let is_elliptic = algorithm.expect(Tag::OID)?.value == oid::EC_PUBLIC_KEY;
    let curve = match algorithm.next()? {
        Some(curve) if is_elliptic && curve.tag == Tag::OID => match curve.value {
            oid::PRIME256V1 => Curve::P256,
            oid::BRAINPOOL_P256R1 => Curve::BrainpoolP256r1,
            oid::FRP256V1 => Curve::Frp256v1,
            _ => Curve::Other,
        },
        _ => Curve::Other,
    };
    let point = parts.expect(Tag::BIT_STRING)?;
    parts.end()?;
    Ok((curve, whole_octets(&point)?))
}

/// `Extension { extnID, critical DEFAULT FALSE, extnValue }`.
fn extension_parts<'a>(extension: &Tlv<'a>) -> Result<(&'a [u8], bool, &'a [u8]), tlv::Error> {
    if extension.tag != Tag::SEQUENCE {
        return Err(tlv::Error::Unexpected { expected: Tag::SEQUENCE, found: extension.tag });
    }
    let mut parts = extension.reader();
    let id = parts.expect(Tag::OID)?;
    let mut ahead = parts;
    let critical = match ahead.next()? {
        Some(flag) if flag.tag == Tag::BOOLEAN => {
            parts = ahead;
            flag.boolean()?
        }
        _ => false,
    };
    let value = parts.expect(Tag::OCTET_STRING)?;
    parts.end()?;
    Ok((id.value, critical, value.value))
}

/// `BasicConstraints { cA DEFAULT FALSE, pathLenConstraint OPTIONAL }`.
fn is_ca(value: &[u8]) -> Result<bool, tlv::Error> {
    let flag = Tlv::single_of(value, Tag::SEQUENCE)?.fields().optional(Tag::BOOLEAN)?;
    flag.map_or(Ok(false), |flag| flag.boolean())
}

/// The role among `CertificatePolicies`; another policy may stand before it.
fn role(value: &[u8]) -> Result<Option<Role>, tlv::Error> {
    let mut policies = Tlv::single_of(value, Tag::SEQUENCE)?.reader();
    let mut other = None;
    while let Some(policy) = policies.next()? {
        match Role::from_policy(policy.reader().expect(Tag::OID)?.value) {
            Some(Role::Other(oid)) => {
                other.get_or_insert(Role::Other(oid));
            }
            Some(role) => return Ok(Some(role)),
            None => {}
        }
    }
    Ok(other)
}

/// Whether `ExtKeyUsageSyntax` names `id-kp-serverAuth`.
fn has_server_auth(value: &[u8]) -> Result<bool, tlv::Error> {
    let mut purposes = Tlv::single_of(value, Tag::SEQUENCE)?.reader();
    while let Some(purpose) = purposes.next()? {
        if purpose.tag == Tag::OID && purpose.value == oid::SERVER_AUTH {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `NameConstraints { [0] permittedSubtrees, [1] excludedSubtrees }`: their
/// directory names.
fn constraints(value: &[u8]) -> Result<Names, tlv::Error> {
    let mut names = Names::default();
    let mut lists = Tlv::single_of(value, Tag::SEQUENCE)?.reader();
    while let Some(list) = lists.next()? {
        let names = match list.tag.0 {
            0xA0 => &mut names.permitted,
            0xA1 => &mut names.excluded,
            _ => return Err(tlv::Error::Value(list.tag)),
        };
        let mut subtrees = list.reader();
        while let Some(subtree) = subtrees.next()? {
            // GeneralSubtree { base GeneralName, … }
            let base = subtree.reader().next()?.ok_or(tlv::Error::Missing(DIRECTORY_NAME))?;
            if base.tag == DIRECTORY_NAME {
                names.push(attributes(&Tlv::single_of(base.value, Tag::SEQUENCE)?)?);
            }
        }
    }
    Ok(names)
}

/// The text attributes of a `Name`.
fn attributes(name: &Tlv<'_>) -> Result<NameSubtree, tlv::Error> {
    let mut texts = Vec::new();
    let mut relative_names = name.reader();
    while !relative_names.is_empty() {
        let mut set = relative_names.expect(SET)?.reader();
        while !set.is_empty() {
            let mut attribute = set.expect(Tag::SEQUENCE)?.reader();
            let kind = attribute.expect(Tag::OID)?;
            let value = attribute.next()?.ok_or(tlv::Error::Truncated)?;
            // UTF8String, PrintableString, IA5String
            if matches!(value.tag.0, 0x0C | 0x13 | 0x16) {
                texts.push((kind.value.to_vec(), value.text()?.to_owned()));
            }
        }
    }
    Ok(NameSubtree(texts))
}

/// `Validity` in seconds since 1970.
fn times(validity: &Tlv<'_>) -> Option<Range<u64>> {
    let mut times = validity.reader();
    let not_before = time(&times.next().ok()??)?;
    let not_after = time(&times.next().ok()??)?;
    times.end().ok()?;
    Some(not_before..not_after)
}

/// `Time` (RFC 5280 §4.1.2.5) in seconds since 1970; earlier ones are 0.
fn time(time: &Tlv<'_>) -> Option<u64> {
    let text = time.text().ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match time.tag {
        UTC_TIME if text.len() == 12 => {
            let (year, rest) = text.split_at(2);
            let year: u64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME if text.len() == 14 => {
            let (year, rest) = text.split_at(4);
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let mut pairs = (0..5).map(|pair| rest.get(pair * 2..pair * 2 + 2)?.parse::<u64>().ok());
    let mut next = || pairs.next().flatten();
    let (month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months = lengths.get(..usize::try_from(month.checked_sub(1)?).ok()?)?;
    let length = *lengths.get(months.len())?;
    if day == 0 || day > length || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let Some(years) = year.checked_sub(1970) else { return Some(0) };
    // Leap days of the years from 1970 to the one before.
    let leaps = |before: u64| before / 4 - before / 100 + before / 400;
    let leap_days = leaps(year - 1) - leaps(1969);
    let days = years * 365 + leap_days + months.iter().sum::<u64>() + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}
