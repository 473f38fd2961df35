//! The operator's interface to the policy: what is decided by, since when, and what another
//! document would decide.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{Failure, Link, Reply, Router, json, malformed, no_method, no_path};
use crate::policy::document::{Document, Finding, Level, MAX_BYTES, UsedToday};
use crate::policy::history::Proposal;
use crate::policy::{
    Ambr, Class, Contract, Decision, Destination, Facts, Kind as About, Limits, Policy, Qos, Question,
    RequestedApn, Situation, Verdict, Version,
};
use crate::refusal::{CauseView, Kind, Refusal};
use crate::store::Store;

/// Most facts of a dry run.
const MAX_FACTS: usize = 1_000;

impl<S: Store, L: Link> Router<S, L> {
    /// What is below `/network/policy`.
    pub(super) async fn policy(
        &self,
        method: &Method,
        segments: &[&str],
        headers: &HeaderMap,
        body: &[u8],
    ) -> Reply {
        self.operator(headers)?;
        match (segments, method) {
            ([], &Method::GET) => Ok(shown(&*self.store.policy().await?)),
            ([], &Method::PUT) => {
                let expected = expected(headers)?;
                let document = Document::read(body).map_err(unreadable)?;
                accepted(&document)?;
                self.propose(Proposal { document, expected, rolled_back_to: None }).await
            }
            ([], _) => Err(no_method("GET, PUT")),
            (["check"], &Method::POST) => Ok(json(StatusCode::OK, &checked(body))),
            (["dry-run"], &Method::POST) => self.dry_run(body).await,
            (["rollback"], &Method::POST) => {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Wanted {
                    to: Version,
                }
                let expected = expected(headers)?;
                let Wanted { to } = serde_json::from_slice(body)
                    .map_err(|_| malformed("a roll-back is JSON: to, the number of a version"))?;
                let old = self.store.policy_of(to).await?.ok_or_else(|| no_version(to))?;
                let mut document = Document {
                    note: format!("version {to} again: {}", old.document().note)
                        .chars()
                        .take(1_000)
                        .collect(),
                    ..old.document().clone()
                };
                if document.kept().is_none_or(|text| text.len() > MAX_BYTES) {
                    // There is no room for more words.
                    document.note.clone_from(&old.document().note);
                }
                // What is known to be wrong with it may be more than when it was written.
                accepted(&document)?;
                self.propose(Proposal { document, expected, rolled_back_to: Some(to) }).await
            }
            (["check" | "dry-run" | "rollback"], _) => Err(no_method("POST")),
            (["history"], &Method::GET) => {
                let mut entries = self.store.policies().await?;
                entries.reverse();
                Ok(json(StatusCode::OK, &entries))
            }
            (["history", version], &Method::GET) => {
                let version = version.parse().map_err(|_| no_path())?;
                let policy = self.store.policy_of(version).await?.ok_or_else(|| no_version(version))?;
                Ok(shown(&policy))
            }
            (["history"] | ["history", _], _) => Err(no_method("GET")),
            _ => Err(no_path()),
        }
    }

    async fn propose(&self, proposal: Proposal) -> Reply {
        let warnings = proposal.document.examine();
        let entry = self.store.propose(proposal).await??;
        #[derive(Serialize)]
        struct Written {
            #[serde(flatten)]
            entry: crate::policy::history::Entry,
            warnings: Vec<Finding>,
        }
        let tag = entity_tag(entry.version);
        let mut response = json(StatusCode::OK, &Written { entry, warnings });
        response.headers_mut().insert(header::ETAG, tag);
        Ok(response)
    }

    /// Decides on given facts, by the current policy and by another.
    async fn dry_run(&self, body: &[u8]) -> Reply {
        let wanted: DryRun = super::read(body, "a dry run")?;
        if wanted.facts.is_empty() || wanted.facts.len() > MAX_FACTS {
            return Err(malformed("1 to 1000 facts are decided on at a time"));
        }
        let current = self.store.policy().await?;
        let other = match (wanted.document, wanted.version) {
            (Some(document), None) => {
                let compiled = Policy::compile(document, current.version() + 1).map_err(refused)?;
                std::rc::Rc::new(compiled)
            }
            (None, Some(version)) => {
                self.store.policy_of(version).await?.ok_or_else(|| no_version(version))?
            }
            (None, None) => std::rc::Rc::clone(&current),
            (Some(_), Some(_)) => return Err(malformed("document or version, not both")),
        };
        #[derive(Serialize)]
        struct Outcome {
            decision: Decided,
            /// By the current policy, where that decides otherwise.
            #[serde(skip_serializing_if = "Option::is_none")]
            now: Option<Decided>,
        }
        #[derive(Serialize)]
        struct Outcomes {
            version: Option<Version>,
            current: Version,
            differing: usize,
            outcomes: Vec<Outcome>,
        }
        let mut outcomes = Vec::with_capacity(wanted.facts.len());
        for (at, facts) in wanted.facts.iter().enumerate() {
            let facts = facts.facts().map_err(|says| malformed(&format!("facts[{at}]: {says}")))?;
            let decision = Decided::of(&other.decide(&facts));
            let now = Decided::of(&current.decide(&facts));
            outcomes.push(Outcome { now: (now != decision).then_some(now), decision });
        }
        let outcomes = Outcomes {
            version: (other.version() <= current.version()).then_some(other.version()),
            current: current.version(),
            differing: outcomes.iter().filter(|outcome| outcome.now.is_some()).count(),
            outcomes,
        };
        Ok(json(StatusCode::OK, &outcomes))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DryRun {
    document: Option<Document>,
    version: Option<Version>,
    facts: Vec<GivenFacts>,
}

/// Facts as an operator gives them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GivenFacts {
    imsi: String,
    class: Class,
    #[serde(default)]
    contract: Contract,
    #[serde(default)]
    situation: Situation,
    #[serde(default)]
    used: UsedToday,
    question: GivenQuestion,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GivenQuestion {
    kind: About,
    apn: Option<String>,
    #[serde(default)]
    emergency: bool,
    destination: Option<Destination>,
}

impl GivenFacts {
    fn facts(&self) -> Result<Facts<'_>, &'static str> {
        if self.imsi.parse::<rsp::Imsi>().is_err() {
            return Err("an IMSI has 6 to 15 digits");
        }
        let GivenQuestion { kind, apn, emergency, destination } = &self.question;
        let question = match (kind, destination) {
            (About::Connectivity, None) if !emergency => {
                Question::Connectivity(RequestedApn::parse(apn.as_deref()))
            }
            (About::Voice, None) if apn.is_none() => Question::Voice { emergency: *emergency },
            (About::Sms, None) if apn.is_none() && !emergency => Question::Sms,
            (About::Data, Some(destination)) if apn.is_none() && !emergency => Question::Data(*destination),
            _ => {
                return Err(
                    "apn is of connectivity, emergency of voice, destination of data, which needs it",
                );
            }
        };
        Ok(Facts {
            class: self.class,
            contract: &self.contract,
            imsi: &self.imsi,
            situation: &self.situation,
            used: self.used,
            question,
        })
    }
}

/// A decision as JSON.
#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided {
    verdict: &'static str,
    rule: String,
    because: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qos: Option<Qos>,
    /// Where there is no quality that it could be of.
    #[serde(skip_serializing_if = "Option::is_none")]
    ambr: Option<Ambr>,
}

impl Decided {
    fn of(decision: &Decision) -> Self {
        let mut decided = Self {
            verdict: "permitted",
            rule: decision.because.rule.to_string(),
            because: decision.because.words.to_string(),
            cause: None,
            apn: None,
            limits: None,
            qos: None,
            ambr: None,
        };
        match &decision.verdict {
            Verdict::Permitted => {}
            Verdict::Connected(connection) => {
                decided.verdict = "connected";
                decided.apn = Some(connection.apn.to_string());
                decided.limits = Some(connection.limits).filter(|limits| !limits.is_none());
                (decided.qos, decided.ambr) = connection.shown();
            }
            Verdict::Refused(cause) => {
                decided.verdict = "refused";
                decided.cause = Some((*cause).into());
            }
        }
        decided
    }
}

/// A version as it is read.
fn shown(policy: &Policy) -> Response<Vec<u8>> {
    #[derive(Serialize)]
    struct Shown<'a> {
        version: Version,
        document: &'a Document,
    }
    let mut response =
        json(StatusCode::OK, &Shown { version: policy.version(), document: policy.document() });
    response.headers_mut().insert(header::ETAG, entity_tag(policy.version()));
    response
}

fn entity_tag(version: Version) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The version that the author of a change saw; `None` for `*`.
fn expected(headers: &HeaderMap) -> Result<Option<Version>, Failure> {
    let Some(tag) = headers.get(header::IF_MATCH) else {
        let because = "If-Match names the version that is to be replaced, as its ETag does";
        return Err(Refusal::new(Kind::Unconditional, because).into());
    };
    let tag = tag.to_str().unwrap_or_default().trim();
    if tag == "*" {
        return Ok(None);
    }
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    let version = version.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    // A tag that is none of ours matches nothing.
    let changed = || Refusal::new(Kind::Changed, "If-Match names no version of the policy");
    Ok(Some(version.and_then(|digits| digits.parse().ok()).ok_or_else(changed)?))
}

#[derive(Serialize)]
struct Checked {
    accepted: bool,
    findings: Vec<Finding>,
}

fn checked(body: &[u8]) -> Checked {
    let findings = match Document::read(body) {
        Ok(document) => document.examine(),
        Err(error) => vec![Finding { level: Level::Error, path: error.path, says: error.says }],
    };
    Checked { accepted: findings.iter().all(|finding| finding.level != Level::Error), findings }
}

fn unreadable(error: crate::policy::document::Unreadable) -> Failure {
    refused(vec![Finding { level: Level::Error, path: error.path, says: error.says }])
}

fn accepted(document: &Document) -> Result<(), Failure> {
    let findings = document.examine();
    if findings.iter().any(|finding| finding.level == Level::Error) {
        return Err(refused(findings));
    }
    Ok(())
}

/// A document that is not taken, with all that is known to be wrong.
fn refused(findings: Vec<Finding>) -> Failure {
    let errors = findings.iter().filter(|finding| finding.level == Level::Error);
    let because = errors.map(|error| format!("{}: {}", error.path, error.says)).collect::<Vec<_>>();
    let most = because.len().min(10);
    let shown = because.get(..most).unwrap_or_default().join("; ");
    let more = because.len() - most;
    let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
    Refusal::new(Kind::Malformed, format!("{shown}{rest}")).into()
}

fn no_version(version: Version) -> Failure {
    Refusal::new(Kind::Unknown, format!("there is no version {version} of the policy, or none any more"))
        .into()
}
