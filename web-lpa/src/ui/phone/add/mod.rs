//! Entering an activation code.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use rsp::ActivationCode;
use rsp::activation_code::InvalidActivationCode;
use words::Text;

use super::super::{Context, context};
use crate::model::Notice;
use crate::transport::chip::ChipState;

/// Entering an activation code.
#[component]
pub(super) fn AddEsim() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let text = RwSignal::new(String::new());
    let wrong = RwSignal::new(None::<InvalidActivationCode>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match text.get_untracked().parse::<ActivationCode>() {
            Ok(code) => {
                wrong.set(None);
                phone.download(model.slot.get_untracked(), code);
            }
            Err(error) => {
                model.notice.set(None);
                wrong.set(Some(error));
            }
        }
    };
    // From the operator's view.
    Effect::new(move |_| {
        if let Some(code) = model.offered.get() {
            model.offered.set(None);
            wrong.set(None);
            text.set(code);
        }
    });
    // The code stays in its field until it has been used: it may have to be mended.
    Effect::new(move |_| {
        let used = |notice: &Option<Notice>| notice.as_ref().is_some_and(|notice| notice.switch_to.is_some());
        if model.notice.with(used) {
            text.set(String::new());
        }
    });
    let busy = move || model.task.with(Option::is_some) || !model.shown_chip().state.with(ChipState::answers);
    view! {
        <form class="add" on:submit=submit>
            <label for="code">{say.of(Text::new("Activation code", "アクティベーションコード"))}</label>
            <div class="field">
                <input
                    id="code"
                    name="code"
                    type="text"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder="LPA:1$server$token"
                    aria-describedby="code-help"
                    aria-invalid=move || wrong.with(Option::is_some).to_string()
                    prop:value=text
                    on:input=move |event| {
                        wrong.set(None);
                        text.set(event_target_value(&event));
                    }
                />
                <button type="submit" class="primary" disabled=busy>{say.of(Text::new("Add eSIM", "eSIM を追加"))}</button>
            </div>
            <p id="code-help" class="help" role="status" class:wrong=move || wrong.with(Option::is_some)>
                {move || say.now(wrong.get().map_or_else(
                    || Text::new(
                        "Paste the code that the operator gave you. You see what it is for before anything is installed.",
                        "事業者から受け取ったコードを貼り付けてください。インストールの前に内容を確認できます。",
                    ).owned(),
                    |error| lpa::activation_code_words(error).owned().with(lpa::activation_code_advice(error).owned()),
                ))}
            </p>
        </form>
    }
}

