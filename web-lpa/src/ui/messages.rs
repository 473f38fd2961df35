//! The messages between the four parties, live: who to whom, what, how large, how long,
//! with which result; opened, a row shows the raw bytes.

use leptos::html::Div;
use leptos::prelude::*;

use super::{Context, context};
use crate::model::Row;
use crate::trace::{Ending, Exchange, Party, size};

/// Which messages are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    All,
    With(Party),
    Failed,
}

impl Filter {
    const ALL: [(Self, &'static str); 5] = [
        (Self::All, "All"),
        (Self::With(Party::Chip), "Chip"),
        (Self::With(Party::Network), "Network"),
        (Self::With(Party::Smdp), "SM-DP+"),
        (Self::Failed, "Failed"),
    ];

    fn lets(self, exchange: &Exchange) -> bool {
        match self {
            Self::All => true,
            Self::With(party) => exchange.to == party,
            Self::Failed => exchange.failed(),
        }
    }
}

#[component]
pub(super) fn Messages() -> impl IntoView {
    let Context { model, .. } = context();
    let filter = RwSignal::new(Filter::All);
    let list = NodeRef::<Div>::new();
    // The list follows its end until the person scrolls up, and again from the end on.
    let follow = StoredValue::new(true);
    let last_top = StoredValue::new(0);
    Effect::new(move |_| {
        model.rows.with(Vec::len);
        filter.track();
        if follow.get_value() {
            request_animation_frame(move || {
                if let Some(list) = list.get_untracked() {
                    list.set_scroll_top(list.scroll_height());
                }
            });
        }
    });
    let rows = move || {
        let filter = filter.get();
        model.rows.with(|rows| {
            let shown = rows.iter().filter(|row| match filter {
                Filter::Failed => row.with(|row| filter.lets(row)),
                _ => row.with_untracked(|row| filter.lets(row)),
            });
            shown.copied().collect::<Vec<Row>>()
        })
    };
    let filters = Filter::ALL.map(|(kind, name)| {
        view! {
            <button type="button" aria-pressed=move || (filter.get() == kind).to_string() on:click=move |_| filter.set(kind)>
                {name}
            </button>
        }
    });
    view! {
        <section class="messages" aria-labelledby="messages-title">
            <div class="heading">
                <h2 id="messages-title">"Messages"</h2>
                <div class="filters" role="group" aria-label="Which messages to show">{filters.into_iter().collect_view()}</div>
            </div>
            <div class="columns" aria-hidden="true">
                <span></span>
                <span class="lanes">{Party::ALL.map(|party| view! { <span>{party.name()}</span> }).into_iter().collect_view()}</span>
                <span>"Function"</span>
                <span class="bytes">"Bytes"</span>
                <span class="took">"Time"</span>
                <span class="result">"Result"</span>
            </div>
            <div
                class="list"
                tabindex="0"
                role="region"
                aria-label="List of messages"
                node_ref=list
                on:scroll=move |_| {
                    if let Some(list) = list.get_untracked() {
                        let top = list.scroll_top();
                        let at_end = list.scroll_height() - top - list.client_height() < 48;
                        if at_end || top < last_top.get_value() {
                            follow.set_value(at_end);
                        }
                        last_top.set_value(top);
                    }
                }
            >
                <ol>
                    <For each=rows key=|row| row.with_untracked(|row| row.id) children=|row| view! { <Message row/> }/>
                </ol>
            </div>
        </section>
    }
}

#[component]
fn Message(row: Row) -> impl IntoView {
    let fixed = row.get_untracked();
    let open = RwSignal::new(false);
    let get = move |read: fn(&Exchange) -> String| move || row.try_with(read).unwrap_or_default();
    let result = move || {
        row.try_with(|row| match &row.ending {
            Ending::Open => ("result open", "…".to_owned()),
            Ending::Good(told) => ("result good", told.clone()),
            Ending::Bad(told) => ("result bad", told.clone()),
        })
        .unwrap_or(("result", String::new()))
    };
    let step = fixed.step.map(|step| {
        view! { <span class="badge-step" title=format!("Step {}", step.number())>{step.number()}</span> }
    });
    let (from, to) = (fixed.from.name(), fixed.to.name());
    view! {
        <li class=format!("message to-{}", fixed.to.class()) class:failed=move || row.try_with(Exchange::failed).unwrap_or(false)>
            <details on:toggle=move |_| open.update(|open| *open = !*open)>
                <summary>
                    <span class="step-cell">{step}</span>
                    <span class="lanes" role="img" aria-label=format!("{from} to {to}")>
                        <i></i><i></i><i></i><i></i><b></b>
                    </span>
                    <span class="function">{fixed.name}</span>
                    <span class="bytes">{get(|row| size(row.sent + row.received))}</span>
                    <span class="took">{get(|row| milliseconds(row.took))}</span>
                    <span class=move || result().0>{move || result().1}</span>
                </summary>
                <Show when=move || open.get()>
                    <Raw row/>
                </Show>
            </details>
        </li>
    }
}

/// The exchanges of a row as they were on the wire.
#[component]
fn Raw(row: Row) -> impl IntoView {
    let about = move || {
        row.try_with(|row| {
            let kept = row.parts.len();
            let more = if row.count > kept { format!(", the first {kept} are shown") } else { String::new() };
            let exchanges = if row.count == 1 { "exchange" } else { "exchanges" };
            format!(
                "{} to {} at {:.3} s · {} {exchanges}{more} · {} bytes sent, {} received · {}",
                row.from.name(),
                row.to.name(),
                row.at / 1000.0,
                row.count,
                row.sent,
                row.received,
                milliseconds(row.took)
            )
        })
    };
    let parts = move || {
        row.try_with(|row| {
            let parts = row.parts.iter().map(|part| {
                view! {
                    <div class="part">
                        <pre class="request" tabindex="0" aria-label="Sent">{part.request.clone()}</pre>
                        <pre class="response" tabindex="0" aria-label="Received">{part.response.clone()}</pre>
                    </div>
                }
            });
            parts.collect_view()
        })
    };
    view! {
        <div class="raw">
            <p>{about}</p>
            {parts}
        </div>
    }
}

fn milliseconds(took: f64) -> String {
    if took >= 9_950.0 {
        format!("{:.0} s", took / 1000.0)
    } else if took >= 995.0 {
        format!("{:.1} s", took / 1000.0)
    } else {
        format!("{took:.0} ms")
    }
}
