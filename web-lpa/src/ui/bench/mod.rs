//! The bench: scenarios, faults, held messages, commands by hand, and the session as a file.

mod apdu;
mod drive;
mod faults;
mod hold;
mod scenarios;
mod session;
mod tree;

use leptos::prelude::*;
use words::Text;

pub(super) use self::hold::HeldBanner;
use super::{Context, context, document};
use crate::bench::fault::Way;
use crate::bench::ready::FUNCTIONS;

#[component]
pub(super) fn Bench() -> impl IntoView {
    let Context { say, .. } = context();
    view! {
        <section class="bench" aria-labelledby="bench-title">
            <h2 id="bench-title">{say.of(Text::new("Bench", "実験台"))}</h2>
            <p class="help">{say.of(Text::new(
                "Everything between phone, chip, servers and network passes here: break it, hold it, change it, and see who notices.",
                "電話、チップ、サーバー、ネットワークの通信はすべてここを通ります。壊し、止め、書き換えて、誰が気づくかを確かめられます。",
            ))}</p>
            <Part name="scenarios" title=Text::new("Scenarios", "シナリオ") open=true><scenarios::Scenarios/></Part>
            <Part name="faults" title=Text::new("Faults", "障害") open=false><faults::Faults/></Part>
            <Part name="hold" title=Text::new("Hold and edit messages", "メッセージを止めて編集") open=false><hold::Hold/></Part>
            <Part name="apdu" title=Text::new("Commands by hand", "手動のコマンド (APDU)") open=false><apdu::ByHand/></Part>
            <Part name="session" title=Text::new("The session as a file", "セッションの保存")  open=false><session::Session/></Part>
            <datalist id="bench-functions">
                {FUNCTIONS.map(|name| view! { <option value=name></option> }).into_iter().collect_view()}
            </datalist>
        </section>
    }
}

/// A part of the bench that can be folded; what the address names is open: `#bench?faults`.
#[component]
fn Part(name: &'static str, title: Text, open: bool, children: Children) -> impl IntoView {
    let Context { say, bench, .. } = context();
    let asked = query();
    let named = asked.as_deref().is_some_and(|asked| {
        asked
            .split('=')
            .next()
            .is_some_and(|asked| asked == name || (name == "scenarios" && asked == "scenario"))
    });
    let waits = name == "hold" && bench.held.with_untracked(|held| !held.is_empty());
    let open = if asked.is_some() { named || waits } else { open || waits };
    view! {
        <details class="part" data-part=name open=open>
            <summary><h3>{say.of(title)}</h3></summary>
            <div class="inside">{children()}</div>
        </details>
    }
}

/// What stands behind `#bench?` in the address.
fn query() -> Option<String> {
    let hash = document().location()?.hash().ok()?;
    let (_, query) = hash.split_once('?')?;
    (query.len() <= 200 && !query.is_empty()).then(|| query.to_owned())
}

/// The field for a function, with those that are known.
#[component]
fn Function(value: RwSignal<String>) -> impl IntoView {
    let Context { say, .. } = context();
    view! {
        <label>
            {say.of(Text::new("Function (empty: all)", "機能 (空欄: すべて)"))}
            <input
                type="text"
                list="bench-functions"
                maxlength="100"
                autocomplete="off"
                spellcheck="false"
                placeholder="ES9+.GetBoundProfilePackage"
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        </label>
    }
}

/// The field for a way.
#[component]
fn WayField(value: RwSignal<Way>) -> impl IntoView {
    let Context { say, .. } = context();
    view! {
        <label>
            {say.of(Text::new("Way", "方向"))}
            <select on:change=move |event| {
                value.set(if event_target_value(&event) == "answer" { Way::Answer } else { Way::Request });
            }>
                <option value="request" selected=move || value.get() == Way::Request>{say.of(way_words(Way::Request))}</option>
                <option value="answer" selected=move || value.get() == Way::Answer>{say.of(way_words(Way::Answer))}</option>
            </select>
        </label>
    }
}

const fn way_words(way: Way) -> Text {
    match way {
        Way::Request => Text::new("Request, from the phone", "要求 (電話から)"),
        Way::Answer => Text::new("Answer, to the phone", "応答 (電話へ)"),
    }
}

/// The name of a function for people; the empty one is all.
fn function_words(function: &str) -> Text<String> {
    match function {
        "" => Text::new("every message", "すべてのメッセージ").owned(),
        name => match name.strip_suffix('.') {
            Some(interface) => Text::new(format!("all of {interface}"), format!("{interface} のすべて")),
            None => Text::new(name.to_owned(), name.to_owned()),
        },
    }
}
