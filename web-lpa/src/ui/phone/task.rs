//! What the phone is doing, and how it ended.

use leptos::html::Div;
use leptos::prelude::*;
use lpa::{Retry, Step as Part};
use web_sys::FocusOptions;
use words::{Text, text};

use super::super::digits::shown_in;
use super::super::{Context, context};
use crate::model::Task;
use crate::units::size;

/// The parts of a download as a person sees them; the package is fetched in one, and the
/// network is not needed while the chip takes it (SGP.22 §3.1.3).
const PHASES: [Text; 4] = [
    Text::new("Chip and server check each other", "チップとサーバーが互いを確認"),
    Text::new("The whole package in one download", "パッケージを一括ダウンロード"),
    Text::new("Network let go; the chip installs", "ネットワークを解放し、チップがインストール"),
    Text::new("The server is told", "サーバーに通知"),
];

/// Which of [`PHASES`] a step belongs to.
const fn phase(step: &Part) -> Option<usize> {
    Some(match step {
        Part::ReadChip
        | Part::InitiateAuthentication
        | Part::AuthenticateServer
        | Part::AuthenticateClient
        | Part::PrepareDownload => 0,
        Part::FetchPackage => 1,
        Part::Install { .. } => 2,
        Part::Notify => 3,
        _ => return None,
    })
}

/// What the phone is doing.
#[component]
pub(super) fn Doing() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let task = Memo::new(move |_| model.task.get());
    let shown = move || task.with(Option::is_some);
    let of = move |look: fn(&Task) -> bool| task.with(|task| task.as_ref().is_some_and(look));
    let title = move || task.with(|task| task.as_ref().map(|task| say.now(task.title.clone())));
    let step = move || {
        task.with(|task| {
            task.as_ref().map(|task| {
                if task.stopping {
                    say.now(Text::new(
                        "Stopping as soon as nothing can be lost",
                        "何も失われないところで停止します",
                    ))
                    .to_owned()
                } else {
                    say.now(task.step.clone())
                }
            })
        })
    };
    let bar = move || {
        let (segments, portion) =
            task.with(|task| task.as_ref().map_or((None, None), |task| (task.segments, task.portion)));
        if let Some([done, all, bytes, all_bytes]) = segments {
            let count = text!(
                "Segment {done} of {all} · {} of {}",
                "セグメント {done} / {all} · {} / {}",
                size(bytes),
                size(all_bytes)
            );
            return Some(
                view! {
                    <progress
                        aria-label=say.of(Text::new("Installed", "インストール済み"))
                        max=all_bytes.to_string()
                        value=bytes.to_string()
                    ></progress>
                    <span class="count">{say.of(count)}</span>
                }
                .into_any(),
            );
        }
        portion.map(|portion| {
            view! {
                <progress
                    aria-label=say.of(Text::new("Done", "完了した割合"))
                    max="100"
                    value=portion.to_string()
                ></progress>
            }
            .into_any()
        })
    };
    let phases = move || {
        let now = task.with(|task| {
            let task = task.as_ref().filter(|task| task.download)?;
            task.part.as_ref().and_then(phase)
        })?;
        let items = PHASES.into_iter().enumerate().map(|(number, words)| {
            let class = match number.cmp(&now) {
                std::cmp::Ordering::Less => "done",
                std::cmp::Ordering::Equal => "now",
                std::cmp::Ordering::Greater => "ahead",
            };
            view! { <li class=class aria-current=(number == now).then_some("step")>{say.of(words)}</li> }
        });
        Some(view! { <ol class="phases">{items.collect_view()}</ol> })
    };
    let can_stop = move || of(|task| task.can_stop && !task.stopping);
    let is_download = move || of(|task| task.download);
    let stoppable = move || of(|task| task.download || task.portion.is_some() || task.can_stop);
    // The chip has the package, or gets it: from then on it is fed to the end.
    let feeding = move || of(|task| task.part.as_ref().and_then(phase).is_some_and(|phase| phase >= 2));
    let meaning = move || {
        if !is_download() {
            None
        } else if of(|task| task.can_stop) {
            Some(say.now(Text::new(
                "Stopping now gives the session up; the code stays valid.",
                "今停止するとセッションを取り消します。コードは引き続き有効です。",
            )))
        } else if feeding() {
            Some(say.now(Text::new(
                "It can no longer be stopped: a package can be installed only once. Closing the page interrupts it, and it goes on when the page is opened again.",
                "もう停止できません。パッケージは一度しかインストールできません。ページを閉じると中断しますが、次に開いたときに続きを行います。",
            )))
        } else {
            None
        }
    };
    view! {
        <div class="doing" class:idle=move || !shown() data-testid="doing">
            <div aria-live="polite">
                <Show when=shown>
                    <strong>{title}</strong>
                    <span class="step-name">{step}</span>
                </Show>
            </div>
            {phases}
            {bar}
            <Show when=stoppable>
                <div class="stopping">
                    <button type="button" class="quiet" disabled=move || !can_stop() on:click=move |_| phone.stop()>
                        {say.of(Text::new("Stop", "停止"))}
                    </button>
                    <small>{meaning}</small>
                </div>
            </Show>
        </div>
    }
}

/// How the last task ended.
#[component]
pub(super) fn NoticeBox() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let place = NodeRef::<Div>::new();
    Effect::new(move |_| {
        // The row or the button that had the focus is gone: one goes on at what came of it.
        let lost = || document().active_element().is_none_or(|element| element.tag_name() == "BODY");
        if let Some(place) = place.get().filter(|_| lost()) {
            let options = FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = place.focus_with_options(&options);
        }
    });
    move || {
        model.notice.get().map(|notice| {
            let failure = model.failure.get_untracked();
            let switch = notice.switch_to.map(|(slot, iccid, name)| {
                let go = name.clone();
                view! {
                    <button type="button" class="primary" on:click=move |_| phone.enable(slot, iccid, go.clone())>
                        {say.of(text!("Switch to {name}", "{name} に切り替える"))}
                    </button>
                }
            });
            let again = failure.as_ref().is_some_and(|failure| failure.retry() == Retry::Again);
            let again = (again && phone.can_try_again()).then(|| view! {
                <button type="button" class="primary" on:click=move |_| phone.try_again()>
                    {say.of(Text::new("Try again", "もう一度試す"))}
                </button>
            });
            let stage = failure.map(|failure| {
                let (stage, retry) = (failure.stage.words(), failure.retry().words());
                view! { <p>{say.of(stage)}" · "{say.of(retry)}</p> }
            });
            let codes = (!notice.codes.en.is_empty()).then(|| {
                let codes = say.of(notice.codes);
                view! {
                    <details class="codes">
                        <summary>{say.of(Text::new("Codes", "コード"))}</summary>
                        {stage}
                        <code>{move || shown_in(&codes())}</code>
                    </details>
                }
            });
            let (what, advice) = (say.of(notice.what), say.of(notice.advice));
            view! {
                <div
                    node_ref=place
                    tabindex="-1"
                    class="notice"
                    class:good=notice.good
                    class:bad=!notice.good
                    role=if notice.good { "status" } else { "alert" }
                    data-testid="notice"
                >
                    <p><strong>{move || shown_in(&what())}</strong>" "{move || shown_in(&advice())}</p>
                    {codes}
                    <div class="actions">
                        {switch}
                        {again}
                        <button type="button" class="quiet" on:click=move |_| model.notice.set(None)>
                            {say.of(Text::new("Close", "閉じる"))}
                        </button>
                    </div>
                </div>
            }
        })
    }
}
