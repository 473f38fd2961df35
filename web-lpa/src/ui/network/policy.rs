//! The policy: its rules for reading, and for its operator an editor with check, dry run,
//! versions and roll-back.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use super::super::{Context, context};
use super::ask::{ask, put};
use super::clock;
use crate::network::NetworkError;
use crate::network_policy::{Checked, Decided, Outcomes, Rule, Shown, Version, dry_run, questions, rules};

const PATH: &str = "/network/policy";

/// What the editor says about what is in it.
#[derive(Clone)]
enum Said {
    Checked(Checked),
    Tried(Outcomes),
    Applied(Version),
    Refused(NetworkError),
    NoJson(String),
}

/// The policy, for whoever holds the operator's token. `changed` is run when there is another.
#[component]
pub(super) fn Policy(token: String, #[prop(into)] changed: Callback<()>) -> impl IntoView {
    let Context { say, .. } = context();
    let token = StoredValue::new(token);
    let shown = RwSignal::new(None::<Result<Shown, NetworkError>>);
    let versions = RwSignal::new(Vec::<Version>::new());
    let text = RwSignal::new(String::new());
    let said = RwSignal::new(None::<Said>);
    let busy = RwSignal::new(false);
    let load = move || async move {
        let token = token.get_value();
        let policy = ask::<Shown>(PATH, Some(&token), None).await;
        if let Ok(policy) = &policy {
            let _ = text.try_set(policy.text());
        }
        let _ = shown.try_set(Some(policy));
        let history = ask::<Vec<Version>>(&format!("{PATH}/history"), Some(&token), None).await;
        let _ = versions.try_set(history.unwrap_or_default());
    };
    spawn_local(load());
    let version = move || {
        shown.with_untracked(|shown| shown.as_ref().and_then(|shown| Some(shown.as_ref().ok()?.version)))
    };
    let check = move |_| {
        busy.set(true);
        spawn_local(async move {
            let body = text.get_untracked();
            let answer = ask(&format!("{PATH}/check"), Some(&token.get_value()), Some(body.as_bytes())).await;
            let _ = said.try_set(Some(answer.map_or_else(Said::Refused, Said::Checked)));
            let _ = busy.try_set(false);
        });
    };
    let try_out = move |_| match dry_run(&text.get_untracked()) {
        Err(because) => said.set(Some(Said::NoJson(because))),
        Ok(body) => {
            busy.set(true);
            spawn_local(async move {
                let path = format!("{PATH}/dry-run");
                let answer = ask(&path, Some(&token.get_value()), Some(body.as_bytes())).await;
                let _ = said.try_set(Some(answer.map_or_else(Said::Refused, Said::Tried)));
                let _ = busy.try_set(false);
            });
        }
    };
    // Both make another version, of the one that was seen.
    let becomes = move |method: &'static str, path: String, body: String| {
        let Some(seen) = version() else { return };
        busy.set(true);
        spawn_local(async move {
            let answer = put::<Version>(method, &path, &token.get_value(), seen, body.as_bytes()).await;
            if answer.is_ok() {
                load().await;
            }
            let _ = said.try_set(Some(answer.map_or_else(Said::Refused, Said::Applied)));
            let _ = busy.try_set(false);
            changed.run(());
        });
    };
    let apply = move |_| becomes("PUT", PATH.to_owned(), text.get_untracked());
    let roll_back = move |to: u64| becomes("POST", format!("{PATH}/rollback"), format!("{{\"to\":{to}}}"));
    let readable = move || match shown.get() {
        None => ().into_any(),
        Some(Err(error)) => {
            view! { <p class="empty">{say.of(error.words())}" "<small>{say.of(error.codes())}</small></p> }
                .into_any()
        }
        Some(Ok(shown)) => view! { <Rules shown/> }.into_any(),
    };
    let former = move || {
        let current = shown.with(|shown| shown.as_ref().and_then(|shown| Some(shown.as_ref().ok()?.version)));
        let own = Version {
            version: 0,
            at: 0,
            author: String::new(),
            note: say.now(Text::new("this deployment’s own", "この環境の既定")).to_owned(),
            rules: 0,
            rolled_back_to: None,
        };
        let rows = versions.get().into_iter().chain([own]).map(|one| {
            let Version { version, at, author, note, rules, .. } = one;
            let is_current = Some(version) == current;
            view! {
                <tr>
                    <td class="digits">{version}</td>
                    <td class="digits">{(at != 0).then(|| clock(at))}</td>
                    <td>{author}</td>
                    <td>{note}</td>
                    <td class="digits">{(rules != 0).then_some(rules)}</td>
                    <td>
                        {(!is_current).then(|| view! {
                            <button type="button" class="quiet" disabled=busy on:click=move |_| roll_back(version)>
                                {say.of(text!("Back to version {version}", "第 {version} 版に戻す"))}
                            </button>
                        })}
                    </td>
                </tr>
            }
        });
        rows.collect_view()
    };
    view! {
        {readable}
        <details class="policy-editor">
            <summary>{say.of(Text::new("Edit the policy", "ポリシーを編集"))}</summary>
            <label>
                {say.of(Text::new("Document (JSON)", "文書 (JSON)"))}
                <textarea
                    rows="18"
                    spellcheck="false"
                    autocomplete="off"
                    autocapitalize="none"
                    prop:value=text
                    on:input=move |event| {
                        text.set(event_target_value(&event));
                        said.set(None);
                    }
                ></textarea>
            </label>
            <div class="row">
                <button type="button" class="quiet" disabled=busy on:click=check>{say.of(Text::new("Check", "検査"))}</button>
                <button type="button" class="quiet" disabled=busy on:click=try_out>{say.of(Text::new("Dry run", "試行"))}</button>
                <button type="button" disabled=busy on:click=apply>{say.of(Text::new("Apply", "適用"))}</button>
            </div>
            <div role="status" data-testid="policy-said">{move || said.get().map(|said| view! { <Outcome said/> })}</div>
        </details>
        <details class="policy-versions">
            <summary>{say.of(Text::new("Versions", "版の履歴"))}</summary>
            <Show when=move || !versions.with(Vec::is_empty) fallback=move || view! {
                <p class="empty">{say.of(Text::new(
                    "None yet: what is decided by is this deployment’s own policy.",
                    "まだありません。現在はこの環境の既定のポリシーで決定しています。",
                ))}</p>
            }>
                <div class="scroll" tabindex="0" role="region" aria-label=say.of(Text::new("Versions of the policy", "ポリシーの版"))>
                    <table class="verdicts">
                        <thead>
                            <tr>
                                <th scope="col">{say.of(Text::new("Version", "版"))}</th>
                                <th scope="col">{say.of(Text::new("Time", "時刻"))}</th>
                                <th scope="col">{say.of(Text::new("Author", "作成者"))}</th>
                                <th scope="col">{say.of(Text::new("Note", "メモ"))}</th>
                                <th scope="col">{say.of(Text::new("Rules", "ルール数"))}</th>
                                <td></td>
                            </tr>
                        </thead>
                        <tbody>{former}</tbody>
                    </table>
                </div>
            </Show>
        </details>
    }
}

/// The rules in the order they are read.
#[component]
fn Rules(shown: Shown) -> impl IntoView {
    let say = context().say;
    let version = shown.version;
    let of = if version == 0 {
        Text::new("version 0: this deployment’s own", "第 0 版: この環境の既定").owned()
    } else {
        text!("version {version}", "第 {version} 版")
    };
    let row = |rule: Rule| {
        let Rule { name, words, then, detail } = rule;
        let good = then != "refuse";
        let verdict = match then.as_str() {
            "connect" => Text::new("connect", "接続"),
            "permit" => Text::new("permit", "許可"),
            _ => Text::new("refuse", "拒否"),
        };
        view! {
            <tr class:yes=good class:no=!good>
                <th scope="row"><code>{name}</code></th>
                <td class="verdict">{say.of(verdict)}</td>
                <td>{say.of(words)}<br/><small>{detail}</small></td>
            </tr>
        }
    };
    view! {
        <p><small data-testid="policy-version">{say.of(of)}</small>" · "<small>{say.of(Text::new(
            "The first rule that holds decides; where none does the answer is no.",
            "最初に当てはまるルールで決まり、なければ拒否します。",
        ))}</small></p>
        <div class="scroll log" tabindex="0" role="region" aria-label=say.of(Text::new("Rules of the policy", "ポリシーのルール"))>
            <table class="verdicts" data-testid="policy-rules">
                <thead>
                    <tr>
                        <th scope="col">{say.of(Text::new("Rule", "ルール"))}</th>
                        <th scope="col">{say.of(Text::new("Decides", "決定"))}</th>
                        <th scope="col">{say.of(Text::new("Because", "理由"))}</th>
                    </tr>
                </thead>
                <tbody>{rules(&shown.document).into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// What came of a check, a dry run or a change.
#[component]
fn Outcome(said: Said) -> impl IntoView {
    let say = context().say;
    match said {
        Said::NoJson(because) => {
            let words = text!("This is no JSON: {because}.", "JSON として読めません: {because}。");
            view! { <p class="empty">{say.of(words)}</p> }.into_any()
        }
        Said::Refused(error) => {
            view! { <p class="empty">{say.of(error.words())}" "<small>{say.of(error.codes())}</small></p> }
                .into_any()
        }
        Said::Applied(version) => {
            let words = text!(
                "Version {} decides from now on; sessions keep the limits they began with.",
                "今後は第 {} 版で決定します。開始済みのセッションの上限は変わりません。",
                version.version
            );
            view! { <p>{say.of(words)}</p> }.into_any()
        }
        Said::Checked(checked) => {
            let words = if checked.accepted {
                Text::new("It can become the policy.", "ポリシーにできます。")
            } else {
                Text::new("It can’t become the policy.", "ポリシーにできません。")
            };
            let findings = checked.findings.into_iter().map(|finding| {
                view! { <li class:no=finding.level == "error"><code>{finding.path}</code>" "{finding.says}</li> }
            });
            view! { <p>{say.of(words)}</p><ul>{findings.collect_view()}</ul> }.into_any()
        }
        Said::Tried(Outcomes { differing, outcomes }) => {
            let told = move |decided: Option<Decided>| {
                decided.map(|decided| {
                    let words = say.of(decided.words());
                    view! { {words}" "<small>"rule "{decided.rule}</small> }
                })
            };
            let rows = questions().into_iter().zip(outcomes).map(|((what, _), outcome)| {
                let differs = outcome.now.is_some();
                let now = outcome.now.unwrap_or_else(|| outcome.decision.clone());
                view! {
                    <tr class:differs=differs>
                        <th scope="row">{say.of(what)}</th>
                        <td>{told(Some(now))}</td>
                        <td>{told(differs.then_some(outcome.decision))}</td>
                    </tr>
                }
            });
            let all = rows.len();
            let differ = text!(
                "{differing} of {all} decisions differ.",
                "{all} 件中 {differing} 件の決定が変わります。"
            );
            view! {
                <p>{say.of(differ)}</p>
                <div class="scroll" tabindex="0" role="region" aria-label=say.of(Text::new("The dry run", "試行の結果"))>
                    <table class="verdicts">
                        <thead>
                            <tr>
                                <th scope="col">{say.of(Text::new("Question", "質問"))}</th>
                                <th scope="col">{say.of(Text::new("Now", "現在"))}</th>
                                <th scope="col">{say.of(Text::new("Then", "適用後"))}</th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
            }
            .into_any()
        }
    }
}
