//! The standard door: the same decisions in the words of policy control, for a core network
//! that has gates of its own.
//!
//! | interface | what |
//! | --- | --- |
//! | Npcf_AMPolicyControl (TS 29.507) | which DNNs the AMF is to have replaced, and by which |
//! | Npcf_SMPolicyControl (TS 29.512) | session rule and PCC rules: the SM's flows, and a gate for the rest |
//! | Gx (TS 29.212), as JSON | the same for a PGW |
//!
//! What is asked belongs to a subscriber, so it is answered where the subscriber is
//! ([`crate::service::perform`]); associations are kept there, few and not for ever. A subscriber
//! whose session is on another DNN than the policy says is given rules for the SM only, all the
//! same: a PCRF can't move it. An SM whose IP addresses the policy does not name is named as an
//! application that the user plane detects (`appId`, TDF-Application-Identifier).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::gateway::audit;
use crate::policy::document::{SmEntry, network};
use crate::policy::{
    Access, Ambr, Because, Connection, Decision, Destination, Facts, Policy, Question, RequestedApn,
    Situation, Verdict,
};
use crate::refusal::{Cause, CauseView};
use crate::service::{Chance, Owned, Timestamp};
use crate::subscriber::Tag;

use given::Given;
use outbox::{Departed, Notice, ReleaseCause};

pub mod outbox;

pub(crate) mod am;
pub(crate) mod gx;
pub(crate) mod sm;

mod given;
mod shapes;

/// Most associations of a subscriber; the oldest is given up for another.
const MAX_ASSOCIATIONS: usize = 8;

/// How long one is kept that nobody asks about, in milliseconds.
const LIFETIME: u64 = 24 * 60 * 60_000;

/// Longest request that is kept with an association.
pub(crate) const MAX_BODY: usize = 16 * 1024;

/// By which of the doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Door {
    /// Npcf_AMPolicyControl.
    Am,
    /// Npcf_SMPolicyControl.
    Sm,
    /// Gx.
    Gx,
}

impl Door {
    /// The decision in its words.
    fn decision(self, request: &Value, control: &Control) -> Map<String, Value> {
        match self {
            Self::Am => am::decision(request, control),
            Self::Sm => sm::decision(request, control),
            Self::Gx => gx::decision(request, control),
        }
    }

    /// The section of the usage that is watched.
    const fn watched(self) -> &'static str {
        match self {
            Self::Am | Self::Sm => "umDecs",
            Self::Gx => gx::MONITORING,
        }
    }
}

/// What a core network asks about a subscriber.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ask {
    /// A new association.
    Create {
        /// By which door.
        door: Door,
        /// Whose.
        imsi: String,
        /// What is asked.
        context: Context,
        /// The URI that associations are below.
        #[serde(default)]
        resource: String,
    },
    /// An association as it is.
    Read {
        /// By which door.
        door: Door,
        /// Which.
        name: Name,
    },
    /// Something has changed.
    Update {
        /// By which door.
        door: Door,
        /// Which.
        name: Name,
        /// What.
        change: Change,
    },
    /// The association is over.
    Delete {
        /// By which door.
        door: Door,
        /// Which.
        name: Name,
        /// What was used last.
        used: u64,
    },
}

/// How an association is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Name {
    /// As it was named here.
    Own(String),
    /// As the other side has named it: Gx's Session-Id.
    Theirs(String),
}

/// What an association is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The other side's name of it.
    pub theirs: Option<String>,
    /// Where and with what the subscriber is.
    pub situation: Situation,
    /// The DNN or APN, where there is one.
    pub dnn: Option<String>,
    /// The request as it came.
    pub request: Value,
}

/// What has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The access.
    pub access: Option<Access>,
    /// The network.
    pub visited: Option<crate::policy::PlmnId>,
    /// The DNN that the terminal asks for.
    pub dnn: Option<String>,
    /// Bytes used since the last report.
    pub used: u64,
    /// There was a report of it: what is watched from here on is told again.
    #[serde(default)]
    pub reported: bool,
}

/// An association and what has been used in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    id: String,
    door: Door,
    context: Context,
    used: u64,
    expires: Timestamp,
    /// What the other side has been given; one of former times does not know.
    #[serde(default)]
    given: Option<Given>,
    /// The last thing said of it was no.
    #[serde(default)]
    refused: bool,
    /// Its own URI; empty where it has none that is known.
    #[serde(default)]
    resource: String,
    /// What the other side is yet to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notice: Option<Notice>,
    /// How many notices there have been.
    #[serde(default)]
    notices: u64,
    /// Where its notices go instead of where it said at first (308).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved: Option<String>,
    /// The other side was told, or may have been, that it is over.
    #[serde(default)]
    over: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// An association, and what is decided.
    Association {
        /// How it is called here.
        id: String,
        /// What was asked when it began.
        request: Value,
        /// The APN that is decided on.
        apn: String,
        /// What is decided, in the words of the door: all of it, or what an update changes.
        told: Map<String, Value>,
    },
    /// It is over.
    Deleted,
    /// No.
    Denied(Denied),
}

/// Why there is no association.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denied {
    /// There is no such subscriber.
    UserUnknown,
    /// There is no such association, or none any more.
    NotFound,
    /// The policy's no, in plain words.
    Refused {
        /// The rule.
        rule: String,
        /// Why.
        because: String,
    },
}

/// What is decided on a subscriber, in no interface's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// The APN it is connected to.
    pub apn: String,
    /// How well it is served; its rates are in `ambr`.
    pub qos: Option<crate::policy::Qos>,
    /// The most bits a second, where the rule or the contract says it.
    #[serde(default)]
    pub ambr: Option<Ambr>,
    /// More than this it is in no case.
    #[serde(default)]
    pub cap: Option<Ambr>,
    /// Bytes left in this session; `None` is without limit.
    pub bytes: Option<u64>,
    /// Seconds of a session; `None` is without limit.
    pub seconds: Option<u64>,
    /// What may flow, first things first. The last is of everything else.
    pub flows: Vec<Flow>,
    /// DNNs of the contract for which others are given.
    pub replaced: Vec<String>,
    /// A DNN that is not subscribed is replaced, too.
    pub replaces_unsupported: bool,
}

/// What may flow, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// IPFilterRules (TS 29.212 §5.4.2); where there are none, an application.
    pub filters: Vec<String>,
    /// Whether the gate is open.
    pub open: bool,
    /// Lower is looked at first.
    pub precedence: u32,
    /// The charging key.
    pub rating_group: u32,
}

/// Charging keys: traffic to the SM, and all other.
const RATING_SM: u32 = 1;
const RATING_OTHER: u32 = 2;

/// Where the flows to the SM stand, and what is left after them.
const FIRST: u32 = 100;
const LAST: u32 = 65_000;

/// Answers for the subscriber in `owned`.
pub(crate) fn control(
    owned: Option<&mut Owned>,
    departed: &mut Departed,
    ask: Ask,
    now: Timestamp,
    chance: Chance,
    policy: &Policy,
) -> Told {
    let created = matches!(ask, Ask::Create { .. });
    if let Ask::Delete { door, name, .. } = &ask
        && departed.delete(|association| association.is(*door, name), now)
    {
        return Told::Deleted;
    }
    let Some(owned) = owned else {
        return Told::Denied(if created { Denied::UserUnknown } else { Denied::NotFound });
    };
    owned.line.associations.retain(|association| now < association.expires);
    match ask {
        Ask::Create { door, imsi, context, resource } => {
            if owned.subscriber.imsi.as_str() != imsi {
                return Told::Denied(Denied::UserUnknown);
            }
            let judged = decide(owned, &context, 0, now, policy);
            let id = Tag::of(&owned.subscriber.imsi).id(chance.id);
            record(owned, door, &id, 0, &judged, now, policy);
            let Ok(control) = judged.outcome else { return Told::Denied(judged.because.into()) };
            let associations = &mut owned.line.associations;
            // The same session again, after an answer that was lost.
            associations.retain(|other| {
                other.door != door || other.context.theirs.is_none() || other.context.theirs != context.theirs
            });
            if associations.len() >= MAX_ASSOCIATIONS {
                departed.take(associations.remove(0), ReleaseCause::Unspecified, now, policy.version());
            }
            let resource = match door {
                Door::Am | Door::Sm if !resource.is_empty() => format!("{resource}/{id}"),
                Door::Am | Door::Sm | Door::Gx => String::new(),
            };
            let request = context.request.clone();
            let told = door.decision(&request, &control);
            let given = Some(Given::of(&told));
            let expires = now.saturating_add(LIFETIME);
            associations.push(Association {
                id: id.clone(),
                door,
                context,
                used: 0,
                expires,
                given,
                refused: false,
                resource,
                notice: None,
                notices: 0,
                moved: None,
                over: false,
            });
            Told::Association { id, request, apn: control.apn, told }
        }
        Ask::Read { door, name } => answer(owned, door, &name, None, now, policy),
        Ask::Update { door, name, change } => answer(owned, door, &name, Some(&change), now, policy),
        Ask::Delete { door, name, used } => {
            let Some(at) = find(owned, door, &name) else { return Told::Denied(Denied::NotFound) };
            owned.line.associations.remove(at);
            owned.line.tally_used(used, now);
            Told::Deleted
        }
    }
}

fn find(owned: &Owned, door: Door, name: &Name) -> Option<usize> {
    owned.line.associations.iter().position(|association| association.is(door, name))
}

impl Association {
    fn is(&self, door: Door, name: &Name) -> bool {
        self.door == door
            && match name {
                Name::Own(id) => self.id == *id,
                Name::Theirs(theirs) => self.context.theirs.as_ref() == Some(theirs),
            }
    }
}

/// Decides again on every open association of a subscriber, and has the cores told what is other than
/// they were given: the policy is another, or with [`ReleaseCause::UeSubscription`] the subscription.
/// Whether there is an association.
pub(crate) fn renew(owned: &mut Owned, cause: ReleaseCause, now: Timestamp, policy: &Policy) -> bool {
    owned.line.associations.retain(|association| now < association.expires);
    for at in 0..owned.line.associations.len() {
        let Some(association) = owned.line.associations.get(at) else { break };
        let (door, id, used) = (association.door, association.id.clone(), association.used);
        // Gx is told in answers alone, and of what is over nothing more is said.
        if door == Door::Gx || association.over {
            continue;
        }
        let context = association.context.clone();
        let judged = decide(owned, &context, used, now, policy);
        let Some(association) = owned.line.associations.get_mut(at) else { break };
        let is_news = match &judged.outcome {
            Ok(control) => {
                association.recall();
                let whole = door.decision(&context.request, control);
                let given = association.given.replace(Given::of(&whole)).unwrap_or_default();
                let told = given.told(&whole, None);
                let is_other = told.keys().any(|section| section != door.watched());
                association.update(told, now, policy.version());
                std::mem::take(&mut association.refused) || is_other
            }
            Err(_) => {
                // What waits to be told is of no use any more, and may have to be said after all.
                if !association.ends() {
                    association.recall();
                }
                association.terminate(cause, now, policy.version());
                !std::mem::replace(&mut association.refused, true)
            }
        };
        if is_news {
            record(owned, door, &id, 0, &judged, now, policy);
        }
    }
    !owned.line.associations.is_empty()
}

/// The subscription is gone, and with it the associations: the cores are told.
pub(crate) fn depart(
    owned: &mut Owned,
    departed: &mut Departed,
    now: Timestamp,
    version: crate::policy::Version,
) {
    for association in owned.line.associations.drain(..).filter(|association| now < association.expires) {
        departed.take(association, ReleaseCause::UeSubscription, now, version);
    }
}

/// Takes over what has changed and decides again, by the policy of now. Who only reads is told
/// all of it, and has been given nothing.
fn answer(
    owned: &mut Owned,
    door: Door,
    name: &Name,
    update: Option<&Change>,
    now: Timestamp,
    policy: &Policy,
) -> Told {
    let Some(at) = find(owned, door, name) else { return Told::Denied(Denied::NotFound) };
    let nothing = Change::default();
    let change = update.unwrap_or(&nothing);
    owned.line.tally_used(change.used, now);
    let Some(association) = owned.line.associations.get_mut(at) else {
        return Told::Denied(Denied::NotFound);
    };
    let situation = &mut association.context.situation;
    situation.access = change.access.unwrap_or(situation.access);
    if change.visited.is_some() {
        situation.visited.clone_from(&change.visited);
    }
    association.used = association.used.saturating_add(change.used);
    association.expires = now.saturating_add(LIFETIME);
    let (id, used) = (association.id.clone(), association.used);
    let context = association.context.clone();
    let asked = Context { dnn: change.dnn.clone().or_else(|| context.dnn.clone()), ..context };
    let judged = decide(owned, &asked, used, now, policy);
    let association = owned.line.associations.get_mut(at).filter(|_| update.is_some());
    // A verdict is on record once, however often it is asked for; one on another DNN each time.
    let is_other_dnn = change.dnn.is_some();
    let (told, is_news) = match (&judged.outcome, association) {
        (Ok(control), None) => (door.decision(&asked.request, control), false),
        (Ok(control), Some(association)) => {
            let whole = door.decision(&asked.request, control);
            // The answer says what was yet to be told.
            let earlier = association.notice.clone();
            association.recall();
            let given = association.given.replace(Given::of(&whole));
            let again = Some(door.watched()).filter(|_| change.reported);
            let told = given.map_or_else(|| whole.clone(), |given| given.told(&whole, again));
            if association.overtaken(earlier)
                && let Some(given) = association.given.replace(Given::of(&whole))
            {
                association.update(given.told(&whole, None), now, policy.version());
            }
            let was_refused = !is_other_dnn && std::mem::take(&mut association.refused);
            let is_other = told.keys().any(|section| section != door.watched());
            (told, was_refused || is_other || is_other_dnn)
        }
        (Err(_), Some(association)) if !is_other_dnn => {
            (Map::new(), !std::mem::replace(&mut association.refused, true))
        }
        (Err(_), _) => (Map::new(), is_other_dnn),
    };
    if is_news {
        record(owned, door, &id, change.used, &judged, now, policy);
    }
    match judged.outcome {
        Ok(Control { apn, .. }) => Told::Association { id, request: asked.request, apn, told },
        Err(_) => Told::Denied(judged.because.into()),
    }
}

/// What the policy says, and by which rule.
struct Judged {
    because: Because,
    outcome: Result<Control, Option<Cause>>,
}

impl From<Because> for Denied {
    fn from(because: Because) -> Self {
        Self::Refused { rule: because.rule.to_string(), because: because.words.to_string() }
    }
}

/// Puts on the subscriber's record what a core was told of the association `id`.
fn record(
    owned: &mut Owned,
    door: Door,
    id: &str,
    bytes: u64,
    judged: &Judged,
    now: Timestamp,
    policy: &Policy,
) {
    let (what, access) = match door {
        Door::Am => ("policy control: access", Access::FiveG),
        Door::Sm => ("policy control: session", Access::FiveG),
        Door::Gx => ("policy control: Gx", Access::Eps),
    };
    let cause = judged.outcome.as_ref().err().copied();
    let verdict = audit::Verdict {
        number: 0,
        at: now,
        session: Some(audit::session_name(id)),
        subscriber: audit::masked(&owned.subscriber.imsi),
        what: what.to_owned(),
        verdict: if cause.is_none() { "permitted" } else { "refused" }.to_owned(),
        because: judged.because.words.to_string(),
        rule: judged.because.rule.to_string(),
        policy: policy.version(),
        cause: cause.flatten().map(|cause| CauseView::on(cause, access)),
        bytes,
    };
    owned.line.record(verdict);
}

/// What the policy says of a subscriber with a DNN.
fn decide(owned: &Owned, context: &Context, used: u64, now: Timestamp, policy: &Policy) -> Judged {
    let subscriber = &owned.subscriber;
    let today = owned.line.used_today(now);
    let judge = |question| {
        policy.decide(&Facts {
            class: subscriber.class,
            contract: &subscriber.contract,
            imsi: subscriber.imsi.as_str(),
            situation: &context.situation,
            used: today,
            question,
        })
    };
    let connectivity = |dnn: Option<&str>| judge(Question::Connectivity(RequestedApn::parse(dnn)));
    let Decision { verdict, because, .. } = connectivity(context.dnn.as_deref());
    let Verdict::Connected(Connection { apn, limits, qos, ambr, cap }) = &verdict else {
        return Judged { because, outcome: Err(verdict.cause()) };
    };
    let other_than = |dnn: &str, verdict: &Verdict| matches!(verdict, Verdict::Connected(connection) if connection.apn.as_str() != dnn);
    let named = subscriber.contract.apns.iter().filter_map(|subscribed| match subscribed {
        crate::policy::SubscribedApn::One(apn) => Some(apn.as_str()),
        crate::policy::SubscribedApn::Any => None,
    });
    let named: Vec<&str> = named.collect();
    let mut unsupported = "unsupported".to_owned();
    while named.contains(&unsupported.as_str()) {
        unsupported.push('x');
    }
    let replaces_unsupported = other_than(&unsupported, &connectivity(Some(&unsupported)).verdict);
    let replaced = named
        .into_iter()
        .filter(|dnn| other_than(dnn, &connectivity(Some(dnn)).verdict))
        .map(str::to_owned)
        .collect();

    let left = limits.bytes.map(|most| most.saturating_sub(used));
    let left_today = limits.bytes_per_day.map(|most| most.saturating_sub(today.bytes));
    let bytes = [left, left_today].into_iter().flatten().min();
    let permits =
        |destination| bytes != Some(0) && judge(Question::Data(destination)).verdict == Verdict::Permitted;
    let (to_sm, elsewhere) = (permits(Destination::Sm), permits(Destination::Elsewhere));
    let entries = policy.sm_access().entries.iter().enumerate();
    let mut flows: Vec<Flow> = entries
        .map(|(at, entry)| Flow {
            name: format!("sm-{}-{}", entry.host.to_ascii_lowercase(), entry.port),
            filters: filters(entry),
            open: to_sm,
            precedence: FIRST.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)),
            rating_group: RATING_SM,
        })
        .collect();
    flows.push(Flow {
        name: "everything-else".to_owned(),
        filters: vec!["permit out ip from any to assigned".to_owned()],
        open: elsewhere,
        precedence: LAST,
        rating_group: RATING_OTHER,
    });
    let control = Control {
        apn: apn.to_string(),
        qos: *qos,
        ambr: *ambr,
        cap: *cap,
        bytes,
        seconds: limits.seconds,
        flows,
        replaced,
        replaces_unsupported,
    };
    Judged { because, outcome: Ok(control) }
}

/// TCP to the SM's port, one rule for each of its addresses; the remote side first, as the
/// packets go down.
fn filters(entry: &SmEntry) -> Vec<String> {
    let rule = |text: &String| {
        let (address, bits) = network(text)?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let remote = if bits == whole { address.to_string() } else { format!("{address}/{bits}") };
        Some(format!("permit out 6 from {remote} {} to assigned", entry.port))
    };
    entry.addresses.iter().filter_map(rule).collect()
}

/// ProblemDetails (TS 29.571 §5.2.4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemDetails {
    pub(crate) title: &'static str,
    pub(crate) status: u16,
    pub(crate) detail: String,
    pub(crate) cause: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) invalid_params: Vec<InvalidParam>,
}

/// What is wrong with a parameter (TS 29.571 §5.2.4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct InvalidParam {
    pub(crate) param: String,
    pub(crate) reason: String,
}

impl ProblemDetails {
    pub(crate) fn new(status: u16, cause: &'static str, detail: impl Into<String>) -> Self {
        let title = match status {
            400 => "Bad request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not found",
            405 => "Method not allowed",
            413 => "Content too large",
            _ => "Internal server error",
        };
        Self { title, status, detail: detail.into(), cause, invalid_params: vec![] }
    }

    /// A parameter that is not what it should be; `mandatory` are those that must be there.
    pub(crate) fn invalid(param: &str, reason: &str, mandatory: &[&str]) -> Self {
        let first = param.split(['.', '[']).next().unwrap_or_default();
        let cause = if reason.starts_with("missing field") && mandatory.contains(&param) {
            "MANDATORY_IE_MISSING"
        } else if mandatory.contains(&first) {
            "MANDATORY_IE_INCORRECT"
        } else {
            "OPTIONAL_IE_INCORRECT"
        };
        let invalid = InvalidParam { param: param.to_owned(), reason: reason.to_owned() };
        Self { invalid_params: vec![invalid], ..Self::new(400, cause, format!("{param}: {reason}")) }
    }

    /// Why there is no association. `not_found` is the interface's word for one that is not there.
    pub(crate) fn of(denied: &Denied) -> Self {
        match denied {
            Denied::UserUnknown => Self::new(400, "USER_UNKNOWN", "this network has no such subscriber"),
            Denied::NotFound => Self::new(
                404,
                "POLICY_ASSOCIATION_NOT_FOUND",
                "there is no such association, or none any more",
            ),
            Denied::Refused { rule, because } => {
                Self::new(403, "POLICY_CONTEXT_DENIED", format!("{because} (rule {rule})"))
            }
        }
    }
}

/// Reads what a peer sends. Fields that are not known are let be, as the standard wants it.
pub(crate) fn read<'b, T: Deserialize<'b>>(
    body: &'b [u8],
    mandatory: &[&str],
) -> Result<(T, Value), ProblemDetails> {
    if body.len() > MAX_BODY {
        return Err(ProblemDetails::new(413, "INVALID_MSG_FORMAT", format!("longer than {MAX_BODY} bytes")));
    }
    let whole: Value = serde_json::from_slice(body)
        .map_err(|error| ProblemDetails::new(400, "INVALID_MSG_FORMAT", format!("no JSON: {error}")))?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let reason = error.inner().to_string();
        let missing = reason.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let path = error.path().to_string();
        let param = match (missing, path.as_str()) {
            (Some(field), ".") => field.to_owned(),
            (Some(field), path) => format!("{path}.{field}"),
            (None, path) => path.to_owned(),
        };
        ProblemDetails::invalid(&param, &reason, mandatory)
    })?;
    Ok((value, whole))
}
