//! Numbers that name a person or a chip: shown as the person wants them, and copied.

use leptos::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use words::Text;

use super::{Context, context, icons};
use crate::transport::later;
use crate::units::{grouped, numbers_shortened, shortened};

/// A number as it is shown now; tracked.
pub(super) fn shown(number: &str) -> String {
    if context().hidden.get() { shortened(number) } else { number.to_owned() }
}

/// A number in groups of four, or its last digits in such groups where it is hidden: enough to tell
/// one from another; tracked.
pub(super) fn ending(number: &str) -> String {
    const LAST: usize = 8;
    if !context().hidden.get() {
        return grouped(number);
    }
    let from = number.len().saturating_sub(LAST);
    number.get(from..).map_or_else(|| shortened(number), |last| format!("…{}", grouped(last)))
}

/// Words as they are shown now, long numbers in them hidden where that is wanted; tracked.
pub(super) fn shown_in(words: &str) -> String {
    if context().hidden.get() { numbers_shortened(words) } else { words.to_owned() }
}

/// A number, and a button that copies all of it.
#[component]
pub(super) fn Number(
    number: String,
    /// What it is, for the button's name.
    what: Text,
    /// In groups of four.
    #[prop(optional)]
    groups: bool,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let copied = number.clone();
    let text = move || {
        let shown = shown(&number);
        if groups && !context_hides() { grouped(&shown) } else { shown }
    };
    view! {
        <span class="number-shown">
            <span class="digits" data-testid=(!testid.is_empty()).then_some(testid)>{text}</span>
            <Copy text=copied what/>
        </span>
    }
}

fn context_hides() -> bool {
    context().hidden.get()
}

/// A button that copies a text.
#[component]
pub(super) fn Copy(text: String, what: Text) -> impl IntoView {
    let Context { say, .. } = context();
    let done = RwSignal::new(None::<bool>);
    let label = move || {
        let what = say.now(what);
        say.now(match done.get() {
            Some(true) => Text::new(format!("{what} copied"), format!("{what}をコピーしました")),
            Some(false) => Text::new(
                format!("{what} not copied: the browser refused"),
                format!("{what}をコピーできません。ブラウザーが許可しませんでした"),
            ),
            None => Text::new(format!("Copy {what}"), format!("{what}をコピー")),
        })
    };
    let copy = move |_| {
        let copied = clip(text.clone());
        spawn_local(async move {
            done.try_set(Some(copied.await));
            later::after(TOLD).await;
            done.try_set(None);
        });
    };
    view! {
        <button
            type="button"
            class="copy"
            aria-label=label
            title=label
            data-state=move || done.get().map(|copied| if copied { "yes" } else { "refused" })
            on:click=copy
        >
            {move || match done.get() {
                Some(true) => icons::done().into_any(),
                Some(false) => view! { <span class="wrong" aria-hidden="true">"✗"</span> }.into_any(),
                None => icons::copy().into_any(),
            }}
        </button>
    }
}

/// How long it is told how a copy went, in milliseconds.
const TOLD: u32 = 1_500;

/// Puts a text into the clipboard; whether it is there. Begun at once, while the browser sees that
/// a person has asked for it.
pub(in crate::ui) fn clip(text: String) -> impl Future<Output = bool> {
    let navigator = window().navigator();
    // Without a secure context there is none, whatever the type says.
    let there = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|it| it.is_object());
    let written = there.then(|| JsFuture::from(navigator.clipboard().write_text(&text)));
    async move {
        match written {
            Some(written) => written.await.is_ok(),
            None => false,
        }
    }
}

/// A field for a number that is written, not counted: a port, a code, an IMEI.
#[component]
pub(in crate::ui) fn Entry(
    label: Text,
    number: RwSignal<String>,
    #[prop(optional)] name: Option<&'static str>,
    /// How many digits are to be seen at once.
    #[prop(optional)]
    size: Option<u8>,
    /// Whether the browser may offer a code that was sent.
    #[prop(optional)]
    once: bool,
    #[prop(optional)] described_by: Option<&'static str>,
) -> impl IntoView {
    let say = context().say;
    view! {
        <label>
            {say.of(label)}
            <input
                type="text"
                inputmode="numeric"
                name=name
                size=size.map(|size| size.to_string())
                autocomplete=if once { "one-time-code" } else { "off" }
                aria-describedby=described_by
                prop:value=number
                on:input=move |event| number.set(event_target_value(&event))
            />
        </label>
    }
}
