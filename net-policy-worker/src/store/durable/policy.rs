//! The policy in its Durable Object, and what an isolate remembers of it.
//!
//! A version never changes, so what has been compiled stays right. Which version is current is
//! asked once a second at most; the isolate that writes one knows at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use worker::{
    DurableObject, Env, Request as HttpRequest, Response, SqlStorage, SqlStorageValue, State, durable_object,
};

use super::associations::Associations;
use super::{Objects, answered, fault};
use crate::policy::history::{Accepted, Entry, History, Proposal};
use crate::policy::{Document, Policy, Version};
use crate::refusal::{Fault, Refusal};
use crate::worker::{first_document, permits_private};

/// The name of the one object.
const POLICY: &str = "policy";

/// How long an isolate may go on with a version without asking, in milliseconds.
const FRESH: u64 = 1_000;

/// Most compiled versions that an isolate keeps.
const MAX_COMPILED: usize = 4;

/// Longest part of a document in one row: a value may have 2 MB.
const PART: usize = 1024 * 1024;

/// When lists that could not be told of a version are told again.
const REST: Duration = Duration::from_secs(5);

thread_local! {
    /// When it was asked which version is current, and which was.
    static CURRENT: Cell<Option<(u64, Version)>> = const { Cell::new(None) };
    /// The last used is the last.
    static COMPILED: RefCell<Vec<Rc<Policy>>> = const { RefCell::new(vec![]) };
}

/// The versions of this deployment's policy.
pub(super) struct Policies {
    object: Objects,
    env: Env,
}

impl Policies {
    /// Behind the binding `POLICY`.
    pub(super) fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { object: Objects::behind(env, "POLICY")?, env: env.clone() })
    }

    /// The version that is decided by.
    pub(super) async fn current(&self) -> Result<Version, Fault> {
        let now = worker::Date::now().as_millis();
        if let Some((asked, version)) = CURRENT.get()
            && now.saturating_sub(asked) < FRESH
        {
            return Ok(version);
        }
        let version = self.object.call(POLICY, "/current", "").await?.parse().map_err(fault)?;
        CURRENT.set(Some((now, version)));
        Ok(version)
    }

    /// A version that is known to be one.
    pub(super) async fn get(&self, version: Version) -> Result<Rc<Policy>, Fault> {
        let found = self.find(version).await?;
        found.ok_or_else(|| Fault(format!("there is no version {version} of the policy")))
    }

    /// A version, if it is one.
    pub(super) async fn find(&self, version: Version) -> Result<Option<Rc<Policy>>, Fault> {
        if let Some(policy) = remembered(version) {
            return Ok(Some(policy));
        }
        let policy = if version == 0 {
            Policy::compile(first_document(&self.env)?, 0)
                .map_err(|findings| Fault(format!("SM_APN, SM_ADDRESSES: {findings:?}")))?
        } else {
            let text = self.object.call(POLICY, &format!("/document/{version}"), "").await?;
            if text.is_empty() {
                return Ok(None);
            }
            let document = Document::read_kept(text.as_bytes())
                .map_err(|error| Fault(format!("version {version}: {}: {}", error.path, error.says)))?;
            // It was examined when it was written; what is known of it may be more by now.
            Policy::of_examined(document, version)
        };
        let policy = Rc::new(policy.permit_private(permits_private(&self.env)));
        remember(&policy);
        Ok(Some(policy))
    }

    /// Which there are.
    pub(super) async fn entries(&self) -> Result<Vec<Entry>, Fault> {
        serde_json::from_str(&self.object.call(POLICY, "/history", "").await?).map_err(fault)
    }

    /// Makes a document the next version.
    pub(super) async fn propose(&self, proposal: Proposal) -> Result<Result<Entry, Refusal>, Fault> {
        let json = serde_json::to_string(&proposal).map_err(fault)?;
        let answer: Result<Entry, Refusal> =
            serde_json::from_str(&self.object.call(POLICY, "/propose", &json).await?).map_err(fault)?;
        if let Ok(entry) = &answer {
            CURRENT.set(Some((worker::Date::now().as_millis(), entry.version)));
        }
        Ok(answer)
    }
}

fn remembered(version: Version) -> Option<Rc<Policy>> {
    COMPILED.with_borrow_mut(|compiled| {
        let at = compiled.iter().position(|policy| policy.version() == version)?;
        let policy = compiled.remove(at);
        compiled.push(Rc::clone(&policy));
        Some(policy)
    })
}

fn remember(policy: &Rc<Policy>) {
    COMPILED.with_borrow_mut(|compiled| {
        compiled.retain(|other| other.version() != policy.version());
        if compiled.len() >= MAX_COMPILED {
            compiled.remove(0);
        }
        compiled.push(Rc::clone(policy));
    });
}

/// The versions of the policy.
#[durable_object]
pub(crate) struct PolicyObject {
    state: State,
    env: Env,
}

impl DurableObject for PolicyObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, request: HttpRequest) -> worker::Result<Response> {
        answered("policy", request, async |path, body| {
            let text = self.carry_out(path, &body)?;
            if path == "/propose" {
                // Whether it became one or not: the alarm looks.
                self.state.storage().set_alarm(Duration::ZERO).await.map_err(fault)?;
            }
            Ok(text)
        })
        .await
    }

    /// Tells the lists of open associations which version is current, those that have not heard of it.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(fault) = self.announce().await {
            worker::console_error!("policy: {fault}");
            self.state.storage().set_alarm(REST).await?;
        }
        Response::empty()
    }
}

impl PolicyObject {
    async fn announce(&self) -> Result<(), Fault> {
        let current: Version = self.carry_out("/current", "")?.parse().map_err(fault)?;
        let sql = self.state.storage().sql();
        let table = "CREATE TABLE IF NOT EXISTS announced (list TEXT PRIMARY KEY, version TEXT NOT NULL)";
        sql.exec(table, None).map_err(fault)?;
        let heard = "SELECT list FROM announced WHERE version = ?";
        let heard = column(&sql, heard, vec![current.to_string().into()])?;
        let associations = Associations::new(&self.env).map_err(fault)?;
        let unheard = Associations::LISTS.into_iter().filter(|list| !heard.iter().any(|heard| heard == list));
        let announce = unheard.map(|list| {
            let associations = &associations;
            async move { (list, associations.announce(list, current).await) }
        });
        let mut missed = None;
        for (list, told) in join_all(announce).await {
            match told {
                Ok(()) => {
                    let row: Vec<SqlStorageValue> = vec![list.into(), current.to_string().into()];
                    sql.exec("INSERT OR REPLACE INTO announced (list, version) VALUES (?, ?)", row)
                        .map_err(fault)?;
                }
                Err(fault) => missed = Some(fault),
            }
        }
        missed.map_or(Ok(()), Err)
    }
}

impl PolicyObject {
    /// Synchronous from the first read to the last write.
    fn carry_out(&self, path: &str, body: &str) -> Result<String, Fault> {
        let sql = self.state.storage().sql();
        for table in [
            "CREATE TABLE IF NOT EXISTS version (version INTEGER PRIMARY KEY, entry TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS part (
                version INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (version, part))",
        ] {
            sql.exec(table, None).map_err(fault)?;
        }
        if let Some(version) = path.strip_prefix("/document/") {
            let texts =
                column(&sql, "SELECT text FROM part WHERE version = ? ORDER BY part", vec![version.into()])?;
            return Ok(texts.concat());
        }
        match path {
            "/current" => {
                let last = "SELECT CAST(version AS TEXT) FROM version ORDER BY version DESC LIMIT 1";
                Ok(column(&sql, last, vec![])?.pop().unwrap_or_else(|| "0".to_owned()))
            }
            "/propose" => {
                let proposal: Proposal = serde_json::from_str(body).map_err(fault)?;
                let mut history = History(entries(&sql)?);
                let accepted = history.add(&proposal, worker::Date::now().as_millis());
                if let Ok(accepted) = &accepted {
                    write(&sql, accepted)?;
                }
                serde_json::to_string(&accepted.map(|accepted| accepted.entry)).map_err(fault)
            }
            _ => serde_json::to_string(&entries(&sql)?).map_err(fault),
        }
    }
}

fn column(sql: &SqlStorage, query: &str, values: Vec<SqlStorageValue>) -> Result<Vec<String>, Fault> {
    let rows = sql.exec(query, values).map_err(fault)?;
    let text = |row: worker::Result<Vec<SqlStorageValue>>| match row.map_err(fault)?.as_slice() {
        [SqlStorageValue::String(text)] => Ok(text.clone()),
        _ => Err(Fault("a kept policy has other columns".to_owned())),
    };
    rows.raw().map(text).collect()
}

fn entries(sql: &SqlStorage) -> Result<Vec<Entry>, Fault> {
    let texts = column(sql, "SELECT entry FROM version ORDER BY version", vec![])?;
    texts.iter().map(|text| serde_json::from_str(text).map_err(fault)).collect()
}

fn write(sql: &SqlStorage, accepted: &Accepted) -> Result<(), Fault> {
    let version = || accepted.entry.version.to_string();
    let entry = serde_json::to_string(&accepted.entry).map_err(fault)?;
    let row: Vec<SqlStorageValue> = vec![version().into(), entry.into()];
    sql.exec("INSERT INTO version (version, entry) VALUES (?, ?)", row).map_err(fault)?;
    for (at, part) in parts(&accepted.text).enumerate() {
        let row: Vec<SqlStorageValue> = vec![version().into(), at.to_string().into(), part.into()];
        sql.exec("INSERT INTO part (version, part, text) VALUES (?, ?, ?)", row).map_err(fault)?;
    }
    for version in &accepted.pruned {
        for table in ["DELETE FROM version WHERE version = ?", "DELETE FROM part WHERE version = ?"] {
            sql.exec(table, vec![version.to_string().into()]).map_err(fault)?;
        }
    }
    Ok(())
}

/// A text in parts that a row has room for.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len().min(PART);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}
