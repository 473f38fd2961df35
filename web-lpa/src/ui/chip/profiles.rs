//! The profiles on a chip, as the chip lists them, and the rules that each brings.

use leptos::prelude::*;
use rsp::profiles::{ProfileInfo, ProfileState};
use words::Text;

use super::super::digits::Number;
use super::super::phone::{class_name, rules};
use super::super::{Context, context};
use crate::phone::called;

#[component]
pub(super) fn Profiles() -> impl IntoView {
    let Context { model, say, .. } = context();
    let list = move || model.shown_chip().profiles.get();
    view! {
        <details class="more-facts" open data-testid="chip-profiles">
            <summary>{say.of(Text::new("Profiles and their rules", "プロファイルとルール"))}</summary>
            {move || match list() {
                Some(list) if !list.is_empty() => view! {
                    <ul class="on-chip">{list.into_iter().map(|info| view! { <Profile info/> }).collect_view()}</ul>
                }
                .into_any(),
                _ => view! { <p class="empty">{say.of(Text::new("No profile is on this chip.", "このチップにプロファイルはありません。"))}</p> }
                    .into_any(),
            }}
        </details>
    }
}

#[component]
fn Profile(info: ProfileInfo) -> impl IntoView {
    let say = context().say;
    let name = called(&info);
    let state = if info.state == Some(ProfileState::Enabled) {
        Text::new("on", "オン")
    } else {
        Text::new("off", "オフ")
    };
    let rules = rules(info.profile_policy_rules);
    let ruled = if rules.is_empty() {
        view! { <span>{say.of(Text::new("none", "なし"))}</span> }.into_any()
    } else {
        view! { <ul>{rules.into_iter().map(|rule| view! { <li>{say.of(rule)}</li> }).collect_view()}</ul> }
            .into_any()
    };
    view! {
        <li>
            <h3><bdi>{name}</bdi>" "<span class="badge">{say.of(class_name(info.profile_class.unwrap_or_default()))}</span>" "<span class="badge">{say.of(state)}</span></h3>
            <dl>
                {info.iccid.map(|iccid| view! {
                    <dt>"ICCID"</dt><dd><Number number=iccid.to_string() what=Text::new("ICCID", "ICCID")/></dd>
                })}
                <dt>{say.of(Text::new("Policy rules", "ポリシールール"))}</dt><dd>{ruled}</dd>
            </dl>
        </li>
    }
}
