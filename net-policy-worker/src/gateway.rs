//! The gateway: what of a session's HTTP may leave, and what of it is left when it does.
//!
//! It forwards ES9+ to the SMs of an allow-list and nothing else, whoever asks: it must
//! never become an open proxy. Addresses and paths are compared as they are, character by
//! character; whatever could be read in two ways is refused before it is compared.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use serde::{Deserialize, Serialize};

use crate::policy::Destination;

/// Longest body a terminal may send: an AuthenticateClient with its certificates is
/// below 10 kB, a result with the LPA's data far below this.
pub const MAX_REQUEST: usize = 256 * 1024;

/// Longest answer that is passed on: a bound profile package of some megabytes.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// How long the SM may take.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// Where ES9+ lives on an SM (SGP.22 §6.5).
const PREFIX: &str = "/gsma/rsp2/es9plus/";

/// The only request headers the SM sees, besides those of the connection: those of
/// SGP.22 §6.5.1, and those by which an LPA proves who it is where the SM asks for it
/// (RFC 9421, RFC 9530, RFC 9440).
const REQUEST_HEADERS: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::USER_AGENT,
    HeaderName::from_static("x-admin-protocol"),
    HeaderName::from_static("client-cert"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("signature-input"),
    HeaderName::from_static("signature"),
];

/// The only response headers that come back, the last two with what an SM asks for.
const ANSWER_HEADERS: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("x-admin-protocol"),
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("accept-signature"),
];

/// An SM's address: a host in lower case and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmAddress {
    host: String,
    port: u16,
}

impl SmAddress {
    /// Reads `host` or `host:port`; without a port it is 443.
    #[must_use]
    pub fn parse(authority: &str) -> Option<Self> {
        let (host, port) = match authority.split_once(':') {
            None => (authority, 443),
            Some((host, digits)) => {
                let digits =
                    Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
                (host, digits.parse().ok().filter(|port| *port != 0)?)
            }
        };
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        (host.len() <= 253 && host.split('.').all(label))
            .then(|| Self { host: host.to_ascii_lowercase(), port })
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the host is a number in one of the ways that URL parsers take for an
    /// IPv4 address: the last label is decimal, octal or hexadecimal.
    pub(crate) fn is_literal(&self) -> bool {
        self.host.rsplit('.').next().is_some_and(|last| {
            last.bytes().all(|byte| byte.is_ascii_digit())
                || last
                    .strip_prefix("0x")
                    .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        })
    }
}

impl std::fmt::Display for SmAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        if self.port == 443 { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// The allow-list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmAddresses(Vec<SmAddress>);

impl FromIterator<SmAddress> for SmAddresses {
    fn from_iter<I: IntoIterator<Item = SmAddress>>(addresses: I) -> Self {
        Self(addresses.into_iter().collect())
    }
}

impl SmAddresses {
    /// Reads a comma separated list of `host[:port]`.
    ///
    /// # Errors
    /// The entry that is no address.
    pub fn parse(list: &str) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| SmAddress::parse(entry).ok_or_else(|| entry.to_owned()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The addresses.
    pub fn iter(&self) -> impl Iterator<Item = &SmAddress> {
        self.0.iter()
    }

    /// Where `authority` is.
    #[must_use]
    pub fn locate(&self, authority: &str) -> Destination {
        match SmAddress::parse(authority) {
            Some(address) if self.0.contains(&address) => Destination::Sm,
            _ => Destination::Elsewhere,
        }
    }
}

/// A terminal's HTTP request, as far as it is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The method.
    pub method: String,
    /// Whom it is for: the path segment after `/http/`, as received.
    pub authority: String,
    /// What is asked there: the rest of the path and the query, as received.
    pub target: String,
    /// The `Content-Length` header, where there is one.
    pub declared: Option<String>,
    /// How long the body is.
    pub length: usize,
}

/// What an attempt comes to before any policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examined {
    /// ES9+ to this SM, as the allow-list writes it.
    Es9(String),
    /// Some other host.
    Other,
    /// Refused whoever asks, and why.
    Refused(&'static str),
    /// Too long.
    TooLarge,
}

/// Examines an attempt against the allow-list.
#[must_use]
pub fn examine(attempt: &Attempt, allowed: &SmAddresses) -> Examined {
    if attempt.length > MAX_REQUEST {
        return Examined::TooLarge;
    }
    let declares_otherwise = |declared: &String| {
        declared.parse::<usize>().ok() != Some(attempt.length) || declared.starts_with('+')
    };
    if attempt.declared.as_ref().is_some_and(declares_otherwise) {
        return Examined::Refused("the body is not as long as it is declared to be");
    }
    let authority = &attempt.authority;
    if authority.contains('@') {
        return Examined::Refused("an address with user information");
    }
    if authority.contains('%') {
        return Examined::Refused("an address with encoded characters");
    }
    if authority.contains(['[', ']']) || authority.matches(':').count() > 1 {
        return Examined::Refused("an address literal instead of a name");
    }
    let Some(address) = SmAddress::parse(authority) else {
        return Examined::Refused("an address that is not host or host:port in ASCII");
    };
    if !allowed.0.contains(&address) {
        if address.is_literal() {
            return Examined::Refused("an address literal instead of a name");
        }
        if allowed.iter().any(|sm| sm.host == address.host) {
            return Examined::Refused("a port of the SM that is not its own");
        }
        return Examined::Other;
    }
    let target = &attempt.target;
    if target.contains('%') {
        return Examined::Refused("a path with encoded characters");
    }
    if target.contains(['?', '#']) {
        return Examined::Refused("a path with a query: ES9+ has none");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
    if target.len() > 256 || !target.bytes().all(plain) {
        return Examined::Refused("a path with other than letters, digits and /-_.");
    }
    if target.split('/').skip(1).any(|segment| matches!(segment, "" | "." | "..")) {
        return Examined::Refused("a path with an empty or a dot segment");
    }
    if !target.starts_with(PREFIX) {
        return Examined::Refused("a path of the SM that is not ES9+");
    }
    if attempt.method != "POST" {
        return Examined::Refused("a method that is not POST: ES9+ has no other");
    }
    Examined::Es9(address.to_string())
}

/// The request that is sent to the SM: the body as it is, and of the headers only those
/// that ES9+ needs.
///
/// # Errors
/// When `authority` and `target` make no URL, which [`examine`] excludes.
pub fn outgoing(
    authority: &str,
    target: &str,
    headers: &HeaderMap,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, http::Error> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("https://{authority}{target}"))
        .header(header::HOST, authority);
    for name in REQUEST_HEADERS {
        // Every line of it: the SM must see what was signed.
        for value in headers.get_all(&name) {
            request = request.header(&name, value);
        }
    }
    request.body(body)
}

/// Why an SM's answer is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable(pub &'static str);

/// The answer that goes back to the terminal.
///
/// # Errors
/// A redirect, which could lead anywhere, and an answer that is too long.
pub fn incoming(answer: Response<Vec<u8>>) -> Result<Response<Vec<u8>>, Unusable> {
    if answer.status().is_redirection() || answer.status().is_informational() {
        return Err(Unusable("the SM redirects; redirects are not followed"));
    }
    if answer.body().len() > MAX_ANSWER {
        return Err(Unusable("the SM's answer is too long"));
    }
    let (parts, body) = answer.into_parts();
    let mut passed = Response::new(body);
    *passed.status_mut() = parts.status;
    for name in ANSWER_HEADERS {
        if let Some(value) = parts.headers.get(&name) {
            passed.headers_mut().insert(name, value.clone());
        }
    }
    passed.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(passed)
}

#[cfg(test)]
mod tests;
