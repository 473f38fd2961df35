//! SGP.22 data objects, identifiers, result codes and JSON bindings.
//!
//! ```text
//!   ids, activation_code        what people and operators type
//!   auth, download, bpp         the session:   ES10b, ES8+
//!   metadata, profiles          the profiles:  ES8+, ES10c
//!   notification, cancel        what is told to the SM afterwards
//!   addresses, rat, crl         ES10a, rules, revocation
//!   es9, es2, es12, status      JSON over HTTP and its status codes
//! ```
//!
//! Every message reads tolerantly (unknown data objects are skipped: the module
//! is `EXTENSIBILITY IMPLIED`) and writes DER. What is signed is kept as the
//! bytes received, in a [`Raw`].
//!
//! Source: GSMA SGP.22 v2.2.2 to v2.5, Annex H (ASN.1) and §6.5 (JSON).

pub mod activation_code;
pub mod addresses;
pub mod auth;
pub mod bpp;
pub mod cancel;
pub mod codes;
mod components;
pub mod crl;
pub mod download;
pub mod es11;
pub mod es12;
pub mod es2;
pub mod es9;
pub mod ids;
pub mod metadata;
pub mod notification;
pub mod profiles;
pub mod rat;
mod raw;
pub mod status;

pub use activation_code::ActivationCode;
pub use ids::{Aid, CiPkId, Eid, Iccid, Imsi, MatchingId, Oid, TransactionId, Version};
pub use raw::{DataObject, Raw};
pub use tlv::Error;

#[cfg(test)]
mod tests;
