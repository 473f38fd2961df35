//! A medium in IndexedDB, which cannot be waited for in the middle of a command: the bytes
//! are here, and are written behind.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::nvm::{Medium, MediumError};

#[wasm_bindgen(module = "/js/indexed-db.js")]
extern "C" {
    type Database;

    #[wasm_bindgen(static_method_of = Database, catch)]
    async fn open(name: &str, elsewhere: Option<&js_sys::Function>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn load(this: &Database) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn write(this: &Database, bytes: &[u8], instead: bool) -> Result<(), JsValue>;

    #[wasm_bindgen(method)]
    fn settled(this: &Database) -> Option<Promise>;

    #[wasm_bindgen(method)]
    fn close(this: &Database);
}

/// A medium in the browser's database.
pub(super) struct IndexedMedium {
    database: Database,
    bytes: Vec<u8>,
}

impl IndexedMedium {
    /// Opens the database of a chip. While another tab has it `elsewhere` is called, and it
    /// is waited for; without `elsewhere` that is an error.
    pub(super) async fn open(name: &str, elsewhere: Option<&js_sys::Function>) -> Result<Self, JsValue> {
        let database: Database = Database::open(name, elsewhere).await?.unchecked_into();
        let bytes = js_sys::Uint8Array::new(&database.load().await?).to_vec();
        Ok(Self { database, bytes })
    }

    /// What to wait for until everything that was written is durable; rejected when it is
    /// not, and the chip must then be opened anew: it stands before that command.
    pub(super) fn settled(&self) -> Option<Promise> {
        self.database.settled()
    }

    fn write(&self, bytes: &[u8], instead: bool) -> Result<(), MediumError> {
        self.database.write(bytes, instead).map_err(|_| MediumError)
    }
}

impl Medium for IndexedMedium {
    fn load(&mut self) -> Result<Vec<u8>, MediumError> {
        Ok(self.bytes.clone())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.write(bytes, false)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), MediumError> {
        self.write(bytes, true)?;
        self.bytes = bytes.to_vec();
        Ok(())
    }
}

impl Drop for IndexedMedium {
    fn drop(&mut self) {
        self.database.close();
    }
}
