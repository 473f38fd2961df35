//! A message as an arrow between lifelines, and its answer as one back.

use leptos::prelude::*;
use trace::Party;
use words::Text;

use super::list::mark_word;
use super::names;
use crate::look::row::{Mark, Row, duration, shortened};
use crate::look::scene;
use crate::said;
use crate::ui::parties;
use crate::ui::say::Say;

/// What a letter of the labels takes, in pixels: a little more than the average.
const LETTER: f64 = 6.7;
/// The same of the small ones.
const SMALL: f64 = 5.9;

/// A message in the diagram of this width in pixels.
pub(super) fn arrow(row: &Row, lifelines: &[Party], width: f64, say: Say) -> impl IntoView + use<> {
    let percent = |party| scene::place(lifelines, party);
    let (from, to) = (percent(row.from), percent(row.to));
    let middle = f64::midpoint(from, to);
    let forth = to > from;
    let lives = lifelines
        .iter()
        .map(|party| {
            let x = format!("{}%", percent(*party));
            view! { <line class="life" x1=x.clone() x2=x y1="0" y2="100%"/> }
        })
        .collect_view();
    let room = (width / LETTER) as usize;
    let name = shortened(&row.name, room.max(8));
    let (label_x, label_anchor) = within(middle, &name, LETTER, width);
    let told = match row.mark {
        Mark::Open => say.now(Text::new("under way", "進行中")).to_owned(),
        _ => format!("{} · {}", say.now(said::words(&row.result)), duration(row.took)),
    };
    let told = shortened(&told, ((width / SMALL) as usize).max(8));
    let (told_x, told_anchor) = within(middle, &told, SMALL, width);
    // Heads stand on the lifelines; the lines end before them.
    let head = |forth: bool| if forth { "M0 0l-8 -4v8z" } else { "M0 0l8 -4v8z" };
    let answered = row.mark != Mark::Open;
    let (caller, callee) = (parties::name(row.from), parties::name(row.to));
    let (interface, note) = (names::interface(row.interface), row.note.as_deref().map(said::notes));
    view! {
        <svg class="arrow" width="100%" height="100%" aria-hidden="true" focusable="false">
            {lives}
            <line class="call" x1=format!("{from}%") x2=format!("{to}%") y1="38%" y2="38%"/>
            <svg x=format!("{to}%") y="38%" overflow="visible"><path class="head" d=head(forth)/></svg>
            <text class="label" x=label_x y="38%" dy="-5" text-anchor=label_anchor>{name}</text>
            {answered.then(|| view! {
                <line class="answer" x1=format!("{to}%") x2=format!("{from}%") y1="84%" y2="84%"/>
                <svg x=format!("{from}%") y="84%" overflow="visible"><path class="head" d=head(!forth)/></svg>
            })}
            <text class="told" data-mark=mark_word(row.mark) x=told_x y="84%" dy="-5" text-anchor=told_anchor>{told}</text>
        </svg>
        {note.clone().map(|note| view! { <span class="flag" title=say.of(note) aria-hidden="true">"✎"</span> })}
        <span class="unseen">
            {row.name.clone()}", "{say.of(interface)}", "
            {say.of(Text::new(
                format!("{} to {}", caller.en, callee.en),
                format!("{}から{}へ", caller.ja, callee.ja),
            ))}
            ", "{say.of(said::words(&row.result))}" "{note.map(|note| say.of(note))}
        </span>
    }
}

/// Where a text stands whose middle should be at so many hundredths: within the width.
fn within(middle: f64, text: &str, letter: f64, width: f64) -> (String, &'static str) {
    let half = text.chars().count() as f64 * letter / 2.0;
    let at = middle * width / 100.0;
    if at - half < 2.0 {
        ("3".to_owned(), "start")
    } else if at + half > width - 2.0 {
        (format!("{}", width - 3.0), "end")
    } else {
        (format!("{middle}%"), "middle")
    }
}
