//! Elements of over-the-air management: security domains with their keys, and
//! remote file management (TCA §8.7, §8.8; ETSI TS 102 226 §8.2.1.3.2).

use rsp::Aid;
use tlv::{Fields, Tag, Tlv};
use zeroize::Zeroizing;

use crate::{Error, PeHeader, Secret};

const AID: Tag = Tag(0x4F);

/// Whom remote commands may be for, and how secure they must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Toolkit application references.
    pub tars: Vec<[u8; 3]>,
    /// Minimum security level: the least first byte of SPI.
    pub minimum_security_level: u8,
}

impl Reach {
    /// From UICC toolkit application specific parameters: priority, timers, text
    /// length, menu entries (identifier and position each), channels, minimum
    /// security level and TARs, each with a length in front.
    fn of_toolkit_parameters(field: &[u8]) -> Option<Self> {
        /// The parameter that follows is the least first byte of SPI.
        const MINIMUM_SPI1: u8 = 0x01;
        /// A cryptographic checksum.
        const CHECKSUM: u8 = 0x02;
        let [_, _, _, entries, rest @ ..] = field else { return None };
        let [_, level_len, rest @ ..] = rest.get(2 * usize::from(*entries)..)? else { return None };
        let (level, rest) = rest.split_at_checked(usize::from(*level_len))?;
        let (tars_len, rest) = rest.split_first()?;
        let tars = rest.get(..usize::from(*tars_len))?;
        Some(Self {
            tars: tars.chunks_exact(3).map(|tar| [tar[0], tar[1], tar[2]]).collect(),
            minimum_security_level: match level {
                [] => 0,
                [MINIMUM_SPI1, level, ..] => *level,
                // What is asked for is not known; it is not nothing.
                _ => CHECKSUM,
            },
        })
    }
}

/// A component of `KeyObject`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyObject {
    /// Key version number.
    pub version: u8,
    /// Key identifier.
    pub identifier: u8,
    /// Type of the first component (GlobalPlatform §11.1.8): `80` to `84` DES,
    /// `88` AES, `85` a pre-shared key.
    pub key_type: u8,
    /// The first component.
    pub data: Secret,
    /// Length of checksums made with it.
    pub mac_length: u8,
    /// Counter to start from, at most five bytes.
    pub counter: Option<u64>,
}

impl KeyObject {
    fn decode(object: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = object.fields();
        match fields.required(Tag(0x95))?.value.len() {
            1 | 2 => {}
            _ => return Err(Error::Value("keyUsageQualifier")),
        }
        fields.optional(Tag(0x96))?;
        let [identifier] = fields.required(Tag(0x82))?.array()?;
        let [version] = fields.required(Tag(0x83))?.array()?;
        let counter = fields.optional(Tag(0x85))?.map(|counter| {
            let counter = counter.value;
            let last = counter.get(counter.len().saturating_sub(5)..).unwrap_or_default();
            last.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
        });
        let components = fields.required(Tag::SEQUENCE)?;
        let component = components.fields().required(Tag::SEQUENCE)?;
        let mut fields = component.fields();
        let key_type = *fields.required(Tag(0x80))?.value.first().ok_or(Error::Value("keyType"))?;
        let data = Secret::new(fields.required(Tag(0x86))?.value);
        let mac_length = match fields.optional(Tag(0x87))? {
            Some(len) => u8::try_from(len.unsigned()?).map_err(|_| Error::Value("macLength"))?,
            None => 8,
        };
        Ok(Self { version, identifier, key_type, data, mac_length, counter })
    }
}

/// `PE-SecurityDomain`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecurityDomain {
    /// Header.
    pub header: PeHeader,
    /// AID of the instance.
    pub instance: Aid,
    /// Privileges, as GlobalPlatform §11.1.2 codes them.
    pub privileges: Vec<u8>,
    /// From its toolkit parameters, if it has any.
    pub reach: Option<Reach>,
    /// Its keys.
    pub keys: Vec<KeyObject>,
    raw: Zeroizing<Vec<u8>>,
}

impl SecurityDomain {
    /// The most keys that one domain may bring.
    pub const MAX_KEYS: usize = 64;

    pub(crate) fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = element.fields();
        let header = PeHeader::decode(&mut fields)?;
        let instance = fields.required(Tag(0xA1))?;
        let key_list = fields.optional(Tag(0xA2))?;
        let mut fields = instance.fields();
        // Load package, class, instance, and perhaps a domain to be moved to.
        fields.required(AID)?;
        fields.required(AID)?;
        let instance = aid(&mut fields)?;
        let privileges = fields.required(Tag(0x82))?.value.to_vec();
        fields.required(Tag(0xC9))?;
        let parameters = fields.optional(Tag(0xEA))?;
        let toolkit = match &parameters {
            Some(parameters) => parameters.fields().optional(Tag(0x80))?,
            None => None,
        };
        let reach = match toolkit {
            Some(field) => {
                let reach = Reach::of_toolkit_parameters(field.value);
                Some(reach.ok_or(Error::Value("uiccToolkitApplicationSpecificParametersField"))?)
            }
            None => None,
        };
        let mut keys = Vec::new();
        if let Some(list) = key_list {
            let mut reader = list.reader();
            while let Some(object) = reader.next()? {
                if object.tag != Tag::SEQUENCE || keys.len() == Self::MAX_KEYS {
                    return Err(Error::Value("keyList"));
                }
                keys.push(KeyObject::decode(&object)?);
            }
        }
        Ok(Self { header, instance, privileges, reach, keys, raw: Zeroizing::new(element.raw.to_vec()) })
    }

    /// The whole element as received, keys included.
    #[must_use]
    pub fn expose_raw(&self) -> &[u8] {
        &self.raw
    }
}

/// Access of an RFM application to the files of one ADF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdfAccess {
    /// AID of the ADF, which is selected when a script begins.
    pub aid: Aid,
    /// Access domain (ETSI TS 102 226 §8.2.1.3.2.5).
    pub domain: Vec<u8>,
    /// Access domain of administrative commands.
    pub admin_domain: Vec<u8>,
}

/// `PE-RFM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rfm {
    /// Header.
    pub header: PeHeader,
    /// AID of the application.
    pub instance: Aid,
    /// The security domain whose keys protect it; absent: the operator's.
    pub security_domain: Option<Aid>,
    /// TARs and minimum security level.
    pub reach: Reach,
    /// Access domain for the files under the MF.
    pub uicc_domain: Vec<u8>,
    /// Access domain of administrative commands there.
    pub uicc_admin_domain: Vec<u8>,
    /// Access to an ADF.
    pub adf: Option<AdfAccess>,
    raw: Vec<u8>,
}

impl Rfm {
    pub(crate) fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = element.fields();
        let header = PeHeader::decode(&mut fields)?;
        let instance = aid(&mut fields)?;
        let security_domain = match fields.optional(AID)? {
            Some(tlv) => Some(read_aid(&tlv)?),
            None => None,
        };
        let mut tars = Vec::new();
        if let Some(list) = fields.optional(Tag(0xA0))? {
            let mut reader = list.reader();
            while let Some(tar) = reader.next()? {
                tars.push(tar.array()?);
            }
        }
        let [minimum_security_level] = fields.required(Tag(0x81))?.array()?;
        let uicc_domain = fields.required(Tag::OCTET_STRING)?.value.to_vec();
        let uicc_admin_domain = fields.required(Tag::OCTET_STRING)?.value.to_vec();
        let adf = match fields.optional(Tag::SEQUENCE)? {
            Some(access) => {
                let mut fields = access.fields();
                Some(AdfAccess {
                    aid: read_aid(&fields.required(Tag(0x80))?)?,
                    domain: fields.required(Tag(0x81))?.value.to_vec(),
                    admin_domain: fields.required(Tag(0x82))?.value.to_vec(),
                })
            }
            None => None,
        };
        Ok(Self {
            header,
            instance,
            security_domain,
            reach: Reach { tars, minimum_security_level },
            uicc_domain,
            uicc_admin_domain,
            adf,
            raw: element.raw.to_vec(),
        })
    }

    /// The whole element as received.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }
}

fn aid(fields: &mut Fields<'_>) -> Result<Aid, Error> {
    read_aid(&fields.required(AID)?)
}

fn read_aid(tlv: &Tlv<'_>) -> Result<Aid, Error> {
    Aid::from_bytes(tlv.value).map_err(|_| Error::Value("ApplicationIdentifier"))
}

#[cfg(test)]
mod tests {
    use super::Reach;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Priority, timers, text length, menu entries with two bytes each, channels, minimum
    /// security level, TARs (ETSI TS 102 226 §8.2.1.3.2.2.1).
    #[test]
    fn toolkit_parameters() {
        for (field, level) in [
            (&[1, 0, 0, 0, 0, 0, 3, 0xB2, 1, 0][..], 0x00),
            (&[1, 0, 0, 0, 0, 2, 1, 0x16, 3, 0xB2, 1, 0], 0x16),
            (&[1, 0, 0, 1, 7, 7, 0, 2, 1, 0x16, 3, 0xB2, 1, 0], 0x16),
            // A parameter that is not known asks for something: a checksum at least.
            (&[1, 0, 0, 0, 0, 2, 2, 0x00, 3, 0xB2, 1, 0], 0x02),
            (&[1, 0, 0, 0, 0, 1, 1, 3, 0xB2, 1, 0], 0x02),
        ] {
            let reach = Reach::of_toolkit_parameters(field).unwrap();
            assert_eq!((&reach.tars[..], reach.minimum_security_level), (&[[0xB2, 1, 0]][..], level));
        }
        for short in [&[1, 0, 0][..], &[1, 0, 0, 1, 7], &[1, 0, 0, 0, 0, 3, 1, 2], &[1, 0, 0, 0, 0, 0, 6, 1]]
        {
            assert_eq!(Reach::of_toolkit_parameters(short), None, "{short:02X?}");
        }
    }
}
