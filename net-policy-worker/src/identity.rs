//! By what a terminal says who it is: its subscriber's IMSI, a temporary identity, or the
//! concealed one of 5G (TS 23.003 §2.2B, §2.8 and §2.10).

use std::fmt;
use std::str::FromStr;

use aka::Plmn;
use rsp::Imsi;
use serde::{Deserialize, Serialize};

/// A globally unique temporary identity: that of EPS, and in the same bytes that of 5G it is
/// mapped to (TS 23.003 §2.10.2.1).
///
/// ```text
///  EPS  PLMN (3)   MME group id (2)                        MME code (1)     M-TMSI (4)
///  5G   PLMN (3)   AMF region id (8 bits)  set id (10)     pointer (6)      5G-TMSI (4)
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guti([u8; 10]);

/// The MME group and code, or AMF region, set and pointer: this network has one of each.
/// The first bit of an MME group id is set (TS 23.003 §2.8.2.1).
const MME: [u8; 3] = [0x80, 0x01, 0x01];

impl Guti {
    /// The identity `tmsi` in the network `plmn`.
    #[must_use]
    pub fn new(plmn: Plmn, tmsi: [u8; 4]) -> Self {
        let mut guti = [0; 10];
        let parts = plmn.to_bytes().into_iter().chain(MME).chain(tmsi);
        guti.iter_mut().zip(parts).for_each(|(own, byte)| *own = byte);
        Self(guti)
    }

    /// The M-TMSI or 5G-TMSI: what a shard of the index knows it by.
    #[must_use]
    pub const fn tmsi(self) -> [u8; 4] {
        let [.., a, b, c, d] = self.0;
        [a, b, c, d]
    }
}

/// 20 hexadecimal digits: the mobile identity of NAS behind its first byte.
impl FromStr for Guti {
    type Err = InvalidGuti;

    fn from_str(text: &str) -> Result<Self, InvalidGuti> {
        let mut guti = [0; 10];
        hex::decode_to_slice(text, &mut guti).map_err(|_| InvalidGuti)?;
        Ok(Self(guti))
    }
}

impl fmt::Display for Guti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Guti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Guti {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guti {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no GUTI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidGuti;

impl fmt::Display for InvalidGuti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a GUTI is 10 bytes in hex")
    }
}

impl std::error::Error for InvalidGuti {}

/// Who wants to attach, as far as its owner has to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A subscriber's permanent identity, sent as it is or revealed.
    Imsi(Imsi),
    /// A temporary one, which is its owner's only as long as the owner says so.
    Guti(Guti),
}

impl Serialize for Identity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Imsi(imsi) => serializer.collect_str(&format_args!("imsi-{imsi}")),
            Self::Guti(guti) => serializer.collect_str(&format_args!("guti-{guti}")),
        }
    }
}

impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = match text.split_once('-') {
            Some(("imsi", imsi)) => imsi.parse().ok().map(Self::Imsi),
            Some(("guti", guti)) => guti.parse().ok().map(Self::Guti),
            _ => None,
        };
        read.ok_or_else(|| serde::de::Error::custom("neither IMSI nor GUTI"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TS 23.003 §2.8.1: PLMN, MME group id, MME code, M-TMSI, in this order.
    #[test]
    fn a_guti_is_laid_out_as_in_nas() {
        let guti = Guti::new(Plmn::parse("00101").unwrap(), [0xC0, 0xFF, 0xEE, 0x01]);
        assert_eq!(guti.to_string(), "00f110800101c0ffee01");
        assert_eq!("00F110800101C0FFEE01".parse(), Ok(guti));
        assert_eq!(guti.tmsi(), [0xC0, 0xFF, 0xEE, 0x01]);
        for broken in ["", "00f110800101c0ffee0", "00f110800101c0ffee0101", "00f110800101c0ffeexx"] {
            assert_eq!(broken.parse::<Guti>(), Err(InvalidGuti), "{broken}");
        }
    }
}
