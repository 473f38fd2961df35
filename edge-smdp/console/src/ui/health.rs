//! How the server is.

use leptos::prelude::*;

use super::context;
use super::parts::{Loader, Mood, Refresh, now, shown};
use crate::api::{Credential, Health};
use crate::state::Tone;
use crate::time::{day, days_left};
use crate::words::count;

/// Days before the end at which a certificate is worth a warning.
const SOON: u64 = 30;

#[component]
pub(super) fn Server() -> impl IntoView {
    let client = context().client;
    let loader = Loader::<Health>::new();
    let load = move || loader.load(async move { client.health().await });
    load();
    view! {
        <div class="bar"><Refresh busy=loader.busy on_press=load/></div>
        {shown(loader, load, |health: Health| {
            let good = health.status == "ok";
            let (note, words) = if good && health.warnings.is_empty() {
                ("note good", "The server can serve.".to_owned())
            } else if good {
                ("note", "The server can serve. See the warnings.".to_owned())
            } else {
                ("note bad", format!("The server can’t serve: {}. Give it certificates that are valid (SMDP_CREDENTIALS) and start it again.", health.status))
            };
            let warnings = health.warnings.clone();
            let calm = warnings.is_empty();
            let dated = !health.certificates.is_empty();
            let listless = health.revocation_lists.is_empty();
            let admission = health.admission.map(|way| match way.as_str() {
                "open" => "any LPA".to_owned(),
                "certificate" => "LPAs with a certificate of the LPA CA".to_owned(),
                _ => way,
            });
            view! {
                <p class=note role="status"><strong>{words}</strong></p>
                <section class="card" hidden=calm aria-labelledby="warnings-title">
                    <h2 id="warnings-title">"Warnings"</h2>
                    <ul class="plainlist">{warnings.into_iter().map(|words| view! { <li>{words}</li> }).collect_view()}</ul>
                </section>
                <section class="card" aria-labelledby="server-title">
                    <h2 id="server-title">"Server"</h2>
                    <dl class="facts">
                        <div><dt>"Addresses"</dt><dd>{health.addresses.iter().map(|address| view! { <span class="digits block">{address.clone()}</span> }).collect_view()}</dd></div>
                        <div><dt>"OID"</dt><dd class="digits">{health.oid.clone()}</dd></div>
                        {admission.map(|words| view! { <div><dt>"Who is served"</dt><dd>{words}</dd></div> })}
                    </dl>
                    <p class="help">"The first address stands in activation codes."</p>
                </section>
                <section class="card" aria-labelledby="certificates-title">
                    <h2 id="certificates-title">"Certificates"</h2>
                    {health.credentials.is_empty().then(|| view! { <p class="empty">"The server has none, or does not say."</p> })}
                    <ul class="certificates">{health.credentials.into_iter().map(|one| view! { <Credentials one dated/> }).collect_view()}</ul>
                    {(!health.certificates.is_empty()).then(|| view! {
                        <table class="cards">
                            <caption class="unseen">"Certificates and how long they last"</caption>
                            <thead><tr><th scope="col">"Left"</th><th scope="col">"Certificate"</th><th scope="col">"Until"</th></tr></thead>
                            <tbody>{health.certificates.into_iter().map(|one| view! {
                                <tr>
                                    <td class="state"><Left until=one.not_after from=one.not_before/></td>
                                    <th scope="row">{one.name}</th>
                                    <td data-label="Until" class="date">{day(one.not_after)}</td>
                                </tr>
                            }).collect_view()}</tbody>
                        </table>
                    })}
                </section>
                <section class="card" hidden=listless aria-labelledby="lists-title">
                    <h2 id="lists-title">"Revocation lists"</h2>
                    <table class="cards">
                        <caption class="unseen">"Lists of revoked certificates"</caption>
                        <thead><tr><th scope="col">"Left"</th><th scope="col">"Issuer"</th><th scope="col">"Of"</th><th scope="col">"Revoked"</th></tr></thead>
                        <tbody>{health.revocation_lists.into_iter().map(|one| view! {
                            <tr>
                                <td class="state">{one.next_update.map(|until| view! { <Left until from=one.this_update/> })}</td>
                                <th scope="row">{one.issuer}</th>
                                <td data-label="Of" class="date">{day(one.this_update)}</td>
                                <td data-label="Revoked">{one.revoked.to_string()}</td>
                            </tr>
                        }).collect_view()}</tbody>
                    </table>
                </section>
            }
        })}
    }
}

/// How long something lasts, in colour and text.
#[component]
fn Left(until: u64, from: u64) -> impl IntoView {
    let (tone, words) = match days_left(until, now()) {
        _ if from > now() => (Tone::Bad, "not valid yet".to_owned()),
        None => (Tone::Bad, "expired: replace it".to_owned()),
        Some(days @ 0..SOON) => {
            (Tone::Waiting, format!("{} left: replace it soon", count(days as usize, "day")))
        }
        Some(days) => (Tone::Good, format!("{} left", count(days as usize, "day"))),
    };
    view! { <Mood tone words/> }
}

/// What the server has under a CI; `dated`: how long it lasts is said elsewhere.
#[component]
fn Credentials(one: Credential, dated: bool) -> impl IntoView {
    let line = |name: &'static str, until: Option<u64>| {
        until.filter(|_| !dated).map(|until| {
            view! { <div><dt>{name}</dt><dd><Left until from=0/>" until "<span class="date">{day(until)}</span></dd></div> }
        })
    };
    let valid = match one.valid {
        Some(true) => Some((Tone::Good, "valid")),
        Some(false) => Some((Tone::Bad, "not valid now")),
        None => None,
    };
    view! {
        <li>
            <h3>"CI "<span class="digits">{one.ci_pk_id}</span></h3>
            <dl class="facts">
                {one.curve.map(|curve| view! { <div><dt>"Curve"</dt><dd>{curve}</dd></div> })}
                {valid.map(|(tone, words)| view! { <div><dt>"State"</dt><dd><Mood tone words=words.to_owned()/></dd></div> })}
                {line("Authentication (DPauth)", one.dp_auth_not_after)}
                {line("Profile binding (DPpb)", one.dp_pb_not_after)}
            </dl>
        </li>
    }
}
