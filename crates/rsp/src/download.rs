//! `PrepareDownload` (SGP.22 §5.7.5): the eUICC's one-time key for one download.

use tlv::{Error, Fields, Tag, Tlv, Writer};

use crate::auth::{Certificate, Signature};
use crate::codes::DownloadErrorCode;
use crate::components::{TRANSACTION_ID, error_code, transaction_id};
use crate::ids::TransactionId;
use crate::raw::{DataObject, Raw};

/// Tag of a one-time public key: 65 bytes, uncompressed point.
pub const ONE_TIME_PUBLIC_KEY: Tag = Tag(0x5F49);

pub(crate) fn one_time_key(tlv: &Tlv<'_>) -> Result<[u8; 65], Error> {
    let point: [u8; 65] = tlv.array()?;
    if point[0] == 4 { Ok(point) } else { Err(Error::Value(tlv.tag)) }
}

fn hash_cc(fields: &mut Fields<'_>) -> Result<Option<[u8; 32]>, Error> {
    fields.optional(Tag::OCTET_STRING)?.map(|tlv| tlv.array()).transpose()
}

/// What the SM-DP+ signs second (`SmdpSigned2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmdpSigned2 {
    /// The session.
    pub transaction_id: TransactionId,
    /// Whether a confirmation code is demanded.
    pub cc_required: bool,
    /// The eUICC's one-time public key that a bound package is already bound to.
    pub bpp_euicc_otpk: Option<[u8; 65]>,
}

impl DataObject for SmdpSigned2 {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Tag::SEQUENCE)?.fields();
        Ok(Self {
            transaction_id: transaction_id(&fields.required(TRANSACTION_ID)?)?,
            cc_required: fields.required(Tag::BOOLEAN)?.boolean()?,
            bpp_euicc_otpk: fields.optional(ONE_TIME_PUBLIC_KEY)?.as_ref().map(one_time_key).transpose()?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Tag::SEQUENCE, |w| {
            w.tlv(TRANSACTION_ID, self.transaction_id.as_bytes());
            w.boolean(Tag::BOOLEAN, self.cc_required);
            w.optional(ONE_TIME_PUBLIC_KEY, self.bpp_euicc_otpk.as_ref().map(|key| &key[..]));
        });
        w.finish()
    }
}

/// ES10b.PrepareDownload, request (`BF21`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrepareDownloadRequest {
    /// What the SM-DP+ signed.
    pub smdp_signed2: Raw<SmdpSigned2>,
    /// Its signature, by SK.DPpb, over `smdp_signed2` and `euiccSignature1`.
    pub smdp_signature2: Signature,
    /// The hashed confirmation code (SGP.22 §4.7).
    pub hash_cc: Option<[u8; 32]>,
    /// CERT.DPpb.
    pub smdp_certificate: Certificate,
}

impl PrepareDownloadRequest {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF21);
}

impl DataObject for PrepareDownloadRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            smdp_signed2: Raw::decode(fields.required(Tag::SEQUENCE)?.raw)?,
            smdp_signature2: Signature::required(&mut fields)?,
            hash_cc: hash_cc(&mut fields)?,
            smdp_certificate: Certificate::required(&mut fields)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.raw(self.smdp_signed2.bytes());
            self.smdp_signature2.write(w);
            w.optional(Tag::OCTET_STRING, self.hash_cc.as_ref().map(|hash| &hash[..]));
            w.raw(self.smdp_certificate.der());
        });
        w.finish()
    }
}

/// What the eUICC signs second (`EUICCSigned2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EuiccSigned2 {
    /// The session.
    pub transaction_id: TransactionId,
    /// otPK.EUICC, 65 bytes uncompressed.
    pub euicc_otpk: [u8; 65],
    /// The hashed confirmation code, as the LPA gave it.
    pub hash_cc: Option<[u8; 32]>,
}

impl DataObject for EuiccSigned2 {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Tag::SEQUENCE)?.fields();
        Ok(Self {
            transaction_id: transaction_id(&fields.required(TRANSACTION_ID)?)?,
            euicc_otpk: one_time_key(&fields.required(ONE_TIME_PUBLIC_KEY)?)?,
            hash_cc: hash_cc(&mut fields)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Tag::SEQUENCE, |w| {
            w.tlv(TRANSACTION_ID, self.transaction_id.as_bytes());
            w.tlv(ONE_TIME_PUBLIC_KEY, &self.euicc_otpk);
            w.optional(Tag::OCTET_STRING, self.hash_cc.as_ref().map(|hash| &hash[..]));
        });
        w.finish()
    }
}

/// ES10b.PrepareDownload, response (`BF21`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareDownloadResponse {
    /// The eUICC is ready for the package.
    Ok {
        /// What the eUICC signed.
        euicc_signed2: Raw<EuiccSigned2>,
        /// Its signature, over `euicc_signed2` and `smdpSignature2`.
        euicc_signature2: Signature,
    },
    /// The eUICC refuses.
    Error {
        /// The session.
        transaction_id: TransactionId,
        /// Why.
        code: DownloadErrorCode,
    },
}

impl DataObject for PrepareDownloadResponse {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut choice = Tlv::single_of(bytes, PrepareDownloadRequest::TAG)?.reader();
        let tlv = choice.next()?.ok_or(Error::Missing(Tag(0xA0)))?;
        let mut fields = tlv.fields();
        match tlv.tag {
            Tag(0xA0) => Ok(Self::Ok {
                euicc_signed2: Raw::decode(fields.required(Tag::SEQUENCE)?.raw)?,
                euicc_signature2: Signature::required(&mut fields)?,
            }),
            Tag(0xA1) => Ok(Self::Error {
                transaction_id: transaction_id(&fields.required(TRANSACTION_ID)?)?,
                code: DownloadErrorCode(error_code(&mut fields)?),
            }),
            found => Err(Error::Unexpected { expected: Tag(0xA0), found }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(PrepareDownloadRequest::TAG, |w| match self {
            Self::Ok { euicc_signed2, euicc_signature2 } => {
                w.nested(Tag(0xA0), |w| {
                    w.raw(euicc_signed2.bytes());
                    euicc_signature2.write(w);
                });
            }
            Self::Error { transaction_id, code } => {
                w.nested(Tag(0xA1), |w| {
                    w.tlv(TRANSACTION_ID, transaction_id.as_bytes());
                    w.unsigned(Tag::INTEGER, code.0.into());
                });
            }
        });
        w.finish()
    }
}
