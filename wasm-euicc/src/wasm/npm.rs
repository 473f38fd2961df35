//! What the npm package's JavaScript (`wasm-euicc/js/`) builds on: chips, the places they
//! live in, and the doors.

use js_sys::{Function, Promise, Uint8Array};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use sha2::{Digest as _, Sha256};
use wasm_bindgen::prelude::*;

use super::indexed::IndexedMedium;
use super::platform::{Platform, Storage};
use super::{opfs, words};
use crate::host::Card;
use crate::host::line::{Format, Lines};
use crate::host::vpcd::Vpcd;
use crate::nvm::{Error, Medium, MediumError, MemoryMedium, Store, TwinMedium};
use crate::wish::{ReadFile, Wish};
use crate::{Euicc, power_up, resident};

#[wasm_bindgen]
extern "C" {
    /// A medium that JavaScript writes at once: each function returns when it is durable,
    /// and throws when it is not known to be.
    pub type JsMedium;

    #[wasm_bindgen(method, catch)]
    fn load(this: &JsMedium) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn append(this: &JsMedium, bytes: &[u8]) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn replace(this: &JsMedium, bytes: &[u8]) -> Result<(), JsValue>;

    /// A chip in JavaScript, for the doors.
    pub type JsCard;

    #[wasm_bindgen(method)]
    fn transmit(this: &JsCard, command: &[u8]) -> Vec<u8>;

    #[wasm_bindgen(method)]
    fn reset(this: &JsCard) -> Vec<u8>;
}

impl Medium for JsMedium {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        Self::load(self).map_err(|_| MediumError)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        Self::append(self, bytes).map_err(|_| MediumError)
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        Self::replace(self, bytes).map_err(|_| MediumError)
    }
}

impl Card for &JsCard {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        JsCard::transmit(self, command)
    }

    fn reset(&mut self) -> Vec<u8> {
        JsCard::reset(self)
    }
}

/// A place for a chip to live in.
#[wasm_bindgen]
pub struct Place(Storage);

#[wasm_bindgen]
impl Place {
    /// It lasts as long as the chip does.
    #[must_use]
    pub fn volatile() -> Self {
        Self(Storage::Volatile(MemoryMedium::new()))
    }

    /// What JavaScript writes at once, such as a file of Node's.
    #[must_use]
    pub fn foreign(medium: JsMedium) -> Self {
        Self(Storage::Foreign(medium))
    }

    /// Files in the origin private file system, in a dedicated worker.
    ///
    /// # Errors
    /// In words, when there is no such system or another tab has them.
    pub async fn opfs(name: String) -> Result<Self, JsError> {
        let in_use = || Err(format!("another tab or worker has the chip {name}").into());
        let files = opfs::files(&name, in_use).await.map_err(|because| JsError::new(&because))?;
        Ok(Self(Storage::Files(TwinMedium::open(files)?)))
    }

    /// A database of the browser.
    ///
    /// # Errors
    /// In words, when there is none or another tab has it.
    #[wasm_bindgen(js_name = indexedDb)]
    pub async fn indexed_db(name: String) -> Result<Self, JsError> {
        let medium = IndexedMedium::open(&name, None).await.map_err(|error| JsError::new(&words(&error)))?;
        Ok(Self(Storage::Database(medium)))
    }

    /// The EID of the chip that lives there; `undefined` when none does.
    ///
    /// # Errors
    /// In words, when something else lives there.
    pub fn resident(&mut self) -> Result<Option<String>, JsError> {
        Ok(resident(self.0.medium())?.map(|eid| eid.to_string()))
    }
}

/// A chip.
#[wasm_bindgen]
pub struct Chip {
    euicc: Euicc<Platform>,
}

#[wasm_bindgen]
impl Chip {
    /// The chip that lives in `place`; where none does, or one that is damaged, the one of
    /// `snapshot`, else a new one
    /// as `wish` (JSON of [`Wish`]) has it. `sgp26` reads a published file by its name.
    /// `chance` makes its randomness one that can be had again: for recorded sessions only.
    ///
    /// # Errors
    /// In words.
    pub fn create(
        mut place: Place,
        wish: &str,
        snapshot: Option<Vec<u8>>,
        sgp26: Option<Function>,
        chance: Option<Vec<u8>>,
    ) -> Result<Self, JsError> {
        let wish: Wish = serde_json::from_str(wish)?;
        let there = match resident(place.0.medium()) {
            // It takes the place of what is damaged.
            Err(Error::Damaged) if snapshot.is_some() => None,
            there => there?,
        };
        let restored = snapshot.is_some();
        if let Some(snapshot) = snapshot {
            if there.is_some() {
                return Err(JsError::new(
                    "a chip lives in that storage already; a snapshot needs an empty one",
                ));
            }
            // Looked at before anything is written.
            Store::open(&mut MemoryMedium::holding(snapshot.clone()), usize::MAX)
                .map_err(|_| JsError::new("the snapshot is none: use the bytes of snapshot(), unchanged"))?;
            place.0.medium().replace(&snapshot)?;
        }
        let mut platform = Platform::new(place.0);
        platform.recorded = chance.map(|chance| ChaCha20Rng::from_seed(Sha256::digest(&chance).into()));
        let euicc = if restored || there.is_some() {
            if let (Some(there), Some(wished)) = (there, wish.eid()?)
                && there != wished
            {
                return Err(JsError::new(&format!("the storage holds the chip {there}, not {wished}")));
            }
            power_up(platform)?
        } else {
            let mut read = sgp26.map(|read| {
                move |name: &str| {
                    let bytes = read.call1(&JsValue::UNDEFINED, &name.into()).ok()?;
                    Some(bytes.dyn_into::<Uint8Array>().ok()?.to_vec())
                }
            });
            let factory = wish.factory(read.as_mut().map(|read| read as ReadFile<'_>))?;
            factory.manufacture(platform)?
        };
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

    /// What to wait for before the last answer may be given; `undefined` for nothing. When it
    /// is rejected the storage did not keep the command, and the chip is to be made anew.
    #[must_use]
    pub fn settled(&self) -> Option<Promise> {
        self.euicc.env().storage.inner.settled()
    }

    /// Sets who is told which rule a request broke and which profile element failed.
    #[wasm_bindgen(js_name = onTrace)]
    pub fn on_trace(&mut self, listener: Option<Function>) {
        self.euicc.env_mut().listener = listener;
    }

    /// Everything that the chip keeps, keys included.
    #[must_use]
    #[wasm_bindgen(js_name = exposeSnapshot)]
    pub fn expose_snapshot(&self) -> Vec<u8> {
        self.euicc.expose_snapshot().to_vec()
    }
}

/// A door of lines of text: [`crate::host::line`].
#[wasm_bindgen]
pub struct LineDoor(Lines);

#[wasm_bindgen]
impl LineDoor {
    /// `lpac`: lpac's JSON only.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(lpac: bool) -> Self {
        Self(Lines::new(if lpac { Format::Lpac } else { Format::Any }))
    }

    /// What is to go out for what came in.
    pub fn feed(&mut self, bytes: &[u8], mut card: &JsCard) -> Vec<u8> {
        self.0.feed(bytes, &mut card)
    }

    /// What is to go out when nothing more comes in.
    pub fn finish(&mut self, mut card: &JsCard) -> Vec<u8> {
        self.0.finish(&mut card)
    }
}

/// A door to a virtual reader: [`crate::host::vpcd`].
#[wasm_bindgen]
pub struct VpcdDoor(Vpcd);

#[wasm_bindgen]
impl VpcdDoor {
    /// For one connection.
    #[wasm_bindgen(constructor)]
    #[must_use]
    #[expect(clippy::new_without_default, reason = "for JavaScript")]
    pub fn new() -> Self {
        Self(Vpcd::new())
    }

    /// What is to go out for what came in.
    pub fn feed(&mut self, bytes: &[u8], mut card: &JsCard) -> Vec<u8> {
        self.0.feed(bytes, &mut card)
    }
}

/// The test PKI of a seed as files, private keys among them: an object of bytes by name, such
/// as `CERT_CI.der` or `SK_DPauth.pem`.
///
/// # Errors
/// In words.
#[wasm_bindgen(js_name = exposePki)]
pub fn expose_pki(wish: &str, smdp_address: &str) -> Result<js_sys::Object, JsError> {
    let wish: Wish = serde_json::from_str(wish)?;
    let pki = lab::chip::pki(wish.seed(), wish.eid()?, smdp_address)?;
    let files = js_sys::Object::new();
    for file in pki.expose_files()? {
        // Setting a field of a fresh object does not fail.
        let _ = js_sys::Reflect::set(&files, &file.name.into(), &Uint8Array::from(&file.contents[..]));
    }
    Ok(files)
}
