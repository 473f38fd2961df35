//! Local profile management, ES10c (SGP.22 §5.7.15 to §5.7.22).

use tlv::{Error, Tag, Tlv, Writer};

use crate::codes::{DeleteResult, FunctionResult, ProfileStateResult};
use crate::components::code;
use crate::ids::{Aid, Eid, Iccid};
use crate::metadata::{
    ICCID, Icon, NotificationConfiguration, OperatorId, PprIds, ProfileClass, iccid, profile_name,
    service_provider_name,
};
use crate::raw::DataObject;

const AID: Tag = Tag(0x4F);
const TAG_LIST: Tag = Tag(0x5C);

fn aid(tlv: &Tlv<'_>) -> Result<Aid, Error> {
    Aid::from_bytes(tlv.value).map_err(|_| Error::Value(tlv.tag))
}

/// How a command names a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileIdentifier {
    /// By the AID of its ISD-P.
    Aid(Aid),
    /// By its ICCID.
    Iccid(Iccid),
}

impl ProfileIdentifier {
    fn read(tlv: &Tlv<'_>) -> Result<Self, Error> {
        match tlv.tag {
            AID => aid(tlv).map(Self::Aid),
            ICCID => iccid(tlv).map(Self::Iccid),
            found => Err(Error::Unexpected { expected: ICCID, found }),
        }
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Aid(aid) => w.tlv(AID, aid.as_bytes()),
            Self::Iccid(iccid) => w.tlv(ICCID, iccid.as_bytes()),
        };
    }
}

/// Disabled or enabled (`ProfileState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProfileState {
    /// Installed, its files and applications out of reach.
    Disabled,
    /// The one that the device sees.
    Enabled,
}

/// One profile of the list (`E3`); what was not asked for or is not set is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileInfo {
    /// As in EF.ICCID.
    pub iccid: Option<Iccid>,
    /// AID of the ISD-P.
    pub isdp_aid: Option<Aid>,
    /// State.
    pub state: Option<ProfileState>,
    /// The name that the user gave.
    pub nickname: Option<String>,
    /// The operator's name.
    pub service_provider_name: Option<String>,
    /// The profile's name.
    pub profile_name: Option<String>,
    /// The operator's picture.
    pub icon: Option<Icon>,
    /// Class.
    pub profile_class: Option<ProfileClass>,
    /// Whom to tell of events.
    pub notification_configuration: Vec<NotificationConfiguration>,
    /// The operator.
    pub profile_owner: Option<OperatorId>,
    /// `DpProprietaryData` with its head (`B8`).
    pub dp_proprietary_data: Option<Vec<u8>>,
    /// Policy rules.
    pub profile_policy_rules: PprIds,
}

impl ProfileInfo {
    /// Its tag.
    pub const TAG: Tag = Tag(0xE3);
    /// What is told when the request has no tag list (SGP.22 §5.7.15).
    pub const DEFAULT_TAGS: [Tag; 8] =
        [ICCID, AID, Tag(0x9F70), Tag(0x90), Tag(0x91), Tag(0x92), Tag(0x93), Tag(0x94)];
}

impl DataObject for ProfileInfo {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            iccid: fields.optional(ICCID)?.as_ref().map(iccid).transpose()?,
            isdp_aid: fields.optional(AID)?.as_ref().map(aid).transpose()?,
            state: match fields.optional(Tag(0x9F70))? {
                None => None,
                Some(tlv) => Some(match code(&tlv)? {
                    0 => ProfileState::Disabled,
                    1 => ProfileState::Enabled,
                    _ => return Err(Error::Value(tlv.tag)),
                }),
            },
            nickname: fields.optional(Tag(0x90))?.as_ref().map(profile_name).transpose()?,
            service_provider_name: fields
                .optional(Tag(0x91))?
                .as_ref()
                .map(service_provider_name)
                .transpose()?,
            profile_name: fields.optional(Tag(0x92))?.as_ref().map(profile_name).transpose()?,
            icon: Icon::optional(&mut fields)?,
            profile_class: fields.optional(Tag(0x95))?.as_ref().map(ProfileClass::read).transpose()?,
            notification_configuration: NotificationConfiguration::optional_list(&mut fields)?,
            profile_owner: fields.optional(Tag(0xB7))?.as_ref().map(OperatorId::read).transpose()?,
            dp_proprietary_data: fields.optional(Tag(0xB8))?.map(|tlv| tlv.raw.to_vec()),
            profile_policy_rules: PprIds::optional(&mut fields)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.optional(ICCID, self.iccid.as_ref().map(|iccid| &iccid.as_bytes()[..]));
            w.optional(AID, self.isdp_aid.as_ref().map(Aid::as_bytes));
            if let Some(state) = self.state {
                w.unsigned(Tag(0x9F70), (state == ProfileState::Enabled).into());
            }
            w.optional(Tag(0x90), self.nickname.as_deref().map(str::as_bytes));
            w.optional(Tag(0x91), self.service_provider_name.as_deref().map(str::as_bytes));
            w.optional(Tag(0x92), self.profile_name.as_deref().map(str::as_bytes));
            if let Some(icon) = &self.icon {
                icon.write(w);
            }
            if let Some(class) = self.profile_class {
                w.unsigned(Tag(0x95), class.number().into());
            }
            NotificationConfiguration::write_list(&self.notification_configuration, w);
            if let Some(owner) = &self.profile_owner {
                owner.write(w, Tag(0xB7));
            }
            w.raw(self.dp_proprietary_data.as_deref().unwrap_or_default());
            self.profile_policy_rules.write(w);
        });
        w.finish()
    }
}

/// Which profiles a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchCriterion {
    /// The one with this identifier.
    Profile(ProfileIdentifier),
    /// All of a class.
    Class(ProfileClass),
}

/// ES10c.GetProfilesInfo, request (`BF2D`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileInfoListRequest {
    /// All profiles when absent.
    pub search: Option<SearchCriterion>,
    /// The data objects asked for; absent: [`ProfileInfo::DEFAULT_TAGS`].
    pub tags: Option<Vec<Tag>>,
}

impl ProfileInfoListRequest {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF2D);
}

impl DataObject for ProfileInfoListRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        let search = match fields.optional(Tag(0xA0))? {
            None => None,
            Some(tlv) => {
                let choice = Tlv::single(tlv.value)?;
                Some(match choice.tag {
                    Tag(0x95) => SearchCriterion::Class(ProfileClass::read(&choice)?),
                    _ => SearchCriterion::Profile(ProfileIdentifier::read(&choice)?),
                })
            }
        };
        let tags = fields.optional(TAG_LIST)?.map(|tlv| tag_list(&tlv)).transpose()?;
        Ok(Self { search, tags })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            match &self.search {
                None => {}
                Some(SearchCriterion::Profile(id)) => drop(w.nested(Tag(0xA0), |w| id.write(w))),
                Some(SearchCriterion::Class(class)) => {
                    w.nested(Tag(0xA0), |w| {
                        w.unsigned(Tag(0x95), class.number().into());
                    });
                }
            }
            if let Some(tags) = &self.tags {
                let list: Vec<u8> = tags
                    .iter()
                    .flat_map(|tag| tag.0.to_be_bytes()[4 - tag.encoded_len()..].to_vec())
                    .collect();
                w.tlv(TAG_LIST, &list);
            }
        });
        w.finish()
    }
}

/// Tags one after another, without lengths.
fn tag_list(tlv: &Tlv<'_>) -> Result<Vec<Tag>, Error> {
    let mut list = Vec::new();
    let mut bytes = tlv.value;
    while !bytes.is_empty() {
        let tag = tlv::tag(bytes)?.ok_or(Error::Value(tlv.tag))?;
        bytes = &bytes[tag.encoded_len()..];
        list.push(tag);
    }
    Ok(list)
}

/// ES10c.GetProfilesInfo, response (`BF2D`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileInfoListResponse {
    /// The profiles that match, possibly none.
    Ok(Vec<ProfileInfo>),
    /// 1 incorrectInputValues, 127 undefinedError.
    Error(u8),
}

impl DataObject for ProfileInfoListResponse {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let outer = Tlv::single_of(bytes, ProfileInfoListRequest::TAG)?;
        let tlv = outer.reader().next()?.ok_or(Error::Missing(Tag(0xA0)))?;
        match tlv.tag {
            Tag(0xA0) => {
                let mut list = Vec::new();
                let mut reader = tlv.reader();
                while let Some(item) = reader.next()? {
                    list.push(ProfileInfo::decode(item.raw)?);
                }
                Ok(Self::Ok(list))
            }
            Tag(0x81) => code(&tlv).map(Self::Error),
            found => Err(Error::Unexpected { expected: Tag(0xA0), found }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(ProfileInfoListRequest::TAG, |w| match self {
            Self::Ok(list) => {
                w.nested(Tag(0xA0), |w| {
                    for info in list {
                        w.raw(&info.encode());
                    }
                });
            }
            Self::Error(code) => drop(w.unsigned(Tag(0x81), (*code).into())),
        });
        w.finish()
    }
}

/// Enable or disable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// ES10c.EnableProfile (`BF31`).
    Enable,
    /// ES10c.DisableProfile (`BF32`).
    Disable,
}

impl StateChange {
    /// Tag of request and response.
    #[must_use]
    pub const fn tag(self) -> Tag {
        match self {
            Self::Enable => Tag(0xBF31),
            Self::Disable => Tag(0xBF32),
        }
    }
}

/// ES10c.EnableProfile and ES10c.DisableProfile, request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChangeRequest {
    /// Enable or disable.
    pub change: StateChange,
    /// Which profile.
    pub profile: ProfileIdentifier,
    /// Whether the eUICC is to ask for a REFRESH.
    pub refresh: bool,
}

impl DataObject for StateChangeRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let outer = Tlv::single(bytes)?;
        let change = match outer.tag {
            Tag(0xBF31) => StateChange::Enable,
            Tag(0xBF32) => StateChange::Disable,
            found => return Err(Error::Unexpected { expected: Tag(0xBF31), found }),
        };
        let mut fields = outer.fields();
        let profile = ProfileIdentifier::read(&Tlv::single(fields.required(Tag(0xA0))?.value)?)?;
        Ok(Self { change, profile, refresh: fields.required(Tag(0x81))?.boolean()? })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(self.change.tag(), |w| {
            w.nested(Tag(0xA0), |w| self.profile.write(w));
            w.boolean(Tag(0x81), self.refresh);
        });
        w.finish()
    }
}

/// ES10c.DeleteProfile, request (`BF33`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteProfileRequest(pub ProfileIdentifier);

impl DeleteProfileRequest {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF33);
}

impl DataObject for DeleteProfileRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let outer = Tlv::single_of(bytes, Self::TAG)?;
        ProfileIdentifier::read(&Tlv::single(outer.value)?).map(Self)
    }

    fn encode(&self) -> Vec<u8> {
        Writer::new().nested(Self::TAG, |w| self.0.write(w)).finish()
    }
}

/// ES10c.SetNickname, request (`BF29`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetNicknameRequest {
    /// Which profile.
    pub iccid: Iccid,
    /// At most 64 bytes; empty removes the nickname.
    pub nickname: String,
}

impl SetNicknameRequest {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF29);
}

impl DataObject for SetNicknameRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            iccid: iccid(&fields.required(ICCID)?)?,
            nickname: profile_name(&fields.required(Tag(0x90))?)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.tlv(ICCID, self.iccid.as_bytes());
            w.tlv(Tag(0x90), self.nickname.as_bytes());
        });
        w.finish()
    }
}

/// ES10c.eUICCMemoryReset, request (`BF34`); bit 0 of the standard most significant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryResetRequest(pub u32);

impl MemoryResetRequest {
    /// Tag of request and response.
    pub const TAG: Tag = Tag(0xBF34);
    /// Bit 0: delete the operational profiles.
    pub const OPERATIONAL_PROFILES: u32 = 0x8000_0000;
    /// Bit 1: delete the test profiles loaded in the field.
    pub const FIELD_LOADED_TEST_PROFILES: u32 = 0x4000_0000;
    /// Bit 2: reset the default SM-DP+ address.
    pub const DEFAULT_SMDP_ADDRESS: u32 = 0x2000_0000;
}

impl DataObject for MemoryResetRequest {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Tlv::single_of(bytes, Self::TAG)?.fields().required(Tag(0x82))?.bits().map(Self)
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.bits(Tag(0x82), self.0);
        });
        w.finish()
    }
}

/// Tag of ES10c.GetEID, request and response.
pub const EUICC_DATA: Tag = Tag(0xBF3E);

/// ES10c.GetEID, request: the tag list holds `5A` alone.
#[must_use]
pub fn encode_get_eid() -> Vec<u8> {
    let mut w = Writer::new();
    w.nested(EUICC_DATA, |w| {
        w.tlv(TAG_LIST, &[0x5A]);
    });
    w.finish()
}

/// ES10c.GetEID, response.
#[must_use]
pub fn encode_eid(eid: &Eid) -> Vec<u8> {
    let mut w = Writer::new();
    w.nested(EUICC_DATA, |w| {
        w.tlv(Tag(0x5A), eid.as_bytes());
    });
    w.finish()
}

/// Reads the response of ES10c.GetEID.
///
/// # Errors
/// When it holds no EID.
pub fn decode_eid(bytes: &[u8]) -> Result<Eid, Error> {
    let tlv = Tlv::single_of(bytes, EUICC_DATA)?.fields().required(Tag(0x5A))?;
    Eid::from_bytes(tlv.array()?).map_err(|_| Error::Value(tlv.tag))
}

/// A response that holds one result code, `80` under the tag of the request.
#[must_use]
pub fn encode_result(tag: Tag, code: u8) -> Vec<u8> {
    let mut w = Writer::new();
    w.nested(tag, |w| {
        w.unsigned(Tag(0x80), code.into());
    });
    w.finish()
}

/// Reads a response that holds one result code.
///
/// # Errors
/// When it has another tag or no code.
pub fn decode_result(bytes: &[u8], tag: Tag) -> Result<u8, Error> {
    code(&Tlv::single_of(bytes, tag)?.fields().required(Tag(0x80))?)
}

/// Reads the response of enable or disable.
///
/// # Errors
/// As [`decode_result`].
pub fn decode_state_change(bytes: &[u8], change: StateChange) -> Result<ProfileStateResult, Error> {
    decode_result(bytes, change.tag()).map(ProfileStateResult)
}

/// Reads the response of delete.
///
/// # Errors
/// As [`decode_result`].
pub fn decode_delete(bytes: &[u8]) -> Result<DeleteResult, Error> {
    decode_result(bytes, DeleteProfileRequest::TAG).map(DeleteResult)
}

/// Reads the response of one of the other functions.
///
/// # Errors
/// As [`decode_result`].
pub fn decode_function_result(bytes: &[u8], tag: Tag) -> Result<FunctionResult, Error> {
    decode_result(bytes, tag).map(FunctionResult)
}
