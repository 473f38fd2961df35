//! The top of the screen: signal, operator, services; and the power switch.

use leptos::prelude::*;
use words::{Text, text};

use super::super::digits::{shown, shown_in};
use super::super::{Context, context, icons};
use super::sentence;
use crate::code::scan::seen;
use crate::model::{Radio, Slot};
use crate::network::{Cause, NetworkError, Verdict};
use crate::phone::Service as Kind;

/// The power switch.
#[component]
pub(super) fn Power() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    view! {
        <button
            type="button"
            class="power"
            role="switch"
            aria-checked=move || model.power.get().to_string()
            aria-label=say.of(Text::new("Power of the phone", "電話の電源"))
            title=say.of(Text::new("Power of the phone", "電話の電源"))
            disabled=move || model.task.with(Option::is_some)
            on:click=move |_| phone.switch_power(!model.power.get_untracked())
        >{icons::power()}</button>
    }
}

/// Operator and services, as on the top of a phone's screen.
#[component]
pub(super) fn Status() -> impl IntoView {
    let Context { model, say, .. } = context();
    let operator = move || {
        let enabled = model.chip(Slot::Phone).profiles.with(|list| {
            list.iter()
                .flatten()
                .find(|info| info.state == Some(rsp::profiles::ProfileState::Enabled))
                .and_then(|info| info.service_provider_name.clone())
        });
        let name = model.card.with(|card| card.operator.clone()).or(enabled);
        name.map(|name| seen(&name)).filter(|name| !name.is_empty())
    };
    let signal = move || {
        let class = match model.radio.get() {
            Radio::Attached(_) => "signal full",
            Radio::Searching => "signal searching",
            _ => "signal none",
        };
        view! { <span class=class aria-hidden="true"><i></i><i></i><i></i><i></i></span> }
    };
    let headline = move || {
        let same = |name: String| Text::new(name.clone(), name);
        say.now(match model.radio.get() {
            Radio::Off => Text::new("Off", "オフ").owned(),
            Radio::Searching => Text::new("Searching…", "検索中…").owned(),
            Radio::NoProfile => Text::new("No profile is on", "オンのプロファイルがありません").owned(),
            Radio::Attached(_) => {
                operator().map_or_else(|| Text::new("Attached", "アタッチ済み").owned(), same)
            }
            _ => operator().map_or_else(
                || Text::new("No service", "圏外").owned(),
                |name| text!("{name}: no service", "{name}: 圏外"),
            ),
        })
    };
    let provisioning = move || {
        model.radio.with(|radio| radio.session().is_some_and(|session| session.class == "provisioning"))
    };
    let details = move || {
        say.now(match model.radio.get() {
            Radio::Off => Text::new("The chip is not ready yet.", "チップの準備ができていません。").owned(),
            Radio::Searching => Text::new(
                "The phone reads the chip and looks for its network.",
                "チップを読み取り、ネットワークを探しています。",
            )
            .owned(),
            Radio::NoProfile => Text::new(
                "Switch a profile on to have service.",
                "サービスを使うには、プロファイルをオンにしてください。",
            )
            .owned(),
            Radio::Detached => Text::new(
                "Detached. Attach again under Network.",
                "デタッチしました。「ネットワーク」でもう一度アタッチできます。",
            )
            .owned(),
            Radio::Attached(session) => {
                let (apn, address) = (session.apn.given, shown(&session.address));
                if session.class == "provisioning" {
                    text!("Only to add an eSIM · {apn} · {address}", "eSIM の追加専用 · {apn} · {address}")
                } else {
                    text!("{apn} · {address}", "{apn} · {address}")
                }
            }
            Radio::NoService(error) => {
                let words = error.words();
                let codes = match &error {
                    // It is its own words.
                    NetworkError::Lost(_) => Text::default(),
                    NetworkError::Refused(problem) => problem.codes().map(|codes| format!("({codes})")),
                };
                Text::new(
                    format!("{}. Try to attach again under Network. {}", sentence(&words.en), codes.en),
                    format!("{}。「ネットワーク」でもう一度アタッチしてください。{}", words.ja, codes.ja),
                )
            }
            Radio::NoCard(words) => Text::new(
                format!(
                    "{}. Put the card back if it is out, then switch the phone off and on.",
                    sentence(&words.en)
                ),
                format!(
                    "{}。カードが抜かれている場合は戻してから、電話の電源を入れ直してください。",
                    words.ja
                ),
            ),
            Radio::NoUsim(words) | Radio::NoTrust(words) => Text::new(
                format!("{}. Switch to another profile, or ask the operator.", sentence(&words.en)),
                format!("{}。別のプロファイルに切り替えるか、事業者に問い合わせてください。", words.ja),
            ),
        })
    };
    let services = move || {
        model.radio.with(|radio| radio.session().cloned()).map(|session| {
            view! {
                <ul class="services">
                    <Service kind=Kind::Data verdict=session.services.data/>
                    <Service kind=Kind::Voice verdict=session.services.voice/>
                    <Service kind=Kind::Sms verdict=session.services.sms/>
                </ul>
            }
        })
    };
    view! {
        <div class="status" data-testid="status">
            <div class="operator" aria-live="polite">
                {signal}
                <strong data-testid="operator">{headline}</strong>
                <Show when=provisioning>
                    <span class="badge provisioning" data-testid="provisioning-mark">
                        {say.of(Text::new("provisioning", "プロビジョニング"))}
                    </span>
                </Show>
            </div>
            <p class="details">{move || shown_in(&details())}</p>
            {services}
        </div>
    }
}

#[component]
fn Service(kind: Kind, verdict: Verdict) -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let permitted = verdict.permitted();
    let cause = verdict.cause.as_ref().map(Cause::words);
    let (label, verb, to) = match kind {
        Kind::Data => (
            Text::new("Data", "データ通信"),
            Text::new("Open a page", "ページを開く"),
            "https://example.com/",
        ),
        Kind::Voice => (Text::new("Voice", "音声通話"), Text::new("Call", "発信"), "+15550100"),
        Kind::Sms => (Text::new("SMS", "SMS"), Text::new("Send", "送信"), "+15550100"),
    };
    let state = if permitted { Text::new("works", "利用可") } else { Text::new("refused", "拒否") };
    let name = Text::new(
        format!("{}: try {} to {to}", verb.en, label.en),
        format!("{}: {}を {to} で試す", verb.ja, label.ja),
    );
    view! {
        <li class="service" class:yes=permitted class:no=!permitted data-service=kind.word()>
            <span class="mark" aria-hidden="true">{if permitted { "✓" } else { "✕" }}</span>
            <span class="what">{say.of(label)}" "<b>{say.of(state)}</b></span>
            <span class="why">{say.of(verdict.words())}{cause.map(|cause| view! { <small>" "{say.of(cause)}</small> })}</span>
            <button
                type="button"
                class="quiet"
                aria-label=say.of(name)
                disabled=move || model.task.with(Option::is_some)
                on:click=move |_| phone.try_service(kind, to.to_owned())
            >{say.of(verb)}</button>
        </li>
    }
}
