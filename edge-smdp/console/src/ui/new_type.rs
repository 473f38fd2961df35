//! A package as a new profile type.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

use super::parts::{Failure, Field, Help, Select, read};
use super::{context, go};
use crate::api::{ProfileType, ProfileTypes};
use crate::order::Wrong;
use crate::profile_type::{CAPABILITIES, FIELDS, Form, MAX_PACKAGE, REQUIRED, check_package, profile_type};
use crate::route::{Route, escape};
use crate::words::{Trouble, bytes};

#[component]
pub(super) fn NewType() -> impl IntoView {
    let client = context().client;
    let name = RwSignal::new(String::new());
    let description = RwSignal::new(String::new());
    let class = RwSignal::new("operational".to_owned());
    let provider = RwSignal::new(String::new());
    let profile_name = RwSignal::new(String::new());
    let tacs = RwSignal::new(String::new());
    let svn = RwSignal::new(String::new());
    let profile_version = RwSignal::new(String::new());
    let personalised = RwSignal::new(REQUIRED.map(str::to_owned).to_vec());
    let capabilities = RwSignal::new(BTreeMap::<String, String>::new());
    let package = RwSignal::new(Vec::<u8>::new());
    let file = RwSignal::new(String::new());
    let wrong = RwSignal::new(None::<Wrong>);
    let trouble = RwSignal::new(None::<Trouble>);
    let busy = RwSignal::new(false);
    let wrong_at = move |field: &'static str| {
        Signal::derive(move || wrong.get().filter(|wrong| wrong.field == field).map(|wrong| wrong.words))
    };
    let choose = move |event: web_sys::Event| {
        let input: Option<web_sys::HtmlInputElement> =
            event.target().and_then(|target| target.dyn_into().ok());
        let Some(chosen) = input.and_then(|input| input.files()).and_then(|files| files.get(0)) else {
            return;
        };
        package.set(Vec::new());
        file.set(String::new());
        wrong.set(None);
        if chosen.size() > MAX_PACKAGE as f64 {
            let words = format!(
                "The file has {}; a package may have {} at most.",
                bytes(chosen.size() as u64),
                bytes(MAX_PACKAGE as u64)
            );
            wrong.set(Some(Wrong { field: "package", words }));
            return;
        }
        spawn_local(async move {
            match read(&chosen).await {
                Err(told) => drop(trouble.try_set(Some(told))),
                Ok(content) => match check_package(&content) {
                    Err(told) => drop(wrong.try_set(Some(told))),
                    Ok(()) => {
                        file.try_set(format!("{}, {}", chosen.name(), bytes(content.len() as u64)));
                        package.try_set(content);
                    }
                },
            }
        });
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        wrong.set(None);
        trouble.set(None);
        let form = Form {
            name: name.get_untracked(),
            description: description.get_untracked(),
            profile_class: class.get_untracked(),
            service_provider_name: provider.get_untracked(),
            profile_name: profile_name.get_untracked(),
            personalised: personalised.get_untracked(),
            tacs: tacs.get_untracked(),
            least_svn: svn.get_untracked(),
            least_profile_version: profile_version.get_untracked(),
            capabilities: capabilities.get_untracked(),
        };
        let made = match package.with_untracked(|package| profile_type(&form, package)) {
            Ok(made) => made,
            Err(first) => return wrong.set(Some(first)),
        };
        busy.set(true);
        spawn_local(async move {
            let path = format!("profile-types/{}", escape(&made.name));
            // A type of this name would be replaced: that is not what “new” says.
            let taken = match client.get::<ProfileTypes>("profile-types").await {
                Ok(all) => Ok(all.profile_types.iter().any(|one| one.name == made.name)),
                Err(told) => Err(told),
            };
            let answer = match taken {
                Ok(true) => Err(Trouble::new(
                    "There is a profile type of this name already.",
                    "Choose another name, or delete the other type first.",
                )),
                Ok(false) => client.send_json::<ProfileType>("PUT", &path, &made).await,
                Err(told) => Err(told),
            };
            busy.try_set(false);
            match answer {
                Ok(_) => go(&Route::Type(made.name)),
                Err(told) => drop(trouble.try_set(Some(told))),
            }
        });
    };
    let tick = move |(own, words): (&'static str, &'static str)| {
        let on = move || personalised.with(|all| all.iter().any(|one| one == own));
        let turn = move |event| {
            let wanted = event_target_checked(&event);
            personalised.update(|all| {
                all.retain(|one| one != own);
                if wanted {
                    all.push(own.to_owned());
                }
            });
        };
        view! { <label><input type="checkbox" prop:checked=on on:change=turn/><span>{words}</span></label> }
    };
    let least = move |(own, words): (&'static str, &'static str)| {
        view! {
            <label class="short">{words}
                <input type="text" inputmode="numeric" autocomplete="off"
                    on:input=move |event| capabilities.update(|all| drop(all.insert(own.to_owned(), event_target_value(&event))))/>
            </label>
        }
    };
    let classes =
        ["operational", "provisioning", "test"].map(|class| (class.to_owned(), class.to_owned())).to_vec();
    view! {
        <form class="form" on:submit=submit>
            <fieldset>
                <legend>"The type"</legend>
                <Field label="Name" id="name" value=name wrong=wrong_at("name") help="By which it is ordered"/>
                <Field label="Description" id="description" value=description/>
                <Select label="Class" id="class" value=class options=Signal::stored(classes)/>
            </fieldset>
            <fieldset>
                <legend>"The template"</legend>
                <div class="field">
                    <label for="package">"Unprotected profile package (DER)"</label>
                    <input id="package" type="file" accept=".der,.upp,.bin,application/octet-stream" aria-describedby="package-help" on:change=choose/>
                    <Help id="package" help="At most 1 MiB" wrong=wrong_at("package")/>
                    <p class="help" role="status">{move || file.with(|file| if file.is_empty() { String::new() } else { format!("Read: {file}") })}</p>
                </div>
                <fieldset class="inner">
                    <legend>"Personalised for each subscriber"</legend>
                    <div class="ticks">{FIELDS.into_iter().map(tick).collect_view()}</div>
                    <Help id="personalised" help="Only what the package has a place for; all else stays as it is there." wrong=wrong_at("personalised")/>
                </fieldset>
            </fieldset>
            <fieldset>
                <legend>"What the phone shows"</legend>
                <Field label="Operator" id="provider" value=provider wrong=wrong_at("provider")/>
                <Field label="Profile name" id="profile-name" value=profile_name wrong=wrong_at("profile-name")/>
            </fieldset>
            <details>
                <summary>"What device and eUICC must have"</summary>
                <Field label="Type allocation codes" id="tacs" value=tacs wrong=wrong_at("tacs") help="Of the devices, or their first digits, with commas between; empty: any"/>
                <Field label="Least version (SVN)" id="svn" value=svn wrong=wrong_at("svn") help="Of SGP.22, as 2.2.2"/>
                <Field label="Least profile version" id="profile-version" value=profile_version wrong=wrong_at("profile-version") help="Of the profile package, as 2.1.0"/>
                <fieldset class="inner">
                    <legend>"Least 3GPP release of the device, by capability"</legend>
                    <div class="ticks">{CAPABILITIES.into_iter().map(least).collect_view()}</div>
                    <Help id="capabilities" help="Empty: not asked for" wrong=wrong_at("capabilities")/>
                </fieldset>
            </details>
            {move || trouble.get().map(|trouble| view! { <Failure trouble/> })}
            <div class="bar">
                <button type="submit" class="main">{move || if busy.get() { "Uploading …" } else { "Upload" }}</button>
                <a class="button" href="#/types">"Cancel"</a>
            </div>
        </form>
    }
}
