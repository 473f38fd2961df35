//! The parts of the page in a browser: mounted alone, looked at as a person does, by what
//! stands in the document.

mod broken;
mod cards;
mod chip;
mod codes;
mod devices;
mod files;
mod language;
mod messages;
mod modal;
mod network;
mod notifications;
mod own;
mod profiles;
mod questions;
mod samples;
mod settings;
mod swap;
mod task;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::{mem, panic};

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test_configure;
use web_sys::{Element, Event, EventInit, HtmlElement, HtmlInputElement, KeyboardEvent, KeyboardEventInit};
use words::Language;

use super::{Context, provide};
use crate::model::{Model, Radio};
use crate::transport::{keep, later, once};

wasm_bindgen_test_configure!(run_in_browser);

/// How often it is looked whether something has come about, and how many milliseconds lie between.
const LOOKS: (u32, u32) = (300, 10);

thread_local! {
    /// What went wrong where nobody waited for it: in listeners, in what comes with a later frame.
    static TROUBLE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Sees what goes wrong from now on; what did before is no longer remembered.
fn watch() {
    thread_local!(static WATCHES: Cell<bool> = const { Cell::new(false) });
    TROUBLE.with_borrow_mut(Vec::clear);
    if WATCHES.replace(true) {
        return;
    }
    // What the browser tells of a panic is that something unreachable was reached.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        TROUBLE.with_borrow_mut(|trouble| trouble.push(info.to_string()));
        hook(info);
    }));
    window_event_listener(leptos::ev::error, |event| {
        // A size that follows from another is measured with the next frame.
        if !event.message().starts_with("ResizeObserver loop") {
            TROUBLE.with_borrow_mut(|trouble| trouble.push(event.message()));
        }
    });
}

/// A part of the page, as long as this lives.
struct Page {
    place: HtmlElement,
    context: Context,
    _mounted: Box<dyn Any>,
}

impl Page {
    /// Shows a part in a browser that remembers nothing of tests before, in English.
    async fn show<V: IntoView + 'static>(part: impl FnOnce(Context) -> V + 'static) -> Self {
        let window = web_sys::window().unwrap();
        window.local_storage().unwrap().unwrap().clear().unwrap();
        for place in crate::phone::KEPT {
            keep::remove(place).await.unwrap();
        }
        Self::show_again(part).await
    }

    /// The same in one that remembers.
    async fn show_again<V: IntoView + 'static>(part: impl FnOnce(Context) -> V + 'static) -> Self {
        let window = web_sys::window().unwrap();
        let path = window.location().pathname().unwrap();
        window.history().unwrap().replace_state_with_url(&"".into(), "", Some(&path)).unwrap();
        watch();
        // A test that failed has left its part behind.
        while let Some(left) = document().query_selector("main").unwrap() {
            left.remove();
        }
        let place: HtmlElement = document().create_element("main").unwrap().unchecked_into();
        document().body().unwrap().append_child(&place).unwrap();
        // Effects of the state need what the first mounting sets up.
        drop(mount_to(place.clone(), || ()));
        let owner = Owner::new_root(None);
        let (context, mounted) = owner.with(|| {
            let context = provide();
            (context, mount_to(place.clone(), move || part(context).into_any()))
        });
        // The page's state is there as long as the browser, and what was begun goes on with it.
        mem::forget(owner);
        let page = Self { place, context, _mounted: Box::new(mounted) };
        page.settle().await;
        page
    }

    /// Takes the part out of the page, with what was still to come; the phone is off then.
    async fn close(self) {
        let Model { power, radio, .. } = self.context.model;
        drop(self);
        power.set(false);
        radio.set(Radio::Off);
        for _ in 0..2 {
            let (sender, receiver) = once::channel();
            request_animation_frame(move || sender.send(()));
            receiver.await;
        }
        let trouble = TROUBLE.take();
        assert!(trouble.is_empty(), "{trouble:?}");
    }

    /// Something was to go wrong.
    fn excuse(&self, words: &str) {
        TROUBLE.with_borrow_mut(|trouble| trouble.retain(|one| !one.contains(words)));
    }

    /// Lets everything happen that follows from what was done.
    async fn settle(&self) {
        // Effects run when the browser has time; what they change is drawn with the next frame.
        for _ in 0..3 {
            leptos::task::tick().await;
            later::after(0).await;
        }
    }

    /// Waits until something has come about.
    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let (looks, pause) = LOOKS;
        for _ in 0..looks {
            self.settle().await;
            if is_so(self) {
                return;
            }
            later::after(pause).await;
        }
        panic!("{what} never came about in {}", self.text());
    }

    /// Speaks another language from now on.
    async fn speak(&self, language: Language) {
        self.context.say.choose(language);
        self.settle().await;
    }

    /// All that can be read.
    fn text(&self) -> String {
        self.place.text_content().unwrap_or_default()
    }

    /// The beginning of all that is there, for who reads of a failure.
    fn excerpt(&self) -> String {
        self.place.inner_html().chars().take(2_000).collect()
    }

    fn all(&self, selector: &str) -> Vec<HtmlElement> {
        let list = self.place.query_selector_all(selector).unwrap();
        (0..list.length()).filter_map(|at| list.get(at)).map(JsCast::unchecked_into).collect()
    }

    /// The only one of its kind.
    fn one(&self, selector: &str) -> HtmlElement {
        match &self.all(selector)[..] {
            [one] => one.clone(),
            all => panic!("{} of {selector} in {}", all.len(), self.excerpt()),
        }
    }

    /// What one says.
    fn says(&self, selector: &str) -> String {
        said(&self.one(selector))
    }

    /// What all of them say.
    fn say(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().map(said).collect()
    }

    /// The button with this name, which is what a screen reader says.
    fn button(&self, name: &str) -> HtmlElement {
        let buttons = self.all("button, [role=button]");
        let named = |button: &&HtmlElement| {
            button.get_attribute("aria-label").unwrap_or_else(|| said(button)) == name
        };
        match &buttons.iter().filter(named).collect::<Vec<_>>()[..] {
            [one] => (*one).clone(),
            all => panic!("{} buttons “{name}” in {}", all.len(), self.excerpt()),
        }
    }

    /// Presses the button with this name.
    async fn press(&self, name: &str) {
        self.button(name).click();
        self.settle().await;
    }

    async fn click(&self, selector: &str) {
        self.one(selector).click();
        self.settle().await;
    }

    /// Types into a field.
    async fn type_in(&self, selector: &str, text: &str) {
        let field = self.one(selector);
        js_sys::Reflect::set(&field, &"value".into(), &text.into()).unwrap();
        self.fire(&field, "input").await;
    }

    /// Chooses from a list by its value.
    async fn choose(&self, selector: &str, value: &str) {
        let field = self.one(selector);
        js_sys::Reflect::set(&field, &"value".into(), &value.into()).unwrap();
        self.fire(&field, "change").await;
    }

    async fn fire(&self, element: &Element, kind: &str) {
        let how = EventInit::new();
        how.set_bubbles(true);
        how.set_cancelable(true);
        let event = Event::new_with_event_init_dict(kind, &how).unwrap();
        element.dispatch_event(&event).unwrap();
        self.settle().await;
    }

    async fn key(&self, element: &Element, key: &str) {
        let how = KeyboardEventInit::new();
        how.set_key(key);
        how.set_bubbles(true);
        how.set_cancelable(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &how).unwrap();
        element.dispatch_event(&event).unwrap();
        self.settle().await;
    }

    /// Sends the form, as Enter does in one of its fields.
    async fn submit(&self, selector: &str) {
        self.fire(&self.one(selector), "submit").await;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.place.remove();
        let trouble = TROUBLE.with_borrow(Clone::clone);
        assert!(trouble.is_empty(), "{trouble:?}");
    }
}

/// What can be read in an element, with single spaces.
fn said(element: &HtmlElement) -> String {
    let text = element.text_content().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_disabled(element: &HtmlElement) -> bool {
    element.has_attribute("disabled")
}

fn is_checked(element: &HtmlElement) -> bool {
    element.unchecked_ref::<HtmlInputElement>().checked()
}

/// What has the focus.
fn focused() -> Option<HtmlElement> {
    document().active_element().and_then(|element| element.dyn_into().ok())
}
