//! The values of the ISD-R and the ECASD in the chip's memory.

use crate::nvm::{IsdrKey, Key};

/// The EID, 16 bytes. What holds one is a chip that was made.
pub(crate) const EID: Key = single(0x01);
/// What the chip announces and was made with: [`super::configuration::Configuration`].
pub(crate) const CONFIGURATION: Key = single(0x02);
/// A certificate of the eUICC with its key, by number: the order of preference.
pub(crate) const fn credential(number: u32) -> Key {
    numbered(0x03, number)
}
/// A trusted CI key, by number: the order of preference.
pub(crate) const fn ci_key(number: u32) -> Key {
    numbered(0x04, number)
}
/// The default SM-DP+ address, where one is set.
pub(crate) const DEFAULT_DP_ADDRESS: Key = single(0x05);
/// The last sequence number that was used (u32).
pub(crate) const SEQUENCE: Key = single(0x06);
/// A notification that waits, by sequence number.
pub(crate) const fn notification(seq_number: u32) -> Key {
    numbered(0x07, seq_number)
}
/// The sequence numbers of the notifications that wait (u32 each).
pub(crate) const NOTIFICATIONS: Key = single(0x08);
/// A load that was begun and did not end: what its result is made of.
pub(crate) const LOADING: Key = single(0x09);
/// A change of the enabled profile that waits for REFRESH or reset.
pub(crate) const PENDING_CHANGE: Key = single(0x0A);
/// One-time keys that are kept for a repeated download.
pub(crate) const ONE_TIME_KEYS: Key = single(0x0B);
/// The slot of the profile that comes back when a test or provisioning profile goes (u16).
pub(crate) const DISPLACED: Key = single(0x0C);

/// What is known of the revocation lists of one CI and scope, by number.
pub(crate) const fn crl(number: u32) -> Key {
    numbered(0x18, number)
}

const fn single(kind: u8) -> Key {
    numbered(kind, 0)
}

const fn numbered(kind: u8, number: u32) -> Key {
    Key::Isdr(IsdrKey { kind, number })
}
