//! A profile and its order: the record that a store keeps, and the state machine
//! (SGP.22 §3.1.6).
//!
//! ```text
//!  Available ─DownloadOrder─► Allocated, with EID: Linked ─ConfirmOrder─► Confirmed
//!  Confirmed ─ReleaseProfile─► Released ─GetBoundProfilePackage─► Downloaded
//!  Downloaded ─ProfileInstallationResult─► Installed ─delete notification─► Deleted
//!  Downloaded ─temporary error, session cancelled─► Released
//!  Released, Downloaded ─fatal result, limits, rejection─► Error
//!  before Installed ─CancelOrder─► Available or Unavailable
//! ```
//!
//! Nothing here knows a clock or a store: every function changes the record it is
//! given or says why not.

use std::collections::BTreeMap;

use rsp::es9::Base64;
use rsp::metadata::NotificationEvents;
use rsp::status::{FunctionExecutionStatus, StatusCode};
use rsp::{CiPkId, Eid, Iccid, Imsi, MatchingId, TransactionId, Version};
use rsp_crypto::{Curve, PublicKey};
use serde::de::{Error as _, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Malformed;
use crate::outbox::Message;
use crate::wire::text;

mod calls;
mod deliveries;

pub use calls::FunctionCall;
pub(crate) use deliveries::MAX_DELIVERED;
pub use deliveries::{Deliveries, Delivery, Withdrawn};

/// How many entries of a time line are kept; the first ones stay.
const MAX_EVENTS: usize = 200;
/// How many notifications are kept per profile; those with the lowest numbers go first.
const MAX_NOTIFICATIONS: usize = 64;
/// Of how many eUICCs it is kept what is not kept of their notifications.
const MAX_FORGOTTEN: usize = 4;
/// How long the end of an order is told to whom comes with its matching id, in seconds.
const TELLS_END: u64 = 7 * 24 * 3600;

/// Where a profile stands (SGP.22 §3.1.6, table 6b).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProfileState {
    /// Not ordered.
    Available,
    /// Ordered, without a matching id yet.
    Allocated,
    /// As Allocated, for one eUICC.
    Linked,
    /// Has its matching id and perhaps a confirmation code.
    Confirmed,
    /// May be downloaded.
    Released,
    /// A bound package was handed out.
    Downloaded,
    /// The eUICC has it.
    Installed,
    /// The eUICC had it.
    Deleted,
    /// The download ended for good.
    Error,
    /// Taken out of use.
    Unavailable,
}

/// One ICCID: metadata, order, history. The package is stored beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// As in the package.
    #[serde(with = "text")]
    pub iccid: Iccid,
    /// Under which it can be ordered without naming the ICCID.
    pub profile_type: Option<String>,
    /// `StoreMetadata`, `BF25`.
    pub metadata: Base64,
    /// What eligibility is decided by.
    pub package: PackageFacts,
    /// What more eligibility is decided by.
    #[serde(default, skip_serializing_if = "Requirements::is_empty")]
    pub requirements: Requirements,
    /// Whom the network is told of when it is ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscription>,
    /// Where it stands.
    pub state: ProfileState,
    /// Who is to have it.
    pub order: Option<Order>,
    /// Who may have it all the same, although it was taken out of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawn>,
    /// What happened, oldest first.
    pub events: Vec<Event>,
    /// What eUICCs reported, oldest first.
    pub notifications: Vec<Notification>,
    /// What is not among them any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<Forgotten>,
    /// The latest calls of ES2+ that changed it.
    pub calls: Vec<FunctionCall>,
    /// Earlier calls, the oldest first, each by the begin of the SHA-256 of its identifier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_calls: Vec<Base64>,
    /// What the store takes over with the next change and the record does not keep.
    #[serde(skip)]
    pub pending: Pending,
}

/// What a change leaves beside the record: the store keeps it in the same step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// For the journal of all profiles.
    pub journal: Vec<Event>,
    /// To be sent once the change has happened.
    pub messages: Vec<Message>,
}

/// What device and eUICC must have to be eligible, as the operator wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Requirements {
    /// Type allocation codes or their first digits; any if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tacs: Vec<String>,
    /// Least 3GPP release by capability ([`Requirements::CAPABILITIES`]).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub device_capabilities: BTreeMap<String, u8>,
    /// Least version of SGP.22.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub least_svn: Option<Version>,
    /// Least version of the profile package format.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub least_profile_version: Option<Version>,
}

impl Requirements {
    /// The names of device capabilities, in the order of `DeviceCapabilities`
    /// (SGP.22 §4.2).
    pub const CAPABILITIES: [&str; 11] = [
        "gsm",
        "utran",
        "cdma2000onex",
        "cdma2000hrpd",
        "cdma2000ehrpd",
        "eutran",
        "contactless",
        "rspCrl",
        "nrEpc",
        "nr5gc",
        "eutran5gc",
    ];
    /// How many type allocation codes there can be.
    pub const MAX_TACS: usize = 1000;

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether they can be asked for.
    ///
    /// # Errors
    /// Names what is wrong.
    pub fn check(&self) -> Result<(), Malformed> {
        let is_tac = |tac: &String| (2..=8).contains(&tac.len()) && tac.bytes().all(|c| c.is_ascii_digit());
        if self.tacs.len() > Self::MAX_TACS || !self.tacs.iter().all(is_tac) {
            return Err(Malformed::new("requirements.tacs", "2 to 8 digits each, at most 1,000"));
        }
        let known = |name: &String| Self::CAPABILITIES.contains(&name.as_str());
        match self.device_capabilities.keys().find(|name| !known(name)) {
            Some(name) => Err(Malformed::new("requirements.deviceCapabilities", format!("{name:?}"))),
            None => Ok(()),
        }
    }
}

/// What the server looks at in a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFacts {
    /// Bytes.
    pub length: u32,
    /// Version of the package format.
    pub major: u8,
    /// Version of the package format.
    pub minor: u8,
    /// What the eUICC must be capable of: bits as in `EUICCInfo2.uiccCapability`, bit 0
    /// most significant.
    #[serde(default)]
    pub capabilities: u32,
    /// Bytes of non-volatile memory that it takes once installed at the least, where that
    /// is known: four fifths of what [`saip::issue::required_memory`] estimates, so that no
    /// eUICC is turned away that might have room.
    #[serde(default)]
    pub memory: Option<u32>,
}

impl PackageFacts {
    /// Bytes of non-volatile memory that the eUICC must have free. Where it is not known
    /// what the files take: as many as the package has.
    #[must_use]
    pub const fn needed_memory(&self) -> u32 {
        match self.memory {
            Some(memory) => memory,
            None => self.length,
        }
    }
}

/// The subscriber of a profile, for the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Whose it is.
    #[serde(with = "text")]
    pub imsi: Imsi,
    /// What the network is told, keys and all, sealed. It goes when the network has it and the
    /// profile can't be ordered again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Base64>,
    /// How it stands with the network.
    #[serde(default)]
    pub network: Network,
    /// The name of what the network was told last: what became of an earlier word says nothing
    /// of this one.
    #[serde(default)]
    pub word: u64,
    /// Whether the network had a subscriber of this IMSI before it was told of this one. That one
    /// is not withdrawn.
    #[serde(default)]
    pub found: bool,
}

/// How the subscriber of a profile stands with the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Network {
    /// It is not told of it, or not any more.
    #[default]
    Off,
    /// It is being told.
    Feeding,
    /// It has it.
    Fed,
    /// It refuses it, or does not answer for so long that it was given up.
    Refused,
    /// It is being told that the subscriber is none any more.
    Withdrawing,
}

impl Network {
    /// As the operator sees it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Feeding | Self::Withdrawing => "pending",
            Self::Fed => "fed",
            Self::Refused => "refused",
        }
    }
}

/// A download order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The eUICC: given by the operator, or the first that authenticated itself.
    #[serde(with = "text::option")]
    pub eid: Option<Eid>,
    /// Whether the order is found by its EID: it has one, and an empty matching id. Older
    /// records do not say, and may be.
    #[serde(default = "yes")]
    pub linked: bool,
    /// The token of the activation code; empty: found by EID.
    #[serde(with = "text::option")]
    pub matching_id: Option<MatchingId>,
    /// SHA-256 of the confirmation code, sealed.
    pub confirmation_code: Option<Base64>,
    /// Wrong confirmation codes.
    pub confirmation_failures: u32,
    /// Successful authentications.
    pub download_attempts: u32,
    /// Seconds since 1970.
    pub expires: u64,
    /// The SM-DS where an event with the matching id is registered for the eUICC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smds_address: Option<String>,
    /// How often an eUICC or device was found not to be eligible.
    #[serde(default)]
    pub ineligible: u32,
    /// The one session that may go on.
    pub session: Option<Session>,
    /// PK.EUICC of the latest session.
    pub euicc_key: Option<EuiccKey>,
    /// The otPK.EUICC that the latest package is bound to.
    pub bound_otpk: Option<EuiccKey>,
    /// Sessions in which a package was handed out.
    pub delivered: Deliveries,
    /// How it came to its end by itself, as long as that is told to whom comes with its
    /// matching id, which it keeps so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

/// The end of an order that came by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// Why.
    pub because: End,
    /// Until when it is told, in seconds since 1970.
    pub until: u64,
}

/// Why an order came to its end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// Its time was over.
    Expired,
    /// There were too many downloads or wrong confirmation codes.
    Tries,
}

impl End {
    /// What whoever comes with the code is told (SGP.22 §5.6.3).
    #[must_use]
    pub const fn code(self) -> StatusCode {
        match self {
            Self::Expired => StatusCode::ORDER_EXPIRED,
            Self::Tries => StatusCode::DOWNLOAD_TRIES_EXCEEDED,
        }
    }
}

const fn yes() -> bool {
    true
}

/// A public key of an eUICC as it is stored: base64 of the point, and in front of it
/// `brainpoolP256r1:` when it is on that curve. (Older records do not say so of an
/// otPK.EUICC: it is offered to nobody then, and the package is bound anew.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EuiccKey(pub PublicKey);

impl EuiccKey {
    const BRAINPOOL: &str = "brainpoolP256r1:";
}

impl Serialize for EuiccKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let curve = match self.0.curve() {
            Curve::P256 => "",
            Curve::BrainpoolP256r1 => Self::BRAINPOOL,
        };
        serializer.collect_str(&format_args!("{curve}{}", Base64(self.0.as_bytes().to_vec())))
    }
}

impl<'de> Deserialize<'de> for EuiccKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (curve, point) = match text.strip_prefix(Self::BRAINPOOL) {
            Some(point) => (Curve::BrainpoolP256r1, point),
            None => (Curve::P256, text.as_str()),
        };
        let point = Base64::deserialize(point.into_deserializer())?;
        let key = PublicKey::from_sec1(curve, &point.0);
        key.map(Self).ok_or_else(|| D::Error::custom("not a public key"))
    }
}

/// An RSP session after the eUICC has authenticated itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its name.
    #[serde(with = "text")]
    pub transaction_id: TransactionId,
    /// Seconds since 1970; after that the transaction id is unknown.
    pub expires: u64,
    /// The CI of both certificate chains.
    #[serde(with = "text")]
    pub ci: CiPkId,
    /// Whether `smdpSigned2` demanded a confirmation code.
    pub cc_required: bool,
    /// 64 bytes; covered by what the eUICC signs next.
    pub smdp_signature2: Base64,
    /// The otPK.EUICC of the package handed out in this session.
    pub bound_to: Option<Base64>,
    /// MAC of the latest `euiccSigned2` that had a wrong confirmation code: a repeat of it is
    /// refused again, and not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Base64>,
}

/// One entry of the time line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Seconds since 1970.
    pub at: u64,
    /// What happened.
    pub event: EventKind,
    /// More of it, for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The eUICC that reported it.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<Eid>,
    /// Who caused it: the OID of a system of the operator, `operator-token` or `access-proxy` at the
    /// operator's interface, an EID; the server itself, or somebody unknown, if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The eUICC's number of its notification. (Earlier versions wrote another name.)
    #[serde(default, alias = "seq_number", skip_serializing_if = "Option::is_none")]
    pub seq_number: Option<u32>,
}

/// What can happen to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventKind {
    /// The package arrived.
    Added,
    /// ES2+.DownloadOrder.
    Ordered,
    /// ES2+.ConfirmOrder.
    Confirmed,
    /// ES2+.ReleaseProfile, or ConfirmOrder with the release flag.
    Released,
    /// ES2+.CancelOrder.
    OrderCancelled,
    /// An eUICC authenticated itself for this order.
    Authenticated,
    /// It was turned away.
    Refused,
    /// A wrong confirmation code.
    ConfirmationFailed,
    /// A bound package was handed out.
    Downloaded,
    /// ES9+.CancelSession.
    SessionCancelled,
    /// The eUICC refused a command of the session.
    SessionFailed,
    /// Installed, by the eUICC's word.
    Installed,
    /// Not installed, by the eUICC's word.
    InstallationFailed,
    /// Enabled on the eUICC.
    Enabled,
    /// Disabled on the eUICC.
    Disabled,
    /// Deleted from the eUICC.
    Deleted,
    /// The order came to its end without an installation.
    Failed,
    /// The order came to its end because its time was over.
    Expired,
    /// A message to the operator or an SM-DS was refused, or given up.
    Undelivered,
}

/// A notification that was verified and attributed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// When it arrived first.
    pub at: u64,
    /// The eUICC that signed it.
    #[serde(with = "text")]
    pub eid: Eid,
    /// The eUICC's number of it.
    pub seq_number: u32,
    /// Its event.
    pub event: EventKind,
    /// How an installation ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Up to which number an eUICC's notifications are not kept any more: they came before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forgotten {
    /// The eUICC.
    #[serde(with = "text")]
    pub eid: Eid,
    /// The highest number.
    pub seq_number: u32,
}

impl Profile {
    /// A new one.
    #[must_use]
    pub fn new(
        iccid: Iccid,
        profile_type: Option<String>,
        metadata: Vec<u8>,
        package: PackageFacts,
        now: u64,
    ) -> Self {
        let mut profile = Self {
            iccid,
            profile_type,
            metadata: Base64(metadata),
            package,
            requirements: Requirements::default(),
            subscription: None,
            state: ProfileState::Available,
            order: None,
            withdrawn: None,
            events: Vec::new(),
            notifications: Vec::new(),
            forgotten: Vec::new(),
            calls: Vec::new(),
            old_calls: Vec::new(),
            pending: Pending::default(),
        };
        profile.note(now, EventKind::Added, None);
        profile
    }

    /// Takes over what is known of the ICCID from the record that this one is put in place of: its time
    /// line, what eUICCs have said and may still say, and which calls were executed.
    pub fn succeed(&mut self, before: Self) {
        let Self { withdrawn, events, notifications, forgotten, calls, old_calls, .. } = before;
        let own = core::mem::replace(&mut self.events, events);
        own.into_iter().for_each(|event| self.write_in(event));
        self.withdrawn = withdrawn;
        self.notifications = notifications;
        self.forgotten = forgotten;
        self.calls = calls;
        self.old_calls = old_calls;
    }

    /// Adds to the time line.
    pub fn note(&mut self, at: u64, event: EventKind, detail: Option<String>) {
        self.write_down(Event { at, event, detail, eid: None, by: None, seq_number: None });
    }

    fn write_down(&mut self, event: Event) {
        self.pending.journal.push(event.clone());
        self.write_in(event);
    }

    fn write_in(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            // How it began stays; what is lost is in the middle.
            self.events.remove(MAX_EVENTS / 2);
        }
        self.events.push(event);
    }

    /// Who has caused what was added to the time line since the record was read; what an eUICC has
    /// reported is the eUICC's.
    pub fn attribute(&mut self, by: Option<&str>) {
        let fresh = self.pending.journal.len();
        for event in self.pending.journal.iter_mut().chain(self.events.iter_mut().rev().take(fresh)) {
            if event.eid.is_none() && event.by.is_none() {
                event.by = by.map(str::to_owned);
            }
        }
    }

    /// When it changed last, in seconds since 1970.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.events.last().map_or(0, |event| event.at)
    }

    /// When something of the order ends by itself: the order, as long as it is one that can, and
    /// then what is told of its end.
    #[must_use]
    pub fn expires(&self) -> Option<u64> {
        let order = self.order.as_ref()?;
        if self.state.is_open() { Some(order.expires) } else { Some(order.over.as_ref()?.until) }
    }

    /// The download ends for good.
    pub fn fail(&mut self, at: u64, detail: impl Into<String>) {
        self.end(at, EventKind::Failed, Some(detail.into()));
    }

    /// The download ends for good because of too many tries.
    pub fn exhaust(&mut self, at: u64, detail: impl Into<String>) {
        self.end(at, EventKind::Failed, Some(detail.into()));
        self.tell_end(at, End::Tries);
    }

    /// The download ends for good because the order's time is over.
    pub fn expire(&mut self, at: u64) {
        self.end(at, EventKind::Expired, None);
        self.tell_end(at, End::Expired);
    }

    /// From now on, for a while, whoever comes with the matching id is told of the end.
    fn tell_end(&mut self, at: u64, because: End) {
        if let Some(order) = &mut self.order
            && order.matching_id.as_ref().is_some_and(|id| !id.is_empty())
        {
            order.over = Some(Over { because, until: at + TELLS_END });
        }
    }

    fn end(&mut self, at: u64, event: EventKind, detail: Option<String>) {
        self.state = ProfileState::Error;
        if let Some(order) = &mut self.order {
            order.session = None;
        }
        self.note(at, event, detail);
    }

    /// Tells the operator how a step of the download ended
    /// ([`rsp::es2::notification_point`]); of the order's eUICC, unless it is another.
    pub fn tell(&mut self, at: u64, point: u32, status: FunctionExecutionStatus, eid: Option<Eid>) {
        self.tell_with(at, point, status, eid, None);
    }

    /// The same with the eUICC's result.
    pub fn tell_with(
        &mut self,
        at: u64,
        point: u32,
        status: FunctionExecutionStatus,
        eid: Option<Eid>,
        result_data: Option<Base64>,
    ) {
        let eid = eid.or_else(|| self.order.as_ref().and_then(|order| order.eid));
        let profile_type = self.profile_type.clone();
        let message = Message::DownloadProgress { at, point, status, eid, profile_type, result_data };
        self.pending.messages.push(message);
    }

    /// The eUICC that its package was bound to in a session, as far as that is known, and its
    /// key in that session: what the result is verified by, also after the order was
    /// cancelled. Of a session that is not known: the latest key.
    #[must_use]
    pub fn bearer(&self, session: &TransactionId) -> Option<(Eid, PublicKey)> {
        let (eid, latest, delivered) = match (&self.order, &self.withdrawn) {
            (Some(order), _) => (order.eid?, order.euicc_key?, &order.delivered),
            (None, Some(withdrawn)) => (withdrawn.eid, withdrawn.euicc_key, &withdrawn.delivered),
            (None, None) => return None,
        };
        let key = delivered.of(session).and_then(|delivery| delivery.euicc_key).unwrap_or(latest);
        Some((eid, key.0))
    }

    /// The sessions in which a package was handed out.
    pub fn deliveries(&mut self) -> Option<&mut Deliveries> {
        match (&mut self.order, &mut self.withdrawn) {
            (Some(order), _) => Some(&mut order.delivered),
            (None, Some(withdrawn)) => Some(&mut withdrawn.delivered),
            (None, None) => None,
        }
    }

    /// Whether its order has this matching id.
    #[must_use]
    pub fn has_matching_id(&self, id: &MatchingId) -> bool {
        self.order.as_ref().is_some_and(|order| order.matching_id.as_ref() == Some(id))
    }

    /// The order as long as it has this session, alive at `now`.
    pub fn order_in_session(&mut self, id: &TransactionId, now: u64) -> Option<(&mut Order, Session)> {
        let order = self.order.as_mut()?;
        let session = order.session.clone()?;
        (session.transaction_id == *id && now <= session.expires).then_some((order, session))
    }

    /// Remembers a notification and adds it to the time line; `false` when it was
    /// there already.
    pub fn remember(&mut self, notification: Notification) -> bool {
        let same = |n: &Notification| n.eid == notification.eid && n.seq_number == notification.seq_number;
        let was = |f: &Forgotten| f.eid == notification.eid && f.seq_number >= notification.seq_number;
        if self.notifications.iter().any(same) || self.forgotten.iter().any(was) {
            return false;
        }
        if self.notifications.len() >= MAX_NOTIFICATIONS {
            self.forget_one(notification.eid);
        }
        self.write_down(Event {
            at: notification.at,
            event: notification.event,
            detail: notification.detail.clone(),
            eid: Some(notification.eid),
            by: None,
            seq_number: Some(notification.seq_number),
        });
        self.notifications.push(notification);
        true
    }

    /// Forgets a notification: of another eUICC than the one that reports now, where there is
    /// one, else the one with the lowest number. What an eUICC has numbered as high or lower is
    /// not new any more.
    fn forget_one(&mut self, present: Eid) {
        let kept = self.notifications.iter().enumerate();
        let first = kept.min_by_key(|(_, kept)| (kept.eid == present, kept.seq_number));
        let Some(at) = first.map(|(at, _)| at) else { return };
        let Notification { eid, seq_number, .. } = self.notifications.remove(at);
        if let Some(known) = self.forgotten.iter_mut().find(|known| known.eid == eid) {
            known.seq_number = known.seq_number.max(seq_number);
            return;
        }
        if self.forgotten.len() >= MAX_FORGOTTEN {
            self.forgotten.remove(0);
        }
        self.forgotten.push(Forgotten { eid, seq_number });
    }

    /// Whether its eUICC has deleted it after what it has numbered like this.
    #[must_use]
    pub fn was_deleted_after(&self, eid: Eid, seq_number: u32) -> bool {
        let deleted =
            |n: &Notification| n.eid == eid && n.event == EventKind::Deleted && n.seq_number > seq_number;
        self.notifications.iter().any(deleted)
    }

    /// Whether its record may not go: the eUICC of its order, or of the one that was cancelled, may
    /// have it, so that it could be uploaded for another eUICC.
    #[must_use]
    pub fn may_be_on_an_euicc(&self) -> bool {
        let (eid, delivered) = match (&self.order, &self.withdrawn) {
            (Some(order), _) => (order.eid, &order.delivered),
            (None, Some(withdrawn)) => (Some(withdrawn.eid), &withdrawn.delivered),
            (None, None) => return false,
        };
        let deletions = self.notifications.iter().filter(|n| n.event == EventKind::Deleted);
        let deleted = deletions.filter(|n| Some(n.eid) == eid).map(|n| n.seq_number).max();
        delivered.may_be_on(deleted)
    }

    /// Whether the eUICC may have it, whatever the server thinks of the order: a package is
    /// out, and no word on it was final.
    #[must_use]
    pub fn is_out(&self) -> bool {
        match self.state {
            ProfileState::Downloaded => true,
            ProfileState::Released | ProfileState::Error => {
                self.order.as_ref().is_some_and(|order| order.delivered.are_out())
            }
            _ => false,
        }
    }

    /// Whether a package has ever left the server for the eUICC of its order, and how that ended
    /// is still open for the eUICC's word: also where it said before that it has not got it.
    #[must_use]
    pub fn was_handed_out(&self) -> bool {
        let delivered = self.order.as_ref().is_some_and(|order| !order.delivered.is_empty());
        match self.state {
            ProfileState::Downloaded => true,
            ProfileState::Released | ProfileState::Error => delivered,
            _ => false,
        }
    }

    /// Whether a package left the server in this session, for the eUICC of its order or of the one
    /// that was cancelled.
    #[must_use]
    pub fn was_handed_out_in(&self, session: &TransactionId) -> bool {
        let order = self.order.as_ref().map(|order| &order.delivered);
        let withdrawn = self.withdrawn.as_ref().map(|withdrawn| &withdrawn.delivered);
        order.into_iter().chain(withdrawn).any(|delivered| delivered.of(session).is_some())
    }

    /// The eUICC says that it has it, whatever it said before: of a session, or of none in
    /// particular. With an order that was cancelled, the profile is out of use then.
    pub fn is_had(&mut self, session: Option<&TransactionId>) {
        if let Some(deliveries) = self.deliveries() {
            deliveries.take_back(session);
        }
        let is_out = self.withdrawn.as_ref().is_some_and(|withdrawn| withdrawn.delivered.are_out());
        if self.order.is_none() && is_out && self.state == ProfileState::Available {
            self.state = ProfileState::Unavailable;
        }
    }

    /// How its subscriber stands with the network.
    #[must_use]
    pub fn network(&self) -> Network {
        self.subscription.as_ref().map_or(Network::Off, |subscription| subscription.network)
    }

    /// Whether the network is to serve its subscriber: from the confirmation of an order on, as
    /// long as the profile may get onto an eUICC or be on one.
    #[must_use]
    pub fn is_served(&self) -> bool {
        match self.state {
            ProfileState::Confirmed
            | ProfileState::Released
            | ProfileState::Downloaded
            | ProfileState::Installed
            | ProfileState::Deleted => true,
            ProfileState::Error => self.is_out(),
            ProfileState::Available
            | ProfileState::Allocated
            | ProfileState::Linked
            | ProfileState::Unavailable => false,
        }
    }
}

impl ProfileState {
    /// All of them, in the order of a profile's life.
    pub const ALL: [Self; 10] = [
        Self::Available,
        Self::Allocated,
        Self::Linked,
        Self::Confirmed,
        Self::Released,
        Self::Downloaded,
        Self::Installed,
        Self::Deleted,
        Self::Error,
        Self::Unavailable,
    ];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Allocated => "Allocated",
            Self::Linked => "Linked",
            Self::Confirmed => "Confirmed",
            Self::Released => "Released",
            Self::Downloaded => "Downloaded",
            Self::Installed => "Installed",
            Self::Deleted => "Deleted",
            Self::Error => "Error",
            Self::Unavailable => "Unavailable",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it has an order that may still lead to an installation.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Allocated | Self::Linked | Self::Confirmed | Self::Released | Self::Downloaded)
    }

    /// Whether a bound package can be of use.
    #[must_use]
    pub const fn keeps_bound_package(self) -> bool {
        matches!(self, Self::Confirmed | Self::Released | Self::Downloaded)
    }

    /// Whether its package can be of use.
    #[must_use]
    pub const fn keeps_package(self) -> bool {
        !matches!(self, Self::Deleted | Self::Unavailable)
    }
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Added,
        Self::Ordered,
        Self::Confirmed,
        Self::Released,
        Self::OrderCancelled,
        Self::Authenticated,
        Self::Refused,
        Self::ConfirmationFailed,
        Self::Downloaded,
        Self::SessionCancelled,
        Self::SessionFailed,
        Self::Installed,
        Self::InstallationFailed,
        Self::Enabled,
        Self::Disabled,
        Self::Deleted,
        Self::Failed,
        Self::Expired,
        Self::Undelivered,
    ];

    /// What eUICCs report.
    pub const REPORTED: [Self; 5] =
        [Self::Installed, Self::InstallationFailed, Self::Enabled, Self::Disabled, Self::Deleted];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Ordered => "ordered",
            Self::Confirmed => "confirmed",
            Self::Released => "released",
            Self::OrderCancelled => "orderCancelled",
            Self::Authenticated => "authenticated",
            Self::Refused => "refused",
            Self::ConfirmationFailed => "confirmationFailed",
            Self::Downloaded => "downloaded",
            Self::SessionCancelled => "sessionCancelled",
            Self::SessionFailed => "sessionFailed",
            Self::Installed => "installed",
            Self::InstallationFailed => "installationFailed",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Undelivered => "undelivered",
        }
    }

    /// The event with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The event that a notification tells of; `None` unless it is exactly one.
    #[must_use]
    pub const fn of(events: NotificationEvents) -> Option<Self> {
        match events {
            NotificationEvents::INSTALL => Some(Self::Installed),
            NotificationEvents::ENABLE => Some(Self::Enabled),
            NotificationEvents::DISABLE => Some(Self::Disabled),
            NotificationEvents::DELETE => Some(Self::Deleted),
            _ => None,
        }
    }
}
