//! The world of a chip in JavaScript.

use core::fmt;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

use super::indexed::IndexedMedium;
use super::opfs::OpfsFile;
use crate::Env;
use crate::nvm::{Medium, MediumError, MemoryMedium, TornMedium, TwinMedium};

/// What a chip lives in.
pub(super) enum Storage {
    /// Lasts as long as the chip does.
    Volatile(MemoryMedium),
    /// Files of the browser.
    Files(TwinMedium<OpfsFile>),
    /// A database of the browser.
    Database(IndexedMedium),
    /// Whatever the caller writes at once; Node's files.
    #[cfg(feature = "npm")]
    Foreign(super::npm::JsMedium),
}

impl Storage {
    pub(super) fn medium(&mut self) -> &mut dyn Medium {
        match self {
            Self::Volatile(medium) => medium,
            Self::Files(medium) => medium,
            Self::Database(medium) => medium,
            #[cfg(feature = "npm")]
            Self::Foreign(medium) => medium,
        }
    }

    /// What to wait for before the chip's last answer may be given; nothing where every
    /// write is durable when it returns.
    pub(super) fn settled(&self) -> Option<Promise> {
        match self {
            Self::Database(medium) => medium.settled(),
            _ => None,
        }
    }
}

impl Medium for Storage {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        self.medium().load()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.medium().append(bytes)
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.medium().replace(bytes)
    }
}

/// The world outside the chip.
pub(super) struct Platform {
    pub(super) storage: TornMedium<Storage>,
    /// Is told what [`Env::trace`] tells.
    pub(super) listener: Option<Function>,
    /// Chance that can be had again, for recorded sessions.
    #[cfg(feature = "npm")]
    pub(super) recorded: Option<rand_chacha::ChaCha20Rng>,
}

impl Platform {
    pub(super) const fn new(storage: Storage) -> Self {
        Self {
            storage: TornMedium::lasting(storage),
            listener: None,
            #[cfg(feature = "npm")]
            recorded: None,
        }
    }
}

impl Env for Platform {
    fn fill_random(&mut self, bytes: &mut [u8]) {
        #[cfg(feature = "npm")]
        if let Some(recorded) = &mut self.recorded {
            return rand_core::Rng::fill_bytes(recorded, bytes);
        }
        // Every browser and every worker has it; a chip without chance must not go on.
        if getrandom::fill(bytes).is_err() {
            wasm_bindgen::throw_str("there is no source of randomness");
        }
    }

    fn medium(&mut self) -> &mut dyn Medium {
        &mut self.storage
    }

    fn trace(&mut self, event: fmt::Arguments<'_>) {
        if let Some(listener) = &self.listener {
            // A listener that throws must not disturb the chip.
            let _ = listener.call1(&JsValue::UNDEFINED, &event.to_string().into());
        }
    }
}
