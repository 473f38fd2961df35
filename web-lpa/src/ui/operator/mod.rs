//! The operator: the console of the SM-DP+, in the page.

use leptos::prelude::*;
use words::Text;

use super::{Context, context};

/// Where the SM-DP+ serves its console.
const CONSOLE: &str = "/operator/console/";

#[component]
pub(super) fn Operator() -> impl IntoView {
    let Context { say, .. } = context();
    view! {
        <section class="operator-view" aria-labelledby="operator-title">
            <h2 id="operator-title">{say.of(Text::new("Operator", "事業者"))}</h2>
            <p><a href=CONSOLE target="_blank" rel="noopener">{say.of(Text::new("Open the console of the SM-DP+", "SM-DP+ のコンソールを開く"))}</a></p>
        </section>
    }
}
