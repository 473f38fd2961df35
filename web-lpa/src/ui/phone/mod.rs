//! The phone's screen: status, what it is doing, adding an eSIM, profiles, notifications.

mod profiles;
pub(super) mod questions;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use rsp::ActivationCode;
use rsp::activation_code::InvalidActivationCode;

use self::profiles::{Profiles, class_name};
use super::{Context, context};
use crate::model::{Notice, Notification, Radio, Slot};
use crate::network::Verdict;
use crate::transport::chip::ChipState;
use crate::units::size;

#[component]
pub(super) fn Phone() -> impl IntoView {
    view! {
        <section class="phone" aria-labelledby="phone-title">
            <h2 id="phone-title">"Phone"</h2>
            <Status/>
            <AddEsim/>
            <Doing/>
            <NoticeBox/>
            <Profiles/>
            <Notifications/>
        </section>
    }
}

/// Operator and services, as on the top of a phone's screen.
#[component]
fn Status() -> impl IntoView {
    let Context { model, say, .. } = context();
    let operator = move || {
        let enabled = model.chip(Slot::Phone).profiles.with(|list| {
            list.iter()
                .flatten()
                .find(|info| info.state == Some(rsp::profiles::ProfileState::Enabled))
                .and_then(|info| info.service_provider_name.clone())
        });
        model.card.with(|card| card.operator.clone()).or(enabled)
    };
    let signal = move || {
        let class = match model.radio.get() {
            Radio::Attached(_) => "signal full",
            Radio::Searching => "signal searching",
            _ => "signal none",
        };
        view! { <span class=class aria-hidden="true"><i></i><i></i><i></i><i></i></span> }
    };
    let headline = move || match model.radio.get() {
        Radio::Off => "Off".to_owned(),
        Radio::Searching => "Searching…".to_owned(),
        Radio::NoProfile => "No profile is on".to_owned(),
        Radio::Attached(_) => operator().unwrap_or_else(|| "Attached".to_owned()),
        _ => operator().map_or_else(|| "No service".to_owned(), |name| format!("{name}: no service")),
    };
    let details = move || match model.radio.get() {
        Radio::Off => "The chip is not ready yet.".to_owned(),
        Radio::Searching => "The phone reads the chip and looks for its network.".to_owned(),
        Radio::NoProfile => "Switch a profile on to have service.".to_owned(),
        Radio::Attached(session) if session.class == "provisioning" => {
            format!("Provisioning profile · only to add an eSIM · {}", session.address)
        }
        Radio::Attached(session) => format!("{} · {}", capital(&session.class), session.address),
        Radio::NoService(error) => {
            format!("{}. Try to attach again under Network. ({})", sentence(error.because()), error.codes())
        }
        Radio::NoUsim(words) | Radio::NoTrust(words) => {
            format!("{}. Switch to another profile, or ask the operator.", sentence(&say.now(words)))
        }
    };
    let services = move || {
        model.radio.with(|radio| radio.session().cloned()).map(|session| {
            view! {
                <ul class="services">
                    <Service label="Data" kind=crate::phone::Service::Data to="https://example.com/" verb="Open a page" verdict=session.services.data/>
                    <Service label="Voice" kind=crate::phone::Service::Voice to="+15550100" verb="Call" verdict=session.services.voice/>
                    <Service label="SMS" kind=crate::phone::Service::Sms to="+15550100" verb="Send" verdict=session.services.sms/>
                </ul>
            }
        })
    };
    view! {
        <div class="status" data-testid="status">
            <div class="operator" aria-live="polite">
                {signal}
                <strong data-testid="operator">{headline}</strong>
            </div>
            <p class="details">{details}</p>
            {services}
        </div>
    }
}

#[component]
fn Service(
    label: &'static str,
    kind: crate::phone::Service,
    to: &'static str,
    verb: &'static str,
    verdict: Verdict,
) -> impl IntoView {
    let Context { model, phone, .. } = context();
    let permitted = verdict.permitted();
    let cause = verdict.cause.as_ref().map(ToString::to_string);
    view! {
        <li class="service" class:yes=permitted class:no=!permitted data-service=kind.word()>
            <span class="mark" aria-hidden="true">{if permitted { "✓" } else { "✕" }}</span>
            <span class="what">{label}" "<b>{if permitted { "works" } else { "refused" }}</b></span>
            <span class="why">{verdict.because}{cause.map(|cause| view! { <small>" "{cause}</small> })}</span>
            <button
                type="button"
                class="quiet"
                aria-label=format!("{verb}: try {label} to {to}")
                disabled=move || model.task.with(Option::is_some)
                on:click=move |_| phone.try_service(kind, to.to_owned())
            >{verb}</button>
        </li>
    }
}

/// Entering an activation code.
#[component]
fn AddEsim() -> impl IntoView {
    let Context { model, phone, .. } = context();
    let text = RwSignal::new(String::new());
    let wrong = RwSignal::new(None::<String>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match text.get_untracked().parse::<ActivationCode>() {
            Ok(code) => {
                wrong.set(None);
                phone.download(model.slot.get_untracked(), code);
            }
            Err(error) => {
                model.notice.set(None);
                wrong.set(Some(advice(error)));
            }
        }
    };
    // From the operator's view.
    Effect::new(move |_| {
        if let Some(code) = model.offered.get() {
            model.offered.set(None);
            wrong.set(None);
            text.set(code);
        }
    });
    // The code stays in its field until it has been used: it may have to be mended.
    Effect::new(move |_| {
        let used = |notice: &Option<Notice>| notice.as_ref().is_some_and(|notice| notice.switch_to.is_some());
        if model.notice.with(used) {
            text.set(String::new());
        }
    });
    let busy = move || model.task.with(Option::is_some) || !model.shown_chip().state.with(ChipState::answers);
    view! {
        <form class="add" on:submit=submit>
            <label for="code">"Activation code"</label>
            <div class="field">
                <input
                    id="code"
                    name="code"
                    type="text"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder="LPA:1$server$token"
                    aria-describedby="code-help"
                    aria-invalid=move || wrong.with(Option::is_some).to_string()
                    prop:value=text
                    on:input=move |event| {
                        wrong.set(None);
                        text.set(event_target_value(&event));
                    }
                />
                <button type="submit" class="primary" disabled=busy>"Add eSIM"</button>
            </div>
            <p id="code-help" class="help" role="status" class:wrong=move || wrong.with(Option::is_some)>
                {move || wrong.get().unwrap_or_else(|| {
                    "Paste the code that the operator gave you. You see what it is for before anything is installed.".to_owned()
                })}
            </p>
        </form>
    }
}

/// What is wrong with a code, and what to do.
fn advice(error: InvalidActivationCode) -> String {
    let next = match error {
        InvalidActivationCode::Empty => "Paste the code that the operator gave you.",
        InvalidActivationCode::Format => "Check that all of it was copied, from the first letter on.",
        InvalidActivationCode::TooLong | InvalidActivationCode::TooManyFields => {
            "Check that nothing else was copied with it."
        }
        _ => "Check it for typing mistakes, or copy it again.",
    };
    format!("{}. {next}", sentence(&error.to_string()))
}

/// What the phone is doing.
#[component]
fn Doing() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let task = Memo::new(move |_| model.task.get());
    let shown = move || task.with(Option::is_some);
    let title = move || task.with(|task| task.as_ref().map(|task| say.now(task.title.clone())));
    let step = move || {
        task.with(|task| {
            task.as_ref().map(|task| {
                if task.stopping {
                    "Stopping as soon as nothing can be lost".to_owned()
                } else {
                    say.now(task.step.clone())
                }
            })
        })
    };
    let bar = move || {
        task.with(|task| task.as_ref().and_then(|task| task.segments)).map(|[done, all, bytes, all_bytes]| {
            view! {
                <progress aria-label="Installed" max=all_bytes.to_string() value=bytes.to_string()></progress>
                <span class="count">
                    {format!("Segment {done} of {all} · {} of {}", size(bytes), size(all_bytes))}
                </span>
            }
        })
    };
    let can_stop =
        move || task.with(|task| task.as_ref().is_some_and(|task| task.can_stop && !task.stopping));
    let is_download = move || task.with(|task| task.as_ref().is_some_and(|task| task.download));
    view! {
        <div class="doing" class:idle=move || !shown() data-testid="doing">
            <div aria-live="polite">
                <Show when=shown>
                    <strong>{title}</strong>
                    <span class="step-name">{step}</span>
                </Show>
            </div>
            {bar}
            <Show when=is_download>
                <button type="button" class="quiet" disabled=move || !can_stop() on:click=move |_| phone.stop()>
                    "Stop"
                </button>
            </Show>
        </div>
    }
}

/// How the last task ended.
#[component]
fn NoticeBox() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    move || {
        model.notice.get().map(|notice| {
            let switch = notice.switch_to.map(|(slot, iccid, name)| {
                let go = name.clone();
                view! {
                    <button type="button" class="primary" on:click=move |_| phone.enable(slot, iccid, go.clone())>
                        "Switch to "{name}
                    </button>
                }
            });
            let codes = (!notice.codes.is_empty()).then(|| {
                view! { <details class="codes"><summary>"Codes"</summary><code>{notice.codes}</code></details> }
            });
            view! {
                <div
                    class="notice"
                    class:good=notice.good
                    class:bad=!notice.good
                    role=if notice.good { "status" } else { "alert" }
                    data-testid="notice"
                >
                    <p><strong>{say.of(notice.what)}</strong>" "{say.of(notice.advice)}</p>
                    {codes}
                    <div class="actions">
                        {switch}
                        <button type="button" class="quiet" on:click=move |_| model.notice.set(None)>"Close"</button>
                    </div>
                </div>
            }
        })
    }
}

/// Notifications and what became of them.
#[component]
fn Notifications() -> impl IntoView {
    let Context { model, phone, .. } = context();
    let list = move || model.shown_chip().notifications.get();
    let waiting =
        move || model.shown_chip().notifications.with(|list| list.iter().any(|one| one.failure.is_some()));
    view! {
        <section class="notifications" aria-labelledby="notifications-title">
            <h3 id="notifications-title">"Notifications"</h3>
            <p class="help">"The chip signs each act; the phone tells the operator’s server by itself."</p>
            <Show when=move || !model.shown_chip().notifications.with(Vec::is_empty) fallback=|| view! { <p class="empty">"None yet."</p> }>
                <ul>
                    <For each=list key=|one| (one.number, one.failure.is_some()) children=notification/>
                </ul>
            </Show>
            <Show when=waiting>
                <button
                    type="button"
                    disabled=move || model.task.with(Option::is_some)
                    on:click=move |_| phone.notify(model.slot.get_untracked())
                >"Send again"</button>
            </Show>
        </section>
    }
}

fn notification(one: Notification) -> impl IntoView {
    let state = match &one.failure {
        None => "delivered".to_owned(),
        Some(failure) => format!("kept on the chip: {} {}", failure.what(), failure.codes()),
    };
    let iccid = one.iccid.as_deref().map(short).unwrap_or_default();
    view! {
        <li class:waiting=one.failure.is_some()>
            <span class="number">"#"{one.number}</span>
            <span class="event">{one.event}" "{iccid}</span>
            <span class="to">{one.address}</span>
            <span class="state">{state}</span>
        </li>
    }
}

/// The last digits of an ICCID.
pub(super) fn short(iccid: &str) -> String {
    let from = iccid.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    format!("…{}", &iccid[from..])
}

/// A clause as the beginning of a sentence.
pub(super) fn sentence(words: &str) -> String {
    capital(words.trim_end_matches('.'))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default() + letters.as_str()
}

/// For the dialogs: the class of a profile in words.
pub(super) fn class_words(class: rsp::metadata::ProfileClass) -> &'static str {
    class_name(class)
}
