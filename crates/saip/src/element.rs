//! Profile elements: the pieces a package is made of.

use rsp::Oid;
use tlv::{Fields, Tag, Tlv, Writer};
use zeroize::Zeroizing;

use crate::header::object_identifier;
use crate::{
    AkaParameter, Command, Error, File, PinCodes, ProfileHeader, PukCodes, Rfm, Secret, SecurityDomain,
};

/// The head of every element but the first and those of a future version.
///
/// ```asn1
/// PEHeader ::= SEQUENCE { mandated NULL OPTIONAL, identification UInt15 }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeHeader {
    /// Whether an eUICC that cannot do it must stop.
    pub mandated: bool,
    /// Names the element in the answer; unique in the package.
    pub identification: u16,
}

impl PeHeader {
    /// A header for an element that must be done.
    #[must_use]
    pub const fn mandated(identification: u16) -> Self {
        Self { mandated: true, identification }
    }

    pub(crate) fn decode(fields: &mut Fields<'_>) -> Result<Self, Error> {
        let mut header = fields.required(Tag(0xA0))?.fields();
        let mandated = header.optional(Tag(0x80))?.is_some();
        let identification = header.required(Tag(0x81))?.unsigned()?;
        match u16::try_from(identification) {
            Ok(identification) if identification <= 0x7FFF => Ok(Self { mandated, identification }),
            _ => Err(Error::Value("identification")),
        }
    }

    pub(crate) fn encode_into(self, writer: &mut Writer) {
        writer.nested(Tag(0xA0), |header| {
            header.optional(Tag(0x80), self.mandated.then_some(&[]));
            header.unsigned(Tag(0x81), u32::from(self.identification));
        });
    }
}

macro_rules! template_kinds {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// The elements that create files after a template; the number is the
        /// context tag in `ProfileElement`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum TemplateKind { $(
            #[doc = concat!("`", $text, "`")]
            $name = $number,
        )* }

        impl TemplateKind {
            /// Every one, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in the module.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}

template_kinds! {
    Mf = 16, "mf";
    Cd = 17, "cd";
    Telecom = 18, "telecom";
    Usim = 19, "usim";
    OptUsim = 20, "opt-usim";
    Isim = 21, "isim";
    OptIsim = 22, "opt-isim";
    Phonebook = 23, "phonebook";
    GsmAccess = 24, "gsm-access";
    Csim = 25, "csim";
    OptCsim = 26, "opt-csim";
    Eap = 27, "eap";
    Df5gs = 28, "df-5gs";
    DfSaip = 29, "df-saip";
    DfSnpn = 30, "df-snpn";
    Df5gProse = 31, "df-5gprose";
    Iot = 32, "iot";
    OptIot = 33, "opt-iot";
}

/// An element that creates files after a template. One shape for all: the members
/// differ only in their names, which [`crate::template`] knows by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateElement {
    /// Which element.
    pub kind: TemplateKind,
    /// Header.
    pub header: PeHeader,
    /// The template and its version.
    pub template: Oid,
    /// The members that are present: context tag number and file.
    pub files: Vec<(u8, File)>,
}

impl TemplateElement {
    /// The member with this context tag number.
    #[must_use]
    pub fn file(&self, number: u8) -> Option<&File> {
        self.files.iter().find(|(at, _)| *at == number).map(|(_, file)| file)
    }

    fn decode(kind: TemplateKind, element: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = element.fields();
        let header = PeHeader::decode(&mut fields)?;
        let template = object_identifier(&fields.required(Tag(0x81))?)?;
        let mut reader = element.reader();
        let mut files: Vec<(u8, File)> = Vec::new();
        while let Some(member) = reader.next()? {
            let number = match member.tag.0 {
                0xA0 | 0x81 => continue,
                tag @ 0xA2..=0xBE => (tag & 0x1F) as u8,
                tag @ 0xBF1F..=0xBF7F => (tag & 0x7F) as u8,
                _ => return Err(Error::Value("ProfileElement member")),
            };
            // Members of a SEQUENCE stand in order and once.
            if files.last().is_some_and(|(last, _)| *last >= number) {
                return Err(Error::Value("ProfileElement member order"));
            }
            files.push((number, File::decode_value(member.value)?));
        }
        Ok(Self { kind, header, template, files })
    }

    fn encode_into(&self, writer: &mut Writer) -> Result<(), Error> {
        self.header.encode_into(writer);
        writer.tlv(Tag(0x81), self.template.der_contents());
        for (number, file) in &self.files {
            file.encode_into(Tag::context_constructed(*number), writer)?;
        }
        Ok(())
    }
}

/// ```asn1
/// PE-GenericFileManagement ::= SEQUENCE { gfm-header PEHeader,
///   fileManagementCMD SEQUENCE (SIZE (1..MAX)) OF FileManagement }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenericFileManagement {
    /// Header.
    pub header: PeHeader,
    /// Lists of commands.
    pub commands: Vec<Vec<Command>>,
}

impl GenericFileManagement {
    /// The most files that one element may create.
    pub const MAX_FILES: usize = 1024;

    fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = element.fields();
        let header = PeHeader::decode(&mut fields)?;
        let mut lists = fields.required(Tag(0xA1))?.reader();
        let mut commands = Vec::new();
        let mut created = 0;
        while let Some(list) = lists.next()? {
            if list.tag != Tag::SEQUENCE {
                return Err(Error::Value("fileManagementCMD"));
            }
            let mut list = list.reader();
            let mut sequence = Vec::new();
            while let Some(command) = list.next()? {
                created += usize::from(command.tag == Tag(0x62));
                if created > Self::MAX_FILES {
                    return Err(Error::TooLarge);
                }
                sequence.push(Command::decode(&command)?);
            }
            commands.push(sequence);
        }
        Ok(Self { header, commands })
    }

    fn encode_into(&self, writer: &mut Writer) -> Result<(), Error> {
        self.header.encode_into(writer);
        let mut lists = Writer::new();
        for commands in &self.commands {
            let mut list = Writer::new();
            for command in commands {
                command.encode_into(&mut list)?;
            }
            lists.tlv(Tag::SEQUENCE, &list.finish());
        }
        writer.tlv(Tag(0xA1), &lists.finish());
        Ok(())
    }
}

/// An element whose inside is kept and not interpreted: it holds code, or what a
/// future version defines.
#[derive(Clone, PartialEq, Eq)]
pub struct Opaque {
    /// Header.
    pub header: PeHeader,
    /// The element, tag and length included.
    raw: Zeroizing<Vec<u8>>,
}

impl Opaque {
    /// The whole element as received; it may hold keys.
    #[must_use]
    pub fn expose_raw(&self) -> &[u8] {
        &self.raw
    }

    fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let header = PeHeader::decode(&mut element.fields())?;
        Ok(Self { header, raw: Zeroizing::new(element.raw.to_vec()) })
    }
}

/// `PE-CDMAParameter`: keys of CAVE and of packet access, not used by any
/// application here but understood.
#[derive(Clone, PartialEq, Eq)]
pub struct CdmaParameter {
    /// Header.
    pub header: PeHeader,
    /// The A-key, 8 bytes.
    pub authentication_key: Secret,
    /// Shared secret data A and B, 16 bytes.
    pub ssd: Option<Secret>,
    /// HRPD access authentication, simple IP and mobile IP parameters.
    pub access: [Option<Secret>; 3],
}

impl CdmaParameter {
    fn decode(element: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = element.fields();
        let header = PeHeader::decode(&mut fields)?;
        let key = fields.required(Tag(0x81))?.value;
        let authentication_key = Secret::sized(key, &[8], "authenticationKey")?;
        let ssd = match fields.optional(Tag(0x82))? {
            Some(tlv) => Some(Secret::sized(tlv.value, &[16], "ssd")?),
            None => None,
        };
        let mut access = [None, None, None];
        for (slot, tag) in access.iter_mut().zip([0x83, 0x84, 0x85]) {
            *slot = fields.optional(Tag(tag))?.map(|tlv| Secret::new(tlv.value));
        }
        Ok(Self { header, authentication_key, ssd, access })
    }

    fn encode_into(&self, writer: &mut Writer) {
        self.header.encode_into(writer);
        writer.tlv(Tag(0x81), self.authentication_key.expose_secret());
        writer.optional(Tag(0x82), self.ssd.as_ref().map(Secret::expose_secret));
        for (value, tag) in self.access.iter().zip([0x83, 0x84, 0x85]) {
            writer.optional(Tag(tag), value.as_ref().map(Secret::expose_secret));
        }
    }
}

/// ```asn1
/// PE-NonStandard ::= SEQUENCE { nonStandard-header PEHeader, issuerID OBJECT IDENTIFIER, content OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonStandard {
    /// Header.
    pub header: PeHeader,
    /// Whose definition the content follows.
    pub issuer: Oid,
    /// The content.
    pub content: Vec<u8>,
}

/// One element of a profile package.
///
/// Not `Debug`: what it holds is secret in half of its forms.
#[derive(Clone, PartialEq, Eq)]
pub enum ProfileElement {
    /// `header`, the first.
    Header(Box<ProfileHeader>),
    /// `genericFileManagement`.
    GenericFileManagement(GenericFileManagement),
    /// `pinCodes`.
    PinCodes(PinCodes),
    /// `pukCodes`.
    PukCodes(PukCodes),
    /// `akaParameter`.
    AkaParameter(Box<AkaParameter>),
    /// `cdmaParameter`.
    CdmaParameter(Box<CdmaParameter>),
    /// `securityDomain`.
    SecurityDomain(Box<SecurityDomain>),
    /// `rfm`.
    Rfm(Box<Rfm>),
    /// `application`, kept as it is.
    Application(Opaque),
    /// `nonStandard`.
    NonStandard(NonStandard),
    /// `end`, the last.
    End(PeHeader),
    /// Any of the elements that create files after a template.
    Template(TemplateElement),
    /// An element that this definition does not know.
    Unknown {
        /// Its tag.
        tag: Tag,
        /// Its header, when it has one where all have it.
        header: Option<PeHeader>,
        /// The element, tag and length included.
        raw: Zeroizing<Vec<u8>>,
    },
}

impl ProfileElement {
    /// Reads one element, tag and length included.
    ///
    /// # Errors
    /// When it does not follow its definition; [`crate::response::PeStatus::INVALID_REQUEST_FORMAT`]
    /// or `BAD_VALUES` is then what an eUICC answers.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let element = Tlv::single(bytes)?;
        let number = number(element.tag).ok_or(Error::Value("ProfileElement"))?;
        Ok(match number {
            0 => Self::Header(Box::new(ProfileHeader::decode(&element)?)),
            1 => Self::GenericFileManagement(GenericFileManagement::decode(&element)?),
            2 => Self::PinCodes(PinCodes::decode(&element)?),
            3 => Self::PukCodes(PukCodes::decode(&element)?),
            4 => Self::AkaParameter(Box::new(AkaParameter::decode(&element)?)),
            5 => Self::CdmaParameter(Box::new(CdmaParameter::decode(&element)?)),
            6 => Self::SecurityDomain(Box::new(SecurityDomain::decode(&element)?)),
            7 => Self::Rfm(Box::new(Rfm::decode(&element)?)),
            8 => Self::Application(Opaque::decode(&element)?),
            9 => {
                let mut fields = element.fields();
                Self::NonStandard(NonStandard {
                    header: PeHeader::decode(&mut fields)?,
                    issuer: object_identifier(&fields.required(Tag(0x81))?)?,
                    content: fields.required(Tag(0x82))?.value.to_vec(),
                })
            }
            10 => Self::End(PeHeader::decode(&mut element.fields())?),
            _ => match TemplateKind::from_number(number) {
                Some(kind) => Self::Template(TemplateElement::decode(kind, &element)?),
                None => Self::Unknown {
                    tag: element.tag,
                    header: PeHeader::decode(&mut element.fields()).ok(),
                    raw: Zeroizing::new(bytes.to_vec()),
                },
            },
        })
    }

    /// As DER, tag and length included.
    ///
    /// # Errors
    /// [`Error::Asn1`] for file control parameters of sizes that the definition
    /// does not allow.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut writer = Writer::new();
        match self {
            Self::Header(header) => header.encode_into(&mut writer),
            Self::GenericFileManagement(element) => element.encode_into(&mut writer)?,
            Self::PinCodes(element) => element.encode_into(&mut writer),
            Self::PukCodes(element) => element.encode_into(&mut writer),
            Self::AkaParameter(element) => element.encode_into(&mut writer),
            Self::CdmaParameter(element) => element.encode_into(&mut writer),
            Self::SecurityDomain(element) => return Ok(Zeroizing::new(element.expose_raw().to_vec())),
            Self::Rfm(element) => return Ok(Zeroizing::new(element.raw().to_vec())),
            Self::Application(opaque) => return Ok(opaque.raw.clone()),
            Self::NonStandard(element) => {
                element.header.encode_into(&mut writer);
                writer.tlv(Tag(0x81), element.issuer.der_contents()).tlv(Tag(0x82), &element.content);
            }
            Self::End(header) => header.encode_into(&mut writer),
            Self::Template(element) => element.encode_into(&mut writer)?,
            Self::Unknown { raw, .. } => return Ok(raw.clone()),
        }
        let value = Zeroizing::new(writer.finish());
        Ok(Zeroizing::new(tlv::encode(self.tag(), &value)))
    }

    /// Its tag.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        Tag::context_constructed(match self {
            Self::Header(_) => 0,
            Self::GenericFileManagement(_) => 1,
            Self::PinCodes(_) => 2,
            Self::PukCodes(_) => 3,
            Self::AkaParameter(_) => 4,
            Self::CdmaParameter(_) => 5,
            Self::SecurityDomain(_) => 6,
            Self::Rfm(_) => 7,
            Self::Application(_) => 8,
            Self::NonStandard(_) => 9,
            Self::End(_) => 10,
            Self::Template(element) => element.kind as u8,
            Self::Unknown { tag, .. } => return *tag,
        })
    }

    /// Its header; the first element of a package has none, nor need an unknown one.
    #[must_use]
    pub const fn header(&self) -> Option<PeHeader> {
        match self {
            Self::Header(_) => None,
            Self::GenericFileManagement(element) => Some(element.header),
            Self::PinCodes(element) => Some(element.header),
            Self::PukCodes(element) => Some(element.header),
            Self::AkaParameter(element) => Some(element.header),
            Self::CdmaParameter(element) => Some(element.header),
            Self::SecurityDomain(element) => Some(element.header),
            Self::Rfm(element) => Some(element.header),
            Self::Application(opaque) => Some(opaque.header),
            Self::NonStandard(element) => Some(element.header),
            Self::End(header) => Some(*header),
            Self::Template(element) => Some(element.header),
            Self::Unknown { header, .. } => *header,
        }
    }

    /// What names it in the answer.
    #[must_use]
    pub fn identification(&self) -> Option<u16> {
        self.header().map(|header| header.identification)
    }

    /// Its name in the module.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        element_name(self.tag())
    }
}

/// The name in the module of the element with this tag.
#[must_use]
pub const fn element_name(tag: Tag) -> &'static str {
    match number(tag) {
        Some(0) => "header",
        Some(1) => "genericFileManagement",
        Some(2) => "pinCodes",
        Some(3) => "pukCodes",
        Some(4) => "akaParameter",
        Some(5) => "cdmaParameter",
        Some(6) => "securityDomain",
        Some(7) => "rfm",
        Some(8) => "application",
        Some(9) => "nonStandard",
        Some(10) => "end",
        Some(other) => match TemplateKind::from_number(other) {
            Some(kind) => kind.name(),
            None => "unknown",
        },
        None => "unknown",
    }
}

/// The number of a context-specific constructed tag.
const fn number(tag: Tag) -> Option<u8> {
    match tag.0 {
        0xA0..=0xBE => Some((tag.0 & 0x1F) as u8),
        0xBF1F..=0xBF7F => Some((tag.0 & 0x7F) as u8),
        _ => None,
    }
}
