//! Waiting.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

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

/// A wait that has begun.
type Wait = Pin<Box<dyn Future<Output = ()>>>;

/// What passes time; a test has one of its own.
#[derive(Clone)]
pub(crate) struct Clock(Rc<dyn Fn(u32) -> Wait>);

impl Clock {
    /// One by which `wait` waits for milliseconds.
    #[cfg(test)]
    pub(crate) fn new<F: Future<Output = ()> + 'static>(wait: impl Fn(u32) -> F + 'static) -> Self {
        Self(Rc::new(move |milliseconds| Box::pin(wait(milliseconds))))
    }

    /// Waits for some milliseconds.
    pub(crate) fn wait(&self, milliseconds: u32) -> Wait {
        (self.0)(milliseconds)
    }
}

impl Default for Clock {
    /// The browser's.
    fn default() -> Self {
        Self(Rc::new(|milliseconds| Box::pin(after(milliseconds))))
    }
}

/// What comes of one future while another has not ended; `None` when that ends first.
pub(crate) async fn within<T>(comes: impl Future<Output = T>, time: impl Future<Output = ()>) -> Option<T> {
    let (mut comes, mut time) = (pin!(comes), pin!(time));
    poll_fn(|context| match comes.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => time.as_mut().poll(context).map(|()| None),
    })
    .await
}
