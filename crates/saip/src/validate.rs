//! Checking a package before it is offered or installed. Every finding names the
//! element and the rule; an element that cannot be read does not stop the rest.
//!
//! Rules from the TCA format (§8, Annex A) and from what the TS.48 profiles do.

use core::fmt;
use std::collections::BTreeSet;

use rsp::Imsi;

use crate::template::{self, Attributes, Row};
use crate::{
    AlgoConfiguration, AlgorithmId, Command, Fcp, File, FileStructure, GenericFileManagement, PinCodes,
    PinSource, ProfileElement, ProfileHeader, PukCodes, Service, Splitter, TemplateElement, TemplateKind,
    element_name,
};

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// The package is a sequence of profile elements.
    PackageForm,
    /// The element follows its definition.
    ElementForm,
    /// The first element is the header, and there is one.
    HeaderFirst,
    /// The last element is `end`, and there is one.
    EndLast,
    /// The MF is created before anything else.
    MfBeforeFiles,
    /// The element may be there once.
    Once,
    /// The element needs an application that is created before it.
    AfterApplication,
    /// No two elements have the same identification.
    UniqueIdentification,
    /// The version of the format is 2 or 3.
    Version,
    /// The ICCID is 18 to 20 digits.
    IccidForm,
    /// EF.ICCID says what the header says.
    IccidAgrees,
    /// There is an EF.IMSI with an IMSI.
    Imsi,
    /// A member that the definition makes mandatory is there.
    MandatoryFile,
    /// The template is one of the format and belongs to the element.
    KnownTemplate,
    /// The header lists the template.
    TemplateListed,
    /// The header lists the service that the element needs.
    ServiceListed,
    /// The template has a row for the member.
    KnownFile,
    /// File control parameters have a meaning and agree with the template.
    FileParameters,
    /// The file identifier is one that the template allows.
    FileIdentifier,
    /// Content is given where the template demands it.
    ContentGiven,
    /// Content fits into its file.
    ContentFits,
    /// `doNotCreate` stands only where files are created by default.
    DoNotCreate,
    /// No key reference is defined twice in one place.
    UniqueKeyReference,
    /// Global key references stand at the MF, local ones at applications.
    KeyReferenceScope,
    /// The PUK that a PIN refers to was defined before.
    PukDefined,
    /// The application whose data are shared was created before.
    SharedApplication,
    /// The element is one of the format.
    KnownElement,
    /// All USIMs have the same IMSI. Of this and the following see [`crate::issue`].
    ImsiAgrees,
    /// EF.ACC is the access class of the IMSI.
    AccessClass,
    /// EF.AD says that the MNC has two or three digits.
    MncLength,
    /// An application has a key, or another's.
    Authentication,
    /// No key is that of a published test profile.
    PublishedKey,
}

impl Rule {
    /// What the rule says.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::PackageForm => "a package is a sequence of profile elements",
            Self::ElementForm => "an element follows its definition",
            Self::HeaderFirst => "the first element is the header, and there is one",
            Self::EndLast => "the last element is `end`, and there is one",
            Self::MfBeforeFiles => "the MF is created before anything else",
            Self::Once => "this element may be there once",
            Self::AfterApplication => "this element follows the application it belongs to",
            Self::UniqueIdentification => "identifications are unique",
            Self::Version => "the major version is 2 or 3",
            Self::IccidForm => "an ICCID has 18 to 20 digits",
            Self::IccidAgrees => "EF.ICCID agrees with the header",
            Self::Imsi => "EF.IMSI holds an IMSI",
            Self::MandatoryFile => "mandatory members are present",
            Self::KnownTemplate => "the template is known and belongs to the element",
            Self::TemplateListed => "the header lists every template used",
            Self::ServiceListed => "the header lists every service used",
            Self::KnownFile => "the template has this member",
            Self::FileParameters => "file control parameters agree with the template",
            Self::FileIdentifier => "the template allows this file identifier",
            Self::ContentGiven => "the template demands content",
            Self::ContentFits => "content fits into its file",
            Self::DoNotCreate => "only files created by default can be left out",
            Self::UniqueKeyReference => "a key reference is defined once in one place",
            Self::KeyReferenceScope => "global references at the MF, local ones at applications",
            Self::PukDefined => "a PUK is defined before the PIN that refers to it",
            Self::SharedApplication => "data are shared with an application created before",
            Self::KnownElement => "the element is one of the format",
            Self::ImsiAgrees => "every EF.IMSI says the same",
            Self::AccessClass => "EF.ACC is the access class of the IMSI",
            Self::MncLength => "EF.AD gives the MNC two or three digits",
            Self::Authentication => "USIM and ISIM have something to authenticate with",
            Self::PublishedKey => "no key is one that everybody knows",
        }
    }
}

/// Whether an eUICC has to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It installs, but is not as it should be.
    Warning,
    /// It will be refused, or is of no use.
    Error,
}

/// One rule not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Place of the element in the package, from 0; none for the package as a whole.
    pub index: Option<usize>,
    /// Name of the element.
    pub element: &'static str,
    /// Its identification.
    pub identification: Option<u16>,
    /// Which rule.
    pub rule: Rule,
    /// Of what: a file, a key reference, a number. Never a secret.
    pub subject: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.element)?;
        if let Some(identification) = self.identification {
            write!(f, " {identification}")?;
        }
        write!(f, ": {}", self.rule.text())?;
        if self.subject.is_empty() { Ok(()) } else { write!(f, " ({})", self.subject) }
    }
}

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found, in the order of the package.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The findings for which an eUICC would refuse the package.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        // A hostile package could break rules without end. What is only warned of leaves room
        // for errors, or a thousand warnings would make any package a valid one.
        let most = if finding.severity == Severity::Error { 1000 } else { 900 };
        if self.findings.len() < most {
            self.findings.push(finding);
        }
    }

    /// Whether there is no error; there may be warnings.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.errors().next().is_none()
    }

    /// Whether a rule was found broken.
    #[must_use]
    pub fn has(&self, rule: Rule) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }
}

/// Checks an unprotected profile package.
#[must_use]
pub fn validate(package: &[u8]) -> Report {
    let mut checker = Checker::default();
    match Splitter::split(package) {
        Ok(elements) => {
            let last = elements.len().saturating_sub(1);
            for (index, bytes) in elements.into_iter().enumerate() {
                checker.index = Some(index);
                checker.element(bytes, index == last);
            }
        }
        Err(error) => checker.error(Rule::PackageForm, error.to_string()),
    }
    checker.whole();
    checker.report
}

/// The rule-keeping state of the walk over the elements.
#[derive(Default)]
struct Checker {
    report: Report,
    index: Option<usize>,
    element: &'static str,
    identification: Option<u16>,
    header: Option<ProfileHeader>,
    seen: BTreeSet<u32>,
    identifications: BTreeSet<u16>,
    has_mf: bool,
    has_iccid: bool,
    imsi: Option<bool>,
    ended: bool,
    naa: Option<Naa>,
    applications: Vec<Vec<u8>>,
    directories: Vec<Vec<u8>>,
    puks: BTreeSet<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Naa {
    Usim,
    Isim,
    Csim,
    Other,
}

impl Checker {
    fn error(&mut self, rule: Rule, subject: impl Into<String>) {
        self.finding(Severity::Error, rule, subject.into());
    }

    fn warning(&mut self, rule: Rule, subject: impl Into<String>) {
        self.finding(Severity::Warning, rule, subject.into());
    }

    fn finding(&mut self, severity: Severity, rule: Rule, subject: String) {
        let Self { index, element, identification, .. } = *self;
        self.report.add(Finding { severity, index, element, identification, rule, subject });
    }

    fn element(&mut self, bytes: &[u8], last: bool) {
        let Ok(head) = tlv::Tlv::single(bytes) else { return };
        self.element = element_name(head.tag);
        self.identification = None;
        let element = ProfileElement::decode(bytes);
        if let Ok(element) = &element {
            self.identification = element.identification();
        }
        self.place(head.tag.0, last);
        let element = match element {
            Ok(element) => element,
            Err(error) => return self.error(Rule::ElementForm, error.to_string()),
        };
        if let Some(identification) = element.identification()
            && !self.identifications.insert(identification)
        {
            self.error(Rule::UniqueIdentification, identification.to_string());
        }
        match &element {
            ProfileElement::Header(header) => self.profile_header(header),
            ProfileElement::GenericFileManagement(element) => self.generic(element),
            ProfileElement::PinCodes(element) => self.pins(element),
            ProfileElement::PukCodes(element) => self.puk_codes(element),
            ProfileElement::AkaParameter(element) => self.aka(&element.configuration),
            ProfileElement::CdmaParameter(_) if self.naa != Some(Naa::Csim) => {
                self.error(Rule::AfterApplication, "csim");
            }
            ProfileElement::Template(element) => self.template(element),
            ProfileElement::Unknown { header, .. } => {
                let mandated = header.is_some_and(|header| header.mandated);
                self.finding(severity(mandated), Rule::KnownElement, head.tag.to_string());
            }
            _ => {}
        }
    }

    /// Rules about where the element stands.
    fn place(&mut self, tag: u32, last: bool) {
        const ONCE: [u32; 5] = [0xA0, 0xAA, 0xB0, 0xB1, 0xB2];
        let first = self.seen.is_empty();
        if first != (tag == 0xA0) {
            self.error(Rule::HeaderFirst, "");
        }
        if last != (tag == 0xAA) {
            self.error(Rule::EndLast, "");
        }
        self.ended |= tag == 0xAA;
        if ONCE.contains(&tag) && self.seen.contains(&tag) {
            self.error(Rule::Once, "");
        }
        // An MF by generic file management is found when its command is read.
        // The IoT element brings its own.
        let needs_mf = (0xA2..=0xA9).contains(&tag) || (tag > 0xB0 && tag != 0xBF20);
        if needs_mf && !self.has_mf {
            self.error(Rule::MfBeforeFiles, "");
            self.has_mf = true;
        }
        let repeated = self.seen.contains(&tag);
        let needed = match tag {
            0xB3 => Some(Service::MultipleUsim),
            0xB5 => Some(Service::MultipleIsim),
            0xB9 => Some(Service::MultipleCsim),
            _ => None,
        };
        if let Some(service) = needed.filter(|_| repeated) {
            self.service(service);
        }
        self.seen.insert(tag);
    }

    fn service(&mut self, service: Service) {
        if self.header.as_ref().is_some_and(|header| !header.services.contains(service)) {
            self.warning(Rule::ServiceListed, service.name());
        }
    }

    fn profile_header(&mut self, header: &ProfileHeader) {
        if !matches!(header.major, 2 | 3) {
            self.error(Rule::Version, format!("{}.{}", header.major, header.minor));
        }
        if !header.iccid.is_well_formed() {
            self.error(Rule::IccidForm, header.iccid.to_string());
        }
        if self.header.is_none() {
            self.header = Some(header.clone());
        }
    }

    fn template(&mut self, element: &TemplateElement) {
        let kind = element.kind;
        if self.header.as_ref().is_some_and(|header| !header.templates.contains(&element.template)) {
            self.warning(Rule::TemplateListed, element.template.to_string());
        }
        self.application(element);
        for &number in mandatory(kind) {
            if element.file(number).is_none() {
                let name = template::row(kind, &element.template, number).map_or("", |row| row.name);
                self.error(Rule::MandatoryFile, format!("{name} [{number}]"));
            }
        }
        let known = template::by_oid(&element.template);
        // CSIM and IoT are of the format, but what they say of files is not tabled.
        let untabled = matches!(
            kind,
            TemplateKind::Csim | TemplateKind::OptCsim | TemplateKind::Iot | TemplateKind::OptIot
        );
        if !untabled && known.is_none_or(|template| template.kind != kind) {
            let severity = severity(element.header.mandated);
            return self.finding(severity, Rule::KnownTemplate, element.template.to_string());
        }
        for (number, file) in &element.files {
            let row = known.and_then(|template| template.row(*number));
            if row.is_none() && !untabled {
                self.error(Rule::KnownFile, format!("[{number}]"));
                continue;
            }
            let name = row.map_or_else(|| format!("[{number}]"), |row| row.name.to_owned());
            if file.do_not_create() {
                if !untabled && !known.is_some_and(|template| template.created_by_default) {
                    self.warning(Rule::DoNotCreate, name);
                }
                continue;
            }
            let ranged = row.is_some_and(|row| row.fid != row.fid_last);
            if ranged {
                for file in file.instances() {
                    self.file(kind, *number, row, &file, &name);
                }
            } else {
                self.file(kind, *number, row, file, &name);
            }
        }
    }

    /// Which application the element makes current, and which it needs.
    fn application(&mut self, element: &TemplateElement) {
        let needed = match element.kind {
            TemplateKind::Mf => {
                self.has_mf = true;
                None
            }
            TemplateKind::Usim | TemplateKind::Iot => {
                self.naa = Some(Naa::Usim);
                self.has_mf = true;
                None
            }
            TemplateKind::Isim => {
                self.naa = Some(Naa::Isim);
                None
            }
            TemplateKind::Csim => {
                self.naa = Some(Naa::Csim);
                None
            }
            TemplateKind::OptUsim
            | TemplateKind::OptIot
            | TemplateKind::Phonebook
            | TemplateKind::GsmAccess
            | TemplateKind::Df5gs
            | TemplateKind::DfSaip
            | TemplateKind::DfSnpn
            | TemplateKind::Df5gProse => Some((Naa::Usim, "usim")),
            TemplateKind::OptIsim => Some((Naa::Isim, "isim")),
            TemplateKind::OptCsim => Some((Naa::Csim, "csim")),
            TemplateKind::Cd | TemplateKind::Telecom | TemplateKind::Eap => None,
        };
        if let Some((naa, name)) = needed
            && self.naa != Some(naa)
        {
            self.error(Rule::AfterApplication, name);
        }
        let service = match element.kind {
            TemplateKind::Usim => Some(Service::Usim),
            TemplateKind::Isim => Some(Service::Isim),
            TemplateKind::Csim => Some(Service::Csim),
            TemplateKind::Eap => Some(Service::Eap),
            _ => None,
        };
        if let Some(service) = service {
            self.service(service);
        }
    }

    fn file(&mut self, kind: TemplateKind, number: u8, row: Option<&Row>, file: &File, name: &str) {
        let fcp = file.fcp();
        if let Some(fcp) = fcp {
            self.directory(fcp);
        }
        let attributes = match (row, fcp) {
            // Nothing to check against.
            (None, None) => return,
            (None, Some(fcp)) if fcp.file_descriptor.is_none() => return,
            _ => match template::resolve(row, fcp) {
                Ok(attributes) => attributes,
                Err(error) => return self.error(Rule::FileParameters, format!("{name}: {error}")),
            },
        };
        if let (Some(row), Some(fid)) = (row, fcp.and_then(Fcp::fid))
            && !row.allows_fid(fid)
        {
            self.error(Rule::FileIdentifier, format!("{name} {fid:04X}"));
        }
        if attributes.structure == FileStructure::Directory {
            let temporary = row.is_some_and(|row| row.fid.is_none());
            if temporary && (attributes.fid.is_none() || fcp.and_then(Fcp::aid).is_none()) {
                self.error(Rule::FileParameters, format!("{name}: fileID and dfName"));
            }
            return;
        }
        if attributes.fid.is_none() && row.is_some() {
            self.error(Rule::FileIdentifier, format!("{name}: none given"));
        }
        if fcp.and_then(Fcp::link).is_some_and(|path| !path.is_empty()) {
            return;
        }
        self.content(row, &attributes, file, name);
        self.identity(kind, number, row, &attributes, file);
    }

    fn content(&mut self, row: Option<&Row>, attributes: &Attributes, file: &File, name: &str) {
        let fcp = file.fcp();
        let pattern = fcp.is_some_and(|fcp| fcp.fill_pattern().or_else(|| fcp.repeat_pattern()).is_some());
        if row.is_some_and(|row| row.content_required) && !file.has_content() && !pattern {
            self.warning(Rule::ContentGiven, name);
        }
        let end = file.content_end();
        match attributes.size {
            Some(size) if end > size as usize => {
                self.error(Rule::ContentFits, format!("{name}: {end} bytes into {size}"));
            }
            Some(_) => {}
            // The size of BER-TLV files is the eUICC's to choose, and that of CSIM
            // files is in templates not tabled here.
            None if attributes.structure == FileStructure::BerTlv || row.is_none() => {}
            None => self.error(Rule::FileParameters, format!("{name}: efFileSize")),
        }
    }

    /// EF.ICCID and EF.IMSI.
    fn identity(
        &mut self,
        kind: TemplateKind,
        number: u8,
        row: Option<&Row>,
        attributes: &Attributes,
        file: &File,
    ) {
        let is_iccid = matches!((kind, number), (TemplateKind::Mf | TemplateKind::Iot, 4));
        let is_imsi = matches!((kind, number), (TemplateKind::Usim, 3) | (TemplateKind::Iot, 9));
        if !is_iccid && !is_imsi {
            return;
        }
        // Ten and nine bytes; nobody shall make us fill more.
        let small = attributes.size.is_none_or(|size| size <= 255);
        let body = if small { attributes.body(row, file).unwrap_or_default() } else { Vec::new() };
        if is_iccid {
            self.has_iccid = true;
            let expected = self.header.as_ref().map(|header| *header.iccid.as_bytes());
            if expected.is_some_and(|expected| body != expected) {
                self.error(Rule::IccidAgrees, "");
            }
        } else {
            let found = Imsi::from_ef(&body).is_ok();
            self.imsi = Some(found);
            if !found {
                self.error(Rule::Imsi, "");
            }
        }
    }

    /// Remembers applications and directories, which others may refer to.
    fn directory(&mut self, fcp: &Fcp) {
        // More than any card holds are not remembered.
        if let Some(aid) = fcp.aid().filter(|_| self.applications.len() < 64) {
            self.applications.push(aid.to_vec());
            if let Some(fid) = fcp.fid() {
                self.directories.push(fid.to_be_bytes().to_vec());
            }
        }
    }

    fn generic(&mut self, element: &GenericFileManagement) {
        // The file created last, and how much of it is left to fill.
        let mut current: Option<(String, Option<usize>, usize)> = None;
        if element.commands.iter().any(Vec::is_empty) {
            self.error(Rule::ElementForm, "empty FileManagement");
        }
        for command in element.commands.iter().flatten() {
            match command {
                Command::FilePath(_) => current = None,
                Command::CreateFcp(fcp) => {
                    self.directory(fcp);
                    let fid = fcp.fid();
                    let name = fid.map_or_else(|| "file".to_owned(), |fid| format!("{fid:04X}"));
                    if fid == Some(0x3F00) {
                        self.has_mf = true;
                    } else if !self.has_mf {
                        self.error(Rule::MfBeforeFiles, name.as_str());
                        self.has_mf = true;
                    }
                    match template::resolve(None, Some(fcp)) {
                        Ok(attributes) if attributes.structure == FileStructure::Directory => {
                            if fcp.aid().is_some() {
                                self.naa = Some(Naa::Other);
                            }
                            current = None;
                        }
                        Ok(attributes) => {
                            let link = fcp.link().is_some();
                            let open = attributes.structure == FileStructure::BerTlv;
                            if fid.is_none() || (attributes.size.is_none() && !link && !open) {
                                self.error(Rule::FileParameters, name.as_str());
                            }
                            current = Some((name, attributes.size.map(|size| size as usize), 0));
                        }
                        Err(error) => {
                            self.error(Rule::FileParameters, format!("{name}: {error}"));
                            current = Some((name, None, 0));
                        }
                    }
                }
                Command::FillFileOffset(_) | Command::FillFileContent(_) => {
                    let Some((name, size, position)) = &mut current else {
                        self.error(Rule::ContentFits, "content before a file");
                        continue;
                    };
                    *position = position.saturating_add(match command {
                        Command::FillFileOffset(skip) => usize::from(*skip),
                        Command::FillFileContent(bytes) => bytes.len(),
                        _ => 0,
                    });
                    let written = matches!(command, Command::FillFileContent(_));
                    if let Some(size) = size.filter(|&size| written && *position > size) {
                        let subject = format!("{name}: {position} bytes into {size}");
                        self.error(Rule::ContentFits, subject);
                    }
                }
            }
        }
    }

    fn pins(&mut self, element: &PinCodes) {
        match &element.source {
            PinSource::SharedWith(path) => {
                // The first identifier of a path is that of a DF below the MF, or of an ADF.
                let application = path.get(..2).is_none_or(|first| {
                    first[0] != 0x7F
                        || first == [0x7F, 0x10]
                        || self.directories.iter().any(|fid| fid == first)
                });
                if !application {
                    self.error(Rule::SharedApplication, "filePath");
                }
            }
            PinSource::Pins(pins) => {
                let mut references = BTreeSet::new();
                for pin in pins {
                    let reference = pin.key_reference;
                    if !references.insert(reference) {
                        self.error(Rule::UniqueKeyReference, format!("{reference:02X}"));
                    }
                    let possible = matches!(reference, 0x01..=0x08 | 0x0A..=0x0E | 0x81..=0x88 | 0x8A..=0x8E);
                    let local = reference & 0x80 != 0;
                    if !possible || local != self.below_mf() {
                        self.warning(Rule::KeyReferenceScope, format!("{reference:02X}"));
                    }
                    if pin.unblocking.is_some_and(|puk| !self.puks.contains(&puk)) {
                        self.error(Rule::PukDefined, format!("{reference:02X}"));
                    }
                }
            }
        }
    }

    /// Whether a DF or ADF is current rather than the MF.
    fn below_mf(&self) -> bool {
        self.naa.is_some() || self.seen.contains(&0xB1) || self.seen.contains(&0xB2)
    }

    fn puk_codes(&mut self, element: &PukCodes) {
        for puk in &element.codes {
            if !self.puks.insert(puk.key_reference) {
                self.error(Rule::UniqueKeyReference, format!("PUK {:02X}", puk.key_reference));
            }
        }
    }

    fn aka(&mut self, configuration: &AlgoConfiguration) {
        if self.naa.is_none() {
            self.error(Rule::AfterApplication, "usim or isim");
        }
        match configuration {
            AlgoConfiguration::Mapping { source, .. } => {
                let known = self.applications.iter().any(|aid| aid.starts_with(source));
                if !known {
                    self.error(Rule::SharedApplication, "mappingSource");
                }
            }
            AlgoConfiguration::Algorithm(parameter) => match parameter.algorithm {
                AlgorithmId::Milenage => self.service(Service::Milenage),
                AlgorithmId::Tuak if parameter.key.len() == 32 => self.service(Service::Tuak256),
                AlgorithmId::Tuak => self.service(Service::Tuak128),
                AlgorithmId::UsimTest => self.service(Service::UsimTestAlgorithm),
                AlgorithmId::Other(other) => self.error(Rule::ElementForm, format!("algorithmID {other}")),
            },
        }
    }

    /// Rules about what is nowhere to be found.
    fn whole(&mut self) {
        self.index = None;
        self.element = "package";
        self.identification = None;
        if self.header.is_none() {
            self.error(Rule::HeaderFirst, "");
        }
        if !self.ended {
            self.error(Rule::EndLast, "");
        }
        if !self.has_iccid {
            // It may have been created by generic file management.
            self.warning(Rule::IccidAgrees, "EF.ICCID not found");
        }
        if self.imsi.is_none() {
            self.warning(Rule::Imsi, "EF.IMSI not found");
        }
    }
}

/// An eUICC skips what it does not know unless it is mandated.
const fn severity(mandated: bool) -> Severity {
    if mandated { Severity::Error } else { Severity::Warning }
}

/// Context tag numbers of the members that the module does not call optional.
const fn mandatory(kind: TemplateKind) -> &'static [u8] {
    match kind {
        TemplateKind::Mf => &[2, 4, 5, 6],
        TemplateKind::Usim => &[2, 3, 4, 8, 13, 14, 18, 22],
        TemplateKind::Isim => &[2, 3, 4, 5, 6, 8],
        TemplateKind::Eap => &[2, 4],
        TemplateKind::Iot => &[9, 18],
        TemplateKind::Csim => &[
            2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
            28, 29, 30, 31, 32, 33, 34, 35,
        ],
        TemplateKind::OptUsim | TemplateKind::OptIsim | TemplateKind::OptCsim | TemplateKind::OptIot => &[],
        TemplateKind::Cd
        | TemplateKind::Telecom
        | TemplateKind::Phonebook
        | TemplateKind::GsmAccess
        | TemplateKind::Df5gs
        | TemplateKind::DfSaip
        | TemplateKind::DfSnpn
        | TemplateKind::Df5gProse => &[2],
    }
}
