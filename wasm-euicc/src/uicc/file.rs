//! The file system of a profile as it stands in the memory: headers of files
//! by directory and identifier, bodies of elementary files by number.

use crate::nvm::{Error, Key, SlotId, SlotKey, Transaction, View};

/// Number of the MF as a directory.
pub(crate) const MF: u16 = 1;
/// Number that stands for "above the MF".
pub(crate) const ABOVE_MF: u16 = 0;
/// File identifier of the MF.
pub(crate) const MF_FID: u16 = 0x3F00;

/// The header of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// File identifier; for an ADF its temporary one, which no command reaches.
    pub(crate) fid: u16,
    pub(crate) kind: Kind,
    /// Whether the life cycle is "operational, deactivated".
    pub(crate) deactivated: bool,
    /// EF.ARR and record that hold the access rules; none: nothing is allowed.
    pub(crate) access: Option<AccessReference>,
}

/// Where the access rules of a file stand (ETSI TS 102 221 §9.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccessReference {
    pub(crate) arr: u16,
    pub(crate) record: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory(Directory),
    Elementary(Elementary),
}

/// MF, DF or ADF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directory {
    /// Number within the slot, by which its files are found.
    pub(crate) id: u16,
    /// AID, for an ADF.
    pub(crate) aid: Option<Vec<u8>>,
    /// Key references of the PIN status template, in order.
    pub(crate) pins: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elementary {
    pub(crate) structure: Structure,
    /// Number of the body within the slot; links share it.
    pub(crate) body: u16,
    /// Bytes of the body.
    pub(crate) size: u32,
    /// Short file identifier, 1 to 30.
    pub(crate) sfi: Option<u8>,
    /// Special file information (ETSI TS 102 222): bit 8 high update activity,
    /// bit 7 readable and updatable when deactivated.
    pub(crate) special: u8,
}

/// Structure of an elementary file, with its record length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Structure {
    Transparent,
    LinearFixed(u8),
    Cyclic(u8),
    BerTlv,
}

impl Structure {
    /// File descriptor byte (ETSI TS 102 221 §11.1.1.4.3).
    pub(crate) const fn descriptor(self) -> u8 {
        match self {
            Self::Transparent => 0x41,
            Self::LinearFixed(_) => 0x42,
            Self::Cyclic(_) => 0x46,
            Self::BerTlv => 0x79,
        }
    }

    /// Record length, for files with records.
    pub(crate) const fn record_len(self) -> Option<u8> {
        match self {
            Self::LinearFixed(len) | Self::Cyclic(len) => Some(len),
            Self::Transparent | Self::BerTlv => None,
        }
    }
}

impl Elementary {
    /// Number of records.
    pub(crate) fn records(&self) -> u8 {
        let len = self.structure.record_len().filter(|&len| len > 0);
        len.map_or(0, |len| (self.size / u32::from(len)).min(254) as u8)
    }
}

impl File {
    pub(crate) const fn directory(&self) -> Option<&Directory> {
        match &self.kind {
            Kind::Directory(directory) => Some(directory),
            Kind::Elementary(_) => None,
        }
    }

    pub(crate) const fn elementary(&self) -> Option<&Elementary> {
        match &self.kind {
            Kind::Elementary(elementary) => Some(elementary),
            Kind::Directory(_) => None,
        }
    }

    /// Whether this is an ADF.
    pub(crate) fn is_application(&self) -> bool {
        self.directory().is_some_and(|directory| directory.aid.is_some())
    }

    /// kind | deactivated | ARR u16, record u8 (0: none) | by kind
    fn encode(&self) -> Vec<u8> {
        let kind = match &self.kind {
            Kind::Directory(_) => 0x78,
            Kind::Elementary(elementary) => elementary.structure.descriptor(),
        };
        let access = self.access.unwrap_or(AccessReference { arr: 0, record: 0 });
        let mut bytes = vec![kind, u8::from(self.deactivated)];
        bytes.extend_from_slice(&access.arr.to_be_bytes());
        bytes.push(access.record);
        match &self.kind {
            Kind::Directory(Directory { id, aid, pins }) => {
                bytes.extend_from_slice(&id.to_be_bytes());
                let aid = aid.as_deref().unwrap_or_default();
                bytes.push(aid.len() as u8);
                bytes.extend_from_slice(aid);
                bytes.extend_from_slice(pins);
            }
            Kind::Elementary(Elementary { structure, body, size, sfi, special }) => {
                bytes.push(structure.record_len().unwrap_or(0));
                bytes.extend_from_slice(&body.to_be_bytes());
                bytes.extend_from_slice(&size.to_be_bytes());
                bytes.extend_from_slice(&[sfi.unwrap_or(0), *special]);
            }
        }
        bytes
    }

    fn decode(fid: u16, bytes: &[u8]) -> Option<Self> {
        let [kind, deactivated, arr_high, arr_low, record, rest @ ..] = bytes else { return None };
        let arr = u16::from_be_bytes([*arr_high, *arr_low]);
        let access = (arr != 0).then_some(AccessReference { arr, record: *record });
        let kind = match (*kind, rest) {
            (0x78, [high, low, aid_len, rest @ ..]) => {
                let (aid, pins) = rest.split_at_checked(usize::from(*aid_len))?;
                Kind::Directory(Directory {
                    id: u16::from_be_bytes([*high, *low]),
                    aid: (!aid.is_empty()).then(|| aid.to_vec()),
                    pins: pins.to_vec(),
                })
            }
            (descriptor, [record_len, b0, b1, s0, s1, s2, s3, sfi, special]) => {
                Kind::Elementary(Elementary {
                    structure: match descriptor {
                        0x41 => Structure::Transparent,
                        0x42 => Structure::LinearFixed(*record_len),
                        0x46 => Structure::Cyclic(*record_len),
                        0x79 => Structure::BerTlv,
                        _ => return None,
                    },
                    body: u16::from_be_bytes([*b0, *b1]),
                    size: u32::from_be_bytes([*s0, *s1, *s2, *s3]),
                    sfi: (*sfi != 0).then_some(*sfi),
                    special: *special,
                })
            }
            _ => return None,
        };
        Some(Self { fid, kind, deactivated: *deactivated != 0, access })
    }
}

/// The file system of one slot, for reading.
pub(crate) struct Tree<'v, V: ?Sized> {
    view: &'v V,
    slot: SlotId,
}

impl<V: ?Sized> Clone for Tree<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V: ?Sized> Copy for Tree<'_, V> {}

impl<'v, V: View + ?Sized> Tree<'v, V> {
    pub(crate) const fn new(view: &'v V, slot: SlotId) -> Self {
        Self { view, slot }
    }

    pub(crate) fn get(&self, key: SlotKey) -> Option<&'v [u8]> {
        self.view.get(Key::Slot(self.slot, key))
    }

    /// The file with this identifier in a directory, ADFs included.
    pub(crate) fn file(&self, parent: u16, fid: u16) -> Option<File> {
        File::decode(fid, self.get(SlotKey::File { parent, fid })?)
    }

    /// The MF.
    pub(crate) fn mf(&self) -> Option<File> {
        self.file(ABOVE_MF, MF_FID)
    }

    /// The files of a directory, by rising identifier.
    pub(crate) fn children(&self, parent: u16) -> Vec<File> {
        let from = Key::Slot(self.slot, SlotKey::File { parent, fid: 0 });
        self.view
            .keys_from(from, self.slot)
            .into_iter()
            .map_while(|key| match key {
                Key::Slot(_, SlotKey::File { parent: own, fid }) if own == parent => Some(fid),
                _ => None,
            })
            .filter_map(|fid| self.file(parent, fid))
            .collect()
    }

    /// The ADFs, in the order of their creation.
    pub(crate) fn applications(&self) -> Vec<File> {
        let mut applications: Vec<File> =
            self.children(MF).into_iter().filter(File::is_application).collect();
        applications.sort_by_key(|file| file.directory().map(|directory| directory.id));
        applications
    }

    /// The body of an elementary file.
    pub(crate) fn body(&self, file: &Elementary) -> &'v [u8] {
        self.get(SlotKey::Body(file.body)).unwrap_or_default()
    }
}

/// Writes a header; replaces the one that is there.
pub(crate) fn put_header(
    tx: &mut Transaction<'_>,
    slot: SlotId,
    parent: u16,
    file: &File,
) -> Result<(), Error> {
    tx.put(Key::Slot(slot, SlotKey::File { parent, fid: file.fid }), file.encode())
}

/// Writes a body.
pub(crate) fn put_body(
    tx: &mut Transaction<'_>,
    slot: SlotId,
    body: u16,
    bytes: Vec<u8>,
) -> Result<(), Error> {
    tx.put(Key::Slot(slot, SlotKey::Body(body)), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn headers_encode_and_decode() {
        let access = Some(AccessReference { arr: 0x6F06, record: 2 });
        let files = [
            File {
                fid: 0x7FD0,
                kind: Kind::Directory(Directory {
                    id: 7,
                    aid: Some(vec![0xA0, 0, 0, 0, 0x87, 0x10, 0x02]),
                    pins: vec![0x81, 0x01, 0x0A],
                }),
                deactivated: false,
                access,
            },
            File {
                fid: 0x5F3A,
                kind: Kind::Directory(Directory { id: 8, aid: None, pins: vec![] }),
                deactivated: true,
                access: None,
            },
            File {
                fid: 0x6F44,
                kind: Kind::Elementary(Elementary {
                    structure: Structure::Cyclic(26),
                    body: 9,
                    size: 130,
                    sfi: Some(4),
                    special: 0x40,
                }),
                deactivated: false,
                access,
            },
        ];
        for file in files {
            assert_eq!(File::decode(file.fid, &file.encode()), Some(file));
        }
        for len in 0..12 {
            // Never panics on a short header.
            let _ = File::decode(1, &vec![0x42; len]);
        }
    }
}
