//! HTTP to the page's own site: to the one that served it, or to the one that was built into it
//! (`<body data-site>`, of an Isolated Web App, which nobody serves).

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestInit, Response};

use super::chip::words;

/// How long an answer may take, in milliseconds: longer than the site waits for its
/// services, so that it is the site that says who does not answer.
const PATIENCE: u32 = 35_000;

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct HttpResponse {
    /// HTTP status.
    pub(crate) status: u16,
    /// Media type without parameters.
    pub(crate) media_type: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// The site that was built into the page.
pub(crate) fn site() -> Option<String> {
    web_sys::window()?.document()?.body()?.dataset().get("site")
}

/// Sends a request; `headers` beside the content type, which is JSON where there is a body.
///
/// # Errors
/// When there is no answer, in words.
pub(crate) async fn send(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Result<HttpResponse, String> {
    let fields = js_sys::Object::new();
    let set = |name: &str, value: &str| js_sys::Reflect::set(&fields, &name.into(), &value.into()).map(drop);
    let mut all = headers.to_vec();
    let init = RequestInit::new();
    init.set_method(method);
    if let Some(body) = body {
        all.push(("content-type", "application/json"));
        init.set_body(&Uint8Array::from(body));
    }
    for (name, value) in all {
        set(name, value).map_err(|error| words(&error))?;
    }
    init.set_headers(&fields);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE)));
    let window = web_sys::window().ok_or("there is no window")?;
    let url = format!("{}{path}", site().unwrap_or_default());
    let response: Response = JsFuture::from(window.fetch_with_str_and_init(&url, &init))
        .await
        .and_then(JsCast::dyn_into)
        .map_err(|error| words(&error))?;
    let media_type = response.headers().get("content-type").ok().flatten().unwrap_or_default();
    let buffer = response.array_buffer().map_err(|error| words(&error))?;
    let buffer = JsFuture::from(buffer).await.map_err(|error| words(&error))?;
    Ok(HttpResponse {
        status: response.status(),
        media_type: media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
        body: Uint8Array::new(&buffer).to_vec(),
    })
}
