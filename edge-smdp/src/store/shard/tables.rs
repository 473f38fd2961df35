//! The tables of an object, how those of older layouts are carried over, and rows.

use worker::{SqlStorage, SqlStorageValue as Sql};

use super::execute::insert;
use super::statement::Columns;
#[cfg(feature = "self-test")]
use super::{execute, statement::Statement};
use crate::profile::Profile;
#[cfg(feature = "self-test")]
use crate::{profile::ProfileState, store::Query};

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
pub(super) fn prepare(sql: &SqlStorage) -> worker::Result<()> {
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
        CREATE INDEX profile_available ON profile (profile_type, iccid) WHERE state = 'Available';
        DROP TABLE IF EXISTS profile_kind;
        CREATE TABLE profile_kind (name TEXT PRIMARY KEY, record TEXT NOT NULL, package BLOB);
        INSERT INTO profile_kind VALUES ('older', '{}', x'0102'), ('bare', '{}', NULL);";
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
    sql.exec("DROP TABLE profile_1", None)?;
    let templates = Statement::TemplatesSealedOtherwise { key_id: "key".into(), most: 10 };
    let templates = execute(sql, &templates, vec![])?.json;
    holds(templates == r#"["older"]"#, "a template of before keys had names is moved")?;
    Ok(())
}

/// Executes a statement that has no rows.
pub(super) fn run(sql: &SqlStorage, query: &str, bindings: Vec<Sql>) -> worker::Result<()> {
    sql.exec(query, bindings).map(drop)
}

/// All rows of a statement. Never `SqlCursor::one`: without a row it throws where
/// nothing catches.
pub(super) fn rows(sql: &SqlStorage, query: &str, bindings: Vec<Sql>) -> worker::Result<Vec<Vec<Sql>>> {
    sql.exec(query, bindings)?.raw().collect()
}

pub(super) fn number(value: u64) -> Sql {
    // Times and versions stay far below the 2^53 that JavaScript can count to.
    Sql::Integer(i64::try_from(value).unwrap_or(i64::MAX).min(1 << 52))
}

pub(super) fn integer(row: &[Sql], column: usize) -> Option<u64> {
    match row.get(column)? {
        Sql::Integer(value) => u64::try_from(*value).ok(),
        Sql::Float(value) => Some(*value as u64),
        _ => None,
    }
}

pub(super) fn text(row: &[Sql], column: usize) -> Option<&str> {
    match row.get(column)? {
        Sql::String(text) => Some(text),
        _ => None,
    }
}

pub(super) fn bytes(value: Sql) -> Option<Vec<u8>> {
    match value {
        Sql::Blob(bytes) => Some(bytes),
        _ => None,
    }
}
