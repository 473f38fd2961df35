//! The worker that reads QR codes (web-lpa/qr): started for the first picture, and again after
//! one that broke it or took too long.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Reflect};
use leptos::prelude::set_timeout_with_handle;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, ImageBitmap, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::transport::chip::words;
use crate::transport::once;

/// How long a picture may take; the first one waits for the module too.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is asked of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A frame of the camera: quickly, the next one comes at once.
    Frame,
    /// A picture: in several sizes.
    Picture,
}

impl Look {
    /// How long the longer edge of what is looked at may be, in pixels.
    const fn edge(self) -> u32 {
        match self {
            Self::Frame => 800,
            Self::Picture => 2400,
        }
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// What the QR codes say.
    pub(crate) texts: Vec<String>,
    /// How many more were seen.
    pub(crate) unreadable: usize,
}

type Waiting = Rc<RefCell<HashMap<u32, once::Sender<Result<Reading, String>>>>>;

/// The reader.
#[derive(Default)]
pub(crate) struct Reader {
    url: String,
    open: RefCell<Option<Open>>,
    next: Cell<u32>,
}

/// A worker, with what listens to it.
struct Open {
    worker: Worker,
    waiting: Waiting,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(Event)>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Reader {
    /// One whose worker is at `url`; nothing is loaded yet.
    pub(crate) fn new(url: String) -> Self {
        Self { url, ..Self::default() }
    }

    /// Loads the worker, so that it is ready when the first picture comes.
    pub(crate) fn prepare(&self) -> Result<(), String> {
        if self.open.borrow().is_none() {
            *self.open.borrow_mut() = Some(Open::new(&self.url)?);
        }
        Ok(())
    }

    /// Reads a picture, which is handed over.
    pub(crate) async fn read(&self, picture: ImageBitmap, look: Look) -> Result<Reading, String> {
        self.prepare()?;
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        let (sender, receiver) = once::channel();
        let waiting = {
            let open = self.open.borrow();
            let Some(open) = open.as_ref() else { return Err("it is closed".to_owned()) };
            open.waiting.borrow_mut().insert(id, sender);
            open.ask(id, &picture, look).map_err(|error| words(&error))?;
            Rc::clone(&open.waiting)
        };
        // Who waits too long is let go: nobody is left who could answer.
        let timer = set_timeout_with_handle(move || drop(waiting.borrow_mut().remove(&id)), PATIENCE);
        let answer = receiver.await.unwrap_or_else(|| Err("it does not answer".to_owned()));
        if let Ok(timer) = timer {
            timer.clear();
        }
        if answer.is_err() {
            // A module that has broken off is not to be trusted with the next picture.
            drop(self.open.borrow_mut().take());
        }
        answer
    }
}

impl Open {
    fn new(url: &str) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name("qr");
        let worker = Worker::new_with_options(url, &options).map_err(|error| words(&error))?;
        let waiting = Waiting::default();

        let on_message = {
            let waiting = Rc::clone(&waiting);
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                let message = event.data();
                let field = |name: &str| Reflect::get(&message, &name.into()).unwrap_or_default();
                let Some(id) = field("id").as_f64() else { return };
                let Some(sender) = waiting.borrow_mut().remove(&(id as u32)) else { return };
                sender.send(match field("failed").as_string() {
                    Some(because) => Err(because),
                    None => Ok(Reading {
                        texts: field("texts")
                            .dyn_ref::<Array>()
                            .into_iter()
                            .flat_map(Array::iter)
                            .filter_map(|text| text.as_string())
                            .collect(),
                        unreadable: field("unreadable").as_f64().unwrap_or_default() as usize,
                    }),
                });
            })
        };
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));

        let on_error = {
            let waiting = Rc::clone(&waiting);
            Closure::<dyn Fn(Event)>::new(move |_: Event| {
                let waiting = std::mem::take(&mut *waiting.borrow_mut());
                for sender in waiting.into_values() {
                    sender.send(Err("it can’t be loaded".to_owned()));
                }
            })
        };
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, waiting, _on_message: on_message, _on_error: on_error })
    }

    fn ask(&self, id: u32, picture: &ImageBitmap, look: Look) -> Result<(), JsValue> {
        let message = js_sys::Object::new();
        let fields: [(&str, JsValue); 4] = [
            ("id", id.into()),
            ("picture", picture.into()),
            ("edge", look.edge().into()),
            ("glance", (look == Look::Frame).into()),
        ];
        for (name, value) in fields {
            Reflect::set(&message, &name.into(), &value)?;
        }
        self.worker.post_message_with_transfer(&message, &Array::of1(picture))
    }
}
