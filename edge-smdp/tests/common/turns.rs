//! A store that lets others go first, for calls that run step by step in turn.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use edge_smdp::outbox::{Outgoing, Settled};
use edge_smdp::profile::Profile;
use edge_smdp::store::{
    Added, Change, JournalQuery, Link, Logged, Packages, Query, Standing, Store, Stored, StoredProfileType,
    Tally,
};
use edge_smdp::{Fault, Limits, Protection, SmDp};
use http::{Request, Response};
use rsp::{Eid, Iccid, MatchingId, TransactionId};
use serde_json::{Value, json};

use super::store::{TestStore, every_method};
use super::{TOKEN, World, credential_set, rng, server};

/// A store that lets others go first, once before every step.
struct Yielding<'a>(&'a TestStore);

async fn others_first() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

macro_rules! yielding {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Store for Yielding<'_> {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$result, Fault> {
                others_first().await;
                self.0.$name($($argument),*).await
            })*
        }
    };
}

every_method!(yielding);

/// Runs two calls step by step in turn, the second `head_start` steps later; `function`
/// with its interface, as in the path.
pub(crate) fn both(world: &World, function: &str, bodies: [&Value; 2], head_start: usize) -> [Value; 2] {
    all(world, function, &bodies, head_start).try_into().unwrap()
}

/// The same of any number, each `head_start` steps after the one before.
pub(crate) fn all(world: &World, function: &str, bodies: &[&Value], head_start: usize) -> Vec<Value> {
    let calls: Vec<_> =
        bodies.iter().enumerate().map(|(at, body)| (function, *body, at * head_start)).collect();
    several(world, &calls)
}

/// The same of calls of any functions, each with the step that it begins at; in every step the
/// first of them goes first.
pub(crate) fn several(world: &World, calls: &[(&str, &Value, usize)]) -> Vec<Value> {
    let body = |response: Response<Vec<u8>>| serde_json::from_slice(response.body()).unwrap();
    responses(world, calls).into_iter().map(body).collect()
}

/// The same, with all of each answer.
pub(crate) fn responses(world: &World, calls: &[(&str, &Value, usize)]) -> Vec<Response<Vec<u8>>> {
    let credentials = json!({ "sets": [credential_set(&world.pki)] }).to_string();
    let server = Rc::new(server(&credentials, Protection::SessionKeys, Limits::default()));
    let store = Yielding(world.smdp.store());
    let smdp = SmDp::new(server, store, Rc::clone(&world.clock), RefCell::new(rng(4)))
        .with_courier(Rc::clone(&world.post));
    let call = |(function, body, begin): &(&str, &Value, usize)| {
        let request = Request::post(format!("/gsma/rsp2/{function}"))
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(body.to_string().into_bytes());
        (*begin, Box::pin(smdp.handle(request.unwrap())))
    };
    let mut answers: Vec<Option<Response<Vec<u8>>>> = calls.iter().map(|_| None).collect();
    let mut calls: Vec<_> = calls.iter().map(call).collect();
    let mut context = Context::from_waker(Waker::noop());
    for step in 0..1000 {
        for ((begin, call), answer) in calls.iter_mut().zip(&mut answers) {
            if step >= *begin
                && answer.is_none()
                && let Poll::Ready(ready) = call.as_mut().poll(&mut context)
            {
                *answer = Some(ready);
            }
        }
    }
    answers.into_iter().map(Option::unwrap).collect()
}
