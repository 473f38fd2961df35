//! The profiles on the chip: switch, rename, delete.

use leptos::prelude::*;
use rsp::metadata::ProfileClass;
use rsp::profiles::{ProfileInfo, ProfileState};

use super::super::modal::Modal;
use super::super::{Context, context};
use super::short;
use crate::phone::shown_name;
use crate::transport::chip::ChipState;

#[component]
pub(super) fn Profiles() -> impl IntoView {
    let Context { model, say, .. } = context();
    let chip = move || model.shown_chip();
    let list = move || chip().profiles.get().unwrap_or_default();
    view! {
        <section class="profiles" aria-labelledby="profiles-title">
            <h3 id="profiles-title">"Profiles on the chip"</h3>
            <Show
                when=move || !list().is_empty()
                fallback=move || view! {
                    <p class="empty">{move || if chip().profiles.with(Option::is_some) { say.now(words::Text::new("None yet: add an eSIM.", "まだありません。eSIM を追加してください。")) } else { say.now(chip().state.with(ChipState::nothing_read)) }}</p>
                }
            >
                <ul>
                    <For
                        each=list
                        key=|info| (info.iccid, info.state, info.nickname.clone())
                        children=|info| view! { <Profile info/> }
                    />
                </ul>
            </Show>
        </section>
    }
}

#[component]
fn Profile(info: ProfileInfo) -> impl IntoView {
    let Context { model, phone, .. } = context();
    let slot = model.slot.get_untracked();
    let own = shown_name(
        info.service_provider_name.as_deref().unwrap_or_default(),
        info.profile_name.as_deref().unwrap_or_default(),
    );
    let name = info.nickname.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| own.clone());
    let provider =
        info.service_provider_name.clone().filter(|provider| *provider != name).unwrap_or_default();
    let class = info.profile_class.unwrap_or_default();
    let enabled = info.state == Some(ProfileState::Enabled);
    let iccid = info.iccid;
    let digits = iccid.map(|iccid| iccid.to_string()).unwrap_or_default();
    let busy = move || model.task.with(Option::is_some);
    let deleting = RwSignal::new(false);
    let renaming = RwSignal::new(false);
    let new_name = RwSignal::new(info.nickname.unwrap_or_default());

    let switch = {
        let name = name.clone();
        move |_| match iccid {
            Some(iccid) if enabled => phone.disable(slot, iccid, name.clone()),
            Some(iccid) => phone.enable(slot, iccid, name.clone()),
            None => {}
        }
    };
    let delete = {
        let name = name.clone();
        move |_| {
            deleting.set(false);
            if let Some(iccid) = iccid {
                phone.delete(slot, iccid, name.clone());
            }
        }
    };
    let rename = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        renaming.set(false);
        if let Some(iccid) = iccid {
            phone.rename(slot, iccid, new_name.get_untracked().trim().to_owned());
        }
    };
    let deletable = class != ProfileClass::Provisioning;
    let state = if enabled { "on" } else { "off" };
    let short_digits = short(&digits);
    let (data_iccid, iccid_title) = (digits.clone(), format!("ICCID {digits}"));
    let dialog_name = name.clone();
    let rename_label = format!("Rename {name}");
    let delete_label = format!("Delete {name}");
    view! {
        <li class="profile" class:enabled=enabled data-iccid=data_iccid data-state=state>
            <div class="who">
                <strong>{name.clone()}</strong>
                <span class="provider">{provider}</span>
                <span class="facts">
                    <span class=format!("badge {}", class_name(class))>{class_name(class)}</span>
                    <span class="iccid" title=iccid_title>"ICCID "{short_digits}</span>
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
                <span class="word" aria-hidden="true">{state}</span>
            </button>
            <div class="more">
                <button type="button" class="quiet" aria-label=rename_label disabled=busy on:click=move |_| renaming.set(true)>"Rename"</button>
                <Show when=move || deletable>
                    <button
                        type="button"
                        class="quiet danger"
                        aria-label=delete_label.clone()
                        disabled=move || busy() || enabled
                        title=if enabled { "Switch it off first" } else { "" }
                        on:click=move |_| deleting.set(true)
                    >"Delete"</button>
                </Show>
            </div>
            <Modal open=Signal::from(deleting) on_cancel=move || deleting.set(false) label=words::Text::new("Delete a profile", "Delete a profile")>
                <h2>"Delete "{dialog_name.clone()}"?"</h2>
                <p>"The profile is erased from the chip. This cannot be undone: to have it again, you need a new code from the operator."</p>
                <p class="facts">"ICCID "{digits.clone()}</p>
                <div class="actions">
                    <button type="button" on:click=move |_| deleting.set(false)>"Keep it"</button>
                    <button type="button" class="danger solid" on:click=delete.clone()>"Delete"</button>
                </div>
            </Modal>
            <Modal open=Signal::from(renaming) on_cancel=move || renaming.set(false) label=words::Text::new("Rename a profile", "Rename a profile")>
                <form on:submit=rename>
                    <h2>"Rename "{own.clone()}</h2>
                    <label>
                        "Name"
                        <input
                            type="text"
                            name="nickname"
                            maxlength="64"
                            autocomplete="off"
                            prop:value=new_name
                            on:input=move |event| new_name.set(event_target_value(&event))
                        />
                    </label>
                    <p class="help">"Leave it empty to use the operator’s name."</p>
                    <div class="actions">
                        <button type="button" on:click=move |_| renaming.set(false)>"Cancel"</button>
                        <button type="submit" class="primary">"Rename"</button>
                    </div>
                </form>
            </Modal>
        </li>
    }
}

/// The class of a profile in words.
pub(super) const fn class_name(class: ProfileClass) -> &'static str {
    match class {
        ProfileClass::Test => "test",
        ProfileClass::Provisioning => "provisioning",
        ProfileClass::Operational => "operational",
    }
}
