//! Local profile management (SGP.22 §3.2): enable, disable, delete, rename, reset.

use rsp::DataObject;
use rsp::codes::{DeleteResult, ProfileStateResult};
use rsp::ids::Iccid;
use rsp::profiles::{
    DeleteProfileRequest, MemoryResetRequest, ProfileIdentifier, SetNicknameRequest, StateChange,
    StateChangeRequest, decode_delete, decode_function_result, decode_state_change,
};

use crate::card::Options;
use crate::failure::{Cause, Failure, Stage};
use crate::machine::{Io, Procedure};
use crate::procedure::Outcome;
use crate::procedure::information::with_isd_r;

/// What the device has to do after a change of the enabled profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        let request = DeleteProfileRequest(ProfileIdentifier::Iccid(iccid)).encode();
        let result = with_isd_r(&io, &options, async |isd_r| {
            isd_r.read_with(Stage::Manage, &request, decode_delete).await
        });
        match result.await? {
            DeleteResult::OK => Ok(Outcome::Deleted(iccid)),
            refused => Err(Failure::new(Stage::Manage, Cause::Delete(refused))),
        }
    })
}

/// Gives a profile a name; an empty one removes it. At most 64 bytes are taken,
/// cut at a character.
#[must_use]
pub fn set_nickname(iccid: Iccid, nickname: &str, options: Options) -> Procedure {
    let end = (0..=nickname.len().min(64)).rev().find(|&end| nickname.is_char_boundary(end)).unwrap_or(0);
    let request = SetNicknameRequest { iccid, nickname: nickname[..end].to_owned() }.encode();
    simple(request, SetNicknameRequest::TAG, options)
}

/// Resets the chip's memory; the bits of [`MemoryResetRequest`] say what of it.
#[must_use]
pub fn memory_reset(what: u32, options: Options) -> Procedure {
    simple(MemoryResetRequest(what).encode(), MemoryResetRequest::TAG, options)
}

fn simple(request: Vec<u8>, tag: tlv::Tag, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let result = with_isd_r(&io, &options, async |isd_r| {
            isd_r.read_with(Stage::Manage, &request, |bytes| decode_function_result(bytes, tag)).await
        });
        match result.await?.0 {
            0 => Ok(Outcome::Done),
            code => Err(Failure::new(Stage::Manage, Cause::Refused(code))),
        }
    })
}

/// Asks with REFRESH first; a chip that is busy with its toolkit, or that can't
/// refresh a reader, is asked once more without (users of card readers need that).
async fn change(io: &Io, options: &Options, change: StateChange, iccid: Iccid) -> Result<Outcome, Failure> {
    let stage = Stage::ChangeState;
    let mut result = ProfileStateResult::UNDEFINED_ERROR;
    for refresh in [true, false] {
        let request =
            StateChangeRequest { change, profile: ProfileIdentifier::Iccid(iccid), refresh }.encode();
        let answer = with_isd_r(io, options, async |isd_r| {
            let answer = isd_r.call(stage, &request).await?;
            let result = decode_state_change(&answer.data, change)
                .map_err(|error| Failure::new(stage, Cause::CardData(error)))?;
            Ok((result, answer.proactive))
        });
        let proactive;
        (result, proactive) = answer.await?;
        match result {
            ProfileStateResult::OK if proactive => return Ok(Outcome::Switched(Refresh::Proactive)),
            ProfileStateResult::OK => return Ok(Outcome::Switched(Refresh::Reset)),
            ProfileStateResult::CAT_BUSY | ProfileStateResult::UNDEFINED_ERROR => {}
            _ => break,
        }
    }
    Err(Failure::new(stage, Cause::StateChange(result)))
}
