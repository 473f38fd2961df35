//! The names of what the memory holds.

/// A place for one profile. Slot 0 holds the file system that the chip shows
/// while no profile is enabled (SGP.22 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u16);

impl SlotId {
    /// The default file system.
    pub const DEFAULT: Self = Self(0);
}

/// The name of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The slot of the Enabled Profile (u16); absent when none is enabled.
    Enabled,
    /// Data of the ISD-R and the ECASD.
    Isdr(IsdrKey),
    /// Data of the profile in a slot; goes when the profile is deleted.
    Slot(SlotId, SlotKey),
}

/// A value of the ISD-R: the kind of item and its number. Which kinds there are
/// is known to `isdr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IsdrKey {
    /// The kind of item.
    pub kind: u8,
    /// Which one of that kind.
    pub number: u32,
}

/// A value of a profile. Directories (MF, DF, ADF) have numbers of their own
/// within the slot, bodies of elementary files too; links share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotKey {
    /// What belongs to the profile as a whole.
    Profile,
    /// Header of the file with this identifier in this directory.
    File {
        /// The directory; 0 for the MF itself.
        parent: u16,
        /// File identifier; for an ADF its temporary one.
        fid: u16,
    },
    /// Body of an elementary file.
    Body(u16),
    /// A PIN with its counter.
    Pin {
        /// The directory that it belongs to.
        context: u16,
        /// Key reference, as in P2 of VERIFY PIN.
        reference: u8,
    },
    /// An unblocking PIN with its counter.
    Puk {
        /// The directory that it belongs to.
        context: u16,
        /// Number of the unblocking PIN (TCA `PUKKeyReferenceValue`).
        reference: u8,
    },
    /// A directory that shares the PINs of another one.
    PinShare(u16),
    /// Algorithm and keys of the network access application in a directory.
    Aka(u16),
    /// Sequence numbers of the network access application in a directory.
    Sqn(u16),
    /// A profile element kept as received.
    Opaque(u16),
    /// Data of the ISD-P: metadata, state, policy rules. Which numbers there
    /// are is known to `isdp`.
    Isdp(u8),
    /// A security domain, by the order of the package.
    SecurityDomain(u16),
    /// A key of a security domain.
    DomainKey {
        /// The domain.
        domain: u16,
        /// Key version number.
        version: u8,
        /// Key identifier.
        identifier: u8,
    },
    /// The last counter taken with the keys of this version.
    DomainCounter {
        /// The domain.
        domain: u16,
        /// Key version number.
        version: u8,
    },
    /// A remote file management application, by the order of the package.
    Rfm(u16),
}

impl Key {
    /// The least key of a slot in the order of the map.
    pub(super) const fn first_of(slot: SlotId) -> Self {
        Self::Slot(slot, SlotKey::Profile)
    }

    /// Whether the key belongs to a slot.
    #[must_use]
    pub fn is_of(&self, slot: SlotId) -> bool {
        matches!(self, Self::Slot(own, _) if *own == slot)
    }

    /// The bytes that stand for the key in the journal.
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Enabled => out.push(0x01),
            Self::Isdr(IsdrKey { kind, number }) => {
                out.extend_from_slice(&[0x02, kind]);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Slot(SlotId(slot), key) => {
                out.push(0x03);
                out.extend_from_slice(&slot.to_be_bytes());
                key.encode(out);
            }
        }
    }

    /// The key that the bytes stand for.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [0x01] => Some(Self::Enabled),
            [0x02, kind, a, b, c, d] => {
                Some(Self::Isdr(IsdrKey { kind, number: u32::from_be_bytes([a, b, c, d]) }))
            }
            [0x03, high, low, ref key @ ..] => {
                Some(Self::Slot(SlotId(u16::from_be_bytes([high, low])), SlotKey::decode(key)?))
            }
            _ => None,
        }
    }

    pub(super) const fn encoded_len(self) -> usize {
        match self {
            Self::Enabled => 1,
            Self::Isdr(_) => 6,
            Self::Slot(_, key) => {
                3 + match key {
                    SlotKey::Profile => 1,
                    SlotKey::Isdp(_) => 2,
                    SlotKey::Body(_)
                    | SlotKey::PinShare(_)
                    | SlotKey::Aka(_)
                    | SlotKey::Sqn(_)
                    | SlotKey::Opaque(_)
                    | SlotKey::SecurityDomain(_)
                    | SlotKey::Rfm(_) => 3,
                    SlotKey::Pin { .. } | SlotKey::Puk { .. } | SlotKey::DomainCounter { .. } => 4,
                    SlotKey::File { .. } | SlotKey::DomainKey { .. } => 5,
                }
            }
        }
    }
}

impl SlotKey {
    fn encode(self, out: &mut Vec<u8>) {
        let mut numbered = |tag: u8, number: u16| {
            out.push(tag);
            out.extend_from_slice(&number.to_be_bytes());
        };
        match self {
            Self::Profile => out.push(0x01),
            Self::File { parent, fid } => {
                numbered(0x02, parent);
                out.extend_from_slice(&fid.to_be_bytes());
            }
            Self::Body(number) => numbered(0x03, number),
            Self::Pin { context, reference } => {
                numbered(0x04, context);
                out.push(reference);
            }
            Self::Puk { context, reference } => {
                numbered(0x05, context);
                out.push(reference);
            }
            Self::PinShare(number) => numbered(0x06, number),
            Self::Aka(number) => numbered(0x07, number),
            Self::Sqn(number) => numbered(0x08, number),
            Self::Opaque(number) => numbered(0x09, number),
            Self::Isdp(number) => out.extend_from_slice(&[0x0A, number]),
            Self::SecurityDomain(number) => numbered(0x0B, number),
            Self::DomainKey { domain, version, identifier } => {
                numbered(0x0C, domain);
                out.extend_from_slice(&[version, identifier]);
            }
            Self::DomainCounter { domain, version } => {
                numbered(0x0D, domain);
                out.push(version);
            }
            Self::Rfm(number) => numbered(0x0E, number),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let u16 = |high, low| u16::from_be_bytes([high, low]);
        Some(match *bytes {
            [0x01] => Self::Profile,
            [0x02, a, b, c, d] => Self::File { parent: u16(a, b), fid: u16(c, d) },
            [0x03, a, b] => Self::Body(u16(a, b)),
            [0x04, a, b, reference] => Self::Pin { context: u16(a, b), reference },
            [0x05, a, b, reference] => Self::Puk { context: u16(a, b), reference },
            [0x06, a, b] => Self::PinShare(u16(a, b)),
            [0x07, a, b] => Self::Aka(u16(a, b)),
            [0x08, a, b] => Self::Sqn(u16(a, b)),
            [0x09, a, b] => Self::Opaque(u16(a, b)),
            [0x0A, number] => Self::Isdp(number),
            [0x0B, a, b] => Self::SecurityDomain(u16(a, b)),
            [0x0C, a, b, version, identifier] => Self::DomainKey { domain: u16(a, b), version, identifier },
            [0x0D, a, b, version] => Self::DomainCounter { domain: u16(a, b), version },
            [0x0E, a, b] => Self::Rfm(u16(a, b)),
            _ => return None,
        })
    }
}
