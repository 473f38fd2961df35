//! Checkpoints of downloads, and cancellations that servers have not heard of, kept in the
//! browser's database until they are over.
//!
//! One checkpoint for each device, and for each real card: a phone installs one profile at a time.
//! Where there is no database, nothing is kept; an interrupted download then asks the server again.

use js_sys::Uint8Array;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

use super::once;

const DATABASE: &str = "lpa";
const CHECKPOINTS: &str = "checkpoints";

/// Keeps a checkpoint in the place of the one before; durable when it returns `Ok`.
pub(crate) async fn put(place: &str, checkpoint: &[u8]) -> Result<(), JsValue> {
    let database = open().await?;
    let (store, done) = begin(&database, IdbTransactionMode::Readwrite)?;
    store.put_with_key(&Uint8Array::from(checkpoint), &place.into())?;
    done.await
}

/// Lets the checkpoint go.
pub(crate) async fn remove(place: &str) -> Result<(), JsValue> {
    let database = open().await?;
    let (store, done) = begin(&database, IdbTransactionMode::Readwrite)?;
    store.delete(&place.into())?;
    done.await
}

/// The checkpoint of a download that was interrupted.
pub(crate) async fn get(place: &str) -> Result<Option<Vec<u8>>, JsValue> {
    let database = open().await?;
    let (store, _) = begin(&database, IdbTransactionMode::Readonly)?;
    let found = settled(&store.get(&place.into())?).await?;
    Ok(found.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec()))
}

async fn open() -> Result<IdbDatabase, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    let factory = window.indexed_db()?.ok_or("there is no database")?;
    let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, 1)?;
    let upgraded = {
        let request = request.clone();
        Closure::once_into_js(move || {
            // A database that can't be made has no such store: the transaction says so.
            if let Ok(database) = request.result().and_then(JsCast::dyn_into::<IdbDatabase>) {
                let _ = database.create_object_store(CHECKPOINTS);
            }
        })
    };
    request.set_onupgradeneeded(Some(upgraded.unchecked_ref()));
    settled(&request).await?.dyn_into()
}

/// A transaction's store, and its end: `Ok` when it is durable.
fn begin(
    database: &IdbDatabase,
    mode: IdbTransactionMode,
) -> Result<(IdbObjectStore, impl Future<Output = Result<(), JsValue>>), JsValue> {
    let transaction = database.transaction_with_str_and_mode(CHECKPOINTS, mode)?;
    let store = transaction.object_store(CHECKPOINTS)?;
    let (sender, receiver) = once::channel();
    let sender = std::rc::Rc::new(std::cell::RefCell::new(Some(sender)));
    let ends = |result: Result<(), &'static str>| {
        let sender = std::rc::Rc::clone(&sender);
        Closure::once_into_js(move || {
            if let Some(sender) = sender.borrow_mut().take() {
                sender.send(result);
            }
        })
    };
    transaction.set_oncomplete(Some(ends(Ok(())).unchecked_ref()));
    transaction.set_onabort(Some(ends(Err("the database did not keep it")).unchecked_ref()));
    Ok((store, async move { receiver.await.unwrap_or(Err("the database is gone")).map_err(JsValue::from) }))
}

async fn settled(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let (sender, receiver) = once::channel();
    let sender = std::rc::Rc::new(std::cell::RefCell::new(Some(sender)));
    let ends = |good: bool| {
        let (request, sender) = (request.clone(), std::rc::Rc::clone(&sender));
        Closure::once_into_js(move || {
            if let Some(sender) = sender.borrow_mut().take() {
                sender.send(if good { request.result() } else { Err("the database refused".into()) });
            }
        })
    };
    request.set_onsuccess(Some(ends(true).unchecked_ref()));
    request.set_onerror(Some(ends(false).unchecked_ref()));
    receiver.await.unwrap_or_else(|| Err("the database is gone".into()))
}
