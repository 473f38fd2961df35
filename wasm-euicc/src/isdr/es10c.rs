//! ES10c: local profile management (SGP.22 §5.7.15 to §5.7.22).

use apdu::StatusWord;
use rsp::codes::{DeleteResult, FunctionResult, ProfileStateResult};
use rsp::metadata::ProfileClass;
use rsp::profiles::{
    DeleteProfileRequest, MemoryResetRequest, ProfileInfo, ProfileInfoListRequest, ProfileInfoListResponse,
    ProfileState, SearchCriterion, SetNicknameRequest, StateChangeRequest, encode_eid, encode_result,
};
use tlv::Tag;

use super::configuration::Configuration;
use super::{IsdrContext, keys, memory_problem};
use crate::ecasd;
use crate::isdp::switch::{self, Change};
use crate::isdp::{self, Isdp};
use crate::nvm::{Error, View};

/// GetEID.
pub(super) fn eid(context: &IsdrContext<'_>) -> Result<Vec<u8>, StatusWord> {
    ecasd::eid(context.store).map(|eid| encode_eid(&eid)).ok_or(StatusWord::CONDITIONS)
}

/// GetProfilesInfo; `None`: a criterion that cannot be.
pub(super) fn profiles_info(
    context: &IsdrContext<'_>,
    request: Option<&ProfileInfoListRequest>,
) -> ProfileInfoListResponse {
    /// `incorrectInputValues`.
    const INCORRECT_INPUT_VALUES: u8 = 1;
    let Some(request) = request else { return ProfileInfoListResponse::Error(INCORRECT_INPUT_VALUES) };
    let wanted = |isdp: &Isdp| match &request.search {
        None => true,
        Some(SearchCriterion::Profile(id)) => isdp.is(id),
        Some(SearchCriterion::Class(class)) => isdp.class() == *class,
    };
    let default = [&ProfileInfo::DEFAULT_TAGS[..], &[Tag(0x95)]].concat();
    let tags = request.tags.as_ref().unwrap_or(&default);
    let list = isdp::all(context.store).into_iter().filter(wanted);
    ProfileInfoListResponse::Ok(list.map(|isdp| info(context.store, isdp, tags)).collect())
}

fn info(view: &impl View, isdp: Isdp, tags: &[Tag]) -> ProfileInfo {
    let asked = |tag: u32| tags.contains(&Tag(tag));
    let state = isdp.state(view);
    let aid = isdp.aid();
    let Isdp { metadata, nickname, dp_proprietary_data, .. } = isdp;
    let metadata = metadata.into_value();
    ProfileInfo {
        iccid: asked(0x5A).then_some(metadata.iccid),
        isdp_aid: asked(0x4F).then_some(aid),
        state: asked(0x9F70).then_some(state),
        nickname: nickname.filter(|_| asked(0x90)),
        service_provider_name: asked(0x91).then_some(metadata.service_provider_name),
        profile_name: asked(0x92).then_some(metadata.profile_name),
        // The type tells nothing without the picture, and the reverse.
        icon: metadata.icon.filter(|_| asked(0x93) || asked(0x94)),
        profile_class: asked(0x95).then_some(metadata.profile_class),
        notification_configuration: if asked(0xB6) {
            metadata.notification_configuration
        } else {
            Vec::new()
        },
        profile_owner: metadata.profile_owner.filter(|_| asked(0xB7)),
        dp_proprietary_data: dp_proprietary_data.filter(|_| asked(0xB8)),
        profile_policy_rules: if asked(0x99) { metadata.profile_policy_rules } else { Default::default() },
    }
}

/// EnableProfile and DisableProfile.
pub(super) fn change_state(
    context: &mut IsdrContext<'_>,
    request: &StateChangeRequest,
) -> Result<Vec<u8>, StatusWord> {
    let result = match Change::check(context.store, request.change, &request.profile) {
        Err(refused) => refused,
        // The terminal is told of a change by a proactive command of its own.
        Ok(_) if proactive_session_ongoing(context) => ProfileStateResult::CAT_BUSY,
        Ok(change) => perform(context, change, request.refresh)?,
    };
    if result != ProfileStateResult::OK {
        let because = match result {
            ProfileStateResult::DISALLOWED_BY_POLICY => "PPR1 of the Enabled Profile",
            ProfileStateResult::WRONG_PROFILE_REENABLING => {
                "from a test profile the way leads to another one, or to the profile before it"
            }
            ProfileStateResult::CAT_BUSY => "a proactive command is not answered yet",
            ProfileStateResult::UNDEFINED_ERROR => "memory is used up",
            _ => "the profile named",
        };
        context.env.trace(format_args!("{:?}Profile: {result}: {because}", request.change));
    }
    Ok(encode_result(request.change.tag(), result.0))
}

fn perform(
    context: &mut IsdrContext<'_>,
    change: Change,
    refresh: bool,
) -> Result<ProfileStateResult, StatusWord> {
    let mut tx = context.store.begin();
    let done = if refresh {
        change.store(&mut tx)
    } else {
        tx.delete(keys::PENDING_CHANGE);
        change.apply(&mut tx)
    };
    match done.and_then(|()| tx.commit(context.env.medium())) {
        Ok(()) => {}
        Err(Error::Full) => return Ok(ProfileStateResult::UNDEFINED_ERROR),
        Err(error) => return Err(memory_problem(error)),
    }
    if refresh {
        context.cat.refresh();
    } else {
        // A REFRESH that no terminal has heard of is for nothing now.
        context.cat.withdraw();
        context.effects.profile_switched = true;
    }
    Ok(ProfileStateResult::OK)
}

/// Where the terminal has no toolkit nothing is under way: what waits there
/// waits for the reset, and may be replaced.
fn proactive_session_ongoing(context: &IsdrContext<'_>) -> bool {
    context.cat.is_active() && context.cat.is_busy()
}

/// DeleteProfile.
pub(super) fn delete_profile(
    context: &mut IsdrContext<'_>,
    request: &DeleteProfileRequest,
) -> Result<Vec<u8>, StatusWord> {
    let result = match switch::check_delete(context.store, &request.0) {
        Err(refused) => {
            let because = match refused {
                DeleteResult::DISALLOWED_BY_POLICY => "PPR2 of the profile, or PPR1 of one that comes back",
                _ => "the profile named",
            };
            context.env.trace(format_args!("DeleteProfile: {refused}: {because}"));
            refused
        }
        Ok(target) => {
            let mut tx = context.store.begin();
            let done = switch::delete(&mut tx, &target);
            match done.and_then(|()| tx.commit(context.env.medium())) {
                Ok(()) => DeleteResult::OK,
                Err(Error::Full) => DeleteResult::UNDEFINED_ERROR,
                Err(error) => return Err(memory_problem(error)),
            }
        }
    };
    Ok(encode_result(DeleteProfileRequest::TAG, result.0))
}

/// SetNickname.
pub(super) fn set_nickname(
    context: &mut IsdrContext<'_>,
    request: &SetNicknameRequest,
) -> Result<Vec<u8>, StatusWord> {
    let id = rsp::profiles::ProfileIdentifier::Iccid(request.iccid);
    let result = match isdp::find(context.store, &id) {
        None => FunctionResult::NOT_FOUND,
        Some(target) => {
            let mut tx = context.store.begin();
            let done = isdp::set_nickname(&mut tx, target.slot, &request.nickname);
            match done.and_then(|()| tx.commit(context.env.medium())) {
                Ok(()) => FunctionResult::OK,
                Err(Error::Full) => FunctionResult::UNDEFINED_ERROR,
                Err(error) => return Err(memory_problem(error)),
            }
        }
    };
    Ok(encode_result(SetNicknameRequest::TAG, result.0))
}

/// eUICCMemoryReset: whatever the options name goes in one transaction; a
/// profile that was enabled then is gone at once, and the terminal is asked to
/// reset the card.
pub(super) fn memory_reset(
    context: &mut IsdrContext<'_>,
    request: MemoryResetRequest,
) -> Result<Vec<u8>, StatusWord> {
    let asked = |bit: u32| request.0 & bit != 0;
    let mut targets: Vec<Isdp> = isdp::all(context.store)
        .into_iter()
        .filter(|isdp| match isdp.class() {
            ProfileClass::Operational => asked(MemoryResetRequest::OPERATIONAL_PROFILES),
            ProfileClass::Test => isdp.field_loaded && asked(MemoryResetRequest::FIELD_LOADED_TEST_PROFILES),
            ProfileClass::Provisioning => false,
        })
        .collect();
    // Where a test profile goes, what it displaced comes back, unless that goes too.
    targets.sort_by_key(|target| target.class() != ProfileClass::Operational);
    let initial = Configuration::load(context.store).and_then(|made| made.default_dp_address);
    let address_changed = asked(MemoryResetRequest::DEFAULT_SMDP_ADDRESS)
        && context.store.get(keys::DEFAULT_DP_ADDRESS) != initial.as_deref().map(str::as_bytes);
    if targets.is_empty() && !address_changed {
        return Ok(encode_result(MemoryResetRequest::TAG, FunctionResult::NOT_FOUND.0));
    }
    if proactive_session_ongoing(context) {
        return Ok(encode_result(MemoryResetRequest::TAG, FunctionResult::CAT_BUSY.0));
    }
    let enabled_goes = targets.iter().any(|isdp| isdp.state(context.store) == ProfileState::Enabled);

    let mut tx = context.store.begin();
    let mut done = targets.iter().try_for_each(|target| switch::delete(&mut tx, target));
    if address_changed {
        done = done.and_then(|()| match initial {
            Some(address) => tx.put(keys::DEFAULT_DP_ADDRESS, address.into_bytes()),
            None => {
                tx.delete(keys::DEFAULT_DP_ADDRESS);
                Ok(())
            }
        });
    }
    let result = match done.and_then(|()| tx.commit(context.env.medium())) {
        Ok(()) => FunctionResult::OK,
        Err(Error::Full) => FunctionResult::UNDEFINED_ERROR,
        Err(error) => return Err(memory_problem(error)),
    };
    if enabled_goes && result == FunctionResult::OK {
        context.effects.profile_switched = true;
        context.cat.refresh();
    }
    Ok(encode_result(MemoryResetRequest::TAG, result.0))
}
