//! The messages between the parties: a list or a sequence diagram, live or of a file, and the
//! one that is opened with its fields and bytes.

mod bytes;
mod compare;
mod copy;
mod detail;
mod diagram;
mod fields;
mod files;
mod list;
mod looking;
mod measure;
mod names;
mod side;
mod toolbar;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use words::Text;

pub(super) use self::looking::provide;

use self::looking::looking;
use super::context;

/// Whether Escape means something else: to a dialog, to a field.
fn is_elsewhere(event: &web_sys::KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.and_then(|target| target.closest("dialog, input, select").ok().flatten()).is_some()
}

/// The view.
#[component]
pub(super) fn Messages() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    looking.watch();
    let is_over = RwSignal::new(false);
    view! {
        <section
            class="messages"
            class:opened=move || looking.opened.get().is_some()
            class:dropping=is_over
            aria-labelledby="messages-title"
            on:keydown=move |event| {
                if event.key() == "Escape" && looking.opened.get_untracked().is_some() && !is_elsewhere(&event) {
                    looking.open(None);
                }
            }
            on:dragover=move |event| {
                event.prevent_default();
                is_over.set(true);
            }
            on:dragleave=move |_| is_over.set(false)
            on:drop=move |event| {
                event.prevent_default();
                is_over.set(false);
                files::dropped(looking, &event);
            }
        >
            <h2 id="messages-title">{say.of(Text::new("Messages", "メッセージ"))}</h2>
            <files::Loaded/>
            <div class="halves">
                <div class="overview">
                    <toolbar::Toolbar/>
                    <list::List/>
                </div>
                <detail::Detail/>
            </div>
        </section>
    }
}
