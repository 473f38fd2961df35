//! What is shown of the trace, and what is done with all of it.

use std::time::Duration;

use leptos::prelude::*;
use trace::{Filter, Interface, Party, Step};
use words::{Text, text};

use super::looking::looking;
use super::{files, names};
use crate::ui::{context, parties};

/// How long the person may type before the search begins.
const PAUSE: Duration = Duration::from_millis(180);

#[component]
pub(super) fn Toolbar() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    view! {
        <div class="bar" role="group" aria-label=say.of(Text::new("What is shown", "表示するもの"))>
            <div class="ways" role="group" aria-label=say.of(Text::new("Shown as", "表示形式"))>
                <Way diagram=false label=Text::new("List", "一覧")/>
                <Way diagram=true label=Text::new("Diagram", "シーケンス図")/>
            </div>
            <Search/>
            <Choice
                label=Text::new("Party", "当事者")
                any=Text::new("All parties", "すべての当事者")
                options=Party::ALL.map(|party| (party.word(), parties::name(party))).to_vec()
                chosen=move || looking.filter.with(|filter| filter.party.map(Party::word))
                choose=move |word: &str| {
                    let party = Party::from_word(word);
                    looking.filter.update(|filter| filter.party = party);
                }
            />
            <Choice
                label=Text::new("Interface", "インターフェース")
                any=Text::new("All interfaces", "すべてのインターフェース")
                options=Interface::ALL.map(|one| (one.name(), names::interface(one))).to_vec()
                chosen=move || looking.filter.with(|filter| filter.interface.map(Interface::name))
                choose=move |name: &str| {
                    let interface = Interface::from_name(name);
                    looking.filter.update(|filter| filter.interface = interface);
                }
            />
            <Choice
                label=Text::new("Step", "段階")
                any=Text::new("All steps", "すべての段階")
                options=Step::ALL.map(|step| (DIGITS[step as usize], names::step_short(step))).to_vec()
                chosen=move || looking.filter.with(|filter| filter.step.map(|step| DIGITS[step as usize]))
                choose=move |digit: &str| {
                    let step = digit.parse().ok().and_then(Step::from_number);
                    looking.filter.update(|filter| filter.step = step);
                }
            />
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || looking.filter.with(|filter| filter.errors)
                    on:change=move |event| {
                        let errors = event_target_checked(&event);
                        looking.filter.update(|filter| filter.errors = errors);
                    }
                />
                {say.of(Text::new("Errors only", "エラーのみ"))}
            </label>
        </div>
        <div class="bar acts">
            <Count/>
            <button
                type="button"
                class="quiet"
                aria-pressed=move || looking.follows.get().to_string()
                on:click=move |_| looking.follows.update(|follows| *follows = !*follows)
            >{say.of(Text::new("Follow the end", "末尾を追う"))}</button>
            <Show when=move || looking.loaded.get().is_none()>
                <button
                    type="button"
                    class="quiet"
                    disabled=move || looking.with(trace::Trace::is_empty)
                    on:click=move |_| looking.clear()
                >{say.of(Text::new("Clear", "消去"))}</button>
            </Show>
            <files::Open/>
            <files::Export/>
        </div>
    }
}

/// The steps' numbers as the select's values.
const DIGITS: [&str; 4] = ["1", "2", "3", "4"];

#[component]
fn Way(diagram: bool, label: Text) -> impl IntoView {
    let say = context().say;
    let looking = looking();
    view! {
        <button
            type="button"
            aria-pressed=move || (looking.as_diagram.get() == diagram).to_string()
            on:click=move |_| looking.show_as(diagram)
        >{say.of(label)}</button>
    }
}

#[component]
fn Search() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let typed = RwSignal::new(looking.filter.with_untracked(|filter| filter.text.clone()));
    // "Show all" empties the field too.
    let sought = Memo::new(move |_| looking.filter.with(|filter| filter.text.clone()));
    Effect::new(move |_| typed.set(sought.get()));
    let search = move |event| {
        let text = event_target_value(&event);
        typed.set(text.clone());
        set_timeout(
            move || {
                let is_last = typed.try_with_untracked(|typed| *typed == text).unwrap_or(false);
                if is_last && looking.filter.with_untracked(|filter| filter.text != text) {
                    looking.filter.update(|filter| filter.text = text);
                }
            },
            PAUSE,
        );
    };
    view! {
        <input
            type="search"
            class="search"
            autocomplete="off"
            spellcheck="false"
            aria-label=say.of(Text::new("Search messages", "メッセージを検索"))
            placeholder=say.of(Text::new("Search: function, field, bytes", "検索: 機能名、フィールド、バイト列"))
            prop:value=typed
            on:input=search
        />
    }
}

#[component]
fn Choice(
    label: Text,
    any: Text,
    options: Vec<(&'static str, Text)>,
    chosen: impl Fn() -> Option<&'static str> + Copy + Send + Sync + 'static,
    choose: impl Fn(&str) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let say = context().say;
    let options = options.into_iter().map(|(value, text)| {
        view! { <option value=value selected=move || chosen() == Some(value)>{say.of(text)}</option> }
    });
    view! {
        <select
            aria-label=say.of(label)
            data-chosen=move || chosen().is_some().to_string()
            on:change=move |event| choose(&event_target_value(&event))
        >
            <option value="" selected=move || chosen().is_none()>{say.of(any)}</option>
            {options.collect_view()}
        </select>
    }
}

/// How many messages there are and how many of them are shown.
#[component]
fn Count() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let words = move || {
        let shown = looking.with_sift(crate::look::sift::Sift::len);
        let (all, forgotten) = looking.with(|trace| (trace.len(), trace.dropped()));
        let count = if shown == all {
            let noun = if all == 1 { "message" } else { "messages" };
            Text::new(format!("{all} {noun}"), format!("{all} 件"))
        } else {
            text!("{shown} of {all} shown", "{all} 件中 {shown} 件を表示")
        };
        let more = match forgotten {
            0 => Text::default(),
            _ => text!(", {forgotten} forgotten", "、古い {forgotten} 件は破棄"),
        };
        say.now(Text { en: count.en + &more.en, ja: count.ja + &more.ja })
    };
    let is_filtered = move || looking.filter.with(|filter| *filter != Filter::default());
    view! {
        <p class="count">
            <span data-testid="message-count">{words}</span>
            <Show when=is_filtered>
                <button
                    type="button"
                    class="quiet"
                    on:click=move |_| looking.filter.set(Filter::default())
                >{say.of(Text::new("Show all", "すべて表示"))}</button>
            </Show>
        </p>
    }
}
