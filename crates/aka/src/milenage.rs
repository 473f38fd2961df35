//! MILENAGE (TS 35.206): f1 to f5* from AES-128.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::output::{part, xor};
use crate::{Amf, Rand, Sqn};

/// The rotation constants r1 to r5 of TS 35.206 §4.1, in bits.
pub const ROTATIONS: [u8; 5] = [64, 0, 32, 64, 96];

/// The XOR constants c1 to c5 of TS 35.206 §4.1.
pub const XORS: [[u8; 16]; 5] = [constant(0), constant(1), constant(2), constant(4), constant(8)];

const fn constant(last: u8) -> [u8; 16] {
    (last as u128).to_be_bytes()
}

/// `OPc = AES_K(OP) ⊕ OP`: what a card holds in place of the operator's OP.
#[must_use]
pub fn opc(k: [u8; 16], op: [u8; 16]) -> [u8; 16] {
    xor(encrypt(&Aes128::new(&k.into()), op), &op)
}

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Milenage {
    pub(crate) k: [u8; 16],
    pub(crate) opc: [u8; 16],
    pub(crate) rotations: [u8; 5],
    pub(crate) xors: [[u8; 16]; 5],
}

impl Milenage {
    /// f1 and f1*: MAC-A and MAC-S.
    pub(crate) fn f1(&self, rand: &Rand, sqn: Sqn, amf: Amf) -> ([u8; 8], [u8; 8]) {
        let [s0, s1, s2, s3, s4, s5] = sqn.to_bytes();
        let half = [s0, s1, s2, s3, s4, s5, amf[0], amf[1]];
        let in1 = u128::from(u64::from_be_bytes(half));
        let in1 = (in1 << 64 | in1).to_be_bytes();
        let aes = self.aes();
        let temp = encrypt(&aes, xor(*rand, &self.opc));
        let [r1, ..] = self.rotations;
        let [c1, ..] = self.xors;
        let input = xor(xor(temp, &rotate(xor(in1, &self.opc), r1)), &c1);
        let out1 = xor(encrypt(&aes, input), &self.opc);
        (part(&out1, 0), part(&out1, 8))
    }

    /// f2: RES. f5: AK.
    pub(crate) fn f2_f5(&self, rand: &Rand) -> ([u8; 8], [u8; 6]) {
        let out2 = self.out(rand, 1);
        (part(&out2, 8), part(&out2, 0))
    }

    /// f3: CK.
    pub(crate) fn f3(&self, rand: &Rand) -> [u8; 16] {
        self.out(rand, 2)
    }

    /// f4: IK.
    pub(crate) fn f4(&self, rand: &Rand) -> [u8; 16] {
        self.out(rand, 3)
    }

    /// f5*: the AK of a resynchronisation.
    pub(crate) fn f5_star(&self, rand: &Rand) -> [u8; 6] {
        part(&self.out(rand, 4), 0)
    }

    /// `OUTi = AES_K(rot(TEMP ⊕ OPc, ri) ⊕ ci) ⊕ OPc`; `index` is i − 1.
    fn out(&self, rand: &Rand, index: usize) -> [u8; 16] {
        let r = self.rotations.get(index).copied().unwrap_or_default();
        let c = self.xors.get(index).copied().unwrap_or_default();
        let aes = self.aes();
        let temp = encrypt(&aes, xor(*rand, &self.opc));
        xor(encrypt(&aes, xor(rotate(xor(temp, &self.opc), r), &c)), &self.opc)
    }

    fn aes(&self) -> Aes128 {
        Aes128::new(&self.k.into())
    }
}

fn encrypt(aes: &Aes128, block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    aes.encrypt_block(&mut block);
    block.into()
}

/// A cyclic rotation by `bits` toward the most significant bit.
fn rotate(block: [u8; 16], bits: u8) -> [u8; 16] {
    u128::from_be_bytes(block).rotate_left(u32::from(bits)).to_be_bytes()
}
