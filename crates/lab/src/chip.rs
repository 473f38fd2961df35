//! A chip from nothing but a seed, with an EID of one's choice.

use rsp::Eid;
use rsp_crypto::Curve;
use rsp_crypto::issue::Pki;
use serde_json::Value;

use crate::{Subscription, Trust, TrustError};

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
