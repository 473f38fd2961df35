//! What a first visit does without: its program is a module of its own, which `cargo xtask build`
//! takes out of the page's (`wasm_split`), and which comes when the first of it is opened.
//!
//! A new part needs a variant of [`Part`] and an arm in [`made`]; it is not named anywhere else,
//! or its program is in the page's module all the same.

#![allow(unsafe_code, reason = "the macro names what stands on both sides of the cut")]

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context as Polling, Poll, Waker};

use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
#[cfg(not(test))]
use leptos::wasm_split::wasm_split;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::phone::App;
use super::phone::add::Add;
use super::phone::add::scanner::{Scanner, Sight};
use super::phone::roads::Roads;
use super::shell::View;
use super::{bench, chip, context, network, operator, phone, trace};

thread_local! {
    static IS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// What comes later.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// A view beside the phone.
    View(View),
    /// An app of the phone.
    App(App),
    /// The camera that looks for a code.
    Scanner(Sight),
    /// The roads to a real card, and their machines.
    Roads(RwSignal<bool>),
    /// The fields of an activation code, one by one.
    InParts(Add),
}

/// How far the module is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Module {
    OnItsWay,
    Here,
    Missing,
}

/// What is called in the module: everything that only this reaches is in it.
#[cfg(not(test))]
#[wasm_split(later, wasm_split_path = leptos::wasm_split, fallible, preload(come))]
fn made(part: Part) -> Result<AnyView, SplitLoaderError> {
    Ok(view_of(part))
}

/// Tests are one module, which nobody takes apart.
#[cfg(test)]
async fn made(part: Part) -> Result<AnyView, SplitLoaderError> {
    Ok(view_of(part))
}

#[cfg(test)]
async fn come() -> Result<(), SplitLoaderError> {
    Ok(())
}

fn view_of(part: Part) -> AnyView {
    // What looks at messages is here, and so are the tables that answers are read by.
    context().model.record.judge(::trace::refusal);
    match part {
        Part::View(View::Trace) => view! { <trace::Messages/> }.into_any(),
        Part::View(View::Chip) => view! { <chip::Chip/> }.into_any(),
        Part::View(View::Operator) => view! { <operator::Operator/> }.into_any(),
        Part::View(View::Network) => view! { <network::Network/> }.into_any(),
        Part::View(View::Bench) => view! { <bench::Bench/> }.into_any(),
        Part::App(App::Dialer) => view! { <phone::apps::Dialer/> }.into_any(),
        Part::App(App::Messages) => view! { <phone::apps::Messages/> }.into_any(),
        Part::App(App::Browser) => view! { <phone::apps::Browser/> }.into_any(),
        Part::App(App::Settings) => view! { <phone::apps::Settings/> }.into_any(),
        Part::Scanner(sight) => view! { <Scanner sight/> }.into_any(),
        Part::Roads(open) => view! { <Roads open/> }.into_any(),
        Part::InParts(add) => phone::add::parts(add).into_any(),
        // They are in the page's own module.
        Part::View(View::Phone) | Part::App(App::Esim) => ().into_any(),
    }
}

/// A part; until its program is here, a word about that.
pub(super) fn shown(part: Part) -> AnyView {
    // Without a blink, where it is here already.
    if let Some(made) = at_once(part) {
        return made;
    }
    let say = context().say;
    let module = RwSignal::new(Module::OnItsWay);
    let load = move || {
        module.set(Module::OnItsWay);
        spawn_local(async move {
            let loaded = come().await.is_ok();
            IS_HERE.set(loaded);
            // Something else may be shown by now.
            let _ = module.try_set(if loaded { Module::Here } else { Module::Missing });
        });
    };
    load();
    let state = move || {
        match module.get() {
        Module::OnItsWay => {
            view! { <p class="empty" role="status">{say.of(Text::new("Loading…", "読み込んでいます…"))}</p> }
                .into_any()
        }
        Module::Here => at_once(part).into_any(),
        Module::Missing => view! {
            <div class="banner" role="alert">
                <strong>{say.of(Text::new("This part of the page can’t be loaded now.", "ページのこの部分を読み込めません。"))}</strong>
                <button type="button" on:click=move |_| load()>{say.of(Text::new("Try again", "もう一度試す"))}</button>
            </div>
        }
        .into_any(),
    }
    };
    state.into_any()
}

/// A part whose program is here: what the macro made asynchronous then waits for nothing.
fn at_once(part: Part) -> Option<AnyView> {
    if !IS_HERE.get() {
        return None;
    }
    match pin!(made(part)).poll(&mut Polling::from_waker(Waker::noop())) {
        Poll::Ready(made) => made.ok(),
        Poll::Pending => None,
    }
}
