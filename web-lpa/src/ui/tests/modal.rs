//! The frame of all dialogs.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::{HtmlDialogElement, KeyboardEvent, KeyboardEventInit};
use words::{Language, Text};

use super::super::modal::Modal;
use super::super::shell::View;
use super::{Page, focused, said};

/// A button that opens a dialog with two buttons, the second of which has the focus.
async fn page() -> Page {
    Page::show(|_| {
        let open = RwSignal::new(false);
        view! {
            <button type="button" on:click=move |_| open.set(true)>"Ask"</button>
            <Modal
                open=Signal::from(open)
                on_cancel=move || open.set(false)
                label=Text::new("A question", "質問")
            >
                <button type="button">"No"</button>
                <button type="button" autofocus on:click=move |_| open.set(false)>"Yes"</button>
            </Modal>
        }
    })
    .await
}

fn is_open(page: &Page) -> bool {
    page.one("dialog").unchecked_ref::<HtmlDialogElement>().open()
}

#[test]
async fn it_is_modal_and_takes_and_returns_the_focus() {
    let page = page().await;
    assert!(!is_open(&page) && page.all("dialog button").is_empty(), "nothing of it is there before");
    let ask = page.button("Ask");
    ask.focus().unwrap();
    page.press("Ask").await;
    assert!(is_open(&page));
    assert!(page.one("dialog").matches(":modal").unwrap(), "what is behind it cannot be reached");
    assert_eq!(focused().map(|element| said(&element)).as_deref(), Some("Yes"));
    page.press("Yes").await;
    assert!(!is_open(&page) && page.all("dialog button").is_empty());
    assert_eq!(focused(), Some(ask), "one goes on where one was");
}

#[test]
async fn escape_asks_its_owner() {
    let page = page().await;
    page.press("Ask").await;
    // What a browser makes of Escape; keys that a script presses are not the person's.
    page.fire(&page.one("dialog"), "cancel").await;
    assert!(!is_open(&page));
}

#[test]
async fn its_name_is_in_the_language_of_the_page() {
    let page = page().await;
    page.press("Ask").await;
    assert_eq!(page.one("dialog").get_attribute("aria-label").as_deref(), Some("A question"));
    page.speak(Language::Japanese).await;
    assert_eq!(page.one("dialog").get_attribute("aria-label").as_deref(), Some("質問"));
}

/// Whether a dialog lets Enter do what it does, the key being held down or not.
fn lets_enter(page: &Page, held: bool) -> bool {
    let how = KeyboardEventInit::new();
    how.set_key("Enter");
    how.set_repeat(held);
    how.set_bubbles(true);
    how.set_cancelable(true);
    let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &how).unwrap();
    page.button("Yes").dispatch_event(&event).unwrap()
}

#[test]
async fn a_key_that_is_held_down_answers_nothing() {
    let page = page().await;
    page.press("Ask").await;
    assert!(!lets_enter(&page, true), "it was pressed before the question was there");
    assert!(lets_enter(&page, false));
}

#[test]
async fn one_who_leaves_the_view_leaves_the_dialog() {
    let page = page().await;
    page.press("Ask").await;
    page.context.view.set(View::Chip);
    page.settle().await;
    assert!(!is_open(&page), "it would be open and not shown");
}
