//! One object of the store: what it is asked, and its alarm.
//!
//! Between two statements nothing else happens, and the platform commits what one
//! statement writes together. So the record of a profile is compared and replaced in
//! one step, in the one object that owns it.

use core::cell::Cell;
use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::{Date, DurableObject, Env, Request, Response, SqlStorage, State, Storage, durable_object};

use super::durable::{DOOR, Here, Kind, Shard};
use crate::tend::Turn;

mod execute;
mod statement;
mod tables;

pub(super) use execute::execute;
pub(super) use statement::{Answer, Columns, OutboxRow, Statement, frame, unframe};
use tables::{integer, number, prepare, rows, text};

/// How often what has expired is removed, in seconds.
const SWEEP: u64 = 3600;
/// How long to wait after what is due could not be done, in seconds.
const REST: u64 = 60;

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
                tables::carries_over(&self.state.storage().sql())?;
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
