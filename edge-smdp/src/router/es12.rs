//! ES12: events at an SM-DS, by which an eUICC finds its order (SGP.22 §3.6, §5.8).
//!
//! An event is registered before the order is confirmed, for an order that nobody finds
//! is of no use. Before that, the message that deletes it is put into the outbox, to be
//! sent some time later: when it is due and the order has the event, it is dropped. So
//! no event is left behind, whatever happens in between.

use rsp::es12::{DeleteEventRequest, RegisterEventRequest};
use rsp::status::{RequestHeader, StatusCode};
use rsp::{Eid, Iccid, MatchingId};
use rsp_crypto::Provider;
use serde::Serialize;

use super::SmDp;
use crate::config::url_of;
use crate::environment::random;
use crate::error::{Fault, Refusal, Trouble};
use crate::outbox::{self, Message, Reply};
use crate::seal::Cipher;
use crate::store::Store;
use crate::{Chance, Clock, Courier, Letter};

/// After which time an event without an order is deleted, in seconds: longer than a
/// call can take.
const AFTERWARDS: u64 = 600;

/// What the SM-DS says of our events, and what is told to the operator.
const REFUSALS: [StatusCode; 6] = [
    StatusCode::SMDS_EVENT_IN_USE,
    StatusCode::SMDS_ADDRESS_REFUSED,
    StatusCode::SMDS_CI_KEYS_UNSUPPORTED,
    StatusCode::SMDS_SVN_UNSUPPORTED,
    StatusCode::SMDS_NO_CERTIFICATE_FOR_CI,
    StatusCode::SMDS_INACCESSIBLE,
];

/// An event at an SM-DS.
pub(super) struct SmdsEvent<'a> {
    pub(super) smds_address: &'a str,
    pub(super) eid: Eid,
    pub(super) event_id: &'a MatchingId,
}

impl<P: Provider + Cipher, S: Store, C: Clock, R: Chance, O: Courier> SmDp<P, S, C, R, O> {
    /// The SM-DS of an order; the empty address is that of the root SM-DS.
    pub(super) fn smds_address(&self, asked: Option<&str>) -> Result<Option<String>, Refusal> {
        let refused = StatusCode::SMDS_ADDRESS_REFUSED;
        match asked {
            None => Ok(None),
            Some("") => match &self.server.smds_root {
                Some(root) => Ok(Some(root.clone())),
                None => Err(Refusal::new(StatusCode::SMDS_INACCESSIBLE, "no root SM-DS is configured")),
            },
            Some(address) if rsp::activation_code::is_address(address) => Ok(Some(address.to_owned())),
            Some(_) => Err(Refusal::new(refused, "host[:port] is expected")),
        }
    }

    /// ES12.RegisterEvent. When the SM-DS has an event of that name of ours already, it
    /// is one that was left over: it is deleted first.
    pub(super) async fn register(
        &self,
        iccid: &Iccid,
        event: &SmdsEvent<'_>,
        now: u64,
    ) -> Result<(), Trouble> {
        self.delete_later(iccid, event, now, now + AFTERWARDS).await?;
        let mut reply = self.register_once(event).await?;
        if reply.is(StatusCode::SMDS_EVENT_IN_USE)
            && self
                .call_smds(event, "deleteEvent", |header| DeleteEventRequest {
                    header,
                    eid: event.eid.to_string(),
                    event_id: event.event_id.as_str().to_owned(),
                })
                .await?
                == Reply::Done
        {
            reply = self.register_once(event).await?;
        }
        match reply {
            Reply::Done => Ok(()),
            Reply::Later(because) if because.starts_with("8.9/4.2") => {
                Err(Refusal::new(StatusCode::SMDS_EXECUTION_ERROR, because).into())
            }
            Reply::Later(because) | Reply::NotAsked(because) => {
                Err(Refusal::new(StatusCode::SMDS_INACCESSIBLE, because).into())
            }
            Reply::Refused(subject, reason, because) => {
                let same = |code: &&StatusCode| code.subject == subject && code.reason == reason;
                let code = REFUSALS.iter().find(same).unwrap_or(&StatusCode::SMDS_EXECUTION_ERROR);
                Err(Refusal::new(*code, because).into())
            }
        }
    }

    async fn register_once(&self, event: &SmdsEvent<'_>) -> Result<Reply, Trouble> {
        self.call_smds(event, "registerEvent", |header| RegisterEventRequest {
            header,
            eid: event.eid.to_string(),
            rsp_server_address: self.server.address().to_owned(),
            event_id: event.event_id.as_str().to_owned(),
            forwarding_indicator: self.server.smds_root.as_deref().is_some_and(|r| r != event.smds_address),
        })
        .await
    }

    async fn call_smds<T: Serialize>(
        &self,
        event: &SmdsEvent<'_>,
        function: &str,
        request: impl FnOnce(RequestHeader) -> T,
    ) -> Result<Reply, Trouble> {
        let header = RequestHeader {
            function_requester_identifier: self.server.oid.to_string(),
            function_call_identifier: hex::encode_upper(random::<16>(&self.chance)?),
        };
        let json = serde_json::to_string(&request(header));
        let json = json.map_err(|error| Fault::new(format!("JSON: {error}")))?;
        let url = url_of(event.smds_address, &format!("{}{function}", rsp::es12::PATH));
        Ok(outbox::reply(self.courier.post(&Letter { url: &url, token: None, json: &json }).await, true))
    }

    /// Puts the message that deletes an event into the outbox.
    pub(super) async fn delete_later(
        &self,
        iccid: &Iccid,
        event: &SmdsEvent<'_>,
        now: u64,
        not_before: u64,
    ) -> Result<(), Trouble> {
        let message = Message::DeleteEvent {
            at: now,
            not_before,
            smds_address: event.smds_address.to_owned(),
            eid: event.eid,
            event_id: event.event_id.clone(),
        };
        let kept = self.change(iccid, async |change| {
            change.profile.pending.messages.push(message.clone());
            Ok(())
        });
        kept.await.map(drop)
    }
}
