//! X.509 certificates as SGP.22 §4.5.2 and SGP.14 profile them.
//!
//! Parsing reads and keeps; whether a certificate may be believed is the
//! business of [`crate::chain`].

use core::fmt;
use core::ops::Range;

use rsp::{Eid, Oid};
use x509_cert::certificate::{Rfc5280, Version};
use x509_cert::der::asn1::{Any, AnyRef, BitStringRef, ObjectIdentifier};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::{rfc4519, rfc5280, rfc5639, rfc5912};
use x509_cert::der::{self, Decode, Reader, SliceReader, Tag, TagMode, TagNumber, Tagged};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::constraints::name::GeneralSubtrees;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage,
    NameConstraints, SubjectAltName, SubjectKeyIdentifier, certpolicy::PolicyInformation,
};
use x509_cert::name::{Name, RelativeDistinguishedName};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use x509_cert::time::Validity;

use crate::{Curve, PublicKey, Signature, signature};

/// `id-rspRole`, 2.23.146.1.2.1, as the contents of its DER encoding.
const ID_RSP_ROLE: &[u8] = &[0x67, 0x81, 0x12, 0x01, 0x02, 0x01];
/// `GeneralName` (RFC 5280 §4.2.1.6).
const DNS_NAME: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(2) };
const REGISTERED_ID: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(8) };

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

    fn from_policy(policy: &[u8]) -> Option<Self> {
        Some(match policy.strip_prefix(ID_RSP_ROLE) {
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
pub struct KeyIdentifier(pub(crate) Vec<u8>);

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

/// What a certificate allows below it or excludes: one directory name, by
/// attribute type and text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NameSubtree(Vec<(ObjectIdentifier, String)>);

impl NameSubtree {
    /// Whether `subject` is inside. SGP.22 §4.5.2.1.0.2 gives the start of the
    /// EID in the constraint and more attributes in the subject, so this is not
    /// the prefix rule of RFC 5280: every attribute of the constraint must be in
    /// the subject, the serial number by its first digits.
    fn contains(&self, subject: &Self) -> bool {
        self.0.iter().all(|(kind, text)| {
            subject.0.iter().any(|(subject_kind, subject_text)| {
                subject_kind == kind
                    && if *kind == rfc4519::SERIAL_NUMBER {
                        subject_text.starts_with(text)
                    } else {
                        subject_text == text
                    }
            })
        })
    }

    fn attribute(&self, kind: ObjectIdentifier) -> Option<&str> {
        self.0.iter().find(|(found, _)| *found == kind).map(|(_, text)| text.as_str())
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
    serial_number: Vec<u8>,
    signature: Option<Signature>,
    /// `Name` of the issuer, as received.
    issuer_name: Vec<u8>,
    /// `Name` of the subject, as received.
    subject_name: Vec<u8>,
    /// What its text attributes say.
    subject: NameSubtree,
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

/// For `map_err`: which part the bytes are wrong in.
const fn invalid<E>(part: &'static str) -> impl FnOnce(E) -> InvalidCertificate {
    move |_| InvalidCertificate { part }
}

impl Certificate {
    /// Reads a DER certificate (RFC 5280 §4.1).
    ///
    /// # Errors
    /// When it is malformed or not DER, not of version 3, not signed with ECDSA and SHA-256,
    /// or holds an extension twice. A key on an unsupported curve is no error
    /// here.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCertificate> {
        // Field by field, not as `x509_cert::Certificate`: an error then names its
        // part, and what nobody here needs is not judged (see `Elements`).
        let outer = AnyRef::from_der(der).map_err(invalid("structure"))?;
        let mut parts = sequence(outer).map_err(invalid("structure"))?;
        // The signature covers these bytes as they came, not a second encoding.
        let tbs = parts.tlv_bytes().map_err(invalid("structure"))?;
        check_algorithm(&mut parts)?;
        let signature = BitStringRef::decode(&mut parts).ok().and_then(|bits| bits.as_bytes());
        let signature = signature.ok_or(InvalidCertificate { part: "signature" })?;
        parts.finish().map_err(invalid("structure"))?;

        let mut fields = AnyRef::from_der(tbs).and_then(sequence).map_err(invalid("structure"))?;
        let version = fields.context_specific::<Version>(TagNumber(0), TagMode::Explicit);
        if version.map_err(invalid("version"))? != Some(Version::V3) {
            return Err(InvalidCertificate { part: "version" });
        }
        let serial_number = serial_number(&mut fields).map_err(invalid("serial number"))?;
        check_algorithm(&mut fields)?;
        let issuer_name = fields.tlv_bytes().map_err(invalid("issuer"))?;
        AnyRef::from_der(issuer_name).and_then(sequence).map_err(invalid("issuer"))?;
        let validity = Validity::<Rfc5280>::decode(&mut fields).map_err(invalid("validity"))?;
        let subject_name = fields.tlv_bytes().map_err(invalid("subject"))?;
        let subject = Name::from_der(subject_name).map_err(invalid("subject"))?;
        let key = SubjectPublicKeyInfoRef::decode(&mut fields).map_err(invalid("public key"))?;
        let public_key = subject_key(&key).ok_or(InvalidCertificate { part: "public key" })?;
        // issuerUniqueID and subjectUniqueID (RFC 5280 §4.1.2.8) say nothing here.
        for number in [TagNumber(1), TagNumber(2)] {
            let unique_id = fields.context_specific::<BitStringRef<'_>>(number, TagMode::Implicit);
            if unique_id.map_err(invalid("structure"))?.is_some_and(|bits| !is_padded_with_zeros(&bits)) {
                return Err(InvalidCertificate { part: "structure" });
            }
        }
        let extensions = fields.context_specific::<Elements<'_>>(TagNumber(3), TagMode::Explicit);
        let extensions = extensions.map_err(invalid("extensions"))?;
        fields.finish().map_err(invalid("structure"))?;

        let start = der.len() - outer.value().len();
        let mut certificate = Self {
            der: der.to_vec(),
            tbs: start..start + tbs.len(),
            serial_number: serial_number.to_vec(),
            signature: signature::from_sig_value(signature),
            issuer_name: issuer_name.to_vec(),
            subject_name: subject_name.to_vec(),
            subject: attributes(&subject).map_err(invalid("subject"))?,
            public_key,
            validity: validity.not_before.to_unix_duration().as_secs()
                ..validity.not_after.to_unix_duration().as_secs(),
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
        certificate.read_extensions(&extensions.unwrap_or_default())?;
        Ok(certificate)
    }

    fn read_extensions(&mut self, extensions: &[AnyRef<'_>]) -> Result<(), InvalidCertificate> {
        let mut seen = Vec::new();
        for element in extensions {
            let AnyExtension { id, critical, .. } = any_extension(*element).map_err(invalid("extensions"))?;
            if seen.contains(&id) {
                return Err(InvalidCertificate { part: "extension that stands twice" });
            }
            seen.push(id);
            match element.decode_as::<Extension>() {
                Ok(extension) => self.read_extension(&extension)?,
                // Its identifier is one that const-oid does not hold.
                Err(_) => self.has_unknown_critical_extension |= critical,
            }
        }
        Ok(())
    }

    fn read_extension(&mut self, extension: &Extension) -> Result<(), InvalidCertificate> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            KeyUsage::OID => {
                self.key_usage = Some(key_usage(value).map_err(invalid("keyUsage"))?);
            }
            BasicConstraints::OID => {
                let constraints = BasicConstraints::from_der(value).map_err(invalid("basicConstraints"))?;
                self.is_ca = constraints.ca;
            }
            CertificatePolicies::OID => {
                self.role = role(value).map_err(invalid("certificatePolicies"))?;
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
            SubjectAltName::OID => {
                self.read_alternative_names(value).map_err(invalid("subjectAltName"))?;
            }
            NameConstraints::OID => {
                self.names = Some(constraints(value).map_err(invalid("nameConstraints"))?);
            }
            ExtendedKeyUsage::OID => {
                self.authenticates_tls_servers =
                    has_server_auth(value).map_err(invalid("extendedKeyUsage"))?;
            }
            // May be critical, but there is nothing to be checked in it.
            rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS => {}
            _ => self.has_unknown_critical_extension |= extension.critical,
        }
        Ok(())
    }

    fn read_alternative_names(&mut self, value: &[u8]) -> der::Result<()> {
        for name in Elements::from_der(value)? {
            match name.tag() {
                // By hand: `GeneralName` holds a const-oid, and 2.999, the arc of the
                // SGP.26 servers, is none (see `Elements`).
                tag @ REGISTERED_ID if self.registered_id.is_none() => {
                    let oid = Oid::from_der_contents(name.value());
                    self.registered_id = Some(oid.map_err(|_| tag.value_error())?);
                }
                DNS_NAME => {
                    if let GeneralName::DnsName(host) = name.decode_as()? {
                        self.dns_names.push(host.to_string());
                    }
                }
                _ => {}
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

    /// The serial number, as the contents of an `INTEGER`: what revocation lists name
    /// certificates of the same issuer by.
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        &self.serial_number
    }

    /// The issuer's signature; `None` when its numbers need more than 256 bits.
    #[must_use]
    pub const fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// The role by its policy; `None` without policies.
    #[must_use]
    pub const fn role(&self) -> Option<&Role> {
        self.role.as_ref()
    }

    /// The public key; `None` when it is on a curve that is not done here.
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
        self.subject.attribute(rfc4519::ORGANIZATION_NAME)
    }

    /// The EID of an eUICC certificate, `serialNumber` of the subject.
    #[must_use]
    pub fn eid(&self) -> Option<Eid> {
        self.subject.attribute(rfc4519::SERIAL_NUMBER)?.parse().ok()
    }

    /// Whether the key may sign data (`digitalSignature`).
    #[must_use]
    pub fn signs_data(&self) -> bool {
        self.key_usage.is_some_and(|usage| usage.digital_signature())
    }

    /// Whether the key may sign certificates: `keyCertSign`, and CA in
    /// basicConstraints.
    #[must_use]
    pub fn signs_certificates(&self) -> bool {
        self.is_ca && self.key_usage.is_some_and(|usage| usage.key_cert_sign())
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

    /// Whether the issuer that it names is the subject of `issuer` (RFC 5280
    /// §6.1.3 (a)(4)), compared as RFC 5280 §7.1 has it.
    #[must_use]
    pub fn names_as_issuer(&self, issuer: &Self) -> bool {
        self.issuer_name == issuer.subject_name || is_same_name(&self.issuer_name, &issuer.subject_name)
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

/// What a `SEQUENCE OF` holds, before it is read element by element.
///
/// x509-cert keeps object identifiers as const-oid's type, which has no first
/// arcs above 2.39 (2.999 is the arc of examples, and of SGP.26), no arc of more
/// than 32 bits (2.25 is followed by a UUID of 128) and no more than 39 octets.
/// Read as a whole, one such identifier among extensions, policies or purposes
/// would cost the certificate; so each element is of x509-cert's type where it
/// can be, and any other is judged by what little is needed of it.
pub(crate) type Elements<'a> = Vec<AnyRef<'a>>;

/// The contents of a `SEQUENCE`.
pub(crate) fn sequence(any: AnyRef<'_>) -> der::Result<SliceReader<'_>> {
    any.tag().assert_eq(Tag::Sequence)?;
    SliceReader::new(any.value())
}

/// One field of which only its tag matters.
pub(crate) fn skip(reader: &mut SliceReader<'_>, tag: Tag) -> der::Result<()> {
    AnyRef::decode(reader)?.tag().assert_eq(tag)?;
    Ok(())
}

/// `CertificateSerialNumber`: the contents of the `INTEGER`, without the zeros in
/// front that DER does not have and some issuers do.
pub(crate) fn serial_number<'a>(reader: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    let any = AnyRef::decode(reader)?;
    any.tag().assert_eq(Tag::Integer)?;
    let mut digits = any.value();
    while let [0, 0..=0x7F, ..] = digits {
        digits = &digits[1..];
    }
    Ok(digits)
}

/// Whether the unused bits of a `BIT STRING` are 0 (X.690 §11.2.1).
fn is_padded_with_zeros(bits: &BitStringRef<'_>) -> bool {
    bits.raw_bytes().last().is_none_or(|last| last.trailing_zeros() >= u32::from(bits.unused_bits()))
}

/// Whether the contents of a `BIT STRING` of named bits are in the one encoding that DER has for
/// them: it ends with a bit that is set, and the unused bits behind it are 0 (X.690 §11.2). Its
/// reader takes any other for the same bits.
pub(crate) fn are_named_bits(contents: &[u8]) -> bool {
    match contents {
        [0] => true,
        [unused @ 0..=7, .., last] => last.trailing_zeros() == u32::from(*unused),
        _ => false,
    }
}

/// `KeyUsage` (RFC 5280 §4.2.1.3).
fn key_usage(value: &[u8]) -> der::Result<KeyUsage> {
    let any = AnyRef::from_der(value)?;
    if !are_named_bits(any.value()) {
        return Err(any.tag().value_error().into());
    }
    KeyUsage::from_der(value)
}

/// `AlgorithmIdentifier`: whether it is ECDSA with SHA-256.
pub(crate) fn is_ecdsa_with_sha256(reader: &mut SliceReader<'_>) -> bool {
    AlgorithmIdentifierRef::decode(reader).is_ok_and(|algorithm| algorithm.oid == rfc5912::ECDSA_WITH_SHA_256)
}

fn check_algorithm(reader: &mut SliceReader<'_>) -> Result<(), InvalidCertificate> {
    if is_ecdsa_with_sha256(reader) {
        Ok(())
    } else {
        Err(InvalidCertificate { part: "signature algorithm" })
    }
}

/// `SubjectPublicKeyInfo`: `None` when it is malformed, `Some(None)` for a key of
/// whole octets on another curve, or of another kind.
fn subject_key(info: &SubjectPublicKeyInfoRef<'_>) -> Option<Option<PublicKey>> {
    let point = info.subject_public_key.as_bytes()?;
    let curve = match info.algorithm.parameters.map(AnyRef::decode_as::<ObjectIdentifier>) {
        Some(Ok(curve)) if info.algorithm.oid == rfc5912::ID_EC_PUBLIC_KEY => match curve {
            rfc5912::SECP_256_R_1 => Curve::P256,
            rfc5639::BRAINPOOL_P_256_R_1 => Curve::BrainpoolP256r1,
            _ => return Some(None),
        },
        _ => return Some(None),
    };
    PublicKey::from_sec1(curve, point).map(Some)
}

/// `Extension` with any identifier, whose contents these are.
pub(crate) struct AnyExtension<'a> {
    pub(crate) id: &'a [u8],
    pub(crate) critical: bool,
    /// What is in `extnValue`.
    pub(crate) value: &'a [u8],
}

/// `Extension { extnID, critical DEFAULT FALSE, extnValue }`.
pub(crate) fn any_extension(extension: AnyRef<'_>) -> der::Result<AnyExtension<'_>> {
    extension.sequence(|parts| {
        let id = identifier(parts)?;
        let critical = Option::<bool>::decode(parts)?.unwrap_or_default();
        let value = AnyRef::decode(parts)?;
        value.tag().assert_eq(Tag::OctetString)?;
        Ok(AnyExtension { id, critical, value: value.value() })
    })
}

/// The contents of an `OBJECT IDENTIFIER` of any arcs.
fn identifier<'a>(reader: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    let any = AnyRef::decode(reader)?;
    any.tag().assert_eq(Tag::ObjectIdentifier)?;
    Ok(any.value())
}

/// The role among `CertificatePolicies`; another policy may stand before it.
fn role(value: &[u8]) -> der::Result<Option<Role>> {
    let mut other = None;
    for policy in Elements::from_der(value)? {
        let role = match policy.decode_as::<PolicyInformation>() {
            Ok(policy) => Role::from_policy(policy.policy_identifier.as_bytes()),
            Err(_) => Role::from_policy(policy.sequence(|parts| {
                let id = identifier(parts)?;
                Option::<Elements<'_>>::decode(parts)?;
                Ok::<_, der::Error>(id)
            })?),
        };
        match role {
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
fn has_server_auth(value: &[u8]) -> der::Result<bool> {
    let purposes = Elements::from_der(value)?;
    Ok(purposes.iter().any(|purpose| purpose.decode_as() == Ok(rfc5912::ID_KP_SERVER_AUTH)))
}

/// The directory names of `NameConstraints`.
fn constraints(value: &[u8]) -> der::Result<Names> {
    let constraints = NameConstraints::from_der(value)?;
    let names = |subtrees: Option<GeneralSubtrees>| {
        let subtrees = subtrees.unwrap_or_default();
        let names = subtrees.iter().filter_map(|subtree| match &subtree.base {
            GeneralName::DirectoryName(name) => Some(attributes(name)),
            _ => None,
        });
        names.collect::<der::Result<_>>()
    };
    Ok(Names {
        permitted: names(constraints.permitted_subtrees)?,
        excluded: names(constraints.excluded_subtrees)?,
    })
}

/// Whether two DER names that are not the same bytes are one name (RFC 5280 §7.1):
/// the same attributes in the same order, texts compared whatever string type they
/// are in, without regard to case and to how much white space stands where. Of
/// string preparation (RFC 4518) no more is done.
fn is_same_name(one: &[u8], other: &[u8]) -> bool {
    let (Ok(one), Ok(other)) = (Name::from_der(one), Name::from_der(other)) else { return false };
    // A relative name is a set: DER sorts it by bytes, which differ with string types.
    let is_within = |one: &RelativeDistinguishedName, other: &RelativeDistinguishedName| {
        one.iter().all(|a| other.iter().any(|b| a.oid == b.oid && is_same_value(&a.value, &b.value)))
    };
    one.iter_rdn().count() == other.iter_rdn().count()
        && one.iter_rdn().zip(other.iter_rdn()).all(|(a, b)| is_within(a, b) && is_within(b, a))
}

fn is_same_value(one: &Any, other: &Any) -> bool {
    match (text(one), text(other)) {
        (Some(one), Some(other)) => {
            let words = |text: &str| -> Vec<String> {
                text.to_lowercase().split_whitespace().map(str::to_owned).collect()
            };
            words(one) == words(other)
        }
        _ => one == other,
    }
}

/// The text of an attribute that is in one of the string types of SGP.22's names.
fn text(value: &Any) -> Option<&str> {
    let is_text = matches!(value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String);
    core::str::from_utf8(value.value()).ok().filter(|_| is_text)
}

/// The text attributes of a `Name`, whatever characters their string type allows.
fn attributes(name: &Name) -> der::Result<NameSubtree> {
    let mut texts = Vec::new();
    for attribute in name.iter() {
        let tag = attribute.value.tag();
        if matches!(tag, Tag::Utf8String | Tag::PrintableString | Tag::Ia5String) {
            let text = core::str::from_utf8(attribute.value.value()).map_err(|_| tag.value_error())?;
            texts.push((attribute.oid, text.to_owned()));
        }
    }
    Ok(NameSubtree(texts))
}
