//! QR codes to print.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::parts::{Loader, QrCode, Refresh, shown};
use super::{context, orders};
use crate::api::ProfilePage;
use crate::route::{Filter, Route, last_digits};
use crate::state::ProfileState;
use crate::words::count;

/// The most codes on one sheet of paper after the other.
const MOST: usize = 1000;

/// What stands on paper.
#[derive(Clone, PartialEq)]
pub(super) struct Label {
    pub(super) name: String,
    pub(super) iccid: String,
    pub(super) code: String,
}

/// Labels that were found, and whether there are more.
#[derive(Clone, PartialEq)]
struct Found {
    labels: Vec<Label>,
    without: usize,
    more: bool,
}

#[component]
pub(super) fn Sheet() -> impl IntoView {
    let route = context().route;
    let client = context().client;
    let filter = Memo::new(move |before: Option<&Filter>| match route.get() {
        // What can be used, unless something else is asked for.
        Route::Sheet(filter) if filter == Filter::default() => {
            Filter { state: Some(ProfileState::Released), ..filter }
        }
        Route::Sheet(filter) => filter,
        _ => before.cloned().unwrap_or_default(),
    });
    let loader = Loader::<Found>::new();
    let load = move || {
        let query = filter.with(Filter::query);
        loader.load(async move {
            let mut found = Found { labels: Vec::new(), without: 0, more: false };
            let mut cursor = String::new();
            loop {
                let page: ProfilePage = client.get(&format!("profiles?limit=200&{query}{cursor}")).await?;
                for line in page.profiles {
                    let name = orders::name(&line);
                    match line.activation_code {
                        Some(code) => found.labels.push(Label { name, iccid: line.iccid, code }),
                        None => found.without += 1,
                    }
                }
                match page.next {
                    Some(_) if found.labels.len() >= MOST => {
                        found.more = true;
                        return Ok(found);
                    }
                    Some(next) => cursor = format!("&cursor={}", crate::route::escape(&next)),
                    None => return Ok(found),
                }
            }
        });
    };
    Effect::new(move |_| {
        filter.track();
        load();
    });
    view! {
        <orders::Filters filter=Signal::from(filter) to=Route::Sheet/>
        <div class="bar"><Refresh busy=loader.busy on_press=load/></div>
        {shown(loader, load, |found: Found| view! {
            {found.more.then(|| view! { <p class="note">"There are more: only the first "{MOST}" are here. Use the filter to print the others."</p> })}
            {(found.without > 0).then(|| view! { <p class="help">{count(found.without, "order")}" without an activation code left out: devices find those by their EID."</p> })}
            {if found.labels.is_empty() {
                view! { <p class="empty">"No order with an activation code passes the filter. Only released orders are shown unless another state is chosen."</p> }.into_any()
            } else {
                view! { <Labels labels=found.labels/> }.into_any()
            }}
        })}
    }
}

/// Codes to choose from, and to print.
#[component]
pub(super) fn Labels(labels: Vec<Label>) -> impl IntoView {
    let all: BTreeSet<String> = labels.iter().map(|label| label.iccid.clone()).collect();
    let total = all.len();
    let chosen = RwSignal::new(all.clone());
    let number = move || chosen.with(BTreeSet::len);
    let label = move |label: Label| {
        let own = StoredValue::new(label.iccid.clone());
        let on = move || own.with_value(|own| chosen.with(|chosen| chosen.contains(own)));
        let turn = move |event| {
            let own = own.get_value();
            let on = event_target_checked(&event);
            chosen.update(|chosen| {
                if on {
                    chosen.insert(own);
                } else {
                    chosen.remove(&own);
                }
            });
        };
        view! {
            <li class="label" class:off=move || !on()>
                <label class="pick">
                    <input type="checkbox" prop:checked=on on:change=turn/>
                    <span>"Print "<span class="unseen">{label.name.clone()}" ICCID …"{last_digits(&label.iccid).to_owned()}</span></span>
                </label>
                <QrCode text=label.code.clone()/>
                <p class="name">{label.name}</p>
                <p class="digits">"ICCID …"{last_digits(&label.iccid).to_owned()}</p>
                <p class="digits codetext">{label.code}</p>
            </li>
        }
    };
    view! {
        <section class="sheet" aria-label="QR codes">
            <div class="bar">
                <button type="button" class="main" disabled=move || number() == 0 on:click=move |_| drop(window().print())>
                    {move || format!("Print {}", count(number(), "code"))}
                </button>
                <button type="button" disabled=move || number() == total on:click=move |_| chosen.set(all.clone())>"Choose all"</button>
                <button type="button" disabled=move || number() == 0 on:click=move |_| chosen.set(BTreeSet::new())>"Choose none"</button>
            </div>
            <ul class="labels">{labels.into_iter().map(label).collect_view()}</ul>
        </section>
    }
}
