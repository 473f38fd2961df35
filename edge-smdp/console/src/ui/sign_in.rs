//! What there is to see for who is not the operator (yet).

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::context;
use super::parts::{Failure, Field, Mark, Tick};
use crate::client::Access;

#[component]
pub(super) fn Door(access: Access) -> impl IntoView {
    let client = context().client;
    let inside = match access {
        Access::Asking | Access::Granted => {
            view! { <p class="loading" role="status">"Asking the server …"</p> }.into_any()
        }
        Access::Off => view! {
            <h2>"The operator’s interface is switched off"</h2>
            <p>"This server was started without an operator’s token, so that nobody can make orders here."</p>
            <p>"To switch it on, set the secret "<code>"OPERATOR_TOKEN"</code>" of the SM-DP+ to a long random text and \
               start it again:"</p>
            <pre tabindex="0" aria-label="Command">"wrangler secret put OPERATOR_TOKEN --config edge-smdp/wrangler.jsonc"</pre>
            <p>"Behind Cloudflare Access, the variable "<code>"OPERATOR_ACCESS"</code>" does instead: who is let in there is the operator, and no token is asked for."</p>
            <p>"In a laboratory, "<code>"cargo xtask dev"</code>" does this by itself and prints the token."</p>
            <p><button type="button" on:click=move |_| spawn_local(client.begin())>"Look again"</button></p>
        }
        .into_any(),
        Access::Broken(trouble) => view! {
            <Failure trouble/>
            <p><button type="button" class="main" on:click=move |_| spawn_local(client.begin())>"Try again"</button></p>
        }
        .into_any(),
        Access::Token(refused) => view! { <Ask/>{refused.map(|trouble| view! { <Failure trouble/> })} }.into_any(),
    };
    view! {
        <main class="door">
            <h1><Mark/>"SM-DP+ console"</h1>
            {inside}
        </main>
    }
}

#[component]
fn Ask() -> impl IntoView {
    let client = context().client;
    let token = RwSignal::new(String::new());
    let keep = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let wrong = RwSignal::new(None);
    let enter = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let given = token.get_untracked().trim().to_owned();
        if given.is_empty() {
            wrong.set(Some("Enter the token first.".to_owned()));
            return;
        }
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let keep = keep.get_untracked();
        spawn_local(async move {
            client.enter(given, keep).await;
            busy.try_set(false);
        });
    };
    view! {
        <form on:submit=enter>
            <Field
                label="Operator’s token"
                id="token"
                kind="password"
                value=token
                wrong
                help="The secret OPERATOR_TOKEN of the server; a laboratory prints it when it starts."
            />
            <Tick label="Keep it in this tab until I close it" value=keep help="Else a reload asks for it again."/>
            <button type="submit" class="main">{move || if busy.get() { "Asking the server …" } else { "Open the console" }}</button>
        </form>
    }
}
