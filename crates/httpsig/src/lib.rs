//! HTTP message signatures (RFC 9421), as far as an LPA and an SM-DP+ need them to
//! agree on who calls: the bytes a signature covers, the fields it travels in, the digest
//! of a body (RFC 9530) and the certificate of the signer (RFC 9440).
//!
//! ```text
//!   signer      Message ─► Draft ─► base ─► (key) ─► finish ─► Signature-Input, Signature
//!   verifier    Signature-Input, Signature ─► Signed ─► base(Message) ─► (key)
//! ```
//!
//! Nothing here holds a key or knows an algorithm: [`Draft::base`] and [`Signed::base`]
//! give the bytes to whoever does. [`lpa`] is the one shape that this project asks for.
//!
//! Not done: parameters of components (`;sf`, `;key`, `;bs`, `;req`, `;tr`), which nobody
//! here needs; a signature that uses them is refused as [`Unusable`].

mod digest;
mod input;
pub mod lpa;
mod message;

pub use digest::{Digest, content_digest};
pub use input::{Draft, Parameters, SignatureFields, Signed, signatures};
pub use message::{Message, Target};

use core::fmt;

/// Why fields or a message cannot be what they should be, in words for the one who
/// wrote the signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(
    /// What is wrong; never holds more of the message than the name of a component.
    pub String,
);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Unusable {}

fn unusable<T>(what: impl Into<String>) -> Result<T, Unusable> {
    Err(Unusable(what.into()))
}

/// Bytes as a structured field (RFC 9651 §3.3.5), `:base64:`: how `Client-Cert` holds the
/// DER of the signer's certificate (RFC 9440 §2).
#[must_use]
pub fn byte_sequence(bytes: &[u8]) -> String {
    sfv::ItemSerializer::new().bare_item(bytes).finish()
}

/// The bytes of such a field; parameters are ignored.
///
/// # Errors
/// [`Unusable`] when it is anything else.
pub fn expect_byte_sequence(field: &str) -> Result<Vec<u8>, Unusable> {
    let item = sfv::Parser::new(field).parse::<sfv::Item>();
    match item.map(|item| item.bare_item) {
        Ok(sfv::GenericBareItem::ByteSequence(bytes)) => Ok(bytes),
        Ok(_) => unusable("not a byte sequence (:base64:)"),
        Err(error) => unusable(format!("not a byte sequence (:base64:): {error}")),
    }
}
