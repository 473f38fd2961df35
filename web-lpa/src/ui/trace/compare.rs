//! Two traces side by side: the one of a file and the live one.

use leptos::prelude::*;
use trace::{Change, Message, Pair};
use words::{Text, text};

use super::looking::{Looking, looking};
use crate::ui::context;

/// Most lines that are shown.
const LINES: usize = 1_000;

/// How a pair differs, for the eye.
const fn told(change: Change) -> (&'static str, Text) {
    match change {
        Change::Same => ("same", Text::new("the same", "同じ")),
        Change::Bytes => ("bytes", Text::new("other bytes", "バイト列が異なる")),
        Change::Ending => ("ending", Text::new("ended otherwise", "結果が異なる")),
        Change::Removed => ("removed", Text::new("only in the file", "ファイルのみ")),
        Change::Added => ("added", Text::new("only live", "ライブのみ")),
    }
}

/// The comparison of the file that is looked at with the live trace, as it was when it was
/// asked for.
#[component]
pub(super) fn Comparison(pairs: Vec<Pair>) -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let (all, differing) = (
        pairs.len(),
        pairs.iter().filter(|pair| !matches!(pair.change, Change::Same | Change::Bytes)).count(),
    );
    let rows = pairs
        .into_iter()
        .take(LINES)
        .map(|pair| {
            let left = pair.left.and_then(|id| looking.saved(id, facts));
            let right = pair.right.and_then(|id| looking.live(id, facts));
            let name = left.as_ref().or(right.as_ref()).map(|(name, _)| name.clone()).unwrap_or_default();
            let (word, words) = told(pair.change);
            view! {
                <tr data-change=word>
                    <th scope="row">{name}</th>
                    <td>{left.map(|(_, result)| result)}</td>
                    <td>{right.map(|(_, result)| result)}</td>
                    <td>{say.of(words)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div
            class="comparison"
            tabindex="0"
            role="region"
            aria-label=say.of(Text::new("Comparison", "比較"))
            data-testid="comparison"
        >
            <table>
                <caption class="count">{say.of(text!(
                    "{all} functions, {differing} of them there or ended otherwise in one of the two.",
                    "{all} 件の機能のうち、片方だけにあるか結果が異なるものは {differing} 件です。"
                ))}</caption>
                <thead><tr>
                    <th scope="col">{say.of(Text::new("Function", "機能"))}</th>
                    <th scope="col">{say.of(Text::new("In the file", "ファイル"))}</th>
                    <th scope="col">{say.of(Text::new("Live", "ライブ"))}</th>
                    <th scope="col">{say.of(Text::new("Difference", "違い"))}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
            {(all > LINES).then(|| {
                let more = all - LINES;
                view! { <p class="help">{say.of(text!("{more} further lines are not shown.", "さらに {more} 行あります。"))}</p> }
            })}
        </div>
    }
}

fn facts(message: &Message) -> (String, String) {
    (message.name.clone(), message.ending.text().to_owned())
}

/// The pairs of the file and the live trace.
pub(super) fn pairs(looking: Looking) -> Vec<Pair> {
    looking.with_both(trace::diff).unwrap_or_default()
}
