//! ES10b.LoadCRL (SGP.22 §5.7.12): a revocation list for the eUICC.

use tlv::{Error, Tag, Tlv, Writer};

use crate::codes::LoadCrlError;
use crate::components::code;
use crate::raw::DataObject;

/// `crl` in the request, and `missingParts` in the answer: both `[0]`.
const FIRST: Tag = Tag(0xA0);
const ERROR: Tag = Tag(0x81);

/// ES10b.LoadCRL, request (`BF35`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadCrlRequest {
    /// `CertificateList` (RFC 5280 §5.1) as DER, one `SEQUENCE`. What is inside is for
    /// the rules of revocation lists.
    pub crl: Vec<u8>,
}

impl LoadCrlRequest {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF35);
}

impl DataObject for LoadCrlRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let outer = Tlv::single_of(bytes, Self::TAG)?;
        let mut fields = outer.fields();
        // The module tags automatically, so `[0]` stands in the place of the list's own
        // tag, which its signature does not cover.
        if let Some(list) = fields.optional(FIRST)? {
            return Ok(Self { crl: tlv::encode(Tag::SEQUENCE, list.value) });
        }
        // From a peer that sends the list as it is.
        Ok(Self { crl: outer.fields().required(Tag::SEQUENCE)?.raw.to_vec() })
    }

    fn encode(&self) -> Vec<u8> {
        let contents = Tlv::single(&self.crl).map_or(&[][..], |list| list.value);
        Writer::new().nested(Self::TAG, |w| _ = w.tlv(FIRST, contents)).finish()
    }
}

/// ES10b.LoadCRL, response (`BF35`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadCrlResponse {
    /// Loaded.
    Ok {
        /// The numbers of the parts of this list that have not been loaded yet.
        missing_parts: Vec<u32>,
    },
    /// Refused.
    Error(LoadCrlError),
}

impl DataObject for LoadCrlResponse {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, LoadCrlRequest::TAG)?.fields();
        let Some(ok) = fields.optional(FIRST)? else {
            return Ok(Self::Error(LoadCrlError(code(&fields.required(ERROR)?)?)));
        };
        let mut missing_parts = Vec::new();
        if let Some(list) = ok.fields().optional(FIRST)? {
            let mut reader = list.reader();
            while let Some(number) = reader.next()? {
                missing_parts.push(number.unsigned()?);
            }
        }
        Ok(Self::Ok { missing_parts })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(LoadCrlRequest::TAG, |w| match self {
            Self::Ok { missing_parts } => {
                w.nested(FIRST, |w| {
                    if !missing_parts.is_empty() {
                        w.nested(FIRST, |w| {
                            for number in missing_parts {
                                w.unsigned(Tag::INTEGER, *number);
                            }
                        });
                    }
                });
            }
            Self::Error(code) => {
                w.unsigned(ERROR, code.0.into());
            }
        });
        w.finish()
    }
}
