//! The page: a frame with the ways to the views, and the view where the person is.

#![allow(unreachable_pub, reason = "the component macro makes its props public")]

mod batch;
mod health;
mod log;
mod new_order;
mod new_type;
mod order;
mod orders;
mod parts;
mod sheet;
mod sign_in;
mod types;

use leptos::html::H1;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

use crate::client::{Access, Client};
use crate::route::{Filter, Log, Route};

/// Puts the application into the page.
pub(crate) fn mount() {
    let Some(place) = document().get_element_by_id("console").and_then(|place| place.dyn_into().ok()) else {
        return;
    };
    let place: web_sys::HtmlElement = place;
    place.set_text_content(None);
    mount_to(place, App).forget();
}

/// What every view needs.
#[derive(Clone, Copy)]
struct Context {
    client: Client,
    route: RwSignal<Route>,
}

fn context() -> Context {
    expect_context()
}

/// Goes to a view, with an entry in the browser's history.
fn go(route: &Route) {
    // Refused only by a page that is being left.
    drop(window().location().set_hash(&route.hash()));
}

fn here() -> Route {
    Route::read(&window().location().hash().unwrap_or_default())
}

#[component]
fn App() -> impl IntoView {
    let client = Client::new();
    let route = RwSignal::new(here());
    provide_context(Context { client, route });
    window_event_listener_untyped("hashchange", move |_| route.set(here()));
    spawn_local(client.begin());
    view! {
        {move || match client.access.get() {
            Access::Granted => view! { <Frame/> }.into_any(),
            other => view! { <sign_in::Door access=other/> }.into_any(),
        }}
    }
}

/// A name, and where it leads.
type Place = (&'static str, fn() -> Route);

/// The ways to the views.
const PLACES: [Place; 7] = [
    ("Orders", || Route::Orders(Filter::default())),
    ("New order", || Route::NewOrder(Filter::default())),
    ("Batch", || Route::Batch),
    ("QR sheet", || Route::Sheet(Filter::default())),
    ("Log", || Route::Log(Log::Events, Filter::default())),
    ("Profile types", || Route::Types),
    ("Health", || Route::Health),
];

/// Under which of them a view is found.
const fn place_of(route: &Route) -> usize {
    match route {
        Route::Orders(_) | Route::Order(_) | Route::Unknown => 0,
        Route::NewOrder(_) => 1,
        Route::Batch => 2,
        Route::Sheet(_) => 3,
        Route::Log(..) => 4,
        Route::Types | Route::Type(_) | Route::NewType => 5,
        Route::Health => 6,
    }
}

#[component]
fn Frame() -> impl IntoView {
    let Context { client, route } = context();
    // A filter that changes is no other view: its fields keep what is in them.
    let shown = Memo::new(move |_| match route.get() {
        Route::Orders(_) => Route::Orders(Filter::default()),
        Route::Sheet(_) => Route::Sheet(Filter::default()),
        Route::Log(log, _) => Route::Log(log, Filter::default()),
        other => other,
    });
    let heading = NodeRef::<H1>::new();
    Effect::new(move |before: Option<()>| {
        let title = shown.with(Route::title);
        document().set_title(&format!("{title} · SM-DP+ console"));
        // Not at the start: a page that was just opened begins at its beginning.
        if before.is_some()
            && let Some(heading) = heading.get_untracked()
        {
            // A browser that can't: the reader stays where it was.
            drop(heading.focus());
            window().scroll_to_with_x_and_y(0.0, 0.0);
        }
    });
    let places = PLACES.into_iter().enumerate().map(|(index, (name, to))| {
        let current = move || (shown.with(place_of) == index).then_some("page");
        view! { <li><a href=to().hash() aria-current=current>{name}</a></li> }
    });
    view! {
        <a class="skip" href="#title" on:click=move |event| {
            event.prevent_default();
            if let Some(heading) = heading.get_untracked() {
                drop(heading.focus());
            }
        }>"Skip to the content"</a>
        <header class="head">
            <p class="brand"><parts::Mark/>"SM-DP+ console"</p>
            <nav aria-label="Views"><ul>{places.collect_view()}</ul></nav>
            <Show when=move || client.has_token.get()>
                <button type="button" class="plain leave" on:click=move |_| client.leave()>"Sign out"</button>
            </Show>
        </header>
        <main>
            <h1 id="title" tabindex="-1" node_ref=heading>{move || shown.with(Route::title)}</h1>
            {move || match shown.get() {
                Route::Orders(_) => view! { <orders::Orders/> }.into_any(),
                Route::Order(iccid) => view! { <order::Order iccid/> }.into_any(),
                Route::NewOrder(filter) => view! { <new_order::NewOrders filter/> }.into_any(),
                Route::Batch => view! { <batch::Subscribers/> }.into_any(),
                Route::Sheet(_) => view! { <sheet::Sheet/> }.into_any(),
                Route::Log(log, _) => view! { <log::Logs log/> }.into_any(),
                Route::Types => view! { <types::Types/> }.into_any(),
                Route::Type(name) => view! { <types::Type name/> }.into_any(),
                Route::NewType => view! { <new_type::NewType/> }.into_any(),
                Route::Health => view! { <health::Server/> }.into_any(),
                Route::Unknown => view! {
                    <p>"There is nothing at this address. "<a href="#/orders">"Go to the orders"</a>"."</p>
                }.into_any(),
            }}
        </main>
    }
}
