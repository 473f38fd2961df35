//! What a peer is told when the answer is no, and what happens when it is our fault.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::Access;

/// A cause of 3GPP, as a terminal would be sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// EMM 2.
    ImsiUnknownInHss,
    /// EMM 3: also a wrong RES (TS 24.301 §5.4.2.5).
    IllegalUe,
    /// EMM 7.
    EpsServicesNotAllowed,
    /// EMM 11.
    PlmnNotAllowed,
    /// EMM 12.
    TrackingAreaNotAllowed,
    /// EMM 13.
    RoamingNotAllowed,
    /// EMM 14.
    EpsServicesNotAllowedInPlmn,
    /// EMM 15: for what may be otherwise elsewhere.
    NoSuitableCells,
    /// EMM 9: a GUTI that leads nowhere. The terminal comes again with its permanent identity.
    UeIdentityCannotBeDerived,
    /// EMM 18.
    CsDomainNotAvailable,
    /// EMM 20.
    MacFailure,
    /// EMM 21.
    SynchFailure,
    /// EMM 22: for what may be otherwise later, with T3346 where it is known when.
    Congestion,
    /// EMM 96.
    InvalidMandatoryInformation,
    /// ESM 8.
    OperatorDeterminedBarring,
    /// ESM 26: also of a limit that is reached.
    InsufficientResources,
    /// ESM 27.
    MissingOrUnknownApn,
    /// ESM 32.
    ServiceOptionNotSupported,
    /// ESM 33.
    ServiceOptionNotSubscribed,
    /// ESM 34.
    ServiceOptionOutOfOrder,
    /// ESM 66.
    ApnNotSupportedHere,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ImsiUnknownInHss,
        Self::IllegalUe,
        Self::EpsServicesNotAllowed,
        Self::PlmnNotAllowed,
        Self::TrackingAreaNotAllowed,
        Self::RoamingNotAllowed,
        Self::EpsServicesNotAllowedInPlmn,
        Self::NoSuitableCells,
        Self::CsDomainNotAvailable,
        Self::MacFailure,
        Self::SynchFailure,
        Self::Congestion,
        Self::InvalidMandatoryInformation,
        Self::OperatorDeterminedBarring,
        Self::InsufficientResources,
        Self::MissingOrUnknownApn,
        Self::ServiceOptionNotSupported,
        Self::ServiceOptionNotSubscribed,
        Self::ServiceOptionOutOfOrder,
        Self::ApnNotSupportedHere,
    ];

    /// The cause with this number of `EMM` or `ESM`.
    #[must_use]
    pub fn of_code(protocol: &str, number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| {
            let (own, value, _) = cause.coded();
            own == protocol && value == number
        })
    }

    /// The protocol it is of (TS 24.301 §9.9.3.9 and §9.9.4.4), its number and its name.
    #[must_use]
    pub const fn coded(self) -> (&'static str, u8, &'static str) {
        match self {
            Self::ImsiUnknownInHss => ("EMM", 2, "IMSI unknown in HSS"),
            Self::IllegalUe => ("EMM", 3, "Illegal UE"),
            Self::EpsServicesNotAllowed => ("EMM", 7, "EPS services not allowed"),
            Self::PlmnNotAllowed => ("EMM", 11, "PLMN not allowed"),
            Self::TrackingAreaNotAllowed => ("EMM", 12, "Tracking area not allowed"),
            Self::RoamingNotAllowed => ("EMM", 13, "Roaming not allowed in this tracking area"),
            Self::EpsServicesNotAllowedInPlmn => ("EMM", 14, "EPS services not allowed in this PLMN"),
            Self::NoSuitableCells => ("EMM", 15, "No suitable cells in tracking area"),
            Self::UeIdentityCannotBeDerived => ("EMM", 9, "UE identity cannot be derived by the network"),
            Self::CsDomainNotAvailable => ("EMM", 18, "CS domain not available"),
            Self::MacFailure => ("EMM", 20, "MAC failure"),
            Self::SynchFailure => ("EMM", 21, "Synch failure"),
            Self::Congestion => ("EMM", 22, "Congestion"),
            Self::InvalidMandatoryInformation => ("EMM", 96, "Invalid mandatory information"),
            Self::OperatorDeterminedBarring => ("ESM", 8, "Operator determined barring"),
            Self::InsufficientResources => ("ESM", 26, "Insufficient resources"),
            Self::MissingOrUnknownApn => ("ESM", 27, "Missing or unknown APN"),
            Self::ServiceOptionNotSupported => ("ESM", 32, "Service option not supported"),
            Self::ServiceOptionNotSubscribed => ("ESM", 33, "Requested service option not subscribed"),
            Self::ServiceOptionOutOfOrder => ("ESM", 34, "Service option temporarily out of order"),
            Self::ApnNotSupportedHere => {
                ("ESM", 66, "Requested APN not supported in current RAT and PLMN combination")
            }
        }
    }

    /// The same on an access: in 5G the cause of 5GMM or 5GSM (TS 24.501 §9.11.3.2 and
    /// §9.11.4.2). Two have no number of their own there: an unknown subscriber is not served,
    /// and without a CS domain a call is a service that was not subscribed to.
    #[must_use]
    pub const fn coded_for(self, access: Access) -> (&'static str, u8, &'static str) {
        match (access, self) {
            (Access::Eps, _) => self.coded(),
            (Access::FiveG, Self::ImsiUnknownInHss) => ("5GMM", 7, "5GS services not allowed"),
            (Access::FiveG, Self::CsDomainNotAvailable) => {
                ("5GSM", 33, "Requested service option not subscribed")
            }
            (Access::FiveG, Self::MissingOrUnknownApn) => ("5GSM", 27, "Missing or unknown DNN"),
            (Access::FiveG, _) => {
                let (protocol, number, name) = self.coded();
                (if matches!(protocol.as_bytes(), b"EMM") { "5GMM" } else { "5GSM" }, number, name)
            }
        }
    }
}

/// A cause as JSON: `{"protocol":"ESM","number":27,"name":"Missing or unknown APN"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseView {
    /// `EMM` or `ESM`, in 5G `5GMM` or `5GSM`.
    pub protocol: String,
    /// The cause value.
    pub number: u8,
    /// The standard's name of it.
    pub name: String,
}

impl From<Cause> for CauseView {
    fn from(cause: Cause) -> Self {
        Self::on(cause, Access::Eps)
    }
}

impl CauseView {
    /// The cause as the terminal is sent it on this access.
    #[must_use]
    pub fn on(cause: Cause, access: Access) -> Self {
        let (protocol, number, name) = cause.coded_for(access);
        Self { protocol: protocol.to_owned(), number, name: name.to_owned() }
    }
}

/// Which kind of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The request cannot be understood.
    Malformed,
    /// The operator's token is missing or wrong.
    Unauthorised,
    /// Understood, and not allowed.
    Forbidden,
    /// There is no such thing.
    Unknown,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// It was there and is over.
    Ended,
    /// Too many bytes.
    TooLarge,
    /// Too many requests, bytes or attaches.
    TooMany,
    /// It is not any more what it was when the peer saw it.
    Changed,
    /// The peer must say what it saw: `If-Match`.
    Unconditional,
    /// Allowed, but from here there is no way, or the way failed.
    NoRoute,
    /// The SM did not answer in time.
    Late,
}

impl Kind {
    /// The HTTP status and its title.
    #[must_use]
    pub const fn status(self) -> (u16, &'static str) {
        match self {
            Self::Malformed => (400, "Bad request"),
            Self::Unauthorised => (401, "Unauthorized"),
            Self::Forbidden => (403, "Forbidden"),
            Self::Unknown => (404, "Not found"),
            Self::MethodNotAllowed => (405, "Method not allowed"),
            Self::Ended => (410, "Gone"),
            Self::Changed => (412, "Precondition failed"),
            Self::TooLarge => (413, "Content too large"),
            Self::Unconditional => (428, "Precondition required"),
            Self::TooMany => (429, "Too many requests"),
            Self::NoRoute => (502, "Bad gateway"),
            Self::Late => (504, "Gateway timeout"),
        }
    }
}

/// A no, for the peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which kind.
    pub kind: Kind,
    /// Why, in plain words.
    pub because: String,
    /// The policy rule that decided, where one did.
    pub rule: Option<String>,
    /// The 3GPP cause, where there is one.
    pub cause: Option<Cause>,
    /// Whose causes the terminal knows.
    #[serde(default)]
    pub access: Access,
    /// T3346: for how many seconds the terminal stays away.
    #[serde(default)]
    pub back_off: Option<u64>,
}

impl Refusal {
    /// A refusal without rule or cause.
    #[must_use]
    pub fn new(kind: Kind, because: impl Into<String>) -> Self {
        Self { kind, because: because.into(), rule: None, cause: None, access: Access::Eps, back_off: None }
    }

    /// The same with a 3GPP cause.
    #[must_use]
    pub fn with_cause(self, cause: Cause) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// The same for a terminal on this access.
    #[must_use]
    pub fn on(self, access: Access) -> Self {
        Self { access, ..self }
    }
}

/// Something of ours broke. It is logged where it arises; the peer is shown none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
