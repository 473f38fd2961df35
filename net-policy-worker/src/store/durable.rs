//! Subscribers in Durable Objects: one for each subscriber, and one that lists them.
//!
//! A subscriber's object runs [`perform`] between one read and one write of its SQLite
//! without any `await`, so requests cannot come between, and what it answers is written.
//! By which version of the policy it decides, it is told with the request ([`policy`]).
//! Rows are read with `raw()`: `one()` throws through frames that cannot catch.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use rsp::Imsi;
use worker::{
    DurableObject, Env, Method, ObjectNamespace, Request as HttpRequest, RequestInit, Response, SqlStorage,
    SqlStorageValue, State, durable_object,
};
use zeroize::Zeroizing;

use super::Store;
use crate::gateway::audit;
use crate::identity::{Guti, Identity};
use crate::pcf::outbox::Departed;
use crate::pcf::{self, Ask, Door};
use crate::policy::history::{Entry, Proposal};
use crate::policy::{Policy, Version};
use crate::refusal::{Fault, Refusal};
use crate::seal::{NONCE, RecordKeys};
use crate::service::{Answer, AttachRequest, Chance, Line, Owned, Record, Request, Timestamp, perform};
use crate::subscriber::{Subscriber, SubscriberView, Tag};
use crate::worker::within;

mod associations;
mod outbox;
mod policy;
mod temporary;

use associations::Associations;
use policy::Policies;
use temporary::Temporary;

/// How long an object may take. One that has trapped never answers; its caller must.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of the one directory.
const DIRECTORY: &str = "directory";

/// The subscribers of this deployment.
pub(crate) struct Durable {
    subscribers: ObjectNamespace,
    directory: ObjectNamespace,
    policies: Policies,
    temporary: Temporary,
    associations: Associations,
}

impl Durable {
    /// The store behind the bindings `SUBSCRIBER`, `DIRECTORY`, `POLICY`, `TEMPORARY` and `ASSOCIATIONS`.
    pub(crate) fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self {
            subscribers: env.durable_object("SUBSCRIBER")?,
            directory: env.durable_object(DIRECTORY_BINDING)?,
            policies: Policies::new(env)?,
            temporary: Temporary::new(env)?,
            associations: Associations::new(env)?,
        })
    }

    /// Keeps the list of subscribers in step with their objects.
    async fn list(&self, path: &str, body: &str) -> Result<String, Fault> {
        call(&self.directory, DIRECTORY, path, body).await
    }
}

const DIRECTORY_BINDING: &str = "DIRECTORY";

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
                call(&self.subscribers, &name, &path, record.expose_text()).await?
            }
            request => {
                let json = serde_json::to_string(request).map_err(fault)?;
                call(&self.subscribers, &name, &format!("/{version}/ask"), &json).await?
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
        let text = call(&self.subscribers, &tag.to_string(), "/audit", &wanted).await?;
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
        let text = Zeroizing::new(call(&self.subscribers, &name, &path, "").await?);
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

/// One call of an object, which answers 200 and text.
async fn call(namespace: &ObjectNamespace, name: &str, path: &str, body: &str) -> Result<String, Fault> {
    let stub = namespace.get_by_name(name).map_err(fault)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(body.into()));
    let request = HttpRequest::new_with_init(&format!("https://object{path}"), &init).map_err(fault)?;
    let exchange = async {
        let mut response = stub.fetch_with_request(request).await.map_err(fault)?;
        if response.status_code() != 200 {
            return Err(Fault(format!("an object answered {}", response.status_code())));
        }
        response.text().await.map_err(fault)
    };
    within(PATIENCE, exchange).await.unwrap_or_else(|| Err(Fault("an object does not answer".to_owned())))
}

fn fault(error: impl std::fmt::Display) -> Fault {
    Fault(error.to_string())
}

/// The other side of [`call`]: what an object does with a path and a body, as its answer. What
/// is wrong with an object, its log says by `name`; whoever asks is not told.
async fn answered(
    name: &str,
    mut request: HttpRequest,
    carry_out: impl AsyncFnOnce(&str, Zeroizing<String>) -> Result<String, Fault>,
) -> worker::Result<Response> {
    let body = Zeroizing::new(request.text().await?);
    match carry_out(&request.path(), body).await {
        Ok(text) => Response::ok(text),
        Err(fault) => {
            worker::console_error!("{name}: {fault}");
            Response::error("out of order", 500)
        }
    }
}

/// One subscriber.
#[durable_object]
pub(crate) struct SubscriberObject {
    state: State,
    env: Env,
}

impl DurableObject for SubscriberObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, request: HttpRequest) -> worker::Result<Response> {
        answered("subscriber", request, async |path, body| {
            if path == "/audit" {
                let wanted: audit::Wanted = serde_json::from_str(&body).map_err(fault)?;
                let page = verdicts(&self.state.storage().sql(), &wanted)?;
                return serde_json::to_string(&page).map_err(fault);
            }
            let (version, path) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
            let version = version.parse().map_err(fault)?;
            let policies = Policies::new(&self.env).map_err(fault)?;
            let done = match self.carry_out(path, &body, &*policies.get(version).await?)? {
                // It has been decided by a newer one that the isolate of the request does not know yet.
                Done::Behind(newer) => self.carry_out(path, &body, &*policies.get(newer).await?)?,
                done => done,
            };
            let Done::Carried { text, due } = done else {
                return Err(Fault("the policy is another each time".to_owned()));
            };
            if let Some(due) = due {
                outbox::ring(&self.state.storage(), due).await.map_err(fault)?;
            }
            Ok(text)
        })
        .await
    }

    async fn alarm(&self) -> worker::Result<Response> {
        outbox::send(&self.state.storage(), &self.env).await?;
        Response::empty()
    }
}

/// What came of a request.
enum Done {
    /// The answer, and when a core is to be told something next.
    Carried { text: String, due: Option<Timestamp> },
    /// It is to be carried out by this version of the policy, and has not been.
    Behind(Version),
}

impl SubscriberObject {
    /// Synchronous from the first read to the last write.
    fn carry_out(&self, path: &str, body: &Zeroizing<String>, policy: &Policy) -> Result<Done, Fault> {
        let keys = self.env.secret("SUBSCRIBER_KEY").map(|key| Zeroizing::new(key.to_string()));
        let keys = RecordKeys::parse(keys.as_deref().map_or("", |key| key.as_str()))?;
        if let Some(imsi) = path.strip_prefix("export/") {
            let (slot, _) = read(&self.state.storage().sql(), &keys)?;
            let record = slot.filter(|owned| owned.subscriber.imsi.as_str() == imsi);
            let record = record.and_then(|owned| owned.exported());
            let text = record.map_or_else(String::new, |record| record.expose_text().to_owned());
            return Ok(Done::Carried { text, due: None });
        }
        let request = match path.strip_prefix("provision/") {
            Some(imsi) => Request::Provision(Record::new(imsi.parse().map_err(fault)?, body.clone())),
            None => serde_json::from_str(body).map_err(fault)?,
        };
        let mut bytes = [0; Chance::LEN];
        getrandom::fill(&mut bytes).map_err(fault)?;
        let sql = self.state.storage().sql();
        let is_new = matches!(request, Request::Provision(_));
        let (mut slot, stale) = read(&sql, &keys)?;
        let was_there = slot.is_some();
        let is_of_a_core = matches!(
            request,
            Request::Control(_) | Request::Renew | Request::Provision(_) | Request::Withdraw { .. }
        );
        let newest = slot.as_ref().map_or(0, |owned| owned.line.decided_by_version());
        if is_of_a_core && newest > policy.version() {
            return Ok(Done::Behind(newest));
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
        let answer = perform(&mut slot, &mut departed, request, now, bytes.into(), policy);
        if let (Some(imsi), Err(refusal)) = (stranger, &answer) {
            log(&audit::stranger(&imsi, refusal, policy.version(), now));
        }
        match &mut slot {
            // The record is written when it is another one, or its seal an old one.
            Some(owned) => {
                write(&sql, owned, (is_new || stale).then_some(&keys))?;
                keep(&sql, &owned.line.take_verdicts())?;
            }
            None if was_there => {
                sql.exec("DELETE FROM subscriber", None).map_err(fault)?;
            }
            // A stranger's IMSI leaves nothing behind.
            None => {}
        }
        if before.is_some_and(|before| before != departed) {
            outbox::keep_departed(&sql, &departed)?;
        }
        let text = serde_json::to_string(&answer).map_err(fault)?;
        let line = slot.as_mut().map(|owned| &mut owned.line);
        let due = if is_of_a_core { pcf::outbox::next(line, &mut departed) } else { None };
        Ok(Done::Carried { text, due })
    }
}

/// Whether an object has ever been written to.
fn has_table(sql: &SqlStorage, table: &str) -> Result<bool, Fault> {
    let query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    let rows = sql.exec(query, vec![table.into()]).map_err(fault)?;
    Ok(rows.raw().next().is_some())
}

/// The subscriber, and whether its record is to be sealed anew.
fn read(sql: &SqlStorage, keys: &RecordKeys) -> Result<(Option<Owned>, bool), Fault> {
    if !has_table(sql, "subscriber")? {
        return Ok((None, false));
    }
    let rows = sql.exec("SELECT imsi, record, line FROM subscriber", None).map_err(fault)?;
    let Some(row) = rows.raw().next() else { return Ok((None, false)) };
    match row.map_err(fault)?.as_slice() {
        [SqlStorageValue::String(imsi), SqlStorageValue::String(record), SqlStorageValue::String(line)] => {
            let (record, stale) = keys.open(imsi, record)?;
            let imsi: Imsi = imsi.parse().map_err(fault)?;
            let subscriber = Subscriber::from_record(imsi, &record)
                .map_err(|refusal| Fault(format!("a kept record cannot be read: {}", refusal.because)))?;
            let line: Line = serde_json::from_str(line).map_err(fault)?;
            Ok((Some(Owned { subscriber, line }), stale))
        }
        _ => Err(Fault("a kept subscriber has other columns".to_owned())),
    }
}

/// Keeps a subscriber; its record with `keys` alone, since a seal is a random number's use.
fn write(sql: &SqlStorage, owned: &Owned, keys: Option<&RecordKeys>) -> Result<(), Fault> {
    let line = serde_json::to_string(&owned.line).map_err(fault)?;
    let Some(keys) = keys else {
        sql.exec("UPDATE subscriber SET line = ?", vec![line.into()]).map_err(fault)?;
        return Ok(());
    };
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
    let row: Vec<SqlStorageValue> = vec![imsi.into(), record.into(), line.into()];
    sql.exec("INSERT OR REPLACE INTO subscriber (id, imsi, record, line) VALUES (1, ?, ?, ?)", row)
        .map_err(fault)?;
    Ok(())
}

/// Puts verdicts on record: the newest of each kind here, and all of them in the log.
fn keep(sql: &SqlStorage, verdicts: &[audit::Verdict]) -> Result<(), Fault> {
    if verdicts.is_empty() {
        return Ok(());
    }
    sql.exec(
        "CREATE TABLE IF NOT EXISTS verdicts (number INTEGER PRIMARY KEY AUTOINCREMENT, verdict TEXT NOT NULL)",
        None,
    )
    .map_err(fault)?;
    for verdict in verdicts {
        log(verdict);
        let row: Vec<SqlStorageValue> = vec![serde_json::to_string(verdict).map_err(fault)?.into()];
        sql.exec("INSERT INTO verdicts (verdict) VALUES (?)", row).map_err(fault)?;
    }
    // Of each kind as many as `audit::keep` keeps.
    for (is_unproven, kept) in [(false, audit::KEPT), (true, audit::KEPT_UNPROVEN)] {
        if verdicts.iter().any(|verdict| verdict.is_unproven() == is_unproven) {
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
    audit::Page::of(newest_first, wanted)
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
