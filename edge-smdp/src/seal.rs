//! What the server keeps secret: the keys derived from `SMDP_SECRET`, the MACs of
//! sessions, and the encryption of packages at rest.
//!
//! ```text
//!  sealed  = 02 ‖ key id (8) ‖ nonce (12) ‖ GCM(storage key; data key) (48) ‖ GCM(data key; data)
//! ```
//!
//! Every sealing draws a data key of its own; only that is under the storage key. So a
//! change of the storage key touches 48 bytes of a package, not the package, and no
//! nonce meets another one under the same data key. The storage key is named by its
//! id, which is derived from the secret.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Fault;

/// The shortest secret of `SMDP_SECRET`, in bytes.
pub const MIN_SECRET: usize = 16;
/// Random bytes that sealing takes: a data key and a nonce.
pub const CHANCE: usize = 32 + NONCE;
/// Bytes that sealing adds.
pub const OVERHEAD: usize = 1 + KEY_ID + NONCE + WRAPPED + TAG;

const NONCE: usize = 12;
const TAG: usize = 16;
const KEY_ID: usize = 8;
const WRAPPED: usize = 32 + TAG;
/// The form of what is sealed.
const FORM: u8 = 2;

/// AES-256-GCM, by whoever does it fastest.
#[expect(async_fn_in_trait, reason = "single-threaded platforms; no caller needs `Send` futures")]
pub trait Cipher {
    /// `ciphertext ‖ tag`. A nonce must meet a key once.
    ///
    /// # Errors
    /// The platform's fault.
    async fn gcm_seal(
        &self,
        key: &[u8; 32],
        nonce: &[u8; NONCE],
        context: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, rsp_crypto::Fault> {
        gcm_seal(key, nonce, context, plain).ok_or_else(|| rsp_crypto::Fault("sealing failed".into()))
    }

    /// What was sealed; `None` when key, nonce or context is another one, or the
    /// bytes have changed.
    ///
    /// # Errors
    /// The platform's fault.
    async fn gcm_open(
        &self,
        key: &[u8; 32],
        nonce: &[u8; NONCE],
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, rsp_crypto::Fault> {
        Ok(gcm_open(key, nonce, context, sealed))
    }
}

impl<R: rand_core::CryptoRng> Cipher for rsp_crypto::Software<R> {}

/// In Rust.
pub(crate) fn gcm_seal(key: &[u8; 32], nonce: &[u8; NONCE], context: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let payload = Payload { msg: plain, aad: context };
    Aes256Gcm::new(&(*key).into()).encrypt(&(*nonce).into(), payload).ok()
}

/// In Rust.
pub(crate) fn gcm_open(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    context: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let payload = Payload { msg: sealed, aad: context };
    Aes256Gcm::new(&(*key).into()).decrypt(&(*nonce).into(), payload).ok().map(Zeroizing::new)
}

/// The secrets of the server, the present one first: those behind it open what was
/// sealed, and know sessions that began, under them.
pub struct ServerSecret {
    keys: Vec<Keys>,
}

/// Keys for one purpose each, derived from one secret.
struct Keys {
    id: String,
    session: Zeroizing<[u8; 32]>,
    storage: Zeroizing<[u8; 32]>,
}

impl ServerSecret {
    /// From secrets, the present one first; `None` when there is none or one is
    /// shorter than [`MIN_SECRET`].
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let derive = |secret: &[u8], purpose: &[u8]| Zeroizing::new(hmac(secret, &[purpose]));
        let keys = secrets.into_iter().map(|secret| {
            (secret.len() >= MIN_SECRET).then(|| Keys {
                id: hex::encode(&hmac(secret, &[b"key id, version 1"])[..KEY_ID / 2]),
                session: derive(secret, b"rsp session, version 1"),
                storage: derive(secret, b"storage, version 1"),
            })
        });
        let keys: Vec<Keys> = keys.collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// The present key's name: 8 hexadecimal digits.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.keys.first().map_or("", |keys| &keys.id)
    }

    /// How many secrets there are.
    #[must_use]
    pub const fn generations(&self) -> usize {
        self.keys.len()
    }

    /// HMAC-SHA-256 under the key for sessions of a generation, 0 the present one,
    /// over the parts, each with its length.
    #[must_use]
    pub(crate) fn session_mac(&self, generation: usize, parts: &[&[u8]]) -> [u8; 32] {
        self.keys.get(generation).map_or([0; 32], |keys| hmac(&keys.session[..], parts))
    }

    /// Seals under the present key. `context` names what is sealed and must be the
    /// same on opening; `chance` must be fresh.
    ///
    /// # Errors
    /// [`Fault`] of the cipher.
    pub async fn seal(
        &self,
        cipher: &impl Cipher,
        chance: [u8; CHANCE],
        context: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let chance = Zeroizing::new(chance);
        let (data_key, nonce) = chance.split_first_chunk::<32>().unwrap_or_else(|| unreachable!("44 bytes"));
        let nonce = nonce.first_chunk().unwrap_or_else(|| unreachable!("12 bytes"));
        let mut sealed = self.wrap(cipher, data_key, nonce, context).await?;
        // A nonce of zeros: the data key is used this once.
        sealed.extend(cipher.gcm_seal(data_key, &[0; NONCE], context, plain).await?);
        Ok(sealed)
    }

    async fn wrap(
        &self,
        cipher: &impl Cipher,
        data_key: &[u8; 32],
        nonce: &[u8; NONCE],
        context: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let keys = self.keys.first().ok_or_else(|| Fault::new("no secret"))?;
        let wrapped = cipher.gcm_seal(&keys.storage, nonce, context, data_key).await?;
        Ok([&[FORM], keys.id.as_bytes(), &nonce[..], &wrapped].concat())
    }

    /// What was sealed for `context`.
    ///
    /// # Errors
    /// [`Fault`] when the key is none of the configured ones, the context is another
    /// one, or the bytes have changed.
    pub async fn expose_sealed(
        &self,
        cipher: &impl Cipher,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        if let Some((data_key, body)) = self.unwrap(cipher, context, sealed).await? {
            let plain = cipher.gcm_open(&data_key, &[0; NONCE], context, body).await?;
            return plain.ok_or_else(broken);
        }
        // The first form: the data itself under the storage key.
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        for keys in &self.keys {
            if let Some(plain) = cipher.gcm_open(&keys.storage, nonce, context, body).await? {
                return Ok(plain);
            }
        }
        Err(broken())
    }

    /// The data key and what it sealed; `None` when it is of the first form.
    async fn unwrap<'s>(
        &self,
        cipher: &impl Cipher,
        context: &[u8],
        sealed: &'s [u8],
    ) -> Result<Option<(Zeroizing<[u8; 32]>, &'s [u8])>, Fault> {
        let Some((id, rest)) = key_id(sealed) else { return Ok(None) };
        let Some(keys) = self.keys.iter().find(|keys| keys.id == id) else { return Ok(None) };
        let Some((nonce, rest)) = rest.split_first_chunk::<NONCE>() else { return Ok(None) };
        let Some((wrapped, body)) = rest.split_first_chunk::<WRAPPED>() else { return Ok(None) };
        let data_key = cipher.gcm_open(&keys.storage, nonce, context, wrapped).await?;
        let data_key = data_key.and_then(|key| key.as_slice().try_into().ok());
        Ok(data_key.map(|key| (Zeroizing::new(key), body)))
    }

    /// The same sealed under the present key; `None` when it is already.
    ///
    /// # Errors
    /// As [`ServerSecret::expose_sealed`].
    pub async fn reseal(
        &self,
        cipher: &impl Cipher,
        chance: [u8; CHANCE],
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, Fault> {
        if key_id(sealed).is_some_and(|(id, _)| id == self.key_id()) {
            return Ok(None);
        }
        let Some((data_key, body)) = self.unwrap(cipher, context, sealed).await? else {
            let plain = self.expose_sealed(cipher, context, sealed).await?;
            return self.seal(cipher, chance, context, &plain).await.map(Some);
        };
        let nonce = chance.last_chunk().unwrap_or_else(|| unreachable!("44 bytes"));
        let mut resealed = self.wrap(cipher, &data_key, nonce, context).await?;
        resealed.extend_from_slice(body);
        Ok(Some(resealed))
    }
}

fn broken() -> Fault {
    Fault::new("stored data does not open: changed, or sealed under another secret")
}

/// The key that something is sealed under, and what is behind its name.
fn key_id(sealed: &[u8]) -> Option<(&str, &[u8])> {
    let (id, rest) = sealed.strip_prefix(&[FORM])?.split_first_chunk::<KEY_ID>()?;
    Some((core::str::from_utf8(id).ok()?, rest))
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length.
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use rsp_crypto::ready;

    use super::*;

    struct Software;
    impl Cipher for Software {}

    fn secret(bytes: &[u8]) -> ServerSecret {
        ServerSecret::new(bytes.chunks(32)).unwrap()
    }

    fn open(secret: &ServerSecret, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        ready(secret.expose_sealed(&Software, context, sealed)).ok().map(|plain| plain.to_vec())
    }

    #[test]
    fn sealed_data_opens_for_its_context_only() {
        let seven = secret(&[7; 32]);
        let sealed = ready(seven.seal(&Software, [1; CHANCE], b"package 1", b"plain")).unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        assert_eq!(open(&seven, b"package 1", &sealed).as_deref(), Some(&b"plain"[..]));
        assert_eq!(open(&seven, b"package 2", &sealed), None);
        assert_eq!(open(&secret(&[8; 32]), b"package 1", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&seven, b"package 1", &changed), None, "byte {at}");
            assert_eq!(open(&seven, b"package 1", &sealed[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn a_new_secret_takes_over_what_the_old_one_sealed() {
        let old = secret(&[7; 32]);
        let both = secret(&[[8; 32], [7; 32]].concat());
        let new = secret(&[8; 32]);
        let sealed = ready(old.seal(&Software, [1; CHANCE], b"package", b"plain")).unwrap();
        // As the first form had it: nonce, and the data under the storage key.
        let nonce = [3; NONCE];
        let body = gcm_seal(&old.keys[0].storage, &nonce, b"package", b"plain").unwrap();
        let first = [&nonce[..], &body].concat();
        for sealed in [sealed, first] {
            assert_eq!(open(&both, b"package", &sealed).as_deref(), Some(&b"plain"[..]));
            let resealed = ready(both.reseal(&Software, [2; CHANCE], b"package", &sealed)).unwrap().unwrap();
            assert_eq!(open(&new, b"package", &resealed).as_deref(), Some(&b"plain"[..]));
            assert_eq!(open(&old, b"package", &resealed), None);
            assert_eq!(ready(both.reseal(&Software, [2; CHANCE], b"package", &resealed)).unwrap(), None);
        }
        assert_ne!(old.key_id(), new.key_id());
        assert_eq!(both.key_id(), new.key_id());
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(ServerSecret::new([&[0; 15][..]]).is_none());
        assert!(ServerSecret::new([&[0; 16][..], &[0; 15][..]]).is_none());
        assert!(ServerSecret::new([]).is_none());
    }

    #[test]
    fn parts_do_not_run_together() {
        let secret = secret(&[7; 32]);
        assert_ne!(secret.session_mac(0, &[b"ab", b"c"]), secret.session_mac(0, &[b"a", b"bc"]));
    }
}
