//! Notifications (SGP.22 §3.5): those that come of an act are sent by themselves, kept
//! when that fails, removed only when the server has them. What waited before is the
//! user's: listed, sent, or removed with a warning.

use rsp::Raw;
use rsp::codes::FunctionResult;
use rsp::es9::{Base64, HandleNotificationRequest};
use rsp::notification::{
    NOTIFICATION_SENT, NotificationFilter, NotificationMetadata, PendingNotification, decode_list_response,
    decode_retrieve_response, encode_list_request, encode_notification_sent, encode_retrieve_request,
};
use rsp::profiles::decode_function_result;

use crate::card::{IsdR, Options};
use crate::failure::{Cause, Failure, Function, Stage};
use crate::machine::{Io, Procedure, Question, Reply, Step};
use crate::procedure::Outcome;
use crate::procedure::information::with_isd_r;
use crate::server;

/// What became of one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationReport {
    /// Its head.
    pub metadata: NotificationMetadata,
    /// Delivered and removed, or why not: it is then still on the chip.
    pub result: Result<(), Failure>,
}

/// What came of an act, and what had waited before it.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) reports: Vec<NotificationReport>,
    pub(crate) waiting: Vec<NotificationMetadata>,
}

/// Delivers every notification that waits on the chip.
#[must_use]
pub fn notifications(options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let told = with_isd_r(&io, &options, async |isd_r| deliver(&io, isd_r, |_| true).await).await?;
        Ok(Outcome::Notifications(told.reports))
    })
}

/// Lists the notifications on the chip and sends none.
#[must_use]
pub fn list_notifications(options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        with_isd_r(&io, &options, async |isd_r| waiting(isd_r).await).await.map(Outcome::Waiting)
    })
}

/// Sends one notification, whatever waits before it.
#[must_use]
pub fn send_notification(seq_number: u32, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let told = with_isd_r(&io, &options, async |isd_r| {
            deliver(&io, isd_r, |metadata| metadata.seq_number == seq_number).await
        });
        let told = told.await?;
        if told.reports.is_empty() {
            return Err(Failure::new(Stage::Notify, Cause::NoSuchNotification));
        }
        Ok(Outcome::Notifications(told.reports))
    })
}

/// Removes one notification that no server has, when the user says so after
/// [`Question::RemoveNotification`].
#[must_use]
pub fn remove_notification(seq_number: u32, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let left = with_isd_r(&io, &options, async |isd_r| {
            let mut list = waiting(isd_r).await?;
            let at = list.iter().position(|metadata| metadata.seq_number == seq_number);
            let at = at.ok_or_else(|| Failure::new(Stage::Manage, Cause::NoSuchNotification))?;
            let question = Question::RemoveNotification(Box::new(list[at].clone()));
            match io.ask(question).await? {
                Reply::Accept => {}
                Reply::Timeout => return Err(Failure::new(Stage::Manage, Cause::TimedOut)),
                Reply::Reject | Reply::Postpone | Reply::Code(_) => {
                    return Err(Failure::new(Stage::Manage, Cause::Rejected));
                }
            }
            remove(isd_r, seq_number, Stage::Manage).await?;
            list.remove(at);
            Ok(list)
        });
        left.await.map(Outcome::Waiting)
    })
}

/// The heads of what waits, in the order of the sequence numbers.
pub(crate) async fn waiting(isd_r: &IsdR<'_>) -> Result<Vec<NotificationMetadata>, Failure> {
    let stage = Stage::Notify;
    let list = isd_r.read_with(stage, &encode_list_request(None), decode_list_response).await?;
    let mut list = list.map_err(|code| Failure::refused(stage, Function::ListNotification, code))?;
    list.sort_by_key(|metadata| metadata.seq_number);
    Ok(list)
}

/// The sequence numbers of what waits before an act. A chip that can't tell them is one
/// whose whole list counts as new afterwards.
pub(crate) async fn numbers(isd_r: &IsdR<'_>) -> Result<Vec<u32>, Failure> {
    match waiting(isd_r).await {
        Ok(list) => Ok(list.iter().map(|metadata| metadata.seq_number).collect()),
        Err(failure) if failure.is_card_lost() => Err(failure),
        Err(_) => Ok(Vec::new()),
    }
}

/// Delivers what came since the numbers were taken.
pub(crate) async fn deliver_new(io: &Io, isd_r: &IsdR<'_>, before: &[u32]) -> Result<Told, Failure> {
    deliver(io, isd_r, |metadata| !before.contains(&metadata.seq_number)).await
}

/// Delivers those that are `wanted`, in the order of the sequence numbers; behind one that
/// fails, those for the same address wait (SGP.22 §3.5: they are to arrive in order).
pub(crate) async fn deliver(
    io: &Io,
    isd_r: &IsdR<'_>,
    wanted: impl Fn(&NotificationMetadata) -> bool,
) -> Result<Told, Failure> {
    let (list, waiting): (Vec<_>, Vec<_>) = waiting(isd_r).await?.into_iter().partition(wanted);
    if !list.is_empty() {
        io.progress(Step::Notify, false).await;
    }
    let mut reports: Vec<NotificationReport> = Vec::new();
    for metadata in list {
        let stuck = reports
            .iter()
            .find(|report| report.result.is_err() && report.metadata.address == metadata.address)
            .map(|report| report.result.clone());
        let result = match stuck {
            Some(error) => error,
            None => deliver_one(io, isd_r, &metadata).await,
        };
        // A chip that is gone will not answer for the others either.
        let gone = result.as_ref().is_err_and(Failure::is_card_lost);
        reports.push(NotificationReport { metadata, result });
        if gone {
            break;
        }
    }
    Ok(Told { reports, waiting })
}

/// The whole notifications that a filter finds.
pub(crate) async fn retrieve(
    isd_r: &IsdR<'_>,
    filter: NotificationFilter,
) -> Result<Vec<Raw<PendingNotification>>, Failure> {
    let request = encode_retrieve_request(Some(filter));
    let found = isd_r.read_with(Stage::Notify, &request, decode_retrieve_response).await?;
    match found {
        Ok(found) => Ok(found),
        // noResultAvailable.
        Err(code) if FunctionResult(code) == FunctionResult::NOT_FOUND => Ok(Vec::new()),
        Err(code) => Err(Failure::refused(Stage::Notify, Function::RetrieveNotificationsList, code)),
    }
}

async fn deliver_one(io: &Io, isd_r: &IsdR<'_>, metadata: &NotificationMetadata) -> Result<(), Failure> {
    let found = retrieve(isd_r, NotificationFilter::SeqNumber(metadata.seq_number)).await?;
    // A chip that gives another one than it was asked for must not have that one removed.
    let same = |one: &&Raw<PendingNotification>| one.metadata().seq_number == metadata.seq_number;
    let Some(pending) = found.iter().find(same) else {
        return Err(Failure::new(Stage::Notify, Cause::NoSuchNotification));
    };
    let request = HandleNotificationRequest { pending_notification: Base64(pending.bytes().to_vec()) };
    server::notify(io, &metadata.address, &request).await?;
    remove(isd_r, metadata.seq_number, Stage::Notify).await
}

async fn remove(isd_r: &IsdR<'_>, seq_number: u32, stage: Stage) -> Result<(), Failure> {
    let request = encode_notification_sent(seq_number);
    let removed =
        isd_r.read_with(stage, &request, |bytes| decode_function_result(bytes, NOTIFICATION_SENT)).await?;
    match removed {
        // Nothing to delete: somebody else removed it meanwhile.
        FunctionResult::OK | FunctionResult::NOT_FOUND => Ok(()),
        FunctionResult(code) => Err(Failure::refused(stage, Function::RemoveNotificationFromList, code)),
    }
}
