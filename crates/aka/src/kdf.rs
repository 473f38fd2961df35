//! The key derivation function, and how a network is named in what it derives from
//! (TS 33.220 §B.2, TS 24.008, TS 24.501).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::output::Output;

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

    /// Country and network code in decimal digits, such as `001` and `01`.
    #[must_use]
    pub fn codes(self) -> (String, String) {
        let [a, b, c] = self.0;
        let digits = |nibbles: &[u8]| {
            nibbles.iter().filter_map(|nibble| char::from_digit(u32::from(*nibble), 10)).collect()
        };
        // The filler `F` of a code of two digits is no digit.
        (digits(&[a & 0x0F, a >> 4, b & 0x0F]), digits(&[c & 0x0F, c >> 4, b >> 4]))
    }

    /// The name that 5G derives its keys for, `5G:mnc001.mcc001.3gppnetwork.org`: a network
    /// code of two digits gets a leading zero (TS 24.501 §9.12.1, TS 33.501 §6.1.1.4).
    #[must_use]
    pub fn serving_network_name(self) -> String {
        let (mcc, mnc) = self.codes();
        format!("5G:mnc{mnc:0>3}.mcc{mcc}.3gppnetwork.org")
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
