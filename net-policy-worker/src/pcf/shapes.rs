//! What is common to the interfaces (TS 29.571), read as it is published: a value that is not
//! well-formed is an error, and never as good as none.

use std::fmt;
use std::marker::PhantomData;

use rsp::Imsi;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::policy::{PlmnId, Tac};

/// Longest PEI of a kind that is not known here, in bytes.
const MAX_PEI: usize = 64;

/// A structure that is written as an object. Serde's own reading takes an array for one, too.
#[derive(Clone, Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Whole<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Whole(PhantomData))
    }
}

/// An optional value. `null` is none of any type: what is not there is left out.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// SUPI (TS 29.571 §5.3.2), of the kind that a subscriber of this network has.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Supi(pub(crate) Imsi);

impl TryFrom<String> for Supi {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let imsi = text.strip_prefix("imsi-").and_then(|digits| digits.parse().ok());
        imsi.map(Self).ok_or("imsi- and 6 to 15 digits")
    }
}

/// PEI (TS 29.571 §5.3.2), and the type of terminal that it names. One of a kind that came after
/// the standard of here names none.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pei(pub(crate) Option<Tac>);

impl TryFrom<String> for Pei {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let because = "imei- and 15 digits, imeisv- and 16, or mac- or eui- and bytes, each after a hyphen";
        let (kind, rest) = text.split_once('-').unwrap_or((&text, ""));
        let imei = |length| Tac::of_imei(rest).filter(|_| rest.len() == length).map(|tac| Self(Some(tac)));
        let bytes = |rest: &str, count| {
            let parts: Vec<_> = rest.split('-').collect();
            let is_byte = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            (parts.len() == count && parts.iter().all(is_byte)).then_some(Self(None))
        };
        let is_known = ["imei", "imeisv", "mac", "eui"].iter().any(|known| kind.eq_ignore_ascii_case(known));
        match kind {
            "imei" => imei(15),
            "imeisv" => imei(16),
            "mac" => bytes(rest.strip_suffix("-untrusted").unwrap_or(rest), 6),
            "eui" => bytes(rest, 8),
            _ => (!is_known
                && !text.is_empty()
                && text.len() <= MAX_PEI
                && !text.chars().any(char::is_control))
            .then_some(Self(None)),
        }
        .ok_or(because)
    }
}

/// From `LEAST` to `MOST` digits.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "String")]
struct Digits<const LEAST: usize, const MOST: usize>(String);

impl<const LEAST: usize, const MOST: usize> TryFrom<String> for Digits<LEAST, MOST> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_one = (LEAST..=MOST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_one {
            Ok(Self(text))
        } else if LEAST == MOST {
            Err(format!("{MOST} digits"))
        } else {
            Err(format!("{LEAST} to {MOST} digits"))
        }
    }
}

/// PlmnIdNid (TS 29.571 §5.4.4.33), of which the network is what matters here.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "Object<WrittenPlmnId>")]
pub(crate) struct NetworkId(pub(crate) PlmnId);

#[derive(serde::Deserialize)]
struct WrittenPlmnId {
    mcc: Digits<3, 3>,
    mnc: Digits<2, 3>,
}

impl TryFrom<Object<WrittenPlmnId>> for NetworkId {
    type Error = &'static str;

    fn try_from(Object(WrittenPlmnId { mcc, mnc }): Object<WrittenPlmnId>) -> Result<Self, Self::Error> {
        format!("{}{}", mcc.0, mnc.0).try_into().map(Self)
    }
}
