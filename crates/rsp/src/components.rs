//! Components that stand in more than one message.

use tlv::{Error, Fields, Tag, Tlv};

use crate::ids::TransactionId;

/// `transactionId`, `[0]`.
pub(crate) const TRANSACTION_ID: Tag = Tag(0x80);

pub(crate) fn transaction_id(tlv: &Tlv<'_>) -> Result<TransactionId, Error> {
    TransactionId::from_bytes(tlv.value).map_err(|_| Error::Value(tlv.tag))
}

/// An enumerated `INTEGER` of 0 to 255.
pub(crate) fn code(tlv: &Tlv<'_>) -> Result<u8, Error> {
    u8::try_from(tlv.unsigned()?).map_err(|_| Error::Value(tlv.tag))
}

/// The code of `AuthenticateResponseError` and `PrepareDownloadResponseError`. One
/// component of these carries a tag in the module's text, so automatic tagging is
/// off and the code keeps its universal tag; `81` is read from peers that erred.
pub(crate) fn error_code(fields: &mut Fields<'_>) -> Result<u8, Error> {
    match fields.optional(Tag::INTEGER)? {
        Some(tlv) => code(&tlv),
        None => code(&fields.required(Tag(0x81))?),
    }
}
