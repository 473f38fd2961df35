//! Text, as card tools write it: lines for people, that can be read back.

use std::fmt::Write as _;

use crate::record::{Message, Trace};

/// The first line.
pub(super) const FIRST: &str = "; esim-trace text 1";

/// A trace as text.
///
/// ```text
/// ; esim-trace text 1
///
/// ; 7 12.500 phone > chip ES10b.GetEUICCChallenge
/// ; step 3
/// > 80E2910003BF2E00 ; 12.500
/// < BF2E12801000…9000 ; 15.000
/// ; 9000
/// ```
///
/// What begins with `;` is a comment: of a message its number, its time in milliseconds, who
/// speaks to whom and the function; then what is known besides. Of HTTP, `> ` and `< ` are the
/// request's and the answer's line, headers, an empty line and the body; a body that is no text
/// is `hex:` and its digits.
#[must_use]
pub fn to_text(trace: &Trace) -> String {
    let mut out = format!("{FIRST}\n");
    if trace.dropped() > 0 {
        let _ = writeln!(out, "; {} older messages are not here", trace.dropped());
    }
    for message in trace.messages() {
        write(&mut out, message);
    }
    out
}

fn write(out: &mut String, message: &Message) {
    let (from, to) = (message.from.word(), message.to.word());
    let name = one_line(&message.name);
    let _ = writeln!(out, "\n; {} {:.3} {from} > {to} {name}", message.id, message.at);
    if let Some(step) = message.step {
        let _ = writeln!(out, "; step {}", step.number());
    }
    for part in &message.parts {
        match &message.http {
            None => {
                let _ = writeln!(out, "> {} ; {:.3}", hex::encode_upper(&part.request), part.at);
                if let Some(response) = &part.response {
                    let _ = writeln!(out, "< {} ; {:.3}", hex::encode_upper(response), part.at + part.took);
                }
            }
            Some(http) => {
                let _ = writeln!(out, "> {} {}", one_line(&http.method), one_line(&http.url));
                lines(out, '>', &http.request_headers, &part.request);
                if let Some(response) = &part.response {
                    let _ = writeln!(out, "< HTTP {}", http.status.unwrap_or_default());
                    lines(out, '<', &http.response_headers, response);
                }
            }
        }
    }
    if message.lost > 0 {
        let _ = writeln!(out, "; {} exchanges are not here", message.lost);
    }
    if let Some(note) = &message.note {
        let _ = writeln!(out, "; note: {}", one_line(note));
    }
    if message.failed() {
        let _ = writeln!(out, "; failed after {:.3}: {}", message.took, one_line(message.ending.text()));
    } else {
        let _ = writeln!(out, "; took {:.3}: {}", message.took, one_line(message.ending.text()));
    }
}

fn lines(out: &mut String, sign: char, headers: &[(String, String)], body: &[u8]) {
    for (name, value) in headers {
        let _ = writeln!(out, "{sign} {}: {}", one_line(name), one_line(value));
    }
    let _ = writeln!(out, "{sign}");
    match std::str::from_utf8(body) {
        Ok("") => {}
        // A lone carriage return would not come back.
        Ok(text) if !text.contains('\r') && !text.starts_with("hex:") => {
            for line in text.split('\n') {
                let _ = writeln!(out, "{sign} {line}");
            }
        }
        _ => {
            let _ = writeln!(out, "{sign} hex:{}", hex::encode_upper(body));
        }
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
