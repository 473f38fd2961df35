//! Where a subscriber's data stand in a package: in members of elements that follow
//! a template, or in files of generic file management.

use crate::template::{self, Row};
use crate::{Command, Fcp, File, FileItem, GenericFileManagement, TemplateElement, TemplateKind};

/// Whose files they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Application {
    Mf,
    Usim,
    Isim,
}

/// A file that differs from subscriber to subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ef {
    Iccid,
    Imsi,
    AccessClass,
    Administrative,
    Spn,
    Msisdn,
    SmsParameters,
    OperatorPlmns,
    HomePlmn,
    EquivalentHome,
    ForbiddenPlmns,
    AccessPoints,
    Impi,
    Impu,
    Domain,
}

/// A file, its identifier, the applications that may have it, and the members that
/// describe it. The first member is of an element whose template is tabled.
struct Place {
    ef: Ef,
    fid: u16,
    applications: &'static [Application],
    members: &'static [(TemplateKind, u8)],
}

const fn place(
    ef: Ef,
    fid: u16,
    applications: &'static [Application],
    members: &'static [(TemplateKind, u8)],
) -> Place {
    Place { ef, fid, applications, members }
}

/// TS 102 221 §13, TS 31.102 §4.2, TS 31.103 §4.2; members as in the ASN.1 module.
const PLACES: [Place; 15] = {
    use Application::{Isim as I, Mf, Usim as U};
    use TemplateKind::{Iot, Isim, OptIot, OptIsim, OptUsim, Usim};
    [
        place(Ef::Iccid, 0x2FE2, &[Mf], &[(TemplateKind::Mf, 4), (Iot, 4)]),
        place(Ef::Imsi, 0x6F07, &[U], &[(Usim, 3), (Iot, 9)]),
        place(Ef::AccessClass, 0x6F78, &[U], &[(Usim, 18), (Iot, 18)]),
        place(Ef::Administrative, 0x6FAD, &[U], &[(Usim, 21), (Iot, 21)]),
        place(Ef::Spn, 0x6F46, &[U], &[(Usim, 13), (OptIot, 6)]),
        place(Ef::Msisdn, 0x6F40, &[U], &[(OptUsim, 7)]),
        place(Ef::SmsParameters, 0x6F42, &[U, I], &[(Usim, 11), (OptIsim, 4), (OptIot, 4)]),
        place(Ef::OperatorPlmns, 0x6F61, &[U], &[(OptUsim, 16), (OptIot, 8)]),
        place(Ef::HomePlmn, 0x6F62, &[U], &[(OptUsim, 17), (OptIot, 9)]),
        place(Ef::EquivalentHome, 0x6FD9, &[U], &[(OptUsim, 58), (OptIot, 10)]),
        place(Ef::ForbiddenPlmns, 0x6F7B, &[U], &[(Usim, 19), (Iot, 19)]),
        place(Ef::AccessPoints, 0x6F57, &[U], &[(OptUsim, 25)]),
        place(Ef::Impi, 0x6F02, &[I], &[(Isim, 3)]),
        place(Ef::Impu, 0x6F04, &[I], &[(Isim, 4)]),
        place(Ef::Domain, 0x6F03, &[I], &[(Isim, 5)]),
    ]
};

impl Ef {
    /// The file that a member of an element describes.
    pub(crate) fn of_member(kind: TemplateKind, number: u8) -> Option<Self> {
        PLACES.iter().find(|place| place.members.contains(&(kind, number))).map(|place| place.ef)
    }

    /// The file with this identifier below the MF or an ADF.
    pub(crate) fn of_file(application: Application, fid: u16) -> Option<Self> {
        let found = |place: &&Place| place.fid == fid && place.applications.contains(&application);
        PLACES.iter().find(found).map(|place| place.ef)
    }

    /// The members of an element of this kind that describe files of a subscriber.
    pub(crate) fn members(kind: TemplateKind) -> impl Iterator<Item = (u8, Self)> {
        let of_kind = move |place: &'static Place| {
            place.members.iter().filter(move |(own, _)| *own == kind).map(|(_, number)| (*number, place.ef))
        };
        PLACES.iter().flat_map(of_kind)
    }
}

/// What the template says of a member. The IoT templates are not tabled: their files
/// are taken for what the templates of MF and USIM say of the same files.
pub(crate) fn row(element: &TemplateElement, number: u8) -> Option<&'static Row> {
    if !matches!(element.kind, TemplateKind::Iot | TemplateKind::OptIot) {
        return template::row(element.kind, &element.template, number);
    }
    let ef = Ef::of_member(element.kind, number)?;
    let (kind, number) = *PLACES.iter().find(|place| place.ef == ef)?.members.first()?;
    let template = template::TEMPLATES.iter().find(|template| template.kind == kind)?;
    template.row(number)
}

/// The temporary file identifiers of the ADFs, which paths begin with.
#[derive(Default)]
pub(crate) struct Directories {
    adfs: Vec<(u16, Application)>,
}

impl Directories {
    /// More than any card holds are not remembered.
    const MOST: usize = 64;

    /// Remembers the ADF that an element creates.
    pub(crate) fn of_element(&mut self, element: &TemplateElement) {
        let (application, number) = match element.kind {
            TemplateKind::Usim => (Application::Usim, 2),
            TemplateKind::Isim => (Application::Isim, 2),
            TemplateKind::Iot => (Application::Usim, 8),
            _ => return,
        };
        if let Some(fid) = element.file(number).and_then(File::fcp).and_then(Fcp::fid) {
            self.remember(fid, application);
        }
    }

    /// Remembers the ADF that a command creates, if it does.
    pub(crate) fn of_command(&mut self, fcp: &Fcp) -> Option<Application> {
        // 3GPP's applications (TS 31.102, TS 31.103; ETSI TS 101 220 Annex E).
        const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
        const ISIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04];
        let application = match fcp.aid()?.first_chunk()? {
            prefix if *prefix == USIM => Application::Usim,
            prefix if *prefix == ISIM => Application::Isim,
            _ => return None,
        };
        self.remember(fcp.fid()?, application);
        Some(application)
    }

    fn remember(&mut self, fid: u16, application: Application) {
        if self.adfs.len() < Self::MOST {
            self.adfs.push((fid, application));
        }
    }

    /// Whose directory a path of generic file management leads to: the MF, or an
    /// ADF itself.
    pub(crate) fn at(&self, path: &[u8]) -> Option<Application> {
        match path {
            [] => Some(Application::Mf),
            &[high, low] => {
                let fid = u16::from_be_bytes([high, low]);
                self.adfs.iter().rev().find(|(own, _)| *own == fid).map(|(_, application)| *application)
            }
            _ => None,
        }
    }
}

/// What generic file management creates, in order.
pub(crate) enum Created {
    /// An application.
    Adf(Application),
    /// A file of the subscriber.
    File(Ef, File),
}

/// The applications and the subscriber's files that an element creates.
pub(crate) fn created(element: &GenericFileManagement, directories: &mut Directories) -> Vec<Created> {
    let mut all = Vec::new();
    for commands in &element.commands {
        let mut directory = Some(Application::Mf);
        let mut filling = false;
        for command in commands {
            match command {
                Command::FilePath(path) => {
                    directory = directories.at(path);
                    filling = false;
                }
                Command::CreateFcp(fcp) => {
                    all.extend(directories.of_command(fcp).map(Created::Adf));
                    let ef = directory.zip(fcp.fid()).and_then(|(own, fid)| Ef::of_file(own, fid));
                    filling = ef.is_some();
                    all.extend(ef.map(|ef| Created::File(ef, File::new(Some(Fcp::clone(fcp)), &[]))));
                }
                Command::FillFileOffset(_) | Command::FillFileContent(_) => {
                    let Some(Created::File(_, file)) = all.last_mut().filter(|_| filling) else { continue };
                    file.items.extend(match command {
                        Command::FillFileOffset(skip) => Some(FileItem::FillFileOffset(*skip)),
                        Command::FillFileContent(bytes) => Some(FileItem::FillFileContent(bytes.clone())),
                        _ => None,
                    });
                }
            }
        }
    }
    all
}

/// Whether the file's body is that of another file.
pub(crate) fn is_link(fcp: Option<&Fcp>) -> bool {
    fcp.and_then(Fcp::link).is_some_and(|path| !path.is_empty())
}
