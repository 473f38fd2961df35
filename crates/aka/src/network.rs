//! The home network's side: authentication vectors and resynchronisation
//! (TS 33.102 §6.3.2 and §6.3.5).

use subtle::ConstantTimeEq;

use crate::card::AMF_STAR;
use crate::output::{Output, part, xor};
use crate::{Amf, Autn, Auts, Parameters, Plmn, Rand, Sqn, SqnRules, kasme, kausf, res_star};

/// An AUTS that the subscriber's card did not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacFailure;

impl core::fmt::Display for MacFailure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MAC-S is not of the subscriber's card")
    }
}

impl core::error::Error for MacFailure {}

/// One authentication vector. RAND and AUTN go to the terminal, the rest stays.
pub struct Vector {
    /// The challenge.
    pub rand: Rand,
    /// The network's proof.
    pub autn: Autn,
    /// The answer expected.
    pub xres: Output,
    /// CK.
    pub ck: Output,
    /// IK.
    pub ik: Output,
}

impl Vector {
    /// Whether `res` is the answer expected; compared in constant time.
    #[must_use]
    pub fn accepts(&self, res: &[u8]) -> bool {
        self.xres.expose_bytes().ct_eq(res).into()
    }

    /// `SQN ⊕ AK`, as AUTN carries it.
    #[must_use]
    pub fn concealed_sqn(&self) -> [u8; 6] {
        part(&self.autn, 0)
    }

    /// KASME for the serving network `plmn` (TS 33.401 §A.2).
    #[must_use]
    pub fn kasme(&self, plmn: Plmn) -> Output {
        kasme(&self.ck, &self.ik, plmn, self.concealed_sqn())
    }

    /// KAUSF for the serving network of this name (TS 33.501 §A.2).
    #[must_use]
    pub fn kausf(&self, serving_network: &str) -> Output {
        kausf(&self.ck, &self.ik, serving_network, self.concealed_sqn())
    }

    /// XRES* for the serving network of this name (TS 33.501 §A.4).
    #[must_use]
    pub fn xres_star(&self, serving_network: &str) -> [u8; 16] {
        res_star(&self.ck, &self.ik, serving_network, &self.rand, &self.xres)
    }
}

/// The vector for `sqn`, which must not have been used before, and a random `rand`.
/// EPS and 5G want `amf` with its first bit set (TS 33.401 §6.1.1).
#[must_use]
pub fn vector(parameters: &Parameters, sqn: Sqn, amf: Amf, rand: Rand) -> Vector {
    let concealed = xor(sqn.to_bytes(), &parameters.f5(&rand));
    let mac = parameters.f1(&rand, sqn, amf);
    let mut autn = [0; 16];
    let parts = concealed.iter().chain(&amf).chain(&mac);
    autn.iter_mut().zip(parts).for_each(|(own, byte)| *own = *byte);
    Vector { rand, autn, xres: parameters.f2(&rand), ck: parameters.f3(&rand), ik: parameters.f4(&rand) }
}

/// The card's highest number out of `auts`, its answer to the challenge `rand`. The
/// network goes on with the [`Sqn::next`] of it.
///
/// # Errors
/// The AUTS is not of this subscriber's card and this challenge.
pub fn resynchronise(parameters: &Parameters, rand: &Rand, auts: &Auts) -> Result<Sqn, MacFailure> {
    let sqn = Sqn::from_bytes(xor(part(auts, 0), &parameters.f5_star(rand)));
    let mac: [u8; 8] = part(auts, 6);
    if bool::from(parameters.f1_star(rand, sqn, AMF_STAR).ct_eq(&mac)) { Ok(sqn) } else { Err(MacFailure) }
}

/// The number that the home network, at `own`, goes on from after a synchronisation failure:
/// the procedure of TS 33.102 §6.3.5. Where the next number would be accepted by the card that
/// says `auts`, nothing is wrong and nothing changes; otherwise the AUTS must be the card's, and
/// its number is taken over. `rules` are the card's, as far as the network knows them.
///
/// # Errors
/// The number would have to change, and the AUTS is not of this subscriber's card and this
/// challenge.
pub fn resynchronised(
    parameters: &Parameters,
    rand: &Rand,
    auts: &Auts,
    own: Sqn,
    rules: SqnRules,
) -> Result<Sqn, MacFailure> {
    let card = Sqn::from_bytes(xor(part(auts, 0), &parameters.f5_star(rand)));
    let in_range = own.next().is_some_and(|next| {
        let ahead = next.seq().checked_sub(card.seq());
        ahead.is_some_and(|ahead| ahead > 0 && rules.delta.is_none_or(|delta| ahead <= delta))
    });
    if in_range { Ok(own) } else { resynchronise(parameters, rand, auts) }
}
