//! The list of messages. Only the lines in sight are in the page, each line changes alone.

use leptos::html::Div;
use leptos::prelude::*;
use trace::Party;
use wasm_bindgen::JsCast;
use words::{Text, text};

use super::looking::{Looking, looking};
use super::measure::{measured, rem};
use super::{diagram, names};
use crate::look::address;
use crate::look::row::{Mark, Row, duration, moment};
use crate::look::scene::{self, Item};
use crate::look::tree::Key;
use crate::said;
use crate::ui::{context, document, icons, parties};

/// Below this width, in pixels, a line of the list has two rows.
const NARROW: f64 = 600.0;

#[component]
pub(super) fn List() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let place = NodeRef::<Div>::new();
    let size = measured(place);
    let width = Memo::new(move |_| size.get().0);
    let narrow = Memo::new(move |_| width.get() < NARROW);
    let scrolled = RwSignal::new(0.0);
    let rem = rem();
    // The heights are those of the sheet: the only numbers that both must know.
    let line = Memo::new(move |_| {
        rem * if looking.as_diagram.get() {
            3.25
        } else if narrow.get() {
            2.9
        } else {
            2.0
        }
    });
    let count = Memo::new(move |_| looking.with_items(<[Item]>::len));
    let window = Memo::new(move |_| scene::window(count.get(), line.get(), scrolled.get(), size.get().1));
    let items = move || {
        let (first, last) = window.get();
        looking.with_items(|items| items.get(first..last.min(items.len())).unwrap_or_default().to_vec())
    };
    let lifelines = Memo::new(move |_| looking.with_sift(scene::lifelines));
    // Which line the tabulator stops at.
    let current = RwSignal::new(None::<u32>);
    let stop = Memo::new(move |_| {
        let visible = items();
        let is_visible = |id: u32| visible.contains(&Item::Message(id));
        current.get().or_else(|| looking.opened.get()).filter(|id| is_visible(*id)).or_else(|| {
            visible.iter().find_map(|item| matches!(item, Item::Message(_)).then(|| item.message()))
        })
    });

    // With the next frame one may be elsewhere.
    let still_here = move || place.try_get_untracked().flatten();
    let to = move |top: f64| {
        if let Some(place) = still_here() {
            place.set_scroll_top(top.max(0.0).round() as i32);
        }
    };
    // The end stays in sight while it is followed.
    Effect::new(move |_| {
        let (count, line, height) = (count.get(), line.get(), size.get().1);
        if looking.follows.get() {
            request_animation_frame(move || to((count as f64).mul_add(line, -height) + 1.0));
        }
    });
    // A message that was opened from elsewhere comes into sight.
    let reveal = move |id: u32| {
        if still_here().is_none() {
            return;
        }
        let found = looking.with_items(|items| items.iter().position(|item| *item == Item::Message(id)));
        let (Some(index), line, height) = (found, line.get_untracked(), size.get_untracked().1) else {
            return;
        };
        let top = index as f64 * line;
        let at = scrolled.get_untracked();
        if top < at || top + line > at + height {
            looking.follows.set(false);
            to(top - (height - line) / 2.0);
        }
    };
    Effect::new(move |_| {
        if let Some(id) = looking.opened.get()
            && size.get().1 > 0.0
        {
            request_animation_frame(move || untrack(|| reveal(id)));
        }
    });
    // One comes back to the line that one has left.
    Effect::new(move |before: Option<Option<u32>>| {
        let opened = looking.opened.get();
        if let (Some(Some(left)), None) = (before, opened) {
            current.set(Some(left));
            request_animation_frame(move || {
                // By now the list has its size again.
                request_animation_frame(move || untrack(|| reveal(left)));
                focus_soon(left);
            });
        }
        opened
    });
    let on_scroll = move |_| {
        let Some(place) = place.get_untracked() else { return };
        let (top, height) = (f64::from(place.scroll_top()), f64::from(place.client_height()));
        let rest = f64::from(place.scroll_height()) - top - height;
        if rest < line.get_untracked() {
            looking.follows.set(true);
        } else if top < scrolled.get_untracked() - 1.0 {
            looking.follows.set(false);
        }
        scrolled.set(top);
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let Some(key) = Key::of(&event.key()) else { return };
        let Some(from) = stop.get_untracked() else { return };
        let messages = || {
            looking.with_sift(|sift| {
                let (before, after) = sift.beside(from);
                match key {
                    Key::Up => before,
                    Key::Down => after,
                    Key::Home => sift.get(0).map(|shown| shown.id),
                    Key::End => {
                        sift.len().checked_sub(1).and_then(|last| sift.get(last)).map(|shown| shown.id)
                    }
                    Key::Left | Key::Right => None,
                }
            })
        };
        let Some(id) = untrack(messages) else { return };
        event.prevent_default();
        current.set(Some(id));
        untrack(|| reveal(id));
        if looking.opened.get_untracked().is_some() {
            looking.open(Some(id));
        }
        focus_soon(id);
    };
    view! {
        <Heads lifelines=lifelines/>
        <div
            class="list"
            class:narrow=narrow
            class:diagram=looking.as_diagram
            node_ref=place
            on:scroll=on_scroll
            role="region"
            aria-label=say.of(Text::new("List of messages", "メッセージの一覧"))
        >
            <ol
                style:height=move || format!("{}px", count.get() as f64 * line.get())
                style:padding-top=move || format!("{}px", window.get().0 as f64 * line.get())
                on:keydown=on_key
            >
                <For each=items key=|item| *item children=move |item| match item {
                    Item::Title(step, _) => view! {
                        <li class="title" data-step=step.map(|step| step.number().to_string())>
                            {step.map(|step| view! { <span class="badge-step" aria-hidden="true">{step.number()}</span> })}
                            <span>{say.of(names::step(step))}</span>
                        </li>
                    }.into_any(),
                    Item::LetGo(_) => view! {
                        <li class="title let-go">
                            <span>{say.of(Text::new(
                                "Network let go: the whole package is here, and the chip installs it alone",
                                "ネットワークを解放: パッケージはすべて届き、チップが単独でインストール",
                            ))}</span>
                        </li>
                    }.into_any(),
                    Item::Message(id) => view! {
                        <Line id=id stop=stop current=current lifelines=lifelines width=width/>
                    }.into_any(),
                }/>
            </ol>
            <Show when=move || count.get() == 0>
                <p class="empty">{move || say.now(nothing(looking))}</p>
            </Show>
        </div>
    }
}

/// Why the list is empty.
fn nothing(looking: Looking) -> Text {
    if looking.with(trace::Trace::is_empty) {
        Text::new(
            "No messages yet. They appear as soon as the phone speaks to its chip or to the network.",
            "まだメッセージはありません。電話がチップやネットワークと通信すると、ここに表示されます。",
        )
    } else {
        Text::new("No message fits what is asked for above.", "上の条件に合うメッセージはありません。")
    }
}

/// Gives a line the focus when it is in the page.
fn focus_soon(id: u32) {
    request_animation_frame(move || {
        request_animation_frame(move || {
            let line =
                document().query_selector(&format!(".messages a[data-message=\"{id}\"]")).ok().flatten();
            if let Some(line) = line.and_then(|line| line.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = line.focus();
            }
        });
    });
}

/// Heads of the columns, or of the lifelines.
#[component]
fn Heads(lifelines: Memo<Vec<Party>>) -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let heads = move || {
        lifelines
            .get()
            .into_iter()
            .map(|party| {
                view! {
                    <span class=format!("head {}", party.word())>
                        {icons::party(party)}
                        <span>{say.of(parties::name(party))}</span>
                    </span>
                }
            })
            .collect_view()
    };
    view! {
        <div class="heads" class:diagram=looking.as_diagram aria-hidden="true">
            <div class="lifelines">{heads}</div>
            <span class="function">{say.of(Text::new("Function", "機能"))}</span>
            <span class="bytes">{say.of(Text::new("Bytes", "サイズ"))}</span>
            <span class="took">{say.of(Text::new("Time", "時間"))}</span>
            <span class="result">{say.of(Text::new("Result", "結果"))}</span>
        </div>
    }
}

/// A message's line.
#[component]
fn Line(
    id: u32,
    stop: Memo<Option<u32>>,
    current: RwSignal<Option<u32>>,
    lifelines: Memo<Vec<Party>>,
    width: Memo<f64>,
) -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let row = Memo::new(move |_| looking.row(id));
    let interface = row.with_untracked(|row| row.as_ref().map_or("", |row| names::class(row.interface)));
    let mark = move || row.with(|row| row.as_ref().map(|row| row.mark));
    let place = move || looking.with_sift(|sift| sift.place_of(id)).map(|place| (place + 1).to_string());
    let content = move || {
        let row = row.get()?;
        Some(if looking.as_diagram.get() {
            lifelines.with(|lifelines| diagram::arrow(&row, lifelines, width.get(), say)).into_any()
        } else {
            lifelines.with(|lifelines| columns(&row, lifelines)).into_any()
        })
    };
    view! {
        <li
            class=format!("message {interface}")
            class:failed=move || mark() == Some(Mark::Bad)
            class:noted=move || row.with(|row| row.as_ref().is_some_and(|row| row.note.is_some()))
            aria-posinset=place
            aria-setsize=move || looking.with_sift(|sift| sift.len().to_string())
        >
            <a
                href=address::fragment(Some(id))
                data-message=id.to_string()
                tabindex=move || if stop.get() == Some(id) { "0" } else { "-1" }
                aria-current=move || (looking.opened.get() == Some(id)).then_some("true")
                on:focus=move |_| current.set(Some(id))
            >{content}</a>
        </li>
    }
}

fn columns(row: &Row, lifelines: &[Party]) -> impl IntoView + use<> {
    let say = context().say;
    let result = match row.mark {
        Mark::Open => say.of(Text::new("under way", "進行中").owned()),
        _ => say.of(said::words(&row.result)),
    };
    let (from, to) = (parties::name(row.from), parties::name(row.to));
    let title = match row.exchanges {
        0 | 1 => text!("at {}", "{}", moment(row.at)),
        many => text!("at {}, {many} exchanges on the wire", "{}、{many} 往復", moment(row.at)),
    };
    let step = row.step;
    let note = row.note.as_deref().map(said::notes);
    view! {
        <span class="badge-step" data-step=step.map(|step| step.number().to_string())>
            {step.map(|step| view! {
                <span class="unseen">{say.of(Text::new("Step ", "段階 "))}</span>
                {step.number()}
            })}
        </span>
        {lanes(row, lifelines)}
        <span class="function">
            {row.name.clone()}
            " "
            <span class="unseen">{say.of(Text::new(
                format!("{} to {}", from.en, to.en),
                format!("{}から{}へ", from.ja, to.ja),
            ))}" "</span>
        </span>
        <span class="interface">{say.of(names::interface(row.interface))}" "</span>
        <span class="bytes">{row.sizes()}" "</span>
        <span class="took" title=say.of(title)>{(row.mark != Mark::Open).then(|| duration(row.took))}" "</span>
        <span class="result" data-mark=mark_word(row.mark)>{result}</span>
        {note.map(|note| {
            let title = say.of(note);
            let note = title.clone();
            view! { <span class="note" title=title>{note}</span> }
        })}
    }
}

pub(super) const fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Open => "open",
        Mark::Good => "good",
        Mark::Bad => "bad",
    }
}

/// The small drawing of who speaks to whom.
fn lanes(row: &Row, lifelines: &[Party]) -> impl IntoView + use<> {
    const HEIGHT: f64 = 20.0;
    const WIDTH: f64 = 120.0;
    let x = |party| scene::place(lifelines, party) * WIDTH / 100.0;
    let (from, to) = (x(row.from), x(row.to));
    let back: f64 = if to > from { -1.0 } else { 1.0 };
    let head = format!("M{to} {} l{} -4 v8 z", HEIGHT / 2.0, back * 7.0);
    let lives = lifelines
        .iter()
        .map(|party| {
            let x = x(*party).to_string();
            view! { <line class="life" x1=x.clone() x2=x y1="-10" y2="30"/> }
        })
        .collect_view();
    view! {
        <svg class="lanes" viewBox=format!("0 0 {WIDTH} {HEIGHT}") aria-hidden="true" focusable="false">
            {lives}
            <line class="call" x1=from.to_string() x2=back.mul_add(5.0, to).to_string() y1="10" y2="10"/>
            <circle class="from" cx=from.to_string() cy="10" r="3"/>
            <path class="head" d=head/>
        </svg>
    }
}
