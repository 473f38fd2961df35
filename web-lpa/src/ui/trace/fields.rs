//! The fields of a message as a tree, for pointer and keyboard.

use leptos::attr::custom::custom_attribute;
use leptos::html::Ul;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use words::{Text, text};

use super::names;
use super::side::Linked;
use crate::look::tree::{Field, Key};
use crate::ui::context;

/// Most lines that are shown; who opens more sees how many there are.
const LINES: usize = 1_500;

#[component]
pub(super) fn Fields(linked: Linked, label: Text) -> impl IntoView {
    let say = context().say;
    let list = NodeRef::<Ul>::new();
    let all = Memo::new(move |_| linked.open.with(|open| linked.tree.with_value(|tree| tree.lines(open))));
    let lines = move || all.with(|all| all.iter().copied().take(LINES).collect::<Vec<_>>());
    let stop = Memo::new(move |_| {
        linked
            .chosen
            .get()
            .filter(|chosen| all.with(|all| all.binary_search(chosen).is_ok()))
            .or_else(|| all.with(|all| all.first().copied()))
    });
    let item = move |field: usize| {
        let selector = format!("[data-field=\"{field}\"]");
        // With the next frame one may be elsewhere.
        let found = list.try_get_untracked()??.query_selector(&selector).ok()??;
        found.dyn_into::<web_sys::HtmlElement>().ok()
    };
    // What is chosen by its bytes comes into sight.
    Effect::new(move |_| {
        let Some(chosen) = linked.chosen.get() else { return };
        request_animation_frame(move || {
            let (Some(item), Some(list)) = (item(chosen), list.get_untracked()) else { return };
            let (top, bottom) = (item.offset_top(), item.offset_top() + item.offset_height());
            let (from, height) = (list.scroll_top(), list.client_height());
            if top < from {
                list.set_scroll_top(top);
            } else if bottom > from + height {
                list.set_scroll_top(bottom - height);
            }
        });
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        let Some(from) = stop.get_untracked() else { return };
        let to = match Key::of(&event.key()) {
            Some(key) => {
                let mut open = linked.open.get_untracked();
                let to = linked.tree.with_value(|tree| tree.key(&mut open, from, key));
                if linked.open.with_untracked(|old| *old != open) {
                    linked.open.set(open);
                }
                to
            }
            None if event.key() == "*" => {
                open_all(linked);
                from
            }
            None => return,
        };
        event.prevent_default();
        linked.choose(to);
        request_animation_frame(move || {
            if let Some(item) = item(to) {
                let _ = item.focus();
            }
        });
    };
    let depth = linked.tree.with_value(|tree| (0..tree.len()).any(|field| tree.holds(field)));
    view! {
        {depth.then(|| view! {
            <div class="tree-acts">
                <button type="button" class="quiet" on:click=move |_| open_all(linked)>
                    {say.of(Text::new("Open all", "すべて開く"))}
                </button>
                <button type="button" class="quiet" on:click=move |_| {
                    linked.open.update(|open| open.fill(false));
                }>{say.of(Text::new("Close all", "すべて閉じる"))}</button>
            </div>
        })}
        <ul
            class="tree"
            role="tree"
            node_ref=list
            aria-label=say.of(Text::new(format!("Fields: {}", label.en), format!("フィールド: {}", label.ja)))
            on:keydown=on_key
            on:pointerleave=move |_| linked.hovered.set(None)
        >
            <For each=lines key=|field| *field children=move |field| view! { <Line linked=linked field=field stop=stop/> }/>
        </ul>
        <Show when=move || all.with(Vec::len).gt(&LINES)>
            <p class="help">{move || {
                let more = all.with(Vec::len) - LINES;
                say.now(text!("{more} further lines are not shown.", "さらに {more} 行あります。"))
            }}</p>
        </Show>
    }
}

fn open_all(linked: Linked) {
    linked.open.update(|open| open.fill(true));
}

#[component]
fn Line(linked: Linked, field: usize, stop: Memo<Option<usize>>) -> impl IntoView {
    let say = context().say;
    let known =
        linked.tree.with_value(|tree| tree.get(field).cloned().map(|known| (known, tree.holds(field))));
    let (Field { name, value, level, fault, secrecy, .. }, holds) = known?;
    let is_open = move || linked.open.with(|open| open.get(field).copied().unwrap_or(false));
    let toggle = move || {
        linked.open.update(|open| {
            if let Some(open) = open.get_mut(field) {
                *open = !*open;
            }
        });
    };
    let is_chosen = move || linked.chosen.get() == Some(field);
    let value = trace::spoken(&name, &value);
    Some(view! {
        <li
            role="treeitem"
            data-field=field.to_string()
            data-level=level.min(12).to_string()
            {..custom_attribute("aria-level", (level + 1).to_string())}
            aria-expanded=move || holds.then(|| is_open().to_string())
            aria-selected=move || is_chosen().to_string()
            class:fault=fault
            class:pointed=move || linked.hovered.get() == Some(field)
            tabindex=move || if stop.get() == Some(field) { "0" } else { "-1" }
            on:pointerenter=move |_| linked.hovered.set(Some(field))
            on:focus=move |_| if linked.chosen.get_untracked() != Some(field) { linked.choose(field) }
            on:click=move |_| {
                let was_chosen = linked.chosen.get_untracked() == Some(field);
                linked.choose(field);
                if holds && (was_chosen || !is_open()) {
                    toggle();
                }
            }
        >
            <span class="twisty" aria-hidden="true" on:click=move |event| {
                if holds {
                    event.stop_propagation();
                    toggle();
                }
            }>{move || match (holds, is_open()) {
                (false, _) => "",
                (true, false) => "▸",
                (true, true) => "▾",
            }}</span>
            <span class="name">{name}</span>
            <span class="value">{say.of(value)}</span>
            {names::secrecy(secrecy).map(|kept| view! { <span class="kept">{say.of(kept)}</span> })}
        </li>
    })
}
