//! The network: the session, what was decided, and why.

mod ask;
mod names;
mod policy;
mod record;
mod usage;

use std::time::Duration;

use leptos::prelude::*;
use names::Names;
use policy::Policy;
use record::Audit;
use usage::Usage;
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use super::digits::{Number, shown_in};
use super::operator::operator_token;
use super::{Context, context};
use crate::model::{LogLine, Radio};
use crate::network::{Access, LogEntry, NetworkError, Session, Verdict};

/// How 5G is called in the form.
const FIVE_G: &str = "5g";

/// How often the session is looked after as long as somebody looks at it.
const LOOK: Duration = Duration::from_secs(5);

#[component]
pub(super) fn Network() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let facts = move || match model.radio.get() {
        Radio::Attached(session) => view! { <Facts session=*session/> }.into_any(),
        _ => view! { <p class="empty">{say.of(Text::new("No session.", "セッションはありません。"))}</p> }
            .into_any(),
    };
    let attached = move || model.radio.with(|radio| radio.session().is_some());
    let idle = move || model.task.with(Option::is_none) && model.power.get();
    let can_attach = move || idle() && model.card.with(|card| card.imsi.is_some());
    let attach = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        phone.attach();
    };
    let lines = move || {
        let mut log = model.log.get();
        log.reverse();
        log
    };
    view! {
        <section class="network" aria-labelledby="network-title">
            <h2 id="network-title">{say.of(Text::new("Network", "ネットワーク"))}</h2>
            {facts}
            <form class="field" on:submit=attach>
                <label>
                    {say.of(Text::new("APN the phone asks for", "電話が要求する APN"))}
                    <input
                        type="text"
                        name="apn"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder=say.of(Text::new("none", "なし"))
                        prop:value=model.apn
                        on:input=move |event| model.apn.set(event_target_value(&event))
                    />
                </label>
                <label class="short">
                    {say.of(Text::new("Access", "アクセス"))}
                    <select
                        name="access"
                        on:change=move |event| model.access.set(if event_target_value(&event) == FIVE_G {
                            Access::FiveG
                        } else {
                            Access::Eps
                        })
                    >
                        <option value="eps" selected=model.access.get_untracked() == Access::Eps>"4G (EPS)"</option>
                        <option value=FIVE_G selected=model.access.get_untracked() == Access::FiveG>"5G"</option>
                    </select>
                </label>
                <button type="submit" disabled=move || !can_attach()>{say.of(Text::new("Attach again", "再アタッチ"))}</button>
                <button
                    type="button"
                    class="quiet"
                    disabled=move || !idle() || !attached()
                    on:click=move |_| phone.detach()
                >{say.of(Text::new("Detach", "デタッチ"))}</button>
            </form>
            <h3>{say.of(Text::new("Decisions, as the phone saw them", "決定（電話から見たもの）"))}</h3>
            <Show when=move || !model.log.with(Vec::is_empty) fallback=move || view! {
                <p class="empty">{say.of(Text::new("None yet.", "まだありません。"))}</p>
            }>
                <ol
                    class="decisions"
                    reversed
                    tabindex="0"
                    aria-label=say.of(Text::new("Decisions of the network", "ネットワークの決定"))
                >
                    <For each=lines key=|line| line.id children=line/>
                </ol>
            </Show>
            <Kept/>
            <ForOperator/>
        </section>
    }
}

#[component]
fn Facts(session: Session) -> impl IntoView {
    let say = context().say;
    let because = session.apn.words();
    let version = session.apn.version;
    let (class, class_words) = (
        session.class.clone(),
        match session.class.as_str() {
            "provisioning" => Text::new("provisioning", "プロビジョニング").owned(),
            "operational" => Text::new("operational", "運用").owned(),
            other => Text::new(other.to_owned(), other.to_owned()),
        },
    );
    let asked = session
        .apn
        .requested
        .map_or_else(|| Text::new("none", "なし").owned(), |asked| Text::new(asked.clone(), asked));
    let services = session.services;
    let access = match session.access {
        Access::Eps => "4G (EPS)",
        Access::FiveG => "5G",
    };
    view! {
        <dl>
            <dt>{say.of(Text::new("Subscriber (IMSI)", "加入者 (IMSI)"))}</dt>
            <dd><Number number=session.imsi what=Text::new("IMSI", "IMSI")/>" "<span class=format!("badge {class}")>{say.of(class_words)}</span></dd>
            <dt>{say.of(Text::new("Access", "アクセス"))}</dt>
            <dd data-testid="access">{access}</dd>
            <dt>{say.of(Text::new("APN asked", "要求した APN"))}</dt>
            <dd data-testid="apn-asked">{say.of(asked)}</dd>
            <dt>{say.of(Text::new("APN given", "与えられた APN"))}</dt>
            <dd data-testid="apn-given"><strong>{session.apn.given}</strong></dd>
            <dt>{say.of(Text::new("Because", "理由"))}</dt>
            <dd>
                {say.of(because)}" "
                <small>"rule "{session.apn.rule}" · "{say.of(text!("policy version {version}", "ポリシー第 {version} 版"))}</small>
            </dd>
            {session.qos.map(|qos| view! {
                <dt>{say.of(Text::new("Quality of service", "サービス品質"))}</dt>
                <dd data-testid="qos">{qos.to_string()}</dd>
            })}
            <dt>{say.of(Text::new("Address", "アドレス"))}</dt>
            <dd><Number number=session.address what=Text::new("address", "アドレス")/></dd>
        </dl>
        <div class="scroll" tabindex="0" role="region" aria-label=say.of(Text::new("Services of the session", "セッションのサービス"))>
            <table class="verdicts">
                <thead>
                    <tr>
                        <th scope="col">{say.of(Text::new("Service", "サービス"))}</th>
                        <th scope="col">{say.of(Text::new("Verdict", "判定"))}</th>
                        <th scope="col">{say.of(Text::new("Because", "理由"))}</th>
                        <th scope="col">{say.of(Text::new("Cause and rule", "原因値とルール"))}</th>
                    </tr>
                </thead>
                <tbody>
                    <Row name=Text::new("Data", "データ通信") verdict=services.data/>
                    <Row name=Text::new("Voice", "音声通話") verdict=services.voice/>
                    <Row name=Text::new("SMS", "SMS") verdict=services.sms/>
                </tbody>
            </table>
        </div>
    }
}

/// Yes or no, in words.
const fn answer(permitted: bool) -> Text {
    if permitted { Text::new("permitted", "許可") } else { Text::new("refused", "拒否") }
}

#[component]
fn Row(name: Text, verdict: Verdict) -> impl IntoView {
    let say = context().say;
    let good = verdict.permitted();
    view! {
        <tr class:yes=good class:no=!good>
            <th scope="row">{say.of(name)}</th>
            <td class="verdict">{say.of(answer(good))}</td>
            <td>{say.of(verdict.words())}</td>
            <td><small>{say.of(verdict.codes())}</small></td>
        </tr>
    }
}

fn line(line: LogLine) -> impl IntoView {
    let say = context().say;
    let (what, outcome) = (say.of(line.what), say.of(line.outcome));
    view! {
        <li class:yes=line.good class:no=!line.good>
            <span class="mark" aria-hidden="true">{if line.good { "✓" } else { "✕" }}</span>
            <span class="what">{move || shown_in(&what())}</span>
            <span class="outcome">{move || shown_in(&outcome())}</span>
            <small>{say.of(line.codes)}</small>
        </li>
    }
}

/// What the network keeps of this session: what it has used, and every decision, also on each
/// HTTP call that its gateway let through or did not.
#[component]
fn Kept() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let log = RwSignal::new(None::<Result<Vec<LogEntry>, NetworkError>>);
    let session = RwSignal::new(None::<Session>);
    let look = move || {
        if !phone.may_look() {
            return;
        }
        spawn_local(async move {
            // The view may be gone by now.
            let fresh = phone.ask_session::<Session>("", None).await;
            if fresh.is_ok() {
                let entries = phone.ask_session("/log", None).await;
                let _ = log.try_set(Some(entries));
            }
            let _ = session.try_set(fresh.ok());
        });
    };
    // Asked anew whenever the phone has done something, and now and then.
    Effect::new(move |_| {
        let settled = model.task.with(Option::is_none);
        let attached = model.radio.with(|radio| radio.session().is_some());
        if !attached {
            log.set(None);
            session.set(None);
        } else if settled {
            look();
        }
    });
    if let Ok(timer) = set_interval_with_handle(look, LOOK) {
        on_cleanup(move || timer.clear());
    }
    let entries = move || match log.get() {
        None => view! { <p class="empty">{say.of(Text::new("No session.", "セッションはありません。"))}</p> }
            .into_any(),
        Some(Err(error)) => {
            let (words, codes) = (error.words(), error.codes());
            view! { <p class="empty">{say.of(words)}" "<small>{say.of(codes)}</small></p> }.into_any()
        }
        Some(Ok(entries)) => {
            let rows = entries.into_iter().rev().map(|entry| {
                let good = entry.permitted();
                let because = entry.words();
                let when = clock(entry.at);
                let what = say.of(entry.asked());
                view! {
                    <tr class:yes=good class:no=!good>
                        <td class="digits">{when}</td>
                        <td class="what">{move || shown_in(&what())}</td>
                        <td class="verdict">{say.of(answer(good))}</td>
                        <td>{say.of(because)}" "<small>"rule "{entry.rule}" · v"{entry.version}</small></td>
                    </tr>
                }
            });
            view! {
                <div class="scroll log" tabindex="0" role="region" aria-label=say.of(Text::new("The network’s own log", "ネットワーク自身の記録"))>
                    <table class="verdicts">
                        <thead>
                            <tr>
                                <th scope="col">{say.of(Text::new("Time", "時刻"))}</th>
                                <th scope="col">{say.of(Text::new("Asked", "要求"))}</th>
                                <th scope="col">{say.of(Text::new("Verdict", "判定"))}</th>
                                <th scope="col">{say.of(Text::new("Because", "理由"))}</th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
            }
            .into_any()
        }
    };
    let count = move || {
        log.with(|log| match log {
            Some(Ok(entries)) => Some(say.now(text!("{} entries", "{} 件", entries.len()))),
            _ => None,
        })
    };
    view! {
        {move || session.get().map(|session| view! { <Usage session now=js_sys::Date::now() as u64/> })}
        <Names asked=move |()| look()/>
        <h3>{say.of(Text::new("The network’s own log of this session", "このセッションのネットワーク側の記録"))}" "<small>{count}</small></h3>
        {entries}
    }
}

/// What only the operator sees.
#[component]
fn ForOperator() -> impl IntoView {
    let say = context().say;
    let token = RwSignal::new(None::<String>);
    spawn_local(async move {
        let found = operator_token().await;
        token.try_set(found);
    });
    move || {
        token.get().map(|token| {
            let again = token.clone();
            view! {
                <h3>{say.of(Text::new("For the operator: the policy", "事業者向け: ポリシー"))}</h3>
                <Policy token=again changed=|()| ()/>
                <h3>{say.of(Text::new("For the operator: the record of this subscriber", "事業者向け: この加入者の記録"))}</h3>
                <Audit token/>
            }
        })
    }
}

/// The time of day of a millisecond since 1970, where the browser is.
fn clock(milliseconds: u64) -> String {
    let date = js_sys::Date::new(&(milliseconds as f64).into());
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}
