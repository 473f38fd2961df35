//! The frame of all dialogs.

use leptos::html::Dialog;
use leptos::prelude::*;
use words::Text;

use super::context;

/// A modal dialog that is open while `open` says so; Escape cancels.
#[component]
pub(super) fn Modal(
    open: Signal<bool>,
    on_cancel: impl Fn() + Clone + Send + 'static,
    label: Text,
    children: ChildrenFn,
) -> impl IntoView {
    let say = context().say;
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move |_| {
        let wanted = open.get();
        if let Some(dialog) = dialog.get() {
            match (wanted, dialog.open()) {
                (true, false) => drop(dialog.show_modal()),
                (false, true) => dialog.close(),
                _ => {}
            }
        }
    });
    let children = StoredValue::new(children);
    view! {
        <dialog
            node_ref=dialog
            aria-label=say.of(label)
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                on_cancel();
            }
        >
            <Show when=move || open.get()>{children.with_value(|children| children())}</Show>
        </dialog>
    }
}
