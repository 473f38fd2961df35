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

mod certificate;
mod list;
mod lpa;
mod pki;

pub use certificate::{Attribute, Shape, Template, Validity};
pub use list::{RevocationList, Revoked};
pub use lpa::LpaPki;
pub use pki::{File, Pki, PkiError, Settings};
use pki::{file_pair, serial};

use core::fmt;

use der::pem::LineEnding;
use tlv::{Reader, Tag, Tlv, Writer};

use crate::software::SigningKey;
use crate::{Certificate, signature};

const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
const UTC_TIME: Tag = Tag(0x17);
const GENERALIZED_TIME: Tag = Tag(0x18);

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
