//! Waiting.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// Waits for some milliseconds.
pub(crate) async fn after(milliseconds: u32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window();
        let set = window.map(|window| {
            let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX);
            window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds)
        });
        if !matches!(set, Some(Ok(_))) {
            // Nothing can be waited for without a window.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    // It is never rejected.
    let _ = JsFuture::from(promise).await;
}
