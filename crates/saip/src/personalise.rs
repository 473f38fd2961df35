//! Profile types: a template package and the fields in it that differ from subscriber
//! to subscriber.
//!
//! ```text
//!  template ──► split ──► element by element ──► only the data objects that a named
//!  Field, Subscriber ────────────┘               field stands in are written anew
//! ```
//!
//! What is not named stays as it is, byte for byte; and so does what is named and has
//! the subscriber's value already. These are the rules:
//!
//! - **A named field must be given.** A subscriber without a PUK would otherwise get
//!   the template's, which everybody shares: [`Error::NotGiven`]. Whoever wants the
//!   template's value then leaves the field out, see [`Field::is_given`].
//! - **A named field must have a place** in the template, [`Error::NoPlace`] otherwise.
//!   EF.IMSI and EF.ACC it must have in every USIM; any other file is written wherever
//!   it is. [`places()`] tells what a template has room for.
//! - **Files whose size the standards leave open grow** when the subscriber's content
//!   is longer: lists of networks, of access points, IMS identities. The file control
//!   parameters then say the new size (TCA §8.3: a profile may give every file another
//!   size than the template). EF.SPN, EF.MSISDN, EF.SMSP and the fixed ones do not:
//!   [`Error::TooLong`].
//! - **Services are the template's to switch on.** EF.UST, EF.EST and access rules are
//!   not touched: who personalises EF.ACL wants a template that has service 35 and the
//!   list enabled.
//!
//! ```
//! use std::collections::BTreeSet;
//! use saip::build::{Authentication, Subscriber, package};
//! use saip::personalise::{Field, personalise};
//! use saip::{Package, Secret};
//!
//! let subscriber = |iccid: &str, imsi: &str, key| {
//!     let authentication =
//!         Authentication::Milenage { k: Secret::new([key; 16]), opc: Secret::new([0xCD; 16]) };
//!     Subscriber::new(iccid.parse().unwrap(), imsi.parse().unwrap(), 2, authentication)
//! };
//! let template = package(&subscriber("8900101000000000016", "001010000000001", 0)).unwrap();
//! let next = subscriber("8900101000000000024", "001010000000002", 0x46);
//! let fields = BTreeSet::from(Field::REQUIRED);
//! let upp = personalise(&template, &fields, &next).unwrap();
//! assert_eq!(Package::decode(&upp).unwrap().imsi().unwrap().as_str(), "001010000000002");
//! ```

mod content;
mod edit;
pub(crate) mod places;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use tlv::{Tag, Tlv};
use zeroize::Zeroizing;

use crate::build::{self, Authentication, Ims, Invalid, OtaKeys, Subscriber};
use crate::ef::{AccessTechnologies, Plmn};
use crate::template::{self, Row};
use crate::{
    AkaParameter, AlgoConfiguration, AlgoParameter, AlgorithmId, Fcp, File, FileItem, FileStructure,
    KeyObject, Package, PinCodes, ProfileElement, Secret, SecurityDomain, Service, Services, Splitter,
    TemplateElement, TemplateKind,
};
use content::{Content, TooLong, contents};
use edit::{Bytes, edit_inside, replace, resized, wrap};
use places::{Application, Directories, Ef, is_link};

type Fields = BTreeSet<Field>;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a profile type may personalise.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Field { $(
            $(#[$doc])*
            $name,
        )* }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in requests and descriptions of profile types.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

fields! {
    /// The header's `iccid` and EF.ICCID.
    Iccid = "iccid";
    /// EF.IMSI of every USIM, and what follows from it: EF.ACC, and the length of the
    /// MNC in EF.AD where that file has one.
    Imsi = "imsi";
    /// Algorithm, K and OPc of every application that has its own, and the service in
    /// the header when the algorithm is another one. Applications that share another's
    /// data go on doing so. SQN settings, limit of authentications and, with the same
    /// algorithm, its constants and options stay.
    Authentication = "authentication";
    /// EF.MSISDN: the number in its first record. The record's text stays.
    Msisdn = "msisdn";
    /// EF.SPN: the name. The condition to display it stays.
    Spn = "spn";
    /// PIN 1 (key reference 01). Attempts and attributes stay, as with every code: a
    /// PIN that is switched off in the template is so in the profile.
    Pin1 = "pin1";
    /// PUK 1 (01).
    Puk1 = "puk1";
    /// PIN 2 (81) of every application.
    Pin2 = "pin2";
    /// PUK 2 (81).
    Puk2 = "puk2";
    /// ADM 1 (0A).
    Adm1 = "adm1";
    /// EF.HPLMNwAcT: the IMSI's network, with every access technology.
    HomePlmn = "homePlmn";
    /// EF.OPLMNwAcT.
    OperatorPlmns = "operatorPlmns";
    /// EF.EHPLMN.
    EquivalentHome = "equivalentHome";
    /// EF.FPLMN.
    ForbiddenPlmns = "forbiddenPlmns";
    /// EF.SMSP: the service centre in its first record. The other parameters stay.
    ServiceCentre = "serviceCentre";
    /// EF.ACL.
    AccessPoints = "accessPoints";
    /// EF.IMPI, EF.IMPU and EF.DOMAIN of every ISIM.
    ImsIdentities = "imsIdentities";
    /// The AES keys 1, 2 and 3 of the operator's security domain whose version is that
    /// of the subscriber's keys.
    OtaKeys = "otaKeys";
}

impl Field {
    /// Without these no two profiles are different subscribers.
    pub const REQUIRED: [Self; 3] = [Self::Iccid, Self::Imsi, Self::Authentication];

    /// The field with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// Whether the subscriber has a value for it.
    #[must_use]
    pub fn is_given(self, subscriber: &Subscriber) -> bool {
        let codes = &subscriber.codes;
        match self {
            Self::Iccid | Self::Imsi | Self::Authentication | Self::HomePlmn => true,
            Self::Msisdn => subscriber.msisdn.is_some(),
            Self::Spn => !subscriber.spn.is_empty(),
            Self::Pin1 => codes.pin1.is_some(),
            Self::Puk1 => codes.puk1.is_some(),
            Self::Pin2 => codes.pin2.is_some(),
            Self::Puk2 => codes.puk2.is_some(),
            Self::Adm1 => codes.adm1.is_some(),
            Self::OperatorPlmns => !subscriber.operator_plmns.is_empty(),
            Self::EquivalentHome => !subscriber.equivalent_home.is_empty(),
            Self::ForbiddenPlmns => !subscriber.forbidden.is_empty(),
            Self::ServiceCentre => subscriber.service_centre.is_some(),
            Self::AccessPoints => !subscriber.access_points.is_empty(),
            Self::ImsIdentities => subscriber.ims.is_some(),
            Self::OtaKeys => subscriber.ota.is_some(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a template did not become a subscriber's package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The template is not a package that can be read.
    Template(crate::Error),
    /// The template has no place for the field.
    NoPlace(Field),
    /// The subscriber has no value for the field.
    NotGiven(Field),
    /// The value has no coding; the text says what is expected.
    Invalid(Field, &'static str),
    /// The content is longer than there is room for, in bytes (in records, where a
    /// file would need more than 254).
    TooLong {
        /// Of which field.
        field: Field,
        /// How many there are.
        needed: usize,
        /// How many there may be.
        room: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(error) => write!(f, "template: {error}"),
            Self::NoPlace(field) => write!(f, "{field}: the template has no place for it"),
            Self::NotGiven(field) => write!(f, "{field}: the subscriber has none"),
            Self::Invalid(field, what) => write!(f, "{field}: expected {what}"),
            Self::TooLong { field, needed, room } => {
                write!(f, "{field}: {needed} do not fit into the template's {room}")
            }
        }
    }
}

impl core::error::Error for Error {}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Self::Template(error)
    }
}

impl From<tlv::Error> for Error {
    fn from(error: tlv::Error) -> Self {
        Self::Template(error.into())
    }
}

/// The most by which a package may become longer than its template.
const MOST_GROWTH: usize = 256 * 1024;

/// Key type of AES keys (GlobalPlatform §11.1.8).
const AES: u8 = 0x88;

/// The largest file that is written into.
const LARGEST_FILE: u32 = 0x8000;

/// The most bytes that all files written into may have: far more than the files of a
/// subscriber, so that no template keeps us busy for long.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// The template with the named fields of this subscriber.
///
/// The result is not validated: see [`crate::issue`].
///
/// # Errors
/// [`Error`] names the field, or what of the template cannot be read.
pub fn personalise(
    template: &[u8],
    fields: &BTreeSet<Field>,
    subscriber: &Subscriber,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if let Some(field) = fields.iter().find(|field| !field.is_given(subscriber)) {
        return Err(Error::NotGiven(*field));
    }
    let mut personaliser = Personaliser {
        fields,
        contents: contents(fields, subscriber)?,
        codes: codes(fields, subscriber)?,
        authentication: authentication(fields, subscriber)?,
        keys: keys(fields, subscriber)?,
        subscriber,
        directories: Directories::default(),
        placed: Fields::new(),
        replaced: Services::default(),
        had_domain: false,
        left: MOST_BYTES,
    };
    personaliser.package(template)
}

/// The fields that a template has a place for.
///
/// # Errors
/// [`Error::Template`] when it cannot be read.
pub fn places(template: &[u8]) -> Result<BTreeSet<Field>, Error> {
    let mut subscriber = sample().ok_or(Error::Template(crate::Error::Value("sample")))?;
    if let Some(keys) = &mut subscriber.ota {
        let elements = Package::decode(template)?.elements;
        let domain = elements.iter().find_map(|element| match element {
            ProfileElement::SecurityDomain(domain) => Some(domain),
            _ => None,
        });
        let aes = |key: &&KeyObject| key.key_type == AES && (1..=15).contains(&key.version);
        let found = domain.and_then(|domain| domain.keys.iter().find(aes));
        keys.version = found.map_or(keys.version, |key| key.version);
    }
    // Most templates have most places: the first attempt leaves little to be tried again.
    let mut fields: Fields = Field::ALL.iter().copied().collect();
    loop {
        let field = match personalise(template, &fields, &subscriber) {
            Ok(_) => return Ok(fields),
            Err(error @ Error::Template(_)) => return Err(error),
            Err(
                Error::NoPlace(field)
                | Error::NotGiven(field)
                | Error::Invalid(field, _)
                | Error::TooLong { field, .. },
            ) => field,
        };
        fields.remove(&field);
    }
}

/// A subscriber with the shortest value of everything.
fn sample() -> Option<Subscriber> {
    let network = Plmn::from_digits("00101")?;
    let key = || Secret::new([0; 16]);
    let authentication = Authentication::Milenage { k: key(), opc: key() };
    let iccid = "8900101000000000016".parse().ok()?;
    let mut subscriber = Subscriber::new(iccid, "001010".parse().ok()?, 2, authentication);
    subscriber.codes = build::Codes {
        pin1: Some(Secret::new(*b"0000")),
        puk1: Some(Secret::new(*b"00000000")),
        pin2: Some(Secret::new(*b"0000")),
        puk2: Some(Secret::new(*b"00000000")),
        adm1: Some(Secret::new(*b"0000")),
    };
    subscriber.msisdn = Some("0".to_owned());
    subscriber.spn = "-".to_owned();
    subscriber.service_centre = Some("0".to_owned());
    subscriber.operator_plmns = vec![(network.clone(), AccessTechnologies::ALL)];
    subscriber.equivalent_home = vec![network.clone()];
    subscriber.forbidden = vec![network];
    subscriber.access_points = vec!["a".to_owned()];
    subscriber.ims = Some(Ims { impi: "a".to_owned(), impu: vec!["a".to_owned()], domain: "a".to_owned() });
    subscriber.ota = Some(OtaKeys { version: 1, kic: key(), kid: key(), kik: key() });
    Some(subscriber)
}

/// Key references of PINs, and of PUKs.
#[derive(Default)]
struct CodeValues {
    pins: Vec<(u32, Field, Secret)>,
    puks: Vec<(u32, Field, Secret)>,
}

fn codes(fields: &Fields, subscriber: &Subscriber) -> Result<CodeValues, Error> {
    const PIN_FORM: &str = "4 to 8 digits";
    const PUK_FORM: &str = "8 digits";
    let mut values = CodeValues::default();
    let codes = &subscriber.codes;
    let given = |field, value: &Option<Secret>| match value {
        Some(value) if fields.contains(&field) => Some(value.clone()),
        _ => None,
    };
    for (reference, field, value) in [(0x01, Field::Pin1, &codes.pin1), (0x81, Field::Pin2, &codes.pin2)] {
        if let Some(value) = given(field, value) {
            let value =
                build::code(&value, 4, PIN_FORM).map_err(|Invalid(what)| Error::Invalid(field, what))?;
            values.pins.push((reference, field, value));
        }
    }
    if let Some(value) = given(Field::Adm1, &codes.adm1) {
        let value = build::padded(&value, 4, "4 to 8 bytes");
        let value = value.map_err(|Invalid(what)| Error::Invalid(Field::Adm1, what))?;
        values.pins.push((0x0A, Field::Adm1, value));
    }
    for (reference, field, value) in [(0x01, Field::Puk1, &codes.puk1), (0x81, Field::Puk2, &codes.puk2)] {
        if let Some(value) = given(field, value) {
            let value =
                build::code(&value, 8, PUK_FORM).map_err(|Invalid(what)| Error::Invalid(field, what))?;
            values.puks.push((reference, field, value));
        }
    }
    Ok(values)
}

fn authentication(fields: &Fields, subscriber: &Subscriber) -> Result<Option<AlgoParameter>, Error> {
    if !fields.contains(&Field::Authentication) {
        return Ok(None);
    }
    let parameter = subscriber.authentication.parameter().map_err(|Invalid(what)| {
        let what =
            if what == "K" { "a K of the algorithm's length" } else { "an OPc of the algorithm's length" };
        Error::Invalid(Field::Authentication, what)
    })?;
    Ok(Some(parameter))
}

fn keys(fields: &Fields, subscriber: &Subscriber) -> Result<Option<OtaKeys>, Error> {
    let Some(keys) = subscriber.ota.as_ref().filter(|_| fields.contains(&Field::OtaKeys)) else {
        return Ok(None);
    };
    match keys.by_identifier() {
        Ok(_) => Ok(Some(keys.clone())),
        Err(_) => Err(Error::Invalid(Field::OtaKeys, "three keys of 16 bytes and a version of 1 to 15")),
    }
}

struct Personaliser<'a> {
    fields: &'a Fields,
    subscriber: &'a Subscriber,
    contents: Vec<(Ef, Content)>,
    codes: CodeValues,
    authentication: Option<AlgoParameter>,
    keys: Option<OtaKeys>,
    directories: Directories,
    /// The fields that were written, or had the value already.
    placed: Fields,
    /// What the algorithms needed that are not used any more.
    replaced: Services,
    /// Whether the operator's security domain has come.
    had_domain: bool,
    /// How many bytes of files may still be written into.
    left: usize,
}

impl Personaliser<'_> {
    fn package(&mut self, template: &[u8]) -> Result<Bytes, Error> {
        let elements = Splitter::split(template)?;
        let Some((first, others)) = elements.split_first() else {
            return Err(crate::Error::Value("ProfileElement").into());
        };
        let mut rest = Zeroizing::new(Vec::with_capacity(template.len()));
        for element in others {
            match self.element(element)? {
                Some(changed) => rest.extend_from_slice(&changed),
                None => rest.extend_from_slice(element),
            }
            if rest.len() > template.len().saturating_add(MOST_GROWTH) {
                return Err(crate::Error::TooLarge.into());
            }
        }
        // The services of the header follow from what comes after it.
        let header = self.header(first)?;
        if let Some(field) = self.fields.iter().find(|field| !self.placed.contains(field)) {
            return Err(Error::NoPlace(*field));
        }
        let mut package = Zeroizing::new(Vec::with_capacity(first.len() + rest.len() + 64));
        package.extend_from_slice(header.as_ref().map_or(first, |header| header.as_slice()));
        package.extend_from_slice(&rest);
        Ok(package)
    }

    fn header(&self, bytes: &[u8]) -> Result<Option<Bytes>, Error> {
        const ICCID: Tag = Tag(0x83);
        const SERVICES: Tag = Tag(0xA5);
        let ProfileElement::Header(header) = ProfileElement::decode(bytes)? else {
            return Err(crate::Error::Value("ProfileHeader").into());
        };
        let mut services = header.services;
        // The same algorithm as before needs nothing that it did not need before.
        if !self.replaced.is_empty() {
            services = services.without(self.replaced).with(self.subscriber.authentication.service());
        }
        edit_inside(&Tlv::single(bytes)?, |tlv| {
            Ok(match tlv.tag {
                ICCID if self.fields.contains(&Field::Iccid) => {
                    replace(tlv, &self.subscriber.iccid.unswapped())
                }
                SERVICES if services != header.services => Some(wrap(SERVICES, &services.encode())),
                _ => None,
            })
        })
    }

    /// The element as it is to be; `None` when it stays.
    fn element(&mut self, bytes: &[u8]) -> Result<Option<Bytes>, Error> {
        let element = ProfileElement::decode(bytes)?;
        let tlv = Tlv::single(bytes)?;
        match &element {
            ProfileElement::Template(element) => self.template(&tlv, element),
            ProfileElement::GenericFileManagement(_) => self.generic(&tlv),
            ProfileElement::PinCodes(codes) => self.pins(&tlv, codes),
            ProfileElement::PukCodes(_) => self.puks(&tlv),
            ProfileElement::AkaParameter(parameter) => self.aka(&tlv, parameter),
            ProfileElement::SecurityDomain(domain) => self.security_domain(&tlv, domain),
            _ => Ok(None),
        }
    }

    /// The field that a file belongs to.
    fn field_of(ef: Ef) -> Field {
        match ef {
            Ef::Iccid => Field::Iccid,
            Ef::Imsi | Ef::AccessClass | Ef::Administrative => Field::Imsi,
            Ef::Spn => Field::Spn,
            Ef::Msisdn => Field::Msisdn,
            Ef::SmsParameters => Field::ServiceCentre,
            Ef::OperatorPlmns => Field::OperatorPlmns,
            Ef::HomePlmn => Field::HomePlmn,
            Ef::EquivalentHome => Field::EquivalentHome,
            Ef::ForbiddenPlmns => Field::ForbiddenPlmns,
            Ef::AccessPoints => Field::AccessPoints,
            Ef::Impi | Ef::Impu | Ef::Domain => Field::ImsIdentities,
        }
    }

    fn content(&self, ef: Ef) -> Option<&Content> {
        self.contents.iter().find(|(own, _)| *own == ef).map(|(_, content)| content)
    }

    /// Notes that a file of a field has its content.
    fn place(&mut self, ef: Ef) {
        // EF.ACC and EF.AD alone are no place for an IMSI.
        if !matches!(ef, Ef::AccessClass | Ef::Administrative) {
            self.placed.insert(Self::field_of(ef));
        }
    }

    fn template(&mut self, tlv: &Tlv<'_>, element: &TemplateElement) -> Result<Option<Bytes>, Error> {
        self.directories.of_element(element);
        let kind = element.kind;
        let created_by_default =
            template::by_oid(&element.template).is_some_and(|own| own.kind == kind && own.created_by_default);
        let mut members: BTreeMap<u8, Bytes> = BTreeMap::new();
        let mut left = self.left;
        for (number, ef) in Ef::members(kind) {
            let Some(content) = self.content(ef) else { continue };
            let row = places::row(element, number);
            let given = element.file(number);
            let is_place = match given {
                Some(file) => !file.do_not_create() && !is_link(file.fcp()),
                None => created_by_default,
            };
            if is_place {
                let value = member(tlv, number)?.map_or(&[][..], |member| member.value);
                let tabled = !matches!(kind, TemplateKind::Iot | TemplateKind::OptIot);
                if let Some(value) = file(ef, row, tabled, value, content, &mut left)? {
                    members.insert(number, wrap(Tag::context_constructed(number), &value));
                }
                self.place(ef);
            } else if is_compulsory(kind, ef) {
                return Err(Error::NoPlace(Self::field_of(ef)));
            }
        }
        self.left = left;
        if members.is_empty() {
            return Ok(None);
        }
        let mut value = Zeroizing::new(Vec::with_capacity(tlv.value.len() + 64));
        let mut reader = tlv.reader();
        while let Some(own) = reader.next()? {
            let number = member_number(own.tag);
            while let Some((next, _)) = members.first_key_value()
                && number.is_some_and(|number| *next < number)
                && let Some((_, new)) = members.pop_first()
            {
                value.extend_from_slice(&new);
            }
            match number.and_then(|number| members.remove(&number)) {
                Some(changed) => value.extend_from_slice(&changed),
                None => value.extend_from_slice(own.raw),
            }
        }
        members.values().for_each(|new| value.extend_from_slice(new));
        Ok(Some(wrap(tlv.tag, &value)))
    }

    fn generic(&mut self, tlv: &Tlv<'_>) -> Result<Option<Bytes>, Error> {
        edit_inside(tlv, |lists| {
            if lists.tag != Tag(0xA1) {
                return Ok(None);
            }
            edit_inside(lists, |list| Ok(self.commands(list.value)?.map(|value| wrap(list.tag, &value))))
        })
    }

    /// A list of commands of generic file management. What fills a file stands behind
    /// the command that creates it.
    fn commands(&mut self, list: &[u8]) -> Result<Option<Bytes>, Error> {
        const FILE_PATH: Tag = Tag(0x80);
        const CREATE_FCP: Tag = Tag(0x62);
        const FILL: [(Tag, Tag); 3] =
            [(CREATE_FCP, Tag(0xA1)), (Tag(0x02), Tag(0x82)), (Tag(0x81), Tag(0x83))];
        let mut all = Vec::new();
        let mut reader = tlv::Reader::new(list);
        while let Some(command) = reader.next()? {
            all.push(command);
        }
        let mut directory = Some(Application::Mf);
        let mut edited = Zeroizing::new(Vec::with_capacity(list.len() + 64));
        let mut changed = false;
        let mut left = self.left;
        let mut rest = &all[..];
        while let Some((command, after)) = rest.split_first() {
            if command.tag != CREATE_FCP {
                if command.tag == FILE_PATH {
                    directory = self.directories.at(command.value);
                }
                edited.extend_from_slice(command.raw);
                rest = after;
                continue;
            }
            let fcp = Fcp::decode_value(command.value)?;
            self.directories.of_command(&fcp);
            let fills = after.iter().take_while(|next| !matches!(next.tag, FILE_PATH | CREATE_FCP)).count();
            let (own, others) = rest.split_at(fills + 1);
            rest = others;
            let ef = directory.zip(fcp.fid()).and_then(|(own, fid)| Ef::of_file(own, fid));
            let content = ef.filter(|_| !is_link(Some(&fcp))).and_then(|ef| Some((ef, self.content(ef)?)));
            let mut new = None;
            if let Some((ef, content)) = content {
                // The same file as an element that follows a template would describe it.
                let item = |tag: Tag| FILL.iter().find(|(command, _)| *command == tag).map(|(_, item)| *item);
                let mut value = Zeroizing::new(Vec::new());
                for part in own {
                    let tag = item(part.tag).ok_or(crate::Error::Value("FileManagement"))?;
                    value.extend_from_slice(&wrap(tag, part.value));
                }
                new = file(ef, None, true, &value, content, &mut left)?;
                self.place(ef);
            }
            match new {
                Some(value) => {
                    let command = |tag: Tag| FILL.iter().find(|(_, item)| *item == tag).map(|(own, _)| *own);
                    let mut reader = tlv::Reader::new(&value);
                    while let Some(part) = reader.next()? {
                        let tag = command(part.tag).ok_or(crate::Error::Value("FileManagement"))?;
                        edited.extend_from_slice(&wrap(tag, part.value));
                    }
                    changed = true;
                }
                None => own.iter().for_each(|part| edited.extend_from_slice(part.raw)),
            }
        }
        self.left = left;
        Ok(changed.then_some(edited))
    }

    fn pins(&mut self, tlv: &Tlv<'_>, codes: &PinCodes) -> Result<Option<Bytes>, Error> {
        let Self { codes: values, placed, .. } = self;
        if codes.pins().is_empty() {
            return Ok(None);
        }
        edit_inside(tlv, |choice| match choice.tag {
            Tag(0xA1) => edit_inside(choice, |list| match list.tag {
                Tag(0xA0) => edit_inside(list, |entry| code(entry, &values.pins, placed)),
                _ => Ok(None),
            }),
            _ => Ok(None),
        })
    }

    fn puks(&mut self, tlv: &Tlv<'_>) -> Result<Option<Bytes>, Error> {
        let Self { codes: values, placed, .. } = self;
        edit_inside(tlv, |list| match list.tag {
            Tag(0xA1) => edit_inside(list, |entry| code(entry, &values.puks, placed)),
            _ => Ok(None),
        })
    }

    fn aka(&mut self, tlv: &Tlv<'_>, parameter: &AkaParameter) -> Result<Option<Bytes>, Error> {
        const KEY: Tag = Tag(0x82);
        const OPC: Tag = Tag(0x83);
        let AlgoConfiguration::Algorithm(old) = &parameter.configuration else { return Ok(None) };
        let Some(new) = &self.authentication else { return Ok(None) };
        self.placed.insert(Field::Authentication);
        let service = match old.algorithm {
            AlgorithmId::Milenage => Some(Service::Milenage),
            AlgorithmId::Tuak if old.key.len() == 32 => Some(Service::Tuak256),
            AlgorithmId::Tuak => Some(Service::Tuak128),
            AlgorithmId::UsimTest => Some(Service::UsimTestAlgorithm),
            AlgorithmId::Other(_) => None,
        };
        if let Some(service) = service.filter(|own| *own != self.subscriber.authentication.service()) {
            self.replaced = self.replaced.with(service);
        } else if service.is_none() {
            return Err(Error::NoPlace(Field::Authentication));
        }
        let mut new = new.clone();
        new.auth_counter_max = old.auth_counter_max;
        let same = old.algorithm == new.algorithm;
        if same {
            (new.options, new.rotation, new.xoring) = (old.options, old.rotation, old.xoring);
            match new.algorithm {
                AlgorithmId::Tuak => {}
                // The test algorithm has no OPc: what stands there means nothing.
                AlgorithmId::UsimTest => {
                    (new.opc, new.number_of_keccak) = (old.opc.clone(), old.number_of_keccak);
                }
                _ => new.number_of_keccak = old.number_of_keccak,
            }
        }
        let keys_only = same && old.number_of_keccak == new.number_of_keccak;
        edit_inside(tlv, |configuration| {
            if configuration.tag != Tag(0xA1) {
                return Ok(None);
            }
            edit_inside(configuration, |choice| {
                if keys_only {
                    return edit_inside(choice, |component| {
                        Ok(match component.tag {
                            KEY => replace(component, new.key.expose_secret()),
                            OPC => replace(component, new.opc.expose_secret()),
                            _ => None,
                        })
                    });
                }
                Ok(Some(wrap(choice.tag, &new.encode())))
            })
        })
    }

    fn security_domain(&mut self, tlv: &Tlv<'_>, domain: &SecurityDomain) -> Result<Option<Bytes>, Error> {
        // The operator's is the first.
        let Some(keys) = self.keys.as_ref().filter(|_| !self.had_domain) else { return Ok(None) };
        self.had_domain = true;
        let values = keys.by_identifier().map_err(|_| Error::NoPlace(Field::OtaKeys))?;
        let value_of = |key: &KeyObject| {
            let fits = key.version == keys.version && key.key_type == AES && key.data.len() == 16;
            values.get(usize::from(key.identifier).checked_sub(1)?).filter(|_| fits).copied()
        };
        let found: BTreeSet<u8> =
            domain.keys.iter().filter(|key| value_of(key).is_some()).map(|key| key.identifier).collect();
        if found.len() != values.len() {
            return Err(Error::NoPlace(Field::OtaKeys));
        }
        self.placed.insert(Field::OtaKeys);
        let mut objects = domain.keys.iter();
        edit_inside(tlv, |list| {
            if list.tag != Tag(0xA2) {
                return Ok(None);
            }
            edit_inside(list, |object| {
                let Some(value) = objects.next().and_then(value_of) else { return Ok(None) };
                edit_inside(object, |components| match components.tag {
                    Tag::SEQUENCE => edit_inside(components, |component| {
                        edit_inside(component, |part| {
                            Ok(if part.tag == Tag(0x86) {
                                replace(part, value.expose_secret())
                            } else {
                                None
                            })
                        })
                    }),
                    _ => Ok(None),
                })
            })
        })
    }
}

/// Whether every element of this kind must have the file.
const fn is_compulsory(kind: TemplateKind, ef: Ef) -> bool {
    matches!(
        (kind, ef),
        (TemplateKind::Mf, Ef::Iccid)
            | (TemplateKind::Usim | TemplateKind::Iot, Ef::Imsi | Ef::AccessClass)
            | (TemplateKind::Isim, Ef::Impi | Ef::Impu | Ef::Domain)
    )
}

/// A code with a new value, if its key reference is among those to be written.
fn code(
    entry: &Tlv<'_>,
    values: &[(u32, Field, Secret)],
    placed: &mut Fields,
) -> Result<Option<Bytes>, Error> {
    let reference = entry.fields().required(Tag(0x80))?.unsigned()?;
    let Some((_, field, value)) = values.iter().find(|(own, ..)| *own == reference) else { return Ok(None) };
    placed.insert(*field);
    edit_inside(entry, |component| {
        Ok(if component.tag == Tag(0x81) { replace(component, value.expose_secret()) } else { None })
    })
}

/// Context tag number of a member that describes a file.
fn member_number(tag: Tag) -> Option<u8> {
    match tag.0 {
        tag @ 0xA2..=0xBE => Some((tag & 0x1F) as u8),
        tag @ 0xBF1F..=0xBF7F => Some((tag & 0x7F) as u8),
        _ => None,
    }
}

fn member<'a>(element: &Tlv<'a>, number: u8) -> Result<Option<Tlv<'a>>, Error> {
    let mut reader = element.reader();
    while let Some(tlv) = reader.next()? {
        if member_number(tlv.tag) == Some(number) {
            return Ok(Some(tlv));
        }
    }
    Ok(None)
}

/// A file, the value of a member, with other content; `None` when it has that already.
/// Of a file that is not `tabled` all bytes are written: what it holds without them is
/// not known for certain.
fn file(
    ef: Ef,
    row: Option<&Row>,
    tabled: bool,
    value: &[u8],
    content: &Content,
    left: &mut usize,
) -> Result<Option<Bytes>, Error> {
    const FILE_DESCRIPTOR: Tag = Tag(0xA1);
    const FILL_FILE_CONTENT: Tag = Tag(0x83);
    let own = File::decode_value(value)?;
    let mut descriptors = Vec::new();
    let mut reader = tlv::Reader::new(value);
    while let Some(item) = reader.next()? {
        if item.tag == FILE_DESCRIPTOR {
            descriptors.push(item);
        }
    }
    let descriptor = match descriptors[..] {
        [] => None,
        [descriptor] => Some(descriptor),
        _ => return Err(crate::Error::Value("fileDescriptor").into()),
    };
    let attributes = template::resolve(row, own.fcp())?;
    let structure =
        if content.is_records() { FileStructure::LinearFixed } else { FileStructure::Transparent };
    if attributes.structure != structure {
        return Err(crate::Error::Value("fileDescriptor").into());
    }
    if attributes.size.is_some_and(|size| size > LARGEST_FILE) {
        return Err(crate::Error::TooLarge.into());
    }
    let before = attributes.body(row, &own)?;
    *left = left.checked_sub(before.len()).ok_or(crate::Error::TooLarge)?;
    let after = content.write(&before, attributes.record_length).map_err(|TooLong { needed, room }| {
        Error::TooLong { field: Personaliser::field_of(ef), needed, room }
    })?;
    if after.bytes == before && after.record_length.is_none() {
        return Ok(None);
    }
    let descriptor = if after.bytes.len() == before.len() && after.record_length.is_none() {
        descriptor.map(|descriptor| Zeroizing::new(descriptor.raw.to_vec()))
    } else {
        let components = descriptor.map_or(&[][..], |descriptor| descriptor.value);
        Some(wrap(FILE_DESCRIPTOR, &resized(components, after.bytes.len(), after.record_length)?))
    };
    // What the file would hold without content need not be written.
    let fcp = match &descriptor {
        Some(descriptor) => Some(Fcp::decode_value(Tlv::single(descriptor)?.value)?),
        None => None,
    };
    let bare = File { items: fcp.map(|fcp| FileItem::FileDescriptor(Box::new(fcp))).into_iter().collect() };
    let attributes = template::resolve(row, bare.fcp())?;
    let blank = attributes.body(row, &bare).unwrap_or_default();
    let same = after.bytes.iter().rev().zip(blank.iter().rev()).take_while(|(new, own)| new == own).count();
    let same = if tabled && blank.len() == after.bytes.len() { same } else { 0 };
    let needed = match after.bytes.len().saturating_sub(same) {
        // A file that must be given content is given it.
        0 if row.is_some_and(|row| row.content_required) => after.bytes.len(),
        needed => needed,
    };
    let mut items = descriptor.unwrap_or_default();
    if let Some(written) = after.bytes.get(..needed).filter(|written| !written.is_empty()) {
        items.extend_from_slice(&wrap(FILL_FILE_CONTENT, written));
    }
    Ok(Some(items))
}
