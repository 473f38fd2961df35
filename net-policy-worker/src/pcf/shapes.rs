//! What is common to the interfaces (TS 29.571), read as it is published: a value that is not
//! well-formed is an error, and never as good as none.

use std::fmt;
use std::marker::PhantomData;

use rsp::Imsi;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::policy::subscribed::BitRate;
use crate::policy::{Ambr, PlmnId, Tac};

/// Longest PEI of a kind that is not known here, in bytes.
const MAX_PEI: usize = 64;

/// A structure that is written as an object. Serde's own reading takes an array for one, too.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(transparent)]
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

/// Longest URI that is kept of a core, in bytes.
const MAX_URI: usize = 2048;

/// Most S-NSSAIs that a terminal may be allowed (TS 23.501 §5.15.4).
const MAX_SNSSAIS: usize = 8;

/// Where a core wants to be told (Uri, TS 29.571 §5.2.2): an absolute http or https URI without
/// userinfo and fragment.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct NotificationUri;

impl TryFrom<String> for NotificationUri {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let because = "an absolute http or https URI without userinfo and fragment, of at most 2048 bytes";
        let uri = text.parse::<http::Uri>().ok().filter(|_| text.len() <= MAX_URI && !text.contains('#'));
        let is_one = uri.is_some_and(|uri| {
            let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
            let has_host = uri.host().is_some_and(|host| !host.is_empty());
            is_http && has_host && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        });
        is_one.then_some(Self).ok_or(because)
    }
}

/// Dnn (TS 29.571 §5.3.2) as a terminal asked for it. Whether it is an APN (TS 23.003 §9.1) is
/// the policy's to say: one that is none has its answer, too.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Dnn(pub(crate) String);

impl TryFrom<String> for Dnn {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        /// Longest access point name (TS 24.008 §10.5.6.1), in bytes.
        const MAX: usize = 100;
        let is_one = (1..=MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        is_one.then_some(Self(text)).ok_or("1 to 100 bytes without control characters")
    }
}

/// Snssai (TS 29.571 §5.4.4.2).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Object<WrittenSnssai>")]
pub(crate) struct Snssai {
    sst: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    sd: Option<String>,
}

#[derive(serde::Deserialize)]
struct WrittenSnssai {
    sst: u8,
    #[serde(default, deserialize_with = "given")]
    sd: Option<SliceDifferentiator>,
}

#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct SliceDifferentiator(String);

impl TryFrom<String> for SliceDifferentiator {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_one = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then_some(Self(text)).ok_or("six hexadecimal digits")
    }
}

impl From<Object<WrittenSnssai>> for Snssai {
    fn from(Object(WrittenSnssai { sst, sd }): Object<WrittenSnssai>) -> Self {
        Self { sst, sd: sd.map(|sd| sd.0) }
    }
}

impl Snssai {
    /// What is taken where no slice is named: eMBB, of no operator's own kind (TS 23.501 §5.15.2.2).
    pub(crate) const EMBB: Self = Self { sst: 1, sd: None };
}

/// The slices that a terminal is allowed.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "Vec<Snssai>")]
pub(crate) struct AllowedSnssais(pub(crate) Vec<Snssai>);

impl TryFrom<Vec<Snssai>> for AllowedSnssais {
    type Error = &'static str;

    fn try_from(slices: Vec<Snssai>) -> Result<Self, Self::Error> {
        (1..=MAX_SNSSAIS).contains(&slices.len()).then_some(Self(slices)).ok_or("one to eight slices")
    }
}

/// SupportedFeatures (TS 29.571 §5.2.2): hexadecimal digits, the last of the first features. Those
/// above the sixtieth are let be.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SupportedFeatures(pub(crate) u64);

impl TryFrom<String> for SupportedFeatures {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let read = || {
            text.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
            let last = text.get(text.len().saturating_sub(15)..)?;
            if last.is_empty() { Some(0) } else { u64::from_str_radix(last, 16).ok() }
        };
        read().map(Self).ok_or("hexadecimal digits")
    }
}

/// AccessType (TS 29.571 §5.4.3.1), to which nothing is added.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub(crate) enum AccessType {
    #[serde(rename = "3GPP_ACCESS")]
    ThreeGpp,
    #[serde(rename = "NON_3GPP_ACCESS")]
    NonThreeGpp,
}

/// What has happened; a core may know more than is known here.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(crate) struct Triggers;

impl TryFrom<Vec<String>> for Triggers {
    type Error = &'static str;

    fn try_from(triggers: Vec<String>) -> Result<Self, Self::Error> {
        (!triggers.is_empty()).then_some(Self).ok_or("one at least")
    }
}

/// BitRate (TS 29.571 §5.5.2) as it was written, which may have a fraction.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct WrittenRate {
    text: String,
    bits: u64,
}

impl TryFrom<String> for WrittenRate {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bits = BitRate::bits_of(&text).ok_or("a number and bps, Kbps, Mbps, Gbps or Tbps")?;
        Ok(Self { text, bits })
    }
}

impl From<WrittenRate> for String {
    fn from(rate: WrittenRate) -> Self {
        rate.text
    }
}

/// Ambr (TS 29.571 §5.5.4.3).
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct WrittenAmbr {
    uplink: WrittenRate,
    downlink: WrittenRate,
}

impl WrittenAmbr {
    pub(crate) const fn ambr(&self) -> Ambr {
        Ambr { uplink: self.uplink.bits, downlink: self.downlink.bits }
    }
}

/// SubscribedDefaultQos (TS 29.571 §5.5.4.2).
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubscribedDefaultQos {
    #[serde(rename = "5qi")]
    five_qi: u8,
    arp: Object<Arp>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    priority_level: Option<Within<1, 127>>,
}

/// Arp (TS 29.571 §5.5.4.1). Capability and vulnerability are open enumerations, and the level is nullable.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arp {
    #[serde(deserialize_with = "Option::deserialize")]
    priority_level: Option<Within<1, 15>>,
    preempt_cap: Word,
    preempt_vuln: Word,
}

/// A value of an enumeration that later versions of the standard may add to; passed on as it came.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Word(String);

impl TryFrom<String> for Word {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        /// Longest that is kept, in bytes.
        const MAX: usize = 64;
        let is_one = (1..=MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        is_one.then_some(Self(text)).ok_or("1 to 64 bytes without control characters")
    }
}

impl From<Word> for String {
    fn from(Word(text): Word) -> Self {
        text
    }
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub(crate) struct Within<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Within<LEAST, MOST> {
    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

impl<const LEAST: u64, const MOST: u64> TryFrom<u64> for Within<LEAST, MOST> {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        let is_within = (LEAST..=MOST).contains(&number);
        is_within.then_some(Self(number)).ok_or_else(|| format!("{LEAST} to {MOST}"))
    }
}

impl<const LEAST: u64, const MOST: u64> From<Within<LEAST, MOST>> for u64 {
    fn from(within: Within<LEAST, MOST>) -> Self {
        within.0
    }
}

/// Volume (TS 29.122 §5.2.1.4.2): a number that an `int64` holds.
pub(crate) type Volume = Within<0, { i64::MAX.unsigned_abs() }>;

/// RfspIndex (TS 29.571 §5.4.2).
pub(crate) type RfspIndex = Within<1, 256>;

/// ServiceAreaRestriction (TS 29.571 §5.4.4.14), of which nothing is decided here.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceAreaRestriction {
    #[serde(default, rename = "restrictionType", deserialize_with = "given")]
    _restriction_type: Option<String>,
    #[serde(default, rename = "areas", deserialize_with = "given")]
    _areas: Option<Vec<Object<serde::de::IgnoredAny>>>,
    #[serde(default, rename = "maxNumOfTAs", deserialize_with = "given")]
    _max_num_of_tas: Option<u64>,
}

/// A value that was kept, if it is one.
pub(crate) fn kept<T: for<'de> Deserialize<'de>>(request: &serde_json::Value, name: &str) -> Option<T> {
    request.get(name).and_then(|value| T::deserialize(value).ok())
}
