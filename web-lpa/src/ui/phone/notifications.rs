//! Notifications: those that wait on the chip, and those that were sent.

use leptos::prelude::*;
use rsp::notification::NotificationMetadata;
use words::Text;

use super::super::digits::shown_in;
use super::super::later::{self, Act};
use super::super::{Context, context};
use crate::model::Notification;
use crate::units::shortened;

#[component]
pub(super) fn Notifications() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    phone.read_untold();
    let chip = move || model.shown_chip();
    // What was tried and failed waits still, and is told of with the reason.
    let waiting = move || {
        let tried = chip().notifications.get();
        let known = |number| tried.iter().any(|one: &Notification| one.number == number);
        chip().waiting.get().into_iter().filter(|one| !known(one.seq_number)).collect::<Vec<_>>()
    };
    let list = move || chip().notifications.get();
    let any_waits = move || {
        chip().waiting.with(|list| !list.is_empty())
            || chip().notifications.with(|list| list.iter().any(|one| one.failure.is_some()))
    };
    let none = move || chip().waiting.with(Vec::is_empty) && chip().notifications.with(Vec::is_empty);
    view! {
        <section class="notifications" aria-labelledby="notifications-title">
            <h3 id="notifications-title">{say.of(Text::new("Notifications", "通知"))}</h3>
            <p class="help">{say.of(Text::new(
                "The chip signs each act; the phone tells the operator’s server by itself.",
                "チップは操作のたびに署名し、電話がそれを事業者のサーバーに自動で知らせます。",
            ))}</p>
            <Show when=move || !none() fallback=move || view! {
                <p class="empty">{say.of(Text::new("None waits.", "待っている通知はありません。"))}</p>
            }>
                <ul>
                    <For each=waiting key=|one| one.seq_number children=|one| view! { <OnChip one/> }/>
                    <For each=list key=|one| (one.number, one.failure.is_some()) children=|one| view! { <Tried one/> }/>
                </ul>
            </Show>
            <Show when=any_waits>
                <button
                    type="button"
                    disabled=move || model.task.with(Option::is_some)
                    on:click=move |_| phone.notify(model.slot.get_untracked())
                >{say.of(Text::new("Send all", "すべて送信"))}</button>
            </Show>
            <Show when=move || model.untold.with(|untold| untold.as_ref().is_some_and(|untold| !untold.is_empty()))>
                {later::shown(later::Part::Untold)}
            </Show>
        </section>
    }
}

/// The event, shortly: as the standard names it, and in Japanese.
fn event(name: &'static str) -> Text {
    Text::new(
        name,
        match name {
            "install" => "インストール",
            "enable" => "有効化",
            "disable" => "無効化",
            "delete" => "削除",
            _ => "その他",
        },
    )
}

#[component]
fn OnChip(one: NotificationMetadata) -> impl IntoView {
    let Context { say, .. } = context();
    let iccid = one.iccid.map(|iccid| iccid.to_string()).unwrap_or_default();
    let number = one.seq_number;
    view! {
        <li class="waiting" data-number=number.to_string()>
            <span class="number">"#"{number}</span>
            <span class="event">{say.of(event(one.event.name().unwrap_or("event")))}" "{shortened(&iccid)}</span>
            <span class="to">{one.address}</span>
            <span class="state">{say.of(Text::new("waits on the chip", "チップで送信待ち"))}</span>
            <Acts number/>
        </li>
    }
}

#[component]
fn Tried(one: Notification) -> impl IntoView {
    let Context { say, .. } = context();
    let iccid = one.iccid.as_deref().map(shortened).unwrap_or_default();
    let kept = one.failure.is_some();
    let number = one.number;
    let state = match &one.failure {
        None => Text::new("delivered", "送信済み").owned(),
        Some(failure) => {
            let what = failure.what();
            Text::new(format!("kept on the chip: {}", what.en), format!("チップに保存中: {}", what.ja))
        }
    };
    let codes = one.failure.map(|failure| {
        let codes = say.of(failure.detail());
        view! {
            <details class="codes">
                <summary>{say.of(Text::new("Codes", "コード"))}</summary>
                <code>{move || shown_in(&codes())}</code>
            </details>
        }
    });
    view! {
        <li class:waiting=kept data-number=number.to_string()>
            <span class="number">"#"{number}</span>
            <span class="event">{say.of(event(one.event))}" "{iccid}</span>
            <span class="to">{one.address}</span>
            <span class="state">{say.of(state)}</span>
            {codes}
            {kept.then(|| view! { <Acts number/> })}
        </li>
    }
}

/// What can be done with one that waits.
#[component]
fn Acts(number: u32) -> impl IntoView {
    let here = context();
    let Context { model, say, .. } = here;
    let busy = move || model.task.with(Option::is_some);
    let send = Text::new(format!("Send notification {number}"), format!("通知 {number} を送信"));
    let remove = Text::new(format!("Remove notification {number}"), format!("通知 {number} を削除"));
    view! {
        <span class="acts">
            <button
                type="button"
                class="quiet"
                aria-label=say.of(send)
                disabled=busy
                on:click=move |_| later::act(here, Act::Send(number))
            >{say.of(Text::new("Send", "送信"))}</button>
            <button
                type="button"
                class="quiet danger"
                aria-label=say.of(remove)
                disabled=busy
                on:click=move |_| later::act(here, Act::Remove(number))
            >{say.of(Text::new("Remove", "削除"))}</button>
        </span>
    }
}
