//! What protects a packet: the security parameter indication, keys and algorithms
//! (ETSI TS 102 225 §5.1).

use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use cmac::{Cmac, Mac};
use des::{Des, TdesEde2, TdesEde3};
use zeroize::{Zeroize, Zeroizing};

use crate::Status;

/// The security parameter indication: what protects the command packet and what shall
/// protect its receipt (ETSI TS 102 225 §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spi(
    /// As it is sent.
    pub [u8; 2],
);

/// How a packet is kept from being changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Integrity {
    /// Not at all.
    None,
    /// By a redundancy check, which keeps nobody from it.
    Redundancy,
    /// By a cryptographic checksum.
    Checksum,
    /// By a digital signature; nobody uses it.
    Signature,
}

impl Integrity {
    const fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::None,
            1 => Self::Redundancy,
            2 => Self::Checksum,
            _ => Self::Signature,
        }
    }
}

/// What is asked of a packet's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// There is none.
    None,
    /// It is there and is not looked at.
    Unchecked,
    /// It is higher than the last one.
    Higher,
    /// It is the last one and one.
    Next,
}

impl Counter {
    /// The highest counter there is: five bytes.
    pub const LAST: u64 = 0xFF_FFFF_FFFF;

    /// Whether a packet with the counter `received` may be executed after one with `last`.
    ///
    /// # Errors
    /// [`Status::COUNTER_LOW`], [`Status::COUNTER_HIGH`], or [`Status::COUNTER_BLOCKED`] once
    /// the highest was used.
    pub const fn check(self, last: u64, received: u64) -> Result<(), Status> {
        match self {
            Self::None | Self::Unchecked => Ok(()),
            _ if last >= Self::LAST => Err(Status::COUNTER_BLOCKED),
            _ if received <= last => Err(Status::COUNTER_LOW),
            Self::Next if received > last + 1 => Err(Status::COUNTER_HIGH),
            Self::Higher | Self::Next => Ok(()),
        }
    }

    /// Whether the counter of an executed packet is remembered.
    #[must_use]
    pub const fn is_checked(self) -> bool {
        matches!(self, Self::Higher | Self::Next)
    }
}

impl Spi {
    const CIPHERED: u8 = 0x04;

    /// Of the command packet.
    #[must_use]
    pub const fn integrity(self) -> Integrity {
        Integrity::from_bits(self.0[0])
    }

    /// Whether the command packet is ciphered.
    #[must_use]
    pub const fn is_ciphered(self) -> bool {
        self.0[0] & Self::CIPHERED != 0
    }

    /// What is asked of the counter.
    #[must_use]
    pub const fn counter(self) -> Counter {
        match self.0[0] >> 3 & 0x03 {
            0 => Counter::None,
            1 => Counter::Unchecked,
            2 => Counter::Higher,
            _ => Counter::Next,
        }
    }

    /// Whether a receipt is asked for when the packet came to this.
    #[must_use]
    pub const fn wants_receipt(self, status: Status) -> bool {
        match self.0[1] & 0x03 {
            0x01 => true,
            0x02 => status.0 != Status::OK.0,
            _ => false,
        }
    }

    /// Of the receipt.
    #[must_use]
    pub const fn receipt_integrity(self) -> Integrity {
        Integrity::from_bits(self.0[1] >> 2)
    }

    /// Whether the receipt is ciphered.
    #[must_use]
    pub const fn receipt_is_ciphered(self) -> bool {
        self.0[1] & 0x10 != 0
    }

    /// Whether the receipt comes as a short message of its own (SMS-SUBMIT); otherwise in the
    /// answer to the delivery (SMS-DELIVER-REPORT).
    #[must_use]
    pub const fn receipt_is_submitted(self) -> bool {
        self.0[1] & 0x20 != 0
    }

    /// Whether a packet so protected satisfies a minimum security level, which is coded as the
    /// first byte (ETSI TS 102 226 §8.2.1.3.2.4).
    #[must_use]
    pub fn satisfies(self, minimum: u8) -> bool {
        let least = Self([minimum, 0]);
        self.integrity() >= least.integrity()
            && self.counter() >= least.counter()
            && (self.is_ciphered() || !least.is_ciphered())
    }
}

/// The algorithm that a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Des,
    TripleDes2,
    TripleDes3,
    Aes128,
    Aes192,
    Aes256,
}

/// One key of a keyset. Not `Debug`: it is a secret.
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    bytes: Zeroizing<Vec<u8>>,
    mac_len: usize,
}

/// The keys of one key version.
#[derive(Clone, Default)]
pub struct Keys {
    /// KIc: ciphering.
    pub kic: Option<Key>,
    /// KID: integrity.
    pub kid: Option<Key>,
}

impl Key {
    /// GlobalPlatform key type DES (Card Specification §11.1.8).
    pub const TYPE_DES: u8 = 0x80;
    /// GlobalPlatform key type AES.
    pub const TYPE_AES: u8 = 0x88;

    /// A key of a GlobalPlatform key type; `mac_len`: bytes of a checksum with it, 4 or 8 for
    /// AES and always 8 for DES. `None` for another type, or a length that it does not have.
    #[must_use]
    pub fn new(key_type: u8, bytes: &[u8], mac_len: usize) -> Option<Self> {
        let algorithm = match (key_type, bytes.len()) {
            (Self::TYPE_DES, 8) => Algorithm::Des,
            (Self::TYPE_DES, 16) => Algorithm::TripleDes2,
            (Self::TYPE_DES, 24) => Algorithm::TripleDes3,
            (Self::TYPE_AES, 16) => Algorithm::Aes128,
            (Self::TYPE_AES, 24) => Algorithm::Aes192,
            (Self::TYPE_AES, 32) => Algorithm::Aes256,
            _ => return None,
        };
        let mac_len = match (key_type, mac_len) {
            (Self::TYPE_DES, _) => 8,
            (_, 4 | 8) => mac_len,
            _ => return None,
        };
        Some(Self { algorithm, bytes: Zeroizing::new(bytes.to_vec()), mac_len })
    }

    /// Whether KIc or KID names the algorithm of this key, or leaves it to the key
    /// (ETSI TS 102 225 §5.1.2, §5.1.3).
    #[must_use]
    pub const fn agrees_with(&self, indicator: u8) -> bool {
        matches!(
            (indicator & 0x0F, self.algorithm),
            (0x00, _)
                | (0x01, Algorithm::Des)
                | (0x05, Algorithm::TripleDes2)
                | (0x09, Algorithm::TripleDes3)
                | (0x02, Algorithm::Aes128 | Algorithm::Aes192 | Algorithm::Aes256)
        )
    }

    /// Bytes of a checksum.
    #[must_use]
    pub const fn mac_len(&self) -> usize {
        self.mac_len
    }

    /// Bytes of a block.
    #[must_use]
    pub const fn block_len(&self) -> usize {
        match self.algorithm {
            Algorithm::Des | Algorithm::TripleDes2 | Algorithm::TripleDes3 => 8,
            Algorithm::Aes128 | Algorithm::Aes192 | Algorithm::Aes256 => 16,
        }
    }

    /// CBC from a vector of zeros, in place; false for a partial block.
    #[must_use]
    pub(crate) fn encrypt(&self, data: &mut [u8]) -> bool {
        let key = &self.bytes;
        match self.algorithm {
            Algorithm::Des => encrypt::<cbc::Encryptor<Des>>(key, data),
            Algorithm::TripleDes2 => encrypt::<cbc::Encryptor<TdesEde2>>(key, data),
            Algorithm::TripleDes3 => encrypt::<cbc::Encryptor<TdesEde3>>(key, data),
            Algorithm::Aes128 => encrypt::<cbc::Encryptor<Aes128>>(key, data),
            Algorithm::Aes192 => encrypt::<cbc::Encryptor<Aes192>>(key, data),
            Algorithm::Aes256 => encrypt::<cbc::Encryptor<Aes256>>(key, data),
        }
    }

    /// The inverse of [`Self::encrypt`].
    #[must_use]
    pub(crate) fn decrypt(&self, data: &mut [u8]) -> bool {
        let key = &self.bytes;
        match self.algorithm {
            Algorithm::Des => decrypt::<cbc::Decryptor<Des>>(key, data),
            Algorithm::TripleDes2 => decrypt::<cbc::Decryptor<TdesEde2>>(key, data),
            Algorithm::TripleDes3 => decrypt::<cbc::Decryptor<TdesEde3>>(key, data),
            Algorithm::Aes128 => decrypt::<cbc::Decryptor<Aes128>>(key, data),
            Algorithm::Aes192 => decrypt::<cbc::Decryptor<Aes192>>(key, data),
            Algorithm::Aes256 => decrypt::<cbc::Decryptor<Aes256>>(key, data),
        }
    }

    /// The checksum: the last block of CBC over data filled up with zeros for DES, CMAC cut off
    /// at the right for AES.
    pub(crate) fn mac(&self, data: &[u8]) -> Vec<u8> {
        let mut mac = match self.algorithm {
            Algorithm::Aes128 => cmac::<Cmac<Aes128>>(&self.bytes, data),
            Algorithm::Aes192 => cmac::<Cmac<Aes192>>(&self.bytes, data),
            Algorithm::Aes256 => cmac::<Cmac<Aes256>>(&self.bytes, data),
            Algorithm::Des | Algorithm::TripleDes2 | Algorithm::TripleDes3 => {
                let mut blocks = data.to_vec();
                blocks.resize(data.len().next_multiple_of(8).max(8), 0);
                // Whole blocks always encrypt.
                let _ = self.encrypt(&mut blocks);
                let last = blocks.split_off(blocks.len() - 8);
                blocks.zeroize();
                last
            }
        };
        mac.truncate(self.mac_len);
        mac
    }
}

fn encrypt<M: BlockModeEncrypt + KeyIvInit>(key: &[u8], data: &mut [u8]) -> bool {
    let Ok(mut mode) = M::new_from_slices(key, &vec![0; M::block_size()]) else { return false };
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    mode.encrypt_blocks(blocks);
    rest.is_empty()
}

fn decrypt<M: BlockModeDecrypt + KeyIvInit>(key: &[u8], data: &mut [u8]) -> bool {
    let Ok(mut mode) = M::new_from_slices(key, &vec![0; M::block_size()]) else { return false };
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    mode.decrypt_blocks(blocks);
    rest.is_empty()
}

fn cmac<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
    match <M as KeyInit>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(data);
            mac.finalize().into_bytes().to_vec()
        }
        // The length of a key was checked when it was made.
        Err(_) => Vec::new(),
    }
}

/// How the bytes in `RC/CC/DS` are made.
pub(crate) enum Check<'k> {
    None,
    Crc16,
    Crc32,
    Mac(&'k Key),
}

impl<'k> Check<'k> {
    /// What an integrity level and KID come to.
    ///
    /// # Errors
    /// [`Status::UNIDENTIFIED_SECURITY_ERROR`] when there is no such key or algorithm.
    pub(crate) fn new(integrity: Integrity, indicator: u8, keys: &'k Keys) -> Result<Self, Status> {
        let unknown = Status::UNIDENTIFIED_SECURITY_ERROR;
        match integrity {
            Integrity::None => Ok(Self::None),
            Integrity::Redundancy => match indicator & 0x0F {
                0x01 => Ok(Self::Crc16),
                0x05 => Ok(Self::Crc32),
                _ => Err(unknown),
            },
            Integrity::Checksum => match &keys.kid {
                Some(key) if key.agrees_with(indicator) => Ok(Self::Mac(key)),
                _ => Err(unknown),
            },
            Integrity::Signature => Err(unknown),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Crc16 => 2,
            Self::Crc32 => 4,
            Self::Mac(key) => key.mac_len(),
        }
    }

    pub(crate) fn of(&self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Crc16 => crc16(data).to_be_bytes().to_vec(),
            Self::Crc32 => crc32fast::hash(data).to_be_bytes().to_vec(),
            Self::Mac(key) => key.mac(data),
        }
    }
}

/// CRC 16 of ISO/IEC 13239: x¹⁶ + x¹² + x⁵ + 1, bits turned round, ones in and out.
fn crc16(data: &[u8]) -> u16 {
    !data.iter().fold(0xFFFF, |crc: u16, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0x8408 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The check value of CRC-16/IBM-SDLC (ISO/IEC 13239) over "123456789".
    #[test]
    fn crc_16_has_its_published_check_value() {
        assert_eq!(crc16(b"123456789"), 0x906E);
    }

    /// RFC 4493 §4, cut to eight bytes; NIST SP 800-38B D.2 and D.3 for the longer keys.
    #[test]
    fn aes_checksums_are_cmac_cut_short() {
        let message = vectors::bytes("6bc1bee22e409f96e93d7e117393172a");
        for (key, full) in [
            ("2b7e151628aed2a6abf7158809cf4f3c", "070a16b46b4d4144f79bdd9dd04a287c"),
            ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "9e99a7bf31e710900662f65e617c5184"),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "28a7023f452e8f82bd4bf28d8c37c35c",
            ),
        ] {
            for len in [4, 8] {
                let key = Key::new(Key::TYPE_AES, &vectors::bytes(key), len).unwrap();
                assert_eq!(key.mac(&message), vectors::bytes(full)[..len]);
            }
        }
    }

    #[test]
    fn keys_have_their_lengths() {
        for (kind, len, mac, there) in [
            (0x80, 8, 8, true),
            (0x80, 16, 4, true),
            (0x80, 24, 8, true),
            (0x80, 32, 8, false),
            (0x88, 16, 4, true),
            (0x88, 16, 5, false),
            (0x88, 8, 8, false),
            (0x85, 16, 8, false),
        ] {
            assert_eq!(Key::new(kind, &vec![1; len], mac).is_some(), there, "{kind:02X} {len} {mac}");
        }
    }

    #[test]
    fn counters_are_checked_as_asked() {
        use Status as S;
        for (rule, last, received, expected) in [
            (Counter::None, 5, 0, Ok(())),
            (Counter::Unchecked, 5, 5, Ok(())),
            (Counter::Higher, 5, 5, Err(S::COUNTER_LOW)),
            (Counter::Higher, 5, 4, Err(S::COUNTER_LOW)),
            (Counter::Higher, 5, 900, Ok(())),
            (Counter::Next, 5, 6, Ok(())),
            (Counter::Next, 5, 7, Err(S::COUNTER_HIGH)),
            (Counter::Next, 5, 5, Err(S::COUNTER_LOW)),
            (Counter::Higher, Counter::LAST, Counter::LAST, Err(S::COUNTER_BLOCKED)),
        ] {
            assert_eq!(rule.check(last, received), expected, "{rule:?} {last} {received}");
        }
    }

    #[test]
    fn a_minimum_is_a_minimum_of_each_part() {
        for (spi, minimum, satisfied) in [
            (0x00, 0x00, true),
            (0x00, 0x02, false),
            (0x02, 0x02, true),
            (0x01, 0x02, false),
            (0x16, 0x12, true),
            (0x12, 0x16, false),
            (0x06, 0x16, false),
            (0x1E, 0x16, true),
        ] {
            assert_eq!(Spi([spi, 0]).satisfies(minimum), satisfied, "{spi:02X} {minimum:02X}");
        }
    }
}
