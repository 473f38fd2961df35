//! The four parties in a row, what is on its way between them, and the four steps.

use leptos::prelude::*;
use trace::{Party, Step};
use words::{Text, text};

use super::{Context, context, icons};
use crate::model::{Radio, Slot, StepState};
use crate::transport::chip::ChipState;
use crate::units::size;

#[component]
pub(super) fn Parties() -> impl IntoView {
    let Context { say, .. } = context();
    view! {
        <section class="parties" aria-label=say.of(Text::new("The four parties", "四つの当事者"))>
            <Node party=Party::Chip/>
            <Link from=Party::Chip to=Party::Phone label=Text::new("APDU", "APDU")/>
            <Node party=Party::Phone/>
            <Link from=Party::Phone to=Party::Network label=Text::new("EPS attach", "EPS アタッチ")/>
            <Node party=Party::Network/>
            <Link from=Party::Network to=Party::Smdp label=Text::new("ES9+", "ES9+")/>
            <Node party=Party::Smdp/>
        </section>
    }
}

#[component]
fn Node(party: Party) -> impl IntoView {
    let Context { model, say, .. } = context();
    let busy = move || {
        model.record.on_air().is_some_and(|(from, to)| party >= from.min(to) && party <= from.max(to))
    };
    let chip = model.chip(Slot::Phone);
    let line = move || match party {
        Party::Chip => match (chip.state.get(), chip.info.get()) {
            (ChipState::Absent | ChipState::Starting, _) => Text::new("starting", "起動中").owned(),
            (ChipState::Elsewhere, _) => Text::new("in another tab", "別のタブにあります").owned(),
            (ChipState::Unreadable(_), _) => Text::new("can’t be read", "読めません").owned(),
            (ChipState::Broken(_), _) => Text::new("does not answer", "応答なし").owned(),
            (_, None) => Text::new("reading", "読み取り中").owned(),
            (_, Some(info)) => {
                let profiles = chip.profiles.with(|list| list.as_ref().map_or(0, Vec::len));
                let noun = if profiles == 1 { "profile" } else { "profiles" };
                let profiles = Text::new(format!("{profiles} {noun}"), format!("プロファイル {profiles} 個"));
                match info.info {
                    Some(told) => {
                        let free = size(told.ext_card_resource.free_non_volatile_memory as usize);
                        Text::new(
                            format!("{} · {free} free", profiles.en),
                            format!("{} · 空き {free}", profiles.ja),
                        )
                    }
                    None => profiles,
                }
            }
        },
        Party::Phone => phone_line(&model.radio.get()).owned(),
        Party::Network => model.radio.with(|radio| match radio.session() {
            None => Text::new("no session", "セッションなし").owned(),
            Some(session) => text!("APN {}", "APN {}", session.apn.given),
        }),
        _ => model.record.with(|trace| {
            match trace.messages().rev().find(|message| message.to == Party::Smdp) {
                None => Text::new("not called yet", "まだ呼ばれていません").owned(),
                Some(message) => text!("{}", "{}", message.name),
            }
        }),
    };
    view! {
        <div class=format!("node {}", party.word()) class:busy=busy>
            {icons::party(party)}
            <span class="name">{say.of(name(party))}</span>
            <span class="line">{move || breakable(&say.now(line()))}</span>
        </div>
    }
}

/// Names of functions and of access points may be broken where their words end, which no browser knows.
fn breakable(line: &str) -> impl IntoView + use<> {
    words_of(line).into_iter().map(|word| view! { {word.to_owned()}<wbr/> }).collect_view()
}

/// `ES9+.`, `Initiate`, `Authentication`; numbers and units are whole.
fn words_of(name: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut from, mut before) = (0, ' ');
    let mut letters = name.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let is_title = letter.is_uppercase() && letters.peek().is_some_and(|(_, next)| next.is_lowercase());
        if (before == '.' && !letter.is_ascii_digit()) || (before.is_lowercase() && is_title) {
            words.extend(name.get(from..at));
            from = at;
        }
        before = letter;
    }
    words.extend(name.get(from..));
    words
}

/// A party's name for people.
pub(super) const fn name(party: Party) -> Text {
    match party {
        Party::Chip => Text::new("Chip", "チップ"),
        Party::Watch => Text::new("Watch", "時計"),
        Party::Card => Text::new("Card", "カード"),
        Party::Phone => Text::new("Phone", "電話"),
        Party::Network => Text::new("Network", "ネットワーク"),
        Party::Smdp => Text::new("SM-DP+", "SM-DP+"),
        Party::Smds => Text::new("SM-DS", "SM-DS"),
        Party::Operator => Text::new("Operator", "事業者"),
    }
}

const fn phone_line(radio: &Radio) -> Text {
    match radio {
        Radio::Off => Text::new("off", "電源オフ"),
        Radio::Searching => Text::new("searching", "検索中"),
        Radio::NoProfile => Text::new("no profile is on", "オンのプロファイルなし"),
        Radio::Attached(_) => Text::new("attached", "アタッチ済み"),
        Radio::Detached => Text::new("detached", "デタッチ済み"),
        Radio::NoUsim(_) | Radio::NoCard(_) | Radio::NoService(_) | Radio::NoTrust(_) => {
            Text::new("no service", "圏外")
        }
    }
}

#[component]
fn Link(from: Party, to: Party, label: Text) -> impl IntoView {
    let Context { model, say, .. } = context();
    let busy = move || model.record.on_air().is_some_and(|(a, b)| from >= a.min(b) && to <= a.max(b));
    view! { <div class="link" class:busy=busy aria-hidden="true"><span>{say.of(label)}</span></div> }
}

#[component]
pub(super) fn Steps() -> impl IntoView {
    let Context { model, say, .. } = context();
    let steps = Step::ALL.map(|step| {
        let state = move || model.steps.with(|steps| steps.state(step));
        let (title, words) = match step {
            Step::Attach => (
                Text::new("Attach", "アタッチ"),
                Text::new(
                    "Chip and network authenticate each other; the network sets the APN.",
                    "チップとネットワークが互いを認証し、ネットワークが APN を決めます。",
                ),
            ),
            Step::Contact => (
                Text::new("Reach the SM-DP+", "SM-DP+ に接続"),
                Text::new(
                    "The LPA calls the operator’s server through the bearer.",
                    "LPA がベアラーを通して事業者のサーバーを呼び出します。",
                ),
            ),
            Step::Install => (
                Text::new("Install", "インストール"),
                Text::new(
                    "Chip and server authenticate; the profile comes encrypted for this chip.",
                    "チップとサーバーが認証し合い、このチップだけが開ける暗号化プロファイルが届きます。",
                ),
            ),
            Step::Switch => (
                Text::new("Switch", "切り替え"),
                Text::new(
                    "The profile is enabled; the phone attaches as a subscriber.",
                    "プロファイルを有効にし、電話が加入者としてアタッチします。",
                ),
            ),
        };
        let class = move || match state() {
            StepState::Ahead => "step ahead",
            StepState::Now => "step now",
            StepState::Done => "step done",
            StepState::Failed => "step failed",
        };
        let told = move || match state() {
            StepState::Ahead => Text::new("not begun", "未開始"),
            StepState::Now => Text::new("under way", "進行中"),
            StepState::Done => Text::new("done", "完了"),
            StepState::Failed => Text::new("failed", "失敗"),
        };
        view! {
            <li class=class data-step=step.number().to_string() aria-current=move || (state() == StepState::Now).then_some("step")>
                <span class="number" aria-hidden="true">{step.number()}</span>
                <span class="title">{say.of(title)}</span>
                <span class="state">{move || say.now(told())}</span>
                <span class="words">{say.of(words)}</span>
            </li>
        }
    });
    view! { <ol class="steps" aria-label=say.of(Text::new("The four steps", "四つの段階"))>{steps.into_iter().collect_view()}</ol> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_are_broken_where_their_words_end() {
        assert_eq!(words_of("ES9+.InitiateAuthentication"), ["ES9+.", "Initiate", "Authentication"]);
        assert_eq!(words_of("APN sm.provisioning"), ["APN sm.", "provisioning"]);
        for whole in ["プロファイル 2 個 · 空き 1.5 MiB", "2 profiles · 497.8 KiB free"] {
            assert_eq!(words_of(whole), [whole]);
        }
        assert_eq!(words_of(""), [""]);
    }
}
