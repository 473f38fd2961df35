//! How to begin: who the four parties are, and a tour of the four steps that points at what
//! it speaks of.

mod stops;

use leptos::prelude::*;
use trace::Step;
use words::{Text, text};

use self::stops::{STOPS, Stop};
use super::shell::View;
use super::{Context, context, document, preference};
use crate::model::StepState;

/// Where the tour's state is kept: the number of the stop, or that it is over.
const KEPT: &str = "tour";
const OVER: &str = "over";

#[component]
pub(super) fn Guide() -> impl IntoView {
    let Context { say, .. } = context();
    let at = RwSignal::new(kept());
    Effect::new(move |_| {
        let now = at.get();
        preference::write(KEPT, &now.map_or_else(|| OVER.to_owned(), |number| number.to_string()));
        point_at(now.and_then(|number| STOPS.get(number)).map(|stop| stop.at));
    });
    // Nothing is pointed at once the tour is not seen any more.
    on_cleanup(|| point_at(None));
    view! {
        <section class="guide" aria-labelledby="guide-title">
            <h2 id="guide-title">{say.of(Text::new("A tour of the four steps", "四つの段階をめぐるツアー"))}</h2>
            {move || match at.get().and_then(|number| STOPS.get(number).map(|stop| (number, stop))) {
                Some((number, stop)) => view! { <At number stop at/> }.into_any(),
                None => view! { <Over at/> }.into_any(),
            }}
            <Secrets/>
        </section>
    }
}

/// The stop that the person has come to; `None`: the tour is over.
fn kept() -> Option<usize> {
    match preference::read(KEPT) {
        Some(over) if over == OVER => None,
        Some(number) => Some(number.parse().ok().filter(|number| *number < STOPS.len()).unwrap_or(0)),
        None => Some(0),
    }
}

/// Marks what a stop speaks of, and nothing else.
fn point_at(selector: Option<&str>) {
    const POINTED: &str = "pointed";
    let page = document();
    if let Ok(marked) = page.query_selector_all(&format!(".{POINTED}")) {
        for index in 0..marked.length() {
            if let Some(element) = marked.item(index).and_then(|node| node.parent_element().map(|_| node)) {
                let _ = wasm_bindgen::JsCast::unchecked_into::<web_sys::Element>(element)
                    .class_list()
                    .remove_1(POINTED);
            }
        }
    }
    if let Some(element) = selector.and_then(|selector| page.query_selector(selector).ok().flatten()) {
        let _ = element.class_list().add_1(POINTED);
    }
}

#[component]
fn At(number: usize, stop: &'static Stop, at: RwSignal<Option<usize>>) -> impl IntoView {
    let Context { model, say, .. } = context();
    let done =
        move || stop.step.is_some_and(|step| model.steps.with(|steps| steps.state(step)) == StepState::Done);
    let last = number + 1 == STOPS.len();
    let all = STOPS.len();
    let messages = stop.step.map(|step| {
        let to = format!("#{}?step={}", View::Trace.fragment(), step.number());
        view! { <a class="button" href=to>{say.of(messages_of(step))}</a> }
    });
    let there = (stop.view != View::Phone).then(|| {
        view! { <a class="button" href=format!("#{}", stop.view.fragment())>{say.of(Text::new("Go there", "そこへ移動"))}</a> }
    });
    // On a phone's screen what is pointed at may be out of sight.
    let here = (stop.view == View::Phone).then(|| {
        view! {
            <button type="button" on:click=move |_| {
                if let Some(pointed) = document().query_selector(stop.at).ok().flatten() {
                    pointed.scroll_into_view();
                }
            }>{say.of(Text::new("Show it", "場所を見る"))}</button>
        }
    });
    view! {
        <div class="stop" aria-live="polite">
            <p class="place">
                {say.of(text!("Stop {} of {all}", "{all} か所中 {} か所目", number + 1))}
                <progress max=all.to_string() value=(number + 1).to_string() aria-hidden="true"></progress>
            </p>
            <h3>{say.of(stop.title)}</h3>
            <dl class="tour">
                <dt>{say.of(Text::new("You see", "見えるもの"))}</dt>
                <dd>{say.of(stop.see)}</dd>
                <dt>{say.of(Text::new("You do", "すること"))}</dt>
                <dd>{say.of(stop.press)}</dd>
                <dt>{say.of(Text::new("It means", "その意味"))}</dt>
                <dd>{say.of(stop.means)}</dd>
            </dl>
            <p class="help reached" role="status">
                {move || done().then(|| say.now(Text::new("✓ This step is done.", "✓ この段階は完了しました。")))}
            </p>
            <div class="actions">
                {here}
                {there}
                {messages}
                <span class="gap"></span>
                <button type="button" class="quiet" on:click=move |_| at.set(None)>
                    {say.of(Text::new("Leave the tour", "ツアーをやめる"))}
                </button>
                <button type="button" disabled=number == 0 on:click=move |_| at.set(Some(number.saturating_sub(1)))>
                    {say.of(Text::new("Back", "戻る"))}
                </button>
                <button
                    type="button"
                    class="primary"
                    on:click=move |_| at.set((!last).then_some(number + 1))
                >
                    {say.of(if last { Text::new("Finish", "終了") } else { Text::new("Next", "次へ") })}
                </button>
            </div>
        </div>
    }
}

const fn messages_of(step: Step) -> Text {
    match step {
        Step::Attach => Text::new("Messages of step 1", "段階 1 のメッセージ"),
        Step::Contact => Text::new("Messages of step 2", "段階 2 のメッセージ"),
        Step::Install => Text::new("Messages of step 3", "段階 3 のメッセージ"),
        Step::Switch => Text::new("Messages of step 4", "段階 4 のメッセージ"),
    }
}

/// After the tour: where to go from here.
#[component]
fn Over(at: RwSignal<Option<usize>>) -> impl IntoView {
    let Context { say, .. } = context();
    let ways = [
        (
            View::Trace,
            Text::new(
                "Every message, decoded to the last field, as a list or a sequence diagram",
                "すべてのメッセージを最後の項目まで解読し、一覧またはシーケンス図で",
            ),
        ),
        (
            View::Chip,
            Text::new(
                "What is on the chip: keys trusted, memory, the files of the enabled profile",
                "チップの中身: 信頼する鍵、メモリー、有効なプロファイルのファイル",
            ),
        ),
        (View::Operator, Text::new("Order profiles, as the operator", "事業者としてプロファイルを注文")),
        (View::Network, Text::new("Why the network decided as it did", "ネットワークがそう判断した理由")),
        (
            View::Bench,
            Text::new(
                "Lose messages, pull the card, cut the power, and see that nothing is lost",
                "メッセージを失わせ、カードを抜き、電源を切っても、何も失われないことを確認",
            ),
        ),
    ];
    let links = ways.map(|(view, words)| {
        view! { <li><a href=format!("#{}", view.fragment())>{say.of(words)}</a></li> }
    });
    view! {
        <ul class="ways">{links.into_iter().collect_view()}</ul>
        <button type="button" on:click=move |_| at.set(Some(0))>
            {say.of(Text::new("Take the tour again", "もう一度ツアーを見る"))}
        </button>
    }
}

/// Who knows which key.
#[component]
fn Secrets() -> impl IntoView {
    let Context { say, .. } = context();
    let rows = stops::SECRETS.map(|(what, who, why)| {
        view! {
            <tr>
                <th scope="row">{say.of(what)}</th>
                <td>{say.of(who)}</td>
                <td>{say.of(why)}</td>
            </tr>
        }
    });
    view! {
        <details class="secrets">
            <summary>{say.of(Text::new("Who knows what", "だれが何を知っているか"))}</summary>
            <div class="scroll" tabindex="0" role="region" aria-label=say.of(Text::new("Who knows what", "だれが何を知っているか"))>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{say.of(Text::new("Secret", "秘密"))}</th>
                            <th scope="col">{say.of(Text::new("Known to", "知っている者"))}</th>
                            <th scope="col">{say.of(Text::new("What for", "用途"))}</th>
                        </tr>
                    </thead>
                    <tbody>{rows.into_iter().collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}
