//! How to begin: what the four parties are, and the four steps.

use leptos::prelude::*;
use words::Text;

use super::{Context, context};

#[component]
pub(super) fn Guide() -> impl IntoView {
    let Context { say, .. } = context();
    view! {
        <section class="guide" aria-labelledby="guide-title">
            <h2 id="guide-title">{say.of(Text::new("How to begin", "はじめに"))}</h2>
        </section>
    }
}
