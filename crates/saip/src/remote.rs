//! Who may be reached over the air: `PE-SecurityDomain` and `PE-RFM` (TCA profile package
//! §8.6, §8.8; GlobalPlatform Card Specification; ETSI TS 102 226 §8.2).

use tlv::{Fields, Tag, Tlv};

use crate::{Error, PeHeader, Secret};

const AID: Tag = Tag(0x4F);

/// A security domain with its keys.
#[derive(Clone, PartialEq, Eq)]
pub struct SecurityDomain {
    /// Header.
    pub header: PeHeader,
    /// `instanceAID`.
    pub instance: Vec<u8>,
    /// Every key of every version.
    pub keys: Vec<RemoteKey>,
    /// Toolkit application references under which it is reached.
    pub tars: Vec<[u8; 3]>,
    /// Minimum security level, coded as the first byte of SPI; 0 where none is said.
    pub minimum_security: u8,
}

/// A key of a security domain (`KeyObject`).
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteKey {
    /// Key version number.
    pub version: u8,
    /// Key identifier: for SCP80 1 KIc, 2 KID, 3 KIK.
    pub identifier: u8,
    /// GlobalPlatform key type: `80` DES, `88` AES, `85` PSK.
    pub key_type: u8,
    /// The key.
    pub key: Secret,
    /// Bytes of a checksum with it.
    pub mac_len: u8,
    /// Where the counter of its version starts.
    pub counter: Option<u64>,
}

/// Remote file management.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFileManagement {
    /// Header.
    pub header: PeHeader,
    /// `instanceAID`.
    pub instance: Vec<u8>,
    /// Toolkit application references under which it is reached.
    pub tars: Vec<[u8; 3]>,
    /// Minimum security level, coded as the first byte of SPI.
    pub minimum_security: u8,
    /// What it may do with the files of the UICC.
    pub uicc_access: AccessDomain,
    /// The ADF in which its scripts begin, and what it may do there.
    pub adf: Option<(Vec<u8>, AccessDomain)>,
}

/// What remote commands may do with files (ETSI TS 102 226 §8.2.1.3.2.5): the access domain
/// parameter and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessDomain {
    /// `00`: everything that is not forbidden to all.
    Full,
    /// `FF`: nothing.
    None,
    /// Another mechanism, with its data.
    Other(Vec<u8>),
}

impl AccessDomain {
    fn read(value: &[u8]) -> Self {
        match value {
            [0x00] => Self::Full,
            [] | [0xFF] => Self::None,
            other => Self::Other(other.to_vec()),
        }
    }
}

impl SecurityDomain {
    const TAG: Tag = Tag(0xA6);

    /// Reads the element.
    ///
    /// # Errors
    /// [`Error`] when it is not one.
    pub fn decode(raw: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(raw, Self::TAG)?.fields();
        let header = PeHeader::decode(&mut fields)?;
        let mut instance = fields.required(Tag(0xA1))?.reader();
        let mut aid = || -> Result<Vec<u8>, Error> { Ok(instance.expect(AID)?.value.to_vec()) };
        let (_, _, instance_aid) = (aid()?, aid()?, aid()?);
        let mut parameters = Fields::new(instance.rest());
        let toolkit = match parameters.optional(Tag(0xEA))? {
            Some(parameters) => parameters.fields().optional(Tag(0x80))?.map(|tlv| tlv.value),
            None => None,
        };
        let (tars, minimum_security) = match toolkit {
            Some(toolkit) => toolkit_parameters(toolkit).ok_or(Error::Value("toolkit parameters"))?,
            // The issuer security domain's own (ETSI TS 101 220 annex D).
            None => (vec![[0; 3]], 0),
        };
        let mut keys = Vec::new();
        if let Some(list) = fields.optional(Tag(0xA2))? {
            let mut objects = list.reader();
            while let Some(object) = objects.next()? {
                RemoteKey::read(&object, &mut keys)?;
            }
        }
        Ok(Self { header, instance: instance_aid, keys, tars, minimum_security })
    }
}

impl RemoteKey {
    /// A key object has one component or, for asymmetric keys, several.
    fn read(object: &Tlv<'_>, keys: &mut Vec<Self>) -> Result<(), Error> {
        let byte = |tlv: Tlv<'_>| tlv.array::<1>().map(|[byte]| byte);
        let mut fields = object.fields();
        let identifier = byte(fields.required(Tag(0x82))?)?;
        let version = byte(fields.required(Tag(0x83))?)?;
        let counter = match fields.optional(Tag(0x85))? {
            Some(tlv) if tlv.value.len() <= 8 => {
                Some(tlv.value.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
            }
            Some(_) => return Err(Error::Value("keyCounterValue")),
            None => None,
        };
        let mut components = fields.required(Tag::SEQUENCE)?.reader();
        while let Some(component) = components.next()? {
            let mut fields = component.fields();
            let key_type = *fields.required(Tag(0x80))?.value.first().ok_or(Error::Value("keyType"))?;
            let key = Secret::new(fields.required(Tag(0x86))?.value);
            let mac_len = match fields.optional(Tag(0x87))? {
                Some(tlv) => u8::try_from(tlv.unsigned()?).map_err(|_| Error::Value("macLength"))?,
                None => 8,
            };
            keys.push(Self { version, identifier, key_type, key, mac_len, counter });
        }
        Ok(())
    }
}

impl RemoteFileManagement {
    const TAG: Tag = Tag(0xA7);

    /// Reads the element.
    ///
    /// # Errors
    /// [`Error`] when it is not one.
    pub fn decode(raw: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(raw, Self::TAG)?.fields();
        let header = PeHeader::decode(&mut fields)?;
        let instance = fields.required(AID)?.value.to_vec();
        let mut tars = Vec::new();
        if let Some(list) = fields.optional(Tag(0xA0))? {
            let mut reader = list.reader();
            while let Some(tar) = reader.next()? {
                tars.push(tar.array()?);
            }
        }
        let minimum_security = fields.required(Tag(0x81))?.array::<1>()?[0];
        let uicc_access = AccessDomain::read(fields.required(Tag::OCTET_STRING)?.value);
        fields.required(Tag::OCTET_STRING)?;
        let adf = match fields.optional(Tag::SEQUENCE)? {
            Some(adf) => {
                let mut fields = adf.fields();
                let aid = fields.required(Tag(0x80))?.value.to_vec();
                Some((aid, AccessDomain::read(fields.required(Tag(0x81))?.value)))
            }
            None => None,
        };
        Ok(Self { header, instance, tars, minimum_security, uicc_access, adf })
    }
}

/// References and minimum security level in the UICC toolkit parameters (ETSI TS 102 226
/// §8.2.1.3.2.2): priority, timers, length of menu texts, menu entries with two bytes each,
/// channels, length and value of the security level, length and value of the references.
fn toolkit_parameters(bytes: &[u8]) -> Option<(Vec<[u8; 3]>, u8)> {
    let (&[_, _, _, entries], rest) = bytes.split_first_chunk()?;
    let (_, rest) = rest.split_at_checked(2 * usize::from(entries))?;
    let (_, rest) = rest.split_first()?;
    let (&len, rest) = rest.split_first()?;
    let (security, rest) = rest.split_at_checked(usize::from(len))?;
    let minimum = match security {
        [] => 0,
        // Parameter 01: the first byte of SPI.
        [0x01, minimum, ..] => *minimum,
        _ => return None,
    };
    let (&len, rest) = rest.split_first()?;
    let (tars, _) = rest.split_at_checked(usize::from(len))?;
    let (tars, odd) = tars.as_chunks::<3>();
    odd.is_empty().then(|| (tars.to_vec(), minimum))
}
