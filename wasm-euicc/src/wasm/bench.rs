//! What `cargo xtask bench euicc` measures beside the chip: bare P-256 operations, in the
//! same module.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use rsp_crypto::software::{OneTimeKey, SigningKey, verify};
use rsp_crypto::{Curve, Provider as _, PublicKey, Signature, Software, ready};
use wasm_bindgen::prelude::*;

/// P-256 operations without a chip around them.
#[wasm_bindgen]
pub struct Bare {
    provider: Software<ChaCha20Rng>,
    key: SigningKey,
    public: PublicKey,
    one_time: OneTimeKey,
    signature: Signature,
}

/// As long as what is signed in a download, about.
const MESSAGE: [u8; 300] = [0x5A; 300];

#[wasm_bindgen]
impl Bare {
    /// With keys from a seed.
    ///
    /// # Errors
    /// When cryptography fails.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Self, JsError> {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let key = SigningKey::generate(Curve::P256, &mut rng);
        let provider = Software::new(rng);
        let (one_time, _) = ready(provider.one_time_key(Curve::P256))?;
        Ok(Self { public: key.public_key(), signature: key.sign(&MESSAGE), one_time, provider, key })
    }

    /// One ECDSA signature.
    pub fn sign(&self) {
        core::hint::black_box(self.key.sign(&MESSAGE));
    }

    /// One verification.
    pub fn verify(&self) -> bool {
        verify(&self.public, &MESSAGE, &self.signature)
    }

    /// One key pair.
    pub fn generate(&self) {
        core::hint::black_box(ready(self.provider.one_time_key(Curve::P256)).is_ok());
    }

    /// One ECDH.
    pub fn agree(&self) {
        core::hint::black_box(ready(self.provider.agree(&self.one_time, &self.public)).is_ok());
    }
}
