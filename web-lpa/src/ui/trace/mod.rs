//! The messages between the parties, live.

use leptos::prelude::*;
use trace::Ending;
use words::Text;

use super::{Context, context};
use crate::units::size;

#[component]
pub(super) fn Messages() -> impl IntoView {
    let Context { model, say, .. } = context();
    let rows = move || {
        model.record.with(|trace| {
            let rows = trace.messages().map(|message| {
                let failed = matches!(message.ending, Ending::Bad(_));
                view! {
                    <li class=format!("message to-{}", message.to.word()) class:failed=failed>
                        <span class="function">{message.name.clone()}</span>" "
                        <span class="bytes">{size(message.sent() + message.received())}</span>" "
                        <span class="result">{message.ending.text().to_owned()}</span>
                    </li>
                }
            });
            rows.collect_view()
        })
    };
    view! {
        <section class="messages" aria-labelledby="messages-title">
            <h2 id="messages-title">{say.of(Text::new("Messages", "メッセージ"))}</h2>
            <div class="list" tabindex="0" role="region" aria-label=say.of(Text::new("List of messages", "メッセージの一覧"))>
                <ol>{rows}</ol>
            </div>
        </section>
    }
}
