//! How much of its connection a session has used, and how well it is served.

use leptos::prelude::*;
use words::{Text, text};

use super::super::context;
use crate::network::{Session, bytes, span};

/// Limits and what is used of them. `now` is in milliseconds since 1970.
#[component]
pub(super) fn Usage(session: Session, now: u64) -> impl IntoView {
    let say = context().say;
    let Some(usage) = session.usage else { return ().into_any() };
    let carried = usage.bytes_up.saturating_add(usage.bytes_down);
    let lasted = now.saturating_sub(session.since) / 1000;
    let limits = usage.of;
    let unlimited = || Text::new("no limit", "上限なし").owned();
    let of = |most: Option<String>| most.map_or_else(unlimited, |most| text!("of {most}", "上限 {most}"));
    let time = limits.seconds.map(span);
    let time =
        time.map_or_else(unlimited, |Text { en, ja }| Text::new(format!("of {en}"), format!("上限 {ja}")));
    let counts = text!(
        "{} let out, {} kept in by a limit",
        "{} 件を通過、{} 件を上限により拒否",
        usage.requests,
        usage.refused
    );
    let a_minute = limits
        .requests_per_minute
        .map_or_else(unlimited, |most| text!("at most {most} a minute", "1 分あたり {most} 件まで"));
    let a_day = [
        limits.bytes_per_day.map(|most| text!("{} a day", "1 日 {}", bytes(most))),
        limits.attaches_per_day.map(|most| text!("{most} attaches a day", "1 日 {most} 回のアタッチ")),
    ];
    let a_day: Vec<_> = a_day.into_iter().flatten().map(|words| say.of(words)).collect();
    view! {
        <h3>{say.of(Text::new("Limits of the session", "セッションの上限"))}</h3>
        <dl class="usage" data-testid="usage">
            <dt>{say.of(Text::new("Time", "時間"))}</dt>
            <dd>
                {say.of(span(lasted))}" "<small>{say.of(time)}</small>
                {limits.seconds.map(|most| view! {
                    <progress
                        max=most.to_string()
                        value=lasted.min(most).to_string()
                        aria-label=say.of(Text::new("Time used", "使用した時間"))
                    ></progress>
                })}
            </dd>
            <dt>{say.of(Text::new("Data", "データ量"))}</dt>
            <dd>
                <span data-testid="usage-bytes">{bytes(carried)}</span>" "
                <small>{say.of(of(limits.bytes.map(bytes)))}</small>
                {limits.bytes.map(|most| view! {
                    <progress
                        max=most.to_string()
                        value=carried.min(most).to_string()
                        aria-label=say.of(Text::new("Data used", "使用したデータ量"))
                    ></progress>
                })}
            </dd>
            <dt>{say.of(Text::new("Requests", "要求"))}</dt>
            <dd>{say.of(counts)}" "<small>{say.of(a_minute)}</small></dd>
            {(!a_day.is_empty()).then(|| view! {
                <dt>{say.of(Text::new("Of the subscriber", "加入者あたり"))}</dt>
                <dd>
                    <ul class="plain">{a_day.into_iter().map(|words| view! { <li>{words}</li> }).collect_view()}</ul>
                </dd>
            })}
        </dl>
    }
    .into_any()
}
