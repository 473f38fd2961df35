//! The four parties in a row, what is on its way between them, and the four steps.

use leptos::prelude::*;

use super::{Context, context, icons};
use crate::model::{Radio, StepState};
use crate::trace::{Party, Step, size};
use crate::transport::chip::ChipState;

#[component]
pub(super) fn Parties() -> impl IntoView {
    view! {
        <section class="parties" aria-label="The four parties">
            <Node party=Party::Chip/>
            <Link from=Party::Chip to=Party::Phone label="APDU"/>
            <Node party=Party::Phone/>
            <Link from=Party::Phone to=Party::Network label="EPS attach"/>
            <Node party=Party::Network/>
            <Link from=Party::Network to=Party::Smdp label="ES9+"/>
            <Node party=Party::Smdp/>
        </section>
    }
}

#[component]
fn Node(party: Party) -> impl IntoView {
    let Context { model, .. } = context();
    let busy =
        move || model.on_air.get().is_some_and(|(from, to)| party >= from.min(to) && party <= from.max(to));
    let line = move || match party {
        Party::Chip => match (model.chip_state.get(), model.chip.get()) {
            (ChipState::Starting, _) => "starting".to_owned(),
            (ChipState::Elsewhere, _) => "in another tab".to_owned(),
            (ChipState::Unreadable(_), _) => "can’t be read".to_owned(),
            (ChipState::Broken(_), _) => "does not answer".to_owned(),
            (_, None) => "reading".to_owned(),
            (_, Some(chip)) => {
                let profiles = model.profiles.with(|list| list.as_ref().map_or(0, Vec::len));
                let free = size(chip.info.ext_card_resource.free_non_volatile_memory as usize);
                format!("{profiles} {} · {free} free", if profiles == 1 { "profile" } else { "profiles" })
            }
        },
        Party::Phone => phone_line(&model.radio.get()),
        Party::Network => model.radio.with(|radio| {
            radio
                .session()
                .map_or_else(|| "no session".to_owned(), |session| format!("APN {}", session.apn.given))
        }),
        Party::Smdp => {
            let last = model.rows.with(|rows| {
                rows.iter()
                    .rev()
                    .find(|row| row.with(|row| row.to == Party::Smdp))
                    .map(|row| row.with(|row| row.name.clone()))
            });
            last.unwrap_or_else(|| "not called yet".to_owned())
        }
    };
    view! {
        <div class=format!("node {}", party.class()) class:busy=busy>
            {icons::party(party)}
            <span class="name">{party.name()}</span>
            <span class="line">{line}</span>
        </div>
    }
}

fn phone_line(radio: &Radio) -> String {
    match radio {
        Radio::Off => "off".to_owned(),
        Radio::Searching => "searching".to_owned(),
        Radio::NoProfile => "no profile is on".to_owned(),
        Radio::Attached(session) => format!("attached, {}", session.class),
        Radio::NoUsim(_) | Radio::NoService(_) | Radio::NoTrust(_) => "no service".to_owned(),
    }
}

#[component]
fn Link(from: Party, to: Party, label: &'static str) -> impl IntoView {
    let Context { model, .. } = context();
    let busy = move || model.on_air.get().is_some_and(|(a, b)| from >= a.min(b) && to <= a.max(b));
    view! { <div class="link" class:busy=busy aria-hidden="true"><span>{label}</span></div> }
}

#[component]
pub(super) fn Steps() -> impl IntoView {
    let Context { model, .. } = context();
    let steps = Step::ALL.map(|step| {
        let state = move || model.steps.with(|steps| steps.state(step));
        let (title, words) = match step {
            Step::Attach => ("Attach", "Chip and network authenticate each other; the network sets the APN."),
            Step::Contact => ("Reach the SM-DP+", "The LPA calls the operator’s server through the bearer."),
            Step::Install => ("Install", "Chip and server authenticate; the profile comes encrypted for this chip."),
            Step::Switch => ("Switch", "The profile is enabled; the phone attaches as a subscriber."),
        };
        let class = move || match state() {
            StepState::Ahead => "step ahead",
            StepState::Now => "step now",
            StepState::Done => "step done",
            StepState::Failed => "step failed",
        };
        let told = move || match state() {
            StepState::Ahead => "not begun",
            StepState::Now => "under way",
            StepState::Done => "done",
            StepState::Failed => "failed",
        };
        view! {
            <li class=class data-step=step.number().to_string() aria-current=move || (state() == StepState::Now).then_some("step")>
                <span class="number" aria-hidden="true">{step.number()}</span>
                <span class="title">{title}</span>
                <span class="state">{told}</span>
                <span class="words">{words}</span>
            </li>
        }
    });
    view! { <ol class="steps" aria-label="The four steps">{steps.into_iter().collect_view()}</ol> }
}
