//! Answers that are not the standard's: RFC 9457 problem documents.

use http::{Response, StatusCode};
use serde::Serialize;

/// A problem in words.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
}

/// `application/problem+json`.
#[must_use]
pub fn problem(status: StatusCode, detail: &str) -> Response<Vec<u8>> {
    let title = status.canonical_reason().unwrap_or("Problem");
    let body = Problem { r#type: "about:blank", title, status: status.as_u16(), detail };
    let mut response = Response::new(serde_json::to_vec(&body).unwrap_or_default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static("application/problem+json"));
    headers.insert("cache-control", http::HeaderValue::from_static("no-store"));
    response
}
