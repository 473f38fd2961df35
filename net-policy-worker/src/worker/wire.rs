//! Requests, answers and their headers, straight from the runtime and straight to it.
//!
//! `worker::Request` and `worker::Response` ask the runtime for everything that can be known of either, and
//! each question is a way out of the module and back. Here it is asked for what is needed, and headers come and go as
//! one text.

use js_sys::{Array, JSON, Promise, Reflect};
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{Headers, Response};

#[wasm_bindgen]
extern "C" {
    /// What answers requests: a worker behind a binding, an object.
    #[derive(Clone)]
    pub(crate) type Peer;

    #[wasm_bindgen(method, catch, js_name = fetch)]
    fn fetch(this: &Peer, url: &str, init: &JsValue) -> Result<Promise, JsValue>;

    /// To the Internet.
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch_outside(url: &str, init: &JsValue) -> Result<Promise, JsValue>;
}

/// All headers, each name in lower case, with its values in one.
pub(super) fn lines(headers: &Headers) -> worker::Result<Vec<(String, String)>> {
    let text = JSON::stringify(&Array::from(headers))?;
    serde_json::from_str(&String::from(text)).map_err(worker::Error::from)
}

/// How long a body is said to be.
pub(super) fn length(lines: &[(String, String)]) -> Option<usize> {
    let (_, length) = lines.iter().find(|(name, _)| name == "content-length")?;
    length.parse().ok()
}

/// Sends a request, to a peer or else into the Internet, and follows no redirect. There is no cookie and no
/// credential: the runtime keeps none.
pub(crate) async fn send(
    peer: Option<&Peer>,
    url: &str,
    method: &str,
    headers: &[(&str, &str)],
    body: Option<&JsValue>,
) -> worker::Result<Response> {
    let init = parsed(&json!({ "method": method, "headers": headers, "redirect": "manual" }))?;
    if let Some(body) = body {
        Reflect::set(&init, &"body".into(), body)?;
    }
    let promise = match peer {
        Some(peer) => peer.fetch(url, &init)?,
        None => fetch_outside(url, &init)?,
    };
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

/// An answer's body as text.
pub(crate) async fn text(answer: &Response) -> worker::Result<String> {
    let text = JsFuture::from(answer.text()?).await?;
    text.as_string().ok_or_else(|| worker::Error::from("a body that is no text"))
}

fn parsed(value: &Value) -> worker::Result<JsValue> {
    Ok(JSON::parse(&value.to_string())?)
}
