//! Certificates of any shape (RFC 5280 §4.1, SGP.22 §4.5.2).

use rsp::{Eid, Oid};
use tlv::{Tag, Writer};

use super::{Identity, algorithm, integer, signed, subject_of, time};
use crate::cert::InvalidCertificate;
use crate::software::SigningKey;
use crate::{Certificate, Curve, KeyIdentifier, PublicKey, Role};

const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const BRAINPOOL_P256R1: &[u8] = &[0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07];
const SERVER_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
const SET: Tag = Tag(0x31);
const PRINTABLE_STRING: Tag = Tag(0x13);

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
