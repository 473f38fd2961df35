//! The first element of a package: whose profile it is and what it needs.

use core::fmt;

use rsp::{Iccid, Oid};
use tlv::{Tag, Tlv, Writer};

use crate::Error;

macro_rules! services {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// What an eUICC may be required to have (`ServicesList`); the number is
        /// the context tag.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Service { $(
            #[doc = concat!("`", $text, "`")]
            $name = $number,
        )* }

        impl Service {
            /// Every service that the definition knows.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in the module.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

services! {
    Contactless = 0, "contactless";
    Usim = 1, "usim";
    Isim = 2, "isim";
    Csim = 3, "csim";
    Milenage = 4, "milenage";
    Tuak128 = 5, "tuak128";
    Cave = 6, "cave";
    GbaUsim = 7, "gba-usim";
    GbaIsim = 8, "gba-isim";
    Mbms = 9, "mbms";
    Eap = 10, "eap";
    JavaCard = 11, "javacard";
    Multos = 12, "multos";
    MultipleUsim = 13, "multiple-usim";
    MultipleIsim = 14, "multiple-isim";
    MultipleCsim = 15, "multiple-csim";
    Tuak256 = 16, "tuak256";
    UsimTestAlgorithm = 17, "usim-test-algorithm";
    BerTlv = 18, "ber-tlv";
    DfLink = 19, "dfLink";
    CatTp = 20, "cat-tp";
    GetIdentity = 21, "get-identity";
    ProfileAX25519 = 22, "profile-a-x25519";
    ProfileBP256 = 23, "profile-b-p256";
    SuciCalculatorApi = 24, "suciCalculatorApi";
    DnsResolution = 25, "dns-resolution";
    Scp11ac = 26, "scp11ac";
    Scp11cAuthorizationMechanism = 27, "scp11c-authorization-mechanism";
    S16Mode = 28, "s16mode";
    Eaka = 29, "eaka";
}

/// The set of services an eUICC must have; numbers that this definition does not
/// know yet are kept, so that they can be refused.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Services(u128);

impl Services {
    /// With one more service.
    #[must_use]
    pub const fn with(self, service: Service) -> Self {
        Self(self.0 | 1 << service as u8)
    }

    /// Whether a service is required.
    #[must_use]
    pub const fn contains(self, service: Service) -> bool {
        self.0 & (1 << service as u8) != 0
    }

    /// The known ones, by number.
    pub fn iter(self) -> impl Iterator<Item = Service> {
        Service::ALL.iter().copied().filter(move |&service| self.contains(service))
    }

    /// The numbers of those the definition does not know.
    pub fn unknown(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |&number| {
            self.0 & (1 << number) != 0 && !Service::ALL.iter().any(|&service| service as u8 == number)
        })
    }

    /// Those required here that `offered` does not have.
    #[must_use]
    pub const fn missing_from(self, offered: Self) -> Self {
        Self(self.0 & !offered.0)
    }

    /// Without those of another set.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        self.missing_from(others)
    }

    /// Whether none is required.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn decode(list: &Tlv<'_>) -> Result<Self, Error> {
        let mut reader = list.reader();
        let mut services = 0;
        while let Some(service) = reader.next()? {
            let number = match service.tag.0 {
                tag @ 0x80..=0x9E => tag & 0x1F,
                tag @ 0x9F1F..=0x9F7F => tag & 0x7F,
                _ => return Err(Error::Value("ServicesList")),
            };
            services |= 1u128 << number;
        }
        Ok(Self(services))
    }

    /// The components of a `ServicesList`, without its head.
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.encode_into(&mut writer);
        writer.finish()
    }

    fn encode_into(self, writer: &mut Writer) {
        for number in (0..128u8).filter(|number| self.0 & (1 << number) != 0) {
            writer.tlv(Tag::context(number), &[]);
        }
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Service::name)).entries(self.unknown()).finish()
    }
}

/// An application the eUICC must offer, with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MandatoryAid {
    /// 5 to 16 bytes.
    pub aid: Vec<u8>,
    /// Two bytes.
    pub version: [u8; 2],
}

/// ```asn1
/// ProfileHeader ::= SEQUENCE {
///   major-version UInt8, minor-version UInt8,
///   profileType UTF8String (SIZE (1..100)) OPTIONAL,
///   iccid OCTET STRING (SIZE (10)), pol OCTET STRING OPTIONAL,
///   eUICC-Mandatory-services ServicesList,
///   eUICC-Mandatory-GFSTEList SEQUENCE OF OBJECT IDENTIFIER,
///   connectivityParameters OCTET STRING OPTIONAL,
///   eUICC-Mandatory-AIDs SEQUENCE OF SEQUENCE { aid, version } OPTIONAL,
///   iotOptions IotOptions OPTIONAL }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileHeader {
    /// Major version of the format, 2 or 3.
    pub major: u8,
    /// Minor version of the format.
    pub minor: u8,
    /// Free text.
    pub profile_type: Option<String>,
    /// The ICCID, here with the halves of its bytes swapped; EF.ICCID must agree.
    pub iccid: Iccid,
    /// Profile policy rules of SGP.02; not used by consumer eUICCs.
    pub pol: Option<Vec<u8>>,
    /// What the eUICC must support.
    pub services: Services,
    /// The templates used (generic file system templates).
    pub templates: Vec<Oid>,
    /// Bearer parameters of SGP.02.
    pub connectivity: Option<Vec<u8>>,
    /// Applications the eUICC must have.
    pub mandatory_aids: Vec<MandatoryAid>,
    /// PIX of an IoT minimal profile.
    pub iot_pix: Option<Vec<u8>>,
}

impl ProfileHeader {
    pub(crate) fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let byte = |tlv: Tlv<'_>, name| u8::try_from(tlv.unsigned()?).map_err(|_| Error::Value(name));
        let mut fields = element.fields();
        let major = byte(fields.required(Tag(0x80))?, "major-version")?;
        let minor = byte(fields.required(Tag(0x81))?, "minor-version")?;
        let profile_type = match fields.optional(Tag(0x82))? {
            Some(text) => Some(text.text()?.to_owned()),
            None => None,
        };
        let iccid = Iccid::from_unswapped(fields.required(Tag(0x83))?.array()?);
        let pol = fields.optional(Tag(0x84))?.map(|tlv| tlv.value.to_vec());
        let services = Services::decode(&fields.required(Tag(0xA5))?)?;
        let mut list = fields.required(Tag(0xA6))?.reader();
        let mut templates = Vec::new();
        while let Some(oid) = list.next()? {
            if oid.tag != Tag::OID {
                return Err(Error::Value("eUICC-Mandatory-GFSTEList"));
            }
            templates.push(object_identifier(&oid)?);
        }
        let connectivity = fields.optional(Tag(0x87))?.map(|tlv| tlv.value.to_vec());
        let mut mandatory_aids = Vec::new();
        if let Some(list) = fields.optional(Tag(0xA8))? {
            let mut list = list.reader();
            while let Some(entry) = list.next()? {
                let mut entry = entry.fields();
                let aid = aid(&entry.required(Tag(0x80))?)?;
                mandatory_aids.push(MandatoryAid { aid, version: entry.required(Tag(0x81))?.array()? });
            }
        }
        let iot_pix = match fields.optional(Tag(0xA9))? {
            Some(options) => Some(options.fields().required(Tag(0x80))?.value.to_vec()),
            None => None,
        };
        Ok(Self {
            major,
            minor,
            profile_type,
            iccid,
            pol,
            services,
            templates,
            connectivity,
            mandatory_aids,
            iot_pix,
        })
    }

    pub(crate) fn encode_into(&self, writer: &mut Writer) {
        writer.unsigned(Tag(0x80), u32::from(self.major));
        writer.unsigned(Tag(0x81), u32::from(self.minor));
        writer.optional(Tag(0x82), self.profile_type.as_deref().map(str::as_bytes));
        writer.tlv(Tag(0x83), &self.iccid.unswapped());
        writer.optional(Tag(0x84), self.pol.as_deref());
        writer.nested(Tag(0xA5), |list| self.services.encode_into(list));
        writer.nested(Tag(0xA6), |list| {
            for oid in &self.templates {
                list.tlv(Tag::OID, oid.der_contents());
            }
        });
        writer.optional(Tag(0x87), self.connectivity.as_deref());
        if !self.mandatory_aids.is_empty() {
            writer.nested(Tag(0xA8), |list| {
                for entry in &self.mandatory_aids {
                    list.nested(Tag::SEQUENCE, |fields| {
                        fields.tlv(Tag(0x80), &entry.aid).tlv(Tag(0x81), &entry.version);
                    });
                }
            });
        }
        if let Some(pix) = &self.iot_pix {
            writer.nested(Tag(0xA9), |options| {
                options.tlv(Tag(0x80), pix);
            });
        }
    }
}

/// The contents of an `OBJECT IDENTIFIER`, whatever its tag.
pub(crate) fn object_identifier(tlv: &Tlv<'_>) -> Result<Oid, Error> {
    Oid::from_der_contents(tlv.value).map_err(|_| Error::Value("OBJECT IDENTIFIER"))
}

/// `ApplicationIdentifier ::= OCTET STRING (SIZE(5..16))`.
pub(crate) fn aid(tlv: &Tlv<'_>) -> Result<Vec<u8>, Error> {
    if (5..=16).contains(&tlv.value.len()) {
        Ok(tlv.value.to_vec())
    } else {
        Err(Error::Value("ApplicationIdentifier"))
    }
}
