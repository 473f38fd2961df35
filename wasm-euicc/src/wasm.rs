//! The chip for JavaScript: the entry of the Web Worker that is the page's chip, and what
//! the npm package builds on.
//!
//! The worker answers `{id, apdu}`, `{id, reset}` and `{id, erase}` with `{id, rsp}`, in
//! order, and tells `{state, because}` of itself: `starting`, `durable` (and where),
//! `volatile`, `elsewhere` (another tab has the chip; it is taken over when that one closes)
//! or `broken`.

#[cfg(feature = "bench")]
mod bench;
mod indexed;
#[cfg(feature = "npm")]
mod npm;
mod opfs;
mod platform;
mod worker;

#[cfg(feature = "bench")]
pub use bench::Bare;
#[cfg(feature = "npm")]
pub use npm::{Chip, JsCard, JsMedium, LineDoor, Place, VpcdDoor, expose_pki};
pub use worker::serve;

use wasm_bindgen::{JsCast as _, JsValue};

/// What a JavaScript error says.
fn words(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .or_else(|| {
            let message = js_sys::Reflect::get(error, &"message".into()).ok()?.as_string()?;
            Some(message)
        })
        .unwrap_or_else(|| format!("{error:?}"))
}
