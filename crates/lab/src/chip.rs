//! Chips of the laboratory: one from nothing but a seed, and what else its factory makes.

use rsp::Eid;
use rsp_crypto::Curve;
use rsp_crypto::issue::{Pki, Validity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{EID, Subscription, Trust, TrustError};

/// When certificates made by [`pki`] begin: 2025-01-01, in seconds since 1970; they are good for
/// 30 years. A constant, so that the seed alone decides.
pub const NOT_BEFORE: u64 = 1_735_689_600;

/// The PKI of a seed, with an eUICC of this EID ([`crate::EID`] for none). The manufacturer's
/// certificate permits EIDs that begin with the same eight digits.
///
/// # Errors
/// When a certificate can't be written.
pub fn pki(seed: [u8; 32], eid: Option<Eid>, smdp_address: &str) -> Result<Pki, TrustError> {
    Trust::pki_on(Curve::P256, seed, eid, smdp_address, NOT_BEFORE)
}

/// What that chip is made with, as [`Trust::chip_identity`]: the JSON that
/// `wasm_euicc::Factory` reads, the bootstrap subscription loaded and enabled.
///
/// # Errors
/// As [`pki`].
pub fn chip(seed: [u8; 32], eid: Option<Eid>) -> Result<Value, TrustError> {
    Ok(Trust::from(pki(seed, eid, "smdp.example")?).chip_identity(&Subscription::provisioning(&seed)))
}

/// The EID of the laboratory's second chip, a watch's: of the same manufacturer.
pub const WATCH_EID: &str = "89049032000000000000000000000260";

/// Memory of a chip that has little to spare: beside the bootstrap profile one more goes in, the
/// one after it does not.
const SMALL_MEMORY: u32 = 16 * 1024;

/// One of the AIDs under which the ISD-R is found on removable eUICCs instead of the GSMA's.
const ODD_AID: &str = "A06573746B6D65FFFF4953442D522030";

/// Chips that the laboratory's factory makes beside the usual one, to see what becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// The watch's: another EID, and empty.
    Watch,
    /// Hardly any memory is left.
    SmallMemory,
    /// Certified by a Certificate Issuer that the SM-DP+ does not know.
    OtherCi,
    /// Its certificate has expired; key and EID are the usual chip's.
    Expired,
    /// Nothing is on it.
    NoBootstrap,
    /// Its ISD-R has another AID.
    OddAid,
}

impl Other {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Watch, Self::SmallMemory, Self::OtherCi, Self::Expired, Self::NoBootstrap, Self::OddAid];

    /// Its name in addresses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::SmallMemory => "small-memory",
            Self::OtherCi => "other-ci",
            Self::Expired => "expired",
            Self::NoBootstrap => "no-bootstrap",
            Self::OddAid => "odd-aid",
        }
    }

    /// What it is made with, in the world of `trust` whose certificates begin at `made` (seconds
    /// since 1970) and whose keys are made of `seed`: the JSON of [`Trust::chip_identity`].
    ///
    /// # Errors
    /// When this world can't make it: only who has a manufacturer's key can.
    pub fn identity(self, trust: &Trust, seed: &[u8; 32], made: u64) -> Result<Value, TrustError> {
        const YEAR: u64 = 31_556_952;
        const DAY: u64 = 24 * 60 * 60;
        let provisioning = Subscription::provisioning(seed);
        let with = |eid, validity| trust.with_chip(seed, self.word(), eid, validity);
        let (trust, changes) = match self {
            Self::Watch => {
                let eid = WATCH_EID.parse().map_err(|_| TrustError::File(WATCH_EID.into()))?;
                let validity = Validity { not_before: made, not_after: made.saturating_add(30 * YEAR) };
                (with(eid, validity)?, json!({ "preloaded": [] }))
            }
            Self::Expired => {
                let ended =
                    Validity { not_before: made.saturating_sub(YEAR), not_after: made.saturating_sub(DAY) };
                (trust.with_validity(seed, self.word(), ended)?, json!({}))
            }
            Self::OtherCi => {
                let seed = Sha256::new().chain_update(seed).chain_update("another CI").finalize();
                let eid = EID.parse().map_err(|_| TrustError::File(EID.into()))?;
                let pki = Trust::pki_on(Curve::P256, seed.into(), Some(eid), "smdp.example", made)?;
                (Trust::from(pki), json!({}))
            }
            Self::SmallMemory => (trust.clone(), json!({ "memory": SMALL_MEMORY })),
            Self::NoBootstrap => (trust.clone(), json!({ "preloaded": [] })),
            Self::OddAid => (trust.clone(), json!({ "isdRAid": ODD_AID })),
        };
        let mut identity = trust.chip_identity(&provisioning);
        for (name, value) in changes.as_object().into_iter().flatten() {
            identity[name] = value.clone();
        }
        Ok(identity)
    }
}
