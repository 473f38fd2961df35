//! The site's worker: static pages and the way to the two services behind them.
//!
//! One origin for everything keeps the page's policy strict: it connects to nothing but
//! `'self'`. `/gsma/*` and `/operator/*` go to the SM-DP+, `/network/*` to the network,
//! the rest are files. In a laboratory (`cargo xtask dev`) there is a folder more:
//!
//! ```text
//! /lab/chip.json, /lab/chip.json?as=expired …   what the page's chip is made with
//! /lab/watch.json                               the same for the second device's
//! /lab/lpa.json                                 what its LPA signs with, where only certified
//!                                               ones are served
//! /lab/operator.json                            the operator's token
//! ```
//!
//! The page may also be an app that was installed from a file (`cargo xtask build --iwa`), which has an
//! origin of its own. What stands in the variable `APPS` (`isolated-app://…`, apart by spaces) may
//! read what the services and the laboratory answer; nobody else.
#![cfg(target_arch = "wasm32")]

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use worker::{Context, Delay, Env, Fetcher, Headers, Method, Request, Response, Result, Url, event};

/// How long a service may take before the page is told that it does not answer.
///
/// A panicking Durable Object can leave its caller waiting for ever; the page must not.
const PATIENCE: Duration = Duration::from_secs(30);

/// What every page is served with. Beyond this site it may speak with programs of the person's own
/// computer only: with the bridge to card readers, when the person asks for it.
const PAGE_HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
         style-src 'self'; img-src 'self' data: blob:; connect-src 'self' ws://127.0.0.1:*; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'",
    ),
    NO_SNIFFING,
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(self), usb=(self), serial=(self), microphone=(), geolocation=(), payment=()",
    ),
];

/// What every answer has: its type is what it says, whatever a browser makes of its bytes.
const NO_SNIFFING: (&str, &str) = ("x-content-type-options", "nosniff");

/// Under which the laboratory's documents are.
const LABORATORY: &str = "/lab/";

/// A service behind the site.
struct Service {
    binding: &'static str,
    name: &'static str,
}

/// The service a path belongs to, if it is not a file.
fn service_of(path: &str) -> Option<Service> {
    let first = path.trim_start_matches('/').split('/').next()?;
    match first {
        "gsma" | "operator" => Some(Service { binding: "SMDP", name: "SM-DP+" }),
        "network" => Some(Service { binding: "NETWORK", name: "network" }),
        _ => None,
    }
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let path = request.path();
    let service = service_of(&path);
    if service.is_none() && !path.starts_with(LABORATORY) {
        return page(request, &env).await;
    }
    let app = app_of(&request, &env)?;
    if let (Some(app), Method::Options) = (&app, request.method()) {
        return Ok(Response::empty()?.with_status(204).with_headers(for_app(app)?));
    }
    let answer = match service {
        Some(service) => forward(request, &env, &service).await?,
        None => laboratory(&request.url()?, &env)?,
    };
    match app {
        None => Ok(answer),
        Some(app) => with(answer, &for_app(&app)?),
    }
}

/// The installed app that asks, if it is one of the site's.
fn app_of(request: &Request, env: &Env) -> Result<Option<String>> {
    let Some(origin) = request.headers().get("origin")? else { return Ok(None) };
    let apps = env.var("APPS").map(|apps| apps.to_string()).unwrap_or_default();
    Ok(apps.split_whitespace().any(|app| app == origin).then_some(origin))
}

/// What lets an app read an answer (CORS). No cookies and no credentials: the site has none.
fn for_app(origin: &str) -> Result<Headers> {
    let headers = Headers::new();
    for (name, value) in [
        ("access-control-allow-origin", origin),
        ("access-control-allow-methods", "GET, POST, PUT, DELETE"),
        (
            "access-control-allow-headers",
            "authorization, content-type, x-admin-protocol, content-digest, signature, signature-input, client-cert",
        ),
        ("access-control-max-age", "600"),
        ("vary", "origin"),
    ] {
        headers.set(name, value)?;
    }
    Ok(headers)
}

/// An answer with more headers.
fn with(response: Response, more: &Headers) -> Result<Response> {
    // Those of an answer that was fetched can't be changed.
    let headers = Headers::new();
    for (name, value) in response.headers().entries().chain(more.entries()) {
        headers.set(&name, &value)?;
    }
    Ok(response.with_headers(headers))
}

/// Passes a request on and returns the answer as it came but for [`NO_SNIFFING`], or 503 in plain
/// words.
async fn forward(request: Request, env: &Env, service: &Service) -> Result<Response> {
    let because = match env.service(service.binding) {
        Err(_) => format!("The site was started without the {} service.", service.name),
        Ok(fetcher) => {
            let answer = pin!(fetcher.fetch_request(request));
            match select(answer, pin!(Delay::from(PATIENCE))).await {
                Either::Left((Ok(response), _)) => return without_sniffing(response),
                Either::Left((Err(error), _)) => {
                    worker::console_error!("{}: {error}", service.name);
                    format!("The {} service failed to answer.", service.name)
                }
                Either::Right(_) => {
                    format!("The {} service did not answer within {} s.", service.name, PATIENCE.as_secs())
                }
            }
        }
    };
    unavailable(&because)
}

fn without_sniffing(response: Response) -> Result<Response> {
    let more = Headers::new();
    more.set(NO_SNIFFING.0, NO_SNIFFING.1)?;
    with(response, &more)
}

/// RFC 9457: what went wrong, for a program and for a person.
fn unavailable(because: &str) -> Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "application/problem+json")?;
    headers.set("cache-control", "no-store")?;
    headers.set("retry-after", "5")?;
    headers.set(NO_SNIFFING.0, NO_SNIFFING.1)?;
    let body = format!(
        r#"{{"type":"about:blank","title":"Service unavailable","status":503,"detail":"{because}"}}"#
    );
    Ok(Response::ok(body)?.with_status(503).with_headers(headers))
}

/// The variable that holds a document of the laboratory.
fn variable(path: &str, kind: Option<&str>) -> Option<String> {
    let name = match (path.strip_prefix(LABORATORY)?, kind) {
        ("chip.json", None | Some("usual")) => "LAB_CHIP".to_owned(),
        ("chip.json", Some(kind)) if kind.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'-')) => {
            format!("LAB_CHIP_{}", kind.to_ascii_uppercase().replace('-', "_"))
        }
        ("watch.json", None) => "LAB_CHIP_WATCH".to_owned(),
        ("lpa.json", None) => "LAB_LPA".to_owned(),
        ("operator.json", None) => "LAB_OPERATOR".to_owned(),
        _ => return None,
    };
    Some(name)
}

/// A document of the laboratory: keys of a test PKI, for anybody who gets this far.
fn laboratory(url: &Url, env: &Env) -> Result<Response> {
    let kind = url.query_pairs().find(|(name, _)| name == "as").map(|(_, kind)| kind);
    let document = variable(url.path(), kind.as_deref()).and_then(|name| env.var(&name).ok());
    let Some(document) = document else {
        return Response::error("This site is no laboratory, or has no such document.", 404);
    };
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "no-store")?;
    headers.set("cross-origin-resource-policy", "same-origin")?;
    headers.set(NO_SNIFFING.0, NO_SNIFFING.1)?;
    Ok(Response::ok(document.to_string())?.with_headers(headers))
}

/// A file, or the page itself for any path that is none of the files.
async fn page(request: Request, env: &Env) -> Result<Response> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return Response::error("A page is only read: GET or HEAD.", 405);
    }
    let path = request.path();
    let only_head = request.method() == Method::Head;
    let assets: Fetcher = env.assets("ASSETS")?;
    let mut response = assets.fetch_request(request).await?;
    let headers = Headers::new();
    for (name, value) in response.headers() {
        headers.set(&name, &value)?;
    }
    for (name, value) in PAGE_HEADERS {
        headers.set(name, value)?;
    }
    let hashed = is_hashed(&path);
    // The page stands in for every path of its own, but a missing part of it is missing.
    if hashed && headers.get("content-type")?.is_some_and(|kind| kind.starts_with("text/html")) {
        return Response::error("There is no such file; reload the page.", 404);
    }
    if hashed && response.status_code() == 200 {
        headers.set("cache-control", "public, max-age=31536000, immutable")?;
    }
    let status = response.status_code();
    // These carry no body; a 304 with one is an error.
    let bodiless = only_head || matches!(status, 204 | 304);
    let answer = if bodiless { Response::empty()? } else { Response::from_stream(response.stream()?)? };
    Ok(answer.with_status(status).with_headers(headers))
}

/// Whether a path lies in one of the folders that `cargo xtask build` names by content.
fn is_hashed(path: &str) -> bool {
    ["/app/", "/chip/", "/qr/"].iter().any(|folder| path.starts_with(folder))
}
