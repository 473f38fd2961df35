//! What waits for a chip, and what is done to it as a whole.

use leptos::prelude::*;
use rsp::profiles::MemoryResetRequest;
use words::{Text, text};

use super::super::digits::shown;
use super::super::later::{self, Act};
use super::super::{Context, context};
use crate::code::scan::safe;
use crate::transport::chip::ChipState;

/// What waits for the chip at an SM-DS or at its default SM-DP+.
#[component]
pub(super) fn Waiting() -> impl IntoView {
    let here = context();
    let Context { model, say, .. } = here;
    let busy = move || model.task.with(Option::is_some) || !model.shown_chip().state.with(ChipState::answers);
    let default = move || {
        let info = model.shown_chip().info;
        info.with(|info| info.as_ref().and_then(|info| info.addresses.default_dp_address.clone()))
            .filter(|address| !address.is_empty())
            .map(|address| safe(&address))
    };
    let smds = Memo::new(move |_| {
        // The one of the settings goes before the chip's own, which may have none.
        let root = || {
            let info = model.shown_chip().info;
            info.with(|info| info.as_ref().map(|info| info.addresses.root_ds_address.clone()))
        };
        model.smds.get().or_else(root).filter(|address| !address.is_empty())
    });
    let who = move || match smds.get() {
        Some(address) => {
            let address = safe(&address);
            text!(
                "Asks {address} what is announced for this chip’s EID.",
                "このチップの EID 宛てのものがあるか、{address} に問い合わせます。"
            )
        }
        None => Text::new(
            "This chip has no discovery server set; the phone’s settings can name one.",
            "このチップにはディスカバリーサーバーが設定されていません。端末の設定で指定できます。",
        )
        .owned(),
    };
    let events = move || {
        let list = model.shown_chip().events.get()?;
        if list.is_empty() {
            return Some(
                view! {
                    <p class="empty">{say.of(Text::new("Nothing waits for this chip.", "このチップ宛てのものはありません。"))}</p>
                }
                .into_any(),
            );
        }
        let items = list.into_iter().map(|event| {
            let (address, id) = (safe(&event.address), event.event_id.to_string());
            let label = text!("Download from {}", "{} からダウンロード", safe(&event.address));
            view! {
                <li>
                    <span class="to">{address}</span>
                    <span class="iccid">{move || shown(&id)}</span>
                    <button
                        type="button"
                        aria-label=say.of(label)
                        disabled=busy
                        on:click=move |_| later::act(here, Act::DownloadEvent(event.clone()))
                    >{say.of(Text::new("Download", "ダウンロード"))}</button>
                </li>
            }
        });
        Some(
            view! {
                <ul class="events" aria-label=say.of(Text::new("Profiles that wait", "待機中のプロファイル"))>
                    {items.collect_view()}
                </ul>
            }
            .into_any(),
        )
    };
    view! {
        <div class="waits">
            <button
                type="button"
                aria-describedby="smds-asked"
                disabled=move || busy() || smds.with(Option::is_none)
                on:click=move |_| later::act(here, Act::Discover)
            >{say.of(Text::new("Look for waiting eSIMs", "届いている eSIM を確認"))}</button>
            {move || default().map(|address| {
                let label = text!("Ask {address}", "{address} に確認");
                view! {
                    <button
                        type="button"
                        class="quiet"
                        disabled=busy
                        on:click=move |_| later::act(here, Act::DownloadDefault)
                    >{say.of(label)}</button>
                }
            })}
            <p id="smds-asked" class="help"><bdi>{move || say.now(who())}</bdi></p>
            {events}
        </div>
    }
}

/// The default server, and the resets.
#[component]
pub(super) fn Housekeeping() -> impl IntoView {
    let here = context();
    let Context { model, say, .. } = here;
    let busy = move || model.task.with(Option::is_some) || !model.shown_chip().state.with(ChipState::answers);
    let address = RwSignal::new(String::new());
    Effect::new(move |_| {
        let kept = model.shown_chip().info.with(|info| {
            info.as_ref().and_then(|info| info.addresses.default_dp_address.clone()).unwrap_or_default()
        });
        address.set(kept);
    });
    let typed = move || address.with(|address| address.trim().to_owned());
    let set = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        later::act(here, Act::SetDefault(typed()));
    };
    let reset = |bits: u32, words: Text| {
        view! {
            <button
                type="button"
                class="danger"
                disabled=busy
                on:click=move |_| later::act(here, Act::MemoryReset(bits))
            >{say.of(words)}</button>
        }
    };
    const TEST: u32 = MemoryResetRequest::FIELD_LOADED_TEST_PROFILES;
    const ALL: u32 = MemoryResetRequest::OPERATIONAL_PROFILES
        | MemoryResetRequest::FIELD_LOADED_TEST_PROFILES
        | MemoryResetRequest::DEFAULT_SMDP_ADDRESS;
    view! {
        <details class="housekeeping">
            <summary>{say.of(Text::new("Server and resets", "サーバーとリセット"))}</summary>
            <form on:submit=set>
                <label>
                    {say.of(Text::new("Default SM-DP+", "既定の SM-DP+"))}
                    <input
                        type="text"
                        name="default-smdp"
                        inputmode="url"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder="smdp.example"
                        prop:value=address
                        on:input=move |event| address.set(event_target_value(&event))
                    />
                </label>
                <div class="actions">
                    <button
                        type="button"
                        class="quiet"
                        disabled=move || busy() || typed().is_empty()
                        on:click=move |_| later::act(here, Act::CheckServer(typed()))
                    >{say.of(Text::new("Check the server", "サーバーを確認"))}</button>
                    <button type="submit" disabled=busy>{say.of(Text::new("Set as default", "既定に設定"))}</button>
                </div>
                <p class="help">{say.of(Text::new(
                    "Checking asks the server whether it and the chip have an issuer in common. Empty takes the default away.",
                    "確認では、チップとサーバーに共通の発行者があるかを調べます。空にすると既定の設定を消します。",
                ))}</p>
            </form>
            <div class="resets">
                {reset(TEST, Text::new("Delete test profiles", "テストプロファイルを削除"))}
                {reset(ALL, Text::new("Reset the eUICC", "eUICC をリセット"))}
            </div>
            <p class="help">{say.of(Text::new(
                "You are shown first what will be lost.",
                "失われるものを先に表示して確認します。",
            ))}</p>
        </details>
    }
}
