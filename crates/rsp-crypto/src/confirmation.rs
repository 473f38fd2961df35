//! The hashed confirmation code (SGP.22 §5.7.5).

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{Fault, Provider};

/// `SHA-256(confirmation code)`: all that a server keeps of the code.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ConfirmationCodeHash([u8; 32]);

impl ConfirmationCodeHash {
    /// From the code that the operator set or the subscriber entered.
    ///
    /// # Errors
    /// [`Fault`] of the provider.
    pub async fn of(provider: &impl Provider, code: &str) -> Result<Self, Fault> {
        Ok(Self(provider.sha256(code.as_bytes()).await?))
    }

    /// From the hash, as a server kept it.
    #[must_use]
    pub const fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash, to be kept.
    #[must_use]
    pub const fn expose_hash(&self) -> &[u8; 32] {
        &self.0
    }

    /// `hashCc = SHA-256(SHA-256(code) ‖ transactionId)`: the form in which the
    /// code is sent within one session.
    ///
    /// # Errors
    /// [`Fault`] of the provider.
    pub async fn hash_cc(&self, provider: &impl Provider, transaction_id: &[u8]) -> Result<[u8; 32], Fault> {
        let input = Zeroizing::new([&self.0, transaction_id].concat());
        provider.sha256(&input).await
    }

    /// Whether `hash_cc` is the one of this code in this session; takes the same
    /// time for every wrong one.
    ///
    /// # Errors
    /// [`Fault`] of the provider.
    pub async fn confirms(
        &self,
        provider: &impl Provider,
        transaction_id: &[u8],
        hash_cc: &[u8],
    ) -> Result<bool, Fault> {
        use subtle::ConstantTimeEq;
        let expected = self.hash_cc(provider, transaction_id).await?;
        Ok(expected.as_slice().ct_eq(hash_cc).into())
    }
}
