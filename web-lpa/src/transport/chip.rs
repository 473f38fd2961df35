//! A chip in its worker: `{id, apdu}` goes in, `{id, rsp}` or `{id, lost}` comes back, in
//! order. What else can be asked of it stands in `wasm-euicc/src/wasm.rs`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Reflect, Uint8Array};
use lpa::CardLost;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};
use words::Text;

use super::once;
use crate::said;

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
    /// It answers, and is a real card. In words: where it is.
    Real(Text<String>),
    /// The real card is out, or the way to it is lost. In words: where it was.
    Out(Text<String>),
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
        matches!(self, Self::Durable(_) | Self::Volatile(_) | Self::Real(_))
    }

    /// What stands in the place of what has not been read.
    pub(crate) const fn nothing_read(&self) -> Text {
        match self {
            Self::Absent => Text::new("There is no such device yet.", "この機器はまだありません。"),
            Self::Unreadable(_) => Text::new("The memory can’t be read.", "メモリーを読めません。"),
            Self::Broken(_) => Text::new("The chip does not answer.", "チップが応答しません。"),
            Self::Elsewhere => Text::new("The chip is in another tab.", "チップは別のタブにあります。"),
            Self::Out(_) => Text::new("The card is not there.", "カードがありません。"),
            Self::Starting | Self::Durable(_) | Self::Volatile(_) | Self::Real(_) => {
                Text::new("Reading the chip…", "チップを読んでいます…")
            }
        }
    }

    /// Whether it can be replaced by a new one.
    pub(crate) const fn can_be_replaced(&self) -> bool {
        matches!(self, Self::Durable(_) | Self::Volatile(_) | Self::Unreadable(_))
    }
}

type Waiting = Rc<RefCell<HashMap<u32, once::Sender<Result<Vec<u8>, CardLost>>>>>;

/// The way to the chip.
pub(crate) struct ChipLink {
    worker: Worker,
    waiting: Waiting,
    next: Cell<u32>,
}

impl ChipLink {
    /// Starts the worker at `url`; `state` is called with every change, `told` with the chip's
    /// own words, where they are wanted ([`Self::trace`]).
    pub(crate) fn open(
        url: &str,
        state: impl Fn(ChipState) + 'static,
        told: impl Fn(String) + 'static,
    ) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name("chip");
        let worker = Worker::new_with_options(url, &options).map_err(|error| words(&error))?;
        let waiting = Waiting::default();
        let (state, words_of_chip) = (Rc::new(state), told);

        let on_message = {
            let (waiting, state) = (Rc::clone(&waiting), Rc::clone(&state));
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                let message = event.data();
                let field = |name: &str| Reflect::get(&message, &name.into()).unwrap_or_default();
                if let Some(told) = field("state").as_string() {
                    let now = told_state(&told, field("because").as_string().unwrap_or_default());
                    if matches!(now, ChipState::Broken(_)) {
                        // Nobody will answer what is asked already.
                        abandon(&waiting);
                    }
                    state(now);
                } else if let Some(text) = field("trace").as_string() {
                    words_of_chip(text);
                } else if let Some(id) = field("id").as_f64() {
                    let answer = match field("rsp").dyn_into::<Uint8Array>() {
                        Ok(response) => Ok(response.to_vec()),
                        Err(_) => Err(CardLost(said::words(&field("lost").as_string().unwrap_or_default()))),
                    };
                    let sender = waiting.borrow_mut().remove(&(id as u32));
                    if let Some(sender) = sender {
                        sender.send(answer);
                    }
                }
            })
        };
        worker.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));

        let on_error = {
            let waiting = Rc::clone(&waiting);
            Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
                abandon(&waiting);
                // A program that can't be loaded is an event without words.
                let said = Reflect::get(&event, &"message".into()).ok().and_then(|words| words.as_string());
                let said = said.filter(|words| !words.is_empty());
                state(ChipState::Broken(said.map_or_else(
                    || "its program can’t be loaded".to_owned(),
                    |said| format!("its program broke off: {said}"),
                )));
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

    /// Power fails, if it has not, and comes back; returns the answer to reset.
    pub(crate) async fn power_up(&self) -> Result<Vec<u8>, CardLost> {
        self.ask("powerUp", &JsValue::TRUE).await
    }

    /// Power is to fail at this write of the memory from now, counted from 1, half of which is
    /// done where it is `torn`; 0: it lasts. The chip then answers nothing until it is reset.
    pub(crate) async fn cut_power(&self, write: u32, torn: bool) -> Result<(), CardLost> {
        self.ask_with(&[("power", &write.into()), ("torn", &torn.into())]).await.map(drop)
    }

    /// The chip's whole memory, keys included.
    pub(crate) async fn snapshot(&self) -> Result<Vec<u8>, CardLost> {
        self.ask("snapshot", &JsValue::TRUE).await
    }

    /// Another memory in the place of the chip's; returns the answer to reset. Nothing is lost
    /// when it is no chip's.
    pub(crate) async fn restore(&self, memory: &[u8]) -> Result<Vec<u8>, CardLost> {
        self.ask("restore", &Uint8Array::from(memory)).await
    }

    /// A new chip, as the laboratory makes them, in the place of this one; returns the answer
    /// to reset. Nothing is lost when none can be made.
    pub(crate) async fn erase(&self) -> Result<Vec<u8>, CardLost> {
        self.ask("erase", &JsValue::TRUE).await
    }

    /// The same of a factory's JSON.
    pub(crate) async fn make(&self, factory: &[u8]) -> Result<Vec<u8>, CardLost> {
        self.ask("erase", &Uint8Array::from(factory)).await
    }

    /// Whether the chip's own words are told: which rule a request broke, which profile element
    /// failed.
    pub(crate) async fn trace(&self, on: bool) -> Result<(), CardLost> {
        self.ask("trace", &on.into()).await.map(drop)
    }

    async fn ask(&self, what: &str, value: &JsValue) -> Result<Vec<u8>, CardLost> {
        self.ask_with(&[(what, value)]).await
    }

    async fn ask_with(&self, fields: &[(&str, &JsValue)]) -> Result<Vec<u8>, CardLost> {
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        let message = js_sys::Object::new();
        let set = |name: &str, value: &JsValue| Reflect::set(&message, &name.into(), value).map(drop);
        let (sender, receiver) = once::channel();
        self.waiting.borrow_mut().insert(id, sender);
        set("id", &id.into())
            .and_then(|()| fields.iter().try_for_each(|(name, value)| set(name, value)))
            .and_then(|()| self.worker.post_message(&message))
            .map_err(|error| CardLost(said::words(&words(&error))))?;
        receiver.await.unwrap_or_else(|| Err(CardLost(said::words("the chip's program stopped"))))
    }
}

impl Drop for ChipLink {
    fn drop(&mut self) {
        // What it still says is no longer meant for anybody.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
        abandon(&self.waiting);
    }
}

/// Nobody will answer what is asked already.
fn abandon(waiting: &Waiting) {
    // Taken out first: who waits may ask again at once.
    let asked = std::mem::take(&mut *waiting.borrow_mut());
    drop(asked);
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
