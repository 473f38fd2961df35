//! How a subscriber's identity is concealed in 5G (3GPP TS 33.501 Annex C), and its coding in the files of a USIM.

use core::str::FromStr;

use tlv::Tag;

use super::{Invalid, minimal};
use crate::{Fcp, File, Service};

/// By what a SUPI is concealed (3GPP TS 33.501 Annex C).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectionScheme {
    /// ECIES over Curve25519.
    ProfileA,
    /// ECIES over P-256.
    ProfileB,
}

impl ProtectionScheme {
    /// Its protection scheme identifier (TS 33.501 §C.1).
    const fn number(self) -> u8 {
        match self {
            Self::ProfileA => 1,
            Self::ProfileB => 2,
        }
    }

    /// Bytes of a public key as the USIM has it: a bare coordinate, a compressed point.
    const fn key_len(self) -> usize {
        match self {
            Self::ProfileA => 32,
            Self::ProfileB => 33,
        }
    }

    /// What an eUICC must have to conceal by it.
    const fn service(self) -> Service {
        match self {
            Self::ProfileA => Service::ProfileAX25519,
            Self::ProfileB => Service::ProfileBP256,
        }
    }
}

/// A public key of the home network, under which its subscribers' identities are concealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeNetworkKey {
    /// Home network public key identifier (TS 23.003 §2.2B).
    pub id: u8,
    /// What it is for.
    pub scheme: ProtectionScheme,
    /// 32 bytes for profile A, 33 (a compressed point) for profile B.
    pub key: Vec<u8>,
}

/// Who computes a SUCI (TS 33.501 §6.12.2): the home network's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SuciCalculation {
    /// The USIM, asked by GET IDENTITY (TS 31.102 §7.5); the keys lie in DF.SAIP, out of the terminal's reach.
    #[default]
    Usim,
    /// The terminal, by the keys in DF.5GS.
    Terminal,
}

/// How the subscriber's identity is concealed in 5G.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concealment {
    /// The home network's keys, the most wanted first; none gives the null scheme.
    pub keys: Vec<HomeNetworkKey>,
    /// Who computes the SUCI, where there are keys.
    pub calculation: SuciCalculation,
    /// Routing indicator; none is coded as `0` (TS 31.102 §4.4.11.11).
    pub routing_indicator: Option<RoutingIndicator>,
}

impl Concealment {
    /// Most keys of one profile: the list of schemes stays below 128 bytes.
    const MAX_KEYS: usize = 63;

    /// Whether the USIM computes the SUCI.
    pub(super) fn is_by_usim(&self) -> bool {
        !self.keys.is_empty() && self.calculation == SuciCalculation::Usim
    }

    /// What an eUICC must have to compute the SUCI, where it does.
    pub(super) fn services(&self) -> Vec<Service> {
        if !self.is_by_usim() {
            return Vec::new();
        }
        core::iter::once(Service::GetIdentity)
            .chain(self.keys.iter().map(|key| key.scheme.service()))
            .collect()
    }

    /// Contents of EF.SUCI_Calc_Info (TS 31.102 §4.4.11.8): the schemes in their order, each with the index
    /// of its key, counted from 1; then the keys.
    fn calculation_info(&self) -> Result<Vec<u8>, Invalid> {
        const SCHEMES: Tag = Tag(0xA0);
        const KEYS: Tag = Tag(0xA1);
        const IDENTIFIER: Tag = Tag(0x80);
        const KEY: Tag = Tag(0x81);
        /// The null scheme has no key.
        const NULL: [u8; 2] = [0, 0];
        if self.keys.len() > Self::MAX_KEYS {
            return Err(Invalid("home network keys"));
        }
        let mut schemes = Vec::new();
        let mut keys = Vec::new();
        for (key, index) in self.keys.iter().zip(1_u8..) {
            if key.key.len() != key.scheme.key_len() {
                return Err(Invalid("home network key"));
            }
            schemes.extend([key.scheme.number(), index]);
            keys.extend(tlv::encode(IDENTIFIER, &[key.id]));
            keys.extend(tlv::encode(KEY, &key.key));
        }
        if schemes.is_empty() {
            schemes.extend(NULL);
        }
        Ok([tlv::encode(SCHEMES, &schemes), tlv::encode(KEYS, &keys)].concat())
    }

    /// Contents of EF.Routing_Indicator (TS 31.102 §4.4.11.11): the digits, and two bytes for future use.
    /// `None` where the template's own say it.
    pub(super) fn routing_indicator(&self) -> Option<[u8; 4]> {
        let RoutingIndicator([first, second]) = self.routing_indicator?;
        Some([first, second, 0xFF, 0xFF])
    }
}

/// Where a home network has the subscriber's data looked for (TS 23.003 §2.2B): 1 to 4 digits.
///
/// As in TS 24.501 §9.11.3.4: the first digit in the low half, `F` behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutingIndicator([u8; 2]);

impl FromStr for RoutingIndicator {
    type Err = Invalid;

    fn from_str(digits: &str) -> Result<Self, Invalid> {
        if !(1..=4).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(Invalid("routing indicator"));
        }
        let mut halves = [0x0F; 4];
        for (half, digit) in halves.iter_mut().zip(digits.bytes()) {
            *half = digit - b'0';
        }
        Ok(Self([halves[1] << 4 | halves[0], halves[3] << 4 | halves[2]]))
    }
}

/// EF.SUCI_Calc_Info with a size of its own: the templates leave it open.
pub(super) fn calculation_info(concealment: &Concealment) -> Result<File, Invalid> {
    let content = concealment.calculation_info()?;
    let fcp = Fcp { ef_file_size: Some(minimal(content.len()).into()), ..Fcp::default() };
    Ok(File::new(Some(fcp), &content))
}
