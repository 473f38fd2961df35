//! The three logs: what happened here, what eUICCs reported, what waits to be told.

use std::sync::Arc;

use leptos::prelude::*;

use super::parts::{
    Ago, Eid, Field, Loader, Moment, Mood, Pages, ProfileLink, Refresh, Select, Turn, options, shown,
};
use super::{context, go};
use crate::api::{Event, EventPage, NotificationPage, Outbox, OutgoingMessage};
use crate::route::{Filter, Log, Route};
use crate::state::{self, EVENTS, Tone, event as words_of};
use crate::words::count;

/// A page of something that happened.
#[derive(Clone, PartialEq)]
struct Page {
    events: Vec<Event>,
    next: Option<String>,
}

#[component]
pub(super) fn Logs(log: Log) -> impl IntoView {
    let tab = move |of: Log, words: &'static str| {
        let current = (log == of).then_some("page");
        view! { <li><a href=Route::Log(of, Filter::default()).hash() aria-current=current>{words}</a></li> }
    };
    view! {
        <nav class="tabs" aria-label="Logs"><ul>
            {tab(Log::Events, "What happened here")}
            {tab(Log::Notifications, "Notifications received")}
            {tab(Log::Outbox, "Outbox")}
        </ul></nav>
        {match log {
            Log::Outbox => view! { <Waiting/> }.into_any(),
            _ => view! { <Happened log/> }.into_any(),
        }}
    }
}

#[component]
fn Happened(log: Log) -> impl IntoView {
    let route = context().route;
    let client = context().client;
    let filter = Memo::new(move |before: Option<&Filter>| match route.get() {
        Route::Log(_, filter) => filter,
        _ => before.cloned().unwrap_or_default(),
    });
    let pages = Pages::new();
    let loader = Loader::<Page>::new();
    let load = move || {
        let query = format!("limit=50&{}{}", filter.with(Filter::query), pages.query());
        loader.load(async move {
            if log == Log::Events {
                let page: EventPage = client.get(&format!("events?{query}")).await?;
                Ok(Page { events: page.events, next: page.next })
            } else {
                let page: NotificationPage = client.get(&format!("notifications?{query}")).await?;
                Ok(Page { events: page.notifications, next: page.next })
            }
        });
    };
    pages.follow(filter, load);
    let row = |event: Event| {
        let (words, tone) = words_of(&event.event);
        let words = words.to_owned();
        let iccid = event.iccid.clone().unwrap_or_default();
        let number = event.seq_number.map(|number| format!("Number {number}. ")).unwrap_or_default();
        let by = event.by.as_ref().map(|by| format!("{}. ", state::causer(by))).unwrap_or_default();
        let detail = format!("{by}{number}{}", event.detail.clone().unwrap_or_default());
        let bare = detail.is_empty();
        view! {
            <tr data-event=event.event.clone()>
                <td class="state"><Mood tone words/></td>
                <th scope="row" class="when"><Moment at=event.at/></th>
                <td data-label="Profile" class="digits"><ProfileLink iccid/></td>
                <td data-label="EID" class="digits"><Eid eid=event.eid/></td>
                <td data-label="Detail" class:none=bare>{if bare { "–".to_owned() } else { detail }}</td>
            </tr>
        }
    };
    view! {
        {(log == Log::Events).then(|| view! { <Filters filter=Signal::from(filter)/> })}
        <div class="bar"><Refresh busy=loader.busy on_press=load/></div>
        {shown(loader, load, move |page: Page| {
            let empty = page.events.is_empty();
            view! {
                {empty.then(|| view! { <p class="empty">{match log {
                    _ if pages.is_later() => "There are no more.",
                    Log::Notifications => "No eUICC has reported anything yet.",
                    _ if filter.with(|filter| *filter != Filter::default()) => "Nothing passes the filter. Change it, or clear it to see all.",
                    _ => "Nothing has happened yet.",
                }}</p> })}
                <table class="cards" hidden=empty>
                    <caption class="unseen">"The latest first"</caption>
                    <thead><tr>
                        <th scope="col">"What"</th><th scope="col">"When"</th><th scope="col">"Profile"</th>
                        <th scope="col">"EID"</th><th scope="col">"Detail"</th>
                    </tr></thead>
                    <tbody>{page.events.into_iter().map(row).collect_view()}</tbody>
                </table>
                <Turn pages next=page.next/>
            }
        })}
    }
}

#[component]
fn Filters(filter: Signal<Filter>) -> impl IntoView {
    let event = RwSignal::new(String::new());
    let iccid = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    Effect::new(move |_| {
        let filter = filter.get();
        event.set(filter.event);
        iccid.set(filter.iccid);
    });
    let apply = move || {
        let digits: String = iccid.get_untracked().split_whitespace().collect();
        if !digits.is_empty() && digits.parse::<rsp::Iccid>().is_err() {
            wrong.set(Some("An ICCID has 18 to 20 digits.".to_owned()));
            return;
        }
        wrong.set(None);
        go(&Route::Log(
            Log::Events,
            Filter { event: event.get_untracked(), iccid: digits, ..Filter::default() },
        ));
    };
    let changed: Arc<dyn Fn() + Send + Sync> = Arc::new(apply);
    let kinds = EVENTS.map(|name| (name.to_owned(), words_of(name).0.to_owned()));
    let kinds = Signal::stored(options("Anything", kinds.into_iter()));
    view! {
        <form class="filters" role="search" aria-label="Filter" on:submit=move |event| {
            event.prevent_default();
            apply();
        }>
            <Select label="What" id="filter-event" value=event options=kinds on_change=changed/>
            <Field label="ICCID" id="filter-iccid" value=iccid digits=true wrong/>
            <div class="buttons">
                <button type="submit">"Filter"</button>
                <button type="button" class="plain" on:click=move |_| {
                    wrong.set(None);
                    go(&Route::Log(Log::Events, Filter::default()));
                }>"Clear"</button>
            </div>
        </form>
    }
}

#[component]
fn Waiting() -> impl IntoView {
    let client = context().client;
    let loader = Loader::<Outbox>::new();
    let load = move || loader.load(async move { client.get("outbox").await });
    load();
    let row = |message: OutgoingMessage| {
        let words = match message.function.as_str() {
            "handleDownloadProgressInfo" => "Progress of a download, to the operator",
            "handleNotification" => "Notification, to the operator",
            "deleteEvent" => "Delete an event, to the SM-DS",
            other => other,
        };
        let words = words.to_owned();
        let tone = if message.attempts == 0 { Tone::Idle } else { Tone::Bad };
        let tried = if message.attempts == 0 {
            "Not tried yet".to_owned()
        } else {
            format!("Tried {}", count(message.attempts as usize, "time"))
        };
        view! {
            <tr>
                <td class="state"><Mood tone words=tried/></td>
                <th scope="row">{words}</th>
                <td data-label="Profile" class="digits">{message.iccid.map(|iccid| view! { <ProfileLink iccid/> })}</td>
                <td data-label="Next try"><Ago at=message.due/></td>
                <td data-label="Last error">{message.last_error.unwrap_or_else(|| "none".to_owned())}</td>
            </tr>
        }
    };
    view! {
        <div class="bar"><Refresh busy=loader.busy on_press=load/></div>
        <p class="help">"Messages to your systems and to SM-DSs that were not acknowledged yet. They are sent again by themselves, ever more seldom. If many wait, check whether the receiver is up and takes them."</p>
        {shown(loader, load, move |outbox: Outbox| {
            let empty = outbox.messages.is_empty();
            view! {
                {empty.then(|| view! { <p class="note good">"Nothing waits: every message was acknowledged."</p> })}
                <table class="cards" hidden=empty>
                    <caption class="unseen">"Messages that wait"</caption>
                    <thead><tr>
                        <th scope="col">"State"</th><th scope="col">"Message"</th><th scope="col">"Profile"</th>
                        <th scope="col">"Next try"</th><th scope="col">"Last error"</th>
                    </tr></thead>
                    <tbody>{outbox.messages.into_iter().map(row).collect_view()}</tbody>
                </table>
            }
        })}
    }
}
