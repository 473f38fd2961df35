//! Faults: ready ones with a prediction, own ones, what is armed and what came of it; the card
//! and its power.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use super::{Function, WayField, function_words, way_words};
use crate::bench::fault::{Act, Armed, Fault, Way};
use crate::bench::ready;
use crate::model::Slot;
use crate::phone::Making;
use crate::said;
use crate::transport::chip::ChipState;
use crate::ui::modal::Modal;
use crate::ui::{Context, context};
use crate::units::size;

/// Most faults that are armed at once.
const MAX_ARMED: usize = 32;

#[component]
pub(super) fn Faults() -> impl IntoView {
    let Context { say, bench, .. } = context();
    let list = ready::ready()
        .into_iter()
        .map(|ready| {
            let fault = ready.fault.clone();
            let label = Text::new(format!("Arm: {}", ready.name.en), format!("仕掛ける: {}", ready.name.ja));
            view! {
                <li data-fault=ready.id>
                    <div>
                        <h4>{say.of(ready.name)}</h4>
                        <p>{say.of(ready.prediction)}" "<em>{say.of(ready.loss.words())}</em></p>
                    </div>
                    <button type="button" aria-label=say.of(label) on:click=move |_| {
                        if bench.armed.with_untracked(Vec::len) < MAX_ARMED {
                            bench.arm(fault.clone());
                        }
                    }>{say.of(Text::new("Arm", "仕掛ける"))}</button>
                </li>
            }
        })
        .collect_view();
    view! {
        <ArmedList/>
        <Card/>
        <h4 class="over">{say.of(Text::new("Ready faults", "用意された障害"))}</h4>
        <ul class="ready">{list}</ul>
        <details class="builder">
            <summary>{say.of(Text::new("A fault of your own", "障害を自分で作る"))}</summary>
            <Own/>
        </details>
    }
}

#[component]
fn ArmedList() -> impl IntoView {
    let Context { say, bench, .. } = context();
    let ids = move || bench.armed.with(|armed| armed.iter().map(|one| one.id).collect::<Vec<_>>());
    let some = Memo::new(move |_| bench.armed.with(|armed| !armed.is_empty()));
    view! {
        <Show
            when=move || some.get()
            fallback=move || view! { <p class="empty">{say.of(Text::new("No fault is armed.", "仕掛けた障害はありません。"))}</p> }
        >
            <ul class="armed" data-testid="armed">
                <For each=ids key=|id| *id children=move |id| view! { <One id/> }/>
            </ul>
            <button type="button" on:click=move |_| bench.clear()>
                {say.of(Text::new("Take all faults away", "すべての障害を外す"))}
            </button>
        </Show>
    }
}

#[component]
fn One(id: u32) -> impl IntoView {
    let Context { say, bench, .. } = context();
    let armed = Memo::new(move |_| bench.armed.with(|armed| armed.iter().find(|one| one.id == id).cloned()));
    let fault = armed.get_untracked().map(|armed: Armed| armed.fault)?;
    let known = ready::ready().into_iter().find(|ready| ready.fault == fault);
    let name = known.as_ref().map_or_else(|| describe(&fault), |ready| ready.name.owned());
    let exact = known.as_ref().map(|_| describe(&fault));
    let prediction = known.map(|ready| ready.prediction);
    let counts = move || {
        armed.get().map(|armed| {
            let (met, struck) = (armed.met, armed.struck);
            say.now(text!("met {met}, struck {struck}", "該当 {met} 件、実行 {struck} 件"))
        })
    };
    let struck = move || armed.with(|armed| armed.as_ref().is_some_and(|armed| armed.struck > 0));
    let observed = move || {
        bench
            .observed
            .with(|observed| observed.iter().find(|(of, _)| *of == id).map(|(_, said)| say.now(said.clone())))
    };
    Some(view! {
        <li class:struck=struck>
            <div>
                <h4>{say.of(name)}" "<span class="badge">{counts}</span></h4>
                {exact.map(|exact| view! { <p class="exact">{say.of(exact)}</p> })}
                <dl>
                    {prediction.map(|prediction| view! {
                        <dt>{say.of(Text::new("Predicted", "予測"))}</dt><dd>{say.of(prediction)}</dd>
                    })}
                    {move || observed().map(|said| view! {
                        <dt>{say.of(Text::new("Observed", "観測"))}</dt><dd data-testid="observed">{said}</dd>
                    })}
                </dl>
            </div>
            <button type="button" class="quiet" on:click=move |_| bench.disarm(id)>
                {say.of(Text::new("Remove", "外す"))}
            </button>
        </li>
    })
}

/// The card and its power.
#[component]
fn Card() -> impl IntoView {
    let Context { model, phone, say, bench, .. } = context();
    let slot = Slot::Phone;
    let busy = move || model.task.with(Option::is_some);
    let write = RwSignal::new("3".to_owned());
    let torn = RwSignal::new(false);
    let making = RwSignal::new(Making::Usual);
    let said = RwSignal::new(None::<(bool, Text<String>)>);
    let keep = move || async move {
        match phone.snapshot(slot).await {
            Ok(memory) => {
                let bytes = size(memory.len());
                bench.earlier.set(Some(memory));
                said.try_set(Some((
                    true,
                    text!("The chip’s memory is kept: {bytes}.", "チップのメモリーを控えました: {bytes}。"),
                )));
            }
            Err(lpa::CardLost(why)) => {
                said.try_set(Some((
                    false,
                    said::with(
                        Text::new("The chip does not answer: {}.", "チップが応答しません: {}。"),
                        &why,
                    ),
                )));
            }
        }
    };
    let cut = move |event: SubmitEvent| {
        event.prevent_default();
        let number =
            write.with_untracked(|text| text.trim().parse::<u32>().ok()).filter(|number| *number <= 100_000);
        let Some(number) = number else {
            said.set(Some((
                false,
                Text::new("A number from 0 to 100000 is needed.", "0 から 100000 の数を入力してください。")
                    .owned(),
            )));
            return;
        };
        let torn = torn.get_untracked();
        spawn_local(async move {
            said.try_set(Some(match phone.cut_power(slot, number, torn).await {
                Ok(()) if number == 0 => (true, Text::new("Power lasts.", "電源は切れません。").owned()),
                Ok(()) => (true, text!(
                    "Power will fail at write {number} from now. Then press “Reset and read again”.",
                    "これから {number} 回目の書き込みで電源が切れます。その後「リセットして読み直す」を押してください。"
                )),
                Err(lpa::CardLost(why)) => (false, said::with(Text::new("The chip does not answer: {}.", "チップが応答しません: {}。"), &why)),
            }));
        });
    };
    let asks = RwSignal::new(false);
    let put_in = move |_| {
        asks.set(false);
        let (one, answers) =
            (making.get_untracked(), model.chip(slot).state.with_untracked(ChipState::answers));
        if untrack(busy) {
            return;
        }
        spawn_local(async move {
            if answers {
                // The chip that goes can be put back, and the person's own one for longer.
                if let Err(lpa::CardLost(why)) = phone.keep_own_chip().await {
                    said.try_set(Some((
                        false,
                        said::with(
                            Text::new("The chip was not replaced: {}.", "チップを交換できませんでした: {}。"),
                            &why,
                        ),
                    )));
                    return;
                }
                keep().await;
            }
            phone.make_chip(slot, one);
        });
    };
    let makings = Making::ALL.map(|one| {
        view! {
            <option value=one.word() selected=move || making.get() == one>{say.of(one.name())}</option>
        }
    });
    view! {
        <fieldset class="card-acts">
            <legend>{say.of(Text::new("The card in the phone", "電話のカード"))}</legend>
            <div class="acts">
                <button
                    type="button"
                    aria-pressed=move || bench.pulled.get().to_string()
                    on:click=move |_| bench.pull(!bench.pulled.get_untracked())
                >
                    {move || say.now(if bench.pulled.get() {
                        Text::new("Put the card back", "カードを戻す")
                    } else {
                        Text::new("Pull the card", "カードを抜く")
                    })}
                </button>
                // A card that is out has no power to be given.
                <button type="button" disabled=move || busy() || bench.pulled.get() on:click=move |_| phone.power_up(slot)>
                    {say.of(Text::new("Reset and read again", "リセットして読み直す"))}
                </button>
                <button type="button" disabled=busy on:click=move |_| spawn_local(keep())>
                    {say.of(Text::new("Keep its memory", "メモリーを控える"))}
                </button>
                <button
                    type="button"
                    disabled=move || busy() || bench.earlier.with(Option::is_none)
                    on:click=move |_| if let Some(memory) = bench.earlier.get_untracked() { phone.restore(slot, memory) }
                >{say.of(Text::new("Put the kept memory back", "控えたメモリーに戻す"))}</button>
            </div>
            <p class="help">{say.of(Text::new(
                "An older memory has an older sequence number: a network that is ahead of it is accepted as it is. For a network that is behind, run the scenario “Sequence numbers out of step”.",
                "古いメモリーは連番 (SQN) も古くなります。ネットワークが進んでいればそのまま受け入れられます。逆の場合はシナリオ「連番 (SQN) のずれ」を実行してください。",
            ))}</p>
            <form class="row" on:submit=cut>
                <label>
                    {say.of(Text::new("Power fails at write number", "電源が切れる書き込み回数"))}
                    <input type="text" inputmode="numeric" maxlength="6" prop:value=write on:input=move |event| write.set(event_target_value(&event))/>
                </label>
                <label class="check">
                    <input type="checkbox" prop:checked=torn on:change=move |event| torn.set(event_target_checked(&event))/>
                    {say.of(Text::new("Half of it is written", "半分だけ書き込む"))}
                </label>
                <button type="submit">{say.of(Text::new("Set", "設定"))}</button>
            </form>
            <form class="row" on:submit=move |event: SubmitEvent| {
                event.prevent_default();
                asks.set(!untrack(busy));
            }>
                <label>
                    {say.of(Text::new("A new chip, made", "新しいチップの種類"))}
                    <select on:change=move |event| {
                        let word = event_target_value(&event);
                        making.set(Making::ALL.into_iter().find(|one| one.word() == word).unwrap_or(Making::Usual));
                    }>{makings.into_iter().collect_view()}</select>
                </label>
                <button type="submit" disabled=busy>{say.of(Text::new("Put it in", "入れる"))}</button>
            </form>
            <Modal
                open=Signal::from(asks)
                on_cancel=move || asks.set(false)
                label=Text::new("Replace the chip", "チップの交換")
            >
                <h2>{say.of(Text::new("Replace the chip by a new one?", "新しいチップに交換しますか？"))}</h2>
                <p>{move || say.now(if bench.own.with(Option::is_some) {
                    Text::new(
                        "The chip in the phone is one of the bench; what is on it goes. Your own one stays kept, and you can put it back afterwards.",
                        "電話に入っているのは実験台のチップで、その内容は失われます。自分のチップは控えたままで、後で戻せます。",
                    )
                } else {
                    Text::new(
                        "Your own chip is kept in this browser with its profiles; you can put it back afterwards.",
                        "自分のチップはプロファイルとともにこのブラウザーに控え、後で戻せます。",
                    )
                })}</p>
                <div class="actions">
                    <button type="button" on:click=move |_| asks.set(false)>{say.of(Text::new("Keep this chip", "このチップを残す"))}</button>
                    <button type="button" class="danger solid" on:click=put_in>{say.of(Text::new("Replace", "交換"))}</button>
                </div>
            </Modal>
            <div role="status">
                {move || said.get().map(|(good, words)| view! { <p class="said" class:wrong=!good>{say.of(words)}</p> })}
            </div>
        </fieldset>
    }
}

/// A fault by its fields.
#[component]
fn Own() -> impl IntoView {
    const ACTS: [(&str, Text); 9] = [
        ("drop", Text::new("Drop it", "捨てる")),
        ("pull", Text::new("Pull the card", "カードを抜く")),
        ("corrupt", Text::new("Turn a bit over", "1 ビット反転する")),
        ("status", Text::new("Answer a status word", "ステータスワードを返す")),
        ("http", Text::new("Answer an HTTP status", "HTTP ステータスを返す")),
        ("delay", Text::new("Delay it", "遅らせる")),
        ("replay", Text::new("Give the answer before again", "前の応答を返す")),
        ("twice", Text::new("Give the command to the card twice", "コマンドをカードに二度渡す")),
        (
            "expire",
            Text::new(
                "Replace the chip’s certificate by an expired one",
                "チップの証明書を期限切れのものにする",
            ),
        ),
    ];
    let Context { say, bench, .. } = context();
    let function = RwSignal::new(String::new());
    let way = RwSignal::new(Way::Answer);
    let nth = RwSignal::new("1".to_owned());
    let always = RwSignal::new(false);
    let per_segment = RwSignal::new(false);
    let act = RwSignal::new("drop".to_owned());
    let field = RwSignal::new(String::new());
    let number = RwSignal::new(String::new());
    let trouble = RwSignal::new(None::<Text>);
    let made = move || -> Result<Fault, Text> {
        let bad = Text::new("A number is missing or too large.", "数値が足りないか、大きすぎます。");
        let parsed = number.with_untracked(|text| text.trim().to_owned());
        let act = match act.get_untracked().as_str() {
            "pull" => Act::Pull,
            "corrupt" => Act::Corrupt {
                field: Some(field.get_untracked().trim().to_owned()).filter(|field| !field.is_empty()),
                from_end: if parsed.is_empty() { 0 } else { parsed.parse().map_err(|_| bad)? },
            },
            "status" => {
                Act::Status { sw: u16::from_str_radix(&parsed.replace(' ', ""), 16).map_err(|_| bad)? }
            }
            "http" => Act::Http {
                status: parsed.parse().ok().filter(|status| (100..600).contains(status)).ok_or(bad)?,
            },
            "delay" => {
                Act::Delay { milliseconds: parsed.parse().ok().filter(|late| *late <= 60_000).ok_or(bad)? }
            }
            "replay" => Act::Replay,
            "twice" => Act::Twice,
            "expire" => Act::Expire,
            _ => Act::Drop,
        };
        Ok(Fault {
            function: function.get_untracked().trim().to_owned(),
            way: way.get_untracked(),
            nth: nth.get_untracked().trim().parse().ok().filter(|nth| *nth > 0).ok_or(bad)?,
            always: always.get_untracked(),
            per_segment: per_segment.get_untracked(),
            act,
        })
    };
    let arm = move |event: SubmitEvent| {
        event.prevent_default();
        match made() {
            Ok(fault) if bench.armed.with_untracked(Vec::len) < MAX_ARMED => {
                trouble.set(None);
                bench.arm(fault);
            }
            Ok(_) => trouble.set(Some(Text::new("Too many faults are armed.", "仕掛けた障害が多すぎます。"))),
            Err(why) => trouble.set(Some(why)),
        }
    };
    let parameter = move || {
        let text = match act.get().as_str() {
            "corrupt" => Text::new("Byte, counted from the end", "末尾から数えたバイト位置"),
            "status" => Text::new("Status word, e.g. 6985", "ステータスワード (例: 6985)"),
            "http" => Text::new("HTTP status, e.g. 503", "HTTP ステータス (例: 503)"),
            "delay" => Text::new("Milliseconds", "ミリ秒"),
            _ => return None,
        };
        Some(view! {
            <label>
                {say.of(text)}
                <input type="text" maxlength="8" autocomplete="off" prop:value=number on:input=move |event| number.set(event_target_value(&event))/>
            </label>
        })
    };
    let check = move |value: RwSignal<bool>, text: Text| {
        view! {
            <label class="check">
                <input type="checkbox" prop:checked=value on:change=move |event| value.set(event_target_checked(&event))/>
                {say.of(text)}
            </label>
        }
    };
    view! {
        <form class="own" on:submit=arm>
            <div class="fields">
                <Function value=function/>
                <WayField value=way/>
                <label>
                    {say.of(Text::new("From message number", "何番目から"))}
                    <input type="text" inputmode="numeric" maxlength="6" prop:value=nth on:input=move |event| nth.set(event_target_value(&event))/>
                </label>
                <label>
                    {say.of(Text::new("What is done", "動作"))}
                    <select on:change=move |event| act.set(event_target_value(&event))>
                        {ACTS.map(|(word, text)| view! {
                            <option value=word selected=move || act.with(|act| act == word)>{say.of(text)}</option>
                        }).into_iter().collect_view()}
                    </select>
                </label>
                {parameter}
                {move || (act.get() == "corrupt").then(|| view! {
                    <label>
                        {say.of(Text::new("JSON member (empty: the longest)", "JSON の項目 (空欄: 最長のもの)"))}
                        <input type="text" maxlength="60" autocomplete="off" spellcheck="false" prop:value=field on:input=move |event| field.set(event_target_value(&event))/>
                    </label>
                })}
            </div>
            <div class="acts">
                {check(always, Text::new("All from there on", "以降すべて"))}
                {check(per_segment, Text::new("Count segments of a package, not commands", "コマンドではなくセグメントを数える"))}
                <button type="submit" class="primary">{say.of(Text::new("Arm this fault", "この障害を仕掛ける"))}</button>
            </div>
            {move || trouble.get().map(|why| view! { <p class="said wrong" role="alert">{say.of(why)}</p> })}
        </form>
    }
}

/// A fault in words.
fn describe(fault: &Fault) -> Text<String> {
    let name = function_words(&fault.function);
    let way = way_words(fault.way);
    let nth = fault.nth;
    let which = match (fault.always, fault.per_segment) {
        (true, _) => text!("from no. {nth} on", "{nth} 番目以降"),
        (false, true) => text!("segment {nth}", "セグメント {nth}"),
        (false, false) => text!("no. {nth}", "{nth} 番目"),
    };
    let act = match &fault.act {
        Act::Drop => Text::new("dropped", "捨てる").owned(),
        Act::Pull => Text::new("the card is pulled", "カードを抜く").owned(),
        Act::Corrupt { field, from_end } => {
            let field = field.as_deref().unwrap_or_default();
            text!(
                "a bit of {field} turned over, byte {from_end} from the end",
                "{field} の末尾から {from_end} バイト目を 1 ビット反転"
            )
        }
        Act::Status { sw } => text!("answered {sw:04X}", "{sw:04X} を返す"),
        Act::Http { status } => text!("answered HTTP {status}", "HTTP {status} を返す"),
        Act::Delay { milliseconds } => text!("{milliseconds} ms late", "{milliseconds} ミリ秒遅らせる"),
        Act::Replay => Text::new("the answer before is given again", "前の応答を返す").owned(),
        Act::Twice => Text::new("given to the card twice", "カードに二度渡す").owned(),
        Act::Expire => {
            Text::new("the chip’s certificate has expired", "チップの証明書を期限切れのものにする").owned()
        }
    };
    Text::new(
        format!("{} · {} · {} · {}", name.en, way.en, which.en, act.en),
        format!("{} · {} · {} · {}", name.ja, way.ja, which.ja, act.ja),
    )
}
