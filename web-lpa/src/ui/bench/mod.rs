//! The bench: faults, commands by hand, scenarios.

use leptos::prelude::*;
use words::Text;

use super::{Context, context};

#[component]
pub(super) fn Bench() -> impl IntoView {
    let Context { say, .. } = context();
    view! {
        <section class="bench" aria-labelledby="bench-title">
            <h2 id="bench-title">{say.of(Text::new("Bench", "実験台"))}</h2>
        </section>
    }
}
