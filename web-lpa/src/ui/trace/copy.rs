//! Buttons that put something into the clipboard.

use std::time::Duration;

use leptos::prelude::*;
use words::Text;

use crate::ui::context;
use crate::ui::digits::clip;

/// How long it is told that something was copied.
const TOLD: Duration = Duration::from_millis(1_800);

/// How a copy went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    No,
    Yes,
    Refused,
}

/// A button that copies what `what` gives; not there when it gives nothing.
#[component]
pub(super) fn Copy(
    label: Text,
    what: impl Fn() -> Option<String> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let say = context().say;
    let copied = RwSignal::new(Copied::No);
    let copy = move |_| {
        let Some(text) = what() else { return };
        let written = clip(text);
        leptos::task::spawn_local(async move {
            if copied.try_set(if written.await { Copied::Yes } else { Copied::Refused }).is_none() {
                set_timeout(
                    move || {
                        let _ = copied.try_set(Copied::No);
                    },
                    TOLD,
                );
            }
        });
    };
    view! {
        <button type="button" class="copy-words" on:click=copy data-state=move || match copied.get() {
            Copied::No => "no",
            Copied::Yes => "yes",
            Copied::Refused => "refused",
        }>
            {say.of(label)}
            <span class="told" role="status">{move || match copied.get() {
                Copied::No => String::new(),
                Copied::Yes => say.now(Text::new(" ✓ copied", " ✓ コピーしました")).to_owned(),
                Copied::Refused => say.now(Text::new(
                    " the browser refused",
                    " ブラウザーが許可しませんでした",
                )).to_owned(),
            }}</span>
        </button>
    }
}
