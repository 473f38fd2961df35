//! The protection schemes (TS 33.501 Annex C): ECIES with X9.63 derivation over SHA-256,
//! AES-128 in counter mode and eight bytes of HMAC-SHA-256.

use alloc::vec::Vec;

use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use hmac::{Hmac, KeyInit, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Length of the tag behind the ciphertext.
const TAG: usize = 8;

/// Most bytes that are ever concealed: an identifier is shorter than this (TS 23.003 §28.7.2).
const MAX_PLAIN: usize = 253;

/// A protection scheme (TS 33.501 §C.1). Those of an operator's own are not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Nothing is hidden.
    Null = 0,
    /// ECIES over Curve25519.
    ProfileA = 1,
    /// ECIES over P-256, points compressed.
    ProfileB = 2,
}

impl Scheme {
    /// The scheme of a protection scheme identifier.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Null),
            1 => Some(Self::ProfileA),
            2 => Some(Self::ProfileB),
            _ => None,
        }
    }

    /// Bytes of a one-time public key in the scheme's output.
    const fn one_time_len(self) -> usize {
        match self {
            Self::Null => 0,
            Self::ProfileA => 32,
            Self::ProfileB => 33,
        }
    }
}

/// A key that the scheme cannot work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl core::fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("not a key of this protection scheme")
    }
}

impl core::error::Error for InvalidKey {}

/// A private key of the home network and its identifier. Zeroized on drop; nothing reads it
/// but [`crate::Suci::reveal`].
pub struct HomeNetworkKey {
    id: u8,
    scheme: Scheme,
    private: Private,
    public: Vec<u8>,
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Private([u8; 32]);

impl HomeNetworkKey {
    /// The key `id` of `scheme`: the 32 bytes of the private key.
    ///
    /// # Errors
    /// The null scheme has no keys, and P-256 has scalars that are none.
    pub fn new(id: u8, scheme: Scheme, private: [u8; 32]) -> Result<Self, InvalidKey> {
        let private = Private(private);
        let public = one_time_public(scheme, &private.0).ok_or(InvalidKey)?;
        Ok(Self { id, scheme, private, public })
    }

    /// The home network public key identifier.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// The scheme it is for.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The public key as a USIM has it (TS 31.102 §4.4.11.8): 32 bytes, or 33 of a
    /// compressed point.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// What is concealed in `output`; `None` when it is not for this key or was changed.
    pub(crate) fn open(&self, output: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (one_time, rest) = output.split_at_checked(self.scheme.one_time_len())?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        if ciphertext.is_empty() || ciphertext.len() > MAX_PLAIN {
            return None;
        }
        let secret = agree(self.scheme, &self.private.0, one_time)?;
        let keys = Keys::derive(&secret, one_time);
        if !bool::from(keys.tag(ciphertext)?.ct_eq(tag)) {
            return None;
        }
        let mut plain = Zeroizing::new(ciphertext.to_vec());
        keys.apply(&mut plain);
        Some(plain)
    }
}

impl core::fmt::Debug for HomeNetworkKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HomeNetworkKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The public key of a home network as a USIM has it (TS 31.102 §4.4.11.8), of a P-256 point in either
/// form: 32 bytes, or 33 of a compressed point.
///
/// # Errors
/// `key` is no public key of the scheme (one of small order is none); the null scheme has none.
pub fn home_network_public_key(scheme: Scheme, key: &[u8]) -> Result<Vec<u8>, InvalidKey> {
    match scheme {
        Scheme::Null => Err(InvalidKey),
        // Whatever the scalar, a point of small order gives zero (RFC 7748 §6.1).
        Scheme::ProfileA => agree(scheme, &[1; 32], key).map(|_| key.to_vec()).ok_or(InvalidKey),
        Scheme::ProfileB => {
            let key = p256::PublicKey::from_sec1_bytes(key).map_err(|_| InvalidKey)?;
            Ok(key.to_sec1_point(true).as_bytes().to_vec())
        }
    }
}

/// The scheme output for `plain`: one-time public key, ciphertext and tag (TS 33.501 §C.3.2).
/// `home` is the home network's public key as a USIM has it, of a P-256 point in either form;
/// `one_time` is a private key that was made for this and is used once.
///
/// # Errors
/// `home` is no public key of the scheme (one of small order is none), `one_time` is one of the
/// very few scalars that are no key of P-256, or `plain` is empty or longer than any identifier.
pub fn conceal(scheme: Scheme, home: &[u8], plain: &[u8], one_time: [u8; 32]) -> Result<Vec<u8>, InvalidKey> {
    let one_time = Private(one_time);
    if plain.is_empty() || plain.len() > MAX_PLAIN {
        return Err(InvalidKey);
    }
    if scheme == Scheme::Null {
        return Ok(plain.to_vec());
    }
    let public = one_time_public(scheme, &one_time.0).ok_or(InvalidKey)?;
    let secret = agree(scheme, &one_time.0, home).ok_or(InvalidKey)?;
    let keys = Keys::derive(&secret, &public);
    let mut ciphertext = plain.to_vec();
    keys.apply(&mut ciphertext);
    let tag = keys.tag(&ciphertext).ok_or(InvalidKey)?;
    Ok([&public[..], &ciphertext, &tag].concat())
}

/// The public key of a private one.
fn one_time_public(scheme: Scheme, private: &[u8; 32]) -> Option<Vec<u8>> {
    match scheme {
        Scheme::Null => None,
        Scheme::ProfileA => {
            Some(x25519_dalek::x25519(*private, x25519_dalek::X25519_BASEPOINT_BYTES).to_vec())
        }
        Scheme::ProfileB => {
            let key = p256::SecretKey::from_slice(private).ok()?;
            Some(key.public_key().to_sec1_point(true).as_bytes().to_vec())
        }
    }
}

/// The shared secret. `None` when `public` is no key, or one that would give everybody the same.
fn agree(scheme: Scheme, private: &[u8; 32], public: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    match scheme {
        Scheme::Null => None,
        Scheme::ProfileA => {
            let secret = Zeroizing::new(x25519_dalek::x25519(*private, public.try_into().ok()?));
            let is_zero: bool = secret[..].ct_eq(&[0; 32]).into();
            (!is_zero).then_some(secret)
        }
        Scheme::ProfileB => {
            let public = p256::PublicKey::from_sec1_bytes(public).ok()?;
            let shared = p256::SecretKey::from_slice(private).ok()?.diffie_hellman(&public);
            let bytes: &[u8; 32] = shared.raw_secret_bytes().as_slice().try_into().ok()?;
            Some(Zeroizing::new(*bytes))
        }
    }
}

/// Encryption key, first counter block and MAC key (TS 33.501 §C.3.4).
#[derive(Zeroize, ZeroizeOnDrop)]
struct Keys {
    encryption: [u8; 16],
    counter: [u8; 16],
    mac: [u8; 32],
}

impl Keys {
    /// ANSI X9.63 derivation with the one-time public key as SharedInfo1.
    fn derive(secret: &[u8; 32], one_time: &[u8]) -> Self {
        let block = |counter: u32| -> Zeroizing<[u8; 32]> {
            let digest =
                Sha256::new().chain_update(secret).chain_update(counter.to_be_bytes()).chain_update(one_time);
            Zeroizing::new(digest.finalize().into())
        };
        let (first, second) = (block(1), block(2));
        let mut keys = Self { encryption: [0; 16], counter: [0; 16], mac: *second };
        let own = keys.encryption.iter_mut().chain(&mut keys.counter);
        own.zip(&*first).for_each(|(own, byte)| *own = *byte);
        keys
    }

    /// Encrypts and decrypts.
    fn apply(&self, data: &mut [u8]) {
        Ctr128BE::<Aes128>::new(&self.encryption.into(), &self.counter.into()).apply_keystream(data);
    }

    fn tag(&self, ciphertext: &[u8]) -> Option<[u8; TAG]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.mac).ok()?;
        mac.update(ciphertext);
        mac.finalize().into_bytes().first_chunk::<TAG>().copied()
    }
}
