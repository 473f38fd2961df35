//! The [`Provider`] in pure Rust, for the chip, for tools and for tests.
//!
//! Signatures are deterministic (RFC 6979): a session can be replayed byte for
//! byte. Chance is needed for one-time keys only and is handed in.

use core::cell::RefCell;

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use bp256::BrainpoolP256r1;
use cmac::{Cmac, Mac};
use ecdsa::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use ecdsa::elliptic_curve::{self, AffinePoint, CurveArithmetic, FieldBytesSize, Generate};
use ecdsa::hazmat::sign_prehashed_rfc6979;
use ecdsa::signature::Verifier;
use ecdsa::{DigestAlgorithm, EcdsaCurve};
use p256::NistP256;
use rand_core::{CryptoRng, TryCryptoRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Curve, Fault, Provider, PublicKey, SharedSecret, Signature};

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

/// One of the two curves' keys.
#[derive(Clone)]
enum OnCurve<N, B> {
    P256(N),
    BrainpoolP256r1(B),
}

/// The same with either curve's key.
macro_rules! either {
    ($keys:expr, $key:ident => $do:expr) => {
        match $keys {
            OnCurve::P256($key) => $do,
            OnCurve::BrainpoolP256r1($key) => $do,
        }
    };
}

/// A private key that signs. Its public key is computed when it is asked for only: that costs
/// as much as a signature, and a chip loads its key anew for each.
#[derive(Clone)]
pub struct SigningKey(OnCurve<p256::SecretKey, bp256::r1::SecretKey>);

impl SigningKey {
    /// From PKCS#8 DER; `None` when it is no key of a supported curve.
    #[must_use]
    pub fn from_pkcs8_der(der: &[u8]) -> Option<Self> {
        use elliptic_curve::pkcs8::DecodePrivateKey;
        let p256 = p256::SecretKey::from_pkcs8_der(der).ok().map(Self::from);
        p256.or_else(|| bp256::r1::SecretKey::from_pkcs8_der(der).ok().map(Self::from))
    }

    /// From PEM: `PRIVATE KEY` (PKCS#8) or `EC PRIVATE KEY` (SEC1), with or
    /// without other blocks such as `EC PARAMETERS` before it. `None` when there
    /// is no key of a supported curve. A SEC1 key that names neither curve nor
    /// public key is taken for one of P-256.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        use elliptic_curve::pkcs8::DecodePrivateKey;
        if let Some(start) = text.find("-----BEGIN EC PRIVATE KEY-----") {
            let pem = &text[start..];
            let p256 = p256::SecretKey::from_sec1_pem(pem).ok().map(Self::from);
            return p256.or_else(|| bp256::r1::SecretKey::from_sec1_pem(pem).ok().map(Self::from));
        }
        let pem = &text[text.find("-----BEGIN PRIVATE KEY-----")?..];
        let p256 = p256::SecretKey::from_pkcs8_pem(pem).ok().map(Self::from);
        p256.or_else(|| bp256::r1::SecretKey::from_pkcs8_pem(pem).ok().map(Self::from))
    }

    /// From the secret scalar, 32 bytes big-endian; `None` when it is zero or
    /// not below the order of the curve.
    #[must_use]
    pub fn from_scalar(curve: Curve, scalar: &[u8; 32]) -> Option<Self> {
        Some(Self(match curve {
            Curve::P256 => OnCurve::P256(p256::SecretKey::from_slice(scalar).ok()?),
            Curve::BrainpoolP256r1 => {
                OnCurve::BrainpoolP256r1(bp256::r1::SecretKey::from_slice(scalar).ok()?)
            }
        }))
    }

    /// A fresh key. Laboratories are made anew from their seeds: the same chance gives the same
    /// key in every version, as `ecdsa` draws it.
    pub fn generate(curve: Curve, rng: &mut impl CryptoRng) -> Self {
        Self(match curve {
            Curve::P256 => {
                let key = ecdsa::SigningKey::<NistP256>::generate_from_rng(rng);
                OnCurve::P256(key.as_nonzero_scalar().into())
            }
            Curve::BrainpoolP256r1 => {
                let key = ecdsa::SigningKey::<BrainpoolP256r1>::generate_from_rng(rng);
                OnCurve::BrainpoolP256r1(key.as_nonzero_scalar().into())
            }
        })
    }

    /// The curve that it is on.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        match self.0 {
            OnCurve::P256(_) => Curve::P256,
            OnCurve::BrainpoolP256r1(_) => Curve::BrainpoolP256r1,
        }
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        #[cfg(feature = "count")]
        crate::count::add(crate::count::Operation::Generate);
        either!(&self.0, key => public(self.curve(), &key.public_key()))
    }

    /// The secret scalar, 32 bytes big-endian.
    #[must_use]
    pub fn expose_scalar(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(either!(&self.0, key => key.to_bytes().into()))
    }

    /// As PKCS#8 DER, with the public key inside. `None` never happens for a
    /// valid key.
    #[must_use]
    pub fn expose_pkcs8_der(&self) -> Option<Zeroizing<Vec<u8>>> {
        use elliptic_curve::pkcs8::EncodePrivateKey;
        let der = either!(&self.0, key => key.to_pkcs8_der().ok()?);
        Some(Zeroizing::new(der.as_bytes().to_vec()))
    }

    /// As PKCS#8 PEM. `None` never happens for a valid key.
    #[cfg(feature = "issue")]
    #[must_use]
    pub fn expose_pkcs8_pem(&self) -> Option<Zeroizing<String>> {
        use elliptic_curve::pkcs8::{EncodePrivateKey, LineEnding};
        either!(&self.0, key => key.to_pkcs8_pem(LineEnding::LF).ok())
    }

    /// ECDSA over SHA-256 of `message`, nonce of RFC 6979.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        #[cfg(feature = "count")]
        crate::count::add(crate::count::Operation::Sign);
        let digest = sha256(message);
        Signature(either!(&self.0, key => {
            let (signature, _) = sign_prehashed_rfc6979::<_, Sha256>(&key.to_nonzero_scalar(), &digest, &[]);
            signature.to_bytes().into()
        }))
    }
}

impl From<p256::SecretKey> for SigningKey {
    fn from(key: p256::SecretKey) -> Self {
        Self(OnCurve::P256(key))
    }
}

impl From<bp256::r1::SecretKey> for SigningKey {
    fn from(key: bp256::r1::SecretKey) -> Self {
        Self(OnCurve::BrainpoolP256r1(key))
    }
}

/// A private key for one key agreement.
pub struct OneTimeKey(OnCurve<p256::SecretKey, bp256::r1::SecretKey>);

impl OneTimeKey {
    /// From the secret scalar, 32 bytes big-endian, as a chip kept it for a
    /// repeated download (SGP.22 §3.1.3.2); `None` when it is out of range.
    #[must_use]
    pub fn from_scalar(curve: Curve, scalar: &[u8; 32]) -> Option<Self> {
        Some(Self(match curve {
            Curve::P256 => OnCurve::P256(p256::SecretKey::from_slice(scalar).ok()?),
            Curve::BrainpoolP256r1 => {
                OnCurve::BrainpoolP256r1(bp256::r1::SecretKey::from_slice(scalar).ok()?)
            }
        }))
    }

    /// A fresh one.
    ///
    /// # Errors
    /// That of `rng`.
    pub fn try_generate<R: TryCryptoRng>(curve: Curve, rng: &mut R) -> Result<Self, R::Error> {
        Ok(Self(match curve {
            Curve::P256 => OnCurve::P256(p256::SecretKey::try_generate_from_rng(rng)?),
            Curve::BrainpoolP256r1 => {
                OnCurve::BrainpoolP256r1(bp256::r1::SecretKey::try_generate_from_rng(rng)?)
            }
        }))
    }

    /// The curve that it is on.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        match self.0 {
            OnCurve::P256(_) => Curve::P256,
            OnCurve::BrainpoolP256r1(_) => Curve::BrainpoolP256r1,
        }
    }

    /// The secret scalar, to be kept for a repeated download.
    #[must_use]
    pub fn expose_scalar(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(either!(&self.0, key => key.to_bytes().into()))
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        #[cfg(feature = "count")]
        crate::count::add(crate::count::Operation::Generate);
        either!(&self.0, key => public(self.curve(), &key.public_key()))
    }

    /// ECDH: the x-coordinate. `None` when `peer` is not a point of this curve.
    #[must_use]
    pub fn agree(&self, peer: &PublicKey) -> Option<SharedSecret> {
        if peer.curve() != self.curve() {
            return None;
        }
        #[cfg(feature = "count")]
        crate::count::add(crate::count::Operation::Agree);
        Some(SharedSecret::from_x(either!(&self.0, key => {
            let peer = elliptic_curve::PublicKey::from_sec1_bytes(peer.as_bytes()).ok()?;
            (*key.diffie_hellman(&peer).raw_secret_bytes()).into()
        })))
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

    async fn one_time_key(&self, curve: Curve) -> Result<(OneTimeKey, PublicKey), Fault> {
        let Ok(key) = OneTimeKey::try_generate(curve, &mut *self.rng.borrow_mut());
        let public = key.public_key();
        Ok((key, public))
    }

    async fn agree(&self, own: &OneTimeKey, peer: &PublicKey) -> Result<Option<SharedSecret>, Fault> {
        Ok(own.agree(peer))
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
    match key.curve() {
        Curve::P256 => verify_on::<NistP256>(key, message, signature),
        Curve::BrainpoolP256r1 => verify_on::<BrainpoolP256r1>(key, message, signature),
    }
}

fn verify_on<C>(key: &PublicKey, message: &[u8], signature: &Signature) -> bool
where
    C: EcdsaCurve + CurveArithmetic + DigestAlgorithm,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
    ecdsa::VerifyingKey<C>: Verifier<ecdsa::Signature<C>>,
    ecdsa::SignatureSize<C>: elliptic_curve::array::ArraySize,
{
    let Ok(key) = ecdsa::VerifyingKey::<C>::from_sec1_bytes(key.as_bytes()) else {
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

/// [`cbc_encrypt`] of several messages, each from the vector in front of it, some at a time:
/// without instructions for it, AES does two blocks in the time of one.
///
/// # Errors
/// [`Fault`] when a message is not a multiple of 16 bytes.
pub fn cbc_encrypt_each(key: &[u8; 16], messages: &mut [([u8; 16], Vec<u8>)]) -> Result<(), Fault> {
    const LANES: usize = 8;
    if messages.iter().any(|(_, message)| !message.len().is_multiple_of(16)) {
        return Err(Fault("AES-CBC of a partial block".into()));
    }
    let cipher = <Aes128 as KeyInit>::new(key.into());
    for lanes in messages.chunks_mut(LANES) {
        let mut chaining: [Array<u8, _>; LANES] = Default::default();
        for (chaining, (iv, _)) in chaining.iter_mut().zip(lanes.iter()) {
            *chaining = (*iv).into();
        }
        let most = lanes.iter().map(|(_, message)| message.len()).max().unwrap_or(0);
        for at in (0..most).step_by(16) {
            // A lane whose message has ended goes on over nothing.
            for (chaining, (_, message)) in chaining.iter_mut().zip(lanes.iter()) {
                let block = message.get(at..at + 16).unwrap_or_default();
                for (chained, byte) in chaining.iter_mut().zip(block) {
                    *chained ^= byte;
                }
            }
            if let Some(used) = chaining.get_mut(..lanes.len()) {
                cipher.encrypt_blocks(used);
            }
            for (chaining, (_, message)) in chaining.iter().zip(lanes.iter_mut()) {
                if let Some(block) = message.get_mut(at..at + 16) {
                    block.copy_from_slice(chaining);
                }
            }
        }
    }
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

fn public<C>(curve: Curve, key: &elliptic_curve::PublicKey<C>) -> PublicKey
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let point = key.to_sec1_point(false);
    // An uncompressed point of 256 bits always has the form that is asked for here.
    PublicKey::from_sec1(curve, point.as_bytes()).unwrap_or_else(|| unreachable!("uncompressed SEC1 point"))
}
