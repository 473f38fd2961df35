//! The store over Durable Objects with SQLite.
//!
//! A fixed number of objects of one class, by what they hold:
//!
//! ```text
//!  profile-0 … 15   by ICCID            records, packages, bound packages
//!  index-0 … 15     by id               matching ids, links to EIDs, calls
//!  session-0 … 15   by transaction id   used ids
//! ```
//!
//! An object executes one [`Statement`] without waiting: between two statements nothing
//! else happens, and the platform commits them together. So the record of a
//! profile is compared and replaced in one step, in the one object that owns it.

use core::cell::Cell;
use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use js_sys::{Function, Promise, Reflect};
use rsp::es9::Base64;
use rsp::{Eid, Iccid, MatchingId, TransactionId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{
    Date, DurableObject, Env, Method, ObjectNamespace, Request, RequestInit, Response, SqlStorage,
    SqlStorageValue as Sql, State, durable_object,
};

use super::{Added, Change, MAX_LISTED, Store, Stored};
use crate::Fault;
use crate::profile::{Profile, ProfileState};

/// Objects of each kind.
const SHARDS: u8 = 16;
/// How long an object may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often what has expired is removed.
const SWEEP: Duration = Duration::from_secs(3600);

/// The store, as the worker uses it.
pub(crate) struct Durable {
    objects: ObjectNamespace,
}

/// What an object is asked to do.
#[derive(Serialize, Deserialize)]
enum Statement {
    AddProfile { profile: Box<Profile>, package: Base64 },
    Profile { iccid: String },
    Package { iccid: String },
    Bound { iccid: String },
    Replace { version: u64, profile: Box<Profile>, bound: Option<Base64> },
    Available { profile_type: String, most: usize },
    Profiles { most: usize },
    ClaimMatchingId { id: String, iccid: String },
    ReleaseMatchingId { id: String, iccid: String },
    MatchingId { id: String },
    Link { eid: String, iccid: String },
    Unlink { eid: String, iccid: String },
    Linked { eid: String },
    RememberCall { id: String, iccid: String, expires: u64 },
    CallOf { id: String },
    BeginSession { id: String, iccid: Option<String>, expires: u64 },
    Session { id: String },
}

#[derive(Clone, Copy)]
enum Kind {
    Profile,
    Index,
    Session,
}

impl Durable {
    pub(crate) const fn new(objects: ObjectNamespace) -> Self {
        Self { objects }
    }

    async fn call<T: DeserializeOwned>(&self, kind: Kind, key: &str, call: &Statement) -> Result<T, Fault> {
        let [first, ..] = <[u8; 32]>::from(Sha256::digest(key.as_bytes()));
        self.call_shard(kind, first % SHARDS, call).await
    }

    async fn call_shard<T: DeserializeOwned>(
        &self,
        kind: Kind,
        shard: u8,
        call: &Statement,
    ) -> Result<T, Fault> {
        let kind = match kind {
            Kind::Profile => "profile",
            Kind::Index => "index",
            Kind::Session => "session",
        };
        let name = format!("{kind}-{shard}");
        let failed = |error: worker::Error| Fault::new(format!("object {name}: {error}"));
        let body = serde_json::to_string(call).map_err(|error| Fault::new(format!("JSON: {error}")))?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(body.into()));
        let request = Request::new_with_init("https://store/", &init).map_err(failed)?;
        let stub = self.objects.get_by_name(&name).map_err(failed)?;
        // A panicking object can leave its caller waiting for ever.
        let answer = async {
            let mut response = stub.fetch_with_request(request).await?;
            Ok((response.status_code(), response.text().await?))
        };
        let answer = within(PATIENCE, answer).await;
        let answer = answer.ok_or_else(|| Fault::new(format!("object {name} does not answer")))?;
        let (status, text) = answer.map_err(failed)?;
        if status != 200 {
            return Err(Fault::new(format!("object {name}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| Fault::new(format!("object {name}: {error}")))
    }
}

/// A profile's row, on its way.
#[derive(Serialize, Deserialize)]
struct Row {
    version: u64,
    profile: Profile,
}

fn iccid_of(text: String) -> Result<Iccid, Fault> {
    text.parse().map_err(|error| Fault::new(format!("stored ICCID: {error}")))
}

impl Store for Durable {
    async fn add_profile(&self, profile: &Profile, package: &[u8]) -> Result<Added, Fault> {
        let call =
            Statement::AddProfile { profile: Box::new(profile.clone()), package: Base64(package.to_vec()) };
        let there: Option<bool> = self.call(Kind::Profile, &profile.iccid.to_string(), &call).await?;
        Ok(match there {
            None => Added::New,
            Some(true) => Added::Replaced,
            Some(false) => Added::InUse,
        })
    }

    async fn profile(&self, iccid: &Iccid) -> Result<Option<Stored>, Fault> {
        let iccid = iccid.to_string();
        let call = Statement::Profile { iccid: iccid.clone() };
        let row: Option<Row> = self.call(Kind::Profile, &iccid, &call).await?;
        Ok(row.map(|row| Stored { version: row.version, profile: row.profile }))
    }

    async fn package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault> {
        let iccid = iccid.to_string();
        let call = Statement::Package { iccid: iccid.clone() };
        let bytes: Option<Base64> = self.call(Kind::Profile, &iccid, &call).await?;
        Ok(bytes.map(|bytes| bytes.0))
    }

    async fn bound_profile_package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault> {
        let iccid = iccid.to_string();
        let call = Statement::Bound { iccid: iccid.clone() };
        let bytes: Option<Base64> = self.call(Kind::Profile, &iccid, &call).await?;
        Ok(bytes.map(|bytes| bytes.0))
    }

    async fn replace(&self, version: u64, change: &Change) -> Result<bool, Fault> {
        let bound = change.bound.clone().map(Base64);
        let call = Statement::Replace { version, profile: Box::new(change.profile.clone()), bound };
        self.call(Kind::Profile, &change.profile.iccid.to_string(), &call).await
    }

    async fn available(&self, profile_type: &str, most: usize) -> Result<Vec<Iccid>, Fault> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            let most = most - found.len();
            if most == 0 {
                break;
            }
            let call = Statement::Available { profile_type: profile_type.to_owned(), most };
            let here: Vec<String> = self.call_shard(Kind::Profile, shard, &call).await?;
            for iccid in here.into_iter().take(most) {
                found.push(iccid_of(iccid)?);
            }
        }
        Ok(found)
    }

    async fn profiles(&self) -> Result<Vec<Profile>, Fault> {
        let mut found: Vec<Profile> = Vec::new();
        for shard in 0..SHARDS {
            let call = Statement::Profiles { most: MAX_LISTED };
            let here: Vec<Profile> = self.call_shard(Kind::Profile, shard, &call).await?;
            found.extend(here);
        }
        found.sort_by_key(|profile| profile.iccid);
        found.truncate(MAX_LISTED);
        Ok(found)
    }

    async fn claim_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<Iccid, Fault> {
        let call = Statement::ClaimMatchingId { id: id.as_str().to_owned(), iccid: iccid.to_string() };
        iccid_of(self.call(Kind::Index, id.as_str(), &call).await?)
    }

    async fn release_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<(), Fault> {
        let call = Statement::ReleaseMatchingId { id: id.as_str().to_owned(), iccid: iccid.to_string() };
        self.call(Kind::Index, id.as_str(), &call).await
    }

    async fn matching_id(&self, id: &MatchingId) -> Result<Option<Iccid>, Fault> {
        let call = Statement::MatchingId { id: id.as_str().to_owned() };
        let iccid: Option<String> = self.call(Kind::Index, id.as_str(), &call).await?;
        iccid.map(iccid_of).transpose()
    }

    async fn link(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault> {
        let eid = eid.to_string();
        let call = Statement::Link { eid: eid.clone(), iccid: iccid.to_string() };
        self.call(Kind::Index, &eid, &call).await
    }

    async fn unlink(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault> {
        let eid = eid.to_string();
        let call = Statement::Unlink { eid: eid.clone(), iccid: iccid.to_string() };
        self.call(Kind::Index, &eid, &call).await
    }

    async fn linked(&self, eid: &Eid) -> Result<Vec<Iccid>, Fault> {
        let eid = eid.to_string();
        let call = Statement::Linked { eid: eid.clone() };
        let found: Vec<String> = self.call(Kind::Index, &eid, &call).await?;
        found.into_iter().map(iccid_of).collect()
    }

    async fn remember_call(&self, id: &str, iccid: &Iccid, expires: u64) -> Result<(), Fault> {
        let call = Statement::RememberCall { id: id.to_owned(), iccid: iccid.to_string(), expires };
        self.call(Kind::Index, id, &call).await
    }

    async fn call(&self, id: &str) -> Result<Option<Iccid>, Fault> {
        let call = Statement::CallOf { id: id.to_owned() };
        let iccid: Option<String> = Self::call(self, Kind::Index, id, &call).await?;
        iccid.map(iccid_of).transpose()
    }

    async fn begin_session(
        &self,
        id: &TransactionId,
        iccid: Option<&Iccid>,
        expires: u64,
    ) -> Result<bool, Fault> {
        let id = id.to_string();
        let iccid = iccid.map(ToString::to_string);
        self.call(Kind::Session, &id, &Statement::BeginSession { id: id.clone(), iccid, expires }).await
    }

    async fn session(&self, id: &TransactionId) -> Result<Option<Iccid>, Fault> {
        let id = id.to_string();
        let call = Statement::Session { id: id.clone() };
        let iccid: Option<String> = self.call(Kind::Session, &id, &call).await?;
        iccid.map(iccid_of).transpose()
    }
}

/// One shard: its tables, whatever it is used for.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS profile (
        iccid TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL,
        state TEXT NOT NULL, profile_type TEXT, package BLOB NOT NULL, bound BLOB) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS profile_available ON profile (profile_type, iccid) WHERE state = 'Available';
    CREATE TABLE IF NOT EXISTS matching_id (id TEXT PRIMARY KEY, iccid TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS link (
        number INTEGER PRIMARY KEY, eid TEXT NOT NULL, iccid TEXT NOT NULL, UNIQUE (eid, iccid));
    CREATE TABLE IF NOT EXISTS call (
        id TEXT PRIMARY KEY, iccid TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS call_expires ON call (expires);
    CREATE TABLE IF NOT EXISTS session (
        id TEXT PRIMARY KEY, iccid TEXT, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS session_expires ON session (expires);
";

/// One object of the store.
#[durable_object]
pub struct StoreObject {
    state: State,
    has_tables: Cell<bool>,
    sweeps: Cell<bool>,
}

// Nothing is left half done by a panic: statements commit together or not at all,
// and the cells only say what need not be done again.
impl std::panic::UnwindSafe for StoreObject {}
impl std::panic::RefUnwindSafe for StoreObject {}

impl DurableObject for StoreObject {
    fn new(state: State, _env: Env) -> Self {
        Self { state, has_tables: Cell::new(false), sweeps: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let body = request.text().await?;
        let call: Statement = match serde_json::from_str(&body) {
            Ok(call) => call,
            Err(error) => return Response::error(format!("call: {error}"), 400),
        };
        let expires = matches!(call, Statement::BeginSession { .. } | Statement::RememberCall { .. });
        // From here to the answer nothing waits.
        let answer = self.tables().and_then(|sql| execute(&sql, call));
        if expires && !self.sweeps.replace(true) {
            self.state.storage().set_alarm(SWEEP).await?;
        }
        match answer {
            Ok(answer) => Response::from_json(&answer),
            Err(error) => Response::error(error.to_string(), 500),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let sql = self.tables()?;
        let now = Date::now().as_millis() / 1000;
        sql.exec("DELETE FROM session WHERE expires < ?", vec![number(now)])?;
        sql.exec("DELETE FROM call WHERE expires < ?", vec![number(now)])?;
        let left = rows(&sql, "SELECT 1 FROM session UNION ALL SELECT 1 FROM call LIMIT 1", vec![])?;
        self.sweeps.set(!left.is_empty());
        if !left.is_empty() {
            self.state.storage().set_alarm(SWEEP).await?;
        }
        Response::empty()
    }
}

impl StoreObject {
    fn tables(&self) -> worker::Result<SqlStorage> {
        let sql = self.state.storage().sql();
        if !self.has_tables.get() {
            sql.exec(TABLES, None)?;
            self.has_tables.set(true);
        }
        Ok(sql)
    }
}

fn execute(sql: &SqlStorage, call: Statement) -> worker::Result<Value> {
    let record = |profile: &Profile| serde_json::to_string(profile).map_err(worker::Error::from);
    Ok(match call {
        Statement::AddProfile { profile, package } => {
            let iccid = profile.iccid.to_string();
            let there = rows(sql, "SELECT state FROM profile WHERE iccid = ?", vec![iccid.as_str().into()])?;
            let available = there.first().map(|row| text(row, 0) == Some(state(ProfileState::Available)));
            if available != Some(false) {
                rows(
                    sql,
                    "INSERT INTO profile (iccid, version, record, state, profile_type, package)
                     VALUES (?, 0, ?, ?, ?, ?)
                     ON CONFLICT (iccid) DO UPDATE SET version = version + 1, record = excluded.record,
                     state = excluded.state, profile_type = excluded.profile_type,
                     package = excluded.package, bound = NULL",
                    vec![
                        iccid.into(),
                        record(&profile)?.into(),
                        state(profile.state).into(),
                        profile.profile_type.into(),
                        package.0.into(),
                    ],
                )?;
            }
            json!(available)
        }
        Statement::Profile { iccid } => {
            let found = rows(sql, "SELECT version, record FROM profile WHERE iccid = ?", vec![iccid.into()])?;
            match found.first() {
                None => Value::Null,
                Some(row) => serde_json::to_value(Row {
                    version: integer(row, 0).ok_or("version")?,
                    profile: serde_json::from_str(text(row, 1).ok_or("record")?)?,
                })?,
            }
        }
        Statement::Package { iccid } => {
            blob(rows(sql, "SELECT package FROM profile WHERE iccid = ?", vec![iccid.into()])?)
        }
        Statement::Bound { iccid } => {
            blob(rows(sql, "SELECT bound FROM profile WHERE iccid = ?", vec![iccid.into()])?)
        }
        Statement::Replace { version, profile, bound } => {
            let replaced = rows(
                sql,
                "UPDATE profile SET version = version + 1, record = ?, state = ?, profile_type = ?,
                 bound = coalesce(?, bound) WHERE iccid = ? AND version = ? RETURNING version",
                vec![
                    record(&profile)?.into(),
                    state(profile.state).into(),
                    profile.profile_type.clone().into(),
                    bound.map(|bound| bound.0).into(),
                    profile.iccid.to_string().into(),
                    number(version),
                ],
            )?;
            json!(!replaced.is_empty())
        }
        Statement::Available { profile_type, most } => texts(&rows(
            sql,
            "SELECT iccid FROM profile WHERE state = 'Available' AND profile_type = ?
             ORDER BY iccid LIMIT ?",
            vec![profile_type.into(), number(most as u64)],
        )?),
        Statement::Profiles { most } => {
            let query = "SELECT record FROM profile ORDER BY iccid LIMIT ?";
            let found = rows(sql, query, vec![number(most as u64)])?;
            let records = found.iter().filter_map(|row| text(row, 0));
            Value::Array(records.map(serde_json::from_str).collect::<Result<_, _>>()?)
        }
        Statement::ClaimMatchingId { id, iccid } => {
            let insert = "INSERT INTO matching_id (id, iccid) VALUES (?, ?) ON CONFLICT DO NOTHING";
            rows(sql, insert, vec![id.as_str().into(), iccid.into()])?;
            one(&rows(sql, "SELECT iccid FROM matching_id WHERE id = ?", vec![id.into()])?)
        }
        Statement::ReleaseMatchingId { id, iccid } => {
            let delete = "DELETE FROM matching_id WHERE id = ? AND iccid = ?";
            rows(sql, delete, vec![id.into(), iccid.into()])?;
            Value::Null
        }
        Statement::MatchingId { id } => {
            one(&rows(sql, "SELECT iccid FROM matching_id WHERE id = ?", vec![id.into()])?)
        }
        Statement::Link { eid, iccid } => {
            let insert = "INSERT INTO link (eid, iccid) VALUES (?, ?) ON CONFLICT DO NOTHING";
            rows(sql, insert, vec![eid.into(), iccid.into()])?;
            Value::Null
        }
        Statement::Unlink { eid, iccid } => {
            rows(sql, "DELETE FROM link WHERE eid = ? AND iccid = ?", vec![eid.into(), iccid.into()])?;
            Value::Null
        }
        Statement::Linked { eid } => {
            let query = "SELECT iccid FROM link WHERE eid = ? ORDER BY number LIMIT 64";
            texts(&rows(sql, query, vec![eid.into()])?)
        }
        Statement::RememberCall { id, iccid, expires } => {
            rows(
                sql,
                "INSERT INTO call (id, iccid, expires) VALUES (?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET iccid = excluded.iccid, expires = excluded.expires",
                vec![id.into(), iccid.into(), number(expires)],
            )?;
            Value::Null
        }
        Statement::CallOf { id } => one(&rows(sql, "SELECT iccid FROM call WHERE id = ?", vec![id.into()])?),
        Statement::BeginSession { id, iccid, expires } => {
            let begun = rows(
                sql,
                "INSERT INTO session (id, iccid, expires) VALUES (?, ?, ?)
                 ON CONFLICT DO NOTHING RETURNING id",
                vec![id.into(), iccid.into(), number(expires)],
            )?;
            json!(!begun.is_empty())
        }
        Statement::Session { id } => {
            one(&rows(sql, "SELECT iccid FROM session WHERE id = ?", vec![id.into()])?)
        }
    })
}

/// All rows of a statement. Never `SqlCursor::one`: without a row it throws where
/// nothing catches.
fn rows(sql: &SqlStorage, query: &str, bindings: Vec<Sql>) -> worker::Result<Vec<Vec<Sql>>> {
    sql.exec(query, bindings)?.raw().collect()
}

fn state(state: ProfileState) -> &'static str {
    match state {
        ProfileState::Available => "Available",
        _ => "Ordered",
    }
}

fn number(value: u64) -> Sql {
    // Times and versions stay far below the 2^53 that JavaScript can count to.
    Sql::Integer(i64::try_from(value).unwrap_or(i64::MAX).min(1 << 52))
}

fn integer(row: &[Sql], column: usize) -> Option<u64> {
    match row.get(column)? {
        Sql::Integer(value) => u64::try_from(*value).ok(),
        Sql::Float(value) => Some(*value as u64),
        _ => None,
    }
}

fn text(row: &[Sql], column: usize) -> Option<&str> {
    match row.get(column)? {
        Sql::String(text) => Some(text),
        _ => None,
    }
}

fn one(found: &[Vec<Sql>]) -> Value {
    found.first().and_then(|row| text(row, 0)).map_or(Value::Null, Value::from)
}

fn texts(found: &[Vec<Sql>]) -> Value {
    found.iter().filter_map(|row| text(row, 0)).map(Value::from).collect()
}

fn blob(found: Vec<Vec<Sql>>) -> Value {
    match found.into_iter().next().and_then(|row| row.into_iter().next()) {
        Some(Sql::Blob(bytes)) => json!(Base64(bytes)),
        _ => Value::Null,
    }
}

/// What `work` comes to, or `None` when it takes longer than `limit`.
///
/// Not with `worker::Delay`: it takes what `setTimeout` returns for a number, which
/// it is not under the runtime's Node.js compatibility.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let timer = Timer::start(limit);
    match select(pin!(work), pin!(JsFuture::from(timer.elapsed.clone()))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// A timer of the runtime, stopped when it is dropped.
struct Timer {
    elapsed: Promise,
    id: JsValue,
}

impl Timer {
    fn start(limit: Duration) -> Self {
        let mut id = JsValue::UNDEFINED;
        let milliseconds = JsValue::from_f64(limit.as_secs_f64() * 1000.0);
        let elapsed = Promise::new(&mut |resolve, _| {
            if let Some(set) = global("setTimeout") {
                id = set.call2(&JsValue::UNDEFINED, &resolve, &milliseconds).unwrap_or_default();
            }
        });
        Self { elapsed, id }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(clear) = global("clearTimeout") {
            // A timer that is over already is not an error.
            drop(clear.call1(&JsValue::UNDEFINED, &self.id));
        }
    }
}

fn global(name: &str) -> Option<Function> {
    Reflect::get(&js_sys::global(), &name.into()).ok()?.dyn_into().ok()
}
