//! Profile metadata: `StoreMetadata`, notification configuration, profile policy
//! rules (SGP.22 §2.4.a, §5.5.3).

use tlv::{Error, Fields, Tag, Tlv, Writer};

use crate::components::code;
use crate::ids::Iccid;
use crate::raw::DataObject;

pub(crate) const ICCID: Tag = Tag(0x5A);

pub(crate) fn iccid(tlv: &Tlv<'_>) -> Result<Iccid, Error> {
    tlv.array().map(Iccid::from_bytes)
}

fn text(tlv: &Tlv<'_>, most: usize) -> Result<String, Error> {
    let text = tlv.text()?;
    if text.len() <= most { Ok(text.to_owned()) } else { Err(Error::Value(tlv.tag)) }
}

/// Service provider name, at most 32 bytes.
pub(crate) fn service_provider_name(tlv: &Tlv<'_>) -> Result<String, Error> {
    text(tlv, 32)
}

/// Profile name or nickname, at most 64 bytes.
pub(crate) fn profile_name(tlv: &Tlv<'_>) -> Result<String, Error> {
    text(tlv, 64)
}

/// What a profile is for (`ProfileClass`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProfileClass {
    /// For test equipment; usable in device test mode only.
    Test,
    /// For the way to the SM-DP+ only.
    Provisioning,
    /// A subscription.
    #[default]
    Operational,
}

impl ProfileClass {
    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Test => 0,
            Self::Provisioning => 1,
            Self::Operational => 2,
        }
    }

    pub(crate) fn read(tlv: &Tlv<'_>) -> Result<Self, Error> {
        match code(tlv)? {
            0 => Ok(Self::Test),
            1 => Ok(Self::Provisioning),
            2 => Ok(Self::Operational),
            _ => Err(Error::Value(tlv.tag)),
        }
    }
}

/// A picture of 64 × 64 pixels, at most 1,024 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icon {
    /// Its format.
    pub icon_type: IconType,
    /// Its file.
    pub data: Vec<u8>,
}

/// The format of an icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IconType {
    /// JPEG.
    Jpg,
    /// PNG.
    Png,
}

impl Icon {
    pub(crate) fn optional(fields: &mut Fields<'_>) -> Result<Option<Self>, Error> {
        let icon_type = match fields.optional(Tag(0x93))? {
            None => None,
            Some(tlv) => Some(match code(&tlv)? {
                0 => IconType::Jpg,
                1 => IconType::Png,
                _ => return Err(Error::Value(tlv.tag)),
            }),
        };
        match (icon_type, fields.optional(Tag(0x94))?) {
            (_, None) => Ok(None),
            (None, Some(_)) => Err(Error::Missing(Tag(0x93))),
            (Some(_), Some(tlv)) if tlv.value.len() > 1024 => Err(Error::Value(tlv.tag)),
            (Some(icon_type), Some(tlv)) => Ok(Some(Self { icon_type, data: tlv.value.to_vec() })),
        }
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.unsigned(Tag(0x93), (self.icon_type == IconType::Png).into());
        w.tlv(Tag(0x94), &self.data);
    }
}

/// A set of events (`NotificationEvent`), bit 0 of the standard most significant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NotificationEvents(u32);

impl NotificationEvents {
    /// Bit 0.
    pub const INSTALL: Self = Self(0x8000_0000);
    /// Bit 1.
    pub const ENABLE: Self = Self(0x4000_0000);
    /// Bit 2.
    pub const DISABLE: Self = Self(0x2000_0000);
    /// Bit 3.
    pub const DELETE: Self = Self(0x1000_0000);
    /// All four.
    pub const ALL: Self = Self(0xF000_0000);

    /// Whether every event of `other` is in the set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the sets share an event.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The union.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn read(tlv: &Tlv<'_>) -> Result<Self, Error> {
        tlv.bits().map(Self)
    }

    pub(crate) fn write(self, w: &mut Writer, tag: Tag) {
        w.bits(tag, self.0);
    }

    /// The name of a single event; `None` for none or several.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::INSTALL => Some("install"),
            Self::ENABLE => Some("enable"),
            Self::DISABLE => Some("disable"),
            Self::DELETE => Some("delete"),
            _ => None,
        }
    }
}

/// Whom to tell of which events (`NotificationConfigurationInformation`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationConfiguration {
    /// The events.
    pub events: NotificationEvents,
    /// The server's address.
    pub address: String,
}

impl NotificationConfiguration {
    pub(crate) fn optional_list(fields: &mut Fields<'_>) -> Result<Vec<Self>, Error> {
        let mut list = Vec::new();
        if let Some(tlv) = fields.optional(Tag(0xB6))? {
            let mut reader = tlv.reader();
            while let Some(item) = reader.next()? {
                let mut fields = item.fields();
                list.push(Self {
                    events: NotificationEvents::read(&fields.required(Tag(0x80))?)?,
                    address: fields.required(Tag(0x81))?.text()?.to_owned(),
                });
            }
        }
        Ok(list)
    }

    pub(crate) fn write_list(list: &[Self], w: &mut Writer) {
        if list.is_empty() {
            return;
        }
        w.nested(Tag(0xB6), |w| {
            for item in list {
                w.nested(Tag::SEQUENCE, |w| {
                    item.events.write(w, Tag(0x80));
                    w.tlv(Tag(0x81), item.address.as_bytes());
                });
            }
        });
    }
}

/// An operator (`OperatorId`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorId {
    /// MCC and MNC as 3GPP TS 24.008 codes a PLMN; nibble `E` is a wildcard in rules.
    pub mcc_mnc: [u8; 3],
    /// Content of EF.GID1.
    pub gid1: Option<Vec<u8>>,
    /// Content of EF.GID2.
    pub gid2: Option<Vec<u8>>,
}

impl OperatorId {
    pub(crate) fn read(tlv: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = tlv.fields();
        Ok(Self {
            mcc_mnc: fields.required(Tag(0x80))?.array()?,
            gid1: fields.optional(Tag(0x81))?.map(|tlv| tlv.value.to_vec()),
            gid2: fields.optional(Tag(0x82))?.map(|tlv| tlv.value.to_vec()),
        })
    }

    pub(crate) fn write(&self, w: &mut Writer, tag: Tag) {
        w.nested(tag, |w| {
            w.tlv(Tag(0x80), &self.mcc_mnc);
            w.optional(Tag(0x81), self.gid1.as_deref());
            w.optional(Tag(0x82), self.gid2.as_deref());
        });
    }
}

/// A set of profile policy rules (`PprIds`), bit 0 of the standard most significant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PprIds(pub u32);

impl PprIds {
    /// Bit 0: how rules are updated; not a rule itself.
    pub const UPDATE_CONTROL: Self = Self(0x8000_0000);
    /// Bit 1: disabling of this profile is not allowed.
    pub const PPR1: Self = Self(0x4000_0000);
    /// Bit 2: deletion of this profile is not allowed.
    pub const PPR2: Self = Self(0x2000_0000);

    /// Whether every rule of `other` is in the set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no rule in the set ([`Self::UPDATE_CONTROL`] is none).
    #[must_use]
    pub const fn has_no_rule(self) -> bool {
        self.0 & !Self::UPDATE_CONTROL.0 == 0
    }

    pub(crate) fn optional(fields: &mut Fields<'_>) -> Result<Self, Error> {
        fields.optional(Tag(0x99))?.map_or_else(|| Ok(Self::default()), |tlv| tlv.bits().map(Self))
    }

    pub(crate) fn write(self, w: &mut Writer) {
        if self.0 != 0 {
            w.bits(Tag(0x99), self.0);
        }
    }
}

/// ES8+.StoreMetadata (`BF25`): what is shown before a download and kept after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreMetadata {
    /// As in EF.ICCID.
    pub iccid: Iccid,
    /// At most 32 bytes.
    pub service_provider_name: String,
    /// At most 64 bytes.
    pub profile_name: String,
    /// The operator's picture.
    pub icon: Option<Icon>,
    /// What the profile is for; absent on the wire: operational.
    pub profile_class: ProfileClass,
    /// Whom to tell of later events.
    pub notification_configuration: Vec<NotificationConfiguration>,
    /// The operator; needed where there are policy rules.
    pub profile_owner: Option<OperatorId>,
    /// Policy rules.
    pub profile_policy_rules: PprIds,
}

impl StoreMetadata {
    /// Its tag.
    pub const TAG: Tag = Tag(0xBF25);
}

impl DataObject for StoreMetadata {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            iccid: iccid(&fields.required(ICCID)?)?,
            service_provider_name: service_provider_name(&fields.required(Tag(0x91))?)?,
            profile_name: profile_name(&fields.required(Tag(0x92))?)?,
            icon: Icon::optional(&mut fields)?,
            profile_class: fields
                .optional(Tag(0x95))?
                .map_or_else(|| Ok(ProfileClass::default()), |tlv| ProfileClass::read(&tlv))?,
            notification_configuration: NotificationConfiguration::optional_list(&mut fields)?,
            profile_owner: fields.optional(Tag(0xB7))?.as_ref().map(OperatorId::read).transpose()?,
            profile_policy_rules: PprIds::optional(&mut fields)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.tlv(ICCID, self.iccid.as_bytes());
            w.tlv(Tag(0x91), self.service_provider_name.as_bytes());
            w.tlv(Tag(0x92), self.profile_name.as_bytes());
            if let Some(icon) = &self.icon {
                icon.write(w);
            }
            if self.profile_class != ProfileClass::default() {
                w.unsigned(Tag(0x95), self.profile_class.number().into());
            }
            NotificationConfiguration::write_list(&self.notification_configuration, w);
            if let Some(owner) = &self.profile_owner {
                owner.write(w, Tag(0xB7));
            }
            self.profile_policy_rules.write(w);
        });
        w.finish()
    }
}

/// ES6.UpdateMetadata (`BF2A`): what the operator changes of an installed profile,
/// over the air (SGP.22 §5.4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateMetadataRequest {
    /// At most 32 bytes.
    pub service_provider_name: Option<String>,
    /// At most 64 bytes.
    pub profile_name: Option<String>,
    /// A new picture.
    pub icon: Option<Icon>,
    /// The rules that may stay.
    pub profile_policy_rules: Option<PprIds>,
}

impl UpdateMetadataRequest {
    /// Its tag.
    pub const TAG: Tag = Tag(0xBF2A);
}

impl DataObject for UpdateMetadataRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            service_provider_name: fields
                .optional(Tag(0x91))?
                .as_ref()
                .map(service_provider_name)
                .transpose()?,
            profile_name: fields.optional(Tag(0x92))?.as_ref().map(profile_name).transpose()?,
            icon: Icon::optional(&mut fields)?,
            profile_policy_rules: fields
                .optional(Tag(0x99))?
                .map(|tlv| tlv.bits().map(PprIds))
                .transpose()?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.optional(Tag(0x91), self.service_provider_name.as_deref().map(str::as_bytes));
            w.optional(Tag(0x92), self.profile_name.as_deref().map(str::as_bytes));
            if let Some(icon) = &self.icon {
                icon.write(w);
            }
            if let Some(rules) = self.profile_policy_rules {
                w.bits(Tag(0x99), rules.0);
            }
        });
        w.finish()
    }
}
