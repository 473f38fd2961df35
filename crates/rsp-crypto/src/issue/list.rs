//! Revocation lists (RFC 5280 §5.1).

use tlv::{Tag, Writer};

use super::{Identity, algorithm, signed, subject_of, time};
use crate::cert::InvalidCertificate;
use crate::crl::{
    AUTHORITY_KEY_IDENTIFIER, CRL_NUMBER, DELTA_CRL_INDICATOR, EXPIRATION_DATE, ISSUING_DISTRIBUTION_POINT,
    PARTIAL_CRL_NUMBER, Part, REASON_CODE, TOTAL_PARTIAL_CRL_NUMBER,
};
use crate::{Certificate, KeyIdentifier};

const ENUMERATED: Tag = Tag(0x0A);

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
