//! Certificate revocation lists as RFC 5280 §5 and SGP.22 profile them.
//!
//! A Certificate Issuer may issue one list or several beside each other
//! (`issuingDistributionPoint`: each has a scope and counts for itself), may issue
//! only the changes since an earlier one (`deltaCRLIndicator`), and may cut a long one
//! into parts that are lists of their own (`id-rsp-totalPartialCrlNumber` and
//! `id-rsp-partialCrlNumber` of the SGP.22 module): parts of one list have one
//! `cRLNumber` and are counted from 1.
//!
//! Parsing reads and keeps; [`Crl::is_by`] tells whether an issuer said it.

use core::fmt;

use x509_cert::der::asn1::{AnyRef, BitStringRef, UintRef};
use x509_cert::der::{self, Decode, Reader, SliceReader, Tag, TagMode, TagNumber, Tagged};
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::time::Time;

use crate::cert::{
    AnyExtension, Elements, any_extension, are_named_bits, is_ecdsa_with_sha256, sequence, serial_number,
    skip,
};
use crate::chain::CiKey;
use crate::{Fault, KeyIdentifier, Provider, Signature, signature};

/// Contents of object identifiers: `id-ce`, 2.5.29.
pub(crate) const CRL_NUMBER: &[u8] = &[0x55, 0x1D, 20];
pub(crate) const REASON_CODE: &[u8] = &[0x55, 0x1D, 21];
pub(crate) const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1D, 27];
pub(crate) const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1D, 28];
pub(crate) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1D, 35];
/// `id-rspExt`, 2.23.146.1.2.0: `id-rsp-expDate`, `id-rsp-totalPartialCrlNumber`,
/// `id-rsp-partialCrlNumber`.
pub(crate) const EXPIRATION_DATE: &[u8] = &[0x67, 0x81, 0x12, 0x01, 0x02, 0x00, 0x01];
pub(crate) const TOTAL_PARTIAL_CRL_NUMBER: &[u8] = &[0x67, 0x81, 0x12, 0x01, 0x02, 0x00, 0x02];
pub(crate) const PARTIAL_CRL_NUMBER: &[u8] = &[0x67, 0x81, 0x12, 0x01, 0x02, 0x00, 0x03];
/// Of `IssuingDistributionPoint`.
const ONLY_SOME_REASONS: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(3) };
const INDIRECT_CRL: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(4) };
const ONLY_CONTAINS_ATTRIBUTE_CERTS: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(5) };
/// `removeFromCRL` (RFC 5280 §5.3.1).
const REMOVE_FROM_CRL: u8 = 8;

/// `cRLNumber`, of at most 20 octets (RFC 5280 §5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrlNumber([u8; Self::LEN]);

impl CrlNumber {
    /// Bytes of the longest one.
    pub const LEN: usize = 20;

    /// From all its bytes, big-endian, as [`CrlNumber::as_bytes`] gives them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes, big-endian.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    fn from_der(value: &[u8]) -> Option<Self> {
        let digits = UintRef::from_der(value).ok()?.as_bytes();
        let mut number = [0; Self::LEN];
        number.get_mut(Self::LEN.checked_sub(digits.len())?..)?.copy_from_slice(digits);
        Some(Self(number))
    }
}

/// Which part of a list that was cut this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// `id-rsp-partialCrlNumber`, from 1 to `total`.
    pub number: u32,
    /// `id-rsp-totalPartialCrlNumber`.
    pub total: u32,
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The certificate, as [`crate::Certificate::serial_number`].
    pub serial_number: Vec<u8>,
    /// It is not revoked any more; stands in changes only.
    pub removed: bool,
}

/// A parsed revocation list and the bytes it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    tbs: Vec<u8>,
    signature: Option<Signature>,
    this_update: u64,
    next_update: Option<u64>,
    entries: Vec<Entry>,
    extensions: Extensions,
}

/// `crlExtensions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extensions {
    issuer: Option<KeyIdentifier>,
    number: Option<CrlNumber>,
    base: Option<CrlNumber>,
    scope: Option<Vec<u8>>,
    part: Option<u32>,
    total: Option<u32>,
}

/// Why bytes are not a revocation list that SGP.22 could mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCrl {
    /// The part that is malformed, absent or not understood.
    pub part: &'static str,
}

impl fmt::Display for InvalidCrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a revocation list: {}", self.part)
    }
}

impl core::error::Error for InvalidCrl {}

const fn invalid<E>(part: &'static str) -> impl FnOnce(E) -> InvalidCrl {
    move |_| InvalidCrl { part }
}

const fn refused<T>(part: &'static str) -> Result<T, InvalidCrl> {
    Err(InvalidCrl { part })
}

impl Crl {
    /// Reads a DER `CertificateList` (RFC 5280 §5.1).
    ///
    /// # Errors
    /// When it is malformed or not DER, not of version 2, not signed with ECDSA and
    /// SHA-256, without key identifier or number, or when it cannot be relied upon:
    /// for a critical extension that is not understood, and when it is about the
    /// certificates of other issuers or about attribute certificates.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCrl> {
        let mut parts = AnyRef::from_der(der).and_then(sequence).map_err(invalid("structure"))?;
        // The signature covers these bytes as they came, not a second encoding.
        let tbs = parts.tlv_bytes().map_err(invalid("structure"))?;
        if !is_ecdsa_with_sha256(&mut parts) {
            return refused("signature algorithm");
        }
        let signature = BitStringRef::decode(&mut parts).ok().and_then(|bits| bits.as_bytes());
        let signature = signature.ok_or(InvalidCrl { part: "signature" })?;
        parts.finish().map_err(invalid("structure"))?;

        let mut fields = AnyRef::from_der(tbs).and_then(sequence).map_err(invalid("structure"))?;
        // v2(1); absent in a list of version 1, which has no number.
        if !Option::<u8>::decode(&mut fields).is_ok_and(|version| version == Some(1)) {
            return refused("version");
        }
        if !is_ecdsa_with_sha256(&mut fields) {
            return refused("signature algorithm");
        }
        skip(&mut fields, Tag::Sequence).map_err(invalid("issuer"))?;
        let this_update = Time::decode(&mut fields).map_err(invalid("thisUpdate"))?;
        let next_update = Option::<Time>::decode(&mut fields).map_err(invalid("nextUpdate"))?;
        let revoked = Option::<Elements<'_>>::decode(&mut fields).map_err(invalid("revokedCertificates"))?;
        let extensions = fields.context_specific::<Elements<'_>>(TagNumber(0), TagMode::Explicit);
        let extensions = extensions.map_err(invalid("crlExtensions"))?.unwrap_or_default();
        fields.finish().map_err(invalid("structure"))?;

        let extensions = Extensions::read(&extensions)?;
        let mut entries = Vec::new();
        for entry in revoked.unwrap_or_default() {
            let entry = Entry::read(entry)?;
            if entry.removed && extensions.base.is_none() {
                return refused("reasonCode");
            }
            entries.push(entry);
        }
        Ok(Self {
            tbs: tbs.to_vec(),
            signature: signature::from_sig_value(signature),
            this_update: this_update.to_unix_duration().as_secs(),
            next_update: next_update.map(|time| time.to_unix_duration().as_secs()),
            entries,
            extensions,
        })
    }

    /// The identifier of the key that the list says it is signed with.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.extensions.issuer.as_ref().map_or(&[], KeyIdentifier::as_bytes)
    }

    /// Whether it is by this issuer: names its key, and is signed with it.
    ///
    /// # Errors
    /// [`Fault`] of the provider.
    pub async fn is_by(&self, provider: &impl Provider, ci: &CiKey) -> Result<bool, Fault> {
        match &self.signature {
            Some(signature) if self.issuer() == ci.id().as_bytes() => {
                provider.verify(ci.public_key(), &self.tbs, signature).await
            }
            _ => Ok(false),
        }
    }

    /// `cRLNumber`: of two lists of one scope the one with the higher number is
    /// fresher.
    #[must_use]
    pub fn number(&self) -> CrlNumber {
        self.extensions.number.unwrap_or(CrlNumber([0; CrlNumber::LEN]))
    }

    /// `BaseCRLNumber` of a list that tells changes only.
    #[must_use]
    pub const fn base(&self) -> Option<CrlNumber> {
        self.extensions.base
    }

    /// Which part of a list this is; `None` when it is a whole one.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        Some(Part { number: self.extensions.part?, total: self.extensions.total? })
    }

    /// The scope, as `IssuingDistributionPoint` (RFC 5280 §5.2.5) in DER; `None` when
    /// the list is about all certificates of its issuer.
    #[must_use]
    pub fn scope(&self) -> Option<&[u8]> {
        self.extensions.scope.as_deref()
    }

    /// When it was issued, in seconds since 1970.
    #[must_use]
    pub const fn this_update(&self) -> u64 {
        self.this_update
    }

    /// When the next one is issued at the latest, in seconds since 1970.
    #[must_use]
    pub const fn next_update(&self) -> Option<u64> {
        self.next_update
    }

    /// What it lists.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Extensions {
    fn read(elements: &[AnyRef<'_>]) -> Result<Self, InvalidCrl> {
        let mut read = Self::default();
        let mut seen = Vec::new();
        for element in elements {
            let AnyExtension { id, critical, value } =
                any_extension(*element).map_err(invalid("crlExtensions"))?;
            if seen.contains(&id) {
                return refused("extension that stands twice");
            }
            seen.push(id);
            match id {
                AUTHORITY_KEY_IDENTIFIER => {
                    let part = "authorityKeyIdentifier";
                    let identifier = AuthorityKeyIdentifier::from_der(value).map_err(invalid(part))?;
                    read.issuer = identifier.key_identifier.map(|id| KeyIdentifier(id.as_bytes().to_vec()));
                }
                CRL_NUMBER => read.number = Some(number(value, "cRLNumber")?),
                DELTA_CRL_INDICATOR => read.base = Some(number(value, "deltaCRLIndicator")?),
                ISSUING_DISTRIBUTION_POINT => {
                    let part = "issuingDistributionPoint";
                    if is_about_others(value).map_err(invalid(part))? {
                        return refused(part);
                    }
                    read.scope = Some(value.to_vec());
                }
                PARTIAL_CRL_NUMBER => {
                    read.part = Some(u32::from_der(value).map_err(invalid("partialCrlNumber"))?);
                }
                TOTAL_PARTIAL_CRL_NUMBER => {
                    read.total = Some(u32::from_der(value).map_err(invalid("totalPartialCrlNumber"))?);
                }
                _ if critical => return refused("unknown critical extension"),
                _ => {}
            }
        }
        if read.issuer.is_none() {
            return refused("authorityKeyIdentifier");
        }
        if read.number.is_none() {
            return refused("cRLNumber");
        }
        if read.base.is_some_and(|base| Some(base) >= read.number) {
            return refused("deltaCRLIndicator");
        }
        match (read.part, read.total) {
            (None, None) => Ok(read),
            (Some(part), Some(total)) if (1..=total).contains(&part) => Ok(read),
            _ => refused("partialCrlNumber"),
        }
    }
}

fn number(value: &[u8], part: &'static str) -> Result<CrlNumber, InvalidCrl> {
    CrlNumber::from_der(value).ok_or(InvalidCrl { part })
}

impl Entry {
    /// One of `revokedCertificates`.
    fn read(entry: AnyRef<'_>) -> Result<Self, InvalidCrl> {
        let part = "revokedCertificates";
        let mut fields: SliceReader<'_> = sequence(entry).map_err(invalid(part))?;
        let serial_number = serial_number(&mut fields).map_err(invalid(part))?;
        // CertificateSerialNumber has at most 20 octets (RFC 5280 §4.1.2.2); a longer one
        // is of no certificate that is believed here.
        if serial_number.is_empty() || serial_number.len() > usize::from(u8::MAX) {
            return refused(part);
        }
        Time::decode(&mut fields).map_err(invalid(part))?;
        let extensions = Option::<Elements<'_>>::decode(&mut fields).map_err(invalid(part))?;
        fields.finish().map_err(invalid(part))?;
        let mut removed = false;
        for extension in extensions.unwrap_or_default() {
            let AnyExtension { id, critical, value } =
                any_extension(extension).map_err(invalid("crlEntryExtensions"))?;
            match id {
                REASON_CODE => removed = reason(value).map_err(invalid("reasonCode"))? == REMOVE_FROM_CRL,
                // When the certificate ends, for who wants to forget it then. Who has no
                // clock goes by what the list says.
                EXPIRATION_DATE => {}
                // `certificateIssuer` among them: the mark of a list for other issuers.
                _ if critical => return refused("unknown critical extension"),
                _ => {}
            }
        }
        Ok(Self { serial_number: serial_number.to_vec(), removed })
    }
}

/// Whether an `IssuingDistributionPoint` (RFC 5280 §5.2.5) says `indirectCRL` or
/// `onlyContainsAttributeCerts`. Where the list is found, and which of the issuer's
/// certificates it is about, does not matter here.
fn is_about_others(value: &[u8]) -> der::Result<bool> {
    let mut others = false;
    for component in Elements::from_der(value)? {
        match component.tag() {
            INDIRECT_CRL | ONLY_CONTAINS_ATTRIBUTE_CERTS => others |= component.value() != [0],
            tag @ ONLY_SOME_REASONS if !are_named_bits(component.value()) => {
                return Err(tag.value_error().into());
            }
            Tag::ContextSpecific { number: TagNumber(0..=3), .. } => {}
            tag => return Err(tag.unexpected_error(None).into()),
        }
    }
    Ok(others)
}

/// `CRLReason`, an `ENUMERATED` of one octet.
fn reason(value: &[u8]) -> der::Result<u8> {
    let any = AnyRef::from_der(value)?;
    any.tag().assert_eq(Tag::Enumerated)?;
    match any.value() {
        [reason] => Ok(*reason),
        _ => Err(any.tag().value_error().into()),
    }
}
