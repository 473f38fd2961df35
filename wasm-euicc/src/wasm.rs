//! The chip for JavaScript: the entry of the Web Worker that is the page's chip, and what
//! the npm package builds on.
//!
//! The worker is started as `worker.js?name=…&factory=…` (see [`serve`]). It answers in order,
//! with `{id, rsp}` or, when it can't, with `{id, lost}` in words:
//!
//! | request | what it does | `rsp` |
//! | --- | --- | --- |
//! | `{id, apdu}` | a command | its response |
//! | `{id, reset}` | resets; powers a dead chip up | the answer to reset |
//! | `{id, powerUp}` | power fails and comes back | the answer to reset |
//! | `{id, power: n, torn}` | power will fail at the `n`-th write from now; half of it is done when `torn`; 0: it lasts | empty |
//! | `{id, snapshot}` | | the whole memory, keys included |
//! | `{id, restore: bytes}` | another memory in the place of this one | the answer to reset |
//! | `{id, erase: true}` | a new chip of the factory in the place of this one | the answer to reset |
//! | `{id, erase: bytes}` | the same of the factory's JSON that is given | the answer to reset |
//! | `{id, trace: on}` | whether the chip's own words are told as `{trace}` | empty |
//!
//! What takes the memory's place is tried in a memory of its own first: when it is no chip
//! nothing is lost. Of itself the worker tells `{state, because}`: `starting`, `durable` (and
//! where), `volatile`, `elsewhere` (another tab has the chip; it is taken over when that one
//! closes), `unreadable` (the memory holds no chip of this version) or `broken`.

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
