//! Statements, executed without waiting.

use rsp::es9::Base64;
use worker::{SqlStorage, SqlStorageValue as Sql};

use super::statement::{Answer, Columns, OutboxRow, Statement};
use super::tables::{bytes, integer, number, rows, run, text};
use crate::profile::{EventKind, ProfileState};
use crate::store::{
    JournalPlace, JournalQuery, Link, Logged, MAX_JOURNAL, MAX_LINKS, MAX_PROFILE_TYPES, MAX_WAITING,
    MAX_WAITING_OF_ONE, Query, Standing, StoredProfileType, Tally,
};

/// How many events the journal may have more than it keeps.
const HEAP: u64 = 64;

/// Executes a statement, without waiting.
pub(in crate::store) fn execute(
    sql: &SqlStorage,
    call: &Statement,
    blobs: Vec<Vec<u8>>,
) -> worker::Result<Answer> {
    let mut blobs = blobs.into_iter();
    let mut blob = |wanted: bool| wanted.then(|| blobs.next().unwrap_or_default());
    match call {
        Statement::AddProfile { columns, key_id, protected } => {
            let (package, protected) = (blob(true), blob(*protected));
            let there = rows(
                sql,
                "SELECT state, version, record FROM profile WHERE iccid = ?",
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
                match there.and_then(|row| text(row, 2)) {
                    Some(before) => insert(sql, &columns.succeeding(before)?, version)?,
                    None => insert(sql, columns, version)?,
                }
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
        #[cfg(feature = "self-test")]
        Statement::Counts => {
            let query = "SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM matching_id),
                         (SELECT count(DISTINCT eid) FROM link)";
            let found = rows(sql, query, vec![])?;
            let count = |column| found.first().and_then(|row| integer(row, column)).unwrap_or(0);
            Answer::of(&[count(0), count(1), count(2)])
        }
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
            "SELECT iccid FROM profile WHERE record ->> '$.order.matching_id' = ? AND expires IS NOT NULL
             ORDER BY state = 'Error'",
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
            let delete = "DELETE FROM matching_id WHERE id = ? AND iccid = ? RETURNING id";
            let bindings = vec![id.as_str().into(), iccid.as_str().into()];
            Answer::of(&!rows(sql, delete, bindings)?.is_empty())
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
        Statement::Standing { eid, iccids } => {
            let query = "SELECT iccid, state, coalesce(eid = ? AND record ->> '$.order.matching_id' = '', 0)
                         FROM profile WHERE iccid IN (SELECT value FROM json_each(?))";
            let bindings = vec![eid.as_str().into(), serde_json::to_string(iccids)?.into()];
            let standing = |row: &Vec<Sql>| {
                Some(Standing {
                    iccid: text(row, 0)?.parse().ok()?,
                    state: ProfileState::from_name(text(row, 1)?)?,
                    is_led_to: integer(row, 2)? == 1,
                })
            };
            Answer::of(&rows(sql, query, bindings)?.iter().filter_map(standing).collect::<Vec<_>>())
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
pub(super) fn insert(sql: &SqlStorage, columns: &Columns, version: u64) -> worker::Result<()> {
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
    if columns.messages.iter().any(|message| message.for_operator) {
        let oldest = "DELETE FROM outbox WHERE for_operator = 1 AND iccid = ?1 AND number <= (
                      SELECT number FROM outbox WHERE for_operator = 1 AND iccid = ?1
                      ORDER BY number DESC LIMIT 1 OFFSET ?2)";
        run(sql, oldest, vec![columns.iccid.as_str().into(), number(MAX_WAITING_OF_ONE as u64)])?;
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

fn one(found: &[Vec<Sql>]) -> worker::Result<Answer> {
    Answer::of(&found.first().and_then(|row| text(row, 0)))
}

fn texts(found: &[Vec<Sql>]) -> worker::Result<Answer> {
    Answer::of(&found.iter().filter_map(|row| text(row, 0)).collect::<Vec<_>>())
}
