//! The service worker: without a network the page opens; and a new version of it comes when
//! the person wants it, not in the middle of something.

use js_sys::{Array, Reflect};
use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    MessageEvent, ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration, ServiceWorkerState,
};
use words::Text;

use super::{Context, context, document};
use crate::model::Slot;
use crate::transport::http;

/// Where it is.
const PATH: &str = "/sw.js";

/// What tells a new version to take over.
const TAKE_OVER: &str = "take over";

/// How far a new version is.
#[derive(Clone, Default)]
enum Next {
    #[default]
    None,
    /// It waits.
    Waits(ServiceWorker),
    /// The person wants it.
    Wanted,
}

type State = RwSignal<Next, LocalStorage>;

/// Says that a new version is there, once it is.
#[component]
pub(super) fn Update() -> impl IntoView {
    let Context { model, say, .. } = context();
    let next = State::new_local(Next::None);
    let begun = StoredValue::new(false);
    Effect::new(move |_| {
        // The chip comes first: it is what the person waits for.
        let ready = model.chip(Slot::Phone).profiles.with(Option::is_some);
        if ready && !begun.get_value() {
            begun.set_value(true);
            spawn_local(async move {
                // A browser that has none, or none here, only misses what it is good for.
                drop(register(next).await);
            });
        }
    });
    let busy = move || model.task.with(Option::is_some);
    let take_over = move |_| {
        if let Next::Waits(worker) = next.get_untracked() {
            next.set(Next::Wanted);
            // One that is gone has been replaced: by what a reload gets.
            if worker.post_message(&TAKE_OVER.into()).is_err() {
                reload();
            }
        }
    };
    move || {
        next.with(|next| matches!(next, Next::Waits(_))).then(|| {
            view! {
                <div class="banner update" role="status" data-testid="update">
                    <strong>{say.of(Text::new("A new version is ready.", "新しいバージョンがあります。"))}</strong>
                    <span>{say.of(Text::new(
                        "Reload to use it. Chips and profiles stay as they are.",
                        "再読み込みすると切り替わります。チップとプロファイルはそのままです。",
                    ))}</span>
                    <button type="button" disabled=busy on:click=take_over>
                        {say.of(Text::new("Reload", "再読み込み"))}
                    </button>
                </div>
            }
        })
    }
}

fn reload() {
    if let Some(location) = document().location() {
        // Refused only by a page that is being left.
        drop(location.reload());
    }
}

/// The browser's service workers; none where it has none or needs none, or outside a secure context.
fn container() -> Option<ServiceWorkerContainer> {
    if http::site().is_some() {
        // An installed app is there without a network anyway.
        return None;
    }
    let navigator = web_sys::window()?.navigator();
    Reflect::get(&navigator, &"serviceWorker".into()).ok()?.dyn_into().ok()
}

/// What this page is made of, by which a version is told from another.
fn files() -> Array {
    let program = document().query_selector("script[type=module]").ok().flatten();
    let program = program.and_then(|script| script.get_attribute("src"));
    let chip = document().body().and_then(|body| body.dataset().get("chip"));
    program.into_iter().chain(chip).map(JsValue::from).collect()
}

async fn register(next: State) -> Result<(), JsValue> {
    let container = container().ok_or("no service workers here")?;
    let registration = JsFuture::from(container.register(PATH)).await?;
    let registration: ServiceWorkerRegistration = registration.dyn_into()?;
    if container.controller().is_none() {
        // The first one there ever was is no new version.
        return Ok(());
    }
    let said = Closure::<dyn Fn(MessageEvent)>::new({
        let registration = registration.clone();
        move |_: MessageEvent| {
            if let Some(worker) = registration.waiting() {
                next.try_set(Next::Waits(worker));
            }
        }
    });
    container.set_onmessage(Some(said.into_js_value().unchecked_ref()));
    if let Some(worker) = registration.waiting() {
        worker.post_message(&files())?;
    }
    let found = Closure::<dyn Fn()>::new({
        let registration = registration.clone();
        move || {
            let Some(worker) = registration.installing() else { return };
            let installed = worker.clone();
            let changed = Closure::<dyn Fn()>::new(move || {
                if installed.state() == ServiceWorkerState::Installed {
                    // One that is gone has nothing to say.
                    drop(installed.post_message(&files()));
                }
            });
            worker.set_onstatechange(Some(changed.into_js_value().unchecked_ref()));
        }
    });
    registration.set_onupdatefound(Some(found.into_js_value().unchecked_ref()));

    // What another tab has asked for is no reason to disturb this one.
    let changed = Closure::<dyn Fn()>::new(move || {
        if next.try_with_untracked(|next| matches!(next, Next::Wanted)).unwrap_or_default() {
            reload();
        }
    });
    container.set_oncontrollerchange(Some(changed.into_js_value().unchecked_ref()));

    // A tab that is open for days asks when somebody comes back to it.
    let seen = Closure::<dyn Fn()>::new(move || {
        if !document().hidden()
            && let Ok(asked) = registration.update()
        {
            spawn_local(async move {
                // Without a network there is nothing new.
                let _ = JsFuture::from(asked).await;
            });
        }
    });
    document().add_event_listener_with_callback("visibilitychange", seen.into_js_value().unchecked_ref())
}
