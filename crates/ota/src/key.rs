//! Keys of SCP80 and what is computed with them (ETSI TS 102 225 §5.1.2, §5.1.3).

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt};
use aes::cipher::{KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use cmac::{Cmac, Mac as _};
use des::{Des, TdesEde2, TdesEde3};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The block cipher a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// DES with 8 bytes, triple DES with 16 or 24.
    Des,
    /// AES with 16, 24 or 32 bytes.
    Aes,
}

/// A key with the length of the checksums made with it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key {
    #[zeroize(skip)]
    kind: KeyKind,
    bytes: Vec<u8>,
    mac_len: usize,
}

impl Key {
    /// A key; `mac_len` is the length of its checksums: 4 or 8 with AES, 8 with
    /// DES. `None` when the lengths do not fit.
    #[must_use]
    pub fn new(kind: KeyKind, bytes: &[u8], mac_len: usize) -> Option<Self> {
        let fits = match kind {
            KeyKind::Des => matches!(bytes.len(), 8 | 16 | 24) && mac_len == 8,
            KeyKind::Aes => matches!(bytes.len(), 16 | 24 | 32) && matches!(mac_len, 4 | 8),
        };
        fits.then(|| Self { kind, bytes: bytes.to_vec(), mac_len })
    }

    /// Bytes of a block.
    pub(crate) const fn block_len(&self) -> usize {
        match self.kind {
            KeyKind::Des => 8,
            KeyKind::Aes => 16,
        }
    }

    /// Bytes of a checksum.
    pub(crate) const fn mac_len(&self) -> usize {
        self.mac_len
    }

    /// Whether the low half of KIc, or of KID with a checksum, names this key's
    /// algorithm: 0 leaves it to the key, 1 DES, 5 and 9 triple DES with two and
    /// three keys, 2 AES.
    pub(crate) fn is_named_by(&self, indication: u8) -> bool {
        match (indication & 0x0F, self.kind) {
            (0x0, _) | (0x2, KeyKind::Aes) => true,
            (0x1, KeyKind::Des) => self.bytes.len() == 8,
            (0x5, KeyKind::Des) => self.bytes.len() == 16,
            (0x9, KeyKind::Des) => self.bytes.len() == 24,
            _ => false,
        }
    }

    /// The half byte of KIc or KID that names the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> u8 {
        match (self.kind, self.bytes.len()) {
            (KeyKind::Aes, _) => 0x2,
            (KeyKind::Des, 8) => 0x1,
            (KeyKind::Des, 16) => 0x5,
            (KeyKind::Des, _) => 0x9,
        }
    }

    /// Enciphers whole blocks, CBC from an initial value of zero.
    pub(crate) fn encrypt(&self, data: &mut [u8]) -> Option<()> {
        match (self.kind, self.bytes.len()) {
            (KeyKind::Des, 8) => encrypt::<Des>(&self.bytes, data),
            (KeyKind::Des, 16) => encrypt::<TdesEde2>(&self.bytes, data),
            (KeyKind::Des, _) => encrypt::<TdesEde3>(&self.bytes, data),
            (KeyKind::Aes, 16) => encrypt::<Aes128>(&self.bytes, data),
            (KeyKind::Aes, 24) => encrypt::<Aes192>(&self.bytes, data),
            (KeyKind::Aes, _) => encrypt::<Aes256>(&self.bytes, data),
        }
    }

    /// The inverse of [`Self::encrypt`].
    pub(crate) fn decrypt(&self, data: &mut [u8]) -> Option<()> {
        match (self.kind, self.bytes.len()) {
            (KeyKind::Des, 8) => decrypt::<Des>(&self.bytes, data),
            (KeyKind::Des, 16) => decrypt::<TdesEde2>(&self.bytes, data),
            (KeyKind::Des, _) => decrypt::<TdesEde3>(&self.bytes, data),
            (KeyKind::Aes, 16) => decrypt::<Aes128>(&self.bytes, data),
            (KeyKind::Aes, 24) => decrypt::<Aes192>(&self.bytes, data),
            (KeyKind::Aes, _) => decrypt::<Aes256>(&self.bytes, data),
        }
    }

    /// The cryptographic checksum: the last block of the CBC with DES, after
    /// padding with zeros; the leading bytes of CMAC with AES.
    pub(crate) fn mac(&self, data: &[u8]) -> Option<Vec<u8>> {
        let mut full = match (self.kind, self.bytes.len()) {
            (KeyKind::Des, _) => {
                let mut padded = data.to_vec();
                padded.resize(data.len().next_multiple_of(8).max(8), 0);
                self.encrypt(&mut padded)?;
                padded.split_off(padded.len() - 8)
            }
            (KeyKind::Aes, 16) => cmac::<Aes128>(&self.bytes, data)?,
            (KeyKind::Aes, 24) => cmac::<Aes192>(&self.bytes, data)?,
            (KeyKind::Aes, _) => cmac::<Aes256>(&self.bytes, data)?,
        };
        full.truncate(self.mac_len);
        Some(full)
    }
}

/// The two keys that a packet names.
#[derive(Clone, Default)]
pub struct Keyset {
    /// For ciphering (KIc).
    pub kic: Option<Key>,
    /// For checksums (KID).
    pub kid: Option<Key>,
}

fn encrypt<C: BlockCipherEncrypt + KeyInit>(key: &[u8], data: &mut [u8]) -> Option<()> {
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    let zero = Array::<u8, C::BlockSize>::default();
    let mut cipher = cbc::Encryptor::<C>::new_from_slices(key, &zero).ok()?;
    cipher.encrypt_blocks(blocks);
    rest.is_empty().then_some(())
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(key: &[u8], data: &mut [u8]) -> Option<()> {
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    let zero = Array::<u8, C::BlockSize>::default();
    let mut cipher = cbc::Decryptor::<C>::new_from_slices(key, &zero).ok()?;
    cipher.decrypt_blocks(blocks);
    rest.is_empty().then_some(())
}

fn cmac<C>(key: &[u8], data: &[u8]) -> Option<Vec<u8>>
where
    Cmac<C>: KeyInit + cmac::Mac,
    C: cmac::block_api::CmacCipher,
{
    let mut mac = <Cmac<C> as KeyInit>::new_from_slice(key).ok()?;
    mac.update(data);
    Some(mac.finalize().into_bytes().to_vec())
}
