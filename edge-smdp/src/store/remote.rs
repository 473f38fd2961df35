//! A store that is somewhere else, for tests: the service runs here, under the clock and
//! the chance of a test, over the Durable Objects of a running worker that was built
//! with the feature `self-test`.
//!
//! ```text
//!  SmDp ─► Remote ─ name and arguments in JSON ─► serve ─► Durable ─► objects
//! ```

use rsp::es9::Base64;
use rsp::{Eid, Iccid, MatchingId, TransactionId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Added, Change, JournalQuery, Link, Logged, Packages, Query, Standing, Store, Stored, StoredProfileType,
    Tally,
};
use crate::Fault;
use crate::outbox::{Outgoing, Settled};
use crate::profile::{Pending, Profile};

/// What a store holds that none of its methods shows: so that tests see that nothing grows.
#[expect(async_fn_in_trait, reason = "single-threaded platforms; no caller needs `Send` futures")]
pub trait Counted {
    /// How many transaction ids have been used.
    async fn sessions(&self) -> Result<usize, Fault>;

    /// How many matching ids, and how many EIDs, lead to a profile.
    async fn leads(&self) -> Result<(usize, usize), Fault>;
}

impl<F: Fn(String) -> Result<String, Fault>> Counted for Remote<F> {
    async fn sessions(&self) -> Result<usize, Fault> {
        self.ask("sessions", Vec::new())
    }

    async fn leads(&self) -> Result<(usize, usize), Fault> {
        let found: Vec<usize> = self.ask("leads", Vec::new())?;
        match found[..] {
            [matching_ids, eids] => Ok((matching_ids, eids)),
            _ => Err(Fault::new("leads: not its answer")),
        }
    }
}

/// A call, on its way.
#[derive(Serialize, Deserialize)]
pub struct Call {
    method: String,
    arguments: Vec<Value>,
}

/// A store behind a function that carries a call there and its answer back, both in
/// JSON.
pub struct Remote<F>(pub F);

impl<F: Fn(String) -> Result<String, Fault>> Remote<F> {
    fn ask<T: Carried>(&self, method: &str, arguments: Vec<Value>) -> Result<T, Fault> {
        let call = Call { method: method.to_owned(), arguments };
        let json = serde_json::to_string(&call).map_err(|error| Fault::new(error.to_string()))?;
        let answer = (self.0)(json)?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| Fault::new(error.to_string()))?;
        T::arrive(answer).ok_or_else(|| Fault::new(format!("{method}: not its answer")))
    }
}

/// What goes over the wire.
trait Carried: Sized {
    fn carry(&self) -> Value;
    fn arrive(value: Value) -> Option<Self>;
}

macro_rules! carried {
    (as json: $($type:ty),*; as text: $($text:ty),*;) => {
        $(impl Carried for $type {
            fn carry(&self) -> Value {
                serde_json::to_value(self).unwrap_or_default()
            }

            fn arrive(value: Value) -> Option<Self> {
                serde_json::from_value(value).ok()
            }
        })*
        $(impl Carried for $text {
            fn carry(&self) -> Value {
                self.to_string().into()
            }

            fn arrive(value: Value) -> Option<Self> {
                value.as_str()?.parse().ok()
            }
        })*
    };
}

carried! {
    as json: bool, u64, usize, u8, String, (), Query, JournalQuery, Link, Logged, Standing, Tally,
        StoredProfileType;
    as text: Iccid, Eid, TransactionId;
}

impl Carried for MatchingId {
    fn carry(&self) -> Value {
        self.as_str().into()
    }

    fn arrive(value: Value) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

/// In a list of one, so that what is absent differs from an absent one in it.
impl<T: Carried> Carried for Option<T> {
    fn carry(&self) -> Value {
        self.iter().map(Carried::carry).collect()
    }

    fn arrive(value: Value) -> Option<Self> {
        let list = Vec::<T>::arrive(value)?;
        (list.len() <= 1).then(|| list.into_iter().next())
    }
}

impl<T: Carried> Carried for Vec<T> {
    fn carry(&self) -> Value {
        self.iter().map(Carried::carry).collect()
    }

    fn arrive(value: Value) -> Option<Self> {
        let Value::Array(list) = value else { return None };
        list.into_iter().map(T::arrive).collect()
    }
}

/// Bytes.
struct Bytes(Vec<u8>);

impl Carried for Bytes {
    fn carry(&self) -> Value {
        Base64(self.0.clone()).to_string().into()
    }

    fn arrive(value: Value) -> Option<Self> {
        serde_json::from_value::<Base64>(value).ok().map(|bytes| Self(bytes.0))
    }
}

/// A part of an object.
fn part<T: DeserializeOwned>(value: &mut Value, name: &str) -> Option<T> {
    serde_json::from_value(value.get_mut(name)?.take()).ok()
}

impl Carried for Profile {
    fn carry(&self) -> Value {
        // The record leaves out what the store takes over with it.
        json!({ "record": self, "journal": self.pending.journal, "messages": self.pending.messages })
    }

    fn arrive(mut value: Value) -> Option<Self> {
        let profile: Self = part(&mut value, "record")?;
        let pending =
            Pending { journal: part(&mut value, "journal")?, messages: part(&mut value, "messages")? };
        Some(Self { pending, ..profile })
    }
}

impl Carried for Packages {
    fn carry(&self) -> Value {
        let protected = self.protected.clone().map(Bytes);
        json!([Bytes(self.package.clone()).carry(), protected.carry(), self.key_id])
    }

    fn arrive(value: Value) -> Option<Self> {
        let Value::Array(list) = value else { return None };
        let [package, protected, key_id] = <[Value; 3]>::try_from(list).ok()?;
        let protected = Option::<Bytes>::arrive(protected)?.map(|bytes| bytes.0);
        Some(Self { package: Bytes::arrive(package)?.0, protected, key_id: String::arrive(key_id)? })
    }
}

impl Carried for Stored {
    fn carry(&self) -> Value {
        json!([self.version, self.profile.carry()])
    }

    fn arrive(value: Value) -> Option<Self> {
        let Value::Array(list) = value else { return None };
        let [version, profile] = <[Value; 2]>::try_from(list).ok()?;
        Some(Self { version: u64::arrive(version)?, profile: Profile::arrive(profile)? })
    }
}

impl Carried for Change {
    fn carry(&self) -> Value {
        json!([self.profile.carry(), self.bound.clone().map(Bytes).carry(), self.packages.carry()])
    }

    fn arrive(value: Value) -> Option<Self> {
        let Value::Array(list) = value else { return None };
        let [profile, bound, packages] = <[Value; 3]>::try_from(list).ok()?;
        let bound = Option::<Bytes>::arrive(bound)?.map(|bytes| bytes.0);
        Some(Self {
            profile: Profile::arrive(profile)?,
            bound,
            packages: Option::<Packages>::arrive(packages)?,
        })
    }
}

impl Carried for Added {
    fn carry(&self) -> Value {
        format!("{self:?}").into()
    }

    fn arrive(value: Value) -> Option<Self> {
        [Self::New, Self::Replaced, Self::InUse].into_iter().find(|added| added.carry() == value)
    }
}

impl Carried for Outgoing {
    fn carry(&self) -> Value {
        json!([self.id, self.iccid.carry(), self.message, self.attempts, self.due, self.last_error])
    }

    fn arrive(value: Value) -> Option<Self> {
        let Value::Array(list) = value else { return None };
        let [id, iccid, message, attempts, due, last_error] = <[Value; 6]>::try_from(list).ok()?;
        Some(Self {
            id: String::arrive(id)?,
            iccid: Iccid::arrive(iccid)?,
            message: serde_json::from_value(message).ok()?,
            attempts: serde_json::from_value(attempts).ok()?,
            due: u64::arrive(due)?,
            last_error: serde_json::from_value(last_error).ok()?,
        })
    }
}

impl Carried for Settled {
    fn carry(&self) -> Value {
        match self {
            Self::Acknowledged => Value::Null,
            Self::Again { due, because } => json!([due, because]),
        }
    }

    fn arrive(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Acknowledged),
            value => {
                let (due, because) = serde_json::from_value(value).ok()?;
                Some(Self::Again { due, because })
            }
        }
    }
}

/// The methods: how each argument is given (`of`: by reference, `is`: as it is, `in`:
/// as text), and what comes back.
macro_rules! methods {
    ($($name:ident($($kind:tt $argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl<F: Fn(String) -> Result<String, Fault>> Store for Remote<F> {
            $(async fn $name(&self, $($argument: methods!(@given $kind $type)),*) -> Result<$result, Fault> {
                self.ask(stringify!($name), vec![$(methods!(@put $kind $argument)),*])
            })*

            async fn bound_profile_package(&self, iccid: &Iccid) -> Result<Option<Vec<u8>>, Fault> {
                let bound: Option<Bytes> = self.ask("bound_profile_package", vec![iccid.carry()])?;
                Ok(bound.map(|bytes| bytes.0))
            }

            async fn standing(&self, eid: &Eid, iccids: &[Iccid]) -> Result<Vec<Standing>, Fault> {
                self.ask("standing", vec![eid.carry(), iccids.to_vec().carry()])
            }

            async fn replace_template(
                &self,
                name: &str,
                before: &[u8],
                after: &[u8],
                key_id: &str,
            ) -> Result<bool, Fault> {
                let [before, after] = [before, after].map(|bytes| Bytes(bytes.to_vec()).carry());
                self.ask("replace_template", vec![name.into(), before, after, key_id.into()])
            }

            async fn remember_call(
                &self,
                id: &str,
                iccid: &Iccid,
                instead_of: Option<&Iccid>,
                expires: u64,
            ) -> Result<Iccid, Fault> {
                let instead_of = instead_of.copied().carry();
                self.ask("remember_call", vec![id.into(), iccid.carry(), instead_of, expires.carry()])
            }

            async fn begin_session(
                &self,
                id: &TransactionId,
                iccid: Option<&Iccid>,
                expires: u64,
            ) -> Result<bool, Fault> {
                self.ask("begin_session", vec![id.carry(), iccid.copied().carry(), expires.carry()])
            }
        }

        /// Executes a call, and answers it in JSON.
        ///
        /// # Errors
        /// The store's fault, or a call that is none.
        pub async fn serve(store: &(impl Store + Counted), call: &str) -> Result<String, Fault> {
            let none = || Fault::new("not a call of a store");
            let call: Call = serde_json::from_str(call).map_err(|_| none())?;
            let mut arguments = call.arguments.into_iter();
            let mut next = || arguments.next().ok_or_else(none);
            let answer = match call.method.as_str() {
                $(stringify!($name) => {
                    $(let $argument = <methods!(@kept $kind $type)>::arrive(next()?).ok_or_else(none)?;)*
                    store.$name($(methods!(@lent $kind $argument)),*).await?.carry()
                })*
                "bound_profile_package" => {
                    let iccid = Iccid::arrive(next()?).ok_or_else(none)?;
                    store.bound_profile_package(&iccid).await?.map(Bytes).carry()
                }
                "sessions" => store.sessions().await?.carry(),
                "leads" => {
                    let (matching_ids, eids) = store.leads().await?;
                    vec![matching_ids, eids].carry()
                }
                "standing" => {
                    let eid = Eid::arrive(next()?).ok_or_else(none)?;
                    let iccids = Vec::<Iccid>::arrive(next()?).ok_or_else(none)?;
                    store.standing(&eid, &iccids).await?.carry()
                }
                "replace_template" => {
                    let name = String::arrive(next()?).ok_or_else(none)?;
                    let before = Bytes::arrive(next()?).ok_or_else(none)?;
                    let after = Bytes::arrive(next()?).ok_or_else(none)?;
                    let key_id = String::arrive(next()?).ok_or_else(none)?;
                    store.replace_template(&name, &before.0, &after.0, &key_id).await?.carry()
                }
                "remember_call" => {
                    let id = String::arrive(next()?).ok_or_else(none)?;
                    let iccid = Iccid::arrive(next()?).ok_or_else(none)?;
                    let instead_of = Option::<Iccid>::arrive(next()?).ok_or_else(none)?;
                    let expires = u64::arrive(next()?).ok_or_else(none)?;
                    store.remember_call(&id, &iccid, instead_of.as_ref(), expires).await?.carry()
                }
                "begin_session" => {
                    let id = TransactionId::arrive(next()?).ok_or_else(none)?;
                    let iccid = Option::<Iccid>::arrive(next()?).ok_or_else(none)?;
                    let expires = u64::arrive(next()?).ok_or_else(none)?;
                    store.begin_session(&id, iccid.as_ref(), expires).await?.carry()
                }
                _ => return Err(none()),
            };
            Ok(answer.to_string())
        }
    };
    (@given of $type:ty) => { &$type };
    (@given is $type:ty) => { $type };
    (@given in $type:ty) => { &str };
    (@put in $argument:ident) => { Value::from($argument) };
    (@put $kind:tt $argument:ident) => { $argument.carry() };
    (@kept $kind:tt $type:ty) => { $type };
    (@lent is $argument:ident) => { $argument };
    (@lent $kind:tt $argument:ident) => { &$argument };
}

methods! {
    add_profile(of profile: Profile, of packages: Packages) -> Added;
    profile(of iccid: Iccid) -> Option<Stored>;
    packages(of iccid: Iccid) -> Option<Packages>;
    replace(is version: u64, of change: Change) -> bool;
    remove(is version: u64, of iccid: Iccid) -> bool;
    available(in profile_type: String, is from: u8, is most: usize) -> Vec<Iccid>;
    has_type(in profile_type: String) -> bool;
    list(of query: Query) -> Vec<Profile>;
    journal(of query: JournalQuery) -> Vec<Logged>;
    tally(in key_id: String) -> Tally;
    expired(is now: u64, is most: usize) -> Vec<Iccid>;
    sealed_otherwise(in key_id: String, is most: usize) -> Vec<Iccid>;
    templates_sealed_otherwise(in key_id: String, is most: usize) -> Vec<String>;
    due(is now: u64, is most: usize) -> Vec<Outgoing>;
    settle(of message: Outgoing, of settled: Settled) -> ();
    put_profile_type(of profile_type: StoredProfileType) -> Option<bool>;
    profile_type(in name: String) -> Option<StoredProfileType>;
    profile_types() -> Vec<StoredProfileType>;
    remove_profile_type(in name: String) -> bool;
    claim_matching_id(of id: MatchingId, of iccid: Iccid) -> Iccid;
    release_matching_id(of id: MatchingId, of iccid: Iccid) -> ();
    matching_id(of id: MatchingId) -> Option<Iccid>;
    link(of eid: Eid, of iccid: Iccid) -> ();
    unlink(of eid: Eid, of iccid: Iccid) -> ();
    linked(of eid: Eid, is after: u64) -> Vec<Link>;
    call(in id: String) -> Option<Iccid>;
    session(of id: TransactionId) -> Option<Iccid>;
}
