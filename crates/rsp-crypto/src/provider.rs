use core::fmt;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Signature;

/// The operations that RSP needs of a cryptographic library: P-256 and
/// brainpoolP256r1 with SHA-256 (SGP.22 §2.6.5), AES-128 in CBC mode and AES-CMAC
/// (SGP.22 §2.6.4).
///
/// Private keys are opaque, public keys travel as SEC1 points, everything may take
/// its time: so it can be done by the Web Crypto API. What that lacks (CMAC,
/// brainpool) [`crate::software`] has as plain functions and keys.
///
/// Futures need not be `Send`: chip and workers are single-threaded.
#[expect(async_fn_in_trait, reason = "single-threaded platforms; no caller needs `Send` futures")]
pub trait Provider {
    /// A private key that signs.
    type SigningKey;
    /// A private key for one key agreement.
    type OneTimeKey;

    /// ECDSA over SHA-256 of `message`.
    ///
    /// # Errors
    /// [`Fault`] when the platform fails.
    async fn sign(&self, key: &Self::SigningKey, message: &[u8]) -> Result<Signature, Fault>;

    /// Whether `signature` is the one of `key` over `message`. A `key` that is
    /// not a point of its curve verifies nothing.
    ///
    /// # Errors
    /// [`Fault`] when the platform fails.
    async fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<bool, Fault>;

    /// A fresh key pair for one key agreement on a curve.
    ///
    /// # Errors
    /// [`Fault`] when the platform fails.
    async fn one_time_key(&self, curve: Curve) -> Result<(Self::OneTimeKey, PublicKey), Fault>;

    /// ECDH: the x-coordinate. `None` when `peer` is not a point of the curve
    /// that `own` is on.
    ///
    /// # Errors
    /// [`Fault`] when the platform fails.
    async fn agree(&self, own: &Self::OneTimeKey, peer: &PublicKey) -> Result<Option<SharedSecret>, Fault>;

    /// SHA-256.
    ///
    /// # Errors
    /// [`Fault`] when the platform fails.
    async fn sha256(&self, data: &[u8]) -> Result<[u8; 32], Fault>;

    /// AES-128-CBC without padding, in place; `data` is a multiple of 16 bytes.
    ///
    /// # Errors
    /// [`Fault`] when the platform fails or the length is not such a multiple.
    async fn cbc_encrypt(&self, key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault>;

    /// The inverse of [`Provider::cbc_encrypt`].
    ///
    /// # Errors
    /// As there.
    async fn cbc_decrypt(&self, key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Fault>;

    /// [`Provider::cbc_encrypt`] of several messages, each from the vector in front of it.
    /// They do not depend on each other: a provider may work on all of them at once.
    ///
    /// # Errors
    /// As there.
    async fn cbc_encrypt_each(
        &self,
        key: &[u8; 16],
        messages: &mut [([u8; 16], Vec<u8>)],
    ) -> Result<(), Fault> {
        for (iv, message) in messages {
            self.cbc_encrypt(key, iv, message).await?;
        }
        Ok(())
    }

    /// AES-CMAC (RFC 4493), all 16 bytes.
    ///
    /// # Errors
    /// [`Fault`] when the platform fails.
    async fn cmac(&self, key: &[u8; 16], data: &[u8]) -> Result<[u8; 16], Fault>;

    /// [`Provider::cmac`] of several messages, none of them empty, each with the MAC of the
    /// one before in front, and the first with `first` (the chaining of SGP.22 §2.6.4.4).
    ///
    /// # Errors
    /// As there.
    async fn cmac_chain(
        &self,
        key: &[u8; 16],
        first: &[u8; 16],
        messages: &[Vec<u8>],
    ) -> Result<Vec<[u8; 16]>, Fault> {
        let mut macs = Vec::with_capacity(messages.len());
        let mut chaining = *first;
        for message in messages {
            chaining = self.cmac(key, &[&chaining, message.as_slice()].concat()).await?;
            macs.push(chaining);
        }
        Ok(macs)
    }
}

/// The platform's cryptography failed: nobody's peer is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(
    /// What failed, for the log.
    pub String,
);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cryptography failed: {}", self.0)
    }
}

impl core::error::Error for Fault {}

/// The elliptic curves that keys are on (SGP.22 §2.6.5). All of one session is on
/// the curve of its Certificate Issuer. The third of the standard, FRP256v1, is
/// not done here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256 (FIPS 186-4), 1.2.840.10045.3.1.7.
    P256,
    /// brainpoolP256r1 (RFC 5639), 1.3.36.3.3.2.8.1.1.7.
    BrainpoolP256r1,
}

impl Curve {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::P256, Self::BrainpoolP256r1];
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::BrainpoolP256r1 => "brainpoolP256r1",
        })
    }
}

/// A public key: its curve, and an uncompressed SEC1 point: `04 ‖ X ‖ Y`.
///
/// Only the form is checked here; whether it lies on the curve is found out by
/// the [`Provider`] that uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    curve: Curve,
    point: [u8; 65],
}

impl PublicKey {
    /// Bytes of the uncompressed point.
    pub const LEN: usize = 65;

    /// From an uncompressed point; `None` for any other form.
    #[must_use]
    pub fn from_sec1(curve: Curve, point: &[u8]) -> Option<Self> {
        let point: [u8; Self::LEN] = point.try_into().ok()?;
        (point[0] == 0x04).then_some(Self { curve, point })
    }

    /// The curve that it is meant to lie on.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// The point: `04 ‖ X ‖ Y`.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.point
    }
}

/// What a key agreement yields: the x-coordinate, 32 bytes big-endian.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SharedSecret([u8; 32]);

impl SharedSecret {
    /// From the x-coordinate, as a [`Provider`] computed it.
    #[must_use]
    pub const fn from_x(x: [u8; 32]) -> Self {
        Self(x)
    }

    /// The x-coordinate, for the derivation of keys.
    #[must_use]
    pub const fn expose_x(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The output of a future that never waits, as all of [`crate::Software`] are:
/// it is polled once.
///
/// # Panics
/// When the future waits: the caller then uses a [`Provider`] that needs an
/// executor.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a future of a synchronous provider waits"),
    }
}
