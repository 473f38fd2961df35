//! What a network access application authenticates with.

use tlv::{Tag, Tlv, Writer};
use zeroize::Zeroizing;

use crate::header::aid;
use crate::{Error, PeHeader, Secret};

/// r1 to r5 of MILENAGE in bits, TS 35.206 §4.1.
pub const DEFAULT_ROTATION: [u8; 5] = [0x40, 0x00, 0x20, 0x40, 0x60];

/// c1 to c5 of MILENAGE, TS 35.206 §4.1.
pub const DEFAULT_XORING: [u8; 80] = {
    let mut constants = [0; 80];
    constants[31] = 1;
    constants[47] = 2;
    constants[63] = 4;
    constants[79] = 8;
    constants
};

/// The authentication algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlgorithmId {
    /// MILENAGE (1).
    Milenage,
    /// TUAK (2).
    Tuak,
    /// The XOR algorithm of TS 34.108 §8.1.2 (3).
    UsimTest,
    /// A number that this definition does not know.
    Other(u8),
}

impl AlgorithmId {
    const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Milenage,
            2 => Self::Tuak,
            3 => Self::UsimTest,
            other => Self::Other(other),
        }
    }

    /// As on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Milenage => 1,
            Self::Tuak => 2,
            Self::UsimTest => 3,
            Self::Other(other) => other,
        }
    }
}

/// Key and constants.
#[derive(Clone, PartialEq, Eq)]
pub struct AlgoParameter {
    /// Which algorithm.
    pub algorithm: AlgorithmId,
    /// Lengths of what it computes; `02` with the test algorithm: RES of 128 bits.
    pub options: u8,
    /// K, 16 or 32 bytes.
    pub key: Secret,
    /// OPc of 16 or TOPc of 32 bytes, already derived.
    pub opc: Secret,
    /// r1 to r5.
    pub rotation: [u8; 5],
    /// c1 to c5.
    pub xoring: [u8; 80],
    /// How many authentications are allowed in all.
    pub auth_counter_max: Option<u32>,
    /// Runs of Keccak-f\[1600\] in TUAK.
    pub number_of_keccak: u8,
}

impl AlgoParameter {
    /// Whether K is one that everybody knows, as a profile of class `test` must have it: all
    /// zero, or `00` to `0F`, the key of the test USIM (3GPP TS 34.108 §8.1.2). An eUICC
    /// refuses any other in such a profile (SGP.22 §5.5.5,
    /// `testProfileInstallFailedDueToInvalidNaaKey`).
    #[must_use]
    pub fn has_test_key(&self) -> bool {
        let key = self.key.expose_secret();
        let counted = key.len() == 16 && key.iter().zip(0..).all(|(&byte, index)| byte == index);
        counted || key.iter().all(|&byte| byte == 0)
    }
}

/// Where the algorithm's data come from.
#[derive(Clone, PartialEq, Eq)]
pub enum AlgoConfiguration {
    /// They are those of another application that exists already.
    Mapping {
        /// What is shared.
        options: u8,
        /// AID of that application.
        source: Vec<u8>,
    },
    /// From here.
    Algorithm(Box<AlgoParameter>),
}

/// ```asn1
/// PE-AKAParameter ::= SEQUENCE { aka-header PEHeader,
///   algoConfiguration CHOICE { mappingParameter MappingParameter, algoParameter AlgoParameter },
///   sqnOptions OCTET STRING (SIZE(1)) DEFAULT '02'H,
///   sqnDelta OCTET STRING (SIZE(6)) DEFAULT '000010000000'H,
///   sqnAgeLimit OCTET STRING (SIZE(6)) DEFAULT '000010000000'H,
///   sqnInit SEQUENCE (SIZE (32)) OF OCTET STRING (SIZE (6)) DEFAULT '000000000000'H }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AkaParameter {
    /// Header.
    pub header: PeHeader,
    /// Algorithm, key and constants, or whose.
    pub configuration: AlgoConfiguration,
    /// b2: the delta is checked (wrap-around protection); b1: the age limit is.
    pub sqn_options: u8,
    /// The largest jump of SEQ that is accepted; SEQ without IND.
    pub sqn_delta: u64,
    /// How far SEQ may lie behind the highest; SEQ without IND.
    pub sqn_age_limit: u64,
    /// SEQ of each of the 32 indices, when given; see [`AkaParameter::sqn_init`].
    pub sqn_init: Option<Box<[u64; 32]>>,
}

impl AkaParameter {
    /// 2²⁸, the default of both limits.
    pub const DEFAULT_LIMIT: u64 = 0x1000_0000;
    /// The default of the options.
    pub const DEFAULT_SQN_OPTIONS: u8 = 2;

    /// The algorithm and its key; `None` when it is shared with another application.
    #[must_use]
    pub fn algorithm(&self) -> Option<&AlgoParameter> {
        match &self.configuration {
            AlgoConfiguration::Algorithm(parameter) => Some(parameter),
            AlgoConfiguration::Mapping { .. } => None,
        }
    }

    /// SEQ of each of the 32 indices, zero unless given.
    #[must_use]
    pub fn sqn_init(&self) -> [u64; 32] {
        self.sqn_init.as_deref().copied().unwrap_or_default()
    }

    pub(crate) fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = element.fields();
        let header = PeHeader::decode(&mut fields)?;
        let choice = fields.required(Tag(0xA1))?;
        let choice = choice.reader().next()?.ok_or(Error::Value("algoConfiguration"))?;
        let configuration = match choice.tag {
            Tag(0xA0) => {
                let mut mapping = choice.fields();
                let [options] = mapping.required(Tag(0x80))?.array()?;
                AlgoConfiguration::Mapping { options, source: aid(&mapping.required(Tag(0x81))?)? }
            }
            Tag(0xA1) => AlgoConfiguration::Algorithm(Box::new(AlgoParameter::decode(&choice)?)),
            _ => return Err(Error::Value("algoConfiguration")),
        };
        let [sqn_options] =
            fields.optional(Tag(0x82))?.map_or(Ok([Self::DEFAULT_SQN_OPTIONS]), |t| t.array())?;
        let mut limit = |tag| fields.optional(tag)?.map_or(Ok(Self::DEFAULT_LIMIT), |tlv| sequence(&tlv));
        let sqn_delta = limit(Tag(0x83))?;
        let sqn_age_limit = limit(Tag(0x84))?;
        let sqn_init = match fields.optional(Tag(0xA5))? {
            None => None,
            Some(list) => {
                let mut reader = list.reader();
                let mut values = Box::new([0; 32]);
                for value in values.iter_mut() {
                    *value = sequence(&reader.expect(Tag::OCTET_STRING)?)?;
                }
                reader.end()?;
                Some(values)
            }
        };
        Ok(Self { header, configuration, sqn_options, sqn_delta, sqn_age_limit, sqn_init })
    }

    pub(crate) fn encode_into(&self, writer: &mut Writer) {
        self.header.encode_into(writer);
        writer.nested(Tag(0xA1), |choice| match &self.configuration {
            AlgoConfiguration::Mapping { options, source } => {
                choice.nested(Tag(0xA0), |mapping| {
                    mapping.tlv(Tag(0x80), &[*options]).tlv(Tag(0x81), source);
                });
            }
            AlgoConfiguration::Algorithm(parameter) => {
                choice.nested(Tag(0xA1), |fields| parameter.encode_into(fields));
            }
        });
        if self.sqn_options != Self::DEFAULT_SQN_OPTIONS {
            writer.tlv(Tag(0x82), &[self.sqn_options]);
        }
        for (tag, limit) in [(0x83, self.sqn_delta), (0x84, self.sqn_age_limit)] {
            if limit != Self::DEFAULT_LIMIT {
                writer.tlv(Tag(tag), &six(limit));
            }
        }
        if let Some(values) = &self.sqn_init {
            writer.nested(Tag(0xA5), |list| {
                for &value in values.iter() {
                    list.tlv(Tag::OCTET_STRING, &six(value));
                }
            });
        }
    }
}

impl AlgoParameter {
    fn decode(parameter: &Tlv<'_>) -> Result<Self, Error> {
        let small = |tlv: Tlv<'_>, name| u8::try_from(tlv.unsigned()?).map_err(|_| Error::Value(name));
        let mut fields = parameter.fields();
        let algorithm = AlgorithmId::from_number(small(fields.required(Tag(0x80))?, "algorithmID")?);
        let [options] = fields.required(Tag(0x81))?.array()?;
        let key = fields.required(Tag(0x82))?.value;
        let opc = fields.required(Tag(0x83))?.value;
        // Of the test algorithm the OPc is ignored, so any length passes.
        let (keys, opcs): (&[usize], Option<&[usize]>) = match algorithm {
            AlgorithmId::Milenage => (&[16], Some(&[16])),
            AlgorithmId::Tuak => (&[16, 32], Some(&[32])),
            AlgorithmId::UsimTest => (&[16], None),
            AlgorithmId::Other(_) => (&[16, 32], None),
        };
        let key = Secret::sized(key, keys, "key")?;
        let opc = match opcs {
            Some(sizes) => Secret::sized(opc, sizes, "opc")?,
            None => Secret::new(opc),
        };
        let rotation = fields.optional(Tag(0x84))?.map_or(Ok(DEFAULT_ROTATION), |tlv| tlv.array())?;
        let xoring = fields.optional(Tag(0x85))?.map_or(Ok(DEFAULT_XORING), |tlv| tlv.array())?;
        let auth_counter_max = match fields.optional(Tag(0x86))? {
            Some(tlv) => {
                let [high, middle, low] = tlv.array()?;
                Some(u32::from_be_bytes([0, high, middle, low]))
            }
            None => None,
        };
        let number_of_keccak = match fields.optional(Tag(0x87))? {
            Some(tlv) => small(tlv, "numberOfKeccak")?,
            None => 1,
        };
        Ok(Self { algorithm, options, key, opc, rotation, xoring, auth_counter_max, number_of_keccak })
    }

    /// The components, without a head.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::new();
        self.encode_into(&mut writer);
        Zeroizing::new(writer.finish())
    }

    fn encode_into(&self, writer: &mut Writer) {
        writer.unsigned(Tag(0x80), u32::from(self.algorithm.number()));
        writer.tlv(Tag(0x81), &[self.options]);
        writer.tlv(Tag(0x82), self.key.expose_secret());
        writer.tlv(Tag(0x83), self.opc.expose_secret());
        if self.rotation != DEFAULT_ROTATION {
            writer.tlv(Tag(0x84), &self.rotation);
        }
        if self.xoring != DEFAULT_XORING {
            writer.tlv(Tag(0x85), &self.xoring);
        }
        if let Some(most) = self.auth_counter_max {
            writer.tlv(Tag(0x86), &most.to_be_bytes()[1..]);
        }
        if self.number_of_keccak != 1 {
            writer.unsigned(Tag(0x87), u32::from(self.number_of_keccak));
        }
    }
}

fn sequence(tlv: &Tlv<'_>) -> Result<u64, Error> {
    let six: [u8; 6] = tlv.array()?;
    Ok(six.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

fn six(value: u64) -> [u8; 6] {
    let [_, _, bytes @ ..] = value.to_be_bytes();
    bytes
}
