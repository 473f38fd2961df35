//! Profile types: the list, and one of them.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::parts::{Confirm, Failure, Loader, Refresh, profile_types, shown};
use super::{context, go};
use crate::api::{ProfileType, ProfileTypes};
use crate::profile_type::{CAPABILITIES, field};
use crate::route::{Filter, Route, escape};
use crate::words::{Trouble, bytes, count};

#[component]
pub(super) fn Types() -> impl IntoView {
    let client = context().client;
    let loader = profile_types();
    let load = move || {
        loader.load(
            async move { client.get::<ProfileTypes>("profile-types").await.map(|all| all.profile_types) },
        );
    };
    let one = |one: ProfileType| {
        let kind = if one.built_in { "built in" } else { "uploaded" };
        view! {
            <li class="card type">
                <h2><a href=Route::Type(one.name.clone()).hash()>{one.name.clone()}</a></h2>
                <p>{one.description.clone().unwrap_or_default()}</p>
                <p class="help">{kind}", "{one.class().unwrap_or("operational").to_owned()}", "{count(one.personalised.len(), "field")}" personalised"</p>
            </li>
        }
    };
    view! {
        <div class="bar">
            <Refresh busy=loader.busy on_press=load/>
            <a class="button main" href=Route::NewType.hash()>"New profile type"</a>
        </div>
        {shown(loader, load, move |types: Vec<ProfileType>| view! {
            {types.is_empty().then(|| view! { <p class="empty">"There is no profile type. Upload a package as a new one."</p> })}
            <ul class="types">{types.into_iter().map(one).collect_view()}</ul>
        })}
    }
}

#[component]
pub(super) fn Type(name: String) -> impl IntoView {
    let client = context().client;
    let path = StoredValue::new(format!("profile-types/{}", escape(&name)));
    let loader = Loader::<ProfileType>::new();
    let load = move || {
        let path = path.get_value();
        loader.load(async move { client.get(&path).await });
    };
    load();
    let deleting = RwSignal::new(false);
    let trouble = RwSignal::new(None::<Trouble>);
    let delete = move || {
        let path = path.get_value();
        spawn_local(async move {
            match client.delete(&path).await {
                Ok(()) => go(&Route::Types),
                Err(told) => drop(trouble.try_set(Some(told))),
            }
        });
    };
    let own = Memo::new(move |_| loader.ready().is_some_and(|one| !one.built_in));
    let order = Route::NewOrder(Filter { profile_type: name.clone(), ..Filter::default() }).hash();
    let orders = Route::Orders(Filter { profile_type: name.clone(), ..Filter::default() }).hash();
    view! {
        <div class="bar">
            <a class="button" href="#/types">"All types"</a>
            <a class="button" href=orders>"Its profiles"</a>
            <a class="button main" href=order>"Order one"</a>
        </div>
        {move || trouble.get().map(|trouble| view! { <Failure trouble/> })}
        {shown(loader, load, |one: ProfileType| view! { <Description one/> })}
        <Show when=move || own.get()>
            <div class="bar acts"><button type="button" class="danger" on:click=move |_| deleting.set(true)>"Delete the type …"</button></div>
        </Show>
        <Confirm open=deleting title="Delete this profile type?" action="Delete it" on_yes=delete>
            <p>"You will lose, and can’t get back:"</p>
            <ul class="plainlist"><li>"the template "<b>{name.clone()}</b>" with its package: no more subscribers can be added to it"</li></ul>
            <p>"Profiles that were made of it stay."</p>
        </Confirm>
    }
}

#[component]
fn Description(one: ProfileType) -> impl IntoView {
    let fact = |name: &'static str, value: Option<String>| {
        value
            .filter(|value| !value.is_empty())
            .map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
    };
    let template = match one.template.as_deref() {
        Some("package") => "an uploaded package".to_owned(),
        Some(other) => format!("made by this server ({other})"),
        None => "made by this server".to_owned(),
    };
    let metadata = one.metadata.clone().unwrap_or_default();
    let requirements = one.requirements.clone().unwrap_or_default();
    let open = requirements.is_empty();
    let capabilities = requirements.device_capabilities.iter().map(|(name, release)| {
        let words =
            CAPABILITIES.iter().find(|(known, _)| known == name).map_or(name.as_str(), |(_, words)| words);
        format!("{words} from release {release}")
    });
    let capabilities: Vec<String> = capabilities.collect();
    view! {
        <section class="card">
            <p>{one.description.clone()}</p>
            <dl class="facts">
                {fact("Origin", Some(if one.built_in { "built in" } else { "uploaded" }.to_owned()))}
                {fact("Template", Some(template))}
                {fact("Package", one.package_length.map(bytes))}
                {fact("Class", one.class().map(str::to_owned))}
                {fact("Operator", Some(metadata.service_provider_name))}
                {fact("Profile name", Some(metadata.profile_name))}
                {fact("Notifications go to", metadata.notification_address)}
            </dl>
        </section>
        <div class="two">
            <section class="card" aria-labelledby="fields-title">
                <h2 id="fields-title">"Personalised for each subscriber"</h2>
                {one.personalised.is_empty().then(|| view! { <p class="empty">"The server does not say."</p> })}
                <ul class="chips">{one.personalised.iter().map(|name| view! { <li>{field(name).to_owned()}</li> }).collect_view()}</ul>
            </section>
            <section class="card" aria-labelledby="requirements-title">
                <h2 id="requirements-title">"What device and eUICC must have"</h2>
                {open.then(|| view! { <p class="empty">"Nothing is asked for: any device may download."</p> })}
                <dl class="facts">
                    {fact("Type allocation codes", Some(requirements.tacs.join(", ")))}
                    {fact("Device", Some(capabilities.join(", ")))}
                    {fact("Least version (SVN)", requirements.least_svn)}
                    {fact("Least profile version", requirements.least_profile_version)}
                </dl>
            </section>
        </div>
    }
}
