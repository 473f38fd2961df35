//! Letting the browser bring links with an activation code here.

use js_sys::Reflect;
use leptos::prelude::*;
use words::{Text, text};

use super::super::super::{Context, context};
use crate::code::link::HANDLER;
use crate::model::Notice;
use crate::transport::chip::words;

/// The way to such links, in a browser that has it.
#[component]
pub(super) fn Links() -> impl IntoView {
    let Context { model, say, .. } = context();
    can_register().then(|| view! {
        <details class="links">
            <summary>{say.of(Text::new("From a link", "リンクから"))}</summary>
            <button type="button" aria-describedby="links-words" on:click=move |_| {
                model.notice.set(Some(register()));
            }>{say.of(Text::new("Open web+lpa: links here", "web+lpa: リンクをここで開く"))}</button>
            <p id="links-words" class="help">{say.of(Text::new(
                "The browser then brings the codes of such links to this page. It asks you first.",
                "このようなリンクのコードを、ブラウザーがこのページに渡すようになります。先にブラウザーが確認を求めます。",
            ))}</p>
        </details>
    })
}

fn can_register() -> bool {
    let navigator = web_sys::window().map(|window| window.navigator());
    navigator.is_some_and(|navigator| {
        Reflect::has(&navigator, &"registerProtocolHandler".into()).unwrap_or_default()
    })
}

/// Asks the browser to bring links of that kind here.
fn register() -> Notice {
    let asked = web_sys::window().ok_or_else(|| "there is no window".to_owned()).and_then(|window| {
        let origin = window.location().origin().map_err(|error| words(&error))?;
        let url = format!("{origin}/{HANDLER}");
        window
            .navigator()
            .register_protocol_handler("web+lpa", &url, "eSIM laboratory")
            .map_err(|error| words(&error))
    });
    match asked {
        Ok(()) => Notice::good(
            Text::new(
                "The browser was asked to bring web+lpa: links here.",
                "web+lpa: リンクをこのページで開くよう、ブラウザーに依頼しました。",
            ),
            Text::new(
                "It may ask you to allow it. A code that comes so waits for you, like any other.",
                "ブラウザーが許可を求めることがあります。届いたコードは、ほかと同じように確認を待ちます。",
            ),
        ),
        Err(because) => Notice {
            good: false,
            ..Notice::good(
                text!(
                    "The browser does not allow it: {because}.",
                    "ブラウザーが許可しませんでした: {because}。"
                ),
                Text::new(
                    "Copy the link and paste it here instead.",
                    "代わりに、リンクをコピーしてここに貼り付けてください。",
                ),
            )
        },
    }
}
