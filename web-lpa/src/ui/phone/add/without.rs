//! Adding an eSIM without a code: what the chip's default SM-DP+ or the SM-DS has for it; and
//! letting the browser bring links here.

use js_sys::Reflect;
use leptos::prelude::*;
use words::{Text, text};

use super::super::super::later::{self, Act};
use super::super::super::{Context, context};
use crate::code::link::HANDLER;
use crate::code::scan::safe;
use crate::model::Notice;
use crate::transport::chip::{ChipState, words};

/// The ways without a code.
#[component]
pub(super) fn WithoutCode() -> impl IntoView {
    let here = context();
    let Context { model, say, .. } = here;
    let busy = move || model.task.with(Option::is_some) || !model.shown_chip().state.with(ChipState::answers);
    let default = Memo::new(move |_| {
        let address =
            model.shown_chip().info.with(|info| info.as_ref()?.addresses.default_dp_address.clone());
        address.filter(|address| !address.is_empty())
    });
    let root = Memo::new(move |_| {
        let address = model
            .shown_chip()
            .info
            .with(|info| info.as_ref().map(|info| info.addresses.root_ds_address.clone()));
        address.filter(|address| !address.is_empty())
    });
    let default_words = move || match default.get() {
        Some(address) => {
            let address = safe(&address);
            text!(
                "Asks {address}, which this chip has set.",
                "チップに設定された {address} に問い合わせます。"
            )
        }
        None => Text::new(
            "This chip has no default server set.",
            "このチップには既定のサーバーが設定されていません。",
        )
        .owned(),
    };
    let root_words = move || match root.get() {
        Some(address) => {
            let address = safe(&address);
            text!(
                "Asks {address} what is announced for this chip’s EID.",
                "このチップの EID 宛てのものがあるか、{address} に問い合わせます。"
            )
        }
        None => Text::new(
            "This chip has no discovery server set.",
            "このチップにはディスカバリーサーバーが設定されていません。",
        )
        .owned(),
    };
    let events = move || {
        let events = model.shown_chip().events.get().unwrap_or_default();
        (!events.is_empty()).then(|| {
            let rows = events.into_iter().map(|event| {
                let shown = safe(&event.address);
                view! {
                    <li>
                        <span class="server">{shown}</span>
                        <button type="button" class="primary" disabled=busy on:click=move |_| {
                            later::act(here, Act::DownloadEvent(event.clone()));
                        }>{say.of(Text::new("Add", "追加"))}</button>
                    </li>
                }
            });
            view! {
                <div class="waits" data-testid="events">
                    <p>{say.of(Text::new("These servers have something for this chip:", "このチップ宛てのものがあるサーバー:"))}</p>
                    <ul>{rows.collect_view()}</ul>
                </div>
            }
        })
    };
    view! {
        <details class="without">
            <summary>{say.of(Text::new("Without a code", "コードがない場合"))}</summary>
            <div class="way">
                <button
                    type="button"
                    aria-describedby="default-words"
                    disabled=move || busy() || default.with(Option::is_none)
                    on:click=move |_| later::act(here, Act::DownloadDefault)
                >{say.of(Text::new("Ask the default server", "既定のサーバーに問い合わせる"))}</button>
                <p id="default-words" class="help"><bdi>{move || say.now(default_words())}</bdi></p>
            </div>
            <div class="way">
                <button
                    type="button"
                    aria-describedby="discovery-words"
                    disabled=move || busy() || root.with(Option::is_none)
                    on:click=move |_| later::act(here, Act::Discover)
                >{say.of(Text::new("Look for what waits for me", "届いているものを探す"))}</button>
                <p id="discovery-words" class="help"><bdi>{move || say.now(root_words())}</bdi></p>
            </div>
            {can_register().then(|| view! {
                <div class="way">
                    <button type="button" aria-describedby="links-words" on:click=move |_| {
                        model.notice.set(Some(register()));
                    }>{say.of(Text::new("Open web+lpa: links here", "web+lpa: リンクをここで開く"))}</button>
                    <p id="links-words" class="help">{say.of(Text::new(
                        "The browser then brings the codes of such links to this page. It asks you first.",
                        "このようなリンクのコードを、ブラウザーがこのページに渡すようになります。先にブラウザーが確認を求めます。",
                    ))}</p>
                </div>
            })}
        </details>
        {events}
    }
}

fn can_register() -> bool {
    let navigator = web_sys::window().map(|window| window.navigator());
    navigator.is_some_and(|navigator| {
        Reflect::has(&navigator, &"registerProtocolHandler".into()).unwrap_or_default()
    })
}

/// Asks the browser to bring links of that kind here.
fn register() -> Notice {
    let asked = web_sys::window().ok_or_else(|| "there is no window".to_owned()).and_then(|window| {
        let origin = window.location().origin().map_err(|error| words(&error))?;
        let url = format!("{origin}/{HANDLER}");
        window
            .navigator()
            .register_protocol_handler("web+lpa", &url, "eSIM laboratory")
            .map_err(|error| words(&error))
    });
    match asked {
        Ok(()) => Notice::good(
            Text::new(
                "The browser was asked to bring web+lpa: links here.",
                "web+lpa: リンクをこのページで開くよう、ブラウザーに依頼しました。",
            ),
            Text::new(
                "It may ask you to allow it. A code that comes so waits for you, like any other.",
                "ブラウザーが許可を求めることがあります。届いたコードは、ほかと同じように確認を待ちます。",
            ),
        ),
        Err(because) => Notice {
            good: false,
            ..Notice::good(
                text!(
                    "The browser does not allow it: {because}.",
                    "ブラウザーが許可しませんでした: {because}。"
                ),
                Text::new(
                    "Copy the link and paste it here instead.",
                    "代わりに、リンクをコピーしてここに貼り付けてください。",
                ),
            )
        },
    }
}
