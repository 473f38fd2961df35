//! Subscribers as the operator writes them, and as they may be shown.
//!
//! ```json
//! { "algorithm": "milenage", "k": "465b…", "opc": "cd63…", "amf": "8000",
//!   "class": "operational",
//!   "contract": { "apns": ["internet"], "defaultApn": "internet",
//!                 "voice": true, "sms": true, "data": true } }
//! ```
//!
//! A contract may say more, which decisions use and other core networks want to know:
//!
//! ```json
//! { "ambr": { "uplink": "50 Mbps", "downlink": "1 Gbps" },
//!   "slices": [ { "sst": 1, "sd": "000001", "default": true,
//!                 "sessions": [ { "apn": "internet", "type": "IPV4V6",
//!                                 "qos": { "qci": 9, "arp": { "priority": 8 } },
//!                                 "ambr": { "uplink": "50 Mbps", "downlink": "1 Gbps" } } ] } ],
//!   "msisdns": ["4915112345678"], "accessRestriction": 32, "periodicUpdateMinutes": 12 }
//! ```
//!
//! `algorithm` is `milenage` (with `opc` or `op`, and where the operator has its own
//! `rotations` and `xors`), `tuak` (with `topc` or `top`, `iterations`, and the sizes
//! `resBytes`, `ckBytes`, `ikBytes`) or `xor` (with `resBytes`). `sqn` is where the
//! sequence numbers start, for a subscriber that comes from another network.

pub mod batch;
mod open5gs;

use std::fmt;

use aka::{Algorithm, Amf, Parameters, Sqn, TuakSizes};
use rsp::Imsi;
use serde::{Deserialize, Deserializer, Serialize, de};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::policy::{Class, Contract};
use crate::refusal::{Kind, Refusal};

/// Names the owner of a subscriber: what an attach or session id begins with. Made from
/// the IMSI, so that the id finds its way without showing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag([u8; 8]);

impl Tag {
    /// The tag of a subscriber.
    #[must_use]
    pub fn of(imsi: &Imsi) -> Self {
        let digest = Sha256::digest(format!("subscriber {imsi}"));
        let mut tag = [0; 8];
        tag.iter_mut().zip(digest).for_each(|(tag, byte)| *tag = byte);
        Self(tag)
    }

    /// The tag of 16 hexadecimal digits in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let mut tag = [0; 8];
        hex::decode_to_slice(text, &mut tag).ok()?;
        well_formed.then_some(Self(tag))
    }

    /// The tag a session id begins with.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        let well_formed = id.len() == 48 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        Self::parse(id.get(..16)?).filter(|_| well_formed)
    }

    /// A new id of this subscriber.
    #[must_use]
    pub fn id(self, chance: [u8; 16]) -> String {
        format!("{self}{}", hex::encode(chance))
    }

    /// The eight bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// One subscriber, keys and all. Nothing prints it.
pub struct Subscriber {
    /// Whose it is.
    pub imsi: Imsi,
    /// What kind of profile.
    pub class: Class,
    /// What it may do.
    pub contract: Contract,
    /// The AMF of its vectors.
    pub amf: Amf,
    /// Where its sequence numbers start, if the record says so.
    pub sqn: Option<Sqn>,
    /// Algorithm and keys.
    pub parameters: Parameters,
    record: Zeroizing<String>,
}

/// A subscriber as anybody may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriberView {
    /// The IMSI.
    pub imsi: String,
    /// `milenage`, `tuak` or `xor`.
    pub algorithm: String,
    /// The AMF in hex.
    pub amf: String,
    /// The class.
    pub class: Class,
    /// The contract.
    pub contract: Contract,
}

impl Subscriber {
    /// Reads the record of `imsi`.
    ///
    /// # Errors
    /// [`Kind::Malformed`] with what is wrong, never with what was written there.
    pub fn from_record(imsi: Imsi, record: &str) -> Result<Self, Refusal> {
        let wire: Wire = serde_json::from_str(record).map_err(|error| malformed(&described(&error)))?;
        let parameters = wire.parameters()?;
        let amf = wire
            .amf
            .as_deref()
            .map_or(Some([0x80, 0]), bytes)
            .ok_or_else(|| malformed("amf is 2 bytes in hex"))?;
        let sqn = match wire.sqn.as_deref() {
            None => None,
            Some(text) => {
                let number = bytes(text).ok_or_else(|| malformed("sqn is 6 bytes in hex"))?;
                Some(Sqn::from_bytes(number))
            }
        };
        if let Some(flaw) = wire.contract.flaw(wire.class == Class::Operational) {
            return Err(malformed(&format!("contract: {flaw}")));
        }
        Ok(Self {
            imsi,
            class: wire.class,
            contract: wire.contract,
            amf,
            sqn,
            parameters,
            record: Zeroizing::new(record.to_owned()),
        })
    }

    /// The record as it was written, with the keys: for the store and nobody else.
    #[must_use]
    pub fn expose_record(&self) -> &str {
        &self.record
    }

    /// Whether the card of both is the same: whether it answers the same.
    #[must_use]
    pub fn has_the_card_of(&self, other: &Self) -> bool {
        let [own, others] = [self, other].map(|subscriber| {
            let parameters = &subscriber.parameters;
            let rand = [0x5A; 16];
            [parameters.f2(&rand), parameters.f3(&rand), parameters.f4(&rand)]
        });
        self.parameters.algorithm() == other.parameters.algorithm()
            && own
                .iter()
                .zip(&others)
                .all(|(own, other)| bool::from(own.expose_bytes().ct_eq(other.expose_bytes())))
    }

    /// What may be shown.
    #[must_use]
    pub fn view(&self) -> SubscriberView {
        let algorithm = match self.parameters.algorithm() {
            Algorithm::Milenage => "milenage",
            Algorithm::Tuak => "tuak",
            Algorithm::Xor => "xor",
        };
        SubscriberView {
            imsi: self.imsi.to_string(),
            algorithm: algorithm.to_owned(),
            amf: hex::encode(self.amf),
            class: self.class,
            contract: self.contract.clone(),
        }
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AlgorithmName {
    #[default]
    Milenage,
    Tuak,
    Xor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    algorithm: AlgorithmName,
    k: Secret,
    opc: Option<Secret>,
    op: Option<Secret>,
    topc: Option<Secret>,
    top: Option<Secret>,
    rotations: Option<[u8; 5]>,
    xors: Option<[String; 5]>,
    iterations: Option<u8>,
    res_bytes: Option<u8>,
    ck_bytes: Option<u8>,
    ik_bytes: Option<u8>,
    amf: Option<String>,
    sqn: Option<String>,
    class: Class,
    #[serde(default)]
    contract: Contract,
}

impl Wire {
    fn parameters(&self) -> Result<Parameters, Refusal> {
        match self.algorithm {
            AlgorithmName::Milenage => self.milenage(),
            AlgorithmName::Tuak => self.tuak(),
            AlgorithmName::Xor => {
                let k = self.k.array("k")?;
                Parameters::xor(*k, self.res_bytes.unwrap_or(16)).map_err(|error| malformed(error.0))
            }
        }
    }

    fn milenage(&self) -> Result<Parameters, Refusal> {
        let k = self.k.array("k")?;
        let opc = match (&self.opc, &self.op) {
            (Some(opc), None) => opc.array("opc")?,
            (None, Some(op)) => Zeroizing::new(aka::opc(*k, *op.array("op")?)),
            _ => return Err(malformed("MILENAGE needs opc, or op, and not both")),
        };
        let mut xors = aka::XORS;
        if let Some(own) = &self.xors {
            for (xor, own) in xors.iter_mut().zip(own) {
                *xor = bytes(own).ok_or_else(|| malformed("each of xors is 16 bytes in hex"))?;
            }
        }
        Ok(Parameters::milenage_with(*k, *opc, self.rotations.unwrap_or(aka::ROTATIONS), xors))
    }

    fn tuak(&self) -> Result<Parameters, Refusal> {
        let iterations = self.iterations.unwrap_or(1);
        let topc = match (&self.topc, &self.top) {
            (Some(topc), None) => topc.array("topc")?,
            (None, Some(top)) => Zeroizing::new(aka::topc(&self.k.0, *top.array("top")?, iterations)),
            _ => return Err(malformed("TUAK needs topc, or top, and not both")),
        };
        let sizes = TuakSizes {
            res: self.res_bytes.unwrap_or(8),
            ck: self.ck_bytes.unwrap_or(16),
            ik: self.ik_bytes.unwrap_or(16),
        };
        Parameters::tuak(&self.k.0, *topc, sizes, iterations).map_err(|error| malformed(error.0))
    }
}

/// Hex in JSON that becomes secret bytes.
struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    fn array<const N: usize>(&self, name: &str) -> Result<Zeroizing<[u8; N]>, Refusal> {
        let array = <[u8; N]>::try_from(self.0.as_slice());
        array.map(Zeroizing::new).map_err(|_| malformed(&format!("{name} is {N} bytes in hex")))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hex;
        impl de::Visitor<'_> for Hex {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes in hex")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                // Not the text itself: it may be most of a key.
                let bytes = hex::decode(text).map_err(|_| E::custom("a key is not hexadecimal"))?;
                Ok(Secret(Zeroizing::new(bytes)))
            }
        }
        deserializer.deserialize_str(Hex)
    }
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Where the JSON is wrong. What was found there stays out: it may be a key.
fn described(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if ["missing field", "a key is not hexadecimal", "a bit rate is", "a slice differentiator is"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return text;
    }
    // After the name that was found there, those that are known.
    let known = text.rsplit_once("`, expected ").map(|(_, known)| known);
    match (["unknown field", "unknown variant"].iter().find(|start| text.starts_with(**start)), known) {
        (Some(start), Some(known)) => format!("{start}, expected {known}"),
        _ => format!("not a subscriber record, at line {} column {}", error.line(), error.column()),
    }
}

fn malformed(because: &str) -> Refusal {
    Refusal::new(Kind::Malformed, because)
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";

    fn read(record: &str) -> Result<Subscriber, Refusal> {
        Subscriber::from_record("001010000000001".parse().unwrap(), record)
    }

    #[test]
    fn op_and_opc_are_the_same_subscriber() {
        // TS 35.208 §4.3, test set 1.
        let opc = r#"{"k":"465b5ce8b199b49faa5f0a2ee238a6bc","opc":"cd63cb71954a9f4e48a5994e37a02baf","class":"provisioning"}"#;
        let op = r#"{"k":"465b5ce8b199b49faa5f0a2ee238a6bc","op":"cdc202d5123e20f62b6d676ac72cb318","class":"provisioning"}"#;
        for record in [opc, op] {
            let subscriber = read(record).unwrap();
            let res = subscriber
                .parameters
                .f2(&hex::decode("23553cbe9637a89d218ae64dae47bf35").unwrap().try_into().unwrap());
            assert_eq!(hex::encode(res.expose_bytes()), "a54211d5e3ba50bf");
            assert_eq!((subscriber.amf, subscriber.sqn), ([0x80, 0], None));
        }
    }

    #[test]
    fn a_view_has_no_keys() {
        let record = r#"{"k":"465b5ce8b199b49faa5f0a2ee238a6bc","opc":"cd63cb71954a9f4e48a5994e37a02baf","class":"operational","contract":{"apns":["internet","*"],"defaultApn":"internet","voice":true}}"#;
        let shown = serde_json::to_string(&read(record).unwrap().view()).unwrap();
        assert_eq!(
            shown,
            r#"{"imsi":"001010000000001","algorithm":"milenage","amf":"8000","class":"operational","contract":{"apns":["internet","*"],"defaultApn":"internet","voice":true,"sms":false,"data":false}}"#
        );
    }

    #[test]
    fn broken_records_are_refused_without_showing_keys() {
        let cases = [
            r#"{"k":"KEY","class":"provisioning"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","op":"KEY","class":"provisioning"}"#.to_owned(),
            r#"{"k":"KEY00","opc":"KEY","class":"provisioning"}"#.to_owned(),
            r#"{"k":"KEYxy","opc":"KEY","class":"provisioning"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"other"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"provisioning","amf":"80"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"provisioning","sqn":"1"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"provisioning","more":1}"#.to_owned(),
            r#"{"k":["KEY"],"opc":"KEY","class":"provisioning"}"#.to_owned(),
            r#"{"algorithm":"tuak","k":"KEY","opc":"KEY","class":"provisioning"}"#.to_owned(),
            r#"{"algorithm":"xor","k":"KEY","resBytes":17,"class":"provisioning"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"operational","contract":{"apns":["a b"]}}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"KEY"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"a`, expected KEY"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"provisioning","KEY":1}"#.to_owned(),
            r#"{"algorithm":"KEY","k":"KEY","class":"provisioning"}"#.to_owned(),
            r#"{"k":"KEY","opc":"KEY","class":"operational","contract":{"KEY":1}}"#.to_owned(),
            r#""KEY""#.to_owned(),
            "KEY".to_owned(),
            String::new(),
        ];
        for case in cases {
            let Err(refusal) = read(&case.replace("KEY", K)) else { panic!("accepted {case}") };
            assert_eq!(refusal.kind, Kind::Malformed, "{case}");
            assert!(!refusal.because.contains("465b"), "{case}: {}", refusal.because);
        }
    }

    #[test]
    fn what_is_known_is_named() {
        let because = |record: &str| read(record).err().unwrap().because;
        let key = r#"{"k":"465b","class":"465b"}"#;
        assert!(because(key).starts_with("unknown variant, expected `provisioning` or"), "{}", because(key));
    }

    #[test]
    fn ids_lead_to_their_subscriber() {
        let tag = Tag::of(&"001010000000001".parse().unwrap());
        let id = tag.id([7; 16]);
        assert_eq!(Tag::of_id(&id), Some(tag));
        assert_ne!(tag, Tag::of(&"001010000000002".parse().unwrap()));
        for broken in ["", &id[1..], &format!("{id}0"), &id.to_uppercase(), &id.replace('0', "é")] {
            assert_eq!(Tag::of_id(broken), None, "{broken}");
        }
    }
}
