//! Checkpoints of downloads, and cancellations that servers have not heard of, kept in the
//! browser's database until they are over.
//!
//! One checkpoint for each device, and for each real card: a phone installs one profile at a time.
//! Where there is no database, nothing is kept; an interrupted download then asks the server again.
//! Of cards, which may never come back, the last [`MOST_CARDS`] are kept: under `cards` stands
//! which those are.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

use super::once;

const DATABASE: &str = "lpa";
const CHECKPOINTS: &str = "checkpoints";

/// Under which the places of cards stand, the oldest first.
const CARDS: &str = "cards";

/// How many cards' checkpoints are kept.
const MOST_CARDS: usize = 8;

/// Keeps a checkpoint in the place of the one before; durable when it returns `Ok`.
pub(crate) async fn put(place: &str, checkpoint: &[u8]) -> Result<(), JsValue> {
    let database = open().await?;
    let before = if place.starts_with(CARD) { places(&database).await? } else { Vec::new() };
    let (store, done) = begin(&database, IdbTransactionMode::Readwrite)?;
    store.put_with_key(&Uint8Array::from(checkpoint), &place.into())?;
    if place.starts_with(CARD) {
        let (stay, go) = with_last(before, place);
        for place in go {
            store.delete(&place.into())?;
        }
        store.put_with_key(&stay.into_iter().map(JsValue::from).collect::<Array>(), &CARDS.into())?;
    }
    done.await
}

/// Where the checkpoint of a real card is kept.
pub(crate) fn of_card(eid: &str) -> String {
    format!("{CARD}{eid}")
}

/// What the place of a card begins with.
const CARD: &str = "card ";

/// The places of cards, the oldest first.
async fn places(database: &IdbDatabase) -> Result<Vec<String>, JsValue> {
    let (store, _) = begin(database, IdbTransactionMode::Readonly)?;
    let found = settled(&store.get(&CARDS.into())?).await?;
    let list = found.dyn_into::<Array>().unwrap_or_default();
    Ok(list.iter().filter_map(|place| place.as_string()).collect())
}

/// The places that stay when one is used, and those that have to go.
fn with_last(mut places: Vec<String>, used: &str) -> (Vec<String>, Vec<String>) {
    places.retain(|place| place != used);
    places.push(used.to_owned());
    let stay = places.split_off(places.len().saturating_sub(MOST_CARDS));
    (stay, places)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn of_cards_that_never_come_back_only_the_last_are_kept() {
        let mut kept = Vec::new();
        for number in 0..MOST_CARDS + 2 {
            let (stay, go) = with_last(kept, &of_card(&number.to_string()));
            assert_eq!(go.len(), usize::from(number >= MOST_CARDS), "{number}");
            kept = stay;
        }
        assert_eq!(kept.len(), MOST_CARDS);
        // One that is used again is the newest.
        let oldest = kept[0].clone();
        let (kept, go) = with_last(kept, &oldest);
        assert_eq!((kept.last(), go.len()), (Some(&oldest), 0));
    }
}
