//! What a subscriber's object tells core networks, by its alarm ([`crate::pcf::outbox`]).

use std::time::Duration;

use worker::{SqlStorage, SqlStorageValue, Storage};

use super::{Line, SubscriberObject, fault, has_table, keep};
use crate::pcf::outbox::{self, Cores, Departed, Letter};
use crate::refusal::Fault;
use crate::service::Timestamp;
use crate::worker::{Ways, cores};

/// Most notices of one alarm; the rest has another.
const MAX_LETTERS: usize = 16;

/// When it is tried again after a fault of ours, in milliseconds.
const REST: u64 = 60_000;

/// Sets the alarm: the last word counts, and what is said is when something is due first.
pub(super) async fn ring(storage: &Storage, due: Timestamp) -> worker::Result<()> {
    let wait = due.saturating_sub(worker::Date::now().as_millis());
    storage.set_alarm(Duration::from_millis(wait)).await
}

/// The associations that are over, and of which a core has not heard or spoken.
pub(super) fn departed(sql: &SqlStorage) -> Result<Departed, Fault> {
    if !has_table(sql, "departed")? {
        return Ok(Departed::default());
    }
    let rows = sql.exec("SELECT associations FROM departed", None).map_err(fault)?;
    let Some(row) = rows.raw().next() else { return Ok(Departed::default()) };
    match row.map_err(fault)?.as_slice() {
        [SqlStorageValue::String(text)] => serde_json::from_str(text).map_err(fault),
        _ => Err(Fault("kept associations have other columns".to_owned())),
    }
}

pub(super) fn keep_departed(sql: &SqlStorage, departed: &Departed) -> Result<(), Fault> {
    if departed.is_empty() && !has_table(sql, "departed")? {
        return Ok(());
    }
    let table = "CREATE TABLE IF NOT EXISTS departed (
        id INTEGER PRIMARY KEY CHECK (id = 1), associations TEXT NOT NULL)";
    sql.exec(table, None).map_err(fault)?;
    let text = serde_json::to_string(departed).map_err(fault)?;
    sql.exec("INSERT OR REPLACE INTO departed (id, associations) VALUES (1, ?)", vec![text.into()])
        .map_err(fault)?;
    Ok(())
}

/// Where the subscriber stands; its record is of no matter here and stays sealed.
fn line(sql: &SqlStorage) -> Result<Option<Line>, Fault> {
    if !has_table(sql, "subscriber")? {
        return Ok(None);
    }
    let rows = sql.exec("SELECT line FROM subscriber", None).map_err(fault)?;
    let Some(row) = rows.raw().next() else { return Ok(None) };
    match row.map_err(fault)?.as_slice() {
        [SqlStorageValue::String(text)] => serde_json::from_str(text).map_err(fault).map(Some),
        _ => Err(Fault("a kept subscriber has other columns".to_owned())),
    }
}

/// Changes what waits to be told, from the first read to the last write without a wait.
fn change<T>(
    object: &SubscriberObject,
    work: impl FnOnce(Option<&mut Line>, &mut Departed) -> Option<T>,
) -> Result<Option<T>, Fault> {
    // What the object remembers is not what is kept any more.
    object.instance.take();
    let sql = object.state.storage().sql();
    let (mut line, mut departed) = (line(&sql)?, departed(&sql)?);
    let done = work(line.as_mut(), &mut departed);
    if let Some(line) = &line {
        let text = serde_json::to_string(line).map_err(fault)?;
        sql.exec("UPDATE subscriber SET line = ?", vec![text.into()]).map_err(fault)?;
    }
    keep_departed(&sql, &departed)?;
    Ok(done)
}

/// Sends what is due, one after the other, and sets the alarm for what is due later.
pub(super) async fn send(object: &SubscriberObject) -> worker::Result<()> {
    let now = || worker::Date::now().as_millis();
    let storage = object.state.storage();
    if let Err(fault) = letters(object).await {
        worker::console_error!("subscriber: {fault}");
        return ring(&storage, now().saturating_add(REST)).await;
    }
    match change(object, outbox::next) {
        Ok(Some(due)) => ring(&storage, due).await,
        Ok(None) => Ok(()),
        Err(fault) => {
            worker::console_error!("subscriber: {fault}");
            ring(&storage, now().saturating_add(REST)).await
        }
    }
}

async fn letters(object: &SubscriberObject) -> Result<(), Fault> {
    let now = || worker::Date::now().as_millis();
    let cores: Cores = cores(&object.env)?;
    let ways = Ways::outside();
    for _ in 0..MAX_LETTERS {
        let letter: Option<Letter> = change(object, |line, departed| outbox::due(line, departed, now()))?;
        let Some(letter) = letter else { break };
        let outcome = outbox::deliver(&ways, &cores, &letter).await;
        let verdict =
            change(object, |line, departed| outbox::settle(line, departed, &letter, outcome, now()))?;
        keep(&object.state.storage().sql(), verdict.as_slice(), false)?;
    }
    Ok(())
}
