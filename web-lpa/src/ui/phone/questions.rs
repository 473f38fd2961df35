//! What the person is asked: before a profile is installed, before something is lost.

use leptos::prelude::*;
use lpa::{Lost, Question, Reply};
use rsp::metadata::StoreMetadata;
use rsp::notification::NotificationMetadata;
use words::{Text, text};

use super::super::digits::{ending, shown};
use super::super::modal::Modal;
use super::super::{Context, context};
use super::{class_name, class_word, picture, rules};
use crate::code::scan::seen;
use crate::phone::{PATIENCE_MINUTES, called, shown_name};
use crate::transport::chip::ChipState;
use crate::units::size;

/// So many who are told of a profile are named before it is installed; metadata may hold hundreds.
const MOST_TOLD: usize = 4;

/// The questions of procedures.
#[component]
pub(in crate::ui) fn Questions() -> impl IntoView {
    let Context { model, phone, .. } = context();
    let asked = Memo::new(move |_| model.question.get());
    let open = Signal::derive(move || asked.with(Option::is_some));
    let cancel = move || {
        let of_download = asked.with_untracked(|asked| {
            matches!(asked, Some(Question::Consent { .. } | Question::ConfirmationCode { .. }))
        });
        phone.answer(if of_download { Reply::Postpone } else { Reply::Reject });
    };
    view! {
        <Modal open on_cancel=cancel label=Text::new("The phone asks", "確認") stays=true>
            {move || asked.get().map(|question| match question {
                Question::Consent { metadata, strong_consent, confirmation_code_required, address, free_memory } => view! {
                    <Consent
                        metadata=*metadata
                        strong=strong_consent
                        code_follows=confirmation_code_required
                        address
                        free=free_memory
                    />
                }.into_any(),
                Question::ConfirmationCode { wrong_before, tries_left } => view! {
                    <ConfirmationCode wrong_before tries_left/>
                }.into_any(),
                Question::MemoryReset(lost) => view! { <MemoryReset lost=*lost/> }.into_any(),
                Question::RemoveNotification(one) => view! { <RemoveNotification one=*one/> }.into_any(),
            })}
        </Modal>
    }
}

/// Whose chip the question is about: the device, and of a real card the place.
fn whose() -> impl Fn() -> Text<String> + Copy + Send + 'static {
    let model = context().model;
    move || {
        let slot = model.asked_of.get();
        match model.chip(slot).state.get() {
            ChipState::Real(place) => {
                Text::new(format!("The real card in {}", place.en), format!("実物のカード ({})", place.ja))
            }
            _ => slot.name().owned(),
        }
    }
}

/// Which chip that is: its EID, where it is known. Two cards in one reader differ by nothing else.
#[component]
fn WhichChip() -> impl IntoView {
    let Context { model, say, .. } = context();
    let eid = move || {
        model.chip(model.asked_of.get()).info.with(|info| info.as_ref().map(|info| info.eid.to_string()))
    };
    move || {
        eid().map(|eid| {
            view! {
                <dt>{say.of(Text::new("Its EID", "その EID"))}</dt>
                <dd class="digits" data-testid="asked-eid">{move || ending(&eid)}</dd>
            }
        })
    }
}

#[component]
fn Consent(
    metadata: StoreMetadata,
    strong: bool,
    code_follows: bool,
    address: String,
    free: Option<u32>,
) -> impl IntoView {
    let Context { phone, say, .. } = context();
    let whose = whose();
    let name = shown_name(&metadata.service_provider_name, &metadata.profile_name);
    let picture = picture(metadata.icon.as_ref(), &name);
    let rules = rules(metadata.profile_policy_rules);
    let mut tells: Vec<String> =
        metadata.notification_configuration.iter().map(|one| one.address.clone()).collect();
    tells.sort();
    tells.dedup();
    let more = tells.len().saturating_sub(MOST_TOLD);
    tells.truncate(MOST_TOLD);
    let class = metadata.profile_class;
    let iccid = metadata.iccid.to_string();
    // A yes to rules is given apart from the yes to the profile.
    let agreed = RwSignal::new(!strong);
    view! {
        // It has the focus: the answer is not a key away before one has seen what is asked.
        <h2 tabindex="-1" autofocus>{say.of(Text::new("Install this profile?", "このプロファイルをインストールしますか？"))}</h2>
        <div class="metadata">
            {picture}
            <dl>
                <dt>{say.of(Text::new("Operator", "事業者"))}</dt><dd data-testid="consent-operator">{seen(&metadata.service_provider_name)}</dd>
                <dt>{say.of(Text::new("Profile", "プロファイル"))}</dt><dd>{seen(&metadata.profile_name)}</dd>
                <dt>{say.of(Text::new("Class", "種別"))}</dt>
                <dd><span class=format!("badge {}", class_word(class))>{say.of(class_name(class))}</span></dd>
                <dt>"ICCID"</dt><dd class="digits">{move || shown(&iccid)}</dd>
                <dt>{say.of(Text::new("Goes to", "インストール先"))}</dt>
                <dd data-testid="consent-device">{move || say.now(whose())}</dd>
                <WhichChip/>
                <dt>{say.of(Text::new("Offered by", "提供元"))}</dt><dd class="digits">{address}</dd>
                {free.map(|free| view! {
                    <dt>{say.of(Text::new("Free memory", "空きメモリー"))}</dt><dd>{size(free as usize)}</dd>
                })}
                {(!tells.is_empty()).then(|| view! {
                    <dt>{say.of(Text::new("Will be told", "通知先"))}</dt>
                    <dd data-testid="consent-told">
                        {tells.join(", ")}
                        {(more > 0).then(|| say.of(text!(" and {more} more", "、ほか {more} 件")))}
                    </dd>
                })}
            </dl>
        </div>
        {(!rules.is_empty()).then(|| view! {
            <div class="notice bad">
                <p><strong>{say.of(Text::new(
                    "The operator sets rules for this profile:",
                    "事業者はこのプロファイルに次のルールを設定しています。",
                ))}</strong></p>
                <ul>{rules.into_iter().map(|rule| view! { <li>{say.of(rule)}</li> }).collect_view()}</ul>
            </div>
        })}
        {strong.then(|| view! {
            <label class="check">
                <input
                    type="checkbox"
                    name="agree"
                    prop:checked=agreed
                    on:change=move |event| agreed.set(event_target_checked(&event))
                />
                {say.of(Text::new("I agree to these rules.", "これらのルールに同意します。"))}
            </label>
        })}
        {code_follows.then(|| view! {
            <p>{say.of(Text::new(
                "The operator will ask for a confirmation code next.",
                "次に、事業者の確認コードの入力が必要です。",
            ))}</p>
        })}
        <p class="help">{say.of(Text::new(
            "Nothing is installed yet. The profile stays off until you switch to it. “Refuse for good” ends the order: its code is not valid any more.",
            "まだ何もインストールされていません。切り替えるまでプロファイルはオフのままです。「完全に断る」と注文は終了し、コードは無効になります。",
        ))}</p>
        <p class="help">{say.of(patience())}</p>
        <div class="actions">
            <button type="button" class="quiet danger" on:click=move |_| phone.answer(Reply::Reject)>{say.of(Text::new("Refuse for good", "完全に断る"))}</button>
            <button type="button" on:click=move |_| phone.answer(Reply::Postpone)>{say.of(Text::new("Not now", "後で"))}</button>
            <button
                type="button"
                class="primary"
                disabled=move || !agreed.get()
                on:click=move |_| phone.answer(Reply::Accept)
            >{say.of(Text::new("Install", "インストール"))}</button>
        </div>
    }
}

/// How long there is time for an answer, and what follows when there is none.
fn patience() -> Text<String> {
    text!(
        "Without an answer in {PATIENCE_MINUTES} minutes this ends as with “Not now”: start again with the same code.",
        "{PATIENCE_MINUTES} 分以内に回答がない場合は「後で」と同じ扱いになり、同じコードでやり直せます。"
    )
}

#[component]
fn ConfirmationCode(wrong_before: bool, tries_left: Option<u32>) -> impl IntoView {
    let Context { phone, say, .. } = context();
    let code = RwSignal::new(String::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let code = code.get_untracked();
        if !code.is_empty() {
            phone.answer(Reply::Code(code));
        }
    };
    let left = tries_left.map_or_else(
        || Text::new("The operator allows a few tries only.", "入力できる回数は限られています。").owned(),
        |left| text!("Tries left: {left}.", "残り {left} 回入力できます。"),
    );
    let wrong = Text::new(
        "The code before was wrong. Check it and enter it again.",
        "前のコードは正しくありません。確認してもう一度入力してください。",
    )
    .owned()
    .with(left.clone());
    view! {
        <form on:submit=submit>
            <h2>{say.of(Text::new("Confirmation code", "確認コード"))}</h2>
            <p>{say.of(Text::new(
                "The operator asks for the code that came apart from the activation code, for instance by letter.",
                "アクティベーションコードとは別に、郵送などで届いたコードを入力してください。",
            ))}</p>
            {wrong_before.then(|| view! { <p class="help wrong" role="alert">{say.of(wrong)}</p> })}
            {(!wrong_before && tries_left.is_some()).then(|| view! { <p class="help">{say.of(left)}</p> })}
            <label>
                {say.of(Text::new("Confirmation code", "確認コード"))}
                <input
                    type="text"
                    name="confirmation-code"
                    autocomplete="one-time-code"
                    spellcheck="false"
                    autofocus
                    prop:value=code
                    on:input=move |event| code.set(event_target_value(&event))
                />
            </label>
            <p class="help">{say.of(patience())}</p>
            <div class="actions">
                <button type="button" on:click=move |_| phone.answer(Reply::Postpone)>{say.of(Text::new("Not now", "後で"))}</button>
                <button type="submit" class="primary" disabled=move || code.with(String::is_empty)>{say.of(Text::new("Continue", "続ける"))}</button>
            </div>
        </form>
    }
}

/// What a reset takes away, by name.
#[component]
fn MemoryReset(lost: Lost) -> impl IntoView {
    let Context { phone, say, .. } = context();
    let whose = whose();
    let waiting = lost.waiting.len();
    let nothing = lost.profiles.is_empty() && lost.default_smdp_address.is_none();
    let profiles = lost.profiles.into_iter().map(|info| {
        let name = called(&info);
        let iccid = info.iccid.map(|iccid| iccid.to_string()).unwrap_or_default();
        let class = info.profile_class.unwrap_or_default();
        view! {
            <li>
                <strong>{name}</strong>" "
                <span class=format!("badge {}", class_word(class))>{say.of(class_name(class))}</span>" "
                <span class="iccid">{move || shown(&iccid)}</span>
            </li>
        }
    });
    let told = text!(
        "Notifications that no server has yet: {waiting}. They stay on the chip.",
        "まだ送信していない通知: {waiting} 件。これらはチップに残ります。"
    );
    view! {
        <h2>{say.of(Text::new("Reset the chip’s memory?", "チップのメモリーをリセットしますか？"))}</h2>
        <p data-testid="reset-device"><strong>{move || say.now(whose())}</strong></p>
        <dl><WhichChip/></dl>
        {if nothing {
            view! {
                <p>{say.of(Text::new("Nothing on the chip is touched by it.", "このリセットで失われるものはありません。"))}</p>
            }.into_any()
        } else {
            view! {
                <p>{say.of(Text::new("This will be lost, and cannot be undone:", "次のものが失われ、元に戻せません。"))}</p>
                <ul class="lost">
                    {profiles.collect_view()}
                    {lost.default_smdp_address.map(|address| view! {
                        <li>{say.of(text!("The default server {address}", "既定のサーバー {address}"))}</li>
                    })}
                </ul>
            }.into_any()
        }}
        {(waiting > 0).then(|| view! { <p class="help">{say.of(told)}</p> })}
        <div class="actions">
            <button type="button" autofocus on:click=move |_| phone.answer(Reply::Reject)>{say.of(Text::new("Cancel", "キャンセル"))}</button>
            <button type="button" class="danger solid" on:click=move |_| phone.answer(Reply::Accept)>{say.of(Text::new("Reset", "リセット"))}</button>
        </div>
    }
}

#[component]
fn RemoveNotification(one: NotificationMetadata) -> impl IntoView {
    let Context { phone, say, .. } = context();
    let words = lpa::removal_words(&one);
    view! {
        <h2>{say.of(Text::new("Remove this notification?", "この通知を削除しますか？"))}</h2>
        <p>{say.of(words)}</p>
        <div class="actions">
            <button type="button" autofocus on:click=move |_| phone.answer(Reply::Reject)>{say.of(Text::new("Keep it", "残す"))}</button>
            <button type="button" class="danger solid" on:click=move |_| phone.answer(Reply::Accept)>{say.of(Text::new("Remove", "削除"))}</button>
        </div>
    }
}
