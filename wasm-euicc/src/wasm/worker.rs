//! The entry of the Web Worker that is the page's chip.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Response};

use super::indexed::IndexedMedium;
use super::opfs;
use super::platform::{Platform, Storage};
use super::words;
use crate::nvm::{MemoryMedium, TwinMedium};
use crate::{Euicc, Factory, power_up, resident};

/// The name of the page's chip in the browser's storage.
const NAME: &str = "euicc";

/// Where the page's chip lives, and how that is told.
struct Home {
    storage: Storage,
    state: &'static str,
    because: String,
}

/// Becomes the page's chip: opens its memory, makes the chip from the factory's JSON at
/// `factory` where there is none yet, and answers the page from then on.
///
/// # Errors
/// When the worker's own scope is not what it should be; everything else is told to the
/// page.
#[wasm_bindgen]
pub async fn serve(factory: String) -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into().map_err(|_| "not in a worker")?;
    let Home { storage, state, because } = match home(&scope).await {
        Ok(home) => home,
        Err(because) => return tell(&scope, "broken", &because),
    };
    let mut platform = Platform::new(storage);
    let there = match resident(platform.storage.medium()) {
        Ok(there) => there.is_some(),
        Err(error) => {
            answer(&scope, There::Unreadable(platform.storage));
            return tell(&scope, "unreadable", &error.to_string());
        }
    };
    match open(&scope, platform, there, &factory).await {
        Ok(euicc) => {
            answer(&scope, There::Chip(Box::new(euicc)));
            tell(&scope, state, &because)
        }
        Err(because) => tell(&scope, "broken", &because),
    }
}

/// The best place there is: files, else a database, else none that lasts.
async fn home(scope: &DedicatedWorkerGlobalScope) -> Result<Home, String> {
    let no_files = match opfs::files(NAME, || tell(scope, "elsewhere", "")).await {
        Ok(files) => {
            let storage = TwinMedium::open(files).map(Storage::Files).map_err(|error| error.to_string())?;
            return Ok(Home { storage, state: "durable", because: "in files (OPFS)".into() });
        }
        Err(because) => because,
    };
    let elsewhere = {
        let scope = scope.clone();
        // A page that cannot be told is gone.
        Closure::<dyn FnMut()>::new(move || drop(tell(&scope, "elsewhere", "")))
    };
    match IndexedMedium::open(NAME, Some(elsewhere.as_ref().unchecked_ref())).await {
        Ok(medium) => Ok(Home {
            storage: Storage::Database(medium),
            state: "durable",
            because: "in a database (IndexedDB)".into(),
        }),
        Err(error) => Ok(Home {
            storage: Storage::Volatile(MemoryMedium::new()),
            state: "volatile",
            because: format!("{no_files}; {}", words(&error)),
        }),
    }
}

/// The chip that lives in the memory, else a new one.
async fn open(
    scope: &DedicatedWorkerGlobalScope,
    platform: Platform,
    there: bool,
    factory: &str,
) -> Result<Euicc<Platform>, String> {
    // A chip that is there needs no factory, and so no network.
    if there {
        return power_up(platform).map_err(|error| error.to_string());
    }
    let json = fetch(scope, factory).await.map_err(|error| {
        format!("the new chip's identity can't be fetched from {factory}: {}", words(&error))
    })?;
    let factory = Factory::from_json(&json).map_err(|error| error.to_string())?;
    let euicc = factory.manufacture(platform).map_err(|error| error.to_string())?;
    if let Some(written) = euicc.env().storage.settled() {
        JsFuture::from(written).await.map_err(|error| words(&error))?;
    }
    Ok(euicc)
}

async fn fetch(scope: &DedicatedWorkerGlobalScope, path: &str) -> Result<Vec<u8>, JsValue> {
    let response: Response = JsFuture::from(scope.fetch_with_str(path)).await?.dyn_into()?;
    if !response.ok() {
        return Err(format!("HTTP {}", response.status()).into());
    }
    Ok(Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?).to_vec())
}

/// What the page speaks to.
enum There {
    Chip(Box<Euicc<Platform>>),
    /// A memory that holds no chip of this version; it can be erased.
    Unreadable(Storage),
}

/// Answers the page from now on.
fn answer(scope: &DedicatedWorkerGlobalScope, there: There) {
    let slot = Rc::new(RefCell::new(Some(there)));
    let door = scope.clone();
    let handler = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if let Err(error) = handle(&door, &slot, &event.data()) {
            // Posting failed: there is nobody left to tell.
            web_sys::console::error_1(&error);
        }
    });
    scope.set_onmessage(Some(handler.into_js_value().unchecked_ref()));
}

fn handle(
    scope: &DedicatedWorkerGlobalScope,
    slot: &Rc<RefCell<Option<There>>>,
    message: &JsValue,
) -> Result<(), JsValue> {
    let field = |name: &str| Reflect::get(message, &name.into()).unwrap_or_default();
    let mut there = slot.borrow_mut();
    let (response, written) = if field("erase").is_truthy() {
        // An erased chip answers nothing any more: the worker is to be started again.
        let mut storage = match there.take() {
            Some(There::Chip(euicc)) => euicc.into_env().storage,
            Some(There::Unreadable(storage)) => storage,
            None => return Ok(()),
        };
        storage.erase()?;
        let written = storage.settled();
        // Held until it is done: dropped, it is closed.
        if written.is_some() {
            core::mem::forget(storage);
        }
        (Vec::new(), written)
    } else {
        let Some(There::Chip(euicc)) = &mut *there else { return Ok(()) };
        let response = if let Ok(apdu) = field("apdu").dyn_into::<Uint8Array>() {
            euicc.transmit(&apdu.to_vec())
        } else if field("reset").is_truthy() {
            euicc.reset()
        } else {
            return Ok(());
        };
        (response, euicc.env().storage.settled())
    };
    drop(there);
    let id = field("id");
    let Some(written) = written else { return post(scope, &id, &response) };
    // The answer waits until what it says has happened is durable. Those after it wait too:
    // writes become durable in their order.
    let (scope, slot) = (scope.clone(), Rc::clone(slot));
    spawn_local(async move {
        let done = match JsFuture::from(written).await {
            Ok(_) => post(&scope, &id, &response),
            Err(error) => {
                // As if power had failed in this command: to go on, it is opened anew.
                slot.borrow_mut().take();
                tell(&scope, "broken", &format!("the browser did not keep a change: {}", words(&error)))
            }
        };
        if let Err(error) = done {
            web_sys::console::error_1(&error);
        }
    });
    Ok(())
}

fn post(scope: &DedicatedWorkerGlobalScope, id: &JsValue, response: &[u8]) -> Result<(), JsValue> {
    let response = Uint8Array::from(response);
    let answer = js_sys::Object::new();
    Reflect::set(&answer, &"id".into(), id)?;
    Reflect::set(&answer, &"rsp".into(), &response)?;
    scope.post_message_with_transfer(&answer, &Array::of1(&response.buffer()))
}

fn tell(scope: &DedicatedWorkerGlobalScope, state: &str, because: &str) -> Result<(), JsValue> {
    let message = js_sys::Object::new();
    Reflect::set(&message, &"state".into(), &state.into())?;
    Reflect::set(&message, &"because".into(), &because.into())?;
    scope.post_message(&message)
}
