//! The gateway: what of a session's HTTP may leave, and what of it is left when it does.
//!
//! It forwards ES9+ and ES11 to the SMs of an allow-list and nothing else, whoever asks: it
//! must never become an open proxy. Addresses and paths are compared as they are, character
//! by character; whatever could be read in two ways is refused before it is compared.
//!
//! An SM is reached by the deployment's own binding, or, where the gateway's owner lists it
//! so ([`Way::Outside`]), over the Internet: its name must then be one that could be public.

pub mod audit;
pub mod dns;
pub mod packet;

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

/// Most that the headers which are passed on may come to, names and values.
const MAX_HEADERS: usize = 16 * 1024;

/// Longest path.
const MAX_TARGET: usize = 256;

/// Where ES9+ and ES11 live on an SM (SGP.22 §6.5.2), and nothing that is not an LPA's: ES2+
/// and ES12 are beside it.
pub const PATH: &str = "/gsma/rsp2/es9plus/";

/// How an LPA names itself (SGP.22 §6.5.1.3). A browser can't, so the gateway does.
const USER_AGENT: HeaderValue = HeaderValue::from_static("gsma-rsp-lpad");

/// The only request headers the SM sees, besides those of the connection and [`USER_AGENT`]:
/// those of SGP.22 §6.5.1, and those by which an LPA proves who it is where the SM asks for it
/// (RFC 9421, RFC 9530, RFC 9440).
const REQUEST_HEADERS: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("x-admin-protocol"),
    HeaderName::from_static("client-cert"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("signature-input"),
    HeaderName::from_static("signature"),
];

/// Of these there is one line, with one value.
const SINGLE: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::HOST, HeaderName::from_static("x-admin-protocol")];

/// By these, some servers take a request for another than its first line says.
const OVERRIDES: [HeaderName; 6] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-original-host"),
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
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        (host.len() <= 253 && host.split('.').all(label))
            .then(|| Self { host: host.to_ascii_lowercase(), port })
    }

    /// The host, in lower case.
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

    /// Whether the host could be one of the public Internet: no number, and no name that is
    /// only used in networks of one's own (RFC 6761, RFC 6762, RFC 8375, RFC 9476, the
    /// reserved `internal`, and those that ICANN will not delegate). What a public name
    /// resolves to is not known here; that is the runtime's matter.
    #[must_use]
    pub fn could_be_public(&self) -> bool {
        const PRIVATE: [&str; 14] = [
            "alt",
            "arpa",
            "corp",
            "home",
            "internal",
            "intranet",
            "invalid",
            "lan",
            "local",
            "localdomain",
            "localhost",
            "mail",
            "onion",
            "test",
        ];
        match self.host.rsplit_once('.') {
            None => false,
            Some((_, last)) => !self.is_literal() && !PRIVATE.contains(&last),
        }
    }
}

impl std::fmt::Display for SmAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        if self.port == 443 { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// How an SM is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// By the deployment's service binding.
    #[default]
    Binding,
    /// Over the Internet.
    Outside,
}

/// An entry of the allow-list: an SM, and what may be asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    address: SmAddress,
    paths: Vec<String>,
    methods: Vec<String>,
    way: Way,
}

impl Entry {
    /// An entry for what is below `paths` at `address`, asked for by `methods`; `None` where
    /// one of these could be read in two ways, is all of an SM, or is nothing to let through.
    #[must_use]
    pub fn new(address: SmAddress, paths: Vec<String>, methods: Vec<String>, way: Way) -> Option<Self> {
        let sound = |path: &String| {
            path.len() > 1
                && path.starts_with('/')
                && path.strip_suffix('/').is_some_and(|path| unsound(path).is_none())
        };
        // A tunnel, or what a server would repeat to the sender, is in no list.
        let known =
            |method: &String| matches!(method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH");
        (paths.iter().all(sound) && methods.iter().all(known)).then_some(Self {
            address,
            paths,
            methods,
            way,
        })
    }

    /// An entry for ES9+ and ES11 at `address`.
    #[must_use]
    pub fn of_lpa(address: SmAddress, way: Way) -> Self {
        Self { address, paths: vec![PATH.to_owned()], methods: vec![Method::POST.to_string()], way }
    }

    /// Host and port.
    #[must_use]
    pub const fn address(&self) -> &SmAddress {
        &self.address
    }

    /// How it is reached.
    #[must_use]
    pub const fn way(&self) -> Way {
        self.way
    }
}

/// The allow-list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmAddresses {
    entries: Vec<Entry>,
    /// Whether an SM outside may have an address that is not public: in a laboratory.
    private: bool,
}

impl FromIterator<Entry> for SmAddresses {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect(), private: false }
    }
}

impl SmAddresses {
    /// Reads a comma separated list of `host[:port]` that the deployment's binding leads to.
    ///
    /// # Errors
    /// The entry that is no address.
    pub fn parse(list: &str) -> Result<Self, String> {
        addresses(list)
            .map(|address| Ok(Entry::of_lpa(address?, Way::Binding)))
            .collect::<Result<_, _>>()
            .map(|entries| Self { entries, private: false })
    }

    /// The same list, in a deployment where an SM outside may have an address that is not
    /// public: a laboratory may permit that, and nobody else should.
    #[must_use]
    pub fn permit_private(self, private: bool) -> Self {
        Self { private, ..self }
    }

    /// The entries.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Where `authority` is.
    #[must_use]
    pub fn locate(&self, authority: &str) -> Destination {
        match SmAddress::parse(authority).and_then(|address| self.entry(&address)) {
            Some(_) => Destination::Sm,
            None => Destination::Elsewhere,
        }
    }

    /// Whether the list has this host, on whatever port. A name is compared without case, and
    /// with no dot at its end.
    #[must_use]
    pub fn names(&self, host: &str) -> bool {
        self.iter().any(|entry| entry.address.host.eq_ignore_ascii_case(host))
    }

    fn entry(&self, address: &SmAddress) -> Option<&Entry> {
        self.iter().find(|entry| entry.address == *address)
    }
}

/// The addresses of a comma separated list, or what is none.
fn addresses(list: &str) -> impl Iterator<Item = Result<SmAddress, String>> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| SmAddress::parse(entry).ok_or_else(|| entry.to_owned()))
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
    /// What is wrong with its headers.
    #[serde(default)]
    pub suspicion: Option<Suspicion>,
}

impl Attempt {
    /// The attempt that a request is: `rest` is what follows `/http/` in its path.
    #[must_use]
    pub fn of(method: &Method, rest: &str, query: Option<&str>, headers: &HeaderMap, length: usize) -> Self {
        let (authority, target) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let declared = headers.get(header::CONTENT_LENGTH);
        Self {
            method: method.to_string(),
            authority: authority.to_owned(),
            target: query.map_or_else(|| target.to_owned(), |query| format!("{target}?{query}")),
            declared: declared.map(|length| String::from_utf8_lossy(length.as_bytes()).into_owned()),
            length,
            suspicion: Suspicion::of(headers),
        }
    }
}

/// Headers that could make two programs on the way read two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suspicion {
    /// `Transfer-Encoding` beside `Content-Length` (RFC 9112 §6.3), or an unknown one.
    Framing,
    /// The body is compressed: how long it is can't be told from how long it is here.
    Coding,
    /// `Upgrade`, or a `Connection` that names headers.
    Connection,
    /// A header that says it is another request.
    Override,
    /// Two where there is one.
    Duplicate,
    /// Too many bytes.
    TooLong,
}

impl Suspicion {
    /// What is suspicious about `headers`.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let is = |value: &HeaderValue, word: &str| value.as_bytes().eq_ignore_ascii_case(word.as_bytes());
        let all = |name: HeaderName, word: &str| headers.get_all(name).iter().all(|value| is(value, word));
        if headers.contains_key(header::TRANSFER_ENCODING)
            && (headers.contains_key(header::CONTENT_LENGTH)
                || headers.get_all(header::TRANSFER_ENCODING).iter().count() > 1
                || !all(header::TRANSFER_ENCODING, "chunked"))
        {
            return Some(Self::Framing);
        }
        if !all(header::CONTENT_ENCODING, "identity") {
            return Some(Self::Coding);
        }
        let harmless = |value: &HeaderValue| {
            value.as_bytes().split(|byte| *byte == b',').all(|option| {
                let option = option.trim_ascii();
                ["keep-alive", "close", "te"].iter().any(|word| option.eq_ignore_ascii_case(word.as_bytes()))
            })
        };
        if headers.contains_key(header::UPGRADE)
            || headers.contains_key("http2-settings")
            || !headers.get_all(header::CONNECTION).iter().all(harmless)
        {
            return Some(Self::Connection);
        }
        if OVERRIDES.iter().any(|name| headers.contains_key(name)) {
            return Some(Self::Override);
        }
        let several = |name: &HeaderName| {
            headers.get_all(name).iter().count() > 1
                // How the lines of one header look once somebody has joined them.
                || headers.get_all(name).iter().any(|value| value.as_bytes().contains(&b','))
        };
        if SINGLE.iter().any(several) {
            return Some(Self::Duplicate);
        }
        let passed = REQUEST_HEADERS.into_iter().flat_map(|name| headers.get_all(name)).map(HeaderValue::len);
        (passed.sum::<usize>() > MAX_HEADERS).then_some(Self::TooLong)
    }

    /// In plain words, as [`Examined::Refused`] has them.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Framing => "a body whose end can be read in two ways",
            Self::Coding => "a compressed body",
            Self::Connection => "headers about a connection that is not the SM's",
            Self::Override => "a header that makes another request of it",
            Self::Duplicate => "a header that is there twice",
            Self::TooLong => "headers of more than 16 KiB",
        }
    }
}

/// What an attempt comes to before any policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examined {
    /// To this SM, as the allow-list writes it, and how it is reached.
    Sm(String, Way),
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
    if let Some(suspicion) = attempt.suspicion {
        return Examined::Refused(suspicion.words());
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
    let Some(entry) = allowed.entry(&address) else {
        if address.is_literal() {
            return Examined::Refused("an address literal instead of a name");
        }
        if allowed.names(&address.host) {
            return Examined::Refused("a port of the SM that is not its own");
        }
        return Examined::Other;
    };
    if entry.way == Way::Outside && !allowed.private && !address.could_be_public() {
        return Examined::Refused("an address that is not of the public Internet");
    }
    let target = &attempt.target;
    if let Some(because) = unsound(target) {
        return Examined::Refused(because);
    }
    let below = |path: &String| target.strip_prefix(path.as_str()).is_some_and(|rest| !rest.is_empty());
    if !entry.paths.iter().any(below) {
        return Examined::Refused("a path of the SM that is not listed");
    }
    if !entry.methods.contains(&attempt.method) {
        return Examined::Refused("a method that is not listed: ES9+ has POST only");
    }
    Examined::Sm(address.to_string(), entry.way)
}

/// What makes a path one that could be read in two ways.
fn unsound(target: &str) -> Option<&'static str> {
    if target.contains('%') {
        return Some("a path with encoded characters");
    }
    if target.contains(['?', '#']) {
        return Some("a path with a query: ES9+ has none");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
    if target.len() > MAX_TARGET || !target.bytes().all(plain) {
        return Some("a path with other than letters, digits and /-_.");
    }
    if target.split('/').skip(1).any(|segment| matches!(segment, "" | "." | "..")) {
        return Some("a path with an empty or a dot segment");
    }
    None
}

/// The request that is sent to the SM: the body as it is, and of the headers only those
/// that ES9+ needs.
///
/// # Errors
/// When the parts make no request, which [`examine`] excludes.
pub fn outgoing(
    method: &str,
    authority: &str,
    target: &str,
    headers: &HeaderMap,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, http::Error> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("https://{authority}{target}"))
        .header(header::HOST, authority)
        // What is compressed could be anything of any length.
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::USER_AGENT, USER_AGENT);
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
/// A redirect, which could lead anywhere, and an answer that is compressed, or that is too long
/// or has headers that are.
pub fn incoming(answer: Response<Vec<u8>>) -> Result<Response<Vec<u8>>, Unusable> {
    if answer.status().is_redirection() || answer.status().is_informational() {
        return Err(Unusable("the SM redirects; redirects are not followed"));
    }
    let codings = answer.headers().get_all(header::CONTENT_ENCODING);
    if codings.iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Unusable("the SM's answer is compressed, which it was not asked for"));
    }
    if answer.body().len() > MAX_ANSWER {
        return Err(Unusable("the SM's answer is too long"));
    }
    let passed = ANSWER_HEADERS.into_iter().filter_map(|name| answer.headers().get(name));
    if passed.map(HeaderValue::len).sum::<usize>() > MAX_HEADERS {
        return Err(Unusable("the SM's answer has headers of more than 16 KiB"));
    }
    let (parts, body) = answer.into_parts();
    let mut passed = Response::new(body);
    *passed.status_mut() = parts.status;
    for name in ANSWER_HEADERS {
        if let Some(value) = parts.headers.get(&name) {
            passed.headers_mut().insert(name, value.clone());
        }
    }
    let headers = passed.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Whoever the SM is, its answer stands under this network's address: a browser is to show
    // nothing of it, and to ask nobody for a password there.
    if !headers.get(header::CONTENT_TYPE).is_some_and(is_json) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    if headers.get(header::WWW_AUTHENTICATE).is_some_and(|challenge| !asks_for_signature(challenge)) {
        headers.remove(header::WWW_AUTHENTICATE);
    }
    Ok(passed)
}

/// Whether a challenge asks for a signature (RFC 9421) and for nothing else.
fn asks_for_signature(challenge: &HeaderValue) -> bool {
    let scheme = challenge.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case(b"Signature") && !challenge.as_bytes().contains(&b',')
}

/// Whether a media type is JSON, as all answers of ES9+ and their refusals are.
fn is_json(value: &HeaderValue) -> bool {
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    [&b"application/json"[..], b"application/problem+json"]
        .iter()
        .any(|own| essence.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests;
