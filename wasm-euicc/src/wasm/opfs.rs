//! Files of the origin private file system, which a dedicated worker can write at once.

use js_sys::{Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DedicatedWorkerGlobalScope, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions,
    FileSystemReadWriteOptions, FileSystemSyncAccessHandle,
};

use super::words;
use crate::nvm::{MediumError, RawFile};

/// How often and how long apart, in milliseconds, the files are tried for before it is
/// said that another tab has them: a page that is loaded again lets go of them late.
const TRIES: usize = 12;
const PAUSE: i32 = 100;

/// How long apart they are tried for after that.
const LONG_PAUSE: i32 = 500;

/// The two files of a chip, open; where another tab has them `elsewhere` says whether to
/// wait. An error: this browser, or this window, keeps no files, or it is not waited for.
pub(super) async fn files(
    name: &str,
    mut elsewhere: impl FnMut() -> Result<(), JsValue>,
) -> Result<[OpfsFile; 2], String> {
    let unavailable = |error: JsValue| format!("this browser keeps no files here: {}", words(&error));
    let scope = js_sys::global()
        .dyn_into::<DedicatedWorkerGlobalScope>()
        .map_err(|_| "files are kept in a dedicated worker only".to_owned())?;
    let folder = JsFuture::from(scope.navigator().storage().get_directory()).await.map_err(unavailable)?;
    let folder: FileSystemDirectoryHandle = folder.dyn_into().map_err(unavailable)?;
    let mut tries = 0;
    loop {
        match both(&folder, name).await {
            Ok(files) => return Ok(files),
            Err(error) if is_in_use(&error) => {
                tries += 1;
                if tries == TRIES {
                    elsewhere().map_err(|error| words(&error))?;
                }
                pause(&scope, if tries < TRIES { PAUSE } else { LONG_PAUSE }).await.map_err(unavailable)?;
            }
            Err(error) => return Err(unavailable(error)),
        }
    }
}

async fn both(folder: &FileSystemDirectoryHandle, name: &str) -> Result<[OpfsFile; 2], JsValue> {
    let first = file(folder, &format!("{name}-a.nvm")).await?;
    Ok([first, file(folder, &format!("{name}-b.nvm")).await?])
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

/// A file of the origin private file system, open for this worker alone until dropped.
pub(super) struct OpfsFile(FileSystemSyncAccessHandle);

impl Drop for OpfsFile {
    fn drop(&mut self) {
        self.0.close();
    }
}

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
