//! The network: the APN asked for and given, and what was decided, with the reason.

use leptos::prelude::*;

use super::{Context, context};
use crate::model::{LogLine, Radio};

#[component]
pub(super) fn Network() -> impl IntoView {
    let Context { model, phone, .. } = context();
    let session = move || {
        model.radio.with(|radio| match radio {
            Radio::Attached(session) => {
                let session = session.clone();
                let asked = session.apn.requested.clone().unwrap_or_else(|| "none".to_owned());
                view! {
                    <dl>
                        <dt>"Subscriber"</dt>
                        <dd class="digits">{session.imsi}" "<span class=format!("badge {}", session.class)>{session.class.clone()}</span></dd>
                        <dt>"APN asked"</dt>
                        <dd data-testid="apn-asked">{asked}</dd>
                        <dt>"APN given"</dt>
                        <dd data-testid="apn-given"><strong>{session.apn.given}</strong></dd>
                        <dt>"Because"</dt>
                        <dd>{session.apn.because}" "<small>"rule "{session.apn.rule}</small></dd>
                        <dt>"Address"</dt>
                        <dd class="digits">{session.address}</dd>
                    </dl>
                }
                .into_any()
            }
            _ => view! { <p class="empty">"No session."</p> }.into_any(),
        })
    };
    let can_attach = move || model.task.with(Option::is_none) && model.card.with(|card| card.imsi.is_some());
    let attach = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        phone.attach();
    };
    let lines = move || {
        let mut log = model.log.get();
        log.reverse();
        log
    };
    view! {
        <section class="network" aria-labelledby="network-title">
            <h2 id="network-title">"Network"</h2>
            {session}
            <form class="field" on:submit=attach>
                <label>
                    "APN the phone asks for"
                    <input
                        type="text"
                        name="apn"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder="none"
                        prop:value=model.apn
                        on:input=move |event| model.apn.set(event_target_value(&event))
                    />
                </label>
                <button type="submit" disabled=move || !can_attach()>"Attach again"</button>
            </form>
            <h3>"Decisions"</h3>
            <Show when=move || !model.log.with(Vec::is_empty) fallback=|| view! { <p class="empty">"None yet."</p> }>
                <ol class="decisions" reversed tabindex="0" aria-label="Decisions of the network">
                    <For each=lines key=|line| line.id children=line/>
                </ol>
            </Show>
        </section>
    }
}

fn line(line: LogLine) -> impl IntoView {
    let say = context().say;
    view! {
        <li class:yes=line.good class:no=!line.good>
            <span class="mark" aria-hidden="true">{if line.good { "✓" } else { "✕" }}</span>
            <span class="what">{say.of(line.what)}</span>
            <span class="outcome">{say.of(line.outcome)}</span>
            <small>{line.codes}</small>
        </li>
    }
}
