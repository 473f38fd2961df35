//! What became of a download that was interrupted, and the rest of it.
//!
//! The chip has the first word: a profile that it has is installed, a result that it
//! keeps is the result. If it has neither, it may still hold the session; then the package
//! is fed again from its first segment. Otherwise the server is asked for the same order:
//! it binds the same profile to the same chip again, to the same one-time key if the
//! result of the first package is not known (SGP.22 §3.1.3.2). No other order is used.

use rsp::auth::DeviceInfo;
use rsp::metadata::{NotificationEvents, ProfileClass, StoreMetadata};
use rsp::notification::{FinalResult, NotificationFilter, NotificationMetadata, PendingNotification};
use rsp::profiles::ProfileInfo;

use crate::card::{IsdR, Options, close_channel};
use crate::checkpoint::Checkpoint;
use crate::failure::{Cause, Failure, Retry, Stage};
use crate::machine::{Io, Procedure, Step};
use crate::procedure::Outcome;
use crate::procedure::authentication::may_stop;
use crate::procedure::download::{After, Download, FeedFailure, feed, final_result, is_temporary};
use crate::procedure::information::{read_eid, read_profiles, with_isd_r};
use crate::procedure::notification::{Told, deliver, retrieve};

/// Goes on with a download that was interrupted: by a reload, a lost answer, a chip that
/// was pulled. Ends with [`Outcome::Installed`] when the profile is on the chip, however
/// it came there; where the server has to be asked again the user is too.
#[must_use]
pub fn resume(checkpoint: Checkpoint, device: DeviceInfo, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        may_stop(&io, Step::Resume).await?;
        // A package that was being fed is over with its channel: the chip must not take
        // the first segment for the next one.
        if checkpoint.channel != 0 {
            close_channel(&io, checkpoint.channel).await;
        }
        let result = with_isd_r(&io, &options, async |isd_r| go_on(&io, isd_r, &checkpoint, &device).await);
        let result = result.await;
        let over = match &result {
            Ok(_) => true,
            Err(Failure { cause: Cause::OtherChip | Cause::Misuse, .. }) => false,
            Err(failure) => is_final(failure),
        };
        if over {
            io.forget(&checkpoint.transaction_id).await;
        }
        result
    })
}

/// Whether nothing more can come of the order. A chip or a server that could not be
/// understood may be, another time.
fn is_final(failure: &Failure) -> bool {
    failure.retry() == Retry::Never
        && matches!(
            failure.cause,
            Cause::ServerRefused(_)
                | Cause::Install { .. }
                | Cause::Rejected
                | Cause::DeletedSince
                | Cause::MetadataMismatch
                | Cause::AlreadyInstalled
        )
}

async fn go_on(
    io: &Io,
    isd_r: &IsdR<'_>,
    checkpoint: &Checkpoint,
    device: &DeviceInfo,
) -> Result<Outcome, Failure> {
    if !checkpoint.is_of(&read_eid(isd_r).await?) {
        return Err(Failure::new(Stage::Resume, Cause::OtherChip));
    }
    let listed = read_profiles(isd_r).await?.into_iter().find(|info| info.iccid == Some(checkpoint.iccid));
    let result = kept_result(isd_r, checkpoint).await?;
    let seq_number = result.as_ref().map(|kept| kept.notification.seq_number);
    let of_this = |metadata: &NotificationMetadata| {
        metadata.iccid == Some(checkpoint.iccid) || Some(metadata.seq_number) == seq_number
    };
    if let Some(info) = listed {
        let metadata = checkpoint.metadata().unwrap_or_else(|| described(checkpoint, info));
        return installed(io, isd_r, metadata, of_this).await;
    }
    let download = Download { io, order: &checkpoint.order, device };
    match result {
        Some(kept) => {
            // The server is to know of this end before it is asked again.
            deliver(io, isd_r, of_this).await?;
            match &kept.final_result {
                FinalResult::Success { .. } => return Err(Failure::new(Stage::Resume, Cause::DeletedSince)),
                FinalResult::Error { error_reason, .. } if !is_temporary(*error_reason) => {
                    final_result(&kept.final_result)?;
                }
                FinalResult::Error { .. } => {}
            }
        }
        None => {
            if let Some(package) = &checkpoint.package {
                match feed(io, isd_r, checkpoint.iccid, package).await {
                    Ok(()) => {
                        let metadata = checkpoint.metadata().ok_or_else(Failure::misuse)?;
                        return installed(io, isd_r, metadata, of_this).await;
                    }
                    // The chip does not hold the session any more.
                    Err(FeedFailure { taken: 0, failure, .. }) if is_refused_at_the_door(&failure) => {}
                    Err(FeedFailure { failure, .. }) if failure.is_card_lost() => return Err(failure),
                    Err(FeedFailure { failure, .. }) => {
                        let failure = match &failure.cause {
                            Cause::Install { .. } => failure,
                            _ => download.cancel(isd_r, &checkpoint.transaction_id, failure, None).await,
                        };
                        drop(deliver(io, isd_r, of_this).await);
                        return Err(failure);
                    }
                }
            }
        }
    }
    download.run(isd_r, None).await
}

/// An error status to the first segment: nothing was begun.
const fn is_refused_at_the_door(failure: &Failure) -> bool {
    matches!(failure.cause, Cause::CardStatus(_))
}

/// The result of this very session, if the chip keeps it.
async fn kept_result(
    isd_r: &IsdR<'_>,
    checkpoint: &Checkpoint,
) -> Result<Option<rsp::notification::ProfileInstallationResultData>, Failure> {
    let found = retrieve(isd_r, NotificationFilter::Events(NotificationEvents::INSTALL)).await?;
    Ok(found.into_iter().find_map(|pending| match pending.into_value() {
        PendingNotification::ProfileInstallationResult(result)
            if result.data.transaction_id == checkpoint.transaction_id =>
        {
            Some(result.data.into_value())
        }
        _ => None,
    }))
}

async fn installed(
    io: &Io,
    isd_r: &IsdR<'_>,
    metadata: StoreMetadata,
    of_this: impl Fn(&NotificationMetadata) -> bool,
) -> Result<Outcome, Failure> {
    let After { profiles, told: Told { reports: notifications, waiting }, .. } =
        After::of(io, isd_r, of_this).await?;
    let metadata = Box::new(metadata);
    Ok(Outcome::Installed { metadata, notifications, waiting, profiles, memory: None })
}

/// What the chip's list says of a profile, as far as it goes.
fn described(checkpoint: &Checkpoint, info: ProfileInfo) -> StoreMetadata {
    StoreMetadata {
        iccid: checkpoint.iccid,
        service_provider_name: info.service_provider_name.unwrap_or_default(),
        profile_name: info.profile_name.unwrap_or_default(),
        icon: info.icon,
        profile_class: info.profile_class.unwrap_or(ProfileClass::Operational),
        notification_configuration: info.notification_configuration,
        profile_owner: info.profile_owner,
        profile_policy_rules: info.profile_policy_rules,
    }
}
