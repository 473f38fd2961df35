//! File control parameters: what a card answers to SELECT (ETSI TS 102 221 §11.1.1.3).

use tlv::{Reader, Tag, Tlv};
use words::{Text, text};

/// How a file is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// MF, DF or ADF.
    Directory,
    /// A string of bytes.
    Transparent,
    /// Records of one length.
    LinearFixed {
        /// Bytes of a record.
        record_len: u16,
        /// How many there are.
        records: u8,
    },
    /// Records in a ring, the newest first.
    Cyclic {
        /// Bytes of a record.
        record_len: u16,
        /// How many there are.
        records: u8,
    },
    /// Data objects by tag.
    BerTlv,
}

impl Structure {
    /// In words.
    #[must_use]
    pub fn words(self) -> Text<String> {
        match self {
            Self::Directory => Text::new("directory", "ディレクトリ").owned(),
            Self::Transparent => Text::new("transparent", "透過ファイル").owned(),
            Self::LinearFixed { record_len, records } => {
                text!(
                    "linear fixed, {records} × {record_len} bytes",
                    "固定長レコード {records} × {record_len} バイト"
                )
            }
            Self::Cyclic { record_len, records } => {
                text!(
                    "cyclic, {records} × {record_len} bytes",
                    "循環レコード {records} × {record_len} バイト"
                )
            }
            Self::BerTlv => Text::new("data objects (BER-TLV)", "データオブジェクト (BER-TLV)").owned(),
        }
    }
}

/// Life cycle status (ETSI TS 102 221 §11.1.1.4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeCycle {
    /// Nothing is said of it.
    Unknown,
    /// Being created.
    Creation,
    /// Being initialised.
    Initialisation,
    /// In use.
    Activated,
    /// Switched off.
    Deactivated,
    /// Over for good.
    Terminated,
}

impl LifeCycle {
    const fn from_byte(byte: u8) -> Self {
        match byte {
            0x01 => Self::Creation,
            0x03 => Self::Initialisation,
            0x05 | 0x07 => Self::Activated,
            0x04 | 0x06 => Self::Deactivated,
            0x0C..=0x0F => Self::Terminated,
            _ => Self::Unknown,
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> Text {
        match self {
            Self::Unknown => Text::new("not told", "情報なし"),
            Self::Creation => Text::new("in creation", "作成中"),
            Self::Initialisation => Text::new("in initialisation", "初期化中"),
            Self::Activated => Text::new("activated", "有効"),
            Self::Deactivated => Text::new("deactivated", "無効化"),
            Self::Terminated => Text::new("terminated", "終了"),
        }
    }
}

/// A PIN of a directory, as its PIN status template tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinState {
    /// Key reference: `01` PIN1, `81` PIN2, `0A` ADM1 ([`crate::key_name`]).
    pub reference: u8,
    /// Whether it is asked for.
    pub enabled: bool,
}

/// Security attributes, as the parameters hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    /// A record of an EF.ARR.
    Referenced {
        arr: u16,
        record: u8,
    },
    /// Only the number of the record in the EF.ARR that is implied.
    Implied {
        record: u8,
    },
    Compact(Vec<u8>),
    Expanded(Vec<u8>),
}

/// File control parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fcp {
    /// How the file is built.
    pub structure: Structure,
    /// Whether several applications may have it selected.
    pub shareable: bool,
    /// File identifier.
    pub fid: Option<u16>,
    /// AID of an ADF.
    pub aid: Option<Vec<u8>>,
    /// Bytes of the body of an EF.
    pub size: Option<u32>,
    /// Short file identifier, 1 to 30, as it is in force.
    pub sfi: Option<u8>,
    /// Life cycle status.
    pub life_cycle: LifeCycle,
    /// PINs of a directory, in the order of the card.
    pub pins: Vec<PinState>,
    pub(crate) security: Security,
}

/// Why an answer holds no file control parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FcpError {
    /// Not the data objects that they are made of.
    Tlv(tlv::Error),
    /// There is no descriptor of the file, or none that is known.
    Descriptor,
}

impl From<tlv::Error> for FcpError {
    fn from(error: tlv::Error) -> Self {
        Self::Tlv(error)
    }
}

impl Fcp {
    /// Reads the template `62` (or `6F`, the FCI of an older card).
    ///
    /// # Errors
    /// [`FcpError`] when the bytes hold no parameters.
    pub fn parse(bytes: &[u8]) -> Result<Self, FcpError> {
        let outer = Reader::new(bytes).next()?.ok_or(FcpError::Descriptor)?;
        if ![Tag(0x62), Tag(0x6F)].contains(&outer.tag) {
            return Err(FcpError::Tlv(tlv::Error::Unexpected { expected: Tag(0x62), found: outer.tag }));
        }
        let mut descriptor = None;
        let mut sfi_object = None;
        let mut fcp = Self {
            structure: Structure::Directory,
            shareable: false,
            fid: None,
            aid: None,
            size: None,
            sfi: None,
            life_cycle: LifeCycle::Unknown,
            pins: Vec::new(),
            security: Security::None,
        };
        let mut reader = outer.reader();
        while let Some(object) = reader.next()? {
            match object.tag.0 {
                0x82 => descriptor = Some(object.value),
                0x83 => fcp.fid = object.array().ok().map(u16::from_be_bytes),
                0x84 => fcp.aid = Some(object.value.get(..16).unwrap_or(object.value).to_vec()),
                0x8A => {
                    fcp.life_cycle =
                        object.value.first().map_or(LifeCycle::Unknown, |byte| LifeCycle::from_byte(*byte))
                }
                0x80 => fcp.size = number(object),
                0x88 => sfi_object = Some(object.value.first().map(|byte| byte >> 3)),
                0x8B => fcp.security = referenced(object.value),
                0x8C => fcp.security = Security::Compact(object.value.to_vec()),
                0xAB => fcp.security = Security::Expanded(object.value.to_vec()),
                0xC6 => fcp.pins = pins(object)?,
                _ => {}
            }
        }
        let (structure, shareable) = descriptor.and_then(structure).ok_or(FcpError::Descriptor)?;
        fcp.structure = structure;
        fcp.shareable = shareable;
        if structure != Structure::Directory {
            fcp.sfi = match sfi_object {
                Some(given) => given,
                // Without the object it is the end of the identifier (§11.1.1.4.8).
                None => fcp.fid.map(|fid| (fid & 0x1F) as u8),
            };
            fcp.sfi = fcp.sfi.filter(|sfi| (1..=30).contains(sfi));
        }
        Ok(fcp)
    }
}

fn number(object: Tlv<'_>) -> Option<u32> {
    (object.value.len() <= 4).then(|| object.value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// File descriptor byte, data coding byte, record length, number of records.
fn structure(descriptor: &[u8]) -> Option<(Structure, bool)> {
    const SHAREABLE: u8 = 0x40;
    let first = *descriptor.first()?;
    let records = || {
        let [high, low, rest @ ..] = descriptor.get(2..)? else { return None };
        Some((u16::from_be_bytes([*high, *low]), rest.first().copied().unwrap_or(0)))
    };
    let structure = match first & !SHAREABLE {
        0x38 => Structure::Directory,
        0x39 => Structure::BerTlv,
        // b6 to b4 tell working from internal EFs; both are read alike.
        kind if kind & 0x87 == 0x01 => Structure::Transparent,
        kind if kind & 0x87 == 0x02 => {
            let (record_len, records) = records()?;
            Structure::LinearFixed { record_len, records }
        }
        kind if kind & 0x87 == 0x06 => {
            let (record_len, records) = records()?;
            Structure::Cyclic { record_len, records }
        }
        _ => return None,
    };
    Some((structure, first & SHAREABLE != 0))
}

/// EF.ARR and a record of it; with security environments the first one (§9.2.7).
fn referenced(value: &[u8]) -> Security {
    match value {
        [record] => Security::Implied { record: *record },
        [high, low, record] => {
            Security::Referenced { arr: u16::from_be_bytes([*high, *low]), record: *record }
        }
        [high, low, _, record, ..] => {
            Security::Referenced { arr: u16::from_be_bytes([*high, *low]), record: *record }
        }
        _ => Security::None,
    }
}

/// PIN status template: `90` which are enabled, then the key references (§11.1.1.4.10).
fn pins(object: Tlv<'_>) -> Result<Vec<PinState>, tlv::Error> {
    let mut reader = object.reader();
    let mut enabled: &[u8] = &[];
    let mut pins = Vec::new();
    while let Some(part) = reader.next()? {
        match (part.tag.0, part.value) {
            (0x90, bits) => enabled = bits,
            (0x83, [reference]) if pins.len() < 32 => {
                let index = pins.len();
                let bit = enabled.get(index / 8).is_some_and(|byte| byte << (index % 8) & 0x80 != 0);
                pins.push(PinState { reference: *reference, enabled: bit });
            }
            _ => {}
        }
    }
    Ok(pins)
}
