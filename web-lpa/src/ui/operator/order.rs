//! One press from nothing to an activation code.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use super::super::digits::clip;
use super::super::{Context, context};
use crate::model::Slot;
use crate::order::{self, CHANCE, Class, Wish};
use crate::transport::{http, later};

/// What became of an order.
#[derive(Clone, PartialEq)]
enum Made {
    Code(String),
    Failed(Text<String>),
}

#[component]
pub(super) fn OrderForm(token: String) -> impl IntoView {
    let Context { model, phone, say, hidden, .. } = context();
    let token = StoredValue::new(token);
    let name = RwSignal::new("Trial".to_owned());
    let class = RwSignal::new(Class::default());
    let confirmation = RwSignal::new(String::new());
    let rules = [RwSignal::new(false), RwSignal::new(false)];
    let bound = RwSignal::new(None::<Slot>);
    let eid =
        move |slot: Slot| model.chip(slot).info.with(|info| info.as_ref().map(|info| info.eid.to_string()));
    // A device that is not there any more is no choice.
    Effect::new(move |_| {
        if bound.get().is_some_and(|slot| eid(slot).is_none()) {
            bound.set(None);
        }
    });
    let busy = RwSignal::new(false);
    let made = RwSignal::new(None::<Made>);

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let wish = Wish {
            name: Some(name.get_untracked().trim().to_owned())
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "Trial".to_owned()),
            class: class.get_untracked(),
            confirmation_code: Some(confirmation.get_untracked().trim().to_owned())
                .filter(|code| !code.is_empty()),
            rules: rules.map(|rule| rule.get_untracked()),
            eid: bound.get_untracked().and_then(|slot| untrack(|| eid(slot))),
        };
        busy.set(true);
        made.set(None);
        spawn_local(async move {
            let result = send(&wish, &token.get_value()).await;
            busy.try_set(false);
            made.try_set(Some(match result {
                Ok((code, _)) => Made::Code(code),
                Err(because) => Made::Failed(text!(
                    "The order was not made: {because}.",
                    "注文できませんでした: {because}。"
                )),
            }));
        });
    };
    let classes = Class::ALL.map(|one| {
        let text = match one {
            Class::Operational => Text::new("Operational", "商用 (Operational)"),
            Class::Test => Text::new("Test", "テスト"),
            Class::Provisioning => Text::new("Provisioning", "プロビジョニング"),
        };
        view! { <option value=one.word() selected=move || class.get() == one>{say.of(text)}</option> }
    });
    let chips = Slot::ALL.map(|slot| {
        let text = match slot {
            Slot::Phone => Text::new("The phone’s chip only", "電話のチップのみ"),
            Slot::Watch => Text::new("The watch’s chip only", "時計のチップのみ"),
            Slot::Card => Text::new("The card only", "カードのみ"),
        };
        move || {
            eid(slot).is_some().then(|| {
                view! {
                    <option value=slot.word() selected=move || bound.get() == Some(slot)>{say.of(text)}</option>
                }
            })
        }
    });
    let rule = |index: usize, text: Text| {
        let on = rules[index];
        view! {
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=on
                    on:change=move |event| on.set(event_target_checked(&event))
                />
                {say.of(text)}
            </label>
        }
    };
    view! {
        <form class="order card" on:submit=submit aria-labelledby="order-title">
            <h3 id="order-title">{say.of(Text::new("Order a profile", "プロファイルを注文"))}</h3>
            <p class="help">{say.of(Text::new(
                "Makes a profile at the SM-DP+, orders it and gives you the code. The SM-DP+ tells the network of the subscriber.",
                "SM-DP+ にプロファイルを作り、注文してコードを発行します。加入者は SM-DP+ からネットワークに伝えられます。",
            ))}</p>
            <div class="fields">
                <label>
                    {say.of(Text::new("Profile name", "プロファイル名"))}
                    <input
                        type="text"
                        maxlength="20"
                        autocomplete="off"
                        prop:value=name
                        on:input=move |event| name.set(event_target_value(&event))
                    />
                </label>
                <label>
                    {say.of(Text::new("Class", "クラス"))}
                    <select on:change=move |event| {
                        let word = event_target_value(&event);
                        class.set(Class::ALL.into_iter().find(|one| one.word() == word).unwrap_or_default());
                    }>{classes.into_iter().collect_view()}</select>
                </label>
                <label>
                    {say.of(Text::new("Who may download it", "ダウンロードできるチップ"))}
                    <select on:change=move |event| {
                        let word = event_target_value(&event);
                        bound.set(Slot::ALL.into_iter().find(|slot| slot.word() == word));
                    }>
                        <option value="" selected=move || bound.get().is_none()>
                            {say.of(Text::new("Any chip", "どのチップでも"))}
                        </option>
                        {chips.into_iter().collect_view()}
                    </select>
                </label>
                <label>
                    {say.of(Text::new("Confirmation code (optional)", "確認コード (任意)"))}
                    <input
                        type="text"
                        maxlength="32"
                        autocomplete="off"
                        prop:value=confirmation
                        on:input=move |event| confirmation.set(event_target_value(&event))
                    />
                </label>
            </div>
            <div class="ticks">
                {rule(0, Text::new("Can’t be switched off (PPR1)", "オフにできない (PPR1)"))}
                {rule(1, Text::new("Can’t be deleted (PPR2)", "削除できない (PPR2)"))}
            </div>
            <button type="submit" class="primary" disabled=move || busy.get()>
                {say.of(Text::new("Order", "注文する"))}
            </button>
            <div class="made" role="status">
                {move || made.get().map(|made| match made {
                    Made::Failed(words) => view! { <p class="help wrong">{say.of(words)}</p> }.into_any(),
                    Made::Code(code) => {
                        let (copied, used) = (code.clone(), code.clone());
                        let shown = move || if hidden.get() { short(&code) } else { code.clone() };
                        view! {
                            <p><code data-testid="ordered-code">{shown}</code></p>
                            <div class="actions">
                                <Copy text=copied/>
                                <button type="button" class="primary" on:click=move |_| phone.offer_code(used.clone())>
                                    {say.of(Text::new("Use in the phone", "電話で使う"))}
                                </button>
                            </div>
                        }
                        .into_any()
                    }
                })}
            </div>
        </form>
    }
}

/// The end of a code.
fn short(code: &str) -> String {
    let from = code.char_indices().rev().nth(4).map_or(0, |(at, _)| at);
    format!("…{}", code.get(from..).unwrap_or_default())
}

/// A button that puts a text into the clipboard.
#[component]
fn Copy(text: String) -> impl IntoView {
    let Context { say, .. } = context();
    let done = RwSignal::new(false);
    let copy = move |_| {
        let copied = clip(text.clone());
        spawn_local(async move {
            done.try_set(copied.await);
        });
    };
    let label = move || {
        let text = if done.get() {
            Text::new("Copied", "コピーしました")
        } else {
            Text::new("Copy", "コピー")
        };
        say.now(text)
    };
    view! { <button type="button" on:click=copy>{label}</button> }
}

/// How often it is asked whether the network knows the subscriber of an order.
const ASKS: u32 = 100;
/// How long between two times, in milliseconds.
const PAUSE: u32 = 100;

/// The activation code of what was wished for, once the network knows the subscriber, and the
/// request that would make that one.
pub(super) async fn send(wish: &Wish, token: &str) -> Result<(String, order::Request), String> {
    let mut chance = [0; CHANCE];
    let crypto = window().crypto().map_err(|_| "this browser has no source of chance".to_owned())?;
    crypto
        .get_random_values_with_u8_array(&mut chance)
        .map_err(|_| "this browser has no source of chance".to_owned())?;
    let requests = order::requests(wish, &chance);
    send_one(&requests.profile, token).await?;
    let code = order::activation_code(&send_one(&requests.order, token).await?)?;
    for _ in 0..ASKS {
        if order::standing(&send_one(&requests.standing, token).await?)? {
            return Ok((code, requests.subscriber));
        }
        later::after(PAUSE).await;
    }
    Err("the SM-DP+ has not told the network of the subscriber yet".to_owned())
}

/// The answer to one of the requests.
pub(super) async fn send_one(request: &order::Request, token: &str) -> Result<Vec<u8>, String> {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    let body = (!request.body.is_null()).then(|| request.body.to_string());
    let answer =
        http::send(request.method, &request.path, &headers, body.as_deref().map(str::as_bytes)).await?;
    if !(200..300).contains(&answer.status) {
        return Err(order::because(answer.status, &answer.body));
    }
    Ok(answer.body)
}
