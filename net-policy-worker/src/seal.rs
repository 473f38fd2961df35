//! Subscribers' records at rest: sealed, where the deployment has a secret for it.
//!
//! ```text
//!  sealed 1 <key id> <nonce and AES-256-GCM in base64url>
//! ```
//!
//! Every subscriber has a key of its own, derived from the secret and its IMSI, which is bound
//! to what is sealed as well: a record that is put into another subscriber's object does not
//! open there, and no nonce meets another one often enough to matter.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::refusal::Fault;

/// The shortest secret, in bytes.
pub const MIN_SECRET: usize = 16;

/// Random bytes that sealing takes.
pub const NONCE: usize = 12;

/// The secrets that records are sealed under, the present one first; those behind it open what
/// was sealed under them.
#[derive(Default)]
pub struct RecordKeys(Vec<Zeroizing<String>>);

impl RecordKeys {
    /// Secrets with white space between them; none where there are none, and then nothing is
    /// sealed.
    ///
    /// # Errors
    /// One that is shorter than [`MIN_SECRET`].
    pub fn parse(secrets: &str) -> Result<Self, Fault> {
        let keys: Vec<_> =
            secrets.split_whitespace().map(|secret| Zeroizing::new(secret.to_owned())).collect();
        if keys.iter().any(|secret| secret.len() < MIN_SECRET) {
            return Err(Fault(format!("a secret of SUBSCRIBER_KEY has fewer than {MIN_SECRET} characters")));
        }
        Ok(Self(keys))
    }

    /// The record as it is to be kept.
    ///
    /// # Errors
    /// None in practice: what the cipher says.
    pub fn seal(&self, imsi: &str, record: &str, nonce: [u8; NONCE]) -> Result<String, Fault> {
        let Some(secret) = self.0.first() else { return Ok(record.to_owned()) };
        let payload = Payload { msg: record.as_bytes(), aad: imsi.as_bytes() };
        let sealed = cipher(secret, imsi)
            .encrypt(&nonce.into(), payload)
            .map_err(|_| Fault("a record cannot be sealed".to_owned()))?;
        let text = URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat());
        Ok(format!("sealed 1 {} {text}", id(secret)))
    }

    /// The record of what is kept, and whether it is to be sealed anew.
    ///
    /// # Errors
    /// It was sealed under a secret that is not there any more, or is not this subscriber's.
    pub fn open(&self, imsi: &str, kept: &str) -> Result<(Zeroizing<String>, bool), Fault> {
        let Some(sealed) = kept.strip_prefix("sealed 1 ") else {
            return Ok((Zeroizing::new(kept.to_owned()), !self.0.is_empty()));
        };
        let (name, text) = sealed.split_once(' ').unwrap_or_default();
        let found = self.0.iter().position(|secret| id(secret) == name);
        let (at, secret) = found.and_then(|at| Some((at, self.0.get(at)?))).ok_or_else(|| {
            Fault(format!("a record is sealed under key {name}, which SUBSCRIBER_KEY lacks"))
        })?;
        let broken = || Fault("a sealed record is not this subscriber's, or was changed".to_owned());
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| broken())?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let payload = Payload { msg: sealed, aad: imsi.as_bytes() };
        let plain = cipher(secret, imsi).decrypt(&(*nonce).into(), payload).map_err(|_| broken())?;
        let plain = String::from_utf8(plain).map_err(|_| broken())?;
        Ok((Zeroizing::new(plain), at != 0))
    }
}

fn cipher(secret: &str, imsi: &str) -> Aes256Gcm {
    let key = Zeroizing::new(mac(secret, &format!("subscriber record, version 1 {imsi}")));
    Aes256Gcm::new(&(*key).into())
}

/// Names a secret, without showing it.
fn id(secret: &str) -> String {
    mac(secret, "key id, version 1").first_chunk::<4>().map(hex::encode).unwrap_or_default()
}

fn mac(secret: &str, what: &str) -> [u8; 32] {
    // HMAC takes a key of any length; there is no other error.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()) else { return [0; 32] };
    mac.update(what.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMSI: &str = "001010000000001";

    const RECORD: &str = r#"{"k":"465b5ce8b199b49faa5f0a2ee238a6bc"}"#;

    #[test]
    fn what_is_sealed_opens_for_its_subscriber_only() {
        let keys = RecordKeys::parse("the_first_of_all_secrets").unwrap();
        let kept = keys.seal(IMSI, RECORD, [7; NONCE]).unwrap();
        assert!(!kept.contains("465b"), "{kept}");
        let (opened, again) = keys.open(IMSI, &kept).unwrap();
        assert_eq!((opened.as_str(), again), (RECORD, false));
        assert!(keys.open("001010000000002", &kept).is_err());
        let mut changed = kept.clone().into_bytes();
        let last = changed.len() - 2;
        changed[last] ^= 1;
        assert!(keys.open(IMSI, std::str::from_utf8(&changed).unwrap()).is_err());
        for broken in ["sealed 1 ", "sealed 1 00000000 AAAA", &kept[..30]] {
            assert!(keys.open(IMSI, broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn secrets_change() {
        let before = RecordKeys::parse("the_first_of_all_secrets").unwrap();
        let between = RecordKeys::parse("another_secret_of_length the_first_of_all_secrets").unwrap();
        let after = RecordKeys::parse("another_secret_of_length").unwrap();
        let kept = before.seal(IMSI, RECORD, [7; NONCE]).unwrap();
        let (opened, again) = between.open(IMSI, &kept).unwrap();
        assert_eq!((opened.as_str(), again), (RECORD, true));
        assert!(after.open(IMSI, &kept).is_err());
        let kept = between.seal(IMSI, &opened, [8; NONCE]).unwrap();
        assert_eq!(after.open(IMSI, &kept).unwrap().0.as_str(), RECORD);
        // Records from before there was a secret, and where there is none.
        assert!(after.open(IMSI, RECORD).unwrap().1);
        let none = RecordKeys::parse("").unwrap();
        assert_eq!(none.seal(IMSI, RECORD, [0; NONCE]).unwrap(), RECORD);
        assert!(!none.open(IMSI, RECORD).unwrap().1);
        assert!(none.open(IMSI, &kept).is_err());
        assert!(RecordKeys::parse("too_short").is_err());
    }
}
