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
#[cfg(test)]
mod tests;
mod trace;
mod update;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use words::Text;

use self::say::Say;
use self::shell::View;
use crate::bench::Bench;
use crate::model::{Model, Slot};
use crate::phone::Phone;
use crate::said;
use crate::settings::Settings;
use crate::transport::chip::ChipState;

/// Puts the application into the page.
#[cfg_attr(test, expect(dead_code, reason = "tests mount its parts"))]
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

/// Longest APN (3GPP TS 23.003 §9.1).
const MAX_APN: usize = 100;

fn context() -> Context {
    expect_context()
}

/// Makes the handles, for everything that is shown from here on.
fn provide() -> Context {
    let model = Model::new();
    let bench = Bench::new();
    let phone = Phone::new(model, bench);
    let (say, view, hidden) = (Say::new(), shell::follow_address(), RwSignal::new(true));
    let capabilities = model.device.with_untracked(|device| device.capabilities);
    let kept = preference::read(preference::SETTINGS);
    if let Some(kept) = kept.and_then(|kept| Settings::kept(&kept, capabilities)) {
        model.device.set(kept.device);
        model.options.set(kept.options);
        model.smds.set(kept.smds);
    }
    keep_choices(model, phone);
    let context = Context { model, phone, bench, say, view, hidden };
    provide_context(context);
    trace::provide();
    context
}

/// Takes up what was chosen before of the APN and of signatures, and keeps what is chosen from now on.
fn keep_choices(model: Model, phone: Phone) {
    let signs = phone.signs();
    // Of what somebody else has written there, no more than an APN can be.
    if let Some(apn) = preference::read(preference::APN).filter(|apn| apn.len() <= MAX_APN) {
        model.apn.set(apn);
    }
    signs.set(preference::read(preference::SIGNS).as_deref() != Some("no"));
    Effect::new(move |_| preference::write(preference::APN, &model.apn.get()));
    Effect::new(move |_| preference::write(preference::SIGNS, if signs.get() { "yes" } else { "no" }));
}

/// Shows the phone, wherever the person is.
pub(crate) fn show_phone() {
    View::Phone.go();
}

#[component]
fn App() -> impl IntoView {
    let Context { model, phone, bench, .. } = provide();
    let worker = document().body().and_then(|body| body.dataset().get("chip")).unwrap_or_default();
    bench.observe(model);
    phone.start(&worker);
    view! { <Everything/> }
}

/// All that can be seen.
#[component]
fn Everything() -> impl IntoView {
    let Context { say, view, .. } = context();
    view! {
        <shell::Top/>
        <main data-view=move || view.get().fragment()>
            <update::Update/>
            <ChipBanner/>
            <OwnChipBanner/>
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

/// A clause as a sentence of its own.
fn sentence(clause: &Text<String>) -> Text<String> {
    Text::new(phone::sentence(&clause.en) + ".", format!("{}。", clause.ja))
}

/// Tells that the chip in the phone is not the person's own, which is kept.
#[component]
fn OwnChipBanner() -> impl IntoView {
    let Context { model, phone, bench, say, .. } = context();
    let letting_go = RwSignal::new(false);
    let busy = move || model.task.with(Option::is_some);
    let shown = move || {
        bench.own.with(Option::is_some) && bench.run.with(|run| run.as_ref().is_none_or(|run| run.is_over()))
    };
    view! {
        <Show when=shown>
            <div class="banner" role="status" data-testid="own-chip">
                <strong>{say.of(Text::new("A chip of the bench is in the phone.", "電話には実験台のチップが入っています。"))}</strong>
                <span>{say.of(Text::new(
                    "Your own one is kept in this browser, with its profiles.",
                    "自分のチップは、プロファイルとともにこのブラウザーに控えてあります。",
                ))}</span>
                <button type="button" disabled=busy on:click=move |_| phone.put_own_chip_back()>
                    {say.of(Text::new("Put my chip back", "自分のチップに戻す"))}
                </button>
                <button type="button" class="quiet danger" disabled=busy on:click=move |_| letting_go.set(true)>
                    {say.of(Text::new("Give my chip up", "自分のチップを手放す"))}
                </button>
            </div>
        </Show>
        <modal::Modal
            open=Signal::from(letting_go)
            on_cancel=move || letting_go.set(false)
            label=Text::new("Give the kept chip up", "控えたチップを手放す")
        >
            <h2>{say.of(Text::new("Give your own chip up?", "自分のチップを手放しますか？"))}</h2>
            <p>{say.of(Text::new(
                "The chip in the phone is yours from then on. All profiles on the kept one are lost; codes that were used are not valid again.",
                "これからは電話に入っているチップが自分のチップになります。控えたチップのプロファイルはすべて失われ、使用済みのコードは二度と使えません。",
            ))}</p>
            <div class="actions">
                <button type="button" on:click=move |_| letting_go.set(false)>{say.of(Text::new("Keep it", "残す"))}</button>
                <button
                    type="button"
                    class="danger solid"
                    on:click=move |_| {
                        letting_go.set(false);
                        wasm_bindgen_futures::spawn_local(async move { phone.forget_own_chip().await });
                    }
                >{say.of(Text::new("Give it up", "手放す"))}</button>
            </div>
        </modal::Modal>
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
    move || {
        let state = model.chip(device).state.get();
        let stopped = matches!(state, ChipState::Broken(_));
        let (title, words) = match state {
            ChipState::Absent | ChipState::Starting | ChipState::Durable(_) | ChipState::Real(_) => return None,
            ChipState::Out(place) => match model.unusable.get() {
                // It was put back.
                Some(trouble) => (
                    Text::new("The card can’t be used.", "カードを使用できません。"),
                    trouble.what.with(trouble.advice).with(
                        Text::new(
                            "Take it out and put it in again, or choose it anew under “Use a real card”. Nothing on it is lost.",
                            "抜いて挿し直すか、「実物のカードを使う」からもう一度選んでください。カードの内容は失われていません。",
                        )
                        .owned(),
                    ),
                ),
                None => {
                    let (what, next) = model.gone.get().words(&place);
                    let kept = Text::new(
                        "Nothing on the card is lost.",
                        "カードの内容は失われていません。",
                    );
                    (what, next.with(kept.owned()))
                }
            },
            ChipState::Volatile(because) => (
                Text::new(
                    "This chip forgets everything when the page is closed.",
                    "このチップは、ページを閉じるとすべてを忘れます。",
                ),
                sentence(&said::notes(&because)).with(
                    Text::new(
                        "To keep profiles, use a window that is not private, or another browser.",
                        "プロファイルを残すには、プライベートではないウィンドウか別のブラウザーを使ってください。",
                    )
                    .owned(),
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
                said::within(
                    Text::new(
                        "Nothing in it was changed. To go on, press “New chip” in the view Chip; the profiles on this one are then lost. ({})",
                        "中身は何も変更していません。続けるには「チップ」の表示で「新しいチップ」を押してください。このチップのプロファイルは失われます。({})",
                    ),
                    &because,
                ),
            ),
            ChipState::Broken(because) => (
                Text::new("The chip does not answer.", "チップが応答しません。"),
                said::within(
                    Text::new(
                        "Its program has stopped; what it had stored is still there. Power it on again. If that does not help, close other tabs of this site. ({})",
                        "チップのプログラムが停止しました。保存済みの内容は残っています。電源を入れ直してください。直らないときは、このサイトのほかのタブを閉じてください。({})",
                    ),
                    &because,
                ),
            ),
        };
        let title = match device {
            Slot::Phone | Slot::Card => title.owned(),
            Slot::Watch => Text::new(format!("Watch: {}", title.en), format!("時計: {}", title.ja)),
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
