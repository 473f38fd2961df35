//! The page. It only renders: what is shown is the model, what is done the phone does.

#![allow(unreachable_pub, reason = "the component macro makes its props public")]

mod chip;
mod dialogs;
mod icons;
mod messages;
mod network;
mod parties;
mod phone;
mod profiles;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::model::Model;
use crate::phone::Phone;
use crate::transport::chip::ChipState;

/// Puts the application into the page.
pub(crate) fn mount() {
    let page = document();
    let Some(place) = page.get_element_by_id("app").and_then(|place| place.dyn_into().ok()) else { return };
    let place: web_sys::HtmlElement = place;
    place.set_inner_html("");
    mount_to(place, App).forget();
}

/// The handles that every part of the page needs.
#[derive(Clone, Copy)]
struct Context {
    model: Model,
    phone: Phone,
}

fn context() -> Context {
    expect_context()
}

#[component]
fn App() -> impl IntoView {
    let model = Model::new();
    let phone = Phone::new(model);
    provide_context(Context { model, phone });
    let worker = document().body().and_then(|body| body.dataset().get("chip")).unwrap_or_default();
    phone.start(&worker);
    view! {
        <header class="top">
            <div class="brand">
                {icons::esim()}
                <h1>"eSIM laboratory"</h1>
            </div>
            <p class="claim">"A phone, its chip, an operator’s server and a network. Each is a program of its own; they speak the GSMA’s protocols."</p>
        </header>
        <main>
            <ChipBanner/>
            <parties::Parties/>
            <parties::Steps/>
            <div class="desk">
                <phone::Phone/>
                <div class="right">
                    <messages::Messages/>
                    <div class="pair">
                        <chip::Chip/>
                        <network::Network/>
                    </div>
                </div>
            </div>
        </main>
        <footer>
            <p>"Not a certified eUICC. Certificates come from a test issuer made for this site; no commercial operator trusts them."</p>
        </footer>
        <dialogs::Questions/>
    }
}

/// Tells when the chip is not as it should be.
#[component]
fn ChipBanner() -> impl IntoView {
    let Context { model, .. } = context();
    move || {
        let (title, words) = match model.chip_state.get() {
            ChipState::Starting | ChipState::Durable(_) => return None,
            ChipState::Volatile(because) => (
                "This chip forgets everything when the page is closed.",
                format!("{because} To keep profiles, use a window that is not private, or another browser."),
            ),
            ChipState::Elsewhere => (
                "The chip is in use in another tab.",
                "A chip sits in one phone at a time. Close the other tab: the chip then comes here by itself."
                    .to_owned(),
            ),
            ChipState::Unreadable(because) => (
                "The chip’s memory can’t be read.",
                format!(
                    "Nothing in it was changed. To go on, press “New chip” in the box Chip; the profiles on this one are then lost. ({because})"
                ),
            ),
            ChipState::Broken(because) => (
                "The chip does not answer.",
                format!("Reload the page. If that does not help, close other tabs of this site. ({because})"),
            ),
        };
        Some(view! {
            <div class="banner" role="alert">
                <strong>{title}</strong>
                <span>{words}</span>
            </div>
        })
    }
}
