//! Traces as files: text as card tools write it, JSON that can be read back, HAR for what went
//! over HTTP, pcap for APDUs.

mod copy;
mod har;
mod import;
mod json;
mod pcap;
mod text;

pub use copy::{Style, apdu_lines, curl};
pub use har::to_har;
pub use import::{Import, ImportError, MAX_IMPORT, MAX_MESSAGE, import};
pub use json::to_json;
pub use pcap::to_pcap;
pub use text::to_text;

use crate::record::Trace;
use crate::redact::{Level, redacted};

/// What a file can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `> ` commands and `< ` answers, a line each.
    Text,
    /// All of it, to be read back: `docs` of [`to_json`].
    Json,
    /// HTTP Archive 1.2: what went over HTTP.
    Har,
    /// APDUs as GSMTAP in a pcap file, which Wireshark opens.
    Pcap,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Json, Self::Har, Self::Pcap];

    /// The extension of file names.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Json => "json",
            Self::Har => "har",
            Self::Pcap => "pcap",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain;charset=utf-8",
            Self::Json | Self::Har => "application/json",
            Self::Pcap => "application/vnd.tcpdump.pcap",
        }
    }
}

/// What a file needs to know that the trace does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// When the clock of the trace was zero, in milliseconds since 1970.
    pub epoch_ms: f64,
    /// What URLs without a host are relative to: `https://example.com`.
    pub url: String,
}

impl Default for Origin {
    fn default() -> Self {
        Self { epoch_ms: 0.0, url: "https://origin.invalid".to_owned() }
    }
}

/// The bytes of a file, masked.
#[must_use]
pub fn export(trace: &Trace, format: Format, level: Level, origin: &Origin) -> Vec<u8> {
    let masked = redacted(trace, level);
    match format {
        Format::Text => to_text(&masked).into_bytes(),
        Format::Json => to_json(&masked, level == Level::Identifiers).into_bytes(),
        Format::Har => to_har(&masked, origin).into_bytes(),
        Format::Pcap => to_pcap(&masked, origin),
    }
}

#[cfg(test)]
mod tests;
