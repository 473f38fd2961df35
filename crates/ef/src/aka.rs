//! The answer to AUTHENTICATE (3GPP TS 31.102 §7.1.2.1).

use apdu::StatusWord;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What a card answers to a challenge in the 3G context.
#[derive(PartialEq, Eq)]
pub enum AkaAnswer {
    /// The card knows the network.
    Success {
        /// RES, 4 to 16 bytes.
        res: Vec<u8>,
        /// CK, IK and Kc, where they came with it.
        keys: Option<SessionKeys>,
    },
    /// AUTS, 14 bytes: the network's sequence number is not acceptable.
    Synchronisation(Vec<u8>),
    /// The network does not know this card's key.
    MacFailure,
    /// The card could not do it, or answered something else.
    Failed(StatusWord),
}

/// CK, IK and, with service 27, Kc.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SessionKeys {
    ck: Vec<u8>,
    ik: Vec<u8>,
    kc: Vec<u8>,
}

impl SessionKeys {
    /// The cipher key, 16 bytes.
    #[must_use]
    pub fn expose_ck(&self) -> &[u8] {
        &self.ck
    }

    /// The integrity key, 16 bytes.
    #[must_use]
    pub fn expose_ik(&self) -> &[u8] {
        &self.ik
    }

    /// The GSM cipher key, 8 bytes, where there is one.
    #[must_use]
    pub fn expose_kc(&self) -> Option<&[u8]> {
        (!self.kc.is_empty()).then_some(&self.kc[..])
    }
}

/// RES is what the network waits for; no keys.
impl core::fmt::Debug for AkaAnswer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Success { res, keys } => {
                let keys = keys.as_ref().map_or("no keys", |_| "keys");
                f.debug_struct("Success").field("res", res).field("keys", &keys).finish()
            }
            Self::Synchronisation(auts) => f.debug_tuple("Synchronisation").field(auts).finish(),
            Self::MacFailure => f.write_str("MacFailure"),
            Self::Failed(sw) => f.debug_tuple("Failed").field(sw).finish(),
        }
    }
}

/// Reads the response to AUTHENTICATE, 3G context: `DB L RES L CK L IK [L Kc]` or
/// `DC 0E AUTS`.
#[must_use]
pub fn aka_answer(data: &[u8], sw: StatusWord) -> AkaAnswer {
    const SUCCESS: u8 = 0xDB;
    const SYNCHRONISATION: u8 = 0xDC;
    if sw == StatusWord::INCORRECT_MAC {
        return AkaAnswer::MacFailure;
    }
    let Some((tag, mut rest)) = data.split_first().filter(|_| sw.is_success()) else {
        return AkaAnswer::Failed(sw);
    };
    let mut next = || {
        let (len, after) = rest.split_first()?;
        let (value, after) = after.split_at_checked(usize::from(*len))?;
        rest = after;
        Some(value)
    };
    match (*tag, next()) {
        (SUCCESS, Some(res)) => {
            let keys = match (next(), next(), next()) {
                (Some(ck), Some(ik), kc) if ck.len() == 16 && ik.len() == 16 => Some(SessionKeys {
                    ck: ck.to_vec(),
                    ik: ik.to_vec(),
                    kc: kc.filter(|kc| kc.len() == 8).unwrap_or_default().to_vec(),
                }),
                _ => None,
            };
            AkaAnswer::Success { res: res.to_vec(), keys }
        }
        (SYNCHRONISATION, Some(auts)) => AkaAnswer::Synchronisation(auts.to_vec()),
        _ => AkaAnswer::Failed(sw),
    }
}
