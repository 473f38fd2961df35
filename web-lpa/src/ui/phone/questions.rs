//! What the person is asked during a download.

use leptos::prelude::*;
use lpa::{Question, Reply};
use rsp::metadata::{IconType, PprIds, StoreMetadata};
use words::Text;

use super::super::modal::Modal;
use super::super::{Context, context};
use super::class_words;

/// The questions of a download.
#[component]
pub(in crate::ui) fn Questions() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let asked = Memo::new(move |_| model.question.get());
    let open = Signal::derive(move || asked.with(Option::is_some));
    view! {
        <Modal open on_cancel=move || phone.answer(Reply::Postpone) label=Text::new("A question about the new eSIM", "A question about the new eSIM")>
            {move || asked.get().map(|question| match question {
                Question::Consent { metadata, strong_consent, confirmation_code_required, .. } => view! {
                    <Consent metadata=*metadata strong=strong_consent code_follows=confirmation_code_required/>
                }.into_any(),
                Question::MemoryReset(_) | Question::RemoveNotification(_) => view! {
                    <p>{asked.with(|asked| asked.as_ref().map(|asked| say.now(asked.words())))}</p>
                    <div class="actions">
                        <button type="button" on:click=move |_| phone.answer(Reply::Reject)>{say.of(Text::new("Cancel", "キャンセル"))}</button>
                        <button type="button" class="danger solid" on:click=move |_| phone.answer(Reply::Accept)>{say.of(Text::new("Go on", "続ける"))}</button>
                    </div>
                }.into_any(),
                Question::ConfirmationCode { wrong_before, .. } => view! { <ConfirmationCode wrong_before/> }.into_any(),
            })}
        </Modal>
    }
}

#[component]
fn Consent(metadata: StoreMetadata, strong: bool, code_follows: bool) -> impl IntoView {
    let Context { phone, .. } = context();
    let icon = metadata.icon.as_ref().map(|icon| {
        let media_type = match icon.icon_type {
            IconType::Jpg => "image/jpeg",
            IconType::Png => "image/png",
        };
        let source = format!("data:{media_type};base64,{}", base64(&icon.data));
        view! { <img class="profile-icon" src=source alt="" width="64" height="64"/> }
    });
    let rules = rules(metadata.profile_policy_rules);
    let tells: Vec<String> =
        metadata.notification_configuration.iter().map(|one| one.address.clone()).collect();
    view! {
        <h2>"Install this profile?"</h2>
        <div class="metadata">
            {icon}
            <dl>
                <dt>"Operator"</dt><dd data-testid="consent-operator">{metadata.service_provider_name}</dd>
                <dt>"Profile"</dt><dd>{metadata.profile_name}</dd>
                <dt>"Class"</dt><dd>{class_words(metadata.profile_class)}</dd>
                <dt>"ICCID"</dt><dd class="digits">{metadata.iccid.to_string()}</dd>
                {(!tells.is_empty()).then(|| view! { <dt>"Will be told"</dt><dd>{tells.join(", ")}</dd> })}
            </dl>
        </div>
        {(!rules.is_empty()).then(|| view! {
            <div class="notice bad">
                <p><strong>"The operator sets rules for this profile:"</strong></p>
                <ul>{rules.into_iter().map(|rule| view! { <li>{rule}</li> }).collect_view()}</ul>
            </div>
        })}
        {strong.then(|| view! { <p>"Your explicit consent to these rules is needed."</p> })}
        {code_follows.then(|| view! { <p>"The operator will ask for a confirmation code next."</p> })}
        <p class="help">"Nothing is installed yet. The profile stays off until you switch to it."</p>
        <div class="actions">
            <button type="button" class="quiet danger" on:click=move |_| phone.answer(Reply::Reject)>"Refuse for good"</button>
            <button type="button" on:click=move |_| phone.answer(Reply::Postpone)>"Not now"</button>
            <button type="button" class="primary" autofocus on:click=move |_| phone.answer(Reply::Accept)>"Install"</button>
        </div>
    }
}

#[component]
fn ConfirmationCode(wrong_before: bool) -> impl IntoView {
    let Context { phone, .. } = context();
    let code = RwSignal::new(String::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let code = code.get_untracked();
        if !code.is_empty() {
            phone.answer(Reply::Code(code));
        }
    };
    view! {
        <form on:submit=submit>
            <h2>"Confirmation code"</h2>
            <p>"The operator asks for the code that came apart from the activation code, for instance by letter."</p>
            {wrong_before.then(|| view! {
                <p class="help wrong" role="alert">"The code before was wrong. Check it and enter it again; the operator allows a few tries only."</p>
            })}
            <label>
                "Confirmation code"
                <input
                    type="text"
                    name="confirmation-code"
                    autocomplete="one-time-code"
                    spellcheck="false"
                    autofocus
                    prop:value=code
                    on:input=move |event| code.set(event_target_value(&event))
                />
            </label>
            <div class="actions">
                <button type="button" on:click=move |_| phone.answer(Reply::Postpone)>"Not now"</button>
                <button type="submit" class="primary" disabled=move || code.with(String::is_empty)>"Continue"</button>
            </div>
        </form>
    }
}

/// What policy rules mean for the person (SGP.22 §2.9.1).
fn rules(rules: PprIds) -> Vec<&'static str> {
    let mut words = Vec::new();
    if rules.contains(PprIds::PPR1) {
        words.push("It cannot be switched off, so no other profile can be used while it is on.");
    }
    if rules.contains(PprIds::PPR2) {
        words.push("It cannot be deleted.");
    }
    words
}

/// Bytes as a `data:` address has them.
fn base64(bytes: &[u8]) -> String {
    serde_json::to_value(rsp::es9::Base64(bytes.to_vec()))
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
