//! Keys derived after the authentication (TS 33.220 §B.2; TS 33.401 and TS 33.501
//! Annex A).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Rand;
use crate::output::{Output, part};

/// A network's identity in three bytes (TS 24.008 §10.5.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plmn([u8; 3]);

impl Plmn {
    /// The network of a country code and a network code in decimal digits, such as
    /// `00101` or `001001`. `None` when it is not of five or six digits.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let digit = |at: usize| {
            digits.as_bytes().get(at).filter(|digit| digit.is_ascii_digit()).map(|digit| digit & 0x0F)
        };
        let mnc3 = match digits.len() {
            5 => 0x0F,
            6 => digit(5)?,
            _ => return None,
        };
        Some(Self([digit(1)? << 4 | digit(0)?, mnc3 << 4 | digit(2)?, digit(4)? << 4 | digit(3)?]))
    }

    /// The three bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        self.0
    }
}

/// The key derivation function of TS 33.220 §B.2: HMAC-SHA-256 over
/// `FC ‖ P0 ‖ L0 ‖ P1 ‖ L1 …`.
#[must_use]
pub fn kdf(key: &[u8], fc: u8, parameters: &[&[u8]]) -> Output {
    // HMAC takes a key of any length; there is no other error.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Output::new(&[]) };
    mac.update(&[fc]);
    for parameter in parameters {
        mac.update(parameter);
        mac.update(&u16::try_from(parameter.len()).unwrap_or(u16::MAX).to_be_bytes());
    }
    let derived: Zeroizing<[u8; 32]> = Zeroizing::new(mac.finalize().into_bytes().into());
    Output::new(&*derived)
}

/// KASME of the serving network `plmn` (TS 33.401 §A.2).
#[must_use]
pub fn kasme(ck: &Output, ik: &Output, plmn: Plmn, concealed_sqn: [u8; 6]) -> Output {
    kdf(&joined(ck, ik), 0x10, &[&plmn.to_bytes(), &concealed_sqn])
}

/// KAUSF of the serving network's name, `5G:mnc001.mcc001.3gppnetwork.org` (TS 33.501 §A.2).
#[must_use]
pub fn kausf(ck: &Output, ik: &Output, serving_network: &str, concealed_sqn: [u8; 6]) -> Output {
    kdf(&joined(ck, ik), 0x6A, &[serving_network.as_bytes(), &concealed_sqn])
}

/// RES* or XRES* (TS 33.501 §A.4).
#[must_use]
pub fn res_star(ck: &Output, ik: &Output, serving_network: &str, rand: &Rand, res: &Output) -> [u8; 16] {
    let derived = kdf(&joined(ck, ik), 0x6B, &[serving_network.as_bytes(), rand, res.expose_bytes()]);
    part(derived.expose_bytes(), 16)
}

/// KSEAF (TS 33.501 §A.6).
#[must_use]
pub fn kseaf(kausf: &Output, serving_network: &str) -> Output {
    kdf(kausf.expose_bytes(), 0x6C, &[serving_network.as_bytes()])
}

fn joined(ck: &Output, ik: &Output) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([ck.expose_bytes(), ik.expose_bytes()].concat())
}
