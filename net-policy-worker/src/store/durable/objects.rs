//! Durable Objects of a class, called by their names.

use std::time::Duration;

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::Response as Answer;
use worker::{Env, Request, Response};
use zeroize::Zeroizing;

use super::fault;
use crate::gateway;
use crate::refusal::Fault;
use crate::worker::wire::{self, Peer};
use crate::worker::{BODY_PATIENCE, within};

/// How long an object may take. One that has trapped never answers; its caller must.
const PATIENCE: Duration = Duration::from_secs(10);

#[wasm_bindgen]
extern "C" {
    /// The runtime's own.
    type DurableObjectNamespace;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn by_name(this: &DurableObjectNamespace, name: &str) -> Result<Peer, JsValue>;
}

/// The objects behind a binding.
pub(super) struct Objects(DurableObjectNamespace);

impl Objects {
    pub(super) fn behind(env: &Env, binding: &str) -> worker::Result<Self> {
        Ok(Self(JsValue::from(env.durable_object(binding)?).unchecked_into()))
    }

    /// One call of an object, which answers 200 and text.
    pub(super) async fn call(&self, name: &str, path: &str, body: &str) -> Result<String, Fault> {
        let exchange = async {
            let answer = self.send(name, path, &[], Some(&body.into())).await?;
            if answer.status() != 200 {
                return Err(Fault(format!("an object answered {}", answer.status())));
            }
            wire::text(&answer).await.map_err(fault)
        };
        patiently(PATIENCE, exchange).await
    }

    /// Has an object answer in the place of its caller: what it answers, unread. It may wait for a terminal's body,
    /// and then for an SM.
    pub(super) async fn hand_on(
        &self,
        name: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&JsValue>,
    ) -> Result<Answer, Fault> {
        let patience = PATIENCE.saturating_add(BODY_PATIENCE).saturating_add(gateway::PATIENCE);
        patiently(patience, self.send(name, path, headers, body)).await
    }

    async fn send(
        &self,
        name: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&JsValue>,
    ) -> Result<Answer, Fault> {
        let object = self.0.by_name(name).map_err(worker::Error::from).map_err(fault)?;
        wire::send(Some(&object), &format!("https://object{path}"), "POST", headers, body)
            .await
            .map_err(fault)
    }
}

async fn patiently<T>(
    patience: Duration,
    exchange: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    within(patience, exchange).await.unwrap_or_else(|| Err(Fault("an object does not answer".to_owned())))
}

/// The other side of [`Objects::call`]: what an object does with a path and a body, as its answer. What
/// is wrong with an object, its log says by `name`; whoever asks is not told.
pub(super) async fn answered(
    name: &str,
    mut request: Request,
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
