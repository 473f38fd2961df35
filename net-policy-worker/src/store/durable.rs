//! Subscribers in Durable Objects: one for each subscriber, and one that lists them.
//!
//! A subscriber's object runs [`perform`] between one read and one write of its SQLite
//! without any `await`, so requests cannot come between, and what it answers is written.
//! By which version of the policy it decides, it is told with the request ([`policy`]).
//! Rows are read with `raw()`: `one()` throws through frames that cannot catch.
//!
//! A packet goes to the object as it is and from there to the SM, so that both questions about it are asked where
//! the session is. What an object has kept it remembers ([`resident`]), and writes what is other than it was.

use std::rc::Rc;

use futures_util::future::{join, join_all};
use rsp::Imsi;
use wasm_bindgen::JsValue;
use worker::{
    DurableObject, Env, Request as HttpRequest, Response, SqlStorage, SqlStorageValue, State, durable_object,
    web_sys,
};
use zeroize::Zeroizing;

use super::Store;
use crate::gateway::packet::Packet;
use crate::gateway::{MAX_REQUEST, audit};
use crate::identity::{Guti, Identity};
use crate::pcf::outbox::Departed;
use crate::pcf::{self, Ask, Door};
use crate::policy::history::{Entry, Proposal};
use crate::policy::{Policy, Version};
use crate::refusal::{Fault, Refusal};
use crate::router;
use crate::seal::{NONCE, RecordKeys};
use crate::service::{
    Answer, AttachRequest, Chance, Line, LogEntry, MAX_LOG, Owned, Record, Request, Timestamp, perform,
};
use crate::subscriber::{Subscriber, SubscriberView, Tag};
use crate::worker::{Ways, body, outward};

mod associations;
mod objects;
mod outbox;
mod policy;
mod resident;
mod temporary;

use associations::Associations;
use objects::{Objects, answered};
use policy::Policies;
use resident::{Instance, Resident};
use temporary::Temporary;

/// The name of the one directory.
const DIRECTORY: &str = "directory";

/// The subscribers of this deployment.
pub(crate) struct Durable {
    subscribers: Objects,
    directory: Objects,
    policies: Policies,
    temporary: Temporary,
    associations: Associations,
}

impl Durable {
    /// The store behind the bindings `SUBSCRIBER`, `DIRECTORY`, `POLICY`, `TEMPORARY` and `ASSOCIATIONS`.
    pub(crate) fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self {
            subscribers: Objects::behind(env, SUBSCRIBER_BINDING)?,
            directory: Objects::behind(env, "DIRECTORY")?,
            policies: Policies::new(env)?,
            temporary: Temporary::new(env)?,
            associations: Associations::new(env)?,
        })
    }

    /// Keeps the list of subscribers in step with their objects.
    async fn list(&self, path: &str, body: &str) -> Result<String, Fault> {
        self.directory.call(DIRECTORY, path, body).await
    }
}

const SUBSCRIBER_BINDING: &str = "SUBSCRIBER";

/// Where packets are carried out.
const PACKET: &str = "packet";

/// The header of a packet's head.
const HEAD: &str = "packet-head";

/// Hands a packet to the object of the subscriber whose session it is of, with its body unread; the answer is that
/// object's, as it is.
pub(crate) async fn hand_on(
    env: &Env,
    tag: Tag,
    packet: &Packet,
    body: Option<&JsValue>,
) -> Result<web_sys::Response, Fault> {
    let version = Policies::new(env).map_err(fault)?.current().await?;
    let head = packet.head().ok_or_else(|| Fault("a packet's head that is no text".to_owned()))?;
    let subscribers = Objects::behind(env, SUBSCRIBER_BINDING).map_err(fault)?;
    subscribers.hand_on(&tag.to_string(), &format!("/{version}/{PACKET}"), &[(HEAD, &head)], body).await
}

impl Store for Durable {
    async fn ask(&self, tag: Tag, request: Request) -> Result<Result<Answer, Refusal>, Fault> {
        let name = tag.to_string();
        let withdrawn = match &request {
            Request::Withdraw { imsi } => Some(imsi.to_string()),
            _ => None,
        };
        let version = self.policies.current().await?;
        if matches!(request, Request::Control(Ask::Create { door: Door::Am | Door::Sm, .. })) {
            // Before there is an association: one that is not listed would never hear of another policy.
            self.associations.enter(tag, version).await?;
        }
        let text = match &request {
            Request::Provision(record) => {
                let path = format!("/{version}/provision/{}", record.imsi);
                self.subscribers.call(&name, &path, record.expose_text()).await?
            }
            request => {
                let json = serde_json::to_string(request).map_err(fault)?;
                self.subscribers.call(&name, &format!("/{version}/ask"), &json).await?
            }
        };
        let answer: Result<Answer, Refusal> = serde_json::from_str(&text).map_err(fault)?;
        match (&answer, withdrawn) {
            (Ok(Answer::Provisioned { view, .. }), _) => {
                self.list("/enter", &serde_json::to_string(view).map_err(fault)?).await?;
            }
            (Ok(Answer::Attached { session, replaced }), _) => {
                // Two objects, at the same time.
                let enter = async {
                    match session.guti {
                        Some(guti) => self.temporary.enter(guti, tag).await,
                        None => Ok(()),
                    }
                };
                let strike = async {
                    match replaced {
                        Some(guti) => self.temporary.strike(*guti, tag).await,
                        None => Ok(()),
                    }
                };
                // The card has proven itself: without the entry it comes again with its IMSI.
                let (entered, struck) = join(enter, strike).await;
                for fault in [entered, struck].into_iter().filter_map(Result::err) {
                    worker::console_error!("temporary identities: {fault}");
                }
            }
            // Also after a refusal: the list may be behind.
            (_, Some(imsi)) => {
                self.list("/strike", &imsi).await?;
            }
            _ => {}
        }
        Ok(answer)
    }

    async fn audit(&self, tag: Tag, wanted: &audit::Wanted) -> Result<audit::Page, Fault> {
        let wanted = serde_json::to_string(wanted).map_err(fault)?;
        let text = self.subscribers.call(&tag.to_string(), "/audit", &wanted).await?;
        serde_json::from_str(&text).map_err(fault)
    }

    /// All at the same time: each is an object of its own.
    async fn audits(&self, tags: &[Tag], wanted: &audit::Wanted) -> Result<Vec<audit::Page>, Fault> {
        let pages = join_all(tags.iter().map(|tag| self.audit(*tag, wanted))).await;
        pages.into_iter().collect()
    }

    async fn guti(&self, guti: Guti) -> Result<Option<Tag>, Fault> {
        self.temporary.find(guti).await
    }

    async fn subscribers(&self, after: &str, most: usize) -> Result<Vec<SubscriberView>, Fault> {
        serde_json::from_str(&self.list("/list", &format!("{most} {after}")).await?).map_err(fault)
    }

    async fn export(&self, imsi: Imsi) -> Result<Option<Record>, Fault> {
        let version = self.policies.current().await?;
        let (name, path) = (Tag::of(&imsi).to_string(), format!("/{version}/export/{imsi}"));
        let text = Zeroizing::new(self.subscribers.call(&name, &path, "").await?);
        Ok((!text.is_empty()).then(|| Record::new(imsi, text)))
    }

    async fn policy(&self) -> Result<Rc<Policy>, Fault> {
        let version = self.policies.current().await?;
        self.policies.get(version).await
    }

    async fn policy_of(&self, version: Version) -> Result<Option<Rc<Policy>>, Fault> {
        self.policies.find(version).await
    }

    async fn policies(&self) -> Result<Vec<Entry>, Fault> {
        self.policies.entries().await
    }

    async fn propose(&self, proposal: Proposal) -> Result<Result<Entry, Refusal>, Fault> {
        self.policies.propose(proposal).await
    }
}

fn fault(error: impl std::fmt::Display) -> Fault {
    Fault(error.to_string())
}

/// One subscriber.
#[durable_object]
pub(crate) struct SubscriberObject {
    state: State,
    env: Env,
    instance: Instance,
}

impl DurableObject for SubscriberObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, instance: Instance::new() }
    }

    async fn fetch(&self, request: HttpRequest) -> worker::Result<Response> {
        if let Some(version) = packet_version(&request.path()) {
            return self.carry(version, request.inner()).await;
        }
        answered("subscriber", request, async |path, body| {
            if path == "/audit" {
                let wanted: audit::Wanted = serde_json::from_str(&body).map_err(fault)?;
                let page = verdicts(&self.state.storage().sql(), &wanted)?;
                return serde_json::to_string(&page).map_err(fault);
            }
            let (version, path) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
            let version = version.parse().map_err(fault)?;
            if let Some(imsi) = path.strip_prefix("export/") {
                return self.export(imsi);
            }
            let request = match path.strip_prefix("provision/") {
                Some(imsi) => Request::Provision(Record::new(imsi.parse().map_err(fault)?, body)),
                None => serde_json::from_str(&body).map_err(fault)?,
            };
            let answer = self.ask(version, request).await?;
            serde_json::to_string(&answer).map_err(fault)
        })
        .await
    }

    async fn alarm(&self) -> worker::Result<Response> {
        outbox::send(self).await?;
        Response::empty()
    }
}

/// By which version of the policy a packet is decided, where `path` is that of packets.
fn packet_version(path: &str) -> Option<Version> {
    path.strip_prefix('/')?.strip_suffix(PACKET)?.strip_suffix('/')?.parse().ok()
}

/// What came of a request.
enum Done {
    /// The answer, and when a core is to be told something next.
    Carried { answer: Result<Answer, Refusal>, due: Option<Timestamp> },
    /// It is to be carried out by this version of the policy, and has not been.
    Behind(Version, Request),
}

impl SubscriberObject {
    /// Carries a packet to its SM and the answer back.
    async fn carry(&self, version: Version, request: &web_sys::Request) -> worker::Result<Response> {
        let reply = match request.headers().get(HEAD)?.and_then(|head| Packet::of(&head)) {
            Some(packet) => match body::of(request, packet.said(), MAX_REQUEST).await {
                Ok(body) => {
                    let ask = async |request| Ok(self.ask(version, request).await??);
                    router::carry(packet.with_body(body), ask, &Ways::of(&self.env)).await
                }
                Err(refused) => Ok(refused),
            },
            None => Err(Fault("a head that is no packet's".to_owned()).into()),
        };
        let (response, fault) = router::finished(reply);
        if let Some(fault) = fault {
            worker::console_error!("subscriber: {fault}");
        }
        outward(response)
    }

    /// Carries out a request by a version of the policy.
    async fn ask(&self, version: Version, request: Request) -> Result<Result<Answer, Refusal>, Fault> {
        let policies = Policies::new(&self.env).map_err(fault)?;
        let done = match self.carry_out(request, &*policies.get(version).await?)? {
            // It has been decided by a newer one that the isolate of the request does not know yet.
            Done::Behind(newer, request) => self.carry_out(request, &*policies.get(newer).await?)?,
            done => done,
        };
        let Done::Carried { answer, due } = done else {
            return Err(Fault("the policy is another each time".to_owned()));
        };
        if let Some(due) = due {
            outbox::ring(&self.state.storage(), due).await.map_err(fault)?;
        }
        Ok(answer)
    }

    fn keys(&self) -> Result<RecordKeys, Fault> {
        let keys = self.env.secret("SUBSCRIBER_KEY").map(|key| Zeroizing::new(key.to_string()));
        RecordKeys::parse(keys.as_deref().map_or("", |key| key.as_str()))
    }

    /// The record of this subscriber, if it is the one of `imsi`.
    fn export(&self, imsi: &str) -> Result<String, Fault> {
        let Resident { slot, .. } = read(&self.state.storage().sql(), &self.keys()?)?;
        let record = slot.filter(|owned| owned.subscriber.imsi.as_str() == imsi);
        let record = record.and_then(|owned| owned.exported());
        Ok(record.map_or_else(String::new, |record| record.expose_text().to_owned()))
    }

    /// Synchronous from the first read to the last write.
    fn carry_out(&self, request: Request, policy: &Policy) -> Result<Done, Fault> {
        let mut bytes = [0; Chance::LEN];
        getrandom::fill(&mut bytes).map_err(fault)?;
        let sql = self.state.storage().sql();
        let is_new = matches!(request, Request::Provision(_));
        // What fails from here on leaves nothing remembered: then it is read again.
        let mut resident = match self.instance.take() {
            Some(resident) => resident,
            None => read(&sql, &self.keys()?)?,
        };
        let slot = &mut resident.slot;
        let was_there = slot.is_some();
        let is_of_a_core = matches!(
            request,
            Request::Control(_) | Request::Renew | Request::Provision(_) | Request::Withdraw { .. }
        );
        let newest = slot.as_ref().map_or(0, |owned| owned.line.decided_by_version());
        if is_of_a_core && newest > policy.version() {
            return Ok(Done::Behind(newest, request));
        }
        let mut departed = if is_of_a_core { outbox::departed(&sql)? } else { Departed::default() };
        let before = is_of_a_core.then(|| departed.clone());
        let now = worker::Date::now().as_millis();
        let stranger = match &request {
            Request::Attach(AttachRequest { identity: Identity::Imsi(imsi), .. }) if !was_there => {
                Some(imsi.clone())
            }
            _ => None,
        };
        let answer = perform(slot, &mut departed, request, now, bytes.into(), policy);
        if let (Some(imsi), Err(refusal)) = (stranger, &answer) {
            log(&audit::stranger(&imsi, refusal, policy.version(), now));
        }
        let mut due = None;
        match slot {
            Some(owned) => {
                let verdicts = owned.line.take_verdicts();
                due = is_of_a_core.then(|| pcf::outbox::next(Some(&mut owned.line), &mut departed)).flatten();
                // The record is written when it is another one, or its seal an old one.
                let keys = if is_new || resident.stale { Some(self.keys()?) } else { None };
                write(&sql, &mut resident, keys.as_ref())?;
                keep(&sql, &verdicts, resident.is_recorded)?;
                resident.is_recorded |= !verdicts.is_empty();
            }
            None => {
                if was_there {
                    sql.exec("DELETE FROM subscriber", None).map_err(fault)?;
                }
                if is_of_a_core {
                    due = pcf::outbox::next(None, &mut departed);
                }
                // A stranger's IMSI leaves nothing behind.
            }
        }
        if before.is_some_and(|before| before != departed) {
            outbox::keep_departed(&sql, &departed)?;
        }
        self.instance.keep(resident);
        Ok(Done::Carried { answer, due })
    }
}

/// Whether an object has ever been written to.
fn has_table(sql: &SqlStorage, table: &str) -> Result<bool, Fault> {
    let query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    let rows = sql.exec(query, vec![table.into()]).map_err(fault)?;
    Ok(rows.raw().next().is_some())
}

/// The subscriber as it is kept.
fn read(sql: &SqlStorage, keys: &RecordKeys) -> Result<Resident, Fault> {
    if !has_table(sql, "subscriber")? {
        return Ok(Resident::default());
    }
    let rows = sql.exec("SELECT imsi, record, line FROM subscriber", None).map_err(fault)?;
    let Some(row) = rows.raw().next() else { return Ok(Resident::default()) };
    match row.map_err(fault)?.as_slice() {
        [SqlStorageValue::String(imsi), SqlStorageValue::String(record), SqlStorageValue::String(text)] => {
            let (record, stale) = keys.open(imsi, record)?;
            let imsi: Imsi = imsi.parse().map_err(fault)?;
            let subscriber = Subscriber::from_record(imsi, &record)
                .map_err(|refusal| Fault(format!("a kept record cannot be read: {}", refusal.because)))?;
            let mut line: Line = serde_json::from_str(text).map_err(fault)?;
            let logged = read_log(sql, &mut line)?;
            let slot = Some(Owned { subscriber, line });
            Ok(Resident { slot, stale, text: text.clone(), logged, is_recorded: false })
        }
        _ => Err(Fault("a kept subscriber has other columns".to_owned())),
    }
}

/// Keeps what is other than it was; the record only where there are `keys`, since a seal is a random number's use.
fn write(sql: &SqlStorage, resident: &mut Resident, keys: Option<&RecordKeys>) -> Result<(), Fault> {
    let Some(owned) = &mut resident.slot else { return Ok(()) };
    let line = owned.line.text_without_log().map_err(fault)?;
    if let Some(keys) = keys {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(fault)?;
        let imsi = owned.subscriber.imsi.as_str();
        let record = keys.seal(imsi, owned.subscriber.expose_record(), nonce)?;
        sql.exec(
            "CREATE TABLE IF NOT EXISTS subscriber (
                id INTEGER PRIMARY KEY CHECK (id = 1), imsi TEXT NOT NULL, record TEXT NOT NULL, line TEXT NOT NULL)",
            None,
        )
        .map_err(fault)?;
        let row: Vec<SqlStorageValue> = vec![imsi.into(), record.into(), line.as_str().into()];
        sql.exec("INSERT OR REPLACE INTO subscriber (id, imsi, record, line) VALUES (1, ?, ?, ?)", row)
            .map_err(fault)?;
        resident.stale = false;
    } else if line != resident.text {
        sql.exec("UPDATE subscriber SET line = ?", vec![line.as_str().into()]).map_err(fault)?;
    }
    resident.text = line;
    write_log(sql, &owned.line, &mut resident.logged)
}

/// Gives a session its verdicts back, and says up to which number they are kept. Those of a former release
/// are in the line itself, and kept nowhere else.
fn read_log(sql: &SqlStorage, line: &mut Line) -> Result<Option<(String, u64)>, Fault> {
    let Some(log) = line.log().filter(|log| log.entries.is_empty()) else { return Ok(None) };
    let (session, noted) = (log.session.to_owned(), log.noted);
    if noted > 0 {
        let query = "SELECT entry FROM log WHERE session = ? ORDER BY number";
        let rows = sql.exec(query, vec![audit::session_name(&session).into()]).map_err(fault)?;
        let entries = rows.raw().map(|row| match row.map_err(fault)?.as_slice() {
            [SqlStorageValue::String(entry)] => serde_json::from_str(entry).map_err(fault),
            _ => Err(Fault("a kept log has other columns".to_owned())),
        });
        line.restore_log(entries.collect::<Result<Vec<LogEntry>, _>>()?);
    }
    Ok(Some((session, noted)))
}

/// Keeps the verdicts of a session behind those that are kept, each in a place of its own that it gives up to a
/// later one.
fn write_log(sql: &SqlStorage, line: &Line, logged: &mut Option<(String, u64)>) -> Result<(), Fault> {
    let Some(log) = line.log() else { return Ok(()) };
    let kept = match logged {
        Some((session, kept)) if session == log.session => *kept,
        _ => 0,
    };
    if kept == 0 && log.noted > 0 {
        let table = "CREATE TABLE IF NOT EXISTS log (
            place INTEGER PRIMARY KEY, session TEXT NOT NULL, number INTEGER NOT NULL, entry TEXT NOT NULL)";
        sql.exec(table, None).map_err(fault)?;
    }
    for (number, entry) in log.behind(kept) {
        let place = number % MAX_LOG as u64;
        let row: Vec<SqlStorageValue> = vec![
            integer(place),
            audit::session_name(log.session).into(),
            integer(number),
            serde_json::to_string(entry).map_err(fault)?.into(),
        ];
        sql.exec("INSERT OR REPLACE INTO log (place, session, number, entry) VALUES (?, ?, ?, ?)", row)
            .map_err(fault)?;
    }
    *logged = Some((log.session.to_owned(), log.noted));
    Ok(())
}

/// SQLite's integers come and go as numbers of JavaScript; times, versions and counts fit.
fn integer(number: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// After how many verdicts those that are too many go.
const SURPLUS: i64 = 64;

/// Of each kind, unproven or not, as many verdicts are kept as [`audit::keep`] keeps.
const KEPT: [(bool, usize); 2] = [(false, audit::KEPT), (true, audit::KEPT_UNPROVEN)];

/// Puts verdicts on record, and all of them in the log. Those that are too many go now and then; until then
/// [`verdicts`] passes over them. `is_table` says that there is a table for them.
fn keep(sql: &SqlStorage, verdicts: &[audit::Verdict], is_table: bool) -> Result<(), Fault> {
    if verdicts.is_empty() {
        return Ok(());
    }
    if !is_table {
        sql.exec(
            "CREATE TABLE IF NOT EXISTS verdicts (number INTEGER PRIMARY KEY AUTOINCREMENT, verdict TEXT NOT NULL)",
            None,
        )
        .map_err(fault)?;
    }
    for verdict in verdicts {
        log(verdict);
        let row: Vec<SqlStorageValue> = vec![serde_json::to_string(verdict).map_err(fault)?.into()];
        let query = "INSERT INTO verdicts (verdict) VALUES (?) RETURNING number";
        let rows = sql.exec(query, row).map_err(fault)?;
        let is_due = match rows.raw().next().transpose().map_err(fault)?.as_deref() {
            Some([SqlStorageValue::Integer(number)]) => number % SURPLUS == 0,
            _ => return Err(Fault("a verdict has no number".to_owned())),
        };
        for (is_unproven, kept) in KEPT.into_iter().filter(|_| is_due) {
            let surplus = format!(
                "DELETE FROM verdicts WHERE number IN (
                    SELECT number FROM verdicts
                    WHERE (json_extract(verdict, '$.what') = 'attach'
                        AND json_extract(verdict, '$.rule') = '{}') = {}
                    ORDER BY number DESC LIMIT -1 OFFSET {kept})",
                audit::AUTHENTICATION,
                u8::from(is_unproven),
            );
            sql.exec(&surplus, None).map_err(fault)?;
        }
    }
    Ok(())
}

/// A verdict for the log, as JSON: the platform makes fields of it.
fn log(verdict: &audit::Verdict) {
    match serde_json::to_string(verdict) {
        Ok(line) => worker::console_log!("{line}"),
        Err(error) => worker::console_error!("verdict: {error}"),
    }
}

/// The verdicts that are wanted.
fn verdicts(sql: &SqlStorage, wanted: &audit::Wanted) -> Result<audit::Page, Fault> {
    if !has_table(sql, "verdicts")? {
        return Ok(audit::Page::default());
    }
    let rows = sql.exec("SELECT number, verdict FROM verdicts ORDER BY number DESC", None).map_err(fault)?;
    let newest_first = rows.raw().map(|row| match row.map_err(fault)?.as_slice() {
        [SqlStorageValue::Integer(number), SqlStorageValue::String(verdict)] => {
            let verdict: audit::Verdict = serde_json::from_str(verdict).map_err(fault)?;
            Ok(audit::Verdict { number: u64::try_from(*number).map_err(fault)?, ..verdict })
        }
        _ => Err(Fault("a kept verdict has other columns".to_owned())),
    });
    let mut left = KEPT;
    let kept = newest_first.filter(|verdict| {
        let Ok(verdict) = verdict else { return true };
        let left = left.iter_mut().find(|(is_unproven, _)| *is_unproven == verdict.is_unproven());
        left.is_some_and(|(_, left)| {
            let is_kept = *left > 0;
            *left = left.saturating_sub(1);
            is_kept
        })
    });
    audit::Page::of(kept, wanted)
}

/// The list of subscribers, without their keys.
#[durable_object(fetch)]
pub(crate) struct DirectoryObject {
    state: State,
    _env: Env,
}

impl DurableObject for DirectoryObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, _env: env }
    }

    async fn fetch(&self, request: HttpRequest) -> worker::Result<Response> {
        answered("directory", request, async |path, body| self.carry_out(path, &body)).await
    }
}

impl DirectoryObject {
    fn carry_out(&self, path: &str, body: &str) -> Result<String, Fault> {
        let sql = self.state.storage().sql();
        sql.exec("CREATE TABLE IF NOT EXISTS directory (imsi TEXT PRIMARY KEY, view TEXT NOT NULL)", None)
            .map_err(fault)?;
        match path {
            "/enter" => {
                let view: SubscriberView = serde_json::from_str(body).map_err(fault)?;
                let row: Vec<SqlStorageValue> = vec![view.imsi.into(), body.into()];
                sql.exec("INSERT OR REPLACE INTO directory (imsi, view) VALUES (?, ?)", row)
                    .map_err(fault)?;
                Ok(String::new())
            }
            "/strike" => {
                sql.exec("DELETE FROM directory WHERE imsi = ?", vec![body.into()]).map_err(fault)?;
                Ok(String::new())
            }
            _ => {
                let (most, after) = body.split_once(' ').unwrap_or_default();
                let most: i32 = most.parse().map_err(fault)?;
                let query = "SELECT view FROM directory WHERE imsi > ? ORDER BY imsi LIMIT ?";
                let rows = sql.exec(query, vec![after.into(), most.into()]).map_err(fault)?;
                let views = rows.raw().map(|row| match row.map_err(fault)?.as_slice() {
                    [SqlStorageValue::String(view)] => serde_json::from_str(view).map_err(fault),
                    _ => Err(Fault("a kept entry has other columns".to_owned())),
                });
                let views: Vec<SubscriberView> = views.collect::<Result<_, _>>()?;
                serde_json::to_string(&views).map_err(fault)
            }
        }
    }
}
