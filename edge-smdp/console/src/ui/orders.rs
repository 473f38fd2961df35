//! The list of profiles and their orders.

use std::sync::Arc;

use leptos::prelude::*;

use super::parts::{
    Ago, Badge, Dots, Field, Loader, Pages, Refresh, Select, Turn, options, profile_types, shown,
    type_options,
};
use super::{context, go, parts};
use crate::api::{ProfileLine, ProfilePage};
use crate::route::{Filter, Route};
use crate::state::ProfileState;

#[component]
pub(super) fn Orders() -> impl IntoView {
    let route = context().route;
    let filter = Memo::new(move |before: Option<&Filter>| match route.get() {
        Route::Orders(filter) => filter,
        // On the way to another view.
        _ => before.cloned().unwrap_or_default(),
    });
    let client = context().client;
    let pages = Pages::new();
    let loader = Loader::<ProfilePage>::new();
    let load = move || {
        let path = format!("profiles?limit=50&{}{}", filter.with(Filter::query), pages.query());
        loader.load(async move { client.get(&path).await });
    };
    pages.follow(filter, load);
    let any = move || filter.with(|filter| *filter != Filter::default());
    view! {
        <Filters filter=Signal::from(filter) to=Route::Orders/>
        <div class="bar">
            <Refresh busy=loader.busy on_press=load/>
            <a class="button" href=move || Route::Sheet(filter.get()).hash()>"Print QR codes"</a>
            <a class="button main" href="#/new">"New order"</a>
        </div>
        {shown(loader, load, move |page: ProfilePage| {
            let empty = page.profiles.is_empty();
            let rows = page.profiles.into_iter().map(|line| view! { <Row line/> }).collect_view();
            view! {
                {empty.then(|| view! { <p class="empty">{if pages.is_later() {
                    "There are no more."
                } else if any() {
                    "No profile passes the filter. Change it, or clear it to see all."
                } else {
                    "There is no profile yet. Add subscribers in the view Batch; then they can be ordered."
                }}</p> })}
                <table class="cards" hidden=empty>
                    <caption class="unseen">"Profiles, the latest change first"</caption>
                    <thead><tr>
                        <th scope="col">"State"</th>
                        <th scope="col">"Profile"</th>
                        <th scope="col">"ICCID"</th>
                        <th scope="col">"EID"</th>
                        <th scope="col">"Type"</th>
                        <th scope="col">"Last change"</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
                <Turn pages next=page.next/>
            }
        })}
    }
}

#[component]
fn Row(line: ProfileLine) -> impl IntoView {
    let to = Route::Order(line.iccid.clone()).hash();
    let eid = line.eid.clone();
    view! {
        <tr data-iccid=line.iccid.clone() data-state=line.state.name()>
            <td class="state"><Badge state=line.state/><Dots state=line.state linked=line.eid.is_some()/></td>
            <th scope="row"><a href=to>{name(&line)}</a><small>{line.service_provider_name.clone()}</small></th>
            <td data-label="ICCID" class="digits">{line.iccid.clone()}</td>
            <td data-label="EID" class="digits"><parts::Eid eid/></td>
            <td data-label="Type" class="free">{line.profile_type.clone().unwrap_or_else(|| "none".to_owned())}</td>
            <td data-label="Last change"><Ago at=line.changed/></td>
        </tr>
    }
}

/// What a profile is called.
pub(super) fn name(line: &ProfileLine) -> String {
    if line.profile_name.is_empty() { "Unnamed profile".to_owned() } else { line.profile_name.clone() }
}

/// The fields of a filter for profiles.
#[component]
pub(super) fn Filters(
    filter: Signal<Filter>,
    to: fn(Filter) -> Route,
    #[prop(optional)] narrow: bool,
) -> impl IntoView {
    let state = RwSignal::new(String::new());
    let profile_type = RwSignal::new(String::new());
    let eid = RwSignal::new(String::new());
    let search = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    Effect::new(move |_| {
        let filter = filter.get();
        state.set(filter.state.map_or_else(String::new, |state| state.name().to_owned()));
        profile_type.set(filter.profile_type);
        eid.set(filter.eid);
        search.set(filter.search);
    });
    let apply = move || {
        let digits: String = eid.get_untracked().split_whitespace().collect();
        if !digits.is_empty() && digits.parse::<rsp::Eid>().is_err() {
            wrong.set(Some("An EID has 32 digits.".to_owned()));
            return;
        }
        wrong.set(None);
        go(&to(Filter {
            state: ProfileState::from_name(&state.get_untracked()),
            profile_type: profile_type.get_untracked(),
            eid: digits,
            search: search.get_untracked().split_whitespace().collect(),
            ..Filter::default()
        }));
    };
    let changed: Arc<dyn Fn() + Send + Sync> = Arc::new(apply);
    let types = type_options(profile_types(), "Any type");
    let states = ProfileState::ALL.map(|state| (state.name().to_owned(), state.name().to_owned()));
    let states = Signal::stored(options("Any state", states.into_iter()));
    view! {
        <form
            class="filters"
            role="search"
            aria-label="Filter"
            on:submit=move |event| {
                event.prevent_default();
                apply();
            }
        >
            <Select label="State" id="filter-state" value=state options=states on_change=changed.clone()/>
            <Select label="Profile type" id="filter-type" value=profile_type options=types on_change=changed/>
            {(!narrow).then(|| view! { <Field label="EID" id="filter-eid" value=eid digits=true wrong/> })}
            <Field label="ICCID or matching id" id="filter-search" value=search help="First digits, or the whole matching id"/>
            <div class="buttons">
                <button type="submit">"Filter"</button>
                <button type="button" class="plain" on:click=move |_| {
                    wrong.set(None);
                    go(&to(Filter::default()));
                }>"Clear"</button>
            </div>
        </form>
    }
}
