//! Key agreement and the keys of a session (SGP.22 §2.6.4.1 and annex G,
//! BSI TR-03111 §4.3).

use rsp::Eid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{Curve, Fault, Provider, PublicKey, SharedSecret};

/// Key type of the session keys: AES (`80` ‖ CRT, GlobalPlatform table 11-16).
pub const KEY_TYPE: u8 = 0x88;
/// Length of the session keys in bytes.
pub const KEY_LENGTH: u8 = 0x10;

/// A key pair for one key agreement.
pub struct OneTimeKeyPair<P: Provider> {
    secret: P::OneTimeKey,
    public: PublicKey,
}

impl<P: Provider> OneTimeKeyPair<P> {
    /// A fresh one, on a curve.
    ///
    /// # Errors
    /// [`Fault`] of the provider.
    pub async fn generate(provider: &P, curve: Curve) -> Result<Self, Fault> {
        let (secret, public) = provider.one_time_key(curve).await?;
        Ok(Self { secret, public })
    }

    /// From parts that belong together, as a chip kept them for a repeated
    /// download.
    pub const fn from_parts(secret: P::OneTimeKey, public: PublicKey) -> Self {
        Self { secret, public }
    }

    /// The half that is sent, `otPK`.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The half that is kept, `otSK`.
    pub const fn expose_secret(&self) -> &P::OneTimeKey {
        &self.secret
    }

    /// Agrees with the owner of `peer` on a secret. `None` when `peer` is not a
    /// point of the curve of this pair.
    ///
    /// # Errors
    /// [`Fault`] of the provider.
    pub async fn agree(&self, provider: &P, peer: &PublicKey) -> Result<Option<SharedSecret>, Fault> {
        provider.agree(&self.secret, peer).await
    }
}

/// The keys that protect segments of a bound profile package: those agreed for
/// a session, or the profile protection keys that replace them.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SessionKeys {
    initial_mcv: [u8; 16],
    enc: [u8; 16],
    mac: [u8; 16],
}

impl SessionKeys {
    /// From the initial MAC chaining value and the keys, as in
    /// `ReplaceSessionKeysRequest` (`initialMacChainingValue`, `ppkEnc`,
    /// `ppkCmac`).
    #[must_use]
    pub const fn new(initial_mcv: [u8; 16], enc: [u8; 16], mac: [u8; 16]) -> Self {
        Self { initial_mcv, enc, mac }
    }

    /// Derives the keys of a session (SGP.22 annex G): 48 bytes are the initial
    /// MAC chaining value, S-ENC and S-MAC in this order.
    ///
    /// `host_id`: of the control reference template, 1 to 16 bytes. `eid`: of
    /// the eUICC.
    ///
    /// # Errors
    /// [`Fault`] of the provider, or for a `host_id` of more than 127 bytes.
    pub async fn derive(
        provider: &impl Provider,
        secret: &SharedSecret,
        host_id: &[u8],
        eid: &Eid,
    ) -> Result<Self, Fault> {
        let data = x963_kdf(provider, secret.expose_x(), &shared_info(host_id, eid)?, 48).await?;
        match data.as_chunks() {
            ([initial_mcv, enc, mac], []) => Ok(Self::new(*initial_mcv, *enc, *mac)),
            _ => Err(Fault("key data of a wrong length".into())),
        }
    }

    /// `initialMacChainingValue`, `ppkEnc`, `ppkCmac`, for storage or for
    /// `ReplaceSessionKeysRequest`.
    #[must_use]
    pub const fn expose(&self) -> [&[u8; 16]; 3] {
        [&self.initial_mcv, &self.enc, &self.mac]
    }
}

/// The `SharedInfo` of the derivation: key type, key length, and the host and
/// the EID with their lengths (SGP.22 annex G).
fn shared_info(host_id: &[u8], eid: &Eid) -> Result<Vec<u8>, Fault> {
    let host_id_len = u8::try_from(host_id.len()).ok().filter(|&length| length < 0x80);
    let host_id_len = host_id_len.ok_or_else(|| Fault("hostId is too long".into()))?;
    Ok([&[KEY_TYPE, KEY_LENGTH, host_id_len], host_id, &[16], eid.as_bytes()].concat())
}

/// The key derivation function of ANSI X9.63 with SHA-256: `length` bytes of
/// `SHA-256(z ‖ counter ‖ shared_info)`, counter from 1.
///
/// # Errors
/// [`Fault`] of the provider.
pub async fn x963_kdf(
    provider: &impl Provider,
    z: &[u8],
    shared_info: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    // Full capacity at once: a growing vector would leave copies of keys behind.
    let mut data = Zeroizing::new(Vec::with_capacity(length.next_multiple_of(32)));
    for counter in 1u32.. {
        if data.len() >= length {
            break;
        }
        let input = Zeroizing::new([z, &counter.to_be_bytes(), shared_info].concat());
        data.extend_from_slice(&*Zeroizing::new(provider.sha256(&input).await?));
    }
    data.truncate(length);
    Ok(data)
}
