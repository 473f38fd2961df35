//! Files: the elements that follow a template, and `genericFileManagement`.

use rsp::Oid;
use saip::response::PeStatus;
use saip::template::{self, Row, Template};
use saip::{Command, File as PeFile, FileStructure, SecurityAttributes, TemplateElement, TemplateKind};

use super::{Application, Installer, Refusal, Step, refuse, take};
use crate::nvm::Transaction;
use crate::profile::csim;
use crate::uicc::file::{
    ABOVE_MF, AccessReference, Directory, Elementary, File, Kind, MF, MF_FID, Structure, Tree, put_body,
    put_header,
};

impl Installer {
    pub(super) fn template(
        &mut self,
        tx: &mut Transaction<'_>,
        element: &TemplateElement,
        source: Source,
    ) -> Step {
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
    pub(super) fn file_management(&mut self, tx: &mut Transaction<'_>, commands: &[Command]) -> Step {
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
    pub(super) fn directory_at(&self, tx: &Transaction<'_>, path: &[u8]) -> Result<u16, Refusal> {
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
            attributes.size = Some(csim::size(fid, file));
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
}

/// Where an element's files are described.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Template(&'static Template),
    /// The templates of CSIM are not tabled: every file describes itself.
    Csim,
}

impl Source {
    pub(super) fn of(element: &TemplateElement) -> Option<Self> {
        if matches!(element.kind, TemplateKind::Csim | TemplateKind::OptCsim) {
            return is_csim(&element.template).then_some(Self::Csim);
        }
        let template = template::by_oid(&element.template)?;
        (template.kind == element.kind).then_some(Self::Template(template))
    }
}

/// Whether this is a template of CSIM, 2.23.143.1.2.10 or .11 in any version.
pub(super) fn is_csim(oid: &Oid) -> bool {
    [10, 11].into_iter().any(|number| (1..=2).any(|version| *oid == template::oid(number, version)))
}

/// Whether a "created by default" file has no default and must be given.
const fn is_compulsory(row: &Row) -> bool {
    row.content_required
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
