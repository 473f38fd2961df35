//! The trace's own JSON.

use serde::{Deserialize, Serialize};

use crate::record::{Ending, Headers, Http, Interface, Message, Part, Party, Step, Trace};

/// What `format` says.
pub(super) const FORMAT: &str = "esim-trace";
/// The version of this format. A reader takes this one and no later one.
pub(super) const VERSION: u32 = 1;

#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(super) struct File {
    pub(super) format: String,
    pub(super) version: u32,
    #[serde(default)]
    pub(super) redacted: bool,
    #[serde(default)]
    pub(super) dropped: u64,
    pub(super) messages: Vec<WireMessage>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireMessage {
    id: u32,
    at: f64,
    #[serde(default)]
    took: f64,
    from: String,
    to: String,
    interface: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<u8>,
    #[serde(default)]
    parts: Vec<WirePart>,
    #[serde(default, skip_serializing_if = "is_zero")]
    lost: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http: Option<WireHttp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    ending: WireEnding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Bytes as hexadecimal digits, or as text where they are text.
#[derive(Serialize, Deserialize)]
struct WirePart {
    at: f64,
    #[serde(default)]
    took: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(default, rename = "requestText", skip_serializing_if = "Option::is_none")]
    request_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    #[serde(default, rename = "responseText", skip_serializing_if = "Option::is_none")]
    response_text: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHttp {
    method: String,
    url: String,
    #[serde(default)]
    request_headers: Headers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default)]
    response_headers: Headers,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireEnding {
    Open,
    Good(String),
    Bad(String),
}

/// A trace as JSON, complete, to be read back by [`crate::import`].
///
/// ```json
/// {"format": "esim-trace", "version": 1, "redacted": true, "dropped": 0, "messages": [
///   {"id": 7, "at": 12.5, "took": 2.5, "from": "phone", "to": "chip", "interface": "ES10b",
///    "name": "ES10b.GetEUICCChallenge", "step": 3, "file": "6F07", "lost": 0,
///    "parts": [{"at": 12.5, "took": 2.5, "request": "80E29100…", "response": "BF2E…9000"}],
///    "http": {"method": "POST", "url": "…", "requestHeaders": [["name", "value"]], "status": 200,
///             "responseHeaders": []},
///    "ending": {"good": "9000"}, "note": "…"}]}
/// ```
///
/// Times are milliseconds of the recorder's clock. Bytes are hexadecimal; a body that is text
/// stands in `requestText` and `responseText` instead. `ending` is `"open"`, `{"good": …}` or
/// `{"bad": …}`. `step`, `file`, `lost`, `http`, `note` and what did not come are left out.
#[must_use]
pub fn to_json(trace: &Trace, redacted: bool) -> String {
    let file = File {
        format: FORMAT.to_owned(),
        version: VERSION,
        redacted,
        dropped: trace.dropped(),
        messages: trace.messages().map(write).collect(),
    };
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

fn write(message: &Message) -> WireMessage {
    let text = message.http.is_some();
    let bytes = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(body) if text => (None, Some(body.to_owned())),
        _ => (Some(hex::encode_upper(bytes)), None),
    };
    let parts = message.parts.iter().map(|part| {
        let (request, request_text) =
            if part.request.is_empty() { (None, None) } else { bytes(&part.request) };
        let (response, response_text) = part.response.as_ref().map_or((None, None), |body| bytes(body));
        WirePart { at: part.at, took: part.took, request, request_text, response, response_text }
    });
    WireMessage {
        id: message.id,
        at: message.at,
        took: message.took,
        from: message.from.word().to_owned(),
        to: message.to.word().to_owned(),
        interface: message.interface.name().to_owned(),
        name: message.name.clone(),
        step: message.step.map(Step::number),
        parts: parts.collect(),
        lost: message.lost,
        http: message.http.as_ref().map(|http| WireHttp {
            method: http.method.clone(),
            url: http.url.clone(),
            request_headers: http.request_headers.clone(),
            status: http.status,
            response_headers: http.response_headers.clone(),
        }),
        file: message.file.map(|file| format!("{file:04X}")),
        ending: match &message.ending {
            Ending::Open => WireEnding::Open,
            Ending::Good(text) => WireEnding::Good(text.clone()),
            Ending::Bad(text) => WireEnding::Bad(text.clone()),
        },
        note: message.note.clone(),
    }
}

/// What is wrong with a message of a file.
pub(super) type Wrong = &'static str;

/// A message of a file.
pub(super) fn read(wire: WireMessage) -> Result<Message, Wrong> {
    let card = |name: &str| Party::from_word(name).ok_or("party");
    let bytes = |hex: Option<String>, text: Option<String>| match (hex, text) {
        (Some(digits), _) => hex::decode(digits).map(Some).map_err(|_| "bytes"),
        (None, text) => Ok(text.map(String::into_bytes)),
    };
    let (from, to) = (card(&wire.from)?, card(&wire.to)?);
    let interface = Interface::from_name(&wire.interface).ok_or("interface")?;
    let mut parts = Vec::new();
    for part in wire.parts {
        parts.push(Part {
            request: bytes(part.request, part.request_text)?.unwrap_or_default(),
            response: bytes(part.response, part.response_text)?,
            at: time(part.at),
            took: time(part.took),
        });
    }
    Ok(Message {
        id: wire.id,
        at: time(wire.at),
        took: time(wire.took),
        from,
        to,
        interface,
        name: short(wire.name, 200),
        step: wire.step.map(|number| Step::from_number(number).ok_or("step")).transpose()?,
        parts,
        lost: wire.lost,
        http: wire.http.map(|http| Http {
            method: short(http.method, 32),
            url: http.url,
            request_headers: http.request_headers,
            status: http.status,
            response_headers: http.response_headers,
        }),
        file: wire.file.map(|id| u16::from_str_radix(&id, 16).map_err(|_| "file")).transpose()?,
        ending: match wire.ending {
            WireEnding::Open => Ending::Open,
            WireEnding::Good(text) => Ending::Good(short(text, 2_000)),
            WireEnding::Bad(text) => Ending::Bad(short(text, 2_000)),
        },
        note: wire.note.map(|note| short(note, 2_000)),
    })
}

/// A time that can be reckoned with.
fn time(ms: f64) -> f64 {
    if ms.is_finite() { ms.clamp(0.0, 1e15) } else { 0.0 }
}

fn short(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
    text
}
