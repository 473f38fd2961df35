//! One object of the store: its tables, the statements it executes, and its alarm.
//!
//! Between two statements nothing else happens, and the platform commits what one
//! statement writes together. So the record of a profile is compared and replaced in
//! one step, in the one object that owns it.

use core::cell::Cell;
use std::rc::Rc;

use js_sys::Uint8Array;
use rsp::es9::Base64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::{
    Date, DurableObject, Env, Request, Response, SqlStorage, SqlStorageValue as Sql, State, Storage,
    durable_object,
};

use super::durable::{DOOR, Here, Kind, Shard};
use super::{
    JournalPlace, JournalQuery, Link, Logged, MAX_JOURNAL, MAX_LINKS, MAX_PROFILE_TYPES, MAX_WAITING, Query,
    StoredProfileType, Tally,
};
use crate::Fault;
use crate::outbox::{Message, Outgoing};
use crate::profile::{Event, EventKind, Profile, ProfileState};
use crate::tend::Turn;

/// How often what has expired is removed, in seconds.
const SWEEP: u64 = 3600;
/// How long to wait after what is due could not be done, in seconds.
const REST: u64 = 60;
/// How many events the journal may have more than it keeps.
const HEAP: u64 = 64;

/// What an object is asked to do. Packages go beside it ([`frame`]), in the order of
/// the fields.
#[derive(Serialize, Deserialize)]
pub(super) enum Statement {
    AddProfile {
        columns: Columns,
        key_id: String,
        protected: bool,
    },
    Profile {
        iccid: String,
    },
    Packages {
        iccid: String,
    },
    Bound {
        iccid: String,
    },
    Replace {
        version: u64,
        columns: Columns,
        keeps_bound: bool,
        keeps_package: bool,
        bound: bool,
        packages: Option<String>,
        protected: bool,
    },
    Remove {
        version: u64,
        iccid: String,
    },
    Available {
        profile_type: String,
        most: usize,
    },
    HasType {
        profile_type: String,
    },
    List(Query),
    Journal(JournalQuery),
    Tally {
        key_id: String,
    },
    Expired {
        now: u64,
        most: usize,
    },
    SealedOtherwise {
        key_id: String,
        most: usize,
    },
    TemplatesSealedOtherwise {
        key_id: String,
        most: usize,
    },
    ReplaceTemplate {
        name: String,
        key_id: String,
    },
    CountTemplatesSealedOtherwise {
        key_id: String,
    },
    Due {
        now: u64,
        most: usize,
    },
    Settle {
        number: u64,
        again: Option<(u64, String)>,
    },
    PutProfileType(StoredProfileType),
    ProfileType {
        name: String,
    },
    ProfileTypes,
    RemoveProfileType {
        name: String,
    },
    /// The profile in this object whose open order has this matching id.
    Ordered {
        matching_id: String,
    },
    /// The profile in this object whose order is in this session.
    InSession {
        id: String,
    },
    ClaimMatchingId {
        id: String,
        iccid: String,
    },
    ReleaseMatchingId {
        id: String,
        iccid: String,
    },
    MatchingId {
        id: String,
    },
    Link {
        eid: String,
        iccid: String,
    },
    Unlink {
        eid: String,
        iccid: String,
    },
    Linked {
        eid: String,
        after: u64,
    },
    RememberCall {
        id: String,
        iccid: String,
        instead_of: Option<String>,
        expires: u64,
    },
    CallOf {
        id: String,
    },
    BeginSession {
        id: String,
        iccid: Option<String>,
        expires: u64,
    },
    Session {
        id: String,
    },
}

impl Statement {
    /// For when an alarm may be needed after it, in seconds since 1970.
    pub(super) fn sets_something_due(&self) -> Option<u64> {
        match self {
            Self::AddProfile { columns, .. } | Self::Replace { columns, .. } => {
                let message = (!columns.messages.is_empty()).then_some(0);
                message.or_else(|| columns.expires.map(|expires| expires + 1))
            }
            Self::Settle { .. } => Some(0),
            Self::RememberCall { expires, .. } | Self::BeginSession { expires, .. } => Some(expires + SWEEP),
            _ => None,
        }
    }
}

/// A profile's record, and what of it stands in columns of its own.
#[derive(Serialize, Deserialize)]
pub(super) struct Columns {
    pub(super) iccid: String,
    record: String,
    state: ProfileState,
    profile_type: Option<String>,
    changed: u64,
    eid: Option<String>,
    expires: Option<u64>,
    journal: Vec<Event>,
    messages: Vec<NewMessage>,
}

/// A message that a change leaves.
#[derive(Serialize, Deserialize)]
struct NewMessage {
    json: String,
    for_operator: bool,
    not_before: u64,
}

impl NewMessage {
    fn of(message: &Message) -> serde_json::Result<Self> {
        Ok(Self {
            json: serde_json::to_string(message)?,
            for_operator: message.is_for_operator(),
            not_before: message.not_before(),
        })
    }
}

impl Columns {
    pub(super) fn of(profile: &Profile) -> Result<Self, Fault> {
        let json = |error: serde_json::Error| Fault::new(format!("JSON: {error}"));
        let messages = profile.pending.messages.iter().map(NewMessage::of);
        Ok(Self {
            iccid: profile.iccid.to_string(),
            record: serde_json::to_string(profile).map_err(json)?,
            state: profile.state,
            profile_type: profile.profile_type.clone(),
            changed: profile.changed(),
            eid: profile.order.as_ref().and_then(|order| order.eid).map(|eid| eid.to_string()),
            expires: profile.expires(),
            journal: profile.pending.journal.clone(),
            messages: messages.collect::<Result<_, _>>().map_err(json)?,
        })
    }

    fn bindings(&self) -> Vec<Sql> {
        vec![
            self.record.as_str().into(),
            self.state.name().into(),
            self.profile_type.clone().into(),
            number(self.changed),
            self.eid.clone().into(),
            self.expires.map_or(Sql::Null, number),
        ]
    }
}

/// A message of the outbox, on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct OutboxRow {
    number: u64,
    iccid: String,
    message: String,
    attempts: u32,
    due: u64,
    last_error: Option<String>,
}

impl OutboxRow {
    pub(super) fn read(self, shard: Shard) -> Result<Outgoing, Fault> {
        let stored = |error: &dyn core::fmt::Display| Fault::new(format!("stored message: {error}"));
        Ok(Outgoing {
            id: format!("{}/{}", shard.name(), self.number),
            iccid: self.iccid.parse().map_err(|error| stored(&error))?,
            message: serde_json::from_str(&self.message).map_err(|error| stored(&error))?,
            attempts: self.attempts,
            due: self.due,
            last_error: self.last_error,
        })
    }
}

/// What came of a statement: JSON, and packages beside it.
pub(super) struct Answer {
    pub(super) json: String,
    pub(super) blobs: Vec<Vec<u8>>,
}

impl Answer {
    fn of(value: &impl Serialize) -> worker::Result<Self> {
        Ok(Self { json: serde_json::to_string(value)?, blobs: Vec::new() })
    }

    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_str(&self.json).map_err(|error| Fault::new(format!("answer of an object: {error}")))
    }
}

/// JSON and bytes in one body: each with its length in four bytes in front.
pub(super) fn frame(json: &str, blobs: &[&[u8]]) -> Vec<u8> {
    let length = json.len() + blobs.iter().map(|blob| blob.len() + 4).sum::<usize>() + 4;
    let mut body = Vec::with_capacity(length);
    for part in core::iter::once(json.as_bytes()).chain(blobs.iter().copied()) {
        body.extend_from_slice(&(part.len() as u32).to_be_bytes());
        body.extend_from_slice(part);
    }
    body
}

/// The parts of a [`frame`].
pub(super) fn unframe(body: &[u8]) -> Option<(String, Vec<Vec<u8>>)> {
    let mut parts = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (part, behind) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        parts.push(part.to_vec());
        rest = behind;
    }
    let mut parts = parts.into_iter();
    let json = String::from_utf8(parts.next()?).ok()?;
    Some((json, parts.collect()))
}

/// The tables of an object, whatever it is used for (docs/data-model.md).
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS profile (
        iccid TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL, state TEXT NOT NULL,
        profile_type TEXT, changed INTEGER NOT NULL, eid TEXT, expires INTEGER);
    CREATE INDEX IF NOT EXISTS profile_changed ON profile (changed, iccid);
    CREATE INDEX IF NOT EXISTS profile_state ON profile (state, changed, iccid);
    CREATE INDEX IF NOT EXISTS profile_type ON profile (profile_type, changed, iccid)
        WHERE profile_type IS NOT NULL;
    CREATE INDEX IF NOT EXISTS profile_open ON profile (profile_type, iccid) WHERE state = 'Available';
    CREATE INDEX IF NOT EXISTS profile_eid ON profile (eid, changed, iccid) WHERE eid IS NOT NULL;
    CREATE INDEX IF NOT EXISTS profile_expires ON profile (expires) WHERE expires IS NOT NULL;
    CREATE INDEX IF NOT EXISTS profile_matching_id ON profile (record ->> '$.order.matching_id');
    CREATE INDEX IF NOT EXISTS profile_session ON profile (record ->> '$.order.session.transaction_id');
    CREATE TABLE IF NOT EXISTS package (
        iccid TEXT PRIMARY KEY, key_id TEXT NOT NULL, package BLOB, protected BLOB);
    CREATE INDEX IF NOT EXISTS package_key ON package (key_id, iccid);
    CREATE TABLE IF NOT EXISTS bound (iccid TEXT PRIMARY KEY, package BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS journal (
        number INTEGER PRIMARY KEY, at INTEGER NOT NULL, iccid TEXT NOT NULL,
        kind TEXT NOT NULL, event TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS journal_at ON journal (at, iccid, number);
    CREATE TABLE IF NOT EXISTS outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT, iccid TEXT NOT NULL, for_operator INTEGER NOT NULL,
        message TEXT NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL, last_error TEXT);
    CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due, number);
    CREATE INDEX IF NOT EXISTS outbox_profile ON outbox (iccid, number) WHERE for_operator = 1;
    CREATE TABLE IF NOT EXISTS tally (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TRIGGER IF NOT EXISTS profile_left AFTER UPDATE OF state ON profile WHEN old.state <> new.state
    BEGIN
        INSERT INTO tally (name, count) VALUES ('state:' || old.state, -1), ('state:' || new.state, 1)
        ON CONFLICT (name) DO UPDATE SET count = count + excluded.count;
    END;
    CREATE TRIGGER IF NOT EXISTS journal_written AFTER INSERT ON journal
    BEGIN
        INSERT INTO tally (name, count) VALUES ('event:' || new.kind, 1)
        ON CONFLICT (name) DO UPDATE SET count = count + 1;
    END;
    CREATE TABLE IF NOT EXISTS profile_kind (
        name TEXT PRIMARY KEY, record TEXT NOT NULL, package BLOB, key_id TEXT NOT NULL DEFAULT '');
    CREATE TABLE IF NOT EXISTS matching_id (id TEXT PRIMARY KEY, iccid TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS link (
        number INTEGER PRIMARY KEY, eid TEXT NOT NULL, iccid TEXT NOT NULL, UNIQUE (eid, iccid));
    CREATE INDEX IF NOT EXISTS link_eid ON link (eid, number);
    CREATE TABLE IF NOT EXISTS call (
        id TEXT PRIMARY KEY, iccid TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS call_expires ON call (expires);
    CREATE TABLE IF NOT EXISTS session (
        id TEXT PRIMARY KEY, iccid TEXT, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS session_expires ON session (expires);
";

/// The tables, made where they are not there; those of the first layout, which had
/// packages and records in one, are carried over.
fn prepare(sql: &SqlStorage) -> worker::Result<()> {
    let first = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'profile'
                 AND sql LIKE '%package BLOB NOT NULL%'";
    if !rows(sql, first, vec![])?.is_empty() {
        sql.exec("DROP INDEX IF EXISTS profile_available", None)?;
        sql.exec("ALTER TABLE profile RENAME TO profile_1", None)?;
    }
    sql.exec(TABLES, None)?;
    // Before templates moved under a new key by themselves, nothing said under which they are.
    let named = "SELECT 1 FROM pragma_table_info('profile_kind') WHERE name = 'key_id'";
    if rows(sql, named, vec![])?.is_empty() {
        sql.exec("ALTER TABLE profile_kind ADD COLUMN key_id TEXT NOT NULL DEFAULT ''", None)?;
    }
    let older = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'profile_1'";
    if rows(sql, older, vec![])?.is_empty() { Ok(()) } else { carry_over(sql) }
}

/// Row by row, each of them whole: it goes on where it was broken off. A row that can't be
/// read stays where it is, and is told of.
fn carry_over(sql: &SqlStorage) -> worker::Result<()> {
    let mut last = String::new();
    loop {
        let query = "SELECT iccid, version, record FROM profile_1 WHERE iccid > ? ORDER BY iccid LIMIT 100";
        let found = rows(sql, query, vec![last.as_str().into()])?;
        let Some(end) = found.last().and_then(|row| text(row, 0)) else { break };
        last = end.to_owned();
        for row in &found {
            let record = text(row, 2).and_then(|record| serde_json::from_str::<Profile>(record).ok());
            let Some(columns) = record.and_then(|profile| Columns::of(&profile).ok()) else {
                worker::console_error!(
                    "SM-DP+: a record of the first layout can't be read and is left alone"
                );
                continue;
            };
            let iccid = || Sql::from(columns.iccid.as_str());
            insert(sql, &columns, integer(row, 1).unwrap_or(0))?;
            let package = "INSERT OR REPLACE INTO package (iccid, key_id, package)
                           SELECT iccid, '', package FROM profile_1 WHERE iccid = ?";
            rows(sql, package, vec![iccid()])?;
            let bound = "INSERT OR REPLACE INTO bound (iccid, package)
                         SELECT iccid, bound FROM profile_1 WHERE iccid = ? AND bound IS NOT NULL";
            rows(sql, bound, vec![iccid()])?;
            rows(sql, "DELETE FROM profile_1 WHERE iccid = ?", vec![iccid()])?;
        }
    }
    if rows(sql, "SELECT 1 FROM profile_1 LIMIT 1", vec![])?.is_empty() {
        sql.exec("DROP TABLE profile_1", None)?;
    }
    Ok(())
}

/// An object that the first version of this server left behind is carried over.
#[cfg(feature = "self-test")]
pub(super) fn carries_over(sql: &SqlStorage) -> worker::Result<()> {
    /// Its table, and a record as it wrote them.
    const FIRST: &str = "
        DROP TABLE IF EXISTS profile; DROP TABLE IF EXISTS package; DROP TABLE IF EXISTS bound;
        CREATE TABLE profile (
            iccid TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL,
            state TEXT NOT NULL, profile_type TEXT, package BLOB NOT NULL, bound BLOB) WITHOUT ROWID;
        CREATE INDEX profile_available ON profile (profile_type, iccid) WHERE state = 'Available';";
    const RECORD: &str = r#"{"iccid":"8900101000000000016","profile_type":null,"metadata":"vyUA",
        "package":{"length":3,"major":2,"minor":3},"state":"Released","order":{"eid":null,"matching_id":"A-1",
        "confirmation_code":null,"confirmation_failures":0,"download_attempts":2,"expires":1900000000,
        "session":null,"euicc_key":null,"bound_otpk":null,"delivered":[]},
        "events":[{"at":5,"event":"added"},{"at":7,"event":"released"}],"notifications":[],"calls":[]}"#;
    let holds = |it: bool, promise: &str| if it { Ok(()) } else { Err(format!("broken: {promise}")) };
    sql.exec(FIRST, None)?;
    let put = "INSERT INTO profile VALUES (?, 7, ?, 'Ordered', NULL, x'616263', x'0102')";
    rows(sql, put, vec!["8900101000000000016".into(), RECORD.into()])?;
    rows(sql, put, vec!["8900101000000000024".into(), "{".into()])?;
    prepare(sql)?;
    prepare(sql)?;
    let iccid = "8900101000000000016".to_owned();
    let profile = execute(sql, &Statement::Profile { iccid: iccid.clone() }, vec![])?.json;
    holds(profile.starts_with(r#"{"version":7,"#) && profile.contains("A-1"), "a record is carried over")?;
    let packages = execute(sql, &Statement::Packages { iccid: iccid.clone() }, vec![])?;
    holds(packages.json == r#""""# && packages.blobs == [b"abc".to_vec()], "with its package")?;
    let bound = execute(sql, &Statement::Bound { iccid: iccid.clone() }, vec![])?;
    holds(bound.blobs == [vec![1, 2]], "and the one handed out")?;
    let released = Query { state: Some(ProfileState::Released), most: 10, ..Query::default() };
    let listed = execute(sql, &Statement::List(released), vec![])?.json;
    holds(listed.matches("A-1").count() == 1, "it is listed")?;
    let due = execute(sql, &Statement::Expired { now: 1_900_000_001, most: 10 }, vec![])?.json;
    holds(due.contains(&iccid), "and has its time")?;
    let left = rows(sql, "SELECT iccid FROM profile_1", vec![])?;
    holds(left.len() == 1, "what can't be read is left alone")?;
    Ok(sql.exec("DROP TABLE profile_1", None).map(drop)?)
}

/// One object of the store.
#[durable_object]
pub struct StoreObject {
    state: Rc<State>,
    env: Env,
    prepared: Cell<bool>,
    alarm: Rc<Alarm>,
    /// What is due is done by one at a time.
    turn: Turn,
}

// Nothing is left half done by a panic: statements commit together or not at all,
// and the cells only say what need not be done again.
impl std::panic::UnwindSafe for StoreObject {}
impl std::panic::RefUnwindSafe for StoreObject {}

impl DurableObject for StoreObject {
    fn new(state: State, env: Env) -> Self {
        let alarm = Rc::new(Alarm { set_for: Cell::new(u64::MAX), not_before: Cell::new(0) });
        Self { state: Rc::new(state), env, prepared: Cell::new(false), alarm, turn: Turn::new() }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let path = request.path();
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let (name, what) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let Some(shard) = Shard::from_name(name) else {
            return Response::error("no such object", 400);
        };
        if let Some(path) = what.strip_prefix(DOOR) {
            let here = self.here(shard, self.sql(Some(shard))?);
            return crate::worker::inside(request.inner(), path, &self.env, here).await.map(Into::into);
        }
        match what {
            "statement" => {
                let body = JsFuture::from(request.inner().array_buffer()?).await?;
                self.statement(shard, &Uint8Array::new(&body).to_vec()).await
            }
            #[cfg(feature = "self-test")]
            "carries-over" => {
                carries_over(&self.state.storage().sql())?;
                Response::empty()
            }
            "tend" => {
                let sql = self.sql(Some(shard))?;
                self.tend(shard, &sql).await?;
                Response::empty()
            }
            _ => Response::error("unknown", 400),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let sql = self.sql(None)?;
        self.alarm.set_for.set(u64::MAX);
        let name = rows(&sql, "SELECT value FROM meta WHERE name = 'shard'", vec![])?;
        let name = name.first().and_then(|row| text(row, 0));
        if let Some(shard) = name.and_then(Shard::from_name) {
            self.tend(shard, &sql).await?;
        }
        Response::empty()
    }
}

impl StoreObject {
    /// The tables; notes which object this is, which an alarm does not tell.
    fn sql(&self, shard: Option<Shard>) -> worker::Result<SqlStorage> {
        let sql = self.state.storage().sql();
        if !self.prepared.get() {
            prepare(&sql)?;
            if let Some(shard) = shard {
                let note = "INSERT INTO meta (name, value) VALUES ('shard', ?) ON CONFLICT DO NOTHING";
                rows(&sql, note, vec![shard.name().into()])?;
                self.prepared.set(true);
            }
        }
        Ok(sql)
    }

    async fn statement(&self, shard: Shard, body: &[u8]) -> worker::Result<Response> {
        let Some((json, blobs)) = unframe(body) else {
            return Response::error("a frame is expected", 400);
        };
        let call: Statement = match serde_json::from_str(&json) {
            Ok(call) => call,
            Err(error) => return Response::error(format!("statement: {error}"), 400),
        };
        // From here to the answer nothing waits.
        let sql = self.sql(Some(shard))?;
        let answer = execute(&sql, &call, blobs);
        if let Some(due) = call.sets_something_due().filter(|_| answer.is_ok())
            && due < self.alarm.set_for.get()
        {
            arm(&self.state.storage(), &sql, &self.alarm).await?;
        }
        match answer {
            Ok(Answer { json, blobs }) => {
                let blobs: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
                Response::from_bytes(frame(&json, &blobs))
            }
            Err(error) => Response::error(error.to_string(), 500),
        }
    }

    /// Removes what has expired, and does what is due.
    async fn tend(&self, shard: Shard, sql: &SqlStorage) -> worker::Result<()> {
        let now = Date::now().as_millis() / 1000;
        sql.exec("DELETE FROM session WHERE expires < ?", vec![number(now)])?;
        sql.exec("DELETE FROM call WHERE expires < ?", vec![number(now)])?;
        if shard.kind == Kind::Profile {
            match self.turn.take(now) {
                Ok(taken) => {
                    let done = crate::worker::tend(&self.env, self.here(shard, sql.clone())).await;
                    self.turn.give_back(taken);
                    // What can't be done now is still due: not at once, for it may never be done.
                    let rest = if done { 0 } else { REST };
                    self.alarm.not_before.set(Date::now().as_millis() / 1000 + rest);
                }
                // Whoever is at it sets the alarm when it is done; should it never be, this one rings.
                Err(until) => self.alarm.not_before.set(until),
            }
        }
        self.alarm.set_for.set(u64::MAX);
        arm(&self.state.storage(), sql, &self.alarm).await
    }

    /// For code that runs in this object.
    fn here(&self, shard: Shard, sql: SqlStorage) -> Here {
        let (state, alarm, tables) = (Rc::clone(&self.state), Rc::clone(&self.alarm), sql.clone());
        let changed = Rc::new(move |due: u64| {
            if due >= alarm.set_for.get() {
                return;
            }
            let (state, alarm, sql) = (Rc::clone(&state), Rc::clone(&alarm), tables.clone());
            spawn_local(async move {
                if let Err(error) = arm(&state.storage(), &sql, &alarm).await {
                    worker::console_error!("SM-DP+: alarm: {error}");
                }
            });
        });
        Here { shard, sql, changed }
    }
}

/// When an object is to wake, as far as it is known; seconds since 1970.
struct Alarm {
    set_for: Cell<u64>,
    /// It rests until then.
    not_before: Cell<u64>,
}

/// Sets the alarm to when something is due next, unless it is set for no later.
async fn arm(storage: &Storage, sql: &SqlStorage, alarm: &Alarm) -> worker::Result<()> {
    let next = "SELECT min(next) FROM (
        SELECT min(due) AS next FROM outbox UNION ALL
        SELECT min(expires) + 1 FROM profile WHERE expires IS NOT NULL UNION ALL
        SELECT min(expires) + ? FROM session UNION ALL
        SELECT min(expires) + ? FROM call)";
    let next = rows(sql, next, vec![number(SWEEP), number(SWEEP)])?;
    let Some(next) = next.first().and_then(|row| integer(row, 0)) else { return Ok(()) };
    let next = next.max(alarm.not_before.get());
    if next >= alarm.set_for.get() {
        return Ok(());
    }
    alarm.set_for.set(next);
    let now = Date::now().as_millis();
    let wait = (next * 1000).saturating_sub(now);
    let set = storage.set_alarm(core::time::Duration::from_millis(wait)).await;
    if set.is_err() {
        alarm.set_for.set(u64::MAX);
    }
    set
}

/// Executes a statement, without waiting.
pub(super) fn execute(sql: &SqlStorage, call: &Statement, blobs: Vec<Vec<u8>>) -> worker::Result<Answer> {
    let mut blobs = blobs.into_iter();
    let mut blob = |wanted: bool| wanted.then(|| blobs.next().unwrap_or_default());
    match call {
        Statement::AddProfile { columns, key_id, protected } => {
            let (package, protected) = (blob(true), blob(*protected));
            let there = rows(
                sql,
                "SELECT state, version FROM profile WHERE iccid = ?",
                vec![columns.iccid.as_str().into()],
            )?;
            let there = there.first();
            let available = there.map(|row| text(row, 0) == Some(ProfileState::Available.name()));
            if available != Some(false) {
                let version = match there.and_then(|row| integer(row, 1)) {
                    Some(version) => version + 1,
                    None => first_version(sql)?,
                };
                // First what may be too long for a row: an error does not undo what was written
                // before it, and a profile without a package could be ordered.
                run(
                    sql,
                    "INSERT OR REPLACE INTO package (iccid, key_id, package, protected) VALUES (?, ?, ?, ?)",
                    vec![
                        columns.iccid.as_str().into(),
                        key_id.as_str().into(),
                        package.into(),
                        protected.into(),
                    ],
                )?;
                insert(sql, columns, version)?;
                if available.is_some() {
                    run(sql, "DELETE FROM bound WHERE iccid = ?", vec![columns.iccid.as_str().into()])?;
                }
                keep(sql, columns)?;
            }
            Answer::of(&available)
        }
        Statement::Profile { iccid } => {
            let query = "SELECT version, record FROM profile WHERE iccid = ?";
            let found = rows(sql, query, vec![iccid.as_str().into()])?;
            let json = match found.first() {
                None => "null".to_owned(),
                Some(row) => format!(
                    r#"{{"version":{},"profile":{}}}"#,
                    integer(row, 0).ok_or("version")?,
                    text(row, 1).ok_or("record")?
                ),
            };
            Ok(Answer { json, blobs: Vec::new() })
        }
        Statement::Packages { iccid } => {
            let query = "SELECT key_id, package, protected FROM package
                         WHERE iccid = ? AND package IS NOT NULL";
            let row = rows(sql, query, vec![iccid.as_str().into()])?.into_iter().next().unwrap_or_default();
            let json = serde_json::to_string(&text(&row, 0))?;
            Ok(Answer { json, blobs: row.into_iter().skip(1).filter_map(bytes).collect() })
        }
        Statement::Bound { iccid } => {
            let query = "SELECT package FROM bound WHERE iccid = ?";
            let found = rows(sql, query, vec![iccid.as_str().into()])?;
            let blobs = found.into_iter().flatten().filter_map(bytes).collect();
            Ok(Answer { json: "null".to_owned(), blobs })
        }
        Statement::Replace { version, columns, keeps_bound, keeps_package, bound, packages, protected } => {
            let bound = blob(*bound);
            let package = blob(packages.is_some());
            let protected = blob(*protected);
            let iccid = || Sql::from(columns.iccid.as_str());
            let mut bindings = columns.bindings();
            bindings.extend([iccid(), number(*version)]);
            let replaced = rows(
                sql,
                "UPDATE profile SET version = version + 1, record = ?, state = ?, profile_type = ?,
                 changed = ?, eid = ?, expires = ? WHERE iccid = ? AND version = ? RETURNING version",
                bindings,
            )?;
            if replaced.is_empty() {
                return Answer::of(&false);
            }
            if let Some(package) = package {
                let key_id = packages.clone().unwrap_or_default();
                let update = "UPDATE package SET key_id = ?, package = ?, protected = ? WHERE iccid = ?";
                run(sql, update, vec![key_id.into(), package.into(), protected.into(), iccid()])?;
            }
            if bound.is_some() {
                let put = "INSERT OR REPLACE INTO bound (iccid, package) VALUES (?, ?)";
                run(sql, put, vec![iccid(), bound.into()])?;
            }
            if !keeps_bound {
                run(sql, "DELETE FROM bound WHERE iccid = ?", vec![iccid()])?;
            }
            if !keeps_package {
                let erase = "UPDATE package SET package = NULL, protected = NULL
                             WHERE iccid = ? AND (package IS NOT NULL OR protected IS NOT NULL)";
                run(sql, erase, vec![iccid()])?;
            }
            keep(sql, columns)?;
            Answer::of(&true)
        }
        Statement::Remove { version, iccid } => {
            let delete = "DELETE FROM profile WHERE iccid = ? AND version = ? RETURNING state";
            let removed = rows(sql, delete, vec![iccid.as_str().into(), number(*version)])?;
            if let Some(state) = removed.first().and_then(|row| text(row, 0)) {
                above(sql, *version)?;
                count(sql, &format!("state:{state}"), -1)?;
                run(sql, "DELETE FROM package WHERE iccid = ?", vec![iccid.as_str().into()])?;
                run(sql, "DELETE FROM bound WHERE iccid = ?", vec![iccid.as_str().into()])?;
            }
            Answer::of(&!removed.is_empty())
        }
        Statement::Available { profile_type, most } => texts(&rows(
            sql,
            "SELECT iccid FROM profile WHERE state = 'Available' AND profile_type = ?
             ORDER BY iccid LIMIT ?",
            vec![profile_type.as_str().into(), number(*most as u64)],
        )?),
        Statement::HasType { profile_type } => {
            let query = "SELECT 1 FROM profile WHERE profile_type = ? LIMIT 1";
            Answer::of(&!rows(sql, query, vec![profile_type.as_str().into()])?.is_empty())
        }
        Statement::List(query) => list(sql, query),
        Statement::Journal(query) => journal(sql, query),
        Statement::Tally { key_id } => tally(sql, key_id),
        Statement::Expired { now, most } => texts(&rows(
            sql,
            "SELECT iccid FROM profile WHERE expires < ? ORDER BY expires LIMIT ?",
            vec![number(*now), number(*most as u64)],
        )?),
        Statement::SealedOtherwise { key_id, most } => texts(&rows(
            sql,
            "SELECT iccid FROM package WHERE key_id < ?1 OR key_id > ?1 LIMIT ?2",
            vec![key_id.as_str().into(), number(*most as u64)],
        )?),
        Statement::TemplatesSealedOtherwise { key_id, most } => texts(&rows(
            sql,
            "SELECT name FROM profile_kind WHERE package IS NOT NULL AND key_id <> ? ORDER BY name LIMIT ?",
            vec![key_id.as_str().into(), number(*most as u64)],
        )?),
        Statement::CountTemplatesSealedOtherwise { key_id } => {
            let query = "SELECT count(*) FROM profile_kind WHERE package IS NOT NULL AND key_id <> ?";
            let found = rows(sql, query, vec![key_id.as_str().into()])?;
            Answer::of(&found.first().and_then(|row| integer(row, 0)).unwrap_or(0))
        }
        Statement::ReplaceTemplate { name, key_id } => {
            let (before, after) = (blob(true), blob(true));
            let replace = "UPDATE profile_kind SET package = ?, key_id = ? WHERE name = ? AND package = ?
                           RETURNING name";
            let bindings = vec![after.into(), key_id.as_str().into(), name.as_str().into(), before.into()];
            Answer::of(&!rows(sql, replace, bindings)?.is_empty())
        }
        Statement::Due { now, most } => {
            let query = "SELECT number, iccid, message, attempts, due, last_error FROM outbox
                         WHERE due <= ? ORDER BY due, number LIMIT ?";
            let found = rows(sql, query, vec![number(*now), number(*most as u64)])?;
            let message = |row: &Vec<Sql>| {
                Some(OutboxRow {
                    number: integer(row, 0)?,
                    iccid: text(row, 1)?.to_owned(),
                    message: text(row, 2)?.to_owned(),
                    attempts: u32::try_from(integer(row, 3)?).ok()?,
                    due: integer(row, 4)?,
                    last_error: text(row, 5).map(str::to_owned),
                })
            };
            Answer::of(&found.iter().filter_map(message).collect::<Vec<_>>())
        }
        Statement::Settle { number: settled, again } => {
            match again {
                None => rows(sql, "DELETE FROM outbox WHERE number = ?", vec![number(*settled)])?,
                Some((due, because)) => {
                    let again = "UPDATE outbox SET attempts = attempts + 1, due = ?, last_error = ?
                                 WHERE number = ?";
                    rows(sql, again, vec![number(*due), because.as_str().into(), number(*settled)])?;
                    let behind = "UPDATE outbox SET due = max(due, ?1) WHERE for_operator = 1 AND number > ?2
                                  AND iccid = (SELECT iccid FROM outbox
                                               WHERE number = ?2 AND for_operator = 1)";
                    rows(sql, behind, vec![number(*due), number(*settled)])?
                }
            };
            Answer::of(&())
        }
        Statement::PutProfileType(kind) => {
            let name = || Sql::from(kind.name.as_str());
            let there = rows(sql, "SELECT 1 FROM profile_kind WHERE name = ?", vec![name()])?;
            let all = rows(sql, "SELECT count(*) FROM profile_kind", vec![])?;
            let all = all.first().and_then(|row| integer(row, 0)).unwrap_or(0);
            if there.is_empty() && all >= MAX_PROFILE_TYPES as u64 {
                return Answer::of(&None::<bool>);
            }
            let package = kind.package.as_ref().map(|package| package.0.clone());
            let put = "INSERT OR REPLACE INTO profile_kind (name, record, package, key_id)
                       VALUES (?, ?, ?, ?)";
            let bindings =
                vec![name(), kind.record.as_str().into(), package.into(), kind.key_id.as_str().into()];
            run(sql, put, bindings)?;
            Answer::of(&Some(there.is_empty()))
        }
        Statement::ProfileType { name } => {
            let query = "SELECT name, record, key_id, package FROM profile_kind WHERE name = ?";
            Answer::of(&kinds(rows(sql, query, vec![name.as_str().into()])?).into_iter().next())
        }
        Statement::ProfileTypes => {
            let query = "SELECT name, record, key_id, NULL FROM profile_kind ORDER BY name";
            Answer::of(&kinds(rows(sql, query, vec![])?))
        }
        Statement::RemoveProfileType { name } => {
            let delete = "DELETE FROM profile_kind WHERE name = ? RETURNING name";
            Answer::of(&!rows(sql, delete, vec![name.as_str().into()])?.is_empty())
        }
        Statement::Ordered { matching_id } => one(&rows(
            sql,
            // Orders that have ended keep theirs, and another one may have it since.
            "SELECT iccid FROM profile WHERE record ->> '$.order.matching_id' = ? AND expires IS NOT NULL",
            vec![matching_id.as_str().into()],
        )?),
        Statement::InSession { id } => one(&rows(
            sql,
            "SELECT iccid FROM profile WHERE record ->> '$.order.session.transaction_id' = ?",
            vec![id.as_str().into()],
        )?),
        Statement::ClaimMatchingId { id, iccid } => {
            let insert = "INSERT INTO matching_id (id, iccid) VALUES (?, ?) ON CONFLICT DO NOTHING";
            run(sql, insert, vec![id.as_str().into(), iccid.as_str().into()])?;
            one(&rows(sql, "SELECT iccid FROM matching_id WHERE id = ?", vec![id.as_str().into()])?)
        }
        Statement::ReleaseMatchingId { id, iccid } => {
            let delete = "DELETE FROM matching_id WHERE id = ? AND iccid = ?";
            run(sql, delete, vec![id.as_str().into(), iccid.as_str().into()])?;
            Answer::of(&())
        }
        Statement::MatchingId { id } => {
            one(&rows(sql, "SELECT iccid FROM matching_id WHERE id = ?", vec![id.as_str().into()])?)
        }
        Statement::Link { eid, iccid } => {
            let insert = "INSERT INTO link (eid, iccid) VALUES (?, ?) ON CONFLICT DO NOTHING";
            run(sql, insert, vec![eid.as_str().into(), iccid.as_str().into()])?;
            Answer::of(&())
        }
        Statement::Unlink { eid, iccid } => {
            let delete = "DELETE FROM link WHERE eid = ? AND iccid = ?";
            run(sql, delete, vec![eid.as_str().into(), iccid.as_str().into()])?;
            Answer::of(&())
        }
        Statement::Linked { eid, after } => {
            let query = "SELECT number, iccid FROM link WHERE eid = ? AND number > ? ORDER BY number LIMIT ?";
            let page = vec![eid.as_str().into(), number(*after), number(MAX_LINKS as u64)];
            let link =
                |row: &Vec<Sql>| Some(Link { number: integer(row, 0)?, iccid: text(row, 1)?.parse().ok()? });
            Answer::of(&rows(sql, query, page)?.iter().filter_map(link).collect::<Vec<_>>())
        }
        Statement::RememberCall { id, iccid, instead_of, expires } => {
            run(
                sql,
                "INSERT INTO call (id, iccid, expires) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET iccid = ?2, expires = ?3 WHERE iccid = ?4",
                vec![id.as_str().into(), iccid.as_str().into(), number(*expires), instead_of.clone().into()],
            )?;
            one(&rows(sql, "SELECT iccid FROM call WHERE id = ?", vec![id.as_str().into()])?)
        }
        Statement::CallOf { id } => {
            one(&rows(sql, "SELECT iccid FROM call WHERE id = ?", vec![id.as_str().into()])?)
        }
        Statement::BeginSession { id, iccid, expires } => {
            let begun = rows(
                sql,
                "INSERT INTO session (id, iccid, expires) VALUES (?, ?, ?)
                 ON CONFLICT DO NOTHING RETURNING id",
                vec![id.as_str().into(), iccid.clone().into(), number(*expires)],
            )?;
            Answer::of(&!begun.is_empty())
        }
        Statement::Session { id } => {
            one(&rows(sql, "SELECT iccid FROM session WHERE id = ?", vec![id.as_str().into()])?)
        }
    }
}

/// Writes a profile's row, new or in the place of one that nobody has ordered.
fn insert(sql: &SqlStorage, columns: &Columns, version: u64) -> worker::Result<()> {
    let before = rows(sql, "SELECT state FROM profile WHERE iccid = ?", vec![columns.iccid.as_str().into()])?;
    if let Some(before) = before.first().and_then(|row| text(row, 0)) {
        count(sql, &format!("state:{before}"), -1)?;
    }
    let mut bindings = columns.bindings();
    bindings.extend([columns.iccid.as_str().into(), number(version)]);
    run(
        sql,
        "INSERT OR REPLACE INTO profile (record, state, profile_type, changed, eid, expires, iccid, version)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        bindings,
    )?;
    count(sql, &format!("state:{}", columns.state.name()), 1)
}

/// What versions begin with in this object: above those of all records that were removed, so
/// that a new record of the same ICCID is never taken for the old one.
fn first_version(sql: &SqlStorage) -> worker::Result<u64> {
    let query = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'versions'";
    Ok(rows(sql, query, vec![])?.first().and_then(|row| integer(row, 0)).unwrap_or(0))
}

/// From now on versions begin above this one.
fn above(sql: &SqlStorage, version: u64) -> worker::Result<()> {
    run(
        sql,
        "INSERT INTO meta (name, value) VALUES ('versions', ?1) ON CONFLICT (name)
         DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
        vec![(version + 1).to_string().into()],
    )
}

/// Takes over what goes with a change.
fn keep(sql: &SqlStorage, columns: &Columns) -> worker::Result<()> {
    if !columns.journal.is_empty() {
        let mut bindings = Vec::with_capacity(4 * columns.journal.len());
        for event in &columns.journal {
            bindings.extend([
                number(event.at),
                columns.iccid.as_str().into(),
                event.event.name().into(),
                serde_json::to_string(event)?.into(),
            ]);
        }
        let values = vec!["(?, ?, ?, ?)"; columns.journal.len()].join(", ");
        let insert = format!("INSERT INTO journal (at, iccid, kind, event) VALUES {values} RETURNING number");
        let written = rows(sql, &insert, bindings)?;
        // Not for each of them: what is too old is taken away in heaps.
        if written.iter().filter_map(|row| integer(row, 0)).any(|number| number % HEAP == 0) {
            let oldest = "DELETE FROM journal WHERE number <= (SELECT max(number) FROM journal) - ?";
            run(sql, oldest, vec![number(MAX_JOURNAL as u64)])?;
        }
    }
    for message in &columns.messages {
        // To the operator: behind those of the same profile that wait.
        run(
            sql,
            "INSERT INTO outbox (iccid, for_operator, message, attempts, due) VALUES (?1, ?2, ?3, 0,
             max(?4, coalesce((SELECT max(due) FROM outbox
                               WHERE ?2 = 1 AND for_operator = 1 AND iccid = ?1), 0)))",
            vec![
                columns.iccid.as_str().into(),
                Sql::Integer(i64::from(message.for_operator)),
                message.json.as_str().into(),
                number(columns.changed.max(message.not_before)),
            ],
        )?;
    }
    if !columns.messages.is_empty() {
        // By number, not by count: those in between may have been acknowledged.
        let oldest = "DELETE FROM outbox WHERE number <= (SELECT number FROM outbox
                      ORDER BY number DESC LIMIT 1 OFFSET ?)";
        run(sql, oldest, vec![number(MAX_WAITING as u64)])?;
    }
    Ok(())
}

fn count(sql: &SqlStorage, name: &str, by: i64) -> worker::Result<()> {
    run(
        sql,
        "INSERT INTO tally (name, count) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET count = count + ?2",
        vec![name.into(), Sql::Integer(by)],
    )?;
    Ok(())
}

fn list(sql: &SqlStorage, query: &Query) -> worker::Result<Answer> {
    let mut conditions = vec!["1"];
    let mut bindings: Vec<Sql> = Vec::new();
    if let Some(state) = query.state {
        conditions.push("state = ?");
        bindings.push(state.name().into());
    }
    if let Some(profile_type) = &query.profile_type {
        conditions.push("profile_type = ?");
        bindings.push(profile_type.as_str().into());
    }
    if let Some(eid) = &query.eid {
        conditions.push("eid = ?");
        bindings.push(eid.to_string().into());
    }
    if let Some(prefix) = &query.iccid_prefix {
        // Digits only: `:` is what follows 9.
        conditions.push("iccid >= ? AND iccid < ? || ':'");
        bindings.extend([prefix.as_str().into(), prefix.as_str().into()]);
    }
    if let Some(after) = &query.after {
        conditions.push("(changed, iccid) < (?, ?)");
        bindings.extend([number(after.changed), after.iccid.to_string().into()]);
    }
    bindings.push(number(query.most as u64));
    let text_of = format!(
        "SELECT record FROM profile WHERE {} ORDER BY changed DESC, iccid DESC LIMIT ?",
        conditions.join(" AND ")
    );
    let found = rows(sql, &text_of, bindings)?;
    let records: Vec<&str> = found.iter().filter_map(|row| text(row, 0)).collect();
    Ok(Answer { json: format!("[{}]", records.join(",")), blobs: Vec::new() })
}

fn journal(sql: &SqlStorage, query: &JournalQuery) -> worker::Result<Answer> {
    let mut conditions = vec!["1".to_owned()];
    let mut bindings: Vec<Sql> = Vec::new();
    if !query.kinds.is_empty() {
        conditions.push(format!("kind IN ({})", vec!["?"; query.kinds.len()].join(", ")));
        bindings.extend(query.kinds.iter().map(|kind| kind.name().into()));
    }
    if let Some(iccid) = &query.iccid {
        conditions.push("iccid = ?".to_owned());
        bindings.push(iccid.to_string().into());
    }
    if let Some(after) = &query.after {
        conditions.push("(at, iccid, number) < (?, ?, ?)".to_owned());
        bindings.extend([number(after.at), after.iccid.to_string().into(), number(after.number)]);
    }
    bindings.push(number(query.most as u64));
    let text_of = format!(
        "SELECT at, iccid, number, event FROM journal WHERE {}
         ORDER BY at DESC, iccid DESC, number DESC LIMIT ?",
        conditions.join(" AND ")
    );
    let logged = |row: &Vec<Sql>| {
        let place = JournalPlace {
            at: integer(row, 0)?,
            iccid: text(row, 1)?.parse().ok()?,
            number: integer(row, 2)?,
        };
        Some(Logged { place, event: serde_json::from_str(text(row, 3)?).ok()? })
    };
    Answer::of(&rows(sql, &text_of, bindings)?.iter().filter_map(logged).collect::<Vec<_>>())
}

fn tally(sql: &SqlStorage, key_id: &str) -> worker::Result<Answer> {
    let mut tally = Tally::default();
    for row in rows(sql, "SELECT name, count FROM tally WHERE count > 0", vec![])? {
        let (Some((of, name)), Some(count)) =
            (text(&row, 0).and_then(|n| n.split_once(':')), integer(&row, 1))
        else {
            continue;
        };
        match of {
            "state" => tally.states.extend(ProfileState::from_name(name).map(|state| (state, count))),
            _ => tally.events.extend(EventKind::from_name(name).map(|kind| (kind, count))),
        }
    }
    let number_of = |query: &str, bindings| -> worker::Result<u64> {
        Ok(rows(sql, query, bindings)?.first().and_then(|row| integer(row, 0)).unwrap_or(0))
    };
    tally.waiting = number_of("SELECT count(*) FROM outbox", vec![])?;
    tally.sealed_otherwise =
        number_of("SELECT count(*) FROM package WHERE key_id < ?1 OR key_id > ?1", vec![key_id.into()])?;
    Answer::of(&tally)
}

fn kinds(found: Vec<Vec<Sql>>) -> Vec<StoredProfileType> {
    let kind = |row: Vec<Sql>| {
        let (name, record) = (text(&row, 0)?.to_owned(), text(&row, 1)?.to_owned());
        let key_id = text(&row, 2)?.to_owned();
        let package = row.into_iter().nth(3).and_then(bytes).map(Base64);
        Some(StoredProfileType { name, record, package, key_id })
    };
    found.into_iter().filter_map(kind).collect()
}

/// Executes a statement that has no rows.
fn run(sql: &SqlStorage, query: &str, bindings: Vec<Sql>) -> worker::Result<()> {
    sql.exec(query, bindings).map(drop)
}

/// All rows of a statement. Never `SqlCursor::one`: without a row it throws where
/// nothing catches.
fn rows(sql: &SqlStorage, query: &str, bindings: Vec<Sql>) -> worker::Result<Vec<Vec<Sql>>> {
    sql.exec(query, bindings)?.raw().collect()
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

fn bytes(value: Sql) -> Option<Vec<u8>> {
    match value {
        Sql::Blob(bytes) => Some(bytes),
        _ => None,
    }
}

fn one(found: &[Vec<Sql>]) -> worker::Result<Answer> {
    Answer::of(&found.first().and_then(|row| text(row, 0)))
}

fn texts(found: &[Vec<Sql>]) -> worker::Result<Answer> {
    Answer::of(&found.iter().filter_map(|row| text(row, 0)).collect::<Vec<_>>())
}
