//! One subscriber's secrets and the functions f1 to f5* over them.

use crate::milenage::{Milenage, ROTATIONS, XORS};
use crate::output::Output;
use crate::tuak::{MacSize, Tuak, TuakSizes};
use crate::xor::Xor;
use crate::{Amf, Rand, Sqn};

/// An authentication algorithm, numbered as a profile package does (`algorithmID`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// MILENAGE, TS 35.206.
    Milenage = 1,
    /// TUAK, TS 35.231.
    Tuak = 2,
    /// The XOR test algorithm, TS 34.108 §8.1.2.
    Xor = 3,
}

impl TryFrom<u8> for Algorithm {
    type Error = InvalidParameters;

    fn try_from(id: u8) -> Result<Self, InvalidParameters> {
        match id {
            1 => Ok(Self::Milenage),
            2 => Ok(Self::Tuak),
            3 => Ok(Self::Xor),
            _ => Err(InvalidParameters("an algorithm that is neither MILENAGE, TUAK nor the test algorithm")),
        }
    }
}

/// Parameters that no algorithm can run with, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidParameters(pub &'static str);

impl core::fmt::Display for InvalidParameters {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for InvalidParameters {}

/// What card and home network share: the algorithm, K, OPc or TOPc, and the
/// algorithm's constants. Zeroized on drop; nothing reads it but the functions.
#[derive(Clone)]
pub struct Parameters(Kind);

#[derive(Clone)]
enum Kind {
    Milenage(Milenage),
    Tuak(Tuak),
    Xor(Xor),
}

impl Parameters {
    /// MILENAGE with the constants of TS 35.206.
    #[must_use]
    pub fn milenage(k: [u8; 16], opc: [u8; 16]) -> Self {
        Self::milenage_with(k, opc, ROTATIONS, XORS)
    }

    /// MILENAGE with an operator's own constants: r1 to r5 in bits and c1 to c5, as
    /// a profile package's `rotationConstants` and `xoringConstants` give them.
    #[must_use]
    pub fn milenage_with(k: [u8; 16], opc: [u8; 16], rotations: [u8; 5], xors: [[u8; 16]; 5]) -> Self {
        Self(Kind::Milenage(Milenage { k, opc, rotations, xors }))
    }

    /// TUAK; `iterations` is `numberOfKeccak`.
    ///
    /// # Errors
    /// A key that is not of 16 or 32 bytes, a size that TS 35.231 does not know, or
    /// no iteration at all.
    pub fn tuak(
        k: &[u8],
        topc: [u8; 32],
        sizes: TuakSizes,
        iterations: u8,
    ) -> Result<Self, InvalidParameters> {
        if !matches!(k.len(), 16 | 32) {
            return Err(InvalidParameters("a TUAK key has 16 or 32 bytes"));
        }
        if !matches!(sizes.res, 4 | 8 | 16 | 32)
            || !matches!(sizes.ck, 16 | 32)
            || !matches!(sizes.ik, 16 | 32)
        {
            return Err(InvalidParameters("TUAK knows a RES of 4, 8, 16 or 32 and keys of 16 or 32 bytes"));
        }
        if iterations == 0 {
            return Err(InvalidParameters("TUAK runs Keccak at least once"));
        }
        Ok(Self(Kind::Tuak(Tuak::new(k, topc, sizes, iterations))))
    }

    /// The XOR test algorithm with a RES of `res` bytes.
    ///
    /// # Errors
    /// A RES that is not of 4 to 16 bytes.
    pub fn xor(k: [u8; 16], res: u8) -> Result<Self, InvalidParameters> {
        if !(4..=16).contains(&res) {
            return Err(InvalidParameters("the test algorithm's RES has 4 to 16 bytes"));
        }
        Ok(Self(Kind::Xor(Xor { k, res })))
    }

    /// Which algorithm these are for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Kind::Milenage(_) => Algorithm::Milenage,
            Kind::Tuak(_) => Algorithm::Tuak,
            Kind::Xor(_) => Algorithm::Xor,
        }
    }

    /// f1: MAC-A, which proves the network to the card.
    #[must_use]
    pub fn f1(&self, rand: &Rand, sqn: Sqn, amf: Amf) -> [u8; 8] {
        match &self.0 {
            Kind::Milenage(milenage) => milenage.f1(rand, sqn, amf).0,
            Kind::Tuak(tuak) => mac(&tuak.f1(rand, sqn, amf, MacSize::Bits64)),
            Kind::Xor(xor) => xor.f1(rand, sqn, amf),
        }
    }

    /// f1*: MAC-S, which proves the card's sequence number to the network.
    #[must_use]
    pub fn f1_star(&self, rand: &Rand, sqn: Sqn, amf: Amf) -> [u8; 8] {
        match &self.0 {
            Kind::Milenage(milenage) => milenage.f1(rand, sqn, amf).1,
            Kind::Tuak(tuak) => mac(&tuak.f1_star(rand, sqn, amf, MacSize::Bits64)),
            Kind::Xor(xor) => xor.f1(rand, sqn, amf),
        }
    }

    /// f2: RES, which proves the card to the network.
    #[must_use]
    pub fn f2(&self, rand: &Rand) -> Output {
        match &self.0 {
            Kind::Milenage(milenage) => Output::new(&milenage.f2_f5(rand).0),
            Kind::Tuak(tuak) => tuak.f2345(rand).0,
            Kind::Xor(xor) => xor.f2(rand),
        }
    }

    /// f3: the cipher key CK.
    #[must_use]
    pub fn f3(&self, rand: &Rand) -> Output {
        match &self.0 {
            Kind::Milenage(milenage) => Output::new(&milenage.f3(rand)),
            Kind::Tuak(tuak) => tuak.f2345(rand).1,
            Kind::Xor(xor) => Output::new(&xor.f3(rand)),
        }
    }

    /// f4: the integrity key IK.
    #[must_use]
    pub fn f4(&self, rand: &Rand) -> Output {
        match &self.0 {
            Kind::Milenage(milenage) => Output::new(&milenage.f4(rand)),
            Kind::Tuak(tuak) => tuak.f2345(rand).2,
            Kind::Xor(xor) => Output::new(&xor.f4(rand)),
        }
    }

    /// f5: the anonymity key AK, which hides SQN in an AUTN.
    #[must_use]
    pub fn f5(&self, rand: &Rand) -> [u8; 6] {
        match &self.0 {
            Kind::Milenage(milenage) => milenage.f2_f5(rand).1,
            Kind::Tuak(tuak) => tuak.f2345(rand).3,
            Kind::Xor(xor) => xor.f5(rand),
        }
    }

    /// f5*: the anonymity key of a resynchronisation.
    #[must_use]
    pub fn f5_star(&self, rand: &Rand) -> [u8; 6] {
        match &self.0 {
            Kind::Milenage(milenage) => milenage.f5_star(rand),
            Kind::Tuak(tuak) => tuak.f5_star(rand),
            Kind::Xor(xor) => xor.f5(rand),
        }
    }
}

fn mac(output: &Output) -> [u8; 8] {
    crate::output::part(output.expose_bytes(), 0)
}
