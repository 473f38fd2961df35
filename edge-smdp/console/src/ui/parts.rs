//! What several views are made of.

use std::sync::Arc;

use js_sys::{Array, Date, Uint8Array};
use leptos::html::{Dialog, Input};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use super::context;
use crate::api::{ProfileType, ProfileTypes};
use crate::qr;
use crate::route::{Filter, Route, last_digits};
use crate::state::{self, Place, ProfileState, Step, Tone};
use crate::time;
use crate::words::Trouble;

/// Something that is asked of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Remote<T> {
    Loading,
    Ready(T),
    Failed(Trouble),
}

/// Asks the server; only the answer to the last question counts.
pub(super) struct Loader<T: Send + Sync + 'static> {
    pub(super) answer: RwSignal<Remote<T>>,
    pub(super) busy: RwSignal<bool>,
    turn: StoredValue<u32>,
}

impl<T: Send + Sync + 'static> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loader<T> {}

impl<T: Clone + PartialEq + Send + Sync + 'static> Loader<T> {
    pub(super) fn new() -> Self {
        Self { answer: RwSignal::new(Remote::Loading), busy: RwSignal::new(false), turn: StoredValue::new(0) }
    }

    /// Asks; what is shown stays until the answer is there, and where it is the same.
    pub(super) fn load(self, question: impl Future<Output = Result<T, Trouble>> + 'static) {
        self.turn.update_value(|turn| *turn = turn.wrapping_add(1));
        let turn = self.turn.get_value();
        self.busy.set(true);
        spawn_local(async move {
            let answer = match question.await {
                Ok(answer) => Remote::Ready(answer),
                Err(trouble) => Remote::Failed(trouble),
            };
            // The view may be gone by now.
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            if self.answer.try_with_untracked(|before| *before != answer) == Some(true) {
                self.answer.try_set(answer);
            }
            self.busy.try_set(false);
        });
    }

    /// The answer, if it is there.
    pub(super) fn ready(self) -> Option<T> {
        match self.answer.get() {
            Remote::Ready(answer) => Some(answer),
            _ => None,
        }
    }
}

/// Shows what was asked: that it is on its way, what went wrong, or the answer.
pub(super) fn shown<T, V: IntoView + 'static>(
    loader: Loader<T>,
    retry: impl Fn() + Clone + Send + Sync + 'static,
    ready: impl Fn(T) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    move || match loader.answer.get() {
        Remote::Loading => view! { <p class="loading" role="status">"Loading …"</p> }.into_any(),
        Remote::Failed(trouble) => {
            let retry = retry.clone();
            view! {
                <Failure trouble/>
                <p><button type="button" on:click=move |_| retry()>"Try again"</button></p>
            }
            .into_any()
        }
        Remote::Ready(answer) => ready(answer).into_any(),
    }
}

/// What went wrong, and what to do next.
#[component]
pub(super) fn Failure(trouble: Trouble) -> impl IntoView {
    view! {
        <div class="note bad" role="alert">
            <p><strong>{trouble.what}</strong></p>
            <p>{trouble.next}</p>
            {trouble.codes.map(|codes| view! { <p class="codes">{codes}</p> })}
        </div>
    }
}

/// A button that asks again.
#[component]
pub(super) fn Refresh(
    #[prop(into)] busy: Signal<bool>,
    on_press: impl Fn() + Send + 'static,
) -> impl IntoView {
    view! {
        <button type="button" aria-disabled=move || busy.get().to_string() on:click=move |_| if !busy.get_untracked() { on_press() }>
            {move || if busy.get() { "Refreshing …" } else { "Refresh" }}
        </button>
    }
}

/// Pages of a list: the cursors that led here, the first page's aside.
#[derive(Clone, Copy)]
pub(super) struct Pages {
    cursors: RwSignal<Vec<String>>,
}

impl Pages {
    pub(super) fn new() -> Self {
        Self { cursors: RwSignal::new(Vec::new()) }
    }

    /// Loads now, and again when the filter or the page changes; of another filter the first
    /// page.
    pub(super) fn follow(self, filter: Memo<Filter>, load: impl Fn() + 'static) {
        Effect::new(move |before: Option<Filter>| {
            let filter = filter.get();
            if before.is_some_and(|before| before != filter) {
                self.cursors.set(Vec::new());
            }
            load();
            filter
        });
    }

    /// Whether this is not the first page.
    pub(super) fn is_later(self) -> bool {
        self.cursors.with(|cursors| !cursors.is_empty())
    }

    /// The query of this page, to put behind others.
    pub(super) fn query(self) -> String {
        self.cursors.with(|cursors| {
            cursors
                .last()
                .map_or_else(String::new, |cursor| format!("&cursor={}", crate::route::escape(cursor)))
        })
    }
}

/// Buttons to turn pages.
#[component]
pub(super) fn Turn(pages: Pages, next: Option<String>) -> impl IntoView {
    let cursors = pages.cursors;
    let number = move || cursors.with(Vec::len) + 1;
    let alone = next.is_none();
    let next = StoredValue::new(next);
    view! {
        <nav class="pages" aria-label="Pages" hidden=move || alone && number() == 1>
            <button type="button" disabled=move || number() == 1 on:click=move |_| cursors.set(Vec::new())>"First"</button>
            <button type="button" disabled=move || number() == 1 on:click=move |_| cursors.update(|all| drop(all.pop()))>"Previous"</button>
            <span>"Page "{number}</span>
            <button
                type="button"
                disabled=alone
                on:click=move |_| if let Some(next) = next.get_value() { cursors.update(|all| all.push(next)) }
            >"Next"</button>
        </nav>
    }
}

/// A state in colour and text.
#[component]
pub(super) fn Badge(state: ProfileState) -> impl IntoView {
    view! { <Mood tone=state.tone() words=state.name().to_owned()/> }
}

/// A word in a colour.
#[component]
pub(super) fn Mood(tone: Tone, words: String) -> impl IntoView {
    view! { <span class=format!("badge {}", tone.class())>{words}</span> }
}

/// The way of a profile as a row of dots, beside a badge that says it in words.
#[component]
pub(super) fn Dots(state: ProfileState, linked: bool) -> impl IntoView {
    let dot = |step: Step| view! { <i class=format!("dot {} {}", step.place.name(), step.state.tone().class())></i> };
    view! {
        <span class="dots" aria-hidden="true">
            {state::way(state, linked, None).into_iter().map(dot).collect_view()}
        </span>
    }
}

/// The way of a profile, in words.
#[component]
pub(super) fn Way(state: ProfileState, linked: bool, reached: Option<ProfileState>) -> impl IntoView {
    let step = |step: Step| {
        let current = matches!(step.place, Place::Now | Place::Left).then_some("step");
        view! {
            <li class=format!("step {} {}", step.place.name(), step.state.tone().class()) aria-current=current>
                <b>{step.state.name()}</b>
                <small>{match step.place { Place::Now => "now", other => other.name() }}</small>
            </li>
        }
    };
    view! {
        <ol class="way" aria-label="Way of the profile">
            {state::way(state, linked, reached).into_iter().map(step).collect_view()}
        </ol>
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    (Date::now() / 1000.0) as u64
}

/// A moment in this person's time.
pub(super) fn local(at: u64) -> String {
    let date = Date::new(&(at as f64 * 1000.0).into());
    let west = date.get_timezone_offset();
    time::moment(at, if west.is_finite() { -(west as i32) } else { 0 })
}

/// A moment to the second.
#[component]
pub(super) fn Moment(at: u64) -> impl IntoView {
    view! { <time datetime=time::rfc3339(at) title=time::distance(at, now())>{local(at)}</time> }
}

/// How long ago.
#[component]
pub(super) fn Ago(at: u64) -> impl IntoView {
    view! { <time datetime=time::rfc3339(at) title=local(at)>{time::distance(at, now())}</time> }
}

/// A profile by the last digits of its ICCID, with the way to it.
#[component]
pub(super) fn ProfileLink(iccid: String) -> impl IntoView {
    let words = format!("…{}", last_digits(&iccid));
    view! { <a class="digits" href=Route::Order(iccid).hash()>{words}</a> }
}

/// What was pressed has gone, and this came in its place: a reader goes on there.
pub(super) fn go_on_at<E>(place: NodeRef<E>)
where
    E: leptos::html::ElementType + 'static,
    E::Output: JsCast + Clone + 'static,
{
    Effect::new(move |_| {
        let element = place.get().and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(element) = element {
            drop(element.focus());
        }
    });
}

/// An EID in two rows of digits, or that there is none.
#[component]
pub(super) fn Eid(eid: Option<String>) -> impl IntoView {
    match eid {
        Some(eid) => view! { <span class="eid">{eid}</span> }.into_any(),
        None => view! { <span class="none">"–"</span> }.into_any(),
    }
}

/// A text as a QR code.
#[component]
pub(super) fn QrCode(text: String) -> impl IntoView {
    match qr::drawing(&text) {
        None => {
            view! { <p class="help">"The code is too long for a QR code: pass it on as text."</p> }.into_any()
        }
        Some(drawing) => view! {
            <svg
                class="qr"
                role="img"
                aria-label="QR code of the activation code"
                viewBox=format!("0 0 {0} {0}", drawing.size)
                shape-rendering="crispEdges"
            >
                <rect width="100%" height="100%" fill="#fff"></rect>
                <path d=drawing.path fill="#000"></path>
            </svg>
        }
        .into_any(),
    }
}

/// A button that puts a text into the clipboard.
#[component]
pub(super) fn Copy(text: String, what: &'static str) -> impl IntoView {
    let done = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let promise = window().navigator().clipboard().write_text(&text);
        spawn_local(async move {
            done.try_set(Some(JsFuture::from(promise).await.is_ok()));
        });
    };
    view! {
        <button type="button" on:click=copy>"Copy "{what}</button>
        <span class="said" role="status">{move || match done.get() {
            None => "",
            Some(true) => "Copied.",
            Some(false) => "The browser does not allow it: select the text and copy it.",
        }}</span>
    }
}

/// A dialog that asks before something is lost; open while `open` says so.
#[component]
pub(super) fn Confirm(
    open: RwSignal<bool>,
    title: &'static str,
    action: &'static str,
    on_yes: impl Fn() + Clone + Send + Sync + 'static,
    children: ChildrenFn,
) -> impl IntoView {
    let place = NodeRef::<Dialog>::new();
    Effect::new(move |_| {
        let wanted = open.get();
        let Some(dialog) = place.get() else { return };
        if wanted && !dialog.open() {
            // Refused only to a dialog that has left the page.
            drop(dialog.show_modal());
        } else if !wanted && dialog.open() {
            dialog.close();
        }
    });
    let children = StoredValue::new(children);
    let on_yes = StoredValue::new(on_yes);
    let yes = move |_| {
        open.set(false);
        on_yes.with_value(|yes| yes());
    };
    view! {
        <dialog node_ref=place aria-label=title on:close=move |_| open.set(false)>
            <Show when=move || open.get()>
                <h2>{title}</h2>
                {children.with_value(|children| children())}
                <div class="buttons">
                    <button type="button" on:click=move |_| open.set(false)>"Keep it"</button>
                    <button type="button" class="danger" on:click=yes>{action}</button>
                </div>
            </Show>
        </dialog>
    }
}

/// A field with its name, its help, and what is wrong with it.
#[component]
pub(super) fn Field(
    label: &'static str,
    id: &'static str,
    value: RwSignal<String>,
    #[prop(optional)] help: &'static str,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] digits: bool,
    #[prop(optional, into)] wrong: Signal<Option<String>>,
) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    focus_when_wrong(input, wrong);
    let mode = if digits { "numeric" } else { "text" };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                type=kind
                inputmode=mode
                class:digits=digits
                autocomplete="off"
                spellcheck="false"
                node_ref=input
                aria-describedby=format!("{id}-help")
                aria-invalid=move || wrong.with(Option::is_some).to_string()
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
            <Help id help wrong/>
        </div>
    }
}

/// A field of several lines.
#[component]
pub(super) fn Lines(
    label: &'static str,
    id: &'static str,
    value: RwSignal<String>,
    #[prop(optional)] help: &'static str,
    #[prop(optional, into)] wrong: Signal<Option<String>>,
    #[prop(default = "4")] rows: &'static str,
) -> impl IntoView {
    let area = NodeRef::<leptos::html::Textarea>::new();
    Effect::new(move |_| {
        if wrong.with(Option::is_some)
            && let Some(area) = area.get_untracked()
        {
            drop(area.focus());
        }
    });
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <textarea
                id=id
                rows=rows
                autocomplete="off"
                spellcheck="false"
                node_ref=area
                aria-describedby=format!("{id}-help")
                aria-invalid=move || wrong.with(Option::is_some).to_string()
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
            <Help id help wrong/>
        </div>
    }
}

#[component]
pub(super) fn Help(id: &'static str, help: &'static str, wrong: Signal<Option<String>>) -> impl IntoView {
    view! {
        <p id=format!("{id}-help") class="help" class:wrong=move || wrong.with(Option::is_some)>
            {move || wrong.get().unwrap_or_else(|| help.to_owned())}
        </p>
    }
}

fn focus_when_wrong(input: NodeRef<Input>, wrong: Signal<Option<String>>) {
    Effect::new(move |_| {
        if wrong.with(Option::is_some)
            && let Some(input) = input.get_untracked()
        {
            drop(input.focus());
        }
    });
}

/// A box to tick.
#[component]
pub(super) fn Tick(
    label: &'static str,
    value: RwSignal<bool>,
    #[prop(optional)] help: &'static str,
) -> impl IntoView {
    view! {
        <div class="tick">
            <label>
                <input type="checkbox" prop:checked=value on:change=move |event| value.set(event_target_checked(&event))/>
                {label}
            </label>
            {(!help.is_empty()).then(|| view! { <p class="help">{help}</p> })}
        </div>
    }
}

/// One of several.
#[component]
pub(super) fn Select(
    label: &'static str,
    id: &'static str,
    value: RwSignal<String>,
    /// Value and words.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    #[prop(optional)] help: &'static str,
    #[prop(optional, into)] wrong: Signal<Option<String>>,
    #[prop(optional)] on_change: Option<Arc<dyn Fn() + Send + Sync>>,
) -> impl IntoView {
    let option = move |(own, words): (String, String)| {
        let chosen = own.clone();
        view! { <option value=own selected=move || value.with(|value| *value == chosen)>{words}</option> }
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select
                id=id
                aria-describedby=format!("{id}-help")
                aria-invalid=move || wrong.with(Option::is_some).to_string()
                on:change=move |event| {
                    value.set(event_target_value(&event));
                    if let Some(changed) = &on_change {
                        changed();
                    }
                }
            >
                {move || options.get().into_iter().map(option).collect_view()}
            </select>
            <Help id help wrong/>
        </div>
    }
}

/// Options for a choice from fixed names.
pub(super) fn options(first: &str, rest: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    core::iter::once((String::new(), first.to_owned())).chain(rest).collect()
}

/// The server's profile types.
pub(super) fn profile_types() -> Loader<Vec<ProfileType>> {
    let loader = Loader::new();
    let client = context().client;
    loader
        .load(async move { client.get::<ProfileTypes>("profile-types").await.map(|all| all.profile_types) });
    loader
}

/// Their names, to choose from.
pub(super) fn type_options(
    types: Loader<Vec<ProfileType>>,
    first: &'static str,
) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || {
        let types = types.ready().unwrap_or_default();
        options(first, types.into_iter().map(|one| (one.name.clone(), one.name)))
    })
}

/// Lets the person save a file.
pub(super) fn save(name: &str, media_type: &str, content: &str) {
    let parts = Array::of1(&Uint8Array::from(content.as_bytes()));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(media_type);
    let Ok(blob) = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &options) else { return };
    let Ok(address) = web_sys::Url::create_object_url_with_blob(&blob) else { return };
    if let Some(link) = document().create_element("a").ok().and_then(|link| link.dyn_into().ok()) {
        let link: web_sys::HtmlAnchorElement = link;
        link.set_href(&address);
        link.set_download(name);
        link.click();
    }
    // The browser has begun to save it by now; it needs no second try.
    drop(web_sys::Url::revoke_object_url(&address));
}

/// A file's name with the day in it.
pub(super) fn dated(name: &str, extension: &str) -> String {
    format!("{name}-{}.{extension}", time::day(now()))
}

/// The bytes of a file.
pub(super) async fn read(file: &web_sys::File) -> Result<Vec<u8>, Trouble> {
    match JsFuture::from(file.array_buffer()).await {
        Ok(buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
        Err(_) => Err(Trouble::new(
            "The file can’t be read.",
            "Choose it again: it may have been moved or changed since it was chosen.",
        )),
    }
}

/// The mark of the console.
#[component]
pub(super) fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
            <path
                d="M3 4h18v7H3zM3 13h18v7H3zM7 7.5h.01M7 16.5h.01M12 7.5h5M12 16.5h5"
                fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"
            ></path>
        </svg>
    }
}
