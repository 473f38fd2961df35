//! The entry of the Web Worker that is a chip of the page.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Response};

use super::indexed::IndexedMedium;
use super::opfs;
use super::platform::{Platform, Storage};
use super::words;
use crate::nvm::{Medium as _, MemoryMedium, Tear, TwinMedium};
use crate::{Env as _, Euicc, Factory, power_up, resident};

/// The longest memory that is taken for another one's place, in bytes.
const MAX_MEMORY: usize = 16 << 20;

/// Becomes a chip of the page: opens the memory of that name, makes the chip from the
/// factory's JSON at `factory` where there is none yet, and answers the page from then on.
/// Of a name only lower-case letters count; without one it is the page's first chip.
///
/// # Errors
/// When the worker's own scope is not what it should be; everything else is told to the
/// page.
#[wasm_bindgen]
pub async fn serve(name: String, factory: String) -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into().map_err(|_| "not in a worker")?;
    let Home { storage, state, because } = match home(&scope, &place(&name)).await {
        Ok(home) => home,
        Err(because) => return tell(&scope, "broken", &because),
    };
    let mut platform = Platform::new(storage);
    let resident = resident(platform.medium());
    let worker = Rc::new(Worker {
        scope,
        factory,
        state,
        because,
        there: RefCell::new(There::Gone),
        listener: RefCell::new(None),
    });
    match resident {
        // A chip that is there needs no factory, and so no network.
        Ok(Some(_)) => match power_up(platform) {
            Ok(euicc) => worker.put(There::Chip(Box::new(euicc))),
            Err(error) => return worker.tell("broken", &error.to_string()),
        },
        Ok(None) => {
            let made = match worker.made().await {
                Ok(image) => replace(&mut platform, &image).await,
                Err(because) => Err(because),
            };
            match made.and_then(|()| power_up(platform).map_err(|error| error.to_string())) {
                Ok(euicc) => worker.put(There::Chip(Box::new(euicc))),
                Err(because) => return worker.tell("broken", &because),
            }
        }
        Err(error) => {
            worker.put(There::Unreadable(Box::new(platform)));
            worker.listen();
            return worker.tell("unreadable", &error.to_string());
        }
    }
    worker.listen();
    worker.tell(worker.state, &worker.because)
}

/// The name of a chip in the browser's storage. The first chip has one that chips had before
/// there were two.
fn place(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_lowercase).take(32).collect();
    if name.is_empty() { "euicc".into() } else { format!("euicc-{name}") }
}

/// Where a chip lives, and how that is told.
struct Home {
    storage: Storage,
    state: &'static str,
    because: String,
}

/// The best place there is: files, else a database, else none that lasts.
async fn home(scope: &DedicatedWorkerGlobalScope, name: &str) -> Result<Home, String> {
    let no_files = match opfs::files(name, || tell(scope, "elsewhere", "")).await {
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
    match IndexedMedium::open(name, Some(elsewhere.as_ref().unchecked_ref())).await {
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

/// The memory of a new chip, tried out.
fn manufactured(json: &[u8]) -> Result<Vec<u8>, String> {
    let factory = Factory::from_json(json).map_err(|error| error.to_string())?;
    let trial = Platform::new(Storage::Volatile(MemoryMedium::new()));
    let euicc = factory.manufacture(trial).map_err(|error| error.to_string())?;
    Ok(euicc.expose_snapshot().to_vec())
}

/// Whether a memory is a chip's that starts.
fn starts(image: &[u8]) -> Result<(), String> {
    if image.len() > MAX_MEMORY {
        return Err(format!("it is longer than {MAX_MEMORY} bytes"));
    }
    let mut trial = Platform::new(Storage::Volatile(MemoryMedium::holding(image.to_vec())));
    match resident(trial.medium()) {
        Ok(Some(_)) => power_up(trial).map(drop).map_err(|error| error.to_string()),
        Ok(None) => Err("there is no chip in it".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Puts a memory in the place of the one that is there, and waits until it is durable.
async fn replace(platform: &mut Platform, image: &[u8]) -> Result<(), String> {
    platform.storage.replace(image).map_err(|error| error.to_string())?;
    match platform.storage.inner.settled() {
        Some(written) => JsFuture::from(written).await.map(drop).map_err(|error| words(&error)),
        None => Ok(()),
    }
}

/// What the page speaks to.
enum There {
    Chip(Box<Euicc<Platform>>),
    /// A chip without power.
    Dead(Box<Platform>),
    /// A memory that holds no chip of this version; another can take its place.
    Unreadable(Box<Platform>),
    /// Nothing any more: the worker is to be started again.
    Gone,
}

impl There {
    fn into_platform(self) -> Option<Platform> {
        match self {
            Self::Chip(euicc) => Some(euicc.into_env()),
            Self::Dead(platform) | Self::Unreadable(platform) => Some(*platform),
            Self::Gone => None,
        }
    }

    fn platform(&mut self) -> Option<&mut Platform> {
        match self {
            Self::Chip(euicc) => Some(euicc.env_mut()),
            Self::Dead(platform) | Self::Unreadable(platform) => Some(platform),
            Self::Gone => None,
        }
    }
}

struct Worker {
    scope: DedicatedWorkerGlobalScope,
    /// Where the factory's JSON is.
    factory: String,
    /// What is told of the memory.
    state: &'static str,
    because: String,
    there: RefCell<There>,
    /// Is told the chip's own words, where the page wants them.
    listener: RefCell<Option<Function>>,
}

impl Worker {
    fn put(&self, mut there: There) {
        if let Some(platform) = there.platform() {
            platform.listener = self.listener.borrow().clone();
        }
        *self.there.borrow_mut() = there;
    }

    /// Answers the page from now on.
    fn listen(self: &Rc<Self>) {
        let worker = Rc::clone(self);
        let handler = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            worker.handle(&event.data());
        });
        self.scope.set_onmessage(Some(handler.into_js_value().unchecked_ref()));
    }

    fn handle(self: &Rc<Self>, message: &JsValue) {
        let field = |name: &str| Reflect::get(message, &name.into()).unwrap_or_default();
        let bytes = |name: &str| field(name).dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec());
        let id = field("id");
        if let Some(apdu) = bytes("apdu") {
            self.transmit(id, &apdu);
        } else if field("reset").is_truthy() {
            self.reset(id);
        } else if field("powerUp").is_truthy() {
            self.power_up(id);
        } else if let Some(write) = field("power").as_f64() {
            self.cut(id, write, field("torn").is_truthy());
        } else if field("snapshot").is_truthy() {
            self.answer(&id, self.snapshot());
        } else if let Some(image) = bytes("restore") {
            match starts(&image) {
                Ok(()) => self.replace(id, image),
                Err(because) => self.answer(&id, Err(format!("this is no chip’s memory: {because}"))),
            }
        } else if let Some(json) = bytes("erase") {
            match manufactured(&json) {
                Ok(image) => self.replace(id, image),
                Err(because) => self.answer(&id, Err(format!("no chip can be made so: {because}"))),
            }
        } else if field("erase").is_truthy() {
            let worker = Rc::clone(self);
            spawn_local(async move {
                match worker.made().await {
                    Ok(image) => worker.replace(id, image),
                    Err(because) => worker.answer(&id, Err(because)),
                }
            });
        } else if let Some(on) = field("trace").as_bool() {
            self.trace(on);
            self.answer(&id, Ok(Vec::new()));
        }
    }

    fn transmit(self: &Rc<Self>, id: JsValue, apdu: &[u8]) {
        let mut there = self.there.borrow_mut();
        let answer = match &mut *there {
            There::Chip(euicc) => Ok(euicc.transmit(apdu)),
            _ => Err("the chip has no power".to_owned()),
        };
        drop(there);
        self.answer_when_settled(id, answer);
    }

    fn reset(self: &Rc<Self>, id: JsValue) {
        let mut there = self.there.borrow_mut();
        let There::Chip(euicc) = &mut *there else {
            drop(there);
            return self.power_up(id);
        };
        let answer = euicc.reset();
        drop(there);
        self.answer_when_settled(id, Ok(answer));
    }

    /// Power fails, if it has not, and comes back.
    fn power_up(self: &Rc<Self>, id: JsValue) {
        let answer = match self.there.replace(There::Gone) {
            unreadable @ There::Unreadable(_) => {
                self.put(unreadable);
                Err("the memory holds no chip that can be started".to_owned())
            }
            there => self.started(there.into_platform()),
        };
        self.answer_when_settled(id, answer);
    }

    /// Starts the chip in a memory; its answer to reset.
    fn started(&self, platform: Option<Platform>) -> Result<Vec<u8>, String> {
        let mut platform = platform.ok_or("the chip’s program has stopped")?;
        platform.storage.mend();
        let mut euicc = power_up(platform).map_err(|error| error.to_string()).inspect_err(|because| {
            // A page that cannot be told is gone.
            drop(self.tell("broken", because));
        })?;
        let atr = euicc.reset();
        self.put(There::Chip(Box::new(euicc)));
        Ok(atr)
    }

    /// Power is to fail at a write, counted from 1; 0: it lasts.
    fn cut(&self, id: JsValue, write: f64, torn: bool) {
        let mut there = self.there.borrow_mut();
        let answer = match &mut *there {
            There::Chip(euicc) => {
                let storage = &mut euicc.env_mut().storage;
                // Whatever the number was, it is one of writes.
                match (write as usize).checked_sub(1) {
                    None => storage.mend(),
                    Some(write) => storage.cut(write, if torn { Tear::Half } else { Tear::At(0) }),
                }
                Ok(Vec::new())
            }
            _ => Err("the chip has no power".to_owned()),
        };
        drop(there);
        self.answer(&id, answer);
    }

    fn snapshot(&self) -> Result<Vec<u8>, String> {
        let mut there = self.there.borrow_mut();
        if let There::Chip(euicc) = &*there {
            return Ok(euicc.expose_snapshot().to_vec());
        }
        let platform = there.platform().ok_or("the chip’s program has stopped")?;
        platform.medium().load().map_err(|error| error.to_string())
    }

    /// Another chip in the place of this one; its memory was tried.
    fn replace(self: &Rc<Self>, id: JsValue, image: Vec<u8>) {
        let platform = self.there.replace(There::Gone).into_platform();
        let worker = Rc::clone(self);
        spawn_local(async move {
            let replaced = match platform {
                None => Err("the chip’s program has stopped".to_owned()),
                Some(mut platform) => {
                    platform.storage.mend();
                    replace(&mut platform, &image).await.map(|()| platform)
                }
            };
            let answer = match replaced {
                Ok(platform) => worker.started(Some(platform)),
                Err(because) => {
                    drop(worker.tell("broken", &format!("the browser did not keep a change: {because}")));
                    Err(because)
                }
            };
            let started = answer.is_ok();
            worker.answer(&id, answer);
            if started {
                drop(worker.tell(worker.state, &worker.because));
            }
        });
    }

    /// The memory of a new chip of the factory.
    async fn made(&self) -> Result<Vec<u8>, String> {
        let json = fetch(&self.scope, &self.factory).await.map_err(|error| {
            format!("the new chip’s identity can’t be fetched from {}: {}", self.factory, words(&error))
        })?;
        manufactured(&json)
    }

    /// From now on the page is told the chip's own words, or no more.
    fn trace(&self, on: bool) {
        let listener = on.then(|| {
            let scope = self.scope.clone();
            let tell = Closure::<dyn Fn(JsValue)>::new(move |text: JsValue| {
                let message = js_sys::Object::new();
                let _ = Reflect::set(&message, &"trace".into(), &text);
                // A page that cannot be told is gone.
                drop(scope.post_message(&message));
            });
            tell.into_js_value().unchecked_into()
        });
        *self.listener.borrow_mut() = listener.clone();
        if let Some(platform) = self.there.borrow_mut().platform() {
            platform.listener = listener;
        }
    }

    /// The answer waits until what it says has happened is durable. Those after it wait too:
    /// writes become durable in their order. When power has failed meanwhile, there is none.
    fn answer_when_settled(self: &Rc<Self>, id: JsValue, answer: Result<Vec<u8>, String>) {
        let mut there = self.there.borrow_mut();
        let (written, failed) = there
            .platform()
            .map_or((None, false), |platform| (platform.storage.inner.settled(), platform.storage.is_dead()));
        let answer = if failed && matches!(&*there, There::Chip(_)) {
            let platform = core::mem::replace(&mut *there, There::Gone).into_platform();
            *there = platform.map_or(There::Gone, |platform| There::Dead(Box::new(platform)));
            Err("power failed in the middle of a write".to_owned())
        } else {
            answer
        };
        drop(there);
        let Some(written) = written else { return self.answer(&id, answer) };
        let worker = Rc::clone(self);
        spawn_local(async move {
            match JsFuture::from(written).await {
                Ok(_) => worker.answer(&id, answer),
                Err(error) => {
                    // As if power had failed in this command: to go on, it is opened anew.
                    *worker.there.borrow_mut() = There::Gone;
                    let because = format!("the browser did not keep a change: {}", words(&error));
                    drop(worker.tell("broken", &because));
                    worker.answer(&id, Err(because));
                }
            }
        });
    }

    fn answer(&self, id: &JsValue, answer: Result<Vec<u8>, String>) {
        let posted = match answer {
            Ok(response) => post(&self.scope, id, &response),
            Err(because) => {
                let message = js_sys::Object::new();
                Reflect::set(&message, &"id".into(), id)
                    .and_then(|_| Reflect::set(&message, &"lost".into(), &because.into()))
                    .and_then(|_| self.scope.post_message(&message))
            }
        };
        if let Err(error) = posted {
            // Posting failed: there is nobody left to tell.
            web_sys::console::error_1(&error);
        }
    }

    fn tell(&self, state: &str, because: &str) -> Result<(), JsValue> {
        tell(&self.scope, state, because)
    }
}

async fn fetch(scope: &DedicatedWorkerGlobalScope, path: &str) -> Result<Vec<u8>, JsValue> {
    let response: Response = JsFuture::from(scope.fetch_with_str(path)).await?.dyn_into()?;
    if !response.ok() {
        return Err(format!("HTTP {}", response.status()).into());
    }
    Ok(Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?).to_vec())
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
