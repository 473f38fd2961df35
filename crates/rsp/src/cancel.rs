//! ES10b.CancelSession (SGP.22 §5.7.14).

use tlv::{Error, Tag, Tlv, Writer};

use crate::auth::Signature;
use crate::codes::CancelSessionReason;
use crate::components::{code, transaction_id};
use crate::ids::{Oid, TransactionId};
use crate::raw::{DataObject, Raw};

const TRANSACTION: Tag = Tag(0x80);

/// ES10b.CancelSession, request (`BF41`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelSessionRequest {
    /// The session.
    pub transaction_id: TransactionId,
    /// Why.
    pub reason: CancelSessionReason,
}

impl CancelSessionRequest {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF41);
}

impl DataObject for CancelSessionRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            transaction_id: transaction_id(&fields.required(TRANSACTION)?)?,
            reason: CancelSessionReason(code(&fields.required(Tag(0x81))?)?),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.tlv(TRANSACTION, self.transaction_id.as_bytes());
            w.unsigned(Tag(0x81), self.reason.0.into());
        });
        w.finish()
    }
}

/// What the eUICC signs (`EuiccCancelSessionSigned`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EuiccCancelSessionSigned {
    /// The session.
    pub transaction_id: TransactionId,
    /// The SM-DP+, as in CERT.DPauth.
    pub smdp_oid: Oid,
    /// Why.
    pub reason: CancelSessionReason,
}

impl DataObject for EuiccCancelSessionSigned {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Tag::SEQUENCE)?.fields();
        let transaction_id = transaction_id(&fields.required(TRANSACTION)?)?;
        let oid = fields.required(Tag(0x81))?;
        Ok(Self {
            transaction_id,
            smdp_oid: Oid::from_der_contents(oid.value).map_err(|_| Error::Value(oid.tag))?,
            reason: CancelSessionReason(code(&fields.required(Tag(0x82))?)?),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Tag::SEQUENCE, |w| {
            w.tlv(TRANSACTION, self.transaction_id.as_bytes());
            w.tlv(Tag(0x81), self.smdp_oid.der_contents());
            w.unsigned(Tag(0x82), self.reason.0.into());
        });
        w.finish()
    }
}

/// ES10b.CancelSession, response (`BF41`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelSessionResponse {
    /// The session is over.
    Ok {
        /// What the eUICC signed.
        signed: Raw<EuiccCancelSessionSigned>,
        /// By SK.EUICC.
        signature: Signature,
    },
    /// 5 invalidTransactionId, 127 undefinedError.
    Error(u8),
}

impl CancelSessionResponse {
    /// Error code of a transaction id that is not the session's.
    pub const INVALID_TRANSACTION_ID: u8 = 5;
}

impl DataObject for CancelSessionResponse {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let outer = Tlv::single_of(bytes, CancelSessionRequest::TAG)?;
        let tlv = outer.reader().next()?.ok_or(Error::Missing(Tag(0xA0)))?;
        match tlv.tag {
            Tag(0xA0) => {
                let mut fields = tlv.fields();
                Ok(Self::Ok {
                    signed: Raw::decode(fields.required(Tag::SEQUENCE)?.raw)?,
                    signature: Signature::required(&mut fields)?,
                })
            }
            Tag(0x81) => code(&tlv).map(Self::Error),
            found => Err(Error::Unexpected { expected: Tag(0xA0), found }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(CancelSessionRequest::TAG, |w| match self {
            Self::Ok { signed, signature } => {
                w.nested(Tag(0xA0), |w| {
                    w.raw(signed.bytes());
                    signature.write(w);
                });
            }
            Self::Error(code) => drop(w.unsigned(Tag(0x81), (*code).into())),
        });
        w.finish()
    }
}
