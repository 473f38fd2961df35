//! What the server keeps secret: the keys derived from `SMDP_SECRET`, the MACs of
//! sessions, and the encryption of packages at rest.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Fault;

/// The shortest `SMDP_SECRET`, in bytes.
pub const MIN_SECRET: usize = 16;
/// Bytes that sealing adds: a nonce in front, a tag behind.
pub const OVERHEAD: usize = NONCE + 16;

const NONCE: usize = 12;

/// Keys for one purpose each, derived from the server's secret.
pub struct ServerSecret {
    session: Zeroizing<[u8; 32]>,
    storage: Zeroizing<[u8; 32]>,
}

impl ServerSecret {
    /// From the configured secret; `None` when it is shorter than [`MIN_SECRET`].
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        if secret.len() < MIN_SECRET {
            return None;
        }
        let derive = |purpose: &[u8]| Zeroizing::new(hmac(secret, &[purpose]));
        Some(Self { session: derive(b"rsp session, version 1"), storage: derive(b"storage, version 1") })
    }

    /// HMAC-SHA-256 under the key for sessions over the parts, each with its length.
    #[must_use]
    pub(crate) fn session_mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        hmac(&self.session[..], parts)
    }

    /// AES-256-GCM: `nonce ‖ ciphertext ‖ tag`. `context` names what is sealed and
    /// must be the same on opening; `nonce` must be fresh.
    ///
    /// # Errors
    /// [`Fault`] for more data than the mode allows.
    pub fn seal(&self, nonce: [u8; NONCE], context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let cipher = Aes256Gcm::new(&(*self.storage).into());
        let payload = Payload { msg: plain, aad: context };
        let sealed = cipher.encrypt(&nonce.into(), payload).map_err(|_| Fault::new("sealing failed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What was sealed for `context`.
    ///
    /// # Errors
    /// [`Fault`] when the secret or the context is another one, or the bytes have
    /// changed.
    pub fn expose_sealed(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let broken = || Fault::new("stored data does not open: changed, or sealed under another secret");
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let cipher = Aes256Gcm::new(&(*self.storage).into());
        let payload = Payload { msg: body, aad: context };
        cipher.decrypt(&(*nonce).into(), payload).map(Zeroizing::new).map_err(|_| broken())
    }
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
    use super::*;

    #[test]
    fn sealed_data_opens_for_its_context_only() {
        let secret = ServerSecret::new(&[7; 32]).unwrap();
        let sealed = secret.seal([1; 12], b"package 1", b"plain").unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        assert_eq!(&secret.expose_sealed(b"package 1", &sealed).unwrap()[..], b"plain");
        assert!(secret.expose_sealed(b"package 2", &sealed).is_err());
        assert!(ServerSecret::new(&[8; 32]).unwrap().expose_sealed(b"package 1", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(secret.expose_sealed(b"package 1", &changed).is_err(), "byte {at}");
        }
        assert!(secret.expose_sealed(b"package 1", &sealed[..11]).is_err());
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(ServerSecret::new(&[0; 15]).is_none());
    }

    #[test]
    fn parts_do_not_run_together() {
        let secret = ServerSecret::new(&[7; 32]).unwrap();
        assert_ne!(secret.session_mac(&[b"ab", b"c"]), secret.session_mac(&[b"a", b"bc"]));
    }
}
