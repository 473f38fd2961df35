//! One profile: where it stands, what happened, what to do.

use core::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::parts::{
    Badge, Confirm, Copy, Eid, Failure, Loader, Moment, Mood, QrCode, Refresh, Remote, Way, shown,
};
use super::{context, go, orders};
use crate::api::{Cancel, Event, OrderDetail, OrderResult};
use crate::client::page_around;
use crate::route::{Filter, Route, escape};
use crate::state::{self, ProfileState};
use crate::words::{Trouble, bytes, count};

/// How often an order that goes on is looked at again.
const LOOK: Duration = Duration::from_secs(5);

#[component]
pub(super) fn Order(iccid: String) -> impl IntoView {
    let client = context().client;
    let loader = Loader::<OrderDetail>::new();
    let path = StoredValue::new(format!("orders/{}", escape(&iccid)));
    let load = move || {
        let path = path.get_value();
        loader.load(async move { client.get(&path).await });
    };
    load();
    // A device works on its own: what it does is seen without a press on a button.
    let look = move || {
        let goes_on = loader.answer.with_untracked(|answer| match answer {
            Remote::Ready(order) => order.line.state != ProfileState::Unavailable,
            _ => false,
        });
        if goes_on && !document().hidden() && !loader.busy.get_untracked() {
            load();
        }
    };
    if let Ok(handle) = set_interval_with_handle(look, LOOK) {
        on_cleanup(move || handle.clear());
    }
    // Apart from what is shown, so that a look at the server closes no dialog.
    let order = Memo::new(move |_| loader.ready());
    view! {
        <div class="bar">
            <a class="button" href="#/orders">"All orders"</a>
            <Refresh busy=loader.busy on_press=load/>
        </div>
        {shown(loader, load, |order: OrderDetail| view! { <Standing order/> })}
        <Actions order path load/>
        {move || order.get().map(|order| view! { <History order/> })}
    }
}

#[component]
fn Standing(order: OrderDetail) -> impl IntoView {
    let OrderDetail { line, events, .. } = order;
    let reached = state::reached(events.iter().map(|event| event.event.as_str()));
    let linked = line.eid.is_some();
    let code = line.activation_code.clone().filter(|_| line.state.has_code());
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
    };
    let open = line.state.is_open();
    view! {
        <section class="card standing" data-state=line.state.name()>
            <header>
                <h2>{orders::name(&line)}</h2>
                <Badge state=line.state/>
            </header>
            <Way state=line.state linked reached/>
            <p class="next"><strong>"What to do next: "</strong>{line.state.next()}</p>
            <dl class="facts">
                {fact("Operator", Some(line.service_provider_name.clone()))}
                <div><dt>"ICCID"</dt><dd class="digits" data-testid="iccid">{line.iccid.clone()}</dd></div>
                <div><dt>"EID"</dt><dd class="digits"><Eid eid=line.eid.clone()/></dd></div>
                {fact("Profile type", line.profile_type.clone())}
                {fact("Class", Some(line.profile_class.clone()))}
                {fact("Matching id", line.matching_id.clone().map(|id| if id.is_empty() { "none: found by EID".to_owned() } else { id }))}
                {fact("Confirmation code", Some(if line.confirmation_code_required { "asked for" } else { "not asked for" }.to_owned()))}
                {fact("SM-DS", line.smds_address.clone().map(|address| if address.is_empty() { "root SM-DS".to_owned() } else { address }))}
                {fact("Network", line.network.as_deref().and_then(network).map(str::to_owned))}
                {fact("Downloads tried", Some(line.download_attempts.to_string()))}
                {fact("Package", Some(bytes(line.package_length)))}
                {line.expires.map(|at| view! { <div><dt>"Expires"</dt><dd><Moment at/></dd></div> })}
                <div><dt>"Last change"</dt><dd><Moment at=line.changed/></dd></div>
            </dl>
            {line.warnings.iter().filter_map(|name| state::warning(name)).map(|words| view! { <p class="note">{words}</p> }).collect_view()}
        </section>
        {match code {
            Some(code) => view! { <ActivationCode code usable=open/> }.into_any(),
            None if open => view! {
                <p class="note">"There is no activation code: the device finds the order by its EID, at its default SM-DP+ or by an SM-DS."</p>
            }.into_any(),
            None => ().into_any(),
        }}
    }
}

/// How the subscriber stands with the network, where there is something to say.
fn network(state: &str) -> Option<&'static str> {
    match state {
        "pending" => Some("being told"),
        "fed" => Some("knows the subscriber"),
        "refused" => Some("refuses the subscriber: the time line says why"),
        _ => None,
    }
}

/// A code as text and to be scanned.
#[component]
pub(super) fn ActivationCode(code: String, usable: bool) -> impl IntoView {
    view! {
        <section class="card code" aria-labelledby="code-title">
            <QrCode text=code.clone()/>
            <div>
                <h2 id="code-title">"Activation code"</h2>
                <p><code data-testid="activation-code">{code.clone()}</code></p>
                <p class="row"><Copy text=code.clone() what="code"/><UseInPhone code/></p>
                {(!usable).then(|| view! { <p class="help">"It works once the order is released."</p> })}
            </div>
        </section>
    }
}

/// Where the console stands in the page of a phone of this site: the code goes there.
#[component]
fn UseInPhone(code: String) -> impl IntoView {
    page_around().map(|_| {
        let give = move |_| {
            let origin = window().location().origin().unwrap_or_default();
            let message = js_sys::Object::new();
            // Setting a field of a fresh object does not fail, and the page that is meant is there.
            let _ = js_sys::Reflect::set(&message, &"activationCode".into(), &code.as_str().into());
            let _ = page_around().map(|page| page.post_message(&message, &origin));
        };
        view! { <button type="button" on:click=give>"Use in the phone"</button> }
    })
}

/// What the last press on a button came to.
#[derive(Clone, PartialEq)]
enum Said {
    Doing(&'static str),
    Done(&'static str),
    Failed(Trouble),
}

#[component]
fn Actions(
    order: Memo<Option<OrderDetail>>,
    path: StoredValue<String>,
    load: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let client = context().client;
    let state = Memo::new(move |_| order.with(|order| order.as_ref().map(|order| order.line.state)));
    let said = RwSignal::new(None::<Said>);
    let revoking = RwSignal::new(false);
    let deleting = RwSignal::new(false);
    let outcome = RwSignal::new(ProfileState::Available);
    let busy = move || said.with(|said| matches!(said, Some(Said::Doing(_))));
    let told = move |result: Result<OrderResult, Trouble>, done: &'static str| {
        let next = match result {
            Ok(OrderResult { refused: Some(code), .. }) => Said::Failed(Trouble::refused(&code)),
            Ok(_) => Said::Done(done),
            Err(trouble) => Said::Failed(trouble),
        };
        if said.try_set(Some(next)).is_none() {
            load();
        }
    };
    let release = move |_| {
        said.set(Some(Said::Doing("Releasing …")));
        spawn_local(async move {
            let path = format!("{}/release", path.get_value());
            told(
                client.post(&path, "application/json", b"{}").await,
                "Released: the activation code works now.",
            );
        });
    };
    let revoke = move || {
        said.set(Some(Said::Doing("Revoking …")));
        let cancel = Cancel { final_profile_status_indicator: outcome.get_untracked() };
        spawn_local(async move {
            let path = format!("{}/cancel", path.get_value());
            told(
                client.send_json("POST", &path, &cancel).await,
                "Revoked: the activation code works no more.",
            );
        });
    };
    let delete = move || {
        said.set(Some(Said::Doing("Deleting …")));
        let iccid = order.with_untracked(|order| order.as_ref().map(|order| order.line.iccid.clone()));
        spawn_local(async move {
            match client.delete(&format!("profiles/{}", escape(&iccid.unwrap_or_default()))).await {
                Ok(()) => go(&Route::Orders(Filter::default())),
                Err(trouble) => drop(said.try_set(Some(Said::Failed(trouble)))),
            }
        });
    };
    let may = move |what: fn(ProfileState) -> bool| state.get().is_some_and(what);
    let line = move || order.get().map(|order| order.line);
    view! {
        <div class="bar acts" hidden=move || state.get().is_none()>
            <Show when=move || may(ProfileState::may_be_released)>
                <button type="button" class="main" disabled=busy on:click=release>"Release"</button>
            </Show>
            <Show when=move || state.get() == Some(ProfileState::Available)>
                <a class="button main" href=move || Route::NewOrder(Filter { iccid: line().map(|line| line.iccid).unwrap_or_default(), ..Filter::default() }).hash()>"Order this profile"</a>
            </Show>
            <Show when=move || may(ProfileState::may_be_revoked)>
                <button type="button" class="danger" disabled=busy on:click=move |_| revoking.set(true)>"Revoke the order …"</button>
            </Show>
            <Show when=move || may(ProfileState::may_be_deleted)>
                <button type="button" class="danger" disabled=busy on:click=move |_| deleting.set(true)>"Delete the profile …"</button>
            </Show>
        </div>
        <div class="outcome" aria-live="polite">{move || said.get().map(|said| match said {
            Said::Doing(words) => view! { <p class="note">{words}</p> }.into_any(),
            Said::Done(words) => view! { <p class="note good">{words}</p> }.into_any(),
            Said::Failed(trouble) => view! { <Failure trouble/> }.into_any(),
        })}</div>
        <Confirm open=revoking title="Revoke this order?" action="Revoke it" on_yes=revoke>
            <fieldset>
                <legend>"What becomes of the profile"</legend>
                <label><input type="radio" name="outcome" prop:checked=move || outcome.get() == ProfileState::Available on:change=move |_| outcome.set(ProfileState::Available)/>
                    <span><b>"Available"</b>" – it can be ordered again"</span></label>
                <label><input type="radio" name="outcome" prop:checked=move || outcome.get() == ProfileState::Unavailable on:change=move |_| outcome.set(ProfileState::Unavailable)/>
                    <span><b>"Unavailable"</b>" – it is never handed out again"</span></label>
            </fieldset>
            <p>"You will lose, and can’t get back:"</p>
            <ul class="plainlist">
                {move || line().and_then(|line| line.activation_code).map(|code| view! { <li>"the activation code "<code>{code}</code>": it works no more, wherever it was printed or sent"</li> })}
                {move || line().filter(|line| line.activation_code.is_none()).map(|_| view! { <li>"the order: no device finds it any more"</li> })}
                {move || line().and_then(|line| line.eid).map(|eid| view! { <li>"the tie to the eUICC "<span class="digits">{eid}</span></li> })}
                {move || line().filter(|line| line.state == ProfileState::Downloaded).map(|_| view! { <li>"the download that has begun: a device has the package already, and may have installed it without having said so yet"</li> })}
            </ul>
        </Confirm>
        <Confirm open=deleting title="Delete this profile?" action="Delete it" on_yes=delete>
            <p>"You will lose, and can’t get back:"</p>
            <ul class="plainlist">
                <li>"the package of "{move || line().map(|line| format!("{}, ICCID {}", orders::name(&line), line.iccid))}</li>
                <li>{move || order.get().map(|order| format!("its history: {} and {}", count(order.events.len(), "event"), count(order.notifications.len(), "notification")))}</li>
            </ul>
        </Confirm>
    }
}

#[component]
fn History(order: OrderDetail) -> impl IntoView {
    let events = order.events.into_iter().rev().map(|event| view! { <Happened event/> });
    let none = order.notifications.is_empty();
    let notifications = order.notifications.into_iter().rev().map(|event| view! { <Happened event/> });
    view! {
        <div class="two">
            <section class="card" aria-labelledby="events-title">
                <h2 id="events-title">"Time line"</h2>
                <ol class="line" reversed>{events.collect_view()}</ol>
            </section>
            <section class="card" aria-labelledby="notifications-title">
                <h2 id="notifications-title">"Notifications received"</h2>
                {none.then(|| view! { <p class="empty">"None yet. The eUICC notifies when the profile is installed, enabled, disabled or deleted."</p> })}
                <ol class="line" reversed>{notifications.collect_view()}</ol>
            </section>
        </div>
    }
}

/// Something that happened.
#[component]
fn Happened(event: Event) -> impl IntoView {
    let (words, tone) = state::event(&event.event);
    let words = words.to_owned();
    view! {
        <li class=tone.class() data-event=event.event.clone()>
            <Mood tone words/>
            <Moment at=event.at/>
            {event.detail.map(|detail| view! { <p>{detail}</p> })}
            {event.seq_number.map(|number| view! { <p class="help">"Notification number "{number}</p> })}
            {event.eid.map(|eid| view! { <p class="help digits">"EID "{eid}</p> })}
            {event.by.map(|by| view! { <p class="help digits">{state::causer(&by)}</p> })}
        </li>
    }
}
