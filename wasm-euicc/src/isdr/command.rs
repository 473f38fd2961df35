//! What STORE DATA may ask for: one request of ES10, known by its tag.

use apdu::StatusWord;
use rsp::DataObject as _;
use rsp::addresses::{EuiccConfiguredAddresses, SetDefaultDpAddress};
use rsp::auth::{AuthenticateServerRequest, EUICC_CHALLENGE, EuiccInfo1, EuiccInfo2};
use rsp::bpp::{BOUND_PROFILE_PACKAGE, InitialiseSecureChannel};
use rsp::cancel::CancelSessionRequest;
use rsp::crl::LoadCrlRequest;
use rsp::download::PrepareDownloadRequest;
use rsp::metadata::NotificationEvents;
use rsp::notification::{
    LIST_NOTIFICATION, NOTIFICATION_SENT, NotificationFilter, RETRIEVE_NOTIFICATIONS_LIST,
    decode_list_request, decode_notification_sent, decode_retrieve_request,
};
use rsp::profiles::{
    DeleteProfileRequest, EUICC_DATA, MemoryResetRequest, ProfileInfoListRequest, SetNicknameRequest,
    StateChange, StateChangeRequest,
};
use rsp::rat::RulesAuthorisationTable;
use tlv::{Tag, Tlv};

/// One request.
#[derive(Debug)]
pub(crate) enum Es10Command {
    /// `BF3C`
    GetEuiccConfiguredAddresses,
    /// `BF3F`
    SetDefaultDpAddress(SetDefaultDpAddress),
    /// `BF20`
    GetEuiccInfo1,
    /// `BF22`
    GetEuiccInfo2,
    /// `BF2E`
    GetEuiccChallenge,
    /// `BF38`
    AuthenticateServer(Box<AuthenticateServerRequest>),
    /// `BF21`
    PrepareDownload(Box<PrepareDownloadRequest>),
    /// `BF41`
    CancelSession(CancelSessionRequest),
    /// `BF35`
    LoadCrl(LoadCrlRequest),
    /// `BF28`
    ListNotification(Option<NotificationEvents>),
    /// `BF2B`
    RetrieveNotificationsList(Option<NotificationFilter>),
    /// `BF30`
    RemoveNotificationFromList(u32),
    /// `BF43`
    GetRat,
    /// `BF2D`; `None`: a criterion has a value that its type does not allow.
    GetProfilesInfo(Option<ProfileInfoListRequest>),
    /// `BF31`, `BF32`
    ChangeState(StateChangeRequest),
    /// `BF33`
    DeleteProfile(DeleteProfileRequest),
    /// `BF34`
    MemoryReset(MemoryResetRequest),
    /// `BF29`
    SetNickname(SetNicknameRequest),
    /// `BF3E`
    GetEid,
}

impl Es10Command {
    /// Reads one request.
    ///
    /// # Errors
    /// `6A88` for a tag that names no function of this chip, `6A80` for a
    /// request that is malformed.
    pub(crate) fn parse(request: &[u8]) -> Result<Self, StatusWord> {
        let head = tlv::head(request).map_err(malformed)?.ok_or(StatusWord::WRONG_DATA)?;
        if !is_known(head.tag) {
            return Err(StatusWord::REFERENCE_NOT_FOUND);
        }
        let outer = Tlv::single(request).map_err(malformed)?;
        Ok(match outer.tag {
            EuiccConfiguredAddresses::TAG => Self::GetEuiccConfiguredAddresses,
            SetDefaultDpAddress::TAG => {
                Self::SetDefaultDpAddress(SetDefaultDpAddress::decode(request).map_err(malformed)?)
            }
            EuiccInfo1::TAG => Self::GetEuiccInfo1,
            EuiccInfo2::TAG => Self::GetEuiccInfo2,
            EUICC_CHALLENGE => Self::GetEuiccChallenge,
            AuthenticateServerRequest::TAG => Self::AuthenticateServer(Box::new(
                AuthenticateServerRequest::decode(request).map_err(malformed)?,
            )),
            PrepareDownloadRequest::TAG => {
                Self::PrepareDownload(Box::new(PrepareDownloadRequest::decode(request).map_err(malformed)?))
            }
            CancelSessionRequest::TAG => {
                Self::CancelSession(CancelSessionRequest::decode(request).map_err(malformed)?)
            }
            LoadCrlRequest::TAG => Self::LoadCrl(LoadCrlRequest::decode(request).map_err(malformed)?),
            LIST_NOTIFICATION => Self::ListNotification(decode_list_request(request).map_err(malformed)?),
            RETRIEVE_NOTIFICATIONS_LIST => {
                Self::RetrieveNotificationsList(decode_retrieve_request(request).map_err(malformed)?)
            }
            NOTIFICATION_SENT => {
                Self::RemoveNotificationFromList(decode_notification_sent(request).map_err(malformed)?)
            }
            RulesAuthorisationTable::TAG => Self::GetRat,
            ProfileInfoListRequest::TAG => Self::GetProfilesInfo(profiles_info(request)?),
            tag if tag == StateChange::Enable.tag() || tag == StateChange::Disable.tag() => {
                Self::ChangeState(StateChangeRequest::decode(request).map_err(malformed)?)
            }
            DeleteProfileRequest::TAG => {
                Self::DeleteProfile(DeleteProfileRequest::decode(request).map_err(malformed)?)
            }
            MemoryResetRequest::TAG => {
                Self::MemoryReset(MemoryResetRequest::decode(request).map_err(malformed)?)
            }
            SetNicknameRequest::TAG => {
                Self::SetNickname(SetNicknameRequest::decode(request).map_err(malformed)?)
            }
            _ => {
                let tags = outer.fields().required(Tag(0x5C)).map_err(malformed)?;
                if tags.value != [0x5A] {
                    return Err(StatusWord::WRONG_DATA);
                }
                Self::GetEid
            }
        })
    }

    /// Whether the bytes are one whole request, as opposed to a part of a bound
    /// profile package.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        Tlv::single(bytes).is_ok_and(|tlv| is_known(tlv.tag))
    }

    /// Whether the bytes are one whole request that is neither of this chip nor
    /// a part of a bound profile package.
    pub(crate) fn is_unknown_one(bytes: &[u8]) -> bool {
        let of_package = [BOUND_PROFILE_PACKAGE, InitialiseSecureChannel::TAG];
        Tlv::single(bytes).is_ok_and(|tlv| {
            let tag = tlv.tag;
            matches!(tag.0, 0xBF00..=0xBFFF) && !is_known(tag) && !of_package.contains(&tag)
        })
    }
}

const fn malformed(_: tlv::Error) -> StatusWord {
    StatusWord::WRONG_DATA
}

fn profiles_info(request: &[u8]) -> Result<Option<ProfileInfoListRequest>, StatusWord> {
    match ProfileInfoListRequest::decode(request) {
        Ok(request) => Ok(Some(request)),
        Err(tlv::Error::Value(_) | tlv::Error::Unexpected { .. }) => Ok(None),
        Err(_) => Err(StatusWord::WRONG_DATA),
    }
}

fn is_known(tag: Tag) -> bool {
    const TAGS: [Tag; 20] = [
        EuiccConfiguredAddresses::TAG,
        SetDefaultDpAddress::TAG,
        EuiccInfo1::TAG,
        EuiccInfo2::TAG,
        EUICC_CHALLENGE,
        AuthenticateServerRequest::TAG,
        PrepareDownloadRequest::TAG,
        CancelSessionRequest::TAG,
        LoadCrlRequest::TAG,
        LIST_NOTIFICATION,
        RETRIEVE_NOTIFICATIONS_LIST,
        NOTIFICATION_SENT,
        RulesAuthorisationTable::TAG,
        ProfileInfoListRequest::TAG,
        StateChange::Enable.tag(),
        StateChange::Disable.tag(),
        DeleteProfileRequest::TAG,
        MemoryResetRequest::TAG,
        SetNicknameRequest::TAG,
        EUICC_DATA,
    ];
    TAGS.contains(&tag)
}
