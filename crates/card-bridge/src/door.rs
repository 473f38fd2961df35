//! Who may come in: what is asked of a connection before anything is said on it.
//!
//! Any page that somebody looks at can open a WebSocket to this machine. What a page can't choose
//! is the `Origin` that its browser sends; and where a page has made its own name point at this
//! machine (DNS rebinding), that name is what stands in `Host`.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeSet;

use crate::protocol::SUBPROTOCOL;

/// Which origins may come in, and by which port.
#[derive(Clone, Debug)]
pub struct Door {
    origins: Vec<String>,
    address: IpAddr,
    port: u16,
}

/// Why a connection is turned away, with the status of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 403: `Host` is not this machine's loopback address and port.
    Host,
    /// 403: no origin, more than one, or not one of those that may.
    Origin,
    /// 400: the page does not speak this protocol.
    Subprotocol,
    /// 404: there is nothing under that path.
    Path,
}

impl Door {
    /// A door for these origins, each as a browser writes it: `https://lpa.example`, with the port
    /// unless it is the scheme's own; at `127.0.0.1` and `[::1]`.
    #[must_use]
    pub const fn new(origins: Vec<String>, port: u16) -> Self {
        Self { origins, address: IpAddr::V4(Ipv4Addr::LOCALHOST), port }
    }

    /// The same at an address that is listened on, which may be another one of this machine's.
    #[must_use]
    pub const fn at(origins: Vec<String>, address: SocketAddr) -> Self {
        Self { origins, address: address.ip().to_canonical(), port: address.port() }
    }

    /// Looks at a request for a WebSocket; `headers` are its names, in any case, and values.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn admit(&self, path: &str, headers: &[(&str, &[u8])]) -> Result<String, Refusal> {
        // A header that stands there twice is read differently by everybody.
        let only = |wanted: &str| {
            let mut found = headers
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|&(_, value)| str::from_utf8(value).unwrap_or_default());
            found.next().filter(|_| found.next().is_none())
        };
        if !only("host").is_some_and(|host| self.is_ours(host)) {
            return Err(Refusal::Host);
        }
        let origin = only("origin").ok_or(Refusal::Origin)?;
        if !self.origins.iter().any(|allowed| allowed == origin) {
            return Err(Refusal::Origin);
        }
        if path != "/" {
            return Err(Refusal::Path);
        }
        let offered = only("sec-websocket-protocol").unwrap_or_default();
        if !offered.split(',').any(|offered| offered.trim() == SUBPROTOCOL) {
            return Err(Refusal::Subprotocol);
        }
        Ok(origin.to_owned())
    }

    fn is_ours(&self, host: &str) -> bool {
        // A browser leaves the scheme's own port out.
        let name = match host.strip_suffix(&format!(":{}", self.port)) {
            Some(name) => name,
            None if self.port == 80 => host,
            None => return false,
        };
        let address = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => inner.parse().map(|address: Ipv6Addr| IpAddr::V6(address).to_canonical()),
            None => name.parse().map(|address: Ipv4Addr| IpAddr::V4(address)),
        };
        match address {
            Ok(address) => {
                [self.address, Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].contains(&address)
            }
            // No name that somebody could have made point here.
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// Whether an address is of this machine only: `127.0.0.0/8`, `::1`, and the former as IPv6 maps it.
#[must_use]
pub const fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether a text can be an origin: a scheme, a host, perhaps a port, nothing else. `null`, which
/// any page in a sandbox has, is none.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '[' | ']' | ':' | '+');
    !scheme.is_empty()
        && !rest.is_empty()
        && !rest.starts_with(':')
        && text.len() <= 256
        && scheme
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && rest.chars().all(|c| plain(c) && !c.is_ascii_uppercase())
}

/// Refusals that are kept in mind; then all are forgotten.
const MAX_REFUSALS: usize = 64;

/// Between two that are told.
const PAUSE: Duration = Duration::from_secs(1);

/// Which refusals are told on the terminal: any site can have as many as it likes, and the line
/// that a person looks for, a code, is on the same terminal.
#[derive(Default)]
pub struct Refusals {
    told: BTreeSet<String>,
    last: Option<Duration>,
}

impl Refusals {
    /// What is to be told of this origin, which says whatever it likes, at most once each and a
    /// second: `https://evil.example (why)`. `now` is any time that only goes on.
    pub fn tell(&mut self, origin: &str, refusal: Refusal, now: Duration) -> Option<String> {
        let told = format!("{} ({refusal})", shown(origin));
        let too_soon = self.last.is_some_and(|last| now.saturating_sub(last) < PAUSE);
        if too_soon || self.told.contains(&told) {
            return None;
        }
        if self.told.len() == MAX_REFUSALS {
            self.told.clear();
        }
        self.told.insert(told.clone());
        self.last = Some(now);
        Some(told)
    }
}

/// What others have chosen, on the terminal: short, and nothing that steers it.
#[must_use]
pub fn shown(text: &str) -> String {
    let short: String = text.chars().take(100).collect();
    if short.is_empty() { "no origin".to_owned() } else { short.escape_debug().to_string() }
}

impl Refusal {
    /// The status code of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Host | Self::Origin => 403,
            Self::Subprotocol => 400,
            Self::Path => 404,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "this is not the address that the bridge listens on",
            Self::Origin => "pages of this origin may not use the bridge; start it with --origin",
            Self::Subprotocol => "the page does not speak card-bridge.v1",
            Self::Path => "there is nothing under this path",
        })
    }
}
