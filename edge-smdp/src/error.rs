//! What goes wrong, sorted by blame: the peer ([`Refusal`], [`Malformed`]) or us
//! ([`Fault`]).

use core::fmt;

use rsp::status::{FunctionExecutionStatus, StatusCode};

/// The peer asked for something that it does not get: answered with a function
/// execution status `Failed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Subject and reason.
    pub code: StatusCode,
    /// What was found; may be shown to the peer. Empty when the code says it all.
    pub because: String,
}

impl Refusal {
    /// With what was found.
    pub fn new(code: StatusCode, because: impl Into<String>) -> Self {
        Self { code, because: because.into() }
    }
}

impl From<&Refusal> for FunctionExecutionStatus {
    fn from(refusal: &Refusal) -> Self {
        Self::failed(refusal.code, &refusal.because)
    }
}

impl From<StatusCode> for Refusal {
    fn from(code: StatusCode) -> Self {
        Self { code, because: String::new() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if self.because.is_empty() { Ok(()) } else { write!(f, ": {}", self.because) }
    }
}

impl core::error::Error for Refusal {}

/// The peer's bytes are not what they should be: answered with 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where and what; may be shown to the peer.
    pub because: String,
}

impl Malformed {
    /// `what` is broken in the way that `error` says.
    pub fn new(what: &str, error: impl fmt::Display) -> Self {
        Self { because: format!("{what}: {error}") }
    }
}

/// The server's own trouble: answered with 503, told to nobody but the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(
    /// What failed, without any secret.
    pub String,
);

impl Fault {
    /// A fault in the words of the log.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Fault {}

impl From<rsp_crypto::Fault> for Fault {
    fn from(fault: rsp_crypto::Fault) -> Self {
        Self(fault.to_string())
    }
}

/// Any of the three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// See [`Refusal`].
    Refused(Refusal),
    /// See [`Malformed`].
    Malformed(Malformed),
    /// See [`Fault`].
    Fault(Fault),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StatusCode> for Trouble {
    fn from(code: StatusCode) -> Self {
        Self::Refused(code.into())
    }
}

impl From<Malformed> for Trouble {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<rsp_crypto::Fault> for Trouble {
    fn from(fault: rsp_crypto::Fault) -> Self {
        Self::Fault(fault.into())
    }
}
