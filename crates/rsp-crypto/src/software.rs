//! The [`Provider`] in pure Rust, for the chip, for tools and for tests.
//!
//! Signatures are deterministic (RFC 6979): a session can be replayed byte for
//! byte. Chance is needed for one-time keys only and is handed in.

use core::cell::RefCell;

use aes::Aes128;
use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use cmac::{Cmac, Mac};
use p256::ecdsa;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::elliptic_curve::Generate;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Fault, Provider, PublicKey, SharedSecret, Signature};

/// Pure Rust cryptography with a source of chance.
pub struct Software<R> {
    rng: RefCell<R>,
}

impl<R: CryptoRng> Software<R> {
    /// With `rng` for one-time keys.
    pub const fn new(rng: R) -> Self {
        Self { rng: RefCell::new(rng) }
    }
}

/// A P-256 private key that signs.
#[derive(Clone)]
pub struct SigningKey(ecdsa::SigningKey);

impl SigningKey {
    /// From PKCS#8 DER; `None` when it is not a P-256 key.
    #[must_use]
    pub fn from_pkcs8_der(der: &[u8]) -> Option<Self> {
        use p256::pkcs8::DecodePrivateKey;
        p256::SecretKey::from_pkcs8_der(der).ok().map(Self::from)
    }

    /// From PEM: `PRIVATE KEY` (PKCS#8) or `EC PRIVATE KEY` (SEC1), with or
    /// without other blocks such as `EC PARAMETERS` before it. `None` when there
    /// is no P-256 key.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        use p256::pkcs8::DecodePrivateKey;
        if let Some(start) = text.find("-----BEGIN EC PRIVATE KEY-----") {
            return p256::SecretKey::from_sec1_pem(&text[start..]).ok().map(Self::from);
        }
        let start = text.find("-----BEGIN PRIVATE KEY-----")?;
        p256::SecretKey::from_pkcs8_pem(&text[start..]).ok().map(Self::from)
    }

    /// From the secret scalar, 32 bytes big-endian; `None` when it is zero or
    /// not below the order of the curve.
    #[must_use]
    pub fn from_scalar(scalar: &[u8; 32]) -> Option<Self> {
        #[cfg(feature = "count")]
        crate::count::add(crate::count::Operation::Generate);
        ecdsa::SigningKey::from_slice(scalar).ok().map(Self)
    }

    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(ecdsa::SigningKey::generate_from_rng(rng))
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        public(&self.0.verifying_key().into())
    }

    /// The secret scalar, 32 bytes big-endian.
    #[must_use]
    pub fn expose_scalar(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// As PKCS#8 DER, with the public key inside. `None` never happens for a
    /// valid key.
    #[must_use]
    pub fn expose_pkcs8_der(&self) -> Option<Zeroizing<Vec<u8>>> {
        use p256::pkcs8::EncodePrivateKey;
        Some(Zeroizing::new(self.0.to_pkcs8_der().ok()?.as_bytes().to_vec()))
    }

    /// As PKCS#8 PEM. `None` never happens for a valid key.
    #[cfg(feature = "issue")]
    #[must_use]
    pub fn expose_pkcs8_pem(&self) -> Option<Zeroizing<String>> {
        use p256::pkcs8::EncodePrivateKey;
        self.0.to_pkcs8_pem(p256::pkcs8::LineEnding::LF).ok()
    }

    /// ECDSA over SHA-256 of `message`, nonce of RFC 6979.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        #[cfg(feature = "count")]
        crate::count::add(crate::count::Operation::Sign);
        let signature: ecdsa::Signature = self.0.sign(message);
        Signature(signature.to_bytes().into())
    }
}

impl From<p256::SecretKey> for SigningKey {
    fn from(key: p256::SecretKey) -> Self {
        Self(ecdsa::SigningKey::from(key))
    }
}

/// A P-256 private key for one key agreement.
pub struct OneTimeKey(p256::SecretKey);

impl OneTimeKey {
    /// From the secret scalar, 32 bytes big-endian, as a chip kept it for a
    /// repeated download (SGP.22 §3.1.3.2); `None` when it is out of range.
    #[must_use]
    pub fn from_scalar(scalar: &[u8; 32]) -> Option<Self> {
        p256::SecretKey::from_slice(scalar).ok().map(Self)
    }

    /// The secret scalar, to be kept for a repeated download.
    #[must_use]
    pub fn expose_scalar(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        #[cfg(feature = "count")]
        crate::count::add(crate::count::Operation::Generate);
        public(&self.0.public_key())
    }
}

impl<R: CryptoRng> Provider for Software<R> {
    type SigningKey = SigningKey;
    type OneTimeKey = OneTimeKey;

    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Signature, Fault> {
        Ok(key.sign(message))
    }

    async fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<bool, Fault> {
        Ok(verify(key, message, signature))
    }

    async fn one_time_key(&self) -> Result<(OneTimeKey, PublicKey), Fault> {
        let key = OneTimeKey(p256::SecretKey::generate_from_rng(&mut *self.rng.borrow_mut()));
        let public = key.public_key();
        Ok((key, public))
    }

    async fn agree(&self, own: &OneTimeKey, peer: &PublicKey) -> Result<Option<SharedSecret>, Fault> {
        let Ok(peer) = p256::PublicKey::from_sec1_bytes(peer.as_bytes()) else {
            return Ok(None);
        };
        #[cfg(feature = "count")]
        crate::count::add(crate::count::Operation::Agree);
        let secret = own.0.diffie_hellman(&peer);
        Ok(Some(SharedSecret::from_x((*secret.raw_secret_bytes()).into())))
    }

    async fn sha256(&self, data: &[u8]) -> Result<[u8; 32], Fault> {
        Ok(sha256(data))
    }

    async fn cbc_encrypt(&self, key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault> {
        cbc_encrypt(key, iv, data)
    }

    async fn cbc_decrypt(&self, key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault> {
        cbc_decrypt(key, iv, data)
    }

    async fn cmac(&self, key: &[u8; 16], data: &[u8]) -> Result<[u8; 16], Fault> {
        Ok(cmac(key, data))
    }
}

/// Whether `signature` is the one of `key` over `message`.
#[must_use]
pub fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    #[cfg(feature = "count")]
    crate::count::add(crate::count::Operation::Verify);
    let Ok(key) = ecdsa::VerifyingKey::from_sec1_bytes(key.as_bytes()) else {
        return false;
    };
    let Ok(signature) = ecdsa::Signature::from_slice(&signature.0) else {
        return false;
    };
    key.verify(message, &signature).is_ok()
}

/// SHA-256.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// AES-128-CBC without padding, in place.
///
/// # Errors
/// [`Fault`] when `data` is not a multiple of 16 bytes.
pub fn cbc_encrypt(key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault> {
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    if !rest.is_empty() {
        return Err(Fault("AES-CBC of a partial block".into()));
    }
    cbc::Encryptor::<Aes128>::new(key.into(), iv.into()).encrypt_blocks(blocks);
    Ok(())
}

/// The inverse of [`cbc_encrypt`].
///
/// # Errors
/// As there.
pub fn cbc_decrypt(key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault> {
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    if !rest.is_empty() {
        return Err(Fault("AES-CBC of a partial block".into()));
    }
    cbc::Decryptor::<Aes128>::new(key.into(), iv.into()).decrypt_blocks(blocks);
    Ok(())
}

/// AES-CMAC (RFC 4493).
#[must_use]
pub fn cmac(key: &[u8; 16], data: &[u8]) -> [u8; 16] {
    let mut mac = <Cmac<Aes128> as KeyInit>::new(key.into());
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn public(key: &p256::PublicKey) -> PublicKey {
    use p256::elliptic_curve::sec1::ToSec1Point;
    let point = key.to_sec1_point(false);
    // An uncompressed P-256 point always has the form that is asked for here.
    PublicKey::from_sec1(point.as_bytes()).unwrap_or_else(|| unreachable!("uncompressed SEC1 point"))
}
