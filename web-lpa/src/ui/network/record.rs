//! The operator's record of a subscriber: every verdict, newest first.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use super::super::digits::shown_in;
use super::super::{Context, context};
use super::ask::ask;
use super::{answer, clock};
use crate::network::{NetworkError, RecordPage, Recorded, bytes};

/// How many verdicts are asked for at a time.
const PAGE: usize = 25;

/// The record of the subscriber of the phone's profile, for whoever holds the operator's token.
#[component]
pub(super) fn Audit(token: String) -> impl IntoView {
    let Context { model, say, .. } = context();
    let token = StoredValue::new(token);
    let verdicts = RwSignal::new(Vec::<Recorded>::new());
    let next = RwSignal::new(None::<u64>);
    let error = RwSignal::new(None::<NetworkError>);
    let only_refused = RwSignal::new(false);
    let load = move |before: Option<u64>| {
        let Some(imsi) = model.card.with_untracked(|card| card.imsi.clone()) else { return };
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        let refused = if only_refused.get_untracked() { "&verdict=refused" } else { "" };
        let path = format!("/network/audit?imsi={imsi}&limit={PAGE}{before}{refused}");
        let is_first = before.is_empty();
        spawn_local(async move {
            let page = ask::<RecordPage>(&path, Some(&token.get_value()), None).await;
            match page {
                Ok(page) => {
                    let _ = verdicts.try_update(|shown| {
                        if is_first {
                            shown.clear();
                        }
                        shown.extend(page.verdicts);
                    });
                    let _ = next.try_set(page.next);
                    let _ = error.try_set(None);
                }
                Err(because) => drop(error.try_set(Some(because))),
            }
        });
    };
    // Anew whenever the phone has done something.
    Effect::new(move |_| {
        only_refused.track();
        model.radio.track();
        if model.task.with(Option::is_none) {
            load(None);
        }
    });
    let row = move |recorded: Recorded| {
        let Recorded { number, at, session, what, verdict, policy, bytes: sent, .. } = recorded;
        let good = verdict.permitted();
        let what = crate::said::words(&what);
        let what = say.of(what);
        view! {
            <tr class:yes=good class:no=!good>
                <td class="digits">{number}</td>
                <td class="digits">{clock(at)}</td>
                <td class="digits">{session.unwrap_or_else(|| "–".to_owned())}</td>
                <td class="what">{move || shown_in(&what())}</td>
                <td class="verdict">{say.of(answer(good))}</td>
                <td>{say.of(verdict.words())}" "<small>{say.of(verdict.codes())}" · v"{policy}</small></td>
                <td class="digits">{bytes(sent)}</td>
            </tr>
        }
    };
    view! {
        <div class="row">
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=only_refused
                    on:change=move |event| only_refused.set(event_target_checked(&event))
                />
                {say.of(Text::new("Only what was refused", "拒否されたものだけ"))}
            </label>
            <button type="button" class="quiet" on:click=move |_| load(None)>
                {say.of(Text::new("Refresh", "更新"))}
            </button>
        </div>
        {move || error.get().map(|error| view! {
            <p class="empty">{say.of(error.words())}" "<small>{say.of(error.codes())}</small></p>
        })}
        <div
            class="scroll log"
            tabindex="0"
            role="region"
            data-testid="audit"
            aria-label=say.of(Text::new("The operator’s record of this subscriber", "この加入者についての事業者の記録"))
        >
            <table class="verdicts">
                <thead>
                    <tr>
                        <th scope="col">{say.of(Text::new("No.", "番号"))}</th>
                        <th scope="col">{say.of(Text::new("Time", "時刻"))}</th>
                        <th scope="col">{say.of(Text::new("Session", "セッション"))}</th>
                        <th scope="col">{say.of(Text::new("Asked", "要求"))}</th>
                        <th scope="col">{say.of(Text::new("Verdict", "判定"))}</th>
                        <th scope="col">{say.of(Text::new("Because", "理由"))}</th>
                        <th scope="col">{say.of(Text::new("Sent", "送信量"))}</th>
                    </tr>
                </thead>
                <tbody><For each=move || verdicts.get() key=|recorded| recorded.number children=row/></tbody>
            </table>
        </div>
        {move || next.get().map(|before| view! {
            <button type="button" class="quiet" on:click=move |_| load(Some(before))>
                {say.of(text!("{PAGE} older", "さらに {PAGE} 件"))}
            </button>
        })}
    }
}
