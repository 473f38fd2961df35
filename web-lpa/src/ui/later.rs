//! What a first visit does without: its program is a module of its own, which `cargo xtask build`
//! takes out of the page's (`wasm_split`), and which comes when the first of it is opened.
//!
//! A new part needs a variant of [`Part`] and an arm in [`view_of`], a procedure one of [`Act`] and an
//! arm in [`begin`]; it is not named anywhere else, or its program is in the page's module all the same.

#![allow(unsafe_code, reason = "the macro names what stands on both sides of the cut")]

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context as Polling, Poll, Waker};

use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
#[cfg(not(test))]
use leptos::wasm_split::wasm_split;
use rsp::TransactionId;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::phone::App;
use super::phone::add::Add;
use super::phone::add::scanner::{Scanner, Sight};
use super::phone::roads::Roads;
use super::shell::View;
use super::{Context, bench, chip, context, network, operator, phone, trace};
use crate::model::{Model, Notice, Slot, Task};
use crate::phone::Phone;

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
    /// What servers do not know of downloads that were given up.
    Untold,
}

/// What is done seldom, and not to begin with: the procedure of it comes later too.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// What waits for a chip at an SM-DS is looked for.
    Discover,
    /// What waits at the chip's default SM-DP+ is downloaded.
    DownloadDefault,
    /// What an SM-DS told of is downloaded.
    DownloadEvent(lpa::Event),
    /// The default SM-DP+ is set.
    SetDefault(String),
    /// A server is asked who it is.
    CheckServer(String),
    /// The chip's memory is reset.
    MemoryReset(u32),
    /// A notification is sent.
    Send(u32),
    /// A notification is removed.
    Remove(u32),
    /// A server is told that a download was given up.
    Tell(TransactionId),
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

#[cfg(not(test))]
#[wasm_split(later, wasm_split_path = leptos::wasm_split, fallible)]
fn done(model: Model, phone: Phone, slot: Slot, act: Act) -> Result<(), SplitLoaderError> {
    begin(model, phone, slot, act);
    Ok(())
}

#[cfg(test)]
async fn done(model: Model, phone: Phone, slot: Slot, act: Act) -> Result<(), SplitLoaderError> {
    begin(model, phone, slot, act);
    Ok(())
}

fn begin(model: Model, phone: Phone, slot: Slot, act: Act) {
    // What is done takes the place of the way to it at once.
    model.task.set(None);
    match act {
        Act::Discover => phone.discover(slot, model.smds.get_untracked()),
        Act::DownloadDefault => phone.download_default(slot),
        Act::DownloadEvent(event) => phone.download_event(slot, event),
        Act::SetDefault(address) => phone.set_default_smdp(slot, address),
        Act::CheckServer(address) => phone.check_server(slot, address),
        Act::MemoryReset(what) => phone.memory_reset(slot, what),
        Act::Send(number) => phone.send_notification(slot, number),
        Act::Remove(number) => phone.remove_notification(slot, number),
        Act::Tell(id) => phone.send_cancellation(id),
    }
}

/// Does something to the chip whose device is shown, as soon as its program is here.
pub(super) fn act(Context { model, phone, .. }: Context, act: Act) {
    // On its way already, or the phone is at something else.
    if model.task.with_untracked(Option::is_some) {
        return;
    }
    let slot = model.slot.get_untracked();
    model.task.set(Some(Task::new(LOADING)));
    spawn_local(async move {
        if done(model, phone, slot, act).await.is_ok() {
            IS_HERE.set(true);
            return;
        }
        model.task.set(None);
        model.notice.set(Some(Notice {
            good: false,
            what: MISSING.owned(),
            advice: Text::new("Try it again with a network.", "ネットワークに接続してやり直してください。")
                .owned(),
            codes: Text::default(),
            switch_to: None,
        }));
    });
}

const LOADING: Text = Text::new("Loading…", "読み込んでいます…");
const MISSING: Text =
    Text::new("This part of the page can’t be loaded now.", "ページのこの部分を読み込めません。");

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
        Part::Untold => view! { <phone::untold::Untold/> }.into_any(),
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
            view! { <p class="empty" role="status">{say.of(LOADING)}</p> }
                .into_any()
        }
        Module::Here => at_once(part).into_any(),
        Module::Missing => view! {
            <div class="banner" role="alert">
                <strong>{say.of(MISSING)}</strong>
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
