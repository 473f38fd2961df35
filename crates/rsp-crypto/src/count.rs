//! For benchmarks: how many P-256 operations [`crate::Software`] has done in this process.

use core::sync::atomic::{AtomicU32, Ordering};

/// A P-256 operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// ECDSA, signing.
    Sign,
    /// ECDSA, verifying.
    Verify,
    /// The public key of a private one: of a pair that is generated, and of a key that is
    /// loaded.
    Generate,
    /// ECDH.
    Agree,
}

static COUNTS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

pub(crate) fn add(operation: Operation) {
    COUNTS[operation as usize].fetch_add(1, Ordering::Relaxed);
}

/// The counts since the last call, in the order of [`Operation`]; counting begins anew.
pub fn take() -> [u32; 4] {
    COUNTS.each_ref().map(|count| count.swap(0, Ordering::Relaxed))
}
