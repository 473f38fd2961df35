//! What the functions f2, f3 and f4 put out: up to 32 bytes that nobody logs.

use zeroize::Zeroize;

/// Longest output of any function: TUAK's 256 bits.
const MAX: usize = 32;

/// A RES, CK or IK: 4 to 32 bytes, zeroized on drop.
#[derive(Clone)]
pub struct Output {
    bytes: [u8; MAX],
    len: usize,
}

impl Output {
    /// Takes the leading bytes of `bytes`, 32 at most: what a terminal had from its card.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut own = [0; MAX];
        own.iter_mut().zip(bytes).for_each(|(own, byte)| *own = *byte);
        Self { bytes: own, len: bytes.len().min(MAX) }
    }

    /// The bytes, for a response APDU or a key derivation.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// `a ⊕ b`.
pub(crate) fn xor<const N: usize>(mut a: [u8; N], b: &[u8; N]) -> [u8; N] {
    a.iter_mut().zip(b).for_each(|(a, b)| *a ^= b);
    a
}

/// `N` bytes of `bytes` from `from` on; bytes that are not there read as zero.
pub(crate) fn part<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut part = [0; N];
    part.iter_mut().zip(bytes.iter().skip(from)).for_each(|(part, byte)| *part = *byte);
    part
}
