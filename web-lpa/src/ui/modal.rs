//! The frame of all dialogs.

use leptos::html::Dialog;
use leptos::prelude::*;
use web_sys::KeyboardEvent;
use words::Text;

use super::shell::View;
use super::{Context, context};

/// A modal dialog that is open while `open` says so; Escape cancels, and so does leaving the view
/// unless it `stays`: what it stands in may not be shown any more, and a dialog that is open and
/// not shown makes the page unreachable.
///
/// A key that was held down before it opened says nothing to it.
#[component]
pub(super) fn Modal(
    open: Signal<bool>,
    on_cancel: impl Fn() + Clone + Send + 'static,
    label: Text,
    #[prop(optional)] stays: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let Context { say, view, .. } = context();
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move |_| {
        let wanted = open.get();
        if let Some(dialog) = dialog.get() {
            match (wanted, dialog.open()) {
                (true, false) => {
                    drop(dialog.show_modal());
                    // The focus may be far down; what it is about is read first.
                    dialog.set_scroll_top(0);
                }
                (false, true) => dialog.close(),
                _ => {}
            }
        }
    });
    let leave = on_cancel.clone();
    Effect::new(move |before: Option<View>| {
        let now = view.get();
        if !stays && before.is_some_and(|before| before != now) && open.get_untracked() {
            leave();
        }
        now
    });
    // No dialog has a field of several lines.
    let held = |event: KeyboardEvent| {
        if event.repeat() && event.key() == "Enter" {
            event.prevent_default();
        }
    };
    let children = StoredValue::new(children);
    view! {
        <dialog
            node_ref=dialog
            aria-label=say.of(label)
            on:keydown=held
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                on_cancel();
            }
        >
            <Show when=move || open.get()>{children.with_value(|children| children())}</Show>
        </dialog>
    }
}
