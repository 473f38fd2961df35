//! Commands by hand.

use apdu::StatusWord;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use words::Text;

use super::tree::Tree;
use crate::bench::Ran;
use crate::bench::line::{self, Line, PRESETS};
use crate::model::Slot;
use crate::said;
use crate::transport::chip::ChipState;
use crate::ui::{Context, context};

/// Most lines of the history.
const MAX_HISTORY: usize = 50;

#[component]
pub(super) fn ByHand() -> impl IntoView {
    let Context { model, phone, say, bench, .. } = context();
    let source = RwSignal::new(String::new());
    let follow = RwSignal::new(true);
    let slot = RwSignal::new(Slot::Phone);
    let trouble = RwSignal::new(None::<Text<String>>);
    let history = RwSignal::new(Vec::<String>::new());
    let busy = move || model.task.with(Option::is_some);
    let run = move |event: SubmitEvent| {
        event.prevent_default();
        let text = source.get_untracked();
        match line::script(&text) {
            Ok(lines) => {
                trouble.set(None);
                history.update(|history| {
                    history.retain(|old| *old != text);
                    history.insert(0, text);
                    history.truncate(MAX_HISTORY);
                });
                phone.by_hand(slot.get_untracked(), lines, follow.get_untracked());
            }
            Err(why) => trouble.set(Some(why)),
        }
    };
    let presets = PRESETS
        .iter()
        .enumerate()
        .map(|(index, preset)| view! { <option value=index.to_string()>{say.of(preset.name)}</option> })
        .collect_view();
    let pick = move |event| {
        let chosen = event_target_value(&event).parse::<usize>().ok().and_then(|index| PRESETS.get(index));
        if let Some(preset) = chosen {
            trouble.set(None);
            source.set(preset.script());
        }
    };
    let chips = Slot::ALL.map(|one| {
        let answers = move || one == Slot::Phone || model.chip(one).state.with(ChipState::answers);
        let name = match one {
            Slot::Phone => Text::new("Phone", "電話"),
            Slot::Watch => Text::new("Watch", "時計"),
            Slot::Card => Text::new("Card", "カード"),
        };
        view! {
            <option value=one.word() disabled=move || !answers() selected=move || slot.get() == one>
                {say.of(name)}
            </option>
        }
    });
    view! {
        <p class="help">{say.of(Text::new(
            "A command in each line, in hexadecimal; “reset” resets the card. Lines of a trace work, too: “> ” is sent, “< ” and “#” are passed over. The phone does nothing else meanwhile.",
            "1 行に 1 コマンドを 16 進数で入力します。「reset」でカードをリセットします。トレースの行も使えます (「> 」を送信、「< 」と「#」は無視)。送信中、電話はほかの処理をしません。",
        ))}</p>
        <form class="hand" on:submit=run>
            <div class="row">
                <label>
                    {say.of(Text::new("Ready commands", "定型コマンド"))}
                    <select on:change=pick>
                        <option value="">{say.of(Text::new("Choose…", "選択…"))}</option>
                        {presets}
                    </select>
                </label>
                <label>
                    {say.of(Text::new("Sent before", "履歴"))}
                    <select
                        disabled=move || history.with(Vec::is_empty)
                        on:change=move |event| {
                            let index = event_target_value(&event).parse::<usize>().ok();
                            let old = index.and_then(|index| history.with_untracked(|history| history.get(index).cloned()));
                            if let Some(old) = old {
                                source.set(old);
                            }
                        }
                    >
                        <option value="">{say.of(Text::new("Choose…", "選択…"))}</option>
                        {move || history.get().into_iter().enumerate().map(|(index, text)| {
                            let short: String = text.replace('\n', " / ").chars().take(48).collect();
                            view! { <option value=index.to_string()>{short}</option> }
                        }).collect_view()}
                    </select>
                </label>
                <label>
                    {say.of(Text::new("Chip", "チップ"))}
                    <select on:change=move |event| {
                        let word = event_target_value(&event);
                        if let Some(one) = Slot::ALL.into_iter().find(|one| one.word() == word) {
                            slot.set(one);
                        }
                    }>
                        {chips}
                    </select>
                </label>
            </div>
            <label>
                {say.of(Text::new("Commands", "コマンド"))}
                <textarea
                    rows="4"
                    spellcheck="false"
                    autocomplete="off"
                    placeholder="00A40004023F0000"
                    data-testid="apdu-lines"
                    prop:value=source
                    on:input=move |event| { trouble.set(None); source.set(event_target_value(&event)); }
                ></textarea>
            </label>
            {move || trouble.get().map(|why| view! { <p class="said wrong" role="alert">{say.of(why)}</p> })}
            <div class="acts">
                <button type="submit" class="primary" disabled=busy>{say.of(Text::new("Send", "送信"))}</button>
                <label class="check">
                    <input type="checkbox" prop:checked=follow on:change=move |event| follow.set(event_target_checked(&event))/>
                    {say.of(Text::new("Fetch what 61 XX and 6C XX announce", "61 XX と 6C XX の続きを取得する"))}
                </label>
                <button type="button" class="quiet" disabled=busy on:click=move |_| phone.power_up(slot.get_untracked())>
                    {say.of(Text::new("Reset and read the chip again", "リセットして読み直す"))}
                </button>
                <button type="button" class="quiet" disabled=move || bench.ran.with(Vec::is_empty) on:click=move |_| bench.ran.set(Vec::new())>
                    {say.of(Text::new("Clear the answers", "応答を消す"))}
                </button>
            </div>
        </form>
        <Builder source/>
        <ol class="ran" data-testid="apdu-answers">
            <For
                each=move || { let mut ran = bench.ran.get(); ran.reverse(); ran }
                key=|ran| ran.id
                children=|ran| view! { <Answered ran/> }
            />
        </ol>
    }
}

/// A command of its fields.
#[component]
fn Builder(source: RwSignal<String>) -> impl IntoView {
    let Context { say, .. } = context();
    let fields = ["00", "A4", "00", "04"].map(|value| RwSignal::new(value.to_owned()));
    let data = RwSignal::new(String::new());
    let le = RwSignal::new(String::new());
    let trouble = RwSignal::new(None::<Text<String>>);
    let field = move |name: &'static str, value: RwSignal<String>, most: &'static str| {
        view! {
            <label>
                {name}
                <input
                    type="text"
                    maxlength=most
                    spellcheck="false"
                    autocomplete="off"
                    prop:value=value
                    on:input=move |event| { trouble.set(None); value.set(event_target_value(&event)); }
                />
            </label>
        }
    };
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        let header = fields.map(|field| field.get_untracked());
        let built = line::build(
            [&header[0], &header[1], &header[2], &header[3]],
            &data.get_untracked(),
            &le.get_untracked(),
        );
        match built {
            Ok(command) => source.update(|source| {
                if !source.is_empty() && !source.ends_with('\n') {
                    source.push('\n');
                }
                source.push_str(&trace::hex_spaced(&command));
            }),
            Err(why) => trouble.set(Some(why)),
        }
    };
    let [cla, ins, p1, p2] = fields;
    view! {
        <details class="builder">
            <summary>{say.of(Text::new("Build a command from its fields", "フィールドからコマンドを作る"))}</summary>
            <form on:submit=add>
                <div class="bytes">
                    {field("CLA", cla, "2")}{field("INS", ins, "2")}{field("P1", p1, "2")}{field("P2", p2, "2")}
                    {field("Le", le, "4")}
                    <label class="wide">
                        {say.of(Text::new("Data", "データ"))}
                        <input
                            type="text"
                            spellcheck="false"
                            autocomplete="off"
                            prop:value=data
                            on:input=move |event| { trouble.set(None); data.set(event_target_value(&event)); }
                        />
                    </label>
                    <button type="submit">{say.of(Text::new("Add to the commands", "コマンドに追加"))}</button>
                </div>
                {move || trouble.get().map(|why| view! { <p class="said wrong" role="alert">{say.of(why)}</p> })}
            </form>
        </details>
    }
}

#[component]
fn Answered(ran: Ran) -> impl IntoView {
    let Context { say, hidden, .. } = context();
    let Ran { line, answer, message, .. } = ran;
    let sent = match &line {
        Line::Reset => "RESET".to_owned(),
        Line::Command(command) => trace::hex_spaced(command),
    };
    let decoded = message.as_ref().map(trace::decode);
    let nodes = decoded.and_then(|decoded| decoded.response).map(|side| side.nodes).unwrap_or_default();
    let name = message.map(|message| message.name).unwrap_or_default();
    let (good, meaning) = match (&line, &answer) {
        (_, Err(because)) => (false, said::words(because)),
        (Line::Reset, Ok(_)) => (true, Text::default()),
        (Line::Command(_), Ok(response)) => match response.last_chunk::<2>() {
            Some(sw) => {
                let sw = StatusWord(u16::from_be_bytes(*sw));
                (sw.is_success() || matches!(sw.0 >> 8, 0x61..=0x63 | 0x6C), trace::meaning(sw))
            }
            None => (false, Text::default()),
        },
    };
    let got = answer.map(|response| trace::hex_spaced(&response)).unwrap_or_default();
    let secret = nodes.iter().any(|node| {
        let mut secret = false;
        node.walk(&mut |node| secret |= node.secrecy != trace::Secrecy::Open);
        secret
    });
    let shown = move || {
        // Numbers stand in the plain bytes as well.
        if secret && hidden.get() {
            say.now(Text::new(
                "Hidden: the answer holds numbers. Switch “Hide numbers” off to see its bytes.",
                "非表示: 応答に番号が含まれます。バイト列を見るには「番号を隠す」をオフにしてください。",
            ))
            .to_owned()
        } else {
            got.clone()
        }
    };
    let some = !nodes.is_empty();
    view! {
        <li class:wrong=!good>
            <p><strong>{name}</strong>" "<small>{say.of(meaning)}</small></p>
            <p class="wire"><span aria-hidden="true">"> "</span><code>{sent}</code></p>
            <p class="wire"><span aria-hidden="true">"< "</span><code>{shown}</code></p>
            {some.then(|| view! { <Tree nodes label=Text::new("Fields of the answer", "応答のフィールド")/> })}
        </li>
    }
}
