//! The profiles on the chip: switch, rename, delete, and all that the chip says of them.

use leptos::prelude::*;
use rsp::Iccid;
use rsp::metadata::{OperatorId, ProfileClass};
use rsp::profiles::{ProfileInfo, ProfileState};
use wasm_bindgen::JsCast;
use words::{Text, text};

use super::super::digits::{Copy, Number, shown};
use super::super::modal::Modal;
use super::super::{Context, context};
use super::{class_name, class_word, picture, rules};
use crate::code::scan::{is_unseen, safe, seen};
use crate::model::Slot;
use crate::phone::{called, isolated, own_name};
use crate::units::{plmn, shortened};

#[component]
pub(super) fn Profiles() -> impl IntoView {
    let Context { model, say, .. } = context();
    let chip = move || model.shown_chip();
    let list = move || chip().profiles.get().unwrap_or_default();
    // A row is another one when its profile has another name, and its button cannot keep the focus.
    let renamed = RwSignal::new(None::<Iccid>);
    Effect::new(move |_| {
        if model.task.with(Option::is_none)
            && let Some(iccid) = renamed.get()
        {
            renamed.set(None);
            request_animation_frame(move || focus_row(&iccid));
        }
    });
    let none = move || {
        say.now(if chip().profiles.with(Option::is_some) {
            Text::new("None yet: add an eSIM.", "まだありません。eSIM を追加してください。").owned()
        } else {
            chip().nothing_read()
        })
    };
    view! {
        <section class="profiles" aria-labelledby="profiles-title">
            <h3 id="profiles-title">{say.of(Text::new("Profiles on the chip", "チップのプロファイル"))}</h3>
            <Show when=move || !list().is_empty() fallback=move || view! { <p class="empty">{none}</p> }>
                <ul>
                    <For
                        each=list
                        // Over the air, an operator changes any of it.
                        key=move |info| (model.slot.get_untracked(), format!("{info:?}"))
                        children=move |info| view! { <Profile info renamed/> }
                    />
                </ul>
            </Show>
        </section>
    }
}

#[component]
fn Profile(
    info: ProfileInfo,
    /// The profile that is given another name.
    renamed: RwSignal<Option<Iccid>>,
) -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let slot = model.slot.get_untracked();
    let (own, name) = (own_name(&info), called(&info));
    let provider = info.service_provider_name.as_deref().map(seen).filter(|provider| *provider != name);
    let provider = provider.unwrap_or_default();
    let class = info.profile_class.unwrap_or_default();
    let enabled = info.state == Some(ProfileState::Enabled);
    let iccid = info.iccid;
    let digits = iccid.map(|iccid| iccid.to_string()).unwrap_or_default();
    let busy = move || model.task.with(Option::is_some);
    let deleting = RwSignal::new(false);
    let renaming = RwSignal::new(false);
    let nickname = info.nickname.clone().unwrap_or_default();
    let new_name = RwSignal::new(nickname.clone());
    let begin_to_rename = move |_| {
        // What was given up the last time is not what it is called.
        new_name.set(nickname.clone());
        renaming.set(true);
    };
    let too_long = move || new_name.with(|name| name.trim().len()).checked_sub(MAX_NICKNAME + 1).is_some();

    let switch = {
        let name = name.clone();
        move |_| match iccid {
            Some(iccid) if enabled => phone.disable(slot, iccid, name.clone()),
            Some(iccid) => phone.enable(slot, iccid, name.clone()),
            None => {}
        }
    };
    let rename = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if untrack(too_long) {
            return;
        }
        renaming.set(false);
        if let Some(iccid) = iccid {
            renamed.set(Some(iccid));
            phone.rename(slot, iccid, new_name.get_untracked().trim().to_owned());
        }
    };
    let deletable = class != ProfileClass::Provisioning;
    let (state, state_words) =
        if enabled { ("on", Text::new("on", "オン")) } else { ("off", Text::new("off", "オフ")) };
    let short_digits = shortened(&digits);
    let picture = picture(info.icon.as_ref(), &name);
    let in_words = isolated(&name);
    let rename_label = text!("Rename {in_words}", "{in_words} の名前を変更");
    let delete_label = text!("Delete {in_words}", "{in_words} を削除");
    let why_not = if enabled {
        Text::new("Switch it off first", "先にオフにしてください")
    } else {
        Text::new("", "")
    };
    let dialog = StoredValue::new((name.clone(), digits.clone()));
    let own_in_words = isolated(&own);
    let rename_title = StoredValue::new(text!("Rename {own_in_words}", "{own_in_words} の名前を変更"));
    let delete_label = StoredValue::new(delete_label);
    view! {
        <li class="profile" class:enabled=enabled data-iccid=digits data-state=state>
            {picture}
            <div class="who">
                <strong>{name.clone()}</strong>
                <span class="provider">{provider}</span>
                <span class="facts">
                    <span class=format!("badge {}", class_word(class))>{say.of(class_name(class))}</span>
                    <span class="iccid">"ICCID "{short_digits}</span>
                </span>
            </div>
            <button
                type="button"
                class="switch"
                role="switch"
                aria-checked=enabled.to_string()
                aria-label=name
                disabled=busy
                on:click=switch
            >
                <span aria-hidden="true" class="knob"></span>
                <span class="word" aria-hidden="true">{say.of(state_words)}</span>
            </button>
            <Details info/>
            <div class="more">
                <button type="button" class="quiet rename" aria-label=say.of(rename_label) disabled=busy on:click=begin_to_rename>
                    {say.of(Text::new("Rename", "名前を変更"))}
                </button>
                <Show when=move || deletable>
                    <button
                        type="button"
                        class="quiet danger"
                        aria-label=move || say.now(delete_label.get_value())
                        disabled=move || busy() || enabled
                        title=say.of(why_not)
                        on:click=move |_| deleting.set(true)
                    >{say.of(Text::new("Delete", "削除"))}</button>
                </Show>
            </div>
            <Modal
                open=Signal::from(deleting)
                on_cancel=move || deleting.set(false)
                label=Text::new("Delete a profile", "プロファイルの削除")
            >
                {
                    let (name, digits) = dialog.get_value();
                    view! {
                        <Deleting
                            name=name.clone()
                            digits
                            typed_first=class == ProfileClass::Operational || model.slot.get_untracked() == Slot::Card
                            keep=move || deleting.set(false)
                            delete=move || {
                                deleting.set(false);
                                if let Some(iccid) = iccid {
                                    phone.delete(slot, iccid, name.clone());
                                }
                            }
                        />
                    }
                }
            </Modal>
            <Modal
                open=Signal::from(renaming)
                on_cancel=move || renaming.set(false)
                label=Text::new("Rename a profile", "プロファイルの名前の変更")
            >
                <form on:submit=rename>
                    <h2>{move || say.now(rename_title.get_value())}</h2>
                    <label>
                        {say.of(Text::new("Name", "名前"))}
                        <input
                            type="text"
                            name="nickname"
                            aria-invalid=move || too_long().to_string()
                            autocomplete="off"
                            autofocus
                            prop:value=new_name
                            on:input=move |event| new_name.set(event_target_value(&event))
                        />
                    </label>
                    {move || too_long().then(|| {
                        let taken = new_name.with(|name| name.trim().len());
                        view! {
                            <p class="help wrong" role="alert">{say.of(text!(
                                "Too long for the chip: {taken} bytes, and there is room for {MAX_NICKNAME}. Many letters take two or three.",
                                "長すぎます: {taken} バイト。チップに入るのは {MAX_NICKNAME} バイトまでで、日本語は 1 文字 3 バイトです。"
                            ))}</p>
                        }
                    })}
                    <p class="help">{say.of(Text::new(
                        "Leave it empty to use the operator’s name.",
                        "空にすると事業者が付けた名前を使います。",
                    ))}</p>
                    <div class="actions">
                        <button type="button" on:click=move |_| renaming.set(false)>{say.of(Text::new("Cancel", "キャンセル"))}</button>
                        <button type="submit" class="primary" disabled=too_long>{say.of(Text::new("Rename", "変更"))}</button>
                    </div>
                </form>
            </Modal>
        </li>
    }
}

/// One who has renamed a profile goes on at its row, unless one is elsewhere by now.
fn focus_row(iccid: &Iccid) {
    let page = document();
    if page.active_element().is_some_and(|element| element.tag_name() != "BODY") {
        return;
    }
    let row =
        page.query_selector(&format!("li.profile[data-iccid=\"{iccid}\"] button.rename")).ok().flatten();
    if let Some(button) = row.and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = button.focus();
    }
}

/// Whether a profile is really to be deleted.
#[component]
fn Deleting(
    name: String,
    digits: String,
    /// The name has to be typed first: the profile may be somebody's number.
    typed_first: bool,
    keep: impl Fn() + Send + 'static,
    delete: impl Fn() + Send + 'static,
) -> impl IntoView {
    let Context { say, .. } = context();
    let typed = RwSignal::new(String::new());
    let expected = typeable(&name);
    let inside = isolated(&name);
    let title = text!("Delete {inside}?", "{inside} を削除しますか？");
    let ask = text!(
        "To confirm, type the profile’s name: {inside}",
        "確認のため、プロファイルの名前を入力してください: {inside}"
    );
    let ready = Memo::new(move |_| !typed_first || typed.with(|typed| typeable(typed) == expected));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if ready.get_untracked() {
            delete();
        }
    };
    view! {
        <form on:submit=submit>
            <h2>{say.of(title)}</h2>
            <p>{say.of(Text::new(
                "The profile is erased from the chip. This cannot be undone: to have it again, you need a new code from the operator.",
                "プロファイルはチップから消去され、元に戻せません。もう一度使うには、事業者から新しいコードを受け取る必要があります。",
            ))}</p>
            <p class="facts">"ICCID "<span class="digits">{move || shown(&digits)}</span></p>
            {typed_first.then(|| view! {
                <label>
                    {say.of(ask)}
                    <input
                        type="text"
                        name="confirm-name"
                        data-testid="confirm-name"
                        autocomplete="off"
                        spellcheck="false"
                        autofocus
                        prop:value=typed
                        on:input=move |event| typed.set(event_target_value(&event))
                    />
                </label>
            })}
            <div class="actions">
                <button type="button" on:click=move |_| keep()>{say.of(Text::new("Keep it", "残す"))}</button>
                <button type="submit" class="danger solid" disabled=move || !ready.get()>{say.of(Text::new("Delete", "削除"))}</button>
            </div>
        </form>
    }
}

/// A name as it can be typed after what is seen of it.
fn typeable(name: &str) -> String {
    let seen: String = name.chars().filter(|c| c.is_whitespace() || !is_unseen(*c)).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Most bytes of a nickname (SGP.22 §5.7.21).
const MAX_NICKNAME: usize = 64;

/// All that the chip says of a profile.
#[component]
fn Details(info: ProfileInfo) -> impl IntoView {
    let say = context().say;
    let iccid = info.iccid.map(|iccid| iccid.to_string());
    let aid = info.isdp_aid.map(|aid| aid.to_string());
    let owner = info.profile_owner.map(|owner| operator(&owner));
    let rules = rules(info.profile_policy_rules);
    let rules = if rules.is_empty() {
        view! { <span>{say.of(Text::new("none", "なし"))}</span> }.into_any()
    } else {
        view! { <ul>{rules.into_iter().map(|rule| view! { <li>{say.of(rule)}</li> }).collect_view()}</ul> }
            .into_any()
    };
    let mut told: Vec<(String, Vec<&'static str>)> = Vec::new();
    for one in info.notification_configuration {
        let event = one.events.name().unwrap_or("event");
        match told.iter_mut().find(|(address, _)| *address == one.address) {
            Some((_, events)) => events.push(event),
            None => told.push((one.address, vec![event])),
        }
    }
    let told = told.into_iter().map(|(address, events)| {
        view! { <li>{safe(&address)}" "<small>{events.join(", ")}</small></li> }
    });
    let names = [info.profile_name, info.service_provider_name];
    let [profile, provider] = names.map(|name| seen(&name.unwrap_or_default()));
    view! {
        <details class="all">
            <summary>{say.of(Text::new("Details", "詳細"))}</summary>
            <dl>
                <dt>{say.of(Text::new("Profile", "プロファイル"))}</dt><dd>{profile}</dd>
                <dt>{say.of(Text::new("Operator", "事業者"))}</dt><dd>{provider}</dd>
                {iccid.map(|iccid| view! {
                    <dt>"ICCID"</dt><dd><Number number=iccid what=Text::new("ICCID", "ICCID")/></dd>
                })}
                {owner.map(|owner| view! { <dt>"MCC-MNC"</dt><dd class="digits">{owner}</dd> })}
                <dt>{say.of(Text::new("Policy rules", "ポリシールール"))}</dt><dd>{rules}</dd>
                <dt>{say.of(Text::new("Notifies", "通知先"))}</dt><dd><ul>{told.collect_view()}</ul></dd>
                {aid.map(|aid| {
                    let copied = aid.clone();
                    view! {
                        <dt>"ISD-P AID"</dt>
                        <dd><span class="number-shown"><span class="digits">{aid}</span><Copy text=copied what=Text::new("ISD-P AID", "ISD-P AID")/></span></dd>
                    }
                })}
            </dl>
        </details>
    }
}

/// An operator as the chip names it: `001-01`, and its group identifiers.
fn operator(owner: &OperatorId) -> String {
    let group = |name: &str, bytes: &Option<Vec<u8>>| {
        bytes.as_ref().map(|bytes| format!(" · {name} {}", hex::encode_upper(bytes))).unwrap_or_default()
    };
    format!("{}{}{}", plmn(owner.mcc_mnc), group("GID1", &owner.gid1), group("GID2", &owner.gid2))
}
