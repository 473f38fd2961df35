//! The operator: the console of the SM-DP+, in the page, and the short way to a profile.

mod order;

use leptos::html::Iframe;
use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;
use words::Text;

use self::order::OrderForm;
use super::{Context, context, window};
use crate::order::{Request, Wish};
use crate::transport::http;

/// Where the SM-DP+ serves its console.
const CONSOLE: &str = "/operator/console/";

/// Where a laboratory says the operator's token.
const TOKEN: &str = "/lab/operator.json";

/// Where the console looks for a token; a frame of the same site shares it with the page, as
/// long as the tab is open.
const KEPT: &str = "operator-token";

/// Longest code that is taken from the console, in characters; the standard allows 255.
const MAX_CODE: usize = 1000;

#[component]
pub(super) fn Operator() -> impl IntoView {
    let Context { phone, say, .. } = context();
    // The console reads the token once, when it starts.
    let asked = RwSignal::new(false);
    let token = RwSignal::new(None::<String>);
    spawn_local(async move {
        let found = operator_token().await;
        token.try_set(found);
        asked.try_set(true);
    });
    let frame = NodeRef::<Iframe>::new();
    // What is another site's is shown in a tab of its own only.
    let site = http::site();
    let here = site.is_none();
    let console = format!("{}{CONSOLE}", site.unwrap_or_default());
    // What the console passes on: from this very frame, of this very site, nothing else.
    let said = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let own = window().location().origin().unwrap_or_default();
        let console = frame.try_get_untracked().flatten().and_then(|frame| frame.content_window());
        let source = event.source().map(JsValue::from);
        if event.origin() != own || console.is_none() || source != console.map(JsValue::from) {
            return;
        }
        let code = js_sys::Reflect::get(&event.data(), &"activationCode".into()).ok();
        if let Some(code) = code.and_then(|code| code.as_string())
            && code.chars().count() <= MAX_CODE
        {
            phone.offer_code(code);
        }
    });
    let listener = said.into_js_value();
    // Refused by no browser: the name is a text, and the listener a function.
    let _ = window().add_event_listener_with_callback("message", listener.unchecked_ref());
    let listener = StoredValue::new_local(listener);
    on_cleanup(move || {
        listener.with_value(|listener| {
            let _ = window().remove_event_listener_with_callback("message", listener.unchecked_ref());
        });
    });
    view! {
        <section class="operator-view" aria-labelledby="operator-title">
            <header>
                <h2 id="operator-title">{say.of(Text::new("Operator", "事業者"))}</h2>
                <a href=console target="_blank" rel="noopener">
                    {say.of(Text::new("Open the console in a tab of its own", "コンソールを別のタブで開く"))}
                </a>
            </header>
            {move || token.get().map(|token| view! { <OrderForm token/> })}
            <Show when=move || here && asked.get()>
                <iframe
                    node_ref=frame
                    src=CONSOLE
                    title=say.of(Text::new("Console of the SM-DP+", "SM-DP+ のコンソール"))
                ></iframe>
            </Show>
        </section>
    }
}

/// Orders a profile with the laboratory's token: its activation code, and the request that would
/// make the subscriber.
pub(super) async fn ordered(wish: &Wish) -> Result<(String, Request), String> {
    order::send(wish, &token().await?).await
}

/// Makes a subscriber again, as the request now is. The network forgets it first: of a card that it
/// has it takes no lower number.
pub(super) async fn make_subscriber(request: &Request) -> Result<(), String> {
    let token = token().await?;
    let forget = Request { method: "DELETE", path: request.path.clone(), body: serde_json::Value::Null };
    order::send_one(&forget, &token).await?;
    order::send_one(request, &token).await.map(drop)
}

async fn token() -> Result<String, String> {
    operator_token().await.ok_or_else(|| "the operator has given this page no token".to_owned())
}

/// The operator's token, where this is a laboratory; the console finds it, too.
pub(super) async fn operator_token() -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Document {
        token: String,
    }
    let answer = http::send("GET", TOKEN, &[], None).await.ok()?;
    if answer.status != 200 {
        return None;
    }
    let Document { token } = serde_json::from_slice(&answer.body).ok()?;
    if let Ok(Some(storage)) = window().session_storage() {
        // Where the browser forbids it the console asks for it.
        let _ = storage.set_item(KEPT, &token);
    }
    Some(token)
}
