//! One direction of a message: its fields and its bytes, which point at each other.

use std::ops::Range;

use leptos::prelude::*;
use words::{Text, text};

use super::bytes::{Hex, Json};
use super::copy::Copy;
use super::fields::Fields;
use super::names;
use crate::look::json;
use crate::look::tree::Tree;
use crate::ui::context;
use crate::units::{hex, size};

/// What fields and bytes share.
#[derive(Clone, Copy)]
pub(super) struct Linked {
    /// The fields.
    pub(super) tree: StoredValue<Tree>,
    /// The bytes.
    pub(super) bytes: StoredValue<Vec<u8>>,
    /// Which fields are open.
    pub(super) open: RwSignal<Vec<bool>>,
    /// The field that was chosen.
    pub(super) chosen: RwSignal<Option<usize>>,
    /// The field that is pointed at.
    pub(super) hovered: RwSignal<Option<usize>>,
    /// The byte that the keys are at.
    pub(super) cursor: RwSignal<usize>,
}

impl Linked {
    /// The bytes that stand out; tracked.
    pub(super) fn lit(self) -> Range<usize> {
        let field = self.hovered.get().or_else(|| self.chosen.get());
        let range = |field| self.tree.with_value(|tree| tree.get(field).map(|field| field.range.clone()));
        field.and_then(range).unwrap_or_default()
    }

    /// Chooses a field.
    pub(super) fn choose(self, field: usize) {
        let range = self.tree.with_value(|tree| tree.get(field).map(|field| field.range.clone()));
        if let Some(range) = range {
            self.cursor.set(range.start);
        }
        self.chosen.set(Some(field));
    }

    /// Chooses the field that a byte belongs to, and brings it into sight.
    pub(super) fn choose_byte(self, byte: usize) {
        self.cursor.set(byte);
        let field = self.tree.with_value(|tree| tree.at(byte));
        if let Some(field) = field {
            self.open.update(|open| self.tree.with_value(|tree| tree.reveal(open, field)));
        }
        self.chosen.set(field);
    }

    /// Points at the field that a byte belongs to.
    pub(super) fn point_byte(self, byte: Option<usize>) {
        let field = byte.and_then(|byte| self.tree.with_value(|tree| tree.at(byte)));
        if self.hovered.get_untracked() != field {
            self.hovered.set(field);
        }
    }
}

#[component]
pub(super) fn Side(title: Text, side: trace::Side) -> impl IntoView {
    let say = context().say;
    let length = side.bytes.len();
    let is_text = side.is_text();
    let tree = Tree::of(&side.nodes);
    let lines = is_text
        .then(|| std::str::from_utf8(&side.bytes).ok().and_then(json::lines))
        .flatten()
        .map(StoredValue::new);
    let linked = Linked {
        open: RwSignal::new(tree.open_at_first()),
        tree: StoredValue::new(tree),
        bytes: StoredValue::new(side.bytes),
        chosen: RwSignal::new(None),
        hovered: RwSignal::new(None),
        cursor: RwSignal::new(0),
    };
    let as_hex = RwSignal::new(lines.is_none());
    let written = move || match lines {
        Some(lines) if !as_hex.get() => view! { <Json linked=linked lines=lines label=title/> }.into_any(),
        _ => view! { <Hex linked=linked label=title/> }.into_any(),
    };
    let is_empty = length == 0;
    view! {
        <section class="side" data-side=title.en>
            <div class="side-head">
                <h4>{say.of(title)}</h4>
                <span class="help">{size(length)}</span>
                {lines.is_some().then(|| view! {
                    <span class="ways small" role="group" aria-label=say.of(Text::new("Written as", "表記"))>
                        <button
                            type="button"
                            aria-pressed=move || (!as_hex.get()).to_string()
                            on:click=move |_| as_hex.set(false)
                        >"JSON"</button>
                        <button
                            type="button"
                            aria-pressed=move || as_hex.get().to_string()
                            on:click=move |_| as_hex.set(true)
                        >{say.of(Text::new("Bytes", "バイト列"))}</button>
                    </span>
                })}
                {(!is_empty).then(|| view! {
                    <span class="copies">
                        {lines.is_some().then(|| view! {
                            <Copy
                                label=Text::new("Copy JSON", "JSON をコピー")
                                what=move || linked.bytes.with_value(|bytes| {
                                    std::str::from_utf8(bytes).ok().and_then(json::pretty)
                                })
                            />
                        })}
                        <Copy
                            label=Text::new("Copy hex", "16 進数をコピー")
                            what=move || Some(linked.bytes.with_value(|bytes| hex(bytes)))
                        />
                    </span>
                })}
            </div>
            {if is_empty {
                view! { <p class="empty">{say.of(Text::new("Nothing in it.", "中身はありません。"))}</p> }.into_any()
            } else {
                view! {
                    <Fields linked=linked label=title/>
                    <Told linked=linked/>
                    {written}
                }.into_any()
            }}
        </section>
    }
}

/// What is said of the field that is pointed at or chosen.
#[component]
fn Told(linked: Linked) -> impl IntoView {
    let say = context().say;
    let told = move || {
        let field = linked.hovered.get().or_else(|| linked.chosen.get())?;
        linked.tree.with_value(|tree| {
            let known = tree.get(field)?;
            let section = tree.section(field);
            let (from, to, length) = (known.range.start, known.range.end, known.range.len());
            let place = match length {
                0 => Text::default(),
                1 => text!("byte {from}", "{from} バイト目"),
                _ => {
                    text!("bytes {from}–{} ({length})", "{from}–{} バイト目 ({length})", to.saturating_sub(1))
                }
            };
            let kept = names::secrecy(known.secrecy);
            Some(view! {
                <strong>{known.name.clone()}</strong>
                <span>{say.now(place)}</span>
                {kept.map(|kept| view! { <span class="kept">{say.now(kept)}</span> })}
                {section.map(|section| view! { <span class="reference">{section}</span> })}
            })
        })
    };
    let bytes = move || {
        let field = linked.chosen.get_untracked()?;
        let range = linked.tree.with_value(|tree| tree.get(field).map(|field| field.range.clone()))?;
        linked.bytes.with_value(|bytes| bytes.get(range).map(hex))
    };
    let hint = move || {
        (linked.hovered.get().is_none() && linked.chosen.get().is_none()).then(|| {
            say.now(Text::new(
                "Point at a field or a byte: they belong together.",
                "フィールドかバイトを指すと、対応する部分が光ります。",
            ))
        })
    };
    view! {
        <div class="told-field">
            <p>{told}<span class="help">{hint}</span></p>
            <Show when=move || linked.chosen.get().is_some()>
                <Copy label=Text::new("Copy field", "フィールドをコピー") what=bytes/>
            </Show>
        </div>
    }
}
