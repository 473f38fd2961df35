//! The end of a session that its server has not heard of: the chip's signed word, kept until
//! it has arrived.

use core::fmt;

use rsp::cancel::CancelSessionResponse;
use rsp::codes::CancelSessionReason;
use rsp::es9::{self, Base64, Es9Function};
use rsp::ids::MatchingId;
use rsp::status::{StatusCode, StatusCodeData};
use rsp::{DataObject, TransactionId};
use sha2::{Digest, Sha256};
use tlv::{Error, Tag, Tlv, Writer};

use crate::checkpoint::Order;
use crate::failure::{Cause, Failure, Stage};
use crate::machine::{Io, Procedure, Step};
use crate::procedure::Outcome;
use crate::server::{self, Server};

/// The newest version that is written and read.
const VERSION: u32 = 1;

/// The longest encoding that is read: the most cancellations, and room to spare.
const MAX_LEN: usize = 64 << 10;

/// `{ version, { address, order, tries, response }* }`
const LIST: Tag = Tag(0xE3);
const VERSION_TAG: Tag = Tag(0x80);
const CANCELLATION: Tag = Tag(0xA1);
const ADDRESS: Tag = Tag(0x80);
const ORDER: Tag = Tag(0x81);
const TRIES: Tag = Tag(0x82);
const RESPONSE: Tag = Tag(0xBF41);

/// A session that the chip has cancelled in its own, signed words (ES10b.CancelSession).
/// The server has to hear of it (ES9+.CancelSession): only then is an order that the
/// person has refused closed.
#[derive(Clone, PartialEq, Eq)]
pub struct Cancellation {
    address: String,
    /// Names the order without telling its activation code.
    order: [u8; 32],
    transaction_id: TransactionId,
    reason: CancelSessionReason,
    /// How often it was sent, whatever became of it.
    tries: u8,
    /// What the chip signed, as it came.
    response: Vec<u8>,
}

impl Cancellation {
    /// So often it is sent. A server forgets its sessions after some minutes and then says
    /// so, which ends it; one that never answers is given up.
    pub const MOST_TRIES: u8 = 10;

    /// Of the chip's answer; `None` unless it is signed and of this session.
    pub(crate) fn of(order: &Order, id: &TransactionId, response: Vec<u8>) -> Option<Self> {
        let (transaction_id, reason) = signed(&response).ok()?;
        let address = order.address.clone();
        let order = order_of(&address, order.matching_id.as_ref().map_or("", MatchingId::as_str));
        (transaction_id == *id).then_some(Self { address, order, transaction_id, reason, tries: 0, response })
    }

    /// The session.
    #[must_use]
    pub const fn transaction_id(&self) -> &TransactionId {
        &self.transaction_id
    }

    /// Why it was given up.
    #[must_use]
    pub const fn reason(&self) -> CancelSessionReason {
        self.reason
    }

    /// The SM-DP+ that has to hear of it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether it is of the order that a code or an event names; without a matching id, of
    /// the one that a default SM-DP+ has for the chip.
    #[must_use]
    pub fn is_for(&self, address: &str, matching_id: Option<&MatchingId>) -> bool {
        self.order == order_of(address, matching_id.map_or("", MatchingId::as_str))
    }

    fn decode(tlv: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = tlv.fields();
        let address = fields.required(ADDRESS)?.text()?.to_owned();
        if !rsp::activation_code::is_address(&address) {
            return Err(Error::Value(ADDRESS));
        }
        let order = fields.required(ORDER)?.array()?;
        let tries = fields.required(TRIES)?.unsigned()?;
        let tries = u8::try_from(tries).map_err(|_| Error::Value(TRIES))?;
        let response = fields.required(RESPONSE)?.raw.to_vec();
        let (transaction_id, reason) = signed(&response)?;
        Ok(Self { address, order, transaction_id, reason, tries, response })
    }

    fn write(&self, w: &mut Writer) {
        w.nested(CANCELLATION, |w| {
            w.tlv(ADDRESS, self.address.as_bytes());
            w.tlv(ORDER, &self.order);
            w.unsigned(TRIES, self.tries.into());
            w.raw(&self.response);
        });
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation")
            .field("address", &self.address)
            .field("transaction_id", &self.transaction_id)
            .field("reason", &self.reason)
            .field("tries", &self.tries)
            .finish_non_exhaustive()
    }
}

/// The cancellations that a host keeps, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancellations(Vec<Cancellation>);

impl Cancellations {
    /// As many are kept: of one more the oldest goes, whose session is over the soonest.
    pub const MOST: usize = 8;

    /// Keeps one, in the place of an earlier one of the same session.
    pub fn keep(&mut self, cancellation: Cancellation) {
        match self.0.iter_mut().find(|kept| kept.transaction_id == cancellation.transaction_id) {
            Some(kept) => *kept = cancellation,
            None => {
                if self.0.len() >= Self::MOST {
                    self.0.remove(0);
                }
                self.0.push(cancellation);
            }
        }
    }

    /// Lets the one of a session go.
    pub fn forget(&mut self, id: &TransactionId) {
        self.0.retain(|kept| kept.transaction_id != *id);
    }

    /// Lets those of an order go: the person has begun with it anew, and the later word counts.
    pub fn forget_order(&mut self, address: &str, matching_id: Option<&MatchingId>) {
        self.0.retain(|kept| !kept.is_for(address, matching_id));
    }

    /// What is kept.
    pub fn iter(&self) -> impl Iterator<Item = &Cancellation> {
        self.0.iter()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As bytes, to be kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.nested(LIST, |w| {
            w.unsigned(VERSION_TAG, VERSION);
            for cancellation in &self.0 {
                cancellation.write(w);
            }
        });
        w.finish()
    }

    /// Reads what was kept. The server checks what the chip has signed.
    ///
    /// # Errors
    /// Anything that [`Self::encode`] has not written, or a later version has.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_LEN {
            return Err(Error::Length);
        }
        let list = Tlv::single_of(bytes, LIST)?;
        let mut reader = list.reader();
        if reader.expect(VERSION_TAG)?.unsigned()? != VERSION {
            return Err(Error::Value(VERSION_TAG));
        }
        let mut kept = Self::default();
        while !reader.is_empty() {
            kept.keep(Cancellation::decode(&reader.expect(CANCELLATION)?)?);
        }
        Ok(kept)
    }
}

/// Sends a cancellation again (ES9+.CancelSession); no chip is needed for it. Ends with
/// [`Outcome::Cancelled`] when the server knows, or knows nothing of the session any more.
/// After a failure it stays kept for the next time, unless nothing more can come of it.
#[must_use]
pub fn send_cancellation(cancellation: Cancellation) -> Procedure {
    Procedure::new(move |io| async move {
        let reason = cancellation.reason;
        io.progress(Step::Cancel(reason), false).await;
        tell(&io, cancellation).await.map(|()| Outcome::Cancelled(reason))
    })
}

/// Tells the server. It is kept first, so that an end of the program in between loses
/// nothing, and with this try counted.
pub(crate) async fn tell(io: &Io, mut cancellation: Cancellation) -> Result<(), Failure> {
    cancellation.tries = cancellation.tries.saturating_add(1);
    io.keep_cancellation(cancellation.clone()).await;
    let Cancellation { address, transaction_id, tries, response, .. } = cancellation;
    let request = es9::CancelSessionRequest {
        transaction_id: transaction_id.to_string(),
        cancel_session_response: Base64(response),
    };
    let function = Es9Function::CancelSession;
    let answer: Result<es9::HeaderOnly, Failure> =
        server::call(io, Stage::Cancel, Server::smdp(&address), function, &request).await;
    let told = match answer {
        Ok(_) => Ok(()),
        // The answer before was lost, or the session has run out: either way it is over.
        Err(Failure { cause: Cause::ServerRefused(data), .. }) if is_over(&data) => Ok(()),
        Err(failure) => Err(failure),
    };
    let settled = match &told {
        Ok(()) => true,
        Err(Failure { cause: Cause::ServerRefused(data), .. }) => !is_passing(data),
        Err(_) => false,
    };
    if settled || tries >= Cancellation::MOST_TRIES {
        io.forget_cancellation(&transaction_id).await;
    }
    told
}

/// Whether the server has no such session.
fn is_over(data: &StatusCodeData) -> bool {
    StatusCode::find(&data.subject_code, &data.reason_code) == Some(StatusCode::TRANSACTION_ID_UNKNOWN)
}

/// Whether a server may say something else the next time: execution error, inaccessible
/// (SGP.22 §5.2.6.2).
fn is_passing(data: &StatusCodeData) -> bool {
    ["4.2", "5.1"].contains(&data.reason_code.as_str())
}

fn order_of(address: &str, matching_id: &str) -> [u8; 32] {
    let address = address.to_ascii_lowercase();
    Sha256::new().chain_update(address).chain_update([0]).chain_update(matching_id).finalize().into()
}

/// Session and reason that a chip has signed.
fn signed(response: &[u8]) -> Result<(TransactionId, CancelSessionReason), Error> {
    match CancelSessionResponse::decode(response)? {
        CancelSessionResponse::Ok { signed, .. } => Ok((signed.transaction_id.clone(), signed.reason)),
        CancelSessionResponse::Error(_) => Err(Error::Value(RESPONSE)),
    }
}
