//! The policy as data: what an operator writes.
//!
//! ```json
//! { "schema": "net-policy/1",
//!   "smAccess": { "apn": "sm.provisioning",
//!                 "entries": [{ "host": "smdp.example", "addresses": ["203.0.113.10"] }] },
//!   "classes": { "provisioning": [{ "prefix": "0010100" }] },
//!   "rules": [
//!     { "name": "provisioning-apn",
//!       "words": "not yet under contract: connected to the SM, whatever APN was asked for",
//!       "when": { "question": ["connectivity"], "class": "provisioning" },
//!       "then": { "connect": { "apn": "sm", "limits": { "seconds": 1800, "bytes": 16777216 } } } }
//!   ] }
//! ```
//!
//! Rules are read from the first to the last, and the first whose `when` holds decides; where
//! none does the answer is no. All that a `when` says must hold; of a list, one. A rule that
//! connects to what is not there (`requested` where no APN was asked for, `contract-default`
//! where the contract has none) does not hold.
//!
//! [`Document::read`] takes nothing that it does not know, and says where. [`Document::examine`]
//! looks at the whole.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Access, Class, Destination, Kind};
use crate::apn::Apn;
use crate::gateway::{self, SmAddress, SmAddresses, Way};
use crate::refusal::Cause;

mod examine;

pub(crate) use examine::network;
pub use examine::{Finding, Level};

/// Longest document, in bytes, as it is sent and as it is kept: ten thousand rules have room.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// What this is a document of.
    pub schema: Schema,
    /// Who wrote it; free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What changed and why; free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The way to the SMs.
    pub sm_access: SmAccess,
    /// By what else than the subscription a class is recognised.
    #[serde(default)]
    pub classes: Classes,
    /// The rules, in the order they are read.
    pub rules: Vec<Rule>,
}

/// The version of the document's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schema {
    /// The first.
    #[serde(rename = "net-policy/1")]
    One,
}

/// The way to the SMs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmAccess {
    /// The APN that leads to them and to nothing else.
    pub apn: Apn,
    /// The SMs.
    pub entries: Vec<SmEntry>,
}

impl SmAccess {
    /// The entry of `authority`, which is `host` or `host:port`.
    #[must_use]
    pub fn entry(&self, authority: &str) -> Option<&SmEntry> {
        let address = SmAddress::parse(authority)?;
        self.entries.iter().find(|entry| entry.address().as_ref() == Some(&address))
    }

    /// The addresses of all of them.
    #[must_use]
    pub fn addresses(&self) -> SmAddresses {
        self.entries.iter().filter_map(SmEntry::entry).collect()
    }
}

/// An SM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmEntry {
    /// Its name.
    pub host: String,
    /// Its port.
    #[serde(default = "https")]
    pub port: u16,
    /// What its paths begin with.
    #[serde(default = "es9_paths")]
    pub paths: Vec<String>,
    /// The methods.
    #[serde(default = "es9_methods")]
    pub methods: Vec<String>,
    /// Reached over the Internet instead of by the binding to the SM-DP+. Its name must then
    /// be a public one, unless the deployment permits others.
    #[serde(default)]
    pub outside: bool,
    /// Its IP addresses, `203.0.113.10` or `2001:db8::/48`: for a core network that filters
    /// packets ([`crate::policy`] itself compares names).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

const fn https() -> u16 {
    443
}

fn es9_paths() -> Vec<String> {
    vec![gateway::PATH.to_owned()]
}

fn es9_methods() -> Vec<String> {
    vec!["POST".to_owned()]
}

impl SmEntry {
    /// Host and port; `None` where the host is none.
    #[must_use]
    pub fn address(&self) -> Option<SmAddress> {
        SmAddress::parse(&format!("{}:{}", self.host, self.port))
    }

    /// It as the gateway has it; `None` where it is no sound one.
    #[must_use]
    pub fn entry(&self) -> Option<gateway::Entry> {
        let way = if self.outside { Way::Outside } else { Way::Binding };
        gateway::Entry::new(self.address()?, self.paths.clone(), self.methods.clone(), way)
    }

    /// The SM at `address`, for ES9+ and ES11.
    fn of_lpa(address: &SmAddress, outside: bool) -> Self {
        Self {
            host: address.host().to_owned(),
            port: address.port(),
            paths: es9_paths(),
            methods: es9_methods(),
            outside,
            addresses: vec![],
        }
    }
}

/// By what else than the subscription a class is recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Classes {
    /// IMSIs of provisioning profiles, whatever their subscription says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provisioning: Vec<Imsis>,
}

/// Some IMSIs: `{"prefix": "00101"}`, or `{"from": "001010000000000", "to": "001010000000099"}`
/// of one length, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imsis {
    /// All that begin so.
    Prefix(String),
    /// From one to another, of the same number of digits.
    Range(String, String),
}

impl Imsis {
    /// Whether `imsi` is among them.
    #[must_use]
    pub fn contains(&self, imsi: &str) -> bool {
        match self {
            Self::Prefix(prefix) => imsi.starts_with(prefix.as_str()),
            Self::Range(from, to) => {
                imsi.len() == from.len() && (from.as_str()..=to.as_str()).contains(&imsi)
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImsisWire<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Cow<'a, str>>,
}

impl Serialize for Imsis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = match self {
            Self::Prefix(prefix) => ImsisWire { prefix: Some(Cow::Borrowed(prefix)), from: None, to: None },
            Self::Range(from, to) => {
                ImsisWire { prefix: None, from: Some(Cow::Borrowed(from)), to: Some(Cow::Borrowed(to)) }
            }
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Imsis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = |text: &str, least: usize| {
            (least..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        match ImsisWire::deserialize(deserializer)? {
            ImsisWire { prefix: Some(prefix), from: None, to: None } if digits(&prefix, 1) => {
                Ok(Self::Prefix(prefix.into_owned()))
            }
            ImsisWire { prefix: None, from: Some(from), to: Some(to) }
                if digits(&from, 6) && digits(&to, 6) && from.len() == to.len() && from <= to =>
            {
                Ok(Self::Range(from.into_owned(), to.into_owned()))
            }
            _ => Err(de::Error::custom(
                "IMSIs are a prefix of 1 to 15 digits, or from and to, of equally many digits and in order",
            )),
        }
    }
}

/// A rule as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Its name, for logs and for whoever asks why.
    pub name: String,
    /// The reason, for people.
    pub words: String,
    /// Where it applies; everywhere, if nothing is said.
    #[serde(default)]
    pub when: When,
    /// What it decides.
    pub then: Then,
}

/// Where a rule applies: all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct When {
    /// One of these is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub question: Vec<Kind>,
    /// The subscriber is of this class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// How the requested APN is to the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<Requested>,
    /// A well-formed APN is requested, and is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apn: Vec<ApnPattern>,
    /// The call is an emergency call, or is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency: Option<bool>,
    /// Where the packets go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// Whether the contract includes the call, message or packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included: Option<bool>,
    /// Whose IMSI is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imsi: Vec<Imsis>,
    /// Whose terminal is of one of these types: the first eight digits of the IMEI
    /// (TS 23.003 §6.2.1). One that is not known is of none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tac: Vec<Tac>,
    /// By which access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// The terminal is in one of these networks. One that is not known is none of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub visited: Vec<PlmnId>,
    /// The terminal is in another network than its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roaming: Option<bool>,
    /// The contract includes other networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roaming_agreed: Option<bool>,
    /// At least so much has been used today (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<UsedToday>,
}

/// What has been used of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UsedToday {
    /// Sessions that began.
    pub attaches: u64,
    /// Bytes, both ways.
    pub bytes: u64,
}

/// How a requested APN is to the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requested {
    /// There is none.
    None,
    /// There is something that is no APN.
    Malformed,
    /// There is a well-formed one.
    WellFormed,
    /// The contract names it.
    InContract,
    /// It is well-formed and the contract has `*`.
    AnyInContract,
    /// It is the one for SM access.
    Sm,
}

/// A network: five or six digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlmnId(String);

impl PlmnId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a subscriber with this IMSI is at home in it.
    #[must_use]
    pub fn is_home_of(&self, imsi: &str) -> bool {
        imsi.starts_with(&self.0)
    }
}

impl TryFrom<String> for PlmnId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if aka::Plmn::parse(&text).is_some() { Ok(Self(text)) } else { Err("a network is 5 or 6 digits") }
    }
}

impl From<PlmnId> for String {
    fn from(plmn: PlmnId) -> Self {
        plmn.0
    }
}

/// A type of terminal: type allocation code, eight digits (TS 23.003 §6.2.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tac(String);

impl Tac {
    /// The type that an IMEI or IMEISV begins with.
    #[must_use]
    pub fn of_imei(imei: &str) -> Option<Self> {
        let digits = (14..=16).contains(&imei.len()) && imei.bytes().all(|byte| byte.is_ascii_digit());
        imei.get(..8).filter(|_| digits).map(|tac| Self(tac.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Tac {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text))
        } else {
            Err("a type allocation code is 8 digits")
        }
    }
}

impl From<Tac> for String {
    fn from(tac: Tac) -> Self {
        tac.0
    }
}

/// An APN, or with a `*` at one end all that end or begin so; `*` is any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ApnPattern {
    /// This one.
    Exactly(Apn),
    /// `iot*`.
    Begins(String),
    /// `*.example`.
    Ends(String),
}

impl ApnPattern {
    /// Whether `apn` is one of them.
    #[must_use]
    pub fn matches(&self, apn: &Apn) -> bool {
        match self {
            Self::Exactly(own) => own == apn,
            Self::Begins(start) => apn.as_str().starts_with(start.as_str()),
            Self::Ends(end) => apn.as_str().ends_with(end.as_str()),
        }
    }
}

impl TryFrom<String> for ApnPattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const RULE: &str = "an APN, or a part of one with * before or behind it";
        let part = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            (part.len() <= 99 && part.bytes().all(plain)).then(|| part.to_ascii_lowercase()).ok_or(RULE)
        };
        match (text.strip_suffix('*'), text.strip_prefix('*')) {
            (Some(start), _) => part(start).map(Self::Begins),
            (None, Some(end)) => part(end).map(Self::Ends),
            (None, None) => Apn::parse(&text).map(Self::Exactly).map_err(|_| RULE),
        }
    }
}

impl From<ApnPattern> for String {
    fn from(pattern: ApnPattern) -> Self {
        match pattern {
            ApnPattern::Exactly(apn) => apn.into(),
            ApnPattern::Begins(start) => format!("{start}*"),
            ApnPattern::Ends(end) => format!("*{end}"),
        }
    }
}

/// What a rule decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Then {
    /// A connection.
    Connect(Connect),
    /// Yes, to a call, a message, packets.
    Permit(Permit),
    /// No.
    Refuse(Refuse),
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connect {
    /// To what.
    pub apn: Target,
    /// How much of it.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
    /// How well; what is subscribed, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<Qos>,
    /// The most bits a second, whatever `qos` or the subscription says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambr: Option<Ambr>,
    /// A provisioning profile may be connected to more than the SM by this: said, because it is
    /// otherwise taken for a mistake.
    #[serde(default, skip_serializing_if = "is_false")]
    pub beyond_sm: bool,
}

/// Yes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Permit {
    /// As at [`Connect::beyond_sm`].
    #[serde(skip_serializing_if = "is_false")]
    pub beyond_sm: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// An APN to connect to: `sm`, `requested`, `contract-default`, or one by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// That of [`SmAccess`].
    Sm,
    /// The one asked for, if it is well-formed.
    Requested,
    /// The contract's default, if it has one.
    ContractDefault,
    /// This one.
    Named(Apn),
}

impl TryFrom<String> for Target {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const RULE: &str = "sm, requested, contract-default or an APN that is called otherwise";
        match text.as_str() {
            "sm" => Ok(Self::Sm),
            "requested" => Ok(Self::Requested),
            "contract-default" => Ok(Self::ContractDefault),
            // An APN is kept in lower case, and this one would be another target when it is read
            // again.
            other
                if ["sm", "requested", "contract-default"]
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(other)) =>
            {
                Err(RULE)
            }
            other => Apn::parse(other).map(Self::Named).map_err(|_| RULE),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        match target {
            Target::Sm => "sm".to_owned(),
            Target::Requested => "requested".to_owned(),
            Target::ContractDefault => "contract-default".to_owned(),
            Target::Named(apn) => apn.into(),
        }
    }
}

/// How much a session, or its subscriber, may use. What is not said is not limited, but for the
/// time: a session ends in any case ([`crate::service::OPERATIONAL_LIFETIME`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Of a session, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Of a session, both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of a subscriber's sessions on one day (UTC), both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_day: Option<u64>,
    /// Of a session, in a minute that begins with a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Sessions of a subscriber on one day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attaches_per_day: Option<u64>,
}

impl Limits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How well a connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Qos {
    /// QCI (TS 23.203 §6.1.7.2), and as 5QI the same (TS 23.501 §5.7.4).
    pub qci: u8,
    /// Allocation and retention priority.
    pub arp: Arp,
    /// The most bits a second of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambr: Option<Ambr>,
}

/// Allocation and retention priority (TS 29.212 §5.3.32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arp {
    /// 1 (first) to 15 (last).
    pub priority: u8,
    /// May take what others of a lower priority have.
    #[serde(default)]
    pub may_preempt: bool,
    /// May be taken what it has.
    #[serde(default)]
    pub preemptable: bool,
}

/// The most bits a second of all that a session does (session AMBR, APN-AMBR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ambr {
    /// From the terminal.
    pub uplink: u64,
    /// To the terminal.
    pub downlink: u64,
}

/// No.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refuse {
    /// What the terminal is told.
    pub cause: Causes,
}

/// A cause, or one for each question: `"ESM 27"`, or `{"voice": "EMM 18", "data": "ESM 8"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Causes {
    any: Option<Cause>,
    by_kind: [Option<Cause>; Kind::ALL.len()],
}

impl Causes {
    /// The cause for a question of this kind, if there is one.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<Cause> {
        self.any.or_else(|| self.by_kind.get(kind as usize).copied().flatten())
    }
}

impl From<Cause> for Causes {
    fn from(cause: Cause) -> Self {
        Self { any: Some(cause), by_kind: [None; Kind::ALL.len()] }
    }
}

impl Serialize for Causes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let code = |cause: Cause| {
            let (protocol, number, _) = cause.coded();
            format!("{protocol} {number}")
        };
        match self.any {
            Some(cause) => serializer.serialize_str(&code(cause)),
            None => serializer
                .collect_map(Kind::ALL.into_iter().filter_map(|kind| Some((kind, code(self.of(kind)?))))),
        }
    }
}

impl<'de> Deserialize<'de> for Causes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        fn cause<E: de::Error>(code: &str) -> Result<Cause, E> {
            code.split_once(' ')
                .and_then(|(protocol, number)| Cause::of_code(protocol, number.parse().ok()?))
                .ok_or_else(|| {
                    E::custom(format!("{code:.40} is no cause that is known here: EMM 18, ESM 27 …"))
                })
        }

        impl<'de> de::Visitor<'de> for Either {
            type Value = Causes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a cause such as ESM 27, or an object with one for each question")
            }

            fn visit_str<E: de::Error>(self, code: &str) -> Result<Causes, E> {
                cause(code).map(Causes::from)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Causes, A::Error> {
                let mut causes = Causes { any: None, by_kind: [None; Kind::ALL.len()] };
                while let Some((kind, code)) = map.next_entry::<Kind, Cow<'de, str>>()? {
                    if let Some(own) = causes.by_kind.get_mut(kind as usize)
                        && own.replace(cause(&code)?).is_some()
                    {
                        return Err(de::Error::custom("two causes for one question"));
                    }
                }
                Ok(causes)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A text that is no policy document, and where it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The way to it: `rules[3].then.connect.apn`.
    pub path: String,
    /// What is wrong there.
    pub says: String,
}

impl Document {
    /// Reads a document. Unknown fields are refused wherever they are.
    ///
    /// # Errors
    /// Where it is no document and why.
    pub fn read(json: &[u8]) -> Result<Self, Unreadable> {
        if json.len() > MAX_BYTES {
            let says = format!("longer than {MAX_BYTES} bytes");
            return Err(Unreadable { path: ".".to_owned(), says });
        }
        Self::read_kept(json)
    }

    /// Reads a document that has been taken before: however long it is, it is what was decided
    /// by.
    ///
    /// # Errors
    /// Where it is no document and why.
    pub fn read_kept(json: &[u8]) -> Result<Self, Unreadable> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let document = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| Unreadable {
            path: error.path().to_string(),
            says: error.inner().to_string(),
        })?;
        deserializer.end().map_err(|error| Unreadable { path: ".".to_owned(), says: error.to_string() })?;
        Ok(document)
    }

    /// Its text as it is kept: what it says, with what it does not say. `None` where it has none.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// The document of a network whose operator has written none: its rules are in
    /// `policy/default.json`, its SMs are those of the deployment.
    ///
    /// # Errors
    /// What of the two is no APN, or no list of `host[:port]`.
    pub fn of_deployment(sm_apn: &str, sm_addresses: &str) -> Result<Self, String> {
        let mut document = Self::read(include_bytes!("default.json"))
            .map_err(|unreadable| format!("{}: {}", unreadable.path, unreadable.says))?;
        document.sm_access.apn = Apn::parse(sm_apn).map_err(|error| format!("{sm_apn}: {error}"))?;
        let addresses =
            SmAddresses::parse(sm_addresses).map_err(|entry| format!("{entry} is not host or host:port"))?;
        document.sm_access.entries =
            addresses.iter().map(|entry| SmEntry::of_lpa(entry.address(), false)).collect();
        Ok(document)
    }

    /// The same document with more SMs, a list of `host[:port]`, which are reached over the
    /// Internet. `private` permits names there that are not public.
    ///
    /// # Errors
    /// What is no address, or none that may be reached.
    pub fn with_outside(mut self, list: &str, private: bool) -> Result<Self, String> {
        let addresses =
            SmAddresses::parse(list).map_err(|entry| format!("{entry} is not host or host:port"))?;
        for entry in addresses.iter() {
            if !private && !entry.address().could_be_public() {
                return Err(format!("{} is no public name", entry.address()));
            }
            self.sm_access.entries.push(SmEntry::of_lpa(entry.address(), true));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
