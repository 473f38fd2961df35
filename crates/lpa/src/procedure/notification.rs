//! Delivery of notifications (SGP.22 §3.5): sent by themselves, kept when that
//! fails, removed only when the server has them.

use rsp::codes::FunctionResult;
use rsp::es9::{Base64, HandleNotificationRequest};
use rsp::notification::{
    NOTIFICATION_SENT, NotificationFilter, NotificationMetadata, decode_list_response,
    decode_retrieve_response, encode_list_request, encode_notification_sent, encode_retrieve_request,
};
use rsp::profiles::decode_function_result;

use crate::card::{IsdR, Options};
use crate::failure::{Cause, Failure, Stage};
use crate::machine::{Io, Procedure, Step};
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

/// Delivers every notification that waits on the chip.
#[must_use]
pub fn notifications(options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let reports = with_isd_r(&io, &options, async |isd_r| deliver(&io, isd_r).await).await?;
        Ok(Outcome::Notifications(reports))
    })
}

/// Delivers what waits, in the order of the sequence numbers; behind one that
/// fails, those for the same address wait (SGP.22 §3.5: they are to arrive in order).
pub(crate) async fn deliver(io: &Io, isd_r: &IsdR<'_>) -> Result<Vec<NotificationReport>, Failure> {
    let stage = Stage::Notify;
    let list = isd_r.read_with(stage, &encode_list_request(None), decode_list_response).await?;
    let mut list = list.map_err(|code| Failure::new(stage, Cause::Refused(code)))?;
    list.sort_by_key(|metadata| metadata.seq_number);
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
        let gone = matches!(&result, Err(Failure { cause: Cause::CardLost(_), .. }));
        reports.push(NotificationReport { metadata, result });
        if gone {
            break;
        }
    }
    Ok(reports)
}

async fn deliver_one(io: &Io, isd_r: &IsdR<'_>, metadata: &NotificationMetadata) -> Result<(), Failure> {
    let stage = Stage::Notify;
    let filter = Some(NotificationFilter::SeqNumber(metadata.seq_number));
    let found = isd_r.read_with(stage, &encode_retrieve_request(filter), decode_retrieve_response).await?;
    let found = found.map_err(|code| Failure::new(stage, Cause::Refused(code)))?;
    let Some(pending) = found.first() else {
        return Err(Failure::new(stage, Cause::Refused(1)));
    };
    let request = HandleNotificationRequest { pending_notification: Base64(pending.bytes().to_vec()) };
    server::notify(io, &metadata.address, &request).await?;
    let request = encode_notification_sent(metadata.seq_number);
    let removed =
        isd_r.read_with(stage, &request, |bytes| decode_function_result(bytes, NOTIFICATION_SENT)).await?;
    match removed {
        // Nothing to delete: somebody else removed it meanwhile.
        FunctionResult::OK | FunctionResult::NOT_FOUND => Ok(()),
        FunctionResult(code) => Err(Failure::new(stage, Cause::Refused(code))),
    }
}
