//! `Content-Digest` (RFC 9530).

use sfv::{Dictionary, GenericBareItem, ListEntry, Parser};
use sha2::{Digest as _, Sha256, Sha512};

use crate::{Unusable, unusable};

/// A digest algorithm that is not broken (RFC 9530 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// `sha-256`.
    Sha256,
    /// `sha-512`.
    Sha512,
}

impl Digest {
    const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
        }
    }

    fn of(self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(body).to_vec(),
            Self::Sha512 => Sha512::digest(body).to_vec(),
        }
    }

    /// The value of `Content-Digest` for a body.
    #[must_use]
    pub fn field(self, body: &[u8]) -> String {
        format!("{}={}", self.name(), crate::byte_sequence(&self.of(body)))
    }
}

/// Whether `Content-Digest` is that of this body: it names `sha-256` or `sha-512`, and
/// each of the two that it names is right. Digests of other algorithms are ignored.
///
/// # Errors
/// [`Unusable`] says why it is not.
pub fn content_digest(field: &str, body: &[u8]) -> Result<(), Unusable> {
    let digests: Dictionary =
        Parser::new(field).parse().map_err(|error| Unusable(format!("not a dictionary: {error}")))?;
    let mut known = 0;
    for digest in Digest::ALL {
        let Some(given) = digests.get(digest.name()) else { continue };
        let ListEntry::Item(item) = given else {
            return unusable(format!("{} is not a byte sequence", digest.name()));
        };
        let GenericBareItem::ByteSequence(bytes) = &item.bare_item else {
            return unusable(format!("{} is not a byte sequence", digest.name()));
        };
        if *bytes != digest.of(body) {
            return unusable(format!("{} is not that of the body as it arrived", digest.name()));
        }
        known += 1;
    }
    if known == 0 {
        return unusable("neither sha-256 nor sha-512 is among the digests");
    }
    Ok(())
}
