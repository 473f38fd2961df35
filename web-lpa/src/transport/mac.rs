//! HMAC-SHA-256 by the browser's own cryptography, which there is on HTTPS and on this computer only.

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::CryptoKey;

use super::chip::words;

/// The 32 bytes.
///
/// # Errors
/// There is no such cryptography here, in words.
pub(crate) async fn hmac(key: &[u8], message: &[u8]) -> Result<Vec<u8>, String> {
    made(key, message).await.map_err(|error| words(&error))
}

async fn made(key: &[u8], message: &[u8]) -> Result<Vec<u8>, JsValue> {
    let crypto = web_sys::window().ok_or("there is no window")?.crypto()?;
    // Its type says otherwise.
    let there = Reflect::get(&crypto, &"subtle".into())?;
    let subtle: web_sys::SubtleCrypto =
        there.dyn_into().map_err(|_| "this page came over plain HTTP and has no cryptography")?;
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"HMAC".into())?;
    Reflect::set(&algorithm, &"hash".into(), &"SHA-256".into())?;
    let data = Uint8Array::from(key);
    let usages = Array::of1(&"sign".into());
    let imported = subtle.import_key_with_object("raw", data.as_ref(), &algorithm, false, usages.as_ref())?;
    let imported: CryptoKey = JsFuture::from(imported).await?.unchecked_into();
    let message = Uint8Array::from(message);
    let made = subtle.sign_with_object_and_js_u8_array(&algorithm, &imported, &message)?;
    Ok(Uint8Array::new(&JsFuture::from(made).await?).to_vec())
}
