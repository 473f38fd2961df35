//! Durable Objects of a class, called by their names.

use std::time::Duration;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use worker::{Env, Method, ObjectNamespace, Request, RequestInit, Response};
use zeroize::Zeroizing;

use super::fault;
use crate::gateway;
use crate::refusal::Fault;
use crate::worker::within;

/// How long an object may take. One that has trapped never answers; its caller must.
const PATIENCE: Duration = Duration::from_secs(10);

/// The objects behind a binding.
pub(super) struct Objects(ObjectNamespace);

impl Objects {
    pub(super) fn behind(env: &Env, binding: &str) -> worker::Result<Self> {
        Ok(Self(env.durable_object(binding)?))
    }

    /// One call of an object, which answers 200 and text.
    pub(super) async fn call(&self, name: &str, path: &str, body: &str) -> Result<String, Fault> {
        let exchange = async {
            let mut response = self.send(name, path, body.into()).await?;
            if response.status_code() != 200 {
                return Err(Fault(format!("an object answered {}", response.status_code())));
            }
            response.text().await.map_err(fault)
        };
        patiently(PATIENCE, exchange).await
    }

    /// Has an object answer in the place of its caller: what it answers, unread. It may wait for an SM.
    pub(super) async fn hand_on(&self, name: &str, path: &str, body: &[u8]) -> Result<Response, Fault> {
        let exchange = self.send(name, path, Uint8Array::from(body).into());
        patiently(PATIENCE.saturating_add(gateway::PATIENCE), exchange).await
    }

    async fn send(&self, name: &str, path: &str, body: JsValue) -> Result<Response, Fault> {
        let stub = self.0.get_by_name(name).map_err(fault)?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(body));
        let request = Request::new_with_init(&format!("https://object{path}"), &init).map_err(fault)?;
        stub.fetch_with_request(request).await.map_err(fault)
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
