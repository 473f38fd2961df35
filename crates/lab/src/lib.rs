//! For development and tests: a laboratory in which chip, server and network know
//! each other.
//!
//! ```text
//!   seed ──► Trust          CI, EUM, eUICC, SM-DP+        (or SGP.26's, from a folder)
//!        ──► Subscription…  K and OPc of every subscriber
//!        ──► HomeNetwork    the key that conceals who they are
//!
//!   Trust ──► chip_identity()        what the chip is made with
//!         ──► smdp_credentials()     what the SM-DP+ is configured with
//!   Subscription ──► operator_upload()   POST /operator/profiles
//!                ──► network_record()    PUT /network/subscribers/{imsi}
//!                ──► package()           the profile itself
//! ```
//!
//! With the same seed everything is the same, so that a laboratory that is started
//! again still fits what its parts remember. Nothing here is for subscribers: the
//! keys are only as secret as the seed.

pub mod chip;
mod home_network;
mod pki;
mod subscription;
mod trust;

pub use home_network::HomeNetwork;
pub use pki::{PkiWish, lpa_files, pki_files};
pub use rsp::Eid;
pub use rsp_crypto::Curve;
pub use rsp_crypto::issue::{File, Validity};
pub use subscription::Subscription;
pub use trust::{Trust, TrustError};

/// The EID of the laboratory's chip: manufacturer 89049032 of SGP.26.
pub const EID: &str = "89049032000000000000000000000163";

/// The SM-DP+'s object identifier in the laboratory's own PKI, as in SGP.26.
pub const SMDP_OID: &str = "2.999.10";

#[cfg(test)]
mod tests;
