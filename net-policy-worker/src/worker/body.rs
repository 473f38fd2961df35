//! Bodies, as far as they may be long.
//!
//! Not chunk by chunk as `worker::ByteStream` reads them: each chunk is a promise and a lock, which cost more than all
//! that the gateway decides. A body that is as long as it says it is comes in one piece here.

use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::Request;

use super::{BODY_PATIENCE, within};
use crate::router;

/// How much is read at once where nothing says how long a body is.
const PIECE: usize = 64 * 1024;

#[wasm_bindgen]
extern "C" {
    /// The runtime's `ReadableStream`, of bytes.
    pub(super) type Stream;

    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn reader(this: &Stream, options: &JsValue) -> Result<ByobReader, JsValue>;

    type ByobReader;

    /// The runtime's own: resolves with fewer bytes than `least` only at the end.
    #[wasm_bindgen(method, catch, js_name = readAtLeast)]
    fn read_at_least(this: &ByobReader, least: u32, view: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method)]
    fn cancel(this: &ByobReader) -> Promise;
}

/// The body of a request, or the answer to one whose body does not come. Of one that is too long only so much is
/// read that this can be seen.
pub(crate) async fn of(
    request: &Request,
    said: Option<usize>,
    limit: usize,
) -> Result<Vec<u8>, http::Response<Vec<u8>>> {
    let Some(stream) = request.body() else { return Ok(vec![]) };
    match within(BODY_PATIENCE, read(stream.unchecked_into(), said, limit)).await {
        Some(Ok(Body::Whole(bytes) | Body::Start(bytes))) => Ok(bytes),
        // Whoever sends it has gone, or has not sent what was announced.
        Some(Err(_)) => Err(router::cut_off()),
        None => Err(router::too_slow()),
    }
}

/// What was read of a body.
pub(super) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// It is longer than allowed; this much of it, which is more than allowed.
    Start(Vec<u8>),
}

/// A reader that ends the stream when nobody waits for it any more.
struct Reader {
    reader: ByobReader,
    has_ended: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.has_ended {
            // Whether it could be is of no matter; a promise that is refused must have somebody who knows.
            let cancelled = JsFuture::from(self.reader.cancel());
            worker::wasm_bindgen_futures::spawn_local(async move { drop(cancelled.await) });
        }
    }
}

/// Reads a body that is said to be so long, up to a limit.
pub(super) async fn read(stream: Stream, said: Option<usize>, limit: usize) -> worker::Result<Body> {
    let byob = js_sys::Object::new();
    Reflect::set(&byob, &"mode".into(), &"byob".into())?;
    let mut reader = Reader { reader: stream.reader(&byob)?, has_ended: false };
    let mut bytes = vec![];
    // One more than is expected: the end shows with the last byte.
    let mut wanted = said.unwrap_or(PIECE).min(limit).saturating_add(1);
    loop {
        let length = u32::try_from(wanted).unwrap_or(u32::MAX);
        let view = Uint8Array::new_with_length(length);
        let read = JsFuture::from(reader.reader.read_at_least(length, &view)?).await?;
        let value = Reflect::get(&read, &"value".into())?;
        let piece = value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec).unwrap_or_default();
        reader.has_ended = piece.len() < wanted;
        if bytes.is_empty() {
            bytes = piece;
        } else {
            bytes.extend(piece);
        }
        if reader.has_ended {
            return Ok(Body::Whole(bytes));
        }
        if bytes.len() > limit {
            return Ok(Body::Start(bytes));
        }
        wanted = PIECE.min(limit.saturating_add(1).saturating_sub(bytes.len()));
    }
}
