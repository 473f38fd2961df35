//! Signs requests of ES9+ for servers that admit certified LPAs only (RFC 9421, crate
//! `httpsig`).
//!
//! A server that wants it answers 401 and says so in `Accept-Signature`; from then on what
//! goes to it is signed. The key is a laboratory's, `/lab/lpa.json`: the browser keeps it
//! where nothing can read it out again.
//!
//! Most servers want none: what makes signatures comes when the first is wanted, with what else
//! the page loads later (`ui/later.rs`).

#![allow(unsafe_code, reason = "the macro names what stands on both sides of the cut")]

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use httpsig::lpa::Request;
use js_sys::{Array, Object, Reflect, Uint8Array};
use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
#[cfg(not(test))]
use leptos::wasm_split::wasm_split;
use rsp::es9::Base64;
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::CryptoKey;

use super::chip::words;
use super::http;

/// Where a laboratory keeps what its LPA signs with.
const IDENTITY: &str = "/lab/lpa.json";

/// Most servers that are remembered to want signatures.
const MOST: usize = 32;

/// Fields that are added to a request.
pub(crate) type Fields = Vec<(&'static str, String)>;

/// The LPA's certificate and key.
struct Identity {
    certificate: Vec<u8>,
    key: CryptoKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    certificate: Base64,
    private_key: Base64,
}

#[derive(Default)]
struct Inside {
    identity: RefCell<Option<Rc<Identity>>>,
    /// Servers that want signatures.
    wanted: RefCell<HashSet<String>>,
}

/// What the LPA signs with, and for whom. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Signatures {
    on: RwSignal<bool>,
    inside: StoredValue<Rc<Inside>, LocalStorage>,
}

impl Signatures {
    pub(crate) fn new() -> Self {
        Self { on: RwSignal::new(true), inside: StoredValue::new_local(Rc::new(Inside::default())) }
    }

    /// Whether it signs where it is asked to. Off, such a server refuses.
    pub(crate) const fn on(&self) -> RwSignal<bool> {
        self.on
    }

    /// A server refused a request that was not signed: whether it is worth another try.
    pub(crate) async fn demanded(&self, address: &str) -> bool {
        if !self.on.get_untracked() {
            return false;
        }
        let inside = self.inside.get_value();
        if inside.identity.borrow().is_none() {
            match identity().await {
                Ok(identity) => *inside.identity.borrow_mut() = Some(Rc::new(identity)),
                // Nobody has certified this LPA: the refusal stands.
                Err(_) => return false,
            }
        }
        let mut wanted = inside.wanted.borrow_mut();
        wanted.len() < MOST && wanted.insert(address.to_owned())
    }

    /// What to add to a POST of `body` to `https://address/path`; nothing where no signature is
    /// wanted.
    ///
    /// # Errors
    /// When it can't be signed, in words.
    pub(crate) async fn fields(&self, address: &str, path: &str, body: &[u8]) -> Result<Fields, String> {
        let inside = self.inside.get_value();
        if !self.on.get_untracked() || !inside.wanted.borrow().contains(address) {
            return Ok(Vec::new());
        }
        let identity = inside.identity.borrow().clone();
        let Some(identity) = identity else { return Ok(Vec::new()) };
        let now = (js_sys::Date::now() / 1000.0) as u64;
        let request = covered(address, path, body, &identity.certificate, now).await.map_err(|why| why.0)?;
        let signature = sign(&identity.key, request.base()).await.map_err(|error| words(&error))?;
        let signature: [u8; 64] =
            signature.try_into().map_err(|_| "the browser’s signature has another length".to_owned())?;
        finished(request, &signature).await.map_err(|why| why.0)
    }
}

/// Why a request can't be signed, in words.
struct Unsigned(String);

impl From<SplitLoaderError> for Unsigned {
    fn from(_: SplitLoaderError) -> Self {
        Self("the part of the page that signs requests can’t be loaded".to_owned())
    }
}

fn cover(address: &str, path: &str, body: &[u8], certificate: &[u8], now: u64) -> Result<Request, Unsigned> {
    Request::new(address, path, body, certificate, now).map_err(|error| Unsigned(error.to_string()))
}

fn finish(request: Request, signature: &[u8; 64]) -> Result<Fields, Unsigned> {
    Ok(request.finish(signature).into())
}

/// What a signature covers.
#[cfg(not(test))]
#[wasm_split(later, wasm_split_path = leptos::wasm_split, fallible)]
fn covered(
    address: &str,
    path: &str,
    body: &[u8],
    certificate: &[u8],
    now: u64,
) -> Result<Request, Unsigned> {
    cover(address, path, body, certificate, now)
}

/// The request's fields, signed.
#[cfg(not(test))]
#[wasm_split(later, wasm_split_path = leptos::wasm_split, fallible)]
fn finished(request: Request, signature: &[u8; 64]) -> Result<Fields, Unsigned> {
    finish(request, signature)
}

// Tests are one module, which nobody takes apart.
#[cfg(test)]
async fn covered(
    address: &str,
    path: &str,
    body: &[u8],
    certificate: &[u8],
    now: u64,
) -> Result<Request, Unsigned> {
    cover(address, path, body, certificate, now)
}

#[cfg(test)]
async fn finished(request: Request, signature: &[u8; 64]) -> Result<Fields, Unsigned> {
    finish(request, signature)
}

async fn identity() -> Result<Identity, String> {
    let answer = http::send("GET", IDENTITY, &[], None).await?;
    if answer.status != 200 {
        return Err(format!("{IDENTITY}: HTTP {}", answer.status));
    }
    let document: Document = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let key = import(&document.private_key.0).await.map_err(|error| words(&error))?;
    Ok(Identity { certificate: document.certificate.0, key })
}

fn subtle() -> Result<web_sys::SubtleCrypto, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    Ok(window.crypto()?.subtle())
}

fn algorithm(field: &str, value: &str) -> Result<Object, JsValue> {
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"ECDSA".into())?;
    Reflect::set(&algorithm, &field.into(), &value.into())?;
    Ok(algorithm)
}

/// A private key on P-256 (PKCS#8) that can't be read out again.
async fn import(pkcs8: &[u8]) -> Result<CryptoKey, JsValue> {
    let data = Uint8Array::from(pkcs8);
    let usages = Array::of1(&"sign".into());
    let algorithm = algorithm("namedCurve", "P-256")?;
    let key = subtle()?.import_key_with_object("pkcs8", data.as_ref(), &algorithm, false, usages.as_ref())?;
    Ok(JsFuture::from(key).await?.unchecked_into())
}

async fn sign(key: &CryptoKey, message: &[u8]) -> Result<Vec<u8>, JsValue> {
    let algorithm = algorithm("hash", "SHA-256")?;
    let message = Uint8Array::from(message);
    let signature = subtle()?.sign_with_object_and_js_u8_array(&algorithm, key, &message)?;
    Ok(Uint8Array::new(&JsFuture::from(signature).await?).to_vec())
}
