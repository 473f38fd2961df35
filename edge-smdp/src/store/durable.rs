//! The store over Durable Objects with SQLite: the side that asks.
//!
//! A fixed number of objects of one class, by what they hold:
//!
//! ```text
//!  profile-0 … 15   by ICCID            records, packages, journal, messages that wait;
//!                   by id               matching ids that look like drawn ones
//!  index-0 … 15     by id               other matching ids, links to EIDs, calls
//!  session-0 … 15   by transaction id   used ids
//!  catalogue-0                          profile types
//! ```
//!
//! An object executes one [`Statement`] without waiting ([`super::shard`]). Code that
//! runs in an object executes statements for that object there, without a way
//! through the platform. So a request of a door is best answered in the object that
//! owns the profile it is about ([`Durable::answer_at`]): there is one way instead of
//! one for each statement. What this file knows of where a profile may be is a hint:
//! the record in the object decides.

use core::cell::{Cell, RefCell};
use core::cmp::Reverse;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::{Either, join_all, select};
use js_sys::{Object, Promise, Reflect, Uint8Array};
use rsp::{Eid, Iccid, MatchingId, TransactionId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{ObjectNamespace, SqlStorage};

use super::shard::{Answer, Columns, OutboxRow, Statement, execute, frame, unframe};
use super::{
    Added, Change, JournalQuery, Link, Logged, MAX_PAGE, Packages, Place, Query, Standing, Store, Stored,
    StoredProfileType, Tally,
};
use crate::Fault;
use crate::outbox::{Outgoing, Settled};
use crate::profile::Profile;
use crate::router::Owner;

/// Objects of each kind but the catalogue.
pub(super) const SHARDS: u8 = 16;
/// How long an object may take for a statement.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an object may take for a request of a door, which may wait for others.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
/// How many sessions' places are remembered: of the latest, which are those that still go on.
const MAX_PLACES: usize = 1024;

thread_local! {
    /// In which object with profiles a session went on, by its transaction id. That begins
    /// with the time: the first is the oldest.
    static PLACES: RefCell<BTreeMap<[u8; 16], u8>> = const { RefCell::new(BTreeMap::new()) };
}

#[wasm_bindgen]
extern "C" {
    /// The way to an object.
    type Stub;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, url: &str, init: &Object) -> Result<Promise, JsValue>;
}

/// What an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Profile,
    Index,
    Session,
    Catalogue,
}

/// One object by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) kind: Kind,
    pub(crate) number: u8,
}

impl Shard {
    /// The one that a key belongs to.
    pub(crate) fn of(kind: Kind, key: &str) -> Self {
        let [first, ..] = <[u8; 32]>::from(Sha256::digest(key.as_bytes()));
        Self { kind, number: first % SHARDS }
    }

    /// All that hold profiles.
    pub(crate) fn of_profiles() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(|number| Self { kind: Kind::Profile, number })
    }

    pub(crate) fn name(self) -> String {
        let kind = match self.kind {
            Kind::Profile => "profile",
            Kind::Index => "index",
            Kind::Session => "session",
            Kind::Catalogue => "catalogue",
        };
        format!("{kind}-{}", self.number)
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let (kind, number) = name.split_once('-')?;
        let kind = match kind {
            "profile" => Kind::Profile,
            "index" => Kind::Index,
            "session" => Kind::Session,
            "catalogue" => Kind::Catalogue,
            _ => return None,
        };
        number.parse().ok().filter(|number| *number < SHARDS).map(|number| Self { kind, number })
    }
}

/// The object that the code runs in.
pub(crate) struct Here {
    pub(crate) shard: Shard,
    pub(crate) sql: SqlStorage,
    /// Called after a statement that may have set something due, with when.
    pub(crate) changed: Rc<dyn Fn(u64)>,
}

/// The store, as the worker uses it.
pub(crate) struct Durable {
    objects: ObjectNamespace,
    here: Option<Here>,
    /// In front of the objects' names: tests have objects of their own.
    #[cfg(feature = "self-test")]
    of_test: String,
}

/// What of an object's paths leads to a door, as it is seen there.
pub(super) const DOOR: &str = "door";

/// Whether a matching id looks like one that this server drew: then it was drawn for the
/// object of its profile ([`Store::suits`]).
fn may_be_drawn(id: &MatchingId) -> bool {
    id.as_str().len() == 23
}

/// The object that decides whose a matching id is. One that was drawn is decided on where its
/// profile is: an order is confirmed, found and ended there without a way to another object.
fn decides_on(id: &MatchingId) -> Shard {
    if may_be_drawn(id) { Shard::of(Kind::Profile, id.as_str()) } else { indexes(id) }
}

/// Where all matching ids were in earlier versions of this server. What may have been drawn is
/// not written there any more, but looked for and removed until its order ends.
fn indexes(id: &MatchingId) -> Shard {
    Shard::of(Kind::Index, id.as_str())
}

/// Where a session went on, as far as that is remembered.
fn remembered(id: &TransactionId) -> Option<u8> {
    let id: &[u8; 16] = id.as_bytes().try_into().ok()?;
    PLACES.with_borrow(|places| places.get(id).copied())
}

impl Durable {
    /// From outside of all objects.
    pub(crate) const fn new(objects: ObjectNamespace) -> Self {
        Self {
            objects,
            here: None,
            #[cfg(feature = "self-test")]
            of_test: String::new(),
        }
    }

    /// From within one of them. What it is asked for all profiles ([`Store::expired`]
    /// and the like) it then answers for its own.
    pub(crate) const fn inside(objects: ObjectNamespace, here: Here) -> Self {
        Self {
            objects,
            here: Some(here),
            #[cfg(feature = "self-test")]
            of_test: String::new(),
        }
    }

    /// With objects for this test alone.
    #[cfg(feature = "self-test")]
    pub(crate) fn of_test(self, name: &str) -> Self {
        Self { of_test: format!("{name} "), ..self }
    }

    /// Sends a request to an object as it is.
    pub(crate) async fn send(
        &self,
        shard: Shard,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Fault> {
        let init = Object::new();
        let set = |name: &str, value: &JsValue| Reflect::set(&init, &name.into(), value);
        let prepared = set("method", &"POST".into()).and_then(|_| match &body {
            Some(body) => set("body", &Uint8Array::from(&body[..])),
            None => Ok(true),
        });
        prepared.map_err(|error| Fault::new(format!("request: {error:?}")))?;
        let path = format!("/{path}");
        let answer = self.fetch(shard, &path, &init, PATIENCE, async |response| {
            let bytes = JsFuture::from(response.array_buffer()?).await?;
            Ok((response.status(), Uint8Array::new(&bytes).to_vec()))
        });
        match answer.await? {
            (200, bytes) => Ok(bytes),
            (_, said) => {
                Err(Fault::new(format!("object {}: {}", shard.name(), String::from_utf8_lossy(&said))))
            }
        }
    }

    /// The object in which a request is best answered, if any.
    pub(crate) async fn place(&self, owner: &Owner) -> Result<Option<Shard>, Fault> {
        let profile = match owner {
            Owner::Profile(iccid) => Some(*iccid),
            Owner::MatchingId(id, _) if may_be_drawn(id) => return Ok(Some(decides_on(id))),
            Owner::MatchingId(id, _) => self.matching_id(id).await?,
            Owner::Session(id) => match remembered(id) {
                Some(number) => return Ok(Some(Shard { kind: Kind::Profile, number })),
                None => self.session(id).await?,
            },
        };
        Ok(profile.map(|iccid| Shard::of(Kind::Profile, &iccid.to_string())))
    }

    /// Remembers where a session goes on.
    pub(crate) fn remember_place(owner: &Owner, shard: Shard) {
        let Owner::MatchingId(_, id) = owner else { return };
        let Ok(id) = id.as_bytes().try_into() else { return };
        PLACES.with_borrow_mut(|places| {
            places.insert(id, shard.number);
            if places.len() > MAX_PLACES {
                places.pop_first();
            }
        });
    }

    /// Has a request of a door answered in an object; `init` as for the platform's `fetch`.
    pub(crate) async fn answer_at(
        &self,
        shard: Shard,
        path: &str,
        init: &Object,
    ) -> Result<web_sys::Response, Fault> {
        self.fetch(shard, &format!("/{DOOR}{path}"), init, LONG_PATIENCE, async |response| Ok(response)).await
    }

    /// A way to an object and back.
    async fn fetch<T>(
        &self,
        shard: Shard,
        path: &str,
        init: &Object,
        patience: Duration,
        read: impl AsyncFnOnce(web_sys::Response) -> Result<T, JsValue>,
    ) -> Result<T, Fault> {
        let name = shard.name();
        #[cfg(feature = "self-test")]
        let stub = self.objects.get_by_name(&format!("{}{name}", self.of_test));
        #[cfg(not(feature = "self-test"))]
        let stub = self.objects.get_by_name(&name);
        let stub: Stub = stub.map_err(|error| Fault::new(format!("object {name}: {error}")))?.into_rpc();
        let answer = async {
            let response = stub.fetch(&format!("https://store/{name}{path}"), init)?;
            read(JsFuture::from(response).await?.unchecked_into()).await
        };
        // A panicking object can leave its caller waiting for ever.
        let answer = within(patience, answer).await;
        let answer = answer.ok_or_else(|| Fault::new(format!("object {name} does not answer")))?;
        answer.map_err(|error| Fault::new(format!("object {name}: {error:?}")))
    }

    /// The object that this runs in, if it is one with profiles.
    fn among_profiles(&self) -> Option<Shard> {
        self.here.as_ref().map(|here| here.shard).filter(|shard| shard.kind == Kind::Profile)
    }

    async fn ask(&self, shard: Shard, call: &Statement, blobs: &[&[u8]]) -> Result<Answer, Fault> {
        if let Some(here) = self.here.as_ref().filter(|here| here.shard == shard) {
            let blobs = blobs.iter().map(|blob| blob.to_vec()).collect();
            let answer = execute(&here.sql, call, blobs);
            let answer = answer.map_err(|error| Fault::new(format!("object {}: {error}", shard.name())))?;
            if let Some(due) = call.sets_something_due() {
                (here.changed)(due);
            }
            return Ok(answer);
        }
        let json = serde_json::to_string(call).map_err(|error| Fault::new(format!("JSON: {error}")))?;
        let bytes = self.send(shard, "statement", Some(frame(&json, blobs))).await?;
        let (json, blobs) =
            unframe(&bytes).ok_or_else(|| Fault::new(format!("object {}: no answer", shard.name())))?;
        Ok(Answer { json, blobs })
    }

    async fn call<T: DeserializeOwned>(&self, shard: Shard, call: &Statement) -> Result<T, Fault> {
        self.ask(shard, call, &[]).await?.read()
    }

    /// The profile that has a matching id by what one object says.
    async fn matching_id_at(&self, shard: Shard, id: &MatchingId) -> Result<Option<Iccid>, Fault> {
        let call = Statement::MatchingId { id: id.as_str().to_owned() };
        let iccid: Option<String> = self.call(shard, &call).await?;
        iccid.map(iccid_of).transpose()
    }

    /// The objects with profiles that this is asked about: all, or the one it is in.
    fn shards(&self) -> Vec<Shard> {
        match &self.here {
            Some(here) if here.shard.kind == Kind::Profile => vec![here.shard],
            _ => Shard::of_profiles().collect(),
        }
    }

    /// The same of all objects with profiles, at the same time.
    async fn each<T: DeserializeOwned>(&self, call: &Statement) -> Result<Vec<(Shard, T)>, Fault> {
        let asked = self.shards().into_iter().map(async |shard| Ok((shard, self.call(shard, call).await?)));
        join_all(asked).await.into_iter().collect()
    }
}

/// A profile's row, on its way.
#[derive(Deserialize)]
struct Row {
    version: u64,
    profile: Profile,
}

fn iccid_of(text: String) -> Result<Iccid, Fault> {
    text.parse().map_err(|error| Fault::new(format!("stored ICCID: {error}")))
}

fn iccids(found: Vec<(Shard, Vec<String>)>, most: usize) -> Result<Vec<Iccid>, Fault> {
    found.into_iter().flat_map(|(_, iccids)| iccids).take(most).map(iccid_of).collect()
}

const CATALOGUE: Shard = Shard { kind: Kind::Catalogue, number: 0 };

impl Store for Durable {
    async fn add_profile(&self, profile: &Profile, packages: &Packages) -> Result<Added, Fault> {
        let columns = Columns::of(profile)?;
        let shard = Shard::of(Kind::Profile, &columns.iccid);
        let call = Statement::AddProfile {
            columns,
            key_id: packages.key_id.clone(),
            protected: packages.protected.is_some(),
        };
        let mut blobs = vec![&packages.package[..]];
        blobs.extend(packages.protected.as_deref());
        let there: Option<bool> = self.ask(shard, &call, &blobs).await?.read()?;
        Ok(match there {
            None => Added::New,
            Some(true) => Added::Replaced,
            Some(false) => Added::InUse,
        })
    }

    async fn profile(&self, iccid: &Iccid) -> Result<Option<Stored>, Fault> {
        let iccid = iccid.to_string();
        let shard = Shard::of(Kind::Profile, &iccid);
        let row: Option<Row> = self.call(shard, &Statement::Profile { iccid }).await?;
        Ok(row.map(|row| Stored { version: row.version, profile: row.profile }))
    }

    async fn packages(&self, iccid: &Iccid) -> Result<Option<Packages>, Fault> {
        let iccid = iccid.to_string();
        let shard = Shard::of(Kind::Profile, &iccid);
        let answer = self.ask(shard, &Statement::Packages { iccid }, &[]).await?;
        let key_id: Option<String> = answer.read()?;
        let mut blobs = answer.blobs.into_iter();
        Ok(key_id.zip(blobs.next()).map(|(key_id, package)| Packages {
            package,
            protected: blobs.next(),
            key_id,
        }))
    }

    async fn bound_profile_package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault> {
        let iccid = iccid.to_string();
        let shard = Shard::of(Kind::Profile, &iccid);
        Ok(self.ask(shard, &Statement::Bound { iccid }, &[]).await?.blobs.into_iter().next())
    }

    async fn replace(&self, version: u64, change: &Change) -> Result<bool, Fault> {
        let columns = Columns::of(&change.profile)?;
        let shard = Shard::of(Kind::Profile, &columns.iccid);
        let packages = change.packages.as_ref();
        let protected = packages.and_then(|packages| packages.protected.as_deref());
        let call = Statement::Replace {
            version,
            columns,
            keeps_bound: change.profile.state.keeps_bound_package(),
            keeps_package: change.profile.state.keeps_package(),
            bound: change.bound.is_some(),
            packages: packages.map(|packages| packages.key_id.clone()),
            protected: protected.is_some(),
        };
        let mut blobs = Vec::new();
        blobs.extend(change.bound.as_deref());
        blobs.extend(packages.map(|packages| &packages.package[..]));
        blobs.extend(protected);
        self.ask(shard, &call, &blobs).await?.read()
    }

    async fn remove(&self, version: u64, iccid: &Iccid) -> Result<bool, Fault> {
        let iccid = iccid.to_string();
        let shard = Shard::of(Kind::Profile, &iccid);
        self.call(shard, &Statement::Remove { version, iccid }).await
    }

    async fn available(&self, profile_type: &str, from: u8, most: usize) -> Result<Vec<Iccid>, Fault> {
        let mut found = Vec::new();
        for step in 0..SHARDS {
            let most = most - found.len();
            if most == 0 {
                break;
            }
            let shard = Shard { kind: Kind::Profile, number: from.wrapping_add(step) % SHARDS };
            let call = Statement::Available { profile_type: profile_type.to_owned(), most };
            let here: Vec<String> = self.call(shard, &call).await?;
            for iccid in here.into_iter().take(most) {
                found.push(iccid_of(iccid)?);
            }
        }
        Ok(found)
    }

    async fn has_type(&self, profile_type: &str) -> Result<bool, Fault> {
        let call = Statement::HasType { profile_type: profile_type.to_owned() };
        Ok(self.each::<bool>(&call).await?.into_iter().any(|(_, has)| has))
    }

    async fn list(&self, query: &Query) -> Result<Vec<Profile>, Fault> {
        let most = query.most.min(MAX_PAGE);
        let call = Statement::List(Query { most, ..query.clone() });
        let pages = self.each::<Vec<Profile>>(&call).await?;
        let mut found: Vec<Profile> = pages.into_iter().flat_map(|(_, page)| page).collect();
        found.sort_by_key(|profile| Reverse(Place::of(profile)));
        found.truncate(most);
        Ok(found)
    }

    async fn journal(&self, query: &JournalQuery) -> Result<Vec<Logged>, Fault> {
        let most = query.most.min(MAX_PAGE);
        let call = Statement::Journal(JournalQuery { most, ..query.clone() });
        let pages = self.each::<Vec<Logged>>(&call).await?;
        let mut found: Vec<Logged> = pages.into_iter().flat_map(|(_, page)| page).collect();
        found.sort_by(|one, other| other.place.cmp(&one.place));
        found.truncate(most);
        Ok(found)
    }

    async fn tally(&self, key_id: &str) -> Result<Tally, Fault> {
        let mut all = Tally::default();
        for (_, tally) in self.each(&Statement::Tally { key_id: key_id.to_owned() }).await? {
            all.add(&tally);
        }
        let templates = Statement::CountTemplatesSealedOtherwise { key_id: key_id.to_owned() };
        all.templates_sealed_otherwise = Self::call(self, CATALOGUE, &templates).await?;
        Ok(all)
    }

    async fn expired(&self, now: u64, most: usize) -> Result<Vec<Iccid>, Fault> {
        iccids(self.each(&Statement::Expired { now, most }).await?, most)
    }

    async fn sealed_otherwise(&self, key_id: &str, most: usize) -> Result<Vec<Iccid>, Fault> {
        iccids(self.each(&Statement::SealedOtherwise { key_id: key_id.to_owned(), most }).await?, most)
    }

    /// Asked within an object with profiles, the first of them answers for the catalogue: one
    /// of them is enough.
    async fn templates_sealed_otherwise(&self, key_id: &str, most: usize) -> Result<Vec<String>, Fault> {
        if self.among_profiles().is_some_and(|here| here.number != 0) {
            return Ok(Vec::new());
        }
        let call = Statement::TemplatesSealedOtherwise { key_id: key_id.to_owned(), most };
        Self::call(self, CATALOGUE, &call).await
    }

    async fn due(&self, now: u64, most: usize) -> Result<Vec<Outgoing>, Fault> {
        let mut due = Vec::new();
        for (shard, rows) in self.each::<Vec<OutboxRow>>(&Statement::Due { now, most }).await? {
            for row in rows {
                due.push(row.read(shard)?);
            }
        }
        due.sort_by_key(|message| message.due);
        due.truncate(most);
        Ok(due)
    }

    async fn settle(&self, message: &Outgoing, settled: &Settled) -> Result<(), Fault> {
        let named = message.id.split_once('/');
        let found = named.and_then(|(shard, number)| Some((Shard::from_name(shard)?, number.parse().ok()?)));
        let Some((shard, number)) = found else { return Ok(()) };
        let again = match settled {
            Settled::Acknowledged => None,
            Settled::Again { due, because } => Some((*due, because.clone())),
        };
        self.call(shard, &Statement::Settle { number, again }).await
    }

    async fn put_profile_type(&self, profile_type: &StoredProfileType) -> Result<Option<bool>, Fault> {
        self.call(CATALOGUE, &Statement::PutProfileType(profile_type.clone())).await
    }

    async fn profile_type(&self, name: &str) -> Result<Option<StoredProfileType>, Fault> {
        self.call(CATALOGUE, &Statement::ProfileType { name: name.to_owned() }).await
    }

    async fn replace_template(
        &self,
        name: &str,
        before: &[u8],
        after: &[u8],
        key_id: &str,
    ) -> Result<bool, Fault> {
        let call = Statement::ReplaceTemplate { name: name.to_owned(), key_id: key_id.to_owned() };
        self.ask(CATALOGUE, &call, &[before, after]).await?.read()
    }

    async fn profile_types(&self) -> Result<Vec<StoredProfileType>, Fault> {
        self.call(CATALOGUE, &Statement::ProfileTypes).await
    }

    async fn remove_profile_type(&self, name: &str) -> Result<bool, Fault> {
        self.call(CATALOGUE, &Statement::RemoveProfileType { name: name.to_owned() }).await
    }

    async fn claim_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<Iccid, Fault> {
        if may_be_drawn(id)
            && let Some(owner) = self.matching_id_at(indexes(id), id).await?
        {
            return Ok(owner);
        }
        let call = Statement::ClaimMatchingId { id: id.as_str().to_owned(), iccid: iccid.to_string() };
        iccid_of(self.call(decides_on(id), &call).await?)
    }

    async fn release_matching_id(&self, id: &MatchingId, iccid: &Iccid) -> Result<(), Fault> {
        let call = Statement::ReleaseMatchingId { id: id.as_str().to_owned(), iccid: iccid.to_string() };
        let was_there: bool = self.call(decides_on(id), &call).await?;
        if !was_there && may_be_drawn(id) {
            self.call::<bool>(indexes(id), &call).await?;
        }
        Ok(())
    }

    fn suits(&self, id: &MatchingId, iccid: &Iccid) -> bool {
        Shard::of(Kind::Profile, id.as_str()) == Shard::of(Kind::Profile, &iccid.to_string())
    }

    async fn matching_id(&self, id: &MatchingId) -> Result<Option<Iccid>, Fault> {
        // An order that has it is proof enough; the index is for finding it.
        if let Some(here) = self.among_profiles() {
            let call = Statement::Ordered { matching_id: id.as_str().to_owned() };
            let found: Option<String> = self.call(here, &call).await?;
            if let Some(iccid) = found {
                return iccid_of(iccid).map(Some);
            }
        }
        match self.matching_id_at(decides_on(id), id).await? {
            None if may_be_drawn(id) => self.matching_id_at(indexes(id), id).await,
            found => Ok(found),
        }
    }

    async fn link(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault> {
        let eid = eid.to_string();
        let shard = Shard::of(Kind::Index, &eid);
        self.call(shard, &Statement::Link { eid, iccid: iccid.to_string() }).await
    }

    async fn unlink(&self, eid: &Eid, iccid: &Iccid) -> Result<(), Fault> {
        let eid = eid.to_string();
        let shard = Shard::of(Kind::Index, &eid);
        self.call(shard, &Statement::Unlink { eid, iccid: iccid.to_string() }).await
    }

    async fn linked(&self, eid: &Eid, after: u64) -> Result<Vec<Link>, Fault> {
        let eid = eid.to_string();
        let shard = Shard::of(Kind::Index, &eid);
        self.call(shard, &Statement::Linked { eid, after }).await
    }

    async fn standing(&self, eid: &Eid, iccids: &[Iccid]) -> Result<Vec<Standing>, Fault> {
        let mut of: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        for iccid in iccids.iter().map(ToString::to_string) {
            of.entry(Shard::of(Kind::Profile, &iccid).number).or_default().push(iccid);
        }
        let asked = of.into_iter().map(async |(number, iccids)| {
            let call = Statement::Standing { eid: eid.to_string(), iccids };
            Self::call::<Vec<Standing>>(self, Shard { kind: Kind::Profile, number }, &call).await
        });
        let standing: Result<Vec<_>, Fault> = join_all(asked).await.into_iter().collect();
        Ok(standing?.into_iter().flatten().collect())
    }

    async fn remember_call(
        &self,
        id: &str,
        iccid: &Iccid,
        instead_of: Option<&Iccid>,
        expires: u64,
    ) -> Result<Iccid, Fault> {
        let (iccid, instead_of) = (iccid.to_string(), instead_of.map(ToString::to_string));
        let call = Statement::RememberCall { id: id.to_owned(), iccid, instead_of, expires };
        iccid_of(Self::call(self, Shard::of(Kind::Index, id), &call).await?)
    }

    async fn call(&self, id: &str) -> Result<Option<Iccid>, Fault> {
        let call = Statement::CallOf { id: id.to_owned() };
        let iccid: Option<String> = Self::call(self, Shard::of(Kind::Index, id), &call).await?;
        iccid.map(iccid_of).transpose()
    }

    async fn begin_session(
        &self,
        id: &TransactionId,
        iccid: Option<&Iccid>,
        expires: u64,
    ) -> Result<bool, Fault> {
        let id = id.to_string();
        let shard = Shard::of(Kind::Session, &id);
        let iccid = iccid.map(ToString::to_string);
        self.call(shard, &Statement::BeginSession { id, iccid, expires }).await
    }

    async fn session(&self, id: &TransactionId) -> Result<Option<Iccid>, Fault> {
        let id = id.to_string();
        if let Some(here) = self.among_profiles() {
            let found: Option<String> = self.call(here, &Statement::InSession { id: id.clone() }).await?;
            if let Some(iccid) = found {
                return iccid_of(iccid).map(Some);
            }
        }
        let shard = Shard::of(Kind::Session, &id);
        let iccid: Option<String> = self.call(shard, &Statement::Session { id }).await?;
        iccid.map(iccid_of).transpose()
    }
}

#[cfg(feature = "self-test")]
impl Durable {
    /// What [`Statement::Counts`] says of all objects of a kind together.
    async fn counts(&self, kind: Kind) -> Result<[usize; 3], Fault> {
        let counts = (0..SHARDS).map(|number| self.call(Shard { kind, number }, &Statement::Counts));
        let counts: Result<Vec<[usize; 3]>, Fault> = join_all(counts).await.into_iter().collect();
        Ok(counts?.into_iter().fold([0; 3], |[a, b, c], [x, y, z]| [a + x, b + y, c + z]))
    }
}

/// What an earlier version of this server wrote of a matching id is honoured until it is given up.
#[cfg(feature = "self-test")]
pub(crate) async fn honours_older_entries(store: &Durable) -> Result<(), Fault> {
    let holds = |it: bool, promise: &str| {
        if it { Ok(()) } else { Err(Fault::new(format!("broken: {promise}"))) }
    };
    let read = |text: &str| text.parse().map_err(|_| Fault::new("ids"));
    let [old, new]: [Iccid; 2] = [read("8900101000000000016")?, read("8900101000000000024")?];
    let id: MatchingId = "ABCDE-FGHJK-LMNPQ-RSTUV".parse().map_err(|_| Fault::new("ids"))?;
    let older = Statement::ClaimMatchingId { id: id.as_str().to_owned(), iccid: old.to_string() };
    store.call::<String>(indexes(&id), &older).await?;
    holds(store.matching_id(&id).await? == Some(old), "an older entry leads to its profile")?;
    holds(store.claim_matching_id(&id, &new).await? == old, "nobody else gets it")?;
    store.release_matching_id(&id, &new).await?;
    holds(store.matching_id(&id).await? == Some(old), "nor gives it up")?;
    store.release_matching_id(&id, &old).await?;
    holds(store.matching_id(&id).await?.is_none(), "it is given up")?;
    holds(store.claim_matching_id(&id, &new).await? == new, "and free")?;
    holds(store.matching_id_at(indexes(&id), &id).await?.is_none(), "for an entry in its new place")
}

#[cfg(feature = "self-test")]
impl super::remote::Counted for Durable {
    async fn sessions(&self) -> Result<usize, Fault> {
        self.counts(Kind::Session).await.map(|[sessions, ..]| sessions)
    }

    async fn leads(&self) -> Result<(usize, usize), Fault> {
        let [_, drawn, _] = self.counts(Kind::Profile).await?;
        self.counts(Kind::Index).await.map(|[_, others, eids]| (drawn + others, eids))
    }
}

/// What `work` comes to, or `None` when it takes longer than `limit`.
///
/// Not with `worker::Delay`: it takes what `setTimeout` returns for a number, which
/// it is not under the runtime's Node.js compatibility.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), Timer::start(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(call: &Closure<dyn FnMut()>, milliseconds: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// A timer of the runtime, stopped when it is dropped.
///
/// Without a promise: that of a timer which was stopped is never settled, and a [`JsFuture`]
/// over it would stay for ever, as it and its callbacks hold each other until then.
struct Timer {
    bell: Rc<Bell>,
    id: JsValue,
    /// What the runtime calls; it lives no longer than the timer.
    _ring: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct Bell {
    has_rung: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Timer {
    fn start(limit: Duration) -> Self {
        let bell = Rc::<Bell>::default();
        let rung = Rc::clone(&bell);
        let ring = Closure::wrap_assert_unwind_safe(Box::new(move || {
            rung.has_rung.set(true);
            if let Some(waker) = rung.waker.take() {
                waker.wake();
            }
        }) as Box<dyn FnMut()>);
        let id = set_timeout(&ring, limit.as_secs_f64() * 1000.0);
        Self { bell, id, _ring: ring }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.bell.has_rung.get() {
            return Poll::Ready(());
        }
        self.bell.waker.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // One that is over already is not an error.
        clear_timeout(&self.id);
    }
}
