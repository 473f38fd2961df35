//! The bytes of a message: hexadecimal and ASCII, or JSON in lines. What belongs to the chosen
//! field stands out, and every byte leads to its field.

use std::ops::Range;

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use words::{Text, text};

use super::measure::{measured, rem};
use super::side::Linked;
use crate::look::dump;
use crate::look::json::{Kind, Line, Piece};
use crate::look::scene;
use crate::look::tree::Key;
use crate::ui::context;

/// From this width on, in letters' sizes, a row has 16 bytes and not 8.
const WIDE: f64 = 33.0;
/// The height of a row, in letters' sizes, as the sheet has it.
const ROW: f64 = 1.25;

/// Offset, bytes, characters; only the rows in sight are in the page.
#[component]
pub(super) fn Hex(linked: Linked, label: Text) -> impl IntoView {
    let say = context().say;
    let place = NodeRef::<Div>::new();
    let size = measured(place);
    let rem = rem();
    let width = Memo::new(move |_| if size.get().0 >= WIDE * rem { 16 } else { 8_usize });
    let scrolled = RwSignal::new(0.0);
    let length = linked.bytes.with_value(Vec::len);
    let line = ROW * rem;
    let count = Memo::new(move |_| dump::rows(length, width.get()));
    let window = Memo::new(move |_| scene::window(count.get(), line, scrolled.get(), size.get().1));
    let rows = move || {
        let (first, last) = window.get();
        (first..last).map(|row| (row, width.get())).collect::<Vec<_>>()
    };
    let reveal = move |byte: usize| {
        // With the next frame one may be elsewhere.
        let Some(place) = place.try_get_untracked().flatten() else { return };
        let top = (byte / width.get_untracked()) as f64 * line;
        let (from, height) = (f64::from(place.scroll_top()), f64::from(place.client_height()));
        if top < from || top + line > from + height {
            place.set_scroll_top((top - height / 3.0).max(0.0) as i32);
        }
    };
    // What is chosen among the fields comes into sight.
    Effect::new(move |_| {
        if linked.chosen.get().is_some() {
            let byte = linked.cursor.get_untracked();
            request_animation_frame(move || reveal(byte));
        }
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        let Some(key) = Key::of(&event.key()) else { return };
        event.prevent_default();
        let byte = dump::key(linked.cursor.get_untracked(), length, width.get_untracked(), key);
        linked.choose_byte(byte);
    };
    let under = move |event: &web_sys::MouseEvent| byte_under(event, width.get_untracked(), length);
    view! {
        <div
            class="dump"
            node_ref=place
            tabindex="0"
            role="group"
            aria-label=say.of(Text::new(
                format!("Bytes: {}. The arrow keys go from byte to byte.", label.en),
                format!("バイト列: {}。矢印キーでバイトを移動できます。", label.ja),
            ))
            on:scroll=move |_| {
                if let Some(place) = place.get_untracked() {
                    scrolled.set(f64::from(place.scroll_top()));
                }
            }
            on:keydown=on_key
            on:pointermove=move |event| linked.point_byte(under(&event))
            on:pointerleave=move |_| linked.point_byte(None)
            on:click=move |event| {
                if let Some(byte) = under(&event) {
                    linked.choose_byte(byte);
                }
            }
        >
            <div
                class="rows"
                style:height=move || format!("{}px", count.get() as f64 * line)
                style:padding-top=move || format!("{}px", window.get().0 as f64 * line)
            >
                <For each=rows key=|row| *row children=move |(row, width)| view! { <Row linked=linked row=row width=width/> }/>
            </div>
        </div>
        <p class="unseen" role="status">{move || chosen_byte(linked).map(|text| say.now(text))}</p>
    }
}

/// What is said of the byte that the keys are at.
fn chosen_byte(linked: Linked) -> Option<Text<String>> {
    let field = linked.chosen.get()?;
    let byte = linked.cursor.get();
    let digits = linked.bytes.with_value(|bytes| bytes.get(byte).copied().map(dump::digits))?;
    let (name, value) = linked
        .tree
        .with_value(|tree| tree.get(field).map(|field| (field.name.clone(), field.value.clone())))?;
    Some(text!("Byte {byte}: {digits}, {name} {value}", "{byte} バイト目: {digits}、{name} {value}"))
}

/// The byte at the pointer: of a row the hexadecimal or the characters.
fn byte_under(event: &web_sys::MouseEvent, width: usize, length: usize) -> Option<usize> {
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let column = target.closest(".hex, .ascii").ok()??;
    let row: usize = column.closest("[data-row]").ok()??.get_attribute("data-row")?.parse().ok()?;
    let held = width.min(length.checked_sub(row * width)?);
    let rect = column.get_bounding_client_rect();
    let is_hex = column.class_list().contains("hex");
    // Three letters a byte; one of the last is not there.
    let letters = if is_hex { 3 * held - 1 } else { held } as f64;
    let letter = (f64::from(event.client_x()) - rect.left()) / rect.width().max(1.0) * letters;
    let index = (letter / if is_hex { 3.0 } else { 1.0 }).max(0.0) as usize;
    Some(row * width + index.min(held - 1))
}

/// A row, cut where what stands out begins and ends.
#[component]
fn Row(linked: Linked, row: usize, width: usize) -> impl IntoView {
    let cut = Memo::new(move |_| {
        let lit = linked.lit();
        let (from, to) = (row * width, (row + 1) * width);
        let within = |at: usize| at.clamp(from, to) - from;
        (within(lit.start), within(lit.end))
    });
    let (offset, bytes) = linked.bytes.with_value(|bytes| {
        let (offset, bytes) = dump::row(bytes, width, row);
        (offset, bytes.to_vec())
    });
    let content = move || {
        let (from, to) = cut.get();
        let (from, to) = (from.min(bytes.len()), to.min(bytes.len()));
        let piece = |range: Range<usize>| bytes.get(range).unwrap_or_default();
        let [before, lit, after] = [piece(0..from), piece(from..to), piece(to..bytes.len())];
        let hex = |piece: &[u8]| piece.iter().map(|byte| dump::digits(*byte)).collect::<Vec<_>>().join(" ");
        let gap = |one: &[u8], other: &[u8]| if one.is_empty() || other.is_empty() { "" } else { " " };
        let text = |piece: &[u8]| piece.iter().map(|byte| dump::ascii(*byte)).collect::<String>();
        // The space behind what stands out is not part of it.
        let first = gap(before, if lit.is_empty() { after } else { lit });
        view! {
            <span class="hex">
                {hex(before)}{first}
                {(!lit.is_empty()).then(|| view! { <mark>{hex(lit)}</mark> })}
                {(!lit.is_empty()).then(|| gap(lit, after))}{hex(after)}
            </span>
            <span class="ascii">
                {text(before)}
                {(!lit.is_empty()).then(|| view! { <mark>{text(lit)}</mark> })}
                {text(after)}
            </span>
        }
    };
    view! {
        <div class="row" data-row=row.to_string()>
            <span class="offset" aria-hidden="true">{format!("{offset:04X}")}</span>
            {content}
        </div>
    }
}

/// JSON in lines.
#[component]
pub(super) fn Json(linked: Linked, lines: StoredValue<Vec<Line>>, label: Text) -> impl IntoView {
    let say = context().say;
    let all = lines.with_value(|lines| {
        lines
            .iter()
            .map(|line| {
                let pieces = line
                    .pieces
                    .iter()
                    .map(|piece| view! { <Shown linked=linked piece=piece.clone()/> })
                    .collect_view();
                view! { <div class="line" data-level=line.level.min(12).to_string()>{pieces}</div> }
            })
            .collect_view()
    });
    let under = |event: &web_sys::MouseEvent| -> Option<usize> {
        let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
        target.closest("[data-at]").ok()??.get_attribute("data-at")?.parse().ok()
    };
    view! {
        <div
            class="json"
            tabindex="0"
            role="group"
            aria-label=say.of(label.map(|label| format!("JSON: {label}")))
            on:pointermove=move |event| linked.point_byte(under(&event))
            on:pointerleave=move |_| linked.point_byte(None)
            on:click=move |event| {
                if let Some(byte) = under(&event) {
                    linked.choose_byte(byte);
                }
            }
        >{all}</div>
    }
}

/// A piece, cut where what stands out begins and ends.
#[component]
fn Shown(linked: Linked, piece: Piece) -> impl IntoView {
    let say = context().say;
    let Piece { kind, range } = piece;
    let (start, end) = (range.start, range.end);
    let cut = Memo::new(move |_| {
        let lit = linked.lit();
        (lit.start.clamp(start, end), lit.end.clamp(start, end))
    });
    let class = match kind {
        Kind::Name => "j-name",
        Kind::Text => "j-text",
        Kind::Value => "j-value",
        Kind::Sign => "j-sign",
        Kind::Cut(_) => "j-cut",
    };
    let content = move || {
        let (from, to) = cut.get();
        if let Kind::Cut(length) = kind {
            let told = say.now(text!("… {length} more", "… 残り {length} 文字"));
            return if from < to { view! { <mark>{told}</mark> }.into_any() } else { told.into_any() };
        }
        linked.bytes.with_value(|bytes| {
            let piece = |range: Range<usize>| {
                String::from_utf8_lossy(bytes.get(range).unwrap_or_default()).into_owned()
            };
            if from >= to {
                return piece(start..end).into_any();
            }
            view! { {piece(start..from)}<mark>{piece(from..to)}</mark>{piece(to..end)} }.into_any()
        })
    };
    let space = matches!(kind, Kind::Sign)
        .then(|| linked.bytes.with_value(|bytes| if bytes.get(start) == Some(&b':') { " " } else { "" }));
    view! { <span class=class data-at=start.to_string()>{content}{space}</span> }
}
