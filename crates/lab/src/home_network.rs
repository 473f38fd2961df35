//! The home network's key, by which its subscribers' identities are concealed in 5G (3GPP TS 33.501
//! Annex C).

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use suci::{HomeNetworkKey, Scheme};
use zeroize::Zeroizing;

/// The key pair of the laboratory's home network: profile A. Not `Debug`: it holds the private key.
pub struct HomeNetwork {
    private: Zeroizing<[u8; 32]>,
}

impl HomeNetwork {
    /// Home network public key identifier.
    const ID: u8 = 1;

    /// That of the laboratory with this seed.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(seed).chain_update("HOME_NETWORK_KEYS").finalize();
        Self { private: Zeroizing::new(digest.into()) }
    }

    /// As the network has it, to reveal.
    #[must_use]
    pub fn key(&self) -> HomeNetworkKey {
        // Any 32 bytes are a key of profile A.
        HomeNetworkKey::new(Self::ID, Scheme::ProfileA, *self.private)
            .unwrap_or_else(|error| unreachable!("a key of the laboratory is sound: {error}"))
    }

    /// The network's variable `HOME_NETWORK_KEYS`.
    #[must_use]
    pub fn variable(&self) -> Value {
        json!([{ "id": Self::ID, "profile": "A", "key": hex::encode(*self.private) }])
    }

    /// As the SM-DP+ is told it with a subscriber, to conceal.
    #[must_use]
    pub fn public(&self) -> Value {
        json!([{ "id": Self::ID, "profile": "A", "key": hex::encode(self.key().public()) }])
    }
}
