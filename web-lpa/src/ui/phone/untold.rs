//! What servers do not know of downloads that were given up.

use leptos::prelude::*;
use lpa::Cancellation;
use wasm_bindgen::JsValue;
use words::{Text, text};

use super::super::later::{self, Act};
use super::super::modal::Modal;
use super::super::{Context, context};

/// Downloads that were given up, where the server does not know it yet.
#[component]
pub(in crate::ui) fn Untold() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let list = move || {
        model
            .untold
            .with(|untold| untold.iter().flat_map(|untold| untold.iter().cloned()).collect::<Vec<_>>())
    };
    // The one that is to be forgotten, if the person means it.
    let doomed = RwSignal::new(None::<Cancellation>);
    let keep = move || doomed.set(None);
    view! {
        <h4 id="untold-title">{say.of(Text::new("Servers that do not know yet", "まだ知らないサーバー"))}</h4>
        <p class="help">{say.of(Text::new(
            "These downloads were given up. The operator’s server is told by itself as soon as that is possible.",
            "取りやめたダウンロードです。可能になりしだい、事業者のサーバーに自動で知らせます。",
        ))}</p>
        <ul class="untold" aria-labelledby="untold-title">
            <For
                each=list
                key=|one| (one.transaction_id().clone(), one.needs_chip())
                children=move |one| view! { <Given one doomed/> }
            />
        </ul>
        <Modal
            open=Signal::derive(move || doomed.with(Option::is_some))
            on_cancel=keep
            label=Text::new("Forget what was not told?", "未通知の取りやめを破棄しますか？")
        >
            {move || doomed.get().map(|one| {
                let id = one.transaction_id().clone();
                let forget = move |_| {
                    phone.forget_untold(id.clone());
                    keep();
                };
                view! {
                    <h2>{say.of(Text::new("Forget it?", "破棄しますか？"))}</h2>
                    <p>{say.of(warning(&one))}</p>
                    <div class="actions">
                        <button type="button" autofocus on:click=move |_| keep()>{say.of(Text::new("Keep it", "残す"))}</button>
                        <button type="button" class="danger solid" on:click=forget>{say.of(Text::new("Forget", "破棄"))}</button>
                    </div>
                }
            })}
        </Modal>
    }
}

/// What follows when a server is never told.
fn warning(one: &Cancellation) -> Text<String> {
    let address = one.address();
    match one.ends_order() {
        true => text!(
            "{address} will never learn that this download was refused. The order stays open there: whoever has its code can use it, until the operator takes it back.",
            "{address} には、このダウンロードを断ったことが伝わりません。注文は残り、事業者が取り消すまでコードを持つ人が使えます。"
        ),
        false => text!(
            "{address} will not be told why this download ended. The order stays as it is, and the server ends the session by itself.",
            "{address} には、このダウンロードが終わった理由が伝わりません。注文はそのまま残り、セッションはサーバー側で自動的に終了します。"
        ),
    }
}

/// One that was given up.
#[component]
fn Given(one: Cancellation, doomed: RwSignal<Option<Cancellation>>) -> impl IntoView {
    let here = context();
    let Context { model, phone, say, .. } = here;
    let address = one.address().to_owned();
    let why = lpa::cancel_words(one.reason());
    let what =
        Text::new(format!("Download given up: {}", why.en), format!("ダウンロードの取りやめ: {}", why.ja));
    let since = one.since();
    let since = move || {
        let language = say.language().tag();
        since.map(|since| {
            let date = js_sys::Date::new(&(since as f64 * 1000.0).into());
            let when = String::from(date.to_locale_string(language, &JsValue::UNDEFINED));
            say.now(text!("since {when}", "{when} から"))
        })
    };
    let signer = {
        let one = one.clone();
        Memo::new(move |_| phone.signer(&one))
    };
    let needs_chip = one.needs_chip();
    let state = move || {
        say.now(match (needs_chip, signer.get()) {
            (false, _) => Text::new("waits for the server", "サーバーへの通知待ち"),
            (true, Some(_)) => Text::new("waits for the chip to sign it", "チップの署名待ち"),
            (true, None) => Text::new(
                "waits for the card that has to sign it: put it back",
                "署名するカードを待っています。カードを戻してください",
            ),
        })
    };
    let one = StoredValue::new(one);
    let id = move || one.with_value(|one| one.transaction_id().clone());
    let (send, forget) = (
        text!("Tell {address} again", "{address} にもう一度知らせる"),
        text!("Forget what {address} does not know", "{address} への未通知を破棄"),
    );
    view! {
        <li class="waiting">
            <span class="event">{say.of(what)}</span>
            <span class="to">{address}</span>
            <span class="since">{since}</span>
            <span class="state">{state}</span>
            <span class="acts">
                <button
                    type="button"
                    class="quiet"
                    aria-label=say.of(send)
                    disabled=move || model.task.with(Option::is_some) || signer.get().is_none()
                    on:click=move |_| later::act(here, Act::Tell(id()))
                >{say.of(Text::new("Send again", "再送信"))}</button>
                <button
                    type="button"
                    class="quiet danger"
                    aria-label=say.of(forget)
                    disabled=move || model.task.with(Option::is_some)
                    on:click=move |_| doomed.set(Some(one.get_value()))
                >{say.of(Text::new("Forget", "破棄"))}</button>
            </span>
        </li>
    }
}
