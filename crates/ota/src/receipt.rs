//! The response packet, or proof of receipt (ETSI TS 102 225 §5.2, in short messages
//! 3GPP TS 31.115 §4.4):
//!
//! ```text
//!   UDH 02 71 00 | RPL 2 | RHL 1 | TAR 3 | CNTR 5 | PCNTR 1 | status 1 | RC/CC 0…8 | data
//!                                        └─────────────── ciphered ───────────────┘
//!   RC/CC covers all of it with the user data header, itself left out.
//! ```

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::security::Check;
use crate::{Integrity, Keys, Malformed, Spi};

/// User data header with the response packet identifier.
const HEADER: [u8; 3] = [0x02, 0x71, 0x00];
const COUNTER_LEN: usize = 5;

/// What a command packet came to (ETSI TS 102 225 §5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Status(
    /// The response status code.
    pub u8,
);

impl Status {
    /// Executed.
    pub const OK: Self = Self(0x00);
    /// RC, CC or DS is wrong.
    pub const INTEGRITY_FAILED: Self = Self(0x01);
    /// The counter was used before.
    pub const COUNTER_LOW: Self = Self(0x02);
    /// The counter left some out.
    pub const COUNTER_HIGH: Self = Self(0x03);
    /// There is no counter any more.
    pub const COUNTER_BLOCKED: Self = Self(0x04);
    /// It does not decipher.
    pub const CIPHERING_ERROR: Self = Self(0x05);
    /// A security error of another kind, such as a key that is not there.
    pub const UNIDENTIFIED_SECURITY_ERROR: Self = Self(0x06);
    /// There is no memory for it.
    pub const INSUFFICIENT_MEMORY: Self = Self(0x07);
    /// No application has this reference.
    pub const TAR_UNKNOWN: Self = Self(0x09);
    /// Less protected than the application demands.
    pub const INSUFFICIENT_SECURITY_LEVEL: Self = Self(0x0A);
}

/// The proof of receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// As in the command packet.
    pub tar: [u8; 3],
    /// As in the command packet.
    pub counter: u64,
    /// What it came to.
    pub status: Status,
    /// The additional response data.
    pub data: Vec<u8>,
}

impl Receipt {
    /// User data for a short message: protected as the command packet asked for. A protection
    /// for which there is no key is left out: the sender hears at least that.
    #[must_use]
    pub fn seal(&self, spi: Spi, [kic, kid]: [u8; 2], keys: &Keys) -> Vec<u8> {
        let check = Check::new(spi.receipt_integrity(), kid, keys).unwrap_or(Check::None);
        let cipher = keys.kic.as_ref().filter(|key| spi.receipt_is_ciphered() && key.agrees_with(kic));
        let mut data = self.data.clone();
        let mut padding = 0;
        if let Some(key) = cipher {
            let len = COUNTER_LEN + 2 + check.len() + data.len();
            padding = len.next_multiple_of(key.block_len()) - len;
            data.resize(data.len() + padding, 0);
        }
        let [.., c0, c1, c2, c3, c4] = self.counter.to_be_bytes();
        let counted = [c0, c1, c2, c3, c4, padding as u8, self.status.0];
        let rest = 1 + 3 + counted.len() + check.len() + data.len();
        let [high, low] = (rest as u16).to_be_bytes();
        let [t1, t2, t3] = self.tar;
        let head = [high, low, (3 + counted.len() + check.len()) as u8, t1, t2, t3];
        let sum = check.of(&[&HEADER[..], &head, &counted, &data].concat());
        let mut body = [&counted[..], &sum, &data].concat();
        if let Some(key) = cipher {
            // Filled up to whole blocks just now.
            let _ = key.encrypt(&mut body);
        }
        [&HEADER[..], &head, &body].concat()
    }

    /// The sender's side: reads the user data of a proof of receipt for a packet that asked for
    /// it with `spi`.
    ///
    /// # Errors
    /// When it is none, or does not bear the protection that was asked for.
    pub fn open(bytes: &[u8], spi: Spi, [kic, kid]: [u8; 2], keys: &Keys) -> Result<Self, Malformed> {
        let rest = bytes.strip_prefix(&HEADER).ok_or(Malformed("response packet identifier"))?;
        let (head, body) = rest.split_first_chunk::<6>().ok_or(Malformed("response header"))?;
        let [high, low, header_len, t1, t2, t3] = *head;
        if usize::from(u16::from_be_bytes([high, low])) != rest.len() - 2 {
            return Err(Malformed("RPL"));
        }
        let no_key = |_| Malformed("there is no key for its protection");
        let check = Check::new(spi.receipt_integrity(), kid, keys).map_err(no_key)?;
        let mut body = Zeroizing::new(body.to_vec());
        if spi.receipt_is_ciphered() {
            let key = keys.kic.as_ref().filter(|key| key.agrees_with(kic));
            if !key.is_some_and(|key| key.decrypt(&mut body)) {
                return Err(Malformed("it does not decipher"));
            }
        }
        let (counted, rest) = body.split_first_chunk::<7>().ok_or(Malformed("response header"))?;
        let (given, data) = rest.split_at_checked(check.len()).ok_or(Malformed("RC/CC"))?;
        if usize::from(header_len) != 3 + counted.len() + check.len() {
            return Err(Malformed("RHL"));
        }
        if spi.receipt_integrity() != Integrity::None {
            let covered = [&HEADER[..], head, counted, data].concat();
            if !bool::from(check.of(&covered).ct_eq(given)) {
                return Err(Malformed("RC/CC"));
            }
        }
        let [c0, c1, c2, c3, c4, padding, status] = *counted;
        let len = data.len().checked_sub(usize::from(padding)).ok_or(Malformed("PCNTR"))?;
        Ok(Self {
            tar: [t1, t2, t3],
            counter: u64::from_be_bytes([0, 0, 0, c0, c1, c2, c3, c4]),
            status: Status(status),
            data: data.get(..len).unwrap_or_default().to_vec(),
        })
    }
}
