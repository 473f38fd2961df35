//! File templates: what a file is when the profile does not say.
//!
//! ```
//! use saip::template;
//!
//! let usim = template::by_number(4, 2).unwrap();
//! let ust = usim.row(8).unwrap();
//! assert_eq!((ust.name, ust.fid, ust.arr, ust.sfi), ("EF.UST", Some(0x6F38), 2, Some(4)));
//! assert_eq!(usim.row(20).unwrap().default_content(11), [
//!     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0x01
//! ]);
//! ```

mod rows;
#[rustfmt::skip]
mod table;

use rsp::Oid;

use crate::{
    Error, Fcp, File, FileDescriptor, FileStructure, SecurityAttributes, ShortFileId, TemplateKind, fill,
};

/// One version of the template of one element.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The element it belongs to.
    pub kind: TemplateKind,
    /// Last arc but the version: `2.23.143.1.2.number[.version]`.
    pub number: u8,
    /// 1 for the identifier without a version arc.
    pub version: u8,
    /// Whether files that the element does not mention are created too.
    pub created_by_default: bool,
    rows: &'static [Row],
}

/// One file of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Context tag number of the member in the element.
    pub number: u8,
    /// `EF.IMSI`, `DF.TELECOM` …
    pub name: &'static str,
    /// File identifier, of a range the first; none where the profile gives a
    /// temporary one (ADFs, DF.EAP).
    pub fid: Option<u16>,
    /// Last file identifier of the range.
    pub fid_last: Option<u16>,
    /// The DFs on the way to the file: from the MF for `mf`, `cd` and `telecom`,
    /// otherwise from the ADF (from DF.EAP for `eap`).
    pub path: &'static [u16],
    /// Type and size.
    pub kind: RowKind,
    /// Record of the implied EF.ARR; of the default records see [`DEFAULT_ARR`].
    pub arr: u8,
    /// Short file identifier.
    pub sfi: Option<u8>,
    /// Whether the profile has to give the short file identifier.
    pub sfi_required: bool,
    /// Content when the profile gives none.
    pub content: Content,
    /// Whether the profile has to give content.
    pub content_required: bool,
    /// Whether the file is updated often.
    pub high_update: bool,
    /// Services of the application that need the file.
    pub services: Services,
    since: u8,
    until: u8,
}

/// Type of a file and what the template says about its size; `None` is the
/// profile's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A DF, an ADF or the MF.
    Directory,
    /// A transparent EF.
    Transparent {
        /// In bytes.
        size: Option<u32>,
    },
    /// A linear fixed EF.
    LinearFixed {
        /// Number of records.
        records: Option<u8>,
        /// Bytes of each.
        length: Option<u8>,
    },
    /// A cyclic EF.
    Cyclic {
        /// Number of records.
        records: Option<u8>,
        /// Bytes of each.
        length: Option<u8>,
    },
    /// A BER-TLV structure EF.
    BerTlv {
        /// In bytes.
        size: Option<u32>,
    },
}

impl RowKind {
    /// The structure.
    #[must_use]
    pub const fn structure(self) -> FileStructure {
        match self {
            Self::Directory => FileStructure::Directory,
            Self::Transparent { .. } => FileStructure::Transparent,
            Self::LinearFixed { .. } => FileStructure::LinearFixed,
            Self::Cyclic { .. } => FileStructure::Cyclic,
            Self::BerTlv { .. } => FileStructure::BerTlv,
        }
    }

    fn record_length(self) -> Option<u16> {
        match self {
            Self::LinearFixed { length, .. } | Self::Cyclic { length, .. } => length.map(u16::from),
            _ => None,
        }
    }

    const fn records(self) -> Option<u8> {
        match self {
            Self::LinearFixed { records, .. } | Self::Cyclic { records, .. } => records,
            _ => None,
        }
    }
}

/// Content of a file that the profile gives no content for; of record files, of
/// each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing is said: `FF`.
    None,
    /// `head`, `byte` as often as needed, `tail`.
    Filled {
        /// At the beginning.
        head: &'static [u8],
        /// Between.
        byte: u8,
        /// At the end.
        tail: &'static [u8],
    },
    /// Again and again.
    Repeated(&'static [u8]),
}

/// Numbers in EF.UST or EF.IST; 1000 + n is service n of EF.5G_PROSE_ST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    /// The file belongs to no service.
    None,
    /// Each of them needs the file.
    Any(&'static [u16]),
    /// The file is needed where all of them are.
    All(&'static [u16]),
    /// A number that depends on the application.
    OfNaa {
        /// In EF.UST.
        usim: u16,
        /// In EF.IST.
        isim: u16,
    },
}

impl Row {
    /// What a file of `size` bytes holds when the profile gives no content.
    #[must_use]
    pub fn default_content(&self, size: usize) -> Vec<u8> {
        self.default_records(size, self.kind.record_length())
    }

    /// As [`Row::default_content`], with the record length that the profile gives.
    #[must_use]
    pub fn default_records(&self, size: usize, record_length: Option<u16>) -> Vec<u8> {
        let mut body = vec![0xFF; size];
        match self.content {
            Content::None => {}
            Content::Repeated(pattern) => fill(&mut body, pattern, true, record_length),
            Content::Filled { head, byte, tail } => {
                let record = record_length.map_or(size, usize::from).max(1);
                for chunk in body.chunks_mut(record) {
                    chunk.fill(byte);
                    for (to, from) in chunk.iter_mut().zip(head) {
                        *to = *from;
                    }
                    let rest = chunk.get_mut(head.len()..).unwrap_or_default();
                    for (to, from) in rest.iter_mut().rev().zip(tail.iter().rev()) {
                        *to = *from;
                    }
                }
            }
        }
        body
    }

    /// Whether the profile may give the file this identifier.
    #[must_use]
    pub const fn allows_fid(&self, fid: u16) -> bool {
        match (self.fid, self.fid_last) {
            (Some(first), Some(last)) => first <= fid && fid <= last,
            _ => true,
        }
    }
}

impl Template {
    /// The file that the member with this context tag number describes.
    #[must_use]
    pub fn row(&self, number: u8) -> Option<&'static Row> {
        self.rows().find(|row| row.number == number)
    }

    /// Every file, in the order of the context tags.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> + use<> {
        let version = self.version;
        self.rows.iter().filter(move |row| row.since <= version && version <= row.until)
    }

    /// The file with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static Row> {
        self.rows().find(|row| row.name == name)
    }

    /// Its object identifier.
    #[must_use]
    pub fn oid(&self) -> Oid {
        oid(self.number, self.version)
    }
}

/// 2.23.143.1.2, as the contents of its DER encoding.
const PREFIX: [u8; 5] = [0x67, 0x81, 0x0F, 0x01, 0x02];

/// The object identifier `2.23.143.1.2.number[.version]` of a template, known here
/// or not.
#[must_use]
pub fn oid(number: u8, version: u8) -> Oid {
    // 2.23 is coded as one sub-identifier, 103.
    let number = u32::from(number);
    if version > 1 {
        Oid::from_sub_identifiers(103, [143, 1, 2, number, u32::from(version)])
    } else {
        Oid::from_sub_identifiers(103, [143, 1, 2, number])
    }
}

/// The template with this identifier; `None` for those that are not tabled here,
/// among them CSIM (10, 11) and IoT (17, 18).
#[must_use]
pub fn by_oid(oid: &Oid) -> Option<&'static Template> {
    match *oid.der_contents().strip_prefix(&PREFIX)? {
        [number] => by_number(number, 1),
        [number, version] if version > 1 => by_number(number, version),
        _ => None,
    }
}

/// The template `2.23.143.1.2.number[.version]`; version 1 has no version arc.
#[must_use]
pub fn by_number(number: u8, version: u8) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.number == number && template.version == version)
}

/// The row of a member: the template must be known and belong to that element.
#[must_use]
pub fn row(kind: TemplateKind, oid: &Oid, number: u8) -> Option<&'static Row> {
    by_oid(oid).filter(|template| template.kind == kind)?.row(number)
}

const fn template(kind: TemplateKind, number: u8, version: u8, rows: &'static [Row]) -> Template {
    let created_by_default = matches!(kind, TemplateKind::Mf | TemplateKind::Usim | TemplateKind::Isim);
    Template { kind, number, version, created_by_default, rows }
}

/// Every template known here.
pub static TEMPLATES: [Template; 22] = [
    template(TemplateKind::Mf, 1, 1, table::MF),
    template(TemplateKind::Cd, 2, 1, table::CD),
    template(TemplateKind::Telecom, 3, 1, table::TELECOM),
    template(TemplateKind::Telecom, 3, 2, table::TELECOM),
    template(TemplateKind::Usim, 4, 1, table::USIM),
    template(TemplateKind::Usim, 4, 2, table::USIM),
    template(TemplateKind::OptUsim, 5, 1, table::OPT_USIM),
    template(TemplateKind::OptUsim, 5, 2, table::OPT_USIM),
    template(TemplateKind::OptUsim, 5, 3, table::OPT_USIM),
    template(TemplateKind::Phonebook, 6, 1, table::PHONEBOOK),
    template(TemplateKind::GsmAccess, 7, 1, table::GSM_ACCESS),
    template(TemplateKind::Isim, 8, 1, table::ISIM),
    template(TemplateKind::OptIsim, 9, 1, table::OPT_ISIM),
    template(TemplateKind::OptIsim, 9, 2, table::OPT_ISIM),
    template(TemplateKind::Eap, 12, 1, table::EAP),
    template(TemplateKind::Df5gs, 13, 1, table::DF_5GS),
    template(TemplateKind::Df5gs, 13, 2, table::DF_5GS),
    template(TemplateKind::Df5gs, 13, 3, table::DF_5GS),
    template(TemplateKind::Df5gs, 13, 4, table::DF_5GS),
    template(TemplateKind::DfSaip, 14, 1, table::DF_SAIP),
    template(TemplateKind::DfSnpn, 15, 1, table::DF_SNPN),
    template(TemplateKind::Df5gProse, 16, 1, table::DF_5G_PROSE),
];

/// A file as it is to be created: the template overlaid with what the profile gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// File identifier; `None` when neither gives one (the profile has to, where
    /// the template has a range).
    pub fid: Option<u16>,
    /// Structure.
    pub structure: FileStructure,
    /// Whether several logical channels may have it selected.
    pub shareable: bool,
    /// Bytes of a record.
    pub record_length: Option<u16>,
    /// Bytes of the body; `None` for directories, and where neither says (links).
    pub size: Option<u32>,
    /// Access rules; `None` only where there is no template either.
    pub access: Option<SecurityAttributes>,
    /// Short file identifier.
    pub sfi: Option<u8>,
    /// Life cycle status.
    pub life_cycle: u8,
    /// Updated often.
    pub high_update: bool,
    /// Readable and updatable while deactivated.
    pub readable_when_deactivated: bool,
}

impl Attributes {
    /// Number of records; zero for other files.
    #[must_use]
    pub fn records(&self) -> u32 {
        match (self.size, self.record_length) {
            (Some(size), Some(length)) if length > 0 => size / u32::from(length),
            _ => 0,
        }
    }

    /// The body that the file is created with: the profile's pattern, else the
    /// template's default, else `FF`; then the profile's content. Where no size is
    /// known it is as long as the content, in whole records: so with BER-TLV files,
    /// and with CSIM files, whose templates are not tabled here.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`MAX_FILE_SIZE`], [`Error::Value`] when the
    /// template has a row for the file and the size is not known all the same, or
    /// when the content does not fit.
    pub fn body(&self, row: Option<&Row>, file: &File) -> Result<Vec<u8>, Error> {
        let free = row.is_none() || self.structure == FileStructure::BerTlv;
        let size = match self.size {
            Some(size) => size as usize,
            None if free => {
                let record = usize::from(self.record_length.unwrap_or(1)).max(1);
                file.content_end().next_multiple_of(record)
            }
            None => return Err(Error::Value("efFileSize")),
        };
        if size > MAX_FILE_SIZE as usize {
            return Err(Error::TooLarge);
        }
        let fcp = file.fcp();
        let pattern = fcp.is_some_and(|fcp| fcp.fill_pattern().or_else(|| fcp.repeat_pattern()).is_some());
        let mut body = match (row, fcp) {
            (_, Some(fcp)) if pattern => {
                let mut body = vec![0; size];
                fcp.prefill(&mut body, self.record_length);
                body
            }
            (Some(row), _) => row.default_records(size, self.record_length),
            _ => vec![0xFF; size],
        };
        file.apply(&mut body).map_err(|_| Error::Value("fillFileContent"))?;
        Ok(body)
    }
}

/// The largest file that [`Attributes::body`] makes.
pub const MAX_FILE_SIZE: u32 = 0x4_0000;

/// Overlays the template's row with the file control parameters. Either may be
/// missing, as in generic file management and for a file left to the template.
///
/// # Errors
/// [`Error::Value`] for parameters that mean nothing, for a structure other than
/// the template's, and for a record file whose size is not made of 1 to 254 records.
pub fn resolve(row: Option<&Row>, fcp: Option<&Fcp>) -> Result<Attributes, Error> {
    let none = Fcp::default();
    let given = fcp.unwrap_or(&none);
    let kind = row.map(|row| row.kind);
    let descriptor = match (given.descriptor()?, kind) {
        (Some(descriptor), Some(kind)) if descriptor.structure != kind.structure() => {
            return Err(Error::Value("fileDescriptor"));
        }
        (Some(descriptor), _) => descriptor,
        (None, Some(kind)) => {
            let record_length = kind.record_length();
            FileDescriptor { structure: kind.structure(), shareable: true, record_length }
        }
        (None, None) => return Err(Error::Value("fileDescriptor")),
    };
    let record_length = descriptor.record_length.or_else(|| kind.and_then(RowKind::record_length));
    let template_size = match kind {
        Some(RowKind::Transparent { size } | RowKind::BerTlv { size }) => size,
        Some(kind) => match (kind.records(), record_length) {
            (Some(records), Some(length)) => Some(u32::from(records) * u32::from(length)),
            _ => None,
        },
        None => None,
    };
    let size = match descriptor.structure {
        FileStructure::Directory => None,
        FileStructure::BerTlv => given.size()?.or(given.maximum_size()?).or(template_size),
        _ => given.size()?.or(template_size),
    };
    if let (Some(size), FileStructure::LinearFixed | FileStructure::Cyclic) = (size, descriptor.structure) {
        let length = u32::from(record_length.ok_or(Error::Value("fileDescriptor"))?);
        if length == 0 || !size.is_multiple_of(length) || !(1..=254).contains(&(size / length)) {
            return Err(Error::Value("efFileSize"));
        }
    }
    let template_fid = row.filter(|row| row.fid == row.fid_last).and_then(|row| row.fid);
    let fid = given.fid().or(template_fid);
    let sfi = match (given.short_file_id()?, row) {
        (ShortFileId::Sfi(sfi), _) => Some(sfi),
        (ShortFileId::None, _) => None,
        (ShortFileId::Absent, Some(row)) => row.sfi,
        (ShortFileId::Absent, None) if descriptor.structure == FileStructure::Directory => None,
        // TS 102 222 §6.3.2.2.2: from the last five bits of the file identifier.
        (ShortFileId::Absent, None) => fid.map(|fid| (fid & 0x1F) as u8).filter(|sfi| (1..=30).contains(sfi)),
    };
    let template_access = row.map(|row| SecurityAttributes::Record(row.arr));
    let special = given.proprietary_ef_info.is_some();
    Ok(Attributes {
        fid,
        structure: descriptor.structure,
        shareable: descriptor.shareable,
        record_length,
        size,
        access: given.security_attributes()?.or(template_access),
        sfi,
        life_cycle: given.life_cycle(),
        high_update: if special { given.high_update() } else { row.is_some_and(|row| row.high_update) },
        readable_when_deactivated: given.readable_when_deactivated(),
    })
}

/// Record n (from 1) of the EF.ARR that the `arr` column of the templates assumes
/// (section 9.9): access mode and security condition data objects of TS 102 221
/// §9.2.7, and what they say.
pub const DEFAULT_ARR: [&[u8]; 14] = [
    // 1: read always, update PIN 1, else ADM 1
    &[
        0x80, 0x01, 0x01, 0x90, 0x00, 0x80, 0x01, 0x02, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80,
        0x01, 0x58, 0xA4, 0x06, 0x83, 0x01, 0x0A, 0x95, 0x01, 0x08,
    ],
    // 2: read PIN 1, else ADM 1
    &[
        0x80, 0x01, 0x01, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80, 0x01, 0x5A, 0xA4, 0x06, 0x83,
        0x01, 0x0A, 0x95, 0x01, 0x08,
    ],
    // 3: ADM 1
    &[0x80, 0x01, 0x5B, 0xA4, 0x06, 0x83, 0x01, 0x0A, 0x95, 0x01, 0x08],
    // 4: read always, update never, delete ADM 1
    &[
        0x80, 0x01, 0x01, 0x90, 0x00, 0x80, 0x01, 0x1A, 0x97, 0x00, 0x80, 0x01, 0x40, 0xA4, 0x06, 0x83, 0x01,
        0x0A, 0x95, 0x01, 0x08,
    ],
    // 5: read and update PIN 1, else ADM 1
    &[
        0x80, 0x01, 0x03, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80, 0x01, 0x58, 0xA4, 0x06, 0x83,
        0x01, 0x0A, 0x95, 0x01, 0x08,
    ],
    // 6: read and activate PIN 1, else ADM 1
    &[
        0x80, 0x01, 0x11, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80, 0x01, 0x4A, 0xA4, 0x06, 0x83,
        0x01, 0x0A, 0x95, 0x01, 0x08,
    ],
    // 7: as 5, and INCREASE with PIN 1
    &[
        0x80, 0x01, 0x03, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80, 0x01, 0x58, 0xA4, 0x06, 0x83,
        0x01, 0x0A, 0x95, 0x01, 0x08, 0x84, 0x01, 0x32, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08,
    ],
    // 8: read PIN 1, update PIN 2, else ADM 1
    &[
        0x80, 0x01, 0x01, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80, 0x01, 0x02, 0xA4, 0x06, 0x83,
        0x01, 0x81, 0x95, 0x01, 0x08, 0x80, 0x01, 0x58, 0xA4, 0x06, 0x83, 0x01, 0x0A, 0x95, 0x01, 0x08,
    ],
    // 9: read always, update PIN 1, delete ADM 1
    &[
        0x80, 0x01, 0x01, 0x90, 0x00, 0x80, 0x01, 0x1A, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80,
        0x01, 0x40, 0xA4, 0x06, 0x83, 0x01, 0x0A, 0x95, 0x01, 0x08,
    ],
    // 10: read always, else ADM 1
    &[0x80, 0x01, 0x01, 0x90, 0x00, 0x80, 0x01, 0x5A, 0xA4, 0x06, 0x83, 0x01, 0x0A, 0x95, 0x01, 0x08],
    // 11: read always, activate and deactivate ADM 1, update and delete never
    &[
        0x80, 0x01, 0x01, 0x90, 0x00, 0x80, 0x01, 0x18, 0xA4, 0x06, 0x83, 0x01, 0x0A, 0x95, 0x01, 0x08, 0x80,
        0x01, 0x42, 0x97, 0x00,
    ],
    // 12: read PIN 1, else never
    &[0x80, 0x01, 0x01, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80, 0x01, 0x5A, 0x97, 0x00],
    // 13: read, update and activate PIN 1, else ADM 1
    &[
        0x80, 0x01, 0x13, 0xA4, 0x06, 0x83, 0x01, 0x01, 0x95, 0x01, 0x08, 0x80, 0x01, 0x48, 0xA4, 0x06, 0x83,
        0x01, 0x0A, 0x95, 0x01, 0x08,
    ],
    // 14: directories: create, delete, terminate ADM 1
    &[0x80, 0x01, 0x5E, 0xA4, 0x06, 0x83, 0x01, 0x0A, 0x95, 0x01, 0x08],
];

#[cfg(test)]
mod tests;
