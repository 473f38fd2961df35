//! The message that is opened: what it is, who can read it, its fields and its bytes.

use std::sync::Arc;

use leptos::html::Div;
use leptos::prelude::*;
use trace::{Ending, Explanation, Message, Style};
use wasm_bindgen::JsCast;
use words::{Text, text};

use super::copy::Copy;
use super::looking::{Looked, looking};
use super::side::Side;
use super::{files, list::mark_word, names};
use crate::look::row::{Mark, Row, duration, moment};
use crate::said;
use crate::ui::{Context, context, icons, parties};
use crate::units::size;

/// While a message is under way it is shown again after so many exchanges.
const EXCHANGES: usize = 32;

/// What the pane is made anew for.
#[derive(Clone, Copy, PartialEq)]
struct Stamp {
    id: u32,
    exchanges: usize,
    open: bool,
    notes: usize,
    hidden: bool,
}

#[component]
pub(super) fn Detail() -> impl IntoView {
    let hidden = context().hidden;
    let looking = looking();
    let stamp = Memo::new(move |_| {
        let id = looking.opened.get()?;
        let hidden = hidden.get();
        let found = looking.with(|trace| {
            let message = trace.message(id)?;
            let open = message.ending == Ending::Open;
            let exchanges = message.parts.len() / if open { EXCHANGES } else { 1 };
            let notes = message.note.as_ref().map_or(0, String::len);
            Some(Stamp { id, exchanges, open, notes, hidden })
        });
        Some((id, found))
    });
    // Which exchange is looked at, kept while the message grows.
    let part = RwSignal::new(None::<usize>);
    let opened = Memo::new(move |_| looking.opened.get());
    Effect::new(move |_| {
        opened.track();
        part.set(None);
    });
    let place = NodeRef::<Div>::new();
    // On a narrow screen the pane takes the place of the list: its beginning comes into sight.
    Effect::new(move |_| {
        if opened.get().is_some()
            && let Some(place) = place.get()
        {
            request_animation_frame(move || {
                if place.get_bounding_client_rect().top() < 0.0 {
                    place.scroll_into_view();
                }
                // The line that had the focus is out of sight there.
                let back = place.query_selector(".back").ok().flatten();
                let back = back.and_then(|back| back.dyn_into::<web_sys::HtmlElement>().ok());
                if let Some(back) = back.filter(|back| back.offset_width() > 0) {
                    let _ = back.focus();
                }
            });
        }
    });
    let pane = move || {
        let (id, found) = stamp.get()?;
        let looked = found.map_or(Looked::Gone, |_| looking.message(id));
        Some(match looked {
            Looked::Here(message) => pane(Arc::new(*message), part).into_any(),
            Looked::Soon => view! { <Soon/> }.into_any(),
            Looked::Gone => view! { <Gone/> }.into_any(),
        })
    };
    view! { <div class="detail" node_ref=place hidden=move || opened.get().is_none() data-testid="message-detail">{pane}</div> }
}

/// A message that is shown in a moment.
#[component]
fn Soon() -> impl IntoView {
    let say = context().say;
    view! {
        <p class="empty" role="status">{say.of(Text::new(
            "Looking through all messages for what is to be hidden…",
            "隠すべき値をすべてのメッセージから調べています…",
        ))}</p>
    }
}

/// A message that the address names and that is not there.
#[component]
fn Gone() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    view! {
        <p class="empty">{say.of(Text::new(
            "This message is not here (any more): old ones are forgotten to make room, and a reload begins a new trace.",
            "このメッセージはありません。古いものは場所を空けるために破棄され、再読み込みすると記録は新しく始まります。",
        ))}</p>
        <button type="button" on:click=move |_| looking.open(None)>
            {say.of(Text::new("Back to the list", "一覧に戻る"))}
        </button>
    }
}

fn pane(message: Arc<Message>, part: RwSignal<Option<usize>>) -> impl IntoView {
    let Context { say, hidden, .. } = context();
    let row = Row::of(&message, str::to_owned);
    let explanation = trace::explain(&message);
    let exchanges = message.parts.len();
    let shared = StoredValue::new(Arc::clone(&message));
    let sides = move || {
        let message = shared.get_value();
        let decoded = match part.get() {
            None => Some(trace::decode(&message)),
            Some(index) => trace::decode_part(&message, index),
        };
        decoded.map(|decoded| {
            let is_open = message.ending == Ending::Open;
            view! {
                <Side title=Text::new("Request", "要求") side=decoded.request/>
                {match decoded.response {
                    Some(response) => view! { <Side title=Text::new("Response", "応答") side=response/> }.into_any(),
                    None => view! {
                        <section class="side">
                            <h4>{say.of(Text::new("Response", "応答"))}</h4>
                            <p class="empty">{say.of(if is_open {
                                Text::new("None yet.", "まだありません。")
                            } else {
                                Text::new("None came.", "届きませんでした。")
                            })}</p>
                        </section>
                    }.into_any(),
                }}
            }
        })
    };
    let segment = move || {
        let message = shared.get_value();
        let part = message.parts.get(part.get()?)?;
        trace::segment(part).map(|explanation| view! { <Explained explanation=explanation class="segment"/> })
    };
    view! {
        <Head row=row.clone()/>
        {row.note.as_deref().map(said::notes).map(|note| view! {
            <p class="bench-note"><strong>{say.of(Text::new("On the bench: ", "実験台での操作: "))}</strong>{say.of(note)}</p>
        })}
        {explanation.map(|explanation| view! { <Explained explanation=explanation class="explained"/> })}
        <Facts row=row message=Arc::clone(&message)/>
        <Http message=Arc::clone(&message)/>
        {(exchanges > 1).then(|| view! { <Exchanges count=exchanges lost=message.lost part=part/> })}
        {segment}
        {sides}
        <div class="copies" role="group" aria-label=say.of(Text::new("Copy the message", "メッセージをコピー"))>
            {message.interface.is_card().then(|| view! {
                <Copy
                    label=Text::new("Copy as APDU lines", "APDU の行としてコピー")
                    what=move || shared.with_value(|message| trace::apdu_lines(message, Style::PySim))
                />
            })}
            {message.http.is_some().then(|| view! {
                <Copy
                    label=Text::new("Copy as curl", "curl としてコピー")
                    what=move || shared.with_value(|message| trace::curl(message, &files::origin().url))
                />
            })}
            <span class="help">{move || hidden.get().then(|| say.now(MASKED))}</span>
        </div>
    }
}

/// What is copied has masks.
const MASKED: Text =
    Text::new("Numbers are hidden in what is copied, too.", "コピーした内容でも番号は隠されます。");

/// What it is in a sentence, who can read it and where the standard says so.
#[component]
fn Explained(explanation: Explanation, class: &'static str) -> impl IntoView {
    let say = context().say;
    view! {
        <div class=class>
            <p>{say.of(explanation.what)}</p>
            {explanation.readers.map(|readers| view! { <p class="readers">{say.of(readers)}</p> })}
            {explanation.section.map(|section| view! { <p class="reference">{section}</p> })}
        </div>
    }
}

/// Name, the ways to the neighbours and out.
#[component]
fn Head(row: Row) -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let id = row.id;
    let beside = move || looking.with_sift(|sift| sift.beside(id));
    let (from, to) = (row.from, row.to);
    view! {
        <header class=format!("detail-head {}", names::class(row.interface))>
            <button type="button" class="quiet back" on:click=move |_| looking.open(None)>
                <span aria-hidden="true">"‹ "</span>
                {say.of(Text::new("List", "一覧"))}
            </button>
            <h3>{row.name.clone()}</h3>
            <span class="interface">{say.of(names::interface(row.interface))}</span>
            <span class="way">
                {icons::party(from)}
                <span>{say.of(parties::name(from))}</span>
                <span aria-hidden="true">"→"</span>
                <span class="unseen">{say.of(Text::new("to", "から"))}</span>
                {icons::party(to)}
                <span>{say.of(parties::name(to))}</span>
            </span>
            <span class="neighbours">
                <button
                    type="button"
                    class="quiet"
                    aria-label=say.of(Text::new("Message before", "前のメッセージ"))
                    disabled=move || beside().0.is_none()
                    on:click=move |_| looking.open(untrack(beside).0.or(Some(id)))
                ><span aria-hidden="true">"↑"</span></button>
                <button
                    type="button"
                    class="quiet"
                    aria-label=say.of(Text::new("Message after", "次のメッセージ"))
                    disabled=move || beside().1.is_none()
                    on:click=move |_| looking.open(untrack(beside).1.or(Some(id)))
                ><span aria-hidden="true">"↓"</span></button>
                <button
                    type="button"
                    class="quiet close"
                    aria-label=say.of(Text::new("Close the message", "メッセージを閉じる"))
                    on:click=move |_| looking.open(None)
                ><span aria-hidden="true">"✕"</span></button>
            </span>
        </header>
    }
}

#[component]
fn Facts(row: Row, message: Arc<Message>) -> impl IntoView {
    let say = context().say;
    let result = match row.mark {
        Mark::Open => Text::new("under way", "進行中").owned(),
        _ => said::words(&row.result),
    };
    let [sent, received] = row.bytes.map(size);
    let step = message.step;
    view! {
        <dl class="facts">
            <dt>{say.of(Text::new("Result", "結果"))}</dt>
            <dd class="result" data-mark=mark_word(row.mark)>{say.of(result)}</dd>
            {step.map(|step| view! {
                <dt>{say.of(Text::new("Step", "段階"))}</dt>
                <dd>{say.of(names::step_short(step))}</dd>
            })}
            <dt>{say.of(Text::new("Bytes", "サイズ"))}</dt>
            <dd>{say.of(text!("{} sent, {} received", "送信 {}、受信 {}", sent, received))}</dd>
            <dt>{say.of(Text::new("Time", "時間"))}</dt>
            <dd>{say.of(text!("at {}, took {}", "{} に開始、{}", moment(row.at), duration(row.took)))}</dd>
        </dl>
    }
}

/// Request line, status and headers.
#[component]
fn Http(message: Arc<Message>) -> impl IntoView {
    let say = context().say;
    let http = message.http.clone()?;
    let headers = move |title: Text, list: Vec<(String, String)>| {
        let count = list.len();
        (count > 0).then(|| {
            view! {
                <details class="headers">
                    <summary>{say.of(title)}" "<span class="help">{count}</span></summary>
                    <table>
                        <tbody>
                            {list.into_iter().map(|(name, value)| view! {
                                <tr><th scope="row">{name}</th><td>{value}</td></tr>
                            }).collect_view()}
                        </tbody>
                    </table>
                </details>
            }
        })
    };
    Some(view! {
        <div class="http">
            <p class="line"><strong>{http.method}</strong>" "<code>{http.url}</code></p>
            {http.status.map(|status| view! { <p class="line"><strong>"HTTP"</strong>" "<code>{status}</code></p> })}
            {headers(Text::new("Headers of the request", "要求のヘッダー"), http.request_headers)}
            {headers(Text::new("Headers of the answer", "応答のヘッダー"), http.response_headers)}
        </div>
    })
}

/// The whole function, or one exchange on the wire after the other.
#[component]
fn Exchanges(count: usize, lost: u32, part: RwSignal<Option<usize>>) -> impl IntoView {
    let say = context().say;
    let number = move || part.get().map_or(1, |part| part + 1);
    let go = move |to: usize| part.set(Some(to.clamp(1, count) - 1));
    view! {
        <div class="exchanges" role="group" aria-label=say.of(Text::new("Exchanges on the wire", "回線上のやり取り"))>
            <div class="ways">
                <button
                    type="button"
                    aria-pressed=move || part.get().is_none().to_string()
                    on:click=move |_| part.set(None)
                >{say.of(Text::new("Whole function", "機能全体"))}</button>
                <button
                    type="button"
                    aria-pressed=move || part.get().is_some().to_string()
                    on:click=move |_| part.update(|part| *part = part.or(Some(0)))
                >{say.of(text!("{count} APDUs on the wire", "回線上の {count} APDU"))}</button>
            </div>
            <Show when=move || part.get().is_some()>
                <span class="stepper">
                    <button
                        type="button"
                        class="quiet"
                        aria-label=say.of(Text::new("APDU before", "前の APDU"))
                        disabled=move || { number() <= 1 }
                        on:click=move |_| go(untrack(number).saturating_sub(1))
                    ><span aria-hidden="true">"‹"</span></button>
                    <label>
                        <span>"APDU"</span>
                        <input
                            type="number"
                            min="1"
                            max=count.to_string()
                            prop:value=move || number().to_string()
                            on:change=move |event| go(event_target_value(&event).parse().unwrap_or(1))
                        />
                        <span>{say.of(text!("of {count}", "/ {count}"))}</span>
                    </label>
                    <button
                        type="button"
                        class="quiet"
                        aria-label=say.of(Text::new("APDU after", "次の APDU"))
                        disabled=move || { number() >= count }
                        on:click=move |_| go(untrack(number) + 1)
                    ><span aria-hidden="true">"›"</span></button>
                </span>
            </Show>
            {(lost > 0).then(|| view! {
                <p class="help">{say.of(text!(
                    "{lost} further exchanges were too many to keep.",
                    "さらに {lost} 件のやり取りは、多すぎるため保持していません。"
                ))}</p>
            })}
        </div>
    }
}
