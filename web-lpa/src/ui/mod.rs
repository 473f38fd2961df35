//! The page. It only renders: what is shown is the model, what is done the phone does.

#![allow(unreachable_pub, reason = "the component macro makes its props public")]

mod bench;
mod chip;
mod digits;
mod file;
mod guide;
mod icons;
mod later;
mod modal;
mod network;
mod operator;
mod parties;
mod phone;
pub(crate) mod preference;
pub(crate) mod say;
mod shell;
mod trace;
mod update;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use words::{Text, text};

use self::say::Say;
use self::shell::View;
use crate::bench::Bench;
use crate::model::{Model, Slot};
use crate::phone::Phone;
use crate::transport::chip::ChipState;

/// Puts the application into the page.
pub(crate) fn mount() {
    let page = document();
    let Some(place) = page.get_element_by_id("app").and_then(|place| place.dyn_into().ok()) else { return };
    let place: web_sys::HtmlElement = place;
    place.set_inner_html("");
    mount_to(place, App).forget();
}

/// The handles that every part of the page needs.
#[derive(Clone, Copy)]
struct Context {
    model: Model,
    phone: Phone,
    /// What is done to messages on their way.
    bench: Bench,
    say: Say,
    /// The view that is shown.
    view: RwSignal<View>,
    /// Whether numbers that name a person or a chip are hidden.
    hidden: RwSignal<bool>,
}

fn context() -> Context {
    expect_context()
}

/// Shows the phone, wherever the person is.
pub(crate) fn show_phone() {
    View::Phone.go();
}

#[component]
fn App() -> impl IntoView {
    let model = Model::new();
    let bench = Bench::new();
    let phone = Phone::new(model, bench);
    let (say, view, hidden) = (Say::new(), shell::follow_address(), shell::hides());
    provide_context(Context { model, phone, bench, say, view, hidden });
    trace::provide();
    let worker = document().body().and_then(|body| body.dataset().get("chip")).unwrap_or_default();
    bench.observe(model);
    phone.start(&worker);
    view! {
        <shell::Top/>
        <main data-view=move || view.get().fragment()>
            <update::Update/>
            <ChipBanner/>
            <bench::HeldBanner/>
            <parties::Parties/>
            <parties::Steps/>
            <div class="desk">
                <phone::Phone/>
                <div class="right">
                    <shell::Navigation/>
                    <div class="view">
                        {move || match view.get() {
                            View::Phone => view! { <guide::Guide/> }.into_any(),
                            other => later::shown(later::Part::View(other)),
                        }}
                    </div>
                </div>
            </div>
        </main>
        <footer>
            <p>{say.of(Text::new(
                "Not a certified eUICC. Certificates come from a test issuer made for this site; no commercial operator trusts them.",
                "認定された eUICC ではありません。証明書はこのサイト用の試験発行者によるもので、商用の事業者には信頼されません。",
            ))}</p>
        </footer>
        <phone::questions::Questions/>
    }
}

/// Tells when a chip is not as it should be.
#[component]
fn ChipBanner() -> impl IntoView {
    Slot::ALL.map(|device| view! { <DeviceBanner device/> }).into_iter().collect_view()
}

#[component]
fn DeviceBanner(device: Slot) -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let watch = device == Slot::Watch;
    move || {
        let state = model.chip(device).state.get();
        let stopped = matches!(state, ChipState::Broken(_));
        let (title, words) = match state {
            ChipState::Absent | ChipState::Starting | ChipState::Durable(_) => return None,
            ChipState::Volatile(because) => (
                Text::new(
                    "This chip forgets everything when the page is closed.",
                    "このチップは、ページを閉じるとすべてを忘れます。",
                ),
                text!(
                    "{because} To keep profiles, use a window that is not private, or another browser.",
                    "{because} プロファイルを残すには、プライベートではないウィンドウか別のブラウザーを使ってください。"
                ),
            ),
            ChipState::Elsewhere => (
                Text::new("The chip is in use in another tab.", "チップは別のタブで使われています。"),
                Text::new(
                    "A chip sits in one phone at a time. Close the other tab: the chip then comes here by itself.",
                    "チップは一度に一台の電話にしか入りません。もう一方のタブを閉じると、自動的にこちらへ移ります。",
                )
                .owned(),
            ),
            ChipState::Unreadable(because) => (
                Text::new("The chip’s memory can’t be read.", "チップのメモリーを読めません。"),
                text!(
                    "Nothing in it was changed. To go on, press “New chip” in the view Chip; the profiles on this one are then lost. ({because})",
                    "中身は何も変更していません。続けるには「チップ」の表示で「新しいチップ」を押してください。このチップのプロファイルは失われます。({because})"
                ),
            ),
            ChipState::Broken(because) => (
                Text::new("The chip does not answer.", "チップが応答しません。"),
                text!(
                    "Its program has stopped; what it had stored is still there. Power it on again. If that does not help, close other tabs of this site. ({because})",
                    "チップのプログラムが停止しました。保存済みの内容は残っています。電源を入れ直してください。直らないときは、このサイトのほかのタブを閉じてください。({because})"
                ),
            ),
        };
        let title = if watch {
            Text::new(format!("Watch: {}", title.en), format!("時計: {}", title.ja))
        } else {
            title.owned()
        };
        Some(view! {
            <div class="banner" role="alert" data-device=device.word()>
                <strong>{say.of(title)}</strong>
                <span>{say.of(words)}</span>
                {stopped.then(|| view! {
                    <button type="button" on:click=move |_| phone.start_again(device)>
                        {say.of(Text::new("Power on again", "電源を入れ直す"))}
                    </button>
                })}
            </div>
        })
    }
}
