//! Messages that wait for the person: where they are held, what they are, and what is sent in
//! their place.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use words::{Text, text};

use super::tree::Tree;
use super::{Function, WayField, function_words, way_words};
use crate::bench::fault::Way;
use crate::bench::hold::{Decision, Held, What};
use crate::ui::{Context, context};

/// Most places where messages are held.
const MAX_STOPS: usize = 20;

/// Tells, in every view, that something waits.
#[component]
pub(in crate::ui) fn HeldBanner() -> impl IntoView {
    let Context { say, bench, .. } = context();
    move || {
        let (count, name) = bench
            .held
            .with(|held| (held.len(), held.first().map(|held| held.name.clone()).unwrap_or_default()));
        (count > 0).then(|| {
            view! {
                <div class="banner held" role="alert" data-testid="held-banner">
                    <strong>{say.of(Text::new("A message is held.", "メッセージを止めています。"))}</strong>
                    <span>{say.of(text!(
                        "{name} waits until you let it go on.",
                        "{name} は、あなたが進めるまで待っています。"
                    ))}</span>
                    <a href="#bench?hold">{say.of(Text::new("Show it", "表示する"))}</a>
                </div>
            }
        })
    }
}

#[component]
pub(super) fn Hold() -> impl IntoView {
    let Context { say, bench, .. } = context();
    let function = RwSignal::new(String::new());
    let way = RwSignal::new(Way::Request);
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        if bench.stops.with_untracked(Vec::len) < MAX_STOPS {
            bench.stop_at(function.get_untracked().trim().to_owned(), way.get_untracked());
        }
    };
    let stops = move || {
        bench.stops.get().into_iter().map(|stop| {
            let name = function_words(&stop.function);
            let id = stop.id;
            view! {
                <li>
                    <span><strong>{say.of(name)}</strong>" · "{say.of(way_words(stop.way))}</span>
                    <button type="button" class="quiet" on:click=move |_| bench.stops.update(|stops| stops.retain(|stop| stop.id != id))>
                        {say.of(Text::new("Remove", "外す"))}
                    </button>
                </li>
            }
        }).collect_view()
    };
    view! {
        <p class="help">{say.of(Text::new(
            "A message that is held can be read, edited, or dropped. It stays held when you look at other views.",
            "止めたメッセージは、読む、書き換える、捨てることができます。ほかの表示に移っても止まったままです。",
        ))}</p>
        <form class="row" on:submit=add>
            <Function value=function/>
            <WayField value=way/>
            <button type="submit">{say.of(Text::new("Hold these", "止める"))}</button>
        </form>
        <ul class="stops">{stops}</ul>
        <For each=move || bench.held.get() key=|held| held.id children=|held| view! { <Waiting held/> }/>
    }
}

#[component]
fn Waiting(held: Held) -> impl IntoView {
    let Context { say, bench, .. } = context();
    let id = held.id;
    let text_signal = RwSignal::new(bench.draft(id).unwrap_or_else(|| held.text()));
    let before = held.text();
    let trouble = RwSignal::new(None::<Text<String>>);
    let way = way_words(held.way());
    let name = held.name.clone();
    let status = match &held.what {
        What::Reply { status, .. } => Some(format!("HTTP {status}")),
        _ => None,
    };
    let kind = if held.is_apdu() {
        Text::new("The message in hexadecimal", "メッセージ (16 進)")
    } else {
        Text::new("The message’s body", "メッセージの本文")
    };
    let held = StoredValue::new(held);
    // What stands in the editor, decoded.
    let nodes = Memo::new(move |_| {
        text_signal.with(|text| {
            held.with_value(|held| {
                let bytes = held.edited(text).ok()?;
                let message = held.message(&bytes)?;
                let decoded = trace::decode(&message);
                match held.way() {
                    Way::Request => Some(decoded.request.nodes),
                    Way::Answer => decoded.response.map(|response| response.nodes),
                }
            })
        })
    });
    let changed = move || text_signal.with(|text| *text != before);
    let send = move |_| {
        let edited = text_signal.with_untracked(|text| held.with_value(|held| held.edited(text)));
        match edited {
            Ok(bytes) => bench.decide(id, Decision::Edited(bytes)),
            Err(why) => trouble.set(Some(why)),
        }
    };
    view! {
        <article class="waiting" data-testid="held">
            <h4>{name}" "<small>{say.of(way)}{status.map(|status| format!(" · {status}"))}</small></h4>
            <label>
                {say.of(kind)}
                <textarea
                    rows="8"
                    spellcheck="false"
                    autocomplete="off"
                    prop:value=text_signal
                    on:input=move |event| { trouble.set(None); let text = event_target_value(&event);
                        bench.set_draft(id, text.clone());
                        text_signal.set(text); }
                ></textarea>
            </label>
            {move || trouble.get().map(|why| view! { <p class="said wrong" role="alert">{say.of(why)}</p> })}
            <div class="acts">
                <button type="button" on:click=move |_| bench.decide(id, Decision::AsItIs)>
                    {say.of(Text::new("Send as it is", "そのまま送る"))}
                </button>
                <button type="button" class="primary" disabled=move || !changed() on:click=send>
                    {say.of(Text::new("Send edited", "書き換えて送る"))}
                </button>
                <button type="button" class="danger" on:click=move |_| bench.decide(id, Decision::Drop)>
                    {say.of(Text::new("Drop", "捨てる"))}
                </button>
            </div>
            {move || nodes.get().map(|nodes| view! { <Tree nodes label=Text::new("Fields of the held message", "止めたメッセージのフィールド")/> })}
        </article>
    }
}
