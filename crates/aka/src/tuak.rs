//! TUAK (TS 35.231): f1 to f5* from Keccak-f\[1600\].

use keccak::Keccak;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::output::{Output, part};
use crate::{Amf, Rand, Sqn};

/// How long a TUAK's outputs are, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TuakSizes {
    /// RES: 4, 8, 16 or 32.
    pub res: u8,
    /// CK: 16 or 32.
    pub ck: u8,
    /// IK: 16 or 32.
    pub ik: u8,
}

impl Default for TuakSizes {
    /// What EPS authentication carries: RES of 8 bytes, CK and IK of 16.
    fn default() -> Self {
        Self { res: 8, ck: 16, ik: 16 }
    }
}

/// Length of a MAC-A or MAC-S. An AUTN holds [`MacSize::Bits64`] only; the others
/// are of the standard's test data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacSize {
    /// 8 bytes.
    Bits64,
    /// 16 bytes.
    Bits128,
    /// 32 bytes.
    Bits256,
}

impl MacSize {
    const fn instance(self) -> u8 {
        match self {
            Self::Bits64 => 0x08,
            Self::Bits128 => 0x10,
            Self::Bits256 => 0x20,
        }
    }
}

/// `TOPc` of an operator's `TOP` and a K of 16 or 32 bytes (TS 35.231 §6.1).
#[must_use]
pub fn topc(k: &[u8], top: [u8; 32], iterations: u8) -> [u8; 32] {
    let tuak = Tuak::new(k, top, TuakSizes::default(), iterations);
    tuak.run(0, &[0; 16], Sqn::ZERO, [0, 0]).field(0)
}

/// One subscriber's TUAK: K, TOPc and the sizes agreed with the operator.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Tuak {
    k: [u8; 32],
    long_key: bool,
    topc: [u8; 32],
    #[zeroize(skip)]
    sizes: TuakSizes,
    iterations: u8,
}

impl Tuak {
    /// `k` has 16 or 32 bytes (others are cut or filled); `iterations` is
    /// numberOfKeccak, 0 counts as 1.
    #[must_use]
    pub fn new(k: &[u8], topc: [u8; 32], sizes: TuakSizes, iterations: u8) -> Self {
        Self { k: part(k, 0), long_key: k.len() > 16, topc, sizes, iterations: iterations.max(1) }
    }

    /// f1: MAC-A.
    #[must_use]
    pub fn f1(&self, rand: &Rand, sqn: Sqn, amf: Amf, size: MacSize) -> Output {
        self.mac(size.instance(), rand, sqn, amf, size)
    }

    /// f1*: MAC-S.
    #[must_use]
    pub fn f1_star(&self, rand: &Rand, sqn: Sqn, amf: Amf, size: MacSize) -> Output {
        self.mac(0x80 | size.instance(), rand, sqn, amf, size)
    }

    /// f2, f3, f4, f5: RES, CK, IK and AK.
    #[must_use]
    pub fn f2345(&self, rand: &Rand) -> (Output, Output, Output, [u8; 6]) {
        let TuakSizes { res, ck, ik } = self.sizes;
        let instance = 0x40
            | if res == 4 { 0 } else { res }
            | if ck == 32 { 0x04 } else { 0 }
            | if ik == 32 { 0x02 } else { 0 };
        let out = self.run(instance, rand, Sqn::ZERO, [0, 0]);
        (out.output(0, res), out.output(32, ck), out.output(64, ik), out.field(96))
    }

    /// f5*: the AK of a resynchronisation.
    #[must_use]
    pub fn f5_star(&self, rand: &Rand) -> [u8; 6] {
        self.run(0xC0, rand, Sqn::ZERO, [0, 0]).field(96)
    }

    fn mac(&self, instance: u8, rand: &Rand, sqn: Sqn, amf: Amf, size: MacSize) -> Output {
        self.run(instance, rand, sqn, amf).output(0, size.instance())
    }

    /// Fills the state (TS 35.231 §7.1: every field with its bytes reversed) and
    /// permutes it.
    fn run(&self, instance: u8, rand: &Rand, sqn: Sqn, amf: Amf) -> State {
        let mut state = State([0; 200]);
        state.put(0, &self.topc);
        state.put(32, &[instance | u8::from(self.long_key)]);
        state.put(33, b"TUAK1.0");
        state.put(40, rand);
        state.put(56, &amf);
        state.put(58, &sqn.to_bytes());
        if self.long_key {
            state.put(64, &self.k);
        } else {
            state.put(64, &part::<16>(&self.k, 0));
        }
        state.put(96, &[0x1F]);
        state.put(135, &[0x80]);
        for _ in 0..self.iterations {
            state.permute();
        }
        state
    }
}

/// The 1600 bits, as bytes of little-endian lanes.
#[derive(Zeroize, ZeroizeOnDrop)]
struct State([u8; 200]);

impl State {
    fn put(&mut self, at: usize, field: &[u8]) {
        self.0.iter_mut().skip(at).zip(field.iter().rev()).for_each(|(own, byte)| *own = *byte);
    }

    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field = part(&self.0, at);
        field.reverse();
        field
    }

    fn output(&self, at: usize, len: u8) -> Output {
        let mut field: [u8; 32] = part(&self.0, at);
        let len = usize::from(len).min(field.len());
        let output = field.get_mut(..len).map_or_else(
            || Output::new(&[]),
            |used| {
                used.reverse();
                Output::new(used)
            },
        );
        field.zeroize();
        output
    }

    fn permute(&mut self) {
        let mut lanes = [0_u64; 25];
        for (lane, bytes) in lanes.iter_mut().zip(self.0.chunks_exact(8)) {
            *lane = u64::from_le_bytes(part(bytes, 0));
        }
        Keccak::new().with_f1600(|f| f(&mut lanes));
        for (lane, bytes) in lanes.iter().zip(self.0.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&lane.to_le_bytes());
        }
        lanes.zeroize();
    }
}

#[cfg(test)]
mod tests;
