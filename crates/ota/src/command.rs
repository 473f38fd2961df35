//! The command packet (ETSI TS 102 225 §5.1, in short messages 3GPP TS 31.115 §4.2):
//!
//! ```text
//!   CPL 2 | CHL 1 | SPI 2 | KIc 1 | KID 1 | TAR 3 | CNTR 5 | PCNTR 1 | RC/CC 0…8 | data
//!                                                 └────────── ciphered ──────────┘
//!   RC/CC covers all of it, itself left out, and what fills the data up.
//! ```

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::security::Check;
use crate::{Keys, Malformed, Spi, Status};

/// From SPI to PCNTR.
const HEADER: usize = 13;
const COUNTER_LEN: usize = 5;

/// A command packet: what can be read of it, and what is for the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandPacket {
    /// What protects it.
    pub spi: Spi,
    /// Key version in the high half, algorithm in the low one: ciphering.
    pub kic: u8,
    /// The same for integrity.
    pub kid: u8,
    /// Toolkit application reference: who it is for.
    pub tar: [u8; 3],
    header_len: u8,
    /// From CNTR on.
    body: Vec<u8>,
}

/// What was in a packet.
pub struct Opened {
    /// CNTR; 0 where there is none.
    pub counter: u64,
    /// The commands.
    pub data: Zeroizing<Vec<u8>>,
}

impl CommandPacket {
    /// Reads a packet from its length on.
    ///
    /// # Errors
    /// When the lengths do not fit: nobody can be answered then.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let [high, low, rest @ ..] = bytes else { return Err(Malformed("CPL")) };
        if usize::from(u16::from_be_bytes([*high, *low])) != rest.len() {
            return Err(Malformed("CPL"));
        }
        let [header_len, spi1, spi2, kic, kid, t1, t2, t3, body @ ..] = rest else {
            return Err(Malformed("command header"));
        };
        if usize::from(*header_len) < HEADER || body.len() < COUNTER_LEN + 1 {
            return Err(Malformed("CHL"));
        }
        Ok(Self {
            spi: Spi([*spi1, *spi2]),
            kic: *kic,
            kid: *kid,
            tar: [*t1, *t2, *t3],
            header_len: *header_len,
            body: body.to_vec(),
        })
    }

    /// The key version for ciphering, 0 for none, and for integrity.
    #[must_use]
    pub const fn versions(&self) -> [u8; 2] {
        [self.kic >> 4, self.kid >> 4]
    }

    /// Deciphers and checks the packet; its counter is the caller's to check.
    ///
    /// # Errors
    /// The status that the sender is told.
    pub fn open(&self, keys: &Keys) -> Result<Opened, Status> {
        let check = Check::new(self.spi.integrity(), self.kid, keys)?;
        if usize::from(self.header_len) != HEADER + check.len() {
            return Err(Status::UNIDENTIFIED_SECURITY_ERROR);
        }
        let mut body = Zeroizing::new(self.body.clone());
        if self.spi.is_ciphered() {
            let key = keys.kic.as_ref().filter(|key| key.agrees_with(self.kic));
            let key = key.ok_or(Status::UNIDENTIFIED_SECURITY_ERROR)?;
            if !key.decrypt(&mut body) {
                return Err(Status::CIPHERING_ERROR);
            }
        }
        let split = body.split_at_checked(COUNTER_LEN + 1);
        let (head, rest) = split.ok_or(Status::CIPHERING_ERROR)?;
        let (given, data) = rest.split_at_checked(check.len()).ok_or(Status::INTEGRITY_FAILED)?;
        let covered = [&self.head(self.body.len())[..], head, data].concat();
        if !bool::from(check.of(&covered).ct_eq(given)) {
            return Err(Status::INTEGRITY_FAILED);
        }
        let [c0, c1, c2, c3, c4, padding] = *head else { return Err(Status::CIPHERING_ERROR) };
        let data = data.len().checked_sub(usize::from(padding)).and_then(|len| data.get(..len));
        let data = data.ok_or(Status::CIPHERING_ERROR)?;
        Ok(Opened {
            counter: u64::from_be_bytes([0, 0, 0, c0, c1, c2, c3, c4]),
            data: Zeroizing::new(data.to_vec()),
        })
    }

    /// The sender's side: protects `data`; `kic` and `kid` name key version and algorithm.
    ///
    /// # Errors
    /// [`Status`] when there is no key or algorithm for what `spi` promises.
    pub fn seal(
        spi: Spi,
        [kic, kid]: [u8; 2],
        tar: [u8; 3],
        keys: &Keys,
        counter: u64,
        data: &[u8],
    ) -> Result<Vec<u8>, Status> {
        let check = Check::new(spi.integrity(), kid, keys)?;
        let mut data = Zeroizing::new(data.to_vec());
        let mut padding = 0;
        let cipher = if spi.is_ciphered() { keys.kic.as_ref() } else { None };
        if spi.is_ciphered() {
            let key = cipher.filter(|key| key.agrees_with(kic)).ok_or(Status::UNIDENTIFIED_SECURITY_ERROR)?;
            let len = COUNTER_LEN + 1 + check.len() + data.len();
            padding = len.next_multiple_of(key.block_len()) - len;
            let filled = data.len() + padding;
            data.resize(filled, 0);
        }
        let [.., c0, c1, c2, c3, c4] = counter.to_be_bytes();
        let counted = [c0, c1, c2, c3, c4, padding as u8];
        let header_len = (HEADER + check.len()) as u8;
        let body_len = counted.len() + check.len() + data.len();
        let packet = Self { spi, kic, kid, tar, header_len, body: Vec::new() };
        let head = packet.head(body_len);
        let sum = check.of(&[&head[..], &counted, &data].concat());
        let mut body = [&counted[..], &sum, &data].concat();
        if let Some(key) = cipher
            && !key.encrypt(&mut body)
        {
            return Err(Status::CIPHERING_ERROR);
        }
        Ok([&head[..], &body].concat())
    }

    /// CPL to TAR of a packet whose ciphered part has this length.
    fn head(&self, body_len: usize) -> [u8; 10] {
        let [high, low] = ((1 + HEADER - COUNTER_LEN - 1 + body_len) as u16).to_be_bytes();
        let ([spi1, spi2], [t1, t2, t3]) = (self.spi.0, self.tar);
        [high, low, self.header_len, spi1, spi2, self.kic, self.kid, t1, t2, t3]
    }
}
