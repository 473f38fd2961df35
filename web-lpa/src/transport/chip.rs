//! The chip in its worker: `{id, apdu}` goes in, `{id, rsp}` comes back, in order.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Reflect, Uint8Array};
use lpa::CardLost;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};
use words::Text;

use super::once;

/// Whether there is a chip to speak to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChipState {
    /// The device is not there.
    Absent,
    /// The worker loads the module and the memory.
    Starting,
    /// It answers; its memory outlives the page. In words: where it is.
    Durable(String),
    /// It answers; its memory is gone with the page. In words: why.
    Volatile(String),
    /// Another tab has it; it comes here when that one is closed.
    Elsewhere,
    /// Its memory holds no chip that this version can start; it can be erased. In words: why.
    Unreadable(String),
    /// It can't be started, or it broke. In words: why.
    Broken(String),
}

impl ChipState {
    /// Whether commands can be sent.
    pub(crate) const fn answers(&self) -> bool {
        matches!(self, Self::Durable(_) | Self::Volatile(_))
    }

    /// What stands in the place of what has not been read.
    pub(crate) const fn nothing_read(&self) -> Text {
        match self {
            Self::Absent => Text::new("There is no such device yet.", "この機器はまだありません。"),
            Self::Unreadable(_) => Text::new("The memory can’t be read.", "メモリーを読めません。"),
            Self::Broken(_) => Text::new("The chip does not answer.", "チップが応答しません。"),
            Self::Elsewhere => Text::new("The chip is in another tab.", "チップは別のタブにあります。"),
            Self::Starting | Self::Durable(_) | Self::Volatile(_) => {
                Text::new("Reading the chip…", "チップを読んでいます…")
            }
        }
    }

    /// Whether it can be replaced by a new one.
    pub(crate) const fn can_be_replaced(&self) -> bool {
        self.answers() || matches!(self, Self::Unreadable(_))
    }
}

type Waiting = Rc<RefCell<HashMap<u32, once::Sender<Vec<u8>>>>>;

/// The way to the chip.
pub(crate) struct ChipLink {
    worker: Worker,
    waiting: Waiting,
    next: Cell<u32>,
}

impl ChipLink {
    /// Starts the worker at `url`; `state` is called with every change.
    pub(crate) fn open(url: &str, state: impl Fn(ChipState) + 'static) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name("chip");
        let worker = Worker::new_with_options(url, &options).map_err(|error| words(&error))?;
        let waiting = Waiting::default();
        let state = Rc::new(state);

        let on_message = {
            let (waiting, state) = (Rc::clone(&waiting), Rc::clone(&state));
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                let message = event.data();
                let field = |name: &str| Reflect::get(&message, &name.into()).unwrap_or_default();
                if let Some(told) = field("state").as_string() {
                    state(told_state(&told, field("because").as_string().unwrap_or_default()));
                } else if let (Some(id), Ok(response)) =
                    (field("id").as_f64(), field("rsp").dyn_into::<Uint8Array>())
                    && let Some(sender) = waiting.borrow_mut().remove(&(id as u32))
                {
                    sender.send(response.to_vec());
                }
            })
        };
        worker.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));

        let on_error = {
            let waiting = Rc::clone(&waiting);
            Closure::<dyn Fn(ErrorEvent)>::new(move |event: ErrorEvent| {
                // Nobody will answer what is asked already.
                waiting.borrow_mut().clear();
                state(ChipState::Broken(event.message()));
            })
        };
        worker.set_onerror(Some(on_error.into_js_value().unchecked_ref()));
        Ok(Self { worker, waiting, next: Cell::new(0) })
    }

    /// Sends a command APDU.
    pub(crate) async fn transmit(&self, apdu: &[u8]) -> Result<Vec<u8>, CardLost> {
        self.ask("apdu", &Uint8Array::from(apdu)).await
    }

    /// Resets the chip; returns the answer to reset.
    pub(crate) async fn reset(&self) -> Result<Vec<u8>, CardLost> {
        self.ask("reset", &JsValue::TRUE).await
    }

    /// Erases the chip's memory and makes it anew as it left the factory; the page is to
    /// be loaded again afterwards.
    pub(crate) async fn erase(&self) -> Result<Vec<u8>, CardLost> {
        self.ask("erase", &JsValue::TRUE).await
    }

    async fn ask(&self, what: &str, value: &JsValue) -> Result<Vec<u8>, CardLost> {
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        let message = js_sys::Object::new();
        let set = |name: &str, value: &JsValue| Reflect::set(&message, &name.into(), value).map(drop);
        let (sender, receiver) = once::channel();
        self.waiting.borrow_mut().insert(id, sender);
        set("id", &id.into())
            .and_then(|()| set(what, value))
            .and_then(|()| self.worker.post_message(&message))
            .map_err(|error| CardLost(words(&error)))?;
        receiver.await.ok_or_else(|| CardLost("the chip's program stopped".to_owned()))
    }
}

fn told_state(state: &str, because: String) -> ChipState {
    match state {
        "durable" => ChipState::Durable(because),
        "volatile" => ChipState::Volatile(because),
        "elsewhere" => ChipState::Elsewhere,
        "starting" => ChipState::Starting,
        "unreadable" => ChipState::Unreadable(because),
        _ => ChipState::Broken(because),
    }
}

/// What a JavaScript error says.
pub(crate) fn words(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| format!("{error:?}"))
}
