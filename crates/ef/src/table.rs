//! Names and places of files: a table, made at compile time.

mod rows;

use words::Text;

use crate::content::Out;

/// An application of a UICC, by its AID (ETSI TS 101 220 annex E).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Application {
    /// None: the files below the MF.
    Uicc,
    /// USIM.
    Usim,
    /// ISIM.
    Isim,
    /// CSIM (3GPP2).
    Csim,
    /// Another one.
    Other,
}

impl Application {
    /// The application of an AID, by its beginning.
    #[must_use]
    pub fn of(aid: &[u8]) -> Self {
        const THREE_GPP: [u8; 5] = [0xA0, 0x00, 0x00, 0x00, 0x87];
        const THREE_GPP2: [u8; 5] = [0xA0, 0x00, 0x00, 0x03, 0x43];
        match (aid.get(..5), aid.get(5..7)) {
            (Some(provider), Some([0x10, 0x02])) if provider == THREE_GPP => Self::Usim,
            (Some(provider), Some([0x10, 0x04])) if provider == THREE_GPP => Self::Isim,
            (Some(provider), Some([0x10, 0x02])) if provider == THREE_GPP2 => Self::Csim,
            _ => Self::Other,
        }
    }

    /// The name of its directory; `MF` for [`Application::Uicc`].
    #[must_use]
    pub const fn adf_name(self) -> &'static str {
        match self {
            Self::Uicc => "MF",
            Self::Usim => "ADF.USIM",
            Self::Isim => "ADF.ISIM",
            Self::Csim => "ADF.CSIM",
            Self::Other => "ADF",
        }
    }
}

/// How a file is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// MF, DF or ADF.
    Directory,
    /// A string of bytes.
    Transparent,
    /// Records of one length.
    LinearFixed,
    /// Records in a ring.
    Cyclic,
    /// Data objects by tag.
    BerTlv,
}

/// A file that a standard names.
pub struct Entry {
    /// File identifier; the first of a range.
    pub fid: u16,
    /// The last of a range; else as `fid`.
    pub last: u16,
    /// Its name: `EF.IMSI`.
    pub name: &'static str,
    /// How it is built.
    pub kind: Kind,
    /// Short file identifier, 0 for none.
    pub sfi: u8,
    /// What it is for, in one line.
    pub about: Text,
    /// Where that is written: `3GPP TS 31.102 §4.2.2`.
    pub source: &'static str,
    /// Whether keys stand in it.
    pub secret: bool,
    pub(crate) decode: fn(&mut Out<'_>),
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({:04X})", self.name, self.fid)
    }
}

impl Entry {
    const fn to(mut self, last: u16) -> Self {
        self.last = last;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

struct Group {
    application: Application,
    path: &'static [u16],
    rows: &'static [Entry],
}

const fn entry(
    (fid, name, sfi): (u16, &'static str, u8),
    kind: Kind,
    decode: fn(&mut Out<'_>),
    source: &'static str,
    about: Text,
) -> Entry {
    Entry { fid, last: fid, name, kind, sfi, about, source, secret: false, decode }
}

type Decode = fn(&mut Out<'_>);
type Words = &'static str;

const fn tr(fid: u16, name: Words, sfi: u8, decode: Decode, source: Words, en: Words, ja: Words) -> Entry {
    entry((fid, name, sfi), Kind::Transparent, decode, source, Text::new(en, ja))
}

const fn lf(fid: u16, name: Words, sfi: u8, decode: Decode, source: Words, en: Words, ja: Words) -> Entry {
    entry((fid, name, sfi), Kind::LinearFixed, decode, source, Text::new(en, ja))
}

const fn cy(fid: u16, name: Words, sfi: u8, decode: Decode, source: Words, en: Words, ja: Words) -> Entry {
    entry((fid, name, sfi), Kind::Cyclic, decode, source, Text::new(en, ja))
}

const fn bt(fid: u16, name: Words, sfi: u8, decode: Decode, source: Words, en: Words, ja: Words) -> Entry {
    entry((fid, name, sfi), Kind::BerTlv, decode, source, Text::new(en, ja))
}

const fn df(fid: u16, name: Words, source: Words, en: Words, ja: Words) -> Entry {
    entry((fid, name, 0), Kind::Directory, crate::decode::files::raw, source, Text::new(en, ja))
}

static TOP: [Entry; 4] = [
    df(0x3F00, "MF", "ETSI TS 102 221 §8.1", "the root of all files", "すべてのファイルの根"),
    df(
        0x7FFF,
        "ADF.USIM",
        "3GPP TS 31.102 §4.2",
        "the application for 3G to 5G",
        "3G〜5G 用アプリケーション",
    ),
    df(
        0x7FFF,
        "ADF.ISIM",
        "3GPP TS 31.103 §4.2",
        "the application for IMS: calls over IP",
        "IMS(IP 通話)用アプリケーション",
    ),
    df(0x7FFF, "ADF.CSIM", "3GPP2 C.S0065 §5", "the application for CDMA2000", "CDMA2000 用アプリケーション"),
];

pub(crate) const MF: Option<&'static Entry> = Some(&TOP[0]);

pub(crate) const fn adf(application: Application) -> Option<&'static Entry> {
    match application {
        Application::Usim => Some(&TOP[1]),
        Application::Isim => Some(&TOP[2]),
        Application::Csim => Some(&TOP[3]),
        Application::Uicc | Application::Other => None,
    }
}

/// All files that are known, with their application and the identifiers of the directory
/// that they are in (none: the MF or the ADF).
pub fn entries() -> impl Iterator<Item = (Application, &'static [u16], &'static Entry)> {
    rows::GROUPS.iter().flat_map(|group| group.rows.iter().map(|row| (group.application, group.path, row)))
}

/// The files of a directory.
pub(crate) fn rows(application: Application, path: &[u16]) -> &'static [Entry] {
    let mut groups = rows::GROUPS.iter();
    groups
        .find(|group| group.application == application && group.path == path)
        .map_or(&[], |group| group.rows)
}

/// The file with an identifier.
pub(crate) fn find(application: Application, path: &[u16], fid: u16) -> Option<&'static Entry> {
    let rows = rows(application, path).iter();
    let arr = path_arr(fid);
    let found = rows
        .clone()
        .find(|row| row.fid == fid)
        .or_else(|| rows.clone().find(|row| (row.fid..=row.last).contains(&fid)));
    found.or(arr)
}

/// EF.ARR may stand in every directory.
fn path_arr(fid: u16) -> Option<&'static Entry> {
    static ARR: Entry = lf(
        0x6F06,
        "EF.ARR",
        0,
        crate::decode::files::arr,
        "ETSI TS 102 221 §13.4",
        "access rules, referred to by other files",
        "アクセス規則",
    );
    (fid == 0x6F06).then_some(&ARR)
}

/// The file with a name.
pub(crate) fn named(application: Application, path: &[u16], name: &str) -> Option<&'static Entry> {
    rows(application, path).iter().find(|row| row.name == name)
}
