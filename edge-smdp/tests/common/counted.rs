//! A store that counts what it is asked: the platform lets one request ask objects so often only.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use edge_smdp::outbox::{Outgoing, Settled};
use edge_smdp::profile::Profile;
use edge_smdp::store::{
    Added, Change, JournalQuery, Link, Logged, Packages, Query, Standing, Store, Stored, StoredProfileType,
    Tally,
};
use edge_smdp::{Fault, Limits, Protection, SmDp};
use http::Request;
use rsp::{Eid, Iccid, MatchingId, TransactionId};
use rsp_crypto::ready;
use serde_json::{Value, json};

use super::store::{TestStore, every_method};
use super::{TOKEN, World, credential_set, rng, server};

/// How many objects the profiles are spread over: who looks for one by something else than its
/// ICCID may have to ask them all.
const OBJECTS: usize = 16;

struct Counted<'a> {
    store: &'a TestStore,
    asked: &'a Cell<usize>,
}

macro_rules! counted {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Store for Counted<'_> {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$result, Fault> {
                let objects = match stringify!($name) {
                    "available" | "has_type" | "list" | "journal" | "tally" => OBJECTS,
                    _ => 1,
                };
                self.asked.set(self.asked.get() + objects);
                self.store.$name($($argument),*).await
            })*
        }
    };
}

every_method!(counted);

/// A call of the operator's interface: status, answer, and how often objects are asked for it at
/// most.
pub(crate) fn operator(world: &World, path: &str, body: &Value) -> (u16, Value, usize) {
    let credentials = json!({ "sets": [credential_set(&world.pki)] }).to_string();
    let server = Rc::new(server(&credentials, Protection::SessionKeys, Limits::default()));
    let asked = Cell::new(0);
    let store = Counted { store: world.smdp.store(), asked: &asked };
    // Calls have other names each time.
    world.calls.set(world.calls.get() + 1);
    let chance = RefCell::new(rng(1_000 + u64::from(world.calls.get())));
    let smdp = SmDp::new(server, store, Rc::clone(&world.clock), chance).with_courier(Rc::clone(&world.post));
    let request = Request::post(format!("/operator/{path}"))
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(body.to_string().into_bytes());
    let response = ready(smdp.handle(request.unwrap()));
    let answer = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), answer, asked.get())
}
