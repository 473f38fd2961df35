//! What an SM-DP+ looks at before it gives a package away, beside [`crate::validate`]:
//! whether it is a subscriber's, and how much room it takes.

use rsp::Imsi;

use crate::ef;
use crate::personalise::places::{self, Application, Created, Directories, Ef, is_link};
use crate::template::{self, Row};
use crate::validate::{Finding, Report, Rule, Severity};
use crate::{
    AlgoConfiguration, Command, Fcp, File, FileStructure, Package, ProfileElement, Splitter, TemplateElement,
    TemplateKind,
};

/// Checks an unprotected profile package for issuing: all of
/// [`crate::validate::validate`], and that
///
/// - there is an EF.ICCID and it is the header's, wherever it is created;
/// - every USIM has an EF.IMSI, and all say the same;
/// - EF.ACC is the IMSI's access class, EF.AD has a possible length of the MNC;
/// - USIM and ISIM have something to authenticate with;
/// - no key is one that everybody knows (a warning: test profiles have them).
#[must_use]
pub fn validate(package: &[u8]) -> Report {
    let mut report = crate::validate::validate(package);
    // Those are said better here, where generic file management is read too.
    report.findings.retain(|finding| {
        let unknown = finding.index.is_none() && finding.severity == Severity::Warning;
        !(unknown && matches!(finding.rule, Rule::IccidAgrees | Rule::Imsi))
    });
    let mut checker = Checker { report, ..Checker::default() };
    for (index, bytes) in Splitter::split(package).unwrap_or_default().into_iter().enumerate() {
        if let Ok(element) = ProfileElement::decode(bytes) {
            checker.index = Some(index);
            checker.element(&element);
        }
    }
    checker.whole();
    checker.report
}

/// An application with what was found of it.
struct Naa {
    application: Option<Application>,
    index: Option<usize>,
    element: &'static str,
    identification: Option<u16>,
    imsi: Option<Imsi>,
    access_class: Option<Vec<u8>>,
    authenticates: bool,
}

#[derive(Default)]
struct Checker {
    report: Report,
    index: Option<usize>,
    element: &'static str,
    identification: Option<u16>,
    iccid: Option<[u8; 10]>,
    has_iccid: bool,
    naas: Vec<Naa>,
    directories: Directories,
}

impl Checker {
    /// More applications than any card holds are not looked at.
    const MOST: usize = 64;

    fn finding(&mut self, severity: Severity, rule: Rule, subject: impl Into<String>) {
        let Self { report, index, element, identification, .. } = self;
        report.add(Finding {
            severity,
            index: *index,
            element,
            identification: *identification,
            rule,
            subject: subject.into(),
        });
    }

    fn element(&mut self, element: &ProfileElement) {
        self.element = element.name();
        self.identification = element.identification();
        match element {
            ProfileElement::Header(header) if self.iccid.is_none() => {
                self.iccid = Some(*header.iccid.as_bytes());
            }
            ProfileElement::Template(element) => self.template(element),
            ProfileElement::GenericFileManagement(element) => {
                for created in places::created(element, &mut self.directories) {
                    match created {
                        Created::Adf(application) => self.naa(Some(application)),
                        Created::File(ef, file) => self.file(ef, None, &file, true),
                    }
                }
            }
            ProfileElement::AkaParameter(parameter) => {
                if let Some(naa) = self.naas.last_mut() {
                    naa.authenticates = true;
                }
                if let AlgoConfiguration::Algorithm(parameter) = &parameter.configuration
                    && is_published(parameter.key.expose_secret())
                {
                    self.finding(Severity::Warning, Rule::PublishedKey, "K");
                }
            }
            ProfileElement::SecurityDomain(domain) => {
                for key in domain.keys.iter().filter(|key| is_published(key.data.expose_secret())) {
                    let subject = format!("key {} of version {}", key.identifier, key.version);
                    self.finding(Severity::Warning, Rule::PublishedKey, subject);
                }
            }
            _ => {}
        }
    }

    fn naa(&mut self, application: Option<Application>) {
        if self.naas.len() < Self::MOST {
            self.naas.push(Naa {
                application,
                index: self.index,
                element: self.element,
                identification: self.identification,
                imsi: None,
                access_class: None,
                authenticates: false,
            });
        }
    }

    fn template(&mut self, element: &TemplateElement) {
        self.directories.of_element(element);
        match element.kind {
            TemplateKind::Usim | TemplateKind::Iot => self.naa(Some(Application::Usim)),
            TemplateKind::Isim => self.naa(Some(Application::Isim)),
            TemplateKind::Csim => self.naa(None),
            _ => {}
        }
        for (number, file) in &element.files {
            if let Some(ef) = Ef::of_member(element.kind, *number) {
                self.file(ef, places::row(element, *number), file, false);
            }
        }
    }

    /// `generic`: the other check has not seen it.
    fn file(&mut self, ef: Ef, row: Option<&Row>, file: &File, generic: bool) {
        if file.do_not_create() || is_link(file.fcp()) {
            return;
        }
        let Ok(attributes) = template::resolve(row, file.fcp()) else { return };
        // None of these is long; nobody shall make us fill more.
        let small = attributes.size.is_none_or(|size| size <= 255);
        let body = if small { attributes.body(row, file).unwrap_or_default() } else { Vec::new() };
        match ef {
            Ef::Iccid => {
                self.has_iccid = true;
                if generic && self.iccid.is_some_and(|iccid| iccid[..] != body) {
                    self.finding(Severity::Error, Rule::IccidAgrees, "");
                }
            }
            Ef::Imsi => {
                let imsi = Imsi::from_ef(&body).ok();
                if generic && imsi.is_none() {
                    self.finding(Severity::Error, Rule::Imsi, "");
                }
                let other = self.naas.iter().find_map(|naa| naa.imsi.as_ref());
                if imsi.is_some() && other.is_some() && imsi.as_ref() != other {
                    self.finding(Severity::Error, Rule::ImsiAgrees, "");
                }
                if let Some(usim) = self.usim() {
                    usim.imsi = imsi;
                }
            }
            Ef::AccessClass => {
                if let Some(usim) = self.usim() {
                    usim.access_class = Some(body);
                }
            }
            Ef::Administrative => {
                // Files of three bytes say nothing of it.
                if let Some(length) = body.get(3).map(|byte| byte & 0x0F)
                    && !matches!(length, 2 | 3)
                {
                    self.finding(Severity::Warning, Rule::MncLength, length.to_string());
                }
            }
            _ => {}
        }
    }

    fn usim(&mut self) -> Option<&mut Naa> {
        self.naas.iter_mut().rev().find(|naa| naa.application == Some(Application::Usim))
    }

    fn whole(&mut self) {
        for naa in core::mem::take(&mut self.naas) {
            (self.index, self.element, self.identification) = (naa.index, naa.element, naa.identification);
            if naa.application.is_some() && !naa.authenticates {
                self.finding(Severity::Error, Rule::Authentication, "");
            }
            if naa.application != Some(Application::Usim) {
                continue;
            }
            match &naa.imsi {
                None => self.finding(Severity::Error, Rule::Imsi, "EF.IMSI"),
                Some(imsi) => {
                    // Classes 11 to 15 are given to few; those of 0 to 9 follow from the IMSI.
                    let expected = ef::access_class(imsi);
                    let agrees = naa
                        .access_class
                        .as_deref()
                        .and_then(|own| own.first_chunk())
                        .is_some_and(|[high, low]| [high & 0x07, *low] == expected);
                    if !agrees {
                        self.finding(Severity::Warning, Rule::AccessClass, "");
                    }
                }
            }
            self.naas.push(naa);
        }
        (self.index, self.element, self.identification) = (None, "package", None);
        if !self.has_iccid {
            self.finding(Severity::Error, Rule::IccidAgrees, "EF.ICCID not found");
        }
        if !self.naas.iter().any(|naa| naa.application == Some(Application::Usim)) {
            self.finding(Severity::Error, Rule::Imsi, "no USIM");
        }
    }
}

/// The keys of published test profiles: all the same byte, or 00 01 02 …
fn is_published(key: &[u8]) -> bool {
    let counted = key.iter().zip(0..).all(|(&byte, number): (&u8, u8)| byte == number);
    counted || key.windows(2).all(|pair| pair[0] == pair[1])
}

/// What a file or directory takes beside its body: its control parameters and its
/// place in the file system. An estimate; every eUICC has its own figure.
pub const FILE_OVERHEAD: u32 = 48;

/// What any other entry takes beside its value: a PIN, a PUK, a key.
pub const ENTRY_OVERHEAD: u32 = 32;

/// Bytes of non-volatile memory that a profile takes, roughly and rather too many:
/// the bodies of all files, those that the templates create by default included, and
/// [`FILE_OVERHEAD`] for each file and directory; for PINs, PUKs and keys their length
/// and [`ENTRY_OVERHEAD`] each; every element that holds code or is not understood as
/// it is. Metadata are not in it: an icon may be another kilobyte. Compare it with `freeNonVolatileMemory` in `extCardResource` of EUICCInfo2
/// (ETSI TS 102 226 §8.2.1.7.2).
#[must_use]
pub fn required_memory(package: &Package) -> u32 {
    package.elements.iter().map(element_memory).fold(0, u32::saturating_add)
}

fn element_memory(element: &ProfileElement) -> u32 {
    let raw = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_add(ENTRY_OVERHEAD);
    let entries = |count: usize, len: u32| {
        u32::try_from(count).unwrap_or(u32::MAX).saturating_mul(len.saturating_add(ENTRY_OVERHEAD))
    };
    match element {
        ProfileElement::Header(_) => ENTRY_OVERHEAD,
        ProfileElement::GenericFileManagement(element) => {
            let created = element.commands.iter().flatten().filter_map(|command| match command {
                Command::CreateFcp(fcp) => Some(file_memory(None, Some(fcp), 0)),
                _ => None,
            });
            created.fold(0, u32::saturating_add)
        }
        // The value and both counters; a path to share with takes no more.
        ProfileElement::PinCodes(codes) => entries(codes.pins().len().max(1), 12),
        ProfileElement::PukCodes(codes) => entries(codes.codes.len(), 10),
        ProfileElement::AkaParameter(parameter) => {
            /// SQN of each of the 32 indices.
            const SQN: u32 = 32 * 8;
            let own = match &parameter.configuration {
                // Key, OPc, r1 to r5, c1 to c5.
                AlgoConfiguration::Algorithm(own) => {
                    u32::try_from(own.key.len() + own.opc.len()).unwrap_or(u32::MAX).saturating_add(5 + 80)
                }
                AlgoConfiguration::Mapping { .. } => 16,
            };
            entries(1, own).saturating_add(entries(1, SQN))
        }
        ProfileElement::CdmaParameter(parameter) => {
            let access = parameter.access.iter().flatten().map(crate::Secret::len).sum::<usize>();
            entries(1, u32::try_from(access).unwrap_or(u32::MAX).saturating_add(24))
        }
        ProfileElement::SecurityDomain(domain) => raw(domain.expose_raw()),
        ProfileElement::Rfm(rfm) => raw(rfm.raw()),
        ProfileElement::Application(application) => raw(application.expose_raw()),
        // Skipped by an eUICC that does not know it.
        ProfileElement::NonStandard(element) => raw(&element.content),
        ProfileElement::Unknown { raw: bytes, .. } => raw(bytes),
        ProfileElement::End(_) => 0,
        ProfileElement::Template(element) => template_memory(element),
    }
}

fn template_memory(element: &TemplateElement) -> u32 {
    let given = element.files.iter().filter(|(_, file)| !file.do_not_create()).flat_map(|(number, file)| {
        let row =
            places::row(element, *number).or_else(|| template::row(element.kind, &element.template, *number));
        let instances = if file.items.is_empty() { vec![file.clone()] } else { file.instances() };
        instances.into_iter().map(move |file| file_memory(row, file.fcp(), file.content_end()))
    });
    let template = template::by_oid(&element.template)
        .filter(|template| template.kind == element.kind && template.created_by_default);
    let default = template
        .into_iter()
        .flat_map(template::Template::rows)
        .filter(|row| element.file(row.number).is_none())
        .map(|row| file_memory(Some(row), None, 0));
    given.chain(default).fold(0, u32::saturating_add)
}

fn file_memory(row: Option<&Row>, fcp: Option<&Fcp>, content: usize) -> u32 {
    if is_link(fcp) {
        return FILE_OVERHEAD;
    }
    let pattern = fcp.and_then(|fcp| fcp.fill_pattern().or_else(|| fcp.repeat_pattern())).unwrap_or_default();
    // Where nothing says a size (CSIM's files, whose templates are not tabled) it is
    // as long as what it holds.
    let least = u32::try_from(content.max(pattern.len())).unwrap_or(u32::MAX);
    let size = match template::resolve(row, fcp) {
        Ok(attributes) if attributes.structure == FileStructure::Directory => 0,
        Ok(attributes) => attributes.size.unwrap_or(least),
        Err(_) => least,
    };
    size.saturating_add(FILE_OVERHEAD)
}
