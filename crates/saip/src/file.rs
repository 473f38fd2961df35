//! Files as profile elements describe them: the file control parameters, the
//! instructions that fill a file, and the commands of generic file management.

use core::fmt;

use rasn::prelude::{AsnType, Decode, Decoder, Encode, Encoder, OctetString};
use tlv::{Reader, Tag, Tlv, Writer};

use crate::Error;

/// ```asn1
/// ProprietaryInfo ::= SEQUENCE {
///   specialFileInformation [PRIVATE 0] OCTET STRING (SIZE (1)) DEFAULT '00'H,
///   fillPattern            [PRIVATE 1] OCTET STRING (SIZE(1..200)) OPTIONAL,
///   repeatPattern          [PRIVATE 2] OCTET STRING (SIZE(1..200)) OPTIONAL,
///   maximumFileSize        [6] OCTET STRING OPTIONAL,
///   fileDetails            [4] OCTET STRING (SIZE(1)) DEFAULT '01'H }
/// ```
#[derive(AsnType, Decode, Encode, Clone, Debug, PartialEq, Eq)]
pub struct ProprietaryInfo {
    /// b8: high update activity; b7: readable and updatable when deactivated.
    #[rasn(tag(private, 0), size(1), default = "zero")]
    pub special_file_information: OctetString,
    /// Written once, then its last byte to the end.
    #[rasn(tag(private, 1), size("1..=200"))]
    pub fill_pattern: Option<OctetString>,
    /// Written again and again.
    #[rasn(tag(private, 2), size("1..=200"))]
    pub repeat_pattern: Option<OctetString>,
    /// Of a BER-TLV file, in bytes, big-endian.
    #[rasn(tag(context, 6))]
    pub maximum_file_size: Option<OctetString>,
    /// Of a BER-TLV file: `01`, DER coding only.
    #[rasn(tag(context, 4), size(1), default = "one")]
    pub file_details: OctetString,
}

impl Default for ProprietaryInfo {
    fn default() -> Self {
        Self {
            special_file_information: zero(),
            fill_pattern: None,
            repeat_pattern: None,
            maximum_file_size: None,
            file_details: one(),
        }
    }
}

/// File control parameters; every one overlays what the template says.
///
/// ```asn1
/// Fcp ::= SEQUENCE {
///   fileDescriptor [2] OCTET STRING (SIZE(2..4)) OPTIONAL,
///   fileID [3] OCTET STRING (SIZE(2)) OPTIONAL,
///   dfName [4] ApplicationIdentifier OPTIONAL,
///   lcsi [10] OCTET STRING (SIZE (1)) DEFAULT '05'H,
///   securityAttributesReferenced [11] OCTET STRING (SIZE (1..3)) OPTIONAL,
///   efFileSize [0] OCTET STRING OPTIONAL,
///   pinStatusTemplateDO [PRIVATE 6] OCTET STRING OPTIONAL,
///   shortEFID [8] OCTET STRING (SIZE (0..1)) OPTIONAL,
///   proprietaryEFInfo [5] ProprietaryInfo OPTIONAL,
///   linkPath [PRIVATE 7] OCTET STRING (SIZE (0..8)) OPTIONAL }
/// ```
///
/// The fields are as on the wire; the methods of the same meaning read them.
#[derive(AsnType, Decode, Encode, Clone, Debug, PartialEq, Eq)]
pub struct Fcp {
    /// Structure, data coding `21`, and for records their length. See [`Fcp::descriptor`].
    #[rasn(tag(context, 2), size("2..=4"))]
    pub file_descriptor: Option<OctetString>,
    /// File identifier; of an ADF a temporary one. See [`Fcp::fid`].
    #[rasn(tag(context, 3), size(2))]
    pub file_id: Option<OctetString>,
    /// AID of an ADF.
    #[rasn(tag(context, 4), size("5..=16"))]
    pub df_name: Option<OctetString>,
    /// Life cycle status. See [`Fcp::life_cycle`].
    #[rasn(tag(context, 10), size(1), default = "activated")]
    pub lcsi: OctetString,
    /// See [`Fcp::security_attributes`].
    #[rasn(tag(context, 11), size("1..=3"))]
    pub security_attributes_referenced: Option<OctetString>,
    /// See [`Fcp::size`].
    #[rasn(tag(context, 0))]
    pub ef_file_size: Option<OctetString>,
    /// Key references of a DF, in the order of its PS_DO.
    #[rasn(tag(private, 6))]
    pub pin_status_template_do: Option<OctetString>,
    /// See [`Fcp::short_file_id`].
    #[rasn(tag(context, 8), size("0..=1"))]
    pub short_ef_id: Option<OctetString>,
    /// What TS 102 222 calls proprietary information.
    #[rasn(tag(context, 5))]
    pub proprietary_ef_info: Option<ProprietaryInfo>,
    /// Path of the file whose body this one shares; empty turns a template's
    /// link into a file of its own.
    #[rasn(tag(private, 7), size("0..=8"))]
    pub link_path: Option<OctetString>,
}

impl Default for Fcp {
    fn default() -> Self {
        Self {
            file_descriptor: None,
            file_id: None,
            df_name: None,
            lcsi: activated(),
            security_attributes_referenced: None,
            ef_file_size: None,
            pin_status_template_do: None,
            short_ef_id: None,
            proprietary_ef_info: None,
            link_path: None,
        }
    }
}

fn zero() -> OctetString {
    OctetString::from_static(&[0])
}

fn one() -> OctetString {
    OctetString::from_static(&[1])
}

fn activated() -> OctetString {
    OctetString::from_static(&[5])
}

/// How the bytes of a file are organised (TS 102 221 §11.1.1.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStructure {
    /// A DF, an ADF or the MF.
    Directory,
    /// A transparent EF.
    Transparent,
    /// A linear fixed EF.
    LinearFixed,
    /// A cyclic EF.
    Cyclic,
    /// A BER-TLV structure EF.
    BerTlv,
}

/// A file descriptor, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDescriptor {
    /// The structure.
    pub structure: FileStructure,
    /// Whether several logical channels may have it selected.
    pub shareable: bool,
    /// Bytes of a record; only for record files.
    pub record_length: Option<u16>,
}

impl FileDescriptor {
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        const BAD: Error = Error::Value("fileDescriptor");
        let &first = bytes.first().ok_or(BAD)?;
        let structure = match first & 0xBF {
            0x01 => FileStructure::Transparent,
            0x02 => FileStructure::LinearFixed,
            0x06 => FileStructure::Cyclic,
            0x38 => FileStructure::Directory,
            0x39 => FileStructure::BerTlv,
            _ => return Err(BAD),
        };
        let records = matches!(structure, FileStructure::LinearFixed | FileStructure::Cyclic);
        let record_length = match (records, bytes) {
            (true, [_, _, length]) => Some(u16::from(*length)),
            (true, [_, _, high, low]) => Some(u16::from_be_bytes([*high, *low])),
            (true, _) => return Err(BAD),
            (false, _) => None,
        };
        if record_length.is_some_and(|length| length == 0 || length > 255) {
            return Err(BAD);
        }
        Ok(Self { structure, shareable: first & 0x40 != 0, record_length })
    }
}

/// Which access rules govern a file (tag 8B, TS 102 221 §9.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityAttributes {
    /// A record of the EF.ARR that the place of the file implies: 2F06 for the
    /// MF, ADFs and files directly below the MF, 6F06 elsewhere.
    Record(u8),
    /// A record of a named EF.ARR.
    ArrRecord {
        /// Its file identifier.
        fid: u16,
        /// The record, from 1.
        record: u8,
    },
}

/// What the profile says about the short file identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortFileId {
    /// Nothing: the template decides, or the file identifier does.
    Absent,
    /// There shall be none.
    None,
    /// This one, 1 to 30.
    Sfi(u8),
}

impl Fcp {
    /// Reads the components inside a data object of any tag. Components that
    /// the definition does not know are left out, as `EXTENSIBILITY IMPLIED`
    /// asks; rasn by itself would refuse them.
    pub(crate) fn decode_value(value: &[u8]) -> Result<Self, Error> {
        const KNOWN: [Tag; 10] = [
            Tag(0x82),
            Tag(0x83),
            Tag(0x84),
            Tag(0x8A),
            Tag(0x8B),
            Tag(0x80),
            Tag(0xC6),
            Tag(0x88),
            Tag(0xA5),
            Tag(0xC7),
        ];
        const KNOWN_PROPRIETARY: [Tag; 5] = [Tag(0xC0), Tag(0xC1), Tag(0xC2), Tag(0x86), Tag(0x84)];
        let mut known = Writer::new();
        let mut reader = Reader::new(value);
        while let Some(tlv) = reader.next()? {
            if tlv.tag == Tag(0xA5) {
                let mut inner = tlv.reader();
                let mut kept = Writer::new();
                while let Some(tlv) = inner.next()? {
                    if KNOWN_PROPRIETARY.contains(&tlv.tag) {
                        kept.raw(tlv.raw);
                    }
                }
                known.tlv(tlv.tag, &kept.finish());
            } else if KNOWN.contains(&tlv.tag) {
                known.raw(tlv.raw);
            }
        }
        rasn::der::decode(&tlv::encode(Tag::SEQUENCE, &known.finish())).map_err(|_| Error::Asn1("Fcp"))
    }

    pub(crate) fn encode_value(&self) -> Result<Vec<u8>, Error> {
        let bytes = rasn::der::encode(self).map_err(|_| Error::Asn1("Fcp"))?;
        Ok(Tlv::single_of(&bytes, Tag::SEQUENCE)?.value.to_vec())
    }

    /// The file descriptor.
    ///
    /// # Errors
    /// [`Error::Value`] for a structure that TS 102 221 does not have, or record
    /// lengths where none or nonsensical ones stand.
    pub fn descriptor(&self) -> Result<Option<FileDescriptor>, Error> {
        self.file_descriptor.as_deref().map(FileDescriptor::parse).transpose()
    }

    /// The file identifier.
    #[must_use]
    pub fn fid(&self) -> Option<u16> {
        self.file_id.as_deref().and_then(|fid| fid.try_into().ok()).map(u16::from_be_bytes)
    }

    /// The AID of an ADF.
    #[must_use]
    pub fn aid(&self) -> Option<&[u8]> {
        self.df_name.as_deref()
    }

    /// The life cycle status: `05` activated, `04` deactivated.
    #[must_use]
    pub fn life_cycle(&self) -> u8 {
        self.lcsi.first().copied().unwrap_or(5)
    }

    /// The access rules.
    ///
    /// # Errors
    /// [`Error::Value`] for two bytes, which mean nothing.
    pub fn security_attributes(&self) -> Result<Option<SecurityAttributes>, Error> {
        match self.security_attributes_referenced.as_deref() {
            None => Ok(None),
            Some(&[record]) => Ok(Some(SecurityAttributes::Record(record))),
            Some(&[high, low, record]) => {
                let fid = u16::from_be_bytes([high, low]);
                Ok(Some(SecurityAttributes::ArrRecord { fid, record }))
            }
            Some(_) => Err(Error::Value("securityAttributesReferenced")),
        }
    }

    /// The size of an EF in bytes; of a record file, of all its records.
    ///
    /// # Errors
    /// [`Error::Value`] for no or more than four bytes.
    pub fn size(&self) -> Result<Option<u32>, Error> {
        self.ef_file_size.as_deref().map(|size| number(size, "efFileSize")).transpose()
    }

    /// The key references of a DF.
    #[must_use]
    pub fn pin_status(&self) -> Option<&[u8]> {
        self.pin_status_template_do.as_deref()
    }

    /// The short file identifier.
    ///
    /// # Errors
    /// [`Error::Value`] when it is not 1 to 30 in the upper five bits.
    pub fn short_file_id(&self) -> Result<ShortFileId, Error> {
        match self.short_ef_id.as_deref() {
            None => Ok(ShortFileId::Absent),
            Some([]) => Ok(ShortFileId::None),
            Some(&[byte]) if byte & 7 == 0 && (1..=30).contains(&(byte >> 3)) => {
                Ok(ShortFileId::Sfi(byte >> 3))
            }
            Some(_) => Err(Error::Value("shortEFID")),
        }
    }

    /// The special file information, `00` unless given.
    #[must_use]
    pub fn special_file_information(&self) -> u8 {
        let info = self.proprietary_ef_info.as_ref();
        info.and_then(|info| info.special_file_information.first().copied()).unwrap_or(0)
    }

    /// Whether the file is updated often.
    #[must_use]
    pub fn high_update(&self) -> bool {
        self.special_file_information() & 0x80 != 0
    }

    /// Whether the file can be read and updated while deactivated.
    #[must_use]
    pub fn readable_when_deactivated(&self) -> bool {
        self.special_file_information() & 0x40 != 0
    }

    /// The pattern that is written once and then continued with its last byte.
    #[must_use]
    pub fn fill_pattern(&self) -> Option<&[u8]> {
        self.proprietary_ef_info.as_ref()?.fill_pattern.as_deref()
    }

    /// The pattern that is written again and again.
    #[must_use]
    pub fn repeat_pattern(&self) -> Option<&[u8]> {
        self.proprietary_ef_info.as_ref()?.repeat_pattern.as_deref()
    }

    /// The most a BER-TLV file may take.
    ///
    /// # Errors
    /// [`Error::Value`] for no or more than four bytes.
    pub fn maximum_size(&self) -> Result<Option<u32>, Error> {
        let size = self.proprietary_ef_info.as_ref().and_then(|info| info.maximum_file_size.as_deref());
        size.map(|size| number(size, "maximumFileSize")).transpose()
    }

    /// The path of the file to share the body of.
    #[must_use]
    pub fn link(&self) -> Option<&[u8]> {
        self.link_path.as_deref()
    }

    /// Fills `body` with the pattern given here, record by record where
    /// `record_length` is given. Without a pattern, `FF`.
    pub fn prefill(&self, body: &mut [u8], record_length: Option<u16>) {
        let (pattern, repeat) = match (self.repeat_pattern(), self.fill_pattern()) {
            (Some(pattern), _) => (pattern, true),
            (None, Some(pattern)) => (pattern, false),
            (None, None) => (&[][..], false),
        };
        fill(body, pattern, repeat, record_length);
    }
}

fn number(bytes: &[u8], name: &'static str) -> Result<u32, Error> {
    let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
    match bytes.get(start..) {
        Some(digits) if !bytes.is_empty() && digits.len() <= 4 => {
            Ok(digits.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
        }
        _ => Err(Error::Value(name)),
    }
}

/// Fills `body` with `pattern`: with `repeat` again and again, otherwise once and
/// then with its last byte. Each record starts anew. An empty pattern is `FF`.
pub fn fill(body: &mut [u8], pattern: &[u8], repeat: bool, record_length: Option<u16>) {
    let record = record_length.filter(|&length| length > 0).map_or(body.len(), usize::from).max(1);
    let last = pattern.last().copied().unwrap_or(0xFF);
    for chunk in body.chunks_mut(record) {
        for (index, byte) in chunk.iter_mut().enumerate() {
            let index = if repeat && !pattern.is_empty() { index % pattern.len() } else { index };
            *byte = pattern.get(index).copied().unwrap_or(last);
        }
    }
}

/// One instruction about a file.
///
/// ```asn1
/// CHOICE { doNotCreate NULL, fileDescriptor Fcp, fillFileOffset UInt16, fillFileContent OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileItem {
    /// The file of the template shall not exist.
    DoNotCreate,
    /// How the file differs from the template's.
    FileDescriptor(Box<Fcp>),
    /// So many bytes are skipped.
    FillFileOffset(u16),
    /// These bytes are written.
    FillFileContent(Vec<u8>),
}

/// The widest range of file identifiers in a template is 64: more descriptors in
/// one member describe nothing, and each takes far more memory than bytes.
const MAX_INSTANCES: usize = 64;

/// What an element says about one file: `File ::= SEQUENCE OF CHOICE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The instructions, in order.
    pub items: Vec<FileItem>,
}

/// Content that reaches past the end of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastEnd {
    /// Where the content would have ended.
    pub end: usize,
    /// Bytes of the file.
    pub size: usize,
}

impl fmt::Display for PastEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "content ends at {} in a file of {} bytes", self.end, self.size)
    }
}

impl core::error::Error for PastEnd {}

impl File {
    /// A file with these parameters and this content.
    #[must_use]
    pub fn new(fcp: Option<Fcp>, content: &[u8]) -> Self {
        let mut items: Vec<FileItem> =
            fcp.map(|fcp| FileItem::FileDescriptor(Box::new(fcp))).into_iter().collect();
        if !content.is_empty() {
            items.push(FileItem::FillFileContent(content.to_vec()));
        }
        Self { items }
    }

    /// A file of a "created by default" template that shall not exist.
    #[must_use]
    pub fn absent() -> Self {
        Self { items: vec![FileItem::DoNotCreate] }
    }

    /// Whether the template's file shall not exist.
    #[must_use]
    pub fn do_not_create(&self) -> bool {
        self.items.contains(&FileItem::DoNotCreate)
    }

    /// The first file control parameters.
    #[must_use]
    pub fn fcp(&self) -> Option<&Fcp> {
        self.items.iter().find_map(|item| match item {
            FileItem::FileDescriptor(fcp) => Some(&**fcp),
            _ => None,
        })
    }

    /// The member taken apart into single files, for members whose template row
    /// gives a range of file identifiers: every file control parameters begin
    /// another file.
    #[must_use]
    pub fn instances(&self) -> Vec<Self> {
        let mut files: Vec<Self> = Vec::new();
        for item in &self.items {
            let begins = match (item, files.last()) {
                (_, None) => true,
                (FileItem::FileDescriptor(_), Some(file)) => file.fcp().is_some(),
                _ => false,
            };
            if begins {
                files.push(Self::default());
            }
            if let Some(file) = files.last_mut() {
                file.items.push(item.clone());
            }
        }
        files
    }

    /// What is written where: position in the body and bytes. Offsets count from
    /// the end of what was written before.
    pub fn contents(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut position = 0usize;
        self.items.iter().filter_map(move |item| match item {
            FileItem::FillFileOffset(skip) => {
                position = position.saturating_add(usize::from(*skip));
                None
            }
            FileItem::FillFileContent(bytes) => {
                let at = position;
                position = position.saturating_add(bytes.len());
                Some((at, bytes.as_slice()))
            }
            _ => None,
        })
    }

    /// Whether any content is given.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.contents().next().is_some()
    }

    /// Where the last content ends: the least size of the file.
    #[must_use]
    pub fn content_end(&self) -> usize {
        self.contents().map(|(at, bytes)| at.saturating_add(bytes.len())).max().unwrap_or(0)
    }

    /// Writes the contents into `body`, which holds the default content already.
    ///
    /// # Errors
    /// [`PastEnd`] when they do not fit; what fits before has been written.
    pub fn apply(&self, body: &mut [u8]) -> Result<(), PastEnd> {
        let size = body.len();
        for (at, bytes) in self.contents() {
            let end = at.saturating_add(bytes.len());
            body.get_mut(at..end).ok_or(PastEnd { end, size })?.copy_from_slice(bytes);
        }
        Ok(())
    }

    pub(crate) fn decode_value(value: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(value);
        let mut items = Vec::new();
        let mut descriptors = 0;
        while let Some(item) = reader.next()? {
            descriptors += usize::from(item.tag == Tag(0xA1));
            if descriptors > MAX_INSTANCES {
                return Err(Error::TooLarge);
            }
            items.push(match item.tag {
                Tag(0x80) if item.value.is_empty() => FileItem::DoNotCreate,
                Tag(0xA1) => FileItem::FileDescriptor(Box::new(Fcp::decode_value(item.value)?)),
                Tag(0x82) => FileItem::FillFileOffset(offset(&item)?),
                Tag(0x83) => FileItem::FillFileContent(item.value.to_vec()),
                _ => return Err(Error::Value("File")),
            });
        }
        Ok(Self { items })
    }

    pub(crate) fn encode_into(&self, tag: Tag, writer: &mut Writer) -> Result<(), Error> {
        let mut inner = Writer::new();
        for item in &self.items {
            match item {
                FileItem::DoNotCreate => inner.tlv(Tag(0x80), &[]),
                FileItem::FileDescriptor(fcp) => inner.tlv(Tag(0xA1), &fcp.encode_value()?),
                FileItem::FillFileOffset(skip) => inner.unsigned(Tag(0x82), u32::from(*skip)),
                FileItem::FillFileContent(bytes) => inner.tlv(Tag(0x83), bytes),
            };
        }
        writer.tlv(tag, &inner.finish());
        Ok(())
    }
}

/// A command of generic file management.
///
/// ```asn1
/// FileManagement ::= SEQUENCE (SIZE (1..MAX)) OF CHOICE {
///   filePath [0] OCTET STRING (SIZE (0..8)),
///   createFCP [APPLICATION 2] Fcp,
///   fillFileOffset UInt16,
///   fillFileContent [1] OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Makes the DF at this path the current one: file identifiers below the MF,
    /// an ADF by its temporary one; empty is the MF.
    FilePath(Vec<u8>),
    /// Creates a file in the current DF.
    CreateFcp(Box<Fcp>),
    /// Skips so many bytes of the file created last.
    FillFileOffset(u16),
    /// Writes into the file created last.
    FillFileContent(Vec<u8>),
}

impl Command {
    pub(crate) fn decode(command: &Tlv<'_>) -> Result<Self, Error> {
        Ok(match command.tag {
            Tag(0x80) if command.value.len() <= 8 && command.value.len().is_multiple_of(2) => {
                Self::FilePath(command.value.to_vec())
            }
            Tag(0x62) => Self::CreateFcp(Box::new(Fcp::decode_value(command.value)?)),
            Tag(0x02) => Self::FillFileOffset(offset(command)?),
            Tag(0x81) => Self::FillFileContent(command.value.to_vec()),
            _ => return Err(Error::Value("FileManagement")),
        })
    }

    pub(crate) fn encode_into(&self, writer: &mut Writer) -> Result<(), Error> {
        match self {
            Self::FilePath(path) => writer.tlv(Tag(0x80), path),
            Self::CreateFcp(fcp) => writer.tlv(Tag(0x62), &fcp.encode_value()?),
            Self::FillFileOffset(skip) => writer.unsigned(Tag(0x02), u32::from(*skip)),
            Self::FillFileContent(bytes) => writer.tlv(Tag(0x81), bytes),
        };
        Ok(())
    }
}

fn offset(item: &Tlv<'_>) -> Result<u16, Error> {
    u16::try_from(item.unsigned()?).map_err(|_| Error::Value("fillFileOffset"))
}
