//! A chip from nothing but a seed, with an EID of one's choice.

use rsp::Eid;
use rsp_crypto::issue::{Pki, PkiError, Settings, Validity};
use serde_json::Value;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::{EID, SMDP_OID, Subscription, Trust, TrustError};

/// When certificates made by [`pki`] begin: 2025-01-01, in seconds since 1970. A constant,
/// so that the seed alone decides.
pub const NOT_BEFORE: u64 = 1_735_689_600;

/// For how long they are good, in seconds: 30 years.
const SPAN: u64 = 30 * 31_556_952;

/// The PKI of a seed, with an eUICC of this EID ([`EID`] for none). The manufacturer's
/// certificate permits EIDs that begin with the same eight digits.
///
/// # Errors
/// When a certificate can't be written.
pub fn pki(seed: [u8; 32], eid: Option<Eid>, smdp_address: &str) -> Result<Pki, TrustError> {
    let id = |text: &str| TrustError::File(text.to_owned());
    let settings = Settings {
        eid: match eid {
            Some(eid) => eid,
            None => EID.parse().map_err(|_| id(EID))?,
        },
        smdp_address: smdp_address.to_owned(),
        smdp_oid: SMDP_OID.parse().map_err(|_| id(SMDP_OID))?,
        smds_oid: "2.999.15".parse().map_err(|_| id("2.999.15"))?,
        validity: Validity { not_before: NOT_BEFORE, not_after: NOT_BEFORE + SPAN },
    };
    let made: Result<Pki, PkiError> = Pki::generate(&mut ChaCha20Rng::from_seed(seed), &settings);
    made.map_err(TrustError::Pki)
}

/// What that chip is made with, as [`Trust::chip_identity`]: the JSON that
/// `wasm_euicc::Factory` reads, the bootstrap subscription loaded and enabled.
///
/// # Errors
/// As [`pki`].
pub fn chip(seed: [u8; 32], eid: Option<Eid>) -> Result<Value, TrustError> {
    Ok(Trust::from(pki(seed, eid, "smdp.example")?).chip_identity(&Subscription::provisioning(&seed)))
}
