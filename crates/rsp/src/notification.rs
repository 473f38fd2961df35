//! Notifications (SGP.22 §3.5, §5.7.9 to §5.7.11): what the eUICC tells servers,
//! signed and kept until they have it.

use tlv::{Error, Fields, Tag, Tlv, Writer};

use crate::auth::{Certificate, Signature};
use crate::codes::{BppCommandId, ErrorReason};
use crate::components::{TRANSACTION_ID, code, transaction_id};
use crate::ids::{Aid, Iccid, Oid, TransactionId};
use crate::metadata::{ICCID, NotificationEvents, iccid};
use crate::raw::{DataObject, Raw};

/// The head of every notification (`NotificationMetadata`, `BF2F`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationMetadata {
    /// Counted up over the eUICC's life, never used twice.
    pub seq_number: u32,
    /// Exactly one event.
    pub event: NotificationEvents,
    /// The server that is to have it.
    pub address: String,
    /// The profile, when it is known.
    pub iccid: Option<Iccid>,
}

impl NotificationMetadata {
    /// Its tag.
    pub const TAG: Tag = Tag(0xBF2F);
}

impl DataObject for NotificationMetadata {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            seq_number: fields.required(Tag(0x80))?.unsigned()?,
            event: NotificationEvents::read(&fields.required(Tag(0x81))?)?,
            address: fields.required(Tag::UTF8_STRING)?.text()?.to_owned(),
            iccid: fields.optional(ICCID)?.as_ref().map(iccid).transpose()?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.unsigned(Tag(0x80), self.seq_number);
            self.event.write(w, Tag(0x81));
            w.tlv(Tag::UTF8_STRING, self.address.as_bytes());
            w.optional(ICCID, self.iccid.as_ref().map(|iccid| &iccid.as_bytes()[..]));
        });
        w.finish()
    }
}

/// How a download ended (`finalResult`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinalResult {
    /// The profile is installed, disabled.
    Success {
        /// AID of the ISD-P.
        aid: Aid,
        /// `EUICCResponse`s of the profile package interpreter.
        sima_response: Vec<u8>,
    },
    /// Nothing is installed.
    Error {
        /// The command that failed.
        bpp_command_id: BppCommandId,
        /// Why.
        error_reason: ErrorReason,
        /// `EUICCResponse`s, when the interpreter had begun.
        sima_response: Option<Vec<u8>>,
    },
}

/// What the eUICC signs at the end of a download (`BF27`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileInstallationResultData {
    /// The session.
    pub transaction_id: TransactionId,
    /// The head.
    pub notification: NotificationMetadata,
    /// The SM-DP+, as in CERT.DPpb.
    pub smdp_oid: Oid,
    /// The end.
    pub final_result: FinalResult,
}

impl ProfileInstallationResultData {
    /// Its tag.
    pub const TAG: Tag = Tag(0xBF27);
}

impl DataObject for ProfileInstallationResultData {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        let transaction_id = transaction_id(&fields.required(TRANSACTION_ID)?)?;
        let notification = NotificationMetadata::decode(fields.required(NotificationMetadata::TAG)?.raw)?;
        let oid = fields.required(Tag::OID)?;
        let result = Tlv::single(fields.required(Tag(0xA2))?.value)?;
        let mut inside = result.fields();
        let final_result = match result.tag {
            Tag(0xA0) => {
                let aid = inside.required(Tag(0x4F))?;
                FinalResult::Success {
                    aid: Aid::from_bytes(aid.value).map_err(|_| Error::Value(aid.tag))?,
                    sima_response: inside.required(Tag::OCTET_STRING)?.value.to_vec(),
                }
            }
            Tag(0xA1) => FinalResult::Error {
                bpp_command_id: BppCommandId(code(&inside.required(Tag(0x80))?)?),
                error_reason: ErrorReason(code(&inside.required(Tag(0x81))?)?),
                sima_response: inside.optional(Tag(0x82))?.map(|tlv| tlv.value.to_vec()),
            },
            found => return Err(Error::Unexpected { expected: Tag(0xA0), found }),
        };
        let smdp_oid = Oid::from_der_contents(oid.value).map_err(|_| Error::Value(oid.tag))?;
        Ok(Self { transaction_id, notification, smdp_oid, final_result })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.tlv(TRANSACTION_ID, self.transaction_id.as_bytes());
            w.raw(&self.notification.encode());
            w.tlv(Tag::OID, self.smdp_oid.der_contents());
            w.nested(Tag(0xA2), |w| match &self.final_result {
                FinalResult::Success { aid, sima_response } => {
                    w.nested(Tag(0xA0), |w| {
                        w.tlv(Tag(0x4F), aid.as_bytes());
                        w.tlv(Tag::OCTET_STRING, sima_response);
                    });
                }
                FinalResult::Error { bpp_command_id, error_reason, sima_response } => {
                    w.nested(Tag(0xA1), |w| {
                        w.unsigned(Tag(0x80), bpp_command_id.0.into());
                        w.unsigned(Tag(0x81), error_reason.0.into());
                        w.optional(Tag(0x82), sima_response.as_deref());
                    });
                }
            });
        });
        w.finish()
    }
}

/// `ProfileInstallationResult` (`BF37`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileInstallationResult {
    /// What is signed.
    pub data: Raw<ProfileInstallationResultData>,
    /// By SK.EUICC.
    pub euicc_sign_pir: Signature,
}

impl ProfileInstallationResult {
    /// Its tag.
    pub const TAG: Tag = Tag(0xBF37);
}

impl DataObject for ProfileInstallationResult {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Self::TAG)?.fields();
        Ok(Self {
            data: Raw::decode(fields.required(ProfileInstallationResultData::TAG)?.raw)?,
            euicc_sign_pir: Signature::required(&mut fields)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Self::TAG, |w| {
            w.raw(self.data.bytes());
            self.euicc_sign_pir.write(w);
        });
        w.finish()
    }
}

/// `OtherSignedNotification` (`30`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherSignedNotification {
    /// What is signed.
    pub tbs: Raw<NotificationMetadata>,
    /// By SK.EUICC.
    pub signature: Signature,
    /// CERT.EUICC.
    pub euicc_certificate: Certificate,
    /// CERT.EUM.
    pub eum_certificate: Certificate,
}

impl DataObject for OtherSignedNotification {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::single_of(bytes, Tag::SEQUENCE)?.fields();
        Ok(Self {
            tbs: Raw::decode(fields.required(NotificationMetadata::TAG)?.raw)?,
            signature: Signature::required(&mut fields)?,
            euicc_certificate: Certificate::required(&mut fields)?,
            eum_certificate: Certificate::required(&mut fields)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(Tag::SEQUENCE, |w| {
            w.raw(self.tbs.bytes());
            self.signature.write(w);
            w.raw(self.euicc_certificate.der());
            w.raw(self.eum_certificate.der());
        });
        w.finish()
    }
}

/// A notification that waits to be delivered (`PendingNotification`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingNotification {
    /// The end of a download.
    ProfileInstallationResult(ProfileInstallationResult),
    /// Anything else.
    Other(OtherSignedNotification),
}

impl PendingNotification {
    /// Its head.
    #[must_use]
    pub fn metadata(&self) -> &NotificationMetadata {
        match self {
            Self::ProfileInstallationResult(result) => &result.data.notification,
            Self::Other(other) => &other.tbs,
        }
    }
}

impl DataObject for PendingNotification {
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Tlv::single(bytes)?.tag {
            ProfileInstallationResult::TAG => {
                ProfileInstallationResult::decode(bytes).map(Self::ProfileInstallationResult)
            }
            _ => OtherSignedNotification::decode(bytes).map(Self::Other),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::ProfileInstallationResult(result) => result.encode(),
            Self::Other(other) => other.encode(),
        }
    }
}

/// Tag of ES10b.ListNotification.
pub const LIST_NOTIFICATION: Tag = Tag(0xBF28);
/// Tag of ES10b.RetrieveNotificationsList.
pub const RETRIEVE_NOTIFICATIONS_LIST: Tag = Tag(0xBF2B);
/// Tag of ES10b.RemoveNotificationFromList.
pub const NOTIFICATION_SENT: Tag = Tag(0xBF30);

/// Which notifications are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationFilter {
    /// The one with this number.
    SeqNumber(u32),
    /// All of these events.
    Events(NotificationEvents),
}

impl NotificationFilter {
    fn read(fields: &mut Fields<'_>) -> Result<Option<Self>, Error> {
        if let Some(tlv) = fields.optional(Tag(0x80))? {
            return Ok(Some(Self::SeqNumber(tlv.unsigned()?)));
        }
        let events = fields.optional(Tag(0x81))?;
        events.map(|tlv| NotificationEvents::read(&tlv).map(Self::Events)).transpose()
    }
}

/// ES10b.ListNotification, request.
#[must_use]
pub fn encode_list_request(events: Option<NotificationEvents>) -> Vec<u8> {
    let mut w = Writer::new();
    w.nested(LIST_NOTIFICATION, |w| {
        if let Some(events) = events {
            events.write(w, Tag(0x81));
        }
    });
    w.finish()
}

/// Reads the request of ES10b.ListNotification.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_list_request(bytes: &[u8]) -> Result<Option<NotificationEvents>, Error> {
    let events = Tlv::single_of(bytes, LIST_NOTIFICATION)?.fields().optional(Tag(0x81))?;
    events.map(|tlv| NotificationEvents::read(&tlv)).transpose()
}

/// ES10b.ListNotification, response.
#[must_use]
pub fn encode_list_response(list: &[NotificationMetadata]) -> Vec<u8> {
    list_of(LIST_NOTIFICATION, list.iter().map(DataObject::encode))
}

/// Reads the response of ES10b.ListNotification; `Err` inside: its error code.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_list_response(bytes: &[u8]) -> Result<Result<Vec<NotificationMetadata>, u8>, Error> {
    read_list(bytes, LIST_NOTIFICATION, NotificationMetadata::decode)
}

/// ES10b.RetrieveNotificationsList, request.
#[must_use]
pub fn encode_retrieve_request(filter: Option<NotificationFilter>) -> Vec<u8> {
    let mut w = Writer::new();
    w.nested(RETRIEVE_NOTIFICATIONS_LIST, |w| {
        if let Some(filter) = filter {
            w.nested(Tag(0xA0), |w| match filter {
                NotificationFilter::SeqNumber(number) => drop(w.unsigned(Tag(0x80), number)),
                NotificationFilter::Events(events) => events.write(w, Tag(0x81)),
            });
        }
    });
    w.finish()
}

/// Reads the request of ES10b.RetrieveNotificationsList.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_retrieve_request(bytes: &[u8]) -> Result<Option<NotificationFilter>, Error> {
    let criteria = Tlv::single_of(bytes, RETRIEVE_NOTIFICATIONS_LIST)?.fields().optional(Tag(0xA0))?;
    criteria.map_or(Ok(None), |tlv| NotificationFilter::read(&mut tlv.fields()))
}

/// ES10b.RetrieveNotificationsList, response, from encoded notifications.
pub fn encode_retrieve_response(list: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    list_of(RETRIEVE_NOTIFICATIONS_LIST, list)
}

/// Reads the response of ES10b.RetrieveNotificationsList; `Err` inside: its error code.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_retrieve_response(bytes: &[u8]) -> Result<Result<Vec<Raw<PendingNotification>>, u8>, Error> {
    read_list(bytes, RETRIEVE_NOTIFICATIONS_LIST, Raw::decode)
}

/// The error form of a list response.
#[must_use]
pub fn encode_list_error(tag: Tag, code: u8) -> Vec<u8> {
    let mut w = Writer::new();
    w.nested(tag, |w| {
        w.unsigned(Tag(0x81), code.into());
    });
    w.finish()
}

/// ES10b.RemoveNotificationFromList, request.
#[must_use]
pub fn encode_notification_sent(seq_number: u32) -> Vec<u8> {
    let mut w = Writer::new();
    w.nested(NOTIFICATION_SENT, |w| {
        w.unsigned(Tag(0x80), seq_number);
    });
    w.finish()
}

/// Reads the request of ES10b.RemoveNotificationFromList.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_notification_sent(bytes: &[u8]) -> Result<u32, Error> {
    Tlv::single_of(bytes, NOTIFICATION_SENT)?.fields().required(Tag(0x80))?.unsigned()
}

fn list_of(tag: Tag, items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut w = Writer::new();
    w.nested(tag, |w| {
        w.nested(Tag(0xA0), |w| {
            for item in items {
                w.raw(&item);
            }
        });
    });
    w.finish()
}

fn read_list<T>(
    bytes: &[u8],
    tag: Tag,
    read: impl Fn(&[u8]) -> Result<T, Error>,
) -> Result<Result<Vec<T>, u8>, Error> {
    let tlv = Tlv::single_of(bytes, tag)?.reader().next()?.ok_or(Error::Missing(Tag(0xA0)))?;
    match tlv.tag {
        Tag(0xA0) => {
            let mut list = Vec::new();
            let mut reader = tlv.reader();
            while let Some(item) = reader.next()? {
                list.push(read(item.raw)?);
            }
            Ok(Ok(list))
        }
        Tag(0x81) => code(&tlv).map(Err),
        found => Err(Error::Unexpected { expected: Tag(0xA0), found }),
    }
}
