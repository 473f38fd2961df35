//! Where a test's server remembers: in memory; or, where `SMDP_STORE` names a worker that
//! was built with the feature `self-test`, in Durable Objects of the test's own.

use edge_smdp::Fault;
use edge_smdp::outbox::{Outgoing, Settled};
use edge_smdp::profile::Profile;
use edge_smdp::store::memory::Memory;
#[cfg(feature = "self-test")]
use edge_smdp::store::remote::{Counted, Remote};
use edge_smdp::store::{
    Added, Change, JournalQuery, Link, Logged, Packages, Query, Standing, Store, Stored, StoredProfileType,
    Tally,
};
use rsp::{Eid, Iccid, MatchingId, TransactionId};

#[cfg(feature = "self-test")]
type Way = Box<dyn Fn(String) -> Result<String, Fault>>;

/// Either of them.
pub(crate) enum TestStore {
    Memory(Box<Memory>),
    #[cfg(feature = "self-test")]
    Objects(Remote<Way>),
}

impl TestStore {
    /// An empty one.
    pub(crate) fn new() -> Self {
        #[cfg(feature = "self-test")]
        if let Ok(worker) = std::env::var("SMDP_STORE") {
            return Self::Objects(Remote(way(&worker)));
        }
        Self::Memory(Box::default())
    }

    /// How many transaction ids have been used.
    pub(crate) fn sessions(&self) -> usize {
        match self {
            Self::Memory(memory) => memory.sessions(),
            #[cfg(feature = "self-test")]
            Self::Objects(objects) => rsp_crypto::ready(objects.sessions()).unwrap(),
        }
    }

    /// How many matching ids, and how many EIDs, lead to a profile.
    pub(crate) fn leads(&self) -> (usize, usize) {
        match self {
            Self::Memory(memory) => memory.leads(),
            #[cfg(feature = "self-test")]
            Self::Objects(objects) => rsp_crypto::ready(objects.leads()).unwrap(),
        }
    }

    /// What there is but the transaction ids that have been used, as text: equal while
    /// nothing has changed. Of objects: what can be listed.
    pub(crate) fn snapshot(&self) -> String {
        match self {
            Self::Memory(memory) => memory.snapshot(),
            #[cfg(feature = "self-test")]
            Self::Objects(objects) => rsp_crypto::ready(async {
                let profiles = objects.list(&Query { most: 200, ..Query::default() }).await.unwrap();
                let mut records = Vec::new();
                for profile in &profiles {
                    records.push(objects.profile(&profile.iccid).await.unwrap());
                }
                let journal = objects.journal(&JournalQuery { most: 200, ..JournalQuery::default() }).await;
                let (tally, due) = (objects.tally("").await, objects.due(u64::MAX, 200).await);
                let types = objects.profile_types().await;
                format!("{records:?}\n{journal:?}\n{tally:?}\n{due:?}\n{types:?}")
            }),
        }
    }
}

/// A way to objects that nobody else uses.
#[cfg(feature = "self-test")]
fn way(worker: &str) -> Way {
    use std::sync::atomic::{AtomicU32, Ordering};

    static TESTS: AtomicU32 = AtomicU32::new(0);
    let number = TESTS.fetch_add(1, Ordering::Relaxed);
    let url = format!("{worker}/self-test/store/{}-{number}", std::process::id());
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    Box::new(move |call| {
        let failed = |error: ureq::Error| Fault::new(error.to_string());
        let mut answer = agent.post(&url).send(call).map_err(failed)?;
        let text = answer.body_mut().read_to_string().map_err(failed)?;
        if answer.status() == 200 { Ok(text) } else { Err(Fault::new(text)) }
    })
}

macro_rules! either {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Store for TestStore {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$result, Fault> {
                match self {
                    Self::Memory(memory) => memory.$name($($argument),*).await,
                    #[cfg(feature = "self-test")]
                    Self::Objects(objects) => objects.$name($($argument),*).await,
                }
            })*
        }
    };
}

/// Every method of the trait, handed to a macro that makes an implementation of them.
macro_rules! every_method {
    ($implementation:ident) => {
        $implementation! {
            add_profile(profile: &Profile, packages: &Packages) -> Added;
            profile(iccid: &Iccid) -> Option<Stored>;
            packages(iccid: &Iccid) -> Option<Packages>;
            bound_profile_package(iccid: &Iccid) -> Option<Vec<u8>>;
            replace(version: u64, change: &Change) -> bool;
            remove(version: u64, iccid: &Iccid) -> bool;
            available(profile_type: &str, from: u8, most: usize) -> Vec<Iccid>;
            has_type(profile_type: &str) -> bool;
            list(query: &Query) -> Vec<Profile>;
            journal(query: &JournalQuery) -> Vec<Logged>;
            tally(key_id: &str) -> Tally;
            expired(now: u64, most: usize) -> Vec<Iccid>;
            sealed_otherwise(key_id: &str, most: usize) -> Vec<Iccid>;
            templates_sealed_otherwise(key_id: &str, most: usize) -> Vec<String>;
            due(now: u64, most: usize) -> Vec<Outgoing>;
            settle(message: &Outgoing, settled: &Settled) -> ();
            put_profile_type(profile_type: &StoredProfileType) -> Option<bool>;
            profile_type(name: &str) -> Option<StoredProfileType>;
            replace_template(name: &str, before: &[u8], after: &[u8], key_id: &str) -> bool;
            profile_types() -> Vec<StoredProfileType>;
            remove_profile_type(name: &str) -> bool;
            claim_matching_id(id: &MatchingId, iccid: &Iccid) -> Iccid;
            release_matching_id(id: &MatchingId, iccid: &Iccid) -> ();
            matching_id(id: &MatchingId) -> Option<Iccid>;
            link(eid: &Eid, iccid: &Iccid) -> ();
            unlink(eid: &Eid, iccid: &Iccid) -> ();
            linked(eid: &Eid, after: u64) -> Vec<Link>;
            standing(eid: &Eid, iccids: &[Iccid]) -> Vec<Standing>;
            remember_call(id: &str, iccid: &Iccid, instead_of: Option<&Iccid>, expires: u64) -> Iccid;
            call(id: &str) -> Option<Iccid>;
            begin_session(id: &TransactionId, iccid: Option<&Iccid>, expires: u64) -> bool;
            session(id: &TransactionId) -> Option<Iccid>;
        }
    };
}
pub(crate) use every_method;

every_method!(either);
