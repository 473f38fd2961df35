//! The resolver of the bearer: which names there are for this session.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::super::{Context, context};
use crate::network::{NetworkError, Resolved};

/// The types of record that can be asked for.
const KINDS: [&str; 4] = ["AAAA", "A", "HTTPS", "ANY"];

/// Asks for a name, and shows what the network says.
#[component]
pub(super) fn Names(#[prop(into)] asked: Callback<()>) -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let name = RwSignal::new("smdp.example".to_owned());
    let kind = RwSignal::new(KINDS[0].to_owned());
    let answer = RwSignal::new(None::<Result<Resolved, NetworkError>>);
    let attached = move || model.radio.with(|radio| radio.session().is_some());
    let resolve = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let question = serde_json::json!({"name": name.get_untracked().trim(), "type": kind.get_untracked()});
        spawn_local(async move {
            let said = phone.ask_session("/dns", Some(question.to_string().as_bytes())).await;
            let _ = answer.try_set(Some(said));
            asked.run(());
        });
    };
    let told = move || match answer.get() {
        None => ().into_any(),
        Some(Err(error)) => {
            view! { <p class="empty">{say.of(error.words())}" "<small>{say.of(error.codes())}</small></p> }
                .into_any()
        }
        Some(Ok(resolved)) => {
            let good = resolved.verdict.permitted();
            let words = say.of(resolved.verdict.words());
            let addresses = if resolved.addresses.is_empty() {
                Text::new("no address", "アドレスなし").owned()
            } else {
                let addresses = resolved.addresses.join(", ");
                Text::new(addresses.clone(), addresses)
            };
            view! {
                <p class="resolved" class:yes=good class:no=!good data-testid="resolved">
                    <strong class="verdict">{resolved.code}</strong>" "
                    <span class="digits">{say.of(addresses)}</span>" "
                    <span>{words}</span>" "
                    <small>"rule "{resolved.verdict.rule}</small>
                </p>
            }
            .into_any()
        }
    };
    view! {
        <h3>{say.of(Text::new("Names", "名前解決"))}</h3>
        <form class="field" on:submit=resolve>
            <label>
                {say.of(Text::new("Name the phone asks for", "電話が問い合わせる名前"))}
                <input
                    type="text"
                    name="name"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    prop:value=name
                    on:input=move |event| name.set(event_target_value(&event))
                />
            </label>
            <label class="short">
                {say.of(Text::new("Record", "レコード"))}
                <select on:change=move |event| kind.set(event_target_value(&event))>
                    {KINDS.map(|one| view! { <option value=one selected=one == KINDS[0]>{one}</option> })}
                </select>
            </label>
            <button type="submit" disabled=move || !attached()>{say.of(Text::new("Resolve", "問い合わせる"))}</button>
        </form>
        <div role="status">{told}</div>
    }
}
