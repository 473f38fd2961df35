//! The card's side: what `AUTHENTICATE` answers (TS 33.102 §6.3.3, TS 31.102 §7.1).

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::output::{Output, part, xor};
use crate::{Algorithm, Amf, Autn, Auts, Parameters, Rand, Sqn, SqnArray};

/// AMF* of a resynchronisation (TS 33.102 §6.3.3).
pub(crate) const AMF_STAR: Amf = [0, 0];
/// AMF_RESYNCH: with it, a test card reports a synchronisation failure (TS 34.108 §8.1.2.2).
const AMF_RESYNCH: Amf = [0xFF, 0xFF];

/// How a card answers a challenge in the 3G, EPS or 5G context.
pub enum Outcome {
    /// The network is genuine and its number fresh: `DB` with RES, CK, IK and, where
    /// GSM access is in service, Kc.
    Success {
        /// RES, 4 to 16 bytes (TUAK may give 32).
        res: Output,
        /// CK.
        ck: Output,
        /// IK.
        ik: Output,
        /// Kc by conversion function c3; zeroize it after use.
        kc: [u8; 8],
    },
    /// The number is not fresh: `DC` with AUTS.
    SyncFailure {
        /// `(SQN_MS ⊕ AK*) ‖ MAC-S`.
        auts: Auts,
    },
    /// The network is not genuine: status word 9862. Nothing has changed.
    MacFailure,
}

/// Answers the challenge `rand`, `autn`. After [`Outcome::Success`] the caller stores
/// `array` before it lets the answer out, or a power failure would let the same
/// challenge be answered twice.
///
/// The XOR test algorithm takes any number, as test equipment sends them, and fails
/// to synchronise only on the AMF `FFFF` (TS 34.108 §8.1.2.2).
#[must_use]
pub fn authenticate(parameters: &Parameters, array: &mut SqnArray, rand: &Rand, autn: &Autn) -> Outcome {
    let sqn = Sqn::from_bytes(xor(part(autn, 0), &parameters.f5(rand)));
    let amf: Amf = part(autn, 6);
    let mac: [u8; 8] = part(autn, 8);
    if !bool::from(parameters.f1(rand, sqn, amf).ct_eq(&mac)) {
        return Outcome::MacFailure;
    }
    let fresh = match parameters.algorithm() {
        Algorithm::Xor => amf != AMF_RESYNCH,
        Algorithm::Milenage | Algorithm::Tuak => array.accepts(sqn),
    };
    if !fresh {
        return Outcome::SyncFailure { auts: auts(parameters, array.highest(), rand) };
    }
    array.keep(sqn);
    let (res, ck, ik) = (parameters.f2(rand), parameters.f3(rand), parameters.f4(rand));
    let kc = c3(&ck, &ik);
    Outcome::Success { res, ck, ik, kc }
}

/// How a card answers in the GSM context: `04 SRES 08 Kc`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Gsm {
    /// SRES by conversion function c2.
    pub sres: [u8; 4],
    /// Kc by conversion function c3.
    pub kc: [u8; 8],
}

/// Answers the challenge `rand` in the GSM context, by the conversion functions of
/// TS 33.102 §6.8.1.2.
#[must_use]
pub fn gsm(parameters: &Parameters, rand: &Rand) -> Gsm {
    let (res, ck, ik) = (parameters.f2(rand), parameters.f3(rand), parameters.f4(rand));
    Gsm { sres: fold(res.expose_bytes(), [0; 4]), kc: c3(&ck, &ik) }
}

/// AUTS for the card's number `sqn`.
fn auts(parameters: &Parameters, sqn: Sqn, rand: &Rand) -> Auts {
    let concealed = xor(sqn.to_bytes(), &parameters.f5_star(rand));
    let mac = parameters.f1_star(rand, sqn, AMF_STAR);
    let mut auts = [0; 14];
    auts.iter_mut().zip(concealed.iter().chain(&mac)).for_each(|(own, byte)| *own = *byte);
    auts
}

/// c3: the exclusive or of the 8-byte halves of CK and IK.
fn c3(ck: &Output, ik: &Output) -> [u8; 8] {
    fold(ik.expose_bytes(), fold(ck.expose_bytes(), [0; 8]))
}

/// Every `N` bytes of `bytes`, the last filled with zero, exclusive-ored onto `onto`.
fn fold<const N: usize>(bytes: &[u8], onto: [u8; N]) -> [u8; N] {
    bytes.chunks(N).fold(onto, |folded, chunk| xor(folded, &part(chunk, 0)))
}
