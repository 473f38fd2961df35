//! Local profile management (SGP.22 §3.2, §3.3): enable, disable, delete, rename, reset,
//! set the default SM-DP+. After each change the chip is asked what it now has.

use rsp::DataObject;
use rsp::addresses::SetDefaultDpAddress;
use rsp::codes::{DeleteResult, ProfileStateResult};
use rsp::ids::Iccid;
use rsp::metadata::ProfileClass;
use rsp::profiles::{
    DeleteProfileRequest, MemoryResetRequest, ProfileIdentifier, ProfileInfo, ProfileState,
    SetNicknameRequest, StateChange, StateChangeRequest, decode_delete, decode_function_result,
    decode_state_change,
};
use tlv::Tag;

use crate::card::{IsdR, Options};
use crate::failure::{Cause, Failure, Function, Stage};
use crate::machine::{Io, Lost, Procedure, Question, Reply, Step};
use crate::procedure::information::{free_memory, read_addresses, read_profiles, with_isd_r};
use crate::procedure::notification::{Told, deliver_new, numbers, waiting};
use crate::procedure::{MemoryChange, Outcome};

/// What the device has to do so that a change of the enabled profile takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refresh {
    /// A proactive command waits: FETCH it, answer it, reset the chip.
    Proactive,
    /// No proactive command was announced: reset the chip and read it again.
    Reset,
}

/// Enables a profile; the one that is enabled is disabled by that.
#[must_use]
pub fn enable(iccid: Iccid, options: Options) -> Procedure {
    Procedure::new(move |io| async move { change(&io, &options, StateChange::Enable, iccid).await })
}

/// Disables a profile.
#[must_use]
pub fn disable(iccid: Iccid, options: Options) -> Procedure {
    Procedure::new(move |io| async move { change(&io, &options, StateChange::Disable, iccid).await })
}

/// Deletes a disabled profile.
#[must_use]
pub fn delete(iccid: Iccid, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        with_isd_r(&io, &options, async |isd_r| {
            let before = numbers(isd_r).await?;
            let free = free_memory(isd_r).await?;
            io.progress(Step::Manage, false).await;
            let mut result = ask_to_delete(isd_r, ProfileIdentifier::Iccid(iccid)).await?;
            if result == DeleteResult::ICCID_OR_AID_NOT_FOUND
                && let Some(aid) = aid_of(isd_r, iccid).await?
            {
                result = ask_to_delete(isd_r, aid).await?;
            }
            if result != DeleteResult::OK {
                return Err(Failure::new(Stage::Manage, Cause::Delete(result)));
            }
            io.progress(Step::ReadBack, false).await;
            let profiles = read_profiles(isd_r).await.map_err(read_back)?;
            if profiles.iter().any(|info| info.iccid == Some(iccid)) {
                return Err(Failure::new(Stage::ReadBack, Cause::NotChanged));
            }
            let memory = MemoryChange::of(free, free_memory(isd_r).await.map_err(read_back)?);
            let Told { reports: notifications, waiting } = deliver_new(&io, isd_r, &before).await?;
            Ok(Outcome::Deleted { iccid, profiles, notifications, waiting, memory })
        })
        .await
    })
}

/// Gives a profile a name; an empty one removes it. At most 64 bytes are taken,
/// cut at a character.
#[must_use]
pub fn set_nickname(iccid: Iccid, nickname: &str, options: Options) -> Procedure {
    let end = (0..=nickname.len().min(64)).rev().find(|&end| nickname.is_char_boundary(end)).unwrap_or(0);
    let nickname = nickname[..end].to_owned();
    Procedure::new(move |io| async move {
        with_isd_r(&io, &options, async |isd_r| {
            let request = SetNicknameRequest { iccid, nickname: nickname.clone() }.encode();
            io.progress(Step::Manage, false).await;
            simple(isd_r, Function::SetNickname, &request, SetNicknameRequest::TAG).await?;
            let profiles = read_profiles(isd_r).await.map_err(read_back)?;
            let named = profiles.iter().find(|info| info.iccid == Some(iccid));
            if named.is_none_or(|info| info.nickname.as_deref().unwrap_or_default() != nickname) {
                return Err(Failure::new(Stage::ReadBack, Cause::NotChanged));
            }
            Ok(Outcome::Profiles(profiles))
        })
        .await
    })
}

/// Sets the default SM-DP+ of the chip (SGP.22 §3.3.4); an empty address removes it.
#[must_use]
pub fn set_default_smdp(address: &str, options: Options) -> Procedure {
    let address = address.trim().to_owned();
    Procedure::new(move |io| async move {
        with_isd_r(&io, &options, async |isd_r| {
            let request = SetDefaultDpAddress(address.clone()).encode();
            io.progress(Step::Manage, false).await;
            simple(isd_r, Function::SetDefaultDpAddress, &request, SetDefaultDpAddress::TAG).await?;
            let addresses = read_addresses(isd_r).await.map_err(read_back)?;
            if addresses.default_dp_address.as_deref().unwrap_or_default() != address {
                return Err(Failure::new(Stage::ReadBack, Cause::NotChanged));
            }
            Ok(Outcome::Addresses(addresses))
        })
        .await
    })
}

/// Resets the chip's memory when the user says so after [`Question::MemoryReset`]. The
/// bits of [`MemoryResetRequest`] say what of it: field-loaded test profiles alone are the
/// test memory reset (SGP.22 §3.3.3), operational profiles the eUICC memory reset
/// (§3.3.2).
#[must_use]
pub fn memory_reset(what: u32, options: Options) -> Procedure {
    Procedure::new(move |io| async move { reset(&io, &options, what).await })
}

async fn reset(io: &Io, options: &Options, what: u32) -> Result<Outcome, Failure> {
    let asked = |bit: u32| what & bit != 0;
    let went = with_isd_r(io, options, async |isd_r| {
        let unsent = waiting(isd_r).await?;
        let before: Vec<u32> = unsent.iter().map(|metadata| metadata.seq_number).collect();
        let free = free_memory(isd_r).await?;
        let profiles = read_profiles(isd_r).await?.into_iter().filter(|info| match info.profile_class {
            Some(ProfileClass::Operational) | None => asked(MemoryResetRequest::OPERATIONAL_PROFILES),
            Some(ProfileClass::Test) => asked(MemoryResetRequest::FIELD_LOADED_TEST_PROFILES),
            Some(ProfileClass::Provisioning) => false,
        });
        let profiles: Vec<ProfileInfo> = profiles.collect();
        let was_enabled = profiles.iter().any(|info| info.state == Some(ProfileState::Enabled));
        let default_smdp_address = match asked(MemoryResetRequest::DEFAULT_SMDP_ADDRESS) {
            true => read_addresses(isd_r).await?.default_dp_address,
            false => None,
        };
        let lost = Lost { profiles, default_smdp_address, waiting: unsent };
        match io.ask(Question::MemoryReset(Box::new(lost))).await? {
            Reply::Accept => {}
            Reply::Timeout => return Err(Failure::new(Stage::Manage, Cause::TimedOut)),
            Reply::Reject | Reply::Postpone | Reply::Code(_) => {
                return Err(Failure::new(Stage::Manage, Cause::Rejected));
            }
        }
        io.progress(Step::Manage, false).await;
        let request = MemoryResetRequest(what).encode();
        let proactive = simple(isd_r, Function::MemoryReset, &request, MemoryResetRequest::TAG).await?;
        Ok((before, free, was_enabled, proactive))
    });
    let (before, free, was_enabled, proactive) = went.await?;
    if was_enabled {
        io.progress(Step::Refresh, false).await;
        io.refresh(if proactive { Refresh::Proactive } else { Refresh::Reset }).await?;
    }
    with_isd_r(io, options, async |isd_r| {
        io.progress(Step::ReadBack, false).await;
        let profiles = read_profiles(isd_r).await.map_err(read_back)?;
        let operational = |info: &ProfileInfo| info.profile_class == Some(ProfileClass::Operational);
        if asked(MemoryResetRequest::OPERATIONAL_PROFILES) && profiles.iter().any(operational) {
            return Err(Failure::new(Stage::ReadBack, Cause::NotChanged));
        }
        let default_smdp_address = read_addresses(isd_r).await.map_err(read_back)?.default_dp_address;
        let memory = MemoryChange::of(free, free_memory(isd_r).await.map_err(read_back)?);
        let Told { reports: notifications, waiting } = deliver_new(io, isd_r, &before).await?;
        Ok(Outcome::Reset { profiles, default_smdp_address, notifications, waiting, memory })
    })
    .await
}

/// A function that answers with one number; tells whether a proactive command waits.
async fn simple(isd_r: &IsdR<'_>, function: Function, request: &[u8], tag: Tag) -> Result<bool, Failure> {
    let answer = isd_r.call(Stage::Manage, request).await?;
    let result = decode_function_result(&answer.data, tag)
        .map_err(|error| Failure::new(Stage::Manage, Cause::CardData(error)))?;
    match result.0 {
        0 => Ok(answer.proactive),
        code => Err(Failure::refused(Stage::Manage, function, code)),
    }
}

async fn ask_to_delete(isd_r: &IsdR<'_>, profile: ProfileIdentifier) -> Result<DeleteResult, Failure> {
    isd_r.read_with(Stage::Manage, &DeleteProfileRequest(profile).encode(), decode_delete).await
}

/// The ISD-P of a profile that the chip lists though it does not find it by its ICCID.
async fn aid_of(isd_r: &IsdR<'_>, iccid: Iccid) -> Result<Option<ProfileIdentifier>, Failure> {
    let listed = read_profiles(isd_r).await?.into_iter().find(|info| info.iccid == Some(iccid));
    Ok(listed.and_then(|info| info.isdp_aid).map(ProfileIdentifier::Aid))
}

/// How a chip answered to a change of the enabled profile.
enum Went {
    /// It will change, or has.
    Done(Refresh),
    /// It was in that state.
    Already,
    /// It has a proactive command for the device first. That may be the REFRESH of this very
    /// change, asked for before, of which the answer was lost.
    Busy,
}

async fn change(io: &Io, options: &Options, change: StateChange, iccid: Iccid) -> Result<Outcome, Failure> {
    let mut asked = ask(io, options, change, iccid).await?;
    let mut refresh = None;
    if matches!(asked.went, Went::Busy) {
        // Let the chip get rid of its proactive command, and ask once more.
        refresh = Some(Refresh::Proactive);
        io.progress(Step::Refresh, false).await;
        io.refresh(Refresh::Proactive).await?;
        asked = Asked { before: asked.before, ..ask(io, options, change, iccid).await? };
    }
    let Asked { before, went, broke_off } = asked;
    match went {
        Went::Done(how) => {
            io.progress(Step::Refresh, false).await;
            io.refresh(how).await?;
            refresh = Some(how);
        }
        Went::Already => {}
        Went::Busy => {
            let busy = ProfileStateResult::CAT_BUSY;
            return Err(Failure::new(Stage::ChangeState, Cause::StateChange(busy)));
        }
    }
    with_isd_r(io, options, async |isd_r| {
        io.progress(Step::ReadBack, false).await;
        let profiles = read_profiles(isd_r).await.map_err(read_back)?;
        let state = profiles.iter().find(|info| info.iccid == Some(iccid)).and_then(|info| info.state);
        let wanted = match change {
            StateChange::Enable => ProfileState::Enabled,
            StateChange::Disable => ProfileState::Disabled,
        };
        if state != Some(wanted) {
            return Err(match (broke_off, refresh) {
                (Some(sw), _) => Failure::new(Stage::ChangeState, Cause::CardStatus(sw)),
                (None, None) => {
                    Failure::new(Stage::ChangeState, Cause::StateChange(ProfileStateResult::WRONG_STATE))
                }
                (None, Some(_)) => Failure::new(Stage::ReadBack, Cause::NotChanged),
            });
        }
        let Told { reports: notifications, waiting } = deliver_new(io, isd_r, &before).await?;
        Ok(Outcome::Switched { refresh, profiles, notifications, waiting })
    })
    .await
}

/// What a chip was asked, and how it answered.
struct Asked {
    /// Sequence numbers of the notifications that waited.
    before: Vec<u32>,
    went: Went,
    /// The status by which it broke off.
    broke_off: Option<apdu::StatusWord>,
}

async fn ask(io: &Io, options: &Options, change: StateChange, iccid: Iccid) -> Result<Asked, Failure> {
    with_isd_r(io, options, async |isd_r| {
        let before = numbers(isd_r).await?;
        io.progress(Step::ChangeState, false).await;
        let (went, broke_off) = match ask_to_change(isd_r, change, iccid).await {
            // Some chips break off here when they begin to change: what became of it is
            // read back.
            Err(Failure { cause: Cause::CardStatus(sw), .. })
                if sw == apdu::StatusWord::TECHNICAL_PROBLEM =>
            {
                (Went::Done(Refresh::Reset), Some(sw))
            }
            went => (went?, None),
        };
        Ok(Asked { before, went, broke_off })
    })
    .await
}

/// Asks with REFRESH first; a chip that is busy with its toolkit, or that can't
/// refresh a reader, is asked once more without (users of card readers need that). A chip
/// that does not find a profile that it lists is asked by the AID of its ISD-P.
async fn ask_to_change(isd_r: &IsdR<'_>, change: StateChange, iccid: Iccid) -> Result<Went, Failure> {
    let stage = Stage::ChangeState;
    let mut profile = ProfileIdentifier::Iccid(iccid);
    let mut refresh = true;
    loop {
        let request = StateChangeRequest { change, profile: profile.clone(), refresh }.encode();
        let answer = isd_r.call(stage, &request).await?;
        let result = decode_state_change(&answer.data, change)
            .map_err(|error| Failure::new(stage, Cause::CardData(error)))?;
        let failure = Failure::new(stage, Cause::StateChange(result));
        match result {
            ProfileStateResult::OK if answer.proactive => return Ok(Went::Done(Refresh::Proactive)),
            ProfileStateResult::OK => return Ok(Went::Done(Refresh::Reset)),
            ProfileStateResult::WRONG_STATE => return Ok(Went::Already),
            ProfileStateResult::CAT_BUSY | ProfileStateResult::UNDEFINED_ERROR if refresh => refresh = false,
            ProfileStateResult::CAT_BUSY => return Ok(Went::Busy),
            ProfileStateResult::ICCID_OR_AID_NOT_FOUND if matches!(profile, ProfileIdentifier::Iccid(_)) => {
                profile = aid_of(isd_r, iccid).await?.ok_or(failure)?;
            }
            _ => return Err(failure),
        }
    }
}

/// A change that can't be read back is another trouble than one that was refused.
fn read_back(failure: Failure) -> Failure {
    Failure { stage: Stage::ReadBack, ..failure }
}
