//! A message as a command of another tool.

use std::fmt::Write as _;

use crate::record::Message;

/// Whose command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// `apdu 00A40000…` of pySim-shell.
    PySim,
    /// A line of JSON for the `stdio` driver of lpac.
    Lpac,
    /// The digits alone.
    Plain,
}

/// The commands of a message, a line each; `None` of HTTP. Give it a masked message.
#[must_use]
pub fn apdu_lines(message: &Message, style: Style) -> Option<String> {
    if message.http.is_some() {
        return None;
    }
    let mut out = String::new();
    for part in &message.parts {
        let digits = hex::encode_upper(&part.request);
        let _ = match style {
            Style::PySim => writeln!(out, "apdu {digits}"),
            Style::Lpac => {
                writeln!(out, r#"{{"type":"apdu","payload":{{"func":"transmit","param":"{digits}"}}}}"#)
            }
            Style::Plain => writeln!(out, "{digits}"),
        };
    }
    Some(out)
}

/// A message over HTTP as a `curl` command for a POSIX shell; `None` of an APDU. `origin` is
/// what a URL without a host is relative to. Give it a masked message.
#[must_use]
pub fn curl(message: &Message, origin: &str) -> Option<String> {
    let http = message.http.as_ref()?;
    let host = if http.url.contains("://") { "" } else { origin };
    let mut out = String::new();
    let body = message.parts.first().map(|part| part.request.as_slice()).unwrap_or_default();
    let text = std::str::from_utf8(body).ok().filter(|text| !text.contains('\0'));
    if !body.is_empty() && text.is_none() {
        let _ = write!(out, "printf %s {} | xxd -r -p | ", hex::encode(body));
    }
    let _ = write!(out, "curl -X {} {}", quoted(&http.method), quoted(&format!("{host}{}", http.url)));
    for (name, value) in &http.request_headers {
        let _ = write!(out, " \\\n  -H {}", quoted(&format!("{name}: {value}")));
    }
    match text {
        _ if body.is_empty() => {}
        Some(text) => {
            let _ = write!(out, " \\\n  --data-raw {}", quoted(text));
        }
        None => out.push_str(" \\\n  --data-binary @-"),
    }
    Some(out)
}

/// In single quotes, as every POSIX shell reads them.
fn quoted(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
