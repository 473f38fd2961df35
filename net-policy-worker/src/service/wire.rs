//! Requests and answers: between router and store, and as JSON to the terminal.

use rsp::Imsi;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use super::Timestamp;
use super::usage::{SubscriberUsage, UsageView};
use crate::gateway::{Attempt, Way, audit, dns};
use crate::identity::{Guti, Identity};
use crate::pcf;
use crate::policy::{Access, Ambr, Class, Decision, Qos, Situation, Version};
use crate::refusal::{Cause, CauseView, Refusal};
use crate::subscriber::SubscriberView;

/// A subscriber's record on its way to the store. It holds keys: it is not printed, and
/// not serialised with the other requests.
#[derive(Clone)]
pub struct Record {
    /// Whose it is.
    pub imsi: Imsi,
    text: Zeroizing<String>,
}

impl Record {
    /// The record `text` of `imsi`.
    #[must_use]
    pub const fn new(imsi: Imsi, text: Zeroizing<String>) -> Self {
        Self { imsi, text }
    }

    /// The text, keys included.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        &self.text
    }
}

/// What can be asked of the owner of a subscriber.
#[derive(Clone, Serialize, Deserialize)]
pub enum Request {
    /// Writes the subscriber. Travels on its own way ([`Record`]).
    #[serde(skip)]
    Provision(Record),
    /// Removes the subscriber.
    Withdraw {
        /// Whose.
        #[serde(with = "imsi")]
        imsi: Imsi,
    },
    /// Wants to attach.
    Attach(AttachRequest),
    /// Answers the challenge `id`.
    Respond {
        /// The attach id.
        id: String,
        /// The card's answer.
        proof: Proof,
    },
    /// Asks for the session.
    Session {
        /// The session id.
        id: String,
    },
    /// Ends the session.
    Detach {
        /// The session id.
        id: String,
    },
    /// Asks for a service.
    Service {
        /// The session id.
        id: String,
        /// Which service.
        kind: ServiceKind,
        /// A telephone number, or an address.
        to: String,
    },
    /// Sends an HTTP request through the gateway.
    Http {
        /// The session id.
        id: String,
        /// The request.
        attempt: Attempt,
    },
    /// Asks for the addresses of a name.
    Dns {
        /// The session id.
        id: String,
        /// The question.
        asked: dns::Asked,
    },
    /// Has an answer to a request that was let out, and asks whether it may go on.
    Charge {
        /// The session id.
        id: String,
        /// How long the answer is; `None` where none has come that could go on.
        bytes: Option<u64>,
    },
    /// Asks what a subscriber has used.
    Usage {
        /// Whose.
        #[serde(with = "imsi")]
        imsi: Imsi,
    },
    /// Asks for the sequence number of a subscriber, or sets it.
    Sqn {
        /// Whose.
        #[serde(with = "imsi")]
        imsi: Imsi,
        /// What to set.
        set: Option<SqnChange>,
    },
    /// A core network asks for policy control.
    Control(pcf::Ask),
    /// The policy is another: core networks are to be told what is other by it.
    Renew,
    /// Asks for the verdicts of the session.
    Log {
        /// The session id.
        id: String,
    },
}

/// Another sequence number, for a card that has gone back or was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqnChange {
    /// What it was when its author saw it; `None` is whatever it is.
    pub expected: Option<u64>,
    /// What it is to be: the next challenge uses one above.
    pub sqn: u64,
}

/// What a terminal says when it wants to attach, read as far as its owner needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachRequest {
    /// Who.
    pub identity: Identity,
    /// Where and with what.
    pub situation: Situation,
    /// The APN or DNN asked for.
    pub apn: Option<String>,
    /// Where the request came from, as a digest: whose wrong answers are counted together.
    pub source: Option<String>,
}

/// What a card answers to a challenge.
#[derive(Clone, Serialize, Deserialize)]
pub enum Proof {
    /// RES, 4 to 32 bytes: EPS.
    Res(Vec<u8>),
    /// RES*: 5G.
    ResStar([u8; 16]),
    /// AUTS.
    Auts(aka::Auts),
    /// The card takes the network for a false one.
    MacFailure,
}

impl Proof {
    /// Reads `{"res":…}`, `{"resStar":…}`, `{"auts":…}` or `{"failure":"mac"}`.
    #[must_use]
    pub fn from_json(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Wire {
            res: Option<String>,
            res_star: Option<String>,
            auts: Option<String>,
            failure: Option<String>,
        }
        let wire: Wire = serde_json::from_slice(json).ok()?;
        match (wire.res, wire.res_star, wire.auts, wire.failure.as_deref()) {
            (Some(res), None, None, None) => {
                hex::decode(res).ok().filter(|res| (4..=32).contains(&res.len())).map(Self::Res)
            }
            (None, Some(res_star), None, None) => {
                let mut bytes = [0; 16];
                hex::decode_to_slice(res_star, &mut bytes).ok()?;
                Some(Self::ResStar(bytes))
            }
            (None, None, Some(auts), None) => {
                let mut bytes = [0; 14];
                hex::decode_to_slice(auts, &mut bytes).ok()?;
                Some(Self::Auts(bytes))
            }
            (None, None, None, Some("mac")) => Some(Self::MacFailure),
            _ => None,
        }
    }
}

/// A service of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// A call.
    Voice,
    /// A short message.
    Sms,
    /// Packets.
    Data,
}

impl ServiceKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Sms => "sms",
            Self::Data => "data",
        }
    }
}

/// What the owner of a subscriber answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The subscriber is written.
    Provisioned {
        /// It was not there before.
        created: bool,
        /// What it is now.
        view: SubscriberView,
    },
    /// The subscriber is gone.
    Withdrawn,
    /// A challenge for the card.
    Challenge(Challenge),
    /// The card has proven itself: a new session.
    Attached {
        /// The session.
        session: Box<SessionView>,
        /// The temporary identity that is good no more.
        replaced: Option<Guti>,
    },
    /// The session.
    Session(Box<SessionView>),
    /// The session is over.
    Detached,
    /// Yes or no.
    Verdict(VerdictView),
    /// Where the request goes.
    Route(Route),
    /// What the resolver says, and why.
    Names(dns::Names, VerdictView),
    /// The answer is counted, and goes on.
    Charged,
    /// What the subscriber has used.
    Usage(SubscriberUsage),
    /// SQN_HE: the last sequence number used.
    Sqn(u64),
    /// What a core network is told.
    Control(pcf::Told),
    /// What core networks are to be told by another policy is noted.
    Renewed {
        /// There is an association.
        open: bool,
    },
    /// The verdicts, oldest first.
    Log(Vec<LogEntry>),
}

/// Where a permitted request goes: the SM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The SM, as the allow-list writes it.
    pub authority: String,
    /// The path there.
    pub target: String,
    /// How it is reached.
    pub way: Way,
}

/// RAND and AUTN, in hex, for the card; in 5G also what the terminal derives its keys with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// Names the attach when it is answered. Works once.
    pub attach_id: String,
    /// RAND.
    pub rand: String,
    /// AUTN.
    pub autn: String,
    /// ABBA, in hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub abba: Option<String>,
    /// The serving network's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serving_network: Option<String>,
}

/// A session as the terminal sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Names the session, and is the right to use it.
    pub session_id: String,
    /// Whose it is.
    pub imsi: String,
    /// What kind of profile.
    pub class: Class,
    /// By which access it came.
    #[serde(default)]
    pub access: Access,
    /// The temporary identity to come again with: good for one attach.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub guti: Option<Guti>,
    /// The APN.
    pub apn: ApnView,
    /// The terminal's address.
    pub address: String,
    /// What may be used.
    pub services: ServicesView,
    /// How well it is served.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub qos: Option<Qos>,
    /// The most bits a second, where there is no quality that says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ambr: Option<Ambr>,
    /// What has been used, and of how much.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub usage: Option<UsageView>,
    /// The network the keys are derived for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serving_plmn: Option<String>,
    /// That the network has derived the same KASME as the terminal: HMAC-SHA-256 under
    /// KASME of the session id's characters, in hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kasme_proof: Option<String>,
    /// The same of KAMF, in 5G.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kamf_proof: Option<String>,
    /// When it began.
    pub since: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

/// The APN of a session, and why this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApnView {
    /// What the terminal asked for.
    pub requested: Option<String>,
    /// What it was given.
    pub given: String,
    /// Why, in plain words.
    pub because: String,
    /// The rule that decided.
    pub rule: String,
    /// The version of the policy it is of.
    #[serde(default)]
    pub version: Version,
}

/// The verdicts on the services of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicesView {
    /// Packets to anywhere.
    pub data: VerdictView,
    /// Calls.
    pub voice: VerdictView,
    /// Short messages.
    pub sms: VerdictView,
}

/// A verdict as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictView {
    /// `permitted` or `refused`.
    pub verdict: String,
    /// Why, in plain words.
    pub because: String,
    /// The rule that decided.
    pub rule: String,
    /// The version of the policy it is of.
    #[serde(default)]
    pub version: Version,
    /// The 3GPP cause of a refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<CauseView>,
}

impl VerdictView {
    /// With the cause as a terminal on this access is sent it.
    pub(super) fn on(mut self, access: Access, cause: Option<Cause>) -> Self {
        self.cause = cause.map(|cause| CauseView::on(cause, access));
        self
    }

    pub(super) fn of(decision: &Decision) -> Self {
        let cause = decision.verdict.cause();
        Self {
            verdict: if cause.is_none() { "permitted" } else { "refused" }.to_owned(),
            because: decision.because.words.to_string(),
            rule: decision.because.rule.to_string(),
            version: decision.version,
            cause: cause.map(CauseView::from),
        }
    }
}

impl VerdictView {
    /// A refusal that is no decision of the policy: of an authentication, or of a limit.
    pub(super) fn of_refusal(refusal: &Refusal) -> Self {
        Self {
            verdict: "refused".to_owned(),
            because: refusal.because.clone(),
            rule: refusal.rule.clone().unwrap_or_else(|| audit::AUTHENTICATION.to_owned()),
            version: 0,
            cause: refusal.cause.map(|cause| CauseView::on(cause, refusal.access)),
        }
    }
}

/// One verdict of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// What was asked.
    pub what: String,
    /// `permitted` or `refused`.
    pub verdict: String,
    /// Why, in plain words.
    pub because: String,
    /// The rule that decided.
    pub rule: String,
    /// The version of the policy it is of.
    #[serde(default)]
    pub version: Version,
}

/// An IMSI as JSON.
mod imsi {
    use super::{Deserialize, Deserializer, Imsi, Serializer, de};

    pub(super) fn serialize<S: Serializer>(imsi: &Imsi, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(imsi.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Imsi, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
