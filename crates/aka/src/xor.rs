//! The XOR test algorithm (TS 34.108 §8.1.2): no secrecy, for test equipment.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::output::{Output, part, xor};
use crate::{Amf, Rand, Sqn};

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Xor {
    pub(crate) k: [u8; 16],
    pub(crate) res: u8,
}

impl Xor {
    /// f1, and f1* for a resynchronisation: `XDOUT[0..8] ⊕ (SQN ‖ AMF)`.
    pub(crate) fn f1(&self, rand: &Rand, sqn: Sqn, amf: Amf) -> [u8; 8] {
        let [s0, s1, s2, s3, s4, s5] = sqn.to_bytes();
        xor(part(&self.xdout(rand), 0), &[s0, s1, s2, s3, s4, s5, amf[0], amf[1]])
    }

    /// f2: the leading bytes of XDOUT.
    pub(crate) fn f2(&self, rand: &Rand) -> Output {
        let xdout = self.xdout(rand);
        Output::new(xdout.get(..usize::from(self.res)).unwrap_or(&xdout))
    }

    /// f3: XDOUT, rotated left by one byte.
    pub(crate) fn f3(&self, rand: &Rand) -> [u8; 16] {
        let mut ck = self.xdout(rand);
        ck.rotate_left(1);
        ck
    }

    /// f4: XDOUT, rotated left by two bytes.
    pub(crate) fn f4(&self, rand: &Rand) -> [u8; 16] {
        let mut ik = self.xdout(rand);
        ik.rotate_left(2);
        ik
    }

    /// f5 and f5*: six bytes of XDOUT from the fourth on.
    pub(crate) fn f5(&self, rand: &Rand) -> [u8; 6] {
        part(&self.xdout(rand), 3)
    }

    fn xdout(&self, rand: &Rand) -> [u8; 16] {
        xor(self.k, rand)
    }
}
