//! The end of a session that its server has not heard of: the chip's signed word, kept until
//! it has arrived; or, where the card was gone before it could sign, what it is to sign when it
//! is back.
//!
//! An SM-DP+ believes nobody but the chip (`euiccCancelSessionSigned`, SGP.22 §3.0.2, §5.6.5), and
//! a chip that has lost its power has lost the session too. So when the card is back it is asked
//! for its word of the old session, and if it knows that no more, of a new one for the same order:
//! that session is opened only to be cancelled. This is done for the reasons that end an order;
//! after the others a server that hears nothing has the order as it should be.

use core::fmt;

use rsp::auth::DeviceInfo;
use rsp::cancel::{CancelSessionRequest, CancelSessionResponse};
use rsp::codes::CancelSessionReason;
use rsp::es9::{self, Base64, Es9Function};
use rsp::ids::{Iccid, MatchingId, Oid};
use rsp::status::{StatusCode, StatusCodeData};
use rsp::{DataObject, Eid, TransactionId};
use sha2::{Digest, Sha256};
use tlv::{Error, Tag, Tlv, Writer};

use crate::card::{IsdR, Options};
use crate::checkpoint::{Checkpoint, Order};
use crate::failure::{Cause, Failure, Stage};
use crate::machine::{Io, Procedure, Step};
use crate::procedure::Outcome;
use crate::procedure::download::Download;
use crate::procedure::information::{read_eid, with_isd_r};
use crate::server::{self, Server};

/// The newest version that is read, and the one that is written. The first knew neither
/// [`WANTED`] nor [`SINCE`].
const VERSION: u32 = 2;

/// The longest encoding that is read: the most cancellations, and room to spare.
const MAX_LEN: usize = 64 << 10;

/// `{ version, ({ address, order, tries, since?, response }
/// | { address, matching id?, OID?, ICCID, chip, session, reason, tries, since? })* }`
const LIST: Tag = Tag(0xE3);
const VERSION_TAG: Tag = Tag(0x80);
const SIGNED: Tag = Tag(0xA1);
const WANTED: Tag = Tag(0xA2);
const ADDRESS: Tag = Tag(0x80);
const ORDER: Tag = Tag(0x81);
const TRIES: Tag = Tag(0x82);
const SINCE: Tag = Tag(0x83);
const MATCHING_ID: Tag = Tag(0x84);
const OID: Tag = Tag(0x85);
const ICCID: Tag = Tag(0x86);
const CHIP: Tag = Tag(0x87);
const SESSION: Tag = Tag(0x88);
const REASON: Tag = Tag(0x89);
const RESPONSE: Tag = Tag(0xBF41);

/// The end of a session that its server has to hear of (ES9+.CancelSession): only then is an
/// order that the person has refused closed. Either the chip has cancelled the session in its
/// own, signed words (ES10b.CancelSession), or it was gone and is still to do so.
///
/// One that is still to be signed holds the order's matching id, since the order is asked for
/// again with it: it is to be kept where the user's other things are, and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Cancellation {
    address: String,
    /// Names the order without telling its activation code.
    order: [u8; 32],
    transaction_id: TransactionId,
    reason: CancelSessionReason,
    /// How often it was sent, whatever became of it.
    tries: u8,
    /// When it was kept first, in seconds since 1970 UTC.
    since: Option<u64>,
    word: Word,
}

/// The chip's word.
#[derive(Clone, PartialEq, Eq)]
enum Word {
    /// What the chip signed, as it came.
    Signed(Vec<u8>),
    /// It is still to sign.
    Wanted(Box<Refused>),
}

/// An order that was refused while its chip was gone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// [`Checkpoint::chip_of`].
    pub(crate) chip: [u8; 32],
    pub(crate) order: Order,
    /// A default SM-DP+ may have another profile for the chip by then, which nobody has refused.
    pub(crate) iccid: Iccid,
}

impl Cancellation {
    /// So often it is sent. A server forgets its sessions after some minutes and then says
    /// so, which ends it; one that never answers is given up.
    pub const MOST_TRIES: u8 = 10;

    /// Of the chip's answer; `None` unless it is signed and of this session.
    fn of(order: &Order, id: &TransactionId, response: Vec<u8>) -> Option<Self> {
        let (transaction_id, reason) = signed(&response).ok()?;
        let address = order.address.clone();
        let order = order_of(&address, order.matching_id.as_ref());
        let word = Word::Signed(response);
        (transaction_id == *id).then_some(Self {
            address,
            order,
            transaction_id,
            reason,
            tries: 0,
            since: None,
            word,
        })
    }

    /// Of a session that the chip could not be asked to cancel; `None` where the reason leaves
    /// the order as it is when the server hears nothing.
    pub(crate) fn wanted(
        refused: Refused,
        transaction_id: TransactionId,
        reason: CancelSessionReason,
    ) -> Option<Self> {
        ends_order(reason).then(|| Self {
            address: refused.order.address.clone(),
            order: order_of(&refused.order.address, refused.order.matching_id.as_ref()),
            transaction_id,
            reason,
            tries: 0,
            since: None,
            word: Word::Wanted(Box::new(refused)),
        })
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

    /// When it was kept first, in seconds since 1970 UTC; `None` where that was not noted.
    #[must_use]
    pub const fn since(&self) -> Option<u64> {
        self.since
    }

    /// Whether the server closes the order when it hears of it, and keeps it open when it does not;
    /// otherwise the order is the same either way (SGP.22 §5.6.5).
    #[must_use]
    pub fn ends_order(&self) -> bool {
        ends_order(self.reason)
    }

    /// Whether the chip has to sign it before the server can be told.
    #[must_use]
    pub const fn needs_chip(&self) -> bool {
        matches!(self.word, Word::Wanted(_))
    }

    /// Whether it is this chip that has still to sign it.
    #[must_use]
    pub fn needs(&self, eid: &Eid) -> bool {
        matches!(&self.word, Word::Wanted(refused) if refused.chip == Checkpoint::chip_of(eid))
    }

    /// Whether it is of the order that a code or an event names; without a matching id, of
    /// the one that a default SM-DP+ has for the chip.
    #[must_use]
    pub fn is_for(&self, address: &str, matching_id: Option<&MatchingId>) -> bool {
        self.order == order_of(address, matching_id)
    }

    fn decode(tlv: &Tlv<'_>) -> Result<Self, Error> {
        match tlv.tag {
            SIGNED => Self::decode_signed(tlv),
            WANTED => Self::decode_wanted(tlv),
            _ => Err(Error::Value(tlv.tag)),
        }
    }

    fn decode_signed(tlv: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = tlv.fields();
        let address = address(&fields.required(ADDRESS)?)?;
        let order = fields.required(ORDER)?.array()?;
        let tries = tries(&fields.required(TRIES)?)?;
        let since = fields.optional(SINCE)?.map(|tlv| seconds(&tlv)).transpose()?;
        let response = fields.required(RESPONSE)?.raw.to_vec();
        let (transaction_id, reason) = signed(&response)?;
        Ok(Self { address, order, transaction_id, reason, tries, since, word: Word::Signed(response) })
    }

    fn decode_wanted(tlv: &Tlv<'_>) -> Result<Self, Error> {
        let mut fields = tlv.fields();
        let address = address(&fields.required(ADDRESS)?)?;
        let matching_id = fields.optional(MATCHING_ID)?;
        let matching_id =
            matching_id.map(|tlv| tlv.text()?.parse().map_err(|_| Error::Value(MATCHING_ID))).transpose()?;
        let oid = fields.optional(OID)?;
        let oid = oid.map(|tlv| Oid::from_der_contents(tlv.value)).transpose();
        let oid = oid.map_err(|_| Error::Value(OID))?;
        let iccid = Iccid::from_bytes(fields.required(ICCID)?.array()?);
        let chip = fields.required(CHIP)?.array()?;
        let session = fields.required(SESSION)?;
        let transaction_id = TransactionId::from_bytes(session.value).map_err(|_| Error::Value(SESSION))?;
        let reason = u8::try_from(fields.required(REASON)?.unsigned()?);
        let reason = CancelSessionReason(reason.map_err(|_| Error::Value(REASON))?);
        let tries = tries(&fields.required(TRIES)?)?;
        let since = fields.optional(SINCE)?.map(|tlv| seconds(&tlv)).transpose()?;
        let refused = Refused { chip, order: Order { address, matching_id, oid }, iccid };
        let wanted = Self::wanted(refused, transaction_id, reason).ok_or(Error::Value(REASON))?;
        Ok(Self { tries, since, ..wanted })
    }

    fn write(&self, w: &mut Writer) {
        let since = self.since.map(u64::to_be_bytes);
        match &self.word {
            Word::Signed(response) => w.nested(SIGNED, |w| {
                w.tlv(ADDRESS, self.address.as_bytes());
                w.tlv(ORDER, &self.order);
                w.unsigned(TRIES, self.tries.into());
                w.optional(SINCE, since.as_ref().map(<[u8; 8]>::as_slice));
                w.raw(response);
            }),
            Word::Wanted(refused) => w.nested(WANTED, |w| {
                let Order { address, matching_id, oid } = &refused.order;
                w.tlv(ADDRESS, address.as_bytes());
                w.optional(MATCHING_ID, matching_id.as_ref().map(|id| id.as_str().as_bytes()));
                w.optional(OID, oid.as_ref().map(Oid::der_contents));
                w.tlv(ICCID, refused.iccid.as_bytes());
                w.tlv(CHIP, &refused.chip);
                w.tlv(SESSION, self.transaction_id.as_bytes());
                w.unsigned(REASON, self.reason.0.into());
                w.unsigned(TRIES, self.tries.into());
                w.optional(SINCE, since.as_ref().map(<[u8; 8]>::as_slice));
            }),
        };
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation")
            .field("address", &self.address)
            .field("transaction_id", &self.transaction_id)
            .field("reason", &self.reason)
            .field("tries", &self.tries)
            .field("needs_chip", &self.needs_chip())
            .finish_non_exhaustive()
    }
}

/// The cancellations that a host keeps, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancellations(Vec<Cancellation>);

impl Cancellations {
    /// As many are kept: of one more the oldest goes, whose session is over the soonest.
    pub const MOST: usize = 8;

    /// Keeps one, in the place of an earlier one of the same session; `now` in seconds since
    /// 1970 UTC is remembered of the first.
    pub fn keep(&mut self, mut cancellation: Cancellation, now: u64) {
        cancellation.since.get_or_insert(now);
        match self.0.iter_mut().find(|kept| kept.transaction_id == cancellation.transaction_id) {
            Some(kept) => {
                cancellation.since = kept.since;
                *kept = cancellation;
            }
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

    /// Lets go what a chip is still to refuse of a profile: the person has said yes to it since,
    /// and it is being fetched ([`crate::Effect::Keep`]).
    pub fn forget_profile(&mut self, iccid: Iccid) {
        self.0.retain(|kept| !matches!(&kept.word, Word::Wanted(refused) if refused.iccid == iccid));
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
        if !(1..=VERSION).contains(&reader.expect(VERSION_TAG)?.unsigned()?) {
            return Err(Error::Value(VERSION_TAG));
        }
        let mut kept = Vec::new();
        while let Some(item) = reader.next()? {
            if kept.len() >= Self::MOST {
                return Err(Error::Length);
            }
            kept.push(Cancellation::decode(&item)?);
        }
        Ok(Self(kept))
    }
}

/// Sends a cancellation again (ES9+.CancelSession). Ends with [`Outcome::Cancelled`] when the
/// server knows, or knows nothing of the session any more. After a failure it stays kept for
/// the next time, unless nothing more can come of it.
///
/// No chip is needed for one that is signed; for one that is not ([`Cancellation::needs_chip`])
/// it must be the chip that the session was with, and nobody is asked anything.
#[must_use]
pub fn send_cancellation(cancellation: Cancellation, device: DeviceInfo, options: Options) -> Procedure {
    Procedure::new(move |io| async move {
        let reason = cancellation.reason;
        io.progress(Step::Cancel(reason), false).await;
        let told = match cancellation.word.clone() {
            Word::Signed(_) => tell(&io, cancellation).await,
            Word::Wanted(refused) => {
                with_isd_r(&io, &options, async |isd_r| {
                    catch_up(&io, isd_r, cancellation, &refused, &device).await
                })
                .await
            }
        };
        told.map(|()| Outcome::Cancelled(reason))
    })
}

/// Has the chip sign what it could not, and tells the server. What is kept stays what the chip
/// is to sign until the server knows: whatever is lost on the way, a new session can begin it anew.
async fn catch_up(
    io: &Io,
    isd_r: &IsdR<'_>,
    mut wanted: Cancellation,
    refused: &Refused,
    device: &DeviceInfo,
) -> Result<(), Failure> {
    if refused.chip != Checkpoint::chip_of(&read_eid(isd_r).await?) {
        return Err(Failure::new(Stage::Cancel, Cause::OtherChip));
    }
    wanted.tries = wanted.tries.saturating_add(1);
    io.keep_cancellation(wanted.clone()).await;
    let Cancellation { transaction_id: id, tries, reason, .. } = wanted;
    let told = match sign(isd_r, &refused.order, &id, reason).await {
        Ok(signed) => send(io, &signed).await,
        Err(lost) if lost.is_card_lost() => Err(lost),
        // Reset since, or it has signed and nobody has heard.
        Err(_) => Ok(Told::NoSession),
    };
    let told = match told {
        Ok(Told::NoSession) => refuse_anew(io, isd_r, reason, refused, device).await,
        told => told.map(drop),
    };
    settle(io, &id, tries, &told).await;
    told
}

/// Opens a session for the order that was refused, and cancels it. A server that has no such
/// order for the chip any more has nothing to be told.
async fn refuse_anew(
    io: &Io,
    isd_r: &IsdR<'_>,
    reason: CancelSessionReason,
    refused: &Refused,
    device: &DeviceInfo,
) -> Result<(), Failure> {
    let download = Download { io, order: &refused.order, device };
    let (id, iccid) = match download.offered(isd_r).await {
        Ok(offered) => offered,
        Err(Failure { stage: Stage::AuthenticateClient, cause: Cause::ServerRefused(data) })
            if !is_passing(&data) =>
        {
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };
    let reason = if iccid == refused.iccid { reason } else { CancelSessionReason::POSTPONED };
    let signed = sign(isd_r, &refused.order, &id, reason).await?;
    send(io, &signed).await.map(drop)
}

/// Has the chip cancel a session, in signed words.
pub(crate) async fn sign(
    isd_r: &IsdR<'_>,
    order: &Order,
    id: &TransactionId,
    reason: CancelSessionReason,
) -> Result<Cancellation, Failure> {
    let stage = Stage::Cancel;
    let request = CancelSessionRequest { transaction_id: id.clone(), reason }.encode();
    let answer = isd_r.call(stage, &request).await?;
    let signed = Cancellation::of(order, id, answer.data);
    signed.ok_or_else(|| Failure::new(stage, Cause::CardData(Error::Value(RESPONSE))))
}

/// Tells the server. It is kept first, so that an end of the program in between loses
/// nothing, and with this try counted.
pub(crate) async fn tell(io: &Io, mut signed: Cancellation) -> Result<(), Failure> {
    signed.tries = signed.tries.saturating_add(1);
    io.keep_cancellation(signed.clone()).await;
    // Without its session the server has heard it before, or the session has run out: either way
    // it is over.
    let told = send(io, &signed).await.map(drop);
    settle(io, &signed.transaction_id, signed.tries, &told).await;
    told
}

/// What a server says to a cancellation.
enum Told {
    /// It has closed the session.
    Heard,
    /// It has no such session.
    NoSession,
}

async fn send(io: &Io, signed: &Cancellation) -> Result<Told, Failure> {
    let Word::Signed(response) = &signed.word else { return Err(Failure::misuse()) };
    let request = es9::CancelSessionRequest {
        transaction_id: signed.transaction_id.to_string(),
        cancel_session_response: Base64(response.clone()),
    };
    let function = Es9Function::CancelSession;
    let answer: Result<es9::HeaderOnly, Failure> =
        server::call(io, Stage::Cancel, Server::smdp(&signed.address), function, &request).await;
    match answer {
        Ok(_) => Ok(Told::Heard),
        Err(Failure { cause: Cause::ServerRefused(data), .. }) if is_over(&data) => Ok(Told::NoSession),
        Err(failure) => Err(failure),
    }
}

/// Lets a cancellation go that is told, or of which nothing more can come.
async fn settle(io: &Io, id: &TransactionId, tries: u8, told: &Result<(), Failure>) {
    let is_settled = match told {
        Ok(()) => true,
        Err(Failure { cause: Cause::ServerRefused(data), .. }) => !is_passing(data),
        Err(_) => false,
    };
    if is_settled || tries >= Cancellation::MOST_TRIES {
        io.forget_cancellation(id).await;
    }
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

/// Whether a server that hears of it closes the order; of the other reasons it keeps the order as
/// it was, and so it does when it hears of none (SGP.22 §3.1.3, §5.6.5).
fn ends_order(reason: CancelSessionReason) -> bool {
    [
        CancelSessionReason::END_USER_REJECTION,
        CancelSessionReason::PPR_NOT_ALLOWED,
        CancelSessionReason::METADATA_MISMATCH,
    ]
    .contains(&reason)
}

fn order_of(address: &str, matching_id: Option<&MatchingId>) -> [u8; 32] {
    let address = address.to_ascii_lowercase();
    let matching_id = matching_id.map_or("", MatchingId::as_str);
    Sha256::new().chain_update(address).chain_update([0]).chain_update(matching_id).finalize().into()
}

fn address(tlv: &Tlv<'_>) -> Result<String, Error> {
    let address = tlv.text()?.to_owned();
    rsp::activation_code::is_address(&address).then_some(address).ok_or(Error::Value(tlv.tag))
}

fn tries(tlv: &Tlv<'_>) -> Result<u8, Error> {
    u8::try_from(tlv.unsigned()?).map_err(|_| Error::Value(tlv.tag))
}

fn seconds(tlv: &Tlv<'_>) -> Result<u64, Error> {
    tlv.array().map(u64::from_be_bytes)
}

/// Session and reason that a chip has signed.
fn signed(response: &[u8]) -> Result<(TransactionId, CancelSessionReason), Error> {
    match CancelSessionResponse::decode(response)? {
        CancelSessionResponse::Ok { signed, .. } => Ok((signed.transaction_id.clone(), signed.reason)),
        CancelSessionResponse::Error(_) => Err(Error::Value(RESPONSE)),
    }
}
