//! HTTP Archive 1.2.

use serde_json::{Value, json};

use super::Origin;
use crate::record::{Headers, Http, Message, Part, Trace};

/// What went over HTTP as an HTTP Archive, which browsers' tools open.
#[must_use]
pub fn to_har(trace: &Trace, origin: &Origin) -> String {
    let entries: Vec<Value> = trace
        .messages()
        .filter_map(|message| Some(entry(message, message.http.as_ref()?, message.parts.first()?, origin)))
        .collect();
    let har = json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "trace", "version": env!("CARGO_PKG_VERSION") },
            "entries": entries,
        }
    });
    format!("{har:#}")
}

fn entry(message: &Message, http: &Http, part: &Part, origin: &Origin) -> Value {
    let url = if http.url.contains("://") { http.url.clone() } else { format!("{}{}", origin.url, http.url) };
    let mut request = json!({
        "method": http.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&http.request_headers),
        "queryString": query(&url),
        "headersSize": -1,
        "bodySize": part.request.len(),
    });
    if !part.request.is_empty()
        && let Some(request) = request.as_object_mut()
    {
        let text = String::from_utf8_lossy(&part.request);
        request.insert(
            "postData".to_owned(),
            json!({ "mimeType": media_type(&http.request_headers), "text": text }),
        );
    }
    let body = part.response.as_deref().unwrap_or_default();
    let mut content = json!({ "size": body.len(), "mimeType": media_type(&http.response_headers) });
    if let (Some(content), false) = (content.as_object_mut(), body.is_empty()) {
        match std::str::from_utf8(body) {
            Ok(text) => content.insert("text".to_owned(), text.into()),
            Err(_) => {
                use base64::Engine as _;
                content.insert("encoding".to_owned(), "base64".into());
                let text = base64::engine::general_purpose::STANDARD.encode(body);
                content.insert("text".to_owned(), text.into())
            }
        };
    }
    let header =
        |name: &str| http.response_headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    // Tools take status 0 for a request without an answer.
    let response = json!({
        "status": http.status.unwrap_or(0),
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&http.response_headers),
        "content": content,
        "redirectURL": header("location").map_or("", |(_, value)| value.as_str()),
        "headersSize": -1,
        "bodySize": if part.response.is_some() { body.len() as i64 } else { -1 },
    });
    let mut entry = json!({
        "startedDateTime": date(origin.epoch_ms + message.at),
        "time": part.took,
        "request": request,
        "response": response,
        "cache": {},
        "timings": { "send": 0, "wait": part.took, "receive": 0 },
        "comment": message.name,
    });
    if let (Some(entry), Some(note)) = (entry.as_object_mut(), &message.note) {
        entry.insert("comment".to_owned(), format!("{}: {note}", message.name).into());
    }
    entry
}

fn pairs(headers: &Headers) -> Vec<Value> {
    headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn query(url: &str) -> Vec<Value> {
    let Some((_, query)) = url.split('#').next().and_then(|url| url.split_once('?')) else {
        return Vec::new();
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            json!({ "name": name, "value": value })
        })
        .collect()
}

fn media_type(headers: &Headers) -> &str {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map_or("application/json", |(_, value)| value.as_str())
}

/// Milliseconds since 1970 as ISO 8601, in UTC.
fn date(ms: f64) -> String {
    // Up to the year 9999.
    let ms = if ms.is_finite() { ms.clamp(0.0, 253_402_300_799_999.0) as u64 } else { 0 };
    let (days, rest) = (ms / 86_400_000, ms % 86_400_000);
    // Civil date from days, by eras of 400 years beginning on the first of March.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}.{:03}Z",
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1_000 % 60,
        rest % 1_000
    )
}
