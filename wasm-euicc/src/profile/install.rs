//! The profile interpreter: executes the elements of a profile package, as they
//! arrive, into a slot of the memory (TCA "eUICC Profile Package", SGP.22 §2.5).
//!
//! ```text
//!   plaintext ─► Splitter ─► ProfileElement ─► files, PINs, keys in the caller's
//!                                              transaction ─► finish: consistency
//! ```
//!
//! Nothing is durable until the caller commits its transaction; to roll back is
//! to drop it.

use std::collections::BTreeSet;

use rsp::{Iccid, Imsi, Oid};
use saip::response::{EuiccResponse, PeStatus};
use saip::template::{self, Row, Template};
use saip::{
    AlgoConfiguration, AlgorithmId, Command, File as PeFile, FileStructure, PinSource, ProfileElement,
    ProfileHeader, SecurityAttributes, Service, Services, Splitter, TemplateElement, TemplateKind,
};
use tlv::Tag;
use zeroize::Zeroizing;

use crate::nvm::{self, Key, SlotId, SlotKey, Transaction, View as _};
use crate::uicc::aka::{Aka, AkaParameters, put_aka};
use crate::uicc::file::{
    ABOVE_MF, AccessReference, Directory, Elementary, File, Kind, MF, MF_FID, Structure, Tree, put_body,
    put_header,
};
use crate::uicc::pin::{Pin, Secret, put_pin, put_puk};
use crate::uicc::remote;

/// What a profile may require of this chip (`eUICC-Mandatory-services`). CSIM is
/// here because its files are created; CAVE, which would need its algorithm,
/// is not.
#[must_use]
pub fn services() -> Services {
    [
        Service::Usim,
        Service::Isim,
        Service::Csim,
        Service::Milenage,
        Service::Tuak128,
        Service::MultipleUsim,
        Service::MultipleIsim,
        Service::MultipleCsim,
        Service::Tuak256,
        Service::UsimTestAlgorithm,
        Service::BerTlv,
        Service::DfLink,
        Service::GetIdentity,
        Service::ProfileAX25519,
        Service::ProfileBP256,
    ]
    .into_iter()
    .fold(Services::default(), Services::with)
}

/// A profile that was built and waits for the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// As in EF.ICCID and tag 5A.
    pub iccid: Iccid,
    /// The digits of EF.IMSI of the first USIM.
    pub imsi: Option<Imsi>,
    /// Contents of EF.GID1 and EF.GID2 of the first USIM, each where its service
    /// table says that it is there.
    pub group_identifiers: [Option<Vec<u8>>; 2],
    /// Whether every key that the profile authenticates with is a published test
    /// key: all zero, or 00 to 0F (SGP.22 asks for it in Test Profiles).
    pub only_test_keys: bool,
    /// The answer for the SM-DP+; it may hold warnings.
    pub response: EuiccResponse,
}

/// Why a package was not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The answer for the SM-DP+.
    pub response: EuiccResponse,
    /// The profile element, by its name in the module.
    pub element: &'static str,
    /// What was wrong, for a trace. No real chip tells.
    pub because: &'static str,
}

/// Builds one profile.
pub struct Installer {
    slot: SlotId,
    splitter: Splitter,
    progress: Progress,
    /// Files of directories and bodies get numbers in the order of creation.
    next_directory: u16,
    next_body: u16,
    next_opaque: u16,
    next_domain: u16,
    next_rfm: u16,
    /// The directory that PINs which follow belong to.
    context: u16,
    applications: Vec<Application>,
    identifications: BTreeSet<u16>,
    warnings: Vec<PeStatus>,
    only_test_keys: bool,
}

/// An ADF that exists.
#[derive(Clone, Debug)]
struct Application {
    kind: TemplateKind,
    directory: u16,
}

enum Progress {
    /// Nothing has come yet.
    Start,
    /// The header, and then other elements.
    Elements(Box<ProfileHeader>),
    /// `end`, with its identification.
    Ended(Box<ProfileHeader>, u16),
    Failed(Failure),
}

/// A status of the answer and what was wrong.
struct Refusal {
    status: u16,
    because: &'static str,
}

type Step = Result<(), Refusal>;

const fn refuse<T>(status: u16, because: &'static str) -> Result<T, Refusal> {
    Err(Refusal { status, because })
}

impl From<nvm::Error> for Refusal {
    fn from(error: nvm::Error) -> Self {
        match error {
            nvm::Error::Full => Self { status: PeStatus::NOT_ENOUGH_MEMORY, because: "memory is used up" },
            _ => Self { status: PeStatus::MEMORY_FAILURE, because: "the medium failed" },
        }
    }
}

impl From<saip::Error> for Refusal {
    fn from(error: saip::Error) -> Self {
        match error {
            saip::Error::Tlv(_) => Self {
                status: PeStatus::INVALID_REQUEST_FORMAT,
                because: "not the data objects it should be",
            },
            saip::Error::Asn1(what) => Self { status: PeStatus::INVALID_REQUEST_FORMAT, because: what },
            saip::Error::Value(what) => Self { status: PeStatus::BAD_VALUES, because: what },
            saip::Error::TooLarge => {
                Self { status: PeStatus::NOT_ENOUGH_MEMORY, because: "the element is too large" }
            }
        }
    }
}

impl Installer {
    /// Builds into a slot, which must be empty.
    #[must_use]
    pub fn new(slot: SlotId) -> Self {
        Self {
            slot,
            splitter: Splitter::new(),
            progress: Progress::Start,
            next_directory: MF,
            next_body: 1,
            next_opaque: 1,
            next_domain: remote::OPERATORS_DOMAIN,
            next_rfm: 1,
            context: MF,
            applications: Vec::new(),
            identifications: BTreeSet::new(),
            warnings: Vec::new(),
            only_test_keys: true,
        }
    }

    /// The slot built into.
    #[must_use]
    pub const fn slot(&self) -> SlotId {
        self.slot
    }

    /// Takes bytes of the package as they arrive and executes the elements that
    /// they complete.
    ///
    /// # Errors
    /// [`Failure`] at the first element that cannot be executed, and again at
    /// every later call.
    pub fn feed(&mut self, tx: &mut Transaction<'_>, bytes: &[u8]) -> Result<(), Failure> {
        if let Progress::Failed(failure) = &self.progress {
            return Err(failure.clone());
        }
        if let Err(error) = self.splitter.push(bytes) {
            return Err(self.fail(None, "package", error.into()));
        }
        loop {
            let raw = match self.splitter.next_element() {
                Ok(Some(raw)) => raw,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.fail(None, "package", error.into())),
            };
            let tag = tlv::head(&raw).ok().flatten().map_or(Tag(0), |head| head.tag);
            if let Err(refusal) = self.element(tx, &raw) {
                return Err(self.fail(identification(&raw), saip::element_name(tag), refusal));
            }
        }
    }

    /// After the last byte: checks that the profile is whole and consistent and
    /// takes out of its service tables what this chip does not do.
    ///
    /// # Errors
    /// [`Failure`] when it is not.
    pub fn finish(mut self, tx: &mut Transaction<'_>) -> Result<Installed, Failure> {
        let (header, end) = match core::mem::replace(&mut self.progress, Progress::Start) {
            Progress::Failed(failure) => return Err(failure),
            Progress::Ended(header, end) if self.splitter.finish().is_ok() => (header, end),
            _ => {
                let refusal = Refusal {
                    status: PeStatus::INVALID_REQUEST_FORMAT,
                    because: "the package stops before its end",
                };
                return Err(self.fail(None, "package", refusal));
            }
        };
        match self.conclude(tx, &header) {
            Ok(installed) => Ok(installed),
            Err(refusal) => Err(self.fail(Some(end), "end", refusal)),
        }
    }

    fn fail(&mut self, identification: Option<u16>, element: &'static str, refusal: Refusal) -> Failure {
        let status = PeStatus::new(refusal.status, identification);
        let mut response = EuiccResponse::aborted(status);
        response.pe_status.splice(0..0, self.warnings.drain(..));
        let failure = Failure { response, element, because: refusal.because };
        self.progress = Progress::Failed(failure.clone());
        failure
    }

    fn element(&mut self, tx: &mut Transaction<'_>, raw: &[u8]) -> Step {
        if matches!(self.progress, Progress::Ended(..)) {
            return refuse(PeStatus::INVALID_REQUEST_FORMAT, "an element after the end");
        }
        let element = ProfileElement::decode(raw)?;
        let first = matches!(self.progress, Progress::Start);
        if first != matches!(element, ProfileElement::Header(_)) {
            return refuse(
                PeStatus::INVALID_REQUEST_FORMAT,
                "the header is the first element, and the only one",
            );
        }
        if let Some(identification) = element.identification()
            && !self.identifications.insert(identification)
        {
            return refuse(PeStatus::BAD_VALUES, "identification is not unique");
        }
        let mandated = element.header().is_some_and(|header| header.mandated);
        match element {
            ProfileElement::Header(header) => self.header(tx, header),
            ProfileElement::GenericFileManagement(element) => {
                element.commands.iter().try_for_each(|commands| self.file_management(tx, commands))
            }
            ProfileElement::PinCodes(codes) => self.pin_codes(tx, &codes.source),
            ProfileElement::PukCodes(codes) => codes.codes.iter().try_for_each(|puk| {
                let Some(value) = puk.value.expose_array() else {
                    return refuse(PeStatus::BAD_VALUES, "pukValue");
                };
                let secret = Secret::new(*value, puk.retry.byte());
                let context = self.context_of(puk.key_reference);
                Ok(put_puk(tx, self.slot, context, puk.key_reference, &secret)?)
            }),
            ProfileElement::AkaParameter(parameter) => self.aka(tx, &parameter),
            // Kept for whoever comes to serve it; no application here uses it.
            ProfileElement::CdmaParameter(_) => self.keep_opaque(tx, raw),
            ProfileElement::SecurityDomain(domain) => self.security_domain(tx, &domain),
            ProfileElement::Rfm(rfm) => self.rfm(tx, &rfm),
            ProfileElement::Application(_) if mandated => {
                refuse(PeStatus::RUNTIME_NOT_SUPPORTED, "no Java Card here")
            }
            ProfileElement::Template(element) => match Source::of(&element) {
                Some(source) => self.template(tx, &element, source),
                None if mandated => refuse(PeStatus::TEMPLATE_NOT_SUPPORTED, "an unknown template"),
                None => self.skip(element.header.identification),
            },
            ProfileElement::NonStandard(_) | ProfileElement::Unknown { .. } if mandated => {
                refuse(PeStatus::PE_NOT_SUPPORTED, "an unknown element")
            }
            ProfileElement::Application(_)
            | ProfileElement::NonStandard(_)
            | ProfileElement::Unknown { .. } => match identification(raw) {
                Some(identification) => self.skip(identification),
                None => Ok(()),
            },
            ProfileElement::End(header) => {
                if let Progress::Elements(own) = core::mem::replace(&mut self.progress, Progress::Start) {
                    self.progress = Progress::Ended(own, header.identification);
                }
                Ok(())
            }
        }
    }

    /// Leaves an element out that the profile does not insist on.
    fn skip(&mut self, identification: u16) -> Step {
        const MOST_WARNINGS: usize = 32;
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(PeStatus::new(PeStatus::PE_NOT_SUPPORTED, Some(identification)));
        }
        Ok(())
    }

    fn header(&mut self, tx: &mut Transaction<'_>, header: Box<ProfileHeader>) -> Step {
        if !matches!(header.major, 2 | 3) {
            return refuse(PeStatus::UNSUPPORTED_PROFILE_VERSION, "major-version");
        }
        if !header.services.missing_from(services()).is_empty() {
            return refuse(PeStatus::FEATURE_NOT_SUPPORTED, "eUICC-Mandatory-services");
        }
        if !header.templates.iter().all(|oid| template::by_oid(oid).is_some() || is_csim(oid)) {
            return refuse(PeStatus::TEMPLATE_NOT_SUPPORTED, "eUICC-Mandatory-GFSTEList");
        }
        if !header.mandatory_aids.is_empty() {
            return refuse(PeStatus::LIB_NOT_SUPPORTED, "eUICC-Mandatory-AIDs");
        }
        if !header.iccid.is_well_formed() {
            return refuse(PeStatus::BAD_VALUES, "iccid");
        }
        tx.put(Key::Slot(self.slot, SlotKey::Profile), header.iccid.as_bytes().to_vec())?;
        self.progress = Progress::Elements(header);
        Ok(())
    }

    fn keep_opaque(&mut self, tx: &mut Transaction<'_>, raw: &[u8]) -> Step {
        let number = take(&mut self.next_opaque)?;
        Ok(tx.put(Key::Slot(self.slot, SlotKey::Opaque(number)), raw.to_vec())?)
    }

    fn security_domain(&mut self, tx: &mut Transaction<'_>, domain: &saip::SecurityDomain) -> Step {
        if remote::domain_of(tx, self.slot, domain.instance.as_bytes()).is_some() {
            return refuse(PeStatus::BAD_VALUES, "a security domain that exists already");
        }
        let number = take(&mut self.next_domain)?;
        Ok(remote::put_domain(tx, self.slot, number, domain)?)
    }

    fn rfm(&mut self, tx: &mut Transaction<'_>, rfm: &saip::Rfm) -> Step {
        let domain = match &rfm.security_domain {
            Some(aid) => remote::domain_of(tx, self.slot, aid.as_bytes()),
            // The operator's, which is the first.
            None => Some(remote::OPERATORS_DOMAIN),
        };
        let Some(domain) = domain else {
            return refuse(PeStatus::INVALID_PARAMETER, "securityDomainAID");
        };
        let number = take(&mut self.next_rfm)?;
        Ok(remote::put_rfm(tx, self.slot, number, domain, rfm)?)
    }

    /// The directory that a PIN or unblocking PIN belongs to: global references
    /// are of the whole UICC wherever they are given.
    const fn context_of(&self, reference: u8) -> u16 {
        const LOCAL: u8 = 0x80;
        if reference & LOCAL == 0 { MF } else { self.context }
    }

    fn pin_codes(&self, tx: &mut Transaction<'_>, source: &PinSource) -> Step {
        let pins = match source {
            PinSource::SharedWith(path) => {
                let shared = self.directory_at(tx, path)?;
                let key = Key::Slot(self.slot, SlotKey::PinShare(self.context));
                return Ok(tx.put(key, shared.to_be_bytes().to_vec())?);
            }
            PinSource::Pins(pins) => pins,
        };
        for pin in pins {
            let reference = pin.key_reference;
            let context = self.context_of(reference);
            let key = |context, reference| Key::Slot(self.slot, SlotKey::Puk { context, reference });
            if let Some(puk) = pin.unblocking
                && ![context, MF].into_iter().any(|context| tx.get(key(context, puk)).is_some())
            {
                return refuse(PeStatus::PIN_CODE_MISSING, "unblockingPINReference");
            }
            if tx.get(Key::Slot(self.slot, SlotKey::Pin { context, reference })).is_some() {
                return refuse(PeStatus::BAD_VALUES, "a PIN that exists already");
            }
            let Some(value) = pin.value.expose_array() else {
                return refuse(PeStatus::BAD_VALUES, "pinValue");
            };
            let own = Pin {
                secret: Secret::new(*value, pin.retry.byte()),
                puk: pin.unblocking,
                attributes: pin.attributes,
                enabled: pin.enabled(),
            };
            put_pin(tx, self.slot, context, reference, &own)?;
        }
        Ok(())
    }

    fn aka(&mut self, tx: &mut Transaction<'_>, parameter: &saip::AkaParameter) -> Step {
        let Some(application) = self.applications.last() else {
            return refuse(PeStatus::INVALID_PARAMETER, "akaParameter before any application");
        };
        let directory = application.directory;
        let rules =
            aka::SqnRules::from_options(parameter.sqn_options, parameter.sqn_delta, parameter.sqn_age_limit);
        let parameters = match &parameter.configuration {
            AlgoConfiguration::Mapping { source, .. } => self.mapped(tx, source)?,
            AlgoConfiguration::Algorithm(algorithm) => {
                let key = algorithm.key.expose_secret();
                let counted = key.len() == 16 && key.iter().zip(0..).all(|(&byte, index)| byte == index);
                self.only_test_keys &= counted || key.iter().all(|&byte| byte == 0);
                algorithm_parameters(algorithm)?
            }
        };
        let sqn = parameter.sqn_init.as_deref().copied().unwrap_or([0; aka::IND_COUNT]);
        if aka::SqnArray::from_values(sqn, rules).is_err() {
            return refuse(PeStatus::BAD_VALUES, "sqnInit");
        }
        Ok(put_aka(tx, self.slot, directory, &Aka { parameters, rules }, &sqn)?)
    }

    /// The parameters of another application, which must have some of its own.
    fn mapped(&self, tx: &Transaction<'_>, source: &[u8]) -> Result<AkaParameters, Refusal> {
        let tree = Tree::new(tx, self.slot);
        let applications = tree.applications();
        let mut directories = applications.iter().filter_map(File::directory);
        let other = directories.find(|directory| directory.aid.as_deref() == Some(source));
        match other {
            Some(other) if tree.get(SlotKey::Sqn(other.id)).is_some() => Ok(AkaParameters::Shared(other.id)),
            _ => refuse(PeStatus::INVALID_PARAMETER, "mappingSource"),
        }
    }

    fn template(&mut self, tx: &mut Transaction<'_>, element: &TemplateElement, source: Source) -> Step {
        use TemplateKind as K;
        match element.kind {
            K::Mf => self.tabled(tx, element, source, ABOVE_MF)?,
            K::Cd | K::Telecom | K::Usim | K::Isim | K::Csim => self.tabled(tx, element, source, MF)?,
            K::OptUsim | K::Phonebook | K::GsmAccess | K::Df5gs | K::DfSaip | K::DfSnpn | K::Df5gProse => {
                let base = self.application(K::Usim)?;
                self.tabled(tx, element, source, base)?;
            }
            K::OptIsim => {
                let base = self.application(K::Isim)?;
                self.tabled(tx, element, source, base)?;
            }
            K::OptCsim => {
                let base = self.application(K::Csim)?;
                self.tabled(tx, element, source, base)?;
            }
            K::Eap => {
                let Some(base) = self.applications.last().map(|application| application.directory) else {
                    return refuse(PeStatus::INVALID_PARAMETER, "eap before any application");
                };
                self.tabled(tx, element, source, base)?;
            }
            K::Iot | K::OptIot => return refuse(PeStatus::TEMPLATE_NOT_SUPPORTED, "an IoT template"),
        }
        Ok(())
    }

    /// The youngest ADF of a kind.
    fn application(&self, kind: TemplateKind) -> Result<u16, Refusal> {
        let found = self.applications.iter().rev().find(|application| application.kind == kind);
        match found {
            Some(application) => Ok(application.directory),
            None => refuse(PeStatus::INVALID_PARAMETER, "the application it belongs to does not exist"),
        }
    }

    /// Creates the files of an element. The first member is the directory that
    /// holds the others, or those of an application that exists.
    fn tabled(
        &mut self,
        tx: &mut Transaction<'_>,
        element: &TemplateElement,
        source: Source,
        base: u16,
    ) -> Step {
        const FIRST: u8 = 2;
        let new_base =
            !matches!(element.kind, TemplateKind::OptUsim | TemplateKind::OptIsim | TemplateKind::OptCsim);
        // Where the paths of the rows begin.
        let mut root = base;
        let (rows, created_by_default): (Vec<(u8, Option<&Row>)>, bool) = match source {
            Source::Template(template) => {
                let unknown = element.files.iter().any(|(number, _)| template.row(*number).is_none());
                if unknown {
                    return refuse(PeStatus::BAD_VALUES, "a file that the template does not have");
                }
                (template.rows().map(|row| (row.number, Some(row))).collect(), template.created_by_default)
            }
            Source::Csim => {
                // Its ADF is described as that of any other application.
                let adf = template::by_number(4, 1).and_then(|usim| usim.row(FIRST));
                let row = |number| if new_base && number == FIRST { adf } else { None };
                (element.files.iter().map(|(number, _)| (*number, row(*number))).collect(), false)
            }
        };
        let nothing = PeFile::default();
        for (number, row) in rows {
            let file = match element.file(number) {
                Some(file) if file.do_not_create() && element.kind != TemplateKind::Mf => continue,
                Some(file) => file,
                None if !created_by_default => continue,
                None if row.is_some_and(is_compulsory) => {
                    return refuse(PeStatus::INVALID_REQUEST_FORMAT, "a file that must be given is missing");
                }
                None => &nothing,
            };
            if new_base && number == FIRST {
                root = self.base(tx, element.kind, base, row, file)?;
                continue;
            }
            let parent = match (row, element.kind) {
                (Some(row), _) => self.row_parent(tx, element.kind, base, root, row)?,
                (None, _) => root,
            };
            for instance in if file.items.is_empty() { vec![file.clone()] } else { file.instances() } {
                self.create(tx, parent, row, matches!(source, Source::Csim), &instance)?;
            }
        }
        Ok(())
    }

    /// The directory that a row's path leads to.
    fn row_parent(
        &self,
        tx: &Transaction<'_>,
        kind: TemplateKind,
        base: u16,
        root: u16,
        row: &Row,
    ) -> Result<u16, Refusal> {
        // Paths of an ADF's own element and of DF.EAP begin at what was just
        // created, those of the MF's and of other DFs at what that stands in.
        let start = match kind {
            TemplateKind::Mf | TemplateKind::Usim | TemplateKind::Isim | TemplateKind::Eap => root,
            _ => base,
        };
        row.path.iter().try_fold(start, |parent, &fid| {
            let directory = Tree::new(tx, self.slot).file(parent, fid);
            match directory.as_ref().and_then(File::directory) {
                Some(directory) => Ok(directory.id),
                None => refuse(PeStatus::INVALID_PARAMETER, "the directory of a file does not exist"),
            }
        })
    }

    /// Creates the MF, DF or ADF that an element begins with.
    fn base(
        &mut self,
        tx: &mut Transaction<'_>,
        kind: TemplateKind,
        parent: u16,
        row: Option<&Row>,
        file: &PeFile,
    ) -> Result<u16, Refusal> {
        let is_application = matches!(kind, TemplateKind::Usim | TemplateKind::Isim | TemplateKind::Csim);
        if is_application && file.fcp().and_then(saip::Fcp::aid).is_none() {
            return refuse(PeStatus::BAD_VALUES, "dfName");
        }
        let directory = self.create(tx, parent, row, false, file)?;
        let Some(directory) = directory else {
            return refuse(PeStatus::BAD_VALUES, "fileDescriptor");
        };
        match kind {
            TemplateKind::Mf | TemplateKind::Cd | TemplateKind::Telecom => self.context = directory,
            _ if is_application => {
                self.context = directory;
                self.applications.push(Application { kind, directory });
            }
            _ => {}
        }
        Ok(directory)
    }

    /// Commands of generic file management: what fills a file stands behind the
    /// command that creates it.
    fn file_management(&mut self, tx: &mut Transaction<'_>, commands: &[Command]) -> Step {
        let mut directory = MF;
        let mut pending: Option<PeFile> = None;
        for command in commands {
            match command {
                Command::FilePath(path) => {
                    self.create_pending(tx, directory, &mut pending)?;
                    directory = self.directory_at(tx, path)?;
                }
                Command::CreateFcp(fcp) => {
                    self.create_pending(tx, directory, &mut pending)?;
                    pending = Some(PeFile::new(Some(saip::Fcp::clone(fcp)), &[]));
                }
                Command::FillFileOffset(_) | Command::FillFileContent(_) => {
                    let Some(file) = &mut pending else {
                        return refuse(PeStatus::INVALID_PARAMETER, "content before a file was created");
                    };
                    file.items.push(match command {
                        Command::FillFileContent(bytes) => saip::FileItem::FillFileContent(bytes.clone()),
                        Command::FillFileOffset(skip) => saip::FileItem::FillFileOffset(*skip),
                        _ => continue,
                    });
                }
            }
        }
        self.create_pending(tx, directory, &mut pending)
    }

    fn create_pending(
        &mut self,
        tx: &mut Transaction<'_>,
        directory: u16,
        pending: &mut Option<PeFile>,
    ) -> Step {
        if let Some(file) = pending.take() {
            self.create(tx, directory, None, false, &file)?;
        }
        Ok(())
    }

    /// The directory at a path of file identifiers from the MF, an ADF by its
    /// temporary one.
    fn directory_at(&self, tx: &Transaction<'_>, path: &[u8]) -> Result<u16, Refusal> {
        match self.file_at(tx, path)? {
            (_, File { kind: Kind::Directory(directory), .. }) => Ok(directory.id),
            _ => refuse(PeStatus::INVALID_PARAMETER, "filePath leads to no directory"),
        }
    }

    fn file_at(&self, tx: &Transaction<'_>, path: &[u8]) -> Result<(u16, File), Refusal> {
        const NOWHERE: Refusal =
            Refusal { status: PeStatus::INVALID_PARAMETER, because: "a path leads nowhere" };
        let tree = Tree::new(tx, self.slot);
        let mut found = (ABOVE_MF, tree.mf().ok_or(NOWHERE)?);
        for fid in path.chunks(2) {
            let fid = u16::from_be_bytes(fid.try_into().map_err(|_| NOWHERE)?);
            let parent = found.1.directory().ok_or(NOWHERE)?.id;
            found = (parent, tree.file(parent, fid).ok_or(NOWHERE)?);
        }
        Ok(found)
    }

    /// Creates one file; returns the number of a directory.
    fn create(
        &mut self,
        tx: &mut Transaction<'_>,
        parent: u16,
        row: Option<&Row>,
        of_csim: bool,
        file: &PeFile,
    ) -> Result<Option<u16>, Refusal> {
        let fcp = file.fcp();
        let mut attributes = template::resolve(row, fcp)?;
        let Some(fid) = attributes.fid else { return refuse(PeStatus::BAD_VALUES, "fileID") };
        let is_mf = parent == ABOVE_MF;
        if is_mf != (fid == MF_FID) || matches!(fid, 0x7FFF | 0x3FFF | 0xFFFF) {
            return refuse(PeStatus::BAD_VALUES, "fileID");
        }
        if row.is_some_and(|row| !row.allows_fid(fid)) {
            return refuse(PeStatus::BAD_VALUES, "fileID outside the range of the template");
        }
        if Tree::new(tx, self.slot).file(parent, fid).is_some() {
            return refuse(PeStatus::BAD_VALUES, "a file that exists already");
        }
        let is_directory = attributes.structure == FileStructure::Directory;
        let aid = fcp.and_then(saip::Fcp::aid);
        // EF.ARR of the MF for the MF, ADFs and what stands in the MF itself.
        let implied = if is_mf || parent == MF { 0x2F06 } else { 0x6F06 };
        let access = attributes.access.map(|access| match access {
            SecurityAttributes::Record(record) => AccessReference { arr: implied, record },
            SecurityAttributes::ArrRecord { fid, record } => AccessReference { arr: fid, record },
        });
        let link = fcp.and_then(saip::Fcp::link).filter(|path| !path.is_empty());
        let target = match link {
            Some(path) => Some(self.file_at(tx, path)?.1),
            None => None,
        };
        if of_csim && attributes.size.is_none() {
            attributes.size = Some(super::csim::size(fid, file));
        }
        let kind = if is_directory {
            Kind::Directory(self.new_directory(tx, parent, fcp, aid, target.as_ref())?)
        } else {
            Kind::Elementary(self.new_elementary(tx, row, file, &attributes, target.as_ref())?)
        };
        let id = match &kind {
            Kind::Directory(directory) => Some(directory.id),
            Kind::Elementary(_) => None,
        };
        let header = File { fid, kind, deactivated: attributes.life_cycle == 0x04, access };
        put_header(tx, self.slot, parent, &header)?;
        Ok(id)
    }

    fn new_directory(
        &mut self,
        tx: &Transaction<'_>,
        parent: u16,
        fcp: Option<&saip::Fcp>,
        aid: Option<&[u8]>,
        target: Option<&File>,
    ) -> Result<Directory, Refusal> {
        if let Some(aid) = aid {
            let taken = Tree::new(tx, self.slot)
                .applications()
                .iter()
                .filter_map(File::directory)
                .any(|directory| directory.aid.as_deref() == Some(aid));
            if parent != MF || taken {
                return refuse(PeStatus::BAD_VALUES, "dfName");
            }
        }
        let id = match target {
            None => take(&mut self.next_directory)?,
            // A linked directory is the other one under another name.
            Some(File { kind: Kind::Directory(directory), .. }) => directory.id,
            Some(_) => return refuse(PeStatus::BAD_VALUES, "linkPath"),
        };
        let pins = fcp.and_then(saip::Fcp::pin_status).unwrap_or_default().to_vec();
        Ok(Directory { id, aid: aid.map(<[u8]>::to_vec), pins })
    }

    fn new_elementary(
        &mut self,
        tx: &mut Transaction<'_>,
        row: Option<&Row>,
        file: &PeFile,
        attributes: &template::Attributes,
        target: Option<&File>,
    ) -> Result<Elementary, Refusal> {
        const HIGH_UPDATE: u8 = 0x80;
        const USABLE_WHEN_DEACTIVATED: u8 = 0x40;
        let mut special = 0;
        if attributes.high_update {
            special |= HIGH_UPDATE;
        }
        if attributes.readable_when_deactivated {
            special |= USABLE_WHEN_DEACTIVATED;
        }
        let sfi = attributes.sfi;
        if let Some(target) = target {
            let Some(other) = target.elementary() else {
                return refuse(PeStatus::BAD_VALUES, "linkPath");
            };
            return Ok(Elementary { sfi, special, ..other.clone() });
        }
        let record_len = || match attributes.record_length.and_then(|len| u8::try_from(len).ok()) {
            Some(len) if len > 0 => Ok(len),
            _ => refuse(PeStatus::BAD_VALUES, "record length"),
        };
        let structure = match attributes.structure {
            FileStructure::Transparent => Structure::Transparent,
            FileStructure::LinearFixed => Structure::LinearFixed(record_len()?),
            FileStructure::Cyclic => Structure::Cyclic(record_len()?),
            FileStructure::BerTlv => Structure::BerTlv,
            FileStructure::Directory => return refuse(PeStatus::BAD_VALUES, "fileDescriptor"),
        };
        let Some(size) = attributes.size.filter(|&size| size > 0) else {
            return refuse(PeStatus::BAD_VALUES, "efFileSize");
        };
        let bytes =
            if structure == Structure::BerTlv { objects(file, size)? } else { attributes.body(row, file)? };
        let body = take(&mut self.next_body)?;
        put_body(tx, self.slot, body, bytes)?;
        Ok(Elementary { structure, body, size, sfi, special })
    }

    /// What only can be checked and done when all elements are there.
    fn conclude(&mut self, tx: &mut Transaction<'_>, header: &ProfileHeader) -> Result<Installed, Refusal> {
        const EF_ICCID: u16 = 0x2FE2;
        const EF_IMSI: u16 = 0x6F07;
        const EF_UST: u16 = 0x6F38;
        const EF_GID1: u16 = 0x6F3E;
        const EF_GID2: u16 = 0x6F3F;
        let iccid = header.iccid;
        let tree = Tree::new(tx, self.slot);
        let content = |directory, fid| {
            let file = tree.file(directory, fid)?;
            Some(tree.body(file.elementary()?).to_vec())
        };
        if content(MF, EF_ICCID).as_deref() != Some(&iccid.as_bytes()[..]) {
            return refuse(PeStatus::BAD_VALUES, "EF.ICCID is not the ICCID of the header");
        }
        let usim = self.applications.iter().find(|application| application.kind == TemplateKind::Usim);
        let imsi = usim.and_then(|usim| content(usim.directory, EF_IMSI));
        let imsi = imsi.and_then(|content| Imsi::from_ef(&content).ok());
        let services = usim.and_then(|usim| content(usim.directory, EF_UST)).unwrap_or_default();
        let group_identifiers = [(17, EF_GID1), (18, EF_GID2)].map(|(service, fid)| {
            let byte: usize = (service - 1) / 8;
            let available = services.get(byte)? >> ((service - 1) % 8) & 1 == 1;
            content(usim?.directory, fid).filter(|_| available)
        });
        for application in self.applications.clone() {
            self.clear_services(tx, &application)?;
        }
        let mut response = EuiccResponse::ok();
        if !self.warnings.is_empty() {
            response.pe_status = core::mem::take(&mut self.warnings);
        }
        Ok(Installed { iccid, imsi, group_identifiers, only_test_keys: self.only_test_keys, response })
    }

    /// "In the case where a service is not supported (and not indicated as
    /// required) the related bit(s) will be set to zero" (TCA, PE-USIM).
    fn clear_services(&self, tx: &mut Transaction<'_>, application: &Application) -> Step {
        /// What needs an application on the card, or an algorithm, that it does
        /// not have: data download by SMS-CB and USSD (29, 70);
        /// control of calls, short messages, GPRS, EPS PDN connections, IMS
        /// communication and PDU sessions (30, 31, 54, 87, 93, 128); RUN AT
        /// COMMAND (32); security of VGCS, VBS, MBMS and OMA BCAST (64, 65, 69,
        /// 75); GBA and its local keys (68, 76); UICC access to IMS (95).
        const USIM: [usize; 16] = [29, 30, 31, 32, 54, 64, 65, 68, 69, 70, 75, 76, 87, 93, 95, 128];
        /// GBA (2) and its local keys (4), HTTP digest (3), control of IMS
        /// communication (9), UICC access to IMS (10).
        const ISIM: [usize; 5] = [2, 3, 4, 9, 10];
        let (fid, services) = match application.kind {
            TemplateKind::Usim => (0x6F38, &USIM[..]),
            TemplateKind::Isim => (0x6F07, &ISIM[..]),
            _ => return Ok(()),
        };
        let tree = Tree::new(tx, self.slot);
        let Some(file) = tree.file(application.directory, fid) else { return Ok(()) };
        let Some(elementary) = file.elementary() else { return Ok(()) };
        let before = tree.body(elementary);
        let mut table = before.to_vec();
        for service in services {
            let index = service - 1;
            if let Some(byte) = table.get_mut(index / 8) {
                *byte &= !(1 << (index % 8));
            }
        }
        if table != before {
            let body = elementary.body;
            put_body(tx, self.slot, body, table)?;
        }
        Ok(())
    }
}

/// Where an element's files are described.
#[derive(Clone, Copy)]
enum Source {
    Template(&'static Template),
    /// The templates of CSIM are not tabled: every file describes itself.
    Csim,
}

impl Source {
    fn of(element: &TemplateElement) -> Option<Self> {
        if matches!(element.kind, TemplateKind::Csim | TemplateKind::OptCsim) {
            return is_csim(&element.template).then_some(Self::Csim);
        }
        let template = template::by_oid(&element.template)?;
        (template.kind == element.kind).then_some(Self::Template(template))
    }
}

/// Whether this is a template of CSIM, 2.23.143.1.2.10 or .11 in any version.
fn is_csim(oid: &Oid) -> bool {
    [10, 11].into_iter().any(|number| (1..=2).any(|version| *oid == template::oid(number, version)))
}

/// Whether a "created by default" file has no default and must be given.
const fn is_compulsory(row: &Row) -> bool {
    row.content_required
}

fn algorithm_parameters(algorithm: &saip::AlgoParameter) -> Result<AkaParameters, Refusal> {
    const WRONG_LENGTH: Refusal = Refusal { status: PeStatus::BAD_VALUES, because: "length of key or opc" };
    let key = &algorithm.key;
    let opc = &algorithm.opc;
    let parameters = match algorithm.algorithm {
        AlgorithmId::Milenage => AkaParameters::Milenage {
            k: key.expose_array().ok_or(WRONG_LENGTH)?,
            opc: opc.expose_array().ok_or(WRONG_LENGTH)?,
            rotations: algorithm.rotation,
            xors: Zeroizing::new(algorithm.xoring),
        },
        AlgorithmId::Tuak => {
            let sizes = aka::TuakSizes::default();
            AkaParameters::Tuak {
                k: Zeroizing::new(key.expose_secret().to_vec()),
                topc: opc.expose_array().ok_or(WRONG_LENGTH)?,
                sizes: [sizes.res, sizes.ck, sizes.ik],
                iterations: algorithm.number_of_keccak,
            }
        }
        AlgorithmId::UsimTest => {
            /// `algorithmOptions` of the test algorithm: RES of 128 bits.
            const LONG_RES: u8 = 0x02;
            let res = if algorithm.options & LONG_RES != 0 { 16 } else { 8 };
            AkaParameters::Xor { k: key.expose_array().ok_or(WRONG_LENGTH)?, res }
        }
        AlgorithmId::Other(_) => return refuse(PeStatus::FEATURE_NOT_SUPPORTED, "algorithmID"),
    };
    if parameters.open().is_none() {
        return refuse(PeStatus::BAD_VALUES, "algoParameter");
    }
    Ok(parameters)
}

/// The body of a BER-TLV file: data objects, one after another.
fn objects(file: &PeFile, size: u32) -> Result<Vec<u8>, Refusal> {
    let len = file.content_end();
    if len > size as usize {
        return refuse(PeStatus::BAD_VALUES, "fillFileContent");
    }
    let mut bytes = vec![0; len];
    if file.apply(&mut bytes).is_err() {
        return refuse(PeStatus::BAD_VALUES, "fillFileContent");
    }
    let mut reader = tlv::Reader::new(&bytes);
    while reader.next().map_err(saip::Error::from)?.is_some() {}
    Ok(bytes)
}

/// What names an element in the answer, also when the element does not decode.
fn identification(raw: &[u8]) -> Option<u16> {
    let element = tlv::Tlv::single(raw).ok()?;
    let header = element.fields().optional(Tag(0xA0)).ok()??;
    let number = header.fields().optional(Tag(0x81)).ok()??.unsigned().ok()?;
    u16::try_from(number).ok()
}

fn take(counter: &mut u16) -> Result<u16, Refusal> {
    let number = *counter;
    match number.checked_add(1) {
        Some(next) => *counter = next,
        None => return refuse(PeStatus::NOT_ENOUGH_MEMORY, "too many files"),
    }
    Ok(number)
}
