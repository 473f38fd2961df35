//! Secrets of subscribers on their way here: under a key that operator and server share,
//! wrapped by AES key wrap (RFC 3394), or with padding (RFC 5649) where their length is no
//! multiple of 8 bytes.
//!
//! Both forms protect integrity, and no value is of both: which it is need not be said.

use core::fmt;

use aes_kw::{KeyInit, KwAes128, KwAes192, KwAes256, KwpAes128, KwpAes192, KwpAes256};
use zeroize::Zeroizing;

use crate::config::InvalidConfiguration;

/// Keys that are taken at most.
const MAX_KEYS: usize = 32;
/// The longest name of a key.
const MAX_ID: usize = 64;
/// The longest wrapped value, in bytes: far above any key of a card.
const MAX_WRAPPED: usize = 4096;
/// Wrapping works on halves of AES blocks.
const SEMIBLOCK: usize = 8;

/// The transport keys of operators, by name. Holds keys, hence no `Debug`.
#[derive(Default)]
pub struct TransportKeys(Vec<(String, Zeroizing<Vec<u8>>)>);

/// Why a wrapped value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnwrapError {
    /// There is no key of this name.
    UnknownKey,
    /// A wrapped value has 16 bytes or more, in multiples of 8, and not thousands.
    Length,
    /// It was wrapped under another key, or has changed since.
    Integrity,
}

impl fmt::Display for UnwrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownKey => "there is no transport key of this name",
            Self::Length => "not of the length of a wrapped value",
            Self::Integrity => "wrapped under another key than the one named, or changed since",
        })
    }
}

impl core::error::Error for UnwrapError {}

impl TransportKeys {
    /// Reads `SMDP_TRANSPORT_KEYS`: `id:hex,id:hex`. A name is 1 to 64 letters, digits and
    /// `-_.`; a key is of AES: 32, 48 or 64 hexadecimal digits. An empty text has no key.
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names the key by its place, and quotes nothing.
    pub fn parse(text: &str) -> Result<Self, InvalidConfiguration> {
        let mut keys: Vec<(String, Zeroizing<Vec<u8>>)> = Vec::new();
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            let wrong = |what: &str| {
                Err(InvalidConfiguration(format!("SMDP_TRANSPORT_KEYS: number {}: {what}", index + 1)))
            };
            if index == MAX_KEYS {
                return wrong("one too many");
            }
            let Some((id, key)) = entry.split_once(':') else {
                return wrong("id:hexadecimal is expected");
            };
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(is_name) {
                return wrong("a name has 1 to 64 letters, digits and -_.");
            }
            let key = Zeroizing::new(hex::decode(key.trim()).unwrap_or_default());
            if !matches!(key.len(), 16 | 24 | 32) {
                return wrong("a key has 32, 48 or 64 hexadecimal digits");
            }
            if keys.iter().any(|(known, _)| known == id) {
                return wrong("the same name again");
            }
            keys.push((id.to_owned(), key));
        }
        Ok(Self(keys))
    }

    /// Whether there is no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that was wrapped under the key of this name.
    ///
    /// # Errors
    /// [`UnwrapError`]; the peer is to blame for each.
    pub fn unwrap(&self, id: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
        let (_, key) = self.0.iter().find(|(known, _)| known == id).ok_or(UnwrapError::UnknownKey)?;
        if wrapped.len() < 2 * SEMIBLOCK
            || wrapped.len() > MAX_WRAPPED
            || !wrapped.len().is_multiple_of(SEMIBLOCK)
        {
            return Err(UnwrapError::Length);
        }
        let mut room = Zeroizing::new(vec![0; wrapped.len() - SEMIBLOCK]);
        macro_rules! opened {
            ($plain:ty, $padded:ty) => {{
                let plain = <$plain>::new_from_slice(key).ok();
                let length = plain.and_then(|kek| kek.unwrap_key(wrapped, &mut room).ok().map(<[u8]>::len));
                match length {
                    Some(length) => Some(length),
                    None => {
                        let padded = <$padded>::new_from_slice(key).ok();
                        padded.and_then(|kek| kek.unwrap_key(wrapped, &mut room).ok().map(<[u8]>::len))
                    }
                }
            }};
        }
        let length = match key.len() {
            16 => opened!(KwAes128, KwpAes128),
            24 => opened!(KwAes192, KwpAes192),
            _ => opened!(KwAes256, KwpAes256),
        };
        let value = length.and_then(|length| room.get(..length)).ok_or(UnwrapError::Integrity)?;
        Ok(Zeroizing::new(value.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "op-128:000102030405060708090A0B0C0D0E0F, \
        op-192:000102030405060708090A0B0C0D0E0F1011121314151617, \
        op-256:000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F,\
        rfc.5649:5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8";

    /// RFC 3394 §4.1 to §4.6 and RFC 5649 §6: key, value, wrapped.
    const PUBLISHED: [(&str, &str, &str); 8] = [
        ("op-128", "00112233445566778899AABBCCDDEEFF", "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"),
        ("op-192", "00112233445566778899AABBCCDDEEFF", "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D"),
        ("op-256", "00112233445566778899AABBCCDDEEFF", "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"),
        (
            "op-192",
            "00112233445566778899AABBCCDDEEFF0001020304050607",
            "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2",
        ),
        (
            "op-256",
            "00112233445566778899AABBCCDDEEFF0001020304050607",
            "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1",
        ),
        (
            "op-256",
            "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
            "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
        ),
        (
            "rfc.5649",
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
        ("rfc.5649", "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
    ];

    #[test]
    fn the_published_values_open() {
        let keys = TransportKeys::parse(KEYS).unwrap();
        for (id, value, wrapped) in PUBLISHED {
            let opened = keys.unwrap(id, &hex::decode(wrapped).unwrap()).unwrap();
            assert_eq!(hex::encode(&*opened), value.to_lowercase());
        }
    }

    #[test]
    fn nothing_else_opens() {
        let keys = TransportKeys::parse(KEYS).unwrap();
        for (id, _, wrapped) in PUBLISHED {
            let wrapped = hex::decode(wrapped).unwrap();
            for at in 0..wrapped.len() {
                let mut changed = wrapped.clone();
                changed[at] ^= 0x10;
                assert_eq!(keys.unwrap(id, &changed).err(), Some(UnwrapError::Integrity), "{id}: byte {at}");
            }
            for other in ["op-128", "op-192", "op-256", "rfc.5649"] {
                if other != id {
                    assert_eq!(keys.unwrap(other, &wrapped).err(), Some(UnwrapError::Integrity));
                }
            }
            assert_eq!(keys.unwrap("", &wrapped).err(), Some(UnwrapError::UnknownKey));
            assert_eq!(keys.unwrap("OP-128", &wrapped).err(), Some(UnwrapError::UnknownKey));
            for length in 0..wrapped.len() {
                assert!(keys.unwrap(id, &wrapped[..length]).is_err(), "{id}: {length} bytes");
            }
        }
        for length in [0, 1, 8, 15, 17, 4104, 100_000] {
            assert_eq!(keys.unwrap("op-128", &vec![0; length]).err(), Some(UnwrapError::Length));
        }
        for length in (16..=4096).step_by(8) {
            assert_eq!(keys.unwrap("op-128", &vec![0; length]).err(), Some(UnwrapError::Integrity));
        }
    }

    #[test]
    fn a_wrong_configuration_is_told_and_quotes_nothing() {
        assert!(TransportKeys::parse("").unwrap().is_empty());
        assert!(TransportKeys::parse(" , ,").unwrap().is_empty());
        let key = "ab".repeat(16);
        for (wrong, because) in [
            (key.clone(), "number 1: id:hexadecimal"),
            (format!(":{key}"), "name"),
            (format!("a b:{key}"), "name"),
            (format!("{}:{key}", "a".repeat(65)), "name"),
            (format!("a:{key},a:{key}"), "number 2: the same name"),
            (format!("a:{}", &key[1..]), "digits"),
            (format!("a:{key}cd"), "digits"),
            (format!("a:{key},b:xy{}", &key[2..]), "number 2: a key"),
            ("a:".into(), "digits"),
            ((0..33).map(|n| format!("k{n}:{key}")).collect::<Vec<_>>().join(","), "number 33: one too many"),
        ] {
            let error = TransportKeys::parse(&wrong).err().unwrap().0;
            assert!(error.starts_with("SMDP_TRANSPORT_KEYS: ") && error.contains(because), "{error}");
            assert!(!error.contains("abab"), "{error}");
        }
    }
}
