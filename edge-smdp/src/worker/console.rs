//! The operator's console: files, for anybody to have where somebody can be the operator; what
//! they show needs a token.

use worker::{Env, Headers, Method, Request, Response, Result};

/// Where it is.
const ROOT: &str = "/operator/console";

/// Under which every path is named by the content of its folder.
const HASHED: &str = "/operator/console/app/";

/// What every file is served with.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'self'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), usb=(), serial=(), microphone=(), geolocation=(), payment=()"),
];

/// Whether a path is the console's.
pub(super) fn is_path(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Nobody can be the operator: as if there were no console.
pub(super) fn off() -> Result<Response> {
    Response::error("There is no operator here.", 404)
}

/// A file of the console.
pub(super) async fn serve(request: Request, env: &Env) -> Result<Response> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        let mut response = Response::error("The console is only read: GET or HEAD.", 405)?;
        response.headers_mut().set("allow", "GET, HEAD")?;
        return Ok(response);
    }
    let (hashed, only_head) = (request.path().starts_with(HASHED), request.method() == Method::Head);
    let mut file = env.assets("ASSETS")?.fetch_request(request).await?;
    let status = file.status_code();
    let headers = Headers::new();
    for (name, value) in file.headers() {
        headers.set(&name, &value)?;
    }
    for (name, value) in HEADERS {
        headers.set(name, value)?;
    }
    if hashed && status == 200 {
        headers.set("cache-control", "public, max-age=31536000, immutable")?;
    }
    // These carry no body; one would be an error.
    let bare = only_head || matches!(status, 204 | 304);
    let body = if bare { Response::empty()? } else { Response::from_stream(file.stream()?)? };
    Ok(body.with_status(status).with_headers(headers))
}
