//! What a core network is told unasked: UpdateNotify and Terminate of Npcf_AMPolicyControl (TS 29.507 §4.2.4)
//! and Npcf_SMPolicyControl (TS 29.512 §4.2.3).
//!
//! Of an association at most one notice waits, and a later change takes its place: what the earlier one
//! said is said again with it (`Given::doubt`), for whether it has arrived is not known. So what arrives
//! is in order, and nothing is sent once it is acknowledged. Who keeps the association sends: [`due`] is what
//! to send now, [`deliver`] sends it, [`settle`] takes over what came of it. A notice counts as tried before it is
//! sent, so that a sender that dies does not send for ever.

use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Association, Door, am, sm};
use crate::gateway::{SmAddress, Way, audit};
use crate::policy::Version;
use crate::router::{Link, LinkFailure};
use crate::service::{Line, Timestamp};

/// How long is waited after the first attempt, in milliseconds; twice as long after each.
const BACK_OFF: u64 = 1_000;

/// The longest wait between two attempts, in milliseconds.
const MAX_BACK_OFF: u64 = 5 * 60_000;

/// After as many attempts a notice is given up: some 25 minutes.
pub const MAX_ATTEMPTS: u32 = 12;

/// Most redirections of one notice (TS 29.500 §6.10.9).
const MAX_REDIRECTIONS: u32 = 3;

/// How long an association that the core was told is over is kept for the core to delete it, in milliseconds.
const ENDING: u64 = 10 * 60_000;

/// Most associations of withdrawn subscriptions; the oldest is forgotten for another.
const MAX_DEPARTED: usize = 16;

/// Longest answer of a core that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Longest part of a core's answer that is put on record, in characters.
const MAX_TEXT: usize = 120;

/// What stands on record as the rule of a notice that was not acknowledged.
const RULE: &str = "notification";

/// Why an association is over (PolicyAssociationReleaseCause of TS 29.507, SmPolicyAssociationReleaseCause
/// of TS 29.512).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseCause {
    /// Another policy says no.
    Unspecified,
    /// The subscription is another, or gone.
    UeSubscription,
}

/// What waits to be told of an association.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    /// Those of an association go up by one.
    number: u64,
    news: News,
    attempts: u32,
    due: Timestamp,
    /// Where the core has sent this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default)]
    redirections: u32,
    /// The policy that it is of.
    version: Version,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum News {
    /// What is other than it was.
    Update(Map<String, Value>),
    /// The association is over.
    Terminate(ReleaseCause),
}

impl News {
    const fn path(&self) -> &'static str {
        match self {
            Self::Update(_) => "/update",
            Self::Terminate(_) => "/terminate",
        }
    }
}

/// Associations of subscriptions that were withdrawn, or that made room for others, until the core
/// has heard of it and deleted them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Departed(Vec<Association>);

impl Departed {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes an association over, and the core will be told that it is over.
    pub(super) fn take(
        &mut self,
        mut association: Association,
        cause: ReleaseCause,
        now: Timestamp,
        version: Version,
    ) {
        association.terminate(cause, now, version);
        // Of one that is told nothing nothing is left.
        if association.notice.is_none() && !association.over {
            return;
        }
        if self.0.len() >= MAX_DEPARTED {
            self.0.remove(0);
        }
        self.0.push(association);
    }

    /// Forgets an association that the core deletes: whether there was one.
    pub(super) fn delete(&mut self, is_it: impl Fn(&Association) -> bool, now: Timestamp) -> bool {
        self.0.retain(|association| now < association.expires);
        let before = self.0.len();
        self.0.retain(|association| !is_it(association));
        self.0.len() < before
    }
}

impl Association {
    /// Whether the core can be told anything: Gx has no address for it, nor had those of former times.
    fn can_be_told(&self) -> bool {
        !self.resource.is_empty() && self.door != Door::Gx && self.notification_uri().is_some()
    }

    fn notification_uri(&self) -> Option<&str> {
        let asked = self.context.request.get("notificationUri").and_then(Value::as_str);
        self.moved.as_deref().or(asked)
    }

    /// Has the core told `told`, which is nothing where there is nothing to tell.
    pub(super) fn update(&mut self, told: Map<String, Value>, now: Timestamp, version: Version) {
        self.notice = None;
        if !told.is_empty() && self.can_be_told() && !self.over {
            self.announce(News::Update(told), now, version);
        }
    }

    /// Has the core told that the association is over, once.
    pub(super) fn terminate(&mut self, cause: ReleaseCause, now: Timestamp, version: Version) {
        if !self.ends() && self.can_be_told() {
            self.announce(News::Terminate(cause), now, version);
        }
    }

    fn announce(&mut self, news: News, now: Timestamp, version: Version) {
        self.notices = self.notices.saturating_add(1);
        let number = self.notices;
        self.notice =
            Some(Notice { number, news, attempts: 0, due: now, target: None, redirections: 0, version });
    }

    /// Whether the core is being told that it is over.
    pub(super) fn ends(&self) -> bool {
        self.over || matches!(&self.notice, Some(Notice { news: News::Terminate(_), .. }))
    }

    /// What of the waiting notice is not known to have arrived, so that it is told again with
    /// what is told next. A notice of the end that nobody has seen is taken back.
    pub(super) fn recall(&mut self) {
        if let Some(Notice { news: News::Update(told), .. }) = self.notice.take_if(|_| !self.over) {
            self.given.get_or_insert_default().doubt(&told);
        }
    }

    /// What is being told of another decision than `given`, after the core was given that in an answer:
    /// it may arrive after the answer.
    pub(super) fn overtaken(&mut self, earlier: Option<Notice>) -> bool {
        match (earlier, &mut self.given) {
            (Some(Notice { news: News::Update(told), attempts: 1.., .. }), Some(given)) => {
                given.doubt_other(&told)
            }
            _ => false,
        }
    }

    fn letter(&self, notice: &Notice) -> Option<Letter> {
        let path = notice.news.path();
        let usual = || Some(format!("{}{path}", self.notification_uri()?.trim_end_matches('/')));
        let uri = notice.target.clone().or_else(usual)?;
        let resource = &self.resource;
        let body = match (&notice.news, self.door) {
            (News::Terminate(cause), _) => json!({ "resourceUri": resource, "cause": cause }),
            (News::Update(told), Door::Am) => am::notification(resource, told.clone()),
            (News::Update(told), _) => {
                json!({ "resourceUri": resource, "smPolicyDecision": sm::update_of(told.clone()) })
            }
        };
        let body = serde_json::to_vec(&body).ok()?;
        Some(Letter { association: self.id.clone(), number: notice.number, uri, body })
    }
}

/// A notice on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    association: String,
    number: u64,
    uri: String,
    body: Vec<u8>,
}

/// What came of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has arrived.
    Done {
        /// What of it the core could not enforce, if anything: its words.
        failed: Option<Failed>,
    },
    /// The core has no such association (any more).
    Gone,
    /// It is to be sent elsewhere.
    Moved {
        /// Where.
        to: String,
        /// So are the later ones.
        for_good: bool,
    },
    /// It has not arrived, and is to be sent again.
    Later {
        /// Not before then, in seconds.
        after: Option<u64>,
        /// Why.
        because: String,
    },
    /// It is of no use to send it again.
    Refused(Failed),
}

/// What the core has not enforced (PartialSuccessReport and ErrorReport, TS 29.512 §5.6.2.31, §5.6.2.18).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    because: String,
    pcc_rules: Vec<String>,
    session_rules: Vec<String>,
}

impl Failed {
    fn because(because: impl Into<String>) -> Self {
        Self { because: because.into(), ..Self::default() }
    }

    /// Reads the reports in `answer`, an object that has them or a list of such.
    fn read(answer: &Value) -> Option<Self> {
        let reports = answer.as_array().map_or_else(|| std::slice::from_ref(answer), Vec::as_slice);
        let mut failed = Self::default();
        let mut codes: Vec<&str> = vec![];
        for report in reports {
            let each = |name: &str| report[name].as_array().into_iter().flatten();
            let names = |report: &Value, name: &str| -> Vec<String> {
                let names = report[name].as_array().into_iter().flatten().filter_map(Value::as_str);
                names.map(str::to_owned).collect()
            };
            for rules in each("ruleReports") {
                failed.pcc_rules.extend(names(rules, "pccRuleIds"));
                codes.extend(rules["failureCode"].as_str());
            }
            for rules in each("sessRuleReports") {
                failed.session_rules.extend(names(rules, "ruleIds"));
                codes.extend(rules["sessRuleFailureCode"].as_str());
            }
            codes.extend(
                each("policyDecFailureReports").chain(each("polDecFailureReports")).filter_map(Value::as_str),
            );
            codes.extend(report["failureCause"].as_str());
            // A list of PolicyDecisionFailureCode.
            codes.extend(report.as_str());
        }
        let is_report = !codes.is_empty() || !failed.pcc_rules.is_empty() || !failed.session_rules.is_empty();
        let rules: Vec<&str> =
            failed.pcc_rules.iter().chain(&failed.session_rules).map(String::as_str).collect();
        failed.because = format!("the core has not enforced {} ({})", rules.join(", "), codes.join(", "));
        is_report.then_some(failed)
    }
}

/// The core networks that may be told anything: those of the deployment's list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cores {
    origins: Vec<(String, SmAddress)>,
}

impl Cores {
    /// Reads a comma separated list of origins: `https://smf.example`, `http://amf.example:7777`. Without
    /// `private` each is to be one of the public Internet, as an SM outside is.
    ///
    /// # Errors
    /// The entry that is none.
    pub fn parse(list: &str, private: bool) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let origin = |entry: &str| {
            let read = origin(entry).filter(|(_, _, rest)| rest.is_empty());
            let (scheme, address, _) = read.ok_or_else(|| format!("{entry} is not http(s)://host[:port]"))?;
            if !private && !address.could_be_public() {
                return Err(format!("{entry} is no public name"));
            }
            Ok((scheme.to_owned(), address))
        };
        Ok(Self { origins: entries.map(origin).collect::<Result<_, _>>()? })
    }

    /// Whether `uri` leads to one of them.
    #[must_use]
    pub fn permit(&self, uri: &str) -> bool {
        let printable = uri.bytes().all(|byte| byte.is_ascii_graphic()) && !uri.contains(['\\', '#']);
        let Some((scheme, address, rest)) = origin(uri).filter(|_| printable) else { return false };
        let is_path = rest.is_empty() || rest.starts_with('/');
        is_path && self.origins.iter().any(|(known, at)| known == scheme && *at == address)
    }
}

/// Scheme, host and port of a URI, and what comes after. Userinfo and literals of IPv6 make it none.
fn origin(uri: &str) -> Option<(&'static str, SmAddress, &str)> {
    let (scheme, rest) = uri.split_once("://")?;
    let (scheme, port) = match scheme.to_ascii_lowercase().as_str() {
        "https" => ("https", ""),
        "http" => ("http", ":80"),
        _ => return None,
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let port = if authority.contains(':') { "" } else { port };
    Some((scheme, SmAddress::parse(&format!("{authority}{port}"))?, rest))
}

/// The letter to send now, if there is one: that which waits longest. It counts as tried.
pub fn due(line: Option<&mut Line>, departed: &mut Departed, now: Timestamp) -> Option<Letter> {
    let associations =
        all(line, departed).filter(|association| association.due().is_some_and(|due| due <= now));
    let association = associations.min_by_key(|association| association.due())?;
    let pace = back_off(&association.id, association.notice.as_ref()?.attempts);
    let notice = association.notice.as_mut()?;
    notice.attempts = notice.attempts.saturating_add(1);
    notice.due = now.saturating_add(pace);
    // From here on the core may know it.
    association.over |= matches!(notice.news, News::Terminate(_));
    association.letter(association.notice.as_ref()?)
}

/// When there is a letter to send next.
pub fn next(line: Option<&mut Line>, departed: &mut Departed) -> Option<Timestamp> {
    all(line, departed).filter_map(|association| association.due()).min()
}

fn all<'a>(
    line: Option<&'a mut Line>,
    departed: &'a mut Departed,
) -> impl Iterator<Item = &'a mut Association> {
    line.into_iter().flat_map(|line| &mut line.associations).chain(&mut departed.0)
}

impl Association {
    fn due(&self) -> Option<Timestamp> {
        self.notice.as_ref().map(|notice| notice.due)
    }
}

/// How long to wait after `attempts` before, in milliseconds. Associations of a core that comes back are not
/// told all at the same time.
fn back_off(id: &str, attempts: u32) -> u64 {
    let wait = BACK_OFF.checked_shl(attempts.min(32)).unwrap_or(MAX_BACK_OFF).min(MAX_BACK_OFF);
    let spread = id.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    wait.saturating_add(wait / 4 * (spread % 64) / 64)
}

/// Sends a letter, if it is for a core of the list, and says what came of it.
pub async fn deliver(link: &impl Link, cores: &Cores, letter: &Letter) -> Outcome {
    let unlisted =
        || Outcome::Refused(Failed::because("its address is none of a core that is told anything"));
    if !cores.permit(&letter.uri) {
        return unlisted();
    }
    let request = http::Request::post(&letter.uri)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, application/problem+json")
        .body(letter.body.clone());
    let Ok(request) = request else { return unlisted() };
    match outcome(link.send(Way::Outside, request).await) {
        Outcome::Moved { to, .. } if !cores.permit(&to) => unlisted(),
        outcome => outcome,
    }
}

/// What an answer means.
fn outcome(answer: Result<http::Response<Vec<u8>>, LinkFailure>) -> Outcome {
    let later = |because: &str| Outcome::Later { after: None, because: because.to_owned() };
    let answer = match answer {
        Ok(answer) => answer,
        Err(LinkFailure::Unreachable) => return later("the core cannot be reached"),
        Err(LinkFailure::Late) => return later("the core does not answer in time"),
        // It has answered, and what it says is of no use.
        Err(LinkFailure::TooLarge) => {
            return Outcome::Refused(Failed::because("the core's answer is too long"));
        }
    };
    let text = |name: header::HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let body = || {
        let body = answer.body();
        (body.len() <= MAX_ANSWER).then(|| serde_json::from_slice::<Value>(body).ok()).flatten()
    };
    let status = answer.status();
    match status {
        StatusCode::NO_CONTENT => Outcome::Done { failed: None },
        StatusCode::OK => Outcome::Done { failed: body().and_then(|body| Failed::read(&body)) },
        StatusCode::NOT_FOUND => Outcome::Gone,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => match text(header::LOCATION) {
            Some(to) => {
                Outcome::Moved { to: to.to_owned(), for_good: status == StatusCode::PERMANENT_REDIRECT }
            }
            None => Outcome::Refused(Failed::because("the core redirects to nowhere")),
        },
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Outcome::Later {
            after: text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
            because: format!("the core answers {}", status.as_u16()),
        },
        status if status.is_server_error() => Outcome::Later {
            after: text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
            because: format!("the core answers {}", status.as_u16()),
        },
        status => {
            let because = || Failed::because(format!("the core answers {}", status.as_u16()));
            Outcome::Refused(body().and_then(|body| Failed::read(&body)).unwrap_or_else(because))
        }
    }
}

/// Takes over what came of a letter; what is to stand on record of it. Of a letter whose place
/// another has taken nothing is known any more.
pub fn settle(
    line: Option<&mut Line>,
    departed: &mut Departed,
    letter: &Letter,
    outcome: Outcome,
    now: Timestamp,
) -> Option<audit::Verdict> {
    if outcome == Outcome::Gone {
        // Also when another notice waits: nobody is there to hear it.
        let mut kept = vec![&mut departed.0];
        kept.extend(line.map(|line| &mut line.associations));
        kept.into_iter().for_each(|kept| kept.retain(|association| association.id != letter.association));
        return None;
    }
    let association = all(line, departed).find(|association| association.id == letter.association)?;
    let notice = association.notice.as_mut().filter(|notice| notice.number == letter.number)?;
    let version = notice.version;
    let given_up = match outcome {
        Outcome::Gone => None,
        Outcome::Done { failed } => {
            let told = association.close(now);
            let failed = failed?;
            if let (Some(_), Some(given)) = (told, &mut association.given) {
                given.doubt_entries("pccRules", &failed.pcc_rules);
                given.doubt_entries("sessRules", &failed.session_rules);
            }
            Some(failed)
        }
        Outcome::Moved { to, for_good } if notice.redirections < MAX_REDIRECTIONS => {
            notice.redirections = notice.redirections.saturating_add(1);
            notice.due = now;
            let base = to.strip_suffix(notice.news.path()).filter(|_| for_good).map(str::to_owned);
            notice.target = Some(to);
            association.moved = base.or_else(|| association.moved.take());
            None
        }
        Outcome::Moved { .. } => Some(Failed::because("the core redirects too often")),
        Outcome::Later { after, because } if notice.attempts >= MAX_ATTEMPTS => {
            let _ = after;
            Some(Failed::because(because))
        }
        Outcome::Later { after, .. } => {
            let wait = after.unwrap_or_default().saturating_mul(1_000).min(MAX_BACK_OFF);
            notice.due = notice.due.max(now.saturating_add(wait));
            notice.target = None;
            None
        }
        Outcome::Refused(failed) => Some(failed),
    }?;
    // What was to be told is told with the next change, or in the next answer.
    if let Some(told) = association.close(now)
        && let Some(given) = &mut association.given
    {
        given.doubt(&told);
    }
    let because: String =
        given_up.because.chars().filter(|letter| !letter.is_control()).take(MAX_TEXT).collect();
    Some(association.failure(because, now, version))
}

impl Association {
    /// The waiting notice is over: what it told.
    fn close(&mut self, now: Timestamp) -> Option<Map<String, Value>> {
        match self.notice.take()?.news {
            News::Update(told) => Some(told),
            News::Terminate(_) => {
                self.expires = self.expires.min(now.saturating_add(ENDING));
                None
            }
        }
    }

    fn failure(&self, because: String, at: Timestamp, policy: Version) -> audit::Verdict {
        let supi = self.context.request.get("supi").and_then(Value::as_str).unwrap_or_default();
        let imsi = supi.strip_prefix("imsi-").and_then(|digits| digits.parse().ok());
        audit::Verdict {
            number: 0,
            at,
            session: Some(audit::session_name(&self.id)),
            subscriber: imsi.map(|imsi| audit::masked(&imsi)).unwrap_or_default(),
            what: "policy control: notification".to_owned(),
            verdict: "refused".to_owned(),
            because,
            rule: RULE.to_owned(),
            policy,
            cause: None,
            bytes: 0,
        }
    }
}

#[cfg(test)]
mod tests;
