//! Scenarios: what they show, how they run, and what was predicted beside what was seen.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use words::Text;

use super::{drive, query};
use crate::scenario::{Run, SCENARIOS, Scenario, State};
use crate::ui::digits::clip;
use crate::ui::{Context, context, document};

#[component]
pub(super) fn Scenarios() -> impl IntoView {
    let Context { say, bench, .. } = context();
    let named = query().and_then(|query| query.strip_prefix("scenario=").and_then(Scenario::by_id));
    let running = bench.run.with_untracked(|run| run.as_ref().map(|run| run.scenario));
    let first = named.or(running).unwrap_or(&SCENARIOS[0]);
    let chosen = RwSignal::new(first.id);
    // A link to another one, while this view is shown.
    let listening = window_event_listener(leptos::ev::hashchange, move |_| {
        if let Some(named) =
            query().and_then(|query| query.strip_prefix("scenario=").and_then(Scenario::by_id))
        {
            chosen.set(named.id);
        }
    });
    on_cleanup(move || listening.remove());
    let scenario = Memo::new(move |_| Scenario::by_id(chosen.get()).map_or("", |found| found.id));
    let list = SCENARIOS
        .iter()
        .map(|one| {
            view! {
                <li>
                    <button
                        type="button"
                        aria-pressed=move || (chosen.get() == one.id).to_string()
                        data-scenario=one.id
                        on:click=move |_| chosen.set(one.id)
                    >{say.of(one.name)}</button>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="scenarios">
            <ul class="choose" aria-label=say.of(Text::new("Scenarios", "シナリオ"))>{list}</ul>
            {move || Scenario::by_id(scenario.get()).map(|scenario| view! { <One scenario/> })}
        </div>
    }
}

#[component]
fn One(scenario: &'static Scenario) -> impl IntoView {
    let context = context();
    let Context { model, phone, say, bench, .. } = context;
    let of_this = move |run: &Option<Run>| run.as_ref().is_some_and(|run| run.scenario.id == scenario.id);
    let runs = move || drive::runs(context);
    let runs_here = move || runs() && bench.run.with(of_this);
    let busy = move || model.task.with(Option::is_some);
    let steps = scenario
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let state = Memo::new(move |_| {
                bench
                    .run
                    .with(|run| match run {
                        Some(run) if run.scenario.id == scenario.id => run.states.get(index).cloned(),
                        _ => None,
                    })
                    .unwrap_or(State::Ahead)
            });
            let word = move || match state.get() {
                State::Ahead => "ahead",
                State::Now => "now",
                State::Done(true, _) => "good",
                State::Done(false, _) => "bad",
                State::LeftOut => "out",
            };
            let mark = move || match state.get() {
                State::Ahead => Text::new("", ""),
                State::Now => Text::new("running", "実行中"),
                State::Done(true, _) => Text::new("as predicted", "予測どおり"),
                State::Done(false, _) => Text::new("otherwise", "予測と異なる"),
                State::LeftOut => Text::new("left out", "省略"),
            };
            let predicted = (!step.predicted.en.is_empty()).then(|| {
                view! {
                    <p><b>{say.of(Text::new("Predicted", "予測"))}</b>" "{say.of(step.predicted)}</p>
                }
            });
            let seen =
                move || {
                    match state.get() {
                State::Done(_, said) => Some(view! {
                    <p><b>{say.of(Text::new("Observed", "観測"))}</b>" "<span>{say.of(said)}</span></p>
                }.into_any()),
                State::Now => model.task.with(|task| task.as_ref().map(|task| {
                    let (title, part) = (task.title.clone(), task.step.clone());
                    view! { <p class="doing">{say.now(title)}" "{say.now(part)}</p> }.into_any()
                })),
                _ => None,
            }
                };
            view! {
                <li data-state=word>
                    <h5>{say.of(step.does.words())}" "<span class="mark">{move || say.now(mark())}</span></h5>
                    {predicted}
                    {seen}
                </li>
            }
        })
        .collect_view();
    let verdict = move || {
        bench.run.with(|run| {
            run.as_ref().filter(|run| run.scenario.id == scenario.id && run.is_over()).map(|run| {
                let [done, good] = run.count();
                let all = done == good && done == run.states.len();
                let words = say.now(run.verdict());
                view! { <p class="said" class:wrong=!all>{words}</p> }
            })
        })
    };
    view! {
        <article class="scenario" aria-labelledby="scenario-title">
            <h4 id="scenario-title">{say.of(scenario.name)}</h4>
            <p>{say.of(scenario.shows)}</p>
            {scenario.replaces_the_chip().then(|| view! {
                <p class="help">{say.of(Text::new(
                    "It puts another chip into the phone and takes armed faults away. Your own chip is kept in this browser, also when the page is closed; you can put it back afterwards.",
                    "電話に別のチップを入れ、仕掛けた障害を外します。自分のチップはページを閉じてもこのブラウザーに控えてあり、後で戻せます。",
                ))}</p>
            })}
            <div class="acts">
                <Show when=runs_here fallback=move || view! {
                    <button
                        type="button"
                        class="primary"
                        data-testid="scenario-start"
                        disabled=move || runs() || busy()
                        on:click=move |_| drive::start(context, scenario)
                    >{say.of(Text::new("Start the scenario", "シナリオを開始"))}</button>
                }>
                    <button type="button" class="danger" on:click=move |_| drive::stop(context)>
                        {say.of(Text::new("Stop", "中止"))}
                    </button>
                </Show>
                <CopyLink id=scenario.id/>
                <button
                    type="button"
                    class="quiet"
                    disabled=move || runs() || busy() || bench.own.with(Option::is_none)
                    on:click=move |_| phone.put_own_chip_back()
                >{say.of(Text::new("Put the kept chip back", "控えたチップに戻す"))}</button>
            </div>
            <div role="status" data-testid="scenario-verdict">{verdict}</div>
            <ol class="steps-of">{steps}</ol>
        </article>
    }
}

/// Copies the link that shows a scenario.
#[component]
fn CopyLink(id: &'static str) -> impl IntoView {
    let Context { say, .. } = context();
    let done = RwSignal::new(false);
    let copy = move |_| {
        let place = document().location();
        let page =
            place.and_then(|place| Some(format!("{}{}", place.origin().ok()?, place.pathname().ok()?)));
        let link = format!("{}#bench?scenario={id}", page.unwrap_or_default());
        let copied = clip(link);
        spawn_local(async move {
            done.try_set(copied.await);
        });
    };
    view! {
        <button type="button" class="quiet" on:click=copy>
            {move || say.now(if done.get() {
                Text::new("Link copied", "リンクをコピーしました")
            } else {
                Text::new("Copy link", "リンクをコピー")
            })}
        </button>
    }
}
