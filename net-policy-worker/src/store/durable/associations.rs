//! Which subscribers have associations with core networks: 16 lists, each of the tags with one first digit.
//!
//! A list learns from the policy's object which version is current, and asks a few subscribers at a time, by its
//! alarm, to decide again by that one. An entry may be ahead of its association by as long as a request takes,
//! and behind by any time: one without an association does no harm, and goes with the next version.

use std::time::Duration;

use futures_util::future::join_all;
use worker::{
    DurableObject, Env, Request as HttpRequest, Response, SqlStorage, SqlStorageValue, State, durable_object,
};

use super::{Objects, SUBSCRIBER_BINDING, answered, fault, integer};
use crate::policy::Version;
use crate::refusal::{Fault, Refusal};
use crate::service::{Answer, Request};
use crate::subscriber::Tag;

/// Most subscribers that are asked by one alarm.
const AT_A_TIME: i32 = 20;

/// How old an entry is at least that is struck, in milliseconds: longer than a request takes.
const SETTLED: u64 = 60_000;

/// How long a subscriber whose object does not answer is left alone, in milliseconds; twice as long each time.
const BACK_OFF: u64 = 5_000;

/// And at most.
const MAX_BACK_OFF: u64 = 10 * 60_000;

/// The objects behind the binding `ASSOCIATIONS`.
pub(super) struct Associations(Objects);

impl Associations {
    /// The names of the lists: the first digits of tags.
    pub(super) const LISTS: [&str; 16] =
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];

    pub(super) fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self(Objects::behind(env, "ASSOCIATIONS")?))
    }

    /// `tag` is about to have an association, decided on by `version`.
    pub(super) async fn enter(&self, tag: Tag, version: Version) -> Result<(), Fault> {
        let tag = tag.to_string();
        let list = tag.get(..1).unwrap_or_default();
        self.0.call(list, "/enter", &format!("{tag} {version}")).await.map(|_| ())
    }

    /// `version` is current.
    pub(super) async fn announce(&self, list: &str, version: Version) -> Result<(), Fault> {
        self.0.call(list, "/target", &version.to_string()).await.map(|_| ())
    }
}

/// The subscribers with one first digit that have associations.
#[durable_object]
pub(crate) struct AssociationsObject {
    state: State,
    env: Env,
}

impl DurableObject for AssociationsObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, request: HttpRequest) -> worker::Result<Response> {
        answered("associations", request, async |path, body| {
            self.carry_out(path, &body)?;
            self.ring().await?;
            Ok(String::new())
        })
        .await
    }

    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(fault) = self.tell().await {
            worker::console_error!("associations: {fault}");
            self.state.storage().set_alarm(Duration::from_millis(BACK_OFF)).await?;
        }
        Response::empty()
    }
}

impl AssociationsObject {
    fn run(&self, query: &str, row: Vec<SqlStorageValue>) -> Result<Vec<Vec<SqlStorageValue>>, Fault> {
        let rows = self.sql()?.exec(query, row).map_err(fault)?;
        rows.raw().map(|row| row.map_err(fault)).collect()
    }

    fn sql(&self) -> Result<SqlStorage, Fault> {
        let sql = self.state.storage().sql();
        for table in [
            "CREATE TABLE IF NOT EXISTS open (
                tag TEXT PRIMARY KEY, entered INTEGER NOT NULL, version INTEGER NOT NULL,
                due INTEGER NOT NULL, attempts INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE INDEX IF NOT EXISTS by_version ON open (version, due)",
            "CREATE TABLE IF NOT EXISTS target (
                id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)",
        ] {
            sql.exec(table, None).map_err(fault)?;
        }
        Ok(sql)
    }

    fn carry_out(&self, path: &str, body: &str) -> Result<(), Fault> {
        let now = worker::Date::now().as_millis();
        if path == "/enter" {
            let (tag, version) = body.split_once(' ').unwrap_or_default();
            let version: Version = version.parse().map_err(fault)?;
            let row = vec![tag.into(), integer(now), integer(version)];
            self.run(
                "INSERT INTO open (tag, entered, version, due, attempts) VALUES (?, ?, ?, 0, 0)
                 ON CONFLICT (tag) DO UPDATE SET
                    entered = excluded.entered, version = min(version, excluded.version)",
                row,
            )?;
        } else {
            let version: Version = body.parse().map_err(fault)?;
            self.run(
                "INSERT INTO target (id, version) VALUES (1, ?)
                 ON CONFLICT (id) DO UPDATE SET version = max(version, excluded.version)",
                vec![integer(version)],
            )?;
        }
        Ok(())
    }

    fn target(&self) -> Result<Version, Fault> {
        let rows = self.run("SELECT version FROM target", vec![])?;
        Ok(rows.first().and_then(|row| number_in(row, 0)).unwrap_or_default())
    }

    /// Sets the alarm for whoever is to be asked next.
    async fn ring(&self) -> Result<(), Fault> {
        let next = self.run("SELECT min(due) FROM open WHERE version < ?", vec![integer(self.target()?)])?;
        let Some(due) = next.first().and_then(|row| number_in(row, 0)) else { return Ok(()) };
        let wait = due.saturating_sub(worker::Date::now().as_millis());
        self.state.storage().set_alarm(Duration::from_millis(wait)).await.map_err(fault)
    }

    /// Asks the next ones.
    async fn tell(&self) -> Result<(), Fault> {
        let (target, now) = (self.target()?, worker::Date::now().as_millis());
        let rows = self.run(
            "SELECT tag, entered, attempts FROM open WHERE version < ? AND due <= ? ORDER BY due, tag LIMIT ?",
            vec![integer(target), integer(now), AT_A_TIME.into()],
        )?;
        let subscribers = Objects::behind(&self.env, SUBSCRIBER_BINDING).map_err(fault)?;
        let renew = serde_json::to_string(&Request::Renew).map_err(fault)?;
        let ask = rows.iter().filter_map(|row| match row.as_slice() {
            [SqlStorageValue::String(tag), ..] => {
                let (path, subscribers, renew) = (format!("/{target}/ask"), &subscribers, &renew);
                let (tag, entered, attempts) = (tag.clone(), number_in(row, 1)?, number_in(row, 2)?);
                Some(async move {
                    let answer = subscribers.call(&tag, &path, renew).await;
                    (tag, entered, attempts, answer)
                })
            }
            _ => None,
        });
        for (tag, entered, attempts, answer) in join_all(ask).await {
            let answer =
                answer.and_then(|text| serde_json::from_str::<Result<Answer, Refusal>>(&text).map_err(fault));
            match answer {
                // An association may be on its way: it is decided by this version, or by a later one.
                Ok(Ok(Answer::Renewed { open })) if open || now < entered.saturating_add(SETTLED) => {
                    let row = vec![integer(target), tag.into()];
                    self.run("UPDATE open SET version = ?, due = 0, attempts = 0 WHERE tag = ?", row)?;
                }
                Ok(Ok(Answer::Renewed { .. })) => {
                    // Unless it was entered again meanwhile.
                    let row = vec![tag.into(), integer(entered)];
                    self.run("DELETE FROM open WHERE tag = ? AND entered = ?", row)?;
                }
                unusable => {
                    if let Err(fault) = unusable {
                        worker::console_error!("associations: {fault}");
                    }
                    let wait = BACK_OFF.saturating_mul(1 << attempts.min(16)).min(MAX_BACK_OFF);
                    let row = vec![integer(now.saturating_add(wait)), tag.into()];
                    self.run("UPDATE open SET due = ?, attempts = attempts + 1 WHERE tag = ?", row)?;
                }
            }
        }
        self.ring().await
    }
}

fn number_in(row: &[SqlStorageValue], at: usize) -> Option<u64> {
    match row.get(at) {
        Some(SqlStorageValue::Integer(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}
