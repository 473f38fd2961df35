//! Where the temporary identities lead: 256 objects, each with the M-TMSIs of one first byte.
//!
//! An entry is an address and no more: whether the GUTI still holds, its owner knows. So an
//! entry that is behind does no harm, and none has to be taken back in the same step.

use worker::{DurableObject, Env, Request as HttpRequest, Response, SqlStorageValue, State, durable_object};

use super::{Objects, answered, fault, integer};
use crate::identity::Guti;
use crate::refusal::Fault;
use crate::subscriber::Tag;

/// For how long an entry leads anywhere, in milliseconds: who stays away longer than 60 days
/// comes with its permanent identity.
const LIFETIME: u64 = 60 * 24 * 60 * 60_000;

/// The objects behind the binding `TEMPORARY`.
pub(super) struct Temporary(Objects);

impl Temporary {
    pub(super) fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self(Objects::behind(env, "TEMPORARY")?))
    }

    /// `guti` leads to `tag` from here on.
    pub(super) async fn enter(&self, guti: Guti, tag: Tag) -> Result<(), Fault> {
        self.ask("/enter", guti, &tag.to_string()).await.map(|_| ())
    }

    /// `guti` leads to `tag` no more.
    pub(super) async fn strike(&self, guti: Guti, tag: Tag) -> Result<(), Fault> {
        self.ask("/strike", guti, &tag.to_string()).await.map(|_| ())
    }

    /// Where `guti` leads.
    pub(super) async fn find(&self, guti: Guti) -> Result<Option<Tag>, Fault> {
        Ok(Tag::parse(&self.ask("/find", guti, "").await?))
    }

    async fn ask(&self, path: &str, guti: Guti, tag: &str) -> Result<String, Fault> {
        let tmsi = hex::encode(guti.tmsi());
        let shard = tmsi.get(..2).unwrap_or_default();
        self.0.call(shard, path, &format!("{tmsi} {tag}")).await
    }
}

/// The temporary identities with one first byte.
#[durable_object(fetch)]
pub(crate) struct TemporaryObject {
    state: State,
    _env: Env,
}

impl DurableObject for TemporaryObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, _env: env }
    }

    async fn fetch(&self, request: HttpRequest) -> worker::Result<Response> {
        answered("temporary", request, async |path, body| self.carry_out(path, &body)).await
    }
}

impl TemporaryObject {
    fn carry_out(&self, path: &str, body: &str) -> Result<String, Fault> {
        let sql = self.state.storage().sql();
        let run = |query: &str, row: Vec<SqlStorageValue>| sql.exec(query, row).map_err(fault);
        run(
            "CREATE TABLE IF NOT EXISTS temporary (
                tmsi TEXT PRIMARY KEY, owner TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID",
            vec![],
        )?;
        run("CREATE INDEX IF NOT EXISTS by_end ON temporary (expires)", vec![])?;
        let (tmsi, owner) = body.split_once(' ').unwrap_or_default();
        let now = worker::Date::now().as_millis();
        match path {
            "/enter" => {
                run("DELETE FROM temporary WHERE expires <= ?", vec![integer(now)])?;
                // One that is given out a second time leads to nobody, until both have another.
                run(
                    "INSERT INTO temporary (tmsi, owner, expires) VALUES (?, ?, ?)
                     ON CONFLICT (tmsi) DO UPDATE SET owner = '', expires = excluded.expires
                     WHERE owner <> excluded.owner",
                    vec![tmsi.into(), owner.into(), integer(now.saturating_add(LIFETIME))],
                )?;
                Ok(String::new())
            }
            "/strike" => {
                run("DELETE FROM temporary WHERE tmsi = ? AND owner = ?", vec![tmsi.into(), owner.into()])?;
                Ok(String::new())
            }
            _ => {
                let query = "SELECT owner FROM temporary WHERE tmsi = ? AND expires > ?";
                let rows = run(query, vec![tmsi.into(), integer(now)])?;
                let Some(row) = rows.raw().next() else { return Ok(String::new()) };
                match row.map_err(fault)?.as_slice() {
                    [SqlStorageValue::String(owner)] => Ok(owner.clone()),
                    _ => Err(Fault("a kept identity has other columns".to_owned())),
                }
            }
        }
    }
}
