//! The chip for JavaScript: a class for whoever has bytes to give and take, and the
//! entry of the Web Worker that is the page's chip.
//!
//! The worker answers `{id, apdu}` and `{id, reset}` with `{id, rsp}`, in order, and tells
//! `{state, because}` of itself: `starting`, `durable`, `volatile`, `elsewhere` (another
//! tab has the chip; it is taken over when that one closes) or `broken`.

use js_sys::{Array, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DedicatedWorkerGlobalScope, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions,
    FileSystemReadWriteOptions, FileSystemSyncAccessHandle, MessageEvent, Response,
};

use crate::isdr::configuration::Configuration;
use crate::nvm::{Medium, MediumError, MemoryMedium, RawFile, Store, TwinMedium};
use crate::{Env, Euicc, Factory, Options};

/// The chip's files in the origin private file system.
const FILES: [&str; 2] = ["euicc-a.nvm", "euicc-b.nvm"];

/// How often and how long apart, in milliseconds, the files are tried for before it is
/// said that another tab has them: a page that is loaded again lets go of them late.
const TRIES: usize = 12;
const PAUSE: i32 = 100;

/// How long apart they are tried for after that.
const LONG_PAUSE: i32 = 500;

/// A chip, with its memory in the browser's or in its own.
#[wasm_bindgen]
pub struct Chip {
    euicc: Euicc<Platform>,
}

#[wasm_bindgen]
impl Chip {
    /// A chip whose memory lasts as long as it does: the one of `image`
    /// ([`Chip::expose_image`] of another), else a new one made from the factory's JSON.
    ///
    /// # Errors
    /// In words, when the JSON is not a factory's or the image is not a chip's.
    #[wasm_bindgen(constructor)]
    pub fn new(factory: &str, image: Option<Vec<u8>>) -> Result<Self, JsError> {
        let medium = image.map_or_else(MemoryMedium::new, MemoryMedium::holding);
        let factory = Factory::from_json(factory.as_bytes())?;
        let euicc = factory.manufacture(Platform { memory: Memory::Volatile(medium) })?;
        Ok(Self { euicc })
    }

    /// Executes a command APDU; returns response data and status word.
    pub fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        self.euicc.transmit(apdu)
    }

    /// Resets the chip; returns the answer to reset.
    pub fn reset(&mut self) -> Vec<u8> {
        self.euicc.reset()
    }

    /// Everything that stands in the chip's memory, keys included: to keep it, or to give
    /// it to another chip. `undefined` when the memory is the browser's.
    #[wasm_bindgen(js_name = exposeImage)]
    pub fn expose_image(&self) -> Option<Vec<u8>> {
        match &self.euicc.env().memory {
            Memory::Volatile(medium) => Some(medium.expose_bytes().to_vec()),
            Memory::Durable(_) => None,
        }
    }
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
    let (memory, state, because) = match files(&scope).await {
        Ok(files) => (TwinMedium::open(files).map(Memory::Durable), "durable", String::new()),
        Err(because) => (Ok(Memory::Volatile(MemoryMedium::new())), "volatile", because),
    };
    let opened = match memory {
        Ok(memory) => open(&scope, Platform { memory }, &factory).await,
        Err(error) => Err(error.to_string()),
    };
    match opened {
        Ok(euicc) => {
            answer(&scope, euicc);
            tell(&scope, state, &because)
        }
        Err(because) => tell(&scope, "broken", &because),
    }
}

/// The world of a chip in a browser.
struct Platform {
    memory: Memory,
}

enum Memory {
    Volatile(MemoryMedium),
    Durable(TwinMedium<OpfsFile>),
}

impl Env for Platform {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        // Every browser and every worker has it; a chip without chance must not go on.
        if getrandom::fill(bytes).is_err() {
            wasm_bindgen::throw_str("there is no source of randomness");
        }
    }

    fn medium(&mut self) -> &mut dyn Medium {
        match &mut self.memory {
            Memory::Volatile(medium) => medium,
            Memory::Durable(medium) => medium,
        }
    }
}

/// The chip that lives in the memory, else a new one.
async fn open(
    scope: &DedicatedWorkerGlobalScope,
    mut platform: Platform,
    factory: &str,
) -> Result<Euicc<Platform>, String> {
    let stored = Store::open(platform.medium(), usize::MAX).map_err(|error| error.to_string())?;
    // A chip that is there needs no factory, and so no network.
    if let Some(made) = Configuration::load(&stored) {
        let options = Options {
            memory: made.memory as usize,
            isdr_aid: made.isdr_aid.as_bytes().to_vec(),
            svn: made.svn.0,
            ..Options::default()
        };
        return Euicc::new(platform, options).map_err(|error| error.to_string());
    }
    let json = fetch(scope, factory).await.map_err(|error| {
        format!("the new chip's identity can't be fetched from {factory}: {}", words(&error))
    })?;
    let factory = Factory::from_json(&json).map_err(|error| error.to_string())?;
    factory.manufacture(platform).map_err(|error| error.to_string())
}

async fn fetch(scope: &DedicatedWorkerGlobalScope, path: &str) -> Result<Vec<u8>, JsValue> {
    let response: Response = JsFuture::from(scope.fetch_with_str(path)).await?.dyn_into()?;
    if !response.ok() {
        return Err(format!("HTTP {}", response.status()).into());
    }
    Ok(Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?).to_vec())
}

/// Answers the page from now on.
fn answer(scope: &DedicatedWorkerGlobalScope, euicc: Euicc<Platform>) {
    let mut euicc = Some(euicc);
    let door = scope.clone();
    let handler = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if let Err(error) = handle(&door, &mut euicc, &event.data()) {
            // Posting failed: there is nobody left to tell.
            web_sys::console::error_1(&error);
        }
    });
    scope.set_onmessage(Some(handler.into_js_value().unchecked_ref()));
}

fn handle(
    scope: &DedicatedWorkerGlobalScope,
    slot: &mut Option<Euicc<Platform>>,
    message: &JsValue,
) -> Result<(), JsValue> {
    let field = |name: &str| Reflect::get(message, &name.into()).unwrap_or_default();
    // An erased chip answers nothing any more: the worker is to be started again.
    let Some(euicc) = slot else { return Ok(()) };
    let response = if let Ok(apdu) = field("apdu").dyn_into::<Uint8Array>() {
        euicc.transmit(&apdu.to_vec())
    } else if field("reset").is_truthy() {
        euicc.reset()
    } else if field("erase").is_truthy() {
        if let Some(Platform { memory: Memory::Durable(mut medium) }) = slot.take().map(Euicc::into_env) {
            medium.erase().map_err(|error| JsValue::from(error.to_string()))?;
        }
        Vec::new()
    } else {
        return Ok(());
    };
    let response = Uint8Array::from(&response[..]);
    let answer = js_sys::Object::new();
    Reflect::set(&answer, &"id".into(), &field("id"))?;
    Reflect::set(&answer, &"rsp".into(), &response)?;
    scope.post_message_with_transfer(&answer, &Array::of1(&response.buffer()))
}

fn tell(scope: &DedicatedWorkerGlobalScope, state: &str, because: &str) -> Result<(), JsValue> {
    let message = js_sys::Object::new();
    Reflect::set(&message, &"state".into(), &state.into())?;
    Reflect::set(&message, &"because".into(), &because.into())?;
    scope.post_message(&message)
}

/// The chip's files, open; waits while another tab has them. An error: this browser, or
/// this window, keeps no files.
async fn files(scope: &DedicatedWorkerGlobalScope) -> Result<[OpfsFile; 2], String> {
    let unavailable = |error: JsValue| format!("this browser keeps no files here: {}", words(&error));
    let folder = JsFuture::from(scope.navigator().storage().get_directory()).await.map_err(unavailable)?;
    let folder: FileSystemDirectoryHandle = folder.dyn_into().map_err(unavailable)?;
    let mut tries = 0;
    loop {
        match both(&folder).await {
            Ok(files) => return Ok(files),
            Err(error) if is_in_use(&error) => {
                tries += 1;
                if tries == TRIES {
                    tell(scope, "elsewhere", "").map_err(unavailable)?;
                }
                pause(scope, if tries < TRIES { PAUSE } else { LONG_PAUSE }).await.map_err(unavailable)?;
            }
            Err(error) => return Err(unavailable(error)),
        }
    }
}

async fn both(folder: &FileSystemDirectoryHandle) -> Result<[OpfsFile; 2], JsValue> {
    let first = file(folder, FILES[0]).await?;
    match file(folder, FILES[1]).await {
        Ok(second) => Ok([first, second]),
        Err(error) => {
            first.0.close();
            Err(error)
        }
    }
}

async fn file(folder: &FileSystemDirectoryHandle, name: &str) -> Result<OpfsFile, JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(true);
    let handle = JsFuture::from(folder.get_file_handle_with_options(name, &options)).await?;
    let handle: FileSystemFileHandle = handle.dyn_into()?;
    JsFuture::from(handle.create_sync_access_handle()).await?.dyn_into().map(OpfsFile)
}

fn is_in_use(error: &JsValue) -> bool {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
    name.as_deref() == Some("NoModificationAllowedError")
}

async fn pause(scope: &DedicatedWorkerGlobalScope, milliseconds: i32) -> Result<(), JsValue> {
    let mut started = Ok(0);
    let promise = Promise::new(&mut |resolve, _| {
        started = scope.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
    });
    started?;
    JsFuture::from(promise).await.map(drop)
}

/// A file of the origin private file system, open for this worker alone.
struct OpfsFile(FileSystemSyncAccessHandle);

impl OpfsFile {
    fn at(at: usize) -> FileSystemReadWriteOptions {
        let options = FileSystemReadWriteOptions::new();
        options.set_at(at as f64);
        options
    }
}

impl RawFile for OpfsFile {
    fn len(&mut self) -> Result<usize, MediumError> {
        self.0.get_size().map(|size| size as usize).map_err(|_| MediumError)
    }

    fn read_from(&mut self, at: usize) -> Result<Vec<u8>, MediumError> {
        let mut bytes = vec![0; self.len()?.saturating_sub(at)];
        let read =
            self.0.read_with_u8_array_and_options(&mut bytes, &Self::at(at)).map_err(|_| MediumError)?;
        if read as usize == bytes.len() { Ok(bytes) } else { Err(MediumError) }
    }

    fn write_at(&mut self, at: usize, bytes: &[u8]) -> Result<(), MediumError> {
        let written =
            self.0.write_with_u8_array_and_options(bytes, &Self::at(at)).map_err(|_| MediumError)?;
        if written as usize == bytes.len() { Ok(()) } else { Err(MediumError) }
    }

    fn clear(&mut self) -> Result<(), MediumError> {
        self.0.truncate_with_u32(0).map_err(|_| MediumError)
    }

    fn flush(&mut self) -> Result<(), MediumError> {
        self.0.flush().map_err(|_| MediumError)
    }
}

/// What a JavaScript error says.
fn words(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| format!("{error:?}"))
}
