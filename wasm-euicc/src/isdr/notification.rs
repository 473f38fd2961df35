//! Notifications that wait for delivery (SGP.22 §3.5): numbered once for the
//! chip's life, signed when the event happens, bounded in number.

use rsp::auth::Signature;
use rsp::metadata::{NotificationEvents, ProfileClass};
use rsp::notification::{
    FinalResult, NotificationFilter, NotificationMetadata, OtherSignedNotification, PendingNotification,
    ProfileInstallationResult, ProfileInstallationResultData,
};
use rsp::{CiPkId, DataObject as _, Iccid, Oid, Raw, TransactionId};
use rsp_crypto::signature;
use tlv::{Tag, Tlv, Writer};

use super::keys;
use crate::ecasd::Credential;
use crate::isdp::Isdp;
use crate::nvm::{Error, Transaction, View};

/// More than these are not kept: the oldest goes for a new one (SGP.22 §3.5).
const MOST: usize = 64;

/// What a ProfileInstallationResult is made of, known from the secure channel
/// on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Download {
    /// The session.
    pub(crate) transaction_id: TransactionId,
    /// The SM-DP+'s address, as it signed it.
    pub(crate) address: String,
    /// The SM-DP+, as in CERT.DPpb.
    pub(crate) smdp_oid: Oid,
    /// The CI of the session.
    pub(crate) ci: CiPkId,
    /// The profile, once it is known.
    pub(crate) iccid: Option<Iccid>,
}

/// Notifies the servers that the profile's metadata names for an event of it.
/// Test profiles notify nobody (SGP.22 §3.5).
pub(crate) fn of_event(
    tx: &mut Transaction<'_>,
    profile: &Isdp,
    event: NotificationEvents,
) -> Result<(), Error> {
    of_event_except(tx, profile, event, None)
}

/// As [`of_event`], without the server that learns of it in another way.
pub(crate) fn of_event_except(
    tx: &mut Transaction<'_>,
    profile: &Isdp,
    event: NotificationEvents,
    except: Option<&str>,
) -> Result<(), Error> {
    if profile.class() == ProfileClass::Test {
        return Ok(());
    }
    for configured in &profile.metadata.notification_configuration {
        let knows = except.is_some_and(|address| address.eq_ignore_ascii_case(&configured.address));
        if !configured.events.intersects(event) || knows {
            continue;
        }
        let credential = profile.ci.as_ref().and_then(|ci| Credential::load(tx, ci));
        let Some(credential) = credential.or_else(|| Credential::load_first(tx)) else { continue };
        let seq_number = next_number(tx)?;
        let tbs = NotificationMetadata {
            seq_number,
            event,
            address: configured.address.clone(),
            iccid: Some(profile.metadata.iccid),
        }
        .encode();
        let signature = credential.sign(&signature::euicc_notification_signature(&tbs));
        // Without the certificates, which the chip holds anyway.
        let stored = Writer::new()
            .nested(Tag::SEQUENCE, |w| {
                w.tlv(Tag(0x80), credential.ci.as_bytes());
                w.raw(&tbs).raw(&signature.to_tlv());
            })
            .finish();
        add(tx, seq_number, stored)?;
    }
    Ok(())
}

/// Signs and keeps the result of a download. Returns its bytes (`BF37`).
///
/// # Errors
/// [`Error::Full`] when there is no room for the result of a success.
pub(crate) fn of_installation(
    tx: &mut Transaction<'_>,
    download: &Download,
    final_result: FinalResult,
) -> Result<Vec<u8>, Error> {
    let Some(credential) = Credential::load(tx, &download.ci) else { return Err(Error::Foreign) };
    let seq_number = next_number(tx)?;
    let failed = matches!(final_result, FinalResult::Error { .. });
    let data = Raw::new(ProfileInstallationResultData {
        transaction_id: download.transaction_id.clone(),
        notification: NotificationMetadata {
            seq_number,
            event: NotificationEvents::INSTALL,
            address: download.address.clone(),
            iccid: download.iccid,
        },
        smdp_oid: download.smdp_oid.clone(),
        final_result,
    });
    let euicc_sign_pir = credential.sign(&signature::euicc_sign_pir(data.bytes()));
    let result = ProfileInstallationResult { data, euicc_sign_pir }.encode();
    match add(tx, seq_number, result.clone()) {
        // A chip without room for the result of a failure still tells it: the
        // LPA delivers what it is answered.
        Err(Error::Full) if failed => Ok(result),
        added => added.map(|()| result),
    }
}

/// The heads of those that wait, oldest first; of the given events only.
pub(crate) fn list(
    view: &(impl View + ?Sized),
    events: Option<NotificationEvents>,
) -> Vec<NotificationMetadata> {
    waiting(view)
        .into_iter()
        .filter_map(|number| Some(stored(view, number)?.metadata().clone()))
        .filter(|metadata| events.is_none_or(|events| events.intersects(metadata.event)))
        .collect()
}

/// Those that wait and match, as they are to be delivered, oldest first.
pub(crate) fn retrieve(
    view: &(impl View + ?Sized),
    filter: Option<NotificationFilter>,
) -> impl Iterator<Item = Vec<u8>> {
    waiting(view)
        .into_iter()
        .filter_map(|number| stored(view, number))
        .filter(move |notification| match filter {
            None => true,
            Some(NotificationFilter::SeqNumber(number)) => notification.metadata().seq_number == number,
            Some(NotificationFilter::Events(events)) => events.intersects(notification.metadata().event),
        })
        .map(|notification| notification.encode())
}

/// Forgets one; false when there is none with this number.
pub(crate) fn remove(tx: &mut Transaction<'_>, seq_number: u32) -> Result<bool, Error> {
    let mut numbers = waiting(tx);
    let Some(at) = numbers.iter().position(|number| *number == seq_number) else { return Ok(false) };
    numbers.remove(at);
    tx.delete(keys::notification(seq_number));
    store_numbers(tx, &numbers)?;
    Ok(true)
}

/// Keeps a notification; when there is no room for it the oldest make some.
fn add(tx: &mut Transaction<'_>, seq_number: u32, bytes: Vec<u8>) -> Result<(), Error> {
    let mut numbers = waiting(tx);
    numbers.push(seq_number);
    loop {
        let room = numbers.len() <= MOST
            && tx.put(keys::notification(seq_number), bytes.clone()).is_ok()
            && store_numbers(tx, &numbers).is_ok();
        if room {
            return Ok(());
        }
        if numbers.len() < 2 {
            tx.delete(keys::notification(seq_number));
            return Err(Error::Full);
        }
        tx.delete(keys::notification(numbers.remove(0)));
    }
}

/// A chip begins with this.
pub(crate) fn put_first_number(tx: &mut Transaction<'_>) -> Result<(), Error> {
    tx.put(keys::SEQUENCE, 0u32.to_be_bytes().to_vec())
}

/// The next sequence number; it is used up when the transaction is committed.
fn next_number(tx: &mut Transaction<'_>) -> Result<u32, Error> {
    let last = tx.get(keys::SEQUENCE).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
    // A chip that was written 2³¹ times is beyond its life; `seqNumber` may not
    // be negative on the wire.
    let next = last.checked_add(1).ok_or(Error::Full)?;
    tx.put(keys::SEQUENCE, next.to_be_bytes().to_vec())?;
    Ok(next)
}

fn waiting(view: &(impl View + ?Sized)) -> Vec<u32> {
    let bytes = view.get(keys::NOTIFICATIONS).unwrap_or_default();
    bytes.as_chunks().0.iter().map(|number| u32::from_be_bytes(*number)).collect()
}

fn store_numbers(tx: &mut Transaction<'_>, numbers: &[u32]) -> Result<(), Error> {
    if numbers.is_empty() {
        tx.delete(keys::NOTIFICATIONS);
        return Ok(());
    }
    tx.put(keys::NOTIFICATIONS, numbers.iter().flat_map(|number| number.to_be_bytes()).collect())
}

fn stored(view: &(impl View + ?Sized), seq_number: u32) -> Option<PendingNotification> {
    let bytes = view.get(keys::notification(seq_number))?;
    if let Ok(result) = ProfileInstallationResult::decode(bytes) {
        return Some(PendingNotification::ProfileInstallationResult(result));
    }
    let mut fields = Tlv::single_of(bytes, Tag::SEQUENCE).ok()?.fields();
    let ci = CiPkId::from_bytes(fields.required(Tag(0x80)).ok()?.value).ok()?;
    let tbs = Raw::decode(fields.required(NotificationMetadata::TAG).ok()?.raw).ok()?;
    let signature = Signature::decode(fields.required(Tag(0x5F37)).ok()?.raw).ok()?;
    let Credential { euicc_certificate, eum_certificate, .. } = Credential::load(view, &ci)?;
    Some(PendingNotification::Other(OtherSignedNotification {
        tbs,
        signature,
        euicc_certificate,
        eum_certificate,
    }))
}
